/* SPDX-License-Identifier: MIT */
/* control_util.h - an environment whose one poller never has work. */
#ifndef CONTROL_UTIL_H
#define CONTROL_UTIL_H

#include "env_util.h"

static inline int idle(void *arg)
{
	(void)arg;
	return 0;
}

static inline struct plx_env *open_idle(struct plx_env_conf *c, struct kept_log *k)
{
	struct plx_env *env = test_open(c, k);

	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "idle", .fn = idle)), 0);
	return env;
}

#endif

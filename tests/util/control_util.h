/* SPDX-License-Identifier: MIT */
/* control_util.h - an environment whose one poller never has work. */
#ifndef CONTROL_UTIL_H
#define CONTROL_UTIL_H

#include "env_util.h"
#include "control.h"

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

/* Watch has looked n times more. */
static inline void wait_for_looks(struct plx_env *env, unsigned n)
{
	uint64_t was = 0, now = 0;

	for (unsigned seen = 0; seen <= n; seen += now != was, was = now) {
		pthread_mutex_lock(&env->lock);
		now = env->control->looked_at;
		pthread_mutex_unlock(&env->lock);
		plx_sys_sleep(&plx_sys_linux, MS);
	}
}

#endif

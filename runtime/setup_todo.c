/* SPDX-License-Identifier: MIT */
/* setup_todo.c - kinds and stages that are not written yet.  Each stub is weak: the real one
   takes its place, and then the stub goes. */
#include "setup.h"
#include <errno.h>
#include <stdio.h>

#define WEAK __attribute__((weak))

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	(void)s, (void)object, (void)value, (void)len;
	return -ENOSYS;
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	(void)s, (void)object, (void)value;
	snprintf(why, len, "not written yet");
	return -ENOSYS;
}

static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len, "# %s %s", object, value);
}

#define STUB(kind, of_netns) const WEAK struct setup_kind setup_##kind = \
	{ .name = #kind, .netns = of_netns, .get = get, .set = set, .command = command };
STUB(channels, true)
STUB(rss, true)
STUB(feature, true)
STUB(napi, true)
STUB(irqbalance, false)
STUB(cgroup, false)

#define STAGE(id) WEAK void setup_plan_##id(struct setup *s) { setup_skip(s, SETUP_##id, "not written yet"); }
STAGE(channels)
STAGE(rss)
STAGE(offloads)
STAGE(napi)
STAGE(irqbalance)
STAGE(irq_affinity)
STAGE(cpuset)

WEAK int setup_channels_want(const struct plx_port_conf *c, const struct disco_link *l, int *rx, int *tx, int *combined)
{
	(void)c, (void)l, (void)rx, (void)tx, (void)combined;
	return 1;
}

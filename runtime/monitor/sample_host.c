/* SPDX-License-Identifier: MIT */
/* sample_host.c - the part of a look that the host's files and a few calls tell: the clock of
   the lcores' CPUs, quotas of the cgroup, names of interfaces, what NICs miss, and the node of
   some pages.  Cold; watch thread, once a second.  judge.c judges. */
#include "env.h"
#include "file.h"
#include "link_info.h"
#include "monitor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- CPUs ---- */

static uint32_t cpufreq(const struct plx_sys *sys, int cpu, const char *file)
{
	char path[96];
	long v;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/%s", cpu, file);
	return plx_file_number(sys, path, &v) || v <= 0 || v > INT32_MAX ? 0 : (uint32_t)v;
}

/* A clock that nobody governs has no file, and one that is asked for may cost the CPU an
   interrupt on kernels before 5.18. */
static void take_clock(struct monitor_lcore *o, const struct plx_sys *sys, const struct plan_lcore *l)
{
	if (!o->runs || l->ncpus != 1)
		return;
	o->khz_max = cpufreq(sys, l->cpu, "cpuinfo_max_freq");
	o->khz = o->khz_max ? cpufreq(sys, l->cpu, "scaling_cur_freq") : 0;
}

/* The cgroup is that in which the program started; stops for the quota of one above count there. */
static void take_group(struct monitor_sample *s, const struct plx_env *env)
{
	const char *key = env->host.topo.time.version == 1 ? "throttled_time " : "throttled_usec ";
	const uint64_t unit = env->host.topo.time.version == 1 ? 1 : 1000;
	struct topo_cgroup_place at = env->host.topo.time_at;
	uint64_t most = 0;

	if (!env->host.topo.time.version)
		return;
	do {
		char path[600], text[2048];

		snprintf(path, sizeof(path), "%s%s/cpu.stat", at.mount, at.below);
		const char *v = plx_file_read(env->sys, path, text, sizeof(text)) > 0 ? strstr(text, key) : NULL;
		const uint64_t ns = v ? strtoull(v + strlen(key), NULL, 10) * unit : 0;

		s->group_told |= v != NULL;
		s->throttled += ns;
		if (ns <= most)
			continue;
		most = ns;
		snprintf(s->group, sizeof(s->group), "%.*s", (int)(strlen(path) - strlen("/cpu.stat")), path);
	} while (topo_cgroup_up(&at));
}

/* ---- ports ---- */

static const char *const missed[MONITOR_MISSED] = { "rx_missed_errors", "rx_fifo_errors", "rx_over_errors" };

/* Not their sum: some drivers count a frame in two of them. */
uint64_t monitor_missed_most(const struct monitor_port *was, const struct monitor_port *is, const char **where)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < MONITOR_MISSED; i++)
		if (was->missed_told & is->missed_told & 1u << i &&
		    monitor_grown(was->missed[i], is->missed[i]) > most) {
			most = monitor_grown(was->missed[i], is->missed[i]);
			*where = missed[i];
		}
	return most;
}

static void take_missed(struct monitor_port *o, const struct plx_sys *sys, uint32_t ifindex)
{
	char path[96];
	long v;

	o->missed_told = 0;
	if (!*o->now || !plx_link_sysfs(sys, o->now, ifindex)) /* another network namespace's */
		return;
	for (unsigned i = 0; i < MONITOR_MISSED; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", o->now, missed[i]);
		const bool told = !plx_file_number(sys, path, &v) && v >= 0;
		o->missed_told |= (uint8_t)(told << i);
		o->missed[i] = told ? (uint64_t)v : 0;
	}
}

/* What came by zero-copy in pieces is more than the NIC counted; asked only where that can be. */
static void take_counted(struct monitor_port *o, const struct plx_sys *sys, uint32_t ifindex)
{
	char path[96];
	long v;

	if (!o->zerocopy || !*o->now || !plx_link_sysfs(sys, o->now, ifindex))
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets", o->now);
	o->counted_told = !plx_file_number(sys, path, &v) && v >= 0;
	o->counted = o->counted_told ? (uint64_t)v : 0;
}

/* Some pages of the port's pool, spread over it, at each look. */
static void take_pages(struct monitor_port *o, const struct plx_env *env, const struct plan_port *plan)
{
	void *page[MONITOR_PAGES];
	int node[MONITOR_PAGES];
	const struct mem_seg *seg = plan->pool < env->npools ? &env->segs[plan->pool] : NULL;

	if (plan->link.node < 0 || env->host.topo.nnodes < 2 || !seg || !seg->page)
		return;
	const uint64_t all = seg->len / seg->page;
	const unsigned n = all < MONITOR_PAGES ? (unsigned)all : MONITOR_PAGES;

	for (unsigned i = 0; i < n; i++) {
		page[i] = (char *)seg->addr + all * i / n * seg->page;
		node[i] = -1;
	}
	if (!n || env->sys->move_pages(0, n, page, NULL, node, 0))
		return;
	for (unsigned i = 0; i < n; i++) {
		o->pages += node[i] >= 0;
		if (node[i] < 0 || node[i] == plan->link.node)
			continue;
		o->far_pages++;
		o->far_node = (int16_t)node[i];
	}
}

void monitor_host(struct monitor_sample *s, const struct plx_env *env)
{
	s->group_told = false;
	s->throttled = 0;
	s->group[0] = 0;
	take_group(s, env);
	for (unsigned i = 0; i < s->nlcores; i++)
		take_clock(&s->lcore[i], env->sys, &env->plan.lcores[i]);
	for (unsigned i = 0; i < s->nports; i++) {
		const struct plan_port *plan = &env->plan.ports[i];
		struct monitor_port *o = &s->port[i];

		if (!plan->link.ifindex)
			continue;
		plx_link_named(env->sys, plan->link.ifindex, o->now, plan->link.name, &o->named);
		take_missed(o, env->sys, plan->link.ifindex);
		take_counted(o, env->sys, plan->link.ifindex);
		take_pages(o, env, plan);
	}
}

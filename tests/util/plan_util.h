/* SPDX-License-Identifier: MIT */
/* plan_util.h - machines that are made up, and plans for them. */
#ifndef PLAN_UTIL_H
#define PLAN_UTIL_H

#include "plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A table of drivers of our own, so that frame counts here do not follow theirs, nor what they take beside. */
static inline struct plx_beside xdp_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames)
{
	(void)mtu;
	return (struct plx_beside){ .rings = c->rxqs * c->rxd * 48ull + c->txqs * c->txd * 32ull,
	                            .own = (c->rxqs + c->txqs) * (uint64_t)frames };
}

static inline struct plx_beside packet_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames)
{
	(void)frames;
	const uint64_t slots = c->rxqs * c->rxd + c->txqs * c->txd;

	return (struct plx_beside){ .rings = slots * (mtu < 2000 ? 2048 : 16384) };
}

static const struct plx_driver d_af_xdp = { .name = "af_xdp", .device = true, .beside = xdp_beside },
	d_packet = { .name = "packet", .device = true, .any_queues = true, .beside = packet_beside },
	d_loop = { .name = "loop" }, d_null = { .name = "null" };
const struct plx_driver *const plx_drivers[] = { &d_af_xdp, &d_packet, &d_loop, &d_null, NULL };

/* And a pool whose overhead is simple: hardened builds keep more beside each frame. */
size_t plx_pool_size(const struct plx_pool_conf *c)
{
	return c->frames ? (size_t)c->frames * (c->frame_size + PLX_CACHELINE) + 65536 : 0;
}

static struct plx_env_conf conf;
static struct host host;
static struct plan plan;
static char why[2048];

/* machine: nodes of cores of threads; CPUs numbered as Linux does, first threads first. */
static inline void machine(unsigned nodes, unsigned cores, unsigned threads)
{
	memset(&host, 0, sizeof(host));
	host.topo.nnodes = nodes;
	host.topo.ncpus = nodes * cores * threads;
	host.topo.memlock = 8 << 20;
	for (unsigned i = 0; i < TOPO_CPUS_MAX; i++)
		host.topo.cpu[i].node = -1;
	for (unsigned i = 0; i < host.topo.ncpus; i++)
		host.topo.cpu[i] = (struct topo_cpu){ .online = true,
			                              .allowed = true,
			                              .core = (int32_t)(i % (nodes * cores)),
			                              .node = (int16_t)(i / cores % nodes),
			                              .package = (int16_t)(i / cores % nodes) };
	for (unsigned n = 0; n < nodes; n++) {
		host.topo.huge[n][0] = (struct topo_huge){ .page = 1ull << 30, .total = 0, .free = 0 };
		host.topo.huge[n][1] = (struct topo_huge){ .page = 2ull << 20, .total = 512, .free = 512 };
	}
	plx_env_conf_init(&conf);
}

static inline struct plx_port_conf *add(const char *text)
{
	struct plx_port_conf *c = &conf.ports[conf.nports++];
	char line[256];

	*c = plx_port_conf_default;
	if (plx_port_conf_parse(c, text, line, sizeof(line)))
		fail_msg("%s", line);
	return c;
}

/* nic adds an interface that is up, with q channels both ways. */
static inline struct plx_link_info *nic(const char *text, unsigned q, int node)
{
	struct plx_link_info *li = &host.iface[conf.nports].link;
	const struct plx_port_conf *c = add(text);

	snprintf(li->name, sizeof(li->name), "%.15s", c->name);
	*li = (struct plx_link_info){ .ifindex = conf.nports + 1u, .mtu = 1500, .up = true, .running = true,
	                              .rxqs = (uint16_t)q, .txqs = (uint16_t)q, .rxqs_max = 8, .txqs_max = 8,
	                              .combined = true, .node = (int16_t)node, .kdriver = "veth" };
	return li;
}

static inline void lcores(const char *list)
{
	char arg[128], *argv[] = { "t", arg };

	snprintf(arg, sizeof(arg), "-l%s", list);
	assert_int_equal(plx_env_conf_parse(&conf, 2, argv, NULL, why, sizeof(why)), 0);
}

static inline void made(void)
{
	int err = plan_make(&plan, &conf, &host, why, sizeof(why));

	if (err)
		fail_msg("%d: %s", err, why);
}

static inline void refused(int err, const char *want)
{
	why[0] = 0;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), err);
	assert_string_equal(why, want);
}

static inline bool noted(const char *part)
{
	for (int i = 0; i < plan.nnotes; i++)
		if (strstr(plan.notes[i].evidence, part))
			return true;
	return false;
}

static inline uint16_t lcore_of(uint16_t port, uint16_t q)
{
	return plan.lcores[plan.ports[port].rxq_lcore[q]].id;
}

#endif

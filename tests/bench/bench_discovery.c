/* SPDX-License-Identifier: MIT */
/* bench_discovery.c - what it costs to find out about the machine and one interface, and to plan:
   the time of each source.  Reading only.

     bench_discovery [INTERFACE] [--json]

   Without a name: the first interface with a device behind it, else lo. */
#include "iface.h"
#include "nl.h"
#include "plan.h"

#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 31 };

struct bed {
	const struct plx_sys *sys;
	char name[16];
	struct host *host;
	struct iface *l;        /* the host's */
	struct plx_link_info li;
	struct plx_env_conf *conf;
	struct plan *plan;
	unsigned links;
};

static void count(void *arg, const struct iface *l)
{
	struct bed *b = arg;

	(void)l;
	b->links++;
}

static void by_netlink(struct bed *b, int protocol, void (*fn)(struct nl *q, struct iface *l))
{
	struct nl q;

	if (nl_open(&q, b->sys, protocol))
		return;
	fn(&q, b->l);
	nl_close(&q);
}

static void rtnl(struct nl *q, struct iface *l)
{
	char name[16];

	memcpy(name, l->name, sizeof(name));
	iface_rtnl(q, name, l);
	iface_rtnl_names(q, l);
}

static void run_topo(struct bed *b)    { topo_read(b->sys, &b->host->topo); }
static void run_links(struct bed *b)   { iface_link_each(b->sys, count, b); }
static void run_query(struct bed *b)   { plx_link_query(b->sys, b->name, &b->li); }
static void run_rtnl(struct bed *b)    { by_netlink(b, NETLINK_ROUTE, rtnl); }
static void run_ethtool(struct bed *b) { by_netlink(b, NETLINK_GENERIC, iface_ethtool); }
static void run_netdev(struct bed *b)  { by_netlink(b, NETLINK_GENERIC, iface_netdev); }
static void run_irq(struct bed *b)     { iface_irq(b->sys, b->l); }
static void run_prog(struct bed *b)    { plx_xdp_prog(&b->l->xdp, b->sys); }
static void run_read(struct bed *b)    { iface_read(b->sys, b->name, b->l); }

static void run_plan(struct bed *b)
{
	char why[2048];

	plan_make(b->plan, b->conf, b->host, why, sizeof(why));
}

static void run_all(struct bed *b)
{
	char why[512];

	host_free(b->host);
	host_read(b->host, b->sys, b->conf, why, sizeof(why));
	b->l = b->host->iface[0].found;
	run_plan(b);
}

static const struct { const char *what; void (*run)(struct bed *b); double limit_ms; } rows[] = {
	{ "machine: hwloc, sysfs, procfs",        run_topo, 0 },
	{ "all links: rtnetlink",                 run_links, 0 },
	{ "rtnetlink, with names of others",      run_rtnl, 0 },
	{ "driver, channels, node: ioctl, sysfs", run_query, 0 },
	{ "channels, rings, RSS, offloads: ethtool", run_ethtool, 0 },
	{ "XDP features, queues, NAPI: netdev",   run_netdev, 0 },
	{ "interrupts and their CPUs",            run_irq, 0 },
	{ "XDP program",                          run_prog, 0 },
	{ "one interface, all of it",             run_read, 5 },
	{ "plan",                                 run_plan, 0 },
	{ "machine, one interface and plan",      run_all, 60 },
};

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_ms(struct bed *b, void (*run)(struct bed *b))
{
	double v[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t t = plx_sys_now(b->sys);
		run(b);
		v[i] = (double)(plx_sys_now(b->sys) - t) / 1e6;
	}
	qsort(v, ROUNDS, sizeof(*v), cmp);
	return v[ROUNDS / 2];
}

static void choose(void *arg, const struct iface *l)
{
	struct bed *b = arg;

	if (!strcmp(b->name, "lo") && *l->parent)
		memcpy(b->name, l->name, sizeof(b->name));
}

static bool make(struct bed *b)
{
	b->host = calloc(1, sizeof(*b->host));
	b->conf = calloc(1, sizeof(*b->conf));
	b->plan = calloc(1, sizeof(*b->plan));
	if (!b->host || !b->conf || !b->plan)
		return false;
	if (!*b->name) {
		strcpy(b->name, "lo");
		iface_link_each(b->sys, choose, b);
	}
	plx_env_conf_init(b->conf);
	b->conf->ports[0] = plx_port_conf_default;
	memcpy(b->conf->ports[0].name, b->name, sizeof(b->name));
	b->conf->nports = 1;
	run_all(b);
	return b->l;
}

int main(int argc, char **argv)
{
	struct bed b = { .sys = &plx_sys_linux };
	bool json = false;
	int missed = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else
			snprintf(b.name, sizeof(b.name), "%s", argv[i]);
	}
	if (!make(&b)) {
		fprintf(stderr, "bench_discovery: %s cannot be read\n", b.name);
		return 2;
	}
	if (json)
		printf("{\"bench\":\"discovery\",\"interface\":\"%s\",\"rxqs\":%u,\"rows\":[", b.name, b.l->nrxqs);
	else
		printf("%s, %u receive queues: median of %d, ms\n", b.name, b.l->nrxqs, ROUNDS);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		double ms = median_ms(&b, rows[i].run);
		bool miss = rows[i].limit_ms > 0 && ms >= rows[i].limit_ms;

		missed |= miss;
		if (json)
			printf("%s\n{\"what\":\"%s\",\"ms\":%.4f,\"limit_ms\":%g,\"ok\":%s}", i ? "," : "",
			       rows[i].what, ms, rows[i].limit_ms, miss ? "false" : "true");
		else if (rows[i].limit_ms > 0)
			printf("%-42s %8.3f   < %2g  %s\n", rows[i].what, ms, rows[i].limit_ms, miss ? "MISS" : "OK");
		else
			printf("%-42s %8.3f\n", rows[i].what, ms);
	}
	if (json)
		printf("\n]}\n");
	host_free(b.host);
	free(b.host);
	free(b.conf);
	free(b.plan);
	return missed;
}

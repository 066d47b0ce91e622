/* SPDX-License-Identifier: MIT */
/* test_plan_place.c - lcores and queues against nodes, threads of cores and the CPUs that serve
   the queues' interrupts, on machines that are made up. */
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct plx_env_conf conf;
static struct host host;
static struct iface iface; /* interrupts, the same of each port */
static struct plan plan;

static const struct row {
	const char *what;
	unsigned nodes, cores, threads;  /* cores of a node; CPUs numbered as Linux does, first threads first */
	const char *isolated;            /* CPUs of isolcpus=, each a digit */
	const char *offline;
	int nic;                         /* node of the NIC */
	const char *irq;                 /* CPU of each queue's interrupt, a digit; - = not known */
	const char *iface;
	const char *lcores;              /* of -l, NULL = none named */
	enum plx_placement placement;
	const char *want;                /* CPU that polls each queue */
	const char *note;                /* part of a note, NULL = none that speaks of an interrupt */
} rows[] = {
	{ "beside: two quiet CPUs are left", 1, 4, 1, "", "", 0, "01", "eth0", NULL, PLX_PLACE_AUTO, "23", NULL },
	{ "on them, when asked", 1, 4, 1, "", "", 0, "01", "eth0", NULL, PLX_PLACE_SAME, "01", NULL },
	{ "on them, the other way round", 1, 4, 1, "", "", 0, "31", "eth0", NULL, PLX_PLACE_SAME, "31", NULL },
	{ "each CPU has an interrupt: its own", 1, 2, 1, "", "", 0, "01", "eth0", NULL, PLX_PLACE_AUTO, "01", NULL },
	{ "each CPU has an interrupt: the other's, when asked", 1, 2, 1, "", "", 0, "01", "eth0", NULL, PLX_PLACE_SPLIT,
	  "10", NULL },
	{ "the same of three: none polls what it serves", 1, 3, 1, "", "", 0, "012", "eth0", NULL, PLX_PLACE_SPLIT,
	  "201", NULL },
	{ "named: a queue makes room for one that needs it more", 1, 6, 1, "", "", 0, "52", "eth0", "2-3",
	  PLX_PLACE_SPLIT, "23", NULL },
	{ "queues share the lcores of the NIC's node", 2, 2, 1, "", "", 1, "0123", "eth0", NULL, PLX_PLACE_AUTO, "2323",
	  NULL },
	{ "all interrupts on one CPU of two", 1, 2, 1, "", "", 0, "0", "eth0", NULL, PLX_PLACE_AUTO, "1", NULL },
	{ "one CPU for all: cannot be helped", 1, 1, 1, "", "", 0, "0", "eth0", NULL, PLX_PLACE_SPLIT, "0",
	  "eth0 queue 0: interrupt 40 is on CPU 0, and so is lcore 0" },
	{ "nothing known: as ever", 1, 4, 1, "", "", 0, "--", "eth0", NULL, PLX_PLACE_AUTO, "01", NULL },
	{ "interrupts on the wrong node: lcores at the NIC", 2, 2, 1, "", "", 1, "01", "eth0", NULL, PLX_PLACE_AUTO,
	  "23", NULL },
	{ "the NIC's node is not told: the interrupt's", 2, 2, 1, "", "", -1, "2", "eth0", NULL, PLX_PLACE_AUTO, "3",
	  NULL },
	{ "four nodes, NIC on the third", 4, 2, 1, "", "", 2, "4", "eth0", NULL, PLX_PLACE_AUTO, "5", NULL },
	/* cores 0..3 have threads 0,4 1,5 2,6 3,7 */
	{ "not the other thread of the interrupt's core", 1, 4, 2, "", "", 0, "0", "eth0", NULL, PLX_PLACE_AUTO, "1",
	  NULL },
	{ "nor its first thread", 1, 4, 2, "", "", 0, "4", "eth0", NULL, PLX_PLACE_AUTO, "1", NULL },
	{ "two interrupts, two quiet cores", 1, 4, 2, "", "", 0, "04", "eth0", NULL, PLX_PLACE_AUTO, "12", NULL },
	{ "whole cores first, then the quiet thread of the busy core", 1, 4, 2, "", "", 0, "0000", "eth0", NULL,
	  PLX_PLACE_AUTO, "1234", NULL },
	{ "two nodes with threads: beside, on the node, a core each", 2, 2, 2, "", "", 1, "26", "eth0", NULL,
	  PLX_PLACE_AUTO, "32", NULL },
	{ "the only quiet core is offline", 1, 4, 1, "", "23", 0, "01", "eth0", NULL, PLX_PLACE_AUTO, "01", NULL },
	{ "isolated CPUs are meant for it, quiet ones of them first", 1, 4, 1, "23", "", 0, "2", "eth0", NULL,
	  PLX_PLACE_AUTO, "3", NULL },
	{ "isolated before quiet", 1, 4, 1, "2", "", 0, "2", "eth0", NULL, PLX_PLACE_AUTO, "2", NULL },
	{ "named: the one beside", 1, 4, 1, "", "", 0, "0", "eth0", "0-1", PLX_PLACE_AUTO, "1", NULL },
	{ "named: a quiet one before another's", 1, 4, 1, "", "", 0, "02", "eth0,rxqs=1", "0,2-3", PLX_PLACE_SPLIT, "2",
	  NULL },
	{ "named: spread first", 1, 4, 1, "", "", 0, "00", "eth0", "0-1", PLX_PLACE_SPLIT, "10",
	  "eth0 queue 1: interrupt 41 is on CPU 0, and so is lcore 0: name another CPU with -l" },
	{ "named: same-core is out of reach", 1, 4, 1, "", "", 0, "0", "eth0", "2", PLX_PLACE_SAME, "2",
	  "eth0 queue 0: interrupt 40 is on CPU 0 and lcore 2 is not: add CPU 0 to -l, or echo 2 > "
	  "/proc/irq/40/smp_affinity_list" },
	{ "named: same-core before spread", 1, 4, 1, "", "", 0, "11", "eth0", "0-1", PLX_PLACE_SAME, "11", NULL },
	{ "same-core of what has no interrupt", 1, 2, 1, "", "", 0, "-", "eth0", NULL, PLX_PLACE_SAME, "0",
	  "eth0 queue 0: which CPU serves it is not known (no interrupt): --placement=same-core cannot be kept" },
	{ "the first queue is the device's third", 1, 4, 1, "", "", 0, "0012", "eth0,queue=2", NULL, PLX_PLACE_SAME,
	  "12", NULL },
};

static bool has(const char *digits, unsigned cpu)
{
	return cpu < 10 && strchr(digits, (int)('0' + cpu));
}

static void make(const struct row *r)
{
	char line[256], arg[64], *argv[] = { "t", arg };
	unsigned queues = (unsigned)strlen(r->irq), all = r->nodes * r->cores;

	memset(&host, 0, sizeof(host));
	host.topo.nnodes = r->nodes;
	host.topo.ncpus = all * r->threads;
	host.topo.memlock = UINT64_MAX;
	for (unsigned i = 0; i < host.topo.ncpus; i++)
		host.topo.cpu[i] = (struct topo_cpu){ .online = !has(r->offline, i),
			                              .allowed = true,
			                              .isolated = has(r->isolated, i),
			                              .core = (int32_t)(i % all),
			                              .node = (int16_t)(i / r->cores % r->nodes) };
	plx_env_conf_init(&conf);
	conf.placement = r->placement;
	conf.ports[0] = plx_port_conf_default;
	assert_int_equal(plx_port_conf_parse(&conf.ports[0], r->iface, line, sizeof(line)), 0);
	conf.nports = 1;
	host.iface[0].link = (struct plx_link_info){ .name = "eth0",
		                                     .ifindex = 2,
		                                     .mtu = 1500,
		                                     .up = true,
		                                     .running = true,
		                                     .rxqs = (uint16_t)queues,
		                                     .txqs = (uint16_t)queues,
		                                     .rxqs_max = 8,
		                                     .txqs_max = 8,
		                                     .combined = true,
		                                     .node = (int16_t)r->nic };
	for (unsigned q = 0; q < PLX_QUEUES_MAX; q++) {
		bool known = q < queues && r->irq[q] != '-';
		int cpu = known ? r->irq[q] - '0' : -1;

		iface.rxq[q].irq = known ? (int)(40 + q) : -1;
		iface.rxq[q].cpu = cpu;
		iface.rxq[q].node = known ? host.topo.cpu[cpu].node : -1;
		iface.rxq[q].how = known ? IFACE_IRQ_MSI : IFACE_IRQ_NONE;
	}
	iface.nrxqs = PLX_QUEUES_MAX;
	host.iface[0].found = &iface;
	if (!r->lcores)
		return;
	snprintf(arg, sizeof(arg), "-l%s", r->lcores);
	assert_int_equal(plx_env_conf_parse(&conf, 2, argv, NULL, line, sizeof(line)), 0);
	conf.placement = r->placement;
}

static void check_notes(const struct row *r)
{
	bool found = false;

	for (int i = 0; i < plan.nnotes; i++) {
		found |= r->note && strstr(plan.notes[i].evidence, r->note);
		if (!r->note && strstr(plan.notes[i].evidence, "interrupt"))
			fail_msg("%s: %s", r->what, plan.notes[i].evidence);
	}
	if (r->note && !found)
		fail_msg("%s: not noted (of %u: %s)", r->what, plan.nnotes, plan.notes[0].evidence);
}

static void test_rows(void **state)
{
	char why[2048], got[64];

	(void)state;
	for (const struct row *r = rows; r < rows + PLX_ARRAY_SIZE(rows); r++) {
		make(r);
		if (plan_make(&plan, &conf, &host, why, sizeof(why)))
			fail_msg("%s: %s", r->what, why);
		uint16_t q = 0;
		for (; q < plan.ports[0].conf.rxqs && q < 60; q++)
			got[q] = (char)('0' + plan.lcores[plan.ports[0].rxq_lcore[q]].cpu);
		got[q] = 0;
		if (strcmp(got, r->want))
			fail_msg("%s: polled on %s, not %s", r->what, got, r->want);
		check_notes(r);
	}
}

/* Two NICs, each on a node of its own: no queue of either is polled across, however they come. */
static void test_two_nics(void **state)
{
	static const struct row two = { "two", 2, 1, 1, "", "", 0, "--", "eth0", "0-1", PLX_PLACE_AUTO, "", NULL };
	char why[2048];

	(void)state;
	make(&two);
	conf.ports[1] = conf.ports[0];
	snprintf(conf.ports[1].name, sizeof(conf.ports[1].name), "eth1");
	conf.nports = 2;
	host.iface[1] = host.iface[0];
	host.iface[1].link.ifindex = 3;
	host.iface[1].link.node = 1;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), 0);
	for (int i = 0; i < 2; i++)
		for (int q = 0; q < 2; q++)
			assert_int_equal(plan.lcores[plan.ports[i].rxq_lcore[q]].node, i);
	assert_int_equal(plan.lcores[0].queues, 2);
	assert_int_equal(plan.lcores[1].queues, 2);
	/* lcores that nobody named: three queues share the one CPU of their node, beside the other's one */
	conf.nlcores = 0;
	host.iface[0].link.rxqs = 3;
	host.iface[1].link.rxqs = 1;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), 0);
	assert_int_equal(plan.nlcores, 2);
	assert_int_equal(plan.lcores[0].queues, 3);
	assert_int_equal(plan.lcores[1].queues, 1);
	/* a queue that is near to none goes where there is least to do, whichever port is first */
	host.iface[0].link.node = -1;
	host.iface[1].link.rxqs = 2;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), 0);
	assert_int_equal(plan.lcores[1].queues, 2);
	assert_int_equal(plan.lcores[0].queues, 3);
}

/* 1024 CPUs, 256 queues and as many lcores as there may be. */
static void test_big(void **state)
{
	static const struct row big = {
		"big", 8, 64, 2, "", "", 3, "0", "eth0,rxqs=1", NULL, PLX_PLACE_AUTO, "", NULL
	};
	char why[2048];

	(void)state;
	make(&big);
	for (int i = 0; i < 4; i++) {
		conf.ports[i] = conf.ports[0];
		snprintf(conf.ports[i].name, sizeof(conf.ports[i].name), "eth%d", i);
		conf.ports[i].rxqs = 64;
		host.iface[i] = host.iface[0];
		host.iface[i].link.ifindex = (uint32_t)(2 + i);
		host.iface[i].link.rxqs = host.iface[i].link.txqs = 64;
	}
	conf.nports = 4;
	if (plan_make(&plan, &conf, &host, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.nlcores, PLX_LCORES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_two_nics),
		                            cmocka_unit_test(test_big) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_plan.c - plans for machines that are made up: which lcores poll which queues; how a plan is
   printed; and what must hold of any plan. */
#include "plan_util.h"

#include <linux/if_link.h>

/* ---- lcores and queues ---- */

static void test_one_cpu(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 2, -1);
	nic("eth1", 1, -1);
	made();
	assert_int_equal(plan.nlcores, 1);
	assert_int_equal(plan.lcores[0].cpu, 0);
	assert_int_equal(plan.lcores[0].queues, 3);
	assert_int_equal(plan.npools, 1);
	assert_int_equal(plan.pools[0].node, 0);
	assert_int_equal(plan.main_cpu, -1);
	assert_int_equal(plan.nnotes, 0);
}

static void test_two_cpus(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0", 2, -1);
	nic("eth1", 2, -1);
	made();
	assert_int_equal(plan.nlcores, 2);
	for (uint16_t p = 0; p < 2; p++)
		for (uint16_t q = 0; q < 2; q++)
			assert_int_equal(lcore_of(p, q), q);
	assert_int_equal(plan.ports[0].conf.txqs, 2);
	assert_int_equal(plan.ports[0].conf.rxd, 2048);
	assert_int_equal(plan.ports[1].conf.id, 1);
}

static void test_fewer_queues_than_cpus(void **state)
{
	(void)state;
	machine(1, 8, 1);
	nic("eth0", 1, -1);
	made();
	assert_int_equal(plan.nlcores, 1);
	conf.nports = 0;
	made();
	assert_int_equal(plan.nlcores, 1);
	assert_int_equal(plan.npools, 1);
	assert_true(plan.pools[0].frames >= 1024);
}

/* Two nodes of two cores of two threads; the NIC is on node 1: CPUs 2,3 and 6,7. */
static void test_node_of_nic(void **state)
{
	(void)state;
	machine(2, 2, 2);
	nic("eth0", 2, 1);
	made();
	assert_int_equal(plan.nlcores, 2);
	assert_int_equal(plan.lcores[0].id, 2);
	assert_int_equal(plan.lcores[1].id, 3);
	assert_int_equal(plan.lcores[0].node, 1);
	assert_int_equal(plan.npools, 1);
	assert_int_equal(plan.pools[0].node, 1);
	/* whole cores first, then second threads, and none of another node */
	host.iface[0].link.rxqs = host.iface[0].link.txqs = 6;
	made();
	assert_int_equal(plan.nlcores, 4);
	assert_int_equal(plan.lcores[2].id, 6);
	assert_int_equal(plan.lcores[3].id, 7);
	for (int i = 0; i < 4; i++)
		assert_int_equal(plan.lcores[i].node, 1);
	/* but where that node has no CPU for us, any is better than none */
	for (int i = 0; i < 8; i++)
		host.topo.cpu[i].allowed = host.topo.cpu[i].node == 0;
	made();
	assert_int_equal(plan.nlcores, 4);
	assert_int_equal(plan.lcores[0].node, 0);
	/* and a far one that was isolated is meant for it */
	for (int i = 0; i < 8; i++)
		host.topo.cpu[i].allowed = true;
	host.topo.cpu[1].isolated = true;
	made();
	assert_int_equal(plan.nlcores, 5);
	assert_int_equal(plan.lcores[0].id, 1);
}

/* Where threads of a core have adjacent numbers, whole cores come first all the same. */
static void test_whole_cores_first(void **state)
{
	(void)state;
	machine(1, 2, 2);
	for (int i = 0; i < 4; i++)
		host.topo.cpu[i].core = i / 2;
	nic("eth0", 2, -1);
	made();
	assert_int_equal(plan.lcores[0].id, 0);
	assert_int_equal(plan.lcores[1].id, 2);
}

static void test_isolated_first(void **state)
{
	(void)state;
	machine(1, 4, 1);
	host.topo.cpu[3].isolated = true;
	nic("eth0", 1, -1);
	made();
	assert_int_equal(plan.lcores[0].id, 3);
}

static void test_offline_and_cpuset(void **state)
{
	(void)state;
	machine(1, 4, 1);
	host.topo.cpu[0].online = false;
	host.topo.cpu[3].allowed = false;
	nic("eth0", 4, -1);
	made();
	assert_int_equal(plan.nlcores, 2);
	assert_int_equal(plan.lcores[0].id, 1);
	lcores("0");
	refused(-EINVAL, "lcore 0: CPU 0 is not there or offline: use -l of 1-2");
	lcores("5");
	refused(-EINVAL, "lcore 5: CPU 5 is not there or offline: use -l of 1-2");
	lcores("1,3");
	refused(-EINVAL, "lcore 3: CPU 3 is not in this process's cpuset (1-2): use -l 1-2");
	lcores("1@(2,3)");
	refused(-EINVAL, "lcore 1: CPU 3 is not in this process's cpuset (1-2): use -l 1-2");
}

static void test_given_lcores(void **state)
{
	(void)state;
	machine(2, 2, 2);
	nic("eth0", 4, 1);
	lcores("0-3");
	made();
	/* lcores 2 and 3 are local: filled first, but 0 and 1 do not stand idle */
	assert_int_equal(lcore_of(0, 0), 2);
	assert_int_equal(lcore_of(0, 1), 3);
	for (int i = 0; i < 4; i++)
		assert_int_equal(plan.lcores[i].queues, 1);
	lcores("0");
	made();
	assert_true(noted("eth0 is on node 1 and 4 of its 4 receive queues on lcores of other nodes"));
	lcores("(0,2)@(0-3)");
	made();
	assert_int_equal(plan.lcores[0].node, -1);
	assert_int_equal(plan.lcores[0].ncpus, 4);
}

static void test_shared_cpus_are_noted(void **state)
{
	(void)state;
	machine(1, 2, 2);
	nic("eth0", 2, -1);
	lcores("(0,1)@1");
	made();
	assert_true(noted("lcores 0 and 1 share CPU 1: --idle=adaptive lets one sleep for the other"));
	lcores("(0-3)@0");
	made();
	assert_true(noted("lcores 0, 1, 2 and 3 share CPU 0"));
	lcores("(0-9)@0");
	made();
	assert_true(noted("lcores 0, 1, 2, 3, 4, 5, 6, 7 and 2 more share CPU 0"));
	lcores("0,2");
	made();
	assert_true(noted("lcores 0 and 2 are two threads of one core (CPUs 0 and 2)"));
	host.topo.cpu[0].core = host.topo.cpu[2].core = -1; /* which core is not told */
	made();
	assert_false(noted("two threads of one core"));
	lcores("0,1,3");
	made();
	assert_true(noted("no receive queue is left for lcore 3: "));
}

static void test_main_lcore(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0", 4, -1);
	conf.main_lcore = 0;
	made();
	assert_int_equal(plan.main_cpu, 0);
	assert_int_equal(plan.nlcores, 3); /* it keeps CPU 0 for itself */
	assert_int_equal(plan.lcores[0].id, 1);
	lcores("1@3,2");
	conf.main_lcore = 1;
	made();
	assert_int_equal(plan.main_cpu, 3); /* an lcore of -l: its CPU */
	assert_int_equal(plan.nlcores, 2);
	conf.main_lcore = 9;
	refused(-EINVAL, "--main-lcore 9: CPU 9 is not there or offline: use one of 0-3");
	host.topo.cpu[0].allowed = false;
	conf.main_lcore = 0;
	refused(-EINVAL, "--main-lcore 0: CPU 0 is not in this process's cpuset (1-3): use one of 1-3");
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.main_lcore = 0;
	made();
	assert_int_equal(plan.nlcores, 1); /* the only CPU serves both */
	assert_int_equal(plan.lcores[0].cpu, 0);
}

static void test_unknown_machine(void **state)
{
	(void)state;
	machine(1, 0, 0);
	nic("eth0", 2, -1);
	made();
	assert_int_equal(plan.nlcores, 1);
	assert_int_equal(plan.lcores[0].cpu, -1);
	assert_true(noted("not known"));
	lcores("0-1");
	made();
	assert_int_equal(plan.nlcores, 2);
}

static void test_many_ports(void **state)
{
	char name[32];

	(void)state;
	machine(2, 16, 2);
	for (int i = 0; i < PLX_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "port%d", i);
		nic(name, 8, i % 2);
	}
	conf.huge = PLX_NEVER;
	made();
	assert_int_equal(plan.nlcores, 64);
	for (int i = 0; i < 64; i++)
		assert_int_equal(plan.lcores[i].queues, 8);
	assert_int_equal(plan.npools, 2);
	assert_true(noted("2 pools"));
}

/* ---- print ---- */

static void golden(bool json, const char *want)
{
	char *got = plan_print(&plan, &host.topo, json);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void test_print(void **state)
{
	static struct iface found;

	(void)state;
	machine(2, 2, 1);
	nic("eth0", 4, 1);
	iface_link_init(&found);
	found.nrxqs = 4;
	found.rxq[1].irq = 41, found.rxq[1].cpu = found.rxq[1].node = 0, found.rxq[1].how = IFACE_IRQ_NAPI;
	found.rxq[3].irq = 43, found.rxq[3].how = IFACE_IRQ_MSI;
	host.iface[0].found = &found;
	add("l,driver=loop,queues=1");
	lcores("1@(0,1),2-3");
	conf.main_lcore = 0;
	host.topo.huge[1][1].free = 0;
	made();
	golden(false, "machine  2 nodes, CPUs 0-3 allowed\n"
	              "control  CPU 0\n"
	              "lcore    1    CPU 0-1      node 0   polls l:0\n"
	              "lcore    2    CPU 2        node 1   polls eth0:0,3\n"
	              "lcore    3    CPU 3        node 1   polls eth0:1-2\n"
	              "port     0    eth0            driver auto    rxqs 4 txqs 4 first 0 rxd 2048 txd 2048 pool 0 "
	              "node 1 MTU 1500 (veth) mode auto;"
	              " driver auto: the best that works, all channels\n"
	              "sends    0    eth0:0 lcore 2, eth0:1 lcore 3, eth0:2 lcore 1, eth0:3 lcore 2\n"
	              "queue    eth0:1 interrupt 41 on CPU 0 node 0 (by netdev netlink), polled by lcore 3\n"
	              "queue    eth0:3 interrupt 43 on an unknown CPU (by name in msi_irqs), polled by lcore 2\n"
	              "port     1    l               driver loop    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0\n"
	              "sends    1    l:0 lcore 1 and through it 2-3\n"
	              "pool     0    node 1: 40680 frames of 2048, 36160 of them for rings and lcores; 82.0 MiB in "
	              "pages of 4 KiB;"
	              " 0 of 41 hugepages free: echo 553 > "
	              "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages\n"
	              "memory   86.9 MiB: pools 82.0, program 4.0, rings of eth0 0.9 (32.3 if driver=auto comes to "
	              "driver=packet)\n"
	              "note     l has 1 transmit queue for 3 lcores that poll: the others send through an "
	              "lcore that has one\nnothing was changed\n");
	golden(true,
	       "{\"nodes\":2,\"main_cpu\":0,\"registered_threads\":0,\"memory_bytes\":91156800,\"memory_bytes_most\":"
	       "124055872,"
	       "\"lcores\":[{\"id\":1,\"node\":0,\"queues\":1,\"service\":false,\"cpus\":[0,1]},{\"id\":2,\"node\":1,"
	       "\"queues\":2,\"service\":false,\"cpus\":[2]},{\"id\":3,\"node\":1,\"queues\":2,\"service\":false,"
	       "\"cpus\":[3]}],\"ports\":[{\"name\":\"eth0\",\"given\":\"eth0\","
	       "\"driver\":\"auto\",\"mode\":\"auto\",\"queue\":0,\"rxqs\":4,\"txqs\":4,\"rxd\":2048,\"txd\":2048,"
	       "\"pool\":0,\"ifindex\":2,"
	       "\"mtu\":1500,\"node\":1,\"beside_bytes\":980800,\"beside_bytes_most\":33879872,\"rxq_lcores\":[2,3,3,2]"
	       ",\"txq_lcores\":[2,3,1,2],\"sends_through\":[],\"rxq_irqs\":[{\"irq\":-1,\"cpu\":-1,\"node\":-1,"
	       "\"known_by\":\"unknown\"},"
	       "{\"irq\":41,\"cpu\":0,\"node\":0,\"known_by\":\"netdev "
	       "netlink\"},{\"irq\":-1,\"cpu\":-1,\"node\":-1,\"known_by\":\"unknown\"},"
	       "{\"irq\":43,\"cpu\":-1,\"node\":-1,\"known_by\":\"name in msi_irqs\"}],\"hook\":null,\"why\":\"driver "
	       "auto: the best that works, all channels\"},"
	       "{\"name\":\"l\",\"given\":\"l\",\"driver\":\"loop\",\"mode\":null,\"queue\":0,\"rxqs\":1,\"txqs\":1,"
	       "\"rxd\":2048,\"txd\":2048,\"pool\":0,"
	       "\"ifindex\":0,\"mtu\":0,\"node\":-1,\"beside_bytes\":0,\"beside_bytes_most\":0,\"rxq_lcores\":[1],"
	       "\"txq_lcores\":[1],\"sends_through\":[{\"lcore\":2,\"txq\":0,\"owner\":1},"
	       "{\"lcore\":3,\"txq\":0,\"owner\":1}],\"rxq_irqs\":[],\"hook\":null,\"why\":\"\"}],\"pools\":[{\"node\":"
	       "1,\"frames\":40680,"
	       "\"frame_size\":2048,\"held\":36160,\"bytes\":85981696,\"page_bytes\":4096,\"hugepages\":41,\"hugepages_"
	       "free\":0,\"why\":\"0 of 41 hugepages free: echo "
	       "553 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages\"}],\"notes\":[\"l has 1 "
	       "transmit "
	       "queue for 3 lcores that poll: the others send through an lcore that has one\"]}\n");
}

/* Queues are told by the interface's numbers, as everywhere else. */
static void test_print_queue(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0,queue=1,rxqs=1", 2, -1);
	lcores("0");
	made();
	char *got = plan_print(&plan, &host.topo, false);

	assert_non_null(got);
	assert_non_null(strstr(got, "polls eth0:1\n"));
	assert_non_null(strstr(got, "eth0:1 lcore 0\n"));
	assert_null(strstr(got, "all channels"));
	free(got);
}

static void prints(bool json, const char *part)
{
	char *got = plan_print(&plan, &host.topo, json);

	assert_non_null(got);
	if (!strstr(got, part))
		fprintf(stderr, "\"%s\" not in:\n%s", part, got);
	assert_non_null(strstr(got, part));
	free(got);
}

/* Whoever has the XDP hook would end a start. */
static void test_print_hook(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0", 1, -1);
	lcores("0");
	made();
	plan.ports[0].xdp = (struct plx_xdp_info){ .id = 9, .name = "theirs", .mode = XDP_ATTACHED_SKB,
	                                           .tag = { 1, 2, 3, 4, 5, 6, 7, 0xf8 } };
	prints(false, "hook     eth0: held by generic program 9 \"theirs\": ip link set dev eth0 xdpgeneric off\n");
	prints(true, "\"hook\":{\"mode\":\"generic\",\"dispatcher\":false,\"pid\":0,\"link\":0,\"program\":{\"id\":9,"
	             "\"name\":\"theirs\","
	             "\"tag\":\"01020304050607f8\",\"priority\":null},\"calls\":[]}");
	plan.ports[0].xdp = (struct plx_xdp_info){ .id = 12, .dispatcher = true, .ncalled = 1,
	                                           .called = { { .id = 13, .name = "x", .prio = 10 } } };
	prints(false, "hook     eth0: held by libxdp's dispatcher, program 12, which calls program 13 "
	       "\"x\" (priority 10): xdp-loader unload eth0 --all\n");
	prints(true,
	       "\"hook\":{\"mode\":null,\"dispatcher\":true,\"pid\":0,\"link\":0,\"program\":{\"id\":12,\"name\":\"\","
	       "\"tag\":\"0000000000000000\",\"priority\":null},\"calls\":[{\"id\":13,\"name\":\"x\",\"tag\":"
	       "\"0000000000000000\",\"priority\":10}]}");
}

static void test_print_escapes(void **state)
{
	char *got;

	(void)state;
	machine(9, 1, 1);
	for (int i = 0; i < 9; i += 8)
		host.topo.node[i].present = true; /* nodes 0 and 8, as POWER has them */
	add("a,driver=loop");
	snprintf(conf.ports[0].name, PLX_NAME_MAX, "q\"b\\c\n\xc3\xc3\xa9\xf0\x9f\x90\x99");
	made();
	got = plan_print(&plan, &host.topo, true);
	assert_non_null(strstr(got, "{\"nodes\":2,"));
	assert_non_null(strstr(got, "\"name\":\"q\\\"b\\\\c\\u000a\\u00c3\\u00e9\\ud83d\\udc19\""));
	free(got);
}

/* ---- what must hold of any plan ---- */

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % n;
}

static void check_any_plan(void)
{
	unsigned queues = 0, on_lcores = 0;

	assert_true(plan.nlcores >= 1 && plan.npools >= 1);
	for (uint16_t i = 0; i < plan.nlcores; i++) {
		on_lcores += plan.lcores[i].queues;
		for (uint16_t k = 0; k < plan.lcores[i].ncpus; k++)
			assert_true(host.topo.cpu[plan.lcores[i].cpus[k]].online &&
			            host.topo.cpu[plan.lcores[i].cpus[k]].allowed);
		for (uint16_t k = 0; k < i; k++)
			assert_true(plan.lcores[i].id != plan.lcores[k].id);
	}
	for (uint16_t i = 0; i < plan.nports; i++) {
		const struct plan_port *p = &plan.ports[i];
		queues += p->conf.rxqs;
		assert_true(p->conf.rxqs && p->conf.txqs && p->pool < plan.npools);
		for (uint16_t q = 0; q < p->conf.rxqs; q++)
			assert_true(p->rxq_lcore[q] < plan.nlcores);
		if (p->link.ifindex) {
			assert_true(p->conf.queue + p->conf.rxqs <= p->link.rxqs);
			assert_true(p->conf.queue + p->conf.txqs <= p->link.txqs);
		}
	}
	assert_int_equal(queues, on_lcores);
	for (uint16_t i = 0; i < plan.npools; i++)
		assert_true(plan.pools[i].frames >= plan.pools[i].held && plan.pools[i].frames <= PLX_POOL_FRAMES_MAX);
	free(plan_print(&plan, &host.topo, false));
	free(plan_print(&plan, &host.topo, true));
}

static void test_random(void **state)
{
	char name[16];
	int good = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		machine(1 + rnd(4), 1 + rnd(4), 1 + rnd(2));
		for (unsigned c = 0; c < host.topo.ncpus; c++) {
			host.topo.cpu[c].online = rnd(8) > 0;
			host.topo.cpu[c].allowed = rnd(8) > 0;
			host.topo.cpu[c].isolated = rnd(4) == 0;
		}
		for (unsigned k = rnd(6); k > 0; k--) {
			snprintf(name, sizeof(name), "n%u%s", k, rnd(3) ? "" : ",driver=null");
			nic(name, 1 + rnd(8), (int)rnd(host.topo.nnodes + 1) - 1)->txqs = (uint16_t)(1 + rnd(8));
			conf.ports[conf.nports - 1].rxqs = (uint16_t)rnd(4);
			conf.ports[conf.nports - 1].queue = (uint16_t)(rnd(4) == 0);
			if (!rnd(40))
				host.iface[conf.nports - 1].link.up = false;
		}
		conf.main_lcore = rnd(3) ? -1 : (int)rnd(host.topo.ncpus + 1);
		conf.huge = (enum plx_policy)rnd(3);
		conf.mem = rnd(3) ? 0 : (uint64_t)rnd(200) << 20;
		why[0] = 0;
		if (plan_make(&plan, &conf, &host, why, sizeof(why))) {
			assert_true(strlen(why) > 10 && !strchr(why, '\n'));
		} else if (plan.lcores[0].ncpus) {
			check_any_plan();
			good++;
		}
	}
	assert_true(good > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_cpu),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_fewer_queues_than_cpus),
		cmocka_unit_test(test_node_of_nic),
		cmocka_unit_test(test_whole_cores_first),
		cmocka_unit_test(test_isolated_first),
		cmocka_unit_test(test_offline_and_cpuset),
		cmocka_unit_test(test_given_lcores),
		cmocka_unit_test(test_shared_cpus_are_noted),
		cmocka_unit_test(test_main_lcore),
		cmocka_unit_test(test_unknown_machine),
		cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_queue),
		cmocka_unit_test(test_print_hook),
		cmocka_unit_test(test_print_escapes),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

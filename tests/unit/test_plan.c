/* SPDX-License-Identifier: MIT */
/* test_plan.c - plans for machines that are made up: nodes, threads of cores, NICs, rights,
   pages; every refusal word for word; and what must hold of any plan. */
#include "plan.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A table of drivers of our own, so that frame counts here do not follow theirs. */
static const struct plx_driver d_af_xdp = { .name = "af_xdp", .device = true },
	d_packet = { .name = "packet", .device = true, .any_queues = true }, d_loop = { .name = "loop" },
	d_null = { .name = "null" };
const struct plx_driver *const plx_drivers[] = { &d_af_xdp, &d_packet, &d_loop, &d_null, NULL };

/* And a pool whose overhead is simple: hardened builds keep more beside each frame. */
size_t plx_pool_size(const struct plx_pool_conf *c)
{
	return c->frames ? (size_t)c->frames * (c->frame_size + PLX_CACHELINE) + 65536 : 0;
}

static struct plx_env_conf conf;
static struct topo topo;
static struct plx_link_info links[PLX_PORTS_MAX];
static const struct plan_irqs *irqs; /* NULL = not known, as where a test says nothing */
static struct plan plan;
static char why[2048];

/* machine: nodes of cores of threads; CPUs numbered as Linux does, first threads first. */
static void machine(unsigned nodes, unsigned cores, unsigned threads)
{
	memset(&topo, 0, sizeof(topo));
	topo.nnodes = nodes;
	topo.ncpus = nodes * cores * threads;
	topo.memlock = 8 << 20;
	for (unsigned i = 0; i < TOPO_CPUS_MAX; i++)
		topo.cpu[i].node = -1;
	for (unsigned i = 0; i < topo.ncpus; i++)
		topo.cpu[i] = (struct topo_cpu){ .online = true, .allowed = true, .core = (int32_t)(i % (nodes * cores)),
		                                 .node = (int16_t)(i / cores % nodes), .package = (int16_t)(i / cores % nodes) };
	for (unsigned n = 0; n < nodes; n++) {
		topo.huge[n][0] = (struct topo_huge){ .page = 1ull << 30, .total = 0, .free = 0 };
		topo.huge[n][1] = (struct topo_huge){ .page = 2ull << 20, .total = 512, .free = 512 };
	}
	memset(links, 0, sizeof(links));
	plx_env_conf_init(&conf);
}

static struct plx_port_conf *add(const char *text)
{
	struct plx_port_conf *c = &conf.ports[conf.nports++];
	char line[256];

	*c = plx_port_conf_default;
	if (plx_port_conf_parse(c, text, line, sizeof(line)))
		fail_msg("%s", line);
	return c;
}

/* nic adds an interface that is up, with q channels both ways. */
static struct plx_link_info *nic(const char *text, unsigned q, int node)
{
	struct plx_link_info *li = &links[conf.nports];
	const struct plx_port_conf *c = add(text);

	snprintf(li->name, sizeof(li->name), "%.15s", c->name);
	*li = (struct plx_link_info){ .ifindex = conf.nports + 1u, .mtu = 1500, .up = true, .running = true,
	                              .rxqs = (uint16_t)q, .txqs = (uint16_t)q, .rxqs_max = 8, .txqs_max = 8,
	                              .combined = true, .node = (int16_t)node, .kdriver = "veth" };
	return li;
}

static void lcores(const char *list)
{
	char arg[128], *argv[] = { "t", arg };

	snprintf(arg, sizeof(arg), "-l%s", list);
	assert_int_equal(plx_env_conf_parse(&conf, 2, argv, NULL, why, sizeof(why)), 0);
}

static void made(void)
{
	int err = plan_make(&plan, &conf, &topo, links, irqs, why, sizeof(why));

	if (err)
		fail_msg("%d: %s", err, why);
}

static void refused(int err, const char *want)
{
	why[0] = 0;
	assert_int_equal(plan_make(&plan, &conf, &topo, links, irqs, why, sizeof(why)), err);
	assert_string_equal(why, want);
}

static bool noted(const char *part)
{
	for (int i = 0; i < plan.nnotes; i++)
		if (strstr(plan.notes[i], part))
			return true;
	return false;
}

static uint16_t lcore_of(uint16_t port, uint16_t q)
{
	return plan.lcores[plan.ports[port].rxq_lcore[q]].id;
}

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
	/* whole cores first, wherever they are, then second threads on the node */
	links[0].rxqs = links[0].txqs = 6;
	made();
	assert_int_equal(plan.nlcores, 6);
	for (int i = 0; i < 4; i++)
		assert_int_equal(plan.lcores[i].id, i);
	assert_int_equal(plan.lcores[4].id, 6);
	assert_int_equal(plan.lcores[5].id, 7);
}

/* Where threads of a core have adjacent numbers, whole cores come first all the same. */
static void test_whole_cores_first(void **state)
{
	(void)state;
	machine(1, 2, 2);
	for (int i = 0; i < 4; i++)
		topo.cpu[i].core = i / 2;
	nic("eth0", 2, -1);
	made();
	assert_int_equal(plan.lcores[0].id, 0);
	assert_int_equal(plan.lcores[1].id, 2);
}

static void test_isolated_first(void **state)
{
	(void)state;
	machine(1, 4, 1);
	topo.cpu[3].isolated = true;
	nic("eth0", 1, -1);
	made();
	assert_int_equal(plan.lcores[0].id, 3);
}

static void test_offline_and_cpuset(void **state)
{
	(void)state;
	machine(1, 4, 1);
	topo.cpu[0].online = false;
	topo.cpu[3].allowed = false;
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
	lcores("0,2");
	made();
	assert_true(noted("lcores 0 and 2 are two threads of one core (CPUs 0 and 2)"));
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
	topo.cpu[0].allowed = false;
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

/* ---- ports ---- */

static void test_names(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0", 2, -1);
	nic("eth0", 2, -1);
	refused(-EINVAL, "eth0: given by --iface twice: give it once, with queues=N for more queues");
	machine(1, 2, 1);
	add("nul0,driver=null");
	snprintf(conf.ports[0].driver, 16, "dpdk");
	refused(-EINVAL, "nul0: no driver 'dpdk': --help-all lists them");
	conf.ports[0].name[0] = 0;
	refused(-EINVAL, "port 0 has no name: --iface NAME");
}

static void test_one_interface_twice(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0,queues=2", 4, -1);
	nic("altname,queue=1,queues=2", 4, -1)->ifindex = links[0].ifindex;
	refused(-EINVAL, "eth0 and altname are one interface, and both want its queue 1: give it once, or part its queues "
	        "with queue= and rxqs=");
	conf.ports[1].queue = 2;
	made();
}

static void test_interface_missing(void **state)
{
	(void)state;
	machine(1, 2, 1);
	add("eth7");
	refused(-ENODEV, "eth7: no such interface (ENODEV): ip link lists them; driver=loop and driver=null need none");
	topo.nlinks = 2;
	snprintf(topo.links[0], 16, "lo");
	snprintf(topo.links[1], 16, "eth1");
	refused(-ENODEV, "eth7: no such interface (ENODEV), did you mean --iface eth1? ip link lists them");
	nic("eth1", 1, -1)->up = false;
	conf.ports[0] = conf.ports[1];
	links[0] = links[1];
	conf.nports = 1;
	refused(-ENETDOWN, "eth1: the interface is down (ENETDOWN): ip link set eth1 up");
}

static void test_channels(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=5", 2, -1);
	refused(-EINVAL, "eth0: rx queue 4 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or ethtool -L eth0 "
	        "combined 5");
	links[0].combined = false;
	refused(-EINVAL, "eth0: rx queue 4 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or ethtool -L eth0 "
	        "rx 5");
	conf.ports[0].rxqs = 9;
	refused(-EINVAL, "eth0: rx queue 8 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or driver=packet, "
	        "which needs no channels");
	conf.ports[0].rxqs = 1;
	conf.ports[0].queue = 8;
	refused(-EINVAL, "eth0: rx queue 8 is asked for, the interface has 2 (0-1): use queue=1 or lower");
	conf.ports[0].queue = 1;
	conf.ports[0].txqs = 2;
	refused(-EINVAL, "eth0: tx queue 2 is asked for, the interface has 2 (0-1): use txqs=1 or fewer, or ethtool -L eth0 "
	        "tx 3");
	conf.ports[0].txqs = 0;
	made();
	assert_int_equal(plan.ports[0].conf.txqs, 1);
	machine(1, 4, 1);
	nic("eth0,driver=packet,rxqs=16,txqs=9", 2, -1);
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 16);
}

static void test_rest_of_the_channels(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,queue=3", 8, -1);
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 5);
	assert_int_equal(plan.ports[0].conf.txqs, 5);
}

/* An lcore gets a transmit queue of its own on every port, as far as there are any. */
static void test_transmit_queues(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=1", 4, -1);
	nic("eth1,rxqs=3", 4, -1);
	add("l,driver=loop");
	made();
	assert_int_equal(plan.nlcores, 4);
	assert_int_equal(plan.ports[0].conf.txqs, 4);
	assert_int_equal(plan.ports[1].conf.txqs, 4);
	assert_int_equal(plan.ports[2].conf.rxqs, 1);
	assert_int_equal(plan.ports[2].conf.txqs, 4);
	assert_int_equal(plan.nnotes, 0);
	links[0].txqs = links[0].rxqs = 2;
	made();
	assert_int_equal(plan.ports[0].conf.txqs, 2);
	assert_true(noted("eth0 has 2 transmit queues for 4 lcores that poll"));
}

static void test_mtu(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0,multibuf=never", 1, -1)->mtu = 1774; /* 1774 + 18 = 2048 - 256 */
	made();
	links[0].mtu = 1775;
	refused(-EMSGSIZE, "eth0: MTU 1775 needs 1793 bytes and a frame of 2048 holds 1792, with multibuf=never: use "
	        "multibuf=prefer, --frame-size=4096, or ip link set eth0 mtu 1774");
	links[0].mtu = 9000;
	refused(-EMSGSIZE, "eth0: MTU 9000 needs 9018 bytes and a frame of 2048 holds 1792, with multibuf=never: use "
	        "multibuf=prefer, or ip link set eth0 mtu 1774");
	conf.frame_size = 4096;
	links[0].mtu = 3822;
	made();
	links[0].mtu = 9000;
	conf.ports[0].multibuf = PLX_PREFER;
	made();
}

static void test_peers(void **state)
{
	(void)state;
	machine(1, 1, 1);
	add("a,driver=loop,peer=b");
	refused(-EINVAL, "a: peer=b is no loop port: add --iface b,driver=loop");
	add("b,driver=null");
	refused(-EINVAL, "a: peer=b is no loop port: add --iface b,driver=loop");
	snprintf(conf.ports[1].driver, 16, "loop");
	made();
}

/* ---- memory ---- */

static void test_frames(void **state)
{
	struct plx_pool_conf c = { .name = "p", .frame_size = 2048, .caches = 2, .node = 0 };

	(void)state;
	machine(1, 2, 1);
	nic("eth0", 2, -1);
	made();
	/* 2 x 2 x 2048 receiving, 2 x 2048 sending, 2 lcores x (2 magazines + a burst), 1 magazine */
	assert_int_equal(plan.pools[0].held, 12288 + 2 * (512 + 512) + 256);
	assert_true(plan.pools[0].frames >= plan.pools[0].held * 9 / 8);
	c.frames = plan.pools[0].frames;
	assert_int_equal(plan.pools[0].bytes, plx_pool_size(&c));
	assert_int_equal(plan.pools[0].page, 2 << 20);
	c.frames++; /* the last hugepage is full */
	assert_true(plx_pool_size(&c) > (plan.pools[0].bytes + (2 << 20) - 1) / (2 << 20) * (2 << 20));
}

static void test_mem(void **state)
{
	(void)state;
	machine(2, 2, 1);
	nic("eth0,queues=1", 1, 0);
	nic("eth1,queues=1", 1, 1);
	conf.mem = 256 << 20;
	made();
	assert_int_equal(plan.npools, 2);
	assert_true(plan.pools[0].bytes + plan.pools[1].bytes <= conf.mem);
	assert_true(plan.pools[0].bytes + plan.pools[1].bytes > conf.mem - 16384);
	conf.mem = 8 << 20;
	refused(-ENOMEM, "memory of node 0: 1954 frames of 2048 bytes, but rings and lcores can hold 8448: -m 35 or more, or "
	        "smaller rings by rxd= and txd=");
	conf.mem = 35 << 20;
	made();
	conf.mem = 0;
	conf.nnode_mem = 1;
	conf.node_mem[0] = 64 << 20;
	refused(-ENOMEM, "memory of node 1: 0 frames of 2048 bytes, but rings and lcores can hold 8448: --node-mem 64,18");
	conf.nnode_mem = 2;
	conf.node_mem[1] = 18 << 20;
	made();
	assert_true(plan.pools[0].bytes > 63 << 20);
	assert_true(plan.pools[1].bytes <= 18 << 20);
}

/* To the byte: one less than rings and lcores can hold is refused. */
static void test_mem_edge(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.mem = (6144 + 1024 + 256) * 2112ull + 65536;
	made();
	assert_int_equal(plan.pools[0].frames, plan.pools[0].held);
	conf.mem--;
	refused(-ENOMEM, "memory of node 0: 7423 frames of 2048 bytes, but rings and lcores can hold 7424: -m 16 or more, or "
	        "smaller rings by rxd= and txd=");
}

static void test_pages(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	topo.huge[0][1] = (struct topo_huge){ .page = 2 << 20, .total = 10, .free = 3 };
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	assert_string_equal(plan.pools[0].why, "3 of 9 hugepages free: echo 16 > "
	                    "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	conf.huge = PLX_REQUIRE;
	refused(-ENOMEM, "memory of node 0: --huge=require wants 9 hugepages of 2 MiB, 3 are free: echo 16 > "
	        "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	topo.huge[0][1].free = 9;
	made();
	conf.huge = PLX_NEVER;
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	conf.huge = PLX_PREFER;
	conf.mem = 1500u << 20;
	topo.huge[0][0].free = 1;
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	topo.huge[0][0].free = 2;
	made();
	assert_int_equal(plan.pools[0].page, 1 << 30);
}

static void test_too_little_memory(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.huge = PLX_NEVER;
	topo.mem_avail = 10 << 20;
	refused(-ENOMEM, "memory: 16 MiB wanted, 10 MiB available: use smaller rings by rxd= and txd=, or fewer queues");
	conf.mem = 64 << 20;
	refused(-ENOMEM, "memory: 64 MiB wanted, 10 MiB available: ask for less with -m");
	conf.mem = 0;
	conf.huge = PLX_PREFER; /* from hugepages */
	made();
}

static void test_port_without_node(void **state)
{
	(void)state;
	machine(2, 2, 1);
	nic("eth0", 1, -1);
	nic("eth1", 1, 1);
	lcores("3");
	made();
	assert_int_equal(plan.npools, 1); /* both where lcore 3 is: no copy between them */
	assert_int_equal(plan.pools[0].node, 1);
}

/* ---- rights ---- */

static uint64_t without(uint64_t a, uint64_t b)
{
	return 1ull << a | 1ull << b;
}

static void test_rights(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	topo.missing_caps = ~0ull;
	refused(-EPERM, "eth0: missing CAP_NET_RAW for socket(AF_XDP), CAP_NET_ADMIN for bpf(BPF_LINK_CREATE) of the XDP "
	        "program, CAP_BPF for bpf(BPF_PROG_LOAD), CAP_IPC_LOCK for setsockopt(XDP_UMEM_REG) (or ulimit -l 17810): run "
	        "as root, or setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep on the program");
	topo.memlock = UINT64_MAX;
	topo.missing_caps = ~(1ull << CAP_SYS_ADMIN);
	refused(-EPERM, "eth0: missing CAP_NET_RAW for socket(AF_XDP), CAP_NET_ADMIN for bpf(BPF_LINK_CREATE) of the XDP "
	        "program: run as root, or setcap cap_net_raw,cap_net_admin+ep on the program");
	/* the ladder goes on to packet, which needs CAP_NET_RAW only */
	topo.missing_caps = without(CAP_BPF, CAP_SYS_ADMIN);
	made();
	assert_string_equal(plan.notes[0], "eth0: driver=packet, since af_xdp misses CAP_BPF for bpf(BPF_PROG_LOAD): run as "
	                    "root, or setcap cap_bpf+ep on the program");
	snprintf(conf.ports[0].driver, 16, "af_xdp");
	refused(-EPERM, "eth0: missing CAP_BPF for bpf(BPF_PROG_LOAD): run as root, or setcap cap_bpf+ep on the program");
	snprintf(conf.ports[0].driver, 16, "packet");
	made();
	topo.missing_caps = ~0ull;
	refused(-EPERM, "eth0: missing CAP_NET_RAW for socket(AF_PACKET): run as root, or setcap cap_net_raw+ep on the program");
	snprintf(conf.ports[0].driver, 16, "loop");
	made(); /* memory drivers need nothing */
	assert_int_equal(plan.nnotes, 0);
}

/* ---- print ---- */

static void golden(bool json, const char *want)
{
	char *got = plan_print(&plan, &topo, json);

	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void test_print(void **state)
{
	static struct plan_irqs found[PLX_PORTS_MAX];

	(void)state;
	machine(2, 2, 1);
	nic("eth0", 4, 1);
	for (int q = 0; q < 4; q++)
		found[0].q[q] = (struct plan_irq){ .irq = -1, .cpu = -1, .node = -1 };
	found[0].q[1] = (struct plan_irq){ .irq = 41, .cpu = 0, .node = 0, .how = DISCO_IRQ_NAPI };
	found[0].q[3] = (struct plan_irq){ .irq = 43, .cpu = -1, .node = -1, .how = DISCO_IRQ_MSI };
	irqs = found;
	add("l,driver=loop,queues=1");
	lcores("1@(0,1),2-3");
	conf.main_lcore = 0;
	topo.huge[1][1].free = 0;
	made();
	golden(false,
	       "machine  2 nodes, CPUs 0-3 allowed\n"
	       "control  CPU 0\n"
	       "lcore    1    CPU 0-1      node 0   polls eth0:2\n"
	       "lcore    2    CPU 2        node 1   polls eth0:0,3\n"
	       "lcore    3    CPU 3        node 1   polls eth0:1 l:0\n"
	       "port     0    eth0            driver auto    rxqs 4 txqs 4 first 0 rxd 2048 txd 2048 pool 0 node 1 MTU 1500 (veth);"
	       " driver auto: the best that works, all channels\n"
	       "queue    eth0:1 interrupt 41 on CPU 0 node 0 (by netdev netlink), polled by lcore 3\n"
	       "queue    eth0:3 interrupt 43 on an unknown CPU (by name in msi_irqs), polled by lcore 2\n"
	       "port     1    l               driver loop    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0\n"
	       "pool     0    node 1: 38694 frames of 2048, 34048 of them for rings and lcores; 78.0 MiB in pages of 4 KiB;"
	       " 0 of 39 hugepages free: echo 551 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages\n"
	       "note     l has 1 transmit queue for 3 lcores that poll: one queue may be used by one lcore only\n"
	       "note     eth0 is on node 1 and 1 of its 4 receive queues on lcores of other nodes: name lcores of node 1 with -l\n"
	       "nothing was changed\n");
	golden(true,
	       "{\"nodes\":2,\"main_cpu\":0,\"foreign_threads\":0,\"lcores\":[{\"id\":1,\"node\":0,\"queues\":1,\"service\":false,\"cpus\":[0,1]},{\"id\":2,\"node\":1,"
	       "\"queues\":2,\"service\":false,\"cpus\":[2]},{\"id\":3,\"node\":1,\"queues\":2,\"service\":false,\"cpus\":[3]}],\"ports\":[{\"name\":\"eth0\","
	       "\"driver\":\"auto\",\"queue\":0,\"rxqs\":4,\"txqs\":4,\"rxd\":2048,\"txd\":2048,\"pool\":0,\"ifindex\":2,"
	       "\"mtu\":1500,\"node\":1,\"rxq_lcores\":[2,3,1,2],\"rxq_irqs\":[{\"irq\":-1,\"cpu\":-1,\"node\":-1,\"known_by\":\"unknown\"},"
	       "{\"irq\":41,\"cpu\":0,\"node\":0,\"known_by\":\"netdev netlink\"},{\"irq\":-1,\"cpu\":-1,\"node\":-1,\"known_by\":\"unknown\"},"
	       "{\"irq\":43,\"cpu\":-1,\"node\":-1,\"known_by\":\"name in msi_irqs\"}],\"why\":\"driver auto: the best that works, all channels\"},"
	       "{\"name\":\"l\",\"driver\":\"loop\",\"queue\":0,\"rxqs\":1,\"txqs\":1,\"rxd\":2048,\"txd\":2048,\"pool\":0,"
	       "\"ifindex\":0,\"mtu\":0,\"node\":-1,\"rxq_lcores\":[3],\"rxq_irqs\":[],\"why\":\"\"}],\"pools\":[{\"node\":1,\"frames\":38694,"
	       "\"frame_size\":2048,\"held\":34048,\"bytes\":81787264,\"page_bytes\":4096,\"why\":\"0 of 39 hugepages free: echo "
	       "551 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages\"}],\"notes\":[\"l has 1 transmit "
	       "queue for 3 lcores that poll: one queue may be used by one lcore only\",\"eth0 is on node 1 and 1 of its 4 receive queues on lcores of other nodes: name lcores of node 1 with -l\"]}\n");
	irqs = NULL;
}

static void test_print_escapes(void **state)
{
	char *got;

	(void)state;
	machine(1, 1, 1);
	add("a,driver=loop");
	snprintf(conf.ports[0].name, PLX_NAME_MAX, "q\"b\\c\n\xc3");
	made();
	got = plan_print(&plan, &topo, true);
	assert_non_null(strstr(got, "\"name\":\"q\\\"b\\\\c\\u000a\\u00c3\""));
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
			assert_true(topo.cpu[plan.lcores[i].cpus[k]].online && topo.cpu[plan.lcores[i].cpus[k]].allowed);
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
	free(plan_print(&plan, &topo, false));
	free(plan_print(&plan, &topo, true));
}

static void test_random(void **state)
{
	char name[16];
	int good = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		machine(1 + rnd(4), 1 + rnd(4), 1 + rnd(2));
		for (unsigned c = 0; c < topo.ncpus; c++) {
			topo.cpu[c].online = rnd(8) > 0;
			topo.cpu[c].allowed = rnd(8) > 0;
			topo.cpu[c].isolated = rnd(4) == 0;
		}
		for (unsigned k = rnd(6); k > 0; k--) {
			snprintf(name, sizeof(name), "n%u%s", k, rnd(3) ? "" : ",driver=null");
			nic(name, 1 + rnd(8), (int)rnd(topo.nnodes + 1) - 1)->txqs = (uint16_t)(1 + rnd(8));
			conf.ports[conf.nports - 1].rxqs = (uint16_t)rnd(4);
			conf.ports[conf.nports - 1].queue = (uint16_t)(rnd(4) == 0);
			if (!rnd(40))
				links[conf.nports - 1].up = false;
		}
		conf.main_lcore = rnd(3) ? -1 : (int)rnd(topo.ncpus + 1);
		conf.huge = (enum plx_policy)rnd(3);
		conf.mem = rnd(3) ? 0 : (uint64_t)rnd(200) << 20;
		why[0] = 0;
		if (plan_make(&plan, &conf, &topo, links, irqs, why, sizeof(why))) {
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
		cmocka_unit_test(test_one_cpu), cmocka_unit_test(test_two_cpus), cmocka_unit_test(test_fewer_queues_than_cpus),
		cmocka_unit_test(test_node_of_nic), cmocka_unit_test(test_whole_cores_first), cmocka_unit_test(test_isolated_first),
		cmocka_unit_test(test_offline_and_cpuset), cmocka_unit_test(test_given_lcores),
		cmocka_unit_test(test_shared_cpus_are_noted), cmocka_unit_test(test_main_lcore),
		cmocka_unit_test(test_unknown_machine), cmocka_unit_test(test_many_ports), cmocka_unit_test(test_names),
		cmocka_unit_test(test_one_interface_twice), cmocka_unit_test(test_interface_missing),
		cmocka_unit_test(test_channels), cmocka_unit_test(test_rest_of_the_channels),
		cmocka_unit_test(test_transmit_queues), cmocka_unit_test(test_mtu), cmocka_unit_test(test_peers),
		cmocka_unit_test(test_frames), cmocka_unit_test(test_mem), cmocka_unit_test(test_mem_edge), cmocka_unit_test(test_pages),
		cmocka_unit_test(test_too_little_memory), cmocka_unit_test(test_port_without_node),
		cmocka_unit_test(test_rights), cmocka_unit_test(test_print), cmocka_unit_test(test_print_escapes),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

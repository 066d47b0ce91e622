/* SPDX-License-Identifier: MIT */
/* test_doctor_edges.c - where a check of pollux doctor turns: the last value that is well and the
   first that is not, each half of a condition alone, and facts that nobody tells. */
#include "doctor_util.h"

#include <linux/if_link.h>

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>

static struct iface *const l = &links[0];

/* all_say: each of the checks, names with blanks between, is of this status. */
static void all_say(const char *names, enum status status)
{
	char text[512], *rest = text, *name;

	snprintf(text, sizeof(text), "%s", names);
	while ((name = strsep(&rest, " ")))
		says(name, status);
}

static void test_not_told(void **state)
{
	(void)state;
	d.probe.jit = d.probe.sg = d.probe.netdev_cmd = d.facts.bpffs = -1;
	d.facts.unpriv_bpf = d.facts.numa_balancing = d.facts.init_userns = -1;
	d.facts.nofile = d.host.topo.mem_avail = 0;
	*d.facts.clocksource = 0;
	for (unsigned i = 0; i < 16; i++)
		d.cpu[i].all = 0;
	l->xdp_told = false;
	l->xdp_features = 0;
	l->hds = l->rx_ring = l->ch_combined_max = -1;
	l->rss_size = 0;
	strcpy(l->kdriver, "virtio_net");
	all_say("bpf-jit xsk-chains netdev-netlink napi-set bpffs xdp-pins unprivileged-bpf numa-balancing userns "
	        "open-files memory "
	        "clocksource steal xdp-native zero-copy header-split rings rss-table virtio-queues",
	        CHECK_SKIP);
	l->rx_ring = 64;
	l->rx_ring_max = 0;
	says("rings", CHECK_SKIP);
	strcpy(l->kind, "veth");
	all_say("veth-queues veth-checksum", CHECK_SKIP);
	for (unsigned q = 0; q < 4; q++) {
		l->rxq[q].irq = -1;
		l->rxq[q].how = IFACE_IRQ_NONE;
	}
	all_say("irq-lcore irq-movable", CHECK_OK); /* there are none, and that is known */
}

static void test_nothing_to_judge(void **state)
{
	(void)state;
	d.planned = false;
	d.port[0].plan = NULL;
	d.host.topo.missing_caps = 1ull << CAP_IPC_LOCK;
	all_say("lcore-shared lcore-smt lcore-idle lcore-node control-cpu isolcpus nohz-full rcu-nocbs governor "
	        "idle-states pool-memory "
	        "hugepages hugepages-node tx-queues memlock",
	        CHECK_SKIP);
	d.port[0].l = NULL;
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++)
			if (c->port && strcmp(c->name, "iface-exists"))
				says(c->name, CHECK_SKIP);
	healthy(NULL);
	d.plan.nports = 0;
	says("lcore-idle", CHECK_SKIP);
	d.conf.nports = 0;
	says("isolcpus", CHECK_OK);
	d.conf.nlcores = 0;
	all_say("isolcpus nohz-full rcu-nocbs", CHECK_SKIP);
	asked("eth1 -l 0-15"); /* whatever there is */
	all_say("isolcpus nohz-full rcu-nocbs", CHECK_SKIP);
}

static void test_packet(void **state)
{
	(void)state;
	asked("eth1,driver=packet -l 4-7");
	l->xdp.id = 3;
	l->mtu = 9000;
	l->xdp_features = 1;
	d.port[0].reach = (struct reach){
		.name = "eth1", .route_by = "eth1", .login_by = "eth1", .login_far = "192.0.2.7:50022"
	};
	d.host.topo.missing_caps = 1ull << CAP_IPC_LOCK | 1ull << CAP_BPF;
	all_say("queue-free queue-once queues-asked queues-unused rss-table flow-rules tx-queues xdp-native zero-copy "
	        "xdp-free mtu-room "
	        "mtu-chain memlock cap-bpf",
	        CHECK_SKIP);
	all_say("default-route ssh-session", CHECK_OK);
	d.probe.ring_flags = 0;
	bad("xsk-wakeup", CHECK_WARN, "no flags", "# Linux 5.4 or newer has it");
	asked("eth1,driver=af_xdp -l 4-7");
	l->mtu = 1500;
	all_say("xdp-native mtu-room mtu-chain", CHECK_OK);
	asked("eth1,driver=auto -l 4-7");
	says("xdp-native", CHECK_OK);
	asked("eth1,driver=packet eth2 -l 4-7"); /* one that needs it is enough */
	says("cap-bpf", CHECK_OK);
	asked("eth1 --iface eth2,driver=packet -l 4-7");
	d.host.topo.missing_caps |= 1ull << CAP_SYS_ADMIN;
	says("cap-bpf", CHECK_FAIL);
}

static void test_kernel_edges(void **state)
{
	static const struct { int err; const char *af_xdp, *bpf; } errors[] = {
		{ -EPERM, "see cap-net-raw", "see cap-bpf" }, { -EACCES, "see cap-net-raw", "CONFIG_BPF_SYSCALL" },
		{ -EAFNOSUPPORT, "CONFIG_XDP_SOCKETS", "CONFIG_BPF_SYSCALL" },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(errors); i++) {
		d.probe.xsk_err = d.probe.load_err = errors[i].err;
		says("af-xdp", CHECK_FAIL);
		assert_non_null(strstr(said.found.fix, errors[i].af_xdp));
		says("bpf-load", CHECK_FAIL);
		assert_non_null(strstr(said.found.fix, errors[i].bpf));
	}
	d.probe.netdev_cmd = 11;
	says("netdev-netlink", CHECK_OK);
	strcpy(d.facts.clocksource, "arch_sys_counter");
	says("clocksource", CHECK_OK);
	strcpy(d.facts.clocksource, "arch_sy");
	says("clocksource", CHECK_WARN);
	d.facts.nofile = 88;
	says("open-files", CHECK_OK);
}

static void test_lcore_edges(void **state)
{
	(void)state;
	asked("eth1,rxqs=2 --lcores=4,12");
	d.host.topo.cpu[4].core = d.host.topo.cpu[12].core =
		-1; /* which core is not told: no two are known to share one */
	says("lcore-smt", CHECK_OK);
	healthy(NULL);
	asked("eth1 --lcores=(0-3)@(4-7)"); /* neither has a CPU of its own */
	all_say("lcore-shared lcore-smt irq-lcore", CHECK_OK);
	asked("eth1 -l 0-3 --main-lcore 0");
	bad("control-cpu", CHECK_WARN, "CPU 0", "pollux doctor eth1 -l 0-3 --main-lcore none");
	d.plan.ports[0].link.node = -1;
	says("lcore-node", CHECK_OK);
	d.plan.ports[0].link.node = 0;
	says("lcore-node", CHECK_OK);
	d.plan.lcores[0].node = 1;
	bad("lcore-node", CHECK_WARN, "1 receive queues of node 0", "pollux doctor eth1 --main-lcore 0 -l 0-3");
	d.plan.lcores[0].node = -1; /* of CPUs of several nodes */
	says("lcore-node", CHECK_OK);
	asked("eth1 -l 0-3");
	for (unsigned cpu = 4; cpu < 16; cpu++)
		d.host.topo.cpu[cpu].allowed = false;
	bad("lcore-node", CHECK_WARN, "node 1", "# this process may use no CPU of node 1: see cpuset");
	healthy(NULL);
	for (unsigned cpu = 0; cpu < 16; cpu++)
		d.host.topo.cpu[cpu].nohz_full = false;
	says("rcu-nocbs", CHECK_OK);
	says("nohz-full", CHECK_WARN);
	asked("eth1 -l 0-3 --idle interrupt");
	says("idle-states", CHECK_OK);
	d.cpu[0].idle_us = 50;
	says("idle-states", CHECK_OK);
	d.cpu[0].idle_us = 51;
	d.cpu[0].idle_state = 2;
	bad("idle-states", CHECK_WARN, "--idle=interrupt and CPU 0",
	    "for f in /sys/devices/system/cpu/cpu*/cpuidle/state[2-9]/disable; "
	    "do echo 1 > $f; done");
	*d.cpu[0].governor = 0;
	says("governor", CHECK_SKIP);
	strcpy(d.cpu[0].governor, "powersave");
	says("governor", CHECK_WARN);
	d.facts.quota = (struct limit){ "/sys/fs/cgroup/box/cpu.max", 0 };
	d.facts.period = 100000;
	says("cpu-quota", CHECK_WARN);
	d.planned = false; /* as many as were asked for */
	d.facts.quota.value = 399999;
	says("cpu-quota", CHECK_WARN);
}

static void test_memory_edges(void **state)
{
	unsigned long long need = (d.plan.pools[0].bytes + (2 << 20) - 1) >> 21;
	char want[128];

	(void)state;
	d.host.topo.huge[1][1].free = 1;
	plan();
	d.host.topo.huge_all[1].reserved = 511; /* one is left, and it is here */
	snprintf(want, sizeof(want),
	         "echo %llu > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", 256 + need - 1);
	bad("hugepages", CHECK_WARN, "1 of 256 are free", want);
	d.host.topo.huge_all[1].reserved = 512; /* those that are free were promised to others */
	snprintf(want, sizeof(want),
	         "echo %llu > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", 256 + need);
	bad("hugepages", CHECK_WARN, "0 of 256 are free: it gets", want);
	says("hugepages-node", CHECK_OK); /* no other node has them either */
	d.host.topo.huge_all[1].reserved = 0;
	says("hugepages-node", CHECK_WARN);
	d.conf.huge = PLX_NEVER;
	says("hugepages-node", CHECK_OK);
	d.conf.huge = PLX_PREFER;
	d.host.topo.huge[1][1].free = need;
	says("hugepages-node", CHECK_OK);
	d.host.topo.huge[1][1].free = need - 1;
	d.host.topo.huge[0][1].free = 1; /* all of them suffice just so */
	says("hugepages-node", CHECK_WARN);
	d.plan.pools[0].node = -1;
	says("hugepages-node", CHECK_OK);
	bad("hugepages", CHECK_WARN, "the pool of any node", "echo 512 > /proc/sys/vm/nr_hugepages");
	d.host.topo.nnodes = 1;
	says("hugepages-node", CHECK_OK);
	d.host.topo.mem_avail = d.plan.pools[0].bytes + plan_beside(&d.plan, NULL);
	says("memory", CHECK_OK);
	d.host.topo.mem_limit = (struct topo_limit){ "/sys/fs/cgroup/box/memory.max",
	                                        d.plan.pools[0].bytes + plan_own(&d.plan) };
	says("memory-limit", CHECK_OK);
	d.host.topo.mem_limit.left--;
	bad("memory-limit", CHECK_FAIL, "a start is refused", "echo max > /sys/fs/cgroup/box/memory.max");
	d.host.topo.mem_limit.left = 0;
	says("memory-limit", CHECK_FAIL);
	d.host.topo.mem_avail--;
	d.conf.mem = 1 << 20;
	bad("memory", CHECK_FAIL, "beside hugepages", "pollux doctor eth1 -l 4-7 --mem auto");
	d.plan_err = -ENOMEM; /* the plan is one with more than was asked for */
	says("memory", CHECK_OK);
	d.plan_err = d.conf.mem = 0;
	d.conf.nnode_mem = 1;
	bad("memory", CHECK_FAIL, "beside hugepages", "pollux doctor eth1 -l 4-7 --node-mem auto");
	strcpy(d.plan_why, "too few frames of 2048 bytes");
	says("pool-memory", CHECK_OK);
	d.plan_err = -ENOMEM;
	bad("pool-memory", CHECK_FAIL, "too few frames", "pollux doctor eth1 -l 4-7 --node-mem auto");
	strcpy(d.plan_why, "no memory");
	d.planned = false;
	says("pool-memory", CHECK_SKIP);
}

/* What is asked for is judged, and not what would be planned without it. */
static void test_refused_memory(void **state)
{
	struct report r;

	(void)state;
	asked("eth1 -l 4-7 -m 100G");
	assert_int_equal(d.plan_err, -EINVAL);
	bad("plan", CHECK_FAIL, "more than a pool can hold", "pollux doctor eth1 -l 4-7 --mem auto");
	bad("pool-memory", CHECK_FAIL, "more than a pool can hold", "pollux doctor eth1 -l 4-7 --mem auto");
	says("memory", CHECK_SKIP);
	says("memory-limit", CHECK_SKIP);
	says("hugepages", CHECK_SKIP);
	/* other FAILs are promised only where there are some */
	asked("eth1 -l 4-7");
	d.plan_err = -EINVAL;
	strcpy(d.plan_why, "it is so: do that");
	assert_int_equal(doctor_judge(&r, &d, "plan,memory"), 0);
	assert_int_equal(r.count[CHECK_FAIL], 1);
	assert_string_equal(r.r[0].found.fix, "# the reason itself tells what to change");
	free(r.r);
	d.host.topo.cpu[4].online = false;
	assert_int_equal(doctor_judge(&r, &d, "plan,lcore-online"), 0);
	assert_int_equal(r.count[CHECK_FAIL], 2);
	assert_string_equal(r.r[0].found.fix, OTHERS_TELL);
	free(r.r);
}

/* ---- interfaces ---- */

static void test_iface_edges(void **state)
{
	static const struct { const char *kind; bool group;
	} kinds[] = {
		{ "bond", true },  { "team", true },     { "bridge", true },
		{ "vlan", false }, { "macvlan", false }, { "ipvlan", false },
	};

	(void)state;
	l->node = 0;
	says("iface-node", CHECK_OK);
	l->node = -1;
	*l->bus = 0;
	says("iface-node", CHECK_OK);
	strcpy(l->parent, "usb1");
	bad("iface-node", CHECK_WARN, "eth1 (usb1)", NO_COMMAND);
	strcpy(l->bus, "0000:81:00.0");
	*l->parent = 0;
	says("iface-node", CHECK_WARN);
	d.host.topo.nnodes = 1;
	says("iface-node", CHECK_OK);
	l->flags = IFF_UP;
	d.port[0].peer = &links[1]; /* which is up */
	bad("carrier", CHECK_WARN, "eth1 has no carrier", NO_COMMAND);
	l->flags |= IFF_LOOPBACK;
	says("promisc", CHECK_OK);
	l->flags = IFF_UP;
	strcpy(l->kind, "veth");
	says("promisc", CHECK_OK);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(kinds); i++) {
		strcpy(l->kind, kinds[i].kind);
		l->nslaves = 0;
		strcpy(l->slaves[0].name, "eth8");
		*l->lower.name = 0;
		bad("stacked", CHECK_WARN, kinds[i].kind, "# name the interface below it");
		l->nslaves = kinds[i].group;
		strcpy(l->lower.name, kinds[i].group ? "" : "eth8");
		bad("stacked", CHECK_WARN, kinds[i].kind, "pollux doctor eth8 -l 4-7");
	}
}

static void test_xdp_edges(void **state)
{
	(void)state;
	l->xdp_features = 8; /* zero-copy, but no programs: none does, and each bit is its own */
	says("xdp-native", CHECK_WARN);
	says("zero-copy", CHECK_SKIP);
	l->xdp_features = 0;
	strcpy(l->kind, "veth");
	says("zero-copy", CHECK_OK);
	*l->kind = 0;
	asked("eth1,mode=native -l 4-7");
	says("zero-copy", CHECK_OK);
	bad("xdp-native", CHECK_FAIL, "mode=native", "pollux doctor eth1,mode=generic -l 4-7");
	asked("eth1,mode=generic -l 4-7");
	says("xdp-native", CHECK_OK);
	l->xdp = (struct plx_xdp_info){ .id = 9, .name = "theirs", .link = 4, .pid = 812 };
	bad("xdp-free", CHECK_FAIL, "program 9", "bpftool link detach id 4");
	strcpy(l->xdp.name, "steer");
	l->xdp.pid = 0; /* whose it is cannot be seen */
	bad("xdp-free", CHECK_FAIL, "program 9", "bpftool link detach id 4");
	l->xdp = (struct plx_xdp_info){ .id = 9, .name = "steer", .pid = 812 };
	l->xdp.mode = XDP_ATTACHED_DRV;
	bad("xdp-free", CHECK_FAIL, "program 9", "ip link set dev eth1 xdpdrv off");
	l->f_on = 1u << IFACE_F_lro | 1u << IFACE_F_rx_vlan;
	l->f_can = 0; /* not told */
	bad("lro", CHECK_WARN, "rx-lro is on", "ethtool -K eth1 lro off");
	l->f_known = 1u << IFACE_F_gro | 1u << IFACE_F_tx_csum;
	links[1].f_on = 0;
	says("veth-napi", CHECK_OK);
	strcpy(l->kind, "veth");
	d.port[0].peer = &links[1];
	all_say("rx-vlan veth-checksum", CHECK_OK);
	l->f_on = 0;
	says("veth-napi", CHECK_WARN);
	l->f_on = 1u << IFACE_F_gro;
	says("veth-napi", CHECK_OK);
	l->f_on = 0;
	asked("eth1,mode=native -l 4-7");
	says("veth-napi", CHECK_OK);
}

static void test_mtu_edges(void **state)
{
	(void)state;
	l->mtu = 4096 - 256 - 22;
	bad("mtu-room", CHECK_WARN, "two frames", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	l->mtu++;
	says("mtu-room", CHECK_OK);
	assert_non_null(strstr(said.found.evidence, "chains of up to 3 frames"));
	asked("eth1,multibuf=never -l 4-7");
	bad("mtu-room", CHECK_FAIL, "multibuf=never ends the start", "ip link set dev eth1 mtu 1770");
	l->mtu--;
	bad("mtu-room", CHECK_FAIL, "multibuf=never ends the start",
	    "pollux doctor eth1,multibuf=never -l 4-7 --frame-size 4096");
	l->xdp_features = 1;
	l->mtu = 18 * 1792 - 22; /* as many as the kernel's own */
	says("mtu-chain", CHECK_OK);
	l->mtu++;
	bad("mtu-chain", CHECK_WARN, "takes 19 frames and eth1 takes chains of 18", "ip link set dev eth1 mtu 32234");
	l->xdp_features = 0x3f;
	l->zc_max_segs = 0; /* not told */
	bad("mtu-chain", CHECK_WARN, "chains of 18", "ip link set dev eth1 mtu 32234");
	l->zc_max_segs = 1; /* the port copies */
	l->mtu--;
	says("mtu-chain", CHECK_OK);
	l->mtu++;
	bad("mtu-chain", CHECK_WARN, "chains of 18", "ip link set dev eth1 mtu 32234");
	d.conf.ports[0].mode = PLX_XDP_ZEROCOPY;
	bad("mtu-chain", CHECK_FAIL, "chains of 1: a start with mode=zc is refused", "ip link set dev eth1 mtu 1770");
	d.conf.ports[0].mode = PLX_XDP_AUTO;
	l->mtu = 1500;
	says("mtu-chain", CHECK_OK);
	assert_non_null(strstr(said.found.evidence, "takes 1 frame,"));
}

/* ---- queues ---- */

static void test_queue_edges(void **state)
{
	(void)state;
	l->rxq[2].xsk = 1;
	bad("queue-free", CHECK_FAIL, "queue 2", NO_COMMAND);
	asked("eth1,rxqs=2 -l 4-5");
	says("queue-free", CHECK_OK);
	asked("eth1,rxqs=1,txqs=3 -l 4");
	says("queue-free", CHECK_FAIL);
	healthy(NULL);
	asked("eth1,rxqs=2 -l 4-5");
	bad("rss-table", CHECK_WARN, "64 of the 128", "ethtool -X eth1 equal 2 start 0");
	l->rxq[2].rss = l->rxq[3].rss = -1;
	says("rss-table", CHECK_OK);
	l->rss_size = 0;
	strcpy(l->kind, "veth");
	d.port[0].peer = &links[1];
	links[1].ntxqs = 2; /* it sends by no more than we receive on */
	bad("queues-unused", CHECK_WARN, "2 of the 4", "ethtool -L eth1 combined 2");
	links[1].ntxqs = 3;
	*l->kind = 0; /* not an end of that pair */
	bad("queues-unused", CHECK_WARN, "2 of the 4", "ethtool -L eth1 combined 2");
	l->rx_ring = 1023;
	l->rx_ring_max = 2047;
	bad("rings", CHECK_WARN, "1023", "ethtool -G eth1 rx 2047");
	strcpy(l->kind, "veth");
	says("veth-queues", CHECK_OK);
	links[1].ntxqs = 4;
	says("veth-queues", CHECK_OK);
	links[1].ntxqs = 5;
	links[1].ch_combined = 0;
	bad("veth-queues", CHECK_WARN, "sends by 5", "ethtool -L eth2 tx 4");
	asked("eth1,mode=native -l 4-7");
	says("veth-queues", CHECK_FAIL);
	strcpy(l->kdriver, "virtio_net");
	l->ch_combined_max = 19;
	d.host.topo.cpu[3].online = false;
	l->ch_combined = 0; /* queues tell it, then: 4 and 15 */
	says("virtio-queues", CHECK_OK);
	l->ch_combined_max = 15;
	bad("virtio-queues", CHECK_WARN, "15 queue pairs, 4 in use", "# give the virtual machine queues=19");
}

static void test_queues_asked_edges(void **state)
{
	static const struct { const char *line; int rx, tx, combined; const char *evidence, *fix; } cases[] = {
		{ "eth1,rxqs=4,txqs=4 -l 4-7", 0, 0, 16, NULL, NULL },
		{ "eth1,rxqs=16 -l 4-7", 0, 0, 16, "rx queue 15", "ethtool -L eth1 combined 16" },
		{ "eth1,rxqs=17 -l 4-7", 0, 0, 16, "rx queue 16", "pollux doctor eth1,queues=4 -l 4-7" },
		{ "eth1,rxqs=4,txqs=5 -l 4-7", 0, 0, 16, "tx queue 4", "ethtool -L eth1 combined 5" },
		{ "eth1,rxqs=4,txqs=17 -l 4-7", 0, 0, 16, "tx queue 16", "pollux doctor eth1,queues=4 -l 4-7" },
		{ "eth1,rxqs=6,txqs=17 -l 4-7", 0, 0, 16, "rx queue 5", "pollux doctor eth1,queues=4 -l 4-7" },
		{ "eth1,rxqs=4,txqs=6 -l 4-7", 8, 6, 0, "tx queue 5", "ethtool -L eth1 tx 6" },
		{ "eth1,rxqs=8,txqs=6 -l 4-7", 8, 6, 0, "rx queue 7", "ethtool -L eth1 rx 8 tx 6" },
		{ "eth1,rxqs=9 -l 4-7", 8, 6, 0, "rx queue 8", "pollux doctor eth1,queues=4 -l 4-7" },
		{ "eth1,rxqs=10 -l 4-7", 8, 6, 2, "rx queue 9", "ethtool -L eth1 combined 10" },
		{ "eth1,queue=2,rxqs=3 -l 4-7", 0, 0, 4, "rx queue 4", "pollux doctor eth1,queue=2,queues=2 -l 4-7" },
		{ "eth1,queue=4 -l 4-7", 0, 0, 4, "rx queue 4", "pollux doctor eth1 -l 4-7" },
		{ "eth1,queue=3 -l 4-7", 0, 0, 4, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(cases); i++) {
		asked(cases[i].line);
		l->ch_rx_max = cases[i].rx;
		l->ch_tx_max = cases[i].tx;
		l->ch_combined_max = cases[i].combined;
		l->ch_combined = cases[i].combined ? 4 : 0;
		if (cases[i].evidence)
			bad("queues-asked", CHECK_FAIL, cases[i].evidence, cases[i].fix);
		else
			says("queues-asked", CHECK_OK);
	}
	healthy(NULL);
	asked("eth1,rxqs=3,queue=1 -l 4-6");
	d.plan.ports[0].conf.txqs = 2; /* as by another who planned it so */
	l->ch_combined_max = 4;
	bad("tx-queues", CHECK_WARN, "2 transmit queues for 3", "ethtool -L eth1 combined 4");
	l->ch_combined_max = 3;
	bad("tx-queues", CHECK_WARN, "2 transmit queues for 3", "# use fewer lcores, or send by one of them");
}

static void test_interrupt_edges(void **state)
{
	(void)state;
	l->rxq[2].irq = 0;
	l->rxq[2].cpu = 5;
	d.host.topo.cpu[12].online = false;
	bad("irq-lcore", CHECK_WARN, "interrupt 0 of queue 2 is on CPU 5", "echo 13 > /proc/irq/0/smp_affinity_list");
	l->node = -1; /* any will do */
	bad("irq-lcore", CHECK_WARN, "interrupt 0", "echo 0 > /proc/irq/0/smp_affinity_list");
	l->rxq[2].irq = -1; /* not known, and so is its CPU */
	says("irq-lcore", CHECK_OK);
	cpuset_add(&d.port[0].irq_fixed, 3);
	asked("eth1,rxqs=3 -l 4-6");
	says("irq-movable", CHECK_OK);
	l->rxq[0].irq = l->rxq[1].irq = -1;
	all_say("irq-lcore irq-movable", CHECK_SKIP); /* queue 3's is not ours */
}

/* ---- words ---- */

static void test_words_edges(void **state)
{
	static const struct { const char *line, *key, *value, *fix;
	} cases[] = {
		{ "eth1 --iface=eth11,rxd=64 -l 4", "mode", "generic",
		  "pollux doctor eth1,mode=generic --iface=eth11,rxd=64 -l 4" },
		{ "eth1,queues=2,rxd=64 -l 4", "txqs", "2", "pollux doctor eth1,rxd=64,txqs=2 -l 4" },
		{ "eth1,queues=2,rxd=64 -l 4", "mode", "zc", "pollux doctor eth1,queues=2,rxd=64,mode=zc -l 4" },
		{ "eth1,rxqs=2,txqs=1,rxd=64 -l 4", "txqs", "2", "pollux doctor eth1,rxqs=2,rxd=64,txqs=2 -l 4" },
		{ "eth1,rxqs=2,txqs=1,rxd=64 -l 4", "queues", "2", "pollux doctor eth1,rxd=64,queues=2 -l 4" },
		{ "eth1,steer=none,mode=zc -l 4", "queues", "2",
		  "pollux doctor eth1,steer=none,mode=zc,queues=2 -l 4" },
		{ "eth1,mode=zc -l 4 --main-lcore 0", "mode", "native",
		  "pollux doctor eth1,mode=native -l 4 --main-lcore 0" },
	};
	struct result f;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(cases); i++) {
		asked(cases[i].line);
		fix_key(&f, &d, &d.port[0], cases[i].key, cases[i].value);
		assert_string_equal(f.found.fix, cases[i].fix);
	}
	set_words("eth1 --main-lcore 0 -l 4 --lcores=5");
	fix_option(&f, &d, "main-lcore", "none");
	assert_string_equal(f.found.fix, "pollux doctor eth1 -l 4 --lcores=5 --main-lcore none");
	fix_option(&f, &d, "lcores", "6");
	assert_string_equal(f.found.fix, "pollux doctor eth1 --main-lcore 0 -l 6");
	set_words("eth1 -m 64M --memlock=1 -l"); /* another that begins the same; the last lacks its value */
	fix_option(&f, &d, "mem", "auto");
	assert_string_equal(f.found.fix, "pollux doctor eth1 --memlock=1 -l --mem auto");
	fix_option(&f, &d, "lcores", "6");
	assert_string_equal(f.found.fix, "pollux doctor eth1 -m 64M --memlock=1 -l 6");
	set_words("-m 64M");
	f.found.fix[0] = 0;
	again(f.found.fix, sizeof(f.found.fix), &d);
	assert_string_equal(f.found.fix, "pollux doctor -m 64M");
}

/* What is wanted of the run: names whole, ports or their lack, each character. */
static void test_run_edges(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(doctor_judge(&r, &d, "lro,plan,iface-u"), 0); /* a name's beginning is no name */
	assert_int_equal(r.n, 2);
	free(r.r);
	strcpy(l->name, "~ \x7f\x1f");
	l->flags = 0;
	assert_int_equal(doctor_judge(&r, &d, "iface-up"), 0);
	assert_non_null(strstr(r.r[0].found.evidence, "~ ?? is down"));
	free(r.r);
	d.nports = 0;
	assert_int_equal(doctor_judge(&r, &d, NULL), 0); /* no lines about ports that nobody named */
	for (size_t i = 0; i < r.n; i++)
		assert_false(r.r[i].check->port);
	assert_true(r.n > 40);
	free(r.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_told),        TEST(test_nothing_to_judge), TEST(test_packet),
		TEST(test_kernel_edges),    TEST(test_lcore_edges),      TEST(test_memory_edges),
		TEST(test_refused_memory),  TEST(test_iface_edges),      TEST(test_xdp_edges),
		TEST(test_mtu_edges),       TEST(test_queue_edges),      TEST(test_queues_asked_edges),
		TEST(test_interrupt_edges), TEST(test_words_edges),      TEST(test_run_edges),
	};

	program_invocation_name = (char[]){ "pollux" };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

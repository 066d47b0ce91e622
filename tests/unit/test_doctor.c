/* SPDX-License-Identifier: MIT */
/* test_doctor.c - what pollux doctor says of machines that are made up: one on which all is
   well, and that machine with one thing wrong at a time. */
#include "doctor.h"

#include <errno.h>
#include <jansson.h>
#include <linux/capability.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NO_COMMAND "# "  /* expected: no command can mend it, and the mend says so */

static struct doctor d;
static struct disco_link links[4];
static char *words[16];

/* plan draws d's plan from its facts, as doctor_read does. */
static void plan(void)
{
	static struct plx_link_info li[PLX_PORTS_MAX];
	static struct plan_irqs irqs[PLX_PORTS_MAX];

	for (unsigned i = 0; i < d.nports; i++) {
		const struct disco_link *l = d.port[i].l;
		li[i] = (struct plx_link_info){ .ifindex = l->ifindex, .mtu = l->mtu, .up = true, .rxqs = l->nrxqs, .txqs = l->ntxqs,
		                                .rxqs_max = 16, .txqs_max = 16, .combined = true, .node = l->node };
		for (unsigned q = 0; q < PLX_QUEUES_MAX; q++)
			irqs[i].q[q] = (struct plan_irq){ l->rxq[q].irq, (int16_t)l->rxq[q].cpu, (int16_t)l->rxq[q].node, l->rxq[q].how };
	}
	d.plan_err = plan_make(&d.plan, &d.conf, &d.topo, li, irqs, d.plan_why, sizeof(d.plan_why));
	d.planned = !d.plan_err;
	for (unsigned i = 0; i < d.nports; i++)
		d.port[i].plan = d.planned ? &d.plan.ports[i] : NULL;
}

static void set_words(const char *line)
{
	static char text[512];
	char *rest = text;
	unsigned n = 0;

	snprintf(text, sizeof(text), "doctor %s", line);
	while (rest && n < PLX_ARRAY_SIZE(words) - 1)
		words[n++] = strsep(&rest, " ");
	words[n] = NULL;
	d.words = words;
}

/* asked reads the command line and plans anew. */
static void asked(const char *line)
{
	char *argv[PLX_ARRAY_SIZE(words) * 2], why[2048];
	static char option[] = "--iface";
	int argc = 0;

	set_words(line);
	plx_env_conf_init(&d.conf);
	argv[argc++] = words[0];
	for (char **w = words + 1; *w; w++) {
		if ((*w)[0] != '-' && (w == words + 1 || argv[argc - 2] == option))
			argv[argc++] = option;
		argv[argc++] = *w;
	}
	argv[argc] = NULL;
	if (plx_env_conf_parse(&d.conf, argc, argv, NULL, why, sizeof(why)))
		fail_msg("%s", why);
	d.nports = d.conf.nports;
	for (unsigned i = 0; i < d.nports; i++) {
		d.port[i].conf = &d.conf.ports[i];
		d.port[i].l = &links[i];
		d.port[i].sysfs = true;
	}
	plan();
}

/* nic: a good one on node 1, four queues whose interrupts are on CPUs 12-15. */
static void nic(struct disco_link *l, const char *name, unsigned ifindex)
{
	disco_link_init(l);
	snprintf(l->name, sizeof(l->name), "%s", name);
	strcpy(l->kdriver, "ice");
	strcpy(l->bus, "0000:81:00.0");
	l->ifindex = ifindex;
	l->node = 1;
	l->mtu = 1500;
	l->flags = IFF_UP | IFF_RUNNING | IFF_PROMISC;
	l->nrxqs = l->ntxqs = 4;
	l->ch_combined = 4;
	l->ch_combined_max = 16;
	l->ch_rx = l->ch_tx = l->ch_rx_max = l->ch_tx_max = 0;
	l->rx_ring = l->rx_ring_max = 4096;
	l->hds = 0;
	l->xdp_told = true;
	l->xdp_features = 0x3f;
	l->zc_max_segs = 8;
	l->f_known = l->f_can = (1u << DISCO_F_N) - 1;
	l->rss_size = 128;
	for (unsigned q = 0; q < 4; q++) {
		l->rxq[q].rss = 32;
		l->rxq[q].irq = 40 + (int)q;
		l->rxq[q].how = DISCO_IRQ_NAPI;
		l->rxq[q].cpu = 12 + (int)q;
		l->rxq[q].node = 1;
		l->rxq[q].xsk = l->txq[q].xsk = 0;
	}
}

/* Two nodes of four cores of two threads; CPUs 4-7 and 12-15 are node 1; lcores on 4-7. */
static int healthy(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	d.sys = &plx_sys_linux;
	d.topo.nnodes = 2;
	d.topo.ncpus = 16;
	d.topo.memlock = 8 << 20;
	d.topo.mem_avail = 8ull << 30;
	for (unsigned i = 0; i < 16; i++)
		d.topo.cpu[i] = (struct topo_cpu){ .present = true, .online = true, .allowed = true, .node = (int16_t)(i / 4 % 2),
		                                   .package = (int16_t)(i / 4 % 2), .core = (int32_t)(i % 8),
		                                   .isolated = i / 4 == 1, .nohz_full = i / 4 == 1, .rcu_nocbs = i / 4 == 1 };
	for (unsigned n = 0; n < 2; n++)
		d.topo.huge[n][1] = (struct topo_huge){ .page = 2ull << 20, .total = 256, .free = 256 };
	d.topo.huge[0][0].page = d.topo.huge[1][0].page = 1ull << 30;
	d.topo.huge_all[1] = (struct topo_huge){ .page = 2ull << 20, .total = 512, .free = 512 };
	d.probe = (struct probe){ .ring_flags = 1, .sg = 1, .budget = 1, .tx_meta = 1, .jit = 1, .btf = 1, .netdev_cmd = 15,
	                          .ethtool = 1 };
	d.host = (struct host){ .cap_bnd = UINT64_MAX, .init_userns = 1, .memlock_hard = 16 << 20, .nofile = 1024,
	                        .nofile_hard = 4096, .exe = "/usr/bin/pollux", .bpffs = 1, .unpriv_bpf = 2,
	                        .clocksource = "tsc", .quota.value = -1, .memory.value = -1 };
	for (unsigned i = 0; i < 16; i++)
		d.cpu[i] = (struct cpu_facts){ .governor = "performance", .idle_us = 2, .all = 100000 };
	nic(&links[0], "eth1", 7);
	nic(&links[1], "eth2", 8);
	asked("eth1 -l 4-7");
	if (d.plan_err)
		fail_msg("%s", d.plan_why);
	return 0;
}

static struct finding found;

/* says runs one check on port 0 or the host. */
static void says(const char *name, enum status status)
{
	const struct check *c = check_find(name, strlen(name));

	memset(&found, 0, sizeof(found));
	if (!c)
		fail_msg("no check %s", name);
	c->fn(&d, c->port ? &d.port[0] : NULL, &found);
	if (found.status != status)
		fail_msg("%s: status %d, wanted %d: %s", name, found.status, status, found.evidence);
	assert_true(*found.evidence);
	/* what is wrong has a mend, what is not has none */
	assert_int_equal(*found.mend != 0, status == CHECK_WARN || status == CHECK_FAIL);
}

static void bad(const char *name, enum status status, const char *evidence, const char *mend)
{
	says(name, status);
	if (!strstr(found.evidence, evidence))
		fail_msg("%s: '%s' lacks '%s'", name, found.evidence, evidence);
	if (!strcmp(mend, NO_COMMAND) ? strncmp(found.mend, "# ", 2) : strcmp(mend, found.mend))
		fail_msg("%s: mend is '%s', wanted '%s'", name, found.mend, mend);
}

/* ---- */

static void test_healthy(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(doctor_judge(&r, &d, NULL), 0);
	for (size_t i = 0; i < r.n; i++)
		if (r.r[i].f.status != CHECK_OK)
			fail_msg("%s: %d %s", r.r[i].check->name, r.r[i].f.status, r.r[i].f.evidence);
	assert_int_equal(r.count[CHECK_OK], r.n);
	assert_true(r.n >= 50);
	free(r.r);
}

static void test_table(void **state)
{
	unsigned n = 0;

	(void)state;
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++, n++) {
			assert_ptr_equal(check_find(c->name, strlen(c->name)), c); /* names do not repeat */
			assert_true(strlen(c->name) <= 16 && *c->group && *c->what && c->fn);
			assert_int_equal(strspn(c->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(c->name));
		}
	assert_true(n >= 50);
	assert_null(check_find("memloc", 6));
}

static void test_rights(void **state)
{
	(void)state;
	d.topo.missing_caps = 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN | 1ull << CAP_BPF | 1ull << CAP_SYS_ADMIN |
	                      1ull << CAP_IPC_LOCK;
	bad("cap-net-raw", CHECK_FAIL, "CAP_NET_RAW is missing, which socket(AF_XDP) needs",
	    "setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep /usr/bin/pollux # and on the program");
	bad("cap-net-admin", CHECK_FAIL, "BPF_LINK_CREATE", found.mend);
	bad("cap-bpf", CHECK_FAIL, "BPF_PROG_LOAD", found.mend);
	d.host.cap_bnd = 0;
	bad("cap-bpf", CHECK_FAIL, "BPF_PROG_LOAD", NO_COMMAND);
	d.topo.missing_caps &= ~(1ull << CAP_SYS_ADMIN);
	says("cap-bpf", CHECK_OK);
	d.host.init_userns = 0;
	bad("userns", CHECK_FAIL, "user namespace", NO_COMMAND);
	asked("eth1,driver=packet -l 4-7");
	bad("cap-net-raw", CHECK_FAIL, "socket(AF_PACKET)", NO_COMMAND);
	says("cap-net-admin", CHECK_SKIP);
	says("memlock", CHECK_SKIP);
	says("userns", CHECK_SKIP);
}

static void test_limits(void **state)
{
	char want[128];
	unsigned long long need = (unsigned long long)d.plan.pools[0].frames * d.plan.pools[0].frame_size;

	(void)state;
	d.topo.missing_caps = 1ull << CAP_IPC_LOCK;
	d.topo.memlock = need;
	says("memlock", CHECK_OK);
	d.topo.memlock = need - 1;
	d.host.memlock_hard = need;
	snprintf(want, sizeof(want), "ulimit -S -l %llu", (need + 1023) / 1024);
	bad("memlock", CHECK_FAIL, "ENOBUFS", want);
	d.host.memlock_hard = need - 1;
	snprintf(want, sizeof(want), "prlimit --pid $$ --memlock=%llu:%llu", need, need);
	bad("memlock", CHECK_FAIL, "ENOBUFS", want);
	d.host.nofile = 87; /* 64, eight queues both ways, eight */
	bad("open-files", CHECK_FAIL, "87 files", "ulimit -S -n 88");
	d.host.nofile_hard = 87;
	bad("open-files", CHECK_FAIL, "87 files", "prlimit --pid $$ --nofile=88:88");
}

static void test_machine(void **state)
{
	(void)state;
	strcpy(d.host.clocksource, "hpet");
	strcpy(d.host.clocksources, "tsc hpet acpi_pm");
	bad("clocksource", CHECK_WARN, "hpet", "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
	strcpy(d.host.clocksources, "hpet acpi_pm");
	bad("clocksource", CHECK_WARN, "hpet", NO_COMMAND);
	d.host.numa_balancing = 1;
	bad("numa-balancing", CHECK_WARN, "is 1", "sysctl -w kernel.numa_balancing=0");
	d.topo.nnodes = 1;
	says("numa-balancing", CHECK_OK);
	d.host.irqbalance = 812;
	bad("irqbalance", CHECK_WARN, "pid 812", "kill 812");
	strcpy(d.host.tools, "ethtool");
	bad("tools", CHECK_WARN, "ethtool", "apt-get install -y iproute2 ethtool bpftool util-linux");
	d.host.orphans = 2;
	bad("journal", CHECK_WARN, "2 programs", "pollux setup restore --orphans");
	d.host.orphans = -EACCES;
	says("journal", CHECK_SKIP);
}

static void test_kernel(void **state)
{
	static const char *const features[] = { "xsk-chains", "xsk-budget", "ethtool-netlink", "napi-set" };

	(void)state;
	d.probe = (struct probe){ .xsk_err = -EAFNOSUPPORT, .load_err = -EPERM, .frags_err = -EPERM, .memfd_err = -ENOSYS };
	bad("af-xdp", CHECK_FAIL, "EAFNOSUPPORT", NO_COMMAND);
	bad("bpf-load", CHECK_FAIL, "EPERM", NO_COMMAND);
	says("bpf-frags", CHECK_SKIP);
	bad("xsk-wakeup", CHECK_FAIL, "no flags", "# Linux 5.4 or newer has it");
	for (size_t i = 0; i < PLX_ARRAY_SIZE(features); i++)
		bad(features[i], CHECK_WARN, "", NO_COMMAND);
	says("tx-metadata", CHECK_SKIP);
	bad("netdev-netlink", CHECK_WARN, "no netdev", NO_COMMAND);
	d.probe.netdev_cmd = 10;
	bad("netdev-netlink", CHECK_WARN, "does not tell of queues", "# Linux 6.8 or newer has it");
	d.probe.netdev_cmd = 13;
	says("netdev-netlink", CHECK_OK);
	bad("napi-set", CHECK_WARN, "whole interfaces", "# Linux 6.13 or newer has it");
	d.probe.netdev_cmd = 14;
	says("napi-set", CHECK_OK);
	bad("btf", CHECK_WARN, "vmlinux", NO_COMMAND);
	bad("hugetlb", CHECK_WARN, "ENOSYS", NO_COMMAND);
	bad("bpf-jit", CHECK_WARN, "interpreted", "nsenter -t 1 -n sysctl -w net.core.bpf_jit_enable=1");
	d.host.bpffs = 0;
	bad("bpffs", CHECK_WARN, "/sys/fs/bpf", "mount -t bpf bpf /sys/fs/bpf");
	d.host.unpriv_bpf = 0;
	bad("unprivileged-bpf", CHECK_WARN, "is 0", "sysctl -w kernel.unprivileged_bpf_disabled=2");
	d.probe.load_err = 0;
	d.probe.frags_err = -EINVAL;
	bad("bpf-frags", CHECK_WARN, "EINVAL", NO_COMMAND);
	asked("eth1,driver=packet -l 4-7");
	bad("af-xdp", CHECK_WARN, "EAFNOSUPPORT", NO_COMMAND);
}

static void test_lcores(void **state)
{
	(void)state;
	d.topo.cpu[5].online = false;
	plan();
	bad("lcore-online", CHECK_FAIL, "lcore 5: CPU 5 is offline", "echo 1 > /sys/devices/system/cpu/cpu5/online");
	bad("plan", CHECK_FAIL, "CPU 5", NO_COMMAND);
	d.topo.cpu[5].present = false;
	bad("lcore-online", CHECK_FAIL, "not in this machine", "pollux doctor eth1 -l 0-4,6-15");
	d.topo.cpu[5].online = d.topo.cpu[5].present = true;
	d.topo.cpu[5].allowed = false;
	bad("cpuset", CHECK_FAIL, "CPU 5 of -l is not among those this process may use (0-4,6-15), by its affinity",
	    "taskset -pc 0-15 $$");
	d.topo.cpu[5].barred = true;
	strcpy(d.host.cpuset, "/sys/fs/cgroup/cpuset/box/cpuset.cpus");
	bad("cpuset", CHECK_FAIL, "cgroup", "echo 0-15 > /sys/fs/cgroup/cpuset/box/cpuset.cpus");
}

static void test_service(void **state)
{
	(void)state;
	asked("eth1,rxqs=3 -l 4-6 -S 7");
	says("lcore-idle", CHECK_OK); /* it has no queue, and is to have none */
	asked("eth1,rxqs=2 -l 4@4,5@4 -S 0,1");
	bad("lcore-shared", CHECK_WARN, "both on CPU 4", "pollux doctor eth1,rxqs=2 -S 0,1 -l 2,4");
	asked("eth1 -l 4-6 -S 7");
	d.topo.cpu[7].online = false;
	bad("lcore-online", CHECK_FAIL, "lcore 7: CPU 7 is offline", "echo 1 > /sys/devices/system/cpu/cpu7/online");
	d.topo.cpu[7].present = false;
	bad("lcore-online", CHECK_FAIL, "not in this machine", NO_COMMAND);
	d.topo.cpu[7].online = d.topo.cpu[7].present = true;
	d.topo.cpu[7].allowed = false;
	bad("cpuset", CHECK_FAIL, "CPU 7 of -l or -S", "taskset -pc 0-15 $$");
}

static void test_sharing(void **state)
{
	(void)state;
	asked("eth1,rxqs=2 -l 4@4,5@4");
	bad("lcore-shared", CHECK_WARN, "both on CPU 4", "pollux doctor eth1,rxqs=2 -l 0,4");
	asked("eth1,rxqs=2 --lcores=4,12");
	bad("lcore-smt", CHECK_WARN, "CPUs 4 and 12", "pollux doctor eth1,rxqs=2 -l 0,4");
	asked("eth1,rxqs=2 -l 4-7");
	bad("lcore-idle", CHECK_WARN, "lcore 6", "pollux doctor eth1,rxqs=2 -l 4-5");
	asked("eth1 -l0-3");
	bad("lcore-node", CHECK_WARN, "4 receive queues of node 1", "pollux doctor eth1 -l 4-7");
	asked("eth1 -l 4-7 --main-lcore 5");
	bad("control-cpu", CHECK_WARN, "CPU 5", "pollux doctor eth1 -l 4-7 --main-lcore none");
	asked("eth1 -l 4-7 --main-lcore 0");
	says("control-cpu", CHECK_OK);
}

static void test_quiet_cpus(void **state)
{
	static const char boot[] = "mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX isolcpus=4-7 "
		"nohz_full=4-7 rcu_nocbs=4-7\"' > /etc/default/grub.d/pollux.cfg && update-grub # then boot anew";

	(void)state;
	d.topo.cpu[6].isolated = d.topo.cpu[6].nohz_full = d.topo.cpu[6].rcu_nocbs = false;
	bad("isolcpus", CHECK_WARN, "CPU 6", boot);
	bad("nohz-full", CHECK_WARN, "CPU 6", boot);
	bad("rcu-nocbs", CHECK_WARN, "CPU 6", boot);
	d.topo.cpu[6].nohz_full = true;
	says("rcu-nocbs", CHECK_OK);
	strcpy(d.cpu[4].governor, "powersave");
	bad("governor", CHECK_WARN, "CPU 4 follows the governor powersave",
	    "for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do echo performance > $f; done");
	*d.cpu[4].governor = 0;
	says("governor", CHECK_SKIP);
	d.cpu[7].idle_us = 120;
	d.cpu[7].idle_state = 3;
	says("idle-states", CHECK_OK);
	asked("eth1 -l 4-7 --idle adaptive");
	bad("idle-states", CHECK_WARN, "state 3, which takes 120 us",
	    "for f in /sys/devices/system/cpu/cpu*/cpuidle/state[3-9]/disable; do echo 1 > $f; done");
	d.cpu[4].steal = 3999;
	says("steal", CHECK_OK);
	d.cpu[4].steal = 4000;
	bad("steal", CHECK_WARN, "4000 of 400000", NO_COMMAND);
	d.host.quota = (struct limit){ "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", 399999 };
	d.host.period = 100000;
	bad("cpu-quota", CHECK_WARN, "4 lcores", "echo -1 > /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
	strcpy(d.host.quota.file, "/sys/fs/cgroup/box/cpu.max");
	bad("cpu-quota", CHECK_WARN, "4 lcores", "echo max > /sys/fs/cgroup/box/cpu.max");
	d.host.quota.value = 400000;
	says("cpu-quota", CHECK_OK);
}

static void test_memory(void **state)
{
	unsigned long long need = (d.plan.pools[0].bytes + (2 << 20) - 1) >> 21;
	char want[128];

	(void)state;
	d.topo.huge[1][1].free = 1;
	plan();
	snprintf(want, sizeof(want), "echo %llu > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", 256 + need - 1);
	bad("hugepages", CHECK_WARN, "node 1", want);
	bad("hugepages-node", CHECK_WARN, "other nodes have 256", want);
	d.host.huge_files = 3;
	d.host.huge_bytes = 6 << 20;
	strcpy(d.host.huge_mount, "/dev/hugepages");
	bad("hugepage-files", CHECK_WARN, "3 files in /dev/hugepages hold 6 MiB", "find /dev/hugepages -xdev -type f -delete");
	d.host.memory = (struct limit){ "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", 1 << 20 };
	bad("memory-limit", CHECK_FAIL, "leaves 1 MiB", "echo -1 > /sys/fs/cgroup/memory/box/memory.limit_in_bytes");
	d.topo.mem_avail = 1 << 20;
	bad("memory", CHECK_FAIL, "1 MiB are available", NO_COMMAND);
	d.conf.huge = PLX_REQUIRE;
	bad("hugepages", CHECK_FAIL, "node 1", want);
	d.conf.huge = PLX_NEVER;
	says("hugepages", CHECK_SKIP);
	d.topo.mem_avail = 8ull << 30;
	asked("eth1 -m 1M");
	bad("pool-memory", CHECK_FAIL, "frames of 2048 bytes", "pollux doctor eth1 --mem auto");
	says("hugepages", CHECK_SKIP);
}

/* ---- interfaces ---- */

static void test_iface(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	d.port[0].l = NULL;
	bad("iface-exists", CHECK_FAIL, "no interface eth1", NO_COMMAND);
	says("carrier", CHECK_SKIP);
	strcpy(d.port[0].near, "eth11");
	bad("iface-exists", CHECK_FAIL, "there is eth11", "pollux doctor eth11 -l 4-7");
	strcpy(d.port[0].elsewhere, "ip netns exec blue ");
	bad("iface-exists", CHECK_FAIL, "blue", "ip netns exec blue pollux doctor eth1 -l 4-7");
	d.port[0].l = l;
	strcpy(l->name, "enp1s0");
	bad("iface-name", CHECK_WARN, "another name of enp1s0", "pollux doctor enp1s0 -l 4-7");
	d.port[0].sysfs = false;
	bad("iface-sysfs", CHECK_WARN, "/sys", "mount -t sysfs sysfs /sys");
	strcpy(d.host.netns, "red");
	bad("iface-sysfs", CHECK_WARN, "/sys", "ip netns exec red pollux doctor eth1 -l 4-7");
	l->flags = IFF_UP;
	bad("carrier", CHECK_WARN, "no carrier", NO_COMMAND);
	bad("promisc", CHECK_WARN, "own address", "ip link set dev enp1s0 promisc on");
	d.port[0].peer = &links[1];
	links[1].flags = 0;
	strcpy(d.port[0].at_peer, "nsenter -t 1 -n ");
	bad("carrier", CHECK_WARN, "eth2 is down", "nsenter -t 1 -n ip link set dev eth2 up");
	l->flags = 0;
	bad("iface-up", CHECK_FAIL, "down", "ip link set dev enp1s0 up");
	says("carrier", CHECK_SKIP);
	l->node = -1;
	bad("iface-node", CHECK_WARN, "0000:81:00.0", NO_COMMAND);
	/* the kernel allows such names, and the other end's is chosen by others */
	strcpy(l->name, "$(halt)");
	bad("iface-up", CHECK_FAIL, "down", "ip link set dev '$(halt)' up");
	l->flags = IFF_UP;
	strcpy(links[1].name, "a;b'c");
	bad("carrier", CHECK_WARN, "is down", "nsenter -t 1 -n ip link set dev 'a;b'\\''c' up");
}

static void test_xdp(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->xdp_features = 0;
	bad("xdp-native", CHECK_WARN, "generic", NO_COMMAND);
	bad("zero-copy", CHECK_WARN, "driver ice", NO_COMMAND);
	asked("--iface eth1,mode=zc,stall=off -l 4-7");
	bad("xdp-native", CHECK_FAIL, "mode=zc", "pollux doctor --iface eth1,stall=off,mode=generic -l 4-7");
	bad("zero-copy", CHECK_FAIL, "mode=zc", "pollux doctor --iface eth1,stall=off,mode=auto -l 4-7");
	l->xdp = (struct plx_xdp_info){ .id = 9, .name = "theirs" };
	l->xdp_mode = DISCO_XDP_NATIVE;
	bad("xdp-free", CHECK_FAIL, "program 9 \"theirs\"", "ip link set dev eth1 xdpdrv off");
	l->xdp_mode = DISCO_XDP_GENERIC;
	bad("xdp-free", CHECK_FAIL, "program 9", "ip link set dev eth1 xdpgeneric off");
	l->xdp.link = 4;
	bad("xdp-free", CHECK_FAIL, "program 9", "bpftool link detach id 4");
	strcpy(l->xdp.name, "steer"); /* ours is never detached, but its program may be ended */
	l->xdp.pid = 812;
	strcpy(l->xdp.comm, "plx-fwd");
	bad("xdp-free", CHECK_FAIL, "pid 812 (plx-fwd) attached already, which is Pollux at work", "kill 812");
	strcpy(d.port[0].pins, "dispatch-7-12");
	bad("xdp-pins", CHECK_WARN, "dispatch-7-12", "ip link set dev eth1 xdp off && rm -r /sys/fs/bpf/xdp/dispatch-7-12");
	l->xdp.id = 0;
	bad("xdp-pins", CHECK_WARN, "is gone", "rm -r /sys/fs/bpf/xdp/dispatch-7-12");
	asked("eth1,driver=packet -l 4-7");
	says("xdp-native", CHECK_SKIP);
	says("zero-copy", CHECK_SKIP);
}

static void test_uses(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->master = (struct disco_ref){ 12, "bond0" };
	bad("master", CHECK_WARN, "bond0", "ip link set dev eth1 nomaster");
	strcpy(l->kind, "bond");
	l->slaves[l->nslaves++] = (struct disco_ref){ 8, "eth2" };
	bad("stacked", CHECK_WARN, "bond", "pollux doctor eth2 -l 4-7");
	strcpy(l->kind, "vlan");
	l->lower = (struct disco_ref){ 9, "eth3" };
	bad("stacked", CHECK_WARN, "vlan", "pollux doctor eth3 -l 4-7");
	*l->kind = 0;
	d.port[0].default_route = true;
	bad("default-route", CHECK_WARN, "default route", "pollux doctor eth1,driver=packet -l 4-7");
	strcpy(d.port[0].ssh, "192.0.2.7");
	bad("ssh-session", CHECK_FAIL, "192.0.2.7", "pollux doctor eth1,driver=packet -l 4-7");
	asked("eth1,steer=none -l 4-7");
	says("ssh-session", CHECK_OK);
	says("default-route", CHECK_OK);
}

static void test_offloads(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->f_on = 1u << DISCO_F_lro | 1u << DISCO_F_gro_hw | 1u << DISCO_F_rx_vlan;
	l->f_can &= ~(1u << DISCO_F_gro_hw);
	bad("lro", CHECK_WARN, "rx-lro is on", "ethtool -K eth1 lro off");
	bad("gro-hw", CHECK_WARN, "rx-gro-hw is on", NO_COMMAND);
	bad("rx-vlan", CHECK_WARN, "rx-vlan-hw-parse is on", "ethtool -K eth1 rxvlan off");
	l->f_known = 0;
	says("lro", CHECK_SKIP);
	l->hds = 1;
	bad("header-split", CHECK_WARN, "buffers of their own", "ethtool -G eth1 tcp-data-split off");
	strcpy(l->kind, "veth");
	says("veth-checksum", CHECK_SKIP);
	d.port[0].peer = &links[1];
	links[1].f_on = 1u << DISCO_F_tx_csum;
	strcpy(d.port[0].at_peer, "ip netns exec blue ");
	bad("veth-checksum", CHECK_WARN, "eth2", "ip netns exec blue ethtool -K eth2 tx off");
	asked("eth1,mode=generic -l 4-7");
	l->f_known = 1u << DISCO_F_gro;
	bad("veth-napi", CHECK_WARN, "NAPI", "ethtool -K eth1 gro on");
}

static void test_mtu(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->mtu = 1774; /* 2048 - 256 - 18 */
	says("mtu-room", CHECK_OK);
	l->mtu = 1775;
	bad("mtu-room", CHECK_WARN, "two frames", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	d.probe.sg = 0;
	bad("mtu-room", CHECK_FAIL, "dropped", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	l->mtu = 3823;
	bad("mtu-room", CHECK_FAIL, "dropped", "ip link set dev eth1 mtu 1774");
	d.probe.sg = 1;
	d.probe.frags_err = -EINVAL;
	says("mtu-room", CHECK_FAIL);
	d.probe.load_err = d.probe.frags_err = -EPERM; /* could not be tried: no evidence against chains */
	says("mtu-room", CHECK_OK);
	l->mtu = 8 * 1792 - 18;
	says("mtu-chain", CHECK_OK);
	l->mtu++;
	bad("mtu-chain", CHECK_WARN, "takes 9 frames", "ip link set dev eth1 mtu 14318");
	l->xdp_features = 1; /* no zero-copy: chains as long as the kernel's */
	says("mtu-chain", CHECK_OK);
}

/* ---- queues ---- */

static void test_queues(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->txq[3].xsk = 1;
	bad("queue-free", CHECK_FAIL, "queue 3 of eth1 has an AF_XDP socket already, of a process", NO_COMMAND);
	d.port[0].holder = 99;
	strcpy(d.port[0].holder_name, "suricata");
	bad("queue-free", CHECK_FAIL, "pid 99 (suricata)", "kill 99");
	l->txq[3].xsk = -1;
	l->rxq[0].xsk = -1;
	says("queue-free", CHECK_SKIP);
	asked("eth1,rxqs=3 -l 4-6");
	says("queues-unused", CHECK_OK); /* the RSS table decides */
	bad("rss-table", CHECK_WARN, "32 of the 128 entries", "ethtool -X eth1 equal 3 start 0");
	d.port[0].nrules = 3;
	d.port[0].rule[0] = (struct flow_rule){ 4, 2 };
	d.port[0].rule[1] = (struct flow_rule){ 5, UINT32_MAX };
	says("flow-rules", CHECK_OK);
	d.port[0].rule[2] = (struct flow_rule){ 6, 3 };
	bad("flow-rules", CHECK_WARN, "flow rule 6 of eth1 leads to queue 3", "ethtool -N eth1 delete 6");
	l->rss_size = 0;
	bad("queues-unused", CHECK_WARN, "1 of the 4", "ethtool -L eth1 combined 3");
	asked("eth1,queue=1 -l 4-6");
	bad("queues-unused", CHECK_WARN, "1 of the 4", "pollux doctor eth1 -l 4-6");
	asked("eth1,rxqs=6 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "receive queue 5", "ethtool -L eth1 combined 6");
	asked("eth1,rxqs=20,rxd=64 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "receive queue 19", "pollux doctor eth1,rxd=64,queues=4 -l 4-7");
	asked("eth1,queue=99 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "queue 99", "pollux doctor eth1 -l 4-7");
	l->rx_ring = 256;
	bad("rings", CHECK_WARN, "256 entries and may have 4096", "ethtool -G eth1 rx 2048");
	l->rx_ring_max = 512;
	bad("rings", CHECK_WARN, "256 entries and may have 512", "ethtool -G eth1 rx 512");
	l->rx_ring_max = 256;
	says("rings", CHECK_OK);
	l->rx_ring = 1024;
	l->rx_ring_max = 8192;
	says("rings", CHECK_OK);
	asked("eth1,rxqs=4,txqs=1 -l 4-7");
	bad("tx-queues", CHECK_WARN, "1 transmit queues for 4", "pollux doctor eth1,rxqs=4 -l 4-7");
}

static void test_two_ports(void **state)
{
	struct finding f = { 0 };
	const struct check *c = check_find("queue-once", 10);

	(void)state;
	asked("eth1 eth2 -l 4-7");
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_OK);
	links[1].ifindex = links[0].ifindex;
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_FAIL);
	assert_string_equal(f.mend, "pollux doctor eth1 -l 4-7");
	links[0].nrxqs = links[0].ntxqs = links[1].nrxqs = links[1].ntxqs = 8;
	asked("eth1,rxqs=2,queue=2 --iface=eth2,rxqs=2 -l 4-7"); /* 2-3 and 0-1 of one interface */
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_OK);
	asked("eth1,rxqs=2 --iface=eth2,rxqs=2,queue=2 -l 4-7");
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_OK);
	asked("eth1,rxqs=2,queue=1 --iface=eth2,rxqs=2 -l 4-7");
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_FAIL);
	asked("eth1,rxqs=2 --iface=eth2,rxqs=2,queue=1 -l 4-7");
	c->fn(&d, &d.port[1], &f);
	assert_int_equal(f.status, CHECK_FAIL);
}

static void test_virtual(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	strcpy(l->kdriver, "virtio_net");
	bad("virtio-queues", CHECK_WARN, "16 queue pairs, 4 in use", "# give the virtual machine queues=20");
	l->ch_combined_max = 18;
	bad("virtio-queues", CHECK_WARN, "18 queue pairs", "ethtool -L eth1 combined 2");
	l->ch_combined_max = 20;
	says("virtio-queues", CHECK_OK);
	strcpy(l->kind, "veth");
	d.port[0].peer = &links[1];
	links[1].ntxqs = 6;
	links[1].ch_combined = 0;
	strcpy(d.port[0].at_peer, "ip netns exec blue ");
	bad("veth-queues", CHECK_WARN, "sends by 6", "ip netns exec blue ethtool -L eth2 tx 4");
	l->rss_size = l->ch_combined = 0;
	asked("eth1,rxqs=3 -l 4-6");
	d.port[0].peer = &links[1];
	bad("queues-unused", CHECK_WARN, "1 of the 4", "ip netns exec blue ethtool -L eth2 tx 3 && ethtool -L eth1 rx 3");
}

static void test_interrupts(void **state)
{
	struct disco_link *l = &links[0];

	(void)state;
	l->rxq[2].cpu = 5;
	bad("irq-lcore", CHECK_WARN, "interrupt 42 of queue 2 is on CPU 5", "echo 12 > /proc/irq/42/smp_affinity_list");
	disco_cpus_add(&d.port[0].irq_fixed, 2);
	bad("irq-movable", CHECK_WARN, "interrupt 42", NO_COMMAND);
	asked("eth1,rxqs=2 -l 4-5"); /* queue 2 is not ours */
	says("irq-lcore", CHECK_OK);
	l->rxq[1].cpu = 4;
	l->node = 0;
	bad("irq-lcore", CHECK_WARN, "queue 1 is on CPU 4", "echo 0 > /proc/irq/41/smp_affinity_list");
	l->node = 1;
	asked("eth1 -l 4-7 --placement same-core");
	says("irq-lcore", CHECK_OK);
	asked("eth1 -l 0-15");
	says("irq-lcore", CHECK_SKIP);
	for (unsigned q = 0; q < 4; q++)
		l->rxq[q].irq = -1;
	says("irq-lcore", CHECK_SKIP);
}

/* ---- words ---- */

static void test_words(void **state)
{
	struct finding f;

	(void)state;
	set_words("eth1,rxqs=2,txqs=2 --iface=eth2,rxd=64 -l4-7 -c /etc/my$conf");
	mend_option(&f, &d, "lcores", "(0,1)@4");
	assert_string_equal(f.mend, "pollux doctor eth1,rxqs=2,txqs=2 --iface=eth2,rxd=64 -c '/etc/my$conf' -l '(0,1)@4'");
	mend_key(&f, &d, &d.port[0], "queues", "1");
	assert_string_equal(f.mend, "pollux doctor eth1,queues=1 --iface=eth2,rxd=64 -l4-7 -c '/etc/my$conf'");
	asked("eth1 --iface=eth2,rxd=64 -l 4-7");
	mend_key(&f, &d, &d.port[1], "mode", "generic");
	assert_string_equal(f.mend, "pollux doctor eth1 --iface eth2,rxd=64,mode=generic -l 4-7");
	mend_without(&f, &d, &d.port[1]);
	assert_string_equal(f.mend, "pollux doctor eth1 -l 4-7");
	asked("eth1,rxd=64,queues=2,stall=off -l 4-7");
	mend_key(&f, &d, &d.port[0], "rxqs", "1");
	assert_string_equal(f.mend, "pollux doctor eth1,rxd=64,stall=off,rxqs=1 -l 4-7");
	asked("eth1 --iface=eth2,rxd=64 -l 4-7");
	set_words("-c file"); /* the port is from a file: no word of the command line can be changed */
	mend_key(&f, &d, &d.port[1], "mode", "generic");
	assert_string_equal(f.mend, "# where the configuration names eth2, write: eth2,mode=generic");
}

static void test_routes(void **state)
{
	static const char v4[] = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
		"eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\neth2\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
	static const char v6[] =
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 "
		"00000001 00000000 00000003     eth3\n"
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff "
		"00000001 00000000 00200200       lo\n";

	(void)state;
	assert_false(route_default(v4, "eth1"));
	assert_true(route_default(v4, "eth2"));
	assert_true(route_default(v6, "eth3"));
	assert_false(route_default(v6, "lo"));
	assert_false(route_default("", "eth1"));
}

static void test_report(void **state)
{
	struct report r;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	links[0].flags = 0;
	strcpy(links[0].xdp.name, "a\033[2J\xff");
	links[0].xdp.id = 3;
	assert_int_equal(doctor_judge(&r, &d, "iface-up,lro,xdp-free"), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.count[CHECK_FAIL], 2);
	assert_int_equal(report_json(f, &r), 0);
	fclose(f);
	json_t *all = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(all), 3);
	json_t *o = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(o, "name")), "iface-up");
	assert_string_equal(json_string_value(json_object_get(o, "object")), "eth1");
	assert_string_equal(json_string_value(json_object_get(o, "status")), "FAIL");
	assert_string_equal(json_string_value(json_object_get(o, "mend")), "ip link set dev eth1 up");
	o = json_array_get(all, 1);
	assert_non_null(strstr(json_string_value(json_object_get(o, "evidence")), "a?[2J?"));
	json_decref(all);
	free(text);
	f = open_memstream(&text, &len);
	report_text(f, &r, true);
	fclose(f);
	assert_non_null(strstr(text, "FAIL  iface-up         eth1       eth1 is down\n      mend: ip link set dev eth1 up\n"));
	assert_null(strstr(text, "rx-lro"));
	assert_non_null(strstr(text, "\n1 ok, 0 warn, 2 fail, 0 skip\n"));
	free(text);
	free(r.r);
	d.nports = 0;
	assert_int_equal(doctor_judge(&r, &d, "iface-up"), 0);
	assert_int_equal(r.count[CHECK_SKIP], 1);
	free(r.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_healthy, healthy), cmocka_unit_test_setup(test_table, healthy),
		cmocka_unit_test_setup(test_rights, healthy), cmocka_unit_test_setup(test_limits, healthy),
		cmocka_unit_test_setup(test_machine, healthy), cmocka_unit_test_setup(test_kernel, healthy),
		cmocka_unit_test_setup(test_lcores, healthy), cmocka_unit_test_setup(test_sharing, healthy),
		cmocka_unit_test_setup(test_service, healthy),
		cmocka_unit_test_setup(test_quiet_cpus, healthy), cmocka_unit_test_setup(test_memory, healthy),
		cmocka_unit_test_setup(test_iface, healthy), cmocka_unit_test_setup(test_xdp, healthy),
		cmocka_unit_test_setup(test_uses, healthy), cmocka_unit_test_setup(test_offloads, healthy),
		cmocka_unit_test_setup(test_mtu, healthy), cmocka_unit_test_setup(test_queues, healthy),
		cmocka_unit_test_setup(test_two_ports, healthy), cmocka_unit_test_setup(test_virtual, healthy),
		cmocka_unit_test_setup(test_interrupts, healthy), cmocka_unit_test_setup(test_words, healthy),
		cmocka_unit_test_setup(test_routes, healthy), cmocka_unit_test_setup(test_report, healthy),
	};

	program_invocation_name = (char[]){ "pollux" };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

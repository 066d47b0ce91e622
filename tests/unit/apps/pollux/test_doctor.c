/* SPDX-License-Identifier: MIT */
/* test_doctor.c - what pollux doctor says of hosts that are made up: one on which all is well, and
   that host with one thing wrong at a time; the words of its fixes, and its report. */
#include "doctor_util.h"

#include <jansson.h>
#include <linux/capability.h>

static void test_healthy(void **state)
{
	struct report r;

	(void)state;
	assert_int_equal(doctor_judge(&r, &d, NULL), 0);
	unsigned unknown = 0;

	for (size_t i = 0; i < r.n; i++) {
		const bool start_tells = !strcmp(r.r[i].check->name, "zero-copy"); /* a flag does not */
		unknown += start_tells;
		if (r.r[i].status != (start_tells ? CHECK_SKIP : CHECK_OK))
			fail_msg("%s: %d %s", r.r[i].check->name, r.r[i].status, r.r[i].found.evidence);
	}
	assert_int_equal(r.count[CHECK_OK] + unknown, r.n);
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
	d.host.topo.missing_caps = 1ull << CAP_NET_RAW | 1ull << CAP_NET_ADMIN | 1ull << CAP_BPF |
	                           1ull << CAP_SYS_ADMIN | 1ull << CAP_IPC_LOCK;
	bad("cap-net-raw", CHECK_FAIL, "CAP_NET_RAW is missing, which socket(AF_XDP) needs",
	    "setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep /usr/bin/pollux # and on the program");
	bad("cap-net-admin", CHECK_FAIL, "BPF_LINK_CREATE", said.found.fix);
	bad("cap-bpf", CHECK_FAIL, "BPF_PROG_LOAD", said.found.fix);
	d.facts.cap_bnd = 0;
	bad("cap-bpf", CHECK_FAIL, "BPF_PROG_LOAD", NO_COMMAND);
	d.host.topo.missing_caps &= ~(1ull << CAP_SYS_ADMIN);
	says("cap-bpf", CHECK_OK);
	d.facts.init_userns = 0;
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
	d.host.topo.missing_caps = 1ull << CAP_IPC_LOCK;
	d.host.topo.memlock = need;
	says("memlock", CHECK_OK);
	d.host.topo.memlock = need - 1;
	d.facts.memlock_hard = need;
	snprintf(want, sizeof(want), "ulimit -S -l %llu", (need + 1023) / 1024);
	bad("memlock", CHECK_FAIL, "ENOBUFS", want);
	d.facts.memlock_hard = need - 1;
	snprintf(want, sizeof(want), "prlimit --pid $$ --memlock=%llu:%llu", need, need);
	bad("memlock", CHECK_FAIL, "ENOBUFS", want);
	d.facts.nofile = 87; /* 64, eight queues both ways, eight */
	bad("open-files", CHECK_FAIL, "87 files", "ulimit -S -n 88");
	d.facts.nofile_hard = 87;
	bad("open-files", CHECK_FAIL, "87 files", "prlimit --pid $$ --nofile=88:88");
}

static void test_machine(void **state)
{
	(void)state;
	strcpy(d.facts.clocksource, "hpet");
	strcpy(d.facts.clocksources, "tsc hpet acpi_pm");
	bad("clocksource", CHECK_WARN, "hpet",
	    "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
	strcpy(d.facts.clocksources, "hpet acpi_pm");
	bad("clocksource", CHECK_WARN, "hpet", NO_COMMAND);
	d.facts.numa_balancing = 1;
	bad("numa-balancing", CHECK_WARN, "is 1", "sysctl -w kernel.numa_balancing=0");
	d.host.topo.nnodes = 1;
	says("numa-balancing", CHECK_OK);
	d.facts.irqbalance = 812;
	bad("irqbalance", CHECK_WARN, "pid 812", "kill 812");
	strcpy(d.facts.tools, "ethtool");
	bad("tools", CHECK_WARN, "ethtool", "apt-get install -y iproute2 ethtool bpftool util-linux");
	d.facts.orphans = 2;
	bad("journal", CHECK_WARN, "2 programs", "pollux setup restore --orphans");
	d.facts.orphans = -EACCES;
	says("journal", CHECK_SKIP);
}

static void test_kernel(void **state)
{
	static const char *const features[] = { "xsk-chains", "xsk-budget", "ethtool-netlink", "napi-set" };

	(void)state;
	d.probe = (struct probe){
		.xsk_err = -EAFNOSUPPORT, .load_err = -EPERM, .frags_err = -EPERM, .memfd_err = -ENOSYS
	};
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
	d.facts.bpffs = 0;
	bad("bpffs", CHECK_WARN, "/sys/fs/bpf", "mount -t bpf bpf /sys/fs/bpf");
	d.facts.unpriv_bpf = 0;
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
	d.host.topo.cpu[5].online = false;
	plan();
	bad("lcore-online", CHECK_FAIL, "lcore 5: CPU 5 is offline", "echo 1 > /sys/devices/system/cpu/cpu5/online");
	bad("plan", CHECK_FAIL, "CPU 5", NO_COMMAND);
	d.host.topo.cpu[5].present = false;
	bad("lcore-online", CHECK_FAIL, "not in this machine", "pollux doctor eth1 -l 0-4,6-15");
	d.host.topo.cpu[5].online = d.host.topo.cpu[5].present = true;
	d.host.topo.cpu[5].allowed = false;
	bad("cpuset", CHECK_FAIL, "CPU 5 of -l is not among those this process may use (0-4,6-15), by its affinity",
	    "taskset -pc 0-15 $$");
	d.host.topo.cpu[5].barred = true;
	strcpy(d.facts.cpuset, "/sys/fs/cgroup/cpuset/box/cpuset.cpus");
	bad("cpuset", CHECK_FAIL, "cgroup", "echo 0-15 > /sys/fs/cgroup/cpuset/box/cpuset.cpus");
}

static void test_service(void **state)
{
	(void)state;
	asked("eth1,rxqs=3 -l 4-6 -S 7");
	says("lcore-idle", CHECK_OK); /* it has no queue, and is to have none */
	asked("eth1,rxqs=2 -l 4@4,5@4 -S 0,1");
	bad("lcore-shared", CHECK_WARN, "both on CPU 4", "pollux doctor eth1,rxqs=2 -S 0,1 -l 2,4");
	asked("eth1,rxqs=2 -l 4@4,5@4 -S 0@9,2@1"); /* ids of service lcores are not given again */
	bad("lcore-shared", CHECK_WARN, "both on CPU 4", "pollux doctor eth1,rxqs=2 -S 0@9,2@1 -l 4,1@0");
	asked("eth1,rxqs=1 -l 4 -S 5@0,6@0");
	bad("lcore-shared", CHECK_WARN, "both on CPU 0", NO_COMMAND);
	asked("eth1,rxqs=1 -l 4 -S 4");
	bad("plan", CHECK_FAIL, "in -l and in -S", "pollux doctor eth1,rxqs=1 -l 4 --service-lcores none");
	asked("eth1 -l 4-6 -S 7");
	d.host.topo.cpu[7].online = false;
	bad("lcore-online", CHECK_FAIL, "lcore 7: CPU 7 is offline", "echo 1 > /sys/devices/system/cpu/cpu7/online");
	d.host.topo.cpu[7].present = false;
	bad("lcore-online", CHECK_FAIL, "not in this machine", NO_COMMAND);
	d.host.topo.cpu[7].online = d.host.topo.cpu[7].present = true;
	d.host.topo.cpu[7].allowed = false;
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
	static const char boot[] =
		"mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX isolcpus=4-7 "
		"nohz_full=4-7 rcu_nocbs=4-7\"' > /etc/default/grub.d/pollux.cfg && update-grub # then boot anew";

	(void)state;
	d.host.topo.cpu[6].isolated = d.host.topo.cpu[6].nohz_full = d.host.topo.cpu[6].rcu_nocbs = false;
	bad("isolcpus", CHECK_WARN, "CPU 6", boot);
	bad("nohz-full", CHECK_WARN, "CPU 6", boot);
	bad("rcu-nocbs", CHECK_WARN, "CPU 6", boot);
	d.host.topo.cpu[6].nohz_full = true;
	says("rcu-nocbs", CHECK_OK);
	asked("eth1 -l 0,4"); /* the CPU that boots is not to be given away */
	bad("isolcpus", CHECK_WARN, "CPU 0", "# CPU 0 is the host's: give lcores others with -l");
	bad("nohz-full", CHECK_WARN, "CPU 0", "# CPU 0 is the host's: give lcores others with -l");
	asked("eth1 -l 4-7");
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
	d.facts.quota = (struct limit){ "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", 399999 };
	d.facts.period = 100000;
	bad("cpu-quota", CHECK_WARN, "4 lcores", "echo -1 > /sys/fs/cgroup/cpu/box/cpu.cfs_quota_us");
	strcpy(d.facts.quota.file, "/sys/fs/cgroup/box/cpu.max");
	bad("cpu-quota", CHECK_WARN, "4 lcores", "echo max > /sys/fs/cgroup/box/cpu.max");
	d.facts.quota.value = 400000;
	says("cpu-quota", CHECK_OK);
}

static void test_memory(void **state)
{
	unsigned long long need = (d.plan.pools[0].bytes + (2 << 20) - 1) >> 21;
	char want[128];

	(void)state;
	d.host.topo.huge[1][1].free = 1;
	plan();
	snprintf(want, sizeof(want),
	         "echo %llu > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages", 256 + need - 1);
	bad("hugepages", CHECK_WARN, "node 1", want);
	bad("hugepages-node", CHECK_WARN, "other nodes have 256", want);
	d.facts.huge_files = 3;
	d.facts.huge_bytes = 6 << 20;
	strcpy(d.facts.huge_mount, "/dev/hugepages");
	bad("hugepage-files", CHECK_WARN, "3 files in /dev/hugepages hold 6 MiB",
	    "find /dev/hugepages -xdev -type f -delete");
	d.host.topo.mem_limit = (struct topo_limit){ "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", 1 << 20 };
	bad("memory-limit", CHECK_FAIL, "leaves 1 MiB", "echo -1 > /sys/fs/cgroup/memory/box/memory.limit_in_bytes");
	d.host.topo.mem_limit.file[0] = 0;
	d.host.topo.huge[1][1].free = 256;
	d.host.topo.huge_limit[1] = (struct topo_limit){ "/sys/fs/cgroup/box/hugetlb.2MB.max", 3 << 20 };
	plan();
	bad("hugepages", CHECK_WARN, "the cgroup's limit leaves 1", "echo max > /sys/fs/cgroup/box/hugetlb.2MB.max");
	d.host.topo.huge[1][1].free = 1;
	d.host.topo.huge_limit[1].file[0] = 0;
	plan();
	d.host.topo.mem_avail = 1 << 20;
	bad("memory", CHECK_FAIL, "1 MiB are available", NO_COMMAND);
	d.conf.huge = PLX_REQUIRE;
	bad("hugepages", CHECK_FAIL, "node 1", want);
	d.conf.huge = PLX_NEVER;
	says("hugepages", CHECK_SKIP);
	d.host.topo.mem_avail = 8ull << 30;
	asked("eth1 -m 1M");
	bad("pool-memory", CHECK_FAIL, "frames of 2048 bytes", "pollux doctor eth1 --mem auto");
	says("hugepages", CHECK_SKIP);
	/* what is asked for is more than there is, however little the ports need */
	asked("eth1 -m 16G --huge=never");
	bad("memory", CHECK_FAIL, "16384 MiB wanted", "pollux doctor eth1 --huge=never --mem auto");
	asked("eth1 -m 16G --huge=require");
	bad("hugepages", CHECK_FAIL, "--huge=require wants 8192 hugepages",
	    "echo 8447 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
}

/* ---- words ---- */

static void test_words(void **state)
{
	struct result f;

	(void)state;
	set_words("eth1,rxqs=2,txqs=2 --iface=eth2,rxd=64 -l4-7 -c /etc/my$conf");
	fix_option(&f, &d, "lcores", "(0,1)@4");
	assert_string_equal(f.found.fix,
	                    "pollux doctor eth1,rxqs=2,txqs=2 --iface=eth2,rxd=64 -c '/etc/my$conf' -l '(0,1)@4'");
	fix_key(&f, &d, &d.port[0], "queues", "1");
	assert_string_equal(f.found.fix, "pollux doctor eth1,queues=1 --iface=eth2,rxd=64 -l4-7 -c '/etc/my$conf'");
	asked("eth1 --iface=eth2,rxd=64 -l 4-7");
	fix_key(&f, &d, &d.port[1], "mode", "generic");
	assert_string_equal(f.found.fix, "pollux doctor eth1 --iface eth2,rxd=64,mode=generic -l 4-7");
	fix_without(&f, &d, &d.port[1]);
	assert_string_equal(f.found.fix, "pollux doctor eth1 -l 4-7");
	asked("eth1,rxd=64,queues=2,stall=off -l 4-7");
	fix_key(&f, &d, &d.port[0], "rxqs", "1");
	assert_string_equal(f.found.fix, "pollux doctor eth1,rxd=64,stall=off,rxqs=1 -l 4-7");
	asked("eth1 --iface=eth2,rxd=64 -l 4-7");
	set_words("-c file"); /* the port is from a file: no word of the command line can be changed */
	fix_key(&f, &d, &d.port[1], "mode", "generic");
	assert_string_equal(f.found.fix, "# where the configuration names eth2, write: eth2,mode=generic");
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
	assert_string_equal(json_string_value(json_object_get(o, "fix")), "ip link set dev eth1 up");
	o = json_array_get(all, 1);
	assert_non_null(strstr(json_string_value(json_object_get(o, "evidence")), "a?[2J?"));
	json_decref(all);
	free(text);
	f = open_memstream(&text, &len);
	report_text(f, &r, true);
	fclose(f);
	assert_non_null(
		strstr(text, "FAIL  iface-up         eth1       eth1 is down\n      fix: ip link set dev eth1 up\n"));
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
		TEST(test_healthy), TEST(test_table),  TEST(test_rights),  TEST(test_limits),  TEST(test_machine),
		TEST(test_kernel),  TEST(test_lcores), TEST(test_sharing), TEST(test_service), TEST(test_quiet_cpus),
		TEST(test_memory),  TEST(test_words),  TEST(test_report),
	};

	program_invocation_name = (char[]){ "pollux" };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

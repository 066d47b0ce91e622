/* SPDX-License-Identifier: MIT */
/* test_topo.c - this machine, and others made of a directory of files and hwloc's synthetic
   topologies. */
#include "topo.h"
#include "slow_util.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a system whose files stand below root ---- */

static char root[64];
static int open_fds, eintr, short_reads;

static int f_open(const char *path, int flags, mode_t mode)
{
	char below[512];
	int fd;

	snprintf(below, sizeof(below), "%s%s", root, path);
	fd = open(below, flags, mode);
	open_fds += fd >= 0;
	return fd;
}

static int f_close(int fd)
{
	open_fds--;
	return close(fd);
}

/* Stands for an AF_XDP socket, of which only the bind matters. */
static int f_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	open_fds += fd >= 0;
	return fd;
}

static int bind_err;
static int f_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	(void)fd, (void)a, (void)len;
	errno = bind_err;
	return -1;
}

static ssize_t f_read(int fd, void *buf, size_t n)
{
	if (eintr && eintr++ % 2) {
		errno = EINTR;
		return -1;
	}
	return read(fd, buf, short_reads && n > 3 ? 3 : n);
}

static struct plx_sys sys;

/* In place of libc's: reading must not move this thread from CPU to CPU. */
static int moves;
__attribute__((visibility("default"))) int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	moves++;
	return (int)syscall(SYS_sched_setaffinity, pid, size, set);
}

static void put(const char *path, const char *text)
{
	char below[512];
	FILE *f;

	snprintf(below, sizeof(below), "%s%s", root, path);
	for (char *s = below + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(below, 0755);
		*s = '/';
	}
	f = fopen(below, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/plx-topo-XXXXXX");
	assert_non_null(mkdtemp(root));
	open_fds = eintr = short_reads = bind_err = 0;
	sys = plx_sys_linux;
	sys.open = f_open;
	sys.close = f_close;
	sys.socket = f_socket;
	sys.bind = f_bind;
	sys.read = f_read;
	setenv("HWLOC_SYNTHETIC", "package:2 [numa] core:2 pu:2", 1);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	(void)state;
	unsetenv("HWLOC_SYNTHETIC");
	assert_int_equal(open_fds, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", root);
	return system(cmd);
}

#define NODE(n, kb, f) "/sys/devices/system/node/node" #n "/hugepages/hugepages-" #kb "kB/" #f "_hugepages"
#define STATUS "/proc/thread-self/status"
#define LIMITS "/proc/thread-self/limits"

/* two packages, a node each, two cores each, two threads each */
static void two_nodes(void)
{
	put(NODE(0, 2048, nr), "10\n");
	put(NODE(0, 2048, free), "4\n");
	put(NODE(1, 2048, nr), "20\n");
	put(NODE(1, 2048, free), "20\n");
	put(NODE(1, 1048576, nr), "2\n");
	put(NODE(1, 1048576, free), "1\n");
	put("/sys/devices/system/cpu/isolated", "6-7\n");
	put("/proc/meminfo", "MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable:    4096 kB\n");
	put(STATUS, "Name:\tx\nCapInh:\t0000000000000000\nCapEff:\t0000000000002000\nCpus_allowed:\tff\n"
	    "Cpus_allowed_list:\t0-2,5\nMems_allowed_list:\t0-1\n");
	put(LIMITS, "Limit                     Soft Limit           Hard Limit           Units\n"
	    "Max locked memory         65536                67108864             bytes\n");
	put("/proc/net/dev", "head\nhead\n  eth7: 1 2\n    lo: 3 4\n");
}

static void check_two_nodes(const struct topo *t)
{
	char list[64];

	assert_int_equal(t->ncpus, 8);
	assert_int_equal(t->nnodes, 2);
	for (int i = 0; i < 8; i++) {
		assert_true(t->cpu[i].online);
		assert_int_equal(t->cpu[i].node, i / 4);
		assert_int_equal(t->cpu[i].package, i / 4);
		assert_int_equal(t->cpu[i].core, i / 2);
		assert_int_equal(t->cpu[i].isolated, i >= 6);
		assert_int_equal(t->cpu[i].allowed, i <= 2 || i == 5);
	}
	assert_false(t->cpu[8].online);
	assert_int_equal(t->huge[0][0].page, 1 << 30);
	assert_int_equal(t->huge[0][0].total, 0);
	assert_int_equal(t->huge[0][1].page, 2 << 20);
	assert_int_equal(t->huge[0][1].total, 10);
	assert_int_equal(t->huge[0][1].free, 4);
	assert_int_equal(t->huge[1][0].total, 2);
	assert_int_equal(t->huge[1][0].free, 1);
	assert_int_equal(t->huge[1][1].free, 20);
	assert_int_equal(t->mem_avail, 4096 << 10);
	assert_int_equal(t->missing_caps, ~0x2000ull);
	assert_int_equal(t->memlock, 65536);
	assert_int_equal(t->nlinks, 2);
	assert_string_equal(t->links[0], "eth7");
	assert_string_equal(topo_allowed_list(t, list, sizeof(list)), "0-2,5");
}

static void test_two_nodes(void **state)
{
	static struct topo t;

	(void)state;
	two_nodes();
	assert_int_equal(topo_read(&sys, &t), 0);
	check_two_nodes(&t);
}

static void test_interrupted(void **state)
{
	static struct topo t;

	(void)state;
	two_nodes();
	eintr = 1;
	short_reads = 1;
	put("/proc/net/dev", "head\nhead\n  eth7: 1 2\n    lo: 3 4\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	t.nlinks = 2; /* the drivers' reader, tested with them */
	snprintf(t.links[0], 16, "eth7");
	check_two_nodes(&t);
}

static void test_nothing_told(void **state)
{
	static struct topo t;

	(void)state;
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(t.ncpus, 8);
	assert_true(t.cpu[7].allowed);
	assert_int_equal(t.huge[0][1].total, 0);
	assert_int_equal(t.mem_avail, 0);
	assert_int_equal(t.missing_caps, 0);
	assert_true(t.memlock == UINT64_MAX);
	assert_int_equal(t.nlinks, 0);
	assert_false(t.no_chains); /* ENODEV and EPERM are no word about it, EINVAL is */
	bind_err = EINVAL;
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_true(t.no_chains);
}

static void test_garbage(void **state)
{
	static struct topo t;
	char big[9000];

	(void)state;
	two_nodes();
	memset(big, '7', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	put(NODE(0, 2048, nr), "many\n");
	put("/sys/devices/system/cpu/isolated", big);
	put(STATUS, "\nCapEff:\nCpus_allowed_list:\tnone\n");
	put(LIMITS, "Max locked memory         unlimited            unlimited            bytes\n");
	put("/proc/meminfo", "");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(t.huge[0][1].total, 0);
	assert_true(t.memlock == UINT64_MAX);
	assert_int_equal(t.ncpus, 8);
}

static void test_isolated_none(void **state)
{
	static struct topo t;

	(void)state;
	put("/sys/devices/system/cpu/isolated", "\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	for (int i = 0; i < 8; i++)
		assert_false(t.cpu[i].isolated);
}

static void test_one_cpu(void **state)
{
	static struct topo t;
	char list[8];

	(void)state;
	setenv("HWLOC_SYNTHETIC", "pu:1", 1);
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(t.ncpus, 1);
	assert_int_equal(t.nnodes, 1);
	assert_int_equal(t.cpu[0].core, 0);
	assert_string_equal(topo_allowed_list(&t, list, sizeof(list)), "0");
}

/* Nodes within one package: each has its own CPUs. */
static void test_nodes_of_a_package(void **state)
{
	static struct topo t;

	(void)state;
	setenv("HWLOC_SYNTHETIC", "package:2 group:2 [numa] core:2 pu:1", 1);
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(t.nnodes, 4);
	for (int cpu = 0; cpu < 8; cpu++) {
		assert_int_equal(t.cpu[cpu].node, cpu / 2);
		assert_int_equal(t.cpu[cpu].package, cpu / 4);
		assert_int_equal(t.cpu[cpu].core, cpu);
	}
}

/* More CPUs than there is room for: the first TOPO_CPUS_MAX are kept. */
static void test_too_many_cpus(void **state)
{
	static struct topo t;

	(void)state;
	setenv("HWLOC_SYNTHETIC", "numa:20 core:128 pu:1", 1);
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(t.ncpus, TOPO_CPUS_MAX);
	assert_int_equal(t.nnodes, PLX_NODES_MAX);
}

/* ---- the sources ---- */

static void test_lists_of_the_command_line(void **state)
{
	static const struct { const char *text; uint64_t want; int err;
	} rows[] = {
		{ "0", 1, 0 },
		{ "1-3,6", 0x4e, 0 },
		{ "all", 0xff, 0 },
		{ "N", 0x80, 0 },
		{ "5-N", 0xe0, 0 },
		{ "0-7:1/4", 0x11, 0 },
		{ "0-6:2/4,7", 0xb3, 0 },
		{ "", 0, 0 },
		{ "0-7:0/4", 0, -EINVAL },
		{ "0-7:5/4", 0, -EINVAL },
		{ "0-7:1/0", 0, -EINVAL },
		{ "0-7:1", 0, -EINVAL },
		{ "3-1", 0, -EINVAL },
		{ "-1", 0, -EINVAL },
		{ "1,,2", 2, -EINVAL },
		{ "x", 0, -EINVAL },
		{ "1 2", 2, -EINVAL },
		{ "nohz,1", 0, -EINVAL },
		{ "99999999999999999999", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct cpuset s;
		int err = topo_boot_list(&s, rows[i].text, 8);

		if (err != rows[i].err || s.w[0] != rows[i].want)
			fail_msg("'%s': %d, %llx", rows[i].text, err, (unsigned long long)s.w[0]);
	}
}

static unsigned mask(const struct topo *t, size_t field)
{
	unsigned m = 0;

	for (unsigned i = 0; i < 8; i++)
		m |= (unsigned)*((const bool *)((const char *)&t->cpu[i] + field)) << i;
	return m;
}
#define MASK(t, field) mask(t, offsetof(struct topo_cpu, field))

static void test_boot(void **state)
{
	static struct topo t;

	(void)state;
	put("/sys/devices/system/cpu/nohz_full", "2-3\n");
	put("/sys/devices/system/cpu/isolated", "3\n");
	put("/proc/cmdline", "ro rcu_nocbs=1 rcu_nocbs=4-5 -- rcu_nocbs=7\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, nohz_full), 0x0c);
	assert_int_equal(MASK(&t, isolated), 0x08);
	assert_int_equal(MASK(&t, rcu_nocbs), 0x3c); /* nohz_full's too, and the last word's */
	put("/sys/devices/system/cpu/nohz_full", "  (null)\n");
	put("/proc/cmdline", "rcu_nocbs rcu_nocbs=all rcu_nocbs=0-x\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, nohz_full), 0);
	assert_int_equal(MASK(&t, rcu_nocbs), 0);
}

static void test_offline(void **state)
{
	static struct topo t;

	(void)state;
	put("/sys/devices/system/cpu/online", "0,2-7\n");
	put("/sys/devices/system/cpu/present", "0-9\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, online), 0xfd);
	assert_int_equal(MASK(&t, present), 0xff);
	assert_int_equal(t.ncpus, 10);
	assert_true(t.cpu[9].present && !t.cpu[9].online && !t.cpu[9].allowed);
	assert_int_equal(t.cpu[9].node, -1);
}

#define ALL(kb, f) "/sys/kernel/mm/hugepages/hugepages-" #kb "kB/" #f "_hugepages"

static void test_pages(void **state)
{
	static struct topo t;

	(void)state;
	two_nodes();
	put(NODE(0, 2048, surplus), "3\n");
	put(NODE(1, 64, nr), "9\n");
	put(NODE(1, 64, free), "8\n");
	put(ALL(2048, nr), "30\n");
	put(ALL(2048, free), "24\n");
	put(ALL(2048, resv), "5\n");
	put(ALL(2048, surplus), "3\n");
	put(ALL(64, nr), "9\n");
	put(ALL(32768, nr), "0\n");
	put(ALL(524288, nr), "0\n");
	put("/sys/kernel/mm/hugepages/hugepages-xkB/nr_hugepages", "7\n");
	put("/sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  1000 kB\nNode 1 MemFree:  10 kB\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	check_two_nodes(&t);
	assert_int_equal(t.huge[0][1].surplus, 3);
	assert_int_equal(t.huge_all[1].reserved, 5);
	assert_int_equal(t.huge_all[1].surplus, 3);
	assert_int_equal(t.huge_all[1].free, 24);
	for (int i = 0; i < 2; i++) { /* the larger ones first */
		assert_int_equal(t.huge[i][2].page, 512 << 20);
		assert_int_equal(t.huge[i][3].page, 32 << 20);
		assert_int_equal(t.huge[i][4].page, 64 << 10);
		assert_int_equal(t.huge[i][5].page, 0);
	}
	assert_int_equal(t.huge[1][4].total, 9);
	assert_int_equal(t.huge[1][4].free, 8);
	assert_int_equal(t.node[1].mem_total, 1000 << 10);
	assert_int_equal(t.node[1].mem_free, 10 << 10);
	assert_int_equal(t.node[0].mem_total, 0);
}

/* ---- cgroups ---- */

#define MOUNT1(dir, at, what) "34 31 0:30 " dir " " at " rw,nosuid shared:9 master:2 - cgroup cgroup rw," what "\n"
#define MOUNT2(dir, at) "30 20 0:26 " dir " " at " rw - cgroup2 none rw,nsdelegate\n"

static const struct {
	const char *cgroup, *mounts, *controller;
	bool v1, found;
	const char *mount, *below, *path;
} places[] = {
	{ "3:cpuset:/\n", MOUNT1("/", "/c", "cpuset"), "cpuset", true, true, "/c", "", "/" },
	{ "3:cpuset:/a/b\n", MOUNT1("/", "/c", "cpuset"), "cpuset", true, true, "/c", "/a/b", "/a/b" },
	{ "9:name=systemd:/x\n3:cpu,cpuset,cpuacct:/a\n0::/\n",
	  MOUNT1("/", "/s", "name=systemd") MOUNT2("/", "/u") MOUNT1("/", "/c", "cpu,cpuset"), "cpuset", true, true,
	  "/c", "/a", "/a" },
	{ "3:cpuacct,cpusets:/a\n", MOUNT1("/", "/c", "cpuset"), "cpuset", true, false, "", "",
	  "" }, /* no word of it */
	{ "3:cpuset:/a\n", MOUNT1("/", "/c", "cpusets,xcpuset"), "cpuset", true, false, "", "", "" },
	{ "0::/a/b\n", MOUNT2("/", "/sys/fs/cgroup"), "cpu", false, true, "/sys/fs/cgroup", "/a/b", "/a/b" },
	{ "3:cpuset:/z\n0::/a\n", MOUNT1("/", "/c", "cpuset") MOUNT2("/", "/u"), "cpuset", false, true, "/u", "/a",
	  "/a" },
	{ "0::/a\n", MOUNT1("/", "/c", "cpuset"), "cpuset", false, false, "", "", "" },
	{ "", MOUNT2("/", "/u"), "cpuset", false, false, "", "", "" },
	{ "0::/a", "", "cpuset", false, false, "", "", "" },
	/* a container that sees its own part of the tree */
	{ "0::/kube/pod\n", MOUNT2("/kube/pod", "/u"), "cpu", false, true, "/u", "", "/kube/pod" },
	{ "0::/kube/pod/in\n", MOUNT2("/kube/pod", "/u"), "cpu", false, true, "/u", "/in", "/kube/pod/in" },
	{ "0::/kube/pods\n", MOUNT2("/kube/pod", "/u"), "cpu", false, true, "/u", "", "/kube/pods" },
	/* a namespace: what is mounted lies above, beside, or is not to be told */
	{ "0::/\n", MOUNT2("/..", "/u"), "cpu", false, true, "/u", "", "/" },
	{ "0::/../other\n", MOUNT2("/", "/u"), "cpu", false, true, "/u", "", "/../other" },
	/* blanks in a mount point; a line cut short; colons in a path */
	{ "0::/a:b\n", "30 20 0:26 / /my\\040groups rw - cgroup2 none rw\n", "cpu", false, true, "/my groups", "/a:b",
	  "/a:b" },
	{ "0::/a\n",
	  "30 20 0:26 /\n"
	  "30 20\n\n - \n- cgroup2\n" MOUNT2("/", "/u"),
	  "cpu", false, true, "/u", "/a", "/a" },
	{ "\n:\n::\n0:\n0::/a\n", MOUNT2("/", "/u"), "cpu", false, true, "/u", "/a", "/a" },
};

static void test_cgroup_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(places); i++) {
		struct topo_cgroup cg;
		struct topo_cgroup_place at;
		bool found = topo_cgroup_find(places[i].cgroup, places[i].mounts, places[i].controller, places[i].v1,
		                              &cg, &at);

		if (found != places[i].found ||
		    (found && (strcmp(at.mount, places[i].mount) || strcmp(at.below, places[i].below) ||
		               strcmp(cg.path, places[i].path) || cg.version != (places[i].v1 ? 1 : 2))))
			fail_msg("row %zu: %d '%s' '%s' '%s' v%d", i, found, at.mount, at.below, cg.path, cg.version);
		if (!found)
			assert_int_equal(cg.version, 0);
	}
}

static void test_cpuset_v2(void **state)
{
	static struct topo t;

	(void)state;
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/proc/self/mountinfo", MOUNT2("/", "/cg"));
	put("/cg/a/cpuset.cpus.effective", "1-3,6\n");
	put("/cg/a/b/cpuset.cpus.effective", "\n"); /* not switched on: the parent's */
	put("/cg/a/b/cpuset.mems.effective", "1\n");
	put("/cg/cpuset.cpus.isolated", "6-7\n");
	put("/cg/a/b/cpu.max", "max 100000\n");
	put("/cg/a/cpu.max", "150000 100000\n");
	put("/cg/cpu.max", "600000 100000\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, barred), 0xb1);
	assert_int_equal(MASK(&t, allowed), 0x4e);
	assert_int_equal(MASK(&t, isolated), 0xc0);
	assert_true(t.node[0].barred && !t.node[1].barred);
	assert_int_equal(t.quota_us, 150000);
	assert_int_equal(t.period_us, 100000);
	assert_string_equal(t.cpuset.path, "/a/b");
	assert_int_equal(t.cpuset.version, 2);
}

/* Both versions at once: what the first has is not in the second. */
static void test_cpuset_hybrid(void **state)
{
	static struct topo t;

	(void)state;
	put("/proc/self/cgroup", "3:cpuset:/a\n1:cpu:/\n0::/\n");
	put("/proc/self/mountinfo", MOUNT2("/", "/u") MOUNT1("/", "/s", "cpuset") MOUNT1("/", "/c", "cpu"));
	put("/u/cpuset.cpus.effective", "0\n");
	put("/u/cpu.max", "1000 100000\n");
	put("/s/a/cpuset.effective_cpus", "4-5\n");
	put("/s/a/cpuset.cpus", "0-7\n");
	put("/s/a/cpuset.mems", "0\n"); /* older kernels have no effective_mems */
	put("/c/cpu.cfs_quota_us", "-1\n");
	put("/c/cpu.cfs_period_us", "100000\n");
	put(STATUS, "Name:\tx\nCpus_allowed_list:\t5\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, barred), 0xcf);
	assert_int_equal(MASK(&t, allowed), 0x20);
	assert_true(!t.node[0].barred && t.node[1].barred);
	assert_int_equal(t.quota_us, 0);
	assert_int_equal(t.cpuset.version, 1);
}

/* A set that would leave nothing is another's. */
static void test_cpuset_of_nobody(void **state)
{
	static struct topo t;

	(void)state;
	put("/proc/self/cgroup", "0::/\n");
	put("/proc/self/mountinfo", MOUNT2("/", "/u"));
	put("/u/cpuset.cpus.effective", "0-1\n");
	put("/u/cpu.max", "x y\n");
	put(STATUS, "Name:\tx\nCpus_allowed_list:\t5\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(MASK(&t, barred), 0);
	assert_int_equal(MASK(&t, allowed), 0x20);
	assert_int_equal(t.quota_us, 0);
}

/* The tightest from the group to the top; caches of files are as good as free. */
static void test_limits_v2(void **state)
{
	static struct topo t;

	(void)state;
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/proc/self/mountinfo", MOUNT2("/", "/cg"));
	put("/cg/a/b/memory.max", "max\n");
	put("/cg/a/b/memory.current", "1000\n");
	put("/cg/a/memory.max", "100000\n");
	put("/cg/a/memory.current", "90000\n");
	put("/cg/a/memory.stat",
	    "anon 5\nactive_file 3000\ninactive_file 50000\ntotal_inactive_file 7\nunevictable 0\n");
	put("/cg/a/b/hugetlb.2MB.max", "6291456\n");
	put("/cg/a/b/hugetlb.2MB.current", "2097152\n");
	put("/cg/a/hugetlb.2MB.rsvd.max", "4194304\n");
	put("/cg/a/hugetlb.2MB.rsvd.current", "2097152\n");
	put("/cg/a/hugetlb.1GB.max", "max\n");
	put("/cg/a/hugetlb.1GB.current", "0\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_string_equal(t.mem_limit.file, "/cg/a/memory.max");
	assert_int_equal(t.mem_limit.left, 63000);
	assert_string_equal(t.huge_limit[1].file, "/cg/a/hugetlb.2MB.rsvd.max");
	assert_int_equal(t.huge_limit[1].left, 2097152);
	assert_string_equal(t.huge_limit[0].file, "");
	put("/cg/a/b/memory.max", "0\n");
	put("/cg/a/memory.current", "900000\n"); /* more than is allowed, as after a limit was lowered */
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_string_equal(t.mem_limit.file, "/cg/a/b/memory.max");
	assert_int_equal(t.mem_limit.left, 0);
}

static void test_limits_v1(void **state)
{
	static struct topo t;

	(void)state;
	put("/proc/self/cgroup", "4:memory:/box\n3:hugetlb:/box\n0::/\n");
	put("/proc/self/mountinfo", MOUNT1("/", "/m", "memory") MOUNT1("/", "/h", "hugetlb") MOUNT2("/", "/u"));
	put("/u/memory.max", "1\n"); /* what the first version has is not in the second */
	put("/u/memory.current", "0\n");
	put("/m/memory.limit_in_bytes", "9223372036854771712\n");
	put("/m/memory.usage_in_bytes", "123\n");
	put("/h/box/hugetlb.1GB.limit_in_bytes", "1073741824\n");
	put("/h/box/hugetlb.1GB.usage_in_bytes", "0\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_string_equal(t.mem_limit.file, "");
	assert_string_equal(t.huge_limit[0].file, "/h/box/hugetlb.1GB.limit_in_bytes");
	assert_int_equal(t.huge_limit[0].left, 1 << 30);
	put("/m/box/memory.limit_in_bytes", "50000\n");
	put("/m/box/memory.usage_in_bytes", "20000\n");
	put("/m/box/memory.stat", "inactive_file 1\ntotal_inactive_file 5000\ntotal_active_file 30000\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_string_equal(t.mem_limit.file, "/m/box/memory.limit_in_bytes");
	assert_int_equal(t.mem_limit.left, 50000);
	put("/m/box/memory.usage_in_bytes", "x\n");
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_string_equal(t.mem_limit.file, "");
}

/* ---- more ---- */

static void test_more(void **state)
{
	static struct topo t;
	struct topo_more m;

	(void)state;
	setenv("HWLOC_SYNTHETIC", "package:2 [numa] l3:1(size=8388608) core:2 l1d:1(size=32768) pu:2", 1);
	assert_int_equal(topo_read(&sys, &t), 0);
	assert_int_equal(topo_read_more(&t, &m, NULL), 0);
	assert_int_equal(m.ncaches, 6);
	assert_int_equal(m.caches[1].level, 3);
	assert_int_equal(m.caches[1].size, 8 << 20);
	assert_int_equal(m.caches[1].cpus.w[0], 0xf0);
	assert_int_equal(m.caches[2].type, 'd');
	assert_int_equal(m.caches[2].cpus.w[0], 3);
	assert_int_equal(m.nnics, 0);
	topo_more_free(&m);
	assert_int_equal(topo_read_more(&t, &m, "/nosuch.xml"), -EINVAL);
	topo_more_free(&m);
}

/* A machine that hwloc wrote into a file, and another one is here. */
static void test_xml(void **state)
{
	static struct topo t;
	struct topo_more m;
	hwloc_topology_t ht;
	char path[128];

	(void)state;
	unsetenv("HWLOC_SYNTHETIC");
	snprintf(path, sizeof(path), "%s/m.xml", root);
	assert_int_equal(hwloc_topology_init(&ht), 0);
	assert_int_equal(
		hwloc_topology_set_synthetic(ht, "package:3 [numa(memory=2147483648)] l3:1(size=16777216) core:2 pu:2"
	                                         "(indexes=0,6,1,7,2,8,3,9,4,10,5,11)"),
		0);
	assert_int_equal(hwloc_topology_load(ht), 0);
	assert_int_equal(hwloc_topology_export_xml(ht, path, 0), 0);
	hwloc_topology_destroy(ht);
	memset(&t, 0xff, sizeof(t)); /* nothing of what was there stays */
	assert_int_equal(topo_read_more(&t, &m, path), 0);
	assert_int_equal(t.ncpus, 12);
	assert_int_equal(t.nnodes, 3);
	assert_int_equal(m.ncaches, 3);
	for (unsigned cpu = 0; cpu < 12; cpu++) {
		assert_true(t.cpu[cpu].online && t.cpu[cpu].allowed && !t.cpu[cpu].barred && !t.cpu[cpu].isolated);
		assert_int_equal(t.cpu[cpu].core, cpu % 6);
		assert_int_equal(t.cpu[cpu].node, cpu % 6 / 2);
	}
	assert_true(t.node[2].mem_total == 2ull << 30);
	assert_true(t.memlock == UINT64_MAX && !t.missing_caps && !t.cpuset.version && !t.quota_us);
	assert_int_equal(t.huge[2][1].page, 2 << 20);
	topo_more_free(&m);
	put("/broken.xml", "<?xml version=\"1.0\"?>\n<topology version=\"2.0\"><object type=\"Machine\"");
	snprintf(path, sizeof(path), "%s/broken.xml", root);
	assert_int_equal(topo_read_more(&t, &m, path), -EINVAL);
	topo_more_free(&m);
}

/* What this process had of a CPU, in ns: others do not count in it. */
static uint64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_this_machine(void **state)
{
	static struct topo t;
	uint64_t best = UINT64_MAX;
	cpu_set_t set;

	(void)state;
	unsetenv("HWLOC_SYNTHETIC");
	for (int i = 0; i < 5; i++) {
		uint64_t begin = cpu_now();
		assert_int_equal(topo_read(&plx_sys_linux, &t), 0);
		uint64_t took = cpu_now() - begin;
		best = took < best ? took : best;
	}
	print_message("topology read in %.2f ms of CPU time\n", (double)best / 1e6);
	assert_true(best < 100000000 * slow()); /* a start has 150 ms; some are sanitized */
	assert_int_equal(moves, 0);
	assert_true(t.nnodes >= 1);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned cpu = 0; cpu < t.ncpus; cpu++)
		assert_int_equal(t.cpu[cpu].online && t.cpu[cpu].allowed, !!CPU_ISSET(cpu, &set));
	if (geteuid() == 0)
		assert_true(t.mem_avail > 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_two_nodes),
		T(test_interrupted),
		T(test_nothing_told),
		T(test_garbage),
		T(test_isolated_none),
		T(test_nodes_of_a_package),
		T(test_one_cpu),
		T(test_too_many_cpus),
		T(test_lists_of_the_command_line),
		T(test_boot),
		T(test_offline),
		T(test_pages),
		T(test_cgroup_places),
		T(test_cpuset_v2),
		T(test_cpuset_hybrid),
		T(test_cpuset_of_nobody),
		T(test_limits_v2),
		T(test_limits_v1),
		T(test_more),
		T(test_xml),
		T(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

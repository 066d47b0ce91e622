/* SPDX-License-Identifier: MIT */
/* test_topo.c - this machine, and others made of a directory of files and hwloc's synthetic
   topologies. */
#include "topo.h"

#include <errno.h>
#include <fcntl.h>
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
	open_fds = eintr = short_reads = 0;
	sys = plx_sys_linux;
	sys.open = f_open;
	sys.close = f_close;
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

static void test_this_machine(void **state)
{
	static struct topo t;
	uint64_t best = UINT64_MAX;
	cpu_set_t set;

	(void)state;
	unsetenv("HWLOC_SYNTHETIC");
	for (int i = 0; i < 5; i++) {
		uint64_t begin = plx_sys_now(&plx_sys_linux);
		assert_int_equal(topo_read(&plx_sys_linux, &t), 0);
		uint64_t took = plx_sys_now(&plx_sys_linux) - begin;
		best = took < best ? took : best;
	}
	print_message("topology read in %.2f ms\n", (double)best / 1e6);
	assert_true(best < 100000000); /* a start has 150 ms; here machines are busy and sanitized */
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
		T(test_two_nodes), T(test_interrupted), T(test_nothing_told), T(test_garbage), T(test_isolated_none), T(test_nodes_of_a_package),
		T(test_one_cpu), T(test_too_many_cpus), T(test_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

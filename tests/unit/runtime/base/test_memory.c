/* SPDX-License-Identifier: MIT */
/* test_memory.c - the ladder of page sizes with each system call failing in turn; nothing may
   stay mapped or open, and nothing may end in a signal. */
#include "hugemem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MIB (1ull << 20)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* What the stand-in for the kernel was asked and how it answers. */
static struct {
	int fds, maps;            /* open now */
	int huge_errno[2];        /* of memfd_create for 1 GiB and 2 MiB; 0 = succeeds */
	int truncate_errno, mmap_errno, populate_errno, mbind_errno, pages_errno;
	int fail_populates;       /* how many to fail */
	int place;                /* the node that move_pages tells */
	unsigned flags[8];
	int nmemfd, modes[8], nmbind, donts;
	unsigned long mask;
	char line[1024];
	int lines;
	enum plx_log_level level;
} k;

static int f_memfd_create(const char *name, unsigned flags)
{
	int size = flags >> 26 == 30 ? 0 : 1;

	assert_string_equal(name, "seg");
	assert_true(flags & MFD_CLOEXEC);
	k.flags[k.nmemfd++] = flags;
	if (k.huge_errno[size]) {
		errno = k.huge_errno[size];
		return -1;
	}
	int fd = memfd_create(name, MFD_CLOEXEC); /* plain pages: the test needs no hugepages */
	k.fds += fd >= 0;
	return fd;
}

static int f_ftruncate(int fd, off_t len)
{
	if (k.truncate_errno) {
		errno = k.truncate_errno;
		return -1;
	}
	return ftruncate(fd, len);
}

static int f_close(int fd)
{
	k.fds--;
	return close(fd);
}

static int f_open(const char *path, int flags, mode_t mode)
{
	int fd = plx_sys_linux.open(path, flags, mode);

	k.fds += fd >= 0;
	return fd;
}

static void *f_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (k.mmap_errno && fd >= 0) {
		errno = k.mmap_errno;
		return MAP_FAILED;
	}
	void *p = mmap(addr, len, prot, flags, fd, off);
	k.maps += p != MAP_FAILED;
	return p;
}

static int f_munmap(void *addr, size_t len)
{
	k.maps--;
	return munmap(addr, len);
}

static int f_madvise(void *addr, size_t len, int advice)
{
	if (advice == MADV_POPULATE_WRITE && k.fail_populates > 0) {
		k.fail_populates--;
		errno = k.populate_errno;
		return -1;
	}
	k.donts += advice == MADV_DONTFORK || advice == MADV_DONTDUMP;
	return madvise(addr, len, advice);
}

static long f_mbind(void *addr, unsigned long len, int mode, const unsigned long *nodes, unsigned long maxnode,
                    unsigned flags)
{
	(void)addr, (void)len, (void)maxnode, (void)flags;
	k.modes[k.nmbind++] = mode;
	k.mask = *nodes;
	errno = k.mbind_errno;
	return k.mbind_errno ? -1 : 0;
}

static long f_move_pages(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags)
{
	(void)pid, (void)pages, (void)flags;
	assert_null(nodes);
	for (unsigned long i = 0; i < n; i++)
		status[i] = k.place;
	errno = k.pages_errno;
	return k.pages_errno ? -1 : 0;
}

static void heard(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	k.level = level;
	k.lines++;
	snprintf(k.line, sizeof(k.line), "%s", line);
}

static struct plx_sys sys;
static const struct plx_log log_ = { heard, NULL, PLX_LOG_DEBUG };

static int setup(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	sys = plx_sys_linux;
	sys.memfd_create = f_memfd_create;
	sys.ftruncate = f_ftruncate;
	sys.open = f_open;
	sys.close = f_close;
	sys.mmap = f_mmap;
	sys.munmap = f_munmap;
	sys.madvise = f_madvise;
	sys.mbind = f_mbind;
	sys.move_pages = f_move_pages;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(k.fds, 0);
	assert_int_equal(k.maps, 0);
	return 0;
}

static void test_huge(void **state)
{
	struct mem_seg s;

	(void)state;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 3 * MIB, 0, PLX_REQUIRE), 0);
	assert_int_equal(s.len, 4 * MIB);
	assert_int_equal(s.page, 2 * MIB);
	assert_int_equal(s.node, 0);
	assert_string_equal(s.why, "2 MiB pages");
	assert_int_equal(k.nmemfd, 1);
	assert_int_equal(k.flags[0], MFD_CLOEXEC | MFD_HUGETLB | 21u << 26);
	assert_int_equal(k.modes[0], 2 /* MPOL_BIND */);
	assert_int_equal(k.mask, 1);
	assert_int_equal(k.donts, 2);
	assert_int_equal(k.fds, 0);
	assert_int_equal(k.lines, 0);
	memset(s.addr, 1, s.len);
	mem_seg_free(&s, &sys);
	assert_null(s.addr);
	mem_seg_free(&s, &sys); /* again: nothing */
}

static void test_ladder_1g(void **state)
{
	struct mem_seg s;

	(void)state;
	k.huge_errno[0] = ENOMEM;
	k.huge_errno[1] = ENOMEM;
	k.fail_populates = 1; /* the small rung is reached, but a GiB is not touched here */
	k.populate_errno = ENOMEM;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 1024 * MIB, -1, PLX_PREFER), -ENOMEM);
	assert_int_equal(k.nmemfd, 2);
	assert_int_equal(k.flags[0] >> 26, 30);
	assert_int_equal(k.flags[1] >> 26, 21);
	assert_int_equal(k.nmbind, 0);
	assert_string_equal(
		k.line, "memory seg: no 1048576 KiB (Cannot allocate memory): free memory, or ask for less with -m");
	assert_null(s.addr);
}

static void test_4k_rung(void **state)
{
	struct mem_seg s;

	(void)state;
	k.huge_errno[1] = ENOMEM;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", MIB + 1, 0, PLX_PREFER), 0);
	assert_int_equal(s.len, MIB + 4096);
	assert_int_equal(s.page, 4096);
	assert_int_equal(k.modes[0], 1 /* MPOL_PREFERRED */);
	assert_string_equal(s.why, "2 MiB pages refused (Cannot allocate memory), 4 KiB pages");
	assert_int_equal(k.level, PLX_LOG_NOTICE);
	assert_string_equal(
		k.line, "memory seg: 2 MiB pages refused (Cannot allocate memory), 4 KiB pages: hugepages by "
			"echo $(($(cat /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages) + 1)) > "
			"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	memset(s.addr, 1, s.len);
	mem_seg_free(&s, &sys);
}

static void test_never(void **state)
{
	struct mem_seg s;

	(void)state;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 4 * MIB, -1, PLX_NEVER), 0);
	assert_int_equal(s.page, 4096);
	assert_int_equal(s.node, -1);
	assert_int_equal(k.nmemfd, 0);
	assert_int_equal(k.lines, 0);
	mem_seg_free(&s, &sys);
}

/* Each way in which hugepages can be refused, with require: one line, and nothing left. */
static void test_require_refused(void **state)
{
	int *const ways[] = { &k.huge_errno[1], &k.truncate_errno, &k.mmap_errno, &k.populate_errno };

	for (size_t i = 0; i < 4; i++) {
		struct mem_seg s;

		setup(state);
		*ways[i] = ENOMEM;
		k.fail_populates = 99;
		k.populate_errno = k.populate_errno ? EFAULT : 0; /* what a touched SIGBUS becomes */
		if (!k.populate_errno)
			k.fail_populates = 0;
		assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 4 * MIB, 1, PLX_REQUIRE), -ENOMEM);
		assert_null(s.addr);
		assert_int_equal(k.fds, 0);
		assert_int_equal(k.maps, 0);
		assert_int_equal(k.lines, 1);
		assert_int_equal(k.level, PLX_LOG_ERROR);
		assert_non_null(strstr(k.line, "memory seg: no 4096 KiB of hugepages, with --huge=require ("));
		assert_int_equal(
			!!strstr(k.line, "(none left on the node, or beyond hugetlb.*.max of the cgroup: EFAULT)"),
			i == 3);
		assert_non_null(strstr(
			k.line, "+ 2)) > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"));
	}
}

/* A kernel before 5.14 knows no MADV_POPULATE_WRITE. */
static void test_old_kernel(void **state)
{
	struct mem_seg s;

	(void)state;
	k.fail_populates = 1;
	k.populate_errno = EINVAL;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 4 * MIB, 0, PLX_REQUIRE), 0);
	assert_int_equal(s.page, 2 * MIB);
	mem_seg_free(&s, &sys);
}

static void test_not_bound(void **state)
{
	struct mem_seg s;

	(void)state;
	k.mbind_errno = EPERM;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 2 * MIB, 3, PLX_PREFER), 0);
	assert_int_equal(s.node, -1);
	assert_string_equal(s.why, "2 MiB pages, not bound to node 3 (Operation not permitted)");
	mem_seg_free(&s, &sys);
}

static void test_misplaced(void **state)
{
	struct mem_seg s;

	(void)state;
	k.place = 0;
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 2 * MIB, 1, PLX_PREFER), 0);
	assert_string_equal(s.why, "2 MiB pages, partly on another node than 1");
	mem_seg_free(&s, &sys);
	k.pages_errno = EPERM; /* cannot be told: not a fault */
	assert_int_equal(mem_seg_alloc(&s, &sys, &log_, "seg", 2 * MIB, 1, PLX_PREFER), 0);
	assert_string_equal(s.why, "2 MiB pages");
	mem_seg_free(&s, &sys);
}

/* The real kernel: whatever rung holds, the memory is there, and a child does not have it. */
static void test_real(void **state)
{
	struct mem_seg s;
	int status;

	(void)state;
	assert_int_equal(mem_seg_alloc(&s, &plx_sys_linux, &log_, "seg", 5 * MIB, 0, PLX_PREFER), 0);
	assert_true(s.len >= 5 * MIB);
	assert_int_equal((uintptr_t)s.addr % 4096, 0);
	memset(s.addr, 0x5a, s.len);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		unsigned char vec;
		/* a sanitizer may have put memory of its own into the hole */
		_exit((mincore(s.addr, 1, &vec) && errno == ENOMEM) || *(volatile uint8_t *)s.addr != 0x5a ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	mem_seg_free(&s, &plx_sys_linux);
}

/* More hugepages than there are: an error, not a signal. */
static void test_real_too_many(void **state)
{
	struct mem_seg s;

	(void)state;
	assert_int_equal(mem_seg_alloc(&s, &plx_sys_linux, &log_, "seg", 1ull << 45, 0, PLX_REQUIRE), -ENOMEM);
	assert_null(s.addr);
	assert_int_equal(k.lines, 1);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_huge),       T(test_ladder_1g), T(test_4k_rung),   T(test_never), T(test_require_refused),
		T(test_old_kernel), T(test_not_bound), T(test_misplaced), T(test_real),  T(test_real_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

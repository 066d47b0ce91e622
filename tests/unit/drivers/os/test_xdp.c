/* SPDX-License-Identifier: MIT */
/* test_xdp.c - whose program holds an XDP hook, found in the procfs of made-up machines. */
#include "root_util.h"

#include "file.h"
#include "xdp.h"
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

static void process(int pid, const char *comm, const char *fd3, const char *fd4)
{
	put(comm, "/proc/%d/comm", pid);
	put("pos:\t0\nflags:\t02\nmnt_id:\t5\n", "/proc/%d/fdinfo/0", pid);
	if (fd3)
		put(fd3, "/proc/%d/fdinfo/3", pid);
	if (fd4)
		put(fd4, "/proc/%d/fdinfo/4", pid);
}

#define PROG(id) "pos:\t0\nprog_type:\t6\nprog_jited:\t1\nprog_tag:\tabc\nmemlock:\t4096\nprog_id:\t" #id "\n"
#define LINK(link, prog) \
	"pos:\t0\nlink_type:\txdp\nlink_id:\t" #link "\nprog_tag:\tabc\nprog_id:\t" #prog "\nifindex:\t4\n"

static void test_by_link(void **state)
{
	struct plx_xdp_info x = { .id = 12, .name = "steer" };
	char who[128];

	(void)state;
	process(100, "bpftool\n", PROG(12), NULL);
	process(812, "suricata\n", PROG(12), LINK(7, 12));
	process(900, "other\n", PROG(13), LINK(8, 112));
	put("x", "/proc/version");
	assert_int_equal(plx_xdp_owner(&x, &root_sys), 0);
	assert_int_equal(x.pid, 812);
	assert_int_equal(x.link, 7);
	assert_string_equal(x.comm, "suricata");
	assert_string_equal(plx_xdp_who(&x, who, sizeof(who)), "program 12 \"steer\" of pid 812 (suricata)");
}

/* Attached by netlink: whoever holds the program is the best guess. */
static void test_by_program(void **state)
{
	struct plx_xdp_info x = { .id = 13 };
	char who[128];

	(void)state;
	process(900, "loader\n", PROG(130), PROG(13));
	assert_int_equal(plx_xdp_owner(&x, &root_sys), 0);
	assert_int_equal(x.pid, 900);
	assert_int_equal(x.link, 0);
	assert_string_equal(plx_xdp_who(&x, who, sizeof(who)), "program 13 of pid 900 (loader)");
}

static void test_nobody(void **state)
{
	struct plx_xdp_info x = { .id = 14, .pid = 3, .comm = "old", .link = 9 }, none = { .id = 0 };
	char who[128];

	(void)state;
	assert_int_equal(plx_xdp_owner(&x, &root_sys), -ENOENT); /* not even a /proc */
	process(900, "loader\n", PROG(13), "prog_id");
	assert_int_equal(plx_xdp_owner(&x, &root_sys), -ENOENT);
	assert_int_equal(x.pid, 0);
	assert_int_equal(x.link, 9); /* the kernel told, it may be pinned */
	assert_string_equal(plx_xdp_who(&x, who, sizeof(who)), "program 14");
	process(901, "bystander\n", "prog_id:\t0\n", NULL);
	assert_int_equal(plx_xdp_owner(&none, &root_sys), -ENOENT);
	assert_string_equal(plx_xdp_who(&none, who, sizeof(who)), "another program");
}

/* What frees the hook has to be what does: ip link has a word for each mode, and none for a bpf_link. */
static void test_freeing(void **state)
{
	static const struct { uint8_t mode; const char *off;
	} rows[] = {
		{ XDP_ATTACHED_DRV, "xdpdrv off" },
		{ XDP_ATTACHED_SKB, "xdpgeneric off" },
		{ XDP_ATTACHED_HW, "xdpoffload off" },
		{ 0, "xdp off" },
	};
	char buf[512], want[64];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct plx_xdp_info x = { .id = 12, .mode = rows[i].mode };

		snprintf(want, sizeof(want), "ip link set dev 'a;b' %s", rows[i].off);
		assert_non_null(strstr(plx_xdp_free(&x, "a;b", buf, sizeof(buf)), want));
		x.pid = 812; /* holds the program, which was attached without a link */
		assert_non_null(strstr(plx_xdp_free(&x, "a;b", buf, sizeof(buf)), want));
		x.link = 7;
		assert_string_equal(plx_xdp_free(&x, "a;b", buf, sizeof(buf)), "end its owner with kill 812, or "
		                    "bpftool link detach id 7");
		x.pid = 0; /* pinned */
		assert_string_equal(plx_xdp_free(&x, "a;b", buf, sizeof(buf)), "bpftool link detach id 7");
		x.dispatcher = true;
		x.pid = 812;
		assert_string_equal(plx_xdp_off(&x, "a;b", buf, sizeof(buf)), "xdp-loader unload 'a;b' --all");
		assert_string_equal(plx_xdp_free(&x, "a;b", buf, sizeof(buf)), "xdp-loader unload 'a;b' --all, once "
		                    "its owner has ended");
	}
	struct plx_xdp_info none = { 0 }, hidden = { .id = 12, .refused = true };
	assert_non_null(strstr(plx_xdp_free(&none, "eth1", buf, sizeof(buf)), "gone by now"));
	assert_non_null(strstr(plx_xdp_free(&hidden, "eth1", buf, sizeof(buf)), "ip link set dev eth1 xdp off, "
	                       "or, if that is EBUSY"));
	assert_string_equal(plx_xdp_who(&hidden, buf, sizeof(buf)), "program 12 (its name is told to "
	                    "CAP_SYS_ADMIN only)");
}

static unsigned reads;
static ssize_t few_reads(int fd, void *buf, size_t n)
{
	reads++;
	return read(fd, buf, n);
}

/* A machine of very many open files costs a bounded time. */
static void test_bound(void **state)
{
	struct plx_xdp_info x = { .id = 77 };
	char below[512], from[64];

	(void)state;
	process(1, "init\n", NULL, NULL);
	for (int pid = 2; pid < 120; pid++) {
		snprintf(from, sizeof(from), "/proc/%d/fdinfo", pid);
		assert_int_equal(symlink("../1/fdinfo", root_path(below, from)), 0);
	}
	for (int fd = 1; fd < 200; fd++)
		put("pos:\t0\n", "/proc/1/fdinfo/%d", fd);
	root_sys.read = few_reads;
	reads = 0;
	assert_int_equal(plx_xdp_owner(&x, &root_sys), -ENOENT);
	assert_true(reads >= PLX_XDP_FILES_MAX && reads <= 2 * PLX_XDP_FILES_MAX);
}

static int info_err;
static int prog_info(uint32_t id, struct bpf_prog_info *info)
{
	info->id = id;
	memset(info->name, 'n', sizeof(info->name)); /* no end */
	info->tag[7] = 9;
	return info_err;
}

static void test_prog(void **state)
{
	struct plx_xdp_info x = { .id = 5 };

	(void)state;
	root_sys.bpf_prog_info = prog_info;
	info_err = -EPERM;
	plx_xdp_prog(&x, &root_sys);
	assert_string_equal(x.name, "");
	info_err = 0;
	plx_xdp_prog(&x, &root_sys);
	assert_string_equal(x.name, "nnnnnnnnnnnnnnn");
	assert_int_equal(x.tag[7], 9);
}

/* ---- what libxdp tells ---- */

static struct plx_xdp_list told;
static int told_err;
static int list(uint32_t ifindex, struct plx_xdp_list *l)
{
	assert_int_equal(ifindex, 0x7ffffff0); /* where there is none */
	*l = told;
	return told_err;
}

static void test_programs(void **state)
{
	struct plx_xdp_info x = { .id = 12 };
	char buf[PLX_XDP_WHO_MAX];

	(void)state;
	root_sys.xdp_list = list;
	told = (struct plx_xdp_list){ .main = { .id = 12, .name = "xdp_dispatcher" }, .mode = XDP_ATTACHED_DRV,
	                              .dispatcher = true,
	                              .called = { { .id = 13, .name = "xsk_def_prog", .prio = 20 } }, .ncalled = 1 };
	process(900, "peer\n", PROG(13), NULL); /* who holds a program that the dispatcher calls */
	assert_int_equal(plx_xdp_programs(0x7ffffff0, &x, &root_sys), 0);
	assert_int_equal(plx_xdp_owner(&x, &root_sys), 0);
	assert_string_equal(plx_xdp_who(&x, buf, sizeof(buf)), "libxdp's dispatcher, native program 12 "
	                    "\"xdp_dispatcher\", which calls program 13 \"xsk_def_prog\" (priority 20), of pid 900 "
	                    "(peer)");
	assert_int_equal(x.link, 0);
	told_err = -EPERM; /* what was known stays */
	x = (struct plx_xdp_info){ .id = 12, .mode = XDP_ATTACHED_SKB };
	assert_int_equal(plx_xdp_programs(0x7ffffff0, &x, &root_sys), -EPERM);
	assert_string_equal(plx_xdp_who(&x, buf, sizeof(buf)), "generic program 12 (its name is told to "
	                    "CAP_SYS_ADMIN only)");
	told_err = -EBUSY;
	assert_int_equal(plx_xdp_programs(0x7ffffff0, &x, &root_sys), -EBUSY);
	assert_string_equal(plx_xdp_who(&x, buf, sizeof(buf)), "generic program 12");
	told_err = -ENOENT; /* it went, and the interface with it */
	plx_xdp_programs(0x7ffffff0, &x, &root_sys);
	assert_int_equal(x.id, 0);
	assert_int_equal(plx_xdp_programs(0x7ffffff0, &x, &root_sys), 0); /* nothing to ask for */
	told_err = 0;
}

/* ---- files ---- */

static ssize_t bad_read(int fd, void *buf, size_t n)
{
	(void)fd, (void)buf, (void)n;
	errno = EIO;
	return -1;
}

static ssize_t bad_getdents(int fd, void *buf, size_t n)
{
	(void)fd, (void)buf, (void)n;
	errno = ENOENT; /* the process has ended */
	return -1;
}

static int count_to(void *arg, const char *name)
{
	int *n = arg;

	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	return --*n ? 0 : 42;
}

static void test_files(void **state)
{
	char buf[8];
	long v = 1;
	int n = 1000;

	(void)state;
	for (int i = 0; i < 600; i++)
		put("1", "/d/file-with-a-rather-long-name-%d", i);
	put("-1\n", "/node");
	put("word\n", "/word");
	put("123456789", "/long");
	assert_int_equal(plx_file_number(&root_sys, "/node", &v), 0);
	assert_int_equal(v, -1);
	assert_int_equal(plx_file_number(&root_sys, "/word", &v), -EINVAL);
	assert_int_equal(plx_file_number(&root_sys, "/none", &v), -ENOENT);
	assert_int_equal(v, -1);
	assert_int_equal(plx_file_read(&root_sys, "/long", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(plx_file_dir(&root_sys, "/d", count_to, &n), 0);
	assert_int_equal(n, 400);
	n = 300;
	assert_int_equal(plx_file_dir(&root_sys, "/d", count_to, &n), 42);
	assert_int_equal(plx_file_dir(&root_sys, "/none", count_to, &n), -ENOENT);
	assert_int_equal(plx_file_dir(&root_sys, "/long", count_to, &n), -ENOTDIR);
	root_sys.read = bad_read;
	root_sys.getdents64 = bad_getdents;
	assert_int_equal(plx_file_read(&root_sys, "/long", buf, sizeof(buf)), -EIO);
	assert_int_equal(plx_file_dir(&root_sys, "/d", count_to, &n), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_link, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_by_program, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_nobody, root_make, root_remove),
		cmocka_unit_test(test_freeing),
		cmocka_unit_test_setup_teardown(test_bound, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_prog, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_programs, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_files, root_make, root_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_setup_cgroup.c - the cpuset of the lcores, by the files of both kinds of cgroups: what the
   kernel would do is done by hand. */
#include "setup_irq_util.h"

static bool partition_refused;

static int root_mkdir(const char *path, mode_t mode)
{
	static const char *const v2[] = { "cgroup.procs", "cgroup.controllers", "cpuset.cpus", "cpuset.mems" };
	char below[512];

	(void)mode;
	snprintf(below, sizeof(below), "%.100s%.200s", root, path);
	if (mkdir(below, 0755))
		return -1;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(v2); i++)
		put("\n", "%s/%s", path, v2[i]);
	put(partition_refused ? "________ invalid (Cpu list in cpuset.cpus not exclusive)\n" : "",
	    "%s/cpuset.cpus.partition", path);
	return 0;
}

static unsigned busy;

static int root_rmdir(const char *path)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "rm -rf %s%s", root, path);
	return busy && busy-- ? errno = EBUSY, -1 : system(cmd) ? -1 : 0;
}

static int no_sleep(const struct timespec *t, struct timespec *rem)
{
	return (void)t, (void)rem, 0;
}

static void make_cgroup2(void)
{
	put("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "/proc/mounts");
	put("", "/sys/fs/cgroup/cgroup.procs");
	put("cpuset cpu io\n", "/sys/fs/cgroup/cgroup.controllers");
	put("cpu\n", "/sys/fs/cgroup/cgroup.subtree_control");
	root_sys.mkdir = root_mkdir;
	root_sys.rmdir = root_rmdir;
	root_sys.nanosleep = no_sleep;
	partition_refused = false;
	busy = 0;
}

/* The stage has to be asked for by its name. */
static void plan_named(void)
{
	s.in.stages = 1u << SETUP_cpuset;
	s.in.by_name = true;
	setup_plan_cpuset(&s);
}

static void cgroup_stage(void **state)
{
	(void)state;
	make_cgroup2();
	PLAN(1, 3);
	s.in.stages = SETUP_ALL;
	setup_plan_cpuset(&s);
	assert_non_null(strstr(s.items[0].found.evidence, "unless it is named"));
	s.plan->main_cpu = 2;
	plan_named();
	assert_int_equal(s.nitems, 3);
	assert_string_equal(s.items[1].object, "/sys/fs/cgroup");
	assert_string_equal(s.items[1].old, "cpuset off");
	assert_string_equal(s.items[1].want, "cpuset on");
	assert_string_equal(s.items[2].object, "/sys/fs/cgroup/pollux");
	assert_string_equal(s.items[2].old, "");
	assert_string_equal(s.items[2].want, "cpus 2-3 mems - partition isolated");
}

static void cgroup_stage_v1(void **state)
{
	(void)state;
	put("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
	    "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n", "/proc/mounts");
	put("memory\n", "/sys/fs/cgroup/unified/cgroup.controllers");
	put("", "/sys/fs/cgroup/cpuset/cgroup.procs");
	put("0-1\n", "/sys/fs/cgroup/cpuset/cpuset.mems");
	put("0-1\n", "/sys/fs/cgroup/cpuset/docker/cpuset.cpus");
	PLAN(1, 3);
	plan_named();
	assert_string_equal(s.items[0].object, "/sys/fs/cgroup/cpuset/pollux");
	assert_string_equal(s.items[0].want, "cpus 3 mems 0-1 exclusive 1 balance 0");
	put("0-3\n", "/sys/fs/cgroup/cpuset/docker/cpuset.cpus"); /* another one has them too */
	setup_free(&s);
	PLAN(1, 3);
	plan_named();
	assert_string_equal(s.items[0].want, "cpus 3 mems 0-1 exclusive 0 balance 0");
}

static void cgroup_cannot(void **state)
{
	(void)state;
	PLAN(1, 0, 1, 2, 3, 4, 5, 6, 7);
	plan_named();
	assert_non_null(strstr(s.items[0].found.evidence, "the host needs one"));
	setup_free(&s);
	PLAN(1, 3);
	plan_named();
	assert_int_equal(s.items[0].state, SETUP_CANNOT); /* nothing is mounted */
	make_cgroup2();
	put("4711\n", "/sys/fs/cgroup/pollux/cgroup.procs");
	put("0\n", "/sys/fs/cgroup/pollux/cpuset.cpus");
	put("", "/sys/fs/cgroup/pollux/cgroup.controllers");
	setup_plan_cpuset(&s);
	assert_int_equal(s.items[1].state, SETUP_CANNOT);
	assert_non_null(strstr(s.items[1].found.evidence, "in use"));
}

static void cgroup_kind(void **state)
{
	const char *at = "/sys/fs/cgroup/pollux";

	(void)state;
	make_cgroup2();
	PLAN(1, 3);
	assert_int_equal(setup_cgroup.set(&s, at, "cpus 3 mems - partition isolated", why, sizeof(why)), 0);
	assert_int_equal(setup_cgroup.get(&s, at, value, sizeof(value)), 0);
	assert_string_equal(value, "cpus 3 mems - partition isolated");
	topo->cpu[3].allowed = false; /* a program outside of it */
	setup_cpuset_allow(&root_sys, topo);
	assert_true(topo->cpu[3].allowed);
	busy = 3;
	assert_int_equal(setup_cgroup.set(&s, at, "", why, sizeof(why)), 0);
	assert_int_equal(busy, 0);
	assert_int_equal(setup_cgroup.get(&s, at, value, sizeof(value)), 0);
	assert_string_equal(value, "");
	busy = 1000;
	assert_int_equal(setup_cgroup.set(&s, at, "cpus 3", why, sizeof(why)), 0);
	assert_int_equal(setup_cgroup.set(&s, at, "", why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "below it"));
}

/* The kernel takes the word and says beside it that it is none. */
static void cgroup_invalid(void **state)
{
	(void)state;
	PLAN(1, 3);
	make_cgroup2();
	partition_refused = true;
	assert_int_equal(
		setup_cgroup.set(&s, "/sys/fs/cgroup/pollux", "cpus 3 mems - partition isolated", why, sizeof(why)),
		-EINVAL);
	assert_non_null(strstr(why, "isolated invalid (Cpu list"));
}

static void cgroup_command(void **state)
{
	(void)state;
	PLAN(1, 3);
	setup_cgroup.command(&s, "/sys/fs/cgroup", "cpuset on", value, sizeof(value));
	assert_string_equal(value, "echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control");
	setup_cgroup.command(&s, "/cg/pollux", "cpus 2-3 mems - partition isolated", value, sizeof(value));
	assert_string_equal(value, "mkdir -p /cg/pollux && echo 2-3 > /cg/pollux/cpuset.cpus && echo isolated > "
	                           "/cg/pollux/cpuset.cpus.partition");
	setup_cgroup.command(&s, "/cg/pollux", "cpus 2 mems 0 exclusive 1 balance 0", value, sizeof(value));
	assert_non_null(
		strstr(value, " && echo 0 > /cg/pollux/cpuset.mems && echo 1 > /cg/pollux/cpuset.cpu_exclusive"));
	setup_cgroup.command(&s, "/cg/pollux", "", value, sizeof(value));
	assert_string_equal(
		value,
		"for p in $(cat /cg/pollux/cgroup.procs); do echo $p > /cg/cgroup.procs; done; rmdir /cg/pollux");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cgroup_stage), TEST(cgroup_stage_v1), TEST(cgroup_cannot), TEST(cgroup_kind), TEST(cgroup_invalid),
		TEST(cgroup_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

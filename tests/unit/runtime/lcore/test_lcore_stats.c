/* SPDX-License-Identifier: MIT */
/* test_lcore_stats.c - what other threads read of an lcore while it runs. */
#include "env_util.h"
#include "file.h"
#include "root_util.h"

static int spin(void *arg)
{
	plx_ctr_add(arg, 1);
	return 1;
}

static struct plx_lcore_sched sched(const struct plx_env *env, uint16_t i)
{
	struct plx_lcore_sched s;

	assert_int_equal(plx_lcore_sched(plx_env_lcore(env, i), &s), 0);
	return s;
}

static void test_kernel_counts(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_lcore_stats ls;
	struct runner r;
	plx_ctr calls = 0;
	char path[64], name[32];

	test_conf(&c, &k, 2, NULL);
	c.lcores[1] = (struct plx_lcore_conf){ .id = 1, .ncpus = 1, .cpus = { c.lcores[0].cpus[0] } };
	struct plx_env *env = test_open(&c, &k);
	for (int i = 0; i < 2; i++) /* two that spin on one CPU steal from each other */
		assert_int_equal(
			plx_poller_add(env, &(struct plx_poller_conf){ .fn = spin, .arg = &calls, .lcore = i }), 0);
	struct plx_lcore_sched before = sched(env, 0), now;
	plx_lcore_stats(plx_env_lcore(env, 0), &ls);
	assert_int_equal(ls.tid, before.tid);
	assert_int_not_equal(ls.tid, gettid());
	assert_int_not_equal(ls.tid, sched(env, 1).tid);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", ls.tid);
	assert_true(plx_file_read(&plx_sys_linux, path, name, sizeof(name)) > 0);
	assert_non_null(strstr(name, "-lc0"));
	runner_start(&r, env);
	wait_for((now = sched(env, 0), now.wait_ns > before.wait_ns && now.preemptions > before.preemptions));
	assert_true(now.cpu_ns > before.cpu_ns);
	assert_true(now.slices > before.slices);
	assert_int_equal(runner_stop(&r, 0), 0);
	uint64_t yields = now.yields;
	wait_for(sched(env, 0).yields > yields); /* it goes to wait in poll */
	plx_env_fini(env);
}

/* Another kernel's files. */
static struct plx_lcore fake_lcore(struct plx_env *env)
{
	env->sys = &root_sys;
	return (struct plx_lcore){ .env = env, .tid = gettid() };
}

static void test_files(void **state)
{
	(void)state;
	static struct plx_env env;
	struct plx_lcore l = fake_lcore(&env);
	struct plx_lcore_sched s;

	put("5000 1234567 42\n", "/proc/self/task/%d/schedstat", gettid());
	put("Name:\tx\nvoluntary_ctxt_switches:\t11\nnonvoluntary_ctxt_switches:\t7\n", "/proc/self/task/%d/status",
	    gettid());
	assert_int_equal(plx_lcore_sched(&l, &s), 0);
	assert_int_equal(s.tid, gettid());
	assert_int_equal(s.wait_ns, 1234567);
	assert_int_equal(s.slices, 42);
	assert_int_equal(s.yields, 11);
	assert_int_equal(s.preemptions, 7);
	assert_true(s.cpu_ns > 0);
	put("garbage\n", "/proc/self/task/%d/schedstat", gettid());
	assert_int_equal(plx_lcore_sched(&l, &s), -ENODATA);
	assert_int_equal(s.wait_ns, 0);
	assert_int_equal(s.preemptions, 7); /* the rest is right all the same */
}

static void test_kernel_without_schedstats(void **state)
{
	(void)state;
	static struct plx_env env;
	struct plx_lcore l = fake_lcore(&env);
	struct plx_lcore_sched s;

	put("Name:\tx\nvoluntary_ctxt_switches:\t11\nnonvoluntary_ctxt_switches:\t7\n", "/proc/self/task/%d/status",
	    gettid());
	assert_int_equal(plx_lcore_sched(&l, &s), -ENOENT);
	assert_int_equal(s.yields, 11);
	l.tid = 0;
	assert_int_equal(plx_lcore_sched(&l, &s), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_counts),
		cmocka_unit_test_setup_teardown(test_files, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_kernel_without_schedstats, root_make, root_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

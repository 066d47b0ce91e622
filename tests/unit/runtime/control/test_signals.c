/* SPDX-License-Identifier: MIT */
/* test_signals.c - signals that watch takes: the first stops, a second one ends. */
#include "control_util.h"
#include <sys/mman.h>
#include <sys/wait.h>

static int raise_it(void *arg)
{
	assert_int_equal(kill(getpid(), *(int *)arg), 0);
	return 1;
}

static void test_first_signal_stops(void **state)
{
	(void)state;
	int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	static const char *const told[] = { "SIGINT: stopping", "SIGTERM: stopping", "SIGHUP: stopping" };

	for (int i = 0; i < 3; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct sigaction before, after;
		sigset_t mask, mask_after;

		test_conf(&c, &k, 1, NULL);
		c.no_signals = false;
		struct plx_env *env = open_idle(&c, &k);
		sigaction(sigs[i], NULL, &before);
		pthread_sigmask(SIG_SETMASK, NULL, &mask);
		assert_int_equal(plx_env_timer(env, MS, raise_it, &sigs[i]), 0);
		assert_int_equal(plx_env_run(env), 0);
		assert_true(kept_has(&k, told[i]));
		sigaction(sigs[i], NULL, &after);
		pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
		assert_ptr_equal(before.sa_handler, after.sa_handler);
		assert_memory_equal(&mask, &mask_after, sizeof(unsigned long)); /* the kernel's part */
		plx_env_fini(env);
	}
}

/* As nohup(1) has it: the terminal goes, the run goes on. */
static void test_ignored_hangup(void **state)
{
	(void)state;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old, after;
	struct kept_log k;
	struct plx_env_conf c;
	int hup = SIGHUP, term = SIGTERM;

	sigaction(SIGHUP, &ignore, &old);
	test_conf(&c, &k, 1, NULL);
	c.no_signals = false;
	struct plx_env *env = open_idle(&c, &k);
	assert_int_equal(plx_env_timer(env, MS, raise_it, &hup), 0);
	assert_int_equal(plx_env_timer(env, 100 * MS, raise_it, &term), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_false(kept_has(&k, "SIGHUP"));
	assert_true(kept_has(&k, "SIGTERM: stopping"));
	sigaction(SIGHUP, &old, &after);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
	plx_env_fini(env);
}

static int stop_with_signal(void *arg)
{
	struct plx_env *env = arg;

	plx_env_stop(env, -EIO);
	kill(getpid(), SIGINT); /* comes while we stop anyway: it has got what it wanted */
	return 1;
}

static void test_signal_during_stop(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	c.no_signals = false;
	struct plx_env *env = open_idle(&c, &k);
	assert_int_equal(plx_env_timer(env, MS, stop_with_signal, env), 0);
	assert_int_equal(plx_env_run(env), -EIO);
	plx_env_fini(env);
}

static volatile sig_atomic_t app_signal;

static void app_handler(int sig)
{
	app_signal = sig;
}

static int see_signal(void *arg)
{
	if (!app_signal)
		return 0;
	plx_env_stop(arg, 0);
	return 1;
}

static void test_no_signals(void **state)
{
	(void)state;
	struct sigaction sa = { .sa_handler = app_handler }, old;
	struct kept_log k;
	struct plx_env_conf c;
	int sig = SIGINT;

	sigaction(SIGINT, &sa, &old);
	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	assert_int_equal(plx_env_timer(env, MS, raise_it, &sig), 0);
	assert_int_equal(plx_env_timer(env, MS, see_signal, env), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(app_signal, SIGINT);
	sigaction(SIGINT, &old, NULL);
	plx_env_fini(env);
}

/* The child's poller hangs, so that its stop hangs as well; *step tells how far it is. */
static int hang(void *arg)
{
	while (getpid())
		__atomic_store_n((int *)arg, 1, __ATOMIC_RELAXED);
	return 0;
}

/* A tenth of the speed: what waits a second by this clock waits ten. */
static int slow_clock(clockid_t clock, struct timespec *t)
{
	static uint64_t begin; /* main thread, first */

	if (clock != CLOCK_MONOTONIC)
		return plx_sys_linux.clock_gettime(clock, t);
	uint64_t now = now_ns(), none = 0;
	__atomic_compare_exchange_n(&begin, &none, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	now = __atomic_load_n(&begin, __ATOMIC_RELAXED) + (now - __atomic_load_n(&begin, __ATOMIC_RELAXED)) / 10;
	*t = (struct timespec){ (time_t)(now / 1000000000u), (long)(now % 1000000000u) };
	return 0;
}

static void second_signal_child(int *step)
{
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_env *env;

	sys.clock_gettime = slow_clock;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	c.no_signals = false;
	if (plx_env_open(&env, &c) || plx_poller_add(env, PLX_POLLER(.fn = hang, .arg = step)))
		_exit(1);
	plx_env_run(env);
	_exit(2);
}

/* Signals pid again and again, as what comes within 20 ms is one request; its exit code. */
static int insist(pid_t pid, int sig)
{
	int status = 0;

	wait_for(kill(pid, sig) || waitpid(pid, &status, WNOHANG) == pid || (plx_sys_sleep(&plx_sys_linux, 5 * MS), 0));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_second_signal_ends_at_once(void **state)
{
	(void)state;
	int *step = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child = fork();

	if (!child)
		second_signal_child(step);
	wait_for(__atomic_load_n(step, __ATOMIC_RELAXED));
	assert_int_equal(insist(child, SIGTERM),
	                 128 + SIGTERM); /* after the stop, which takes ten seconds, it would be 2 */
	munmap(step, 4096);
}

/* timeout(1) sends a signal twice at once; that is one request.  The second is sent within
   the 20 ms that the first is slept over, which last here until it was sent. */
static int *pair; /* shared: [0] the first was noticed, [1] the second was sent */

static int sleep_over_it(const struct timespec *t, struct timespec *rem)
{
	if (t->tv_sec || t->tv_nsec != 20 * (long)MS)
		return plx_sys_linux.nanosleep(t, rem);
	__atomic_store_n(&pair[0], 1, __ATOMIC_RELAXED);
	wait_for(__atomic_load_n(&pair[1], __ATOMIC_RELAXED));
	return 0;
}

static void double_signal_child(void)
{
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_env *env;
	pid_t self = getpid();

	sys.nanosleep = sleep_over_it;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	c.no_signals = false;
	if (plx_env_open(&env, &c) || plx_poller_add(env, PLX_POLLER(.fn = idle)))
		_exit(1);
	if (!fork()) {
		kill(self, SIGINT);
		wait_for(__atomic_load_n(&pair[0], __ATOMIC_RELAXED)); /* so it is not merged into the first */
		kill(self, SIGINT);
		__atomic_store_n(&pair[1], 1, __ATOMIC_RELAXED);
		_exit(0);
	}
	int err = plx_env_run(env);

	_exit(err ? 2 : __atomic_load_n(&pair[1], __ATOMIC_RELAXED) ? 0 : 3);
}

static void test_doubled_signal_is_one(void **state)
{
	(void)state;
	int status = 0;
	sigset_t set;

	pair = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGINT); /* it may come before the run: keep it pending */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	pid_t child = fork();
	if (!child)
		double_signal_child();
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	munmap(pair, 4096);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_signal_stops),         cmocka_unit_test(test_ignored_hangup),
		cmocka_unit_test(test_signal_during_stop),         cmocka_unit_test(test_no_signals),
		cmocka_unit_test(test_second_signal_ends_at_once), cmocka_unit_test(test_doubled_signal_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

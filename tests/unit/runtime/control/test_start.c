/* SPDX-License-Identifier: MIT */
/* test_start.c - runs whose main thread is the library's: begun, joined, ended by signals and mistakes, and calls that
   other threads have it make. */
#include "control_util.h"
#include "lcore_util.h"
#include <signal.h>
#include <sys/wait.h>

static void test_start_and_join(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s = { .ret = 0 };

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &s)), 0);
	assert_false(plx_env_running(env));
	assert_int_equal(plx_env_join(env), -ESRCH);
	assert_true(kept_has(&k, "plx_env_join: plx_env_start has not started anything"));
	for (int n = 0; n < 3; n++) {
		const uint64_t calls = plx_ctr_read(&s.calls);

		assert_int_equal(plx_env_start(env), 0);
		assert_true(env->live); /* lcores run when it returns */
		assert_true(plx_env_running(env));
		assert_int_equal(plx_env_start(env), -EALREADY);
		assert_int_equal(plx_env_run(env), -EBUSY);
		wait_for(plx_ctr_read(&s.calls) > calls);
		plx_env_stop(env, 5 + n);
		assert_int_equal(plx_env_join(env), 5 + n);
		assert_false(plx_env_running(env));
		assert_int_equal(plx_env_join(env), -ESRCH);
	}
	wait_for(kept_has(&k, "plx_env_start: it was started: plx_env_join comes first (EALREADY)"));
	plx_env_stop(env, 9); /* ends the next run */
	assert_int_equal(plx_env_start(env), 0);
	assert_int_equal(plx_env_join(env), 9);
	plx_env_stop(env, 10);
	assert_int_equal(plx_env_run(env), 10); /* one is as good as the other */
	plx_env_fini(env);
}

static void test_over_but_not_joined(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	assert_int_equal(plx_env_start(env), 0);
	plx_env_stop(env, -EIO);
	wait_for(!plx_env_running(env));
	assert_int_equal(plx_env_start(env), -EALREADY);
	assert_int_equal(plx_env_join(env), -EIO);
	plx_env_fini(env);
}

static void test_start_while_it_runs(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	runner_start(&r, env);
	wait_for(kept_has(&k, "running: "));
	assert_int_equal(plx_env_start(env), -EALREADY);
	wait_for(kept_has(&k, "plx_env_start: it runs already, or a poller still hangs (EALREADY)"));
	assert_int_equal(plx_env_join(env), -ESRCH);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

static void test_fini_joins(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct kept_log k;
		struct plx_env_conf c;

		test_conf(&c, &k, 1, "a,driver=loop", NULL);
		struct plx_env *env = open_idle(&c, &k);
		assert_int_equal(plx_env_start(env), 0);
		if (over) {
			plx_env_stop(env, 0);
			wait_for(!plx_env_running(env));
		}
		plx_env_fini(env);
	}
	assert_true(steady_tasks() > 0); /* no lcore is left */
}

/* ---- what fails ---- */

static int no_thread_at; /* which of the threads that are made fails; atomic */

static int no_thread(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	return __atomic_sub_fetch(&no_thread_at, 1, __ATOMIC_RELAXED) ? plx_sys_linux.thread_create(t, a, fn, arg) :
	                                                                EAGAIN;
}

static void test_what_fails(void **state)
{
	(void)state;
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;

	sys.thread_create = no_thread;
	no_thread_at = 0;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	struct plx_env *env = open_idle(&c, &k);
	for (int at = 1; at <= 2; at++) { /* main, then watch, which main makes */
		__atomic_store_n(&no_thread_at, at, __ATOMIC_RELAXED);
		assert_int_equal(plx_env_start(env), -EAGAIN);
		assert_false(plx_env_running(env));
		assert_int_equal(plx_env_join(env), -ESRCH);
	}
	assert_true(kept_has(&k, "main thread: cannot start: ") && kept_has(&k, "watch thread: cannot start: "));
	assert_int_equal(plx_env_start(env), 0); /* nothing is left of it */
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_join(env), 0);
	plx_env_fini(env);
}

struct joiner { struct plx_env *env; int err; };

static void *join_elsewhere(void *arg)
{
	struct joiner *j = arg;

	j->err = plx_env_join(j->env);
	return NULL;
}

static int join_in_a_timer(void *arg)
{
	struct joiner *j = arg;

	__atomic_store_n(&j->err, plx_env_join(j->env), __ATOMIC_RELEASE);
	return 1;
}

static void test_who_joins(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	pthread_t t;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	struct joiner other = { .env = env }, timer = { .env = env };
	assert_int_equal(plx_env_timer(env, MS, join_in_a_timer, &timer), 0);
	assert_int_equal(plx_env_start(env), 0);
	wait_for(__atomic_load_n(&timer.err, __ATOMIC_ACQUIRE));
	assert_int_equal(timer.err, -EDEADLK);
	assert_int_equal(pthread_create(&t, NULL, join_elsewhere, &other), 0);
	pthread_join(t, NULL);
	assert_int_equal(other.err, -EPERM);
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_join(env), 0);
	plx_env_fini(env);
}

static void test_forked(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	int status;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	assert_int_equal(plx_env_start(env), 0);
	wait_for(plx_env_running(env));
	fflush(NULL);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		alarm(60);
		_exit((plx_env_start(env) != -ECHILD) | (plx_env_join(env) != -ECHILD) << 1 |
		      (plx_env_call(env, idle, NULL, NULL) != -ECHILD) << 2 |
		      (plx_env_synchronize(env) != -ECHILD) << 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_join(env), 0);
	plx_env_fini(env);
}

/* ---- signals ---- */

static int sleep_long(void *arg)
{
	struct timespec t = { .tv_sec = 600 };

	__atomic_store_n((int *)arg, 1, __ATOMIC_RELAXED);
	nanosleep(&t, NULL);
	return 1;
}

static void *only_waits(void *arg)
{
	wait_for(!plx_env_running(arg));
	return NULL;
}

static bool blocked(int sig)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	return sigismember(&set, sig);
}

/* In a child, for a signal that nobody blocks ends it. */
static int stopped_by(int sig, bool in_timer)
{
	static struct kept_log k;
	static struct plx_env_conf c;
	int sleeps = 0;
	pthread_t t;

	alarm(60);
	signal(sig, SIG_DFL); /* nohup may have it ignored */
	test_conf(&c, &k, 1, NULL);
	c.no_signals = false;
	struct plx_env *env = open_idle(&c, &k);

	if (in_timer && plx_env_timer(env, MS, sleep_long, &sleeps))
		return 1;
	if (blocked(sig) || plx_env_start(env) || !blocked(sig) || pthread_create(&t, NULL, only_waits, env))
		return 2;
	if (in_timer)
		wait_for(__atomic_load_n(&sleeps, __ATOMIC_RELAXED));
	kill(getpid(), sig);
	if (plx_env_join(env) || blocked(sig) || pthread_join(t, NULL))
		return 3;
	plx_env_fini(env);
	return kept_has(&k, ": stopping; a second one ends at once") ? 0 : 4;
}

static void test_signals(void **state)
{
	(void)state;
	const int sigs[] = { SIGINT, SIGTERM, SIGHUP };

	for (int i = 0; i < 6; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			_exit(stopped_by(sigs[i % 3], i >= 3));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* ---- calls ---- */

struct job {
	struct plx_env *env;
	pthread_t by;
	plx_ctr ran;
	struct spin spin;
	struct plx_poller *p;
	int nested, done, hold;
};

static int change_pollers(void *arg)
{
	struct job *j = arg;

	j->by = pthread_self();
	plx_ctr_add(&j->ran, 1);
	if (j->p)
		return plx_poller_del(j->p);
	return plx_poller_add_get(&j->p, j->env, PLX_POLLER(.fn = spin_poll, .arg = &j->spin));
}

static int call_again(void *arg)
{
	struct job *j = arg;

	__atomic_store_n(&j->done, 1, __ATOMIC_RELAXED);
	return plx_env_call(j->env, idle, NULL, &j->nested) ? 1 : 42;
}

static void test_calls(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct job j = { .nested = -1 };
	struct plx_poller *p;
	int ret = 0;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = j.env = open_idle(&c, &k);
	assert_int_equal(plx_env_call(env, change_pollers, &j, &ret), -ESRCH); /* nobody runs */
	assert_int_equal(plx_env_start(env), 0);
	assert_int_equal(plx_env_call(env, NULL, &j, &ret), -EINVAL);
	assert_int_equal(plx_poller_add_get(&p, env, PLX_POLLER(.fn = idle)), -EBUSY);
	assert_int_equal(plx_env_timer(env, MS, idle, NULL), -EBUSY);
	wait_for(kept_has(&k, "plx_env_timer: during a run its main thread alone adds timers"));
	assert_int_equal(plx_env_call(env, change_pollers, &j, &ret), 0);
	assert_int_equal(ret, 0);
	assert_false(pthread_equal(j.by, pthread_self()));
	wait_for(plx_ctr_read(&j.spin.calls) > 0);
	assert_int_equal(plx_env_call(env, change_pollers, &j, NULL), 0);
	assert_int_equal(plx_env_call(env, call_again, &j, &ret), 0); /* by main itself: at once */
	assert_int_equal(ret, 42);
	assert_int_equal(j.nested, 0);
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_join(env), 0);
	assert_int_equal(plx_env_call(env, change_pollers, &j, &ret), -ESRCH);
	plx_env_fini(env);
}

enum { CALLERS = 4, CALLS = 300 };

static int count(void *arg)
{
	++*(unsigned *)arg; /* of main alone: plain */
	return 3;
}

struct caller { struct plx_env *env; pthread_t thread; unsigned *counter, done, cancelled; };

static void *call_often(void *arg)
{
	struct caller *c = arg;
	int ret = 0;

	for (unsigned n = 0; n < CALLS && !c->cancelled;) {
		int err = plx_env_call(c->env, count, c->counter, &ret);

		c->cancelled += err == -ECANCELED || err == -ESRCH;
		c->done += !err && ret == 3;
		n++;
	}
	return NULL;
}

/* Every call that said 0 was made, once, and none after the end. */
static void test_many_callers(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct caller by[CALLERS];
		unsigned counter = 0, done = 0;

		test_conf(&c, &k, 1, NULL);
		struct plx_env *env = open_idle(&c, &k);
		assert_int_equal(plx_env_start(env), 0);
		for (int i = 0; i < CALLERS; i++) {
			by[i] = (struct caller){ .env = env, .counter = &counter };
			assert_int_equal(pthread_create(&by[i].thread, NULL, call_often, &by[i]), 0);
		}
		if (cut)
			plx_env_stop(env, 0);
		for (int i = 0; i < CALLERS; i++) {
			pthread_join(by[i].thread, NULL);
			done += by[i].done;
		}
		plx_env_stop(env, 0);
		assert_int_equal(plx_env_join(env), 0);
		assert_int_equal(done, counter);
		if (!cut)
			assert_int_equal(done, CALLERS * CALLS);
		plx_env_fini(env);
	}
}

static int hold(void *arg)
{
	struct job *j = arg;

	__atomic_store_n(&j->done, 1, __ATOMIC_RELAXED);
	wait_for(__atomic_load_n(&j->hold, __ATOMIC_RELAXED));
	return 1;
}

static void *call_one(void *arg)
{
	struct joiner *j = arg;
	int err = plx_env_call(j->env, idle, NULL, NULL);

	__atomic_store_n(&j->err, err, __ATOMIC_RELAXED);
	return NULL;
}

static int call_poll(void *arg)
{
	__atomic_store_n((int *)arg, plx_env_call(plx_lcore_self()->env, idle, NULL, NULL), __ATOMIC_RELAXED);
	return 0;
}

static void test_calls_that_are_not_made(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct job j = { .done = 0 };
	int by_lcore = 0;
	pthread_t t;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = open_idle(&c, &k);
	struct joiner waits = { .env = env, .err = 1 };
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = call_poll, .arg = &by_lcore)), 0);
	assert_int_equal(plx_env_timer(env, MS, hold, &j), 0);
	assert_int_equal(plx_env_start(env), 0);
	wait_for(__atomic_load_n(&by_lcore, __ATOMIC_RELAXED) == -EDEADLK);
	wait_for(__atomic_load_n(&j.done, __ATOMIC_RELAXED)); /* main is busy */
	assert_int_equal(pthread_create(&t, NULL, call_one, &waits), 0);
	for (bool there = false; !there; sched_yield()) {
		pthread_mutex_lock(&env->lock);
		there = env->control->calls;
		pthread_mutex_unlock(&env->lock);
	}
	plx_env_stop(env, 0);
	__atomic_store_n(&j.hold, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_true(waits.err == -ECANCELED || waits.err == 0); /* main may look once more before it leaves */
	assert_int_equal(plx_env_join(env), 0);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals), /* first: its children are forked before any thread is made */
		cmocka_unit_test(test_start_and_join), cmocka_unit_test(test_over_but_not_joined),
		cmocka_unit_test(test_start_while_it_runs), cmocka_unit_test(test_fini_joins),
		cmocka_unit_test(test_what_fails), cmocka_unit_test(test_who_joins), cmocka_unit_test(test_forked),
		cmocka_unit_test(test_calls), cmocka_unit_test(test_many_callers),
		cmocka_unit_test(test_calls_that_are_not_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

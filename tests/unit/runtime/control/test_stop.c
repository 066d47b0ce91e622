/* SPDX-License-Identifier: MIT */
/* test_stop.c - a main thread that does not come back: what breaks its call, what names it, how the
   process ends and what it leaves behind.  Each run is a child with an environment of its own. */
#include "control_util.h"
#include "control.h"
#include "setup_util.h"
#include "slow_util.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What a child tells, in memory that its parent sees. */
struct told { struct kept_log log; int step, sum; };
static struct told *told;

static bool said_line(const char *what)
{
	return strstr(told->log.text, what); /* the child may have ended with the lock held */
}

static int begin_told(void **state)
{
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return told == MAP_FAILED || make(state);
}

static int end_told(void **state)
{
	munmap(told, sizeof(*told));
	return root_remove(state);
}

static int step_of(void)
{
	return __atomic_load_n(&told->step, __ATOMIC_RELAXED);
}

static void step_is(int n)
{
	__atomic_store_n(&told->step, n, __ATOMIC_RELAXED);
}

/* A child must not fail as a test: it would go on with the others. */
#define child_waits(cond) do { \
	const uint64_t end_ = now_ns() + 30000 * MS; \
	while (!(cond)) { \
		if (now_ns() > end_) \
			_exit(95); \
		plx_sys_sleep(&plx_sys_linux, MS); \
	} \
} while (0)

/* ---- what hangs ---- */

/* One call of ten seconds, as sleep(3) makes it: over when a signal comes. */
static int sleeps(void *arg)
{
	const struct timespec ten = { .tv_sec = 10 };

	step_is(1);
	__atomic_fetch_add(&told->sum, nanosleep(&ten, NULL) && errno == EINTR, __ATOMIC_RELAXED);
	return arg != NULL;
}

/* The same, but it does not care. */
static int sleeps_on(void *arg)
{
	(void)arg;
	step_is(1);
	plx_sys_sleep(&plx_sys_linux, 10000 * MS);
	return 0;
}

static int spins(void *arg)
{
	const uint64_t end = now_ns() + 10000 * MS;

	(void)arg;
	step_is(1);
	while (now_ns() < end)
		;
	return 0;
}

/* ---- children ---- */

/* A child that ends with the test. */
static pid_t begin_child(void)
{
	pid_t pid = fork();

	if (!pid && prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(94);
	return pid;
}

struct scene {
	int (*timer)(void *arg);
	int (*poller)(void *arg);
	const struct plx_sys *sys;
	void (*before)(struct plx_env *env); /* plx_env_run */
};

/* Its exit code: 100 + what plx_exit_code makes of the run. */
static _Noreturn void child(const struct scene *s)
{
	struct plx_env_conf c;
	struct plx_env *env;

	test_conf(&c, &told->log, 1, "a,driver=loop", NULL);
	c.no_signals = false;
	c.sys = s->sys;
	if (plx_env_open(&env, &c) ||
	    plx_poller_add(env, PLX_POLLER(.name = "frail", .fn = s->poller ? s->poller : idle,
	                                   .rxq = plx_env_port(env, 0)->rxq[0])) ||
	    (s->timer && plx_env_timer(env, MS, s->timer, env)))
		_exit(99);
	if (s->before)
		s->before(env);
	int err = plx_env_run(env);

	step_is(2);
	_exit(100 + plx_exit_code(err));
}

static pid_t start(const struct scene *s)
{
	pid_t pid = begin_child();

	if (!pid)
		child(s);
	wait_for(step_of());
	return pid;
}

/* What a process under a sanitizer takes for its end. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { END_MS = 2000 };
#else
enum { END_MS = 0 };
#endif

/* How pid ended, within ms of now; more is a failure.  A signal is a negative number. */
static int ended(pid_t pid, unsigned ms)
{
	const uint64_t begin = now_ns();
	int status = 0;

	wait_for(waitpid(pid, &status, WNOHANG) == pid);
	if (now_ns() - begin > (ms + END_MS) * MS * slow())
		fail_msg("it took %.2f s: %s", (double)(now_ns() - begin) / 1e9, told->log.text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stopped(const struct scene *s, unsigned ms)
{
	pid_t pid = start(s);

	kill(pid, SIGTERM);
	return ended(pid, ms);
}

static void says(const char *what)
{
	if (!said_line(what))
		fail_msg("not said: %s\nbut: %s", what, told->log.text);
}

/* ---- a timer that hangs ---- */

static void test_call_of_timer_is_broken(void **state)
{
	(void)state;
	assert_int_equal(stopped(&(struct scene){ .timer = sleeps }, 2000), 100);
	assert_int_equal(told->sum, 1);
	says("SIGTERM: stopping");
	assert_false(said_line("has not come back"));
}

static void test_timer_that_goes_on(void **state)
{
	(void)state;
	assert_int_equal(stopped(&(struct scene){ .timer = sleeps_on }, 2200), PLX_EXIT_HUNG);
	says("main thread has not come back for "); /* 1.5 s, and what the machine is late */
	says(" s: it is in a timer of the application (test_stop+0x");
	says("; the process ends");
}

static void test_second_signal_while_timer_hangs(void **state)
{
	(void)state;
	pid_t pid = start(&(struct scene){ .timer = sleeps_on });
	const uint64_t begin = now_ns();
	int status = 0;

	/* what comes within 20 ms is one request */
	wait_for(kill(pid, SIGINT) || waitpid(pid, &status, WNOHANG) == pid ||
	         (plx_sys_sleep(&plx_sys_linux, 5 * MS), 0));
	assert_true(now_ns() - begin < (1500 + END_MS) * MS * slow());
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGINT);
}

/* Who asked for the stop itself may take its time. */
static int stops_and_sleeps(void *arg)
{
	step_is(1);
	plx_env_stop(arg, 0);
	child_waits(kept_has(&told->log, "has not come back"));
	plx_sys_sleep(&plx_sys_linux, 200 * MS); /* some looks more */
	return 0;
}

static void test_no_limit_without_a_signal(void **state)
{
	(void)state;
	assert_int_equal(ended(start(&(struct scene){ .timer = stops_and_sleeps }), 10000), 100);
	says("main thread has not come back for ");
	says(" s: it is in a timer");
	assert_int_equal(kept_count(&told->log, "has not come back"), 1);
	assert_false(said_line("the process ends"));
}

static int stops_then_hangs(void *arg)
{
	plx_env_stop(arg, 0);
	child_waits(kept_has(&told->log, "has not come back"));
	return sleeps_on(arg);
}

static void test_signal_after_a_stop(void **state)
{
	(void)state;
	assert_int_equal(stopped(&(struct scene){ .timer = stops_then_hangs }, 2200), PLX_EXIT_HUNG);
}

/* ---- signals of the application ---- */

static volatile sig_atomic_t urgent;

static void on_urgent(int sig)
{
	urgent = sig;
}

static void handle_urgent(struct plx_env *env)
{
	struct sigaction sa = { .sa_handler = on_urgent };

	(void)env;
	sigaction(SIGURG, &sa, NULL);
}

static void test_signal_of_the_application_is_left_alone(void **state)
{
	(void)state;
	struct told *t = told;
	pid_t pid = begin_child();

	if (!pid) {
		struct plx_env_conf c;
		struct plx_env *env;
		struct sigaction urg, winch;

		test_conf(&c, &t->log, 1, NULL);
		c.no_signals = false;
		handle_urgent(NULL);
		if (plx_env_open(&env, &c) || plx_env_timer(env, MS, sleeps, env) || plx_env_run(env))
			_exit(99);
		sigaction(SIGURG, NULL, &urg);
		sigaction(SIGWINCH, NULL, &winch);
		_exit(urg.sa_handler == on_urgent && winch.sa_handler == SIG_DFL && !urgent ? 0 : 98);
	}
	wait_for(step_of());
	kill(pid, SIGTERM);
	assert_int_equal(ended(pid, 2000), 0);
	assert_int_equal(t->sum, 1);
}

/* ---- an lcore that hangs ---- */

static void test_poller_that_hangs(void **state)
{
	(void)state;
	assert_int_equal(stopped(&(struct scene){ .poller = spins }, 10000), 100 + PLX_EXIT_RUNTIME);
	says("lcore 0: poller frail has not returned for 1.");
}

static int spins_before_step(void *arg)
{
	__atomic_store_n(&told->sum, 1, __ATOMIC_RELAXED);
	child_waits(step_of());
	return spins(arg);
}

static int deletes(void *arg)
{
	struct plx_env *env = arg;

	child_waits(__atomic_load_n(&told->sum, __ATOMIC_RELAXED));
	step_is(1);
	while (plx_poller_del(env->lcores[0].poller[0]))
		;
	return 0;
}

static void test_call_that_waits_for_an_lcore(void **state)
{
	(void)state;
	assert_int_equal(stopped(&(struct scene){ .timer = deletes, .poller = spins_before_step }, 2200),
	                 PLX_EXIT_HUNG);
	says("it is in plx_poller_add, _del or _move, called by a timer of the application (test_stop+0x");
	says("); lcore 0: poller frail has not returned");
}

/* Five times the speed, and an lcore whose thread has had no CPU: it is waited for longer than the
   process may take. */
static int fast_clock(clockid_t clock, struct timespec *t)
{
	static uint64_t begin; /* main thread, first */

	if (clock != CLOCK_MONOTONIC)
		return *t = (struct timespec){ 0 }, 0;
	uint64_t now = now_ns(), none = 0;
	__atomic_compare_exchange_n(&begin, &none, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	none = __atomic_load_n(&begin, __ATOMIC_RELAXED);
	now = none + (now - none) * 5;
	*t = (struct timespec){ (time_t)(now / 1000000000u), (long)(now % 1000000000u) };
	return 0;
}

static void test_lcore_that_starves(void **state)
{
	(void)state;
	struct plx_sys fast = plx_sys_linux;

	fast.clock_gettime = fast_clock;
	assert_int_equal(stopped(&(struct scene){ .poller = spins, .sys = &fast }, 3000), PLX_EXIT_HUNG);
	says("main thread has not come back for 9.");
	says("it stops lcore 0: poller frail has not returned");
}

static int stops_once_it_spins(void *arg)
{
	if (step_of())
		plx_env_stop(arg, 0);
	return 0;
}

/* The run is over, but for the poller: a signal is the process's own again. */
static void test_signal_after_a_run(void **state)
{
	(void)state;
	pid_t pid = begin_child();

	if (!pid) {
		struct plx_env_conf c;
		struct plx_env *env;

		test_conf(&c, &told->log, 1, NULL);
		c.no_signals = false;
		if (plx_env_open(&env, &c) || plx_poller_add(env, PLX_POLLER(.fn = spins)) ||
		    plx_env_timer(env, MS, stops_once_it_spins, env))
			_exit(99);
		step_is(plx_env_run(env) == -ETIMEDOUT ? 2 : 3);
		pause();
		_exit(98);
	}
	wait_for(step_of() >= 2);
	assert_int_equal(step_of(), 2);
	kill(pid, SIGTERM);
	assert_int_equal(ended(pid, 1000), -SIGTERM);
}

/* ---- what is left behind ---- */

static struct plx_driver fake;

static void give_back(struct plx_port *p, uint16_t rxq, bool at_rest)
{
	(void)p, (void)rxq, (void)at_rest;
	__atomic_store_n(&told->sum, 1, __ATOMIC_RELAXED);
}

static bool is_read(const struct plx_port *p, uint16_t rxq)
{
	(void)p, (void)rxq;
	return true;
}

/* The set-up of this process, in files of the test's own. */
static void with_setup(struct plx_env *env)
{
	struct plx_port *p = plx_env_port(env, 0);

	fake = *p->drv;
	fake.give_back = give_back;
	fake.is_read = is_read;
	p->drv = &fake;
	if (apply_one(0, 20, SETUP_HOLD_PROCESS, env->session))
		_exit(97);
	env->sys = &sys;
	if (value_of(0) != 20)
		_exit(96);
}

static void test_host_gets_all_back(void **state)
{
	(void)state;
	values(10);
	assert_int_equal(stopped(&(struct scene){ .timer = sleeps_on, .before = with_setup }, 2500), PLX_EXIT_HUNG);
	assert_int_equal(told->sum, 1); /* the last word: the queue is nobody's */
	assert_true(values_are(10));
	assert_false(exists("/run/pollux/setup.journal"));
}

/* ---- watch itself ---- */

static int no_thread(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	(void)t, (void)a, (void)fn, (void)arg;
	return EAGAIN;
}

static void test_no_watch_thread(void **state)
{
	(void)state;
	struct plx_sys none = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	c.sys = &none;
	struct plx_env *env = open_idle(&c, &k);
	none.thread_create = no_thread;
	assert_int_equal(plx_env_run(env), -EAGAIN);
	assert_true(kept_has(&k, "watch thread: cannot start: "));
	assert_int_equal(kept_count(&k, "error: "), 1);
	none.thread_create = plx_sys_linux.thread_create;
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_run(env), 0);
	plx_env_fini(env);
}

/* Judging an lcore needs no main. */
static struct { int hangs, back; struct kept_log *k; } both;

static int hangs_until_back(void *arg)
{
	(void)arg;
	__atomic_store_n(&both.hangs, 1, __ATOMIC_RELAXED);
	wait_for(__atomic_load_n(&both.back, __ATOMIC_RELAXED));
	return 0;
}

static int awaits_line(void *arg)
{
	if (!__atomic_load_n(&both.hangs, __ATOMIC_RELAXED))
		return 0;
	wait_for(kept_has(both.k, "lcore 0 stalls: poller frail has not returned"));
	__atomic_store_n(&both.back, 1, __ATOMIC_RELAXED);
	plx_env_stop(arg, 0);
	return 1;
}

static void test_lcore_is_judged_while_main_is_away(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	both.k = &k;
	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "frail", .fn = hangs_until_back)), 0);
	assert_int_equal(plx_env_timer(env, MS, awaits_line, env), 0);
	assert_int_equal(plx_env_run(env), 0);
	plx_env_fini(env);
}

/* ---- main's clock ---- */

static int broken_settime(int fd, int flags, const struct itimerspec *t, struct itimerspec *old)
{
	(void)fd, (void)flags, (void)t, (void)old;
	errno = EIO;
	return -1;
}

static int third_time(void *arg)
{
	step_is(step_of() + 1);
	if (step_of() < 3)
		return 0;
	plx_env_stop(arg, 0);
	return 1;
}

static void test_timer_that_cannot_be_set(void **state)
{
	(void)state;
	struct plx_sys no_timer = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	no_timer.timerfd_settime = broken_settime;
	c.sys = &no_timer;
	struct plx_env *env = open_idle(&c, &k);
	const uint64_t begin = now_ns();
	assert_int_equal(plx_env_timer(env, 10 * MS, third_time, env), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_true(now_ns() - begin >= 30 * MS);
	assert_int_equal(kept_count(&k, "main thread: timerfd_settime: "), 1);
	plx_env_fini(env);
}

#define OWN(test) cmocka_unit_test_setup_teardown(test, begin_told, end_told)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWN(test_call_of_timer_is_broken),
		OWN(test_timer_that_goes_on),
		OWN(test_second_signal_while_timer_hangs),
		OWN(test_no_limit_without_a_signal),
		OWN(test_signal_after_a_stop),
		OWN(test_signal_of_the_application_is_left_alone),
		OWN(test_poller_that_hangs),
		OWN(test_call_that_waits_for_an_lcore),
		OWN(test_lcore_that_starves),
		OWN(test_signal_after_a_run),
		OWN(test_host_gets_all_back),
		OWN(test_no_watch_thread),
		OWN(test_lcore_is_judged_while_main_is_away),
		OWN(test_timer_that_cannot_be_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

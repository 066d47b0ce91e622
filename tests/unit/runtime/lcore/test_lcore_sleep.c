/* SPDX-License-Identifier: MIT */
/* test_lcore_sleep.c - idling that really sleeps and really wakes, and doorbells that are rung all
   the same. */
#include "lcore_util.h"
#include "slow_util.h"
#include <time.h>

static uint64_t thread_cpu_ns(pthread_t t)
{
	struct timespec ts;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(t, &clock), 0);
	assert_int_equal(clock_gettime(clock, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void send_one(struct plx_txq *tx)
{
	struct plx_mbuf *m = plx_mbuf_get(tx->pool);

	memset(plx_mbuf_append(m, 60), 1, 60);
	assert_int_equal(plx_tx_burst(tx, &m, 1), 1);
}

static bool dozes(struct plx_env *env)
{
	return lcore_dozes(&env->lcores[0]);
}

static void test_sleeps_and_wakes(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_ADAPTIVE, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 2; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct plx_lcore_stats ls;
		struct echo e = { 0 };
		struct runner r;
		uint64_t best = UINT64_MAX;

		test_conf(&c, &k, 1, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		struct plx_txq *tx = plx_port_txq(plx_env_port(env, 0), 0);
		e.rx = plx_port_rxq(plx_env_port(env, 1), 0);
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = echo_poll, .arg = &e, .rxq = e.rx)), 0);
		runner_start(&r, env);
		wait_for(dozes(env));
		uint64_t cpu = thread_cpu_ns(env->lcores[0].thread), begin = now_ns(), calls = plx_ctr_read(&e.calls);
		plx_sys_sleep(&plx_sys_linux, 300 * MS); /* the silence that is measured */
		assert_true(thread_cpu_ns(env->lcores[0].thread) - cpu < (now_ns() - begin) / 50 * slow());
		assert_true(plx_ctr_read(&e.calls) <= calls + 1);
		/* more often where others hold the CPU at just these moments */
		for (uint64_t n = 1; n <= 20 || (best >= 2 * MS && n <= 2000); n++) {
			wait_for(dozes(env));
			uint64_t sent = now_ns();
			send_one(tx);
			wait_for(__atomic_load_n(&e.got, __ATOMIC_ACQUIRE) == n);
			uint64_t took = e.at - sent;
			best = took < best ? took : best;
		}
		assert_true(best < 2 * MS);
		assert_int_equal(runner_stop(&r, 0), 0);
		plx_lcore_stats(plx_env_lcore(env, 0), &ls);
		assert_true(ls.sleeps >= 20);
		assert_true(ls.wakes >= 20);
		assert_true(ls.sleep_ns >= 250 * MS);
		plx_env_fini(env);
	}
}

/* A sender that races with the falling asleep: no frame may wait for the next one. */
static void test_no_lost_wakeup(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct echo e = { 0 };
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	struct plx_txq *tx = plx_port_txq(plx_env_port(env, 0), 0);
	e.rx = plx_port_rxq(plx_env_port(env, 1), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = echo_poll, .arg = &e, .rxq = e.rx)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&e.calls));
	for (uint64_t n = 1; n <= 5000; n++) {
		send_one(tx);
		wait_for(__atomic_load_n(&e.got, __ATOMIC_ACQUIRE) == n);
		for (uint64_t spin = n % 64; spin; spin--)
			plx_pause();
	}
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* A queue that stays ready although its poller takes nothing must not become a loop of
   wake-ups: the lcore polls on instead. */
static int ready_fd;

static int always_ready(struct plx_rxq *q)
{
	(void)q;
	return ready_fd;
}

static int lazy_poll(void *arg)
{
	plx_ctr_add(arg, 1);
	return 0;
}

static void test_ready_but_untaken(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	plx_ctr calls = 0;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	struct plx_rxq *rx = plx_port_rxq(plx_env_port(env, 0), 0);
	struct plx_driver drv = *rx->port->drv;
	ready_fd = plx_sys_linux.eventfd(1, 0);
	drv.rx_fd = always_ready;
	drv.rx_arm = NULL; /* the descriptor alone tells */
	rx->port->drv = &drv;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = lazy_poll, .arg = &calls, .rxq = rx)), 0);
	uint64_t begin = now_ns();
	runner_start(&r, env);
	wait_for(sleeps(env) > 20);
	assert_true(plx_ctr_read(&calls) > 20 * 10); /* it polled in between */
	uint64_t n = sleeps(env);
	assert_true(n <= (now_ns() - begin) / LCORE_HOLD_NS + 1);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
	close(ready_fd);
}

static int flag_poll(void *arg)
{
	return (int)__atomic_exchange_n((int *)arg, 0, __ATOMIC_ACQUIRE);
}

static void test_wake(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	int flag = 0;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	struct plx_rxq *rx = plx_port_rxq(plx_env_port(env, 0), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = flag_poll, .arg = &flag, .rxq = rx)), 0);
	runner_start(&r, env);
	for (int n = 0; n < 2000; n++) {
		__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
		plx_lcore_wake(plx_env_lcore(env, 0));
		wait_for(!__atomic_load_n(&flag, __ATOMIC_RELAXED));
	}
	/* a wake-up is over when it was taken: there is no other to end the next sleep */
	wait_for(dozes(env));
	const uint64_t n = sleeps(env);

	plx_sys_sleep(&plx_sys_linux, 50 * MS);
	assert_true(sleeps(env) <= n + 2);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_lcore_wake(plx_env_lcore(env, 0)); /* harmless on one that waits */
	plx_env_fini(env);
}

/* A poller that names no queue: sleeps are short, so that what only it can see waits
   little. */
static void test_opaque_poller(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s = { 0 };
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	c.idle = PLX_IDLE_ADAPTIVE;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &s)), 0);
	runner_start(&r, env);
	wait_for(sleeps(env) > 20);
	uint64_t cpu = thread_cpu_ns(env->lcores[0].thread), begin = now_ns();
	plx_sys_sleep(&plx_sys_linux, 200 * MS);
	uint64_t used = thread_cpu_ns(env->lcores[0].thread) - cpu, past = now_ns() - begin;
	assert_true(used < past / 10 * slow()); /* polling on would be all of it */
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* ---- doorbells ---- */

static struct { plx_ctr rings; int left; struct plx_txq q; } bell; /* left: descriptors the kernel refuses */

static uint16_t bell_burst(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)m;
	if (!n) {
		plx_ctr_add(&bell.rings, 1);
		if (__atomic_load_n(&bell.left, __ATOMIC_RELAXED))
			plx_tx_pending_add(q);
	}
	return n;
}

static void hang_bell(int left)
{
	bell.q = (struct plx_txq){ .burst = bell_burst };
	bell.rings = 0;
	bell.left = left;
}

struct bell_user { int busy; plx_ctr calls; };

static int bell_poll(void *arg)
{
	struct bell_user *u = arg;

	plx_ctr_add(&u->calls, 1);
	if (u->calls == 1)
		plx_tx_pending_add(&bell.q);
	return __atomic_load_n(&u->busy, __ATOMIC_RELAXED);
}

static void test_doorbells(void **state)
{
	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct bell_user u = { .busy = busy };
		struct runner r;

		hang_bell(0);
		test_conf(&c, &k, 1, NULL);
		struct plx_env *env = test_open(&c, &k);
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = bell_poll, .arg = &u)), 0);
		runner_start(&r, env);
		wait_for(plx_ctr_read(&bell.rings) == 1); /* a busy lcore rings too, by age */
		uint64_t calls = plx_ctr_read(&u.calls);
		wait_for(plx_ctr_read(&u.calls) > calls + 1000);
		assert_int_equal(plx_ctr_read(&bell.rings), 1);
		assert_int_equal(runner_stop(&r, 0), 0);
		plx_env_fini(env);
	}
}

/* What the kernel does not take is tried again, but not in each of the many empty rounds. */
static void test_untaken_doorbell_is_retried(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct bell_user u = { 0 };
	struct runner r;

	hang_bell(1);
	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = bell_poll, .arg = &u)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&bell.rings) > 50);
	uint64_t calls = plx_ctr_read(&u.calls);

	assert_true(calls > 3 * plx_ctr_read(&bell.rings));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_false(bell.q.pending); /* a halted lcore keeps no queue on its list */
	plx_env_fini(env);
}

/* With nothing to receive it would sleep for ever; with something to send it must not. */
static void test_no_long_sleep_on_untaken_doorbell(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct bell_user u = { 0 };
	struct runner r;

	hang_bell(1);
	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = bell_poll, .arg = &u,
	                                                .rxq = plx_port_rxq(plx_env_port(env, 0), 0))),
	                 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&bell.rings) > 50);
	__atomic_store_n(&bell.left, 0, __ATOMIC_RELAXED);
	uint64_t rings = plx_ctr_read(&bell.rings);
	wait_for(dozes(env));
	plx_sys_sleep(&plx_sys_linux, 20 * MS);
	assert_true(plx_ctr_read(&bell.rings) <= rings + 2); /* taken: now it may sleep */
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* What is sent in the round that an lcore makes when it has declared its sleep is not left behind. */
static int last_moment(void *arg)
{
	struct bell_user *u = arg;
	struct plx_lcore_stats ls;

	plx_lcore_stats(plx_lcore_self(), &ls);
	if (ls.state == PLX_LCORE_SLEEP && !plx_ctr_read(&u->calls)) {
		plx_ctr_add(&u->calls, 1);
		plx_tx_pending_add(&bell.q);
	}
	return 0;
}

static void test_sends_in_the_last_round(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct bell_user u = { 0 };
	struct runner r;

	hang_bell(0);
	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = last_moment, .arg = &u,
	                                                .rxq = plx_port_rxq(plx_env_port(env, 0), 0))),
	                 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&bell.rings) == 1);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* ---- system calls of sleeping that fail ---- */

static int broken_settime(int fd, int flags, const struct itimerspec *t, struct itimerspec *old)
{
	if (!plx_lcore_self())
		return plx_sys_linux.timerfd_settime(fd, flags, t, old);
	errno = EINVAL;
	return -1;
}

static int broken_wait(int fd, struct epoll_event *ev, int n, int timeout)
{
	if (!plx_lcore_self())
		return plx_sys_linux.epoll_wait(fd, ev, n, timeout);
	errno = EBADF;
	return -1;
}

/* It polls on, which nobody would see but by its CPU: so the log says it, once. */
static void test_cannot_sleep(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct plx_sys sys = plx_sys_linux;
		struct kept_log k;
		struct plx_env_conf c;
		struct spin s = { 0 };
		struct runner r;

		if (i)
			sys.epoll_wait = broken_wait;
		else
			sys.timerfd_settime = broken_settime;
		test_conf(&c, &k, 1, NULL);
		c.idle = PLX_IDLE_INTERRUPT;
		c.sys = &sys;
		struct plx_env *env = test_open(&c, &k);
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &s)), 0);
		runner_start(&r, env);
		wait_for(kept_has(&k, i ? "warning: lcore 0: it cannot sleep: Bad file descriptor: it polls on" :
		                          "warning: lcore 0: it cannot sleep: Invalid argument: it polls on"));
		const uint64_t calls = plx_ctr_read(&s.calls);
		wait_for(plx_ctr_read(&s.calls) > calls + 1000);
		assert_int_equal(runner_stop(&r, 0), 0);
		assert_int_equal(kept_count(&k, "it cannot sleep"), 1);
		plx_env_fini(env);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeps_and_wakes),
		cmocka_unit_test(test_no_lost_wakeup),
		cmocka_unit_test(test_ready_but_untaken),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_opaque_poller),
		cmocka_unit_test(test_doorbells),
		cmocka_unit_test(test_untaken_doorbell_is_retried),
		cmocka_unit_test(test_no_long_sleep_on_untaken_doorbell),
		cmocka_unit_test(test_sends_in_the_last_round),
		cmocka_unit_test(test_cannot_sleep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_lcore.c - lcore threads: names and CPUs, rounds, timed pollers, halts, hangs, and no system
   call while busy. */
#include "lcore_util.h"
#include <time.h>

static void test_named_pinned_slots(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s[2] = { 0 };
	struct runner r;

	test_conf(&c, &k, 2, NULL);
	strcpy(c.name, "averylongprogramname");
	c.lcores[1].id = 100;
	struct plx_env *env = test_open(&c, &k);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			plx_poller_add(env,
		                       &(struct plx_poller_conf){ .fn = spin_poll, .arg = &s[i], .lcore = i * 100 }),
			0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&s[0].calls) > 10 && plx_ctr_read(&s[1].calls) > 10);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_string_equal(s[0].name, "averylongp-lc0");
	assert_string_equal(s[1].name, "averylong-lc100");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(plx_ctr_read(&s[i].slot), i + 1);
		assert_ptr_equal((void *)(uintptr_t)plx_ctr_read(&s[i].self), plx_env_lcore(env, (uint16_t)i));
		assert_int_equal(plx_ctr_read(&s[i].cpu), nth_cpu(i));
	}
	plx_env_fini(env);
}

static void test_rounds_and_accounts(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s[3] = { { .ret = 0 }, { .ret = 4 }, { .ret = -EIO } };
	struct plx_poller *p[3];
	struct plx_poller_stats ps;
	struct plx_lcore_stats ls;
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	for (int i = 0; i < 3; i++)
		assert_int_equal(plx_poller_add_get(&p[i], env, PLX_POLLER(.name = "p", .fn = spin_poll, .arg = &s[i])),
		                 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&s[2].calls) > 100);
	assert_int_equal(runner_stop(&r, 0), 0);
	uint64_t n = s[0].calls;
	assert_int_equal(s[1].calls, n); /* round-robin: the same number for all */
	assert_int_equal(s[2].calls, n);
	plx_poller_stats(p[0], &ps);
	assert_int_equal(ps.empty_calls, n);
	assert_int_equal(ps.work_calls + ps.errors + ps.work + ps.busy_cycles, 0);
	assert_true(ps.idle_cycles > 0);
	plx_poller_stats(p[1], &ps);
	assert_int_equal(ps.work_calls, n);
	assert_int_equal(ps.work, 4 * n);
	assert_int_equal(ps.empty_calls + ps.errors + ps.idle_cycles, 0);
	assert_true(ps.busy_cycles > 0);
	plx_poller_stats(p[2], &ps);
	assert_int_equal(ps.errors, n);
	assert_int_equal(ps.calls, n);
	plx_lcore_stats(plx_env_lcore(env, 0), &ls);
	assert_int_equal(ls.rounds, n);
	assert_int_equal(ls.beat, n);
	assert_int_equal(ls.state, PLX_LCORE_WAIT);
	assert_int_equal(ls.pollers, 3);
	assert_int_equal(ls.idle_cycles, 0); /* no round was empty */
	assert_true(ls.busy_cycles > 0);
	plx_env_fini(env);
}

/* A queue whose doorbell takes its time, as a system call that sends does. */
enum { BELL_CYCLES = 200000 };
struct bell { struct plx_txq q; plx_ctr rings, polls; };

static uint16_t bell_ring(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	const uint64_t begin = plx_cycles();

	(void)m, (void)n;
	while (plx_cycles() - begin < BELL_CYCLES)
		plx_pause();
	plx_ctr_add(&((struct bell *)q)->rings, 1);
	return 0;
}

static int bell_poll(void *arg)
{
	struct bell *b = arg;
	const bool sends = b->polls % 50 == 0;

	plx_ctr_add(&b->polls, 1);
	if (sends)
		plx_tx_pending_add(&b->q);
	return sends;
}

/* test_lcore_clock counts to the cycle; this is the loop as it runs. */
static void test_doorbells_are_load(void **state)
{
	(void)state;
	struct bell b = { .q.burst = bell_ring };
	struct plx_lcore_stats ls;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = bell_poll, .arg = &b)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&b.rings) > 100);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_lcore_stats(plx_env_lcore(env, 0), &ls);
	assert_true(ls.busy_cycles >= (b.rings - 1) * BELL_CYCLES); /* one may have rung when the loop had ended */
	assert_true(ls.idle_cycles > 0);
	plx_env_fini(env);
}

static void test_timed_pollers(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_ADAPTIVE, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 3; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct spin often = { 0 }, seldom = { 0 };
		struct plx_lcore_stats ls;
		struct runner r;

		test_conf(&c, &k, 1, NULL);
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		uint64_t begin = now_ns(); /* the periods begin with the adding */
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &often, .period_ns = MS)), 0);
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &seldom, .period_ns = 20 * MS)),
		                 0);
		runner_start(&r, env);
		wait_for(plx_ctr_read(&seldom.calls) >= 5);
		wait_for(plx_ctr_read(&often.calls) >
		         plx_ctr_read(&seldom.calls)); /* the long period did not hold up the short */
		wait_for(policies[i] == PLX_IDLE_BUSY || sleeps(env));
		assert_int_equal(runner_stop(&r, 0), 0);
		uint64_t ms = (now_ns() - begin) / MS;
		assert_true(ms >= 100);                     /* never oftener than asked */
		assert_true(seldom.calls <= ms / 20);
		assert_true(often.calls <= ms);
		plx_lcore_stats(plx_env_lcore(env, 0), &ls);
		assert_int_equal(ls.sleeps > 0, policies[i] != PLX_IDLE_BUSY);
		plx_env_fini(env);
	}
}

/* ---- no system call ---- */

/* Every entry of the table counts its calls when an lcore makes them. */
static plx_ctr lcore_calls;

static void lcore_call(void)
{
	if (plx_lcore_self())
		plx_ctr_add(&lcore_calls, 1);
}
static ssize_t c_read(int fd, void *b, size_t n) { lcore_call(); return plx_sys_linux.read(fd, b, n); }
static ssize_t c_write(int fd, const void *b, size_t n) { lcore_call(); return plx_sys_linux.write(fd, b, n); }
static int c_poll(struct pollfd *p, nfds_t n, int t) { lcore_call(); return plx_sys_linux.poll(p, n, t); }
static int c_epoll_wait(int fd, struct epoll_event *ev, int n, int t)
{
	lcore_call();
	return plx_sys_linux.epoll_wait(fd, ev, n, t);
}
static int c_epoll_ctl(int e, int op, int fd, struct epoll_event *ev)
{
	lcore_call();
	return plx_sys_linux.epoll_ctl(e, op, fd, ev);
}
static int c_settime(int fd, int f, const struct itimerspec *n, struct itimerspec *o)
{
	lcore_call();
	return plx_sys_linux.timerfd_settime(fd, f, n, o);
}
static ssize_t c_sendto(int fd, const void *b, size_t n, int f, const struct sockaddr *t, socklen_t l)
{
	lcore_call();
	return plx_sys_linux.sendto(fd, b, n, f, t, l);
}
static ssize_t c_recvfrom(int fd, void *b, size_t n, int f, struct sockaddr *t, socklen_t *l)
{
	lcore_call();
	return plx_sys_linux.recvfrom(fd, b, n, f, t, l);
}
static int c_clock(clockid_t c, struct timespec *t) { lcore_call(); return plx_sys_linux.clock_gettime(c, t); }
static int c_nanosleep(const struct timespec *t, struct timespec *r)
{
	lcore_call();
	return plx_sys_linux.nanosleep(t, r);
}

static void test_busy_makes_no_call(void **state)
{
	(void)state;
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	struct echo e = { 0 };
	struct runner r;

	sys.read = c_read, sys.write = c_write, sys.poll = c_poll, sys.epoll_wait = c_epoll_wait;
	sys.epoll_ctl = c_epoll_ctl, sys.timerfd_settime = c_settime, sys.sendto = c_sendto;
	sys.recvfrom = c_recvfrom, sys.clock_gettime = c_clock, sys.nanosleep = c_nanosleep;
	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.sys = &sys;
	struct plx_env *env = test_open(&c, &k);
	e.rx = plx_port_rxq(plx_env_port(env, 0), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = echo_poll, .arg = &e, .rxq = e.rx)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&e.calls) > 10);
	uint64_t calls = plx_ctr_read(&lcore_calls), polls = plx_ctr_read(&e.calls);
	wait_for(plx_ctr_read(&e.calls) > polls + 100000);
	assert_int_equal(plx_ctr_read(&lcore_calls), calls);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_true(plx_ctr_read(&lcore_calls) > calls); /* the counting works: a halt does call */
	plx_env_fini(env);
}

/* ---- halt, resume, hang ---- */

struct halter { struct plx_env *env; struct spin *s; int step; uint64_t seen; };

static int halter_step(void *arg)
{
	struct halter *h = arg;
	struct plx_lcore *l = plx_env_lcore(h->env, 0);

	switch (h->step++) {
	case 0:
		assert_int_equal(plx_lcore_halt(l), 0);
		assert_int_equal(state_of(h->env), PLX_LCORE_WAIT);
		assert_int_equal(plx_lcore_halt(l), 0);
		h->seen = plx_ctr_read(&h->s->calls);
		return 0;
	case 1:
		assert_int_equal(plx_ctr_read(&h->s->calls), h->seen);
		assert_int_equal(plx_lcore_resume(l), 0);
		assert_int_equal(plx_lcore_resume(l), 0);
		return 0;
	default:
		if (plx_ctr_read(&h->s->calls) == h->seen)
			return 0;
		plx_env_stop(h->env, 0);
		return 1;
	}
}

static void test_halt_and_resume(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 2; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct spin s = { 0 };

		test_conf(&c, &k, 1, NULL);
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		struct halter h = { .env = env, .s = &s };
		assert_int_equal(plx_lcore_resume(plx_env_lcore(env, 0)), -EBUSY); /* nothing runs yet */
		assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &s)), 0);
		assert_int_equal(plx_env_timer(env, 10 * MS, halter_step, &h), 0);
		assert_int_equal(plx_env_run(env), 0);
		assert_true(h.step > 2);
		plx_env_fini(env);
	}
}

static void test_hung_poller(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s = { 0 };
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "stuck", .fn = spin_poll, .arg = &s)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&s.calls) > 10);
	__atomic_store_n(&s.hang, 1, __ATOMIC_RELAXED);
	wait_for(__atomic_load_n(&s.hangs, __ATOMIC_RELAXED));
	uint64_t begin = now_ns();
	assert_int_equal(runner_stop(&r, 0), -ETIMEDOUT);
	uint64_t took = now_ns() - begin;
	assert_true(took >= 900 * MS && took < 30000 * MS);
	assert_true(kept_has(&k, "poller stuck has not returned"));
	assert_true(plx_env_port(env, 0)->started); /* not stopped under the poller */
	assert_int_equal(plx_env_run(env), -EBUSY);
	__atomic_store_n(&s.hang, 0, __ATOMIC_RELAXED);
	wait_for(state_of(env) == PLX_LCORE_WAIT);
	plx_env_fini(env); /* it came back: everything is freed (the leak checker looks) */
}

/* ---- an lcore that starves ---- */

/* Main's clock leaps 2 s after its first reading: so it is when all of a process, or this thread's
   CPU, was another's.  CPU clocks say what `cpu` adds up to. */
static struct { plx_ctr reads; int fd; uint64_t cpu, step; struct spin *free_at_3; struct plx_env *env; int err; } leap;

static _Thread_local bool leaps;

static int leap_clock(clockid_t clock, struct timespec *t)
{
	uint64_t now = now_ns();

	if (!leaps)
		return plx_sys_linux.clock_gettime(clock, t);
	if (clock == CLOCK_MONOTONIC) {
		now += leap.reads++ ? 2000 * MS : 0;
		if (leap.reads == 3 && leap.free_at_3)
			__atomic_store_n(&leap.free_at_3->hang, 0, __ATOMIC_RELAXED);
	} else {
		now = leap.cpu += leap.step;
	}
	*t = (struct timespec){ (time_t)(now / 1000000000u), (long)(now % 1000000000u) };
	return 0;
}

/* Halts the lcore once its poller is where it is to be. */
static int leap_halt(void *arg)
{
	struct spin *s = arg;

	if (!__atomic_load_n(&s->hangs, __ATOMIC_RELAXED))
		return 0;
	if (leap.fd >= 0 && lcore_ready(plx_env_lcore(leap.env, 0)))
		return 0;
	leaps = true;
	leap.err = plx_lcore_halt(plx_env_lcore(leap.env, 0));
	leaps = false;
	__atomic_store_n(&s->hang, 0, __ATOMIC_RELAXED);
	if (leap.fd >= 0)
		lcore_poke(&plx_sys_linux, leap.fd);
	plx_env_stop(leap.env, 0);
	return 1;
}

static int blocked_poll(void *arg)
{
	struct spin *s = arg;
	uint64_t token;

	if (__atomic_exchange_n(&s->hangs, 1, __ATOMIC_RELAXED))
		return 0;
	(void)!plx_sys_linux.read(leap.fd, &token, sizeof(token));
	return 0;
}

static int halt_after_leap(plx_poll_fn fn, bool comes_back, uint64_t step)
{
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	struct spin s = { .hang = 1 };

	leap.fd = fn == blocked_poll ? plx_sys_linux.eventfd(0, 0) : -1;
	leap.reads = 0;
	leap.cpu = MS;
	leap.step = step;
	leap.free_at_3 = comes_back ? &s : NULL;
	sys.clock_gettime = leap_clock;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	struct plx_env *env = leap.env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "late", .fn = fn, .arg = &s)), 0);
	assert_int_equal(plx_env_timer(env, MS, leap_halt, &s), 0);
	assert_int_equal(plx_env_run(env), 0);
	if (leap.err)
		assert_int_equal(leap.reads, 4); /* at once: it waited no longer than the leap, says how long that was,
		                                    and looks who reads */
	assert_int_equal(kept_has(&k, "poller late has not returned for 2."), leap.err != 0);
	plx_env_fini(env);
	if (leap.fd >= 0)
		close(leap.fd);
	return leap.err;
}

static void test_starved_is_not_hung(void **state)
{
	(void)state;
	assert_int_equal(halt_after_leap(spin_poll, true, 0), 0);                /* ready, and had no CPU */
	assert_int_equal(halt_after_leap(spin_poll, false, 60 * MS), -ETIMEDOUT); /* it had */
	assert_int_equal(halt_after_leap(blocked_poll, false, 0), -ETIMEDOUT);    /* it wants none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_pinned_slots), cmocka_unit_test(test_rounds_and_accounts),
		cmocka_unit_test(test_doorbells_are_load),
		cmocka_unit_test(test_timed_pollers), cmocka_unit_test(test_busy_makes_no_call),
		cmocka_unit_test(test_halt_and_resume), cmocka_unit_test(test_hung_poller),
		cmocka_unit_test(test_starved_is_not_hung),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_control.c - main and watch during a run: timers, liveness, readers, reports. */
#include "control_util.h"

/* ---- timers ---- */

struct tick { struct plx_env *env; int n, last; uint64_t at; struct tick *more; };

static int tick(void *arg)
{
	struct tick *t = arg;

	t->at = now_ns();
	t->n++;
	if (t->more) { /* a timer added from within a timer */
		assert_int_equal(plx_env_timer(t->env, 2 * MS, tick, t->more), 0);
		t->more = NULL;
	}
	if (t->n < t->last)
		return 0;
	if (t->env && t->last > 5)
		plx_env_stop(t->env, 0);
	return 1;
}

static void test_timers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = open_idle(&c, &k);
	struct tick added = { .last = 3 }, once = { .last = 1 }, often = { .env = env, .last = 20, .more = &added };
	assert_int_equal(plx_env_timer(env, 0, tick, &once), -EINVAL);
	assert_int_equal(plx_env_timer(env, MS, NULL, &once), -EINVAL);
	assert_int_equal(plx_env_timer(env, MS, tick, &once), 0);
	assert_int_equal(plx_env_timer(env, 5 * MS, tick, &often), 0);
	uint64_t begin = now_ns();
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(once.n, 1);
	assert_int_equal(often.n, 20);
	assert_int_equal(added.n, 3);
	assert_true(often.at - begin >= 20 * 5 * MS); /* no ticks in a bunch, however late one was */
	plx_env_fini(env);
}

/* A call of the kernel that fails now and then ends nothing: main and watch look by time meanwhile. */
static int epoll_calls;

static int fails_at_first(int epfd, struct epoll_event *ev, int n, int ms)
{
	if (__atomic_fetch_add(&epoll_calls, 1, __ATOMIC_RELAXED) < 8) {
		errno = ENOMEM;
		return -1;
	}
	return plx_sys_linux.epoll_wait(epfd, ev, n, ms);
}

static void test_epoll_fails(void **state)
{
	(void)state;
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	struct tick often = { .last = 20 };

	epoll_calls = 0;
	sys.epoll_wait = fails_at_first;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	struct plx_env *env = open_idle(&c, &k);
	often.env = env;
	assert_int_equal(plx_env_timer(env, 5 * MS, tick, &often), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(often.n, 20);
	wait_for(kept_has(&k, "main thread: epoll_wait: "));
	wait_for(kept_has(&k, "watch thread: epoll_wait: "));
	assert_int_equal(kept_count(&k, "epoll_wait: "), 2); /* said once each */
	plx_env_fini(env);
}

/* ---- liveness, readers and reports ---- */

static struct plx_driver fake;         /* loop's, with the verbs under test */
static plx_ctr given_back[2];
static uint32_t is_read[2], steered;

static void fake_give_back(struct plx_port *p, uint16_t rxq, bool rest)
{
	(void)p, (void)rest;
	__atomic_store_n(&is_read[rxq], 0, __ATOMIC_RELAXED);
	plx_ctr_add(&given_back[rxq], 1);
}

static bool fake_is_read(const struct plx_port *p, uint16_t rxq)
{
	(void)p;
	return __atomic_load_n(&is_read[rxq], __ATOMIC_RELAXED);
}

static int fake_steer(struct plx_port *p, bool on)
{
	(void)p;
	__atomic_store_n(&steered, on, __ATOMIC_RELAXED);
	return 0;
}

static void use_fake(struct plx_port *p)
{
	fake = *p->drv;
	fake.give_back = fake_give_back;
	fake.is_read = fake_is_read;
	fake.steer = fake_steer;
	p->drv = &fake;
	memset(given_back, 0, sizeof(given_back));
	is_read[0] = is_read[1] = steered = 0;
}

/* Hangs in the round that an lcore makes when it has declared its sleep already, where it
   has such: a sleep that was declared is no sign of life. */
struct frail { int stuck, asleep, hangs; };

static int may_hang(void *arg)
{
	struct frail *f = arg;
	struct plx_lcore_stats ls;

	plx_lcore_stats(plx_lcore_self(), &ls);
	while (__atomic_load_n(&f->stuck, __ATOMIC_RELAXED) && (ls.state == PLX_LCORE_SLEEP || !f->asleep)) {
		__atomic_store_n(&f->hangs, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return 0;
}

static void test_liveness(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 2; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct runner r;
		struct frail f = { .asleep = policies[i] != PLX_IDLE_BUSY };

		test_conf(&c, &k, 2, "a,driver=loop,rxqs=2", NULL);
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		struct plx_port *p = plx_env_port(env, 0);
		use_fake(p);
		assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .name = "frail",
		                                                                .fn = may_hang,
		                                                                .arg = &f,
		                                                                .rxq = p->rxq[0],
		                                                                .lcore = 0 }),
		                 0);
		assert_int_equal(
			plx_poller_add(env, &(struct plx_poller_conf){ .fn = idle, .rxq = p->rxq[1], .lcore = 1 }), 0);
		runner_start(&r, env);
		__atomic_store_n(&f.stuck, 1, __ATOMIC_RELAXED);
		plx_lcore_wake(plx_env_lcore(env, 0));
		wait_for(__atomic_load_n(&f.hangs, __ATOMIC_RELAXED));
		wait_for(kept_has(&k, "lcore 0 stalls: poller frail"));
		wait_for_looks(env, 3);
		assert_int_equal(kept_count(&k, "lcore 0 stalls: poller frail"), 1); /* said once */
		__atomic_store_n(&f.stuck, 0, __ATOMIC_RELAXED);
		wait_for(kept_has(&k, "lcore 0 goes on"));
		assert_int_equal(runner_stop(&r, 0), 0);
		plx_env_fini(env);
	}
}

/* Somebody holds the kernel's lock of all interfaces for long: who asks for it waits, but not the
   thread that looks. */
static int lock_held, lock_waits;

static int attached_after_lock(struct plx_port *p)
{
	(void)p;
	__atomic_store_n(&lock_waits, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock_held, __ATOMIC_RELAXED))
		plx_sys_sleep(&plx_sys_linux, MS);
	return 1;
}

static void test_looks_without_answers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_port *p = plx_env_port(env, 0);
	use_fake(p);
	fake.attached = attached_after_lock;
	lock_held = 1;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .rxq = p->rxq[0])), 0);
	runner_start(&r, env);
	wait_for(__atomic_load_n(&lock_waits, __ATOMIC_RELAXED));
	wait_for_looks(env, 40); /* two seconds: the next sample waits no more than this one */
	__atomic_store_n(&lock_held, 0, __ATOMIC_RELAXED);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* Watch and an lcore stand still for longer than a stall takes, as when the process is stopped: its
   first look thereafter cannot tell who is to blame. */
struct pause { struct frail f; struct plx_env *env; struct kept_log *k; int calls, before, after; };

static bool told_of_stall(struct kept_log *k)
{
	return kept_has(k, "lcore 0 stalls") || kept_has(k, "lcore 0 starves");
}

static int pause_both(void *arg)
{
	struct pause *p = arg;

	switch (p->calls++) {
	case 0:
		__atomic_store_n(&p->f.stuck, 1, __ATOMIC_RELAXED);
		wait_for(__atomic_load_n(&p->f.hangs, __ATOMIC_RELAXED));
		return 0;
	case 1: /* the look before this call has seen its last round */
		pthread_mutex_lock(&p->env->lock);
		p->before = told_of_stall(p->k);
		plx_sys_sleep(&plx_sys_linux, 1300 * MS);
		pthread_mutex_unlock(&p->env->lock);
		return 0;
	default: /* right behind the look that comes late */
		p->after = told_of_stall(p->k);
		__atomic_store_n(&p->f.stuck, 0, __ATOMIC_RELAXED);
		return 1;
	}
}

static void test_time_without_looks(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct pause p = { .k = &k };

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	p.env = env;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "frail", .fn = may_hang, .arg = &p.f)), 0);
	assert_int_equal(plx_env_timer(env, 60 * MS, pause_both, &p), 0);
	runner_start(&r, env);
	wait_for(__atomic_load_n(&p.f.hangs, __ATOMIC_RELAXED) && !__atomic_load_n(&p.f.stuck, __ATOMIC_RELAXED));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(p.calls, 3);
	assert_int_equal(p.after, p.before);
	plx_env_fini(env);
}

/* Who reads a queue is known by its pollers, or by the queue; without a reader it is given back. */
static void test_queues_find_readers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,rxqs=2", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_port *p = plx_env_port(env, 0);
	struct plx_poller *opaque;
	use_fake(p);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .rxq = p->rxq[0])), 0);
	assert_int_equal(plx_poller_add_get(&opaque, env, PLX_POLLER(.fn = idle)), 0);
	runner_start(&r, env);
	wait_for_looks(env, 2);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_false(kept_has(&k, "a queue 1 has no poller")); /* the one that names nothing may poll it */
	plx_poller_del(opaque);
	runner_start(&r, env);
	wait_for(kept_has(&k, "a queue 1 has no poller: its frames pass to the host"));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_false(kept_has(&k, "a queue 0 has no poller"));
	assert_int_equal(given_back[0], 0);
	plx_env_fini(env);
}

/* A port that nobody reads is not steered, until a burst shows that somebody does. */
static void test_port_is_steered_when_read(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,rxqs=2", NULL);
	struct plx_env *env = open_idle(&c, &k);
	use_fake(plx_env_port(env, 0));
	runner_start(&r, env);
	wait_for(kept_has(&k, "running"));
	wait_for(!__atomic_load_n(&steered, __ATOMIC_RELAXED));
	wait_for_looks(env, 25);
	assert_false(__atomic_load_n(&steered, __ATOMIC_RELAXED));
	__atomic_store_n(&is_read[1], 1, __ATOMIC_RELAXED); /* any thread's burst */
	wait_for(__atomic_load_n(&steered, __ATOMIC_RELAXED));
	__atomic_store_n(&is_read[1], 0, __ATOMIC_RELAXED);
	wait_for(!__atomic_load_n(&steered, __ATOMIC_RELAXED));
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

static int failing(void *arg)
{
	return *(int *)arg;
}

static void test_poller_errors_are_told_seldom(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	int nospc = -ENOSPC, failed = -1, odd = -4000;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "bad", .fn = failing, .arg = &nospc)), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "worse", .fn = failing, .arg = &failed)), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "odd", .fn = failing, .arg = &odd)), 0);
	uint64_t begin = now_ns();
	runner_start(&r, env);
	wait_for(kept_count(&k, "poller bad on lcore 0: ") >= 2);
	assert_true(now_ns() - begin >= 900 * MS);
	wait_for(kept_count(&k, "poller bad on lcore 0: ") >= 3); /* ever less often */
	assert_true(now_ns() - begin >= 2900 * MS);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_true(kept_has(&k, "errors more, the last returned -28 (No space left on device)\n"));
	assert_true(kept_has(&k, "errors more, the last returned -1\n"));
	assert_true(kept_has(&k, "errors more, the last returned -4000\n"));
	plx_env_fini(env);
}

/* ---- where it runs ---- */

/* The thread of that name of this process; 0 = there is none. */
static pid_t task_named(const char *want)
{
	DIR *d = opendir("/proc/self/task");
	pid_t found = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		char path[64], name[32] = "";

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");

		if (f && fgets(name, sizeof(name), f) && !strncmp(name, want, strlen(want)) &&
		    name[strlen(want)] == '\n')
			found = (pid_t)atoi(e->d_name);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

static cpu_set_t watch_cpus;

static int on_cpu(void *arg)
{
	struct tick *t = arg;
	char name[32];

	t->n = sched_getcpu();
	snprintf(name, sizeof(name), "%.9s-watch", t->env->conf.name);
	sched_getaffinity(task_named(name), sizeof(watch_cpus), &watch_cpus);
	plx_env_stop(t->env, 0);
	return 1;
}

/* Main and watch on the CPU of a busy lcore still get their turns, and main gets its own
   CPUs back. */
static void test_main_lcore(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	cpu_set_t before, after;

	test_conf(&c, &k, 1, NULL);
	c.main_lcore = 0;
	struct plx_env *env = open_idle(&c, &k);
	struct tick t = { .env = env, .n = -1 };
	sched_getaffinity(0, sizeof(before), &before);
	assert_int_equal(plx_env_timer(env, 100 * MS, on_cpu, &t), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(t.n, nth_cpu(0));
	assert_int_equal(CPU_COUNT(&watch_cpus), 1);
	assert_true(CPU_ISSET(nth_cpu(0), &watch_cpus));
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_epoll_fails),
		cmocka_unit_test(test_liveness),
		cmocka_unit_test(test_looks_without_answers),
		cmocka_unit_test(test_time_without_looks),
		cmocka_unit_test(test_port_is_steered_when_read),
		cmocka_unit_test(test_queues_find_readers),
		cmocka_unit_test(test_poller_errors_are_told_seldom),
		cmocka_unit_test(test_main_lcore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

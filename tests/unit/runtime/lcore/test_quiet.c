/* SPDX-License-Identifier: MIT */
/* test_quiet.c - grace periods: what was published is freed while lcores of all kinds, and registered threads, read
   it.  Objects are plain memory, so a thread sanitizer sees each reader that was not waited for, and any
   build sees it by the poison. */
#include "lcore_util.h"

/* ---- publish and free ---- */

enum { WORDS = 8, PUBLISHED = 300, GOOD = 0x600d };

struct object { unsigned word[WORDS]; };
static struct object *current;       /* atomic: what readers load */
static plx_ctr broken;

static struct object *object_new(unsigned seq)
{
	struct object *o = malloc(sizeof(*o));

	assert_non_null(o);
	for (unsigned i = 0; i < WORDS; i++)
		o->word[i] = GOOD + seq;
	return o;
}

static void object_free(struct object *o)
{
	memset(o, 0xdd, sizeof(*o));
	free(o);
}

/* All words are those of one object, from the first look to the last, also when others run in between. */
static void object_read(unsigned looks)
{
	const struct object *o = __atomic_load_n(&current, __ATOMIC_ACQUIRE);
	const volatile unsigned *word = o->word;
	const unsigned is = word[0];

	for (unsigned n = 0; n < looks; n++) {
		for (unsigned i = 0; i < WORDS; i++)
			if (word[i] != is)
				__atomic_store_n(&broken, 1, __ATOMIC_RELAXED);
		if (n % 8 == 2)
			sched_yield();
	}
}

struct reader { plx_ctr calls; unsigned seed; int work; };

static int reader_poll(void *arg)
{
	struct reader *r = arg;

	object_read(1 + (unsigned)rand_r(&r->seed) % 20);
	plx_ctr_add(&r->calls, 1);
	return r->work && rand_r(&r->seed) % 8 == 0; /* so it also sleeps */
}

static int launched_reader(void *arg)
{
	for (unsigned n = 0; n < 50; n++) {
		object_read(5);
		plx_lcore_quiescent();
	}
	plx_ctr_add(arg, 1);
	return 0;
}

struct visitor { struct plx_env *env; pthread_t thread; unsigned seed; int stop; plx_ctr visits; };

/* Registers, reads for a while, leaves; now and then without a word. */
static void *visit(void *arg)
{
	struct visitor *v = arg;
	struct plx_lcore *l;

	while (!__atomic_load_n(&v->stop, __ATOMIC_RELAXED)) {
		if (plx_lcore_register(v->env, &l)) {
			sched_yield();
			continue;
		}
		assert_int_equal(plx_lcore_online(), 0);
		for (int n = rand_r(&v->seed) % 100; n > 0; n--) {
			object_read(3);
			plx_lcore_quiescent();
			if (rand_r(&v->seed) % 16)
				continue;
			assert_int_equal(plx_lcore_offline(), 0);
			sched_yield();
			assert_int_equal(plx_lcore_online(), 0);
		}
		if (v->seed & 1)
			assert_int_equal(plx_lcore_offline(), 0);
		assert_int_equal(plx_lcore_unregister(), 0);
		plx_ctr_add(&v->visits, 1);
	}
	return NULL;
}

/* A timer: lcores halt, go on and are woken. */
struct unrest { struct plx_env *env; unsigned seed; };

static int unrest(void *arg)
{
	struct unrest *u = arg;
	struct plx_lcore *l = plx_env_lcore(u->env, (uint16_t)(rand_r(&u->seed) % 3));

	switch (rand_r(&u->seed) % 4) {
	case 0: assert_int_equal(plx_lcore_halt(l), 0); break;
	case 1: plx_lcore_wake(l); break;
	default: assert_int_equal(plx_lcore_resume(l), 0); break;
	}
	return 0;
}

struct writer { struct plx_env *env; pthread_t thread; unsigned rounds, failed; };

static void *write_all_rounds(void *arg)
{
	struct writer *w = arg;

	for (unsigned n = 0; n < w->rounds; n++) {
		struct object *old = __atomic_exchange_n(&current, object_new(n), __ATOMIC_ACQ_REL);

		if (plx_env_synchronize(w->env)) {
			w->failed++; /* leaked: it may still be read */
			continue;
		}
		object_free(old);
	}
	return NULL;
}

static void storm(enum plx_idle idle)
{
	struct kept_log k;
	struct plx_env_conf c;
	struct runner run;
	struct reader r[3] = { { .seed = 1, .work = 1 }, { .seed = 2, .work = 1 }, { .seed = 3 } };
	struct visitor v[2];
	struct writer w[2];
	plx_ctr launched = 0;

	test_conf(&c, &k, 3, "a,driver=loop,rxqs=3", NULL);
	c.idle = idle;
	c.registered = 2;
	struct plx_env *env = test_open(&c, &k);
	struct unrest u = { .env = env, .seed = idle };

	current = object_new(0);
	broken = 0;
	for (int i = 0; i < 3; i++) /* each names its queue, or its lcore would not sleep for long */
		assert_int_equal(plx_poller_add(env, PLX_POLLER_ON(i, .fn = reader_poll, .arg = &r[i],
		                 .rxq = plx_port_rxq(plx_env_port(env, 0), (uint16_t)i))), 0);
	assert_int_equal(plx_env_timer(env, MS, unrest, &u), 0);
	runner_start(&run, env);
	for (unsigned i = 0; i < 2; i++) {
		v[i] = (struct visitor){ .env = env, .seed = i };
		w[i] = (struct writer){ .env = env, .rounds = PUBLISHED };
		assert_int_equal(pthread_create(&v[i].thread, NULL, visit, &v[i]), 0);
		assert_int_equal(pthread_create(&w[i].thread, NULL, write_all_rounds, &w[i]), 0);
	}
	for (int n = 0; n < 20; n++) {
		plx_lcore_launch(plx_env_lcore(env, (uint16_t)(n % 3)), launched_reader, &launched);
		assert_int_equal(plx_lcore_wait(plx_env_lcore(env, (uint16_t)(n % 3)), NULL, UINT64_MAX), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(w[i].thread, NULL);
	for (unsigned i = 0; i < 2; i++) {
		__atomic_store_n(&v[i].stop, 1, __ATOMIC_RELAXED);
		pthread_join(v[i].thread, NULL);
		assert_true(v[i].visits > 0);
		assert_int_equal(w[i].failed, 0);
	}
	assert_int_equal(runner_stop(&run, 0), 0);
	assert_int_equal(broken, 0);
	assert_int_equal(plx_ctr_read(&launched), 20);
	plx_env_fini(env);
	object_free(current);
}

static void test_publish_and_free_busy(void **state)
{
	(void)state;
	storm(PLX_IDLE_BUSY);
}

static void test_publish_and_free_adaptive(void **state)
{
	(void)state;
	storm(PLX_IDLE_ADAPTIVE);
}

static void test_publish_and_free_interrupt(void **state)
{
	(void)state;
	storm(PLX_IDLE_INTERRUPT);
}

/* ---- litmus: the shortest way past a wait ---- */

/* Of two words one is written by each side, and each looks at the other's: a reader that comes back from a sleep
   may read the old one only if the writer sees that it is back. */
static void test_back_from_sleep(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner run;
	struct reader r = { .seed = 1 };
	struct writer w = { .rounds = 0 };

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	w.env = test_open(&c, &k);
	current = object_new(0);
	broken = 0;
	assert_int_equal(plx_poller_add(w.env, PLX_POLLER(.fn = reader_poll, .arg = &r,
	                                                  .rxq = plx_port_rxq(plx_env_port(w.env, 0), 0))),
	                 0);
	runner_start(&run, w.env);
	for (unsigned n = 0; n < 3000; n++) {
		struct object *made = object_new(n);

		plx_lcore_wake(plx_env_lcore(w.env, 0)); /* it comes back about now */
		for (unsigned i = n % 200; i > 0; i--)
			plx_pause();
		struct object *old = __atomic_exchange_n(&current, made, __ATOMIC_ACQ_REL);

		assert_int_equal(plx_env_synchronize(w.env), 0);
		object_free(old);
	}
	assert_int_equal(runner_stop(&run, 0), 0);
	assert_int_equal(broken, 0);
	plx_env_fini(w.env);
	object_free(current);
}

/* ---- who is waited for ---- */

static void test_sleepers_are_not_woken(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner run;
	struct reader r = { .seed = 1 };

	current = object_new(0);
	test_conf(&c, &k, 2, "a,driver=loop", NULL); /* lcore 1 has no poller: it waits */
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_env_synchronize(env), 0); /* before a run: all wait */
	assert_int_equal(plx_poller_add(env, PLX_POLLER_ON(0, .fn = reader_poll, .arg = &r,
	                                                   .rxq = plx_port_rxq(plx_env_port(env, 0), 0))),
	                 0);
	runner_start(&run, env);
	wait_for(lcore_dozes(&env->lcores[0]));
	const uint64_t calls = plx_ctr_read(&r.calls), slept = sleeps(env);

	for (int n = 0; n < 100; n++)
		assert_int_equal(plx_env_synchronize(env), 0);
	assert_true(plx_ctr_read(&r.calls) <= calls + 1); /* by its own stall=, at most */
	assert_true(sleeps(env) <= slept + 1);
	assert_int_equal(runner_stop(&run, 0), 0);
	assert_int_equal(plx_env_synchronize(env), 0);
	plx_env_fini(env);
	object_free(current);
}

/* plx_env_synchronize in a thread of its own. */
struct call { struct plx_env *env; pthread_t thread; int err, done; };

static void *call_main(void *arg)
{
	struct call *c = arg;

	c->err = plx_env_synchronize(c->env);
	__atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void call_start(struct call *c, struct plx_env *env)
{
	*c = (struct call){ .env = env };
	assert_int_equal(pthread_create(&c->thread, NULL, call_main, c), 0);
}

static int call_end(struct call *c)
{
	pthread_join(c->thread, NULL);
	return c->err;
}

static void test_registered_threads(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_lcore *l;
	struct call call;

	test_conf(&c, &k, 1, NULL);
	c.registered = 1;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_lcore_online(), -ESRCH);
	assert_int_equal(plx_lcore_offline(), -ESRCH);
	plx_lcore_quiescent(); /* of no lcore: nothing */
	assert_int_equal(plx_lcore_register(env, &l), 0);
	call_start(&call, env); /* no reader, and not waited for */
	assert_int_equal(call_end(&call), 0);
	assert_int_equal(plx_env_synchronize(env), 0);
	assert_int_equal(plx_lcore_online(), 0);
	assert_int_equal(plx_env_synchronize(env), -EDEADLK);
	call_start(&call, env);
	wait_for(__atomic_load_n(&l->asked, __ATOMIC_RELAXED));
	plx_sys_sleep(&plx_sys_linux, 20 * MS);
	assert_false(__atomic_load_n(&call.done, __ATOMIC_ACQUIRE));
	plx_lcore_quiescent();
	assert_int_equal(call_end(&call), 0);
	call_start(&call, env);
	wait_for(__atomic_load_n(&l->asked, __ATOMIC_RELAXED));
	assert_int_equal(plx_lcore_offline(), 0);
	assert_int_equal(call_end(&call), 0);
	assert_int_equal(plx_lcore_online(), 0);
	call_start(&call, env);
	wait_for(__atomic_load_n(&call.done, __ATOMIC_ACQUIRE)); /* it reads all the time */
	assert_int_equal(call_end(&call), -ETIMEDOUT);
	assert_true(kept_has(&k, "is online as a reader and has not called plx_lcore_quiescent for "));
	call_start(&call, env);
	assert_int_equal(plx_lcore_unregister(), 0);
	assert_int_equal(call_end(&call), 0);
	plx_env_fini(env);
}

static int sync_poll(void *arg)
{
	__atomic_store_n((int *)arg, plx_env_synchronize(plx_lcore_self()->env), __ATOMIC_RELAXED);
	return 0;
}

static void test_from_a_poller(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner run;
	int err = 0;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = sync_poll, .arg = &err)), 0);
	runner_start(&run, env);
	wait_for(__atomic_load_n(&err, __ATOMIC_RELAXED) == -EDEADLK);
	assert_int_equal(runner_stop(&run, 0), 0);
	plx_env_fini(env);
}

static int sync_timer(void *arg)
{
	struct call *c = arg;

	c->err = plx_env_synchronize(c->env);
	__atomic_store_n(&c->done, 1, __ATOMIC_RELEASE);
	return 1;
}

static void test_a_poller_that_hangs(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner run;
	struct spin s = { .hang = 1 };

	test_conf(&c, &k, 2, NULL);
	struct plx_env *env = test_open(&c, &k);
	struct call call = { .env = env };

	assert_int_equal(plx_poller_add(env, PLX_POLLER_ON(1, .name = "stuck", .fn = spin_poll, .arg = &s)), 0);
	assert_int_equal(plx_env_timer(env, MS, sync_timer, &call), 0); /* by main, as most will */
	runner_start(&run, env);
	wait_for(__atomic_load_n(&s.hangs, __ATOMIC_RELAXED) && __atomic_load_n(&call.done, __ATOMIC_ACQUIRE));
	/* its first call may have been before the hang */
	const int err = call.err ? call.err : plx_env_synchronize(env);

	assert_int_equal(err, -ETIMEDOUT);
	wait_for(kept_has(&k, "plx_env_synchronize: lcore 1: poller stuck has not returned for "));
	__atomic_store_n(&s.hang, 0, __ATOMIC_RELAXED);
	assert_int_equal(plx_env_synchronize(env), 0);
	assert_int_equal(runner_stop(&run, 0), 0);
	plx_env_fini(env);
}

/* A long launched function holds nothing where it says so. */
static int long_function(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_RELAXED)) {
		plx_lcore_quiescent();
		sched_yield();
	}
	return 0;
}

static void test_a_long_function(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	int stop = 0;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_lcore_launch(plx_env_lcore(env, 0), long_function, &stop), 0);
	wait_for(__atomic_load_n(&env->lcores[0].call.state, __ATOMIC_RELAXED) == CALL_RUNS);
	for (int n = 0; n < 100; n++)
		assert_int_equal(plx_env_synchronize(env), 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	assert_int_equal(plx_lcore_wait(plx_env_lcore(env, 0), NULL, UINT64_MAX), 0);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish_and_free_busy), cmocka_unit_test(test_publish_and_free_adaptive),
		cmocka_unit_test(test_publish_and_free_interrupt), cmocka_unit_test(test_back_from_sleep),
		cmocka_unit_test(test_sleepers_are_not_woken), cmocka_unit_test(test_registered_threads),
		cmocka_unit_test(test_from_a_poller), cmocka_unit_test(test_a_poller_that_hangs),
		cmocka_unit_test(test_a_long_function),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

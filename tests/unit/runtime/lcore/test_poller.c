/* SPDX-License-Identifier: MIT */
/* test_poller.c - where pollers are placed, and what is refused. */
#include "env_util.h"

static int idle(void *arg)
{
	(void)arg;
	return 0;
}

static unsigned on(const struct plx_poller *p)
{
	return plx_lcore_id(p->lcore);
}

static struct plx_poller *add(struct plx_env *env, const struct plx_poller_conf *c)
{
	struct plx_poller *p;

	assert_int_equal(plx_poller_add_get(&p, env, c), 0);
	return p;
}

static void test_queue_goes_to_its_planned_lcore(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 2, "a,driver=loop,rxqs=4", NULL);
	struct plx_env *env = test_open(&c, &k);
	for (uint16_t q = 4; q-- > 0;) { /* backwards, unlike the fewest-pollers rule would go */
		struct plx_poller *p = add(env, PLX_POLLER(.fn = idle, .rxq = plx_port_rxq(plx_env_port(env, 0), q)));
		assert_int_equal(on(p), env->plan.lcores[env->plan.ports[0].rxq_lcore[q]].id);
	}
	assert_int_equal(env->lcores[0].npollers, 2);
	plx_env_fini(env);
}

/* Who polls a queue has one answer: its poller, wherever that goes, halted or not. */
static void test_who_polls(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 3, "a,driver=loop,rxqs=3", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_rxq *q[3];

	for (uint16_t i = 0; i < 3; i++)
		q[i] = plx_port_rxq(plx_env_port(env, 0), i);
	assert_null(poller_of(env, q[0]));
	add(env, PLX_POLLER(.fn = idle)); /* it may read any queue, and names none */
	struct plx_poller *two =
		add(env, PLX_POLLER(.fn = idle, .rxq = q[0], .also = (struct plx_rxq *[]){ q[2], NULL }));
	struct plx_poller *one = add(env, PLX_POLLER(.fn = idle, .rxq = q[1]));

	assert_ptr_equal(poller_of(env, q[0]), two);
	assert_ptr_equal(poller_of(env, q[1]), one);
	assert_ptr_equal(poller_of(env, q[2]), two);
	const uint16_t to = on(one) == 2 ? 1 : 2;
	assert_int_equal(plx_poller_move(one, to), 0);
	assert_ptr_equal(poller_of(env, q[1]), one);
	assert_int_equal(plx_lcore_id(poller_of(env, q[1])->lcore), to);
	assert_int_equal(plx_poller_del(two), 0);
	assert_null(poller_of(env, q[2]));
	assert_ptr_equal(poller_of(env, q[1]), one);
	plx_env_fini(env);
}

/* What plx_env_run makes true first is that it runs: lcores may not even have begun. */
static void *from_outside(void *arg)
{
	struct plx_poller *p = arg;
	intptr_t bad = plx_poller_add(p->env, PLX_POLLER(.name = "new", .fn = idle)) != -EBUSY;

	return (void *)(bad | (plx_poller_del(p) != -EBUSY) << 1);
}

static void test_another_thread_while_it_starts(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	pthread_t t;
	void *bad;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_poller *p = add(env, PLX_POLLER(.name = "old", .fn = idle));
	for (int hung = 0; hung < 2; hung++) {
		env->runner = pthread_self();
		env->running = true;
		env->hung = hung;
		assert_int_equal(pthread_create(&t, NULL, from_outside, p), 0);
		pthread_join(t, &bad);
		env->running = env->hung = false;
		sink_wait(&env->sink);
		assert_null(bad);
		assert_true(kept_has(
			&k,
			hung ? "poller new: lcore 0 has been halted and its poller has not returned yet" :
			       "poller new: while plx_env_run runs, pollers come and go by the thread that called it"));
		assert_int_equal(kept_has(&k, "poller old: lcore 0 has been halted"), hung);
	}
	plx_env_fini(env);
}

static void test_fixed_and_least_loaded(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 3, NULL);
	c.lcores[1].id = 7;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(on(add(env, &(struct plx_poller_conf){ .fn = idle, .lcore = 7 })), 7);
	assert_int_equal(on(add(env, &(struct plx_poller_conf){ .fn = idle })), 0); /* plain: lcore 0 */
	assert_int_equal(on(add(env, PLX_POLLER(.fn = idle))), 2);
	assert_int_equal(plx_poller_del(add(env, PLX_POLLER(.fn = idle, .lcore = 0))), 0); /* given, in any order */
	struct plx_poller *p = add(env, PLX_POLLER(.fn = idle));
	assert_int_equal(on(p), 0);
	assert_int_equal(env->lcores[0].npollers, 2);
	assert_int_equal(plx_poller_del(env->lcores[0].poller[0]), 0);
	assert_ptr_equal(env->lcores[0].poller[0], p); /* order is kept */
	assert_int_equal(plx_poller_del(p), 0);
	assert_int_equal(env->lcores[0].npollers, 0);
	plx_env_fini(env);
}

static void test_refusals(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_poller *p;

	test_conf(&c, &k, 2, "a,driver=loop,rxqs=2", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_rxq *q0 = plx_port_rxq(plx_env_port(env, 0), 0), *q1 = plx_port_rxq(plx_env_port(env, 0), 1);
	struct plx_rxq *both[] = { q0, q1, NULL }, *twice[] = { q1, q1, NULL };

	assert_int_equal(plx_poller_add_get(&p, env, &(struct plx_poller_conf){ .name = "x", .fn = idle, .lcore = 5 }),
	                 -EINVAL);
	assert_null(p);
	assert_true(kept_has(&k, "poller x: there is no lcore 5; it may be one of 0,1"));
	assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .fn = idle, .lcore = 1 << 20 }), -EINVAL);
	assert_int_equal(plx_poller_add(env, PLX_POLLER_ON(-2, .name = "w", .fn = idle)), -EINVAL);
	assert_true(kept_has(&k, "poller w: there is no lcore -2; it may be one of 0,1"));
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "y")), -EINVAL);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "z", .fn = idle, .also = twice)), -EBUSY);
	assert_true(kept_has(&k, "poller z: a queue 1 is polled by itself already"));
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "first", .fn = idle, .rxq = q1)), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "second", .fn = idle, .also = both)), -EBUSY);
	assert_true(kept_has(&k, "poller second: a queue 1 is polled by first already"));
	assert_int_equal(env->lcores[0].npollers + env->lcores[1].npollers, 1); /* a refusal leaves nothing */
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "third", .fn = idle, .rxq = q0)), 0);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_goes_to_its_planned_lcore), cmocka_unit_test(test_who_polls),
		cmocka_unit_test(test_another_thread_while_it_starts), cmocka_unit_test(test_fixed_and_least_loaded),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

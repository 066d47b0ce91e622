/* SPDX-License-Identifier: MIT */
/* test_launch.c - functions launched on lcores: from every state, by several threads, and what
   becomes of them when the environment ends. */
#include "env_util.h"
#include "doorbell.h"

static int who(void *arg)
{
	__atomic_store_n((struct plx_lcore **)arg, plx_lcore_self(), __ATOMIC_RELAXED);
	return 7;
}

static int count(void *arg)
{
	plx_ctr_add(arg, 1);
	return (int)plx_ctr_read(arg);
}

static int hang(void *arg)
{
	while (__atomic_load_n((int *)arg, __ATOMIC_RELAXED))
		sched_yield();
	return -3;
}

static void launch_everywhere(struct plx_env *env)
{
	int ret;

	PLX_LCORE_FOREACH(l, env) {
		struct plx_lcore *on = NULL;

		ret = 0;
		assert_int_equal(plx_lcore_launch(l, who, &on), 0);
		assert_int_equal(plx_lcore_wait(l, &ret, UINT64_MAX), 0);
		assert_int_equal(ret, 7);
		assert_ptr_equal(on, l);
		assert_int_equal(plx_lcore_wait(l, &ret, 0), -ENOENT); /* it was told once */
	}
}

static void test_from_every_state(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_ADAPTIVE, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 3; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct runner r;
		plx_ctr calls = 0;

		test_conf(&c, &k, 2, NULL); /* lcore 1 has no poller: it waits */
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		assert_int_equal(
			plx_poller_add(env,
		                       &(struct plx_poller_conf){ .fn = count, .arg = &calls, .period_ns = 1000 * MS }),
			0);
		launch_everywhere(env);
		runner_start(&r, env);
		wait_for(plx_ctr_read(&env->lcores[0].rounds) > 0);
		if (i)
			wait_for(lcore_dozes(&env->lcores[0]));
		for (int n = 0; n < 200; n++)
			launch_everywhere(env);
		assert_int_equal(runner_stop(&r, 0), 0);
		launch_everywhere(env);
		plx_env_fini(env);
	}
}

static void test_busy_and_timeout(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	int hangs = 1, ret = 0;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_lcore *l = plx_env_lcore(env, 0);

	assert_int_equal(plx_lcore_launch(l, NULL, NULL), -EINVAL);
	assert_true(kept_has(&k, "lcore 0: plx_lcore_launch: no function to call (EINVAL)"));
	assert_int_equal(plx_lcore_wait(l, &ret, UINT64_MAX), -ENOENT);
	assert_int_equal(plx_lcore_launch(l, hang, &hangs), 0);
	assert_int_equal(plx_lcore_launch(l, hang, &hangs), -EBUSY);
	assert_int_equal(plx_lcore_wait(l, &ret, 0), -ETIMEDOUT);
	uint64_t begin = now_ns();
	assert_int_equal(plx_lcore_wait(l, &ret, 5 * MS), -ETIMEDOUT);
	assert_true(now_ns() - begin >= 5 * MS);
	__atomic_store_n(&hangs, 0, __ATOMIC_RELAXED);
	wait_for(__atomic_load_n(&l->call.state, __ATOMIC_RELAXED) == CALL_DONE);
	assert_int_equal(plx_lcore_launch(l, hang, &hangs), -EBUSY); /* its result is not taken yet */
	assert_int_equal(plx_lcore_wait(l, &ret, 0), 0);
	assert_int_equal(ret, -3);
	plx_env_fini(env);
}

/* ---- storms ---- */

struct stormer { struct plx_env *env; pthread_t thread; unsigned seed; uint64_t done; plx_ctr *calls; };

enum { STORM = 3000 };

static void *storm(void *arg)
{
	struct stormer *s = arg;

	while (s->done < STORM) {
		uint16_t i = (uint16_t)(rand_r(&s->seed) % 2);
		struct plx_lcore *l = plx_env_lcore(s->env, i);

		if (plx_lcore_launch(l, count, &s->calls[i])) {
			sched_yield();
			continue;
		}
		assert_int_equal(plx_lcore_wait(l, NULL, UINT64_MAX), 0);
		s->done++;
	}
	return NULL;
}

static int idle(void *arg)
{
	(void)arg;
	return 0;
}

/* Every launch that was accepted ran, once; a counter that is not atomic shows it. */
static void test_storm(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct stormer s[3];
	struct runner r;
	plx_ctr calls[2] = { 0 };

	test_conf(&c, &k, 2, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .rxq = plx_port_rxq(plx_env_port(env, 0), 0))), 0);
	for (unsigned i = 0; i < 3; i++) {
		s[i] = (struct stormer){ .env = env, .seed = i, .calls = calls };
		assert_int_equal(pthread_create(&s[i].thread, NULL, storm, &s[i]), 0);
	}
	for (int n = 0; n < 20; n++) { /* runs begin and end meanwhile */
		runner_start(&r, env);
		plx_sys_sleep(&plx_sys_linux, MS);
		assert_int_equal(runner_stop(&r, 0), 0);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(s[i].thread, NULL);
	assert_int_equal(plx_ctr_read(&calls[0]) + plx_ctr_read(&calls[1]), 3 * STORM);
	plx_env_fini(env);
}

/* ---- from lcores ---- */

struct self { struct plx_lcore *other; plx_ctr ran; int on_self, wait, on_other, halt; };

static int self_poll(void *arg)
{
	struct self *s = arg;

	if (s->on_self == 1) {
		s->on_self = plx_lcore_launch(plx_lcore_self(), count, &s->ran);
		s->wait = plx_lcore_wait(plx_lcore_self(), NULL, UINT64_MAX);
		s->halt = plx_lcore_halt(plx_lcore_self());
		s->on_other = plx_lcore_launch(s->other, count, &s->ran);
	}
	return 0;
}

static void test_from_a_poller(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct self s = { .on_self = 1 };
	int ret;

	test_conf(&c, &k, 2, "a,driver=loop", NULL);
	c.idle = PLX_IDLE_INTERRUPT; /* it would sleep right after that round */
	struct plx_env *env = test_open(&c, &k);
	s.other = plx_env_lcore(env, 1);
	assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .fn = self_poll,
	                                                                .arg = &s,
	                                                                .rxq = plx_port_rxq(plx_env_port(env, 0), 0) }),
	                 0);
	runner_start(&r, env);
	wait_for(!plx_lcore_wait(s.other, &ret, MS));
	assert_int_equal(plx_lcore_wait(plx_env_lcore(env, 0), &ret, 30000 * MS), 0);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(s.on_self, 0);
	assert_int_equal(s.wait, -EDEADLK);
	assert_int_equal(s.halt, -EDEADLK);
	assert_int_equal(s.on_other, 0);
	assert_int_equal(plx_ctr_read(&s.ran), 2);
	plx_env_fini(env);
}

/* ---- the end ---- */

static void test_drained_at_the_end(void **state)
{
	(void)state;
	for (int n = 0; n < 50; n++) { /* nobody waits for it, and it runs all the same */
		struct kept_log k;
		struct plx_env_conf c;
		plx_ctr calls = 0;

		test_conf(&c, &k, 2, NULL);
		struct plx_env *env = test_open(&c, &k);
		assert_int_equal(plx_lcore_launch(plx_env_lcore(env, 1), count, &calls), 0);
		plx_env_fini(env);
		if (calls != 1)
			fail_msg("%d calls: %s", (int)calls, k.text);
	}
}

static void test_hung_at_the_end(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	int hangs = 1;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_lcore_launch(plx_env_lcore(env, 0), hang, &hangs), 0);
	wait_for(__atomic_load_n(&env->lcores[0].call.state, __ATOMIC_RELAXED) == CALL_RUNS);
	plx_env_fini(env);
	assert_true(kept_has(&k, "lcore 0: a launched function has not returned for 1."));
	assert_true(kept_has(&k, "memory and ports are kept"));
	__atomic_store_n(&hangs, 0, __ATOMIC_RELAXED);
	plx_env_fini(env); /* it has returned: now everything goes */
}

/* When main is told that a call returned, the next one is there already: the end waits for the
   first alone, or those who launch without end would hold it up. */
static struct { struct plx_lcore *l; int fd, hangs[2], follows; } chain;
static _Thread_local bool ends; /* the thread whose end is looked at */

static int follow_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (!ends || p->fd != chain.fd || chain.follows++)
		return plx_sys_linux.poll(p, n, ms);
	__atomic_store_n(&chain.hangs[0], 0, __ATOMIC_RELAXED);
	assert_int_equal(plx_lcore_wait(chain.l, NULL, UINT64_MAX), 0);
	assert_int_equal(plx_lcore_launch(chain.l, hang, &chain.hangs[1]), 0);
	return 0;
}

static void test_end_waits_for_one(void **state)
{
	(void)state;
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;

	sys.poll = follow_poll;
	test_conf(&c, &k, 1, NULL);
	c.sys = &sys;
	struct plx_env *env = test_open(&c, &k);
	chain.l = plx_env_lcore(env, 0);
	chain.fd = env->ackfd;
	ends = true;
	chain.hangs[0] = chain.hangs[1] = 1;
	assert_int_equal(plx_lcore_launch(chain.l, hang, &chain.hangs[0]), 0);
	plx_env_stop(env, 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_true(chain.follows > 0);
	__atomic_store_n(&chain.hangs[1], 0, __ATOMIC_RELAXED);
	assert_int_equal(plx_lcore_wait(chain.l, NULL, UINT64_MAX), 0);
	ends = false;
	plx_env_fini(env);
}

/* ---- doorbells of a lcore that waits ---- */

static plx_ctr rings;

static uint16_t ring(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q, (void)m;
	plx_ctr_add(&rings, !n);
	return n;
}

static int send_it(void *arg)
{
	plx_tx_pending_add(arg);
	return 0;
}

static void test_doorbell_without_a_loop(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_txq q = { .burst = ring };

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_lcore_launch(plx_env_lcore(env, 0), send_it, &q), 0);
	assert_int_equal(plx_lcore_wait(plx_env_lcore(env, 0), NULL, UINT64_MAX), 0);
	assert_int_equal(plx_ctr_read(&rings), 1);
	assert_false(q.pending);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_every_state),
		cmocka_unit_test(test_busy_and_timeout),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_from_a_poller),
		cmocka_unit_test(test_drained_at_the_end),
		cmocka_unit_test(test_hung_at_the_end),
		cmocka_unit_test(test_end_waits_for_one),
		cmocka_unit_test(test_doorbell_without_a_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_registered.c - threads of the application that register as lcores: their cache, bursts and
   doorbells, what they give back, and variables of lcores, theirs too. */
#include "env_util.h"
#include "doorbell.h"
#include "pool_impl.h"

enum { PACKETS = 20000 };

/* Frames in the cache of a slot: what another thread cannot reach. */
static uint32_t cached(struct plx_env *env, unsigned slot)
{
	const struct plx_pool_cache *c = &env->pools[0]->cache[slot];

	return mag_count(c->loaded) + mag_count(c->spare);
}

/* ---- forwarding ---- */

struct mover {
	struct plx_env *env;
	struct plx_rxq *rx;
	struct plx_txq *tx;
	uint64_t moved, bad;
	int stop;
	pthread_t thread;
};

/* A thread that forwards what comes to b, with frames of its own cache. */
static void *move(void *arg)
{
	struct mover *v = arg;
	struct plx_lcore *l;
	struct plx_mbuf *m[PLX_BURST], *own[64];

	assert_null(plx_lcore_self());
	assert_int_equal(plx_lcore_register(v->env, &l), 0);
	assert_ptr_equal(plx_lcore_self(), l);
	assert_false(plx_tx_may_wait()); /* drivers ring at once */
	assert_int_equal(plx_lcore_register(v->env, &l), -EBUSY); /* it is one */
	l = plx_lcore_self();
	for (int i = 0; i < 64; i++)
		assert_non_null(own[i] = plx_mbuf_get(plx_env_pool(v->env, -1)));
	assert_true(cached(v->env, l->index) > 0);
	while (!__atomic_load_n(&v->stop, __ATOMIC_ACQUIRE)) {
		uint16_t n = plx_rx_burst(v->rx, m, PLX_BURST), k = 0;

		while (k < n)
			k = (uint16_t)(k + plx_tx_burst(v->tx, m + k, (uint16_t)(n - k)));
		v->bad += plx_self.pending != NULL; /* nobody would ring */
		v->moved += n;
		if (!n)
			sched_yield();
	}
	plx_mbuf_put_bulk(own, 64);
	unsigned index = l->index;
	assert_int_equal(plx_lcore_unregister(), 0);
	assert_int_equal(cached(v->env, index), 0);
	assert_null(plx_lcore_self());
	assert_null(plx_lcore_here);
	assert_int_equal(plx_lcore_unregister(), -ESRCH);
	return NULL;
}

struct ends { struct plx_rxq *rx; struct plx_txq *tx; plx_ctr sent, got, wrong; };

static int feed(void *arg)
{
	struct ends *e = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = 0;

	while (e->sent + n < PACKETS && e->sent + n < e->got + 500 && n < 16 && (m[n] = plx_mbuf_get(e->tx->pool))) {
		uint64_t seq = e->sent + n;

		memset(plx_mbuf_append(m[n], 60), 0, 60);
		memcpy(m[n++]->data + 14, &seq, sizeof(seq));
	}
	uint16_t k = plx_tx_burst(e->tx, m, n);

	plx_ctr_add(&e->sent, k);
	plx_mbuf_put_bulk(m + k, n - k);
	n = plx_rx_burst(e->rx, m, PLX_BURST);
	for (uint16_t i = 0; i < n; i++) {
		uint64_t seq;

		memcpy(&seq, m[i]->data + 14, sizeof(seq));
		plx_ctr_add(&e->wrong, seq != e->got + i);
	}
	plx_mbuf_put_bulk(m, n);
	plx_ctr_add(&e->got, n);
	return k + n;
}

static void test_forwarding(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	c.registered = 1;
	struct plx_env *env = test_open(&c, &k);
	struct plx_port *a = plx_env_port(env, 0), *b = plx_env_port(env, 1);
	struct ends e = { .rx = plx_port_rxq(a, 0), .tx = plx_port_txq(a, 0) };
	struct mover v = { .env = env, .rx = plx_port_rxq(b, 0), .tx = plx_port_txq(b, 0) };
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = feed, .arg = &e, .rxq = e.rx)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&e.sent));
	assert_int_equal(pthread_create(&v.thread, NULL, move, &v), 0);
	wait_for(plx_ctr_read(&e.got) == PACKETS);
	__atomic_store_n(&v.stop, 1, __ATOMIC_RELEASE);
	pthread_join(v.thread, NULL);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(v.moved, PACKETS);
	assert_int_equal(v.bad + plx_ctr_read(&e.wrong), 0);
	plx_env_fini(env);
	assert_false(kept_has(&k, "were not put back"));
}

struct hits { plx_ctr n; char rest[100]; };
typedef PLX_LCORE_VAR(struct hits) hits_var;

static int hit(void *arg)
{
	plx_ctr_add(&PLX_LCORE_MINE(*(hits_var *)arg)->n, 1 + plx_lcore_id(plx_lcore_self()));
	return 0;
}

/* ---- places ---- */

static void *try_register(void *arg)
{
	struct plx_lcore *l;
	int err = plx_lcore_register(arg, &l);

	assert_true(err || !plx_lcore_unregister());
	return (void *)(intptr_t)err;
}

static int in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *ret;

	assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
	pthread_join(t, &ret);
	return (int)(intptr_t)ret;
}

static void test_places(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_lcore *l;
	struct plx_lcore_sched s;
	struct plx_lcore_stats ls;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_lcore_register(env, &l), -ENOSPC); /* none by default */
	assert_true(kept_has(&k, "use --registered-threads 1 or more"));
	plx_env_fini(env);

	c.registered = 1;
	env = test_open(&c, &k);
	assert_int_equal(plx_lcore_register(env, &l), 0);
	plx_lcore_stats(l, &ls);
	assert_int_equal(ls.state, PLX_LCORE_FOREIGN);
	assert_int_equal(ls.tid, gettid());
	assert_int_equal(plx_lcore_sched(l, &s), 0);
	assert_true(s.cpu_ns > 0);
	assert_int_equal(plx_lcore_launch(l, hit, NULL), -EINVAL); /* no loop to run it */
	assert_int_equal(plx_lcore_halt(l), -EINVAL);
	assert_int_equal(plx_lcore_resume(l), -EINVAL);
	assert_true(kept_has(
		&k, "lcore 128: plx_lcore_launch: it is a registered thread of the application and has no loop"));
	assert_true(kept_has(&k, "plx_lcore_halt: it is a registered thread") &&
	            kept_has(&k, "plx_lcore_resume: it is"));
	assert_int_equal(plx_env_lcores(env), 1);
	assert_int_equal(in_thread(try_register, env), -ENOSPC);
	plx_env_fini(env); /* refused */
	assert_true(kept_has(&k, "is registered as an lcore: call plx_lcore_unregister"));
	assert_int_equal(plx_lcore_unregister(), 0);
	assert_int_equal(plx_lcore_sched(l, &s), -ESRCH);
	assert_int_equal(in_thread(try_register, env), 0);
	plx_env_fini(env);
}

/* Threads that come and go take frames out and leave none behind. */
static void *come_and_go(void *arg)
{
	struct plx_env *env = arg;
	struct plx_lcore *l;
	struct plx_mbuf *m[100];

	for (int n = 0; n < 200;) {
		if (plx_lcore_register(env, &l)) {
			sched_yield();
			continue;
		}
		for (int i = 0; i < 100; i++)
			assert_non_null(m[i] = plx_mbuf_get(plx_env_pool(env, -1)));
		plx_mbuf_put_bulk(m, 100);
		assert_int_equal(plx_lcore_unregister(), 0);
		n++;
	}
	return NULL;
}

static void test_come_and_go(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	pthread_t t[3];

	test_conf(&c, &k, 1, NULL);
	c.registered = 2;
	c.log_level = PLX_LOG_ERROR;
	struct plx_env *env = test_open(&c, &k);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, come_and_go, env), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	struct plx_pool *pool = plx_env_pool(env, -1);
	assert_int_equal(plx_pool_avail(pool), pool->frames);
	assert_int_equal(plx_pool_audit(pool), 0);
	assert_int_equal(cached(env, 1) + cached(env, 2), 0);
	plx_env_fini(env);
}

/* ---- variables ---- */

static void hit_all(struct plx_env *env, hits_var *v)
{
	PLX_LCORE_FOREACH(l, env) {
		assert_int_equal(plx_lcore_launch(l, hit, v), 0);
		assert_int_equal(plx_lcore_wait(l, NULL, UINT64_MAX), 0);
	}
}

static void test_variables(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	hits_var a, b;
	PLX_LCORE_VAR(char[1]) byte; /* an array may be one */
	PLX_LCORE_VAR(uint64_t) word;
	struct plx_lcore *l;
	unsigned met = 0;

	test_conf(&c, &k, 3, NULL);
	c.registered = 1;
	struct plx_env *env[2] = { test_open(&c, &k), test_open(&c, &k) };
	assert_int_equal(PLX_LCORE_VAR_NEW(env[0], &a), 0);
	assert_int_equal(PLX_LCORE_VAR_NEW(env[0], &byte), 0);
	assert_int_equal(PLX_LCORE_VAR_NEW(env[0], &word), 0);
	assert_int_equal(PLX_LCORE_VAR_NEW(env[1], &b), 0);
	assert_int_equal(word.var.off % sizeof(uint64_t), 0);
	assert_true(word.var.off > byte.var.off && byte.var.off >= sizeof(struct hits));
	hit_all(env[0], &a);
	hit_all(env[0], &a);
	hit_all(env[1], &b);
	assert_int_equal(plx_lcore_register(env[0], &l), 0);
	plx_ctr_add(&PLX_LCORE_MINE(a)->n, 50);
	assert_int_equal(plx_lcore_unregister(), 0);
	PLX_LCORE_VAR_FOREACH(h, i, env[0], a) {
		const uint64_t want[] = { 2, 4, 6, 50 };
		assert_int_equal(plx_ctr_read(&h->n), want[i]);
		if (i)
			assert_true((char *)h - (char *)PLX_LCORE_VAR_AT(env[0], i - 1, a) >= 4096);
		met++;
	}
	assert_int_equal(met, 4);
	PLX_LCORE_VAR_FOREACH(h, i, env[1], b) /* the same place, another environment */
		assert_int_equal(plx_ctr_read(&h->n), i < 3 ? i + 1 : 0);
	assert_null(PLX_LCORE_VAR_AT(env[0], 4, a));
	assert_int_equal(plx_lcore_var_new(env[0], &a.var, 0, 1), -EINVAL);
	assert_int_equal(plx_lcore_var_new(env[0], &a.var, 1, 3), -EINVAL);
	assert_true(kept_has(&k, "lcore variables: 0 bytes aligned to 1 (EINVAL)"));
	assert_true(kept_has(&k, "lcore variables: 1 bytes aligned to 3 (EINVAL)"));
	assert_int_equal(plx_lcore_var_new(env[0], &a.var, PLX_LCORE_VARS, 1), -ENOSPC);
	assert_true(kept_has(&k, "lcore variables: 128 bytes more than the 65536"));
	plx_env_fini(env[0]);
	plx_env_fini(env[1]);
}

/* Each writes its own at full speed while another thread reads all. */
static int count_own(void *arg)
{
	plx_ctr_add(&PLX_LCORE_MINE(*(hits_var *)arg)->n, 1);
	return 0;
}

static void test_read_while_written(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	hits_var v;

	test_conf(&c, &k, 2, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(PLX_LCORE_VAR_NEW(env, &v), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			plx_poller_add(env, &(struct plx_poller_conf){ .fn = count_own, .arg = &v, .lcore = i }), 0);
	runner_start(&r, env);
	for (uint64_t sum = 0; sum < 100000;) {
		uint64_t now = 0;

		PLX_LCORE_VAR_FOREACH(h, i, env, v)
			now += plx_ctr_read(&h->n);
		assert_true(now >= sum);
		sum = now;
	}
	assert_int_equal(runner_stop(&r, 0), 0);
	PLX_LCORE_VAR_FOREACH(h, i, env, v)
		assert_int_equal(h->n, plx_env_lcore(env, (uint16_t)i)->rounds);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_read_while_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

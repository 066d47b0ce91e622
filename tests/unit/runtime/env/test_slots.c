/* SPDX-License-Identifier: MIT */
/* test_slots.c - several environments in one process: their lcores share no cache of a pool that
   both use, and no number. */
#include "lcore_util.h"
#include "pool_impl.h"

enum { ROUNDS = 200000 };

/* ---- a pool of the application, lcores of two environments ---- */

struct hammer { struct plx_pool *p; plx_ctr rounds, slot, marked; };

/* Frames that two lcores have at once are marked twice. */
static int hammer_poll(void *arg)
{
	struct hammer *h = arg;
	struct plx_mbuf *m[64];
	const uint16_t want = 1 + h->rounds % 64, n = plx_pool_take(h->p, m, want);

	__atomic_store_n(&h->slot, plx_self.slot, __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < n; i++)
		m[i]->user = (uintptr_t)h;
	for (uint16_t i = 0; i < n; i++)
		plx_ctr_add(&h->marked, m[i]->user != (uintptr_t)h);
	plx_pool_give(h->p, m, n);
	plx_ctr_add(&h->rounds, 1);
	return 1;
}

static struct plx_pool *app_pool(uint16_t caches)
{
	struct plx_pool_conf c = { .name = "app", .frames = 3000, .caches = caches, .node = -1 };
	void *mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) / 4096 * 4096);
	struct plx_pool *p;

	assert_non_null(mem);
	assert_int_equal(plx_pool_init(&p, mem, &c), 0);
	return p;
}

static void two_on_one_pool(void **state)
{
	struct plx_env_conf c[2];
	struct plx_env *env[2];
	struct kept_log k[2];
	struct runner r[2];
	struct hammer h[2];
	struct plx_pool *p = app_pool(4);

	(void)state;
	for (int i = 0; i < 2; i++) {
		test_conf(&c[i], &k[i], 1, NULL);
		c[i].lcores[0].cpus[0] = (uint16_t)nth_cpu((unsigned)i);
		env[i] = test_open(&c[i], &k[i]);
		h[i] = (struct hammer){ .p = p };
		assert_int_equal(plx_poller_add(env[i], PLX_POLLER(.name = "hammer", .fn = hammer_poll, .arg = &h[i])),
		                 0);
	}
	for (int i = 0; i < 2; i++)
		runner_start(&r[i], env[i]);
	wait_for(plx_ctr_read(&h[0].rounds) >= ROUNDS && plx_ctr_read(&h[1].rounds) >= ROUNDS);
	for (int i = 0; i < 2; i++)
		assert_int_equal(runner_stop(&r[i], 0), 0);
	assert_int_equal(h[0].slot + h[1].slot, 1 + 2); /* both have a cache in it */
	assert_int_equal(h[0].marked + h[1].marked, 0);
	assert_int_equal(plx_pool_avail(p), 3000);
	assert_int_equal(plx_pool_audit(p), 0);
	for (int i = 0; i < 2; i++)
		plx_env_fini(env[i]);
	free(plx_pool_fini(p));
}

/* ---- numbers ---- */

static struct plx_env *env_of(unsigned lcores, unsigned foreign, struct kept_log *k)
{
	struct plx_env_conf c;

	test_conf(&c, k, lcores, NULL);
	c.registered = (uint16_t)foreign;
	return test_open(&c, k);
}

/* The slot of each is told by its own threads, and its pool has caches for those alone. */
static int tell_slot(void *arg)
{
	*(uint32_t *)arg = plx_self.slot;
	return 0;
}

static uint32_t slot_of(struct plx_env *env, unsigned i)
{
	uint32_t slot = 0;

	assert_int_equal(plx_lcore_launch(&env->lcores[i], tell_slot, &slot), 0);
	assert_int_equal(plx_lcore_wait(&env->lcores[i], NULL, 30000 * MS), 0);
	return slot;
}

static void numbers(void **state)
{
	struct kept_log k[4];
	struct plx_env *a = env_of(2, 1, &k[0]), *b = env_of(1, 0, &k[1]);
	struct plx_lcore *l;

	(void)state;
	assert_int_equal(slot_of(a, 0), 1);
	assert_int_equal(slot_of(a, 1), 2);
	assert_int_equal(slot_of(b, 0), 4); /* 3 is a's registered thread's */
	assert_int_equal(plx_lcore_register(a, &l), 0);
	assert_int_equal(plx_self.slot, 3);
	assert_int_equal(plx_lcore_unregister(), 0);
	assert_int_equal(b->pools[0]->caches, 1);
	assert_int_equal(b->pools[0]->first1, 4);
	plx_env_fini(a); /* its slots are free: a range that fits takes them, one that does not stands behind b */
	struct plx_env *d = env_of(2, 2, &k[2]), *e = env_of(2, 1, &k[3]);

	assert_int_equal(slot_of(d, 0), 5);
	assert_int_equal(slot_of(e, 0), 1);
	plx_env_fini(b);
	plx_env_fini(d);
	plx_env_fini(e);
}

/* There is an end of numbers, which is said; the stage alone, for so many lcores need much memory. */
static void too_many(void **state)
{
	struct kept_log k = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct plx_env *env = calloc(33, sizeof(*env));

	(void)state;
	assert_non_null(env);
	for (unsigned n = 0; n < 33; n++) {
		env[n].log = (struct plx_log){ .fn = kept_line, .arg = &k, .level = PLX_LOG_INFO };
		env[n].plan.caches = PLX_LCORES_MAX;
		assert_int_equal(slots_up(&env[n]), n < 32 ? 0 : -ENOSPC);
	}
	assert_true(kept_has(&k, "the environments of this process have 4096 lcores and registered threads at most"));
	slots_down(&env[7]);
	assert_int_equal(slots_up(&env[32]), 0);
	assert_int_equal(env[32].first_slot, 7 * PLX_LCORES_MAX);
	for (unsigned n = 0; n < 33; n++)
		if (n != 7)
			slots_down(&env[n]);
	free(env);
}

/* ---- what a pool says at the end ---- */

static void put_twice(void **state)
{
#ifndef PLX_HARDENED
	struct kept_log k;
	struct plx_env *env = env_of(1, 0, &k);
	struct plx_mbuf *m[3];

	for (int i = 0; i < 3; i++)
		assert_non_null(m[i] = plx_mbuf_get(plx_env_pool(env, -1)));
	for (int i = 0; i < 3; i++)
		plx_mbuf_put(m[i]);
	for (int i = 0; i < 2; i++)
		plx_mbuf_put(m[i]);
	plx_env_fini(env);
	assert_true(kept_has(&k, "2 frames were put back twice"));
	assert_false(kept_has(&k, "were not put back"));
	env = env_of(1, 0, &k);
	for (int i = 0; i < 2; i++) /* one twice, and one not: the count is right */
		assert_non_null(m[i] = plx_mbuf_get(plx_env_pool(env, -1)));
	plx_mbuf_put(m[0]);
	plx_mbuf_put(m[0]);
	plx_env_fini(env);
	assert_true(kept_has(&k, ": 1 frame was put back twice, and 1 of "));
	env = env_of(1, 0, &k);
	assert_non_null(plx_mbuf_get(plx_env_pool(env, -1)));
	plx_env_fini(env);
	assert_false(kept_has(&k, "twice"));
	assert_true(kept_has(&k, "1 of "));
	assert_true(kept_has(&k, "frames were not put back"));
#endif
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_on_one_pool),
		cmocka_unit_test(numbers),
		cmocka_unit_test(too_many),
		cmocka_unit_test(put_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

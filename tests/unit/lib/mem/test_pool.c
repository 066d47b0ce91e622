/* SPDX-License-Identifier: MIT */
/* test_pool.c - the frames of a pool: limits, exhaustion, lcores' caches, threads. */
#include "mem_test.h"
#include "plx_ring.h"
#include "thread.h"
#include "pool_impl.h"
#include <errno.h>
#include <unistd.h>

static struct plx_pool *pool_of(uint32_t frames, uint16_t caches)
{
	struct plx_pool_conf c = { .name = "test", .frames = frames, .caches = caches, .node = -1 };
	struct plx_pool *p = NULL;

	assert_int_equal(plx_pool_init(&p, mem_of(plx_pool_size(&c), 4096), &c), 0);
	assert_int_equal(plx_pool_avail(p), frames);
	assert_int_equal(plx_pool_audit(p), 0);
	return p;
}

static void bad_conf(void **state)
{
	static const struct plx_pool_conf bad[] = {
		{ .frames = 0 },
		{ .frames = PLX_POOL_FRAMES_MAX + 1u },
		{ .frames = UINT32_MAX },
		{ .frames = 8, .frame_size = 1024 },
		{ .frames = 8, .frame_size = 3000 },
		{ .frames = 8, .frame_size = 8192 },
		{ .frames = 8, .caches = PLX_LCORES_MAX + 1 },
		{ .frames = 8, .caches = 2, .first = UINT16_MAX },
		{ .frames = 8, .headroom = 2048 - PLX_POOL_L2_ROOM - PLX_POOL_DATA_MIN + 1 },
		{ .frames = 8, .headroom = UINT16_MAX },
		{ .frames = 8, .name = "a name of sixty-four characters, one more than fits with its NUL" },
	};
	struct plx_pool_conf good = { .frames = 8, .headroom = 2048 - PLX_POOL_L2_ROOM - PLX_POOL_DATA_MIN };
	char *mem = mem_of(2 << 20, 4096);
	struct plx_pool *p = NULL;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		assert_int_equal(plx_pool_size(&bad[i]), 0);
		assert_int_equal(plx_pool_init(&p, mem, &bad[i]), -EINVAL);
		assert_null(p);
	}
	assert_true(plx_pool_size(&good) > 8 * 2048);
	assert_int_equal(plx_pool_init(&p, mem + 2048, &good), -EINVAL);
	assert_int_equal(plx_pool_init(&p, NULL, &good), -EINVAL);
	assert_null(p);
	assert_int_equal(plx_pool_init(&p, mem, &good), 0);
	assert_ptr_equal(plx_pool_fini(p), mem);
	free(mem);
}

static void layout(void **state)
{
	for (uint32_t size = 2048; size <= 4096; size *= 2) {
		struct plx_pool_conf c = { .frames = 333, .frame_size = size, .headroom = 128, .caches = 2, .node = 1 };
		size_t bytes = plx_pool_size(&c);
		uint8_t *mem = mem_of(bytes, 4096);
		struct plx_pool *p;

		(void)state;
		memset(mem, 0xa5, bytes);
		assert_int_equal(plx_pool_init(&p, mem, &c), 0);
		assert_ptr_equal(p->area, mem);
		assert_int_equal((uintptr_t)p->mbufs % PLX_CACHELINE, 0);
		assert_int_equal(1u << p->shift, size);
		assert_int_equal(p->data_off, PLX_POOL_L2_ROOM + 128);
		for (uint64_t i = 0; i < 333ull * size; i++)
			if (mem[i] != 0xa5)
				fail_msg("init wrote byte %llu of the frames", (unsigned long long)i);
		for (uint32_t i = 0; i < 333; i++) {
			assert_int_equal(plx_pool_frame_off(p, &p->mbufs[i]), (uint64_t)i * size);
			assert_ptr_equal(plx_pool_mbuf_at(p, (uint64_t)i * size + size - 1), &p->mbufs[i]);
			assert_true(plx_pool_owns(p, &p->mbufs[i]));
		}
		assert_ptr_equal(plx_pool_fini(p), mem);
		free(mem);
	}
}

/* Every size around a magazine, each kind of thread: all frames come out, each once,
   and no more; with one out the pool does not end. */
static void exhaustion(void **state)
{
	static const uint32_t frames[] = { 1, 2, 63, 64, 65, 127, 128, 129, 200, 1000 };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(frames) * 4; i++) {
		uint32_t n = frames[i / 4];
		struct plx_pool *p = pool_of(n, 2);
		struct plx_mbuf *m[1002], *more;
		uint8_t seen[1000] = { 0 };

		plx_self.slot = i % 4; /* 0: no lcore; 3: beyond the pool's caches */
		if (i & 1)
			assert_int_equal(plx_pool_take(p, m, 1002), n);
		else
			for (uint32_t k = 0; k < n; k++)
				assert_int_equal(plx_pool_take(p, m + k, 1), 1);
		for (uint32_t k = 0; k < n; k++) {
			assert_int_equal(seen[m[k] - p->mbufs], 0);
			seen[m[k] - p->mbufs] = 1;
		}
		assert_int_equal(plx_pool_take(p, &more, 1), 0);
		assert_int_equal(plx_pool_avail(p), 0);
		plx_pool_give(p, m + 1, n - 1);
		assert_null(plx_pool_fini(p));
		plx_pool_give(p, m, 1);
		pool_end(p);
	}
}

/* What other threads put back can be had by an lcore, also in a pool so small that
   their cache could keep it all. */
static void lcore_gets_what_others_gave(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 300; n += 23) {
		struct plx_pool *p = pool_of(n, 1);
		struct plx_mbuf *m[300];

		for (int round = 0; round < 5; round++) {
			plx_self.slot = 0;
			assert_int_equal(plx_pool_take(p, m, n), n);
			plx_pool_give(p, m, n);
			plx_self.slot = 1;
			assert_int_equal(plx_pool_take(p, m, n), n);
			plx_self.slot = 0; /* and all the way back to the others */
			plx_pool_give(p, m, n);
		}
		pool_end(p);
	}
}

/* An lcore keeps at most two magazines from another one. */
static void kept_by_an_lcore(void **state)
{
	struct plx_pool *p = pool_of(1000, 2);
	struct plx_mbuf *m[1000];
	uint16_t n;

	(void)state;
	plx_self.slot = 1;
	assert_int_equal(plx_pool_take(p, m, 1000), 1000);
	plx_pool_give(p, m, 1000);
	plx_self.slot = 2;
	n = plx_pool_take(p, m, 1000);
	assert_true(n >= 1000 - 2 * PLX_MAGAZINE);
	plx_pool_give(p, m, n);
	pool_end(p);
}

static void last_in_first_out(void **state)
{
	struct plx_pool *p = pool_of(512, 1);
	struct plx_mbuf *a[32], *b[32];

	(void)state;
	plx_self.slot = 1;
	assert_int_equal(plx_pool_take(p, a, 32), 32);
	plx_pool_give(p, a, 32);
	assert_int_equal(plx_pool_take(p, b, 32), 32);
	assert_memory_equal(a, b, sizeof(a));
	plx_pool_give(p, b, 32);
	pool_end(p);
}

static void audit_finds(void **state)
{
	struct plx_pool *p = pool_of(100, 1), *other = pool_of(100, 1);
	struct plx_mbuf *m[2];

	(void)state;
	plx_self.slot = 1;
	assert_int_equal(plx_pool_take(p, m, 2), 2);
	plx_pool_give(p, m, 2);
	m[0]->next = m[1];
	assert_int_equal(plx_pool_audit(p), -EIO);
	m[0]->next = NULL;
	m[0]->ref = 2;
	assert_int_equal(plx_pool_audit(p), -EIO);
	m[0]->ref = 1;
	m[0]->pool = other;
	assert_int_equal(plx_pool_audit(p), -EIO);
	m[0]->pool = p;
	assert_int_equal(plx_pool_audit(p), 0);
#ifndef PLX_HARDENED
	assert_int_equal(plx_pool_take(p, m, 1), 1);
	m[1] = m[0];
	plx_pool_give(p, m, 2); /* one frame twice, and another is out */
	assert_int_equal(plx_pool_avail(p), 101);
	assert_int_equal(plx_pool_audit(p), -EIO);
	free(p->area);
#else
	pool_end(p);
#endif
	pool_end(other);
}

/* Random takes and gives by random lcores against a model that only knows who has
   which frame. */
static void model(void **state)
{
	struct rng r = rng_of(1);

	(void)state;
	for (int round = 0; round < 40; round++) {
		uint32_t frames = 1 + rng_below(&r, 700), caches = rng_below(&r, 4), out = 0;
		struct plx_pool *p = pool_of(frames, (uint16_t)caches);
		struct plx_mbuf *have[700];
		uint8_t is_out[700] = { 0 };

		for (int op = 0; op < 3000; op++) {
			uint16_t n = (uint16_t)rng_below(&r, rng_below(&r, 8) ? 40 : 400);
			uint16_t got = 0;

			plx_self.slot = rng_below(&r, caches + 2);
			if (rng_below(&r, 2)) {
				if (n > 700 - out)
					n = (uint16_t)(700 - out);
				got = plx_pool_take(p, have + out, n);
				/* short only when no more than the other caches' share is left */
				if (got < n)
					assert_true(frames - out - got <= 2u * PLX_MAGAZINE * (caches + 1));
				for (uint16_t i = 0; i < got; i++) {
					assert_ptr_equal(have[out + i]->pool, p);
					assert_int_equal(is_out[have[out + i] - p->mbufs]++, 0);
				}
				out += got;
			} else {
				if (n > out)
					n = (uint16_t)out;
				for (uint16_t i = 0; i < n; i++) /* any n of them, not the newest */
				{
					uint32_t k = rng_below(&r, out - i);
					struct plx_mbuf *t = have[k];

					have[k] = have[out - 1 - i];
					have[out - 1 - i] = t;
					is_out[t - p->mbufs] = 0;
				}
				out -= n;
				plx_pool_give(p, have + out, n);
			}
			assert_int_equal(plx_pool_avail(p), frames - out);
		}
		assert_int_equal(plx_pool_audit(p), 0);
		plx_pool_give(p, have, (uint16_t)out);
		pool_end(p);
	}
}

/* ---- threads ---- */

struct worker {
	struct plx_pool *p;
	struct plx_mpmc *r;
	uint8_t *owned;      /* of each frame: 1 = some thread has it */
	uint32_t slot, rounds, errors;
};

/* Takes, marks, passes some on by the ring, unmarks and gives what it gets from others.
   A frame that two threads have at once is marked twice. */
static void *take_pass_give(void *arg)
{
	struct worker *w = arg;
	struct rng rng = rng_of(100 + w->slot);
	struct plx_mbuf *m[96];

	plx_self.slot = w->slot;
	for (uint32_t i = 0; i < w->rounds; i++) {
		uint16_t n = plx_pool_take(w->p, m, (uint16_t)(1 + rng_below(&rng, 96))), k;

		for (k = 0; k < n; k++) {
			w->errors += __atomic_exchange_n(&w->owned[m[k] - w->p->mbufs], 1, __ATOMIC_RELAXED);
			m[k]->user = w->slot;
		}
		k = (uint16_t)plx_mpmc_put_burst(w->r, (void *const *)m, n);
		for (uint16_t j = k; j < n; j++)
			__atomic_store_n(&w->owned[m[j] - w->p->mbufs], 0, __ATOMIC_RELAXED);
		plx_pool_give(w->p, m + k, (uint16_t)(n - k));
		n = (uint16_t)plx_mpmc_get_burst(w->r, (void **)m, 1 + rng_below(&rng, 96));
		for (k = 0; k < n; k++)
			__atomic_store_n(&w->owned[m[k] - w->p->mbufs], 0, __ATOMIC_RELAXED);
		plx_pool_give(w->p, m, n);
		w->errors += plx_pool_avail(w->p) > w->p->frames * 2; /* readable at any time */
	}
	return NULL;
}

static void threads(uint32_t frames, unsigned n, bool lcores)
{
	struct plx_pool *p = pool_of(frames, 3);
	struct plx_mpmc *r;
	uint8_t *owned = calloc(frames, 1);
	struct worker w[6];
	struct plx_mbuf *m[256];
	uint32_t k;

	assert_int_equal(plx_mpmc_init(&r, mem_of(plx_mpmc_size(256), 64), 256), 0);
	for (unsigned i = 0; i < n; i++)
		w[i] = (struct worker){ .p = p, .r = r, .owned = owned, .rounds = 20000,
		                        .slot = lcores && i < 3 ? i + 1 : 0 };
	run_threads(n, take_pass_give, w, sizeof(w[0]));
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(w[i].errors, 0);
	while ((k = plx_mpmc_get_burst(r, (void **)m, 256)))
		plx_pool_give(p, m, (uint16_t)k);
	pool_end(p);
	free(owned);
	free(r);
}

static void threads_plenty(void **state)  { (void)state; threads(4096, 5, true); }
static void threads_scarce(void **state)  { (void)state; threads(150, 5, true); }
static void threads_one_mag(void **state) { (void)state; threads(40, 4, true); }
static void threads_no_lcore(void **state) { (void)state; threads(500, 3, false); }

struct one_way { struct plx_pool *p; struct plx_spsc *r; uint32_t total; bool give; };

/* One lcore only takes, another only gives: magazines travel in a circle. */
static void *one_way(void *arg)
{
	struct one_way *w = arg;
	struct plx_mbuf *m[32];

	plx_self.slot = w->give ? 2 : 1;
	for (uint32_t done = 0; done < w->total;) {
		if (w->give) {
			uint32_t n = plx_spsc_get_burst(w->r, (void **)m, 32);

			plx_pool_give(w->p, m, (uint16_t)n);
			done += n;
			if (!n)
				sched_yield();
		} else {
			uint32_t want = w->total - done < 32 ? w->total - done : 32, k = 0;
			uint16_t n = plx_pool_take(w->p, m, (uint16_t)want);

			while (k < n) {
				k += plx_spsc_put_burst(w->r, (void *const *)m + k, n - k);
				if (k < n)
					sched_yield();
			}
			done += n;
			if (!n)
				sched_yield();
		}
	}
	return NULL;
}

static void cross_lcore(void **state)
{
	struct plx_pool *p = pool_of(1024, 2);
	struct plx_spsc *r;
	struct one_way w[2];

	(void)state;
	assert_int_equal(plx_spsc_init(&r, mem_of(plx_spsc_size(512), 64), 512), 0);
	w[0] = (struct one_way){ .p = p, .r = r, .total = 300000 };
	w[1] = (struct one_way){ .p = p, .r = r, .total = 300000, .give = true };
	run_threads(2, one_way, w, sizeof(w[0]));
	pool_end(p);
	free(r);
}

/* The caches of a pool are those of the slots that it was made for, and no others. */
static void caches_of_slots(void **state)
{
	struct plx_pool_conf c = { .name = "far", .frames = 2000, .caches = 2, .first = 300, .node = -1 };
	static const uint32_t slots[] = { 0, 1, 2, 300, 301, 302, 303, UINT32_MAX };
	struct plx_mbuf *m;
	struct plx_pool *p;

	(void)state;
	assert_int_equal(plx_pool_init(&p, mem_of(plx_pool_size(&c), 4096), &c), 0);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(slots); i++) {
		const bool own = slots[i] == 301 || slots[i] == 302;
		const struct plx_pool_cache *at = &p->cache[own ? slots[i] - 301 : 2];
		const uint32_t before = mag_count(at->loaded) + mag_count(at->spare);

		plx_self.slot = slots[i];
		assert_int_equal(plx_pool_take(p, &m, 1), 1);
		assert_int_equal(mag_count(at->loaded) + mag_count(at->spare), before ? before - 1 : PLX_MAGAZINE - 1);
		plx_pool_give(p, &m, 1);
	}
	pool_end(p);
}

/* The thread within the shared cache does not run, and may not for as long as this one does. */
static void holder_sleeps(void **state)
{
	enum { N = 1000 };
	struct plx_mbuf *m[N], *more;

	(void)state;
	alarm(60); /* for a thread that waits for ever */
	for (unsigned first = 1; first <= N; first += 111) {
		struct plx_pool *p = pool_of(N, 1);

		p->cache[1].guard = 1;
		plx_self.slot = 0;
		assert_int_equal(plx_pool_take(p, m, (uint16_t)first), first);
		assert_int_equal(plx_pool_avail(p), N - first);
		assert_int_equal(plx_pool_take(p, m + first, (uint16_t)(N - first)), N - first);
		assert_int_equal(plx_pool_take(p, &more, 1), 0);
		assert_int_equal(plx_pool_avail(p), 0);
		plx_pool_give(p, m, (uint16_t)first);
		plx_pool_give(p, m + first, (uint16_t)(N - first));
		assert_int_equal(plx_pool_avail(p), N);
		assert_int_equal(plx_pool_audit(p), 0);
		plx_self.slot = 1; /* an lcore has them all, too */
		assert_int_equal(plx_pool_take(p, m, N), N);
		assert_int_equal(plx_pool_take(p, &more, 1), 0);
		plx_pool_give(p, m, N);
		p->cache[1].guard = 0;
		pool_end(p);
	}
	alarm(0);
}

/* Takes the shared cache's flag again and again, as a thread that is stopped within it. */
static void *hold(void *arg)
{
	struct plx_pool *p = arg;

	for (int i = 0; i < 300; i++) {
		while (__atomic_exchange_n(&p->cache[p->caches].guard, 1, __ATOMIC_ACQUIRE))
			sched_yield();
		usleep(100);
		__atomic_store_n(&p->cache[p->caches].guard, 0, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

static void threads_held(void **state)
{
	for (uint32_t frames = 40; frames <= 4000; frames *= 10) {
		struct plx_pool *p = pool_of(frames, 2);
		struct plx_mpmc *r;
		uint8_t *owned = calloc(frames, 1);
		struct plx_mbuf *m[256];
		struct worker w[4];
		pthread_t holder;
		uint32_t k;

		(void)state;
		assert_int_equal(plx_mpmc_init(&r, mem_of(plx_mpmc_size(256), 64), 256), 0);
		for (unsigned i = 0; i < 4; i++)
			w[i] = (struct worker){
				.p = p, .r = r, .owned = owned, .rounds = 10000, .slot = i < 2 ? 0 : i - 1
			};
		assert_int_equal(pthread_create(&holder, NULL, hold, p), 0);
		run_threads(4, take_pass_give, w, sizeof(w[0]));
		pthread_join(holder, NULL);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(w[i].errors, 0);
		while ((k = plx_mpmc_get_burst(r, (void **)m, 256)))
			plx_pool_give(p, m, (uint16_t)k);
		pool_end(p);
		free(owned);
		free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_conf),
		cmocka_unit_test(layout),
		cmocka_unit_test(exhaustion),
		cmocka_unit_test(lcore_gets_what_others_gave),
		cmocka_unit_test(kept_by_an_lcore),
		cmocka_unit_test(last_in_first_out),
		cmocka_unit_test(audit_finds),
		cmocka_unit_test(model),
		cmocka_unit_test(threads_plenty),
		cmocka_unit_test(threads_scarce),
		cmocka_unit_test(threads_one_mag),
		cmocka_unit_test(threads_no_lcore),
		cmocka_unit_test(cross_lcore),
		cmocka_unit_test(caches_of_slots),
		cmocka_unit_test(holder_sleeps),
		cmocka_unit_test(threads_held),
	};

	seed_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

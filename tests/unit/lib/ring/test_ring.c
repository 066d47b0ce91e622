/* SPDX-License-Identifier: MIT */
/* test_ring.c - SPSC and MPMC rings: limits, order, index wrap, threads, a stalled thread. */
#include "mem_test.h"
#include "plx_ring.h"
#include <errno.h>
#include <sched.h>

#define PTR(i) ((void *)(uintptr_t)(i))

/* One shape for both rings, so that each test of behaviour runs over both. */
struct kind {
	const char *name;
	size_t (*size)(uint32_t capacity);
	int (*init)(void **r, void *mem, uint32_t capacity);
	uint32_t (*put)(void *r, void *const *o, uint32_t n, bool all);
	uint32_t (*get)(void *r, void **o, uint32_t n, bool all);
	uint32_t (*count)(const void *r);
	uint32_t (*room)(void *r);
	void (*start_at)(void *r, uint32_t index); /* of an empty ring */
};

static int spsc_init(void **r, void *mem, uint32_t c)
{
	return plx_spsc_init((struct plx_spsc **)r, mem, c);
}
static uint32_t spsc_put(void *r, void *const *o, uint32_t n, bool all)
{
	return all ? plx_spsc_put_bulk(r, o, n) : plx_spsc_put_burst(r, o, n);
}
static uint32_t spsc_get(void *r, void **o, uint32_t n, bool all)
{
	return all ? plx_spsc_get_bulk(r, o, n) : plx_spsc_get_burst(r, o, n);
}
static uint32_t spsc_count(const void *r) { return plx_spsc_count(r); }
static uint32_t spsc_room(void *r)  { return plx_spsc_room(r); }
static void spsc_start_at(void *ring, uint32_t i)
{
	struct plx_spsc *r = ring;

	r->prod = r->prod_seen = r->cons = r->cons_seen = i;
}

static int mpmc_init(void **r, void *mem, uint32_t c)
{
	return plx_mpmc_init((struct plx_mpmc **)r, mem, c);
}
static uint32_t mpmc_put(void *r, void *const *o, uint32_t n, bool all)
{
	return all ? plx_mpmc_put_bulk(r, o, n) : plx_mpmc_put_burst(r, o, n);
}
static uint32_t mpmc_get(void *r, void **o, uint32_t n, bool all)
{
	return all ? plx_mpmc_get_bulk(r, o, n) : plx_mpmc_get_burst(r, o, n);
}
static uint32_t mpmc_count(const void *r) { return plx_mpmc_count(r); }
static uint32_t mpmc_room(void *r)  { return plx_mpmc_room(r); }
static void mpmc_start_at(void *ring, uint32_t i)
{
	struct plx_mpmc *r = ring;

	r->prod.claim = r->cons.claim = (uint64_t)i << 32 | i;
	r->prod.tail = r->cons.tail = i;
}

static const struct kind kinds[] = {
	{ "spsc", plx_spsc_size, spsc_init, spsc_put, spsc_get, spsc_count, spsc_room, spsc_start_at },
	{ "mpmc", plx_mpmc_size, mpmc_init, mpmc_put, mpmc_get, mpmc_count, mpmc_room, mpmc_start_at },
};
#define EACH_KIND(k) (const struct kind *k = kinds; k < kinds + PLX_ARRAY_SIZE(kinds); k++)

static void *ring_of(const struct kind *k, uint32_t capacity)
{
	/* 64 more, so that memory aligned to no more than the contract asks is used */
	char *mem = mem_of(k->size(capacity) + 64, 128);
	void *r = NULL;

	memset(mem, 0xa5, k->size(capacity) + 64);
	assert_int_equal(k->init(&r, mem + 64, capacity), 0);
	assert_ptr_equal(r, mem + 64);
	return r;
}

static void ring_free(void *r)
{
	free((char *)r - 64);
}

static void bad_conf(void **state)
{
	static const uint32_t bad[] = { 0, 1, 3, 5, 1000, 1023, (1u << 30) + 1, 1u << 31, UINT32_MAX };
	char *mem = mem_of(4096, 128);

	(void)state;
	for EACH_KIND(k) {
		void *r = NULL;

		for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
			assert_int_equal(k->size(bad[i]), 0);
			assert_int_equal(k->init(&r, mem, bad[i]), -EINVAL);
		}
		assert_int_equal(k->init(&r, mem + 8, 2), -EINVAL);
		assert_int_equal(k->init(&r, NULL, 2), -EINVAL);
		assert_null(r);
		assert_true(k->size(2) >= 2 * sizeof(void *));
		assert_true(k->size(1u << 30) >= sizeof(void *) << 30);
	}
	free(mem);
}

static void burst_and_bulk(void **state)
{
	(void)state;
	for EACH_KIND(k) {
		void *r = ring_of(k, 8), *in[10], *out[10] = { 0 };

		for (int i = 0; i < 10; i++)
			in[i] = PTR(i); /* NULL is a pointer like any other */
		assert_int_equal(k->get(r, out, 4, false), 0);
		assert_int_equal(k->get(r, out, 4, true), 0);
		assert_int_equal(k->put(r, in, 0, false), 0);
		assert_int_equal(k->put(r, in, 9, true), 0);
		assert_int_equal(k->count(r), 0);
		assert_int_equal(k->room(r), 8);
		assert_int_equal(k->put(r, in, 5, true), 5);
		assert_int_equal(k->put(r, in + 5, 4, true), 0);
		assert_int_equal(k->count(r), 5);
		assert_int_equal(k->room(r), 3);
		assert_int_equal(k->put(r, in + 5, 5, false), 3);
		assert_int_equal(k->put(r, in, 1, false), 0);
		assert_int_equal(k->count(r), 8);
		assert_int_equal(k->room(r), 0);
		assert_int_equal(k->get(r, out, 9, true), 0);
		assert_int_equal(k->get(r, out, 6, true), 6);
		assert_int_equal(k->get(r, out + 6, 4, false), 2);
		assert_memory_equal(in, out, 8 * sizeof(*in));
		assert_int_equal(k->get(r, out, 0, false), 0);
		assert_int_equal(k->count(r), 0);
		ring_free(r);
	}
}

/* Random calls against a model that is two counters, beginning shortly before the
   indices wrap at 2^32. */
static void model(void **state)
{
	struct rng r = rng_of(1);

	(void)state;
	for (int round = 0; round < 60; round++) for EACH_KIND(k) {
		uint32_t cap = 2u << rng_below(&r, 8);
		void *ring = ring_of(k, cap), *o[600];
		uintptr_t in = 0, out = 0;

		k->start_at(ring, round % 3 ? 0u - rng_below(&r, 4000) : 0);
		for (int op = 0; op < 4000; op++) {
			uint32_t n = rng_below(&r, rng_below(&r, 4) ? cap / 2 + 2 : 600);
			bool all = rng_below(&r, 2);
			uint32_t has = (uint32_t)(in - out), may;

			if (rng_below(&r, 2)) {
				may = cap - has < n ? (all ? 0 : cap - has) : n;
				for (uint32_t i = 0; i < n; i++)
					o[i] = PTR(in + i);
				assert_int_equal(k->put(ring, o, n, all), may);
				in += may;
			} else {
				may = has < n ? (all ? 0 : has) : n;
				assert_int_equal(k->get(ring, o, n, all), may);
				for (uint32_t i = 0; i < may; i++)
					assert_ptr_equal(o[i], PTR(out + i));
				out += may;
			}
			assert_int_equal(k->count(ring), in - out);
			assert_int_equal(k->room(ring), cap - (in - out));
		}
		ring_free(ring);
	}
}

/* ---- threads ---- */

enum { PRODUCERS_MAX = 4 };

struct side {
	const struct kind *k;
	void *r;
	uint32_t id, total, burst;
	bool bulk, put;
	uint32_t *left;         /* entries that consumers have still to get */
	uint8_t *seen;          /* of each entry */
	uint32_t errors;
};

static void produce(struct side *s)
{
	struct rng rng = rng_of(10 + s->id);
	void *o[64];

	for (uint32_t at = 0; at < s->total;) {
		uint32_t n = 1 + rng_below(&rng, s->burst), k;

		if (n > s->total - at)
			n = s->total - at;
		for (k = 0; k < n; k++)
			o[k] = PTR((uintptr_t)s->id << 24 | (at + k));
		k = s->k->put(s->r, o, n, s->bulk);
		s->errors += k > n || (s->bulk && k && k != n);
		at += k;
		if (!k)
			sched_yield();
	}
}

static void consume(struct side *s)
{
	struct rng rng = rng_of(20 + s->id);
	uint32_t next[PRODUCERS_MAX] = { 0 };
	void *o[64];

	while (__atomic_load_n(s->left, __ATOMIC_RELAXED)) {
		uint32_t n = s->k->get(s->r, o, 1 + rng_below(&rng, s->burst), false);

		for (uint32_t i = 0; i < n; i++) {
			uint32_t from = (uint32_t)((uintptr_t)o[i] >> 24), seq = (uintptr_t)o[i] & 0xffffff;

			if (from >= PRODUCERS_MAX || seq < next[from]) {
				s->errors++; /* nobody's, or of one producer out of order */
				continue;
			}
			next[from] = seq + 1;
			s->errors += __atomic_fetch_add(&s->seen[from * s->total + seq], 1, __ATOMIC_RELAXED);
		}
		__atomic_sub_fetch(s->left, n, __ATOMIC_RELAXED);
		if (!n)
			sched_yield();
	}
}

static void *run_side(void *arg)
{
	struct side *s = arg;

	if (s->put)
		produce(s);
	else
		consume(s);
	return NULL;
}

static void stress(const struct kind *k, uint32_t cap, unsigned prods, unsigned conss, uint32_t burst, bool bulk)
{
	struct side s[2 * PRODUCERS_MAX];
	uint32_t total = 40000, left = prods * total;
	uint8_t *seen = calloc(prods, total);
	void *r = ring_of(k, cap);

	k->start_at(r, 0u - total / 2); /* the indices wrap in mid-run */
	for (unsigned i = 0; i < prods + conss; i++)
		s[i] = (struct side){ .k = k, .r = r, .id = i, .total = total, .burst = burst, .bulk = bulk,
		                      .put = i < prods, .left = &left, .seen = seen };
	run_threads(prods + conss, run_side, s, sizeof(s[0]));
	for (unsigned i = 0; i < prods + conss; i++)
		if (s[i].errors)
			fail_msg("%s %u:%u cap %u: %u errors", k->name, prods, conss, cap, s[i].errors);
	for (uint32_t i = 0; i < prods * total; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(k->count(r), 0);
	assert_int_equal(k->room(r), cap);
	ring_free(r);
	free(seen);
}

static void spsc_threads(void **state)
{
	(void)state;
	stress(&kinds[0], 2, 1, 1, 4, false);
	stress(&kinds[0], 64, 1, 1, 32, false);
	stress(&kinds[0], 1024, 1, 1, 64, true);
}

static void mpmc_threads(void **state)
{
	(void)state;
	stress(&kinds[1], 2, 2, 2, 2, false);
	stress(&kinds[1], 8, 4, 4, 8, false);
	stress(&kinds[1], 64, 4, 1, 32, true);
	stress(&kinds[1], 64, 1, 4, 32, false);
	stress(&kinds[1], 256, 3, 3, 1, false);
	stress(&kinds[1], 1024, 4, 4, 64, true);
}

/* ---- a thread that was preempted between claim and done ---- */

/* A producer stalls in its interval: the others go on until the ring is full, nothing
   put behind it is seen, and with its end all of it is. */
static void stalled_producer(void **state)
{
	(void)state;
	for (uint32_t base = 0; base < 2; base++) {
		struct plx_mpmc *r = ring_of(&kinds[1], 16);
		void *o[16], *in[16];
		uint32_t start, k;

		mpmc_start_at(r, base ? UINT32_MAX - 4 : 0);
		for (uint32_t i = 0; i < 16; i++)
			in[i] = PTR(i + 100);
		assert_int_equal(plx_mpmc_put_burst(r, in, 2), 2);
		assert_int_equal(plx_mpmc_claim_(&r->prod, &r->cons, 16, 3, true, &start), 3);
		for (uint32_t i = 5; i < 15; i++)
			assert_int_equal(plx_mpmc_put_burst(r, in + i, 1), 1);
		assert_int_equal(plx_mpmc_put_bulk(r, in, 2), 0);
		assert_int_equal(plx_mpmc_get_burst(r, o, 16), 2);
		assert_int_equal(plx_mpmc_put_burst(r, in + 15, 1), 1);
		assert_int_equal(plx_mpmc_get_burst(r, o + 2, 16), 0);
		assert_int_equal(plx_mpmc_count(r), 14); /* there is something to come */
		plx_ring_fill(r->slot, 15, start, in + 2, 3);
		plx_mpmc_done_(&r->prod, start, 3);
		k = plx_mpmc_get_burst(r, o + 2, 16);
		assert_int_equal(k, 14);
		assert_memory_equal(o, in, sizeof(in));
		for (uint32_t i = 0; i < 16; i++)
			assert_int_equal(r->prod.note[i], 0);
		ring_free(r);
	}
}

static void stalled_consumer(void **state)
{
	struct plx_mpmc *r = ring_of(&kinds[1], 16);
	void *o[16], *in[16], *slow[3];
	uint32_t start;

	(void)state;
	mpmc_start_at(r, UINT32_MAX - 4);
	for (uint32_t i = 0; i < 16; i++)
		in[i] = PTR(i);
	assert_int_equal(plx_mpmc_put_bulk(r, in, 16), 16);
	assert_int_equal(plx_mpmc_claim_(&r->cons, &r->prod, 0, 3, true, &start), 3);
	for (int i = 3; i < 16; i++)
		assert_int_equal(plx_mpmc_get_burst(r, o + i, 1), 1);
	assert_int_equal(plx_mpmc_get_burst(r, o, 1), 0);
	assert_int_equal(plx_mpmc_put_burst(r, in, 16), 0); /* its slots are not free yet */
	assert_int_equal(plx_mpmc_room(r), 0);
	plx_ring_drain(r->slot, 15, start, slow, 3);
	plx_mpmc_done_(&r->cons, start, 3);
	assert_int_equal(plx_mpmc_room(r), 16);
	assert_int_equal(plx_mpmc_put_bulk(r, in, 16), 16);
	assert_memory_equal(slow, in, sizeof(slow));
	assert_memory_equal(o + 3, in + 3, 13 * sizeof(*o));
	ring_free(r);
}

/* A note is taken only by who stands at its very start, not a lap later. */
static void note_of_another_lap(void **state)
{
	struct plx_mpmc *r = ring_of(&kinds[1], 4);
	void *o[4];

	(void)state;
	mpmc_start_at(r, 8);
	r->prod.note[0] = (uint64_t)4 << 32 | 2;
	assert_int_equal(plx_mpmc_tail_(&r->prod), 8);
	r->prod.note[0] = (uint64_t)8 << 32 | 2;
	assert_int_equal(plx_mpmc_tail_(&r->prod), 10);
	/* left by a thread that just missed the tail's coming: who asks next finds it */
	r->prod.claim += 4ull << 32;
	r->prod.note[2] = (uint64_t)10 << 32 | 2;
	assert_int_equal(plx_mpmc_get_bulk(r, o, 4), 4);
	ring_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_conf),
		cmocka_unit_test(burst_and_bulk),
		cmocka_unit_test(model),
		cmocka_unit_test(spsc_threads),
		cmocka_unit_test(mpmc_threads),
		cmocka_unit_test(stalled_producer),
		cmocka_unit_test(stalled_consumer),
		cmocka_unit_test(note_of_another_lap),
	};

	seed_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* mem_test.h - what the tests of pool, mbuf and rings share: cmocka, memory, a seeded
   random source and threads that start together. */
#ifndef MEM_TEST_H
#define MEM_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plx_pool.h"
#include "thread.h"

/* The seed is printed, and PLX_TEST_SEED=n repeats a run. */
static uint64_t test_seed;

static inline void seed_init(void)
{
	const char *s = getenv("PLX_TEST_SEED");

	test_seed = s ? strtoull(s, NULL, 0) : 20250101;
	printf("seed: PLX_TEST_SEED=%llu\n", (unsigned long long)test_seed);
}

/* xorshift64* */
struct rng { uint64_t s; };

static inline struct rng rng_of(uint64_t stream)
{
	return (struct rng){ (test_seed + 1) * 0x9e3779b97f4a7c15u + stream * 0xbf58476d1ce4e5b9u + 1 };
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return (uint32_t)((r->s * 0x2545f4914f6cdd1du >> 33) % n);
}

static inline void *mem_of(size_t size, size_t align)
{
	void *mem = aligned_alloc(align, (size + align - 1) / align * align);

	assert_non_null(mem);
	return mem;
}

/* Runs n threads of fn, each with its element of args, and joins them. */
static inline void run_threads(unsigned n, void *(*fn)(void *), void *args, size_t arg_size)
{
	pthread_t id[16];

	assert_true(n <= 16);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_create(&id[i], NULL, fn, (char *)args + i * arg_size), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(pthread_join(id[i], NULL), 0);
}

/* Of a pool that has all of its frames back. */
static inline void pool_end(struct plx_pool *p)
{
	void *mem;

	assert_int_equal(plx_pool_avail(p), p->frames);
	assert_int_equal(plx_pool_audit(p), 0);
	mem = plx_pool_fini(p);
	assert_non_null(mem);
	free(mem);
	plx_self.slot = 0;
}

#endif

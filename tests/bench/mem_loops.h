/* SPDX-License-Identifier: MIT */
/* mem_loops.h - the measured loops over rings and pools, written once and instantiated for
   Pollux and for DPDK, each in its own translation unit, so that both inline their own. */
#ifndef MEM_LOOPS_H
#define MEM_LOOPS_H

#include "bench.h"
#include <sys/mman.h>

enum { LOOP_BURST_MAX = 128, LOOP_RING = 1024, LOOP_FRAMES = 8191 };

struct loop_ring { void *ring; unsigned burst; };
struct loop_pool { void *pool, *ring; unsigned burst, held; };

/* Memory of one kind for both: 2 MiB pages where the kernel gives them, 4 KiB else, all
   there before anything is measured. */
static inline void *loop_mem(size_t size)
{
	size_t huge = 2 << 20;
	void *mem = aligned_alloc(huge, (size + huge - 1) / huge * huge);

	if (!mem)
		abort();
	madvise(mem, (size + huge - 1) / huge * huge, MADV_HUGEPAGE);
	memset(mem, 0, size);
	return mem;
}

/* What a thread does before and after it uses a side's objects: lcore identity. */
void plx_loop_thread_up(unsigned i);
void plx_loop_thread_down(void);
void dpdk_loop_thread_up(unsigned i);
void dpdk_loop_thread_down(void);

/* Two threads, one a CPU, that start together; the time is from when both run until both
   are done, by their own clocks: the CPU that starts them is one of theirs. */
struct loop_two {
	void (*fn[2])(void *arg, uint64_t ops);
	void (*up)(unsigned i), (*down)(void);
	void *arg;
	uint64_t ops, begin[2], end[2];
	pthread_barrier_t at;
};
struct loop_thread { struct loop_two *t; unsigned i; };

static inline void *loop_thread(void *arg)
{
	struct loop_thread *l = arg;

	bench_pin(l->i);
	l->t->up(l->i);
	pthread_barrier_wait(&l->t->at);
	l->t->begin[l->i] = bench_now();
	l->t->fn[l->i](l->t->arg, l->t->ops);
	l->t->end[l->i] = bench_now();
	l->t->down();
	return NULL;
}

static inline uint64_t loop_two_run(struct loop_two *t)
{
	struct loop_thread l[2] = { { t, 0 }, { t, 1 } };
	pthread_t id[2];

	pthread_barrier_init(&t->at, NULL, 2);
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&id[i], NULL, loop_thread, &l[i]))
			abort();
	for (unsigned i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
	pthread_barrier_destroy(&t->at);
	return (t->end[0] > t->end[1] ? t->end[0] : t->end[1]) -
	       (t->begin[0] > t->begin[1] ? t->begin[0] : t->begin[1]);
}

/* P: name prefix; PUT(ring, objs, n) and GET(ring, objs, n): burst calls. */
#define RING_LOOPS(P, PUT, GET, UP, DOWN, PAUSE) \
static uint64_t P##_one(void *arg, uint64_t ops) \
{ \
	struct loop_ring *l = arg; \
	void *o[LOOP_BURST_MAX] = { 0 }; \
	unsigned n = l->burst; \
	uint64_t begin = bench_now(); \
	for (uint64_t i = 0; i < ops; i += n) { \
		PUT(l->ring, o, n); \
		GET(l->ring, o, n); \
	} \
	return bench_now() - begin; \
} \
static void P##_put(void *arg, uint64_t ops) \
{ \
	struct loop_ring *l = arg; \
	void *o[LOOP_BURST_MAX] = { 0 }; \
	for (uint64_t done = 0; done < ops;) { \
		uint64_t n = ops - done < l->burst ? ops - done : l->burst, k = PUT(l->ring, o, (unsigned)n); \
		done += k; \
		if (!k) \
			PAUSE(); \
	} \
} \
static void P##_get(void *arg, uint64_t ops) \
{ \
	struct loop_ring *l = arg; \
	void *o[LOOP_BURST_MAX]; \
	for (uint64_t done = 0; done < ops;) { \
		uint64_t k = GET(l->ring, o, l->burst); \
		done += k; \
		if (!k) \
			PAUSE(); \
	} \
} \
static uint64_t P##_two(void *arg, uint64_t ops) \
{ \
	struct loop_two t = { .fn = { P##_put, P##_get }, .up = UP, .down = DOWN, .arg = arg, .ops = ops }; \
	return loop_two_run(&t); \
}

/* TAKE(pool, objs, n) and GIVE(pool, objs, n): all n or abort.  _one: take n, give n.  _deep: take
   held frames in bursts, then give them back in bursts, beyond what a cache holds.
   _two: one thread takes and passes on over an SPSC ring, the other gives back. */
#define POOL_LOOPS(P, TAKE, GIVE, PUT, GET, UP, DOWN, PAUSE) \
static uint64_t P##_one(void *arg, uint64_t ops) \
{ \
	struct loop_pool *l = arg; \
	void *o[LOOP_BURST_MAX]; \
	unsigned n = l->burst; \
	uint64_t begin = bench_now(); \
	for (uint64_t i = 0; i < ops; i += n) { \
		if (!TAKE(l->pool, o, n)) \
			abort(); \
		GIVE(l->pool, o, n); \
	} \
	return bench_now() - begin; \
} \
static uint64_t P##_deep(void *arg, uint64_t ops) \
{ \
	static void *o[LOOP_FRAMES]; \
	struct loop_pool *l = arg; \
	unsigned n = l->burst; \
	uint64_t begin = bench_now(); \
	for (uint64_t i = 0; i < ops; i += l->held) { \
		for (unsigned k = 0; k < l->held; k += n) \
			if (!TAKE(l->pool, o + k, n)) \
				abort(); \
		for (unsigned k = 0; k < l->held; k += n) \
			GIVE(l->pool, o + k, n); \
	} \
	return bench_now() - begin; \
} \
static void P##_taker(void *arg, uint64_t ops) \
{ \
	struct loop_pool *l = arg; \
	void *o[LOOP_BURST_MAX]; \
	for (uint64_t done = 0; done < ops; done += l->burst) { \
		while (!TAKE(l->pool, o, l->burst)) \
			PAUSE(); \
		for (unsigned k = 0; k < l->burst;) { \
			unsigned j = PUT(l->ring, o + k, l->burst - k); \
			k += j; \
			if (!j) \
				PAUSE(); \
		} \
	} \
} \
static void P##_giver(void *arg, uint64_t ops) \
{ \
	struct loop_pool *l = arg; \
	void *o[LOOP_BURST_MAX]; \
	for (uint64_t done = 0; done < ops;) { \
		unsigned k = GET(l->ring, o, l->burst); \
		if (k) \
			GIVE(l->pool, o, k); \
		else \
			PAUSE(); \
		done += k; \
	} \
} \
static uint64_t P##_two(void *arg, uint64_t ops) \
{ \
	struct loop_two t = { .fn = { P##_taker, P##_giver }, .up = UP, .down = DOWN, .arg = arg, .ops = ops }; \
	return loop_two_run(&t); \
}

/* The DPDK half, dpdk_mem.c; NULL when it was not built. */
struct dpdk_mem {
	int (*up)(void);                                 /* starts its environment; 0 or not */
	void *(*ring)(unsigned size, bool single);
	void *(*pool)(unsigned frames, bool packets);    /* packets: of mbufs */
	uint64_t (*sp_one)(void *, uint64_t), (*sp_two)(void *, uint64_t);
	uint64_t (*mp_one)(void *, uint64_t), (*mp_two)(void *, uint64_t);
	uint64_t (*raw_one)(void *, uint64_t), (*raw_deep)(void *, uint64_t), (*raw_two)(void *, uint64_t);
	uint64_t (*mbuf_one)(void *, uint64_t), (*mbuf_deep)(void *, uint64_t), (*mbuf_two)(void *, uint64_t);
};
extern const struct dpdk_mem *const dpdk_mem;

/* Its table if it is built and starts, else NULL with the reason said. */
static inline const struct dpdk_mem *loop_theirs(void)
{
	if (!dpdk_mem) {
		fprintf(stderr, "SKIP: built without DPDK (apt install dpdk-dev), ours alone\n");
		return NULL;
	}
	if (dpdk_mem->up()) {
		fprintf(stderr, "SKIP: DPDK's environment does not start, ours alone\n");
		return NULL;
	}
	return dpdk_mem;
}

#endif

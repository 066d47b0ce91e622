/* SPDX-License-Identifier: MIT */
/* pool_impl.h - the inside of a pool, for pool.c (hot) and pool_init.c (cold) only.

     cache:  [loaded: any fill]  [spare: full or empty, never between]
     full:   head -> mag -> mag -> ... -> 0      magazines with frames
     empty:  head -> mag -> mag -> ... -> 0      magazines without

   A stack's head is one 64-bit word: tag (high half) and 1 + index of the top magazine
   (low half, 0 = none).  The tag changes with each push and pop, so that a pop that
   slept while its magazine left and came back does not succeed. */
#ifndef PLX_POOL_IMPL_H
#define PLX_POOL_IMPL_H

#include "plx_pool.h"

struct plx_magazine {
	alignas(PLX_CACHELINE) uint32_t n; /* frames in it; its holder writes, anyone counts */
	uint32_t below;                    /* in a stack: 1 + index of the next, 0 = bottom */
	struct plx_mbuf *frame[PLX_MAGAZINE];
};

struct plx_pool_cache {
	/* two lines: the adjacent-line prefetcher would couple neighbours */
	alignas(2 * PLX_CACHELINE) struct plx_magazine *loaded;
	struct plx_magazine *spare;
	/* used in the shared cache only */
	uint32_t guard; /* 1 = a thread is in it */
	uint32_t held;  /* frames in it when the guard was last released */
};

static inline uint32_t mag_count(const struct plx_magazine *g)
{
	return __atomic_load_n(&g->n, __ATOMIC_RELAXED);
}

static inline void mag_set_count(struct plx_magazine *g, uint32_t n)
{
	__atomic_store_n(&g->n, n, __ATOMIC_RELAXED);
}

/* release: the magazine's content before its index; pairs with the acquire in
   mag_pop of the thread that gets it. */
static inline void mag_push(struct plx_pool *p, uint64_t *stack, struct plx_magazine *g)
{
	uint64_t head = __atomic_load_n(stack, __ATOMIC_RELAXED), next;

	do {
		__atomic_store_n(&g->below, (uint32_t)head, __ATOMIC_RELAXED);
		next = ((head >> 32) + 1) << 32 | (uint32_t)(g - p->mags + 1);
	} while (!__atomic_compare_exchange_n(stack, &head, next, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static inline struct plx_magazine *mag_pop(struct plx_pool *p, uint64_t *stack)
{
	uint64_t head = __atomic_load_n(stack, __ATOMIC_ACQUIRE), next;
	struct plx_magazine *g;

	do {
		if (!(uint32_t)head)
			return NULL;
		g = &p->mags[(uint32_t)head - 1];
		/* g may be another thread's by now; then the tag has moved and the
		   value read here is not used. */
		next = ((head >> 32) + 1) << 32 | __atomic_load_n(&g->below, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(stack, &head, next, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	return g;
}

#endif

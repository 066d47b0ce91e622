/* SPDX-License-Identifier: MIT */
/* pool_impl.h - the inside of a pool, for pool.c (hot) and pool_init.c (cold) only.

     cache:  [loaded: any fill]  [spare: full or empty, never between]
     full:   head -> mag -> mag -> ... -> 0      magazines with frames
     empty:  head -> mag -> mag -> ... -> 0      magazines without
     loose:  head -> mbuf -> mbuf -> ... -> 0    frames in no magazine

   A stack's head is one 64-bit word: tag (high half) and 1 + index of the top magazine or
   mbuf (low half, 0 = none).  The tag changes with each push and pop, so that a pop that
   slept while its magazine left and came back does not succeed. */
#ifndef POOL_IMPL_H
#define POOL_IMPL_H

#include "plx_pool.h"

struct plx_magazine {
	alignas(PLX_CACHELINE) uint32_t n; /* frames in it; its holder writes, anyone counts */
	uint32_t below;                    /* in a stack: 1 + index of the next, 0 = bottom */
	struct plx_mbuf *frame[PLX_MAGAZINE];
};

static_assert(PLX_BURST_MAX <= UINT16_MAX && PLX_MAGAZINE >= (int)PLX_BURST, "a burst fits counts and a magazine");
static_assert(PLX_POOL_FRAMES_MAX < INT32_MAX, "1 + the index of an mbuf, or of the fewer magazines, is half a word");

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
	PLX_DASSERT(__atomic_load_n(&g->n, __ATOMIC_RELAXED) <= PLX_MAGAZINE);
	return __atomic_load_n(&g->n, __ATOMIC_RELAXED);
}

static inline void mag_set_count(struct plx_magazine *g, uint32_t n)
{
	PLX_DASSERT(n <= PLX_MAGAZINE);
	__atomic_store_n(&g->n, n, __ATOMIC_RELAXED);
}

/* Hardened builds: a cache's spare magazine is full or empty. */
static inline bool spare_is_whole(const struct plx_pool_cache *c)
{
	return c->loaded != c->spare && (!mag_count(c->spare) || mag_count(c->spare) == PLX_MAGAZINE);
}

/* release: the magazine's content before its index; pairs with the acquire in
   mag_pop of the thread that gets it. */
static inline void mag_push(struct plx_pool *p, uint64_t *stack, struct plx_magazine *g)
{
	uint64_t head = __atomic_load_n(stack, __ATOMIC_RELAXED), next;

	PLX_DASSERT(g >= p->mags && g < p->mags + p->nmags);
	PLX_DASSERT(!mag_count(g) == (stack == &p->empty));
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
		PLX_DASSERT((uint32_t)head <= p->nmags);
		g = &p->mags[(uint32_t)head - 1];
		/* g may be another thread's by now; then the tag has moved and the
		   value read here is not used. */
		next = ((head >> 32) + 1) << 32 | __atomic_load_n(&g->below, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(stack, &head, next, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	PLX_DASSERT(!mag_count(g) == (stack == &p->empty));
	return g;
}

/* Frames on their way to the stack of loose ones: first and last mbuf, by 1 + index.  The links
   are not in the mbufs, for a pop that comes late reads the link of a frame that has an owner. */
struct loose_chain { uint32_t first, last, n; };

static inline struct loose_chain loose_link(struct plx_pool *p, struct plx_mbuf *const *m, uint32_t n)
{
	struct loose_chain c = { .n = n };

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(m[i] - p->mbufs);

		PLX_DASSERT(at < p->frames);
		__atomic_store_n(&p->link[at], c.first, __ATOMIC_RELAXED);
		c.first = at + 1;
		c.last = i ? c.last : c.first;
	}
	return c;
}

/* release: the links before the head; pairs with the acquire in loose_pop. */
static inline void loose_push(struct plx_pool *p, struct loose_chain c)
{
	uint64_t head = __atomic_load_n(&p->loose, __ATOMIC_RELAXED), next;

	if (!c.n)
		return;
	PLX_DASSERT(c.first && c.first <= p->frames && c.last && c.last <= p->frames);
	__atomic_fetch_add(&p->nloose, c.n, __ATOMIC_RELAXED);
	do {
		__atomic_store_n(&p->link[c.last - 1], (uint32_t)head, __ATOMIC_RELAXED);
		next = ((head >> 32) + 1) << 32 | c.first;
	} while (!__atomic_compare_exchange_n(&p->loose, &head, next, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static inline struct plx_mbuf *loose_pop(struct plx_pool *p)
{
	uint64_t head = __atomic_load_n(&p->loose, __ATOMIC_ACQUIRE), next;
	uint32_t at;

	do {
		if (!(uint32_t)head)
			return NULL;
		at = (uint32_t)head - 1;
		PLX_DASSERT(at < p->frames);
		next = ((head >> 32) + 1) << 32 | __atomic_load_n(&p->link[at], __ATOMIC_RELAXED); /* as in mag_pop */
	} while (!__atomic_compare_exchange_n(&p->loose, &head, next, true, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	__atomic_fetch_sub(&p->nloose, 1, __ATOMIC_RELAXED);
	return &p->mbufs[at];
}

#endif

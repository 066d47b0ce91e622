/* SPDX-License-Identifier: MIT */
/* pool.c - frames out of a pool and back.  Hot file: no allocation, no log, no system
   call; called by mbuf.c and the drivers.  Layout and audit live in pool_init.c.

   An lcore works on its own two magazines without any atomic read-modify-write; every
   PLX_MAGAZINE frames at most it exchanges one whole with the shared stacks. */
#include "thread.h"
#include "pool_impl.h"

enum { GUARD_TRIES = 1000 /* to enter the shared cache, some 10 us or more */ };

#ifdef PLX_HARDENED
void plx_frame_move(struct plx_mbuf *m, enum plx_frame_state from, enum plx_frame_state to)
{
	struct plx_pool *p = m->pool;

	PLX_ASSERT(m >= p->mbufs && m < p->mbufs + p->frames);
	/* an exchange, so that of two threads that both believe to own m one is caught */
	PLX_ASSERT(__atomic_exchange_n(&p->state[m - p->mbufs], (uint8_t)to, __ATOMIC_ACQ_REL) == from);
}
#endif

/* In a hardened build: n frames change hands.  They must be p's, and free ones clean. */
static inline void move(struct plx_pool *p, struct plx_mbuf **m, uint32_t n,
                        enum plx_frame_state from, enum plx_frame_state to)
{
#ifdef PLX_HARDENED
	for (uint32_t i = 0; i < n; i++) {
		PLX_ASSERT(m[i]->pool == p);
		PLX_ASSERT(!m[i]->next && m[i]->nsegs == 1 && m[i]->ref == 1);
		plx_frame_move(m[i], from, to);
	}
#else
	(void)p; (void)m; (void)n; (void)from; (void)to;
#endif
}

/* The calling lcore's cache; NULL for a thread that has none in p. */
static inline struct plx_pool_cache *own_cache(struct plx_pool *p)
{
	uint32_t i = plx_self.slot - p->first1; /* a slot below, and 0, wrap to no index */

	return plx_likely(i < p->caches) ? &p->cache[i] : NULL;
}

static inline uint32_t mag_take(struct plx_magazine *g, struct plx_mbuf **m, uint32_t n)
{
	uint32_t have = mag_count(g);

	if (n > have)
		n = have;
	PLX_DASSERT(n <= have);
	mag_set_count(g, have - n);
	plx_copy_ptrs(m, &g->frame[have - n], n);
	return n;
}

static inline uint32_t mag_give(struct plx_magazine *g, struct plx_mbuf **m, uint32_t n)
{
	uint32_t have = mag_count(g);

	if (n > PLX_MAGAZINE - have)
		n = PLX_MAGAZINE - have;
	PLX_DASSERT(have + n <= PLX_MAGAZINE);
	plx_copy_ptrs(&g->frame[have], m, n);
	mag_set_count(g, have + n);
	return n;
}

static inline void swap(struct plx_magazine **a, struct plx_magazine **b)
{
	struct plx_magazine *t = *a;

	*a = *b;
	*b = t;
}

static bool guard_try(struct plx_pool_cache *s)
{
	/* acquire: pairs with the release in guard_leave */
	return !__atomic_load_n(&s->guard, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&s->guard, 1, __ATOMIC_ACQUIRE);
}

static void guard_leave(struct plx_pool_cache *s)
{
	__atomic_store_n(&s->held, mag_count(s->loaded) + mag_count(s->spare), __ATOMIC_RELAXED);
	__atomic_store_n(&s->guard, 0, __ATOMIC_RELEASE);
}

/* An lcore with two empty magazines found no full one: have the other threads' cache
   give one up, so that frames which came back there are not lost to the lcores.  Tried
   once; a thread that is in there right now is not waited for. */
static bool rob_shared(struct plx_pool *p, struct plx_pool_cache *c)
{
	struct plx_pool_cache *s = &p->cache[p->caches];
	bool found;

	PLX_DASSERT(!mag_count(c->loaded));
	if (c == s || !__atomic_load_n(&s->held, __ATOMIC_RELAXED) || !guard_try(s))
		return false;
	if (mag_count(s->loaded))
		swap(&c->loaded, &s->loaded);
	else
		swap(&c->loaded, &s->spare);
	found = mag_count(c->loaded);
	guard_leave(s);
	return found;
}

/* c->loaded is empty: fill it with loose frames, as many as there are and it holds. */
PLX_COLD bool reload_loose(struct plx_pool *p, struct plx_pool_cache *c)
{
	struct plx_magazine *g = c->loaded;
	uint32_t n = 0;

	PLX_DASSERT(!mag_count(g));
	while (n < PLX_MAGAZINE && (g->frame[n] = loose_pop(p)))
		n++;
	mag_set_count(g, n);
	return n;
}

/* c->loaded is empty: make it hold frames.  False: there are none. */
static bool reload(struct plx_pool *p, struct plx_pool_cache *c)
{
	struct plx_magazine *g;

	PLX_DASSERT(!mag_count(c->loaded) && spare_is_whole(c));
	if (mag_count(c->spare)) {
		swap(&c->loaded, &c->spare);
		return true;
	}
	g = mag_pop(p, &p->full);
	if (!g)
		return reload_loose(p, c) || rob_shared(p, c);
	mag_push(p, &p->empty, c->spare);
	c->spare = c->loaded;
	c->loaded = g;
	return true;
}

/* c->loaded is full: make room in it.  Never fails: pool_init.c proves that an empty
   magazine is always there. */
static void unload(struct plx_pool *p, struct plx_pool_cache *c)
{
	struct plx_magazine *g;

	PLX_DASSERT(mag_count(c->loaded) == PLX_MAGAZINE && spare_is_whole(c));
	if (!mag_count(c->spare)) {
		swap(&c->loaded, &c->spare);
		return;
	}
	g = mag_pop(p, &p->empty);
	PLX_ASSERT(g); /* fails only if more frames came back than the pool has */
	mag_push(p, &p->full, c->spare);
	c->spare = c->loaded;
	c->loaded = g;
}

/* At most n / PLX_MAGAZINE + 3 rounds: each but the last moves all a magazine has. */
static uint32_t take_more(struct plx_pool *p, struct plx_pool_cache *c, struct plx_mbuf **m, uint32_t n)
{
	uint32_t got = 0;

	for (;;) {
		got += mag_take(c->loaded, m + got, n - got);
		if (got == n || !reload(p, c))
			return got;
	}
}

static void give_more(struct plx_pool *p, struct plx_pool_cache *c, struct plx_mbuf **m, uint32_t n)
{
	uint32_t done = 0;

	for (;;) {
		done += mag_give(c->loaded, m + done, n - done);
		if (done == n)
			return;
		unload(p, c);
	}
}

/* Threads without a cache of their own share the last one.  NULL: another is in it, and for
   longer than it takes to move a burst: it does not run, and it may not until we let it. */
static struct plx_pool_cache *guard_enter(struct plx_pool *p)
{
	struct plx_pool_cache *s = &p->cache[p->caches];

	for (int i = 0; i < GUARD_TRIES; i++) {
		if (guard_try(s))
			return s;
		plx_pause();
	}
	return NULL;
}

/* Without the shared cache.  A whole magazine comes off the stack: what n leaves of it becomes
   loose.  The magazine is back before its frames are, which keeps pool_init.c's count. */
PLX_COLD uint32_t take_loose(struct plx_pool *p, struct plx_mbuf **m, uint32_t n)
{
	struct plx_magazine *g;
	uint32_t got = 0;

	while (got < n && (m[got] = loose_pop(p)))
		got++;
	while (got < n && (g = mag_pop(p, &p->full))) {
		uint32_t some = mag_take(g, m + got, n - got), rest = mag_count(g);
		struct loose_chain chain = loose_link(p, g->frame, rest);

		mag_set_count(g, 0);
		mag_push(p, &p->empty, g);
		loose_push(p, chain);
		got += some;
	}
	return got;
}

PLX_COLD void give_loose(struct plx_pool *p, struct plx_mbuf **m, uint32_t n)
{
	loose_push(p, loose_link(p, m, n));
}

static __attribute__((noinline)) uint32_t take_shared(struct plx_pool *p, struct plx_mbuf **m, uint32_t n)
{
	struct plx_pool_cache *s = guard_enter(p);

	if (plx_unlikely(!s))
		return take_loose(p, m, n);
	n = take_more(p, s, m, n);
	guard_leave(s);
	return n;
}

static __attribute__((noinline)) void give_shared(struct plx_pool *p, struct plx_mbuf **m, uint32_t n)
{
	struct plx_pool_cache *s = guard_enter(p);

	if (plx_unlikely(!s)) {
		give_loose(p, m, n);
		return;
	}
	give_more(p, s, m, n);
	guard_leave(s);
}

uint16_t plx_pool_take(struct plx_pool *p, struct plx_mbuf **m, uint16_t n)
{
	struct plx_pool_cache *c = own_cache(p);
	uint32_t got;

	if (plx_likely(c && n <= mag_count(c->loaded)))
		got = mag_take(c->loaded, m, n);
	else
		got = c ? take_more(p, c, m, n) : take_shared(p, m, n);
	move(p, m, got, PLX_FRAME_POOL, PLX_FRAME_APP);
	return got;
}

void plx_pool_give(struct plx_pool *p, struct plx_mbuf **m, uint16_t n)
{
	struct plx_pool_cache *c = own_cache(p);

	move(p, m, n, PLX_FRAME_APP, PLX_FRAME_POOL);
	if (plx_likely(c && n <= PLX_MAGAZINE - mag_count(c->loaded)))
		mag_give(c->loaded, m, n);
	else if (c)
		give_more(p, c, m, n);
	else
		give_shared(p, m, n);
}

/* By way of the cache of the other threads: what stands in the shared stack has to be whole
   magazines (pool_init.c).  The frames stay in place in g while they are copied, and nobody
   else looks into it. */
static void flush_magazine(struct plx_pool *p, struct plx_magazine *g)
{
	uint32_t n = mag_count(g);

	mag_set_count(g, 0);
	give_shared(p, g->frame, n);
}

void plx_pool_flush(struct plx_pool *p)
{
	PLX_ASSERT(p);
	struct plx_pool_cache *c = own_cache(p);

	if (!c)
		return;
	flush_magazine(p, c->loaded);
	flush_magazine(p, c->spare);
}

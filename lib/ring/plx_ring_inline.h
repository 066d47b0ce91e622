/* SPDX-License-Identifier: MIT */
/* plx_ring_inline.h - layouts and code of the rings of plx_ring.h, which includes it.
   Hot: everything here but what is marked PLX_COLD is inlined into the caller. */
#ifndef PLX_RING_INLINE_H
#define PLX_RING_INLINE_H

#include "plx_ring.h"

#include <stdalign.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Begins a new line; with a gap behind the one before it, where two threads write, because
   the adjacent-line prefetcher fetches lines in pairs. */
#define PLX_RING_LINE alignas(PLX_CACHELINE)
#define PLX_RING_GAP(name) alignas(PLX_CACHELINE) char name[PLX_CACHELINE]

/* first slots from i on are left before the end of the array, fewer than n. */
PLX_COLD void plx_ring_fill_wrap_(void **slot, uint32_t i, void *const *objs, uint32_t first, uint32_t n)
{
	plx_copy_ptrs(slot + i, objs, first);
	plx_copy_ptrs(slot, objs + first, n - first);
}

PLX_COLD void plx_ring_drain_wrap_(void *const *slot, uint32_t i, void **objs, uint32_t first, uint32_t n)
{
	plx_copy_ptrs(objs, slot + i, first);
	plx_copy_ptrs(objs + first, slot, n - first);
}

static inline void plx_ring_fill(void **slot, uint32_t mask, uint32_t at, void *const *objs, uint32_t n)
{
	uint32_t i = at & mask, first = mask + 1 - i;

	PLX_DASSERT(n <= mask + 1);
	if (plx_likely(n <= first))
		plx_copy_ptrs(slot + i, objs, n);
	else
		plx_ring_fill_wrap_(slot, i, objs, first, n);
}

static inline void plx_ring_drain(void *const *slot, uint32_t mask, uint32_t at, void **objs, uint32_t n)
{
	uint32_t i = at & mask, first = mask + 1 - i;

	PLX_DASSERT(n <= mask + 1);
	if (plx_likely(n <= first))
		plx_copy_ptrs(objs, slot + i, n);
	else
		plx_ring_drain_wrap_(slot, i, objs, first, n);
}

/* ---- one producer, one consumer ----

   Each side keeps the other's index as it last saw it and looks again only when that
   does not suffice, so that a ring which is neither full nor empty moves one line
   between the CPUs for each line of slots, and no index. */
struct plx_spsc {
	PLX_RING_LINE uint32_t prod;    /* the producer writes this line */
	uint32_t cons_seen, prod_mask;
	PLX_RING_GAP(gap0);
	PLX_RING_LINE uint32_t cons;    /* the consumer writes this line */
	uint32_t prod_seen, cons_mask;
	PLX_RING_GAP(gap1);
	PLX_RING_LINE void *slot[];
};

static inline uint32_t plx_spsc_put_(struct plx_spsc *r, void *const *objs, uint32_t n, bool all)
{
	uint32_t prod = r->prod, size = r->prod_mask + 1;
	uint32_t room = size - (prod - r->cons_seen);

	PLX_DASSERT(room <= size);
	if (room < n) {
		/* acquire: the consumer has read the slots it freed; pairs with the
		   release in plx_spsc_get_ */
		r->cons_seen = __atomic_load_n(&r->cons, __ATOMIC_ACQUIRE);
		room = size - (prod - r->cons_seen);
		PLX_DASSERT(room <= size);
		if (room < n) {
			if (all || !room)
				return 0;
			n = room;
		}
	}
	PLX_DASSERT(n <= room);
	if (n == 1) /* a burst of one is as common as 32, and half of it would be branches */
		r->slot[prod & (size - 1)] = objs[0];
	else
		plx_ring_fill(r->slot, size - 1, prod, objs, n);
	/* release: the slots before the index; pairs with the acquire in plx_spsc_get_ */
	__atomic_store_n(&r->prod, prod + n, __ATOMIC_RELEASE);
	return n;
}

static inline uint32_t plx_spsc_get_(struct plx_spsc *r, void **objs, uint32_t n, bool all)
{
	uint32_t cons = r->cons;
	uint32_t used = r->prod_seen - cons;

	PLX_DASSERT(used <= r->cons_mask + 1);
	if (used < n) {
		/* acquire: pairs with the release in plx_spsc_put_ */
		r->prod_seen = __atomic_load_n(&r->prod, __ATOMIC_ACQUIRE);
		used = r->prod_seen - cons;
		PLX_DASSERT(used <= r->cons_mask + 1);
		if (used < n) {
			if (all || !used)
				return 0;
			n = used;
		}
	}
	PLX_DASSERT(n <= used);
	if (n == 1)
		objs[0] = r->slot[cons & r->cons_mask];
	else
		plx_ring_drain(r->slot, r->cons_mask, cons, objs, n);
	/* release: pairs with the acquire in plx_spsc_put_ */
	__atomic_store_n(&r->cons, cons + n, __ATOMIC_RELEASE);
	return n;
}

/* The calls of both rings.  put: a prefix of objs[0,n) is the ring's, the rest stays the
   caller's.  get: objs[0, returned) are the caller's.  See plx_ring.h. */
static inline uint32_t plx_spsc_put_burst(struct plx_spsc *r, void *const *objs, uint32_t n)
{
	return plx_spsc_put_(r, objs, n, false);
}
static inline uint32_t plx_spsc_put_bulk(struct plx_spsc *r, void *const *objs, uint32_t n)
{
	return plx_spsc_put_(r, objs, n, true);
}
static inline uint32_t plx_spsc_get_burst(struct plx_spsc *r, void **objs, uint32_t n)
{
	return plx_spsc_get_(r, objs, n, false);
}
static inline uint32_t plx_spsc_get_bulk(struct plx_spsc *r, void **objs, uint32_t n)
{
	return plx_spsc_get_(r, objs, n, true);
}

/* Entries in the ring and free slots.  Any thread; the consumer finds at least count
   entries and the producer at least room slots. */
static inline uint32_t plx_spsc_count(const struct plx_spsc *r)
{
	/* cons first: what a later look at prod sees is never behind it */
	uint32_t cons = __atomic_load_n(&r->cons, __ATOMIC_ACQUIRE);
	uint32_t used = __atomic_load_n(&r->prod, __ATOMIC_ACQUIRE) - cons;

	return used <= r->cons_mask ? used : r->cons_mask + 1;
}
static inline uint32_t plx_spsc_room(const struct plx_spsc *r)
{
	return r->prod_mask + 1 - plx_spsc_count(r);
}

/* ---- any number of producers and consumers ----

   Both sides are alike: a thread claims an interval by advancing its side's head, fills
   or drains the slots, and then the side's tail passes over the interval, in order.

          cons.tail       cons.head    prod.tail      prod.head
     ......[being drained][ A  B  C  D ][being filled]......

   A thread that is done while an earlier interval is not (its thread was preempted)
   does not wait as in other rings of this kind.  It leaves a note where its interval
   starts and goes; whoever next finds the tail standing at a note takes it and moves
   the tail on.  So a preempted thread makes nobody spin: what was put behind its interval
   stays unseen until it runs again, and the ring works on until it is full.

   claim: the head (high half) and the other side's tail as last seen (low half) in one
   word, changed together, so that the seen tail fits the head.  While it suffices,
   the other side's line is not touched and a claim adds n to the high half, whose carry
   falls off the word. */
struct plx_mpmc_side {
	PLX_RING_LINE uint64_t claim;
	uint64_t *note;                /* mask + 1 of start << 32 | length; 0 = none */
	uint32_t mask;
	PLX_RING_GAP(gap0);
	PLX_RING_LINE uint32_t tail;
	PLX_RING_GAP(gap1);
};

struct plx_mpmc {
	struct plx_mpmc_side prod, cons;
	PLX_RING_LINE void *slot[];
};

/* The tail of s, after taking the notes that stand at it; at most one a slot. */
PLX_COLD uint32_t plx_mpmc_tail_(struct plx_mpmc_side *s)
{
	/* acquire: the slots up to the tail are filled, or drained; pairs with the
	   releases here and in plx_mpmc_done_ */
	uint32_t tail = __atomic_load_n(&s->tail, __ATOMIC_ACQUIRE);

	for (;;) {
		uint64_t *note = &s->note[tail & s->mask];
		uint64_t seen = __atomic_load_n(note, __ATOMIC_RELAXED);

		if (plx_likely(!seen) || (uint32_t)(seen >> 32) != tail)
			return tail;
		/* Who takes the note moves the tail, alone: no one else may pass this
		   interval.  The start in it tells it from a note of a later lap. */
		if (!__atomic_compare_exchange_n(note, &seen, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return tail;
		PLX_DASSERT((uint32_t)seen && (uint32_t)seen <= s->mask + 1);
		tail += (uint32_t)seen;
		__atomic_store_n(&s->tail, tail, __ATOMIC_RELEASE);
	}
}

/* The caller has filled or drained its interval of s, n slots from start. */
static inline void plx_mpmc_done_(struct plx_mpmc_side *s, uint32_t start, uint32_t n)
{
	/* nobody passes the tail over an interval but who has it */
	PLX_DASSERT(n && start - __atomic_load_n(&s->tail, __ATOMIC_RELAXED) + n <= s->mask + 1);
	/* acquire: what the threads before us did goes along with our release */
	if (plx_likely(__atomic_load_n(&s->tail, __ATOMIC_ACQUIRE) == start)) {
		__atomic_store_n(&s->tail, start + n, __ATOMIC_RELEASE);
		return;
	}
	/* release: pairs with the acquire of who takes it */
	__atomic_store_n(&s->note[start & s->mask], (uint64_t)start << 32 | n, __ATOMIC_RELEASE);
	plx_mpmc_tail_(s); /* keeps the notes few; for safety the look of who needs them is enough */
}

/* Claims up to n slots of side s, whose intervals end where other's tail plus lead stands.
   Returns the count; *start is the first.  Retries only when another thread of the same
   side has claimed meanwhile. */
static inline uint32_t plx_mpmc_claim_(struct plx_mpmc_side *s, struct plx_mpmc_side *other,
                                       uint32_t lead, uint32_t n, bool all, uint32_t *start)
{
	/* acquire: a tail that another thread saw counts as seen by us */
	uint64_t claim = __atomic_load_n(&s->claim, __ATOMIC_ACQUIRE);
	uint64_t to;
	uint32_t head, seen, room, k;

	do {
		*start = head = (uint32_t)(claim >> 32);
		room = (uint32_t)claim + lead - head;
		to = claim + ((uint64_t)n << 32);
		k = n;
		if (room < n) {
			/* acquire: as in plx_mpmc_tail_ */
			seen = __atomic_load_n(&other->tail, __ATOMIC_ACQUIRE);
			room = seen + lead - head;
			if (plx_unlikely(room < n)) {
				seen = plx_mpmc_tail_(other);
				room = seen + lead - head;
				if (room < n) {
					if (all || !room)
						return 0;
					k = room;
				}
			}
			to = (uint64_t)(head + k) << 32 | seen;
		}
	} while (!__atomic_compare_exchange_n(&s->claim, &claim, to, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	/* the other side's tail may pass an old head, but not one that stands */
	PLX_DASSERT(k <= room && room <= s->mask + 1);
	return k;
}

static inline uint32_t plx_mpmc_put_(struct plx_mpmc *r, void *const *objs, uint32_t n, bool all)
{
	uint32_t start, mask = r->prod.mask;

	if (n == 1) { /* hardly more than the exchange: a branch more would show */
		if (!plx_mpmc_claim_(&r->prod, &r->cons, mask + 1, 1, true, &start))
			return 0;
		r->slot[start & mask] = objs[0];
		plx_mpmc_done_(&r->prod, start, 1);
		return 1;
	}
	n = plx_mpmc_claim_(&r->prod, &r->cons, mask + 1, n, all, &start);
	if (plx_likely(n)) {
		plx_ring_fill(r->slot, mask, start, objs, n);
		plx_mpmc_done_(&r->prod, start, n);
	}
	return n;
}

static inline uint32_t plx_mpmc_get_(struct plx_mpmc *r, void **objs, uint32_t n, bool all)
{
	uint32_t start;

	if (n == 1) {
		uint32_t mask = r->cons.mask; /* before the exchange: no load passes it */

		if (!plx_mpmc_claim_(&r->cons, &r->prod, 0, 1, true, &start))
			return 0;
		objs[0] = r->slot[start & mask];
		plx_mpmc_done_(&r->cons, start, 1);
		return 1;
	}
	n = plx_mpmc_claim_(&r->cons, &r->prod, 0, n, all, &start);
	if (plx_likely(n)) {
		plx_ring_drain(r->slot, r->cons.mask, start, objs, n);
		plx_mpmc_done_(&r->cons, start, n);
	}
	return n;
}

static inline uint32_t plx_mpmc_put_burst(struct plx_mpmc *r, void *const *objs, uint32_t n)
{
	return plx_mpmc_put_(r, objs, n, false);
}
static inline uint32_t plx_mpmc_put_bulk(struct plx_mpmc *r, void *const *objs, uint32_t n)
{
	return plx_mpmc_put_(r, objs, n, true);
}
static inline uint32_t plx_mpmc_get_burst(struct plx_mpmc *r, void **objs, uint32_t n)
{
	return plx_mpmc_get_(r, objs, n, false);
}
static inline uint32_t plx_mpmc_get_bulk(struct plx_mpmc *r, void **objs, uint32_t n)
{
	return plx_mpmc_get_(r, objs, n, true);
}

/* count: entries put, or being put this moment, that no consumer has claimed: never 0
   while there is something to come, so that a consumer may sleep on 0.  room: slots
   that are surely free.  Both are only estimates while others use the ring. */
static inline uint32_t plx_mpmc_count(const struct plx_mpmc *r)
{
	/* cons first: what a later look at prod sees is never behind it */
	uint32_t cons = (uint32_t)(__atomic_load_n(&r->cons.claim, __ATOMIC_ACQUIRE) >> 32);
	uint32_t used = (uint32_t)(__atomic_load_n(&r->prod.claim, __ATOMIC_ACQUIRE) >> 32) - cons;

	return used <= r->prod.mask ? used : r->prod.mask + 1;
}
/* Entries that were put, or are being put this moment, since plx_mpmc_init; modulo 2^32. */
static inline uint32_t plx_mpmc_puts(const struct plx_mpmc *r)
{
	return (uint32_t)(__atomic_load_n(&r->prod.claim, __ATOMIC_ACQUIRE) >> 32);
}
static inline uint32_t plx_mpmc_room(struct plx_mpmc *r)
{
	uint32_t cons = plx_mpmc_tail_(&r->cons);
	uint32_t used = (uint32_t)(__atomic_load_n(&r->prod.claim, __ATOMIC_ACQUIRE) >> 32) - cons;

	return used <= r->prod.mask ? r->prod.mask + 1 - used : 0;
}

#ifdef __cplusplus
}
#endif
#endif

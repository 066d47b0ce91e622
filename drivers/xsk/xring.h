/* SPDX-License-Identifier: MIT */
/* xring.h - one of the four rings of an AF_XDP socket, seen from user space; hot.

        cons                prod
   ......[A  B  C  D  E]........    slot = index & mask;  0 <= prod - cons <= mask + 1

   fill, tx:          we write prod (head), the kernel writes cons (peer)
   rx, completion:    we write cons (head), the kernel writes prod (peer)

   Indices run free and wrap at 2^32; they meet only in an unsigned difference.  The
   kernel is not trusted with it: a difference beyond the ring reads as nothing there.  What reserve or
   peek has granted stays ours whatever the kernel says later, and submit and release move over no more. */
#ifndef XRING_H
#define XRING_H

#include "plx_defs.h"
#include "uapi.h"

struct xring {
	uint32_t *ours;   /* the index we publish */
	uint32_t *theirs; /* the index the kernel publishes */
	uint32_t *flags;  /* XDP_RING_NEED_WAKEUP */
	void     *slots;  /* struct xdp_desc (rx, tx) or uint64_t (fill, completion) */
	uint32_t  mask;
	uint32_t  head;   /* *ours, and what we have done since */
	uint32_t  peer;   /* *theirs as last seen */
	uint32_t  granted; /* hardened: slots from head on that are ours */
};

/* Hardened builds: n slots from head on are ours; n of them are done with. */
static inline uint32_t xring_grant(struct xring *r, uint32_t n)
{
#ifdef PLX_HARDENED
	PLX_ASSERT(n <= r->mask + 1);
	r->granted = n > r->granted ? n : r->granted;
#else
	(void)r;
#endif
	return n;
}
static inline void xring_spend(struct xring *r, uint32_t n)
{
#ifdef PLX_HARDENED
	PLX_ASSERT(n <= r->granted);
	r->granted -= n;
#else
	(void)r; (void)n;
#endif
}

static inline struct xdp_desc *xring_desc(const struct xring *r, uint32_t i)
{
	return (struct xdp_desc *)r->slots + (i & r->mask);
}
static inline uint64_t *xring_addr(const struct xring *r, uint32_t i)
{
	return (uint64_t *)r->slots + (i & r->mask);
}

/* Producer: slots that may be written from head on, at most n. */
static inline uint32_t xring_reserve(struct xring *r, uint32_t n)
{
	uint32_t size = r->mask + 1, used = r->head - r->peer;

	if (plx_unlikely(used > size || size - used < n)) {
		/* acquire: the kernel is done reading the slots; pairs with its release of the
		   consumer (__xskq_cons_release, net/xdp/xsk_queue.h) */
		r->peer = __atomic_load_n(r->theirs, __ATOMIC_ACQUIRE);
		used = r->head - r->peer;
		if (plx_unlikely(used > size))
			return 0;
	}
	return xring_grant(r, size - used < n ? size - used : n);
}

/* Producer: publish n slots written from head on. */
static inline void xring_submit(struct xring *r, uint32_t n)
{
	xring_spend(r, n);
	r->head += n;
	/* release: slots before index; pairs with the kernel's acquire of the producer
	   (__xskq_cons_peek) */
	__atomic_store_n(r->ours, r->head, __ATOMIC_RELEASE);
}

/* Consumer: slots that may be read from head on, at most n. */
static inline uint32_t xring_peek(struct xring *r, uint32_t n)
{
	uint32_t have = r->peer - r->head;

	if (have < n) {
		/* acquire: pairs with the kernel's release of the producer (__xskq_prod_submit) */
		r->peer = __atomic_load_n(r->theirs, __ATOMIC_ACQUIRE);
		have = r->peer - r->head;
	}
	if (plx_unlikely(have > r->mask + 1))
		return 0;
	return xring_grant(r, have < n ? have : n);
}

/* Consumer: hand n slots from head on back. */
static inline void xring_release(struct xring *r, uint32_t n)
{
	xring_spend(r, n);
	r->head += n;
	/* release: our reads before the index; pairs with the kernel's acquire of the
	   consumer (xskq_prod_nb_free) */
	__atomic_store_n(r->ours, r->head, __ATOMIC_RELEASE);
}

/* Producer: entries the kernel has not taken yet, now. */
static inline uint32_t xring_unread(struct xring *r)
{
	r->peer = __atomic_load_n(r->theirs, __ATOMIC_ACQUIRE);
	return r->head - r->peer;
}

/* Does the kernel sleep?  For who asks again soon: an answer a moment old will do. */
static inline bool xring_flagged(const struct xring *r)
{
	return __atomic_load_n(r->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP;
}

/* Does the kernel want a system call to go on?  The store again, sequentially consistent,
   orders our index before the flag: either we see the flag or the kernel, which sets it
   before it looks a last time, sees the index. */
static inline bool xring_wants_wakeup(struct xring *r)
{
	__atomic_store_n(r->ours, r->head, __ATOMIC_SEQ_CST);
	return __atomic_load_n(r->flags, __ATOMIC_SEQ_CST) & XDP_RING_NEED_WAKEUP;
}

#endif

/* SPDX-License-Identifier: MIT */
/* mbuf.c - packets out of a pool and back, references, and the bytes around the data.
   Hot file: no allocation, no log, no system call.  What walks or copies packets is in
   mbuf_chain.c. */
#include "plx_pool.h"
#include <errno.h>

static_assert(PLX_PORTS_MAX <= 1 << 8 * sizeof(((struct plx_mbuf *)0)->port), "each port's id fits an mbuf");
static_assert(PLX_QUEUES_MAX <= 1 << 8 * sizeof(((struct plx_mbuf *)0)->queue), "each queue's number too");

/* m is one unshared segment: all there is to do is to give its frame back.  acquire:
   the other owners' reads are over before the frame is used again; pairs with the
   release in drop_ref. */
static inline bool is_plain(const struct plx_mbuf *m)
{
	PLX_DASSERT(__atomic_load_n(&m->ref, __ATOMIC_RELAXED)); /* else it is free, or put too often */
	return !m->next && __atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) == 1;
}

static inline uint8_t *fresh_data(const struct plx_pool *p, const struct plx_mbuf *m)
{
	return p->area + plx_pool_frame_off(p, m) + p->data_off;
}

struct plx_mbuf *plx_mbuf_get(struct plx_pool *pool)
{
	struct plx_mbuf *m;

	if (plx_unlikely(!plx_pool_take(pool, &m, 1)))
		return NULL;
	plx_mbuf_reset(m, fresh_data(pool, m));
	return m;
}

/* Where the data of a pool's frames stand, for a loop to keep in registers: for all that the compiler knows, what it
   stores could be to the pool. */
struct place {
	uint8_t *first;   /* in the first frame */
	uintptr_t mbufs;
	unsigned shift;
};

static inline struct place place_of(const struct plx_pool *p, uint16_t data_off)
{
	return (struct place){
		.first = p->area + data_off, .mbufs = (uintptr_t)p->mbufs,
		.shift = p->shift - (unsigned)__builtin_ctz(sizeof(*p->mbufs)), /* as plx_pool_frame_off has it */
	};
}

static inline uint8_t *place_in(struct place at, const struct plx_mbuf *m)
{
	return at.first + (((uintptr_t)m - at.mbufs) << at.shift);
}

uint16_t plx_mbuf_get_bulk(struct plx_pool *pool, struct plx_mbuf **m, uint16_t n)
{
	n = plx_pool_take(pool, m, n);
	const struct place at = place_of(pool, pool->data_off);

	for (uint16_t i = 0; i < n; i++)
		plx_mbuf_reset(m[i], place_in(at, m[i]));
	return n;
}

uint16_t plx_mbuf_get_bulk_at(struct plx_pool *pool, struct plx_mbuf **m, uint16_t n, uint16_t data_off)
{
	PLX_DASSERT(data_off >= PLX_POOL_L2_ROOM && data_off <= pool->frame_size);
	n = plx_pool_take(pool, m, n);
	const struct place at = place_of(pool, data_off);

	for (uint16_t i = 0; i < n; i++) {
		struct plx_mbuf *const b = m[i];

		b->data = place_in(at, b);
		plx_mbuf_forget(b);
	}
	return n;
}

/* True when the caller was the last owner of m; ref is then 1 again. */
static bool drop_ref(struct plx_mbuf *m)
{
	PLX_DASSERT(__atomic_load_n(&m->ref, __ATOMIC_RELAXED));
	if (__atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) == 1)
		return true;
	/* acquire and release: pairs with itself in the other owners */
	if (__atomic_sub_fetch(&m->ref, 1, __ATOMIC_ACQ_REL))
		return false;
	__atomic_store_n(&m->ref, 1, __ATOMIC_RELAXED);
	return true;
}

/* A chain or a shared packet.  At most 255 rounds: plx_mbuf_chain counts segments. */
static void put_chain(struct plx_mbuf *m)
{
	while (m) {
		struct plx_mbuf *next = m->next; /* read while we are still an owner */

		PLX_DASSERT(next != m);
		if (drop_ref(m)) {
			m->next = NULL;
			m->nsegs = 1;
			plx_pool_give(m->pool, &m, 1);
		}
		m = next;
	}
}

void plx_mbuf_put(struct plx_mbuf *m)
{
	if (plx_unlikely(!m))
		return;
	if (plx_likely(is_plain(m)))
		plx_pool_give(m->pool, &m, 1);
	else
		put_chain(m);
}

void plx_mbuf_put_bulk(struct plx_mbuf **m, uint16_t n)
{
	uint16_t i = 0;

	/* runs of plain mbufs of one pool go back in one call, straight from m[] */
	while (i < n) {
		uint16_t start = i;

		while (i < n && m[i] && is_plain(m[i]) && m[i]->pool == m[start]->pool)
			i++;
		if (i > start)
			plx_pool_give(m[start]->pool, m + start, (uint16_t)(i - start));
		else
			put_chain(m[i++]);
	}
}

void plx_mbuf_ref(struct plx_mbuf *m, uint16_t n)
{
	for (; m; m = m->next) {
		/* relaxed: the caller is an owner, so the count cannot reach 0 meanwhile */
		uint8_t was = __atomic_fetch_add(&m->ref, (uint8_t)n, __ATOMIC_RELAXED);

		PLX_ASSERT(was && (uint32_t)was + n <= UINT8_MAX);
	}
}

uint8_t *plx_mbuf_frame(const struct plx_mbuf *m)
{
	return m->pool->area + plx_pool_frame_off(m->pool, m);
}

/* Bytes of the frame before the data: headroom and L2 room. */
static inline uint32_t before(const struct plx_mbuf *m)
{
	const uint8_t *frame = plx_mbuf_frame(m);

	PLX_DASSERT(m->data >= frame && m->data + m->len <= frame + m->pool->frame_size);
	return (uint32_t)(m->data - frame);
}

uint16_t plx_mbuf_headroom(const struct plx_mbuf *m)
{
	uint32_t room = before(m);

	return room > PLX_POOL_L2_ROOM ? (uint16_t)(room - PLX_POOL_L2_ROOM) : 0;
}

uint16_t plx_mbuf_tailroom(const struct plx_mbuf *m)
{
	PLX_DASSERT(before(m) + m->len <= m->pool->frame_size);
	return (uint16_t)(m->pool->frame_size - before(m) - m->len);
}

static inline uint8_t *prepend(struct plx_mbuf *m, uint16_t n)
{
	m->data -= n;
	m->len += n;
	m->pkt_len += n;
	return m->data;
}

uint8_t *plx_mbuf_prepend(struct plx_mbuf *m, uint16_t n)
{
	return n <= plx_mbuf_headroom(m) ? prepend(m, n) : NULL;
}

uint8_t *plx_mbuf_prepend_l2(struct plx_mbuf *m, uint16_t n)
{
	return n <= before(m) ? prepend(m, n) : NULL;
}

uint8_t *plx_mbuf_adj(struct plx_mbuf *m, uint16_t n)
{
	PLX_DASSERT(m->len <= m->pkt_len);
	if (n > m->len)
		return NULL;
	m->data += n;
	m->len -= n;
	m->pkt_len -= n;
	return m->data;
}

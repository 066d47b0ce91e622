/* SPDX-License-Identifier: MIT */
/* rxtx.c - the bursts of the af_xdp driver.  Hot file: bounded loops, no allocation, no
   log, no system call but the doorbell.  Called by the queue's lcore; the last two by the
   main thread when the queue is at rest.

   Every frame that the kernel hands out is looked up in the ledger (af_xdp.h) first. */
#include "af_xdp.h"
#include "plx_net.h"

#include <errno.h>

enum {
	KIB         = 1024,    /* pieces of frames have whole ones */
	REFILL      = 64,      /* frames taken from the pool at a time */
	OWN_MAX     = 127,     /* descriptors one frame can be in at once */
	OWN_MOVED   = 128,     /* hardened, beside them: the frame was ours alone when it was sent */
	WAKE_GAP_NS = 5000,    /* least time between wake-ups of one fill ring: each is a NAPI pass */
};

static_assert(!(OWN_MAX & OWN_MOVED) && (OWN_MAX | OWN_MOVED) <= UINT8_MAX, "the ledger has a byte for each frame");
static_assert(REFILL <= UINT16_MAX && PLX_BURST_MAX % REFILL == 0, "a burst is refilled by whole pieces");

static inline bool is_open(const uint32_t *gate)
{
	/* relaxed: it was this thread that opened it, or that will say PARKED */
	return plx_likely(__atomic_load_n(gate, __ATOMIC_RELAXED) == AX_OPEN);
}

/* ---- receive ---- */

/* ax_rx_refill posts frames until the kernel has q->target of them, at most one burst.
   Returns how many.  With an empty pool the ring stays short; the next call tries again. */
uint32_t ax_rx_refill(struct ax_rxq *q)
{
	uint32_t want = q->target - q->posted, done = 0, k = 0;
	struct plx_mbuf *m[REFILL];

	PLX_DASSERT(q->posted <= q->target);
	want = xring_reserve(&q->fill, want < PLX_BURST_MAX ? want : PLX_BURST_MAX);
	for (; done < want; done += k) {
		uint32_t n = want - done < REFILL ? want - done : REFILL;
		k = plx_pool_take(q->base.pool, m, (uint16_t)n);
		for (uint32_t i = 0; i < k; i++) {
			uint32_t f = (uint32_t)(m[i] - q->mbufs);
			PLX_DASSERT(f < q->frames && !q->own[f]);
			plx_frame_move(m[i], PLX_FRAME_APP, PLX_FRAME_RX);
			q->own[f] = 1;
			*xring_addr(&q->fill, q->fill.head + i) = (uint64_t)f << q->shift;
		}
		xring_submit(&q->fill, k);
		if (k < n) {
			done += k;
			break;
		}
	}
	q->posted += done;
	PLX_DASSERT(done <= want && q->posted <= q->target);
	/* a frame that is missing counts once, not once a poll */
	uint32_t missing = done < want ? q->target - q->posted : 0;
	if (plx_unlikely(missing > q->missing))
		plx_ctr_add(&q->base.stats.pool_waits, missing - q->missing);
	q->missing = missing;
	return done;
}

/* A zero-copy driver that ran out of frames went to sleep and says so. */
static __attribute__((noinline)) void rx_wake(struct ax_rxq *q)
{
	const struct plx_sys *sys = q->sock->sys;

	if (!xring_unread(&q->fill))
		return;
	uint64_t now = plx_sys_now(sys);
	if (now - q->woken < WAKE_GAP_NS || ax_wait(&q->trouble, now))
		return;
	q->woken = now;
	plx_ctr_add(&q->base.stats.kicks, 1);
	int err = sys->recvfrom(q->sock->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL) < 0 ? errno : 0;
	ax_trouble(&q->trouble, q->sock, err, now);
}

/* The sign of life of this queue.  The lcore's loop has read the clock. */
static inline void rx_alive(struct ax_rxq *q)
{
	const uint64_t now = plx_self.now;

	if (plx_unlikely(!now))
		ax_rx_move_elsewhere(q);
	else if (plx_unlikely(now - q->moved >= q->move_gap))
		ax_rx_move(q, now);
}

static inline void rx_drop(struct ax_rxq *q, enum plx_rx_drop why)
{
	plx_ctr_add(&q->base.stats.drop[why], 1);
}

/* The mbuf of a received descriptor, ours from here on; NULL if it is not one of the frames we
   posted or leaves its frame.  The caller counts it: a packet of several is one drop. */
static inline struct plx_mbuf *rx_take(struct ax_rxq *q, const struct xdp_desc *d, struct plx_rx_like like)
{
	uint64_t f = d->addr >> q->shift, off = d->addr & (q->frame_size - 1);

	if (plx_unlikely(f >= q->frames || !q->own[f]))
		return NULL;
	struct plx_mbuf *m = &q->mbufs[f];
	PLX_DASSERT(q->own[f] == 1 && q->posted && !m->next && m->nsegs == 1);
	q->own[f] = 0;
	q->posted--;
	plx_frame_move(m, PLX_FRAME_RX, PLX_FRAME_APP);
	if (plx_unlikely(!d->len || off + d->len > q->frame_size)) {
		plx_pool_give(q->base.pool, &m, 1);
		return NULL;
	}
	m->data = q->area + d->addr;
	plx_rx_set(m, like);
	m->pkt_len = d->len;
	m->len = (uint16_t)d->len;
	PLX_DASSERT(m->len == m->pkt_len && plx_pool_mbuf_at(q->base.pool, d->addr) == m);
	return m;
}

static inline uint16_t rx_done(struct ax_rxq *q, uint32_t descs, uint16_t pkts, uint64_t bytes)
{
	struct plx_rxq_stats *s = &q->base.stats;

	PLX_DASSERT(pkts <= descs && !bytes == !pkts);
	if (descs)
		xring_release(&q->rx, descs);
	if (q->posted < q->target)
		ax_rx_refill(q);
	/* packets of several buffers: as many go back as were taken */
	while (plx_unlikely(descs > PLX_BURST_MAX) && ax_rx_refill(q))
		descs -= PLX_BURST_MAX;
	rx_alive(q);
	plx_ctr_add(&s->bursts, 1);
	if (!pkts) {
		plx_ctr_add(&s->empty, 1);
		return 0;
	}
	plx_ctr_add(&s->pkts, pkts);
	plx_ctr_add(&s->bytes, bytes);
	return pkts;
}

/* One buffer, one packet.  This and rx_multi are bursts of copy mode, and in line in those of zero-copy. */
static inline __attribute__((always_inline)) uint16_t rx_plain(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_rxq *q = ax_rxq(base);

	if (!is_open(&q->gate))
		return ax_rx_shut(base, m, n);
	uint32_t have = xring_peek(&q->rx, n < PLX_BURST_MAX ? n : PLX_BURST_MAX), at = q->rx.head;
	const struct plx_rx_like like = plx_rx_like(&q->base, 0);
	uint64_t bytes = 0;
	uint16_t k = 0;

	for (uint32_t i = 0; i < have; i++) {
		struct xdp_desc d = *xring_desc(&q->rx, at + i); /* once: the memory is shared */
		m[k] = rx_take(q, &d, like);
		if (plx_unlikely(!m[k])) {
			rx_drop(q, PLX_RX_DROP_bad_desc);
			continue;
		}
		bytes += d.len;
		k++;
	}
	return rx_done(q, have, k, bytes);
}

/* A packet in several buffers: all but the last say that it goes on.  What came in part
   stays in q->chain until the rest is there; a bad buffer spoils its whole packet.
   Returns the packet that x ends, or NULL. */
static struct plx_mbuf *rx_chain(struct ax_rxq *q, struct plx_mbuf *x, bool last)
{
	struct plx_mbuf *head = q->chain;

	PLX_DASSERT(!head || (q->tail && !q->tail->next && head->nsegs && !q->chain_bad));
	if (plx_unlikely(!x || q->chain_bad || (head && head->nsegs == UINT8_MAX))) {
		if (!q->chain_bad)
			rx_drop(q, x ? PLX_RX_DROP_long_frame : PLX_RX_DROP_bad_desc);
		plx_mbuf_put(head);
		plx_mbuf_put(x);
		q->chain = NULL;
		q->chain_bad = !last;
		return NULL;
	}
	if (!head) {
		head = x;
	} else {
		q->tail->next = x;
		head->pkt_len += x->len;
		head->nsegs++;
	}
	q->tail = x;
	q->chain = last ? NULL : head;
	return last ? head : NULL;
}

static inline __attribute__((always_inline)) uint16_t rx_multi(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_rxq *q = ax_rxq(base);

	if (!is_open(&q->gate))
		return ax_rx_shut(base, m, n);
	uint32_t have = xring_peek(&q->rx, q->rx.mask + 1), at = q->rx.head, i = 0;
	const struct plx_rx_like like = plx_rx_like(&q->base, 0);
	uint64_t bytes = 0;
	uint16_t k = 0;

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	for (; i < have && k < n; i++) {
		struct xdp_desc d = *xring_desc(&q->rx, at + i);
		m[k] = rx_chain(q, rx_take(q, &d, like), !(d.options & XDP_PKT_CONTD));
		if (!m[k])
			continue;
		bytes += m[k]->pkt_len;
		k++;
	}
	return rx_done(q, i, k, bytes);
}

/* One look a burst for frames that come in pieces: the first frame stands at the beginning of one, or
   that of the next burst does. */
static uint16_t rx_zc_plain(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_rxq *q = ax_rxq(base);

	n = rx_plain(base, m, n);
	if (plx_unlikely(n && !(m[0]->len % KIB)))
		ax_rx_suspect(q, m[0]);
	if (is_open(&q->gate) && plx_unlikely(xring_flagged(&q->fill)))
		rx_wake(q);
	return n;
}

static uint16_t rx_zc_multi(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_rxq *q = ax_rxq(base);

	n = rx_multi(base, m, n);
	if (plx_unlikely(n && !(m[0]->len % KIB)))
		ax_rx_suspect(q, m[0]);
	if (is_open(&q->gate) && plx_unlikely(xring_flagged(&q->fill)))
		rx_wake(q);
	return n;
}

void ax_rx_choose(struct ax_rxq *q)
{
	if (q->sock->kind.zc)
		q->base.burst = q->sg ? rx_zc_multi : rx_zc_plain;
	else
		q->base.burst = q->sg ? rx_multi : rx_plain;
}

/* ---- transmit: completions ---- */

static inline void own_tx(struct ax_txq *q, struct plx_mbuf *m)
{
	uint8_t *own = &q->own[m - q->mbufs];

	PLX_DASSERT((uint64_t)(m - q->mbufs) < q->frames && (*own & OWN_MAX) < OWN_MAX);
	(*own)++;
#ifdef PLX_HARDENED
	if (__atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) == 1) {
		plx_frame_move(m, PLX_FRAME_APP, PLX_FRAME_TX);
		*own |= OWN_MOVED;
	}
#endif
}

/* One descriptor of m is done.  True if that was its last owner: m is clean and free. */
static inline bool disown_tx(uint8_t *own, struct plx_mbuf *m)
{
	PLX_DASSERT(*own & OWN_MAX);
	(*own)--;
#ifdef PLX_HARDENED
	if (*own == OWN_MOVED) {
		plx_frame_move(m, PLX_FRAME_TX, PLX_FRAME_APP);
		*own = 0;
	}
#endif
	/* acquire and release: pair with the other owners' in mbuf.c */
	if (plx_unlikely(__atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) != 1)) {
		if (__atomic_sub_fetch(&m->ref, 1, __ATOMIC_ACQ_REL))
			return false;
		__atomic_store_n(&m->ref, 1, __ATOMIC_RELAXED);
	}
	m->next = NULL;
	m->nsegs = 1;
	return true;
}

/* ax_tx_reap gives the frames of up to n completions back.  Returns the completions. */
uint32_t ax_tx_reap(struct ax_txq *q, uint32_t n)
{
	uint32_t have = xring_peek(&q->comp, n), at = q->comp.head, k = 0;
	struct plx_mbuf *done[REFILL];

	for (uint32_t i = 0; i < have; i++) {
		uint64_t f = *xring_addr(&q->comp, at + i) >> q->shift;
		if (plx_unlikely(f >= q->frames || !q->own[f])) {
			plx_ctr_add(&q->bad_completions, 1);
			continue;
		}
		PLX_DASSERT(q->in_flight);
		q->in_flight--;
		if (plx_likely(disown_tx(&q->own[f], &q->mbufs[f])))
			done[k++] = &q->mbufs[f];
		if (k == REFILL) {
			plx_pool_give(q->base.pool, done, (uint16_t)k);
			k = 0;
		}
	}
	if (k)
		plx_pool_give(q->base.pool, done, (uint16_t)k);
	if (have)
		xring_release(&q->comp, have);
	PLX_DASSERT(k < REFILL && q->in_flight <= q->limit);
	return have;
}

/* ---- transmit: descriptors ---- */

static inline uint32_t tx_room(struct ax_txq *q, uint32_t n)
{
	uint32_t room = xring_reserve(&q->tx, n), left = q->limit - q->in_flight;

	PLX_DASSERT(q->in_flight <= q->limit);
	return room < left ? room : left;
}

/* m's bytes lie within its frame. */
static inline bool in_frame(const struct plx_pool *p, const struct plx_mbuf *m)
{
	uint64_t frame = plx_pool_frame_off(p, m), off = (uint64_t)(m->data - p->area) - frame;

	return off < p->frame_size && m->len <= p->frame_size - off;
}

/* One segment of our pool that can go as it is: the usual case. */
static inline bool tx_simple(const struct ax_txq *q, const struct plx_mbuf *m)
{
	return m->pool == q->base.pool && m->nsegs == 1 && !(m->flags & PLX_TX_ODD) && m->len >= 14 &&
	       m->len <= __atomic_load_n(&q->max_len, __ATOMIC_RELAXED) && in_frame(m->pool, m) &&
	       (q->own[m - q->mbufs] & OWN_MAX) < OWN_MAX;
}

static inline void tx_write(struct ax_txq *q, uint32_t at, struct plx_mbuf *m, uint32_t options)
{
	struct xdp_desc *d = xring_desc(&q->tx, at);

	PLX_DASSERT(at - q->tx.head < q->tx.granted && in_frame(q->base.pool, m));
	d->addr = (uint64_t)(m->data - q->area);
	d->len = m->len;
	d->options = options;
	own_tx(q, m);
}

static int tx_drop(struct ax_txq *q, struct plx_mbuf *m, enum plx_tx_drop why)
{
	plx_ctr_add(&q->base.stats.drop[why], 1);
	plx_mbuf_put(m);
	return 0;
}

/* Can the chain m go as it is, after a change of its bytes if change?  Its segments; 0: only a copy can;
   -1 - reason: never. */
static int tx_inspect(const struct ax_txq *q, const struct plx_mbuf *m, bool change)
{
	const struct plx_mbuf *s = m;
	bool ours = q->sg || m->nsegs == 1;
	uint32_t sum = 0;
	int n = 0;

	for (; s && n < m->nsegs; s = s->next, n++) {
		if (!in_frame(s->pool, s))
			return -1 - PLX_TX_DROP_bad_len;
		sum += s->len;
		ours = ours && s->pool == q->base.pool && s->len;
		if (change && __atomic_load_n(&s->ref, __ATOMIC_ACQUIRE) != 1)
			ours = false;
	}
	if (n != m->nsegs)
		return -1 - PLX_TX_DROP_segments;
	ours = ours && n <= q->max_segs;
	if (sum < 14 || sum > __atomic_load_n(&q->max_len, __ATOMIC_RELAXED) || (!ours && sum != m->pkt_len))
		return -1 - PLX_TX_DROP_bad_len;
	return ours ? n : 0;
}

/* Not the usual case: a chain, a packet of another pool, a bad one.  w descriptors of this
   burst stand before it.  Returns those it added; 0: m was dropped; -1: no room, m stays
   the caller's. */
static __attribute__((noinline)) int tx_other(struct ax_txq *q, struct plx_mbuf *m, uint32_t w)
{
	struct plx_pool *pool = q->base.pool;
	uint32_t room = pool->frame_size - pool->data_off, need;
	const bool finish = plx_mbuf_tx_csum(m) == PLX_CSUM_PARTIAL;
	int segs = m->flags & PLX_MBUF_L3 ? -1 - PLX_TX_DROP_no_l2 : tx_inspect(q, m, finish);

	if (segs < 0)
		return tx_drop(q, m, (enum plx_tx_drop)(-1 - segs));
	need = segs ? (uint32_t)segs : (m->pkt_len + room - 1) / room;
	if (need > q->max_segs)
		return tx_drop(q, m, PLX_TX_DROP_segments);
	if (tx_room(q, w + need) < w + need)
		return -1;
	if (!segs) {
		struct plx_mbuf *c = plx_mbuf_copy(m, pool);
		if (!c)
			return tx_drop(q, m, PLX_TX_DROP_no_mbuf);
		plx_mbuf_put(m);
		m = c;
		plx_ctr_add(&q->base.stats.copied, 1);
		if (m->nsegs > q->max_segs || m->nsegs > need)
			return tx_drop(q, m, PLX_TX_DROP_segments);
	}
	for (const struct plx_mbuf *s = m; s; s = s->next)
		if ((q->own[s - q->mbufs] & OWN_MAX) == OWN_MAX)
			return -1;
	if (finish) {
		if (plx_csum_finish_mbuf(m))
			return tx_drop(q, m, PLX_TX_DROP_csum);
		plx_ctr_add(&q->base.stats.csums, 1);
	}
	need = 0;
	for (struct plx_mbuf *s = m; s; s = s->next)
		tx_write(q, q->tx.head + w + need++, s, s->next ? XDP_PKT_CONTD : 0);
	return (int)need;
}

/* ---- transmit: the burst ---- */

/* The link is not up.  True: that is the end of the burst, of which *took packets are taken. */
static __attribute__((noinline)) bool not_up(struct ax_txq *q, struct plx_mbuf **m, uint16_t n, uint16_t *took)
{
	if (plx_port_link(q->base.port) == PLX_LINK_REMOVED) {
		*took = ax_tx_refuse(q, m, n);
		return true;
	}
	if (ax_tx_recovered(q))
		return false;
	if (q->unrung && plx_tx_may_wait())
		plx_tx_pending_add(&q->base); /* rings when the link is back */
	return true;
}

static uint16_t tx_burst(struct plx_txq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_txq *q = ax_txq(base);
	uint32_t w = 0, sent = 0;
	uint64_t bytes = 0;
	uint16_t i = 0;

	plx_tx_enter(base, m, n);
	if (!is_open(&q->gate))
		return ax_tx_shut(base, m, n);
	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	plx_ctr_add(&base->stats.bursts, 1);
	if (q->in_flight)
		ax_tx_reap(q, q->sg ? q->limit : AX_REAP);
	if (plx_unlikely(__atomic_load_n(&base->port->link, __ATOMIC_RELAXED) != PLX_LINK_UP) && not_up(q, m, n, &i))
		return i;
	base->link_down = false;
	uint32_t room = tx_room(q, n);
	for (; i < n; i++) {
		int k = 1; /* descriptors: more for a packet of several segments */
		if (plx_unlikely(w >= room) && (room = tx_room(q, w + n - i)) <= w)
			break;
		uint32_t len = m[i]->pkt_len;
		if (plx_likely(tx_simple(q, m[i]))) {
			len = m[i]->len;
			tx_write(q, q->tx.head + w, m[i], 0);
		} else {
			k = tx_other(q, m[i], w);
			if (k < 0)
				break;
		}
		w += (uint32_t)k;
		sent += k > 0;
		bytes += k > 0 ? len : 0;
	}
	if (w) {
		xring_submit(&q->tx, w);
		q->in_flight += w;
		q->unrung += w;
		PLX_DASSERT(sent <= w && q->in_flight <= q->limit);
		plx_ctr_add(&base->stats.pkts, sent);
		plx_ctr_add(&base->stats.bytes, bytes);
	}
	if (plx_unlikely(i < n))
		ax_tx_stop(q, PLX_STOP_ring_full);
	/* An lcore collects until a doorbell is worth its price; its loop rings the rest. */
	bool now = !n || i < n || !plx_tx_may_wait();
	if (q->unrung >= q->doorbell_at || (now && (q->unrung || (q->zerocopy && q->in_flight))))
		ax_tx_doorbell(q);
	if (q->unrung && plx_tx_may_wait())
		plx_tx_pending_add(base);
	return i;
}

void ax_tx_choose(struct ax_txq *q)
{
	q->base.burst = tx_burst;
}

/* ---- the end: what the kernel did not give back; the queue is at rest ---- */

/* ax_rx_drain takes what stands in the ring of a queue that nobody reads any more, puts it
   back and returns how many packets that was. */
uint32_t ax_rx_drain(struct ax_rxq *q)
{
	const struct plx_rx_like like = plx_rx_like(&q->base, 0);
	bool part = q->chain != NULL, bad = q->chain_bad; /* of a packet that goes on; it was counted already */
	uint32_t pkts = 0, have;

	plx_mbuf_put(q->chain);
	q->chain = NULL;
	q->chain_bad = false;
	while ((have = xring_peek(&q->rx, PLX_BURST_MAX))) {
		for (uint32_t i = 0; i < have; i++) {
			struct xdp_desc d = *xring_desc(&q->rx, q->rx.head + i);
			struct plx_mbuf *m = rx_take(q, &d, like);

			plx_mbuf_put(m);
			if (!m && !bad)
				rx_drop(q, PLX_RX_DROP_bad_desc);
			bad |= !m;
			part = d.options & XDP_PKT_CONTD;
			pkts += !part && !bad;
			bad &= part;
		}
		xring_release(&q->rx, have);
	}
	return pkts + (part && !bad);
}

uint32_t ax_rx_reclaim(struct ax_rxq *q)
{
	uint32_t n = 0;

	plx_mbuf_put(q->chain);
	q->chain = NULL;
	for (uint32_t f = 0; f < q->frames; f++) {
		struct plx_mbuf *m = &q->mbufs[f];
		if (!q->own[f])
			continue;
		q->own[f] = 0;
		plx_frame_move(m, PLX_FRAME_RX, PLX_FRAME_APP);
		plx_pool_give(q->base.pool, &m, 1);
		n++;
	}
	PLX_ASSERT(n >= q->posted); /* each is in the ledger */
	q->posted = 0;
	return n;
}

uint32_t ax_tx_reclaim(struct ax_txq *q)
{
	uint32_t n = 0;

	for (uint32_t f = 0; f < q->frames; f++) {
		struct plx_mbuf *m = &q->mbufs[f];
		while (q->own[f]) {
			if (disown_tx(&q->own[f], m))
				plx_pool_give(q->base.pool, &m, 1);
			n++;
		}
	}
	PLX_ASSERT(n >= q->in_flight); /* each descriptor is in the ledger */
	q->in_flight = q->unrung = 0;
	return n;
}

/* SPDX-License-Identifier: MIT */
/* null.c - an endless source and a sink that touch no byte of a frame: what the runtime
   alone costs.  Also the shortest driver there is, so docs/drivers.md is written along
   it.  The two bursts are hot, the rest is cold. */
#include "drivers.h"

#include <errno.h>
#include <stdio.h>

struct null_rxq {
	struct plx_rxq base;
	uint16_t size;               /* of each packet */
};

PLX_BASE_FIRST(struct null_rxq);
static inline struct null_rxq *null_rxq(struct plx_rxq *q)
{
	return plx_container_of(q, struct null_rxq, base);
}

static bool running(const struct plx_port *p)
{
	return __atomic_load_n(&p->link, __ATOMIC_RELAXED) == PLX_LINK_UP;
}

static uint16_t null_rx(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	const uint16_t size = null_rxq(q)->size;
	const struct plx_rx_like like = plx_rx_like(q, size);
	struct plx_pool *pool = q->pool;
	const uintptr_t mbufs = (uintptr_t)pool->mbufs;
	uint8_t *const first = pool->area + pool->data_off;
	const unsigned shift = pool->shift - (unsigned)__builtin_ctz(sizeof(**m)); /* as plx_pool_frame_off has it */

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	uint16_t k = running(q->port) ? plx_pool_take(pool, m, n) : 0;
	for (uint16_t i = 0; i < k; i++) {
		struct plx_mbuf *b = m[i];

		PLX_DASSERT(b->pool == pool && !b->next);
		b->data = first + (((uintptr_t)b - mbufs) << shift);
		plx_rx_set(b, like);
	}
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.pkts, k);
	plx_ctr_add(&q->stats.bytes, (uint64_t)k * size);
	if (plx_unlikely(k < n)) {
		plx_ctr_add(&q->stats.pool_waits, running(q->port)); /* what has no end loses nothing */
		plx_ctr_add(&q->stats.empty, !k);
	}
	return k;
}

/* One pass without a branch on the packets: a burst of unshared single segments of our
   pool, the usual kind, goes back to it as it is. */
static uint16_t null_tx(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	uint64_t bytes = 0, odd = 0;

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	q->link_down = !running(q->port);
	if (plx_unlikely(q->link_down)) {
		plx_ctr_add(&q->stats.stop[PLX_STOP_link_down], n > 0);
		return 0;
	}
	for (uint16_t i = 0; i < n; i++) {
		bytes += m[i]->pkt_len;
		odd |= (uintptr_t)m[i]->next | ((uintptr_t)m[i]->pool ^ (uintptr_t)q->pool) |
		       (uint8_t)(__atomic_load_n(&m[i]->ref, __ATOMIC_ACQUIRE) ^ 1);
	}
	if (plx_likely(!odd))
		plx_pool_give(q->pool, m, n);
	else
		plx_mbuf_put_bulk(m, n);
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.pkts, n);
	plx_ctr_add(&q->stats.bytes, bytes);
	return n;
}

static int null_open(struct plx_port **out, const struct plx_port_conf *c, const struct plx_link_info *li)
{
	(void)li;
	uint16_t size = c->frame_len ? c->frame_len : 64;
	uint32_t room = c->pool->frame_size - c->pool->data_off;

	if (size > room) {
		plx_logf(c->log, PLX_LOG_ERROR,
		         "%s: null: size=%u is beyond the frame room (EINVAL): use size=%u or less, "
		         "or larger frames",
		         c->name, size, room);
		return -EINVAL;
	}
	struct plx_port *p =
		plx_port_new(&plx_null_driver, c, sizeof(*p), sizeof(struct null_rxq), sizeof(struct plx_txq));
	if (!p)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct null_rxq *q = null_rxq(p->rxq[i]);

		q->base.burst = null_rx;
		q->size = size;
	}
	for (uint16_t i = 0; i < p->ntx; i++)
		p->txq[i]->burst = null_tx;
	p->info.mode = "memory";
	p->info.mtu = room - 14;
	p->info.max_len = UINT32_MAX;
	snprintf(p->info.why, sizeof(p->info.why), "frames of %u bytes", size);
	*out = p;
	return 0;
}

static int null_start(struct plx_port *p)
{
	plx_port_set_link(p, PLX_LINK_UP);
	return 0;
}

static void null_stop(struct plx_port *p)
{
	plx_port_set_link(p, PLX_LINK_DOWN);
}

static uint32_t null_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd)
{
	(void)c; (void)rxd; (void)txd;
	return 0;
}

const struct plx_driver plx_null_driver = {
	.name = "null", .what = "endless source and sink in memory",
	.frames = null_frames, .open = null_open, .start = null_start, .stop = null_stop, .close = plx_port_delete,
};

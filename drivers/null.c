/* SPDX-License-Identifier: MIT */
/* null.c - an endless source and a sink that touch no byte of a frame: what the runtime
   alone costs.  Also the shortest driver there is, so docs/drivers.md is written along
   it.  The two bursts are hot, the rest is cold. */
#include "drivers.h"

#include <errno.h>
#include <stdio.h>

struct null_rxq {
	struct plx_rxq base;
	uint16_t size;               /* bytes each frame claims to have */
};

/* What a received mbuf looks like apart from its data pointer: the fields from flags on
   are one constant that is stored as a whole. */
static uint16_t null_rx(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	const struct null_rxq *nq = (const struct null_rxq *)q;
	uint16_t size = nq->size;

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	uint16_t k = plx_mbuf_get_bulk(q->pool, m, n);
	for (uint16_t i = 0; i < k; i++) {
		m[i]->pkt_len = size;
		m[i]->len = size;
		m[i]->queue = q->id;
		m[i]->port = q->port_id;
	}
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.pkts, k);
	plx_ctr_add(&q->stats.bytes, (uint64_t)k * size);
	if (plx_unlikely(k < n)) {
		plx_ctr_add(&q->stats.drop[PLX_RX_DROP_no_mbuf], 1);
		plx_ctr_add(&q->stats.empty, !k);
	}
	return k;
}

static uint16_t null_tx(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	uint64_t bytes = 0;

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	plx_mbuf_put_bulk(m, n);
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.pkts, n);
	plx_ctr_add(&q->stats.bytes, bytes);
	return n;
}

/* Before start the source is dry. */
static uint16_t null_rx_stopped(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q; (void)m; (void)n;
	return 0;
}

static int null_open(struct plx_port **out, const struct plx_port_conf *c)
{
	uint16_t size = c->size ? c->size : 64;
	uint32_t room = c->pool->frame_size - c->pool->data_off;

	if (size > room) {
		plx_logf(c->log, PLX_LOG_ERROR, "%s: null: size=%u is beyond the frame room (EINVAL): use size=%u or less, "
		         "or larger frames", c->name, size, room);
		return -EINVAL;
	}
	struct plx_port *p = plx_port_new(&plx_null_driver, c, sizeof(*p), sizeof(struct null_rxq), sizeof(struct plx_txq));
	if (!p)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->nrx; i++) {
		p->rxq[i]->burst = null_rx_stopped;
		((struct null_rxq *)p->rxq[i])->size = size;
	}
	for (uint16_t i = 0; i < p->ntx; i++)
		p->txq[i]->burst = null_tx;
	p->info.mode = "memory";
	p->info.mtu = room - 14;
	p->info.max_len = UINT32_MAX;
	p->link = PLX_LINK_UP;
	snprintf(p->info.why, sizeof(p->info.why), "frames of %u bytes", size);
	*out = p;
	return 0;
}

static int null_start(struct plx_port *p)
{
	for (uint16_t i = 0; i < p->nrx; i++)
		p->rxq[i]->burst = null_rx;
	return 0;
}

static void null_stop(struct plx_port *p)
{
	for (uint16_t i = 0; i < p->nrx; i++)
		p->rxq[i]->burst = null_rx_stopped;
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

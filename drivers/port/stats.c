/* SPDX-License-Identifier: MIT */
/* stats.c - the counters of a port: those of its queues, and what its driver knows beside them; cold; any
   thread. */
#include "plx_driver.h"

#include <stdio.h>
#include <string.h>

static void add_up(void *to, const void *from, size_t size)
{
	const plx_ctr *c = from;
	uint64_t *sum = to;

	for (size_t k = 0; k < size / sizeof(*c); k++)
		sum[k] += plx_ctr_read(&c[k]);
}

/* What came out first, and what went in last: a frame that comes meanwhile stands in the ring, and is not one
   that nobody offered. */
bool plx_port_rxq_stats(const struct plx_port *b, uint16_t i, struct plx_rxq_stats *s, uint64_t *offered)
{
	PLX_ASSERT(b && s && offered);
	struct plx_port *p = (struct plx_port *)(uintptr_t)b; /* what it asks changes sums of its own only */

	memset(s, 0, sizeof(*s));
	*offered = 0;
	if (i >= p->nrx)
		return false;
	add_up(s, &p->rxq[i]->stats, sizeof(*s));
	if (p->drv->lost)
		p->drv->lost(p, i, s->drop);
	return p->drv->offered && p->drv->offered(p, i, offered);
}

void plx_port_stats(const struct plx_port *p, struct plx_port_stats *s)
{
	PLX_ASSERT(p && s);
	memset(s, 0, sizeof(*s));
	s->offered_told = p->nrx > 0;
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct plx_rxq_stats one;
		uint64_t offered;

		s->offered_told &= plx_port_rxq_stats(p, i, &one, &offered);
		add_up(&s->rx, &one, sizeof(one));
		s->offered += offered;
	}
	for (uint16_t i = 0; i < p->ntx; i++)
		add_up(&s->tx, &p->txq[i]->stats, sizeof(s->tx));
}

void plx_port_txq_stats(const struct plx_port *p, uint16_t i, struct plx_txq_stats *s)
{
	PLX_ASSERT(p && s);
	memset(s, 0, sizeof(*s));
	if (i < p->ntx)
		add_up(s, &p->txq[i]->stats, sizeof(*s));
}

uint64_t plx_rx_drops(const struct plx_rxq_stats *s)
{
	PLX_ASSERT(s);
	uint64_t n = 0;

	for (int i = 0; i < PLX_RX_DROP_N; i++)
		n += plx_ctr_read(&s->drop[i]);
	return n;
}

uint64_t plx_tx_drops(const struct plx_txq_stats *s)
{
	PLX_ASSERT(s);
	uint64_t n = 0;

	for (int i = 0; i < PLX_TX_DROP_N; i++)
		n += plx_ctr_read(&s->drop[i]);
	return n;
}

const char *plx_rx_drop_why(enum plx_rx_drop d)
{
#define X(id, why) why,
	static const char *const text[] = { PLX_RX_DROPS(X) };
#undef X
	return (unsigned)d < PLX_RX_DROP_N ? text[d] : "";
}

const char *plx_tx_drop_why(enum plx_tx_drop d)
{
#define X(id, why) why,
	static const char *const text[] = { PLX_TX_DROPS(X) };
#undef X
	return (unsigned)d < PLX_TX_DROP_N ? text[d] : "";
}

/* Writes x[at] if there is room; the count goes on either way. */
static int xstat(struct plx_xstat *x, int n, int at, uint64_t value, const char *fmt, unsigned q)
{
	if (at < n) {
		snprintf(x[at].name, sizeof(x[at].name), fmt, q);
		x[at].value = value;
	}
	return at + 1;
}

/* Counters in the order of the structs, by the names people see. */
static const char *const rx_names[] = {
	"rx_packets", "rx_bytes", "rx_bursts", "rx_empty_bursts", "rx_kicks",
#define X(id, why) "rx_drop_" #id,
	PLX_RX_DROPS(X)
#undef X
	"rx_pool_waits",
};
static const char *const tx_names[] = {
	"tx_packets", "tx_bytes", "tx_bursts", "tx_copied", "tx_csums", "tx_kicks", "tx_users",
#define X(id, why) "tx_drop_" #id,
	PLX_TX_DROPS(X)
#undef X
#define X(id, why) "tx_stop_" #id,
	PLX_STOPS(X)
#undef X
};
static_assert(sizeof(struct plx_rxq_stats) == PLX_ARRAY_SIZE(rx_names) * sizeof(plx_ctr), "a name for each counter");
static_assert(sizeof(struct plx_txq_stats) == PLX_ARRAY_SIZE(tx_names) * sizeof(plx_ctr), "a name for each counter");

int plx_port_xstats(struct plx_port *p, struct plx_xstat *x, int n)
{
	PLX_ASSERT(p && (x || n <= 0));
	struct plx_port_stats s;
	int at = 0;

	plx_port_stats(p, &s);
	if (s.offered_told)
		at = xstat(x, n, at, s.offered, "rx_offered", 0);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rx_names); i++)
		at = xstat(x, n, at, ((uint64_t *)&s.rx)[i], rx_names[i], 0);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(tx_names); i++)
		at = xstat(x, n, at, ((uint64_t *)&s.tx)[i], tx_names[i], 0);
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct plx_rxq_stats one;
		uint64_t offered;

		if (plx_port_rxq_stats(p, i, &one, &offered))
			at = xstat(x, n, at, offered, "rx_q%u_offered", i);
		at = xstat(x, n, at, one.pkts, "rx_q%u_packets", i);
		at = xstat(x, n, at, plx_rx_drops(&one), "rx_q%u_drops", i);
	}
	for (uint16_t i = 0; i < p->ntx; i++)
		at = xstat(x, n, at, plx_ctr_read(&p->txq[i]->stats.pkts), "tx_q%u_packets", i);
	if (p->drv->repair)
		at = xstat(x, n, at, plx_ctr_read(&p->repairs), "repairs", 0);
	if (p->drv->repair)
		at = xstat(x, n, at, plx_ctr_read(&p->rungs_down), "rungs_down", 0);
	if (p->drv->xstats)
		at += p->drv->xstats(p, at < n ? x + at : NULL, at < n ? n - at : 0);
	return at;
}

/* SPDX-License-Identifier: MIT */
/* flowgen.c - makes UDP packets of many flows, and takes what comes back; hot, but for init
   and fini; called by the lcores.

   Flow f of a port is sent by transmit queue f % ntx.  What the driver does not take is held
   back and offered again, so a full ring loses nothing; a packet counts as sent when the
   driver has it. */
#include "fwd.h"

#include <errno.h>
#include <stdlib.h>

/* What a lcore that was away catches up with: so much time, but no more packets than half of
   a receive ring of the usual size. */
enum { COST_BITS = 8, BUCKET_NS = 10000000, BUCKET_MAX = 1024 };

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static uint16_t next_length(struct fwd_gen *g)
{
	const struct fwd_lengths *l = &g->f->conf.lengths;

	if (l->n == 1)
		return l->of[0];
	if (l->range)
		return (uint16_t)(l->of[0] + (next_random(&g->rng) >> 32) % (l->of[1] - l->of[0] + 1u));
	g->turn = (uint16_t)(g->turn + 1 < l->n ? g->turn + 1 : 0);
	return l->of[g->turn];
}

/* Flows differ in their source port, and beyond the last port in their source address. */
static uint32_t flow_ports(const struct fwd_conf *c) { return 65536u - c->sport; }

/* Headers come from the template; what differs is the lengths, the source and the checksums. */
static void write_headers(struct fwd_gen *g, uint8_t *p, uint16_t len, uint32_t flow)
{
	const struct fwd_conf *c = &g->f->conf;
	struct plx_ip4hdr *ip = (struct plx_ip4hdr *)(p + PLX_ETH_LEN);
	struct plx_udphdr *udp = (struct plx_udphdr *)(p + PLX_ETH_LEN + PLX_IP4_LEN);
	uint16_t ip_len = (uint16_t)(len - PLX_ETH_LEN), udp_len = (uint16_t)(ip_len - PLX_IP4_LEN);
	uint64_t sum;

	memcpy(p, g->head, sizeof(g->head));
	ip->len = plx_be16(ip_len);
	ip->src = plx_be32(plx_be32(c->src_ip) + flow / flow_ports(c));
	ip->csum = plx_csum_fold(g->ip_sum + ip->len + ip->src);
	udp->sport = plx_be16((uint16_t)(c->sport + flow % flow_ports(c)));
	udp->len = plx_be16(udp_len);
	/* the length stands in the pseudo-header and in UDP's */
	sum = g->l4_sum + ip->src + udp->sport + 2ull * udp->len;
	sum = plx_csum_add(sum, p + sizeof(g->head), len - (uint32_t)sizeof(g->head));
	udp->csum = plx_csum_fold(sum);
	if (!udp->csum)
		udp->csum = 0xffff;
}

/* Makes the empty m a chain with room for len bytes; false if the pool has too few frames. */
static bool stretch(struct plx_mbuf *m, uint16_t room, uint16_t len)
{
	struct plx_mbuf *more[UINT8_MAX], *last = m;
	uint16_t n = (uint16_t)((len - 1) / room), got = plx_mbuf_get_bulk(m->pool, more, n);

	if (got < n) {
		plx_mbuf_put_bulk(more, got);
		return false;
	}
	for (uint16_t i = 0; i < n; i++) {
		last->len = room;
		last = last->next = more[i];
	}
	last->len = (uint16_t)(len - n * room);
	m->nsegs = (uint8_t)(n + 1);
	m->pkt_len = len;
	return true;
}

static void spread(struct plx_mbuf *m, const uint8_t *p)
{
	for (; m; p += m->len, m = m->next)
		memcpy(m->data, p, m->len);
}

/* False: the pool has not frames enough for the next packet. */
static bool make(struct fwd_gen *g, uint16_t i)
{
	struct plx_mbuf *m = g->held[i];
	uint16_t len = g->due ? g->due : next_length(g);
	uint32_t flow = g->first + g->at * g->step;
	bool one = plx_likely(len <= g->room);
	uint8_t *p;

	g->due = len;
	if (!one && !stretch(m, g->room, len))
		return false;
	p = one ? plx_mbuf_append(m, len) : g->flat;
	PLX_DASSERT(p); /* setup compared the lengths with what the port sends */
	verify_write(p + sizeof(g->head), len - (uint32_t)sizeof(g->head), g->f->run, flow, g->seq[g->at],
	             g->f->conf.verify);
	write_headers(g, p, len, flow);
	if (!one)
		spread(m, p);
	g->due = 0;
	g->seq[g->at]++;
	g->flow[i] = g->at;
	g->len[i] = len;
	g->at = g->at + 1 < g->n ? g->at + 1 : 0;
	return true;
}

/* A queue is ours from its first receive burst on: what comes back before that is the host's. */
static bool sinks_read(const struct fwd *f)
{
	for (uint32_t i = 0; i < f->nsinks; i++)
		if (!__atomic_load_n(&f->sink[i].reads, __ATOMIC_RELAXED))
			return false;
	return true;
}

/* How many packets may be made now by --rate and --window. */
static uint64_t allowance(struct fwd_gen *g, uint64_t want)
{
	if (g->f->conf.window) {
		uint64_t back = fwd_sinks_received(g->f) + __atomic_load_n(&g->f->written_off, __ATOMIC_RELAXED);
		uint64_t sent = fwd_gens_sent(g->f), away = sent > back ? sent - back : 0;
		uint64_t room = away < g->f->conf.window ? g->f->conf.window - away : 0;

		room = (room + g->f->ngens - 1) / g->f->ngens;
		want = want < room ? want : room;
	}
	if (g->cost) {
		uint64_t now = plx_cycles(), n;

		g->credit += (now - g->last) << COST_BITS;
		g->last = now;
		g->credit = g->credit < g->limit ? g->credit : g->limit;
		n = g->credit / g->cost;
		want = want < n ? want : n;
	}
	return want;
}

/* Fills held[] anew; 0 if nothing may be made now. */
static uint16_t refill(struct fwd_gen *g)
{
	uint64_t want = g->f->conf.burst < g->left ? g->f->conf.burst : g->left;
	uint16_t n, got;

	if (!want || __atomic_load_n(&g->f->stop, __ATOMIC_RELAXED)) {
		g->done_at = plx_cycles();
		__atomic_store_n(&g->done, true, __ATOMIC_RELEASE); /* pairs with fwd_gens_done */
		return 0;
	}
	if (plx_unlikely(!g->ready)) {
		if (!sinks_read(g->f))
			return 0;
		g->ready = true;
		g->ready_at = plx_cycles();
	}
	want = allowance(g, want);
	if (!want)
		return 0;
	got = plx_mbuf_get_bulk(g->tx->pool, g->held, (uint16_t)want);
	for (n = 0; n < got && make(g, n); n++)
		;
	if (plx_unlikely(n < got))
		plx_mbuf_put_bulk(g->held + n, got - n);
	if (!n)
		plx_tx_burst(g->tx, NULL, 0); /* collects frames that are sent but not back in the pool */
	g->credit -= g->cost * n;
	g->left -= n;
	g->nheld = n;
	g->sent_to = 0;
	return n;
}

int fwd_gen_poll(void *arg)
{
	struct fwd_gen *g = arg;
	uint64_t bytes = 0;
	uint16_t k;

	if (g->done)
		return 0;
	if (g->sent_to == g->nheld && !refill(g))
		return 0;
	k = plx_tx_burst(g->tx, g->held + g->sent_to, g->nheld - g->sent_to);
	for (uint16_t i = 0; i < k; i++)
		bytes += g->len[g->sent_to + i];
	g->sent_to += k;
	plx_ctr_add(&g->sent, k);
	plx_ctr_add(&g->bytes, bytes);
	if (g->sent_to < g->nheld)
		plx_ctr_add(&g->held_back, 1);
	return k;
}

int fwd_gen_init(struct fwd_gen *g, struct fwd *f, struct plx_txq *tx, uint32_t port)
{
	const struct fwd_conf *c = &f->conf;
	const uint8_t *src = c->has_src ? c->src_mac : plx_port_info(tx->port)->mac;
	uint8_t peer[6] = { 2, 0, 0, 0, 0, (uint8_t)port };
	struct plx_ip4hdr *ip = (struct plx_ip4hdr *)(g->head + PLX_ETH_LEN);
	uint32_t n;

	*g = (struct fwd_gen){ .tx = tx, .f = f, .step = tx->port->ntx,
	                       .room = (uint16_t)(tx->pool->frame_size - tx->pool->data_off),
	                       .rng = (c->seed + port * 256 + tx->id) * 0x9e3779b97f4a7c15u | 1 };
	g->first = port * c->flows + tx->id;
	g->n = (c->flows - tx->id + g->step - 1) / g->step;
	g->left = UINT64_MAX;
	g->last = plx_cycles();
	g->seq = calloc(g->n, sizeof(*g->seq));
	g->flat = calloc(1, UINT16_MAX); /* of which a run of short packets touches no page */
	if (!g->seq || !g->flat)
		return -ENOMEM;
	n = plx_build_eth(g->head, c->has_peer ? c->peer_mac : peer, src, PLX_ETH_IP4);
	n += plx_build_ip4(g->head + n, 0, c->dst_ip, 17, 0);
	n += plx_build_udp(g->head + n, 0, c->dport, 0);
	/* what is the same in all packets: the IPv4 header without length, checksum and source; the
	   pseudo-header and UDP without length, checksum, source address and port */
	ip->len = 0;
	ip->csum = 0;
	g->ip_sum = plx_csum_add(0, ip, PLX_IP4_LEN);
	g->l4_sum = plx_ip4_pseudo(ip, 17, 0) + plx_be16(c->dport);
	return 0;
}

void fwd_gen_fini(struct fwd_gen *g)
{
	/* never sent: their sequence numbers were not used, the last first */
	while (g->nheld > g->sent_to) {
		g->nheld--;
		g->seq[g->flow[g->nheld]]--;
		plx_mbuf_put(g->held[g->nheld]);
	}
}

void fwd_gen_free(struct fwd_gen *g)
{
	free(g->seq);
	free(g->flat);
}

void fwd_gen_pace(struct fwd_gen *g, uint64_t hz)
{
	const struct fwd_conf *c = &g->f->conf;
	uint64_t burst, most;

	g->cost = c->rate ? ((hz << COST_BITS) * g->f->ngens) / c->rate : 0;
	burst = g->cost * c->burst;
	most = c->rate ? (hz << COST_BITS) / c->rate * BUCKET_MAX : 0; /* its share; cost times it may not fit */
	g->limit = (hz / (1000000000 / BUCKET_NS)) << COST_BITS;
	g->limit = g->limit < most ? g->limit : most;
	g->limit = g->limit > burst ? g->limit : burst; /* it must hold a burst */
}

int fwd_sink_poll(void *arg)
{
	struct fwd_sink *s = arg;
	struct plx_mbuf *m[PLX_BURST_MAX];
	uint16_t n = s->f->conf.burst;

	if (s->verify && plx_unlikely(!verify_settle(&s->f->verify, s->verify)) && VERIFY_WAIT - s->verify->nwait < n)
		return 0;
	n = plx_rx_burst(s->rx, m, n);
	if (plx_unlikely(!s->reads))
		__atomic_store_n(&s->reads, true, __ATOMIC_RELAXED);
	if (!n)
		return 0;
	if (s->verify)
		verify_frames(&s->f->verify, s->verify, m, n);
	plx_mbuf_put_bulk(m, n);
	plx_ctr_add(&s->received, n);
	return n;
}

uint64_t fwd_gens_sent(const struct fwd *f)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->ngens; i++)
		n += plx_ctr_read(&f->gen[i].sent);
	return n;
}

uint64_t fwd_sinks_received(const struct fwd *f)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->nsinks; i++)
		n += plx_ctr_read(f->sink[i].verify ? &f->sink[i].verify->good : &f->sink[i].received);
	return n;
}

uint64_t fwd_sinks_taken(const struct fwd *f)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->nsinks; i++)
		n += plx_ctr_read(&f->sink[i].received);
	return n;
}

bool fwd_gens_done(const struct fwd *f, uint64_t *from, uint64_t *to)
{
	*from = *to = 0;
	for (uint32_t i = 0; i < f->ngens; i++) {
		const struct fwd_gen *g = &f->gen[i];

		if (!__atomic_load_n(&g->done, __ATOMIC_ACQUIRE))
			return false;
		*to = g->done_at > *to ? g->done_at : *to;
		if (g->ready_at && (!*from || g->ready_at < *from)) /* 0: told to stop before it began */
			*from = g->ready_at;
	}
	*from = *from ? *from : *to;
	return true;
}

void fwd_sum(struct fwd *f, struct verify_sums *t)
{
	*t = (struct verify_sums){ 0 };
	if (f->conf.mode == FWD_RXONLY)
		for (uint32_t i = 0; i < f->verify.flows; i++)
			verify_sum(&f->verify, i, UINT64_MAX, t);
	for (uint32_t i = 0; i < f->ngens; i++)
		for (uint32_t k = 0; k < f->gen[i].n; k++)
			verify_sum(&f->verify, f->gen[i].first + k * f->gen[i].step, f->gen[i].seq[k], t);
}

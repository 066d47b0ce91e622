/* SPDX-License-Identifier: MIT */
/* modes.c - the forwarding modes: receive a burst, edit it, send it; hot; called by the
   lcores.  Each mode is a poll function of its own, so that io does nothing per packet. */
#include "fwd.h"

void fwd_send(struct fwd_path *p, struct plx_mbuf **m, uint16_t n)
{
	uint16_t k = plx_tx_burst(p->tx, m, n);

	for (uint16_t i = p->retry; plx_unlikely(k < n) && i; i--)
		k += plx_tx_burst(p->tx, m + k, n - k);
	if (plx_unlikely(k < n)) {
		plx_mbuf_put_bulk(m + k, n - k);
		plx_ctr_add(&p->dropped, n - k);
	}
}

static inline __attribute__((always_inline)) int
forward(struct fwd_path *p, void (*edit)(const struct fwd_path *, struct plx_mbuf *))
{
	struct plx_mbuf *m[PLX_BURST_MAX];
	uint16_t n = plx_rx_burst(p->rx, m, p->burst);

	if (!n)
		return 0;
	for (uint16_t i = 0; edit && i < n; i++)
		edit(p, m[i]);
	fwd_send(p, m, n);
	return n;
}

static inline void edit_mac(const struct fwd_path *p, struct plx_mbuf *m)
{
	if (plx_likely(m->len >= PLX_ETH_LEN))
		memcpy(m->data, &p->mac, 12);
}

static inline void edit_macswap(const struct fwd_path *p, struct plx_mbuf *m)
{
	uint8_t dst[6];

	(void)p;
	if (plx_unlikely(m->len < PLX_ETH_LEN))
		return;
	memcpy(dst, m->data, 6);
	memcpy(m->data, m->data + 6, 6);
	memcpy(m->data + 6, dst, 6);
}

static inline void swap(uint8_t *a, uint8_t *b, size_t n)
{
	uint8_t t[16];

	memcpy(t, a, n);
	memcpy(a, b, n);
	memcpy(b, t, n);
}

/* Swapping source and destination leaves every checksum as it was.  What does not lie in
   the first segment is left alone. */
static inline void edit_5tswap(const struct fwd_path *p, struct plx_mbuf *m)
{
	struct plx_pkt k;
	uint8_t *ip;

	edit_macswap(p, m);
	plx_parse_mbuf(&k, m);
	ip = m->data + k.l3_off;
	if (k.l3 == PLX_L3_IP4 && k.l3_off + PLX_IP4_LEN <= m->len)
		swap(ip + offsetof(struct plx_ip4, src), ip + offsetof(struct plx_ip4, dst), 4);
	else if (k.l3 == PLX_L3_IP6 && k.l3_off + PLX_IP6_LEN <= m->len)
		swap(ip + offsetof(struct plx_ip6, src), ip + offsetof(struct plx_ip6, dst), 16);
	if ((k.l4 == PLX_L4_UDP || k.l4 == PLX_L4_TCP) && k.l4_off + 4 <= m->len)
		swap(m->data + k.l4_off, m->data + k.l4_off + 2, 2);
}

/* Computes the IPv4 header's and the L4 checksum anew, whatever stood there; a UDP checksum of
   0 over IPv4 was left out on purpose and stays so, unless it is only half done. */
static inline void edit_csum(const struct fwd_path *p, struct plx_mbuf *m)
{
	static const uint8_t field[] = { [PLX_L4_UDP] = 6, [PLX_L4_TCP] = 16, [PLX_L4_ICMP] = 2, [PLX_L4_ICMP6] = 2,
	                                 [PLX_L4_OTHER] = 0 };
	bool partial = m->flags & PLX_MBUF_CSUM_PARTIAL;
	struct plx_pkt k;
	uint16_t sum;
	uint8_t *at;

	(void)p;
	if (m->nsegs > 1 || plx_parse(&k, m->data, m->len) || (k.l3 != PLX_L3_IP4 && k.l3 != PLX_L3_IP6))
		return;
	if (k.l3 == PLX_L3_IP4) {
		sum = plx_ip4_csum((struct plx_ip4 *)(m->data + k.l3_off));
		memcpy(m->data + k.l3_off + offsetof(struct plx_ip4, csum), &sum, 2);
	}
	if (!field[k.l4] || k.fragment)
		return;
	at = m->data + k.l4_off + field[k.l4];
	if (k.l4 == PLX_L4_UDP && k.l3 == PLX_L3_IP4 && !partial && !(at[0] | at[1]))
		return;
	sum = plx_l4_csum(m->data, &k);
	memcpy(at, &sum, 2);
	m->flags &= ~(uint32_t)PLX_MBUF_CSUM_PARTIAL;
}

/* A chain is made one segment, if it fits, before checksums are computed over it. */
static int csum_poll(void *arg)
{
	struct fwd_path *p = arg;
	struct plx_mbuf *m[PLX_BURST_MAX];
	uint16_t n = plx_rx_burst(p->rx, m, p->burst);

	if (!n)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		if (plx_unlikely(m[i]->nsegs > 1) && plx_mbuf_linearize(&m[i]))
			plx_ctr_add(&p->ignored, 1);
		edit_csum(p, m[i]);
	}
	fwd_send(p, m, n);
	return n;
}

static int io_poll(void *arg)      { return forward(arg, NULL); }
static int mac_poll(void *arg)     { return forward(arg, edit_mac); }
static int macswap_poll(void *arg) { return forward(arg, edit_macswap); }
static int swap5_poll(void *arg)   { return forward(arg, edit_5tswap); }

plx_poll_fn fwd_mode_poll(enum fwd_mode m)
{
	static const plx_poll_fn poll[FWD_MODES] = {
		[FWD_IO] = io_poll, [FWD_MAC] = mac_poll, [FWD_MACSWAP] = macswap_poll, [FWD_5TSWAP] = swap5_poll,
		[FWD_RXONLY] = fwd_sink_poll, [FWD_TXONLY] = fwd_gen_poll, [FWD_FLOWGEN] = fwd_sink_poll,
		[FWD_ICMPECHO] = fwd_icmpecho_poll, [FWD_CSUM] = csum_poll,
	};

	return poll[m];
}

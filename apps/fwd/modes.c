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

/* Swapping source and destination leaves every checksum as it was, but not where an IPv6 packet is
   still on its way to another destination.  What does not lie in the first segment is left alone. */
static inline void edit_5tswap(const struct fwd_path *p, struct plx_mbuf *m)
{
	struct plx_pkt k;
	uint8_t *ip;

	edit_macswap(p, m);
	plx_parse_mbuf(&k, m);
	if (plx_unlikely(k.route_off))
		return;
	ip = m->data + k.l3_off;
	if (k.l3 == PLX_L3_IP4 && k.l3_off + PLX_IP4_LEN <= m->len)
		swap(ip + offsetof(struct plx_ip4hdr, src), ip + offsetof(struct plx_ip4hdr, dst), 4);
	else if (k.l3 == PLX_L3_IP6 && k.l3_off + PLX_IP6_LEN <= m->len)
		swap(ip + offsetof(struct plx_ip6hdr, src), ip + offsetof(struct plx_ip6hdr, dst), 16);
	if ((k.l4 == PLX_L4_UDP || k.l4 == PLX_L4_TCP) && k.l4_off + 4 <= m->len)
		swap(m->data + k.l4_off, m->data + k.l4_off + 2, 2);
}

static void put8(struct plx_mbuf *m, uint32_t off, uint8_t v)
{
	for (; m->next && off >= m->len; m = m->next)
		off -= m->len;
	m->data[off] = v;
}

/* A checksum at off, which may stand across two segments. */
static void put_csum(struct plx_mbuf *m, uint32_t off, uint16_t sum)
{
	uint8_t b[2];

	memcpy(b, &sum, 2);
	put8(m, off, b[0]);
	put8(m, off + 1, b[1]);
}

/* Computes the IPv4 header's and the L4 checksum anew, whatever stood there; a UDP checksum of
   0 over IPv4 was left out on purpose and stays so, unless it is only half done. */
static inline void edit_csum(const struct fwd_path *p, struct plx_mbuf *m)
{
	static const uint8_t field[] = { [PLX_L4_UDP] = 6, [PLX_L4_TCP] = 16, [PLX_L4_ICMP] = 2, [PLX_L4_ICMP6] = 2,
	                                 [PLX_L4_OTHER] = 0 };
	bool partial = plx_mbuf_tx_csum(m) == PLX_CSUM_PARTIAL;
	uint8_t buf[60]; /* the longest IPv4 header */
	const uint8_t *is;
	struct plx_pkt k;

	(void)p;
	if (plx_parse_mbuf(&k, m) || (k.l3 != PLX_L3_IP4 && k.l3 != PLX_L3_IP6))
		return;
	if (k.l3 == PLX_L3_IP4) {
		is = plx_mbuf_read(m, k.l3_off, 1, buf);
		is = plx_mbuf_read(m, k.l3_off, (*is & 15u) * 4, buf);
		put_csum(m, k.l3_off + offsetof(struct plx_ip4hdr, csum), plx_ip4_csum((const struct plx_ip4hdr *)is));
	}
	if (!field[k.l4] || k.fragment)
		return;
	is = plx_mbuf_read(m, k.l4_off + field[k.l4], 2, buf);
	if (k.l4 == PLX_L4_UDP && k.l3 == PLX_L3_IP4 && !partial && !(is[0] | is[1]))
		return;
	put_csum(m, k.l4_off + field[k.l4], plx_l4_csum_mbuf(m, &k));
	plx_mbuf_say_csum(m, PLX_CSUM_GOOD);
}

static int io_poll(void *arg)      { return forward(arg, NULL); }
static int mac_poll(void *arg)     { return forward(arg, edit_mac); }
static int macswap_poll(void *arg) { return forward(arg, edit_macswap); }
static int swap5_poll(void *arg)   { return forward(arg, edit_5tswap); }
static int csum_poll(void *arg)    { return forward(arg, edit_csum); }

plx_poll_fn fwd_mode_poll(enum fwd_mode m)
{
	static const plx_poll_fn poll[FWD_MODES] = {
		[FWD_IO] = io_poll, [FWD_MAC] = mac_poll, [FWD_MACSWAP] = macswap_poll, [FWD_5TSWAP] = swap5_poll,
		[FWD_RXONLY] = fwd_sink_poll, [FWD_TXONLY] = fwd_gen_poll, [FWD_FLOWGEN] = fwd_sink_poll,
		[FWD_ICMPECHO] = fwd_icmpecho_poll, [FWD_CSUM] = csum_poll,
	};

	return poll[m];
}

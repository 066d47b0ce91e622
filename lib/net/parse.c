/* SPDX-License-Identifier: MIT */
/* parse.c - finds the headers of an Ethernet frame or an IP packet; hot; called by applications
   and sockets.  Every byte is asked for through at(), which knows where the packet ends;
   an offset grows only by what at() has granted or what was checked against the end. */
#include "plx_net.h"

enum { TAGS_MAX = 2, EXT_MAX = 8 };
enum { IP_HOPOPT = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP_AH = 51, IP6_NONE = 59, IP6_DSTOPT = 60,
       IP6_MOBILITY = 135, IP6_HIP = 139, IP6_SHIM6 = 140 };
enum { IP4_MF = 0x2000, IP4_OFFSET = 0x1fff, IP6_MF = 1, IP6_OFFSET = 0xfff8 };

struct src {
	const uint8_t *p;         /* the first segment */
	uint32_t have;            /* its bytes */
	uint32_t len;             /* bytes of the packet */
	const struct plx_mbuf *m; /* the chain, NULL if there is one segment only */
};

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }

/* n bytes at off, in place or by a copy in buf; NULL past the end. */
static inline const uint8_t *at(const struct src *s, uint32_t off, uint32_t n, uint8_t *buf)
{
	if (plx_likely(off <= s->have && n <= s->have - off))
		return s->p + off;
	return s->m ? plx_mbuf_read(s->m, off, n, buf) : NULL;
}

/* L4 at off; end is where the IP packet ends.  In a fragment a header that is cut off is
   no error: the packet just has no L4 to look at. */
static int parse_l4(struct plx_pkt *k, const struct src *s, uint32_t off, uint32_t end)
{
	uint32_t room = end - off, head = 0, bytes = room;
	uint8_t l4 = PLX_L4_OTHER, buf[PLX_TCP_LEN];
	const uint8_t *p = NULL;

	if (k->proto == PLX_IP_UDP)
		l4 = PLX_L4_UDP, head = PLX_UDP_LEN;
	else if (k->proto == PLX_IP_TCP)
		l4 = PLX_L4_TCP, head = PLX_TCP_LEN;
	else if (k->proto == PLX_IP_ICMP && k->l3 == PLX_L3_IP4)
		l4 = PLX_L4_ICMP, head = PLX_ICMP_LEN;
	else if (k->proto == PLX_IP_ICMP6 && k->l3 == PLX_L3_IP6)
		l4 = PLX_L4_ICMP6, head = PLX_ICMP_LEN;
	if (head > room || (head && !(p = at(s, off, head, buf))))
		return k->fragment ? PLX_PARSE_OK : PLX_PARSE_SHORT;
	if (l4 == PLX_L4_UDP) {
		uint32_t len = get16(p + 4);

		if (len < PLX_UDP_LEN || (len > room && !k->fragment))
			return PLX_PARSE_BAD_LEN;
		bytes = len < room ? len : room;
	} else if (l4 == PLX_L4_TCP) {
		head = (p[12] >> 4) * 4u;
		if (head < PLX_TCP_LEN)
			return PLX_PARSE_BAD_LEN;
		if (head > room)
			return k->fragment ? PLX_PARSE_OK : PLX_PARSE_SHORT;
	}
	k->l4 = l4;
	k->l4_off = (uint16_t)off;
	k->payload_off = (uint16_t)(off + head);
	k->payload_len = bytes - head;
	return PLX_PARSE_OK;
}

static int parse_ip4(struct plx_pkt *k, const struct src *s, uint32_t off)
{
	uint8_t buf[PLX_IP4_LEN];
	const uint8_t *p = at(s, off, PLX_IP4_LEN, buf);
	uint32_t head, len;
	uint16_t frag;

	if (!p)
		return PLX_PARSE_SHORT;
	if (p[0] >> 4 != 4)
		return PLX_PARSE_BAD_VERSION;
	head = (p[0] & 15u) * 4;
	len = get16(p + 2);
	if (head < PLX_IP4_LEN)
		return PLX_PARSE_BAD_LEN;
	if (head > s->len - off)
		return PLX_PARSE_SHORT;
	if (len < head || len > s->len - off)
		return PLX_PARSE_BAD_LEN;
	frag = get16(p + 6);
	k->l3 = PLX_L3_IP4;
	k->l3_off = (uint16_t)off;
	k->l3_len = len;
	k->options = head > PLX_IP4_LEN;
	k->proto = p[9];
	k->fragment = frag & (IP4_MF | IP4_OFFSET);
	if (frag & IP4_OFFSET)
		return PLX_PARSE_OK;
	return parse_l4(k, s, off + head, off + len);
}

/* Bytes of the extension header at p whose number is next; 0 = it is none. */
static uint32_t ext_len(uint8_t next, const uint8_t *p)
{
	switch (next) {
	case IP_HOPOPT:
	case IP6_ROUTING:
	case IP6_DSTOPT:
	case IP6_MOBILITY:
	case IP6_HIP:
	case IP6_SHIM6: return (p[1] + 1u) * 8;
	case IP6_FRAGMENT: return 8;
	case IP_AH: return (p[1] + 2u) * 4;
	default: return 0;
	}
}

static bool is_ext(uint8_t next)
{
	return ext_len(next, (const uint8_t[2]){ 0 }) != 0;
}

static int parse_ip6(struct plx_pkt *k, const struct src *s, uint32_t off)
{
	uint8_t buf[PLX_IP6_LEN];
	const uint8_t *p = at(s, off, PLX_IP6_LEN, buf);
	uint32_t end, len;

	if (!p)
		return PLX_PARSE_SHORT;
	if (p[0] >> 4 != 6)
		return PLX_PARSE_BAD_VERSION;
	len = PLX_IP6_LEN + get16(p + 4);
	if (len > s->len - off)
		return PLX_PARSE_BAD_LEN;
	k->l3 = PLX_L3_IP6;
	k->l3_off = (uint16_t)off;
	k->l3_len = len;
	k->proto = p[6];
	end = off + len;
	off += PLX_IP6_LEN;
	for (int n = 0; is_ext(k->proto); n++) {
		if (n == EXT_MAX)
			return PLX_PARSE_TOO_DEEP;
		p = end - off >= 8 ? at(s, off, 8, buf) : NULL;
		if (!p || ext_len(k->proto, p) > end - off)
			return k->fragment ? PLX_PARSE_OK : PLX_PARSE_SHORT;
		k->options = true;
		if (k->proto == IP6_ROUTING && p[3])
			k->route_off = (uint16_t)off;
		off += ext_len(k->proto, p);
		if (k->proto == IP6_FRAGMENT) {
			uint16_t frag = get16(p + 2);

			k->fragment |= (frag & (IP6_OFFSET | IP6_MF)) != 0;
			if (frag & IP6_OFFSET) {
				k->proto = p[0];
				return PLX_PARSE_OK;
			}
		}
		k->proto = p[0];
	}
	return k->proto == IP6_NONE ? PLX_PARSE_OK : parse_l4(k, s, off, end);
}

static int parse_arp(struct plx_pkt *k, const struct src *s, uint32_t off)
{
	uint8_t buf[PLX_ARP_LEN];

	if (!at(s, off, PLX_ARP_LEN, buf))
		return PLX_PARSE_SHORT;
	k->l3 = PLX_L3_ARP;
	k->l3_off = (uint16_t)off;
	k->l3_len = PLX_ARP_LEN;
	return PLX_PARSE_OK;
}

static int parse(struct plx_pkt *k, const struct src *s)
{
	uint8_t buf[PLX_ETH_LEN];
	const uint8_t *p = at(s, 0, PLX_ETH_LEN, buf);
	uint32_t off = PLX_ETH_LEN;

	memset(k, 0, sizeof(*k));
	if (!p)
		return PLX_PARSE_SHORT;
	k->type = get16(p + 12);
	while (k->type == PLX_ETH_VLAN || k->type == PLX_ETH_QINQ) {
		if (k->vlans == TAGS_MAX)
			return PLX_PARSE_TOO_DEEP;
		p = at(s, off, PLX_VLAN_LEN, buf);
		if (!p)
			return PLX_PARSE_SHORT;
		k->vlan[k->vlans++] = get16(p);
		k->type = get16(p + 2);
		off += PLX_VLAN_LEN;
	}
	switch (k->type) {
	case PLX_ETH_IP4: return parse_ip4(k, s, off);
	case PLX_ETH_IP6: return parse_ip6(k, s, off);
	case PLX_ETH_ARP: return parse_arp(k, s, off);
	default: return PLX_PARSE_OK;
	}
}

/* Without an Ethernet header the IP version tells what it is. */
static int parse_l3(struct plx_pkt *k, const struct src *s)
{
	uint8_t buf[1];
	const uint8_t *p = at(s, 0, 1, buf);

	memset(k, 0, sizeof(*k));
	if (!p)
		return PLX_PARSE_SHORT;
	switch (*p >> 4) {
	case 4:
		k->type = PLX_ETH_IP4;
		return parse_ip4(k, s, 0);
	case 6:
		k->type = PLX_ETH_IP6;
		return parse_ip6(k, s, 0);
	default:
		return PLX_PARSE_BAD_VERSION;
	}
}

int plx_parse(struct plx_pkt *k, const void *p, uint32_t len)
{
	return parse(k, &(struct src){ .p = p, .have = len, .len = len });
}

int plx_parse_ip(struct plx_pkt *k, const void *p, uint32_t len)
{
	return parse_l3(k, &(struct src){ .p = p, .have = len, .len = len });
}

int plx_parse_mbuf(struct plx_pkt *k, const struct plx_mbuf *m)
{
	const struct src s = { .p = m->data, .have = m->len, .len = m->nsegs > 1 ? m->pkt_len : m->len,
	                       .m = m->nsegs > 1 ? m : NULL };

	return plx_unlikely(m->flags & PLX_MBUF_L3) ? parse_l3(k, &s) : parse(k, &s);
}

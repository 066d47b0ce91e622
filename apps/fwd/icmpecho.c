/* SPDX-License-Identifier: MIT */
/* icmpecho.c - answers ARP requests for any address and ICMP echo requests, in place and
   out of the port they came by; hot; called by the lcores.  Like testpmd it has no address
   of its own.  Who pings it over IPv6 must know its MAC: neighbour solicitations are not
   answered. */
#include "fwd.h"

/* A group address cannot be anybody's source. */
static bool unicast4(uint32_t ip)
{
	ip = plx_be32(ip);
	return ip && ip >> 28 != 14 && ip != UINT32_MAX;
}

static bool answer_arp(uint8_t *p, const struct plx_pkt *k, const uint8_t mac[6])
{
	struct plx_arphdr *a = (struct plx_arphdr *)(p + k->l3_off);

	if (a->op != plx_be16(PLX_ARP_REQUEST) || a->htype != plx_be16(PLX_ARP_ETHER) ||
	    a->ptype != plx_be16(PLX_ETH_IP4) || a->hlen != 6 || a->plen != 4)
		return false;
	if (!memcmp(a->spa, a->tpa, 4)) /* somebody announces or probes his own address */
		return false;
	plx_build_arp_reply(a, a, mac);
	return true;
}

/* The type's change from request to reply is known, so the checksum is fixed, not computed:
   a damaged request gets a reply that is as damaged. */
static void turn_type(struct plx_icmphdr *h, uint8_t reply)
{
	uint16_t from, to;

	memcpy(&from, h, 2);
	h->type = reply;
	memcpy(&to, h, 2);
	h->csum = plx_csum_fix16(h->csum, from, to);
}

static bool answer_ping(uint8_t *p, const struct plx_pkt *k)
{
	struct plx_icmphdr *h = (struct plx_icmphdr *)(p + k->l4_off);
	struct plx_ip4hdr *ip = (struct plx_ip4hdr *)(p + k->l3_off);
	uint32_t src = ip->src;

	if (h->type != PLX_ICMP_ECHO || h->code || k->fragment || !unicast4(ip->src) || !unicast4(ip->dst))
		return false;
	ip->src = ip->dst;
	ip->dst = src;
	turn_type(h, PLX_ICMP_ECHO_REPLY);
	return true;
}

static bool answer_ping6(uint8_t *p, const struct plx_pkt *k)
{
	struct plx_icmphdr *h = (struct plx_icmphdr *)(p + k->l4_off);
	struct plx_ip6hdr *ip = (struct plx_ip6hdr *)(p + k->l3_off);
	uint8_t src[16];

	/* with segments left it is for another than ip->dst, and its checksum has that one's address */
	if (h->type != PLX_ICMP6_ECHO || h->code || k->fragment || k->route_off || ip->src[0] == 0xff ||
	    ip->dst[0] == 0xff)
		return false;
	memcpy(src, ip->src, 16);
	memcpy(ip->src, ip->dst, 16);
	memcpy(ip->dst, src, 16);
	turn_type(h, PLX_ICMP6_ECHO_REPLY);
	return true;
}

/* All headers in the first segment, as drivers receive it; they are changed in place. */
static bool parse_whole(struct plx_pkt *k, struct plx_mbuf **m)
{
	uint32_t heads;

	if (plx_parse_mbuf(k, *m))
		return false;
	heads = k->l4 ? k->l4_off + PLX_ICMP_LEN : k->l3_off + PLX_ARP_LEN;
	if (plx_likely(heads <= (*m)->len))
		return true;
	return !plx_mbuf_linearize(m) && heads <= (*m)->len;
}

/* Makes the answer out of the question, but for its MACs, or says that there is none.  The checksum is
   fixed and no payload looked at, so a chain is as good as one segment. */
static bool answer(struct plx_mbuf **m, const uint8_t mac[6])
{
	struct plx_pkt k;
	uint8_t *p;

	if (!parse_whole(&k, m) || ((*m)->data[6] & 1))
		return false;
	p = (*m)->data;
	if (k.l3 == PLX_L3_ARP)
		return answer_arp(p, &k, mac);
	if (k.l4 == PLX_L4_ICMP)
		return answer_ping(p, &k);
	if (k.l4 == PLX_L4_ICMP6)
		return answer_ping6(p, &k);
	return false;
}

static void turn_macs(void *p, const uint8_t mac[6])
{
	struct plx_ethhdr *e = p;

	memcpy(e->dst, e->src, 6);
	memcpy(e->src, mac, 6);
}

int fwd_icmpecho_poll(void *arg)
{
	struct fwd_path *p = arg;
	struct plx_mbuf *m[PLX_BURST_MAX];
	uint16_t n = plx_rx_burst(p->rx, m, p->burst), out = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (answer(&m[i], p->mac.src)) {
			turn_macs(m[i]->data, p->mac.src);
			m[out++] = m[i];
		} else {
			plx_mbuf_put(m[i]);
			plx_ctr_add(&p->ignored, 1);
		}
	}
	if (out)
		fwd_send(p, m, out);
	return n;
}

/* SPDX-License-Identifier: MIT */
/* build.c - writes headers into room that the caller has; hot; called by
   applications and sockets.  MAC addresses as text are here too. */
#include "plx_net.h"

#include <errno.h>
#include <stdio.h>

enum { TTL = 64, IP4_DF = 0x4000 };

uint16_t plx_build_eth(void *p, const uint8_t dst[6], const uint8_t src[6], uint16_t type)
{
	struct plx_ethhdr *h = p;

	memcpy(h->dst, dst, 6);
	memcpy(h->src, src, 6);
	h->type = plx_be16(type);
	return PLX_ETH_LEN;
}

uint16_t plx_build_vlan(void *p, uint16_t tci, uint16_t type)
{
	struct plx_vlanhdr *h = p;

	h->tci = plx_be16(tci);
	h->type = plx_be16(type);
	return PLX_VLAN_LEN;
}

uint16_t plx_build_ip4(void *p, uint32_t src, uint32_t dst, uint8_t proto, uint16_t l4_len)
{
	struct plx_ip4hdr *h = p;

	*h = (struct plx_ip4hdr){
		.ver_ihl = 0x45, .len = plx_be16((uint16_t)(PLX_IP4_LEN + l4_len)), .frag = plx_be16(IP4_DF),
		.ttl = TTL, .proto = proto, .src = src, .dst = dst,
	};
	h->csum = plx_ip4_csum(h);
	return PLX_IP4_LEN;
}

uint16_t plx_build_ip6(void *p, const uint8_t src[16], const uint8_t dst[16], uint8_t next, uint16_t l4_len)
{
	struct plx_ip6hdr *h = p;

	h->ver_tc_flow = plx_be32(6u << 28);
	h->len = plx_be16(l4_len);
	h->next = next;
	h->hops = TTL;
	memcpy(h->src, src, 16);
	memcpy(h->dst, dst, 16);
	return PLX_IP6_LEN;
}

uint16_t plx_build_udp(void *p, uint16_t sport, uint16_t dport, uint16_t payload_len)
{
	struct plx_udphdr *h = p;

	*h = (struct plx_udphdr){
		.sport = plx_be16(sport), .dport = plx_be16(dport),
		.len = plx_be16((uint16_t)(PLX_UDP_LEN + payload_len)),
	};
	return PLX_UDP_LEN;
}

uint16_t plx_build_arp_reply(void *p, const struct plx_arphdr *request, const uint8_t mac[6])
{
	struct plx_arphdr q = *request; /* p may be the request itself */
	struct plx_arphdr *h = p;

	h->htype = plx_be16(PLX_ARP_ETHER);
	h->ptype = plx_be16(PLX_ETH_IP4);
	h->hlen = 6;
	h->plen = 4;
	h->op = plx_be16(PLX_ARP_REPLY);
	memcpy(h->sha, mac, 6);
	memcpy(h->spa, q.tpa, 4);
	memcpy(h->tha, q.sha, 6);
	memcpy(h->tpa, q.spa, 4);
	return PLX_ARP_LEN;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int plx_mac_parse(uint8_t mac[6], const char *s)
{
	PLX_ASSERT(mac && s);
	uint8_t m[6];

	for (int i = 0; i < 6; i++, s += 2) {
		int hi, lo;

		if (i && *s++ != ':')
			return -EINVAL;
		hi = hex(s[0]);
		lo = hi < 0 ? -1 : hex(s[1]);
		if (lo < 0)
			return -EINVAL;
		m[i] = (uint8_t)(hi << 4 | lo);
	}
	if (*s)
		return -EINVAL;
	memcpy(mac, m, 6);
	return 0;
}

char *plx_mac_fmt(char buf[18], const uint8_t mac[6])
{
	PLX_ASSERT(buf && mac);
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

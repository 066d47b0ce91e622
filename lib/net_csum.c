/* SPDX-License-Identifier: MIT */
/* net_csum.c - Internet checksums, full and incremental (RFC 1071, RFC 1624); hot;
   called by applications and sockets.

   Sums are taken over the bytes as they lie in memory: one's-complement addition does
   not care for byte order, so a result is ready to store without a swap. */
#include "plx_net.h"

static inline uint64_t load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
static inline uint32_t load32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static inline uint16_t load16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }

/* Back to 33 bits, so that a running sum can never overflow. */
static inline uint64_t narrow(uint64_t sum) { return (sum & 0xffffffff) + (sum >> 32); }

uint64_t plx_csum_add(uint64_t sum, const void *p, uint32_t len)
{
	const uint8_t *b = p;
	uint64_t lo = narrow(sum), hi = 0; /* halves of the words apart: no carry to chase */

	for (; len >= 32; len -= 32, b += 32) {
		uint64_t v0 = load64(b), v1 = load64(b + 8), v2 = load64(b + 16), v3 = load64(b + 24);

		lo += (v0 & 0xffffffff) + (v1 & 0xffffffff) + (v2 & 0xffffffff) + (v3 & 0xffffffff);
		hi += (v0 >> 32) + (v1 >> 32) + (v2 >> 32) + (v3 >> 32);
	}
	for (; len >= 8; len -= 8, b += 8) {
		uint64_t v = load64(b);

		lo += v & 0xffffffff;
		hi += v >> 32;
	}
	if (len & 4) {
		lo += load32(b);
		b += 4;
	}
	if (len & 2) {
		hi += load16(b);
		b += 2;
	}
	if (len & 1) {
		uint8_t last[2] = { *b, 0 };

		hi += load16(last);
	}
	return narrow(lo) + narrow(hi);
}

uint16_t plx_csum_fold(uint64_t sum)
{
	sum = narrow(sum);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint16_t plx_csum(const void *p, uint32_t len)
{
	return plx_csum_fold(plx_csum_add(0, p, len));
}

/* Sum of [p, p + len) without the 16 bits at field, which is even. */
static uint64_t sum_without(uint64_t sum, const uint8_t *p, uint32_t len, uint32_t field)
{
	sum = plx_csum_add(sum, p, field);
	return plx_csum_add(sum, p + field + 2, len - field - 2);
}

uint16_t plx_ip4_csum(const struct plx_ip4 *h)
{
	const uint8_t *b = (const uint8_t *)h;
	uint32_t len = (b[0] & 15u) * 4;

	if (len < PLX_IP4_LEN)
		len = PLX_IP4_LEN;
	return plx_csum_fold(sum_without(0, b, len, offsetof(struct plx_ip4, csum)));
}

uint64_t plx_ip4_pseudo(const struct plx_ip4 *h, uint8_t proto, uint32_t l4_len)
{
	const uint8_t *b = (const uint8_t *)h + offsetof(struct plx_ip4, src);

	return (uint64_t)load32(b) + load32(b + 4) + plx_be32(proto) + plx_be32(l4_len);
}

uint64_t plx_ip6_pseudo(const struct plx_ip6 *h, uint8_t proto, uint32_t l4_len)
{
	return plx_csum_add(plx_be32(l4_len), (const uint8_t *)h + offsetof(struct plx_ip6, src), 32) + plx_be32(proto);
}

/* Where the checksum of this L4 stands; 0 = it has none that is known here. */
static uint32_t csum_field(const struct plx_pkt *k)
{
	switch (k->l4) {
	case PLX_L4_UDP: return offsetof(struct plx_udp, csum);
	case PLX_L4_TCP: return offsetof(struct plx_tcp, csum);
	case PLX_L4_ICMP:
	case PLX_L4_ICMP6: return offsetof(struct plx_icmp, csum);
	default: return 0;
	}
}

/* Bytes of the L4 header and payload by the packet's own lengths. */
static uint32_t l4_bytes(const struct plx_pkt *k)
{
	return (uint32_t)(k->payload_off - k->l4_off) + k->payload_len;
}

static uint64_t pseudo(const uint8_t *p, const struct plx_pkt *k)
{
	if (k->l4 == PLX_L4_ICMP)
		return 0;
	if (k->l3 == PLX_L3_IP6)
		return plx_ip6_pseudo((const struct plx_ip6 *)(p + k->l3_off), k->proto, l4_bytes(k));
	return plx_ip4_pseudo((const struct plx_ip4 *)(p + k->l3_off), k->proto, l4_bytes(k));
}

uint16_t plx_l4_csum(const void *p, const struct plx_pkt *k)
{
	const uint8_t *b = p;
	uint32_t field = csum_field(k);
	uint16_t c;

	if (!field || k->fragment)
		return 0;
	c = plx_csum_fold(sum_without(pseudo(b, k), b + k->l4_off, l4_bytes(k), field));
	return c == 0 && k->l4 == PLX_L4_UDP ? 0xffff : c;
}

bool plx_csum_ok(const void *p, const struct plx_pkt *k)
{
	const uint8_t *b = p;
	uint32_t field = csum_field(k);

	if (k->l3 == PLX_L3_IP4) {
		const uint8_t *ip = b + k->l3_off;

		if (plx_csum(ip, (ip[0] & 15u) * 4) != 0)
			return false;
	}
	if (!field || k->fragment)
		return true;
	if (k->l4 == PLX_L4_UDP && load16(b + k->l4_off + field) == 0)
		return k->l3 == PLX_L3_IP4; /* "not computed"; IPv6 forbids it */
	return plx_csum_fold(plx_csum_add(pseudo(b, k), b + k->l4_off, l4_bytes(k))) == 0;
}

uint16_t plx_csum_fix16(uint16_t csum, uint16_t from, uint16_t to)
{
	/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m') */
	return plx_csum_fold((uint64_t)(uint16_t)~csum + (uint16_t)~from + to);
}

uint16_t plx_csum_fix32(uint16_t csum, uint32_t from, uint32_t to)
{
	return plx_csum_fold((uint64_t)(uint16_t)~csum + (uint32_t)~from + to);
}

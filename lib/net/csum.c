/* SPDX-License-Identifier: MIT */
/* csum.c - Internet checksums, full and incremental (RFC 1071, RFC 1624); hot;
   called by applications and sockets.

   Sums are taken over the bytes as they lie in memory: one's-complement addition does
   not care for byte order, so a result is ready to store without a swap. */
#include "plx_net.h"
#include <errno.h>

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

uint16_t plx_ip4_csum(const struct plx_ip4hdr *h)
{
	const uint8_t *b = (const uint8_t *)h;
	uint32_t len = (b[0] & 15u) * 4;

	if (len < PLX_IP4_LEN)
		len = PLX_IP4_LEN;
	return plx_csum_fold(sum_without(0, b, len, offsetof(struct plx_ip4hdr, csum)));
}

uint64_t plx_ip4_pseudo(const struct plx_ip4hdr *h, uint8_t proto, uint32_t l4_len)
{
	const uint8_t *b = (const uint8_t *)h + offsetof(struct plx_ip4hdr, src);

	return (uint64_t)load32(b) + load32(b + 4) + plx_be32(proto) + plx_be32(l4_len);
}

uint64_t plx_ip6_pseudo(const struct plx_ip6hdr *h, uint8_t proto, uint32_t l4_len)
{
	const uint8_t *b = (const uint8_t *)h + offsetof(struct plx_ip6hdr, src);

	return plx_csum_add(plx_be32(l4_len), b, 32) + plx_be32(proto);
}

/* ---- a parsed packet, flat or a chain ---- */

struct src {
	const uint8_t *p;         /* of a flat one */
	const struct plx_mbuf *m; /* of a chain, NULL = flat */
};

static inline struct src src_of(const struct plx_mbuf *m)
{
	return (struct src){ .p = m->data, .m = m->nsegs > 1 ? m : NULL };
}

/* n bytes at off, which the parser has seen to be there; in place or by a copy in buf. */
static inline const uint8_t *at(const struct src *s, uint32_t off, uint32_t n, void *buf)
{
	return plx_likely(!s->m) ? s->p + off : plx_mbuf_read(s->m, off, n, buf);
}

uint64_t plx_csum_add_mbuf(uint64_t sum, const struct plx_mbuf *m, uint32_t off, uint32_t len)
{
	bool odd = false; /* bytes before this segment: its own then stand in the other half of each word */

	for (; m && off >= m->len; m = m->next)
		off -= m->len;
	for (; m && len; m = m->next, off = 0) {
		uint32_t n = m->len - off < len ? m->len - off : len;
		uint16_t part = (uint16_t)~plx_csum_fold(plx_csum_add(0, m->data + off, n));

		sum = narrow(sum) + (odd ? __builtin_bswap16(part) : part);
		odd ^= n & 1;
		len -= n;
	}
	return sum;
}

static uint64_t add(uint64_t sum, const struct src *s, uint32_t off, uint32_t len)
{
	return plx_likely(!s->m) ? plx_csum_add(sum, s->p + off, len) : plx_csum_add_mbuf(sum, s->m, off, len);
}

/* Where the checksum of this L4 stands; 0 = it has none that is known here. */
static uint32_t csum_field(const struct plx_pkt *k)
{
	switch (k->l4) {
	case PLX_L4_UDP: return offsetof(struct plx_udphdr, csum);
	case PLX_L4_TCP: return offsetof(struct plx_tcphdr, csum);
	case PLX_L4_ICMP:
	case PLX_L4_ICMP6: return offsetof(struct plx_icmphdr, csum);
	default: return 0;
	}
}

/* Bytes of the L4 header and payload by the packet's own lengths. */
static uint32_t l4_bytes(const struct plx_pkt *k)
{
	return (uint32_t)(k->payload_off - k->l4_off) + k->payload_len;
}

/* Overwrites dst with what the routing header at off leads to in the end: the last address of types
   0 and 2, of type 3 (RFC 6554) without the bytes it shares with dst, of type 4 (RFC 8754) the first,
   for its list is written backwards.  A header without one, or of another type, leaves dst alone. */
static void final_dst(uint8_t dst[16], const struct src *s, uint32_t off)
{
	uint8_t head[8], buf[16];
	uint32_t bytes, shared = 0, pad = 0;

	memcpy(head, at(s, off, 8, head), 8);
	bytes = head[1] * 8u; /* of what stands behind head */
	if (head[2] == 3) {
		shared = head[4] & 15u;
		pad = head[5] >> 4;
	} else if (head[2] != 0 && head[2] != 2 && head[2] != 4) {
		return;
	}
	if (bytes < pad + 16 - shared)
		return;
	off += 8 + (head[2] == 4 ? 0 : bytes - pad - (16 - shared));
	memcpy(dst + shared, at(s, off, 16 - shared, buf), 16 - shared);
}

static uint64_t pseudo(const struct src *s, const struct plx_pkt *k)
{
	union { struct plx_ip4hdr v4; struct plx_ip6hdr v6; } buf;

	if (k->l4 == PLX_L4_ICMP)
		return 0;
	if (k->l3 != PLX_L3_IP6)
		return plx_ip4_pseudo((const struct plx_ip4hdr *)at(s, k->l3_off, PLX_IP4_LEN, &buf), k->proto,
		                      l4_bytes(k));
	const uint8_t *ip = at(s, k->l3_off, PLX_IP6_LEN, &buf);

	if (plx_unlikely(k->route_off)) {
		struct plx_ip6hdr there;

		memcpy(&there, ip, PLX_IP6_LEN);
		final_dst(there.dst, s, k->route_off);
		return plx_ip6_pseudo(&there, k->proto, l4_bytes(k));
	}
	return plx_ip6_pseudo((const struct plx_ip6hdr *)ip, k->proto, l4_bytes(k));
}

static uint16_t l4_csum(const struct src *s, const struct plx_pkt *k)
{
	uint32_t field = csum_field(k);
	uint64_t sum;
	uint16_t c;

	if (!field || k->fragment)
		return 0;
	sum = add(pseudo(s, k), s, k->l4_off, field);
	sum = add(sum, s, k->l4_off + field + 2, l4_bytes(k) - field - 2);
	c = plx_csum_fold(sum);
	return c == 0 && k->l4 == PLX_L4_UDP ? 0xffff : c;
}

static bool csum_ok(const struct src *s, const struct plx_pkt *k)
{
	uint32_t field = csum_field(k);
	uint8_t buf[2];

	if (k->l3 == PLX_L3_IP4 && plx_csum_fold(add(0, s, k->l3_off, (*at(s, k->l3_off, 1, buf) & 15u) * 4)) != 0)
		return false;
	if (!field || k->fragment)
		return true;
	if (k->l4 == PLX_L4_UDP && load16(at(s, k->l4_off + field, 2, buf)) == 0)
		return k->l3 == PLX_L3_IP4; /* "not computed"; IPv6 forbids it */
	return plx_csum_fold(add(pseudo(s, k), s, k->l4_off, l4_bytes(k))) == 0;
}

uint16_t plx_l4_csum(const void *p, const struct plx_pkt *k) { return l4_csum(&(struct src){ .p = p }, k); }
bool plx_csum_ok(const void *p, const struct plx_pkt *k)     { return csum_ok(&(struct src){ .p = p }, k); }

uint16_t plx_l4_csum_mbuf(const struct plx_mbuf *m, const struct plx_pkt *k)
{
	const struct src s = src_of(m);

	return l4_csum(&s, k);
}

bool plx_csum_ok_mbuf(const struct plx_mbuf *m, const struct plx_pkt *k)
{
	const struct src s = src_of(m);

	return csum_ok(&s, k);
}

/* A checksum that is unfinished can be finished. */
static bool finishable(const struct src *s, const struct plx_pkt *k)
{
	uint32_t field = csum_field(k);
	uint8_t buf[2];

	return field && !k->fragment && (k->l4 != PLX_L4_UDP || load16(at(s, k->l4_off + field, 2, buf)));
}

int plx_csum_finish(void *p, const struct plx_pkt *k)
{
	const struct src s = { .p = p };
	uint16_t sum;

	if (!finishable(&s, k))
		return -EINVAL;
	sum = l4_csum(&s, k);
	memcpy((uint8_t *)p + k->l4_off + csum_field(k), &sum, 2);
	return 0;
}

/* One byte of a packet that has it. */
static void put8(struct plx_mbuf *m, uint32_t off, uint8_t v)
{
	for (; off >= m->len; m = m->next)
		off -= m->len;
	m->data[off] = v;
}

int plx_csum_finish_mbuf(struct plx_mbuf *m)
{
	const struct src s = src_of(m);
	struct plx_pkt k;
	uint8_t sum[2];

	for (const struct plx_mbuf *x = m; x; x = x->next)
		if (__atomic_load_n(&x->ref, __ATOMIC_ACQUIRE) != 1)
			return -EBUSY;
	if (plx_parse_mbuf(&k, m) || !finishable(&s, &k))
		return -EINVAL;
	memcpy(sum, &(uint16_t){ l4_csum(&s, &k) }, 2);
	put8(m, k.l4_off + csum_field(&k), sum[0]); /* it may stand across two segments */
	put8(m, k.l4_off + csum_field(&k) + 1, sum[1]);
	plx_mbuf_say_csum(m, PLX_CSUM_GOOD);
	return 0;
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

/* SPDX-License-Identifier: MIT */
/* fuzz_checksums.c - the checksums next to one that adds byte by byte: of any bytes, in pieces, of a parsed
   packet, and altered by RFC 1624.

   Two bytes say where the bytes are cut; the rest is a frame, and bytes. */
#include "fuzz.h"
#include "plx_net.h"

#include <errno.h>

enum { LEN_MAX = 9216 };

/* The sum as RFC 1071 tells it, over big-endian words. */
static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* As it stands in a header. */
static uint16_t finish(uint32_t sum)
{
	return plx_be16((uint16_t)~sum);
}

/* 0 and 0xffff are the same number. */
static bool same(uint16_t a, uint16_t b)
{
	return a == b || (a % 0xffff == 0 && b % 0xffff == 0);
}

static void bytes(const uint8_t *p, uint32_t n, uint32_t cut, uint8_t skew)
{
	uint16_t want = finish(add(0, p, n)), got = plx_csum(p, n);
	uint8_t *moved = malloc(n + 8);

	MUST(got == want);
	if (!moved)
		abort();
	memcpy(moved + skew % 8, p, n); /* whatever the alignment */
	MUST(plx_csum(moved + skew % 8, n) == want);
	free(moved);
	cut &= ~1u;
	MUST(plx_csum_fold(plx_csum_add(plx_csum_add(0, p, cut), p + cut, n - cut)) == want);
	MUST(same(plx_csum_fold(plx_csum_add(UINT64_MAX, p, n)), want)); /* a sum of any size: that one is 0 */
}

/* A field of 16 and one of 32 bits that change. */
static void altered(uint8_t *p, uint32_t n, uint16_t a, uint16_t b)
{
	uint16_t was, from16;
	uint32_t from32, to32 = (uint32_t)a << 16 | b;
	uint32_t at = n >= 4 ? a % (n - 3) & ~1u : 0;

	if (n < 4)
		return;
	was = plx_csum(p, n);
	memcpy(&from16, p + at, 2);
	memcpy(p + at, &b, 2);
	MUST(same(plx_csum_fix16(was, from16, b), finish(add(0, p, n))));
	memcpy(p + at, &from16, 2);
	memcpy(&from32, p + at, 4);
	memcpy(p + at, &to32, 4);
	MUST(same(plx_csum_fix32(was, from32, to32), finish(add(0, p, n))));
	memcpy(p + at, &from32, 4);
}

/* ---- a packet ---- */

static uint32_t pseudo(const uint8_t *ip, const struct plx_pkt *k, uint32_t len)
{
	uint8_t tail[8] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,
	                    0, 0, 0, k->proto };
	struct plx_ip6hdr h6;

	if (k->l4 == PLX_L4_ICMP)
		return 0;
	if (k->l3 == PLX_L3_IP4)
		return add(add(0, ip + 12, 8), tail, 8);
	memcpy(&h6, ip, sizeof(h6));
	return add(add(add(0, h6.src, 16), h6.dst, 16), tail, 8);
}

static void packet(uint8_t *p, uint32_t n)
{
	struct plx_pkt k;

	/* with a routing header the last destination counts: tests/unit/lib/net/test_csum.c */
	if (plx_parse(&k, p, n) || k.fragment || k.route_off)
		return;
	if (k.l3 == PLX_L3_IP4) {
		struct plx_ip4hdr *h = (void *)(p + k.l3_off);

		h->csum = plx_ip4_csum(h);
		MUST(same(finish(add(0, p + k.l3_off, (p[k.l3_off] & 15u) * 4)), 0));
	}
	if (k.l4 == PLX_L4_NONE || k.l4 == PLX_L4_OTHER)
		return;
	uint32_t len = (uint32_t)(k.payload_off - k.l4_off) + k.payload_len;
	uint32_t field = k.l4 == PLX_L4_UDP ? 6 : k.l4 == PLX_L4_TCP ? 16 : 2;
	uint16_t got = plx_l4_csum(p, &k), zero = 0;

	memcpy(p + k.l4_off + field, &zero, 2);
	uint16_t want = finish(add(pseudo(p + k.l3_off, &k, len), p + k.l4_off, len));

	MUST(got == (k.l4 == PLX_L4_UDP && !want ? 0xffff : want));
	MUST(plx_l4_csum(p, &k) == got); /* the field's own value does not count */
	memcpy(p + k.l4_off + field, &got, 2);
	MUST(plx_csum_ok(p, &k));
	got ^= 1;
	memcpy(p + k.l4_off + field, &got, 2);
	MUST(!plx_csum_ok(p, &k) || (k.l4 == PLX_L4_UDP && !got));
	if (k.l4 == PLX_L4_UDP && !got)
		MUST(plx_csum_finish(p, &k) == -EINVAL);
	else
		MUST(plx_csum_finish(p, &k) == 0 && plx_csum_ok(p, &k));
}

/* ---- a chain ---- */

/* The bytes as three segments, each in memory of its own, have the sums of the flat ones. */
static void chained(const uint8_t *p, uint32_t n, uint32_t a, uint32_t b)
{
	uint32_t at[4] = { 0, a % (n + 1), b % (n + 1), n };
	struct plx_mbuf m[3];
	struct plx_pkt k, flat;

	if (at[1] > at[2]) {
		at[1] = b % (n + 1);
		at[2] = a % (n + 1);
	}
	for (int i = 0; i < 3; i++) {
		uint16_t len = (uint16_t)(at[i + 1] - at[i]);

		m[i] = (struct plx_mbuf){ .data = fuzz_copy(p + at[i], len), .len = len, .pkt_len = i ? 0 : n, .ref = 1,
		                          .nsegs = i ? 1 : 3, .next = i < 2 ? &m[i + 1] : NULL };
	}
	MUST(plx_csum_fold(plx_csum_add_mbuf(0, m, at[1], n - at[1])) == finish(add(0, p + at[1], n - at[1])));
	if (!plx_parse(&flat, p, n)) {
		MUST(!plx_parse_mbuf(&k, m));
		MUST(plx_l4_csum_mbuf(m, &k) == plx_l4_csum(p, &flat));
		MUST(plx_csum_ok_mbuf(m, &k) == plx_csum_ok(p, &flat));
	}
	for (int i = 0; i < 3; i++)
		free(m[i].data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint16_t a = fuzz_u16(&in), b = fuzz_u16(&in);

	if (in.n > LEN_MAX)
		return 0;
	uint32_t n = (uint32_t)in.n;
	uint8_t *p = fuzz_copy(in.p, n);

	bytes(p, n, a % (n + 1), (uint8_t)b);
	altered(p, n, a, b);
	packet(p, n);
	chained(p, n, a, b);
	free(p);
	return 0;
}

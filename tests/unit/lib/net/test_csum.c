/* SPDX-License-Identifier: MIT */
/* test_csum.c - checksums of whole packets against one that adds byte by byte and knows each header
   only by the RFC's words: random packets, flat and cut at random places, IPv6 routing headers. */
#include "bytes_util.h"
#include "plx_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROOM = 10000, CUTS = 64 };

struct made {
	uint8_t  p[ROOM];
	uint32_t len, l4, l4_len, field;
	uint8_t  src[16], dst[16];   /* of the pseudo-header */
	uint32_t addr;               /* their bytes; 0 = ICMP has none */
	uint8_t  proto;
};

/* The sum of RFC 1071 in the plainest way; at: place of the first byte. */
static uint32_t slow(uint32_t sum, const uint8_t *p, uint32_t len, uint32_t at)
{
	for (uint32_t i = 0; i < len; i++) {
		sum += (at + i) & 1 ? p[i] : p[i] * 256u;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static uint16_t slow_l4(const struct made *f)
{
	uint8_t tail[8] = { 0, 0, (uint8_t)(f->l4_len >> 8), (uint8_t)f->l4_len, 0, 0, 0, f->proto };
	uint32_t sum = slow(slow(0, f->src, f->addr, 0), f->dst, f->addr, 0);

	if (f->addr)
		sum = slow(sum, tail, sizeof(tail), 0);
	sum = slow(sum, f->p + f->l4, f->field, 0);
	sum = slow(sum, f->p + f->l4 + f->field + 2, f->l4_len - f->field - 2, f->field);
	sum = ~sum & 0xffff;
	return plx_be16((uint16_t)(f->proto == 17 && !sum ? 0xffff : sum));
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A routing header of the type with n addresses at p; returns its bytes.  dst becomes where it leads to. */
static uint32_t route(uint8_t *p, uint8_t type, uint32_t n, uint8_t dst[16])
{
	uint32_t each = 16, last = 16, pad = 0, len;

	if (type == 3) {
		each -= rnd() % 16;
		last -= rnd() % 16;
		pad = (8 - ((n - 1) * each + last) % 8) % 8;
	}
	len = (n - 1) * each + last + pad;
	p[1] = (uint8_t)(len / 8);
	p[2] = type;
	p[3] = (uint8_t)(1 + rnd() % n);
	p[4] = type == 3 ? (uint8_t)((16 - each) << 4 | (16 - last)) : 0;
	p[5] = (uint8_t)(pad << 4);
	if (rnd() % 4 == 0)
		p[3] = 0; /* all segments done: the destination is the last */
	else if (type == 4)
		memcpy(dst, p + 8, 16);
	else if (type != 9)
		memcpy(dst + 16 - last, p + 8 + (n - 1) * each, last);
	return 8 + len;
}

static uint32_t make_ip6(struct made *f, uint8_t *ip, uint32_t room)
{
	uint32_t at = 40, ext = rnd() % 4;
	uint8_t *next = ip + 6;
	static const uint8_t types[] = { 0, 2, 3, 4, 9 };

	ip[0] = 0x60;
	memcpy(f->src, ip + 8, 16);
	memcpy(f->dst, ip + 24, 16);
	if (ext & 1) { /* options */
		*next = 60;
		next = ip + at;
		ip[at + 1] = 1;
		at += 16;
	}
	if (ext & 2) {
		uint8_t type = types[rnd() % 5];

		*next = 43;
		next = ip + at;
		at += route(ip + at, type, type == 2 ? 1 : 1 + rnd() % 5, f->dst);
	}
	*next = f->proto;
	f->addr = 16;
	f->l4_len = room - at;
	put16(ip + 4, room - 40);
	return at;
}

static uint32_t make_ip4(struct made *f, uint8_t *ip, uint32_t room)
{
	uint32_t head = 20 + rnd() % 11 * 4;

	ip[0] = (uint8_t)(0x40 | head / 4);
	put16(ip + 2, room);
	put16(ip + 6, 0x4000);
	ip[9] = f->proto;
	put16(ip + 10, 0);
	put16(ip + 10, ~slow(0, ip, head, 0));
	memcpy(f->src, ip + 12, 4);
	memcpy(f->dst, ip + 16, 4);
	f->addr = f->proto == 1 ? 0 : 4;
	f->l4_len = room - head;
	return head;
}

static void make(struct made *f)
{
	static const uint8_t protos[] = { 17, 6, 1 };
	bool six = rnd() & 1;
	uint32_t kind = rnd() % 3, most = rnd() % 4 ? 700 : 9000;

	memset(f, 0, sizeof(*f));
	f->len = 260 + rnd() % most;
	for (uint32_t i = 0; i < f->len; i++)
		f->p[i] = (uint8_t)rnd();
	put16(f->p + 12, six ? PLX_ETH_IP6 : PLX_ETH_IP4);
	f->proto = kind == 2 && six ? 58 : protos[kind];
	f->l4 = 14 + (six ? make_ip6 : make_ip4)(f, f->p + 14, f->len - 14);
	f->field = kind == 0 ? 6 : kind == 1 ? 16 : 2;
	if (kind == 0)
		put16(f->p + f->l4 + 4, f->l4_len);
	else if (kind == 1)
		f->p[f->l4 + 12] = 0x50;
}

/* m[] as a chain over the bytes of f, cut anywhere, also into segments of one byte and of none. */
static void cut(struct plx_mbuf *m, struct made *f)
{
	uint32_t at = 0, n = 1 + rnd() % CUTS, heads = rnd() & 1;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t left = f->len - at, part = i + 1 == n ? left : rnd() % ((heads ? 8 : left / 2) + 1);

		part = part < left ? part : left;
		m[i] = (struct plx_mbuf){ .data = f->p + at, .len = (uint16_t)part,
		                          .next = i + 1 < n ? &m[i + 1] : NULL,
		                          .ref = 1, .nsegs = 1 };
		at += part;
	}
	m[0].nsegs = (uint8_t)n;
	m[0].pkt_len = f->len;
}

static void test_random(void **state)
{
	static struct made f;
	struct plx_mbuf m[CUTS];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct plx_pkt k, c;
		uint16_t want;

		make(&f);
		cut(m, &f);
		assert_int_equal(plx_parse(&k, f.p, f.len), 0);
		assert_int_equal(plx_parse_mbuf(&c, m), 0);
		assert_memory_equal(&c, &k, sizeof(k));
		assert_int_equal(k.l4_off, f.l4);
		want = slow_l4(&f);
		if (plx_l4_csum(f.p, &k) != want)
			fail_msg("packet %d, flat: %04x, not %04x", i, plx_l4_csum(f.p, &k), want);
		if (plx_l4_csum_mbuf(m, &c) != want)
			fail_msg("packet %d, %u segments: %04x, not %04x", i, m[0].nsegs, plx_l4_csum_mbuf(m, &c),
			         want);
		memcpy(f.p + f.l4 + f.field, &want, 2);
		assert_true(plx_csum_ok(f.p, &k) && plx_csum_ok_mbuf(m, &c));
		f.p[f.l4 + rnd() % f.l4_len] ^= (uint8_t)(1 + rnd() % 255);
		if (f.proto == 17 && (f.p[f.l4 + 4] << 8 | f.p[f.l4 + 5]) != (int)f.l4_len)
			continue; /* its length says what is summed up */
		if (!(f.p[f.l4 + f.field] | f.p[f.l4 + f.field + 1]))
			continue;
		assert_false(plx_csum_ok(f.p, &k) || plx_csum_ok_mbuf(m, &c));
	}
}

/* Any range of a chain, also one that begins within a segment or goes beyond the end. */
static void test_ranges(void **state)
{
	static struct made f;
	struct plx_mbuf m[CUTS];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		f.len = 1 + rnd() % 300;
		for (uint32_t b = 0; b < f.len; b++)
			f.p[b] = (uint8_t)(rnd() % 3 ? rnd() : 0xff);
		cut(m, &f);
		uint32_t off = rnd() % (f.len + 1), len = rnd() % 400, have = len < f.len - off ? len : f.len - off;
		uint16_t want = plx_be16((uint16_t)~slow(0x1234, f.p + off, have, 0));

		assert_int_equal(plx_csum_fold(plx_csum_add_mbuf(plx_be16(0x1234), m, off, len)), want);
	}
}

/* A routing header that does not hold what it should: no byte beyond it is read, and no address taken. */
static void test_bad_routes(void **state)
{
	static const struct { uint8_t len, type, left, compr, pad; } rows[] = {
		{ 0, 0, 1, 0, 0 }, { 1, 0, 1, 0, 0 }, { 0, 4, 255, 0, 0 }, { 1, 4, 1, 0, 0 }, { 1, 3, 1, 7, 0 },
		{ 1, 3, 1, 8, 0x10 }, { 0, 3, 1, 15, 0 }, { 2, 9, 1, 0, 0 }, { 2, 1, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint32_t len = 14 + 40 + 8 + rows[i].len * 8u + 8;
		uint8_t *p = calloc(1, len), *ip = p + 14, *r = ip + 40, *udp;
		struct plx_pkt k;
		uint16_t with, without;

		for (uint32_t b = 0; b < len; b++)
			p[b] = (uint8_t)(b * 37);
		put16(p + 12, PLX_ETH_IP6);
		ip[0] = 0x60;
		put16(ip + 4, len - 54);
		ip[6] = 43;
		memcpy(r, (uint8_t[]){ 17, rows[i].len, rows[i].type, rows[i].left, rows[i].compr, rows[i].pad }, 6);
		udp = r + 8 + rows[i].len * 8u;
		put16(udp + 4, 8);
		assert_int_equal(plx_parse(&k, p, len), 0);
		assert_int_equal(k.route_off, 54);
		with = plx_l4_csum(p, &k);
		k.route_off = 0;
		without = plx_l4_csum(p, &k);
		assert_int_equal(with, without);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_ranges), cmocka_unit_test(test_bad_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_net.c - the parser over a table of frames, each cut at every length and split at
   every place; checksums against a slow one; builders against the parser. */
#include "bytes_util.h"
#include "plx_net.h"

#include <errno.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MACS    "020000000001020000000002"
#define ETH4    MACS "0800"
#define ETH6    MACS "86dd"
#define ADDR4   "0a000001" "0a000002"
#define ADDR6   "fd000000000000000000000000000001" "fd000000000000000000000000000002"
#define IP4(len, frag, proto) "4500" len "0001" frag "40" proto "0000" ADDR4
#define IP6(len, next) "60000000" len next "40" ADDR6
#define UDP12   "0001" "0002" "000c" "0000" "61626364" /* 8 + 4 bytes */
#define TCP     "0001" "0002" "00000001" "00000002" "5010" "ffff" "0000" "0000"
#define TCP24   "0001" "0002" "00000001" "00000002" "6010" "ffff" "0000" "0000" "01010101"
#define ICMP    "0800" "0000" "0001" "0002"

struct row {
	const char *what, *hex;
	int err;
	struct plx_pkt k;
};

/* offsets of the innermost header, lengths without padding */
#define K(l3_, l4_, off3, len3, off4, offp, lenp, ...) \
	{ .l3 = PLX_L3_##l3_, .l4 = PLX_L4_##l4_, .l3_off = off3, .l3_len = len3, .l4_off = off4, .payload_off = offp, \
	  .payload_len = lenp, __VA_ARGS__ }

static const struct row rows[] = {
	{ "udp4", ETH4 IP4("0020", "4000", "11") UDP12, 0, K(IP4, UDP, 14, 32, 34, 42, 4, .type = 0x800, .proto = 17) },
	{ "udp4 in one tag",
	  MACS "81000007"
	       "0800" IP4("0020", "0000", "11") UDP12,
	  0, K(IP4, UDP, 18, 32, 38, 46, 4, .type = 0x800, .proto = 17, .vlans = 1, .vlan = { 7 }) },
	{ "udp4 in two tags",
	  MACS "88a8600a"
	       "81000007"
	       "0800" IP4("0020", "0000", "11") UDP12,
	  0, K(IP4, UDP, 22, 32, 42, 50, 4, .type = 0x800, .proto = 17, .vlans = 2, .vlan = { 0x600a, 7 }) },
	{ "three tags",
	  MACS "88a80001"
	       "81000002"
	       "81000003"
	       "0800",
	  PLX_PARSE_TOO_DEEP,
	  { .type = 0x8100, .vlans = 2, .vlan = { 1, 2 } } },
	{ "udp4 with options",
	  ETH4 "46000024000100004011"
	       "0000" ADDR4 "01010101" UDP12,
	  0, K(IP4, UDP, 14, 36, 38, 46, 4, .type = 0x800, .proto = 17, .options = true) },
	{ "tcp4", ETH4 IP4("0028", "4000", "06") TCP, 0, K(IP4, TCP, 14, 40, 34, 54, 0, .type = 0x800, .proto = 6) },
	{ "tcp4 with options", ETH4 IP4("002c", "4000", "06") TCP24, 0,
	  K(IP4, TCP, 14, 44, 34, 58, 0, .type = 0x800, .proto = 6) },
	{ "icmp4", ETH4 IP4("001c", "0000", "01") ICMP, 0, K(IP4, ICMP, 14, 28, 34, 42, 0, .type = 0x800, .proto = 1) },
	{ "ospf", ETH4 IP4("0018", "0000", "59") "01020304", 0,
	  K(IP4, OTHER, 14, 24, 34, 34, 4, .type = 0x800, .proto = 0x59) },
	{ "nothing behind IPv4", ETH4 IP4("0014", "0000", "ff"), 0,
	  K(IP4, OTHER, 14, 20, 34, 34, 0, .type = 0x800, .proto = 255) },
	{ "first fragment",
	  ETH4 IP4("0020", "2000", "11") "0001"
	                                 "0002"
	                                 "0578"
	                                 "0000"
	                                 "61626364",
	  0, K(IP4, UDP, 14, 32, 34, 42, 4, .type = 0x800, .proto = 17, .fragment = true) },
	{ "first fragment within TCP", ETH4 IP4("001c", "2000", "06") "0001000200000001", 0,
	  K(IP4, NONE, 14, 28, 0, 0, 0, .type = 0x800, .proto = 6, .fragment = true) },
	{ "later fragment", ETH4 IP4("0020", "0001", "11") UDP12, 0,
	  K(IP4, NONE, 14, 32, 0, 0, 0, .type = 0x800, .proto = 17, .fragment = true) },
	{ "udp6", ETH6 IP6("000c", "11") UDP12, 0, K(IP6, UDP, 14, 52, 54, 62, 4, .type = 0x86dd, .proto = 17) },
	{ "tcp6", ETH6 IP6("0014", "06") TCP, 0, K(IP6, TCP, 14, 60, 54, 74, 0, .type = 0x86dd, .proto = 6) },
	{ "icmp6",
	  ETH6 IP6("0008", "3a") "80000000"
	                         "00010002",
	  0, K(IP6, ICMP6, 14, 48, 54, 62, 0, .type = 0x86dd, .proto = 58) },
	{ "icmp4 in IPv6 is not ICMP", ETH6 IP6("0008", "01") ICMP, 0,
	  K(IP6, OTHER, 14, 48, 54, 54, 8, .type = 0x86dd, .proto = 1) },
	{ "hop-by-hop, destination, udp6",
	  ETH6 IP6("0024", "00") "3c01000000000000"
	                         "0000000000000000"
	                         "1100000000000000" UDP12,
	  0, K(IP6, UDP, 14, 76, 78, 86, 4, .type = 0x86dd, .proto = 17, .options = true) },
	{ "authentication header",
	  ETH6 IP6("0018", "33") "11010000"
	                         "00000001"
	                         "00000001" UDP12,
	  0, K(IP6, UDP, 14, 64, 66, 74, 4, .type = 0x86dd, .proto = 17, .options = true) },
	{ "first fragment 6",
	  ETH6 IP6("0014", "2c") "1100000100000001"
	                         "0001000205780000"
	                         "61626364",
	  0, K(IP6, UDP, 14, 60, 62, 70, 4, .type = 0x86dd, .proto = 17, .fragment = true, .options = true) },
	{ "later fragment 6", ETH6 IP6("0014", "2c") "1100000800000001" UDP12, 0,
	  K(IP6, NONE, 14, 60, 0, 0, 0, .type = 0x86dd, .proto = 17, .fragment = true, .options = true) },
	{ "atomic fragment 6", ETH6 IP6("0014", "2c") "1100000000000001" UDP12, 0,
	  K(IP6, UDP, 14, 60, 62, 70, 4, .type = 0x86dd, .proto = 17, .options = true) },
	{ "no next header", ETH6 IP6("0000", "3b"), 0, K(IP6, NONE, 14, 40, 0, 0, 0, .type = 0x86dd, .proto = 59) },
	{ "eight extension headers",
	  ETH6 IP6("004c", "3c") "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "1100000000000000" UDP12,
	  0, K(IP6, UDP, 14, 116, 118, 126, 4, .type = 0x86dd, .proto = 17, .options = true) },
	{ "nine extension headers",
	  ETH6 IP6("0054", "3c") "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "3c00000000000000"
	                         "1100000000000000" UDP12,
	  PLX_PARSE_TOO_DEEP, K(IP6, NONE, 14, 124, 0, 0, 0, .type = 0x86dd, .proto = 60, .options = true) },
	{ "arp",
	  MACS "0806"
	       "0001080006040001"
	       "020000000002"
	       "0a000002"
	       "000000000000"
	       "0a000001",
	  0, K(ARP, NONE, 14, 28, 0, 0, 0, .type = 0x806) },
	{ "lldp",
	  MACS "88cc"
	       "0207",
	  0,
	  { .type = 0x88cc } },
	{ "802.3 length",
	  MACS "0003"
	       "424203",
	  0,
	  { .type = 3 } },
	{ "IPv4 says 6",
	  ETH4 "65"
	       "000020"
	       "00000000"
	       "40110000" ADDR4 UDP12,
	  PLX_PARSE_BAD_VERSION,
	  { .type = 0x800 } },
	{ "IPv6 says 4",
	  ETH6 "40000000"
	       "000c1140" ADDR6 UDP12,
	  PLX_PARSE_BAD_VERSION,
	  { .type = 0x86dd } },
	{ "ihl 4",
	  ETH4 "44000020"
	       "00000000"
	       "40110000" ADDR4 UDP12,
	  PLX_PARSE_BAD_LEN,
	  { .type = 0x800 } },
	{ "IPv4 longer than the frame", ETH4 IP4("0021", "0000", "11") UDP12, PLX_PARSE_BAD_LEN, { .type = 0x800 } },
	{ "IPv4 shorter than its header", ETH4 IP4("0013", "0000", "11") UDP12, PLX_PARSE_BAD_LEN, { .type = 0x800 } },
	{ "IPv6 longer than the frame", ETH6 IP6("000d", "11") UDP12, PLX_PARSE_BAD_LEN, { .type = 0x86dd } },
	{ "UDP longer than its packet",
	  ETH4 IP4("0020", "0000", "11") "000100020"
	                                 "00d0000"
	                                 "61626364",
	  PLX_PARSE_BAD_LEN, K(IP4, NONE, 14, 32, 0, 0, 0, .type = 0x800, .proto = 17) },
	{ "UDP length 7",
	  ETH4 IP4("0020", "0000", "11") "0001000200070000"
	                                 "61626364",
	  PLX_PARSE_BAD_LEN, K(IP4, NONE, 14, 32, 0, 0, 0, .type = 0x800, .proto = 17) },
	{ "UDP shorter than its packet",
	  ETH4 IP4("0020", "0000", "11") "00010002000a0000"
	                                 "61626364",
	  0, K(IP4, UDP, 14, 32, 34, 42, 2, .type = 0x800, .proto = 17) },
	{ "IPv4 ends within UDP", ETH4 IP4("001b", "0000", "11") UDP12, PLX_PARSE_SHORT,
	  K(IP4, NONE, 14, 27, 0, 0, 0, .type = 0x800, .proto = 17) },
	{ "TCP offset 4",
	  ETH4 IP4("0028", "0000", "06") "0001"
	                                 "0002"
	                                 "00000001"
	                                 "00000002"
	                                 "4010"
	                                 "ffff"
	                                 "00000000",
	  PLX_PARSE_BAD_LEN, K(IP4, NONE, 14, 40, 0, 0, 0, .type = 0x800, .proto = 6) },
	{ "TCP offset 6 in 20 bytes",
	  ETH4 IP4("0028", "0000", "06") "0001"
	                                 "0002"
	                                 "00000001"
	                                 "00000002"
	                                 "6010"
	                                 "ffff"
	                                 "00000000",
	  PLX_PARSE_SHORT, K(IP4, NONE, 14, 40, 0, 0, 0, .type = 0x800, .proto = 6) },
	{ "extension header longer than its packet", ETH6 IP6("0008", "00") "1101000000000000", PLX_PARSE_SHORT,
	  K(IP6, NONE, 14, 48, 0, 0, 0, .type = 0x86dd, .proto = 0) },
};

/* Exactly sized, so that the sanitizer sees a byte too much. */
static uint8_t *exact(const void *p, size_t n)
{
	uint8_t *b = malloc(n ? n : 1);

	assert_non_null(b);
	if (n)
		memcpy(b, p, n);
	return b;
}

static bool same(const struct plx_pkt *a, const struct plx_pkt *b)
{
	return a->l3 == b->l3 && a->l4 == b->l4 && a->vlans == b->vlans && a->proto == b->proto &&
	       a->fragment == b->fragment && a->options == b->options && a->vlan[0] == b->vlan[0] &&
	       a->vlan[1] == b->vlan[1] && a->type == b->type && a->l3_off == b->l3_off && a->l4_off == b->l4_off &&
	       a->payload_off == b->payload_off && a->payload_len == b->payload_len && a->l3_len == b->l3_len;
}

/* What holds for any bytes whatsoever. */
static void sane(const struct plx_pkt *k, uint32_t len)
{
	if (k->l3)
		assert_true(k->l3_off >= 14 && k->l3_off + k->l3_len <= len);
	else
		assert_true(!k->l4 && !k->l3_len);
	if (k->l4)
		assert_true(k->l4_off > k->l3_off && k->payload_off >= k->l4_off &&
		            k->payload_off + k->payload_len <= k->l3_off + k->l3_len);
	else
		assert_true(!k->payload_off && !k->payload_len);
	assert_true(k->vlans <= 2);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint8_t f[256], *b;
		uint32_t len = unhex(f, rows[i].hex);
		struct plx_pkt k;
		int err;

		b = exact(f, len);
		err = plx_parse(&k, b, len);
		if (err != rows[i].err || !same(&k, &rows[i].k))
			fail_msg("%s: err %d l3 %d l4 %d proto %d l3_off %d l3_len %d l4_off %d payload %d+%d",
			         rows[i].what, err, k.l3, k.l4, k.proto, k.l3_off, k.l3_len, k.l4_off, k.payload_off,
			         k.payload_len);
		sane(&k, len);
		free(b);
	}
}

/* A padded frame parses like the bare one; a cut one is an error and never read past its end. */
static void test_cut_and_pad(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint8_t f[256] = { 0 };
		uint32_t len = unhex(f, rows[i].hex);
		struct plx_pkt k;

		for (uint32_t n = 0; n <= len; n++) {
			uint8_t *b = exact(f, n);
			int err = plx_parse(&k, b, n);

			sane(&k, n);
			if (rows[i].k.l3 && !rows[i].err && n < len && err == PLX_PARSE_OK)
				fail_msg("%s cut to %u parses", rows[i].what, n);
			free(b);
		}
		if (rows[i].err)
			continue;
		assert_int_equal(plx_parse(&k, f, len + 13), 0);
		assert_true(same(&k, &rows[i].k));
	}
}

static void test_random(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t f[256];
		uint32_t len = unhex(f, rows[rnd() % PLX_ARRAY_SIZE(rows)].hex), n = rnd() % (len + 1);
		struct plx_pkt k;
		uint8_t *b;

		for (uint32_t j = rnd() % 4; len > 12 && j; j--)
			f[12 + rnd() % (len - 12)] = (uint8_t)rnd();
		if (i % 4 == 0)
			n = len;
		b = exact(f, n);
		if (plx_parse(&k, b, n) == PLX_PARSE_OK) {
			plx_l4_csum(b, &k);
			plx_csum_ok(b, &k);
		}
		sane(&k, n);
		free(b);
	}
}

static void test_chain(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint8_t f[256];
		uint32_t len = unhex(f, rows[i].hex);

		for (uint32_t a = 0; a <= len; a++) {
			uint32_t c = a + rnd() % (len - a + 1);
			uint8_t *part[3] = { exact(f, a), exact(f + a, c - a), exact(f + c, len - c) };
			struct plx_mbuf m[3] = {
				{ .data = part[0],
				  .len = (uint16_t)a,
				  .pkt_len = len,
				  .nsegs = 3,
				  .next = &m[1],
				  .ref = 1 },
				{ .data = part[1], .len = (uint16_t)(c - a), .next = &m[2], .nsegs = 1, .ref = 1 },
				{ .data = part[2], .len = (uint16_t)(len - c), .nsegs = 1, .ref = 1 },
			};
			struct plx_pkt k;

			assert_int_equal(plx_parse_mbuf(&k, m), rows[i].err);
			if (!same(&k, &rows[i].k))
				fail_msg("%s split at %u and %u", rows[i].what, a, c);
			for (int j = 0; j < 3; j++)
				free(part[j]);
		}
	}
}

static uint16_t slow_csum(const uint8_t *p, uint32_t n)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < n; i++) {
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		s = (s & 0xffff) + (s >> 16);
	}
	return plx_be16((uint16_t)~s);
}

static void test_csum(void **state)
{
	static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	static const uint8_t ip[] = { 0x45, 0,    0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
		                      0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 };

	(void)state;
	assert_int_equal(plx_be16(plx_csum(rfc1071, 8)), 0x220d);
	assert_int_equal(plx_be16(plx_ip4_csum((const void *)ip)), 0xb861);
	assert_int_equal(plx_csum(ip, 20), 0);
	assert_int_equal(plx_csum(NULL, 0), 0xffff);
	for (uint32_t len = 0; len < 2100; len += len < 300 ? 1 : 37)
		for (uint32_t shift = 0; shift < 8; shift++) {
			uint8_t *b = malloc(len + shift ? len + shift : 1), *p = b + shift;
			uint32_t cut = len ? rnd() % len & ~1u : 0;
			uint64_t s;

			for (uint32_t i = 0; i < len; i++)
				p[i] = shift == 7 ? 0xff : (uint8_t)rnd();
			assert_int_equal(plx_csum(p, len), slow_csum(p, len));
			s = plx_csum_add(plx_csum_add(0, p, cut), p + cut, len - cut);
			assert_int_equal(plx_csum_fold(s), slow_csum(p, len));
			free(b);
		}
	/* a running sum at its limit loses no carry */
	assert_int_equal(plx_csum_fold(UINT64_MAX), 0);
	assert_int_equal(plx_csum_fold(plx_csum_add(UINT64_MAX, rfc1071, 8)), plx_csum(rfc1071, 8));
}

static void test_fix(void **state)
{
	uint8_t b[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t at = rnd() % 15 * 4, from, to = i % 7 ? rnd() : 0;
		uint16_t from16, to16 = i % 5 ? (uint16_t)rnd() : 0xffff, c;

		for (unsigned j = 0; j < 64; j++)
			b[j] = i % 3 ? (uint8_t)rnd() : (uint8_t)-(i & 1);
		b[63] = 1;
		c = plx_csum(b, 64);
		memcpy(&from, b + at, 4);
		memcpy(b + at, &to, 4);
		c = plx_csum_fix32(c, from, to);
		assert_int_equal(c, plx_csum(b, 64));
		memcpy(&from16, b + at, 2);
		memcpy(b + at, &to16, 2);
		assert_int_equal(plx_csum_fix16(c, from16, to16), plx_csum(b, 64));
	}
}

/* Sets the L4 checksum of every row that has one, and sees a flipped bit anywhere in it. */
static void test_l4_csum(void **state)
{
	int seen = 0;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		static const uint8_t field[] = { 0, 6, 16, 2, 2, 0 };
		uint8_t f[256], *b;
		uint32_t len = unhex(f, rows[i].hex), end;
		struct plx_pkt k;
		uint16_t c;

		if (plx_parse(&k, f, len) || !field[k.l4] || k.fragment)
			continue;
		if (k.l3 == PLX_L3_IP4) {
			c = plx_ip4_csum((const void *)(f + k.l3_off));
			memcpy(f + k.l3_off + 10, &c, 2);
		}
		memset(f + k.l4_off + field[k.l4], 0x5a, 2); /* must not matter */
		c = plx_l4_csum(f, &k);
		memcpy(f + k.l4_off + field[k.l4], &c, 2);
		b = exact(f, len);
		assert_true(plx_csum_ok(b, &k));
		end = k.payload_off + k.payload_len;
		for (uint32_t at = k.l3_off; at < end; at++) {
			/* version, lengths and the like are the parser's; IPv6's label and hop limit and what stands
			   between it and L4 are covered by no checksum */
			if (k.l3 == PLX_L3_IP6 && (at < k.l3_off + 8u || (at >= k.l3_off + 40u && at < k.l4_off)))
				continue;
			if (k.l3 == PLX_L3_IP4 && at == k.l3_off)
				continue;
			b[at] ^= 0x10;
			if (plx_csum_ok(b, &k))
				fail_msg("%s: a flipped bit at %u goes unseen", rows[i].what, at);
			b[at] ^= 0x10;
		}
		free(b);
		seen++;
	}
	assert_true(seen >= 12);
}

static void test_udp_zero(void **state)
{
	uint8_t f[64] = { 0 };
	uint32_t len = unhex(f, ETH4 IP4("0020", "4000", "11") UDP12);
	struct plx_pkt k;
	uint16_t c;

	(void)state;
	assert_int_equal(plx_parse(&k, f, len), 0);
	c = plx_ip4_csum((const void *)(f + 14));
	memcpy(f + 24, &c, 2);
	assert_true(plx_csum_ok(f, &k)); /* UDP over IPv4 may go without */
	/* payload that makes the sum 0xffff: the checksum 0 is written as 0xffff */
	f[42] = f[43] = 0;
	c = plx_l4_csum(f, &k);
	memcpy(f + 42, &c, 2);
	assert_int_equal(plx_l4_csum(f, &k), 0xffff);
	len = unhex(f, ETH6 IP6("000a", "11") "00010002000a0000" "6162");
	assert_int_equal(plx_parse(&k, f, len), 0);
	assert_false(plx_csum_ok(f, &k)); /* over IPv6 it may not */
}

static void test_build(void **state)
{
	static const uint8_t a[6] = { 2, 0, 0, 0, 0, 1 }, b[6] = { 2, 0, 0, 0, 0, 2 }, a6[16] = { 0xfd, 1 },
			     b6[16] = { 0xfd, 2 };
	uint8_t *f = malloc(14 + 8 + 20 + 8), want[64];
	struct plx_pkt k;
	uint32_t n;

	(void)state;
	n = plx_build_eth(f, a, b, PLX_ETH_QINQ);
	n += plx_build_vlan(f + n, 5, PLX_ETH_VLAN);
	n += plx_build_vlan(f + n, 6, PLX_ETH_IP4);
	n += plx_build_ip4(f + n, plx_be32(0x0a000001), plx_be32(0x0a000002), 17, 8);
	n += plx_build_udp(f + n, 1000, 2000, 0);
	assert_int_equal(n, 50);
	assert_int_equal(unhex(want, "020000000001020000000002"
	                             "88a80005"
	                             "81000006"
	                             "0800"
	                             "4500001c"
	                             "00004000"
	                             "401126cf" ADDR4 "03e807d0"
	                             "00080000"),
	                 n);
	assert_memory_equal(f, want, n);
	assert_int_equal(plx_parse(&k, f, n), 0);
	assert_true(plx_csum_ok(f, &k));
	free(f);

	f = malloc(14 + 40 + 8);
	n = plx_build_eth(f, a, b, PLX_ETH_IP6);
	n += plx_build_ip6(f + n, a6, b6, 17, 8);
	n += plx_build_udp(f + n, 1000, 2000, 0);
	assert_int_equal(plx_parse(&k, f, n), 0);
	assert_int_equal(k.l4, PLX_L4_UDP);
	assert_int_equal(f[21], 64);
	free(f);

	n = unhex(want, "0001080006040001" "020000000002" "0a000002" "000000000000" "0a000001");
	f = exact(want, n);
	assert_int_equal(plx_build_arp_reply(f, (const void *)f, a), n);
	unhex(want, "0001080006040002" "020000000001" "0a000001" "020000000002" "0a000002");
	assert_memory_equal(f, want, n);
	free(f);
}

static void test_mac(void **state)
{
	static const char *const bad[] = { "", "aa", "aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:f", "aa:bb:cc:dd:ee:ff:",
		"aa:bb:cc:dd:ee:gg", "aabbccddeeff", "aa-bb-cc-dd-ee-ff", " aa:bb:cc:dd:ee:ff", "a:b:c:d:e:f" };
	uint8_t mac[6], want[6] = { 0xaa, 0xbb, 0, 1, 0x9f, 0xff };
	char buf[18];

	(void)state;
	assert_int_equal(plx_mac_parse(mac, "aA:Bb:00:01:9f:ff"), 0);
	assert_memory_equal(mac, want, 6);
	assert_string_equal(plx_mac_fmt(buf, mac), "aa:bb:00:01:9f:ff");
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++)
		if (plx_mac_parse(mac, bad[i]) != -EINVAL)
			fail_msg("\"%s\" parses", bad[i]);
	assert_memory_equal(mac, want, 6);
}

/* The IP packet of each row, flat and as a chain that says so: the same, but for the 14 bytes before it. */
static void test_no_l2(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct plx_pkt want = rows[i].k, k;
		uint8_t f[256];
		uint32_t len = unhex(f, rows[i].hex), skip = want.l3_off;

		if (want.l3 != PLX_L3_IP4 && want.l3 != PLX_L3_IP6)
			continue;
		want.l3_off = 0;
		want.vlans = 0;
		want.vlan[0] = want.vlan[1] = 0;
		want.l4_off = want.l4_off ? (uint16_t)(want.l4_off - skip) : 0;
		want.payload_off = want.payload_off ? (uint16_t)(want.payload_off - skip) : 0;
		for (uint32_t cut = skip; cut <= len; cut++) {
			uint8_t *part[2] = { exact(f + skip, cut - skip), exact(f + cut, len - cut) };
			uint8_t *whole = exact(f + skip, len - skip);
			struct plx_mbuf m[2] = {
				{ .data = part[0], .len = (uint16_t)(cut - skip), .pkt_len = len - skip, .nsegs = 2,
				  .next = &m[1], .ref = 1, .flags = PLX_MBUF_L3 },
				{ .data = part[1], .len = (uint16_t)(len - cut), .nsegs = 1, .ref = 1 },
			};

			assert_int_equal(plx_parse_ip(&k, whole, len - skip), rows[i].err);
			if (!same(&k, &want))
				fail_msg("%s without an Ethernet header", rows[i].what);
			assert_int_equal(plx_parse_mbuf(&k, m), rows[i].err);
			if (!same(&k, &want))
				fail_msg("%s without an Ethernet header, split at %u", rows[i].what, cut);
			free(part[0]);
			free(part[1]);
			free(whole);
		}
	}
	for (int first = 0; first < 256; first++) {
		uint8_t b[40] = { (uint8_t)first };
		struct plx_pkt k;

		if (first >> 4 != 4 && first >> 4 != 6)
			assert_int_equal(plx_parse_ip(&k, b, sizeof(b)), PLX_PARSE_BAD_VERSION);
		assert_int_equal(plx_parse_ip(&k, b, 0), PLX_PARSE_SHORT);
	}
}

/* Of each row the checksum is finished, whatever stood there, or nothing is written. */
static void test_finish(void **state)
{
	static const uint32_t has[] = { [PLX_L4_UDP] = 6, [PLX_L4_TCP] = 16, [PLX_L4_ICMP] = 2, [PLX_L4_ICMP6] = 2,
	                                [PLX_L4_OTHER] = 0 };
	int finished = 0;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint8_t f[256], was[256];
		uint32_t len = unhex(f, rows[i].hex), at = rows[i].k.l4 ? has[rows[i].k.l4] : 0;
		struct plx_pkt k;

		if (plx_parse(&k, f, len))
			continue;
		if (at && !k.fragment && k.l4 == PLX_L4_UDP) { /* 0 says that there is none */
			memset(f + k.l4_off + at, 0, 2);
			assert_int_equal(plx_csum_finish(f, &k), -EINVAL);
			assert_int_equal(f[k.l4_off + at] | f[k.l4_off + at + 1], 0);
		}
		if (at)
			memcpy(f + k.l4_off + at, "\x12\x34", 2);
		memcpy(was, f, sizeof(was));
		if (!at || k.fragment) {
			assert_int_equal(plx_csum_finish(f, &k), -EINVAL);
			assert_memory_equal(f, was, len);
			continue;
		}
		const uint16_t sum = plx_l4_csum(f, &k);

		finished++;
		assert_int_equal(plx_csum_finish(f, &k), 0);
		assert_memory_equal(f + k.l4_off + at, &sum, 2);
		for (uint32_t cut = 0; cut <= len; cut++) { /* of a chain, also where the field is cut */
			uint8_t *part[2] = { exact(was, cut), exact(was + cut, len - cut) };
			struct plx_mbuf m[2] = {
				{ .data = part[0], .len = (uint16_t)cut, .pkt_len = len, .nsegs = 2, .next = &m[1],
				  .ref = 1, .flags = PLX_CSUM_PARTIAL << PLX_MBUF_RX_CSUM },
				{ .data = part[1], .len = (uint16_t)(len - cut), .nsegs = 1, .ref = 2 },
			};

			assert_int_equal(plx_csum_finish_mbuf(m), -EBUSY);
			assert_memory_equal(part[1], was + cut, len - cut);
			m[1].ref = 1;
			assert_int_equal(plx_mbuf_tx_csum(m), PLX_CSUM_PARTIAL);
			assert_int_equal(plx_csum_finish_mbuf(m), 0);
			assert_int_equal(plx_mbuf_tx_csum(m), PLX_CSUM_GOOD);
			assert_memory_equal(part[0], f, cut);
			assert_memory_equal(part[1], f + cut, len - cut);
			free(part[0]);
			free(part[1]);
		}
	}
	assert_true(finished > 8);
}

#define SAME(ours, field, system, its) \
	assert_int_equal(offsetof(struct ours, field), offsetof(struct system, its)); \
	assert_int_equal(sizeof(((struct ours *)0)->field), sizeof(((struct system *)0)->its))
#define SAME_SIZE(ours, system) assert_int_equal(sizeof(struct ours), sizeof(struct system))

/* The headers of plx_net.h are the system's under names that stand beside them. */
static void test_wire(void **state)
{
	(void)state;
	SAME_SIZE(plx_ethhdr, ether_header);
	SAME(plx_ethhdr, type, ether_header, ether_type);
	SAME_SIZE(plx_arphdr, ether_arp);
	SAME(plx_arphdr, op, arphdr, ar_op);
	SAME(plx_arphdr, spa, ether_arp, arp_spa);
	SAME(plx_arphdr, tpa, ether_arp, arp_tpa);
	SAME_SIZE(plx_ip4hdr, iphdr);
	SAME(plx_ip4hdr, frag, iphdr, frag_off);
	SAME(plx_ip4hdr, proto, iphdr, protocol);
	SAME(plx_ip4hdr, csum, iphdr, check);
	SAME(plx_ip4hdr, dst, iphdr, daddr);
	SAME_SIZE(plx_ip6hdr, ip6_hdr);
	SAME(plx_ip6hdr, len, ip6_hdr, ip6_plen);
	SAME(plx_ip6hdr, next, ip6_hdr, ip6_nxt);
	SAME(plx_ip6hdr, dst, ip6_hdr, ip6_dst);
	SAME_SIZE(plx_udphdr, udphdr);
	SAME(plx_udphdr, csum, udphdr, uh_sum);
	SAME_SIZE(plx_tcphdr, tcphdr);
	SAME(plx_tcphdr, flags, tcphdr, th_flags);
	SAME(plx_tcphdr, csum, tcphdr, th_sum);
	SAME_SIZE(plx_icmphdr, icmphdr);
	SAME(plx_icmphdr, csum, icmphdr, checksum);
	SAME(plx_icmphdr, seq, icmphdr, un.echo.sequence);
	assert_int_equal(sizeof(struct plx_vlanhdr), PLX_VLAN_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_no_l2),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut_and_pad),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_csum),
		cmocka_unit_test(test_fix),
		cmocka_unit_test(test_l4_csum),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_build),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}

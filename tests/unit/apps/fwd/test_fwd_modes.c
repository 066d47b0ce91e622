/* SPDX-License-Identifier: MIT */
/* test_fwd_modes.c - plx-fwd's forwarding modes, frame by frame: what goes in, what comes out. */
#include "bytes_util.h"
#include "fwd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define A "0200000000aa"
#define B "0200000000bb"
#define P "020000000001" /* the port that sends */
#define Q "020000000002" /* its peer */
#define IP4(proto, src, dst) "4500001e00000000" "40" proto "0000" src dst
#define X "0a000001"
#define Y "0a000002"
#define X6 "fd000000000000000000000000000001"
#define Y6 "fd000000000000000000000000000002"
#define Z6 "fd000000000000000000000000000009"
#define ROUTE6(next, left) next "0200" left "00000000" Z6
#define ARP(op, sha, spa, tha, tpa) "0806" "000108000604" op sha spa tha tpa

enum { FRAMES = 256 };

static struct {
	struct plx_pool *pool;
	void    *mem;
	struct plx_rxq rx;
	struct plx_txq tx;
	struct fwd_path path;
	struct plx_mbuf *in[8], *out[8];
	uint16_t nin, nout, takes, bursts;
} bed;

static uint16_t give(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	uint16_t k = n < bed.nin ? n : bed.nin;

	(void)q;
	memcpy(m, bed.in, k * sizeof(*m));
	bed.nin = 0;
	return k;
}

static uint16_t take(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	uint16_t k = n < bed.takes ? n : bed.takes;

	(void)q;
	memcpy(bed.out + bed.nout, m, k * sizeof(*m));
	bed.nout += k;
	bed.bursts++;
	return k;
}

static int up(void **state)
{
	struct plx_pool_conf pc = { .name = "test", .frames = FRAMES };
	size_t size = plx_pool_size(&pc);

	(void)state;
	memset(&bed, 0, sizeof(bed));
	bed.mem = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);
	assert_int_equal(plx_pool_init(&bed.pool, bed.mem, &pc), 0);
	bed.rx = (struct plx_rxq){ .burst = give, .pool = bed.pool };
	bed.tx = (struct plx_txq){ .burst = take, .pool = bed.pool };
	bed.path = (struct fwd_path){ .rx = &bed.rx, .tx = &bed.tx, .burst = 32,
	                              .mac = { { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 1 }, 0 } };
	bed.takes = 8;
	return 0;
}

static int down(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < bed.nout; i++)
		plx_mbuf_put(bed.out[i]);
	assert_int_equal(plx_pool_avail(bed.pool), FRAMES);
	plx_pool_fini(bed.pool);
	free(bed.mem);
	return 0;
}

static struct plx_mbuf *frame(const char *hex)
{
	struct plx_mbuf *m = plx_mbuf_get(bed.pool);
	uint8_t b[256];
	uint32_t n = unhex(b, hex);

	memcpy(plx_mbuf_append(m, (uint16_t)n), b, n);
	return m;
}

/* Sends one frame through mode; it must come out as want, or not at all. */
static void through(enum fwd_mode mode, const char *what, const char *hex, const char *want)
{
	uint8_t b[256];

	bed.in[bed.nin++] = frame(hex);
	assert_int_equal(fwd_mode_poll(mode)(&bed.path), 1);
	if (bed.nout != (want ? 1 : 0))
		fail_msg("%s, %s: %u frames come out", fwd_mode_name(mode), what, bed.nout);
	if (!want)
		return;
	if (bed.out[0]->len != unhex(b, want) || memcmp(bed.out[0]->data, b, bed.out[0]->len))
		fail_msg("%s, %s: another frame comes out", fwd_mode_name(mode), what);
	plx_mbuf_put(bed.out[0]);
	bed.nout = 0;
}

static const struct { enum fwd_mode mode; const char *what, *in, *out;
} rows[] = {
	{ FWD_IO, "anything",
	  A B "0800"
	      "00",
	  A B "0800"
	      "00" },
	{ FWD_IO, "runt", "0102", "0102" },
	{ FWD_MAC, "anything",
	  A B "1234"
	      "00",
	  Q P "1234"
	      "00" },
	{ FWD_MAC, "runt", "0102", "0102" },
	{ FWD_MACSWAP, "anything",
	  A B "1234"
	      "00",
	  B A "1234"
	      "00" },
	{ FWD_MACSWAP, "runt", "0102030405060708090a0b0c0d", "0102030405060708090a0b0c0d" },
	{ FWD_5TSWAP, "udp",
	  A B "0800" IP4("11", X, Y) "0001"
	                             "0002"
	                             "000a"
	                             "1234"
	                             "6162",
	  B A "0800" IP4("11", Y, X) "0002"
	                             "0001"
	                             "000a"
	                             "1234"
	                             "6162" },
	{ FWD_5TSWAP, "icmp has no ports", A B "0800" IP4("01", X, Y) "08000000000100026162",
	  B A "0800" IP4("01", Y, X) "08000000000100026162" },
	{ FWD_5TSWAP, "udp6 with tag",
	  A B "81000005"
	      "86dd"
	      "60000000000a1140" X6 Y6 "00010002000a12346162",
	  B A "81000005"
	      "86dd"
	      "60000000000a1140" Y6 X6 "00020001000a12346162" },
	{ FWD_5TSWAP, "not IP",
	  A B "88cc"
	      "0207",
	  B A "88cc"
	      "0207" },
	{ FWD_5TSWAP, "broken IP",
	  A B "0800"
	      "4500",
	  B A "0800"
	      "4500" },
	{ FWD_CSUM, "udp",
	  A B "0800" IP4("11", X, Y) "0001"
	                             "0002"
	                             "000a"
	                             "1234"
	                             "6162",
	  A B "0800"
	      "4500001e000000004011"
	      "66cd" X Y "0001"
	      "0002"
	      "000a"
	      "8a72"
	      "6162" },
	{ FWD_CSUM, "udp without checksum",
	  A B "0800" IP4("11", X, Y) "0001"
	                             "0002"
	                             "000a"
	                             "0000"
	                             "6162",
	  A B "0800"
	      "4500001e000000004011"
	      "66cd" X Y "0001"
	      "0002"
	      "000a"
	      "0000"
	      "6162" },
	{ FWD_CSUM, "icmp", A B "0800" IP4("01", X, Y) "0800ffff000100026162",
	  A B "0800"
	      "4500001e000000004001"
	      "66dd" X Y "0800969a000100026162" },
	{ FWD_CSUM, "udp6",
	  A B "86dd"
	      "60000000000a1140" X6 Y6 "00010002000a00006162",
	  A B "86dd"
	      "60000000000a1140" X6 Y6 "00010002000aa4706162" },
	{ FWD_CSUM, "fragment",
	  A B "0800"
	      "4500001e000020004011"
	      "0000" X Y "0001"
	      "0002"
	      "000a"
	      "1234"
	      "6162",
	  A B "0800"
	      "4500001e000020004011"
	      "46cd" X Y "0001"
	      "0002"
	      "000a"
	      "1234"
	      "6162" },
	{ FWD_CSUM, "not IP",
	  A B "88cc"
	      "0207",
	  A B "88cc"
	      "0207" },
	/* on its way by Y6 to Z6, whose address the checksum is over */
	{ FWD_CSUM, "udp6 behind a routing header",
	  A B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "01") "00010002000a00006162",
	  A B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "01") "00010002000aa4696162" },
	{ FWD_CSUM, "udp6 behind a routing header that is done",
	  A B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "00") "00010002000a00006162",
	  A B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "00") "00010002000aa4706162" },
	{ FWD_5TSWAP, "udp6 that has another destination",
	  A B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "01") "00010002000a00006162",
	  B A "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("11", "01") "00010002000a00006162" },
	{ FWD_ICMPECHO, "ping6 that has another destination",
	  P B "86dd"
	      "6000000000222b40" X6 Y6 ROUTE6("3a", "01") "8000244a000100026162",
	  NULL },
	{ FWD_ICMPECHO, "arp", "ffffffffffff" B ARP("0001", B, X, "000000000000", Y), B P ARP("0002", P, Y, B, X) },
	{ FWD_ICMPECHO, "arp probe of one's own", "ffffffffffff" B ARP("0001", B, X, "000000000000", X), NULL },
	{ FWD_ICMPECHO, "arp reply", P B ARP("0002", B, X, P, Y), NULL },
	{ FWD_ICMPECHO, "ping", P B "0800" IP4("01", X, Y) "0800969a000100026162",
	  B P "0800" IP4("01", Y, X) "00009e9a000100026162" },
	{ FWD_ICMPECHO, "ping without payload bytes set", P B "0800" IP4("01", X, Y) "0800f7fc000100020000",
	  B P "0800" IP4("01", Y, X) "0000fffc000100020000" },
	{ FWD_ICMPECHO, "pong", P B "0800" IP4("01", X, Y) "00009e9a000100026162", NULL },
	{ FWD_ICMPECHO, "ping to a group", P B "0800" IP4("01", X, "e0000001") "0800969a000100026162", NULL },
	{ FWD_ICMPECHO, "ping from a group", P B "0800" IP4("01", "ffffffff", Y) "0800969a000100026162", NULL },
	{ FWD_ICMPECHO, "ping from a group's MAC",
	  P "030000000001"
	    "0800" IP4("01", X, Y) "0800969a000100026162",
	  NULL },
	{ FWD_ICMPECHO, "ping6",
	  P B "86dd"
	      "60000000000a3a40" X6 Y6 "80002451000100026162",
	  B P "86dd"
	      "60000000000a3a40" Y6 X6 "81002351000100026162" },
	{ FWD_ICMPECHO, "udp",
	  P B "0800" IP4("11", X, Y) "0001"
	                             "0002"
	                             "000a"
	                             "0000"
	                             "6162",
	  NULL },
	{ FWD_ICMPECHO, "cut ping", P B "0800" IP4("01", X, Y) "0800969a0001", NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		through(rows[i].mode, rows[i].what, rows[i].in, rows[i].out);
}

/* The kernel leaves the sum of the pseudo-header; csum finishes it, also where the
   half-done field happens to be 0. */
static void test_partial(void **state)
{
	struct plx_mbuf *m = frame(A B "0800" IP4("11", X, Y) "0001" "0002" "000a" "0000" "6162");
	struct plx_pkt k;

	(void)state;
	m->flags |= PLX_CSUM_PARTIAL << PLX_MBUF_RX_CSUM;
	bed.in[bed.nin++] = m;
	assert_int_equal(fwd_mode_poll(FWD_CSUM)(&bed.path), 1);
	assert_int_equal(bed.nout, 1);
	assert_int_equal(plx_parse(&k, m->data, m->len), 0);
	assert_true(plx_csum_ok(m->data, &k));
	assert_memory_equal(m->data + 40, "\x8a\x72", 2);
	assert_int_equal(plx_mbuf_tx_csum(m), PLX_CSUM_GOOD);
}

static void test_csum_of_chain(void **state)
{
	struct plx_mbuf *m = frame(A B "0800" IP4("11", X, Y) "0001"), *tail = frame("0002" "000a" "1234" "6162");

	(void)state;
	assert_int_equal(plx_mbuf_chain(m, tail), 0);
	bed.in[bed.nin++] = m;
	assert_int_equal(fwd_mode_poll(FWD_CSUM)(&bed.path), 1);
	assert_int_equal(bed.out[0]->nsegs, 2);
	assert_memory_equal(bed.out[0]->next->data + 4, "\x8a\x72", 2);
}

/* Each row of csum and icmpecho again, as a chain cut at every place. */
static void test_cut_rows(void **state)
{
	uint8_t flat[256], want[256];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint32_t len = unhex(flat, rows[i].in), out = rows[i].out ? unhex(want, rows[i].out) : 0;

		for (uint32_t at = 1; (rows[i].mode == FWD_CSUM || rows[i].mode == FWD_ICMPECHO) && at < len; at++) {
			struct plx_mbuf *m = plx_mbuf_get(bed.pool), *tail = plx_mbuf_get(bed.pool);

			memcpy(plx_mbuf_append(m, (uint16_t)at), flat, at);
			memcpy(plx_mbuf_append(tail, (uint16_t)(len - at)), flat + at, len - at);
			assert_int_equal(plx_mbuf_chain(m, tail), 0);
			bed.in[bed.nin++] = m;
			fwd_mode_poll(rows[i].mode)(&bed.path);
			assert_int_equal(bed.nout, out != 0);
			if (out && (bed.out[0]->pkt_len != out ||
			            memcmp(plx_mbuf_read(bed.out[0], 0, out, flat), want, out)))
				fail_msg("%s, %s, cut at %u: another frame comes out", fwd_mode_name(rows[i].mode),
				         rows[i].what, at);
			unhex(flat, rows[i].in);
			while (bed.nout)
				plx_mbuf_put(bed.out[--bed.nout]);
		}
	}
}

/* A jumbo ping has no room in one frame; its answer is the chain that came. */
static void test_jumbo_ping(void **state)
{
	struct plx_mbuf *m = frame(P B "0800" "4500232e00000000" "40" "01" "0000" X Y "0800969a00010002");

	(void)state;
	for (int left = 9000 - 28 + 14 - 8; left > 0; left -= 1700) {
		struct plx_mbuf *tail = plx_mbuf_get(bed.pool);
		uint16_t n = left < 1700 ? (uint16_t)left : 1700;

		memset(plx_mbuf_append(tail, n), 'x', n);
		assert_int_equal(plx_mbuf_chain(m, tail), 0);
	}
	bed.in[bed.nin++] = m;
	assert_int_equal(fwd_mode_poll(FWD_ICMPECHO)(&bed.path), 1);
	assert_int_equal(bed.nout, 1);
	assert_ptr_equal(bed.out[0], m);
	assert_int_equal(m->data[34], 0);
	assert_memory_equal(m->data + 36, "\x9e\x9a", 2);
}

/* What is not taken is offered again --retry times, then put and counted. */
static void test_retry(void **state)
{
	(void)state;
	bed.takes = 2;
	bed.path.retry = 1;
	for (int i = 0; i < 6; i++)
		bed.in[bed.nin++] = frame(A B "1234");
	assert_int_equal(fwd_mode_poll(FWD_IO)(&bed.path), 6);
	assert_int_equal(bed.bursts, 2);
	assert_int_equal(bed.nout, 4);
	assert_int_equal(bed.path.dropped, 2);
}

static void test_idle(void **state)
{
	(void)state;
	for (int i = 0; i < FWD_MODES; i++) {
		if (i == FWD_RXONLY || i == FWD_TXONLY || i == FWD_FLOWGEN)
			continue;
		assert_int_equal(fwd_mode_poll((enum fwd_mode)i)(&bed.path), 0);
	}
	assert_int_equal(bed.bursts, 0); /* an empty round touches no transmit queue */
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, up, down)
	const struct CMUnitTest tests[] = {
		CASE(test_rows), CASE(test_partial), CASE(test_csum_of_chain), CASE(test_cut_rows),
		CASE(test_jumbo_ping), CASE(test_retry), CASE(test_idle),
	};

	return cmocka_run_group_tests_name("fwd_modes", tests, NULL, NULL);
}

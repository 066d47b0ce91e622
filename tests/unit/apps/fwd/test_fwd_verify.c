/* SPDX-License-Identifier: MIT */
/* test_fwd_verify.c - plx-fwd's verifier must see every loss, duplicate, reordering and
   damaged byte; its account of a flow is held against a plain model. */
#include "bytes_util.h"
#include "verify.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RUN = 0x1234567 };

struct bed {
	struct verify v;
	struct verify_sink *s;
	struct verify_sums sums;
};

static void bed_up(struct bed *b, uint32_t flows, uint32_t run)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(verify_init(&b->v, flows, run), 0);
	b->s = calloc(1, sizeof(*b->s));
	assert_non_null(b->s);
}

static void bed_down(struct bed *b)
{
	verify_fini(&b->v);
	free(b->s);
}

/* A frame as the generator makes it, of len bytes. */
static void frame(uint8_t *p, uint32_t len, uint32_t run, uint32_t flow, uint64_t seq, bool pattern)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct plx_udphdr *udp;
	struct plx_pkt k;
	uint32_t n = plx_build_eth(p, mac, mac, PLX_ETH_IP4);

	n += plx_build_ip4(p + n, plx_be32(0xc6120001), plx_be32(0xc6120002), 17, (uint16_t)(len - 34));
	udp = (struct plx_udphdr *)(p + n);
	n += plx_build_udp(p + n, 1024, 9, (uint16_t)(len - 42));
	verify_write(p + n, len - n, run, flow, seq, pattern);
	assert_int_equal(plx_parse(&k, p, len), 0);
	udp->csum = plx_l4_csum(p, &k);
}

static void show(struct bed *b, uint8_t *p, uint32_t len)
{
	struct plx_mbuf m = { .data = p, .len = (uint16_t)len, .pkt_len = len, .nsegs = 1, .ref = 1 }, *one = &m;

	verify_frames(&b->v, b->s, &one, 1);
}

static void sum(struct bed *b, uint32_t flow, uint64_t sent)
{
	memset(&b->sums, 0, sizeof(b->sums));
	verify_sum(&b->v, flow, sent, &b->sums);
}

static void test_good(void **state)
{
	uint8_t p[2000];
	uint64_t bytes = 0, n = 0;
	struct bed b;

	(void)state;
	bed_up(&b, 4, RUN);
	for (uint32_t len = 60; len < 1600; len++, n++) {
		frame(p, len, RUN, n % 4, n / 4, n & 8);
		show(&b, p, len);
		bytes += len - 42;
	}
	assert_int_equal(b.s->good, n);
	assert_int_equal(b.s->bytes, bytes);
	assert_int_equal(b.s->corrupt + b.s->foreign, 0);
	for (uint32_t f = 0; f < 4; f++) {
		sum(&b, f, n / 4);
		assert_int_equal(b.sums.received, n / 4);
		assert_int_equal(b.sums.lost + b.sums.duplicates + b.sums.reordered + b.sums.stale, 0);
	}
	bed_down(&b);
}

/* No bit from the IP header to the end may change unseen; most are known as damage to one
   of ours, and all are missing from the account. */
static void test_every_bit(void **state)
{
	static const uint32_t lens[] = { 60, 61, 67, 68, 200 };
	uint8_t p[256];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lens) * 2; i++) {
		uint32_t len = lens[i / 2], n = 0;
		struct bed b;

		bed_up(&b, 1, RUN);
		for (uint32_t bit = 14 * 8; bit < len * 8; bit++, n++) {
			frame(p, len, RUN, 0, 7, i & 1);
			p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			show(&b, p, len);
			if (b.s->good)
				fail_msg("length %u: bit %u of byte %u changes unseen", len, bit % 8, bit / 8);
		}
		assert_int_equal(b.s->corrupt + b.s->foreign, n);
		assert_int_equal(b.s->foreign, 4 * 8); /* the run, by which it is known */
		sum(&b, 0, 8);
		assert_int_equal(b.sums.lost, 8);
		bed_down(&b);
	}
}

/* Damage that keeps the checksums right: only the pattern and the lengths tell. */
static void test_sly(void **state)
{
	uint8_t p[512], q[512];
	struct plx_udphdr *udp = (struct plx_udphdr *)(p + 34);
	struct plx_pkt k;
	struct bed b;

	(void)state;
	bed_up(&b, 2, RUN);
	for (uint32_t at = 60; at < 298; at += 2) { /* two words of the payload change places */
		frame(p, 300, RUN, 1, 1, true);
		memcpy(q, p + at, 2);
		memcpy(p + at, p + at + 2 < p + 300 ? p + at + 2 : p + 60, 2);
		memcpy(at + 2 < 300 ? p + at + 2 : p + 60, q, 2);
		if (memcmp(p + at, q, 2))
			show(&b, p, 300);
	}
	assert_int_equal(b.s->good, 0);
	assert_true(b.s->corrupt > 100);
	b.s->corrupt = 0;
	for (uint32_t at = 60; at < 303; at++) { /* any byte, with the checksum made to fit */
		frame(p, 303, RUN, 1, 1, at & 1);
		p[at] ^= 0x40;
		assert_int_equal(plx_parse(&k, p, 303), 0);
		udp->csum = plx_l4_csum(p, &k);
		show(&b, p, 303);
	}
	assert_int_equal(b.s->corrupt, 303 - 60);
	b.s->corrupt = 0;

	frame(p, 300, RUN, 1, 1, true); /* the rest of another packet */
	frame(q, 300, RUN, 0, 1, true);
	memcpy(p + 60, q + 60, 240);
	assert_int_equal(plx_parse(&k, p, 300), 0);
	udp->csum = plx_l4_csum(p, &k);
	show(&b, p, 300);
	frame(p, 300, RUN, 1, 1, true); /* checksum taken out */
	udp->csum = 0;
	show(&b, p, 300);
	frame(p, 300, RUN, 1, 1, true); /* UDP shorter than its IP packet */
	udp->len = plx_be16(200);
	assert_int_equal(plx_parse(&k, p, 300), 0);
	udp->csum = plx_l4_csum(p, &k);
	show(&b, p, 300);
	frame(p, 300, RUN, 1, 1, true); /* cut */
	show(&b, p, 299);
	frame(p, 300, RUN, 2, 1, true); /* a flow that there is not */
	show(&b, p, 300);
	assert_int_equal(b.s->good, 0);
	assert_int_equal(b.s->corrupt, 5);
	frame(p, 300, RUN + 1, 1, 1, true); /* another run */
	show(&b, p, 300);
	assert_int_equal(b.s->foreign, 1);
	bed_down(&b);
}

/* What others send may be unsound: a checksum that a kernel leaves to a device, headers that are none, another run's
   damaged packet.  It is theirs, and no fault of ours. */
static void test_others(void **state)
{
	uint8_t p[300];
	struct bed b;
	uint32_t n = 0;

	(void)state;
	bed_up(&b, 1, RUN);
	for (uint32_t at = 14; at < 100; at++, n++) { /* of another run, with any byte wrong */
		frame(p, 300, RUN + 1, 0, 3, at & 1);
		p[at] ^= 0x55;
		show(&b, p, 300);
	}
	for (uint32_t len = 15; len < 100; len += 3, n++) { /* IPv4 with a header that is unsound, cut anywhere */
		frame(p, 300, RUN, 0, 3, true);
		memset(p + PLX_ETH_LEN, 0x45, sizeof(p) - PLX_ETH_LEN);
		show(&b, p, len);
	}
	assert_int_equal(b.s->good + b.s->corrupt, 0);
	assert_int_equal(b.s->foreign, n);
	bed_down(&b);
}

/* A receiver that knows no run learns it from the first faultless packet. */
static void test_learn(void **state)
{
	uint8_t p[128];
	struct bed b;

	(void)state;
	bed_up(&b, 1, 0);
	frame(p, 100, 99, 0, 4, true);
	p[99] ^= 1;
	show(&b, p, 100);
	assert_int_equal(b.s->foreign, 1);
	for (uint64_t seq = 5; seq < 9; seq++) {
		frame(p, 100, 99, 0, seq, true);
		show(&b, p, 100);
	}
	frame(p, 100, 98, 0, 9, true);
	show(&b, p, 100);
	assert_int_equal(b.s->good, 4);
	assert_int_equal(b.s->foreign, 2);
	sum(&b, 0, UINT64_MAX); /* what was before the first seen is not known to be lost */
	assert_int_equal(b.sums.lost, 0);
	frame(p, 100, 99, 0, 2, true); /* but this shows that 3 and 4 were to come */
	show(&b, p, 100);
	sum(&b, 0, UINT64_MAX);
	assert_int_equal(b.sums.lost, 2);
	assert_int_equal(b.sums.reordered, 1);
	bed_down(&b);
}

static void test_chain(void **state)
{
	uint8_t p[1500];
	struct bed b;

	(void)state;
	bed_up(&b, 1, RUN);
	for (uint32_t cut = 1; cut < 1500; cut += 7) {
		struct plx_mbuf m[2], *one = m;

		frame(p, 1500, RUN, 0, cut / 7, true);
		m[0] = (struct plx_mbuf){
			.data = p, .len = (uint16_t)cut, .pkt_len = 1500, .nsegs = 2, .next = &m[1], .ref = 1
		};
		m[1] = (struct plx_mbuf){ .data = p + cut, .len = (uint16_t)(1500 - cut), .nsegs = 1, .ref = 1 };
		verify_frames(&b.v, b.s, &one, 1);
	}
	assert_int_equal(b.s->good, 215);
	bed_down(&b);
}

static void play(struct bed *b, const uint64_t *seq, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(verify_count(&b->v, 0, seq[i], 64));
}

static void test_account(void **state)
{
	static const struct { uint64_t seq[8]; size_t n; uint64_t sent, lost, dup, reord; } rows[] = {
		{ { 0, 1, 2, 3 }, 4, 4, 0, 0, 0 },
		{ { 0, 1, 3 }, 3, 4, 1, 0, 0 },
		{ { 1, 2, 3 }, 3, 4, 1, 0, 0 },          /* the first one lost */
		{ { 0, 1, 2 }, 3, 4, 1, 0, 0 },          /* the last one lost */
		{ { 0 }, 0, 3, 3, 0, 0 },
		{ { 0, 1, 1, 2 }, 4, 3, 0, 1, 0 },
		{ { 0, 1, 2, 0, 2 }, 5, 3, 0, 2, 0 },
		{ { 1, 0, 2 }, 3, 3, 0, 0, 1 },
		{ { 0, 3, 1, 2, 1 }, 5, 4, 0, 1, 2 },
		{ { 0, 2047, 1 }, 3, 2048, 2045, 0, 1 },
		{ { 0, 5000, 4999 }, 3, 5001, 4998, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct bed b;

		bed_up(&b, 1, RUN);
		play(&b, rows[i].seq, rows[i].n);
		sum(&b, 0, rows[i].sent);
		if (b.sums.lost != rows[i].lost || b.sums.duplicates != rows[i].dup ||
		    b.sums.reordered != rows[i].reord)
			fail_msg("row %zu: lost %llu duplicates %llu reordered %llu", i,
			         (unsigned long long)b.sums.lost, (unsigned long long)b.sums.duplicates,
			         (unsigned long long)b.sums.reordered);
		bed_down(&b);
	}
}

/* Random loss, duplication and delay within the window, against a model that remembers all. */
static void test_model(void **state)
{
	enum { N = 20000 };
	uint8_t *times = calloc(N, 1);
	uint64_t *order = malloc(2 * N * sizeof(*order));

	(void)state;
	for (int round = 0; round < 20; round++) {
		uint64_t n = 0, unique = 0, dup = 0, reord = 0, top = 0;
		struct bed b;

		bed_up(&b, 1, RUN);
		memset(times, 0, N);
		for (uint64_t s = 0; s < N; s++) {
			if (rnd() % 50)
				order[n++] = s;
			if (rnd() % 40 == 0)
				order[n++] = s;
		}
		for (uint64_t i = 0; i + 1 < n && round; i++)
			if (rnd() % 30 == 0) {
				uint64_t j = i + rnd() % (round * 20u), t = order[i];

				j = j < n ? j : n - 1;
				order[i] = order[j];
				order[j] = t;
			}
		for (uint64_t i = 0; i < n; i++) {
			if (times[order[i]]++)
				dup++;
			else
				unique++, reord += order[i] < top;
			top = order[i] + 1 > top ? order[i] + 1 : top;
		}
		play(&b, order, n);
		sum(&b, 0, N);
		assert_int_equal(b.sums.stale, 0);
		assert_int_equal(b.sums.received, unique);
		assert_int_equal(b.sums.lost, N - unique);
		assert_int_equal(b.sums.duplicates, dup);
		/* the first of a pair may come after its turn and be the duplicate's elder */
		assert_int_equal(b.sums.reordered, reord);
		bed_down(&b);
	}
	free(times);
	free(order);
}

/* One flow that arrives on two lcores at once: nothing is counted twice or forgotten. */
struct half { struct bed *b; struct verify_sink *s; uint32_t odd; };

static void *half_run(void *arg)
{
	struct half *h = arg;
	uint8_t p[60];

	for (uint64_t seq = h->odd; seq < 40000; seq += 2) {
		struct plx_mbuf m = { .data = p, .len = 60, .pkt_len = 60, .nsegs = 1, .ref = 1 }, *one = &m;

		frame(p, 60, RUN, 0, seq / 512, true);
		while (!verify_settle(&h->b->v, h->s) && h->s->nwait == VERIFY_WAIT)
			;
		verify_frames(&h->b->v, h->s, &one, 1);
	}
	while (!verify_settle(&h->b->v, h->s))
		;
	return NULL;
}

static void test_two_lcores(void **state)
{
	struct verify_sink *other = calloc(1, sizeof(*other));
	struct half h[2];
	struct bed b;
	pthread_t t[2];

	(void)state;
	bed_up(&b, 1, RUN);
	h[0] = (struct half){ &b, b.s, 0 };
	h[1] = (struct half){ &b, other, 1 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, half_run, &h[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(b.s->good + other->good, 40000);
	sum(&b, 0, 40000 / 512 + 1);
	assert_int_equal(b.sums.lost, 0);
	assert_int_equal(b.sums.received, 40000 / 512 + 1);
	assert_int_equal(b.sums.duplicates, 40000 - (40000 / 512 + 1));
	bed_down(&b);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_sly),
		cmocka_unit_test(test_others), cmocka_unit_test(test_learn),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_two_lcores),
	};

	return cmocka_run_group_tests_name("fwd_verify", tests, NULL, NULL);
}

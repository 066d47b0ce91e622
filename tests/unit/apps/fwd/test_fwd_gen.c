/* SPDX-License-Identifier: MIT */
/* test_fwd_gen.c - what plx-fwd's generator makes: every frame sound, flows on their queue, lengths
   as asked for, nothing lost when the driver does not take all; and its pace. */
#include "fwd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { FRAMES = 1024, FLOWS = 10, NTX = 3, RUN = 77 };

struct bed {
	struct plx_port port;
	struct plx_txq  tx[NTX];
	struct plx_rxq  rx;
	struct fwd      f;
	struct fwd_gen  gen[NTX];
	struct fwd_sink sink;
	struct plx_pool *pool;
	void    *mem;
	uint16_t takes;           /* of each burst */
	uint64_t seen, bytes, flow_seen[FLOWS], empty;
	uint64_t of_length[65536];
};
static struct bed *bed;

/* The wire: looks at each frame as a stranger would. */
static uint16_t take(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	uint16_t k = n < bed->takes ? n : bed->takes;

	bed->empty += n == 0;
	for (uint16_t i = 0; i < k; i++) {
		static uint8_t flat[65536];
		const uint32_t len = m[i]->pkt_len, room = bed->pool->frame_size - bed->pool->data_off;
		const uint8_t *p = plx_mbuf_read(m[i], 0, len, flat);
		uint32_t flow, segs = 0, sum = 0;
		struct plx_pkt h;

		for (const struct plx_mbuf *s = m[i]; s; sum += s->len, s = s->next, segs++)
			assert_true(s->len && s->len <= room && s->ref == 1);
		assert_int_equal(sum, len);
		assert_int_equal(segs, m[i]->nsegs);
		assert_int_equal(segs, (len + room - 1) / room);
		assert_int_equal(plx_parse(&h, p, len), 0);
		assert_int_equal(h.l4, PLX_L4_UDP);
		assert_int_equal(h.l3_off + h.l3_len, len);
		assert_int_equal(h.payload_off + h.payload_len, len);
		assert_true(plx_csum_ok(p, &h));
		assert_int_not_equal(((const struct plx_udphdr *)(p + h.l4_off))->csum, 0);
		assert_memory_equal(p, "\x02\x00\x00\x00\x00\x00\x02\x11\x22\x33\x44\x55", 12);
		assert_int_equal(plx_be16(((const struct plx_udphdr *)(p + h.l4_off))->dport), 9);
		memcpy(&flow, p + h.payload_off + 6, 4);
		flow = plx_be32(flow);
		assert_in_range(flow, 0, FLOWS - 1);
		assert_int_equal(flow % NTX, q->id);
		assert_int_equal(plx_be16(((const struct plx_udphdr *)(p + h.l4_off))->sport),
		                 bed->f.conf.sport + flow % (65536u - bed->f.conf.sport));
		bed->flow_seen[flow]++;
		bed->seen++;
		bed->bytes += len;
		bed->of_length[len]++;
		verify_frames(&bed->f.verify, bed->sink.verify, &m[i], 1);
	}
	plx_mbuf_put_bulk(m, k);
	return k;
}

static int up(void **state)
{
	static const uint8_t mac[6] = { 2, 0x11, 0x22, 0x33, 0x44, 0x55 };
	struct plx_pool_conf pc = { .name = "test", .frames = FRAMES };
	size_t size = plx_pool_size(&pc);

	(void)state;
	bed = calloc(1, sizeof(*bed));
	bed->mem = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);
	assert_int_equal(plx_pool_init(&bed->pool, bed->mem, &pc), 0);
	memcpy(bed->port.info.mac, mac, 6);
	bed->port.ntx = NTX;
	bed->takes = PLX_BURST_MAX;
	for (uint16_t q = 0; q < NTX; q++)
		bed->tx[q] = (struct plx_txq){ .burst = take, .port = &bed->port, .pool = bed->pool, .id = q };
	fwd_conf_init(&bed->f.conf);
	bed->f.conf.flows = FLOWS;
	bed->f.conf.verify = true;
	bed->f.run = RUN;
	bed->f.gen = bed->gen;
	bed->f.sink = &bed->sink;
	bed->f.nsinks = 1;
	bed->sink.reads = true;
	bed->sink.rx = &bed->rx;
	bed->sink.verify = calloc(1, sizeof(*bed->sink.verify));
	assert_int_equal(verify_init(&bed->f.verify, FLOWS, RUN), 0);
	return 0;
}

static int down(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < bed->f.ngens; i++) {
		fwd_gen_fini(&bed->gen[i]);
		fwd_gen_free(&bed->gen[i]);
	}
	assert_int_equal(plx_pool_avail(bed->pool), FRAMES);
	assert_ptr_equal(plx_pool_fini(bed->pool), bed->mem);
	verify_fini(&bed->f.verify);
	free(bed->sink.verify);
	free(bed->mem);
	free(bed);
	return 0;
}

static void gens_up(uint64_t count)
{
	for (uint32_t q = 0; q < NTX; q++) {
		bed->f.ngens++;
		assert_int_equal(fwd_gen_init(&bed->gen[q], &bed->f, &bed->tx[q], 0), 0);
		bed->gen[q].left = count;
	}
}

static void run_dry(void)
{
	uint64_t from, at;

	for (int round = 0; !fwd_gens_done(&bed->f, &from, &at); round++) {
		assert_true(round < 100000);
		for (uint32_t q = 0; q < NTX; q++)
			fwd_gen_poll(&bed->gen[q]);
	}
}

static void assert_account(uint64_t sent)
{
	struct verify_sums t;

	fwd_sum(&bed->f, &t);
	assert_int_equal(fwd_gens_sent(&bed->f), sent);
	assert_int_equal(bed->seen, sent);
	assert_int_equal(bed->sink.verify->good, sent);
	assert_int_equal(t.expected, sent);
	assert_int_equal(t.received, sent);
	assert_int_equal(t.lost + t.duplicates + t.reordered + t.stale, 0);
}

static void test_all_lengths(void **state)
{
	(void)state;
	bed->f.conf.lengths = (struct fwd_lengths){ .n = 2, .of = { 60, 1514 }, .range = true };
	gens_up(20000);
	run_dry();
	assert_account(60000);
	for (int i = 0; i < 60; i++)
		assert_int_equal(bed->of_length[i], 0);
	for (int i = 60; i <= 1514; i++)
		assert_true(bed->of_length[i] > 0);
	for (int i = 1515; i < 2048; i++)
		assert_int_equal(bed->of_length[i], 0);
	for (int i = 0; i < FLOWS; i++) /* queue 0 has 4 flows, the others 3 */
		assert_in_range(bed->flow_seen[i], 20000 / (i % NTX ? 3 : 4), 20000 / (i % NTX ? 3 : 4) + 1);
}

static void test_list(void **state)
{
	(void)state;
	bed->f.conf.lengths = (struct fwd_lengths){ .n = 3, .of = { 64, 512, 1500 } };
	bed->f.conf.verify = false; /* zeros instead of the pattern are checked too */
	gens_up(300);
	run_dry();
	assert_account(900);
	assert_int_equal(bed->of_length[64], 300);
	assert_int_equal(bed->of_length[512], 300);
	assert_int_equal(bed->of_length[1500], 300);
	assert_int_equal(bed->bytes, bed->gen[0].bytes + bed->gen[1].bytes + bed->gen[2].bytes);
}

/* Longer than a frame of the pool: chains, also of a pool that is too small for a burst of them, and no
   length is left out then. */
static void test_chains(void **state)
{
	static const uint16_t lengths[] = { 1791, 1792, 1793, 3584, 3585, 9014, 64, 20000, 65535 };

	(void)state;
	bed->f.conf.lengths = (struct fwd_lengths){ .n = PLX_ARRAY_SIZE(lengths) };
	memcpy(bed->f.conf.lengths.of, lengths, sizeof(lengths));
	bed->takes = 5;
	gens_up(9 * 50);
	run_dry();
	assert_account(9 * 50 * NTX);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lengths); i++)
		assert_int_equal(bed->of_length[lengths[i]], 50 * NTX);
	assert_int_equal(bed->bytes, bed->gen[0].bytes + bed->gen[1].bytes + bed->gen[2].bytes);
}

static void test_no_frames_for_a_chain(void **state)
{
	(void)state;
	bed->f.conf.lengths = (struct fwd_lengths){ .n = 1, .of = { 65535 } };
	bed->takes = 0;
	gens_up(100);
	for (uint32_t q = 0; q < NTX; q++)
		fwd_gen_poll(&bed->gen[q]);
	assert_int_equal(bed->gen[0].nheld, 27); /* of 37 segments each, out of 1024 frames */
	assert_int_equal(bed->gen[1].nheld + bed->gen[2].nheld, 0);
	assert_int_equal(bed->empty, 2);
	bed->takes = 1;
	run_dry();
	assert_account(100 * NTX);
}

static void test_ports_wrap(void **state)
{
	(void)state;
	bed->f.conf.sport = 65533; /* three flows have ports, the others a next address */
	gens_up(100);
	run_dry();
	assert_account(300);
}

/* A driver that takes little: what is left is offered again, in order. */
static void test_held_back(void **state)
{
	(void)state;
	bed->takes = 5;
	gens_up(1000);
	run_dry();
	assert_account(3000);
	assert_true(bed->gen[0].held_back > 0);
}

/* Stopped while the driver takes nothing: what was made and not sent was never sent. */
static void test_stopped(void **state)
{
	(void)state;
	gens_up(UINT64_MAX);
	for (int i = 0; i < 10; i++)
		fwd_gen_poll(&bed->gen[i % NTX]);
	bed->takes = 7;
	fwd_gen_poll(&bed->gen[0]);
	bed->takes = 0;
	for (uint32_t q = 0; q < NTX; q++)
		fwd_gen_poll(&bed->gen[q]);
	bed->f.stop = true;
	for (uint32_t q = 0; q < NTX; q++) {
		fwd_gen_poll(&bed->gen[q]);
		fwd_gen_fini(&bed->gen[q]);
	}
	assert_account(10 * PLX_BURST + 7);
}

static void test_no_frames(void **state)
{
	static struct plx_mbuf *all[FRAMES];
	uint16_t n = 0, k;

	(void)state;
	gens_up(10);
	while ((k = plx_mbuf_get_bulk(bed->pool, all + n, PLX_BURST_MAX)))
		n += k;
	assert_int_equal(fwd_gen_poll(&bed->gen[0]), 0);
	assert_int_equal(bed->empty, 1); /* it asked the driver for frames that are sent */
	plx_mbuf_put_bulk(all, PLX_BURST_MAX);
	plx_mbuf_put_bulk(all + PLX_BURST_MAX, n - PLX_BURST_MAX);
	run_dry();
	assert_account(30);
}

/* The bucket on a clock so fast that the time this test takes is nothing: `last` is set back by
   what shall have passed. */
static void test_pace(void **state)
{
	const uint64_t hz = 100000000000000;

	(void)state;
	bed->f.conf.rate = 300000; /* 100000 for each of three */
	bed->f.conf.burst = 512;
	gens_up(UINT64_MAX);
	for (uint32_t q = 0; q < NTX; q++)
		fwd_gen_pace(&bed->gen[q], hz);
	assert_int_equal(bed->gen[0].cost >> 8, hz / 100000);
	/* a lcore that was away for a second catches up with what the bucket holds: a burst here */
	bed->gen[0].last = plx_cycles() - hz;
	for (int i = 0; i < 100; i++)
		fwd_gen_poll(&bed->gen[0]);
	assert_int_equal(bed->gen[0].sent, 512);
	/* 1 ms is worth 100 packets, in however many polls */
	bed->gen[0].credit = 0;
	bed->gen[0].last = plx_cycles() - hz / 2000;
	fwd_gen_poll(&bed->gen[0]);
	assert_int_equal(bed->gen[0].sent, 562);
	bed->gen[0].last -= hz / 2000;
	for (int i = 0; i < 100; i++)
		fwd_gen_poll(&bed->gen[0]);
	assert_int_equal(bed->gen[0].sent, 612);
}

static void test_window(void **state)
{
	(void)state;
	bed->f.conf.window = 90;
	gens_up(UINT64_MAX);
	bed->sink.verify->good = 0;
	for (int i = 0; i < 30; i++) {
		fwd_gen_poll(&bed->gen[i % NTX]);
		bed->sink.verify->good = 0; /* nothing comes back */
	}
	assert_in_range(fwd_gens_sent(&bed->f), 90, 92);
	bed->f.written_off = 40;
	for (int i = 0; i < 30; i++) {
		fwd_gen_poll(&bed->gen[i % NTX]);
		bed->sink.verify->good = 0;
	}
	assert_in_range(fwd_gens_sent(&bed->f), 130, 132);
}

/* Packets that come back to a queue that nobody has read yet would go to the host. */
static void test_waits_for_readers(void **state)
{
	(void)state;
	gens_up(100);
	bed->sink.reads = false;
	for (int round = 0; round < 100; round++)
		for (uint32_t q = 0; q < NTX; q++)
			assert_int_equal(fwd_gen_poll(&bed->gen[q]), 0);
	assert_account(0);
	bed->sink.reads = true;
	run_dry();
	assert_account(100 * NTX);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, up, down)
	const struct CMUnitTest tests[] = {
		CASE(test_all_lengths), CASE(test_list), CASE(test_chains), CASE(test_no_frames_for_a_chain),
		CASE(test_ports_wrap), CASE(test_held_back), CASE(test_stopped),
		CASE(test_no_frames), CASE(test_pace), CASE(test_window), CASE(test_waits_for_readers),
	};

	return cmocka_run_group_tests_name("fwd_gen", tests, NULL, NULL);
}

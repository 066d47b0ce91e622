/* SPDX-License-Identifier: MIT */
/* chains.c - what the contract says of packets of several segments: a burst is counted in packets,
   whatever they take of a ring; and of the source and sink, which has no other end to face. */
#include "contract.h"
#include "xdp.h"

#include <stdlib.h>
#include <string.h>

enum { SEGS = 6, ROUNDS = 8 };

static bool no_chains; /* AF_XDP before Linux 6.6: such a port does not open */

int jumbo_up(void **state)
{
	(void)state;
	no_chains = !strcmp(bed.driver, "af_xdp") && !plx_xsk_chains(&plx_sys_linux);
	if (no_chains)
		return 0;
	if (bed.device)
		assert_int_equal(run_cmd("ip link set plxca mtu %d && ip link set plxcb mtu %d", JUMBO_LEN - 14,
		                         JUMBO_LEN - 14), 0);
	open_pair(RING, RING);
	start_pair();
	return 0;
}

int jumbo_down(void **state)
{
	(void)state;
	if (no_chains)
		return 0;
	close_pair();
	return bed.device ? run_cmd("ip link set plxca mtu 1500 && ip link set plxcb mtu 1500") : 0;
}

static void need_chains(void)
{
	if (no_chains) {
		print_message("SKIP: this kernel's sockets take no packets of several buffers (XDP_USE_SG)\n");
		skip();
	}
}

/* 1 to 6 segments, or each packet another number, of any length that they hold. */
static void make_burst(struct plx_mbuf **m, uint16_t n, uint32_t seq, unsigned segs)
{
	for (uint16_t i = 0; i < n; i++) {
		unsigned s = segs ? segs : 1 + (seq + i) % SEGS;
		uint32_t most = s * 1500 < JUMBO_LEN ? s * 1500 : JUMBO_LEN;

		m[i] = make_packet(bed.pool, seq + i, most - (seq + i) * 7 % 1300, s);
		assert_non_null(m[i]);
	}
}

static void see(struct plx_port *to, struct plx_txq *from, uint32_t want)
{
	uint64_t end = now_ms() + WAIT_MS;

	while (!receive(to, want, 20) && now_ms() < end)
		plx_tx_burst(from, NULL, 0);
	assert_int_equal(bed.seen_n, want);
}

/* A ring with room for all takes all, by one call, and says nothing of being full. */
void test_chain_bursts(void **state)
{
	struct plx_mbuf *m[PLX_BURST];
	uint32_t seq = 0;

	(void)state;
	need_chains();
	assert_true(plx_port_info(bed.a)->max_len >= JUMBO_LEN);
	for (int r = 0; r < ROUNDS; r++)
		for (unsigned segs = 0; segs <= SEGS; segs++) {
			struct plx_txq *q = plx_port_txq(bed.a, (uint16_t)((r + segs) % QUEUES));

			make_burst(m, PLX_BURST, seq, segs);
			assert_int_equal(plx_tx_burst(q, m, PLX_BURST), PLX_BURST);
			all_told(0);
			seq += PLX_BURST;
			see(bed.b, q, seq);
			all_told(0);
		}
	for (uint16_t i = 0; i < QUEUES; i++) {
		const struct plx_txq_stats *s = &plx_port_txq(bed.a, i)->stats;

		assert_int_equal(plx_ctr_read(&s->stop[PLX_STOP_ring_full]), 0);
		assert_int_equal(plx_ctr_read(&s->copied), 0);
		for (int d = 0; d < PLX_TX_DROP_N; d++)
			assert_int_equal(plx_ctr_read(&s->drop[d]), 0);
	}
	assert_true(bed.queue_n[0] && (bed.queue_n[1] || bed.mode == PLX_XDP_GENERIC));
}

/* More than the ring takes: a prefix of whole packets goes, the rest is untouched, offered again
   and arrives.  Afterwards the ring is as good as new. */
void test_chain_rings(void **state)
{
	enum { N = 128 };
	struct plx_mbuf *m[N];
	uint32_t seq = 0;

	(void)state;
	need_chains();
	for (int r = 0; r < ROUNDS; r++) {
		struct plx_txq *q = plx_port_txq(bed.a, (uint16_t)(r % QUEUES));
		uint64_t end = now_ms() + WAIT_MS;
		uint16_t k = 0;

		make_burst(m, N, seq, SEGS);
		while (k < N && now_ms() < end) {
			uint16_t n = plx_tx_burst(q, m + k, (uint16_t)(N - k));

			assert_true(n >= (N - k < RING / SEGS ? N - k : RING / SEGS));
			k = (uint16_t)(k + n);
			for (uint16_t i = k; i < N; i++)
				assert_true(m[i]->nsegs == SEGS && m[i]->ref == 1);
			see(bed.b, q, seq + k);
		}
		assert_int_equal(k, N);
		seq += N;
	}
	forget();
	for (uint32_t i = 0; i < PLX_BURST; i++)
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), seq + i, 1000);
}

/* What stands in a receive ring at the end is counted in packets, and its frames come home. */
void test_chain_stop(void **state)
{
	struct plx_mbuf *m[PLX_BURST];
	struct plx_port_stats a, b;
	uint64_t end = now_ms() + WAIT_MS;

	(void)state;
	need_chains();
	make_burst(m, PLX_BURST, 0, SEGS);
	assert_int_equal(plx_tx_burst(plx_port_txq(bed.a, 0), m, PLX_BURST), PLX_BURST);
	see(bed.b, plx_port_txq(bed.a, 0), PLX_BURST);
	make_burst(m, PLX_BURST, PLX_BURST, SEGS);
	assert_int_equal(plx_tx_burst(plx_port_txq(bed.a, 0), m, PLX_BURST), PLX_BURST);
	do {
		plx_tx_burst(plx_port_txq(bed.a, 0), NULL, 0);
		plx_port_stats(bed.a, &a);
	} while (a.tx.pkts < 2 * PLX_BURST && now_ms() < end);
	assert_int_equal(a.tx.pkts, 2 * PLX_BURST);
	if (!bed.device)
		return; /* memory hands over at once, and counts nobody's frames */
	uint32_t got = plx_rx_burst(plx_port_rxq(bed.b, 0), m, 1); /* all are there once one is */
	for (; !got && now_ms() < end; got = plx_rx_burst(plx_port_rxq(bed.b, 0), m, 1))
		for (uint16_t i = 1; i < QUEUES && !got; i++)
			got = plx_rx_burst(plx_port_rxq(bed.b, i), m, 1);
	assert_int_equal(got, 1);
	plx_mbuf_put_bulk(m, 1);
	plx_port_stop(bed.b);
	plx_port_stats(bed.b, &b);
	assert_in_range(b.rx.drop[PLX_RX_DROP_closed], 1, PLX_BURST - 1);
	assert_int_equal(b.rx.pkts, PLX_BURST + 1);
}

/* The source writes every field but the bytes, the sink takes chains by the packet. */
void test_null(void **state)
{
	struct plx_port_conf c = plx_port_conf_default;
	struct plx_mbuf *m[PLX_BURST];
	struct plx_port *p;
	void *mem;
	struct plx_pool *pool = make_pool(&mem, "null", 1024);
	const char *driver = bed.driver;

	(void)state;
	strcpy(c.name, "plxcn");
	strcpy(c.driver, bed.driver = "null");
	c.rxqs = c.txqs = QUEUES;
	c.pool = pool;
	c.id = 9;
	assert_int_equal(plx_port_open(&p, &c), 0);
	assert_int_equal(plx_port_start(p), 0);
	for (uint16_t r = 0; r < 64; r++) {
		struct plx_rxq *q = plx_port_rxq(p, r % QUEUES);

		for (uint32_t i = 0; i < PLX_BURST; i++) {
			m[i] = make_packet(pool, i, 1000, 1 + i % SEGS);
			assert_non_null(m[i]);
		}
		assert_int_equal(plx_tx_burst(plx_port_txq(p, r % QUEUES), m, PLX_BURST), PLX_BURST);
		assert_int_equal(plx_rx_burst(q, m, PLX_BURST), PLX_BURST);
		for (uint32_t i = 0; i < PLX_BURST; i++) {
			assert_int_equal(m[i]->pkt_len, 64);
			assert_int_equal(m[i]->nsegs, 1);
			check_metadata(m[i], q);
		}
		plx_mbuf_put_bulk(m, PLX_BURST);
	}
	plx_port_close(p);
	bed.driver = driver;
	assert_int_equal(plx_pool_avail(pool), 1024);
	plx_pool_fini(pool);
	free(mem);
}

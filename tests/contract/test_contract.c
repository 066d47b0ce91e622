/* SPDX-License-Identifier: MIT */
/* test_contract.c - one suite, run over each driver that is named on the command line: what
   plx_queue.h, plx_port.h and plx_driver.h promise.  Ports with two queues face each other, over a
   veth pair in a network namespace of this process or in memory. */
#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int up(void **state)
{
	(void)state;
	open_pair(RING, RING);
	start_pair();
	return 0;
}

static int down(void **state)
{
	(void)state;
	close_pair();
	return 0;
}

static void test_info(void **state)
{
	const struct plx_port_info *in = plx_port_info(bed.a);
	struct plx_link_info li;

	(void)state;
	assert_string_equal(in->driver, bed.driver);
	assert_non_null(in->mode);
	assert_true(in->max_len >= MAX_LEN);
	assert_int_equal(bed.a->nrx, QUEUES);
	assert_int_equal(bed.a->ntx, QUEUES);
	assert_int_equal(in->frames_held, plx_port_frames(&bed.a->conf));
	assert_null(plx_port_rxq(bed.a, QUEUES));
	assert_null(plx_port_txq(bed.a, QUEUES));
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_UP);
	if (!bed.device)
		return;
	assert_int_equal(plx_link_query(&plx_sys_linux, "plxca", &li), 0);
	assert_int_equal(in->mtu, li.mtu);
	assert_int_equal(in->ifindex, li.ifindex);
	assert_memory_equal(in->mac, li.mac, 6);
	assert_int_equal(in->channels_rx, li.rxqs);
	assert_int_equal(in->channels_tx, li.txqs);
}

static void test_every_size(void **state)
{
	uint32_t seq = 0;

	(void)state;
	for (uint32_t len = MIN_LEN; len <= MAX_LEN; len++, seq++)
		exchange(bed.a, bed.b, (uint16_t)(seq % QUEUES), seq, len);
	for (uint32_t i = 0; i < 64; i++) /* and back */
		exchange(bed.b, bed.a, (uint16_t)(i % QUEUES), seq++, MIN_LEN + i * 23);
	assert_int_equal(bed.seen_n, seq);
	/* a veth pair tells the generic hook no queue: all is queue 0 there */
	assert_true(bed.queue_n[0] && (bed.queue_n[1] || bed.mode == PLX_XDP_GENERIC));
}

/* Many times round each ring, in bursts, with nothing lost. */
static void test_wrap(void **state)
{
	struct plx_mbuf *m[PLX_BURST];
	uint32_t seq = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < PLX_BURST; k++, seq++)
			m[k] = make_packet(bed.pool, seq, MIN_LEN + seq % 64, 1);
		send_all(bed.a, (uint16_t)(i % QUEUES), m, PLX_BURST);
		uint64_t end = now_ms() + WAIT_MS;
		while (!receive(bed.b, seq, 20) && now_ms() < end)
			plx_tx_burst(plx_port_txq(bed.a, (uint16_t)(i % QUEUES)), NULL, 0);
		assert_int_equal(bed.seen_n, seq);
	}
}

static void test_before_start(void **state)
{
	struct plx_mbuf *m;

	(void)state;
	open_pair(RING, RING);
	assert_int_equal(plx_port_start(bed.a), 0);
	m = make_packet(bed.pool, 1, 100, 1);
	if (!plx_tx_burst(plx_port_txq(bed.a, 0), &m, 1))
		plx_mbuf_put(m);
	receive(bed.b, 1, 20);
	assert_int_equal(bed.seen_n, 0);
	start_pair();
	receive(bed.b, 1, 20);
	assert_int_equal(bed.seen_n, 0); /* what came before start is not delivered after it */
	exchange(bed.a, bed.b, 0, 2, 100);
}

static void test_restart(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		struct plx_mbuf *m = make_packet(bed.pool, 100 + i, 100, 1);
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), i, 200);
		plx_port_stop(bed.b);
		plx_port_stop(bed.b);
		if (!plx_tx_burst(plx_port_txq(bed.a, 0), &m, 1))
			plx_mbuf_put(m);
		receive(bed.b, i + 2, 10);
		assert_int_equal(bed.seen_n, i + 1);
		plx_port_stop(bed.a);
		start_pair();
	}
	exchange(bed.a, bed.b, 1, 50, 200);
}

/* A burst far beyond the rings: what is taken is a prefix, the tail is untouched and ours;
   nothing arrives twice; every frame comes home (down() proves it). */
static void test_prefix(void **state)
{
	enum { N = PLX_BURST_MAX };
	static struct plx_mbuf *m[N], *was[N];
	uint32_t seq = 0, taken = 0;

	(void)state;
	open_pair(64, 64);
	start_pair();
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < N; i++)
			was[i] = m[i] = make_packet(bed.pool, seq++, 128, 1);
		uint16_t k = plx_tx_burst(plx_port_txq(bed.a, 0), m, N);
		assert_true(k <= N);
		assert_memory_equal(m, was, sizeof(m));
		for (int i = k; i < N; i++) {
			assert_int_equal(m[i]->ref, 1);
			assert_int_equal(m[i]->pkt_len, 128);
			assert_ptr_equal(m[i]->pool, bed.pool);
		}
		plx_mbuf_put_bulk(m + k, (uint16_t)(N - k));
		taken += k;
	}
	assert_true(taken > 0);
	receive(bed.b, taken, 100);
	assert_true(bed.seen_n <= taken);
	if (!strcmp(bed.driver, "loop")) {
		assert_int_equal(bed.seen_n, 64);
		assert_int_equal(taken, 64);
	}
	for (uint32_t i = 0; i < 8; i++) { /* and it goes on */
		forget();
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), seq + i, 300);
	}
}

static void test_none_and_too_many(void **state)
{
	enum { N = PLX_BURST_MAX + 100 };
	static struct plx_mbuf *m[N];

	(void)state;
	assert_int_equal(plx_tx_burst(plx_port_txq(bed.a, 0), NULL, 0), 0);
	assert_int_equal(plx_rx_burst(plx_port_rxq(bed.b, 0), NULL, 0), 0);
	for (uint32_t i = 0; i < N; i++)
		m[i] = make_packet(bed.pool, i, 64, 1);
	uint16_t k = plx_tx_burst(plx_port_txq(bed.a, 0), m, N);
	assert_true(k <= PLX_BURST_MAX);
	plx_mbuf_put_bulk(m + k, (uint16_t)(N - k));
	receive(bed.b, k, 200);
	assert_true(bed.seen_n <= k);
}

static void test_bad_lengths(void **state)
{
	struct plx_txq *q = plx_port_txq(bed.a, 0);
	uint32_t max = plx_port_info(bed.a)->max_len;
	struct plx_mbuf *m[6];
	uint16_t n = 0, bad;

	(void)state;
	m[n++] = make_packet(bed.pool, 0, 0, 1);
	m[n++] = make_packet(bed.pool, 0, 1, 1);
	m[n++] = make_packet(bed.pool, 0, 13, 1);
	if (max < UINT16_MAX - 4)
		m[n++] = make_packet(bed.pool, 0, max + 5, 1 + max / 1500);
	bad = n;
	m[n++] = make_packet(bed.pool, 7, 100, 1);
	send_all(bed.a, 0, m, n);
	uint64_t end = now_ms() + WAIT_MS;
	while (!receive(bed.b, 1, 20) && now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(bed.seen_n, 1);
	assert_int_equal(bed.seen[7], 1);
	assert_int_equal(plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]), bad);
	assert_int_equal(plx_ctr_read(&q->stats.pkts), 1);
}

static void test_chains(void **state)
{
	uint32_t seq = 0;

	(void)state;
	for (unsigned segs = 2; segs <= 5; segs++)
		for (uint32_t len = 120; len <= MAX_LEN; len += 311, seq++) {
			struct plx_mbuf *m = make_packet(bed.pool, seq, len, segs);
			send_all(bed.a, (uint16_t)(seq % QUEUES), &m, 1);
			uint64_t end = now_ms() + WAIT_MS;
			while (!receive(bed.b, seq + 1, 20) && now_ms() < end)
				plx_tx_burst(plx_port_txq(bed.a, (uint16_t)(seq % QUEUES)), NULL, 0);
			assert_int_equal(bed.seen[seq], 1);
		}
}

static void test_foreign_pool(void **state)
{
	struct plx_txq *q = plx_port_txq(bed.a, 1);
	struct plx_mbuf *m[3];

	(void)state;
	m[0] = make_packet(bed.other, 0, 1000, 1);
	m[1] = make_packet(bed.pool, 1, 1000, 1);
	m[2] = make_packet(bed.other, 2, 1000, 3);
	send_all(bed.a, 1, m, 3);
	uint64_t end = now_ms() + WAIT_MS;
	while (!receive(bed.b, 3, 20) && now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(bed.seen_n, 3);
	assert_int_equal(plx_ctr_read(&q->stats.copied), strcmp(bed.driver, "packet") ? 2 : 0);
	plx_tx_burst(q, NULL, 0);
	assert_int_equal(plx_pool_avail(bed.other), 512); /* copied, so home at once */
}

/* The same packet sent three times while we keep it. */
static void test_shared(void **state)
{
	struct plx_mbuf *m = make_packet(bed.pool, 9, 500, 1);

	(void)state;
	plx_mbuf_ref(m, 3);
	for (int i = 0; i < 3; i++) {
		struct plx_mbuf *s = m;
		forget();
		send_all(bed.a, (uint16_t)(i % QUEUES), &s, 1);
		uint64_t end = now_ms() + WAIT_MS;
		while (!receive(bed.b, 1, 20) && now_ms() < end)
			plx_tx_burst(plx_port_txq(bed.a, (uint16_t)(i % QUEUES)), NULL, 0);
		assert_int_equal(bed.seen[9], 1);
	}
	uint64_t end = now_ms() + WAIT_MS;
	while (__atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) > 1 && now_ms() < end)
		for (uint16_t i = 0; i < QUEUES; i++)
			plx_tx_burst(plx_port_txq(bed.a, i), NULL, 0);
	assert_int_equal(m->ref, 1);
	assert_int_equal(m->pkt_len, 500);
	assert_int_equal(m->data[14 + 3], 9);
	plx_mbuf_put(m);
}

static void test_link(void **state)
{
	struct plx_txq *q = plx_port_txq(bed.a, 0);

	(void)state;
	if (!bed.device) {
		plx_port_stop(bed.b);
	} else {
		run_cmd("ip link set plxcb down");
		wait_running("plxca", false);
		tell_link(bed.a);
		tell_link(bed.b);
	}
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_DOWN);
	for (int i = 0; i < 200; i++) { /* long enough for the driver to look again by itself */
		struct plx_mbuf *m = make_packet(bed.pool, 0, 100, 1);
		assert_int_equal(plx_tx_burst(q, &m, 1), 0);
		assert_true(q->link_down);
		plx_mbuf_put(m);
	}
	assert_true(plx_ctr_read(&q->stats.stop[PLX_STOP_link_down]) >= 200);
	if (!bed.device) {
		plx_port_start(bed.b);
	} else {
		run_cmd("ip link set plxcb up");
		wait_running("plxca", true);
		tell_link(bed.a);
		tell_link(bed.b);
	}
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_UP);
	for (uint32_t i = 0; i < 100; i++)
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), 10 + i, 100);
	assert_false(q->link_down);
}

/* Our own end goes down under load and comes back, and nobody tells the port. */
static void test_untold_down(void **state)
{
	struct plx_txq *q = plx_port_txq(bed.a, 0);
	uint32_t seq = 0;

	(void)state;
	for (int downwards = 1; downwards >= 0; downwards--) {
		run_cmd("ip link set plxca %s", downwards ? "down" : "up");
		if (!downwards)
			wait_running("plxcb", true);
		uint64_t end = now_ms() + WAIT_MS;
		do {
			if (seq == SEQ_MAX - 1) { /* what is on the way is of numbers long after 0 */
				forget();
				seq = 0;
			}
			struct plx_mbuf *m = make_packet(bed.pool, seq++, 100, 1);
			if (!plx_tx_burst(q, &m, 1))
				plx_mbuf_put(m);
			receive(bed.b, UINT32_MAX, 0);
		} while (q->link_down != downwards && now_ms() < end);
		assert_int_equal(q->link_down, downwards);
		assert_int_equal(plx_port_link(bed.a), downwards ? PLX_LINK_DOWN : PLX_LINK_UP);
	}
	receive(bed.b, UINT32_MAX, 100); /* the backlog */
	exchange(bed.a, bed.b, 0, SEQ_MAX - 1, 100);
}

static void test_removed(void **state)
{
	struct plx_txq *q;
	struct plx_mbuf *m;

	(void)state;
	open_pair(RING, RING);
	start_pair();
	exchange(bed.a, bed.b, 0, 1, 100);
	q = plx_port_txq(bed.a, 0);
	run_cmd("ip link del plxca");
	uint64_t end = now_ms() + WAIT_MS;
	do { /* no link event tells, and no errno of a doorbell */
		m = make_packet(bed.pool, 0, 100, 1);
		if (!plx_tx_burst(q, &m, 1))
			plx_mbuf_put(m);
		plx_port_repair(bed.a);
	} while (plx_port_link(bed.a) != PLX_LINK_REMOVED && now_ms() < end);
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_REMOVED);
	m = make_packet(bed.pool, 0, 100, 1);
	if (!plx_tx_burst(q, &m, 1))
		plx_mbuf_put(m);
	tell_link(bed.b);
	assert_int_equal(plx_port_link(bed.b), PLX_LINK_REMOVED);
	for (uint16_t i = 0; i < QUEUES; i++) {
		assert_int_equal(plx_rx_burst(plx_port_rxq(bed.b, i), &m, 1), 0);
		m = make_packet(bed.pool, 0, 100, 1);
		if (!plx_tx_burst(plx_port_txq(bed.b, i), &m, 1))
			plx_mbuf_put(m);
	}
}

static uint64_t xstat(const struct plx_xstat *x, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(x[i].name, name))
			return x[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

static void test_stats(void **state)
{
	static struct plx_xstat x[256], few[3];
	struct plx_port_stats sa, sb;
	uint64_t bytes = 0;

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), i, MIN_LEN + i);
		bytes += MIN_LEN + i;
	}
	plx_port_stats(bed.a, &sa);
	plx_port_stats(bed.b, &sb);
	assert_int_equal(sa.tx.pkts, 500);
	assert_int_equal(sa.tx.bytes, bytes);
	if (!bed.strange) {
		assert_int_equal(sb.rx.pkts, 500);
		assert_int_equal(sb.rx.bytes, bytes);
	}
	assert_true(sb.rx.bursts > sb.rx.empty);
	for (int i = 0; i < PLX_TX_DROP_N; i++)
		assert_int_equal(sa.tx.drop[i], 0);
	int n = plx_port_xstats(bed.b, x, 256);
	assert_true(n > 20 && n <= 256);
	assert_int_equal(xstat(x, n, "rx_packets"), sb.rx.pkts);
	assert_int_equal(xstat(x, n, "rx_q0_packets") + xstat(x, n, "rx_q1_packets"), sb.rx.pkts);
	for (int i = 0; i < n; i++) {
		assert_true(*x[i].name);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(x[i].name, x[k].name);
	}
	assert_int_equal(plx_port_xstats(bed.b, few, 3), n);
	assert_string_equal(few[2].name, x[2].name);
	assert_int_equal(plx_port_xstats(bed.b, NULL, 0), n);
}

/* What was offered to each queue of p is received, in a counter of drops, or one of so many that stand in its ring. */
static void adds_up(struct plx_port *p, uint32_t standing)
{
	static struct plx_xstat x[256];
	struct plx_port_stats s;
	uint64_t all = 0, pkts = 0, drops = 0;
	char name[32];

	const int n = plx_port_xstats(p, x, 256);
	plx_port_stats(p, &s);
	for (uint16_t q = 0; q < QUEUES; q++) {
		struct plx_rxq_stats one;
		uint64_t offered;

		assert_true(plx_port_rxq_stats(p, q, &one, &offered));
		assert_in_range(offered - one.pkts - plx_rx_drops(&one), 0, standing);
		snprintf(name, sizeof(name), "rx_q%u_offered", q);
		assert_int_equal(xstat(x, n, name), offered);
		snprintf(name, sizeof(name), "rx_q%u_drops", q);
		assert_int_equal(xstat(x, n, name), plx_rx_drops(&one));
		all += offered;
		pkts += one.pkts;
		drops += plx_rx_drops(&one);
	}
	assert_true(s.offered_told);
	assert_int_equal(s.offered, all);
	assert_int_equal(s.rx.pkts, pkts);
	assert_int_equal(plx_rx_drops(&s.rx), drops);
	assert_int_equal(xstat(x, n, "rx_offered"), all);
}

static uint64_t passed_by(struct plx_port *p)
{
	uint64_t n[QUEUES] = { 0 }, sum = 0;

	if (p->drv->passed)
		p->drv->passed(p, n, QUEUES);
	for (int q = 0; q < QUEUES; q++)
		sum += n[q];
	return sum;
}

/* More comes than is read, by three times and more: it adds up all the while, exactly once the port stands still, and
   goes on from there when it starts again.  So it does at the sender. */
static void test_adds_up(void **state)
{
	enum { ROUNDS = 3, BURSTS = 60, EACH = 32 };
	uint64_t taken = 0, before = 0;
	struct plx_port_stats sa, sb;
	uint32_t seq = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		start_pair();
		for (int i = 0; i < BURSTS; i++) {
			struct plx_mbuf *m[EACH];

			for (int k = 0; k < EACH; k++)
				assert_non_null(m[k] = make_packet(bed.pool, seq++, 100, 1));
			uint16_t n = plx_tx_burst(plx_port_txq(bed.a, i % QUEUES), m, EACH);

			plx_mbuf_put_bulk(m + n, (uint16_t)(EACH - n));
			taken += n;
			adds_up(bed.b, RING);
			if (i % 8 == 7)
				receive(bed.b, UINT32_MAX, 0);
		}
		plx_port_stop(bed.a);
		plx_port_stop(bed.b);
		adds_up(bed.b, 0);
		plx_port_stats(bed.a, &sa);
		plx_port_stats(bed.b, &sb);
		assert_int_equal(taken, sa.tx.pkts + plx_tx_drops(&sa.tx));
		assert_true(sb.offered > before);
		if (!bed.strange)
			assert_int_equal(sa.tx.pkts, sb.offered + passed_by(bed.b));
		assert_true(sb.rx.drop[PLX_RX_DROP_closed] > 0);
		assert_true(!bed.device || sb.rx.drop[PLX_RX_DROP_ring_full] + sb.rx.drop[PLX_RX_DROP_fill_empty] > 0);
		before = sb.offered;
	}
	assert_int_equal(bed.seen_n + bed.strange, sb.rx.pkts);
}

static void test_rx_fd(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 50; i++) {
		struct pollfd fds[QUEUES];
		struct plx_mbuf *m = make_packet(bed.pool, i, 100, 1);
		for (uint16_t k = 0; k < QUEUES; k++) {
			struct plx_rxq *q = plx_port_rxq(bed.b, k);
			fds[k] = (struct pollfd){ bed.b->drv->rx_fd(q), POLLIN, 0 };
			assert_true(fds[k].fd >= 0);
			if (bed.b->drv->rx_arm)
				assert_int_equal(bed.b->drv->rx_arm(q), 0);
		}
		assert_int_equal(poll(fds, QUEUES, 0), 0); /* silent while nothing is there */
		send_all(bed.a, (uint16_t)(i % QUEUES), &m, 1);
		plx_tx_burst(plx_port_txq(bed.a, (uint16_t)(i % QUEUES)), NULL, 0);
		assert_true(poll(fds, QUEUES, WAIT_MS) > 0);
		for (uint16_t k = 0; k < QUEUES; k++)
			if (bed.b->drv->rx_disarm)
				bed.b->drv->rx_disarm(plx_port_rxq(bed.b, k));
		assert_true(receive(bed.b, i + 1, WAIT_MS));
		if (bed.b->drv->rx_arm) { /* armed too late: the frame is seen at once */
			forget();
			m = make_packet(bed.pool, 1000, 100, 1);
			send_all(bed.a, (uint16_t)(i % QUEUES), &m, 1);
			uint64_t end = now_ms() + WAIT_MS;
			int armed = 0;
			while (!armed && now_ms() < end)
				for (uint16_t k = 0; k < QUEUES; k++) {
					armed += bed.b->drv->rx_arm(plx_port_rxq(bed.b, k));
					if (bed.b->drv->rx_disarm)
						bed.b->drv->rx_disarm(plx_port_rxq(bed.b, k));
				}
			assert_true(armed > 0);
			assert_true(receive(bed.b, 1, WAIT_MS));
		}
		forget();
		bed.seen_n = i + 1;
	}
}

static void test_held(void **state)
{
	struct plx_mbuf *m[64];

	(void)state;
	all_told(0);
	for (uint32_t i = 0; i < 64; i++)
		m[i] = make_packet(bed.pool, i, 100, 1);
	all_told(64);
	send_all(bed.a, 0, m, 64);
	all_told(0);
	receive(bed.b, 64, WAIT_MS);
	all_told(0);
}

static void test_pool_dry(void **state)
{
	static struct plx_mbuf *all[FRAMES], *m[128];
	uint16_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 128; i++)
		m[i] = make_packet(bed.pool, i, 100, 1);
	while (n < FRAMES && (all[n] = plx_mbuf_get(bed.pool)))
		n++;
	uint16_t k = plx_tx_burst(plx_port_txq(bed.a, 0), m, 128);
	receive(bed.b, 128, 100);
	assert_true(bed.seen_n <= k);
	plx_mbuf_put_bulk(all, n);
	plx_mbuf_put_bulk(m + k, (uint16_t)(128 - k));
	receive(bed.b, k, 100);
	forget();
	for (uint32_t i = 0; i < 1000; i++)
		exchange(bed.a, bed.b, (uint16_t)(i % QUEUES), 200 + i, 100 + i);
}

static int make_veth(void)
{
	int fd;

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
		return 77;
	}
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY); /* fewer strangers */
	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		close(fd);
	}
	return 0;
}

static int group_up(void **state)
{
	(void)state;
	if (!bed.device)
		return 0;
	return run_cmd("ip link add plxca numtxqueues %d numrxqueues %d type veth peer name plxcb "
	               "numtxqueues %d numrxqueues %d && ip link set plxca up && ip link set plxcb up",
	               QUEUES, QUEUES, QUEUES, QUEUES);
}

static const struct row { const char *name, *driver; enum plx_xdp_mode mode; bool device; } rows[] = {
	{ "loop",           "loop",   PLX_XDP_AUTO,    false },
	{ "packet",         "packet", PLX_XDP_AUTO,    true },
	{ "af_xdp-native",  "af_xdp", PLX_XDP_NATIVE,  true },
	{ "af_xdp-generic", "af_xdp", PLX_XDP_GENERIC, true },
};

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_info, up, down),
		cmocka_unit_test_setup_teardown(test_every_size, up, down),
		cmocka_unit_test_setup_teardown(test_wrap, up, down),
		cmocka_unit_test_teardown(test_before_start, down),
		cmocka_unit_test_setup_teardown(test_restart, up, down),
		cmocka_unit_test_teardown(test_prefix, down),
		cmocka_unit_test_setup_teardown(test_none_and_too_many, up, down),
		cmocka_unit_test_setup_teardown(test_bad_lengths, up, down),
		cmocka_unit_test_setup_teardown(test_chains, up, down),
		cmocka_unit_test_setup_teardown(test_foreign_pool, up, down),
		cmocka_unit_test_setup_teardown(test_shared, up, down),
		cmocka_unit_test_setup_teardown(test_csums, up, down),
		cmocka_unit_test_setup_teardown(test_not_on_a_wire, up, down),
		cmocka_unit_test_setup_teardown(test_link, up, down),
		cmocka_unit_test_setup_teardown(test_stats, up, down),
		cmocka_unit_test_setup_teardown(test_adds_up, up, down),
		cmocka_unit_test_setup_teardown(test_rx_fd, up, down),
		cmocka_unit_test_setup_teardown(test_held, up, down),
		cmocka_unit_test_setup_teardown(test_pool_dry, up, down),
		cmocka_unit_test_setup_teardown(test_chain_bursts, jumbo_up, jumbo_down),
		cmocka_unit_test_setup_teardown(test_chain_rings, jumbo_up, jumbo_down),
		cmocka_unit_test_setup_teardown(test_chain_stop, jumbo_up, jumbo_down),
		cmocka_unit_test(test_null),
		/* over an interface only */
		cmocka_unit_test_setup_teardown(test_untold_down, up, down),
		cmocka_unit_test_teardown(test_removed, down), /* the last: the pair is gone then */
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows) && argc > 1; i++) {
		const struct row *r = &rows[i];
		if (strcmp(argv[1], r->name))
			continue;
		bed.name = r->name;
		bed.driver = r->driver;
		bed.mode = r->mode;
		bed.device = r->device;
		int err = bed.device ? make_veth() : 0;
		size_t n = PLX_ARRAY_SIZE(tests) - (bed.device ? 0 : 2);
		return err ? err : _cmocka_run_group_tests(r->name, tests, n, group_up, NULL);
	}
	fprintf(stderr, "usage: test_contract loop|packet|af_xdp-native|af_xdp-generic\n");
	return 2;
}

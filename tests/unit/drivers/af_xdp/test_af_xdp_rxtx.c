/* SPDX-License-Identifier: MIT */
/* test_af_xdp_rxtx.c - the bursts of the af_xdp driver against a kernel played by the test, one
   that lies: frames never posted, frames twice, lengths beyond the frame, completions of
   nothing.  Whatever it says, no frame is lost or handed out twice. */
#include <setjmp.h>
#include <stdarg.h>

#include "af_xdp.h"
#include "plx_net.h"
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 320, RING = 16, SIZE = 2048 };

struct side { uint32_t prod, cons, flags; uint64_t addr[RING]; struct xdp_desc desc[RING]; };

static struct plx_pool *pool;
static void *mem;
static struct side fill, rx, tx, comp;
static struct ax_port port;
static struct ax_sock sock;
static struct ax_rxq *rq;
static struct ax_txq *tq;
static struct plx_sys sys;
static int kicks, wakes, wake_err;
/* transmit of a device that drops: where it is, what it saw; descriptors of a doorbell */
static uint32_t reached, seen, sends, refuses;
static bool tells_late; /* as kernels before 6.17: completions are all they tell at once */
static uint64_t clock_ns;

static ssize_t fake_sendto(int fd, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t l)
{
	(void)fd; (void)b; (void)n; (void)f; (void)a; (void)l;
	kicks++;
	if (!refuses)
		return 0;
	/* the kernel tells how far it is when it sent something, or has come to the end of what it saw */
	if (seen == reached) {
		tx.cons = reached;
		seen = tx.prod;
	}
	if (seen == reached)
		return 0;
	if (tells_late)
		for (uint32_t i = 0; i < sends + refuses; i++)
			comp.addr[comp.prod++ & (RING - 1)] = tx.desc[(reached + i) & (RING - 1)].addr;
	reached += sends + refuses;
	if (sends && !tells_late)
		tx.cons = reached;
	errno = EBUSY;
	return -1;
}
static ssize_t fake_recvfrom(int fd, void *b, size_t n, int f, struct sockaddr *a, socklen_t *l)
{
	(void)fd; (void)b; (void)n; (void)f; (void)a; (void)l;
	wakes++;
	errno = wake_err;
	return wake_err ? -1 : 0;
}
static int fake_clock(clockid_t c, struct timespec *t)
{
	(void)c;
	*t = (struct timespec){ (time_t)(clock_ns / 1000000000), (long)(clock_ns % 1000000000) };
	return 0;
}

static struct xring view(struct side *s, void *slots, bool produces)
{
	memset(s, 0, sizeof(*s));
	s->prod = s->cons = UINT32_MAX - 5; /* each test crosses the wrap */
	return (struct xring){ .ours = produces ? &s->prod : &s->cons, .theirs = produces ? &s->cons : &s->prod,
	                       .flags = &s->flags, .slots = slots, .mask = RING - 1, .head = s->prod, .peer = s->prod };
}

static void *line_alloc(size_t n)
{
	n = (n + 63) & ~(size_t)63;
	return memset(aligned_alloc(64, n), 0, n);
}

static int set_up_as(struct ax_kind kind)
{
	struct plx_pool_conf c = { .name = "t", .frames = FRAMES, .frame_size = SIZE, .node = -1 };

	mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) & ~4095ul);
	assert_int_equal(plx_pool_init(&pool, mem, &c), 0);
	memset(&sys, 0, sizeof(sys));
	sys.sendto = fake_sendto;
	sys.recvfrom = fake_recvfrom;
	sys.clock_gettime = fake_clock;
	memset(&port, 0, sizeof(port));
	port.base.link = PLX_LINK_UP;
	sock = (struct ax_sock){ .sys = &sys, .pool = pool, .kind = kind, .zerocopy = kind.zc };
	rq = line_alloc(sizeof(*rq));
	tq = line_alloc(sizeof(*tq));
	rq->base.pool = tq->base.pool = pool;
	rq->base.port = tq->base.port = &port.base;
	rq->sock = tq->sock = &sock;
	rq->area = tq->area = pool->area;
	rq->mbufs = tq->mbufs = pool->mbufs;
	rq->frames = tq->frames = FRAMES;
	rq->frame_size = SIZE;
	rq->shift = tq->shift = pool->shift;
	rq->sg = tq->sg = kind.sg;
	rq->own = calloc(FRAMES, 1);
	tq->own = calloc(FRAMES, 1);
	rq->target = RING;
	rq->gate = tq->gate = AX_OPEN;
	rq->alive = &rq->alone;
	sock.port = &port.base;
	rq->rx = view(&rx, rx.desc, false);
	rq->fill = view(&fill, fill.addr, true);
	tq->tx = view(&tx, tx.desc, true);
	tq->passed = reached = seen = tx.prod;
	sends = refuses = 0;
	tells_late = false;
	tq->comp = view(&comp, comp.addr, false);
	tq->limit = RING;
	tq->doorbell_at = RING / 2;
	tq->max_len = 1518;
	tq->max_segs = tq->sg ? 8 : 1;
	tq->zerocopy = sock.zerocopy;
	tx.flags = XDP_RING_NEED_WAKEUP;
	ax_rx_choose(rq);
	ax_tx_choose(tq);
	kicks = wakes = wake_err = 0;
	clock_ns = 1000000000;
	assert_int_equal(ax_rx_refill(rq), RING);
	return 0;
}

static int set_up(void **state) { (void)state; return set_up_as((struct ax_kind){ .zc = false }); }
static int set_up_sg(void **state) { (void)state; return set_up_as((struct ax_kind){ .sg = true }); }
static int set_up_zc(void **state) { (void)state; return set_up_as((struct ax_kind){ .zc = true }); }
static int set_up_zc_sg(void **state) { (void)state; return set_up_as((struct ax_kind){ .zc = true, .sg = true }); }

static int tear_down(void **state)
{
	(void)state;
	ax_rx_reclaim(rq);
	ax_tx_reclaim(tq);
	assert_int_equal(plx_pool_avail(pool), FRAMES);
	assert_int_equal(plx_pool_audit(pool), 0);
	assert_non_null(plx_pool_fini(pool));
	free(mem);
	free(rq->own);
	free(tq->own);
	free(rq);
	free(tq);
	return 0;
}

/* ---- the kernel ---- */

static uint64_t kernel_takes(void)
{
	assert_true(fill.prod != fill.cons);
	return fill.addr[fill.cons++ & (RING - 1)];
}

static void kernel_receives(uint64_t addr, uint32_t len, uint32_t options)
{
	rx.desc[rx.prod & (RING - 1)] = (struct xdp_desc){ addr, len, options };
	rx.prod++;
}

static void kernel_completes(uint64_t addr)
{
	comp.addr[comp.prod & (RING - 1)] = addr;
	comp.prod++;
}

static uint16_t receive(struct plx_mbuf **m, uint16_t n)
{
	return plx_rx_burst(&rq->base, m, n);
}

static uint64_t bad(void) { return plx_ctr_read(&rq->base.stats.drop[PLX_RX_DROP_bad_desc]); }

static void good_frames(void **state)
{
	struct plx_mbuf *m[8];
	int total = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		uint64_t a[5];
		for (int i = 0; i < 5; i++) {
			a[i] = kernel_takes() + 256;
			kernel_receives(a[i], 100 + (uint32_t)i, 0);
		}
		for (int i = 0; i < 5; i += 3) {
			uint16_t k = receive(m, 3);
			assert_int_equal(k, i ? 2 : 3);
			for (int j = 0; j < k; j++) {
				assert_ptr_equal(m[j]->data, pool->area + a[i + j]);
				assert_int_equal(m[j]->len, 100 + i + j);
				total++;
			}
			plx_mbuf_put_bulk(m, k);
		}
		assert_int_equal(rq->posted, RING);
		assert_int_equal(fill.prod - fill.cons, RING);
	}
	assert_int_equal(total, 100);
	assert_int_equal(receive(m, 8), 0);
	assert_int_equal(plx_ctr_read(&rq->base.stats.empty), 1);
	assert_int_equal(wakes + kicks, 0);
	assert_int_equal(bad(), 0);
}

static void lies_about_frames(void **state)
{
	struct plx_mbuf *m[RING];
	uint64_t a = kernel_takes(), b = kernel_takes(), c = kernel_takes();

	(void)state;
	kernel_receives(a + 256, 60, 0);
	kernel_receives(a + 256, 60, 0);                 /* twice */
	kernel_receives((uint64_t)FRAMES * SIZE, 60, 0); /* behind the pool */
	kernel_receives(UINT64_MAX, 60, 0);
	kernel_receives(b + 2000, 60, 0);                /* leaves its frame */
	kernel_receives(c, 0, 0);
	uint64_t never = 0;
	while (rq->own[never])
		never++;
	kernel_receives(never * SIZE + 256, 60, 0);      /* not posted */
	uint16_t k = receive(m, RING);
	assert_int_equal(k, 1);
	assert_int_equal(bad(), 6);
	plx_mbuf_put_bulk(m, k);
	assert_int_equal(rq->posted, RING);
	rx.prod += RING + 1;                             /* and an impossible index */
	assert_int_equal(receive(m, RING), 0);
}

static void chains(void **state)
{
	struct plx_mbuf *m[4];
	uint64_t a[7];

	(void)state;
	for (int i = 0; i < 7; i++)
		a[i] = kernel_takes() + 256;
	kernel_receives(a[0], 1792, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0); /* its end has not come */
	kernel_receives(a[1], 1792, XDP_PKT_CONTD);
	kernel_receives(a[2], 10, 0);
	kernel_receives(a[3], 60, 0);
	assert_int_equal(receive(m, 1), 1);
	assert_int_equal(m[0]->nsegs, 3);
	assert_int_equal(m[0]->pkt_len, 1792 * 2 + 10);
	assert_int_equal(m[0]->next->next->len, 10);
	assert_null(m[0]->next->next->next);
	plx_mbuf_put(m[0]);
	assert_int_equal(receive(m, 4), 1);
	assert_int_equal(m[0]->nsegs, 1);
	plx_mbuf_put(m[0]);
	/* a bad buffer in the middle spoils its packet, and only that */
	kernel_receives(a[4], 1792, XDP_PKT_CONTD);
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	kernel_receives(a[5], 10, 0);
	kernel_receives(a[6], 77, 0);
	assert_int_equal(receive(m, 4), 1);
	assert_int_equal(m[0]->len, 77);
	assert_int_equal(m[0]->nsegs, 1);
	plx_mbuf_put(m[0]);
	assert_int_equal(bad(), 1);
	/* left in part: close brings it home */
	kernel_receives(kernel_takes(), 100, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0);
	assert_non_null(rq->chain);
}

static uint64_t drops(void) { return plx_rx_drops(&rq->base.stats); }

/* However many of its buffers are bad, a packet is one drop: what was offered is what was received and the drops. */
static void bad_chains(void **state)
{
	struct plx_mbuf *m[4];

	(void)state;
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	kernel_receives(kernel_takes() + 256, 1792, XDP_PKT_CONTD);
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0); /* in two bursts */
	kernel_receives(UINT64_MAX, 10, 0);
	kernel_receives(kernel_takes() + 256, 77, 0);
	assert_int_equal(receive(m, 4), 1);
	plx_mbuf_put(m[0]);
	assert_int_equal(bad(), 1);
	kernel_receives(UINT64_MAX, 1792, 0); /* two packets, each bad as a whole */
	kernel_receives(UINT64_MAX, 1792, 0);
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(bad(), 3);
	/* too long, and bad after that */
	for (int i = 0; i <= UINT8_MAX; i++) {
		kernel_receives(kernel_takes() + 256, 1, XDP_PKT_CONTD);
		assert_int_equal(receive(m, 4), 0);
	}
	kernel_receives(UINT64_MAX, 1, 0);
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(plx_ctr_read(&rq->base.stats.drop[PLX_RX_DROP_long_frame]), 1);
	assert_int_equal(drops(), 4);
	/* left to a drain: one that began bad before it, one that is bad twice in it, one that is whole */
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(drops(), 5);
	kernel_receives(UINT64_MAX, 10, 0);
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	kernel_receives(UINT64_MAX, 10, 0);
	kernel_receives(kernel_takes() + 256, 77, 0);
	assert_int_equal(ax_rx_drain(rq), 1);
	assert_int_equal(drops(), 6);
}

static void wakes_a_sleeping_device(void **state)
{
	struct plx_mbuf *m[4];

	(void)state;
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(wakes, 0);
	fill.flags = XDP_RING_NEED_WAKEUP;
	for (int i = 0; i < 100; i++)
		receive(m, 4);
	assert_int_equal(wakes, 1); /* not more than one in 5 us */
	clock_ns += 6000;
	receive(m, 4);
	assert_int_equal(wakes, 2);
	/* one that fails is tried again later, and one that does not makes all well */
	wake_err = ENXIO;
	for (int i = 0; i < 100; i++, clock_ns += 6000)
		receive(m, 4);
	assert_int_equal(wakes, 3);
	assert_true(rq->trouble.retry_at);
	wake_err = 0;
	clock_ns += 1000000;
	receive(m, 4);
	assert_int_equal(wakes, 4);
	assert_false(rq->trouble.retry_at || rq->trouble.since || rq->trouble.gap);
	/* nothing to give: no call */
	clock_ns += 6000;
	for (int i = 0; i < RING; i++)
		kernel_takes();
	receive(m, 4);
	assert_int_equal(wakes, 4);
}

/* The descriptor does not ask a device again that waits to be woken: its lcore may not sleep. */
static void sleeps_not_beside_a_sleeping_device(void **state)
{
	struct plx_mbuf *m[4];

	(void)state;
	receive(m, 4);
	assert_int_equal(plx_af_xdp_driver.rx_arm(&rq->base), 0);
	fill.flags = XDP_RING_NEED_WAKEUP;
	assert_true(plx_af_xdp_driver.rx_arm(&rq->base) > 0);
	for (int i = 0; i < RING; i++)
		kernel_takes();
	assert_int_equal(plx_af_xdp_driver.rx_arm(&rq->base), 0); /* it has all there are */
}

/* A frame that the NIC delivers: len bytes of an IP packet that says it has total.  True: that is a split. */
static bool split_seen(const uint8_t *head, size_t n, uint32_t len, uint16_t at, uint32_t total, bool contd)
{
	const uint64_t a = kernel_takes() + 256;
	struct plx_mbuf *m[4];
	uint8_t *p = pool->area + a;
	const uint64_t before = plx_ctr_read(&rq->splits);

	memset(p, 0, len);
	memcpy(p, head, n);
	p[at] = (uint8_t)(total >> 8);
	p[at + 1] = (uint8_t)total;
	kernel_receives(a, len, contd ? XDP_PKT_CONTD : 0);
	if (contd)
		kernel_receives(kernel_takes() + 256, 100, 0);
	assert_int_equal(receive(m, 4), 1);
	plx_mbuf_put(m[0]);
	return plx_ctr_read(&rq->splits) != before;
}

static void frames_in_pieces(void **state)
{
	static const uint8_t v4[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };
	static const uint8_t v6[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60 };
	static const uint8_t tag[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0,
	                               0x45 };
	static const uint8_t arp[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0x45 };
	const size_t n = sizeof(v4);

	(void)state;
	assert_false(split_seen(v4, n, 1024, 16, 1010, false)); /* all of it */
	assert_false(split_seen(v6, n, 1024, 18, 970, false));
	assert_false(split_seen(arp, n, 1024, 16, 1500, false));
	assert_false(split_seen(v4, n, 1000, 16, 1500, false)); /* cut short by somebody, but not at a KiB */
	assert_false(port.base.split);
	assert_true(split_seen(v4, n, 1024, 16, 1011, false));
	assert_false(port.base.split);                          /* one may be anybody's */
	clock_ns += 1000000000;
	assert_true(split_seen(v6, n, 1024, 18, 971, false));
	assert_false(port.base.split);                          /* as long after it */
	clock_ns += 999999999;
	assert_true(split_seen(tag, sizeof(tag), 1024, 24, 1003, false));
	assert_true(port.base.split);
	assert_true(port.base.wants_repair);
}

/* What the driver says goes on is a chain. */
static void chains_are_no_pieces(void **state)
{
	static const uint8_t v4[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };

	(void)state;
	assert_false(split_seen(v4, sizeof(v4), 1024, 16, 1110, true));
	assert_true(split_seen(v4, sizeof(v4), 1024, 16, 1110, false));
}

/* Copies are the kernel's, and no NIC's. */
static void copies_are_not_looked_at(void **state)
{
	static const uint8_t v4[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45 };

	(void)state;
	assert_false(split_seen(v4, sizeof(v4), 1024, 16, 1500, false));
}

static uint16_t offer(struct plx_mbuf **m, uint16_t n)
{
	assert_int_equal(plx_mbuf_get_bulk(pool, m, n), n);
	for (uint16_t i = 0; i < n; i++)
		memset(plx_mbuf_append(m[i], 60), i, 60);
	uint16_t k = plx_tx_burst(&tq->base, m, n);
	plx_mbuf_put_bulk(m + k, (uint16_t)(n - k));
	return k;
}

/* A UDP packet of which only the pseudo-header is summed up. */
static struct plx_mbuf *unfinished(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct plx_mbuf *m = plx_mbuf_get(pool);
	uint8_t *p = plx_mbuf_append(m, 60);

	memset(p, 7, 60);
	plx_build_eth(p, mac, mac, PLX_ETH_IP4);
	plx_build_ip4(p + 14, 1, 2, PLX_IP_UDP, 26);
	plx_build_udp(p + 34, 1, 2, 18);
	memcpy(p + 40, "\x12\x34", 2);
	m->flags = PLX_CSUM_PARTIAL << PLX_MBUF_RX_CSUM;
	return m;
}

/* A packet that has to be changed goes itself if it is ours alone; what cannot go has a reason and no descriptor. */
static void odd_packets(void **state)
{
	const struct plx_txq_stats *s = &tq->base.stats;
	struct plx_mbuf *m[4] = { unfinished(), unfinished(), unfinished(), unfinished() };
	const uint32_t at = tx.prod;
	struct plx_pkt k;

	(void)state;
	plx_mbuf_ref(m[1], 1);
	m[2]->flags = PLX_MBUF_L3;
	m[3]->data[14 + 9] = 99; /* no protocol that has a known place for it */
	assert_int_equal(plx_tx_burst(&tq->base, m, 4), 4);
	assert_int_equal(tx.prod - at, 2);
	assert_int_equal(tx.desc[at & (RING - 1)].addr, m[0]->data - pool->area);
	assert_int_not_equal(tx.desc[(at + 1) & (RING - 1)].addr, m[1]->data - pool->area);
	for (uint32_t i = 0; i < 2; i++) {
		const struct xdp_desc *d = &tx.desc[(at + i) & (RING - 1)];

		assert_int_equal(plx_parse(&k, pool->area + d->addr, d->len), 0);
		assert_true(plx_csum_ok(pool->area + d->addr, &k));
	}
	assert_memory_equal(m[1]->data + 40, "\x12\x34", 2);
	assert_int_equal(m[1]->ref, 1);
	plx_mbuf_put(m[1]);
	assert_int_equal(plx_ctr_read(&s->csums), 2);
	assert_int_equal(plx_ctr_read(&s->copied), 1);
	assert_int_equal(plx_ctr_read(&s->pkts), 2);
	assert_int_equal(plx_ctr_read(&s->drop[PLX_TX_DROP_no_l2]), 1);
	assert_int_equal(plx_ctr_read(&s->drop[PLX_TX_DROP_csum]), 1);
	assert_int_equal(plx_tx_drops(s), 2);
}

static uint64_t bogus(void) { return plx_ctr_read(&tq->bad_completions); }

static void lies_about_completions(void **state)
{
	struct plx_mbuf *m[4], *x[4];

	(void)state;
	kernel_completes(0); /* nothing was sent */
	assert_int_equal(offer(m, 4), 4);
	assert_int_equal(bogus(), 1);
	uint64_t a = tx.desc[(tx.prod - 4) & (RING - 1)].addr;
	assert_ptr_equal(pool->area + a, m[0]->data);
	kernel_completes(a);
	kernel_completes(a);                       /* twice */
	kernel_completes((uint64_t)FRAMES * SIZE); /* behind the pool */
	kernel_completes(UINT64_MAX);
	uint32_t avail = plx_pool_avail(pool);
	plx_tx_burst(&tq->base, NULL, 0);
	assert_int_equal(bogus(), 4);
	assert_int_equal(plx_pool_avail(pool), avail + 1);
	assert_int_equal(tq->in_flight, 3);
	/* a frame that is received with, not sent, is not freed by a completion */
	uint64_t posted = 0;
	while (!rq->own[posted])
		posted++;
	kernel_completes(posted * SIZE);
	plx_tx_burst(&tq->base, NULL, 0);
	assert_int_equal(bogus(), 5);
	comp.prod += RING + 1;
	assert_int_equal(offer(x, 1), 1);
}

/* Not more in flight than completions fit, though the kernel took everything out of the ring. */
static void in_flight_is_bounded(void **state)
{
	struct plx_mbuf *m[RING * 2];

	(void)state;
	assert_int_equal(offer(m, RING), RING);
	tx.cons = tx.prod;
	assert_int_equal(offer(m + RING, 4), 0);
	assert_int_equal(plx_ctr_read(&tq->base.stats.stop[PLX_STOP_ring_full]), 1);
	for (int i = 0; i < 4; i++) /* in any order */
		kernel_completes(tx.desc[(tx.prod - 1 - (uint32_t)i * 3) & (RING - 1)].addr);
	assert_int_equal(offer(m, 8), 4);
}

/* A zero-copy device that is awake needs no call. */
static void no_call_for_the_awake(void **state)
{
	struct plx_mbuf *m[RING];

	(void)state;
	tx.flags = 0;
	assert_int_equal(offer(m, 8), 8);
	assert_int_equal(kicks, 0);
	assert_int_equal(tq->unrung, 0);
	tx.flags = XDP_RING_NEED_WAKEUP;
	assert_int_equal(offer(m, 1), 1);
	assert_int_equal(kicks, 1);
}

/* What a queue that is closed counts as not sent: also when the kernel took nothing of a full ring. */
static void unsent_are_counted(void **state)
{
	struct plx_mbuf *m[RING];
	uint64_t bytes;

	(void)state;
	assert_int_equal(ax_tx_unsent(tq, &bytes), 0);
	assert_int_equal(offer(m, RING), RING);
	assert_int_equal(ax_tx_unsent(tq, &bytes), RING);
	assert_int_equal(bytes, plx_ctr_read(&tq->base.stats.bytes));
	tx.cons += 5;
	assert_int_equal(ax_tx_unsent(tq, &bytes), RING - 5);
	assert_int_equal(bytes, plx_ctr_read(&tq->base.stats.bytes) * (RING - 5) / RING);
	tx.cons = tx.prod;
	assert_int_equal(ax_tx_unsent(tq, &bytes), 0);
	tx.cons = tx.prod + 1; /* a lie */
	assert_int_equal(ax_tx_unsent(tq, &bytes), 0);
	tx.cons = tx.prod - RING - 1;
	assert_int_equal(ax_tx_unsent(tq, &bytes), 0);
	tx.cons = tx.prod - RING;
}

static void offer_lengths(const uint16_t *len, uint16_t n)
{
	struct plx_mbuf *m[RING];

	for (uint16_t i = 0; i < n; i++) {
		m[i] = plx_mbuf_get(pool);
		assert_non_null(plx_mbuf_append(m[i], len[i]));
	}
	assert_int_equal(plx_tx_burst(&tq->base, m, n), n);
}

static void refused_are(uint64_t pkts, uint64_t bytes)
{
	assert_int_equal(plx_ctr_read(&tq->base.stats.drop[PLX_TX_DROP_device]), pkts);
	assert_int_equal(plx_ctr_read(&tq->base.stats.pkts) + pkts, RING);
	assert_int_equal(plx_ctr_read(&tq->base.stats.bytes) + bytes, 100 * RING + RING * (RING - 1) / 2);
}

/* A packet that the device drops late takes its own bytes back, wherever it stood, and is not dropped again when the
   queue is closed. */
static void refused_late(void **state)
{
	uint16_t len[RING];
	uint64_t bytes;

	(void)state;
	for (uint16_t i = 0; i < RING; i++)
		len[i] = 100 + i;
	refuses = 1;
	offer_lengths(len, RING); /* none is sent: some are dropped, and not told */
	const uint32_t k = (uint32_t)kicks;
	assert_int_equal(tx.cons, tx.prod - RING);
	refused_are(k, 100ull * k + k * (k - 1) / 2);
	assert_int_equal(ax_tx_unsent(tq, &bytes), RING - k);
	sends = 1; /* the second of two */
	ax_tx_doorbell(tq);
	assert_true(kicks > (int)k);
	bytes = 100ull * k + k * (k - 1) / 2;
	for (uint32_t i = k + 1; i < reached - (tx.prod - RING); i += 2)
		bytes += len[i];
	refused_are((uint64_t)kicks, bytes);
}

/* The same by a kernel that sends two before each that it drops, and tells only what is complete. */
static void refused_and_told_late(void **state)
{
	struct plx_txq *queues[] = { &tq->base };
	uint16_t len[RING];
	uint64_t bytes = 0, k;

	(void)state;
	for (uint16_t i = 0; i < RING; i++)
		len[i] = 100 + i;
	sends = 2;
	refuses = 1;
	tells_late = true;
	offer_lengths(len, RING);
	k = (uint64_t)kicks;
	assert_int_equal(tx.cons, tx.prod - RING);
	for (uint32_t i = 0; i < k; i++)
		bytes += len[3 * i + 2];
	refused_are(k, bytes);
	assert_int_equal(ax_tx_unsent(tq, &bytes), RING - 3 * k);
	/* one more goes out before the queue is closed, and nobody has looked yet */
	assert_true(3 * k < RING);
	kernel_completes(tx.desc[reached & (RING - 1)].addr);
	port.base.txq = queues;
	port.base.ntx = 1;
	ax_queue_write_off(&port, 0);
	assert_int_equal(plx_ctr_read(&tq->base.stats.drop[PLX_TX_DROP_closed]), RING - 3 * k - 1);
	assert_int_equal(plx_ctr_read(&tq->base.stats.pkts), 2 * k + 1);
	for (uint32_t i = bytes = 0; i <= 3 * k; i++)
		bytes += i % 3 < 2 ? len[i] : 0;
	assert_int_equal(plx_ctr_read(&tq->base.stats.bytes), bytes);
}

/* What stands in the ring of a queue that nobody reads any more: each packet is counted once, also one that was
   received in part, and one of which a buffer is bad, which has its counter. */
static void drained_are_counted(void **state)
{
	struct plx_mbuf *m[4];

	(void)state;
	kernel_receives(kernel_takes(), 1792, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0);
	kernel_receives(kernel_takes(), 1792, XDP_PKT_CONTD);
	kernel_receives(kernel_takes(), 10, 0);      /* the end of the first packet */
	kernel_receives(kernel_takes(), 60, 0);      /* a second */
	assert_int_equal(ax_rx_drain(rq), 2);
	assert_int_equal(ax_rx_drain(rq), 0);
	kernel_receives(kernel_takes(), 100, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(ax_rx_drain(rq), 1);        /* its end never comes */
	kernel_receives(kernel_takes(), 1792, XDP_PKT_CONTD);
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	kernel_receives(kernel_takes(), 10, 0);
	kernel_receives(kernel_takes(), 60, 0);
	assert_int_equal(ax_rx_drain(rq), 1);
	assert_int_equal(bad(), 1);
	kernel_receives(UINT64_MAX, 1792, XDP_PKT_CONTD);
	assert_int_equal(receive(m, 4), 0);          /* counted now, and its rest not again */
	assert_int_equal(bad(), 2);
	kernel_receives(kernel_takes(), 10, 0);
	kernel_receives(kernel_takes(), 60, 0);
	assert_int_equal(ax_rx_drain(rq), 1);
	assert_int_equal(plx_rx_drops(&rq->base.stats), 2);
}

/* Who receives lets go of what it sends by; a queue whose other half is another thread's goes on. */
static void asked_for(void **state)
{
	struct plx_txq *txq[1] = { &tq->base };
	struct plx_mbuf *m[4];

	(void)state;
	port.base.txq = txq;
	port.base.ntx = 1;
	assert_int_equal(offer(m, 1), 1); /* this thread is its user */
	kernel_completes(tx.desc[(tx.prod - 1) & (RING - 1)].addr);
	kernel_receives(kernel_takes() + 256, 60, 0);
	tq->base.user = &port;
	rq->gate = tq->gate = AX_ASKED;
	assert_int_equal(receive(m, 4), 1);
	plx_mbuf_put(m[0]);
	assert_int_equal(rq->gate, AX_OPEN);
	assert_int_equal(tq->gate, AX_ASKED);
	tq->base.user = &plx_self;
	rq->gate = AX_ASKED;
	kernel_receives(kernel_takes() + 256, 60, 0);
	assert_int_equal(receive(m, 4), 0);
	assert_int_equal(rq->gate, AX_PARKED);
	assert_int_equal(tq->gate, AX_PARKED);
	assert_int_equal(plx_af_xdp_driver.rx_arm(&rq->base), 0);
	rq->gate = tq->gate = AX_SHUT; /* opened anew: its lcore may not sleep before it reads it */
	assert_true(plx_af_xdp_driver.rx_arm(&rq->base) > 0);
	assert_int_equal(receive(m, 4), 1);
	plx_mbuf_put(m[0]);
	assert_int_equal(offer(m, 1), 1);
	port.base.ntx = 0;
}

#define CASE(f, up) cmocka_unit_test_setup_teardown(f, up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(good_frames, set_up),
		CASE(lies_about_frames, set_up),
		CASE(chains, set_up_sg),
		CASE(bad_chains, set_up_sg),
		CASE(wakes_a_sleeping_device, set_up_zc),
		CASE(sleeps_not_beside_a_sleeping_device, set_up_zc),
		CASE(lies_about_completions, set_up),
		CASE(in_flight_is_bounded, set_up),
		CASE(no_call_for_the_awake, set_up_zc),
		CASE(refused_late, set_up),
		CASE(refused_and_told_late, set_up),
		CASE(odd_packets, set_up),
		CASE(odd_packets, set_up_sg),
		CASE(unsent_are_counted, set_up),
		CASE(drained_are_counted, set_up_sg),
		CASE(asked_for, set_up),
		CASE(frames_in_pieces, set_up_zc),
		CASE(chains_are_no_pieces, set_up_zc_sg),
		CASE(copies_are_not_looked_at, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

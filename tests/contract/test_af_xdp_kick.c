/* SPDX-License-Identifier: MIT */
/* test_af_xdp_kick.c - the doorbell of the af_xdp driver: each errno the kernel knows, by a
   table of calls whose sendto follows a script; and when it is rung at all. */
#include "af_xdp.h"
#include "ax_util.h"

static struct {
	int  script[64]; /* errno of each call; 0 = the real one; -1 = 0 without doing anything */
	int  n, at;
	int  calls;
	bool forever;    /* the last entry repeats */
} k;

static ssize_t scripted_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	k.calls++;
	int e = k.at < k.n ? k.script[k.at++] : k.forever ? k.script[k.n - 1] : 0;
	if (e > 0) {
		errno = e;
		return -1;
	}
	return e ? 0 : plx_sys_linux.sendto(fd, buf, n, flags, to, len);
}

/* A kernel that has no XDP_MAX_TX_SKB_BUDGET. */
static int no_budget(int fd, int level, int name, const void *val, socklen_t len)
{
	if (level == 283 && name == 9) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return plx_sys_linux.setsockopt(fd, level, name, val, len);
}

static struct plx_sys sys;
static struct plx_pool *pool;
static struct plx_port *port;
static struct plx_txq *q;

static void script(const int *e, int n, bool forever)
{
	memset(&k, 0, sizeof(k));
	memcpy(k.script, e, (size_t)n * sizeof(*e));
	k.n = n;
	k.forever = forever;
}
/* From here on the real call. */
static void quiet(void)
{
	k.n = k.at = 0;
	k.forever = false;
}
#define SCRIPT(forever, ...) script((int[]){ __VA_ARGS__ }, (int)PLX_ARRAY_SIZE(((int[]){ __VA_ARGS__ })), forever)

static int set_up(bool budget)
{
	sys = plx_sys_linux;
	sys.sendto = scripted_sendto;
	if (!budget)
		sys.setsockopt = no_budget;
	memset(&k, 0, sizeof(k));
	plx_self.slot = 0;
	pool = make_pool(4096, 2048);
	veth("plxa0", "plxb0", 1);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	c.sys = &sys;
	port = open_port(&c);
	q = plx_port_txq(port, 0);
	return 0;
}

static int with_budget(void **state)
{
	(void)state;
	set_up(true);
	if ((port->info.caps & PLX_PORT_SKB_BUDGET))
		return 0;
	printf("SKIP: this kernel has no XDP_MAX_TX_SKB_BUDGET: its cases run without\n");
	return 0;
}

static int without_budget(void **state)
{
	(void)state;
	set_up(false);
	assert_false((port->info.caps & PLX_PORT_SKB_BUDGET));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	quiet();
	plx_self.slot = 0;
	plx_tx_pending_del(q);
	plx_port_close(port);
	run("ip link del plxa0");
	end_pool(pool);
	return 0;
}

static uint64_t stops(enum plx_stop s) { return plx_ctr_read(&q->stats.stop[s]); }
static uint64_t drops(enum plx_tx_drop d) { return plx_ctr_read(&q->stats.drop[d]); }

static uint16_t offer(uint16_t n)
{
	struct plx_mbuf *m[PLX_BURST_MAX];

	assert_int_equal(plx_mbuf_get_bulk(pool, m, n), n);
	for (uint16_t i = 0; i < n; i++)
		fill_frame(plx_mbuf_append(m[i], 60), i, 60);
	uint16_t took = plx_tx_burst(q, m, n);
	plx_mbuf_put_bulk(m + took, (uint16_t)(n - took));
	return took;
}

/* Everything that was taken came back: the queue works on. */
static void all_sent(void)
{
	uint64_t end = now_ms() + WAIT_MS;

	quiet();
	do {
		plx_tx_burst(q, NULL, 0);
	} while (plx_pool_avail(pool) < pool->frames - port->conf.rxd && now_ms() < end);
	assert_int_equal(plx_pool_avail(pool), pool->frames - port->conf.rxd);
}

static void rings_in_the_call(void **state)
{
	(void)state;
	assert_int_equal(offer(8), 8);
	assert_int_equal(k.calls, 1);
	plx_tx_burst(q, NULL, 0); /* collects; nothing to ring */
	assert_int_equal(k.calls, 1);
	all_sent();
}

/* On an lcore a doorbell waits for 256 descriptors or for the loop. */
static void coalesces(void **state)
{
	(void)state;
	if (!(port->info.caps & PLX_PORT_SKB_BUDGET))
		return;
	plx_self.slot = 1;
	for (int i = 0; i < 7; i++)
		assert_int_equal(offer(32), 32);
	assert_int_equal(k.calls, 0);
	assert_true(q->pending);
	assert_int_equal(offer(32), 32);
	assert_int_equal(k.calls, 1);
	plx_tx_pending_ring();
	assert_int_equal(k.calls, 1);
	assert_int_equal(offer(5), 5);
	assert_int_equal(k.calls, 1);
	assert_int_equal(plx_tx_pending_ring(), 0);
	assert_int_equal(k.calls, 2);
	assert_false(q->pending);
	/* a full ring does not wait */
	for (int i = 0; i < 7; i++)
		offer(32);
	SCRIPT(true, EAGAIN);
	while (offer(32) == 32)
		;
	assert_true(stops(PLX_STOP_ring_full) >= 1);
	assert_true(plx_tx_pending_ring() == 1);
	all_sent();
	plx_tx_pending_ring();
}

static void eagain_without_progress(void **state)
{
	(void)state;
	SCRIPT(true, EAGAIN);
	assert_int_equal(offer(32), 32);
	assert_int_equal(k.calls, 1);
	assert_int_equal(stops(PLX_STOP_again), 1);
	assert_int_equal(q->err, 0);
	all_sent();
}

/* 32 a doorbell: the kernel says EAGAIN though it sent. */
static void budget_of_32(void **state)
{
	(void)state;
	assert_int_equal(offer(200), 200);
	assert_in_range(k.calls, 7, 200 / 32 + 4);
	plx_tx_burst(q, NULL, 0);
	assert_in_range(k.calls, 7, 200 / 32 + 4);
	assert_int_equal(stops(PLX_STOP_again), 0);
	all_sent();
	plx_self.slot = 1;
	k.calls = 0;
	assert_int_equal(offer(31), 31);
	assert_int_equal(k.calls, 0);
	assert_int_equal(offer(1), 1);
	assert_int_equal(k.calls, 1);
	all_sent();
}

/* 0 and nothing sent: how old kernels say that the completion ring is full. */
static void zero_without_progress(void **state)
{
	(void)state;
	SCRIPT(true, -1);
	assert_int_equal(offer(32), 32);
	assert_int_equal(k.calls, 1);
	assert_int_equal(stops(PLX_STOP_again), 1);
	all_sent();
}

static void eintr(void **state)
{
	(void)state;
	SCRIPT(false, EINTR, EINTR);
	assert_int_equal(offer(4), 4);
	assert_int_equal(k.calls, 3);
	SCRIPT(true, EINTR);
	assert_int_equal(offer(4), 4);
	assert_in_range(k.calls, 2, 8);
	assert_int_equal(stops(PLX_STOP_again), 1);
	all_sent();
}

static void enobufs(void **state)
{
	(void)state;
	SCRIPT(true, ENOBUFS);
	assert_int_equal(offer(32), 32);
	assert_int_equal(k.calls, 1);
	assert_int_equal(stops(PLX_STOP_nobufs), 1);
	assert_int_equal(q->err, -ENOBUFS);
	all_sent();
	assert_int_equal(q->err, 0);
}

static void ebusy(void **state)
{
	(void)state;
	SCRIPT(true, EBUSY);
	assert_int_equal(offer(32), 32);
	assert_in_range(k.calls, 2, 8);
	assert_int_equal(stops(PLX_STOP_busy), 1);
	assert_int_equal(drops(PLX_TX_DROP_device), k.calls);
	all_sent();
}

/* The real thing: the other end is down, the kernel drops and completes one a call. */
static void ebusy_for_real(void **state)
{
	(void)state;
	run("ip link set plxb0 down");
	assert_int_equal(offer(8), 8);
	uint64_t end = now_ms() + WAIT_MS;
	while (plx_pool_avail(pool) < pool->frames - port->conf.rxd && now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(plx_pool_avail(pool), pool->frames - port->conf.rxd);
	assert_true(drops(PLX_TX_DROP_device) > 0);
	assert_true(drops(PLX_TX_DROP_device) <= 8);
}

static void enetdown(void **state)
{
	(void)state;
	SCRIPT(true, ENETDOWN);
	assert_int_equal(offer(4), 4);
	assert_int_equal(k.calls, 1);
	assert_true(q->link_down);
	assert_int_equal(plx_port_link(port), PLX_LINK_DOWN);
	uint64_t begin = now_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(offer(4), 0);
	assert_true((uint64_t)k.calls <= 1 + (now_ms() - begin) / 10 + 2); /* one in 10 ms */
	uint64_t end = now_ms() + WAIT_MS;
	quiet();
	while (!offer(4) && now_ms() < end)
		;
	assert_int_equal(plx_port_link(port), PLX_LINK_UP);
	assert_false(q->link_down);
	all_sent();
}

/* No errno of a doorbell ends anything: it is rung again, each time later, and what was taken is sent. */
static void others_back_off(void **state)
{
	static const int errs[] = { ENXIO, ENOMEM, EPERM, EOPNOTSUPP, EBADF, EIO, EFAULT };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(errs); i++) {
		SCRIPT(true, errs[i]);
		assert_int_equal(offer(4), 4);
		assert_int_equal(k.calls, 1);
		assert_int_equal(q->err, -errs[i]);
		uint64_t begin = now_ms();
		while (now_ms() - begin < 100)
			plx_tx_burst(q, NULL, 0);
		assert_in_range(k.calls, 3, 8); /* after 1, 2, 4, 8, 16, 32 and 64 ms */
		assert_int_equal(plx_port_link(port), PLX_LINK_UP);
		assert_int_equal(offer(4), 4);
		assert_false(port->wants_repair);
		assert_int_equal(plx_port_repair(port), 0);
		all_sent();
		assert_int_equal(q->err, 0);
	}
	assert_int_equal(port->repairs, 0);
	(void)state;
}

/* Repairs until it is done: each half has to be parked by a burst. */
static void repair(void)
{
	uint64_t end = now_ms() + WAIT_MS;
	int n;

	while ((n = plx_port_repair(port)) <= 0 && now_ms() < end) {
		struct plx_mbuf *m;

		assert_true(n == 0 || n == -EAGAIN || n == -EBUSY);
		assert_int_equal(plx_rx_burst(port->rxq[0], &m, 1), 0);
		plx_tx_burst(q, NULL, 0);
	}
	assert_int_equal(n, 1);
}

/* EINVAL, or a second of one errno: the queue is opened anew.  What stood in the ring is counted. */
static void einval_is_opened_anew(void **state)
{
	struct plx_rxq *rx = port->rxq[0];
	uint8_t buf[60];
	int fd = raw("plxb0"), sock_fd = port->drv->rx_fd(rx);

	(void)state;
	SCRIPT(true, EINVAL);
	assert_int_equal(offer(4), 4);
	assert_true(port->wants_repair);
	repair();
	quiet();
	assert_false(port->wants_repair);
	assert_int_equal(port->repairs, 1);
	assert_int_equal(drops(PLX_TX_DROP_closed), 4);
	assert_int_equal(port->drv->rx_fd(rx), sock_fd);
	assert_non_null(strstr(log_text, "plxa0: queue 0 was opened anew, its wake-ups failed (EINVAL)"));
	assert_int_equal(offer(4), 4);
	all_sent();
	/* and it receives */
	read_all(port);
	fill_frame(buf, 7, sizeof(buf));
	send(fd, buf, sizeof(buf), 0);
	struct plx_mbuf *m;
	uint64_t end = now_ms() + WAIT_MS;
	while (!plx_rx_burst(rx, &m, 1) && now_ms() < end)
		;
	assert_int_equal(check_frame(m->data, m->len), 7);
	plx_mbuf_put(m);
	/* once a second at most */
	SCRIPT(true, EINVAL);
	assert_int_equal(offer(1), 1);
	assert_int_equal(plx_port_repair(port), 0);
	assert_true(port->wants_repair);
	quiet();
	close(fd);
}

/* But not if the next wake-up is well: what it takes is more than it would fix. */
static void einval_that_passes(void **state)
{
	(void)state;
	SCRIPT(false, EINVAL);
	assert_int_equal(offer(4), 4);
	assert_true(port->wants_repair);
	all_sent();
	assert_int_equal(q->err, 0);
	assert_int_equal(plx_port_repair(port), 0);
	assert_false(port->wants_repair);
	assert_int_equal(port->repairs, 0);
	assert_int_equal(drops(PLX_TX_DROP_closed), 0);
	/* once it is about to be, it is opened anew, whatever comes; and the line names what for */
	SCRIPT(false, EINVAL);
	assert_int_equal(offer(4), 4);
	assert_int_equal(plx_port_repair(port), -EAGAIN);
	quiet();
	repair();
	assert_int_equal(drops(PLX_TX_DROP_closed), 4);
	assert_non_null(strstr(log_text, "plxa0: queue 0 was opened anew, its wake-ups failed (EINVAL)"));
	assert_int_equal(offer(4), 4);
	all_sent();
}

/* The half that receives asks for it too, and is well then. */
static void receive_half_is_opened_anew(void **state)
{
	struct ax_rxq *rx = ax_rxq(port->rxq[0]);

	(void)state;
	assert_true(ax_trouble(&rx->trouble, rx->sock, EINVAL, plx_sys_now(port->sys)));
	assert_true(port->wants_repair);
	repair();
	assert_int_equal(rx->trouble.wants, 0);
	assert_false(port->wants_repair);
	assert_int_equal(plx_port_repair(port), 0);
	assert_int_equal(port->repairs, 1);
}

/* A ring full of packets that the kernel took none of. */
static void a_full_ring_is_counted(void **state)
{
	(void)state;
	SCRIPT(true, EINVAL);
	for (uint32_t n = 0; n < port->info.txd; n += 32)
		assert_int_equal(offer(32), 32);
	assert_int_equal(offer(1), 0);
	repair();
	quiet();
	assert_int_equal(drops(PLX_TX_DROP_closed), port->info.txd);
	assert_int_equal(offer(4), 4);
	all_sent();
}

static void lasting_error_is_opened_anew(void **state)
{
	(void)state;
	SCRIPT(true, ENXIO);
	assert_int_equal(offer(3), 3);
	uint64_t begin = now_ms();
	while (!port->wants_repair && now_ms() - begin < 5000)
		plx_tx_burst(q, NULL, 0);
	assert_true(now_ms() - begin >= 1000);
	repair();
	assert_int_equal(drops(PLX_TX_DROP_closed), 3);
	assert_int_equal(plx_port_link(port), PLX_LINK_UP);
	all_sent();
}

/* What the kernel has not taken when the port stops is no longer to be sent, and counted at once. */
static void stop_counts_what_is_unsent(void **state)
{
	uint8_t buf[64];
	int fd = raw("plxb0");

	(void)state;
	SCRIPT(true, EAGAIN);
	assert_int_equal(offer(5), 5);
	plx_port_stop(port);
	assert_int_equal(drops(PLX_TX_DROP_closed), 5);
	assert_int_equal(plx_ctr_read(&q->stats.pkts), 0);
	assert_int_equal(plx_ctr_read(&q->stats.bytes), 0);
	quiet();
	assert_int_equal(plx_port_start(port), 0);
	read_all(port);
	assert_int_equal(offer(1), 1);
	all_sent();
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 60);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1); /* none of the five */
	assert_int_equal(drops(PLX_TX_DROP_closed), 5);
	close(fd);
}

/* A queue that nobody bursts from is parked without waiting for a burst; one that is open is not. */
static void parks_only_what_is_used(void **state)
{
	(void)state;
	SCRIPT(true, EINVAL);
	assert_int_equal(offer(1), 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(plx_port_repair(port), -EAGAIN);
	assert_int_equal(offer(1), 0); /* lets go of it */
	assert_int_equal(plx_port_repair(port), -EAGAIN);
	port->drv->give_back(port, 0, true); /* its reader has left */
	repair();
	all_sent();
}

/* The interface is gone, and nobody tells of links: the kernel does not know its name any more. */
static void gone_without_events(void **state)
{
	(void)state;
	run("ip link del plxa0");
	SCRIPT(true, ENXIO);
	offer(2);
	uint64_t end = now_ms() + WAIT_MS;
	while (plx_port_link(port) != PLX_LINK_REMOVED && now_ms() < end) {
		struct plx_mbuf *m;

		plx_port_repair(port);
		plx_rx_burst(port->rxq[0], &m, 1);
		plx_tx_burst(q, NULL, 0);
	}
	assert_int_equal(plx_port_link(port), PLX_LINK_REMOVED);
	assert_int_equal(offer(4), 4); /* nobody has to try again for ever */
	assert_in_range(drops(PLX_TX_DROP_removed), 4, 6);
	run("ip link add plxa0 type veth peer name plxb0");
}

/* ---- what is taken, and what is not ---- */

static void bad_packets(void **state)
{
	struct plx_mbuf *m[5];

	(void)state;
	assert_int_equal(plx_mbuf_get_bulk(pool, m, 5), 5);
	plx_mbuf_append(m[1], 13);
	plx_mbuf_append(m[2], 1519);
	fill_frame(plx_mbuf_append(m[3], 1518), 1, 1514);
	fill_frame(plx_mbuf_append(m[4], 60), 2, 60);
	m[4]->data = pool->area + pool->frames * 2048ul - 8; /* points out of its frame */
	assert_int_equal(plx_tx_burst(q, m, 5), 5);
	assert_int_equal(drops(PLX_TX_DROP_bad_len), 4);
	assert_int_equal(plx_ctr_read(&q->stats.pkts), 1);
	all_sent();
}

static void other_pool_is_copied(void **state)
{
	struct plx_pool *other = make_pool(256, 4096);
	struct plx_mbuf *m[2];
	uint8_t buf[2048];
	int fd = raw("plxb0");

	(void)state;
	assert_int_equal(plx_mbuf_get_bulk(other, m, 2), 2);
	fill_frame(plx_mbuf_append(m[0], 700), 5, 700);
	fill_frame(plx_mbuf_append(m[1], 300), 6, 300);
	fill_frame(plx_mbuf_append(m[1], 4), 6, 4);
	fill_frame(m[1]->data, 6, 304);
	assert_int_equal(plx_tx_burst(q, m, 2), 2);
	assert_int_equal(plx_ctr_read(&q->stats.copied), 2);
	all_sent();
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 700);
	assert_int_equal(check_frame(buf, 700), 5);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 304);
	assert_int_equal(check_frame(buf, 304), 6);
	close(fd);
	end_pool(other);
}

/* A chain on a port of single buffers goes as one, if one holds it. */
static void chain_is_flattened(void **state)
{
	struct plx_mbuf *m[2];
	uint8_t buf[2048], want[1000];
	int fd = raw("plxb0");

	(void)state;
	fill_frame(want, 9, sizeof(want));
	assert_int_equal(plx_mbuf_get_bulk(pool, m, 2), 2);
	memcpy(plx_mbuf_append(m[0], 600), want, 600);
	memcpy(plx_mbuf_append(m[1], 400), want + 600, 400);
	assert_int_equal(plx_mbuf_chain(m[0], m[1]), 0);
	assert_int_equal(plx_tx_burst(q, m, 1), 1);
	assert_int_equal(plx_ctr_read(&q->stats.copied), 1);
	all_sent();
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 1000);
	assert_int_equal(check_frame(buf, 1000), 9);
	close(fd);
}

/* One frame, many owners: in the ring twenty times at once, kept by us, free at the end. */
static void shared_frame(void **state)
{
	struct plx_mbuf *m[20];

	(void)state;
	m[0] = plx_mbuf_get(pool);
	fill_frame(plx_mbuf_append(m[0], 100), 1, 100);
	plx_mbuf_ref(m[0], 20);
	for (int i = 1; i < 20; i++)
		m[i] = m[0];
	SCRIPT(true, EAGAIN);
	assert_int_equal(plx_tx_burst(q, m, 20), 20);
	quiet();
	uint64_t end = now_ms() + WAIT_MS;
	while (__atomic_load_n(&m[0]->ref, __ATOMIC_ACQUIRE) > 1 && now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(m[0]->ref, 1);
	assert_int_equal(check_frame(m[0]->data, 100), 1);
	plx_mbuf_put(m[0]);
	all_sent();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, with_budget, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rings_in_the_call),
		CASE(coalesces),
		CASE(eagain_without_progress),
		CASE(zero_without_progress),
		cmocka_unit_test_setup_teardown(budget_of_32, without_budget, tear_down),
		CASE(eintr),
		CASE(enobufs),
		CASE(ebusy),
		CASE(ebusy_for_real),
		CASE(enetdown),
		CASE(others_back_off),
		CASE(einval_is_opened_anew),
		CASE(einval_that_passes),
		CASE(receive_half_is_opened_anew),
		CASE(a_full_ring_is_counted),
		CASE(lasting_error_is_opened_anew),
		CASE(parks_only_what_is_used),
		CASE(stop_counts_what_is_unsent),
		CASE(gone_without_events),
		CASE(bad_packets),
		CASE(other_pool_is_copied),
		CASE(chain_is_flattened),
		CASE(shared_frame),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

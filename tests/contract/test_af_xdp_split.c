/* SPDX-License-Identifier: MIT */
/* test_af_xdp_split.c - a NIC that delivers frames in pieces by zero-copy: the port copies from there on, while it is
   polled.  The NIC is a veth, which copies; that it calls that zero-copy is made up. */
#include "zc_util.h"

enum { PIECE = 1024 };

static struct plx_pool *pool;
static struct plx_sys sys;
static struct plx_port_conf conf;
static int peer;

static int set_up(void **state)
{
	(void)state;
	pool = make_pool(8192, 2048);
	veth("plxa0", "plxb0", 2);
	peer = raw("plxb0");
	sys = zc_sys();
	conf = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	conf.sys = &sys;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(peer);
	run("ip link del plxa0");
	end_pool(pool);
	return 0;
}

/* ---- frames ---- */

/* The first KiB of an IPv4 packet of 1400 bytes. */
static void send_piece(void)
{
	uint8_t f[PIECE] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 1400 >> 8, 1400 & 255 };

	assert_int_equal(send(peer, f, sizeof(f), 0), sizeof(f));
}

static uint32_t receive(struct plx_port *p, uint32_t *good)
{
	struct plx_mbuf *m[32];
	uint32_t all = 0;

	for (uint16_t q = 0; q < p->nrx; q++) {
		uint16_t n = plx_rx_burst(p->rxq[q], m, 32);

		for (uint16_t i = 0; i < n; i++)
			*good += check_frame(m[i]->data, m[i]->len) >= 0;
		plx_mbuf_put_bulk(m, n);
		all += n;
	}
	return all;
}

/* Frames of all lengths, one by one, each byte of them. */
static void carries(struct plx_port *p)
{
	uint8_t f[2048];
	uint32_t good = 0;

	read_all(p); /* a queue that was opened anew is the host's till then */
	for (uint32_t n = 0; n < 200; n++) {
		const uint64_t end = now_ms() + WAIT_MS;

		fill_frame(f, n, frame_len(n));
		assert_int_equal(send(peer, f, frame_len(n), 0), frame_len(n));
		while (good <= n && now_ms() < end)
			receive(p, &good);
		assert_int_equal(good, n + 1);
	}
	for (uint16_t q = 0; q < p->ntx; q++) {
		struct plx_mbuf *m = plx_mbuf_get(pool);
		ssize_t len;

		assert_non_null(m);
		fill_frame((uint8_t *)plx_mbuf_append(m, 900), q, 900);
		assert_int_equal(plx_tx_burst(p->txq[q], &m, 1), 1);
		for (uint64_t end = now_ms() + WAIT_MS; (len = recv(peer, f, sizeof(f), 0)) < 0 && now_ms() < end;)
			plx_tx_burst(p->txq[q], NULL, 0);
		assert_int_equal(len, 900);
		assert_int_equal(check_frame(f, 900), q);
	}
}

static void falls(struct plx_port *p)
{
	const uint64_t end = now_ms() + WAIT_MS;
	uint32_t good = 0;

	while (!xstat_of(p, "rungs_down") && now_ms() < end) {
		if (!p->split)
			send_piece();
		receive(p, &good); /* and sends nothing: the transmit halves are let go of all the same */
		plx_port_repair(p);
	}
	assert_int_equal(xstat_of(p, "rungs_down"), 1);
}

static uint32_t held(const struct plx_port *p)
{
	uint32_t rx = 0, tx = 0;

	p->drv->held(p, &rx, &tx);
	return rx;
}

static void pieces(void **state)
{
	int fd[2];

	(void)state;
	struct plx_port *p = open_port(&conf);

	assert_string_equal(p->info.mode, "zero-copy");
	assert_string_equal(p->info.why, "zero-copy");
	assert_int_equal(held(p), 2 * 2 * 512);
	for (int q = 0; q < 2; q++)
		fd[q] = p->drv->rx_fd(p->rxq[q]);
	carries(p);
	assert_int_equal(xstat_of(p, "rx_split_frames"), 0);
	assert_int_equal(plx_port_repair(p), 0);
	falls(p);
	assert_true(xstat_of(p, "rx_split_frames") >= 2);
	assert_int_equal(xstat_of(p, "repairs"), 0);
	assert_string_equal(p->info.mode, "native copy");
	assert_false(p->info.caps & PLX_PORT_ZEROCOPY);
	assert_string_equal(p->info.why, "zero-copy; its frames came in pieces: native copy");
	assert_non_null(strstr(log_text, "2 plxa0: its frames come in pieces, each as a packet: the NIC, driver "
	                       "virtio_net, does not use all of a frame of 2048 bytes in zero-copy. From here on each "
	                       "frame is copied; begin with mode=native, or try --frame-size 4096\n"));
	assert_non_null(strstr(log_text, "3 plxa0: native copy from here on\n"));
	for (int q = 0; q < 2; q++) { /* lcores sleep on these */
		assert_int_equal(fd[q], p->drv->rx_fd(p->rxq[q]));
		assert_false(zerocopy[fd[q]]);
	}
	carries(p);
	assert_int_equal(held(p), 2 * 512);
	assert_int_equal(p->info.frames_held, 2 * 512 + 2 * 512);
	falls(p); /* once is all */
	plx_port_stop(p);
	assert_int_equal(plx_port_start(p), 0);
	read_all(p);
	carries(p);
	plx_port_close(p);
}

/* The fill ring of a queue that only sends is the device's in zero-copy, and nobody's in copies. */
static void senders(void **state)
{
	(void)state;
	conf.rxqs = 1;
	conf.txqs = 2;
	struct plx_port *p = open_port(&conf);

	assert_string_equal(p->info.mode, "zero-copy");
	assert_int_equal(held(p), 2 * 2 * 512);
	assert_int_equal(p->info.frames_held, 2 * 2 * 512 + 2 * 512);
	run("ethtool -L plxb0 tx 1"); /* veth: by what queue it is sent, it arrives */
	carries(p); /* both transmit queues have a user now */
	falls(p);
	assert_int_equal(held(p), 512);
	assert_int_equal(p->info.frames_held, 512 + 2 * 512);
	carries(p);
	plx_port_close(p);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(pieces), CASE(senders) };

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

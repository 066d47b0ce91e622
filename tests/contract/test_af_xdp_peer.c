/* SPDX-License-Identifier: MIT */
/* test_af_xdp_peer.c - the af_xdp driver and a program on libxdp's xsk_socket: on the two ends of a
   veth pair every length goes both ways, byte by byte; on one interface neither takes what is the
   other's, and who stands in the way is named. */
#include "ax_util.h"
#include "libxdp_peer.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { SHORTEST = 60, LONGEST = 1514, NFRAMES = LONGEST - SHORTEST + 1, NCHAINS = 60 };

static struct plx_pool *pool;
static struct peer peer;

static int own_print(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	return getenv("PLX_TEST_LOG") ? vfprintf(stderr, fmt, ap) : 0;
}

static void set_up(int queues, uint32_t mtu)
{
	pool = make_pool(8192, 2048);
	veth("plxa0", "plxb0", queues);
	run("ip link set plxa0 mtu %u; ip link set plxb0 mtu %u", mtu, mtu);
	libxdp_set_print(own_print);
}

static void tear_down(void)
{
	/* the program's callback stands where it stood, whatever Pollux asked libxdp meanwhile */
	assert_ptr_equal(libxdp_set_print(own_print), own_print);
	run("ip link del plxa0");
	end_pool(pool);
}

static uint32_t any_len(uint32_t id)   { return SHORTEST + id; }
static uint32_t chain_len(uint32_t id) { return id < 6 ? 1791 + id : LONGEST + id * 124; } /* up to 8830 */

struct way { uint32_t n, sent, got, (*len)(uint32_t id); uint8_t seen[NFRAMES]; };

static void check(struct way *w, const uint8_t *data, uint32_t len)
{
	int64_t id = check_frame(data, len);

	assert_in_range(id, 0, w->n - 1);
	assert_int_equal(len, w->len((uint32_t)id));
	assert_int_equal(w->seen[id]++, 0);
	w->got++;
}

static void peer_sends(struct way *w, uint32_t piece)
{
	static uint8_t buf[PEER_LONGEST];

	for (int i = 0; i < 16 && w->sent < w->n; i++) {
		fill_frame(buf, w->sent, w->len(w->sent));
		if (!peer_send(&peer, buf, w->len(w->sent), piece))
			break;
		w->sent++;
	}
	peer_kick(&peer);
}

static void port_receives(struct way *w, struct plx_port *p)
{
	static uint8_t buf[PEER_LONGEST];
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(p->rxq[0], m, PLX_BURST);

	for (uint16_t i = 0; i < n; i++) {
		assert_true(m[i]->pkt_len <= sizeof(buf));
		check(w, plx_mbuf_read(m[i], 0, m[i]->pkt_len, buf), m[i]->pkt_len);
		plx_mbuf_put(m[i]);
	}
}

/* Packet id, in segments of at most 1500 bytes. */
static struct plx_mbuf *packet(uint32_t id, uint32_t len)
{
	static uint8_t buf[PEER_LONGEST];
	struct plx_mbuf *head = NULL;

	fill_frame(buf, id, len);
	for (uint32_t done = 0, n; done < len; done += n) {
		struct plx_mbuf *m = plx_mbuf_get(pool);

		assert_non_null(m);
		n = len - done < 1500 ? len - done : 1500;
		memcpy(plx_mbuf_append(m, (uint16_t)n), buf + done, n);
		if (head)
			assert_int_equal(plx_mbuf_chain(head, m), 0);
		else
			head = m;
	}
	return head;
}

static void port_sends(struct way *w, struct plx_port *p)
{
	for (int i = 0; i < 16 && w->sent < w->n; i++) {
		struct plx_mbuf *m = packet(w->sent, w->len(w->sent));

		if (!plx_tx_burst(p->txq[0], &m, 1)) {
			plx_mbuf_put(m);
			break;
		}
		w->sent++;
	}
	plx_tx_burst(p->txq[0], NULL, 0);
}

static void peer_receives(struct way *w)
{
	int got;

	while ((got = peer_recv(&peer)) > 0)
		check(w, peer.packet, peer.len);
	assert_int_equal(got, 0);
}

static void both_ways(struct plx_port *p, uint32_t n, uint32_t (*len)(uint32_t id), uint32_t piece)
{
	struct way in = { .n = n, .len = len }, out = in;
	const uint64_t end = now_ms() + WAIT_MS;

	while ((in.got < n || out.got < n) && now_ms() < end) {
		peer_sends(&in, piece);
		port_receives(&in, p);
		port_sends(&out, p);
		peer_receives(&out);
	}
	if (in.got < n || out.got < n)
		fprintf(stderr, "%u of %u came in, %u went out\n", in.got, n, out.got);
	assert_int_equal(in.got, n);
	assert_int_equal(out.got, n);
}

static void every_length(enum plx_xdp_mode mode, uint32_t xdp_flags)
{
	struct plx_port_stats s;

	set_up(1, 1500);
	struct plx_port_conf c = conf_of(pool, "plxa0", mode);
	assert_int_equal(peer_open(&peer, "plxb0", 0, xdp_flags, 0, false), 0);
	struct plx_port *p = open_port(&c);
	both_ways(p, NFRAMES, any_len, PEER_FRAME);
	plx_port_stats(p, &s);
	assert_int_equal(s.rx.pkts, NFRAMES);
	assert_int_equal(s.tx.pkts, NFRAMES);
	assert_int_equal(s.tx.bytes, s.rx.bytes);
	plx_port_close(p);
	peer_close(&peer);
	tear_down();
}

static void lengths_native(void **state)
{
	(void)state;
	every_length(PLX_XDP_NATIVE, XDP_FLAGS_DRV_MODE);
}

static void lengths_generic(void **state)
{
	(void)state;
	every_length(PLX_XDP_GENERIC, XDP_FLAGS_SKB_MODE);
}

/* 1.3.1 knows no packets of several buffers, but hands bind flags and options of descriptors on.  Its program does not
   take their native frames, so it receives by generic XDP, which has them in one piece. */
static void chains(void **state)
{
	(void)state;
	set_up(1, 9000);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	if (peer_open(&peer, "plxb0", 0, XDP_FLAGS_SKB_MODE, XDP_USE_SG, false)) {
		tear_down();
		print_message("SKIP: this kernel's sockets take no packets of several buffers (XDP_USE_SG)\n");
		skip();
	}
	struct plx_port *p = open_port(&c);
	both_ways(p, NCHAINS, chain_len, 2000);
	plx_port_close(p);
	peer_close(&peer);
	tear_down();
}

/* ---- on one interface ---- */

/* In a process of its own, which then waits to be ended: its pid. */
static pid_t child_peer(uint32_t queue, bool inhibit)
{
	int up[2];
	char c = 1;

	assert_int_equal(pipe(up), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails ends this one too */
		c = (char)peer_open(&peer, "plxa0", queue, XDP_FLAGS_DRV_MODE, 0, inhibit);
		(void)!write(up[1], &c, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(c, 0);
	close(up[0]);
	close(up[1]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void refused(struct plx_port_conf *c, const char *words)
{
	struct plx_port *p;

	log_text[0] = 0;
	assert_int_equal(plx_port_open(&p, c), -EBUSY);
	if (!strstr(log_text, words))
		fprintf(stderr, "\"%s\" not in:\n%s", words, log_text);
	assert_non_null(strstr(log_text, words));
}

/* libxdp's program stays when its process was killed, and the command that was told takes it off.  No link dies, so
   that nothing is waited for. */
static void peer_has_the_hook(void **state)
{
	char words[256], *how;

	(void)state;
	set_up(2, 1500);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	c.bind_timeout_ms = 0;
	pid_t pid = child_peer(0, false);
	snprintf(words, sizeof(words), "\" of pid %d (test_af_xdp_pee) (EBUSY): ", pid);
	refused(&c, words);
	assert_non_null(strstr(log_text, "plxa0: its XDP hook is held by native program "));
	assert_non_null(strstr(log_text, "\"xsk_def_prog\""));
	assert_non_null(strstr(log_text, "ip link set dev plxa0 xdpdrv off, once its owner has ended"));
	end_child(pid);
	c.bind_timeout_ms = 30000;
	const uint64_t begin = now_ms();
	refused(&c, "\"xsk_def_prog\" (EBUSY): ip link set dev plxa0 xdpdrv off\n");
	assert_in_range(now_ms() - begin, 0, 15000);
	how = strstr(log_text, "ip link set");
	how[strcspn(how, "\n")] = 0;
	run("%s", how);
	plx_port_close(open_port(&c));
	tear_down();
}

static void peer_has_the_queue(void **state)
{
	char words[128];

	(void)state;
	set_up(2, 1500);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	c.bind_timeout_ms = 0;
	pid_t pid = child_peer(1, true);
	snprintf(words, sizeof(words), "plxa0: queue 1 is held by a socket of pid %d (test_af_xdp_pee) (EBUSY ", pid);
	log_text[0] = 0;
	struct plx_port *p;
	assert_int_equal(plx_port_open(&p, &c), -EBUSY);
	if (!strstr(log_text, "without CONFIG_XDP_SOCKETS_DIAG"))
		assert_non_null(strstr(log_text, words));
	end_child(pid);
	tear_down();
}

/* The hook is Pollux's: libxdp's own program is refused there, and a socket without one lives on a queue that no port
   has.  It sends; what comes on its queue goes to the host, for it is not in Pollux's map. */
static void one_interface(void **state)
{
	uint8_t buf[2048], seen[NFRAMES] = { 0 };
	uint32_t sent = 0, got = 0;
	int err;

	(void)state;
	set_up(2, 1500);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	c.rxqs = c.txqs = 1;
	struct plx_port *p = open_port(&c);
	assert_int_equal(peer_open(&peer, "plxa0", 1, XDP_FLAGS_DRV_MODE, 0, false), -EBUSY);
	assert_int_equal(peer_open(&peer, "plxa0", 0, XDP_FLAGS_DRV_MODE, 0, true), -EBUSY); /* the port's queue */
	uint64_t until = now_ms() + WAIT_MS; /* the kernel lets go of the refused peer's queue a little later */
	do
		err = peer_open(&peer, "plxa0", 1, XDP_FLAGS_DRV_MODE, 0, true);
	while (err == -EBUSY && now_ms() < until);
	assert_int_equal(err, 0);
	int far = raw("plxb0");
	for (uint64_t end = now_ms() + WAIT_MS; got < 2 * 300 && now_ms() < end;) {
		if (sent < 300) { /* numbers apart: the port's are even */
			struct plx_mbuf *m = packet(2 * sent, 100);

			assert_int_equal(plx_tx_burst(p->txq[0], &m, 1), 1);
			fill_frame(buf, 2 * sent + 1, 200);
			assert_int_equal(peer_send(&peer, buf, 200, PEER_FRAME), 1);
			sent++;
		}
		plx_tx_burst(p->txq[0], NULL, 0);
		peer_kick(&peer);
		for (ssize_t n; (n = recv(far, buf, sizeof(buf), 0)) > 0; got++) {
			int64_t id = check_frame(buf, (uint32_t)n);

			assert_in_range(id, 0, 599);
			assert_int_equal(n, id & 1 ? 200 : 100);
			assert_int_equal(seen[id]++, 0);
		}
	}
	assert_int_equal(got, 600);
	assert_int_equal(peer_recv(&peer), 0);
	close(far);
	peer_close(&peer);
	assert_int_not_equal(strlen(program_of("plxa0")), 0); /* and took nothing along */
	plx_port_close(p);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_native), cmocka_unit_test(lengths_generic), cmocka_unit_test(chains),
		cmocka_unit_test(peer_has_the_hook), cmocka_unit_test(peer_has_the_queue),
		cmocka_unit_test(one_interface),
	};

	own_namespace();
	setenv("LIBXDP_BPFFS", "/none", 1); /* no dispatcher: many kernels have none, and pins would outlive this */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_af_xdp.c - the af_xdp driver on real veth pairs in a namespace of its own. */
#include "ax_util.h"

#include <bpf/bpf.h>

enum { N = 3000 };

/* Sends frames [0,n) from a raw socket and receives them on the port; every byte checked. */
static void host_to_port(struct plx_port *p, int fd, uint32_t n)
{
	uint8_t buf[2048], seen[N] = { 0 };
	struct plx_mbuf *m[PLX_BURST];
	uint32_t sent = 0, got = 0;
	uint64_t end = now_ms() + WAIT_MS;

	while (got < n && now_ms() < end) {
		for (int i = 0; i < 16 && sent < n; i++) {
			fill_frame(buf, sent, frame_len(sent));
			if (send(fd, buf, frame_len(sent), 0) > 0)
				sent++;
		}
		for (uint16_t q = 0; q < p->nrx; q++) {
			uint16_t k = plx_rx_burst(plx_port_rxq(p, q), m, PLX_BURST);
			for (uint16_t i = 0; i < k; i++) {
				int64_t id = check_frame(m[i]->data, m[i]->len);
				assert_in_range(id, 0, n - 1);
				assert_int_equal(m[i]->len, frame_len((uint32_t)id));
				assert_int_equal(m[i]->pkt_len, m[i]->len);
				assert_int_equal(m[i]->nsegs, 1);
				assert_int_equal(m[i]->queue, q);
				assert_int_equal(m[i]->port, p->id);
				assert_int_equal(seen[id]++, 0);
				/* the kernel puts data where plx_mbuf_get does */
				assert_int_equal(plx_mbuf_headroom(m[i]), p->pool->data_off - PLX_POOL_L2_ROOM);
			}
			plx_mbuf_put_bulk(m, k);
			got += k;
		}
	}
	assert_int_equal(got, n);
}

static uint32_t drain_raw(int fd, uint8_t *seen, uint32_t n)
{
	uint8_t buf[16384];
	uint32_t got = 0;
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0) {
		int64_t id = check_frame(buf, (uint32_t)len);
		assert_in_range(id, 0, n - 1);
		assert_int_equal(seen[id]++, 0);
		got++;
	}
	return got;
}

static struct plx_mbuf *new_frame(struct plx_pool *pool, uint32_t id, uint32_t len)
{
	struct plx_mbuf *m = plx_mbuf_get(pool);

	if (m)
		fill_frame(plx_mbuf_append(m, (uint16_t)len), id, len);
	return m;
}

static void port_to_host(struct plx_port *p, struct plx_pool *from, int fd, uint32_t n)
{
	uint8_t seen[N] = { 0 };
	uint32_t sent = 0, got = 0;
	uint64_t end = now_ms() + WAIT_MS;
	struct plx_mbuf *m = NULL;

	while (got < n && now_ms() < end) {
		for (int i = 0; i < 40 && sent < n; i++) {
			m = m ? m : new_frame(from, sent, frame_len(sent));
			if (!m || !plx_tx_burst(plx_port_txq(p, (uint16_t)(sent % p->ntx)), &m, 1))
				break;
			m = NULL;
			sent++;
		}
		for (uint16_t q = 0; q < p->ntx; q++)
			plx_tx_burst(plx_port_txq(p, q), NULL, 0);
		got += drain_raw(fd, seen, n);
	}
	plx_mbuf_put(m);
	assert_int_equal(got, n);
}

static void bytes(enum plx_xdp_mode mode, const char *name)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", mode);
	struct plx_port_stats s;

	veth("plxa0", "plxb0", 2);
	int fd = raw("plxb0");
	struct plx_port *p = open_port(&c);
	assert_string_equal(p->info.mode, name);
	assert_int_equal(p->nrx, 2);
	assert_int_equal(p->ntx, 2);
	host_to_port(p, fd, N);
	port_to_host(p, pool, fd, N);
	plx_port_stats(p, &s);
	assert_int_equal(s.rx.pkts, N);
	assert_int_equal(s.tx.pkts, N);
	assert_int_equal(s.rx.bytes, s.tx.bytes);
	assert_int_equal(s.tx.copied, 0);
	assert_int_equal(xstat_of(p, "steer_redirected"), N);
	assert_int_equal(xstat_of(p, "tx_bad_completions"), 0);
	plx_port_close(p);
	close(fd);
	run("ip link del plxa0");
	end_pool(pool);
}

static void bytes_native(void **state)
{
	(void)state;
	bytes(PLX_XDP_NATIVE, "native copy");
}

static void bytes_generic(void **state)
{
	(void)state;
	bytes(PLX_XDP_GENERIC, "generic copy");
}

/* What goes in at one port goes out at the other in the same frame, and no pool but the
   one they share is touched. */
static void forward_copies_nothing(void **state)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE), d = conf_of(pool, "plxc0", PLX_XDP_GENERIC);
	uint8_t buf[2048], seen[N] = { 0 };
	struct plx_mbuf *m[PLX_BURST];
	struct plx_port_stats s;
	uint32_t sent = 0, got = 0, moved = 0;
	uint64_t end = now_ms() + WAIT_MS;

	(void)state;
	veth("plxa0", "plxb0", 2);
	veth("plxc0", "plxd0", 2);
	int in = raw("plxb0"), out = raw("plxd0");
	struct plx_port *a = open_port(&c), *b = open_port(&d);
	while (got < N && now_ms() < end) {
		for (int i = 0; i < 16 && sent < N; i++, sent++) {
			fill_frame(buf, sent, frame_len(sent));
			assert_true(send(in, buf, frame_len(sent), 0) > 0);
		}
		for (uint16_t q = 0; q < 2; q++) {
			uint16_t n = plx_rx_burst(plx_port_rxq(a, q), m, PLX_BURST);
			for (uint16_t i = 0; i < n; i++) {
				assert_ptr_equal(m[i]->pool, pool);
				assert_true(m[i]->data >= pool->area &&
				            m[i]->data < pool->area + pool->frames * 2048ul);
				assert_ptr_equal(plx_pool_mbuf_at(pool, (uint64_t)(m[i]->data - pool->area)), m[i]);
			}
			uint16_t k = plx_tx_burst(plx_port_txq(b, q), m, n);
			assert_int_equal(k, n);
			moved += k;
		}
		got += drain_raw(out, seen, N);
	}
	assert_int_equal(got, N);
	assert_int_equal(moved, N);
	plx_port_stats(b, &s);
	assert_int_equal(s.tx.pkts, N);
	assert_int_equal(s.tx.copied, 0);
	/* the first to register leaves; the second goes on, and the first comes back through it */
	plx_port_close(a);
	port_to_host(b, pool, out, N);
	a = open_port(&c);
	host_to_port(a, in, N);
	plx_port_close(b);
	host_to_port(a, in, N);
	plx_port_close(a);
	close(in);
	close(out);
	run("ip link del plxa0; ip link del plxc0");
	end_pool(pool);
}

static uint32_t raw_count(int fd)
{
	uint8_t buf[2048];
	uint32_t n = 0;

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		n++;
	return n;
}

static void send_raw(int fd, uint32_t n)
{
	uint8_t buf[64];

	for (uint32_t i = 0; i < n; i++) {
		fill_frame(buf, i, sizeof(buf));
		assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
	}
}

/* More queues that send than receive; the second queue's frames are the host's. */
static void tx_only_queues(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);

	(void)state;
	veth("plxa0", "plxb0", 2);
	int fd = raw("plxb0"), host = raw("plxa0");
	c.rxqs = 1;
	c.queue = 1;
	c.txqs = 1;
	struct plx_port *p = open_port(&c);
	assert_non_null(strstr(
		log_text, "receives on queue 1 of 2, the others' frames are the host's: use queues=2 and no queue="));
	port_to_host(p, pool, fd, N);
	plx_port_close(p);
	c.queue = 0;
	c.rxqs = 1;
	c.txqs = 2;
	p = open_port(&c);
	assert_int_equal(p->ntx, 2);
	port_to_host(p, pool, fd, N);
	raw_count(host);
	send_raw(fd, 400);
	struct plx_mbuf *m[PLX_BURST];
	uint32_t got = 0;
	for (uint16_t k; (k = plx_rx_burst(plx_port_rxq(p, 0), m, PLX_BURST)); got += k)
		plx_mbuf_put_bulk(m, k);
	assert_int_equal(got + raw_count(host), 400);
	plx_port_close(p);
	close(fd);
	close(host);
	run("ip link del plxa0");
	end_pool(pool);
}

/* Nothing is lost of what was taken: it waits in the ring and goes when the link is up. */
static void link_down_and_up(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	struct plx_mbuf *m;
	uint8_t seen[N] = { 0 };

	(void)state;
	veth("plxa0", "plxb0", 1);
	int fd = raw("plxb0");
	struct plx_port *p = open_port(&c);
	struct plx_txq *q = plx_port_txq(p, 0);
	run("ip link set plxa0 down");
	m = new_frame(pool, 0, 100);
	assert_int_equal(plx_tx_burst(q, &m, 1), 1);
	assert_true(q->link_down);
	assert_int_equal(plx_port_link(p), PLX_LINK_DOWN);
	uint64_t kicks = plx_ctr_read(&q->stats.kicks), begin = now_ms();
	m = new_frame(pool, 1, 100);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(plx_tx_burst(q, &m, 1), 0);
	assert_true(plx_ctr_read(&q->stats.stop[PLX_STOP_link_down]) >= 1000);
	assert_true(plx_ctr_read(&q->stats.kicks) - kicks <= (now_ms() - begin) / 10 + 2); /* one in 10 ms */
	run("ip link set plxa0 up");
	uint64_t end = now_ms() + WAIT_MS;
	while (!plx_tx_burst(q, &m, 1) && now_ms() < end)
		usleep(1000);
	assert_int_equal(plx_port_link(p), PLX_LINK_UP);
	uint32_t got = 0;
	while ((got += drain_raw(fd, seen, N)) < 2 && now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(got, 2);
	/* and events rule: told DOWN, the doorbell is not asked */
	p->drv->link(p, PLX_LINK_DOWN, 0);
	kicks = plx_ctr_read(&q->stats.kicks);
	m = new_frame(pool, 2, 100);
	for (uint64_t t = now_ms() + 40; now_ms() < t;)
		assert_int_equal(plx_tx_burst(q, &m, 1), 0);
	assert_int_equal(plx_ctr_read(&q->stats.kicks), kicks);
	p->drv->link(p, PLX_LINK_UP, 0);
	assert_int_equal(plx_tx_burst(q, &m, 1), 1);
	plx_port_close(p);
	close(fd);
	run("ip link del plxa0");
	end_pool(pool);
}

/* The interface goes while frames are everywhere: in both rings, sent and not completed. */
static void device_deleted(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	struct plx_mbuf *m;

	(void)state;
	veth("plxa0", "plxb0", 2);
	int fd = raw("plxb0");
	struct plx_port *p = open_port(&c);
	struct plx_txq *q = plx_port_txq(p, 0);
	send_raw(fd, 200);
	run("ip link set plxa0 down");
	for (uint32_t i = 0; i < 20; i++) {
		m = new_frame(pool, i, 100);
		if (!plx_tx_burst(q, &m, 1))
			plx_mbuf_put(m);
	}
	run("ip link del plxa0");
	assert_int_equal(plx_port_link(p), PLX_LINK_DOWN); /* no errno of a doorbell says more */
	plx_port_repair(p);
	assert_int_equal(plx_port_link(p), PLX_LINK_REMOVED);
	m = new_frame(pool, 0, 100);
	assert_int_equal(plx_tx_burst(q, &m, 1), 1);
	assert_true(q->link_down);
	assert_int_equal(plx_ctr_read(&q->stats.drop[PLX_TX_DROP_removed]), 1);
	p->drv->link(p, PLX_LINK_UP, 0); /* too late */
	assert_int_equal(plx_port_link(p), PLX_LINK_REMOVED);
	plx_port_close(p);
	close(fd);
	end_pool(pool);
}

static void hundred_cycles(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	unsigned fds = 0;

	(void)state;
	veth("plxa0", "plxb0", 2);
	int fd = raw("plxb0");
	for (int i = 0; i < 100; i++) {
		struct plx_port_conf c = conf_of(pool, "plxa0", i & 1 ? PLX_XDP_NATIVE : PLX_XDP_GENERIC);
		c.rxd = c.txd = 64;
		struct plx_port *p = open_port(&c);
		send_raw(fd, 8);
		for (uint32_t k = 0; k < 8; k++) {
			struct plx_mbuf *m = new_frame(pool, k, 60);
			if (!plx_tx_burst(plx_port_txq(p, k & 1), &m, 1))
				plx_mbuf_put(m);
		}
		plx_port_stop(p);
		assert_int_equal(plx_port_start(p), 0);
		plx_port_close(p);
		assert_int_equal(plx_pool_avail(pool), pool->frames);
		if (i == 1)
			fds = count_fds();
	}
	assert_int_equal(count_fds(), fds);
	close(fd);
	run("ip link del plxa0");
	end_pool(pool);
}

enum { DETACH, REPLACE };

/* Another program that passes all. */
static int pass_all(void)
{
	const struct bpf_insn insns[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS },
		                          { .code = BPF_JMP | BPF_EXIT } };
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_XDP);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, &o);

	assert_true(fd >= 0);
	return fd;
}

/* Takes the XDP program off an interface, as bpftool link detach does, or puts another in its place.  Links of other
   namespaces are seen too, so the index has to be like no other. */
static void meddle(uint32_t ifindex, int how)
{
	uint32_t id = 0;
	int done = 0, other = how == REPLACE ? pass_all() : -1;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && info.type == BPF_LINK_TYPE_XDP &&
		    info.xdp.ifindex == ifindex)
			done = (how == DETACH ? bpf_link_detach(fd) : bpf_link_update(fd, other, NULL)) ? -1 : 1;
		if (fd >= 0)
			close(fd);
	}
	if (other >= 0)
		close(other);
	assert_int_equal(done, 1);
}

/* What the host gets although the port was to have it is told by queue, and that the program
   is off, as soon as it is. */
static void passed_and_attached(void **state)
{
	struct plx_pool *pool = make_pool(2048, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);
	uint64_t n[PLX_QUEUES_MAX] = { 0 };
	uint8_t buf[64];

	(void)state;
	/* the far end has one queue to send by, the port polls the other one */
	run("ip link add plxa0 index %d numrxqueues 2 numtxqueues 2 type veth peer name plxb0 numrxqueues 2 "
	    "numtxqueues 1",
	    1000000 + getpid());
	run("ip link set plxa0 up; ip link set plxb0 up");
	int fd = raw("plxb0");
	c.queue = 1;
	c.rxqs = c.txqs = 1;
	struct plx_port *p = open_port(&c);
	assert_int_equal(p->drv->attached(p), 1);
	assert_true(p->drv->passed(p, n, 1) >= 2);
	assert_int_equal(n[0], 0);
	for (uint32_t i = 0; i < 40; i++) {
		fill_frame(buf, i, 60);
		assert_int_equal(send(fd, buf, 60, 0), 60);
	}
	for (uint64_t end = now_ms() + WAIT_MS; n[0] < 40 && now_ms() < end; )
		p->drv->passed(p, n, PLX_QUEUES_MAX);
	assert_int_equal(n[0], 40);
	assert_int_equal(n[1], 0);
	meddle(p->info.ifindex, REPLACE);
	assert_int_equal(p->drv->attached(p), 0);
	plx_port_close(p);
	p = open_port(&c);
	assert_int_equal(p->drv->attached(p), 1);
	meddle(p->info.ifindex, DETACH);
	assert_int_equal(p->drv->attached(p), 0);
	plx_port_close(p);
	c.steer = PLX_STEER_NONE; /* all is meant to be the host's */
	p = open_port(&c);
	assert_int_equal(p->drv->passed(p, n, PLX_QUEUES_MAX), 0);
	assert_true(p->drv->attached(p) < 0); /* and needs no program */
	plx_port_close(p);
	c.steer = PLX_STEER_ALL;
	p = open_port(&c);
	run("ip link del plxa0");
	assert_int_equal(p->drv->attached(p), 0);
	plx_port_close(p);
	close(fd);
	end_pool(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_native),
		cmocka_unit_test(bytes_generic),
		cmocka_unit_test(forward_copies_nothing),
		cmocka_unit_test(tx_only_queues),
		cmocka_unit_test(link_down_and_up),
		cmocka_unit_test(device_deleted),
		cmocka_unit_test(passed_and_attached),
		cmocka_unit_test(hundred_cycles),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

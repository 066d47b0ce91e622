/* SPDX-License-Identifier: MIT */
/* test_af_xdp.c - the af_xdp driver on real veth pairs in a namespace of its own. */
#include "ax_util.h"

enum { N = 3000 };

/* Sends frames [0,n) from a raw socket and receives them on the port; every byte checked. */
static void host_to_port(struct plx_port *p, int fd, uint32_t n)
{
	uint8_t buf[2048], seen[N] = { 0 };
	struct plx_mbuf *m[PLX_BURST];
	uint32_t sent = 0, got = 0;
	uint64_t end = now_ms() + 10000;

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
				assert_int_equal(plx_mbuf_headroom(m[i]), p->pool->data_off);
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
	uint64_t end = now_ms() + 10000;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_native),
		cmocka_unit_test(bytes_generic),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

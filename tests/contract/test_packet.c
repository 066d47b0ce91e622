/* SPDX-License-Identifier: MIT */
/* test_packet.c - what only the packet driver has to get right: tags that the kernel takes
   out, packets longer than a slot of the ring, and silence on an empty poll. */
#include "contract.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static unsigned calls;

static ssize_t count_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	calls++;
	return plx_sys_linux.sendto(fd, buf, n, flags, to, len);
}

static ssize_t count_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	calls++;
	return plx_sys_linux.recvfrom(fd, buf, n, flags, from, len);
}

static int count_poll(struct pollfd *fds, nfds_t n, int ms)
{
	calls++;
	return plx_sys_linux.poll(fds, n, ms);
}

static int up(void **state)
{
	(void)state;
	open_pair(256, 256);
	start_pair();
	return 0;
}

static int down(void **state)
{
	(void)state;
	close_pair();
	return 0;
}

/* Sends a frame of these bytes from a and wants just them at b. */
static struct plx_mbuf *pass(const uint8_t *bytes, uint32_t len)
{
	static uint8_t buf[16384];
	struct plx_mbuf *head = NULL, *got = NULL;
	uint64_t end = now_ms() + WAIT_MS;

	for (uint32_t at = 0; at < len;) {
		struct plx_mbuf *m = plx_mbuf_get(bed.pool);
		uint32_t part = len - at < plx_mbuf_tailroom(m) ? len - at : plx_mbuf_tailroom(m);
		memcpy(plx_mbuf_append(m, (uint16_t)part), bytes + at, part);
		if (head)
			assert_int_equal(plx_mbuf_chain(head, m), 0);
		else
			head = m;
		at += part;
	}
	send_all(bed.a, 0, &head, 1);
	while (!got && now_ms() < end)
		for (uint16_t q = 0; q < QUEUES && !got; q++)
			if (plx_rx_burst(plx_port_rxq(bed.b, q), &got, 1) && (got->data[12] == 0x08 || got->data[12] == 0x86)) {
				plx_mbuf_put(got); /* the host's own */
				got = NULL;
			}
	assert_non_null(got);
	assert_int_equal(got->pkt_len, len);
	assert_memory_equal(plx_mbuf_read(got, 0, len, buf), bytes, len);
	return got;
}

static void fill(uint8_t *f, uint32_t len, bool tagged, bool qinq)
{
	static const uint8_t head[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	unsigned at = 12;

	for (uint32_t i = 0; i < len; i++)
		f[i] = (uint8_t)(i * 13 + (i >> 8));
	memcpy(f, head, sizeof(head));
	if (qinq) {
		memcpy(f + at, "\x88\xa8\x20\x07", 4);
		at += 4;
	}
	if (tagged) {
		memcpy(f + at, "\x81\x00\x60\x64", 4);
		at += 4;
	}
	memcpy(f + at, "\x88\xb5", 2);
}

static void test_tags(void **state)
{
	static const uint32_t lens[] = { 64, 65, 700, 1500, 1514 };
	static uint8_t f[2048];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lens); i++)
		for (int tags = 0; tags < 4; tags++) {
			fill(f, lens[i], tags & 1, tags & 2);
			plx_mbuf_put(pass(f, lens[i]));
		}
	fill(f, 1518, true, false); /* a tag comes on top of the MTU */
	plx_mbuf_put(pass(f, 1518));
}

/* A slot is as long as max_len: segments that add up to more than the packet says must not
   be written there. */
static void test_lying_length(void **state)
{
	struct plx_txq *q = plx_port_txq(bed.a, 0);
	uint64_t before = plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]);
	struct plx_mbuf *m = plx_mbuf_get(bed.pool);

	(void)state;
	memset(plx_mbuf_append(m, 1000), 0, 1000);
	for (int i = 0; i < 7; i++) {
		struct plx_mbuf *s = plx_mbuf_get(bed.pool);
		memset(plx_mbuf_append(s, 1000), 0, 1000);
		assert_int_equal(plx_mbuf_chain(m, s), 0);
	}
	m->pkt_len = 64;
	assert_int_equal(plx_tx_burst(q, &m, 1), 1);
	assert_int_equal(plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]), before + 1);
}

/* The MTU grew after the ring was laid out, as GRO makes packets grow: they come by the
   socket's queue and leave as chains. */
static void test_longer_than_a_slot(void **state)
{
	static const uint32_t lens[] = { 1790, 1793, 2000, 2100, 5000, 9014 };
	static uint8_t f[16384];

	(void)state;
	close_pair();
	assert_int_equal(run_cmd("ip link set plxca mtu 9000; ip link set plxcb mtu 1500"), 0);
	open_pair(256, 256);
	start_pair();
	assert_int_equal(plx_port_info(bed.a)->max_len, 9014);
	assert_int_equal(run_cmd("ip link set plxcb mtu 9000"), 0);
	tell_link(bed.b);
	assert_int_equal(plx_port_info(bed.b)->mtu, 9000);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lens) * 2; i++) {
		uint32_t len = lens[i / 2];
		fill(f, len, i & 1, false);
		struct plx_mbuf *m = pass(f, len);
		assert_int_equal(m->nsegs, (len + 1791) / 1792);
		plx_mbuf_put(m);
	}
	/* the slots of b's own sends did not grow */
	assert_int_equal(plx_port_info(bed.b)->max_len < 2048, 1);
	assert_int_equal(run_cmd("ip link set plxca mtu 1500; ip link set plxcb mtu 1500"), 0);
}

static void test_silence(void **state)
{
	struct plx_sys sys = plx_sys_linux;
	struct plx_mbuf *m[32];
	uint8_t f[64];

	(void)state;
	sys.sendto = count_sendto;
	sys.recvfrom = count_recvfrom;
	sys.poll = count_poll;
	bed.a->sys = bed.b->sys = &sys;
	calls = 0;
	for (int i = 0; i < 1000; i++)
		for (uint16_t q = 0; q < QUEUES; q++)
			plx_mbuf_put_bulk(m, plx_rx_burst(plx_port_rxq(bed.b, q), m, 32));
	assert_int_equal(calls, 0);
	fill(f, 64, false, false);
	for (int i = 0; i < 32; i++)
		memcpy(plx_mbuf_append(m[i] = plx_mbuf_get(bed.pool), 64), f, 64);
	assert_int_equal(plx_tx_burst(plx_port_txq(bed.a, 0), m, 32), 32);
	assert_int_equal(calls, 1); /* one doorbell for all */
	bed.a->sys = bed.b->sys = &plx_sys_linux;
}

static void test_metadata(void **state)
{
	uint8_t f[100];
	struct timespec t;

	(void)state;
	fill(f, 100, false, false);
	struct plx_mbuf *m = pass(f, 100);
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	assert_true(m->flags & PLX_MBUF_TIMESTAMP);
	assert_true(m->timestamp <= now && now - m->timestamp < 5000000000u);
	assert_int_equal(m->flags & PLX_MBUF_VLAN, 0);
	plx_mbuf_put(m);
}

static int group_up(void **state)
{
	(void)state;
	return run_cmd("ip link add plxca numtxqueues 2 numrxqueues 2 type veth peer name plxcb "
	               "numtxqueues 2 numrxqueues 2 && ip link set plxca up && ip link set plxcb up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tags, up, down),
		cmocka_unit_test_setup_teardown(test_lying_length, up, down),
		cmocka_unit_test_setup_teardown(test_longer_than_a_slot, up, down),
		cmocka_unit_test_setup_teardown(test_silence, up, down),
		cmocka_unit_test_setup_teardown(test_metadata, up, down),
	};

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
		return 77;
	}
	bed.driver = "packet";
	bed.device = true;
	return cmocka_run_group_tests(tests, group_up, NULL);
}

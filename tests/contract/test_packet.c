/* SPDX-License-Identifier: MIT */
/* test_packet.c - what only the packet driver has to get right: tags that the kernel takes
   out, packets longer than a slot of the ring, silence on an empty poll; that each packet
   it takes is counted once, as sent or as dropped; and that no errno of a send is the end. */
#include "contract.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
			if (plx_rx_burst(plx_port_rxq(bed.b, q), &got, 1) &&
			    (got->data[12] == 0x08 || got->data[12] == 0x86)) {
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
	assert_int_equal(plx_port_info(bed.b)->caps, PLX_PORT_MULTIBUF | PLX_PORT_RX_CSUM | PLX_PORT_RX_TIMESTAMP);
	fill(f, 100, false, false);
	struct plx_mbuf *m = pass(f, 100);
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	assert_true(m->flags & PLX_MBUF_TIMESTAMP);
	assert_true(m->timestamp <= now && now - m->timestamp < 5000000000u);
	assert_int_equal(m->flags & PLX_MBUF_VLAN, 0);
	plx_mbuf_put(m);
}

/* A frame that the kernel's other end tells of what vh says, seen at b. */
static struct plx_mbuf *pass_told(const struct virtio_net_hdr *vh, const uint8_t *f, uint32_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("plxca") };
	struct iovec v[2] = { { (void *)vh, sizeof(*vh) }, { (void *)f, len } };
	struct msghdr msg = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = v, .msg_iovlen = 2 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
	struct plx_mbuf *got = NULL;
	uint64_t end = now_ms() + WAIT_MS;

	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	assert_int_equal(sendmsg(fd, &msg, 0), (ssize_t)(sizeof(*vh) + len));
	close(fd);
	while (!got && now_ms() < end)
		for (uint16_t q = 0; q < QUEUES && !got; q++)
			if (plx_rx_burst(plx_port_rxq(bed.b, q), &got, 1) && got->data[12] != 0x88) {
				plx_mbuf_put(got); /* the host's own */
				got = NULL;
			}
	assert_non_null(got);
	return got;
}

static void test_csum_told(void **state)
{
	static const struct { uint8_t flags; enum plx_csum is; } rows[] = {
		{ 0, PLX_CSUM_UNKNOWN }, { VIRTIO_NET_HDR_F_NEEDS_CSUM, PLX_CSUM_PARTIAL },
	};
	uint8_t f[100];

	(void)state;
	fill(f, 100, false, false);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct virtio_net_hdr vh = { .flags = rows[i].flags, .csum_start = 34, .csum_offset = 6 };
		struct plx_mbuf *m = pass_told(&vh, f, 100);

		assert_int_equal(plx_mbuf_rx_csum(m), rows[i].is);
		assert_int_equal(plx_mbuf_tx_csum(m) == PLX_CSUM_PARTIAL, rows[i].is == PLX_CSUM_PARTIAL);
		plx_mbuf_put(m);
	}
}

/* ---- what becomes of a packet that was taken ---- */

static struct plx_sys sys;
static uint64_t now_ns;  /* of the faked clock */
static int send_err;     /* of the doorbell; 0 = the kernel's own */
static unsigned rings;

static int fake_clock(clockid_t clock, struct timespec *t)
{
	(void)clock;
	*t = (struct timespec){ .tv_sec = (time_t)(now_ns / 1000000000), .tv_nsec = (long)(now_ns % 1000000000) };
	return 0;
}

static int fake_sleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	now_ns += (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
	return 0;
}

static ssize_t fail_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	rings++;
	if (!send_err)
		return plx_sys_linux.sendto(fd, buf, n, flags, to, len);
	errno = send_err;
	return -1;
}

static int faults_up(void **state)
{
	up(state);
	sys = plx_sys_linux;
	sys.sendto = fail_sendto;
	sys.clock_gettime = fake_clock;
	sys.nanosleep = fake_sleep;
	send_err = 0;
	rings = 0;
	now_ns = 5000000000;
	bed.a->sys = &sys;
	return 0;
}

static uint16_t offer(unsigned n, uint32_t len)
{
	struct plx_mbuf *m[64];
	uint8_t f[2048];

	assert_in_range(n, 0, 64);
	fill(f, len, false, false);
	for (unsigned i = 0; i < n; i++)
		memcpy(plx_mbuf_append(m[i] = plx_mbuf_get(bed.pool), (uint16_t)len), f, len);
	uint16_t k = plx_tx_burst(plx_port_txq(bed.a, 0), m, (uint16_t)n);
	plx_mbuf_put_bulk(m + k, (uint16_t)(n - k));
	return k;
}

/* As many as were sent, and dropped as too long and for they stood in the ring at the stop. */
static void account_is(uint64_t sent, uint64_t bad_len, uint64_t closed)
{
	struct plx_port_stats s;
	uint64_t drops = 0;

	plx_port_stats(bed.a, &s);
	for (int d = 0; d < PLX_TX_DROP_N; d++)
		drops += s.tx.drop[d];
	assert_int_equal(s.tx.pkts, sent);
	assert_int_equal(s.tx.drop[PLX_TX_DROP_bad_len], bad_len);
	assert_int_equal(s.tx.drop[PLX_TX_DROP_closed], closed);
	assert_int_equal(drops, bad_len + closed);
}

/* Without a carrier the kernel takes nothing: what waits was not sent, and is dropped at stop. */
static void test_other_end_down(void **state)
{
	uint64_t taken = 0;

	(void)state;
	assert_int_equal(offer(10, 100), 10);
	assert_int_equal(run_cmd("ip link set plxcb down"), 0);
	wait_running("plxca", false);
	for (int i = 0; i < 5; i++)
		taken += offer(32, 100);
	assert_true(taken > 0);
	account_is(10, 0, 0);
	plx_port_stop(bed.a);
	account_is(10, 0, taken);
	assert_int_equal(run_cmd("ip link set plxcb up"), 0);
	wait_running("plxca", true);
}

/* The ring is right after that: nothing old is sent, all that is new. */
static void test_start_again(void **state)
{
	struct plx_mbuf *m[32];
	uint8_t f[64];

	(void)state;
	send_err = EAGAIN;
	for (int i = 0; i < 5; i++)
		assert_int_equal(offer(33, 700), 33);
	plx_port_stop(bed.a);
	account_is(0, 0, 165);
	assert_int_equal(plx_port_start(bed.a), 0);
	send_err = 0;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(offer(32, 64), 32);
		fill(f, 64, false, false);
		unsigned got = 0;
		uint64_t end = now_ms() + WAIT_MS;
		while (got < 32 && now_ms() < end)
			for (uint16_t q = 0; q < QUEUES; q++) {
				uint16_t k = plx_rx_burst(plx_port_rxq(bed.b, q), m, 32);
				for (uint16_t j = 0; j < k; j++)
					if (m[j]->data[12] == 0x88 && m[j]->data[13] == 0xb5) {
						assert_int_equal(m[j]->pkt_len, 64);
						assert_memory_equal(m[j]->data, f, 64);
						got++;
					}
				plx_mbuf_put_bulk(m, k);
			}
		assert_int_equal(got, 32);
	}
	account_is(640, 0, 165);
}

/* The kernel drops what is longer than the MTU by now, without a word of which. */
static void test_mtu_sinks(void **state)
{
	(void)state;
	assert_int_equal(run_cmd("ip link set plxca mtu 1000"), 0);
	assert_int_equal(offer(10, 1514), 10);
	account_is(0, 10, 0);
	send_err = EAGAIN;
	for (int i = 0; i < 6; i++)
		assert_int_equal(offer(4, i & 1 ? 1200 : 1014), 4);
	account_is(0, 10, 0);
	send_err = 0;
	offer(0, 60);
	account_is(12, 22, 0);
	assert_int_equal(run_cmd("ip link set plxca mtu 1500"), 0);
}

/* Whatever the errno: the link is not gone, nothing is lost, and the doorbell rings again after
   1 ms, 2 ms, and so on up to 100 ms. */
static void test_errnos(void **state)
{
	static const int errnos[] = { ENXIO, ENODEV, ENOMEM, EINVAL, EIO, EPERM, EMSGSIZE, ENETUNREACH, EHOSTDOWN };
	struct plx_txq *q = plx_port_txq(bed.a, 0);
	uint64_t sent = 0;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(errnos); i++) {
		send_err = errnos[i];
		assert_int_equal(offer(5, 100), 5);
		for (uint64_t gap = 1, k = 0; k < 10; k++, gap = gap * 2 < 100 ? gap * 2 : 100) {
			rings = 0;
			now_ns += gap * 1000000 - 1;
			offer(0, 60);
			assert_int_equal(rings, 0);
			now_ns++;
			offer(0, 60);
			offer(0, 60);
			assert_int_equal(rings, 1);
		}
		assert_int_equal(plx_port_link(bed.a), PLX_LINK_UP);
		assert_int_equal(offer(5, 100), 5);
		account_is(sent, 0, 0);
		send_err = 0;
		now_ns += 100000000;
		offer(0, 60);
		account_is(sent += 10, 0, 0);
		assert_int_equal(q->err, 0);
	}
	send_err = EINTR; /* these come again at once */
	for (int i = 0; i < 3; i++, send_err = i == 1 ? EBUSY : EAGAIN) {
		rings = 0;
		offer(1, 100);
		offer(0, 60);
		assert_int_equal(rings, 2);
	}
	send_err = 0;
	offer(0, 60);
	account_is(sent + 3, 0, 0);
}

static void test_netdown(void **state)
{
	(void)state;
	send_err = ENETDOWN;
	assert_int_equal(offer(5, 100), 5);
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_DOWN);
	send_err = 0;
	for (int i = 0; i < 2 * 64; i++)
		offer(0, 60);
	assert_int_equal(plx_port_link(bed.a), PLX_LINK_UP);
	account_is(5, 0, 0);
}

/* One line says that the host goes on getting frames, whether packet was asked for or not. */
static int said;

static void keep_line(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	said += level == PLX_LOG_NOTICE && strstr(line, "the host gets every frame as well");
}

static void test_host_told(void **state)
{
	static const struct plx_log log = { keep_line, NULL, PLX_LOG_DEBUG };

	(void)state;
	bed.a->log = &log;
	for (int i = 0; i < 3; i++) {
		bed.a->conf.steer = i == 2 ? PLX_STEER_NONE : PLX_STEER_ALL;
		strcpy(bed.a->conf.driver, i ? "" : "packet");
		said = 0;
		plx_port_stop(bed.a);
		assert_int_equal(plx_port_start(bed.a), 0);
		assert_int_equal(said, i < 2);
	}
}

static int group_up(void **state)
{
	(void)state;
	return run_cmd("ip link add plxca numtxqueues 2 numrxqueues 2 type veth peer name plxcb "
	               "numtxqueues 2 numrxqueues 2 && ip link set plxca up && ip link set plxcb up");
}

/* A child that was forked has no socket that would stay in the fanout group, and bursts that do no harm. */
static void test_forked(void **state)
{
	struct plx_rxq *rx = plx_port_rxq(bed.a, 0);
	const int fd = bed.a->drv->rx_fd(rx);
	int status;

	(void)state;
	pid_t child = fork();
	if (!child) {
		struct plx_mbuf *m;

		_exit(plx_rx_burst(rx, &m, 1) || plx_tx_burst(plx_port_txq(bed.a, 0), NULL, 0) ||
		      fcntl(fd, F_GETFD) != -1 || plx_port_start(bed.a) != -ECHILD);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	uint8_t bytes[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	plx_mbuf_put(pass(bytes, sizeof(bytes))); /* the parent goes on */
}

/* ---- two who read counters ---- */

static struct {
	sem_t    taken, told;
	bool     once;
	uint64_t offered, out;
} two;

/* The kernel's counters are read, and so cleared; the other one has its look before they are added. */
static int slow_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	const int err = plx_sys_linux.getsockopt(fd, level, name, val, len);
	struct timespec end;

	if (level == SOL_PACKET && name == PACKET_STATISTICS &&
	    !__atomic_exchange_n(&two.once, true, __ATOMIC_RELAXED)) {
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec += 100000000; /* or it waits for us, as it should */
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
		sem_post(&two.taken);
		sem_timedwait(&two.told, &end);
	}
	return err;
}

static void *other_reader(void *arg)
{
	struct plx_port_stats s;

	sem_wait(&two.taken);
	plx_port_stats(bed.b, &s);
	two.offered = s.offered;
	two.out = s.rx.pkts + plx_rx_drops(&s.rx);
	sem_post(&two.told);
	return arg;
}

static void test_two_readers(void **state)
{
	struct plx_port_stats s;
	uint8_t f[64];
	pthread_t t;

	(void)state;
	sys = plx_sys_linux;
	sys.getsockopt = slow_getsockopt;
	bed.b->sys = &sys;
	memset(&two, 0, sizeof(two));
	sem_init(&two.taken, 0, 0);
	sem_init(&two.told, 0, 0);
	fill(f, sizeof(f), false, false);
	for (int i = 0; i < 64; i++)
		plx_mbuf_put(pass(f, sizeof(f)));
	assert_int_equal(pthread_create(&t, NULL, other_reader, NULL), 0);
	plx_port_stats(bed.b, &s);
	pthread_join(t, NULL);
	assert_true(s.rx.pkts >= 64);
	assert_true(s.offered >= s.rx.pkts + plx_rx_drops(&s.rx));
	assert_true(two.offered >= two.out); /* what came out was offered */
	sem_destroy(&two.taken);
	sem_destroy(&two.told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tags, up, down),
		cmocka_unit_test_setup_teardown(test_lying_length, up, down),
		cmocka_unit_test_setup_teardown(test_longer_than_a_slot, up, down),
		cmocka_unit_test_setup_teardown(test_silence, up, down),
		cmocka_unit_test_setup_teardown(test_metadata, up, down),
		cmocka_unit_test_setup_teardown(test_csum_told, up, down),
		cmocka_unit_test_setup_teardown(test_other_end_down, faults_up, down),
		cmocka_unit_test_setup_teardown(test_start_again, faults_up, down),
		cmocka_unit_test_setup_teardown(test_mtu_sinks, faults_up, down),
		cmocka_unit_test_setup_teardown(test_errnos, faults_up, down),
		cmocka_unit_test_setup_teardown(test_netdown, faults_up, down),
		cmocka_unit_test_setup_teardown(test_host_told, up, down),
		cmocka_unit_test_setup_teardown(test_two_readers, up, down),
		cmocka_unit_test_setup_teardown(test_forked, up, down),
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

/* SPDX-License-Identifier: MIT */
/* test_devices.c - interfaces as they are: which lengths beside the MTU they send, by driver and device; what has no
   Ethernet header; names of all letters; how often the kernel is asked about one; and what the rings of a port take, as
   the plan says it. */
#include "ax_util.h"
#include "driver_impl.h"
#include "link_info.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* ---- lengths ---- */

/* The host's end of a tap or tun is this descriptor; it shows each frame as it was sent. */
static int tuntap(const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = (short)(flags | IFF_NO_PI) };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		print_message("SKIP: /dev/net/tun: %s\n", strerror(errno));
		skip();
	}
	strcpy(ifr.ifr_name, name);
	assert_int_equal(ioctl(fd, TUNSETIFF, &ifr), 0);
	run("ip link set %s up", name);
	return fd;
}

/* A frame of len bytes with these tags behind its addresses. */
static void fill_tagged(uint8_t *f, uint32_t len, const char *tags, size_t n)
{
	for (uint32_t i = 0; i < len; i++)
		f[i] = (uint8_t)(i * 13 + (i >> 8));
	memset(f, 0xff, 6);
	memset(f + 6, 2, 6);
	memcpy(f + 12, tags, n);
	memcpy(f + 12 + n, "\x88\xb5", 2);
}

#define DOUBLE "\x88\xa8\x20\x07\x81\x00\x60\x64"
#define SINGLE "\x81\x00\x60\x64"
#define OUTER  "\x88\xa8\x20\x07"

static const struct length { uint32_t len; const char *tags; size_t n; bool packet; } lengths[] = {
	{ 1514, "", 0, true }, { 1518, SINGLE, 4, true }, { 1518, OUTER, 4, false }, { 1522, DOUBLE, 8, false },
	{ 1522, SINGLE SINGLE, 8, false },
};

/* Offers a frame; true if the port counts it as sent, false as of a length that it cannot send. */
static bool offer(struct plx_port *p, const struct length *l, uint8_t *f)
{
	struct plx_txq *q = plx_port_txq(p, 0);
	struct plx_mbuf *m = plx_mbuf_get(p->pool);
	uint64_t end = now_ms() + WAIT_MS, sent = plx_ctr_read(&q->stats.pkts),
	         bad = plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]);

	fill_tagged(f, l->len, l->tags, l->n);
	memcpy(plx_mbuf_append(m, (uint16_t)l->len), f, l->len);
	while (!plx_tx_burst(q, &m, 1) && now_ms() < end)
		;
	while (plx_ctr_read(&q->stats.pkts) == sent && plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]) == bad &&
	       now_ms() < end)
		plx_tx_burst(q, NULL, 0);
	assert_int_equal(plx_ctr_read(&q->stats.pkts) + plx_ctr_read(&q->stats.drop[PLX_TX_DROP_bad_len]),
	                 sent + bad + 1);
	return plx_ctr_read(&q->stats.pkts) > sent;
}

static void arrives(int fd, const uint8_t *f, uint32_t len)
{
	uint64_t end = now_ms() + WAIT_MS;
	uint8_t got[4096];
	ssize_t n;

	do
		n = read(fd, got, sizeof(got));
	while (now_ms() < end && (n < 0 || got[12 + 1] == 0xdd || got[12] == 8));
	assert_int_equal(n, len);
	assert_memory_equal(got, f, len);
}

static void full_size(const char *driver, enum plx_xdp_mode mode)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_port_conf c = conf_of(pool, "plxt0", mode);
	bool packet = !strcmp(driver, "packet");
	uint8_t f[2048];
	int fd = tuntap("plxt0", IFF_TAP);

	snprintf(c.driver, sizeof(c.driver), "%s", driver);
	struct plx_port *p = open_port(&c);
	assert_int_equal(p->info.max_len, packet ? 1514 : 1522);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lengths); i++) {
		bool sent = offer(p, &lengths[i], f);

		if (sent != (lengths[i].packet || !packet))
			fail_msg("%s: row %zu, %u bytes: %d", driver, i, lengths[i].len, sent);
		if (sent)
			arrives(fd, f, lengths[i].len);
	}
	assert_false(offer(p, &(struct length){ .len = 1523, .tags = DOUBLE, .n = 8 }, f));
	plx_port_close(p);
	end_pool(pool);
	close(fd);
}

static void full_size_native(void **state)  { (void)state; full_size("af_xdp", PLX_XDP_NATIVE); }
static void full_size_generic(void **state) { (void)state; full_size("af_xdp", PLX_XDP_GENERIC); }
static void full_size_packet(void **state)  { (void)state; full_size("packet", PLX_XDP_AUTO); }

/* What veth would drop, and say that it was sent, is not sent. */
static void full_size_veth(enum plx_xdp_mode mode)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", mode);
	uint8_t f[2048];

	veth("plxa0", "plxb0", 1);
	struct plx_port *p = open_port(&c);
	int fd = raw("plxb0");
	assert_int_equal(p->info.max_len, 1518);
	assert_true(offer(p, &(struct length){ .len = 1518, .tags = "", .n = 0 }, f));
	arrives(fd, f, 1518);
	assert_false(offer(p, &(struct length){ .len = 1519, .tags = SINGLE, .n = 4 }, f));
	assert_false(offer(p, &(struct length){ .len = 1522, .tags = DOUBLE, .n = 8 }, f));
	plx_port_close(p);
	close(fd);
	run("ip link del plxa0");
	end_pool(pool);
}

static void full_size_veths(void **state)
{
	(void)state;
	full_size_veth(PLX_XDP_NATIVE);
	full_size_veth(PLX_XDP_GENERIC);
}

/* ---- what cannot be a port, and what can ---- */

static void no_header(void **state)
{
	static const char *const drivers[] = { "", "af_xdp", "packet" };
	struct plx_pool *pool = make_pool(1024, 2048);
	int fd = tuntap("plxt1", IFF_TUN);

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(drivers); i++) {
		struct plx_port_conf c = conf_of(pool, "plxt1", PLX_XDP_AUTO);
		struct plx_port *p;

		snprintf(c.driver, sizeof(c.driver), "%s", drivers[i]);
		log_text[0] = 0;
		assert_int_equal(plx_port_open(&p, &c), -EOPNOTSUPP);
		assert_string_equal(log_text, "1 plxt1: it has no Ethernet header (type 65534, ARPHRD_NONE) "
		                    "(EOPNOTSUPP): use a tap in place of a tun, or the interface below a tunnel\n");
	}
	close(fd);
	end_pool(pool);
}

static void letters(void **state)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_port_conf c = plx_port_conf_default;
	char why[256];

	(void)state;
	veth("gr\xc3\xbcn0", "plxb0", 1);
	assert_int_equal(plx_port_conf_parse(&c, "gr\xc3\xbcn0,rxd=64,txd=64", why, sizeof(why)), 0);
	c.pool = pool;
	c.log = &test_log;
	struct plx_port *p = open_port(&c);
	assert_string_equal(p->name, "gr\xc3\xbcn0");
	plx_port_close(p);
	run("ip link del plxb0");
	end_pool(pool);
}

/* ---- how often the kernel is asked ---- */

static unsigned queries; /* of an interface as a whole: each asks for its address, once */

static int count_queries(int fd, unsigned long request, void *arg)
{
	queries += request == SIOCGIFHWADDR;
	return plx_sys_linux.ioctl(fd, request, arg);
}

/* Before the attach an interface is asked once, or not at all where the caller has; after it once more. */
static void asked(void **state)
{
	static const struct { const char *keys; unsigned before, after;
	} rows[] = {
		{ "driver=af_xdp,rxqs=1,txqs=1", 1, 1 },
		{ "driver=af_xdp,mode=generic", 1, 1 },
		{ "multibuf=prefer", 1, 1 },
		{ "driver=packet", 1, 0 },
	};
	struct plx_pool *pool = make_pool(16384, 2048);
	struct plx_sys sys = plx_sys_linux;
	struct plx_link_info li;

	(void)state;
	sys.ioctl = count_queries;
	veth("plxa0", "plxb0", 2);
	assert_int_equal(plx_link_query(&plx_sys_linux, "plxa0", &li), 0);
	for (size_t i = 0; i < 2 * PLX_ARRAY_SIZE(rows); i++) {
		const bool known = i % 2;
		struct plx_port_conf c = plx_port_conf_default;
		char text[128], why[256];
		struct plx_port *p;

		snprintf(text, sizeof(text), "plxa0,rxd=64,txd=64,%s", rows[i / 2].keys);
		assert_int_equal(plx_port_conf_parse(&c, text, why, sizeof(why)), 0);
		c.sys = &sys;
		c.log = &test_log;
		c.pool = pool;
		queries = 0;
		assert_int_equal(plx_port_open_known(&p, &c, known ? &li : NULL), 0);
		assert_int_equal(plx_port_start(p), 0); /* it says which queues nobody reads */
		if (queries != rows[i / 2].after + (known ? 0 : rows[i / 2].before))
			fail_msg("%s, %s: asked %u times", text, known ? "known" : "not known", queries);
		assert_memory_equal(p->info.mac, li.mac, 6);
		assert_int_equal(p->info.ifindex, li.ifindex);
		assert_int_equal(p->info.mtu, 1500);
		assert_int_equal(p->info.channels_rx, 2);
		plx_port_close(p);
	}
	run("ip link del plxa0");
	end_pool(pool);
}

/* ---- memory beside the pool ---- */

static uint64_t mapped;

static void *note_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	mapped += fd >= 0 ? (len + 4095) / 4096 * 4096 : 0;
	return plx_sys_linux.mmap(at, len, prot, flags, fd, off);
}

static void rings_are(const char *driver, const char *keys, uint32_t mtu)
{
	struct plx_pool *pool = make_pool(8192, 2048);
	struct plx_sys sys = plx_sys_linux;
	struct plx_port_conf c = plx_port_conf_default;
	char text[128], why[256];
	struct plx_port *p;

	veth("plxa0", "plxb0", 4);
	run("ip link set plxb0 mtu %u; ip link set plxa0 mtu %u", mtu, mtu);
	snprintf(text, sizeof(text), "plxa0,driver=%s,%s", driver, keys);
	assert_int_equal(plx_port_conf_parse(&c, text, why, sizeof(why)), 0);
	sys.mmap = note_mmap;
	c.sys = &sys;
	c.log = &test_log;
	c.pool = pool;
	mapped = 0;
	log_text[0] = 0;
	assert_int_equal(plx_port_open(&p, &c), 0);
	struct plx_beside b = plx_port_beside(&c, mtu, pool->frames, NULL);
	if (b.rings != mapped)
		fail_msg("%s, MTU %u: %llu bytes planned, %llu mapped", text, mtu, (unsigned long long)b.rings,
		         (unsigned long long)mapped);
	assert_true(b.own <= 8ull * pool->frames + 8 * (128 << 10));
	plx_port_close(p);
	run("ip link del plxa0");
	end_pool(pool);
}

/* The plan's number is what is mapped, to the page. */
static void rings(void **state)
{
	(void)state;
	rings_are("packet", "rxqs=2,txqs=3,rxd=64,txd=128", 1500);
	rings_are("packet", "rxqs=1,txqs=1,rxd=256,txd=64", 9000);
	rings_are("af_xdp", "rxqs=2,txqs=4,rxd=512,txd=2048,mode=native", 1500);
	rings_are("af_xdp", "rxqs=4,txqs=1,rxd=64,txd=64,mode=generic", 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_size_native), cmocka_unit_test(full_size_generic),
		cmocka_unit_test(full_size_packet), cmocka_unit_test(full_size_veths), cmocka_unit_test(no_header),
		cmocka_unit_test(letters), cmocka_unit_test(asked), cmocka_unit_test(rings),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

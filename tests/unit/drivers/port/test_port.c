/* SPDX-License-Identifier: MIT */
/* test_port.c - what opening a port answers to each mistake, how the ladder goes, and the
   null driver. */
#include "driver_impl.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FRAMES = 1024 };

#define ALTNAME "plx-a-name-of-twice-as-many-bytes-as-a-port-has-and-many-more-than-an-ioctl-takes-of-one-interface"

static struct plx_pool *pool, *other;
static char line[1024];
static unsigned errors;
static bool netns;

static void log_line(void *arg, enum plx_log_level level, const char *text)
{
	(void)arg;
	if (level == PLX_LOG_ERROR) {
		errors++;
		snprintf(line, sizeof(line), "%s", text);
	}
}

static const struct plx_log log_all = { log_line, NULL, PLX_LOG_DEBUG };

static struct plx_port_conf conf(const char *text)
{
	struct plx_port_conf c = plx_port_conf_default;
	char why[512];

	if (plx_port_conf_parse(&c, text, why, sizeof(why)))
		fail_msg("%s", why);
	c.pool = pool;
	c.log = &log_all;
	c.rxd = c.rxd ? c.rxd : 64;
	c.txd = c.txd ? c.txd : 64;
	return c;
}

static void refused(const struct plx_port_conf *c, int want, const char *says)
{
	struct plx_port *p = (struct plx_port *)&pool;

	errors = 0;
	*line = 0;
	int err = plx_port_open(&p, c);
	if (err != want || errors != 1 || !strstr(line, says))
		fail_msg("%s: %d and %u lines, the last: \"%s\", wanted %d, \"%s\"", c->name, err, errors, line, want,
		         says);
	assert_null(p);
}

static void test_conf_by_hand(void **state)
{
	struct plx_port_conf c = conf("n,driver=null");

	(void)state;
	c.pool = NULL;
	refused(&c, -EINVAL, "set pool");
	c = conf("n,driver=null");
	c.rxd = 100;
	refused(&c, -EINVAL, "powers of two");
	c = conf("n,driver=null");
	c.txqs = 1000;
	refused(&c, -EINVAL, "at most 256");
	c = conf("n,driver=null");
	c.name[0] = 0;
	refused(&c, -EINVAL, "name");
	c = conf("n,driver=null");
	strcpy(c.driver, "dpdk");
	refused(&c, -EINVAL, "no driver \"dpdk\"");
	c = conf("n,driver=null,size=3000");
	refused(&c, -EINVAL, "size=1792 or less");
}

static void test_interfaces(void **state)
{
	struct plx_port_conf c;

	(void)state;
	if (!netns)
		skip();
	c = conf("plxunit1");
	refused(&c, -ENODEV, "did you mean --iface plxunit0? ip link lists them");
	c = conf("nothinglikeit");
	refused(&c, -ENODEV, "no such interface");
	c = conf("plxdown0");
	refused(&c, -ENETDOWN, "ip link set plxdown0 up");
	c = conf("a;b");
	refused(&c, -ENETDOWN, "ip link set 'a;b' up");
	c = conf("$(id)'s,rxqs=3");
	refused(&c, -EINVAL, "use rxqs=2 or fewer, or ethtool -L '$(id)'\\''s' rx 3");
	c = conf("plxunit0,rxqs=3");
	refused(&c, -EINVAL, "rx queue 2 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or ethtool -L "
	        "plxunit0 rx 3");
	c = conf("plxunit0,queue=1,queues=2");
	refused(&c, -EINVAL, "rx queue 2 is asked for, the interface has 2 (0-1): use rxqs=1 or fewer");
	c = conf("plxunit0,queues=9");
	refused(&c, -EINVAL, "use rxqs=2 or fewer, or driver=packet, which needs no channels");
	c = conf("plxunit0,driver=packet");
	c.mode = PLX_XDP_ZEROCOPY;
	refused(&c, -EOPNOTSUPP, "use driver=af_xdp");
}

static void test_alternative_name(void **state)
{
	struct plx_port_conf c = conf(ALTNAME ",driver=packet");
	struct plx_port *p;

	(void)state;
	if (!netns)
		skip();
	assert_int_equal(plx_port_open(&p, &c), 0);
	assert_string_equal(p->name, "plxunit0");
	assert_string_equal(p->conf.name, "plxunit0");
	plx_port_close(p);
	c = conf(ALTNAME "x");
	refused(&c, -ENODEV, "no such interface");
}

static int no_bpf(struct bpf_object_skeleton *s)
{
	(void)s;
	return -EPERM;
}

/* af_xdp is refused: the port is the next driver's, and says why. */
static void test_ladder(void **state)
{
	struct plx_sys sys = plx_sys_linux;
	struct plx_port_conf c = conf("plxunit0");
	struct plx_port *p;

	(void)state;
	if (!netns)
		skip();
	sys.bpf_load = no_bpf;
	c.sys = &sys;
	errors = 0;
	assert_int_equal(plx_port_open(&p, &c), 0);
	assert_int_equal(errors, 0);
	assert_string_equal(plx_port_info(p)->driver, "packet");
	assert_non_null(strstr(plx_port_info(p)->why, "af_xdp refused (EPERM)"));
	assert_int_equal(p->nrx, 2);
	assert_int_equal(p->ntx, 2);
	assert_ptr_equal(p->log, &log_all);
	plx_port_close(p);
	/* a mode is af_xdp's: no other driver is tried, and none speaks */
	c = conf("plxunit0,mode=native");
	c.sys = &sys;
	refused(&c, -EPERM, "EPERM");
	assert_null(strstr(line, "plxunit0: packet"));
	/* more receive queues than the device has are sockets, and fine */
	c = conf("plxunit0,driver=packet,rxqs=5");
	assert_int_equal(plx_port_open(&p, &c), 0);
	assert_int_equal(p->nrx, 5);
	assert_int_equal(p->ntx, 5);
	plx_port_close(p);
}

/* One answer to which driver it is; what names none may become each that needs an interface. */
static void test_driver(void **state)
{
	static const struct { const char *driver; bool found, device, xdp, packet; } rows[] = {
		{ "", false, true, true, true }, { "auto", false, true, true, true },
		{ "af_xdp", true, true, true, false }, { "packet", true, true, false, true },
		{ "loop", true, false, false, false }, { "null", true, false, false, false },
		{ "nul", false, true, false, false }, { "nulls", false, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct plx_port_conf c = { 0 };

		snprintf(c.driver, sizeof(c.driver), "%s", rows[i].driver);
		const struct plx_driver *drv = plx_driver_find(c.driver);
		assert_int_equal(drv != NULL, rows[i].found);
		if (drv)
			assert_string_equal(drv->name, c.driver);
		assert_int_equal(plx_driver_on_device(&c), rows[i].device);
		assert_int_equal(plx_driver_may_be(&c, "af_xdp"), rows[i].xdp);
		assert_int_equal(plx_driver_may_be(&c, "packet"), rows[i].packet);
	}
}

/* A pool must do for whatever an undecided port becomes: in zero-copy transmit queues without a
   receive queue of their own have a fill ring, too. */
static void test_frames(void **state)
{
	static const struct { const char *drivers[3]; uint32_t want;
	} rows[] = {
		{ { "e,rxqs=1,txqs=4", "e,driver=auto,rxqs=1,txqs=4", "e,driver=af_xdp,rxqs=1,txqs=4" },
		  4 * 4096 + 4 * 2048 },
		{ { "e,rxqs=1,txqs=8", "e,driver=af_xdp,rxqs=1,txqs=8" }, 8 * 4096 + 8 * 2048 },
		{ { "e,rxqs=2,txqs=1", "e,driver=af_xdp,rxqs=2,txqs=1" }, 2 * 4096 + 2048 },
		{ { "e,mode=native,rxqs=1,txqs=4" }, 2048 + 4 * 2048 },
		{ { "e,driver=packet,rxqs=1,txqs=4" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < 3 && rows[i].drivers[k]; k++) {
			struct plx_port_conf c = conf(rows[i].drivers[k]);

			c.rxd = c.txd = 2048;
			if (plx_port_frames(&c) != rows[i].want)
				fail_msg("%s: %u frames, not %u", rows[i].drivers[k], plx_port_frames(&c),
				         rows[i].want);
		}
}

static void test_null(void **state)
{
	struct plx_port_conf c = conf("n,driver=null,size=200,queues=2");
	struct plx_mbuf *m[FRAMES];
	struct plx_port_stats s;
	struct plx_port *p;

	(void)state;
	assert_int_equal(plx_port_frames(&c), 0);
	assert_int_equal(plx_port_open(&p, &c), 0);
	assert_int_equal(plx_rx_burst(plx_port_rxq(p, 0), m, 32), 0); /* not started */
	assert_int_equal(plx_port_start(p), 0);
	assert_int_equal(plx_rx_burst(plx_port_rxq(p, 1), m, 32), 32);
	for (int i = 0; i < 32; i++) {
		assert_int_equal(m[i]->len, 200);
		assert_int_equal(m[i]->pkt_len, 200);
		assert_int_equal(m[i]->queue, 1);
		assert_int_equal(plx_mbuf_headroom(m[i]), pool->data_off - PLX_POOL_L2_ROOM);
		plx_mbuf_prepend(m[i], 20); /* the next user of the frame must not see it */
	}
	plx_mbuf_ref(m[0], 1);
	assert_int_equal(plx_tx_burst(plx_port_txq(p, 0), m, 32), 32);
	assert_int_equal(m[0]->ref, 1);
	plx_mbuf_put(m[0]);
	assert_int_equal(plx_pool_avail(pool), FRAMES);
	m[0] = plx_mbuf_get(other);
	m[1] = plx_mbuf_get(pool);
	plx_mbuf_chain(m[1], plx_mbuf_get(other));
	assert_int_equal(plx_tx_burst(plx_port_txq(p, 0), m, 2), 2);
	assert_int_equal(plx_pool_avail(other), 64);
	uint16_t n = plx_rx_burst(plx_port_rxq(p, 0), m, FRAMES);
	assert_int_equal(n, PLX_BURST_MAX);
	for (uint16_t k = 1; k; n = (uint16_t)(n + k))
		k = plx_rx_burst(plx_port_rxq(p, 0), m + n, 100);
	assert_int_equal(n, FRAMES);
	assert_ptr_equal(m[5]->data, plx_mbuf_frame(m[5]) + pool->data_off);
	plx_mbuf_put_bulk(m, n);
	plx_port_stats(p, &s);
	assert_int_equal(s.rx.pkts, 32 + FRAMES);
	assert_int_equal(s.rx.bytes, 200 * (32 + FRAMES));
	assert_true(s.rx.pool_waits > 0 && !plx_rx_drops(&s.rx) && !s.offered_told); /* what has no end loses nothing */
	assert_int_equal(s.tx.pkts, 34);
	plx_port_stop(p);
	m[0] = plx_mbuf_get(pool);
	assert_int_equal(plx_tx_burst(plx_port_txq(p, 0), m, 1), 0);
	plx_mbuf_put(m[0]);
	plx_port_close(p);
	plx_port_close(NULL);
	assert_int_equal(plx_pool_avail(pool), FRAMES);
	assert_int_equal(plx_pool_audit(pool), 0);
}

static void test_link_state(void **state)
{
	struct plx_port_conf c = conf("n,driver=null");
	struct plx_port *p;

	(void)state;
	assert_int_equal(plx_port_open(&p, &c), 0);
	plx_port_set_link(p, PLX_LINK_REMOVED);
	plx_port_set_link(p, PLX_LINK_UP);
	assert_int_equal(plx_port_link(p), PLX_LINK_REMOVED); /* for good */
	plx_port_close(p);
	for (int i = 0; i < PLX_RX_DROP_N; i++)
		assert_true(*plx_rx_drop_why((enum plx_rx_drop)i));
	for (int i = 0; i < PLX_TX_DROP_N; i++)
		assert_true(*plx_tx_drop_why((enum plx_tx_drop)i));
	assert_string_equal(plx_rx_drop_why(PLX_RX_DROP_N), "");
}

static struct plx_pool *make_pool(uint32_t frames)
{
	struct plx_pool_conf c = { .name = "unit", .frames = frames, .node = -1 };
	void *mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) & ~(size_t)4095);
	struct plx_pool *p;

	return mem && !plx_pool_init(&p, mem, &c) ? p : NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conf_by_hand),     cmocka_unit_test(test_driver),
		cmocka_unit_test(test_frames),           cmocka_unit_test(test_null),
		cmocka_unit_test(test_link_state),       cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_alternative_name), cmocka_unit_test(test_ladder),
	};

	pool = make_pool(FRAMES);
	other = make_pool(64);
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	netns = !unshare(CLONE_NEWNET);
	if (!netns)
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
	else if (system("ip link add plxunit0 numtxqueues 4 numrxqueues 4 type veth peer name plxdown0 && "
	                "ip link set plxunit0 up && ip link property add dev plxunit0 altname " ALTNAME
	                " && ethtool -L plxunit0 rx 2 tx 2 && "
	                "ip link add \"\\$(id)'s\" numtxqueues 4 numrxqueues 4 type veth peer name 'a;b' && "
	                "ip link set \"\\$(id)'s\" up && ethtool -L \"\\$(id)'s\" rx 2 tx 2"))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(plx_pool_fini(pool));
	free(plx_pool_fini(other));
	return failed;
}

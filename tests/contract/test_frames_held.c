/* SPDX-License-Identifier: MIT */
/* test_frames_held.c - the frames that a pool is planned for are those that the rings of the opened port hold, for
   every driver, mode and number of queues. */
#include "zc_util.h"
#include "plan.h"

enum { QUEUES = 4, RXD = 128, TXD = 64 };

static struct plx_pool *pool;
static struct plx_sys sys;

static int set_up(void **state)
{
	(void)state;
	pool = make_pool(16384, 2048);
	veth("plxa0", "plxb0", QUEUES);
	sys = zc_sys();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run("ip link del plxa0");
	end_pool(pool);
	return 0;
}

/* Frames that p's rings have, those into which it sends filled as far as they go. */
static uint32_t held(struct plx_port *p)
{
	uint32_t rx = 0, tx = 0;
	struct plx_mbuf *m;

	for (uint16_t q = 0; q < p->ntx && !p->drv->device && p->link == PLX_LINK_UP; q++)
		while ((m = plx_mbuf_get(pool))) {
			uint32_t had = tx, none = 0;

			memset(plx_mbuf_append(m, 60), 0, 60);
			if (!plx_tx_burst(p->txq[q], &m, 1)) {
				plx_mbuf_put(m);
				break;
			}
			tx = 0;
			if (p->drv->held)
				p->drv->held(p, &none, &tx);
			if (tx == had) /* a sink */
				break;
		}
	if (p->drv->held && p->drv->device)
		p->drv->held(p, &rx, &tx);
	return p->drv->device && p->drv->held ? rx + p->ntx * TXD : rx + tx; /* a device sends at once */
}

/* planned: what was reckoned with for c, when nothing was open. */
static void check_port(const struct plx_port_conf *c, uint32_t planned, const char *what)
{
	struct plx_port_conf copy = *c;
	struct plx_port *p = open_port(&copy);
	/* in memory: transmit queue i ends in receive queue i, and a peer may have more of them than it has itself */
	const bool few = !p->drv->device && p->ntx < p->nrx;
	const uint32_t is = held(p), want = few ? planned / p->nrx * p->ntx : planned;

	if (is != want || p->info.frames_held != planned)
		fail_msg("%s, %u+%u queues, %s, %s: %u planned, %u held, %u told", what, c->rxqs, c->txqs,
		         p->info.driver, p->info.mode, planned, is, p->info.frames_held);
	plx_port_close(p);
}

static const struct { uint16_t rxqs, txqs; } counts[] = {
	{ 1, 1 }, { 4, 4 }, { 1, 4 }, { 2, 3 }, { 4, 1 }, { 3, 2 }, { 0, 1 }, { 0, 4 },
};

static void by_driver(void **state)
{
	static const struct { const char *driver; enum plx_xdp_mode mode; } rows[] = {
		{ "", PLX_XDP_AUTO }, { "", PLX_XDP_ZEROCOPY }, { "", PLX_XDP_NATIVE }, { "", PLX_XDP_GENERIC },
		{ "af_xdp", PLX_XDP_AUTO },
		{ "packet", PLX_XDP_AUTO }, { "loop", PLX_XDP_AUTO }, { "null", PLX_XDP_AUTO },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < PLX_ARRAY_SIZE(counts); k++) {
			struct plx_port_conf c = conf_of(pool, "plxa0", rows[i].mode);

			strcpy(c.driver, rows[i].driver);
			c.sys = &sys;
			c.rxqs = counts[k].rxqs;
			c.no_rx = !c.rxqs;
			c.txqs = counts[k].txqs;
			c.rxd = RXD;
			c.txd = TXD;
			check_port(&c, plx_port_frames(&c), rows[i].driver);
		}
}

/* The plan gives a port transmit queues for all lcores that poll, more than it receives on. */
static void by_plan(void **state)
{
	static struct plx_env_conf conf;
	static struct host host = { .topo = { .nnodes = 1, .ncpus = 4, .memlock = UINT64_MAX } };
	static struct plan plan;
	char why[512] = "", *argv[] = { "t", "-l", "0-3", "--iface", "plxa0,rxqs=1,rxd=128,txd=64", "--iface",
	                                "plxb0,rxd=128,txd=64", NULL };
	uint32_t sum = 0;

	(void)state;
	for (unsigned i = 0; i < host.topo.ncpus; i++)
		host.topo.cpu[i] = (struct topo_cpu){ .online = true, .allowed = true, .core = (int32_t)i };
	plx_env_conf_init(&conf);
	assert_int_equal(plx_env_conf_parse(&conf, 7, argv, NULL, why, sizeof(why)), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(plx_link_query(&sys, conf.ports[i].name, &host.iface[i].link), 0);
	if (plan_make(&plan, &conf, &host, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(plan.ports[0].conf.rxqs, 1);
	assert_int_equal(plan.ports[0].conf.txqs, QUEUES);
	for (unsigned i = 0; i < 2; i++) {
		struct plx_port_conf c = plan.ports[i].conf;

		sum += plx_port_frames(&c) + plan_txq_frames(&plan, &plan.ports[i]);
		c.pool = pool;
		c.sys = &sys;
		c.log = &test_log;
		check_port(&c, plx_port_frames(&plan.ports[i].conf), "plan");
	}
	assert_int_equal(plan.pools[0].held, sum + plan.caches * (2u * PLX_MAGAZINE + PLX_BURST_MAX) + PLX_MAGAZINE);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(by_driver), CASE(by_plan) };

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

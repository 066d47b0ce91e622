/* SPDX-License-Identifier: MIT */
/* test_frames.c - an application that keeps its frames, and one that sends to nobody: what a run says of
   the pool and of the transmit queue. */
#include "lcore_util.h"

/* ---- pools ---- */

struct keeper { struct plx_rxq *rx; struct plx_mbuf **kept; uint32_t n, most; };

/* Receives, and gives nothing back. */
static int keep_poll(void *arg)
{
	struct keeper *k = arg;
	const uint32_t left = k->most - k->n;
	const uint16_t n = plx_rx_burst(k->rx, k->kept + k->n, left < PLX_BURST ? (uint16_t)left : PLX_BURST);

	k->n += n;
	return n;
}

static void kept_by_the_application(void **state)
{
	struct plx_env_conf c;
	struct kept_log k;
	struct runner r;
	char had[256];

	(void)state;
	test_conf(&c, &k, 1, "n,driver=null", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_pool *p = plx_env_pool(env, -1);
	struct keeper keep = { .rx = plx_port_rxq(plx_env_port(env, 0), 0), .most = p->frames };

	keep.kept = calloc(p->frames + PLX_BURST, sizeof(*keep.kept));
	assert_non_null(keep.kept);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "keep", .fn = keep_poll, .arg = &keep, .rxq = keep.rx)),
	                 0);
	runner_start(&r, env);
	wait_for(kept_has(&k, "pool_empty"));
	assert_int_equal(runner_stop(&r, 0), 0);
	snprintf(had, sizeof(had), "warning: pool %s: pool_empty: 0 of %u frames can be had: 0 are in caches", p->name,
	         p->frames);
	if (!kept_has(&k, had) || !kept_has(&k, "have it put back what it need not keep"))
		fail_msg("%s", k.text);
	snprintf(had, sizeof(had), "0 in receive rings, 0 in transmit rings, and %u with the application", p->frames);
	assert_true(kept_has(&k, had));
	assert_int_equal(keep.n, p->frames);
	while (keep.n)
		plx_mbuf_put(keep.kept[--keep.n]);
	plx_env_fini(env);
	free(keep.kept);
}

/* ---- transmit queues ---- */

struct sender { struct plx_txq *tx; };

static int send_poll(void *arg)
{
	struct plx_mbuf *m = plx_mbuf_get(((struct sender *)arg)->tx->pool);

	if (!m)
		return 0;
	memset(plx_mbuf_append(m, 60), 0, 60);
	if (plx_tx_burst(((struct sender *)arg)->tx, &m, 1))
		return 1;
	plx_mbuf_put(m);
	return 0;
}

static void sent_to_nobody(void **state)
{
	struct plx_env_conf c;
	struct kept_log k;
	struct runner r;

	(void)state;
	test_conf(&c, &k, 1, "l,driver=loop,rxd=256", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct sender s = { .tx = plx_port_txq(plx_env_port(env, 0), 0) };

	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "send", .fn = send_poll, .arg = &s)), 0);
	runner_start(&r, env);
	wait_for(kept_has(&k, "l transmit queue 0: tx_stuck: it took no packet"));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_true(kept_has(&k, "bursts a second ended with ring_full"));
	assert_false(kept_has(&k, "pool_empty"));
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_by_the_application),
		cmocka_unit_test(sent_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

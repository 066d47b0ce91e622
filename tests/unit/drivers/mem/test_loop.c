/* SPDX-License-Identifier: MIT */
/* test_loop.c - what only loop ports do: find each other in any order, and wake a receiver
   that sleeps without ever losing a wake-up.  Made for the thread sanitizer, too. */
#include "plx_driver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FRAMES = 1024, MANY = 20000 };

static struct plx_pool *pool;
static void *mem;
static struct plx_port *ports[PLX_PORTS_MAX];

static int up(void **state)
{
	struct plx_pool_conf c = { .name = "loop", .frames = FRAMES, .node = -1 };

	(void)state;
	memset(ports, 0, sizeof(ports));
	mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) & ~(size_t)4095);
	return mem ? plx_pool_init(&pool, mem, &c) : -1;
}

static int down(void **state)
{
	(void)state;
	for (int i = 0; i < PLX_PORTS_MAX; i++) {
		plx_port_close(ports[i]);
		ports[i] = NULL;
	}
	assert_int_equal(plx_pool_avail(pool), FRAMES);
	free(plx_pool_fini(pool));
	return 0;
}

static struct plx_port *make(int slot, const char *name, const char *peer, uint16_t queues)
{
	struct plx_port_conf c = plx_port_conf_default;

	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.peer, sizeof(c.peer), "%s", peer);
	strcpy(c.driver, "loop");
	c.rxqs = queues;
	c.no_rx = !queues;
	c.txqs = queues ? queues : 1;
	c.rxd = 64;
	c.pool = pool;
	c.ports = ports;
	c.id = (uint8_t)slot;
	assert_int_equal(plx_port_open(&ports[slot], &c), 0);
	return ports[slot];
}

/* True if one packet goes from queue q of a to queue r of b, as the same mbuf. */
static bool crosses(struct plx_port *a, uint16_t q, struct plx_port *b, uint16_t r)
{
	struct plx_mbuf *m = plx_mbuf_get(pool), *got = NULL;

	plx_mbuf_append(m, 60);
	if (plx_tx_burst(plx_port_txq(a, q), &m, 1) != 1) {
		plx_mbuf_put(m);
		return false;
	}
	bool ok = plx_rx_burst(plx_port_rxq(b, r), &got, 1) == 1 && got == m && got->queue == r && got->port == b->id;
	plx_mbuf_put(got);
	return ok;
}

static void test_itself(void **state)
{
	struct plx_port *a = make(0, "a", "", 3);

	(void)state;
	assert_int_equal(plx_port_link(a), PLX_LINK_DOWN);
	assert_int_equal(plx_port_start(a), 0);
	assert_int_equal(plx_port_link(a), PLX_LINK_UP);
	for (uint16_t i = 0; i < 3; i++)
		assert_true(crosses(a, i, a, i));
}

static void test_any_order(void **state)
{
	(void)state;
	for (int order = 0; order < 4; order++) {
		struct plx_port *a, *b;
		if (order & 1) {
			b = make(1, "b", "a", 2);
			a = make(0, "a", "b", 2);
		} else {
			a = make(0, "a", "b", 2);
			b = make(1, "b", "a", 2);
		}
		plx_port_start(order & 2 ? b : a);
		assert_int_equal(plx_port_link(a), PLX_LINK_DOWN);
		assert_false(crosses(a, 0, b, 0));
		plx_port_start(order & 2 ? a : b);
		assert_true(crosses(a, 0, b, 0) && crosses(a, 1, b, 1) && crosses(b, 1, a, 1));
		plx_port_close(ports[order & 1]);
		ports[order & 1] = NULL;
		struct plx_port *left = ports[!(order & 1)];
		assert_int_equal(plx_port_link(left), PLX_LINK_DOWN);
		plx_port_close(left);
		ports[!(order & 1)] = NULL;
	}
}

/* The receiver closes with frames waiting, comes back as another port of the same name,
   twice; the sender stays all the time. */
static void test_peer_returns(void **state)
{
	struct plx_port *a = make(0, "a", "b", 1);

	(void)state;
	plx_port_start(a);
	for (int i = 0; i < 3; i++) {
		struct plx_mbuf *m = plx_mbuf_get(pool);
		struct plx_port *b = make(1, "b", "b", 1);
		plx_port_start(b);
		assert_true(crosses(a, 0, b, 0));
		plx_mbuf_append(m, 60);
		assert_int_equal(plx_tx_burst(plx_port_txq(a, 0), &m, 1), 1);
		plx_port_close(b);
		ports[1] = NULL;
		assert_int_equal(plx_pool_avail(pool), FRAMES); /* the waiting frame too */
		assert_int_equal(plx_port_link(a), PLX_LINK_DOWN);
	}
}

/* More senders than receive queues: all arrive. */
static void test_many_to_one(void **state)
{
	struct plx_port *a = make(0, "a", "c", 4), *b = make(1, "b", "c", 4), *c = make(2, "c", "c", 2);

	(void)state;
	plx_port_start(a);
	plx_port_start(b);
	plx_port_start(c);
	for (uint16_t i = 0; i < 4; i++)
		assert_true(crosses(a, i, c, i % 2) && crosses(b, i, c, i % 2));
}

static void test_unknown_peer(void **state)
{
	struct plx_port_conf c = plx_port_conf_default;
	struct plx_port *p;

	(void)state;
	strcpy(c.name, "a");
	strcpy(c.peer, "b");
	strcpy(c.driver, "loop");
	c.pool = pool;
	assert_int_equal(plx_port_open(&p, &c), -EINVAL); /* nowhere to look it up */
	assert_null(p);
	struct plx_port *a = make(0, "a", "nobody", 1);
	assert_int_equal(plx_port_start(a), 0);
	assert_int_equal(plx_port_link(a), PLX_LINK_DOWN);
}

/* The sender waits for each packet to be received, so that no later one hides a lost
   wake-up. */
struct shared { struct plx_port *a; uint32_t lost, woken, got; };

static void *sleeper(void *arg)
{
	struct shared *sh = arg;
	struct plx_rxq *q = plx_port_rxq(sh->a, 0);
	const struct plx_driver *d = sh->a->drv;

	for (uint32_t got = 0; got < MANY;) {
		struct plx_mbuf *m[8];
		uint16_t n = plx_rx_burst(q, m, 8);
		plx_mbuf_put_bulk(m, n);
		got += n;
		__atomic_store_n(&sh->got, got, __ATOMIC_RELEASE);
		if (got == MANY || d->rx_arm(q) > 0) /* straight to sleep: the next one may come right now */
			continue;
		struct pollfd fd = { d->rx_fd(q), POLLIN, 0 };
		if (poll(&fd, 1, 30000) != 1) {
			__atomic_store_n(&sh->lost, 1, __ATOMIC_RELAXED);
			return NULL;
		}
		sh->woken++;
		d->rx_disarm(q);
	}
	return NULL;
}

static void test_wake(void **state)
{
	struct shared sh = { .a = make(0, "a", "", 1) };
	pthread_t t;

	(void)state;
	plx_port_start(sh.a);
	assert_int_equal(pthread_create(&t, NULL, sleeper, &sh), 0);
	for (uint32_t i = 0; i < MANY && !__atomic_load_n(&sh.lost, __ATOMIC_RELAXED); i++) {
		struct plx_mbuf *m = plx_mbuf_get(pool);
		plx_mbuf_append(m, 60);
		assert_int_equal(plx_tx_burst(plx_port_txq(sh.a, 0), &m, 1), 1);
		for (int spin = 0;
		     __atomic_load_n(&sh.got, __ATOMIC_ACQUIRE) <= i && !__atomic_load_n(&sh.lost, __ATOMIC_RELAXED);)
			if (++spin % 2000) /* fast, to meet the receiver between its poll and its sleep */
				plx_pause();
			else
				sched_yield();
	}
	pthread_join(t, NULL);
	assert_int_equal(sh.lost, 0);
	assert_true(sh.woken > 0);
	print_message("%u packets, %u wake-ups\n", MANY, sh.woken);
}

/* The link goes up and down under a running sender and a running receiver. */
struct flap { struct plx_port *a, *b; bool end; uint32_t sent, got; };

static void *flap_send(void *arg)
{
	struct flap *f = arg;

	while (!__atomic_load_n(&f->end, __ATOMIC_RELAXED)) {
		struct plx_mbuf *m = plx_mbuf_get(pool);
		if (!m)
			continue;
		plx_mbuf_append(m, 60);
		if (!plx_tx_burst(plx_port_txq(f->a, 0), &m, 1))
			plx_mbuf_put(m);
	}
	return NULL;
}

static void *flap_receive(void *arg)
{
	struct flap *f = arg;
	struct plx_mbuf *m[8];

	while (!__atomic_load_n(&f->end, __ATOMIC_RELAXED))
		plx_mbuf_put_bulk(m, plx_rx_burst(plx_port_rxq(f->b, 0), m, 8));
	return NULL;
}

static void test_flap(void **state)
{
	struct flap f = { .a = make(0, "a", "b", 1), .b = make(1, "b", "a", 1) };
	pthread_t s, r;

	(void)state;
	plx_port_start(f.a);
	assert_int_equal(pthread_create(&s, NULL, flap_send, &f), 0);
	assert_int_equal(pthread_create(&r, NULL, flap_receive, &f), 0);
	for (int i = 0; i < 300; i++) {
		plx_port_start(f.b);
		plx_sys_sleep(&plx_sys_linux, 100000); /* let them run between two changes */
		plx_port_stop(f.b);
	}
	__atomic_store_n(&f.end, true, __ATOMIC_RELAXED);
	pthread_join(s, NULL);
	pthread_join(r, NULL);
	assert_true(plx_ctr_read(&plx_port_txq(f.a, 0)->stats.pkts) > 0);
}

/* A port that only sends, to itself or to another such one. */
static void test_nobody_receives(void **state)
{
	struct plx_port *c = make(2, "c", "", 1);

	(void)state;
	make(0, "a", "", 0);
	make(1, "b", "a", 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(plx_port_start(ports[i]), 0);
		assert_int_equal(plx_port_link(ports[i]), PLX_LINK_DOWN);
		assert_false(crosses(ports[i], 0, c, 0));
	}
	assert_int_equal(plx_port_start(c), 0);
	assert_true(crosses(c, 0, c, 0));
	for (int i = 0; i < 3; i++) { /* each is none of the ports once it is closed */
		plx_port_close(ports[i]);
		ports[i] = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_itself, up, down),
		cmocka_unit_test_setup_teardown(test_any_order, up, down),
		cmocka_unit_test_setup_teardown(test_peer_returns, up, down),
		cmocka_unit_test_setup_teardown(test_many_to_one, up, down),
		cmocka_unit_test_setup_teardown(test_unknown_peer, up, down),
		cmocka_unit_test_setup_teardown(test_nobody_receives, up, down),
		cmocka_unit_test_setup_teardown(test_wake, up, down),
		cmocka_unit_test_setup_teardown(test_flap, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

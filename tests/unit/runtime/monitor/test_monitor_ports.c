/* SPDX-License-Identifier: MIT */
/* test_monitor_ports.c - samples of ports, queues and pools, by drivers that answer, that do not, and that answer
   late. */
#include "monitor_util.h"

static int fake_attached;
static int fake_queues;

static int attached_of(struct plx_port *p)
{
	(void)p;
	return fake_attached;
}

static int passed_of(struct plx_port *p, uint64_t *n, int queues)
{
	(void)p;
	for (int q = 0; q < queues && q < fake_queues; q++)
		n[q] = 100u + (unsigned)q;
	return fake_queues;
}

static void lost_of(struct plx_port *p, uint16_t i, uint64_t *n)
{
	(void)p;
	n[PLX_RX_DROP_ring_full] += i ? 60 : 40;
	n[PLX_RX_DROP_kernel] += i ? 3 : 0;
}

static bool offered_of(struct plx_port *p, uint16_t i, uint64_t *n)
{
	(void)p;
	*n = i ? 169 : 1000;
	return i;
}

static void held_of(const struct plx_port *p, uint32_t *rx, uint32_t *tx)
{
	(void)p;
	*rx += 30;
	*tx += 4;
}

static const struct plx_driver full = { .name = "full", .held = held_of, .attached = attached_of, .passed = passed_of,
                                        .lost = lost_of, .offered = offered_of };
static const struct plx_driver bare = { .name = "bare" };

static int answer_of(struct plx_port *p)
{
	struct monitor_answer a;

	monitor_ask_port(&a, p);
	return a.attached;
}

static void test_sample_of_ports(void **state)
{
	struct plx_rxq q[2] = { { .hwq = 1 }, { .hwq = 2 } }, *rxq[2] = { &q[0], &q[1] };
	struct plx_txq txq = { .id = 0 }, *txqs[1] = { &txq };
	struct plx_port port = { .drv = &full, .sys = &root_sys, .name = "eth0", .nrx = 2, .rxq = rxq, .ntx = 1,
	                         .txq = txqs, .link = PLX_LINK_UP };
	const struct monitor_port *o = &t.sample[0].port[0];

	(void)state;
	port.conf.queue = 1;
	port.info.rxd = 256;
	q[1].stats.pkts = 90;
	q[0].stats.drop[PLX_RX_DROP_ring_full] = 5;
	q[1].stats.drop[PLX_RX_DROP_ring_full] = 6;
	env.ports[0] = &port;
	env.nports = 1;
	fake_attached = 1;
	fake_queues = 4;
	put("1\n", "/proc/irq/24/effective_affinity_list");
	put("2-3\n", "/proc/irq/25/effective_affinity_list"); /* the planned CPU is one of them */
	txq.stats.stop[PLX_STOP_ring_full] = 8;
	txq.stats.pkts = 70;
	txq.err = -ENETDOWN;
	monitor_take(&t.sample[0], &env, S);
	assert_true(o->up && o->ntx == 1 && o->txq[0].err == -ENETDOWN && o->txq[0].pkts == 70);
	assert_int_equal(o->txq[0].stop[PLX_STOP_ring_full], 8);
	assert_true(o->there && o->attached == -1 && o->first == 1 && o->nrx == 2); /* that is asked elsewhere */
	assert_int_equal(answer_of(&port), 1);
	assert_int_equal(o->queues, 4);
	assert_int_equal(o->passed[3], 103);
	assert_int_equal(o->rx_drop[PLX_RX_DROP_ring_full], 111); /* those that the kernel dropped, too */
	assert_int_equal(o->rx_drop[PLX_RX_DROP_kernel], 3);
	assert_int_equal(o->ring, 256 + PLX_BURST_MAX);
	assert_int_equal(o->astray[0], 0);       /* not told */
	assert_int_equal(o->astray[1], 169 - 90 - 6 - 60 - 3);
	assert_int_equal(o->polled_by[1], -1);
	assert_int_equal(o->irq_cpu[0], 1);
	assert_int_equal(o->irq_cpu[1], 3);
	assert_int_equal(o->irq_cpu[2], -1);
	fake_attached = -EBADF;
	fake_queues = PLX_QUEUES_MAX + 100;
	put("2\n", "/proc/irq/24/smp_affinity_list"); /* moved, and no interrupt has come since */
	put("3\n", "/proc/irq/25/smp_affinity_list");
	monitor_take(&t.sample[0], &env, S);
	assert_int_equal(o->irq_cpu[0], 2);
	assert_int_equal(o->irq_cpu[1], 3);
	put("x\n", "/proc/irq/24/effective_affinity_list");
	put("", "/proc/irq/24/smp_affinity_list");
	put("\n", "/proc/irq/25/effective_affinity_list");
	put("", "/proc/irq/25/smp_affinity_list");
	monitor_take(&t.sample[0], &env, S);
	assert_int_equal(answer_of(&port), -1);
	assert_int_equal(o->queues, PLX_QUEUES_MAX);
	assert_int_equal(o->irq_cpu[0], -1);
	assert_int_equal(o->irq_cpu[1], -1);
	port.drv = &bare;
	monitor_take(&t.sample[0], &env, S);
	assert_int_equal(answer_of(&port), -1);
	assert_int_equal(o->queues, 0);
	port.drv = &full;
	port.link = PLX_LINK_REMOVED; /* nothing is asked of what is gone */
	fake_attached = 0;
	monitor_take(&t.sample[0], &env, S);
	assert_true(!o->there && answer_of(&port) == -1);
}

/* A pool with one frame taken and the rest in magazines, and then all of them in one lcore's cache. */
static void test_sample_of_pools(void **state)
{
	struct plx_pool_conf c = { .name = "t-0", .frames = 600, .caches = 1, .node = -1 };
	struct plx_rxq q = { .id = 0 }, *rxq[1] = { &q };
	struct plx_txq txq = { .id = 0 }, *txqs[1] = { &txq };
	struct plx_port port = { .drv = &full, .sys = &root_sys, .name = "eth0", .nrx = 1, .rxq = rxq, .ntx = 1,
	                         .txq = txqs };
	const struct monitor_pool *o = &t.sample[0].pool[0];
	void *mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) / 4096 * 4096);
	struct plx_mbuf *m[600];

	(void)state;
	assert_int_equal(plx_pool_init(&port.pool, mem, &c), 0);
	env.ports[0] = &port;
	env.nports = env.npools = 1;
	env.pools[0] = port.pool;
	q.stats.pool_waits = 1;
	txq.stats.drop[PLX_TX_DROP_no_mbuf] = 2;
	txq.stats.stop[PLX_STOP_no_mbuf] = 3;
	plx_self.slot = 1;
	assert_int_equal(plx_pool_take(port.pool, m, 1), 1);
	monitor_take(&t.sample[0], &env, S);
	assert_true(t.sample[0].npools == 1 && !strcmp(o->name, "t-0") && o->frames == 600 && o->free == 599 &&
	            !o->dry);
	assert_true(o->rx == 30 && o->tx == 4 && o->starved == 6);
	assert_int_equal(plx_pool_take(port.pool, m + 1, 599), 599);
	plx_pool_give(port.pool, m, 500);
	monitor_take(&t.sample[0], &env, S);
	assert_true(o->free == 500 && o->dry);
	plx_pool_give(port.pool, m + 500, 100);
	plx_self.slot = 0;
	free(mem);
}

/* A driver whose answer the kernel holds back holds nobody but the thread that asked. */
static int held, asks;

static int attached_late(struct plx_port *p)
{
	(void)p;
	__atomic_add_fetch(&asks, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&held, __ATOMIC_RELAXED))
		sched_yield();
	return 1;
}

static void test_answers_held_back(void **state)
{
	static const struct plx_driver late = { .name = "late", .attached = attached_late };
	struct plx_port port = { .drv = &late, .sys = &root_sys, .name = "eth0", .link = PLX_LINK_UP };
	struct monitor_sample *s = &t.sample[0];

	(void)state;
	env.sys = port.sys = &plx_sys_linux;
	env.ports[0] = &port;
	env.nports = 1;
	s->nports = 1;
	held = 1;
	asks = 0;
	assert_int_equal(monitor_ask_open(&t.ask, &env), 0);
	for (int i = 0; i < 3 || !__atomic_load_n(&asks, __ATOMIC_RELAXED); i++) {
		s->port[0] = (struct monitor_port){ .there = true, .attached = 0 };
		monitor_ask_take(&t.ask, s);
		assert_int_equal(s->port[0].attached, -1); /* not told */
		sched_yield();
	}
	assert_int_equal(__atomic_load_n(&asks, __ATOMIC_RELAXED), 1); /* one question at a time */
	__atomic_store_n(&held, 0, __ATOMIC_RELAXED);
	while (s->port[0].attached != 1)
		monitor_ask_take(&t.ask, s);
	s->port[0].there = false; /* an old answer about what is gone is none */
	monitor_ask_take(&t.ask, s);
	assert_int_equal(s->port[0].attached, -1);
	monitor_ask_close(&t.ask);
	port.drv = &bare; /* nothing to ask: no thread */
	assert_int_equal(monitor_ask_open(&t.ask, &env), 0);
	assert_false(t.ask.spawned);
	monitor_ask_close(&t.ask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_sample_of_ports), F(test_sample_of_pools), F(test_answers_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

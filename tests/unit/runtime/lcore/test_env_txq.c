/* SPDX-License-Identifier: MIT */
/* test_env_txq.c - plx_env_txq: lcores that share a port of one transmit queue lose nothing, an owner that
   sleeps is woken, what is left at the end is counted and given back; and a second user of a queue is
   found out. */
#include "lcore_util.h"
#include "driver_impl.h"

#define ON(id, ...) (&(struct plx_poller_conf){ .lcore = id, __VA_ARGS__ })

enum { SENDERS = 3, EACH = 20000 };

/* What one lcore sends: packets that carry its number and a sequence number. */
struct sender {
	struct plx_txq *tx;
	plx_ctr  sent;
	uint64_t limit;         /* atomic */
	uint32_t number;
};

static int sender_poll(void *arg)
{
	struct sender *s = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint64_t left = __atomic_load_n(&s->limit, __ATOMIC_RELAXED) - plx_ctr_read(&s->sent);
	uint16_t n = plx_mbuf_get_bulk(s->tx->pool, m, left < PLX_BURST ? (uint16_t)left : PLX_BURST), k;

	for (uint16_t i = 0; i < n; i++) {
		uint8_t *to = plx_mbuf_append(m[i], 60);

		memset(to, 0, 60);
		memcpy(to + 16, &s->number, sizeof(s->number));
		memcpy(to + 20, &(uint32_t){ (uint32_t)plx_ctr_read(&s->sent) + i }, sizeof(uint32_t));
	}
	k = n ? plx_tx_burst(s->tx, m, n) : 0;
	plx_mbuf_put_bulk(m + k, (uint16_t)(n - k));
	plx_ctr_add(&s->sent, k);
	return k;
}

struct catch { struct plx_rxq *rx; plx_ctr got[SENDERS], wrong; };

static int sink_poll(void *arg)
{
	struct catch *s = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(s->rx, m, PLX_BURST);

	for (uint16_t i = 0; i < n; i++) {
		uint32_t who, seq;

		memcpy(&who, m[i]->data + 16, sizeof(who));
		memcpy(&seq, m[i]->data + 20, sizeof(seq));
		plx_ctr_add(&s->wrong, who >= SENDERS || seq != plx_ctr_read(&s->got[who]));
		if (who < SENDERS)
			plx_ctr_add(&s->got[who], 1);
	}
	plx_mbuf_put_bulk(m, n);
	return n;
}

/* Three lcores, a port "a" of one transmit queue to "b"; what is sent, and by whom. */
struct bed {
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_env *env;
	struct plx_port *a, *b;
	struct sender s[SENDERS];
	struct catch sink;
	struct runner r;
	struct plx_lcore *owner;
};

static void bed_open(struct bed *b, enum plx_idle idle, bool sink)
{
	memset(b, 0, sizeof(*b));
	test_conf(&b->c, &b->k, SENDERS, "a,driver=loop,peer=b,rxqs=1,txqs=1", "b,driver=loop,peer=a,rxqs=1,rxd=256",
	          NULL);
	b->c.idle = idle;
	b->env = test_open(&b->c, &b->k);
	b->a = plx_env_port(b->env, 0);
	b->b = plx_env_port(b->env, 1);
	b->owner = plx_env_rxq_lcore(b->env, plx_port_rxq(b->a, 0));
	b->sink.rx = plx_port_rxq(b->b, 0);
	for (uint16_t i = 0; i < SENDERS; i++) {
		b->s[i] = (struct sender){ .tx = plx_env_txq(b->env, b->a, i), .number = i };
		assert_non_null(b->s[i].tx);
		assert_int_equal(
			plx_poller_add(b->env,
		                       &(struct plx_poller_conf){ .name = "send",
		                                                  .fn = sender_poll,
		                                                  .arg = &b->s[i],
		                                                  .lcore = i,
		                                                  .period_ns = idle == PLX_IDLE_BUSY ? 0 : 20000 }),
			0);
	}
	if (sink)
		assert_int_equal(
			plx_poller_add(b->env, PLX_POLLER(.fn = sink_poll, .arg = &b->sink, .rxq = b->sink.rx)), 0);
}

static void bed_limit(struct bed *b, uint64_t limit)
{
	for (unsigned i = 0; i < SENDERS; i++)
		__atomic_store_n(&b->s[i].limit, limit, __ATOMIC_RELAXED);
}

/* Ends it; every frame must be back in the pool. */
static void bed_close(struct bed *b)
{
	plx_env_fini(b->env);
	assert_false(kept_has(&b->k, "were not put back"));
}

static uint64_t got(const struct bed *b)
{
	return plx_ctr_read(&b->sink.got[0]) + plx_ctr_read(&b->sink.got[1]) + plx_ctr_read(&b->sink.got[2]);
}

static void test_answers(void **state)
{
	(void)state;
	struct bed b;
	unsigned own = 0;
	struct kept_log k2;
	struct plx_env_conf c2;

	bed_open(&b, PLX_IDLE_BUSY, true);
	for (uint16_t i = 0; i < SENDERS; i++) {
		assert_ptr_equal(plx_env_txq(b.env, b.a, i), b.s[i].tx);
		assert_int_equal(plx_lcore_id(plx_env_txq_lcore(b.env, b.s[i].tx)), i);
		own += b.s[i].tx == plx_port_txq(b.a, 0);
		for (uint16_t j = 0; j < i; j++)
			assert_ptr_not_equal(b.s[i].tx, b.s[j].tx);
	}
	assert_int_equal(own, 1);
	assert_ptr_equal(b.s[plx_lcore_id(b.owner)].tx, plx_port_txq(b.a, 0));
	assert_null(plx_env_txq(b.env, b.a, 77));
	assert_true(kept_has(&b.k, "a: there is no lcore 77"));
	test_conf(&c2, &k2, 1, "x,driver=loop", NULL);
	struct plx_env *other = test_open(&c2, &k2);

	assert_null(plx_env_txq(b.env, plx_env_port(other, 0), 0));
	assert_null(plx_env_txq_lcore(b.env, plx_port_txq(plx_env_port(other, 0), 0)));
	assert_true(kept_has(&b.k, "none of this environment"));
	plx_env_fini(other);
	bed_close(&b);
}

/* Another thread than main's may not have a queue made while it runs. */
static void test_wrong_thread(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct spin s = { 0 };

	test_conf(&c, &k, 2, "a,driver=loop,rxqs=1,txqs=1", NULL);
	struct plx_env *env = test_open(&c, &k);
	const uint16_t owner = plx_lcore_id(plx_env_rxq_lcore(env, plx_port_rxq(plx_env_port(env, 0), 0)));

	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = spin_poll, .arg = &s)), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&s.calls));
	assert_null(plx_env_txq(env, plx_env_port(env, 0), !owner));
	wait_for(kept_has(&k, "do it in a timer"));
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

static void all_arrive(enum plx_idle idle, uint64_t each)
{
	struct plx_port_stats st;
	struct bed b;

	bed_open(&b, idle, true);
	bed_limit(&b, each);
	runner_start(&b.r, b.env);
	wait_for(got(&b) == SENDERS * each);
	assert_int_equal(runner_stop(&b.r, 0), 0);
	assert_int_equal(plx_ctr_read(&b.sink.wrong), 0);
	plx_port_stats(b.a, &st);
	assert_int_equal(st.tx.pkts, SENDERS * each);
	assert_int_equal(st.tx.bytes, SENDERS * each * 60);
	assert_int_equal(st.tx.users, 0);
	for (unsigned i = 0; i < SENDERS; i++) {
		const struct plx_txq_stats *own = &b.s[i].tx->stats;

		if (b.s[i].tx == plx_port_txq(b.a, 0))
			continue;
		assert_int_equal(plx_ctr_read(&own->pkts), each);
		assert_int_equal(plx_ctr_read(&own->bytes), each * 60);
		assert_true(plx_ctr_read(&own->bursts) >= each / PLX_BURST);
		assert_int_equal(plx_ctr_read(&own->users), 0);
	}
	bed_close(&b);
}

static void test_all_arrive(void **state)
{
	(void)state;
	all_arrive(PLX_IDLE_BUSY, EACH);
	all_arrive(PLX_IDLE_ADAPTIVE, EACH);
	all_arrive(PLX_IDLE_INTERRUPT, EACH / 4);
}

/* Full from now on, if nobody takes anything behind it any more. */
static void wait_full(const struct plx_txq *q)
{
	const uint64_t was = plx_ctr_read(&q->stats.stop[PLX_STOP_ring_full]);

	wait_for(plx_ctr_read(&q->stats.stop[PLX_STOP_ring_full]) > was + 10);
}

/* Nobody receives: wire, what is held and ring run full, and the senders take their tails back. */
static void test_left_at_the_end(void **state)
{
	(void)state;
	struct plx_port_stats st;
	struct bed b;
	uint64_t put = 0, closed = 0;

	bed_open(&b, PLX_IDLE_BUSY, false);
	bed_limit(&b, 1000000);
	runner_start(&b.r, b.env);
	wait_full(plx_port_txq(b.a, 0)); /* the wire first */
	for (unsigned i = 0; i < SENDERS; i++)
		wait_full(b.s[i].tx);
	assert_int_equal(runner_stop(&b.r, 0), 0);
	for (unsigned i = 0; i < SENDERS; i++) {
		put += plx_ctr_read(&b.s[i].sent);
		if (b.s[i].tx != plx_port_txq(b.a, 0))
			closed += plx_ctr_read(&b.s[i].tx->stats.drop[PLX_TX_DROP_closed]);
	}
	plx_port_stats(b.a, &st);
	assert_true(closed >= 2 * PLAN_TXQ_RING);
	assert_int_equal(st.tx.drop[PLX_TX_DROP_closed], closed);
	assert_int_equal(st.tx.pkts + closed, put);
	wait_for(kept_has(&b.k, "were still to be sent at the end"));
	/* and once more: the queues are as they were */
	runner_start(&b.r, b.env);
	wait_for(plx_ctr_read(&b.s[!plx_lcore_id(b.owner)].sent) > 0);
	assert_int_equal(runner_stop(&b.r, 0), 0);
	bed_close(&b);
}

/* A link that goes down takes what waits for it; the senders keep theirs. */
static void test_link_down(void **state)
{
	(void)state;
	struct bed b;

	bed_open(&b, PLX_IDLE_BUSY, false);
	struct sender *s = &b.s[!plx_lcore_id(b.owner)];

	__atomic_store_n(&s->limit, 100000, __ATOMIC_RELAXED);
	runner_start(&b.r, b.env);
	wait_full(plx_port_txq(b.a, 0));
	wait_full(s->tx);
	plx_port_set_link(b.a, PLX_LINK_DOWN);
	wait_for(plx_ctr_read(&s->tx->stats.stop[PLX_STOP_link_down]) > 0);
	wait_for(plx_ctr_read(&s->sent) == plx_ctr_read(&plx_port_txq(b.a, 0)->stats.pkts) +
	         plx_ctr_read(&s->tx->stats.drop[PLX_TX_DROP_device]));
	assert_true(plx_ctr_read(&s->tx->stats.drop[PLX_TX_DROP_device]) >= PLAN_TXQ_RING);
	assert_int_equal(runner_stop(&b.r, 0), 0);
	assert_int_equal(plx_ctr_read(&s->tx->stats.drop[PLX_TX_DROP_closed]), 0);
	bed_close(&b);
}

static bool dozes(const struct plx_lcore *l)
{
	return lcore_dozes(l);
}

/* The owner has nothing but the others' packets to do: it sleeps until there is one, and wakes for each. */
static void test_owner_wakes(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_lcore_stats before, after;
	struct echo e = { 0 };
	struct runner r;

	test_conf(&c, &k, 2, "a,driver=loop,peer=b,rxqs=1,txqs=1", "b,driver=loop,peer=a,rxqs=1,txqs=2", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	struct plx_lcore *owner = plx_env_rxq_lcore(env, plx_port_rxq(plx_env_port(env, 0), 0));
	const uint16_t other = !plx_lcore_id(owner);
	struct sender s = { .tx = plx_env_txq(env, plx_env_port(env, 0), other) };

	e.rx = plx_port_rxq(plx_env_port(env, 1), 0);
	assert_int_equal(plx_poller_add(env, ON(other, .fn = echo_poll, .arg = &e, .rxq = e.rx)), 0);
	assert_int_equal(plx_poller_add(env, ON(other, .fn = sender_poll, .arg = &s)), 0);
	runner_start(&r, env);
	wait_for(dozes(owner));
	plx_lcore_stats(owner, &before);
	plx_sys_sleep(&plx_sys_linux, 200 * MS); /* the silence that is measured */
	plx_lcore_stats(owner, &after);
	assert_true(after.sleeps <= before.sleeps + 2); /* not once a millisecond, as beside a poller without a queue */
	for (uint64_t n = 1; n <= 3000; n++) {
		if (n < 50)
			wait_for(dozes(owner));
		__atomic_store_n(&s.limit, n, __ATOMIC_RELAXED);
		wait_for(__atomic_load_n(&e.got, __ATOMIC_ACQUIRE) == n);
	}
	plx_lcore_stats(owner, &after);
	assert_true(after.wakes >= before.wakes + 40);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* The owner's own pollers come first in its rounds, in whatever order they were added. */
static void test_order(void **state)
{
	(void)state;
	struct bed b;
	struct spin s = { 0 };
	struct lcore_set *set;

	bed_open(&b, PLX_IDLE_BUSY, true);
	assert_int_equal(plx_poller_add(b.env, ON(plx_lcore_id(b.owner), .fn = spin_poll, .arg = &s)), 0);
	assert_int_equal(lcore_set_make(&set, b.owner, NULL, NULL), 0);
	for (unsigned i = 0; i < set->npollers; i++)
		assert_int_equal(set->poller[i]->own, i >= set->npollers - 2u);
	assert_non_null(strstr(set->poller[set->npollers - 1]->name, "a txq 0 for lcore "));
	lcore_set_free(b.owner, set, NULL);
	bed_close(&b);
}

/* ---- a second user ---- */

struct mover { struct plx_poller *p; struct plx_env *env; uint16_t to; plx_ctr moves; };

static int move_timer(void *arg)
{
	struct mover *m = arg;

	m->to = !m->to;
	plx_ctr_add(&m->moves, !plx_poller_move(m->p, m->to));
	return 0;
}

/* A queue that goes with its poller is handed over each time. */
static void test_moves_are_no_sharing(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct mover m = { 0 };
	struct echo e = { 0 };
	struct runner r;

	test_conf(&c, &k, 2, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct sender s = { .tx = plx_port_txq(plx_env_port(env, 0), 0), .limit = UINT64_MAX };

	m.env = env;
	e.rx = plx_port_rxq(plx_env_port(env, 0), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = echo_poll, .arg = &e, .rxq = e.rx)), 0);
	assert_int_equal(plx_poller_add_get(&m.p, env, ON(0, .fn = sender_poll, .arg = &s)), 0);
	assert_int_equal(plx_env_timer(env, 5 * MS, move_timer, &m), 0);
	runner_start(&r, env);
	wait_for(plx_ctr_read(&m.moves) > 20);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_true(plx_ctr_read(&e.got) > 0);
	assert_int_equal(plx_ctr_read(&s.tx->stats.users), 0);
	plx_env_fini(env);
}

#ifndef PLX_HARDENED /* there it ends the process: test_hardened.c */
/* A timer of main goes into a burst beside the lcore, ten times a second, though not beyond the part that is
   meant for several threads. */
static int beside_timer(void *arg)
{
	struct sender *s = arg;

	plx_tx_enter(s->tx, NULL, 0);
	return 0;
}

static void test_sharing_is_found(void **state)
{
	(void)state;
	struct bed b;

	bed_open(&b, PLX_IDLE_BUSY, true);
	assert_int_equal(plx_env_timer(b.env, 100 * MS, beside_timer, &b.s[plx_lcore_id(b.owner)]), 0);
	bed_limit(&b, UINT64_MAX);
	runner_start(&b.r, b.env);
	wait_for(kept_has(&b.k, "shared_txq"));
	assert_true(kept_has(&b.k, "a transmit queue 0"));
	assert_true(kept_has(&b.k, "plx_env_txq(env, port, lcore)"));
	assert_int_equal(runner_stop(&b.r, 0), 0);
	bed_close(&b);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_wrong_thread),
		cmocka_unit_test(test_all_arrive),
		cmocka_unit_test(test_left_at_the_end),
		cmocka_unit_test(test_link_down),
		cmocka_unit_test(test_owner_wakes),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_moves_are_no_sharing),
#ifndef PLX_HARDENED
		cmocka_unit_test(test_sharing_is_found),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

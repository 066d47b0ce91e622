/* SPDX-License-Identifier: MIT */
/* test_poller_live.c - pollers that come, go and move while lcores run: no call after the end, no
   two calls at once, no packet lost, no doorbell forgotten, and no queue kept. */
#include "env_util.h"
#include "doorbell.h"

/* What the main thread goes through: step after step, each until it returns true. */
struct script { struct plx_env *env; bool (*step)(struct script *s, unsigned n); unsigned at, steps; void *arg; };

static int script_run(void *arg)
{
	struct script *s = arg;

	if (s->at < s->steps && s->step(s, s->at))
		s->at++;
	if (s->at < s->steps)
		return 0;
	plx_env_stop(s->env, 0);
	return 1;
}

static void play(struct script *s, uint64_t every_ns)
{
	assert_int_equal(plx_env_timer(s->env, every_ns, script_run, s), 0);
	assert_int_equal(plx_env_run(s->env), 0);
}

/* ---- a poller that proves it runs alone, and where ---- */

struct lone { plx_ctr calls; int in; int gone; struct plx_lcore *on; plx_ctr wrong; int ret; };

static int lone_poll(void *arg)
{
	struct lone *l = arg;

	plx_ctr_add(&l->wrong,
	            __atomic_exchange_n(&l->in, 1, __ATOMIC_RELAXED) || __atomic_load_n(&l->gone, __ATOMIC_RELAXED));
	__atomic_store_n(&l->on, plx_lcore_self(), __ATOMIC_RELAXED);
	plx_ctr_add(&l->calls, 1);
	__atomic_store_n(&l->in, 0, __ATOMIC_RELAXED);
	return l->ret;
}

static struct plx_poller *lone_add(struct plx_env *env, struct lone *l, const char *name, int lcore)
{
	struct plx_poller *p;

	assert_int_equal(
		plx_poller_add_get(
			&p, env, &(struct plx_poller_conf){ .name = name, .fn = lone_poll, .arg = l, .lcore = lcore }),
		0);
	return p;
}

static enum plx_lcore_state state_of(struct plx_env *env, uint16_t i)
{
	struct plx_lcore_stats s;

	plx_lcore_stats(plx_env_lcore(env, i), &s);
	return s.state;
}

/* ---- moves under traffic ---- */

struct wire {
	struct plx_env *env;
	struct plx_txq *tx;
	struct plx_rxq *rx;
	struct plx_poller *taker;
	plx_ctr sent, got, out_of_order;
	int stop;              /* atomic: the sender is to end */
	struct lone alone;
	uint64_t moves;
};

static int wire_send(void *arg)
{
	struct wire *w = arg;
	struct plx_mbuf *m[8];
	uint16_t n = 0;

	if (__atomic_load_n(&w->stop, __ATOMIC_RELAXED) || plx_ctr_read(&w->sent) - plx_ctr_read(&w->got) > 200)
		return 0;
	while (n < 8 && (m[n] = plx_mbuf_get(w->tx->pool))) {
		uint64_t seq = w->sent + n;

		memset(plx_mbuf_append(m[n], 60), 0, 60);
		memcpy(m[n++]->data + 14, &seq, sizeof(seq));
	}
	uint16_t k = plx_tx_burst(w->tx, m, n);

	plx_ctr_add(&w->sent, k);
	plx_mbuf_put_bulk(m + k, n - k);
	return k;
}

static int wire_take(void *arg)
{
	struct wire *w = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint64_t seq;

	lone_poll(&w->alone);
	uint16_t n = plx_rx_burst(w->rx, m, PLX_BURST);

	for (uint16_t i = 0; i < n; i++) {
		memcpy(&seq, m[i]->data + 14, sizeof(seq));
		plx_ctr_add(&w->out_of_order, seq != w->got + i);
	}
	plx_ctr_add(&w->got, n);
	plx_mbuf_put_bulk(m, n);
	return n;
}

static bool wire_move(struct script *s, unsigned n)
{
	struct wire *w = s->arg;

	if (n == s->steps - 1) { /* the end: no more is sent, and all of it arrives */
		__atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
		return plx_ctr_read(&w->got) == plx_ctr_read(&w->sent);
	}
	assert_int_equal(plx_poller_move(w->taker, (uint16_t)(n + 1) % 2), 0);
	assert_ptr_equal(w->taker->lcore, plx_env_lcore(w->env, (uint16_t)(n + 1) % 2));
	w->moves++;
	return true;
}

static void wire_open(struct wire *w, struct plx_env *env)
{
	w->env = env;
	w->tx = plx_port_txq(plx_env_port(env, 0), 0);
	w->rx = plx_port_rxq(plx_env_port(env, 1), 0);
}

struct reader { struct plx_env *env; int stop; pthread_t thread; uint64_t met; };

/* Another thread that looks at all of it all the time. */
static void *read_all(void *arg)
{
	struct reader *r = arg;
	struct plx_lcore_stats ls;
	struct plx_poller_info pi;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		PLX_LCORE_FOREACH(l, r->env) {
			plx_lcore_stats(l, &ls);
			for (uint16_t i = 0; !plx_lcore_poller(l, i, &pi); i++)
				r->met += strlen(pi.name);
		}
		plx_sys_sleep(&plx_sys_linux, MS / 10);
	}
	return NULL;
}

static void move_under_traffic(enum plx_idle idle, unsigned moves)
{
	struct kept_log k;
	struct plx_env_conf c;
	struct wire w = { .alone.ret = 0 };
	struct script s = { .step = wire_move, .steps = moves + 1, .arg = &w };
	struct reader r = { .stop = 0 };

	test_conf(&c, &k, 2, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	c.idle = idle;
	s.env = r.env = test_open(&c, &k);
	wire_open(&w, s.env);
	assert_int_equal(
		plx_poller_add(w.env,
	                       &(struct plx_poller_conf){
				       .name = "send", .fn = wire_send, .arg = &w, .period_ns = MS / 50, .lcore = 0 }),
		0);
	assert_int_equal(
		plx_poller_add_get(&w.taker, w.env,
	                           &(struct plx_poller_conf){
					   .name = "take", .fn = wire_take, .arg = &w, .rxq = w.rx, .lcore = 0 }),
		0);
	assert_int_equal(pthread_create(&r.thread, NULL, read_all, &r), 0);
	play(&s, MS / 10);
	__atomic_store_n(&r.stop, 1, __ATOMIC_RELAXED);
	pthread_join(r.thread, NULL);
	assert_int_equal(w.moves, moves);
	assert_int_equal(w.got, w.sent);
	assert_true(w.got > 0);
	assert_int_equal(w.out_of_order, 0);
	assert_int_equal(w.alone.wrong, 0);
	assert_true(r.met > 0);
	plx_env_fini(w.env); /* and every frame is back: it would say so */
	assert_false(kept_has(&k, "were not put back"));
}

static void test_thousand_moves(void **state)
{
	(void)state;
	move_under_traffic(PLX_IDLE_BUSY, 1000);
	move_under_traffic(PLX_IDLE_ADAPTIVE, 300);
	move_under_traffic(PLX_IDLE_INTERRUPT, 300);
}

/* ---- come and go ---- */

struct comer { struct lone *l[2]; struct plx_poller *p[2]; uint64_t seen; };

/* Lcore 1 has no poller, gets one, a second, loses the first, then the other. */
static bool come_and_go(struct script *s, unsigned n)
{
	struct comer *c = s->arg;

	switch (n) {
	case 0:
		assert_int_equal(state_of(s->env, 1), PLX_LCORE_WAIT);
		c->p[0] = lone_add(s->env, c->l[0], "one", 1);
		return true;
	case 1:
		return plx_ctr_read(&c->l[0]->calls) > 10;
	case 2:
		c->p[1] = lone_add(s->env, c->l[1], "two", 1);
		return true;
	case 3:
		return plx_ctr_read(&c->l[1]->calls) > 10;
	case 4:
		assert_int_equal(plx_poller_del(c->p[0]), 0);
		__atomic_store_n(&c->l[0]->gone, 1, __ATOMIC_RELAXED);
		c->seen = plx_ctr_read(&c->l[1]->calls);
		return true;
	case 5:
		return plx_ctr_read(&c->l[1]->calls) > c->seen + 10;
	case 6:
		assert_int_equal(plx_poller_del(c->p[1]), 0);
		__atomic_store_n(&c->l[1]->gone, 1, __ATOMIC_RELAXED);
		assert_int_equal(state_of(s->env, 1), PLX_LCORE_WAIT); /* and costs nothing */
		return true;
	}
	return true;
}

static void test_come_and_go(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_ADAPTIVE, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 3; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct lone stay = { 0 };
		struct comer who = { 0 };
		struct script s = { .step = come_and_go, .steps = 12, .arg = &who };

		test_conf(&c, &k, 2, NULL);
		c.idle = policies[i];
		s.env = test_open(&c, &k);
		who.l[0] = calloc(2, sizeof(struct lone));
		who.l[1] = who.l[0] + 1;
		lone_add(s.env, &stay, "stay", 0);
		play(&s, MS);
		assert_int_equal(who.l[0]->wrong + who.l[1]->wrong + stay.wrong, 0);
		free(who.l[0]);
		plx_env_fini(s.env);
	}
}

/* An lcore that the program halted stays halted, whatever comes or goes. */
static bool held_back(struct script *s, unsigned n)
{
	struct comer *c = s->arg;
	struct plx_lcore *l = plx_env_lcore(s->env, 1);

	switch (n) {
	case 0:
		assert_int_equal(plx_lcore_halt(l), 0);
		c->p[0] = lone_add(s->env, c->l[0], "one", 1);
		return true;
	case 5:
		assert_int_equal(plx_ctr_read(&c->l[0]->calls), 0);
		assert_int_equal(plx_lcore_resume(l), 0);
		return true;
	case 6:
		return plx_ctr_read(&c->l[0]->calls) > 0;
	}
	return true;
}

static void test_halted_stays_halted(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct lone one = { 0 };
	struct comer who = { .l = { &one } };
	struct script s = { .step = held_back, .steps = 7, .arg = &who };

	test_conf(&c, &k, 2, NULL);
	s.env = test_open(&c, &k);
	play(&s, MS);
	plx_env_fini(s.env);
}

/* ---- one that hangs ---- */

struct hanger { int hang, hangs; struct plx_poller *p, *other; struct lone lone; };

static int hang_poll(void *arg)
{
	struct hanger *h = arg;

	while (__atomic_load_n(&h->hang, __ATOMIC_RELAXED)) {
		__atomic_store_n(&h->hangs, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return 0;
}

static bool del_hung(struct script *s, unsigned n)
{
	struct hanger *h = s->arg;

	switch (n) {
	case 0:
		__atomic_store_n(&h->hang, 1, __ATOMIC_RELAXED);
		return true;
	case 1:
		return __atomic_load_n(&h->hangs, __ATOMIC_RELAXED);
	case 2: /* one beside another, or the only one: it does not happen, and all goes on */
		assert_int_equal(plx_poller_del(h->other ? h->other : h->p), -ETIMEDOUT);
		__atomic_store_n(&h->lone.calls, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&h->hang, 0, __ATOMIC_RELAXED);
		return true;
	case 3:
		return !h->other || plx_ctr_read(&h->lone.calls) > 10;
	case 4:
		assert_int_equal(state_of(s->env, 0), PLX_LCORE_RUN);
		assert_int_equal(plx_poller_del(h->p), 0);
		return true;
	}
	return true;
}

static void test_hung(void **state)
{
	(void)state;
	for (int beside = 0; beside < 2; beside++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct hanger h = { 0 };
		struct script s = { .step = del_hung, .steps = 5, .arg = &h };

		test_conf(&c, &k, 1, NULL);
		s.env = test_open(&c, &k);
		assert_int_equal(
			plx_poller_add_get(&h.p, s.env, PLX_POLLER(.name = "stuck", .fn = hang_poll, .arg = &h)), 0);
		if (beside)
			h.other = lone_add(s.env, &h.lone, "other", 0);
		play(&s, MS);
		assert_true(kept_has(&k, "poller stuck has not returned for 1."));
		plx_env_fini(s.env);
	}
}

/* ---- doorbells ---- */

static struct {
	struct plx_txq q;
	plx_ctr rings, by_other; /* by_other: rung by another lcore than the one that sent */
	int untaken;             /* atomic: the kernel takes nothing */
	struct plx_lcore *sender;
} bell;

static uint16_t bell_burst(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)m;
	if (!n) {
		plx_ctr_add(&bell.rings, 1);
		plx_ctr_add(&bell.by_other, __atomic_load_n(&bell.sender, __ATOMIC_RELAXED) != plx_lcore_self());
		if (__atomic_load_n(&bell.untaken, __ATOMIC_RELAXED))
			plx_tx_pending_add(q);
	}
	return n;
}

/* Always busy, so that the lcore itself rings only every 20 us. */
static int bell_poll(void *arg)
{
	struct lone *l = arg;

	lone_poll(l);
	__atomic_store_n(&bell.sender, plx_lcore_self(), __ATOMIC_RELAXED);
	plx_tx_pending_add(&bell.q);
	return 1;
}

static bool move_bell(struct script *s, unsigned n)
{
	struct comer *c = s->arg;

	if (plx_ctr_read(&c->l[0]->calls) < c->seen + 5)
		return false;
	__atomic_store_n(&bell.untaken, n % 3 == 2, __ATOMIC_RELAXED);
	assert_int_equal(plx_poller_move(c->p[0], (uint16_t)(n + 1) % 2), 0);
	c->seen = plx_ctr_read(&c->l[0]->calls);
	return true;
}

/* Left pending on the old lcore it would be rung there while the new one bursts (by_other), or
   be lost (never pending on the new one, so that the list is empty for good). */
static void test_doorbells_move(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct lone l = { .ret = 1 }, stay[2] = { { .ret = 1 }, { .ret = 1 } };
	struct comer who = { .l = { &l } };
	struct script s = { .step = move_bell, .steps = 60, .arg = &who };

	memset(&bell, 0, sizeof(bell));
	bell.q.burst = bell_burst;
	test_conf(&c, &k, 2, NULL);
	s.env = test_open(&c, &k);
	assert_int_equal(
		plx_poller_add_get(&who.p[0], s.env,
	                           &(struct plx_poller_conf){ .name = "bell", .fn = bell_poll, .arg = &l, .lcore = 0 }),
		0);
	for (int i = 0; i < 2; i++)
		lone_add(s.env, &stay[i], "stay", i);
	play(&s, MS / 10);
	assert_int_equal(l.wrong, 0);
	assert_int_equal(bell.by_other, 0);
	assert_true(bell.rings >= 40);
	assert_false(bell.q.pending);
	plx_env_fini(s.env);
}

/* ---- a queue without a reader is given back at once ---- */

static plx_ctr given, rested;

static void fake_give_back(struct plx_port *p, uint16_t rxq, bool at_rest)
{
	(void)p, (void)rxq;
	plx_ctr_add(&given, 1);
	plx_ctr_add(&rested, at_rest);
}

static bool fake_is_read(const struct plx_port *p, uint16_t rxq)
{
	(void)p, (void)rxq;
	return false;
}

static bool follow_reader(struct script *s, unsigned n)
{
	struct comer *c = s->arg;

	switch (n) {
	case 0: /* from one lcore to another, which is no time without a poller */
		assert_int_equal(plx_poller_move(c->p[0], 1), 0);
		assert_int_equal(given, 0);
		assert_int_equal(plx_lcore_halt(plx_env_lcore(s->env, 0)), 0);
		assert_int_equal(given, 0);
		return true;
	case 1: /* its lcore halts, and resumes */
		assert_int_equal(plx_lcore_halt(plx_env_lcore(s->env, 1)), 0);
		assert_int_equal(given, 1);
		assert_int_equal(rested, 1);
		assert_int_equal(plx_lcore_resume(plx_env_lcore(s->env, 1)), 0);
		assert_int_equal(given, 1);
		return true;
	case 2: /* its last poller leaves */
		assert_int_equal(plx_poller_del(c->p[0]), 0);
		assert_int_equal(given, 2);
		assert_int_equal(rested, 2);
		wait_for(kept_has(s->env->conf.log.arg, "a queue 0 has no poller: its frames pass to the host"));
		assert_int_equal(
			plx_poller_add_get(&c->p[0], s->env,
		                           &(struct plx_poller_conf){ .fn = lone_poll,
		                                                      .arg = c->l[0],
		                                                      .rxq = plx_port_rxq(plx_env_port(s->env, 0), 0),
		                                                      .lcore = 1 }),
			0);
		return true;
	}
	return true;
}

static void test_queue_is_given_back(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct lone l = { 0 };
	struct comer who = { .l = { &l } };
	struct script s = { .step = follow_reader, .steps = 3, .arg = &who };

	given = rested = 0;
	test_conf(&c, &k, 2, "a,driver=loop", NULL);
	s.env = test_open(&c, &k);
	struct plx_port *port = plx_env_port(s.env, 0);
	struct plx_driver drv = *port->drv;
	drv.give_back = fake_give_back;
	drv.is_read = fake_is_read;
	port->drv = &drv;
	assert_int_equal(
		plx_poller_add_get(&who.p[0], s.env,
	                           &(struct plx_poller_conf){
					   .fn = lone_poll, .arg = &l, .rxq = plx_port_rxq(port, 0), .lcore = 0 }),
		0);
	play(&s, 60 * MS);
	plx_env_fini(s.env);
}

/* ---- what a sleeper sleeps on follows too ---- */

static bool sleeper(struct script *s, unsigned n)
{
	struct wire *w = s->arg;
	struct plx_lcore *l = w->taker->lcore;
	struct plx_mbuf *m;

	if (n % 4 == 0) { /* to the lcore that waits; the other loses its last and rests */
		assert_int_equal(plx_poller_move(w->taker, (uint16_t)(n / 4 + 1) % 2), 0);
		return true;
	}
	if (n % 4 == 1)
		return lcore_dozes(l);
	if (n % 4 == 2) {
		m = plx_mbuf_get(w->tx->pool);
		memset(plx_mbuf_append(m, 60), 0, 60);
		memcpy(m->data + 14, &w->sent, sizeof(w->sent));
		w->sent += plx_tx_burst(w->tx, &m, 1);
		return true;
	}
	return plx_ctr_read(&w->got) == w->sent;
}

static void test_sleeps_on_what_it_polls(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct wire w = { .alone.ret = 0 };
	struct script s = { .step = sleeper, .steps = 80, .arg = &w };

	test_conf(&c, &k, 2, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	s.env = test_open(&c, &k);
	wire_open(&w, s.env);
	assert_int_equal(
		plx_poller_add_get(&w.taker, w.env,
	                           &(struct plx_poller_conf){ .fn = wire_take, .arg = &w, .rxq = w.rx, .lcore = 0 }),
		0);
	play(&s, MS / 5);
	assert_int_equal(w.got, 20);
	plx_env_fini(w.env);
}

/* Of two queues that one lcore sleeps on one goes; the other still wakes it. */
static bool one_goes(struct script *s, unsigned n)
{
	struct wire *w = s->arg;

	switch (n) {
	case 0:
		assert_int_equal(plx_poller_del(s->env->lcores[0].poller[0]), 0);
		return true;
	case 1:
		return lcore_dozes(&s->env->lcores[0]);
	case 2:
		wire_send(w);
		return true;
	default:
		return plx_ctr_read(&w->got) == 8;
	}
}

static void test_still_sleeps_on_the_rest(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct lone l = { 0 };
	struct wire w = { .alone.ret = 0 };
	struct script s = { .step = one_goes, .steps = 4, .arg = &w };

	test_conf(&c, &k, 1, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	s.env = test_open(&c, &k);
	wire_open(&w, s.env);
	assert_int_equal(plx_poller_add(w.env, PLX_POLLER(.fn = lone_poll, .arg = &l,
	                                                  .rxq = plx_port_rxq(plx_env_port(w.env, 0), 0))),
	                 0);
	assert_int_equal(plx_poller_add(w.env, PLX_POLLER(.fn = wire_take, .arg = &w, .rxq = w.rx)), 0);
	play(&s, MS);
	plx_env_fini(w.env);
}

/* ---- refusals ---- */

static void test_wrong_thread_and_wrong_lcore(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct lone l = { 0 };
	struct runner r;

	test_conf(&c, &k, 2, NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_poller *p = lone_add(env, &l, "it", 0);
	assert_int_equal(plx_poller_move(p, 9), -EINVAL);
	assert_true(kept_has(&k, "poller it: there is no lcore 9; it may be one of 0,1"));
	assert_int_equal(plx_poller_move(p, 1), 0); /* before the run */
	runner_start(&r, env);
	wait_for(__atomic_load_n(&env->running, __ATOMIC_ACQUIRE) && plx_ctr_read(&l.calls) > 10); /* all of it runs */
	assert_ptr_equal(__atomic_load_n(&l.on, __ATOMIC_RELAXED), plx_env_lcore(env, 1));
	assert_int_equal(plx_poller_del(p), -EBUSY);
	assert_int_equal(plx_poller_move(p, 0), -EBUSY);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "late", .fn = lone_poll, .arg = &l)), -EBUSY);
	wait_for(kept_has(&k, "poller late: while plx_env_run runs"));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(plx_poller_del(p), 0);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand_moves),
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_halted_stays_halted),
		cmocka_unit_test(test_hung),
		cmocka_unit_test(test_doorbells_move),
		cmocka_unit_test(test_queue_is_given_back),
		cmocka_unit_test(test_sleeps_on_what_it_polls),
		cmocka_unit_test(test_still_sleeps_on_the_rest),
		cmocka_unit_test(test_wrong_thread_and_wrong_lcore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

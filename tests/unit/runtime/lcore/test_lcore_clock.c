/* SPDX-License-Identifier: MIT */
/* test_lcore_clock.c - to what an lcore's time is counted, to the cycle: the loop of lcore/loop.c by a
   clock that only pollers and doorbells move. */
#include "env_util.h"
#include "doorbell.h"

static uint64_t clock_now;

static uint64_t clock_read(void)
{
	return clock_now;
}

void lcore_loop_by_clock(struct plx_lcore *l);

#define plx_cycles clock_read
#define lcore_loop lcore_loop_by_clock
#include "../../../../runtime/lcore/loop.c"
#undef lcore_loop
#undef plx_cycles

enum { WORK = 100, LOOK = 7, RING = 3000, GAP = 20000 };

static struct plx_env env;
static struct {
	struct plx_lcore l;
	struct plx_txq q;
	unsigned round, rounds, works; /* it ends behind so many rounds; each works-th sends */
	unsigned refuse;               /* doorbells that the kernel does not take */
	uint64_t work, look, ring;     /* cycles that went so */
} t;

static uint16_t ring(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)m;
	assert_int_equal(n, 0);
	clock_now += RING;
	t.ring += RING;
	if (t.refuse) {
		t.refuse--;
		plx_tx_pending_add(q);
	}
	return 0;
}

static int poll_one(void *arg)
{
	const bool last = ++t.round == t.rounds, works = !last && t.round % t.works == 0;

	(void)arg;
	if (last)
		lcore_move(&t.l, PLX_LCORE_RUN, PLX_LCORE_HALT);
	clock_now += works ? WORK : LOOK;
	t.work += works ? WORK : 0;
	t.look += works ? 0 : LOOK;
	if (works)
		plx_tx_pending_add(&t.q);
	return works;
}

static void run(unsigned rounds, unsigned works, unsigned refuse)
{
	static union { struct lcore_set set; char room[sizeof(struct lcore_set) + sizeof(struct plx_poller *)]; } set;
	static struct plx_poller p;

	memset(&t, 0, sizeof(t));
	p = (struct plx_poller){ .fn = poll_one };
	set.set = (struct lcore_set){ .npollers = 1 };
	set.set.poller[0] = &p;
	env.cycles_hz = 1000000000;
	env.sys = &plx_sys_linux;
	t.l.env = &env;
	t.l.set = t.l.adopted = &set.set;
	plx_self.lcore = &t.l;
	plx_self.slot = 1;
	t.l.policy = PLX_IDLE_BUSY;
	t.l.ring_gap = GAP;
	t.q.burst = ring;
	t.rounds = rounds;
	t.works = works;
	t.refuse = refuse;
	t.l.state = PLX_LCORE_RUN;
	lcore_loop_by_clock(&t.l);
	assert_int_equal(t.round, rounds);
	assert_int_equal(p.busy_cycles, t.work);
	assert_int_equal(p.idle_cycles, t.look);
}

static void test_doorbells_are_busy(void **state)
{
	(void)state;
	run(1000, 10, 0); /* the doorbell of each burst rings in the empty round behind it */
	assert_int_equal(t.ring, 99 * RING);
	assert_int_equal(t.l.busy_cycles, t.work + t.ring);
	assert_int_equal(t.l.idle_cycles, t.look);
	run(1000, 1, 0);  /* hardly a round is empty: they ring when they are 20 us old */
	assert_true(t.ring > RING);
	assert_int_equal(t.l.busy_cycles, t.work + t.ring);
	assert_int_equal(t.l.idle_cycles, LOOK);
}

static void test_doorbells_again(void **state)
{
	(void)state;
	run(20000, 10001, 2); /* one burst; what was not taken rings again in rounds without work */
	assert_int_equal(t.ring, 3 * RING);
	assert_int_equal(t.l.busy_cycles, t.work + t.ring);
	assert_int_equal(t.l.idle_cycles, t.look);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_doorbells_are_busy),
	                                    cmocka_unit_test(test_doorbells_again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

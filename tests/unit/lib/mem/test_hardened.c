/* SPDX-License-Identifier: MIT */
/* test_hardened.c - in a hardened build a wrong change of a frame's owner, a second user of a queue, an index or
   a count out of its bounds, and a move that no lcore makes end the process.
   Each case runs in a child that must die of SIGABRT; the same steps done right must not. */
#include "xring.h"
#include "lcore.h"
#include "mem_test.h"
#include "doorbell.h"
#include "plx_ring.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct bed {
	struct plx_pool *p, *other;
	struct plx_mbuf *m[4];
};

static void double_put(struct bed *b)
{
	plx_mbuf_put(b->m[0]);
	plx_mbuf_put(b->m[0]);
}

static void double_put_in_bulk(struct bed *b)
{
	b->m[1] = b->m[0];
	plx_mbuf_put_bulk(b->m, 2);
}

static void double_put_later(struct bed *b)
{
	struct plx_mbuf *m = b->m[0];

	plx_mbuf_put(m);
	b->m[0] = plx_mbuf_get(b->p); /* the same frame, with a new owner */
	plx_mbuf_put(m);
	plx_mbuf_put(b->m[0]);
}

static void give_what_a_driver_has(struct bed *b)
{
	plx_frame_move(b->m[0], PLX_FRAME_APP, PLX_FRAME_TX);
	plx_mbuf_put(b->m[0]);
}

static void post_twice(struct bed *b)
{
	plx_frame_move(b->m[0], PLX_FRAME_APP, PLX_FRAME_TX);
	plx_frame_move(b->m[0], PLX_FRAME_APP, PLX_FRAME_TX);
}

static void complete_what_was_not_posted(struct bed *b)
{
	plx_frame_move(b->m[0], PLX_FRAME_TX, PLX_FRAME_APP);
}

static void give_to_another_pool(struct bed *b)
{
	plx_pool_give(b->other, b->m, 1);
}

static void give_with_a_segment(struct bed *b)
{
	b->m[0]->next = b->m[1];
	plx_pool_give(b->p, b->m, 1);
}

static void give_shared(struct bed *b)
{
	plx_mbuf_ref(b->m[0], 1);
	plx_pool_give(b->p, b->m, 1);
}

static void ref_what_is_free(struct bed *b)
{
	plx_mbuf_put(b->m[0]);
	plx_mbuf_ref(b->m[0], 1);
	plx_mbuf_put(b->m[0]);
	plx_mbuf_put(b->m[0]);
}

static void one_owner_too_many(struct bed *b)
{
	plx_mbuf_ref(b->m[0], 254);
	plx_mbuf_ref(b->m[0], 1);
}

static void data_before_its_frame(struct bed *b)
{
	b->m[1]->data = plx_mbuf_frame(b->m[1]) - 1;
	plx_mbuf_prepend_l2(b->m[1], 1);
}

static void prepared_in_the_l2_room(struct bed *b)
{
	plx_mbuf_get_bulk_at(b->p, b->m, 1, PLX_POOL_L2_ROOM - 1);
}

static void forged(struct bed *b)
{
	struct plx_mbuf m = *b->m[0];
	struct plx_mbuf *fake = &m;

	plx_pool_give(b->p, &fake, 1);
}

/* ---- queues: one user, until they are handed over ---- */

static struct plx_txq txq;
static uint16_t rx_nothing(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q, (void)m, (void)n;
	return 0;
}
static struct plx_rxq rxq = { .burst = rx_nothing };

static void *use_both(void *arg)
{
	plx_tx_enter(&txq, NULL, 0);
	plx_rx_burst(&rxq, NULL, 0);
	return arg;
}

static void in_another_thread(void *(*fn)(void *))
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, NULL))
		_exit(2);
	pthread_join(t, NULL);
}

static void two_send(struct bed *b)
{
	plx_tx_enter(&txq, b->m, 1);
	in_another_thread(use_both);
}

static void two_receive(struct bed *b)
{
	(void)b;
	plx_rx_burst(&rxq, NULL, 0);
	in_another_thread(use_both);
}

static void sent_with_a_segment(struct bed *b)
{
	b->m[0]->next = b->m[1];
	plx_tx_enter(&txq, b->m, 1);
}

/* ---- bounds ---- */

static struct plx_spsc *ring_of(void)
{
	struct plx_spsc *r;

	assert_int_equal(plx_spsc_init(&r, mem_of(plx_spsc_size(4), 64), 4), 0);
	return r;
}

static void consumed_before_it_was_put(struct bed *b)
{
	struct plx_spsc *r = ring_of();

	r->cons++;
	plx_spsc_get_burst(r, (void **)b->m, 1);
}

static void put_beyond_the_ring(struct bed *b)
{
	struct plx_spsc *r = ring_of();

	r->prod += 5;
	plx_spsc_put_burst(r, (void **)b->m, 1);
}

static void mpmc_claimed_beyond_the_ring(struct bed *b)
{
	struct plx_mpmc *r;

	if (plx_mpmc_init(&r, mem_of(plx_mpmc_size(4), 64), 4))
		_exit(2);
	r->prod.claim = 5ull << 32;
	plx_mpmc_put_burst(r, (void **)b->m, 2);
}

static uint32_t ours, theirs, flags;
static struct xdp_desc slots[4];
static struct xring xring = { .ours = &ours, .theirs = &theirs, .flags = &flags, .slots = slots, .mask = 3 };

static void submitted_more_than_reserved(struct bed *b)
{
	(void)b;
	xring_submit(&xring, xring_reserve(&xring, 2) + 1u);
}

static void released_more_than_seen(struct bed *b)
{
	(void)b;
	theirs = 2;
	xring_release(&xring, xring_peek(&xring, 2));
	xring_release(&xring, 1);
}

static void doorbell_on_two_lists(struct bed *b)
{
	(void)b;
	txq.pending_next = &txq;
	plx_tx_pending_add(&txq);
}

static void data_outside_the_frame(struct bed *b)
{
	b->m[0]->data = plx_mbuf_frame(b->m[0]) - 1;
	plx_mbuf_headroom(b->m[0]);
}

static void chained_to_itself(struct bed *b)
{
	plx_mbuf_chain(b->m[0], b->m[0]);
}

static void sleeps_without_running(struct bed *b)
{
	struct plx_lcore l = { .state = PLX_LCORE_WAIT };

	(void)b;
	lcore_move(&l, PLX_LCORE_WAIT, PLX_LCORE_SLEEP);
}

static uint16_t rx_too_many(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q, (void)m;
	return n + 1;
}

static void received_more_than_asked_for(struct bed *b)
{
	rxq.burst = rx_too_many;
	plx_rx_burst(&rxq, b->m, 4);
}

static void all_right(struct bed *b)
{
	struct plx_spsc *r = ring_of();
	struct plx_lcore l = { .state = PLX_LCORE_WAIT };

	r->prod = r->cons = r->prod_seen = r->cons_seen = UINT32_MAX - 1;
	for (int i = 0; i < 8; i++)
		if (plx_spsc_put_burst(r, (void **)b->m, 3) != 3 || plx_spsc_get_bulk(r, (void **)b->m, 3) != 3)
			_exit(2);
	theirs = 3;
	xring_release(&xring, xring_peek(&xring, 3) - 1);
	xring_release(&xring, 1);
	if (!lcore_move(&l, PLX_LCORE_WAIT, PLX_LCORE_RUN) || lcore_move(&l, PLX_LCORE_SLEEP, PLX_LCORE_RUN))
		_exit(2);
	plx_tx_enter(&txq, b->m, 4);
	use_both(NULL);
	plx_txq_handover(&txq);
	plx_rxq_handover(&rxq);
	in_another_thread(use_both);
	plx_txq_handover(&txq);
	plx_rxq_handover(&rxq);
	use_both(NULL);
	plx_frame_move(b->m[0], PLX_FRAME_APP, PLX_FRAME_RX);
	plx_frame_move(b->m[0], PLX_FRAME_RX, PLX_FRAME_APP);
	plx_frame_move(b->m[1], PLX_FRAME_APP, PLX_FRAME_TX);
	plx_frame_move(b->m[1], PLX_FRAME_TX, PLX_FRAME_APP);
	plx_mbuf_ref(b->m[2], 1);
	plx_mbuf_put(b->m[2]);
	plx_mbuf_put_bulk(b->m, 4);
	_exit(plx_pool_fini(b->p) ? 0 : 1);
}

static struct plx_pool *pool_of(void)
{
	struct plx_pool_conf c = { .frames = 256, .caches = 1 };
	struct plx_pool *p;

	assert_int_equal(plx_pool_init(&p, mem_of(plx_pool_size(&c), 4096), &c), 0);
	return p;
}

/* How a child that runs fn ends: a wait status. */
static int status_of(void (*fn)(struct bed *), uint32_t slot)
{
	struct bed b = { .p = pool_of(), .other = pool_of() };
	int status;
	pid_t pid;

	plx_self.slot = slot;
	assert_int_equal(plx_mbuf_get_bulk(b.p, b.m, 4), 4);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		/* cmocka would turn the signal into a failed test and go on */
		signal(SIGABRT, SIG_DFL);
		fn(&b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(b.p->area);
	free(b.other->area);
	return status;
}

static void wrong_moves_abort(void **state)
{
	static const struct { const char *name; void (*fn)(struct bed *); } wrong[] = {
		{ "double put", double_put },
		{ "double put in one bulk", double_put_in_bulk },
		{ "double put after a get", double_put_later },
		{ "put of a posted frame", give_what_a_driver_has },
		{ "posted twice", post_twice },
		{ "completed, never posted", complete_what_was_not_posted },
		{ "given to another pool", give_to_another_pool },
		{ "given with a next segment", give_with_a_segment },
		{ "given while shared", give_shared },
		{ "referenced when free", ref_what_is_free },
		{ "more owners than 8 bits count", one_owner_too_many },
		{ "data outside of its frame", data_before_its_frame },
		{ "prepared within the L2 room", prepared_in_the_l2_room },
		{ "not an mbuf of the pool", forged },
		{ "two threads on a transmit queue", two_send },
		{ "two threads on a receive queue", two_receive },
		{ "sent as one segment with a next", sent_with_a_segment },
		{ "ring consumed before it was put", consumed_before_it_was_put },
		{ "ring put beyond its size", put_beyond_the_ring },
		{ "ring claimed beyond its size", mpmc_claimed_beyond_the_ring },
		{ "descriptors submitted, not reserved", submitted_more_than_reserved },
		{ "descriptors released, not seen", released_more_than_seen },
		{ "a doorbell on two lists", doorbell_on_two_lists },
		{ "data outside the frame", data_outside_the_frame },
		{ "a packet chained to itself", chained_to_itself },
		{ "an lcore that sleeps without running", sleeps_without_running },
		{ "more received than asked for", received_more_than_asked_for },
	};

	(void)state;
	for (size_t i = 0; i < 2 * PLX_ARRAY_SIZE(wrong); i++) {
		int status = status_of(wrong[i / 2].fn, i & 1);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("%s (slot %zu): status %#x, not SIGABRT", wrong[i / 2].name, i & 1, status);
	}
}

static void right_moves_pass(void **state)
{
	(void)state;
	assert_int_equal(status_of(all_right, 0), 0);
	assert_int_equal(status_of(all_right, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_moves_abort),
		cmocka_unit_test(right_moves_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* call.c - what an lcore does when it is asked: between two rounds, or while it waits, it
   adopts another set of pollers or runs a launched function.  Cold, though on the lcore;
   plx_lcore_launch and plx_lcore_wait are for any thread. */
#include "env.h"
#include "lcore.h"
#include "doorbell.h"
#include <errno.h>

/* The lcore sees `asked` in its next round, before it dozes, or before it waits: both sides do
   a read-modify-write of the state, so of the two the later sees what the other did.  One that
   neither runs nor is about to sleep has to be woken. */
void lcore_ask(struct plx_lcore *l, uint32_t what)
{
	__atomic_fetch_or(&l->asked, what, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_add(&l->state, 0, __ATOMIC_SEQ_CST) != PLX_LCORE_RUN)
		lcore_poke(l->env->sys, l->wakefd);
}

/* Rings what is still to be rung, for 1 ms at most where the kernel does not take it; then takes
   the rest off the list, for their next user may be another lcore.  Whoever bursts next
   rings those. */
void lcore_ring_out(struct plx_lcore *l)
{
	PLX_DASSERT(plx_self.lcore == l);
	const uint64_t begin = plx_cycles(), end = cycles_of(l->env, LCORE_RING_OUT_NS);
	const uint64_t gap = cycles_of(l->env, LCORE_DOORBELL_NS);

	while (plx_self.pending && plx_tx_pending_ring()) {
		const uint64_t rung = plx_cycles();

		if (rung - begin >= end)
			break;
		while (plx_cycles() - rung < gap)
			plx_pause();
	}
	while (plx_self.pending)
		plx_tx_pending_del(plx_self.pending);
}

static void adopt(struct plx_lcore *l)
{
	struct lcore_set *s = __atomic_exchange_n(&l->next, NULL, __ATOMIC_ACQUIRE); /* with lcore_hand */

	if (!s)
		return; /* main did not want to wait any longer */
	/* main hands nothing to an lcore that waits, and changes one poller at a time */
	PLX_ASSERT(l->set && (s->npollers == l->set->npollers + 1 || s->npollers + 1 == l->set->npollers));
	const bool leaves = s->npollers < l->set->npollers;

	l->set = s;
	l->can_sleep = s->can_sleep;
	__atomic_store_n(&l->current, NULL, __ATOMIC_RELAXED);
	if (leaves)
		lcore_ring_out(l); /* before another lcore uses its transmit queues */
	__atomic_store_n(&l->adopted, s, __ATOMIC_RELEASE); /* with lcore_hand */
	lcore_poke(l->env->sys, l->env->ackfd);
}

static void call(struct plx_lcore *l)
{
	struct lcore_call *c = &l->call;
	uint32_t ready = CALL_READY;

	/* acquire: with the release in plx_lcore_launch */
	if (!__atomic_compare_exchange_n(&c->state, &ready, CALL_RUNS, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	PLX_ASSERT(c->fn);
	__atomic_store_n(&c->ret, c->fn(c->arg), __ATOMIC_RELAXED);
	if (lcore_state(l) == PLX_LCORE_WAIT)
		lcore_ring_out(l); /* no loop will */
	plx_ctr_add(&c->returned, 1);
	__atomic_store_n(&c->state, CALL_DONE, __ATOMIC_RELEASE); /* with plx_lcore_wait */
	lcore_poke(l->env->sys, l->donefd);
	lcore_poke(l->env->sys, l->env->ackfd);
}

void lcore_serve(struct plx_lcore *l)
{
	const uint64_t begin = plx_cycles();

	PLX_DASSERT(plx_self.lcore == l);
	/* acquire: with lcore_ask */
	const uint32_t asked = __atomic_exchange_n(&l->asked, 0, __ATOMIC_ACQUIRE);

	lcore_pass(l, asked);
	if (asked & LCORE_ASK_SET)
		adopt(l);
	if (asked & LCORE_ASK_CALL)
		call(l);
	l->now = plx_cycles();
	plx_ctr_add(&l->busy_cycles, l->now - begin);
}

int plx_lcore_launch(struct plx_lcore *l, int (*fn)(void *arg), void *arg)
{
	uint32_t free = CALL_FREE;

	PLX_ASSERT(l);
	if (!l->spawned)
		return no_loop(l, "plx_lcore_launch");
	if (!fn) {
		plx_logf(&l->env->log, PLX_LOG_ERROR, "lcore %u: plx_lcore_launch: no function to call (EINVAL)",
		         l->conf.id);
		return -EINVAL;
	}
	/* acquire: with the release in plx_lcore_wait */
	if (!__atomic_compare_exchange_n(&l->call.state, &free, CALL_FILL, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return -EBUSY;
	l->call.fn = fn;
	l->call.arg = arg;
	__atomic_store_n(&l->call.state, CALL_READY, __ATOMIC_RELEASE); /* with call() */
	lcore_ask(l, LCORE_ASK_CALL);
	return 0;
}

/* Takes the result of a call that is done; -EAGAIN: it is not. */
static int take_result(struct lcore_call *c, int *ret)
{
	uint32_t state = __atomic_load_n(&c->state, __ATOMIC_ACQUIRE); /* with call() */

	if (state == CALL_FREE)
		return -ENOENT;
	if (state != CALL_DONE)
		return -EAGAIN;
	const int got = __atomic_load_n(&c->ret, __ATOMIC_RELAXED);

	if (!__atomic_compare_exchange_n(&c->state, &state, CALL_FREE, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return -ENOENT; /* another waiter was quicker */
	if (ret)
		*ret = got;
	return 0;
}

int plx_lcore_wait(struct plx_lcore *l, int *ret, uint64_t timeout_ns)
{
	PLX_ASSERT(l);
	const struct plx_sys *sys = l->env->sys;
	const uint64_t begin = plx_sys_now(sys);
	uint64_t token, past = 0;
	int err;

	if (plx_self.lcore == l && __atomic_load_n(&l->call.state, __ATOMIC_RELAXED) != CALL_DONE)
		return -EDEADLK;
	while ((err = take_result(&l->call, ret)) == -EAGAIN && past < timeout_ns) {
		struct pollfd p = { .fd = l->donefd, .events = POLLIN };
		const uint64_t ms = (timeout_ns - past) / 1000000u + 1;

		/* Several may wait, and one takes the token of all: look again now and then. */
		if (sys->poll(&p, 1, ms < 100 ? (int)ms : 100) > 0)
			(void)!sys->read(l->donefd, &token, sizeof(token));
		past = plx_sys_now(sys) - begin;
	}
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

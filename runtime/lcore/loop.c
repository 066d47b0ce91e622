/* SPDX-License-Identifier: MIT */
/* loop.c - what an lcore does for ever: rounds of pollers, doorbells, idling.
   Hot file: no allocation, no log; the only system calls are those of sleeping and of
   the doorbells.  Threads are made and halted in lcore.c. */
#include "env.h"
#include "lcore.h"
#include "doorbell.h"
#include <errno.h>
#include <sys/timerfd.h>

/* Runs each poller that is due, once, in order.  One reading of the cycle counter stands
   between two pollers: the end of one is the beginning of the next. */
static bool lcore_round(struct plx_lcore *l)
{
	const struct lcore_set *set = l->set;
	uint64_t t = l->now;
	bool busy = false, ran = false;

	PLX_DASSERT(set == l->adopted && plx_self.lcore == l);
	for (unsigned i = 0; i < set->npollers; i++) {
		struct plx_poller *p = set->poller[i];

		PLX_DASSERT(p->fn && (!p->period || p->due));
		if (p->period) {
			if ((int64_t)(t - p->due) < 0)
				continue;
			p->due = t + p->period;
		}
		__atomic_store_n(&l->current, p, __ATOMIC_RELAXED);
		int n = p->fn(p->arg);
		uint64_t end = plx_cycles();

		if (plx_likely(n > 0)) {
			plx_ctr_add(&p->work_calls, 1);
			plx_ctr_add(&p->work, (unsigned)n);
			plx_ctr_add(&p->busy_cycles, end - t);
			busy = true;
		} else {
			plx_ctr_add(n ? &p->errors : &p->empty_calls, 1);
			plx_ctr_add(&p->idle_cycles, end - t);
			if (plx_unlikely(n < 0))
				__atomic_store_n(&p->last_err, n, __ATOMIC_RELAXED);
		}
		t = end;
		ran = true;
	}
	l->now = ran ? t : plx_cycles();
	plx_ctr_add(&l->rounds, 1);
	return busy;
}

/* Rings at once when the round was idle, else when the oldest doorbell is 20 us old.  What
   the kernel did not take is tried again at that distance, so that a full socket does not
   turn every empty round into a system call.  The time is busy, whatever the round was: most
   doorbells ring in the empty round behind a burst, and in copy mode they are where the packets
   are sent. */
static void lcore_doorbells(struct plx_lcore *l, bool busy)
{
	PLX_DASSERT(plx_self.pending && plx_tx_may_wait());
	if (!l->ringing) {
		l->ringing = true;
		l->retrying = false;
		l->ring_since = l->now;
	}
	if ((busy || l->retrying) && l->now - l->ring_since < l->ring_gap)
		return;
	l->ringing = l->retrying = plx_tx_pending_ring() != 0;

	const uint64_t rung = plx_cycles();
	plx_ctr_add(&l->busy_cycles, rung - l->now);
	l->now = l->ring_since = rung;
}

/* How long it may sleep in ns: UINT64_MAX = until woken. */
static uint64_t lcore_sleep_limit(const struct plx_lcore *l)
{
	const struct lcore_set *set = l->set;
	uint64_t limit = set->opaque ? LCORE_OPAQUE_NS : set->sleep_ns;
	double ns = 1e9 / (double)l->env->cycles_hz;

	for (const struct plx_txq *q = plx_self.pending; q; q = q->pending_next) {
		const uint64_t retry = q->link_down || __atomic_load_n(&q->err, __ATOMIC_RELAXED) ?
		                               LCORE_RETRY_DOWN_NS :
		                               LCORE_RETRY_NS;

		limit = retry < limit ? retry : limit;
	}
	for (unsigned i = 0; i < set->npollers; i++) {
		const struct plx_poller *p = set->poller[i];
		int64_t left = (int64_t)(p->due - l->now);
		uint64_t left_ns = left > 0 ? (uint64_t)((double)left * ns) : 0;

		if (p->period && left_ns < limit)
			limit = left_ns;
	}
	return limit;
}

/* A system call of sleeping has failed: it polls on, and watch says so. */
static void no_more_sleep(struct plx_lcore *l)
{
	l->can_sleep = false;
	__atomic_store_n(&l->sleep_err, errno, __ATOMIC_RELAXED);
}

/* Sets the timer that ends the sleep; false = it could not, so do not sleep. */
static bool lcore_set_timer(struct plx_lcore *l, uint64_t ns)
{
	const bool set = ns != UINT64_MAX;
	struct itimerspec t = { 0 };

	if (!set && !l->timer_set)
		return true;
	if (set) {
		t.it_value.tv_sec = (time_t)(ns / 1000000000u);
		t.it_value.tv_nsec = (long)(ns % 1000000000u);
	}
	l->timer_set = set;
	return l->env->sys->timerfd_settime(l->timerfd, 0, &t, NULL) == 0; /* clears an old expiry too */
}

static bool lcore_arm(struct plx_lcore *l)
{
	for (unsigned i = 0; i < l->set->nwatch; i++) {
		struct plx_rxq *q = l->set->watch[i].q;

		if (q->port->drv->rx_arm && q->port->drv->rx_arm(q) > 0)
			return false;
	}
	return true;
}

static void lcore_disarm(struct plx_lcore *l)
{
	for (unsigned i = 0; i < l->set->nwatch; i++) {
		struct plx_rxq *q = l->set->watch[i].q;

		if (q->port->drv->rx_disarm)
			q->port->drv->rx_disarm(q);
	}
}

/* Waits for a queue, the timer or a wake-up; true if a queue woke it. */
static bool lcore_doze(struct plx_lcore *l)
{
	const struct plx_sys *sys = l->env->sys;
	struct epoll_event ev[8];
	uint64_t begin = l->now, token;
	bool by_queue = false, by_wake = false;

	lcore_quiet(l, 1);
	int n = sys->epoll_wait(l->epfd, ev, (int)PLX_ARRAY_SIZE(ev), -1);
	lcore_quiet(l, 0);
	if (n < 0 && errno != EINTR)
		no_more_sleep(l);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == l->wakefd)
			by_wake = sys->read(l->wakefd, &token, sizeof(token)) > 0;
		else if (ev[i].data.fd != l->timerfd)
			by_queue = true;
	}
	l->now = plx_cycles();
	plx_ctr_add(&l->sleeps, 1);
	plx_ctr_add(&l->wakes, by_queue || by_wake);
	plx_ctr_add(&l->sleep_ns, (uint64_t)((double)(l->now - begin) * 1e9 / (double)l->env->cycles_hz));
	return by_queue;
}

/* Sleeping loses no wake-up.  First the state says SLEEP: from then on plx_lcore_wake
   writes the eventfd, and what its caller did or asked for before is seen below (both sides
   do a read-modify-write of the state).  Then the queues are armed and the pollers run once
   more; only then it waits, on level-triggered descriptors. */
static bool lcore_sleep(struct plx_lcore *l)
{
	uint64_t limit = lcore_sleep_limit(l);
	bool busy = false, by_queue = true;

	if (limit < LCORE_DOORBELL_NS)
		return false;
	if (!lcore_set_timer(l, limit)) {
		no_more_sleep(l);
		return false;
	}
	if (!lcore_move(l, PLX_LCORE_RUN, PLX_LCORE_SLEEP))
		return false;
	if (!__atomic_load_n(&l->asked, __ATOMIC_SEQ_CST) && lcore_arm(l)) { /* with lcore_ask */
		uint64_t begin = l->now;

		busy = lcore_round(l);
		plx_ctr_add(busy ? &l->busy_cycles : &l->idle_cycles, l->now - begin);
		/* what a poller sent in that round waits for its doorbell */
		by_queue = !busy && (l->retrying || !plx_self.pending) && lcore_doze(l);
	}
	lcore_disarm(l);
	lcore_move(l, PLX_LCORE_SLEEP, PLX_LCORE_RUN);
	/* A queue that is ready although its poller takes nothing would wake us again and
	   again: poll on for a while as if it were busy. */
	l->hold = by_queue ? l->now + l->hold_gap : l->now;
	return busy;
}

/* One step of idling behind an empty round; true if it found work after all. */
static bool lcore_rest(struct plx_lcore *l)
{
	if (!l->resting) {
		l->resting = true;
		l->idle_since = l->now;
	}
	const uint64_t idle = l->now - l->idle_since;
	const bool spin = l->policy == PLX_IDLE_BUSY || idle < l->spin;

	if (!spin && idle >= l->pause && l->can_sleep && (int64_t)(l->now - l->hold) >= 0)
		return lcore_sleep(l);
	for (int i = spin ? 1 : 16; i > 0; i--)
		plx_pause();

	uint64_t now = plx_cycles();
	plx_ctr_add(&l->idle_cycles, now - l->now);
	l->now = now;
	return false;
}

void lcore_loop(struct plx_lcore *l)
{
	struct plx_thread *self = &plx_self;

	l->now = plx_cycles();
	l->hold = l->now;
	PLX_ASSERT(l->set && l->set->npollers && l->set == __atomic_load_n(&l->adopted, __ATOMIC_RELAXED));
	l->can_sleep = l->set->can_sleep;
	l->resting = l->ringing = l->retrying = false;
	while (lcore_state(l) == PLX_LCORE_RUN) {
		/* one load more, of the line that holds the state; here no poller holds what it read (quiet.c) */
		if (plx_unlikely(__atomic_load_n(&l->asked, __ATOMIC_RELAXED)))
			lcore_serve(l);
		uint64_t begin = self->now = l->now;
		bool busy = lcore_round(l);

		plx_ctr_add(busy ? &l->busy_cycles : &l->idle_cycles, l->now - begin);
		if (self->pending)
			lcore_doorbells(l, busy);
		else
			l->ringing = false;
		if (busy || lcore_rest(l)) {
			l->resting = false;
			l->hold = l->now;
		}
	}
	self->now = 0;
	lcore_ring_out(l); /* main may close the queues next */
}

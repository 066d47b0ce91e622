/* SPDX-License-Identifier: MIT */
/* gate.c - what a burst does seldom: it shows that its queue is read, waits longer after each
   wake-up that failed, and stands back from a queue that is opened anew.  No allocation, no
   log, no system call; called by the queue's lcore. */
#include "af_xdp.h"

#include <errno.h>
#include <time.h>

enum { GAP_MIN_NS = 1000000, GAP_MAX_NS = 100000000, LASTS_NS = 1000000000 };

/* ---- the sign of life ---- */

/* ax_rx_move moves the number.  Whatever it was before, the program sees another. */
void ax_rx_move(struct ax_rxq *q, uint64_t now)
{
	q->moved = now;
	if (!++q->life)
		q->life = 1;
	/* relaxed: it orders nothing, and 0 of who gives the queue back may come before or behind */
	PLX_DASSERT(q->life && q->alive);
	__atomic_store_n(q->alive, q->life, __ATOMIC_RELAXED);
}

/* Threads without a loop of ours read a coarse clock, which takes no system call. */
void ax_rx_move_elsewhere(struct ax_rxq *q)
{
	struct timespec t = { 0 };

	q->sock->sys->clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	const uint64_t now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;

	if (now - q->moved >= q->move_gap_ns)
		ax_rx_move(q, now);
}

/* ---- the gate ---- */

static bool enter(uint32_t *gate)
{
	uint32_t state = AX_SHUT;

	/* acquire: with the release of ax_repair, which made the rings */
	if (__atomic_compare_exchange_n(gate, &state, AX_OPEN, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
		return true;
	if (state == AX_ASKED)
		__atomic_store_n(gate, AX_PARKED,
		                 __ATOMIC_RELEASE); /* with ax_repair: what we did to the rings is seen */
	PLX_DASSERT(state == AX_ASKED || state == AX_PARKED); /* who is within goes on by the other burst */
	return false;
}

/* Transmit queues that this thread uses: it is within none of them now, and may not come to one for long. */
static void park_own_tx(const struct plx_port *p)
{
	for (uint16_t i = 0; i < p->ntx; i++) {
		struct ax_txq *q = ax_txq(p->txq[i]);
		uint32_t state = AX_ASKED;

		if (__atomic_load_n(&q->base.user, __ATOMIC_RELAXED) == &plx_self &&
		    __atomic_load_n(&q->gate, __ATOMIC_RELAXED) == AX_ASKED) {
			q->base.burst = ax_tx_shut;
			/* release: as in `enter` */
			__atomic_compare_exchange_n(&q->gate, &state, AX_PARKED, false, __ATOMIC_RELEASE,
			                            __ATOMIC_RELAXED);
		}
	}
}

/* A queue that is asked for goes on receiving while another thread has not let go of its transmit half: that
   one may never send again. */
static bool goes_on(struct ax_rxq *q)
{
	const struct plx_port *p = q->base.port;
	uint32_t state = AX_ASKED;

	if (__atomic_load_n(&q->gate, __ATOMIC_RELAXED) != AX_ASKED)
		return false;
	park_own_tx(p);
	uint32_t tx = AX_PARKED;

	if (q->base.id < p->ntx)
		tx = __atomic_load_n(&ax_txq(p->txq[q->base.id])->gate, __ATOMIC_RELAXED);
	return tx != AX_PARKED && tx != AX_SHUT &&
	       __atomic_compare_exchange_n(&q->gate, &state, AX_OPEN, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

uint16_t ax_rx_shut(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_rxq *q = ax_rxq(base);

	if (goes_on(q)) {
		ax_rx_choose(q);
		return base->burst(base, m, n);
	}
	base->burst = ax_rx_shut;
	if (!enter(&q->gate))
		return 0;
	q->moved = 0 - q->move_gap_ns; /* due, however young the clock is */
	if (plx_self.now)
		ax_rx_move(q, plx_self.now);
	else
		ax_rx_move_elsewhere(q);
	ax_rx_choose(q);
	return base->burst(base, m, n);
}

uint16_t ax_tx_shut(struct plx_txq *base, struct plx_mbuf **m, uint16_t n)
{
	struct ax_txq *q = ax_txq(base);

	base->burst = ax_tx_shut;
	if (!enter(&q->gate)) {
		plx_ctr_add(&base->stats.stop[PLX_STOP_error], n != 0);
		return 0;
	}
	ax_tx_choose(q);
	return base->burst(base, m, n);
}

/* ---- wake-ups that fail ---- */

/* ax_wait: it is too early for the next one. */
bool ax_wait(const struct ax_trouble *t, uint64_t now)
{
	return t->retry_at && now < t->retry_at;
}

/* ax_well: the last wake-up did not fail. */
void ax_well(struct ax_trouble *t)
{
	t->since = t->retry_at = t->gap = 0;
	__atomic_store_n(&t->wants, 0, __ATOMIC_RELAXED);
}

/* ax_trouble: a wake-up ended with err.  True: it failed, and the next is due at retry_at.  A
   socket whose wake-ups have failed for a second, or that has a descriptor the kernel will
   never take (EINVAL), is to be opened anew, unless one is well before that begins: it takes some
   ms, or many where others keep the kernel's lock of all interfaces, and nothing moves meanwhile.
   Nothing is ever closed for an errno. */
bool ax_trouble(struct ax_trouble *t, struct ax_sock *s, int err, uint64_t now)
{
	if (!err || err == EAGAIN || err == EINTR || err == EBUSY) {
		if (plx_unlikely(t->retry_at))
			ax_well(t);
		return false;
	}
	if (!t->since) {
		t->since = now;
		t->gap = GAP_MIN_NS;
	} else {
		t->gap = t->gap * 2 < GAP_MAX_NS ? t->gap * 2 : GAP_MAX_NS;
	}
	t->retry_at = now + t->gap;
	if (err == EINVAL || now - t->since >= LASTS_NS) {
		__atomic_store_n(&t->wants, err, __ATOMIC_RELAXED);
		__atomic_store_n(&s->port->wants_repair, true, __ATOMIC_RELEASE); /* with ax_repair */
	}
	return true;
}

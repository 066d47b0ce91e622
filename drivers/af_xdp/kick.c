/* SPDX-License-Identifier: MIT */
/* kick.c - the doorbell of a transmit queue: when it is rung, what each errno means, and what a
   link that is down or gone does to a burst.  Hot file: no allocation, no log, no system call
   but the doorbell.  Called by the queue's lcore. */
#include "af_xdp.h"

#include <errno.h>

enum {
	RING_TRIES  = 4,       /* doorbells of one call, beyond what a budget of 32 needs */
	DOWN_GAP_NS = 10000000 /* a link that is down is asked again after this */
};

static void link_set(struct ax_txq *q, uint32_t from, uint32_t to)
{
	/* relaxed: the state is all there is to tell; a removed link stays removed */
	__atomic_compare_exchange_n(&q->base.port->link, &from, to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void tx_link_down(struct ax_txq *q)
{
	link_set(q, PLX_LINK_UP, PLX_LINK_DOWN);
	q->base.link_down = true;
	q->trouble.retry_at = plx_sys_now(q->sock->sys) + DOWN_GAP_NS;
	ax_tx_stop(q, PLX_STOP_link_down);
}

/* Whatever the errno, the descriptors stay where they are, and are announced again later. */
static void tx_failed(struct ax_txq *q, int err)
{
	__atomic_store_n(&q->base.err, -err, __ATOMIC_RELAXED);
	ax_trouble(&q->trouble, q->sock, err, plx_sys_now(q->sock->sys));
	ax_tx_stop(q, err == ENOBUFS ? PLX_STOP_nobufs : PLX_STOP_error);
}

static void tx_rang(struct ax_txq *q)
{
	if (plx_likely(!q->trouble.retry_at))
		return;
	ax_well(&q->trouble);
	__atomic_store_n(&q->base.err, 0, __ATOMIC_RELAXED);
}

/* One doorbell; 0 or the errno. */
static int tx_kick(struct ax_txq *q)
{
	q->passed = ax_tx_passed(q);
	plx_ctr_add(&q->base.stats.kicks, 1);
	return q->sock->sys->sendto(q->sock->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) < 0 ? errno : 0;
}

/* Copy mode: the kernel dropped one packet, the last that it took out of the ring in this doorbell, and
   completed it.  What it took out before counts as sent; this one does not. */
static void tx_refused(struct ax_txq *q)
{
	const uint32_t passed = ax_tx_passed(q);
	uint64_t bytes;

	if (passed != q->passed) { /* it told so far */
		uint32_t at = passed;

		bytes = xring_desc(&q->tx, --at)->len;
		while (at != q->passed && xring_desc(&q->tx, at - 1)->options & XDP_PKT_CONTD)
			bytes += xring_desc(&q->tx, --at)->len;
		q->passed = passed;
	} else {
		bool more = true;

		for (bytes = 0; more && q->passed != q->tx.head; q->passed++) {
			bytes += xring_desc(&q->tx, q->passed)->len;
			more = xring_desc(&q->tx, q->passed)->options & XDP_PKT_CONTD;
		}
	}
	plx_ctr_add(&q->base.stats.drop[PLX_TX_DROP_device], 1);
	plx_ctr_add(&q->base.stats.pkts, -1ull);
	plx_ctr_add(&q->base.stats.bytes, -bytes);
}

/* What a doorbell's errno means.  True: ring again. */
static bool tx_again(struct ax_txq *q, int err, bool progress)
{
	switch (err) {
	case 0: /* kernels before EAGAIN: the completion ring was full */
	case EAGAIN:
		tx_rang(q);
		if (!progress)
			ax_tx_stop(q, PLX_STOP_again);
		return progress;
	case EINTR:
		return true;
	case EBUSY:
		if (!q->zerocopy)
			tx_refused(q);
		return true;
	case ENETDOWN:
		tx_link_down(q);
		return false;
	default:
		tx_failed(q, err);
		return false;
	}
}

/* ax_tx_ring announces what is in the ring.  In copy mode the kernel sends in the call, as
   many as its budget allows, and says EAGAIN though it did; a zero-copy driver is only
   woken, and only if it sleeps. */
void ax_tx_doorbell(struct ax_txq *q)
{
	uint32_t tries = RING_TRIES + (q->budget ? 0 : q->unrung / AX_COPY_BUDGET);
	int err = 0;

	PLX_DASSERT(q->in_flight <= q->limit);
	if (plx_unlikely(q->trouble.retry_at) && ax_wait(&q->trouble, plx_sys_now(q->sock->sys)))
		return;
	if (!xring_wants_wakeup(&q->tx)) {
		q->unrung = 0;
		return;
	}
	while (tries--) {
		uint32_t before = q->unrung;
		err = tx_kick(q);
		if (!err && q->zerocopy) {
			tx_rang(q);
			q->unrung = 0;
			return;
		}
		q->unrung = xring_unread(&q->tx);
		uint32_t reaped = ax_tx_reap(q, AX_REAP);
		if ((!err || err == EAGAIN) && !q->unrung) {
			tx_rang(q);
			return;
		}
		if (!tx_again(q, err, q->unrung < before || reaped))
			return;
		if (!q->unrung)
			return;
	}
	ax_tx_stop(q, err == EBUSY ? PLX_STOP_busy : PLX_STOP_again);
}

/* The link is not up.  True: it is again, go on.  Without link events the doorbell is the
   only one to tell, so it is asked, seldom. */
bool ax_tx_recovered(struct ax_txq *q)
{
	struct ax_port *p = ax_port(q->base.port);
	uint32_t link = __atomic_load_n(&p->base.link, __ATOMIC_RELAXED);

	if (link == PLX_LINK_DOWN && !__atomic_load_n(&p->down_told, __ATOMIC_RELAXED) &&
	    !ax_wait(&q->trouble, plx_sys_now(q->sock->sys))) {
		int err = tx_kick(q);
		if (err == ENETDOWN || err == EBUSY)
			tx_again(q, err, false);
		if (err != ENETDOWN) {
			link_set(q, PLX_LINK_DOWN, PLX_LINK_UP);
			q->unrung = q->zerocopy ? q->unrung : xring_unread(&q->tx);
			link = PLX_LINK_UP;
		}
	}
	q->base.link_down = link != PLX_LINK_UP;
	if (q->base.link_down)
		ax_tx_stop(q, PLX_STOP_link_down);
	return !q->base.link_down;
}

/* The interface is gone for good: who tries again until it is taken must not try for ever. */
uint16_t ax_tx_refuse(struct ax_txq *q, struct plx_mbuf **m, uint16_t n)
{
	q->base.link_down = true;
	q->unrung = 0;
	plx_ctr_add(&q->base.stats.drop[PLX_TX_DROP_removed], n);
	plx_mbuf_put_bulk(m, n);
	ax_tx_stop(q, PLX_STOP_link_down);
	return n;
}

/* In copy mode kernels before 6.17 move the ring's index only when they come to the end of what they saw in it, so
   what they completed counts as well. */
uint32_t ax_tx_passed(const struct ax_txq *q)
{
	const uint32_t told = __atomic_load_n(q->tx.theirs, __ATOMIC_ACQUIRE);
	uint32_t left = q->tx.head - told;

	if (left > q->tx.mask + 1)
		return told;
	if (q->tx.head - q->passed < left)
		left = q->tx.head - q->passed;
	return q->tx.head - (q->in_flight < left ? q->in_flight : left);
}

/* Packets in the ring that the kernel has not taken out, and their bytes. */
uint32_t ax_tx_unsent(const struct ax_txq *q, uint64_t *bytes)
{
	const uint32_t taken = ax_tx_passed(q);
	uint32_t pkts = 0;

	*bytes = 0;
	for (uint32_t i = taken; q->tx.head - i <= q->tx.mask + 1 && i != q->tx.head; i++) {
		pkts += !(xring_desc(&q->tx, i)->options & XDP_PKT_CONTD);
		*bytes += xring_desc(&q->tx, i)->len;
	}
	return pkts;
}

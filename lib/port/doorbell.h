/* SPDX-License-Identifier: MIT */
/* doorbell.h - for drivers and the lcore loop: who uses a queue, and the doorbells of transmit queues
   that a thread has still to ring.  Internal. */
#ifndef DOORBELL_H
#define DOORBELL_H

#include "plx_queue.h"
#include "thread.h"

/* For drivers: first in a transmit burst.  A queue knows its user by the address of that thread's
   plx_self. */
void plx_txq_other_user(struct plx_txq *q);
static inline void plx_tx_enter(struct plx_txq *q, struct plx_mbuf *const *m, uint16_t n)
{
	if (plx_unlikely(__atomic_load_n(&q->user, __ATOMIC_RELAXED) != &plx_self))
		plx_txq_other_user(q);
#ifdef PLX_HARDENED
	for (uint16_t i = 0; i < n; i++)
		PLX_ASSERT(m[i]->nsegs > 1 || !m[i]->next); /* no driver would give back the rest of the chain */
#else
	(void)m;
	(void)n;
#endif
}

/* plx_tx_may_wait: a burst of this thread may leave its doorbell to be rung later. */
static inline bool plx_tx_may_wait(void)
{
	return plx_self.slot && !plx_self.at_once;
}

/* plx_tx_pending_add notes that q has unrung descriptors.  q's lcore only. */
static inline void plx_tx_pending_add(struct plx_txq *q)
{
	PLX_DASSERT(q->pending || !q->pending_next);
	if (!q->pending) {
		q->pending = true;
		q->pending_next = plx_self.pending;
		plx_self.pending = q;
	}
}

/* plx_tx_pending_ring takes every pending queue of this thread off the list and
   offers it an empty burst, which rings its doorbell; a queue whose kernel did not take
   everything adds itself again.  Returns the number of queues pending afterwards. */
unsigned plx_tx_pending_ring(void);

/* plx_tx_pending_del takes q off the calling thread's list, before q closes. */
void plx_tx_pending_del(struct plx_txq *q);

#endif

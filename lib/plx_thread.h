/* SPDX-License-Identifier: MIT */
/* plx_thread.h - what a thread is to Pollux: the only thread-local state there is.
   The runtime fills it in when an lcore starts or a thread registers as one; any other
   thread keeps the zero value, which means: no cache of its own, doorbells rung at once. */
#ifndef PLX_THREAD_H
#define PLX_THREAD_H

#include "plx_port.h"

struct fatal_line;

struct plx_thread {
	uint32_t slot;             /* its number in the process, from 1: its cache in pools; 0 = none */
	struct plx_txq *pending;   /* transmit queues with a doorbell still to ring, linked by
	                              plx_txq.pending_next; the lcore loop rings them */
	void *lcore;               /* what plx_lcore_self() returns; the runtime's */
	uint64_t now;              /* plx_cycles() as the lcore loop last read it; 0 = no loop does */
	void (*where)(struct fatal_line *l); /* says in the last line of a process which lcore and poller
	                              this is; in a signal handler too.  NULL = no lcore's */
	bool at_once;              /* it has a cache but no loop that would ring for it */
};

/* initial-exec: one instruction to reach; fine in a library loaded at start. */
extern _Thread_local struct plx_thread plx_self __attribute__((tls_model("initial-exec")));

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

/* SPDX-License-Identifier: MIT */
/* doorbell.c - the list of doorbells still to ring, and queues that two threads use; warm, called by
   the lcore loop between bursts and by drivers that close a queue. */
#include "doorbell.h"

/* Two threads that use one queue at a time come here again and again. */
__attribute__((cold)) void plx_txq_other_user(struct plx_txq *q)
{
	if (__atomic_exchange_n(&q->user, &plx_self, __ATOMIC_RELAXED)) {
		PLX_DASSERT(!"a second thread uses a transmit queue: plx_env_txq gives each lcore its own");
		plx_ctr_add(&q->stats.users, 1);
	}
}

void plx_rxq_check_user(struct plx_rxq *q)
{
	PLX_ASSERT(q && q->burst);
	const void *user = __atomic_load_n(&q->user, __ATOMIC_RELAXED);

	PLX_ASSERT(!user || user == &plx_self);
	if (!user)
		__atomic_store_n(&q->user, &plx_self, __ATOMIC_RELAXED);
}

unsigned plx_tx_pending_ring(void)
{
	struct plx_txq *q = plx_self.pending, *next;
	unsigned left = 0;

	/* The old list is taken whole first: a queue that adds itself again goes to the
	   new one, so each is rung once and the loop ends. */
	plx_self.pending = NULL;
	for (; q; q = next) {
		PLX_DASSERT(q->pending);
		next = q->pending_next;
		q->pending_next = NULL;
		q->pending = false;
		q->burst(q, NULL, 0);
		left += q->pending;
	}
	return left;
}

void plx_tx_pending_del(struct plx_txq *q)
{
	struct plx_txq **at = &plx_self.pending;

	while (*at && *at != q)
		at = &(*at)->pending_next;
	PLX_DASSERT(q->pending == (*at != NULL)); /* a queue pends on the list of one thread */
	if (*at) {
		*at = q->pending_next;
		q->pending_next = NULL;
		q->pending = false;
	}
}

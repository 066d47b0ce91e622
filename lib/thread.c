/* SPDX-License-Identifier: MIT */
/* thread.c - the thread-local state and the list of doorbells still to ring; warm,
   called by the lcore loop between bursts and by drivers that close a queue. */
#include "plx_thread.h"

_Thread_local struct plx_thread plx_self __attribute__((tls_model("initial-exec")));

unsigned plx_tx_pending_ring(void)
{
	struct plx_txq *q = plx_self.pending, *next;
	unsigned left = 0;

	/* The old list is taken whole first: a queue that adds itself again goes to the
	   new one, so each is rung once and the loop ends. */
	plx_self.pending = NULL;
	for (; q; q = next) {
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
	if (*at) {
		*at = q->pending_next;
		q->pending_next = NULL;
		q->pending = false;
	}
}

/* SPDX-License-Identifier: MIT */
/* thread.h - what a thread is to Pollux: the only thread-local state there is.
   The runtime fills it in when an lcore starts or a thread registers as one; any other
   thread keeps the zero value, which means: no cache of its own, doorbells rung at once. */
#ifndef THREAD_H
#define THREAD_H

#include "plx_defs.h"

struct fatal_line;
struct plx_txq;

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

#endif

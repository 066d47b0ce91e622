/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* steer.h - what the steering program and drivers/af_xdp share: the layout of its memory.
   Fixed-width kernel types, so that both sides see the same.

   One program stands on one interface.  For each frame it decides by, in this order:

     alive    queue[i].alive: 0 = nobody reads this queue, its frames are the host's
     stall    the number has not moved for queue[i].stall ticks: its reader stands still,
              and the frames are the host's until it moves again
     socket   xsks[i]: no socket there = the host's

   Whatever is not redirected goes to the host (XDP_PASS).  Each verdict is counted, by queue.

   The sign of life is a number and not a time: user space moves it, the program keeps the clock
   (jiffies).  So no clock of user space counts, and each word has one writer: `seen` and
   `count` are the program's, `alive` is written by whoever reads the queue, and set to 0 by
   whoever gives the queue back. */
#ifndef STEER_H
#define STEER_H

#include <linux/types.h>

enum { STEER_QUEUES = 1024 }; /* device queues it knows, a power of two; frames of others are the host's */

/* Verdicts, the index of count[].  X(id, sentence) */
#define STEER_VERDICTS(X) \
	X(redirected,       "handed to the socket of its queue") \
	X(passed_stopped,   "to the host: nobody reads this queue") \
	X(passed_stale,     "to the host: the reader of this queue stands still") \
	X(passed_no_socket, "to the host: no socket in the map")
#define X(id, why) STEER_##id,
enum steer_verdict { STEER_VERDICTS(X) STEER_VERDICT_N };
#undef X

/* One cache line for each queue of the device.  What both sides write stands together: measured,
   that costs less than a second line for each frame. */
struct steer_queue {
	__u32 alive;    /* user space, at any time: 0, or a number that its reader moves */
	__u32 stall;    /* user space, at any time: ticks; 0 = for ever alive */
	__u64 seen;     /* program: alive << 32 | the low half of jiffies when it was first seen */
	__u64 count[STEER_VERDICT_N]; /* program; atomic adds: generic XDP may run a queue on two CPUs */
} __attribute__((aligned(64)));

#endif

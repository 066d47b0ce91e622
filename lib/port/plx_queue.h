/* SPDX-License-Identifier: MIT */
/* plx_queue.h - the port and queue contract: what applications poll and drivers fill.

   A port is one interface through one driver.  Its receive and transmit queues are
   counted apart.  A queue is used by one lcore at a time; burst calls are one
   indirect call on the queue pointer and never block.

   The thread that bursts on a queue first is its user until plx_port_start, plx_port_stop,
   plx_rxq_handover or plx_txq_handover.  An environment hands its queues over by itself when a
   run begins or ends and when pollers come, go or move.  Another user of a transmit queue is counted
   (plx_txq_stats.users; finding shared_txq of docs/live.md), and of either queue an assertion in
   a hardened build. */
#ifndef PLX_QUEUE_H
#define PLX_QUEUE_H

#include "plx_pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why a frame that was offered to a receive queue did not reach the application.  Each frame has one reason:

       offered = received + every drop + what stands in the ring

   offered is counted where frames are handed to the queue, whatever becomes of them then: by the steering program of
   af_xdp, by the kernel's socket of packet, by who sends to a port of loop.  It holds exactly after plx_port_stop, and
   but for a burst while frames come.  plx_port_stats and plx_port_rxq_stats of plx_port.h read it. */
#define PLX_RX_DROPS(X) \
	X(no_mbuf, "the pool had no frame: raise -m, or find who keeps them") \
	X(ring_full, "the receive ring was full: poll more often or raise rxd=") \
	X(fill_empty, \
	  "the kernel found no frame in the fill ring, or too few for a packet of several: poll more often or raise " \
	  "rxd=") \
	X(long_frame, "longer than the frame room: lower the MTU or use --frame-size 4096") \
	X(bad_desc, "the kernel handed out an address or length outside the pool") \
	X(kernel, "the kernel dropped it before the ring and does not tell why: if packets are longer than the frame " \
	          "room, lower " \
	          "the MTU or use --frame-size 4096") \
	X(closed, "it stood in the ring when its queue was given back")

/* Why a frame taken by plx_tx_burst was not sent; each has one reason:

       taken = sent + every drop + what waits for the kernel */
#define PLX_TX_DROPS(X) \
	X(bad_len, "empty, shorter than an Ethernet header or longer than the device takes") \
	X(segments, "more segments than the driver or device takes") \
	X(no_mbuf, "no frame to copy a packet of another pool to") \
	X(no_l2, "an IP packet without an Ethernet header (PLX_MBUF_L3), which this driver needs") \
	X(csum, "its checksum was left to the sender, who knows no such protocol: a tunnel, a fragment") \
	X(device, "the device refused it (peer down or its MTU smaller, queue stopped, no buffer)") \
	X(removed, "the interface is gone") \
	X(closed, \
	  "still in the ring, or on its way to the lcore that sends it, when its queue was closed or opened anew")

/* Why a burst stopped short; counted once for each call. */
#define PLX_STOPS(X) \
	X(ring_full,    "no free descriptor") \
	X(link_down,    "the link is down") \
	X(no_mbuf,      "the pool had no frame to refill with") \
	X(again,        "the kernel asked to come again (EAGAIN)") \
	X(nobufs,       "the kernel was out of buffers (ENOBUFS)") \
	X(busy,         "the device was busy (EBUSY)") \
	X(error,        "another error of the doorbell, which is rung again later; plx_txq.err holds it")

#define X(id, why) PLX_RX_DROP_##id,
enum plx_rx_drop { PLX_RX_DROPS(X) PLX_RX_DROP_N };
#undef X
#define X(id, why) PLX_TX_DROP_##id,
enum plx_tx_drop { PLX_TX_DROPS(X) PLX_TX_DROP_N };
#undef X
#define X(id, why) PLX_STOP_##id,
enum plx_stop { PLX_STOPS(X) PLX_STOP_N };
#undef X

/* UP: frames move.  DOWN: they do not now and may again, nothing is lost but what
   the device drops.  REMOVED: the interface is gone for good, or another namespace's, as the
   kernel's link events say; packets are taken, dropped and counted; close the port. */
enum plx_link { PLX_LINK_DOWN, PLX_LINK_UP, PLX_LINK_REMOVED };

struct plx_port;

/* Counters of one queue; one writer, the queue's lcore. */
struct plx_rxq_stats {
	plx_ctr pkts, bytes;
	plx_ctr bursts, empty;       /* calls, and calls that returned 0 */
	plx_ctr kicks;               /* system calls made */
	plx_ctr drop[PLX_RX_DROP_N]; /* in a queue: of those that its bursts, or its stop, saw */
	plx_ctr pool_waits;          /* frames or bursts that found the pool empty; by that alone nothing is lost */
};
struct plx_txq_stats {
	plx_ctr pkts, bytes;         /* handed to the kernel or device; those that it did not send after all are
	                                taken off again when they count as dropped */
	plx_ctr bursts;
	plx_ctr copied; /* of them copied, because they came from another pool, or had to be changed and others
	                   hold them too */
	plx_ctr csums;               /* of them with a checksum that was unfinished (PLX_CSUM_PARTIAL) and is no more */
	plx_ctr kicks;
	plx_ctr users;               /* bursts by another thread than the one before, without a hand-over */
	plx_ctr drop[PLX_TX_DROP_N];
	plx_ctr stop[PLX_STOP_N];
};

struct plx_rxq {
	uint16_t (*burst)(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n);
	struct plx_port *port;
	struct plx_pool *pool;
	uint16_t id;                 /* index in the port: 0..nrx-1 */
	uint16_t hwq;                /* the device's queue number */
	uint8_t  port_id;
	/* the library's own from here on, and no part of what programs may count on (docs/abi.md) */
	const void *user;            /* atomic, relaxed: of thread.h; NULL = nobody yet */
	struct plx_rxq_stats stats;  /* read by plx_port_rxq_stats */
};

struct plx_txq {
	uint16_t (*burst)(struct plx_txq *q, struct plx_mbuf **m, uint16_t n);
	struct plx_port *port;
	struct plx_pool *pool;
	struct plx_txq  *pending_next; /* of doorbell.h: doorbells still to ring */
	bool     pending;
	bool     link_down;            /* the last burst found the link down */
	int      err;                  /* atomic: -errno of the doorbells that fail now, 0 = they do not */
	uint16_t id, hwq;
	/* the library's own from here on, as above */
	const void *user;              /* atomic, relaxed: of thread.h; NULL = nobody yet */
	struct plx_txq_stats stats;    /* read by plx_port_txq_stats */
};

/* plx_rxq_check_user asserts that no other thread uses q.  Hardened builds. */
PLX_API void plx_rxq_check_user(struct plx_rxq *q);

/* plx_rx_burst receives up to n packets into m[] and returns how many; all are the
   caller's.  0 = nothing there now.  The call is the queue's sign of life: its frames are
   the port's while it is called at least once in stall=, and the host's otherwise; n = 0 does
   for that.  The queue's lcore only.  Never blocks.  Errors
   are counted (plx_port_rxq_stats), the link's state is in plx_port_link(). */
static inline uint16_t plx_rx_burst(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
#ifdef PLX_HARDENED
	plx_rxq_check_user(q);
#endif
	uint16_t k = q->burst(q, m, n);

	PLX_DASSERT(k <= n);
	return k;
}

/* plx_tx_burst offers m[0,n) to q and returns how many it took, k in [0,n].
   m[0,k) are the driver's; m[k,n) stay the caller's, to retry or to put.  A packet
   that can never be sent (too long, too many segments) is taken, dropped and counted.
   The queue's lcore only.  Never blocks; at most one doorbell.  k < n means: no
   descriptor free now, or the link is down (q->link_down).

   On an lcore the doorbell of a short burst may wait, at most until the lcore's next
   idle round or 20 us; elsewhere it rings in the call.  n = 0 rings what waits
   and collects what is sent. */
static inline uint16_t plx_tx_burst(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	PLX_DASSERT(q && (m || !n));
	uint16_t k = q->burst(q, m, n);

	PLX_DASSERT(k <= n);
	return k;
}

/* The thread that used q does so no more, and another may.  Any thread, which sees to it
   that what the one did happened before what the other does. */
static inline void plx_rxq_handover(struct plx_rxq *q)
{
	__atomic_store_n(&q->user, NULL, __ATOMIC_RELAXED);
}
static inline void plx_txq_handover(struct plx_txq *q)
{
	__atomic_store_n(&q->user, NULL, __ATOMIC_RELAXED);
}

#ifdef __cplusplus
}
#endif
#endif

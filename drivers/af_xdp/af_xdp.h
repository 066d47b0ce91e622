/* SPDX-License-Identifier: MIT */
/* af_xdp.h - the parts of the af_xdp driver and what passes between them.  Internal.

     af_xdp.c  verbs of the port; the ladder of modes        cold, main thread
     prog.c    the steering program on the interface         cold, main thread
     umem.c    kernel registrations of a pool                cold, main thread
     xsk.c     one socket on one device queue                cold, main thread
     priv.c    which privilege is missing, in one line       cold, main thread
     explain.c what a refusal means, and the line for it     cold, main thread
     carrier.c the link after an attach                      cold, main thread
     rxtx.c    the bursts                                    hot, the queue's lcore

   Ledger.  A frame that the kernel has belongs to exactly one of two byte arrays, one
   byte a frame, of the queue that gave it: ax_rxq.own (1: posted to the fill ring and not
   received since) or ax_txq.own (number of descriptors it is in; a frame with several
   references may be sent several times at once).  Whatever the kernel hands out is looked
   up there first, and what is left there at close goes back to the pool, whether the
   kernel completed it or not. */
#ifndef AF_XDP_H
#define AF_XDP_H

#include "../drivers.h"
#include "../plx_link.h"
#include "plx_thread.h"
#include "xring.h"

#include <inttypes.h>
#include <stdalign.h>

struct ax_sock;
struct steer_bpf;

struct ax_rxq {
	struct plx_rxq base;
	/* hot: rxtx.c */
	alignas(PLX_CACHELINE) struct xring rx;
	struct xring     fill;
	alignas(PLX_CACHELINE) uint8_t *area;
	struct plx_mbuf *mbufs;
	uint8_t         *own;
	uint32_t         frames;
	uint32_t         frame_size;
	uint16_t         shift;
	bool             sg;
	bool             chain_bad;    /* drop the rest of the packet that came in part */
	uint32_t         posted;       /* frames the kernel has of us */
	uint32_t         target;       /* frames it should have */
	uint32_t         missing;      /* target - posted that the pool could not give */
	struct plx_mbuf *chain, *tail; /* packet that came in part */
	/* warm: wake-up of a zero-copy fill ring */
	struct ax_sock  *sock;
	uint64_t         woken;        /* ns of the last one */
};

struct ax_txq {
	struct plx_txq base;
	/* hot: rxtx.c */
	alignas(PLX_CACHELINE) struct xring tx;
	struct xring     comp;
	alignas(PLX_CACHELINE) uint8_t *area;
	struct plx_mbuf *mbufs;
	uint8_t         *own;
	uint32_t         frames;
	uint16_t         shift;
	uint16_t         max_segs;
	uint32_t         max_len;
	uint32_t         limit;        /* descriptors not completed, at most: the completion ring */
	uint32_t         in_flight;    /* descriptors not completed */
	uint32_t         unrung;       /* of them not announced by a doorbell */
	uint32_t         ring_at;      /* announce at so many */
	bool             sg, zerocopy, budget;
	/* warm: doorbell */
	struct ax_sock  *sock;
	uint64_t         retry_at;     /* ns: link down, no doorbell before */
	plx_ctr          bad_completions;
};

enum { AX_L2_MAX = 14 + 4 }; /* what the MTU does not count: Ethernet header and one tag */

/* How a port uses its pool and sockets; one kernel registration for each. */
enum { AX_KIND_ZC = 1, AX_KIND_SG = 2, AX_KINDS = 4 };

/* One socket on one device queue with the rings it has. */
struct ax_sock {
	const struct plx_sys *sys;
	struct plx_pool *pool;
	int      fd;
	unsigned kind;
	uint32_t ifindex, queue;
	uint64_t netns;
	struct ax_sock *next;                /* in the registration */
	bool     bound, zerocopy, budget;
	struct xring rx, tx, fill, comp;     /* slots NULL: the socket has no such ring */
	struct { void *at; size_t len; } map[4];
	const char *step;                    /* what failed, for the error line */
};

struct ax_sock_conf {
	const struct plx_sys *sys;
	struct plx_pool *pool;
	uint32_t ifindex, queue;
	uint32_t rxd, txd, fill, comp;       /* ring entries; rxd or txd may be 0 */
	unsigned kind;
	uint32_t timeout_ms;
};

/* The steering program on one interface. */
struct ax_prog {
	struct steer_bpf *skel;
	int       link;                      /* the attachment lives as long as this is open */
	uint32_t  prog;                      /* id of the program, 0 = not told */
	uint64_t *beat;                      /* mapped: one for each device queue */
	size_t    beat_len;
	const uint64_t *passed;              /* mapped: the same; NULL = could not be */
	uint32_t  queues;
	int       cpus;                      /* possible ones, each with its counters; below 1 = not told */
	bool      native, frags;
	bool      load_failed;               /* no mode will help */
};

struct ax_port {
	struct plx_port base;
	struct ax_prog  prog;
	struct ax_sock *sock;                /* one for each device queue from conf.queue on */
	struct ax_rxq **parked;              /* fill rings of zero-copy queues that only send */
	uint16_t nsock;
	bool     stall_armed;
	bool     down_told;                  /* link events say DOWN: the doorbell may not try */
};

/* prog.c */
int  ax_prog_open(struct ax_prog *g, struct ax_port *p, const struct plx_link_info *li, bool native);
void ax_prog_close(struct ax_prog *g, const struct plx_sys *sys);
int  ax_prog_claim(struct ax_prog *g, const struct plx_sys *sys, uint32_t queue, int fd);
void ax_prog_unclaim(struct ax_prog *g, const struct plx_sys *sys, uint32_t queue);
void ax_prog_beat(struct ax_prog *g, uint32_t queue, uint64_t now);
void ax_prog_stall(struct ax_prog *g, uint64_t stall_ns);
int  ax_prog_passed(const struct ax_prog *g, uint64_t *n, int queues);
int  ax_prog_attached(const struct ax_prog *g, const struct plx_sys *sys);
int  ax_prog_xstats(const struct ax_prog *g, const struct plx_sys *sys, struct plx_xstat *x, int n);

/* umem.c: sockets of a pool and kind share one kernel registration. */
int  ax_umem_bind(struct ax_sock *s, uint32_t timeout_ms);
void ax_umem_leave(struct ax_sock *s);
uint32_t ax_umem_room(const struct plx_pool *pool); /* longest frame of one buffer */

/* xsk.c */
int  ax_sock_make(struct ax_sock *s, const struct ax_sock_conf *c);
int  ax_sock_bind(struct ax_sock *s, const struct ax_sock_conf *c);
void ax_sock_close(struct ax_sock *s);
int  ax_sock_settled(const struct ax_sock *s, uint32_t timeout_ms);
int  ax_sock_xstats(const struct ax_sock *s, int n, struct plx_xstat *x, int room);
void ax_sock_lost(const struct ax_sock *s, uint64_t *n);

/* priv.c: what this process lacks for a port of c, as words for a line; "" = nothing. */
void ax_priv_missing(const struct plx_sys *sys, const struct plx_pool *pool, char *buf, size_t len);

/* explain.c: a refusal of the kernel becomes a line of error, and an errno that tells the ladder of
   drivers what it means: -EOPNOTSUPP if another driver can do better. */
bool ax_mode_refused(int err);
int  ax_explain_attach(const struct ax_port *p, int err);
int  ax_explain_sock(const struct ax_port *p, const struct ax_sock *s, int err);
int  ax_explain_mtu(const struct ax_port *p, uint32_t mtu, const char *call, int err);

/* carrier.c */
bool ax_carrier(const struct plx_port *p);
void ax_wait_for_carrier(const struct plx_port *p);

/* rxtx.c */
void     ax_rx_choose(struct ax_rxq *q);
void     ax_tx_choose(struct ax_txq *q);
uint32_t ax_rx_refill(struct ax_rxq *q);
uint32_t ax_tx_reap(struct ax_txq *q, uint32_t n);
uint32_t ax_rx_reclaim(struct ax_rxq *q);
uint32_t ax_tx_reclaim(struct ax_txq *q);

#endif

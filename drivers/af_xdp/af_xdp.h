/* SPDX-License-Identifier: MIT */
/* af_xdp.h - the parts of the af_xdp driver and what passes between them.  Internal.

     af_xdp.c  verbs of the port; the ladder of modes        cold, main thread
     queue.c   one device queue: opened, closed, anew        cold, main thread or who repairs
     prog.c    the steering program of an interface          cold, main thread or who repairs
     xsk.h     the sockets beneath
     priv.c    which privilege is missing, in one line       cold, main thread
     explain.c what a refusal means, and the line for it     cold, main thread
     carrier.c the link after an attach                      cold, main thread
     split.c   frames that come in pieces                    the queue's lcore, or who repairs
     rxtx.c    the bursts                                    hot, the queue's lcore
     kick.c    the doorbell of a transmit queue              hot, the queue's lcore
     gate.c    what a burst does seldom: signs of life, errors of wake-ups, being parked

   Ledger.  A frame that the kernel has belongs to exactly one of two byte arrays, one
   byte a frame, of the queue that gave it: ax_rxq.own (1: posted to the fill ring and not
   received since) or ax_txq.own (number of descriptors it is in; a frame with several
   references may be sent several times at once).  Whatever the kernel hands out is looked
   up there first, and what is left there at close goes back to the pool, whether the
   kernel completed it or not. */
#ifndef AF_XDP_H
#define AF_XDP_H

#include "drivers.h"
#include "link_info.h"
#include "doorbell.h"
#include "steer.h"
#include "xsk.h"

#include <inttypes.h>
#include <stdalign.h>

struct steer_bpf;

/* Who may touch the rings of half a socket.  A queue is opened anew while lcores go on polling it:

       SHUT --burst--> OPEN --repair--> ASKED --burst--> PARKED --repair--> SHUT
       SHUT --repair--> PARKED

   A burst that finds its half SHUT opens it and goes on; one that finds it ASKED parks it and
   returns nothing.  Who repairs works on a PARKED one alone: no burst is within it. */
enum ax_gate { AX_SHUT, AX_OPEN, AX_ASKED, AX_PARKED };

/* Wake-ups of one half that fail. */
struct ax_trouble {
	uint64_t since;                /* ns: of the first in a row that failed; 0 = the last one did not */
	uint64_t retry_at;             /* ns: not before; 0 = at once */
	uint64_t gap;                  /* ns: to the next, doubled with each */
	int wants; /* atomic: the errno for which the queue is to be opened anew, 0 = it need not be */
};

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
	uint32_t         gate;         /* atomic, enum ax_gate */
	uint32_t         life;         /* the number as this queue last moved it */
	uint32_t        *alive;        /* where the program reads it; atomic */
	uint64_t         moved;        /* when: cycles on an lcore, ns elsewhere */
	uint64_t         move_gap;     /* cycles between two moves: an eighth of stall= */
	/* warm */
	uint64_t         move_gap_ns;
	uint32_t         alone;        /* where alive points while no program shall read it */
	struct ax_sock  *sock;
	uint64_t         woken;        /* ns of the last wake-up of a zero-copy fill ring */
	struct ax_trouble trouble;
	uint64_t         split_at;     /* ns: when the last piece of a frame was seen, 0 = none was */
	plx_ctr          splits;       /* pieces seen; only some of all frames are looked at */
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
	uint32_t         doorbell_at;      /* announce at so many */
	uint32_t         passed;       /* index of tx: what stands before it is out, told or not */
	uint32_t         gate;         /* atomic, enum ax_gate */
	bool             sg, zerocopy, budget;
	bool             written_off;  /* what stands in the ring is counted as dropped */
	/* warm: doorbell */
	struct ax_sock  *sock;
	struct ax_trouble trouble;
	plx_ctr          bad_completions;
};

/* Hot fields stand together: the rings in two lines, what a descriptor becomes an mbuf by in the next. */
static_assert(offsetof(struct ax_rxq, rx) % PLX_CACHELINE == 0 && offsetof(struct ax_rxq, area) % PLX_CACHELINE == 0 &&
              offsetof(struct ax_rxq, area) - offsetof(struct ax_rxq, rx) == 2 * PLX_CACHELINE &&
              offsetof(struct ax_rxq, tail) < offsetof(struct ax_rxq, area) + PLX_CACHELINE &&
              offsetof(struct ax_rxq, move_gap_ns) <= offsetof(struct ax_rxq, area) + 2 * PLX_CACHELINE,
              "four lines for a receive burst");
static_assert(offsetof(struct ax_txq, tx) % PLX_CACHELINE == 0 && offsetof(struct ax_txq, area) % PLX_CACHELINE == 0 &&
              offsetof(struct ax_txq, area) - offsetof(struct ax_txq, tx) == 2 * PLX_CACHELINE &&
              offsetof(struct ax_txq, written_off) < offsetof(struct ax_txq, area) + PLX_CACHELINE,
              "three lines for a transmit burst");

enum { AX_REAP = PLX_BURST_MAX };            /* completions looked at in one call */
enum { AX_WHY_FALL = -1 };                   /* of ax_sock.why: it leaves zero-copy */

/* The steering program of one interface, shared by the ports that stand there. */
struct ax_prog {
	struct ax_prog *next;
	const void *owner;                   /* environment, NULL = none */
	uint64_t  netns;
	uint32_t  ifindex;
	unsigned  users, steering;           /* ports that have it; that want it attached */
	struct steer_bpf *skel;
	struct steer_queue *queue;           /* mapped: one for each device queue */
	int       link;                      /* atomic; the attachment lives as long as this is open; -1 = none */
	uint32_t  prog;                      /* id of the program, 0 = not told */
	uint32_t  queues;                    /* slots of the map of sockets */
	bool      native, frags;
	uint8_t   taken[STEER_QUEUES / 8];   /* device queues of its ports */
	uint8_t   reads[STEER_QUEUES / 8];   /* those of them that receive */
	bool      unread_told;               /* the log has the queues that no port receives on */
};

struct ax_port {
	struct plx_port base;
	struct ax_prog *prog;                /* NULL: it only sends, and by copies: none is needed */
	bool     steers;                     /* it wants the program on the interface */
	bool     parted, awaits;             /* its queues are given back; frames may be on their way to them since */
	uint64_t parted_at;                  /* as of ax_prog_graces */
	bool     left;                       /* removed: the program is off and the sockets are out of the map */
	struct ax_sock *sock;                /* one for each device queue from conf.queue on */
	uint64_t (*before)[STEER_VERDICT_N]; /* of each: what the program had counted when the port came */
	struct ax_rxq **parked;              /* fill rings of zero-copy queues that only send */
	uint16_t nsock;
	uint16_t l2_max;                     /* what the device takes beside the MTU */
	struct ax_kind kind;                 /* zc: atomic */
	bool     down_told;                  /* link events say DOWN: the doorbell may not try */
	bool     soft;                       /* no hardware: all devices of its driver are alike */
	bool     no_zc;                      /* it has no zero-copy */
	bool     falling;                    /* it leaves zero-copy, and not all of its sockets have */
	char     kdriver[32];                /* the kernel's driver */
	char     unit_why[192];              /* why zero-copy has no room for the MTU; "" = it has */
};

PLX_BASE_FIRST(struct ax_port);
static inline struct ax_port *ax_port(struct plx_port *p)
{
	return plx_container_of(p, struct ax_port, base);
}

PLX_BASE_FIRST(struct ax_rxq);
static inline struct ax_rxq *ax_rxq(struct plx_rxq *q)
{
	return plx_container_of(q, struct ax_rxq, base);
}

PLX_BASE_FIRST(struct ax_txq);
static inline struct ax_txq *ax_txq(struct plx_txq *q)
{
	return plx_container_of(q, struct ax_txq, base);
}

/* prog.c */
void ax_fork(enum plx_fork at);
int  ax_prog_get(struct ax_port *p, const struct plx_link_info *li, bool native);
void ax_prog_put(struct ax_port *p);
int  ax_prog_steer(struct ax_port *p, bool on);
void ax_prog_leave(struct ax_port *p);
int  ax_prog_map(const struct ax_prog *g, const struct plx_sys *sys, uint32_t queue, int fd);
void ax_prog_unmap(const struct ax_prog *g, const struct plx_sys *sys, uint32_t queue);
uint64_t ax_prog_graces(void);
void ax_prog_grace(const struct ax_prog *g, const struct plx_sys *sys, uint64_t since);
int  ax_prog_passed(const struct ax_prog *g, uint64_t *n, int queues);
uint64_t ax_prog_counted(const struct ax_port *p, uint32_t i, unsigned verdict);
int  ax_prog_attached(const struct ax_prog *g, const struct plx_sys *sys);
bool ax_prog_reads(struct ax_prog *g, uint8_t reads[STEER_QUEUES / 8], unsigned *users);
int  ax_prog_xstats(const struct ax_port *p, struct plx_xstat *x, int n);

/* queue.c */
uint32_t ax_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd);
uint32_t ax_frames_most(const struct ax_port *p);  /* the same of a port that is open: by its mode */
struct plx_beside ax_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames);
int  ax_queue_open(struct ax_port *p, uint16_t i);
void ax_queues_drop(struct ax_port *p);     /* all of them; the port and its queue objects stay */
int  ax_queue_prime(struct ax_port *p, uint16_t i);
void ax_queue_drain(struct ax_port *p, uint16_t i); /* nobody reads it: what is left is dropped and counted */
void ax_queue_write_off(struct ax_port *p, uint16_t i); /* nobody sends: the same for what the kernel has not taken */
int  ax_queue_anew(struct ax_port *p, uint16_t i);  /* another socket in the place of the i-th */
void ax_queue_follow(struct ax_port *p, uint16_t i);
void ax_set_mtu(struct ax_port *p, uint32_t mtu);
int  ax_repair(struct plx_port *b);
static inline bool ax_reads(const struct ax_port *p)
{
	return p->base.nrx && p->base.conf.steer == PLX_STEER_ALL;
}
static inline struct ax_rxq *ax_rx_of(const struct ax_port *p, uint16_t i)
{
	return i < p->base.nrx ? ax_rxq(p->base.rxq[i]) : p->parked[i];
}
static inline struct ax_txq *ax_tx_of(const struct ax_port *p, uint16_t i)
{
	return i < p->base.ntx ? ax_txq(p->base.txq[i]) : NULL;
}

/* af_xdp.c: the longest frame that one buffer takes, in zero-copy or not. */
uint32_t ax_room(const struct ax_port *p, bool zerocopy);

uint32_t ax_caps(const struct ax_port *p); /* enum plx_port_cap */

/* priv.c: what this process lacks for a port of c, as words for a line; "" = nothing. */
void ax_priv_missing(const struct plx_sys *sys, const struct plx_pool *pool, char *buf, size_t len);
/* The same, once nothing of that is missing: a limit of locked memory below what the steering programs of so many
   interfaces take, on kernels that count BPF against it. */
void ax_priv_memlock(const struct plx_sys *sys, const struct plx_pool *pool, unsigned programs, char *buf, size_t len);

/* explain.c: a refusal of the kernel becomes a line of error, and an errno that tells the ladder of
   drivers what it means: -EOPNOTSUPP if another driver can do better. */
bool ax_mode_refused(int err);
int  ax_explain_attach(const struct ax_port *p, int err);
void ax_explain_unread(struct ax_port *p);
int  ax_explain_sock(const struct ax_port *p, const struct ax_sock *s, int err);
int  ax_explain_mtu(const struct ax_port *p, uint32_t mtu, const char *call, int err);

/* split.c */
void ax_rx_suspect(struct ax_rxq *q, const struct plx_mbuf *m);
void ax_fall_begin(struct ax_port *p);
void ax_fall_end(struct ax_port *p);

/* carrier.c */
bool ax_carrier(const struct plx_port *p);
void ax_wait_for_carrier(const struct plx_port *p);

/* rxtx.c */
void     ax_rx_choose(struct ax_rxq *q);
void     ax_tx_choose(struct ax_txq *q);
uint32_t ax_rx_refill(struct ax_rxq *q);
uint32_t ax_tx_reap(struct ax_txq *q, uint32_t n);
uint32_t ax_rx_drain(struct ax_rxq *q);
uint32_t ax_rx_reclaim(struct ax_rxq *q);
uint32_t ax_tx_reclaim(struct ax_txq *q);

/* kick.c */
void     ax_tx_doorbell(struct ax_txq *q);
/* ax_tx_passed: index of tx up to which the kernel took descriptors out, as far as is known. */
uint32_t ax_tx_passed(const struct ax_txq *q);
uint32_t ax_tx_unsent(const struct ax_txq *q, uint64_t *bytes);
bool     ax_tx_recovered(struct ax_txq *q);
uint16_t ax_tx_refuse(struct ax_txq *q, struct plx_mbuf **m, uint16_t n);
static inline void ax_tx_stop(struct ax_txq *q, enum plx_stop why)
{
	plx_ctr_add(&q->base.stats.stop[why], 1);
}

/* gate.c */
uint16_t ax_rx_shut(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n); /* the burst of a half that is not OPEN */
uint16_t ax_tx_shut(struct plx_txq *q, struct plx_mbuf **m, uint16_t n);
void     ax_rx_move(struct ax_rxq *q, uint64_t now);     /* the sign of life */
void     ax_rx_move_elsewhere(struct ax_rxq *q);         /* the same, outside an lcore's loop */
bool     ax_trouble(struct ax_trouble *t, struct ax_sock *s, int err, uint64_t now);
bool     ax_wait(const struct ax_trouble *t, uint64_t now);
void     ax_well(struct ax_trouble *t);

#endif

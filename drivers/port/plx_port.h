/* SPDX-License-Identifier: MIT */
/* plx_port.h - ports: opened by a configuration, started, stopped, repaired, and what they count.

   Everything here is called by the main thread unless it says otherwise. */
#ifndef PLX_PORT_H
#define PLX_PORT_H

#include "plx_port_conf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a port can do, of what differs between drivers and devices. */
enum plx_port_cap {
	PLX_PORT_ZEROCOPY = 1u << 0, /* the device reads and writes the pool's frames itself */
	PLX_PORT_MULTIBUF = 1u << 1, /* chains are received and sent */
	PLX_PORT_SKB_BUDGET = 1u << 2, /* af_xdp that copies: one doorbell announces a whole ring */
	PLX_PORT_RX_CSUM = 1u << 3, /* PLX_MBUF_CSUM_GOOD and PLX_MBUF_CSUM_PARTIAL are told where they are known */
	PLX_PORT_RX_TIMESTAMP = 1u << 4, /* PLX_MBUF_TIMESTAMP of each packet */
};

/* What was chosen, and why; stable after open, but mac, mtu and max_len follow link events, and a port whose
   frames come in pieces leaves zero-copy (finding split_frames of docs/live.md). */
struct plx_port_info {
	const char *driver;
	const char *mode; /* "zero-copy", "native copy", "generic copy", "copy" (it only sends), "mmap", "memory" */
	char     why[256];             /* how the ladder went: "zero-copy refused (EOPNOTSUPP), native copy" */
	uint8_t  mac[6];
	uint32_t caps;                 /* enum plx_port_cap; atomic */
	bool     native;               /* af_xdp: the device's driver runs the steering program */
	uint32_t ifindex, mtu;
	uint16_t channels_rx, channels_tx; /* device queues, read after attach */
	int16_t  node;                 /* NUMA node of the device, -1 = none told */
	uint32_t max_len;              /* longest frame it sends; packet: 4 more if it begins with an 802.1Q tag */
	uint32_t rxd, txd;
	uint32_t frames_held;          /* frames its rings can hold at most */
};

struct plx_driver;

struct plx_port {
	const struct plx_driver *drv;
	const struct plx_sys *sys;
	const struct plx_log *log;
	struct plx_pool *pool;
	char     name[PLX_NAME_MAX];   /* an interface's is the kernel's, also when it was given by another */
	uint8_t  id;
	uint16_t nrx, ntx;
	struct plx_rxq **rxq;          /* array of pointers: a queue's size is its driver's */
	struct plx_txq **txq;
	uint32_t link;                 /* enum plx_link; atomic, written by watch thread and doorbell */
	uint32_t link_said;            /* the state last logged; a doorbell writes link only */
	struct plx_port_info info;
	struct plx_port_conf conf;     /* the library's own from here on, and no part of what programs may count on */
	bool     started;
	bool     forked;               /* opened by a parent process: not ours to use */
	uint64_t cycles_hz;            /* of plx_thread.now, set before start; 0 = no lcore polls it */
	plx_ctr  repairs;              /* queues opened anew */
	plx_ctr  rungs_down;           /* how often it went down to another mode since it is open */
	bool     whole;                /* atomic: a frame of whole KiB came by zero-copy, perhaps a piece of one */
	bool     split;                /* atomic: frames come in pieces, so that plx_port_repair leaves zero-copy */
	bool     wants_repair;         /* atomic: a burst or a link event asks for plx_port_repair */
	struct plx_port *next;         /* in the list of this process */
};

struct plx_xstat { char name[48]; uint64_t value; };

/* Bytes that a port takes beside the frames of its pool. */
struct plx_beside {
	uint64_t rings;                /* the kernel's, mapped: no memory limit of a cgroup counts them */
	uint64_t own;                  /* the process's */
};

/* plx_port_open checks c, asks the kernel about the interface, fills in what c left open
   (queue counts, ring sizes, times, sys) and opens the port by c->driver, or walks the
   ladder (af_xdp, then packet, if the kernel or device cannot or the process may not; never
   after another error) and records each rung in info.why.  0; -EINVAL conf; -E2BIG conf of a newer
   library; -ENODEV no such interface; -ENETDOWN down; -EPERM (all missing capabilities in one line); -EBUSY
   queue or hook taken; -ENOMEM, -ENOBUFS memory; -EOPNOTSUPP.  *out is NULL on error. */
PLX_API int  plx_port_open(struct plx_port **out, const struct plx_port_conf *c);
/* plx_port_start lets queues receive: from its first plx_rx_burst on a queue's frames are the
   port's, before that the host's.  0 or -errno, logged.  plx_port_stop gives all queues back to
   the host, drops and counts what still stands in their rings, and waits at most 100 ms for
   sends; no burst may run meanwhile. */
PLX_API int  plx_port_start(struct plx_port *p);
PLX_API void plx_port_stop(struct plx_port *p);
/* plx_port_repair opens queues anew whose wake-ups fail for good, or that leave zero-copy; frames in flight are put
   back or counted.  It also finds that the interface is gone.  Bursts go on meanwhile, and return 0.
   An environment does this by itself, and hears of interfaces by link events; who
   has none calls it now and then, by one thread at a time.  Queues opened anew; 0 =
   nothing to do; -EAGAIN: the next burst of a queue has to let go of it first, call again;
   another -errno: it did not work yet, logged.  May block for 1 s. */
PLX_API int  plx_port_repair(struct plx_port *p);
PLX_API void plx_port_close(struct plx_port *p);   /* stops first if needed; p may be NULL */

/* The i-th queue.  NULL if there is none; beyond i = nrx or ntx, where a loop ends, a line in the log too. */
PLX_API struct plx_rxq *plx_port_rxq(struct plx_port *p, uint16_t i);
PLX_API struct plx_txq *plx_port_txq(struct plx_port *p, uint16_t i);
PLX_API const struct plx_port_info *plx_port_info(const struct plx_port *p);
PLX_API enum plx_link plx_port_link(const struct plx_port *p);        /* any thread */

/* Sums over the queues, with what the kernel dropped before its rings; any thread.  A system call
   or two for each receive queue of a device: no lcore's.  See plx_queue.h for what adds up. */
struct plx_port_stats {
	struct plx_rxq_stats rx;
	struct plx_txq_stats tx;
	uint64_t offered;              /* to the receive queues, since the port was opened */
	bool     offered_told;         /* false: the driver does not know, null */
};
PLX_API void plx_port_stats(const struct plx_port *p, struct plx_port_stats *s);
/* The same of receive queue i alone, i < nrx; true if *offered is told, else it is 0. */
PLX_API bool plx_port_rxq_stats(const struct plx_port *p, uint16_t i, struct plx_rxq_stats *s, uint64_t *offered);
/* The same of transmit queue i alone; all 0 from ntx on. */
PLX_API void plx_port_txq_stats(const struct plx_port *p, uint16_t i, struct plx_txq_stats *s);
/* Every drop of s together. */
PLX_API uint64_t plx_rx_drops(const struct plx_rxq_stats *s);
PLX_API uint64_t plx_tx_drops(const struct plx_txq_stats *s);
/* plx_port_xstats lists every counter with a value or a meaning of its own, by name:
   queue sums, drops and stops by reason, the kernel's counters.  Returns the number there
   are; at most n are written.  Any thread. */
PLX_API int  plx_port_xstats(struct plx_port *p, struct plx_xstat *x, int n);
/* Sentence of a drop or stop reason, "" out of range. */
PLX_API const char *plx_rx_drop_why(enum plx_rx_drop d);
PLX_API const char *plx_tx_drop_why(enum plx_tx_drop d);

/* plx_port_frames: frames the rings of such a port hold at most, of an undecided driver the most
   that any device driver's do; for sizing a pool.  Pure; c->rxqs and c->txqs must be resolved
   (not 0). */
PLX_API uint32_t plx_port_frames(const struct plx_port_conf *c);

/* plx_port_beside: what such a port takes beside a pool of so many frames.  By its driver, of an undecided
   one the first that is tried; most: each part by whichever it becomes, NULL = not asked.  Pure; c as for
   plx_port_frames. */
PLX_API struct plx_beside plx_port_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames,
                                          struct plx_beside *most);

#ifdef __cplusplus
}
#endif
#endif

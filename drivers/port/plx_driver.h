/* SPDX-License-Identifier: MIT */
/* plx_driver.h - opening ports, and what a driver is: a const table of cold verbs.
   A driver embeds struct plx_port, plx_rxq and plx_txq first in its own structures
   and sets `burst` on each queue when it opens.  Drivers are built with the library, which has the one
   table of them; docs/drivers.md adds one step by step.

   Everything here is called by the main thread unless it says otherwise. */
#ifndef PLX_DRIVER_H
#define PLX_DRIVER_H

#include "plx_log.h"
#include "plx_queue.h"
#include "plx_sys.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How hard to insist on something the system may not have. */
enum plx_policy { PLX_PREFER, PLX_REQUIRE, PLX_NEVER };

/* XDP mode of an af_xdp port, best first.  AUTO walks down and says so. */
enum plx_xdp_mode { PLX_XDP_AUTO, PLX_XDP_ZEROCOPY, PLX_XDP_NATIVE, PLX_XDP_GENERIC };

/* What the steering program hands to the sockets of the port. */
enum plx_steer { PLX_STEER_ALL, PLX_STEER_NONE };

/* The least stall=.  An lcore that is healthy can lose its CPU for some tens of ms, and the kernel
   counts in ticks of up to 10 ms: below this, frames of such an lcore would pass to the host. */
enum { PLX_STALL_MIN_MS = 100 };

struct plx_link_info;

/* All of a port's configuration: one plain struct, made by plx_port_conf_parse or by
   hand from plx_port_conf_default, read-only afterwards.  0 means "choose". */
struct plx_port_conf {
	size_t   size;                 /* of the structure, or 0: plx_defs.h */
	char name[PLX_IFNAME_MAX]; /* interface, also by an alternative name, or any name below PLX_NAME_MAX for loop
	                              and null */
	char     driver[16];           /* "" = auto */
	uint16_t rxqs, txqs;           /* 0 = as many as the interface has / as rxqs */
	bool     no_rx;                /* rxqs=0: it only sends, and takes nothing from the host */
	uint16_t queue;                /* first device queue */
	uint32_t rxd, txd;             /* ring entries, powers of two 64..PLX_RING_MAX; 0 = 2048 */
	enum plx_xdp_mode mode;
	enum plx_policy   multibuf;    /* chains for frames beyond one buffer */
	enum plx_steer    steer;
	bool     force;                /* take frames although the host's default route or a login comes by them */
	uint32_t bind_timeout_ms;      /* how long a busy queue is waited for; 0 = 2000 */
	uint32_t stall_ms;             /* fail open when an lcore stalls so long, PLX_STALL_MIN_MS or more;
	                                  0 = 1000, UINT32_MAX = never */
	char     peer[PLX_NAME_MAX];   /* loop: the port that receives what this one sends; "" = itself */
	uint16_t frame_len;            /* null: bytes of each frame; 0 = 64 */
	char fanout[12]; /* packet: hash, lb, cpu, rnd, qm; "" = qm if rxqs equal the device's, else hash */
	/* not from text */
	struct plx_pool       *pool;   /* frames; must outlive the port */
	const struct plx_sys  *sys;    /* NULL = &plx_sys_linux */
	const struct plx_log  *log;    /* NULL = silent */
	uint8_t  id;                   /* plx_mbuf.port of what it receives */
	const void *owner;             /* environment it is of; only ports of one owner share an interface */
	struct plx_port *const *ports; /* loop: where a peer is looked up when either starts:
	                                  PLX_PORTS_MAX entries, NULL before open and after close;
	                                  it must outlive the port.  NULL = itself only */
	const struct plx_link_info *link; /* the library's own, NULL: what it knows of the interface */
	uint64_t reserved[23];         /* all 0: members to come take from it, for plx_env_conf has an array of these */
};

extern PLX_API const struct plx_port_conf plx_port_conf_default;

/* plx_port_conf_parse reads "NAME[,key=value...]" over *c.  Pure.  0, or -EINVAL and a
   one-line reason with a suggestion in why[]. */
PLX_API int plx_port_conf_parse(struct plx_port_conf *c, const char *text, char *why, size_t whylen);

/* One key of an --iface argument; the table makes the parser, its errors and the help. */
struct plx_port_key {
	const char *name, *values; /* "rxd", "64..65536": the notation of plx_conf.h */
	const char *def;           /* "2048"; NULL = chosen, what says how */
	const char *what;          /* "receive ring entries" */
};
extern PLX_API const struct plx_port_key plx_port_keys[]; /* ends with name NULL */

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
struct plx_link_info; /* link.h: what the kernel says of an interface */

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

enum plx_fork { PLX_FORK_BEFORE, PLX_FORK_AFTER, PLX_FORK_CHILD };

struct plx_driver {
	const char *name;
	const char *what;              /* one sentence for help */
	bool        device;            /* needs an interface of the kernel */
	bool        any_queues;        /* its queue counts need not be the device's */
	/* frames its rings hold at most, by a conf whose rxqs and txqs are set.  NULL: twice
	   rxd for each receive and txd for each transmit queue.  Pure. */
	uint32_t (*frames)(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd);
	/* beside: bytes that it takes beside its pool of so many frames, by a conf whose rxqs, txqs, rxd
	   and txd are set, at this MTU.  NULL = next to nothing.  Pure. */
	struct plx_beside (*beside)(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames);
	/* open makes the port and all its queues, or nothing: *out NULL, -errno, and one log
	   line with the fix.  It fills info.  Queues receive only after start.  li: a device's interface,
	   lent until open returns; NULL of a driver that needs none. */
	int  (*open)(struct plx_port **out, const struct plx_port_conf *c, const struct plx_link_info *li);
	int  (*start)(struct plx_port *p);
	/* part: of several ports that are about to be stopped each gives its queues back to the host first, so
	   that what their stops wait for is waited for once.  No burst runs.  NULL = stop does all. */
	void (*part)(struct plx_port *p);
	/* stop ends reception (frames pass to the host again) and waits at most 100 ms for
	   sends to finish; start may follow. */
	void (*stop)(struct plx_port *p);
	/* close gives every frame back to the pool and frees the port. */
	void (*close)(struct plx_port *p);
	/* xstats adds counters the kernel keeps to the port's; names must not repeat.  Returns
	   the number there are; at most n are written.  Any thread.  NULL if there are none. */
	int  (*xstats)(struct plx_port *p, struct plx_xstat *x, int n);
	/* rx_fd: a descriptor that polls readable when q has frames; -errno if there is none. */
	int  (*rx_fd)(struct plx_rxq *q);
	/* rx_arm: before its lcore sleeps; >0 = frames are there already, do not sleep.
	   NULL = the descriptor alone tells. rx_disarm after. The queue's lcore. */
	int  (*rx_arm)(struct plx_rxq *q);
	void (*rx_disarm)(struct plx_rxq *q);
	/* steer: on: frames of queues that are read come to the port from here on; off: nobody reads
	   it, all are the host's, and nothing of the port stands on the interface.  Idempotent;
	   may wait for the kernel's lock of all interfaces.  0 or -errno, logged.  NULL = all come,
	   or none ever. */
	int  (*steer)(struct plx_port *p, bool on);
	/* give_back: frames of receive queue i are the host's at once, until a burst reads it again.
	   at_rest: no burst of it runs.  Any thread, never blocks.  NULL: the host has all anyway. */
	void (*give_back)(struct plx_port *p, uint16_t i, bool at_rest);
	/* is_read: a burst has read receive queue i since it was given back.  Any thread. */
	bool (*is_read)(const struct plx_port *p, uint16_t i);
	/* repair: as plx_port_repair.  NULL = nothing can break. */
	int  (*repair)(struct plx_port *p);
	/* forked: this process is a child made by fork: descriptors that keep queues are closed, and
	   bursts return 0.  No other thread runs.  NULL = nothing to do. */
	void (*forked)(struct plx_port *p);
	/* fork: what the driver's ports share, around a fork of this process: it is locked before, unlocked
	   after, and in the child let go of first.  NULL = they share nothing. */
	void (*fork)(enum plx_fork at);
	/* link: a link event said so; info.mtu is still what it was.  NULL if state and MTU
	   alone are kept. */
	void (*link)(struct plx_port *p, enum plx_link link, uint32_t mtu);
	/* passed: frames the port was to have and the host got, because nobody took them, by
	   queue of the device: n[0..queues-1].  The number of queues there are.  NULL = not told. */
	int  (*passed)(struct plx_port *p, uint64_t *n, int queues);
	/* offered: frames that were handed to receive queue i since the port was opened, whatever became
	   of them, counted on their way in and not by what came out.  false = not told.  Any thread.
	   NULL = not told. */
	bool (*offered)(struct plx_port *p, uint16_t i, uint64_t *n);
	/* lost adds those of them that the kernel dropped before they stood in the ring, by enum
	   plx_rx_drop: n[0..PLX_RX_DROP_N-1].  What the queue counts itself is not among them.  The
	   numbers stay after a stop and when the queue is opened anew.  Any thread.  NULL = none. */
	void (*lost)(struct plx_port *p, uint16_t i, uint64_t *n);
	/* held adds the frames of its pool that the port's rings have at this moment: those it receives
	   into, and those on their way out.  Any thread.  NULL = none. */
	void (*held)(const struct plx_port *p, uint32_t *rx, uint32_t *tx);
	/* attached: 1 = the port's program is on the interface; 0 = somebody took it off, or the
	   interface is gone; -errno = not told.  NULL if it needs none. */
	int  (*attached)(struct plx_port *p);
};

/* The one table of drivers, best of the auto ladder first; ends with NULL. */
extern PLX_API const struct plx_driver *const plx_drivers[];

/* plx_driver_find returns the driver of that name.  NULL = there is none: "" and "auto" name none, since the
   ladder of plx_port_open chooses.  Any thread. */
PLX_API const struct plx_driver *plx_driver_find(const char *name);
/* plx_driver_may_be: c names that driver, or leaves the choice to the ladder, which tries each device driver. */
PLX_API bool plx_driver_may_be(const struct plx_port_conf *c, const char *name);
/* plx_driver_on_device: a port of c is to stand on an interface of the kernel, which has to be there. */
PLX_API bool plx_driver_on_device(const struct plx_port_conf *c);

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

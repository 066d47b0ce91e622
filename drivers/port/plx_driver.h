/* SPDX-License-Identifier: MIT */
/* plx_driver.h - what a driver is: a const table of cold verbs.
   A driver embeds struct plx_port, plx_rxq and plx_txq first in its own structures
   and sets `burst` on each queue when it opens.  Drivers are built with the library, which has the one
   table of them; docs/drivers.md adds one step by step.

   Everything here is called by the main thread unless it says otherwise. */
#ifndef PLX_DRIVER_H
#define PLX_DRIVER_H

#include "plx_port.h"

#ifdef __cplusplus
extern "C" {
#endif

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

#ifdef __cplusplus
}
#endif
#endif

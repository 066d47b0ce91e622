/* SPDX-License-Identifier: MIT */
/* plx_driver_impl.h - what drivers are made with, and what only the runtime does with their ports.  Not
   installed: drivers stand in the one table of drivers.c and are built with it. */
#ifndef PLX_DRIVER_IMPL_H
#define PLX_DRIVER_IMPL_H

#include "plx_driver.h"

/* plx_port_new: a zeroed port with c->rxqs and c->txqs queues of these sizes, every field
   that c tells filled in; the driver adds info and each queue's burst.  NULL = ENOMEM,
   logged.  plx_port_delete frees it and its queues; p may be NULL. */
struct plx_port *plx_port_new(const struct plx_driver *drv, const struct plx_port_conf *c,
                              size_t port_size, size_t rxq_size, size_t txq_size);
void plx_port_delete(struct plx_port *p);

/* plx_port_set_link sets the link if it changed, and logs it once.  Any thread, never from a burst (a
   burst stores p->link and leaves the line to the next event).  REMOVED is for good. */
void plx_port_set_link(struct plx_port *p, enum plx_link link);

/* plx_port_handover: no queue of p has a user any more, see plx_port.h. */
void plx_port_handover(struct plx_port *p);

/* What a receive burst of q writes into each mbuf, first or later segment, before
   the lengths and whatever else it knows: the fields behind pool.  Nothing is left from the
   frame's last use; data and next are the driver's to set (a frame of plx_pool_take has next NULL).
   plx_rx_like once a burst, plx_rx_set for each mbuf: 40 bytes, three stores. */
static inline struct plx_mbuf plx_rx_like(const struct plx_rxq *q)
{
	struct plx_mbuf like;

	memset(&like, 0, sizeof(like));
	like.queue = q->id;
	like.port = q->port_id;
	like.ref = 1;
	like.nsegs = 1;
	return like;
}
static inline void plx_rx_set(struct plx_mbuf *m, const struct plx_mbuf *like)
{
	enum { FROM = offsetof(struct plx_mbuf, user) };

	memcpy((char *)m + FROM, (const char *)like + FROM, sizeof(*m) - FROM);
}

#endif

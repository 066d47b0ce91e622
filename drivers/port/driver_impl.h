/* SPDX-License-Identifier: MIT */
/* driver_impl.h - what drivers are made with, and what only the runtime does with their ports.  Not
   installed: drivers stand in the one table of drivers.c and are built with it. */
#ifndef DRIVER_IMPL_H
#define DRIVER_IMPL_H

#include "plx_driver.h"

/* A driver's port or queue is allocated, and freed, by the address of its base, and NULL of the one is NULL of
   the other.  From base to driver's type goes one inline function of each type, never a cast. */
#define PLX_BASE_FIRST(type) static_assert(!offsetof(type, base), "base is first in " #type)

/* plx_port_new: a zeroed port with c->rxqs and c->txqs queues of these sizes, every field
   that c tells filled in; the driver adds info and each queue's burst.  NULL = ENOMEM,
   logged.  plx_port_delete frees it and its queues; p may be NULL. */
struct plx_port *plx_port_new(const struct plx_driver *drv, const struct plx_port_conf *c,
                              size_t port_size, size_t rxq_size, size_t txq_size);
void plx_port_delete(struct plx_port *p);

/* plx_port_open_known is plx_port_open of an interface that was asked about before: li is not asked for once more, but
   for what attaching changes.  Lent until it returns; NULL = ask. */
int plx_port_open_known(struct plx_port **out, const struct plx_port_conf *c, const struct plx_link_info *li);

/* plx_port_set_link sets the link if it changed, and logs it once.  Any thread, never from a burst (a
   burst stores p->link and leaves the line to the next event).  REMOVED is for good. */
void plx_port_set_link(struct plx_port *p, enum plx_link link);

/* plx_ports_stop: plx_port_stop of n ports, the last first, in hardly more time than one takes. */
void plx_ports_stop(struct plx_port *const *p, unsigned n);

/* plx_port_handover: no queue of p has a user any more, see plx_queue.h. */
void plx_port_handover(struct plx_port *p);

/* What a receive burst of q writes into each mbuf, first or later segment, before
   the lengths and whatever else it knows: the fields behind pool.  Nothing is left from the
   frame's last use; data and next are the driver's to set (a frame of plx_pool_take has next NULL).
   plx_rx_like once a burst, len for packets that all have the same; plx_rx_set for each mbuf: three
   stores out of registers. */
typedef uint64_t plx_u64x2 __attribute__((vector_size(16), aligned(8), may_alias));
struct plx_rx_like { plx_u64x2 user, flags; uint64_t len; };
static_assert(offsetof(struct plx_mbuf, flags) == offsetof(struct plx_mbuf, user) + 16 &&
              offsetof(struct plx_mbuf, len) == offsetof(struct plx_mbuf, flags) + 16 &&
              offsetof(struct plx_mbuf, len) + 8 == sizeof(struct plx_mbuf), "all fields behind pool");

static inline struct plx_rx_like plx_rx_like(const struct plx_rxq *q, uint16_t len)
{
	struct plx_rx_like like;
	struct plx_mbuf m;

	memset(&m, 0, sizeof(m));
	m.pkt_len = m.len = len;
	m.queue = (uint8_t)q->id;
	m.port = q->port_id;
	m.ref = 1;
	m.nsegs = 1;
	memcpy(&like.user, &m.user, 16);
	memcpy(&like.flags, &m.flags, 16);
	memcpy(&like.len, &m.len, 8);
	return like;
}
static inline void plx_rx_set(struct plx_mbuf *m, struct plx_rx_like like)
{
	*(plx_u64x2 *)(void *)&m->user = like.user;
	*(plx_u64x2 *)(void *)&m->flags = like.flags;
	memcpy(&m->len, &like.len, 8);
}

/* Flags of a packet that a transmit burst to a wire cannot send as it stands, or has to look at: without an Ethernet
   header (tx_drop_no_l2), or with a checksum that is unfinished (plx_csum_finish; tx_drop_csum if it cannot be), or
   bad, which goes as it is. */
enum { PLX_TX_ODD = PLX_MBUF_L3 | PLX_CSUM_PARTIAL << PLX_MBUF_RX_CSUM | PLX_CSUM_PARTIAL << PLX_MBUF_TX_CSUM };

#endif

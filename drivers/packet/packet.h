/* SPDX-License-Identifier: MIT */
/* packet.h - the queues of the packet driver, for rxtx.c (hot) and packet.c (cold).

     rx ring    [K][K][U][U][U][K]...     U: the kernel filled it, ours to read
                       ^ head             K: the kernel's
     tx ring    [A][A][S][R][R][A]...     S: being sent, the kernel's; A: ours
                       tail ^     ^ head  R: filled by us, not taken by the kernel yet

   Both are TPACKET_V2 rings of slots of a power of two bytes.  Version 3 gives frames out
   by the block, and a block that is not full only after a timer of at least a
   millisecond; version 2 gives out each frame as it comes. */
#ifndef PACKET_H
#define PACKET_H

#include "drivers.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>

enum {
	VLAN_LEN   = 4,
	SCRATCH    = 128 << 10,  /* packets beyond a slot: GRO makes them up to 64 KiB */
	TX_DATA    = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), /* of a slot, where the frame starts */
	RX_ROOM    = TPACKET_ALIGN(TPACKET2_HDRLEN + 16), /* of a slot, before the network header */
	LOOK_EVERY = 64,         /* doubts about the link between looks at it */
	GAP_MIN_NS = 1000000,    /* between doorbells that fail */
	GAP_MAX_NS = 100000000,
};

static_assert(SCRATCH + VLAN_LEN <= PLX_POOL_DATA_MIN * UINT8_MAX, "the longest packet fits a chain");

struct pk_ring {
	uint8_t *base;               /* NULL = not mapped */
	uint32_t mask;               /* slots - 1 */
	uint32_t head;               /* runs free */
	uint8_t  shift;              /* log2 of a slot's bytes */
	size_t   len;
};

struct pk_rxq {
	struct plx_rxq base;
	struct pk_ring ring;
	uint16_t room;               /* bytes a pool frame takes */
	uint8_t *scratch;            /* SCRATCH bytes */
	int      fd;
	uint32_t running;            /* between start and stop; the main thread writes it */
	uint64_t kernel_pkts, kernel_drops; /* sums: reading PACKET_STATISTICS clears it */
};

struct pk_txq {
	struct plx_txq base;
	struct pk_ring ring;
	uint32_t tail;               /* oldest slot that the kernel has not taken; runs free */
	uint32_t unrung;             /* slots filled since the last doorbell */
	uint32_t doubts;             /* times the link may not be what it is taken for */
	uint64_t gap, retry_at;      /* ns: after a doorbell that failed; gap 0 = the last one did not */
	int      fd;
};

struct pk_port {
	struct plx_port base;
	uint32_t max_len;            /* of a frame without tag; follows the MTU; atomic */
	uint32_t slot_len;           /* what a transmit slot takes */
};

PLX_BASE_FIRST(struct pk_port);
static inline struct pk_port *pk_port(struct plx_port *p)
{
	return plx_container_of(p, struct pk_port, base);
}

PLX_BASE_FIRST(struct pk_rxq);
static inline struct pk_rxq *pk_rxq(struct plx_rxq *q)
{
	return plx_container_of(q, struct pk_rxq, base);
}

PLX_BASE_FIRST(struct pk_txq);
static inline struct pk_txq *pk_txq(struct plx_txq *q)
{
	return plx_container_of(q, struct pk_txq, base);
}

static inline struct tpacket2_hdr *pk_slot(const struct pk_ring *r, uint32_t i)
{
	return (struct tpacket2_hdr *)(r->base + ((size_t)(i & r->mask) << r->shift));
}

/* acquire: the slot's content after its status; pairs with the kernel's write barrier
   before it sets the status (__packet_set_status in net/packet/af_packet.c). */
static inline uint32_t pk_status(const struct tpacket2_hdr *h)
{
	return __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
}

/* release: our use of the slot before its status; pairs with the kernel's read barrier
   in __packet_get_status. */
static inline void pk_set_status(struct tpacket2_hdr *h, uint32_t status)
{
	__atomic_store_n(&h->tp_status, status, __ATOMIC_RELEASE);
}

/* rxtx.c */
uint16_t pk_rx(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n);
uint16_t pk_tx(struct plx_txq *q, struct plx_mbuf **m, uint16_t n);
void     pk_rx_discard(struct pk_rxq *q); /* empties the ring, and counts that; the queue at rest */
uint32_t pk_tx_waiting(struct pk_txq *q); /* slots the kernel still has; the queue at rest */
void     pk_tx_ring(struct pk_txq *q);    /* one doorbell, if it is time for it */
void     pk_tx_withdraw(struct pk_txq *q); /* drops what the kernel has not taken; the queue at rest */

#endif

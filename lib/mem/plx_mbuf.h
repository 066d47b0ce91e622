/* SPDX-License-Identifier: MIT */
/* plx_mbuf.h - a packet segment: one cache line of metadata beside, not inside,
   the frame that holds its bytes.

     frame:  |<- L2 room ->|<-- headroom -->|<------ len ------>|<-- tailroom -->|
             ^ plx_mbuf_frame               ^ data

   The L2 room, PLX_POOL_L2_ROOM bytes, is for Ethernet headers and what drivers put before a frame:
   plx_mbuf_headroom and plx_mbuf_prepend stop before it, plx_mbuf_prepend_l2 alone goes into it.

   A received packet has every field set, in each of its segments: what its driver does not
   know is 0, and nothing is left from the frame's last use.  port and queue stand in each
   segment; flags, seg_size, hash, timestamp, vlan and header lengths in the first alone.

   Every mbuf has exactly one owner: the pool, a driver, the kernel or the
   application.  A function that takes an mbuf says who owns it afterwards.
   Nothing here blocks, allocates or fails through errno. */
#ifndef PLX_MBUF_H
#define PLX_MBUF_H

#include "plx_defs.h"
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct plx_pool;

/* flags: a half for each direction.  The receive half is what the driver found out that a packet came by; the
   transmit half what a packet is to whoever sends it, set by the application, and by a driver that receives such
   packets. */
enum {
	PLX_MBUF_HASH      = 1 << 0,  /* hash is set */
	PLX_MBUF_TIMESTAMP = 1 << 1,  /* timestamp is set, ns of CLOCK_REALTIME */
	PLX_MBUF_VLAN      = 1 << 2,  /* a tag was stripped by the device; vlan holds its TCI */
	PLX_MBUF_RX        = 0xffff,  /* the receive half: these, and plx_mbuf_rx_csum */
	PLX_MBUF_L3        = 1 << 16, /* no Ethernet header: data begins at the IP header.  A driver that needs one
	                                 drops such a packet (tx_drop_no_l2); plx_mbuf_prepend_l2 makes room for one */
};

/* What is known of the L4 checksum.  PARTIAL: the field holds the sum of the pseudo-header alone, and who sends the
   packet on a wire finishes it, as plx_csum_finish does. */
enum plx_csum { PLX_CSUM_UNKNOWN, PLX_CSUM_GOOD, PLX_CSUM_PARTIAL, PLX_CSUM_BAD };
enum { PLX_MBUF_RX_CSUM = 4, PLX_MBUF_TX_CSUM = 20 }; /* of flags: first of the two bits of either half */

struct plx_mbuf {
	uint8_t         *data;      /* first byte of this segment */
	struct plx_mbuf *next;      /* next segment of the packet, NULL in the last */
	struct plx_pool *pool;      /* home; constant */
	uint64_t         user;      /* one word for the owner; a driver never reads it; 0 when received */
	uint64_t         timestamp; /* ns, valid with PLX_MBUF_TIMESTAMP */
	uint32_t         flags;
	uint16_t         seg_size;  /* the L4 payload is of several datagrams or segments of so many bytes each, but the
	                               last, which may be shorter; 0 = of one */
	uint16_t         l2_len : 7, l3_len : 9; /* header lengths, 0 = not known */
	uint32_t         pkt_len;   /* bytes of all segments; valid in the first segment */
	uint32_t         hash;      /* RSS or flow hash, valid with PLX_MBUF_HASH */
	uint16_t         len;       /* bytes of this segment */
	uint16_t         vlan;      /* TCI, host order, valid with PLX_MBUF_VLAN */
	uint8_t          queue;     /* receive queue it came by */
	uint8_t          ref;       /* owners that still must put it; 1 when taken */
	uint8_t          nsegs;     /* segments of the packet; valid in the first segment */
	uint8_t          port;      /* id of the port it came by */
};

#ifndef __cplusplus
static_assert(sizeof(struct plx_mbuf) == PLX_CACHELINE, "an mbuf is one cache line");
static_assert(PLX_QUEUES_MAX - 1 <= UINT8_MAX && PLX_PORTS_MAX - 1 <= UINT8_MAX, "a queue and a port are 8 bits");
static_assert(sizeof(((struct plx_mbuf *)0)->port) == 1 && sizeof(((struct plx_mbuf *)0)->queue) == 1,
              "in the mbuf too");
#endif

/* plx_mbuf_rx_csum: what the driver found out; BAD as well, for the application decides what becomes of it. */
static inline enum plx_csum plx_mbuf_rx_csum(const struct plx_mbuf *m)
{
	return (enum plx_csum)(m->flags >> PLX_MBUF_RX_CSUM & 3);
}
/* plx_mbuf_tx_csum: what a packet is sent as.  PARTIAL if it came so, or was said to be; GOOD only if that was said,
   for what a driver found to be right may have been changed since. */
static inline enum plx_csum plx_mbuf_tx_csum(const struct plx_mbuf *m)
{
	const uint32_t said = m->flags >> PLX_MBUF_TX_CSUM & 3;

	if (said)
		return (enum plx_csum)said;
	return plx_mbuf_rx_csum(m) == PLX_CSUM_PARTIAL ? PLX_CSUM_PARTIAL : PLX_CSUM_UNKNOWN;
}
/* plx_mbuf_say_csum: the application says what the checksum is now: GOOD once it computed it in full, PARTIAL if it
   leaves that to whoever sends.  UNKNOWN takes back what was said, not what was received. */
static inline void plx_mbuf_say_csum(struct plx_mbuf *m, enum plx_csum is)
{
	m->flags = (m->flags & ~(UINT32_C(3) << PLX_MBUF_TX_CSUM)) | (uint32_t)is << PLX_MBUF_TX_CSUM;
}

/* plx_mbuf_get takes one mbuf: one segment, len 0, data behind the pool's
   headroom, ref 1.  NULL when the pool is empty.  Any thread; on an lcore it
   comes from that lcore's cache. */
PLX_API struct plx_mbuf *plx_mbuf_get(struct plx_pool *pool);

/* plx_mbuf_get_bulk takes up to n mbufs into m[] and returns how many it took;
   fewer than n only when the pool has no more.  All are the caller's. */
PLX_API uint16_t plx_mbuf_get_bulk(struct plx_pool *pool, struct plx_mbuf **m, uint16_t n);

/* plx_mbuf_put drops one reference of the packet m with all its segments; the
   last one returns the frames to their pools.  m may be NULL.  Any thread. */
PLX_API void plx_mbuf_put(struct plx_mbuf *m);

/* plx_mbuf_put_bulk puts m[0,n). */
PLX_API void plx_mbuf_put_bulk(struct plx_mbuf **m, uint16_t n);

/* plx_mbuf_get_bulk_at is plx_mbuf_get_bulk for packets of a known layout: data stands data_off bytes into the
   frame, PLX_POOL_L2_ROOM at least, within it, and only what means something without a flag is reset: flags, seg_size
   and header lengths.  len and pkt_len are the caller's to set, whatever else it uses too. */
PLX_API uint16_t plx_mbuf_get_bulk_at(struct plx_pool *pool, struct plx_mbuf **m, uint16_t n, uint16_t data_off);

/* plx_mbuf_ref adds n owners to each segment of m, 255 in all at most.  While ref > 1 the bytes are
   read-only for all of them. */
PLX_API void plx_mbuf_ref(struct plx_mbuf *m, uint16_t n);

/* plx_mbuf_frame is the first byte of the frame, before any headroom. */
PLX_API uint8_t *plx_mbuf_frame(const struct plx_mbuf *m);
/* Bytes free before this segment's data, without the L2 room, and after it within its frame. */
PLX_API uint16_t plx_mbuf_headroom(const struct plx_mbuf *m);
PLX_API uint16_t plx_mbuf_tailroom(const struct plx_mbuf *m);

/* plx_mbuf_prepend makes n bytes of headroom part of the packet and returns the
   new first byte; NULL and nothing changed if the headroom is smaller. */
PLX_API uint8_t *plx_mbuf_prepend(struct plx_mbuf *m, uint16_t n);
/* plx_mbuf_prepend_l2 does that for an Ethernet header with its tags, or what a driver puts before a frame: the L2
   room is free to it, too. */
PLX_API uint8_t *plx_mbuf_prepend_l2(struct plx_mbuf *m, uint16_t n);
/* plx_mbuf_append makes n bytes of the last segment's tailroom part of the packet
   and returns the first of them; NULL and nothing changed if there is less. */
PLX_API uint8_t *plx_mbuf_append(struct plx_mbuf *m, uint16_t n);
/* plx_mbuf_adj cuts n bytes off the front and returns the new first byte; NULL and
   nothing changed if the first segment is shorter than n. */
PLX_API uint8_t *plx_mbuf_adj(struct plx_mbuf *m, uint16_t n);
/* plx_mbuf_trim cuts n bytes off the end; -EINVAL and nothing changed if the
   last segment is shorter than n. */
PLX_API int plx_mbuf_trim(struct plx_mbuf *m, uint16_t n);
/* plx_mbuf_chain appends the packet tail to the packet head, which owns it then.
   -EOVERFLOW and nothing changed beyond 255 segments. */
PLX_API int plx_mbuf_chain(struct plx_mbuf *head, struct plx_mbuf *tail);
/* plx_mbuf_read returns n contiguous bytes at off of the packet: in place when
   one segment holds them, else copied to buf (n bytes).  NULL past the end. */
PLX_API const void *plx_mbuf_read(const struct plx_mbuf *m, uint32_t off, uint32_t n, void *buf);
/* plx_mbuf_copy makes a copy of packet m from pool (chained if need be), metadata
   and user word with it; NULL when the pool has too few frames.  m stays the
   caller's. */
PLX_API struct plx_mbuf *plx_mbuf_copy(const struct plx_mbuf *m, struct plx_pool *pool);
/* plx_mbuf_linearize moves a chain that fits one frame into one segment; 0,
   -EMSGSIZE if it does not fit, -ENOBUFS if no frame is free; m unchanged then. */
PLX_API int plx_mbuf_linearize(struct plx_mbuf **m);

#ifdef __cplusplus
}
#endif
#endif

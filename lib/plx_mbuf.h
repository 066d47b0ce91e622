/* SPDX-License-Identifier: MIT */
/* plx_mbuf.h - a packet segment: one cache line of metadata beside, not inside,
   the frame that holds its bytes.

     frame:  |<-- headroom -->|<------ len ------>|<-- tailroom -->|
             ^ plx_mbuf_frame ^ data

   A received packet has every field set, in each of its segments: what its driver does not
   know is 0, and nothing is left from the frame's last use.  port and queue stand in each
   segment; flags, hash, timestamp, vlan and header lengths in the first alone.

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

/* flags: what the receiver's driver found out */
enum {
	PLX_MBUF_HASH      = 1u << 0, /* hash is set */
	PLX_MBUF_TIMESTAMP = 1u << 1, /* timestamp is set, ns of CLOCK_REALTIME */
	PLX_MBUF_VLAN      = 1u << 2, /* a tag was stripped by the device; vlan holds its TCI */
	PLX_MBUF_CSUM_GOOD = 1u << 3, /* L4 checksum verified by the device or the peer's stack */
	PLX_MBUF_CSUM_PARTIAL = 1u << 4, /* L4 checksum field holds only the pseudo-header sum */
};

struct plx_mbuf {
	uint8_t         *data;      /* first byte of this segment */
	struct plx_mbuf *next;      /* next segment of the packet, NULL in the last */
	struct plx_pool *pool;      /* home; constant */
	uint64_t         user;      /* one word for the owner; a driver never reads it; 0 when received */
	uint64_t         timestamp; /* ns, valid with PLX_MBUF_TIMESTAMP */
	uint32_t         flags;
	uint32_t         pkt_len;   /* bytes of all segments; valid in the first segment */
	uint32_t         hash;      /* RSS or flow hash, valid with PLX_MBUF_HASH */
	uint16_t         len;       /* bytes of this segment */
	uint16_t         queue;     /* receive queue it came by */
	uint16_t         vlan;      /* TCI, host order, valid with PLX_MBUF_VLAN */
	uint16_t         l2_len : 7, l3_len : 9; /* header lengths, 0 = not known */
	uint16_t         ref;       /* owners that still must put it; 1 when taken */
	uint8_t          nsegs;     /* segments of the packet; valid in the first segment */
	uint8_t          port;      /* id of the port it came by */
};

#ifndef __cplusplus
static_assert(sizeof(struct plx_mbuf) == PLX_CACHELINE, "an mbuf is one cache line");
static_assert(PLX_PORTS_MAX - 1 <= UINT8_MAX && sizeof(((struct plx_mbuf *)0)->port) == 1, "port holds each id");
static_assert(PLX_QUEUES_MAX - 1 <= UINT16_MAX && sizeof(((struct plx_mbuf *)0)->queue) == 2, "queue holds each index");
#endif

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

/* plx_mbuf_ref adds n owners to each segment of m.  While ref > 1 the bytes are
   read-only for all of them. */
PLX_API void plx_mbuf_ref(struct plx_mbuf *m, uint16_t n);

/* plx_mbuf_frame is the first byte of the frame, before any headroom. */
PLX_API uint8_t *plx_mbuf_frame(const struct plx_mbuf *m);
/* Bytes free before and after this segment's data within its frame. */
PLX_API uint16_t plx_mbuf_headroom(const struct plx_mbuf *m);
PLX_API uint16_t plx_mbuf_tailroom(const struct plx_mbuf *m);

/* plx_mbuf_prepend makes n bytes of headroom part of the packet and returns the
   new first byte; NULL and nothing changed if the headroom is smaller. */
PLX_API uint8_t *plx_mbuf_prepend(struct plx_mbuf *m, uint16_t n);
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

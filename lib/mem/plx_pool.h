/* SPDX-License-Identifier: MIT */
/* plx_pool.h - the frames of one NUMA node.

   One area of frames that a driver can register with the kernel, one dense array
   of mbufs (mbuf of a frame = mbufs[offset >> shift]) and, for each lcore, a
   cache: two magazines of frames, last in first out.  A magazine that runs empty
   or full is exchanged whole, without copying, for one of a lock-free shared
   stack.

     lcore 0   [loaded][spare] <--+
     lcore 1   [loaded][spare] <--+--> full magazines    (Treiber stack, tagged)
     others    [one, guarded]  <--+--> empty magazines   (Treiber stack, tagged)

   A cache keeps up to 2 * PLX_MAGAZINE frames that other lcores cannot reach, so a
   pool wants that many for each lcore beyond what is in flight.  Threads that have no
   cache in the pool share one under a flag; an lcore that finds the shared stack empty
   takes that cache's frames too.  A thread that cannot have the flag, because its holder
   gets no CPU, does not wait for it: it takes from the shared stack, and what it gives
   back goes one by one to a list of loose frames, which everyone empties before they
   find the pool empty.

   A cache belongs to a slot.  Slots are numbers of the process, not of an environment, so
   that lcores of several environments may use one pool.

   Memory is the caller's: ask for the size, bring it, get it back. */
#ifndef PLX_POOL_H
#define PLX_POOL_H

#include "plx_mbuf.h"
#include <stdalign.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	PLX_FRAME_SIZE      = 2048, /* default frame size, */
	PLX_FRAME_MAX       = 4096, /* and the other legal one */
	PLX_POOL_L2_ROOM    = 64,   /* of it, at the frame's begin, not the application's: see plx_mbuf.h */
	PLX_POOL_USER_ROOM  = 192,  /* default headroom that is the application's; the sum is the
	                               kernel's XDP_PACKET_HEADROOM */
	PLX_POOL_DATA_MIN   = 1536, /* room behind the headroom: one tagged Ethernet frame fits */
	PLX_POOL_FRAMES_MAX = 1 << 24,
	PLX_MAGAZINE        = 256,  /* frames of a magazine = unit of exchange between lcores */
};

struct plx_pool_conf {
	size_t   size;       /* of the structure, or 0: plx_defs.h */
	const char *name;
	uint32_t frames;     /* frames in all, 1..PLX_POOL_FRAMES_MAX */
	uint32_t frame_size; /* 2048 or 4096; 0 = PLX_FRAME_SIZE */
	uint16_t headroom;   /* application's headroom, bytes; 0 = PLX_POOL_USER_ROOM */
	uint16_t caches;     /* lcores that get a cache, 0..PLX_LCORES_MAX */
	int16_t  node;       /* NUMA node of the memory, -1 = not known; informative */
	uint16_t first;      /* they are those of slots first + 1 to first + caches.  Lcores take the
	                        lowest slots that are free, so a pool that an application makes begins
	                        at 0; an environment's own pools begin where its slots do */
};

struct plx_magazine;
struct plx_pool_cache;

struct plx_pool {
	/* read-only after plx_pool_init */
	uint8_t         *area;       /* frames * frame_size bytes, aligned to 4096 */
	struct plx_mbuf *mbufs;
	uint32_t         frames;
	uint32_t         frame_size;
	uint16_t         shift;      /* log2(frame_size) */
	uint16_t         data_off;   /* L2 + application headroom: where plx_mbuf_get puts data */
	uint16_t         caches;
	int16_t          node;
	struct plx_pool_cache *cache; /* caches + 1; the last one is shared by other threads */
	struct plx_magazine   *mags;
	uint32_t         nmags;
	uint32_t         first1;     /* slot of cache[0]: conf.first + 1 */
	uint8_t         *state;      /* hardened: owner of each frame (enum plx_frame_state), else NULL */
	uint32_t        *link;       /* of each loose frame: 1 + index of the next, 0 = last */
	void            *reg;        /* of the af_xdp driver: kernel registrations of the area */
	char             name[PLX_NAME_MAX];
	/* written by all, each on a line of its own */
	alignas(PLX_CACHELINE) uint64_t full;
	alignas(PLX_CACHELINE) uint64_t empty;
	alignas(PLX_CACHELINE) uint64_t loose; /* frames, by link[] */
	uint32_t         nloose;
};

/* Owners of a frame, tracked in hardened builds: a wrong transition asserts.  APP is
   whoever took it: the application, or a driver between take and post. */
enum plx_frame_state { PLX_FRAME_POOL, PLX_FRAME_APP, PLX_FRAME_RX, PLX_FRAME_TX };

/* plx_pool_size: bytes plx_pool_init needs for c; 0 = c is invalid: a count or size out
   of range, a name that does not fit, a headroom that leaves less than
   PLX_POOL_DATA_MIN bytes of a frame, or members that this library does not know.  Pure. */
PLX_API size_t plx_pool_size(const struct plx_pool_conf *c);

/* plx_pool_init lays a pool out in mem, which must be aligned to 4096 bytes and
   hold plx_pool_size(c) bytes; the frames come first.  It writes every mbuf and no
   frame.  0, -EINVAL (c invalid, mem unaligned), or -E2BIG (c has what it does not know).  Init thread. */
PLX_API int plx_pool_init(struct plx_pool **out, void *mem, const struct plx_pool_conf *c);

/* plx_pool_fini ends the pool and returns its memory; NULL and nothing done if
   frames are still out.  No other thread may use the pool. */
PLX_API void *plx_pool_fini(struct plx_pool *p);

/* plx_pool_avail counts frames that are in the pool and its caches; exact only
   when no other thread uses it.  plx_pool_audit walks them all and returns 0, or
   -EIO if a frame is there twice or belongs to another pool; quiescent only. */
PLX_API uint32_t plx_pool_avail(const struct plx_pool *p);
/* plx_pool_twice: how many of them are there a second time, put back by a mistake.  No other thread
   uses the pool. */
PLX_API uint32_t plx_pool_twice(const struct plx_pool *p);
PLX_API int      plx_pool_audit(const struct plx_pool *p);

/* plx_pool_take and plx_pool_give move raw frames for drivers: the same caches as
   plx_mbuf_get, but no metadata is touched.  A free mbuf has next NULL, nsegs 1,
   ref 1; whoever gives one back restores that; all other fields of a taken one are
   left from its last use (plx_mbuf_reset sets them).  take returns the count, <= n; it
   is less only when the pool and this thread's cache have no more.  give never fails, and
   neither waits for another thread.
   Frames of other pools may not be given.  In a hardened build take moves each frame
   from PLX_FRAME_POOL to PLX_FRAME_APP and give moves it back, so a driver itself
   only moves between PLX_FRAME_APP and its own RX or TX. */
PLX_API uint16_t plx_pool_take(struct plx_pool *p, struct plx_mbuf **m, uint16_t n);
PLX_API void     plx_pool_give(struct plx_pool *p, struct plx_mbuf **m, uint16_t n);

/* plx_pool_flush gives all that the calling thread's cache holds back to where every thread can
   take it from: before the thread ends, or gives its slot to another.  Control path. */
PLX_API void plx_pool_flush(struct plx_pool *p);

/* plx_pool_owns: m's frame is in this pool's area. */
static inline bool plx_pool_owns(const struct plx_pool *p, const struct plx_mbuf *m)
{
	return m->pool == p;
}

/* Offset of an mbuf's frame in the area, and the mbuf of any byte offset in it.
   off must be below frames << shift. */
static inline uint64_t plx_pool_frame_off(const struct plx_pool *p, const struct plx_mbuf *m)
{
	PLX_DASSERT(m >= p->mbufs && m < p->mbufs + p->frames);
	return (uint64_t)((uintptr_t)m - (uintptr_t)p->mbufs) << (p->shift - __builtin_ctz(sizeof(*m)));
}
static inline struct plx_mbuf *plx_pool_mbuf_at(const struct plx_pool *p, uint64_t off)
{
	PLX_DASSERT(off >> p->shift < p->frames);
	return &p->mbufs[off >> p->shift];
}

/* plx_mbuf_forget resets what means something without a flag that says so: one store. */
static inline void plx_mbuf_forget(struct plx_mbuf *m)
{
	m->flags = 0;
	m->seg_size = 0;
	m->l2_len = 0;
	m->l3_len = 0;
}

/* plx_mbuf_reset makes a taken mbuf an empty packet with its data at data: what
   plx_mbuf_get does, and what a driver does before it fills in what it knows.  One
   cache line is written; user, timestamp, queue and port keep their old values: a store to the last
   two would be one that the put, which reads ref beside them, has to wait for. */
static inline void plx_mbuf_reset(struct plx_mbuf *m, uint8_t *data)
{
	m->data = data;
	plx_mbuf_forget(m);
	m->pkt_len = 0;
	m->hash = 0;
	m->len = 0;
	m->vlan = 0;
}

/* plx_frame_move checks and records a change of owner in hardened builds. */
#ifdef PLX_HARDENED
PLX_API void plx_frame_move(struct plx_mbuf *m, enum plx_frame_state from, enum plx_frame_state to);
#else
static inline void plx_frame_move(struct plx_mbuf *m, enum plx_frame_state from, enum plx_frame_state to)
{
	(void)m; (void)from; (void)to;
}
#endif

#ifdef __cplusplus
}
#endif
#endif

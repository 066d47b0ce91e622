/* SPDX-License-Identifier: MIT */
/* pool_init.c - layout, end and audit of a pool; cold, init thread.  Frames move in
   pool.c.

     mem: |frames ...|plx_pool|caches|mbufs ...|magazines ...|links ...|owners (hardened)|
           ^ 4096     ^ 128    ^ 128  ^ 64      ^ 64                             */
#include "pool_impl.h"
#include "sized.h"
#include <errno.h>

static_assert(PLX_FRAME_TX <= UINT8_MAX, "an owner is a byte");
static_assert(PLX_POOL_L2_ROOM + PLX_POOL_USER_ROOM + PLX_POOL_DATA_MIN <= PLX_FRAME_SIZE, "the defaults go together");
static_assert(offsetof(struct plx_pool, empty) - offsetof(struct plx_pool, full) == PLX_CACHELINE &&
              offsetof(struct plx_pool, loose) - offsetof(struct plx_pool, empty) == PLX_CACHELINE &&
              offsetof(struct plx_pool, full) % PLX_CACHELINE == 0, "what all write stands on a line of its own");

struct layout {
	uint32_t frame_size, data_off, nmags;
	uint64_t pool, cache, mbufs, mags, link, state, end; /* byte offsets */
};

static uint64_t up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

/* How many magazines: ceil(frames / PLX_MAGAZINE) + 3 * (caches + 1).

   A thread that gives frames back needs an empty one when both of its own are full.
   Look at the instant it reads an empty stack of empties.  Every other cache holds at
   most 3 (its two, and one in hand amid an exchange), ours 2.  So the stack of
   full ones holds at least ceil(F / M) + 1, and all of those are full but one: the
   remainder that plx_pool_init put there; a thread only pushes full ones.  With our
   two that is more than M * ceil(F / M) >= F frames in the pool, while we have at
   least one in hand: a contradiction.  So the pop in unload() finds one.  A thread in
   take_loose() has one magazine more, off the stack of full ones, but also the frames that
   were in it, until it is back on that of empty ones: the sum is the same. */
static int plan(struct layout *l, struct plx_pool_conf *c, const struct plx_pool_conf *given)
{
	int err = sized_take(c, sizeof(*c), given);

	if (err)
		return err;
	uint32_t room = c->headroom ? c->headroom : PLX_POOL_USER_ROOM;

	l->frame_size = c->frame_size ? c->frame_size : PLX_FRAME_SIZE;
	l->data_off = PLX_POOL_L2_ROOM + room;
	if (!c->frames || c->frames > PLX_POOL_FRAMES_MAX || c->caches > PLX_LCORES_MAX ||
	    c->first + c->caches > UINT16_MAX)
		return -EINVAL;
	if (l->frame_size != 2048 && l->frame_size != 4096)
		return -EINVAL;
	if (l->data_off + PLX_POOL_DATA_MIN > l->frame_size)
		return -EINVAL;
	if (c->name && strlen(c->name) >= PLX_NAME_MAX)
		return -EINVAL;
	l->nmags = (c->frames + PLX_MAGAZINE - 1) / PLX_MAGAZINE + 3 * (c->caches + 1u);
	l->pool = up((uint64_t)c->frames * l->frame_size, 2 * PLX_CACHELINE);
	l->cache = up(l->pool + sizeof(struct plx_pool), 2 * PLX_CACHELINE);
	l->mbufs = l->cache + (c->caches + 1) * sizeof(struct plx_pool_cache);
	l->mags = l->mbufs + (uint64_t)c->frames * sizeof(struct plx_mbuf);
	l->link = l->mags + (uint64_t)l->nmags * sizeof(struct plx_magazine);
	l->state = l->link + (uint64_t)c->frames * sizeof(uint32_t);
	l->end = l->state;
#ifdef PLX_HARDENED
	l->end += c->frames;
#endif
	l->end = up(l->end, PLX_CACHELINE);
	return l->end > SIZE_MAX ? -EINVAL : 0;
}

size_t plx_pool_size(const struct plx_pool_conf *c)
{
	PLX_ASSERT(c);
	struct plx_pool_conf conf;
	struct layout l;

	return plan(&l, &conf, c) ? 0 : (size_t)l.end;
}

static void init_mbufs(struct plx_pool *p)
{
	for (uint32_t i = 0; i < p->frames; i++)
		p->mbufs[i] = (struct plx_mbuf){
			.data = p->area + ((size_t)i << p->shift) + p->data_off,
			.pool = p, .ref = 1, .nsegs = 1,
		};
}

/* The magazines with frames go on the full stack, the remainder at its bottom, so that
   the low frames are taken first; then two empty ones to each cache. */
static void init_magazines(struct plx_pool *p)
{
	uint32_t stocked = (p->frames + PLX_MAGAZINE - 1) / PLX_MAGAZINE;

	for (uint32_t i = p->nmags; i-- > 0;) {
		struct plx_magazine *g = &p->mags[i];
		uint32_t first = i * PLX_MAGAZINE;

		*g = (struct plx_magazine){ .n = 0 };
		while (i < stocked && g->n < PLX_MAGAZINE && first + g->n < p->frames) {
			g->frame[g->n] = &p->mbufs[first + g->n];
			g->n++;
		}
		mag_push(p, g->n ? &p->full : &p->empty, g);
	}
	for (uint32_t i = 0; i <= p->caches; i++)
		p->cache[i] = (struct plx_pool_cache){
			.loaded = mag_pop(p, &p->empty), .spare = mag_pop(p, &p->empty),
		};
}

int plx_pool_init(struct plx_pool **out, void *mem, const struct plx_pool_conf *given)
{
	PLX_ASSERT(out && given);
	struct plx_pool_conf conf, *c = &conf;
	struct layout l;
	struct plx_pool *p;
	int err = plan(&l, c, given);

	if (err || !mem || (uintptr_t)mem % 4096)
		return err ? err : -EINVAL;
	p = (struct plx_pool *)((char *)mem + l.pool);
	*p = (struct plx_pool){
		.area = mem,
		.mbufs = (struct plx_mbuf *)((char *)mem + l.mbufs),
		.frames = c->frames,
		.frame_size = l.frame_size,
		.shift = l.frame_size == 4096 ? 12 : 11,
		.data_off = (uint16_t)l.data_off,
		.caches = c->caches,
		.node = c->node,
		.cache = (struct plx_pool_cache *)((char *)mem + l.cache),
		.mags = (struct plx_magazine *)((char *)mem + l.mags),
		.nmags = l.nmags,
		.first1 = c->first + 1u,
		.link = (uint32_t *)((char *)mem + l.link),
	};
	if (c->name)
		strcpy(p->name, c->name); /* plan() has checked the length */
#ifdef PLX_HARDENED
	p->state = (uint8_t *)mem + l.state;
	memset(p->state, PLX_FRAME_POOL, p->frames);
#endif
	init_mbufs(p);
	init_magazines(p);
	*out = p;
	return 0;
}

void *plx_pool_fini(struct plx_pool *p)
{
	PLX_ASSERT(p);
	return plx_pool_avail(p) == p->frames ? p->area : NULL;
}

uint32_t plx_pool_avail(const struct plx_pool *p)
{
	PLX_ASSERT(p);
	uint32_t n = __atomic_load_n(&p->nloose, __ATOMIC_RELAXED);

	/* wherever a magazine is, its count is in it */
	for (uint32_t i = 0; i < p->nmags; i++)
		n += mag_count(&p->mags[i]);
	return n;
}

/* The frame is p's, clean, and not seen before.  The timestamp of a free mbuf means nothing, so
   it serves as the mark. */
static bool audit_frame(const struct plx_pool *p, struct plx_mbuf *m)
{
	uintptr_t off = (uintptr_t)m - (uintptr_t)p->mbufs;

	if (off / sizeof(*m) >= p->frames || off % sizeof(*m))
		return false;
	if (m->pool != p || m->next || m->nsegs != 1 || m->ref != 1 || m->timestamp)
		return false;
	m->timestamp = 1;
	return true;
}

static bool audit_magazine(const struct plx_pool *p, const struct plx_magazine *g)
{
	if (g->n > PLX_MAGAZINE)
		return false;
	for (uint32_t i = 0; i < g->n; i++)
		if (!audit_frame(p, g->frame[i]))
			return false;
	return true;
}

/* A frame that is linked twice makes a ring; the mark of its first visit ends it. */
static bool audit_loose(const struct plx_pool *p)
{
	uint32_t n = 0;

	for (uint32_t i = (uint32_t)p->loose; i; i = p->link[i - 1], n++)
		if (i > p->frames || !audit_frame(p, &p->mbufs[i - 1]))
			return false;
	return n == p->nloose;
}

static void visit(const struct plx_pool *p, void (*fn)(struct plx_mbuf *m, uint32_t *n), uint32_t *n)
{
	for (uint32_t i = 0; i < p->nmags; i++)
		for (uint32_t k = 0; k < p->mags[i].n && k < PLX_MAGAZINE; k++)
			if (plx_pool_owns(p, p->mags[i].frame[k]))
				fn(p->mags[i].frame[k], n);
	for (uint32_t i = (uint32_t)p->loose, k = 0; i && i <= p->frames && k < p->nloose; i = p->link[i - 1], k++)
		fn(&p->mbufs[i - 1], n);
}

static void unmark(struct plx_mbuf *m, uint32_t *n)
{
	(void)n;
	m->timestamp = 0;
}

static void mark(struct plx_mbuf *m, uint32_t *n)
{
	*n += m->timestamp != 0;
	m->timestamp = 1;
}

uint32_t plx_pool_twice(const struct plx_pool *p)
{
	PLX_ASSERT(p);
	uint32_t n = 0;

	visit(p, unmark, NULL);
	visit(p, mark, &n);
	return n;
}

int plx_pool_audit(const struct plx_pool *p)
{
	PLX_ASSERT(p);
	visit(p, unmark, NULL);
	for (uint32_t i = 0; i < p->nmags; i++)
		if (!audit_magazine(p, &p->mags[i]))
			return -EIO;
	return audit_loose(p) ? 0 : -EIO;
}

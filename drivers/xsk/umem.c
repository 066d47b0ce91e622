/* SPDX-License-Identifier: MIT */
/* umem.c - the kernel registrations (UMEM) of a pool: all sockets of one pool and kind
   share one, so that a frame received by any of them can be sent by any other without a
   copy; cold, main thread.

   The first socket registers the pool's area and binds with flags of its own.  Every
   further one, on whatever interface and queue, binds with XDP_SHARED_UMEM alone and the
   descriptor of any living socket of the kind: the kernel copies the kind (zero-copy or
   copy, need-wakeup, several buffers) from there, which is why kinds are apart.  The
   registration is the kernel's and counted by it, so the first socket may close first:
   nobody has to stay behind as an anchor. */
#include "xsk.h"
#include "xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_MIN_NS = 1000000, BACKOFF_MAX_NS = 20000000, REFUSALS = 8 };

struct ax_reg {
	struct ax_sock *bound;             /* of every kind, newest first */
	char refused[REFUSALS][32];        /* drivers of the kernel without zero-copy */
};

static_assert(PLX_POOL_L2_ROOM + PLX_POOL_USER_ROOM == PLX_XDP_HEADROOM,
              "received data stand where plx_mbuf_get puts them");

static bool same_kind(struct ax_kind a, struct ax_kind b)
{
	return a.zc == b.zc && a.sg == b.sg && a.tx_meta_len == b.tx_meta_len && a.flags == b.flags;
}

/* Headroom for the kernel to leave in each frame, beyond its own, so that received data
   stand where plx_mbuf_get puts them. */
static uint32_t headroom(const struct plx_pool *pool)
{
	uint32_t want = pool->data_off;

	return want > PLX_XDP_HEADROOM ? want - PLX_XDP_HEADROOM : 0;
}

uint32_t ax_umem_room(const struct plx_pool *pool)
{
	return plx_xdp_room(pool->frame_size) - headroom(pool);
}

/* A queue that was just closed is released by the kernel a little later, with EBUSY till
   then: not to be told from a queue that somebody holds but by waiting. */
static int bind_patiently(struct ax_sock *s, uint16_t flags, int shared_fd, uint64_t deadline)
{
	struct sockaddr_xdp a = {
		.sxdp_family = AF_XDP, .sxdp_flags = flags, .sxdp_ifindex = s->ifindex,
		.sxdp_queue_id = s->queue, .sxdp_shared_umem_fd = (uint32_t)shared_fd,
	};
	uint64_t nap = BACKOFF_MIN_NS;

	s->step = "bind";
	while (s->sys->bind(s->fd, (struct sockaddr *)&a, sizeof(a))) {
		if (errno != EBUSY)
			return -errno;
		if (plx_sys_now(s->sys) + nap > deadline)
			return -EBUSY;
		plx_sys_sleep(s->sys, nap);
		nap = nap * 2 < BACKOFF_MAX_NS ? nap * 2 : BACKOFF_MAX_NS;
	}
	return 0;
}

static int bind_first(struct ax_sock *s, uint64_t deadline)
{
	struct ax_umem_reg reg = {
		.addr = (uintptr_t)s->pool->area, .len = (uint64_t)s->pool->frames * s->pool->frame_size,
		.chunk_size = s->pool->frame_size, .headroom = headroom(s->pool), .flags = s->kind.flags,
		.tx_metadata_len = s->kind.tx_meta_len,
	};
	uint16_t flags = XDP_USE_NEED_WAKEUP | (s->kind.zc ? XDP_ZEROCOPY : XDP_COPY);

	if (s->kind.sg)
		flags |= XDP_USE_SG;
	s->step = "XDP_UMEM_REG";
	if (s->sys->setsockopt(s->fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)))
		return -errno;
	return bind_patiently(s, flags, 0, deadline);
}

static bool same_queue(const struct ax_sock *a, const struct ax_sock *b)
{
	return a->queue == b->queue && a->ifindex == b->ifindex && a->netns == b->netns;
}

/* ax_umem_bind binds s to its queue over the pool's registration of its kind, and makes
   one if there is none.  0 or -errno; s->step tells the call. */
int ax_umem_bind(struct ax_sock *s, uint32_t timeout_ms)
{
	uint64_t deadline = plx_sys_now(s->sys) + timeout_ms * UINT64_C(1000000);
	struct ax_reg *reg = s->pool->reg;
	int err = -EBADF;

	PLX_ASSERT(s->fd >= 0 && !s->bound);
	s->step = "the same queue of the same pool";
	for (struct ax_sock *o = reg ? reg->bound : NULL; o; o = o->next)
		if (same_queue(o, s))
			return -EBUSY;
	if (!reg)
		reg = s->pool->reg = calloc(1, sizeof(*reg));
	s->step = "memory";
	if (!reg)
		return -ENOMEM;
	/* EBADF: the interface of that socket is gone, and its part in the registration */
	for (struct ax_sock *o = reg->bound; o && err == -EBADF; o = o->next)
		if (same_kind(o->kind, s->kind))
			err = bind_patiently(s, XDP_SHARED_UMEM, o->fd, deadline);
	if (err == -EBADF)
		err = bind_first(s, deadline);
	if (!err) {
		s->bound = true;
		s->next = reg->bound;
		reg->bound = s;
	} else if (!reg->bound) {
		free(reg);
		s->pool->reg = NULL;
	}
	return err;
}

void ax_umem_leave(struct ax_sock *s)
{
	struct ax_reg *reg = s->pool->reg;

	if (!s->bound)
		return;
	struct ax_sock **at = &reg->bound;
	while (*at && *at != s)
		at = &(*at)->next;
	PLX_ASSERT(*at);
	*at = s->next;
	s->bound = false;
	if (!reg->bound) {
		free(reg);
		s->pool->reg = NULL;
	}
}

void ax_umem_note_refusal(const struct plx_pool *pool, const char *kdriver)
{
	struct ax_reg *reg = pool->reg;

	for (size_t i = 0; reg && *kdriver && i < REFUSALS && strcmp(reg->refused[i], kdriver); i++)
		if (!*reg->refused[i]) {
			snprintf(reg->refused[i], sizeof(reg->refused[i]), "%s", kdriver);
			break;
		}
}

bool ax_umem_refuses(const struct plx_pool *pool, const char *kdriver)
{
	const struct ax_reg *reg = pool->reg;

	for (size_t i = 0; reg && *kdriver && i < REFUSALS; i++)
		if (!strcmp(reg->refused[i], kdriver))
			return true;
	return false;
}

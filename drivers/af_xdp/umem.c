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
#include "af_xdp.h"
#include "plx_xdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_MIN_NS = 1000000, BACKOFF_MAX_NS = 20000000 };

struct ax_reg {
	struct ax_sock *of[AX_KINDS]; /* bound sockets, newest first */
	unsigned users;
};

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
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)s->pool->area, .len = (uint64_t)s->pool->frames * s->pool->frame_size,
		.chunk_size = s->pool->frame_size, .headroom = headroom(s->pool),
	};
	uint16_t flags = XDP_USE_NEED_WAKEUP | (s->kind & AX_KIND_ZC ? XDP_ZEROCOPY : XDP_COPY);

	if (s->kind & AX_KIND_SG)
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

	s->step = "the same queue of the same pool";
	for (unsigned k = 0; reg && k < AX_KINDS; k++)
		for (struct ax_sock *o = reg->of[k]; o; o = o->next)
			if (same_queue(o, s))
				return -EBUSY;
	if (!reg)
		reg = s->pool->reg = calloc(1, sizeof(*reg));
	s->step = "memory";
	if (!reg)
		return -ENOMEM;
	/* EBADF: the interface of that socket is gone, and its part in the registration */
	for (struct ax_sock *o = reg->of[s->kind]; o && err == -EBADF; o = o->next)
		err = bind_patiently(s, XDP_SHARED_UMEM, o->fd, deadline);
	if (err == -EBADF)
		err = bind_first(s, deadline);
	if (!err) {
		s->bound = true;
		s->next = reg->of[s->kind];
		reg->of[s->kind] = s;
		reg->users++;
	} else if (!reg->users) {
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
	struct ax_sock **at = &reg->of[s->kind];
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->bound = false;
	if (!--reg->users) {
		free(reg);
		s->pool->reg = NULL;
	}
}

/* SPDX-License-Identifier: MIT */
/* sock.c - one AF_XDP socket on one device queue: its rings, its options, its end; cold,
   main thread, the counters by any. */
#include "xsk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { RX, TX, FILL, COMP };
enum { LOOKS_MAX = 1000 };

static int make_ring(struct ax_sock *s, int option, uint32_t entries, const char *step)
{
	if (!entries)
		return 0;
	PLX_ASSERT(!(entries & (entries - 1))); /* slot = index & mask */
	s->step = step;
	return s->sys->setsockopt(s->fd, SOL_XDP, option, &entries, sizeof(entries)) ? -errno : 0;
}

static int make_rings(struct ax_sock *s, const struct ax_sock_conf *c)
{
	int err = make_ring(s, XDP_UMEM_FILL_RING, c->fill, "XDP_UMEM_FILL_RING");

	err = err ? err : make_ring(s, XDP_UMEM_COMPLETION_RING, c->comp, "XDP_UMEM_COMPLETION_RING");
	err = err ? err : make_ring(s, XDP_RX_RING, c->rxd, "XDP_RX_RING");
	return err ? err : make_ring(s, XDP_TX_RING, c->txd, "XDP_TX_RING");
}

/* The mapping holds the socket as long as it lives, in every process that has it: a child
   that inherited it would keep the queue busy after our death. */
static int map_ring(struct ax_sock *s, struct xring *r, int which, const struct xdp_ring_offset *off,
                    uint32_t entries, size_t slot, uint64_t pgoff, bool produces)
{
	size_t len = off->desc + entries * slot;

	PLX_ASSERT(!s->map[which].at);
	if (!entries)
		return 0;
	s->step = "mmap of a ring";
	uint8_t *at = s->sys->mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd, (off_t)pgoff);
	if (at == MAP_FAILED)
		return -errno;
	s->map[which].at = at;
	s->map[which].len = len;
	s->sys->madvise(at, len, MADV_DONTFORK);
	r->ours = (uint32_t *)(void *)(at + (produces ? off->producer : off->consumer));
	r->theirs = (uint32_t *)(void *)(at + (produces ? off->consumer : off->producer));
	r->flags = (uint32_t *)(void *)(at + off->flags);
	r->slots = at + off->desc;
	r->mask = entries - 1;
	r->head = __atomic_load_n(r->ours, __ATOMIC_RELAXED);
	r->peer = __atomic_load_n(r->theirs, __ATOMIC_RELAXED);
	return 0;
}

static int map_rings(struct ax_sock *s, const struct ax_sock_conf *c)
{
	struct xdp_mmap_offsets o;
	socklen_t len = sizeof(o);

	s->step = "XDP_MMAP_OFFSETS";
	if (s->sys->getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len))
		return -errno;
	if (len < sizeof(o)) /* before 5.4: no flags, hence no need-wakeup */
		return -EOPNOTSUPP;
	int err = map_ring(s, &s->fill, FILL, &o.fr, c->fill, sizeof(uint64_t), XDP_UMEM_PGOFF_FILL_RING, true);
	err = err ? err : map_ring(s, &s->comp, COMP, &o.cr, c->comp, sizeof(uint64_t),
	                           XDP_UMEM_PGOFF_COMPLETION_RING, false);
	err = err ? err : map_ring(s, &s->rx, RX, &o.rx, c->rxd, sizeof(struct xdp_desc), XDP_PGOFF_RX_RING, false);
	return err ? err : map_ring(s, &s->tx, TX, &o.tx, c->txd, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING, true);
}

/* Some drivers take the bind and fail the first doorbell.  A link that is down or a
   device that is busy says nothing about zero-copy. */
static int try_doorbell(struct ax_sock *s)
{
	s->step = "the first doorbell";
	if (s->sys->sendto(s->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) >= 0)
		return 0;
	return errno == EAGAIN || errno == EBUSY || errno == ENOBUFS || errno == EINTR || errno == ENETDOWN ? 0 :
	                                                                                                      -errno;
}

static int check_mode(struct ax_sock *s, const struct ax_sock_conf *c)
{
	struct xdp_options o = { 0 };
	socklen_t len = sizeof(o);

	s->step = "XDP_OPTIONS";
	if (s->sys->getsockopt(s->fd, SOL_XDP, XDP_OPTIONS, &o, &len))
		return -errno;
	if (s->zerocopy != !!(o.flags & XDP_OPTIONS_ZEROCOPY))
		return -EOPNOTSUPP;
	return s->zerocopy && c->txd ? try_doorbell(s) : 0;
}

/* How many frames one doorbell moves in copy mode: the whole ring if the kernel lets us
   say so, else 32.  It takes 32..ring. */
static void raise_budget(struct ax_sock *s, uint32_t txd)
{
	for (uint32_t n = txd; n > AX_COPY_BUDGET && !s->budget; n /= 2) {
		if (!s->sys->setsockopt(s->fd, SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &n, sizeof(n)))
			s->budget = true;
		else if (errno != EACCES)
			return;
	}
}

/* Interfaces of two namespaces can have one number; 0 on kernels that do not tell. */
static uint64_t netns_of(const struct plx_sys *sys, int fd)
{
	uint64_t netns = 0;
	socklen_t len = sizeof(netns);

	return sys->getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &len) ? 0 : netns;
}

/* The network namespace that this thread opens sockets in. */
uint64_t ax_netns(const struct plx_sys *sys)
{
	int fd = sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	const uint64_t netns = fd < 0 ? 0 : netns_of(sys, fd);

	if (fd >= 0)
		sys->close(fd);
	return netns;
}

/* ax_sock_rings gives a socket its rings: frames can be put into the fill ring, but nothing
   moves yet.  0 or -errno; s->step tells the call that failed. */
int ax_sock_rings(struct ax_sock *s, const struct ax_sock_conf *c)
{
	int err = make_rings(s, c);

	return err ? err : map_rings(s, c);
}

/* ax_sock_make makes the socket and its rings.  As ax_sock_rings; s is to be closed after a failure. */
int ax_sock_make(struct ax_sock *s, const struct ax_sock_conf *c)
{
	memset(s, 0, sizeof(*s));
	s->sys = c->sys;
	s->port = c->port;
	s->pool = c->pool;
	s->ifindex = c->ifindex;
	s->queue = c->queue;
	s->kind = c->kind;
	s->step = "socket(AF_XDP)";
	s->fd = c->sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	s->netns = netns_of(s->sys, s->fd);
	return ax_sock_rings(s, c);
}

/* ax_sock_bind puts s on its queue.  0 or -errno, as above. */
int ax_sock_bind(struct ax_sock *s, const struct ax_sock_conf *c)
{
	PLX_ASSERT(s->fill.slots && s->comp.slots); /* no socket is bound without */
	int err = ax_umem_bind(s, c->timeout_ms);

	s->zerocopy = !err && c->kind.zc;
	err = err ? err : check_mode(s, c);
	if (!err && !s->zerocopy && c->txd)
		raise_budget(s, c->txd);
	return err;
}

/* 0, or -errno.  Kernels before 5.9 fill in the first three. */
static int ask_statistics(const struct ax_sock *s, struct xdp_statistics *st)
{
	socklen_t len = sizeof(*st);

	memset(st, 0, sizeof(*st));
	if (s->fd < 0 || !s->sys)
		return -EBADF;
	return s->sys->getsockopt(s->fd, SOL_XDP, XDP_STATISTICS, st, &len) ? -errno : 0;
}

static_assert(sizeof(struct xdp_statistics) == AX_STATS * sizeof(uint64_t), "a place for each counter");

/* What the sockets before this one counted, and what it does, if it can be asked.  Looked at again if another
   took its place meanwhile; not for ever, for the one that writes may be a thread that a child of fork has not. */
static void all_statistics(const struct ax_sock *s, struct xdp_statistics *st)
{
	uint64_t n[AX_STATS];
	uint32_t turn, looks = 0;

	do {
		turn = __atomic_load_n(&s->turn, __ATOMIC_SEQ_CST);
		if (turn & AX_RENEWS || ask_statistics(s, st))
			memset(st, 0, sizeof(*st));
		memcpy(n, st, sizeof(n));
		for (int i = 0; i < AX_STATS; i++)
			n[i] += __atomic_load_n(&s->past[i], __ATOMIC_SEQ_CST);
	} while ((turn & AX_CHANGES || turn != __atomic_load_n(&s->turn, __ATOMIC_SEQ_CST)) && ++looks < LOOKS_MAX);
	memcpy(st, n, sizeof(n));
}

/* Only ax_sock_renew writes turn, so it needs no atomic addition. */
static void next_turn(struct ax_sock *s, uint32_t flags)
{
	const uint32_t count = (s->turn | AX_CHANGES | AX_RENEWS) + 1;

	__atomic_store_n(&s->turn, count | flags, __ATOMIC_SEQ_CST);
}

/* What s counted is past, or after all is not.  To close a socket takes the kernel some ms, and no counter may go
   back meanwhile. */
static void add_past(struct ax_sock *s, const struct xdp_statistics *st, bool past)
{
	uint64_t n[AX_STATS];

	memcpy(n, st, sizeof(n));
	next_turn(s, AX_CHANGES);
	for (int i = 0; i < AX_STATS; i++)
		__atomic_store_n(&s->past[i], past ? s->past[i] + n[i] : s->past[i] - n[i], __ATOMIC_SEQ_CST);
	next_turn(s, past ? AX_RENEWS : 0);
}

/* Mappings first: with one left, the queue stays busy for ever. */
static void let_go(struct ax_sock *s)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->map); i++)
		if (s->map[i].at)
			s->sys->munmap(s->map[i].at, s->map[i].len);
	memset(s->map, 0, sizeof(s->map));
	s->rx = s->tx = s->fill = s->comp = (struct xring){ 0 };
	ax_umem_leave(s);
}

void ax_sock_close(struct ax_sock *s)
{
	if (s->fd < 0 || !s->sys)
		return;
	let_go(s);
	s->sys->close(s->fd);
	s->fd = -1;
}

/* ax_sock_renew closes s and puts a new socket, without rings, under the same descriptor: whoever
   knows its number goes on with it.  0, or -errno and s is as it was, or closed. */
int ax_sock_renew(struct ax_sock *s, const struct ax_sock_conf *c)
{
	struct xdp_statistics st;

	PLX_ASSERT(s->fd >= 0 && s->queue == c->queue && s->pool == c->pool);
	s->step = "socket(AF_XDP)";
	int fresh = s->sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fresh < 0)
		return -errno;
	if (ask_statistics(s, &st))
		memset(&st, 0, sizeof(st));

	let_go(s);
	s->budget = false;
	s->kind = c->kind;
	s->step = "dup3";
	add_past(s, &st, true);
	int err = s->sys->dup3(fresh, s->fd, O_CLOEXEC) < 0 ? -errno : 0;

	if (!err)
		next_turn(s, 0);
	else /* the old one goes on telling */
		add_past(s, &st, false);
	s->sys->close(fresh);
	return err;
}

/* Binds a socket with a page of its own to s's queue, and lets go. */
static int probe_queue(const struct ax_sock *s, void *page)
{
	static const uint32_t entries = 2;
	struct xdp_umem_reg reg = { .addr = (uintptr_t)page, .len = 4096, .chunk_size = 2048 };
	struct sockaddr_xdp a = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = s->ifindex,
	                          .sxdp_queue_id = s->queue };
	int fd = s->sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (s->sys->setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ||
	    s->sys->setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof(entries)) ||
	    s->sys->setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries)) ||
	    s->sys->setsockopt(fd, SOL_XDP, XDP_TX_RING, &entries, sizeof(entries)) ||
	    s->sys->bind(fd, (struct sockaddr *)&a, sizeof(a)))
		err = -errno;
	s->sys->close(fd);
	return err;
}

/* ax_sock_settled waits until the kernel has really let go of a closed socket's queue:
   till then a zero-copy device may still write to frames, and a sent frame be read.  The
   release is deferred in the kernel and nothing announces it; a queue that can be bound
   is free.  0, or -errno if that could not be seen in time. */
int ax_sock_settled(const struct ax_sock *s, uint32_t timeout_ms)
{
	uint64_t deadline = plx_sys_now(s->sys) + timeout_ms * UINT64_C(1000000);
	void *page = s->sys->mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	while ((err = probe_queue(s, page)) == -EBUSY && plx_sys_now(s->sys) < deadline)
		plx_sys_sleep(s->sys, 2000000);
	s->sys->munmap(page, 4096);
	return err == -ENODEV ? 0 : err; /* no such interface any more: it is released */
}

/* In copy mode a frame that found the fill ring empty counts as dropped, too, and one of a socket that takes
   chains for nothing else: a packet that needs more frames than are there counts as dropped only.  With zero-copy
   it is the driver that finds it empty, whenever it fills up its own ring, and no frame need
   be lost by that: what is lost, the NIC counts. */
void ax_sock_lost(const struct ax_sock *s, uint64_t *n)
{
	struct xdp_statistics st;

	all_statistics(s, &st);
	const bool all = s->kind.sg || st.rx_fill_ring_empty_descs > st.rx_dropped;
	const uint64_t empty = s->zerocopy ? 0 : all ? st.rx_dropped : st.rx_fill_ring_empty_descs;

	n[PLX_RX_DROP_ring_full] += st.rx_ring_full;
	n[PLX_RX_DROP_fill_empty] += empty;
	n[PLX_RX_DROP_kernel] += st.rx_dropped - empty;
}

/* The kernel's counters, added up over n sockets.  fill_empty is part of dropped in copy
   mode, so they are never summed into one. */
int ax_sock_xstats(const struct ax_sock *s, int n, struct plx_xstat *x, int room)
{
	static const char *const names[] = { "xsk_rx_dropped", "xsk_rx_invalid_descs", "xsk_tx_invalid_descs",
	                                     "xsk_rx_ring_full", "xsk_rx_fill_empty", "xsk_tx_ring_empty" };
	uint64_t sum[PLX_ARRAY_SIZE(names)] = { 0 };

	static_assert(PLX_ARRAY_SIZE(names) == AX_STATS, "a name for each counter");
	for (int i = 0; i < n; i++) {
		uint64_t one[PLX_ARRAY_SIZE(names)];
		struct xdp_statistics st;

		all_statistics(&s[i], &st);
		memcpy(one, &st, sizeof(one));
		for (size_t k = 0; k < PLX_ARRAY_SIZE(names); k++)
			sum[k] += one[k];
	}
	for (size_t k = 0; k < PLX_ARRAY_SIZE(names) && (int)k < room; k++) {
		snprintf(x[k].name, sizeof(x[k].name), "%s", names[k]);
		x[k].value = sum[k];
	}
	return PLX_ARRAY_SIZE(names);
}

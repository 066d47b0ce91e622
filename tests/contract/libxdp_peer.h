/* SPDX-License-Identifier: MIT */
/* libxdp_peer.h - an AF_XDP program that has nothing of Pollux: written from libxdp's manual page,
   on its xsk_socket and the ring verbs of its xsk.h.  One socket, one UMEM, sending frames in the
   lower half of it. */
#ifndef LIBXDP_PEER_H
#define LIBXDP_PEER_H

#include <errno.h>
#include <linux/if_link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

#ifndef XDP_USE_SG /* Linux 6.6; 1.3.1 hands the flag on */
#define XDP_USE_SG (1 << 4)
#endif
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)
#endif

enum { PEER_FRAMES = 2048, PEER_FRAME = XSK_UMEM__DEFAULT_FRAME_SIZE, PEER_RING = 1024, PEER_LONGEST = 16384 };

struct peer {
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons comp, rx;
	uint8_t *area;
	uint64_t free[PEER_FRAMES / 2];  /* frames to send in */
	uint32_t nfree;
	uint8_t  packet[PEER_LONGEST];   /* what was received last, in one piece */
	uint32_t len;
	bool     more;                   /* its end has not come */
};

static void peer_give(struct peer *p, uint64_t addr)
{
	uint32_t at;

	if (xsk_ring_prod__reserve(&p->fill, 1, &at) != 1)
		abort(); /* it has room for every frame of the upper half */
	*xsk_ring_prod__fill_addr(&p->fill, at) = addr;
	xsk_ring_prod__submit(&p->fill, 1);
}

/* peer_open: 0 or -errno.  xdp_flags: XDP_FLAGS_DRV_MODE or _SKB_MODE; inhibit: no program of libxdp's, and no map. */
static int peer_open(struct peer *p, const char *name, uint32_t queue, uint32_t xdp_flags, uint16_t bind_flags,
                     bool inhibit)
{
	const struct xsk_umem_config u = { .fill_size = PEER_RING, .comp_size = PEER_RING, .frame_size = PEER_FRAME };
	const struct xsk_socket_config s = { .rx_size = PEER_RING, .tx_size = PEER_RING, .xdp_flags = xdp_flags,
	                                     .bind_flags = (uint16_t)(XDP_COPY | XDP_USE_NEED_WAKEUP | bind_flags),
	                                     .libxdp_flags = inhibit ? XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD : 0 };
	const size_t size = (size_t)PEER_FRAMES * PEER_FRAME;

	memset(p, 0, sizeof(*p));
	p->area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->area == MAP_FAILED)
		return -errno;
	int err = xsk_umem__create(&p->umem, p->area, size, &p->fill, &p->comp, &u);
	if (!err) {
		err = xsk_socket__create(&p->xsk, name, queue, p->umem, &p->rx, &p->tx, &s);
		if (err)
			xsk_umem__delete(p->umem);
	}
	if (err) {
		munmap(p->area, size);
		return err;
	}
	for (uint64_t i = 0; i < PEER_FRAMES / 2; i++) {
		p->free[p->nfree++] = i * PEER_FRAME;
		peer_give(p, (i + PEER_FRAMES / 2) * PEER_FRAME);
	}
	return 0;
}

static void peer_close(struct peer *p)
{
	xsk_socket__delete(p->xsk);
	xsk_umem__delete(p->umem);
	munmap(p->area, (size_t)PEER_FRAMES * PEER_FRAME);
}

static void peer_kick(struct peer *p)
{
	uint32_t at, n = xsk_ring_cons__peek(&p->comp, PEER_RING, &at);

	for (uint32_t i = 0; i < n; i++)
		p->free[p->nfree++] = *xsk_ring_cons__comp_addr(&p->comp, at + i) / PEER_FRAME * PEER_FRAME;
	xsk_ring_cons__release(&p->comp, n);
	if (xsk_ring_prod__needs_wakeup(&p->tx))
		sendto(xsk_socket__fd(p->xsk), NULL, 0, MSG_DONTWAIT, NULL, 0);
}

/* peer_send queues a packet, in pieces of at most piece bytes: 1, or 0 if there is no room now. */
static int peer_send(struct peer *p, const uint8_t *data, uint32_t len, uint32_t piece)
{
	const uint32_t n = (len + piece - 1) / piece;
	uint32_t at;

	if (p->nfree < n || xsk_ring_prod__reserve(&p->tx, n, &at) != n)
		return 0;
	for (uint32_t i = 0, done = 0; i < n; i++) {
		struct xdp_desc *d = xsk_ring_prod__tx_desc(&p->tx, at + i);

		d->addr = p->free[--p->nfree];
		d->len = len - done < piece ? len - done : piece;
		d->options = i + 1 < n ? XDP_PKT_CONTD : 0;
		memcpy(xsk_umem__get_data(p->area, d->addr), data + done, d->len);
		done += d->len;
	}
	xsk_ring_prod__submit(&p->tx, n);
	return 1;
}

/* peer_recv: 1, and packet and len, or 0 if no whole packet has come; -1: longer than any that was sent. */
static int peer_recv(struct peer *p)
{
	uint32_t at;

	if (xsk_ring_prod__needs_wakeup(&p->fill))
		recvfrom(xsk_socket__fd(p->xsk), NULL, 0, MSG_DONTWAIT, NULL, NULL);
	while (xsk_ring_cons__peek(&p->rx, 1, &at)) {
		const struct xdp_desc d = *xsk_ring_cons__rx_desc(&p->rx, at);

		xsk_ring_cons__release(&p->rx, 1);
		p->len = p->more ? p->len : 0;
		p->more = d.options & XDP_PKT_CONTD;
		if (p->len + d.len > sizeof(p->packet))
			return -1;
		memcpy(p->packet + p->len, xsk_umem__get_data(p->area, d.addr), d.len);
		p->len += d.len;
		peer_give(p, d.addr / PEER_FRAME * PEER_FRAME);
		if (!p->more)
			return 1;
	}
	return 0;
}

#endif

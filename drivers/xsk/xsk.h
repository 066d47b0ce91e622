/* SPDX-License-Identifier: MIT */
/* xsk.h - the sockets of AF_XDP and the kernel's registrations of a pool, beneath the driver.  Internal.

     umem.c    kernel registrations of a pool                cold, main thread
     sock.c     one socket on one device queue                cold, main thread */
#ifndef XSK_H
#define XSK_H

#include "driver_impl.h"
#include "xring.h"

/* How sockets use their pool.  All of one kind share one kernel registration of it: what is here, the
   kernel takes from the first socket of a registration for all of them. */
struct ax_kind {
	bool     zc;                         /* zero-copy */
	bool     sg;                         /* chains of frames */
	uint8_t  tx_meta_len;                /* bytes before a frame that is sent, of struct xdp_umem_reg */
	uint32_t flags;                      /* of struct xdp_umem_reg */
};

enum { AX_STATS = 6 };                       /* counters of XDP_STATISTICS */
enum { AX_CHANGES = 1, AX_RENEWS = 2 };      /* of ax_sock.turn: `past` is being written; it has all there is */

/* One socket on one device queue with the rings it has. */
struct ax_sock {
	const struct plx_sys *sys;
	struct plx_pool *pool;
	int      fd;
	struct ax_kind kind;
	uint32_t ifindex, queue;
	uint64_t netns;
	struct plx_port *port;
	struct ax_sock *next;                /* in the registration */
	bool     bound, zerocopy, budget;
	struct xring rx, tx, fill, comp;     /* slots NULL: the socket has no such ring */
	struct { void *at; size_t len; } map[4];
	const char *step;                    /* what failed, for the error line */
	uint64_t past[AX_STATS];             /* what the kernel counted of sockets that stood here before */
	uint32_t turn;                       /* atomic: AX_CHANGES, AX_RENEWS, above them how often that changed */
	/* repair */
	int      why;                        /* the errno for which it is opened anew, or AX_WHY_FALL; 0 = it is not */
	bool     broken;                     /* it is not open: the last try failed */
	uint64_t tried_at;                   /* ns */
};

struct ax_sock_conf {
	const struct plx_sys *sys;
	struct plx_port *port;
	struct plx_pool *pool;
	uint32_t ifindex, queue;
	uint32_t rxd, txd, fill, comp;       /* ring entries; rxd or txd may be 0 */
	struct ax_kind kind;
	uint32_t timeout_ms;
};

/* umem.c: sockets of a pool and kind share one kernel registration. */
int  ax_umem_bind(struct ax_sock *s, uint32_t timeout_ms);
void ax_umem_leave(struct ax_sock *s);
/* While a pool has sockets: a kernel's driver by that name had no zero-copy when the ladder was walked. */
void ax_umem_note_refusal(const struct plx_pool *pool, const char *kdriver);
bool ax_umem_refuses(const struct plx_pool *pool, const char *kdriver);
uint32_t ax_umem_room(const struct plx_pool *pool); /* longest frame of one buffer */

/* sock.c */
uint64_t ax_netns(const struct plx_sys *sys);
int  ax_sock_make(struct ax_sock *s, const struct ax_sock_conf *c);
int  ax_sock_renew(struct ax_sock *s, const struct ax_sock_conf *c);
int  ax_sock_rings(struct ax_sock *s, const struct ax_sock_conf *c);
int  ax_sock_bind(struct ax_sock *s, const struct ax_sock_conf *c);
void ax_sock_close(struct ax_sock *s);
int  ax_sock_settled(const struct ax_sock *s, uint32_t timeout_ms);
int  ax_sock_xstats(const struct ax_sock *s, int n, struct plx_xstat *x, int room);
void ax_sock_lost(const struct ax_sock *s, uint64_t *n);

#endif

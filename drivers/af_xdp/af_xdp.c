/* SPDX-License-Identifier: MIT */
/* af_xdp.c - the verbs of an af_xdp port and the ladder of its modes: zero-copy, native
   copy, generic copy; cold, main thread. */
#include "af_xdp.h"
#include "plx_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_MIN    = 64,      /* of a fill or completion ring that the kernel insists on */
	RING_AT     = 256,     /* descriptors worth a doorbell */
	DRAIN_MS    = 100,     /* how long stop waits for sends */
	SETTLE_MS   = 1000,    /* how long close waits for the kernel to let go of frames */
};

struct rung {
	enum plx_xdp_mode mode;
	bool native, zerocopy;
	const char *name;
};

static const struct rung rungs[] = {
	{ PLX_XDP_ZEROCOPY, true,  true,  "zero-copy" },
	{ PLX_XDP_NATIVE,   true,  false, "native copy" },
	{ PLX_XDP_GENERIC,  false, false, "generic copy" },
};

static uint32_t fill_size(const struct plx_port_conf *c, bool zerocopy)
{
	/* a zero-copy device holds a ring full of them besides what waits for it */
	return zerocopy ? c->rxd * 2 : c->rxd;
}

static uint32_t ax_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd)
{
	bool zerocopy = c->mode == PLX_XDP_AUTO || c->mode == PLX_XDP_ZEROCOPY;
	uint32_t rx = zerocopy ? rxd * 2 : rxd;
	uint32_t parked = zerocopy && c->txqs > c->rxqs ? (uint32_t)(c->txqs - c->rxqs) : 0;

	return (c->rxqs + parked) * rx + c->txqs * txd;
}

/* ---- queues ---- */

static int init_rxq(struct ax_port *p, struct ax_rxq *q, struct ax_sock *s)
{
	struct plx_pool *pool = p->base.pool;

	q->sock = s;
	q->rx = s->rx;
	q->fill = s->fill;
	q->area = pool->area;
	q->mbufs = pool->mbufs;
	q->frames = pool->frames;
	q->frame_size = pool->frame_size;
	q->shift = pool->shift;
	q->sg = s->kind & AX_KIND_SG;
	q->target = fill_size(&p->base.conf, s->kind & AX_KIND_ZC);
	q->posted = q->missing = 0;
	q->own = calloc(pool->frames, 1);
	ax_rx_choose(q);
	return q->own ? 0 : -ENOMEM;
}

static void set_mtu(struct ax_port *p, uint32_t mtu)
{
	p->base.info.mtu = mtu;
	p->base.info.max_len = mtu + AX_L2_MAX;
	for (uint16_t i = 0; i < p->base.ntx; i++)
		__atomic_store_n(&((struct ax_txq *)p->base.txq[i])->max_len, mtu + AX_L2_MAX, __ATOMIC_RELAXED);
}

static int init_txq(struct ax_port *p, struct ax_txq *q, struct ax_sock *s)
{
	struct plx_pool *pool = p->base.pool;
	uint32_t txd = p->base.conf.txd;

	q->sock = s;
	q->tx = s->tx;
	q->comp = s->comp;
	q->area = pool->area;
	q->mbufs = pool->mbufs;
	q->frames = pool->frames;
	q->shift = pool->shift;
	q->sg = s->kind & AX_KIND_SG;
	q->in_flight = q->unrung = 0;
	q->max_segs = !q->sg ? 1 : s->zerocopy ? AX_ZC_SEGS_MAX : AX_COPY_SEGS_MAX;
	q->zerocopy = s->zerocopy;
	q->budget = s->budget;
	q->limit = txd;
	q->ring_at = !s->zerocopy && !s->budget ? AX_COPY_BUDGET : txd / 2 < RING_AT ? txd / 2 : RING_AT;
	q->own = calloc(pool->frames, 1);
	ax_tx_choose(q);
	return q->own ? 0 : -ENOMEM;
}

/* Frames that the kernel still has when its queue is closed are ours again only once it
   has let go of the queue. */
static void close_sockets(struct ax_port *p)
{
	uint32_t kept = 0;

	for (uint16_t i = 0; i < p->nsock; i++)
		ax_sock_close(&p->sock[i]);
	for (uint16_t i = 0; i < p->nsock; i++) {
		struct ax_rxq *rx = i < p->base.nrx ? (struct ax_rxq *)p->base.rxq[i] : p->parked[i];
		struct ax_txq *tx = i < p->base.ntx ? (struct ax_txq *)p->base.txq[i] : NULL;
		bool wait = p->sock[i].zerocopy || (tx && tx->in_flight);
		if (wait && ax_sock_settled(&p->sock[i], SETTLE_MS)) {
			kept += (rx ? rx->posted : 0) + (tx ? tx->in_flight : 0);
			continue;
		}
		if (rx && rx->own)
			ax_rx_reclaim(rx);
		if (tx && tx->own)
			ax_tx_reclaim(tx);
	}
	if (kept)
		plx_logf(p->base.log, PLX_LOG_WARN, "%s: the kernel did not let go of a queue in %u ms: %u frames stay out of "
		         "pool %s", p->base.name, SETTLE_MS, kept, p->base.pool->name);
}

/* Everything above the program goes; the port and its queue objects stay. */
static void drop_queues(struct ax_port *p)
{
	close_sockets(p);
	for (uint16_t i = 0; i < p->base.nrx; i++) {
		struct ax_rxq *q = (struct ax_rxq *)p->base.rxq[i];
		free(q->own);
		q->own = NULL;
	}
	for (uint16_t i = 0; i < p->base.ntx; i++) {
		struct ax_txq *q = (struct ax_txq *)p->base.txq[i];
		free(q->own);
		q->own = NULL;
	}
	for (uint16_t i = 0; i < p->nsock; i++) {
		if (p->parked[i])
			free(p->parked[i]->own);
		free(p->parked[i]);
		p->parked[i] = NULL;
	}
	memset(p->sock, 0, p->nsock * sizeof(*p->sock));
}

/* ---- the ladder ---- */

/* MTU against the frame's room, by policy.  0 and the kind's flag, or -errno, logged. */
static int choose_buffers(struct ax_port *p, const struct plx_link_info *li, unsigned *kind)
{
	bool fits = li->mtu + AX_L2_MAX <= ax_umem_room(p->base.pool);
	enum plx_policy want = p->base.conf.multibuf;

	*kind = want == PLX_REQUIRE || (want == PLX_PREFER && !fits) ? AX_KIND_SG : 0;
	if (*kind ? p->prog.frags : fits)
		return 0;
	return ax_explain_mtu(p, li->mtu, *kind ? "BPF_F_XDP_HAS_FRAGS" : NULL, -EINVAL);
}

/* The receiving half of a socket.  A zero-copy queue that only sends has one too: what it
   receives is the host's, but in our frames, as the device has no others. */
static int open_rx(struct ax_port *p, uint16_t i, struct ax_sock *s)
{
	struct ax_rxq *q = i < p->base.nrx ? (struct ax_rxq *)p->base.rxq[i] : NULL;

	s->step = "memory for the ledger";
	if (!q) {
		q = p->parked[i] = aligned_alloc(PLX_CACHELINE, sizeof(*q));
		if (!q)
			return -ENOMEM;
		memset(q, 0, sizeof(*q));
		q->base.pool = p->base.pool;
	}
	return init_rxq(p, q, s);
}

static int open_queue(struct ax_port *p, uint16_t i, unsigned kind)
{
	const struct plx_port_conf *c = &p->base.conf;
	bool rx = i < p->base.nrx, tx = i < p->base.ntx, zerocopy = kind & AX_KIND_ZC;
	struct ax_sock *s = &p->sock[i];
	struct ax_sock_conf sc = {
		.sys = p->base.sys, .pool = p->base.pool, .ifindex = p->base.info.ifindex, .queue = c->queue + i,
		.rxd = rx ? c->rxd : 0, .txd = tx ? c->txd : 0,
		.fill = rx || zerocopy ? fill_size(c, zerocopy) : RING_MIN, .comp = tx ? c->txd : RING_MIN,
		.kind = kind, .timeout_ms = c->bind_timeout_ms,
	};
	int err = ax_sock_make(s, &sc);

	if (!err && (rx || zerocopy))
		err = open_rx(p, i, s);
	/* before the bind: some devices look for frames only then, or seldom afterwards */
	while (!err && zerocopy && ax_rx_refill(rx ? (struct ax_rxq *)p->base.rxq[i] : p->parked[i]))
		;
	err = err ? err : ax_sock_bind(s, &sc);
	return !err && tx ? init_txq(p, (struct ax_txq *)p->base.txq[i], s) : err;
}

/* A refusal of this errno at this rung leaves the lower ones to try. */
static bool climbs_down(const struct rung *r, int err)
{
	/* ENOMEM: also of the device's mappings; ENXIO: also of its first doorbell */
	return r->zerocopy && (err == -ENOMEM || err == -ENXIO || ax_mode_refused(err));
}

/* Attaching can raise the number of queues (virtio with more queue pairs than CPUs).  A port
   that was to have all of them gets all there are now, by rings so much shorter that the
   pool planned for the fewer holds the frames: -ERESTART, and the configuration for it.
   They only receive: virtio keeps the send queues it adds for XDP_TX to itself, though it
   counts them, and what a socket puts there is never sent. */
static int look_again(struct ax_port *p, struct plx_link_info *li)
{
	struct plx_port_conf *c = &p->base.conf;
	uint16_t rx = li->rxqs;
	int err = plx_link_query(p->base.sys, c->name, li);

	if (err) {
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: cannot ask the kernel about it once more (%s): see ip link", c->name,
		         strerrorname_np(-err));
		return err;
	}
	p->base.info.channels_rx = li->rxqs;
	p->base.info.channels_tx = li->txqs;
	if (li->rxqs > rx)
		plx_logf(p->base.log, PLX_LOG_NOTICE, "%s: attaching XDP raised its receive queues from %u to %u", c->name, rx,
		         li->rxqs);
	if (li->rxqs > rx && c->queue + c->rxqs == rx && li->rxqs - c->queue <= PLX_QUEUES_MAX) {
		uint32_t had = c->rxqs;
		c->rxqs = (uint16_t)(li->rxqs - c->queue);
		for (; had < c->rxqs && c->rxd > RING_MIN; had *= 2)
			c->rxd /= 2;
		return -ERESTART;
	}
	if (c->queue || c->rxqs < li->rxqs) {
		char table[PLX_QUOTED_MAX + 64] = ""; /* veth has none */

		if (strcmp(li->kdriver, "veth"))
			snprintf(table, sizeof(table), ", or ethtool -X %s start %u equal %u", PLX_QUOTED(c->name), c->queue, c->rxqs);
		plx_logf(p->base.log, PLX_LOG_WARN, "%s: receives on queues %u-%u of %u, the others' frames are the host's: use "
		         "queues=%u%s", c->name, c->queue, c->queue + c->rxqs - 1, li->rxqs, li->rxqs, table);
	}
	return 0;
}

/* The native program of a bond or team runs on its members: it takes their frames, and no socket
   of the master gets them. */
static bool is_master(const struct plx_link_info *li)
{
	return !strcmp(li->kdriver, "bonding") || !strcmp(li->kdriver, "team");
}

/* One rung: program and sockets in its mode.  0; *down says whether a lower rung may be
   tried after an error; if not, the error was logged. */
static int try_rung(struct ax_port *p, const struct rung *r, struct plx_link_info *li, bool *down, const char **step)
{
	unsigned kind;
	int err;

	*down = r->native && is_master(li);
	*step = "native XDP on a bond or team";
	if (*down)
		return -EOPNOTSUPP;
	if (p->prog.skel && p->prog.native != r->native)
		ax_prog_close(&p->prog, p->base.sys);
	if (!p->prog.skel) {
		bool carrier = ax_carrier(&p->base);
		*step = "attach";
		err = ax_prog_open(&p->prog, p, li, r->native);
		*down = err && ax_mode_refused(err) && !p->prog.load_failed;
		if (!err && carrier)
			ax_wait_for_carrier(&p->base);
		if (!err)
			err = look_again(p, li);
		if (err)
			return err;
	}
	err = choose_buffers(p, li, &kind);
	kind |= r->zerocopy ? AX_KIND_ZC : 0u;
	for (uint16_t i = 0; !err && i < p->nsock; i++) {
		err = open_queue(p, i, kind);
		if (!err)
			continue;
		*step = p->sock[i].step;
		*down = climbs_down(r, err);
		if (!*down)
			err = ax_explain_sock(p, &p->sock[i], err);
	}
	if (err)
		drop_queues(p);
	return err;
}

static int climb(struct ax_port *p, struct plx_link_info *li)
{
	struct plx_port_info *info = &p->base.info;
	enum plx_xdp_mode want = p->base.conf.mode;
	const char *step = "";
	int err = -EOPNOTSUPP;
	bool down;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rungs); i++) {
		const struct rung *r = &rungs[i];
		if (want != PLX_XDP_AUTO && want != r->mode)
			continue;
		err = try_rung(p, r, li, &down, &step);
		if (!err) {
			info->mode = r->name;
			info->native = r->native;
			info->zerocopy = r->zerocopy;
			info->multibuf = p->sock[0].kind & AX_KIND_SG;
			info->skb_budget = p->sock[0].budget;
			plx_text_add(info->why, sizeof(info->why), "%s", r->name);
			return 0;
		}
		if (!down)
			return err; /* logged, or -ERESTART */
		plx_text_add(info->why, sizeof(info->why), "%s refused (%s of %s), ", r->name, strerrorname_np(-err), step);
		if (want == PLX_XDP_AUTO && i + 1 < PLX_ARRAY_SIZE(rungs))
			plx_logf(p->base.log, PLX_LOG_INFO, "%s: %s refused (%s of %s), trying %s", p->base.name, r->name,
			         strerrorname_np(-err), step, rungs[i + 1].name);
	}
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: %sno other mode to try: use %s", p->base.name, info->why,
	         want == PLX_XDP_AUTO ? "driver=packet" : "mode=auto");
	return -EOPNOTSUPP;
}

/* ---- verbs ---- */

static void ax_close(struct plx_port *b)
{
	struct ax_port *p = (struct ax_port *)b;

	if (p->sock && p->parked)
		drop_queues(p);
	ax_prog_close(&p->prog, b->sys);
	free(p->sock);
	free(p->parked);
	plx_port_delete(b);
}

static int open_as(struct ax_port **out, const struct plx_port_conf *c)
{
	struct plx_link_info li;
	int err = plx_link_query(c->sys, c->name, &li);

	*out = NULL;
	if (err) {
		plx_logf(c->log, PLX_LOG_ERROR, "%s: cannot ask the kernel about it (%s): see ip link", c->name,
		         strerrorname_np(-err));
		return err;
	}
	struct ax_port *p = (struct ax_port *)plx_port_new(&plx_af_xdp_driver, c, sizeof(*p), sizeof(struct ax_rxq),
	                                                   sizeof(struct ax_txq));
	if (!p)
		return -ENOMEM;
	*out = p;
	p->prog.link = -1;
	p->nsock = p->base.nrx > p->base.ntx ? p->base.nrx : p->base.ntx;
	p->sock = calloc(p->nsock, sizeof(*p->sock));
	p->parked = calloc(p->nsock, sizeof(*p->parked));
	p->base.info.ifindex = li.ifindex;
	p->base.info.mtu = li.mtu;
	p->base.info.node = li.node;
	memcpy(p->base.info.mac, li.mac, sizeof(li.mac));
	p->base.link = PLX_LINK_UP; /* switched on; link events or the doorbell tell more */
	if (!p->sock || !p->parked) {
		plx_logf(c->log, PLX_LOG_ERROR, "%s: no memory for %u sockets (ENOMEM): lower queues=", c->name, p->nsock);
		return -ENOMEM;
	}
	err = climb(p, &li);
	if (!err)
		set_mtu(p, li.mtu);
	return err;
}

static int ax_open(struct plx_port **out, const struct plx_port_conf *conf)
{
	struct plx_port_conf c = *conf;
	struct ax_port *p;
	int err;

	*out = NULL;
	for (int tries = 2; tries--;) {
		err = open_as(&p, &c);
		if (!err) {
			*out = &p->base;
			return 0;
		}
		if (p) {
			c = p->base.conf;
			ax_close(&p->base);
		}
		if (err != -ERESTART)
			return err;
	}
	plx_logf(c.log, PLX_LOG_ERROR, "%s: its number of queues does not settle (EBUSY): set it with ethtool -L %s, and queues=",
	         c.name, PLX_QUOTED(c.name));
	return -EBUSY;
}

static void unclaim(struct ax_port *p)
{
	for (uint16_t i = 0; i < p->base.nrx; i++)
		ax_prog_unclaim(&p->prog, p->base.sys, p->base.rxq[i]->hwq);
}

static int prime(struct ax_port *p, struct ax_rxq *q, uint32_t queue)
{
	while (q->posted < q->target && ax_rx_refill(q))
		;
	if (q->posted == q->target)
		return 0;
	plx_logf(p->base.log, q->posted ? PLX_LOG_WARN : PLX_LOG_ERROR, "%s: queue %u got %u of %u frames to receive in, pool %s "
	         "has no more: raise the pool (--mem) or lower rxd=", p->base.name, queue, q->posted, q->target,
	         p->base.pool->name);
	return q->posted ? 0 : -ENOBUFS;
}

static int ax_start(struct plx_port *b)
{
	struct ax_port *p = (struct ax_port *)b;
	int err = 0;

	for (uint16_t i = 0; !err && i < p->nsock; i++) {
		struct ax_rxq *q = i < b->nrx ? (struct ax_rxq *)b->rxq[i] : p->parked[i];
		err = q ? prime(p, q, p->sock[i].queue) : 0;
	}
	for (uint16_t i = 0; !err && i < b->nrx; i++) {
		err = ax_prog_claim(&p->prog, b->sys, b->rxq[i]->hwq, p->sock[i].fd);
		if (err)
			plx_logf(b->log, PLX_LOG_ERROR, "%s: queue %u: its socket does not go into the map (%s): close the port and "
			         "open it again", b->name, b->rxq[i]->hwq, strerrorname_np(-err));
	}
	if (err)
		unclaim(p);
	return err;
}

static void ax_stop(struct plx_port *b)
{
	struct ax_port *p = (struct ax_port *)b;
	uint64_t deadline = plx_sys_now(b->sys) + DRAIN_MS * UINT64_C(1000000);
	uint32_t left;

	unclaim(p);
	for (;;) {
		left = 0;
		for (uint16_t i = 0; i < b->ntx; i++) {
			b->txq[i]->burst(b->txq[i], NULL, 0);
			left += b->txq[i]->err ? 0 : ((struct ax_txq *)b->txq[i])->in_flight;
		}
		if (!left || plx_port_link(b) != PLX_LINK_UP || plx_sys_now(b->sys) >= deadline)
			return;
		plx_sys_sleep(b->sys, 500000);
	}
}

static int ax_xstats(struct plx_port *b, struct plx_xstat *x, int n)
{
	struct ax_port *p = (struct ax_port *)b;
	int at = ax_prog_xstats(&p->prog, b->sys, x, n);

	at += ax_sock_xstats(p->sock, p->nsock, x + at, n - at);
	if (at < n) {
		snprintf(x[at].name, sizeof(x[at].name), "tx_bad_completions");
		x[at].value = 0;
		for (uint16_t i = 0; i < b->ntx; i++)
			x[at].value += plx_ctr_read(&((struct ax_txq *)b->txq[i])->bad_completions);
	}
	return at + 1;
}

static int ax_passed(struct plx_port *b, uint64_t *n, int queues)
{
	/* steer=none leaves all to the host, and means to */
	return b->conf.steer == PLX_STEER_NONE ? 0 : ax_prog_passed(&((struct ax_port *)b)->prog, n, queues);
}

static void ax_lost(struct plx_port *b, uint64_t *n)
{
	struct ax_port *p = (struct ax_port *)b;

	for (int i = 0; i < p->nsock; i++)
		ax_sock_lost(&p->sock[i], n);
}

static int ax_attached(struct plx_port *b)
{
	return ax_prog_attached(&((struct ax_port *)b)->prog, b->sys);
}

static int ax_rx_fd(struct plx_rxq *q)
{
	return ((struct ax_rxq *)q)->sock->fd;
}

/* The descriptor tells of frames, but none can come while the kernel has no frame to put
   them in: then the lcore has to come back until the pool gives some. */
static int ax_rx_arm(struct plx_rxq *base)
{
	struct ax_rxq *q = (struct ax_rxq *)base;

	if (q->posted < q->target)
		ax_rx_refill(q);
	return xring_peek(&q->rx, 1) || q->posted < q->target / 2;
}

static void ax_beat(struct plx_port *b, uint16_t rxq, uint64_t now)
{
	struct ax_port *p = (struct ax_port *)b;

	if (!b->started || rxq >= b->nrx)
		return;
	ax_prog_beat(&p->prog, b->rxq[rxq]->hwq, now);
	/* only now: without somebody who beats, every port would look stalled */
	if (!p->stall_armed && b->conf.stall_ms != UINT32_MAX)
		ax_prog_stall(&p->prog, b->conf.stall_ms * UINT64_C(1000000));
	p->stall_armed = true;
}

static void ax_link(struct plx_port *b, enum plx_link link, uint32_t mtu)
{
	struct ax_port *p = (struct ax_port *)b;
	uint32_t room = ax_umem_room(b->pool);

	__atomic_store_n(&p->down_told, link == PLX_LINK_DOWN, __ATOMIC_RELAXED);
	if (mtu && mtu != b->info.mtu) {
		set_mtu(p, mtu);
		if (!b->info.multibuf && mtu + AX_L2_MAX > room)
			plx_logf(b->log, PLX_LOG_WARN, "%s: its MTU is %u now, and frames beyond %u bytes do not fit: ip link set %s mtu %u, "
			         "or start again", b->name, mtu, room, PLX_QUOTED(b->name),
			         room - AX_L2_MAX);
	}
	plx_port_set_link(b, link);
}

const struct plx_driver plx_af_xdp_driver = {
	.name = "af_xdp", .what = "kernel sockets on the device's own queues, zero-copy where the driver can", .device = true,
	.frames = ax_frames, .open = ax_open, .start = ax_start, .stop = ax_stop, .close = ax_close,
	.xstats = ax_xstats, .rx_fd = ax_rx_fd, .rx_arm = ax_rx_arm, .beat = ax_beat, .link = ax_link,
	.passed = ax_passed, .lost = ax_lost, .attached = ax_attached,
};

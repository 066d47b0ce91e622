/* SPDX-License-Identifier: MIT */
/* af_xdp.c - the verbs of an af_xdp port and the ladder of its modes: zero-copy, native
   copy, generic copy; cold, main thread. */
#include "af_xdp.h"
#include "plx_text.h"
#include "xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RING_MIN    = 64,      /* of a receive ring */
	DRAIN_MS    = 100,     /* how long stop waits for sends */
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

/* ---- the ladder ---- */

uint32_t ax_room(const struct ax_port *p, bool zerocopy)
{
	const uint32_t room = ax_umem_room(p->base.pool);

	/* a driver without zero-copy says so itself, when it is asked */
	return zerocopy && plx_xdp_unit(p->kdriver) != PLX_XDP_NO_ZC ? plx_xdp_zc_room(p->kdriver, room) : room;
}

/* The MTU fits a frame, but not what the NIC uses of it in zero-copy: then that takes chains, of
   which most such NICs know nothing. */
static void say_unit(struct ax_port *p, uint32_t mtu, bool zerocopy, bool chains)
{
	const uint32_t need = plx_xdp_need(mtu);
	char unit[128];

	p->unit_why[0] = 0;
	if (zerocopy && need > ax_room(p, true) && plx_xdp_falls_short(p->kdriver, ax_room(p, false), need))
		plx_text_add(p->unit_why, sizeof(p->unit_why), "%sMTU %u in frames of %u, since %s",
		             chains ? "bind with chains, for " : "", mtu, p->base.pool->frame_size,
		             plx_xdp_unit_text(p->kdriver, unit, sizeof(unit)));
}

/* MTU against the frame's room, by policy.  0 and the kind, or -errno, logged but for a rung
   that has a lower one. */
static int choose_buffers(struct ax_port *p, const struct plx_link_info *li, bool zerocopy, struct ax_kind *kind)
{
	bool fits = plx_xdp_need(li->mtu) <= ax_room(p, zerocopy);
	enum plx_policy want = p->base.conf.multibuf;

	*kind = (struct ax_kind){ .zc = zerocopy, .sg = want == PLX_REQUIRE || (want == PLX_PREFER && !fits) };
	say_unit(p, li->mtu, zerocopy, kind->sg);
	if (kind->sg ? (!p->prog || p->prog->frags) : fits)
		return 0;
	return *p->unit_why ? -EOPNOTSUPP :
	                      ax_explain_mtu(p, li->mtu, kind->sg ? "BPF_F_XDP_HAS_FRAGS" : NULL, -EINVAL);
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
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: cannot ask the kernel about it once more (%s): see ip link",
		         c->name, strerrorname_np(-err));
		return err;
	}
	p->base.info.channels_rx = li->rxqs;
	p->base.info.channels_tx = li->txqs;
	if (li->rxqs > rx)
		plx_logf(p->base.log, PLX_LOG_NOTICE, "%s: attaching XDP raised its receive queues from %u to %u",
		         c->name, rx, li->rxqs);
	if (li->rxqs > rx && c->queue + c->rxqs == rx && li->rxqs - c->queue <= PLX_QUEUES_MAX) {
		uint32_t had = c->rxqs;
		c->rxqs = (uint16_t)(li->rxqs - c->queue);
		for (; had < c->rxqs && c->rxd > RING_MIN; had *= 2)
			c->rxd /= 2;
		return -ERESTART;
	}
	return 0;
}

/* The native program of a bond or team runs on its members: it takes their frames, and no socket
   of the master gets them. */
static bool is_master(const struct plx_link_info *li)
{
	return !strcmp(li->kdriver, "bonding") || !strcmp(li->kdriver, "team");
}

/* The program in the mode of a rung.  It is attached to learn whether the interface takes it, and
   how many queues it has then.  Without it: a port that receives nothing, and copies. */
static int try_program(struct ax_port *p, const struct rung *r, struct plx_link_info *li, bool *down, const char **step)
{
	*step = "native XDP on a bond or team";
	*down = r->native && is_master(li);
	if (*down)
		return -EOPNOTSUPP;
	*step = "attach";
	if (p->prog && (p->prog->native != r->native || !(ax_reads(p) || r->zerocopy)))
		ax_prog_put(p);
	if (p->prog || !(ax_reads(p) || r->zerocopy))
		return 0;
	int err = ax_prog_get(p, li, r->native);

	if (err) {
		*step = "attach: another port of it has the other mode";
		*down = err == -EEXIST || !ax_reads(p);
		return err;
	}
	const bool carrier = ax_carrier(&p->base);

	err = ax_prog_steer(p, true);
	if (err) {
		*down = ax_mode_refused(err) || !ax_reads(p); /* who only sends can do without */
		ax_prog_put(p);
		return err;
	}
	if (carrier)
		ax_wait_for_carrier(&p->base);
	return look_again(p, li);
}

/* One rung: program and sockets in its mode.  0; *down says whether a lower rung may be
   tried after an error; if not, the error was logged. */
static int try_rung(struct ax_port *p, const struct rung *r, struct plx_link_info *li, bool *down, const char **step)
{
	*step = "bind"; /* which would take the kernel as long as one that holds */
	*down = r->zerocopy && p->base.conf.mode == PLX_XDP_AUTO && p->no_zc;
	if (*down)
		return -EOPNOTSUPP;
	int err = try_program(p, r, li, down, step);

	if (err)
		return err;
	err = choose_buffers(p, li, r->zerocopy, &p->kind);
	*down = err && *p->unit_why;
	for (uint16_t i = 0; !err && i < p->nsock; i++) {
		err = ax_queue_open(p, i);
		if (!err)
			continue;
		*step = p->sock[i].step;
		*down = climbs_down(r, err);
		p->no_zc |= p->soft && p->kind.zc && !p->kind.sg && err == -EOPNOTSUPP && !strcmp(*step, "bind");
		if (!*down)
			err = ax_explain_sock(p, &p->sock[i], err);
	}
	if (err)
		ax_queues_drop(p);
	if (*down && *p->unit_why)
		*step = p->unit_why;
	return err;
}

/* What an end of the ladder can be fixed by. */
static const char *climb_fix(const struct ax_port *p, uint32_t mtu)
{
	const uint32_t more = PLX_FRAME_MAX - p->base.pool->frame_size;

	if (p->base.conf.mode == PLX_XDP_AUTO)
		return "driver=packet";
	return *p->unit_why && more && plx_xdp_need(mtu) <= plx_xdp_zc_room(p->kdriver, ax_room(p, false) + more) ?
	       "--frame-size 4096, or mode=auto" : "mode=auto";
}

uint32_t ax_caps(const struct ax_port *p)
{
	return (p->kind.zc ? PLX_PORT_ZEROCOPY : 0u) | (p->kind.sg ? PLX_PORT_MULTIBUF : 0u) |
	       (p->sock[0].budget ? PLX_PORT_SKB_BUDGET : 0u);
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
			if (p->no_zc && p->soft)
				ax_umem_note_refusal(p->base.pool, p->kdriver);
			info->mode = p->prog ? r->name : "copy";
			info->native = r->native && p->prog;
			info->caps = ax_caps(p);
			info->frames_held = ax_frames_most(p);
			plx_text_add(info->why, sizeof(info->why), "%s", info->mode);
			return 0;
		}
		if (!down)
			return err; /* logged, or -ERESTART */
		plx_text_add(info->why, sizeof(info->why), "%s refused (%s of %s), ", r->name, strerrorname_np(-err),
		             step);
		if (want == PLX_XDP_AUTO && i + 1 < PLX_ARRAY_SIZE(rungs))
			plx_logf(p->base.log, PLX_LOG_INFO, "%s: %s refused (%s of %s), trying %s", p->base.name,
			         r->name, strerrorname_np(-err), step, rungs[i + 1].name);
	}
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: %sno other mode to try: use %s", p->base.name, info->why,
	         climb_fix(p, li->mtu));
	return -EOPNOTSUPP;
}

/* ---- verbs ---- */

static void ax_close(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);

	if (p->sock && p->parked)
		ax_queues_drop(p);
	ax_prog_put(p);
	free(p->before);
	free(p->sock);
	free(p->parked);
	plx_port_delete(b);
}

/* A NIC's driver sends two tags beside the MTU.  veth drops what is longer than header, one tag and the MTU of its
   other end, and says that it was sent. */
static uint16_t takes_beside(const struct plx_link_info *li)
{
	return strcmp(li->kdriver, "veth") ? PLX_L2_MAX : PLX_L2_MAX - PLX_VLAN_LEN;
}

/* li is as it was found, and comes back as it is once a program is attached. */
static int open_as(struct ax_port **out, const struct plx_port_conf *c, struct plx_link_info *li)
{
	struct ax_port *p = ax_port(plx_port_new(&plx_af_xdp_driver, c, sizeof(*p), sizeof(struct ax_rxq),
	                                         sizeof(struct ax_txq)));

	*out = p;
	if (!p)
		return -ENOMEM;
	p->nsock = p->base.nrx > p->base.ntx ? p->base.nrx : p->base.ntx;
	p->sock = calloc(p->nsock, sizeof(*p->sock));
	p->parked = calloc(p->nsock, sizeof(*p->parked));
	p->before = calloc(p->nsock, sizeof(*p->before));
	p->base.info.ifindex = li->ifindex;
	p->base.info.mtu = li->mtu;
	memcpy(p->kdriver, li->kdriver, sizeof(p->kdriver));
	p->soft = !*li->bus;
	p->no_zc = li->zc == PLX_LINK_ZC_NO || (p->soft && ax_umem_refuses(c->pool, li->kdriver));
	p->base.info.node = li->node;
	p->l2_max = takes_beside(li);
	memcpy(p->base.info.mac, li->mac, sizeof(li->mac));
	p->base.link = PLX_LINK_UP; /* switched on; link events or the doorbell tell more */
	if (!p->sock || !p->parked || !p->before) {
		plx_logf(c->log, PLX_LOG_ERROR, "%s: no memory for %u sockets (ENOMEM): lower queues=", c->name,
		         p->nsock);
		return -ENOMEM;
	}
	for (uint16_t i = 0; i < p->nsock; i++)
		p->sock[i].fd = -1;
	for (uint16_t i = 0; i < p->base.nrx; i++)
		ax_rxq(p->base.rxq[i])->gate = AX_PARKED; /* until start */
	int err = climb(p, li);

	if (!err)
		ax_set_mtu(p, li->mtu);
	return err;
}

static int ax_open(struct plx_port **out, const struct plx_port_conf *conf, const struct plx_link_info *found)
{
	struct plx_port_conf c = *conf;
	struct plx_link_info li = *found;
	struct ax_port *p;
	int err;

	*out = NULL;
	for (int tries = 2; tries--;) {
		err = open_as(&p, &c, &li);
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
	plx_logf(c.log, PLX_LOG_ERROR,
	         "%s: its number of queues does not settle (EBUSY): set it with ethtool -L %s, and queues=", c.name,
	         PLX_QUOTED(c.name));
	return -EBUSY;
}

/* ---- reading ---- */

static void ax_give_back(struct plx_port *b, uint16_t i, bool at_rest)
{
	struct ax_rxq *q = ax_rxq(b->rxq[i]);
	uint32_t open = AX_OPEN;

	/* the number goes last: at rest no burst moves it any more */
	if (at_rest && __atomic_compare_exchange_n(&q->gate, &open, AX_SHUT, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		q->base.burst = ax_rx_shut;
	__atomic_store_n(q->alive, 0, __ATOMIC_RELAXED);
}

static bool ax_is_read(const struct plx_port *b, uint16_t i)
{
	return __atomic_load_n(ax_rxq(b->rxq[i])->alive, __ATOMIC_RELAXED) != 0;
}

static int ax_steer(struct plx_port *b, bool on)
{
	struct ax_port *p = ax_port(b);

	if (!on)
		for (uint16_t i = 0; i < b->nrx; i++)
			if (ax_is_read(b, i))
				ax_give_back(b, i, false);
	/* drivers send zero-copy only while there is a program */
	return ax_prog_steer(p, p->kind.zc || (on && ax_reads(p)));
}

static int ax_start(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);
	int err = 0;

	ax_explain_unread(p);
	/* what a stop before gave up must not be sent now */
	for (uint16_t i = 0; !err && i < b->ntx; i++)
		err = ax_txq(b->txq[i])->written_off ? ax_queue_anew(p, i) : 0;
	for (uint16_t i = 0; !err && i < p->nsock; i++)
		err = ax_queue_prime(p, i);
	for (uint16_t i = 0; !err && i < b->nrx && ax_reads(p); i++) {
		ax_queue_follow(p, i);
		err = ax_prog_map(p->prog, b->sys, b->rxq[i]->hwq, p->sock[i].fd);
		if (err)
			plx_logf(b->log, PLX_LOG_ERROR,
			         "%s: queue %u: its socket does not go into the map (%s): close the port and "
			         "open it again",
			         b->name, b->rxq[i]->hwq, strerrorname_np(-err));
	}
	for (uint16_t i = 0; !err && i < b->nrx; i++)
		__atomic_store_n(&ax_rxq(b->rxq[i])->gate, AX_SHUT, __ATOMIC_RELEASE);
	return err;
}

static void ax_part(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);

	p->parted = true;
	p->awaits = false;
	for (uint16_t i = 0; i < b->nrx; i++) {
		struct ax_rxq *q = ax_rxq(b->rxq[i]);

		p->awaits |= p->prog && (ax_is_read(b, i) || ax_prog_counted(p, i, STEER_redirected));
		__atomic_store_n(&q->gate, AX_PARKED, __ATOMIC_RELAXED);
		q->base.burst = ax_rx_shut;
		__atomic_store_n(q->alive, 0, __ATOMIC_RELAXED);
	}
	p->parted_at = ax_prog_graces();
}

/* Frames that were judged before the queues were given back are in their rings after the grace,
   and counted as nobody's. */
static void stop_receiving(struct ax_port *p)
{
	struct plx_port *b = &p->base;

	if (!p->parted)
		ax_part(b);
	p->parted = false;
	if (p->awaits)
		ax_prog_grace(p->prog, b->sys, p->parted_at);
	for (uint16_t i = 0; i < b->nrx; i++) {
		ax_queue_drain(p, i);
		if (p->prog)
			ax_prog_unmap(p->prog, b->sys, b->rxq[i]->hwq);
	}
	ax_steer(b, false);
}

static void ax_stop(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);
	uint64_t deadline = plx_sys_now(b->sys) + DRAIN_MS * UINT64_C(1000000);
	uint32_t left;

	stop_receiving(p);
	for (;;) {
		left = 0;
		for (uint16_t i = 0; i < b->ntx; i++) {
			b->txq[i]->burst(b->txq[i], NULL, 0);
			left += b->txq[i]->err ? 0 : ax_txq(b->txq[i])->in_flight;
		}
		if (!left || plx_port_link(b) != PLX_LINK_UP || plx_sys_now(b->sys) >= deadline)
			break;
		plx_sys_sleep(b->sys, 500000);
	}
	for (uint16_t i = 0; i < b->ntx; i++) {
		uint32_t open = AX_OPEN;

		ax_queue_write_off(p, i);
		/* at rest: a repair after the next start must not wait for who used it before */
		if (__atomic_compare_exchange_n(&ax_txq(b->txq[i])->gate, &open, AX_SHUT, false, __ATOMIC_RELAXED,
		                                __ATOMIC_RELAXED))
			b->txq[i]->burst = ax_tx_shut;
	}
}

/* In a child of fork: no descriptor that keeps a queue, and no burst that looks into rings which
   are the parent's alone. */
static void ax_forked(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);

	for (uint16_t i = 0; p->sock && i < p->nsock; i++) {
		if (p->sock[i].fd >= 0)
			close(p->sock[i].fd);
		p->sock[i].fd = -1;
		p->sock[i].sys = NULL;
	}
	for (uint16_t i = 0; i < b->nrx; i++) {
		ax_rxq(b->rxq[i])->gate = AX_PARKED;
		b->rxq[i]->burst = ax_rx_shut;
	}
	for (uint16_t i = 0; i < b->ntx; i++) {
		ax_txq(b->txq[i])->gate = AX_PARKED;
		b->txq[i]->burst = ax_tx_shut;
	}
	p->prog = NULL;
}

static int ax_xstats(struct plx_port *b, struct plx_xstat *x, int n)
{
	struct ax_port *p = ax_port(b);
	int at = ax_prog_xstats(p, x, n);

	at += ax_sock_xstats(p->sock, p->nsock, x + at, n - at);
	if (at < n) {
		snprintf(x[at].name, sizeof(x[at].name), "tx_bad_completions");
		x[at].value = 0;
		for (uint16_t i = 0; i < b->ntx; i++)
			x[at].value += plx_ctr_read(&ax_txq(b->txq[i])->bad_completions);
	}
	at++;
	if (at < n) {
		snprintf(x[at].name, sizeof(x[at].name), "rx_split_frames");
		x[at].value = 0;
		for (uint16_t i = 0; i < b->nrx; i++)
			x[at].value += plx_ctr_read(&ax_rxq(b->rxq[i])->splits);
	}
	return at + 1;
}

static int ax_passed(struct plx_port *b, uint64_t *n, int queues)
{
	const struct ax_port *p = ax_port(b);

	/* who takes nothing leaves all to the host, and means to */
	return p->prog && p->steers && ax_reads(p) ? ax_prog_passed(p->prog, n, queues) : 0;
}

/* By the program, which knows nothing of sockets and rings. */
static bool ax_offered(struct plx_port *b, uint16_t i, uint64_t *n)
{
	*n = ax_prog_counted(ax_port(b), i, STEER_redirected);
	return !b->forked;
}

static void ax_lost(struct plx_port *b, uint16_t i, uint64_t *n)
{
	ax_sock_lost(&ax_port(b)->sock[i], n);
}

/* A frame with several references may be in flight several times. */
static void ax_held(const struct plx_port *b, uint32_t *rx, uint32_t *tx)
{
	const struct ax_port *p = plx_container_of(b, const struct ax_port, base);

	for (unsigned i = 0; i < b->nrx; i++)
		*rx += __atomic_load_n(&ax_rxq(b->rxq[i])->posted, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < p->nsock; i++)
		*rx += p->parked[i] ? __atomic_load_n(&p->parked[i]->posted, __ATOMIC_RELAXED) : 0;
	for (unsigned i = 0; i < b->ntx; i++)
		*tx += __atomic_load_n(&ax_txq(b->txq[i])->in_flight, __ATOMIC_RELAXED);
}

static int ax_attached(struct plx_port *b)
{
	const struct ax_port *p = ax_port(b);

	return p->prog && p->steers ? ax_prog_attached(p->prog, b->sys) : -EOPNOTSUPP;
}

static int ax_rx_fd(struct plx_rxq *q)
{
	return ax_rxq(q)->sock->fd;
}

/* The descriptor tells of frames, but none can come while the kernel has no frame to put
   them in: then the lcore has to come back until the pool gives some.  The same goes for a
   zero-copy driver that waits to be woken: the descriptor does not ask it again. */
static int ax_rx_arm(struct plx_rxq *base)
{
	struct ax_rxq *q = ax_rxq(base);

	const uint32_t gate = __atomic_load_n(&q->gate, __ATOMIC_RELAXED);

	if (gate != AX_OPEN) /* opened anew: till a burst comes its frames are the host's, and none wakes us */
		return gate == AX_SHUT;
	ax_rx_move(q, plx_self.now);
	if (q->posted < q->target)
		ax_rx_refill(q);
	return xring_peek(&q->rx, 1) || q->posted < q->target / 2 ||
	       (q->sock->kind.zc && xring_flagged(&q->fill) && xring_unread(&q->fill));
}

static void ax_link(struct plx_port *b, enum plx_link link, uint32_t mtu)
{
	struct ax_port *p = ax_port(b);
	uint32_t room = ax_room(p, __atomic_load_n(&p->kind.zc, __ATOMIC_RELAXED));

	__atomic_store_n(&p->down_told, link == PLX_LINK_DOWN, __ATOMIC_RELAXED);
	if (mtu && mtu != b->info.mtu) {
		ax_set_mtu(p, mtu);
		if (!(b->info.caps & PLX_PORT_MULTIBUF) && plx_xdp_need(mtu) > room)
			plx_logf(b->log, PLX_LOG_WARN,
			         "%s: its MTU is %u now, and frames beyond %u bytes do not fit: ip link set %s mtu %u, "
			         "or start again",
			         b->name, mtu, room, PLX_QUOTED(b->name), plx_xdp_mtu(room));
	}
	plx_port_set_link(b, link);
}

const struct plx_driver plx_af_xdp_driver = {
	.name = "af_xdp",
	.what = "kernel sockets on the device's own queues, zero-copy where the driver can",
	.device = true,
	.frames = ax_frames,
	.beside = ax_beside,
	.open = ax_open,
	.start = ax_start,
	.part = ax_part,
	.stop = ax_stop,
	.close = ax_close,
	.xstats = ax_xstats,
	.rx_fd = ax_rx_fd,
	.rx_arm = ax_rx_arm,
	.link = ax_link,
	.passed = ax_passed,
	.offered = ax_offered,
	.lost = ax_lost,
	.held = ax_held,
	.attached = ax_attached,
	.steer = ax_steer,
	.give_back = ax_give_back,
	.is_read = ax_is_read,
	.repair = ax_repair,
	.forked = ax_forked,
	.fork = ax_fork,
};

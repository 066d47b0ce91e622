/* SPDX-License-Identifier: MIT */
/* queue.c - one device queue: its socket and the two halves above it, opened, closed, and opened
   anew while lcores go on polling it.  Cold; main thread, ax_repair by one thread at a time. */
#include "af_xdp.h"
#include "xdp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_MIN     = 64,     /* of a fill or completion ring that the kernel insists on */
	RING_AT      = 256,    /* descriptors worth a doorbell */
	SETTLE_MS    = 1000,   /* how long the kernel may take to let go of frames */
	REPAIR_BIND_MS = 200,  /* how long a repair waits for its own queue */
	REPAIR_GAP_NS  = 1000000000,
	MOVES        = 8,      /* signs of life within stall= */
	PAGE         = 4096,
	RING_HEAD    = 320,    /* bytes of a ring before its entries, as of Linux 6.18 */
};

static_assert(!(PLX_RING_MAX & (PLX_RING_MAX - 1)) && PLX_RING_MAX <= INT32_MAX / 2,
              "twice the longest ring wraps well");
static_assert(PLX_QUEUES_MAX <= (int)STEER_QUEUES && STEER_QUEUES % 8 == 0, "the program knows a port's queues");

static uint32_t fill_size(const struct plx_port_conf *c, bool zerocopy)
{
	/* a zero-copy device holds a ring full of them besides what waits for it */
	return zerocopy ? c->rxd * 2 : c->rxd;
}

/* Of a port that is not open: the most it may come to. */
static bool may_be_zerocopy(const struct plx_port_conf *c)
{
	return c->mode == PLX_XDP_ZEROCOPY || (c->mode == PLX_XDP_AUTO && !(c->link && c->link->zc == PLX_LINK_ZC_NO));
}

uint32_t ax_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd)
{
	bool zerocopy = may_be_zerocopy(c);
	uint32_t rx = zerocopy ? rxd * 2 : rxd;
	uint32_t parked = zerocopy && c->txqs > c->rxqs ? (uint32_t)(c->txqs - c->rxqs) : 0;

	return (c->rxqs + parked) * rx + c->txqs * txd;
}

uint32_t ax_frames_most(const struct ax_port *p)
{
	const bool zerocopy = p->kind.zc;
	/* a zero-copy queue that only sends has a fill ring too */
	const uint32_t filled = zerocopy ? p->nsock : p->base.nrx;

	return filled * fill_size(&p->base.conf, zerocopy) + p->base.ntx * p->base.conf.txd;
}

/* The kernel rounds each ring up to pages, its head with it. */
static uint64_t ring_bytes(uint64_t entries, size_t size)
{
	return entries ? (RING_HEAD + entries * size + PAGE - 1) / PAGE * PAGE : 0;
}

/* As sock_conf() and finish() make them, zero-copy if it may be. */
struct plx_beside ax_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames)
{
	const bool zerocopy = may_be_zerocopy(c);
	const uint64_t rxqs = c->rxqs, txqs = c->txqs, all = rxqs > txqs ? rxqs : txqs, fills = zerocopy ? all : rxqs;

	(void)mtu;
	return (struct plx_beside){
		.rings = rxqs * ring_bytes(c->rxd, sizeof(struct xdp_desc)) +
		         txqs * ring_bytes(c->txd, sizeof(struct xdp_desc)) +
		         fills * ring_bytes(fill_size(c, zerocopy), sizeof(uint64_t)) +
		         (all - fills) * ring_bytes(RING_MIN, sizeof(uint64_t)) +
		         txqs * ring_bytes(c->txd, sizeof(uint64_t)) +
		         (all - txqs) * ring_bytes(RING_MIN, sizeof(uint64_t)),
		.own = (fills + txqs) * frames, /* ledgers: a byte a frame */
	};
}

void ax_set_mtu(struct ax_port *p, uint32_t mtu)
{
	const struct ax_txq *q = ax_txq(p->base.txq[0]);
	const uint32_t len = mtu + p->l2_max, chain = q->max_segs * ax_umem_room(p->base.pool);
	const uint32_t max = p->kind.sg && chain < len ? chain : len;

	p->base.info.mtu = mtu;
	p->base.info.max_len = max;
	for (uint16_t i = 0; i < p->base.ntx; i++)
		__atomic_store_n(&ax_txq(p->base.txq[i])->max_len, max, __ATOMIC_RELAXED);
}

/* ---- the halves ---- */

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
	q->sg = s->kind.sg;
	q->target = fill_size(&p->base.conf, s->kind.zc);
	q->posted = q->missing = 0;
	ax_well(&q->trouble);
	q->alive = &q->alone;
	q->base.burst = ax_rx_shut;
	if (!q->own)
		q->own = calloc(pool->frames, 1);
	return q->own ? 0 : -ENOMEM;
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
	q->sg = s->kind.sg;
	q->in_flight = q->unrung = 0;
	q->passed = q->tx.head;
	q->written_off = false;
	q->max_segs = !q->sg ? 1 : s->zerocopy ? AX_ZC_SEGS_MAX : PLX_XDP_COPY_SEGS;
	q->zerocopy = s->zerocopy;
	q->budget = s->budget;
	q->limit = txd;
	q->doorbell_at = !s->zerocopy && !s->budget ? AX_COPY_BUDGET : txd / 2 < RING_AT ? txd / 2 : RING_AT;
	ax_well(&q->trouble);
	__atomic_store_n(&q->base.err, 0, __ATOMIC_RELAXED);
	q->base.burst = ax_tx_shut;
	if (!q->own)
		q->own = calloc(pool->frames, 1);
	return q->own ? 0 : -ENOMEM;
}

/* The receiving half of a socket.  A zero-copy queue that only sends has one too: what it
   receives is the host's, but in our frames, as the device has no others. */
static int open_rx(struct ax_port *p, uint16_t i, struct ax_sock *s)
{
	struct ax_rxq *q = ax_rx_of(p, i);

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

static struct ax_sock_conf sock_conf(const struct ax_port *p, uint16_t i)
{
	const struct plx_port_conf *c = &p->base.conf;
	const bool rx = i < p->base.nrx, tx = i < p->base.ntx, zerocopy = p->kind.zc;

	return (struct ax_sock_conf){
		.sys = p->base.sys, .port = (struct plx_port *)(uintptr_t)&p->base, .pool = p->base.pool,
		.ifindex = p->base.info.ifindex, .queue = c->queue + i,
		.rxd = rx ? c->rxd : 0, .txd = tx ? c->txd : 0,
		.fill = rx || zerocopy ? fill_size(c, zerocopy) : RING_MIN, .comp = tx ? c->txd : RING_MIN,
		.kind = p->kind, .timeout_ms = c->bind_timeout_ms,
	};
}

/* From the socket that is made to the queue that is bound. */
static int finish(struct ax_port *p, uint16_t i, const struct ax_sock_conf *sc)
{
	const bool rx = i < p->base.nrx, zerocopy = sc->kind.zc;
	struct ax_sock *s = &p->sock[i];
	int err = rx || zerocopy ? open_rx(p, i, s) : 0;

	/* before the bind: some devices look for frames only then, or seldom afterwards */
	while (!err && zerocopy && ax_rx_refill(ax_rx_of(p, i)))
		;
	err = err ? err : ax_sock_bind(s, sc);
	return !err && i < p->base.ntx ? init_txq(p, ax_tx_of(p, i), s) : err;
}

/* ax_queue_open opens the i-th socket of p and what stands above it, by p->kind.  0 or -errno;
   p->sock[i].step tells the call. */
int ax_queue_open(struct ax_port *p, uint16_t i)
{
	PLX_ASSERT(i < p->nsock && p->sock[i].fd < 0);
	const struct ax_sock_conf sc = sock_conf(p, i);
	int err = ax_sock_make(&p->sock[i], &sc);

	return err ? err : finish(p, i, &sc);
}

/* ax_queue_prime gives the kernel frames to receive in.  0, or -ENOBUFS, logged: not one. */
int ax_queue_prime(struct ax_port *p, uint16_t i)
{
	struct ax_rxq *q = ax_rx_of(p, i);

	while (q && q->posted < q->target && ax_rx_refill(q))
		;
	if (!q || q->posted == q->target)
		return 0;
	plx_logf(p->base.log, q->posted ? PLX_LOG_WARN : PLX_LOG_ERROR,
	         "%s: queue %u got %u of %u frames to receive in, pool %s "
	         "has no more: raise the pool (--mem) or lower rxd=",
	         p->base.name, p->sock[i].queue, q->posted, q->target, p->base.pool->name);
	return q->posted ? 0 : -ENOBUFS;
}

/* ---- the end ---- */

/* What nobody will read is dropped, and counted: the queue is at rest. */
void ax_queue_drain(struct ax_port *p, uint16_t i)
{
	struct ax_rxq *rx = i < p->base.nrx ? ax_rxq(p->base.rxq[i]) : NULL;

	if (rx && rx->rx.slots)
		plx_ctr_add(&rx->base.stats.drop[PLX_RX_DROP_closed], ax_rx_drain(rx));
}

void ax_queue_write_off(struct ax_port *p, uint16_t i)
{
	const bool removed = plx_port_link(&p->base) == PLX_LINK_REMOVED;
	struct ax_txq *tx = ax_tx_of(p, i);
	uint64_t bytes;

	if (!tx || !tx->tx.slots || tx->written_off)
		return;
	ax_tx_reap(tx, tx->limit); /* what is complete was taken */
	const uint32_t n = ax_tx_unsent(tx, &bytes);

	tx->written_off = n > 0;
	plx_ctr_add(&tx->base.stats.drop[removed ? PLX_TX_DROP_removed : PLX_TX_DROP_closed], n);
	plx_ctr_add(&tx->base.stats.pkts, -(uint64_t)n); /* not sent, after all */
	plx_ctr_add(&tx->base.stats.bytes, -bytes);
}

/* Once the kernel has let go of a closed queue, which is waited for with `wait`, frames that it still had
   are ours again.  How many it keeps otherwise. */
static uint32_t take_back(struct ax_port *p, uint16_t i, bool wait)
{
	struct ax_rxq *rx = ax_rx_of(p, i);
	struct ax_txq *tx = ax_tx_of(p, i);

	wait = wait && (p->sock[i].zerocopy || (tx && tx->in_flight));
	if (wait && ax_sock_settled(&p->sock[i], SETTLE_MS))
		return (rx ? rx->posted : 0) + (tx ? tx->in_flight : 0);
	if (rx && rx->own)
		ax_rx_reclaim(rx);
	if (tx && tx->own)
		ax_tx_reclaim(tx);
	return 0;
}

static void say_kept(struct ax_port *p, uint32_t kept)
{
	if (kept)
		plx_logf(p->base.log, PLX_LOG_WARN,
		         "%s: the kernel did not let go of a queue in %u ms: %u frames stay out of "
		         "pool %s; start the program again to have them",
		         p->base.name, SETTLE_MS, kept, p->base.pool->name);
}

/* The rings are gone: nothing may look into them. */
static void forget_rings(struct ax_port *p, uint16_t i)
{
	struct ax_rxq *rx = ax_rx_of(p, i);
	struct ax_txq *tx = ax_tx_of(p, i);

	if (rx)
		rx->rx = rx->fill = (struct xring){ 0 };
	if (tx)
		tx->tx = tx->comp = (struct xring){ 0 };
}

static void close_sockets(struct ax_port *p)
{
	uint32_t kept = 0;

	for (uint16_t i = 0; i < p->nsock; i++) {
		ax_queue_drain(p, i);
		ax_queue_write_off(p, i);
		ax_sock_close(&p->sock[i]);
		forget_rings(p, i);
	}
	for (uint16_t i = 0; i < p->nsock; i++)
		kept += take_back(p, i, true);
	say_kept(p, kept);
}

void ax_queues_drop(struct ax_port *p)
{
	close_sockets(p);
	for (uint16_t i = 0; i < p->base.nrx; i++) {
		struct ax_rxq *q = ax_rxq(p->base.rxq[i]);
		free(q->own);
		q->own = NULL;
	}
	for (uint16_t i = 0; i < p->base.ntx; i++) {
		struct ax_txq *q = ax_txq(p->base.txq[i]);
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
	for (uint16_t i = 0; i < p->nsock; i++)
		p->sock[i].fd = -1;
}

/* ---- reading ---- */

/* ax_queue_follow lets the bursts of receive queue i show life where the program of the port looks. */
void ax_queue_follow(struct ax_port *p, uint16_t i)
{
	struct ax_rxq *q = ax_rxq(p->base.rxq[i]);
	const uint64_t stall_ns =
		p->base.conf.stall_ms == UINT32_MAX ? 1000000000u : p->base.conf.stall_ms * UINT64_C(1000000);
	struct steer_queue *at = p->prog ? &p->prog->queue[q->base.hwq] : NULL;
	struct timespec tick = { .tv_nsec = 4000000 };

	PLX_ASSERT(i < p->base.nrx && stall_ns >= PLX_STALL_MIN_MS * UINT64_C(1000000));
	q->move_gap_ns = stall_ns / MOVES;
	q->move_gap = (uint64_t)((double)q->move_gap_ns * (double)p->base.cycles_hz / 1e9);
	if (!at)
		return;
	/* the resolution of the coarse clock is the kernel's tick */
	p->base.sys->clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	const uint64_t tick_ns = tick.tv_nsec > 0 ? (uint64_t)tick.tv_nsec : 4000000;

	__atomic_store_n(&at->stall,
	                 p->base.conf.stall_ms == UINT32_MAX ? 0 : (uint32_t)((stall_ns + tick_ns - 1) / tick_ns),
	                 __ATOMIC_RELAXED);
	q->life = (uint32_t)(__atomic_load_n(&at->seen, __ATOMIC_RELAXED) >> 32); /* what comes next is another */
	q->alive = &at->alive;
}

/* ---- anew ---- */

/* True: no burst is within the half, and none will be.  With `enter` and ax_rx_shut. */
static bool park(uint32_t *gate)
{
	uint32_t state = AX_SHUT;

	if (__atomic_compare_exchange_n(gate, &state, AX_PARKED, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
		return true;
	if (state == AX_OPEN)
		__atomic_compare_exchange_n(gate, &state, AX_ASKED, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE);
	return __atomic_load_n(gate, __ATOMIC_ACQUIRE) == AX_PARKED;
}

static bool park_both(struct ax_port *p, uint16_t i)
{
	struct ax_txq *tx = ax_tx_of(p, i);
	const bool rx_parked = i >= p->base.nrx || park(&ax_rxq(p->base.rxq[i])->gate);

	return (!tx || park(&tx->gate)) && rx_parked;
}

static void unpark(struct ax_port *p, uint16_t i)
{
	struct ax_txq *tx = ax_tx_of(p, i);

	/* release: with the acquire of `enter` in gate.c */
	if (i < p->base.nrx && p->base.started)
		__atomic_store_n(&ax_rxq(p->base.rxq[i])->gate, AX_SHUT, __ATOMIC_RELEASE);
	if (tx)
		__atomic_store_n(&tx->gate, AX_SHUT, __ATOMIC_RELEASE);
}

/* Closes what is there, and puts another socket in its place under the same descriptor: lcores
   sleep on its number. */
int ax_queue_anew(struct ax_port *p, uint16_t i)
{
	struct ax_sock_conf sc = sock_conf(p, i);
	struct ax_sock *s = &p->sock[i];

	PLX_ASSERT(i < p->nsock);
	/* what leaves zero-copy waits for the device to let go, else the bind would tell of it */
	sc.timeout_ms = s->zerocopy && !sc.kind.zc ? SETTLE_MS : REPAIR_BIND_MS;
	if (i < p->base.nrx && p->prog) {
		p->base.drv->give_back(&p->base, i, true);
		ax_prog_unmap(p->prog, p->base.sys, s->queue);
		/* what is on its way is in the ring after it, and counted */
		if (p->base.started && ax_prog_counted(p, i, STEER_redirected))
			ax_prog_grace(p->prog, p->base.sys, ax_prog_graces());
	}
	ax_queue_drain(p, i);
	ax_queue_write_off(p, i);
	int err = ax_sock_renew(s, &sc);

	forget_rings(p, i);
	if (err)
		return err;
	/* A zero-copy queue is given frames before the bind, and those of the old one must be back by then.
	   Else the bind itself tells that the kernel has let go; another probe only makes it wait longer. */
	const bool before = sc.kind.zc;

	if (before)
		say_kept(p, take_back(p, i, true));
	err = ax_sock_rings(s, &sc);
	err = err ? err : finish(p, i, &sc);
	if (!before)
		say_kept(p, take_back(p, i, err != 0));
	if (!before && i >= p->base.nrx && p->parked[i]) /* the device receives in its own memory now */
		p->parked[i]->target = 0;
	err = err ? err : ax_queue_prime(p, i);
	if (err || i >= p->base.nrx || !ax_reads(p))
		return err;
	ax_queue_follow(p, i);
	return ax_prog_map(p->prog, p->base.sys, s->queue, s->fd);
}

static const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an errno without a name";
}

/* The errno for which a half of queue i is to be opened anew, 0 = neither is. */
static int wanted(const struct ax_port *p, uint16_t i)
{
	const struct ax_rxq *rx = ax_rx_of(p, i);
	const struct ax_txq *tx = ax_tx_of(p, i);
	const int why = tx ? __atomic_load_n(&tx->trouble.wants, __ATOMIC_RELAXED) : 0;

	return !why && rx ? __atomic_load_n(&rx->trouble.wants, __ATOMIC_RELAXED) : why;
}

static int repair_one(struct ax_port *p, uint16_t i, uint64_t now)
{
	struct ax_sock *s = &p->sock[i];

	if (s->tried_at && now - s->tried_at < REPAIR_GAP_NS)
		return 0;
	s->why = s->why ? s->why : wanted(p, i); /* once begun it is done: halves may be parked */
	if (!s->why)
		return 0;
	if (!park_both(p, i))
		return -EAGAIN;
	const bool again = s->broken;
	int err = ax_queue_anew(p, i);

	s->tried_at = now;
	s->broken = err != 0;
	if (err) {
		if (!again)
			plx_logf(p->base.log, PLX_LOG_WARN,
			         "%s: queue %u cannot be opened anew (%s: %s): tried again every second; see "
			         "who has it with ss --xdp -e -p",
			         p->base.name, s->queue, s->step, strerrorname_np(-err));
		return err;
	}
	if (s->why != AX_WHY_FALL) {
		plx_ctr_add(&p->base.repairs, 1);
		plx_logf(p->base.log, PLX_LOG_WARN, "%s: queue %u was opened anew, its wake-ups failed (%s)%s",
		         p->base.name, s->queue, errno_name(s->why), again ? ": it is back" : "");
	} else if (again) {
		plx_logf(p->base.log, PLX_LOG_NOTICE, "%s: queue %u is back", p->base.name, s->queue);
	}
	s->why = 0;
	PLX_ASSERT(!wanted(p, i) && (i >= p->base.ntx || ax_tx_of(p, i)->gate == AX_PARKED));
	unpark(p, i);
	return 1;
}

/* Removed or moved to another namespace: the host there has its frames at once. */
static void leave(struct ax_port *p)
{
	if (p->left)
		return;
	p->left = true;
	for (uint16_t i = 0; i < p->base.nrx; i++) {
		p->base.drv->give_back(&p->base, i, false);
		if (p->prog)
			ax_prog_unmap(p->prog, p->base.sys, p->base.rxq[i]->hwq);
	}
	ax_prog_leave(p);
}

/* ax_repair opens queues anew that bursts ask for.  Queues opened anew; -EAGAIN: a burst has to
   stand back first, call again; another -errno: tried again a second later. */
int ax_repair(struct plx_port *b)
{
	struct ax_port *p = ax_port(b);
	const uint64_t now = plx_sys_now(b->sys);
	int done = 0, bad = 0;

	/* acquire: with ax_trouble; whoever asks from here on is heard by the next call */
	(void)__atomic_exchange_n(&b->wants_repair, false, __ATOMIC_ACQUIRE);
	if (plx_port_link(b) == PLX_LINK_REMOVED) {
		leave(p);
		return 0;
	}
	ax_fall_begin(p);
	/* all are asked for before any is closed, which takes a while */
	for (uint16_t i = 0; i < p->nsock && p->falling; i++)
		if (p->sock[i].why)
			park_both(p, i);
	for (uint16_t i = 0; i < p->nsock; i++) {
		int n = repair_one(p, i, now);

		done += n > 0;
		bad = n < 0 ? n : bad;
	}
	ax_fall_end(p);
	for (uint16_t i = 0; i < p->nsock; i++)
		if (p->sock[i].why || wanted(p, i))
			__atomic_store_n(&b->wants_repair, true, __ATOMIC_RELAXED);
	return done ? done : bad;
}

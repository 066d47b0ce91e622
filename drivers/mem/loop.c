/* SPDX-License-Identifier: MIT */
/* loop.c - ports in memory: what one sends, its peer receives.  The unprivileged way to
   run the same burst code as on a device.  The two bursts and what they call are hot,
   the rest is cold.

     port A                    wire of B                      port B
     txq i  --put_burst-->  lane[i % lanes]: ring, armed, fd  --get_burst-->  rxq i % lanes

   A wire belongs to the port that receives by it and outlives that port as long as a
   sender still holds it, so neither side has to know when the other closes.  Its rings
   take several senders: two queues, or two ports, may end in one lane.  Measured against
   single-producer rings, a burst of 32 pays one compare-and-swap more. */
#include "drivers.h"
#include "plx_ring.h"
#include "plx_text.h"
#include "doorbell.h"

#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lane {
	struct plx_mpmc *ring;
	int      fd;                 /* wakes the receiver; -1 = none */
	alignas(PLX_CACHELINE) uint32_t armed; /* 1 = the receiver sleeps or is about to */
	int32_t  more;               /* atomic: segments beyond the first of what is in the ring; a moment late */
};

struct wire {
	struct plx_pool *pool;       /* of the receiver: copies are made in it */
	const struct plx_sys *sys;
	uint16_t lanes;
	uint32_t refs;               /* the receiver and every join; main thread only */
	struct lane lane[];
};

/* A sender's hold on a wire.  The newest is in use; older ones, of peers that closed, are
   kept until the sender closes, because its lcores may be looking at them. */
struct join {
	struct wire *wire;
	struct join *older;
};

struct loop_port {
	struct plx_port base;
	struct wire *in;             /* ours */
	struct join *out;            /* bursts load it, the main thread stores it */
	bool on;                     /* between start and stop */
};

struct loop_rxq { struct plx_rxq base; struct lane *lane; };
struct loop_txq { struct plx_txq base; struct loop_port *port; };

PLX_BASE_FIRST(struct loop_port);
static inline struct loop_port *loop_port(struct plx_port *p)
{
	return plx_container_of(p, struct loop_port, base);
}

PLX_BASE_FIRST(struct loop_rxq);
static inline struct loop_rxq *loop_rxq(struct plx_rxq *q)
{
	return plx_container_of(q, struct loop_rxq, base);
}

PLX_BASE_FIRST(struct loop_txq);
static inline struct loop_txq *loop_txq(struct plx_txq *q)
{
	return plx_container_of(q, struct loop_txq, base);
}

/* ---- hot ---- */

/* Frames in a ring are the driver's; hardened builds check it. */
static void hand_over(struct plx_mbuf *const *m, unsigned n, enum plx_frame_state from, enum plx_frame_state to)
{
#ifdef PLX_HARDENED
	for (unsigned i = 0; i < n; i++)
		for (struct plx_mbuf *s = m[i]; s; s = s->next)
			plx_frame_move(s, from, to);
#else
	(void)m; (void)n; (void)from; (void)to;
#endif
}

/* What the sender says that the packet is holds here, too. */
static inline uint32_t carried(const struct plx_mbuf *m)
{
	if (plx_likely(!(m->flags & (PLX_TX_ODD | UINT32_C(3) << PLX_MBUF_TX_CSUM))))
		return 0;
	return (m->flags & PLX_MBUF_L3) | (uint32_t)plx_mbuf_tx_csum(m) << PLX_MBUF_RX_CSUM;
}

/* What the sender's driver found out, or the sender wrote down, is not known here. */
static inline void receive(struct plx_mbuf *m, const struct plx_rxq *q)
{
	m->user = 0;
	m->timestamp = 0;
	m->l2_len = 0;
	m->l3_len = 0;
	m->hash = 0;
	m->vlan = 0;
	m->queue = (uint8_t)q->id;
	m->port = q->port_id;
}

static uint16_t loop_rx(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	struct lane *l = loop_rxq(q)->lane;
	uint64_t bytes = 0;
	int32_t more = 0;

	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	n = (uint16_t)plx_mpmc_get_burst(l->ring, (void **)m, n);
	PLX_DASSERT(n <= PLX_BURST_MAX);
	for (uint16_t i = 0; i < n; i++) {
		struct plx_mbuf *s = m[i];

		bytes += s->pkt_len;
		receive(s, q);
		s->flags = carried(s);
		for (; plx_unlikely((s = s->next) != NULL); more++) {
			receive(s, q);
			s->flags = s->seg_size = 0;
			s->pkt_len = s->len;
		}
	}
	hand_over(m, n, PLX_FRAME_TX, PLX_FRAME_APP);
	if (plx_unlikely(more))
		__atomic_fetch_sub(&l->more, more, __ATOMIC_RELAXED);
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.empty, !n);
	plx_ctr_add(&q->stats.pkts, n);
	plx_ctr_add(&q->stats.bytes, bytes);
	return n;
}

/* Wakes a receiver that sleeps.  The exchange pairs with the one in loop_rx_arm: of two
   read-modify-writes of one variable the later sees the earlier, so either the
   receiver finds the frames put before this one, or this one finds it armed. */
static void lane_wake(const struct wire *w, struct lane *l)
{
	static const uint64_t one = 1;

	if (plx_unlikely(__atomic_exchange_n(&l->armed, 0, __ATOMIC_ACQ_REL)) && l->fd >= 0)
		(void)!w->sys->write(l->fd, &one, sizeof(one));
}

/* What a burst puts, summed up beforehand: a packet is not ours to read once it is put.  Bytes stand in
   the low half, segments beyond the first of each packet in the high one. */
enum { MORE_SHIFT = 32 };

static inline uint64_t weight(const struct plx_mbuf *m)
{
	PLX_DASSERT(m->nsegs);
	return (uint64_t)(m->nsegs - 1u) << MORE_SHIFT | m->pkt_len;
}

static inline void count_put(struct plx_txq *q, struct lane *l, uint16_t put, uint64_t sum)
{
	plx_ctr_add(&q->stats.pkts, put);
	plx_ctr_add(&q->stats.bytes, (uint32_t)sum);
	if (plx_unlikely(sum >> MORE_SHIFT))
		__atomic_fetch_add(&l->more, (int32_t)(sum >> MORE_SHIFT), __ATOMIC_RELAXED);
}

/* True if every frame of m can simply change hands. */
static bool movable(const struct plx_mbuf *m, const struct plx_pool *pool)
{
	for (; m; m = m->next)
		if (m->pool != pool || __atomic_load_n(&m->ref, __ATOMIC_ACQUIRE) != 1)
			return false;
	return true;
}

static bool plain(const struct plx_mbuf *m, const struct plx_pool *pool)
{
	return m->pkt_len >= ETHER_HDR_LEN && movable(m, pool);
}

/* A burst that is not plain: some packets have to be copied or dropped. */
struct mixed {
	struct plx_mbuf *out[PLX_BURST_MAX]; /* what goes into the ring */
	uint16_t from[PLX_BURST_MAX];        /* and from which place of m[] it came */
	uint16_t n;
};

/* Settles what put of x->n entries leave behind: originals of copies and bad packets are
   put, and so are the copies that found no room.  Returns how many of m[] were taken. */
static uint16_t mixed_settle(const struct mixed *x, struct plx_txq *q, struct plx_mbuf **m, uint16_t n, uint16_t put)
{
	uint16_t cut = put < x->n ? x->from[put] : n, j = 0;

	PLX_DASSERT(put <= x->n && x->n <= n && cut <= n);
	for (uint16_t k = put; k < x->n; k++)
		if (x->out[k] != m[x->from[k]])
			plx_mbuf_put(x->out[k]);
	for (uint16_t i = 0; i < cut; i++) {
		bool sent = j < put && x->from[j] == i;
		if (sent && x->out[j++] == m[i])
			continue; /* moved: the receiver's by now */
		if (sent)
			plx_ctr_add(&q->stats.copied, 1);
		else
			plx_ctr_add(&q->stats.drop[m[i]->pkt_len < ETHER_HDR_LEN ? PLX_TX_DROP_bad_len :
			                                                           PLX_TX_DROP_no_mbuf],
			            1);
		plx_mbuf_put(m[i]);
	}
	return cut;
}

static uint16_t put_mixed(struct plx_txq *q, const struct wire *w, struct lane *l, struct plx_mbuf **m,
                          uint16_t n, uint16_t *taken)
{
	struct mixed x = { .n = 0 };

	for (uint16_t i = 0; i < n; i++) {
		struct plx_mbuf *t = plain(m[i], w->pool) ? m[i] :
		                     m[i]->pkt_len < ETHER_HDR_LEN ? NULL : plx_mbuf_copy(m[i], w->pool);
		if (t) {
			x.out[x.n] = t;
			x.from[x.n++] = i;
		}
	}
	uint64_t sum[PLX_BURST_MAX + 1];

	sum[0] = 0;
	for (uint16_t k = 0; k < x.n; k++)
		sum[k + 1] = sum[k] + weight(x.out[k]);
	hand_over(x.out, x.n, PLX_FRAME_APP, PLX_FRAME_TX);
	uint16_t put = (uint16_t)plx_mpmc_put_burst(l->ring, (void **)x.out, x.n);
	hand_over(x.out + put, (unsigned)x.n - put, PLX_FRAME_TX, PLX_FRAME_APP);
	count_put(q, l, put, sum[put]);
	*taken = mixed_settle(&x, q, m, n, put);
	PLX_DASSERT(*taken <= n && put <= x.n);
	return put;
}

static uint16_t put_plain(struct plx_txq *q, struct lane *l, struct plx_mbuf **m, uint16_t n)
{
	uint64_t sum[PLX_BURST_MAX + 1];

	sum[0] = 0;
	for (uint16_t i = 0; i < n; i++)
		sum[i + 1] = sum[i] + weight(m[i]);
	hand_over(m, n, PLX_FRAME_APP, PLX_FRAME_TX);
	uint16_t put = (uint16_t)plx_mpmc_put_burst(l->ring, (void **)m, n);
	hand_over(m + put, (unsigned)n - put, PLX_FRAME_TX, PLX_FRAME_APP);
	count_put(q, l, put, sum[put]);
	return put;
}

static uint16_t loop_tx(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	struct loop_port *lp = loop_txq(q)->port;
	uint16_t taken, i = 0;

	plx_tx_enter(q, m, n);
	/* acquire: pairs with plx_port_set_link; a join is stored before the link goes up */
	q->link_down = __atomic_load_n(&lp->base.link, __ATOMIC_ACQUIRE) != PLX_LINK_UP;
	if (plx_unlikely(q->link_down)) {
		plx_ctr_add(&q->stats.stop[PLX_STOP_link_down], n > 0);
		return 0;
	}
	struct wire *w = __atomic_load_n(&lp->out, __ATOMIC_ACQUIRE)->wire;
	struct lane *l = &w->lane[q->id % w->lanes];
	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	while (i < n && plain(m[i], w->pool))
		i++;
	uint16_t put = taken = i == n ? put_plain(q, l, m, n) : 0;
	if (plx_unlikely(i < n))
		put = put_mixed(q, w, l, m, n, &taken);
	if (put)
		lane_wake(w, l);
	plx_ctr_add(&q->stats.bursts, 1);
	plx_ctr_add(&q->stats.stop[PLX_STOP_ring_full], taken < n);
	return taken;
}

static int loop_rx_arm(struct plx_rxq *q)
{
	struct lane *l = loop_rxq(q)->lane;

	__atomic_exchange_n(&l->armed, 1, __ATOMIC_ACQ_REL); /* see lane_wake */
	if (!plx_mpmc_count(l->ring))
		return 0;
	__atomic_store_n(&l->armed, 0, __ATOMIC_RELAXED);
	return 1;
}

static void loop_rx_disarm(struct plx_rxq *q)
{
	struct lane *l = loop_rxq(q)->lane;
	uint64_t v;

	__atomic_store_n(&l->armed, 0, __ATOMIC_RELAXED);
	if (l->fd >= 0)
		(void)!q->port->sys->read(l->fd, &v, sizeof(v));
}

/* ---- cold ---- */

static int loop_rx_fd(struct plx_rxq *q)
{
	return loop_rxq(q)->lane->fd;
}

/* Frames that nobody will receive any more; of lp, or of nobody. */
static void wire_drain(struct wire *w, struct loop_port *lp)
{
	struct plx_mbuf *m[PLX_BURST];
	unsigned n;

	for (uint16_t i = 0; i < w->lanes; i++)
		while ((n = plx_mpmc_get_burst(w->lane[i].ring, (void **)m, PLX_BURST))) {
			hand_over(m, n, PLX_FRAME_TX, PLX_FRAME_APP);
			for (unsigned k = 0; k < n; k++)
				__atomic_fetch_sub(&w->lane[i].more, m[k]->nsegs - 1, __ATOMIC_RELAXED);
			plx_mbuf_put_bulk(m, (uint16_t)n);
			if (lp)
				plx_ctr_add(&lp->base.rxq[i]->stats.drop[PLX_RX_DROP_closed], n);
		}
}

static void wire_put(struct wire *w)
{
	PLX_ASSERT(w->refs);
	if (--w->refs)
		return;
	wire_drain(w, NULL);
	for (uint16_t i = 0; i < w->lanes; i++) {
		if (w->lane[i].fd >= 0)
			w->sys->close(w->lane[i].fd);
		free(w->lane[i].ring);
	}
	free(w);
}

static struct wire *wire_new(const struct plx_port_conf *c)
{
	size_t size = sizeof(struct wire) + c->rxqs * sizeof(struct lane);
	struct wire *w = aligned_alloc(PLX_CACHELINE, (size + PLX_CACHELINE - 1) & ~(size_t)(PLX_CACHELINE - 1));

	if (!w)
		goto fail;
	memset(w, 0, size);
	w->pool = c->pool;
	w->sys = c->sys;
	w->refs = 1;
	for (; w->lanes < c->rxqs; w->lanes++) {
		struct lane *l = &w->lane[w->lanes];
		void *mem = aligned_alloc(PLX_CACHELINE, plx_mpmc_size(c->rxd));
		if (!mem || plx_mpmc_init(&l->ring, mem, c->rxd)) {
			free(mem);
			goto fail;
		}
		l->fd = c->sys->eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (l->fd < 0) {
			plx_logf(c->log, PLX_LOG_ERROR, "%s: q%u: eventfd: %s: raise ulimit -n", c->name, w->lanes,
			         strerrorname_np(errno));
			free(mem);
			wire_put(w);
			return NULL;
		}
	}
	return w;
fail:
	plx_logf(c->log, PLX_LOG_ERROR, "%s: loop: no memory for %u rings of %u (ENOMEM): lower rxd= or queues=",
	         c->name, c->rxqs, c->rxd);
	if (w)
		wire_put(w);
	return NULL;
}

static int loop_open(struct plx_port **out, const struct plx_port_conf *c, const struct plx_link_info *li)
{
	(void)li;
	if (*c->peer && strcmp(c->peer, c->name) && !c->ports) {
		plx_logf(c->log, PLX_LOG_ERROR,
		         "%s: loop: peer=%s cannot be looked up (EINVAL): set plx_port_conf.ports, or "
		         "leave peer= out to loop to itself",
		         c->name, c->peer);
		return -EINVAL;
	}
	struct loop_port *lp = loop_port(plx_port_new(&plx_loop_driver, c, sizeof(*lp), sizeof(struct loop_rxq),
	                                              sizeof(struct loop_txq)));
	if (!lp)
		return -ENOMEM;
	lp->in = wire_new(c);
	if (!lp->in) {
		int err = errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
		plx_port_delete(&lp->base);
		return err;
	}
	for (uint16_t i = 0; i < lp->base.nrx; i++) {
		lp->base.rxq[i]->burst = loop_rx;
		loop_rxq(lp->base.rxq[i])->lane = &lp->in->lane[i];
	}
	for (uint16_t i = 0; i < lp->base.ntx; i++) {
		lp->base.txq[i]->burst = loop_tx;
		loop_txq(lp->base.txq[i])->port = lp;
	}
	lp->base.info.mode = "memory";
	lp->base.info.caps = PLX_PORT_MULTIBUF;
	lp->base.info.mtu = UINT16_MAX - ETHER_HDR_LEN;
	lp->base.info.max_len = UINT16_MAX;
	lp->base.info.channels_rx = lp->base.nrx;
	lp->base.info.channels_tx = lp->base.ntx;
	snprintf(lp->base.info.why, sizeof(lp->base.info.why), "sends to %s", *c->peer ? c->peer : c->name);
	*out = &lp->base;
	return 0;
}

/* The peer if it is open, this port itself if it names none. */
static struct loop_port *find_peer(struct loop_port *lp)
{
	const struct plx_port_conf *c = &lp->base.conf;

	if (!*c->peer || !strcmp(c->peer, lp->base.name))
		return lp;
	for (int i = 0; i < PLX_PORTS_MAX; i++) {
		struct plx_port *p = c->ports[i];
		if (p && p->drv == &plx_loop_driver && !strcmp(p->name, c->peer))
			return loop_port(p);
	}
	return NULL;
}

/* Joins lp to its peer as the two are now and sets the link by it. */
static void connect_one(struct loop_port *lp)
{
	struct loop_port *peer = find_peer(lp);
	bool up = lp->on && peer && peer->on && peer->in->lanes;

	if (up && (!lp->out || lp->out->wire != peer->in)) {
		struct join *j = malloc(sizeof(*j));
		if (j) {
			*j = (struct join){ .wire = peer->in, .older = lp->out };
			peer->in->refs++;
			__atomic_store_n(&lp->out, j, __ATOMIC_RELEASE);
		} else {
			plx_logf(lp->base.log, PLX_LOG_ERROR, "%s: loop: no memory to join %s (ENOMEM): start it again",
			         lp->base.name, peer->base.name);
			up = false;
		}
	}
	plx_port_set_link(&lp->base, up ? PLX_LINK_UP : PLX_LINK_DOWN);
}

/* After lp changed: its own link and that of every port that may send to it. */
static void connect_all(struct loop_port *lp)
{
	struct plx_port *const *ports = lp->base.conf.ports;

	connect_one(lp);
	for (int i = 0; ports && i < PLX_PORTS_MAX; i++)
		if (ports[i] && ports[i] != &lp->base && ports[i]->drv == &plx_loop_driver)
			connect_one(loop_port(ports[i]));
}

static int loop_start(struct plx_port *p)
{
	struct loop_port *lp = loop_port(p);

	lp->on = true;
	connect_all(lp);
	const struct loop_port *peer = find_peer(lp);

	if (peer && !peer->in->lanes)
		plx_logf(p->log, PLX_LOG_WARN, "%s: loop: %s receives nothing (rxqs=0), so its link is down: "
		         "name a port that does with peer=", p->name, peer->base.name);
	if (!peer)
		plx_logf(p->log, PLX_LOG_WARN,
		         "%s: loop: its peer %s is not open, so its link is down: --iface %s,driver=loop", p->name,
		         p->conf.peer, PLX_QUOTED(p->conf.peer));
	return 0;
}

static void loop_stop(struct plx_port *p)
{
	struct loop_port *lp = loop_port(p);

	lp->on = false;
	connect_all(lp);
	wire_drain(lp->in, lp);
}

static void loop_close(struct plx_port *p)
{
	struct loop_port *lp = loop_port(p);

	wire_drain(lp->in, lp);
	for (struct join *j = lp->out, *older; j; j = older) {
		older = j->older;
		wire_put(j->wire);
		free(j);
	}
	wire_put(lp->in);
	plx_port_delete(p);
}

/* The ring's own place tells what was put into it since the port was opened, modulo 2^32: whole it is the number
   next to what became of them, so senders need not count. */
static bool loop_offered(struct plx_port *p, uint16_t i, uint64_t *n)
{
	const struct plx_rxq_stats *s = &p->rxq[i]->stats;
	const uint64_t out = plx_ctr_read(&s->pkts) + plx_rx_drops(s);

	*n = out + (uint64_t)(int32_t)(plx_mpmc_puts(loop_port(p)->in->lane[i].ring) - (uint32_t)out);
	return true;
}

static void loop_held(const struct plx_port *p, uint32_t *rx, uint32_t *tx)
{
	const struct wire *w = plx_container_of(p, const struct loop_port, base)->in;

	(void)rx; /* what is sent to it is what it receives */
	for (uint16_t i = 0; i < w->lanes; i++) {
		const int32_t more = __atomic_load_n(&w->lane[i].more, __ATOMIC_RELAXED);

		*tx += plx_mpmc_count(w->lane[i].ring) + (more > 0 ? (uint32_t)more : 0);
	}
}

static struct plx_beside loop_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames)
{
	(void)mtu, (void)frames;
	return (struct plx_beside){ .own = (uint64_t)c->rxqs * plx_mpmc_size(c->rxd) };
}

static uint32_t loop_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd)
{
	(void)txd;
	return c->rxqs * rxd;
}

const struct plx_driver plx_loop_driver = {
	.name = "loop", .what = "in memory: what it sends its peer receives",
	.frames = loop_frames, .beside = loop_beside,
	.open = loop_open, .start = loop_start, .stop = loop_stop, .close = loop_close,
	.rx_fd = loop_rx_fd, .rx_arm = loop_rx_arm, .rx_disarm = loop_rx_disarm,
	.held = loop_held, .offered = loop_offered,
};

/* SPDX-License-Identifier: MIT */
/* packet.c - the packet driver: AF_PACKET rings, which any interface has.  It copies each
   frame once, and the host's stack goes on seeing what it receives.  Cold; the bursts are
   in rxtx.c.

   A receive queue is one socket of a fanout group, a transmit queue a socket that
   receives nothing.  A filter that drops all stands in each receive socket except
   between start and stop: members of a group cannot be unbound one by one. */
#include "packet.h"
#include "link_info.h"
#include "plx_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { STOP_WAIT_NS = 100000000, STOP_STEP_NS = 200000, GRACE_NS = 10000000, SLOT_MAX = 16384, BLOCK = 65536 };

static const struct { const char *name; int type; } fanouts[] = {
	{ "hash", PACKET_FANOUT_HASH }, { "lb", PACKET_FANOUT_LB }, { "cpu", PACKET_FANOUT_CPU },
	{ "rnd", PACKET_FANOUT_RND }, { "qm", PACKET_FANOUT_QM },
};

/* One line for whatever of the many steps failed; returns -errno. */
static int failed(const struct plx_port *p, const char *dir, unsigned q, const char *what)
{
	int err = -errno;
	const char *fix = err == -EPERM ? "needs CAP_NET_RAW: run as root or grant it" :
	                   err == -ENOMEM || err == -ENOBUFS ? "lower rxd=, txd= or queues=" :
	                   err == -EMFILE || err == -ENFILE ? "raise ulimit -n" :
	                   err == -ENODEV || err == -ENXIO ? "see ip link" :
	                   err == -ENETDOWN ? "ip link set it up" : "see docs/drivers.md, packet";

	plx_logf(p->log, PLX_LOG_ERROR, "%s: packet: %s%u: %s: %s: %s", p->name, dir, q, what, strerrorname_np(-err),
	         fix);
	return err;
}

static int set_int(const struct plx_port *p, int fd, int name, int v)
{
	return p->sys->setsockopt(fd, SOL_PACKET, name, &v, sizeof(v));
}

/* The drop-all filter, or none. */
static int set_filter(const struct plx_port *p, int fd, bool drop)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &none };

	if (drop)
		return p->sys->setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
	return p->sys->setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &prog, sizeof(prog));
}

static int bind_socket(const struct plx_port *p, int fd, int protocol)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = (int)p->info.ifindex,
	};

	return p->sys->bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static uint8_t slot_shift(uint32_t need)
{
	uint8_t shift = 11;

	while (1u << shift < need && 1u << shift < SLOT_MAX)
		shift++;
	return shift;
}

static uint8_t rx_shift(uint32_t mtu)
{
	return slot_shift(RX_ROOM + ETH_HLEN + VLAN_LEN + mtu);
}

static uint8_t tx_shift(uint32_t mtu)
{
	return slot_shift(TX_DATA + ETH_HLEN + VLAN_LEN + mtu);
}

/* Slots are a power of two and so are blocks, so slots follow each other without gaps. */
static int map_ring(const struct plx_port *p, struct pk_ring *r, int fd, int option, uint32_t slots, uint8_t shift)
{
	uint32_t size = 1u << shift, block = (size_t)slots << shift < BLOCK ? slots << shift : BLOCK;
	struct tpacket_req req = {
		.tp_block_size = block, .tp_frame_size = size, .tp_frame_nr = slots,
		.tp_block_nr = (uint32_t)(((size_t)slots << shift) / block),
	};

	if (p->sys->setsockopt(fd, SOL_PACKET, option, &req, sizeof(req)))
		return -1;
	size_t len = (size_t)slots << shift;
	void *mem = p->sys->mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -1;
	/* a child that lives on would keep the ring; if it cannot be helped it is no error */
	p->sys->madvise(mem, len, MADV_DONTFORK);
	*r = (struct pk_ring){ .base = mem, .mask = slots - 1, .shift = shift, .len = len };
	return 0;
}

static int open_rxq(struct plx_port *p, struct pk_rxq *q, uint8_t shift)
{
	q->scratch = malloc(SCRATCH);
	if (!q->scratch) {
		errno = ENOMEM;
		return failed(p, "rxq", q->base.id, "malloc");
	}
	q->fd = p->sys->socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return failed(p, "rxq", q->base.id, "socket(AF_PACKET)");
	if (set_int(p, q->fd, PACKET_VERSION, TPACKET_V2))
		return failed(p, "rxq", q->base.id, "PACKET_VERSION");
	if (set_int(p, q->fd, PACKET_IGNORE_OUTGOING, 1))
		return failed(p, "rxq", q->base.id, "PACKET_IGNORE_OUTGOING");
	if (set_int(p, q->fd, PACKET_COPY_THRESH, 1))
		return failed(p, "rxq", q->base.id, "PACKET_COPY_THRESH");
	if (map_ring(p, &q->ring, q->fd, PACKET_RX_RING, p->conf.rxd, shift))
		return failed(p, "rxq", q->base.id, "PACKET_RX_RING");
	if (set_filter(p, q->fd, true))
		return failed(p, "rxq", q->base.id, "SO_ATTACH_FILTER");
	if (bind_socket(p, q->fd, ETH_P_ALL))
		return failed(p, "rxq", q->base.id, "bind");
	q->base.burst = pk_rx;
	q->room = (uint16_t)(p->pool->frame_size - p->pool->data_off);
	return 0;
}

static int open_txq(struct plx_port *p, struct pk_txq *q, uint8_t shift)
{
	int bytes = (int)(p->conf.txd << shift < 1u << 30 ? p->conf.txd << shift : 1u << 30);

	q->fd = p->sys->socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (q->fd < 0)
		return failed(p, "txq", q->base.id, "socket(AF_PACKET)");
	if (set_int(p, q->fd, PACKET_VERSION, TPACKET_V2))
		return failed(p, "txq", q->base.id, "PACKET_VERSION");
	if (set_int(p, q->fd, PACKET_LOSS, 1)) /* a bad slot is dropped and does not block the ring */
		return failed(p, "txq", q->base.id, "PACKET_LOSS");
	if (set_int(p, q->fd, PACKET_QDISC_BYPASS, 1))
		return failed(p, "txq", q->base.id, "PACKET_QDISC_BYPASS");
	/* a ring in flight must fit the socket's memory; less only means shorter doorbells */
	if (p->sys->setsockopt(q->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		p->sys->setsockopt(q->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (map_ring(p, &q->ring, q->fd, PACKET_TX_RING, p->conf.txd, shift))
		return failed(p, "txq", q->base.id, "PACKET_TX_RING");
	if (bind_socket(p, q->fd, 0))
		return failed(p, "txq", q->base.id, "bind");
	q->base.burst = pk_tx;
	return 0;
}

/* Joins the receive sockets to one group, whose number the kernel picks. */
static int join_fanout(struct plx_port *p, int type)
{
	uint32_t arg = (uint32_t)(type | PACKET_FANOUT_FLAG_UNIQUEID) << 16;

	for (uint16_t i = 0; i < p->nrx; i++) {
		int fd = pk_rxq(p->rxq[i])->fd;
		if (p->sys->setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, sizeof(arg)))
			return failed(p, "rxq", i, "PACKET_FANOUT");
		socklen_t len = sizeof(arg);
		if (!i && p->sys->getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &arg, &len))
			return failed(p, "rxq", i, "PACKET_FANOUT");
		arg = (arg & UINT16_MAX) | (uint32_t)type << 16;
	}
	return 0;
}

static void unmap(const struct plx_port *p, struct pk_ring *r, int fd)
{
	if (r->base)
		p->sys->munmap(r->base, r->len);
	if (fd >= 0)
		p->sys->close(fd);
}

static void pk_close(struct plx_port *p)
{
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct pk_rxq *q = pk_rxq(p->rxq[i]);
		unmap(p, &q->ring, q->fd);
		free(q->scratch);
	}
	for (uint16_t i = 0; i < p->ntx; i++) {
		struct pk_txq *q = pk_txq(p->txq[i]);
		unmap(p, &q->ring, q->fd);
	}
	plx_port_delete(p);
}

static void set_mtu(struct plx_port *p, uint32_t mtu)
{
	struct pk_port *pp = pk_port(p);
	uint32_t max = mtu + ETH_HLEN, room = pp->slot_len - VLAN_LEN;

	p->info.mtu = mtu;
	p->info.max_len = max < room ? max : room;
	__atomic_store_n(&pp->max_len, p->info.max_len, __ATOMIC_RELAXED);
}

static int open_queues(struct plx_port *p, const struct plx_link_info *li)
{
	const char *fanout = *p->conf.fanout ? p->conf.fanout : p->nrx == li->rxqs ? "qm" : "hash";
	int err = 0;

	pk_port(p)->slot_len = (1u << tx_shift(li->mtu)) - TX_DATA;
	for (uint16_t i = 0; i < p->nrx && !err; i++)
		err = open_rxq(p, pk_rxq(p->rxq[i]), rx_shift(li->mtu));
	for (uint16_t i = 0; i < p->ntx && !err; i++)
		err = open_txq(p, pk_txq(p->txq[i]), tx_shift(li->mtu));
	for (size_t f = 0; !err && p->nrx > 1 && f < PLX_ARRAY_SIZE(fanouts); f++)
		if (!strcmp(fanout, fanouts[f].name))
			err = join_fanout(p, fanouts[f].type);
	if (!err && p->nrx > 1)
		snprintf(p->info.why, sizeof(p->info.why), "any interface can, fanout %s", fanout);
	else if (!err)
		snprintf(p->info.why, sizeof(p->info.why), "any interface can");
	return err;
}

/* What was asked for and only AF_XDP has. */
static int refuse(const struct plx_port_conf *c)
{
	const char *key = c->mode != PLX_XDP_AUTO  ? "mode=" :
	                  c->queue                 ? "queue=" :
	                  c->multibuf == PLX_NEVER ? "multibuf=never" :
	                                             NULL;

	if (!key)
		return 0;
	plx_logf(c->log, PLX_LOG_ERROR, "%s: packet: has no %s (EOPNOTSUPP): leave it out or use driver=af_xdp",
	         c->name, key);
	return -EOPNOTSUPP;
}

static int pk_open(struct plx_port **out, const struct plx_port_conf *c, const struct plx_link_info *li)
{
	int err = refuse(c);

	if (err)
		return err;
	struct plx_port *p = plx_port_new(&plx_packet_driver, c, sizeof(struct pk_port), sizeof(struct pk_rxq),
	                                  sizeof(struct pk_txq));
	if (!p)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->nrx; i++)
		pk_rxq(p->rxq[i])->fd = -1;
	for (uint16_t i = 0; i < p->ntx; i++)
		pk_txq(p->txq[i])->fd = -1;
	p->info.mode = "mmap";
	memcpy(p->info.mac, li->mac, sizeof(li->mac));
	p->info.caps = PLX_PORT_MULTIBUF | PLX_PORT_RX_CSUM | PLX_PORT_RX_TIMESTAMP;
	p->info.ifindex = li->ifindex;
	p->info.channels_rx = li->rxqs;
	p->info.channels_tx = li->txqs;
	p->info.node = li->node;
	p->link = li->running ? PLX_LINK_UP : PLX_LINK_DOWN;
	err = open_queues(p, li);
	if (err) {
		pk_close(p);
		return err;
	}
	set_mtu(p, li->mtu);
	*out = p;
	return 0;
}

static int pk_start(struct plx_port *p)
{
	if (p->nrx && p->conf.steer == PLX_STEER_ALL) /* asked for of a driver that cannot, or left as it is */
		plx_logf(p->log, PLX_LOG_NOTICE,
		         "%s: packet: the host gets every frame as well and answers what is addressed "
		         "to it: give the interface no address, or drop at its ingress what is not the host's "
		         "(docs/drivers.md, packet)",
		         p->name);
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct pk_rxq *q = pk_rxq(p->rxq[i]);
		pk_rx_discard(q);
		if (p->conf.steer == PLX_STEER_ALL && set_filter(p, q->fd, false)) {
			int err = failed(p, "rxq", i, "SO_DETACH_FILTER");
			p->drv->stop(p);
			return err;
		}
		__atomic_store_n(&q->running, 1, __ATOMIC_RELEASE); /* pairs with pk_rx */
	}
	return 0;
}

static bool sends_wait(struct plx_port *p)
{
	bool wait = false;

	for (uint16_t i = 0; i < p->ntx; i++)
		wait |= pk_tx_waiting(pk_txq(p->txq[i])) > 0;
	return wait;
}

/* Returns when every frame that a filter let through before now stands in its ring, for it counts as offered. */
static void grace(const struct plx_port *p)
{
	if (p->nrx && p->sys->membarrier(MEMBARRIER_CMD_GLOBAL, 0, 0))
		plx_sys_sleep(p->sys, GRACE_NS);
}

static void pk_stop(struct plx_port *p)
{
	uint64_t end = plx_sys_now(p->sys) + STOP_WAIT_NS;

	for (uint16_t i = 0; i < p->nrx; i++) {
		struct pk_rxq *q = pk_rxq(p->rxq[i]);
		__atomic_store_n(&q->running, 0, __ATOMIC_RELEASE);
		if (set_filter(p, q->fd, true))
			failed(p, "rxq", i, "SO_ATTACH_FILTER");
	}
	grace(p);
	for (uint16_t i = 0; i < p->nrx; i++)
		pk_rx_discard(pk_rxq(p->rxq[i]));
	while (plx_port_link(p) == PLX_LINK_UP && sends_wait(p) && plx_sys_now(p->sys) < end) {
		for (uint16_t i = 0; i < p->ntx; i++)
			pk_tx_ring(pk_txq(p->txq[i]));
		plx_sys_sleep(p->sys, STOP_STEP_NS);
	}
	for (uint16_t i = 0; i < p->ntx; i++)
		pk_tx_withdraw(pk_txq(p->txq[i]));
}

static uint16_t pk_rx_none(struct plx_rxq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q, (void)m, (void)n;
	return 0;
}

static uint16_t pk_tx_none(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	(void)q, (void)m, (void)n;
	return 0;
}

/* In a child of fork: the sockets would stay in their fanout group when the parent is gone, and
   take their share of its next start's frames. */
static void pk_forked(struct plx_port *p)
{
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct pk_rxq *q = pk_rxq(p->rxq[i]);

		if (q->fd >= 0)
			close(q->fd);
		q->fd = -1;
		q->base.burst = pk_rx_none;
	}
	for (uint16_t i = 0; i < p->ntx; i++) {
		struct pk_txq *q = pk_txq(p->txq[i]);

		if (q->fd >= 0)
			close(q->fd);
		q->fd = -1;
		q->base.burst = pk_tx_none;
	}
}

static int pk_rx_fd(struct plx_rxq *q)
{
	return pk_rxq(q)->fd;
}

static int pk_rx_arm(struct plx_rxq *q)
{
	struct pk_ring *r = &pk_rxq(q)->ring;

	return pk_status(pk_slot(r, r->head)) & TP_STATUS_USER ? 1 : 0;
}

/* A link that went down leaves an error in the socket, and poll says readable until it
   is read. */
static void pk_rx_disarm(struct plx_rxq *q)
{
	int err;
	socklen_t len = sizeof(err);

	q->port->sys->getsockopt(pk_rxq(q)->fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

static void pk_link(struct plx_port *p, enum plx_link link, uint32_t mtu)
{
	if (mtu)
		set_mtu(p, mtu);
	plx_port_set_link(p, link);
}

static int put_xstat(struct plx_xstat *x, int n, int at, uint64_t v, const char *what, unsigned q)
{
	if (at < n) {
		snprintf(x[at].name, sizeof(x[at].name), "rx_q%u_%s", q, what);
		x[at].value = v;
	}
	return at + 1;
}

/* Reading clears what the kernel counts, so the sums are ours; and till one thread has added what it read, that is
   nowhere to be seen for another.  A child of fork, which may lack the thread that has the lock, has no socket. */
static __attribute__((noinline)) void ask_statistics(const struct plx_port *p, struct pk_rxq *q)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	if (q->fd < 0)
		return;
	pthread_mutex_lock(&lock);
	if (!p->sys->getsockopt(q->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len)) {
		__atomic_add_fetch(&q->kernel_pkts, st.tp_packets, __ATOMIC_RELAXED);
		__atomic_add_fetch(&q->kernel_drops, st.tp_drops, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&lock);
}

/* All that its filter let through, whether they found room in the ring or not. */
static bool pk_offered(struct plx_port *p, uint16_t i, uint64_t *n)
{
	struct pk_rxq *q = pk_rxq(p->rxq[i]);

	ask_statistics(p, q);
	*n = __atomic_load_n(&q->kernel_pkts, __ATOMIC_RELAXED);
	return q->fd >= 0;
}

static void pk_lost(struct plx_port *p, uint16_t i, uint64_t *n)
{
	struct pk_rxq *q = pk_rxq(p->rxq[i]);

	ask_statistics(p, q);
	n[PLX_RX_DROP_ring_full] += __atomic_load_n(&q->kernel_drops, __ATOMIC_RELAXED);
}

static int pk_xstats(struct plx_port *p, struct plx_xstat *x, int n)
{
	int at = 0;

	for (uint16_t i = 0; i < p->nrx; i++) {
		struct pk_rxq *q = pk_rxq(p->rxq[i]);

		ask_statistics(p, q);
		at = put_xstat(x, n, at, __atomic_load_n(&q->kernel_pkts, __ATOMIC_RELAXED), "kernel_packets", i);
		at = put_xstat(x, n, at, __atomic_load_n(&q->kernel_drops, __ATOMIC_RELAXED), "kernel_drops", i);
		at = put_xstat(x, n, at, plx_ctr_read(&q->base.stats.pool_waits), "pool_waits", i);
	}
	return at;
}

static uint32_t pk_frames(const struct plx_port_conf *c, uint32_t rxd, uint32_t txd)
{
	(void)c; (void)rxd; (void)txd;
	return 0; /* the rings are the kernel's memory */
}

static struct plx_beside pk_beside(const struct plx_port_conf *c, uint32_t mtu, uint32_t frames)
{
	(void)frames;
	return (struct plx_beside){
		.rings = ((uint64_t)c->rxqs * c->rxd << rx_shift(mtu)) + ((uint64_t)c->txqs * c->txd << tx_shift(mtu)),
		.own = (uint64_t)c->rxqs * SCRATCH,
	};
}

const struct plx_driver plx_packet_driver = {
	.name = "packet", .what = "AF_PACKET rings: any interface, one copy; the host gets every frame too",
	.device = true, .any_queues = true, .frames = pk_frames, .beside = pk_beside,
	.open = pk_open, .start = pk_start, .stop = pk_stop, .close = pk_close,
	.xstats = pk_xstats, .offered = pk_offered, .lost = pk_lost, .rx_fd = pk_rx_fd, .rx_arm = pk_rx_arm,
	.rx_disarm = pk_rx_disarm, .link = pk_link, .forked = pk_forked,
};

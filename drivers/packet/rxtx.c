/* SPDX-License-Identifier: MIT */
/* rxtx.c - the bursts of the packet driver.  Hot file: bounded loops, no allocation, no
   log, no system call but one doorbell a burst, and one for each received packet that is
   longer than a slot.  Called by the queue's lcore. */
#include "packet.h"
#include "doorbell.h"
#include "plx_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>

/* ---- receive ---- */

/* Where the bytes of a received packet stand.  A tag that the kernel took out goes back
   in behind the addresses, so that the packet is as it was on the wire. */
struct span {
	const uint8_t *data;
	uint32_t len;                /* of data, without the tag */
	bool     tagged;
	uint8_t  tag[VLAN_LEN];
};

static void find_tag(struct span *s, const struct tpacket2_hdr *h, uint32_t status)
{
	s->tagged = status & TP_STATUS_VLAN_VALID && s->len >= 2 * ETH_ALEN;
	if (!s->tagged)
		return;
	uint16_t tpid = htons(status & TP_STATUS_VLAN_TPID_VALID ? h->tp_vlan_tpid : ETH_P_8021Q);
	uint16_t tci = htons(h->tp_vlan_tci);
	memcpy(s->tag, &tpid, 2);
	memcpy(s->tag + 2, &tci, 2);
}

/* Copies at most room bytes of the packet from offset at. */
static uint16_t copy_span(uint8_t *to, const struct span *s, uint32_t at, uint32_t room)
{
	uint32_t len = s->len + (s->tagged ? VLAN_LEN : 0) - at;

	len = len < room ? len : room;
	if (plx_likely(!s->tagged)) {
		memcpy(to, s->data + at, len);
	} else if (at) {
		memcpy(to, s->data + at - VLAN_LEN, len);
	} else {
		memcpy(to, s->data, 2 * ETH_ALEN);
		memcpy(to + 2 * ETH_ALEN, s->tag, VLAN_LEN);
		memcpy(to + 2 * ETH_ALEN + VLAN_LEN, s->data + 2 * ETH_ALEN, len - 2 * ETH_ALEN - VLAN_LEN);
	}
	return (uint16_t)len;
}

/* An empty segment with room for q->room bytes. */
static void fresh(struct pk_rxq *q, struct plx_mbuf *m, struct plx_rx_like like)
{
	struct plx_pool *p = q->base.pool;

	m->data = p->area + plx_pool_frame_off(p, m) + p->data_off;
	plx_rx_set(m, like);
}

static void fill_in(struct plx_mbuf *m, const struct tpacket2_hdr *h, uint32_t status)
{
	m->timestamp = (uint64_t)h->tp_sec * 1000000000u + h->tp_nsec;
	m->flags = PLX_MBUF_TIMESTAMP;
	if (status & TP_STATUS_CSUMNOTREADY)
		m->flags |= PLX_CSUM_PARTIAL << PLX_MBUF_RX_CSUM;
	else if (status & TP_STATUS_CSUM_VALID)
		m->flags |= PLX_CSUM_GOOD << PLX_MBUF_RX_CSUM;
}

/* A packet longer than one frame becomes a chain on m.  False: the pool has too few. */
static bool copy_chain(struct pk_rxq *q, struct plx_mbuf *m, const struct span *s, struct plx_rx_like like)
{
	uint32_t len = s->len + (s->tagged ? VLAN_LEN : 0), at = 0;
	struct plx_mbuf *more[UINT8_MAX], *last = m;
	uint16_t need = (uint16_t)((len - 1) / q->room);

	PLX_DASSERT(need < UINT8_MAX); /* no slot and no scratch holds more */
	uint16_t got = plx_pool_take(q->base.pool, more, need);
	if (got < need) {
		plx_pool_give(q->base.pool, more, got);
		return false;
	}
	for (uint16_t i = 0;; i++) {
		last->pkt_len = last->len = copy_span(last->data, s, at, q->room);
		at += last->len;
		if (i == need)
			break;
		last = last->next = more[i];
		fresh(q, last, like);
	}
	m->nsegs = (uint8_t)(need + 1);
	m->pkt_len = len;
	return true;
}

/* The kernel keeps a packet that is longer than a slot in the socket's queue, whole. */
static bool read_long(struct pk_rxq *q, struct span *s)
{
	ssize_t n = q->base.port->sys->recvfrom(q->fd, q->scratch, SCRATCH, MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);

	plx_ctr_add(&q->base.stats.kicks, 1);
	s->data = q->scratch;
	s->len = n > 0 ? (uint32_t)n : 0;
	return n > 0 && n <= SCRATCH && (uint32_t)n <= (uint32_t)q->room * UINT8_MAX - VLAN_LEN;
}

static void drop(struct pk_rxq *q, enum plx_rx_drop why)
{
	plx_ctr_add(&q->base.stats.drop[why], 1);
}

/* Takes the slot's packet into m.  1: done; 0: dropped, m is still to be used. */
static int take_slot(struct pk_rxq *q, struct plx_mbuf *m, const struct tpacket2_hdr *h, uint32_t status,
                     struct plx_rx_like like)
{
	struct span s = { .data = (const uint8_t *)h + h->tp_mac, .len = h->tp_snaplen };

	if (plx_unlikely(h->tp_mac + (uint64_t)s.len > 1u << q->ring.shift)) {
		drop(q, PLX_RX_DROP_bad_desc);
		return 0;
	}
	if (plx_unlikely(s.len < h->tp_len) && !(status & TP_STATUS_COPY && read_long(q, &s))) {
		drop(q, PLX_RX_DROP_long_frame);
		return 0;
	}
	find_tag(&s, h, status);
	fresh(q, m, like);
	fill_in(m, h, status);
	if (plx_likely(s.len + VLAN_LEN <= q->room)) {
		m->len = copy_span(m->data, &s, 0, q->room);
		m->pkt_len = m->len;
	} else if (!copy_chain(q, m, &s, like)) {
		drop(q, PLX_RX_DROP_no_mbuf);
		return 0;
	}
	return 1;
}

uint16_t pk_rx(struct plx_rxq *base, struct plx_mbuf **m, uint16_t n)
{
	struct pk_rxq *q = pk_rxq(base);
	const struct plx_rx_like like = plx_rx_like(base, 0);
	struct pk_ring *r = &q->ring;
	uint64_t bytes = 0;
	uint16_t have = 0, k = 0;

	plx_ctr_add(&base->stats.bursts, 1);
	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	/* acquire: pairs with pk_start, which emptied the ring */
	if (plx_likely(__atomic_load_n(&q->running, __ATOMIC_ACQUIRE)))
		while (have < n && have <= r->mask && pk_status(pk_slot(r, r->head + have)) & TP_STATUS_USER)
			have++;
	if (!have) {
		plx_ctr_add(&base->stats.empty, 1);
		return 0;
	}
	uint16_t got = plx_pool_take(base->pool, m, have);
	PLX_DASSERT(have <= n && have <= r->mask + 1);
	if (plx_unlikely(got < have))
		plx_ctr_add(&base->stats.pool_waits, 1);
	for (uint16_t i = 0; i < got; i++) {
		struct tpacket2_hdr *h = pk_slot(r, r->head++);
		if (plx_likely(take_slot(q, m[k], h, pk_status(h), like)))
			bytes += m[k++]->pkt_len;
		pk_set_status(h, TP_STATUS_KERNEL);
	}
	if (plx_unlikely(k < got))
		plx_pool_give(base->pool, m + k, (uint16_t)(got - k));
	plx_ctr_add(&base->stats.pkts, k);
	plx_ctr_add(&base->stats.bytes, bytes);
	return k;
}

void pk_rx_discard(struct pk_rxq *q)
{
	struct tpacket2_hdr *h;
	uint32_t n = 0;

	for (uint32_t i = 0; i <= q->ring.mask; i++) {
		h = pk_slot(&q->ring, q->ring.head);
		uint32_t status = pk_status(h);
		if (!(status & TP_STATUS_USER))
			break;
		if (status & TP_STATUS_COPY)
			q->base.port->sys->recvfrom(q->fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC, NULL, NULL);
		pk_set_status(h, TP_STATUS_KERNEL);
		q->ring.head++;
		n++;
	}
	plx_ctr_add(&q->base.stats.drop[PLX_RX_DROP_closed], n);
}

/* ---- transmit ---- */

uint32_t pk_tx_waiting(struct pk_txq *q)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= q->ring.mask; i++)
		n += pk_status(pk_slot(&q->ring, i)) != TP_STATUS_AVAILABLE;
	return n;
}

static void link_found(struct pk_txq *q, enum plx_link link)
{
	if (plx_port_link(q->base.port) != PLX_LINK_REMOVED)
		__atomic_store_n(&q->base.port->link, (uint32_t)link, __ATOMIC_RELAXED);
}

/* The link is down, or the kernel acts as if it were: every so often it is asked, so that a
   port recovers without anybody who listens to link events. */
static void doubt_link(struct pk_txq *q)
{
	struct plx_port *p = q->base.port;
	struct ifreq ifr = { 0 };

	if (++q->doubts % LOOK_EVERY)
		return;
	memcpy(ifr.ifr_name, p->name, IFNAMSIZ - 1);
	plx_ctr_add(&q->base.stats.kicks, 1);
	if (!p->sys->ioctl(q->fd, SIOCGIFFLAGS, &ifr)) /* a renamed interface keeps its last state */
		link_found(q, ifr.ifr_flags & IFF_UP && ifr.ifr_flags & IFF_RUNNING ? PLX_LINK_UP : PLX_LINK_DOWN);
}

/* Nothing is closed for an errno: whatever it is may pass, so the doorbell rings again, after
   1 ms and then each time twice as late.  That the interface is gone, only netlink tells. */
static void back_off(struct pk_txq *q)
{
	q->gap = !q->gap ? GAP_MIN_NS : q->gap * 2 < GAP_MAX_NS ? q->gap * 2 : GAP_MAX_NS;
	q->retry_at = plx_sys_now(q->base.port->sys) + q->gap;
}

/* What the doorbell said.  Whatever it was, it is not rung again in this call: slots
   the kernel did not take stay as they are and go with the next one. */
static void doorbell_failed(struct pk_txq *q, int err)
{
	enum plx_stop why = PLX_STOP_error;

	switch (err) {
	case EAGAIN: /* the socket's share of memory is all in flight */
	case EINTR:
		why = PLX_STOP_again;
		break;
	case EBUSY:
		why = PLX_STOP_busy;
		break;
	case ENOBUFS: /* the queue behind the device is full, for microseconds; or no carrier */
		doubt_link(q);
		why = PLX_STOP_nobufs;
		break;
	case ENOMEM:
		back_off(q);
		why = PLX_STOP_nobufs;
		break;
	case ENETDOWN:
		link_found(q, PLX_LINK_DOWN);
		why = PLX_STOP_link_down;
		break;
	default:
		q->base.err = -err;
		back_off(q);
	}
	plx_ctr_add(&q->base.stats.stop[why], 1);
}

static uint32_t with_tag(const uint8_t *frame, uint32_t len)
{
	return len >= ETH_HLEN && frame[12] == 0x81 && !frame[13] ? VLAN_LEN : 0;
}

/* How many of the n slots before q->tail are longer than the device takes: the MTU sank while
   they waited, and the kernel drops them without a word of which. */
static uint32_t too_long(struct pk_txq *q, uint32_t n)
{
	struct plx_port *p = q->base.port;
	struct ifreq ifr = { 0 };
	uint32_t found = 0;

	memcpy(ifr.ifr_name, p->name, IFNAMSIZ - 1);
	plx_ctr_add(&q->base.stats.kicks, 1);
	if (!p->sys->ioctl(q->fd, SIOCGIFMTU, &ifr))
		for (uint32_t i = q->tail - n; i != q->tail; i++) {
			const struct tpacket2_hdr *h = pk_slot(&q->ring, i);
			found += h->tp_len >
			         (uint32_t)ifr.ifr_mtu + ETH_HLEN + with_tag((const uint8_t *)h + TX_DATA, h->tp_len);
		}
	return found ? found : 1;
}

/* Counts the slots that the kernel has taken since the last look.  It sends in order, and told
   is the bytes of those that it did not drop. */
static void account(struct pk_txq *q, uint64_t told)
{
	uint64_t bytes = 0;
	uint32_t n = 0, lost = 0;

	for (; q->tail != q->ring.head; q->tail++, n++) {
		const struct tpacket2_hdr *h = pk_slot(&q->ring, q->tail);
		if (pk_status(h) & TP_STATUS_SEND_REQUEST)
			break;
		bytes += h->tp_len;
	}
	if (plx_unlikely(bytes > told)) {
		lost = too_long(q, n);
		bytes = told;
	}
	PLX_DASSERT(lost <= n && q->ring.head - q->tail <= q->ring.mask + 1);
	plx_ctr_add(&q->base.stats.pkts, n - lost);
	plx_ctr_add(&q->base.stats.bytes, bytes);
	plx_ctr_add(&q->base.stats.drop[PLX_TX_DROP_bad_len], lost);
}

static void ring_doorbell(struct pk_txq *q)
{
	struct plx_port *p = q->base.port;

	q->unrung = 0;
	plx_ctr_add(&q->base.stats.kicks, 1);
	ssize_t n = p->sys->sendto(q->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	int err = n < 0 ? errno : 0;

	/* ENOBUFS keeps to itself what was sent before it */
	account(q, err == ENOBUFS ? UINT64_MAX : err ? 0 : (uint64_t)n);
	if (plx_unlikely(err)) {
		doorbell_failed(q, err);
	} else {
		q->gap = 0;
		q->base.err = 0;
	}
}

void pk_tx_ring(struct pk_txq *q)
{
	struct plx_port *p = q->base.port;

	if (plx_likely(!q->gap) || plx_sys_now(p->sys) >= q->retry_at)
		ring_doorbell(q);
	/* on an lcore the loop comes back for what is left; on a dead link nobody need */
	if (plx_tx_may_wait() && plx_port_link(p) == PLX_LINK_UP && q->tail != q->ring.head)
		plx_tx_pending_add(&q->base);
}

void pk_tx_withdraw(struct pk_txq *q)
{
	const bool removed = plx_port_link(q->base.port) == PLX_LINK_REMOVED;
	const enum plx_tx_drop why = removed ? PLX_TX_DROP_removed : PLX_TX_DROP_closed;

	PLX_ASSERT(q->ring.head - q->tail <= q->ring.mask + 1);
	plx_ctr_add(&q->base.stats.drop[why], q->ring.head - q->tail);
	while (q->ring.head != q->tail) /* the kernel's place in the ring is q->tail, too */
		pk_set_status(pk_slot(&q->ring, --q->ring.head), TP_STATUS_AVAILABLE);
	q->unrung = 0;
	q->gap = 0;
}

/* False: the link is down and packets stay the caller's. */
static bool link_usable(struct pk_txq *q)
{
	if (plx_likely(plx_port_link(q->base.port) == PLX_LINK_UP))
		return true;
	if (plx_port_link(q->base.port) == PLX_LINK_DOWN)
		doubt_link(q);
	return plx_port_link(q->base.port) == PLX_LINK_UP;
}

static uint32_t sum_len(const struct plx_mbuf *m)
{
	uint32_t sum = m->len;

	for (m = m->next; plx_unlikely(m != NULL); m = m->next)
		sum += m->len;
	return sum;
}

/* The slot holds what max_len allows, so the segments must be as long as the packet says. */
static bool sendable(const struct pk_txq *q, const struct plx_mbuf *m)
{
	const struct pk_port *p = pk_port(q->base.port);
	uint32_t max = __atomic_load_n(&p->max_len, __ATOMIC_RELAXED);

	if (plx_unlikely(sum_len(m) != m->pkt_len))
		return false;
	if (plx_unlikely(m->pkt_len > max))
		max += with_tag(m->data, m->len);
	return plx_likely(m->pkt_len >= ETH_HLEN && m->pkt_len <= max);
}

static void gather(uint8_t *to, const struct plx_mbuf *m)
{
	for (; m; m = m->next) {
		memcpy(to, m->data, m->len);
		to += m->len;
	}
}

static void tx_drop(struct pk_txq *q, enum plx_tx_drop why)
{
	plx_ctr_add(&q->base.stats.drop[why], 1);
}

/* The slot's copy of m is ours to change, whoever holds m.  False: it cannot be sent. */
static bool finish_csum(struct pk_txq *q, uint8_t *frame, const struct plx_mbuf *m)
{
	struct plx_pkt k;

	if (plx_mbuf_tx_csum(m) != PLX_CSUM_PARTIAL)
		return true;
	if (plx_parse(&k, frame, m->pkt_len) || plx_csum_finish(frame, &k))
		return false;
	plx_ctr_add(&q->base.stats.csums, 1);
	return true;
}

/* Copies m[0,n) into slots until one is still the kernel's; returns how many were taken. */
static uint16_t fill_slots(struct pk_txq *q, struct plx_mbuf **m, uint16_t n)
{
	uint32_t head = q->ring.head;
	uint16_t i = 0;

	for (; i < n; i++) {
		const bool l3 = m[i]->flags & PLX_MBUF_L3;

		if (plx_unlikely(l3 || !sendable(q, m[i]))) {
			tx_drop(q, l3 ? PLX_TX_DROP_no_l2 : PLX_TX_DROP_bad_len);
			continue;
		}
		struct tpacket2_hdr *h = pk_slot(&q->ring, q->ring.head);
		if (pk_status(h) != TP_STATUS_AVAILABLE)
			break;
		gather((uint8_t *)h + TX_DATA, m[i]);
		if (plx_unlikely(m[i]->flags & PLX_TX_ODD) && !finish_csum(q, (uint8_t *)h + TX_DATA, m[i])) {
			tx_drop(q, PLX_TX_DROP_csum);
			continue;
		}
		h->tp_len = m[i]->pkt_len;
		pk_set_status(h, TP_STATUS_SEND_REQUEST);
		q->ring.head++;
	}
	q->unrung += q->ring.head - head;
	PLX_DASSERT(i <= n && q->ring.head - q->tail <= q->ring.mask + 1 && q->unrung <= q->ring.mask + 1);
	return i;
}

static uint16_t drop_removed(struct pk_txq *q, struct plx_mbuf **m, uint16_t n)
{
	plx_ctr_add(&q->base.stats.drop[PLX_TX_DROP_removed], n);
	plx_mbuf_put_bulk(m, n);
	return n;
}

uint16_t pk_tx(struct plx_txq *base, struct plx_mbuf **m, uint16_t n)
{
	struct pk_txq *q = pk_txq(base);
	uint16_t k = 0;

	plx_tx_enter(base, m, n);
	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	base->link_down = !link_usable(q);
	if (plx_unlikely(base->link_down)) {
		if (plx_port_link(base->port) == PLX_LINK_REMOVED)
			return drop_removed(q, m, n);
		plx_ctr_add(&base->stats.stop[PLX_STOP_link_down], n > 0);
		return 0;
	}
	if (n) {
		k = fill_slots(q, m, n);
		plx_mbuf_put_bulk(m, k);
		plx_ctr_add(&base->stats.bursts, 1);
		plx_ctr_add(&base->stats.stop[PLX_STOP_ring_full], k < n);
	}
	if (plx_tx_may_wait() && n && k == n && q->unrung < PLX_BURST)
		plx_tx_pending_add(base); /* the lcore rings before it idles */
	else if (q->tail != q->ring.head)
		pk_tx_ring(q);
	return k;
}

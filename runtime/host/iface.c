/* SPDX-License-Identifier: MIT */
/* iface.c - discovery of one interface: asks each source in turn; and the words and CPU sets
   they share.  Cold; main thread. */
#include "iface.h"
#include "nl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

const char *iface_how_name(enum iface_how how)
{
#define X(id, what) what,
	static const char *const names[] = { IFACE_HOWS(X) };
#undef X
	return (unsigned)how < PLX_ARRAY_SIZE(names) ? names[how] : "?";
}

const char *iface_feature_name(enum iface_feature f)
{
#define X(id, name, word) name,
	static const char *const names[] = { IFACE_FEATURES(X) };
#undef X
	return (unsigned)f < PLX_ARRAY_SIZE(names) ? names[f] : "?";
}

const char *iface_feature_word(enum iface_feature f)
{
#define X(id, name, word) word,
	static const char *const words[] = { IFACE_FEATURES(X) };
#undef X
	return (unsigned)f < PLX_ARRAY_SIZE(words) ? words[f] : "?";
}

/* ---- one interface ---- */

static void queues_init(struct iface_queue *q, unsigned n)
{
	for (; n--; q++)
		*q = (struct iface_queue){ .napi = -1, .napi_pid = -1, .irq = -1, .cpu = -1, .node = -1,
		                           .defer_hard_irqs = -1, .gro_flush_ns = -1, .irq_suspend_ns = -1,
		                           .rss = -1, .xsk = -1 };
}

/* The tables of queues are most of l, so what does not write them need not clear them. */
void iface_link_init_head(struct iface *l)
{
	memset(l, 0, offsetof(struct iface, rxq));
	l->node = l->operstate = l->bond_mode = -1;
	l->type = -1;
	l->lower_netns = l->vlan = l->rxqs_alloc = l->txqs_alloc = -1;
	l->ch_rx = l->ch_tx = l->ch_combined = l->ch_rx_max = l->ch_tx_max = l->ch_combined_max = -1;
	l->rx_ring = l->tx_ring = l->rx_ring_max = l->tx_ring_max = l->rx_buf_len = -1;
	l->hds = -1;
	l->rss_key_len = l->zc_max_segs = -1;
}

void iface_link_init(struct iface *l)
{
	iface_link_init_head(l);
	queues_init(l->rxq, PLX_QUEUES_MAX);
	queues_init(l->txq, PLX_QUEUES_MAX);
}

void iface_rss(struct iface *l, const uint32_t *table, uint32_t n)
{
	l->rss_size = (int32_t)n;
	for (unsigned i = 0; i < PLX_QUEUES_MAX; i++)
		l->rxq[i].rss = n ? 0 : -1;
	for (uint32_t i = 0; i < n; i++) {
		if (i < IFACE_RSS_MAX)
			l->rss[i] = (uint16_t)table[i];
		if (table[i] < PLX_QUEUES_MAX)
			l->rxq[table[i]].rss++;
	}
}

/* What drivers/ finds out by itself; also the only source where rtnetlink is refused. */
static void basics(const struct plx_link_info *li, struct iface *l)
{
	memcpy(l->kdriver, li->kdriver, sizeof(l->kdriver));
	memcpy(l->bus, li->bus, sizeof(l->bus));
	l->node = li->node;
	l->nrxqs = li->rxqs < PLX_QUEUES_MAX ? li->rxqs : PLX_QUEUES_MAX;
	l->ntxqs = li->txqs < PLX_QUEUES_MAX ? li->txqs : PLX_QUEUES_MAX;
	if (l->ifindex)
		return;
	memcpy(l->name, li->name, sizeof(l->name));
	memcpy(l->mac, li->mac, sizeof(l->mac));
	l->ifindex = li->ifindex;
	l->type = li->type;
	l->mtu = li->mtu;
}

/* What is asked by generic netlink, and by ioctl where that has no answer. */
static void generic(const struct plx_sys *sys, struct iface *l)
{
	struct nl q;
	int err = nl_open(&q, sys, NETLINK_GENERIC);

	if (!err)
		iface_ethtool(&q, l);
	iface_ioctl(sys, l);
	if (!err) {
		iface_netdev(&q, l);
		nl_close(&q);
	}
}

/* Where basics() could not tell, and the kernel lists no queues (before 6.8): as many as channels; a device has one. */
static uint16_t channels(int32_t own, int32_t combined)
{
	int64_t n = (int64_t)(own > 0 ? own : 0) + (combined > 0 ? combined : 0);

	return (uint16_t)(n < 1 ? 1 : n < PLX_QUEUES_MAX ? n : PLX_QUEUES_MAX);
}

/* By rtnetlink; -ENODEV is what it says of an interface that is not there. */
static int identity(const struct plx_sys *sys, const char *name, struct iface *l)
{
	struct nl q;

	iface_link_init(l);
	int err = nl_open(&q, sys, NETLINK_ROUTE);

	if (!err) {
		err = iface_rtnl(&q, name, l);
		l->netns = iface_netns(&q);
		if (!err)
			iface_rtnl_names(&q, l);
		nl_close(&q);
	}
	return err;
}

static void queues(const struct plx_sys *sys, struct iface *l)
{
	generic(sys, l);
	l->nrxqs = l->nrxqs ? l->nrxqs : channels(l->ch_rx, l->ch_combined);
	l->ntxqs = l->ntxqs ? l->ntxqs : channels(l->ch_tx, l->ch_combined);
	plx_xdp_prog(&l->xdp, sys);
	iface_irq(sys, l);
}

int iface_read(const struct plx_sys *sys, const char *name, struct iface *l)
{
	struct plx_link_info li;
	int err = identity(sys, name, l);

	if (err == -ENODEV)
		return err;
	err = plx_link_query(sys, l->ifindex ? l->name : name, &li);
	if (err && (err == -ENODEV || !l->ifindex))
		return err;
	if (!err)
		basics(&li, l);
	queues(sys, l);
	return 0;
}

int iface_read_more(const struct plx_sys *sys, const struct plx_link_info *li, struct iface *l)
{
	if (identity(sys, li->name, l) == -ENODEV)
		return -ENODEV;
	basics(li, l);
	queues(sys, l);
	return 0;
}

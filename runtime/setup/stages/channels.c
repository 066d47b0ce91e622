/* SPDX-License-Identifier: MIT */
/* channels.c - as many queues as ports use: what they should be, the stage, and channels as
   a value.  Cold; called through the tables of stages and kinds. */
#include "dev.h"
#include "nl.h"
#include "plx_text.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

/* ---- what they should be; pure ---- */

static int known(int32_t n)
{
	return n > 0 ? n : 0;
}

/* A device without channels has the queues it was made with. */
static int fixed(int rx, int tx, const struct iface *l)
{
	return rx > l->nrxqs || tx > l->ntxqs ? -ERANGE : 1;
}

/* need: queues of c up to the last one it names; 0 = those there are. */
static void need(const struct plx_port_conf *c, const struct iface *l, int *rx, int *tx)
{
	int max = known(l->ch_tx_max) + known(l->ch_combined_max), now = known(l->ch_tx) + known(l->ch_combined);

	*rx = c->rxqs ? c->queue + c->rxqs : 0;
	*tx = c->txqs ? c->queue + c->txqs : 0;
	if (!c->txqs && c->rxqs) { /* as many as receive queues, if there can be */
		*tx = c->queue + c->rxqs;
		if (*tx > max && *tx > now)
			*tx = max > now ? max : now;
	}
}

/* spare: more receive queues than a device without a table of flows can keep quiet. */
static bool spare(const struct iface *l, int rx)
{
	return !l->rss_size && rx && known(l->ch_rx) + known(l->ch_combined) > rx;
}

static int want_combined(const struct iface *l, int need_rx, int need_tx, int *combined)
{
	int rx = need_rx - known(l->ch_rx), tx = need_tx - known(l->ch_tx), n = rx > tx ? rx : tx;

	if (n <= l->ch_combined && !spare(l, need_rx))
		return 1;
	n = n < 1 ? 1 : n;
	if (n > l->ch_combined_max)
		return -ERANGE;
	*combined = n;
	return n == l->ch_combined;
}

static int want_apart(const struct iface *l, int need_rx, int need_tx, int *rx, int *tx)
{
	if (need_rx > known(l->ch_rx) || spare(l, need_rx))
		*rx = need_rx;
	if (need_tx > known(l->ch_tx))
		*tx = need_tx;
	if (*rx > known(l->ch_rx_max) || *tx > known(l->ch_tx_max))
		return -ERANGE;
	return *rx == known(l->ch_rx) && *tx == known(l->ch_tx);
}

int setup_channels_want(const struct plx_port_conf *c, const struct iface *l, int *rx, int *tx, int *combined)
{
	int need_rx, need_tx;

	if (!setup_dev_binds(c))
		return 1;
	need(c, l, &need_rx, &need_tx);
	if (known(l->ch_rx_max) + known(l->ch_combined_max) == 0)
		return fixed(need_rx, c->txqs ? need_tx : 0, l);
	*rx = known(l->ch_rx);
	*tx = known(l->ch_tx);
	*combined = known(l->ch_combined);
	if (*combined || !known(l->ch_rx_max))
		return want_combined(l, need_rx, need_tx, combined);
	return want_apart(l, need_rx, need_tx, rx, tx);
}

/* ---- the stage ---- */

static void out_of_range(struct setup *s, unsigned i, const struct plx_port_conf *c)
{
	const struct iface *l = s->in.host->iface[i].found;
	int rx = known(l->ch_rx_max) + known(l->ch_combined_max), tx = known(l->ch_tx_max) + known(l->ch_combined_max);

	rx = rx ? rx : l->nrxqs;
	tx = tx ? tx : l->ntxqs;
	setup_cannot(s, SETUP_channels,
	             "%s: %u receive and %u transmit queues are asked for, the device can have %d and %d: "
	             "use fewer with rxqs= and txqs=, or a lower queue=",
	             l->name, c->rxqs, c->txqs, rx, tx);
}

/* What the driver makes anew when its channels change, unless a stage sees to it. */
static void guards(struct setup *s, const struct iface *l)
{
	char object[SETUP_OBJECT_MAX], q[16];

	if (l->rss_size) {
		setup_dev_object(object, l->ifindex, l->name, "");
		setup_guard(s, SETUP_channels, &setup_rss, object);
	}
	for (unsigned i = 0; i < l->nrxqs; i++) {
		if (l->rxq[i].irq >= 0) {
			snprintf(object, sizeof(object), "/proc/irq/%d/smp_affinity_list", l->rxq[i].irq);
			setup_guard(s, SETUP_channels, &setup_file, object);
		}
		if (l->rxq[i].napi >= 0 && l->rxq[i].defer_hard_irqs >= 0) {
			snprintf(q, sizeof(q), "%u", i);
			setup_dev_object(object, l->ifindex, l->name, q);
			setup_guard(s, SETUP_channels, &setup_napi, object);
		}
	}
	for (unsigned i = 0; i < l->ntxqs; i++) {
		if (l->txq[i].irq >= 0) {
			snprintf(object, sizeof(object), "/proc/irq/%d/smp_affinity_list", l->txq[i].irq);
			setup_guard(s, SETUP_channels, &setup_file, object);
		}
	}
}

static void plan_port(struct setup *s, unsigned i)
{
	const struct iface *l = s->in.host->iface[i].found;
	char object[SETUP_OBJECT_MAX], want[64];
	struct plx_port_conf c;
	int rx = 0, tx = 0, combined = 0;

	setup_dev_conf(s, i, &c);
	int r = setup_channels_want(&c, l, &rx, &tx, &combined);

	if (r == -ERANGE) {
		out_of_range(s, i, &c);
		return;
	}
	if (r && known(l->ch_rx_max) + known(l->ch_combined_max) == 0) {
		setup_skip(s, SETUP_channels, "%s: its driver has no channels to set, %u queues are there", l->name,
		           l->nrxqs);
		return;
	}
	if (!r)
		guards(s, l);
	setup_dev_object(object, l->ifindex, l->name, "");
	snprintf(want, sizeof(want), "rx %d tx %d combined %d", rx, tx, combined);
	if (rx + combined < known(l->ch_rx) + known(l->ch_combined))
		setup_want(s, SETUP_channels, &setup_channels, object, want,
		           "%s has no table that keeps flows away from "
		           "the queues that no port uses",
		           l->name);
	else
		setup_want(s, SETUP_channels, &setup_channels, object, want,
		           "ports use %u receive and %u transmit queues of %s", c.rxqs ? c.rxqs : l->nrxqs, c.txqs,
		           l->name);
}

void setup_plan_channels(struct setup *s)
{
	setup_dev_each(s, SETUP_channels, plan_port);
}

/* ---- channels as a value ---- */

static int read_channels(const struct setup_dev *d, struct ethtool_channels *c)
{
	*c = (struct ethtool_channels){ .cmd = ETHTOOL_GCHANNELS };
	return setup_dev_ethtool(d, c);
}

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct ethtool_channels c;
	struct setup_dev d;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = read_channels(&d, &c);
	setup_dev_close(&d);
	if (err < 0)
		return err;
	snprintf(value, len, "rx %u tx %u combined %u", c.rx_count, c.tx_count, c.combined_count);
	return 0;
}

/* By netlink, which tells why it refuses. */
static int set_netlink(const struct setup_dev *d, const struct ethtool_channels *c, char *why, size_t len)
{
	alignas(struct nlmsghdr) char buf[256];
	struct nl q;
	int err = nl_open(&q, d->sys, NETLINK_GENERIC);

	if (err)
		return -ENOSYS;
	int family = nl_family(&q, ETHTOOL_GENL_NAME, NULL);

	if (family > 0) {
		struct nlmsghdr *h = nl_genl(buf, family, ETHTOOL_MSG_CHANNELS_SET, 0);
		struct nlattr *nest = mnl_attr_nest_start(h, ETHTOOL_A_CHANNELS_HEADER);

		mnl_attr_put_u32(h, ETHTOOL_A_HEADER_DEV_INDEX, d->ifindex);
		mnl_attr_nest_end(h, nest);
		mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_RX_COUNT, c->rx_count);
		mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_TX_COUNT, c->tx_count);
		mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_COMBINED_COUNT, c->combined_count);
		err = nl_ask(&q, h, NULL, NULL);
		if (err)
			snprintf(why, len, "%s", q.said);
	}
	nl_close(&q);
	return family > 0 ? err : -ENOSYS;
}

static void fix(int err, const struct setup_dev *d, char *why, size_t len)
{
	if (err == -EPERM)
		plx_text_add(why, len, "%sit needs CAP_NET_ADMIN: run as root", *why ? ": " : "");
	else if (err == -EINVAL || err == -EBUSY)
		plx_text_add(why, len, "%send the program that has an AF_XDP socket on %s, or free the queues of its "
		             "table: ethtool -X %s default", *why ? ": " : "", d->name, PLX_QUOTED(d->name));
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	unsigned rx, tx, combined;
	struct ethtool_channels c;
	struct setup_dev d;

	if (sscanf(value, "rx %u tx %u combined %u", &rx, &tx, &combined) != 3)
		return -EINVAL;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = read_channels(&d, &c);
	if (err >= 0 && (c.rx_count != rx || c.tx_count != tx || c.combined_count != combined)) {
		c.cmd = ETHTOOL_SCHANNELS;
		c.rx_count = rx;
		c.tx_count = tx;
		c.combined_count = combined;
		err = set_netlink(&d, &c, why, len);
		if (err == -ENOSYS)
			err = setup_dev_ethtool(&d, &c);
		if (err < 0)
			fix(err, &d, why, len);
		else
			setup_rss_default(&d);
	}
	setup_dev_close(&d);
	return err < 0 ? err : 0;
}

/* Only the kinds that the device has are named; of one that is gone, those that are not 0. */
static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	static const char *const kinds[] = { "rx", "tx", "combined" };
	unsigned n[3] = { 0 };
	struct ethtool_channels c = { .cmd = 0 };
	struct setup_dev d;
	char name[80];

	if (!setup_dev_open(&d, s->in.sys, object)) {
		if (read_channels(&d, &c) < 0)
			c = (struct ethtool_channels){ .cmd = 0 };
		setup_dev_close(&d);
	}
	const uint32_t max[3] = { c.max_rx, c.max_tx, c.max_combined };

	sscanf(value, "rx %u tx %u combined %u", &n[0], &n[1], &n[2]);
	plx_text_quote(name, sizeof(name), d.name);
	snprintf(buf, len, "ethtool -L %s", name);
	for (int i = 0; i < 3; i++)
		if (max[i] || n[i])
			plx_text_add(buf, len, " %s %u", kinds[i], n[i]);
}

const struct setup_kind setup_channels = {
	.name = "channels", .netns = true, .get = get, .set = set, .command = command
};

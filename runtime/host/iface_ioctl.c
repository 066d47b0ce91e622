/* SPDX-License-Identifier: MIT */
/* iface_ioctl.c - what ethtool's ioctl tells of an interface where its netlink did not: an
   older kernel, or a driver that has only this.  Cold; discovery. */
#include "iface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

static bool ask(const struct plx_sys *sys, int fd, const struct iface *l, void *cmd)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, l->name, sizeof(l->name));
	ifr.ifr_data = cmd;
	return !sys->ioctl(fd, SIOCETHTOOL, &ifr);
}

static int32_t cut(uint32_t v)
{
	return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static void channels(const struct plx_sys *sys, int fd, struct iface *l)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };

	if (!ask(sys, fd, l, &c))
		return;
	l->ch_rx = cut(c.rx_count);
	l->ch_tx = cut(c.tx_count);
	l->ch_combined = cut(c.combined_count);
	l->ch_rx_max = cut(c.max_rx);
	l->ch_tx_max = cut(c.max_tx);
	l->ch_combined_max = cut(c.max_combined);
}

static void rings(const struct plx_sys *sys, int fd, struct iface *l)
{
	struct ethtool_ringparam r = { .cmd = ETHTOOL_GRINGPARAM };

	if (!ask(sys, fd, l, &r))
		return;
	l->rx_ring = cut(r.rx_pending);
	l->tx_ring = cut(r.tx_pending);
	l->rx_ring_max = cut(r.rx_max_pending);
	l->tx_ring_max = cut(r.tx_max_pending);
}

/* The first call tells the sizes, the second the table and the key behind it. */
static void rss(const struct plx_sys *sys, int fd, struct iface *l)
{
	struct ethtool_rxfh ask_size = { .cmd = ETHTOOL_GRSSH }, *r;
	uint32_t n, key;

	if (!ask(sys, fd, l, &ask_size))
		return;
	n = ask_size.indir_size;
	key = ask_size.key_size;
	if (n > UINT16_MAX || key > UINT16_MAX)
		return;
	r = calloc(1, sizeof(*r) + n * sizeof(uint32_t) + key);
	if (!r)
		return;
	r->cmd = ETHTOOL_GRSSH;
	r->indir_size = n;
	r->key_size = key;
	if (ask(sys, fd, l, r) && r->indir_size <= n && r->key_size <= key) {
		iface_rss(l, r->rss_config, r->indir_size);
		l->rss_key_len = (int32_t)(r->key_size < IFACE_KEY_MAX ? r->key_size : IFACE_KEY_MAX);
		memcpy(l->rss_key, r->rss_config + r->indir_size, (size_t)l->rss_key_len);
	}
	free(r);
}

static void put_feature(struct iface *l, enum iface_feature f, bool on)
{
	l->f_known |= 1u << f;
	l->f_on |= (uint32_t)on << f;
}

/* The old calls do not tell whether a feature may be changed. */
static void features(const struct plx_sys *sys, int fd, struct iface *l)
{
	static const struct { uint32_t cmd; uint8_t f; } one[] = {
		{ ETHTOOL_GRXCSUM, IFACE_F_rx_csum }, { ETHTOOL_GTXCSUM, IFACE_F_tx_csum }, { ETHTOOL_GSG, IFACE_F_sg },
		{ ETHTOOL_GTSO, IFACE_F_tso }, { ETHTOOL_GGSO, IFACE_F_gso }, { ETHTOOL_GGRO, IFACE_F_gro },
	};
	static const struct { uint32_t flag; uint8_t f; } flag[] = {
		{ ETH_FLAG_LRO, IFACE_F_lro }, { ETH_FLAG_NTUPLE, IFACE_F_ntuple }, { ETH_FLAG_RXHASH, IFACE_F_rxhash },
		{ ETH_FLAG_RXVLAN, IFACE_F_rx_vlan }, { ETH_FLAG_TXVLAN, IFACE_F_tx_vlan },
	};
	struct ethtool_value v;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(one); i++) {
		v = (struct ethtool_value){ .cmd = one[i].cmd };
		if (ask(sys, fd, l, &v))
			put_feature(l, one[i].f, v.data);
	}
	v = (struct ethtool_value){ .cmd = ETHTOOL_GFLAGS };
	if (!ask(sys, fd, l, &v))
		return;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(flag); i++)
		put_feature(l, flag[i].f, v.data & flag[i].flag);
}

void iface_ioctl(const struct plx_sys *sys, struct iface *l)
{
	int fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (l->ch_rx < 0 && l->ch_tx < 0 && l->ch_combined < 0)
		channels(sys, fd, l);
	if (l->rx_ring < 0 && l->tx_ring < 0)
		rings(sys, fd, l);
	if (!l->rss_size)
		rss(sys, fd, l);
	if (!l->f_known)
		features(sys, fd, l);
	sys->close(fd);
}

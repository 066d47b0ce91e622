/* SPDX-License-Identifier: MIT */
/* iface_ethtool.c - channels, rings, RSS and offloads by ethtool's generic netlink.  Cold;
   discovery.  What a kernel or driver does not answer here, iface_ioctl.c asks for. */
#include "iface.h"
#include "netdev_uapi.h"
#include "nl.h"

#include <linux/genetlink.h>
#include <stdalign.h>
#include <string.h>

static void parse_channels(const struct nlattr *a, struct iface *l)
{
	switch (mnl_attr_get_type(a)) {
	case ETHTOOL_A_CHANNELS_RX_MAX:         l->ch_rx_max = nl_int(a); break;
	case ETHTOOL_A_CHANNELS_TX_MAX:         l->ch_tx_max = nl_int(a); break;
	case ETHTOOL_A_CHANNELS_COMBINED_MAX:   l->ch_combined_max = nl_int(a); break;
	case ETHTOOL_A_CHANNELS_RX_COUNT:       l->ch_rx = nl_int(a); break;
	case ETHTOOL_A_CHANNELS_TX_COUNT:       l->ch_tx = nl_int(a); break;
	case ETHTOOL_A_CHANNELS_COMBINED_COUNT: l->ch_combined = nl_int(a); break;
	}
}

static void parse_rings(const struct nlattr *a, struct iface *l)
{
	switch (mnl_attr_get_type(a)) {
	case ETHTOOL_A_RINGS_RX_MAX:     l->rx_ring_max = nl_int(a); break;
	case ETHTOOL_A_RINGS_TX_MAX:     l->tx_ring_max = nl_int(a); break;
	case ETHTOOL_A_RINGS_RX:         l->rx_ring = nl_int(a); break;
	case ETHTOOL_A_RINGS_TX:         l->tx_ring = nl_int(a); break;
	case ETHTOOL_A_RINGS_RX_BUF_LEN: l->rx_buf_len = nl_int(a); break;
	case ETHTOOL_A_RINGS_TCP_DATA_SPLIT:
		if (nl_uint(a))
			l->hds = nl_uint(a) == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
		break;
	}
}

static void parse_rss(const struct nlattr *a, struct iface *l)
{
	const uint8_t *p = mnl_attr_get_payload(a);
	uint32_t n = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == ET_RSS_INDIR) {
		iface_rss(l, (const uint32_t *)(const void *)p, n / 4);
	} else if (mnl_attr_get_type(a) == ET_RSS_HKEY) {
		l->rss_key_len = (int32_t)(n < IFACE_KEY_MAX ? n : IFACE_KEY_MAX);
		memcpy(l->rss_key, p, (size_t)l->rss_key_len);
	}
}

/* One of a bitset's bits: its name, and whether it is set.  A bitset with a mask lists what it
   speaks of, and marks what is set; one without lists what is set. */
static uint32_t parse_bit(const struct nlattr *bit, bool masked)
{
	const struct nlattr *a;
	char name[32] = "";
	bool set = !masked;

	mnl_attr_for_each_nested(a, bit) {
		if (mnl_attr_get_type(a) == ETHTOOL_A_BITSET_BIT_NAME)
			nl_str(a, name, sizeof(name));
		else if (mnl_attr_get_type(a) == ETHTOOL_A_BITSET_BIT_VALUE)
			set = true;
	}
	for (unsigned f = 0; set && f < IFACE_F_N; f++)
		if (!strcmp(name, iface_feature_name(f)))
			return 1u << f;
	return 0;
}

static uint32_t parse_bitset(const struct nlattr *bitset)
{
	const struct nlattr *a, *bit;
	uint32_t set = 0;
	bool masked = true;

	mnl_attr_for_each_nested(a, bitset)
		if (mnl_attr_get_type(a) == ETHTOOL_A_BITSET_NOMASK)
			masked = false;
	mnl_attr_for_each_nested(a, bitset)
		if (mnl_attr_get_type(a) == ETHTOOL_A_BITSET_BITS)
			mnl_attr_for_each_nested(bit, a)
				set |= parse_bit(bit, masked);
	return set;
}

static void parse_features(const struct nlmsghdr *h, struct iface *l)
{
	const struct nlattr *a, *active = NULL;
	uint32_t hw = 0, fixed = 0;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case ETHTOOL_A_FEATURES_HW:       hw = parse_bitset(a); break;
		case ETHTOOL_A_FEATURES_NOCHANGE: fixed = parse_bitset(a); break;
		case ETHTOOL_A_FEATURES_ACTIVE:   active = a; break;
		}
	}
	if (!active)
		return;
	l->f_known = (1u << IFACE_F_N) - 1;
	l->f_on = parse_bitset(active);
	l->f_can = hw & ~fixed;
}

bool iface_ethtool_parse(const struct nlmsghdr *h, struct iface *l)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(h);
	void (*parse)(const struct nlattr *a, struct iface *l) = NULL;
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*g))
		return false;
	switch (g->cmd) {
	case ETHTOOL_MSG_CHANNELS_GET_REPLY: parse = parse_channels; break;
	case ETHTOOL_MSG_RINGS_GET_REPLY:    parse = parse_rings; break;
	case ET_RSS_GET:                     parse = parse_rss; break;
	case ETHTOOL_MSG_FEATURES_GET_REPLY: parse_features(h, l); return true;
	default: return false;
	}
	mnl_attr_for_each(a, h, sizeof(*g))
		parse(a, l);
	return true;
}

/* ---- asking ---- */

static void got(void *arg, const struct nlmsghdr *h)
{
	iface_ethtool_parse(h, arg);
}

void iface_ethtool(struct nl *q, struct iface *l)
{
	static const struct { uint8_t cmd; uint16_t header; } asks[] = {
		{ ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_A_CHANNELS_HEADER },
		{ ETHTOOL_MSG_RINGS_GET,    ETHTOOL_A_RINGS_HEADER },
		{ ET_RSS_GET,               ET_RSS_HEADER },
		{ ETHTOOL_MSG_FEATURES_GET, ETHTOOL_A_FEATURES_HEADER },
	};
	int family = nl_family(q, ETHTOOL_GENL_NAME, NULL);

	for (size_t i = 0; family > 0 && i < PLX_ARRAY_SIZE(asks); i++) {
		alignas(struct nlmsghdr) char buf[128];
		struct nlmsghdr *h = nl_genl(buf, family, asks[i].cmd, 0);
		struct nlattr *nest = mnl_attr_nest_start(h, asks[i].header);

		mnl_attr_put_u32(h, ETHTOOL_A_HEADER_DEV_INDEX, l->ifindex);
		mnl_attr_nest_end(h, nest);
		nl_ask(q, h, got, l); /* a driver that has none of it refuses */
	}
}

/* SPDX-License-Identifier: MIT */
/* test_iface.c - what the kernel says of an interface, from bytes: messages of rtnetlink,
   ethtool and `netdev`, whole, of other things, cut and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iface.h"
#include "netdev_uapi.h"
#include "nl.h"

#include <linux/genetlink.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

static uint8_t buf[8192] __attribute__((aligned(8)));
static struct iface *l;

static int setup(void **state)
{
	(void)state;
	l = malloc(sizeof(*l));
	iface_link_init(l);
	l->ifindex = 5;
	memset(buf, 0, sizeof(buf));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(l);
	return 0;
}

/* ---- rtnetlink ---- */

static struct nlmsghdr *newlink(int ifindex, unsigned flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	h->nlmsg_type = RTM_NEWLINK;
	m->ifi_index = ifindex;
	m->ifi_flags = flags;
	return h;
}

static void kind(struct nlmsghdr *h, const char *name, uint16_t attr, const void *v, size_t len)
{
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO), *data;

	mnl_attr_put_strz(h, IFLA_INFO_KIND, name);
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put(h, attr, len, v);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
}

/* A VLAN on interface 3, with everything else an interface may have. */
static struct nlmsghdr *vlan_message(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	struct nlmsghdr *h = newlink(5, IFF_UP | IFF_RUNNING);
	uint16_t id = 700;
	struct nlattr *nest;

	mnl_attr_put_strz(h, IFLA_IFNAME, "eth0.700");
	mnl_attr_put_u32(h, IFLA_MTU, 9000);
	mnl_attr_put_u32(h, IFLA_MIN_MTU, 68);
	mnl_attr_put_u32(h, IFLA_MAX_MTU, 9600);
	mnl_attr_put_u8(h, IFLA_OPERSTATE, 6);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(h, IFLA_LINK, 3);
	mnl_attr_put_u32(h, IFLA_MASTER, 4);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, 8);
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, 16);
	mnl_attr_put_strz(h, IFLA_PARENT_DEV_NAME, "0000:01:00.0");
	nest = mnl_attr_nest_start(h, IFLA_PROP_LIST);
	for (int i = 0; i < IFACE_ALTS_MAX + 2; i++)
		mnl_attr_put_strz(h, IFLA_ALT_IFNAME, i ? "other" : "a-name-longer-than-sixteen-bytes");
	mnl_attr_nest_end(h, nest);
	kind(h, "vlan", IFLA_VLAN_ID, &id, sizeof(id));
	nest = mnl_attr_nest_start(h, IFLA_XDP);
	mnl_attr_put_u8(h, IFLA_XDP_ATTACHED, XDP_ATTACHED_DRV);
	mnl_attr_put_u32(h, IFLA_XDP_PROG_ID, 77);
	mnl_attr_put_u32(h, IFLA_XDP_DRV_PROG_ID, 77);
	mnl_attr_nest_end(h, nest);
	return h;
}

static void test_link(void **state)
{
	(void)state;
	assert_true(iface_rtnl_parse(vlan_message(), l));
	assert_string_equal(l->name, "eth0.700");
	assert_string_equal(l->kind, "vlan");
	assert_string_equal(l->parent, "0000:01:00.0");
	assert_int_equal(l->nalts, IFACE_ALTS_MAX);
	assert_string_equal(l->alt[0], "a-name-longer-than-sixteen-bytes");
	assert_string_equal(l->alt[3], "other");
	assert_int_equal(l->ifindex, 5);
	assert_int_equal(l->flags, IFF_UP | IFF_RUNNING);
	assert_int_equal(l->operstate, 6);
	assert_int_equal(l->mtu, 9000);
	assert_int_equal(l->mtu_min, 68);
	assert_int_equal(l->mtu_max, 9600);
	assert_int_equal(l->mac[5], 9);
	assert_int_equal(l->lower.ifindex, 3);
	assert_int_equal(l->lower_netns, -1);
	assert_int_equal(l->master.ifindex, 4);
	assert_int_equal(l->vlan, 700);
	assert_int_equal(l->bond_mode, -1);
	assert_int_equal(l->rxqs_alloc, 8);
	assert_int_equal(l->txqs_alloc, 16);
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_DRV);
	assert_int_equal(l->xdp.id, 77);
}

static void test_bond(void **state)
{
	struct nlmsghdr *h = newlink(6, 0);
	uint8_t mode = BOND_MODE_8023AD;

	(void)state;
	kind(h, "bond", IFLA_BOND_MODE, &mode, 1);
	assert_true(iface_rtnl_parse(h, l));
	assert_int_equal(l->bond_mode, BOND_MODE_8023AD);
	assert_int_equal(l->vlan, -1); /* the same attribute number means another thing there */
	assert_int_equal(l->ifindex, 6);
}

/* The other end of a pair is in another namespace: its index is none of ours. */
static void test_veth_away(void **state)
{
	struct nlmsghdr *h = newlink(6, 0);

	(void)state;
	kind(h, "veth", 1, "", 0);
	mnl_attr_put_u32(h, IFLA_LINK, 2);
	mnl_attr_put_u32(h, IFLA_LINK_NETNSID, 3);
	assert_true(iface_rtnl_parse(h, l));
	assert_int_equal(l->lower.ifindex, 2);
	assert_int_equal(l->lower_netns, 3);
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_NONE);
	assert_int_equal(l->xdp.id, 0);
}

static void test_xdp_modes(void **state)
{
	static const struct { uint8_t attached; uint16_t attr; uint8_t mode; } rows[] = {
		{ XDP_ATTACHED_NONE, 0, XDP_ATTACHED_NONE }, { XDP_ATTACHED_SKB, IFLA_XDP_PROG_ID, XDP_ATTACHED_SKB },
		{ XDP_ATTACHED_HW, IFLA_XDP_PROG_ID, XDP_ATTACHED_HW },
		{ XDP_ATTACHED_MULTI, IFLA_XDP_SKB_PROG_ID, XDP_ATTACHED_MULTI },
		{ 200, 0, XDP_ATTACHED_NONE },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct nlmsghdr *h = newlink(6, 0);
		struct nlattr *nest = mnl_attr_nest_start(h, IFLA_XDP);

		mnl_attr_put_u8(h, IFLA_XDP_ATTACHED, rows[i].attached);
		if (rows[i].attr)
			mnl_attr_put_u32(h, rows[i].attr, 9);
		mnl_attr_nest_end(h, nest);
		assert_true(iface_rtnl_parse(h, l));
		assert_int_equal(l->xdp.mode, rows[i].mode);
		assert_int_equal(l->xdp.id, rows[i].attr ? 9 : 0);
	}
}

static void test_not_a_link(void **state)
{
	struct nlmsghdr *h = newlink(6, 0);
	struct ifinfomsg *m = mnl_nlmsg_get_payload(h);

	(void)state;
	m->ifi_family = AF_BRIDGE;
	assert_false(iface_rtnl_parse(h, l));
	m->ifi_family = AF_UNSPEC;
	h->nlmsg_type = RTM_DELLINK;
	assert_false(iface_rtnl_parse(h, l));
	h->nlmsg_type = RTM_NEWLINK;
	m->ifi_index = 0;
	assert_false(iface_rtnl_parse(h, l));
	m->ifi_index = 6;
	h->nlmsg_len = sizeof(*h) + 4;
	assert_false(iface_rtnl_parse(h, l));
	assert_int_equal(l->ifindex, 5);
}

/* ---- ethtool ---- */

static void test_channels_rings(void **state)
{
	struct nlmsghdr *h = nl_genl(buf, 99, ETHTOOL_MSG_CHANNELS_GET_REPLY, 0);

	(void)state;
	mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_COMBINED_MAX, 63);
	mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_COMBINED_COUNT, 8);
	mnl_attr_put_u32(h, ETHTOOL_A_CHANNELS_RX_COUNT, 1);
	assert_true(iface_ethtool_parse(h, l));
	assert_int_equal(l->ch_combined_max, 63);
	assert_int_equal(l->ch_combined, 8);
	assert_int_equal(l->ch_rx, 1);
	assert_int_equal(l->ch_tx, -1);

	h = nl_genl(buf, 99, ETHTOOL_MSG_RINGS_GET_REPLY, 0);
	mnl_attr_put_u32(h, ETHTOOL_A_RINGS_RX_MAX, 8160);
	mnl_attr_put_u32(h, ETHTOOL_A_RINGS_TX_MAX, 4096);
	mnl_attr_put_u32(h, ETHTOOL_A_RINGS_RX, 2048);
	mnl_attr_put_u32(h, ETHTOOL_A_RINGS_TX, 1024);
	mnl_attr_put_u32(h, ETHTOOL_A_RINGS_RX_BUF_LEN, 0xffffffff);
	mnl_attr_put_u8(h, ETHTOOL_A_RINGS_TCP_DATA_SPLIT, ETHTOOL_TCP_DATA_SPLIT_ENABLED);
	assert_true(iface_ethtool_parse(h, l));
	assert_int_equal(l->rx_ring_max, 8160);
	assert_int_equal(l->tx_ring_max, 4096);
	assert_int_equal(l->rx_ring, 2048);
	assert_int_equal(l->tx_ring, 1024);
	assert_int_equal(l->rx_buf_len, INT32_MAX);
	assert_int_equal(l->hds, 1);
}

static void test_rss(void **state)
{
	struct nlmsghdr *h = nl_genl(buf, 99, ET_RSS_GET, 0);
	uint32_t table[128];
	uint8_t key[40];

	(void)state;
	for (unsigned i = 0; i < 128; i++)
		table[i] = i % 4 == 3 ? 100000 : i % 4;
	memset(key, 0x6d, sizeof(key));
	mnl_attr_put(h, ET_RSS_INDIR, sizeof(table), table);
	mnl_attr_put(h, ET_RSS_HKEY, sizeof(key), key);
	assert_true(iface_ethtool_parse(h, l));
	assert_int_equal(l->rss_size, 128);
	assert_int_equal(l->rss[5], 1);
	assert_int_equal(l->rxq[0].rss, 32);
	assert_int_equal(l->rxq[2].rss, 32);
	assert_int_equal(l->rxq[3].rss, 0);
	assert_int_equal(l->rss_key_len, 40);
	assert_int_equal(l->rss_key[39], 0x6d);

	/* no table at all says nothing of a queue, also behind another */
	h = nl_genl(buf, 99, ET_RSS_GET, 0);
	mnl_attr_put(h, ET_RSS_INDIR, 0, table);
	assert_true(iface_ethtool_parse(h, l));
	assert_int_equal(l->rss_size, 0);
	assert_int_equal(l->rxq[0].rss, -1);
}

/* A name with a + before it is set.  Without a mask only those are listed. */
static void bitset(struct nlmsghdr *h, uint16_t attr, bool masked, const char *const *names)
{
	struct nlattr *set = mnl_attr_nest_start(h, attr), *bits, *bit;

	if (!masked)
		mnl_attr_put(h, ETHTOOL_A_BITSET_NOMASK, 0, NULL);
	bits = mnl_attr_nest_start(h, ETHTOOL_A_BITSET_BITS);
	for (uint32_t i = 0; names[i]; i++) {
		bit = mnl_attr_nest_start(h, ETHTOOL_A_BITSET_BITS_BIT);
		mnl_attr_put_u32(h, ETHTOOL_A_BITSET_BIT_INDEX, i);
		mnl_attr_put_strz(h, ETHTOOL_A_BITSET_BIT_NAME, names[i] + (*names[i] == '+'));
		if (masked && *names[i] == '+')
			mnl_attr_put(h, ETHTOOL_A_BITSET_BIT_VALUE, 0, NULL);
		mnl_attr_nest_end(h, bit);
	}
	mnl_attr_nest_end(h, bits);
	mnl_attr_nest_end(h, set);
}

static struct nlmsghdr *features_message(void)
{
	static const char *const hw[] = { "+rx-gro", "+rx-lro", "+rx-checksum", "rx-hashing", NULL };
	static const char *const on[] = { "rx-gro", "a-feature-of-next-year", "tx-checksum-ip-generic", NULL };
	static const char *const fixed[] = { "rx-checksum", NULL };
	struct nlmsghdr *h = nl_genl(buf, 99, ETHTOOL_MSG_FEATURES_GET_REPLY, 0);

	bitset(h, ETHTOOL_A_FEATURES_HW, true, hw);
	bitset(h, ETHTOOL_A_FEATURES_ACTIVE, false, on);
	bitset(h, ETHTOOL_A_FEATURES_NOCHANGE, false, fixed);
	return h;
}

static void test_features(void **state)
{
	(void)state;
	assert_int_equal(iface_on(l, IFACE_F_gro), -1);
	assert_true(iface_ethtool_parse(features_message(), l));
	assert_int_equal(l->f_on, 1u << IFACE_F_gro | 1u << IFACE_F_tx_csum);
	assert_int_equal(l->f_can, 1u << IFACE_F_gro | 1u << IFACE_F_lro);
	assert_int_equal(iface_on(l, IFACE_F_gro), 1);
	assert_int_equal(iface_on(l, IFACE_F_lro), 0);
	assert_string_equal(iface_feature_word(IFACE_F_rx_vlan), "rxvlan");
	assert_string_equal(iface_feature_name(IFACE_F_rx_vlan), "rx-vlan-hw-parse");
	assert_string_equal(iface_feature_name(IFACE_F_N), "?");
}

/* ---- netdev ---- */

static struct nlmsghdr *queue_message(uint32_t ifindex, uint32_t id, uint32_t type, uint32_t napi, bool xsk)
{
	struct nlmsghdr *h = nl_genl(buf, 98, ND_CMD_QUEUE_GET, 0);

	mnl_attr_put_u32(h, ND_QUEUE_ID, id);
	mnl_attr_put_u32(h, ND_QUEUE_TYPE, type);
	mnl_attr_put_u32(h, ND_QUEUE_IFINDEX, ifindex);
	if (napi)
		mnl_attr_put_u32(h, ND_QUEUE_NAPI_ID, napi);
	if (xsk)
		mnl_attr_put(h, ND_QUEUE_XSK, 0, NULL);
	return h;
}

static struct nlmsghdr *napi_message(uint32_t ifindex, uint32_t id, uint32_t irq)
{
	struct nlmsghdr *h = nl_genl(buf, 98, ND_CMD_NAPI_GET, 0);

	mnl_attr_put_u32(h, ND_NAPI_IFINDEX, ifindex);
	mnl_attr_put_u32(h, ND_NAPI_ID, id);
	if (irq)
		mnl_attr_put_u32(h, ND_NAPI_IRQ, irq);
	mnl_attr_put_u32(h, ND_NAPI_DEFER_HARD_IRQS, 2);
	mnl_attr_put_u64(h, ND_NAPI_GRO_FLUSH_TIMEOUT, 5000000000ull); /* 4 bytes when it fits, else 8 */
	mnl_attr_put_u32(h, ND_NAPI_IRQ_SUSPEND_TIMEOUT, 20000);
	mnl_attr_put_u32(h, ND_NAPI_PID, 4711);
	return h;
}

static void test_queues(void **state)
{
	(void)state;
	assert_true(iface_netdev_parse(queue_message(5, 0, ND_QUEUE_RX, 8193, false), l));
	assert_true(iface_netdev_parse(queue_message(5, 2, ND_QUEUE_RX, 8194, true), l));
	assert_true(iface_netdev_parse(queue_message(5, 0, ND_QUEUE_TX, 8193, false), l));
	assert_true(iface_netdev_parse(queue_message(5, 1, ND_QUEUE_TX, 0, false), l));
	assert_false(iface_netdev_parse(queue_message(4, 1, ND_QUEUE_RX, 1, false), l));
	assert_false(iface_netdev_parse(queue_message(5, 256, ND_QUEUE_RX, 1, false), l));
	assert_false(iface_netdev_parse(queue_message(5, 1, 2, 1, false), l));
	assert_int_equal(l->nrxqs, 3);
	assert_int_equal(l->ntxqs, 2);
	assert_int_equal(l->rxq[0].napi, 8193);
	assert_int_equal(l->rxq[0].xsk, -1);
	assert_int_equal(l->rxq[1].napi, -1);
	assert_int_equal(l->rxq[2].xsk, 1);
	assert_int_equal(l->txq[1].napi, -1);

	assert_true(iface_netdev_parse(napi_message(5, 8193, 44), l));
	assert_true(iface_netdev_parse(napi_message(5, 8194, 0), l));
	assert_false(iface_netdev_parse(napi_message(6, 8194, 45), l));
	assert_int_equal(l->rxq[0].irq, 44);
	assert_int_equal(l->rxq[0].how, IFACE_IRQ_NAPI);
	assert_int_equal(l->txq[0].irq, 44);
	assert_int_equal(l->rxq[2].irq, -1);
	assert_int_equal(l->rxq[2].how, IFACE_IRQ_UNKNOWN);
	assert_int_equal(l->rxq[2].napi_pid, 4711);
	assert_int_equal(l->rxq[2].defer_hard_irqs, 2);
	assert_int_equal(l->rxq[2].gro_flush_ns, 5000000000ll);
	assert_int_equal(l->rxq[2].irq_suspend_ns, 20000);
	assert_int_equal(l->rxq[1].irq, -1); /* a queue without NAPI has none of it */
	assert_int_equal(l->txq[1].defer_hard_irqs, -1);
}

static void test_device(void **state)
{
	struct nlmsghdr *h = nl_genl(buf, 98, ND_CMD_DEV_GET, 0);

	(void)state;
	mnl_attr_put_u32(h, ND_DEV_IFINDEX, 5);
	assert_false(iface_netdev_parse(h, l)); /* and no features told */
	assert_false(l->xdp_told);
	mnl_attr_put_u64(h, ND_DEV_XDP_FEATURES, 0x2b);
	mnl_attr_put_u32(h, ND_DEV_XDP_ZC_MAX_SEGS, 8);
	mnl_attr_put_u64(h, ND_DEV_XDP_RX_METADATA, 3);
	mnl_attr_put_u64(h, ND_DEV_XSK_FEATURES, 1);
	assert_true(iface_netdev_parse(h, l));
	assert_true(l->xdp_told);
	assert_int_equal(l->xdp_features, 0x2b);
	assert_int_equal(l->zc_max_segs, 8);
	assert_int_equal(l->xdp_rx_meta, 3);
	assert_int_equal(l->xsk_features, 1);
	l->ifindex = 6;
	l->xdp_features = 0;
	assert_false(iface_netdev_parse(h, l));
	assert_int_equal(l->xdp_features, 0);
}

/* ---- damaged ---- */

static struct nlmsghdr *queue_any(void) { return queue_message(5, 1, ND_QUEUE_RX, 7, true); }
static struct nlmsghdr *napi_any(void) { return napi_message(5, 7, 9); }

/* First shorter and shorter, then with wrong bytes.  Whatever a byte says, nothing outside the message is read (the
   sanitizer's to see) and no string is left without its end. */
static void test_damaged(void **state)
{
	static struct nlmsghdr *(*const make[])(void) = { vlan_message, features_message, queue_any, napi_any };
	uint32_t seed = 12345;

	(void)state;
	for (size_t k = 0; k < PLX_ARRAY_SIZE(make); k++) {
		uint32_t len = make[k]()->nlmsg_len;

		for (unsigned i = 0; i < 4000; i++) {
			memset(buf, 0, sizeof(buf));
			make[k]();
			uint32_t cut = i >= len ? len : i > sizeof(struct nlmsghdr) ? i : sizeof(struct nlmsghdr);
			uint8_t *copy = malloc(MNL_ALIGN(cut)); /* as in any buffer, a message ends with padding */
			memcpy(copy, buf, MNL_ALIGN(cut));
			for (unsigned n = 0; i >= len && n < 3; n++) {
				seed = seed * 1664525 + 1013904223;
				copy[16 + (seed >> 8) % (cut - 16)] = (uint8_t)(seed >> 24);
			}
			struct nlmsghdr *h = (void *)copy;
			h->nlmsg_len = cut;
			iface_rtnl_parse(h, l);
			iface_ethtool_parse(h, l);
			iface_netdev_parse(h, l);
			assert_non_null(memchr(l->name, 0, sizeof(l->name)));
			assert_non_null(memchr(l->alt[0], 0, sizeof(l->alt[0])));
			assert_true(l->nrxqs <= PLX_QUEUES_MAX && l->nalts <= IFACE_ALTS_MAX);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bond, setup, teardown),
		cmocka_unit_test_setup_teardown(test_veth_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_xdp_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_channels_rings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_features, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

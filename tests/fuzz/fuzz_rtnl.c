/* SPDX-License-Identifier: MIT */
/* fuzz_rtnl.c - any bytes as rtnetlink's answers (fake.h): messages one by one and what is found in them told
   again, the conversations of discovery, link events, and ioctls about an interface. */
#include "fuzz_nl.h"
#include "linkmon.h"
#include "link_info.h"

#include <errno.h>
#include <linux/rtnetlink.h>

static struct iface link_, again;

/* The message that tells what l holds. */
static struct nlmsghdr *tell(void *buf, const struct iface *l)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	struct nlattr *nest, *data;

	h->nlmsg_type = RTM_NEWLINK;
	m->ifi_index = (int)l->ifindex;
	m->ifi_flags = l->flags;
	mnl_attr_put_strz(h, IFLA_IFNAME, l->name);
	mnl_attr_put_strz(h, IFLA_PARENT_DEV_NAME, l->parent);
	mnl_attr_put(h, IFLA_ADDRESS, sizeof(l->mac), l->mac);
	mnl_attr_put_u32(h, IFLA_MTU, l->mtu);
	mnl_attr_put_u32(h, IFLA_MIN_MTU, l->mtu_min);
	mnl_attr_put_u32(h, IFLA_MAX_MTU, l->mtu_max);
	mnl_attr_put_u32(h, IFLA_MASTER, l->master.ifindex);
	mnl_attr_put_u32(h, IFLA_LINK, l->lower.ifindex);
	mnl_attr_put_u32(h, IFLA_LINK_NETNSID, (uint32_t)l->lower_netns);
	if (l->operstate >= 0)
		mnl_attr_put_u8(h, IFLA_OPERSTATE, (uint8_t)l->operstate);
	if (l->rxqs_alloc >= 0)
		mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, (uint32_t)l->rxqs_alloc);
	if (l->txqs_alloc >= 0)
		mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, (uint32_t)l->txqs_alloc);
	nest = mnl_attr_nest_start(h, IFLA_PROP_LIST);
	for (unsigned i = 0; i < l->nalts; i++)
		mnl_attr_put_strz(h, IFLA_ALT_IFNAME, l->alt[i]);
	mnl_attr_nest_end(h, nest);
	nest = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, l->kind);
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	if (l->vlan >= 0)
		mnl_attr_put_u32(h, IFLA_VLAN_ID, (uint32_t)l->vlan);
	if (l->bond_mode >= 0)
		mnl_attr_put_u8(h, IFLA_BOND_MODE, (uint8_t)l->bond_mode);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, nest);
	return h;
}

static void told_again(const struct iface *l)
{
	static uint8_t buf[4096] __attribute__((aligned(8)));

	iface_link_init_head(&again);
	MUST(iface_rtnl_parse(tell(buf, l), &again));
	MUST(!strcmp(l->name, again.name) && !strcmp(l->parent, again.parent) && !strcmp(l->kind, again.kind));
	MUST(l->nalts == again.nalts && l->ifindex == again.ifindex && l->flags == again.flags);
	for (unsigned i = 0; i < l->nalts; i++)
		MUST(!strcmp(l->alt[i], again.alt[i]));
	MUST(l->mtu == again.mtu && l->mtu_min == again.mtu_min && l->mtu_max == again.mtu_max);
	MUST(l->master.ifindex == again.master.ifindex && l->lower.ifindex == again.lower.ifindex);
	MUST(l->lower_netns == again.lower_netns && l->operstate == again.operstate && !memcmp(l->mac, again.mac, 6));
	MUST(l->rxqs_alloc == again.rxqs_alloc && l->txqs_alloc == again.txqs_alloc);
	if (!strcmp(l->kind, "vlan"))
		MUST(l->vlan == again.vlan);
	if (!strcmp(l->kind, "bond"))
		MUST(l->bond_mode == again.bond_mode);
}

static void one(const struct nlmsghdr *h, struct iface *l)
{
	iface_link_init_head(l);
	if (!iface_rtnl_parse(h, l)) {
		MUST(!l->ifindex && !*l->name);
		return;
	}
	MUST(l->ifindex);
	check_link(l);
	told_again(l);
}

static void event(void *arg, const struct linkmon_event *e)
{
	++*(int *)arg;
	MUST(e->ifindex && (e->kind == NL_LINK || (e->kind == NL_GONE && !e->up && !e->mtu)));
}

static void datagram(void *arg, void *bytes, size_t len)
{
	int seen = 0;

	(void)arg;
	each_message(bytes, len, one, &link_);
	MUST(linkmon_parse(bytes, len, event, &seen) == seen);
}

static void each_link(void *arg, const struct iface *l)
{
	(void)arg;
	MUST(l->ifindex);
	check_link(l);
}

static void conversations(void)
{
	struct plx_link_info li;
	struct nl q;
	int seen = 0;

	fresh(&link_);
	MUST(!nl_open(&q, &fake_sys, NETLINK_ROUTE));
	int err = iface_rtnl(&q, "eth0", &link_);

	MUST(err <= 0 && (err || link_.ifindex));
	check_link(&link_);
	iface_rtnl_names(&q, &link_);
	check_link(&link_);
	ENDS(q.said);
	nl_close(&q);
	MUST(iface_link_each(&fake_sys, each_link, NULL) <= 0);
	err = plx_link_query(&fake_sys, "a-name-beyond-fifteen", &li);
	MUST(err <= 0);
	if (!err) {
		ENDS(li.name);
		ENDS(li.kdriver);
		ENDS(li.bus);
		MUST(li.rxqs && li.txqs && li.rxqs_max >= li.rxqs && li.txqs_max >= li.txqs && li.node < PLX_NODES_MAX);
	}
	char name[16];
	uint32_t other;

	MUST(!plx_link_named(&fake_sys, 9, name, "eth0", &other));
	ENDS(name);
	int fd = linkmon_open(&fake_sys);

	MUST(fd == -EADDRINUSE); /* and closed */
	fd = fake_sys.socket(0, 0, 0);
	linkmon_read(&fake_sys, fd, event, &seen);
	fake_sys.close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fake_begin();
	fake_answers(data, size);
	fake_each(datagram, NULL);
	conversations();
	fake_end();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* iface_rtnl.c - what rtnetlink tells of an interface.  Cold; discovery. */
#include "iface.h"
#include "netdev_uapi.h"
#include "nl.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

static void parse_xdp(const struct nlattr *nest, struct iface *l)
{
	const struct nlattr *a;
	uint32_t any = 0;

	l->xdp.id = 0;
	mnl_attr_for_each_nested(a, nest) {
		uint64_t v = nl_uint(a);
		switch (mnl_attr_get_type(a)) {
		case IFLA_XDP_ATTACHED: l->xdp.mode = v <= XDP_ATTACHED_MULTI ? (uint8_t)v : XDP_ATTACHED_NONE; break;
		case IFLA_XDP_PROG_ID:  l->xdp.id = (uint32_t)v; break;
		case IFLA_XDP_DRV_PROG_ID:
		case IFLA_XDP_SKB_PROG_ID:
		case IFLA_XDP_HW_PROG_ID: any = any ? any : (uint32_t)v; break;
		}
	}
	if (!l->xdp.id) /* with several modes at once only each mode's own is told */
		l->xdp.id = any;
}

static void parse_data(const struct nlattr *nest, struct iface *l)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest) {
		if (!strcmp(l->kind, "vlan") && mnl_attr_get_type(a) == IFLA_VLAN_ID)
			l->vlan = nl_int(a);
		if (!strcmp(l->kind, "bond") && mnl_attr_get_type(a) == IFLA_BOND_MODE)
			l->bond_mode = (int16_t)(uint8_t)nl_uint(a);
	}
}

static void parse_info(const struct nlattr *nest, struct iface *l)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested(a, nest) {
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			nl_str(a, l->kind, sizeof(l->kind));
		else if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
	}
	if (data)
		parse_data(data, l);
}

static void parse_alts(const struct nlattr *nest, struct iface *l)
{
	const struct nlattr *a;

	l->nalts = 0;
	mnl_attr_for_each_nested(a, nest)
		if (mnl_attr_get_type(a) == IFLA_ALT_IFNAME && l->nalts < IFACE_ALTS_MAX)
			nl_str(a, l->alt[l->nalts++], sizeof(l->alt[0]));
}

static void parse_attr(const struct nlattr *a, struct iface *l)
{
	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:          nl_str(a, l->name, sizeof(l->name)); break;
	case IFLA_PROP_LIST:       parse_alts(a, l); break;
	case IFLA_LINKINFO:        parse_info(a, l); break;
	case IFLA_XDP:             parse_xdp(a, l); break;
	case IFLA_PARENT_DEV_NAME: nl_str(a, l->parent, sizeof(l->parent)); break;
	case IFLA_MTU:             l->mtu = (uint32_t)nl_uint(a); break;
	case IFLA_MIN_MTU:         l->mtu_min = (uint32_t)nl_uint(a); break;
	case IFLA_MAX_MTU:         l->mtu_max = (uint32_t)nl_uint(a); break;
	case IFLA_OPERSTATE:       l->operstate = (uint8_t)nl_uint(a); break;
	case IFLA_MASTER:          l->master.ifindex = (uint32_t)nl_uint(a); break;
	case IFLA_LINK:            l->lower.ifindex = (uint32_t)nl_uint(a); break;
	case IFLA_LINK_NETNSID:    l->lower_netns = (int32_t)nl_uint(a); break;
	case IFLA_NUM_RX_QUEUES:   l->rxqs_alloc = nl_int(a); break;
	case IFLA_NUM_TX_QUEUES:   l->txqs_alloc = nl_int(a); break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(l->mac))
			memcpy(l->mac, mnl_attr_get_payload(a), sizeof(l->mac));
		break;
	}
}

bool iface_rtnl_parse(const struct nlmsghdr *h, struct iface *l)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
	    m->ifi_family != AF_UNSPEC || m->ifi_index <= 0)
		return false;
	l->ifindex = (uint32_t)m->ifi_index;
	l->type = m->ifi_type;
	l->flags = m->ifi_flags;
	mnl_attr_for_each(a, h, sizeof(*m))
		parse_attr(a, l);
	return true;
}

/* ---- asking ---- */

uint64_t iface_netns(struct nl *q)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return q->sys->getsockopt(q->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) ? 0 : cookie;
}

static struct nlmsghdr *getlink(void *buf, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = flags;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	m->ifi_index = (int)ifindex;
	return h;
}

static void got_link(void *arg, const struct nlmsghdr *h)
{
	iface_rtnl_parse(h, arg);
}

int iface_rtnl(struct nl *q, const char *name, struct iface *l)
{
	alignas(struct nlmsghdr) char buf[512];
	struct nlmsghdr *h = getlink(buf, 0, 0);
	size_t len = strlen(name);

	if (!len || len >= sizeof(l->alt[0]))
		return -ENODEV;
	/* below 16 bytes the kernel looks for alternative names too */
	mnl_attr_put_strz(h, len < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	int err = nl_ask(q, h, got_link, l);

	return err ? err : l->ifindex ? 0 : -ENODEV;
}

/* ---- other interfaces, by index ---- */

static bool parse_ref(const struct nlmsghdr *h, struct iface_ref *r)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
	    m->ifi_family != AF_UNSPEC || m->ifi_index <= 0)
		return false;
	r->ifindex = (uint32_t)m->ifi_index;
	mnl_attr_for_each(a, h, sizeof(*m))
		if (mnl_attr_get_type(a) == IFLA_IFNAME)
			nl_str(a, r->name, sizeof(r->name));
	return true;
}

static void got_name(void *arg, const struct nlmsghdr *h)
{
	parse_ref(h, arg);
}

static void name_of(struct nl *q, struct iface_ref *r)
{
	alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = getlink(buf, 0, r->ifindex);

	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (r->ifindex)
		nl_ask(q, h, got_name, r);
}

static void got_slave(void *arg, const struct nlmsghdr *h)
{
	struct iface *l = arg;
	struct iface_ref r = { 0 };

	if (!parse_ref(h, &r))
		return;
	for (uint16_t i = 0; i < l->nslaves; i++)
		if (l->slaves[i].ifindex == r.ifindex)
			return;
	if (l->nslaves < IFACE_SLAVES_MAX)
		l->slaves[l->nslaves++] = r;
}

void iface_rtnl_names(struct nl *q, struct iface *l)
{
	alignas(struct nlmsghdr) char buf[256];

	name_of(q, &l->master);
	if (l->lower_netns < 0)
		name_of(q, &l->lower);
	if (strcmp(l->kind, "bond") && strcmp(l->kind, "team") && strcmp(l->kind, "bridge"))
		return;
	struct nlmsghdr *h = getlink(buf, NLM_F_DUMP, 0);

	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	mnl_attr_put_u32(h, IFLA_MASTER, l->ifindex);
	nl_ask(q, h, got_slave, l);
}

/* ---- all interfaces ---- */

struct each {
	struct iface *l;
	void (*fn)(void *arg, const struct iface *l);
	void *arg;
};

static void got_each(void *arg, const struct nlmsghdr *h)
{
	struct each *e = arg;
	uint64_t netns = e->l->netns;

	iface_link_init_head(e->l);
	e->l->netns = netns;
	if (iface_rtnl_parse(h, e->l))
		e->fn(e->arg, e->l);
}

int iface_link_each(const struct plx_sys *sys, void (*fn)(void *arg, const struct iface *l), void *arg)
{
	alignas(struct nlmsghdr) char buf[256];
	struct each e = { malloc(sizeof(*e.l)), fn, arg };
	struct nl q;

	if (!e.l)
		return -ENOMEM;
	iface_link_init(e.l);
	int err = nl_open(&q, sys, NETLINK_ROUTE);

	if (!err) {
		struct nlmsghdr *h = getlink(buf, NLM_F_DUMP, 0);

		mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		e.l->netns = iface_netns(&q);
		err = nl_ask(&q, h, got_each, &e);
		nl_close(&q);
	}
	free(e.l);
	return err;
}

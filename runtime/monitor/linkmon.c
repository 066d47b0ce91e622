/* SPDX-License-Identifier: MIT */
/* linkmon.c - link events of this network namespace, by rtnetlink.  Cold; watch thread.
   libmnl takes messages apart; the socket goes through plx_sys. */
#include "linkmon.h"
#include "nl_recv.h"
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <string.h>

enum { NL_BUF = 32768 }; /* the kernel's largest part of a dump */

/* The carrier attribute is the device's own word; IFF_RUNNING follows it up to a second later. */
static void link_facts(const struct nlmsghdr *h, const struct ifinfomsg *m, struct linkmon_event *e)
{
	bool carrier = m->ifi_flags & IFF_RUNNING;
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(*m)) {
		if (mnl_attr_get_type(a) == IFLA_MTU && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			e->mtu = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == IFLA_CARRIER && mnl_attr_validate(a, MNL_TYPE_U8) >= 0)
			carrier = mnl_attr_get_u8(a);
		else if (mnl_attr_get_type(a) == IFLA_ADDRESS && mnl_attr_get_payload_len(a) == sizeof(e->mac)) {
			memcpy(e->mac, mnl_attr_get_payload(a), sizeof(e->mac));
			e->has_mac = true;
		}
	}
	e->up = m->ifi_flags & IFF_UP && carrier;
}

/* A bridge tells of its ports with link messages of its own family, and a port that leaves
   a bridge is a DELLINK of that family: only AF_UNSPEC speaks of the interface itself. */
static bool link_event(const struct nlmsghdr *h, struct linkmon_event *e)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*m) || m->ifi_family != AF_UNSPEC || m->ifi_index <= 0)
		return false;
	*e = (struct linkmon_event){ .kind = h->nlmsg_type == RTM_DELLINK ? NL_GONE : NL_LINK,
	                        .ifindex = (uint32_t)m->ifi_index };
	if (e->kind == NL_LINK)
		link_facts(h, m, e);
	return true;
}

int linkmon_parse(const void *buf, size_t len, linkmon_event_fn fn, void *arg)
{
	const struct nlmsghdr *h = buf;
	int left = len > NL_BUF ? NL_BUF : (int)len, events = 0;
	struct linkmon_event e;

	for (; nl_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) || !link_event(h, &e))
			continue;
		events++;
		fn(arg, &e);
	}
	return events;
}

int linkmon_open(const struct plx_sys *sys)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = sys->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (sys->bind(fd, (struct sockaddr *)&local, sizeof(local))) {
		int err = -errno;

		sys->close(fd);
		return err;
	}
	return fd;
}

/* Bounded: a storm of events gives watch's other duties their turn. */
int linkmon_read(const struct plx_sys *sys, int fd, linkmon_event_fn fn, void *arg)
{
	alignas(struct nlmsghdr) char buf[NL_BUF];

	for (int i = 0; i < 64; i++) {
		ssize_t n = nl_recv(sys, fd, buf, sizeof(buf));

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EAGAIN ? 0 : (int)n;
		if (n > (ssize_t)sizeof(buf))
			return -ENOBUFS;
		linkmon_parse(buf, (size_t)n, fn, arg);
	}
	return 0;
}

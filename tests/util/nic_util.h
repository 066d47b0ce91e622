/* SPDX-License-Identifier: MIT */
/* nic_util.h - a NIC that is made up, 7/eth0, behind the calls of plx_sys: channels and the table
   of flows by ethtool's ioctls, NAPIs by the `netdev` family.  Any call can be made to fail. */
#ifndef NIC_UTIL_H
#define NIC_UTIL_H

#include "netdev_uapi.h"
#include "nl.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

enum { ENTRIES = 8 };
static struct {
	uint32_t rx, max, indir[ENTRIES], entries;
	unsigned resets, writes;
	bool strange;  /* its default is not the spread that others have */
	int  err;      /* errno of changes */
	int  open;
	uint32_t defer[4];
	uint64_t flush[4];
	unsigned calls, fail; /* the call that fails, 0 = none */
	bool down, no_napi, no_set;
} nic;

static bool hit(void)
{
	if (++nic.calls != nic.fail)
		return false;
	errno = EIO;
	return true;
}

static void reset(void)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		nic.indir[i] = nic.strange ? i / 2 % nic.rx : i % nic.rx;
}

static int fake_rxfh(struct ethtool_rxfh *r)
{
	if (r->cmd == ETHTOOL_GRSSH) {
		if (r->indir_size)
			memcpy(r->rss_config, nic.indir, nic.entries * 4);
		r->indir_size = nic.entries;
		r->key_size = 0;
		return 0;
	}
	if (nic.err)
		return errno = nic.err, -1;
	nic.resets += !r->indir_size;
	nic.writes += !!r->indir_size;
	if (!r->indir_size)
		reset();
	else if (r->indir_size != nic.entries)
		return errno = EINVAL, -1;
	for (uint32_t i = 0; i < r->indir_size; i++) {
		if (r->rss_config[i] >= nic.rx)
			return errno = EINVAL, -1;
		nic.indir[i] = r->rss_config[i];
	}
	return 0;
}

static int fake_channels(struct ethtool_channels *c)
{
	bool defaults = true;

	if (c->cmd == ETHTOOL_GCHANNELS) {
		*c = (struct ethtool_channels){
			.cmd = c->cmd, .max_combined = nic.max, .combined_count = nic.rx, .other_count = 1
		};
		return 0;
	}
	assert_int_equal(c->other_count, 1); /* what is none of ours stays */
	if (nic.err || c->combined_count > nic.max)
		return errno = nic.err ? nic.err : EINVAL, -1;
	for (uint32_t i = 0; i < nic.entries; i++)
		defaults &= nic.indir[i] == i % nic.rx;
	nic.rx = c->combined_count;
	if (defaults && !nic.writes)
		reset();
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;

	(void)fd;
	if (hit())
		return -1;
	if (request == SIOCGIFNAME) {
		if (ifr->ifr_ifindex != 7)
			return errno = ENODEV, -1;
		strcpy(ifr->ifr_name, "eth0");
		return 0;
	}
	assert_string_equal(ifr->ifr_name, "eth0");
	if (request == SIOCGIFFLAGS) {
		ifr->ifr_flags = nic.down ? 0 : IFF_UP;
		return 0;
	}
	if (request == SIOCGIFHWADDR) {
		ifr->ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr->ifr_hwaddr.sa_data, "\x02\0\0\0\0\x07", 6);
		return 0;
	}
	assert_int_equal(request, SIOCETHTOOL);
	switch (*(uint32_t *)(void *)ifr->ifr_data) {
	case ETHTOOL_GCHANNELS:
	case ETHTOOL_SCHANNELS: return fake_channels((void *)ifr->ifr_data);
	case ETHTOOL_GRSSH:
	case ETHTOOL_SRSSH:     return fake_rxfh((void *)ifr->ifr_data);
	case ETHTOOL_GRXRINGS:  ((struct ethtool_rxnfc *)(void *)ifr->ifr_data)->data = nic.rx; return 0;
	default:                return errno = EOPNOTSUPP, -1;
	}
}

/* Generic netlink knows the `netdev` family and nothing else. */
static uint8_t reply[1024] __attribute__((aligned(8)));
static size_t reply_len;

static void answer(const struct nlmsghdr *ask, struct nlmsghdr *h, int err)
{
	reply_len = 0;
	if (h && !err) {
		h->nlmsg_type = ask->nlmsg_type == GENL_ID_CTRL ? GENL_ID_CTRL : 30;
		h->nlmsg_seq = ask->nlmsg_seq;
		reply_len = MNL_ALIGN(h->nlmsg_len);
	}
	struct nlmsghdr *end = (void *)(reply + reply_len);

	*end = (struct nlmsghdr){ .nlmsg_len = sizeof(*end) + sizeof(err),
		                  .nlmsg_type = NLMSG_ERROR,
		                  .nlmsg_seq = ask->nlmsg_seq };
	memcpy(end + 1, &err, sizeof(err));
	reply_len += end->nlmsg_len;
}

static int family(const struct nlmsghdr *ask, struct nlmsghdr *h)
{
	const struct nlattr *a;
	const char *name = "";
	struct nlattr *ops, *op;

	mnl_attr_for_each(a, ask, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_NAME)
			name = mnl_attr_get_str(a);
	if (strcmp(name, NETDEV_FAMILY))
		return -ENOENT;
	mnl_attr_put_u16(h, CTRL_ATTR_FAMILY_ID, 30);
	ops = mnl_attr_nest_start(h, CTRL_ATTR_OPS);
	op = mnl_attr_nest_start(h, 1);
	mnl_attr_put_u32(h, CTRL_ATTR_OP_ID, nic.no_set ? ND_CMD_NAPI_GET : ND_CMD_NAPI_SET);
	mnl_attr_nest_end(h, op);
	mnl_attr_nest_end(h, ops);
	return 0;
}

/* NAPI 100 + n serves queue n. */
static int netdev(uint8_t cmd, const struct nlmsghdr *ask, struct nlmsghdr *h)
{
	uint64_t v[8] = { 0 };
	const struct nlattr *a;

	mnl_attr_for_each(a, ask, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) < 8)
			v[mnl_attr_get_type(a)] = nl_uint(a);
	if (cmd == ND_CMD_QUEUE_GET) {
		assert_int_equal(v[ND_QUEUE_IFINDEX], 7);
		if (v[ND_QUEUE_ID] >= nic.rx || nic.down)
			return -ENOENT;
		if (!nic.no_napi)
			mnl_attr_put_u32(h, ND_QUEUE_NAPI_ID, 100 + (uint32_t)v[ND_QUEUE_ID]);
		return 0;
	}
	unsigned n = (unsigned)v[ND_NAPI_ID] - 100;

	assert_true(n < 4);
	if (cmd == ND_CMD_NAPI_GET) {
		mnl_attr_put_u32(h, ND_NAPI_DEFER_HARD_IRQS, nic.defer[n]);
		mnl_attr_put_u32(h, ND_NAPI_GRO_FLUSH_TIMEOUT, (uint32_t)nic.flush[n]);
		mnl_attr_put_u32(h, ND_NAPI_IRQ_SUSPEND_TIMEOUT, 0);
		return 0;
	}
	if (nic.err)
		return -nic.err;
	nic.defer[n] = (uint32_t)v[ND_NAPI_DEFER_HARD_IRQS];
	nic.flush[n] = v[ND_NAPI_GRO_FLUSH_TIMEOUT];
	return 0;
}

static ssize_t fake_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct nlmsghdr *ask = buf;
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(ask);
	struct nlmsghdr *h = nl_genl(reply, 30, g->cmd, 0);

	(void)fd, (void)flags, (void)to, (void)len;
	if (hit())
		return -1;
	answer(ask, h, ask->nlmsg_type == GENL_ID_CTRL ? family(ask, h) : netdev(g->cmd, ask, h));
	return (ssize_t)n;
}

static ssize_t fake_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	(void)fd, (void)flags, (void)from, (void)len;
	if (hit())
		return -1;
	assert_true(n >= reply_len);
	memcpy(buf, reply, reply_len);
	return (ssize_t)reply_len;
}

static int fake_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	if (hit())
		return -1;
	nic.open++;
	return 9;
}

static int fake_close(int fd)
{
	(void)fd;
	nic.open--;
	return 0;
}

static int fake_setsockopt(int fd, int level, int name, const void *v, socklen_t len)
{
	(void)fd, (void)level, (void)name, (void)v, (void)len;
	return 0;
}

static int fake_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	return errno = ENOENT, -1;
}

#endif

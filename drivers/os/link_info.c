/* SPDX-License-Identifier: MIT */
/* link_info.c - what the kernel says of one interface: ioctl where there is one, sysfs for the
   rest; cold; called by port.c, the drivers' open and the environment's plan. */
#include "link_info.h"
#include "nl_recv.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>

#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

enum { SYSFS_PARENTS = 8, SYSFS_QUEUES_MAX = 4096 };

static int ask(const struct plx_sys *sys, int fd, unsigned long request, const char *name, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, name, strlen(name));
	return sys->ioctl(fd, request, ifr) ? -errno : 0;
}

static int ask_ethtool(const struct plx_sys *sys, int fd, const char *name, void *cmd)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, name, strlen(name));
	ifr.ifr_data = cmd;
	return sys->ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static uint16_t count_queues(const struct plx_sys *sys, const char *name, const char *kind)
{
	char path[128];
	uint16_t n = 0;

	for (; n < SYSFS_QUEUES_MAX; n++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/%s-%u", name, kind, n);
		int fd = sys->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
		if (fd < 0)
			break;
		sys->close(fd);
	}
	return n;
}

/* The sysfs that is mounted may be another network namespace's; the index tells. */
bool plx_link_sysfs(const struct plx_sys *sys, const char *name, uint32_t ifindex)
{
	char path[128];
	long v;

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", name);
	return !plx_file_number(sys, path, &v) && (uint32_t)v == ifindex;
}

static uint16_t cut16(uint64_t v)
{
	return v > UINT16_MAX ? UINT16_MAX : (uint16_t)v;
}

/* ETHTOOL_GCHANNELS counts shared queues (virtio) as combined and separate ones (veth) as
   rx and tx. */
static void ask_channels(const struct plx_sys *sys, int fd, struct plx_link_info *li)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	if (!ask_ethtool(sys, fd, li->name, &ch)) {
		li->rxqs = cut16((uint64_t)ch.rx_count + ch.combined_count);
		li->txqs = cut16((uint64_t)ch.tx_count + ch.combined_count);
		li->combined = ch.combined_count;
		li->rxqs_max = cut16((uint64_t)ch.max_rx + ch.max_combined);
		li->txqs_max = cut16((uint64_t)ch.max_tx + ch.max_combined);
	}
	if ((!li->rxqs || !li->txqs) && plx_link_sysfs(sys, li->name, li->ifindex)) {
		li->rxqs = li->rxqs ? li->rxqs : count_queues(sys, li->name, "rx");
		li->txqs = li->txqs ? li->txqs : count_queues(sys, li->name, "tx");
	}
	li->rxqs = li->rxqs ? li->rxqs : 1;
	li->txqs = li->txqs ? li->txqs : 1;
	li->rxqs_max = li->rxqs_max > li->rxqs ? li->rxqs_max : li->rxqs;
	li->txqs_max = li->txqs_max > li->txqs ? li->txqs_max : li->txqs;
}

/* A virtio NIC's device is the virtio one; its node stands at the PCI parent. */
int16_t plx_link_node(const struct plx_sys *sys, const struct plx_link_info *li)
{
	char path[192];
	size_t len = (size_t)snprintf(path, sizeof(path), "/sys/class/net/%s/device", li->name);

	if (!plx_link_sysfs(sys, li->name, li->ifindex))
		return -1;
	for (int up = 0; up < SYSFS_PARENTS; up++) {
		long node;
		snprintf(path + len, sizeof(path) - len, "/numa_node");
		if (!plx_file_number(sys, path, &node) && node >= 0 && node < PLX_NODES_MAX)
			return (int16_t)node;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/..");
	}
	return -1;
}

/* by_altname asks rtnetlink, since a name of an ioctl has 15 bytes.  The answer is there when
   sendto returns; only its beginning matters. */
static int by_altname(const struct plx_sys *sys, const char *name, int *ifindex)
{
	struct { struct nlmsghdr h; struct ifinfomsg m; struct rtattr a; char name[PLX_IFNAME_MAX]; } ask = {
		.h = { .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1 },
		.a = { .rta_type = IFLA_ALT_IFNAME, .rta_len = (unsigned short)RTA_LENGTH(strlen(name) + 1) },
	};
	struct {
		struct nlmsghdr h;
		union {
			struct ifinfomsg m;
			struct nlmsgerr e;
		};
	} is = { .h = { .nlmsg_len = 0 } };
	int fd = sys->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	strcpy(ask.name, name);
	ask.h.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(ask.m)) + RTA_ALIGN(ask.a.rta_len));
	ssize_t n = sys->sendto(fd, &ask, ask.h.nlmsg_len, 0, NULL, 0) < 0 ? -errno : nl_recv(sys, fd, &is, sizeof(is));
	int err = n < 0 ? (int)n : n < (ssize_t)NLMSG_LENGTH(sizeof(is.m)) ? -EBADMSG : 0;

	sys->close(fd);
	if (err)
		return err;
	if (is.h.nlmsg_type == NLMSG_ERROR)
		return is.e.error < 0 ? is.e.error : -EBADMSG;
	if (is.h.nlmsg_type != RTM_NEWLINK)
		return -EBADMSG;
	*ifindex = is.m.ifi_index;
	return 0;
}

static bool has_header(uint16_t type)
{
	return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
}

const char *plx_link_headless(uint16_t type, char *buf, size_t len)
{
	static const struct { uint16_t type; const char *name, *use; } known[] = {
		{ ARPHRD_NONE,               "ARPHRD_NONE",
		  "a tap in place of a tun, or the interface below a tunnel" },
		{ ARPHRD_PPP,                "ARPHRD_PPP",                "the interface below it" },
		{ ARPHRD_TUNNEL,             "ARPHRD_TUNNEL",             "the interface below it" },
		{ ARPHRD_TUNNEL6,            "ARPHRD_TUNNEL6",            "the interface below it" },
		{ ARPHRD_SIT,                "ARPHRD_SIT",                "the interface below it" },
		{ ARPHRD_IPGRE,              "ARPHRD_IPGRE",              "a gretap, or the interface below it" },
		{ ARPHRD_IP6GRE,             "ARPHRD_IP6GRE",             "an ip6gretap, or the interface below it" },
		{ ARPHRD_RAWIP,              "ARPHRD_RAWIP",              "another interface" },
		{ ARPHRD_INFINIBAND,         "ARPHRD_INFINIBAND",         "the adapter's Ethernet mode" },
		{ ARPHRD_IEEE80211,          "ARPHRD_IEEE80211",          "its managed mode" },
		{ ARPHRD_IEEE80211_PRISM,    "ARPHRD_IEEE80211_PRISM",    "its managed mode" },
		{ ARPHRD_IEEE80211_RADIOTAP, "ARPHRD_IEEE80211_RADIOTAP", "its managed mode" },
		{ ARPHRD_CAN,                "ARPHRD_CAN",                "another interface" },
	};
	const char *name = "", *use = "a NIC, a veth or a tap";

	if (has_header(type))
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].type == type) {
			name = known[i].name;
			use = known[i].use;
		}
	snprintf(buf, len, "it has no Ethernet header (type %u%s%s) (EOPNOTSUPP): use %s", type,
	         *name ? ", " : "", name, use);
	return buf;
}

static int query(const struct plx_sys *sys, int fd, const char *name, struct plx_link_info *li)
{
	struct ifreq ifr = { .ifr_ifindex = 0 };
	/* an ioctl takes "va:0" for va, after which addresses were named once */
	const bool plain = strlen(name) < IFNAMSIZ && !strchr(name, ':');
	int err = plain ? ask(sys, fd, SIOCGIFINDEX, name, &ifr) : by_altname(sys, name, &ifr.ifr_ifindex);

	if (err)
		return err;
	li->ifindex = (uint32_t)ifr.ifr_ifindex;
	if (sys->ioctl(fd, SIOCGIFNAME, &ifr)) /* asked by index: an alternative name becomes the kernel's */
		return -errno;
	memcpy(li->name, ifr.ifr_name, sizeof(li->name));
	li->name[sizeof(li->name) - 1] = 0;
	if ((err = ask(sys, fd, SIOCGIFFLAGS, li->name, &ifr)))
		return err;
	li->up = ifr.ifr_flags & IFF_UP;
	li->running = ifr.ifr_flags & IFF_RUNNING;
	if ((err = ask(sys, fd, SIOCGIFMTU, li->name, &ifr)))
		return err;
	li->mtu = (uint32_t)ifr.ifr_mtu;
	if ((err = ask(sys, fd, SIOCGIFHWADDR, li->name, &ifr)))
		return err;
	memcpy(li->mac, ifr.ifr_hwaddr.sa_data, sizeof(li->mac));
	li->type = ifr.ifr_hwaddr.sa_family;
	li->headless = !has_header(li->type);

	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	if (!ask_ethtool(sys, fd, li->name, &info))
		snprintf(li->kdriver, sizeof(li->kdriver), "%.31s", info.driver);
	snprintf(li->bus, sizeof(li->bus), "%.31s", info.bus_info);
	ask_channels(sys, fd, li);
	li->node = plx_link_node(sys, li);
	return 0;
}

int plx_link_query(const struct plx_sys *sys, const char *name, struct plx_link_info *li)
{
	memset(li, 0, sizeof(*li));
	li->node = -1;
	if (!name[0] || strlen(name) >= PLX_IFNAME_MAX)
		return -ENODEV;
	int fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int err = query(sys, fd, name, li);
	sys->close(fd);
	return err;
}

int plx_link_named(const struct plx_sys *sys, uint32_t ifindex, char *name, const char *of, uint32_t *index)
{
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };
	int fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*index = 0;
	*name = 0;
	if (fd < 0)
		return -errno;
	if (!sys->ioctl(fd, SIOCGIFNAME, &ifr))
		snprintf(name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, ifr.ifr_name);
	if (!ask(sys, fd, SIOCGIFINDEX, of, &ifr))
		*index = (uint32_t)ifr.ifr_ifindex;
	sys->close(fd);
	return 0;
}

/* /proc/net/dev: two lines of heading, then "  name: numbers". */
int plx_link_names(const struct plx_sys *sys, char names[][16], int n)
{
	char buf[4096];
	size_t have = 0;
	int found = 0, fd = sys->open("/proc/net/dev", O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	while (found < n) {
		ssize_t got = sys->read(fd, buf + have, sizeof(buf) - 1 - have);
		if (got <= 0)
			break;
		have += (size_t)got;
		buf[have] = 0;
		char *line = buf, *nl;
		for (; (nl = strchr(line, '\n')); line = nl + 1) {
			char *colon = memchr(line, ':', (size_t)(nl - line));
			line += strspn(line, " ");
			if (colon && colon - line < 16 && found < n)
				snprintf(names[found++], 16, "%.*s", (int)(colon - line), line);
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have == sizeof(buf) - 1)
			break; /* a line longer than any the kernel writes */
	}
	sys->close(fd);
	return found;
}

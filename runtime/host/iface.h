/* SPDX-License-Identifier: MIT */
/* iface.h - discovery: all that can be found out about one interface, by rtnetlink, ethtool,
   the `netdev` family, sysfs and procfs.  Reading changes nothing.  Main thread; internal to
   runtime/ and the operator's tool.

   What is not told stays unknown: -1 in a signed number, 0 in an address or index, "" in a
   name.  struct iface is big (two tables of queues): allocate it. */
#ifndef IFACE_H
#define IFACE_H

#include "link_info.h"
#include "xdp.h"
#include "topo.h"

enum { IFACE_ALTS_MAX = 4, IFACE_SLAVES_MAX = 16, IFACE_RSS_MAX = 2048, IFACE_KEY_MAX = 128 };

/* How the interrupt of a queue is known. */
#define IFACE_HOWS(X) \
	X(UNKNOWN, "unknown")             /* no source names one */ \
	X(NONE,    "no interrupt")        /* no device is behind the interface: veth, bridge, tap */ \
	X(NAPI,    "netdev netlink")      /* queue -> NAPI -> interrupt, by the kernel itself */ \
	X(MSI,     "name in msi_irqs")    /* an interrupt of the device, the queue by its action's name */ \
	X(NAME,    "name in interrupts")  /* an action of /proc/interrupts that names interface or device */
#define X(id, what) IFACE_IRQ_##id,
enum iface_how { IFACE_HOWS(X) };
#undef X
const char *iface_how_name(enum iface_how how);

struct iface_queue {
	int32_t napi;             /* NAPI id */
	int32_t napi_pid;         /* of its thread, if it is polled by one */
	int32_t irq;
	enum iface_how how;
	int32_t cpu;              /* that serves the interrupt: first of effective, else of affinity */
	int32_t node;             /* of that CPU */
	struct cpuset effective; /* where the interrupt does go; empty = not told, or affinity is newer */
	struct cpuset affinity;  /* where it may go, of the CPUs online */
	struct cpuset hint;      /* where its driver wants it */
	int64_t defer_hard_irqs, gro_flush_ns, irq_suspend_ns; /* of the NAPI */
	int32_t rss;              /* entries of the RSS table that lead here */
	int8_t  xsk;              /* 1: an AF_XDP socket is bound to it; 0: none */
};

/* Offloads: id, the kernel's name, the word of ethtool -K. */
#define IFACE_FEATURES(X) \
	X(rx_csum,     "rx-checksum",               "rx") \
	X(tx_csum,     "tx-checksum-ip-generic",    "tx") \
	X(tx_csum4,    "tx-checksum-ipv4",          "tx-checksum-ipv4") \
	X(tx_csum6,    "tx-checksum-ipv6",          "tx-checksum-ipv6") \
	X(sg,          "tx-scatter-gather",         "sg") \
	X(tso,         "tx-tcp-segmentation",       "tso") \
	X(gso,         "tx-generic-segmentation",   "gso") \
	X(gro,         "rx-gro",                    "gro") \
	X(gro_hw,      "rx-gro-hw",                 "rx-gro-hw") \
	X(gro_list,    "rx-gro-list",               "rx-gro-list") \
	X(gro_udp,     "rx-udp-gro-forwarding",     "rx-udp-gro-forwarding") \
	X(lro,         "rx-lro",                    "lro") \
	X(rx_vlan,     "rx-vlan-hw-parse",          "rxvlan") \
	X(tx_vlan,     "tx-vlan-hw-insert",         "txvlan") \
	X(vlan_filter, "rx-vlan-filter",            "rx-vlan-filter") \
	X(ntuple,      "rx-ntuple-filter",          "ntuple") \
	X(rxhash,      "rx-hashing",                "rxhash")
#define X(id, name, word) IFACE_F_##id,
enum iface_feature { IFACE_FEATURES(X) IFACE_F_N };
#undef X
/* The kernel's name, and the word of ethtool -K. */
const char *iface_feature_name(enum iface_feature f);
const char *iface_feature_word(enum iface_feature f);

struct iface_ref { uint32_t ifindex; char name[16]; }; /* another interface; name "" = of another namespace */

struct iface {
	/* identity */
	char     name[16];               /* the kernel's */
	char     alt[IFACE_ALTS_MAX][128];
	uint8_t  nalts;
	uint32_t ifindex;
	uint64_t netns;                  /* cookie of the network namespace */
	char     kind[16];               /* "veth", "bond", "vlan", "bridge", ...; "" = a device */
	char     kdriver[32];            /* kernel driver */
	char     bus[32];                /* as its driver calls its place: "0000:01:00.0" */
	char     parent[32];             /* device it belongs to: "0000:01:00.0", "virtio1" */
	int16_t  node;                   /* of the device */

	/* state */
	uint8_t  mac[6];
	int32_t  type;                   /* ARPHRD_*, -1 = not told */
	uint32_t flags;                  /* IFF_UP, IFF_RUNNING, ... */
	int16_t  operstate;              /* IF_OPER_UP, ... */
	uint32_t mtu, mtu_min, mtu_max;  /* mtu_max 0 = not told, or no limit */

	/* what it stands on and what stands on it */
	struct iface_ref master;         /* bond or bridge it is a port of */
	struct iface_ref lower;          /* device of a VLAN; other end of a veth pair */
	int32_t  lower_netns;            /* id of the namespace the other end is in; -1 = this one */
	int32_t  vlan;                   /* VLAN id */
	int16_t  bond_mode;
	struct iface_ref slaves[IFACE_SLAVES_MAX]; /* ports of a bond or bridge */
	uint16_t nslaves;

	/* channels, rings, RSS, offloads */
	int32_t  rxqs_alloc, txqs_alloc; /* queues the device was made with */
	int32_t  ch_rx, ch_tx, ch_combined, ch_rx_max, ch_tx_max, ch_combined_max;
	int32_t  rx_ring, tx_ring, rx_ring_max, tx_ring_max;
	int32_t  rx_buf_len;
	int8_t   hds;                    /* header split: 0 off, 1 on */
	int32_t  rss_size;               /* entries of the RSS table, 0 = has none */
	uint16_t rss[IFACE_RSS_MAX];     /* its first entries: receive queues */
	int32_t  rss_key_len;
	uint8_t  rss_key[IFACE_KEY_MAX];
	uint32_t f_known, f_on, f_can;   /* bit enum iface_feature: told; on; may be changed */

	/* XDP */
	bool     xdp_told;               /* xdp_features is known */
	uint64_t xdp_features;           /* NETDEV_XDP_ACT_* */
	uint64_t xdp_rx_meta, xsk_features;
	int32_t  zc_max_segs;
	struct plx_xdp_info xdp;         /* the program; more of it by plx_xdp_programs, its owner by plx_xdp_owner */

	/* queues in use, at most PLX_QUEUES_MAX of each */
	uint16_t nrxqs, ntxqs;
	struct iface_queue rxq[PLX_QUEUES_MAX], txq[PLX_QUEUES_MAX];
};

/* A feature of l: 1 on, 0 off, -1 not told. */
static inline int iface_on(const struct iface *l, enum iface_feature f)
{
	return l->f_known >> f & 1 ? (int)(l->f_on >> f & 1) : -1;
}

/* iface_link_init makes everything unknown. */
void iface_link_init(struct iface *l);
void iface_link_init_head(struct iface *l); /* all but the queues */

/* iface_read finds out about the interface of that name, alternative names too.  0;
   -ENODEV: there is none; another -errno only if the kernel cannot be asked for links at all. */
int iface_read(const struct plx_sys *sys, const char *name, struct iface *l);
/* iface_read_more: the same of the interface that li is of, which is not asked about once more.  0 or -ENODEV. */
int iface_read_more(const struct plx_sys *sys, const struct plx_link_info *li, struct iface *l);

/* iface_link_each calls fn with each interface of this network namespace, with what rtnetlink
   tells (identity but driver and bus, state, master and lower by index, XDP program by id).
   l is lent.  0 or -errno. */
int iface_link_each(const struct plx_sys *sys, void (*fn)(void *arg, const struct iface *l), void *arg);

/* ---- the sources, each alone; what they cannot find they leave ---- */

struct nlmsghdr;
struct nl;
/* rtnetlink: a RTM_NEWLINK message into l.  false = it is none.  Pure. */
bool iface_rtnl_parse(const struct nlmsghdr *h, struct iface *l);
uint64_t iface_netns(struct nl *q);
int  iface_rtnl(struct nl *q, const char *name, struct iface *l);
void iface_rtnl_names(struct nl *q, struct iface *l);   /* of master, lower, slaves */
/* iface_rss takes an RSS table of n entries. */
void iface_rss(struct iface *l, const uint32_t *table, uint32_t n);
/* ethtool by generic netlink: a reply into l.  false = it is none.  Pure. */
bool iface_ethtool_parse(const struct nlmsghdr *h, struct iface *l);
void iface_ethtool(struct nl *q, struct iface *l);
/* The same by ioctl, for what netlink did not tell. */
void iface_ioctl(const struct plx_sys *sys, struct iface *l);
/* The `netdev` family: a reply of device, queue or NAPI into l.  false = it is none.  Pure. */
bool iface_netdev_parse(const struct nlmsghdr *h, struct iface *l);
void iface_netdev(struct nl *q, struct iface *l);
/* Interrupts of the queues and their CPUs, from sysfs and procfs. */
void iface_irq(const struct plx_sys *sys, struct iface *l);
/* iface_irq_cpus: the CPUs that serve an interrupt and those that may, of the ones online (NULL = all).
   effective is empty where it is not told and where affinity was changed since the last interrupt:
   then affinity is what counts. */
void iface_irq_cpus(const struct plx_sys *sys, int irq, const struct cpuset *online, struct cpuset *effective,
                    struct cpuset *affinity);

/* iface_irq_name: what the action of an interrupt says, such as "eth0-TxRx-3". */
struct iface_action {
	bool ours;   /* names the interface, or its device by bus or parent */
	bool rx, tx; /* which direction it serves */
	int  queue;  /* -1 = it serves no queue */
	bool bare;   /* the interface's name and nothing else: queue 0, if no other has one */
};
void iface_irq_name(struct iface_action *a, const char *action, const struct iface *l);

#endif

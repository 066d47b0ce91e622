/* SPDX-License-Identifier: MIT */
/* link_info.h - what the kernel says of one interface, by ioctl and sysfs; no state.
   Internal to drivers/ and runtime/.  Main thread; may block in the kernel. */
#ifndef LINK_INFO_H
#define LINK_INFO_H

#include "plx_net.h"
#include "plx_sys.h"

/* Zero-copy of AF_XDP, as the kernel tells it from 6.3 on. */
enum plx_link_zc { PLX_LINK_ZC_NOT_TOLD, PLX_LINK_ZC_NO, PLX_LINK_ZC_YES };

struct plx_link_info {
	char     name[16];       /* the kernel's name, also when asked by another */
	uint32_t ifindex, mtu;
	uint8_t  mac[6];
	uint16_t type;           /* ARPHRD_* */
	bool     headless;       /* what it carries does not begin with an Ethernet header */
	bool     up;             /* IFF_UP: switched on */
	bool     running;        /* IFF_RUNNING: carrier */
	uint16_t rxqs, txqs;     /* queues in use now (ETHTOOL_GCHANNELS, else sysfs, else 1) */
	uint16_t rxqs_max, txqs_max;
	bool     combined;       /* its channels are shared by both directions: ethtool -L X combined N */
	int16_t  node;           /* first parent device with a numa_node >= 0, else -1 */
	char     kdriver[32];    /* kernel driver, "veth"; "" if not told */
	uint8_t  zc;             /* enum plx_link_zc: what discovery has of the kernel; plx_link_query does not ask */
	char     bus[32];        /* where the device is, "0000:01:00.0"; "" if not told */
};

enum { PLX_L2_MAX = PLX_ETH_LEN + 2 * PLX_VLAN_LEN }; /* what an MTU does not count: Ethernet header and two tags */

/* plx_link_query takes any name of it, up to 127 bytes.  0, -ENODEV (no such name), -errno. */
int plx_link_query(const struct plx_sys *sys, const char *name, struct plx_link_info *li);

/* plx_link_headless: interfaces of this type (ARPHRD_*) have no Ethernet header, and the beginning of what they
   carry would be taken for one.  The reason and what to use instead, for one line, into buf; NULL if they have. */
enum { PLX_HEADLESS_MAX = 192 };
const char *plx_link_headless(uint16_t type, char *buf, size_t len);

/* plx_link_named: the name that an interface has now (name[16], "" = it is not here), and the
   interface that has the name `of` (0 = none).  0 or -errno. */
int plx_link_named(const struct plx_sys *sys, uint32_t ifindex, char *name, const char *of, uint32_t *index);

/* plx_link_node: the first parent device with a numa_node >= 0, by li's name and index; -1. */
int16_t plx_link_node(const struct plx_sys *sys, const struct plx_link_info *li);

/* plx_link_sysfs: the sysfs that is mounted tells of this interface; it may be another network
   namespace's. */
bool plx_link_sysfs(const struct plx_sys *sys, const char *name, uint32_t ifindex);

/* plx_link_names writes up to n interface names of this network namespace, for suggestions. */
int plx_link_names(const struct plx_sys *sys, char names[][16], int n);

#endif

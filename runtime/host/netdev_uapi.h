/* SPDX-License-Identifier: MIT */
/* netdev_uapi.h - constants of the kernel's `netdev` family and newer ethtool messages, which
   the build machine's headers may be too old to have.  Whether the running kernel knows them is
   asked at run time. */
#ifndef NETDEV_UAPI_H
#define NETDEV_UAPI_H

#include <linux/ethtool_netlink.h>
#include <sys/socket.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define NETDEV_FAMILY "netdev"
enum { ND_CMD_DEV_GET = 1, ND_CMD_QUEUE_GET = 10, ND_CMD_NAPI_GET = 11,
       ND_CMD_NAPI_SET = 14, ND_CMD_BIND_TX = 15 }; /* a kernel that has this one tells of AF_XDP sockets too */
enum { ND_DEV_IFINDEX = 1, ND_DEV_XDP_FEATURES = 3, ND_DEV_XDP_ZC_MAX_SEGS, ND_DEV_XDP_RX_METADATA,
       ND_DEV_XSK_FEATURES };
enum { ND_NAPI_IFINDEX = 1, ND_NAPI_ID, ND_NAPI_IRQ, ND_NAPI_PID, ND_NAPI_DEFER_HARD_IRQS,
       ND_NAPI_GRO_FLUSH_TIMEOUT, ND_NAPI_IRQ_SUSPEND_TIMEOUT };
enum { ND_QUEUE_ID = 1, ND_QUEUE_IFINDEX, ND_QUEUE_TYPE, ND_QUEUE_NAPI_ID, ND_QUEUE_DMABUF,
       ND_QUEUE_IO_URING, ND_QUEUE_XSK };
enum { ND_QUEUE_RX, ND_QUEUE_TX };

/* ETHTOOL_MSG_RSS_GET; 6.2 */
enum { ET_RSS_GET = 38 };
enum { ET_RSS_HEADER = 1, ET_RSS_CONTEXT, ET_RSS_HFUNC, ET_RSS_INDIR, ET_RSS_HKEY };

#endif

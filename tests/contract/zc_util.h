/* SPDX-License-Identifier: MIT */
/* zc_util.h - a veth that says it has zero-copy: its sockets copy, and all that asks is told otherwise. */
#ifndef ZC_UTIL_H
#define ZC_UTIL_H

#include "ax_util.h"
#include <linux/ethtool.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

enum { ZC_FDS = 1024 };
static bool zerocopy[ZC_FDS]; /* by socket */

static inline int zc_ioctl(int fd, unsigned long request, void *arg)
{
	int err = plx_sys_linux.ioctl(fd, request, arg);
	struct ifreq *ifr = arg;

	if (!err && request == SIOCETHTOOL && *(uint32_t *)(void *)ifr->ifr_data == ETHTOOL_GDRVINFO)
		strcpy(((struct ethtool_drvinfo *)(void *)ifr->ifr_data)->driver, "virtio_net");
	return err;
}

static inline int zc_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	struct sockaddr_xdp x;

	if (a->sa_family != AF_XDP || fd >= ZC_FDS)
		return plx_sys_linux.bind(fd, a, len);
	memcpy(&x, a, sizeof(x));
	zerocopy[fd] = x.sxdp_flags & XDP_SHARED_UMEM ? zerocopy[x.sxdp_shared_umem_fd] : x.sxdp_flags & XDP_ZEROCOPY;
	if (x.sxdp_flags & XDP_ZEROCOPY)
		x.sxdp_flags = (uint16_t)((x.sxdp_flags & ~XDP_ZEROCOPY) | XDP_COPY);
	return plx_sys_linux.bind(fd, (struct sockaddr *)&x, len);
}

static inline int zc_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int err = plx_sys_linux.getsockopt(fd, level, name, val, len);

	if (!err && level == SOL_XDP && name == XDP_OPTIONS && fd < ZC_FDS && zerocopy[fd])
		((struct xdp_options *)val)->flags |= XDP_OPTIONS_ZEROCOPY;
	return err;
}

/* zc_sys: the system as such a machine has it. */
static inline struct plx_sys zc_sys(void)
{
	struct plx_sys s = plx_sys_linux;

	s.ioctl = zc_ioctl;
	s.bind = zc_bind;
	s.getsockopt = zc_getsockopt;
	return s;
}

#endif

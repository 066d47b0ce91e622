/* SPDX-License-Identifier: MIT */
/* nl_recv.c - one datagram of a netlink socket.  Cold. */
#include "nl_recv.h"
#include <errno.h>
#include <sys/socket.h>

ssize_t nl_recv(const struct plx_sys *sys, int fd, void *buf, size_t len)
{
	struct sockaddr_nl from = { 0 };
	socklen_t fromlen = sizeof(from);
	const ssize_t n = sys->recvfrom(fd, buf, len, MSG_TRUNC | MSG_DONTWAIT, (struct sockaddr *)&from, &fromlen);

	if (n < 0)
		return -errno;
	return from.nl_pid ? 0 : n;
}

/* SPDX-License-Identifier: MIT */
/* nl_recv.h - what all who read a netlink socket share: one datagram of the kernel's, and where its messages end.
   Internal to drivers/ and runtime/. */
#ifndef NL_RECV_H
#define NL_RECV_H

#include "plx_sys.h"
#include <linux/rtnetlink.h>

/* nl_recv takes one datagram and does not wait: its length, which is beyond len if it was cut; 0: it was another
   process's, as any may send us some, and only the kernel counts; -EAGAIN: there is none; -errno.  Any thread. */
ssize_t nl_recv(const struct plx_sys *sys, int fd, void *buf, size_t len);

/* nl_ok: a whole message begins at h, of which so many bytes are left, below 0 behind padding that is not there.
   NLMSG_OK and mnl_nlmsg_ok mix signed and unsigned: to one a length of 2^31 is small, to the other -3 bytes are many.
 */
static inline bool nl_ok(const struct nlmsghdr *h, int left)
{
	return left >= (int)sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= (uint32_t)left;
}

#endif

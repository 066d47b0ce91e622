/* SPDX-License-Identifier: MIT */
/* xsk_info.c - what the kernel tells of AF_XDP sockets: whose one is on a queue, and whether it
   takes chains; cold; called where a queue is busy and by what finds out about the machine. */
#include "nl_recv.h"
#include "file.h"
#include "xdp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/if_xdp.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PARTS_MAX = 1024,       /* of the kernel's answer */
       USE_SG    = 1 << 4 };   /* XDP_USE_SG, which headers may lack */

/* No interface has this number: the kernel looks at the flags first, then for the interface. */
int plx_xsk_chains(const struct plx_sys *sys)
{
	struct sockaddr_xdp a = { .sxdp_family = AF_XDP, .sxdp_flags = USE_SG | XDP_COPY, .sxdp_ifindex = INT32_MAX };
	int fd = sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -1;
	if (sys->bind(fd, (struct sockaddr *)&a, sizeof(a)))
		err = errno;
	sys->close(fd);
	return err == ENODEV ? 1 : err == EINVAL ? 0 : -1;
}

struct wanted {
	uint32_t ifindex, queue;
	uint32_t inode;          /* 0 = not found yet */
};

/* One socket of the answer. */
static void look_at(struct wanted *w, const struct nlmsghdr *h)
{
	const struct xdp_diag_msg *m = NLMSG_DATA(h);
	struct xdp_diag_info info;
	int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(sizeof(*m));

	for (const struct rtattr *a = (const void *)((const char *)m + NLMSG_ALIGN(sizeof(*m))); RTA_OK(a, left);
	     a = RTA_NEXT(a, left)) {
		if (a->rta_type != XDP_DIAG_INFO || RTA_PAYLOAD(a) < sizeof(info))
			continue;
		memcpy(&info, RTA_DATA(a), sizeof(info));
		if (info.ifindex == w->ifindex && info.queue_id == w->queue)
			w->inode = m->xdiag_ino;
	}
}

/* One part of the answer.  1: the last; 0: there are more; -errno. */
static int look_through(struct wanted *w, const void *buf, ssize_t n)
{
	int left = (int)n;

	for (const struct nlmsghdr *h = buf; nl_ok(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 1;
		if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
			int err;

			memcpy(&err, NLMSG_DATA(h), sizeof(err));
			return err < 0 ? err : -EBADMSG;
		}
		if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xdp_diag_msg)))
			look_at(w, h);
	}
	return 0;
}

/* The inode of the socket on the queue.  The answer to a dump is made as it is read, so that no
   read has to wait. */
static int find_socket(struct wanted *w, const struct plx_sys *sys)
{
	struct { struct nlmsghdr h; struct xdp_diag_req r; } ask = {
		.h = { .nlmsg_len = sizeof(ask), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 1 },
		.r = { .sdiag_family = AF_XDP, .xdiag_show = XDP_SHOW_INFO },
	};
	union { struct nlmsghdr h; char bytes[16384]; } buf;
	int end = 0, fd = sys->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	if (sys->sendto(fd, &ask, sizeof(ask), 0, NULL, 0) < 0)
		end = -errno;
	for (int i = 0; !end && i < PARTS_MAX; i++) {
		ssize_t n = nl_recv(sys, fd, &buf, sizeof(buf));

		end = n < 0 ? (int)n : n > (ssize_t)sizeof(buf) ? -EMSGSIZE : look_through(w, &buf, n);
	}
	sys->close(fd);
	/* no handler of the family: ENOENT */
	return end == -ENOENT || end == -EINVAL ? -EPROTONOSUPPORT : end < 0 ? end : w->inode ? 0 : -ENOENT;
}

struct search {
	const struct plx_sys *sys;
	char     path[64];       /* of the directory that is read */
	uint32_t inode, left;    /* files that may still be looked at */
};

static int look_at_file(void *arg, const char *name)
{
	struct search *s = arg;
	struct stat st;
	char path[96];

	if (!s->left)
		return -ENOENT;
	s->left--;
	snprintf(path, sizeof(path), "%s/%.20s", s->path, name);
	int fd = s->sys->open(path, O_PATH | O_CLOEXEC, 0); /* a look at the socket, not the socket */
	if (fd < 0)
		return 0;
	bool it = !s->sys->fstat(fd, &st) && S_ISSOCK(st.st_mode) && st.st_ino == s->inode;
	s->sys->close(fd);
	return it;
}

static int look_at_process(void *arg, const char *name)
{
	struct search *s = arg;
	char *end;
	long pid = strtol(name, &end, 10);

	if (end == name || *end || pid <= 0)
		return 0;
	snprintf(s->path, sizeof(s->path), "/proc/%ld/fd", pid);
	if (plx_file_dir(s->sys, s->path, look_at_file, s) == 1)
		return (int)pid;
	return s->left ? 0 : -ENOENT;
}

int plx_xsk_holder(uint32_t ifindex, uint32_t queue, struct plx_xsk_holder *h, const struct plx_sys *sys)
{
	struct wanted w = { .ifindex = ifindex, .queue = queue };
	char path[64];

	memset(h, 0, sizeof(*h));
	int err = find_socket(&w, sys);
	if (err)
		return err;
	struct search s = { .sys = sys, .inode = w.inode, .left = PLX_XDP_FILES_MAX };
	int pid = plx_file_dir(sys, "/proc", look_at_process, &s);
	if (pid <= 0)
		return -ESRCH;
	h->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (plx_file_read(sys, path, h->comm, sizeof(h->comm)) > 0)
		h->comm[strcspn(h->comm, "\n")] = 0;
	return 0;
}

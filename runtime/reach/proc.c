/* SPDX-License-Identifier: MIT */
/* proc.c - TCP connections by the tables of /proc, for kernels without tcp_diag.  Cold; called by
   reach.c. */
#include "reach.h"
#include "file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

struct lister { reach_tcp_fn fn; void *arg; uint8_t family; };

/* An address stands there as words of the machine's own byte order. */
static bool read_ip(const char *hex, uint8_t family, uint32_t *ip)
{
	unsigned words = family == AF_INET ? 1 : 4;

	if (strlen(hex) != words * 8)
		return false;
	for (unsigned i = 0; i < words; i++)
		if (sscanf(hex + i * 8, "%8" SCNx32, &ip[i]) != 1)
			return false;
	return true;
}

/* Number, both ends, state, queues, timer, retransmits, user, timeout, inode. */
static int got_line(void *arg, char *line)
{
	const struct lister *l = arg;
	struct inet_diag_msg m = { .idiag_family = l->family };
	char near[33], far[33];
	unsigned near_port, far_port, state;

	if (sscanf(line, " %*u: %32[0-9A-F]:%4x %32[0-9A-F]:%4x %2x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu32, near,
	           &near_port, far, &far_port, &state, &m.idiag_inode) != 6 || /* the heading */
	    !read_ip(near, l->family, m.id.idiag_src) ||
	    !read_ip(far, l->family, m.id.idiag_dst))
		return 0;
	m.id.idiag_sport = htons((uint16_t)near_port);
	m.id.idiag_dport = htons((uint16_t)far_port);
	m.idiag_state = (uint8_t)state;
	if (state == TCP_ESTABLISHED)
		l->fn(l->arg, &m);
	return 0;
}

int reach_tcp_list(const struct plx_sys *sys, reach_tcp_fn fn, void *arg)
{
	struct lister l = { .fn = fn, .arg = arg, .family = AF_INET };
	int err = plx_file_lines(sys, "/proc/thread-self/net/tcp", got_line, &l);

	if (err)
		return err;
	l.family = AF_INET6;
	err = plx_file_lines(sys, "/proc/thread-self/net/tcp6", got_line, &l);
	return err == -ENOENT ? 0 : err; /* without IPv6 */
}

/* SPDX-License-Identifier: MIT */
/* nl.h - questions to the kernel by netlink, and their answers.  Internal to runtime/.  A
   call ends within a second, usually in microseconds, unless the kernel holds its lock of interfaces. */
#ifndef NL_H
#define NL_H

#include "plx_sys.h"
#include <libmnl/libmnl.h>

struct nl {
	const struct plx_sys *sys;
	int      fd;
	uint32_t seq;
	char     said[128]; /* why the kernel refused last, in its own words; "" = it gave none */
};

typedef void (*nl_fn)(void *arg, const struct nlmsghdr *h);

/* nl_open: protocol is NETLINK_ROUTE or NETLINK_GENERIC.  0 or -errno. */
int nl_open(struct nl *q, const struct plx_sys *sys, int protocol);
void nl_close(struct nl *q);

/* nl_ask sends h (flags NLM_F_DUMP for a dump; the rest is filled in) and calls fn with each
   message of the answer.  A dump that changed while it ran is asked for anew, so fn may see an
   object twice.  0, what the kernel answered as -errno, or -ETIMEDOUT. */
int nl_ask(struct nl *q, struct nlmsghdr *h, nl_fn fn, void *arg);

/* nl_family: id of a generic netlink family, and its highest command; -ENOENT, -errno. */
int nl_family(struct nl *q, const char *name, uint32_t *max_cmd);

/* nl_genl begins a message of a generic netlink family in buf. */
struct nlmsghdr *nl_genl(void *buf, int family, uint8_t cmd, uint16_t flags);

/* Attributes whose length is theirs to get wrong. */
static inline uint64_t nl_uint(const struct nlattr *a)
{
	uint64_t v = 0;

	switch (mnl_attr_get_payload_len(a)) {
	case 1: return mnl_attr_get_u8(a);
	case 2: return mnl_attr_get_u16(a);
	case 4: return mnl_attr_get_u32(a);
	case 8: __builtin_memcpy(&v, mnl_attr_get_payload(a), 8); return v;
	default: return 0;
	}
}
/* nl_int: the same in a range where -1 means unknown. */
static inline int32_t nl_int(const struct nlattr *a)
{
	uint64_t v = nl_uint(a);

	return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}
void nl_str(const struct nlattr *a, char *buf, size_t len);

#endif

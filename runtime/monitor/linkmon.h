/* SPDX-License-Identifier: MIT */
/* linkmon.h - link events of this network namespace, by rtnetlink.  Internal to runtime/. */
#ifndef LINKMON_H
#define LINKMON_H

#include "plx_sys.h"

enum nl_kind {
	NL_LINK,   /* an interface is there, with these flags and this MTU */
	NL_GONE,   /* an interface was removed, or moved to another network namespace */
};

struct linkmon_event {
	enum nl_kind kind;
	uint32_t ifindex;
	uint32_t mtu;      /* 0 = not told */
	bool     up;       /* switched on, with carrier */
	bool     has_mac;  /* mac is told */
	uint8_t  mac[6];
};

typedef void (*linkmon_event_fn)(void *arg, const struct linkmon_event *e);

/* linkmon_parse calls fn for each event in a datagram of len bytes.  What is not a link message
   is passed over; a malformed one ends the datagram.  Returns the number of events.  Pure. */
int linkmon_parse(const void *buf, size_t len, linkmon_event_fn fn, void *arg);

/* linkmon_open: a socket that hears of link changes, non-blocking; -errno. */
int linkmon_open(const struct plx_sys *sys);
/* linkmon_read handles what waits in the socket.  0; -ENOBUFS: events were lost, ask for all;
   -errno. */
int linkmon_read(const struct plx_sys *sys, int fd, linkmon_event_fn fn, void *arg);

#endif

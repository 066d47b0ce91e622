/* SPDX-License-Identifier: MIT */
/* reach.h - what of the host's own goes through the interfaces of ports: its default routes, and the
   connections by which somebody is logged in.  A start with steer=all would cut them off.  Asked of
   the kernel by rtnetlink and sock_diag, or /proc, within this network namespace; reads only.  Main thread;
   internal to runtime/ and the operator's tool. */
#ifndef REACH_H
#define REACH_H

#include "plx_driver.h"

enum { REACH_NAME = 16, REACH_FAR = 56, REACH_ABOVE = 160, REACH_TEXT = 2048 };

struct reach {
	uint32_t ifindex;             /* 0 = no such interface, or nothing could be asked */
	char name[REACH_NAME];        /* the kernel's */
	char route_by[REACH_NAME];    /* a default route leads by it: the port's or one that stands on it; "" = none */
	char route_via[REACH_FAR];    /* its gateway, "" = none */
	char login_by[REACH_NAME];    /* a login comes by it, the same; "" = none */
	char login_far[REACH_FAR];    /* its far end: "192.0.2.7:50022", "[2001:db8::7]:50022" */
	char login_of[REACH_NAME];    /* "" = an ssh session; else the process that holds the connection, an */
	int32_t login_pid;            /* ancestor of this one or itself */
	char address[REACH_FAR];      /* the first of its own addresses but link-local ones, "" = none */
	char above[REACH_ABOVE];      /* what stands on the interface: "mv0 (macvlan), br0 (bridge)"; "" = nothing */
};

/* What the kernel answered to each question: 0 or -errno. */
struct reach_asked { int links, routes, addresses, connections; };

/* reach_read fills in out[i] for the interface names[i], which may be an alternative name; n is at most
   PLX_PORTS_MAX.  What cannot be asked is as if there were none, and asked says so. */
void reach_read(struct reach *out, const char *const *names, unsigned n, const struct plx_sys *sys,
                struct reach_asked *asked);

/* reach_takes: a port of this configuration takes frames from the host.  missing_caps as in struct topo:
   without rights for XDP an undecided port becomes one that copies.  Pure. */
bool reach_takes(const struct plx_port_conf *c, uint64_t missing_caps);

/* reach_route and reach_login name what there is, "" if nothing: "the default route via 192.0.2.1 by
   br0, which stands on eth0", "the ssh session from 192.0.2.7:50022".  Pure; return buf. */
char *reach_route(const struct reach *r, char *buf, size_t len);
char *reach_login(const struct reach *r, char *buf, size_t len);

/* reach_judge: -EINVAL and one line with the fix where a port of this configuration, which takes, would cut off
   something of r; 0 and a line where that is forced; 0 and "".  Pure. */
int reach_judge(const struct plx_port_conf *c, const struct reach *r, char *text, size_t len);

/* reach_above: a line that tells what stands on the interface and gets no frames of a port that takes, and the fix; ""
   if nothing does.  Pure; returns text. */
char *reach_above(const struct plx_port_conf *c, const struct reach *r, char *text, size_t len);

/* ---- its parts ---- */

/* on: bit i = its frames come by the interface of port i. */
struct reach_link { uint32_t ifindex, master, lower; uint64_t on; char name[REACH_NAME], kind[16]; };

/* reach_spread passes the bits of n links, ordered by ifindex, on to what stands on them: the bond or
   bridge that one is a port of, VLANs and the like on it, and so on.  Pure. */
void reach_spread(struct reach_link *l, unsigned n);
struct reach_link *reach_find(struct reach_link *l, unsigned n, uint32_t ifindex);

/* A TCP connection whose near address is on one of the interfaces. */
struct reach_conn {
	uint64_t inode, on;
	char by[REACH_NAME], far[REACH_FAR], of[REACH_NAME]; /* near interface, far end, process that holds it */
	int32_t pid;
	bool ssh, held;
};

/* reach_tcp_list calls fn with each established TCP connection of this network namespace that /proc lists, as
   sock_diag would tell of it, without the interface it is bound to.  0 or -errno. */
struct inet_diag_msg;
typedef void (*reach_tcp_fn)(void *arg, const struct inet_diag_msg *m);
int reach_tcp_list(const struct plx_sys *sys, reach_tcp_fn fn, void *arg);

/* reach_owners finds which of n connections this process, an ancestor of it, or an sshd holds, and sets
   held, and ssh or of and pid.  It orders them by inode.  What /proc does not show stays as it is. */
void reach_owners(struct reach_conn *c, unsigned n, const struct plx_sys *sys);

#endif

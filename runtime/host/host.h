/* SPDX-License-Identifier: MIT */
/* host.h - the host as it is at one moment: the machine, and the interface of each port that a configuration names,
   with its queues and their interrupts.  A start reads it once; set-up, plan, doctor, the picture of the machine and
   the opening of ports are handed what was read.  What a set-up changes is read anew.  Internal to runtime/ and the
   operator's tool.  Main thread; may block in the kernel. */
#ifndef HOST_H
#define HOST_H

#include "iface.h"
#include "plx_env.h"
#include "link_info.h"
#include "topo.h"

struct host_iface {
	struct plx_link_info link;   /* ifindex 0: a memory driver's port, or there is no such interface */
	struct iface *found;    /* all that can be found out; NULL where link.ifindex is 0, and after host_free */
};

struct host {
	struct topo topo;
	struct host_iface iface[PLX_PORTS_MAX]; /* by order of conf->ports; ports of one name share found */
};

/* host_read fills h for the ports of conf; one that was read before needs host_free first.  0, -ENOMEM, or -errno and a
   line in why[]: the kernel could not be asked about an interface, which is as one that is not there; all the others
   are read.  That there is no such interface is no error: the plan explains it, by the names there are.  host_free
   after either. */
int  host_read(struct host *h, const struct plx_sys *sys, const struct plx_env_conf *conf, char *why, size_t whylen);
/* host_free gives back what discovery found, by far the most; topo and links stay.  Twice is as once. */
void host_free(struct host *h);

/* host_zerocopy sets li->zc by what discovery found.  Pure. */
void host_zerocopy(struct plx_link_info *li, const struct iface *l);

#endif

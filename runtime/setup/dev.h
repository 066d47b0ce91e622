/* SPDX-License-Identifier: MIT */
/* dev.h - what the stages and kinds of interfaces and interrupts share: objects that name
   an interface, ethtool's calls on it, the queues that ports use.  Internal to
   runtime/setup/ and its tests. */
#ifndef DEV_H
#define DEV_H

#include "setup.h"

/* ---- an interface that an object names ---- */

struct setup_dev {
	const struct plx_sys *sys;
	int      fd;             /* for ioctls */
	uint32_t ifindex;
	char     name[16];       /* it has now */
	char     of[64];         /* what of it: behind the second '/', "" = nothing */
};
/* setup_dev_open: 0; -ENOENT: no such interface is there any more; -EINVAL: no such object;
   -errno.  setup_dev_close after 0. */
int  setup_dev_open(struct setup_dev *d, const struct plx_sys *sys, const char *object);
void setup_dev_close(struct setup_dev *d);
/* setup_dev_ethtool: cmd is one of ethtool's structs; what the call returned, or -errno. */
int  setup_dev_ethtool(const struct setup_dev *d, void *cmd);
/* setup_dev_object writes the object of l, with "/of" behind it if of is not "". */
void setup_dev_object(char object[SETUP_OBJECT_MAX], uint32_t ifindex, const char *name, const char *of);
/* setup_dev_name: the name of an object's interface for a command: the present one, else the one
   it had. */
void setup_dev_name(char name[16], const struct plx_sys *sys, const char *object);

/* ---- the ports ---- */

/* setup_dev_each calls plan_port once for each interface that ports bind to queues of, with the
   first of these ports; a stage that finds none says so. */
void setup_dev_each(struct setup *s, enum setup_stage_id stage, void (*plan_port)(struct setup *s, unsigned i));
/* setup_dev_binds: the driver of c, or auto, binds to queues of its interface. */
bool setup_dev_binds(const struct plx_port_conf *c);
/* setup_dev_conf: what all ports on the interface of port i want of it together: queue 0, and
   receive and transmit queues up to the last one that is used; 0 = all there are. */
void setup_dev_conf(const struct setup *s, unsigned i, struct plx_port_conf *c);
/* setup_dev_used marks the receive queues that ports use on the interface of port i, by the plan
   of the start; the number of the last one + 1. */
unsigned setup_dev_used(const struct setup *s, unsigned i, bool used[PLX_QUEUES_MAX]);
/* setup_dev_channels: the channels stage is asked for and changes those of port i's interface. */
bool setup_dev_channels(const struct setup *s, unsigned i, int *rx, int *tx, int *combined);

/* ---- interrupts ---- */

struct setup_irq {
	int  irq;
	bool used;               /* of a queue that a port uses; else it only stands in an lcore's way */
	char want[SETUP_OBJECT_MAX]; /* CPUs */
	char why[160];
};
struct setup_irqs {
	struct setup_irq *irq;   /* malloc'd */
	unsigned n;
	unsigned changing;       /* interfaces whose interrupts change with their channels */
};
/* setup_irqs_want finds what is to be where.  false = no memory. */
bool setup_irqs_want(const struct setup *s, struct setup_irqs *w);

/* setup_lcore_cpus: those that lcores of the plan run on. */
void setup_lcore_cpus(const struct setup *s, struct cpuset *cpus);

/* setup_cpuset_allow: CPUs of the lcores' own cpuset may be used, by who starts within it. */
void setup_cpuset_allow(const struct plx_sys *sys, struct topo *t);

/* ---- rss ---- */

/* setup_rss_default gives the table back to the driver if it is the default spread over the
   receive queues there are now: a table that was set by hand does not follow the channels. */
void setup_rss_default(const struct setup_dev *d);

#endif

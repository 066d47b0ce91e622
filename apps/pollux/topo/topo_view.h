/* SPDX-License-Identifier: MIT */
/* topo_view.h - the picture that pollux topo draws: facts put together once, and three ways to show
   them.  Names in it are printable ASCII. */
#ifndef TOPO_VIEW_H
#define TOPO_VIEW_H

#include "iface.h"
#include "plan.h"
#include "topo.h"

#include <jansson.h>
#include <stdio.h>

enum { VIEW_SMT_MAX = 8, VIEW_NICS_MAX = 64, VIEW_OTHERS_MAX = 128 };

/* One direction of a queue: its interrupt. */
struct view_irq {
	int32_t irq, cpu, node;      /* -1 = not known */
	enum iface_how how;
	char    effective[64];       /* where it may be served now, "2" or "0-3"; "" = not told */
};

struct view_queue {
	struct view_irq rx, tx;      /* often the same interrupt */
	int  lcore;                  /* index into plan->lcores that polls it, -1 = none */
	bool xsk;                    /* an AF_XDP socket is bound to it */
};

struct view_nic {
	uint32_t ifindex;            /* 0 = of another machine */
	char     name[16], kdriver[32], bus[32], kind[16];
	int16_t  node;               /* as told, -1 = not */
	int16_t  at;                 /* node in whose box it stands, -1 = none */
	bool     told;               /* state and queues are known, as they are not of another machine's */
	bool     up, running;
	int32_t  speed;              /* Mbit/s, -1 = not told */
	float    link_gbs;           /* GB/s of its PCI link, 0 = not told */
	struct cpuset near;      /* CPUs at its bus; empty = not told */
	uint32_t mtu;
	uint16_t nrxqs, ntxqs;
	struct view_queue *q;        /* max(nrxqs, ntxqs) of them */
};

struct view_core {
	int16_t  node, package;
	int16_t  l3;                 /* index into more.caches, -1 = none */
	int32_t  core;               /* -1 = of a CPU that is offline */
	uint16_t ncpus;
	uint16_t cpu[VIEW_SMT_MAX];
};

struct view {
	struct topo      *t;
	struct topo_more more;
	const char       *xml;       /* file of the machine; NULL = this one */
	struct view_core *cores;     /* by node, package, L3, core */
	unsigned ncores, npackages;
	struct view_nic  nics[VIEW_NICS_MAX];
	unsigned nnics;
	struct { char name[16], kind[16]; } others[VIEW_OTHERS_MAX]; /* interfaces without a device */
	unsigned nothers;
	const struct plan *plan;     /* NULL = none was asked for, or none can be made */
	char     why[2048];          /* then why not */
	int16_t  lcore_of[TOPO_CPUS_MAX]; /* index into plan->lcores, -1 = none */
	bool     irq_on[TOPO_CPUS_MAX];   /* serves the interrupt of a queue shown */
};

/* view_cores groups the CPUs of t; once t and more are there.  0 or -ENOMEM. */
int view_cores(struct view *v);
/* For these two more is there too.  view_link adds a NIC as discovery found it, view_bus one as the buses show it.  0,
   -ENOMEM, or -ENOSPC. */
int view_link(struct view *v, const struct iface *l, int32_t speed);
int view_bus(struct view *v, const struct topo_nic *n);
/* view_plan takes p, which stays the caller's; the links are there. */
void view_plan(struct view *v, const struct plan *p);
void view_free(struct view *v);

/* ---- for all who show it ---- */

/* view_clean copies a name: names of interfaces and devices are bytes; terminals, JSON and XML
   want text. */
void view_clean(char *to, size_t len, const char *s);

/* CPUs of the machine for which yes says so, as "0-3,8". */
char *view_list(const struct view *v, bool (*yes)(const struct topo_cpu *c), char *buf, size_t len);
bool view_offline(const struct topo_cpu *c);
bool view_allowed(const struct topo_cpu *c);
bool view_isolated(const struct topo_cpu *c);
bool view_nohz(const struct topo_cpu *c);
bool view_nocbs(const struct topo_cpu *c);
/* The queues that lcore k of the plan polls: "eth0:0-1,3 eth1:0". */
char *view_polls(const struct view *v, unsigned k, char *buf, size_t len);
/* "32 KiB", "1.5 MiB"; "25 Gbit/s"; "L2 1 MiB, L1d 32 KiB" of a core, its L3 apart. */
char *view_size(uint64_t bytes, char *buf, size_t len);
char *view_speed(const struct view_nic *n, char *buf, size_t len);
char *view_caches(const struct view *v, const struct view_core *c, char *buf, size_t len);
/* Hugepages of one size: "2 MiB: 10, 4 free". */
char *view_pages(const struct topo_huge *h, char *buf, size_t len);
/* view_same: two cores stand in one group: node, package and L3. */
bool view_same(const struct view_core *a, const struct view_core *b);

/* ---- the three ---- */

void topo_text(FILE *f, const struct view *v);   /* for people, 100 columns */
json_t *topo_json(const struct view *v);         /* NULL = no memory */
void topo_svg(FILE *f, const struct view *v);    /* self-contained, light background */

#endif

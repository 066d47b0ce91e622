/* SPDX-License-Identifier: MIT */
/* plan.h - what a start would do, before anything is changed: ports, queues, the lcore of
   each queue, pools and pages.  Made by a pure function; printed by --dry-run; carried out
   by the stages.  Internal to runtime/. */
#ifndef PLAN_H
#define PLAN_H

#include "finding.h"
#include "host.h"
#include "plx_env.h"
#include "plx_json.h"
#include "port_fit.h"
#include "privileges.h"

struct plan_lcore {
	uint16_t id;
	int      cpu;            /* first CPU of its set, -1 = none */
	int16_t  node;
	uint16_t ncpus;
	uint16_t cpus[64];
	uint16_t queues;         /* receive queues placed on it */
	bool     service;        /* of -S: it polls what is marked so, and no planned queue */
};

/* The interrupt of a receive queue, as discovery found it. */
struct plan_irq {
	int32_t irq;             /* -1 = not known */
	int16_t cpu, node;       /* that serves it, -1 = not known */
	uint8_t how;             /* enum iface_how */
};

enum {
	PLAN_NONE     = UINT16_MAX,
	PLAN_TXQ_RING = 1024,    /* packets on their way from an lcore without a transmit queue to one that has */
};

struct plan_port {
	struct plx_port_conf
		conf; /* resolved: name is the kernel's, rxqs, txqs, rxd, txd are set; driver may be "" = auto */
	char     given[PLX_IFNAME_MAX];  /* how the configuration names it */
	struct plx_link_info link;       /* of device drivers; ifindex 0 for memory drivers */
	uint16_t rxq_lcore[PLX_QUEUES_MAX]; /* index into plan.lcores */
	struct plan_irq rxq_irq[PLX_QUEUES_MAX]; /* by queue of the port */
	uint16_t txq_lcore[PLX_QUEUES_MAX]; /* the owner, index into plan.lcores */
	uint16_t lcore_txq[PLX_LCORES_MAX]; /* by index of the lcore: what it sends by; through the owner, if that is
	                                       another */
	struct plx_xdp_info xdp;         /* who has the XDP hook, if --dry-run found that in the way; id 0 = nobody */
	uint16_t pool;                   /* index into plan.pools */
	bool     falls;                  /* driver auto, and af_xdp cannot be: it becomes driver=packet */
	struct plx_beside beside, most;  /* what it takes beside its pool; at most, of whichever driver auto becomes */
	char     why[160];
};

struct plan_pool {
	int16_t  node;
	uint32_t frames, frame_size;
	uint64_t held;                   /* frames that rings and lcores can hold at once */
	uint64_t bytes;                  /* of the segment, metadata included */
	uint64_t page;                   /* page size that is expected to hold it */
	uint64_t pages, pages_free; /* hugepages it needs, and those of that size that are free; 0: not asked for */
	char     why[800];
};

/* Frames of 4096 bytes that nobody asked for: an MTU or zero-copy needs them, or would, but memory is too short. */
enum plan_frame_how { PLAN_FRAME_AS_SAID, PLAN_FRAME_RAISED, PLAN_FRAME_NO_MEMORY };

struct plan {
	const struct plx_env_conf *conf;
	struct plan_lcore lcores[PLX_LCORES_MAX];
	uint16_t nlcores;
	uint16_t nworkers;               /* of these, which come first; the others are service lcores */
	uint16_t caches;                 /* of each pool: lcores, and threads that may register as one */
	struct plan_port ports[PLX_PORTS_MAX];
	uint16_t nports;
	struct plan_pool pools[PLX_NODES_MAX];
	uint16_t npools;
	uint32_t frame_size;             /* of all pools */
	uint8_t  frame_how;              /* enum plan_frame_how */
	int      main_cpu;               /* of main and watch, -1 = not pinned */
	struct finding notes[8];         /* what was decided or is doubtful, for the log: evidence alone */
	uint16_t nnotes;
};

/* plan_make: 0, or -errno and one line with the fix in why[].  host is that of conf; where discovery's part of an
   interface is missing, no interrupt of it is known.  Pure. */
int plan_make(struct plan *p, const struct plx_env_conf *conf, const struct host *host, char *why, size_t whylen);

/* Steps of plan_make, apart by what they look at.  They share a struct plan_maker. */
struct plan_maker {
	struct plan *p;
	const struct plx_env_conf *conf;
	const struct host *host;
	const struct topo *t;            /* the host's */
	char  *why;
	size_t whylen;
};
int  plan_ports(struct plan_maker *m);       /* receive queues, and what an interface must have */
void plan_irqs(struct plan_maker *m);        /* interrupts of the ports' queues */
void plan_lcores(struct plan_maker *m);      /* CPUs for lcores that nobody named, beside those of -S */
void plan_place(struct plan_maker *m);       /* receive queues to lcores */
bool plan_usable(const struct topo *t, unsigned cpu);
int  plan_txqs(struct plan_maker *m);        /* transmit queues, once the lcores are known */
void plan_rings(struct plan_maker *m);       /* lengths of rings, once the queues are */
void plan_owners(struct plan_maker *m);      /* transmit queues to lcores; receive queues are placed */
/* Entries of the ring of an lcore that sends through another one, and the frames that those of
   all lcores that poll can hold. */
uint32_t plan_txq_ring(const struct plan_port *port);
uint32_t plan_txq_frames(const struct plan *p, const struct plan_port *port);
/* plan_frame_size chooses the bytes of a frame where that was left open; plan_zerocopy says what that means, above
   all for zero-copy, once the pools are sized.  plan_may_zc: a port may come to zero-copy.  plan_frame_lower goes
   back to 2048, and takes back what came of the larger frame; false: it was not the plan's choice, or some port starts
   with no less.  plan_mtus: the MTUs against the frame.  plan_chains_refused: the port starts with no chains. */
void plan_frame_size(struct plan_maker *m);
bool plan_frame_lower(struct plan_maker *m);
int  plan_mtus(struct plan_maker *m);
bool plan_chains_refused(const struct plan_maker *m, const struct plan_port *port);
int  plan_zerocopy(struct plan_maker *m);
bool plan_may_zc(const struct plx_port_conf *c, const struct plx_link_info *li);
int  plan_pools(struct plan_maker *m);       /* frames, bytes, pages; queues are placed */
int  plan_rights(struct plan_maker *m);      /* capabilities; pools are sized */
int  plan_memory(struct plan_maker *m);      /* against what there is; drivers are known as far as can be */
int  plan_fail(struct plan_maker *m, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void plan_note(struct plan *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* plan_huge_free: hugepages to be had on a node (-1 = all), of 1 GiB (size 0) or 2 MiB (1): that are free, and that
   the cgroup's limit leaves.  plan_huge_limit: that limit leaves less than want.  plan_unlimit writes the
   command that lifts a limit.  plan_beside: bytes that a program holds beside its pools; most (NULL = not asked): if
   ports of driver auto become what takes most.  plan_own: those of them that the process's cgroup counts.  Pure. */
uint64_t plan_huge_free(const struct topo *t, int16_t node, int size);
bool plan_huge_limit(const struct topo *t, int size, uint64_t want);
char *plan_unlimit(const struct topo_limit *l, char *buf, size_t len);
uint64_t plan_beside(const struct plan *p, uint64_t *most);
uint64_t plan_own(const struct plan *p);

/* plan_may_be_xdp: the port may be of the driver af_xdp. */
bool plan_may_be_xdp(const struct plan_port *port);
/* plan_print tells the plan for people, or as one JSON object; a malloc'd string.  plan_text and plan_json write
   the same into what is the caller's: the members of an object that is open. */
char *plan_print(const struct plan *p, const struct topo *t, bool json);
void plan_text(FILE *f, const struct plan *p, const struct topo *t);
void plan_json(struct plx_json *j, const struct plan *p, const struct topo *t);

#endif

/* SPDX-License-Identifier: MIT */
/* doctor.h - pollux doctor: facts are gathered once (facts.c, probe.c,
   net.c), then judged by checks, which are pure functions of the facts, a row each in
   the tables of host.c, kernel.c, plan.c, memory.c, iface.c and
   queue.c, and printed by print.c. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include "finding.h"
#include "host.h"
#include "plan.h"
#include "reach.h"

#include <pollux/plx.h>
#include <stdio.h>

/* ---- checks ---- */

enum status { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK_SKIP };
#define CHECK_STATUSES 4

struct doctor;
struct patient;
struct result;
struct check {
	const char *name, *group, *what; /* what: one sentence, of the thing as it should be */
	/* fn fills in status, evidence and fix.  p is the port it is about, NULL of checks of the host. */
	void (*fn)(const struct doctor *d, const struct patient *p, struct result *f);
	bool port;                       /* asked for each port that is an interface */
};
/* What a check found.  Its fix is one line for the root shell that pollux doctor was called from; "# text" where no
   command can. */
struct result { const struct check *check; enum status status; struct finding found; };

/* Each ends with name NULL. */
extern const struct check host_checks[], kernel_checks[], plan_checks[], memory_checks[], iface_checks[],
	queue_checks[];
extern const struct check *const check_tables[]; /* in the order of printing; ends with NULL */

/* What a check says; each sets status and evidence. */
#define SAYS(fn) void fn(struct result *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)))
SAYS(ok);
SAYS(warn);
SAYS(fail);
SAYS(skip);
SAYS(fix); /* sets the fix */
#undef SAYS
/* Fixes that are this command once more with another option, another port text (key of
   value, value NULL = without the key), another interface, or without the port. */
void fix_option(struct result *f, const struct doctor *d, const char *option, const char *value);
void fix_key(struct result *f, const struct doctor *d, const struct patient *p, const char *key, const char *value);
void fix_name(struct result *f, const struct doctor *d, const struct patient *p, const char *name);
void fix_without(struct result *f, const struct doctor *d, const struct patient *p);
/* quoted: s as one word of a shell, for fixes: names are other people's.  It stands until the
   fourth call after. */
const char *quoted(const char *s);
/* no_plan: there is none, and the finding says so. */
bool no_plan(const struct doctor *d, struct result *f);
/* asked_refused: the start is refused for the memory that -m or --node-mem ask for; the plan is one without. */
bool asked_refused(const struct doctor *d);
/* OTHERS_TELL is the fix of a refused plan for as long as there are other FAILs. */
#define OTHERS_TELL "# the other FAILs tell the commands"
bool ends_with(const char *s, const char *end);
/* again appends this command as it was given. */
void again(char *buf, size_t len, const struct doctor *d);
/* uses_xdp: a port may be of the driver af_xdp, or none is named. */
bool uses_xdp(const struct doctor *d);

/* ---- facts; -1 or "" = not told ---- */

/* What was tried with the kernel: 1 yes, 0 no, -1 could not be tried; err: 0 or -errno. */
struct probe {
	int xsk_err;             /* socket(AF_XDP) */
	int ring_flags;          /* XDP_MMAP_OFFSETS tells of flags */
	int sg, budget, tx_meta; /* XDP_USE_SG, XDP_MAX_TX_SKB_BUDGET, XDP_UMEM_TX_METADATA_LEN */
	int load_err, frags_err; /* BPF_PROG_LOAD of an XDP program; of one that takes chains */
	int jit;                 /* it was compiled */
	int btf;                 /* /sys/kernel/btf/vmlinux */
	int netdev_cmd;          /* highest command of the netdev family, 0 = there is none */
	int ethtool;             /* the ethtool family is there */
	int memfd_err;           /* memfd_create(MFD_HUGETLB) */
};

/* A limit of a cgroup that holds this process: the file, and what it says. */
struct limit { char file[600]; int64_t value; };

struct host_facts {                  /* beside what a start reads of it */
	int64_t  uid;
	uint64_t cap_bnd;                /* bit n: capability n is within the bounding set */
	int      init_userns;            /* this is the first user namespace */
	uint64_t memlock_hard, nofile, nofile_hard;
	char     exe[256];               /* this program */
	char     netns[64];              /* name of this network namespace */
	int      bpffs;                  /* mounted at /sys/fs/bpf */
	long     unpriv_bpf, numa_balancing;
	char     clocksource[32], clocksources[128];
	int32_t  irqbalance;             /* its pid, 0 = does not run */
	int      hypervisor;
	char     tools[64];              /* those missing of what fixes are made of: "ethtool bpftool" */
	char     cpuset[600];            /* the file of the cgroup that allows CPUs */
	struct limit quota;              /* us of CPU time in a period */
	int64_t  period;
	int      orphans;                /* set-ups of programs that are no more */
	char     huge_mount[128];        /* a hugetlbfs with files that no process maps */
	unsigned huge_files;             /* their number, and the bytes they hold */
	uint64_t huge_bytes;
};

/* Of the CPUs that lcores run on. */
struct cpu_facts { char governor[16]; int idle_us, idle_state; /* deepest state that is on */ uint64_t steal, all; };

struct patient {                     /* one port that is an interface */
	const struct plx_port_conf *conf;
	const struct plan_port *plan;    /* NULL if there is no plan */
	struct iface *l;            /* the host's; NULL = no such interface in this network namespace */
	struct iface *peer;         /* other end of a veth pair; NULL = not found */
	char at_peer[96];                /* goes before commands there: "ip netns exec NAME " */
	char elsewhere[96];              /* the same of a namespace that has an interface of this name */
	char near[16];                   /* an interface of a name much like it */
	bool sysfs;                      /* the sysfs that is mounted tells of it */
	bool no_platform;                /* virtio that goes around the DMA API: its zero-copy binds are refused */
	struct reach reach;              /* what of the host's own goes through it */
	int32_t holder;                  /* a process with AF_XDP sockets, 0 = none was found */
	char holder_name[16];
	char pins[64];                   /* in /sys/fs/bpf/xdp, of a libxdp's dispatcher that is gone */
	struct flow_rule { uint32_t id, queue; } rule[64]; /* of ethtool -N; UINT32_MAX = drops */
	unsigned nrules;
	struct cpuset irq_fixed;     /* receive queues, by number, whose interrupt may not be moved */
};

struct doctor {
	const struct plx_sys *sys;
	char **words;                    /* of the command line, own options taken out; ends with NULL */
	struct plx_env_conf conf;
	struct host host;                /* of conf's ports */
	struct probe probe;
	struct host_facts facts;
	struct cpu_facts cpu[TOPO_CPUS_MAX];
	struct plan plan;                /* of a start as if what FAILs were fixed */
	bool planned;
	int  plan_err;                   /* what a start now would end with */
	char plan_why[2048];
	struct patient port[PLX_PORTS_MAX];
	unsigned nports;
	struct reach_asked asked;        /* of the ports' reach */
};

/* doctor_read gathers all for d->conf; needs doctor_free in any case.  0 or -ENOMEM.  Nothing
   is changed; at most a second. */
int  doctor_read(struct doctor *d);
void doctor_free(struct doctor *d);

/* Its parts; what cannot be read stays unknown. */
void read_probe(const struct plx_sys *sys, struct probe *p);
/* try_queue: 1 if an AF_XDP socket is bound to the queue, 0 if not, -1 if that could not be tried: a socket is
   bound in copy mode, of which the device gets to know nothing, and let go. */
int  try_queue(const struct plx_sys *sys, uint32_t ifindex, uint32_t queue);
void read_ports(struct doctor *d);            /* more of the host's interfaces */
void read_nets(struct doctor *d);             /* other namespaces, routes, owners of queues */

/* ---- judging and printing ---- */

struct report { struct result *r; size_t n; unsigned count[CHECK_STATUSES]; };

/* doctor_judge runs the checks; only NULL = all, else names with commas between.  0 or -ENOMEM. */
int  doctor_judge(struct report *r, const struct doctor *d, const char *only);
const struct check *check_find(const char *name, size_t len);
void report_text(FILE *out, const struct report *r, bool brief);
int  report_json(FILE *out, const struct report *r);
void checks_text(FILE *out);
int  checks_json(FILE *out);

/* fix.c */
bool doctor_xdp_ours(const struct plx_xdp_info *x);
const char *doctor_xdp_tag(const struct plx_xdp_info *x, char buf[32]);

#endif

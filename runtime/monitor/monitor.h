/* SPDX-License-Identifier: MIT */
/* monitor.h - what happens while the program runs, against the plan.  Once a second the watch
   thread takes a sample (sample.c) and judges it against the one before (judge.c).
   What is found is told in the log and in the live view.  Internal to runtime/. */
#ifndef TRUTH_H
#define TRUTH_H

#include "finding.h"
#include "plan.h"
#include "plx_log.h"

struct plx_env;

/* What can be found.  X(id, threshold, unit, sentence); unit "" = it is so or it is not.
   A rate or share stands when two samples in a row reach the threshold, and is over when
   three stay below half of it; what is or is not so stands at once. */
#define TRUTH_FACTS(X) \
	X(not_attached, 1, "",    "the XDP program of the port is not on the interface any more") \
	X(unserved,     1, "/s",  "frames arrive on a queue where the program has no socket, and go to the host") \
	X(passed_by,    1, "/s",  "frames of a queue of the program go to the host, because its lcore does not poll it") \
	X(drops,        1, "/s",  "frames are dropped, by the kernel before a ring of the program or by the program") \
	X(unaccounted,  1, "",    "frames that were offered to a receive queue are neither received nor in " \
	  "a counter of drops") \
	X(pool_empty,   1, "",    "a pool has no frame left to receive into or to send from") \
	X(tx_stuck,     1, "/s",  "a transmit queue takes nothing of what the program offers it") \
	X(missed,       1, "/s",  "the NIC drops frames, because it has no buffer to receive them into") \
	X(reopened,     1, "",    "queues were opened anew, since the kernel refused their wake-ups for a second or for good") \
	X(split_frames, 1, "",    "frames came in pieces, each as a packet, so the port left zero-copy") \
	X(shared_txq,   1, "/s",  "several threads send by one transmit queue, which loses packets and wedges it") \
	X(removed,      1, "",    "the interface of a port is gone") \
	X(renamed,      1, "",    "the interface of a port has another name than when the program started") \
	X(far_lcore,    1, "",    "receive queues are polled on another node than their NIC's") \
	X(far_memory,   1, "",    "pages of a port's frames are on another node than its NIC") \
	X(offline,      1, "",    "the CPU of an lcore went offline") \
	X(affinity,     1, "",    "somebody changed the CPUs where the thread of an lcore may run") \
	X(stolen,       2, "%",   "an lcore waits for its CPU while another task runs there") \
	X(preempted,    100, "/s", "an lcore is interrupted by other tasks, if shortly") \
	X(softirq,      20, "%",  "the kernel handles packets and timers of others on the CPU of an lcore") \
	X(hardirq,      5, "%",   "interrupts take the CPU of an lcore") \
	X(steal,        5, "%",   "the hypervisor gives the CPU of an lcore to another machine") \
	X(throttled,    1, "%",   "a cgroup's quota stops the program's threads") \
	X(slow_clock,   40, "%",  "the clock of a polling lcore's CPU is that far below the most it can do") \
	X(irq_here,     50, "/s", "an interrupt that the plan has elsewhere lands on the CPU of an lcore") \
	X(irq_moved,    1, "",    "the interrupt of a queue is served by another CPU than when the plan was made")
#define X(id, threshold, unit, what) TRUTH_##id,
enum truth_fact { TRUTH_FACTS(X) TRUTH_N };
#undef X

struct truth_limit { const char *name; double threshold; const char *unit, *what; };
extern const struct truth_limit truth_limits[TRUTH_N];

enum {
	TRUTH_PERIOD_MS = 1000,  /* between two samples, and longer where one takes more than 5 ms of a CPU: */
	TRUTH_COST      = 200,   /* a sample may take this part of the time */
	TRUTH_REPEAT_S  = 60,    /* between two lines about the same; doubled with each */
	TRUTH_REPEAT_MAX_S = 3600,
	TRUTH_RATE_BAD  = 2,     /* samples in a row that make a rate stand */
	TRUTH_LATE      = 4,     /* looks; drivers that ask the NIC for counters do so each second or two */
	TRUTH_GOOD      = 3,     /* samples in a row that end it */
	TRUTH_FOUND_MAX = 64,    /* findings at once; more are not kept */
	TRUTH_HOLDER    = 96,
	TRUTH_IRQS_MAX  = 512,   /* pairs of interrupt and lcore that are counted */
	TRUTH_PAGES     = 16,    /* of each pool that a look asks the node of */
};

/* ---- a sample; what could not be read is not `told` ---- */

struct truth_lcore {
	bool     runs;               /* its loop does, awake or asleep */
	uint64_t busy_cycles, idle_cycles;
	bool     sched_told;
	uint64_t wait_ns;            /* time its thread was ready and another ran */
	uint64_t preempted;          /* involuntary switches */
	bool     cpus_told;
	struct cpuset cpus;      /* where the thread may run */
	bool     ticks_told;
	uint64_t ticks, hardirq, softirq, steal; /* of its CPU: all, and parts of it */
	uint64_t net_rx;             /* runs of the NET_RX softirq there */
	bool     offline;            /* its CPU */
	uint32_t khz, khz_max;       /* clock of its CPU now, and the most it can do; 0 = not told */
};

struct truth_txq { uint64_t pkts, stop[PLX_STOP_N]; int err; };

#define TRUTH_MISSED 3

struct truth_port {
	bool     there;              /* the interface is */
	bool     up;                 /* the link is */
	char     now[16];            /* the name of it, "" = not told */
	uint32_t named;              /* the interface that has the port's name, 0 = none or not told */
	uint8_t  missed_told;        /* bit n: missed[n] is */
	uint64_t missed[TRUTH_MISSED]; /* frames the NIC had no buffer for, by the three counters for them */
	uint16_t pages, far_pages;   /* of its frames that were looked at, and of these on another node than the NIC */
	int16_t  far_node;           /* where one of these is */
	int      attached;           /* 1, 0, or -1 = not told or needs none */
	char     holder[TRUTH_HOLDER]; /* who is on the interface instead, "" = nobody */
	uint16_t first, nrx;         /* queues of the device that are ours */
	uint32_t queues;             /* of passed */
	uint64_t passed[PLX_QUEUES_MAX]; /* by queue of the device */
	uint16_t ntx;
	uint32_t ring;               /* frames that a receive ring and a burst of it hold at most */
	int64_t  astray[PLX_QUEUES_MAX]; /* by queue of the port: offered, less received and dropped; 0 if not told */
	uint64_t tx_users[PLX_QUEUES_MAX]; /* by queue of the port: bursts by another thread than the one before */
	uint64_t waits;              /* for frames of an empty pool to receive into */
	uint64_t rx_drop[PLX_RX_DROP_N], tx_drop[PLX_TX_DROP_N];
	struct truth_txq txq[PLX_QUEUES_MAX]; /* by queue of the port */
	uint64_t repairs;            /* queues opened anew, since the start */
	bool     split;              /* its frames came in pieces */
	bool     zerocopy, whole;    /* its mode; frames of whole KiB came by it since the look before */
	bool     counted_told;
	uint64_t counted;            /* frames that the NIC received, as it says */
	uint64_t pkts;               /* that the port did */
	uint64_t rungs_down;         /* modes it went down since, on all of its queues */
	int16_t  polled_by[PLX_QUEUES_MAX]; /* by queue of the port: index of the lcore that does, -1 = none is told */
	int16_t  irq_cpu[PLX_QUEUES_MAX]; /* by queue of the port: that serves its interrupt now; -1 = not told */
};

struct truth_pool {
	char     name[PLX_NAME_MAX];
	uint32_t frames, free;
	bool     dry;                /* all that is free is in caches */
	uint32_t rx, tx;             /* frames in rings of its ports */
	uint64_t starved;            /* frames and bursts of its ports that missed one */
};

struct truth_irq { int32_t irq; uint16_t lcore; uint64_t n; char action[32]; };

struct truth_sample {
	uint64_t at;                 /* ns; 0 = none was taken */
	uint16_t nlcores, nports, nirqs, npools;
	bool     group_told;
	uint64_t throttled;          /* ns that threads of its cgroup, or of one above, were stopped for a quota */
	char     group[300];         /* directory of the one that stopped them most */
	struct truth_lcore *lcore;   /* by index */
	struct truth_port *port;
	struct truth_pool pool[PLX_NODES_MAX];
	struct truth_irq irq[TRUTH_IRQS_MAX];
};

/* ---- the verdict ---- */

struct truth_found {
	enum truth_fact fact;
	uint32_t which;              /* of its kind: lcore or port, queue or interrupt */
	bool     used, seen, stands;
	uint8_t  bad, good;          /* samples in a row */
	uint64_t since, told;        /* ns; told 0 = never */
	uint64_t gap;                /* ns; told again not before */
	struct finding f;
};

/* What an lcore did in the last interval, in percent of the time; -1 = not told. */
struct truth_share { float busy, idle, sleep, stolen, hardirq, softirq, steal, preempted; };

/* What a zero-copy port received against what its NIC counted, since the first look.  A NIC may
   count late: what there was TRUTH_LATE looks ago is compared. */
struct truth_count {
	uint8_t  looks, over;        /* since the first; in a row that more came than was counted */
	uint64_t counted, pkts;      /* at the first look */
	uint64_t was_counted;        /* at the last */
	uint64_t past[TRUTH_LATE];   /* packets received, by look */
	bool     split;
};

/* What a thread of its own asks of the ports, since the kernel may make it wait (attached.c). */
struct truth_answer { int attached; char holder[TRUTH_HOLDER]; }; /* as in truth_port */
struct truth_link { int err; bool up; uint32_t mtu; }; /* of an interface; err -ENODEV: it is not there */

struct truth_ask {
	struct plx_env *env;
	pthread_t thread;
	bool     spawned;            /* false = nothing to ask, or it could not start: all is not told */
	int      fd;                 /* eventfd, wakes it */
	bool     quit, asked;        /* atomic; while asked, said[] is the thread's */
	struct truth_answer said[PLX_PORTS_MAX], told[PLX_PORTS_MAX]; /* told: watch */
	bool     link_asked;         /* atomic; while so, link[] is the thread's */
	struct truth_link link[PLX_PORTS_MAX];
};

struct truth {
	const struct plx_log *log;
	const struct plan *plan;
	uint64_t cycles_hz;
	uint64_t due;                /* of the next sample */
	uint64_t samples;            /* judged so far */
	struct truth_sample sample[2];
	unsigned last;               /* which of them is the newer */
	struct truth_share *share;   /* by lcore */
	struct truth_count count[PLX_PORTS_MAX];
	uint32_t empty;              /* bit of each pool that is, in the last sample */
	struct truth_found *found;   /* TRUTH_FOUND_MAX */
	struct truth_ask ask;
};

/* truth_open allocates what a plan needs; 0 or -ENOMEM.  truth_close frees it; the struct may
   be zeroed. */
int  truth_open(struct truth *t, const struct plan *p, const struct plx_log *log, uint64_t cycles_hz);
void truth_close(struct truth *t);
/* truth_judge compares two samples, updates what is found and tells changes.  No system call
   but those of the log. */
void truth_judge(struct truth *t, const struct truth_sample *was, const struct truth_sample *is);
/* truth_take fills a sample of a running environment, but for what truth_ask_take adds.  Watch
   thread; reads procfs, and waits for no lock of the kernel that others hold for long. */
void truth_take(struct truth_sample *s, const struct plx_env *env, uint64_t now);
/* truth_host takes the parts of a sample that other files of the host tell: clocks of CPUs,
   quotas, names and nodes.  After the rest of it. */
void truth_host(struct truth_sample *s, const struct plx_env *env);
/* truth_missed_most: by how much the counter of missed frames that grew most did, and its name */
uint64_t truth_missed_most(const struct truth_port *was, const struct truth_port *is, const char **where);
/* truth_frames_take and _judge do the part of pools, transmit queues and frames that nobody accounts for, the
   one after, the other before the rest of ports. */
void truth_frames_take(struct truth_sample *s, const struct plx_env *env);
void truth_frames_judge(struct truth *t, const struct truth_sample *was, const struct truth_sample *is, uint64_t dt);
/* truth_met notes that a fact has this value now, for truth_judge; NULL if that is nothing to tell.
   which: the lcore, port or queue.  The caller adds evidence and fix. */
struct finding *truth_met(struct truth *t, enum truth_fact fact, uint32_t which, double value, const char *object, ...)
	__attribute__((format(printf, 5, 6)));
/* Counters of another thread or the kernel may seem to go back by a little. */
static inline uint64_t truth_grown(uint64_t was, uint64_t is)
{
	return is > was ? is - was : 0;
}
/* truth_look takes a sample and judges it, when one is due.  Watch, under env->lock. */
void truth_look(struct truth *t, const struct plx_env *env, uint64_t now);
/* truth_ask_open starts the thread that asks, if a port has an answer; 0 or -errno.
   truth_ask_close ends it, and waits for it; the struct may be zeroed.  Main. */
int  truth_ask_open(struct truth_ask *a, struct plx_env *env);
void truth_ask_close(struct truth_ask *a);
/* truth_ask_take puts the latest answers into a sample and asks anew, unless the last question is
   still open.  truth_ask_links asks for the links of all ports, or false: there is nobody to ask;
   truth_ask_told: the answers are in a->link.  truth_ask_repairs has plx_port_repair called where
   that is wanted.  Watch. */
void truth_ask_take(struct truth_ask *a, struct truth_sample *s);
bool truth_ask_links(struct truth_ask *a);
bool truth_ask_told(const struct truth_ask *a);
void truth_ask_repairs(struct truth_ask *a);
void truth_ask_port(struct truth_answer *a, struct plx_port *p); /* asks, and waits; any thread */
/* Whether the plan has interrupts of a port, or what stands in for them, on this CPU. */
bool truth_expects_softirq(const struct plan *p, int cpu);

#endif

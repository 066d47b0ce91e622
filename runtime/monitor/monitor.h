/* SPDX-License-Identifier: MIT */
/* monitor.h - what happens while the program runs, against the plan.  Once a second the watch
   thread takes a sample (sample.c) and judges it against the one before (judge.c).
   What is found is told in the log and in the live view.  Internal to runtime/. */
#ifndef MONITOR_H
#define MONITOR_H

#include "finding.h"
#include "plan.h"
#include "plx_log.h"

struct plx_env;

/* What can be found.  X(id, threshold, unit, sentence); unit "" = it is so or it is not.
   A rate or share stands when two samples in a row reach the threshold, and is over when
   three stay below half of it; what is or is not so stands at once. */
#define MONITOR_FACTS(X) \
	X(not_attached, 1, "", "the XDP program of the port is not on the interface any more") \
	X(unserved, 1, "/s", "frames arrive on a queue where the program has no socket, and go to the host") \
	X(passed_by, 1, "/s", "frames of a queue of the program go to the host, because its lcore does not poll it") \
	X(drops, 1, "/s", "frames are dropped, by the kernel before a ring of the program or by the program") \
	X(unaccounted, 1, "", \
	  "frames that were offered to a receive queue are neither received nor in " \
	  "a counter of drops") \
	X(pool_empty, 1, "", "a pool has no frame left to receive into or to send from") \
	X(tx_stuck, 1, "/s", "a transmit queue takes nothing of what the program offers it") \
	X(missed, 1, "/s", "the NIC drops frames, because it has no buffer to receive them into") \
	X(reopened, 1, "", \
	  "queues were opened anew, since the kernel refused their wake-ups for a second or for good") \
	X(split_frames, 1, "", "frames came in pieces, each as a packet, so the port left zero-copy") \
	X(shared_txq, 1, "/s", "several threads send by one transmit queue, which loses packets and wedges it") \
	X(removed, 1, "", "the interface of a port is gone") \
	X(renamed, 1, "", "the interface of a port has another name than when the program started") \
	X(far_lcore, 1, "", "receive queues are polled on another node than their NIC's") \
	X(far_memory, 1, "", "pages of a port's frames are on another node than its NIC") \
	X(offline, 1, "", "the CPU of an lcore went offline") \
	X(affinity, 1, "", "somebody changed the CPUs where the thread of an lcore may run") \
	X(stolen, 2, "%", "an lcore waits for its CPU while another task runs there") \
	X(preempted, 100, "/s", "an lcore is interrupted by other tasks, if shortly") \
	X(softirq, 20, "%", "the kernel handles packets and timers of others on the CPU of an lcore") \
	X(hardirq, 5, "%", "interrupts take the CPU of an lcore") \
	X(steal, 5, "%", "the hypervisor gives the CPU of an lcore to another machine") \
	X(throttled, 1, "%", "a cgroup's quota stops the program's threads") \
	X(slow_clock, 40, "%", "the clock of a polling lcore's CPU is that far below the most it can do") \
	X(irq_here, 50, "/s", "an interrupt that the plan has elsewhere lands on the CPU of an lcore") \
	X(irq_moved, 1, "", "the interrupt of a queue is served by another CPU than when the plan was made")
#define X(id, threshold, unit, what) MONITOR_##id,
enum monitor_fact { MONITOR_FACTS(X) MONITOR_N };
#undef X

struct monitor_limit { const char *name; double threshold; const char *unit, *what; };
extern const struct monitor_limit monitor_limits[MONITOR_N];

enum {
	MONITOR_PERIOD_MS = 1000,  /* between two samples, and longer where one takes more than 5 ms of a CPU: */
	MONITOR_COST      = 200,   /* a sample may take this part of the time */
	MONITOR_REPEAT_S  = 60,    /* between two lines about the same; doubled with each */
	MONITOR_REPEAT_MAX_S = 3600,
	MONITOR_RATE_BAD  = 2,     /* samples in a row that make a rate stand */
	MONITOR_LATE      = 4,     /* looks; drivers that ask the NIC for counters do so each second or two */
	MONITOR_GOOD      = 3,     /* samples in a row that end it */
	MONITOR_FOUND_MAX = 64,    /* findings at once; more are not kept */
	MONITOR_HOLDER    = 96,
	MONITOR_IRQS_MAX  = 512,   /* pairs of interrupt and lcore that are counted */
	MONITOR_PAGES     = 16,    /* of each pool that a look asks the node of */
};

/* ---- a sample; what could not be read is not `told` ---- */

struct monitor_lcore {
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

struct monitor_txq { uint64_t pkts, stop[PLX_STOP_N]; int err; };

#define MONITOR_MISSED 3

struct monitor_port {
	bool     there;              /* the interface is */
	bool     up;                 /* the link is */
	char     now[16];            /* the name of it, "" = not told */
	uint32_t named;              /* the interface that has the port's name, 0 = none or not told */
	uint8_t  missed_told;        /* bit n: missed[n] is */
	uint64_t missed[MONITOR_MISSED]; /* frames the NIC had no buffer for, by the three counters for them */
	uint16_t pages, far_pages;   /* of its frames that were looked at, and of these on another node than the NIC */
	int16_t  far_node;           /* where one of these is */
	int      attached;           /* 1, 0, or -1 = not told or needs none */
	char     holder[MONITOR_HOLDER]; /* who is on the interface instead, "" = nobody */
	uint16_t first, nrx;         /* queues of the device that are ours */
	uint32_t queues;             /* of passed */
	uint64_t passed[PLX_QUEUES_MAX]; /* by queue of the device */
	uint16_t ntx;
	uint32_t ring;               /* frames that a receive ring and a burst of it hold at most */
	int64_t  astray[PLX_QUEUES_MAX]; /* by queue of the port: offered, less received and dropped; 0 if not told */
	uint64_t tx_users[PLX_QUEUES_MAX]; /* by queue of the port: bursts by another thread than the one before */
	uint64_t waits;              /* for frames of an empty pool to receive into */
	uint64_t rx_drop[PLX_RX_DROP_N], tx_drop[PLX_TX_DROP_N];
	struct monitor_txq txq[PLX_QUEUES_MAX]; /* by queue of the port */
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

struct monitor_pool {
	char     name[PLX_NAME_MAX];
	uint32_t frames, free;
	bool     dry;                /* all that is free is in caches */
	uint32_t rx, tx;             /* frames in rings of its ports */
	uint64_t starved;            /* frames and bursts of its ports that missed one */
};

struct monitor_irq { int32_t irq; uint16_t lcore; uint64_t n; char action[32]; };

struct monitor_sample {
	uint64_t at;                 /* ns; 0 = none was taken */
	uint16_t nlcores, nports, nirqs, npools;
	bool     group_told;
	uint64_t throttled;          /* ns that threads of its cgroup, or of one above, were stopped for a quota */
	char     group[300];         /* directory of the one that stopped them most */
	struct monitor_lcore *lcore;   /* by index */
	struct monitor_port *port;
	struct monitor_pool pool[PLX_NODES_MAX];
	struct monitor_irq irq[MONITOR_IRQS_MAX];
};

/* ---- the verdict ---- */

struct monitor_found {
	enum monitor_fact fact;
	uint32_t which;              /* of its kind: lcore or port, queue or interrupt */
	bool     used, seen, stands;
	uint8_t  bad, good;          /* samples in a row */
	uint64_t since, told;        /* ns; told 0 = never */
	uint64_t gap;                /* ns; told again not before */
	struct finding f;
};

/* What an lcore did in the last interval, in percent of the time; -1 = not told. */
struct monitor_share { float busy, idle, sleep, stolen, hardirq, softirq, steal, preempted; };

/* What a zero-copy port received against what its NIC counted, since the first look.  A NIC may
   count late: what there was MONITOR_LATE looks ago is compared. */
struct monitor_count {
	uint8_t  looks, over;        /* since the first; in a row that more came than was counted */
	uint64_t counted, pkts;      /* at the first look */
	uint64_t was_counted;        /* at the last */
	uint64_t past[MONITOR_LATE];   /* packets received, by look */
	bool     split;
};

/* What a thread of its own asks of the ports, since the kernel may make it wait (attached.c). */
struct monitor_answer { int attached; char holder[MONITOR_HOLDER]; }; /* as in monitor_port */
struct monitor_link { int err; bool up; uint32_t mtu; }; /* of an interface; err -ENODEV: it is not there */

struct monitor_ask {
	struct plx_env *env;
	pthread_t thread;
	bool     spawned;            /* false = nothing to ask, or it could not start: all is not told */
	int      fd;                 /* eventfd, wakes it */
	bool     quit, asked;        /* atomic; while asked, said[] is the thread's */
	struct monitor_answer said[PLX_PORTS_MAX], told[PLX_PORTS_MAX]; /* told: watch */
	bool     link_asked;         /* atomic; while so, link[] is the thread's */
	struct monitor_link link[PLX_PORTS_MAX];
};

struct monitor {
	const struct plx_log *log;
	const struct plan *plan;
	uint64_t cycles_hz;
	uint64_t due;                /* of the next sample */
	uint64_t samples;            /* judged so far */
	struct monitor_sample sample[2];
	unsigned last;               /* which of them is the newer */
	struct monitor_share *share;   /* by lcore */
	struct monitor_count count[PLX_PORTS_MAX];
	uint32_t empty;              /* bit of each pool that is, in the last sample */
	struct monitor_found *found;   /* MONITOR_FOUND_MAX */
	struct monitor_ask ask;
};

/* monitor_open allocates what a plan needs; 0 or -ENOMEM.  monitor_close frees it; the struct may
   be zeroed. */
int  monitor_open(struct monitor *t, const struct plan *p, const struct plx_log *log, uint64_t cycles_hz);
void monitor_close(struct monitor *t);
/* monitor_judge compares two samples, updates what is found and tells changes.  No system call
   but those of the log. */
void monitor_judge(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is);
/* monitor_take fills a sample of a running environment, but for what monitor_ask_take adds.  Watch
   thread; reads procfs, and waits for no lock of the kernel that others hold for long. */
void monitor_take(struct monitor_sample *s, const struct plx_env *env, uint64_t now);
/* monitor_host takes the parts of a sample that other files of the host tell: clocks of CPUs,
   quotas, names and nodes.  After the rest of it. */
void monitor_host(struct monitor_sample *s, const struct plx_env *env);
/* monitor_missed_most: by how much the counter of missed frames that grew most did, and its name */
uint64_t monitor_missed_most(const struct monitor_port *was, const struct monitor_port *is, const char **where);
/* monitor_frames_take and _judge do the part of pools, transmit queues and frames that nobody accounts for, the
   one after, the other before the rest of ports. */
void monitor_frames_take(struct monitor_sample *s, const struct plx_env *env);
void monitor_frames_judge(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is,
                          uint64_t dt);
/* monitor_met notes that a fact has this value now, for monitor_judge; NULL if that is nothing to tell.
   which: the lcore, port or queue.  The caller adds evidence and fix. */
struct finding *monitor_met(struct monitor *t, enum monitor_fact fact, uint32_t which, double value, const char *object,
                            ...) __attribute__((format(printf, 5, 6)));
/* Counters of another thread or the kernel may seem to go back by a little. */
static inline uint64_t monitor_grown(uint64_t was, uint64_t is)
{
	return is > was ? is - was : 0;
}
/* monitor_look takes a sample and judges it, when one is due.  Watch, under env->lock. */
void monitor_look(struct monitor *t, const struct plx_env *env, uint64_t now);
/* monitor_ask_open starts the thread that asks, if a port has an answer; 0 or -errno.
   monitor_ask_close ends it, and waits for it; the struct may be zeroed.  Main. */
int  monitor_ask_open(struct monitor_ask *a, struct plx_env *env);
void monitor_ask_close(struct monitor_ask *a);
/* monitor_ask_take puts the latest answers into a sample and asks anew, unless the last question is
   still open.  monitor_ask_links asks for the links of all ports, or false: there is nobody to ask;
   monitor_ask_told: the answers are in a->link.  monitor_ask_repairs has plx_port_repair called where
   that is wanted.  Watch. */
void monitor_ask_take(struct monitor_ask *a, struct monitor_sample *s);
bool monitor_ask_links(struct monitor_ask *a);
bool monitor_ask_told(const struct monitor_ask *a);
void monitor_ask_repairs(struct monitor_ask *a);
void monitor_ask_port(struct monitor_answer *a, struct plx_port *p); /* asks, and waits; any thread */
/* Whether the plan has interrupts of a port, or what stands in for them, on this CPU. */
bool monitor_expects_softirq(const struct plan *p, int cpu);

#endif

/* SPDX-License-Identifier: MIT */
/* setup.h - changes to the host that a start gains from: made only when asked for, told as
   shell commands, journaled before they are made, and undone.  Internal to runtime/ and the
   operator's tool.  Main thread; may block in the kernel.

   A stage (setup_stages[]) finds out what it would change.  What it changes are values: a
   kind (setup_kinds[]) knows how values of one sort are read, written and told as a command,
   and an object names one of them.  Values are text, so that the journal, the printed plan and
   the test of "as it was before" are the same for all.

   apply:    every stage plans first; then all old values, those that a change may disturb
             included, go into the journal and are fsynced; only then is anything changed.
   restore:  newest first, old values are written until all of them are read back as they were.
             Done any number of times, after kill -9 at any point, it ends the same. */
#ifndef SETUP_H
#define SETUP_H

#include "host.h"
#include "plan.h"
#include "plx_json.h"

/* In order of application: what comes later may stand on what comes earlier. */
#define SETUP_STAGES(X) \
	X(hugepages,  "hugepages for the pools, on the nodes that need them") \
	X(memlock,    "memory that may be locked, for frames without CAP_IPC_LOCK") \
	X(sysctl,     "kernel settings that cost packets or time") \
	X(channels,   "queues of the interface, as many as ports use") \
	X(rss,        "flows to the queues that are used, and to no other") \
	X(offloads,   "no lro, hardware gro or vlan stripping before XDP") \
	X(napi,       "interrupts deferred while an lcore polls (defer, flush)") \
	X(irqbalance, "irqbalance keeps its hands off the interrupts of used queues") \
	X(irq_affinity, "interrupts of used queues near their lcores, others away from lcores") \
	X(cpuset,     "an isolated cpuset partition for the lcores")
#define X(id, what) SETUP_##id,
enum setup_stage_id { SETUP_STAGES(X) SETUP_STAGES_N };
#undef X
#define SETUP_ALL ((1u << SETUP_STAGES_N) - 1)
/* The name on the command line: "irq-affinity" for SETUP_irq_affinity. */
const char *setup_stage_name(enum setup_stage_id id);
const char *setup_stage_what(enum setup_stage_id id);

enum {
	SETUP_OBJECT_MAX = 256,
	SETUP_VALUE_MAX = 8192,
	SETUP_WHY_MAX = 256,
	SETUP_CHANGES_MAX = 8192 /* each interrupt of a big machine */
};

struct setup;

struct setup_kind {
	const char *name;            /* word of the journal: "file", "channels", ...; never changes its meaning */
	bool netns;                  /* its objects are of a network namespace, and read only from within it */
	/* get reads object into value as text without newline.  0; -ENOENT: there is no such
	   object any more, for certain, so nothing to restore: one that merely cannot be seen from
	   here (no cgroup file system, ...) is -ENODEV; other -errno. */
	int (*get)(const struct setup *s, const char *object, char *value, size_t len);
	/* While undoing, s has nothing but in.sys and in.log. */
	/* set writes it.  0 or -errno, and why (may be empty) with what fixes it. */
	int (*set)(const struct setup *s, const char *object, const char *value, char *why, size_t len);
	/* command tells set as one shell command that can be pasted. */
	void (*command)(const struct setup *s, const char *object, const char *value, char *buf, size_t len);
	/* same: two values of object mean the same; NULL = the same text. */
	bool (*same)(const char *a, const char *b);
};
/* Interfaces stand in objects as "IFINDEX/NAME", or "IFINDEX/NAME/..." with what it is of
   them: the index is the identity, as names change. */
extern const struct setup_kind setup_file;        /* absolute path : the first line of a small file of /proc or /sys */
extern const struct setup_kind setup_rlimit;      /* "PID STARTTIME memlock" : "SOFT:HARD", bytes or unlimited */
extern const struct setup_kind setup_channels;    /* "7/eth0" : "rx 0 tx 0 combined 4" */
extern const struct setup_kind setup_rss;         /* "7/eth0" : "0 1 2 3 0 1 .." the whole table */
extern const struct setup_kind setup_feature;     /* "7/eth0/gro" : "on" or "off" */
extern const struct setup_kind
	setup_napi; /* "7/eth0/QUEUE" : "defer-hard-irqs 0 gro-flush-timeout 0 irq-suspend-timeout 0" */
extern const struct setup_kind setup_irqbalance;  /* "PID STARTTIME" : its list of banned interrupts */
extern const struct setup_kind setup_cgroup; /* path of a cgroup : "" = it is not there, else its values; restoring ""
                                                moves its tasks to the parent first */
extern const struct setup_kind *const setup_kinds[]; /* ends with NULL */

enum setup_state {
	SETUP_OK,       /* is as wanted */
	SETUP_CHANGE,   /* would be changed */
	SETUP_GUARD,    /* not changed, but a change may disturb it: put back by restore */
	SETUP_CANNOT,   /* wanted, but this machine, kernel or user may not: why tells the fix */
	SETUP_SKIP,     /* the stage has nothing to do here: why tells the reason */
};

struct setup_item {
	enum setup_stage_id stage;
	enum setup_state state;
	const struct setup_kind *kind;   /* NULL of SETUP_CANNOT and SETUP_SKIP without object */
	char  object[SETUP_OBJECT_MAX];
	char *old, *want;                /* malloc'd; NULL = none */
	struct finding found; /* of the stage; the evidence is why, one sentence, and the command is the fix */
};

/* Interrupts that the kernel has refused to move, by number. */
enum { SETUP_IRQS_MAX = 65536 };
struct setup_refused { uint64_t w[SETUP_IRQS_MAX / 64]; };
static inline bool setup_refused_has(const struct setup_refused *r, unsigned irq)
{
	return r && irq < SETUP_IRQS_MAX && (r->w[irq / 64] >> irq % 64 & 1);
}
static inline void setup_refused_add(struct setup_refused *r, unsigned irq)
{
	if (irq < SETUP_IRQS_MAX)
		r->w[irq / 64] |= 1ull << irq % 64;
}

/* What a set-up is made for.  The caller keeps all of it. */
struct setup_in {
	const struct plx_sys *sys;
	const struct plx_log *log;
	const struct plx_env_conf *conf; /* ports, lcores and memory that are asked for */
	const struct host *host;         /* as it is now, for conf */
	uint32_t stages;                 /* bit enum setup_stage_id */
	bool by_name;                    /* they were named: napi and cpuset are done only then */
	const char *dir;                 /* of the journal; NULL = SETUP_DIR */
	pid_t pid;                       /* whose limits: of the shell that called the tool; 0 = our own */
	struct setup_refused *refused; /* plans leave these alone, and setup_apply, which finds them out, adds to them;
	                                  NULL = none is known, and a refusal is an error */
};
#define SETUP_DIR "/run/pollux"      /* a tmpfs: the journal lives as long as what it tells of */

struct setup {
	struct setup_in in;
	struct plan *plan; /* of a start on the host as it would be after the set-up; NULL if there is none */
	struct setup_item *items;        /* in the order of application */
	unsigned nitems;
	bool failed;                     /* no memory for an item */
};

/* ---- planning; writes nothing ---- */

/* setup_plan runs the stages.  0; -ENOMEM; -errno and one line in why[] if the configuration
   cannot be served whatever is changed.  setup_free in either case. */
int  setup_plan(struct setup *s, const struct setup_in *in, char *why, size_t whylen);
void setup_free(struct setup *s);
/* Counts the items in a state. */
unsigned setup_count(const struct setup *s, enum setup_state state);
/* setup_print tells the items for people, each change as its shell command, or as one JSON object; a malloc'd
   string.  setup_text and setup_json write the same into what is the caller's. */
char *setup_print(const struct setup *s, bool json);
void setup_text(FILE *f, const struct setup *s);
void setup_json(struct plx_json *j, const char *key, const struct setup *s);

/* For stages.  setup_want reads object and adds an item: SETUP_OK or SETUP_CHANGE.  An object
   that is wanted twice is an error of ours. */
void setup_want(struct setup *s, enum setup_stage_id stage, const struct setup_kind *k, const char *object,
                const char *want, const char *why, ...) __attribute__((format(printf, 6, 7)));
void setup_guard(struct setup *s, enum setup_stage_id stage, const struct setup_kind *k, const char *object);
void setup_cannot(struct setup *s, enum setup_stage_id stage, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
void setup_skip(struct setup *s, enum setup_stage_id stage, const char *why, ...) __attribute__((format(printf, 3, 4)));

/* The stages' own functions, setup_plan_hugepages() and so on; each in a file of stages/ of its own or
   with its like. */
struct setup_stage { const char *name, *what; void (*plan)(struct setup *s); };
extern const struct setup_stage setup_stages[SETUP_STAGES_N];
#define X(id, what) void setup_plan_##id(struct setup *s);
SETUP_STAGES(X)
#undef X

/* setup_irqbalance_pid finds the process that moves interrupts; 0 = none. */
pid_t setup_irqbalance_pid(const struct plx_sys *sys);

/* setup_channels_want is pure: what channels l should have to serve c, for the stage and for
   the plan of the host as it would be.  0 and *rx, *tx, *combined; 1 = as it is; -ERANGE =
   beyond what the device can. */
int setup_channels_want(const struct plx_port_conf *c, const struct iface *l, int *rx, int *tx, int *combined);

/* ---- doing ---- */

enum setup_hold {
	SETUP_HOLD_PROCESS, /* undone when this process is no more: by itself at its end, else by the next start or
	                       restore */
	SETUP_HOLD_HOST, /* undone by pollux setup restore only */
};

/* setup_apply makes the changes.  0; -EAGAIN: a value is no longer as it was when planned, plan
   again; other -errno and a logged line.  Unless 0 everything is as before.  What cannot be
   done (SETUP_CANNOT) is the caller's to judge.  A value that is as wanted because another
   session made it so is held by this one too, and outlives the other.
   session[] gets the name of the journal's session for setup_undo, "" if nothing was to do; one
   that comes with a name is continued, and a failure leaves what it had before. */
enum { SETUP_SESSION_MAX = 64 };
int setup_apply(struct setup *s, enum setup_hold hold, const char *owner, char session[SETUP_SESSION_MAX]);

/* setup_undo puts values back, newest first, until all are read back as they were.  If another
   session has changed a value since, that one gets to know the old value instead. */
struct setup_undo {
	const struct plx_sys *sys;
	const struct plx_log *log;
	const char *dir;          /* NULL = SETUP_DIR */
	const char *session;      /* NULL = all */
	bool orphans;             /* only those held by processes that are no more, as far as they are here */
	uint32_t stages;          /* only the values of these */
	bool spare_living;        /* not those held by processes that live; they are told */
	bool only_netns;          /* only values of the network namespace we are in; of others not a word */
	uint64_t gone;            /* inode of a network namespace that is no more: its values are dropped */
};
/* 0; -errno and a line for each value that could not be put back: the journal keeps those;
   -EBADMSG: all but what damaged and missing lines told of: the journal as it was is kept beside it;
   -ESTALE: all but those whose device is gone and whose number another has, which are left and forgotten.
   *restored counts values that were put back, and may be NULL. */
int setup_undo(const struct setup_undo *u, unsigned *restored);

/* setup_status writes what the journal holds: sessions, owners, values before, set and now; a
   malloc'd string in *out.  0, or -errno and a logged line. */
int setup_status(const struct plx_sys *sys, const struct plx_log *log, const char *dir, bool json, char **out);

/* setup_elsewhere lists up to n other network namespaces that the journal has values of; how
   many, or -errno. */
struct setup_netns { uint64_t inode, cookie; };
int setup_elsewhere(const struct plx_sys *sys, const char *dir, struct setup_netns *list, int n);
/* setup_netns_here tells the one we are in; 0 = not told. */
void setup_netns_here(const struct plx_sys *sys, struct setup_netns *ns);

/* setup_orphans counts sessions held by processes that are no more; -errno if that cannot be told. */
int setup_orphans(const struct plx_sys *sys, const char *dir);

/* ---- all of it, for a program and for the tool ---- */

/* setup_make plans and applies until there is nothing more to change: some changes, as
   of channels, make objects that others are about.  host was read before and is what in.host would be: it is read
   anew after each change, so that it is the host as it is when 0 comes back.  told is called with each plan
   before it is applied (may be NULL) and stops it all by an error.  0, or -errno and a logged line, and everything
   is as before; -ETIMEDOUT: there was something to change however often it was done. */
int setup_make(const struct setup_in *in, struct host *host, enum setup_hold hold, const char *owner,
               char session[SETUP_SESSION_MAX], int (*told)(void *arg, const struct setup *s), void *arg);

#endif

/* SPDX-License-Identifier: MIT */
/* lcore.h - a pinned polling thread and its pollers.  Internal to runtime/.

   Main sets RUN and HALT, the thread WAIT, SLEEP and FAIL; but for BOOT's end every change is a
   compare-and-swap, so that none overwrites another's.  What the lcore polls is a set that main
   builds whole and hands over: while the lcore waits by a store, while it runs by `next`, which the
   lcore takes between two rounds.  Everything else is written by the thread alone (counters)
   or by main while the thread waits (policy). */
#ifndef LCORE_H
#define LCORE_H

#include "plan.h"
#include "plx_lcore.h"
#include <stdalign.h>

enum {
	LCORE_SPIN_NS     = 60000,   /* adaptive: empty rounds back to back */
	LCORE_PAUSE_NS    = 150000,  /* adaptive: then with pauses, until it sleeps */
	LCORE_HOLD_NS     = 150000,  /* no sleep so soon after a wake-up that brought no work */
	LCORE_OPAQUE_NS   = 1000000, /* longest sleep beside a poller that names no queue */
	LCORE_DOORBELL_NS = 20000,   /* oldest a transmit doorbell gets; gap between two tries */
	LCORE_RETRY_NS    = 200000,  /* longest sleep while the kernel has not taken all we sent, */
	LCORE_RETRY_DOWN_NS = 10000000, /* and while it takes nothing: the link is down, or doorbells fail */
	LCORE_NAPS        = 4,       /* a queue is looked at so often within its stall=, asleep or not */
	LCORE_BOOT_MS     = 20000,   /* how long a new thread may take to pin itself */
	LCORE_HALT_MS     = 1000,    /* how long a halt or a change waits for a poller to return, */
	LCORE_STARVED_MS  = 20000,   /* or while its lcore is ready to run and has not had */
	LCORE_FAIR_NS     = 50000000, /* this much of a CPU since: it starves and does not hang */
	LCORE_RING_OUT_NS = 1000000, /* how long doorbells are tried when their poller leaves */
};

/* What an lcore is asked for, beside its state. */
enum { LCORE_ASK_SET = 1, LCORE_ASK_CALL = 2, LCORE_ASK_QUIET = 4 };

struct plx_poller {
	plx_poll_fn fn;              /* read each round */
	void    *arg;
	uint64_t period, due;        /* cycles; period 0 = every round */
	plx_ctr  work_calls, empty_calls, errors, work; /* one writer, the lcore */
	plx_ctr  busy_cycles, idle_cycles;
	int      last_err;           /* atomic, relaxed */
	struct plx_env *env;
	struct plx_lcore *lcore;     /* NULL: a move failed both ways, it is on none */
	struct plx_rxq **rxq;        /* queues it polls */
	uint16_t nrxq;
	bool     service;
	bool     own;                /* the runtime's: last in a round, and who gives it work wakes its lcore */
	uint64_t period_ns;
	uint64_t told, told_at;      /* watch: errors reported, when, */
	uint64_t told_gap;           /* and for how many ns they are not again */
	char     name[PLX_NAME_MAX];
};

struct lcore_watch { struct plx_rxq *q; int fd; }; /* fd -1 = none to wait on */

/* What an lcore polls and sleeps on.  Nobody writes it once it is handed over. */
struct lcore_set {
	uint16_t npollers, nwatch;
	bool     can_sleep;
	bool     opaque;             /* a poller names neither queue nor period */
	uint64_t sleep_ns;           /* longest sleep: its queues must not look forsaken */
	struct lcore_watch *watch;
	struct plx_poller *poller[]; /* in order of registration, those of the runtime last */
};

/* A launched function:  FREE --launcher--> FILL --> READY --lcore--> RUNS --> DONE --waiter--> FREE */
enum { CALL_FREE, CALL_FILL, CALL_READY, CALL_RUNS, CALL_DONE };
struct lcore_call {
	uint32_t state;              /* atomic */
	plx_ctr  returned;           /* calls, since ever */
	int      ret;
	int    (*fn)(void *arg);
	void    *arg;
};

struct plx_lcore {
	/* read by the lcore each round, hardly ever written */
	alignas(PLX_CACHELINE) uint32_t state; /* atomic, enum plx_lcore_state */
	uint32_t asked;              /* atomic, bits LCORE_ASK: anyone sets, the lcore clears */
	bool     quit;               /* atomic: leave WAIT for good */
	bool     can_sleep;          /* the set's, until a system call of sleeping fails */
	enum plx_idle policy;
	struct lcore_set *set;       /* the lcore's, or main's while it waits; NULL = none */
	uint64_t spin, pause, hold_gap, ring_gap; /* cycles */

	/* written by the lcore */
	alignas(PLX_CACHELINE) plx_ctr rounds; /* watch looks whether they go on */
	plx_ctr  busy_cycles, idle_cycles, sleeps, wakes, sleep_ns;
	const struct plx_poller *current; /* atomic, relaxed: that runs, or ran last */
	uint32_t quiet;              /* atomic: 1 = it sleeps or waits in the kernel, or is no reader (quiet.c) */
	uint64_t passed;             /* atomic: newest of env->grace since which it read nothing older */
	int      sleep_err;          /* atomic, relaxed: errno of what keeps it from sleeping, 0 = nothing */
	bool     resting;            /* the last round was empty; the rest is the lcore's own */
	bool     ringing, retrying;
	bool     timer_set;
	uint64_t now, idle_since, hold, ring_since;

	/* cold */
	alignas(PLX_CACHELINE) struct plx_env *env;
	struct plan_lcore conf;
	uint16_t index;
	int      err;                /* of FAIL */
	bool     spawned;
	int      epfd, wakefd, timerfd, donefd;
	pthread_t thread;
	char    *vars;               /* its part of env->vars */
	int      tid;                /* atomic, relaxed; 0 = it has not run yet */
	struct plx_poller **poller;  /* main's book of them; others read it under env->lock */
	uint16_t npollers;           /* atomic, relaxed, for others */
	bool     held;               /* by plx_lcore_halt */
	bool     sleepless;          /* said in the log */
	struct lcore_set *next;      /* atomic: handed over, not yet taken */
	struct lcore_set *adopted;   /* atomic: what the lcore polls by */
	struct lcore_call call;
	uint64_t await_at, await_cpu; /* main: since when it waits for the lcore, whose CPU time was this, */
	uint64_t await_calls;        /* and whose calls that had returned were these */
	uint64_t beat_seen, beat_at; /* watch, under env->lock: liveness; main resets it at a start */
	uint64_t silent_cpu;         /* its CPU time when that began to look bad */
	bool     silent, stalled, hangs;
	bool     sleep_told;         /* watch: sleep_err */
};

/* What the lcore reads each round, what it writes, and what neither needs do not share a line. */
static_assert(offsetof(struct plx_lcore, rounds) == PLX_CACHELINE, "one line is read each round");
static_assert(offsetof(struct plx_lcore, env) == 3 * PLX_CACHELINE, "two lines are written");
static_assert(LCORE_SPIN_NS < LCORE_PAUSE_NS && LCORE_HALT_MS < LCORE_STARVED_MS, "each goes before the longer one");

/* lcore.c, cold; main thread */
int  lcores_up(struct plx_env *env);          /* makes and pins the threads; all WAIT, or none left */
void lcores_down(struct plx_env *env);        /* all must WAIT */
int  lcores_start(struct plx_env *env);       /* those with pollers: WAIT -> RUN; lcores_stop after a failure too */
int  lcores_stop(struct plx_env *env);        /* all -> WAIT; -ETIMEDOUT and a line for each that hangs */
int  lcore_start(struct plx_lcore *l);        /* WAIT -> RUN, if it has pollers */
int  lcore_rest_for_good(struct plx_lcore *l); /* -> WAIT; -ETIMEDOUT: it goes on as before */
int lcore_pin_again(const struct plx_lcore *l); /* its CPU was offline; logs how that went */
const char *lcore_hangs_in(const struct plx_lcore *l, char *buf, size_t len); /* what runs, or ran last */
int no_loop(const struct plx_lcore *l, const char *call); /* says that l is a registered thread's; -EINVAL */
void lcore_poke(const struct plx_sys *sys, int fd);
uint64_t cycles_of(const struct plx_env *env, uint64_t ns);
/* Waits until an lcore says something on ackfd, or deadline; false = past it. */
bool lcores_await_word(struct plx_env *env, uint64_t deadline);
/* The same for l, which has LCORE_HALT_MS from await_begin on, or more while it starves. */
void lcore_await_begin(struct plx_lcore *l);
bool lcore_await_word(struct plx_lcore *l);
double lcore_awaited(const struct plx_lcore *l); /* seconds since await_begin */

/* stats.c, cold; main thread */
uint64_t lcore_cpu_ns(const struct plx_lcore *l); /* of its thread; 0 = unknown */
bool lcore_ready(const struct plx_lcore *l);      /* its thread runs, or waits for a CPU; false = unknown too */
/* It has had so little of a CPU, since its CPU time was cpu_ns, that it starves and does not hang. */
bool lcore_starves(const struct plx_lcore *l, uint64_t cpu_ns);

/* set.c, cold; main thread */
int  lcore_set_make(struct lcore_set **out, struct plx_lcore *l, struct plx_poller *with,
                    const struct plx_poller *without); /* the book's pollers, one more, one less */
void lcore_set_free(struct plx_lcore *l, struct lcore_set *s, const struct lcore_set *kept);
int  lcore_add_fd(struct plx_lcore *l, int fd);
/* p begins or ends to be polled by l, whatever l does: 0, or nothing has changed; when detach is
   done p->fn is called no more. */
int  lcore_attach(struct plx_lcore *l, struct plx_poller *p);
int  lcore_detach(struct plx_lcore *l, struct plx_poller *p);
void pollers_free(struct plx_lcore *l);

/* call.c; the lcore, between rounds or while it waits */
void lcore_serve(struct plx_lcore *l);
void lcore_ring_out(struct plx_lcore *l);
/* any thread */
void lcore_ask(struct plx_lcore *l, uint32_t what);

/* where.c: a plx_thread.where of lcores and registered threads */
struct fatal_line;
void lcore_where(struct fatal_line *f);
/* quiet.c; the lcore, between rounds: it holds nothing that it read before */
void lcore_pass(struct plx_lcore *l, uint32_t asked);

/* var.c, register.c */
int  lcore_vars_up(struct plx_env *env);
void lcore_vars_down(struct plx_env *env);
unsigned registered_count(const struct plx_env *env); /* threads that are registered */
bool registered_left(const struct plx_env *env);  /* a thread is registered still, and the log says so */

/* poller.c */
/* The poller that names q, of an lcore halted or not; NULL = none does.  Main, or under env->lock. */
const struct plx_poller *poller_of(const struct plx_env *env, const struct plx_rxq *q);
int  poller_add_own(struct plx_env *env, const struct plx_poller_conf *c);
void poller_free(struct plx_poller *p);

/* loop.c, hot; the lcore */
void lcore_loop(struct plx_lcore *l);         /* until the state is not RUN */

static inline uint32_t lcore_state(const struct plx_lcore *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_ACQUIRE);
}

/* The moves of the picture in plx_env.h, and those of registered threads. */
static inline bool lcore_may_move(uint32_t from, uint32_t to)
{
	switch (from) {
	case PLX_LCORE_BOOT:
		return to == PLX_LCORE_WAIT || to == PLX_LCORE_FAIL || to == PLX_LCORE_FOREIGN;
	case PLX_LCORE_WAIT:
		return to == PLX_LCORE_RUN;
	case PLX_LCORE_RUN:
		return to == PLX_LCORE_SLEEP || to == PLX_LCORE_HALT;
	case PLX_LCORE_SLEEP:
		return to == PLX_LCORE_RUN || to == PLX_LCORE_HALT;
	case PLX_LCORE_HALT: /* to RUN if main does not want to wait any longer */
		return to == PLX_LCORE_WAIT || to == PLX_LCORE_RUN;
	case PLX_LCORE_FOREIGN:
		return to == PLX_LCORE_BOOT;
	default:
		return false;
	}
}

/* lcore_move: from -> to, or false if the state was another. */
static inline bool lcore_move(struct plx_lcore *l, uint32_t from, uint32_t to)
{
	PLX_DASSERT(lcore_may_move(from, to));
	return __atomic_compare_exchange_n(&l->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

/* From here on l reads nothing that may be freed meanwhile, or it may again.  A read-modify-write, as the
   writer's look is one: the later of the two sees what was done before the earlier. */
static inline void lcore_quiet(struct plx_lcore *l, uint32_t is)
{
	__atomic_exchange_n(&l->quiet, is, __ATOMIC_SEQ_CST); /* with passed() */
}

#endif

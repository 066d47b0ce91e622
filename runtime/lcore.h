/* SPDX-License-Identifier: MIT */
/* lcore.h - a pinned polling thread and its pollers.  Internal to runtime/.

   The state word is the only thing two threads write.  Main sets RUN and HALT, the thread
   WAIT, SLEEP and FAIL; RUN -> SLEEP, SLEEP -> RUN and -> HALT are compare-and-swap, so
   that a halt is never overwritten.  Everything else is written by the thread alone
   (counters) or by main while the thread waits (pollers, descriptors, policy). */
#ifndef LCORE_H
#define LCORE_H

#include "plan.h"
#include "plx_env.h"
#include <stdalign.h>

enum {
	LCORE_SPIN_NS     = 60000,   /* adaptive: empty rounds back to back */
	LCORE_PAUSE_NS    = 150000,  /* adaptive: then with pauses, until it sleeps */
	LCORE_HOLD_NS     = 150000,  /* no sleep so soon after a wake-up that brought no work */
	LCORE_OPAQUE_NS   = 1000000, /* longest sleep beside a poller that names no queue */
	LCORE_DOORBELL_NS = 20000,   /* oldest a transmit doorbell gets; gap between two tries */
	LCORE_RETRY_NS    = 200000,  /* longest sleep while the kernel has not taken all we sent */
	LCORE_BOOT_MS     = 5000,    /* how long a new thread may take to pin itself */
	LCORE_HALT_MS     = 1000,    /* how long a halt waits for a poller to return */
};

struct plx_poller {
	plx_poll_fn fn;              /* read each round */
	void    *arg;
	uint64_t period, due;        /* cycles; period 0 = every round */
	plx_ctr  work_calls, empty_calls, errors, work; /* one writer, the lcore */
	plx_ctr  busy_cycles, idle_cycles;
	int      last_err;           /* atomic, relaxed */
	struct plx_lcore *lcore;
	struct plx_rxq **rxq;        /* queues it polls */
	uint16_t nrxq;
	uint64_t period_ns;
	uint64_t told, told_at;      /* control thread: errors reported, when */
	char     name[PLX_NAME_MAX];
};

struct lcore_watch { struct plx_rxq *q; int fd; };

struct plx_lcore {
	/* read by the lcore each round, hardly ever written */
	alignas(PLX_CACHELINE) uint32_t state; /* atomic, enum plx_lcore_state */
	bool     quit;               /* atomic: leave WAIT for good */
	bool     can_sleep;
	uint16_t npollers;
	enum plx_idle policy;
	struct plx_poller **poller;  /* in order of registration */
	uint64_t spin, pause, hold_gap, ring_gap; /* cycles */

	/* written by the lcore */
	alignas(PLX_CACHELINE) plx_ctr rounds; /* the heartbeat */
	plx_ctr  busy_cycles, idle_cycles, sleeps, wakes, sleep_ns;
	uint32_t current;            /* atomic, relaxed: the poller that runs */
	bool     dozing;             /* atomic, relaxed: within epoll_wait */
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
	int      epfd, wakefd, timerfd;
	pthread_t thread;
	int      tid;                /* atomic, relaxed; 0 = it has not run yet */
	struct lcore_watch *watch;
	uint16_t nwatch;
	bool     opaque;             /* a poller names neither queue nor period */
	uint64_t beat_seen, beat_at; /* control thread: liveness */
	bool     stalled;
};

/* lcore.c, cold; main thread */
int  lcores_up(struct plx_env *env);          /* makes and pins the threads; all WAIT, or none left */
void lcores_down(struct plx_env *env);        /* all must WAIT */
int  lcores_start(struct plx_env *env);       /* those with pollers: WAIT -> RUN; lcores_stop after a failure too */
int  lcores_stop(struct plx_env *env);        /* all -> WAIT; -ETIMEDOUT and a line for each that hangs */
const char *lcore_poller_name(const struct plx_lcore *l); /* that runs now, or ran last */

/* poller.c */
void pollers_free(struct plx_lcore *l);

/* lcore_loop.c, hot; the lcore */
void lcore_loop(struct plx_lcore *l);         /* until the state is not RUN or SLEEP */

static inline uint32_t lcore_state(const struct plx_lcore *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_ACQUIRE);
}

/* lcore_move: from -> to, or false if the state was another. */
static inline bool lcore_move(struct plx_lcore *l, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&l->state, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

#endif

/* SPDX-License-Identifier: MIT */
/* env.h - the environment's inside, shared by the stages.  Internal to runtime/. */
#ifndef ENV_H
#define ENV_H

#include "clock.h"
#include "host.h"
#include "hugemem.h"
#include "plan.h"
#include "stderr_log.h"

struct env_txq; /* lcore/send_through.c: what an lcore without a transmit queue sends by */
struct control; /* control.h: main and watch */

struct plx_env {
	struct plx_env_conf conf;
	int      taken;                /* how the caller's was read: 0, or what the stage of configuration returns */
	pid_t    pid;                  /* of the process that opened it: a forked child may not use it */
	const struct plx_sys *sys;
	struct plx_log log;
	struct sink    sink;           /* behind log and reports */
	struct host host; /* as found at start; of interfaces what discovery found is gone once there is a plan */
	struct plan    plan;
	struct mem_seg segs[PLX_NODES_MAX];
	struct plx_pool *pools[PLX_NODES_MAX];
	struct plx_port *ports[PLX_PORTS_MAX];
	struct env_txq *txqs;
	uint16_t npools, nports, nlcores;
	struct plx_lcore *lcores;      /* array of nlcores, then the places of registered threads: plan.caches in all */
	char    *vars;                 /* PLX_LCORE_VARS bytes for each of them */
	size_t   vars_used;            /* under lock */
	uint32_t first_slot;           /* slots of these threads: first_slot + 1 + index (slots.c) */
	int      ackfd;                /* eventfd: an lcore changed its state, or did what it was asked */
	uint64_t grace;                /* atomic: grace periods that have begun (quiet.c) */
	bool     running;              /* within plx_env_run, or a poller has hung since */
	bool     hung;                 /* atomic: the run is over, but for a poller that has not returned */
	bool     live;                 /* lcores run, so pollers may come and go; main */
	pthread_t runner;              /* main, the thread in plx_env_run */
	uint32_t at;                   /* atomic, enum main_at: where main is; from MAIN_LCORES on under lock */
	uint32_t awaits;               /* atomic: index of the lcore that it waits for, or waited for last */
	/* What main and watch share: the book of pollers, which main writes and others read, and how lcores
	   live.  Held for moments, by no lcore, and never while the kernel may make one wait. */
	pthread_mutex_t lock;
	struct control *control;
	/* Who reads which receive queue: set once, before a thread can be registered or a run begins (readers.c). */
	void   (*readers_changed)(struct plx_env *env); /* see env_readers_changed */
	void   (*reader_left)(struct plx_env *env); /* a thread of the application reads no more; any thread */
	struct clock   clock;
	uint64_t cycles_hz;
	unsigned stages_up;
	char     session[64];          /* of the set-up's journal, "" = changed nothing */
	bool     setup_taken;          /* atomic: somebody undoes it, or has */
};

/* Where main is, told by watch when it does not come back from there. */
enum main_at {
	MAIN_AWAY,      /* not within plx_env_run */
	MAIN_STARTS,
	MAIN_LOOP,      /* from here on a signal may break what it does, */
	MAIN_TIMER, MAIN_WORK, MAIN_CHANGE, MAIN_HALT, MAIN_SYNC,
	MAIN_LCORES,    /* and from here on, where it has left the loop, not */
	MAIN_VIEWS, MAIN_PORTS, MAIN_LOG,
};

/* env.c: a child of fork calls, and the log said so */
bool env_forked(const struct plx_env *env, const char *what);
int  host_up(struct plx_env *env);           /* reads the host, anew where it was read */

/* control/setup_session.c */
int  setup_up(struct plx_env *env);
void setup_down(struct plx_env *env);        /* once, by whoever comes first */
bool setup_changed(const struct plx_env *env);

/* lcore/send_through.c; main thread */
void env_txqs_handover(struct plx_env *env); /* no queue has a user any more, see plx_queue.h */
void env_txqs_drain(struct plx_env *env);    /* drops what is on its way between lcores, none of which runs */
void env_txqs_down(struct plx_env *env);     /* lcores are down */

/* fatal.c */
int  fatal_up(struct plx_env *env);
void fatal_down(struct plx_env *env);
void *
fatal_stack_up(const struct plx_sys *sys); /* of the calling thread, for a fault for want of stack; NULL = has none */
void fatal_stack_down(const struct plx_sys *sys, void *stack);

/* slots.c */
int  slots_up(struct plx_env *env);
void slots_down(struct plx_env *env);

/* control.c */
int  control_up(struct plx_env *env);
void control_down(struct plx_env *env);
void main_join(struct plx_env *env);         /* control/main_thread.c: ends a run that plx_env_start began */

/* main_at.c: notes where main is, if it is main that calls; what to give main_leave. */
uint32_t main_enter(struct plx_env *env, uint32_t at);
uint32_t main_awaits(struct plx_env *env, uint16_t lcore, uint32_t at); /* the same, and waits for that lcore there */
void main_leave(struct plx_env *env, uint32_t was);

/* Main: pollers came or went, an lcore halted or resumed. */
static inline void env_readers_changed(struct plx_env *env)
{
	if (env->live)
		env->readers_changed(env);
}

#endif

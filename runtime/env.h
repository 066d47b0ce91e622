/* SPDX-License-Identifier: MIT */
/* env.h - the environment's inside, shared by the stages.  Internal to runtime/. */
#ifndef ENV_H
#define ENV_H

#include "clock.h"
#include "lcore.h"
#include "memory.h"
#include "plan.h"
#include "sink.h"

struct control; /* control.c: signals, netlink events, timers */

struct plx_env {
	struct plx_env_conf conf;
	const struct plx_sys *sys;
	struct plx_log log;
	struct sink    sink;           /* behind log, unless the application brought its own */
	struct topo    topo;
	struct plx_link_info links[PLX_PORTS_MAX]; /* as found at start, by order of conf.ports */
	struct plan_irqs irqs[PLX_PORTS_MAX];      /* the same */
	struct plan    plan;
	struct mem_seg segs[PLX_NODES_MAX];
	struct plx_pool *pools[PLX_NODES_MAX];
	struct plx_port *ports[PLX_PORTS_MAX];
	uint16_t npools, nports, nlcores;
	struct plx_lcore *lcores;      /* array of nlcores, then the places of foreign threads: plan.caches in all */
	char    *vars;                 /* PLX_LCORE_VARS bytes for each of them */
	size_t   vars_used;            /* under lock */
	int      ackfd;                /* eventfd: an lcore changed its state, or did what it was asked */
	bool     running;              /* within plx_env_run, or a poller has hung since */
	bool     hung;                 /* atomic: the run is over, but for a poller that has not returned */
	bool     live;                 /* in the control loop, where pollers may come and go */
	pthread_t runner;              /* the thread of that loop */
	pthread_mutex_t lock;          /* the book of pollers: main writes it, others read it; no lcore takes it */
	struct control *control;
	struct clock   clock;
	uint64_t cycles_hz;
	unsigned stages_up;
	char     session[64];          /* of the set-up's journal, "" = changed nothing */
};

/* env_reach.c */
int  reach_up(struct plx_env *env);

/* env_setup.c */
int  setup_up(struct plx_env *env);
void setup_down(struct plx_env *env);

/* control.c */
int  control_up(struct plx_env *env);
void control_down(struct plx_env *env);
void control_pollers_changed(struct plx_env *env); /* anew: who answers for which queue */

#endif

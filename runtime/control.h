/* SPDX-License-Identifier: MIT */
/* control.h - the control thread's inside.  Internal to runtime/. */
#ifndef CONTROL_H
#define CONTROL_H

#include "env.h"
#include "live.h"
#include "netlink.h"
#include "truth.h"
#include <signal.h>

enum {
	HOUSE_NS = 50000000,   /* between two looks after lcores and ports */
};
#define STALL_NS 1000000000ull /* an lcore without a round for so long is told of */

struct ctl_timer {
	uint64_t period, due;
	int (*fn)(void *arg);
	void *arg;
};

/* A receive queue whose driver fails open, and the lcore that answers for it. */
struct ctl_beat {
	struct plx_port *port;
	uint16_t rxq;
	bool     orphan;               /* there is no such lcore, and the log said so */
	struct plx_lcore *lcore;       /* NULL = none */
};

enum { CTL_SIGNALS = 3 };

struct control {
	struct plx_env *env;
	int epfd, stopfd, sigfd, timerfd, nlfd;
	uint64_t stop;                 /* atomic; plx_env_stop */
	sigset_t old_mask;
	struct sigaction old[CTL_SIGNALS];
	bool escalated;
	struct ctl_timer *timer;
	unsigned ntimers;
	uint64_t house_due, looked_at; /* after lcores and ports; the latest look */
	struct ctl_beat *beat;
	unsigned nbeats;
	bool link_seen[PLX_PORTS_MAX]; /* since links were asked for */
	uint32_t link_seq;             /* of the latest question, 0 = none is open */
	uint32_t link_questions;
	bool link_resync;
	struct truth truth;            /* during a run */
	struct live live;              /* the same; epfd -1 = nobody can look */
	uint64_t run_at;
};

/* watch.c; control thread */
int  beats_plan(struct control *c);            /* who answers for which queue; before a run */
void views_open(struct control *c, uint64_t now); /* truth and live view, after a start */
void views_close(struct control *c);
void house_keep(struct control *c, uint64_t now);
void links_ask(struct control *c);             /* learn the state of all links anew */
void links_read(struct control *c);            /* handle link events that wait */

#endif

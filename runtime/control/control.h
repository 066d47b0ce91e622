/* SPDX-License-Identifier: MIT */
/* control.h - the inside of main, the thread in plx_env_run, and of watch, which lives as long as a
   run.  Internal to runtime/.

     main   timers, changes of pollers, lcores and ports start and stop        control.c
     watch  lcores, links, the views                                           health.c
            signals, a main thread that does not come back                     stop.c

   What both touch is atomic or under env->lock. */
#ifndef CONTROL_H
#define CONTROL_H

#include "env.h"
#include "status.h"
#include "linkmon.h"
#include "monitor.h"
#include <signal.h>

enum {
	HOUSEKEEPING_NS = 50000000,   /* between two looks after lcores and ports */
	WORK_NS  = 1000000000, /* between two turns of main_work that nobody asked for */
};
#define STALL_NS 1000000000ull /* an lcore without a round for so long is told of */

struct ctl_timer {
	uint64_t period, due;
	int (*fn)(void *arg);
	void *arg;
	const char *object;            /* what fn is in: a symbol or a file; */
	uint64_t offset;               /* and where there */
};

/* A receive queue whose frames can be given back to the host. */
struct ctl_reader {
	struct plx_port *port;
	uint16_t rxq;
	bool     named;                /* a poller names it, on an lcore that is not halted */
	bool     told;                 /* nobody can read it, and the log said so */
};

/* Whether a port's program stands on its interface. */
struct ctl_steer {
	bool     on, told;             /* on: atomic */
	uint64_t failed_at;            /* 0 = it did not */
};

/* Whether the run has a thread of its own; under env->lock while there is one. */
enum control_own { OWN_NONE, OWN_STARTS, OWN_RUNS, OWN_OVER };

struct main_call; /* main_thread.c */

struct control {
	struct plx_env *env;
	pthread_t main, watch;

	/* main */
	int epfd, stopfd, timerfd, workfd;
	uint64_t stop;                 /* atomic; plx_env_stop */
	bool coarse;                   /* the timer could not be set, and the log said so */
	bool epoll_told;               /* epoll_wait failed, and the log said so */
	struct ctl_timer *timer;
	unsigned ntimers;
	uint64_t work_due;
	sigset_t old_mask;
	const char *timer_object;      /* atomic: of the timer that runs, or ran last */
	uint64_t timer_offset;         /* atomic */

	/* main_thread.c: main is a thread of its own, which `starter` started */
	pthread_t own_thread, starter;
	pthread_cond_t changed;        /* with env->lock: own, or a call is done */
	enum control_own own;
	bool was_up;                   /* under the lock: lcores ran */
	int ran;                       /* what plx_env_run returned there */
	sigset_t starter_mask;
	bool takes_calls;              /* under the lock, as the next: main is in its loop */
	struct main_call *calls;

	/* watch; but main while it does not look */
	int watchfd, wakefd, sigfd, nlfd;
	bool quit;                     /* atomic */
	bool looking;                  /* under the lock, set by main: lcores and ports are there to be looked after */
	bool deaf;                     /* epoll_wait failed, and the log said so */
	uint64_t house_due, looked_at; /* after lcores and ports; the latest look */
	/* written by main, under the lock */
	struct ctl_reader *reader;
	unsigned nreaders;
	unsigned nopaque;              /* pollers and threads that may read any queue */
	uint64_t began_at;
	struct ctl_steer steer[PLX_PORTS_MAX];
	bool link_event[PLX_PORTS_MAX]; /* since links were asked for */
	bool link_open;                /* the answers are still to come */
	bool link_resync;              /* they are to be asked for */
	struct monitor monitor;          /* during a run */
	struct live live;              /* the same; epfd -1 = nobody can look */
	uint64_t run_at;

	/* watch: a stop that was asked for */
	uint64_t stop_at, break_due;   /* since when; 0 = none */
	bool signalled;                /* by a signal: the process ends if main does not come back */
	bool told;                     /* that main does not */
	int  breaker;                  /* the signal that breaks main's calls, 0 = not chosen, or none is free */
	struct sigaction breaker_old;
	bool undone;                   /* atomic: the set-up, by watch */
};

/* control.c; any thread */
void main_ask_work(struct plx_env *env);       /* has main call main_work soon */

/* control.c; main */
void main_names(struct ctl_timer *t);          /* any thread: what to call fn when it hangs */
int  main_runs(struct control *c, struct ctl_timer t); /* the application's fn, which may hang */

/* main_thread.c; main */
void main_is_up(struct control *c);            /* lcores run */
void main_is_down(struct control *c);          /* it has left its loop */
void main_calls(struct control *c);            /* makes those that other threads asked for */

/* readers.c; the first two are those of struct plx_env */
void readers_changed(struct plx_env *env);
void reader_left(struct plx_env *env);
int  readers_plan(struct control *c);          /* main, before a run: 0 or -ENOMEM */
void readers_begin(struct control *c);         /* main: all ports are started */
void readers_await(struct control *c);         /* main: all lcores are */
void port_leave(struct plx_port *p);           /* main */
bool readers_wanted(const struct control *c, uint64_t now); /* watch */
void port_give_back(struct plx_port *p);       /* any thread */
void queues_give_back(struct plx_env *env);    /* watch, before it ends the process */

/* health.c; main */
int  watch_start(struct control *c);           /* the thread; 0, or the log says why */
void watch_stop(struct control *c);
void watch_look(struct control *c, uint64_t now); /* lcores run: it opens the views and looks after all */
void watch_rest(struct control *c);            /* lcores stop: it looks no more */
void watch_forget(struct control *c);          /* what the looks have left */

/* stop.c */
extern const int breakers[2];                  /* signals that may break a call of main's */
void stop_signals(sigset_t *set);              /* those that end a run; any thread */
/* main */
void stop_begin(struct control *c);            /* signals are watch's */
void stop_end(struct control *c);              /* and the process's again */
/* watch */
void stop_signal(struct control *c);           /* one waits in sigfd */
uint64_t stop_look(struct control *c, uint64_t due); /* after main; when to look again, at due at the latest */

#endif

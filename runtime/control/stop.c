/* SPDX-License-Identifier: MIT */
/* stop.c - signals, and a main thread that does not come back.  The first signal asks main to stop and
   breaks the call it blocks in; if it is not back in time, watch names where it is, gives the
   queues to the host, undoes the set-up and ends the process.  A second signal ends it at once.
   Cold; watch thread, but stop_begin and stop_end main. */
#include "control.h"
#include "lcore.h"
#include "quiet_thread.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOG(c, level, ...) plx_logf(&(c)->env->log, PLX_LOG_##level, __VA_ARGS__)
#define MS 1000000ull

enum {
	SAME_SIGNAL_MS = 20,   /* timeout(1) signals the process and then its group: that is one request */
	BREAK_MS       = 100,  /* between two attempts to break main's call */
	LOOP_MS        = 1500, /* from a request until main has left its loop, */
	ALL_MS         = 9500, /* or plx_env_run is over: an lcore may starve meanwhile */
	UNDO_MS        = 180,  /* what the set-up's undoing may take then */
};

/* The signals that end a run in order. */
static const struct { int number; const char *name; } ends[] = {
	{ SIGINT, "SIGINT" }, { SIGTERM, "SIGTERM" }, { SIGHUP, "SIGHUP" },
};

/* nohup(1) has a closed terminal ignored, and that holds. */
void stop_signals(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
		sigaddset(set, ends[i].number);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN)
		sigdelset(set, SIGHUP);
}

void stop_begin(struct control *c)
{
	sigset_t set;

	c->main = pthread_self();
	c->stop_at = c->break_due = 0;
	c->signalled = c->told = false;
	c->breaker = 0;
	stop_signals(&set);
	if (c->sigfd >= 0)
		pthread_sigmask(SIG_BLOCK, &set, &c->old_mask);
}

void stop_end(struct control *c)
{
	struct signalfd_siginfo si;

	if (c->sigfd < 0)
		return;
	if (c->breaker)
		sigaction(c->breaker, &c->breaker_old, NULL);
	/* One that came while we were stopping anyway has got what it wanted; a second one has not. */
	while (!c->signalled && c->env->sys->read(c->sigfd, &si, sizeof(si)) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &c->old_mask, NULL);
}

/* ---- breaking main's call ---- */

const int breakers[2] = { SIGURG, SIGWINCH };

static void nothing(int sig)
{
	(void)sig;
}

/* One of the signals that are ignored by default, if the application has no use for it: with an empty
   handler, and without SA_RESTART, it does nothing but make a blocking call of main's return
   EINTR. */
static void choose_breaker(struct control *c)
{
	const struct sigaction sa = { .sa_handler = nothing };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(breakers) && !c->breaker; i++) {
		const int sig = breakers[i];

		if (sigismember(&c->old_mask, sig) || sigaction(sig, NULL, &c->breaker_old) ||
		    (c->breaker_old.sa_flags & SA_SIGINFO) ||
		    (c->breaker_old.sa_handler != SIG_DFL && c->breaker_old.sa_handler != SIG_IGN))
			continue;
		if (!sigaction(sig, &sa, NULL))
			c->breaker = sig;
	}
}

/* Only what may be the application's: a call that stops ports or lcores is left alone.  Main
   leaves its loop under the same lock. */
static void break_call(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;

	pthread_mutex_lock(&env->lock);
	const uint32_t at = __atomic_load_n(&env->at, __ATOMIC_RELAXED);

	if (c->breaker && at >= MAIN_LOOP && at < MAIN_LCORES)
		pthread_kill(c->main, c->breaker);
	pthread_mutex_unlock(&env->lock);
	c->break_due = now + BREAK_MS * MS;
}

/* ---- signals ---- */

static int next_signal(const struct control *c, struct signalfd_siginfo *si)
{
	return c->env->sys->read(c->sigfd, si, sizeof(*si)) == (ssize_t)sizeof(*si);
}

void stop_signal(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	struct signalfd_siginfo si;

	if (!next_signal(c, &si))
		return;
	if (c->signalled)
		_exit(128 + (int)si.ssi_signo);
	c->signalled = true;
	c->told = false;
	c->stop_at = plx_sys_now(sys);
	plx_env_stop(c->env, 0);
	choose_breaker(c);
	break_call(c, c->stop_at);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
		if (si.ssi_signo == (uint32_t)ends[i].number)
			LOG(c, NOTICE, "%s: stopping; a second one ends at once", ends[i].name);
	plx_sys_sleep(sys, SAME_SIGNAL_MS * MS);
	while (next_signal(c, &si))
		;
}

/* ---- main does not come back ---- */

/* Under the lock, or the poller may be freed meanwhile. */
static void lcore_awaited_for(struct plx_env *env, char *buf, size_t len)
{
	const struct plx_lcore *l = &env->lcores[__atomic_load_n(&env->awaits, __ATOMIC_RELAXED)];
	char what[PLX_NAME_MAX + 16];

	pthread_mutex_lock(&env->lock);
	snprintf(buf, len, "lcore %u: %s has not returned", l->conf.id, lcore_hangs_in(l, what, sizeof(what)));
	pthread_mutex_unlock(&env->lock);
}

/* Where main is, in words. */
static void say_where(struct control *c, char *buf, size_t len)
{
	const char *object = __atomic_load_n(&c->timer_object, __ATOMIC_RELAXED);
	const uint64_t offset = __atomic_load_n(&c->timer_offset, __ATOMIC_RELAXED);
	char timer[160], lcore[160] = "";

	snprintf(timer, sizeof(timer), "a timer of the application (%.100s+0x%" PRIx64 ")", object ? object : "",
	         offset);
	if (c->env->nlcores)
		lcore_awaited_for(c->env, lcore, sizeof(lcore));
	switch (__atomic_load_n(&c->env->at, __ATOMIC_RELAXED)) {
	case MAIN_STARTS: snprintf(buf, len, "it starts ports and lcores"); break;
	case MAIN_LOOP:   snprintf(buf, len, "it is in its own loop"); break;
	case MAIN_TIMER:  snprintf(buf, len, "it is in %s", timer); break;
	case MAIN_WORK:   snprintf(buf, len, "it opens or closes queues"); break;
	case MAIN_CHANGE:
		snprintf(buf, len, "it is in plx_poller_add, _del or _move, called by %s; %s", timer, lcore);
		break;
	case MAIN_HALT:   snprintf(buf, len, "it is in plx_lcore_halt, called by %s; %s", timer, lcore); break;
	case MAIN_SYNC:   snprintf(buf, len, "it is in plx_env_synchronize, called by %s; %s", timer, lcore); break;
	case MAIN_LCORES: snprintf(buf, len, "it stops %s", lcore); break;
	case MAIN_VIEWS:  snprintf(buf, len, "it waits for the kernel to say whether programs are attached"); break;
	case MAIN_PORTS:  snprintf(buf, len, "it stops ports"); break;
	case MAIN_LOG:    snprintf(buf, len, "it waits for the log to be written"); break;
	default:          snprintf(buf, len, "it returns"); break;
	}
}

static void *undo_main(void *arg)
{
	struct control *c = arg;

	setup_down(c->env);
	__atomic_store_n(&c->undone, true, __ATOMIC_RELEASE); /* with undo_setup */
	return NULL;
}

/* The kernel may make it wait, as main perhaps waits: so a thread does it, and has little time.
   What it does not manage stays in the journal, for the next start or pollux setup restore. */
static void undo_setup(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	const uint64_t end = plx_sys_now(sys) + UNDO_MS * MS;
	struct signalfd_siginfo si;
	pthread_t thread;

	if (!setup_changed(c->env) || quiet_thread(sys, &thread, undo_main, c))
		return;
	while (!__atomic_load_n(&c->undone, __ATOMIC_ACQUIRE) && plx_sys_now(sys) < end) { /* with undo_main */
		struct pollfd p = { .fd = c->sigfd, .events = POLLIN };

		if (sys->poll(&p, 1, 2) > 0 && next_signal(c, &si))
			_exit(128 + (int)si.ssi_signo);
	}
	if (__atomic_load_n(&c->undone, __ATOMIC_ACQUIRE))
		pthread_join(thread, NULL);
	else
		LOG(c, ERROR, "setup: what was changed is not put back yet: pollux setup restore");
}

static void main_hangs(struct control *c, uint64_t now)
{
	char where[512];

	say_where(c, where, sizeof(where));
	c->told = true;
	LOG(c, ERROR, "main thread has not come back for %.1f s: %s%s", (double)(now - c->stop_at) / 1e9, where,
	    c->signalled ? "; the process ends" : "");
	if (!c->signalled)
		return; /* whoever asked by plx_env_stop knows what it waits for */
	queues_give_back(c->env);
	undo_setup(c);
	sink_wait(&c->env->sink); /* what was said just now, if anybody reads it */
	_exit(PLX_EXIT_HUNG);
}

uint64_t stop_look(struct control *c, uint64_t due)
{
	const uint64_t now = plx_sys_now(c->env->sys);

	if (!c->stop_at && __atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		c->stop_at = now;
	if (!c->stop_at || c->told)
		return due;
	const bool left = __atomic_load_n(&c->env->at, __ATOMIC_RELAXED) >= MAIN_LCORES;
	const uint64_t limit = c->stop_at + (left ? ALL_MS : LOOP_MS) * MS;

	if (now >= limit)
		main_hangs(c, now);
	if (!c->signalled || left)
		return limit < due && !c->told ? limit : due;
	if (now >= c->break_due)
		break_call(c, now);
	due = c->break_due < due ? c->break_due : due;
	return limit < due ? limit : due;
}

/* SPDX-License-Identifier: MIT */
/* control.c - the control thread: plx_env_run's loop over signals, stop requests, timers and
   link events.  Cold; main thread, except plx_env_stop (any thread).  Twenty times a
   second watch.c looks after lcores and ports. */
#include "control.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SAME_SIGNAL_MS = 20 };

/* The signals that end a run in order. */
static const struct { int number; const char *name; } ends[CTL_SIGNALS] = {
	{ SIGINT, "SIGINT" }, { SIGTERM, "SIGTERM" }, { SIGHUP, "SIGHUP" },
};

/* nohup(1) has a closed terminal ignored, and that holds. */
static void signal_set(sigset_t *set)
{
	struct sigaction hup;

	sigemptyset(set);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
		sigaddset(set, ends[i].number);
	if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler == SIG_IGN)
		sigdelset(set, SIGHUP);
}

static int control_add_fd(struct control *c, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return -errno;
	return c->env->sys->epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int control_open_fds(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	sigset_t set;
	int err;

	if ((c->epfd = sys->epoll_create1(EPOLL_CLOEXEC)) < 0)
		return -errno;
	if ((err = control_add_fd(c, c->stopfd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))))
		return err;
	if ((err = control_add_fd(c, c->timerfd = sys->timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK))))
		return err;
	if (c->env->conf.no_signals)
		return 0;
	signal_set(&set);
	return control_add_fd(c, c->sigfd = sys->signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/* Without link events ports still work: the doorbell notices what it must.  Say so and go on. */
static void control_open_netlink(struct control *c)
{
	struct plx_env *env = c->env;
	bool device = false;

	for (unsigned i = 0; i < env->nports; i++)
		device |= env->ports[i]->info.ifindex != 0;
	if (!device)
		return;
	int fd = nl_open(env->sys), err = fd < 0 ? fd : 0;

	c->nlfd = fd < 0 ? -1 : fd;
	if (!err)
		err = control_add_fd(c, fd);
	if (err)
		plx_logf(&env->log, PLX_LOG_WARN, "no link events: rtnetlink: %s; a link that goes down is noticed late",
		         strerror(-err));
}

int control_up(struct plx_env *env)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	env->control = c;
	if (c) {
		c->env = env;
		c->epfd = c->stopfd = c->timerfd = c->sigfd = c->nlfd = c->live.epfd = -1;
		err = control_open_fds(c);
	}
	if (err) {
		plx_logf(&env->log, PLX_LOG_ERROR, "control thread: %s; raise the limit with ulimit -n", strerror(-err));
		control_down(env);
		return err;
	}
	control_open_netlink(c);
	return 0;
}

void control_down(struct plx_env *env)
{
	struct control *c = env->control;

	if (!c)
		return;
	const int fds[] = { c->nlfd, c->sigfd, c->timerfd, c->stopfd, c->epfd };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			env->sys->close(fds[i]);
	free(c->timer);
	free(c->beat);
	free(c);
	env->control = NULL;
}

/* The first request wins: word 0 = none, else 2^32 | err. */
void plx_env_stop(struct plx_env *env, int err)
{
	uint64_t none = 0, one = 1;

	if (__atomic_compare_exchange_n(&env->control->stop, &none, 1ull << 32 | (uint32_t)err, false,
	                                __ATOMIC_RELEASE, __ATOMIC_RELAXED)) /* with control_loop */
		(void)!env->sys->write(env->control->stopfd, &one, sizeof(one));
}

/* ---- signals ---- */

static void second_signal(int sig)
{
	_exit(128 + sig);
}

static void signals_begin(struct control *c)
{
	sigset_t set;

	signal_set(&set);
	if (c->sigfd >= 0)
		pthread_sigmask(SIG_BLOCK, &set, &c->old_mask);
}

/* From here a signal ends the process, whatever this thread is stuck in. */
static void signals_escalate(struct control *c)
{
	struct sigaction sa = { .sa_handler = second_signal };
	sigset_t set;

	signal_set(&set);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
		sigaction(ends[i].number, sigismember(&set, ends[i].number) ? &sa : NULL, &c->old[i]);
	c->escalated = true;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void signals_end(struct control *c)
{
	struct signalfd_siginfo si;

	if (c->sigfd < 0)
		return;
	/* One that came while we were stopping anyway has got what it wanted. */
	while (!c->escalated && c->env->sys->read(c->sigfd, &si, sizeof(si)) > 0)
		;
	if (c->escalated) {
		for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
			sigaction(ends[i].number, &c->old[i], NULL);
		c->escalated = false;
	}
	pthread_sigmask(SIG_SETMASK, &c->old_mask, NULL);
}

/* timeout(1) signals the process and then its group, so one request may arrive twice: what
   comes within 20 ms is the same one. */
static void on_signal(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	struct signalfd_siginfo si;

	if (sys->read(c->sigfd, &si, sizeof(si)) < (ssize_t)sizeof(si))
		return;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ends); i++)
		if (si.ssi_signo == (uint32_t)ends[i].number)
			plx_logf(&c->env->log, PLX_LOG_NOTICE, "%s: stopping; a second one ends at once", ends[i].name);
	plx_sys_sleep(sys, SAME_SIGNAL_MS * 1000000ull);
	while (sys->read(c->sigfd, &si, sizeof(si)) > 0)
		;
	plx_env_stop(c->env, 0);
	signals_escalate(c);
}

/* ---- timers ---- */

int plx_env_timer(struct plx_env *env, uint64_t period_ns, int (*fn)(void *arg), void *arg)
{
	struct control *c = env->control;

	if (!period_ns || !fn)
		return -EINVAL;
	struct ctl_timer *all = realloc(c->timer, (c->ntimers + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	c->timer = all;
	c->timer[c->ntimers++] = (struct ctl_timer){ .period = period_ns, .due = plx_sys_now(env->sys) + period_ns,
	                                             .fn = fn, .arg = arg };
	return 0;
}

static void timers_arm(struct control *c)
{
	uint64_t due = c->house_due;
	struct itimerspec t = { 0 };

	for (unsigned i = 0; i < c->ntimers; i++)
		if (c->timer[i].due < due)
			due = c->timer[i].due;
	t.it_value.tv_sec = (time_t)(due / 1000000000u);
	t.it_value.tv_nsec = (long)(due % 1000000000u);
	c->env->sys->timerfd_settime(c->timerfd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* A timer keeps its cadence, but what was missed is not made up for. */
static uint64_t next_due(uint64_t due, uint64_t period, uint64_t now)
{
	return due + period > now ? due + period : now + period;
}

static void timers_run(struct control *c)
{
	uint64_t now = plx_sys_now(c->env->sys);
	unsigned kept = 0;

	if (c->house_due <= now) {
		c->house_due = next_due(c->house_due, HOUSE_NS, now);
		house_keep(c, now);
	}
	/* A callback may add timers, which may move the array: index it anew each time. */
	for (unsigned i = 0; i < c->ntimers; i++) {
		bool again = true;

		if (c->timer[i].due <= now) {
			c->timer[i].due = next_due(c->timer[i].due, c->timer[i].period, now);
			again = c->timer[i].fn(c->timer[i].arg) == 0;
		}
		if (again)
			c->timer[kept++] = c->timer[i];
	}
	c->ntimers = kept;
}

/* ---- the loop ---- */

static int control_loop(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	struct epoll_event ev[8];
	uint64_t stop, token;

	while (!(stop = __atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))) {
		timers_arm(c);
		int n = sys->epoll_wait(c->epfd, ev, (int)PLX_ARRAY_SIZE(ev), -1);

		if (n < 0 && errno != EINTR) {
			int err = -errno;

			plx_logf(&c->env->log, PLX_LOG_ERROR, "control thread: epoll_wait: %s", strerror(-err));
			return err;
		}
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == c->sigfd)
				on_signal(c);
			else if (ev[i].data.fd == c->nlfd)
				links_read(c);
			else if (ev[i].data.fd == c->live.epfd)
				live_run(&c->live, plx_sys_now(sys));
			else if (sys->read(ev[i].data.fd, &token, sizeof(token)) > 0 && ev[i].data.fd == c->timerfd)
				timers_run(c);
		}
	}
	return (int)(uint32_t)stop;
}

/* Pins this thread for the time of the run; what it had is in *old. */
static bool control_pin(struct plx_env *env, cpu_set_t *old)
{
	const int cpu = env->plan.main_cpu;
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE || pthread_getaffinity_np(pthread_self(), sizeof(*old), old))
		return false;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	int err = env->sys->thread_setaffinity(pthread_self(), sizeof(set), &set);

	if (err)
		plx_logf(&env->log, PLX_LOG_WARN, "control thread: cannot pin to CPU %d: %s; choose another --main-lcore",
		         cpu, strerror(err));
	return !err;
}

static int run_lcores(struct plx_env *env)
{
	struct control *c = env->control;
	uint64_t now = plx_sys_now(env->sys);

	env->runner = pthread_self();
	__atomic_store_n(&env->running, true, __ATOMIC_RELEASE); /* with may_change */
	env->live = true;
	int err = lcores_start(env);

	if (!err) {
		c->house_due = c->looked_at = now;
		for (unsigned i = 0; i < c->ntimers; i++)
			c->timer[i].due = now + c->timer[i].period;
		links_ask(c);
		views_open(c, now);
		plx_logf(&env->log, PLX_LOG_NOTICE, "running: %u ports, %u lcores", env->nports, env->nlcores);
		err = control_loop(c);
		views_close(c);
	}
	env->live = false;
	int hung = lcores_stop(env);

	__atomic_store_n(&env->hung, hung != 0, __ATOMIC_RELAXED);
	__atomic_store_n(&env->running, hung != 0, __ATOMIC_RELEASE);
	return hung ? hung : err;
}

/* The first sign of life arms the fail-open.  It comes before anything else can go wrong, or a
   program that hangs this early would keep the host's frames for good. */
static int start_port(struct control *c, struct plx_port *p)
{
	int err = plx_port_start(p);

	for (unsigned i = 0; !err && i < c->nbeats; i++)
		if (c->beat[i].port == p && c->beat[i].lcore)
			p->drv->beat(p, c->beat[i].rxq, plx_sys_now(c->env->sys));
	return err;
}

int plx_env_run(struct plx_env *env)
{
	struct control *c = env->control;
	unsigned started = 0;
	cpu_set_t old;
	int err;

	if (env->running) {
		plx_logf(&env->log, PLX_LOG_ERROR, "plx_env_run: it runs already, or a poller still hangs");
		return -EBUSY;
	}
	signals_begin(c);
	bool pinned = control_pin(env, &old);

	err = beats_plan(c);
	while (!err && started < env->nports)
		if (!(err = start_port(c, env->ports[started])))
			started++;
	if (!err)
		err = run_lcores(env);
	/* A hung poller may be within a port: leave them as they are then.  The steering program
	   has had no heartbeat for a second and passes frames to the host. */
	while (!env->running && started)
		plx_port_stop(env->ports[--started]);
	__atomic_store_n(&c->stop, 0, __ATOMIC_RELAXED);
	if (pinned)
		env->sys->thread_setaffinity(pthread_self(), sizeof(old), &old);
	sink_wait(&env->sink);
	signals_end(c);
	return err;
}

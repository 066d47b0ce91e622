/* SPDX-License-Identifier: MIT */
/* control.c - the main thread: plx_env_run starts ports and lcores, waits for stop requests, timers
   of the application and work that watch asks for, and stops all again.  Cold; main thread, except
   plx_env_stop and main_ask_work (any thread). */
#include "control.h"
#include "lcore.h"
#include "driver_impl.h"
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int add_fd(struct control *c, int epfd, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return -errno;
	return c->env->sys->epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int main_open_fds(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	int err;

	if ((c->epfd = sys->epoll_create1(EPOLL_CLOEXEC)) < 0)
		return -errno;
	if ((err = add_fd(c, c->epfd, c->stopfd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) ||
	    (err = add_fd(c, c->epfd, c->workfd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))))
		return err;
	return add_fd(c, c->epfd, c->timerfd = sys->timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

static int watch_open_fds(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	sigset_t set;
	int err;

	if ((c->watchfd = sys->epoll_create1(EPOLL_CLOEXEC)) < 0)
		return -errno;
	err = add_fd(c, c->watchfd, c->wakefd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (err || c->env->conf.no_signals)
		return err;
	stop_signals(&set);
	return add_fd(c, c->watchfd, c->sigfd = sys->signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

/* Without link events ports still work: the doorbell notices what it must.  Say so and go on. */
static void open_netlink(struct control *c)
{
	struct plx_env *env = c->env;
	bool device = false;

	for (unsigned i = 0; i < env->nports; i++)
		device |= env->ports[i]->info.ifindex != 0;
	if (!device)
		return;
	int fd = linkmon_open(env->sys);

	c->nlfd = fd < 0 ? -1 : fd;
	if (fd < 0)
		plx_logf(&env->log, PLX_LOG_WARN,
		         "no link events: rtnetlink: %s; a link that goes down is noticed late", strerror(-fd));
}

int control_up(struct plx_env *env)
{
	struct control *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	env->control = c;
	if (c) {
		c->env = env;
		pthread_cond_init(&c->changed, NULL);
		env->readers_changed = readers_changed;
		env->reader_left = reader_left;
		c->epfd = c->stopfd = c->timerfd = c->workfd = -1;
		c->watchfd = c->wakefd = c->sigfd = c->nlfd = c->live.epfd = -1;
		err = main_open_fds(c);
		err = err ? err : watch_open_fds(c);
	}
	if (err) {
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "main and watch: cannot make descriptors: %s; raise the limit with ulimit -n", strerror(-err));
		control_down(env);
		return err;
	}
	open_netlink(c);
	return 0;
}

void control_down(struct plx_env *env)
{
	struct control *c = env->control;

	if (!c)
		return;
	const int fds[] = { c->nlfd, c->sigfd, c->wakefd, c->watchfd,
	                    c->timerfd, c->workfd, c->stopfd, c->epfd };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			env->sys->close(fds[i]);
	pthread_cond_destroy(&c->changed);
	free(c->timer);
	free(c->reader);
	free(c);
	env->control = NULL;
}

/* The first request wins: word 0 = none, else 2^32 | err. */
void plx_env_stop(struct plx_env *env, int err)
{
	PLX_ASSERT(env);
	uint64_t none = 0, one = 1;

	if (__atomic_compare_exchange_n(&env->control->stop, &none, 1ull << 32 | (uint32_t)err, false,
	                                __ATOMIC_RELEASE, __ATOMIC_RELAXED)) /* with main_loop */
		(void)!env->sys->write(env->control->stopfd, &one, sizeof(one));
}

void main_ask_work(struct plx_env *env)
{
	lcore_poke(env->sys, env->control->workfd);
}

/* ---- work that watch asks for ---- */

/* What may block and is not the application's, and calls of it: when somebody asked by main_ask_work, and
   once a second. */
static void main_work(struct control *c)
{
	main_calls(c);

	const uint32_t was = main_enter(c->env, MAIN_WORK);

	env_readers_changed(c->env);
	main_leave(c->env, was);
}

/* ---- timers ---- */

/* What to call fn when it hangs: asked now, for the answer takes a lock of the dynamic linker's. */
void main_names(struct ctl_timer *t)
{
	const uintptr_t at = (uintptr_t)t->fn;
	Dl_info info;

	t->object = "address ";
	t->offset = at;
	if (!dladdr((const void *)at, &info))
		return;
	const char *slash = info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;

	t->object = info.dli_sname ? info.dli_sname : slash ? slash + 1 : info.dli_fname ? info.dli_fname : "";
	t->offset = at - (uintptr_t)(info.dli_sname ? info.dli_saddr : info.dli_fbase);
}

int plx_env_timer(struct plx_env *env, uint64_t period_ns, int (*fn)(void *arg), void *arg)
{
	PLX_ASSERT(env);
	struct control *c = env->control;

	if (!period_ns || period_ns > PLX_PERIOD_MAX || !fn) {
		plx_logf(&env->log, PLX_LOG_ERROR, "plx_env_timer: %s (EINVAL)", !fn ? "no function to call" :
		         period_ns ? "a period beyond 36 years" : "a period of 0 ns; it may be 1 or more");
		return -EINVAL;
	}
	if (__atomic_load_n(&env->running, __ATOMIC_ACQUIRE) && /* with run_lcores */
	    !__atomic_load_n(&env->hung, __ATOMIC_RELAXED) && !pthread_equal(pthread_self(), env->runner)) {
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "plx_env_timer: during a run its main thread alone adds timers: from "
		         "one, or by plx_env_call (EBUSY)");
		return -EBUSY;
	}
	struct ctl_timer *all = realloc(c->timer, (c->ntimers + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	c->timer = all;
	struct ctl_timer *t = &c->timer[c->ntimers++];

	*t = (struct ctl_timer){ .period = period_ns, .due = plx_sys_now(env->sys) + period_ns, .fn = fn, .arg = arg };
	main_names(t);
	return 0;
}

/* How long epoll waits: for the timer, or so long itself if that cannot be set. */
static int timers_arm(struct control *c)
{
	uint64_t due = c->work_due, now;
	struct itimerspec t = { 0 };

	for (unsigned i = 0; i < c->ntimers; i++)
		if (c->timer[i].due < due)
			due = c->timer[i].due;
	t.it_value.tv_sec = (time_t)(due / 1000000000u);
	t.it_value.tv_nsec = (long)(due % 1000000000u);
	if (!c->env->sys->timerfd_settime(c->timerfd, TFD_TIMER_ABSTIME, &t, NULL))
		return -1;
	if (!c->coarse)
		plx_logf(&c->env->log, PLX_LOG_WARN, "main thread: timerfd_settime: %s; timers go by milliseconds",
		         strerror(errno));
	c->coarse = true;
	now = plx_sys_now(c->env->sys);
	due = due > now ? (due - now + 999999) / 1000000 : 0;
	return due < INT_MAX ? (int)due : INT_MAX;
}

/* A timer keeps its cadence, but what was missed is not made up for. */
static uint64_t next_due(uint64_t due, uint64_t period, uint64_t now)
{
	return due + period > now ? due + period : now + period;
}

int main_runs(struct control *c, struct ctl_timer t)
{
	__atomic_store_n(&c->timer_object, t.object, __ATOMIC_RELAXED);
	__atomic_store_n(&c->timer_offset, t.offset, __ATOMIC_RELAXED);
	const uint32_t was = main_enter(c->env, MAIN_TIMER);
	const int ret = t.fn(t.arg);

	main_leave(c->env, was);
	return ret;
}

static void timers_run(struct control *c)
{
	uint64_t now = plx_sys_now(c->env->sys);
	unsigned kept = 0;

	if (c->work_due <= now) {
		c->work_due = next_due(c->work_due, WORK_NS, now);
		main_work(c);
	}
	/* A callback may add timers, which may move the array: index it anew each time. */
	for (unsigned i = 0; i < c->ntimers; i++) {
		bool again = true;

		if (c->timer[i].due <= now) {
			c->timer[i].due = next_due(c->timer[i].due, c->timer[i].period, now);
			again = !main_runs(c, c->timer[i]);
		}
		if (again)
			c->timer[kept++] = c->timer[i];
	}
	c->ntimers = kept;
}

/* ---- the loop ---- */

/* Without epoll it goes on by time alone, and looks whether there is work each time. */
static void epoll_failed(struct control *c, int err)
{
	if (!c->epoll_told)
		plx_logf(&c->env->log, PLX_LOG_ERROR, "main thread: epoll_wait: %s; it looks every %d ms",
		         strerror(err), HOUSEKEEPING_NS / 1000000);
	c->epoll_told = true;
	plx_sys_sleep(c->env->sys, HOUSEKEEPING_NS);
	main_work(c);
}

static int main_loop(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	struct epoll_event ev[8];
	uint64_t stop, token;

	while (!(stop = __atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))) {
		int n = sys->epoll_wait(c->epfd, ev, (int)PLX_ARRAY_SIZE(ev), timers_arm(c));

		if (n < 0 && errno != EINTR)
			epoll_failed(c, errno);
		if (n <= 0)
			timers_run(c);
		for (int i = 0; i < n; i++) {
			if (sys->read(ev[i].data.fd, &token, sizeof(token)) <= 0)
				continue;
			if (ev[i].data.fd == c->timerfd)
				timers_run(c);
			else if (ev[i].data.fd == c->workfd)
				main_work(c);
		}
	}
	return (int)(uint32_t)stop;
}

/* Pins this thread for the time of the run, and with it watch, which it starts; what it had is in *old. */
static bool main_pin(struct plx_env *env, cpu_set_t *old)
{
	const int cpu = env->plan.main_cpu;
	cpu_set_t set;

	if (cpu < 0 || cpu >= CPU_SETSIZE || pthread_getaffinity_np(pthread_self(), sizeof(*old), old))
		return false;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	int err = env->sys->thread_setaffinity(pthread_self(), sizeof(set), &set);

	if (err)
		plx_logf(&env->log, PLX_LOG_WARN, "main thread: cannot pin to CPU %d: %s; choose another --main-lcore",
		         cpu, strerror(err));
	return !err;
}

static void main_at(struct plx_env *env, uint32_t at)
{
	__atomic_store_n(&env->at, at, __ATOMIC_RELAXED);
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
		c->work_due = now + WORK_NS;
		for (unsigned i = 0; i < c->ntimers; i++)
			c->timer[i].due = now + c->timer[i].period;
		watch_look(c, now);
		readers_await(c);
		plx_logf(&env->log, PLX_LOG_NOTICE, "running: %u port%s, %u lcore%s", env->nports,
		         env->nports == 1 ? "" : "s", env->nlcores, env->nlcores == 1 ? "" : "s");
		main_at(env, MAIN_LOOP);
		main_is_up(c);
		err = main_loop(c);
		main_is_down(c);
	}
	env->live = false;
	watch_rest(c);
	int hung = lcores_stop(env);

	main_at(env, MAIN_VIEWS);
	watch_forget(c);
	__atomic_store_n(&env->hung, hung != 0, __ATOMIC_RELAXED);
	__atomic_store_n(&env->running, hung != 0, __ATOMIC_RELEASE);
	return hung ? hung : err;
}

static int run_ports(struct plx_env *env)
{
	struct control *c = env->control;
	unsigned started = 0;
	int err = readers_plan(c);

	while (!err && started < env->nports) {
		env->ports[started]->cycles_hz = env->cycles_hz;
		err = plx_port_start(env->ports[started]);
		started += !err;
	}
	if (!err) {
		readers_begin(c);
		err = run_lcores(env);
	}
	main_at(env, MAIN_PORTS);
	/* A hung poller may be within a port: then ports are left as they are, but for what stands between
	   the interface and the host. */
	for (unsigned i = 0; env->running && i < started; i++)
		port_leave(env->ports[i]);
	if (!env->running)
		env_txqs_drain(env);
	if (!env->running)
		plx_ports_stop(env->ports, started);
	return err;
}

int plx_env_run(struct plx_env *env)
{
	PLX_ASSERT(env);
	struct control *c = env->control;
	cpu_set_t old;

	if (env_forked(env, "plx_env_run"))
		return -ECHILD;
	if (env->running) {
		plx_logf(&env->log, PLX_LOG_ERROR, "plx_env_run: it runs already, or a poller still hangs");
		return -EBUSY;
	}
	stop_begin(c);
	bool pinned = main_pin(env, &old);

	main_at(env, MAIN_STARTS);
	int err = watch_start(c);

	if (!err) {
		err = run_ports(env);
		main_at(env, MAIN_LOG);
		sink_wait(&env->sink); /* while watch still reads signals */
		watch_stop(c);
	}
	main_at(env, MAIN_AWAY);
	__atomic_store_n(&c->stop, 0, __ATOMIC_RELAXED);
	if (pinned)
		env->sys->thread_setaffinity(pthread_self(), sizeof(old), &old);
	stop_end(c);
	return err;
}

/* SPDX-License-Identifier: MIT */
/* health.c - the watch thread: it lives as long as a run and looks after lcores, errors of pollers,
   links of ports and the views, twenty times a second.  It runs nothing of the application's, and no call
   that can block.  What it shares with main is atomic, or under env->lock; main says by
   c->looking that there is something to look after.  Signals, and a main thread that does not
   come back: stop.c.  Cold; watch thread, but for the parts of main. */
#include "control.h"
#include "lcore.h"
#include "driver_impl.h"
#include "plx_net.h"
#include "plx_text.h"
#include "quiet_thread.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ERRORS_GAP_NS     1000000000ull    /* between two lines about errors of a poller, at first */
#define ERRORS_GAP_MAX_NS 3600000000000ull

#define LOG(c, level, ...) plx_logf(&(c)->env->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- lcores ---- */

/* Since when l is silent, seen from here: a time in which this thread did not look, for it got no CPU or
   waited in the kernel, counts for one look. */
static void silence(const struct control *c, struct plx_lcore *l, uint64_t now)
{
	const uint64_t gap = now - c->looked_at;

	if (gap > STALL_NS / 2 && !l->stalled)
		l->beat_at += gap - HOUSEKEEPING_NS;
	if (!l->silent)
		l->silent_cpu = lcore_cpu_ns(l);
	l->silent = true;
}

/* One that starves may turn out to hang, once it has had its share of a CPU. */
static void stalls(struct control *c, struct plx_lcore *l, uint64_t now)
{
	const uint64_t cpu = lcore_cpu_ns(l) - l->silent_cpu;
	const double s = (double)(now - l->beat_at) / 1e9;
	char what[PLX_NAME_MAX + 16];

	if (!lcore_starves(l, l->silent_cpu)) {
		LOG(c, WARN,
		    "lcore %u stalls: %s has not returned for %.1f s; frames of its queues pass to the host after "
		    "stall=",
		    l->conf.id, lcore_hangs_in(l, what, sizeof(what)), s);
		l->hangs = true;
	} else if (!l->stalled) {
		LOG(c, WARN,
		    "lcore %u starves: it got %.0f ms of CPU %d in %.1f s; frames of its queues pass to the host after "
		    "stall=; "
		    "who has the CPU is told by ps -eLo psr,pcpu,tid,comm --sort -pcpu",
		    l->conf.id, (double)cpu / 1e6, l->conf.cpu, s);
	}
	l->stalled = true;
}

/* An lcore does not log, and one that polls on is no less alive: it only takes all of its CPU. */
static void sleep_look(struct control *c, struct plx_lcore *l)
{
	const int err = __atomic_load_n(&l->sleep_err, __ATOMIC_RELAXED);

	if (!err || l->sleep_told)
		return;
	l->sleep_told = true;
	LOG(c, WARN, "lcore %u: it cannot sleep: %s: it polls on, as with --idle=busy", l->conf.id, strerror(err));
}

/* An lcore lives if it made a round since the last look, or waits in epoll. */
static void lcore_look(struct control *c, struct plx_lcore *l, uint64_t now)
{
	uint64_t beat = plx_ctr_read(&l->rounds);
	uint32_t state = lcore_state(l);

	sleep_look(c, l);
	if (beat != l->beat_seen || state == PLX_LCORE_WAIT || __atomic_load_n(&l->quiet, __ATOMIC_RELAXED)) {
		if (l->stalled)
			LOG(c, WARN, "lcore %u goes on after %.1f s", l->conf.id, (double)(now - l->beat_at) / 1e9);
		l->stalled = l->silent = l->hangs = false;
		l->beat_seen = beat;
		l->beat_at = now;
		return;
	}
	silence(c, l, now);
	if (!l->hangs && now - l->beat_at >= STALL_NS)
		stalls(c, l, now);
}

/* ---- pollers ---- */

/* A function that fails returns -errno, or -1, which says no more than that it failed. */
static void add_errno(char *buf, size_t len, int err)
{
	const char *text = err < -1 ? strerrordesc_np(-err) : NULL;

	plx_text_add(buf, len, text ? "%d (%s)" : "%d", err, text);
}

/* An lcore does not log: it counts, and the count is told here, after a second, then two more, four more,
   up to an hour; from the beginning when there was none in that time. */
static void poller_look(struct control *c, struct plx_poller *p, uint64_t now)
{
	char returned[64] = "";
	uint64_t errors = plx_ctr_read(&p->errors);
	int err = __atomic_load_n(&p->last_err, __ATOMIC_RELAXED);

	if (now - p->told_at < p->told_gap)
		return;
	p->told_gap = errors == p->told ? 0 : p->told_gap ? p->told_gap * 2 : ERRORS_GAP_NS;
	if (errors == p->told)
		return;
	if (p->told_gap > ERRORS_GAP_MAX_NS)
		p->told_gap = ERRORS_GAP_MAX_NS;
	add_errno(returned, sizeof(returned), err);
	LOG(c, WARN, "poller %s on lcore %u: %llu errors more, the last returned %s", p->name, p->lcore->conf.id,
	    (unsigned long long)(errors - p->told), returned);
	p->told = errors;
	p->told_at = now;
}

/* ---- links ---- */

/* Asks for all links anew, once the answers to the last question are here.  It is another thread that
   asks, for the kernel may make it wait (monitor/attached.c). */
static void links_ask(struct control *c)
{
	if (c->link_open)
		return;
	memset(c->link_event, 0, sizeof(c->link_event));
	c->link_resync = false;
	c->link_open = monitor_ask_links(&c->monitor.ask);
}

/* The driver is told before the port's info follows: it compares with what was. */
static void port_link(struct plx_port *p, enum plx_link link, uint32_t mtu)
{
	if (plx_port_link(p) == PLX_LINK_REMOVED)
		return;
	mtu = mtu ? mtu : p->info.mtu;
	plx_port_set_link(p, link);
	if (p->drv->link)
		p->drv->link(p, link, mtu);
	if (link == PLX_LINK_REMOVED)
		port_give_back(p); /* wherever it went, there it is the host's; plx-xdpmon does the rest */
	__atomic_store_n(&p->info.mtu, mtu, __ATOMIC_RELAXED);
}

/* A program may have kept the address, so it is told; who reads it just then may see a part of both. */
static void port_mac(struct control *c, struct plx_port *p, const uint8_t mac[6])
{
	char is[18], was[18];

	if (!memcmp(p->info.mac, mac, sizeof(p->info.mac)))
		return;
	LOG(c, WARN, "%s: its address is %s now, and was %s: a program that sends by the old one has to "
	    "ask anew, or to be started again", p->name, plx_mac_fmt(is, mac), plx_mac_fmt(was, p->info.mac));
	for (size_t i = 0; i < sizeof(p->info.mac); i++)
		__atomic_store_n(&p->info.mac[i], mac[i], __ATOMIC_RELAXED);
}

static void on_link(void *arg, const struct linkmon_event *e)
{
	struct control *c = arg;

	for (unsigned i = 0; i < c->env->nports; i++) {
		struct plx_port *p = c->env->ports[i];

		if (!p->info.ifindex || p->info.ifindex != e->ifindex)
			continue;
		c->link_event[i] = true;
		if (e->has_mac && e->kind == NL_LINK)
			port_mac(c, p, e->mac);
		port_link(p, e->kind == NL_GONE ? PLX_LINK_REMOVED : e->up ? PLX_LINK_UP : PLX_LINK_DOWN, e->mtu);
	}
}

/* An answer counts unless an event has told of the link since it was asked for: that may be newer. */
static void links_told(struct control *c)
{
	c->link_open = false;
	for (unsigned i = 0; i < c->env->nports; i++) {
		const struct monitor_link *l = &c->monitor.ask.link[i];
		struct plx_port *p = c->env->ports[i];

		if (!p->info.ifindex || c->link_event[i])
			continue;
		if (!l->err)
			port_link(p, l->up ? PLX_LINK_UP : PLX_LINK_DOWN, l->mtu);
		else if (l->err == -ENODEV)
			port_link(p, PLX_LINK_REMOVED, 0); /* its event was lost */
		else
			c->link_resync = true;
	}
}

static void links_read(struct control *c)
{
	int err = linkmon_read(c->env->sys, c->nlfd, on_link, c);

	if (!err)
		return;
	c->link_resync = true;
	if (err != -ENOBUFS)
		LOG(c, WARN, "link events: %s; asking for all links anew", strerror(-err));
}

/* ---- ports ---- */

/* Ports are independent: one that is gone stops nothing.  Without any the run has no
   purpose left. */
static void ports_look(struct control *c)
{
	struct plx_env *env = c->env;
	unsigned gone = 0;

	for (unsigned i = 0; i < env->nports; i++) {
		struct plx_port *p = env->ports[i];
		enum plx_link link = plx_port_link(p);

		if (link != __atomic_load_n(&p->link_said, __ATOMIC_RELAXED))
			plx_port_set_link(p, link); /* a doorbell noticed it; say so */
		gone += link == PLX_LINK_REMOVED;
	}
	if (!gone || gone < env->nports || __atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		return;
	LOG(c, ERROR, "no port is left: %s%s removed; make the interface again and restart",
	    env->ports[0]->name, env->nports > 1 ? " and the others were" : " was");
	plx_env_stop(env, -ENODEV);
}

static void housekeeping(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;

	for (unsigned i = 0; i < env->nlcores; i++) {
		struct plx_lcore *l = &env->lcores[i];

		lcore_look(c, l, now);
		for (unsigned k = 0; k < l->npollers; k++)
			poller_look(c, l->poller[k], now);
	}
	c->looked_at = now;
	ports_look(c);
	monitor_ask_repairs(&c->monitor.ask);
	if (readers_wanted(c, now))
		main_ask_work(env);
	if (c->link_open && monitor_ask_told(&c->monitor.ask))
		links_told(c);
	if (c->link_resync)
		links_ask(c);
	monitor_look(&c->monitor, env, now);
	live_tick(&c->live, now);
}

/* ---- views ---- */

static char *answer(void *arg)
{
	struct control *c = arg;

	return live_json(c->env, &c->monitor, c->live.name, plx_sys_now(c->env->sys) - c->run_at);
}

/* The run does not depend on either: what is missing is said.  Main, before watch looks. */
static void views_open(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;
	int err = monitor_open(&c->monitor, &env->plan, &env->log, env->cycles_hz);

	c->run_at = now;
	if (err) {
		LOG(c, WARN, "no comparison with the plan, and no live view: %s", strerror(-err));
		return;
	}
	err = monitor_ask_open(&c->monitor.ask, env);
	if (err)
		LOG(c, WARN,
		    "nobody asks the kernel for links, and whether XDP programs stay attached: %s; raise ulimit -u or "
		    "-n",
		    strerror(-err));
	err = live_open(&c->live, env->sys, env->conf.name, answer, c);
	if (!err) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = c->live.epfd };

		err = env->sys->epoll_ctl(c->watchfd, EPOLL_CTL_ADD, c->live.epfd, &ev) ? -errno : 0;
		if (err)
			live_close(&c->live);
	}
	if (err == -EADDRINUSE)
		LOG(c, WARN, "no live view: %d programs named %s have one here; give another --name", LIVE_NAMES,
		    env->conf.name);
	else if (err)
		LOG(c, WARN, "no live view: %s", strerror(-err));
	else
		plx_logf(&env->log, strcmp(c->live.name, env->conf.name) ? PLX_LOG_NOTICE : PLX_LOG_INFO,
		         "pollux doctor --live %s shows this program", PLX_QUOTED(c->live.name));
}

/* ---- main's part ---- */

/* Without link events ports still work: the doorbell notices what it must.  Say so and go on. */
static void links_open(struct control *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = c->nlfd };
	int err = c->env->sys->epoll_ctl(c->watchfd, EPOLL_CTL_ADD, c->nlfd, &ev) ? errno : 0;

	if (err)
		LOG(c, WARN, "no link events: epoll_ctl: %s; a link that goes down is noticed late", strerror(err));
	c->link_open = false;
	c->link_resync = !err;
}

void watch_look(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;

	if (c->nlfd >= 0)
		links_open(c);
	views_open(c, now);
	pthread_mutex_lock(&env->lock);
	c->house_due = c->looked_at = now;
	c->looking = true;
	pthread_mutex_unlock(&env->lock);
	lcore_poke(env->sys, c->wakefd);
}

/* From here on watch touches neither lcores nor ports.  The lock makes it sure too that it breaks no
   call of main's any more. */
void watch_rest(struct control *c)
{
	struct plx_env *env = c->env;

	pthread_mutex_lock(&env->lock);
	__atomic_store_n(&env->at, MAIN_LCORES, __ATOMIC_RELAXED);
	const bool looked = c->looking;

	c->looking = false;
	pthread_mutex_unlock(&env->lock);
	if (!looked)
		return;
	if (c->nlfd >= 0)
		env->sys->epoll_ctl(c->watchfd, EPOLL_CTL_DEL, c->nlfd, NULL);
	live_close(&c->live);
}

/* Waits for an answer of the kernel that is on its way. */
void watch_forget(struct control *c)
{
	monitor_close(&c->monitor);
}

/* ---- the thread ---- */

/* What came for a descriptor; env->lock is held. */
static void view_event(struct control *c, int fd, uint64_t now)
{
	if (fd == c->nlfd)
		links_read(c);
	else if (fd == c->live.epfd)
		live_run(&c->live, now);
}

/* One turn of what main lets it look after; when the next is due. */
static uint64_t look_after(struct control *c, const struct epoll_event *ev, int n)
{
	const uint64_t now = plx_sys_now(c->env->sys);
	uint64_t due = now + HOUSEKEEPING_NS;

	pthread_mutex_lock(&c->env->lock);
	if (c->looking) {
		for (int i = 0; i < n; i++)
			view_event(c, ev[i].data.fd, now);
		if (c->house_due <= now) {
			housekeeping(c, now);
			c->house_due = c->house_due + HOUSEKEEPING_NS > now ? c->house_due + HOUSEKEEPING_NS :
			                                                      now + HOUSEKEEPING_NS;
		}
		due = c->house_due;
	}
	pthread_mutex_unlock(&c->env->lock);
	return due;
}

/* Without epoll it goes on by time alone, and asks each descriptor, none of which blocks. */
static void epoll_failed(struct control *c, int err)
{
	const uint64_t now = plx_sys_now(c->env->sys);

	if (!c->deaf)
		LOG(c, ERROR, "watch thread: epoll_wait: %s; it looks every %d ms", strerror(err),
		    HOUSEKEEPING_NS / 1000000);
	c->deaf = true;
	plx_sys_sleep(c->env->sys, HOUSEKEEPING_NS);
	if (c->sigfd >= 0)
		stop_signal(c);
	pthread_mutex_lock(&c->env->lock);
	if (c->looking && c->nlfd >= 0)
		view_event(c, c->nlfd, now);
	pthread_mutex_unlock(&c->env->lock);
}

static int ms_until(uint64_t due, uint64_t now)
{
	return due > now ? (int)((due - now + 999999) / 1000000) : 0;
}

static void *watch_main(void *arg)
{
	struct control *c = arg;
	const struct plx_sys *sys = c->env->sys;
	struct epoll_event ev[8];
	uint64_t due = 0, token;
	char name[16];

	snprintf(name, sizeof(name), "%.9s-watch", c->env->conf.name);
	pthread_setname_np(pthread_self(), name);
	while (!__atomic_load_n(&c->quit, __ATOMIC_ACQUIRE)) { /* with watch_stop */
		int n = sys->epoll_wait(c->watchfd, ev, (int)PLX_ARRAY_SIZE(ev), ms_until(due, plx_sys_now(sys)));

		if (n < 0 && errno != EINTR)
			epoll_failed(c, errno);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.fd == c->sigfd)
				stop_signal(c);
			else if (ev[i].data.fd == c->wakefd)
				(void)!sys->read(c->wakefd, &token, sizeof(token));
		}
		due = look_after(c, ev, n);
		due = stop_look(c, due);
	}
	return NULL;
}

int watch_start(struct control *c)
{
	struct plx_env *env = c->env;

	__atomic_store_n(&c->quit, false, __ATOMIC_RELAXED);
	c->deaf = false;
	int err = quiet_thread(env->sys, &c->watch, watch_main, c);

	if (err)
		LOG(c, ERROR, "watch thread: cannot start: %s; raise ulimit -u or the pids limit of the cgroup",
		    strerror(-err));
	return err;
}

void watch_stop(struct control *c)
{
	__atomic_store_n(&c->quit, true, __ATOMIC_RELEASE); /* with watch_main */
	lcore_poke(c->env->sys, c->wakefd);
	pthread_join(c->watch, NULL);
}

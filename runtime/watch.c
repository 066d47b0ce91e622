/* SPDX-License-Identifier: MIT */
/* watch.c - what the control thread looks after: heartbeats of lcores, errors of pollers,
   links of ports, and the views of a run.  Cold; control thread. */
#include "control.h"
#include "plx_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_GAP_NS     1000000000ull    /* between two lines about errors of a poller, at first */
#define ERRORS_GAP_MAX_NS 3600000000000ull

#define LOG(c, level, ...) plx_logf(&(c)->env->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- heartbeats ---- */

/* A poller that names no queue may poll any: its lcore answers for queues nobody names. */
static struct plx_lcore *opaque_lcore(const struct plx_env *env)
{
	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers; k++)
			if (!env->lcores[i].poller[k]->nrxq)
				return &env->lcores[i];
	return NULL;
}

static struct plx_lcore *lcore_of(const struct plx_env *env, const struct plx_rxq *q)
{
	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers; k++) {
			const struct plx_poller *p = env->lcores[i].poller[k];

			for (unsigned j = 0; j < p->nrxq; j++)
				if (p->rxq[j] == q)
					return &env->lcores[i];
		}
	return opaque_lcore(env);
}

static void beats_follow(struct control *c)
{
	for (unsigned i = 0; i < c->nbeats; i++) {
		struct ctl_beat *b = &c->beat[i];

		b->lcore = lcore_of(c->env, b->port->rxq[b->rxq]);
		if (!b->lcore && !b->orphan)
			LOG(c, WARN, "%s queue %u has no poller: its frames pass to the host", b->port->name, b->rxq);
		b->orphan = !b->lcore;
	}
}

int beats_plan(struct control *c)
{
	struct plx_env *env = c->env;
	unsigned n = 0;

	for (unsigned i = 0; i < env->nports; i++)
		n += env->ports[i]->drv->beat ? env->ports[i]->nrx : 0u;
	free(c->beat);
	c->nbeats = 0;
	c->beat = n ? calloc(n, sizeof(*c->beat)) : NULL;
	if (n && !c->beat)
		return -ENOMEM;
	for (unsigned i = 0; i < env->nports; i++)
		for (uint16_t q = 0; env->ports[i]->drv->beat && q < env->ports[i]->nrx; q++)
			c->beat[c->nbeats++] = (struct ctl_beat){ .port = env->ports[i], .rxq = q };
	beats_follow(c);
	return 0;
}

void control_pollers_changed(struct plx_env *env)
{
	if (env->live)
		beats_follow(env->control);
}

/* Since when l is silent, seen from here: a time in which this thread did not look, for it got no CPU or
   waited in the kernel, counts for one look. */
static void silence(const struct control *c, struct plx_lcore *l, uint64_t now)
{
	const uint64_t gap = now - c->looked_at;

	if (gap > STALL_NS / 2 && !l->stalled)
		l->beat_at += gap - HOUSE_NS;
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

	if (cpu >= LCORE_FAIR_NS || !lcore_ready(l)) {
		LOG(c, WARN, "lcore %u stalls: %s has not returned for %.1f s; frames of its queues pass to the host",
		    l->conf.id, lcore_hangs_in(l, what, sizeof(what)), s);
		l->hangs = true;
	} else if (!l->stalled) {
		LOG(c, WARN, "lcore %u starves: it got %.0f ms of CPU %d in %.1f s; frames of its queues pass to the host; "
		    "who has the CPU is told by ps -eLo psr,pcpu,tid,comm --sort -pcpu",
		    l->conf.id, (double)cpu / 1e6, l->conf.cpu, s);
	}
	l->stalled = true;
}

/* An lcore lives if it made a round since the last look, or waits in epoll. */
static void lcore_look(struct control *c, struct plx_lcore *l, uint64_t now)
{
	uint64_t beat = plx_ctr_read(&l->rounds);
	uint32_t state = lcore_state(l);

	if (beat != l->beat_seen || state == PLX_LCORE_WAIT || __atomic_load_n(&l->dozing, __ATOMIC_RELAXED)) {
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

void house_keep(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;

	for (unsigned i = 0; i < env->nlcores; i++) {
		struct plx_lcore *l = &env->lcores[i];

		lcore_look(c, l, now);
		for (unsigned k = 0; k < l->npollers; k++)
			poller_look(c, l->poller[k], now);
	}
	c->looked_at = now;
	/* No beat for an lcore that was halted: nobody polls its queues, so the host should
	   have their frames. */
	for (unsigned i = 0; i < c->nbeats; i++) {
		const struct ctl_beat *b = &c->beat[i];

		if (b->lcore && b->lcore->beat_at == now && lcore_state(b->lcore) != PLX_LCORE_WAIT)
			b->port->drv->beat(b->port, b->rxq, now);
	}
	ports_look(c);
	if (c->link_resync)
		links_ask(c);
	truth_look(&c->truth, env, now);
	live_tick(&c->live, now);
}

/* ---- views ---- */

static char *answer(void *arg)
{
	struct control *c = arg;

	return live_json(c->env, &c->truth, c->live.name, plx_sys_now(c->env->sys) - c->run_at);
}

/* The run does not depend on either: what is missing is said. */
void views_open(struct control *c, uint64_t now)
{
	struct plx_env *env = c->env;
	int err = truth_open(&c->truth, &env->plan, &env->log, env->cycles_hz);

	c->run_at = now;
	if (err) {
		LOG(c, WARN, "no comparison with the plan, and no live view: %s", strerror(-err));
		return;
	}
	err = truth_ask_open(&c->truth.ask, env);
	if (err)
		LOG(c, WARN, "nobody looks whether XDP programs stay attached: %s", strerror(-err));
	err = live_open(&c->live, env->sys, env->conf.name, answer, c);
	if (!err) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = c->live.epfd };

		err = env->sys->epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->live.epfd, &ev) ? -errno : 0;
		if (err)
			live_close(&c->live);
	}
	if (err == -EADDRINUSE)
		LOG(c, WARN, "no live view: %d programs named %s have one here; give another --name", LIVE_NAMES, env->conf.name);
	else if (err)
		LOG(c, WARN, "no live view: %s", strerror(-err));
	else
		plx_logf(&env->log, strcmp(c->live.name, env->conf.name) ? PLX_LOG_NOTICE : PLX_LOG_INFO,
		         "pollux doctor --live %s shows this program", PLX_QUOTED(c->live.name));
}

void views_close(struct control *c)
{
	live_close(&c->live);
	truth_close(&c->truth);
}

/* ---- links ---- */

void links_ask(struct control *c)
{
	c->link_resync = false;
	if (c->nlfd < 0)
		return;
	memset(c->link_seen, 0, sizeof(c->link_seen));
	c->link_seq = ++c->link_questions;
	if (nl_ask(c->env->sys, c->nlfd, c->link_seq)) {
		c->link_seq = 0;
		c->link_resync = true; /* at the next look */
	}
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
	__atomic_store_n(&p->info.mtu, mtu, __ATOMIC_RELAXED);
}

static void on_link(void *arg, const struct nl_event *e)
{
	struct control *c = arg;
	struct plx_env *env = c->env;

	const bool done = e->kind == NL_DONE && c->link_seq && e->seq == c->link_seq;

	if (e->kind == NL_BROKEN)
		c->link_resync = true;
	for (unsigned i = 0; i < env->nports; i++) {
		struct plx_port *p = env->ports[i];
		bool same = p->info.ifindex && p->info.ifindex == e->ifindex;

		if (e->kind == NL_LINK && same) {
			c->link_seen[i] = true;
			port_link(p, e->up ? PLX_LINK_UP : PLX_LINK_DOWN, e->mtu);
		} else if (e->kind == NL_GONE && same) {
			port_link(p, PLX_LINK_REMOVED, 0);
		} else if (done && p->info.ifindex && !c->link_seen[i]) {
			port_link(p, PLX_LINK_REMOVED, 0); /* its event was lost */
		}
	}
	if (done)
		c->link_seq = 0;
}

void links_read(struct control *c)
{
	int err = nl_read(c->env->sys, c->nlfd, on_link, c);

	if (!err)
		return;
	c->link_seq = 0; /* its answers may be among what was lost */
	c->link_resync = true;
	if (err != -ENOBUFS)
		LOG(c, WARN, "link events: %s; asking for all links anew", strerror(-err));
}

/* SPDX-License-Identifier: MIT */
/* readers.c - who reads which receive queue, and what follows: a queue without a reader is given
   back to the host at once, and a port that nobody reads carries no program.  Cold; main, but
   what stands under "other threads".

   A poller that names its queues reads these.  One that names none, or a thread of the
   application, may read any: the queue itself tells, by its sign of life. */
#include "control.h"
#include "lcore.h"
#include "plx_text.h"
#include <errno.h>
#include <stdlib.h>

enum { OPAQUE_WAIT_NS = 500000000, RETRY_NS = 1000000000, FIRST_NS = 500000000, FIRST_STEP_NS = 200000 };

#define LOG(c, level, ...) plx_logf(&(c)->env->log, PLX_LOG_##level, __VA_ARGS__)

/* Pollers that may read any queue, and threads of the application. */
static unsigned count_opaque(const struct plx_env *env)
{
	unsigned n = registered_count(env);

	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers && !env->lcores[i].held; k++)
			n += !env->lcores[i].poller[k]->nrxq && !env->lcores[i].poller[k]->own;
	return n;
}

/* A thread of the application may leave meanwhile, and looks through the list. */
int readers_plan(struct control *c)
{
	struct plx_env *env = c->env;
	struct ctl_reader *had, *list = NULL;
	unsigned n = 0, at = 0;

	for (unsigned i = 0; i < env->nports; i++)
		n += env->ports[i]->drv->give_back ? env->ports[i]->nrx : 0u;
	if (n && !(list = calloc(n, sizeof(*list))))
		return -ENOMEM;
	for (unsigned i = 0; i < env->nports; i++)
		for (uint16_t q = 0; env->ports[i]->drv->give_back && q < env->ports[i]->nrx; q++)
			list[at++] = (struct ctl_reader){ .port = env->ports[i], .rxq = q };
	pthread_mutex_lock(&env->lock);
	had = c->reader;
	c->reader = list;
	c->nreaders = n;
	c->nopaque = 0;
	pthread_mutex_unlock(&env->lock);
	free(had);
	return 0;
}

/* ---- queues ---- */

static void follow_queue(struct control *c, struct ctl_reader *r, bool opaque_left)
{
	struct plx_port *p = r->port;
	const struct plx_poller *by = poller_of(c->env, p->rxq[r->rxq]);
	const struct plx_lcore *l = by ? by->lcore : NULL; /* halted or not */
	const bool named = l && !l->held, rests = !l || lcore_state(l) == PLX_LCORE_WAIT;

	if (r->named && !named)
		p->drv->give_back(p, r->rxq, rests && !c->nopaque);
	else if (!named && opaque_left)
		p->drv->give_back(p, r->rxq, rests && !c->nopaque); /* who still reads it shows so */
	r->named = named;
	if (!named && !c->nopaque && !r->told && p->conf.steer == PLX_STEER_ALL)
		LOG(c, WARN,
		    "%s queue %u has no poller: its frames pass to the host; name it by .rxq of a poller, or lower "
		    "rxqs=",
		    p->name, r->rxq);
	r->told = !named && !c->nopaque;
}

/* ---- ports ---- */

static bool is_wanted(const struct control *c, const struct plx_port *p, uint64_t now)
{
	for (unsigned i = 0; i < c->nreaders; i++)
		if (c->reader[i].port == p && (c->reader[i].named || p->drv->is_read(p, c->reader[i].rxq)))
			return true;
	/* attached as it is from the start: who may read it gets the time for a first burst */
	return c->nopaque && now - c->began_at < OPAQUE_WAIT_NS;
}

static void follow_port(struct control *c, struct plx_port *p, struct ctl_steer *s, uint64_t now)
{
	const bool wanted = is_wanted(c, p, now) && plx_port_link(p) != PLX_LINK_REMOVED;

	if (wanted == s->on || (s->failed_at && now - s->failed_at < RETRY_NS))
		return;
	int err = p->drv->steer(p, wanted);

	s->failed_at = err ? now : 0;
	__atomic_store_n(&s->on, err ? s->on : wanted, __ATOMIC_RELAXED);
	if (err && !s->told)
		LOG(c, WARN,
		    "%s: its program cannot be attached (%s): frames pass to the host; tried again every second; see "
		    "who "
		    "has the hook with bpftool net list dev %s",
		    p->name, strerrorname_np(-err), PLX_QUOTED(p->name));
	s->told = err != 0;
}

static void follow(struct control *c)
{
	struct plx_env *env = c->env;
	const uint64_t now = plx_sys_now(env->sys);

	pthread_mutex_lock(&env->lock);
	const unsigned had = c->nopaque;

	c->nopaque = count_opaque(env);
	for (unsigned i = 0; i < c->nreaders; i++)
		follow_queue(c, &c->reader[i], c->nopaque < had);
	pthread_mutex_unlock(&env->lock);
	for (unsigned i = 0; i < env->nports; i++)
		if (env->ports[i]->drv->steer && env->ports[i]->drv->give_back)
			follow_port(c, env->ports[i], &c->steer[i], now);
}

/* All ports are started, and steered. */
void readers_begin(struct control *c)
{
	c->began_at = plx_sys_now(c->env->sys);
	for (unsigned i = 0; i < c->env->nports; i++)
		c->steer[i] = (struct ctl_steer){ .on = true };
	follow(c);
}

/* The lcores run.  Returns when each queue that a poller names has had its first burst: from then on
   its frames are the port's.  A poller that does not read is not waited for long. */
void readers_await(struct control *c)
{
	const struct plx_sys *sys = c->env->sys;
	const uint64_t end = plx_sys_now(sys) + FIRST_NS;

	for (unsigned i = 0; i < c->nreaders; i++) {
		const struct ctl_reader *r = &c->reader[i];

		while (r->named && !r->port->drv->is_read(r->port, r->rxq) &&
		       !__atomic_load_n(&c->stop, __ATOMIC_RELAXED) && plx_sys_now(sys) < end)
			plx_sys_sleep(sys, FIRST_STEP_NS);
	}
}

void readers_changed(struct plx_env *env)
{
	follow(env->control);
}

/* The port cannot be stopped, for a poller hangs in it; frames are the host's all the same. */
void port_leave(struct plx_port *p)
{
	port_give_back(p);
	if (p->drv->steer)
		p->drv->steer(p, false);
}

/* ---- other threads ---- */

/* One that may have read any queue reads none any more: who still does shows so. */
void reader_left(struct plx_env *env)
{
	struct control *c = env->control;

	pthread_mutex_lock(&env->lock);
	for (unsigned i = 0; c && i < c->nreaders; i++)
		if (!c->reader[i].named)
			c->reader[i].port->drv->give_back(c->reader[i].port, c->reader[i].rxq, false);
	pthread_mutex_unlock(&env->lock);
}

/* Main has something to do: a port that is not steered is read, or one that is is not any more.
   env->lock is held. */
bool readers_wanted(const struct control *c, uint64_t now)
{
	for (unsigned i = 0; i < c->env->nports; i++) {
		const struct plx_port *p = c->env->ports[i];

		if (p->drv->steer && p->drv->give_back && plx_port_link(p) != PLX_LINK_REMOVED &&
		    __atomic_load_n(&c->steer[i].on, __ATOMIC_RELAXED) != is_wanted(c, p, now))
			return true;
	}
	return false;
}

void port_give_back(struct plx_port *p)
{
	for (uint16_t q = 0; p->drv->give_back && q < p->nrx; q++)
		p->drv->give_back(p, q, false);
}

/* The process is about to end with main stuck somewhere: what still arrives is the host's. */
void queues_give_back(struct plx_env *env)
{
	for (unsigned i = 0; i < env->nports; i++)
		port_give_back(env->ports[i]);
}

/* SPDX-License-Identifier: MIT */
/* beats.c - heartbeats of receive queues: who answers for which, and telling the drivers.  Cold;
   main plans them under env->lock, watch gives them. */
#include "control.h"
#include "plx_text.h"
#include <errno.h>
#include <stdlib.h>

#define LOG(c, level, ...) plx_logf(&(c)->env->log, PLX_LOG_##level, __VA_ARGS__)

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
	if (!env->live)
		return;
	pthread_mutex_lock(&env->lock);
	beats_follow(env->control);
	pthread_mutex_unlock(&env->lock);
}

/* The first sign of life arms the fail-open.  It comes before anything else can go wrong, or a
   program that hangs this early would keep the host's frames for good. */
void beats_first(struct control *c, struct plx_port *p)
{
	for (unsigned i = 0; i < c->nbeats; i++)
		if (c->beat[i].port == p && c->beat[i].lcore)
			p->drv->beat(p, c->beat[i].rxq, plx_sys_now(c->env->sys));
}

/* No beat for an lcore that was halted: nobody polls its queues, so the host should have their
   frames. */
void beats_give(struct control *c, uint64_t now)
{
	for (unsigned i = 0; i < c->nbeats; i++) {
		const struct ctl_beat *b = &c->beat[i];

		if (b->lcore && b->lcore->beat_at == now && lcore_state(b->lcore) != PLX_LCORE_WAIT)
			b->port->drv->beat(b->port, b->rxq, now);
	}
}

/* The process is about to end with main stuck somewhere: what still arrives is the host's. */
void queues_give_back(struct plx_env *env)
{
	struct control *c = env->control;

	pthread_mutex_lock(&env->lock);
	for (unsigned i = 0; i < c->nbeats; i++)
		c->beat[i].port->drv->beat(c->beat[i].port, c->beat[i].rxq, 0);
	pthread_mutex_unlock(&env->lock);
}

/* SPDX-License-Identifier: MIT */
/* poller.c - registering poll functions and choosing their lcores.  Cold; main thread
   while no lcore runs, except plx_poller_stats (any thread). */
#include "env.h"
#include "plx_text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plx_lcore *plx_env_rxq_lcore(const struct plx_env *env, const struct plx_rxq *q)
{
	for (unsigned i = 0; i < env->nports; i++) {
		unsigned lcore = env->plan.ports[i].rxq_lcore[q->id];

		if (env->ports[i] != q->port)
			continue;
		/* Attaching may have raised the queue count beyond what was planned. */
		return &env->lcores[q->id < env->plan.ports[i].conf.rxqs ? lcore : q->id % env->nlcores];
	}
	return NULL;
}

static struct plx_lcore *least_loaded(const struct plx_env *env)
{
	struct plx_lcore *best = NULL;

	for (unsigned i = 0; i < env->nlcores; i++)
		if (!best || env->lcores[i].npollers < best->npollers)
			best = &env->lcores[i];
	return best;
}

static struct plx_lcore *place(struct plx_env *env, const struct plx_poller_conf *c, const char *name)
{
	const struct plx_rxq *q = c->rxq ? c->rxq : c->also ? c->also[0] : NULL;
	char ids[256] = "";

	if (c->lcore < 0) {
		struct plx_lcore *l = q ? plx_env_rxq_lcore(env, q) : NULL;

		return l ? l : least_loaded(env);
	}
	struct plx_lcore *l = c->lcore <= UINT16_MAX ? plx_env_lcore_by_id(env, (uint16_t)c->lcore) : NULL;

	if (l)
		return l;
	for (unsigned i = 0; i < env->nlcores; i++)
		plx_text_add(ids, sizeof(ids), "%s%u", i ? "," : "", env->lcores[i].conf.id);
	plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: there is no lcore %d; it may be one of %s: choose lcores with -l",
	         name, c->lcore, ids);
	return NULL;
}

static const struct plx_poller *poller_of(const struct plx_env *env, const struct plx_rxq *q)
{
	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers; k++) {
			const struct plx_poller *p = env->lcores[i].poller[k];

			for (unsigned j = 0; j < p->nrxq; j++)
				if (p->rxq[j] == q)
					return p;
		}
	return NULL;
}

static int add_queue(struct plx_env *env, struct plx_poller *p, struct plx_rxq *q)
{
	const struct plx_poller *other = poller_of(env, q);

	for (unsigned i = 0; i < p->nrxq && !other; i++)
		if (p->rxq[i] == q)
			other = p;
	if (other) {
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "poller %s: %s queue %u is polled by %s already; a receive queue has one poller",
		         p->name, q->port->name, q->id, other == p ? "itself" : other->name);
		return -EBUSY;
	}
	p->rxq[p->nrxq++] = q;
	return 0;
}

static int add_queues(struct plx_env *env, struct plx_poller *p, const struct plx_poller_conf *c)
{
	size_t n = c->rxq != NULL;
	int err;

	for (size_t i = 0; c->also && c->also[i]; i++)
		n++;
	if (!n)
		return 0;
	p->rxq = calloc(n, sizeof(*p->rxq));
	if (!p->rxq)
		return -ENOMEM;
	err = c->rxq ? add_queue(env, p, c->rxq) : 0;
	for (size_t i = 0; c->also && c->also[i] && !err; i++)
		err = add_queue(env, p, c->also[i]);
	return err;
}

static void poller_free(struct plx_poller *p)
{
	free(p->rxq);
	free(p);
}

static int lcore_append(struct plx_lcore *l, struct plx_poller *p)
{
	struct plx_poller **all = realloc(l->poller, (l->npollers + 1u) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	l->poller = all;
	l->poller[l->npollers++] = p;
	p->lcore = l;
	return 0;
}

int plx_poller_add_get(struct plx_poller **out, struct plx_env *env, const struct plx_poller_conf *c)
{
	const char *name = c->name ? c->name : "poller";

	*out = NULL;
	if (!c->fn || env->running) {
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: %s", name,
		         c->fn ? "lcores run; add pollers before plx_env_run" : "it has no function; set .fn");
		return c->fn ? -EBUSY : -EINVAL;
	}
	struct plx_lcore *l = place(env, c, name);

	if (!l)
		return -EINVAL;
	size_t bytes = (sizeof(struct plx_poller) + PLX_CACHELINE - 1) / PLX_CACHELINE * PLX_CACHELINE;
	struct plx_poller *p = aligned_alloc(PLX_CACHELINE, bytes); /* counters share no line with others' */

	if (!p)
		return -ENOMEM;
	*p = (struct plx_poller){ .fn = c->fn, .arg = c->arg, .period_ns = c->period_ns };
	snprintf(p->name, sizeof(p->name), "%s", name);
	int err = add_queues(env, p, c);

	if (!err)
		err = lcore_append(l, p);
	if (err) {
		poller_free(p);
		return err;
	}
	plx_logf(&env->log, PLX_LOG_DEBUG, "poller %s: on lcore %u", p->name, l->conf.id);
	*out = p;
	return 0;
}

int plx_poller_add(struct plx_env *env, const struct plx_poller_conf *c)
{
	struct plx_poller *p;

	return plx_poller_add_get(&p, env, c);
}

void plx_poller_del(struct plx_poller *p)
{
	struct plx_lcore *l = p->lcore;
	unsigned i = 0;

	PLX_ASSERT(!l->env->running);
	while (l->poller[i] != p)
		i++;
	memmove(&l->poller[i], &l->poller[i + 1], (--l->npollers - i) * sizeof(*l->poller));
	poller_free(p);
}

void pollers_free(struct plx_lcore *l)
{
	while (l->npollers)
		poller_free(l->poller[--l->npollers]);
	free(l->poller);
	l->poller = NULL;
}

void plx_poller_stats(const struct plx_poller *p, struct plx_poller_stats *s)
{
	*s = (struct plx_poller_stats){
		.work_calls = plx_ctr_read(&p->work_calls),
		.empty_calls = plx_ctr_read(&p->empty_calls),
		.errors = plx_ctr_read(&p->errors),
		.work = plx_ctr_read(&p->work),
		.busy_cycles = plx_ctr_read(&p->busy_cycles),
		.idle_cycles = plx_ctr_read(&p->idle_cycles),
	};
	s->calls = s->work_calls + s->empty_calls + s->errors;
}

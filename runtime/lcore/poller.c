/* SPDX-License-Identifier: MIT */
/* poller.c - registering poll functions and choosing their lcores.  Cold; main thread.
   How an lcore that runs gets or loses one is in set.c. */
#include "env.h"
#include "lcore.h"
#include "plx_text.h"
#include "sized.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plx_lcore *plx_env_rxq_lcore(const struct plx_env *env, const struct plx_rxq *q)
{
	PLX_ASSERT(env && q);
	for (unsigned i = 0; i < env->nports; i++) {
		unsigned lcore = env->plan.ports[i].rxq_lcore[q->id];

		if (env->ports[i] != q->port)
			continue;
		/* Attaching may have raised the queue count beyond what was planned. */
		return &env->lcores[q->id < env->plan.ports[i].conf.rxqs ? lcore : q->id % env->plan.nworkers];
	}
	return NULL;
}

/* The share of its time that an lcore had work, in thousandths. */
static unsigned busy_share(const struct plx_lcore *l)
{
	uint64_t busy = plx_ctr_read(&l->busy_cycles), all = busy + plx_ctr_read(&l->idle_cycles);

	return all ? (unsigned)((double)busy * 1000 / (double)all) : 0;
}

static bool serves(const struct plx_env *env, const struct plx_lcore *l, bool service)
{
	return l->conf.service == (service && env->plan.nworkers < env->plan.nlcores);
}

static struct plx_lcore *least_loaded(const struct plx_env *env, bool service)
{
	struct plx_lcore *best = NULL;

	for (unsigned i = 0; i < env->nlcores; i++) {
		struct plx_lcore *l = &env->lcores[i];

		if (serves(env, l, service) && (!best || l->npollers < best->npollers ||
		    (l->npollers == best->npollers && busy_share(l) < busy_share(best))))
			best = l;
	}
	return best;
}

static struct plx_lcore *lcore_named(const struct plx_env *env, const char *name, int id, bool service)
{
	struct plx_lcore *l = id >= 0 && id <= UINT16_MAX ? plx_env_lcore_by_id(env, (uint16_t)id) : NULL;
	char ids[256] = "";

	if (l && serves(env, l, service))
		return l;
	for (unsigned i = 0; i < env->nlcores; i++)
		if (serves(env, &env->lcores[i], service))
			plx_text_add(ids, sizeof(ids), "%s%u", *ids ? "," : "", env->lcores[i].conf.id);
	if (l)
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: lcore %d is for %s: it may be one of %s", name, id,
		         l->conf.service ? "service pollers, set .service" :
		                           "other pollers, this one is marked service",
		         ids);
	else
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "poller %s: there is no lcore %d; it may be one of %s: choose lcores with %s", name, id, ids,
		         env->lcores[env->plan.nlcores - 1].conf.service && service ? "-S" : "-l");
	return NULL;
}

static struct plx_lcore *place(struct plx_env *env, const struct plx_poller_conf *c, const char *name)
{
	const struct plx_rxq *q = c->service ? NULL : c->rxq ? c->rxq : c->also ? c->also[0] : NULL;
	struct plx_lcore *l;

	if (c->lcore != -1 && (c->lcore || !c->plan))
		return lcore_named(env, name, c->lcore, c->service);
	l = q ? plx_env_rxq_lcore(env, q) : NULL;
	return l ? l : least_loaded(env, c->service);
}

const struct plx_poller *poller_of(const struct plx_env *env, const struct plx_rxq *q)
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

void poller_free(struct plx_poller *p)
{
	free(p->rxq);
	free(p);
}

/* Lcores that run, or are about to, are changed by main alone, the thread in plx_env_run. */
static int may_change(const struct plx_env *env, const char *name)
{
	if (!__atomic_load_n(&env->running, __ATOMIC_ACQUIRE) || /* with run_lcores */
	    __atomic_load_n(&env->hung, __ATOMIC_RELAXED) || pthread_equal(pthread_self(), env->runner))
		return 0;
	plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: while plx_env_run runs, pollers come and go by the thread that "
	         "called it: do it in a timer (plx_env_timer), or by plx_env_call", name);
	return -EBUSY;
}

/* What a program of any age has given; 0, or the log says what is wrong. */
static int take_conf(struct plx_env *env, struct plx_poller_conf *c, const struct plx_poller_conf *given)
{
	int err = sized_take(c, sizeof(*c), given);

	c->name = c->name ? c->name : "poller";
	if (err)
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: plx_poller_conf: %s", c->name, sized_why(err));
	return err;
}

static int add(struct plx_poller **out, struct plx_env *env, const struct plx_poller_conf *given, bool own)
{
	struct plx_poller_conf conf, *c = &conf;
	int err = take_conf(env, c, given);
	const char *name = c->name;

	*out = NULL;
	if (err)
		return err;
	if (!c->fn) {
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: it has no function; set .fn", name);
		return -EINVAL;
	}
	if (c->period_ns > PLX_PERIOD_MAX) {
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: a period beyond 36 years (EINVAL)", name);
		return -EINVAL;
	}
	if (may_change(env, name))
		return -EBUSY;
	struct plx_lcore *l = place(env, c, name);

	if (!l)
		return -EINVAL;
	size_t bytes = (sizeof(struct plx_poller) + PLX_CACHELINE - 1) / PLX_CACHELINE * PLX_CACHELINE;
	struct plx_poller *p = aligned_alloc(PLX_CACHELINE, bytes); /* counters share no line with others' */

	if (!p)
		return -ENOMEM;
	*p = (struct plx_poller){
		.fn = c->fn, .arg = c->arg, .period_ns = c->period_ns, .env = env, .service = c->service, .own = own
	};
	snprintf(p->name, sizeof(p->name), "%s", name);
	err = add_queues(env, p, c);
	if (!err)
		err = lcore_attach(l, p);
	if (err) {
		poller_free(p);
		return err;
	}
	env_readers_changed(env);
	plx_logf(&env->log, PLX_LOG_DEBUG, "poller %s: on lcore %u", p->name, l->conf.id);
	*out = p;
	return 0;
}

int plx_poller_add_get(struct plx_poller **out, struct plx_env *env, const struct plx_poller_conf *c)
{
	PLX_ASSERT(out && env && c);
	return add(out, env, c, false);
}

int plx_poller_add(struct plx_env *env, const struct plx_poller_conf *c)
{
	PLX_ASSERT(env && c);
	struct plx_poller *p;

	return add(&p, env, c, false);
}

int poller_add_own(struct plx_env *env, const struct plx_poller_conf *c)
{
	struct plx_poller *p;

	return add(&p, env, c, true);
}

int plx_poller_del(struct plx_poller *p)
{
	PLX_ASSERT(p);
	struct plx_env *env = p->env;
	int err = may_change(env, p->name);

	if (!err && p->lcore)
		err = lcore_detach(p->lcore, p);
	if (err)
		return err;
	env_readers_changed(env);
	poller_free(p);
	return 0;
}

int plx_poller_move(struct plx_poller *p, uint16_t lcore)
{
	PLX_ASSERT(p);
	struct plx_env *env = p->env;
	struct plx_lcore *from = p->lcore, *to = lcore_named(env, p->name, lcore, p->service);
	int err = !to ? -EINVAL : may_change(env, p->name);

	if (err || to == from)
		return err;
	err = from ? lcore_detach(from, p) : 0;
	if (err)
		return err;
	err = lcore_attach(to, p);
	if (err && from && lcore_attach(from, p))
		plx_logf(&env->log, PLX_LOG_ERROR, "poller %s: neither lcore %u nor lcore %u takes it: it is on none",
		         p->name, to->conf.id, from->conf.id);
	env_readers_changed(env);
	if (!err)
		plx_logf(&env->log, PLX_LOG_DEBUG, "poller %s: from lcore %d to lcore %u", p->name,
		         from ? from->conf.id : -1, to->conf.id);
	return err;
}

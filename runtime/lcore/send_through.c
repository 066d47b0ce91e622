/* SPDX-License-Identifier: MIT */
/* send_through.c - the transmit queue of an lcore, as the plan has it.  An lcore that has none gets a queue in
   memory, whose packets the lcore that has one sends:

     lcore 1: plx_tx_burst --put--> ring --get--> held --plx_tx_burst--> the port's queue :lcore 0
                                          \________ a poller of lcore 0 _________/

   The two bursts are hot: no allocation, no log, and no system call but to wake the owner.  The rest is
   cold; main thread. */
#include "env.h"
#include "lcore.h"
#include "driver_impl.h"
#include "plx_ring.h"
#include "doorbell.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

struct env_txq {
	struct plx_txq base;         /* the sender's, but for its drops: those are the owner's */
	struct plx_spsc *ring;
	struct plx_lcore *owner;
	bool     sleeps;             /* the owner may */

	alignas(PLX_CACHELINE) struct plx_txq *out; /* from here on the owner's */
	uint16_t nheld;
	struct plx_mbuf *held[PLX_BURST]; /* what out has not taken yet */

	alignas(PLX_CACHELINE) struct env_txq *next; /* main's */
	uint16_t lcore;              /* index of the sender */
};

PLX_BASE_FIRST(struct env_txq);
static inline struct env_txq *env_txq(struct plx_txq *q)
{
	return plx_container_of(q, struct env_txq, base);
}

/* ---- hot ---- */

static uint16_t put_burst(struct plx_txq *base, struct plx_mbuf **m, uint16_t n)
{
	struct env_txq *q = env_txq(base);
	uint64_t bytes = 0;

	plx_tx_enter(base, m, n);
	base->link_down = plx_port_link(base->port) != PLX_LINK_UP;
	if (plx_unlikely(base->link_down)) {
		plx_ctr_add(&base->stats.stop[PLX_STOP_link_down], n > 0);
		return 0;
	}
	n = n < PLX_BURST_MAX ? n : PLX_BURST_MAX;
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	const uint16_t k = (uint16_t)plx_spsc_put_burst(q->ring, (void **)m, n);

	PLX_DASSERT(k <= n);
	for (uint16_t i = k; i < n; i++)
		bytes -= m[i]->pkt_len; /* those before are not ours to read any more */
	plx_ctr_add(&base->stats.bursts, 1);
	plx_ctr_add(&base->stats.pkts, k);
	plx_ctr_add(&base->stats.bytes, bytes);
	plx_ctr_add(&base->stats.stop[PLX_STOP_ring_full], k < n);
	if (k && q->sleeps)
		plx_lcore_wake(q->owner); /* whose last round before it sleeps sees the ring */
	return k;
}

/* Counted as the port's too, whose own counters have not seen these packets. */
static void drop_held(struct env_txq *q, enum plx_tx_drop why)
{
	plx_mbuf_put_bulk(q->held, q->nheld);
	plx_ctr_add(&q->base.stats.drop[why], q->nheld);
	plx_ctr_add(&q->out->stats.drop[why], q->nheld);
	q->nheld = 0;
}

/* The poll function.  While something is held it is busy, so that its lcore does not sleep on it; what
   cannot be sent for lack of a link is dropped rather than sent when it is old. */
static int send_poll(void *arg)
{
	struct env_txq *q = arg;

	PLX_DASSERT(plx_self.lcore == q->owner && q->nheld <= PLX_BURST);
	if (!q->nheld)
		q->nheld = (uint16_t)plx_spsc_get_burst(q->ring, (void **)q->held, PLX_BURST);
	if (!q->nheld)
		return 0;
	const uint16_t k = plx_tx_burst(q->out, q->held, q->nheld);

	q->nheld = (uint16_t)(q->nheld - k);
	if (plx_unlikely(q->nheld)) {
		memmove(q->held, q->held + k, q->nheld * sizeof(*q->held));
		if (q->out->link_down || q->out->err)
			drop_held(q, PLX_TX_DROP_device);
	}
	return k ? k : 1;
}

/* ---- cold ---- */

static void free_one(struct env_txq *q)
{
	if (q)
		free(q->ring);
	free(q);
}

static struct env_txq *make_one(const struct plx_env *env, struct plx_txq *out, const struct plx_lcore *l,
                                uint32_t size)
{
	struct env_txq *q = aligned_alloc(PLX_CACHELINE, sizeof(*q));
	void *mem = q ? aligned_alloc(PLX_CACHELINE, plx_spsc_size(size)) : NULL;
	const uint16_t owner = env->plan.ports[out->port->id].txq_lcore[out->id];

	if (!mem) {
		free(q);
		return NULL;
	}
	memset(q, 0, sizeof(*q));
	PLX_ASSERT(!plx_spsc_init(&q->ring, mem, size));
	q->base = (struct plx_txq){
		.burst = put_burst, .port = out->port, .pool = out->pool, .id = out->id, .hwq = out->hwq
	};
	q->out = out;
	q->owner = &env->lcores[owner];
	q->sleeps = q->owner->policy != PLX_IDLE_BUSY;
	q->lcore = l->index;
	return q;
}

static struct plx_txq *send_through(struct plx_env *env, struct plx_txq *out, const struct plx_lcore *l)
{
	const struct plan_port *plan = &env->plan.ports[out->port->id];
	struct env_txq *q = make_one(env, out, l, plan_txq_ring(plan));
	struct plx_poller_conf c = { .fn = send_poll, .arg = q };
	char name[PLX_NAME_MAX];

	if (!q) {
		LOG(env, ERROR,
		    "%s: no memory for the queue by which lcore %u sends (ENOMEM): lower txd=, or give it more txqs=",
		    out->port->name, l->conf.id);
		return NULL;
	}
	snprintf(name, sizeof(name), "%.36s txq %u for lcore %u", out->port->name, out->id, l->conf.id);
	c.name = name;
	c.lcore = q->owner->conf.id;
	if (poller_add_own(env, &c)) {
		free_one(q);
		return NULL;
	}
	q->next = env->txqs;
	env->txqs = q;
	LOG(env, INFO, "%s: lcore %u sends by queue %u through lcore %u", out->port->name, l->conf.id, out->id,
	    q->owner->conf.id);
	return &q->base;
}

static bool is_ours(const struct plx_env *env, const struct plx_port *p)
{
	return p && p->id < env->nports && env->ports[p->id] == p;
}

struct plx_txq *plx_env_txq(struct plx_env *env, struct plx_port *p, uint16_t lcore)
{
	PLX_ASSERT(env);
	const struct plx_lcore *l = plx_env_lcore_by_id(env, lcore);

	if (!is_ours(env, p))
		LOG(env, ERROR, "plx_env_txq: the port is none of this environment: take one of plx_env_port");
	else if (!l)
		LOG(env, ERROR, "plx_env_txq: %s: there is no lcore %u: take one of -l or -S (plx_env_lcore)", p->name,
		    lcore);
	if (!l || !is_ours(env, p))
		return NULL;
	const struct plan_port *plan = &env->plan.ports[p->id];
	const uint16_t id = plan->lcore_txq[l->index];

	PLX_ASSERT(id < p->ntx);
	if (plan->txq_lcore[id] == l->index)
		return p->txq[id];
	for (struct env_txq *q = env->txqs; q; q = q->next)
		if (q->base.port == p && q->lcore == l->index)
			return &q->base;
	return send_through(env, p->txq[id], l);
}

struct plx_lcore *plx_env_txq_lcore(const struct plx_env *env, const struct plx_txq *q)
{
	PLX_ASSERT(env && q);
	const struct plx_port *p = q->port;

	if (!is_ours(env, p))
		return NULL;
	for (const struct env_txq *s = env->txqs; s; s = s->next)
		if (&s->base == q)
			return &env->lcores[s->lcore];
	return &env->lcores[env->plan.ports[p->id].txq_lcore[q->id]];
}

void env_txqs_handover(struct plx_env *env)
{
	for (unsigned i = 0; i < env->nports; i++)
		plx_port_handover(env->ports[i]);
	for (struct env_txq *q = env->txqs; q; q = q->next)
		plx_txq_handover(&q->base);
}

void env_txqs_drain(struct plx_env *env)
{
	env_txqs_handover(env);
	for (struct env_txq *q = env->txqs; q; q = q->next) {
		uint64_t was = plx_ctr_read(&q->base.stats.drop[PLX_TX_DROP_closed]), left;

		do
			drop_held(q, PLX_TX_DROP_closed);
		while ((q->nheld = (uint16_t)plx_spsc_get_burst(q->ring, (void **)q->held, PLX_BURST)));
		left = plx_ctr_read(&q->base.stats.drop[PLX_TX_DROP_closed]) - was;
		if (left)
			LOG(env, INFO,
			    "%s: %llu packets of lcore %u for queue %u of lcore %u were still to be sent at the end",
			    q->base.port->name, (unsigned long long)left, env->lcores[q->lcore].conf.id, q->base.id,
			    q->owner->conf.id);
	}
}

void env_txqs_down(struct plx_env *env)
{
	for (struct env_txq *q; (q = env->txqs);) {
		env->txqs = q->next;
		free_one(q);
	}
}

/* SPDX-License-Identifier: MIT */
/* place.c - which CPUs poll when nobody named any, and which lcore polls which receive
   queue, with regard to nodes, to threads of one core, and to the CPUs that serve the queues'
   interrupts.  Cold, pure; steps of plan_make.

   The kernel handles what comes by a queue on the CPU of its interrupt.  An lcore on that CPU
   finds the frames in its caches and has to share its time; an lcore beside it, on the same
   node, does not share. */
#include "plan.h"
#include "conf.h"
#include <stdio.h>
#include <string.h>

enum { IMPROVE_QUEUES = 1024, IMPROVE_PASSES = 8 }; /* exchanges look at pairs of queues */

void plan_irqs(struct plan_maker *m)
{
	for (uint16_t i = 0; i < m->p->nports; i++) {
		struct plan_port *port = &m->p->ports[i];
		const struct iface *l = port->link.ifindex ? m->host->iface[i].found : NULL;

		for (unsigned q = 0; q < PLX_QUEUES_MAX; q++) {
			unsigned at = port->conf.queue + q;
			struct plan_irq *irq = &port->rxq_irq[q];

			*irq = (struct plan_irq){ .irq = -1, .cpu = -1, .node = -1 };
			if (l && at < l->nrxqs)
				*irq = (struct plan_irq){ l->rxq[at].irq, (int16_t)l->rxq[at].cpu,
					                  (int16_t)l->rxq[at].node, (uint8_t)l->rxq[at].how };
		}
	}
}

/* near_node: where the lcore of a queue should be; the interrupt's node stands in for a device
   that does not tell its own. */
static int16_t near_node(const struct plan_port *port, unsigned q)
{
	return port->link.node >= 0 ? port->link.node : port->rxq_irq[q].node;
}

/* ---- CPUs for lcores ---- */

struct choice {
	bool taken[TOPO_CPUS_MAX], taken_core[TOPO_CPUS_MAX];
	bool irq[TOPO_CPUS_MAX], irq_core[TOPO_CPUS_MAX]; /* serves the interrupt of a queue that is polled */
	unsigned node[PLX_NODES_MAX];                     /* such queues on it that have no lcore there yet */
	unsigned anywhere;                                /* and those that no node is better for than another */
};

/* A core's number counts cores, so there is none beyond the CPUs'. */
static unsigned core_of(const struct topo *t, unsigned cpu)
{
	int32_t core = t->cpu[cpu].core;

	return core >= 0 && core < TOPO_CPUS_MAX ? (unsigned)core : cpu;
}

static void look_at_queues(const struct plan_maker *m, struct choice *c)
{
	const struct plan *p = m->p;

	memset(c, 0, sizeof(*c));
	for (uint16_t i = 0; i < p->nports; i++) {
		for (uint16_t q = 0; q < p->ports[i].conf.rxqs; q++) {
			int node = near_node(&p->ports[i], q), cpu = p->ports[i].rxq_irq[q].cpu;

			if (node >= 0 && node < PLX_NODES_MAX)
				c->node[node]++;
			else
				c->anywhere++;
			if (cpu >= 0 && cpu < TOPO_CPUS_MAX)
				c->irq[cpu] = c->irq_core[core_of(m->t, (unsigned)cpu)] = true;
		}
	}
}

/* worth: how well a CPU serves when none were named, the weightiest first.  Isolated ones are
   meant for this work; the node of a queue without an lcore saves a trip across; a core's second
   thread shares it with the first; a CPU without interrupts need not share its time, nor its core. */
static unsigned cpu_score(const struct plan_maker *m, const struct choice *c, unsigned cpu)
{
	const struct topo_cpu *t = &m->t->cpu[cpu];
	unsigned core = core_of(m->t, cpu);
	bool same = m->conf->placement == PLX_PLACE_SAME;

	return (same && c->irq[cpu] ? 64u : 0) + (t->isolated ? 32u : 0) +
	       (t->node >= 0 && t->node < PLX_NODES_MAX && c->node[t->node] ? 16u : 0) +
	       (!c->taken_core[core] ? 8u : 0) + (!same && !c->irq[cpu] ? 4u : 0) +
	       (!same && !c->irq_core[core] ? 2u : 0);
}

/* is_kept: a CPU of the main and watch threads, or of a service lcore. */
static bool is_kept(const struct plan_maker *m, unsigned cpu)
{
	bool kept = (int)cpu == m->conf->main_lcore;

	for (uint16_t i = 0; i < m->conf->nservice; i++)
		for (uint16_t k = 0; k < m->conf->service[i].ncpus; k++)
			kept |= m->conf->service[i].cpus[k] == cpu;
	return kept;
}

/* may_poll: a CPU that an lcore can have; those that are kept only if there are no others. */
static bool may_poll(const struct plan_maker *m, unsigned cpu, bool kept)
{
	return plan_usable(m->t, cpu) && (kept || !is_kept(m, cpu));
}

/* serves: an lcore there has something to do that none nearer can.  One more that is far from all
   queues would take frames across, so these rather share the lcores of their node. */
static bool has_work(const struct plan_maker *m, const struct choice *c, unsigned cpu)
{
	int16_t node = m->t->cpu[cpu].node;

	return c->anywhere || node < 0 || node >= PLX_NODES_MAX || c->node[node] || m->t->cpu[cpu].isolated ||
	       (m->conf->placement == PLX_PLACE_SAME && c->irq[cpu]);
}

static void take(const struct plan_maker *m, struct choice *c, unsigned cpu)
{
	int16_t node = m->t->cpu[cpu].node;

	c->taken[cpu] = c->taken_core[core_of(m->t, cpu)] = true;
	if (node >= 0 && node < PLX_NODES_MAX && c->node[node])
		c->node[node]--;
	else if (c->anywhere)
		c->anywhere--;
}

static void choose(struct plan_maker *m, struct choice *c)
{
	unsigned want = 0, free_cpus = 0, most = PLX_LCORES_MAX - m->conf->nservice - m->conf->registered;
	bool has[PLX_NODES_MAX] = { false };

	for (uint16_t i = 0; i < m->p->nports; i++)
		want += m->p->ports[i].conf.rxqs;
	c->anywhere += !want;
	want = want ? want < most ? want : most : 1;
	for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++)
		free_cpus += may_poll(m, cpu, false);
	for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++)
		if (may_poll(m, cpu, !free_cpus) && m->t->cpu[cpu].node >= 0 && m->t->cpu[cpu].node < PLX_NODES_MAX)
			has[m->t->cpu[cpu].node] = true;
	for (unsigned node = 0; node < PLX_NODES_MAX; node++)
		if (!has[node]) {
			c->anywhere += c->node[node];
			c->node[node] = 0;
		}
	for (unsigned n = 0; n < want && (n < free_cpus || !n); n++) {
		int best = -1;
		for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++) {
			if (!may_poll(m, cpu, !free_cpus) || c->taken[cpu] || !has_work(m, c, cpu))
				continue;
			if (best < 0 || cpu_score(m, c, cpu) > cpu_score(m, c, (unsigned)best))
				best = (int)cpu;
		}
		if (best < 0)
			break;
		take(m, c, (unsigned)best);
	}
}

/* The number of its CPU, unless that is too high or a service lcore's id. */
static uint16_t free_id(const struct plan_maker *m, unsigned cpu)
{
	const struct plx_env_conf *c = m->conf;
	unsigned id = m->t->ncpus <= PLX_LCORES_MAX ? cpu : m->p->nlcores;
	bool taken = true;

	for (; taken; id = taken ? (id + 1) % PLX_LCORES_MAX : id) {
		taken = false;
		for (uint16_t i = 0; i < c->nservice; i++)
			taken |= c->service[i].id == id;
		for (uint16_t i = 0; i < m->p->nlcores; i++)
			taken |= m->p->lcores[i].id == id;
	}
	return (uint16_t)id;
}

void plan_lcores(struct plan_maker *m)
{
	struct choice c;
	struct plan *p = m->p;

	look_at_queues(m, &c);
	choose(m, &c);
	for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++) {
		if (!c.taken[cpu])
			continue;
		p->lcores[p->nlcores] = (struct plan_lcore){
			.id = free_id(m, cpu),
			.cpu = (int)cpu, .node = m->t->cpu[cpu].node, .ncpus = 1, .cpus = { (uint16_t)cpu },
		};
		p->nlcores++;
	}
	if (!p->nlcores) {
		p->lcores[p->nlcores++] = (struct plan_lcore){ .id = free_id(m, 0), .cpu = -1, .node = -1 };
		plan_note(p, "the CPUs of this machine are not known: one lcore, not pinned");
	}
}

/* ---- receive queues to lcores ---- */

static bool runs_on(const struct plan_lcore *l, int cpu)
{
	for (uint16_t i = 0; i < l->ncpus; i++)
		if (l->cpus[i] == cpu)
			return true;
	return false;
}

/* beside: how ill an lcore's CPU suits a queue's interrupt.  Where all CPUs have interrupts to
   serve, auto takes the queue's own, whose frames it has in its caches already. */
static unsigned irq_cost(const struct plan_maker *m, const struct choice *c, const struct plan_lcore *l, int cpu)
{
	bool own = cpu >= 0 && runs_on(l, cpu), any = false;

	for (uint16_t i = 0; i < l->ncpus; i++)
		any |= c->irq[l->cpus[i]];
	switch (m->conf->placement) {
	case PLX_PLACE_SAME:  return own || cpu < 0 ? 0 : 1u << 20;
	case PLX_PLACE_SPLIT: return own ? 2 : any;
	default:              return own ? 1 : any ? 2 : 0;
	}
}

static bool is_far(const struct plan_maker *m, const struct plan_port *port, unsigned q, uint16_t k)
{
	int16_t node = near_node(port, q), at = m->p->lcores[k].node;

	return node >= 0 && at >= 0 && at != node;
}

/* far_cost: lcores that were named are all to be used, and isolated ones, too; others were chosen for
   the queues of their node, which share them rather than go elsewhere. */
static unsigned far_cost(const struct plan_maker *m, uint16_t k)
{
	int cpu = m->p->lcores[k].cpu;

	return m->conf->nlcores || (cpu >= 0 && m->t->cpu[cpu].isolated) ? 4 : 8u * PLX_QUEUES_MAX * PLX_PORTS_MAX;
}

/* is_tied: there are lcores on the queue's node. */
static bool has_local_lcore(const struct plan_maker *m, const struct plan_port *port, unsigned q)
{
	int16_t node = near_node(port, q);
	bool any = false;

	for (uint16_t i = 0; i < m->p->nworkers; i++)
		any |= node >= 0 && m->p->lcores[i].node == node;
	return any;
}

/* place picks the lcore with the fewest queues, of several one on the queue's node, of these
   the one that suits its interrupt. */
static uint16_t place(const struct plan_maker *m, const struct choice *c, const struct plan_port *port, unsigned q)
{
	const struct plan *p = m->p;
	uint16_t best = 0;
	unsigned best_cost = UINT32_MAX;

	for (uint16_t i = 0; i < p->nworkers; i++) {
		unsigned cost = 8u * p->lcores[i].queues + (is_far(m, port, q, i) ? far_cost(m, i) : 0) +
		                irq_cost(m, c, &p->lcores[i], port->rxq_irq[q].cpu);
		if (cost < best_cost) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

/* ill: what is wrong with a queue on lcore k, and not only second best. */
static unsigned misplaced_cost(const struct plan_maker *m, const struct plan_port *port, unsigned q, uint16_t k)
{
	int cpu = port->rxq_irq[q].cpu;
	bool own = cpu >= 0 && runs_on(&m->p->lcores[k], cpu);

	return 2u * is_far(m, port, q, k) + (m->conf->placement == PLX_PLACE_SPLIT ? own :
	       m->conf->placement == PLX_PLACE_SAME && cpu >= 0 && !own ? 4u : 0);
}

/* exchange: the first queue that a queue of port changes lcores with to the good of both together. */
static bool swap_if_better(struct plan_maker *m, struct plan_port *port, unsigned q)
{
	uint16_t *mine = &port->rxq_lcore[q];
	unsigned now = misplaced_cost(m, port, q, *mine);

	for (uint16_t i = 0; now && i < m->p->nports; i++) {
		struct plan_port *other = &m->p->ports[i];

		for (uint16_t k = 0; k < other->conf.rxqs; k++) {
			uint16_t *theirs = &other->rxq_lcore[k], was = *mine;

			if (*theirs == was || misplaced_cost(m, port, q, *theirs) + misplaced_cost(m, other, k, was) >=
			                              now + misplaced_cost(m, other, k, *theirs))
				continue;
			*mine = *theirs;
			*theirs = was;
			return true;
		}
	}
	return false;
}

/* improve: queues are placed one after the other, and an early one may have what suits a later one
   better. */
static void refine(struct plan_maker *m)
{
	unsigned all = 0;
	bool more = true;

	for (uint16_t i = 0; i < m->p->nports; i++)
		all += m->p->ports[i].conf.rxqs;
	for (unsigned pass = 0; more && pass < IMPROVE_PASSES && all <= IMPROVE_QUEUES; pass++) {
		more = false;
		for (uint16_t i = 0; i < m->p->nports; i++)
			for (uint16_t q = 0; q < m->p->ports[i].conf.rxqs; q++)
				more |= swap_if_better(m, &m->p->ports[i], q);
	}
}

static void note_idle(struct plan *p)
{
	uint16_t idle[PLX_LCORES_MAX], n = 0;
	char list[256];

	for (uint16_t i = 0; i < p->nworkers && p->nports; i++)
		if (!p->lcores[i].queues)
			idle[n++] = p->lcores[i].id;
	if (n && n < p->nworkers) /* else nobody receives, and means to */
		plan_note(p, "no receive queue is left for lcore %s: name fewer lcores, or more queues by rxqs=",
		          cpuset_list_text(idle, n, list, sizeof(list)));
}

/* note_placement tells where what was asked for by --placement is not so: of each port the
   first queue, and how to move its interrupt. */
static void note_placement(struct plan_maker *m, const struct plan_port *port)
{
	bool same = m->conf->placement == PLX_PLACE_SAME;

	if (m->conf->placement == PLX_PLACE_AUTO || !port->link.ifindex)
		return;
	for (uint16_t q = 0; q < port->conf.rxqs; q++) {
		const struct plan_lcore *l = &m->p->lcores[port->rxq_lcore[q]];
		const struct plan_irq *irq = &port->rxq_irq[q];
		const char *name = port->conf.name;

		if (irq->cpu < 0 && same)
			plan_note(m->p,
			          "%s queue %u: which CPU serves it is not known (%s): --placement=same-core cannot be "
			          "kept",
			          name, port->conf.queue + q, iface_how_name(irq->how));
		else if (irq->cpu >= 0 && same && l->cpu >= 0 && !runs_on(l, irq->cpu))
			plan_note(m->p,
			          "%s queue %u: interrupt %d is on CPU %d and lcore %u is not: add CPU %d to -l, or "
			          "echo %d > /proc/irq/%d/smp_affinity_list",
			          name, port->conf.queue + q, irq->irq, irq->cpu, l->id, irq->cpu, l->cpu, irq->irq);
		else if (irq->cpu >= 0 && !same && runs_on(l, irq->cpu))
			plan_note(m->p,
			          "%s queue %u: interrupt %d is on CPU %d, and so is lcore %u: name another CPU with "
			          "-l, or "
			          "another one in /proc/irq/%d/smp_affinity_list",
			          name, port->conf.queue + q, irq->irq, irq->cpu, l->id, irq->irq);
		else
			continue;
		return;
	}
}

void plan_place(struct plan_maker *m)
{
	struct choice c;
	struct plan *p = m->p;

	look_at_queues(m, &c);
	/* those that no lcore is nearer to than another come last, and go where there is least to do */
	for (unsigned tied = 2; tied--;)
		for (uint16_t i = 0; i < p->nports; i++) {
			struct plan_port *port = &p->ports[i];

			for (uint16_t q = 0; q < port->conf.rxqs; q++) {
				if (has_local_lcore(m, port, q) != tied)
					continue;
				port->rxq_lcore[q] = place(m, &c, port, q);
				p->lcores[port->rxq_lcore[q]].queues++;
			}
		}
	refine(m);
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *port = &p->ports[i];
		unsigned far = 0;

		for (uint16_t q = 0; q < port->conf.rxqs; q++) {
			const struct plan_lcore *l = &p->lcores[port->rxq_lcore[q]];
			far += port->link.node >= 0 && l->node >= 0 && l->node != port->link.node;
		}
		if (far)
			plan_note(p,
			          "%s is on node %d and %u of its %u receive queues on lcores of other nodes: name "
			          "lcores of "
			          "node %d with -l",
			          port->conf.name, port->link.node, far, port->conf.rxqs, port->link.node);
		note_placement(m, port);
	}
	note_idle(p);
}

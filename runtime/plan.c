/* SPDX-License-Identifier: MIT */
/* plan.c - which lcores run where and which receive queue each of them polls.  Cold, pure;
   called by the plan stage.  Ports are in plan_port.c, memory in plan_pool.c. */
#include "plan.h"
#include "conf.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int plan_fail(struct plan_maker *m, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->why, m->whylen, fmt, ap);
	va_end(ap);
	return err;
}

void plan_note(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	if (p->nnotes == PLX_ARRAY_SIZE(p->notes))
		return;
	va_start(ap, fmt);
	vsnprintf(p->notes[p->nnotes++], sizeof(p->notes[0]), fmt, ap);
	va_end(ap);
}

/* ---- lcores ---- */

static bool usable(const struct topo *t, unsigned cpu)
{
	return cpu < t->ncpus && t->cpu[cpu].online && t->cpu[cpu].allowed;
}

static int check_cpu(struct plan_maker *m, const char *what, unsigned id, unsigned cpu)
{
	char list[256];

	if (!m->t->ncpus || usable(m->t, cpu))
		return 0;
	topo_allowed_list(m->t, list, sizeof(list));
	if (cpu >= m->t->ncpus || !m->t->cpu[cpu].online)
		return plan_fail(m, -EINVAL, "%s %u: CPU %u is not there or offline: use %s of %s", what, id, cpu,
		                 *what == 'l' ? "-l" : "one", list);
	return plan_fail(m, -EINVAL, "%s %u: CPU %u is not in this process's cpuset (%s): use %s %s", what, id, cpu,
	                 list, *what == 'l' ? "-l" : "one of", list);
}

static int16_t node_of(const struct topo *t, const struct plan_lcore *l)
{
	int16_t node = l->ncpus ? t->cpu[l->cpus[0]].node : -1;

	for (uint16_t i = 1; i < l->ncpus; i++)
		if (t->cpu[l->cpus[i]].node != node)
			return -1;
	return node;
}

static int given_lcores(struct plan_maker *m)
{
	struct plan *p = m->p;

	for (uint16_t i = 0; i < m->conf->nlcores; i++) {
		const struct plx_lcore_conf *c = &m->conf->lcores[i];
		struct plan_lcore *l = &p->lcores[p->nlcores++];

		for (uint16_t k = 0; k < c->ncpus; k++) {
			int err = check_cpu(m, "lcore", c->id, c->cpus[k]);
			if (err)
				return err;
		}
		l->id = c->id;
		l->ncpus = c->ncpus;
		memcpy(l->cpus, c->cpus, sizeof(l->cpus));
		l->cpu = c->ncpus ? c->cpus[0] : -1;
		l->node = node_of(m->t, l);
	}
	return 0;
}

/* worth: how well a CPU serves when none were named.  Isolated ones are meant for this
   work; a NIC's node saves a trip across; a core's second thread shares it with the first. */
static int worth(const struct plan_maker *m, const bool *taken, unsigned cpu)
{
	const struct topo_cpu *c = &m->t->cpu[cpu];
	int v = c->isolated ? 4 : 0;

	for (uint16_t i = 0; i < m->p->nports; i++) {
		if (c->node >= 0 && m->p->ports[i].link.node == c->node) {
			v += 1;
			break;
		}
	}
	for (unsigned k = 0; k < m->t->ncpus; k++)
		if (taken[k] && m->t->cpu[k].core == c->core)
			return v;
	return v + 2;
}

static void default_lcores(struct plan_maker *m)
{
	struct plan *p = m->p;
	bool taken[TOPO_CPUS_MAX] = { false };
	unsigned want = 0, free_cpus = 0;

	for (uint16_t i = 0; i < p->nports; i++)
		want += p->ports[i].conf.rxqs;
	want = want ? want : 1;
	for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++)
		free_cpus += usable(m->t, cpu) && (int)cpu != m->conf->main_lcore;
	for (unsigned n = 0; n < want && n < PLX_LCORES_MAX && (n < free_cpus || !n); n++) {
		int best = -1;
		for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++) {
			if (!usable(m->t, cpu) || taken[cpu] || (free_cpus && (int)cpu == m->conf->main_lcore))
				continue;
			if (best < 0 || worth(m, taken, cpu) > worth(m, taken, (unsigned)best))
				best = (int)cpu;
		}
		if (best < 0)
			break;
		taken[best] = true;
	}
	for (unsigned cpu = 0; cpu < m->t->ncpus; cpu++) {
		if (!taken[cpu])
			continue;
		p->lcores[p->nlcores] = (struct plan_lcore){
			.id = (uint16_t)(m->t->ncpus <= PLX_LCORES_MAX ? cpu : p->nlcores),
			.cpu = (int)cpu, .node = m->t->cpu[cpu].node, .ncpus = 1, .cpus = { (uint16_t)cpu },
		};
		p->nlcores++;
	}
	if (!p->nlcores) {
		p->lcores[p->nlcores++] = (struct plan_lcore){ .cpu = -1, .node = -1 };
		plan_note(p, "the CPUs of this machine are not known: one lcore, not pinned");
	}
}

/* note_shared_cpus tells of the first lcores that take time from each other. */
static void note_shared_cpus(struct plan_maker *m)
{
	const struct plan *p = m->p;

	for (uint16_t i = 1; i < p->nlcores; i++) {
		for (uint16_t k = 0; k < i; k++) {
			const struct plan_lcore *a = &p->lcores[k], *b = &p->lcores[i];
			if (a->ncpus != 1 || b->ncpus != 1)
				continue;
			if (a->cpu == b->cpu)
				plan_note(m->p, "lcores %u and %u share CPU %d%s", a->id, b->id, a->cpu,
				          m->conf->idle == PLX_IDLE_BUSY ? ": --idle=adaptive lets one sleep for the other" : "");
			else if (m->t->ncpus && m->t->cpu[a->cpu].core == m->t->cpu[b->cpu].core)
				plan_note(m->p, "lcores %u and %u are two threads of one core (CPUs %d and %d)", a->id, b->id,
				          a->cpu, b->cpu);
			else
				continue;
			return;
		}
	}
}

/* plan_main: --main-lcore names an lcore of -l, whose CPU the control thread shares, or
   else a CPU by its number. */
static int plan_main(struct plan_maker *m)
{
	m->p->main_cpu = m->conf->main_lcore;
	if (m->conf->main_lcore < 0)
		return 0;
	for (uint16_t i = 0; i < m->p->nlcores; i++) {
		if (m->p->lcores[i].id == m->conf->main_lcore) {
			m->p->main_cpu = m->p->lcores[i].cpu;
			return 0;
		}
	}
	return check_cpu(m, "--main-lcore", (unsigned)m->conf->main_lcore, (unsigned)m->conf->main_lcore);
}

/* ---- receive queues to lcores ---- */

/* place picks the lcore with the fewest queues, of several one on the NIC's node. */
static uint16_t place(const struct plan *p, int16_t node)
{
	uint16_t best = 0;
	unsigned best_cost = UINT32_MAX;

	for (uint16_t i = 0; i < p->nlcores; i++) {
		bool far = node >= 0 && p->lcores[i].node >= 0 && p->lcores[i].node != node;
		unsigned cost = 2u * p->lcores[i].queues + far;
		if (cost < best_cost) {
			best = i;
			best_cost = cost;
		}
	}
	return best;
}

static void note_idle(struct plan *p)
{
	uint16_t idle[PLX_LCORES_MAX], n = 0;
	char list[256] = "";

	for (uint16_t i = 0; i < p->nlcores && p->nports; i++)
		if (!p->lcores[i].queues)
			idle[n++] = p->lcores[i].id;
	lcore_list_fmt(list, sizeof(list), idle, n);
	if (n)
		plan_note(p, "no receive queue is left for lcore %s: name fewer lcores, or more queues by rxqs=", list);
}

static void plan_queues(struct plan *p)
{
	for (uint16_t i = 0; i < p->nports; i++) {
		struct plan_port *port = &p->ports[i];
		unsigned far = 0;

		for (uint16_t q = 0; q < port->conf.rxqs; q++) {
			uint16_t k = place(p, port->link.node);
			port->rxq_lcore[q] = k;
			p->lcores[k].queues++;
			far += port->link.node >= 0 && p->lcores[k].node >= 0 && p->lcores[k].node != port->link.node;
		}
		if (far)
			plan_note(p, "%s is on node %d and %u of its %u receive queues on lcores of other nodes: name lcores of "
			          "node %d with -l", port->conf.name, port->link.node, far, port->conf.rxqs, port->link.node);
	}
	note_idle(p);
}

int plan_make(struct plan *p, const struct plx_env_conf *conf, const struct topo *t,
              const struct plx_link_info *links, char *why, size_t whylen)
{
	struct plan_maker m = { p, conf, t, links, why, whylen };
	int err;

	memset(p, 0, sizeof(*p));
	p->conf = conf;
	err = plan_ports(&m);
	if (err)
		return err;
	if (conf->nlcores)
		err = given_lcores(&m);
	else
		default_lcores(&m);
	if (!err)
		err = plan_main(&m);
	if (!err)
		err = plan_txqs(&m);
	if (err)
		return err;
	note_shared_cpus(&m);
	plan_queues(p);
	err = plan_pools(&m);
	return err ? err : plan_rights(&m);
}

/* SPDX-License-Identifier: MIT */
/* view.c - facts of the machine put together for the picture of pollux topo; cold, pure but
   for memory. */
#include "topo_view.h"
#include "conf.h"

#include <errno.h>
#include <net/if.h>
#include <pollux/plx_text.h>
#include <stdlib.h>
#include <string.h>

void view_clean(char *to, size_t len, const char *s)
{
	size_t n = 0;

	for (; s[n] && n < len - 1; n++)
		to[n] = s[n] > 32 && s[n] < 127 ? s[n] : '?';
	to[n] = 0;
}

/* ---- CPUs ---- */

static int16_t l3_of(const struct view *v, unsigned cpu)
{
	for (unsigned i = 0; i < v->more.ncaches; i++)
		if (v->more.caches[i].level == 3 && cpuset_has(&v->more.caches[i].cpus, cpu))
			return (int16_t)i;
	return -1;
}

static int order(const void *a, const void *b)
{
	const struct view_core *x = a, *y = b;

	if (x->node != y->node) /* those that are on none go last */
		return (uint16_t)x->node < (uint16_t)y->node ? -1 : 1;
	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	if (x->l3 != y->l3)
		return x->l3 < y->l3 ? -1 : 1;
	return (x->cpu[0] > y->cpu[0]) - (x->cpu[0] < y->cpu[0]);
}

bool view_same(const struct view_core *a, const struct view_core *b)
{
	return a->node == b->node && a->package == b->package && a->l3 == b->l3;
}

int view_cores(struct view *v)
{
	const struct topo *t = v->t;
	int16_t of[TOPO_CPUS_MAX], packages = 0;

	memset(of, -1, sizeof(of));
	memset(v->lcore_of, -1, sizeof(v->lcore_of));
	v->cores = calloc(t->ncpus ? t->ncpus : 1, sizeof(*v->cores));
	if (!v->cores)
		return -ENOMEM;
	for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
		const struct topo_cpu *c = &t->cpu[cpu];
		int32_t core = c->core < TOPO_CPUS_MAX ? c->core : -1;

		if (!c->present && !c->online)
			continue;
		packages = c->package >= packages ? (int16_t)(c->package + 1) : packages;
		if (core >= 0 && of[core] >= 0 && v->cores[of[core]].ncpus < VIEW_SMT_MAX) {
			struct view_core *o = &v->cores[of[core]];
			o->cpu[o->ncpus++] = (uint16_t)cpu;
			continue;
		}
		if (core >= 0)
			of[core] = (int16_t)v->ncores;
		v->cores[v->ncores++] = (struct view_core){
			.node = c->node < 0 && t->nnodes == 1 ? 0 : c->node, .package = c->package, .l3 = l3_of(v, cpu),
			.core = core, .ncpus = 1, .cpu = { (uint16_t)cpu },
		};
	}
	v->npackages = (unsigned)packages;
	qsort(v->cores, v->ncores, sizeof(*v->cores), order);
	return 0;
}

/* ---- NICs ---- */

static struct view_nic *add(struct view *v, int16_t node)
{
	struct view_nic *n = &v->nics[v->nnics];

	if (v->nnics == VIEW_NICS_MAX)
		return NULL;
	v->nnics++;
	*n = (struct view_nic){ .node = node, .speed = -1,
	                        .at = node < 0 && v->t->nnodes == 1 ? 0 : node < (int)v->t->nnodes ? node : -1 };
	return n;
}

static void set_irq(struct view *v, struct view_irq *i, const struct iface_queue *q)
{
	*i = (struct view_irq){ .irq = q->irq, .cpu = q->cpu, .node = q->node, .how = q->how };
	cpuset_text(cpuset_count(&q->effective) ? &q->effective : &q->affinity, i->effective, sizeof(i->effective));
	if (q->cpu >= 0 && q->cpu < TOPO_CPUS_MAX)
		v->irq_on[q->cpu] = true;
}

/* at_bus takes what hwloc tells of a device: names may be those of another network namespace. */
static void at_bus(const struct view *v, struct view_nic *n)
{
	for (unsigned i = 0; i < v->more.nnics; i++)
		if (*n->bus && !strcmp(n->bus, v->more.nics[i].bus)) {
			n->link_gbs = v->more.nics[i].link_gbs;
			n->near = v->more.nics[i].near;
		}
}

int view_link(struct view *v, const struct iface *l, int32_t speed)
{
	uint16_t nq = l->nrxqs > l->ntxqs ? l->nrxqs : l->ntxqs;
	struct view_nic *n = add(v, l->node);

	if (!n)
		return -ENOSPC;
	n->q = calloc(nq ? nq : 1, sizeof(*n->q));
	if (!n->q)
		return -ENOMEM;
	view_clean(n->name, sizeof(n->name), l->name);
	view_clean(n->kdriver, sizeof(n->kdriver), l->kdriver);
	view_clean(n->bus, sizeof(n->bus), strchr(l->bus, ':') ? l->bus : l->parent);
	view_clean(n->kind, sizeof(n->kind), l->kind);
	at_bus(v, n);
	n->ifindex = l->ifindex;
	n->told = true;
	n->up = l->flags & IFF_UP;
	n->running = l->flags & IFF_RUNNING;
	n->speed = speed;
	n->mtu = l->mtu;
	n->nrxqs = l->nrxqs;
	n->ntxqs = l->ntxqs;
	for (uint16_t q = 0; q < nq; q++) {
		n->q[q].lcore = n->q[q].rx.irq = n->q[q].tx.irq = n->q[q].rx.cpu = n->q[q].tx.cpu = -1;
		if (q < l->nrxqs) {
			set_irq(v, &n->q[q].rx, &l->rxq[q]);
			n->q[q].xsk = l->rxq[q].xsk > 0;
		}
		if (q < l->ntxqs)
			set_irq(v, &n->q[q].tx, &l->txq[q]);
	}
	return 0;
}

int view_bus(struct view *v, const struct topo_nic *b)
{
	struct view_nic *n = add(v, b->node);

	if (!n)
		return -ENOSPC;
	view_clean(n->name, sizeof(n->name), b->name);
	view_clean(n->bus, sizeof(n->bus), b->bus);
	n->link_gbs = b->link_gbs;
	n->near = b->near;
	return 0;
}

/* ---- the plan ---- */

void view_plan(struct view *v, const struct plan *p)
{
	v->plan = p;
	for (uint16_t k = 0; k < p->nlcores; k++)
		for (uint16_t i = 0; i < p->lcores[k].ncpus; i++)
			if (p->lcores[k].cpus[i] < TOPO_CPUS_MAX && p->lcores[k].ncpus == 1)
				v->lcore_of[p->lcores[k].cpus[i]] = (int16_t)k;
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *port = &p->ports[i];

		for (unsigned n = 0; n < v->nnics && port->link.ifindex; n++) {
			if (v->nics[n].ifindex != port->link.ifindex)
				continue;
			for (uint16_t q = 0; q < port->conf.rxqs; q++)
				if (port->conf.queue + q < v->nics[n].nrxqs)
					v->nics[n].q[port->conf.queue + q].lcore = port->rxq_lcore[q];
		}
	}
}

void view_free(struct view *v)
{
	for (unsigned i = 0; i < v->nnics; i++)
		free(v->nics[i].q);
	free(v->cores);
	topo_more_free(&v->more);
}

/* ---- words ---- */

bool view_offline(const struct topo_cpu *c)  { return c->present && !c->online; }
bool view_allowed(const struct topo_cpu *c)  { return c->online && c->allowed; }
bool view_isolated(const struct topo_cpu *c) { return c->isolated; }
bool view_nohz(const struct topo_cpu *c)     { return c->nohz_full; }
bool view_nocbs(const struct topo_cpu *c)    { return c->rcu_nocbs; }

char *view_list(const struct view *v, bool (*yes)(const struct topo_cpu *c), char *buf, size_t len)
{
	struct cpuset s = { { 0 } };

	for (unsigned cpu = 0; cpu < v->t->ncpus; cpu++)
		if (yes(&v->t->cpu[cpu]))
			cpuset_add(&s, cpu);
	return cpuset_text(&s, buf, len);
}

char *view_polls(const struct view *v, unsigned k, char *buf, size_t len)
{
	char name[PLX_IFNAME_MAX], list[1024];
	uint16_t mine[PLX_QUEUES_MAX];

	buf[0] = 0;
	for (uint16_t i = 0; i < v->plan->nports; i++) {
		const struct plan_port *port = &v->plan->ports[i];
		uint16_t n = 0;

		for (uint16_t q = 0; q < port->conf.rxqs; q++)
			if (port->rxq_lcore[q] == k)
				mine[n++] = (uint16_t)(port->conf.queue + q);
		if (!n)
			continue;
		view_clean(name, sizeof(name), port->conf.name);
		plx_text_add(buf, len, "%s%s:%s", *buf ? " " : "", name, cpuset_list_text(mine, n, list, sizeof(list)));
	}
	return buf;
}

char *view_size(uint64_t bytes, char *buf, size_t len)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double x = (double)bytes;
	int u = 0;

	for (; x >= 1024 && u < 4; u++)
		x /= 1024;
	double whole = (double)(uint64_t)x;

	snprintf(buf, len, x == whole || x >= 100 ? "%.0f %s" : "%.1f %s", x, units[u]);
	return buf;
}

char *view_speed(const struct view_nic *n, char *buf, size_t len)
{
	buf[0] = 0;
	if (n->speed >= 1000)
		plx_text_add(buf, len, "%g Gbit/s", n->speed / 1000.0);
	else if (n->speed > 0)
		plx_text_add(buf, len, "%d Mbit/s", n->speed);
	return buf;
}

char *view_caches(const struct view *v, const struct view_core *core, char *buf, size_t len)
{
	char size[32];

	buf[0] = 0;
	for (unsigned i = 0; i < v->more.ncaches; i++) {
		const struct topo_cache *c = &v->more.caches[i];
		unsigned of = cpuset_count(&c->cpus);

		if (c->level == 3 || !cpuset_has(&c->cpus, core->cpu[0]))
			continue;
		plx_text_add(buf, len, "%sL%u%s %s", *buf ? ", " : "", c->level,
		             c->type == 'd' ? "d" :
		             c->type == 'i' ? "i" :
		                              "",
		             view_size(c->size, size, sizeof(size)));
		if (of > core->ncpus)
			plx_text_add(buf, len, " for %u CPUs", of);
	}
	return buf;
}

char *view_pages(const struct topo_huge *h, char *buf, size_t len)
{
	char size[32];

	buf[0] = 0;
	plx_text_add(buf, len, "%s: %llu", view_size(h->page, size, sizeof(size)), (unsigned long long)h->total);
	if (h->total)
		plx_text_add(buf, len, ", %llu free", (unsigned long long)h->free);
	if (h->reserved)
		plx_text_add(buf, len, ", %llu reserved", (unsigned long long)h->reserved);
	if (h->surplus)
		plx_text_add(buf, len, ", %llu surplus", (unsigned long long)h->surplus);
	return buf;
}

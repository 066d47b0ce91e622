/* SPDX-License-Identifier: MIT */
/* json.c - the picture of pollux topo for programs.  Cold, pure but for memory.  What is not
   known is null. */
#include "topo_view.h"

#include <string.h>

static json_t *known(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

/* Paths, and names in a reason, are bytes: what is not UTF-8 becomes question marks. */
static json_t *string(const char *s)
{
	json_t *o = json_string(s);
	char ascii[2048];
	size_t n = 0;

	for (; !o && s[n] && n < sizeof(ascii) - 1; n++)
		ascii[n] = (unsigned char)s[n] > 126 ? '?' : s[n];
	ascii[n] = 0;
	return o ? o : json_string(ascii);
}

static json_t *text(const char *s)
{
	return *s ? string(s) : json_null();
}

static json_t *set(const struct cpuset *s)
{
	json_t *a = json_array();

	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++)
		if (cpuset_has(s, cpu))
			json_array_append_new(a, json_integer(cpu));
	return a;
}

static json_t *cgroup(const struct topo_cgroup *g)
{
	return g->version ? json_pack("{s:i, s:o}", "version", g->version, "path", string(g->path)) : json_null();
}

static json_t *pages(const struct topo_huge *h, bool reserved)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I}", "page_bytes", (json_int_t)h->page, "total", (json_int_t)h->total,
	                      "free", (json_int_t)h->free, "surplus", (json_int_t)h->surplus);

	if (reserved)
		json_object_set_new(o, "reserved", json_integer((json_int_t)h->reserved));
	return o;
}

static json_t *all_pages(const struct topo_huge *h, bool reserved)
{
	json_t *a = json_array();

	for (int i = 0; i < TOPO_PAGE_SIZES; i++)
		if (h[i].page)
			json_array_append_new(a, pages(&h[i], reserved));
	return a;
}

static json_t *nodes(const struct view *v)
{
	const struct topo *t = v->t;
	json_t *a = json_array();

	for (unsigned n = 0; n < t->nnodes; n++) {
		if (t->nnodes > 1 && !t->node[n].present)
			continue;
		json_array_append_new(
			a, json_pack("{s:i, s:o, s:o, s:b, s:o}", "node", (int)n, "mem_bytes",
		                     known(t->node[n].mem_total ? (int64_t)t->node[n].mem_total : -1), "mem_free_bytes",
		                     known(t->node[n].mem_free ? (int64_t)t->node[n].mem_free : -1), "allowed",
		                     !t->node[n].barred, "hugepages", all_pages(t->huge[n], t->nnodes == 1)));
	}
	return a;
}

static json_t *cpus(const struct view *v)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < v->t->ncpus; i++) {
		const struct topo_cpu *c = &v->t->cpu[i];

		if (!c->present && !c->online)
			continue;
		json_array_append_new(
			a,
			json_pack("{s:i, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:o}", "cpu", (int)i, "core",
		                  known(c->core), "node", known(c->node), "package", known(c->package), "online",
		                  c->online, "allowed", c->online && c->allowed, "cpuset", !c->barred, "isolated",
		                  c->isolated, "nohz_full", c->nohz_full, "rcu_nocbs", c->rcu_nocbs, "serves_interrupt",
		                  v->irq_on[i], "lcore",
		                  v->lcore_of[i] < 0 ? json_null() : json_integer(v->plan->lcores[v->lcore_of[i]].id)));
	}
	return a;
}

static json_t *caches(const struct view *v)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < v->more.ncaches; i++) {
		const struct topo_cache *c = &v->more.caches[i];

		json_array_append_new(a, json_pack("{s:i, s:s, s:I, s:i, s:o}", "level", (int)c->level, "type",
		                      c->type == 'd' ? "data" : c->type == 'i' ? "instruction" : "unified",
		                      "bytes", (json_int_t)c->size, "line_bytes", (int)c->line, "cpus", set(&c->cpus)));
	}
	return a;
}

static json_t *irq(const struct view_irq *i)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:s}", "irq", known(i->irq), "cpu", known(i->cpu), "node",
	                 known(i->node), "cpus", text(i->effective), "known_by", iface_how_name(i->how));
}

static json_t *queues(const struct view *v, const struct view_nic *n)
{
	json_t *a = json_array();

	for (unsigned q = 0; q < n->nrxqs || q < n->ntxqs; q++) {
		const struct view_queue *i = &n->q[q];

		json_array_append_new(
			a, json_pack("{s:i, s:o, s:o, s:b, s:o}", "queue", (int)q, "rx",
		                     q < n->nrxqs ? irq(&i->rx) : json_null(), "tx",
		                     q < n->ntxqs ? irq(&i->tx) : json_null(), "af_xdp_bound", i->xsk, "lcore",
		                     i->lcore < 0 ? json_null() : json_integer(v->plan->lcores[i->lcore].id)));
	}
	return a;
}

static json_t *nics(const struct view *v)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < v->nnics; i++) {
		const struct view_nic *n = &v->nics[i];
		json_t *o =
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", n->name, "driver", text(n->kdriver),
		                  "bus", text(n->bus), "kind", text(n->kind), "node", known(n->node), "pci_gbytes",
		                  n->link_gbs > 0 ? json_real((double)n->link_gbs) : json_null(), "near_cpus",
		                  cpuset_count(&n->near) ? set(&n->near) : json_null());

		if (n->told)
			json_object_update_new(o,
			                       json_pack("{s:b, s:b, s:o, s:i, s:i, s:i, s:o}", "up", n->up, "carrier",
			                                 n->running, "speed_mbit", known(n->speed), "mtu", (int)n->mtu,
			                                 "rxqs", n->nrxqs, "txqs", n->ntxqs, "queues", queues(v, n)));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *others(const struct view *v)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < v->nothers; i++)
		json_array_append_new(a, json_pack("{s:s, s:s}", "name", v->others[i].name, "kind", v->others[i].kind));
	return a;
}

static json_t *lcores(const struct view *v)
{
	json_t *a = json_array();
	char polls[2048];

	for (unsigned k = 0; k < v->plan->nlcores; k++) {
		const struct plan_lcore *l = &v->plan->lcores[k];
		json_t *on = json_array();

		for (uint16_t i = 0; i < l->ncpus; i++)
			json_array_append_new(on, json_integer(l->cpus[i]));
		json_array_append_new(a, json_pack("{s:i, s:b, s:o, s:o, s:s}", "id", (int)l->id, "service", l->service,
		                                   "node", known(l->node), "cpus", on, "polls",
		                                   view_polls(v, k, polls, sizeof(polls))));
	}
	return a;
}

static json_t *plan(const struct view *v)
{
	json_t *notes = json_array();

	for (unsigned i = 0; v->plan && i < v->plan->nnotes; i++)
		json_array_append_new(notes, string(v->plan->notes[i].evidence));
	if (v->plan)
		return json_pack("{s:b, s:o, s:o}", "ok", true, "lcores", lcores(v), "notes", notes);
	json_decref(notes);
	return *v->why ? json_pack("{s:b, s:o}", "ok", false, "error", string(v->why)) : json_null();
}

json_t *topo_json(const struct view *v)
{
	const struct topo *t = v->t;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "xml",
	                 text(v->xml ? v->xml : ""), "model", text(v->more.model), "cpuset", cgroup(&t->cpuset),
	                 "cpu_time", cgroup(&t->time), "cpu_quota",
	                 t->quota_us ? json_real((double)t->quota_us / (double)t->period_us) : json_null(),
	                 "mem_avail_bytes", known(t->mem_avail ? (int64_t)t->mem_avail : -1), "nodes", nodes(v),
	                 "hugepages", all_pages(t->huge_all, true), "cpus", cpus(v), "caches", caches(v), "nics",
	                 nics(v), "others", others(v), "plan", plan(v), "packages", json_integer(v->npackages));
}

/* SPDX-License-Identifier: MIT */
/* text.c - the picture of pollux topo for terminals of 100 columns.  Cold, pure. */
#include "topo_view.h"

#include <pollux/plx_text.h>
#include <stdarg.h>
#include <string.h>

enum { COLUMNS = 100, WORD_MAX = 512 };

/* A paragraph: a heading that ends at indent, if it is short enough, and words that go on in the
   next line from there. */
struct lines { FILE *f; unsigned at, indent; bool begun; /* a word needs what stands before it */ };

__attribute__((format(printf, 3, 4)))
static void begin(struct lines *o, unsigned indent, const char *fmt, ...)
{
	char head[WORD_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(head, sizeof(head), fmt, ap);
	va_end(ap);
	o->at = (unsigned)fprintf(o->f, "%-*s", (int)indent, head);
	o->indent = indent;
	o->begun = strlen(head) >= indent;
}

/* put adds a word with what goes before it in a line. */
__attribute__((format(printf, 3, 4)))
static void put(struct lines *o, const char *before, const char *fmt, ...)
{
	char word[WORD_MAX];
	unsigned n, gap = (unsigned)strlen(before);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(word, sizeof(word), fmt, ap);
	va_end(ap);
	for (n = 0; word[n]; n++) /* paths and models are other people's */
		word[n] = (unsigned char)word[n] < ' ' || word[n] == 127 ? '?' : word[n];
	if (o->begun && o->at + gap + n >= COLUMNS) {
		fprintf(o->f, "%.*s\n%*s", (int)strcspn(before, " "), before, (int)o->indent, "");
		o->at = o->indent;
	} else if (o->begun) {
		o->at += (unsigned)fprintf(o->f, "%s", before);
	}
	o->begun = true;
	o->at += (unsigned)fprintf(o->f, "%s", word);
}

/* A list of numbers may be longer than a line: it goes on behind a comma. */
static void put_list(struct lines *o, const char *what, const char *list)
{
	put(o, "; ", "%s", what);
	for (const char *sep = " "; *list; sep = ",") {
		size_t n = strcspn(list, ",");

		put(o, sep, "%.*s", (int)n, list);
		list += n + (list[n] == ',');
	}
}

static void end(struct lines *o)
{
	fprintf(o->f, "\n");
}

/* ---- the machine ---- */

static const char *many(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void kernel(struct lines *o, const struct view *v)
{
	static const struct { const char *what; bool (*yes)(const struct topo_cpu *c); } rows[] = {
		{ "isolated", view_isolated }, { "nohz_full", view_nohz }, { "rcu_nocbs", view_nocbs },
		{ "offline", view_offline },
	};
	char list[4096];
	bool any = false;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		if (!*view_list(v, rows[i].yes, list, sizeof(list)))
			continue;
		if (!any)
			begin(o, 9, "kernel");
		any = true;
		put_list(o, rows[i].what, list);
	}
	if (any)
		end(o);
}

static void machine(struct lines *o, const struct view *v)
{
	const struct topo *t = v->t;
	unsigned cpus = 0, nodes = 0, cores = 0;
	char list[4096];

	for (unsigned i = 0; i < t->ncpus; i++)
		cpus += t->cpu[i].present || t->cpu[i].online;
	for (unsigned i = 0; i < v->ncores; i++)
		cores += v->cores[i].core >= 0;
	for (unsigned i = 0; i < t->nnodes; i++)
		nodes += t->node[i].present;
	nodes = nodes ? nodes : 1;
	begin(o, 9, "machine");
	put(o, "", "%u node%s, %u package%s, %u core%s, %u CPU%s", nodes, many(nodes), v->npackages, many(v->npackages),
	    cores, many(cores), cpus, many(cpus));
	if (*v->more.model)
		put(o, "; ", "%s", v->more.model);
	if (v->xml)
		put(o, "; ", "by %s", v->xml);
	end(o);
	begin(o, 9, "allowed");
	put_list(o, "CPUs", view_list(v, view_allowed, list, sizeof(list)));
	if (t->cpuset.version)
		put(o, "; ", "cpuset of cgroup %s (v%d)", t->cpuset.path, t->cpuset.version);
	if (t->quota_us)
		put(o, "; ", "time of %.3g CPUs", (double)t->quota_us / (double)t->period_us);
	end(o);
	kernel(o, v);
}

static void memory(struct lines *o, const struct view *v, unsigned node)
{
	const struct topo_node *n = &v->t->node[node];
	char size[32], words[160];

	begin(o, 9, "node %u", node);
	if (n->mem_total)
		put(o, "", "%s of memory", view_size(n->mem_total, size, sizeof(size)));
	if (n->mem_free)
		put(o, ", ", "%s free", view_size(n->mem_free, size, sizeof(size)));
	if (n->barred)
		put(o, ", ", "none for this process's cpuset");
	for (int i = 0; i < TOPO_PAGE_SIZES; i++)
		if (v->t->huge[node][i].page)
			put(o, "; ", "pages of %s", view_pages(&v->t->huge[node][i], words, sizeof(words)));
	end(o);
}

/* ---- CPUs ---- */

static void cpu_word(const struct view *v, unsigned cpu, char *buf, size_t len)
{
	const struct topo_cpu *c = &v->t->cpu[cpu];

	plx_text_add(buf, len, "%u%s%s%s", cpu, !c->online ? "x" : c->allowed ? "" : "-", c->isolated ? "i" : "",
	             v->irq_on[cpu] ? "!" : "");
	if (v->lcore_of[cpu] >= 0)
		plx_text_add(buf, len, "L%u", v->plan->lcores[v->lcore_of[cpu]].id);
}

static void core_word(struct lines *o, const struct view *v, const struct view_core *c)
{
	char word[256] = "";

	plx_text_add(word, sizeof(word), "[");
	for (uint16_t i = 0; i < c->ncpus; i++) {
		plx_text_add(word, sizeof(word), "%s", i ? " " : "");
		cpu_word(v, c->cpu[i], word, sizeof(word));
	}
	plx_text_add(word, sizeof(word), "]");
	put(o, " ", "%s", word);
}

/* One group: cores of a package, on a node, behind an L3. */
static unsigned group(struct lines *o, const struct view *v, unsigned at)
{
	const struct view_core *c = &v->cores[at];
	char size[32], words[256];

	if (c->package >= 0)
		begin(o, 4, "  package %d", c->package);
	else
		begin(o, 4, "  offline");
	if (c->l3 >= 0)
		put(o, ", ", "L3 %s", view_size(v->more.caches[c->l3].size, size, sizeof(size)));
	if (*view_caches(v, c, words, sizeof(words)))
		put(o, ", ", "each core %s", words);
	end(o);
	begin(o, 4, "   ");
	do
		core_word(o, v, &v->cores[at++]);
	while (at < v->ncores && view_same(c, &v->cores[at]));
	end(o);
	return at;
}

static unsigned groups(struct lines *o, const struct view *v, unsigned at, int node)
{
	while (at < v->ncores && v->cores[at].node == node)
		at = group(o, v, at);
	return at;
}

/* ---- NICs ---- */

static void put_irq(struct lines *o, const char *what, const struct view_irq *i)
{
	if (i->irq < 0)
		put(o, ", ", "%s%s", what, i->how == IFACE_IRQ_NONE ? "no interrupt" : "interrupt not known");
	else if (i->cpu < 0)
		put(o, ", ", "%sinterrupt %d on an unknown CPU", what, i->irq);
	else
		put(o, ", ", "%sinterrupt %d on CPU %d", what, i->irq, i->cpu);
}

static void queue(struct lines *o, const struct view *v, const struct view_nic *n, unsigned q)
{
	const struct view_queue *i = &n->q[q];
	const struct plan_lcore *l = i->lcore >= 0 ? &v->plan->lcores[i->lcore] : NULL;

	begin(o, n->nrxqs > 100 || n->ntxqs > 100 ? 14 : 13, "    queue %u", q);
	if (q < n->nrxqs)
		put_irq(o, "", &i->rx);
	if (q < n->ntxqs && (q >= n->nrxqs || i->tx.irq != i->rx.irq))
		put_irq(o, "transmit ", &i->tx);
	if (i->xsk)
		put(o, ", ", "an AF_XDP socket is bound");
	if (l && l->ncpus == 1)
		put(o, " ", "-> lcore %u on CPU %d%s", l->id, l->cpu, l->cpu == i->rx.cpu ? ", the same" : "");
	else if (l)
		put(o, " ", "-> lcore %u on %s", l->id, l->ncpus ? "several CPUs" : "any CPU");
	if (l && n->node >= 0 && l->node >= 0 && l->node != n->node)
		put(o, ", ", "another node (%d)", l->node);
	end(o);
}

/* near: where a part of a node is nearer to a NIC than the rest. */
static void near(struct lines *o, const struct view *v, const struct view_nic *n)
{
	unsigned of_node = 0;
	char list[256];

	for (unsigned i = 0; i < v->t->ncpus; i++)
		of_node += v->t->cpu[i].online && (n->at < 0 || v->t->cpu[i].node == n->at);
	if (cpuset_count(&n->near) && cpuset_count(&n->near) < of_node)
		put(o, ", ", "near CPUs %s", cpuset_text(&n->near, list, sizeof(list)));
	if (n->link_gbs > 0)
		put(o, ", ", "PCI %.1f GB/s", (double)n->link_gbs);
}

static void nic(struct lines *o, const struct view *v, const struct view_nic *n)
{
	char speed[32];

	begin(o, 6, "  %s", n->name);
	put(o, "  ", "%s", *n->kdriver ? n->kdriver : *n->kind ? n->kind : "NIC");
	if (*n->bus)
		put(o, " ", "%s", n->bus);
	if (!n->told) {
		put(o, ", ", "queues and state not known");
		near(o, v, n);
		end(o);
		return;
	}
	put(o, ", ", "%s", !n->up ? "down" : n->running ? "up" : "up without carrier");
	if (*view_speed(n, speed, sizeof(speed)))
		put(o, ", ", "%s", speed);
	put(o, ", ", "MTU %u", n->mtu);
	put(o, ", ", "%u receive and %u transmit queues", n->nrxqs, n->ntxqs);
	near(o, v, n);
	end(o);
	for (unsigned q = 0; q < n->nrxqs || q < n->ntxqs; q++)
		queue(o, v, n, q);
}

static void nics(struct lines *o, const struct view *v, int node)
{
	for (unsigned i = 0; i < v->nnics; i++)
		if (v->nics[i].at == node)
			nic(o, v, &v->nics[i]);
}

static bool any_without_node(const struct view *v)
{
	bool any = v->ncores && v->cores[v->ncores - 1].node < 0;

	for (unsigned i = 0; i < v->nnics; i++)
		any |= v->nics[i].at < 0;
	return any;
}

/* ---- the rest ---- */

static void lcores(struct lines *o, const struct view *v)
{
	char polls[2048];

	for (unsigned k = 0; v->plan && k < v->plan->nlcores; k++) {
		const struct plan_lcore *l = &v->plan->lcores[k];
		char *save = NULL;

		begin(o, 9, "lcore %u", l->id);
		if (l->ncpus == 1)
			put(o, " ", "CPU %d, %s, %s", l->cpu, NODE_TEXT(l->node, "no node"),
			    l->service ? "serves" : "polls");
		else
			put(o, " ", "%u CPUs, %s", l->ncpus, l->service ? "serves" : "polls");
		if (l->service)
			put(o, " ", "pollers marked service");
		else if (!*view_polls(v, k, polls, sizeof(polls)))
			put(o, " ", "nothing");
		for (char *w = l->service ? NULL : strtok_r(polls, " ", &save); w; w = strtok_r(NULL, " ", &save))
			put(o, " ", "%s", w);
		end(o);
	}
	for (unsigned i = 0; v->plan && i < v->plan->nnotes; i++) {
		char note[512], *save = NULL;

		snprintf(note, sizeof(note), "%s", v->plan->notes[i].evidence);
		begin(o, 9, "note");
		for (char *w = strtok_r(note, " ", &save); w; w = strtok_r(NULL, " ", &save))
			put(o, " ", "%s", w);
		end(o);
	}
}

static bool any_cpu(const struct view *v, bool (*yes)(const struct topo_cpu *c))
{
	char list[8];

	return *view_list(v, yes, list, sizeof(list));
}

static bool kept_out(const struct topo_cpu *c)
{
	return c->online && !c->allowed;
}

static void legend(struct lines *o, const struct view *v)
{
	bool irq = false;

	for (unsigned i = 0; i < TOPO_CPUS_MAX; i++)
		irq |= v->irq_on[i];
	begin(o, 9, "marks");
	put(o, "", "[ ] CPUs of one core");
	if (irq)
		put(o, "; ", "! serves a queue's interrupt");
	if (v->plan)
		put(o, "; ", "L2 lcore 2 polls here");
	if (any_cpu(v, kept_out))
		put(o, "; ", "- not for this process");
	if (any_cpu(v, view_isolated))
		put(o, "; ", "i isolated");
	if (any_cpu(v, view_offline))
		put(o, "; ", "x offline");
	end(o);
}

void topo_text(FILE *f, const struct view *v)
{
	struct lines o = { .f = f };
	unsigned at = 0;

	machine(&o, v);
	for (unsigned node = 0; node < v->t->nnodes; node++) {
		if (v->t->nnodes > 1 && !v->t->node[node].present)
			continue;
		memory(&o, v, node);
		at = groups(&o, v, at, (int)node);
		nics(&o, v, (int)node);
	}
	if (any_without_node(v)) {
		fprintf(f, "node not told\n");
		groups(&o, v, at, -1);
		nics(&o, v, -1);
	}
	if (v->nothers) {
		begin(&o, 9, "without");
		for (unsigned i = 0; i < v->nothers; i++)
			put(&o, i ? ", " : "", "%s%s (%s)", i ? "" : "a device: ", v->others[i].name,
			    v->others[i].kind);
		end(&o);
	}
	lcores(&o, v);
	legend(&o, v);
}

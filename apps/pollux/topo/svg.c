/* SPDX-License-Identifier: MIT */
/* svg.c - the picture of pollux topo as SVG: a box for each node, in it its cores and, below
   them, its NICs; lines from each queue to the CPU of its interrupt and on to the lcore that
   polls it.  One file by itself: no fonts, scripts or styles from elsewhere.  Cold, pure.

   The same functions go over all three times, so that the passes agree: to measure, to draw the
   boxes that hold others, and, once the lines are on these, to draw what stands on the lines. */
#include "topo_view.h"

#include <pollux/plx_text.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	MARGIN = 24, PAD = 14,
	CPU_W = 34, CPU_H = 18, CORE_GAP = 8, CORES_ROW = 8,
	QUEUE_W = 20, QUEUES_ROW = 17,
	NODE_W = 2 * PAD + CORES_ROW * (CPU_W + 6 + CORE_GAP) - CORE_GAP, /* 404 */
	LINE = 15,           /* from one line of small text to the next */
	ARCS = 14,           /* room above cores, for lines from CPU to CPU */
	WIRES = 34,          /* room between cores and a NIC, for the lines */
	WIRES_MANY = 48,
	CHARS = 64,          /* small letters that fit into a node's box */
};

#define INK     "#1f2933"
#define PALE    "#6b7785"
#define ORANGE  "#d9730d"
#define BLUE    "#1f6feb"

struct at { int x, y; };

enum pass { MEASURE, BACK, FRONT };

struct pen {
	FILE *f;
	enum pass pass;
	unsigned wires;      /* lines drawn: many are drawn thinner */
	struct at cpu[TOPO_CPUS_MAX];   /* middle of each CPU, x 0 = not drawn */
	struct at *queue[VIEW_NICS_MAX]; /* top of each queue */
};

__attribute__((format(printf, 2, 3)))
static void draw(struct pen *p, const char *fmt, ...)
{
	va_list ap;

	if (p->pass != FRONT)
		return;
	va_start(ap, fmt);
	vfprintf(p->f, fmt, ap);
	va_end(ap);
}

/* box draws a rectangle that others stand on. */
static void box(struct pen *p, int x, int y, int w, int h, int round, const char *class)
{
	if (p->pass == BACK)
		fprintf(p->f, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" class=\"%s\"/>\n", x, y, w,
		        h, round, class);
}

/* escaped writes text as XML's; what XML has no letter for becomes a question mark. */
static void escaped(struct pen *p, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
			draw(p, "&#%u;", c);
		else
			draw(p, "%c", c < ' ' || c > 126 ? '?' : c);
	}
}

/* words writes a line of text, cut to max letters; style is a class. */
__attribute__((format(printf, 6, 7)))
static void words(struct pen *p, int x, int y, const char *style, size_t max, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strlen(text) > max && max > 2 && max < sizeof(text))
		snprintf(text + max - 2, 3, "..");
	draw(p, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, style);
	escaped(p, text);
	draw(p, "</text>\n");
}

/* ---- CPUs ---- */

/* polled: what an lcore polls or serves, in words. */
static const char *polled(const struct view *v, unsigned k, char *buf, size_t len)
{
	if (v->plan->lcores[k].service)
		return "pollers marked service";
	return *view_polls(v, k, buf, len) ? buf : "nothing";
}

static void hint(struct pen *p, const struct view *v, unsigned cpu)
{
	const struct topo_cpu *c = &v->t->cpu[cpu];
	char polls[512];

	draw(p, "<title>CPU %u", cpu);
	if (c->core >= 0)
		draw(p, ", core %d", c->core);
	if (c->node >= 0)
		draw(p, ", node %d", c->node);
	draw(p, "%s%s%s%s", !c->online ? ", offline" : c->barred ? ", outside the cpuset" : c->allowed ? "" :
	     ", outside the affinity", c->isolated ? ", isolated" : "", c->nohz_full ? ", nohz_full" : "",
	     c->rcu_nocbs ? ", rcu_nocbs" : "");
	if (v->irq_on[cpu])
		draw(p, ", serves interrupts");
	if (v->lcore_of[cpu] >= 0) {
		draw(p, ", lcore %u %s ", v->plan->lcores[v->lcore_of[cpu]].id,
		     v->plan->lcores[v->lcore_of[cpu]].service ? "serves" : "polls");
		escaped(p, polled(v, (unsigned)v->lcore_of[cpu], polls, sizeof(polls)));
	}
	draw(p, "</title>");
}

static void cpu_box(struct pen *p, const struct view *v, unsigned cpu, int x, int y)
{
	const struct topo_cpu *c = &v->t->cpu[cpu];
	bool lcore = v->lcore_of[cpu] >= 0;
	const char *style = !c->online ? "off" : lcore ? "lcore" : !c->allowed ? "out" : c->isolated ? "iso" : "cpu";

	p->cpu[cpu] = (struct at){ x + CPU_W / 2, y + CPU_H / 2 };
	draw(p, "<g><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\" class=\"%s%s\"/>", x, y, CPU_W, CPU_H,
	     style, v->irq_on[cpu] ? " irq" : "");
	if (lcore && v->plan->lcores[v->lcore_of[cpu]].id != cpu)
		draw(p,
		     "<text x=\"%d\" y=\"%d\" class=\"mid white\"%s>%u<tspan class=\"tiny\">&#160;L%u</tspan></text>",
		     x + CPU_W / 2, y + 13, cpu > 99 ? " textLength=\"32\" lengthAdjust=\"spacingAndGlyphs\"" : "", cpu,
		     v->plan->lcores[v->lcore_of[cpu]].id);
	else if (lcore)
		draw(p, "<text x=\"%d\" y=\"%d\" class=\"mid white\">%u</text>", x + CPU_W / 2, y + 13, cpu);
	else
		draw(p, "<text x=\"%d\" y=\"%d\" class=\"mid%s\">%u</text>", x + CPU_W / 2, y + 13,
		     !c->online || !c->allowed ? " pale" : "", cpu);
	hint(p, v, cpu);
	draw(p, "</g>\n");
}

/* cores draws those of one group in rows; the height they took. */
static int cores(struct pen *p, const struct view *v, unsigned *at, int x, int y)
{
	const struct view_core *first = &v->cores[*at];
	int col = 0, top = y, tall = 0;

	for (; *at < v->ncores && view_same(first, &v->cores[*at]); ++*at, col++) {
		const struct view_core *c = &v->cores[*at];
		int h = c->ncpus * (CPU_H + 2) + 4;

		if (col == CORES_ROW) {
			y += tall + CORE_GAP;
			col = tall = 0;
		}
		tall = h > tall ? h : tall;
		int left = x + col * (CPU_W + 6 + CORE_GAP);

		box(p, left, y, CPU_W + 6, h, 4, "core");
		for (uint16_t i = 0; i < c->ncpus; i++)
			cpu_box(p, v, c->cpu[i], left + 3, y + 3 + i * (CPU_H + 2));
	}
	return y + tall - top;
}

static int group(struct pen *p, const struct view *v, unsigned *at, int x, int y)
{
	const struct view_core *c = &v->cores[*at];
	char head[256] = "", size[32], caches[192];
	int h = LINE;

	if (c->package < 0)
		plx_text_add(head, sizeof(head), "offline");
	else
		plx_text_add(head, sizeof(head), "package %d", c->package);
	if (c->l3 >= 0)
		plx_text_add(head, sizeof(head), ", L3 %s", view_size(v->more.caches[c->l3].size, size, sizeof(size)));
	words(p, x, y + 11, "small", CHARS, "%s", head);
	if (*view_caches(v, c, caches, sizeof(caches))) {
		words(p, x, y + h + 11, "small", CHARS, "each core %s", caches);
		h += LINE;
	}
	return h + ARCS + cores(p, v, at, x, y + h + ARCS) + 10;
}

/* ---- NICs ---- */

static void queue_box(struct pen *p, const struct view *v, unsigned nic, unsigned q, int x, int y)
{
	const struct view_nic *n = &v->nics[nic];
	const struct view_queue *i = &n->q[q];

	if (p->queue[nic])
		p->queue[nic][q] = (struct at){ x + (QUEUE_W - 2) / 2, y };
	draw(p,
	     "<g><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"16\" rx=\"2\" class=\"queue%s\"/>"
	     "<text x=\"%d\" y=\"%d\" class=\"mid tiny\">%u</text><title>",
	     x, y, QUEUE_W - 2, i->lcore >= 0 ? " polled" : "", x + (QUEUE_W - 2) / 2, y + 12, q);
	escaped(p, n->name);
	draw(p, " queue %u: ", q);
	if (i->rx.irq >= 0 && i->rx.cpu < 0)
		draw(p, "interrupt %d on an unknown CPU", i->rx.irq);
	else if (i->rx.irq >= 0)
		draw(p, "interrupt %d on CPU %d", i->rx.irq, i->rx.cpu);
	else
		draw(p, "%s", iface_how_name(i->rx.how));
	if (i->lcore >= 0)
		draw(p, ", polled by lcore %u", v->plan->lcores[i->lcore].id);
	draw(p, "</title></g>\n");
}

static int nic(struct pen *p, const struct view *v, unsigned at, int x, int y)
{
	const struct view_nic *n = &v->nics[at];
	int nq = n->nrxqs > n->ntxqs ? n->nrxqs : n->ntxqs, rows = (nq + QUEUES_ROW - 1) / QUEUES_ROW;
	int h = 14 + 2 * LINE + rows * 20;
	char speed[32];

	y += WIRES;
	box(p, x, y, NODE_W - 2 * PAD, h, 5, "nic");
	for (int q = 0; q < nq; q++)
		queue_box(p, v, at, (unsigned)q, x + 8 + q % QUEUES_ROW * QUEUE_W, y + 6 + q / QUEUES_ROW * 20);
	y += 6 + rows * 20;
	words(p, x + 8, y + 13, "name", 16, "%s", n->name);
	words(p, x + 104, y + 13, "small", 44, "%s %s", *n->kdriver ? n->kdriver : n->kind, n->bus);
	if (!n->told)
		words(p, x + 8, y + 13 + LINE, "small", CHARS, "state and queues not known");
	else
		words(p, x + 8, y + 13 + LINE, "small", CHARS, "%s%s%s, MTU %u, %u receive and %u transmit queues",
		      !n->up ? "down" : n->running ? "up" : "up without carrier",
		      *view_speed(n, speed, sizeof(speed)) ? ", " : "", speed, n->mtu, n->nrxqs, n->ntxqs);
	return WIRES + h;
}

/* ---- nodes ---- */

/* memory: lines about a node's memory; their height. */
static int memory(struct pen *p, const struct view *v, int node, int x, int y)
{
	const struct topo_node *n = &v->t->node[node];
	char size[32], room[32], text[160];
	int h = 0;

	if (n->mem_total) {
		words(p, x, y + h + 11, "small", CHARS, n->mem_free ? "%s of memory%s, %s free" : "%s of memory%s",
		      view_size(n->mem_total, size, sizeof(size)), n->barred ? " (not for this process)" : "",
		      view_size(n->mem_free, room, sizeof(room)));
		h += LINE;
	}
	for (int i = 0; i < TOPO_PAGE_SIZES; i++) {
		const struct topo_huge *k = &v->t->huge[node][i];

		if (!k->page || (!k->total && i != 1)) /* 2 MiB are said always: none is what matters */
			continue;
		words(p, x, y + h + 11, "small", CHARS, "hugepages of %s", view_pages(k, text, sizeof(text)));
		h += LINE;
	}
	return h;
}

/* node draws all that stands on one, or (-1) on none; the height of its box. */
static int node(struct pen *p, const struct view *v, int node_id, unsigned at, int x, int y)
{
	int top = y;

	y += 24;
	if (node_id < 0)
		words(p, x + PAD, top + 22, "head", CHARS, "node not told");
	else
		words(p, x + PAD, top + 22, "head", CHARS, "node %d", node_id);
	y += 6;
	if (node_id >= 0)
		y += memory(p, v, node_id, x + PAD, y) + 4;
	while (at < v->ncores && v->cores[at].node == node_id)
		y += group(p, v, &at, x + PAD, y);
	for (unsigned i = 0; i < v->nnics; i++)
		if (v->nics[i].at == node_id)
			y += nic(p, v, i, x + PAD, y);
	return y + PAD - top;
}

static unsigned first_core(const struct view *v, int node_id)
{
	unsigned at = 0;

	while (at < v->ncores && v->cores[at].node != node_id)
		at++;
	return at;
}

/* ---- lines ---- */

/* from_queue is a line from a queue up to the CPU of its interrupt, or of its lcore if there is none. */
static void from_queue(struct pen *p, struct at q, struct at cpu, const char *class)
{
	int bend = (q.y - cpu.y) / 2;

	cpu.y += CPU_H / 2;
	bend = bend < 12 && bend > -12 ? 12 : bend;
	p->wires++;
	draw(p, "<path d=\"M%d %dC%d %d %d %d %d %d\" class=\"wire %s\"/>\n", q.x, q.y, q.x, q.y - bend, cpu.x,
	     cpu.y + bend, cpu.x, cpu.y, class);
}

/* across is an arc above, from CPU to CPU. */
static void across(struct pen *p, struct at a, struct at b)
{
	int far = a.x > b.x ? a.x - b.x : b.x - a.x, lift = 8 + far / 12;

	a.y -= CPU_H / 2;
	b.y -= CPU_H / 2;
	lift = lift > 40 ? 40 : lift;
	p->wires++;
	draw(p, "<path d=\"M%d %dC%d %d %d %d %d %d\" class=\"wire tolcore\"/>\n", a.x, a.y, a.x, a.y - lift, b.x,
	     b.y - lift, b.x, b.y);
}

static void wires(struct pen *p, const struct view *v)
{
	for (unsigned i = 0; i < v->nnics; i++) {
		const struct view_nic *n = &v->nics[i];

		for (unsigned q = 0; q < n->nrxqs && p->queue[i]; q++) {
			const struct view_queue *k = &n->q[q];
			const struct plan_lcore *l = k->lcore >= 0 ? &v->plan->lcores[k->lcore] : NULL;
			bool served = k->rx.cpu >= 0 && k->rx.cpu < TOPO_CPUS_MAX && p->cpu[k->rx.cpu].x;
			bool polled = l && l->ncpus == 1 && l->cpu >= 0 && l->cpu < TOPO_CPUS_MAX && p->cpu[l->cpu].x;

			if (served)
				from_queue(p, p->queue[i][q], p->cpu[k->rx.cpu], "toirq");
			if (polled && !served)
				from_queue(p, p->queue[i][q], p->cpu[l->cpu], "tolcore");
			else if (polled && l->cpu != k->rx.cpu)
				across(p, p->cpu[k->rx.cpu], p->cpu[l->cpu]);
		}
	}
}

/* ---- the whole ---- */

static const char style[] =
	"<style>\n"
	"text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:11px;fill:" INK "}\n"
	".title{font-size:17px;font-weight:bold}.head{font-size:14px;font-weight:bold}.name{font-weight:bold;font-size:"
	"12px}\n"
	".small{fill:" PALE
	"}.small,.head,.name{paint-order:stroke;stroke:#f9fafb;stroke-width:3px;stroke-linejoin:round}.mid{text-anchor:"
	"middle}.tiny{font-size:9px}.pale{fill:#9aa5b1}.white,.white .tiny{fill:#fff}\n"
	".node{fill:#f6f8fa;stroke:#c3ccd6}.core{fill:#fff;stroke:#cfd7df}\n"
	".cpu{fill:#e4e9ef}.iso{fill:#d3efd9;stroke:#3c9a55}.lcore{fill:" BLUE "}\n"
	".out{fill:#fff;stroke:#c3ccd6;stroke-dasharray:2 2}.off{fill:none;stroke:none}\n"
	".irq{stroke:" ORANGE ";stroke-width:2.5;stroke-dasharray:none}\n"
	".nic{fill:#fffaf3;stroke:#e5c08a}.queue{fill:#fff;stroke:" ORANGE "}.polled{fill:#dbe8fd;stroke:" BLUE "}\n"
	".wire{fill:none;stroke-width:1.4;opacity:.75}.many .wire{stroke-width:1;opacity:.5}.toirq{stroke:" ORANGE
	"}.tolcore{stroke:" BLUE ";marker-end:url(#to)}\n"
	"</style>\n"
	"<defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"6\" markerHeight=\"6\" "
	"orient=\"auto\">"
	"<path d=\"M0 0L8 4L0 8z\" fill=\"" BLUE "\"/></marker></defs>\n";

static void legend(struct pen *p, int x, int y, int width)
{
	static const struct { const char *style, *what; int w;
	} rows[] = {
		{ "cpu", "CPU, framed with those of its core", 220 },
		{ "lcore", "lcore polls here: its number is the CPU's, or L2", 290 },
		{ "cpu irq", "serves a queue's interrupt", 172 },
		{ "iso", "isolated", 82 },
		{ "out", "not for this process", 142 },
		{ "off", "7  offline: no box", 112 },
		{ "queue", "queue", 72 },
		{ "queue polled", "queue that is polled", 140 },
	};
	static const struct { const char *style, *what; int w;
	} ways[] = {
		{ "toirq", "queue to the CPU of its interrupt", 212 },
		{ "tolcore", "on to the lcore that polls it", 190 },
	};
	int left = x;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		if (x > left && x + rows[i].w > left + width) {
			x = left;
			y += 22;
		}
		draw(p, "<rect x=\"%d\" y=\"%d\" width=\"16\" height=\"12\" rx=\"2\" class=\"%s\"/>", x, y,
		     rows[i].style);
		words(p, strcmp(rows[i].style, "off") ? x + 22 : x + 4, y + 10, "small", CHARS, "%s", rows[i].what);
		x += rows[i].w;
	}
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ways); i++) {
		if (x > left && x + ways[i].w > left + width) {
			x = left;
			y += 22;
		}
		draw(p, "<path d=\"M%d %dh20\" class=\"wire %s\"/>", x, y + 6, ways[i].style);
		words(p, x + 26, y + 10, "small", CHARS, "%s", ways[i].what);
		x += ways[i].w;
	}
}

/* lcores lists what each polls, in columns as wide as a node; the height. */
static int lcores(struct pen *p, const struct view *v, int y, int columns)
{
	unsigned n = v->plan ? v->plan->nlcores : 0;
	char polls[512];

	for (unsigned k = 0; k < n; k++) {
		const struct plan_lcore *l = &v->plan->lcores[k];
		int x = MARGIN + (int)(k % (unsigned)columns) * (NODE_W + MARGIN);
		const char *what = polled(v, k, polls, sizeof(polls)), *does = l->service ? "serves" : "polls";
		int line = y + 11 + (int)k / columns * LINE;

		if (l->ncpus == 1)
			words(p, x, line, "small", CHARS, "lcore %u on CPU %d %s %s", l->id, l->cpu, does, what);
		else
			words(p, x, line, "small", CHARS, "lcore %u on %u CPUs %s %s", l->id, l->ncpus, does, what);
	}
	return n ? ((int)n + columns - 1) / columns * LINE + 10 : 0;
}

/* boxes lays the nodes out in columns, those with nothing told last; the height of all. */
static int boxes(struct pen *p, const struct view *v, int y, int columns)
{
	int ids[PLX_NODES_MAX + 1], n = 0, top = y;
	bool none = first_core(v, -1) < v->ncores;

	for (unsigned i = 0; i < v->nnics; i++)
		none |= v->nics[i].at < 0;
	for (int i = 0; i < (int)v->t->nnodes; i++)
		if (v->t->nnodes == 1 || v->t->node[i].present)
			ids[n++] = i;
	if (none)
		ids[n++] = -1;
	for (int i = 0; i < n; i += columns) {
		int tall = 0;
		enum pass pass = p->pass;

		p->pass = MEASURE;
		for (int k = i; k < n && k < i + columns; k++) {
			int h = node(p, v, ids[k], first_core(v, ids[k]), 0, 0);
			tall = h > tall ? h : tall;
		}
		p->pass = pass;
		for (int k = i; k < n && k < i + columns; k++) {
			int x = MARGIN + (k - i) * (NODE_W + MARGIN);
			box(p, x, y, NODE_W, tall, 8, "node");
			node(p, v, ids[k], first_core(v, ids[k]), x, y);
		}
		y += tall + MARGIN;
	}
	return y - top;
}

static int whole(struct pen *p, const struct view *v, int columns, int width)
{
	int y = MARGIN + 46;

	words(p, MARGIN, MARGIN + 14, "title", 60, "%s",
	      v->xml        ? v->xml :
	      *v->more.host ? v->more.host :
	                      "this machine");
	words(p, MARGIN, MARGIN + 32, "small", (size_t)width / 6, "%s", v->more.model);
	y += boxes(p, v, y, columns);
	y += lcores(p, v, y, columns);
	legend(p, MARGIN, y, width - 2 * MARGIN);
	return y + 22 * (1 + 1350 / (width - 2 * MARGIN)) + MARGIN;
}

void topo_svg(FILE *f, const struct view *v)
{
	int nodes = 0, columns, width, height;
	struct pen *p = calloc(1, sizeof(*p));

	for (unsigned i = 0; i < v->t->nnodes; i++)
		nodes += v->t->node[i].present;
	columns = nodes <= 1 ? 1 : nodes <= 4 ? 2 : 4;
	width = MARGIN + columns * (NODE_W + MARGIN);
	for (unsigned i = 0; p && i < v->nnics; i++) {
		uint16_t n = v->nics[i].nrxqs > v->nics[i].ntxqs ? v->nics[i].nrxqs : v->nics[i].ntxqs;
		p->queue[i] = calloc(n ? n : 1, sizeof(**p->queue)); /* none: its lines are not drawn */
	}
	height = p ? whole(p, v, columns, width) : 1; /* and where all of it is */
	if (p)
		wires(p, v);
	fprintf(f,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	        "height=\"%d\" "
	        "viewBox=\"0 0 %d %d\">\n%s<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	        width, height, width, height, style);
	if (p) {
		p->f = f;
		p->pass = BACK;
		whole(p, v, columns, width);
		p->pass = FRONT;
		fprintf(f, "<g%s>\n", p->wires > WIRES_MANY ? " class=\"many\"" : "");
		wires(p, v);
		fprintf(f, "</g>\n");
		whole(p, v, columns, width);
	}
	fprintf(f, "</svg>\n");
	for (unsigned i = 0; p && i < v->nnics; i++)
		free(p->queue[i]);
	free(p);
}

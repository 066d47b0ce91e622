/* SPDX-License-Identifier: MIT */
/* irq_affinity.c - interrupts of used queues near their lcores, all others away from lcores: what is
   to be where, and the stage.  Cold; called through the table of stages.

   An interrupt takes its CPU's time, and the kernel handles on that CPU what comes by the queue:
   beside the lcore, on its node, that costs the lcore nothing.  Where no CPU is left beside it,
   on the lcore's own, where at least the frames are in its caches. */
#include "dev.h"
#include "file.h"
#include "plx_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct maker {
	const struct setup *s;
	struct setup_irqs *w;
	struct cpuset lcores, cores, online; /* CPUs of lcores; of their cores; all */
	unsigned given[TOPO_CPUS_MAX];           /* interrupts that a CPU was given */
	bool failed;
};

static void learn(struct maker *m)
{
	const struct topo *t = &m->s->in.host->topo;

	setup_lcore_cpus(m->s, &m->lcores);
	for (unsigned c = 0; c < t->ncpus; c++) {
		if (t->cpu[c].online)
			cpuset_add(&m->online, c);
		for (unsigned k = 0; k < t->ncpus; k++)
			if (cpuset_has(&m->lcores, k) && t->cpu[k].core == t->cpu[c].core)
				cpuset_add(&m->cores, c);
	}
}

static struct setup_irq *add(struct maker *m, int irq, bool used)
{
	for (unsigned i = 0; i < m->w->n; i++)
		if (m->w->irq[i].irq == irq)
			return NULL; /* one interrupt may serve several queues: the first one has it */
	struct setup_irq *list = realloc(m->w->irq, (m->w->n + 1) * sizeof(*list));

	if (!list) {
		m->failed = true;
		return NULL;
	}
	m->w->irq = list;
	list[m->w->n] = (struct setup_irq){ .irq = irq, .used = used };
	return &list[m->w->n++];
}

/* ---- interrupts of used queues ---- */

/* bad: how ill a CPU suits an interrupt that should be beside lcores, the weightiest first. */
static unsigned bad(const struct maker *m, unsigned cpu, int node)
{
	const struct topo_cpu *t = &m->s->in.host->topo.cpu[cpu];

	return (cpuset_has(&m->lcores, cpu) ? 64u : 0) + (node >= 0 && t->node >= 0 && t->node != node ? 16u : 0) +
	       (cpuset_has(&m->cores, cpu) ? 8u : 0) + (t->isolated ? 4u : 0) +
	       ((int)cpu == m->s->plan->main_cpu ? 2u : 0);
}

/* beside picks the least ill CPU, of several the one with the fewest interrupts from here, of
   these the one that has it now. */
static int beside(const struct maker *m, int node, int now)
{
	int best = -1;

	for (unsigned c = 0; c < m->s->in.host->topo.ncpus; c++) {
		if (!cpuset_has(&m->online, c))
			continue;
		if (best < 0 || bad(m, c, node) < bad(m, (unsigned)best, node) ||
		    (bad(m, c, node) == bad(m, (unsigned)best, node) &&
		     (m->given[c] < m->given[best] || (m->given[c] == m->given[best] && (int)c == now))))
			best = (int)c;
	}
	return best;
}

/* cpu_for: of the lcore that polls the queue, NULL if it is not known; what tells why. */
static int cpu_for(const struct maker *m, const struct plan_lcore *l, int node, int now, const char **what)
{
	enum plx_placement placement = m->s->in.conf->placement;
	int own = l ? l->cpu : -1, best = beside(m, node, now);
	bool taken = best >= 0 && cpuset_has(&m->lcores, (unsigned)best);
	bool far = best >= 0 && node >= 0 && m->s->in.host->topo.cpu[best].node >= 0 &&
	           m->s->in.host->topo.cpu[best].node != node;

	if (own >= 0 && (placement == PLX_PLACE_SAME || taken || (placement == PLX_PLACE_AUTO && far))) {
		*what = placement == PLX_PLACE_SAME ? "on its lcore's CPU, as --placement says" :
		                                      "on its lcore's CPU, no other is left";
		return own;
	}
	*what = far ? "beside the lcores, though on another node" : "beside the lcores, on their node";
	return best;
}

static void one_queue(struct maker *m, const struct plan_port *port, const struct iface_queue *q, unsigned number,
                      const struct plan_lcore *l, const char *dir)
{
	int node = port->link.node >= 0 ? port->link.node : l && l->node >= 0 ? l->node : -1;
	struct setup_irq *w = q->irq >= 0 ? add(m, q->irq, true) : NULL;
	const char *what = "";

	if (!w)
		return;
	int now = cpuset_count(&q->affinity) == 1 ? cpuset_first(&q->affinity) : -1;
	int cpu = cpu_for(m, l, node, now, &what);

	if (cpu < 0) {
		m->w->n--;
		return;
	}
	m->given[cpu]++;
	snprintf(w->want, sizeof(w->want), "%d", cpu);
	snprintf(w->why, sizeof(w->why), "%.15s %s queue %u: %s", port->conf.name, dir, number, what);
}

static void queues(struct maker *m)
{
	const struct plan *p = m->s->plan;

	for (unsigned i = 0; i < p->nports; i++) {
		const struct plan_port *port = &p->ports[i];
		const struct iface *l = m->s->in.host->iface[i].found;
		unsigned at = port->conf.queue;
		int rx, tx, combined;

		if (!l || !port->link.ifindex)
			continue;
		if (setup_dev_channels(m->s, i, &rx, &tx, &combined)) {
			m->w->changing++;
			continue;
		}
		for (unsigned q = 0; q < port->conf.rxqs && at + q < l->nrxqs; q++)
			one_queue(m, port, &l->rxq[at + q], at + q, &p->lcores[port->rxq_lcore[q]], "receive");
		for (unsigned q = 0; q < port->conf.txqs && at + q < l->ntxqs; q++)
			one_queue(m, port, &l->txq[at + q], at + q, &p->lcores[port->txq_lcore[q]], "transmit");
	}
}

/* ---- all others ---- */

static int any_action(void *arg, const char *name)
{
	/* the action of an interrupt is a directory beside its files */
	if (strstr(name, "affinity") || !strcmp(name, "node") || !strcmp(name, "spurious"))
		return 0;
	*(bool *)arg = true;
	return 1;
}

/* in_use: somebody handles it. */
static bool in_use(const struct plx_sys *sys, int irq)
{
	char path[64], text[16];
	bool any = false;

	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/actions", irq);
	int n = plx_file_read(sys, path, text, sizeof(text));

	if (n >= 0)
		return n > 1;
	snprintf(path, sizeof(path), "/proc/irq/%d", irq);
	plx_file_dir(sys, path, any_action, &any);
	return any;
}

static int other(void *arg, const char *name)
{
	struct maker *m = arg;
	struct cpuset now;
	char path[64], text[1024], *end;
	long irq = strtol(name, &end, 10);

	if (*end || irq <= 0) /* the timer's, 0, is the kernel's own */
		return 0;
	snprintf(path, sizeof(path), "/proc/irq/%ld/smp_affinity_list", irq);
	if (plx_file_read(m->s->in.sys, path, text, sizeof(text)) <= 0 || cpuset_parse(&now, text))
		return 0;
	if (!cpuset_meets(&now, &m->lcores))
		return 0;
	cpuset_without(&now, &m->lcores);
	cpuset_and(&now, &m->online);
	if (cpuset_first(&now) < 0) {
		now = m->online;
		cpuset_without(&now, &m->lcores);
	}
	if (cpuset_first(&now) < 0 || !in_use(m->s->in.sys, (int)irq))
		return 0;
	struct setup_irq *w = add(m, (int)irq, false);

	if (!w)
		return m->failed;
	cpuset_text(&now, w->want, sizeof(w->want));
	snprintf(w->why, sizeof(w->why), "interrupt %ld is no used queue's: away from CPUs of lcores", irq);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct setup_irq *)a)->irq - ((const struct setup_irq *)b)->irq;
}

bool setup_irqs_want(const struct setup *s, struct setup_irqs *w)
{
	struct maker *m = calloc(1, sizeof(*m));

	*w = (struct setup_irqs){ .n = 0 };
	if (!m)
		return false;
	m->s = s;
	m->w = w;
	learn(m);
	bool pinned = cpuset_first(&m->lcores) >= 0; /* else there is nothing to be beside of */

	if (pinned)
		queues(m);
	unsigned used = w->n;

	if (pinned && !w->changing) /* what is now an other's may become a queue's */
		plx_file_dir(s->in.sys, "/proc/irq", other, m);
	if (w->n > used)
		qsort(w->irq + used, w->n - used, sizeof(*w->irq), by_number);
	bool ok = !m->failed;

	free(m);
	return ok;
}

/* ---- the stage ---- */

/* kept_there: the kernel or its driver keeps the interrupt where it is.  The file's mode tells, or a
   refusal that was met; older kernels show it by a refusal alone, and a plan does not try. */
static bool kept_there(const struct setup *s, int irq, const char *path)
{
	const struct plx_sys *sys = s->in.sys;
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);
	struct stat st;
	bool fixed = fd >= 0 && !sys->fstat(fd, &st) && !(st.st_mode & S_IWUSR);

	if (fd >= 0)
		sys->close(fd);
	return fixed || setup_refused_has(s->in.refused, irq);
}

static bool in_the_way(const struct setup *s, const char *list)
{
	struct cpuset cpus, lcores;

	setup_lcore_cpus(s, &lcores);
	return !cpuset_parse(&cpus, list) && cpuset_meets(&cpus, &lcores);
}

struct kept { struct cpuset irqs; unsigned n; };

static void plan_irq(struct setup *s, const struct setup_irq *w, struct kept *kept)
{
	char path[64], now[1024] = "";
	int n;

	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", w->irq);
	n = plx_file_read(s->in.sys, path, now, sizeof(now));
	if (n > 0)
		now[strcspn(now, "\n")] = 0;
	if ((n > 0 && !strcmp(now, w->want)) || !kept_there(s, w->irq, path))
		setup_want(s, SETUP_irq_affinity, &setup_file, path, w->want, "%s", w->why);
	else if (w->used && in_the_way(s, now) && s->in.conf->placement == PLX_PLACE_SPLIT)
		setup_cannot(s, SETUP_irq_affinity,
		             "%s, but interrupt %d cannot be moved: it stays on CPU %s, name lcores beside it with "
		             "-l",
		             w->why, w->irq, now);
	else if (w->used)
		setup_skip(s, SETUP_irq_affinity, "%s, but interrupt %d cannot be moved: it stays on CPU %s", w->why,
		           w->irq, now);
	else {
		cpuset_add(&kept->irqs, (unsigned)w->irq);
		kept->n++;
	}
}

void setup_plan_irq_affinity(struct setup *s)
{
	struct setup_irqs w;
	struct kept kept = { .n = 0 };
	unsigned before = s->nitems;
	char list[120];

	if (!s->plan) {
		setup_skip(s, SETUP_irq_affinity, "there is no plan of a start to place interrupts by");
		return;
	}
	if (!setup_irqs_want(s, &w))
		s->failed = true;
	for (unsigned i = 0; i < w.n && !s->failed; i++)
		plan_irq(s, &w.irq[i], &kept);
	cpuset_text(&kept.irqs, list, sizeof(list));
	/* spread by their driver, one for each CPU, they come only when that CPU asked for something */
	if (kept.n)
		setup_skip(s, SETUP_irq_affinity,
		           "interrupts %s stay on CPUs of lcores: the kernel refuses to move them, "
		           "isolcpus=managed_irq,domain,CPUS at boot keeps them away",
		           list);
	if (w.changing)
		setup_skip(s, SETUP_irq_affinity,
		           "interrupts of %u interface%s are made anew with the channels: placed once those are set",
		           w.changing, w.changing == 1 ? "" : "s");
	else if (s->nitems == before)
		setup_skip(s, SETUP_irq_affinity,
		           "no interrupt of a used queue is known, and none stands in an lcore's way");
	free(w.irq);
}

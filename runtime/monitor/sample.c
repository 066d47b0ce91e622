/* SPDX-License-Identifier: MIT */
/* sample.c - one look at a running environment: its lcores by their own counters and by
   procfs, its ports by their drivers, the interrupts on the lcores' CPUs.  Cold; watch
   thread, once a second; some hundred microseconds.  sample_host.c adds what the host tells
   beside that, judge.c judges. */
#include "env.h"
#include "lcore.h"
#include "file.h"
#include "monitor.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables of procfs: a heading of CPUs, a row for each interrupt or softirq ---- */

struct table {
	struct monitor_sample *s;
	const struct plan *plan;
	unsigned cols;                   /* 0 = the heading is still to come */
	bool rows;                       /* of /proc/stat: there were some, of CPUs */
	int16_t  lcore[TOPO_CPUS_MAX];   /* by column: the lcore whose CPU it is, -1 = none */
};

/* The lcore that has this CPU for itself, -1 = none: what an lcore of several CPUs loses on
   one of them cannot be told. */
static int lcore_on(const struct plan *p, long cpu)
{
	for (unsigned i = 0; i < p->nlcores; i++)
		if (p->lcores[i].ncpus == 1 && p->lcores[i].cpu == cpu)
			return (int)i;
	return -1;
}

/* "   CPU0   CPU2": those that are offline have no column. */
static void heading(struct table *t, char *line)
{
	char *save = NULL;

	for (char *w = strtok_r(line, " ", &save); w && t->cols < TOPO_CPUS_MAX; w = strtok_r(NULL, " ", &save))
		if (!strncmp(w, "CPU", 3))
			t->lcore[t->cols++] = (int16_t)lcore_on(t->plan, strtol(w + 3, NULL, 10));
}

/* counts reads the numbers of a row and gives those of lcores to fn; what stands behind them. */
static char *counts(struct table *t, char *at, void (*fn)(struct table *t, unsigned lcore, uint64_t n, void *arg),
                    void *arg)
{
	for (unsigned c = 0; c < t->cols; c++) {
		char *end;
		uint64_t n = strtoull(at, &end, 10);

		if (end == at)
			break;
		if (t->lcore[c] >= 0 && fn)
			fn(t, (unsigned)t->lcore[c], n, arg);
		at = end;
	}
	return at;
}

static void count_irq(struct table *t, unsigned lcore, uint64_t n, void *arg)
{
	struct monitor_sample *s = t->s;

	if (n && s->nirqs < MONITOR_IRQS_MAX)
		s->irq[s->nirqs++] = (struct monitor_irq){ .irq = *(int32_t *)arg, .lcore = (uint16_t)lcore, .n = n };
}

/* " 24:  0  17  IR-PCI-MSI 524288-edge  eth0-TxRx-0": its last word is its action. */
static int irq_row(void *arg, char *line)
{
	struct table *t = arg;
	unsigned first = t->s->nirqs;
	char *end;

	if (!t->cols) {
		heading(t, line);
		return !t->cols;
	}
	int32_t irq = (int32_t)strtol(line, &end, 10);

	if (end == line || *end != ':')
		return 0; /* an interrupt of the CPU's own */
	char *rest = counts(t, end + 1, count_irq, &irq), *word = strrchr(rest, ' ');

	for (unsigned i = first; i < t->s->nirqs; i++)
		snprintf(t->s->irq[i].action, sizeof(t->s->irq[i].action), "%.31s", word ? word + 1 : "");
	return 0;
}

static void count_net_rx(struct table *t, unsigned lcore, uint64_t n, void *arg)
{
	(void)arg;
	t->s->lcore[lcore].net_rx = n;
}

static int softirq_row(void *arg, char *line)
{
	struct table *t = arg;

	if (!t->cols) {
		heading(t, line);
		return !t->cols;
	}
	line += strspn(line, " ");
	if (strncmp(line, "NET_RX:", 7))
		return 0;
	counts(t, line + 7, count_net_rx, NULL);
	return 1;
}

/* "cpu3 user nice system idle iowait irq softirq steal ...", of CPUs that are online. */
static int stat_row(void *arg, char *line)
{
	struct table *t = arg;
	uint64_t v[8] = { 0 };
	char *at = line + 3;

	if (strncmp(line, "cpu", 3))
		return 1;
	if (!isdigit((unsigned char)*at))
		return 0; /* the sum */
	t->rows = true;
	int i = lcore_on(t->plan, strtol(at, &at, 10));

	if (i < 0)
		return 0;
	struct monitor_lcore *l = &t->s->lcore[i];

	for (int k = 0; k < 8; k++)
		l->ticks += v[k] = strtoull(at, &at, 10);
	l->ticks_told = true;
	l->hardirq = v[5];
	l->softirq = v[6];
	l->steal = v[7];
	return 0;
}

static void take_cpus(struct monitor_sample *s, const struct plx_env *env)
{
	struct table t = { .s = s, .plan = &env->plan };

	plx_file_lines(env->sys, "/proc/stat", stat_row, &t);
	/* a file that was read and has no row for a CPU */
	for (unsigned i = 0; i < s->nlcores; i++)
		s->lcore[i].offline =
			t.rows && !s->lcore[i].ticks_told && lcore_on(t.plan, t.plan->lcores[i].cpu) == (int)i;
	plx_file_lines(env->sys, "/proc/softirqs", softirq_row, &t);
	t.cols = 0;
	plx_file_lines(env->sys, "/proc/interrupts", irq_row, &t);
}

/* ---- lcores ---- */

static void take_allowed(struct monitor_lcore *o, const struct plx_sys *sys, int tid)
{
	static const char key[] = "\nCpus_allowed_list:";
	char path[64], buf[8192];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	if (plx_file_read(sys, path, buf, sizeof(buf)) <= 0)
		return;
	char *at = strstr(buf, key);

	if (!at)
		return;
	at += sizeof(key) - 1;
	at += strspn(at, " \t");
	at[strcspn(at, "\n")] = 0;
	o->cpus_told = !cpuset_parse(&o->cpus, at);
}

static void take_lcore(struct monitor_lcore *o, const struct plx_env *env, const struct plx_lcore *l)
{
	struct plx_lcore_sched sched;
	struct plx_lcore_stats st;

	plx_lcore_stats(l, &st);
	o->runs = st.state == PLX_LCORE_RUN || st.state == PLX_LCORE_SLEEP;
	o->busy_cycles = st.busy_cycles;
	o->idle_cycles = st.idle_cycles;
	if (!o->runs)
		return;
	o->sched_told = !plx_lcore_sched(l, &sched);
	o->wait_ns = sched.wait_ns;
	o->preempted = sched.preemptions;
	take_allowed(o, env->sys, st.tid);
}

/* ---- ports ---- */

/* Where an interrupt goes; the planned CPU if that is one of several. */
static int16_t irq_cpu(const struct plx_sys *sys, const struct plan_irq *irq)
{
	struct cpuset effective, affinity, *cpus = &effective;

	if (irq->irq < 0 || irq->cpu < 0)
		return -1;
	iface_irq_cpus(sys, irq->irq, NULL, &effective, &affinity);
	if (cpuset_first(cpus) < 0)
		cpus = &affinity;
	return (int16_t)(cpuset_has(cpus, (unsigned)irq->cpu) ? irq->cpu : cpuset_first(cpus));
}

/* The index of the lcore that polls receive queue q now, by what its pollers named; -1 = nobody named it. */
static int16_t polled_by(const struct plx_env *env, const struct plx_port *p, uint16_t q)
{
	const struct plx_poller *by = q < p->nrx ? poller_of(env, p->rxq[q]) : NULL;

	return by ? (int16_t)by->lcore->index : -1;
}

/* Drops of all queues, those of the kernel among them, and what each queue has not accounted for. */
static void take_counts(struct monitor_port *o, const struct plx_port *p)
{
	o->ring = p->info.rxd + PLX_BURST_MAX;
	for (uint16_t q = 0; q < p->nrx; q++) {
		struct plx_rxq_stats s;
		uint64_t offered;
		const bool told = plx_port_rxq_stats(p, q, &s, &offered);

		for (int r = 0; r < PLX_RX_DROP_N; r++)
			o->rx_drop[r] += s.drop[r];
		o->pkts += s.pkts;
		o->waits += s.pool_waits;
		if (told && q < PLX_QUEUES_MAX)
			o->astray[q] = (int64_t)(offered - s.pkts - plx_rx_drops(&s));
	}
	for (uint16_t q = 0; q < p->ntx; q++)
		for (int r = 0; r < PLX_TX_DROP_N; r++)
			o->tx_drop[r] += plx_ctr_read(&p->txq[q]->stats.drop[r]);
}

static void take_port(struct monitor_port *o, const struct plx_env *env, struct plx_port *p,
                      const struct plan_port *plan)
{
	take_counts(o, p);
	o->first = p->conf.queue;
	o->nrx = p->nrx;
	o->ntx = p->ntx;
	for (unsigned q = 0; q < p->ntx; q++)
		o->tx_users[q] = plx_ctr_read(&p->txq[q]->stats.users);
	o->there = plx_port_link(p) != PLX_LINK_REMOVED;
	o->up = plx_port_link(p) == PLX_LINK_UP;
	o->attached = -1; /* attached.c */
	if (p->drv->passed) {
		int n = p->drv->passed(p, o->passed, PLX_QUEUES_MAX);

		o->queues = n < 0 ? 0 : n < PLX_QUEUES_MAX ? (uint32_t)n : PLX_QUEUES_MAX;
	}
	for (unsigned q = 0; q < PLX_QUEUES_MAX; q++) {
		o->irq_cpu[q] = q < p->nrx ? irq_cpu(env->sys, &plan->rxq_irq[q]) : -1;
		o->polled_by[q] = polled_by(env, p, q);
	}
}

void monitor_take(struct monitor_sample *s, const struct plx_env *env, uint64_t now)
{
	s->at = now;
	s->nirqs = 0;
	s->nlcores = env->nlcores;
	s->nports = env->nports;
	memset(s->lcore, 0, s->nlcores * sizeof(*s->lcore));
	memset(s->port, 0, s->nports * sizeof(*s->port));
	for (unsigned i = 0; i < s->nlcores; i++)
		take_lcore(&s->lcore[i], env, &env->lcores[i]);
	for (unsigned i = 0; i < s->nports; i++)
		take_port(&s->port[i], env, env->ports[i], &env->plan.ports[i]);
	monitor_frames_take(s, env);
	take_cpus(s, env);
	monitor_host(s, env);
}

bool monitor_expects_softirq(const struct plan *p, int cpu)
{
	for (unsigned i = 0; i < p->nports; i++) {
		const struct plan_port *o = &p->ports[i];

		for (unsigned q = 0; o->link.ifindex && q < o->conf.rxqs; q++)
			if (o->rxq_irq[q].cpu == cpu || o->rxq_irq[q].how == IFACE_IRQ_NONE)
				return true; /* without an interrupt the sender's CPU does it: ours, by our doorbells */
	}
	return false;
}

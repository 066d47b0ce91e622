/* SPDX-License-Identifier: MIT */
/* plan.c - the plan, step by step, and the lcores that were named.  Cold, pure; called by the
   plan stage.  Ports are in ports.c, which lcore polls what in place.c, memory in
   pools.c. */
#include "plan.h"
#include "conf.h"
#include "plx_text.h"
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
	finding_make(&p->notes[p->nnotes], NULL, "%s", "");
	va_start(ap, fmt);
	finding_vevidence(&p->notes[p->nnotes++], fmt, ap);
	va_end(ap);
}

/* ---- lcores ---- */

bool plan_usable(const struct topo *t, unsigned cpu)
{
	return cpu < t->ncpus && t->cpu[cpu].online && t->cpu[cpu].allowed;
}

static int check_cpu(struct plan_maker *m, const char *what, unsigned id, unsigned cpu)
{
	const char *opt = *what == 'l' ? "-l" : *what == 's' ? "-S" : NULL;
	char list[256];

	if (!m->t->ncpus || plan_usable(m->t, cpu))
		return 0;
	topo_allowed_list(m->t, list, sizeof(list));
	if (cpu < m->t->ncpus && m->t->cpu[cpu].present && !m->t->cpu[cpu].online)
		return plan_fail(m, -EINVAL, "%s %u: CPU %u is offline: use %s of %s, or echo 1 > "
		                 "/sys/devices/system/cpu/cpu%u/online", what, id, cpu, opt ? opt : "one", list, cpu);
	if (cpu >= m->t->ncpus || !m->t->cpu[cpu].online)
		return plan_fail(m, -EINVAL, "%s %u: CPU %u is not there or offline: use %s of %s", what, id, cpu,
		                 opt ? opt : "one", list);
	/* a cpuset that is known and does not bar it: then it is the affinity, which its parent gave */
	if (m->t->cpuset.version && !m->t->cpu[cpu].barred)
		return plan_fail(m, -EINVAL,
		                 "%s %u: CPU %u is not in this process's affinity (%s): use %s %s, or taskset -c %s,%u "
		                 "before the program",
		                 what, id, cpu, list, opt ? opt : "one of", list, list, cpu);
	return plan_fail(m, -EINVAL, "%s %u: CPU %u is not in this process's cpuset (%s%s%s): use %s %s", what, id, cpu,
	                 list, m->t->cpuset.version ? " of cgroup " : "", m->t->cpuset.path, opt ? opt : "one of",
	                 list);
}

static int16_t node_of(const struct topo *t, const struct plan_lcore *l)
{
	int16_t node = l->ncpus ? t->cpu[l->cpus[0]].node : -1;

	for (uint16_t i = 1; i < l->ncpus; i++)
		if (t->cpu[l->cpus[i]].node != node)
			return -1;
	return node;
}

static int given_lcores(struct plan_maker *m, const struct plx_lcore_conf *c, uint16_t n, bool service)
{
	struct plan *p = m->p;

	for (; n; n--, c++) {
		struct plan_lcore *l = &p->lcores[p->nlcores++];

		for (uint16_t k = 0; k < c->ncpus; k++) {
			int err = check_cpu(m, service ? "service lcore" : "lcore", c->id, c->cpus[k]);
			if (err)
				return err;
		}
		l->id = c->id;
		l->ncpus = c->ncpus;
		memcpy(l->cpus, c->cpus, sizeof(l->cpus));
		l->cpu = c->ncpus ? c->cpus[0] : -1;
		l->node = node_of(m->t, l);
		l->service = service;
	}
	return 0;
}

/* What is in two lists, or too much for the caches of a pool, is known before CPUs are looked at. */
static int check_lists(struct plan_maker *m)
{
	const struct plx_env_conf *c = m->conf;
	unsigned lcores = (c->nlcores ? c->nlcores : 1u) + c->nservice;

	for (uint16_t i = 0; i < c->nservice; i++)
		for (uint16_t k = 0; k < c->nlcores; k++)
			if (c->service[i].id == c->lcores[k].id)
				return plan_fail(
					m, -EINVAL,
					"lcore %u is in -l and in -S: take it out of one of them; two lcores on "
					"one CPU are written as %u@%u",
					c->service[i].id, c->service[i].id,
					c->service[i].ncpus ? c->service[i].cpus[0] : 0);
	if (lcores + c->registered > PLX_LCORES_MAX)
		return plan_fail(m, -EINVAL, "%u lcores and %u threads that may register as one are more than %d: use "
		                 "--registered-threads %u or fewer lcores", lcores, c->registered, PLX_LCORES_MAX,
		                 lcores < PLX_LCORES_MAX ? PLX_LCORES_MAX - lcores : 0);
	return 0;
}

static int all_lcores(struct plan_maker *m)
{
	const struct plx_env_conf *c = m->conf;
	int err = check_lists(m);

	if (err)
		return err;
	if (c->nlcores)
		err = given_lcores(m, c->lcores, c->nlcores, false);
	else
		plan_lcores(m);
	m->p->nworkers = m->p->nlcores;
	if (!err)
		err = given_lcores(m, c->service, c->nservice, true);
	m->p->caches = m->p->nlcores + c->registered;
	return err;
}

enum { SHARED_TOLD = 8 }; /* lcores that are named as sharing a CPU */

/* on_cpu writes the lcores that are on one CPU: "0, 1 and 2". */
static char *on_cpu(const struct plan *p, int cpu, char *buf, size_t len)
{
	unsigned all = 0, n = 0;

	for (uint16_t i = 0; i < p->nlcores; i++)
		all += p->lcores[i].ncpus == 1 && p->lcores[i].cpu == cpu;
	buf[0] = 0;
	for (uint16_t i = 0; i < p->nlcores; i++) {
		if (p->lcores[i].ncpus != 1 || p->lcores[i].cpu != cpu || n == SHARED_TOLD)
			continue;
		plx_text_add(buf, len, "%s%u", !n ? "" : n + 1 < all ? ", " : " and ", p->lcores[i].id);
		n++;
	}
	if (n < all)
		plx_text_add(buf, len, " and %u more", all - n);
	return buf;
}

/* note_shared_cpus tells of the first lcores that take time from each other. */
static void note_shared_cpus(struct plan_maker *m)
{
	const struct plan *p = m->p;
	char list[128];

	for (uint16_t i = 1; i < p->nlcores; i++) {
		for (uint16_t k = 0; k < i; k++) {
			const struct plan_lcore *a = &p->lcores[k], *b = &p->lcores[i];
			if (a->ncpus != 1 || b->ncpus != 1)
				continue;
			if (a->cpu == b->cpu)
				plan_note(m->p, "lcores %s share CPU %d%s", on_cpu(p, a->cpu, list, sizeof(list)),
				          a->cpu,
				          m->conf->idle == PLX_IDLE_BUSY ?
				                  ": --idle=adaptive lets one sleep for the other" :
				                  "");
			else if (m->t->ncpus && m->t->cpu[a->cpu].core >= 0 &&
			         m->t->cpu[a->cpu].core == m->t->cpu[b->cpu].core)
				plan_note(m->p, "lcores %u and %u are two threads of one core (CPUs %d and %d)", a->id,
				          b->id, a->cpu, b->cpu);
			else
				continue;
			return;
		}
	}
}

/* note_quota: a busy lcore takes a CPU's whole time, and what has used its cgroup's up stands still
   until the period is over. */
static void note_quota(struct plan_maker *m)
{
	const struct topo *t = m->t;
	double cpus = t->quota_us ? (double)t->quota_us / (double)t->period_us : 0;

	if (!t->quota_us || m->p->nlcores <= cpus || m->conf->idle != PLX_IDLE_BUSY)
		return;
	plan_note(m->p,
	          "cgroup %s has the time of %.3g CPU%s (%s): %u busy lcore%s will stand still for a part of each %llu "
	          "ms: "
	          "--idle=adaptive, or a cgroup with more",
	          t->time.path, cpus, cpus == 1 ? "" : "s", t->time.version == 1 ? "cpu.cfs_quota_us" : "cpu.max",
	          m->p->nlcores, m->p->nlcores == 1 ? "" : "s", (unsigned long long)(t->period_us / 1000));
}

/* plan_main: --main-lcore names an lcore of -l, whose CPU main and watch share, or
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

/* What the bytes of a frame decide. */
static int by_frame(struct plan_maker *m)
{
	int err = plan_mtus(m);

	err = err ? err : plan_pools(m);
	err = err ? err : plan_zerocopy(m);
	err = err ? err : plan_rights(m);
	return err ? err : plan_memory(m);
}

/* Larger frames that nobody asked for end no start: neither for their bytes nor for the right to lock them. */
static int any_frame(struct plan_maker *m)
{
	const uint16_t notes = m->p->nnotes;
	int err = by_frame(m);

	if ((err != -ENOMEM && err != -EPERM) || !plan_frame_lower(m))
		return err;
	m->p->nnotes = notes;
	return by_frame(m);
}

int plan_make(struct plan *p, const struct plx_env_conf *conf, const struct host *host, char *why, size_t whylen)
{
	struct plan_maker m = { p, conf, host, &host->topo, why, whylen };
	int err;

	memset(p, 0, sizeof(*p));
	p->conf = conf;
	err = plan_ports(&m);
	if (err)
		return err;
	plan_irqs(&m);
	err = all_lcores(&m);
	if (!err)
		err = plan_main(&m);
	if (!err)
		err = plan_txqs(&m);
	if (err)
		return err;
	plan_rings(&m);
	note_shared_cpus(&m);
	note_quota(&m);
	plan_place(&m);
	plan_owners(&m);
	return any_frame(&m);
}

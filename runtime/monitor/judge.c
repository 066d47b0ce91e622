/* SPDX-License-Identifier: MIT */
/* judge.c - judging what happens against the plan: two samples in, findings and log lines out.
   Cold; watch thread, under env->lock.  Samples are taken by sample.c. */
#include "env.h"
#include "lcore.h"
#include "monitor.h"
#include "plx_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull
#define POOL_FIRST "the port's pool has no frame: see pool_empty"

const struct monitor_limit monitor_limits[MONITOR_N] = {
#define X(id, threshold, unit, what) { #id, threshold, unit, what },
	MONITOR_FACTS(X)
#undef X
};

int monitor_open(struct monitor *t, const struct plan *p, const struct plx_log *log, uint64_t cycles_hz)
{
	bool all = true;

	memset(t, 0, sizeof(*t));
	t->plan = p;
	t->log = log;
	t->cycles_hz = cycles_hz;
	t->share = calloc(p->nlcores + 1u, sizeof(*t->share));
	t->found = calloc(MONITOR_FOUND_MAX, sizeof(*t->found));
	all &= t->share && t->found;
	for (int i = 0; i < 2; i++) {
		struct monitor_sample *s = &t->sample[i];

		s->nlcores = p->nlcores;
		s->nports = p->nports;
		s->lcore = calloc(p->nlcores + 1u, sizeof(*s->lcore));
		s->port = calloc(p->nports + 1u, sizeof(*s->port));
		all &= s->lcore && s->port;
	}
	if (!all)
		monitor_close(t);
	return all ? 0 : -ENOMEM;
}

void monitor_close(struct monitor *t)
{
	monitor_ask_close(&t->ask);
	free(t->share);
	free(t->found);
	for (int i = 0; i < 2; i++) {
		free(t->sample[i].lcore);
		free(t->sample[i].port);
	}
	memset(t, 0, sizeof(*t));
}

/* ---- findings ---- */

static struct monitor_found *find(struct monitor *t, enum monitor_fact fact, uint32_t which)
{
	for (unsigned i = 0; i < MONITOR_FOUND_MAX; i++)
		if (t->found[i].used && t->found[i].fact == fact && t->found[i].which == which)
			return &t->found[i];
	return NULL;
}

struct finding *monitor_met(struct monitor *t, enum monitor_fact fact, uint32_t which, double value, const char *object,
                            ...)
{
	struct monitor_found *o = find(t, fact, which);
	const struct monitor_limit *limit = &monitor_limits[fact];
	va_list ap;

	if (value < (o && o->stands ? limit->threshold / 2 : limit->threshold))
		return NULL;
	for (unsigned i = 0; !o && i < MONITOR_FOUND_MAX; i++)
		if (!t->found[i].used) {
			o = &t->found[i];
			*o = (struct monitor_found){ .used = true, .fact = fact, .which = which };
		}
	if (!o)
		return NULL;
	o->seen = true;
	va_start(ap, object);
	finding_vmake(&o->f, limit->name, object, ap);
	va_end(ap);
	o->f.unit = limit->unit;
	o->f.value = value;
	return &o->f;
}

static void tell(struct monitor *t, struct monitor_found *o, uint64_t now)
{
	char age[48] = "";

	if (o->told && now - o->told < o->gap)
		return;
	if (now - o->since >= MONITOR_REPEAT_S * SECOND)
		plx_text_add(age, sizeof(age), ", for %llu s now", (unsigned long long)((now - o->since) / SECOND));
	finding_log(t->log, PLX_LOG_WARN, &o->f, age);
	o->gap = o->gap ? o->gap * 2 : MONITOR_REPEAT_S * SECOND;
	if (o->gap > MONITOR_REPEAT_MAX_S * SECOND)
		o->gap = MONITOR_REPEAT_MAX_S * SECOND;
	o->told = now;
}

/* What comes and goes within the gap is told once: its begin, and its end after that. */
static void settle_one(struct monitor *t, struct monitor_found *o, uint64_t now)
{
	const bool rate = *monitor_limits[o->fact].unit;

	o->bad = o->seen ? (o->bad < UINT8_MAX ? o->bad + 1 : o->bad) : 0;
	o->good = o->seen ? 0 : (o->good < UINT8_MAX ? o->good + 1 : o->good);
	if (o->seen && !o->stands && o->bad >= (rate ? MONITOR_RATE_BAD : 1)) {
		o->stands = true;
		o->since = now;
	}
	if (o->seen && o->stands)
		tell(t, o, now);
	if (!o->seen && o->stands && o->good >= (rate ? MONITOR_GOOD : 1)) {
		o->stands = false;
		if (o->told >= o->since)
			plx_logf(t->log, PLX_LOG_NOTICE, "%s: %s is over after %llu s", o->f.object, o->f.name,
			         (unsigned long long)((now - o->since) / SECOND));
	}
	if (!o->seen && !o->stands && (!o->told || now - o->told >= o->gap))
		o->used = false;
	o->seen = false;
}

/* ---- lcores ---- */

static double share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t grown(uint64_t was, uint64_t is)
{
	return monitor_grown(was, is);
}

static void judge_sched(struct monitor *t, unsigned i, const struct monitor_lcore *was, const struct monitor_lcore *is,
                        uint64_t dt)
{
	const struct plan_lcore *l = &t->plan->lcores[i];
	struct monitor_share *s = &t->share[i];
	struct finding *f;

	if (!was->sched_told || !is->sched_told)
		return;
	/* the kernel adds a wait when it is over, be it longer than a look */
	const uint64_t waited = grown(was->wait_ns, is->wait_ns);

	s->stolen = (float)share(waited < dt ? waited : dt, dt);
	s->preempted = (float)((double)grown(was->preempted, is->preempted) * 1e9 / (double)dt);
	if ((f = monitor_met(t, MONITOR_stolen, l->id, s->stolen, "lcore %u", l->id))) {
		finding_evidence(f,
		                 "it waited %.1f %% of the time while another task ran on CPU %d, "
		                 "and was interrupted %.0f times a second",
		                 (double)s->stolen, l->cpu, (double)s->preempted);
		finding_fix(f, "see which with ps -eLo psr,pcpu,tid,comm --sort -pcpu | awk '$1==%d', "
		            "and move it by taskset -p or choose another CPU with -l", l->cpu);
	} else if ((f = monitor_met(t, MONITOR_preempted, l->id, s->preempted, "lcore %u", l->id))) {
		finding_evidence(f, "other tasks interrupted it %.0f times a second on CPU %d, for %.1f %% "
		                 "of the time", (double)s->preempted, l->cpu, (double)s->stolen);
		finding_fix(f, "isolate CPU %d (isolcpus=, nohz_full= or a cpuset partition)", l->cpu);
	}
}

/* One of the shares of the CPU's time that the lcore has no part in. */
static void judge_part(struct monitor *t, unsigned i, enum monitor_fact fact, float value, const char *evidence,
                       const char *fix)
{
	const struct plan_lcore *l = &t->plan->lcores[i];
	struct finding *f = monitor_met(t, fact, l->id, (double)value, "lcore %u", l->id);

	if (!f)
		return;
	finding_evidence(f, "%.1f %% of CPU %d went to %s", (double)value, l->cpu, evidence);
	finding_fix(f, "%s", fix);
}

static void judge_ticks(struct monitor *t, unsigned i, const struct monitor_lcore *was, const struct monitor_lcore *is,
                        uint64_t dt)
{
	const uint64_t ticks = grown(was->ticks, is->ticks);
	struct monitor_share *s = &t->share[i];
	char what[64] = "";

	if (!was->ticks_told || !is->ticks_told || !ticks)
		return;
	s->hardirq = (float)share(grown(was->hardirq, is->hardirq), ticks);
	s->softirq = (float)share(grown(was->softirq, is->softirq), ticks);
	s->steal = (float)share(grown(was->steal, is->steal), ticks);
	plx_text_add(what, sizeof(what), "softirqs, NET_RX %.0f times a second",
	             (double)grown(was->net_rx, is->net_rx) * 1e9 / (double)dt);
	if (!monitor_expects_softirq(t->plan, t->plan->lcores[i].cpu))
		judge_part(t, i, MONITOR_softirq, s->softirq, what,
		           "keep interrupts and RPS off it: see /proc/irq/*/effective_affinity_list and rps_cpus of "
		           "the interfaces");
	judge_part(t, i, MONITOR_hardirq, s->hardirq, "interrupts",
	           "see which with /proc/interrupts, and move them by /proc/irq/N/smp_affinity_list");
	judge_part(t, i, MONITOR_steal, s->steal, "other virtual machines",
	           "pin the virtual CPU to a CPU of its own on the host");
}

/* An lcore that mostly sleeps lets its clock sink, and may. */
static void judge_clock(struct monitor *t, unsigned i, const struct monitor_lcore *is)
{
	const struct plan_lcore *l = &t->plan->lcores[i];
	struct finding *f;

	if (!is->khz || is->khz >= is->khz_max || t->share[i].sleep > 50 ||
	    !(f = monitor_met(t, MONITOR_slow_clock, l->id, share(is->khz_max - is->khz, is->khz_max), "lcore %u",
	                      l->id)))
		return;
	finding_evidence(f, "CPU %d runs at %u MHz and can do %u", l->cpu, is->khz / 1000, is->khz_max / 1000);
	finding_fix(f, "echo performance > /sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor; where that "
	            "does not help, heat, a power limit or scaling_max_freq beside it holds the clock down", l->cpu);
}

static void judge_cpus(struct monitor *t, unsigned i, const struct monitor_lcore *is)
{
	const struct plan_lcore *l = &t->plan->lcores[i];
	struct cpuset want = cpuset_of(l->cpus, l->ncpus);
	struct finding *f;

	if (is->offline && (f = monitor_met(t, MONITOR_offline, l->id, 1, "lcore %u", l->id))) {
		finding_evidence(f, "CPU %d is offline, the lcore runs on some other CPU", l->cpu);
		finding_fix(f, "echo 1 > /sys/devices/system/cpu/cpu%d/online, and start again", l->cpu);
		return;
	}
	if (!is->cpus_told || !l->ncpus || cpuset_equal(&want, &is->cpus))
		return;
	if ((f = monitor_met(t, MONITOR_affinity, l->id, 1, "lcore %u", l->id))) {
		finding_evidence(f, "it may run on %u CPUs from CPU %d on, planned were %u from CPU %d on",
		                 cpuset_count(&is->cpus), cpuset_first(&is->cpus), l->ncpus, l->cpu);
		finding_fix(f, "find who calls taskset or changes its cpuset, and start again");
	}
}

static void judge_lcore(struct monitor *t, unsigned i, const struct monitor_lcore *was, const struct monitor_lcore *is,
                        uint64_t dt)
{
	const double cycles = (double)t->cycles_hz * (double)dt / 1e9;

	t->share[i] = (struct monitor_share){ -1, -1, -1, -1, -1, -1, -1, -1 };
	if (!was->runs || !is->runs)
		return;
	if (cycles > 0) {
		t->share[i].busy = (float)(100.0 * (double)grown(was->busy_cycles, is->busy_cycles) / cycles);
		t->share[i].idle = (float)(100.0 * (double)grown(was->idle_cycles, is->idle_cycles) / cycles);
		/* the rest: an lcore counts a sleep only when it is over */
		t->share[i].sleep = 100 - t->share[i].busy - t->share[i].idle;
		t->share[i].sleep = t->share[i].sleep < 0 ? 0 : t->share[i].sleep;
	}
	judge_sched(t, i, was, is, dt);
	judge_ticks(t, i, was, is, dt);
	judge_clock(t, i, is);
	judge_cpus(t, i, is);
}

static void judge_group(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is,
                        uint64_t dt)
{
	const double stopped = was->group_told && is->group_told ? share(grown(was->throttled, is->throttled), dt) : 0;
	struct finding *f = monitor_met(t, MONITOR_throttled, 0, stopped, "the program");

	if (!f)
		return;
	finding_evidence(f, "threads of %s were stopped for its CPU quota, for %.0f ms of each second, "
	                 "all CPUs together", is->group, stopped * 10);
	finding_fix(f, "let it have more: echo max > cpu.max there, or echo -1 > cpu.cfs_quota_us with cgroup "
	            "version 1; or use fewer lcores, or --idle adaptive");
}

/* ---- ports ---- */

static void judge_attached(struct monitor *t, unsigned i, const struct monitor_port *is)
{
	const char *name = t->plan->ports[i].conf.name;
	struct finding *f;

	if (is->attached || !is->there || !(f = monitor_met(t, MONITOR_not_attached, i, 1, "%s", name)))
		return;
	finding_evidence(f, "somebody took the XDP program off, so frames go to the host; %s%s",
	                 *is->holder ? "in its place is " : "nothing is in its place", is->holder);
	finding_fix(f, "find out who did (bpftool net list dev %s), and start the program again", PLX_QUOTED(name));
}

/* What is gone is gone for good: an interface that is made again, or comes back from another
   network namespace, has none of the port's sockets. */
static void judge_there(struct monitor *t, unsigned i, const struct monitor_port *is)
{
	const struct plan_port *o = &t->plan->ports[i];
	const char *name = o->link.name;
	struct finding *f;

	if (!o->link.ifindex)
		return;
	if (!is->there && (f = monitor_met(t, MONITOR_removed, i, 1, "%s", o->conf.name))) {
		finding_evidence(f, "interface %u was removed or went to another network namespace", o->link.ifindex);
		if (is->named)
			finding_evidence(f, "; the %s that is here now is interface %u and not the port's", name,
			                 is->named);
		finding_fix(f, "%sstart the program again", is->named ? "" : "bring the interface back, and ");
	} else if (is->there && *is->now && strcmp(is->now, name) && (f = monitor_met(t, MONITOR_renamed, i, 1,
	                                                                            "%s", o->conf.name))) {
		finding_evidence(f, "interface %u was %s and is %s now: frames come all the same", o->link.ifindex,
		                 name, is->now);
		if (is->named)
			finding_evidence(f, "; %s is interface %u", name, is->named);
		finding_fix(f,
		            "have --iface name it %s from the next start on; or ip link set dev %s name %s, which "
		            "kernels before 6.2 refuse while it is up",
		            PLX_QUOTED(is->now), PLX_QUOTED(is->now), PLX_QUOTED(name));
	}
}

static void judge_missed(struct monitor *t, unsigned i, const struct monitor_port *was, const struct monitor_port *is,
                         uint64_t dt)
{
	const char *where = "";
	const double rate = (double)monitor_missed_most(was, is, &where) * 1e9 / (double)dt;
	struct finding *f = monitor_met(t, MONITOR_missed, i, rate, "%s", t->plan->ports[i].conf.name);

	if (!f)
		return;
	finding_evidence(f, "the NIC had no buffer for %.0f frames a second (%s)", rate, where);
	finding_fix(f,
	            "use more queues and lcores; against bursts, a longer ring: ethtool -G %s rx N (ethtool -g tells "
	            "the most), and rxd= of --iface",
	            PLX_QUOTED(*is->now ? is->now : t->plan->ports[i].conf.name));
}

static void judge_nodes(struct monitor *t, unsigned i, const struct monitor_port *is)
{
	const struct plan_port *o = &t->plan->ports[i];
	unsigned far = 0, first = 0;
	struct finding *f;

	for (unsigned q = 0; o->link.node >= 0 && q < is->nrx && q < PLX_QUEUES_MAX; q++) {
		const int by = is->polled_by[q],
			  node = by >= 0 && by < t->plan->nlcores ? t->plan->lcores[by].node : -1;

		if (node < 0 || node == o->link.node)
			continue;
		first = far++ ? first : q;
	}
	if (far && (f = monitor_met(t, MONITOR_far_lcore, i, 1, "%s", o->conf.name))) {
		const struct plan_lcore *l = &t->plan->lcores[is->polled_by[first]];

		finding_evidence(f,
		                 "it is on node %d, and %u of its %u receive queues are polled on other nodes: queue "
		                 "%u by lcore %u on node %d",
		                 o->link.node, far, is->nrx, is->first + first, l->id, l->node);
		finding_fix(f, "name CPUs of node %d with -l: cat /sys/devices/system/node/node%d/cpulist",
		            o->link.node, o->link.node);
	}
	if (is->far_pages && (f = monitor_met(t, MONITOR_far_memory, i, 1, "%s", o->conf.name))) {
		finding_evidence(f, "it is on node %d, and of %u pages of its frames %u are elsewhere, one on node %d",
		                 o->link.node, is->pages, is->far_pages, is->far_node);
		finding_fix(f,
		            "raise the hugepages of node %d, keep the kernel from moving pages "
		            "(sysctl kernel.numa_balancing=0), and start again; pollux doctor tells how many",
		            o->link.node);
	}
}

/* Ports of one interface share its program, which counts all queues: another one tells of q. */
static bool of_another(const struct monitor *t, const struct monitor_sample *s, unsigned i, uint32_t q, bool ours)
{
	const uint32_t ifindex = t->plan->ports[i].link.ifindex;

	for (unsigned k = 0; k < s->nports && !ours; k++) {
		const struct monitor_port *o = &s->port[k];

		if (k != i && ifindex && t->plan->ports[k].link.ifindex == ifindex && o->queues &&
		    (k < i || (q >= o->first && q < (uint32_t)o->first + o->nrx)))
			return true;
	}
	return false;
}

static void judge_queues(struct monitor *t, unsigned i, const struct monitor_port *was, const struct monitor_sample *s,
                         uint64_t dt)
{
	const struct monitor_port *is = &s->port[i];
	const uint32_t n = is->queues < was->queues ? is->queues : was->queues, end = (uint32_t)is->first + is->nrx;
	const char *name = t->plan->ports[i].conf.name;

	for (uint32_t q = 0; q < n && q < PLX_QUEUES_MAX; q++) {
		const double rate = (double)grown(was->passed[q], is->passed[q]) * 1e9 / (double)dt;
		const bool ours = q >= is->first && q < end;
		const enum monitor_fact fact = ours ? MONITOR_passed_by : MONITOR_unserved;
		struct finding *f;

		if (of_another(t, s, i, q, ours) ||
		    !(f = monitor_met(t, fact, i << 16 | q, rate, "%s queue %u", name, q)))
			continue;
		finding_evidence(f, "%.0f frames a second go to the host, because %s", rate,
		                 ours ? "its lcore does not poll it in time" : "no socket of this program is there");
		if (ours)
			finding_fix(f, "give the queue a poller that returns, or raise stall= of --iface %s",
			            PLX_QUOTED(name));
		else
			finding_fix(f, "poll it too (--iface %s,queue=0,queues=%u)", PLX_QUOTED(name),
			            q + 1 > end ? q + 1 : end);
		if (!ours && strcmp(t->plan->ports[i].link.kdriver, "veth"))
			finding_fix(f, ", or let nothing arrive there: ethtool -X %s start %u equal %u",
			            PLX_QUOTED(name), is->first, is->nrx);
		else if (!ours && !is->first) /* no table: the queue it is sent by is the one it arrives on */
			finding_fix(f, ", or have its other end send by fewer: ethtool -L with tx %u, there", is->nrx);
	}
}

static void judge_drop(struct monitor *t, unsigned i, unsigned reason, bool rx, const char *name, double rate,
                       const char *why)
{
	struct finding *f = monitor_met(t, MONITOR_drops, i << 16 | (unsigned)rx << 15 | reason, rate,
	                              "%s %s", t->plan->ports[i].conf.name, rx ? "rx" : "tx");

	if (!f)
		return;
	finding_evidence(f, "%s: %.0f frames a second", name, rate);
	finding_fix(f, "%s", why);
}

/* What is missing for want of a frame is the pool's to tell. */
static const char *rx_fix(const struct monitor *t, unsigned i, unsigned r)
{
	const bool frames = r == PLX_RX_DROP_no_mbuf || r == PLX_RX_DROP_fill_empty;

	return frames && t->empty >> t->plan->ports[i].pool & 1 ? POOL_FIRST : plx_rx_drop_why((enum plx_rx_drop)r);
}

static const char *tx_fix(const struct monitor *t, unsigned i, unsigned r)
{
	return r == PLX_TX_DROP_no_mbuf && t->empty >> t->plan->ports[i].pool & 1 ? POOL_FIRST :
	       plx_tx_drop_why((enum plx_tx_drop)r);
}

static void judge_drops(struct monitor *t, unsigned i, const struct monitor_port *was, const struct monitor_port *is,
                        uint64_t dt)
{
#define X(id, why) #id,
	static const char *const rx[] = { PLX_RX_DROPS(X) }, *const tx[] = { PLX_TX_DROPS(X) };
#undef X
	for (unsigned r = 0; r < PLX_RX_DROP_N; r++)
		judge_drop(t, i, r, true, rx[r], (double)grown(was->rx_drop[r], is->rx_drop[r]) * 1e9 / (double)dt,
		           rx_fix(t, i, r));
	for (unsigned r = 0; r < PLX_TX_DROP_N; r++)
		judge_drop(t, i, r, false, tx[r], (double)grown(was->tx_drop[r], is->tx_drop[r]) * 1e9 / (double)dt,
		           tx_fix(t, i, r));
}

/* Hand-overs that the environment makes or is told of are not among them. */
static void judge_users(struct monitor *t, unsigned i, const struct monitor_port *was, const struct monitor_port *is,
                        uint64_t dt)
{
	const struct plan_port *o = &t->plan->ports[i];

	for (unsigned q = 0; q < is->ntx && q < PLX_QUEUES_MAX; q++) {
		const double rate = (double)grown(was->tx_users[q], is->tx_users[q]) * 1e9 / (double)dt;
		struct finding *f = monitor_met(t, MONITOR_shared_txq, i << 16 | q, rate,
		                              "%s transmit queue %u", o->conf.name, q);

		if (!f)
			continue;
		finding_evidence(f, "its using thread changes %.0f times a second; the plan has it for "
		                 "lcore %u", rate, t->plan->lcores[o->txq_lcore[q]].id);
		finding_fix(f, "let each lcore send by the queue that plx_env_txq(env, port, lcore) gives it, "
		            "and no other thread");
	}
}

static void judge_irqs_moved(struct monitor *t, unsigned i, const struct monitor_port *is)
{
	const struct plan_port *o = &t->plan->ports[i];

	for (unsigned q = 0; q < o->conf.rxqs && q < PLX_QUEUES_MAX; q++) {
		const struct plan_irq *irq = &o->rxq_irq[q];
		struct finding *f;

		if (irq->irq < 0 || irq->cpu < 0 || is->irq_cpu[q] < 0 || is->irq_cpu[q] == irq->cpu ||
		    !(f = monitor_met(t, MONITOR_irq_moved, i << 16 | q, 1,
		                    "%s queue %u", o->conf.name, o->conf.queue + q)))
			continue;
		finding_evidence(f, "interrupt %d went from CPU %d to CPU %d", irq->irq, irq->cpu, is->irq_cpu[q]);
		finding_fix(f, "echo %d > /proc/irq/%d/smp_affinity_list, and keep irqbalance off it "
		            "(IRQBALANCE_ARGS=--banirq=%d)", irq->cpu, irq->irq, irq->irq);
	}
}

/* ---- interrupts on an lcore's CPU ---- */

/* The plan put this interrupt there. */
static bool planned(const struct plan *p, int irq, int cpu)
{
	for (unsigned i = 0; i < p->nports; i++)
		for (unsigned q = 0; q < p->ports[i].conf.rxqs && q < PLX_QUEUES_MAX; q++)
			if (p->ports[i].rxq_irq[q].irq == irq && p->ports[i].rxq_irq[q].cpu == cpu)
				return true;
	return false;
}

static uint64_t irq_before(const struct monitor_sample *s, const struct monitor_irq *irq)
{
	for (unsigned i = 0; i < s->nirqs; i++)
		if (s->irq[i].irq == irq->irq && s->irq[i].lcore == irq->lcore)
			return s->irq[i].n;
	return 0; /* a sample has no row for what never came */
}

static void judge_irqs(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is,
                       uint64_t dt)
{
	for (unsigned i = 0; was->nirqs < MONITOR_IRQS_MAX && i < is->nirqs; i++) {
		const struct monitor_irq *irq = &is->irq[i];
		const struct plan_lcore *l = &t->plan->lcores[irq->lcore];
		double rate = (double)grown(irq_before(was, irq), irq->n) * 1e9 / (double)dt;
		struct finding *f;

		if (!was->lcore[irq->lcore].runs || !is->lcore[irq->lcore].runs || planned(t->plan, irq->irq, l->cpu) ||
		    !(f = monitor_met(t, MONITOR_irq_here, (uint32_t)irq->irq << 8 | irq->lcore, rate, "lcore %u",
		                      l->id)))
			continue;
		finding_evidence(f, "interrupt %d (%s) comes %.0f times a second on CPU %d", irq->irq,
		                 *irq->action ? irq->action : "no name", rate, l->cpu);
		finding_fix(f, "send it to another CPU: echo CPU > /proc/irq/%d/smp_affinity_list", irq->irq);
	}
}

/* ---- all of it ---- */

void monitor_judge(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is)
{
	if (!was->at || is->at <= was->at)
		return;
	const uint64_t dt = is->at - was->at;

	judge_group(t, was, is, dt);
	for (unsigned i = 0; i < is->nlcores; i++)
		judge_lcore(t, i, &was->lcore[i], &is->lcore[i], dt);
	monitor_frames_judge(t, was, is, dt);
	for (unsigned i = 0; i < is->nports; i++) {
		judge_there(t, i, &is->port[i]);
		judge_attached(t, i, &is->port[i]);
		judge_missed(t, i, &was->port[i], &is->port[i], dt);
		judge_nodes(t, i, &is->port[i]);
		judge_queues(t, i, &was->port[i], is, dt);
		judge_drops(t, i, &was->port[i], &is->port[i], dt);
		judge_users(t, i, &was->port[i], &is->port[i], dt);
		judge_irqs_moved(t, i, &is->port[i]);
	}
	judge_irqs(t, was, is, dt);
	for (unsigned i = 0; i < MONITOR_FOUND_MAX; i++)
		if (t->found[i].used)
			settle_one(t, &t->found[i], is->at);
	t->samples++;
}

/* What this thread had of a CPU: a sample costs that, however long others held it up. */
static uint64_t own_ns(const struct plx_sys *sys)
{
	struct timespec t;

	return sys->clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? 0 : (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* Where its thread was allowed to run until now is nobody's doing. */
static void pin_returned(const struct monitor_sample *was, struct monitor_sample *is, const struct plx_env *env)
{
	for (unsigned i = 0; was->at && i < is->nlcores; i++)
		if (was->lcore[i].offline && is->lcore[i].ticks_told && !lcore_pin_again(&env->lcores[i]))
			is->lcore[i].cpus_told = false;
}

void monitor_look(struct monitor *t, const struct plx_env *env, uint64_t now)
{
	if (!t->share || now < t->due)
		return;
	struct monitor_sample *was = &t->sample[t->last], *is = &t->sample[!t->last];
	const uint64_t begin = own_ns(env->sys);
	monitor_take(is, env, now);
	monitor_ask_take(&t->ask, is);
	pin_returned(was, is, env);
	monitor_judge(t, was, is);
	for (unsigned i = 0; i < env->nports; i++)
		if (t->count[i].split && !__atomic_exchange_n(&env->ports[i]->split, true, __ATOMIC_RELAXED))
			__atomic_store_n(&env->ports[i]->wants_repair, true, __ATOMIC_RELEASE); /* with its repair */
	t->last = !t->last;
	const uint64_t took = (own_ns(env->sys) - begin) * MONITOR_COST, least = MONITOR_PERIOD_MS * 1000000ull;

	t->due = now + (took > least ? took : least);
}

/* SPDX-License-Identifier: MIT */
/* status_json.c - what the live view tells: one JSON object of a running environment.  The keys
   are those of docs/live.md and stay.  Cold; watch thread, under
   env->lock: main alters the book of pollers. */
#include "env.h"
#include "lcore.h"
#include "status.h"
#include "membuf.h"
#include "plx_json.h"
#include "monitor.h"
#include <stdlib.h>
#include <unistd.h>

enum { LIVE_SCHEMA = 1 };

static const char *const state_names[] = {
	[PLX_LCORE_BOOT] = "boot", [PLX_LCORE_WAIT] = "wait", [PLX_LCORE_RUN] = "run",
	[PLX_LCORE_SLEEP] = "sleep", [PLX_LCORE_HALT] = "halt", [PLX_LCORE_FAIL] = "fail",
};
static const char *const idle_names[] = {
	[PLX_IDLE_BUSY] = "busy", [PLX_IDLE_ADAPTIVE] = "adaptive", [PLX_IDLE_INTERRUPT] = "interrupt",
};
static const char *const link_names[] = {
	[PLX_LINK_DOWN] = "down", [PLX_LINK_UP] = "up", [PLX_LINK_REMOVED] = "removed",
};

/* Percent and rates; what was not told is null. */
static void known(struct plx_json *j, const char *key, double v)
{
	if (v < 0)
		plx_json_null(j, key);
	else
		plx_json_double(j, key, v, 1);
}

/* ---- lcores ---- */

static void pollers(struct plx_json *j, const struct plx_lcore *l)
{
	plx_json_array(j, "pollers");
	for (unsigned i = 0; i < l->npollers; i++) {
		struct plx_poller_stats s;

		plx_poller_stats(l->poller[i], &s);
		plx_json_object(j, NULL);
		plx_json_text(j, "name", l->poller[i]->name);
		plx_json_u64(j, "calls", s.calls);
		plx_json_u64(j, "work_calls", s.work_calls);
		plx_json_u64(j, "errors", s.errors);
		if (s.errors)
			plx_json_i64(j, "last_error", __atomic_load_n(&l->poller[i]->last_err, __ATOMIC_RELAXED));
		else
			plx_json_null(j, "last_error");
		plx_json_u64(j, "work", s.work);
		plx_json_u64(j, "busy_cycles", s.busy_cycles);
		plx_json_u64(j, "idle_cycles", s.idle_cycles);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

static void cpus_of(struct plx_json *j, const struct plan_lcore *l, const struct monitor_lcore *now)
{
	plx_json_array(j, "planned_cpus");
	for (unsigned k = 0; k < l->ncpus; k++)
		plx_json_u64(j, NULL, l->cpus[k]);
	plx_json_array_end(j);
	if (!now->cpus_told) {
		plx_json_null(j, "cpus");
		return;
	}
	plx_json_array(j, "cpus");
	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++)
		if (cpuset_has(&now->cpus, cpu))
			plx_json_u64(j, NULL, cpu);
	plx_json_array_end(j);
}

static void lcore(struct plx_json *j, const struct plx_lcore *l, const struct monitor *t, unsigned i)
{
	struct monitor_share none = { -1, -1, -1, -1, -1, -1, -1, -1 }, s = t->samples ? t->share[i] : none;
	struct plx_lcore_stats st;

	plx_lcore_stats(l, &st);
	plx_json_object(j, NULL);
	plx_json_u64(j, "id", l->conf.id);
	plx_json_bool(j, "service", l->conf.service);
	plx_json_text(j, "state", st.state < PLX_ARRAY_SIZE(state_names) ? state_names[st.state] : "");
	plx_json_i64(j, "tid", st.tid);
	plx_json_i64(j, "node", l->conf.node);
	cpus_of(j, &l->conf, &t->sample[t->last].lcore[i]);
	known(j, "busy_percent", (double)s.busy);
	known(j, "idle_percent", (double)s.idle);
	known(j, "sleep_percent", (double)s.sleep);
	known(j, "stolen_percent", (double)s.stolen);
	known(j, "hardirq_percent", (double)s.hardirq);
	known(j, "softirq_percent", (double)s.softirq);
	known(j, "steal_percent", (double)s.steal);
	known(j, "preemptions_per_second", (double)s.preempted);
	plx_json_u64(j, "rounds", st.rounds);
	plx_json_u64(j, "busy_cycles", st.busy_cycles);
	plx_json_u64(j, "idle_cycles", st.idle_cycles);
	plx_json_u64(j, "sleeps", st.sleeps);
	plx_json_u64(j, "wakes", st.wakes);
	plx_json_u64(j, "sleep_ns", st.sleep_ns);
	pollers(j, l);
	plx_json_object_end(j);
}

/* ---- ports ---- */

/* Counters of one kind of a queue, each by its reason. */
static void reasons(struct plx_json *j, const char *key, const char *const *name, const plx_ctr *count, unsigned n)
{
	plx_json_object(j, key);
	for (unsigned i = 0; i < n; i++)
		plx_json_u64(j, name[i], plx_ctr_read(&count[i]));
	plx_json_object_end(j);
}

static void rxq(struct plx_json *j, const struct plx_env *env, const struct plx_port *p, const struct plx_rxq *q,
                const struct plan_irq *irq, int irq_cpu)
{
#define X(id, why) #id,
	static const char *const drops[] = { PLX_RX_DROPS(X) };
#undef X
	const struct plx_lcore *l = plx_env_rxq_lcore(env, q);
	const struct plx_poller *by = poller_of(env, q);
	struct plx_rxq_stats s;
	uint64_t offered;
	const bool told = plx_port_rxq_stats(p, q->id, &s, &offered);

	plx_json_object(j, NULL);
	plx_json_u64(j, "queue", q->hwq);
	plx_json_i64(j, "planned_lcore", l ? l->conf.id : -1);
	plx_json_i64(j, "lcore", by ? by->lcore->conf.id : -1);
	plx_json_i64(j, "irq", irq->irq);
	plx_json_i64(j, "planned_irq_cpu", irq->cpu);
	plx_json_i64(j, "irq_cpu", irq_cpu);
	if (told)
		plx_json_u64(j, "offered", offered);
	else
		plx_json_null(j, "offered");
	plx_json_u64(j, "packets", s.pkts);
	plx_json_u64(j, "bytes", s.bytes);
	plx_json_u64(j, "bursts", s.bursts);
	plx_json_u64(j, "empty", s.empty);
	plx_json_u64(j, "kicks", s.kicks);
	plx_json_u64(j, "pool_waits", s.pool_waits);
	reasons(j, "drops", drops, s.drop, PLX_RX_DROP_N);
	plx_json_object_end(j);
}

static void txq(struct plx_json *j, const struct plx_txq *q)
{
#define X(id, why) #id,
	static const char *const drops[] = { PLX_TX_DROPS(X) }, *const stops[] = { PLX_STOPS(X) };
#undef X
	plx_json_object(j, NULL);
	plx_json_u64(j, "queue", q->hwq);
	plx_json_u64(j, "packets", plx_ctr_read(&q->stats.pkts));
	plx_json_u64(j, "bytes", plx_ctr_read(&q->stats.bytes));
	plx_json_u64(j, "bursts", plx_ctr_read(&q->stats.bursts));
	plx_json_u64(j, "copied", plx_ctr_read(&q->stats.copied));
	plx_json_u64(j, "csums", plx_ctr_read(&q->stats.csums));
	plx_json_u64(j, "kicks", plx_ctr_read(&q->stats.kicks));
	plx_json_u64(j, "users", plx_ctr_read(&q->stats.users));
	reasons(j, "drops", drops, q->stats.drop, PLX_TX_DROP_N);
	reasons(j, "stops", stops, q->stats.stop, PLX_STOP_N);
	plx_json_object_end(j);
}

static void xstats(struct plx_json *j, struct plx_port *p)
{
	int have = plx_port_xstats(p, NULL, 0);
	struct plx_xstat *x = calloc((size_t)have, sizeof(*x));
	int n = x ? plx_port_xstats(p, x, have) : 0;

	plx_json_object(j, "counters");
	for (int i = 0; i < n && i < have; i++)
		plx_json_u64(j, x[i].name, x[i].value);
	plx_json_object_end(j);
	free(x);
}

static void port(struct plx_json *j, const struct plx_env *env, const struct monitor *t, unsigned i)
{
	static const struct plan_irq no_irq = { .irq = -1, .cpu = -1, .node = -1 };
	const struct plan_port *plan = &env->plan.ports[i];
	struct plx_port *p = env->ports[i];

	plx_json_object(j, NULL);
	plx_json_text(j, "name", p->name);
	plx_json_text(j, "planned_driver", *plan->conf.driver ? plan->conf.driver : "auto");
	plx_json_text(j, "driver", p->drv->name);
	plx_json_text(j, "mode", p->info.mode ? p->info.mode : "");
	plx_json_text(j, "why", p->info.why);
	plx_json_text(j, "link", link_names[plx_port_link(p)]);
	plx_json_u64(j, "ifindex", p->info.ifindex);
	plx_json_u64(j, "mtu", p->info.mtu);
	plx_json_i64(j, "node", p->info.node);
	plx_json_u64(j, "queue", p->conf.queue);
	plx_json_u64(j, "planned_rxqs", plan->conf.rxqs);
	plx_json_u64(j, "planned_txqs", plan->conf.txqs);
	plx_json_array(j, "rxqs");
	for (unsigned q = 0; q < p->nrx; q++)
		rxq(j, env, p, p->rxq[q], q < plan->conf.rxqs ? &plan->rxq_irq[q] : &no_irq,
		    t->sample[t->last].at ? t->sample[t->last].port[i].irq_cpu[q] : -1);
	plx_json_array_end(j);
	plx_json_array(j, "txqs");
	for (unsigned q = 0; q < p->ntx; q++)
		txq(j, p->txq[q]);
	plx_json_array_end(j);
	xstats(j, p);
	plx_json_object_end(j);
}

/* ---- findings ---- */

static void findings(struct plx_json *j, const struct monitor *t)
{
	plx_json_array(j, "findings");
	for (unsigned i = 0; i < MONITOR_FOUND_MAX; i++) {
		const struct monitor_found *o = &t->found[i];
		const struct monitor_limit *limit = &monitor_limits[o->fact];

		if (!o->used || !o->stands)
			continue;
		plx_json_object(j, NULL);
		finding_json(j, &o->f, "on");
		plx_json_double(j, "threshold", limit->threshold, 1);
		plx_json_double(j, "seconds", (double)(t->sample[t->last].at - o->since) / 1e9, 1);
		plx_json_text(j, "what", limit->what);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

static void pool(struct plx_json *j, const struct plx_env *env, unsigned i)
{
	plx_json_object(j, NULL);
	plx_json_text(j, "name", env->pools[i]->name);
	plx_json_i64(j, "node", env->segs[i].node);
	plx_json_u64(j, "frames", env->pools[i]->frames);
	plx_json_u64(j, "free", plx_pool_avail(env->pools[i]));
	plx_json_u64(j, "frame_size", env->plan.pools[i].frame_size);
	plx_json_u64(j, "page_bytes", env->segs[i].page);
	plx_json_object_end(j);
}

static void all(struct plx_json *j, const struct plx_env *env, const struct monitor *t, const char *live_name,
                uint64_t uptime_ns)
{
	plx_json_object(j, NULL);
	plx_json_u64(j, "schema", LIVE_SCHEMA);
	plx_json_text(j, "name", env->conf.name);
	plx_json_text(j, "live_name", live_name);
	plx_json_i64(j, "pid", getpid());
	plx_json_text(j, "version", PLX_VERSION);
	plx_json_double(j, "uptime_seconds", (double)uptime_ns / 1e9, 1);
	plx_json_u64(j, "samples", t->samples);
	plx_json_u64(j, "cycles_hz", env->cycles_hz);
	plx_json_text(j, "idle", idle_names[env->conf.idle]);
	plx_json_i64(j, "main_cpu", env->plan.main_cpu);
	plx_json_array(j, "lcores");
	for (unsigned i = 0; i < env->nlcores; i++)
		lcore(j, &env->lcores[i], t, i);
	plx_json_array_end(j);
	plx_json_array(j, "ports");
	for (unsigned i = 0; i < env->nports; i++)
		port(j, env, t, i);
	plx_json_array_end(j);
	plx_json_array(j, "pools");
	for (unsigned i = 0; i < env->npools; i++)
		pool(j, env, i);
	plx_json_array_end(j);
	findings(j, t);
	plx_json_object_end(j);
}

char *live_json(const struct plx_env *env, const struct monitor *t, const char *live_name, uint64_t uptime_ns)
{
	struct membuf b;
	struct plx_json j;
	FILE *f = membuf_open(&b);

	if (f) {
		plx_json_begin(&j, f);
		all(&j, env, t, live_name, uptime_ns);
		plx_json_end(&j);
	}
	return membuf_close(&b);
}

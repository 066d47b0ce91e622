/* SPDX-License-Identifier: MIT */
/* live_json.c - what the live view tells: one JSON object of a running environment.  The keys
   are those of docs/live.md and stay.  Cold; watch thread, under
   env->lock: main alters the book of pollers. */
#include "env.h"
#include "plx_json.h"
#include "live.h"
#include "truth.h"
#include <inttypes.h>
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

/* named begins an object, with its name. */
static void named(FILE *f, const char *name)
{
	fprintf(f, "{\"name\":");
	plx_json_text(f, name);
}

static void number(FILE *f, const char *key, uint64_t v)
{
	fprintf(f, ",\"%s\":%" PRIu64, key, v);
}

/* One digit behind the point, which %f writes as the program's locale has it.  v >= 0. */
static void tenths(FILE *f, const char *key, double v)
{
	const uint64_t n = (uint64_t)(v * 10 + 0.5);

	fprintf(f, ",\"%s\":%" PRIu64 ".%u", key, n / 10, (unsigned)(n % 10));
}

/* Percent and rates; what was not told is null. */
static void known(FILE *f, const char *key, double v)
{
	if (v < 0)
		fprintf(f, ",\"%s\":null", key);
	else
		tenths(f, key, v);
}

/* ---- lcores ---- */

static void pollers(FILE *f, const struct plx_lcore *l)
{
	fprintf(f, ",\"pollers\":[");
	for (unsigned i = 0; i < l->npollers; i++) {
		struct plx_poller_stats s;

		plx_poller_stats(l->poller[i], &s);
		fprintf(f, "%s", i ? "," : "");
		named(f, l->poller[i]->name);
		number(f, "calls", s.calls);
		number(f, "work_calls", s.work_calls);
		number(f, "errors", s.errors);
		if (s.errors)
			fprintf(f, ",\"last_error\":%d", __atomic_load_n(&l->poller[i]->last_err, __ATOMIC_RELAXED));
		else
			fprintf(f, ",\"last_error\":null");
		number(f, "work", s.work);
		number(f, "busy_cycles", s.busy_cycles);
		number(f, "idle_cycles", s.idle_cycles);
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

static void cpus_of(FILE *f, const struct plan_lcore *l, const struct truth_lcore *now)
{
	fprintf(f, ",\"planned_cpus\":[");
	for (unsigned k = 0; k < l->ncpus; k++)
		fprintf(f, "%s%u", k ? "," : "", l->cpus[k]);
	if (!now->cpus_told) {
		fprintf(f, "],\"cpus\":null");
		return;
	}
	fprintf(f, "],\"cpus\":[");
	for (unsigned cpu = 0, n = 0; cpu < TOPO_CPUS_MAX; cpu++)
		if (disco_cpus_has(&now->cpus, cpu))
			fprintf(f, "%s%u", n++ ? "," : "", cpu);
	fprintf(f, "]");
}

static void lcore(FILE *f, const struct plx_lcore *l, const struct truth *t, unsigned i)
{
	struct truth_share none = { -1, -1, -1, -1, -1, -1, -1, -1 }, s = t->samples ? t->share[i] : none;
	struct plx_lcore_stats st;

	plx_lcore_stats(l, &st);
	fprintf(f, "{\"id\":%u,\"service\":%s", l->conf.id, l->conf.service ? "true" : "false");
	plx_json_pair(f, "state", st.state < PLX_ARRAY_SIZE(state_names) ? state_names[st.state] : "");
	fprintf(f, ",\"tid\":%d,\"node\":%d", st.tid, l->conf.node);
	cpus_of(f, &l->conf, &t->sample[t->last].lcore[i]);
	known(f, "busy_percent", (double)s.busy);
	known(f, "idle_percent", (double)s.idle);
	known(f, "sleep_percent", (double)s.sleep);
	known(f, "stolen_percent", (double)s.stolen);
	known(f, "hardirq_percent", (double)s.hardirq);
	known(f, "softirq_percent", (double)s.softirq);
	known(f, "steal_percent", (double)s.steal);
	known(f, "preemptions_per_second", (double)s.preempted);
	number(f, "rounds", st.rounds);
	number(f, "busy_cycles", st.busy_cycles);
	number(f, "idle_cycles", st.idle_cycles);
	number(f, "sleeps", st.sleeps);
	number(f, "wakes", st.wakes);
	number(f, "sleep_ns", st.sleep_ns);
	pollers(f, l);
	fprintf(f, "}");
}

/* ---- ports ---- */

/* Counters of one kind of a queue, each by its reason. */
static void reasons(FILE *f, const char *key, const char *const *name, const plx_ctr *count, unsigned n)
{
	fprintf(f, ",\"%s\":{", key);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%s\"%s\":%" PRIu64, i ? "," : "", name[i], plx_ctr_read(&count[i]));
	fprintf(f, "}");
}

static void rxq(FILE *f, const struct plx_env *env, const struct plx_port *p, const struct plx_rxq *q,
                const struct plan_irq *irq, int irq_cpu)
{
#define X(id, why) #id,
	static const char *const drops[] = { PLX_RX_DROPS(X) };
#undef X
	const struct plx_lcore *l = plx_env_rxq_lcore(env, q);
	const int by = truth_polled_by(env, q);
	struct plx_rxq_stats s;
	uint64_t offered;
	const bool told = plx_port_rxq_stats(p, q->id, &s, &offered);

	fprintf(f, "{\"queue\":%u,\"planned_lcore\":%d,\"lcore\":%d,\"irq\":%d,\"planned_irq_cpu\":%d,\"irq_cpu\":%d", q->hwq,
	        l ? l->conf.id : -1, by < 0 ? -1 : env->lcores[by].conf.id, irq->irq, irq->cpu, irq_cpu);
	if (told)
		number(f, "offered", offered);
	else
		fprintf(f, ",\"offered\":null");
	number(f, "packets", s.pkts);
	number(f, "bytes", s.bytes);
	number(f, "bursts", s.bursts);
	number(f, "empty", s.empty);
	number(f, "kicks", s.kicks);
	number(f, "pool_waits", s.pool_waits);
	reasons(f, "drops", drops, s.drop, PLX_RX_DROP_N);
	fprintf(f, "}");
}

static void txq(FILE *f, const struct plx_txq *q)
{
#define X(id, why) #id,
	static const char *const drops[] = { PLX_TX_DROPS(X) }, *const stops[] = { PLX_STOPS(X) };
#undef X
	fprintf(f, "{\"queue\":%u", q->hwq);
	number(f, "packets", plx_ctr_read(&q->stats.pkts));
	number(f, "bytes", plx_ctr_read(&q->stats.bytes));
	number(f, "bursts", plx_ctr_read(&q->stats.bursts));
	number(f, "copied", plx_ctr_read(&q->stats.copied));
	number(f, "csums", plx_ctr_read(&q->stats.csums));
	number(f, "kicks", plx_ctr_read(&q->stats.kicks));
	number(f, "users", plx_ctr_read(&q->stats.users));
	reasons(f, "drops", drops, q->stats.drop, PLX_TX_DROP_N);
	reasons(f, "stops", stops, q->stats.stop, PLX_STOP_N);
	fprintf(f, "}");
}

static void xstats(FILE *f, struct plx_port *p)
{
	int have = plx_port_xstats(p, NULL, 0);
	struct plx_xstat *x = calloc((size_t)have, sizeof(*x));
	int n = x ? plx_port_xstats(p, x, have) : 0;

	fprintf(f, ",\"counters\":{");
	for (int i = 0; i < n && i < have; i++) {
		fprintf(f, "%s", i ? "," : "");
		plx_json_text(f, x[i].name);
		fprintf(f, ":%" PRIu64, x[i].value);
	}
	fprintf(f, "}");
	free(x);
}

static void port(FILE *f, const struct plx_env *env, const struct truth *t, unsigned i)
{
	static const struct plan_irq no_irq = { .irq = -1, .cpu = -1, .node = -1 };
	const struct plan_port *plan = &env->plan.ports[i];
	struct plx_port *p = env->ports[i];

	named(f, p->name);
	plx_json_pair(f, "planned_driver", *plan->conf.driver ? plan->conf.driver : "auto");
	plx_json_pair(f, "driver", p->drv->name);
	plx_json_pair(f, "mode", p->info.mode ? p->info.mode : "");
	plx_json_pair(f, "why", p->info.why);
	plx_json_pair(f, "link", link_names[plx_port_link(p)]);
	fprintf(f, ",\"ifindex\":%u,\"mtu\":%u,\"node\":%d,\"queue\":%u,\"planned_rxqs\":%u,\"planned_txqs\":%u,\"rxqs\":[",
	        p->info.ifindex, p->info.mtu, p->info.node, p->conf.queue, plan->conf.rxqs, plan->conf.txqs);
	for (unsigned q = 0; q < p->nrx; q++) {
		fprintf(f, "%s", q ? "," : "");
		rxq(f, env, p, p->rxq[q], q < plan->conf.rxqs ? &plan->rxq_irq[q] : &no_irq,
		    t->sample[t->last].at ? t->sample[t->last].port[i].irq_cpu[q] : -1);
	}
	fprintf(f, "],\"txqs\":[");
	for (unsigned q = 0; q < p->ntx; q++) {
		fprintf(f, "%s", q ? "," : "");
		txq(f, p->txq[q]);
	}
	fprintf(f, "]");
	xstats(f, p);
	fprintf(f, "}");
}

/* ---- findings ---- */

static void findings(FILE *f, const struct truth *t)
{
	unsigned n = 0;

	fprintf(f, ",\"findings\":[");
	for (unsigned i = 0; i < TRUTH_FOUND_MAX; i++) {
		const struct truth_found *o = &t->found[i];
		const struct truth_limit *limit = &truth_limits[o->fact];

		if (!o->used || !o->stands)
			continue;
		fprintf(f, "%s", n++ ? "," : "");
		named(f, limit->name);
		plx_json_pair(f, "on", o->on);
		tenths(f, "value", o->value);
		tenths(f, "threshold", limit->threshold);
		plx_json_pair(f, "unit", limit->unit);
		tenths(f, "seconds", (double)(t->sample[t->last].at - o->since) / 1e9);
		plx_json_pair(f, "what", limit->what);
		plx_json_pair(f, "evidence", o->evidence);
		plx_json_pair(f, "mend", o->mend);
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

static void all(FILE *f, const struct plx_env *env, const struct truth *t, const char *live_name, uint64_t uptime_ns)
{
	fprintf(f, "{\"schema\":%d", LIVE_SCHEMA);
	plx_json_pair(f, "name", env->conf.name);
	plx_json_pair(f, "live_name", live_name);
	fprintf(f, ",\"pid\":%d", (int)getpid());
	plx_json_pair(f, "version", PLX_VERSION);
	tenths(f, "uptime_seconds", (double)uptime_ns / 1e9);
	number(f, "samples", t->samples);
	number(f, "cycles_hz", env->cycles_hz);
	plx_json_pair(f, "idle", idle_names[env->conf.idle]);
	fprintf(f, ",\"main_cpu\":%d,\"lcores\":[", env->plan.main_cpu);
	for (unsigned i = 0; i < env->nlcores; i++) {
		fprintf(f, "%s", i ? "," : "");
		lcore(f, &env->lcores[i], t, i);
	}
	fprintf(f, "],\"ports\":[");
	for (unsigned i = 0; i < env->nports; i++) {
		fprintf(f, "%s", i ? "," : "");
		port(f, env, t, i);
	}
	fprintf(f, "],\"pools\":[");
	for (unsigned i = 0; i < env->npools; i++) {
		fprintf(f, "%s", i ? "," : "");
		named(f, env->pools[i]->name);
		fprintf(f, ",\"node\":%d,\"frames\":%u,\"free\":%u,\"frame_size\":%u,\"page_bytes\":%" PRIu64 "}", env->segs[i].node,
		        env->pools[i]->frames, plx_pool_avail(env->pools[i]), env->plan.pools[i].frame_size, env->segs[i].page);
	}
	fprintf(f, "]");
	findings(f, t);
	fprintf(f, "}\n");
}

char *live_json(const struct plx_env *env, const struct truth *t, const char *live_name, uint64_t uptime_ns)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	if (!f)
		return NULL;
	all(f, env, t, live_name, uptime_ns);
	if (fclose(f)) {
		free(buf);
		return NULL;
	}
	return buf;
}

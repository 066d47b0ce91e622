/* SPDX-License-Identifier: MIT */
/* json.c - statistics for programs: one object a line, integers in base units, keys that stay;
   docs/plx-fwd.md lists them.  Cold. */
#include "report.h"

#include <stdlib.h>

static void known(struct plx_json *j, const char *key, bool is_known, uint64_t v)
{
	if (is_known)
		plx_json_u64(j, key, v);
	else
		plx_json_null(j, key);
}

static uint64_t rate(uint64_t now, uint64_t before, uint64_t dt)
{
	/* what a queue that is opened anew takes back of what it had sent */
	return now > before ? (uint64_t)((double)(now - before) * 1e9 / (double)dt) : 0;
}

void json_interval(FILE *out, struct report *r, const struct port_counts *now, uint64_t dt)
{
	struct plx_json json, *j = &json;

	plx_json_begin(j, out);
	plx_json_object(j, NULL);
	plx_json_text(j, "type", "interval");
	plx_json_u64(j, "time_ns", plx_sys_now(&plx_sys_linux) - r->start);
	plx_json_u64(j, "interval_ns", dt);
	plx_json_array(j, "ports");
	for (uint16_t i = 0; i < plx_env_ports(r->f->env); i++) {
		const struct port_counts *a = &now[i], *b = &r->prev[i];

		plx_json_object(j, NULL);
		plx_json_text(j, "name", plx_env_port(r->f->env, i)->name);
		plx_json_u64(j, "rx_packets_per_second", rate(a->rx_packets, b->rx_packets, dt));
		plx_json_u64(j, "rx_bits_per_second", rate(a->rx_bytes, b->rx_bytes, dt) * 8);
		plx_json_u64(j, "tx_packets_per_second", rate(a->tx_packets, b->tx_packets, dt));
		plx_json_u64(j, "tx_bits_per_second", rate(a->tx_bytes, b->tx_bytes, dt) * 8);
		known(j, "rx_offered", a->offered_told, a->rx_offered - b->rx_offered);
		plx_json_u64(j, "rx_packets", a->rx_packets - b->rx_packets);
		plx_json_u64(j, "rx_drops", a->rx_drops - b->rx_drops);
		plx_json_u64(j, "tx_packets", a->tx_packets > b->tx_packets ? a->tx_packets - b->tx_packets : 0);
		plx_json_u64(j, "tx_drops", a->tx_drops - b->tx_drops);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
	plx_json_object_end(j);
	plx_json_end(j);
}

static void total(struct plx_json *j, const struct result *x)
{
	plx_json_object(j, "total");
	plx_json_u64(j, "sent", x->sent);
	plx_json_u64(j, "sent_bytes", x->sent_bytes);
	plx_json_u64(j, "received", x->received);
	plx_json_u64(j, "received_bytes", x->received_bytes);
	known(j, "packets_per_second", rate_known(x->ns), x->pps);
	plx_json_u64(j, "tx_dropped", x->dropped);
	plx_json_u64(j, "ignored", x->ignored);
	plx_json_u64(j, "held_back_bursts", x->held_back);
	plx_json_u64(j, "lost", x->lost);
	known(j, "duplicates", x->verified, x->duplicates);
	known(j, "reordered", x->verified, x->reordered);
	known(j, "stale", x->verified, x->stale);
	known(j, "corrupt", x->verified, x->corrupt);
	known(j, "foreign", x->verified, x->foreign);
	known(j, "verified_bytes", x->verified, x->verified_bytes);
	plx_json_u64(j, "empty_polls", x->empty_polls);
	plx_json_u64(j, "copied", x->copied);
	plx_json_object_end(j);
}

static void queues(struct plx_json *j, const struct plx_port *p)
{
	plx_json_array(j, "rxq");
	for (uint16_t i = 0; i < p->nrx; i++) {
		const struct plx_rxq *q = p->rxq[i];
		struct plx_rxq_stats s;
		uint64_t offered;
		const bool told = plx_port_rxq_stats(p, i, &s, &offered);

		plx_json_object(j, NULL);
		plx_json_u64(j, "queue", q->hwq);
		known(j, "offered", told, offered);
		plx_json_u64(j, "drops", plx_rx_drops(&s));
		plx_json_u64(j, "packets", s.pkts);
		plx_json_u64(j, "bytes", s.bytes);
		plx_json_u64(j, "bursts", s.bursts);
		plx_json_u64(j, "empty_bursts", s.empty);
		plx_json_u64(j, "kicks", s.kicks);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
	plx_json_array(j, "txq");
	for (uint16_t i = 0; i < p->ntx; i++) {
		const struct plx_txq *q = p->txq[i];
		struct plx_txq_stats s;

		plx_port_txq_stats(p, i, &s);
		plx_json_object(j, NULL);
		plx_json_u64(j, "queue", q->hwq);
		plx_json_u64(j, "drops", plx_tx_drops(&s));
		plx_json_u64(j, "packets", s.pkts);
		plx_json_u64(j, "bytes", s.bytes);
		plx_json_u64(j, "bursts", s.bursts);
		plx_json_u64(j, "kicks", s.kicks);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

static void port(struct plx_json *j, const struct report *r, uint16_t i)
{
	struct plx_port *p = plx_env_port(r->f->env, i);
	const struct plx_port_info *info = plx_port_info(p);
	const int have = plx_port_xstats(p, NULL, 0);
	struct plx_xstat *x = calloc((size_t)have, sizeof(*x));
	int n = x ? plx_port_xstats(p, x, have) : 0;
	struct port_counts c;
	char mac[18];

	report_count(r->f, i, &c);
	plx_json_object(j, NULL);
	plx_json_text(j, "name", p->name);
	plx_json_text(j, "driver", info->driver);
	plx_json_text(j, "mode", info->mode);
	plx_json_text(j, "why", info->why);
	plx_json_text(j, "mac", plx_mac_fmt(mac, info->mac));
	plx_json_u64(j, "mtu_bytes", info->mtu);
	plx_json_i64(j, "node", info->node);
	known(j, "rx_offered", c.offered_told, c.rx_offered);
	plx_json_u64(j, "rx_packets", c.rx_packets);
	plx_json_u64(j, "rx_bytes", c.rx_bytes);
	plx_json_u64(j, "rx_drops", c.rx_drops);
	plx_json_u64(j, "tx_packets", c.tx_packets);
	plx_json_u64(j, "tx_bytes", c.tx_bytes);
	plx_json_u64(j, "tx_drops", c.tx_drops);
	queues(j, p);
	plx_json_object(j, "xstats");
	for (int k = 0; k < n && k < have; k++)
		plx_json_u64(j, x[k].name, x[k].value);
	if (r->f->npaths)
		plx_json_u64(j, "tx_full", report_tx_full(r->f, p));
	plx_json_object_end(j);
	plx_json_object_end(j);
	free(x);
}

static void lcore(struct plx_json *j, const struct report *r, uint16_t i)
{
	const struct plx_lcore *l = plx_env_lcore(r->f->env, i);
	struct plx_lcore_stats s;
	double hz = (double)plx_cycles_hz(r->f->env) / 1e9;

	plx_lcore_stats(l, &s);
	plx_json_object(j, NULL);
	plx_json_u64(j, "id", plx_lcore_id(l));
	plx_json_i64(j, "cpu", s.cpu);
	plx_json_u64(j, "rounds", s.rounds);
	plx_json_u64(j, "busy_ns", (uint64_t)((double)s.busy_cycles / hz));
	plx_json_u64(j, "idle_ns", (uint64_t)((double)s.idle_cycles / hz));
	plx_json_u64(j, "sleep_ns", s.sleep_ns);
	plx_json_u64(j, "sleeps", s.sleeps);
	plx_json_object_end(j);
}

void json_summary(FILE *out, struct report *r, const struct result *x)
{
	const struct fwd *f = r->f;
	struct plx_json json, *j = &json;

	plx_json_begin(j, out);
	plx_json_object(j, NULL);
	plx_json_text(j, "type", "summary");
	plx_json_text(j, "mode", fwd_mode_name(f->conf.mode));
	plx_json_u64(j, "duration_ns", x->ns);
	plx_json_bool(j, "interrupted", x->interrupted);
	total(j, x);
	plx_json_array(j, "ports");
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		port(j, r, i);
	plx_json_array_end(j);
	plx_json_array(j, "lcores");
	for (uint16_t i = 0; i < plx_env_lcores(f->env); i++)
		lcore(j, r, i);
	plx_json_array_end(j);
	plx_json_text(j, "result", *x->failed ? "failed" : "ok");
	plx_json_text(j, "failed", x->failed);
	plx_json_object_end(j);
	plx_json_end(j);
}

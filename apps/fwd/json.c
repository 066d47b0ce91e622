/* SPDX-License-Identifier: MIT */
/* json.c - statistics for programs: one object a line, integers in base units, keys that stay;
   docs/plx-fwd.md lists them.  Cold. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

static void text(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":", key);
	plx_json_text(out, s);
	fputc(',', out);
}

static void number(FILE *out, const char *key, uint64_t v) { fprintf(out, "\"%s\":%" PRIu64 ",", key, v); }

static void known(FILE *out, const char *key, bool is_known, uint64_t v)
{
	if (is_known)
		number(out, key, v);
	else
		fprintf(out, "\"%s\":null,", key);
}

static uint64_t rate(uint64_t now, uint64_t before, uint64_t dt)
{
	/* what a queue that is opened anew takes back of what it had sent */
	return now > before ? (uint64_t)((double)(now - before) * 1e9 / (double)dt) : 0;
}

/* The last member of an object has no comma behind it: each object ends with a plain one. */
void json_interval(FILE *out, struct report *r, const struct port_counts *now, uint64_t dt)
{
	fprintf(out, "{\"type\":\"interval\",");
	number(out, "time_ns", plx_sys_now(&plx_sys_linux) - r->start);
	number(out, "interval_ns", dt);
	fprintf(out, "\"ports\":[");
	for (uint16_t i = 0; i < plx_env_ports(r->f->env); i++) {
		const struct port_counts *a = &now[i], *b = &r->prev[i];

		fprintf(out, "%s{", i ? "," : "");
		text(out, "name", plx_env_port(r->f->env, i)->name);
		number(out, "rx_packets_per_second", rate(a->rx_packets, b->rx_packets, dt));
		number(out, "rx_bits_per_second", rate(a->rx_bytes, b->rx_bytes, dt) * 8);
		number(out, "tx_packets_per_second", rate(a->tx_packets, b->tx_packets, dt));
		number(out, "tx_bits_per_second", rate(a->tx_bytes, b->tx_bytes, dt) * 8);
		known(out, "rx_offered", a->offered_told, a->rx_offered - b->rx_offered);
		number(out, "rx_packets", a->rx_packets - b->rx_packets);
		number(out, "rx_drops", a->rx_drops - b->rx_drops);
		number(out, "tx_packets", a->tx_packets > b->tx_packets ? a->tx_packets - b->tx_packets : 0);
		fprintf(out, "\"tx_drops\":%" PRIu64 "}", a->tx_drops - b->tx_drops);
	}
	fprintf(out, "]}\n");
}

static void total(FILE *out, const struct result *x)
{
	fprintf(out, "\"total\":{");
	number(out, "sent", x->sent);
	number(out, "sent_bytes", x->sent_bytes);
	number(out, "received", x->received);
	number(out, "received_bytes", x->received_bytes);
	known(out, "packets_per_second", rate_known(x->ns), x->pps);
	number(out, "tx_dropped", x->dropped);
	number(out, "ignored", x->ignored);
	number(out, "held_back_bursts", x->held_back);
	number(out, "lost", x->lost);
	known(out, "duplicates", x->verified, x->duplicates);
	known(out, "reordered", x->verified, x->reordered);
	known(out, "stale", x->verified, x->stale);
	known(out, "corrupt", x->verified, x->corrupt);
	known(out, "foreign", x->verified, x->foreign);
	known(out, "verified_bytes", x->verified, x->verified_bytes);
	number(out, "empty_polls", x->empty_polls);
	fprintf(out, "\"copied\":%" PRIu64 "},", x->copied);
}

static void queues(FILE *out, const struct plx_port *p)
{
	fprintf(out, "\"rxq\":[");
	for (uint16_t i = 0; i < p->nrx; i++) {
		const struct plx_rxq *q = p->rxq[i];
		struct plx_rxq_stats s;
		uint64_t offered;
		const bool told = plx_port_rxq_stats(p, i, &s, &offered);

		fprintf(out, "%s{", i ? "," : "");
		number(out, "queue", q->hwq);
		known(out, "offered", told, offered);
		number(out, "drops", plx_rx_drops(&s));
		number(out, "packets", s.pkts);
		number(out, "bytes", s.bytes);
		number(out, "bursts", s.bursts);
		number(out, "empty_bursts", s.empty);
		fprintf(out, "\"kicks\":%" PRIu64 "}", s.kicks);
	}
	fprintf(out, "],\"txq\":[");
	for (uint16_t i = 0; i < p->ntx; i++) {
		const struct plx_txq *q = p->txq[i];
		struct plx_txq_stats s;

		plx_port_txq_stats(p, i, &s);
		fprintf(out, "%s{", i ? "," : "");
		number(out, "queue", q->hwq);
		number(out, "drops", plx_tx_drops(&s));
		number(out, "packets", s.pkts);
		number(out, "bytes", s.bytes);
		number(out, "bursts", s.bursts);
		fprintf(out, "\"kicks\":%" PRIu64 "}", s.kicks);
	}
	fprintf(out, "],");
}

static void port(FILE *out, const struct report *r, uint16_t i)
{
	struct plx_port *p = plx_env_port(r->f->env, i);
	const struct plx_port_info *info = plx_port_info(p);
	const int have = plx_port_xstats(p, NULL, 0);
	struct plx_xstat *x = calloc((size_t)have, sizeof(*x));
	int n = x ? plx_port_xstats(p, x, have) : 0;
	struct port_counts c;
	char mac[18];

	report_count(r->f, i, &c);
	fprintf(out, "%s{", i ? "," : "");
	text(out, "name", p->name);
	text(out, "driver", info->driver);
	text(out, "mode", info->mode);
	text(out, "why", info->why);
	text(out, "mac", plx_mac_fmt(mac, info->mac));
	number(out, "mtu_bytes", info->mtu);
	fprintf(out, "\"node\":%d,", info->node);
	known(out, "rx_offered", c.offered_told, c.rx_offered);
	number(out, "rx_packets", c.rx_packets);
	number(out, "rx_bytes", c.rx_bytes);
	number(out, "rx_drops", c.rx_drops);
	number(out, "tx_packets", c.tx_packets);
	number(out, "tx_bytes", c.tx_bytes);
	number(out, "tx_drops", c.tx_drops);
	queues(out, p);
	fprintf(out, "\"xstats\":{");
	for (int k = 0; k < n && k < have; k++) {
		fprintf(out, k ? "," : "");
		plx_json_text(out, x[k].name);
		fprintf(out, ":%" PRIu64, x[k].value);
	}
	if (r->f->npaths)
		fprintf(out, "%s\"tx_full\":%" PRIu64, n ? "," : "", report_tx_full(r->f, p));
	fprintf(out, "}}");
	free(x);
}

static void lcore(FILE *out, const struct report *r, uint16_t i)
{
	const struct plx_lcore *l = plx_env_lcore(r->f->env, i);
	struct plx_lcore_stats s;
	double hz = (double)plx_cycles_hz(r->f->env) / 1e9;

	plx_lcore_stats(l, &s);
	fprintf(out, "%s{", i ? "," : "");
	number(out, "id", plx_lcore_id(l));
	fprintf(out, "\"cpu\":%d,", s.cpu);
	number(out, "rounds", s.rounds);
	number(out, "busy_ns", (uint64_t)((double)s.busy_cycles / hz));
	number(out, "idle_ns", (uint64_t)((double)s.idle_cycles / hz));
	number(out, "sleep_ns", s.sleep_ns);
	fprintf(out, "\"sleeps\":%" PRIu64 "}", s.sleeps);
}

void json_summary(FILE *out, struct report *r, const struct result *x)
{
	const struct fwd *f = r->f;

	fprintf(out, "{\"type\":\"summary\",");
	text(out, "mode", fwd_mode_name(f->conf.mode));
	number(out, "duration_ns", x->ns);
	fprintf(out, "\"interrupted\":%s,", x->interrupted ? "true" : "false");
	total(out, x);
	fprintf(out, "\"ports\":[");
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		port(out, r, i);
	fprintf(out, "],\"lcores\":[");
	for (uint16_t i = 0; i < plx_env_lcores(f->env); i++)
		lcore(out, r, i);
	fprintf(out, "],");
	text(out, "result", *x->failed ? "failed" : "ok");
	fprintf(out, "\"failed\":");
	plx_json_text(out, x->failed);
	fprintf(out, "}\n");
}

/* SPDX-License-Identifier: MIT */
/* json.c - statistics for programs: one object a line, integers in base units, keys that stay;
   docs/plx-fwd.md lists them.  Cold. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static void string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void text(const char *key, const char *s)
{
	printf("\"%s\":", key);
	string(s);
	putchar(',');
}

static void number(const char *key, uint64_t v) { printf("\"%s\":%" PRIu64 ",", key, v); }

static void known(const char *key, bool is_known, uint64_t v)
{
	if (is_known)
		number(key, v);
	else
		printf("\"%s\":null,", key);
}

static uint64_t rate(uint64_t now, uint64_t before, uint64_t dt)
{
	return (uint64_t)((double)(now - before) * 1e9 / (double)dt);
}

/* The last member of an object has no comma behind it: each object ends with a plain one. */
void json_interval(struct report *r, const struct port_counts *now, uint64_t dt)
{
	printf("{\"type\":\"interval\",");
	number("time_ns", plx_sys_now(&plx_sys_linux) - r->start);
	number("interval_ns", dt);
	printf("\"ports\":[");
	for (uint16_t i = 0; i < plx_env_ports(r->f->env); i++) {
		const struct port_counts *a = &now[i], *b = &r->prev[i];

		printf("%s{", i ? "," : "");
		text("name", plx_env_port(r->f->env, i)->name);
		number("rx_packets_per_second", rate(a->rx_packets, b->rx_packets, dt));
		number("rx_bits_per_second", rate(a->rx_bytes, b->rx_bytes, dt) * 8);
		number("tx_packets_per_second", rate(a->tx_packets, b->tx_packets, dt));
		number("tx_bits_per_second", rate(a->tx_bytes, b->tx_bytes, dt) * 8);
		number("rx_drops", a->rx_drops - b->rx_drops);
		printf("\"tx_drops\":%" PRIu64 "}", a->tx_drops - b->tx_drops);
	}
	printf("]}\n");
	fflush(stdout);
}

static void total(const struct result *x)
{
	printf("\"total\":{");
	number("sent", x->sent);
	number("sent_bytes", x->sent_bytes);
	number("received", x->received);
	number("received_bytes", x->received_bytes);
	number("packets_per_second", x->pps);
	number("tx_dropped", x->dropped);
	number("ignored", x->ignored);
	number("held_back_bursts", x->held_back);
	known("lost", x->knows_loss, x->lost);
	known("duplicates", x->verified, x->duplicates);
	known("reordered", x->verified, x->reordered);
	known("stale", x->verified, x->stale);
	known("corrupt", x->verified, x->corrupt);
	known("foreign", x->verified, x->foreign);
	known("verified_bytes", x->verified, x->verified_bytes);
	number("empty_polls", x->empty_polls);
	printf("\"copied\":%" PRIu64 "},", x->copied);
}

static void queues(const struct plx_port *p)
{
	printf("\"rxq\":[");
	for (uint16_t i = 0; i < p->nrx; i++) {
		const struct plx_rxq *q = p->rxq[i];

		printf("%s{", i ? "," : "");
		number("queue", q->hwq);
		number("packets", plx_ctr_read(&q->stats.pkts));
		number("bytes", plx_ctr_read(&q->stats.bytes));
		number("bursts", plx_ctr_read(&q->stats.bursts));
		number("empty_bursts", plx_ctr_read(&q->stats.empty));
		printf("\"kicks\":%" PRIu64 "}", plx_ctr_read(&q->stats.kicks));
	}
	printf("],\"txq\":[");
	for (uint16_t i = 0; i < p->ntx; i++) {
		const struct plx_txq *q = p->txq[i];

		printf("%s{", i ? "," : "");
		number("queue", q->hwq);
		number("packets", plx_ctr_read(&q->stats.pkts));
		number("bytes", plx_ctr_read(&q->stats.bytes));
		number("bursts", plx_ctr_read(&q->stats.bursts));
		printf("\"kicks\":%" PRIu64 "}", plx_ctr_read(&q->stats.kicks));
	}
	printf("],");
}

static void port(const struct report *r, uint16_t i)
{
	struct plx_port *p = plx_env_port(r->f->env, i);
	const struct plx_port_info *info = plx_port_info(p);
	struct plx_xstat x[256];
	struct port_counts c;
	int n = plx_port_xstats(p, x, PLX_ARRAY_SIZE(x));
	char mac[18];

	report_count(r->f, i, &c);
	printf("%s{", i ? "," : "");
	text("name", p->name);
	text("driver", info->driver);
	text("mode", info->mode);
	text("why", info->why);
	text("mac", plx_mac_fmt(mac, info->mac));
	number("mtu_bytes", info->mtu);
	printf("\"node\":%d,", info->node);
	number("rx_packets", c.rx_packets);
	number("rx_bytes", c.rx_bytes);
	number("rx_drops", c.rx_drops);
	number("tx_packets", c.tx_packets);
	number("tx_bytes", c.tx_bytes);
	number("tx_drops", c.tx_drops);
	queues(p);
	printf("\"xstats\":{");
	for (int k = 0; k < n && k < (int)PLX_ARRAY_SIZE(x); k++) {
		printf(k ? "," : "");
		string(x[k].name);
		printf(":%" PRIu64, x[k].value);
	}
	printf("}}");
}

static void lcore(const struct report *r, uint16_t i)
{
	const struct plx_lcore *l = plx_env_lcore(r->f->env, i);
	struct plx_lcore_stats s;
	double hz = (double)plx_cycles_hz(r->f->env) / 1e9;

	plx_lcore_stats(l, &s);
	printf("%s{", i ? "," : "");
	number("id", plx_lcore_id(l));
	printf("\"cpu\":%d,", s.cpu);
	number("rounds", s.rounds);
	number("busy_ns", (uint64_t)((double)s.busy_cycles / hz));
	number("idle_ns", (uint64_t)((double)s.idle_cycles / hz));
	number("sleep_ns", s.sleep_ns);
	printf("\"sleeps\":%" PRIu64 "}", s.sleeps);
}

void json_summary(struct report *r, const struct result *x)
{
	const struct fwd *f = r->f;

	printf("{\"type\":\"summary\",");
	text("mode", fwd_mode_name(f->conf.mode));
	number("duration_ns", x->ns);
	printf("\"interrupted\":%s,", x->interrupted ? "true" : "false");
	total(x);
	printf("\"ports\":[");
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		port(r, i);
	printf("],\"lcores\":[");
	for (uint16_t i = 0; i < plx_env_lcores(f->env); i++)
		lcore(r, i);
	printf("],");
	text("result", *x->failed ? "failed" : "ok");
	printf("\"failed\":");
	string(x->failed);
	printf("}\n");
}

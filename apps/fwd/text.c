/* SPDX-License-Identifier: MIT */
/* text.c - statistics for people: columns on a terminal, plain lines into a pipe; cold. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

enum { HEAD_EVERY = 20 };

/* "1.23 M", "999 ", "0 ": three digits and an SI prefix. */
static const char *si(char buf[32], double v)
{
	static const char prefix[] = " kMGTP";
	int i = 0;

	for (; v >= 999.5 && prefix[i + 1]; i++)
		v /= 1000;
	snprintf(buf, 32, "%.*f %.*s", i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v, i ? 1 : 0, prefix + i);
	return buf;
}

static double per_second(uint64_t now, uint64_t before, uint64_t dt)
{
	/* what a queue that is opened anew takes back of what it had sent */
	return now > before ? (double)(now - before) * 1e9 / (double)dt : 0;
}

void text_interval(FILE *out, struct report *r, const struct port_counts *now, uint64_t dt)
{
	double t = (double)(plx_sys_now(&plx_sys_linux) - r->start) / 1e9;

	if (r->tty && r->lines++ % HEAD_EVERY == 0)
		fprintf(out, "%8s  %-15s %8s %8s %8s %8s %8s %8s\n", "time s", "port",
		        "offered", "rx pps", "rx bit/s", "tx pps", "tx bit/s", "drops/s");
	for (uint16_t i = 0; i < plx_env_ports(r->f->env); i++) {
		const struct port_counts *a = &now[i], *b = &r->prev[i];
		const char *name = plx_env_port(r->f->env, i)->name;
		char v[6][32];

		si(v[0], per_second(a->rx_packets, b->rx_packets, dt));
		si(v[1], per_second(a->rx_bytes, b->rx_bytes, dt) * 8);
		si(v[2], per_second(a->tx_packets, b->tx_packets, dt));
		si(v[3], per_second(a->tx_bytes, b->tx_bytes, dt) * 8);
		si(v[4], per_second(a->rx_drops + a->tx_drops, b->rx_drops + b->tx_drops, dt));
		snprintf(v[5], sizeof(v[5]), "- ");
		if (a->offered_told)
			si(v[5], per_second(a->rx_offered, b->rx_offered, dt));
		fprintf(out, r->tty ? "%8.1f  %-15s %8s %8s %8s %8s %8s %8s\n" :
		       "%.1f s %s: offered %spps, rx %spps %sbit/s, tx %spps %sbit/s, drops %s/s\n", t, name, v[5],
		       v[0], v[1], v[2], v[3], v[4]);
	}
}

static void line(FILE *out, const char *what, uint64_t packets, uint64_t bytes, uint64_t ns)
{
	char a[32], b[32], c[32];

	fprintf(out, "  %-11s %" PRIu64 " packets, %sB", what, packets, si(a, (double)bytes));
	if (rate_known(ns))
		fprintf(out, "; %spps, %sbit/s", si(b, (double)packets * 1e9 / (double)ns),
		        si(c, (double)bytes * 8e9 / (double)ns));
	fputc('\n', out);
}

static void port_summary(FILE *out, const struct report *r, uint16_t i, uint64_t ns)
{
	struct plx_port *p = plx_env_port(r->f->env, i);
	const struct plx_port_info *info = plx_port_info(p);
	const int have = plx_port_xstats(p, NULL, 0);
	struct plx_xstat *x = calloc((size_t)have, sizeof(*x));
	struct plx_port_stats s;
	int n = x ? plx_port_xstats(p, x, have) : 0;

	plx_port_stats(p, &s);
	fprintf(out, "port %s: driver %s, %s%s%s%s\n", p->name, info->driver, info->mode, *info->why ? " (" : "",
	        info->why, *info->why ? ")" : "");
	if (s.offered_told)
		fprintf(out, "  offered     %" PRIu64 " packets\n", s.offered);
	line(out, "received", s.rx.pkts, s.rx.bytes, ns);
	line(out, "sent", s.tx.pkts, s.tx.bytes, ns);
	for (int d = 0; d < PLX_RX_DROP_N; d++)
		if (s.rx.drop[d])
			fprintf(out, "  rx drop     %" PRIu64 ": %s\n", s.rx.drop[d],
			        plx_rx_drop_why((enum plx_rx_drop)d));
	for (int d = 0; d < PLX_TX_DROP_N; d++)
		if (s.tx.drop[d])
			fprintf(out, "  tx drop     %" PRIu64 ": %s\n", s.tx.drop[d],
			        plx_tx_drop_why((enum plx_tx_drop)d));
	if (report_tx_full(r->f, p))
		fprintf(out, "  tx full     %" PRIu64 ": %s\n", report_tx_full(r->f, p), TX_FULL_WHY);
	/* what the driver adds to the sums: the kernel's own counters */
	for (int k = 0; k < n && k < have; k++)
		if (x[k].value && strncmp(x[k].name, "rx_", 3) && strncmp(x[k].name, "tx_", 3))
			fprintf(out, "  %-11s %" PRIu64 "\n", x[k].name, x[k].value);
	free(x);
}

static void lcore_summary(FILE *out, const struct report *r, uint16_t i)
{
	const struct plx_lcore *l = plx_env_lcore(r->f->env, i);
	struct plx_lcore_stats s;
	double hz = (double)plx_cycles_hz(r->f->env), busy, all;

	plx_lcore_stats(l, &s);
	busy = (double)s.busy_cycles / hz;
	all = busy + (double)s.idle_cycles / hz + (double)s.sleep_ns / 1e9;
	fprintf(out, "lcore %u on CPU %d: %.1f %% busy, %.1f %% asleep, %" PRIu64 " rounds\n", plx_lcore_id(l), s.cpu,
	       all > 0 ? 100 * busy / all : 0, all > 0 ? 100 * (double)s.sleep_ns / 1e9 / all : 0, s.rounds);
}

void text_summary(FILE *out, struct report *r, const struct result *x)
{
	const struct fwd *f = r->f;
	char a[32];

	fprintf(out, "plx-fwd: mode %s, %.3f s%s\n", fwd_mode_name(f->conf.mode), (double)x->ns / 1e9,
	       x->interrupted && (f->conf.duration || f->conf.count) ? ", ended early" : "");
	line(out, "sent", x->sent, x->sent_bytes, x->ns);
	line(out, "received", x->received, x->received_bytes, x->ns);
	if (x->dropped)
		fprintf(out, "  dropped     %" PRIu64 ": the transmit queue was full (--retry tries again)\n",
		        x->dropped);
	if (x->ignored)
		fprintf(out, "  ignored     %" PRIu64 ": nothing for this mode\n", x->ignored);
	if (x->lost || x->echoes)
		fprintf(out, "  lost        %" PRIu64 " (%.4g %%)%s\n", x->lost,
		       x->asked ? 100.0 * (double)x->lost / (double)x->asked : 0,
		       x->lost > x->told && x->echoes && x->interrupted ? ", some of them on the way" : "");
	if (x->verified)
		fprintf(out,
		        "  verified    %sB of payload; duplicates %" PRIu64 ", reordered %" PRIu64 ", corrupt %" PRIu64
		        ", foreign %" PRIu64 "\n",
		        si(a, (double)x->verified_bytes), x->duplicates, x->reordered + x->stale, x->corrupt,
		        x->foreign);
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		port_summary(out, r, i, x->ns);
	for (uint16_t i = 0; i < plx_env_lcores(f->env); i++)
		lcore_summary(out, r, i);
	fprintf(out, "result: %s%s\n", *x->failed ? "FAILED: " : "ok", x->failed);
}

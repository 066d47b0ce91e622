/* SPDX-License-Identifier: MIT */
/* run.c - begins and ends a run and makes its account; cold; the main thread's. */
#include "report.h"

#include <inttypes.h>
#include <unistd.h>

enum { TICK_NS = 10000000, SETTLE_NS = 20000000, WRITE_OFF_NS = 1000000000 };

static uint64_t now_ns(void) { return plx_sys_now(&plx_sys_linux); }

void report_count(const struct fwd *f, uint16_t port, struct port_counts *c)
{
	struct plx_port *p = plx_env_port(f->env, port);
	struct plx_port_stats s;

	plx_port_stats(p, &s);
	*c = (struct port_counts){ .rx_offered = s.offered, .offered_told = s.offered_told, .rx_packets = s.rx.pkts,
	                           .rx_bytes = s.rx.bytes, .rx_drops = plx_rx_drops(&s.rx), .tx_packets = s.tx.pkts,
	                           .tx_bytes = s.tx.bytes, .tx_drops = plx_tx_drops(&s.tx) + report_tx_full(f, p) };
}

/* Packets sent or received up to now. */
static uint64_t moved(const struct fwd *f, bool sent)
{
	uint64_t n = 0;

	if (sent && f->ngens)
		return fwd_gens_sent(f);
	if (!sent && f->nsinks)
		return fwd_sinks_taken(f);
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++) {
		const struct plx_port *p = plx_env_port(f->env, i);

		struct plx_port_stats s;

		plx_port_stats(p, &s);
		n += sent ? s.tx.pkts : s.rx.pkts;
	}
	return n;
}

/* Due as soon as the lcores run. */
static int begin(void *arg)
{
	struct report *r = arg;
	const struct fwd *f = r->f;
	uint64_t now = now_ns();
	char ports[256] = "";

	r->begun = true;
	r->start = r->last = r->last_line = now;
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++) {
		const struct plx_port *p = plx_env_port(f->env, i);

		report_count(f, i, &r->prev[i]);
		plx_text_add(ports, sizeof(ports), "%s%s (%s, %s, %u+%u queues)", i ? ", " : "", p->name,
		             p->info.driver, p->info.mode, p->nrx, p->ntx);
	}
	plx_logf(plx_env_log(f->env), PLX_LOG_NOTICE, "mode %s on %s", fwd_mode_name(f->conf.mode), ports);
	return 1;
}

static int finish(struct report *r, uint64_t now)
{
	r->finished = true;
	if (!r->end)
		r->end = now;
	plx_env_stop(r->f->env, 0);
	return 1;
}

/* Packets of --window that do not come back would stop the generators for good: when nothing
   has moved for a while, what is out is given up. */
static void write_off(struct report *r, uint64_t now)
{
	struct fwd *f = r->f;
	uint64_t received = fwd_sinks_received(f), sent = fwd_gens_sent(f);

	if (received != r->last_received) {
		r->last_received = received;
		r->last = now;
	} else if (now - r->last > WRITE_OFF_NS) {
		r->last = now;
		__atomic_store_n(&f->written_off, sent > received ? sent - received : 0, __ATOMIC_RELAXED);
	}
}

/* The lcores' own clock tells when they sent: main may have come late to the begin, and comes late to the end. */
static bool gens_done(struct report *r, uint64_t now)
{
	const struct fwd *f = r->f;
	const double ns = 1e9 / (double)plx_cycles_hz(f->env);
	uint64_t from, to;

	if (!fwd_gens_done(f, &from, &to))
		return false;
	r->end = now - (uint64_t)((double)(plx_cycles() - to) * ns);
	from = r->end - (uint64_t)((double)(to - from) * ns);
	r->start = from < r->start ? from : r->start;
	return true;
}

/* A generator ends when all it made is taken; a sink when all is back and nothing more has
   come for SETTLE_NS, or --drain is over. */
static int generator_tick(struct report *r, uint64_t now)
{
	struct fwd *f = r->f;
	bool back = f->conf.mode == FWD_TXONLY || fwd_sinks_received(f) >= fwd_gens_sent(f);
	uint64_t settle = f->conf.mode == FWD_TXONLY ? 0 : SETTLE_NS;

	if (f->conf.window)
		write_off(r, now);
	if (!r->end) {
		bool over = f->conf.duration && now - r->start >= f->conf.duration;

		if (over)
			__atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
		if (!gens_done(r, now)) {
			if (!over || now - r->start < f->conf.duration + f->conf.drain)
				return 0;
			/* the driver takes no more: what is held was never sent, and nobody tells since when */
			r->end = r->start + f->conf.duration;
		}
	}
	if (!back)
		r->back_since = 0;
	else if (!r->back_since)
		r->back_since = now;
	if ((back && now - r->back_since >= settle) || now - r->end >= f->conf.drain)
		return finish(r, now);
	return 0;
}

static int tick(void *arg)
{
	struct report *r = arg;
	const struct fwd_conf *c = &r->f->conf;
	uint64_t now = now_ns();

	if (!r->begun)
		return 0;
	if (fwd_generates(c))
		return generator_tick(r, now);
	if ((c->duration && now - r->start >= c->duration) ||
	    (c->count && moved(r->f, c->mode != FWD_RXONLY) >= c->count))
		return finish(r, now);
	return !c->duration && !c->count; /* nothing more to watch for */
}

static int interval(void *arg)
{
	struct report *r = arg;
	struct port_counts now[PLX_PORTS_MAX];
	uint64_t t = now_ns(), dt = t - r->last_line;

	if (!r->begun || dt < TICK_NS || r->end)
		return 0;
	for (uint16_t i = 0; i < plx_env_ports(r->f->env); i++)
		report_count(r->f, i, &now[i]);
	report_interval(r, now, dt);
	memcpy(r->prev, now, sizeof(now[0]) * plx_env_ports(r->f->env));
	r->last_line = t;
	return 0;
}

int report_run(struct report *r, struct fwd *f)
{
	int err;

	*r = (struct report){ .f = f, .tty = isatty(STDOUT_FILENO) };
	err = plx_env_timer(f->env, 1, begin, r);
	if (!err)
		err = plx_env_timer(f->env, TICK_NS, tick, r);
	if (!err && f->conf.stats_period)
		err = plx_env_timer(f->env, f->conf.stats_period, interval, r);
	if (!err)
		err = plx_env_run(f->env);
	for (uint32_t i = 0; i < f->ngens; i++)
		fwd_gen_fini(&f->gen[i]);
	for (uint32_t i = 0; i < f->nsinks; i++)
		while (f->sink[i].verify && !verify_settle(&f->verify, f->sink[i].verify))
			; /* lcores stand still: every flow is free */
	if (!r->end)
		r->end = now_ns();
	if (!r->begun)
		r->start = r->end;
	return err;
}

/* ---- the account ---- */

/* A signal ends a run while packets are on the way: then only those that are known to be lost count. */
static void judge_loss(const struct report *r, struct result *x)
{
	const struct fwd_conf *c = &r->f->conf;
	const bool echoes = x->echoes && !x->interrupted;
	const uint64_t lost = echoes ? x->lost : x->told;
	const uint64_t of = echoes && x->verified && !r->f->ngens ? x->received + x->lost : x->asked;

	if (lost <= fwd_loss_allowed(c, of))
		return;
	plx_text_add(x->failed, sizeof(x->failed), "%s%" PRIu64 " packets lost", *x->failed ? "; " : "", lost);
	if (echoes && r->f->ngens && !x->received && !x->corrupt && x->told < lost)
		plx_text_add(x->failed, sizeof(x->failed), ": none came back: have the other end send them back, as "
		             "plx-fwd --mode macswap does, or take --mode txonly");
	else if (*x->most)
		plx_text_add(x->failed, sizeof(x->failed), ", %s; or allow it with --max-loss", x->most);
	else
		plx_text_add(x->failed, sizeof(x->failed), ": lower --rate, or allow it with --max-loss");
}

/* Why bursts of the ports stopped short: the reason that was most often, and what helps. */
static void why_stopped(const struct fwd *f, char *buf, size_t len)
{
#define X(id, why) { #id, why },
	static const struct { const char *name, *why; } stops[] = { PLX_STOPS(X) };
#undef X
	uint64_t most = 0;

	for (uint16_t i = 0; i < plx_env_ports(f->env); i++) {
		const struct plx_port *p = plx_env_port(f->env, i);
		struct plx_port_stats s;

		plx_port_stats(p, &s);
		for (int k = 0; k < PLX_STOP_N; k++)
			if (s.tx.stop[k] > most) {
				most = s.tx.stop[k];
				buf[0] = 0;
				plx_text_add(buf, len, "%s tx_stop_%s: %s: %s", p->name, stops[k].name, stops[k].why,
				             k == PLX_STOP_no_mbuf ? "raise -m" :
				             "set the interface and its other end up (ip link)");
			}
	}
}

/* A generator that could not send has failed, though nothing is lost. */
static void judge_sent(const struct report *r, struct result *x)
{
	const struct fwd *f = r->f;
	char why[256] = "";

	if (!f->ngens || x->sent || x->told)
		return;
	why_stopped(f, why, sizeof(why));
	if (!*why && (x->interrupted || f->conf.rate)) /* none was due yet */
		return;
	plx_text_add(x->failed, sizeof(x->failed), "%sno packet could be sent%s%s",
	             *x->failed ? "; " : "", *why ? ", " : "", why);
}

static void judge(const struct report *r, struct result *x)
{
	const struct fwd_conf *c = &r->f->conf;
	struct { bool failed; uint64_t n; const char *what; } const checks[] = {
		{ x->verified && x->corrupt, x->corrupt, "packets corrupt" },
		{ x->verified && x->duplicates, x->duplicates, "duplicates" },
		{ x->verified && x->reordered + x->stale, x->reordered + x->stale, "packets out of order" },
		{ x->verified && !x->received && !x->corrupt && (x->sent || !r->f->ngens), 0,
		  "packets of a generator seen: nothing was verified" },
		{ c->has_min_pps && rate_known(x->ns) && x->pps < c->min_pps, x->pps,
		  "packets per second: below --min-pps" },
		{ c->has_min_pps && !rate_known(x->ns) && !x->interrupted, x->ns,
		  "ns are too short a run for --min-pps: send more by --count or --duration" },
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(checks); i++)
		if (checks[i].failed)
			plx_text_add(x->failed, sizeof(x->failed), "%s%" PRIu64 " %s", *x->failed ? "; " : "",
			             checks[i].n, checks[i].what);
	judge_sent(r, x);
	judge_loss(r, x);
}

static void add_ports(const struct fwd *f, struct result *x)
{
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++) {
		struct plx_port_stats s;

		plx_port_stats(plx_env_port(f->env, i), &s);
		x->sent += s.tx.pkts;
		x->sent_bytes += s.tx.bytes;
		x->received += s.rx.pkts;
		x->received_bytes += s.rx.bytes;
		x->empty_polls += s.rx.empty;
		x->copied += s.tx.copied;
	}
}

static void add_verified(struct fwd *f, struct result *x)
{
	struct verify_sums t;

	x->verified = true;
	fwd_sum(f, &t);
	for (uint32_t i = 0; i < f->nsinks; i++) {
		x->corrupt += f->sink[i].verify->corrupt;
		x->foreign += f->sink[i].verify->foreign;
		x->verified_bytes += f->sink[i].verify->bytes;
	}
	x->received = t.received;
	x->received_bytes = t.bytes;
	x->duplicates = t.duplicates;
	x->reordered = t.reordered;
	x->stale = t.stale;
	/* a damaged packet came, though not as it was sent */
	x->lost = t.lost > x->corrupt ? t.lost - x->corrupt : 0;
	x->echoes = true;
}

void report_result(struct report *r, struct result *x, int err)
{
	struct fwd *f = r->f;

	*x = (struct result){ .ns = r->end > r->start ? r->end - r->start : 0, .interrupted = !r->finished };
	add_ports(f, x);
	report_losses(f, x);
	for (uint32_t i = 0; i < f->npaths; i++) {
		x->dropped += f->path[i].dropped;
		x->ignored += f->path[i].ignored;
	}
	for (uint32_t i = 0; i < f->ngens; i++)
		x->held_back += f->gen[i].held_back;
	x->lost = x->told;
	if (f->conf.verify && f->nsinks) {
		add_verified(f, x);
	} else if (f->conf.mode == FWD_FLOWGEN) {
		x->echoes = true;
		x->lost = x->asked > x->received ? x->asked - x->received : 0;
	}
	if (rate_known(x->ns))
		x->pps = (uint64_t)((double)(f->nsinks ? x->received : x->sent) * 1e9 / (double)x->ns);
	judge(r, x);
	if (err)
		plx_text_add(x->failed, sizeof(x->failed), "%sended by an error: %s", *x->failed ? "; " : "",
		             strerror(-err));
}

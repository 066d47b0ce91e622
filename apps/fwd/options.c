/* SPDX-License-Identifier: MIT */
/* options.c - plx-fwd's half of the command line; cold, pure; called by Pollux's parser. */
#include "fwd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static const char *const mode_names[] = { "io",     "mac",     "macswap",  "5tswap", "rxonly",
	                                  "txonly", "flowgen", "icmpecho", "csum" };
static const char *const pairing_names[] = { "paired", "chained", "loop" };
static_assert(PLX_ARRAY_SIZE(mode_names) == FWD_MODES, "a name for each mode");

const char *fwd_mode_name(enum fwd_mode m) { return mode_names[m]; }

void fwd_conf_init(struct fwd_conf *c)
{
	*c = (struct fwd_conf){
		.burst = PLX_BURST,
		.stats_period = 1000000000,
		.lengths = { .n = 1, .of = { 64 } },
		.flows = 64,
		.src_ip = plx_be32(0xc6120001),
		.dst_ip = plx_be32(0xc6120002), /* 198.18.0.0/15: RFC 2544's for benchmarks */
		.sport = 1024,
		.dport = 9,
		.drain = 1000000000,
		.seed = 1,
	};
}

/* The parser puts the option and its value in front. */
static int bad(char *why, size_t len, const char *what, const char *like)
{
	why[0] = 0;
	plx_text_add(why, len, "%s%s", what, like);
	return -EINVAL;
}

static int word(const char *const *list, size_t n, const char *arg, char *why, size_t len)
{
	const char *near = plx_text_near(arg, list, n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(arg, list[i]))
			return (int)i;
	bad(why, len, "none of", "");
	for (size_t i = 0; i < n; i++)
		plx_text_add(why, len, "%s %s", i ? "," : "", list[i]);
	if (near)
		plx_text_add(why, len, "; did you mean %s?", near);
	return -EINVAL;
}

typedef int (*reader)(uint64_t *, const char *, uint64_t, uint64_t);

static int number(reader read, uint64_t *v, const char *arg, uint64_t lo, uint64_t hi, const char *like, char *why,
                  size_t len)
{
	switch (read(v, arg, lo, hi)) {
	case 0: return 0;
	case -ERANGE:
		bad(why, len, "out of range", "");
		if (read == plx_text_duration)
			plx_text_add(why, len, ": %g to %g seconds", (double)lo / 1e9, (double)hi / 1e9);
		else
			plx_text_add(why, len, ": %llu to %llu", (unsigned long long)lo, (unsigned long long)hi);
		return -EINVAL;
	default: return bad(why, len, "not such a number; write it like ", like);
	}
}

#define SET(name) static int set_##name(void *dst, const char *arg, char *why, size_t len)
#define UNUSED (void)arg, (void)why, (void)len
#define CONF ((struct fwd_conf *)dst)

static int give(struct fwd_conf *c, enum fwd_given bit)
{
	c->given |= 1u << bit;
	return 0;
}

SET(mode)
{
	int i = word(mode_names, FWD_MODES, arg, why, len);

	if (i >= 0)
		CONF->mode = (enum fwd_mode)i;
	return i < 0 ? i : 0;
}

SET(pairing)
{
	int i = give(dst, FWD_PAIRING) + word(pairing_names, PLX_ARRAY_SIZE(pairing_names), arg, why, len);

	if (i >= 0)
		CONF->pairing = (enum fwd_pairing)i;
	return i < 0 ? i : 0;
}

/* An integer field of any width. */
#define SET_BITS(name, bits, field, reader, lo, hi, like) \
	SET(name) \
	{ \
		uint64_t v; \
		int err = number(reader, &v, arg, lo, hi, like, why, len); \
\
		if (!err) \
			CONF->field = (__typeof__(CONF->field))v; \
		CONF->given |= bits; \
		return err; \
	}
#define SET_NUMBER(name, ...) SET_BITS(name, 0u, __VA_ARGS__)
#define SET_GIVEN(name, bit, ...) SET_BITS(name, 1u << bit, __VA_ARGS__)
SET_NUMBER(burst, burst, plx_text_u64, 1, PLX_BURST_MAX, "32")
SET_GIVEN(retry, FWD_RETRY, retry, plx_text_u64, 0, 65535, "8")
SET_NUMBER(count, count, plx_text_rate, 1, UINT64_MAX / 2, "1000000 or 1M")
SET_GIVEN(flows, FWD_FLOWS, flows, plx_text_rate, 1, FWD_FLOWS_MAX, "64 or 10k")
SET_GIVEN(rate, FWD_RATE, rate, plx_text_rate, 0, 1000000000, "250k or 1.5 million as 1500k")
SET_GIVEN(window, FWD_WINDOW, window, plx_text_u64, 0, UINT32_MAX, "1024")
SET_GIVEN(sport, FWD_SPORT, sport, plx_text_u64, 1, 65535, "1024")
SET_GIVEN(dport, FWD_DPORT, dport, plx_text_u64, 1, 65535, "9")
SET_GIVEN(seed, FWD_SEED, seed, plx_text_u64, 0, UINT64_MAX, "1")

#define HOURS(n) ((n) * 3600000000000u)
static const char *const time_like = "10, 1.5s, 200ms or 5m";
SET_NUMBER(duration, duration, plx_text_duration, 1000000, HOURS(24 * 365), time_like)
SET_GIVEN(drain, FWD_DRAIN, drain, plx_text_duration, 0, HOURS(1), time_like)

/* Main looks every 10 ms. */
SET(stats_period)
{
	uint64_t none;

	if (!plx_text_duration(&none, arg, 0, 0)) {
		CONF->stats_period = 0;
		return 0;
	}
	return number(plx_text_duration, &CONF->stats_period, arg, 10000000, HOURS(24), time_like, why, len);
}

SET(json) { UNUSED; CONF->json = true; return 0; }
SET(verify) { UNUSED; CONF->verify = true; return give(dst, FWD_VERIFY); }

SET(min_pps)
{
	CONF->has_min_pps = true;
	return number(plx_text_rate, &CONF->min_pps, arg, 1, 1000000000000, "250k", why, len);
}

static int set_mac(uint8_t mac[6], const char *arg, char *why, size_t len)
{
	return plx_mac_parse(mac, arg) ? bad(why, len, "no MAC address; write it like ", "02:00:00:00:00:01") : 0;
}

SET(peer_mac) { CONF->has_peer = true; return give(dst, FWD_PEER_MAC) + set_mac(CONF->peer_mac, arg, why, len); }
SET(src_mac) { CONF->has_src = true; return give(dst, FWD_SRC_MAC) + set_mac(CONF->src_mac, arg, why, len); }

static int set_ip(uint32_t *ip, const char *arg, char *why, size_t len)
{
	return inet_pton(AF_INET, arg, ip) == 1 ? 0 :
	       bad(why, len, "no IPv4 address; write it like ", "198.18.0.1");
}

SET(src_ip) { return give(dst, FWD_SRC_IP) + set_ip(&CONF->src_ip, arg, why, len); }
SET(dst_ip) { return give(dst, FWD_DST_IP) + set_ip(&CONF->dst_ip, arg, why, len); }

/* "10" packets, "1%", "0.05%" of what was sent: kept as packets or as parts of FWD_LOSS_ALL. */
SET(max_loss)
{
	size_t n = strlen(arg), decimals = strlen(arg + strcspn(arg, "."));
	uint64_t v;
	char text[32];

	CONF->max_loss_ratio = n && arg[n - 1] == '%';
	if (!CONF->max_loss_ratio)
		return number(plx_text_rate, &CONF->max_loss, arg, 0, UINT64_MAX, "10 packets or 0.1%", why, len);
	/* the reader of durations knows fractions: a percent is a "second" */
	snprintf(text, sizeof(text), "%.*ss", (int)n - 1, arg);
	if (strspn(arg, "0123456789.") != n - 1 || n > sizeof(text) - 2 || plx_text_duration(&v, text, 0, 100000000000))
		return bad(why, len, "no share of 0% to 100%; write it like ", "0.1%");
	if (decimals > 2 + 6) /* the point and the sign */
		return bad(why, len, "more than 6 decimals; write it like ", "0.000001%, or give a number of packets");
	CONF->max_loss = v / (100000000000 / FWD_LOSS_ALL);
	return 0;
}

/* In two steps, since both at once may not fit. */
uint64_t fwd_loss_allowed(const struct fwd_conf *c, uint64_t of)
{
	return c->max_loss_ratio ? of / FWD_LOSS_ALL * c->max_loss + of % FWD_LOSS_ALL * c->max_loss / FWD_LOSS_ALL :
	       c->max_loss;
}

static int one_length(uint16_t *v, const char *s, size_t n, char *why, size_t len)
{
	char text[16];
	uint64_t u;

	snprintf(text, sizeof(text), "%.*s", (int)(n < sizeof(text) ? n : sizeof(text) - 1), s);
	if (plx_text_u64(&u, text, PLX_ETH_MIN, UINT16_MAX))
		return bad(why, len, "no frame length(s); give 60 to 65535, without FCS, like ",
		           "64 or 64,512,1514 or 60-9014");
	*v = (uint16_t)u;
	return 0;
}

SET(length)
{
	struct fwd_lengths *l = &CONF->lengths;
	const char *dash = strchr(arg, '-');

	give(dst, FWD_LENGTH);
	*l = (struct fwd_lengths){ .range = dash != NULL };
	if (dash) {
		l->n = 2;
		if (one_length(&l->of[0], arg, (size_t)(dash - arg), why, len) ||
		    one_length(&l->of[1], dash + 1, strlen(dash + 1), why, len))
			return -EINVAL;
		return l->of[0] <= l->of[1] ? 0 : bad(why, len, "it goes downwards; write it like ", "60-1514");
	}
	for (;; arg++) {
		size_t n = strcspn(arg, ",");

		if (l->n == FWD_LENGTHS)
			return bad(why, len, "more than 32 lengths; give a range like ", "60-1514");
		if (one_length(&l->of[l->n++], arg, n, why, len))
			return -EINVAL;
		arg += n;
		if (!*arg)
			return 0;
	}
}

/* --help has room for the first ones. */
const struct plx_opt fwd_opts[] = {
	{ .name = "mode",
	  .arg = "MODE",
	  .set = set_mode,
	  .what = "io, mac, macswap, 5tswap, rxonly, txonly, flowgen, icmpecho, csum; io" },
	{ .name = "duration", .arg = "TIME", .set = set_duration, .what = "stop after it" },
	{ .name = "rate", .arg = "PPS", .set = set_rate, .what = "packets per second sent in all, 0 = unlimited; 0" },
	{ .name = "verify", .set = set_verify, .what = "fill payloads with a pattern and check all that comes back" },
	{ .name = "json", .set = set_json, .what = "print JSON, one object a line" },
	{ .name = "pairing",
	  .arg = "HOW",
	  .set = set_pairing,
	  .what = "paired (0-1, 2-3), chained (0-1-2-0), loop; paired" },
	{ .name = "burst", .arg = "N", .set = set_burst, .what = "packets of a burst, 1..512; 32" },
	{ .name = "retry",
	  .arg = "N",
	  .set = set_retry,
	  .what = "send an unsent tail again, then drop it; 0",
	  .flags = PLX_OPT_MORE },
	{ .name = "stats-period",
	  .arg = "TIME",
	  .set = set_stats_period,
	  .what = "between lines of statistics, 0 = none; 1s" },
	{ .name = "count", .arg = "N", .set = set_count, .what = "stop after N packets sent, forwarded or received" },
	{ .name = "length",
	  .arg = "N",
	  .set = set_length,
	  .what = "frame length(s) without FCS, 60..65535: N, A,B,C or A-B; 64" },
	{ .name = "flows", .arg = "N", .set = set_flows, .what = "UDP flows of each port; 64" },
	{ .name = "window",
	  .arg = "N",
	  .set = set_window,
	  .what = "flowgen: packets on the way at most, 0 = any; 0",
	  .flags = PLX_OPT_MORE },
	{ .name = "peer-mac",
	  .arg = "MAC",
	  .set = set_peer_mac,
	  .what = "destination of mac and the generators; 02:00:00:00:00:<port>",
	  .flags = PLX_OPT_MORE },
	{ .name = "src-mac",
	  .arg = "MAC",
	  .set = set_src_mac,
	  .what = "source of the generators; the port's",
	  .flags = PLX_OPT_MORE },
	{ .name = "src-ip",
	  .arg = "IP",
	  .set = set_src_ip,
	  .what = "source of the first flow; 198.18.0.1",
	  .flags = PLX_OPT_MORE },
	{ .name = "dst-ip", .arg = "IP", .set = set_dst_ip, .what = "destination; 198.18.0.2", .flags = PLX_OPT_MORE },
	{ .name = "sport",
	  .arg = "PORT",
	  .set = set_sport,
	  .what = "source port of the first flow; 1024",
	  .flags = PLX_OPT_MORE },
	{ .name = "dport", .arg = "PORT", .set = set_dport, .what = "destination port; 9", .flags = PLX_OPT_MORE },
	{ .name = "min-pps",
	  .arg = "PPS",
	  .set = set_min_pps,
	  .what = "exit 6 if the mean rate is below",
	  .flags = PLX_OPT_MORE },
	{ .name = "max-loss",
	  .arg = "N|P%",
	  .set = set_max_loss,
	  .what = "exit 6 if more is lost; 0",
	  .flags = PLX_OPT_MORE },
	{ .name = "drain",
	  .arg = "TIME",
	  .set = set_drain,
	  .what = "generators: at the end wait at most so long; 1s",
	  .flags = PLX_OPT_MORE },
	{ .name = "seed",
	  .arg = "N",
	  .set = set_seed,
	  .what = "of the lengths and the pattern; 1",
	  .flags = PLX_OPT_MORE },
	{ .name = NULL },
};

/* What each option is for, beside those that every mode has. */
#define FORWARD (1u << FWD_IO | 1u << FWD_MAC | 1u << FWD_MACSWAP | 1u << FWD_5TSWAP | 1u << FWD_CSUM)
#define GENERATE (1u << FWD_FLOWGEN | 1u << FWD_TXONLY)
static const struct { const char *option; uint32_t modes; const char *names; } uses[FWD_GIVEN] = {
	[FWD_PAIRING] = { "--pairing", FORWARD, "io, mac, macswap, 5tswap and csum" },
	[FWD_RETRY] = { "--retry", FORWARD | 1u << FWD_ICMPECHO, "io, mac, macswap, 5tswap, csum and icmpecho" },
	[FWD_LENGTH] = { "--length", GENERATE, "flowgen and txonly" },
	[FWD_FLOWS] = { "--flows", GENERATE, "flowgen, txonly and rxonly --verify" },
	[FWD_RATE] = { "--rate", GENERATE, "flowgen and txonly" },
	[FWD_WINDOW] = { "--window", 1u << FWD_FLOWGEN, "flowgen" },
	[FWD_PEER_MAC] = { "--peer-mac", GENERATE | 1u << FWD_MAC, "flowgen, txonly and mac" },
	[FWD_SRC_MAC] = { "--src-mac", GENERATE, "flowgen and txonly" },
	[FWD_SRC_IP] = { "--src-ip", GENERATE, "flowgen and txonly" },
	[FWD_DST_IP] = { "--dst-ip", GENERATE, "flowgen and txonly" },
	[FWD_SPORT] = { "--sport", GENERATE, "flowgen and txonly" },
	[FWD_DPORT] = { "--dport", GENERATE, "flowgen and txonly" },
	[FWD_DRAIN] = { "--drain", GENERATE, "flowgen and txonly" },
	[FWD_SEED] = { "--seed", GENERATE, "flowgen and txonly" },
	[FWD_VERIFY] = { "--verify", GENERATE | 1u << FWD_RXONLY, "flowgen, txonly and rxonly" },
};

int fwd_conf_check(const struct fwd_conf *c, char *why, size_t whylen)
{
	for (size_t i = 0; i < FWD_GIVEN; i++) {
		uint32_t modes = uses[i].modes | (i == FWD_FLOWS && c->verify ? 1u << FWD_RXONLY : 0);

		if (!(c->given >> i & 1) || modes >> c->mode & 1)
			continue;
		why[0] = 0;
		plx_text_add(why, whylen, "%s goes with --mode %s, not with %s", uses[i].option, uses[i].names,
		             fwd_mode_name(c->mode));
		return -EINVAL;
	}
	return 0;
}

int fwd_conf_ports(const struct fwd_conf *c, const struct plx_env_conf *env, char *why, size_t whylen)
{
	uint16_t i = 0;

	while (i < env->nports && env->ports[i].no_rx)
		i++;
	if (!env->nports || i < env->nports || c->mode == FWD_TXONLY)
		return 0;
	why[0] = 0;
	plx_text_add(why, whylen, "%s needs receive queues: %s has rxqs=0", fwd_mode_name(c->mode), env->ports[0].name);
	return -EINVAL;
}

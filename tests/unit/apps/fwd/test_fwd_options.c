/* SPDX-License-Identifier: MIT */
/* test_fwd_options.c - plx-fwd's options: what they mean, and what they refuse with which words. */
#include "fwd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int set(struct fwd_conf *c, const char *name, const char *arg, char *why)
{
	for (const struct plx_opt *o = fwd_opts; o->name; o++)
		if (!strcmp(o->name, name))
			return o->set(c, arg, why, 2048);
	fail_msg("no option %s", name);
	return 0;
}

static const struct { const char *name, *arg, *why;
} bad[] = {
	{ "mode", "macswop", "did you mean macswap" },
	{ "mode", "x", "none of io, mac" },
	{ "mode", "IO", "did you mean io" },
	{ "pairing", "pair", "did you mean paired" },
	{ "burst", "0", "1 to 512" },
	{ "burst", "513", "1 to 512" },
	{ "burst", "abc", "like 32" },
	{ "burst", "-1", "like 32" },
	{ "retry", "65536", "0 to 65535" },
	{ "count", "0", "out of range" },
	{ "count", "1e6", "like 1000000" },
	{ "flows", "0", "out of range" },
	{ "flows", "2000000", "1 to 1048576" },
	{ "rate", "fast", "like 250k" },
	{ "rate", "2G", "out of range" },
	{ "sport", "0", "1 to 65535" },
	{ "dport", "65536", "1 to 65535" },
	{ "stats-period", "1x", "like 10, 1.5s" },
	{ "stats-period", "9ms", "out of range: 0.01 to 86400 seconds" },
	{ "duration", "0", "out of range" },
	{ "duration", "-1s", "like 10" },
	{ "length", "59", "60 to 65535" },
	{ "length", "64,", "60 to 65535" },
	{ "length", "1514-60", "downwards" },
	{ "length", "64-", "60 to 65535" },
	{ "length", "65536", "60 to 65535" },
	{ "length", "64;128", "60 to 65535" },
	{ "length", "99999999999", "60 to 65535" },
	{ "length",
	  "64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64",
	  "more than 32" },
	{ "peer-mac", "02:00:00:00:00", "no MAC address" },
	{ "src-mac", "x", "no MAC address" },
	{ "src-ip", "10.0.0", "no IPv4 address" },
	{ "dst-ip", "fd00::1", "no IPv4 address" },
	{ "min-pps", "0", "out of range" },
	{ "max-loss", "101%", "no share" },
	{ "max-loss", "%", "no share" },
	{ "max-loss", "-1", "like 10 packets" },
	{ "max-loss", "1.0000000000000000000000000000000001%", "no share" },
	{ "max-loss", "0.0000001%", "more than 6 decimals; write it like 0.000001%, or give a number of packets" },
	{ "max-loss", "1m%", "no share" },
	{ "max-loss", "", "like 10 packets" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		struct fwd_conf c;
		char why[2048] = "";

		fwd_conf_init(&c);
		if (set(&c, bad[i].name, bad[i].arg, why) != -EINVAL || !strstr(why, bad[i].why) || strchr(why, '\n'))
			fail_msg("--%s %s: \"%s\" does not say \"%s\"", bad[i].name, bad[i].arg, why, bad[i].why);
	}
}

static void test_good(void **state)
{
	struct fwd_conf c;
	char why[2048];

	(void)state;
	fwd_conf_init(&c);
	assert_int_equal(c.mode, FWD_IO);
	assert_int_equal(c.burst, PLX_BURST);
	assert_int_equal(set(&c, "mode", "5tswap", why), 0);
	assert_int_equal(c.mode, FWD_5TSWAP);
	assert_int_equal(set(&c, "pairing", "loop", why), 0);
	assert_int_equal(c.pairing, FWD_LOOP);
	assert_int_equal(set(&c, "length", "60-1514", why), 0);
	assert_true(c.lengths.range && c.lengths.of[0] == 60 && c.lengths.of[1] == 1514);
	assert_int_equal(set(&c, "length", "64,512,1500", why), 0);
	assert_true(!c.lengths.range && c.lengths.n == 3 && c.lengths.of[2] == 1500);
	assert_int_equal(set(&c, "length", "64", why), 0);
	assert_true(!c.lengths.range && c.lengths.n == 1 && c.lengths.of[0] == 64);
	assert_int_equal(set(&c, "rate", "250kpps", why), 0);
	assert_int_equal(c.rate, 250000);
	assert_int_equal(set(&c, "count", "1M", why), 0);
	assert_int_equal(c.count, 1000000);
	assert_int_equal(set(&c, "duration", "1.5s", why), 0);
	assert_int_equal(c.duration, 1500000000);
	assert_int_equal(set(&c, "max-loss", "0.05%", why), 0);
	assert_true(c.max_loss_ratio && c.max_loss == FWD_LOSS_ALL / 2000);
	assert_int_equal(set(&c, "max-loss", "100%", why), 0);
	assert_true(c.max_loss_ratio && c.max_loss == FWD_LOSS_ALL);
	assert_int_equal(set(&c, "max-loss", "10", why), 0);
	assert_true(!c.max_loss_ratio && c.max_loss == 10);
	assert_int_equal(set(&c, "src-ip", "10.0.0.1", why), 0);
	assert_int_equal(plx_be32(c.src_ip), 0x0a000001);
	assert_int_equal(set(&c, "verify", NULL, why), 0);
	assert_true(c.verify);
}

static void test_loss(void **state)
{
	static const struct { const char *arg; uint64_t of, allowed; } rows[] = {
		{ "0%", UINT64_MAX, 0 }, { "7", 0, 7 }, { "0.00001%", 10000000, 1 }, { "0.00001%", 9999999, 0 },
		{ "0.000001%", 1000000000, 10 }, { "33.333333%", 100000000, 33333333 }, { "0.1%", 1000, 1 },
		{ "0.1%", 999, 0 },
		{ "100%", UINT64_MAX, UINT64_MAX }, { "99.999999%", 10000000000, 9999999900 },
	};
	struct fwd_conf c;
	char why[2048];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		fwd_conf_init(&c);
		assert_int_equal(set(&c, "max-loss", rows[i].arg, why), 0);
		assert_int_equal(fwd_loss_allowed(&c, rows[i].of), rows[i].allowed);
	}
}

static void test_together(void **state)
{
	static const struct { enum fwd_mode mode; const char *name, *arg; bool ok;
	} rows[] = {
		{ FWD_FLOWGEN, "verify", NULL, true },
		{ FWD_TXONLY, "verify", NULL, true },
		{ FWD_RXONLY, "verify", NULL, true },
		{ FWD_IO, "verify", NULL, false },
		{ FWD_ICMPECHO, "verify", NULL, false },
		{ FWD_TXONLY, "rate", "1k", true },
		{ FWD_RXONLY, "rate", "1k", false },
		{ FWD_MAC, "rate", "1k", false },
		{ FWD_FLOWGEN, "window", "9", true },
		{ FWD_TXONLY, "window", "9", false },
		{ FWD_IO, "length", "64", false },
		{ FWD_RXONLY, "length", "64", false },
		{ FWD_TXONLY, "length", "64", true },
		{ FWD_IO, "flows", "64", false },
		{ FWD_RXONLY, "flows", "9", false },
		{ FWD_FLOWGEN, "flows", "9", true },
		{ FWD_IO, "seed", "1", false },
		{ FWD_RXONLY, "seed", "2", false },
		{ FWD_TXONLY, "seed", "2", true },
		{ FWD_IO, "drain", "1s", false },
		{ FWD_RXONLY, "drain", "2s", false },
		{ FWD_TXONLY, "drain", "2s", true },
		{ FWD_RXONLY, "rate", "0", false },
		{ FWD_TXONLY, "window", "0", false },
		{ FWD_ICMPECHO, "retry", "1", true },
		{ FWD_RXONLY, "retry", "1", false },
		{ FWD_CSUM, "pairing", "loop", true },
		{ FWD_ICMPECHO, "pairing", "loop", false },
		{ FWD_MAC, "peer-mac", "02:00:00:00:00:01", true },
		{ FWD_IO, "peer-mac", "02:00:00:00:00:01", false },
		{ FWD_MAC, "src-mac", "02:00:00:00:00:01", false },
		{ FWD_IO, "src-ip", "10.0.0.1", false },
		{ FWD_IO, "dst-ip", "10.0.0.1", false },
		{ FWD_RXONLY, "sport", "9", false },
		{ FWD_RXONLY, "dport", "9", false },
		{ FWD_FLOWGEN, "max-loss", "9", true },
		{ FWD_CSUM, "max-loss", "9", true },
		{ FWD_RXONLY, "max-loss", "9%", true },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct fwd_conf c;
		char why[2048] = "";
		int err;

		fwd_conf_init(&c);
		c.mode = rows[i].mode;
		assert_int_equal(set(&c, rows[i].name, rows[i].arg, why), 0);
		err = fwd_conf_check(&c, why, sizeof(why));
		if (err != (rows[i].ok ? 0 : -EINVAL) || (err && !strstr(why, rows[i].name)))
			fail_msg("row %zu: %d \"%s\"", i, err, why);
	}
	/* who verifies what another one sends must know of how many flows it is */
	struct fwd_conf c;
	char why[2048] = "";

	fwd_conf_init(&c);
	c.mode = FWD_RXONLY;
	assert_int_equal(set(&c, "flows", "9", why), 0);
	assert_int_equal(set(&c, "verify", NULL, why), 0);
	assert_int_equal(fwd_conf_check(&c, why, sizeof(why)), 0);
}

/* Who receives nothing at all has no use of a mode that does. */
static void test_ports(void **state)
{
	static struct plx_env_conf env;
	struct fwd_conf c;
	char why[256];

	(void)state;
	fwd_conf_init(&c);
	for (int m = 0; m < FWD_MODES; m++) {
		c.mode = (enum fwd_mode)m;
		env = (struct plx_env_conf){ .nports = 2,
			                     .ports = { { .name = "va", .no_rx = true }, { .name = "vb" } } };
		assert_int_equal(fwd_conf_ports(&c, &env, why, sizeof(why)), 0);
		env.ports[1].no_rx = true;
		assert_int_equal(fwd_conf_ports(&c, &env, why, sizeof(why)), m == FWD_TXONLY ? 0 : -EINVAL);
		env.nports = 0;
		assert_int_equal(fwd_conf_ports(&c, &env, why, sizeof(why)), 0);
	}
	env.nports = 1;
	c.mode = FWD_RXONLY;
	assert_int_equal(fwd_conf_ports(&c, &env, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "rxonly needs receive queues: va has rxqs=0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests_name("fwd_options", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_text.c - numbers, units and near words, as tables. */
#include "plx_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef int (*reader)(uint64_t *, const char *, uint64_t, uint64_t);

#define NS(s) ((uint64_t)((s) * 1e9))
static const struct { reader fn; const char *s; uint64_t lo, hi; int want; uint64_t v; } rows[] = {
	{ plx_text_u64, "0", 0, 10, 0, 0 },
	{ plx_text_u64, "10", 0, 10, 0, 10 },
	{ plx_text_u64, "0x1F", 0, 100, 0, 31 }, { plx_text_u64, "0xA0afFa", 0, UINT64_MAX, 0, 0xa0affa },
	{ plx_text_u64, "007", 0, 10, 0, 7 },
	{ plx_text_u64, "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
	{ plx_text_u64, "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
	{ plx_text_u64, "0x10000000000000000", 0, UINT64_MAX, -ERANGE, 0 },
	{ plx_text_u64, "99999999999999999999x", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_u64, "11", 0, 10, -ERANGE, 0 },
	{ plx_text_u64, "1", 2, 10, -ERANGE, 0 },
	{ plx_text_u64, "", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "abc", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "-1", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_u64, "+1", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, " 1", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "1 ", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "0x", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "1.0", 0, 10, -EINVAL, 0 },
	{ plx_text_u64, "1K", 0, 10000, -EINVAL, 0 },
	{ plx_text_size, "64", 0, UINT64_MAX, 0, 64 },
	{ plx_text_size, "64B", 0, UINT64_MAX, 0, 64 },
	{ plx_text_size, "64K", 0, UINT64_MAX, 0, 65536 },
	{ plx_text_size, "64kb", 0, UINT64_MAX, 0, 65536 },
	{ plx_text_size, "3M", 0, UINT64_MAX, 0, 3 << 20 },
	{ plx_text_size, "1G", 0, UINT64_MAX, 0, 1 << 30 },
	{ plx_text_size, "1Gi", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_size, "G", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_size, "1T", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_size, "17179869184G", 0, UINT64_MAX, -ERANGE, 0 },
	{ plx_text_size, "2K", 0, 2047, -ERANGE, 0 },
	{ plx_text_rate, "250k", 0, UINT64_MAX, 0, 250000 },
	{ plx_text_rate, "10Mpps", 0, UINT64_MAX, 0, 10000000 },
	{ plx_text_rate, "7pps", 0, UINT64_MAX, 0, 7 },
	{ plx_text_rate, "1G", 0, UINT64_MAX, 0, 1000000000 },
	{ plx_text_rate, "1Gbit", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, "10", 0, UINT64_MAX, 0, NS(10) },
	{ plx_text_duration, "1.5s", 0, UINT64_MAX, 0, NS(1.5) },
	{ plx_text_duration, "200ms", 0, UINT64_MAX, 0, NS(0.2) },
	{ plx_text_duration, "20us", 0, UINT64_MAX, 0, 20000 },
	{ plx_text_duration, "500ns", 0, UINT64_MAX, 0, 500 },
	{ plx_text_duration, "0.000000001s", 0, UINT64_MAX, 0, 1 },
	{ plx_text_duration, "1.9ns", 0, UINT64_MAX, 0, 1 },
	{ plx_text_duration, "5m", 0, UINT64_MAX, 0, NS(300) },
	{ plx_text_duration, "1h", 0, UINT64_MAX, 0, NS(3600) },
	{ plx_text_duration, "1.s", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, ".5s", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, "1.5.1s", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, "-1s", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, "1 s", 0, UINT64_MAX, -EINVAL, 0 },
	{ plx_text_duration, "18446744074s", 0, UINT64_MAX, -ERANGE, 0 },
	{ plx_text_duration, "1s", 0, 999999999, -ERANGE, 0 },
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint64_t v = 424242;
		int got = rows[i].fn(&v, rows[i].s, rows[i].lo, rows[i].hi);

		if (got != rows[i].want || v != (rows[i].want ? 424242 : rows[i].v))
			fail_msg("row %zu \"%s\": %d, %llu", i, rows[i].s, got, (unsigned long long)v);
	}
}

static void test_near(void **state)
{
	static const char *const words[] = { "af_xdp", "packet", "loop", "null", "duration", "stats-period" };
	static const struct { const char *s, *want;
	} near[] = {
		{ "af_xpd", "af_xdp" },
		{ "afxdp", "af_xdp" },
		{ "AF_XDP", "af_xdp" },
		{ "pcket", "packet" },
		{ "lopo", "loop" },
		{ "nul", "null" },
		{ "durration", "duration" },
		{ "stat-periods", "stats-period" },
		{ "statsperiode", "stats-period" },
		{ "zebra", NULL },
		{ "", NULL },
		{ "x", NULL },
		{ "pa", NULL },
		{ "noo", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(near); i++) {
		const char *got = plx_text_near(near[i].s, words, PLX_ARRAY_SIZE(words));

		if (!got != !near[i].want || (got && strcmp(got, near[i].want)))
			fail_msg("\"%s\": %s, not %s", near[i].s, got ? got : "(none)",
			         near[i].want ? near[i].want : "(none)");
	}
	assert_null(plx_text_near("loop", words, 0));
	assert_string_equal(plx_text_near("zxd", (const char *const[]){ "rxd", "txd" }, 2),
	                    "rxd"); /* the first of two */
}

static void test_add(void **state)
{
	char buf[8] = "";

	(void)state;
	plx_text_add(buf, sizeof(buf), "%d", 123);
	plx_text_add(buf, sizeof(buf), "%s", "45");
	assert_string_equal(buf, "12345");
	plx_text_add(buf, sizeof(buf), "6789");
	assert_string_equal(buf, "1234567");
	plx_text_add(buf, sizeof(buf), "x");
	assert_string_equal(buf, "1234567");
}

static void test_quote(void **state)
{
	char buf[PLX_QUOTED_MAX], name[128];

	(void)state;
	assert_ptr_equal(plx_text_quote(buf, sizeof(buf), "0-3,8"), buf);
	assert_string_equal(buf, "0-3,8");
	assert_string_equal(PLX_QUOTED(""), "''");
	assert_string_equal(PLX_QUOTED("a'b $c"), "'a'\\''b $c'");
	assert_string_equal(PLX_QUOTED("a;b"), "'a;b'");
	/* the longest name there is, of quotes alone */
	memset(name, '\'', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(strlen(PLX_QUOTED(name)), PLX_QUOTED_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

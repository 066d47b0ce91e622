/* SPDX-License-Identifier: MIT */
/* test_lcore_list.c - DPDK's lcore grammar: what its manual shows, its edges, and what is refused. */
#include "conf.h"
#include "cpuset.h"
#include "plx_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct { const char *list, *want; } good[] = {
	{ "0", "0@0" },
	{ "3,1", "3@3 1@1" },
	{ "0-3,8", "0@0 1@1 2@2 3@3 8@8" },
	{ "7-4", "4@4 5@5 6@6 7@7" },
	{ "5-5", "5@5" },
	{ "127", "127@127" },
	{ "1@5", "1@5" },
	{ "1@31", "1@31" },
	{ "0@130", "0@130" },
	{ "127@1023", "127@1023" },
	{ "(1-3)@20", "1@20 2@20 3@20" },
	{ "(0,6)@(4-7)", "0@4-7 6@4-7" },
	{ "2@(5-7)", "2@5-7" },
	{ "2@5-7", "2@5-7" },
	{ "2@7-5", "2@5-7" },
	{ "(0,6)", "0@0,6 6@0,6" },
	{ "(4-6)", "4@4-6 5@4-6 6@4-6" },
	{ "(6-4)", "4@4-6 5@4-6 6@4-6" },
	{ "(3)", "3@3" },
	{ "4@(1,1)", "4@1" },
	{ "0,1@0", "0@0 1@0" },
	/* the sentence of DPDK's own description */
	{ "1,2@(5-7),(3-5)@(0,2),(0,6),7-8", "1@1 2@5-7 3@0,2 4@0,2 5@0,2 0@0,6 6@0,6 7@7 8@8" },
	{ " 0 - 1 , 3 ", "0@0 1@1 3@3" },
	{ "( 0 , 6 ) @ ( 4 - 7 )", "0@4-7 6@4-7" },
	{ "\t1\t@\t2", "1@2" },
	{ "0@(0-63)", "0@0-63" },
};

static const struct { const char *list, *why; } bad[] = {
	{ "", "a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ " ", "a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "x", "a number is missing at 'x': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "-1", "a number is missing at '-1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0,", "a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ ",0", "a number is missing at ',0': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0,,1", "a number is missing at ',1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0-", "a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0-x", "a number is missing at 'x': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0-1-2", "garbage at '-2': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0x1", "garbage at 'x1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0 1", "garbage at '1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "1@", "a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "@1", "a number is missing at '@1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "1@2@3", "garbage at '@3': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "()", "a number is missing at ')': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "(0", "')' is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "(0,)", "a number is missing at ')': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "0)", "garbage at ')': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "((0))", "a number is missing at '(0))': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "(0)1", "garbage at '1': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "1-3@20", "a range before '@' needs parentheses, as in (1-3)@20, at '1-3@20': write lists as 0-3,8 or 1@5 or "
	            "(0,6)@(4-7)" },
	{ "1@5-7,2@(1", "')' is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ "1024", "number above 1023 at '1024'" },
	{ "99999999999999999999", "number above 1023 at '99999999999999999999'" },
	{ "0-4294967296", "number above 1023 at '4294967296'" },
	{ "1,1", "lcore 1 is there twice: give each lcore once, as in 0,1@0 for two lcores on one CPU" },
	{ "0-3,2", "lcore 2 is there twice: give each lcore once, as in 0,1@0 for two lcores on one CPU" },
	{ "(0,1)@5,1", "lcore 1 is there twice: give each lcore once, as in 0,1@0 for two lcores on one CPU" },
	{ "0@(0-64)", "lcore 0: 65 CPUs, at most 64 are possible" },
	{ "130", "lcore 130 is above 127, but its CPU is not: use -l 0@130" },
	{ "3,130", "lcore 130 is above 127, but its CPU is not: use -l 0@3,1@130" },
	{ "(128,5)", "lcore 128 is above 127, but its CPU is not: use -l 0@(128,5),1@(128,5)" },
	{ "0-128", "more than 128 lcores" },
};

static void render(char *buf, size_t len, const struct plx_lcore_conf *l, uint16_t n)
{
	buf[0] = 0;
	for (uint16_t i = 0; i < n; i++) {
		char cpus[512];

		plx_text_add(buf, len, "%s%u@%s", i ? " " : "", l[i].id,
		             cpuset_list_text(l[i].cpus, l[i].ncpus, cpus, sizeof(cpus)));
	}
}

static void test_good(void **state)
{
	struct plx_lcore_conf l[PLX_LCORES_MAX];
	char why[512], got[512];
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(good); i++) {
		int err = lcore_list_parse(l, &n, good[i].list, why, sizeof(why));
		if (err)
			fail_msg("'%s': %s", good[i].list, why);
		render(got, sizeof(got), l, n);
		assert_string_equal(got, good[i].want);
	}
}

static void test_bad(void **state)
{
	struct plx_lcore_conf l[PLX_LCORES_MAX];
	char why[512];
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		if (lcore_list_parse(l, &n, bad[i].list, why, sizeof(why)) != -EINVAL)
			fail_msg("'%s' was taken", bad[i].list);
		assert_int_equal(n, 0);
		assert_string_equal(why, bad[i].why);
	}
}

/* What an error proposes must be right itself. */
static void test_suggestions_work(void **state)
{
	struct plx_lcore_conf l[PLX_LCORES_MAX];
	char why[512], again[512], *use;
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		lcore_list_parse(l, &n, bad[i].list, why, sizeof(why));
		use = strstr(why, "use -l ");
		if (use)
			assert_int_equal(lcore_list_parse(l, &n, use + 7, again, sizeof(again)), 0);
	}
}

static void test_all_lcores(void **state)
{
	struct plx_lcore_conf l[PLX_LCORES_MAX];
	char why[512];
	uint16_t n;

	(void)state;
	assert_int_equal(lcore_list_parse(l, &n, "0-127", why, sizeof(why)), 0);
	assert_int_equal(n, PLX_LCORES_MAX);
	assert_int_equal(l[127].cpus[0], 127);
}

/* Any cut of any list is taken or refused with one line; a small why stays terminated. */
static void test_cuts(void **state)
{
	struct plx_lcore_conf l[PLX_LCORES_MAX];
	char why[8], cut[64];
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(good); i++) {
		for (size_t k = 0; k <= strlen(good[i].list); k++) {
			snprintf(cut, sizeof(cut), "%.*s", (int)k, good[i].list);
			memset(why, 'x', sizeof(why));
			if (lcore_list_parse(l, &n, cut, why, sizeof(why)))
				assert_non_null(memchr(why, 0, sizeof(why)));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_suggestions_work),
		cmocka_unit_test(test_all_lcores), cmocka_unit_test(test_cuts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

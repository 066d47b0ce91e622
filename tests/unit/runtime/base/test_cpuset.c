/* SPDX-License-Identifier: MIT */
/* test_cpuset.c - sets of CPUs: their texts, read and written, and what is asked of two of them. */
#include "cpuset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const struct { const char *text; int err; unsigned n; int first, has; } lists[] = {
	{ "0-3,8\n", 0, 5, 0, 8 }, { "", 0, 0, -1, -1 }, { "\n", 0, 0, -1, -1 }, { "1023", 0, 1, 1023, 1023 },
	{ "1024", 0, 0, -1, -1 }, { "0-99999999999", 0, 1024, 0, 1023 }, { "3-1", -EINVAL, 0, -1, -1 },
	{ "x", -EINVAL, 0, -1, -1 }, { "1-", -EINVAL, 0, -1, -1 }, { "1,x", -EINVAL, 1, 1, 1 }, { "64", 0, 1, 64, 64 },
	{ "1 2", -EINVAL, 0, -1, -1 }, { "-0", -EINVAL, 0, -1, -1 }, { "0,-0", -EINVAL, 1, 0, 0 },
	{ " 1", -EINVAL, 0, -1, -1 },
	{ "+1", -EINVAL, 0, -1, -1 }, { "1--2", -EINVAL, 0, -1, -1 },
}, masks[] = {
	{ "00000000,0000010f\n", 0, 5, 0, 8 }, { "", 0, 0, -1, -1 }, { "1,00000000,00000000", 0, 1, 64, 64 },
	{ "F", 0, 4, 0, 3 }, { "g", -EINVAL, 0, -1, -1 },
};

static void test_parse(void **state)
{
	struct cpuset s;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(lists) + PLX_ARRAY_SIZE(masks); i++) {
		bool mask = i >= PLX_ARRAY_SIZE(lists);
		size_t k = mask ? i - PLX_ARRAY_SIZE(lists) : i;
		const char *text = mask ? masks[k].text : lists[k].text;

		assert_int_equal(mask ? cpuset_parse_mask(&s, text) : cpuset_parse(&s, text),
		                 mask ? masks[k].err : lists[k].err);
		assert_int_equal(cpuset_count(&s), mask ? masks[k].n : lists[k].n);
		assert_int_equal(cpuset_first(&s), mask ? masks[k].first : lists[k].first);
		int has = mask ? masks[k].has : lists[k].has;
		assert_true(has < 0 || cpuset_has(&s, (unsigned)has));
	}
	assert_false(cpuset_has(&s, 5000));
}

/* Each text is written as it was read; the edges of words are where a loop errs. */
static void test_text(void **state)
{
	static const char *const texts[] = { "", "0", "0-3,8", "63", "64", "63-64", "62,64", "0-1023", "1023",
	                                     "1,3,5-7,1000-1023" };
	char buf[CPUSET_MAX * 5], shorter[6];
	struct cpuset s;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(texts); i++) {
		assert_int_equal(cpuset_parse(&s, texts[i]), 0);
		assert_string_equal(cpuset_text(&s, buf, sizeof(buf)), texts[i]);
	}
	cpuset_parse(&s, "10-20,30");
	assert_string_equal(cpuset_text(&s, shorter, sizeof(shorter)), "10-20");
}

static void test_list(void **state)
{
	static const uint16_t list[] = { 7, 3, 4, 5, 1000, 65534, 65535, 2 };
	char buf[64];

	(void)state;
	assert_string_equal(cpuset_list_text(list, PLX_ARRAY_SIZE(list), buf, sizeof(buf)), "7,3-5,1000,65534-65535,2");
	assert_string_equal(cpuset_list_text(list, 0, buf, sizeof(buf)), "");
	struct cpuset s = cpuset_of(list, PLX_ARRAY_SIZE(list));
	assert_string_equal(cpuset_text(&s, buf, sizeof(buf)), "2-5,7,1000"); /* others are no CPUs */
}

static void test_two(void **state)
{
	static const struct { const char *a, *b, *both, *without; bool meets, within; } rows[] = {
		{ "", "", "", "", false, true }, { "1", "", "", "1", false, false }, { "", "1", "", "", false, true },
		{ "0-3", "2-70", "2-3", "0-1", true, false }, { "64,1023", "0-1023", "64,1023", "", true, true },
		{ "63", "64", "", "63", false, false }, { "1-2", "1-2", "1-2", "", true, true },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct cpuset a, b, s;

		cpuset_parse(&a, rows[i].a);
		cpuset_parse(&b, rows[i].b);
		assert_int_equal(cpuset_meets(&a, &b), rows[i].meets);
		assert_int_equal(cpuset_meets(&b, &a), rows[i].meets);
		assert_int_equal(cpuset_within(&a, &b), rows[i].within);
		assert_int_equal(cpuset_equal(&a, &b), !strcmp(rows[i].a, rows[i].b));
		s = a;
		cpuset_and(&s, &b);
		assert_string_equal(cpuset_text(&s, buf, sizeof(buf)), rows[i].both);
		s = a;
		cpuset_without(&s, &b);
		assert_string_equal(cpuset_text(&s, buf, sizeof(buf)), rows[i].without);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_text), cmocka_unit_test(test_list),
		cmocka_unit_test(test_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

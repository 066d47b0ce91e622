/* SPDX-License-Identifier: MIT */
/* test_finding.c - a finding as it is made, cut, cleaned and told: in a line, and as JSON. */
#include "env_util.h"

#include "finding.h"

static struct finding f;

static void test_made(void **state)
{
	(void)state;
	memset(&f, 'x', sizeof(f));
	finding_make(&f, "drops", "%s queue %u", "eth0", 3);
	assert_string_equal(f.name, "drops");
	assert_string_equal(f.object, "eth0 queue 3");
	assert_string_equal(f.evidence, "");
	assert_string_equal(f.fix, "");
	assert_null(f.unit);
	finding_evidence(&f, "%u frames", 7);
	finding_evidence(&f, " of %u", 9);
	finding_fix(&f, "raise %s", "rxd=");
	finding_fix(&f, ", or wait");
	assert_string_equal(f.evidence, "7 frames of 9");
	assert_string_equal(f.fix, "raise rxd=, or wait");
	finding_make(&f, NULL, "%s", "");
	assert_string_equal(f.evidence, "");
	assert_string_equal(f.fix, "");
}

/* What is too long is cut, and what comes behind it is not there. */
static void test_cut(void **state)
{
	char much[4096];

	(void)state;
	memset(much, 'm', sizeof(much) - 1);
	much[sizeof(much) - 1] = 0;
	finding_make(&f, "n", "%s", much);
	assert_int_equal(strlen(f.object), sizeof(f.object) - 1);
	for (int i = 0; i < 2; i++) {
		finding_evidence(&f, "%s", much);
		finding_fix(&f, "%s", much);
		assert_int_equal(strlen(f.evidence), sizeof(f.evidence) - 1);
		assert_int_equal(strlen(f.fix), sizeof(f.fix) - 1);
	}
}

static void test_clean(void **state)
{
	(void)state;
	finding_make(&f, "n", "%s", "e\x1b[2J");
	finding_evidence(&f, "a\n\xc3\xa9~ ");
	finding_fix(&f, "\x7f\t");
	finding_clean(&f);
	assert_string_equal(f.object, "e?[2J");
	assert_string_equal(f.evidence, "a???~ ");
	assert_string_equal(f.fix, "??");
}

static void line_is(const char *name, const char *object, const char *fix, const char *more, const char *want)
{
	struct kept_log k = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct plx_log log = { kept_line, &k, PLX_LOG_INFO };

	finding_make(&f, name, "%s", object);
	finding_evidence(&f, "it is so");
	finding_fix(&f, "%s", fix);
	finding_log(&log, PLX_LOG_WARN, &f, more);
	assert_true(kept_has(&k, want));
}

static void test_line(void **state)
{
	(void)state;
	line_is("stolen", "lcore 1", "move it", ", for 60 s now", "lcore 1: stolen: it is so, for 60 s now; move it");
	line_is("rss", "setup", "", "", "setup: rss: it is so");
	line_is(NULL, "", "", "", "it is so");
	line_is(NULL, "", "do it", "", "it is so; do it");
}

static void test_json(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct plx_json j;

	(void)state;
	plx_json_begin(&j, out);
	plx_json_array(&j, NULL);
	for (int i = 0; i < 2; i++) {
		finding_make(&f, "drops", "eth0");
		finding_evidence(&f, "\"it\"");
		if (i) {
			f.unit = "/s";
			f.value = 12.34;
			finding_fix(&f, "wait");
		}
		plx_json_object(&j, NULL);
		finding_json(&j, &f, i ? "on" : "object");
		plx_json_object_end(&j);
	}
	plx_json_array_end(&j);
	assert_int_equal(plx_json_end(&j), 0);
	fclose(out);
	assert_string_equal(
		text, "[{\"name\":\"drops\",\"object\":\"eth0\",\"evidence\":\"\\\"it\\\"\",\"fix\":\"\"},"
		      "{\"name\":\"drops\",\"on\":\"eth0\",\"value\":12.3,\"unit\":\"/s\",\"evidence\":\"\\\"it\\\"\","
		      "\"fix\":\"wait\"}]\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made), cmocka_unit_test(test_cut), cmocka_unit_test(test_clean),
		cmocka_unit_test(test_line), cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

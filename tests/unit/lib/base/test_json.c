/* SPDX-License-Identifier: MIT */
/* test_json.c - the writer of JSON: its bytes, that another parser reads the same, and that a wrong order of
   calls ends the program. */
#include "lcore_util.h"

#include "plx_json.h"
#include <jansson.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct plx_json j;
static char *text;
static size_t len;
static FILE *f;

static void begin(void)
{
	f = open_memstream(&text, &len);
	assert_non_null(f);
	plx_json_begin(&j, f);
}

static void ends_as(const char *want)
{
	assert_int_equal(plx_json_end(&j), 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, want);
	free(text);
}

/* ---- bytes ---- */

static void test_all_kinds(void **state)
{
	(void)state;
	begin();
	plx_json_object(&j, NULL);
	plx_json_text(&j, "name", "eth0");
	plx_json_text(&j, "none", NULL);
	plx_json_array(&j, "cpus");
	plx_json_u64(&j, NULL, 3);
	plx_json_u64(&j, NULL, UINT64_MAX);
	plx_json_array_end(&j);
	plx_json_array(&j, "no");
	plx_json_array_end(&j);
	plx_json_object(&j, "empty");
	plx_json_object_end(&j);
	plx_json_array(&j, "in");
	plx_json_object(&j, NULL);
	plx_json_i64(&j, "least", INT64_MIN);
	plx_json_object_end(&j);
	plx_json_object(&j, NULL);
	plx_json_object_end(&j);
	plx_json_array(&j, NULL);
	plx_json_null(&j, NULL);
	plx_json_array_end(&j);
	plx_json_array_end(&j);
	plx_json_bool(&j, "yes", true);
	plx_json_bool(&j, "not", false);
	plx_json_null(&j, "null");
	plx_json_i64(&j, "minus", -1);
	plx_json_object_end(&j);
	ends_as("{\"name\":\"eth0\",\"none\":null,\"cpus\":[3,18446744073709551615],\"no\":[],\"empty\":{},"
	        "\"in\":[{\"least\":-9223372036854775808},{},[null]],\"yes\":true,\"not\":false,\"null\":null,"
	        "\"minus\":-1}\n");
}

/* A value need not be an object. */
static void test_one_value(void **state)
{
	(void)state;
	begin();
	plx_json_u64(&j, NULL, 0);
	ends_as("0\n");
	begin();
	plx_json_array(&j, NULL);
	plx_json_array_end(&j);
	ends_as("[]\n");
}

static void test_doubles(void **state)
{
	static const struct { double v; unsigned digits; const char *want; } rows[] = {
		{ 0, 1, "0.0" }, { 0.25, 1, "0.3" }, { 0.04, 1, "0.0" }, { -0.04, 1, "0.0" }, { -2.5, 1, "-2.5" },
		{ 12.5, 0, "13" }, { 0.999, 2, "1.00" }, { 1.0625, 3, "1.063" }, { 3, 9, "3.000000000" },
		{ 0.000000001, 9, "0.000000001" }, { 1e16, 1, "10000000000000000.0" }, { 1e17, 1, "null" },
		{ 1e18, 0, "null" }, { -1e300, 3, "null" }, { (double)NAN, 1, "null" }, { (double)INFINITY, 1, "null" },
		{ -(double)INFINITY, 1, "null" },
	};
	char want[64];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		begin();
		plx_json_double(&j, NULL, rows[i].v, rows[i].digits);
		snprintf(want, sizeof(want), "%s\n", rows[i].want);
		ends_as(want);
	}
}

static void test_escapes(void **state)
{
	(void)state;
	begin();
	plx_json_object(&j, NULL);
	plx_json_text(&j, "\"k\\", "");
	plx_json_text(&j, "\xc3\xa9", "a\"b\\c/\n\x01\x7f~");
	plx_json_text(&j, "cut", "\xc3\xc3\xa9\xff\xf0\x9f\x90\x99 \xed\xa0\x80");
	plx_json_object_end(&j);
	ends_as("{\"\\\"k\\\\\":\"\",\"\\u00e9\":\"a\\\"b\\\\c/\\u000a\\u0001\\u007f~\","
	        "\"cut\":\"\\u00c3\\u00e9\\u00ff\\ud83d\\udc19 \\u00ed\\u00a0\\u0080\"}\n");
}

/* What the stream did not take is told. */
static void test_full(void **state)
{
	(void)state;
	f = fopen("/dev/full", "w");
	if (!f)
		skip();
	setvbuf(f, NULL, _IONBF, 0);
	plx_json_begin(&j, f);
	plx_json_text(&j, NULL, "a");
	assert_int_equal(plx_json_end(&j), -EIO);
	fclose(f);
}

/* ---- another parser ---- */

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525u + 1013904223u;
	return (rnd_state >> 8) % n;
}

static json_t *value(const char *key, unsigned depth);

static json_t *members(bool array, unsigned depth)
{
	json_t *o = array ? json_array() : json_object();

	for (uint32_t n = rnd(5), i = 0; i < n; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u\"\\%c", i, (char)(1 + rnd(127)));
		if (array)
			json_array_append_new(o, value(NULL, depth + 1));
		else
			json_object_set_new(o, key, value(key, depth + 1));
	}
	return o;
}

static json_t *number(const char *key, bool is_signed)
{
	const uint64_t bits = ((uint64_t)rnd(1 << 24) << 40 | (uint64_t)rnd(1 << 24) << 16 | rnd(1 << 16)) >> rnd(64);

	if (is_signed)
		plx_json_i64(&j, key, (int64_t)bits);
	else
		plx_json_u64(&j, key, bits >> 1); /* as many as the other can read */
	return json_integer(is_signed ? (int64_t)bits : (int64_t)(bits >> 1));
}

static json_t *string(const char *key)
{
	char s[16] = "";

	for (uint32_t n = rnd(sizeof(s)), i = 0; i < n; i++)
		s[i] = (char)(1 + rnd(127));
	plx_json_text(&j, key, s);
	return json_string(s);
}

static json_t *value(const char *key, unsigned depth)
{
	json_t *o;

	switch (rnd(depth < 6 ? 9 : 5)) {
	case 0: plx_json_null(&j, key); return json_null();
	case 1: plx_json_bool(&j, key, depth & 1); return json_boolean(depth & 1);
	case 2: return number(key, true);
	case 3: return number(key, false);
	case 4: return string(key);
	case 5: case 6:
		plx_json_object(&j, key);
		o = members(false, depth);
		plx_json_object_end(&j);
		return o;
	default:
		plx_json_array(&j, key);
		o = members(true, depth);
		plx_json_array_end(&j);
		return o;
	}
}

static void test_read_back(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		json_error_t e;

		begin();
		json_t *want = value(NULL, 0);

		assert_int_equal(plx_json_end(&j), 0);
		assert_int_equal(fclose(f), 0);
		json_t *got = json_loads(text, JSON_DECODE_ANY, &e);

		if (!got || !json_equal(got, want))
			fail_msg("%s of %s", got ? "another value" : e.text, text);
		json_decref(got);
		json_decref(want);
		free(text);
	}
}

/* ---- a wrong order of calls ---- */

static void no_key(void)        { plx_json_object(&j, NULL); plx_json_u64(&j, NULL, 1); }
static void key_in_array(void)  { plx_json_array(&j, NULL); plx_json_u64(&j, "k", 1); }
static void key_outside(void)   { plx_json_u64(&j, "k", 1); }
static void two_values(void)    { plx_json_u64(&j, NULL, 1); plx_json_u64(&j, NULL, 1); }
static void nothing(void)       { plx_json_end(&j); }
static void left_open(void)     { plx_json_object(&j, NULL); plx_json_end(&j); }
static void closed_twice(void)  { plx_json_object(&j, NULL); plx_json_object_end(&j); plx_json_object_end(&j); }
static void array_as_object(void) { plx_json_array(&j, NULL); plx_json_object_end(&j); }
static void object_as_array(void) { plx_json_object(&j, NULL); plx_json_array_end(&j); }
static void inner_as_outer(void)
{
	plx_json_object(&j, NULL);
	plx_json_array(&j, "a");
	plx_json_array_end(&j);
	plx_json_array_end(&j);
}
static void levels(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		plx_json_array(&j, NULL);
	for (unsigned i = 0; i < n; i++)
		plx_json_array_end(&j);
}
static void too_deep(void)      { levels(PLX_JSON_DEPTH + 1); }
static void many_digits(void)   { plx_json_double(&j, NULL, 1, PLX_JSON_DIGITS + 1); }

static void test_order_of_calls(void **state)
{
	static void (*const wrong[])(void) = { no_key,          key_in_array,   key_outside,  two_values,
		                               nothing,         left_open,      closed_twice, array_as_object,
		                               object_as_array, inner_as_outer, too_deep,     many_digits };
	const struct rlimit none = { 0, 0 };
	int status;

	(void)state;
	begin();
	levels(PLX_JSON_DEPTH);
	assert_int_equal(plx_json_end(&j), 0);
	fclose(f);
	free(text);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(wrong); i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid) {
			signal(SIGABRT, SIG_DFL);
			setrlimit(RLIMIT_CORE, &none);
			fclose(stderr);
			FILE *nowhere = fopen("/dev/null", "w"); /* whatever an exit flushes */

			plx_json_begin(&j, nowhere ? nowhere : stdout);
			wrong[i]();
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
			fail_msg("row %zu: status %#x", i, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_kinds), cmocka_unit_test(test_one_value), cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_escapes), cmocka_unit_test(test_full), cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_order_of_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_setup_journal.c - the lines of a set-up's journal: what goes in comes out, and what is
   damaged, at any byte, costs its own line and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "setup_in.h"
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 2, RECORDS = 5, LINES = 1 + SESSIONS + RECORDS };

static unsigned logged;

static void count(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg, (void)level, (void)line;
	logged++;
}

static const struct plx_log log_count = { count, NULL, PLX_LOG_DEBUG };

static void empty(struct setup_journal *j)
{
	*j = (struct setup_journal){ .log = &log_count, .lock = -1, .dir = "/d", .boot = "this-boot" };
}

static char odd[256]; /* every byte there can be */

static char *make(size_t *len)
{
	struct setup_journal j;

	empty(&j);
	for (int i = 0; i < 255; i++)
		odd[i] = (char)(i + 1);
	struct setup_session *a = journal_session(&j, "1-2-1", true), *b = journal_session(&j, "3-4-1", true);

	*a = (struct setup_session){ .id = "1-2-1", .owner = "a b%=#", .hold = SETUP_HOLD_PROCESS, .pid = 1, .start = 2, .pidns = 7,
	                             .netns = { 8, UINT64_MAX } };
	assert_int_equal(journal_add(&j, a, SETUP_sysctl, &setup_file, "/proc/x", "1", "2"), 0);
	assert_int_equal(journal_add(&j, a, SETUP_rss, &setup_rss, "7/eth0", "0 1 2 3", NULL), 0);
	assert_int_equal(journal_add(&j, b, SETUP_irq_affinity, &setup_file, odd, "", ""), 0);
	assert_int_equal(journal_add(&j, b, SETUP_cpuset, &setup_cgroup, "", odd, "x"), 0);
	assert_int_equal(journal_add(&j, b, SETUP_memlock, &setup_rlimit, "1 2 memlock", "a", "b"), 0);
	char *text = journal_text(&j, len);

	assert_non_null(text);
	journal_clear(&j);
	return text;
}

/* read parses a copy, with room for nothing behind it. */
static void parse(struct setup_journal *j, const char *text, size_t len)
{
	char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	empty(j);
	logged = 0;
	assert_int_equal(journal_parse(j, copy, len), 0);
	free(copy);
}

static void test_round(void **state)
{
	(void)state;
	size_t len, again;
	char *text = make(&len), *copy;
	struct setup_journal j;

	parse(&j, text, len);
	assert_int_equal(logged, 0);
	assert_int_equal(j.nsessions, SESSIONS);
	assert_int_equal(j.nrecords, RECORDS);
	assert_false(j.torn);
	const struct setup_session *s = j.records[0].session;

	assert_string_equal(s->owner, "a b%=#");
	assert_int_equal(s->hold, SETUP_HOLD_PROCESS);
	assert_int_equal(s->pid, 1);
	assert_int_equal(s->netns.cookie, UINT64_MAX);
	assert_null(j.records[1].set);
	assert_ptr_equal(j.records[1].kind, &setup_rss);
	assert_int_equal(j.records[2].stage, SETUP_irq_affinity);
	assert_string_equal(j.records[2].object, odd);
	assert_string_equal(j.records[2].set, "");
	assert_string_equal(j.records[3].old, odd);
	copy = journal_text(&j, &again);
	assert_int_equal(again, len);
	assert_memory_equal(copy, text, len);
	journal_clear(&j);
	free(copy);
	free(text);
}

/* line_at: the line that a byte is of, from 0. */
static unsigned line_at(const char *text, size_t at)
{
	unsigned n = 0;

	for (size_t i = 0; i < at; i++)
		n += text[i] == '\n';
	return n;
}

/* Each byte of the journal in turn is another: one record less at most, and never a wrong one. */
static void test_damage(void **state)
{
	(void)state;
	static const char bad[] = { 0, '\n', ' ', '%', '=', '#', 'x', (char)0xff, '0' };
	size_t len;
	char *text = make(&len);
	struct setup_journal good;

	parse(&good, text, len);
	for (size_t at = 0; at < len; at++) {
		for (size_t b = 0; b < sizeof(bad); b++) {
			char was = text[at];
			struct setup_journal j;

			if (was == bad[b])
				continue;
			text[at] = bad[b];
			parse(&j, text, len);
			unsigned line = line_at(text, at), lost = RECORDS - j.nrecords;

			assert_true(lost <= 2); /* two lines that became one */
			assert_int_equal(lost > 0, line > SESSIONS || (was == '\n' && line == SESSIONS));
			assert_true(j.torn || j.damaged);
			assert_int_equal(j.torn && !j.damaged && !logged, /* the last line, or the last two as one */
			                 (line == LINES - 1 && bad[b] != '\n') || (line == LINES - 2 && was == '\n'));
			for (unsigned i = 0; i < j.nrecords; i++) {
				bool known = false;

				for (unsigned k = 0; k < good.nrecords; k++)
					known |= !strcmp(j.records[i].object, good.records[k].object) && !strcmp(j.records[i].old, good.records[k].old);
				assert_true(known);
			}
			journal_clear(&j);
			text[at] = was;
		}
	}
	journal_clear(&good);
	free(text);
}

/* The file ends at each byte in turn: what is whole stands, even if its line end is missing, and nobody is
   troubled about the rest. */
static void test_torn(void **state)
{
	(void)state;
	size_t len;
	char *text = make(&len);

	for (size_t n = 0; n < len; n++) {
		struct setup_journal j;
		bool end = text[n] == '\n';
		unsigned whole = line_at(text, n) + end;

		parse(&j, text, n);
		assert_int_equal(j.nrecords, whole > 1 + SESSIONS ? whole - 1 - SESSIONS : 0);
		assert_int_equal(j.torn, n && !end && text[n - 1] != '\n');
		assert_int_equal(j.damaged, 0);
		assert_int_equal(logged, 0);
		journal_clear(&j);
	}
	free(text);
}

/* A line is gone without a trace: its number tells. */
static void test_missing(void **state)
{
	(void)state;
	size_t len;
	char *text = make(&len), *third = text;
	struct setup_journal j;

	for (int i = 0; i < 4; i++)
		third = strchr(third, '\n') + 1;
	char *next = strchr(third, '\n') + 1;

	memmove(third, next, len - (size_t)(next - text));
	parse(&j, text, len - (size_t)(next - third));
	assert_int_equal(j.nrecords, RECORDS - 1);
	assert_int_equal(logged, 1);
	journal_clear(&j);
	free(text);
}

/* A session whose own line is lost belongs to no process: no start takes it for an orphan. */
static void test_session_lost(void **state)
{
	(void)state;
	size_t len;
	char *text = make(&len);
	struct setup_journal j;

	*strstr(text, "1-2-1") = 'x';
	parse(&j, text, len);
	assert_int_equal(j.nrecords, RECORDS);
	assert_int_equal(j.records[0].session->hold, SETUP_HOLD_HOST);
	journal_clear(&j);
	free(text);
}

static void test_boot(void **state)
{
	(void)state;
	size_t len;
	char *text = make(&len);
	struct setup_journal j;

	empty(&j);
	strcpy(j.boot, "other-boot");
	assert_int_equal(journal_parse(&j, text, len), 0);
	assert_int_equal(j.nrecords + j.nsessions, 0);
	free(text);
}

static void test_garbage(void **state)
{
	(void)state;
	struct setup_journal j;
	char text[4096];

	srand(1);
	for (int round = 0; round < 2000; round++) {
		size_t n = (size_t)rand() % sizeof(text);

		for (size_t i = 0; i < n; i++)
			text[i] = rand() % 20 ? (char)rand() : '\n';
		parse(&j, text, n);
		assert_int_equal(j.nrecords, 0);
		journal_clear(&j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round), cmocka_unit_test(test_damage), cmocka_unit_test(test_torn),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_session_lost), cmocka_unit_test(test_boot),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

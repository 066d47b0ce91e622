/* SPDX-License-Identifier: MIT */
/* test_setup_journal.c - the lines of a set-up's journal: what goes in comes out, and what is
   damaged, at any byte, costs its own line and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal.h"
#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 2, RECORDS = 5, LINES = 1 + SESSIONS + RECORDS };

static unsigned logged;
static char last[512];

static void count(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg, (void)level;
	snprintf(last, sizeof(last), "%s", line);
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

	*a = (struct setup_session){ .id = "1-2-1",
		                     .owner = "a b%=#",
		                     .hold = SETUP_HOLD_PROCESS,
		                     .pid = 1,
		                     .start = 2,
		                     .pidns = 7,
		                     .netns = { 8, UINT64_MAX } };
	assert_int_equal(journal_add(&j, a, SETUP_sysctl, &setup_file, "/proc/x", "", "1", "2"), 0);
	assert_int_equal(
		journal_add(&j, a, SETUP_rss, &setup_rss, "7/eth0", "if mac=1 perm=- name=eth0", "0 1 2 3", NULL), 0);
	assert_int_equal(journal_add(&j, b, SETUP_irq_affinity, &setup_file, odd, "", "", ""), 0);
	assert_int_equal(journal_add(&j, b, SETUP_cpuset, &setup_cgroup, "", "", odd, "x"), 0);
	assert_int_equal(journal_add(&j, b, SETUP_memlock, &setup_rlimit, "1 2 memlock", "", "a", "b"), 0);
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
	assert_string_equal(j.records[0].device, "");
	assert_string_equal(j.records[1].device, "if mac=1 perm=- name=eth0");
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
			assert_true(logged > 0);
			assert_int_equal(j.torn && !j.damaged, /* the last line, or the last two as one */
			                 (line == LINES - 1 && bad[b] != '\n') || (line == LINES - 2 && was == '\n'));
			for (unsigned i = 0; i < j.nrecords; i++) {
				bool known = false;

				for (unsigned k = 0; k < good.nrecords; k++)
					known |= !strcmp(j.records[i].object, good.records[k].object) &&
					         !strcmp(j.records[i].old, good.records[k].old);
				assert_true(known);
			}
			journal_clear(&j);
			text[at] = was;
		}
	}
	journal_clear(&good);
	free(text);
}

/* The file ends at each byte in turn: what is whole stands, even if its line end is missing, and what is
   missing is told, once. */
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
		assert_int_equal(j.missing, whole ? LINES - whole : 1);
		assert_int_equal(logged, whole < LINES);
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
	assert_string_equal(
		last, "/d/setup.journal: it is not whole, line 5 of 8 is missing: what they tell of is not put back");
	journal_clear(&j);
	free(text);
}

/* Several pieces are gone, the end among them: one line for all. */
static void test_missing_pieces(void **state)
{
	(void)state;
	char *text, *copy = calloc(1, 8192), *line, *save = NULL;
	struct setup_journal j;
	size_t len;
	int n = 0;

	text = make(&len);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (++n != 2 && n != 4 && n != 5 && n < LINES)
			plx_text_add(copy, 8192, "%s\n", line);
	parse(&j, copy, strlen(copy));
	assert_int_equal(j.nrecords, 2);
	assert_int_equal(j.missing, 4);
	assert_int_equal(logged, 1);
	assert_non_null(strstr(last, "lines 2, 4-5, 8 of 8 are missing"));
	journal_clear(&j);
	free(copy);
	free(text);
}

/* A line lies over another, stands twice or elsewhere: nothing is put back twice, and what is missing is told. */
static void test_out_of_place(void **state)
{
	(void)state;
	static const struct { const char *order; unsigned records; bool told; } rows[] = {
		{ "12345678", RECORDS, false },
		{ "12344678", RECORDS - 1, true },  /* the fifth is under the fourth */
		{ "12345677", RECORDS - 1, true },  /* the last is under the one before */
		{ "12245678", RECORDS, true },      /* a session */
		{ "12346578", RECORDS - 1, true },  /* changed places */
		{ "123456678", RECORDS, true },
		{ "123456788", RECORDS, false },    /* all is there: the rest is nobody's */
		{ "22345678", RECORDS, true },      /* the head */
	};
	size_t len;
	char *text = make(&len), copy[16384];

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct setup_journal j;
		size_t n = 0;

		for (const char *k = rows[i].order; *k; k++) {
			const char *line = text;

			for (int nth = *k - '1'; nth--;)
				line = strchr(line, '\n') + 1;
			size_t part = (size_t)(strchr(line, '\n') + 1 - line);

			memcpy(copy + n, line, part);
			n += part;
		}
		parse(&j, copy, n);
		assert_int_equal(j.nrecords, rows[i].records);
		assert_int_equal(j.damaged || j.missing, rows[i].told);
		assert_int_equal(logged > 0, rows[i].told);
		journal_clear(&j);
	}
	free(text);
}

/* add_line adds a line with its hash, FNV-1a. */
static void add_line(char *buf, const char *line)
{
	unsigned long long h = 0xcbf29ce484222325ull;

	for (const char *s = line; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	plx_text_add(buf, 4096, "%s #%016llx\n", line, h);
}

/* A journal of an older version has neither a count nor devices; a cut cannot be seen there. */
static void test_format_1(void **state)
{
	(void)state;
	struct setup_journal j;
	char text[4096] = "";

	add_line(text, "1 journal format=1 boot=this-boot");
	add_line(text, "2 session id=1-2-1 owner=o hold=host pid=1 start=2 pidns=3 netns=4 cookie=5");
	add_line(
		text,
		"3 value session=1-2-1 stage=irq-affinity kind=file object=/proc/irq/30/smp_affinity_list old=0 set=1");
	parse(&j, text, strlen(text));
	assert_int_equal(logged, 0);
	assert_int_equal(j.nrecords, 1);
	assert_string_equal(j.records[0].device, "");
	assert_string_equal(j.records[0].old, "0");
	journal_clear(&j);
	parse(&j, text, strlen(text) - 3); /* within a line it can */
	assert_int_equal(j.nrecords, 0);
	assert_int_equal(j.damaged, 1);
	assert_int_equal(logged, 1);
	journal_clear(&j);
	text[0] = 0;
	add_line(text, "1 journal format=3 boot=this-boot lines=1");
	add_line(text, "2 session id=1-2-1 owner=o hold=host");
	parse(&j, text, strlen(text));
	assert_int_equal(j.damaged, 1);
	journal_clear(&j);
}

/* ---- devices ---- */

static void test_same_device(void **state)
{
	(void)state;
#define MSI "irq pci=0000:00:03.0 chip=PCI-MSIX-0000:00:03.0 hwirq="
	static const struct { const char *was, *now; enum setup_ident_is is;
	} rows[] = {
		{ "", MSI "1 actions=eth0-rx-0", SETUP_IDENT_SAME }, /* of an older version */
		{ MSI "1 actions=eth0-rx-0", MSI "1 actions=eth0-rx-0", SETUP_IDENT_SAME },
		{ MSI "1 actions=eth0-rx-0", MSI "2 actions=eth0-rx-0", SETUP_IDENT_OTHER },
		{ MSI "1 actions=eth0-rx-0", MSI "1 actions=nvme0q0", SETUP_IDENT_OTHER },
		{ MSI "1 actions=eth0-rx-0", MSI "1 actions=none", SETUP_IDENT_SAME }, /* the interface is down */
		{ MSI "1 actions=none", MSI "1 actions=eth0-rx-0", SETUP_IDENT_SAME },
		{ MSI "1 actions=eth0-rx-0",
		  "irq pci=0000:00:04.0 chip=PCI-MSIX-0000:00:04.0 hwirq=1 actions=eth0-rx-0", SETUP_IDENT_OTHER },
		{ MSI "1 actions=eth0-rx-0", "irq pci=- chip=- hwirq=- actions=eth0-rx-0", SETUP_IDENT_UNKNOWN },
		{ "irq pci=- chip=- hwirq=- actions=a", "irq pci=- chip=- hwirq=- actions=a", SETUP_IDENT_SAME },
		{ "irq pci=- chip=- hwirq=- actions=a", "irq pci=- chip=- hwirq=- actions=none", SETUP_IDENT_UNKNOWN },
		{ "irq pci=- chip=- hwirq=- actions=a", MSI "1 actions=a", SETUP_IDENT_SAME },
		{ "if mac=02:00:00:00:00:01 perm=- name=a", "if mac=02:00:00:00:00:01 perm=- name=b",
		  SETUP_IDENT_SAME }, /* renamed */
		{ "if mac=02:00:00:00:00:01 perm=- name=a", "if mac=02:00:00:00:00:02 perm=- name=a",
		  SETUP_IDENT_OTHER },
		{ "if mac=1 perm=3 name=a", "if mac=2 perm=3 name=a", SETUP_IDENT_SAME }, /* in a bond */
		{ "if mac=1 perm=3 name=a", "if mac=2 perm=4 name=a", SETUP_IDENT_OTHER },
		{ "if mac=1 perm=3 name=a", "if mac=2 perm=3 name=b", SETUP_IDENT_OTHER },
		{ "if mac=- perm=- name=a", "if mac=- perm=- name=a", SETUP_IDENT_SAME }, /* a tunnel */
		{ "if mac=- perm=- name=a", "if mac=- perm=- name=b", SETUP_IDENT_OTHER },
		{ "if mac=- perm=- name=a", "irq pci=- chip=- hwirq=- actions=a", SETUP_IDENT_UNKNOWN },
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		if (setup_ident_compare(rows[i].was, rows[i].now) != rows[i].is)
			fail_msg("%s | %s: %d", rows[i].was, rows[i].now,
			         setup_ident_compare(rows[i].was, rows[i].now));
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
		cmocka_unit_test(test_missing), cmocka_unit_test(test_missing_pieces),
		cmocka_unit_test(test_out_of_place), cmocka_unit_test(test_format_1),
		cmocka_unit_test(test_same_device), cmocka_unit_test(test_session_lost), cmocka_unit_test(test_boot),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* fuzz_journal.c - a set-up's journal: what is read is told as the same, and one that was damaged is undone as the
   whole one was, or says that it was not.

     r BYTES                   a journal as it stands
     KIND A B LINES            lines without number and hash, which are put to them; then it is damaged: KIND of enum
                               damage, A and B, a byte each, say where */
#include "fake.h"
#include "journal.h"

#include <jansson.h>

#define DIR "/run/pollux"
enum { RECORDS = 64, VALUE = 512 };
enum damage { WHOLE, CUT, CUT_AT_LINE, DROP, DOUBLE, SWAP, BYTE, OVER /* a line lies over another */, DAMAGES };

static const char boot_file[] = "/proc/sys/kernel/random/boot_id", journal_file[] = DIR "/setup.journal";
static unsigned words;

static void said(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	MUST(fuzz_one_line(line));
	words += level <= PLX_LOG_WARN;
}

static const struct plx_log log_said = { said, NULL, PLX_LOG_DEBUG };

/* ---- bytes ---- */

struct text { char *s; size_t n; };

static struct text take(char *s, size_t n)
{
	struct text t = { s, n };

	if (!s)
		abort();
	return t;
}

/* The journal that has these lines. */
static struct text number_lines(struct fuzz_in *in)
{
	unsigned long lines = 1;
	char *out = NULL, head[64];
	size_t len = 0;

	for (size_t i = 0; i < in->n; i++)
		lines += in->p[i] == '\n' || i + 1 == in->n;
	snprintf(head, sizeof(head), "journal format=2 boot=b lines=%lu", lines);
	FILE *f = open_memstream(&out, &len);

	for (unsigned long n = 1; f && n <= lines && (n == 1 || in->n); n++) {
		char *words_of = n == 1 ? NULL : fuzz_string(in, '\n'), *line = NULL;
		unsigned long long hash = 0xcbf29ce484222325ull;
		int k = asprintf(&line, "%lu %s", n, words_of ? words_of : head);

		if (k < 0)
			abort();
		for (int i = 0; i < k; i++)
			hash = (hash ^ (unsigned char)line[i]) * 0x100000001b3ull;
		fprintf(f, "%s #%016llx\n", line, hash);
		free(words_of);
		free(line);
	}
	if (!f || fclose(f))
		abort();
	return take(out, len);
}

/* The begin of line i, or the end of all. */
static size_t line_at(const struct text *t, size_t i)
{
	size_t at = 0;

	while (i-- && at < t->n) {
		const char *nl = memchr(t->s + at, '\n', t->n - at);

		at = nl ? (size_t)(nl - t->s) + 1 : t->n;
	}
	return at;
}

static void add(struct text *t, const struct text *of, size_t from, size_t to)
{
	char *s = realloc(t->s, t->n + to - from + 1);

	if (!s)
		abort();
	memcpy(s + t->n, of->s + from, to - from);
	t->s = s;
	t->n += to - from;
}

static struct text damaged(const struct text *t, enum damage how, uint8_t a, uint8_t b)
{
	struct text d = { NULL, 0 };
	size_t lines = 0, at, next, other, after;

	while (line_at(t, lines) < t->n)
		lines++;
	a = (uint8_t)(lines ? a % lines : 0);
	at = line_at(t, a), next = line_at(t, a + 1u);
	other = line_at(t, lines ? b % lines : 0), after = line_at(t, (lines ? b % lines : 0) + 1u);
	switch (how) {
	case CUT:
		add(&d, t, 0, at + (next > at ? b % (next - at) : 0));
		break;
	case CUT_AT_LINE:
		add(&d, t, 0, at);
		break;
	case DROP:
		add(&d, t, 0, at);
		add(&d, t, next, t->n);
		break;
	case DOUBLE:
		add(&d, t, 0, next);
		add(&d, t, at, t->n);
		break;
	case SWAP: /* one line stands elsewhere */
		add(&d, t, 0, at);
		if (other >= next) {
			add(&d, t, next, after);
			add(&d, t, at, next);
			add(&d, t, after, t->n);
		} else {
			add(&d, t, next, t->n);
			add(&d, t, at, next);
		}
		break;
	case BYTE:
		add(&d, t, 0, t->n);
		if (next > at)
			d.s[at + b % (next - at)] ^= (char)(1 + b % 127);
		break;
	case OVER:
		add(&d, t, 0, at);
		add(&d, t, other, after);
		add(&d, t, next, t->n);
		break;
	default:
		add(&d, t, 0, t->n);
	}
	return d;
}

/* ---- lines ---- */

static void parse(struct setup_journal *j, const struct text *t)
{
	char *copy = fuzz_copy(t->s, t->n);

	*j = (struct setup_journal){ .sys = &fake_sys, .log = &log_said, .lock = -1, .dir = DIR, .boot = "b" };
	words = 0;
	MUST(!journal_parse(j, copy, t->n));
	free(copy);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same(const struct setup_journal *a, const struct setup_journal *b)
{
	for (unsigned i = 0; i < a->nrecords && a->nrecords == b->nrecords; i++) {
		const struct setup_record *x = &a->records[i], *y = &b->records[i];
		const struct setup_session *s = x->session, *u = y->session;

		if (!same_text(x->object, y->object) || !same_text(x->old, y->old) || !same_text(x->set, y->set) ||
		    !same_text(x->device, y->device) || !same_text(x->word, y->word) ||
		    !same_text(x->stage_word, y->stage_word) || x->kind != y->kind || x->stage != y->stage)
			return false;
		if (!same_text(s->id, u->id) || !same_text(s->owner, u->owner) || s->hold != u->hold ||
		    s->pid != u->pid || s->start != u->start || s->pidns != u->pidns ||
		    s->netns.inode != u->netns.inode || s->netns.cookie != u->netns.cookie)
			return false;
	}
	return a->nrecords == b->nrecords;
}

/* written: the journal that j makes, which is read as j. */
static struct text written(const struct setup_journal *j)
{
	struct setup_journal again;
	size_t len, len2;
	struct text t = take(journal_text(j, &len), 0);

	t.n = len;
	parse(&again, &t);
	MUST(!words && !again.damaged && !again.missing && !again.torn && same(j, &again));
	char *twice = journal_text(&again, &len2);

	MUST(twice && len2 == len && !memcmp(twice, t.s, len));
	free(twice);
	journal_clear(&again);
	return t;
}

/* ---- undoing ---- */

static bool is_ours(const char *path)
{
	return strncmp(path, DIR, strlen(DIR)) != 0 && *path == '/' && strcmp(path, boot_file);
}

/* undo runs pollux setup restore on a journal; the exit code it would have, and what the files are then, in value. */
static int undo(const struct text *t, const struct setup_journal *whole, char value[RECORDS][VALUE])
{
	const struct setup_undo u = { .sys = &fake_sys, .log = &log_said, .stages = SETUP_ALL };
	struct setup_netns elsewhere[4];
	unsigned restored;
	char *status = NULL;

	fake_begin();
	fake_put(boot_file, "b\n", 2);
	fake_put(DIR "/setup.lock", "", 0);
	fake_put(journal_file, t->s, t->n);
	fake_put("/sys/bus/pci/devices/0000:00:03.0/msi_irqs/24", "", 0); /* interrupt 24 is a device's */
	fake_put("/sys/kernel/irq/24/chip_name", "PCI\n", 4);
	fake_put("/sys/kernel/irq/24/hwirq", "1\n", 2);
	fake_put("/sys/kernel/irq/24/actions", "eth0\n", 5);
	for (unsigned i = 0; i < whole->nrecords && i < RECORDS; i++)
		if (whole->records[i].kind == &setup_file && is_ours(whole->records[i].object))
			fake_put(whole->records[i].object, "as set\n", 7);
	words = 0;
	MUST(setup_status(&fake_sys, &log_said, NULL, true, &status) <= 0);
	json_t *o = status ? json_loads(status, 0, NULL) : NULL;

	MUST(!status || o);
	json_decref(o);
	free(status);
	MUST(setup_elsewhere(&fake_sys, NULL, elsewhere, PLX_ARRAY_SIZE(elsewhere)) <= (int)PLX_ARRAY_SIZE(elsewhere));
	MUST(setup_orphans(&fake_sys, NULL) <= (int)whole->nsessions + RECORDS);
	words = 0;
	int err = setup_undo(&u, &restored);

	MUST(err <= 0 && (!err || words));
	for (unsigned i = 0; i < RECORDS; i++) {
		const char *now = i < whole->nrecords ? fake_file(whole->records[i].object, NULL) : NULL;

		memset(value[i], 0, VALUE);
		snprintf(value[i], VALUE, "%s", now ? now : "");
	}
	if (!err) /* nothing is left to do, and the next time says so */
		MUST(!fake_file(journal_file, NULL) && !setup_undo(&u, &restored) && !restored);
	fake_end();
	return err;
}

static void undone(const struct text *whole, const struct text *t, const struct setup_journal *j)
{
	static char want[RECORDS][VALUE], got[RECORDS][VALUE];

	int err = undo(whole, j, want);
	int err2 = undo(t, j, got);

	if (!err && !err2 && !words)
		MUST(!memcmp(want, got, sizeof(got)));
}

/* ---- */

/* What pollux would never write: its own files as objects, or longer words than it has. */
static bool strange(const struct setup_journal *j)
{
	for (unsigned i = 0; i < j->nrecords; i++) {
		const struct setup_record *r = &j->records[i];

		if ((r->kind == &setup_file && !is_ours(r->object)) || strlen(r->object) >= SETUP_OBJECT_MAX ||
		    strlen(r->old) >= VALUE || strlen(r->device) >= SETUP_IDENT_MAX)
			return true;
	}
	return j->nrecords > RECORDS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct setup_journal j, hurt;
	uint8_t how = fuzz_u8(&in);
	struct text t;

	if (how == 'r') {
		t = take(fuzz_copy(in.p, in.n), in.n);
		parse(&j, &t);
		free(t.s);
		t = written(&j);
		how = WHOLE;
	} else {
		t = number_lines(&(struct fuzz_in){ in.p + (in.n < 2 ? in.n : 2), in.n < 2 ? 0 : in.n - 2 });
		parse(&j, &t);
		free(t.s);
		t = written(&j);
	}
	uint8_t a = fuzz_u8(&in), b = fuzz_u8(&in);
	struct text bad = damaged(&t, how % DAMAGES, a, b);

	parse(&hurt, &bad);
	MUST(same(&j, &hurt) || hurt.damaged || hurt.missing);
	MUST(!(hurt.damaged || hurt.missing) == !words);
	journal_clear(&hurt);
	if (!strange(&j))
		undone(&t, &bad, &j);
	journal_clear(&j);
	free(bad.s);
	free(t.s);
	return 0;
}

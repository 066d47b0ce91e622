/* SPDX-License-Identifier: MIT */
/* journal_lines.c - the lines of a set-up's journal, and what they tell, in memory.  Cold; asks the
   system for nothing; called by journal.c and apply.c, tested over damaged bytes.

     1 journal format=2 boot=BOOT-ID lines=3 #HASH
     2 session id=.. owner=.. hold=process pid=.. start=.. pidns=.. netns=.. cookie=.. #HASH
     3 value session=.. stage=.. kind=.. object=.. device=.. old=.. set=.. #HASH

   (A guard has no set, and what is of no device no device.)  Each line has its number and a hash of itself, the first
   tells how many there are; what is not plain in a word is %XX.  Format 1 had neither lines nor device, and is read. */
#include "journal.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG(j, level, ...) plx_logf((j)->log, PLX_LOG_##level, __VA_ARGS__)
enum { WORDS_MAX = 10, TAIL = 18 /* bytes of a line behind its words */ };
#define TAIL_FMT " #%016llx"

/* ---- words ---- */

static bool plain(unsigned char c)
{
	return c > ' ' && c < 127 && c != '%' && c != '#' && c != '=';
}

static void put_word(FILE *f, const char *key, const char *value)
{
	fprintf(f, " %s=", key);
	for (; *value; value++)
		fprintf(f, plain((unsigned char)*value) ? "%c" : "%%%02x", (unsigned char)*value);
}

static void put_number(FILE *f, const char *key, uint64_t v)
{
	fprintf(f, " %s=%llu", key, (unsigned long long)v);
}

/* take_word decodes s in place; false if it is none. */
static bool take_word(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		char hex[3] = { s[1], s[1] ? s[2] : 0, 0 };
		if (!isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]))
			return false;
		*to++ = (char)strtoul(hex, NULL, 16);
		s += 2;
	}
	*to = 0;
	return true;
}

/* FNV-1a: it is told from damage, not from malice. */
static unsigned long long hash(const char *s, size_t n)
{
	unsigned long long h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3ull;
	return h;
}

/* ---- in memory ---- */

struct setup_session *journal_session(struct setup_journal *j, const char *id, bool make)
{
	for (unsigned i = 0; i < j->nsessions; i++)
		if (!strcmp(j->sessions[i]->id, id))
			return j->sessions[i];
	if (!make)
		return NULL;
	struct setup_session **list = realloc(j->sessions, (j->nsessions + 1) * sizeof(*list));

	if (!list)
		return NULL;
	j->sessions = list;
	list[j->nsessions] = calloc(1, sizeof(**list));
	if (!list[j->nsessions])
		return NULL;
	/* until its own line says more: of no process, which no start undoes by itself */
	list[j->nsessions]->hold = SETUP_HOLD_HOST;
	snprintf(list[j->nsessions]->id, sizeof(list[0]->id), "%s", id);
	return list[j->nsessions++];
}

static void record_free(struct setup_record *r)
{
	free(r->word);
	free(r->stage_word);
	free(r->object);
	free(r->device);
	free(r->old);
	free(r->set);
}

static int add_words(struct setup_journal *j, struct setup_session *s, const char *stage, const char *kind,
                     const char *object, const char *device, const char *old, const char *set)
{
	struct setup_record *list = realloc(j->records, (j->nrecords + 1) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	j->records = list;
	struct setup_record *r = &list[j->nrecords];

	*r = (struct setup_record){ .session = s,
		                    .stage = SETUP_STAGES_N,
		                    .word = strdup(kind),
		                    .stage_word = strdup(stage),
		                    .object = strdup(object),
		                    .device = strdup(device),
		                    .old = strdup(old),
		                    .set = set ? strdup(set) : NULL };
	if (!r->word || !r->stage_word || !r->object || !r->device || !r->old || (set && !r->set)) {
		record_free(r);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < SETUP_STAGES_N; i++)
		if (!strcmp(setup_stage_name(i), stage))
			r->stage = i;
	for (unsigned i = 0; setup_kinds[i]; i++)
		if (!strcmp(setup_kinds[i]->name, kind))
			r->kind = setup_kinds[i];
	j->nrecords++;
	return 0;
}

int journal_add(struct setup_journal *j, struct setup_session *s, enum setup_stage_id stage,
                const struct setup_kind *k, const char *object, const char *device, const char *old, const char *set)
{
	return add_words(j, s, setup_stage_name(stage), k->name, object, device, old, set);
}

void journal_drop(struct setup_journal *j, unsigned i)
{
	record_free(&j->records[i]);
	memmove(&j->records[i], &j->records[i + 1], (--j->nrecords - i) * sizeof(*j->records));
}

void journal_clear(struct setup_journal *j)
{
	while (j->nrecords)
		journal_drop(j, j->nrecords - 1);
	for (unsigned i = 0; i < j->nsessions; i++)
		free(j->sessions[i]);
	free(j->sessions);
	free(j->records);
	j->sessions = NULL;
	j->records = NULL;
	j->nsessions = 0;
}

/* ---- parsing ---- */

struct line { unsigned long number; char *word; unsigned nkeys; char *keys[WORDS_MAX], *values[WORDS_MAX]; };

/* split takes a line apart, in place; false if it is damaged. */
static bool split(struct line *l, char *s, size_t n)
{
	char tail[TAIL + 1];

	*l = (struct line){ 0 };
	if (n <= TAIL || memchr(s, 0, n))
		return false;
	snprintf(tail, sizeof(tail), TAIL_FMT, hash(s, n - TAIL));
	if (memcmp(tail, s + n - TAIL, TAIL))
		return false;
	s[n - TAIL] = 0;
	l->number = strtoul(strsep(&s, " "), NULL, 10);
	l->word = strsep(&s, " ");
	while (s && l->nkeys < WORDS_MAX) {
		char *key = strsep(&s, " "), *value = strchr(key, '=');

		if (!value)
			return false;
		*value++ = 0;
		if (!take_word(value))
			return false;
		l->keys[l->nkeys] = key;
		l->values[l->nkeys++] = value;
	}
	return l->word && !s;
}

static const char *get(const struct line *l, const char *key)
{
	for (unsigned i = 0; i < l->nkeys; i++)
		if (!strcmp(l->keys[i], key))
			return l->values[i];
	return NULL;
}

static uint64_t number(const struct line *l, const char *key)
{
	const char *s = get(l, key);

	return s ? strtoull(s, NULL, 10) : 0;
}

static int take_session(struct setup_journal *j, const struct line *l)
{
	const char *id = get(l, "id"), *owner = get(l, "owner"), *hold = get(l, "hold");
	struct setup_session *s;

	if (!id || !owner || !hold || strlen(id) >= SETUP_SESSION_MAX)
		return -EINVAL;
	s = journal_session(j, id, true);
	if (!s)
		return -ENOMEM;
	snprintf(s->owner, sizeof(s->owner), "%s", owner);
	s->hold = strcmp(hold, "process") ? SETUP_HOLD_HOST : SETUP_HOLD_PROCESS;
	s->pid = (pid_t)number(l, "pid");
	s->start = number(l, "start");
	s->pidns = number(l, "pidns");
	s->netns = (struct setup_netns){ number(l, "netns"), number(l, "cookie") };
	return 0;
}

static int take_value(struct setup_journal *j, const struct line *l)
{
	const char *id = get(l, "session"), *stage = get(l, "stage"), *kind = get(l, "kind"),
		   *object = get(l, "object");
	const char *old = get(l, "old"), *device = get(l, "device");

	if (!id || !stage || !kind || !object || !old || strlen(id) >= SETUP_SESSION_MAX)
		return -EINVAL;
	struct setup_session *s = journal_session(j, id, true);

	return s ? add_words(j, s, stage, kind, object, device ? device : "", old, get(l, "set")) : -ENOMEM;
}

/* A journal of another boot tells of a machine that is no more. */
static int take_head(struct setup_journal *j, const struct line *l, bool *other)
{
	const char *boot = get(l, "boot");

	if (!boot || number(l, "format") < 1 || number(l, "format") > 2)
		return -EINVAL;
	j->lines = (unsigned long)number(l, "lines");
	*other = *j->boot && *boot && strcmp(j->boot, boot);
	return 0;
}

static int take_line(struct setup_journal *j, struct line *l, bool *other)
{
	if (!strcmp(l->word, "value"))
		return take_value(j, l);
	if (!strcmp(l->word, "session"))
		return take_session(j, l);
	return strcmp(l->word, "journal") ? -EINVAL : take_head(j, l, other);
}

/* What is missing, as "4, 7-9". */
struct gaps { char text[120]; unsigned long n; };

static void gap(struct gaps *g, unsigned long first, unsigned long last)
{
	if (last < first)
		return;
	plx_text_add(g->text, sizeof(g->text), last > first ? "%s%lu-%lu" : "%s%lu", g->n ? ", " : "", first, last);
	g->n += last - first + 1;
}

/* A kill leaves a journal whole; a disk may not. */
static void tell_missing(struct setup_journal *j, const struct gaps *g)
{
	char of[40] = "";

	j->missing = g->n;
	if (j->lines)
		snprintf(of, sizeof(of), " of %lu", j->lines);
	if (g->n)
		LOG(j, WARN,
		    "%s/setup.journal: it is not whole, line%s %s%s %s missing: what they tell of is not put back",
		    j->dir, g->n == 1 ? "" : "s", g->text, of, g->n == 1 ? "is" : "are");
}

/* take_numbered takes a line unless one of its number, or of a later one, was taken: a disk may have written one over
   another, and what was there before is missing then. */
static int take_numbered(struct setup_journal *j, struct line *l, unsigned long *last, bool *other)
{
	if (l->number <= *last)
		return -EINVAL;
	int err = take_line(j, l, other);

	if (!err)
		*last = l->number;
	return err;
}

int journal_parse(struct setup_journal *j, char *text, size_t len)
{
	unsigned long number = 0, last = 0;
	struct gaps missing = { .n = 0 };
	bool other = false;

	for (size_t at = 0; at < len; ) {
		char *s = text + at, *nl = memchr(s, '\n', len - at), shown[401];
		size_t n = nl ? (size_t)(nl - s) : len - at;
		struct line l;

		snprintf(shown, sizeof(shown), "%.*s", (int)n, s);
		at += n + 1;
		number++;
		/* whole by its hash, even without a line end */
		int err = split(&l, s, n) ? take_numbered(j, &l, &last, &other) : -EINVAL;
		if (err == -ENOMEM)
			return err;
		if (err && at >= len && (j->lines || number == 1)) {
			j->torn = true; /* and told of as missing */
		} else if (err) {
			j->damaged++;
			LOG(j, WARN, "%s/setup.journal:%lu: damaged or out of place, and left out: %s", j->dir, number,
			    shown);
		} else if (l.number > number) {
			gap(&missing, number, l.number - 1);
			number = l.number;
		}
	}
	number -= j->torn;
	if (!number)
		j->lines = 1; /* a journal without values is removed, not emptied */
	gap(&missing, number + 1, j->lines);
	if (other) {
		LOG(j, NOTICE, "%s/setup.journal: of another boot, nothing of it stands", j->dir);
		journal_clear(j);
	} else
		tell_missing(j, &missing);
	return 0;
}

/* ---- writing ---- */

struct writer { FILE *out, *line; char *text; size_t len; unsigned long lines; bool failed; };

static bool begin(struct writer *w, const char *word)
{
	w->line = open_memstream(&w->text, &w->len);
	if (w->line)
		fprintf(w->line, "%lu %s", ++w->lines, word);
	else
		w->failed = true;
	return w->line;
}

static void end(struct writer *w)
{
	if (fclose(w->line))
		w->failed = true;
	else
		fprintf(w->out, "%s" TAIL_FMT "\n", w->text, hash(w->text, w->len));
	free(w->text);
}

static void put_session(struct writer *w, const struct setup_session *s)
{
	if (!begin(w, "session"))
		return;
	put_word(w->line, "id", s->id);
	put_word(w->line, "owner", s->owner);
	put_word(w->line, "hold", s->hold == SETUP_HOLD_PROCESS ? "process" : "host");
	put_number(w->line, "pid", (uint64_t)s->pid);
	put_number(w->line, "start", s->start);
	put_number(w->line, "pidns", s->pidns);
	put_number(w->line, "netns", s->netns.inode);
	put_number(w->line, "cookie", s->netns.cookie);
	end(w);
}

static void put_value(struct writer *w, const struct setup_record *r)
{
	if (!begin(w, "value"))
		return;
	put_word(w->line, "session", r->session->id);
	put_word(w->line, "stage", r->stage_word);
	put_word(w->line, "kind", r->word);
	put_word(w->line, "object", r->object);
	if (*r->device)
		put_word(w->line, "device", r->device);
	put_word(w->line, "old", r->old);
	if (r->set)
		put_word(w->line, "set", r->set);
	end(w);
}

char *journal_text(const struct setup_journal *j, size_t *len)
{
	struct writer w = { 0 };
	char *text = NULL;

	w.out = open_memstream(&text, len);
	if (!w.out)
		return NULL;
	if (begin(&w, "journal")) {
		put_number(w.line, "format", 2);
		put_word(w.line, "boot", j->boot);
		put_number(w.line, "lines", 1ul + j->nsessions + j->nrecords);
		end(&w);
	}
	for (unsigned i = 0; i < j->nsessions; i++)
		put_session(&w, j->sessions[i]);
	for (unsigned i = 0; i < j->nrecords; i++)
		put_value(&w, &j->records[i]);
	if (fclose(w.out) || w.failed) {
		free(text);
		return NULL;
	}
	return text;
}

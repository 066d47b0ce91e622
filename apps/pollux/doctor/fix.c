/* SPDX-License-Identifier: MIT */
/* fix.c - what checks say, and fixes that are pollux doctor once more with better
   options, for those that are to be given to the program too.  Cold, pure. */
#include "doctor.h"

#include <inttypes.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define SAY(status_, field) \
	va_list ap; \
	va_start(ap, fmt); \
	vsnprintf(f->found.field, sizeof(f->found.field), fmt, ap); \
	va_end(ap); \
	status_

void ok(struct result *f, const char *fmt, ...)   { SAY(f->status = CHECK_OK, evidence); }
void warn(struct result *f, const char *fmt, ...) { SAY(f->status = CHECK_WARN, evidence); }
void fail(struct result *f, const char *fmt, ...) { SAY(f->status = CHECK_FAIL, evidence); }
void skip(struct result *f, const char *fmt, ...) { SAY(f->status = CHECK_SKIP, evidence); }
void fix(struct result *f, const char *fmt, ...) { SAY((void)0, fix); }

const char *quoted(const char *s)
{
	static char text[4][4096];
	static unsigned at;

	at = (at + 1) % PLX_ARRAY_SIZE(text);
	plx_text_quote(text[at], sizeof(text[at]), s);
	return text[at];
}

bool no_plan(const struct doctor *d, struct result *f)
{
	if (!d->planned)
		skip(f, "no plan can be made: see plan");
	return !d->planned;
}

bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* ---- this command once more ---- */

/* word appends one word as the shell wants it. */
static void word(char *buf, size_t len, const char *s)
{
	plx_text_add(buf, len, "%s%s", *buf ? " " : "", quoted(s));
}

/* takes tells how many words from w on give the option: 0, 1 or 2. */
static int takes(char *const *w, const char *option)
{
	const struct plx_setting *s = plx_settings;
	size_t len = strlen(option);

	while (s->name && strcmp(s->name, option))
		s++;
	if (!strncmp(*w, "--", 2) && !strncmp(*w + 2, option, len))
		return (*w)[2 + len] == '=' ? 1 : (*w)[2 + len] ? 0 : w[1] ? 2 : 1;
	if (s->letter && (*w)[0] == '-' && (*w)[1] == s->letter)
		return (*w)[2] ? 1 : w[1] ? 2 : 1;
	return 0;
}

/* The words, without those of option, and iface (its words in full) replaced by text. */
static bool rewrite(char *buf, size_t len, const struct doctor *d, const char *option, const char *iface,
                    const char *text)
{
	bool first = true, hit = false;
	int n;

	word(buf, len, program_invocation_name);
	word(buf, len, "doctor");
	for (char **w = d->words + 1; *w; w += n) {
		const char *value = NULL;

		n = option ? takes(w, option) : 0;
		if (n)
			continue;
		first &= (*w)[0] != '-';
		n = first ? 1 : takes(w, "iface");
		value = first ? *w : n == 2 ? w[1] : n ? *w + strlen("--iface=") : NULL;
		if (value && iface && !hit && !strcmp(value, iface)) {
			hit = true;
			if (text && !first)
				word(buf, len, "--iface");
			if (text)
				word(buf, len, text);
			continue;
		}
		n = n ? n : 1;
		for (int i = 0; i < n; i++)
			word(buf, len, w[i]);
	}
	return hit || !iface;
}

void again(char *buf, size_t len, const struct doctor *d)
{
	rewrite(buf, len, d, NULL, NULL, NULL);
}

void fix_option(struct result *f, const struct doctor *d, const char *option, const char *value)
{
	char name[64];

	f->found.fix[0] = 0;
	rewrite(f->found.fix, sizeof(f->found.fix), d, option, NULL, NULL);
	snprintf(name, sizeof(name), strcmp(option, "lcores") ? "--%s" : "-l", option);
	word(f->found.fix, sizeof(f->found.fix), name);
	word(f->found.fix, sizeof(f->found.fix), value);
}

/* given finds the words of a port on the command line, of those of its name the one in its place; NULL = it
   is from a file or variable. */
static const char *given(const struct doctor *d, const struct patient *p)
{
	const char *name = p->conf->name, *hit = NULL;
	unsigned before = 0;
	bool first = true;
	int n;

	for (const struct patient *o = d->port; o < p; o++)
		before += !strcmp(o->conf->name, name);
	for (char **w = d->words + 1; *w; w += n) {
		first &= (*w)[0] != '-';
		n = first ? 1 : takes(w, "iface");
		const char *value = first ? *w : n == 2 ? w[1] : n ? *w + strlen("--iface=") : NULL;

		if (value && strlen(name) == strcspn(value, ",") && !strncmp(value, name, strlen(name))) {
			hit = value;
			if (!before--)
				break;
		}
		n = n ? n : 1;
	}
	return hit;
}

/* rivals: a key that says what another one says is not left beside it. */
static bool rivals(const char *item, size_t n, const char *key)
{
	bool queues = n == 6 && !memcmp(item, "queues", 6),
	     parts = n == 4 && (!memcmp(item, "rxqs", 4) || !memcmp(item, "txqs", 4));

	if (strlen(key) == n && !memcmp(item, key, n))
		return true;
	return (queues && (!strcmp(key, "rxqs") || !strcmp(key, "txqs"))) || (parts && !strcmp(key, "queues"));
}

static void replace(struct result *f, const struct doctor *d, const struct patient *p, const char *text)
{
	const char *was = given(d, p);

	f->found.fix[0] = 0;
	if (!was || !rewrite(f->found.fix, sizeof(f->found.fix), d, NULL, was, text))
		fix(f, "# where the configuration names %s, write: %s", p->conf->name, text ? text : "nothing");
}

void fix_key(struct result *f, const struct doctor *d, const struct patient *p, const char *key, const char *value)
{
	const char *was = given(d, p);
	char text[1024] = "";
	size_t n;

	plx_text_add(text, sizeof(text), "%s", p->conf->name);
	for (const char *s = was ? strchr(was, ',') : NULL; s; s = s[1 + n] ? s + 1 + n : NULL) {
		n = strcspn(s + 1, ",");
		if (!rivals(s + 1, strcspn(s + 1, "=,"), key))
			plx_text_add(text, sizeof(text), "%.*s", (int)n + 1, s);
	}
	if (value)
		plx_text_add(text, sizeof(text), ",%s=%s", key, value);
	replace(f, d, p, text);
}

void fix_name(struct result *f, const struct doctor *d, const struct patient *p, const char *name)
{
	const char *was = given(d, p), *keys = was ? strchr(was, ',') : NULL;
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", name, keys ? keys : "");
	replace(f, d, p, text);
}

void fix_without(struct result *f, const struct doctor *d, const struct patient *p)
{
	replace(f, d, p, NULL);
}

/* ---- the XDP hook ---- */

/* doctor_xdp_ours: a Pollux program's, which takes it down by itself when it ends. */
bool doctor_xdp_ours(const struct plx_xdp_info *x) { return !strcmp(x->name, "steer") && x->link && x->pid; }

/* doctor_xdp_tag: by which bpftool finds the program again; "" = not told. */
const char *doctor_xdp_tag(const struct plx_xdp_info *x, char buf[32])
{
	uint64_t tag;

	memcpy(&tag, x->tag, sizeof(tag));
	*buf = 0;
	if (tag)
		snprintf(buf, 32, "; tag %016" PRIx64, be64toh(tag));
	return buf;
}

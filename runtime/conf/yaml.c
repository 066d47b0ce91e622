/* SPDX-License-Identifier: MIT */
/* yaml.c - the configuration file: YAML by libyaml's events, each setting read by the
   row of the table that its key names, so that no value has a type but the setting's.
   Cold, pure over bytes; called by plx_env_conf_merge.

   Every place in the file has one thing that may stand there; what YAML has beyond maps,
   lists and words (anchors, aliases, tags, directives, more documents) is refused. */
#include "conf.h"
#include "plx_text.h"
#include "port_conf.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { KEY_MAX = 64, VALUE_MAX = 1024, ROWS_MAX = 64 };

struct reader {
	yaml_parser_t parser;
	yaml_event_t  ev;                /* the one at hand */
	struct plx_env_conf *c;
	struct plx_conf_in *in;
	struct conf_seen *seen;
	uint64_t app_given;
	uint64_t chosen;                 /* bits of the settings with other values than their defaults */
	char  *why;
	size_t whylen;
};

/* ---- errors ---- */

static int fail(struct reader *r, yaml_mark_t at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
	char text[1536];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->in->line = (unsigned)at.line + 1;
	r->in->column = (unsigned)at.column + 1;
	snprintf(r->why, r->whylen, "%s:%u:%u: %s", r->in->file, r->in->line, r->in->column, text);
	return -EINVAL;
}

/* byte_at finds the byte of a mark, which counts characters; 0 at the end. */
static char byte_at(const struct reader *r, yaml_mark_t at)
{
	size_t i = 0, n = at.index;

	for (; i < r->in->len; i++)
		if ((r->in->text[i] & 0xc0) != 0x80 && !n--)
			return r->in->text[i];
	return 0;
}

/* not_yaml says what the YAML parser did not like, and what mostly is the reason. */
static int not_yaml(struct reader *r)
{
	/* begin: the parser notices late, what is wrong began where its context does */
	static const struct { const char *problem; bool begin; const char *fix; } fixes[] = {
		{ "mapping values are not allowed", false,
		  "a value with a colon needs quotes, or the lines do not align" },
		{ "could not find expected ':'", true, "write key: value, with a colon and a blank" },
		{ "did not find expected key", false, "align the keys of one map below each other" },
		{ "did not find expected <document start>", false, "align the keys of one map below each other" },
		{ "did not find expected '-'", false, "align the items of one list below each other" },
		{ "did not find expected ',' or", true, "a bracket is not closed, or a comma is missing" },
		{ "unexpected end of stream", true, "a quote is not closed" },
		{ "unknown escape character", false, "write '...' instead of \"...\", or \\\\ for a backslash" },
		{ "block sequence entries are not allowed", false, "begin a list in a line of its own" },
	};
	const char *problem = r->parser.problem ? r->parser.problem : "it cannot be read";
	const char *fix = "quote the value";
	yaml_mark_t at = r->parser.problem_mark;

	if (r->parser.error == YAML_MEMORY_ERROR) {
		snprintf(r->why, r->whylen, "%s: no memory to read it", r->in->file);
		return -ENOMEM;
	}
	if (byte_at(r, at) == '\t')
		return fail(r, at, "not YAML: %s: indent with blanks, not with a tab", problem);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(fixes); i++)
		if (strstr(problem, fixes[i].problem)) {
			fix = fixes[i].fix;
			at = fixes[i].begin && r->parser.context ? r->parser.context_mark : at;
		}
	return fail(r, at, "not YAML: %s: %s", problem, fix);
}

/* ---- events ---- */

static int plain(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fail(r, r->ev.start_mark, "an anchor (&%s): write the value where it is wanted", anchor);
	if (tag)
		return fail(r, r->ev.start_mark, "a tag (%s): the type is the setting's, leave it out", tag);
	return 0;
}

static int next(struct reader *r)
{
	yaml_event_delete(&r->ev);
	if (!yaml_parser_parse(&r->parser, &r->ev)) {
		memset(&r->ev, 0, sizeof(r->ev));
		return not_yaml(r);
	}
	switch (r->ev.type) {
	case YAML_ALIAS_EVENT:
		return fail(r, r->ev.start_mark, "an alias (*%s): write the value itself, or quote it",
		            r->ev.data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return plain(r, r->ev.data.scalar.anchor, r->ev.data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		return plain(r, r->ev.data.sequence_start.anchor, r->ev.data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return plain(r, r->ev.data.mapping_start.anchor, r->ev.data.mapping_start.tag);
	default:
		return 0;
	}
}

/* word copies the text at hand. */
static int word(struct reader *r, char *buf, size_t size)
{
	const char *s = (const char *)r->ev.data.scalar.value;
	size_t n = r->ev.data.scalar.length;

	if (r->ev.start_mark.line != r->ev.end_mark.line)
		return fail(r, r->ev.start_mark, "a value is one line: the next one is indented as if it went on");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return fail(r, r->ev.start_mark, "a line end or control character: write one line of text");
	if (n >= size)
		return fail(r, r->ev.start_mark, "longer than %zu bytes", size - 1);
	memcpy(buf, s, n);
	buf[n] = 0;
	return 0;
}

/* key reads the key at hand, and goes on to its value. */
static int key(struct reader *r, char *buf, yaml_mark_t *at)
{
	*at = r->ev.start_mark;
	if (r->ev.type != YAML_SCALAR_EVENT)
		return fail(r, *at, "a list or map stands where a key belongs: write key: value");
	int err = word(r, buf, KEY_MAX);

	return err ? err : next(r);
}

/* value reads the words at hand: one, or with list a list of them, joined by commas.  what
   says what belongs there. */
static int value(struct reader *r, char *buf, const char *name, yaml_mark_t at, bool list, const char *what)
{
	int err;

	if (r->ev.type == YAML_SCALAR_EVENT) {
		if (!r->ev.data.scalar.length)
			return fail(r, at, "%s: has no value: %s: %s", name, name, what);
		return word(r, buf, VALUE_MAX);
	}
	if (r->ev.type != YAML_SEQUENCE_START_EVENT || !list)
		return fail(r, r->ev.start_mark, "%s: a %s stands where one value belongs: %s: %s", name,
		            r->ev.type == YAML_MAPPING_START_EVENT ? "map" : "list", name, what);
	yaml_mark_t begin = r->ev.start_mark;
	char one[VALUE_MAX];

	for (buf[0] = 0;;) {
		err = next(r);
		if (err || r->ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (r->ev.type != YAML_SCALAR_EVENT)
			return fail(r, r->ev.start_mark, "%s: a list has values only, no lists or maps", name);
		err = word(r, one, sizeof(one));
		if (err)
			return err;
		if (strlen(buf) + strlen(one) + 2 > VALUE_MAX)
			return fail(r, begin, "%s: longer than %d bytes", name, VALUE_MAX - 1);
		plx_text_add(buf, VALUE_MAX, "%s%s", *buf ? "," : "", one);
	}
	return err ? err : *buf ? 0 : fail(r, begin, "%s: the list is empty: %s: %s", name, name, what);
}

static void note(struct reader *r, const char *name, const char *text, bool app, bool more, yaml_mark_t at)
{
	struct plx_conf_note n = { .key = name, .value = text, .app = app, .more = more, .from = PLX_FROM_FILE,
	                           .source = r->in->file, .line = (unsigned)at.line + 1,
	                           .column = (unsigned)at.column + 1 };

	if (r->in->note)
		r->in->note(r->in->arg, &n);
}

static int twice(struct reader *r, yaml_mark_t at, const char *name, unsigned first)
{
	return fail(r, at, "%s: given twice, first in line %u: once is enough", name, first);
}

static int unknown(struct reader *r, yaml_mark_t at, const char *name, const char *const *list, size_t n)
{
	const char *near = plx_text_near(name, list, n);
	char all[768] = "";

	if (near)
		return fail(r, at, "unknown key \"%s\", did you mean \"%s\"?", name, near);
	for (size_t i = 0; i < n; i++)
		plx_text_add(all, sizeof(all), "%s%s", i ? ", " : "", list[i]);
	return fail(r, at, "unknown key \"%s\"; the keys are %s", name, all);
}

/* ---- ports ---- */

static int port_row(const char *name)
{
	for (int i = 0; plx_port_keys[i].name; i++)
		if (!strcmp(plx_port_keys[i].name, name))
			return i;
	return -1;
}

static int unknown_port_key(struct reader *r, yaml_mark_t at, const char *name)
{
	const char *list[ROWS_MAX] = { "name" };
	size_t n = 1;

	if (conf_row(name, strlen(name)) >= 0)
		return fail(r, at, "\"%s\" is no key of a port: it stands at the left margin", name);
	for (const struct plx_port_key *k = plx_port_keys; k->name && n < ROWS_MAX; k++)
		list[n++] = k->name;
	return unknown(r, at, name, list, n);
}

struct port {
	struct plx_port_conf conf;
	uint64_t seen;
	bool has_name;
	yaml_mark_t begin, name_at, keys[ROWS_MAX];
	char text[VALUE_MAX];    /* as --iface would have it, but for the name */
};

/* port_key reads one key of a port, and goes on behind its value. */
static int port_key(struct reader *r, struct port *p)
{
	char name[KEY_MAX], text[VALUE_MAX], reason[768] = "";
	yaml_mark_t at, value_at;
	int err = key(r, name, &at);

	if (err)
		return err;
	bool is_name = !strcmp(name, "name");
	int k = is_name ? -1 : port_row(name);

	if (!is_name && k < 0)
		return unknown_port_key(r, at, name);
	if (is_name ? p->has_name : p->seen >> k & 1)
		return twice(r, at, name, (unsigned)(is_name ? p->name_at : p->keys[k]).line + 1);
	value_at = r->ev.start_mark;
	err = value(r, text, name, at, false, is_name ? "eth0" : plx_port_keys[k].values);
	if (err)
		return err;
	if (is_name) {
		p->has_name = true;
		p->name_at = value_at;
		err = port_conf_name(&p->conf, text, reason, sizeof(reason));
		return err ? fail(r, value_at, "name: %s", reason) : next(r);
	}
	p->keys[k] = at;
	if (port_conf_key(&p->conf, name, text, &p->seen, reason, sizeof(reason)) < 0)
		return fail(r, value_at, "%s", reason);
	plx_text_add(p->text, sizeof(p->text), ",%s=%s", name, text);
	return next(r);
}

static int port_map(struct reader *r, bool more)
{
	struct port p = { .conf = plx_port_conf_default, .begin = r->ev.start_mark };
	char text[VALUE_MAX + PLX_IFNAME_MAX] = "", reason[768] = "";
	int row, err = next(r);

	while (!err && r->ev.type != YAML_MAPPING_END_EVENT)
		err = port_key(r, &p);
	if (err)
		return err;
	if (!p.has_name)
		return fail(r, p.begin, "a port without a name: begin it by - name: eth0");
	if (port_conf_check(&p.conf, p.seen, &row, reason, sizeof(reason)))
		return fail(r, row < 0 ? p.name_at : p.keys[row], "%s", reason);
	plx_text_add(text, sizeof(text), "%s%s", p.conf.name, p.text);
	r->c->ports[r->c->nports++] = p.conf;
	note(r, "iface", text, false, more, p.begin);
	return 0;
}

/* port_word is one in the form of --iface. */
static int port_word(struct reader *r, bool more)
{
	char text[VALUE_MAX], reason[768] = "";
	struct plx_port_conf *c = &r->c->ports[r->c->nports];
	int err = word(r, text, sizeof(text));

	if (err)
		return err;
	*c = plx_port_conf_default;
	if (plx_port_conf_parse(c, text, reason, sizeof(reason)))
		return fail(r, r->ev.start_mark, "%s", reason);
	r->c->nports++;
	note(r, "iface", text, false, more, r->ev.start_mark);
	return 0;
}

static int ports(struct reader *r, yaml_mark_t at)
{
	if (r->ev.type == YAML_SCALAR_EVENT && !r->ev.data.scalar.length)
		return fail(r, at, "ports: has no value: write [] for none, or - name: eth0 below it");
	if (r->ev.type != YAML_SEQUENCE_START_EVENT)
		return fail(r, r->ev.start_mark, "ports: a list belongs here: begin each port by - name: eth0");
	for (bool more = false;; more = true) {
		int err = next(r);

		if (err || r->ev.type == YAML_SEQUENCE_END_EVENT)
			return err;
		if (r->c->nports == PLX_PORTS_MAX)
			return fail(r, r->ev.start_mark, "ports: more than %d", PLX_PORTS_MAX);
		err = r->ev.type == YAML_MAPPING_START_EVENT ? port_map(r, more) :
		      r->ev.type == YAML_SCALAR_EVENT ? port_word(r, more) :
		      fail(r, r->ev.start_mark, "ports: a list stands where a port belongs: - name: eth0");
		if (err)
			return err;
	}
}

/* ---- the application's options ---- */

static const struct plx_opt *app_row(const struct reader *r, const char *name)
{
	for (const struct plx_opt *o = r->in->app ? r->in->app->opts : NULL; o && o->name; o++)
		if (!strcmp(o->name, name) && o->set)
			return o;
	return NULL;
}

static int unknown_app_key(struct reader *r, yaml_mark_t at, const char *name)
{
	const char *list[ROWS_MAX];
	size_t n = 0;

	if (conf_row(name, strlen(name)) >= 0 || !strcmp(name, PLX_CONF_PORTS))
		return fail(r, at, "\"%s\" is no option of %s: it stands at the left margin", name, r->in->app->name);
	for (const struct plx_opt *o = r->in->app->opts; o->name && n < ROWS_MAX; o++)
		list[n++] = o->name;
	return unknown(r, at, name, list, n);
}

static int app_flag(struct reader *r, const struct plx_opt *o, const char *text, yaml_mark_t at, yaml_mark_t value_at)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };
	char reason[768] = "";
	size_t i = 0;

	while (i < PLX_ARRAY_SIZE(words) && strcmp(words[i], text))
		i++;
	if (i == PLX_ARRAY_SIZE(words))
		return fail(r, value_at, "%s '%s': write true or false", o->name, text);
	if (i % 2 && o->set(r->in->app->dst, NULL, reason, sizeof(reason)))
		return fail(r, value_at, "%s: %s", o->name, reason);
	note(r, o->name, words[i % 2], true, false, at);
	return 0;
}

/* app_item sets the word at hand. */
static int app_item(struct reader *r, const struct plx_opt *o, const char *text, bool more, yaml_mark_t at,
                    yaml_mark_t value_at)
{
	char reason[768] = "";

	if (r->app_given >> (o - r->in->app->opts) & 1 && o->flags & PLX_OPT_REPEAT)
		return 0; /* the command line's take the place of these */
	if (o->set(r->in->app->dst, text, reason, sizeof(reason)))
		return fail(r, value_at, "%s '%s': %s", o->name, text, reason);
	note(r, o->name, text, true, more, at);
	return 0;
}

static int app_list(struct reader *r, const struct plx_opt *o, yaml_mark_t at)
{
	char text[VALUE_MAX];

	for (bool more = false;; more = true) {
		int err = next(r);

		if (err || r->ev.type == YAML_SEQUENCE_END_EVENT)
			return err;
		yaml_mark_t value_at = r->ev.start_mark;

		err = value(r, text, o->name, at, false, o->arg);
		if (!err)
			err = app_item(r, o, text, more, at, value_at);
		if (err)
			return err;
	}
}

static int app_key(struct reader *r, uint64_t *seen, unsigned lines[ROWS_MAX])
{
	char name[KEY_MAX], text[VALUE_MAX];
	yaml_mark_t at, value_at;
	int err = key(r, name, &at);

	if (err)
		return err;
	const struct plx_opt *o = app_row(r, name);
	size_t i = o ? (size_t)(o - r->in->app->opts) : 0;

	if (!o && !r->in->any_app)
		return unknown_app_key(r, at, name);
	if (o && *seen >> i & 1)
		return twice(r, at, name, lines[i]);
	if (o) {
		*seen |= 1ull << i;
		lines[i] = (unsigned)at.line + 1;
	}
	value_at = r->ev.start_mark;
	if (o && o->arg && o->flags & PLX_OPT_REPEAT && r->ev.type == YAML_SEQUENCE_START_EVENT) {
		err = app_list(r, o, at);
		return err ? err : next(r);
	}
	err = value(r, text, name, at, !o || o->arg, !o ? "VALUE" : o->arg ? o->arg : "true");
	if (err)
		return err;
	if (!o)
		note(r, name, text, true, false, at);
	else
		err = o->arg ? app_item(r, o, text, false, at, value_at) : app_flag(r, o, text, at, value_at);
	return err ? err : next(r);
}

static int app(struct reader *r, yaml_mark_t at)
{
	unsigned lines[ROWS_MAX];
	int err;

	if (!r->in->any_app && (!r->in->app || !r->in->app->opts))
		return fail(r, at, "app: this program has no options of its own: leave it out");
	if (r->ev.type != YAML_MAPPING_START_EVENT)
		return fail(r, r->ev.start_mark, "app: a map of the application's options belongs here: key: value");
	err = next(r);
	while (!err && r->ev.type != YAML_MAPPING_END_EVENT)
		err = app_key(r, &r->seen->app, lines);
	return err;
}

/* ---- settings ---- */

static int unknown_key(struct reader *r, yaml_mark_t at, const char *name)
{
	const char *list[ROWS_MAX + 2] = { PLX_CONF_PORTS, "app" };
	size_t n = 2;

	if (!strcmp(name, "iface"))
		return fail(r, at, "\"iface\" is \"" PLX_CONF_PORTS "\" here, a list: - name: eth0");
	if (port_row(name) >= 0 && app_row(r, name))
		return fail(r, at, "\"%s\" stands in an item of " PLX_CONF_PORTS " or in the map app", name);
	if (port_row(name) >= 0)
		return fail(r, at, "\"%s\" is a key of a port: it stands in an item of " PLX_CONF_PORTS, name);
	if (app_row(r, name))
		return fail(r, at, "\"%s\" is an option of %s: it stands in the map app", name, r->in->app->name);
	for (const struct plx_setting *s = plx_settings; s->name && n < ROWS_MAX; s++) {
		if (s->letter && s->letter == name[0] && !name[1])
			return fail(r, at, "unknown key \"%s\", did you mean \"%s\"?", name, s->name);
		if (!(s->flags & (PLX_SETTING_ARG_ONLY | PLX_SETTING_NOT_FILE)) && strcmp(s->name, "iface"))
			list[n++] = s->name;
	}
	return unknown(r, at, name, list, n);
}

static int setting(struct reader *r, int i, yaml_mark_t at)
{
	const struct plx_setting *s = &plx_settings[i];
	yaml_mark_t value_at = r->ev.start_mark;
	char text[VALUE_MAX], reason[768] = "";
	const struct conf_rule *rule;
	int err;

	if (s->flags & PLX_SETTING_NOT_FILE)
		return fail(r, at, "%s: a file does not name another: leave it out", s->name);
	if (s->flags & PLX_SETTING_ARG_ONLY)
		return fail(r, at, "%s: only the command line has it: --%s", s->name, s->name);
	err = value(r, text, s->name, at, strstr(s->values, "LIST") || strstr(s->values, "SIZES"), s->values);
	if (err)
		return err;
	/* a default excludes nothing: a file may have all settings */
	rule = s->def && !strcmp(text, s->def) ? NULL : conf_excluded(r->chosen, i);
	if (rule)
		return fail(r, at, "%s and %s: %s", rule->a, rule->b, rule->fix);
	if (!s->def || strcmp(text, s->def))
		r->chosen |= 1ull << i;
	if (conf_opts[i].set(r->c, text, reason, sizeof(reason)))
		return fail(r, value_at, "%s '%s': %s", s->name, text, reason);
	note(r, s->name, text, false, false, at);
	return 0;
}

static int settings(struct reader *r)
{
	unsigned lines[ROWS_MAX], app_line = 0;
	int err = next(r);

	while (!err && r->ev.type != YAML_MAPPING_END_EVENT) {
		char name[KEY_MAX];
		yaml_mark_t at;

		err = key(r, name, &at);
		if (err)
			return err;
		bool is_app = !strcmp(name, "app"), is_ports = !strcmp(name, PLX_CONF_PORTS);
		int i = is_ports ? conf_row("iface", 5) : strcmp(name, "iface") ? conf_row(name, strlen(name)) : -1;

		if (!is_app && i < 0)
			return unknown_key(r, at, name);
		if (is_app ? app_line : r->seen->env >> i & 1)
			return twice(r, at, name, is_app ? app_line : lines[i]);
		err = is_app ? app(r, at) : is_ports ? ports(r, at) : setting(r, i, at);
		if (is_app)
			app_line = (unsigned)at.line + 1;
		else {
			lines[i] = (unsigned)at.line + 1;
			r->seen->env |= 1ull << i;
		}
		if (!err)
			err = next(r);
	}
	return err;
}

static int document(struct reader *r)
{
	int err = next(r); /* the stream's begin */

	if (!err)
		err = next(r);
	if (err || r->ev.type == YAML_STREAM_END_EVENT)
		return err;        /* empty: nothing is set */
	if (r->ev.data.document_start.version_directive ||
	    r->ev.data.document_start.tag_directives.start != r->ev.data.document_start.tag_directives.end)
		return fail(r, r->ev.start_mark, "a directive (%%): leave it out");
	err = next(r);
	if (err)
		return err;
	if (r->ev.type == YAML_MAPPING_START_EVENT)
		err = settings(r);
	else if (r->ev.type != YAML_SCALAR_EVENT || r->ev.data.scalar.length)
		return fail(r, r->ev.start_mark, "a map of settings belongs here: key: value, as idle: busy");
	if (!err)
		err = next(r); /* the document's end */
	if (!err)
		err = next(r);
	if (!err && r->ev.type != YAML_STREAM_END_EVENT)
		return fail(r, r->ev.start_mark, "a second document: one file has one");
	return err;
}

int conf_file_parse(struct plx_env_conf *c, struct plx_conf_in *in, uint64_t app_given, struct conf_seen *seen,
                    char *why, size_t whylen)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors begin UTF-8 by it */
	struct plx_conf_in body = *in;
	struct reader r = { .c = c, .in = in, .seen = seen, .app_given = app_given, .why = why, .whylen = whylen };
	char reason[128];

	if (in->len >= 3 && !memcmp(in->text, mark, 3)) {
		body.text += 3;
		body.len -= 3;
	}
	if (conf_bytes_check(body.text, body.len, &in->line, &in->column, reason, sizeof(reason))) {
		snprintf(why, whylen, "%s:%u:%u: %s", in->file, in->line, in->column, reason);
		return -EINVAL;
	}
	in->line = in->column = 0;
	r.in = &body;
	if (!yaml_parser_initialize(&r.parser)) {
		snprintf(why, whylen, "%s: no memory to read it", in->file);
		return -ENOMEM;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)body.text, body.len);
	int err = document(&r);

	yaml_event_delete(&r.ev);
	yaml_parser_delete(&r.parser);
	in->line = body.line;
	in->column = body.column;
	return err;
}

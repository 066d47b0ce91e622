/* SPDX-License-Identifier: MIT */
/* show.c - what the configuration comes to, and where each value is from; cold;
   called by pollux config show. */
#include "config.h"
#include "conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void entry_free(struct config_entry *e)
{
	free(e->key);
	free(e->value);
	free(e->source);
}

void config_view_free(struct config_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		entry_free(&v->e[i]);
	free(v->e);
	*v = (struct config_view){ NULL, 0, 0, false };
}

static void forget(struct config_view *v, const char *key, bool app)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->e[i].app == app && !strcmp(v->e[i].key, key))
			entry_free(&v->e[i]);
		else
			v->e[n++] = v->e[i];
	v->n = n;
}

void config_note(void *arg, const struct plx_conf_note *n)
{
	struct config_view *v = arg;

	if (!n->more)
		forget(v, n->key, n->app);
	if (v->n == v->room) {
		size_t room = v->room ? v->room * 2 : 32;
		struct config_entry *e = realloc(v->e, room * sizeof(*e));

		if (!e) {
			v->failed = true;
			return;
		}
		v->e = e;
		v->room = room;
	}
	struct config_entry *e = &v->e[v->n++];

	*e = (struct config_entry){ .key = strdup(n->key), .value = n->value ? strdup(n->value) : NULL, .app = n->app,
	                            .from = n->from, .source = n->source ? strdup(n->source) : NULL, .line = n->line };
	v->failed |= !e->key || (n->value && !e->value) || (n->source && !e->source);
}

/* is_plain: the n bytes of s may stand on a line of a configuration file as they are. */
static bool is_plain(const char *s, size_t n)
{
	unsigned line, column;
	char why[128];

	return !memchr(s, '\t', n) && !memchr(s, '\n', n) && !memchr(s, '\r', n) &&
	       !conf_bytes_check(s, n, &line, &column, why, sizeof(why));
}

/* one_line makes of s, a file's name perhaps, what may stand in a comment of a line, or in JSON. */
static char *one_line(char *s)
{
	unsigned line, column;
	char why[128];

	for (char *c = s; *c; c++)
		*c = isspace((unsigned char)*c) ? ' ' : (unsigned char)*c < ' ' || *c == 127 ? '?' : *c;
	for (char *c = s; *c && conf_bytes_check(s, strlen(s), &line, &column, why, sizeof(why)); c++)
		*c = (unsigned char)*c > 127 ? '?' : *c;
	return s;
}

static void origin_of(char *buf, size_t len, const struct config_entry *e)
{
	buf[0] = 0;
	if (e->from == PLX_FROM_FILE)
		plx_text_add(buf, len, "%s:%u", e->source, e->line);
	else
		plx_text_add(buf, len, "%s", e->from == PLX_FROM_ENVIRONMENT ? e->source :
		             e->from == PLX_FROM_ARGUMENT ? "argument" : "default");
	one_line(buf);
}

/* ---- YAML ---- */

/* quoted tells whether other readers of YAML would take s for something else than a word. */
static bool quoted(const char *s)
{
	static const char *const typed[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(typed); i++)
		if (!strcasecmp(s, typed[i]))
			return true;
	if (!isalnum((unsigned char)*s) && *s != '(' && *s != '/')
		return true;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,/@()+-")];
}

/* single writes s between quotes in which a quote is doubled and nothing else means more than itself. */
static void single(char *buf, size_t len, const char *s)
{
	plx_text_add(buf, len, "'");
	for (; *s; s++)
		plx_text_add(buf, len, *s == '\'' ? "''" : "%c", *s);
	plx_text_add(buf, len, "'");
}

/* escaped writes s with the characters that a file may not hold as escapes.  What no value may hold is shown only:
   white space as a blank, a control character and a byte that is no character as '?'. */
static void escaped(char *buf, size_t len, const char *s)
{
	size_t left = strlen(s);
	uint32_t ch = 0;

	plx_text_add(buf, len, "\"");
	for (unsigned n; left; s += n, left -= n) {
		n = plx_text_utf8(&ch, s, left);
		if (!n || ch < ' ' || (ch > 126 && ch < 160))
			plx_text_add(buf, len, n && ch < 128 && isspace((int)ch) ? " " : "?");
		else if (ch == '"' || ch == '\\')
			plx_text_add(buf, len, "\\%c", (char)ch);
		else if (is_plain(s, n))
			plx_text_add(buf, len, "%.*s", (int)n, s);
		else
			plx_text_add(buf, len, ch > 0xffff ? "\\U%08x" : "\\u%04x", ch);
		n += !n;
	}
	plx_text_add(buf, len, "\"");
}

/* line writes "left: value" and, with origin, where it is from, in a column of its own. */
static void line(FILE *f, const char *left, const char *value, const char *origin)
{
	char buf[2304] = "";

	plx_text_add(buf, sizeof(buf), "%s:%s", left, *value ? " " : "");
	if (!is_plain(value, strlen(value)))
		escaped(buf, sizeof(buf), value);
	else if (*value && quoted(value))
		single(buf, sizeof(buf), value);
	else
		plx_text_add(buf, sizeof(buf), "%s", value);
	if (origin)
		fprintf(f, "%-31s # %s\n", buf, origin);
	else
		fprintf(f, "%s\n", buf);
}

/* port writes an --iface text as an item of ports. */
static void port(FILE *f, const struct config_entry *e, bool origin)
{
	char text[2048], left[128], from[512], *rest = text;

	origin_of(from, sizeof(from), e);
	snprintf(text, sizeof(text), "%s", e->value);
	line(f, "  - name", strsep(&rest, ","), origin ? from : NULL);
	while (rest) {
		char *word = strsep(&rest, ","), *value = strchr(word, '=');

		if (value)
			*value++ = 0;
		snprintf(left, sizeof(left), "    %s", word);
		line(f, left, value ? value : "", NULL);
	}
}

/* setting writes the entries of one setting.  A program has a name of its own unless someone
   gives it one, and a file does not name itself: these are comments. */
static void setting(FILE *f, const struct config_view *v, const struct plx_setting *s, bool origin)
{
	bool is_port = !strcmp(s->name, "iface"), first = true;
	char left[128], from[512];

	for (size_t i = 0; i < v->n; i++) {
		const struct config_entry *e = &v->e[i];

		if (e->app || strcmp(e->key, s->name))
			continue;
		origin_of(from, sizeof(from), e);
		if (is_port) {
			if (first)
				fprintf(f, "%s:\n", PLX_CONF_PORTS);
			port(f, e, origin);
			first = false;
			continue;
		}
		snprintf(left, sizeof(left), "%s%s", s->flags & (PLX_SETTING_NOT_FILE | PLX_SETTING_ARG_ONLY) ||
		         (!strcmp(s->name, "name") && e->from == PLX_FROM_DEFAULT) ? "# " : "", s->name);
		line(f, left, e->value ? e->value : "true", origin ? from : NULL);
	}
}

void config_show_text(FILE *f, const struct config_view *v, bool origin)
{
	const char *last = "";
	char left[128], from[512];
	bool any = false;

	for (const struct plx_setting *s = plx_settings; s->name; s++)
		setting(f, v, s, origin);
	for (size_t i = 0; i < v->n; i++) {
		const struct config_entry *e = &v->e[i];

		if (!e->app)
			continue;
		if (!any)
			fprintf(f, "app:\n");
		any = true;
		origin_of(from, sizeof(from), e);
		snprintf(left, sizeof(left), "  %s%s", strcmp(last, e->key) ? "" : "# and ", e->key);
		line(f, left, e->value ? e->value : "true", origin ? from : NULL);
		last = e->key;
	}
}

/* ---- JSON ---- */

static json_t *text_json(const char *value)
{
	char *text = strdup(value);
	json_t *o = text ? json_string(one_line(text)) : NULL;

	free(text);
	return o;
}

static json_t *port_json(const char *value)
{
	json_t *o = json_object();
	char text[2048], *rest = text;

	snprintf(text, sizeof(text), "%s", value);
	json_object_set_new(o, "name", json_string(strsep(&rest, ",")));
	while (rest) {
		char *word = strsep(&rest, ","), *v = strchr(word, '=');

		if (v)
			*v++ = 0;
		json_object_set_new(o, word, json_string(v ? v : ""));
	}
	return o;
}

json_t *config_show_json(const struct config_view *v, bool origin)
{
	json_t *root = json_object(), *ports = json_array(), *app = json_object();

	for (size_t i = 0; i < v->n; i++) {
		const struct config_entry *e = &v->e[i];
		bool is_port = !e->app && !strcmp(e->key, "iface");
		json_t *value = is_port ? port_json(e->value) : e->value ? text_json(e->value) : json_true();
		char from[512];

		origin_of(from, sizeof(from), e);
		if (origin)
			value = json_pack("{s:o, s:s}", "value", value, "origin", from);
		if (is_port)
			json_array_append_new(ports, value);
		else
			json_object_set_new(e->app ? app : root, e->key, value);
	}
	json_object_set_new(root, PLX_CONF_PORTS, ports);
	if (json_object_size(app))
		json_object_set_new(root, "app", app);
	else
		json_decref(app);
	return root;
}

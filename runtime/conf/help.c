/* SPDX-License-Identifier: MIT */
/* help.c - --help and --help-all, made from the tables of options and keys.
   Cold, pure; called by the parser. */
#include "conf.h"
#include "plx_text.h"
#include <stdio.h>
#include <string.h>

enum { LINES = 24, WIDTH = 80 /* of a terminal; --help stays within */, COLUMN = 30 };

/* entry appends left and, from COLUMN on, the words of what; the number of lines. */
static int entry(char *buf, size_t len, const char *left, const char *what)
{
	size_t at = strlen(left) < COLUMN ? COLUMN : strlen(left) + 1, start = at;
	int lines = 1;

	plx_text_add(buf, len, "%-*s", (int)at, left);
	while (*what) {
		size_t n = strcspn(what, " ");
		if (at > start && at + 1 + n > WIDTH) {
			plx_text_add(buf, len, "\n%*s", COLUMN, "");
			at = start = COLUMN;
			lines++;
		}
		plx_text_add(buf, len, "%s%.*s", at > start ? " " : "", (int)n, what);
		at += n + (at > start);
		what += n + strspn(what + n, " ");
	}
	plx_text_add(buf, len, "\n");
	return lines;
}

/* sentence is what help says of a setting: what it is, the words it takes if there is
   nothing but words, and its default. */
static void sentence(char *buf, size_t len, const struct plx_setting *s)
{
	char words[256] = "";
	const char *rest = s->values, *sep = ": ";

	while (rest) {
		struct plx_value v;

		rest = plx_value_next(rest, &v);
		if (v.kind == PLX_VALUE_TEXT || strcmp(v.lo, v.hi)) {
			*words = 0;
			break;
		}
		plx_text_add(words, sizeof(words), "%s%s", sep, v.lo);
		sep = ", ";
	}
	plx_text_add(buf, len, "%s%s%s%s", s->what, words, s->def ? "; " : "", s->def ? s->def : "");
}

static int option(char *buf, size_t len, const struct plx_opt *o, const char *what)
{
	char left[96] = "";

	if (o->letter)
		plx_text_add(left, sizeof(left), "  -%c, --%s", o->letter, o->name);
	else
		plx_text_add(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		plx_text_add(left, sizeof(left), " %s", o->arg);
	return entry(buf, len, left, what);
}

/* options writes rows of a table while lines are left in *room; the number left out.  s has
   the settings of the rows, or is NULL. */
static int options(char *buf, size_t len, const struct plx_opt *o, const struct plx_setting *s, bool all, int *room)
{
	int left_out = 0;

	for (; o && o->name; o++) {
		char one[1024] = "", what[512] = "";
		int lines;

		if (s)
			sentence(what, sizeof(what), s++);
		lines = option(one, sizeof(one), o, s ? what : o->what);

		if ((o->flags & PLX_OPT_MORE && !all) || lines > *room) {
			left_out++;
			continue;
		}
		plx_text_add(buf, len, "%s", one);
		*room -= lines;
	}
	return left_out;
}

void conf_help(char *buf, size_t len, const char *prog, const struct plx_app *app, bool all)
{
	bool has_app = app && app->opts && app->opts->name;
	/* usage, sentence, two headings and the last line */
	int room = all ? 10000 : LINES - 5, left_out;

	if (len)
		buf[0] = 0;
	plx_text_add(buf, len, "usage: %s [options]%s\n", prog, has_app ? " [-- options of the application]" : "");
	if (app && app->what)
		plx_text_add(buf, len, "%s\n", app->what);
	plx_text_add(buf, len, "Environment (what stands behind ';' is the default):\n");
	left_out = options(buf, len, conf_opts, plx_settings, all, &room);
	if (has_app) {
		plx_text_add(buf, len, "Application, behind --:\n");
		left_out += options(buf, len, app->opts, NULL, all, &room);
	}
	if (!all) {
		plx_text_add(buf, len, "--help-all shows %d more options and the keys of --iface.\n", left_out);
		return;
	}
	plx_text_add(buf, len, "Keys of --iface NAME[,key=value...]:\n");
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++) {
		char left[96] = "";
		char what[512] = "";
		plx_text_add(left, sizeof(left), "  %s=%s", k->name, k->values);
		plx_text_add(what, sizeof(what), "%s%s%s", k->what, k->def ? "; " : "", k->def ? k->def : "");
		entry(buf, len, left, what);
	}
	plx_text_add(buf, len, "Exit codes: 0 done, 1 runtime, 2 usage or configuration, 3 device or XDP,\n"
	             "4 permission, 5 memory, 6 a check failed, 128 + n ended by signal n.\n");
}

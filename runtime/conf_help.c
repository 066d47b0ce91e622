/* SPDX-License-Identifier: MIT */
/* conf_help.c - --help and --help-all, made from the tables of options and keys.
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

static int option(char *buf, size_t len, const struct plx_opt *o)
{
	char left[96] = "";

	if (o->letter)
		plx_text_add(left, sizeof(left), "  -%c, --%s", o->letter, o->name);
	else
		plx_text_add(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		plx_text_add(left, sizeof(left), " %s", o->arg);
	return entry(buf, len, left, o->what);
}

/* options writes rows of a table while lines are left in *room; the number left out. */
static int options(char *buf, size_t len, const struct plx_opt *o, bool all, int *room)
{
	int left_out = 0;

	for (; o && o->name; o++) {
		char one[1024] = "";
		int lines = option(one, sizeof(one), o);

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

	buf[0] = 0;
	plx_text_add(buf, len, "usage: %s [options]%s\n", prog, has_app ? " [-- options of the application]" : "");
	if (app && app->what)
		plx_text_add(buf, len, "%s\n", app->what);
	plx_text_add(buf, len, "Environment (what stands behind ';' is the default):\n");
	left_out = options(buf, len, conf_opts, all, &room);
	if (has_app) {
		plx_text_add(buf, len, "Application, behind --:\n");
		left_out += options(buf, len, app->opts, all, &room);
	}
	if (!all) {
		plx_text_add(buf, len, "--help-all shows %d more options and the keys of --iface.\n", left_out);
		return;
	}
	plx_text_add(buf, len, "Keys of --iface NAME[,key=value...]:\n");
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++) {
		char left[96] = "";
		plx_text_add(left, sizeof(left), "  %s=%s", k->name, k->values);
		entry(buf, len, left, k->what);
	}
	plx_text_add(buf, len, "Exit codes: 0 done, 1 runtime, 2 usage or configuration, 3 device or XDP,\n"
	             "4 permission, 5 memory, 6 a check failed, 128 + n ended by signal n.\n");
}

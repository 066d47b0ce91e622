/* SPDX-License-Identifier: MIT */
/* conf_help.c - --help and --help-all, made from the tables of options and keys.
   Cold, pure; called by the parser. */
#include "conf.h"
#include "plx_text.h"
#include <stdio.h>

enum { HELP_LINES = 24 /* a terminal's; --help stays within */, HELP_COLUMN = 29 };

static void row(char *buf, size_t len, const struct plx_opt *o)
{
	char left[96] = "";

	if (o->letter)
		plx_text_add(left, sizeof(left), "  -%c, --%s", o->letter, o->name);
	else
		plx_text_add(left, sizeof(left), "      --%s", o->name);
	if (o->arg)
		plx_text_add(left, sizeof(left), " %s", o->arg);
	plx_text_add(buf, len, "%-*s %s\n", HELP_COLUMN, left, o->what);
}

static int count(const struct plx_opt *o, bool all)
{
	int n = 0;

	for (; o && o->name; o++)
		n += all || !(o->flags & PLX_OPT_MORE);
	return n;
}

/* rows writes at most max rows and returns how many are left out. */
static int rows(char *buf, size_t len, const struct plx_opt *o, bool all, int max)
{
	int left_out = count(o, true);

	for (; o && o->name; o++) {
		if (max > 0 && (all || !(o->flags & PLX_OPT_MORE))) {
			row(buf, len, o);
			max--;
			left_out--;
		}
	}
	return left_out;
}

void conf_help(char *buf, size_t len, const char *prog, const struct plx_app *app, bool all)
{
	bool has_app = app && app->opts && app->opts->name;
	/* usage, sentence, two headings and the last line */
	int room = all ? 1000 : HELP_LINES - 5;
	int left_out;

	buf[0] = 0;
	plx_text_add(buf, len, "usage: %s [options]%s\n", prog, has_app ? " [-- options of the application]" : "");
	if (app && app->what)
		plx_text_add(buf, len, "%s\n", app->what);
	plx_text_add(buf, len, "Environment (the value after ';' is the default):\n");
	left_out = rows(buf, len, conf_opts, all, room);
	if (has_app) {
		plx_text_add(buf, len, "Application, behind --:\n");
		left_out += rows(buf, len, app->opts, all, room - count(conf_opts, all));
	}
	if (!all) {
		plx_text_add(buf, len, "--help-all shows %d more options and the keys of --iface.\n", left_out);
		return;
	}
	plx_text_add(buf, len, "Keys of --iface NAME[,key=value...]:\n");
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++)
		plx_text_add(buf, len, "  %-12s  %s: %s\n", k->name, k->values, k->what);
	plx_text_add(buf, len, "Exit codes: 0 done, 1 runtime, 2 usage or configuration, 3 device or XDP,\n"
	             "4 permission, 5 memory, 6 a check failed, 128 + n ended by signal n.\n");
}

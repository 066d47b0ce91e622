/* SPDX-License-Identifier: MIT */
/* cmd.c - finding a command in a table and telling what the table has; cold; called by
   main() and by commands that have parts. */
#include "cmd.h"

#include <pollux/plx_env.h>
#include <pollux/plx_text.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CMDS_MAX = 32 };

void cmd_error(const char *title, const char *fmt, ...)
{
	char text[2304] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s\n", title, text);
}

int cmd_conf_code(int err)
{
	int code = plx_exit_code(err);

	return code == PLX_EXIT_USAGE ? CMD_USAGE : code == PLX_EXIT_PERMISSION ? CMD_RIGHTS : code ? CMD_FAIL : CMD_OK;
}

int cmd_conf(const char *title, int err, const char *why)
{
	if (err == PLX_TEXT)
		fputs(why, stdout);
	else if (err)
		cmd_error(title, "%s", why);
	return cmd_conf_code(err);
}

int cmd_flag(int *argc, char **argv, const char *word)
{
	int n = 0, found = 0, dashes = 0;

	for (int i = 0; i < *argc; i++) {
		dashes |= !strcmp(argv[i], "--");
		if (!dashes && !strcmp(argv[i], word))
			found = 1;
		else
			argv[n++] = argv[i];
	}
	*argc = n;
	argv[n] = NULL;
	return found;
}

static void help(FILE *f, const char *title, const char *what, const struct cmd *cmds)
{
	fprintf(f, "usage: %s COMMAND [arguments]\n%s\n", title, what);
	for (const struct cmd *c = cmds; c->name; c++)
		fprintf(f, "  %-10s %s\n", c->name, c->what);
	fprintf(f, "%s help COMMAND tells more.  The beginning of a name will do.\n", title);
}

/* find answers word with a row, or with NULL after saying why. */
static const struct cmd *find(const char *title, const struct cmd *cmds, const char *word)
{
	const struct cmd *hit = NULL;
	const char *names[CMDS_MAX] = { NULL }, *near;
	char like[256] = "";
	size_t n = 0;
	int hits = 0;

	for (const struct cmd *c = cmds; c->name; c++) {
		if (!strcmp(c->name, word))
			return c;
		if (*word && !strncmp(c->name, word, strlen(word))) {
			hit = c;
			plx_text_add(like, sizeof(like), "%s%s", hits++ ? ", " : "", c->name);
		}
		if (n < CMDS_MAX)
			names[n++] = c->name;
	}
	if (hits == 1)
		return hit;
	near = plx_text_near(word, names, n);
	if (hits)
		cmd_error(title, "'%s' may be any of %s: write more of it", word, like);
	else if (near)
		cmd_error(title, "'%s': unknown command, did you mean %s?", word, near);
	else
		cmd_error(title, "'%s': unknown command; %s --help shows all", word, title);
	return NULL;
}

int cmd_run(const char *title, const char *what, const struct cmd *cmds, int argc, char **argv)
{
	const struct cmd *c;

	if (argc < 2) {
		help(stderr, title, what, cmds);
		return CMD_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || (!strcmp(argv[1], "help") && argc == 2)) {
		help(stdout, title, what, cmds);
		return CMD_OK;
	}
	if (!strcmp(argv[1], "help")) {
		c = find(title, cmds, argv[2]);
		/* the words behind go along: help config check is config check --help */
		argv[1] = argv[2];
		for (int i = 2; i + 1 < argc; i++)
			argv[i] = argv[i + 1];
		argv[argc - 1] = "--help";
		return c ? c->fn(argc - 1, argv + 1) : CMD_USAGE;
	}
	c = find(title, cmds, argv[1]);
	return c ? c->fn(argc - 1, argv + 1) : CMD_USAGE;
}

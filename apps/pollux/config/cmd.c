/* SPDX-License-Identifier: MIT */
/* cmd.c - pollux config: what a program would be started with, and what it could be.
   Cold; asks the system for files only; called by main(). */
#include "cmd.h"
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* asks answers --help. */
static bool asks(int argc, char **argv, const char *help)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return true;
		}
	return false;
}

static int print_json(json_t *o)
{
	int err = o ? json_dumpf(o, stdout, JSON_INDENT(2)) : -1;

	json_decref(o);
	if (err || putchar('\n') == EOF) {
		cmd_error("pollux config", "cannot write JSON: no memory, or no room");
		return CMD_FAIL;
	}
	return CMD_OK;
}

/* read_all reads what in says, into a configuration that no one needs. */
static int read_conf(struct plx_conf_in *in, char *why, size_t len)
{
	struct plx_env_conf *c = malloc(sizeof(*c));

	if (!c) {
		snprintf(why, len, "no memory");
		return -ENOMEM;
	}
	plx_env_conf_init(c);
	int err = plx_env_conf_read(c, in, why, len);

	free(c);
	return err;
}

/* ---- show ---- */

static const char show_help[] =
	"usage: pollux config show [--origin] [--json] [options of a program]\n"
	"Prints what a program would be started with if it had these options, in this\n"
	"environment: YAML that -c reads again, or JSON.\n"
	"  --origin   say of each value where it is from: argument, POLLUX_NAME, file:line,\n"
	"             default\n"
	"  --json     print a JSON object\n"
	"The options are those before -- of any program; its --help-all lists them.\n";

static int show(int argc, char **argv)
{
	static char why[PLX_HELP_MAX];
	struct config_view v = { 0 };
	struct plx_conf_in in = { .environ = environ, .any_app = true, .note = config_note, .arg = &v };

	if (asks(argc, argv, show_help))
		return CMD_OK;
	bool origin = cmd_flag(&argc, argv, "--origin"), json = cmd_flag(&argc, argv, "--json");

	in.argc = argc;
	in.argv = argv;
	int code = CMD_OK, err = read_conf(&in, why, sizeof(why));

	if (err)
		code = cmd_conf("pollux config show", err, why);
	else if (v.failed) {
		cmd_error("pollux config show", "no memory");
		code = CMD_FAIL;
	} else if (json)
		code = print_json(config_show_json(&v, origin));
	else
		config_show_text(stdout, &v, origin);
	config_view_free(&v);
	return code;
}

/* ---- check ---- */

static const char check_help[] =
	"usage: pollux config check [--json] FILE...\n"
	"Reads configuration files as a program would by -c and says what is wrong, as\n"
	"FILE:LINE:COLUMN: what, and how to fix it.  The map app is read by the program it is\n"
	"for: PROGRAM -c FILE --dry-run.  Exit code 2 if a file is wrong.\n"
	"  --json     print an array of objects: file, ok, line, column, error\n";

static int check(int argc, char **argv)
{
	static char why[PLX_HELP_MAX];
	json_t *all = json_array();
	int code = CMD_OK;

	if (asks(argc, argv, check_help)) {
		json_decref(all);
		return CMD_OK;
	}
	bool json = cmd_flag(&argc, argv, "--json");

	if (argc < 2) {
		cmd_error("pollux config check", "a file is missing: pollux config check FILE");
		code = CMD_USAGE;
	}
	for (int i = 1; i < argc; i++) {
		struct plx_conf_in in = { .file = argv[i], .any_app = true };
		int err = read_conf(&in, why, sizeof(why));

		if (err)
			code = cmd_conf_code(err);
		if (json)
			json_array_append_new(all, json_pack("{s:s, s:b, s:i, s:i, s:s}", "file", argv[i], "ok", !err,
			                      "line", (int)in.line, "column", (int)in.column, "error", err ? why : ""));
		else if (err && strncmp(why, argv[i], strlen(argv[i]))) /* FILE:LINE:COLUMN is for editors */
			cmd_error("pollux config check", "%s", why);
		else if (err)
			fprintf(stderr, "%s\n", why);
		else
			printf("%s: ok\n", argv[i]);
	}
	if (json && argc > 1 && print_json(json_incref(all)))
		code = CMD_FAIL;
	json_decref(all);
	return code;
}

/* ---- what it could be ---- */

static int schema(int argc, char **argv)
{
	if (asks(argc, argv, "usage: pollux config schema\n"
	         "Prints the JSON Schema of the configuration file, for editors and checkers.\n"))
		return CMD_OK;
	if (argc > 1) {
		cmd_error("pollux config schema", "'%s': takes no arguments", argv[1]);
		return CMD_USAGE;
	}
	return print_json(config_schema());
}

static int defaults(int argc, char **argv)
{
	if (asks(argc, argv, "usage: pollux config default\n"
	         "Prints a configuration file with every setting, its sentence and its default.\n"))
		return CMD_OK;
	if (argc > 1) {
		cmd_error("pollux config default", "'%s': takes no arguments", argv[1]);
		return CMD_USAGE;
	}
	config_default(stdout);
	return CMD_OK;
}

static const struct cmd parts[] = {
	{ "show", "what a program would be started with, and why", show },
	{ "check", "read configuration files and say what is wrong", check },
	{ "schema", "the JSON Schema of the file", schema },
	{ "default", "a file with every setting and its default", defaults },
	{ NULL, NULL, NULL },
};

int cmd_config(int argc, char **argv)
{
	return cmd_run("pollux config", "The configuration of a Pollux program.", parts, argc, argv);
}

/* SPDX-License-Identifier: MIT */
/* cmd.c - pollux doctor: what is wrong with this machine for the ports, lcores and memory
   that a program would be started with, and the command that fixes it.  Cold; changes
   nothing; called by main(). */
#include "cmd.h"
#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: pollux doctor [IFACE[,key=value..]...] [options of a program] [--json] [--brief]\n"
	"                     [--only CHECK[,CHECK..]] | --list | --live NAME\n"
	"Tries and reads what a start with these options needs, and says of each check OK, WARN,\n"
	"FAIL or SKIP, what it found, and the command that fixes it.  Changes nothing.\n"
	"  IFACE      as --iface IFACE; before all options\n"
	"  --only     run these checks only\n"
	"  --brief    show what WARNs and FAILs only\n"
	"  --list     every check and its sentence\n"
	"  --live     ask a running program instead what is wrong with it: pollux live NAME\n"
	"  --json     an array of objects: name, group, object, status, evidence, fix; of --list\n"
	"             name, group, what\n"
	"Exit code 0 if nothing FAILs, 1 if something does, 2 usage or\n"
	"configuration.  docs/doctor.md tells more.\n";

/* take removes "--only VALUE" or "--only=VALUE" from argv.  0; 1 = the value is missing. */
static int take(int *argc, char **argv, const char *word, const char **value)
{
	size_t len = strlen(word);

	for (int i = 1; i < *argc && strcmp(argv[i], "--"); i++) {
		int n = !strcmp(argv[i], word) ? 2 : !strncmp(argv[i], word, len) && argv[i][len] == '=' ? 1 : 0;

		if (!n)
			continue;
		*value = n == 1 ? argv[i] + len + 1 : argv[i + 1];
		if (!*value || !**value)
			return 1;
		memmove(argv + i, argv + i + n, (size_t)(*argc - i - n + 1) * sizeof(*argv));
		*argc -= n;
		return 0;
	}
	return 0;
}

static int check_only(const char *only)
{
	const char *names[128];
	size_t n = 0, len;

	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name && n < PLX_ARRAY_SIZE(names); c++)
			names[n++] = c->name;
	for (const char *s = only; s; s = s[len] ? s + len + 1 : NULL) {
		char word[64];

		len = strcspn(s, ",");
		if (check_find(s, len))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)len, s);
		const char *near = plx_text_near(word, names, n);

		cmd_error("pollux doctor", near ? "'%s': no such check, did you mean %s?" : "'%s': no such check; "
		          "pollux doctor --list shows all", word, near);
		return CMD_USAGE;
	}
	return CMD_OK;
}

/* expand makes --iface IFACE of the words before all options; NULL = no memory. */
static char **expand(int argc, char **argv, int *n)
{
	static char option[] = "--iface";
	char **out = calloc((size_t)argc * 2 + 1, sizeof(*out));
	int i = 1;

	*n = 0;
	if (!out)
		return NULL;
	out[(*n)++] = argv[0];
	for (; i < argc && argv[i][0] != '-'; i++) {
		out[(*n)++] = option;
		out[(*n)++] = argv[i];
	}
	for (; i < argc; i++)
		out[(*n)++] = argv[i];
	return out;
}

static int examine(struct doctor *d, const char *only, bool json, bool brief)
{
	struct report r = { 0 };
	int code = CMD_FAIL;

	if (doctor_read(d) || doctor_judge(&r, d, only))
		cmd_error("pollux doctor", "no memory");
	else {
		code = r.count[CHECK_FAIL] ? CMD_FAIL : CMD_OK;
		if (!json)
			report_text(stdout, &r, brief);
		else if (report_json(stdout, &r))
			code = CMD_FAIL;
		if (fflush(stdout)) {
			cmd_error("pollux doctor", "cannot write: %s", strerror(errno));
			code = CMD_FAIL;
		}
	}
	free(r.r);
	return code;
}

static int run(struct doctor *d, int argc, char **argv, const char *only, bool json, bool brief)
{
	static char why[PLX_HELP_MAX];
	struct plx_conf_in in = { .environ = environ, .any_app = true };
	int err;

	in.argv = expand(argc, argv, &in.argc);
	if (!in.argv) {
		cmd_error("pollux doctor", "no memory");
		return CMD_FAIL;
	}
	d->sys = &plx_sys_linux;
	d->words = argv;
	plx_env_conf_init(&d->conf);
	err = plx_env_conf_read(&d->conf, &in, why, sizeof(why));
	free(in.argv);
	if (err)
		return cmd_conf("pollux doctor", err, why);
	return examine(d, only, json, brief);
}

int cmd_doctor(int argc, char **argv)
{
	const char *only = NULL, *live = NULL;
	struct doctor *d;
	int code;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage, stdout);
			return CMD_OK;
		}
	bool list = cmd_flag(&argc, argv, "--list"), json = cmd_flag(&argc, argv, "--json");
	bool brief = cmd_flag(&argc, argv, "--brief");

	if (list && !json)
		checks_text(stdout);
	if (list)
		return json && checks_json(stdout) ? CMD_FAIL : CMD_OK;

	if (take(&argc, argv, "--only", &only) || take(&argc, argv, "--live", &live)) {
		cmd_error("pollux doctor", "a name is missing: --only CHECK[,CHECK..], --live NAME");
		return CMD_USAGE;
	}
	if (live && (only || brief || argc > 1)) {
		cmd_error("pollux doctor", "--live %s: takes --json and nothing else beside it", live);
		return CMD_USAGE;
	}
	if (live)
		return doctor_live(live, json);
	if (check_only(only))
		return CMD_USAGE;
	d = calloc(1, sizeof(*d));
	if (!d) {
		cmd_error("pollux doctor", "no memory");
		return CMD_FAIL;
	}
	code = run(d, argc, argv, only, json, brief);
	doctor_free(d);
	free(d);
	return code;
}

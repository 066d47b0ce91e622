/* SPDX-License-Identifier: MIT */
/* cmd.c - pollux setup: changes to the host that programs gain from, told, made and undone.
   Cold; called by main(). */
#include "cmd.h"
#include "plx_conf.h"
#include "plx_text.h"
#include "setup_ns.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the words of a command say. */
struct words {
	const char *title;
	bool json;
	char dir[256];
	bool dir_given;
	uint32_t stages;
	bool by_name; /* stages were named */
	struct plx_log log;
	struct plx_env_conf *conf; /* of plan and apply */
};

static void line(void *arg, enum plx_log_level level, const char *text)
{
	(void)level;
	cmd_error(arg, "%s", text);
}

static int code(int err)
{
	return !err ? CMD_OK : err == -EPERM || err == -EACCES ? CMD_RIGHTS : CMD_FAIL;
}

static int print(char *text)
{
	int ok = text && fputs(text, stdout) >= 0 && !fflush(stdout);

	free(text);
	if (!ok)
		cmd_error("pollux setup", "cannot write: no memory, or no room");
	return ok ? CMD_OK : CMD_FAIL;
}

/* ---- words ---- */

static bool asks(int argc, char **argv, const char *help)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			fputs("stages:\n", stdout);
			for (unsigned k = 0; k < SETUP_STAGES_N; k++)
				printf("  %-12s %s\n", setup_stage_name(k), setup_stage_what(k));
			return true;
		}
	return false;
}

static bool is_stage(const char *word)
{
	for (unsigned i = 0; i < SETUP_STAGES_N; i++)
		if (!strcmp(setup_stage_name(i), word))
			return true;
	return false;
}

static int take_stage(struct words *w, const char *word)
{
	const char *names[SETUP_STAGES_N], *near;

	for (unsigned i = 0; i < SETUP_STAGES_N; i++) {
		names[i] = setup_stage_name(i);
		if (!strcmp(names[i], word)) {
			w->stages |= 1u << i;
			return CMD_OK;
		}
	}
	near = plx_text_near(word, names, SETUP_STAGES_N);
	if (near)
		cmd_error(w->title, "'%s': unknown stage, did you mean %s?", word, near);
	else
		cmd_error(w->title, "'%s': unknown stage; %s --help lists them", word, w->title);
	return CMD_USAGE;
}

/* take_dir takes --dir DIR or --dir=DIR out of argv. */
static int take_dir(struct words *w, int *argc, char **argv)
{
	int n = 0;
	bool dashes = false;

	snprintf(w->dir, sizeof(w->dir), "%s", SETUP_DIR);
	for (int i = 0; i < *argc; i++) {
		const char *value = NULL;

		dashes |= !strcmp(argv[i], "--");
		if (!dashes && !strncmp(argv[i], "--dir=", 6))
			value = argv[i] + 6;
		else if (!dashes && !strcmp(argv[i], "--dir"))
			value = i + 1 < *argc ? argv[++i] : "";
		else
			argv[n++] = argv[i];
		if (value && (*value != '/' || strlen(value) >= sizeof(w->dir))) {
			cmd_error(w->title, "--dir '%.200s': a path that begins with '/' is missing", value);
			return CMD_USAGE;
		}
		if (!value)
			continue;
		snprintf(w->dir, sizeof(w->dir), "%s", value);
		w->dir_given = true;
	}
	*argc = n;
	argv[n] = NULL;
	return CMD_OK;
}

/* take reads what commands share; stages stand first, what is left is a program's, or too much. */
static int take(struct words *w, const char *title, int *argc, char **argv)
{
	int n = 1, err;

	*w = (struct words){ .title = title, .log = { line, (void *)(uintptr_t)title, PLX_LOG_NOTICE } };
	w->json = cmd_flag(argc, argv, "--json");
	err = take_dir(w, argc, argv);
	for (; !err && n < *argc && argv[n][0] != '-'; n++)
		err = take_stage(w, argv[n]);
	w->by_name = w->stages;
	if (!w->by_name)
		w->stages = SETUP_ALL;
	for (int i = n; i <= *argc; i++)
		argv[i - n + 1] = argv[i];
	*argc -= n - 1;
	return err;
}

/* take_conf: -1 = a text was asked for, which is printed. */
static int take_conf(struct words *w, int argc, char **argv)
{
	static char why[PLX_HELP_MAX];
	struct plx_conf_in in = { .argc = argc, .argv = argv, .environ = environ, .any_app = true };
	int err = -ENOMEM;

	w->conf = malloc(sizeof(*w->conf));
	if (!w->conf)
		return CMD_FAIL;
	plx_env_conf_init(w->conf);
	err = plx_env_conf_read(w->conf, &in, why, sizeof(why));
	if (!err)
		return CMD_OK;
	for (int i = 1; i < argc && err != PLX_TEXT && strcmp(argv[i], "--"); i++)
		if (is_stage(argv[i]) && strstr(why, argv[i]))
			plx_text_add(why, sizeof(why), "; stages stand before the options: %s %s ...", w->title,
			             argv[i]);
	int rc = cmd_conf(w->title, err, why);

	return err == PLX_TEXT ? -1 : rc;
}

static int no_more(const struct words *w, int argc, char **argv)
{
	if (argc < 2)
		return CMD_OK;
	cmd_error(w->title, "'%s': not taken here; %s --help tells what is", argv[1], w->title);
	return CMD_USAGE;
}

static struct host host; /* as it is, for the configuration of plan and apply */

static struct setup_in input(const struct words *w)
{
	return (struct setup_in){ .sys = &plx_sys_linux, .log = &w->log, .conf = w->conf, .host = &host,
	                          .stages = w->stages, .by_name = w->by_name, .dir = w->dir, .pid = getppid() };
}

/* ---- plan ---- */

static const char plan_help[] =
	"usage: pollux setup plan [STAGE...] [--json] [options of a program]\n"
	"Prints what apply would change on this host for a program with these options (--iface,\n"
	"-l, -m, -c FILE, ...): a shell script that does it.  Changes nothing.\n";

static int plan(int argc, char **argv)
{
	struct words w;
	struct setup s = { .items = NULL };
	char why[2048] = "";

	if (asks(argc, argv, plan_help))
		return CMD_OK;
	int rc = take(&w, "pollux setup plan", &argc, argv);

	if (!rc && w.dir_given) {
		cmd_error(w.title, "--dir: plan writes no journal; apply takes it");
		rc = CMD_USAGE;
	}
	if (!rc)
		rc = take_conf(&w, argc, argv);
	if (!rc) {
		struct setup_in in = input(&w);
		int err = host_read(&host, in.sys, in.conf, why, sizeof(why));

		if (!err)
			err = setup_plan(&s, &in, why, sizeof(why));

		if (err)
			cmd_error(w.title, "%s", why);
		rc = err ? plx_exit_code(err) : print(setup_print(&s, w.json));
	}
	setup_free(&s);
	host_free(&host);
	free(w.conf);
	return rc < 0 ? CMD_OK : rc;
}

/* ---- apply ---- */

static const char apply_help[] =
	"usage: pollux setup apply [STAGE...] [--json] [--dir DIR] [options of a program]\n"
	"Makes the changes that plan prints, until pollux setup restore.  The values before are\n"
	"in DIR/setup.journal first (DIR is " SETUP_DIR ").  If one cannot be made, none is.\n";

struct told { const struct words *w; json_t *plans; bool any; };

/* What is about to be done; what cannot be done stops it all. */
static int told(void *arg, const struct setup *s)
{
	struct told *t = arg;
	bool cannot = false, first = !t->any;

	t->any = true;
	for (unsigned i = 0; i < s->nitems; i++) {
		if (s->items[i].state != SETUP_CANNOT)
			continue;
		cmd_error(t->w->title, "%s: %s; or leave it out: name the stages that are wanted",
		          setup_stage_name(s->items[i].stage), s->items[i].found.evidence);
		cannot = true;
	}
	if (cannot)
		return -EOPNOTSUPP;
	char *text = setup_print(s, t->w->json);

	if (!text)
		return -ENOMEM;
	if (t->w->json)
		json_array_append_new(t->plans, json_loads(text, 0, NULL));
	else if (setup_count(s, SETUP_CHANGE) || (first && setup_count(s, SETUP_SKIP)))
		fputs(text, stdout);
	free(text);
	return 0;
}

static int apply(int argc, char **argv)
{
	char session[SETUP_SESSION_MAX] = "", why[512];
	struct words w;

	if (asks(argc, argv, apply_help))
		return CMD_OK;
	int rc = take(&w, "pollux setup apply", &argc, argv);

	if (!rc)
		rc = take_conf(&w, argc, argv);
	if (!rc) {
		struct told t = { &w, json_array(), false };
		struct setup_in in = input(&w);
		int err = host_read(&host, in.sys, in.conf, why, sizeof(why));

		if (err)
			cmd_error(w.title, "%s", why);
		else
			err = setup_make(&in, &host, SETUP_HOLD_HOST, "pollux setup", session, told, &t);
		rc = err && !t.any ? plx_exit_code(err) : code(err); /* no plan of a start: its own code */
		if (w.json) {
			json_t *o = json_pack("{s:b, s:s, s:O}", "ok", !err, "session", session, "plans", t.plans);

			if (!o || json_dumpf(o, stdout, JSON_INDENT(2)) || putchar('\n') == EOF)
				rc = CMD_FAIL;
			json_decref(o);
		} else if (!err && *session)
			printf("# done; pollux setup restore takes it back\n");
		else if (!err)
			printf("# nothing to change\n");
		json_decref(t.plans);
	}
	host_free(&host);
	free(w.conf);
	return rc < 0 ? CMD_OK : rc;
}

/* ---- status and restore ---- */

static const char status_help[] =
	"usage: pollux setup status [--json] [--dir DIR]\n"
	"Prints what is set up: by whom, whether that process lives, and of each value what it\n"
	"was, what it was set to and what it is.\n";

static int status(int argc, char **argv)
{
	struct words w;
	char *text = NULL;

	if (asks(argc, argv, status_help))
		return CMD_OK;
	int rc = take(&w, "pollux setup status", &argc, argv);

	if (!rc && w.by_name) {
		cmd_error(w.title, "it shows all stages: name none");
		rc = CMD_USAGE;
	}
	if (!rc)
		rc = no_more(&w, argc, argv);
	if (rc)
		return rc;
	int err = setup_status(&plx_sys_linux, &w.log, w.dir, w.json, &text);

	return err ? code(err) : print(text);
}

static const char restore_help[] =
	"usage: pollux setup restore [STAGE...] [--all | --orphans] [--json] [--dir DIR]\n"
	"Puts every value back to what it was, or those of the stages; also after a crash, and of\n"
	"restore itself.  Programs that run keep what they set up.\n"
	"  --all      also what running programs have set up\n"
	"  --orphans  only what programs that are no more have set up\n";

static void restored_json(int err, unsigned restored)
{
	struct plx_json j;

	plx_json_begin(&j, stdout);
	plx_json_object(&j, NULL);
	plx_json_bool(&j, "ok", !err);
	plx_json_u64(&j, "restored", restored);
	plx_json_object_end(&j);
	plx_json_end(&j);
}

static int restore(int argc, char **argv)
{
	unsigned restored = 0, here = 0;
	struct words w;

	if (asks(argc, argv, restore_help))
		return CMD_OK;
	bool all = cmd_flag(&argc, argv, "--all"), orphans = cmd_flag(&argc, argv, "--orphans");
	int rc = take(&w, "pollux setup restore", &argc, argv);

	if (!rc && all && orphans) {
		cmd_error(w.title, "--all and --orphans: give one of them");
		rc = CMD_USAGE;
	}
	if (!rc)
		rc = no_more(&w, argc, argv);
	if (rc)
		return rc;
	if (w.dir_given && access(w.dir, F_OK) && errno == ENOENT) {
		cmd_error(w.title, "--dir '%s': there is no such folder: give the one that apply was given", w.dir);
		return CMD_USAGE;
	}
	struct setup_undo u = { .sys = &plx_sys_linux,
		                .log = &w.log,
		                .dir = w.dir,
		                .stages = w.stages,
		                .orphans = orphans,
		                .spare_living = !all };

	int elsewhere = ns_undo(&u, &restored), err = setup_undo(&u, &here);

	err = err ? err : elsewhere;

	restored += here;
	if (w.json)
		restored_json(err, restored);
	else
		printf("%u value%s put back\n", restored, restored == 1 ? "" : "s");
	return code(err);
}

static const struct cmd parts[] = {
	{ "plan", "what apply would change, as a shell script", plan },
	{ "apply", "make the changes, until restore", apply },
	{ "status", "what is set up, and by whom", status },
	{ "restore", "put everything back as it was", restore },
	{ NULL, NULL, NULL },
};

int cmd_setup(int argc, char **argv)
{
	return cmd_run("pollux setup", "Changes to the host that programs gain from, told, made and undone.", parts,
	               argc, argv);
}

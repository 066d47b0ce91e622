/* SPDX-License-Identifier: MIT */
/* setup_session.c - the set-up stage of the environment: --setup=none|check|apply.  Cold; main
   thread, but setup_down any.  It comes before the plan, and leaves the host read as the start finds it. */
#include "env.h"
#include "membuf.h"
#include "plx_json.h"
#include "journal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

static struct setup_in input(const struct plx_env *env)
{
	return (struct setup_in){ .sys = env->sys, .log = &env->log, .conf = &env->conf, .host = &env->host,
	                          .stages = SETUP_ALL };
}

static struct setup_undo undo(const struct plx_env *env)
{
	return (struct setup_undo){ .sys = env->sys, .log = &env->log, .stages = SETUP_ALL };
}

/* ---- check, and the dry run ---- */

/* refuse tells what is not as it should be, a line each. */
static int refuse(struct plx_env *env, const struct setup *s)
{
	for (unsigned i = 0; i < s->nitems; i++) {
		const struct setup_item *it = &s->items[i];
		char *command = it->state == SETUP_CHANGE ? setup_command(s, it) : NULL;

		if (it->state == SETUP_CHANGE)
			LOG(env, ERROR, "setup: %s: %s, is %.60s: %.500s", setup_stage_name(it->stage),
			    it->found.evidence, it->old, command ? command : "no memory");
		else if (it->state == SETUP_CANNOT)
			finding_log(&env->log, PLX_LOG_ERROR, &it->found, "");
		free(command);
	}
	return setup_count(s, SETUP_CHANGE) + setup_count(s, SETUP_CANNOT) ? -EILSEQ : 0;
}

/* both: the plan of the start on the host as it would be, and the changes that lead there. */
static char *both(const struct setup *s, bool as_json)
{
	struct membuf b;
	struct plx_json j;
	FILE *f = membuf_open(&b);

	if (f && as_json) { /* one object: the plan's, and in it the set-up */
		plx_json_begin(&j, f);
		plx_json_object(&j, NULL);
		plan_json(&j, s->plan, &s->in.host->topo);
		setup_json(&j, "setup", s);
		plx_json_object_end(&j);
		plx_json_end(&j);
	} else if (f) {
		plan_text(f, s->plan, &s->in.host->topo);
		setup_text(f, s);
	}
	return membuf_close(&b);
}

static int print(struct plx_env *env, const struct setup *s)
{
	char *text = both(s, env->conf.json);
	int err = text ? write_all(env->sys, STDOUT_FILENO, text, strlen(text)) : -ENOMEM;

	if (err)
		LOG(env, ERROR, "setup: cannot print it: %s", strerror(-err));
	free(text);
	return err ? err : PLX_TEXT;
}

static int look(struct plx_env *env)
{
	struct setup_in in = input(env);
	struct setup s;
	char why[2048] = "";
	int err = setup_plan(&s, &in, why, sizeof(why));

	if (err)
		LOG(env, ERROR, "%s", why);
	else
		err = env->conf.dry_run ? print(env, &s) : refuse(env, &s);
	setup_free(&s);
	return err;
}

/* ---- apply ---- */

struct told { struct plx_env *env; unsigned changes; };

/* told: what cannot be had is no reason not to start; what the start needs it will miss itself.
   It is said in the last round, which changes nothing more. */
static int told(void *arg, const struct setup *s)
{
	bool last = !setup_count(s, SETUP_CHANGE);
	struct told *t = arg;
	struct plx_env *env = t->env;

	t->changes += setup_count(s, SETUP_CHANGE);

	for (unsigned i = 0; i < s->nitems; i++) {
		const struct setup_item *it = &s->items[i];
		char *command = it->state == SETUP_CHANGE ? setup_command(s, it) : NULL;

		if (command)
			LOG(env, INFO, "setup: %s: %.500s (was %.60s)", setup_stage_name(it->stage), command, it->old);
		else if (last && it->state == SETUP_CANNOT)
			finding_log(&env->log, PLX_LOG_WARN, &it->found, "");
		else if (last && it->state == SETUP_SKIP)
			finding_log(&env->log, PLX_LOG_DEBUG, &it->found, "");
		free(command);
	}
	return 0;
}

int setup_up(struct plx_env *env)
{
	struct setup_undo u = undo(env);
	struct setup_in in = input(env);

	if (env->conf.setup == PLX_SETUP_NONE || env->conf.dry_run) {
		int n = setup_orphans(env->sys, NULL);

		if (n > 0)
			LOG(env, WARN,
			    "setup: %d program%s ended without putting back what %s changed: pollux setup restore", n,
			    n == 1 ? "" : "s", n == 1 ? "it" : "they");
		return env->conf.setup == PLX_SETUP_NONE ? 0 : look(env);
	}
	u.orphans = true;
	int err = 0;

	if (setup_orphans(env->sys, NULL) > 0) {
		setup_undo(&u, NULL); /* it has told what it could not; the plan takes the host as it is */
		err = host_up(env);
	}
	if (err || env->conf.setup == PLX_SETUP_CHECK)
		return err ? err : look(env);
	struct told t = { env, 0 };

	err = setup_make(&in, &env->host, SETUP_HOLD_PROCESS, env->conf.name, env->session, told, &t);

	if (!err && t.changes)
		LOG(env, NOTICE,
		    "setup: %u values of the host are changed until the end; pollux setup status shows them",
		    t.changes);
	return err;
}

bool setup_changed(const struct plx_env *env)
{
	return *env->session && !__atomic_load_n(&env->setup_taken, __ATOMIC_RELAXED);
}

/* Main does it at the end, or watch when main does not come back; both may try. */
void setup_down(struct plx_env *env)
{
	struct setup_undo u = undo(env);

	if (__atomic_exchange_n(&env->setup_taken, true, __ATOMIC_RELAXED))
		return;
	u.session = env->session;
	if (*env->session)
		setup_undo(&u, NULL);
	env->session[0] = 0;
}

/* SPDX-License-Identifier: MIT */
/* init.c - an environment is made, from a configuration or a command line, and ended.  Cold; main thread. */
#include "stages.h"
#include "lcore.h"
#include "plx_conf.h"
#include "plx_text.h"
#include "sized.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* Pages of its own: half a megabyte of which most is never touched, and which in the heap would
   leave a hole whenever a library keeps something behind it. */
static struct plx_env *env_make(const struct plx_sys *sys)
{
	struct plx_env *env = sys->mmap(NULL, sizeof(*env), PROT_READ | PROT_WRITE,
	                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return env == MAP_FAILED ? NULL : env;
}

static void no_room(const char *name, const struct plx_log *to, const struct plx_sys *sys)
{
	const struct plx_log none = { .fn = NULL };
	struct sink sink;

	sink_init(&sink, sys, name, to ? to : &none);
	struct plx_log log = { .fn = sink_line, .arg = &sink, .level = PLX_LOG_ERROR };

	plx_logf(&log, PLX_LOG_ERROR, "no %zu KiB of memory for the environment; free some, or raise `ulimit -v`",
	         sizeof(struct plx_env) / 1024);
	sink_fini(&sink);
}

static void env_free(struct plx_env *env)
{
	pthread_mutex_destroy(&env->lock);
	env->sys->munmap(env, sizeof(*env));
}

int plx_env_open(struct plx_env **out, const struct plx_env_conf *c)
{
	PLX_ASSERT(out && c);
	const bool whole = !c->size || c->size >= sizeof(*c); /* else it may end before these */
	const struct plx_sys *sys = whole && c->sys ? c->sys : &plx_sys_linux;
	struct plx_env *env = env_make(sys);

	*out = NULL;
	if (!env) {
		no_room(c->name, whole ? &c->log : NULL, sys);
		return -ENOMEM;
	}
	env->taken = sized_take(&env->conf, sizeof(env->conf), c);
	env->pid = getpid();
	env->sys = sys;
	pthread_mutex_init(&env->lock, NULL);
	int err = stages_up(env);

	if (err)
		env_free(env);
	else
		*out = env;
	return err;
}

/* Help goes to standard output; a mistake is one line on standard error. */
static void say(const struct plx_sys *sys, int err, const char *name, const char *text)
{
	char line[2200];

	if (err == PLX_TEXT) {
		(void)!write_all(sys, STDOUT_FILENO, text, strlen(text));
		return;
	}
	int n = snprintf(line, sizeof(line), "%s: %s\n", name, text);

	(void)!write_all(sys, STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* own_name names the environment after its program, unless the settings say otherwise. */
static void own_name(struct plx_env_conf *c, const char *program)
{
	const char *slash = strrchr(program, '/');

	snprintf(c->name, sizeof(c->name), "%s", slash ? slash + 1 : program);
	for (char *s = c->name; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *s))
			*s = '_';
	if (!*c->name)
		snprintf(c->name, sizeof(c->name), "pollux");
}

int plx_env_init_app(struct plx_env **out, int argc, char **argv, const struct plx_app *app)
{
	PLX_ASSERT(out && (argv || !argc));
	struct plx_conf_in in = { .argc = argc, .argv = argv, .app = app, .environ = environ };
	struct plx_env_conf *c = malloc(sizeof(*c));
	char *why = malloc(PLX_HELP_MAX);
	int err = -ENOMEM;

	*out = NULL;
	if (c && why) {
		plx_env_conf_init(c);
		own_name(c, argc > 0 ? argv[0] : "");
		err = plx_env_conf_read(c, &in, why, PLX_HELP_MAX);
		if (err)
			say(&plx_sys_linux, err, c->name, why);
		else
			err = plx_env_open(out, c);
	}
	free(why);
	free(c);
	return err;
}

int plx_env_init(struct plx_env **out, int argc, char **argv)
{
	PLX_ASSERT(out && (argv || !argc));
	return plx_env_init_app(out, argc, argv, NULL);
}

/* A poller that hangs may still read and write frames and rings: then memory and ports are
   kept until the process ends, which is safe, rather than taken from under it. */
void plx_env_fini(struct plx_env *env)
{
	if (!env || env_forked(env, "plx_env_fini")) /* threads, rings and the set-up's journal are the parent's */
		return;
	main_join(env);
	if (lcores_stop(env) || registered_left(env)) {
		LOG(env, ERROR, "memory and ports are kept until the process ends");
		sink_wait(&env->sink);
		return;
	}
	env->running = false;
	stages_down(env);
	env_free(env);
}

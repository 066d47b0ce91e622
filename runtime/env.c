/* SPDX-License-Identifier: MIT */
/* env.c - the environment: a table of stages, each of which comes up whole or not at all,
   and their undoing newest first.  Cold; main thread. */
#include "env.h"
#include "lcore.h"
#include "plx_conf.h"
#include "plx_driver_impl.h"
#include "plx_text.h"
#include "port_conf.h"
#include "sized.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- stages ---- */

static int log_up(struct plx_env *env)
{
	sink_init(&env->sink, env->sys, env->conf.name, &env->conf.log);
	env->log = (struct plx_log){ .fn = sink_line, .arg = &env->sink, .level = env->conf.log_level };
	clock_begin(&env->clock, env->sys);
	int err = sink_start(&env->sink, &env->running);

	if (!err)
		return 0;
	LOG(env, ERROR, "log: no thread to write it: %s; raise the limits with ulimit -u, -n or -v", strerror(-err));
	sink_fini(&env->sink);
	return err;
}

static void log_down(struct plx_env *env)
{
	sink_fini(&env->sink);
}

/* The parser leaves nothing to check; a configuration made by hand may be anything. */
static int configuration_up(struct plx_env *env)
{
	struct plx_env_conf *c = &env->conf;
	const char *bad = NULL;

	for (unsigned i = 0; i < c->nports && i < PLX_PORTS_MAX && !env->taken; i++)
		env->taken = port_conf_known(&c->ports[i]);
	if (env->taken) {
		LOG(env, ERROR, "plx_env_conf: %s", sized_why(env->taken));
		return env->taken;
	}
	if (!memchr(c->name, 0, sizeof(c->name)) || !*c->name)
		bad = "name: 1 to 63 bytes";
	else if (c->nports > PLX_PORTS_MAX || c->nlcores > PLX_LCORES_MAX || c->nservice > PLX_LCORES_MAX ||
	         c->nnode_mem > PLX_NODES_MAX)
		bad = "nports, nlcores, nservice or nnode_mem: beyond the limits of plx_defs.h";
	else if (c->frame_size && c->frame_size != 2048 && c->frame_size != 4096)
		bad = "frame_size: 2048 or 4096";
	for (unsigned i = 0; i < c->nlcores && !bad; i++)
		if (c->lcores[i].ncpus > PLX_ARRAY_SIZE(c->lcores[i].cpus))
			bad = "lcores[].ncpus: beyond its array";
	for (unsigned i = 0; i < c->nservice && !bad; i++)
		if (c->service[i].ncpus > PLX_ARRAY_SIZE(c->service[i].cpus))
			bad = "service[].ncpus: beyond its array";
	if (!bad)
		return 0;
	LOG(env, ERROR, "configuration: %s; begin with plx_env_conf_init", bad);
	return -EINVAL;
}

int host_up(struct plx_env *env)
{
	char why[512];

	host_free(&env->host);
	int err = host_read(&env->host, env->sys, &env->conf, why, sizeof(why));

	if (err) {
		LOG(env, ERROR, "%s", why);
		host_free(&env->host);
	}
	return err;
}

static void host_down(struct plx_env *env)
{
	host_free(&env->host);
}

/* A program of somebody else's ends a start, and a plan that does not tell it helps little. */
static void find_programs(struct plx_env *env)
{
	for (unsigned i = 0; i < env->plan.nports; i++) {
		struct plan_port *p = &env->plan.ports[i];

		if (!plan_may_be_xdp(p) || plx_xdp_query(p->link.ifindex, &p->xdp, env->sys))
			continue;
		plx_xdp_programs(p->link.ifindex, &p->xdp, env->sys);
		plx_xdp_owner(&p->xdp, env->sys);
	}
}

static int print_plan(struct plx_env *env)
{
	find_programs(env);
	char *text = plan_print(&env->plan, &env->host.topo, env->conf.json);
	int err = text ? write_all(env->sys, STDOUT_FILENO, text, strlen(text)) : -ENOMEM;

	if (err)
		LOG(env, ERROR, "plan: cannot print it: %s", strerror(-err));
	free(text);
	return err ? err : PLX_TEXT;
}

static int plan_up(struct plx_env *env)
{
	char why[2048] = "";
	int err = plan_make(&env->plan, &env->conf, &env->host, why, sizeof(why));

	host_free(&env->host); /* what is not in the plan by now is not asked for any more */
	if (err) {
		LOG(env, ERROR, "%s", why);
		return err;
	}
	if (env->conf.dry_run)
		return print_plan(env);
	for (unsigned i = 0; i < env->plan.nnotes; i++)
		finding_log(&env->log, PLX_LOG_INFO, &env->plan.notes[i], "");
	return 0;
}

enum { AUDIT_MAX = 1 << 20 }; /* frames, some 100 ms */

static void tell_frames(const struct plx_env *env, const struct plx_pool *p)
{
	const uint32_t twice = plx_pool_twice(p), n = plx_pool_avail(p) - twice;
	const uint32_t out = n < p->frames ? p->frames - n : 0;
	char missing[64] = "";

	if (out)
		snprintf(missing, sizeof(missing), "%u of %u frames were not put back", out, p->frames);
	if (twice)
		LOG(env, ERROR, "pool %s: %u frame%s put back twice%s%s: a build with -Dhardened=true ends "
		    "where that happens",
		    p->name, twice, twice == 1 ? " was" : "s were", *missing ? ", and " : "", missing);
	else if (*missing)
		LOG(env, WARN, "pool %s: %s", p->name, missing);
}

/* A frame that is put twice in place of another leaves the count as it was.  All of a pool are looked
   through only where that takes no time to speak of. */
static bool all_back(const struct plx_pool *p)
{
	return plx_pool_avail(p) == p->frames && (p->frames > AUDIT_MAX || !plx_pool_audit(p));
}

static void memory_down(struct plx_env *env)
{
	while (env->npools) {
		uint16_t i = --env->npools;

		if (!all_back(env->pools[i]))
			tell_frames(env, env->pools[i]);
		env->pools[i] = NULL;
		mem_seg_free(&env->segs[i], env->sys);
	}
}

static int pool_up(struct plx_env *env, uint16_t i)
{
	const struct plan_pool *pp = &env->plan.pools[i];
	struct mem_seg *seg = &env->segs[i];
	char name[PLX_NAME_MAX];

	snprintf(name, sizeof(name), "%.55s-%u", env->conf.name, i);
	int err = mem_seg_alloc(seg, env->sys, &env->log, name, pp->bytes, pp->node, env->conf.huge);

	if (err)
		return err;
	struct plx_pool_conf c = { .name = name, .frames = pp->frames, .frame_size = pp->frame_size,
	                           .caches = env->plan.caches, .node = (int16_t)seg->node,
	                           .first = (uint16_t)env->first_slot };

	err = plx_pool_init(&env->pools[i], seg->addr, &c);
	if (err) {
		LOG(env, ERROR, "pool %s: %u frames of %u bytes: %s", name, pp->frames, pp->frame_size, strerror(-err));
		mem_seg_free(seg, env->sys);
		return err;
	}
	LOG(env, INFO, "pool %s: %u frames of %u bytes, %llu MiB on %s, %s", name, pp->frames, pp->frame_size,
	    (unsigned long long)(seg->len >> 20), NODE_TEXT(seg->node, "any node"), seg->why);
	env->npools++;
	return 0;
}

static int memory_up(struct plx_env *env)
{
	int err = 0;

	for (uint16_t i = 0; i < env->plan.npools && !err; i++)
		err = pool_up(env, i);
	if (err)
		memory_down(env);
	return err;
}

static void ports_down(struct plx_env *env)
{
	env_txqs_drain(env);
	env_txqs_down(env);
	while (env->nports) {
		struct plx_port *p = env->ports[--env->nports];

		plx_port_close(p);
		env->ports[env->nports] = NULL;
	}
}

static int ports_up(struct plx_env *env)
{
	int err = 0;

	for (uint16_t i = 0; i < env->plan.nports && !err; i++) {
		const struct plx_link_info *li = &env->plan.ports[i].link;
		struct plx_port_conf c = env->plan.ports[i].conf;

		if (strcmp(c.name, env->plan.ports[i].given))
			LOG(env, NOTICE, "%s: given as %s, another name of it", c.name, env->plan.ports[i].given);
		c.pool = env->pools[env->plan.ports[i].pool];
		c.sys = env->sys;
		c.log = &env->log;
		c.id = (uint8_t)i;
		c.owner = env;
		c.ports = env->ports;
		err = plx_port_open_known(&env->ports[i], &c, li->ifindex ? li : NULL);
		env->nports += !err;
	}
	if (err)
		ports_down(env);
	return err;
}

static int clock_up(struct plx_env *env)
{
	env->cycles_hz = clock_hz(&env->clock, env->sys);
	return 0;
}

static const struct stage {
	const char *name;
	int  (*up)(struct plx_env *env);   /* 0, or it has logged why and left nothing */
	void (*down)(struct plx_env *env); /* NULL = nothing to undo */
} stages[] = {
	{ "log",           log_up,           log_down },
	{ "faults",        fatal_up,         fatal_down },
	{ "configuration", configuration_up, NULL },
	{ "host",          host_up,          host_down },
	{ "reach",         reach_up,         NULL },
	{ "setup",         setup_up,         setup_down }, /* reads the host anew where it changes it */
	{ "plan",          plan_up,          NULL },
	{ "slots",         slots_up,         slots_down },
	{ "memory",        memory_up,        memory_down },
	{ "ports",         ports_up,         ports_down },
	{ "lcores",        lcores_up,        lcores_down },
	{ "control",       control_up,       control_down },
	{ "clock",         clock_up,         NULL },
};

static void stages_down(struct plx_env *env)
{
	while (env->stages_up) {
		const struct stage *s = &stages[--env->stages_up];

		if (s->down)
			s->down(env);
	}
}

static int stages_up(struct plx_env *env)
{
	for (; env->stages_up < PLX_ARRAY_SIZE(stages); env->stages_up++) {
		const struct stage *s = &stages[env->stages_up];
		uint64_t begin = plx_sys_now(env->sys);
		int err = s->up(env);

		if (err) {
			stages_down(env);
			return err;
		}
		LOG(env, DEBUG, "stage %s: %.1f ms", s->name, (double)(plx_sys_now(env->sys) - begin) / 1e6);
	}
	return 0;
}

/* ---- life ---- */

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

bool env_forked(const struct plx_env *env, const char *what)
{
	if (env->pid == getpid())
		return false;
	LOG(env, ERROR, "%s: this process was forked after plx_env_init, and has none of its threads and rings (ECHILD): fork, or "
	    "call daemon(), first", what);
	return true;
}

/* A poller that hangs may still read and write frames and rings: then memory and ports are
   kept until the process ends, which is safe, rather than taken from under it. */
void plx_env_fini(struct plx_env *env)
{
	if (!env || env_forked(env, "plx_env_fini")) /* threads, rings and the set-up's journal are the parent's */
		return;
	main_join(env);
	if (lcores_stop(env) || foreign_left(env)) {
		LOG(env, ERROR, "memory and ports are kept until the process ends");
		sink_wait(&env->sink);
		return;
	}
	env->running = false;
	stages_down(env);
	env_free(env);
}

/* ---- reports ---- */

int plx_env_report(struct plx_env *env, const char *text)
{
	PLX_ASSERT(env && text);
	return strlen(text) > PLX_REPORT_MAX ? -EMSGSIZE : writer_report(env->sink.writer, text);
}

int plx_env_report_flush(struct plx_env *env, uint64_t timeout_ns)
{
	PLX_ASSERT(env);
	return writer_reported(env->sink.writer, timeout_ns);
}

/* ---- what it made ---- */

uint16_t plx_env_ports(const struct plx_env *env)
{
	PLX_ASSERT(env);
	return env->nports;
}

struct plx_port *plx_env_port(const struct plx_env *env, uint16_t i)
{
	PLX_ASSERT(env);
	return i < env->nports ? env->ports[i] : NULL;
}

struct plx_port *plx_env_port_by_name(const struct plx_env *env, const char *name)
{
	PLX_ASSERT(env && name);
	for (unsigned i = 0; i < env->nports; i++)
		if (!strcmp(env->plan.ports[i].given, name))
			return env->ports[i];
	for (unsigned i = 0; i < env->nports; i++)
		if (!strcmp(env->ports[i]->name, name))
			return env->ports[i];
	return NULL;
}

struct plx_pool *plx_env_pool(const struct plx_env *env, int node)
{
	PLX_ASSERT(env);
	for (unsigned i = 0; i < env->npools; i++)
		if (node < 0 || env->plan.pools[i].node == node)
			return env->pools[i];
	return NULL;
}

const struct plx_log *plx_env_log(const struct plx_env *env)
{
	PLX_ASSERT(env);
	return &env->log;
}

uint64_t plx_cycles_hz(const struct plx_env *env)
{
	PLX_ASSERT(env);
	return env->cycles_hz;
}

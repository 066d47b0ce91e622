/* SPDX-License-Identifier: MIT */
/* stages.c - the table of stages of a start, each of which comes up whole or not at all, and their
   undoing newest first.  Cold; main thread. */
#include "stages.h"
#include "lcore.h"
#include "plx_conf.h"
#include "driver_impl.h"
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

void stages_down(struct plx_env *env)
{
	while (env->stages_up) {
		const struct stage *s = &stages[--env->stages_up];

		if (s->down)
			s->down(env);
	}
}

int stages_up(struct plx_env *env)
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

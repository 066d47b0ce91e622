/* SPDX-License-Identifier: MIT */
/* env.c - what an environment tells of itself, and its reports.  Cold; any thread. */
#include "env.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* Of the start, and of a set-up that has changed what was read. */
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

bool env_forked(const struct plx_env *env, const char *what)
{
	if (env->pid == getpid())
		return false;
	LOG(env, ERROR,
	    "%s: this process was forked after plx_env_init, and has none of its threads and rings (ECHILD): fork, or "
	    "call daemon(), first",
	    what);
	return true;
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

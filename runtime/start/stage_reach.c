/* SPDX-License-Identifier: MIT */
/* stage_reach.c - the stage that keeps a start from cutting off the host, or whoever starts it.  Cold; main
   thread.  It comes before anything is changed. */
#include "stages.h"
#include "reach.h"
#include <string.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

static void tell_unasked(struct plx_env *env, const struct reach_asked *asked)
{
	const struct { const char *what; int err; } rows[] = {
		{ "interfaces", asked->links }, { "routes", asked->routes },
		{ "addresses", asked->addresses }, { "TCP connections", asked->connections },
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		if (rows[i].err)
			LOG(env, INFO,
			    "the kernel does not tell of %s (%s): whether a port cuts off the host is not known in "
			    "full",
			    rows[i].what, strerror(-rows[i].err));
}

int reach_up(struct plx_env *env)
{
	const struct plx_port_conf *taking[PLX_PORTS_MAX];
	const char *names[PLX_PORTS_MAX] = { NULL };
	struct reach r[PLX_PORTS_MAX];
	struct reach_asked asked;
	unsigned n = 0;
	int err = 0;

	for (unsigned i = 0; i < env->conf.nports; i++) {
		const struct plx_link_info *li = &env->host.iface[i].link;

		if (!reach_takes(&env->conf.ports[i], env->host.topo.missing_caps))
			continue;
		taking[n] = &env->conf.ports[i];
		names[n++] = li->ifindex ? li->name : env->conf.ports[i].name;
	}
	if (!n)
		return 0;
	reach_read(r, names, n, env->sys, &asked);
	tell_unasked(env, &asked);
	for (unsigned i = 0; i < n && !err; i++) {
		char text[REACH_TEXT];

		err = reach_judge(taking[i], &r[i], text, sizeof(text));
		if (err)
			LOG(env, ERROR, "%s", text);
		else if (*text)
			LOG(env, NOTICE, "%s", text);
		if (!err && *reach_above(taking[i], &r[i], text, sizeof(text)))
			LOG(env, WARN, "%s", text);
	}
	return err;
}

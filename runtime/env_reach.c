/* SPDX-License-Identifier: MIT */
/* env_reach.c - the stage that keeps a start from cutting off the host, or whoever starts it.  Cold; main
   thread.  It comes before anything is changed. */
#include "env.h"
#include "plx_text.h"
#include "reach.h"
#include <errno.h>
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
			LOG(env, INFO, "the kernel does not tell of %s (%s): whether a port cuts off the host is not known in full",
			    rows[i].what, strerror(-rows[i].err));
}

static int judge(struct plx_env *env, const struct plx_port_conf *c, const struct reach *r)
{
	char route[192], login[192], what[400] = "";

	plx_text_add(what, sizeof(what), "%s", reach_route(r, route, sizeof(route)));
	plx_text_add(what, sizeof(what), "%s%s", *what && *r->login_by ? " and " : "", reach_login(r, login, sizeof(login)));
	if (!*what)
		return 0;
	if (c->force) {
		LOG(env, NOTICE, "%s: takes all frames of its queues, %s too (force=yes)", c->name, what);
		return 0;
	}
	LOG(env, ERROR, "%s: steer=all would cut off %s: use another interface, steer=none, or driver=packet, which copies; "
	    "or take it all the same with --iface %s,force=yes; see pollux doctor %s", c->name, what, PLX_QUOTED(c->name),
	    PLX_QUOTED(c->name));
	return -EINVAL;
}

int reach_up(struct plx_env *env)
{
	const struct plx_port_conf *taking[PLX_PORTS_MAX];
	const char *names[PLX_PORTS_MAX] = { NULL };
	struct reach r[PLX_PORTS_MAX];
	struct reach_asked asked;
	unsigned n = 0;
	int err = 0;

	topo_self(env->sys, &env->topo); /* for its rights */
	for (unsigned i = 0; i < env->conf.nports; i++) {
		if (!reach_takes(&env->conf.ports[i], env->topo.missing_caps))
			continue;
		taking[n] = &env->conf.ports[i];
		names[n++] = env->conf.ports[i].name;
	}
	if (!n)
		return 0;
	reach_read(r, names, n, env->sys, &asked);
	tell_unasked(env, &asked);
	for (unsigned i = 0; i < n && !err; i++)
		err = judge(env, taking[i], &r[i]);
	return err;
}

/* SPDX-License-Identifier: MIT */
/* setup_run.c - a set-up from reading the machine to the last change.  Cold; called by the
   environment and the tool. */
#include "setup_in.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4,           /* of changes: one makes channels, one what is about them, and one may meet others' */
       UNSETTLED_TOLD = 4 };

/* no_link: the plan of a start knows best how to tell of an interface that is not there. */
static int no_link(const struct setup_host *h, const struct plx_env_conf *conf, char *why, size_t whylen)
{
	struct plx_link_info *links = calloc(PLX_PORTS_MAX, sizeof(*links));
	struct plan *plan = malloc(sizeof(*plan));
	int err = links && plan ? plan_make(plan, conf, h->topo, links, NULL, why, whylen) : -ENOMEM;

	free(links);
	free(plan);
	return err ? err : -ENODEV;
}

static int read_host(struct setup_host *h, const struct plx_sys *sys, const struct plx_env_conf *conf, char *why, size_t whylen)
{
	*h = (struct setup_host){ .topo = malloc(sizeof(*h->topo)) };
	int err = h->topo ? topo_read(sys, h->topo) : -ENOMEM;

	if (err)
		snprintf(why, whylen, "topology: %s", strerror(-err));
	for (unsigned i = 0; i < conf->nports && !err; i++) {
		const struct plx_port_conf *c = &conf->ports[i];

		if (!plx_driver_on_device(c))
			continue;
		h->links[i] = malloc(sizeof(*h->links[i]));
		err = h->links[i] ? disco_link_read(sys, c->name, h->links[i]) : -ENOMEM;
		if (err == -ENODEV)
			err = no_link(h, conf, why, whylen);
		else if (err)
			snprintf(why, whylen, "%s: cannot ask the kernel about it: %s: see ip link show %s", c->name,
			         strerror(-err), PLX_QUOTED(c->name));
	}
	return err;
}

void setup_host_free(struct setup_host *h)
{
	for (unsigned i = 0; i < PLX_PORTS_MAX; i++)
		free(h->links[i]);
	free(h->topo);
	*h = (struct setup_host){ .topo = NULL };
}

int setup_look(struct setup *s, struct setup_host *h, const struct setup_in *in, char *why, size_t whylen)
{
	struct setup_in now = *in;
	int err = read_host(h, in->sys, in->conf, why, whylen);

	*s = (struct setup){ .items = NULL };
	now.topo = h->topo;
	now.links = (const struct disco_link *const *)h->links;
	return err ? err : setup_plan(s, &now, why, whylen);
}

/* unsettled tells what is not as it was set, however often that was done. */
static int unsettled(const struct setup *s)
{
	char list[1024] = "";
	unsigned n = 0;

	for (unsigned i = 0; i < s->nitems; i++) {
		const struct setup_item *it = &s->items[i];
		char *command = it->state == SETUP_CHANGE && n++ < UNSETTLED_TOLD ? setup_command(s, it) : NULL;

		if (command)
			plx_text_add(list, sizeof(list), "%s%s: %.200s (it is %.40s)", *list ? "; " : "", setup_stage_name(it->stage),
			             command, it->old);
		free(command);
	}
	plx_logf(s->in.log, PLX_LOG_ERROR, "set-up: set %d times, and still not as wanted: %s%s: all is put back, see who else sets "
	         "them (tuned, irqbalance, NetworkManager)", ROUNDS, list, n > UNSETTLED_TOLD ? "; and more" : "");
	return -ETIMEDOUT;
}

/* once is one round: read, plan, tell, apply.  *left counts what was to be changed; in the last
   round nothing may be left. */
static int once(const struct setup_in *in, bool last, enum setup_hold hold, const char *owner, char *session,
                int (*told)(void *arg, const struct setup *s), void *arg, unsigned *left)
{
	struct setup s;
	struct setup_host h;
	char why[2048] = "";
	int err = setup_look(&s, &h, in, why, sizeof(why));

	if (err)
		plx_logf(in->log, PLX_LOG_ERROR, "%s", why);
	*left = setup_count(&s, SETUP_CHANGE);
	if (!err && last && *left)
		err = unsettled(&s);
	if (!err && told)
		err = told(arg, &s);
	if (!err)
		err = setup_apply(&s, hold, owner, session);
	setup_free(&s);
	setup_host_free(&h);
	return err;
}

int setup_make(const struct setup_in *in, enum setup_hold hold, const char *owner, char session[SETUP_SESSION_MAX],
               int (*told)(void *arg, const struct setup *s), void *arg)
{
	struct setup_refused refused = { { 0 } };
	struct setup_in now = *in;
	unsigned left = 1;
	int err = 0;

	now.refused = &refused;
	for (int round = 0; round <= ROUNDS && left; round++) {
		err = once(&now, round == ROUNDS, hold, owner, session, told, arg, &left);
		if (err && err != -EAGAIN)
			break;
	}
	if (err == -EAGAIN)
		plx_logf(in->log, PLX_LOG_ERROR, "set-up: values change faster than they are planned with: see who else sets them");
	if (err && *session) {
		struct setup_undo u = { .sys = in->sys, .log = in->log, .dir = in->dir, .session = session, .stages = SETUP_ALL };

		setup_undo(&u, NULL);
		session[0] = 0;
	}
	return err;
}

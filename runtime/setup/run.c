/* SPDX-License-Identifier: MIT */
/* run.c - a set-up from reading the machine to the last change.  Cold; called by the
   environment and the tool. */
#include "journal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 4,           /* of changes: one makes channels, one what is about them, and one may meet others' */
       UNSETTLED_TOLD = 4 };

/* unsettled tells what is not as it was set, however often that was done. */
static int unsettled(const struct setup *s)
{
	char list[1024] = "";
	unsigned n = 0;

	for (unsigned i = 0; i < s->nitems; i++) {
		const struct setup_item *it = &s->items[i];
		char *command = it->state == SETUP_CHANGE && n++ < UNSETTLED_TOLD ? setup_command(s, it) : NULL;

		if (command)
			plx_text_add(list, sizeof(list), "%s%s: %.200s (it is %.40s)", *list ? "; " : "",
			             setup_stage_name(it->stage), command, it->old);
		free(command);
	}
	plx_logf(s->in.log, PLX_LOG_ERROR,
	         "set-up: set %d times, and still not as wanted: %s%s: all is put back, see who else sets "
	         "them (tuned, irqbalance, NetworkManager)",
	         ROUNDS, list, n > UNSETTLED_TOLD ? "; and more" : "");
	return -ETIMEDOUT;
}

/* once is one round: plan, tell, apply.  *left counts what was to be changed; in the last
   round nothing may be left. */
static int once(const struct setup_in *in, bool last, enum setup_hold hold, const char *owner, char *session,
                int (*told)(void *arg, const struct setup *s), void *arg, unsigned *left)
{
	struct setup s;
	char why[2048] = "";
	int err = setup_plan(&s, in, why, sizeof(why));

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
	return err;
}

static int read_again(struct host *host, const struct setup_in *in)
{
	char why[512];

	host_free(host);
	int err = host_read(host, in->sys, in->conf, why, sizeof(why));

	if (err)
		plx_logf(in->log, PLX_LOG_ERROR, "%s", why);
	return err;
}

int setup_make(const struct setup_in *in, struct host *host, enum setup_hold hold, const char *owner,
               char session[SETUP_SESSION_MAX], int (*told)(void *arg, const struct setup *s), void *arg)
{
	struct setup_refused refused = { { 0 } };
	struct setup_in now = *in;
	unsigned left = 1;
	int err = 0;

	now.refused = &refused;
	now.host = host;
	for (int round = 0; round <= ROUNDS && left; round++) {
		if (round && (err = read_again(host, in)))
			break;
		err = once(&now, round == ROUNDS, hold, owner, session, told, arg, &left);
		if (err && err != -EAGAIN)
			break;
	}
	if (err == -EAGAIN)
		plx_logf(in->log, PLX_LOG_ERROR,
		         "set-up: values change faster than they are planned with: see who else sets them");
	if (err && *session) {
		struct setup_undo u = {
			.sys = in->sys, .log = in->log, .dir = in->dir, .session = session, .stages = SETUP_ALL
		};

		setup_undo(&u, NULL);
		session[0] = 0;
	}
	return err;
}

/* SPDX-License-Identifier: MIT */
/* apply.c - making the changes of a set-up: all old values into the journal, then the
   changes, then a look whether they stand.  Cold; called by run.c. */
#include "journal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG(s, level, ...) plx_logf((s)->in.log, PLX_LOG_##level, __VA_ARGS__)
enum { PASSES = 3 };

static bool same(const struct setup_kind *k, const char *a, const char *b)
{
	return k->same ? k->same(a, b) : !strcmp(a, b);
}

/* ---- into the journal ---- */

/* afresh: values may have moved since the plan, which was made without the lock. */
static int afresh(struct setup *s, struct setup_item *it)
{
	char now[SETUP_VALUE_MAX] = "";
	int err = it->kind->get(s, it->object, now, sizeof(now));
	char *copy = err ? NULL : strdup(now);

	if (!err && !copy)
		err = -ENOMEM;
	if (!err && it->state != SETUP_GUARD && !same(it->kind, now, it->old))
		err = -EAGAIN;
	if (err) {
		if (err == -EAGAIN)
			LOG(s, INFO, "%s %s: no longer as it was planned with", it->kind->name, it->object);
		else
			LOG(s, ERROR, "%s: %s %s: %s", setup_stage_name(it->stage), it->kind->name, it->object,
			    strerror(-err));
		free(copy);
		return err;
	}
	free(it->old);
	it->old = copy;
	return 0;
}

/* held: another session, which may end before ours, made the value what it is. */
static bool held(const struct setup_journal *j, const struct setup_session *ours, const struct setup_item *it,
                 const char *device)
{
	const struct setup_session *top = NULL;

	for (unsigned i = 0; i < j->nrecords; i++) {
		const struct setup_record *r = &j->records[i];

		if (r->kind == it->kind && !strcmp(r->object, it->object) && journal_here(r, &ours->netns) &&
		    setup_ident_compare(r->device, device) != SETUP_IDENT_OTHER)
			top = r->session;
	}
	return top && top != ours && (top->hold == SETUP_HOLD_PROCESS || ours->hold == SETUP_HOLD_PROCESS);
}

static bool stage_changes(const struct setup *s, enum setup_stage_id stage)
{
	for (unsigned i = 0; i < s->nitems; i++)
		if (s->items[i].stage == stage && s->items[i].state == SETUP_CHANGE)
			return true;
	return false;
}

static int note_item(struct setup *s, struct setup_journal *j, struct setup_session *ours, struct setup_item *it)
{
	char device[SETUP_IDENT_MAX];
	bool asked = it->kind && (it->state == SETUP_CHANGE || it->state == SETUP_OK ||
	             (it->state == SETUP_GUARD && stage_changes(s, it->stage)));
	int err = asked ? setup_ident(s->in.sys, it->kind, it->object, device) : 0;

	if (!asked || (!err && it->state == SETUP_OK && !held(j, ours, it, device)))
		return 0;
	if (!err)
		err = afresh(s, it);
	else if (err != -ENOENT || it->state != SETUP_GUARD)
		LOG(s, ERROR, "%s: %s %s: %s", setup_stage_name(it->stage), it->kind->name, it->object, strerror(-err));
	if (err == -ENOENT && it->state == SETUP_GUARD)
		return 0;
	return err ? err : journal_add(j, ours, it->stage, it->kind, it->object, device, it->old, it->want);
}

/* own_session finds the one that is continued, or makes one with a name that no other has. */
static struct setup_session *own_session(struct setup *s, struct setup_journal *j, enum setup_hold hold,
                                         const char *owner, const char *id)
{
	char name[SETUP_SESSION_MAX];
	struct setup_session *ours = *id ? journal_session(j, id, false) : NULL;

	if (ours)
		return ours;
	pid_t pid = setup_self(s->in.sys);
	uint64_t start = setup_started(s->in.sys, pid);

	for (unsigned n = 1; ; n++) {
		snprintf(name, sizeof(name), "%d-%llu-%u", pid, (unsigned long long)start, n);
		if (!journal_session(j, name, false))
			break;
	}
	ours = journal_session(j, name, true);
	if (!ours)
		return NULL;
	ours->hold = hold;
	ours->pid = pid;
	ours->start = start;
	ours->pidns = journal_pidns(s->in.sys);
	setup_netns_here(s->in.sys, &ours->netns);
	snprintf(ours->owner, sizeof(ours->owner), "%s", owner);
	return ours;
}

/* ---- changing ---- */

/* refused: an interrupt that the kernel or its driver keeps where it is; the next plan knows it. */
static bool refused(struct setup *s, struct setup_item *it, int err)
{
	int irq = -1;

	if (!s->in.refused || (err != -EIO && err != -EPERM && err != -EINVAL) || it->stage != SETUP_irq_affinity ||
	    sscanf(it->object, "/proc/irq/%d/", &irq) != 1 || irq < 0 || irq >= SETUP_IRQS_MAX)
		return false;
	setup_refused_add(s->in.refused, (unsigned)irq);
	LOG(s, INFO, "%s: the kernel refuses to move interrupt %d (%s)", setup_stage_name(it->stage), irq,
	    strerror(-err));
	it->state = SETUP_SKIP;
	return true;
}

static int change(struct setup *s, struct setup_item *it)
{
	char why[SETUP_WHY_MAX] = "", *command;
	int err = it->kind->set(s, it->object, it->want, why, sizeof(why));

	if (!err || refused(s, it, err))
		return 0;
	command = setup_command(s, it);
	LOG(s, ERROR, "%s: %.500s: %s%s%s", setup_stage_name(it->stage), command ? command : it->object, strerror(-err),
	    *why ? ": " : "", why);
	free(command);
	return err;
}

/* stands: what comes later may have disturbed what came before. */
static int stands(struct setup *s, bool *again)
{
	char now[SETUP_VALUE_MAX];

	*again = false;
	for (unsigned i = 0; i < s->nitems; i++) {
		struct setup_item *it = &s->items[i];

		if (it->state != SETUP_CHANGE)
			continue;
		now[0] = 0;
		int err = it->kind->get(s, it->object, now, sizeof(now));

		if (!err && same(it->kind, now, it->want))
			continue;
		if (!err)
			err = change(s, it);
		if (err)
			return err;
		*again = true;
	}
	return 0;
}

static int changes(struct setup *s)
{
	bool again = true;
	int err = 0;

	for (unsigned i = 0; i < s->nitems && !err; i++)
		if (s->items[i].state == SETUP_CHANGE)
			err = change(s, &s->items[i]);
	for (int pass = 0; pass < PASSES && !err && again; pass++)
		err = stands(s, &again);
	if (err || !again)
		return err;
	LOG(s, ERROR,
	    "set-up: values do not stay as they are set: see who else sets them (tuned, irqbalance, NetworkManager)");
	return -ETIMEDOUT;
}

/* undo_since puts back what this call has changed. */
static void undo_since(struct setup_journal *j, unsigned base)
{
	for (unsigned i = base; i < j->nrecords; i++)
		j->records[i].chosen = true;
	j->ours = true;
	journal_undo(j, NULL);
}

/* forget_refused takes out of the journal what was not changed after all. */
static int forget_refused(const struct setup *s, struct setup_journal *j, unsigned base)
{
	unsigned had = j->nrecords;

	for (unsigned i = 0; i < s->nitems; i++) {
		const struct setup_item *it = &s->items[i];

		for (unsigned k = j->nrecords; it->kind && it->state == SETUP_SKIP && k-- > base;)
			if (j->records[k].kind == it->kind && !strcmp(j->records[k].object, it->object))
				journal_drop(j, k);
	}
	return j->nrecords < had ? journal_write(j) : 0;
}

static int apply(struct setup *s, struct setup_journal *j, enum setup_hold hold, const char *owner, char *session)
{
	unsigned base = j->nrecords;
	struct setup_session *ours = own_session(s, j, hold, owner, session);
	int err = ours ? 0 : -ENOMEM;

	for (unsigned i = 0; i < s->nitems && !err; i++)
		err = note_item(s, j, ours, &s->items[i]);
	if (err || j->nrecords == base)
		return err;
	snprintf(session, SETUP_SESSION_MAX, "%s", ours->id);
	err = journal_write(j);
	if (!err)
		err = changes(s);
	if (!err)
		err = forget_refused(s, j, base);
	if (err)
		undo_since(j, base);
	if (!journal_session(j, session, false))
		session[0] = 0;
	return err;
}

int setup_apply(struct setup *s, enum setup_hold hold, const char *owner, char session[SETUP_SESSION_MAX])
{
	bool any = setup_count(s, SETUP_CHANGE);
	struct setup_journal j;
	/* with nothing to change, a journal that cannot be had is no reason to fail */
	int err = journal_open(&j, s->in.sys, any ? s->in.log : NULL, s->in.dir, any ? JOURNAL_MAKE : JOURNAL_LOCK);

	if (!err && j.lock >= 0)
		err = apply(s, &j, hold, owner, session);
	else if (!any)
		err = 0;
	journal_close(&j);
	return err;
}

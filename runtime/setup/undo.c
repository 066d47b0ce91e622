/* SPDX-License-Identifier: MIT */
/* undo.c - putting values back by the journal.  Cold; called by apply.c, the tool and
   the environment.

   The records of one object are a stack, oldest first.  The value there is belongs to the top.
   If that is undone the object gets the oldest of the values below that are undone with it; a
   record that is undone from under another hands its old value up.  So the last one to be
   undone puts back what was there at first, in whatever order that happens. */
#include "journal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG(j, level, ...) plx_logf((j)->log, PLX_LOG_##level, __VA_ARGS__)
enum { PASSES = 6 /* values may disturb each other: channels take the RSS table along */, PATIENCE_MS = 3000 };

struct target {
	struct setup_record *top;
	const char *old;
	int  err;
	bool gone, wrote;
	bool other;      /* another device has its number now */
	char why[SETUP_WHY_MAX];
};

static bool same(const struct setup_kind *k, const char *a, const char *b)
{
	return k->same ? k->same(a, b) : !strcmp(a, b);
}

/* ---- stacks ---- */

static struct setup_record *above(const struct setup_journal *j, const struct setup_record *r)
{
	for (struct setup_record *k = j->records + (r - j->records) + 1; k < j->records + j->nrecords; k++)
		if (journal_twins(r, k))
			return k;
	return NULL;
}

static struct setup_record *below(const struct setup_journal *j, const struct setup_record *r)
{
	for (struct setup_record *k = j->records + (r - j->records); k-- > j->records; )
		if (journal_twins(r, k))
			return k;
	return NULL;
}

/* targets lists what gets a value, newest first. */
static unsigned targets(const struct setup_journal *j, struct target *list)
{
	unsigned n = 0;

	for (unsigned i = j->nrecords; i-- > 0; ) {
		struct setup_record *r = &j->records[i], *low = r;

		if (!r->chosen || above(j, r))
			continue;
		for (struct setup_record *k = r; k && k->chosen; k = below(j, k))
			low = k;
		list[n++] = (struct target){ .top = r, .old = low->old };
	}
	return n;
}

/* ---- values ---- */

static int put_back(struct setup_journal *j, const struct setup *s, struct target *t, const char *now)
{
	const struct setup_record *r = t->top;
	int err;

	if (!t->wrote && !j->ours && r->set && !same(r->kind, now, r->set))
		LOG(j, NOTICE, "%s %s: someone else made %.60s of the %.60s that was set: put back to %.60s", r->word,
		    r->object, now, r->set, t->old);
	err = r->kind->set(s, r->object, t->old, t->why, sizeof(t->why));
	if (!err && !t->wrote)
		LOG(j, INFO, "%s %s: %.60s put back to %.60s", r->word, r->object, now, t->old);
	t->wrote |= !err;
	return err;
}

/* is_other: what is there now is another device, or it cannot be told: its value is not ours to put back. */
static bool is_other(struct setup_journal *j, struct target *t)
{
	const struct setup_record *r = t->top;
	char now[SETUP_IDENT_MAX] = "";

	if (!*r->device || t->wrote)
		return false;
	int err = setup_ident(j->sys, r->kind, r->object, now);
	enum setup_ident_is is = err ? SETUP_IDENT_UNKNOWN : setup_ident_compare(r->device, now);

	if (is == SETUP_IDENT_SAME)
		return false;
	t->err = err ? err : is == SETUP_IDENT_OTHER ? -ESTALE : -ENODEV;
	t->gone = err == -ENOENT || is == SETUP_IDENT_OTHER;
	t->other = is == SETUP_IDENT_OTHER;
	if (t->other)
		LOG(j, WARN, "%s %s: another device's now, left as it is: it was %s, and is %s", r->word, r->object,
		    r->device, now);
	else if (!t->gone)
		snprintf(t->why, sizeof(t->why), "whose it is now cannot be told: it was %.160s", r->device);
	return true;
}

/* look reads a target and, if it is not as it was, writes it, or says so if it has been written
   often enough; true if there is more to do. */
static bool look(struct setup_journal *j, const struct setup *s, struct target *t, bool write)
{
	const struct setup_record *r = t->top;
	char now[SETUP_VALUE_MAX] = "";
	int err;

	if (t->gone)
		return false;
	if (!r->kind) {
		t->err = -EOPNOTSUPP;
		snprintf(t->why, sizeof(t->why), "the journal is of another version of pollux: restore by that one");
		return false;
	}
	if (is_other(j, t))
		return !t->gone;
	err = r->kind->get(s, r->object, now, sizeof(now));
	if (!err && same(r->kind, now, t->old)) {
		t->err = 0;
		return false;
	}
	if (!err && !write && !t->err) {
		t->err = -EBUSY;
		snprintf(t->why, sizeof(t->why), "it reads %.60s after %.60s was written, as if still in use", now,
		         t->old);
	}
	if (!err && !write)
		return true;
	t->why[0] = 0;
	t->err = err ? err : put_back(j, s, t, now);
	t->gone = t->err == -ENOENT;
	return !t->gone;
}

/* What a program held (sockets, pages) is let go of a moment after its end: hence the patience. */
static int put_all_back(struct setup_journal *j, const struct setup *s, struct target *list, unsigned n)
{
	uint64_t end = plx_sys_now(j->sys) + PATIENCE_MS * 1000000ull;
	bool more = true;
	int first = 0;

	for (int pass = 0; more && (pass < PASSES || plx_sys_now(j->sys) < end); pass++) {
		if (pass > 1)
			plx_sys_sleep(j->sys, 10000000);
		more = false;
		for (unsigned i = 0; i < n; i++)
			more |= look(j, s, &list[i], true);
	}
	for (unsigned i = 0; i < n && more; i++)
		look(j, s, &list[i], false);
	for (unsigned i = 0; i < n; i++) {
		const struct setup_record *r = list[i].top;

		if (list[i].other)
			first = first ? first : list[i].err; /* told already */
		else if (list[i].gone)
			LOG(j, INFO, "%s %s: is no more, nothing to put back", r->word, r->object);
		else if (list[i].err) {
			LOG(j, ERROR, "%s %s: cannot be put back to %.60s: %s%s%s: once fixed, pollux setup restore",
			    r->word, r->object, list[i].old, strerror(-list[i].err), *list[i].why ? ": " : "",
			    list[i].why);
			first = first ? first : list[i].err;
		}
	}
	return first;
}

/* ---- the journal afterwards ---- */

/* keep leaves a failed target's records as they are. */
static void keep(const struct setup_journal *j, const struct target *t)
{
	for (struct setup_record *k = t->top; k && k->chosen; k = below(j, k))
		k->chosen = false;
}

/* forget drops what was undone, newest first, so that the oldest value is what is handed up. */
static void forget(struct setup_journal *j)
{
	for (unsigned i = j->nrecords; i-- > 0; ) {
		struct setup_record *r = &j->records[i], *up = r->chosen ? above(j, r) : NULL;

		if (!r->chosen)
			continue;
		if (up) {
			free(up->old);
			up->old = r->old;
			r->old = NULL;
		}
		journal_drop(j, i);
	}
}

int journal_undo(struct setup_journal *j, unsigned *restored)
{
	struct setup s = { .in = { .sys = j->sys, .log = j->log } };
	struct target *list = calloc(j->nrecords + 1, sizeof(*list));
	unsigned n = list ? targets(j, list) : 0, done = 0;
	int err = list ? put_all_back(j, &s, list, n) : -ENOMEM;

	if (!list) {
		LOG(j, ERROR, "set-up: no memory to undo it");
		return err;
	}
	for (unsigned i = 0; i < n; i++) {
		done += !list[i].err && list[i].wrote;
		if (list[i].err && !list[i].gone)
			keep(j, &list[i]);
	}
	free(list);
	forget(j);
	if (restored)
		*restored += done;
	int wrote = journal_write(j);

	return err ? err : wrote;
}

/* ---- choosing ---- */

static bool asked(const struct setup_undo *u, const struct setup_record *r)
{
	uint32_t stages = u->stages & SETUP_ALL;

	if (u->session && strcmp(u->session, r->session->id))
		return false;
	if (r->stage < SETUP_STAGES_N ? !(stages >> r->stage & 1) : stages != SETUP_ALL)
		return false;
	if (u->spare_living && r->session->hold == SETUP_HOLD_PROCESS)
		return journal_orphan(u->sys, r->session);
	return !u->orphans || journal_orphan(u->sys, r->session);
}

static void tell_living(const struct setup_journal *j, const struct setup_undo *u)
{
	for (unsigned i = 0; i < j->nsessions && u->spare_living && !u->only_netns; i++) {
		const struct setup_session *s = j->sessions[i];

		if (s->hold == SETUP_HOLD_PROCESS && !journal_orphan(u->sys, s))
			LOG(j, NOTICE,
			    "%s (process %d) lives and keeps what it set up until it ends; --all takes it back now",
			    s->owner, s->pid);
	}
}

/* Whoever counts its pids elsewhere may be in a namespace that cannot be found from here. */
static void drop_gone(struct setup_journal *j, const struct setup_undo *u, const struct setup_netns *here)
{
	const uint64_t pidns = journal_pidns(u->sys);
	unsigned n = 0;

	for (unsigned i = j->nrecords; u->gone && i-- > 0; ) {
		struct setup_record *r = &j->records[i];
		bool seen = !pidns || !r->session->pidns || r->session->pidns == pidns;

		if (asked(u, r) && seen && r->session->netns.inode == u->gone && !journal_here(r, here)) {
			journal_drop(j, i);
			n++;
		}
	}
	if (n)
		LOG(j, NOTICE, "network namespace %llu is no more, and %u values with it", (unsigned long long)u->gone,
		    n);
}

/* choose marks what to undo; how many values are of another namespace. */
static unsigned choose(struct setup_journal *j, const struct setup_undo *u, const struct setup_netns *here)
{
	unsigned elsewhere = 0;

	for (unsigned i = 0; i < j->nrecords; i++) {
		struct setup_record *r = &j->records[i];
		bool is_here = journal_here(r, here);

		if (!asked(u, r))
			continue;
		r->chosen = is_here && (!u->only_netns || journal_of_netns(r));
		if (!is_here && !u->only_netns && !elsewhere++)
			plx_logf(
				j->log, u->orphans ? PLX_LOG_WARN : PLX_LOG_ERROR,
				"%s %s: is in network namespace %llu: enter it (ip netns exec NAME, nsenter --net) and "
				"pollux setup restore",
				r->word, r->object, (unsigned long long)r->session->netns.inode);
	}
	return elsewhere;
}

int setup_undo(const struct setup_undo *u, unsigned *restored)
{
	struct setup_netns here = { 0, 0 };
	struct setup_journal j;
	int err = journal_open(&j, u->sys, u->log, u->dir, JOURNAL_LOCK);

	if (restored)
		*restored = 0;
	if (!err && j.lock >= 0) {
		bool damaged = j.damaged || j.missing;

		setup_netns_here(u->sys, &here);
		drop_gone(&j, u, &here);
		unsigned elsewhere = choose(&j, u, &here);

		tell_living(&j, u);
		err = journal_undo(&j, restored);
		if (!err && elsewhere && !u->orphans)
			err = -EXDEV;
		if (!err && damaged)
			err = -EBADMSG;
	}
	journal_close(&j);
	return err;
}

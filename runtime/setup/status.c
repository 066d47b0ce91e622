/* SPDX-License-Identifier: MIT */
/* status.c - what the journal of a set-up holds, and what there is now.  Cold; changes
   nothing, waits for nobody; called by the tool and by starts that look for orphans. */
#include "membuf.h"
#include "plx_json.h"
#include "journal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* now_of reads r's value; what it is, or why not. */
static const char *now_of(const struct setup_journal *j, const struct setup_record *r, const struct setup_netns *here,
                          char *buf, size_t len)
{
	struct setup s = { .in = { .sys = j->sys } };

	if (!r->kind)
		return "(of another version)";
	if (!journal_here(r, here))
		return "(in another network namespace)";
	char device[SETUP_IDENT_MAX];
	int err = *r->device ? setup_ident(j->sys, r->kind, r->object, device) : 0;

	if (!err && *r->device && setup_ident_compare(r->device, device) == SETUP_IDENT_OTHER)
		return "(another device's)";
	if (!err)
		err = r->kind->get(&s, r->object, buf, len);

	if (err == -ENOENT)
		return "(is no more)";
	if (err)
		snprintf(buf, len, "(%s)", strerror(-err));
	return buf;
}

static const char *life(const struct setup_journal *j, const struct setup_session *s)
{
	return s->hold == SETUP_HOLD_HOST ? "held until restore" : journal_orphan(j->sys, s) ? "dead" : "alive";
}

static void text(FILE *f, const struct setup_journal *j, const struct setup_netns *here)
{
	char buf[SETUP_VALUE_MAX];

	if (!j->nrecords)
		fprintf(f, "nothing is set up\n");
	for (unsigned i = 0; i < j->nsessions; i++) {
		const struct setup_session *s = j->sessions[i];

		fprintf(f, "session %s of %s, process %d: %s", s->id, *s->owner ? s->owner : "unknown", s->pid,
		        life(j, s));
		if (s->netns.inode && s->netns.inode != here->inode)
			fprintf(f, ", network namespace %llu", (unsigned long long)s->netns.inode);
		fputc('\n', f);
		for (unsigned k = 0; k < j->nrecords; k++) {
			const struct setup_record *r = &j->records[k];

			if (r->session != s)
				continue;
			fprintf(f, "  %-12s %s %s: was %.60s, %s%.60s", r->stage_word, r->word, r->object, r->old,
			        r->set ? "set to " : "guarded", r->set ? r->set : "");
			fprintf(f, ", now %.60s\n", now_of(j, r, here, buf, sizeof(buf)));
		}
	}
	if (j->damaged)
		fprintf(f, "%u line%s of the journal %s damaged\n", j->damaged, j->damaged == 1 ? "" : "s",
		        j->damaged == 1 ? "is" : "are");
	if (j->missing)
		fprintf(f, "%lu line%s of the journal %s missing\n", j->missing, j->missing == 1 ? "" : "s",
		        j->missing == 1 ? "is" : "are");
}

static void json_value(struct plx_json *j, const struct setup_record *r, const char *now)
{
	plx_json_object(j, NULL);
	plx_json_bool(j, "guard", !r->set);
	plx_json_text(j, "stage", r->stage_word);
	plx_json_text(j, "kind", r->word);
	plx_json_text(j, "object", r->object);
	plx_json_text(j, "device", *r->device ? r->device : NULL);
	plx_json_text(j, "old", r->old);
	plx_json_text(j, "set", r->set);
	plx_json_text(j, "now", now);
	plx_json_object_end(j);
}

static void json_session(struct plx_json *j, const struct setup_journal *all, const struct setup_session *s,
                         const struct setup_netns *here)
{
	char buf[SETUP_VALUE_MAX];

	plx_json_object(j, NULL);
	plx_json_i64(j, "pid", s->pid);
	plx_json_u64(j, "netns", s->netns.inode);
	plx_json_text(j, "id", s->id);
	plx_json_text(j, "owner", s->owner);
	plx_json_text(j, "hold", s->hold == SETUP_HOLD_HOST ? "host" : "process");
	plx_json_text(j, "state", life(all, s));
	plx_json_array(j, "values");
	for (unsigned k = 0; k < all->nrecords; k++)
		if (all->records[k].session == s)
			json_value(j, &all->records[k], now_of(all, &all->records[k], here, buf, sizeof(buf)));
	plx_json_array_end(j);
	plx_json_object_end(j);
}

static void json(FILE *f, const struct setup_journal *all, const struct setup_netns *here)
{
	struct plx_json j;

	plx_json_begin(&j, f);
	plx_json_object(&j, NULL);
	plx_json_u64(&j, "damaged", all->damaged);
	plx_json_u64(&j, "missing", all->missing);
	plx_json_array(&j, "sessions");
	for (unsigned i = 0; i < all->nsessions; i++)
		json_session(&j, all, all->sessions[i], here);
	plx_json_array_end(&j);
	plx_json_object_end(&j);
	plx_json_end(&j);
}

int setup_status(const struct plx_sys *sys, const struct plx_log *log, const char *dir, bool as_json, char **out)
{
	struct setup_netns here = { 0, 0 };
	struct setup_journal j;
	struct membuf b;
	int err = journal_open(&j, sys, log, dir, JOURNAL_LOOK);

	*out = NULL;
	FILE *f = err ? NULL : membuf_open(&b);

	if (f) {
		setup_netns_here(sys, &here);
		if (as_json)
			json(f, &j, &here);
		else
			text(f, &j, &here);
		*out = membuf_close(&b);
		err = *out ? 0 : -ENOMEM;
		/* names are other people's: nothing of them may move a terminal's cursor */
		for (char *c = *out; c && *c && !as_json; c++)
			*c = ((unsigned char)*c < ' ' && *c != '\n') || *c == 127 ? '?' : *c;
	} else if (!err)
		err = -ENOMEM;
	journal_close(&j);
	return err;
}

int setup_elsewhere(const struct plx_sys *sys, const char *dir, struct setup_netns *list, int n)
{
	struct setup_netns here = { 0, 0 };
	struct setup_journal j;
	int err = journal_open(&j, sys, NULL, dir, JOURNAL_LOOK), found = 0;

	setup_netns_here(sys, &here);
	for (unsigned i = 0; i < j.nrecords; i++) {
		const struct setup_netns *ns = &j.records[i].session->netns;
		bool listed = journal_here(&j.records[i], &here);

		for (int k = 0; k < found; k++)
			listed |= list[k].inode == ns->inode && list[k].cookie == ns->cookie;
		if (!listed && found < n)
			list[found++] = *ns;
	}
	journal_close(&j);
	return err ? err : found;
}

int setup_orphans(const struct plx_sys *sys, const char *dir)
{
	struct setup_journal j;
	int err = journal_open(&j, sys, NULL, dir, JOURNAL_LOOK), n = 0;

	for (unsigned i = 0; i < j.nsessions; i++)
		n += journal_orphan(sys, j.sessions[i]);
	journal_close(&j);
	return err ? err : n;
}

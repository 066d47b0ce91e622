/* SPDX-License-Identifier: MIT */
/* item.c - what a set-up would change: the tables of stages and kinds, the plan of a start on
   the host as it would be, and the items that stages add.  Cold; changes nothing; called by
   run.c. */
#include "journal.h"
#include "dev.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct setup_stage setup_stages[SETUP_STAGES_N] = {
#define X(id, what) [SETUP_##id] = { #id, what, setup_plan_##id },
	SETUP_STAGES(X)
#undef X
};

const struct setup_kind *const setup_kinds[] = {
	&setup_file, &setup_rlimit, &setup_channels, &setup_rss, &setup_feature, &setup_napi, &setup_irqbalance,
	&setup_cgroup, NULL,
};

/* People write irq-affinity, C does not. */
const char *setup_stage_name(enum setup_stage_id id)
{
	return id == SETUP_irq_affinity ? "irq-affinity" : setup_stages[id].name;
}

const char *setup_stage_what(enum setup_stage_id id)
{
	return setup_stages[id].what;
}

/* ---- the plan of a start on the host as it would be ---- */

static bool asked(const struct setup *s, enum setup_stage_id id)
{
	return s->in.stages >> id & 1;
}

/* would_be: the link with the channels it would have. */
static void would_be(const struct setup *s, unsigned i, struct plx_link_info *li)
{
	int rx = 0, tx = 0, combined = 0;

	if (!setup_dev_channels(s, i, &rx, &tx, &combined))
		return;
	li->rxqs = (uint16_t)(rx + combined);
	li->txqs = (uint16_t)(tx + combined);
}

/* Pages that no pool can exceed, and small enough to be added up. */
#define PLENTY (1ull << 32)

/* Rights are the start's own to judge: who sets up need not be who starts. */
static void topo_would_be(const struct setup *s, struct topo *t)
{
	t->missing_caps = 0;
	setup_cpuset_allow(s->in.sys, t);
	for (unsigned n = 0; n < t->nnodes && asked(s, SETUP_hugepages); n++)
		t->huge[n][1] = (struct topo_huge){ .page = 2ull << 20, .total = PLENTY, .free = PLENTY };
	if (asked(s, SETUP_hugepages))
		t->huge_all[1] = (struct topo_huge){ .page = 2ull << 20, .total = PLENTY, .free = PLENTY };
	if (asked(s, SETUP_hugepages) && t->mem_avail)
		t->huge_room = t->mem_avail + (plan_huge_free(&s->in.host->topo, -1, 1) << 21);
}

/* The pages that a pool gets are made for it, as many as it needs where they are not free already. */
static void tell_pages(const struct setup *s)
{
	for (unsigned i = 0; i < s->plan->npools && asked(s, SETUP_hugepages); i++) {
		struct plan_pool *pool = &s->plan->pools[i];
		uint64_t now = plan_huge_free(&s->in.host->topo, pool->node, 1);

		if (pool->page == 2u << 20)
			pool->pages_free = now > pool->pages ? now : pool->pages;
	}
}

static int simulate(struct setup *s, char *why, size_t whylen)
{
	struct host *w = malloc(sizeof(*w));
	int err = -ENOMEM;

	s->plan = malloc(sizeof(*s->plan));
	if (w && s->plan) {
		*w = *s->in.host; /* what discovery found is lent */
		topo_would_be(s, &w->topo);
		for (unsigned i = 0; i < s->in.conf->nports; i++)
			if (w->iface[i].found)
				would_be(s, i, &w->iface[i].link);
		err = plan_make(s->plan, s->in.conf, w, why, whylen);
		if (!err)
			tell_pages(s);
	} else
		snprintf(why, whylen, "set-up: no memory");
	free(w);
	return err;
}

int setup_plan(struct setup *s, const struct setup_in *in, char *why, size_t whylen)
{
	*s = (struct setup){ .in = *in };
	if (!s->in.dir)
		s->in.dir = SETUP_DIR;
	if (!s->in.pid)
		s->in.pid = setup_self(in->sys);
	int err = simulate(s, why, whylen);

	for (unsigned i = 0; i < SETUP_STAGES_N && !err; i++) {
		if (asked(s, i))
			setup_stages[i].plan(s);
		if (s->failed) {
			snprintf(why, whylen, "set-up: no memory");
			err = -ENOMEM;
		}
	}
	return err;
}

void setup_free(struct setup *s)
{
	for (unsigned i = 0; i < s->nitems; i++) {
		free(s->items[i].old);
		free(s->items[i].want);
	}
	free(s->items);
	free(s->plan);
	*s = (struct setup){ .items = NULL };
}

unsigned setup_count(const struct setup *s, enum setup_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nitems; i++)
		n += s->items[i].state == state;
	return n;
}

/* ---- items ---- */

static struct setup_item *add(struct setup *s, enum setup_stage_id stage, enum setup_state state)
{
	struct setup_item *items =
		s->nitems < SETUP_CHANGES_MAX ? realloc(s->items, (s->nitems + 1) * sizeof(*items)) : NULL;

	if (!items) {
		s->failed = true;
		return NULL;
	}
	s->items = items;
	items[s->nitems] = (struct setup_item){ .stage = stage, .state = state };
	finding_make(&items[s->nitems].found, setup_stage_name(stage), "%s", "setup");
	return &items[s->nitems++];
}

/* read_object fills the item in with the value there is.  0, or -errno. */
static int read_object(struct setup *s, struct setup_item *it, const struct setup_kind *k, const char *object)
{
	char value[SETUP_VALUE_MAX] = "";

	PLX_ASSERT(strlen(object) < sizeof(it->object));
	it->kind = k;
	snprintf(it->object, sizeof(it->object), "%s", object);
	int err = k->get(s, object, value, sizeof(value));

	if (!err && !(it->old = strdup(value)))
		s->failed = true;
	return err;
}

static bool known(const struct setup *s, const struct setup_kind *k, const char *object, bool want)
{
	for (unsigned i = 0; i < s->nitems; i++)
		if (s->items[i].kind == k && !strcmp(s->items[i].object, object) && !!s->items[i].want == want)
			return true;
	return false;
}

void setup_want(struct setup *s, enum setup_stage_id stage, const struct setup_kind *k, const char *object,
                const char *want, const char *why, ...)
{
	struct setup_item *it;
	va_list ap;

	PLX_ASSERT(!known(s, k, object, true) && strlen(want) < SETUP_VALUE_MAX);
	it = add(s, stage, SETUP_CHANGE);
	if (!it)
		return;
	va_start(ap, why);
	finding_vevidence(&it->found, why, ap);
	va_end(ap);
	int err = read_object(s, it, k, object);

	it->want = strdup(want);
	if (!it->want)
		s->failed = true;
	if (s->failed)
		return;
	if (err) {
		it->state = SETUP_CANNOT;
		finding_make(&it->found, setup_stage_name(stage), "%s", "setup");
		finding_evidence(&it->found, "%.180s cannot be read: %s", object, strerror(-err));
	} else if (k->same ? k->same(it->old, want) : !strcmp(it->old, want))
		it->state = SETUP_OK;
}

void setup_guard(struct setup *s, enum setup_stage_id stage, const struct setup_kind *k, const char *object)
{
	struct setup_item *it = known(s, k, object, false) ? NULL : add(s, stage, SETUP_GUARD);

	if (!it)
		return;
	finding_evidence(&it->found, "the stage may disturb it");
	if (read_object(s, it, k, object))
		s->nitems--; /* what cannot be read cannot be put back either */
}

static void say(struct setup *s, enum setup_stage_id stage, enum setup_state state, const char *why, va_list ap)
{
	struct setup_item *it = add(s, stage, state);

	if (it)
		finding_vevidence(&it->found, why, ap);
}

void setup_cannot(struct setup *s, enum setup_stage_id stage, const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	say(s, stage, SETUP_CANNOT, why, ap);
	va_end(ap);
}

void setup_skip(struct setup *s, enum setup_stage_id stage, const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	say(s, stage, SETUP_SKIP, why, ap);
	va_end(ap);
}

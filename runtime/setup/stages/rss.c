/* SPDX-License-Identifier: MIT */
/* rss.c - which flows go to which receive queue: the stage that leads all of them to queues
   that ports use, and the table as a value.  Cold; called through the tables of stages and
   kinds. */
#include "dev.h"
#include "plx_text.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

struct table { uint32_t n; uint16_t at[IFACE_RSS_MAX]; };

static int read_table(const struct setup_dev *d, struct table *t)
{
	struct ethtool_rxfh size = { .cmd = ETHTOOL_GRSSH }, *r;
	int err = setup_dev_ethtool(d, &size);

	t->n = 0;
	if (err < 0)
		return err;
	if (!size.indir_size)
		return -EOPNOTSUPP;
	if (size.indir_size > IFACE_RSS_MAX || size.key_size > UINT16_MAX)
		return -E2BIG;
	r = calloc(1, sizeof(*r) + size.indir_size * sizeof(uint32_t) + size.key_size);
	if (!r)
		return -ENOMEM;
	r->cmd = ETHTOOL_GRSSH;
	r->indir_size = size.indir_size;
	r->key_size = size.key_size;
	err = setup_dev_ethtool(d, r);
	if (err >= 0 && r->indir_size <= size.indir_size) {
		t->n = r->indir_size;
		for (uint32_t i = 0; i < t->n; i++)
			t->at[i] = (uint16_t)r->rss_config[i];
	}
	free(r);
	return err < 0 ? err : 0;
}

/* An empty table is the driver's default one. */
static int write_table(const struct setup_dev *d, const struct table *t)
{
	struct ethtool_rxfh *r = calloc(1, sizeof(*r) + t->n * sizeof(uint32_t));

	if (!r)
		return -ENOMEM;
	r->cmd = ETHTOOL_SRSSH;
	r->indir_size = t->n;
	for (uint32_t i = 0; i < t->n; i++)
		r->rss_config[i] = t->at[i];
	int err = setup_dev_ethtool(d, r);

	free(r);
	return err < 0 ? err : 0;
}

static unsigned rings(const struct setup_dev *d)
{
	struct ethtool_rxnfc c = { .cmd = ETHTOOL_GRXRINGS };

	return setup_dev_ethtool(d, &c) < 0 ? 0 : (unsigned)c.data;
}

/* equal: entry i leads to start + i % n, all of them.  0 = it does not. */
static unsigned equal(const struct table *t, unsigned *start)
{
	unsigned n = 0;

	*start = t->n ? t->at[0] : 0;
	while (n < t->n && t->at[n] == *start + n)
		n++;
	for (uint32_t i = n; i < t->n; i++)
		if (t->at[i] != *start + i % n)
			return 0;
	return n;
}

static bool is_default(const struct table *t, unsigned queues)
{
	unsigned start, n = equal(t, &start);

	return n && !start && queues && n == (queues < t->n ? queues : t->n);
}

static bool take(struct table *t, const char *value)
{
	char *end;

	for (t->n = 0; *value && t->n < IFACE_RSS_MAX; value = end) {
		unsigned long v = strtoul(value, &end, 10);
		if (end == value || v > UINT16_MAX)
			return false;
		t->at[t->n++] = (uint16_t)v;
	}
	return t->n && !*value;
}

/* put writes the table as a value; false if it is too long for one. */
static bool put(char *value, size_t len, const struct table *t)
{
	size_t at = 0;

	for (uint32_t i = 0; i < t->n && at < len; i++)
		at += (size_t)snprintf(value + at, len - at, "%s%u", i ? " " : "", t->at[i]);
	return at < len;
}

/* ---- the table as a value ---- */

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct table t;
	struct setup_dev d;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = read_table(&d, &t);
	setup_dev_close(&d);
	return err ? err : put(value, len, &t) ? 0 : -E2BIG;
}

/* A default table is asked for as such, so that it goes on following the channels; not every
   driver's default is the one we know, so it is read back. */
static int set_table(const struct setup_dev *d, const struct table *t)
{
	const struct table none = { .n = 0 };
	struct table now;

	if (is_default(t, rings(d)) && !write_table(d, &none) && !read_table(d, &now) && now.n == t->n &&
	    !memcmp(now.at, t->at, t->n * sizeof(t->at[0])))
		return 0;
	return write_table(d, t);
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	struct table t;
	struct setup_dev d;

	if (!take(&t, value))
		return -EINVAL;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = set_table(&d, &t);
	if (err == -EINVAL)
		snprintf(why, len, "%s has %u receive queues and perhaps a table of another size by now: ethtool -x %s",
		         d.name, rings(&d), PLX_QUOTED(d.name));
	else if (err == -EPERM)
		snprintf(why, len, "it needs CAP_NET_ADMIN: run as root");
	setup_dev_close(&d);
	return err;
}

void setup_rss_default(const struct setup_dev *d)
{
	const struct table none = { .n = 0 };
	struct table t;

	if (!read_table(d, &t) && is_default(&t, rings(d)))
		write_table(d, &none);
}

/* by_weights writes the weights that make ethtool fill the very same table, as it does it: a
   share of the table for each queue, one behind the other.  false if there are none. */
static bool by_weights(char *buf, size_t len, const struct table *t)
{
	uint32_t weight[PLX_QUEUES_MAX] = { 0 }, last = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->at[i] >= PLX_QUEUES_MAX || t->at[i] < last)
			return false;
		last = t->at[i];
		weight[last]++;
	}
	for (uint32_t q = 0; q <= last; q++)
		plx_text_add(buf, len, " %u", weight[q]);
	return true;
}

static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	struct table t;
	struct setup_dev d;
	unsigned start, n, queues = 0;
	char name[80];

	if (!setup_dev_open(&d, s->in.sys, object)) {
		queues = rings(&d);
		setup_dev_close(&d);
	}
	plx_text_quote(name, sizeof(name), d.name);
	n = take(&t, value) ? equal(&t, &start) : 0;
	if (n && is_default(&t, queues))
		snprintf(buf, len, "ethtool -X %s default", name);
	else if (n && start)
		snprintf(buf, len, "ethtool -X %s start %u equal %u", name, start, n);
	else if (n)
		snprintf(buf, len, "ethtool -X %s equal %u", name, n);
	else {
		snprintf(buf, len, "ethtool -X %s weight", name);
		if (!by_weights(buf, len, &t))
			snprintf(buf, len,
			         "# ethtool has no words for this table of %s: pollux setup restore rss puts it back",
			         d.name);
	}
}

const struct setup_kind setup_rss = { .name = "rss", .netns = true, .get = get, .set = set, .command = command };

/* ---- the stage ---- */

/* serves: every entry leads to a queue that is used, and every such queue has some. */
static bool serves(const struct iface *l, const bool *used, unsigned end)
{
	bool has[PLX_QUEUES_MAX] = { false };

	for (int32_t i = 0; i < l->rss_size; i++) {
		if (l->rss[i] >= PLX_QUEUES_MAX || !used[l->rss[i]])
			return false;
		has[l->rss[i]] = true;
	}
	for (unsigned q = 0; q < end; q++)
		if (used[q] && !has[q] && end <= (unsigned)l->rss_size)
			return false;
	return true;
}

static void plan_port(struct setup *s, unsigned i)
{
	const struct iface *l = s->in.host->iface[i].found;
	char object[SETUP_OBJECT_MAX], want[SETUP_VALUE_MAX], queues[256];
	bool used[PLX_QUEUES_MAX];
	uint16_t list[PLX_QUEUES_MAX];
	unsigned n = 0, end = setup_dev_used(s, i, used);
	int rx = 0, tx = 0, combined = 0;
	struct cpuset text = { { 0 } };
	struct table t = { .n = (uint32_t)l->rss_size };
	bool changes = setup_dev_channels(s, i, &rx, &tx, &combined);

	for (unsigned q = 0; q < end; q++) {
		if (used[q]) {
			list[n++] = (uint16_t)q;
			cpuset_add(&text, q);
		}
	}
	setup_dev_object(object, l->ifindex, l->name, "");
	if (!l->rss_size || !n) {
		setup_skip(s, SETUP_rss, "%s has no table of flows: its channels alone tell where they go", l->name);
		return;
	}
	if (t.n > IFACE_RSS_MAX) {
		setup_cannot(s, SETUP_rss,
		             "%s: its table has %u entries, no more than %d are dealt with: ethtool -X %s equal %u",
		             l->name, t.n, IFACE_RSS_MAX, PLX_QUOTED(l->name), n);
		return;
	}
	for (uint32_t e = 0; e < t.n; e++)
		t.at[e] = !changes && serves(l, used, end) ? l->rss[e] : list[e % n];
	cpuset_text(&text, queues, sizeof(queues));
	if (put(want, sizeof(want), &t))
		setup_want(s, SETUP_rss, &setup_rss, object, want, "%s: flows to queues %s, which ports use", l->name,
		           queues);
	else
		setup_cannot(s, SETUP_rss, "%s: its table is too long to be written down: ethtool -X %s equal %u",
		             l->name, PLX_QUOTED(l->name), n);
}

void setup_plan_rss(struct setup *s)
{
	setup_dev_each(s, SETUP_rss, plan_port);
}

/* SPDX-License-Identifier: MIT */
/* corelist.c - DPDK's grammar of -l/--lcores.  Cold, pure; called by the parser.

     list  = item *( "," item )          blanks may stand anywhere between words
     item  = set [ "@" set ]             lcores, and the CPUs each of them may run on
     set   = n | n "-" n | "(" part *( "," part ) ")"      part = n | n "-" n

   "3" is lcore 3 on CPU 3; "4-6" is three lcores, each on the CPU of its number; "(4-6)"
   is three lcores that share CPUs 4 to 6.  A range before "@" needs its parentheses, as in
   DPDK, or one could not see where the list begins.  Ranges may run downwards. */
#include "conf.h"
#include "cpuset.h"
#include "plx_text.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct set {
	uint16_t v[CPUSET_MAX];
	uint16_t n;
	bool     group;      /* in parentheses */
	bool     range;      /* a-b without them */
};

static const char *blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static int fail(char *why, size_t whylen, const char *reason, const char *at)
{
	snprintf(why, whylen, "%s at '%.24s': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)", reason,
	         *at ? at : "the end");
	return -EINVAL;
}

static int number(const char **s, unsigned *v, char *why, size_t whylen)
{
	const char *p = *s = blanks(*s);

	if (!isdigit((unsigned char)*p))
		return fail(why, whylen, "a number is missing", p);
	for (*v = 0; isdigit((unsigned char)*p); p++) {
		*v = *v * 10 + (unsigned)(*p - '0');
		if (*v >= CPUSET_MAX) {
			snprintf(why, whylen, "number above %d at '%.24s'", CPUSET_MAX - 1, *s);
			return -EINVAL;
		}
	}
	*s = blanks(p);
	return 0;
}

/* part adds n or n-n to the set, upwards; what is there twice is kept once. */
static int part(const char **s, struct set *set, char *why, size_t whylen)
{
	unsigned a, b;
	int err = number(s, &a, why, whylen);

	if (err)
		return err;
	b = a;
	if (**s == '-') {
		(*s)++;
		err = number(s, &b, why, whylen);
		if (err)
			return err;
		set->range = true;
	}
	if (a > b) {
		unsigned t = a;
		a = b;
		b = t;
	}
	for (; a <= b; a++) {
		uint16_t i = 0;
		while (i < set->n && set->v[i] != a)
			i++;
		if (i == set->n)
			set->v[set->n++] = (uint16_t)a;
	}
	return 0;
}

static int read_set(const char **s, struct set *set, char *why, size_t whylen)
{
	int err;

	set->n = 0;
	set->group = set->range = false;
	*s = blanks(*s);
	if (**s != '(')
		return part(s, set, why, whylen);
	set->group = true;
	do {
		(*s)++;
		err = part(s, set, why, whylen);
		if (err)
			return err;
	} while (**s == ',');
	if (**s != ')')
		return fail(why, whylen, "')' is missing", *s);
	*s = blanks(*s + 1);
	return 0;
}

/* add makes one lcore of each member of ids, on cpus. */
static int add(struct plx_lcore_conf *l, uint16_t *n, const struct set *ids, const struct set *cpus,
               char *why, size_t whylen)
{
	bool own = ids == cpus && !ids->group; /* each on the CPU of its number */

	if (!own && cpus->n > PLX_ARRAY_SIZE(l->cpus)) {
		snprintf(why, whylen, "lcore %u: %u CPUs, at most %zu are possible", ids->v[0], cpus->n,
		         PLX_ARRAY_SIZE(l->cpus));
		return -EINVAL;
	}
	for (uint16_t i = 0; i < ids->n; i++) {
		for (uint16_t k = 0; k < *n; k++) {
			if (l[k].id == ids->v[i]) {
				snprintf(why, whylen, "lcore %u is there twice: give each lcore once, as in 0,1@0 "
				         "for two lcores on one CPU", ids->v[i]);
				return -EINVAL;
			}
		}
		if (*n == PLX_LCORES_MAX) {
			snprintf(why, whylen, "more than %d lcores", PLX_LCORES_MAX);
			return -EINVAL;
		}
		struct plx_lcore_conf *c = &l[(*n)++];
		c->id = ids->v[i];
		c->ncpus = own ? 1 : cpus->n;
		memcpy(c->cpus, own ? &ids->v[i] : cpus->v, c->ncpus * sizeof(c->cpus[0]));
	}
	return 0;
}

/* check_ids refuses ids that have no lcore and shows the same CPUs under ids that do. */
static int check_ids(const struct plx_lcore_conf *l, uint16_t n, char *why, size_t whylen)
{
	uint16_t i = 0;

	while (i < n && l[i].id < PLX_LCORES_MAX)
		i++;
	if (i == n)
		return 0;
	snprintf(why, whylen, "lcore %u is above %d, but its CPU is not: use -l ", l[i].id, PLX_LCORES_MAX - 1);
	for (i = 0; i < n; i++) {
		char cpus[5 * PLX_ARRAY_SIZE(l->cpus)];

		cpuset_list_text(l[i].cpus, l[i].ncpus, cpus, sizeof(cpus));
		plx_text_add(why, whylen, l[i].ncpus > 1 ? "%s%u@(%s)" : "%s%u@%s", i ? "," : "", i, cpus);
	}
	return -EINVAL;
}

int lcore_list_parse(struct plx_lcore_conf *l, uint16_t *n, const char *text, char *why, size_t whylen)
{
	struct set ids, cpus;
	const char *s = text;
	int err;

	*n = 0;
	for (;; s++) {
		const char *item = blanks(s);
		bool at;

		err = read_set(&s, &ids, why, whylen);
		if (err)
			break;
		at = *s == '@';
		if (at && ids.range && !ids.group) {
			err = fail(why, whylen, "a range before '@' needs parentheses, as in (1-3)@20,", item);
			break;
		}
		if (at) {
			s++;
			err = read_set(&s, &cpus, why, whylen);
			if (err)
				break;
		}
		if (*s && *s != ',') {
			err = fail(why, whylen, "garbage", s);
			break;
		}
		err = add(l, n, &ids, at ? &cpus : &ids, why, whylen);
		if (err || !*s)
			break;
	}
	if (!err)
		err = check_ids(l, *n, why, whylen);
	if (err)
		*n = 0;
	return err;
}

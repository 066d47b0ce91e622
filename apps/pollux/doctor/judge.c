/* SPDX-License-Identifier: MIT */
/* judge.c - which checks there are, and the run of them over the facts.  Cold, pure. */
#include "doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct check *const check_tables[] = { host_checks, kernel_checks, plan_checks, memory_checks, iface_checks,
                                            queue_checks, NULL };

bool uses_xdp(const struct doctor *d)
{
	bool any = !d->conf.nports;

	for (unsigned i = 0; i < d->nports; i++)
		any |= strcmp(d->port[i].conf->driver, "packet") != 0;
	return any;
}

const struct check *check_find(const char *name, size_t len)
{
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++)
			if (strlen(c->name) == len && !memcmp(c->name, name, len))
				return c;
	return NULL;
}

/* wanted: only is NULL or has the name of c. */
static bool wanted(const char *only, const struct check *c)
{
	size_t n;

	for (const char *s = only; s; s = s[n] ? s + n + 1 : NULL) {
		n = strcspn(s, ",");
		if (strlen(c->name) == n && !memcmp(c->name, s, n))
			return true;
	}
	return !only;
}

static int run_check(struct report *r, const struct doctor *d, const struct check *c, const struct patient *p)
{
	struct result *more = realloc(r->r, (r->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	r->r = more;
	struct result *now = &r->r[r->n++];

	*now = (struct result){ .check = c };
	finding_make(&now->found, c->name, "%s", p ? p->conf->name : c->port ? "-" : "host");
	if (p || !c->port)
		c->fn(d, p, now);
	else
		skip(now, "no interface is named");
	finding_clean(&now->found);
	r->count[now->status]++;
	return 0;
}

/* tell_alone: of a plan that is refused for what no other check that ran FAILs of, the reason alone tells what to do.
 */
static void tell_alone(struct report *r)
{
	for (size_t i = 0; i < r->n && r->count[CHECK_FAIL] == 1; i++)
		if (r->r[i].status == CHECK_FAIL && !strcmp(r->r[i].found.fix, OTHERS_TELL))
			fix(&r->r[i], "# the reason itself tells what to change");
}

int doctor_judge(struct report *r, const struct doctor *d, const char *only)
{
	int err = 0;

	memset(r, 0, sizeof(*r));
	for (int t = 0; check_tables[t]; t++) {
		for (const struct check *c = check_tables[t]; c->name && !err; c++) {
			if (!wanted(only, c))
				continue;
			if (!c->port || (only && !d->nports))
				err = run_check(r, d, c, NULL);
			for (unsigned i = 0; c->port && i < d->nports && !err; i++)
				err = run_check(r, d, c, &d->port[i]);
		}
	}
	tell_alone(r);
	return err;
}

/* SPDX-License-Identifier: MIT */
/* doctor_print.c - what the checks said, for people and for programs.  Cold. */
#include "doctor.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *const words[CHECK_STATUSES] = { [CHECK_OK] = "OK", [CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL",
                                                   [CHECK_SKIP] = "SKIP" };

void report_text(FILE *out, const struct report *r, bool brief)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct result *s = &r->r[i];

		if (brief && s->f.status != CHECK_WARN && s->f.status != CHECK_FAIL)
			continue;
		fprintf(out, "%-4s  %-16s %-10s %s\n", words[s->f.status], s->check->name, s->object, s->f.evidence);
		if (*s->f.mend)
			fprintf(out, "      mend: %s\n", s->f.mend);
	}
	fprintf(out, "%u ok, %u warn, %u fail, %u skip\n", r->count[CHECK_OK], r->count[CHECK_WARN], r->count[CHECK_FAIL],
	        r->count[CHECK_SKIP]);
}

int report_json(FILE *out, const struct report *r)
{
	json_t *all = json_array();
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < r->n && !err; i++) {
		const struct result *s = &r->r[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "name", s->check->name, "group", s->check->group,
		                      "object", s->object, "status", words[s->f.status], "evidence", s->f.evidence,
		                      "mend", s->f.mend);

		err = o && !json_array_append_new(all, o) ? 0 : -ENOMEM;
	}
	if (!err)
		err = json_dumpf(all, out, JSON_INDENT(2)) || putc('\n', out) == EOF ? -EIO : 0;
	json_decref(all);
	return err;
}

int checks_json(FILE *out)
{
	json_t *all = json_array();
	int err = all ? 0 : -ENOMEM;

	for (int t = 0; check_tables[t] && !err; t++)
		for (const struct check *c = check_tables[t]; c->name && !err; c++) {
			json_t *o = json_pack("{s:s, s:s, s:s}", "name", c->name, "group", c->group, "what", c->what);

			err = o && !json_array_append_new(all, o) ? 0 : -ENOMEM;
		}
	if (!err)
		err = json_dumpf(all, out, JSON_INDENT(2)) || putc('\n', out) == EOF ? -EIO : 0;
	json_decref(all);
	return err;
}

void checks_text(FILE *out)
{
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++)
			fprintf(out, "%-16s %-10s %s\n", c->name, c->group, c->what);
}

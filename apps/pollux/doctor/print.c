/* SPDX-License-Identifier: MIT */
/* print.c - what the checks said, for people and for programs.  Cold. */
#include "doctor.h"

static const char *const words[CHECK_STATUSES] = { [CHECK_OK] = "OK", [CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL",
                                                   [CHECK_SKIP] = "SKIP" };

void report_text(FILE *out, const struct report *r, bool brief)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct result *s = &r->r[i];
		const struct finding *f = &s->found;

		if (brief && s->status != CHECK_WARN && s->status != CHECK_FAIL)
			continue;
		fprintf(out, "%-4s  %-16s %-10s %s\n", words[s->status], f->name, f->object, f->evidence);
		if (*f->fix)
			fprintf(out, "      fix: %s\n", f->fix);
	}
	fprintf(out, "%u ok, %u warn, %u fail, %u skip\n", r->count[CHECK_OK], r->count[CHECK_WARN],
	        r->count[CHECK_FAIL], r->count[CHECK_SKIP]);
}

int report_json(FILE *out, const struct report *r)
{
	struct plx_json j;

	plx_json_begin(&j, out);
	plx_json_array(&j, NULL);
	for (size_t i = 0; i < r->n; i++) {
		plx_json_object(&j, NULL);
		finding_json(&j, &r->r[i].found, "object");
		plx_json_text(&j, "group", r->r[i].check->group);
		plx_json_text(&j, "status", words[r->r[i].status]);
		plx_json_object_end(&j);
	}
	plx_json_array_end(&j);
	return plx_json_end(&j);
}

int checks_json(FILE *out)
{
	struct plx_json j;

	plx_json_begin(&j, out);
	plx_json_array(&j, NULL);
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++) {
			plx_json_object(&j, NULL);
			plx_json_text(&j, "name", c->name);
			plx_json_text(&j, "group", c->group);
			plx_json_text(&j, "what", c->what);
			plx_json_object_end(&j);
		}
	plx_json_array_end(&j);
	return plx_json_end(&j);
}

void checks_text(FILE *out)
{
	for (int t = 0; check_tables[t]; t++)
		for (const struct check *c = check_tables[t]; c->name; c++)
			fprintf(out, "%-16s %-10s %s\n", c->name, c->group, c->what);
}

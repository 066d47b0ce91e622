/* SPDX-License-Identifier: MIT */
/* print.c - a planned set-up for people, which is a shell script too, and as JSON.  Cold,
   pure but for the memory of its text. */
#include "membuf.h"
#include "plx_json.h"
#include "journal.h"
#include <stdlib.h>
#include <string.h>

static const char *const states[] = { [SETUP_OK] = "ok", [SETUP_CHANGE] = "change", [SETUP_GUARD] = "guard",
                                      [SETUP_CANNOT] = "cannot", [SETUP_SKIP] = "skip" };

char *setup_command(const struct setup *s, const struct setup_item *it)
{
	size_t len = SETUP_VALUE_MAX + SETUP_OBJECT_MAX + 256;
	char *buf = malloc(len);

	if (!buf)
		return NULL;
	buf[0] = 0;
	if (it->kind && it->want)
		it->kind->command(s, it->object, it->want, buf, len);
	return buf;
}

/* A long value, as of an RSS table, is told by its beginning. */
static void brief(FILE *f, const char *value)
{
	if (strlen(value) <= 60)
		fprintf(f, "%s", *value ? value : "nothing");
	else
		fprintf(f, "%.56s ...", value);
}

/* subject: what has the value, a sysctl by its name. */
static void subject(FILE *f, const struct setup_item *it)
{
	static const char sysctls[] = "/proc/sys/";

	if (strncmp(it->object, sysctls, strlen(sysctls))) {
		fprintf(f, "%s %s is ", it->kind->name, it->object);
		return;
	}
	for (const char *c = it->object + strlen(sysctls); *c; c++)
		fputc(*c == '/' ? '.' : *c, f);
	fprintf(f, " is ");
}

static void text_item(FILE *f, const struct setup *s, const struct setup_item *it)
{
	char *command;

	fprintf(f, "# %s: ", setup_stage_name(it->stage));
	switch (it->state) {
	case SETUP_CHANGE:
		command = setup_command(s, it);
		subject(f, it);
		brief(f, it->old);
		fprintf(f, ", will be ");
		brief(f, it->want);
		fprintf(f, ": %s\n%s\n", it->found.evidence, command ? command : "# no memory");
		free(command);
		break;
	case SETUP_OK:
		fprintf(f, "ok, ");
		subject(f, it);
		brief(f, it->old);
		fprintf(f, ": %s\n", it->found.evidence);
		break;
	case SETUP_GUARD:
		fprintf(f, "kept for restore: ");
		subject(f, it);
		brief(f, it->old);
		fputc('\n', f);
		break;
	default:
		fprintf(f, "%s: %s\n", it->state == SETUP_SKIP ? "skipped" : "cannot", it->found.evidence);
	}
}

void setup_text(FILE *f, const struct setup *s)
{
	unsigned changes = setup_count(s, SETUP_CHANGE), cannot = setup_count(s, SETUP_CANNOT);

	for (unsigned i = 0; i < s->nitems; i++)
		text_item(f, s, &s->items[i]);
	fprintf(f, "# %u change%s", changes, changes == 1 ? "" : "s");
	if (cannot)
		fprintf(f, ", %u that cannot be made", cannot);
	fputc('\n', f);
}

static void json_item(struct plx_json *j, const struct setup *s, const struct setup_item *it)
{
	char *command = it->state == SETUP_CHANGE ? setup_command(s, it) : NULL;

	plx_json_object(j, NULL);
	plx_json_text(j, "stage", setup_stage_name(it->stage));
	plx_json_text(j, "state", states[it->state]);
	plx_json_text(j, "kind", it->kind ? it->kind->name : NULL);
	plx_json_text(j, "object", it->kind ? it->object : NULL);
	plx_json_text(j, "old", it->old);
	plx_json_text(j, "want", it->want);
	plx_json_text(j, "why", it->found.evidence);
	plx_json_text(j, "command", command);
	plx_json_object_end(j);
	free(command);
}

void setup_json(struct plx_json *j, const char *key, const struct setup *s)
{
	plx_json_object(j, key);
	plx_json_u64(j, "changes", setup_count(s, SETUP_CHANGE));
	plx_json_u64(j, "cannot", setup_count(s, SETUP_CANNOT));
	plx_json_array(j, "items");
	for (unsigned i = 0; i < s->nitems; i++)
		json_item(j, s, &s->items[i]);
	plx_json_array_end(j);
	plx_json_object_end(j);
}

char *setup_print(const struct setup *s, bool as_json)
{
	struct membuf b;
	struct plx_json j;
	FILE *f = membuf_open(&b);

	if (f && as_json) {
		plx_json_begin(&j, f);
		setup_json(&j, NULL, s);
		plx_json_end(&j);
	} else if (f) {
		setup_text(f, s);
	}
	return membuf_close(&b);
}

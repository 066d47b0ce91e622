/* SPDX-License-Identifier: MIT */
/* text.c - the annotated default file and the JSON Schema, made from the tables of
   settings and keys; cold; called by pollux config default and schema. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { IN_FILE_NOT = PLX_SETTING_ARG_ONLY | PLX_SETTING_NOT_FILE };

void config_env(char *buf, size_t len, const char *name)
{
	snprintf(buf, len, "POLLUX_%s", name);
	for (char *s = buf; *s; s++)
		*s = (char)(*s == '-' ? '_' : toupper((unsigned char)*s));
}

/* ---- the file ---- */

static void setting_text(FILE *f, const struct plx_setting *s)
{
	char env[PLX_NAME_MAX];
	bool own = !strcmp(s->name, "name"); /* a program has one; this is only how to change it */

	config_env(env, sizeof(env), s->name);
	fprintf(f, "\n# %s\n# values: %s; ", s->what, s->values);
	if (s->letter)
		fprintf(f, "-%c, ", s->letter);
	fprintf(f, "--%s, %s\n%s%s: %s\n", s->name, env, own ? "# " : "", s->name, s->def);
}

static void ports_text(FILE *f)
{
	fprintf(f, "\n# ports, in the order in which the application sees them; --iface, POLLUX_IFACE.  One is\n"
	        "# a map of name and, where wanted, these keys with their defaults:\n#   - name: eth0\n");
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++) {
		char left[96] = "";

		plx_text_add(left, sizeof(left), "%s:%s%s", k->name, k->def ? " " : "", k->def ? k->def : "");
		fprintf(f, "#     %-22s # %s: %s\n", left, k->what, k->values);
	}
	fprintf(f, "%s: []\n", PLX_CONF_PORTS);
}

void config_default(FILE *f)
{
	fprintf(f, "# pollux.yaml - every setting of the environment, with its default.\n"
	        "# Made by: pollux config default.  Checked by: pollux config check FILE.\n"
	        "#\n"
	        "# PROGRAM -c FILE or POLLUX_CONFIG=FILE reads it.  Arguments win over POLLUX_* variables,\n"
	        "# these over the file, the file over the defaults.  docs/config.md tells more.\n");
	for (const struct plx_setting *s = plx_settings; s->name; s++)
		if (!strcmp(s->name, "iface"))
			ports_text(f);
		else if (!(s->flags & IN_FILE_NOT))
			setting_text(f, s);
	fprintf(f, "\n# options of the application, those that stand behind -- on the command line\n"
	        "# app:\n#   mode: io\n");
}

/* ---- the schema ---- */

static json_t *pattern(const char *re)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", re);
}

/* text_json is what a placeholder stands for. */
static json_t *text_json(const char *word)
{
	if (!strcmp(word, "LIST") || !strcmp(word, "SIZES"))
		return json_pack("{s:[s,s,s], s:{s:[s,s]}}", "type", "string", "integer", "array",
		                 "items", "type", "string", "integer");
	return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength",
	                 (strcmp(word, "INTERFACE") ? PLX_NAME_MAX : PLX_IFNAME_MAX) - 1);
}

static void alternative(json_t *any, json_t *words, const struct plx_value *v)
{
	switch (v->kind) {
	case PLX_VALUE_WORD:
		json_array_append_new(words, json_string(v->lo));
		if (!strcmp(v->lo, "null")) /* what editors take it for when it is not quoted */
			json_array_append_new(words, json_null());
		break;
	case PLX_VALUE_NUMBER:
		if (!strcmp(v->lo, v->hi))
			json_array_append_new(words, json_integer(atoll(v->lo)));
		else
			json_array_append_new(any, json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
			                      (json_int_t)atoll(v->lo), "maximum", (json_int_t)atoll(v->hi)));
		break;
	case PLX_VALUE_SIZE:
		json_array_append_new(any, json_pack("{s:s, s:i}", "type", "integer", "minimum", 1));
		json_array_append_new(any, pattern("^[0-9]+([KMGkmg][Bb]?|[Bb])?$"));
		break;
	case PLX_VALUE_TIME:
		json_array_append_new(any, json_pack("{s:s, s:i}", "type", "number", "minimum", 0));
		json_array_append_new(any, pattern("^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)?$"));
		break;
	default:
		json_array_append_new(any, text_json(v->lo));
	}
}

/* values_json makes the schema of one value from its notation. */
static json_t *values_json(const char *values, const char *def, const char *what)
{
	json_t *any = json_array(), *words = json_array(), *o = json_object();
	struct plx_value v;

	json_object_set_new(o, "description", json_string(what));
	for (const char *rest = values; rest;) {
		rest = plx_value_next(rest, &v);
		alternative(any, words, &v);
	}
	if (def) {
		plx_value_next(def, &v);
		json_object_set_new(o, "default",
		                    v.kind == PLX_VALUE_NUMBER ? json_integer(atoll(def)) : json_string(def));
	}
	if (json_array_size(words))
		json_array_insert_new(any, 0, json_pack("{s:O}", "enum", words));
	if (json_array_size(any) == 1)
		json_object_update(o, json_array_get(any, 0));
	else
		json_object_set(o, "anyOf", any);
	json_decref(any);
	json_decref(words);
	return o;
}

static json_t *ports_json(const char *what)
{
	json_t *keys = json_object();

	json_object_set_new(keys, "name",
	                    values_json("INTERFACE", NULL, "name of the interface, also an alternative one"));
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++)
		json_object_set_new(keys, k->name, values_json(k->values, k->def, k->what));
	return json_pack("{s:s, s:s, s:i, s:{s:[{s:s, s:b, s:[s], s:o}, {s:s, s:s}]}}",
	                 "description", what, "type", "array", "maxItems", PLX_PORTS_MAX,
	                 "items", "anyOf", "type", "object", "additionalProperties", 0, "required", "name",
	                 "properties", keys, "type", "string", "description", "the text of --iface");
}

json_t *config_schema(void)
{
	json_t *keys = json_object();

	for (const struct plx_setting *s = plx_settings; s->name; s++)
		if (!strcmp(s->name, "iface"))
			json_object_set_new(keys, PLX_CONF_PORTS,
			                    ports_json("ports, in the order in which the application sees them"));
		else if (!(s->flags & IN_FILE_NOT))
			json_object_set_new(keys, s->name, values_json(s->values, s->def, s->what));
	json_object_set_new(keys, "app", json_pack("{s:s, s:s}", "type", "object",
	                    "description", "options of the application, those behind --"));
	return json_pack("{s:s, s:s, s:s, s:b, s:o}", "$schema", "https://json-schema.org/draft/2020-12/schema",
	                 "title", "configuration of a Pollux program", "type", "object", "additionalProperties", 0,
	                 "properties", keys);
}

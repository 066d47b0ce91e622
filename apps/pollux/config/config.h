/* SPDX-License-Identifier: MIT */
/* config.h - the parts of pollux config that are tested apart. */
#ifndef CONFIG_H
#define CONFIG_H

#include <jansson.h>
#include <pollux/plx.h>
#include <stdio.h>

/* What the sources say, as plx_conf_note tells it: the values that stand. */
struct config_entry {
	char *key, *value;         /* value NULL = given, has none */
	bool  app;
	enum plx_conf_from from;
	char *source;              /* may be NULL */
	unsigned line;
};
struct config_view { struct config_entry *e; size_t n, room; bool failed /* no memory */; };

/* config_note is the note of a plx_conf_in whose arg is a struct config_view. */
void config_note(void *arg, const struct plx_conf_note *n);
void config_view_free(struct config_view *v);

/* config_show_text writes what stands as YAML that can be read again; config_show_json makes
   an object of it.  With origin each value says where it comes from. */
void config_show_text(FILE *f, const struct config_view *v, bool origin);
json_t *config_show_json(const struct config_view *v, bool origin);

/* config_default writes config/pollux.yaml: every setting, its sentence and default. */
void config_default(FILE *f);

/* config_schema makes config/pollux.schema.json. */
json_t *config_schema(void);

/* config_env writes the name of a setting's variable, POLLUX_NAME, into buf. */
void config_env(char *buf, size_t len, const char *name);

#endif

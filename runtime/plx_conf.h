/* SPDX-License-Identifier: MIT */
/* plx_conf.h - where settings come from: one table of them, and four sources, of which the
   later ones win: defaults, a YAML file (-c FILE), the environment (POLLUX_*), arguments.

   The table makes the parsers, their errors, --help, the file config/pollux.yaml, the JSON
   Schema and what pollux config shows.  Pure functions, any thread, but for the one that
   says it asks the system. */
#ifndef PLX_CONF_H
#define PLX_CONF_H

#include "plx_env.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table ---- */

/* values tells type and range: alternatives between '|', each of which is a word in small
   letters ("auto"), a number ("4096"), a range ("0..1023", "1M..1024G", "1ms..60s"), or text
   of some grammar in capitals ("LIST"). */
struct plx_setting {
	const char *name;     /* long option; key of the file; POLLUX_NAME of the environment */
	char        letter;   /* short option or 0 */
	const char *arg;      /* placeholder of its value in help, NULL = takes none */
	const char *values;   /* NULL = takes none */
	const char *def;      /* its default, as one would write it; NULL = none */
	const char *what;     /* one sentence */
	unsigned    flags;    /* enum plx_setting_flags, and PLX_OPT_* */
};
enum plx_setting_flags {
	PLX_SETTING_ARG_ONLY = 16, /* on the command line only */
	PLX_SETTING_NOT_FILE = 32, /* not in the file that it names */
};
extern PLX_API const struct plx_setting plx_settings[]; /* ends with name NULL */

/* The key of the file that has the ports; each is a map of "name" and plx_port_keys. */
#define PLX_CONF_PORTS "ports"

/* plx_value_next reads the first alternative of values into *v; the rest, NULL after the
   last one. */
enum plx_value_kind { PLX_VALUE_WORD, PLX_VALUE_NUMBER, PLX_VALUE_SIZE, PLX_VALUE_TIME, PLX_VALUE_TEXT };
struct plx_value {
	enum plx_value_kind kind;
	char lo[32], hi[32];  /* ends of a range; lo = hi = the word, number or placeholder */
};
PLX_API const char *plx_value_next(const char *values, struct plx_value *v);

/* ---- the sources ---- */

enum plx_conf_from { PLX_FROM_DEFAULT, PLX_FROM_FILE, PLX_FROM_ENVIRONMENT, PLX_FROM_ARGUMENT };

/* One value as it is taken, lowest source first. */
struct plx_conf_note {
	const char *key, *value;  /* "idle", "busy"; of a port the text of --iface; value NULL = given, has none */
	bool        app;          /* an option of the application */
	bool        more;         /* adds to what the note before on this key said; else it replaces it */
	enum plx_conf_from from;
	const char *source;       /* the file's name, "POLLUX_IDLE"; NULL of the others */
	unsigned    line, column; /* of the file, from 1; else 0 */
};

struct plx_conf_in {
	int    argc;
	char **argv;
	const struct plx_app *app;     /* may be NULL */
	char *const *environ;          /* "NAME=value", ends with NULL; NULL = no environment */
	const char  *file;             /* name of the file, NULL = what -c or POLLUX_CONFIG says */
	const char  *text;             /* its bytes */
	size_t       len;
	bool         any_app;          /* take an app: map without knowing its options */
	void (*note)(void *arg, const struct plx_conf_note *n); /* NULL = no one wants to know */
	void        *arg;
	unsigned     line, column;     /* out: where in the file an error is; else 0 */
};

/* plx_env_conf_merge reads all sources over *c: file, environment, arguments.  The ports of
   a later source take the place of an earlier one's.  Results as plx_env_conf_parse, which
   is this with arguments alone.  *c is half made after an error. */
PLX_API int plx_env_conf_merge(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen);

/* plx_env_conf_file finds the name of the file in in's arguments and environment, NULL if
   there is none, without reading it.  Results as plx_env_conf_parse. */
PLX_API int plx_env_conf_file(const char **name, const struct plx_conf_in *in, char *why, size_t whylen);

/* plx_env_conf_read is what a program calls: it finds the file, reads it by c->sys and
   merges.  in->text is left NULL.  Results as plx_env_conf_parse, and -ENOMEM, -EACCES. */
PLX_API int plx_env_conf_read(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen);

enum { PLX_CONF_FILE_MAX = 1 << 20 /* bytes of a file */ };

#ifdef __cplusplus
}
#endif
#endif

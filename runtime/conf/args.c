/* SPDX-License-Identifier: MIT */
/* args.c - the configuration: the parser of arguments (an environment's, then behind "--" an
   application's own), of POLLUX_* variables, and what wins over what.  Cold, pure; called
   by plx_env_conf_read.  The settings are in keys.c, the file's parser in yaml.c.

   Not getopt_long or argp: both print and exit by themselves, neither can suggest the
   option that was meant or tell on which side of "--" it stands, and argp's tables are
   not ours to print plans, manuals and tests from. */
#include "conf.h"
#include "plx_text.h"
#include "sized.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct half {                     /* of the command line: one side of "--" */
	const struct plx_opt *opts; /* NULL = none */
	void    *dst;
	uint64_t seen;            /* bit i: row i was given */
	uint64_t below;           /* bit i: a source that loses against this one gave it */
};

struct parser {
	struct half env, app, *now;
	const struct plx_app *what;
	struct plx_conf_in *in;
	const char *prog;
	bool   scan;              /* the first of two passes: words are checked, nothing is set */
	const char *file;         /* value of -c, found by the scan */
	char  *why;
	size_t whylen;
};

/* ---- words ---- */

/* by_name finds the row of a long name of n bytes; by_letter that of a short one. */
static const struct plx_opt *by_name(const struct plx_opt *o, const char *s, size_t n)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == n && !memcmp(o->name, s, n))
			return o;
	return NULL;
}

static const struct plx_opt *by_letter(const struct plx_opt *o, char c)
{
	for (; o && o->name; o++)
		if (o->letter && o->letter == c)
			return o;
	return NULL;
}

/* find splits a word into its row and the value that is part of it (or NULL). */
static const struct plx_opt *find(const struct plx_opt *opts, const char *s, const char **value)
{
	*value = NULL;
	if (s[0] != '-' || !s[1])
		return NULL;
	if (s[1] == '-') {
		size_t n = strcspn(s + 2, "=");
		if (s[2 + n])
			*value = s + 3 + n;
		return by_name(opts, s + 2, n);
	}
	if (s[2])
		*value = s + 2;
	return by_letter(opts, s[1]);
}

static int unknown(struct parser *p, const char *s)
{
	struct half *other = p->now == &p->env ? &p->app : &p->env;
	bool before = p->now == &p->env;
	const char *list[128], *near, *value, *name = s + strspn(s, "-"), *hint = before ? conf_hint(s) : NULL;
	char bare[PLX_NAME_MAX];
	size_t n = 0;

	snprintf(p->why, p->whylen, "'%s': ", s);
	if (s[0] != '-') {
		plx_text_add(p->why, p->whylen, "unexpected word; %s", before ?
		             "an interface is given by --iface NAME, --help shows all" : "--help shows the options");
		return -EINVAL;
	}
	if (find(other->opts, s, &value)) {
		plx_text_add(p->why, p->whylen, before ? "stands behind --, with the options of %s" :
		             "stands before --, with the options of the environment", p->what->name);
		return -EINVAL;
	}
	if (hint) {
		plx_text_add(p->why, p->whylen, "unknown option; %s", hint);
		return -EINVAL;
	}
	for (const struct plx_opt *o = p->now->opts; o && o->name && n < 64; o++)
		list[n++] = o->name;
	for (const struct plx_opt *o = other->opts; o && o->name && n < 128; o++)
		list[n++] = o->name;
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(name, "="), name);
	near = plx_text_near(bare, list, n);
	if (!near)
		plx_text_add(p->why, p->whylen, "unknown option; --help shows all");
	else
		plx_text_add(p->why, p->whylen, "unknown option, did you mean --%s%s?", near,
		             by_name(p->now->opts, near, strlen(near)) ? "" : before ? " behind --" : " before --");
	return -EINVAL;
}

/* note tells who wants to know of a value that is about to be set. */
static void note(struct parser *p, const char *key, const char *value, bool more, enum plx_conf_from from,
                 const char *source)
{
	struct plx_conf_note n = { .key = key, .value = value, .app = p->now == &p->app, .more = more, .from = from,
	                           .source = source };

	if (p->in->note)
		p->in->note(p->in->arg, &n);
}

/* make_room lets row i of the environment win over the sources below: a list begins anew,
   and what another value than the default excludes returns to its own default. */
static void make_room(struct parser *p, int i, const char *value)
{
	struct plx_env_conf *c = p->env.dst;
	const char *def = plx_settings[i].def;
	const struct conf_rule *r = value && def && !strcmp(value, def) ? NULL : conf_excluded(p->env.below, i);

	if (p->env.below >> i & 1 && conf_opts[i].flags & PLX_OPT_REPEAT)
		c->nports = 0; /* the one list there is */
	p->env.below &= ~(1ull << i);
	if (!r)
		return;
	const char *other = strcmp(r->a, conf_opts[i].name) ? r->a : r->b;
	int j = conf_row(other, strlen(other));
	char why[128];

	PLX_ASSERT(!conf_opts[j].set(c, plx_settings[j].def, why, sizeof(why)));
	p->env.below &= ~(1ull << j);
	note(p, other, plx_settings[j].def, false, PLX_FROM_DEFAULT, NULL);
}

/* take sets o; where is how the user named it. */
static int take(struct parser *p, const struct plx_opt *o, const char *where, const char *value, bool more,
                enum plx_conf_from from, const char *source)
{
	char reason[1024] = "";
	int err;

	if (p->now == &p->env && !more)
		make_room(p, (int)(o - conf_opts), value);
	err = o->set(p->now->dst, value, reason, sizeof(reason));
	if (!err)
		note(p, o->name, value, more, from, source);
	else if (o->arg)
		snprintf(p->why, p->whylen, "%s '%s': %s", where, value, reason);
	else
		snprintf(p->why, p->whylen, "%s: %s", where, reason);
	return err;
}

/* ---- arguments ---- */

/* apply gives o its value, which may be the next word; *i is at the option's word. */
static int apply(struct parser *p, const struct plx_opt *o, const char *value, int *i, int argc, char **argv)
{
	uint64_t bit = 1ull << (o - p->now->opts);
	char dash[PLX_NAME_MAX];
	const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
	bool more = p->now->seen & bit;

	snprintf(dash, sizeof(dash), "%.*s", (int)(argv[*i][1] == '-' ? strcspn(argv[*i], "=") : 2), argv[*i]);
	if (more && !(o->flags & PLX_OPT_REPEAT)) {
		snprintf(p->why, p->whylen, "%s: given twice; once is enough", dash);
		return -EINVAL;
	}
	p->now->seen |= bit;
	if (!o->arg && value) {
		snprintf(p->why, p->whylen, "%s: takes no value, write %s alone", argv[*i], dash);
		return -EINVAL;
	}
	if (o->arg && !value && next && !(next[0] == '-' && next[1] && (next[1] < '0' || next[1] > '9'))) {
		value = next;
		++*i;
	}
	if (o->arg && (!value || !*value)) {
		snprintf(p->why, p->whylen, "%s: a value is missing: %s %s", dash, dash, o->arg);
		return -EINVAL;
	}
	if (o->arg && value[0] == '=' && argv[*i] + 2 == value) {
		snprintf(p->why, p->whylen, "%s: write %s %s or --%s%s", argv[*i], dash, value + 1, o->name, value);
		return -EINVAL;
	}
	if (!p->scan)
		return take(p, o, dash, value, more, PLX_FROM_ARGUMENT, NULL);
	if (p->now == &p->env && !strcmp(o->name, "config"))
		p->file = value;
	return 0;
}

/* text answers the rows that ask for text. */
static int text(struct parser *p, const struct plx_opt *o, const char *s, const char *value)
{
	if (value) {
		snprintf(p->why, p->whylen, "%s: takes no value, write --%s alone", s, o->name);
		return -EINVAL;
	}
	if (!strcmp(o->name, "version"))
		snprintf(p->why, p->whylen, "%s (pollux %s)\n", p->what && p->what->name ? p->what->name : p->prog,
		         PLX_VERSION);
	else
		conf_help(p->why, p->whylen, p->prog, p->what, !strcmp(o->name, "help-all"));
	return PLX_TEXT;
}

/* spell writes a setting's name as source from does. */
static const char *spell(char *buf, size_t len, enum plx_conf_from from, const char *name)
{
	snprintf(buf, len, "%s%s", from == PLX_FROM_ARGUMENT ? "--" : "POLLUX_", name);
	for (char *s = buf; from == PLX_FROM_ENVIRONMENT && *s; s++)
		*s = (char)(*s == '-' ? '_' : toupper((unsigned char)*s));
	return buf;
}

/* check_rules looks at what one source gives. */
static int check_rules(struct parser *p, enum plx_conf_from from)
{
	for (const struct conf_rule *r = conf_rules; r->a; r++) {
		bool a = p->env.seen >> conf_row(r->a, strlen(r->a)) & 1;
		bool b = p->env.seen >> conf_row(r->b, strlen(r->b)) & 1;
		char sa[PLX_NAME_MAX], sb[PLX_NAME_MAX];

		if (!a || b == r->needs)
			continue;
		snprintf(p->why, p->whylen, r->needs ? "%s needs %s: %s" : "%s and %s: %s",
		         spell(sa, sizeof(sa), from, r->a), spell(sb, sizeof(sb), from, r->b), r->fix);
		return -EINVAL;
	}
	return 0;
}

static int arguments(struct parser *p, bool scan)
{
	int argc = p->in->argc;
	char **argv = p->in->argv;

	p->scan = scan;
	p->now = &p->env;
	p->env.seen = p->app.seen = 0;
	for (int i = 1; i < argc; i++) {
		const struct plx_opt *o;
		const char *value;
		int err;

		if (!strcmp(argv[i], "--") && p->now == &p->env) {
			p->now = &p->app;
			continue;
		}
		o = find(p->now->opts, argv[i], &value);
		if (!o && p->now == &p->app) {    /* help is on both sides */
			o = find(conf_opts, argv[i], &value);
			if (o && o->set)
				o = NULL;
		}
		if (!o)
			return unknown(p, argv[i]);
		if (!o->set)
			return text(p, o, argv[i], value);
		err = apply(p, o, value, &i, argc, argv);
		if (err)
			return err;
	}
	p->now = &p->env;
	return check_rules(p, PLX_FROM_ARGUMENT);
}

/* ---- the environment ---- */

/* variable finds the row of POLLUX_NAME (n bytes), or says what is wrong with the name. */
static int variable(struct parser *p, const char *name, size_t n)
{
	char names[64][PLX_NAME_MAX], bare[PLX_NAME_MAX];
	static const char prefix[] = "POLLUX_";
	const char *list[64] = { NULL }, *near;
	size_t k = 0;

	snprintf(bare, sizeof(bare), "%.*s", (int)n, name);
	for (int i = 0; plx_settings[i].name; i++) {
		spell(names[k], sizeof(names[k]), PLX_FROM_ENVIRONMENT, plx_settings[i].name);
		if (!strcmp(names[k], bare)) {
			if (!(plx_settings[i].flags & PLX_SETTING_ARG_ONLY))
				return i;
			snprintf(p->why, p->whylen, "%s: only the command line has it: --%s", bare,
			         plx_settings[i].name);
			return -EINVAL;
		}
		if (!(plx_settings[i].flags & PLX_SETTING_ARG_ONLY)) {
			list[k] = names[k] + strlen(prefix); /* what all begin with makes none alike */
			k++;
		}
	}
	near = plx_text_near(bare + strlen(prefix), list, k);
	if (near)
		snprintf(p->why, p->whylen, "%s: unknown variable, did you mean %s%s?", bare, prefix, near);
	else
		snprintf(p->why, p->whylen,
		         "%s: unknown variable; unset it, or see --help-all: each option is POLLUX_OPTION", bare);
	return -EINVAL;
}

/* ports sets each word of value as an --iface. */
static int ports(struct parser *p, const struct plx_opt *o, const char *name, const char *value)
{
	char one[1024];
	bool more = false;
	int err = 0;

	for (value += strspn(value, " \t\n"); *value && !err; value += strspn(value, " \t\n")) {
		size_t n = strcspn(value, " \t\n");

		if (n >= sizeof(one)) {
			snprintf(p->why, p->whylen, "%s: a word is longer than %zu bytes", name, sizeof(one) - 1);
			return -EINVAL;
		}
		snprintf(one, sizeof(one), "%.*s", (int)n, value);
		err = take(p, o, name, one, more, PLX_FROM_ENVIRONMENT, name);
		more = true;
		value += n;
	}
	return err;
}

static int environment(struct parser *p)
{
	for (char *const *e = p->in->environ; e && *e; e++) {
		size_t n = strcspn(*e, "=");
		char name[PLX_NAME_MAX];
		int i, err;

		if (strncmp(*e, "POLLUX_", 7))
			continue;
		i = variable(p, *e, n);
		if (i < 0)
			return i;
		snprintf(name, sizeof(name), "%.*s", (int)n, *e);
		if (p->env.seen >> i & 1) {
			snprintf(p->why, p->whylen, "%s: it stands in the environment twice: unset it, and set it once",
			         name);
			return -EINVAL;
		}
		if (strlen(*e) <= n + 1) {
			snprintf(p->why, p->whylen, "%s: it is empty: unset it, or %s=%s", name, name,
			         plx_settings[i].values);
			return -EINVAL;
		}
		err = (conf_opts[i].flags & PLX_OPT_REPEAT ? ports(p, &conf_opts[i], name, *e + n + 1) :
		       take(p, &conf_opts[i], name, *e + n + 1, false, PLX_FROM_ENVIRONMENT, name));
		if (err)
			return err;
		p->env.seen |= 1ull << i;
	}
	return check_rules(p, PLX_FROM_ENVIRONMENT);
}

/* ---- what wins over what ---- */

static void begin(struct parser *p, struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen)
{
	const char *slash = in->argc > 0 ? strrchr(in->argv[0], '/') : NULL;
	const struct plx_app *app = in->app;

	*p = (struct parser){
		.env = { .opts = conf_opts, .dst = c },
		.app = { .opts = app ? app->opts : NULL, .dst = app ? app->dst : NULL },
		.what = app, .in = in, .why = why, .whylen = whylen,
		.prog = slash ? slash + 1 : in->argc > 0 ? in->argv[0] : "pollux",
	};
	p->now = &p->env;
	in->line = in->column = 0;
	if (whylen)
		*why = 0;
}

/* find_file names the file: in's own, of -c, of POLLUX_CONFIG; NULL if there is none. */
static int find_file(struct parser *p, const char **name)
{
	int err = arguments(p, true);

	*name = p->in->file ? p->in->file : p->file;
	for (char *const *e = p->in->environ; !*name && e && *e; e++)
		if (!strncmp(*e, "POLLUX_CONFIG=", 14) && (*e)[14])
			*name = *e + 14;
	return err;
}

/* one_line: whatever the words had in them. */
static int one_line(int err, char *why)
{
	for (char *s = why; err < 0 && s && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	return err;
}

int plx_env_conf_file(const char **name, const struct plx_conf_in *in, char *why, size_t whylen)
{
	PLX_ASSERT(name && in && (why || !whylen));
	struct plx_conf_in copy = *in;
	struct parser p;

	begin(&p, NULL, &copy, why, whylen);
	return one_line(find_file(&p, name), why);
}

static int from_file(struct parser *p, const char *name)
{
	struct conf_seen seen = { 0, 0 };
	struct plx_conf_in *in = p->in;
	int err;

	if (!in->text) {
		snprintf(p->why, p->whylen, "-c %s: this program reads no file; give its settings as arguments", name);
		return -EINVAL;
	}
	in->file = name;
	err = conf_file_parse(p->env.dst, in, p->app.seen, &seen, p->why, p->whylen);
	p->env.below = seen.env;
	return err;
}

static int merge(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen)
{
	struct parser p;
	const char *file;

	begin(&p, c, in, why, whylen);
	int err = find_file(&p, &file);

	if (err)
		return one_line(err, why);
	if (in->app && in->app->name)
		snprintf(c->name, sizeof(c->name), "%s", in->app->name);
	for (int i = 0; plx_settings[i].name; i++)
		if (plx_settings[i].def)
			note(&p, plx_settings[i].name,
			     strcmp(plx_settings[i].name, "name") ? plx_settings[i].def : c->name, false,
			     PLX_FROM_DEFAULT, NULL);
	if (file)
		err = from_file(&p, file);
	p.env.seen = 0;
	if (!err)
		err = environment(&p);
	p.env.below |= p.env.seen;
	if (!err)
		err = arguments(&p, false);
	return one_line(err, why);
}

int plx_env_conf_merge(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen)
{
	PLX_ASSERT(c && in && (why || !whylen));
	if (!c->size || c->size == sizeof(*c))
		return merge(c, in, why, whylen);
	struct plx_env_conf *all = malloc(sizeof(*all)); /* of a program that knows less of it, or more */
	int err = all ? sized_take(all, sizeof(*all), c) : -ENOMEM;

	if (err && whylen)
		snprintf(why, whylen, "plx_env_conf: %s", all ? sized_why(err) : "no memory");
	if (!err) {
		err = merge(all, in, why, whylen);
		sized_give(c, sizeof(*all), all);
	}
	free(all);
	return err;
}

int plx_env_conf_parse(struct plx_env_conf *c, int argc, char **argv,
                       const struct plx_app *app, char *why, size_t whylen)
{
	PLX_ASSERT(c && (argv || !argc) && (why || !whylen));
	struct plx_conf_in in = { .argc = argc, .argv = argv, .app = app };

	return plx_env_conf_merge(c, &in, why, whylen);
}

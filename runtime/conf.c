/* SPDX-License-Identifier: MIT */
/* conf.c - the configuration: its options as one table, and the one parser that reads
   them and an application's own behind "--".  Cold, pure; called by plx_env_init.

   Not getopt_long or argp: both print and exit by themselves, neither can suggest the
   option that was meant or tell on which side of "--" it stands, and argp's tables are
   not ours to print plans, manuals and tests from. */
#include "conf.h"
#include "plx_text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB (1ull << 20)

/* ---- values ---- */

/* word finds s in names[n]; its index, or -EINVAL with the words there are. */
static int word(const char *s, const char *const *names, size_t n, char *why, size_t whylen)
{
	const char *near = plx_text_near(s, names, n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(s, names[i]))
			return (int)i;
	snprintf(why, whylen, "unknown word");
	if (near)
		plx_text_add(why, whylen, ", did you mean %s?", near);
	plx_text_add(why, whylen, " (one of");
	for (size_t i = 0; i < n; i++)
		plx_text_add(why, whylen, "%s %s", i ? "," : "", names[i]);
	plx_text_add(why, whylen, ")");
	return -EINVAL;
}

/* memory reads bytes; a plain number is MiB, as DPDK's -m. */
static int memory(uint64_t *v, const char *s, uint64_t lo, char *why, size_t whylen)
{
	int err = plx_text_u64(v, s, lo / MIB, 1 << 20);

	if (!err)
		*v *= MIB;
	else if (err == -EINVAL)
		err = plx_text_size(v, s, lo, MIB << 20);
	if (err == -ERANGE)
		snprintf(why, whylen, "outside %sto 1024G", lo ? "1M " : "0 ");
	else if (err)
		snprintf(why, whylen, "not a size: write MiB as a plain number, or 64M, 2G");
	return err ? -EINVAL : 0;
}

static int set_lcores(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;

	return lcore_list_parse(c->lcores, &c->nlcores, arg, why, whylen);
}

static int set_main_lcore(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	uint64_t v;

	if (plx_text_u64(&v, arg, 0, CONF_CPU_MAX - 1)) {
		snprintf(why, whylen, "not a number in 0-%d: write one lcore of -l, or a CPU", CONF_CPU_MAX - 1);
		return -EINVAL;
	}
	c->main_lcore = (int)v;
	return 0;
}

static int set_iface(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	int err;

	if (c->nports == PLX_PORTS_MAX) {
		snprintf(why, whylen, "more than %d interfaces", PLX_PORTS_MAX);
		return -EINVAL;
	}
	c->ports[c->nports] = plx_port_conf_default;
	err = plx_port_conf_parse(&c->ports[c->nports], arg, why, whylen);
	if (err)
		return err;
	c->nports++;
	return 0;
}

static int set_mem(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;

	return memory(&c->mem, arg, MIB, why, whylen);
}

static int set_node_mem(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	uint64_t sum = 0;

	for (c->nnode_mem = 0;; arg++) {
		char one[32];
		size_t n = strcspn(arg, ",");
		int err;

		if (c->nnode_mem == PLX_NODES_MAX) {
			snprintf(why, whylen, "more than %d nodes", PLX_NODES_MAX);
			return -EINVAL;
		}
		snprintf(one, sizeof(one), "%.*s", (int)n, arg);
		err = memory(&c->node_mem[c->nnode_mem], one, 0, why, whylen);
		if (err) {
			plx_text_add(why, whylen, ", node by node as 64,64 (node %u)", c->nnode_mem);
			return err;
		}
		sum += c->node_mem[c->nnode_mem++];
		arg += n;
		if (!*arg)
			break;
	}
	if (!sum) {
		snprintf(why, whylen, "no node gets memory: write MiB node by node, as 64,64");
		return -EINVAL;
	}
	return 0;
}

static int set_huge(void *dst, const char *arg, char *why, size_t whylen)
{
	static const char *const names[] = { [PLX_PREFER] = "prefer", [PLX_REQUIRE] = "require", [PLX_NEVER] = "never" };
	int i = word(arg, names, PLX_ARRAY_SIZE(names), why, whylen);

	if (i >= 0)
		((struct plx_env_conf *)dst)->huge = (enum plx_policy)i;
	return i < 0 ? i : 0;
}

static int set_idle(void *dst, const char *arg, char *why, size_t whylen)
{
	static const char *const names[] = { [PLX_IDLE_BUSY] = "busy", [PLX_IDLE_ADAPTIVE] = "adaptive",
	                                     [PLX_IDLE_INTERRUPT] = "interrupt" };
	int i = word(arg, names, PLX_ARRAY_SIZE(names), why, whylen);

	if (i >= 0)
		((struct plx_env_conf *)dst)->idle = (enum plx_idle)i;
	return i < 0 ? i : 0;
}

static int set_frame_size(void *dst, const char *arg, char *why, size_t whylen)
{
	uint64_t v;

	if (plx_text_size(&v, arg, 2048, 4096) || (v != 2048 && v != 4096)) {
		snprintf(why, whylen, "a frame has 2048 or 4096 bytes");
		return -EINVAL;
	}
	((struct plx_env_conf *)dst)->frame_size = (uint32_t)v;
	return 0;
}

static int set_name(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	size_t n = strspn(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (arg[n] || n >= sizeof(c->name)) {
		snprintf(why, whylen, "a name has at most %zu letters, digits, '.', '_' and '-'", sizeof(c->name) - 1);
		return -EINVAL;
	}
	memcpy(c->name, arg, n + 1);
	return 0;
}

static int set_log_level(void *dst, const char *arg, char *why, size_t whylen)
{
	const char *names[PLX_LOG_DEBUG];
	int i;

	for (i = 0; i < PLX_LOG_DEBUG; i++)
		names[i] = plx_log_level_name((enum plx_log_level)(i + 1));
	i = word(arg, names, PLX_ARRAY_SIZE(names), why, whylen);
	if (i >= 0)
		((struct plx_env_conf *)dst)->log_level = (enum plx_log_level)(i + 1);
	return i < 0 ? i : 0;
}

static int set_dry_run(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)arg, (void)why, (void)whylen;
	((struct plx_env_conf *)dst)->dry_run = true;
	return 0;
}

static int set_json(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)arg, (void)why, (void)whylen;
	((struct plx_env_conf *)dst)->json = true;
	return 0;
}

/* ---- the table; rows without set ask for text ---- */

const struct plx_opt conf_opts[] = {
	{ "lcores", 'l', "LIST", "polling threads: 0-3,8 or 1@5 or (0,6)@(4-7)", set_lcores, 0 },
	{ "main-lcore", 0, "N", "where the control thread runs; unpinned", set_main_lcore, PLX_OPT_MORE },
	{ "iface", 0, "NAME[,k=v..]", "a port, repeatable; --help-all shows its keys", set_iface, PLX_OPT_REPEAT },
	{ "mem", 'm', "SIZE", "frame memory in all, MiB or 64M, 2G; as needed", set_mem, 0 },
	{ "node-mem", 0, "A,B..", "the same node by node", set_node_mem, PLX_OPT_MORE },
	{ "huge", 0, "WORD", "hugepages: prefer, require, never; prefer", set_huge, 0 },
	{ "frame-size", 0, "BYTES", "2048 or 4096; 2048", set_frame_size, PLX_OPT_MORE },
	{ "idle", 0, "WORD", "busy, adaptive, interrupt; busy", set_idle, 0 },
	{ "name", 0, "NAME", "of threads and memory; the program's", set_name, PLX_OPT_MORE },
	{ "log-level", 0, "WORD", "error, warning, notice, info, debug; notice", set_log_level, PLX_OPT_MORE },
	{ "dry-run", 0, NULL, "print the plan and change nothing", set_dry_run, 0 },
	{ "json", 0, NULL, "with --dry-run: the plan as JSON", set_json, PLX_OPT_MORE },
	{ "help", 'h', NULL, "this text", NULL, 0 },
	{ "help-all", 0, NULL, "all options, and the keys of --iface", NULL, 0 },
	{ "version", 0, NULL, "the version", NULL, PLX_OPT_MORE },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};

/* Options that exclude each other, or (needs) the first of which wants the second. */
static const struct { const char *a, *b; bool needs; const char *mend; } rules[] = {
	{ "mem", "node-mem", false, "give the whole or the parts, not both" },
	{ "json", "dry-run", true, "it is the form of the plan; an application's own --json stands behind --" },
};

void plx_env_conf_init(struct plx_env_conf *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "pollux");
	c->main_lcore = -1;
	c->huge = PLX_PREFER;
	c->frame_size = PLX_FRAME_SIZE;
	c->idle = PLX_IDLE_BUSY;
	c->log_level = PLX_LOG_NOTICE;
}

/* ---- the parser ---- */

struct half {                     /* of the command line: one side of "--" */
	const struct plx_opt *opts; /* NULL = none */
	void    *dst;
	uint64_t seen;            /* bit i: row i was given */
};

struct parser {
	struct half env, app, *now;
	const struct plx_app *what;
	const char *prog;
	char  *why;
	size_t whylen;
};

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
	const char *list[128], *near, *value, *name = s + strspn(s, "-");
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

/* apply gives o its value, which may be the next word; *i is at the option's word. */
static int apply(struct parser *p, const struct plx_opt *o, const char *value, int *i, int argc, char **argv)
{
	uint64_t bit = 1ull << (o - p->now->opts);
	char dash[PLX_NAME_MAX], reason[1024] = "";
	const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
	int err;

	snprintf(dash, sizeof(dash), "%.*s", (int)(argv[*i][1] == '-' ? strcspn(argv[*i], "=") : 2), argv[*i]);
	if ((p->now->seen & bit) && !(o->flags & PLX_OPT_REPEAT)) {
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
	err = o->set(p->now->dst, value, reason, sizeof(reason));
	if (err && o->arg)
		snprintf(p->why, p->whylen, "%s '%s': %s", dash, value, reason);
	else if (err)
		snprintf(p->why, p->whylen, "%s: %s", dash, reason);
	return err;
}

/* text answers the rows that ask for text. */
static int text(struct parser *p, const struct plx_opt *o, const char *s, const char *value)
{
	if (value) {
		snprintf(p->why, p->whylen, "%s: takes no value, write --%s alone", s, o->name);
		return -EINVAL;
	}
	if (!strcmp(o->name, "version"))
		snprintf(p->why, p->whylen, "%s (pollux %s)\n", p->what && p->what->name ? p->what->name : p->prog, PLX_VERSION);
	else
		conf_help(p->why, p->whylen, p->prog, p->what, !strcmp(o->name, "help-all"));
	return PLX_TEXT;
}

static bool seen(const struct parser *p, const char *name)
{
	return p->env.seen >> (by_name(conf_opts, name, strlen(name)) - conf_opts) & 1;
}

static int check_rules(struct parser *p)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rules); i++) {
		if (!seen(p, rules[i].a) || seen(p, rules[i].b) == rules[i].needs)
			continue;
		snprintf(p->why, p->whylen, rules[i].needs ? "--%s needs --%s: %s" : "--%s and --%s: %s",
		         rules[i].a, rules[i].b, rules[i].mend);
		return -EINVAL;
	}
	return 0;
}

static int parse(struct parser *p, int argc, char **argv)
{
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
	return check_rules(p);
}

int plx_env_conf_parse(struct plx_env_conf *c, int argc, char **argv,
                       const struct plx_app *app, char *why, size_t whylen)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct parser p = {
		.env = { .opts = conf_opts, .dst = c },
		.app = { .opts = app ? app->opts : NULL, .dst = app ? app->dst : NULL },
		.what = app, .why = why, .whylen = whylen,
		.prog = slash ? slash + 1 : argc > 0 ? argv[0] : "pollux",
	};
	int err;

	p.now = &p.env;
	if (app && app->name)
		snprintf(c->name, sizeof(c->name), "%s", app->name);
	err = parse(&p, argc, argv);
	for (char *s = why; err < 0 && *s; s++)   /* one line, whatever the words had in them */
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	return err;
}

/* SPDX-License-Identifier: MIT */
/* keys.c - the one table of settings: name, values, default, sentence, and how each is
   read into struct plx_env_conf.  Cold, pure; called by the parsers of arguments,
   environment and file, and shown by help and pollux config. */
#include "conf.h"
#include "cpuset.h"
#include "plx_text.h"
#include "sized.h"
#include <ctype.h>
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

	if (!strcmp(arg, "auto")) {
		c->nlcores = 0;
		return 0;
	}
	return lcore_list_parse(c->lcores, &c->nlcores, arg, why, whylen);
}

static int set_service_lcores(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;

	if (!strcmp(arg, "none")) {
		c->nservice = 0;
		return 0;
	}
	return lcore_list_parse(c->service, &c->nservice, arg, why, whylen);
}

static int set_registered(void *dst, const char *arg, char *why, size_t whylen)
{
	uint64_t v;

	if (plx_text_u64(&v, arg, 0, PLX_LCORES_MAX - 1)) {
		snprintf(why, whylen, "not a number in 0-%d: write how many threads of the program will register",
		         PLX_LCORES_MAX - 1);
		return -EINVAL;
	}
	((struct plx_env_conf *)dst)->registered = (uint16_t)v;
	return 0;
}

static int set_main_lcore(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	uint64_t v;

	if (!strcmp(arg, "none")) {
		c->main_lcore = -1;
		return 0;
	}
	if (plx_text_u64(&v, arg, 0, CPUSET_MAX - 1)) {
		snprintf(why, whylen, "not a number in 0-%d: write one lcore of -l, or a CPU", CPUSET_MAX - 1);
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

	if (!strcmp(arg, "auto")) {
		c->mem = 0;
		return 0;
	}
	return memory(&c->mem, arg, MIB, why, whylen);
}

static int set_node_mem(void *dst, const char *arg, char *why, size_t whylen)
{
	struct plx_env_conf *c = dst;
	uint64_t sum = 0;

	c->nnode_mem = 0;
	if (!strcmp(arg, "auto"))
		return 0;
	for (;; arg++) {
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
	static const char *const names[] = {
		[PLX_PREFER] = "prefer", [PLX_REQUIRE] = "require", [PLX_NEVER] = "never"
	};
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

static int set_placement(void *dst, const char *arg, char *why, size_t whylen)
{
	static const char *const names[] = { [PLX_PLACE_AUTO] = "auto", [PLX_PLACE_SAME] = "same-core",
	                                     [PLX_PLACE_SPLIT] = "split-core" };
	int i = word(arg, names, PLX_ARRAY_SIZE(names), why, whylen);

	if (i >= 0)
		((struct plx_env_conf *)dst)->placement = (enum plx_placement)i;
	return i < 0 ? i : 0;
}

static int set_setup(void *dst, const char *arg, char *why, size_t whylen)
{
	static const char *const names[] = {
		[PLX_SETUP_NONE] = "none", [PLX_SETUP_CHECK] = "check", [PLX_SETUP_APPLY] = "apply"
	};
	int i = word(arg, names, PLX_ARRAY_SIZE(names), why, whylen);

	if (i >= 0)
		((struct plx_env_conf *)dst)->setup = (enum plx_setup)i;
	return i < 0 ? i : 0;
}

static int set_frame_size(void *dst, const char *arg, char *why, size_t whylen)
{
	uint64_t v = 0;

	if (!strcmp(arg, "auto")) {
		((struct plx_env_conf *)dst)->frame_size = 0;
		return 0;
	}
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

static int set_config(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)dst, (void)arg, (void)why, (void)whylen; /* the name is looked for before anything is set */
	return 0;
}

/* ---- the table; rows without set ask for text ---- */

enum { MORE = PLX_OPT_MORE, REPEAT = PLX_OPT_REPEAT, ARG = PLX_SETTING_ARG_ONLY,
       NO_FILE = PLX_SETTING_NOT_FILE };

/* name, letter, placeholder, values, default, sentence, reader, flags */
#define SETTINGS(X) \
	X("lcores", 'l', "LIST", "auto|LIST", "auto", "polling threads: 0-3,8 or 1@5 or (0,6)@(4-7)", set_lcores, 0) \
	X("service-lcores", 'S', "LIST", "none|LIST", "none", "lcores of service pollers, a list as of -l", \
	  set_service_lcores, MORE) \
	X("registered-threads", 0, "N", "0..127", "0", "threads of the program that register as lcores", \
	  set_registered, MORE) \
	X("main-lcore", 0, "N", "none|0..1023", "none", "where the main and watch threads run", set_main_lcore, MORE) \
	X("iface", 0, "NAME[,k=v..]", "PORT", NULL, "a port, repeatable; --help-all shows its keys", set_iface, \
	  REPEAT) \
	X("mem", 'm', "SIZE", "auto|1M..1024G", "auto", "frame memory in all, MiB or 64M, 2G", set_mem, 0) \
	X("node-mem", 0, "A,B..", "auto|SIZES", "auto", "frame memory node by node, as 64,64", set_node_mem, MORE) \
	X("huge", 0, "WORD", "prefer|require|never", "prefer", "hugepages for frames", set_huge, 0) \
	X("frame-size", 0, "BYTES", "auto|2048|4096", "auto", \
	  "bytes of a frame; auto: 4096 where the MTU or zero-copy needs it", set_frame_size, MORE) \
	X("idle", 0, "WORD", "busy|adaptive|interrupt", "busy", "lcores without work", set_idle, 0) \
	X("placement", 0, "WORD", "auto|same-core|split-core", "auto", "on or beside the CPU of a queue's interrupt", \
	  set_placement, MORE) \
	X("setup", 0, "WORD", "none|check|apply", "none", \
	  "changes to the host: as it is, refuse without, make and undo", set_setup, 0) \
	X("name", 0, "NAME", "NAME", "pollux", "name of threads and memory; a program has its own", set_name, MORE) \
	X("log-level", 0, "WORD", "error|warning|notice|info|debug", "notice", "least grave lines to show", \
	  set_log_level, MORE) \
	X("config", 'c', "FILE", "FILE", NULL, "settings in YAML; arguments and POLLUX_* win", set_config, NO_FILE) \
	X("dry-run", 0, NULL, NULL, NULL, "print the plan and change nothing", set_dry_run, ARG) \
	X("json", 0, NULL, NULL, NULL, "with --dry-run: the plan as JSON", set_json, ARG | MORE) \
	X("help", 'h', NULL, NULL, NULL, "this text", NULL, ARG) \
	X("help-all", 0, NULL, NULL, NULL, "all options, and the keys of --iface", NULL, ARG) \
	X("version", 0, NULL, NULL, NULL, "the version", NULL, ARG | MORE)

const struct plx_setting plx_settings[] = {
#define X(name, letter, arg, values, def, what, set, flags) { name, letter, arg, values, def, what, flags },
	SETTINGS(X)
#undef X
	{ NULL, 0, NULL, NULL, NULL, NULL, 0 },
};

const struct plx_opt conf_opts[] = {
#define X(name, letter, arg, values, def, what, set, flags) { name, letter, arg, what, set, flags },
	SETTINGS(X)
#undef X
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
static_assert(PLX_ARRAY_SIZE(conf_opts) <= 64, "a bit for each row");

const struct conf_rule conf_rules[] = {
	{ "mem", "node-mem", false, "give the whole or the parts, not both" },
	{ "json", "dry-run", true, "it is the form of the plan; an application's own --json stands behind --" },
	{ NULL, NULL, false, NULL },
};

int conf_row(const char *name, size_t n)
{
	for (int i = 0; plx_settings[i].name; i++)
		if (strlen(plx_settings[i].name) == n && !memcmp(plx_settings[i].name, name, n))
			return i;
	return -1;
}

const struct conf_rule *conf_excluded(uint64_t seen, int row)
{
	for (const struct conf_rule *r = conf_rules; r->a; r++) {
		int a = conf_row(r->a, strlen(r->a)), b = conf_row(r->b, strlen(r->b));

		if (!r->needs && ((row == a && seen >> b & 1) || (row == b && seen >> a & 1)))
			return r;
	}
	return NULL;
}

static void set_defaults(struct plx_env_conf *c)
{
	char why[128];

	memset(c, 0, sizeof(*c));
	c->size = sizeof(*c);
	for (int i = 0; plx_settings[i].name; i++)
		if (plx_settings[i].def)
			PLX_ASSERT(!conf_opts[i].set(c, plx_settings[i].def, why, sizeof(why)));
}

/* Of a program whose structure is shorter; a stack has room for it at a start. */
static __attribute__((noinline)) void set_part(struct plx_env_conf *c, size_t size)
{
	struct plx_env_conf all;

	set_defaults(&all);
	c->size = size;
	sized_give(c, sizeof(all), &all);
}

void plx_env_conf_init_size(struct plx_env_conf *c, size_t size)
{
	PLX_ASSERT(c && size >= sizeof(size) && size <= SIZED_MAX);
	if (size < sizeof(*c)) {
		set_part(c, size);
		return;
	}
	set_defaults(c);
	memset((char *)c + sizeof(*c), 0, size - sizeof(*c));
	c->size = size;
}

/* ---- the notation of values ---- */

/* kind_of tells what one end of a range, or a thing alone, is. */
static enum plx_value_kind kind_of(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	if (!digits)
		return isupper((unsigned char)*s) ? PLX_VALUE_TEXT : PLX_VALUE_WORD;
	if (!s[digits])
		return PLX_VALUE_NUMBER;
	return strchr("KMG", s[digits]) ? PLX_VALUE_SIZE : PLX_VALUE_TIME;
}

const char *plx_value_next(const char *values, struct plx_value *v)
{
	PLX_ASSERT(values && v);
	size_t n = strcspn(values, "|"), lo;
	const char *dots = memmem(values, n, "..", 2);

	if (dots && !isdigit((unsigned char)*values))
		dots = NULL;
	lo = dots ? (size_t)(dots - values) : n;
	snprintf(v->lo, sizeof(v->lo), "%.*s", (int)lo, values);
	snprintf(v->hi, sizeof(v->hi), "%.*s", (int)(dots ? n - lo - 2 : n), dots ? dots + 2 : values);
	v->kind = kind_of(v->hi);
	return values[n] ? values + n + 1 : NULL;
}

/* SPDX-License-Identifier: MIT */
/* test_conf_file.c - the configuration file: what it may say, every refusal word for word with
   its line and column, what wins over what, and that a bad file touches nothing. */
#include "conf.h"
#include "plx_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* an application with four options */
struct app { char mode[16], lengths[64]; unsigned burst, bursts; bool json; };

static int set_mode(void *dst, const char *arg, char *why, size_t whylen)
{
	if (strcmp(arg, "io") && strcmp(arg, "mac")) {
		snprintf(why, whylen, "unknown mode (io, mac)");
		return -EINVAL;
	}
	snprintf(((struct app *)dst)->mode, 16, "%s", arg);
	return 0;
}

static int set_burst(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	((struct app *)dst)->burst += (unsigned)atoi(arg);
	((struct app *)dst)->bursts++;
	return 0;
}

static int set_lengths(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	snprintf(((struct app *)dst)->lengths, 64, "%s", arg);
	return 0;
}

static int set_json(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	assert_null(arg);
	((struct app *)dst)->json = true;
	return 0;
}

static const struct plx_opt app_opts[] = {
	{ "mode", 'M', "WORD", "what to do", set_mode, 0 },
	{ "burst", 0, "N", "frames of a burst", set_burst, PLX_OPT_REPEAT },
	{ "length", 0, "A,B..", "of frames", set_lengths, 0 },
	{ "json", 0, NULL, "statistics as JSON", set_json, PLX_OPT_MORE },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};

/* what the notes said, one a line: "key=value from" */
static char notes[8192];

static void on_note(void *arg, const struct plx_conf_note *n)
{
	static const char *const from[] = { "default", "file", "environment", "argument" };

	(void)arg;
	if (n->from == PLX_FROM_DEFAULT && !*notes)
		return; /* those before any source */
	plx_text_add(notes, sizeof(notes), "%s%s%s=%s %s", n->app ? "app." : "", n->key, n->more ? "+" : "",
	             n->value ? n->value : "", from[n->from]);
	if (n->line)
		plx_text_add(notes, sizeof(notes), " %s:%u:%u", n->source, n->line, n->column);
	else if (n->source)
		plx_text_add(notes, sizeof(notes), " %s", n->source);
	plx_text_add(notes, sizeof(notes), "\n");
}

struct given { const char *text; size_t len; const char *words; const char *const *environ; bool any_app; };

/* merge reads one set of sources; words are arguments, split at '|'. */
static int merge(struct plx_env_conf *c, struct app *a, const struct given *g, struct plx_conf_in *in, char *why, size_t whylen)
{
	static struct plx_app app = { .name = "app", .what = "Does things.", .opts = app_opts };
	static char buf[2048], *argv[64] = { "/usr/bin/app" };
	char *rest = buf;
	int argc = 1;

	snprintf(buf, sizeof(buf), "%s", g->words ? g->words : "");
	while (*buf && rest && argc < 63)
		argv[argc++] = strsep(&rest, "|");
	app.dst = a;
	*in = (struct plx_conf_in){ .argc = argc, .argv = argv, .app = &app, .environ = (char *const *)g->environ,
	                            .text = g->text, .len = g->len, .any_app = g->any_app, .note = on_note };
	if (g->text)
		in->file = "f";
	notes[0] = 0;
	memset(a, 0, sizeof(*a));
	plx_env_conf_init(c);
	return plx_env_conf_merge(c, in, why, whylen);
}

static void ok(struct plx_env_conf *c, struct app *a, const struct given *g)
{
	struct plx_conf_in in;
	char why[2048];
	struct given h = *g;

	h.len = h.text && !h.len ? strlen(h.text) : h.len;
	if (merge(c, a, &h, &in, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(in.line, 0);
}
#define OK(c, a, ...) ok(c, a, &(struct given){ __VA_ARGS__ })

static void test_every_key(void **state)
{
	struct plx_env_conf c;
	struct app a;

	(void)state;
	OK(&c, &a, .text = "# all of them\nlcores: 0-1,5@7\nmain-lcore: 3\nmem: 64M\nhuge: require\nframe-size: 4096\n"
	   "idle: adaptive\nname: no\nlog-level: \"debug\"\nports:\n"
	   "- name: eth0\n  queues: 2\n  rxd: 1024\n  bind-timeout: 1500ms\n  stall: off\n"
	   "- { driver: null, name: x0, size: 512 }\n- 'y0,driver=loop,peer=x0'\n"
	   "app:\n  mode: mac\n  burst: [3, 4]\n  length: [64, 512]\n  json: yes\n");
	assert_int_equal(c.nlcores, 3);
	assert_int_equal(c.lcores[2].cpus[0], 7);
	assert_int_equal(c.main_lcore, 3);
	assert_int_equal(c.mem, 64 << 20);
	assert_int_equal(c.huge, PLX_REQUIRE);
	assert_int_equal(c.frame_size, 4096);
	assert_int_equal(c.idle, PLX_IDLE_ADAPTIVE);
	assert_string_equal(c.name, "no");        /* not false: the type is the setting's */
	assert_int_equal(c.log_level, PLX_LOG_DEBUG);
	assert_int_equal(c.nports, 3);
	assert_string_equal(c.ports[0].name, "eth0");
	assert_int_equal(c.ports[0].rxqs, 2);
	assert_int_equal(c.ports[0].txqs, 2);
	assert_int_equal(c.ports[0].rxd, 1024);
	assert_int_equal(c.ports[0].bind_timeout_ms, 1500);
	assert_int_equal(c.ports[0].stall_ms, UINT32_MAX);
	assert_int_equal(c.ports[0].multibuf, PLX_PREFER);
	assert_string_equal(c.ports[1].driver, "null");
	assert_int_equal(c.ports[1].size, 512);
	assert_string_equal(c.ports[2].peer, "x0");
	assert_string_equal(a.mode, "mac");
	assert_int_equal(a.burst, 7);
	assert_string_equal(a.lengths, "64,512");
	assert_true(a.json);
}

static void test_forms(void **state)
{
	static const char *const nothing[] = { "", "# only words\n", "---\n", "---\n...\n", "\xef\xbb\xbf", "{}", "ports: []\n" };
	struct plx_env_conf c, def;
	struct app a;

	(void)state;
	plx_env_conf_init(&def);
	snprintf(def.name, sizeof(def.name), "app");
	for (size_t i = 0; i < PLX_ARRAY_SIZE(nothing); i++) {
		OK(&c, &a, .text = nothing[i]);
		assert_memory_equal(&c, &def, sizeof(c));
	}
	OK(&c, &a, .text = "lcores: [0, 1, 5@7]\r\nnode-mem: [64, 1G]\r\n");
	assert_int_equal(c.nlcores, 3);
	assert_int_equal(c.node_mem[1], 1 << 30);
	OK(&c, &a, .text = "{\"mem\": \"2G\", \"ports\": [{\"name\": \"eth0\"}]}"); /* JSON is YAML */
	assert_int_equal(c.mem, 2ull << 30);
	assert_string_equal(c.ports[0].name, "eth0");
	OK(&c, &a, .text = "main-lcore: 010"); /* ten */
	assert_int_equal(c.main_lcore, 10);
	OK(&c, &a, .text = "\xef\xbb\xbfmem: 1\napp: {mode: io, json: false}\nmain-lcore: none\nlcores: auto\n");
	assert_int_equal(c.mem, 1 << 20);
	assert_false(a.json);
	/* all settings, those that exclude each other with their defaults */
	OK(&c, &a, .text = "mem: auto\nnode-mem: 64\n");
	assert_int_equal(c.nnode_mem, 1);
	OK(&c, &a, .text = "app: {anything: 1, list: [a, b]}", .any_app = true);
	assert_non_null(strstr(notes, "app.list=a,b file f:1:20\n"));
}

#define T(s) s, sizeof(s) - 1
static const struct { const char *text; size_t len; const char *why; } bad[] = {
	/* bytes */
	{ T("idle: busy\0\n"), "f:1:11: a NUL byte: is it a text file?" },
	{ T("# caf\xe9\n"), "f:1:6: byte 0xe9 is not UTF-8: save the file as UTF-8" },
	{ T("a\n# \xc3\xa9\xc3\xa9 \xc0\x80\n"), "f:2:6: byte 0xc0 is not UTF-8: save the file as UTF-8" },
	{ T("#\xed\xa0\x80"), "f:1:2: byte 0xed is not UTF-8: save the file as UTF-8" },
	{ T("#\xf4\x90\x80\x80"), "f:1:2: byte 0xf4 is not UTF-8: save the file as UTF-8" },
	{ T("\xff\xfei\0d\0"), "f:1:1: byte 0xff is not UTF-8: save the file as UTF-8" },
	{ T("#\xc3"), "f:1:2: byte 0xc3 is not UTF-8: save the file as UTF-8" },
	{ T("mem: 1\r\nidle: \x1b[1mbusy"), "f:2:7: a control character: delete it" },
	{ T("mem: 1\ridle: \x7f"), "f:2:7: a control character: delete it" },
	{ T("mem: 1 # \xe2\x80\xa8idle: busy"), "f:1:10: a character that does not show: delete it" },
	{ T("mem: \"1\\0\"\n"), "f:1:6: a line end or control character: write one line of text" },
	/* what is not YAML, or too much of it */
	{ T("ports:\n\t- name: eth0\n"), "f:2:1: not YAML: found character that cannot start any token: indent with blanks, not "
	                                 "with a tab" },
	{ T("idle: busy\nmem 64\n"),
	  "f:2:1: not YAML: could not find expected ':': write key: value, with a colon and a blank" },
	{ T("idle: busy: now\n"),
	  "f:1:11: not YAML: mapping values are not allowed in this context: a value with a colon needs quotes, or the lines do not align" },
	{ T("idle: 'busy\n"),
	  "f:1:7: not YAML: found unexpected end of stream: a quote is not closed" },
	{ T("ports: [eth0\n"),
	  "f:1:8: not YAML: did not find expected ',' or ']': a bracket is not closed, or a comma is missing" },
	{ T("lcores: @0\n"),
	  "f:1:9: not YAML: found character that cannot start any token: quote the value" },
	{ T("idle: busy\n  mem: 1\n"),
	  "f:1:7: a value is one line: the next one is indented as if it went on" },
	{ T(" idle: busy\nmem: 1\n"),
	  "f:2:1: not YAML: did not find expected <document start>: align the keys of one map below each other" },
	{ T("name: \"a\\qb\"\n"),
	  "f:1:9: not YAML: found unknown escape character: write '...' instead of \"...\", or \\\\ for a backslash" },
	{ T("ports:\n  - name: a\n - name: b\n"),
	  "f:3:2: not YAML: did not find expected key: align the keys of one map below each other" },
	{ T("idle: &a busy\n"),
	  "f:1:7: an anchor (&a): write the value where it is wanted" },
	{ T("mem: 1\nidle: *a\n"),
	  "f:2:7: an alias (*a): write the value itself, or quote it" },
	{ T("mem: !!int 5\n"),
	  "f:1:6: a tag (tag:yaml.org,2002:int): the type is the setting's, leave it out" },
	{ T("ports: !x []\n"),
	  "f:1:8: a tag (!x): the type is the setting's, leave it out" },
	{ T("<<: {idle: busy}\n"),
	  "f:1:1: unknown key \"<<\"; the keys are ..." },
	{ T("%YAML 1.1\n---\nidle: busy\n"),
	  "f:1:1: a directive (%): leave it out" },
	{ T("idle: busy\n---\nmem: 1\n"),
	  "f:2:1: a second document: one file has one" },
	{ T("? [a]\n: b\n"),
	  "f:1:3: a list or map stands where a key belongs: write key: value" },
	{ T("- idle\n"),
	  "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("idle\n"),
	  "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"),
	  "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("lcores: [0, [1, [2]]]\n"),
	  "f:1:13: lcores: a list has values only, no lists or maps" },
	{ T("app: {mode: {a: {b: c}}}\n"),
	  "f:1:13: mode: a map stands where one value belongs: mode: WORD" },
	/* keys */
	{ T("mem: 1\nidel: busy\n"),
	  "f:2:1: unknown key \"idel\", did you mean \"idle\"?" },
	{ T("zzzzzzzz: 1\n"),
	  "f:1:1: unknown key \"zzzzzzzz\"; the keys are ..." },
	{ T("iface: eth0\n"),
	  "f:1:1: \"iface\" is \"ports\" here, a list: - name: eth0" },
	{ T("driver: null\n"),
	  "f:1:1: \"driver\" is a key of a port: it stands in an item of ports" },
	{ T("mode: io\n"),
	  "f:1:1: \"mode\" stands in an item of ports or in the map app" },
	{ T("burst: 3\n"),
	  "f:1:1: \"burst\" is an option of app: it stands in the map app" },
	{ T("m: 64\n"),
	  "f:1:1: unknown key \"m\", did you mean \"mem\"?" },
	{ T("config: other.yaml\n"),
	  "f:1:1: config: a file does not name another: leave it out" },
	{ T("dry-run: true\n"),
	  "f:1:1: dry-run: only the command line has it: --dry-run" },
	{ T("idle: busy\nmem: 1\nidle: busy\n"),
	  "f:3:1: idle: given twice, first in line 1: once is enough" },
	{ T("ports: []\nports: []\n"),
	  "f:2:1: ports: given twice, first in line 1: once is enough" },
	{ T("app: {}\napp: {}\n"),
	  "f:2:1: app: given twice, first in line 1: once is enough" },
	{ T("mem: 1\nhuge: never\nnode-mem: 1\n"),
	  "f:3:1: mem and node-mem: give the whole or the parts, not both" },
	/* values */
	{ T("idle:\nmem: 1\n"),
	  "f:1:1: idle: has no value: idle: busy|adaptive|interrupt" },
	{ T("idle: ''\n"),
	  "f:1:1: idle: has no value: idle: busy|adaptive|interrupt" },
	{ T("idle: no\n"),
	  "f:1:7: idle 'no': unknown word (one of busy, adaptive, interrupt)" },
	{ T("idle: Busy\n"),
	  "f:1:7: idle 'Busy': unknown word, did you mean busy? (one of busy, adaptive, interrupt)" },
	{ T("idle: [busy]\n"),
	  "f:1:7: idle: a list stands where one value belongs: idle: busy|adaptive|interrupt" },
	{ T("idle: {busy: yes}\n"),
	  "f:1:7: idle: a map stands where one value belongs: idle: busy|adaptive|interrupt" },
	{ T("idle: ~\n"),
	  "f:1:7: idle '~': unknown word (one of busy, adaptive, interrupt)" },
	{ T("idle: |\n  busy\n"),
	  "f:1:7: a value is one line: the next one is indented as if it went on" },
	{ T("mem:  12:30:00\n"),
	  "f:1:7: mem '12:30:00': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("mem: 0\n"),
	  "f:1:6: mem '0': outside 1M to 1024G" },
	{ T("mem: 1.5G\n"),
	  "f:1:6: mem '1.5G': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("mem: 64 M\n"),
	  "f:1:6: mem '64 M': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("node-mem: [64, x]\n"),
	  "f:1:11: node-mem '64,x': not a size: write MiB as a plain number, or 64M, 2G, node by node as 64,64 (node 1)" },
	{ T("frame-size: 1500\n"),
	  "f:1:13: frame-size '1500': a frame has 2048 or 4096 bytes" },
	{ T("huge:   requir\n"),
	  "f:1:9: huge 'requir': unknown word, did you mean require? (one of prefer, require, never)" },
	{ T("log-level: off\n"),
	  "f:1:12: log-level 'off': unknown word (one of error, warning, notice, info, debug)" },
	{ T("name: a b\n"),
	  "f:1:7: name 'a b': a name has at most 63 letters, digits, '.', '_' and '-'" },
	{ T("main-lcore: 1024\n"),
	  "f:1:13: main-lcore '1024': not a number in 0-1023: write one lcore of -l, or a CPU" },
	{ T("lcores: 0-\n"),
	  "f:1:9: lcores '0-': a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ T("lcores: []\n"),
	  "f:1:9: lcores: the list is empty: lcores: auto|LIST" },
	{ T("lcores: {0: 1}\n"),
	  "f:1:9: lcores: a map stands where one value belongs: lcores: auto|LIST" },
	/* ports */
	{ T("ports:\n"),
	  "f:1:1: ports: has no value: write [] for none, or - name: eth0 below it" },
	{ T("ports: eth0\n"),
	  "f:1:8: ports: a list belongs here: begin each port by - name: eth0" },
	{ T("ports: {eth0: {}}\n"),
	  "f:1:8: ports: a list belongs here: begin each port by - name: eth0" },
	{ T("ports:\n  - - eth0\n"),
	  "f:2:5: ports: a list stands where a port belongs: - name: eth0" },
	{ T("ports:\n  - rxqs: 1\n"),
	  "f:2:5: a port without a name: begin it by - name: eth0" },
	{ T("ports:\n  - name: eth0\n    mood: zc\n"),
	  "f:3:5: unknown key \"mood\", did you mean \"mode\"?" },
	{ T("ports:\n  - nam: eth0\n"),
	  "f:2:5: unknown key \"nam\", did you mean \"name\"?" },
	{ T("ports:\n  - name: eth0\n    idle: busy\n"),
	  "f:3:5: \"idle\" is no key of a port: it stands at the left margin" },
	{ T("ports:\n  - name: eth0\n    rxd: 2k\n"),
	  "f:3:10: rxd: \"2k\" is not a number from 64 to 65536" },
	{ T("ports:\n  - name: eth0\n    rxd: 100\n"),
	  "f:3:10: rxd: 100 is not a power of two: take 64 or 128" },
	{ T("ports:\n  - name: eth0\n    mode: fast\n"),
	  "f:3:11: mode: \"fast\" is none of auto, zc, native, generic" },
	{ T("ports:\n  - name: eth0\n    stall: 1\n    stall: 2\n"),
	  "f:4:5: stall: given twice, first in line 3: once is enough" },
	{ T("ports:\n  - name: eth0\n    name: eth1\n"),
	  "f:3:5: name: given twice, first in line 2: once is enough" },
	{ T("ports:\n  - rxqs:\n    name: eth0\n"),
	  "f:2:5: rxqs: has no value: rxqs: 1..256" },
	{ T("ports:\n  - name: eth0\n    rxqs: [1, 2]\n"),
	  "f:3:11: rxqs: a list stands where one value belongs: rxqs: 1..256" },
	{ T("ports:\n  - name: eth0\n    peer: x\n"),
	  "f:3:5: key \"peer\" belongs to driver=loop, not to an interface of the kernel" },
	{ T("ports:\n  - queues: 2\n    name: eth0\n    rxqs: 1\n"),
	  "f:2:5: \"queues\" sets both \"rxqs\" and \"txqs\": give one or the others" },
	{ T("ports:\n  - {name: eth0,mode=zc}\n"),
	  "f:2:17: unknown key \"mode=zc\"; the keys are ..." },
	{ T("ports:\n  - name: sixteen-bytes-xx\n"),
	  "f:2:11: an interface name has at most 15 bytes" },
	{ T("ports:\n  - name: 'a b'\n"),
	  "f:2:11: name: a name has no spaces, slashes or control characters" },
	{ T("ports:\n  - eth0,mood=zc\n"),
	  "f:2:5: eth0: unknown key \"mood\" (did you mean \"mode\"?)" },
	{ T("ports:\n  -\n"),
	  "f:2:4: a name is missing" },
	/* the application */
	{ T("app: io\n"),
	  "f:1:6: app: a map of the application's options belongs here: key: value" },
	{ T("app:\n"),
	  "f:1:5: app: a map of the application's options belongs here: key: value" },
	{ T("app:\n  mode: oi\n"),
	  "f:2:9: mode 'oi': unknown mode (io, mac)" },
	{ T("app:\n  mod: io\n"),
	  "f:2:3: unknown key \"mod\", did you mean \"mode\"?" },
	{ T("app:\n  idle: busy\n"),
	  "f:2:3: \"idle\" is no option of app: it stands at the left margin" },
	{ T("app:\n  mode: io\n  json: 1\n"),
	  "f:3:9: json '1': write true or false" },
	{ T("app:\n  json:\n"),
	  "f:2:3: json: has no value: json: true" },
	{ T("app:\n  mode: io\n  mode: mac\n"),
	  "f:3:3: mode: given twice, first in line 2: once is enough" },
	{ T("app: {burst: [1, {}]}\n"),
	  "f:1:18: burst: a map stands where one value belongs: burst: N" },
};

/* A reason that ends in ... may go on. */
static bool same(const char *is, const char *want)
{
	size_t n = strlen(want);

	return n > 3 && !strcmp(want + n - 3, "...") ? !strncmp(is, want, n - 3) : !strcmp(is, want);
}

static void test_bad(void **state)
{
	struct plx_env_conf c;
	struct app a;
	char why[2048];
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		struct given g = { .text = bad[i].text, .len = bad[i].len };
		struct plx_conf_in in;
		unsigned line, column;

		if (merge(&c, &a, &g, &in, why, sizeof(why)) != -EINVAL) {
			print_error("taken: %s\n", bad[i].text);
			wrong++;
			continue;
		}
		if (!same(why, bad[i].why)) {
			print_error("%zu: is \"%s\"\n", i, why);
			wrong++;
		}
		assert_int_equal(sscanf(why, "f:%u:%u:", &line, &column), 2);
		assert_int_equal(in.line, line);
		assert_int_equal(in.column, column);
	}
	assert_int_equal(wrong, 0);
	assert_true(PLX_ARRAY_SIZE(bad) >= 40);
}

/* ---- what wins over what ---- */

static void test_precedence(void **state)
{
	static const char *const env[] = { "HOME=/root", "POLLUX_IDLE=interrupt", "POLLUX_HUGE=never", NULL };
	struct plx_env_conf c;
	struct app a;

	(void)state;
	OK(&c, &a, .text = "idle: adaptive\nhuge: require\nmem: 64\nlog-level: debug\n", .environ = env,
	   .words = "--idle|busy|--name|x");
	assert_int_equal(c.idle, PLX_IDLE_BUSY);
	assert_int_equal(c.huge, PLX_NEVER);
	assert_int_equal(c.mem, 64 << 20);
	assert_int_equal(c.log_level, PLX_LOG_DEBUG);
	assert_int_equal(c.frame_size, 2048);
	assert_string_equal(notes, "idle=adaptive file f:1:1\nhuge=require file f:2:1\nmem=64 file f:3:1\n"
	                    "log-level=debug file f:4:1\nidle=interrupt environment POLLUX_IDLE\n"
	                    "huge=never environment POLLUX_HUGE\nidle=busy argument\nname=x argument\n");
}

/* The ports of one source are one list; a later source's take its place. */
static void test_ports_win(void **state)
{
	static const char *const env[] = { "POLLUX_IFACE= e0,driver=null\te1 ", NULL };
	static const char file[] = "ports:\n  - name: f0\n    queues: 2\n  - f1\n";
	struct plx_env_conf c;
	struct app a;

	(void)state;
	OK(&c, &a, .text = file);
	assert_int_equal(c.nports, 2);
	assert_string_equal(notes, "iface=f0,queues=2 file f:2:5\niface+=f1 file f:4:5\n");
	OK(&c, &a, .text = file, .environ = env);
	assert_int_equal(c.nports, 2);
	assert_string_equal(c.ports[0].name, "e0");
	assert_string_equal(c.ports[0].driver, "null");
	assert_int_equal(c.ports[0].rxqs, 0);
	assert_string_equal(c.ports[1].name, "e1");
	OK(&c, &a, .text = file, .environ = env, .words = "--iface|a0|--iface|a1|--iface|a2");
	assert_int_equal(c.nports, 3);
	assert_string_equal(c.ports[0].name, "a0");
	assert_string_equal(c.ports[2].name, "a2");
	OK(&c, &a, .text = file, .words = "--iface|a0");
	assert_int_equal(c.nports, 1);
}

/* What excludes each other does so within one source; a later source decides anew. */
static void test_excluded(void **state)
{
	static const char *const node[] = { "POLLUX_NODE_MEM=8,8", NULL }, *const both[] = { "POLLUX_MEM=1", "POLLUX_NODE_MEM=1", NULL };
	struct plx_env_conf c;
	struct plx_conf_in in;
	struct app a;
	char why[2048];

	(void)state;
	OK(&c, &a, .text = "node-mem: 64,64\n", .words = "-m|1G");
	assert_int_equal(c.nnode_mem, 0);
	assert_int_equal(c.mem, 1 << 30);
	assert_non_null(strstr(notes, "node-mem=auto default\nmem=1G argument\n"));
	OK(&c, &a, .text = "mem: 64\nnode-mem: auto\n", .environ = node);
	assert_int_equal(c.mem, 0);
	assert_int_equal(c.nnode_mem, 2);
	OK(&c, &a, .environ = node, .words = "-m|auto"); /* a default displaces nothing else */
	assert_int_equal(c.nnode_mem, 2);
	assert_int_equal(merge(&c, &a, &(struct given){ .environ = both }, &in, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "POLLUX_MEM and POLLUX_NODE_MEM: give the whole or the parts, not both");
}

/* An application's options: the file's first, then those behind "--"; of repeatable ones the
   command line's take the place of the file's. */
static void test_app(void **state)
{
	struct plx_env_conf c;
	struct plx_conf_in in;
	struct app a;
	char why[2048];

	(void)state;
	OK(&c, &a, .text = "app: {mode: io, burst: [1, 2], length: 64}", .words = "--|--mode|mac|--burst|4|--json");
	assert_string_equal(a.mode, "mac");
	assert_int_equal(a.burst, 4);
	assert_int_equal(a.bursts, 1);
	assert_string_equal(a.lengths, "64");
	assert_true(a.json);
	assert_string_equal(notes, "app.mode=io file f:1:7\napp.length=64 file f:1:32\napp.mode=mac argument\n"
	                    "app.burst=4 argument\napp.json= argument\n");
	/* a program without options of its own */
	in = (struct plx_conf_in){ .file = "f", .text = "app: {}", .len = 7 };
	assert_int_equal(plx_env_conf_merge(&c, &in, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "f:1:1: app: this program has no options of its own: leave it out");
}

static const struct { const char *var, *why; } bad_env[] = {
	{ "POLLUX_IDEL=busy", "POLLUX_IDEL: unknown variable, did you mean POLLUX_IDLE?" },
	{ "POLLUX_idle=busy", "POLLUX_idle: unknown variable, did you mean POLLUX_IDLE?" },
	{ "POLLUX_ZZZZZZZZZZ=1", "POLLUX_ZZZZZZZZZZ: unknown variable; unset it, or see --help-all: each option is "
	                         "POLLUX_OPTION" },
	{ "POLLUX_IDLE=lazy", "POLLUX_IDLE 'lazy': unknown word (one of busy, adaptive, interrupt)" },
	{ "POLLUX_IDLE=", "POLLUX_IDLE: it is empty: unset it, or POLLUX_IDLE=busy|adaptive|interrupt" },
	{ "POLLUX_MEM=-1", "POLLUX_MEM '-1': not a size: write MiB as a plain number, or 64M, 2G" },
	{ "POLLUX_DRY_RUN=1", "POLLUX_DRY_RUN: only the command line has it: --dry-run" },
	{ "POLLUX_IFACE=a b,mood=1", "POLLUX_IFACE 'b,mood=1': b: unknown key \"mood\" (did you mean \"mode\"?)" },
	{ "POLLUX_IDLE", "POLLUX_IDLE: it is empty: unset it, or POLLUX_IDLE=busy|adaptive|interrupt" },
};

static void test_bad_environment(void **state)
{
	struct plx_env_conf c;
	struct plx_conf_in in;
	struct app a;
	char why[2048];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad_env); i++) {
		const char *env[] = { "A=b", bad_env[i].var, NULL };

		assert_int_equal(merge(&c, &a, &(struct given){ .environ = env }, &in, why, sizeof(why)), -EINVAL);
		assert_string_equal(why, bad_env[i].why);
	}
}

/* ---- the table ---- */

/* The setters take what the notation of values says, and the ends of ranges are the ends. */
static void test_values(void **state)
{
	static const struct { const char *text; enum plx_value_kind kind; const char *lo, *hi; } rows[] = {
		{ "auto|LIST", PLX_VALUE_WORD, "auto", "auto" }, { "LIST", PLX_VALUE_TEXT, "LIST", "LIST" },
		{ "0..1023", PLX_VALUE_NUMBER, "0", "1023" }, { "2048|4096", PLX_VALUE_NUMBER, "2048", "2048" },
		{ "1M..1024G", PLX_VALUE_SIZE, "1M", "1024G" }, { "10ms..3600s|off", PLX_VALUE_TIME, "10ms", "3600s" },
		{ "5tuple", PLX_VALUE_TIME, "5tuple", "5tuple" },
	};
	static struct plx_env_conf c;
	char why[1024], over[64];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		struct plx_value v;
		const char *rest = plx_value_next(rows[i].text, &v);

		assert_int_equal(v.kind, rows[i].kind);
		assert_string_equal(v.lo, rows[i].lo);
		assert_string_equal(v.hi, rows[i].hi);
		assert_int_equal(rest != NULL, strchr(rows[i].text, '|') != NULL);
	}
	for (int i = 0; plx_settings[i].name; i++) {
		const struct plx_setting *s = &plx_settings[i];

		assert_string_equal(s->name, conf_opts[i].name);
		assert_int_equal(s->values != NULL, s->arg != NULL);
		if (s->def)
			assert_int_equal(conf_opts[i].set(&c, s->def, why, sizeof(why)), 0);
		for (const char *rest = s->values; rest;) {
			struct plx_value v;

			rest = plx_value_next(rest, &v);
			if (v.kind == PLX_VALUE_TEXT)
				continue;
			assert_int_equal(conf_opts[i].set(&c, v.lo, why, sizeof(why)), 0);
			assert_int_equal(conf_opts[i].set(&c, v.hi, why, sizeof(why)), 0);
			if (v.kind == PLX_VALUE_WORD || !strcmp(v.lo, v.hi))
				continue;
			snprintf(over, sizeof(over), "%llu%s", strtoull(v.hi, NULL, 10) + 1, v.hi + strspn(v.hi, "0123456789"));
			assert_int_equal(conf_opts[i].set(&c, over, why, sizeof(why)), -EINVAL);
		}
	}
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++)
		for (const char *rest = k->values; rest;) {
			struct plx_value v;
			char word[128], *ends[] = { v.lo, v.hi };

			rest = plx_value_next(rest, &v);
			for (int e = 0; e < 2 && v.kind != PLX_VALUE_TEXT; e++) {
				static const char *const drivers[] = { "af_xdp", "packet", "loop", "null" };
				int taken = 0;

				for (int d = 0; d < 4; d++) {
					struct plx_port_conf p = plx_port_conf_default;

					snprintf(word, sizeof(word), !strcmp(k->name, "driver") ? "x,%s=%s" : "x,%s=%s,driver=%s", k->name,
					         ends[e], drivers[d]);
					taken += !plx_port_conf_parse(&p, word, why, sizeof(why));
				}
				if (!taken)
					fail_msg("%s: %s", word, why);
			}
		}
}

/* ---- the file itself ---- */

/* A system that has files and nothing else: what calls another entry dies. */
static const struct plx_sys *files_only(uid_t (*uid)(void))
{
	static struct plx_sys sys;

	sys = (struct plx_sys){ .open = plx_sys_linux.open, .read = plx_sys_linux.read, .close = plx_sys_linux.close,
	                        .fstat = plx_sys_linux.fstat, .geteuid = uid };
	return &sys;
}

static uid_t as_root(void) { return 0; }
static uid_t as_user(void) { return 1000; }

static void put(const char *name, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

/* read_conf reads name as plx_env_init would; nothing is opened but files. */
static int read_conf(const char *name, uid_t (*uid)(void), struct plx_env_conf *c, char *why, size_t whylen)
{
	char *argv[] = { "app", "-c", (char *)name, NULL };
	struct plx_conf_in in = { .argc = 3, .argv = argv };

	plx_env_conf_init(c);
	c->sys = files_only(uid);
	return plx_env_conf_read(c, &in, why, whylen);
}

static void test_file(void **state)
{
	char name[] = "/tmp/plx-conf-XXXXXX", why[2048], want[256];
	struct plx_env_conf c;
	static char big[PLX_CONF_FILE_MAX + 2];
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	put(name, "idle: adaptive\n", 15, 0644);
	assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), 0);
	assert_int_equal(c.idle, PLX_IDLE_ADAPTIVE);
	static const struct { mode_t mode; const char *who, *chmod; } modes[] = {
		{ 0664, "its group", "g-w" }, { 0646, "everyone", "o-w" }, { 0666, "its group and everyone", "go-w" },
	};
	for (size_t i = 0; i < PLX_ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(name, modes[i].mode), 0);
		assert_int_equal(read_conf(name, as_user, &c, why, sizeof(why)), 0);
		assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), -EINVAL);
		snprintf(want, sizeof(want), "%s: %s may write it, and root would obey: chmod %s %s", name, modes[i].who,
		         modes[i].chmod, name);
		assert_string_equal(why, want);
	}
	memset(big, '#', sizeof(big));
	put(name, big, PLX_CONF_FILE_MAX, 0600);
	assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), 0);
	put(name, big, PLX_CONF_FILE_MAX + 1, 0600);
	assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "longer than 1024 KiB"));
	unlink(name);
	assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "no such file; pollux config default shows one"));
	assert_int_equal(read_conf("/tmp", as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "Is a directory"));
	assert_int_equal(read_conf("/dev/zero", as_root, &c, why, sizeof(why)), -EINVAL);
}

/* A system whose calls fail, or give a byte at a time. */
static int fails, reads;
static int no_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	errno = fails;
	return -1;
}

static int no_fstat(int fd, struct stat *st)
{
	(void)fd, (void)st;
	errno = fails;
	return -1;
}

static ssize_t slow_read(int fd, void *buf, size_t n)
{
	if (++reads % 2) {
		errno = EINTR;
		return -1;
	}
	if (fails && reads > 6) {
		errno = fails;
		return -1;
	}
	return plx_sys_linux.read(fd, buf, n ? 1 : 0);
}

static void test_file_faults(void **state)
{
	char name[] = "/tmp/plx-conf-XXXXXX", why[2048];
	char *argv[] = { "app", "-c", name, NULL };
	struct plx_conf_in in = { .argc = 3, .argv = argv };
	struct plx_env_conf c;
	struct plx_sys sys = *files_only(as_root);
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	put(name, "idle: adaptive\n", 15, 0600);
	plx_env_conf_init(&c);
	c.sys = &sys;
	sys.read = slow_read;
	fails = 0;
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), 0);
	assert_int_equal(c.idle, PLX_IDLE_ADAPTIVE);
	assert_true(reads > 30);
	fails = EIO;
	reads = 0;
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "cannot read it: Input/output error"));
	sys.fstat = no_fstat;
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "cannot open it: Input/output error"));
	sys.open = no_open;
	fails = EACCES; /* exit code 4 */
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), -EACCES);
	unlink(name);
}

/* Each bad file read as a program reads it: refused in the same words, by a system on which
   any call but those for a file would crash. */
static void test_bad_files(void **state)
{
	char name[] = "/tmp/plx-conf-XXXXXX", why[2048];
	struct plx_env_conf c;
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		put(name, bad[i].text, bad[i].len, 0600);
		assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), -EINVAL);
		assert_int_equal(strncmp(why, name, strlen(name)), 0);
	}
	unlink(name);
}

/* A file of -c or POLLUX_CONFIG that nobody read is no silent nothing. */
static void test_unread(void **state)
{
	static const char *const env[] = { "POLLUX_CONFIG=e.yaml", NULL };
	struct plx_env_conf c;
	struct plx_conf_in in;
	struct app a;
	const char *name;
	char why[2048];

	(void)state;
	assert_int_equal(merge(&c, &a, &(struct given){ .words = "-c|x.yaml" }, &in, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "-c x.yaml: this program reads no file; give its settings as arguments");
	assert_int_equal(merge(&c, &a, &(struct given){ .environ = env }, &in, why, sizeof(why)), -EINVAL);
	assert_int_equal(plx_env_conf_file(&name, &in, why, sizeof(why)), 0);
	assert_string_equal(name, "e.yaml");
	assert_int_equal(merge(&c, &a, &(struct given){ .environ = env, .words = "--config=x.yaml" }, &in, why, sizeof(why)), -EINVAL);
	assert_int_equal(plx_env_conf_file(&name, &in, why, sizeof(why)), 0);
	assert_string_equal(name, "x.yaml");
	/* help needs no file */
	char help[PLX_HELP_MAX];
	assert_int_equal(merge(&c, &a, &(struct given){ .words = "-c|x.yaml|-h" }, &in, help, sizeof(help)), PLX_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_forms), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_ports_win), cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_app), cmocka_unit_test(test_bad_environment), cmocka_unit_test(test_values),
		cmocka_unit_test(test_file), cmocka_unit_test(test_file_faults), cmocka_unit_test(test_bad_files), cmocka_unit_test(test_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

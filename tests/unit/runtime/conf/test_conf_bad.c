/* SPDX-License-Identifier: MIT */
/* test_conf_bad.c - every refusal of a configuration file and of the environment, word for word
   with its line and column; and that a bad file touches nothing. */
#include "conf_file_util.h"

#define T(s) s, sizeof(s) - 1
static const struct { const char *text; size_t len; const char *why;
} bad[] = {
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
	{ T("ports:\n\t- name: eth0\n"),
	  "f:2:1: not YAML: found character that cannot start any token: indent with blanks, not "
	  "with a tab" },
	{ T("idle: busy\nmem 64\n"),
	  "f:2:1: not YAML: could not find expected ':': write key: value, with a colon and a blank" },
	{ T("idle: busy: now\n"), "f:1:11: not YAML: mapping values are not allowed in this context: a value with a "
	                          "colon needs quotes, or the lines do not align" },
	{ T("idle: 'busy\n"), "f:1:7: not YAML: found unexpected end of stream: a quote is not closed" },
	{ T("ports: [eth0\n"),
	  "f:1:8: not YAML: did not find expected ',' or ']': a bracket is not closed, or a comma is missing" },
	{ T("lcores: @0\n"), "f:1:9: not YAML: found character that cannot start any token: quote the value" },
	{ T("idle: busy\n  mem: 1\n"), "f:1:7: a value is one line: the next one is indented as if it went on" },
	{ T(" idle: busy\nmem: 1\n"),
	  "f:2:1: not YAML: did not find expected <document start>: align the keys of one map below each other" },
	{ T("name: \"a\\qb\"\n"),
	  "f:1:9: not YAML: found unknown escape character: write '...' instead of \"...\", or \\\\ for a backslash" },
	{ T("ports:\n  - name: a\n - name: b\n"),
	  "f:3:2: not YAML: did not find expected key: align the keys of one map below each other" },
	{ T("idle: &a busy\n"), "f:1:7: an anchor (&a): write the value where it is wanted" },
	{ T("mem: 1\nidle: *a\n"), "f:2:7: an alias (*a): write the value itself, or quote it" },
	{ T("mem: !!int 5\n"), "f:1:6: a tag (tag:yaml.org,2002:int): the type is the setting's, leave it out" },
	{ T("ports: !x []\n"), "f:1:8: a tag (!x): the type is the setting's, leave it out" },
	{ T("<<: {idle: busy}\n"), "f:1:1: unknown key \"<<\"; the keys are ..." },
	{ T("%YAML 1.1\n---\nidle: busy\n"), "f:1:1: a directive (%): leave it out" },
	{ T("idle: busy\n---\nmem: 1\n"), "f:2:1: a second document: one file has one" },
	{ T("? [a]\n: b\n"), "f:1:3: a list or map stands where a key belongs: write key: value" },
	{ T("- idle\n"), "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("idle\n"), "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"),
	  "f:1:1: a map of settings belongs here: key: value, as idle: busy" },
	{ T("lcores: [0, [1, [2]]]\n"), "f:1:13: lcores: a list has values only, no lists or maps" },
	{ T("app: {mode: {a: {b: c}}}\n"), "f:1:13: mode: a map stands where one value belongs: mode: WORD" },
	/* keys */
	{ T("mem: 1\nidel: busy\n"), "f:2:1: unknown key \"idel\", did you mean \"idle\"?" },
	{ T("zzzzzzzz: 1\n"), "f:1:1: unknown key \"zzzzzzzz\"; the keys are ..." },
	{ T("iface: eth0\n"), "f:1:1: \"iface\" is \"ports\" here, a list: - name: eth0" },
	{ T("driver: null\n"), "f:1:1: \"driver\" is a key of a port: it stands in an item of ports" },
	{ T("mode: io\n"), "f:1:1: \"mode\" stands in an item of ports or in the map app" },
	{ T("burst: 3\n"), "f:1:1: \"burst\" is an option of app: it stands in the map app" },
	{ T("m: 64\n"), "f:1:1: unknown key \"m\", did you mean \"mem\"?" },
	{ T("config: other.yaml\n"), "f:1:1: config: a file does not name another: leave it out" },
	{ T("dry-run: true\n"), "f:1:1: dry-run: only the command line has it: --dry-run" },
	{ T("idle: busy\nmem: 1\nidle: busy\n"), "f:3:1: idle: given twice, first in line 1: once is enough" },
	{ T("ports: []\nports: []\n"), "f:2:1: ports: given twice, first in line 1: once is enough" },
	{ T("app: {}\napp: {}\n"), "f:2:1: app: given twice, first in line 1: once is enough" },
	{ T("mem: 1\nhuge: never\nnode-mem: 1\n"), "f:3:1: mem and node-mem: give the whole or the parts, not both" },
	/* values */
	{ T("idle:\nmem: 1\n"), "f:1:1: idle: has no value: idle: busy|adaptive|interrupt" },
	{ T("idle: ''\n"), "f:1:1: idle: has no value: idle: busy|adaptive|interrupt" },
	{ T("idle: no\n"), "f:1:7: idle 'no': unknown word (one of busy, adaptive, interrupt)" },
	{ T("idle: Busy\n"),
	  "f:1:7: idle 'Busy': unknown word, did you mean busy? (one of busy, adaptive, interrupt)" },
	{ T("idle: [busy]\n"), "f:1:7: idle: a list stands where one value belongs: idle: busy|adaptive|interrupt" },
	{ T("idle: {busy: yes}\n"),
	  "f:1:7: idle: a map stands where one value belongs: idle: busy|adaptive|interrupt" },
	{ T("idle: ~\n"), "f:1:7: idle '~': unknown word (one of busy, adaptive, interrupt)" },
	{ T("idle: |\n  busy\n"), "f:1:7: a value is one line: the next one is indented as if it went on" },
	{ T("mem:  12:30:00\n"), "f:1:7: mem '12:30:00': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("mem: 0\n"), "f:1:6: mem '0': outside 1M to 1024G" },
	{ T("mem: 1.5G\n"), "f:1:6: mem '1.5G': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("mem: 64 M\n"), "f:1:6: mem '64 M': not a size: write MiB as a plain number, or 64M, 2G" },
	{ T("node-mem: [64, x]\n"), "f:1:11: node-mem '64,x': not a size: write MiB as a plain number, or 64M, 2G, "
	                            "node by node as 64,64 (node 1)" },
	{ T("frame-size: 1500\n"), "f:1:13: frame-size '1500': a frame has 2048 or 4096 bytes" },
	{ T("huge:   requir\n"),
	  "f:1:9: huge 'requir': unknown word, did you mean require? (one of prefer, require, never)" },
	{ T("log-level: off\n"), "f:1:12: log-level 'off': unknown word (one of error, warning, notice, info, debug)" },
	{ T("name: a b\n"), "f:1:7: name 'a b': a name has at most 63 letters, digits, '.', '_' and '-'" },
	{ T("main-lcore: 1024\n"),
	  "f:1:13: main-lcore '1024': not a number in 0-1023: write one lcore of -l, or a CPU" },
	{ T("lcores: 0-\n"),
	  "f:1:9: lcores '0-': a number is missing at 'the end': write lists as 0-3,8 or 1@5 or (0,6)@(4-7)" },
	{ T("lcores: []\n"), "f:1:9: lcores: the list is empty: lcores: auto|LIST" },
	{ T("lcores: {0: 1}\n"), "f:1:9: lcores: a map stands where one value belongs: lcores: auto|LIST" },
	/* ports */
	{ T("ports:\n"), "f:1:1: ports: has no value: write [] for none, or - name: eth0 below it" },
	{ T("ports: eth0\n"), "f:1:8: ports: a list belongs here: begin each port by - name: eth0" },
	{ T("ports: {eth0: {}}\n"), "f:1:8: ports: a list belongs here: begin each port by - name: eth0" },
	{ T("ports:\n  - - eth0\n"), "f:2:5: ports: a list stands where a port belongs: - name: eth0" },
	{ T("ports:\n  - rxqs: 1\n"), "f:2:5: a port without a name: begin it by - name: eth0" },
	{ T("ports:\n  - name: eth0\n    mood: zc\n"), "f:3:5: unknown key \"mood\", did you mean \"mode\"?" },
	{ T("ports:\n  - nam: eth0\n"), "f:2:5: unknown key \"nam\", did you mean \"name\"?" },
	{ T("ports:\n  - name: eth0\n    idle: busy\n"),
	  "f:3:5: \"idle\" is no key of a port: it stands at the left margin" },
	{ T("ports:\n  - name: eth0\n    rxd: 2k\n"), "f:3:10: rxd: \"2k\" is not a number from 64 to 65536" },
	{ T("ports:\n  - name: eth0\n    rxd: 100\n"), "f:3:10: rxd: 100 is not a power of two: take 64 or 128" },
	{ T("ports:\n  - name: eth0\n    mode: fast\n"),
	  "f:3:11: mode: \"fast\" is none of auto, zc, native, generic" },
	{ T("ports:\n  - name: eth0\n    stall: 99ms\n"),
	  "f:3:12: stall: \"99ms\" is not a time from 100ms to 3600s, such as 500ms or 2s" },
	{ T("ports:\n  - name: eth0\n    force: maybe\n"), "f:3:12: force: \"maybe\" is none of no, yes" },
	{ T("ports:\n  - name: eth0\n    stall: 1\n    stall: 2\n"),
	  "f:4:5: stall: given twice, first in line 3: once is enough" },
	{ T("ports:\n  - name: eth0\n    name: eth1\n"), "f:3:5: name: given twice, first in line 2: once is enough" },
	{ T("ports:\n  - rxqs:\n    name: eth0\n"), "f:2:5: rxqs: has no value: rxqs: 0..256" },
	{ T("ports:\n  - name: eth0\n    rxqs: [1, 2]\n"),
	  "f:3:11: rxqs: a list stands where one value belongs: rxqs: 0..256" },
	{ T("ports:\n  - name: eth0\n    peer: x\n"),
	  "f:3:5: key \"peer\" belongs to driver=loop, not to an interface of the kernel" },
	{ T("ports:\n  - queues: 2\n    name: eth0\n    rxqs: 1\n"),
	  "f:2:5: \"queues\" sets both \"rxqs\" and \"txqs\": give one or the others" },
	{ T("ports:\n  - {name: eth0,mode=zc}\n"), "f:2:17: unknown key \"mode=zc\"; the keys are ..." },
	{ T("ports:\n  - name: sixteen-bytes-xxsixteen-bytes-xxsixteen-bytes-xxsixteen-bytes-xx\n    driver: null\n"),
	  "f:2:11: a name that is no interface's has at most 63 bytes" },
	{ T("ports:\n  - name: 'a b'\n"), "f:2:11: name: a name has no spaces, slashes or control characters" },
	{ T("ports:\n  - eth0,mood=zc\n"), "f:2:5: eth0: unknown key \"mood\" (did you mean \"mode\"?)" },
	{ T("ports:\n  -\n"), "f:2:4: a name is missing" },
	/* the application */
	{ T("app: io\n"), "f:1:6: app: a map of the application's options belongs here: key: value" },
	{ T("app:\n"), "f:1:5: app: a map of the application's options belongs here: key: value" },
	{ T("app:\n  mode: oi\n"), "f:2:9: mode 'oi': unknown mode (io, mac)" },
	{ T("app:\n  mod: io\n"), "f:2:3: unknown key \"mod\", did you mean \"mode\"?" },
	{ T("app:\n  idle: busy\n"), "f:2:3: \"idle\" is no option of app: it stands at the left margin" },
	{ T("app:\n  mode: io\n  json: 1\n"), "f:3:9: json '1': write true or false" },
	{ T("app:\n  json:\n"), "f:2:3: json: has no value: json: true" },
	{ T("app:\n  mode: io\n  mode: mac\n"), "f:3:3: mode: given twice, first in line 2: once is enough" },
	{ T("app: {burst: [1, {}]}\n"), "f:1:18: burst: a map stands where one value belongs: burst: N" },
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

static const struct { const char *var, *why; } bad_env[] = {
	{ "POLLUX_IDEL=busy", "POLLUX_IDEL: unknown variable, did you mean POLLUX_IDLE?" },
	{ "POLLUX_idle=busy", "POLLUX_idle: unknown variable, did you mean POLLUX_IDLE?" },
	{ "POLLUX_FOO=1", "POLLUX_FOO: unknown variable; unset it, or see --help-all: each option is POLLUX_OPTION" },
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
	const char *twice[] = { "POLLUX_IFACE=a", "POLLUX_IFACE=b c", NULL };

	assert_int_equal(merge(&c, &a, &(struct given){ .environ = twice }, &in, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "POLLUX_IFACE: it stands in the environment twice: unset it, and set it once");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad), cmocka_unit_test(test_bad_files), cmocka_unit_test(test_bad_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

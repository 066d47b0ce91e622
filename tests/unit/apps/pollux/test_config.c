/* SPDX-License-Identifier: MIT */
/* test_config.c - what pollux config prints: the files in config/ and the table in the manual
   are what the tables of settings make, and what show writes can be read again. */
#include "config.h"
#include "conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *default_file, *schema_file, *manual;

static char *slurp(const char *name)
{
	static char text[65536];
	FILE *f = fopen(name, "r");

	if (!f)
		fail_msg("%s: cannot open it", name);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	return text;
}

static void test_default(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	config_default(f);
	fclose(f);
	if (strcmp(text, slurp(default_file)))
		fail_msg("%s is not what pollux config default prints", default_file);
	free(text);
}

static void test_schema(void **state)
{
	json_t *o = config_schema();
	char *text = json_dumps(o, JSON_INDENT(2)), *file = slurp(schema_file);

	(void)state;
	assert_non_null(text);
	if (strncmp(text, file, strlen(text)) || strcmp(file + strlen(text), "\n"))
		fail_msg("%s is not what pollux config schema prints", schema_file);
	free(text);
	json_decref(o);
}

/* docs/config.md has a row for each setting, in the same words; a bar in a table is escaped. */
static void test_manual(void **state)
{
	const char *text = slurp(manual);

	(void)state;
	for (const struct plx_setting *s = plx_settings; s->name; s++) {
		char row[512], env[64], values[256];
		size_t n = 0;

		if (s->flags & PLX_SETTING_ARG_ONLY)
			continue;
		for (const char *v = s->values; *v; v++) {
			if (*v == '|')
				values[n++] = '\\';
			values[n++] = *v;
		}
		values[n] = 0;
		config_env(env, sizeof(env), s->name);
		snprintf(row, sizeof(row), "| `%s` | `%s` | %s | %s | %s |\n", s->name, env, values,
		         s->def ? s->def : "-", s->what);
		if (!strstr(text, row))
			fail_msg("docs/config.md lacks the row: %s", row);
	}
}

/* view reads words (split at '|') and a file's text, as config show does. */
static void view(struct config_view *v, struct plx_env_conf *c, const char *text, const char *words)
{
	static char buf[1024], why[2048], *argv[32] = { "show" }, *env[] = { "POLLUX_HUGE=never", NULL };
	struct plx_conf_in in = {
		.argc = 1, .argv = argv, .environ = env, .any_app = true, .note = config_note, .arg = v
	};
	char *rest = buf;

	snprintf(buf, sizeof(buf), "%s", words);
	while (*buf && rest)
		argv[in.argc++] = strsep(&rest, "|");
	if (text) {
		in.file = "f";
		in.text = text;
		in.len = strlen(text);
	}
	*v = (struct config_view){ 0 };
	plx_env_conf_init(c);
	if (plx_env_conf_merge(c, &in, why, sizeof(why)))
		fail_msg("%s", why);
	assert_false(v->failed);
}

static char *shown(const struct config_view *v, bool origin)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	config_show_text(f, v, origin);
	fclose(f);
	return text;
}

static const char all[] =
	"mem: 64\nports:\n  - {name: x0, driver: null, queues: 2}\n  - 'eth0,stall=off'\napp:\n  mode: 'a: b'\n";

static void test_show(void **state)
{
	struct config_view v;
	struct plx_env_conf c;

	(void)state;
	view(&v, &c, all, "--idle|adaptive|-l|(0,6)@(4-7)");
	char *text = shown(&v, true);

	assert_string_equal(text,
		"lcores: (0,6)@(4-7)             # argument\n"
		"service-lcores: none            # default\n"
		"registered-threads: 0           # default\n"
		"main-lcore: none                # default\n"
		"ports:\n"
		"  - name: x0                    # f:3\n"
		"    driver: 'null'\n"
		"    queues: 2\n"
		"  - name: eth0                  # f:4\n"
		"    stall: 'off'\n"
		"mem: 64                         # f:1\n"
		"node-mem: auto                  # default\n"
		"huge: never                     # POLLUX_HUGE\n"
		"frame-size: auto                # default\n"
		"idle: adaptive                  # argument\n"
		"placement: auto                 # default\n"
		"setup: none                     # default\n"
		"# name: pollux                  # default\n"
		"log-level: notice               # default\n"
		"app:\n"
		"  mode: 'a: b'                  # f:6\n");
	free(text);
	config_view_free(&v);
}

static void test_show_json(void **state)
{
	struct config_view v;
	struct plx_env_conf c;

	(void)state;
	view(&v, &c, all, "--idle|adaptive");
	json_t *o = config_show_json(&v, true), *p = config_show_json(&v, false);
	const char *value, *origin, *port, *driver;

	assert_int_equal(json_unpack(o, "{s:{s:s, s:s}}", "idle", "value", &value, "origin", &origin), 0);
	assert_string_equal(value, "adaptive");
	assert_string_equal(origin, "argument");
	assert_int_equal(
		json_unpack(o, "{s:[{s:{s:s}, s:s}, {}]}", PLX_CONF_PORTS, "value", "name", &port, "origin", &origin),
		0);
	assert_string_equal(port, "x0");
	assert_string_equal(origin, "f:3");
	assert_int_equal(json_unpack(p, "{s:s, s:[{s:s}]}", "huge", &value, PLX_CONF_PORTS, "driver", &driver), 0);
	assert_string_equal(value, "never");
	assert_string_equal(driver, "null");
	json_decref(o);
	json_decref(p);
	config_view_free(&v);
}

/* What show writes is read again, to the same configuration. */
static void test_again(void **state)
{
	struct config_view v, w;
	static struct plx_env_conf c, d;

	(void)state;
	view(&v, &c, all, "--idle|adaptive|-l|0-3,5@7|--name|no|--main-lcore|1|--log-level|debug|--frame-size|4K");
	char *text = shown(&v, true), *bare, *again;

	view(&w, &d, text, "");
	assert_memory_equal(&c, &d, sizeof(c));
	bare = shown(&v, false);
	again = shown(&w, false);
	assert_string_equal(bare, again);
	free(text);
	free(bare);
	free(again);
	config_view_free(&v);
	config_view_free(&w);
	/* the default file is the defaults */
	plx_env_conf_init(&c);
	c.huge = PLX_NEVER; /* of view's environment */
	view(&v, &d, slurp(default_file), "");
	assert_memory_equal(&c, &d, sizeof(c));
	config_view_free(&v);
}

/* What a file may not hold as it is, a name of characters that do not show, is shown as escapes that are read back. */
static void test_escaped(void **state)
{
	static const char *const names[] = { "n\xef\xbf\xbf'\"x", "\\n\xe2\x80\xa8", "\xf0\x90\x80\x80z", "a\"b" };
	static struct plx_env_conf c;
	char why[512];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(names); i++) {
		struct config_view v = { NULL, 0, 0, false };

		config_note(&v,
		            &(struct plx_conf_note){ .key = "iface", .value = names[i], .from = PLX_FROM_ARGUMENT });
		char *text = shown(&v, true);
		struct plx_conf_in in = { .file = "again", .text = text, .len = strlen(text) };

		plx_env_conf_init(&c);
		if (plx_env_conf_merge(&c, &in, why, sizeof(why)))
			fail_msg("%s of %s", why, text);
		assert_int_equal(c.nports, 1);
		assert_string_equal(c.ports[0].name, names[i]);
		free(text);
		config_view_free(&v);
	}
}

/* A file may have any name: it is shown on its line, and as text. */
static void test_strange_name(void **state)
{
	static const char *const names[] = { "d/a\nmem: 1M\nb", "\xff\xfe", "\x1b[2J", "\u00e4" };
	char why[512], *text = NULL;
	static struct plx_env_conf c;
	size_t len;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(names); i++) {
		struct config_view v = { NULL, 0, 0, false };
		struct plx_conf_note n[] = {
			{ .key = "mem", .value = "64M", .from = PLX_FROM_FILE, .source = names[i], .line = 1 },
			{ .key = "config", .value = names[i], .from = PLX_FROM_ARGUMENT },
			{ .key = "lcores", .value = "4,5\t", .from = PLX_FROM_ARGUMENT },
		};
		FILE *f = open_memstream(&text, &len);

		config_note(&v, &n[0]);
		config_note(&v, &n[1]);
		config_note(&v, &n[2]);
		config_show_text(f, &v, true);
		fclose(f);
		struct plx_conf_in in = { .file = "again", .text = text, .len = len };

		plx_env_conf_init(&c);
		if (plx_env_conf_merge(&c, &in, why, sizeof(why)))
			fail_msg("%s of %s", why, text);
		assert_int_equal(c.mem, 64 << 20);
		assert_int_equal(c.nlcores, 2);
		assert_int_equal(strstr(text, names[i]) != NULL, i == 3);
		json_t *o = config_show_json(&v, true);

		assert_int_equal(json_object_size(o), 4); /* and the ports */
		json_decref(o);
		free(text);
		config_view_free(&v);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default), cmocka_unit_test(test_schema), cmocka_unit_test(test_manual),
		cmocka_unit_test(test_show), cmocka_unit_test(test_show_json), cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_strange_name), cmocka_unit_test(test_again),
	};
	if (argc != 4)
		return 2;
	default_file = argv[1];
	schema_file = argv[2];
	manual = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_port_conf.c - what an --iface argument may say, and what each mistake is answered. */
#include "plx_driver.h"
#include "plx_log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static char why[2048];

static int parse(struct plx_port_conf *c, const char *text)
{
	*c = plx_port_conf_default;
	return plx_port_conf_parse(c, text, why, sizeof(why));
}

static void test_name_only(void **state)
{
	struct plx_port_conf c;

	(void)state;
	assert_int_equal(parse(&c, "eth0"), 0);
	assert_string_equal(c.name, "eth0");
	assert_string_equal(c.driver, "");
	assert_int_equal(c.multibuf, PLX_PREFER);
	assert_int_equal(c.rxqs, 0);
}

static void test_names(void **state)
{
	static const char *const good[] = { "gr\xc3\xa9n0", "\xe7\xbd\x91\xe5\x8d\xa1", "\xf0\x9f\x90\x99", "va:0",
	                                    "#7", "$(id)'s" };
	struct plx_port_conf c;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(good); i++) {
		assert_int_equal(parse(&c, good[i]), 0);
		assert_string_equal(c.name, good[i]);
	}
	assert_int_equal(parse(&c, "x,driver=loop,peer=\xc3\xa9"), 0);
	assert_int_equal(parse(&c, "rxqs=2,txqs=2"), -EINVAL); /* a name that was forgotten */
	assert_string_equal(why, "\"rxqs=2\" stands where the interface name belongs: NAME[,key=value...]");
	assert_int_equal(parse(&c, "eth0,colour=red"), -EINVAL);
	assert_null(strstr(why, "altname"));
}

static void test_all_keys(void **state)
{
	struct plx_port_conf c;

	(void)state;
	assert_int_equal(parse(&c,
	                       "eth0,mode=native,multibuf=require,rxqs=2,txqs=3,queue=4,rxd=64,txd=65536,steer=none,"
	                       "bind-timeout=500ms,stall=off,driver=af_xdp"),
	                 0);
	assert_string_equal(c.driver, "af_xdp");
	assert_int_equal(c.mode, PLX_XDP_NATIVE);
	assert_int_equal(c.multibuf, PLX_REQUIRE);
	assert_int_equal(c.rxqs, 2);
	assert_int_equal(c.txqs, 3);
	assert_int_equal(c.queue, 4);
	assert_int_equal(c.rxd, 64);
	assert_int_equal(c.txd, 65536);
	assert_int_equal(c.steer, PLX_STEER_NONE);
	assert_int_equal(c.bind_timeout_ms, 500);
	assert_int_equal(c.stall_ms, UINT32_MAX);
	assert_int_equal(parse(&c, "x,driver=loop,peer=y,queues=256"), 0);
	assert_string_equal(c.peer, "y");
	assert_int_equal(c.rxqs, 256);
	assert_int_equal(c.txqs, 256);
	assert_int_equal(parse(&c, "x,driver=null,size=1514"), 0);
	assert_int_equal(c.frame_len, 1514);
	assert_int_equal(parse(&c, "x,driver=packet,fanout=lb,stall=2s") != 0, 1);
	assert_int_equal(parse(&c, "x,driver=packet,fanout=lb"), 0);
	assert_string_equal(c.fanout, "lb");
	assert_int_equal(parse(&c, "x,driver=auto,stall=2s"), 0);
	assert_string_equal(c.driver, "");
	assert_int_equal(c.stall_ms, 2000);
	assert_false(c.no_rx || c.force);
	assert_int_equal(parse(&c, "x,rxqs=0,txqs=2,stall=100ms,force=yes"), 0);
	assert_true(c.no_rx && c.force);
	assert_int_equal(c.rxqs, 0);
	assert_int_equal(c.stall_ms, 100);
	assert_int_equal(parse(&c, "x,force=no"), 0);
	assert_false(c.force);
}

#define LONG32 "a-long-name-of-thirty-two-bytes-"
#define LONG LONG32 LONG32 LONG32 "a-long-name-of-thirty-one-bytes"

static const struct { const char *text, *says; } bad[] = {
	{ "",                                "a name is missing" },
	{ ",queues=2",                       "a name is missing" },
	{ "driver=null",                     "where the interface name belongs: NAME[,key=value...]" },
	{ "eth=0",                           "one more without '=' and ',': ip link property add dev "
	  "eth=0 altname OTHER" },
	{ "eth,0",                           "if the name holds the ',', give it one more without: ip "
	  "link property add" },
	{ "gr\xe9",                          "byte 0xe9 of the name is not UTF-8: ip link property add dev "
	  "NAME altname OTHER" },
	{ "\xc0\xaf",                        "byte 0xc0 of the name is not UTF-8" },
	{ "a\xc2\x85",                       "control characters" },
	{ "a\x7f",                           "control characters" },
	{ "a/b",                             "no spaces, slashes" },
	{ "et h0",                           "no spaces, slashes" },
	{ "eth0\n",                          "no spaces, slashes" },
	{ LONG "x",                          "at most 127 bytes" }, /* an alternative name may have 127 */
	{ LONG ",driver=loop",               "a name that is no interface's has at most 63 bytes" },
	{ "eth0,",                           "unknown key \"\"" },
	{ "eth0,quues=2",                    "did you mean \"queues\"" },
	{ "eth0,colour=red",                 "the keys are driver, queues" },
	{ "eth0,queues",                     "has no value: queues=1..256" },
	{ "eth0,queues=",                    "has no value" },
	{ "eth0,queues=0",                   "not a number from 1 to 256" },
	{ "eth0,queues=257",                 "not a number from 1 to 256" },
	{ "eth0,queues=-1",                  "not a number from 1 to 256" },
	{ "eth0,queues=2x",                  "not a number from 1 to 256" },
	{ "eth0,queues=99999999999999999999", "not a number" },
	{ "eth0,queues=2,queues=2",          "given twice" },
	{ "eth0,queues=2,rxqs=1",            "sets both" },
	{ "eth0,rxqs=257",                   "not a number from 0 to 256" },
	{ "eth0,txqs=0",                     "not a number from 1 to 256" },
	{ "eth0,queue=70000",                "not a number from 0 to 65279" },
	{ "eth0,rxd=100",                    "take 64 or 128" },
	{ "eth0,rxd=32",                     "not a number from 64 to 65536" },
	{ "eth0,txd=131072",                 "not a number from 64 to 65536" },
	{ "eth0,mode=zerocopy",              "none of auto, zc, native, generic" },
	{ "eth0,mode=natve",                 "did you mean \"native\"" },
	{ "eth0,multibuf=maybe",             "none of prefer, require, never" },
	{ "eth0,steer=some",                 "none of all, none" },
	{ "eth0,bind-timeout=0",             "not a time" },
	{ "eth0,bind-timeout=2h",            "not a time" },
	{ "eth0,stall=never",                "not a time" },
	{ "eth0,stall=99ms",                 "not a time from 100ms to 3600s" },
	{ "eth0,stall=100500us",             "\"100500us\" is no whole number of milliseconds: take 100ms" },
	{ "eth0,bind-timeout=1.0001s",       "no whole number of milliseconds: take 1000ms" },
	{ "eth0,force=1",                    "none of no, yes" },
	{ "x,driver=packet,force=yes",       "belongs to driver=af_xdp" },
	{ "eth0,driver=afxdp",               "did you mean \"af_xdp\"" },
	{ "eth0,driver=dpdk",                "none of auto, af_xdp, packet, loop, null" },
	{ "eth0,driver=AF_XDP",              "none of" },
	{ "eth0,peer=eth1",                  "belongs to driver=loop" },
	{ "eth0,size=64",                    "belongs to driver=null" },
	{ "eth0,mode=zc,driver=packet",      "belongs to driver=af_xdp, not to driver=packet" },
	{ "x,driver=null,rxd=64",            "belongs to driver=af_xdp|packet|loop" },
	{ "x,driver=null,size=59",           "from 60 to 3840" },
	{ "x,driver=loop,peer=a/b",          "no spaces, slashes" },
	{ "x,driver=packet,fanout=round",    "none of hash, lb, cpu, rnd, qm" },
};

/* Each is refused with one line that says so, and nothing of it is taken. */
static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(bad); i++) {
		struct plx_port_conf c, was;
		memset(&c, 0, sizeof(c));
		c.rxd = 4711;
		was = c;
		int err = plx_port_conf_parse(&c, bad[i].text, why, sizeof(why));
		if (err != -EINVAL || !strstr(why, bad[i].says) || strchr(why, '\n'))
			fail_msg("\"%s\": %d: \"%s\" does not say \"%s\"", bad[i].text, err, why, bad[i].says);
		assert_memory_equal(&c, &was, sizeof(c));
	}
}

static void test_long(void **state)
{
	static char text[3000];
	struct plx_port_conf c;
	char small[8];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(parse(&c, text), -EINVAL);
	text[1000] = 0;
	assert_int_equal(parse(&c, text), -EINVAL);
	assert_int_equal(plx_port_conf_parse(&c, "eth0,mode=natve", small, sizeof(small)), -EINVAL);
	assert_int_equal(strlen(small), sizeof(small) - 1); /* cut, and ended */
}

/* The table that makes the help names what the parser takes. */
static void test_keys(void **state)
{
	int n = 0;

	(void)state;
	for (; plx_port_keys[n].name; n++) {
		assert_true(*plx_port_keys[n].values && *plx_port_keys[n].what);
		for (int k = 0; k < n; k++)
			assert_string_not_equal(plx_port_keys[n].name, plx_port_keys[k].name);
	}
	assert_true(n >= 15);
	for (int i = 0; plx_drivers[i]; i++) {
		assert_non_null(strstr(plx_port_keys[0].values, plx_drivers[i]->name));
		assert_true(*plx_drivers[i]->what);
	}
}

static const char *manual;

/* docs/drivers.md has a row for each key, in the same words; a bar in a table is escaped. */
static void test_manual(void **state)
{
	static char text[65536];
	FILE *f = fopen(manual, "r");

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++) {
		char row[512], values[256];
		size_t n = 0;
		for (const char *v = k->values; *v; v++) {
			if (*v == '|')
				values[n++] = '\\';
			values[n++] = *v;
		}
		values[n] = 0;
		snprintf(row, sizeof(row), "| `%s` | %s | %s | %s |\n", k->name, values, k->def ? k->def : "-",
		         k->what);
		if (!strstr(text, row))
			fail_msg("docs/drivers.md lacks the row: %s", row);
	}
}

/* A reason is one line, and moves no cursor, whatever the text had in it. */
static void test_one_line(void **state)
{
	static const char *const texts[] = { "a\nb", "eth0,mo\x1b[2Jde=zc", "eth0,mode=\r\n", "\x7f",
	                                     "eth0,rxqs=1\t2" };
	struct plx_port_conf c;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse(&c, texts[i]), -EINVAL);
		assert_true(*why);
		for (const char *s = why; *s; s++)
			assert_true(*s >= ' ' && *s != 127);
	}
}

static char logged[64];
static void keep(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg, (void)level;
	snprintf(logged, sizeof(logged), "%s", line);
}

/* And so is a line of the log. */
static void test_log_line(void **state)
{
	const struct plx_log log = { keep, NULL, PLX_LOG_DEBUG };

	(void)state;
	plx_logf(&log, PLX_LOG_WARN, "%s: left \xc3\xa4", "a\nb\x1b[2J");
	assert_string_equal(logged, "a?b?[2J: left \xc3\xa4");
}

int main(int argc, char **argv)
{
	manual = argc > 1 ? argv[1] : "docs/drivers.md";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_only), cmocka_unit_test(test_names),
		cmocka_unit_test(test_all_keys), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_manual), cmocka_unit_test(test_one_line), cmocka_unit_test(test_log_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

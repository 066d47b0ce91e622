/* SPDX-License-Identifier: MIT */
/* test_conf.c - the parser of the environment's and an application's options: every option,
   every refusal word for word, and the help. */
#include "conf_util.h"

/* parse reads words as arguments; they are split at '|'. */
static int parse(struct plx_env_conf *c, struct app *a, const char *words, char *why, size_t whylen)
{
	struct plx_app app = { .name = "app", .what = "Does things.", .opts = app_opts, .dst = a };
	char buf[2048], *argv[64] = { "/usr/bin/app" };
	int argc = words_of(argv, buf, words);

	memset(a, 0, sizeof(*a));
	plx_env_conf_init(c);
	return plx_env_conf_parse(c, argc, argv, &app, why, whylen);
}

static void ok(struct plx_env_conf *c, struct app *a, const char *words)
{
	static char why[PLX_HELP_MAX];

	if (parse(c, a, words, why, sizeof(why)))
		fail_msg("%s: %s", words, why);
}

static void test_defaults(void **state)
{
	struct plx_env_conf c;
	struct app a;

	(void)state;
	ok(&c, &a, "");
	assert_string_equal(c.name, "app");
	assert_int_equal(c.nlcores, 0);
	assert_int_equal(c.main_lcore, -1);
	assert_int_equal(c.nports, 0);
	assert_int_equal(c.mem, 0);
	assert_int_equal(c.huge, PLX_PREFER);
	assert_int_equal(c.frame_size, 0);
	assert_int_equal(c.idle, PLX_IDLE_BUSY);
	assert_int_equal(c.log_level, PLX_LOG_NOTICE);
	assert_false(c.dry_run);
	assert_false(c.json);
}

static void test_every_option(void **state)
{
	struct plx_env_conf c;
	struct app a;

	(void)state;
	ok(&c, &a, "-l|0-1,5@7|--main-lcore|3|--iface|eth0|--iface=x0,driver=null,queues=2|-m|64|--huge=require|"
	   "--frame-size|4K|--idle=adaptive|--name|a.b_c-1|--log-level=debug|--dry-run|--json|--|--mode=mac|--burst|3|"
	   "--burst=4|--json");
	assert_int_equal(c.nlcores, 3);
	assert_int_equal(c.lcores[2].id, 5);
	assert_int_equal(c.lcores[2].cpus[0], 7);
	assert_int_equal(c.main_lcore, 3);
	assert_int_equal(c.nports, 2);
	assert_string_equal(c.ports[0].name, "eth0");
	assert_int_equal(c.ports[0].multibuf, PLX_PREFER);
	assert_string_equal(c.ports[1].driver, "null");
	assert_int_equal(c.ports[1].rxqs, 2);
	assert_int_equal(c.mem, 64 << 20);
	assert_int_equal(c.huge, PLX_REQUIRE);
	assert_int_equal(c.frame_size, 4096);
	assert_int_equal(c.idle, PLX_IDLE_ADAPTIVE);
	assert_string_equal(c.name, "a.b_c-1");
	assert_int_equal(c.log_level, PLX_LOG_DEBUG);
	assert_true(c.dry_run);
	assert_true(c.json);
	assert_string_equal(a.mode, "mac");
	assert_int_equal(a.burst, 7);
	assert_true(a.json);
}

static void test_forms(void **state)
{
	struct plx_env_conf c;
	struct app a;

	(void)state;
	ok(&c, &a, "-l2,3");
	assert_int_equal(c.nlcores, 2);
	ok(&c, &a, "--lcores=2");
	assert_int_equal(c.lcores[0].id, 2);
	ok(&c, &a, "--lcores|(1-3)@20");
	assert_int_equal(c.nlcores, 3);
	ok(&c, &a, "-m2G");
	assert_int_equal(c.mem, 2ull << 30);
	ok(&c, &a, "--mem=1536K");
	assert_int_equal(c.mem, 1536 << 10);
	ok(&c, &a, "-m|1");
	assert_int_equal(c.mem, 1 << 20);
	ok(&c, &a, "--node-mem=64,0,1G");
	assert_int_equal(c.nnode_mem, 3);
	assert_int_equal(c.node_mem[0], 64 << 20);
	assert_int_equal(c.node_mem[1], 0);
	assert_int_equal(c.node_mem[2], 1 << 30);
	ok(&c, &a, "--huge|never|--idle|interrupt");
	assert_int_equal(c.huge, PLX_NEVER);
	assert_int_equal(c.idle, PLX_IDLE_INTERRUPT);
	ok(&c, &a, "--|-Mio");
	assert_string_equal(a.mode, "io");
	ok(&c, &a, "--idle=busy|--");
	assert_string_equal(a.mode, "");
}

static const struct { const char *words, *why;
} refused[] = {
	/* words that are no options, or stand on the wrong side */
	{ "--ifac|eth0", "'--ifac': unknown option, did you mean --iface?" },
	{ "--lcore=1", "'--lcore=1': unknown option, did you mean --lcores?" },
	{ "--zzzzzzz", "'--zzzzzzz': unknown option; --help shows all" },
	{ "-x", "'-x': unknown option; --help shows all" },
	{ "-iface|eth0", "'-iface': unknown option, did you mean --iface?" },
	{ "eth0", "'eth0': unexpected word; an interface is given by --iface NAME, --help shows all" },
	{ "-", "'-': unknown option; --help shows all" },
	/* DPDK's */
	{ "-n|4", "'-n': unknown option; memory channels are the kernel's: leave it out" },
	{ "-n4", "'-n4': unknown option; memory channels are the kernel's: leave it out" },
	{ "-a|0000:01:00.0", "'-a': unknown option; a device is an interface here: --iface NAME" },
	{ "--vdev=net_tap0", "'--vdev=net_tap0': unknown option; a port of any kind is --iface NAME,driver=WORD" },
	{ "--socket-mem|64",
	  "'--socket-mem': unknown option; memory is -m SIZE in all, or --node-mem A,B node by node" },
	{ "--no-huge", "'--no-huge': unknown option; write --huge never" },
	{ "--=3", "'--=3': unknown option; --help shows all" },
	{ "--mode|io", "'--mode': stands behind --, with the options of app" },
	{ "-M|io", "'-M': stands behind --, with the options of app" },
	{ "--mod=io", "'--mod=io': unknown option, did you mean --mode behind --?" },
	{ "--|--iface|eth0", "'--iface': stands before --, with the options of the environment" },
	{ "--|--iface=eth0", "'--iface=eth0': stands before --, with the options of the environment" },
	{ "--|--lcors=1", "'--lcors=1': unknown option, did you mean --lcores before --?" },
	{ "--|word", "'word': unexpected word; --help shows the options" },
	{ "--|--", "'--': unknown option; --help shows all" },
	/* values that are missing, empty, too many */
	{ "--iface", "--iface: a value is missing: --iface NAME[,k=v..]" },
	{ "--iface=", "--iface: a value is missing: --iface NAME[,k=v..]" },
	{ "--iface||-l|1", "--iface: a value is missing: --iface NAME[,k=v..]" },
	{ "--iface|--mem|4", "--iface: a value is missing: --iface NAME[,k=v..]" },
	{ "-l", "-l: a value is missing: -l LIST" },
	{ "-l|--", "-l: a value is missing: -l LIST" },
	{ "-l=1", "-l=1: write -l 1 or --lcores=1" },
	{ "--dry-run=yes", "--dry-run=yes: takes no value, write --dry-run alone" },
	{ "--help=x", "--help=x: takes no value, write --help alone" },
	{ "-hx", "-hx: takes no value, write --help alone" },
	{ "--|--json=1", "--json=1: takes no value, write --json alone" },
	{ "-m|4|-m|5", "-m: given twice; once is enough" },
	{ "-l1|--lcores|2", "--lcores: given twice; once is enough" },
	{ "--|--mode|io|--mode|io", "--mode: given twice; once is enough" },
	/* values that are wrong */
	{ "-m|abc", "-m 'abc': not a size: write MiB as a plain number, or 64M, 2G" },
	{ "-m|64X", "-m '64X': not a size: write MiB as a plain number, or 64M, 2G" },
	{ "-m|-5", "-m '-5': not a size: write MiB as a plain number, or 64M, 2G" },
	{ "-m|1.5G", "-m '1.5G': not a size: write MiB as a plain number, or 64M, 2G" },
	{ "-m|0", "-m '0': outside 1M to 1024G" },
	{ "-m|4K", "-m '4K': outside 1M to 1024G" },
	{ "-m|99999999", "-m '99999999': outside 1M to 1024G" },
	{ "-m|18446744073709551616", "-m '18446744073709551616': outside 1M to 1024G" },
	{ "--node-mem|64,x", "--node-mem '64,x': not a size: write MiB as a plain number, or 64M, 2G, node by node as "
	                     "64,64 (node 1)" },
	{ "--node-mem|64,",
	  "--node-mem '64,': not a size: write MiB as a plain number, or 64M, 2G, node by node as 64,64 "
	  "(node 1)" },
	{ "--node-mem|0,0", "--node-mem '0,0': no node gets memory: write MiB node by node, as 64,64" },
	{ "--node-mem|1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",
	  "--node-mem '1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1': more than 16 "
	  "nodes" },
	{ "-m|1|--node-mem|1", "--mem and --node-mem: give the whole or the parts, not both" },
	{ "--huge=requir", "--huge 'requir': unknown word, did you mean require? (one of prefer, require, never)" },
	{ "--huge=1G", "--huge '1G': unknown word (one of prefer, require, never)" },
	{ "--idle=lazy", "--idle 'lazy': unknown word (one of busy, adaptive, interrupt)" },
	{ "--frame-size|1500", "--frame-size '1500': a frame has 2048 or 4096 bytes" },
	{ "--frame-size|9000", "--frame-size '9000': a frame has 2048 or 4096 bytes" },
	{ "--name|a/b", "--name 'a/b': a name has at most 63 letters, digits, '.', '_' and '-'" },
	{ "--log-level|loud", "--log-level 'loud': unknown word (one of error, warning, notice, info, debug)" },
	{ "--main-lcore|two", "--main-lcore 'two': not a number in 0-1023: write one lcore of -l, or a CPU" },
	{ "--main-lcore|-1", "--main-lcore '-1': not a number in 0-1023: write one lcore of -l, or a CPU" },
	{ "-l|1,1", "-l '1,1': lcore 1 is there twice: give each lcore once, as in 0,1@0 for two lcores on one CPU" },
	{ "-l|130", "-l '130': lcore 130 is above 127, but its CPU is not: use -l 0@130" },
	{ "--json",
	  "--json needs --dry-run: it is the form of the plan; an application's own --json stands behind --" },
	{ "--|--mode|oi", "--mode 'oi': unknown mode (io, mac)" },
	{ "-m|a\nb", "-m 'a?b': not a size: write MiB as a plain number, or 64M, 2G" },
};

static void test_refused(void **state)
{
	struct plx_env_conf c;
	struct app a;
	char why[2048];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(refused); i++) {
		if (parse(&c, &a, refused[i].words, why, sizeof(why)) != -EINVAL)
			fail_msg("'%s' was taken", refused[i].words);
		assert_string_equal(why, refused[i].why);
	}
}

/* The words of --iface are the drivers' to refuse; here: that the refusal comes through. */
static void test_iface(void **state)
{
	struct plx_env_conf c;
	struct app a;
	char why[2048], many[2048] = "";

	(void)state;
	assert_int_equal(parse(&c, &a, "--iface|eth0,mood=zc", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "--iface 'eth0,mood=zc': "));
	assert_non_null(strstr(why, "mode"));
	for (int i = 0; i < PLX_PORTS_MAX; i++)
		plx_text_add(many, sizeof(many), "--iface=n%d,driver=null|", i);
	many[strlen(many) - 1] = 0;
	char *argv[PLX_PORTS_MAX + 2] = { "app" }, *rest = many;
	int argc = 1;
	while (rest)
		argv[argc++] = strsep(&rest, "|");
	plx_env_conf_init(&c);
	assert_int_equal(plx_env_conf_parse(&c, argc, argv, NULL, why, sizeof(why)), 0);
	assert_int_equal(c.nports, PLX_PORTS_MAX);
	argv[argc++] = "--iface=one-more";
	plx_env_conf_init(&c);
	assert_int_equal(plx_env_conf_parse(&c, argc, argv, NULL, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "--iface 'one-more': more than 64 interfaces");
}

static int lines(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

static size_t widest(const char *s)
{
	size_t w = 0;

	for (; *s; s += strcspn(s, "\n") + 1)
		w = strcspn(s, "\n") > w ? strcspn(s, "\n") : w;
	return w;
}

static void test_help(void **state)
{
	static struct plx_opt thirty[31];
	struct plx_app big = { .name = "big", .what = "Has many options.", .opts = thirty };
	struct plx_env_conf c;
	struct app a;
	char text[PLX_HELP_MAX];
	static const char *const ask[] = { "-h", "--help", "-l|1|-h", "--|-h", "--|--mode|io|--help" };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(ask); i++) {
		assert_int_equal(parse(&c, &a, ask[i], text, sizeof(text)), PLX_TEXT);
		assert_true(lines(text) <= 24);
		assert_true(widest(text) <= 80);
		assert_non_null(strstr(text, "usage: app [options] [-- options of the application]\nDoes things.\n"));
		assert_non_null(strstr(text, "  -M, --mode WORD             what to do\n"));
		assert_null(strstr(text, "--main-lcore"));
		assert_null(strstr(text, "--json"));
	}
	assert_int_equal(parse(&c, &a, "--help-all", text, sizeof(text)), PLX_TEXT);
	assert_non_null(strstr(text, "statistics as JSON"));
	for (const struct plx_opt *o = conf_opts; o->name; o++) {
		char word[64];
		snprintf(word, sizeof(word), "--%s", o->name);
		assert_non_null(strstr(text, word));
	}
	for (const struct plx_port_key *k = plx_port_keys; k->name; k++)
		assert_non_null(strstr(text, k->values));
	for (int i = 0; i < 30; i++)
		thirty[i] = (struct plx_opt){ "an-option", 0, NULL, "one of many", set_json, 0 };
	conf_help(text, sizeof(text), "big", &big, false);
	assert_int_equal(lines(text), 24);
	conf_help(text, sizeof(text), "big", &big, true);
	assert_true(lines(text) > 30 + 15);
	/* long sentences wrap, and are counted as the lines they take */
	for (int i = 0; i < 30; i++)
		thirty[i].what =
			"a sentence that is much longer than what is left of a line beside the option's own name";
	conf_help(text, sizeof(text), "big", &big, false);
	assert_true(lines(text) <= 24 && lines(text) > 20);
	assert_true(widest(text) <= 80);
	assert_non_null(strstr(text, "\n                              "));
}

static void test_version(void **state)
{
	struct plx_env_conf c;
	struct app a;
	char text[PLX_HELP_MAX];

	(void)state;
	assert_int_equal(parse(&c, &a, "--version", text, sizeof(text)), PLX_TEXT);
	assert_int_equal(strncmp(text, "app (pollux ", 12), 0);
	assert_int_equal(lines(text), 1);
}

/* Without an application, and without argv[0]. */
static void test_bare(void **state)
{
	struct plx_env_conf c;
	char why[2048], *argv[] = { "./l2fwd", "--", "--mode", NULL };

	(void)state;
	plx_env_conf_init(&c);
	assert_int_equal(plx_env_conf_parse(&c, 0, NULL, NULL, why, sizeof(why)), 0);
	assert_string_equal(c.name, "pollux");
	assert_int_equal(plx_env_conf_parse(&c, 1, argv, NULL, why, sizeof(why)), 0);
	assert_int_equal(plx_env_conf_parse(&c, 2, argv, NULL, why, sizeof(why)), 0);
	assert_int_equal(plx_env_conf_parse(&c, 3, argv, NULL, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "'--mode': unknown option; --help shows all");
}

static void test_exit_codes(void **state)
{
	static const struct { int err, code;
	} rows[] = {
		{ 0, 0 },          { PLX_TEXT, 0 },  { -EINVAL, 2 },  { -EMSGSIZE, 2 },   { -ECHILD, 2 },
		{ -ENODEV, 3 },    { -ENETDOWN, 3 }, { -EBUSY, 3 },   { -EOPNOTSUPP, 3 }, { -EPERM, 4 },
		{ -EACCES, 4 },    { -ENOMEM, 5 },   { -ENOBUFS, 5 }, { -EILSEQ, 6 },     { -EIO, 1 },
		{ -ETIMEDOUT, 1 }, { 99, 1 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		assert_int_equal(plx_exit_code(rows[i].err), rows[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_every_option), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_iface), cmocka_unit_test(test_help),
		cmocka_unit_test(test_version), cmocka_unit_test(test_bare), cmocka_unit_test(test_exit_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_conf_file.c - the configuration file: what it may say, what wins over what, and the file
   itself. */
#include "conf_file_util.h"

#include <sys/auxv.h>

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
	static const char *const nothing[] = { "",   "# only words\n", "---\n", "---\n...\n", "\xef\xbb\xbf",
		                               "{}", "ports: []\n" };
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
	assert_int_equal(c.frame_size, 0);
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
	static const char *const node[] = { "POLLUX_NODE_MEM=8,8", NULL }, *const both[] = { "POLLUX_MEM=1",
		                                                                             "POLLUX_NODE_MEM=1",
		                                                                             NULL };
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
			snprintf(over, sizeof(over), "%llu%s", strtoull(v.hi, NULL, 10) + 1,
			         v.hi + strspn(v.hi, "0123456789"));
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

					snprintf(word, sizeof(word),
					         !strcmp(k->name, "driver") ? "x,%s=%s" : "x,%s=%s,driver=%s", k->name,
					         ends[e], drivers[d]);
					taken += !plx_port_conf_parse(&p, word, why, sizeof(why));
				}
				if (!taken)
					fail_msg("%s: %s", word, why);
			}
		}
}

/* ---- the file itself ---- */

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
		snprintf(want, sizeof(want), "%s: %s may write it, and root would obey: chmod %s %s", name,
		         modes[i].who, modes[i].chmod, name);
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
	assert_non_null(strstr(why, "it is a directory"));
	assert_int_equal(read_conf("/dev/zero", as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "it is a device"));
}

static ino_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_ino;
}

/* Root obeys a file that root alone can have put there, by whichever name; others read what they may. */
static void test_whose(void **state)
{
	char dir[] = "/tmp/plx-conf-XXXXXX", below[64], name[96], link[64], via[96], fifo[96], why[2048], cwd[512];
	struct plx_env_conf c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(below, sizeof(below), "%s/d", dir);
	snprintf(link, sizeof(link), "%s/l", dir);
	snprintf(name, sizeof(name), "%s/f", below);
	snprintf(via, sizeof(via), "%s//f", link);
	snprintf(fifo, sizeof(fifo), "%s/p", below);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(symlink("d", link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	put(name, "idle: adaptive\n", 15, 0644);
	const char *const names[] = { name, via, "f", "./f" };
	const struct { const char *path; mode_t mode; ino_t other; const char *want; } rows[] = {
		{ name, 0644, 0, NULL }, { name, 0644, inode(name), ": uid 1000 may write it, " },
		{ below, 0755, inode(below), ": uid 1000 may replace it, for " },
		{ dir, 0755, inode(dir), ": uid 1000 may replace it, for " },
		{ below, 0775, 0, ": others may replace it, for they may write " }, { dir, 0777, 0, ": chmod go-w " },
		{ below, 01777, 0, NULL },
	};

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(below), 0);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < PLX_ARRAY_SIZE(names); k++) {
			struct stat st;

			assert_int_equal(stat(rows[i].path, &st), 0);
			assert_int_equal(chmod(rows[i].path, rows[i].mode), 0);
			others_ino = rows[i].other;
			int err = read_conf(names[k], as_root, &c, why, sizeof(why));

			if (!rows[i].want != !err || (err && !strstr(why, rows[i].want)))
				fail_msg("%s, row %zu: %d %s", names[k], i, err, err ? why : "");
			assert_int_equal(read_conf(names[k], as_user, &c, why, sizeof(why)), 0);
			assert_int_equal(chmod(rows[i].path, st.st_mode & 07777), 0);
		}
	others_ino = inode(link); /* on the way */
	assert_int_equal(read_conf(via, as_root, &c, why, sizeof(why)), -EINVAL);
	assert_int_equal(read_conf(name, as_root, &c, why, sizeof(why)), 0);
	others_ino = 0;
	assert_int_equal(chdir(cwd), 0);
	unlink(link);
	assert_int_equal(symlink(name, link), 0); /* the file itself */
	assert_int_equal(read_conf(link, as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "it is a symbolic link"));
	assert_int_equal(read_conf(link, as_user, &c, why, sizeof(why)), 0);
	/* nobody writes to it, and nobody waits */
	assert_int_equal(read_conf(fifo, as_root, &c, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "it is a pipe"));
	assert_int_equal(read_conf(fifo, as_user, &c, why, sizeof(why)), -EINVAL);
	unlink(fifo);
	unlink(name);
	unlink(link);
	rmdir(below);
	rmdir(dir);
}

/* Who starts a program with more rights than his own does not tell it what to do by variables. */
static char told[512];
static unsigned long secure(unsigned long type) { return type == AT_SECURE; }
static ssize_t tell(int fd, const void *buf, size_t n)
{
	assert_int_equal(fd, STDERR_FILENO);
	snprintf(told, sizeof(told), "%.*s", (int)n, (const char *)buf);
	return (ssize_t)n;
}

static void test_secure(void **state)
{
	char *argv[] = { "app", NULL }, *env[] = { "POLLUX_IDLE=adaptive", "POLLUX_CONFIG=/x", "HOME=/", NULL },
	     why[2048];
	struct plx_conf_in in = { .argc = 1, .argv = argv, .environ = env };
	struct plx_sys sys = *files_only(as_root);
	struct plx_env_conf c;

	(void)state;
	sys.getauxval = secure;
	sys.write = tell;
	plx_env_conf_init(&c);
	c.sys = &sys;
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), 0);
	assert_int_equal(c.idle, PLX_IDLE_BUSY);
	assert_string_equal(
		told, "app: warning: 2 POLLUX_ variables left out, for the program has more rights than its user: "
		      "give arguments or -c FILE\n");
	*told = 0;
	in.environ = env + 2; /* nothing to tell */
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), 0);
	assert_string_equal(told, "");
	sys.getauxval = no_auxval;
	in.environ = (char *[]){ "POLLUX_IDLE=adaptive", NULL };
	assert_int_equal(plx_env_conf_read(&c, &in, why, sizeof(why)), 0);
	assert_int_equal(c.idle, PLX_IDLE_ADAPTIVE);
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
	assert_int_equal(
		merge(&c, &a, &(struct given){ .environ = env, .words = "--config=x.yaml" }, &in, why, sizeof(why)),
		-EINVAL);
	assert_int_equal(plx_env_conf_file(&name, &in, why, sizeof(why)), 0);
	assert_string_equal(name, "x.yaml");
	/* help needs no file */
	char help[PLX_HELP_MAX];
	assert_int_equal(merge(&c, &a, &(struct given){ .words = "-c|x.yaml|-h" }, &in, help, sizeof(help)), PLX_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_forms), cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_ports_win), cmocka_unit_test(test_excluded), cmocka_unit_test(test_app),
		cmocka_unit_test(test_values), cmocka_unit_test(test_file), cmocka_unit_test(test_whose),
		cmocka_unit_test(test_secure), cmocka_unit_test(test_file_faults),
		cmocka_unit_test(test_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_live.c - the socket of the live view: names, requests, clients that are slow, rude or of
   another user; and that what an environment answers is JSON with every key. */
#include "env_util.h"

#include "status.h"
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct live v;
static struct plx_sys sys;
static size_t big;                /* bytes of the answer */
static unsigned answers;
static struct ucred peer;
static bool fake_peer;

static char *answer(void *arg)
{
	char *s = malloc(big + 2);

	answers += *(unsigned *)arg;
	memset(s, 'x', big);
	memcpy(s + big, "\n", 2);
	return s;
}

static int my_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	int err = plx_sys_linux.getsockopt(fd, level, name, val, len);

	if (fake_peer && name == SO_PEERCRED)
		*(struct ucred *)val = peer;
	return err;
}

static char name[32], base[] = "/tmp/plx-live-XXXXXX";

static int open_view(void **state)
{
	static unsigned one = 1;

	(void)state;
	sys = plx_sys_linux;
	sys.getsockopt = my_getsockopt;
	fake_peer = false;
	big = 100;
	answers = 0;
	snprintf(name, sizeof(name), "t%d", getpid());
	assert_int_equal(live_open(&v, &sys, name, answer, &one), 0);
	return 0;
}

static int close_view(void **state)
{
	(void)state;
	live_close(&v);
	live_close(&v); /* twice is once */
	return 0;
}

static int connect_to(const struct sockaddr_un *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (connect(fd, (const struct sockaddr *)a, len)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int client(const char *to)
{
	char path[LIVE_PATH_MAX];
	struct sockaddr_un a;

	assert_true(live_file(path, base, to));
	return connect_to(&a, live_path(&a, path));
}

static void run(uint64_t now, int times)
{
	while (times--)
		live_run(&v, now);
}

static unsigned conns(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIVE_CONNS; i++)
		n += v.conn[i].fd >= 0;
	return n;
}

/* Reads all there is; -1 = end or reset, else the bytes. */
static ssize_t drain(int fd, char *buf, size_t len)
{
	ssize_t n = recv(fd, buf, len - 1, 0);

	buf[n > 0 ? n : 0] = 0;
	return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

static void test_answer(void **state)
{
	char buf[256];
	int fd = client(name);

	(void)state;
	run(0, 1);
	assert_int_equal(send(fd, "sta", 3, 0), 3); /* in pieces */
	run(0, 2);
	assert_int_equal(send(fd, "tus\nmore", 8, 0), 8);
	run(0, 3);
	assert_int_equal(drain(fd, buf, sizeof(buf)), 101);
	assert_int_equal(drain(fd, buf, sizeof(buf)), -1);
	assert_int_equal(conns(), 0);
	assert_int_equal(answers, 1);
	close(fd);
}

static void test_unknown_request(void **state)
{
	char buf[256];
	int fd = client(name);

	(void)state;
	assert_int_equal(send(fd, "reboot\n", 7, 0), 7);
	run(0, 4);
	assert_true(drain(fd, buf, sizeof(buf)) > 0);
	assert_non_null(strstr(buf, "\"error\""));
	assert_int_equal(answers, 0);
	close(fd);
}

static void test_rude_clients(void **state)
{
	static char junk[4096];
	char buf[64];
	int fd = client(name);

	(void)state;
	memset(junk, 'a', sizeof(junk)); /* a line without an end */
	assert_true(send(fd, junk, sizeof(junk), 0) > 0);
	run(0, 4);
	assert_int_equal(conns(), 0);
	assert_int_equal(drain(fd, buf, sizeof(buf)), -1);
	close(fd);
	fd = client(name); /* gone before it is let in */
	close(fd);
	run(0, 4);
	assert_int_equal(conns(), 0);
	fd = client(name); /* gone before the answer */
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	run(0, 2);
	close(fd);
	run(0, 4);
	assert_int_equal(conns(), 0);
	fd = client(name); /* says nothing */
	run(5 * MS, 2);
	live_tick(&v, 5 * MS + LIVE_MS * MS);
	assert_int_equal(conns(), 1);
	live_tick(&v, 6 * MS + LIVE_MS * MS);
	assert_int_equal(conns(), 0);
	close(fd);
}

/* A client that does not read holds an answer for LIVE_MS and no call of ours. */
static void test_reader_that_does_not(void **state)
{
	char buf[1024];
	int fd = client(name);
	size_t got = 0;
	ssize_t n;

	(void)state;
	big = 4 << 20;
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	uint64_t begin = now_ns();
	run(0, 100);
	assert_true(now_ns() - begin < 20000 * MS); /* a call that is held by it would last */
	assert_int_equal(conns(), 1);
	while ((n = drain(fd, buf, sizeof(buf))) > 0) /* it reads after all: the rest comes */
		got += (size_t)n;
	run(0, 3);
	assert_true(drain(fd, buf, sizeof(buf)) > 0);
	assert_true(got > 0 && got < big);
	live_tick(&v, 1 * MS + LIVE_MS * MS);
	assert_int_equal(conns(), 0);
	close(fd);
	fd = client(name); /* longer than any answer may be: none */
	big = LIVE_OUT_MAX + 1;
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	run(0, 4);
	assert_int_equal(conns(), 0);
	close(fd);
}

static void test_full_answer_in_pieces(void **state)
{
	static char buf[65536];
	int fd = client(name);
	size_t got = 0;
	ssize_t n = 0;

	(void)state;
	big = 4 << 20;
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	for (int i = 0; i < 100000 && n >= 0; i++) {
		run(0, 1);
		n = drain(fd, buf, sizeof(buf));
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, big + 1);
	close(fd);
}

/* Of more than there are slots the oldest goes. */
static void test_crowd(void **state)
{
	int fd[LIVE_CONNS + 1];
	char buf[256];

	(void)state;
	for (int i = 0; i <= LIVE_CONNS; i++) {
		fd[i] = client(name);
		assert_true(fd[i] >= 0);
		run((unsigned)i * MS, 1);
	}
	assert_int_equal(conns(), LIVE_CONNS);
	assert_int_equal(drain(fd[0], buf, sizeof(buf)), -1);
	assert_int_equal(drain(fd[1], buf, sizeof(buf)), 0);
	int more = client(name);
	run(100 * MS, 1);
	assert_int_equal(drain(fd[1], buf, sizeof(buf)), -1); /* it is the oldest now */
	assert_int_equal(drain(fd[2], buf, sizeof(buf)), 0);
	close(more);
	assert_int_equal(send(fd[LIVE_CONNS], "status\n", 7, 0), 7);
	run(0, 3);
	assert_int_equal(drain(fd[LIVE_CONNS], buf, sizeof(buf)), 101);
	for (int i = 0; i <= LIVE_CONNS; i++)
		close(fd[i]);
}

static void test_who_may_look(void **state)
{
	static const struct { uid_t uid; bool may; } who[] = { { 0, true }, { 12345, false }, { (uid_t)-1, false } };
	char buf[256];

	(void)state;
	fake_peer = true;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(who); i++) {
		int fd = client(name);

		peer = (struct ucred){ .uid = who[i].uid };
		assert_int_equal(send(fd, "status\n", 7, 0), 7);
		run(0, 4);
		assert_true(drain(fd, buf, sizeof(buf)) > 0);
		assert_int_equal(!strstr(buf, "\"error\""), who[i].may);
		close(fd);
	}
	peer.uid = geteuid();
	int fd = client(name);
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	run(0, 4);
	assert_int_equal(drain(fd, buf, sizeof(buf)), 101);
	close(fd);
}

static void test_names(void **state)
{
	struct live more[LIVE_NAMES], *last = &more[LIVE_NAMES - 1];
	char longest[PLX_NAME_MAX];

	(void)state;
	for (unsigned i = 0; i + 1 < LIVE_NAMES; i++)
		assert_int_equal(live_open(&more[i], &sys, name, answer, NULL), 0);
	assert_string_equal(v.name, name);
	assert_true(!strncmp(more[0].name, name, strlen(name)) && !strcmp(more[0].name + strlen(name), ".2"));
	unsigned fds = count_fds();
	assert_int_equal(live_open(last, &sys, name, answer, NULL), -EADDRINUSE);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(last->epfd, -1);
	live_run(last, 0);
	live_tick(last, 0);
	for (int i = 0; i < LIVE_NAMES; i++) /* lets in those who looked whether it lives */
		live_run(&more[3], 0);
	int fd = client(more[3].name);
	assert_true(fd >= 0);
	close(fd);
	for (unsigned i = 0; i + 1 < LIVE_NAMES; i++)
		live_close(&more[i]);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(live_open(&more[0], &sys, longest, answer, NULL), 0);
	assert_int_equal(live_open(&more[1], &sys, longest, answer, NULL), 0);
	assert_int_equal(strlen(more[1].name), strlen(longest) + 2);
	live_close(&more[0]);
	live_close(&more[1]);
	assert_int_equal(client(longest), -ENOENT); /* nothing is left */
}

/* ---- where the socket is ---- */

static char *below(const char *fmt, const char *last)
{
	static char path[256];

	snprintf(path, sizeof(path), fmt, base, last);
	return path;
}

/* Nobody else may enter the directory; the file goes with the view, and one that a killed program left is
   replaced, but never a living one's. */
static void test_file(void **state)
{
	struct stat st;
	struct live a, b;
	struct sockaddr_un at;
	char path[LIVE_PATH_MAX];

	(void)state;
	assert_string_equal(v.path, below("%s/pollux/live/%s", name));
	assert_int_equal(stat(below("%s/pollux/live%s", ""), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(live_file(path, base, "left"));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, live_path(&at, path)), 0);
	close(fd);
	assert_int_equal(live_open(&a, &sys, "left", answer, NULL), 0);
	assert_string_equal(a.name, "left");
	assert_int_equal(live_open(&b, &sys, "left", answer, NULL), 0);
	assert_string_equal(b.name, "left.2");
	fd = client("left");
	assert_true(fd >= 0);
	close(fd);
	/* somebody else's by now: it stays */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	live_close(&a);
	live_close(&b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(client("left.2"), -ENOENT);
}

/* A directory that somebody else can change or look into is none: the name is an abstract one then. */
static void test_bad_directory(void **state)
{
	static const struct { const char *last; mode_t mode; uid_t uid; bool file;
	} rows[] = {
		{ "/pollux/live", 0711, 0, false },
		{ "/pollux/live", 0777, 0, false },
		{ "/pollux/live", 0700, 65534, false },
		{ "/pollux", 0777, 0, false },
		{ "/pollux", 0755, 65534, false },
		{ "", 0777, 0, false },
		{ "", 0755, 65534, false },
		{ "", 01777, 0, true },
		{ "/pollux", 0755, 0, true },
	};
	struct sockaddr_un at;
	struct live w;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		const uid_t was = geteuid();
		char *path = below("%s%s", rows[i].last);
		struct stat st;

		if (was && rows[i].uid)
			continue; /* only root gives away */
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(rows[i].uid ? chown(path, rows[i].uid, 0) : 0, 0);
		setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
		assert_int_equal(live_open(&w, &sys, "w", answer, NULL), 0);
		const bool file = !strncmp(w.path, base, strlen(base));

		if (file != rows[i].file)
			fail_msg("%s mode %o uid %u: %s", path, rows[i].mode, rows[i].uid, w.path);
		if (!*w.path) {
			int fd = connect_to(&at, live_address(&at, w.name));

			assert_true(fd >= 0);
			close(fd);
		}
		live_close(&w);
		assert_int_equal(chown(path, was, st.st_gid), 0);
		assert_int_equal(chmod(path, st.st_mode & 07777), 0);
	}
	unsetenv("XDG_RUNTIME_DIR");
}

static void test_bases(void **state)
{
	char buf[LIVE_PATH_MAX], longest[2 * LIVE_PATH_MAX];

	(void)state;
	assert_string_equal(live_base(0, 0, buf), base);
	assert_string_equal(live_base(1, 0, buf), "/run");
	assert_string_equal(live_base(2, 0, buf), "");
	assert_null(live_base(3, 0, buf));
	assert_string_equal(live_base(1, 1000, buf), "");
	assert_string_equal(live_base(2, 1000, buf), "/run/user/1000");
	setenv("XDG_RUNTIME_DIR", "/x", 1);
	assert_string_equal(live_base(1, 1000, buf), "/x");
	setenv("XDG_RUNTIME_DIR", "x", 1); /* no path */
	assert_string_equal(live_base(1, 1000, buf), "");
	unsetenv("XDG_RUNTIME_DIR");
	setenv("RUNTIME_DIRECTORY", "/a:/b", 1);
	assert_string_equal(live_base(0, 0, buf), "/a");
	memset(longest, 'a', sizeof(longest) - 1);
	*longest = '/';
	longest[sizeof(longest) - 1] = 0;
	setenv("RUNTIME_DIRECTORY", longest, 1);
	assert_string_equal(live_base(0, 0, buf), "");
	setenv("RUNTIME_DIRECTORY", base, 1);
}

static void test_odd_names(void **state)
{
	static const struct { const char *name, *file; } rows[] = {
		{ "a.b-c_D9", "a.b-c_D9" }, { "..", "%2e." }, { "a/../b", "a%2f..%2fb" }, { "a b%", "a%20b%25" },
		{ "\xff\x1b", "%ff%1b" },
	};
	char path[LIVE_PATH_MAX], back[LIVE_NAME_MAX], longest[PLX_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		assert_true(live_file(path, "/b", rows[i].name));
		assert_string_equal(strrchr(path, '/') + 1, rows[i].file);
		assert_true(live_file_name(back, rows[i].file));
		assert_string_equal(back, rows[i].name);
	}
	assert_false(live_file_name(back, "a%2"));
	assert_false(live_file_name(back, "a%zz"));
	assert_false(live_file_name(back, "a%00b"));
	assert_false(live_file_name(back, ""));
	memset(longest, ' ', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_false(live_file(path, base, longest)); /* 3 bytes each */
}

/* Those who may not look cost a tick what LIVE_REFUSED of them cost; who may is let in again after it. */
static void test_flood(void **state)
{
	static const struct ucred other = { .uid = 12345 };
	char buf[256];
	unsigned in = 0;

	(void)state;
	fake_peer = true;
	peer = other;
	for (int i = 0; i < 1000; i++) {
		int fd = client(name);

		in += fd >= 0;
		if (fd >= 0)
			close(fd);
		run(0, 1);
	}
	assert_true(v.paused);
	assert_in_range(in, LIVE_REFUSED, LIVE_REFUSED + LIVE_CONNS + 1);
	live_tick(&v, 0);
	assert_false(v.paused);
	run(0, LIVE_REFUSED); /* those that waited */
	live_tick(&v, 0);
	run(0, LIVE_REFUSED);
	live_tick(&v, 0);
	fake_peer = false;
	int fd = client(name);
	assert_int_equal(send(fd, "status\n", 7, 0), 7);
	run(0, 4);
	assert_int_equal(drain(fd, buf, sizeof(buf)), 101);
	close(fd);
}

/* ---- the answer of an environment ---- */

static json_t *ask_once(const char *to)
{
	char *buf = calloc(1, 1 << 20);
	size_t got = 0;
	ssize_t n;
	int fd;

	wait_for((fd = client(to)) >= 0);
	(void)!send(fd, "status\n", 7, MSG_NOSIGNAL);
	uint64_t begin = now_ns();
	while ((n = drain(fd, buf + got, (1 << 20) - got)) >= 0) {
		got += (size_t)n;
		if (now_ns() - begin > 30000 * MS)
			fail_msg("no answer");
		plx_sys_sleep(&plx_sys_linux, MS);
	}
	close(fd);
	json_error_t e;
	json_t *o = json_loads(buf, 0, &e);
	if (!o && got && buf[got - 1] == '\n') /* all of it */
		fail_msg("%s in %s", e.text, buf);
	free(buf);
	return o;
}

/* One that took longer than LIVE_MS for want of a CPU is cut off, and asks again. */
static json_t *ask(const char *to)
{
	json_t *o;

	wait_for((o = ask_once(to)));
	return o;
}

static int idle(void *arg)
{
	(void)arg;
	return 0;
}

/* A locale whose decimal point is a comma, made here, as hosts may have none: the file of a
   category as localedef writes it.  A program may well write its numbers so. */
static void write_with_commas(void)
{
	static const struct {
		uint32_t magic, items, at[6];
		char     point[4], separator[4], grouping[4];
		uint32_t wide_point, wide_separator;
		char     codeset[8];
	} numeric = { 0x20031115 ^ LC_NUMERIC, 6, { 32, 36, 40, 44, 48, 52 }, ",", "", "\x7f", ',', 0, "UTF-8" };
	char dir[] = "/tmp/plx_locale.XXXXXX", sub[64], path[96], text[8];

	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/comma", dir);
	snprintf(path, sizeof(path), "%s/LC_NUMERIC", sub);
	assert_int_equal(mkdir(sub, 0700), 0);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(&numeric, sizeof(numeric), 1, f), 1);
	fclose(f);
	assert_int_equal(setenv("LOCPATH", dir, 1), 0);
	const bool set = setlocale(LC_NUMERIC, "comma") != NULL;
	unsetenv("LOCPATH");
	unlink(path);
	rmdir(sub);
	rmdir(dir);
	assert_true(set);
	snprintf(text, sizeof(text), "%.1f", 0.5);
	assert_string_equal(text, "0,5");
}

static int fails(void *arg)
{
	(void)arg;
	return -1;
}

/* The number is the poller's own: no errno's sentence is made of it. */
static void poller_as_told(const json_t *p)
{
	const char *called = json_string_value(json_object_get(p, "name"));
	const json_t *err = json_object_get(p, "last_error");

	if (!strcmp(called, "fails")) {
		assert_int_equal(json_integer_value(err), -1);
		assert_true(json_integer_value(json_object_get(p, "errors")) > 0);
		return;
	}
	assert_string_equal(called, "q\"\\\xc3\xbf"); /* bytes that are no UTF-8 are Latin-1 */
	assert_true(json_is_null(err));
}

static void test_environment(void **state)
{
	(void)state;
	write_with_commas();
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 2, "a,driver=loop,peer=b", "b,driver=loop,peer=a", "n,driver=null", NULL);
	snprintf(c.name, sizeof(c.name), "e%d", getpid());
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = test_open(&c, &k);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			plx_poller_add(env, PLX_POLLER(.name = "q\"\\\xff", .fn = idle,
		                                       .rxq = plx_port_rxq(plx_env_port(env, (uint16_t)i), 0))),
			0);
	struct plx_poller_stats ps = { 0 };
	struct plx_poller *failing;

	assert_int_equal(plx_poller_add_get(&failing, env, PLX_POLLER_ON(1, .name = "fails", .fn = fails,
	                                                                 .period_ns = MS)), 0);
	assert_int_equal(client(c.name), -ENOENT); /* it does not run yet */
	runner_start(&r, env);
	wait_for((plx_poller_stats(failing, &ps), ps.errors > 0));
	json_t *o = ask(c.name), *e, *p;
	size_t i, j;

	assert_int_equal(json_integer_value(json_object_get(o, "schema")), 1);
	assert_string_equal(json_string_value(json_object_get(o, "name")), c.name);
	assert_string_equal(json_string_value(json_object_get(o, "live_name")), c.name);
	assert_int_equal(json_integer_value(json_object_get(o, "pid")), getpid());
	assert_string_equal(json_string_value(json_object_get(o, "idle")), "interrupt");
	assert_int_equal(json_array_size(json_object_get(o, "ports")), 3);
	assert_int_equal(json_array_size(json_object_get(o, "lcores")), 2);
	assert_true(json_is_array(json_object_get(o, "findings")));
	json_array_foreach(json_object_get(o, "lcores"), i, e) {
		assert_int_equal(json_integer_value(json_object_get(e, "id")), i);
		assert_true(json_integer_value(json_object_get(e, "tid")) > 0);
		json_array_foreach(json_object_get(e, "pollers"), j, p)
			poller_as_told(p);
	}
	json_array_foreach(json_object_get(o, "ports"), i, e) {
		assert_string_equal(json_string_value(json_object_get(e, "driver")), i < 2 ? "loop" : "null");
		assert_int_equal(json_array_size(json_object_get(e, "rxqs")), 1);
		assert_true(json_is_object(json_object_get(json_array_get(json_object_get(e, "rxqs"), 0), "drops")));
	}
	json_decref(o);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(client(c.name), -ENOENT);
	runner_start(&r, env); /* and again */
	json_decref(ask(c.name));
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, open_view, close_view)
	const struct CMUnitTest tests[] = {
		T(test_answer), T(test_unknown_request), T(test_rude_clients), T(test_reader_that_does_not),
		T(test_full_answer_in_pieces), T(test_crowd), T(test_who_may_look), T(test_names),
		T(test_file), T(test_bad_directory), T(test_bases), T(test_odd_names), T(test_flood),
		cmocka_unit_test(test_environment),
	};

	if (!mkdtemp(base))
		return 1;
	setenv("RUNTIME_DIRECTORY", base, 1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	rmdir(below("%s/pollux/live%s", ""));
	rmdir(below("%s/pollux%s", ""));
	rmdir(base);
	return failed;
}

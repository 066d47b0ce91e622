/* SPDX-License-Identifier: MIT */
/* test_setup.c - making changes and undoing them, on files below a directory of our own: stacks of
   sessions, owners that died, a kill and a failure at every system call, and the stages of the
   machine on machines that are made up. */
#include "root_util.h"
#include "setup_in.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { FILES = 4, KILLED = 9 };

static struct plx_sys sys;
static char said[65536];
static long calls, die_at, fail_at; /* of the calls counted; -1 = never */
static int huge_fd, compact_fd;
static long huge_cap;
static uint64_t cookie;

static void keep(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg, (void)level;
	plx_text_add(said, sizeof(said), "%s\n", line);
}

static const struct plx_log log_keep = { keep, NULL, PLX_LOG_DEBUG };

/* step counts a call, ends the process there, or fails it. */
static bool step(void)
{
	long n = calls++;

	if (n == die_at)
		_exit(KILLED);
	if (n != fail_at)
		return false;
	errno = EIO;
	return true;
}

static int my_open(const char *path, int flags, mode_t mode)
{
	if (step())
		return -1;
	int fd = root_open(path, flags, mode);

	if (flags & O_WRONLY && strstr(path, "nr_hugepages"))
		huge_fd = fd;
	if (flags & O_WRONLY && strstr(path, "compact_memory"))
		compact_fd = fd;
	return fd;
}

/* The kernel gives as many hugepages as it finds; when told to compact it finds two more. */
static ssize_t my_write(int fd, const void *buf, size_t n)
{
	char line[32];

	if (step())
		return -1;
	if (fd == compact_fd)
		huge_cap += 2;
	if (fd != huge_fd || atol(buf) <= huge_cap)
		return write(fd, buf, n);
	int k = snprintf(line, sizeof(line), "%ld\n", huge_cap);

	return write(fd, line, (size_t)k) == k ? (ssize_t)n : -1;
}

static int my_close(int fd)
{
	huge_fd = fd == huge_fd ? -1 : huge_fd;
	compact_fd = fd == compact_fd ? -1 : compact_fd;
	return root_close(fd);
}

static ssize_t my_read(int fd, void *buf, size_t n) { return step() ? -1 : read(fd, buf, n); }
static int my_fsync(int fd) { (void)fd; return step() ? -1 : 0; } /* what a power cut would lose is not the test */
static int my_fstat(int fd, struct stat *st) { return step() ? -1 : fstat(fd, st); }

static int my_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd, (void)level, (void)name;
	memcpy(val, &cookie, *len);
	return 0;
}

static int my_mkdir(const char *path, mode_t mode)
{
	char below[512];

	return step() ? -1 : mkdir(root_path(below, path), mode);
}

static int my_unlink(const char *path)
{
	char below[512];

	return step() ? -1 : unlink(root_path(below, path));
}

static int my_rename(const char *from, const char *to)
{
	char a[512], b[512];

	return step() ? -1 : rename(root_path(a, from), root_path(b, to));
}

static int make(void **state)
{
	root_make(state);
	sys = root_sys;
	sys.open = my_open;
	sys.close = my_close;
	sys.read = my_read;
	sys.write = my_write;
	sys.fsync = my_fsync;
	sys.fstat = my_fstat;
	sys.mkdir = my_mkdir;
	sys.unlink = my_unlink;
	sys.rename = my_rename;
	sys.getsockopt = my_getsockopt;
	said[0] = 0;
	die_at = fail_at = huge_fd = compact_fd = -1;
	huge_cap = 1 << 20;
	cookie = 1;
	put("boot-a\n", "/proc/sys/kernel/random/boot_id");
	put("100 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n", "/proc/self/stat");
	put("100 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n", "/proc/100/stat");
	put("", "/run/x"); /* makes /run */
	return 0;
}

/* ---- values: /proc/v0.. ---- */

static void set_value(int i, int v)
{
	char text[32], below[512], path[32];

	snprintf(text, sizeof(text), "%d\n", v);
	snprintf(path, sizeof(path), "/proc/v%d", i);
	unlink(root_path(below, path));
	put(text, "%s", path);
}

static int value(const char *path)
{
	char below[512], text[32] = "";
	FILE *f = fopen(root_path(below, path), "r");

	if (!f)
		return -1;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return atoi(text);
}

static int value_of(int i)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/v%d", i);
	return value(path);
}

static void values(int first)
{
	for (int i = 0; i < FILES; i++)
		set_value(i, first + i);
}

static bool values_are(int first)
{
	for (int i = 0; i < FILES; i++)
		if (value_of(i) != first + i)
			return false;
	return true;
}

static bool exists(const char *path)
{
	char below[512];

	return !access(root_path(below, path), F_OK);
}

static void begin(struct setup *s)
{
	*s = (struct setup){ .in = { .sys = &sys, .log = &log_keep } };
}

static void want(struct setup *s, int i, int v)
{
	char path[32], text[32];

	snprintf(path, sizeof(path), "/proc/v%d", i);
	snprintf(text, sizeof(text), "%d", v);
	setup_want(s, i & 1 ? SETUP_sysctl : SETUP_hugepages, &setup_file, path, text, "a test wants it");
}

/* apply_one makes a session that sets file i to v. */
static int apply_one(int i, int v, enum setup_hold hold, char session[SETUP_SESSION_MAX])
{
	struct setup s;

	begin(&s);
	want(&s, i, v);
	session[0] = 0;
	int err = setup_apply(&s, hold, "test", session);

	setup_free(&s);
	return err;
}

static int undo(const char *session, uint32_t stages)
{
	struct setup_undo u = { .sys = &sys, .log = &log_keep, .session = session, .stages = stages };

	return setup_undo(&u, NULL);
}

static void test_apply_and_undo(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";
	unsigned restored = 0;
	struct setup s;

	values(10);
	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 11); /* is so already */
	want(&s, 2, 22);
	setup_guard(&s, SETUP_hugepages, &setup_file, "/proc/v3");
	assert_int_equal(setup_count(&s, SETUP_CHANGE), 2);
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	assert_string_equal(session, "100-4711-1");
	assert_int_equal(value_of(0), 20);
	assert_int_equal(value_of(2), 22);
	set_value(3, 99); /* what the guard is for */
	struct setup_undo u = { .sys = &sys, .log = &log_keep, .stages = SETUP_ALL };

	assert_int_equal(setup_undo(&u, &restored), 0);
	assert_int_equal(restored, 3);
	assert_true(values_are(10));
	assert_false(exists("/run/pollux/setup.journal"));
	assert_int_equal(setup_undo(&u, &restored), 0);
	assert_int_equal(restored, 0);
}

static void test_nothing_to_do(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	values(10);
	assert_int_equal(apply_one(0, 10, SETUP_HOLD_HOST, session), 0);
	assert_string_equal(session, "");
	assert_false(exists("/run/pollux"));
}

/* Someone was faster: nothing is done, and the caller plans again. */
static void test_moved(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";
	struct setup s;

	values(10);
	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	set_value(1, 5);
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), -EAGAIN);
	setup_free(&s);
	assert_string_equal(session, "");
	assert_int_equal(value_of(0), 10);
	assert_false(exists("/run/pollux/setup.journal"));
}

static void test_someone_else(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	values(10);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_HOST, session), 0);
	set_value(0, 77);
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_int_equal(value_of(0), 10);
	assert_non_null(strstr(said, "someone else made 77 of the 20"));
}

static void test_stages(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";
	struct setup s;

	values(10);
	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	assert_int_equal(undo(NULL, 1u << SETUP_sysctl), 0);
	assert_int_equal(value_of(0), 20);
	assert_int_equal(value_of(1), 11);
	assert_true(exists("/run/pollux/setup.journal"));
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_true(values_are(10));
}

/* What another session made so is held: the other may end. */
static void test_held(void **state)
{
	(void)state;
	char a[SETUP_SESSION_MAX], b[SETUP_SESSION_MAX];

	values(10);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_PROCESS, a), 0);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_PROCESS, b), 0);
	assert_string_not_equal(b, "");
	assert_int_equal(undo(a, SETUP_ALL), 0);
	assert_int_equal(value_of(0), 20);
	assert_int_equal(undo(b, SETUP_ALL), 0);
	assert_int_equal(value_of(0), 10);
}

/* Sessions over each other, undone in any order, whole or by stages. */
static void test_any_order(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 40; round++) {
		char session[6][SETUP_SESSION_MAX];

		values(10);
		for (int i = 0; i < 6; i++) {
			struct setup s;

			begin(&s);
			for (int k = 0; k < FILES; k++)
				if (rand() % 2)
					want(&s, k, rand() % 4 + 30);
				else if (rand() % 2)
					setup_guard(&s, SETUP_hugepages, &setup_file, k % 2 ? "/proc/v1" : "/proc/v2");
			session[i][0] = 0;
			assert_int_equal(setup_apply(&s, rand() % 2, "test", session[i]), 0);
			setup_free(&s);
			if (rand() % 3 == 0)
				assert_int_equal(undo(session[rand() % (i + 1)], rand() % 2 ? SETUP_ALL : 1u << SETUP_sysctl), 0);
		}
		for (int n = 0; n < 4; n++)
			assert_int_equal(undo(session[rand() % 6], rand() % 2 ? SETUP_ALL : 1u << SETUP_hugepages), 0);
		for (int i = 0, at = rand() % 6; i < 6; i++)
			assert_int_equal(undo(session[(at + i) % 6], SETUP_ALL), 0);
		assert_true(values_are(10));
		assert_false(exists("/run/pollux/setup.journal"));
	}
}

static void test_orphans(void **state)
{
	(void)state;
	char a[SETUP_SESSION_MAX], b[SETUP_SESSION_MAX], below[512];
	struct setup_undo u = { .sys = &sys, .log = &log_keep, .orphans = true, .stages = SETUP_ALL };
	char *text;

	values(10);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_PROCESS, a), 0);
	assert_int_equal(apply_one(1, 21, SETUP_HOLD_HOST, b), 0);
	assert_int_equal(setup_orphans(&sys, NULL), 0);
	u.orphans = false;
	u.spare_living = true;
	assert_int_equal(setup_undo(&u, NULL), 0);
	assert_int_equal(value_of(0), 20);
	assert_int_equal(value_of(1), 11);
	assert_non_null(strstr(said, "test (process 100) lives"));
	/* another process of that number */
	unlink(root_path(below, "/proc/100/stat"));
	put("100 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4712 20\n", "/proc/100/stat");
	assert_int_equal(setup_orphans(&sys, NULL), 1);
	assert_int_equal(setup_status(&sys, &log_keep, NULL, false, &text), 0);
	assert_non_null(strstr(text, "process 100: dead"));
	free(text);
	u.orphans = true;
	u.spare_living = false;
	assert_int_equal(setup_undo(&u, NULL), 0);
	assert_true(values_are(10));
	/* and one that is dead, but not yet buried */
	put("100 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20\n", "/proc/100/stat");
	assert_int_equal(setup_started(&sys, 100), 0);
}

static void test_gone(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX], below[512];

	values(10);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_HOST, session), 0);
	unlink(root_path(below, "/proc/v0"));
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_false(exists("/run/pollux/setup.journal"));
	assert_non_null(strstr(said, "/proc/v0: is no more"));
}

/* A value that does not go back stays in the journal, and the others go back. */
static void test_stuck(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "", below[512];
	struct setup s;

	values(10);
	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	unlink(root_path(below, "/proc/v0"));
	mkdir(root_path(below, "/proc/v0"), 0755);
	assert_int_equal(undo(NULL, SETUP_ALL), -EINVAL);
	assert_int_equal(value_of(1), 11);
	rmdir(root_path(below, "/proc/v0"));
	set_value(0, 20);
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_true(values_are(10));
}

static void test_not_ours(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX], below[512];

	values(10);
	assert_int_equal(apply_one(0, 20, SETUP_HOLD_HOST, session), 0);
	chmod(root_path(below, "/run/pollux/setup.journal"), 0666);
	assert_int_equal(undo(NULL, SETUP_ALL), -EPERM);
	assert_int_equal(value_of(0), 20);
	chmod(root_path(below, "/run/pollux/setup.journal"), 0600);
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
}

/* A line in the middle is damaged: what it tells of is kept for people, the rest goes back. */
static void test_damaged(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "", below[512], text[4096] = "";
	struct setup s;

	values(10);
	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	FILE *f = fopen(root_path(below, "/run/pollux/setup.journal"), "r+");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	*strstr(text, "old=10") = 'X';
	rewind(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	assert_int_equal(undo(NULL, SETUP_ALL), -EBADMSG);
	assert_int_equal(value_of(0), 20);
	assert_int_equal(value_of(1), 11);
	assert_true(exists("/run/pollux/setup.journal.damaged"));
	assert_false(exists("/run/pollux/setup.journal"));
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
}

/* Values of another network namespace are left where they are, until that is gone. */
static void test_netns(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";
	struct setup_netns list[4];
	struct setup s;

	put("5\n", "/proc/sys/net/x");
	put("", "/proc/thread-self/ns/net");
	put("", "/proc/self/ns/pid");
	begin(&s);
	setup_want(&s, SETUP_sysctl, &setup_file, "/proc/sys/net/x", "6", "a test");
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	assert_int_equal(setup_elsewhere(&sys, NULL, list, 4), 0);
	cookie = 2;
	assert_int_equal(setup_elsewhere(&sys, NULL, list, 4), 1);
	assert_int_equal(list[0].cookie, 1);
	assert_int_equal(undo(NULL, SETUP_ALL), -EXDEV);
	assert_int_equal(value("/proc/sys/net/x"), 6);
	/* from another pid namespace it cannot be told that nobody is in it */
	struct setup_undo gone = { .sys = &sys, .log = &log_keep, .stages = SETUP_ALL, .gone = list[0].inode, .only_netns = true };
	char pid[512], own[512], other[512];

	put("", "/proc/self/ns/other");
	rename(root_path(pid, "/proc/self/ns/pid"), root_path(own, "/proc/self/ns/own"));
	rename(root_path(other, "/proc/self/ns/other"), pid);
	assert_int_equal(setup_undo(&gone, NULL), 0);
	assert_int_equal(setup_elsewhere(&sys, NULL, list, 4), 1);
	rename(own, pid);
	cookie = 1;
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_int_equal(value("/proc/sys/net/x"), 5);
	/* and one that is no more takes its values along */
	session[0] = 0;
	begin(&s);
	setup_want(&s, SETUP_sysctl, &setup_file, "/proc/sys/net/x", "6", "a test");
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	setup_free(&s);
	cookie = 2;
	assert_int_equal(setup_undo(&gone, NULL), 0);
	assert_int_equal(setup_elsewhere(&sys, NULL, list, 4), 0);
	cookie = 1;
}

/* ---- a kill, and a failure, at every call ---- */

static int apply_some(void)
{
	char session[SETUP_SESSION_MAX] = "";
	struct setup s;

	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	setup_guard(&s, SETUP_sysctl, &setup_file, "/proc/v3");
	want(&s, 2, 22);
	int err = setup_count(&s, SETUP_CANNOT) ? -EOPNOTSUPP : setup_apply(&s, SETUP_HOLD_HOST, "test", session);

	setup_free(&s);
	return err;
}

static int undo_some(void)
{
	return undo(NULL, SETUP_ALL);
}

/* killed runs fn in a process that ends at its n-th call; false if it did not come so far. */
static bool killed(int (*fn)(void), long n)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		calls = 0;
		die_at = n;
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == KILLED;
}

static void test_kill_apply(void **state)
{
	(void)state;
	long n = 0;

	for (values(10); killed(apply_some, n); n++) {
		if (n % 2)
			set_value(3, 99); /* disturbed by a change */
		bool journal = exists("/run/pollux/setup.journal");

		assert_int_equal(undo_some(), 0);
		if (!journal)
			set_value(3, 13);
		assert_true(values_are(10));
		assert_false(exists("/run/pollux/setup.journal"));
		assert_false(exists("/run/pollux/setup.journal.new"));
	}
	assert_true(n > 40);
	assert_int_equal(undo_some(), 0);
	assert_true(values_are(10));
}

static void test_kill_undo(void **state)
{
	(void)state;
	long n = 0;

	for (bool more = true; more; n++) {
		values(10);
		assert_int_equal(apply_some(), 0);
		set_value(3, 99);
		more = killed(undo_some, n);
		killed(undo_some, n / 2);
		assert_int_equal(undo_some(), 0);
		assert_true(values_are(10));
		assert_false(exists("/run/pollux/setup.journal"));
	}
	assert_true(n > 40);
}

/* Each call fails once.  An apply that fails has left everything as before, or its journal says
   what is left, and one that does not fail is whole. */
static void test_fault(void **state)
{
	(void)state;
	bool more = true;

	for (long n = 0; more; n++) {
		values(10);
		calls = 0;
		fail_at = n;
		int err = apply_some();

		more = calls > n;
		fail_at = -1;
		if (!err)
			assert_int_equal(value_of(0) + value_of(1) + value_of(2), 63);
		else if (!exists("/run/pollux/setup.journal"))
			assert_true(values_are(10));
		assert_int_equal(undo_some(), 0);
		assert_true(values_are(10));
		/* and of an undo */
		assert_int_equal(apply_some(), 0);
		calls = 0;
		fail_at = n;
		err = undo_some();
		more |= calls > n;
		fail_at = -1;
		if (!err)
			assert_true(values_are(10));
		assert_int_equal(undo_some(), 0);
		assert_true(values_are(10));
		assert_false(exists("/run/pollux/setup.journal"));
	}
}

/* ---- kinds and stages ---- */

static const char nr[] = "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages";

static void node_pages(int node, const char *total, const char *avail)
{
	put(total, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
	put(avail, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
}

/* The kernel gives fewer pages than asked for: memory is compacted once, then it is an error
   that leaves what was there. */
static void test_few_pages(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";

	put("", "/proc/sys/vm/compact_memory");
	for (int cap = 9; cap >= 7; cap--) {
		struct setup s;
		char below[512];

		unlink(root_path(below, nr));
		put("4\n", "%s", nr);
		huge_cap = cap;
		said[0] = 0;
		begin(&s);
		setup_want(&s, SETUP_hugepages, &setup_file, nr, "10", "a test");
		int err = setup_apply(&s, SETUP_HOLD_HOST, "test", session);

		setup_free(&s);
		assert_non_null(strstr(said, "compacted once"));
		assert_int_equal(err, cap < 8 ? -ENOMEM : 0);
		assert_int_equal(value(nr), cap < 8 ? 4 : 10);
		if (err)
			assert_non_null(strstr(said, "gave 9 of 10 pages"));
		assert_int_equal(undo(NULL, SETUP_ALL), 0);
		assert_int_equal(value(nr), 4);
	}
}

static struct plx_env_conf conf;
static struct topo topo;
static const struct disco_link *links[PLX_PORTS_MAX];

static void machine(struct setup *s, unsigned nodes, uint32_t stages)
{
	char why[512] = "";
	struct setup_in in = { .sys = &sys, .log = &log_keep, .conf = &conf, .topo = &topo, .links = links, .stages = stages };

	memset(&topo, 0, sizeof(topo));
	topo.nnodes = nodes;
	topo.ncpus = 2;
	for (int i = 0; i < TOPO_CPUS_MAX; i++)
		topo.cpu[i].node = -1;
	for (int i = 0; i < 2; i++)
		topo.cpu[i] = (struct topo_cpu){ .online = true, .allowed = true, .node = (int16_t)(nodes - 1), .core = i };
	topo.mem_avail = 64ull << 20;
	plx_env_conf_init(&conf);
	conf.mem = 8 << 20;
	if (setup_plan(s, &in, why, sizeof(why)))
		fail_msg("%s", why);
}

static void test_hugepages(void **state)
{
	(void)state;
	struct setup s;

	node_pages(0, "100\n", "100\n");
	node_pages(1, "7\n", "3\n");
	machine(&s, 2, 1u << SETUP_hugepages);
	assert_int_equal(s.nitems, 1);
	assert_int_equal(s.items[0].state, SETUP_CHANGE);
	assert_string_equal(s.items[0].object, nr);
	assert_string_equal(s.items[0].old, "7");
	assert_string_equal(s.items[0].want, "8"); /* 8 MiB want 4 pages, 3 are free */
	char *text = setup_print(&s, false);

	assert_non_null(strstr(text, "\necho 8 > /sys/devices/system/node/node1/"));
	free(text);
	setup_free(&s);
	node_pages(1, "7\n", "4\n");
	machine(&s, 2, 1u << SETUP_hugepages);
	assert_int_equal(s.items[0].state, SETUP_OK);
	setup_free(&s);
	/* without NUMA the count is the machine's, and pages may be promised */
	put("10\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	put("4\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
	put("2\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages");
	char below[512];

	unlink(root_path(below, "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"));
	machine(&s, 1, 1u << SETUP_hugepages);
	assert_string_equal(s.items[0].object, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	assert_string_equal(s.items[0].want, "12");
	setup_free(&s);
	/* more than there is memory */
	put("0\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
	struct setup_in in = { .sys = &sys, .log = &log_keep, .conf = &conf, .topo = &topo, .links = links,
	                       .stages = 1u << SETUP_hugepages };

	conf.mem = 100 << 20;
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_CANNOT);
	setup_free(&s);
	conf.mem = 8 << 20;
	conf.huge = PLX_NEVER;
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
}

static void test_sysctl(void **state)
{
	(void)state;
	struct setup s;

	machine(&s, 1, 1u << SETUP_sysctl);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
	put("2\n", "/proc/sys/net/core/bpf_jit_enable"); /* more than is wanted will do */
	put("1\n", "/proc/sys/kernel/numa_balancing");
	put("1\n", "/proc/sys/kernel/timer_migration");
	machine(&s, 1, 1u << SETUP_sysctl);
	assert_int_equal(s.nitems, 2);
	assert_int_equal(s.items[0].state, SETUP_OK);
	assert_int_equal(s.items[1].state, SETUP_CHANGE);
	setup_free(&s);
	node_pages(1, "0\n", "0\n");
	machine(&s, 2, 1u << SETUP_sysctl);
	assert_int_equal(s.nitems, 3);
	assert_string_equal(s.items[1].object, "/proc/sys/kernel/numa_balancing");
	setup_free(&s);
}

/* The limit of this very process, which the files say is number PID. */
static void test_memlock(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "", stat[128];
	struct rlimit was, low, now;
	struct setup s;
	int me = getpid();

	snprintf(stat, sizeof(stat), "%d (t) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20\n", me);
	put(stat, "/proc/self/stat");
	put(stat, "/proc/%d/stat", me);
	put("Name:\tt\nCapEff:\t0000000000000000\n", "/proc/%d/status", me);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &was), 0);
	low = (struct rlimit){ 65536, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	machine(&s, 1, 1u << SETUP_memlock);
	assert_int_equal(s.nitems, 1);
	if (was.rlim_max >= 8 << 20) { /* else only root may */
		assert_int_equal(s.items[0].state, SETUP_CHANGE);
		assert_int_equal(setup_apply(&s, SETUP_HOLD_PROCESS, "test", session), 0);
		getrlimit(RLIMIT_MEMLOCK, &now);
		assert_true(now.rlim_cur > 7 << 20 && now.rlim_max == was.rlim_max);
		assert_int_equal(undo(session, SETUP_ALL), 0);
		getrlimit(RLIMIT_MEMLOCK, &now);
		assert_int_equal(now.rlim_cur, 65536);
		assert_int_equal(now.rlim_max, was.rlim_max);
	}
	setup_free(&s);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &was), 0);
	put("Name:\tt\nCapEff:\t000001ffffffffff\n", "/proc/%d/status", me);
	machine(&s, 1, 1u << SETUP_memlock);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
}

static void test_print(void **state)
{
	(void)state;
	char buf[64];
	struct setup s;

	setup_quote(buf, sizeof(buf), "0-3,8");
	assert_string_equal(buf, "0-3,8");
	setup_quote(buf, sizeof(buf), "");
	assert_string_equal(buf, "''");
	setup_quote(buf, sizeof(buf), "a'b $c");
	assert_string_equal(buf, "'a'\\''b $c'");
	setup_file.command(NULL, "/sys/class/net/$(x)/y", "1", buf, sizeof(buf));
	assert_string_equal(buf, "echo 1 > '/sys/class/net/$(x)/y'");
	values(10);
	begin(&s);
	want(&s, 0, 20);
	setup_cannot(&s, SETUP_cpuset, "no \"room\"");
	setup_skip(&s, SETUP_irq_affinity, "none");
	char *text = setup_print(&s, false), *json = setup_print(&s, true);

	assert_string_equal(text, "# hugepages: was 10, will be 20: a test wants it\necho 20 > /proc/v0\n"
	                    "# cpuset: cannot: no \"room\"\n# irq-affinity: skipped: none\n# 1 change, 1 that cannot be made\n");
	assert_non_null(strstr(json, "\"why\":\"no \\\"room\\\"\""));
	assert_non_null(strstr(json, "\"command\":\"echo 20 > /proc/v0\""));
	free(text);
	free(json);
	char session[SETUP_SESSION_MAX] = "";

	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "o\x1b[2J\ny", session), 0);
	setup_free(&s);
	assert_int_equal(setup_status(&sys, &log_keep, NULL, false, &text), 0);
	assert_non_null(strstr(text, "of o?[2J"));
	assert_null(strchr(text, '\x1b'));
	free(text);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, make, root_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_apply_and_undo), T(test_nothing_to_do), T(test_moved), T(test_someone_else), T(test_stages), T(test_held),
		T(test_any_order), T(test_orphans), T(test_gone), T(test_stuck), T(test_damaged), T(test_not_ours), T(test_netns),
		T(test_kill_apply), T(test_kill_undo), T(test_fault), T(test_few_pages), T(test_hugepages), T(test_sysctl),
		T(test_memlock), T(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_setup.c - making changes and undoing them, on files below a directory of our own: stacks of
   sessions, owners that died, a kill and a failure at every system call. */
#include "setup_util.h"

#include <sys/wait.h>

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

/* apply_two sets file 0 to 20, a value of the stage hugepages, and file 1 to 21, one of sysctl. */
static int apply_two(char session[SETUP_SESSION_MAX])
{
	struct setup s;

	begin(&s);
	want(&s, 0, 20);
	want(&s, 1, 21);
	session[0] = 0;
	int err = setup_apply(&s, SETUP_HOLD_HOST, "test", session);

	setup_free(&s);
	return err;
}

static void test_stages(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	values(10);
	assert_int_equal(apply_two(session), 0);
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
				assert_int_equal(
					undo(session[rand() % (i + 1)], rand() % 2 ? SETUP_ALL : 1u << SETUP_sysctl),
					0);
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
	char session[SETUP_SESSION_MAX], below[512];

	values(10);
	assert_int_equal(apply_two(session), 0);
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
	char session[SETUP_SESSION_MAX], below[512], text[4096] = "";

	values(10);
	assert_int_equal(apply_two(session), 0);
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

/* cut_journal leaves n bytes of it, or with -1 all but the last line. */
static void cut_journal(long n)
{
	char below[512], text[4096] = "", *path = root_path(below, "/run/pollux/setup.journal");
	FILE *f = fopen(path, "r");
	size_t len = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[len - 1] = 0;
	if (n < 0)
		n = strrchr(text, '\n') + 1 - text;
	assert_int_equal(truncate(path, n), 0);
}

/* Lines at the end are gone: what is there goes back, and the loss is told. */
static void test_cut(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	values(10);
	assert_int_equal(apply_two(session), 0);
	cut_journal(-1);
	assert_int_equal(undo(NULL, SETUP_ALL), -EBADMSG);
	assert_non_null(strstr(said, "it is not whole, line 4 of 4 is missing"));
	assert_int_equal(value_of(0) + value_of(1), 10 + 21);
	assert_true(exists("/run/pollux/setup.journal.damaged"));
	assert_false(exists("/run/pollux/setup.journal"));
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_int_equal(apply_one(2, 22, SETUP_HOLD_HOST, session), 0);
	cut_journal(0);
	said[0] = 0;
	assert_int_equal(undo(NULL, SETUP_ALL), -EBADMSG);
	assert_non_null(strstr(said, "it is not whole, line 1 of 1 is missing"));
}

/* ---- devices that come and go ---- */

static void irq_is(const char *cpus, const char *hwirq, const char *actions)
{
	char below[512];

	unlink(root_path(below, "/proc/irq/30/smp_affinity_list"));
	put(cpus, "/proc/irq/30/smp_affinity_list");
	put("PCI-MSIX-0000:00:03.0\n", "/sys/kernel/irq/30/chip_name");
	put(hwirq, "/sys/kernel/irq/30/hwirq");
	put(actions, "/sys/kernel/irq/30/actions");
	put("", "/sys/bus/pci/devices/0000:00:02.0/msi_irqs/29");
	put("", "/sys/bus/pci/devices/0000:00:03.0/msi_irqs/30");
}

static int apply_irq(const char *cpus, char session[SETUP_SESSION_MAX])
{
	struct setup s;

	begin(&s);
	setup_want(&s, SETUP_irq_affinity, &setup_file, "/proc/irq/30/smp_affinity_list", cpus, "a test wants it");
	session[0] = 0;
	int err = setup_apply(&s, SETUP_HOLD_HOST, "test", session);

	setup_free(&s);
	return err;
}

/* Another device has the number by now: its interrupt is left where it is. */
static void test_irq_replaced(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX], other[SETUP_SESSION_MAX], *text;

	irq_is("0\n", "1\n", "eth0-rx-0\n");
	assert_int_equal(apply_irq("2", session), 0);
	assert_int_equal(setup_status(&sys, &log_keep, NULL, true, &text), 0);
	assert_non_null(strstr(text, "\"irq pci=0000:00:03.0 chip=PCI-MSIX-0000:00:03.0 hwirq=1 actions=eth0-rx-0\""));
	free(text);
	irq_is("5\n", "1\n", "nvme0q0\n");
	assert_int_equal(setup_status(&sys, &log_keep, NULL, false, &text), 0);
	assert_non_null(strstr(text, "now (another device's)"));
	free(text);
	assert_int_equal(undo(NULL, SETUP_ALL), -ESTALE);
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 5);
	assert_non_null(strstr(said, "another device's now, left as it is: it was irq pci=0000:00:03.0"));
	assert_int_equal(undo(NULL, SETUP_ALL), 0); /* there is nothing more to say */
	/* set anew for the other one: each has its own value before */
	irq_is("0\n", "1\n", "eth0-rx-0\n");
	assert_int_equal(apply_irq("2", session), 0);
	irq_is("5\n", "7\n", "nvme0q0\n");
	assert_int_equal(apply_irq("3", other), 0);
	assert_int_equal(undo(session, SETUP_ALL), -ESTALE);
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 3);
	assert_int_equal(undo(other, SETUP_ALL), 0);
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 5);
}

/* Its interface is down: nobody handles it, and it is known by where it is. */
static void test_irq_down(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX], below[512];

	irq_is("0\n", "1\n", "eth0-rx-0\n");
	assert_int_equal(apply_irq("2", session), 0);
	irq_is("2\n", "1\n", "\n");
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 0);
	/* nothing can be told of it for now: it stays in the journal */
	irq_is("0\n", "1\n", "eth0-rx-0\n");
	assert_int_equal(apply_irq("2", session), 0);
	unlink(root_path(below, "/sys/kernel/irq/30/hwirq"));
	assert_int_equal(undo(NULL, SETUP_ALL), -ENODEV);
	assert_non_null(strstr(said, "whose it is now cannot be told"));
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 2);
	irq_is("2\n", "1\n", "eth0-rx-0\n");
	assert_int_equal(undo(NULL, SETUP_ALL), 0);
	assert_int_equal(value("/proc/irq/30/smp_affinity_list"), 0);
}

/* ---- a directory of somebody else ---- */

/* What stands there is no file, or another name of one: nobody waits for it, and nothing goes into it. */
static void test_traps(void **state)
{
	(void)state;
	static const char *const names[] = { "setup.lock", "setup.journal", "setup.journal.new",
		                             "setup.journal.damaged" };
	char session[SETUP_SESSION_MAX], below[512], path[64], kept[512];

	for (size_t i = 0; i < PLX_ARRAY_SIZE(names); i++)
		for (int kind = 0; kind < 2; kind++) {
			const bool in_the_way = i < 2 && !kind;

			values(10);
			put("kept\n", "/kept");
			snprintf(path, sizeof(path), "/run/pollux/%s", names[i]);
			root_path(below, path);
			assert_int_equal(kind && i > 1 ? link(root_path(kept, "/kept"), below) :
			                 kind          ? 0 :
			                                 mkfifo(below, 0600),
			                 0);
			said[0] = 0;
			assert_int_equal(apply_one(0, 20, SETUP_HOLD_HOST, session), in_the_way ? -EINVAL : 0);
			if (in_the_way)
				assert_non_null(strstr(said, "is no file: rm "));
			else
				cut_journal(-1); /* so that it is kept */
			assert_int_equal(value_of(0), in_the_way ? 10 : 20);
			assert_int_equal(undo(NULL, SETUP_ALL), in_the_way ? -EINVAL : -EBADMSG);
			unlink(below);
			unlink(root_path(below, "/run/pollux/setup.journal.damaged"));
			struct stat st;

			assert_int_equal(stat(root_path(kept, "/kept"), &st), 0);
			assert_int_equal(st.st_size, 5);
		}
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
	struct setup_undo gone = {
		.sys = &sys, .log = &log_keep, .stages = SETUP_ALL, .gone = list[0].inode, .only_netns = true
	};
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

#define T(fn) cmocka_unit_test_setup_teardown(fn, make, root_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_apply_and_undo), T(test_nothing_to_do), T(test_moved),     T(test_someone_else),
		T(test_stages),         T(test_held),          T(test_any_order), T(test_orphans),
		T(test_gone),           T(test_stuck),         T(test_damaged),   T(test_cut),
		T(test_irq_replaced),   T(test_irq_down),      T(test_traps),     T(test_not_ours),
		T(test_netns),          T(test_kill_apply),    T(test_kill_undo), T(test_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

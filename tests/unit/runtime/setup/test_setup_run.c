/* SPDX-License-Identifier: MIT */
/* test_setup_run.c - a set-up as a whole: values that do not stay, and interrupts that the kernel
   refuses to move, which only trying shows. */
#include "setup_util.h"

#include <sys/file.h>

#define JIT "/proc/sys/net/core/bpf_jit_enable"

static int resets;  /* how often somebody else sets the value before it is looked at */
static int refuse;  /* errno of writes to interrupt 50 */
static int irq_fd = -1;

static int run_open(const char *path, int flags, mode_t mode)
{
	if (strstr(path, "cpu/online") && resets-- > 0) /* what each round reads first */
		put("0\n", JIT);

	int fd = my_open(path, flags | (flags & O_WRONLY && !refuse ? O_TRUNC : 0), mode); /* what was written last */

	if (strstr(path, "/irq/50/") && flags & O_WRONLY)
		irq_fd = fd;
	return fd;
}

static int run_close(int fd)
{
	irq_fd = fd == irq_fd ? -1 : irq_fd;
	return my_close(fd);
}

static ssize_t run_write(int fd, const void *buf, size_t n)
{
	if (fd == irq_fd && refuse)
		return errno = refuse, -1;
	return my_write(fd, buf, n);
}

static int start(void **state)
{
	make(state);
	sys.open = run_open;
	sys.close = run_close;
	sys.write = run_write;
	resets = refuse = 0;
	put("0\n", JIT);
	return 0;
}

/* ---- until there is nothing more to change ---- */

static int make_all(char session[SETUP_SESSION_MAX])
{
	struct plx_env_conf *conf = malloc(sizeof(*conf));
	struct host *host = malloc(sizeof(*host));
	char why[512];
	struct setup_in in = { .sys = &sys, .log = &log_keep, .conf = conf, .stages = 1u << SETUP_sysctl };

	plx_env_conf_init(conf);
	session[0] = 0;
	assert_int_equal(host_read(host, &sys, conf, why, sizeof(why)), 0);
	int err = setup_make(&in, host, SETUP_HOLD_HOST, "test", session, NULL, NULL);

	host_free(host);
	free(host);
	free(conf);
	return err;
}

static void settles(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	resets = 4; /* the change of the fourth and last round stays: looked at once more, all is well */
	assert_int_equal(make_all(session), 0);
	assert_string_not_equal(session, "");
	assert_int_equal(value(JIT), 1);
}

static void does_not_settle(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX];

	resets = 100;
	assert_int_equal(make_all(session), -ETIMEDOUT);
	assert_non_null(
		strstr(said, "set-up: set 4 times, and still not as wanted: sysctl: echo 1 > " JIT " (it is 0)"));
	assert_string_equal(session, "");
	assert_int_equal(value(JIT), 0);
	assert_false(exists("/run/pollux/setup.journal"));
}

/* ---- what the kernel refuses to move ---- */

static void refused(void **state)
{
	(void)state;
	static const int errs[] = { EIO, EPERM, EINVAL };
	struct setup_refused known;
	char session[SETUP_SESSION_MAX];
	struct setup s;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(errs); i++) {
		memset(&known, 0, sizeof(known));
		values(10);
		put("3\n", "/proc/irq/50/smp_affinity_list");
		refuse = errs[i];
		begin(&s);
		s.in.refused = &known;
		want(&s, 0, 20);
		setup_want(&s, SETUP_irq_affinity, &setup_file, "/proc/irq/50/smp_affinity_list", "2", "away");
		session[0] = 0;
		assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
		setup_free(&s);
		assert_int_equal(value_of(0), 20);
		assert_int_equal(value("/proc/irq/50/smp_affinity_list"), 3);
		assert_true(known.w[0] == 1ull << 50);
		refuse = 0; /* the journal does not know of it */
		put("4\n", "/proc/irq/50/smp_affinity_list");
		assert_int_equal(undo(session, SETUP_ALL), 0);
		assert_int_equal(value("/proc/irq/50/smp_affinity_list"), 4);
		assert_true(values_are(10));
	}
}

static void refused_alone(void **state)
{
	(void)state;
	struct setup_refused known = { { 0 } };
	char session[SETUP_SESSION_MAX] = "";
	struct setup s;

	put("3\n", "/proc/irq/50/smp_affinity_list");
	refuse = EIO;
	begin(&s);
	s.in.refused = &known;
	setup_want(&s, SETUP_irq_affinity, &setup_file, "/proc/irq/50/smp_affinity_list", "2", "away");
	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), 0);
	assert_string_equal(session, "");
	assert_false(exists("/run/pollux/setup.journal"));
	setup_free(&s);
}

/* Other failures, and one that nobody keeps in mind, undo it all. */
static void not_refused(void **state)
{
	(void)state;
	struct setup_refused known = { { 0 } };
	char session[SETUP_SESSION_MAX] = "";
	struct setup s;

	for (int i = 0; i < 2; i++) {
		values(10);
		put("3\n", "/proc/irq/50/smp_affinity_list");
		refuse = i ? EIO : ENOSPC;
		begin(&s);
		s.in.refused = i ? NULL : &known;
		want(&s, 0, 20);
		setup_want(&s, SETUP_irq_affinity, &setup_file, "/proc/irq/50/smp_affinity_list", "2", "away");
		assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "test", session), -refuse);
		setup_free(&s);
		assert_true(values_are(10));
	}
}

/* ---- another one at work ---- */

static int far_clock(clockid_t clock, struct timespec *t)
{
	static time_t at;

	(void)clock;
	*t = (struct timespec){ at += 60, 0 };
	return 0;
}

static void locked(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX], below[512];

	values(10);
	put("", "/run/pollux/setup.lock");
	int fd = open(root_path(below, "/run/pollux/setup.lock"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	sys.clock_gettime = far_clock;
	int err = apply_one(0, 20, SETUP_HOLD_HOST, session);

	close(fd);
	assert_non_null(strstr(said, "set-up: another one is at work for"));
	assert_int_equal(plx_exit_code(err), PLX_EXIT_RUNTIME); /* no device is taken */
	assert_true(values_are(10));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, start, root_remove)
	const struct CMUnitTest tests[] = {
		T(settles), T(does_not_settle), T(refused), T(refused_alone), T(not_refused), T(locked),
	};

	return cmocka_run_group_tests_name("setup_run", tests, NULL, NULL);
}

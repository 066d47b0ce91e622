/* SPDX-License-Identifier: MIT */
/* test_writer.c - whatever becomes of the reader of the log or of standard output, nobody waits
   for long, nothing is lost without a word, and what can be written comes in order. */
#include "env_util.h"
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

/* ---- a writer and its readers ---- */

struct bed {
	struct writer *w;
	int in[WRITER_STREAMS];  /* what readers read */
	int out[WRITER_STREAMS]; /* what the writer writes to */
};

static int bed_mapped; /* writers whose memory is mapped */

static void *count_mmap(void *a, size_t len, int prot, int flags, int fd, off_t off)
{
	__atomic_fetch_add(&bed_mapped, 1, __ATOMIC_ACQ_REL);
	return mmap(a, len, prot, flags, fd, off);
}

static int count_munmap(void *a, size_t len)
{
	__atomic_fetch_sub(&bed_mapped, 1, __ATOMIC_ACQ_REL);
	return munmap(a, len);
}

static struct plx_sys bed_sys;

static void bed_start(struct bed *b, struct plx_log own)
{
	bed_sys = plx_sys_linux;
	bed_sys.mmap = count_mmap;
	bed_sys.munmap = count_munmap;
	const struct writer_conf c = { .sys = &bed_sys, .name = "prog", .own = own, .fd = { b->out[0], b->out[1] } };

	assert_int_equal(writer_new(&b->w, &c), 0);
}

static void bed_open(struct bed *b, struct plx_log own)
{
	for (int i = 0; i < WRITER_STREAMS; i++) {
		int p[2];

		assert_int_equal(pipe2(p, O_CLOEXEC), 0);
		b->in[i] = p[0];
		b->out[i] = p[1];
	}
	bed_start(b, own);
}

static void bed_close(struct bed *b)
{
	writer_free(b->w);
	for (int i = 0; i < WRITER_STREAMS; i++) {
		assert_false(fcntl(b->out[i], F_GETFL) & O_NONBLOCK);
		close(b->out[i]);
		close(b->in[i]);
	}
	wait_for(!__atomic_load_n(&bed_mapped, __ATOMIC_ACQUIRE));
}

/* Fills a pipe to the last byte, with dots. */
static size_t stuff(int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	char dots[4096];
	size_t n = 0;
	ssize_t k;

	memset(dots, '.', sizeof(dots));
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	for (size_t len = sizeof(dots); len; len = k < 0 ? len / 2 : len)
		if ((k = write(fd, dots, len)) > 0)
			n += (size_t)k;
	fcntl(fd, F_SETFL, flags);
	return n;
}

static void drain(int fd, size_t n)
{
	char buf[4096];

	while (n) {
		ssize_t k = read(fd, buf, n < sizeof(buf) ? n : sizeof(buf));

		assert_true(k > 0);
		n -= (size_t)k;
	}
}

/* Reads until the text ends with `end`. */
static void expect_end(int fd, char *buf, size_t size, const char *end)
{
	const size_t e = strlen(end);
	size_t n = 0;

	while (n < e || memcmp(buf + n - e, end, e)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 30000) != 1)
			fail_msg("waited in vain for \"%s\" behind: %.*s", end, (int)n, buf);
		ssize_t k = read(fd, buf + n, size - 1 - n);

		assert_true(k > 0);
		n += (size_t)k;
	}
	buf[n] = 0;
}

static void log_number(struct bed *b, unsigned i)
{
	char line[128];

	snprintf(line, sizeof(line), "line %u %64s", i, "");
	writer_log(b->w, PLX_LOG_WARN, line);
}

/* ---- nobody waits ---- */

static void test_full_pipe(void **state)
{
	(void)state;
	char buf[4096];
	struct bed b;

	bed_open(&b, (struct plx_log){ 0 });
	size_t dots = stuff(b.out[WRITER_LOG]);
	writer_log(b.w, PLX_LOG_ERROR, "one");
	uint64_t begin = now_ns();
	writer_wait(b.w, WRITER_LOG);
	uint64_t took = now_ns() - begin;
	assert_true(took >= WRITER_WAIT_NS / 2 && took < 30000 * MS);
	begin = now_ns();
	for (int i = 0; i < 1000; i++)
		writer_wait(b.w, WRITER_LOG); /* known to be stuck: not at all */
	assert_true(now_ns() - begin < 30000 * MS);
	/* standard output is another descriptor, and goes on */
	assert_int_equal(writer_report(b.w, "out\n"), 0);
	assert_int_equal(writer_reported(b.w, UINT64_MAX), 0);
	expect_end(b.in[WRITER_REPORT], buf, sizeof(buf), "out\n");
	writer_log(b.w, PLX_LOG_NOTICE, "two");
	drain(b.in[WRITER_LOG], dots);
	expect_end(b.in[WRITER_LOG], buf, sizeof(buf), "two\n");
	assert_string_equal(buf, "prog: error: one\nprog: notice: two\n");
	bed_close(&b);
}

static void test_stuck_report_does_not_hold_the_log(void **state)
{
	(void)state;
	char buf[4096];
	struct bed b;

	bed_open(&b, (struct plx_log){ 0 });
	size_t dots = stuff(b.out[WRITER_REPORT]);
	assert_int_equal(writer_report(b.w, "late\n"), 0);
	assert_int_equal(writer_reported(b.w, 20 * MS), -ETIMEDOUT);
	writer_log(b.w, PLX_LOG_INFO, "meanwhile");
	expect_end(b.in[WRITER_LOG], buf, sizeof(buf), "meanwhile\n");
	drain(b.in[WRITER_REPORT], dots);
	assert_int_equal(writer_reported(b.w, UINT64_MAX), 0);
	expect_end(b.in[WRITER_REPORT], buf, sizeof(buf), "late\n");
	bed_close(&b);
}

static void test_stopped_terminal(void **state)
{
	(void)state;
	char buf[4096];
	struct bed b;
	int master, slave;

	for (int by_key = 0; by_key < 2; by_key++) {
		struct pollfd p = { .events = POLLOUT };

		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		b.in[0] = master;
		b.out[0] = slave;
		b.in[1] = dup(master);
		b.out[1] = dup(slave); /* both are the terminal, as at a prompt */
		bed_start(&b, (struct plx_log){ 0 });
		writer_log(b.w, PLX_LOG_INFO, "before");
		expect_end(master, buf, sizeof(buf), "before\r\n");
		assert_int_equal(by_key ? write(master, "\023", 1) : 1 + tcflow(slave, TCOOFF), 1);
		p.fd = slave;
		wait_for(poll(&p, 1, 0) == 0); /* Ctrl-S has got there */
		writer_log(b.w, PLX_LOG_INFO, "held");
		assert_int_equal(writer_report(b.w, "held too\n"), 0);
		assert_int_equal(writer_reported(b.w, 20 * MS), -ETIMEDOUT);
		p = (struct pollfd){ .fd = master, .events = POLLIN };
		char status; /* what is no data: that the terminal was stopped */
		while (poll(&p, 1, 0) == 1 && read(master, &status, 1) == 1)
			assert_int_not_equal(status, 'p');
		assert_int_equal(by_key ? write(master, "\021", 1) : 1 + tcflow(slave, TCOON), 1);
		expect_end(master, buf, sizeof(buf), "held too\r\n");
		assert_non_null(strstr(buf, "prog: info: held\r\n"));
		assert_int_equal(writer_reported(b.w, UINT64_MAX), 0);
		bed_close(&b);
	}
}

/* Nobody reads the terminal.  It says that there is room as long as there is any: whoever wrote a page
   to it would wait, and the log on another descriptor with him. */
static void test_terminal_nobody_reads(void **state)
{
	(void)state;
	static char page[3000];
	char buf[4096];
	struct bed b;
	int master, slave, pipe_fd[2];

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	assert_int_equal(pipe(pipe_fd), 0);
	b.in[WRITER_LOG] = pipe_fd[0];
	b.out[WRITER_LOG] = pipe_fd[1];
	b.in[WRITER_REPORT] = master;
	b.out[WRITER_REPORT] = slave;
	bed_start(&b, (struct plx_log){ 0 });
	memset(page, 'x', sizeof(page) - 2);
	page[sizeof(page) - 2] = '\n';
	for (int i = 0; i < 20; i++)
		assert_int_equal(writer_report(b.w, page), 0);
	assert_int_equal(writer_reported(b.w, 100 * MS), -ETIMEDOUT); /* it is full */
	uint64_t begin = now_ns();
	writer_log(b.w, PLX_LOG_INFO, "goes on");
	writer_wait(b.w, WRITER_LOG);
	expect_end(pipe_fd[0], buf, sizeof(buf), "goes on\n");
	assert_true(now_ns() - begin < 1000 * MS);
	assert_false(fcntl(slave, F_GETFL) & O_NONBLOCK); /* it is shared with other processes */
	assert_false(fcntl(pipe_fd[1], F_GETFL) & O_NONBLOCK);
	bed_close(&b);
}

/* ---- what finds no room ---- */

/* Lines that came, in order, and those told to be lost in their place. */
static unsigned account(const char *text, unsigned *lost)
{
	unsigned came = 0, n;

	*lost = 0;
	for (const char *l = text; strchr(l, '\n'); l = strchr(l, '\n') + 1) {
		if (sscanf(l, "prog: warning: line %u", &n) == 1)
			assert_int_equal(n, came++ + *lost);
		else if (sscanf(l, "prog: warning: %u lines of the log were lost here", &n) == 1)
			*lost += n;
	}
	return came;
}

static void test_lost_lines_are_told(void **state)
{
	(void)state;
	enum { LINES = 2000 };
	static char buf[256 << 10];
	unsigned lost = 0, came = 0;
	struct bed b;

	bed_open(&b, (struct plx_log){ 0 });
	size_t dots = stuff(b.out[WRITER_LOG]), n = 0;
	for (unsigned i = 0; i < LINES; i++)
		log_number(&b, i);
	drain(b.in[WRITER_LOG], dots);
	/* the line about it comes by itself, as soon as there is room */
	while (came + lost < LINES) {
		struct pollfd p = { .fd = b.in[WRITER_LOG], .events = POLLIN };

		if (poll(&p, 1, 30000) != 1)
			fail_msg("%u lines came and %u were told to be lost", came, lost);
		n += (size_t)read(b.in[WRITER_LOG], buf + n, sizeof(buf) - 1 - n);
		came = account(buf, &lost);
	}
	assert_int_equal(came + lost, LINES);
	assert_true(came > 500 && lost > 500);
	log_number(&b, LINES);
	expect_end(b.in[WRITER_LOG], buf + n, sizeof(buf) - n, "\n");
	assert_int_equal(account(buf, &lost), came + 1);
	bed_close(&b);
}

static void test_lost_reports_are_counted(void **state)
{
	(void)state;
	static char text[PLX_REPORT_MAX], buf[WRITER_REPORT_RING + sizeof(text)];
	unsigned taken = 0;
	struct bed b;
	int err;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 2] = '\n';
	bed_open(&b, (struct plx_log){ 0 });
	size_t dots = stuff(b.out[WRITER_REPORT]);
	while (!(err = writer_report(b.w, text)))
		taken++;
	assert_int_equal(err, -ENOBUFS);
	assert_true(taken >= 3);
	assert_int_equal(writer_report(b.w, "end\n"), 0); /* a shorter one has room */
	drain(b.in[WRITER_REPORT], dots);
	expect_end(b.in[WRITER_REPORT], buf, sizeof(buf), "end\n");
	assert_int_equal(strlen(buf), taken * strlen(text) + 4); /* all of one or nothing */
	expect_end(b.in[WRITER_LOG], buf, sizeof(buf), "\n");
	assert_non_null(strstr(buf, "warning: 1 reports were lost"));
	assert_int_equal(writer_reported(b.w, UINT64_MAX), -ENOBUFS);
	bed_close(&b);
}

/* ---- readers that are gone ---- */

static void test_reader_gone(void **state)
{
	(void)state;
	struct bed b;

	signal(SIGPIPE, SIG_DFL);
	bed_open(&b, (struct plx_log){ 0 });
	close(b.in[WRITER_LOG]);
	close(b.in[WRITER_REPORT]);
	for (unsigned i = 0; i < 2000; i++)
		log_number(&b, i);
	writer_wait(b.w, WRITER_LOG);
	assert_int_equal(writer_report(b.w, "nobody\n"), 0);
	assert_int_equal(writer_reported(b.w, UINT64_MAX), -EPIPE);
	assert_int_equal(writer_report(b.w, "nobody\n"), 0);
	assert_int_equal(writer_reported(b.w, UINT64_MAX), -EPIPE); /* it is remembered */
	b.in[0] = b.in[1] = -1;
	bed_close(&b);
}

static void test_reader_returns(void **state)
{
	(void)state;
	char path[] = "/tmp/plxfifo.XXXXXX", buf[4096];
	struct bed b;

	assert_non_null(mkdtemp(path));
	char fifo[64];
	snprintf(fifo, sizeof(fifo), "%s/f", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	b.in[0] = open(fifo, O_RDONLY | O_NONBLOCK);
	b.out[0] = open(fifo, O_WRONLY);
	b.in[1] = open("/dev/null", O_RDONLY);
	b.out[1] = open("/dev/null", O_WRONLY);
	bed_start(&b, (struct plx_log){ 0 });
	close(b.in[0]);
	writer_log(b.w, PLX_LOG_INFO, "one");
	writer_wait(b.w, WRITER_LOG);
	writer_log(b.w, PLX_LOG_INFO, "two");
	writer_wait(b.w, WRITER_LOG);
	b.in[0] = open(fifo, O_RDONLY | O_NONBLOCK);
	writer_log(b.w, PLX_LOG_INFO, "three");
	expect_end(b.in[0], buf, sizeof(buf), "took none\n");
	assert_string_equal(
		buf, "prog: info: three\nprog: warning: 2 lines of the log were lost here: its reader took none\n");
	unlink(fifo);
	rmdir(path);
	bed_close(&b);
}

static void test_descriptors_of_all_kinds(void **state)
{
	(void)state;
	const struct { const char *path; int flags, err; } kinds[] = {
		{ "/dev/null", O_WRONLY, 0 }, { "/dev/full", O_WRONLY, -ENOSPC }, { "/dev/null", O_RDONLY, -EBADF },
	};

	for (unsigned i = 0; i < PLX_ARRAY_SIZE(kinds); i++) {
		struct bed b = { .in = { -1, -1 } };

		b.out[0] = open(kinds[i].path, kinds[i].flags);
		b.out[1] = open(kinds[i].path, kinds[i].flags);
		bed_start(&b, (struct plx_log){ 0 });
		writer_log(b.w, PLX_LOG_INFO, "text");
		assert_int_equal(writer_report(b.w, "text\n"), 0);
		assert_int_equal(writer_reported(b.w, UINT64_MAX), kinds[i].err);
		bed_close(&b);
	}
}

/* ---- the last summary ---- */

static void *read_slowly(void *arg)
{
	size_t left = 128 << 10;

	for (char buf[4096]; left; left -= sizeof(buf)) {
		plx_sys_sleep(&plx_sys_linux, 30 * MS);
		drain(*(int *)arg, sizeof(buf));
	}
	return NULL;
}

static void test_slow_reader_gets_all(void **state)
{
	(void)state;
	static char text[(128 << 10) + 1];
	pthread_t reader;
	struct bed b;

	memset(text, 'x', sizeof(text) - 1);
	bed_open(&b, (struct plx_log){ 0 });
	fcntl(b.out[WRITER_REPORT], F_SETPIPE_SZ, 4096);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &b.in[WRITER_REPORT]), 0);
	uint64_t begin = now_ns();
	assert_int_equal(writer_report(b.w, text), 0);
	assert_int_equal(writer_reported(b.w, 500 * MS), 0);
	assert_true(now_ns() - begin > 500 * MS);
	pthread_join(reader, NULL);
	bed_close(&b);
}

/* ---- the application's callback ---- */

struct app {
	struct kept_log k;
	struct writer *w;
	pthread_t by;    /* the thread that called */
	uint32_t busy;   /* calls that have not returned; more than one is wrong */
	uint32_t wrong, in, hold, told;
};

static void app_line(void *arg, enum plx_log_level level, const char *line)
{
	struct app *a = arg;

	a->wrong |= __atomic_fetch_add(&a->busy, 1, __ATOMIC_RELAXED) != 0;
	a->by = pthread_self();
	kept_line(&a->k, level, line);
	if (strstr(line, "lines of the log were lost here"))
		__atomic_store_n(&a->told, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&a->in, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&a->hold, __ATOMIC_ACQUIRE))
		plx_sys_sleep(&plx_sys_linux, MS);
	if (a->w && !strcmp(line, "again")) {
		writer_log(a->w, PLX_LOG_DEBUG, "from within");
		writer_wait(a->w, WRITER_LOG); /* of no use here, and harmless */
	}
	__atomic_fetch_sub(&a->busy, 1, __ATOMIC_RELAXED);
}

static void test_callback(void **state)
{
	(void)state;
	struct app a = { .k.lock = PTHREAD_MUTEX_INITIALIZER };
	struct bed b;

	bed_open(&b, (struct plx_log){ .fn = app_line, .arg = &a });
	a.w = b.w;
	writer_log(b.w, PLX_LOG_ERROR, "");
	writer_log(b.w, PLX_LOG_INFO, "two\nlines");
	writer_log(b.w, PLX_LOG_NOTICE, "again");
	wait_for(kept_has(&a.k, "from within"));
	writer_wait(b.w, WRITER_LOG);
	assert_string_equal(a.k.text, "error: \ninfo: two\nlines\nnotice: again\ndebug: from within\n");
	assert_false(pthread_equal(a.by, pthread_self()));
	bed_close(&b);
	assert_int_equal(a.wrong, 0);
}

static void test_callback_that_blocks(void **state)
{
	(void)state;
	struct app a = { .k.lock = PTHREAD_MUTEX_INITIALIZER, .hold = 1 };
	struct bed b;

	bed_open(&b, (struct plx_log){ .fn = app_line, .arg = &a });
	writer_log(b.w, PLX_LOG_INFO, "held");
	wait_for(__atomic_load_n(&a.in, __ATOMIC_ACQUIRE));
	uint64_t begin = now_ns();
	writer_wait(b.w, WRITER_LOG);
	for (unsigned i = 0; i < 2000; i++) {
		log_number(&b, i);
		writer_wait(b.w, WRITER_LOG);
	}
	assert_true(now_ns() - begin < 30000 * MS);
	__atomic_store_n(&a.hold, 0, __ATOMIC_RELEASE);
	wait_for(__atomic_load_n(&a.told, __ATOMIC_ACQUIRE));
	/* and once more, at the end */
	__atomic_store_n(&a.in, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&a.hold, 1, __ATOMIC_RELEASE);
	writer_log(b.w, PLX_LOG_INFO, "last");
	wait_for(__atomic_load_n(&a.in, __ATOMIC_ACQUIRE));
	begin = now_ns();
	writer_free(b.w);
	assert_true(now_ns() - begin < 30000 * MS);
	assert_int_equal(bed_mapped, 1); /* the thread is in the callback still, and keeps its memory */
	__atomic_store_n(&a.hold, 0, __ATOMIC_RELEASE);
	wait_for(!__atomic_load_n(&bed_mapped, __ATOMIC_ACQUIRE));
	assert_int_equal(a.wrong, 0);
	for (int i = 0; i < WRITER_STREAMS; i++)
		close(b.in[i]), close(b.out[i]);
}

/* ---- in an environment ---- */

/* A reader of standard error that takes nothing costs a start, a run and an end a bounded time. */
static int with_stuck_stderr(void *arg)
{
	struct plx_env_conf *c = arg;
	struct plx_env *env;
	int p[2];

	if (pipe(p) || dup2(p[1], STDERR_FILENO) < 0 || dup2(p[1], STDOUT_FILENO) < 0)
		return 1;
	stuff(p[1]);
	uint64_t begin = now_ns();
	if (plx_env_open(&env, c))
		return 2;
	plx_env_stop(env, 0);
	if (plx_env_run(env))
		return 3;
	if (plx_env_report(env, "summary\n") || plx_env_report_flush(env, 100 * MS) != -ETIMEDOUT)
		return 4;
	plx_env_fini(env);
	if (now_ns() - begin > 30000 * MS)
		return 5;
	return fcntl(p[1], F_GETFL) & O_NONBLOCK ? 6 : 0;
}

/* Nor does one that is gone end the process. */
static int with_stderr_gone(void *arg)
{
	struct plx_env_conf *c = arg;
	struct plx_env *env;
	int p[2];

	signal(SIGPIPE, SIG_DFL);
	if (pipe(p) || dup2(p[1], STDERR_FILENO) < 0 || dup2(p[1], STDOUT_FILENO) < 0 || close(p[0]))
		return 1;
	if (plx_env_open(&env, c))
		return 2;
	plx_env_stop(env, 0);
	if (plx_env_run(env))
		return 3;
	if (plx_env_report(env, "summary\n") || plx_env_report_flush(env, 10000 * MS) != -EPIPE)
		return 4;
	plx_env_fini(env);
	return 0;
}

/* A forked child has no writer: its lines are written at once. */
static int with_a_child(void *arg)
{
	struct plx_env_conf *c = arg;
	struct plx_env *env;
	char buf[4096] = "";
	int p[2], status;

	c->log_level = PLX_LOG_WARN;
	if (pipe(p) || dup2(p[1], STDERR_FILENO) < 0 || plx_env_open(&env, c))
		return 1;
	pid_t child = fork();
	if (!child) {
		plx_logf(plx_env_log(env), PLX_LOG_WARN, "from the child");
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		return 2;
	if (read(p[0], buf, sizeof(buf) - 1) < 0 || !strstr(buf, "from the child\n"))
		return 3;
	plx_env_fini(env);
	return 0;
}

static void test_environments(void **state)
{
	(void)state;
	int (*const what[])(void *) = { with_stuck_stderr, with_stderr_gone, with_a_child };

	for (unsigned i = 0; i < PLX_ARRAY_SIZE(what); i++) {
		struct kept_log k;
		struct plx_env_conf c;
		int status;

		test_conf(&c, &k, 1, "a,driver=loop", NULL);
		c.log = (struct plx_log){ 0 };
		c.log_level = PLX_LOG_DEBUG;
		pid_t child = fork();
		if (!child) {
			alarm(60);
			_exit(what[i](&c));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status)
			fail_msg("environment %u: status %x", i, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, while no other thread is there to be forked away */
		cmocka_unit_test(test_environments),
		cmocka_unit_test(test_full_pipe), cmocka_unit_test(test_stuck_report_does_not_hold_the_log),
		cmocka_unit_test(test_stopped_terminal), cmocka_unit_test(test_terminal_nobody_reads),
		cmocka_unit_test(test_lost_lines_are_told),
		cmocka_unit_test(test_lost_reports_are_counted), cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_reader_returns), cmocka_unit_test(test_descriptors_of_all_kinds),
		cmocka_unit_test(test_slow_reader_gets_all), cmocka_unit_test(test_callback),
		cmocka_unit_test(test_callback_that_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

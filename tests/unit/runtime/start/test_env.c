/* SPDX-License-Identifier: MIT */
/* test_env.c - the environment's life: open, run, stop, again; every failure of the system
   on the way; two at once; a hundred in a row. */
#include "env_util.h"
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* ---- a forwarder ---- */

struct fwd {
	struct plx_env *env;
	struct plx_rxq *rx;
	struct plx_txq *tx;
	uint64_t want;
	plx_ctr  got;
};

static int fwd_poll(void *arg)
{
	struct fwd *f = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(f->rx, m, PLX_BURST);
	uint16_t k = plx_tx_burst(f->tx, m, n);

	plx_mbuf_put_bulk(m + k, n - k);
	plx_ctr_add(&f->got, k);
	if (f->got >= f->want)
		plx_env_stop(f->env, 0);
	return n;
}

static void add_fwd(struct fwd *f, struct plx_env *env, const char *from, const char *to, uint64_t want)
{
	*f = (struct fwd){ .env = env, .want = want, .rx = plx_port_rxq(plx_env_port_by_name(env, from), 0),
	                   .tx = plx_port_txq(plx_env_port_by_name(env, to), 0) };
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "fwd", .fn = fwd_poll, .arg = f, .rxq = f->rx)), 0);
}

static void test_null_to_null(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct fwd f;

	test_conf(&c, &k, 1, "a,driver=null", "b,driver=null", NULL);
	struct plx_env *env = test_open(&c, &k);
	add_fwd(&f, env, "a", "b", 100000);
	assert_int_equal(plx_env_run(env), 0);
	assert_true(f.got >= 100000);
	struct plx_port_stats s;
	plx_port_stats(plx_env_port_by_name(env, "b"), &s);
	assert_int_equal(s.tx.pkts, f.got);
	plx_env_fini(env);
	assert_false(kept_has(&k, "warning"));
	assert_false(kept_has(&k, "error"));
}

static int one_burst(void *arg)
{
	struct fwd *f = arg;
	struct plx_mbuf *m[8];
	uint16_t n = 0;

	if (f->want++)
		return 0;
	n = plx_mbuf_get_bulk(f->tx->pool, m, 8);
	for (uint16_t i = 0; i < n; i++)
		memset(plx_mbuf_append(m[i], 60), i, 60);
	assert_int_equal(plx_tx_burst(f->tx, m, n), 8);
	return n;
}

static int count_frames(void *arg)
{
	struct fwd *f = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(f->rx, m, PLX_BURST);

	plx_mbuf_put_bulk(m, n);
	plx_ctr_add(&f->got, n);
	if (f->got == 8)
		plx_env_stop(f->env, 0);
	return n;
}

static void test_loop_two_lcores(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 2, "a,driver=loop,peer=b", "b,driver=loop,peer=a", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct fwd f = { .env = env,
		         .rx = plx_port_rxq(plx_env_port(env, 1), 0),
		         .tx = plx_port_txq(plx_env_port(env, 0), 0) };
	struct fwd g = f;
	assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .fn = one_burst, .arg = &f, .lcore = 0 }), 0);
	assert_int_equal(
		plx_poller_add(env,
	                       &(struct plx_poller_conf){ .fn = count_frames, .arg = &g, .lcore = 1, .rxq = g.rx }),
		0);
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(g.got, 8);
	f.want = g.got = 0;
	assert_int_equal(plx_env_run(env), 0); /* and once more */
	assert_int_equal(g.got, 8);
	plx_env_fini(env);
}

static int fatal_poll(void *arg)
{
	plx_env_stop(arg, -EIO);
	plx_env_stop(arg, 0);
	return 0;
}

static void test_stop_value(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = fatal_poll, .arg = env)), 0);
	assert_int_equal(plx_env_run(env), -EIO);
	plx_env_stop(env, -ENOENT); /* between runs: the next one ends at once */
	assert_int_equal(plx_env_run(env), -ENOENT);
	assert_int_equal(plx_env_run(env), -EIO);
	plx_env_fini(env);
	plx_env_fini(NULL);
}

static void test_getters(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 2, "a,driver=null", "b,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(plx_env_ports(env), 2);
	assert_ptr_equal(plx_env_port(env, 1), plx_env_port_by_name(env, "b"));
	assert_null(plx_env_port(env, 2));
	assert_null(plx_env_port_by_name(env, "x"));
	assert_non_null(plx_env_pool(env, -1));
	assert_null(plx_env_pool(env, PLX_NODES_MAX));
	assert_int_equal(plx_env_lcores(env), 2);
	assert_null(plx_env_lcore(env, 2));
	assert_null(plx_env_lcore_by_id(env, 9));
	assert_int_equal(plx_lcore_id(plx_env_lcore_by_id(env, 1)), 1);
	assert_null(plx_lcore_self());
	/* each reading of the cycles between two of the clock: this thread may be held up anywhere */
	uint64_t hz = plx_cycles_hz(env), t0 = now_ns(), c0 = plx_cycles(), t1 = now_ns(), t2;
	while ((t2 = now_ns()) - t1 < 20000000)
		;
	uint64_t cycles = plx_cycles() - c0, t3 = now_ns();
	double said = (double)cycles / (double)hz * 1e9;
	assert_true(said > (double)(t2 - t1) * 0.9 && said < (double)(t3 - t0) * 1.1);
	plx_env_fini(env);
}

/* ---- two in one process ---- */

static void test_two_environments(void **state)
{
	(void)state;
	struct kept_log k[2];
	struct plx_env_conf c;
	struct plx_env *env[2];
	struct runner r[2];
	struct fwd f[2];

	for (int i = 0; i < 2; i++) {
		test_conf(&c, &k[i], 1, "a,driver=null", "b,driver=null", NULL);
		env[i] = test_open(&c, &k[i]);
		add_fwd(&f[i], env[i], "a", "b", UINT64_MAX);
	}
	runner_start(&r[0], env[0]);
	runner_start(&r[1], env[1]);
	wait_for(plx_ctr_read(&f[0].got) > 1000 && plx_ctr_read(&f[1].got) > 1000);
	assert_int_equal(runner_stop(&r[0], -7), -7);
	uint64_t seen = plx_ctr_read(&f[1].got);
	wait_for(plx_ctr_read(&f[1].got) > seen);
	plx_env_fini(env[0]);
	seen = plx_ctr_read(&f[1].got);
	wait_for(plx_ctr_read(&f[1].got) > seen);
	assert_int_equal(runner_stop(&r[1], 0), 0);
	plx_env_fini(env[1]);
}

/* ---- growth ---- */

static void start_stop_once(void)
{
	struct kept_log k;
	struct plx_env_conf c;
	struct fwd f;

	test_conf(&c, &k, 2, "a,driver=loop", "b,driver=null", NULL);
	c.idle = PLX_IDLE_ADAPTIVE;
	struct plx_env *env = test_open(&c, &k);
	add_fwd(&f, env, "b", "a", 64);
	assert_int_equal(plx_env_run(env), 0);
	plx_env_fini(env);
}

static void test_hundred_cycles(void **state)
{
	(void)state;
	/* what libraries keep for good, and freed chunks that malloc keeps at hand and counts as used */
	for (int i = 0; i < 25; i++)
		start_stop_once();
	unsigned tasks = steady_tasks(), fds = count_fds();
	struct mallinfo2 before = mallinfo2();

	for (int i = 20; i < 100; i++)
		start_stop_once();
	struct mallinfo2 after = mallinfo2();
	assert_int_equal(count_fds(), fds);
	wait_for(count_entries("/proc/self/task") == tasks);
	assert_true(after.uordblks < before.uordblks + 16384); /* 0 under a sanitizer's allocator */
	assert_true(after.hblkhd <= before.hblkhd);
}

/* ---- failures of the system ---- */

/* A table that fails the nth call of all it makes.  Calls are counted on any thread. */
static struct { int left; int err; } fault;
static long mapped; /* bytes that are mapped now */

static bool faulty(void)
{
	if (__atomic_fetch_sub(&fault.left, 1, __ATOMIC_RELAXED) != 0)
		return false;
	errno = fault.err;
	return true;
}

static int f_epoll_create1(int flags) { return faulty() ? -1 : plx_sys_linux.epoll_create1(flags); }
static int f_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	return op == EPOLL_CTL_ADD && faulty() ? -1 : plx_sys_linux.epoll_ctl(ep, op, fd, ev);
}
static int f_eventfd(unsigned v, int flags) { return faulty() ? -1 : plx_sys_linux.eventfd(v, flags); }
static int f_signalfd(int fd, const sigset_t *m, int flags)
{
	return faulty() ? -1 : plx_sys_linux.signalfd(fd, m, flags);
}
static int f_timerfd_create(int clock, int flags) { return faulty() ? -1 : plx_sys_linux.timerfd_create(clock, flags); }
static int f_memfd_create(const char *name, unsigned flags)
{
	return faulty() ? -1 : plx_sys_linux.memfd_create(name, flags);
}
static int f_ftruncate(int fd, off_t len) { return faulty() ? -1 : plx_sys_linux.ftruncate(fd, len); }
static void *f_mmap(void *a, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = faulty() ? MAP_FAILED : plx_sys_linux.mmap(a, len, prot, flags, fd, off);

	__atomic_fetch_add(&mapped, p == MAP_FAILED ? 0 : (long)len, __ATOMIC_RELAXED); /* lcores map, too */
	return p;
}
static int f_munmap(void *a, size_t len)
{
	__atomic_fetch_sub(&mapped, (long)len, __ATOMIC_RELAXED);
	return plx_sys_linux.munmap(a, len);
}
static int f_thread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	return faulty() ? fault.err : plx_sys_linux.thread_create(t, a, fn, arg);
}
static int f_thread_setaffinity(pthread_t t, size_t size, const void *set)
{
	return faulty() ? fault.err : plx_sys_linux.thread_setaffinity(t, size, set);
}

static void test_every_failure_unwinds(void **state)
{
	(void)state;
	struct plx_sys sys = plx_sys_linux;
	struct kept_log k;
	struct plx_env_conf c;
	unsigned failures = 0;
	int nth = 0;

	sys.epoll_create1 = f_epoll_create1;
	sys.epoll_ctl = f_epoll_ctl;
	sys.eventfd = f_eventfd;
	sys.signalfd = f_signalfd;
	sys.timerfd_create = f_timerfd_create;
	sys.memfd_create = f_memfd_create;
	sys.ftruncate = f_ftruncate;
	sys.mmap = f_mmap;
	sys.munmap = f_munmap;
	sys.thread_create = f_thread_create;
	sys.thread_setaffinity = f_thread_setaffinity;
	start_stop_once();
	unsigned tasks = steady_tasks(), fds = count_fds();

	for (;; nth++) {
		struct plx_env *env = (void *)1;

		fault.left = nth;
		fault.err = EMFILE;
		test_conf(&c, &k, 2, "a,driver=loop", "b,driver=null", NULL);
		c.no_signals = false;
		c.sys = &sys;
		int err = plx_env_open(&env, &c);
		if (!err) {
			plx_env_fini(env);
		} else {
			failures++;
			assert_null(env);
			assert_true(err < 0);
			if (kept_count(&k, "error: ") != 1)
				fail_msg("call %d: %s", nth, k.text);
		}
		assert_int_equal(count_fds(), fds);
		wait_for(count_entries("/proc/self/task") == tasks);
		assert_int_equal(mapped, 0);
		if (__atomic_load_n(&fault.left, __ATOMIC_RELAXED) >= 0)
			break; /* there was no nth call */
	}
	assert_true(failures > 15);
}

static void test_bad_configuration(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_env *env;

	test_conf(&c, &k, 1, NULL);
	c.lcores[0].cpus[0] = 999;
	assert_int_equal(plx_env_open(&env, &c), -EINVAL);
	assert_null(env);
	assert_int_equal(kept_count(&k, "\n"), 1);
	test_conf(&c, &k, 1, NULL);
	c.name[0] = 0;
	assert_int_equal(plx_env_open(&env, &c), -EINVAL);
	test_conf(&c, &k, 1, "plxnone0", NULL);
	assert_int_equal(plx_env_open(&env, &c), -ENODEV);
	assert_true(kept_has(&k, "plxnone0"));
	assert_int_equal(kept_count(&k, "\n"), 1);
}

/* ---- text ---- */

static size_t captured(char *buf, size_t len, int fd, int (*fn)(void), int *err)
{
	int file = memfd_create("out", 0), old = dup(fd);

	dup2(file, fd);
	*err = fn();
	dup2(old, fd);
	close(old);
	ssize_t n = pread(file, buf, len - 1, 0);
	close(file);
	buf[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

static int init(char **argv)
{
	struct plx_env *env;
	int argc = 0;

	while (argv[argc])
		argc++;
	int err = plx_env_init(&env, argc, argv);
	if (!err)
		plx_env_fini(env);
	return err;
}
static int init_help(void) { return init((char *[]){ "prog", "--help", NULL }); }
static int init_version(void) { return init((char *[]){ "prog", "--version", NULL }); }
static int init_wrong(void) { return init((char *[]){ "prog", "--hlep", NULL }); }
static int init_missing(void) { return init((char *[]){ "prog", "--iface", "plxnone0", NULL }); }
static int init_plan(void) { return init((char *[]){ "prog", "--dry-run", "--iface", "x,driver=null", NULL }); }
static int init_ok(void) { return init((char *[]){ "prog", "--huge=never", "--iface", "x,driver=null", NULL }); }

static void test_texts(void **state)
{
	(void)state;
	char buf[PLX_HELP_MAX];
	int err;

	captured(buf, sizeof(buf), 1, init_help, &err);
	assert_int_equal(err, PLX_TEXT);
	assert_non_null(strstr(buf, "--iface"));
	captured(buf, sizeof(buf), 1, init_version, &err);
	assert_int_equal(err, PLX_TEXT);
	assert_non_null(strstr(buf, "pollux"));
	captured(buf, sizeof(buf), 1, init_plan, &err);
	assert_int_equal(err, PLX_TEXT);
	assert_non_null(strstr(buf, "null"));
	size_t n = captured(buf, sizeof(buf), 2, init_wrong, &err);
	assert_int_equal(err, -EINVAL);
	assert_non_null(strstr(buf, "--help"));
	assert_ptr_equal(strstr(buf, "prog: "), buf); /* named after the program */
	assert_ptr_equal(strchr(buf, '\n'), buf + n - 1); /* one line */
	n = captured(buf, sizeof(buf), 2, init_missing, &err);
	assert_int_equal(err, -ENODEV);
	assert_ptr_equal(strchr(buf, '\n'), buf + n - 1);
	assert_non_null(strstr(buf, "error: plxnone0"));
	captured(buf, sizeof(buf), 2, init_ok, &err);
	assert_int_equal(err, 0);
	assert_non_null(strstr(buf, "notice: x: driver null"));
}

static void test_sink_counts_repeats(void **state)
{
	(void)state;
	char buf[4096];
	struct sink s;
	int file = memfd_create("err", 0), old = dup(2);

	sink_init(&s, &plx_sys_linux, "prog", NULL);
	dup2(file, 2);
	for (int i = 0; i < 5; i++)
		sink_line(&s, PLX_LOG_WARN, "again");
	sink_line(&s, PLX_LOG_ERROR, "other");
	sink_fini(&s);
	dup2(old, 2);
	close(old);
	buf[pread(file, buf, sizeof(buf) - 1, 0)] = 0;
	close(file);
	assert_string_equal(buf, "prog: warning: again\nprog: notice: the last line came 4 more times\n"
	                         "prog: error: other\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_to_null),
		cmocka_unit_test(test_loop_two_lcores),
		cmocka_unit_test(test_stop_value),
		cmocka_unit_test(test_getters),
		cmocka_unit_test(test_two_environments),
		cmocka_unit_test(test_hundred_cycles),
		cmocka_unit_test(test_every_failure_unwinds),
		cmocka_unit_test(test_bad_configuration),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_sink_counts_repeats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_fatal.c - the last line of a process that ends by its own mistake: what it says, and that the
   end is the same as without it.  Each case is a child with an environment of its own. */
#include "lcore_util.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { ASSERT_LINE = 43 }; /* of assert_wrongly */

static const int fatals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* ---- mistakes ---- */

static int *volatile bad = (int *)0x10;
static volatile int number_of_signal;

static int write_to_0x10(void *arg)
{
	(void)arg;
	*bad = 1;
	return 0;
}

static int write_beyond(void *arg)
{
	bad = (int *)(UINTPTR_MAX / 2 + 1);
	return write_to_0x10(arg);
}

static int raise_signal(void *arg)
{
	(void)arg;
	raise(number_of_signal);
	return 0;
}

static int assert_wrongly(void *arg)
{
	const int three = 3;

	(void)arg;
	PLX_ASSERT(three == 4 && "arithmetic holds");
	return 0;
}

static int add_to_nothing(void *arg)
{
	(void)arg;
	return plx_poller_add(NULL, PLX_POLLER(.fn = raise_signal));
}

static int time_nothing(void *arg)
{
	return plx_env_timer(NULL, MS, raise_signal, arg);
}

/* Deeper than any stack, and no compiler sees that. */
static int deeper(volatile char *above) /* NOLINT */
{
	volatile char here[4096];

	here[0] = above ? above[0] : 1;
	return here[0] ? deeper(here) + here[0] : 0;
}

static int overflow(void *arg)
{
	(void)arg;
	return deeper(NULL);
}

/* ---- the child ---- */

enum where { POLLER, TWO_POLLERS, LAUNCHED, TIMER, REGISTERED, THREAD };

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

struct thread { struct plx_env *env; int (*mistake)(void *); bool registers; };

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct plx_lcore *l;

	if (t->registers && plx_lcore_register(t->env, &l))
		_exit(99);
	t->mistake(NULL);
	return NULL;
}

static void make(struct plx_env *env, enum where where, int (*mistake)(void *))
{
	struct thread t = { env, mistake, where == REGISTERED };
	pthread_t thread;

	for (int i = 0; i < (where == TWO_POLLERS ? 2 : 1); i++)
		plx_poller_add(
			env, PLX_POLLER(.name = "crash", .fn = where <= TWO_POLLERS ? mistake : nothing)); /* spread */
	if (where == TIMER)
		plx_env_timer(env, MS, mistake, NULL);
	else if (where == LAUNCHED)
		plx_lcore_launch(plx_env_lcore(env, 0), mistake, NULL);
	else if (where >= REGISTERED && !pthread_create(&thread, NULL, thread_main, &t))
		pthread_join(thread, NULL);
	plx_env_run(env);
}

/* cmocka has handlers of its own. */
static void as_a_program(void)
{
	const struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++)
		signal(fatals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	alarm(60);
}

struct end { int status; char text[4096]; };

/* Runs it with a pipe as standard error, which this end reads, or does not, or has closed. */
enum reader { READS, SLEEPS, GONE };

static struct end end_of(enum where where, int (*mistake)(void *), enum reader reader)
{
	static char filler[1 << 20];
	struct end e = { 0 };
	size_t n = 0;
	ssize_t got;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	fflush(NULL);
	const pid_t pid = fork();

	if (!pid) {
		struct plx_env_conf c;
		struct kept_log k;

		as_a_program();
		test_conf(&c, &k, where == TWO_POLLERS ? 2 : 1, NULL);
		c.registered = 1;
		struct plx_env *env = test_open(&c, &k);

		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);
		make(env, where, mistake);
		_exit(98);
	}
	if (reader == SLEEPS) {
		fcntl(fd[1], F_SETFL, O_NONBLOCK);
		while (write(fd[1], filler, sizeof(filler)) > 0)
			;
		fcntl(fd[1], F_SETFL, 0);
	}
	close(fd[1]);
	if (reader == GONE)
		close(fd[0]);
	while (reader == READS && (got = read(fd[0], e.text + n, sizeof(e.text) - 1 - n)) > 0)
		n += (size_t)got;
	assert_int_equal(waitpid(pid, &e.status, 0), pid);
	if (reader != GONE)
		close(fd[0]);
	return e;
}

/* It ended by this signal after one line, which has these words. */
static void ends(struct end e, int sig, const char *what, const char *on)
{
	char first[512];

	snprintf(first, sizeof(first), "%s: fatal: %s", program_invocation_short_name, what);
	if (!WIFSIGNALED(e.status) || WTERMSIG(e.status) != sig || strncmp(e.text, first, strlen(first)) ||
	    !strstr(e.text, on) || strchr(e.text, '\n') != e.text + strlen(e.text) - 1)
		fail_msg("status %#x, not signal %d; '%s' is not '%s...%s'", (unsigned)e.status, sig, e.text, first,
		         on);
}

/* ---- tests ---- */

static void in_a_poller(void **state)
{
	static const char *const names[] = { "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT" };

	(void)state;
	ends(end_of(POLLER, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10, ", "lcore 0, poller crash\n");
#ifdef __x86_64__ /* no address at all, of which the kernel says nothing */
	ends(end_of(POLLER, write_beyond, READS), SIGSEGV, "SIGSEGV, lcore 0", "");
#else
	(void)write_beyond;
#endif
	for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++) {
		number_of_signal = fatals[i];
		ends(end_of(POLLER, raise_signal, READS), fatals[i], names[i], ", lcore 0, poller crash\n");
	}
}

static void without_stack(void **state)
{
	(void)state;
	ends(end_of(POLLER, overflow, READS), SIGSEGV, "SIGSEGV at address 0x", ", lcore 0, poller crash\n");
}

static void assertion(void **state)
{
	char what[200];

	(void)state;
	snprintf(what, sizeof(what),
	         "tests/unit/runtime/lcore/test_fatal.c:%d: assert_wrongly: assertion failed: three == 4 && "
	         "\"arithmetic holds\"",
	         ASSERT_LINE);
	ends(end_of(POLLER, assert_wrongly, READS), SIGABRT, what, ", lcore 0, poller crash\n");
	ends(end_of(TIMER, assert_wrongly, READS), SIGABRT, what, ", main thread\n");
}

/* What cannot be logged, for there is no environment. */
static void no_environment(void **state)
{
	(void)state;
	ends(end_of(TIMER, add_to_nothing, READS), SIGABRT, "runtime/lcore/poller.c:",
	     ": plx_poller_add: assertion failed: "
	     "env && c, main thread\n");
	ends(end_of(LAUNCHED, time_nothing, READS), SIGABRT, "runtime/control/control.c:",
	     ": plx_env_timer: assertion failed: "
	     "env, lcore 0, a launched function\n");
}

static void elsewhere(void **state)
{
	(void)state;
	ends(end_of(LAUNCHED, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10",
	     ", lcore 0, a launched function\n");
	ends(end_of(TIMER, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10, main thread\n", "");
	ends(end_of(REGISTERED, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10, thread ",
	     ", registered as lcore 128\n");
	ends(end_of(THREAD, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10, thread ", "\n");
}

/* Of two lcores one tells, and neither ends the process before that. */
static void both_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		ends(end_of(TWO_POLLERS, write_to_0x10, READS), SIGSEGV, "SIGSEGV at address 0x10, lcore ",
		     ", poller crash\n");
}

/* Whoever is to read standard error does not decide how the process ends, nor when. */
static void no_reader(void **state)
{
	static int (*const mistakes[])(void *) = { write_to_0x10, assert_wrongly };
	static const enum where at[] = { POLLER, TIMER };

	(void)state;
	for (int i = 0; i < 8; i++) {
		const struct end e = end_of(at[i & 1], mistakes[i >> 1 & 1], i & 4 ? SLEEPS : GONE);

		assert_true(WIFSIGNALED(e.status));
		assert_int_equal(WTERMSIG(e.status), i >> 1 & 1 ? SIGABRT : SIGSEGV);
	}
}

static void app_handler(int sig)
{
	_exit(sig == SIGSEGV ? 42 : 43);
}

/* The application's handlers stay; what was not there before is not there after. */
static void handlers(void **state)
{
	const pid_t pid = fork();
	struct sigaction sa;
	int status;

	(void)state;
	if (!pid) {
		struct plx_env_conf c;
		struct kept_log k;

		as_a_program();
		signal(SIGSEGV, app_handler);
		test_conf(&c, &k, 1, NULL);
		struct plx_env *a = test_open(&c, &k), *b = test_open(&c, &k);

		plx_env_fini(a);
		for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++) { /* b's */
			sigaction(fatals[i], NULL, &sa);
			if (sa.sa_handler == SIG_DFL)
				_exit(1);
		}
		signal(SIGBUS, app_handler);
		plx_env_fini(b);
		for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++) {
			sigaction(fatals[i], NULL, &sa);
			if (sa.sa_handler != (i < 2 ? app_handler : SIG_DFL))
				_exit(2);
		}
		make(test_open(&c, &k), POLLER, write_to_0x10);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_poller), cmocka_unit_test(without_stack), cmocka_unit_test(assertion),
		cmocka_unit_test(elsewhere), cmocka_unit_test(both_at_once), cmocka_unit_test(no_reader),
		cmocka_unit_test(handlers), cmocka_unit_test(no_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

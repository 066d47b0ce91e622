/* SPDX-License-Identifier: MIT */
/* reading.c - a program that reads its ports in one of many ways, or not, for tests of whose the
   frames are.  reading WAY [ARGUMENTS OF POLLUX]; reading freeze TID SECONDS stops one thread, as
   a debugger would. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <pollux/plx.h>
#include <pollux/plx_lcore.h>

enum { SOON_NS = 500000000 };

static struct plx_env *env;
static struct plx_poller *poller[PLX_QUEUES_MAX];
static unsigned npollers;
static const char *way;
static bool hang; /* atomic */
static int quit;  /* atomic */

static bool is(const char *word) { return !strcmp(way, word); }

static void sleep_ns(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int take(struct plx_rxq *q)
{
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(q, m, PLX_BURST);

	plx_mbuf_put_bulk(m, n);
	return n;
}

static int take_one(void *arg)
{
	return take(arg);
}

static int take_all(void *arg)
{
	int n = 0;

	(void)arg;
	for (uint16_t i = 0; i < plx_env_ports(env); i++)
		for (uint16_t q = 0; plx_port_rxq(plx_env_port(env, i), q); q++)
			n += take(plx_port_rxq(plx_env_port(env, i), q));
	return n;
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

/* A poller beside the others that hangs once. */
static int hangs(void *arg)
{
	(void)arg;
	if (__atomic_load_n(&hang, __ATOMIC_RELAXED)) {
		__atomic_store_n(&hang, false, __ATOMIC_RELAXED);
		fprintf(stderr, "hangs\n");
		sleep_ns(10000000000u);
	}
	return 0;
}

static void *thread_reads(void *arg)
{
	struct plx_lcore *l;

	(void)arg;
	if (is("foreign") && plx_lcore_register(env, &l))
		return "cannot register";
	while (!__atomic_load_n(&quit, __ATOMIC_RELAXED))
		take_all(NULL);
	if (is("foreign"))
		plx_lcore_unregister();
	return NULL;
}

static int soon(void *arg)
{
	(void)arg;
	for (unsigned i = 0; is("halt") && i < plx_env_lcores(env); i++)
		plx_lcore_halt(plx_env_lcore(env, (uint16_t)i));
	for (unsigned i = 0; is("leave") && i < npollers; i++)
		plx_poller_del(poller[i]);
	if (is("hang"))
		__atomic_store_n(&hang, true, __ATOMIC_RELAXED);
	fprintf(stderr, "now\n");
	if (is("timer"))
		sleep_ns(10000000000u);
	return 1;
}

static int add(struct plx_poller_conf c)
{
	return plx_poller_add_get(&poller[npollers++], env, &c);
}

static int add_pollers(void)
{
	int err = 0;

	if (is("none") || is("thread") || is("foreign"))
		return 0;
	if (is("opaque"))
		return add((struct plx_poller_conf){ .name = "nothing", .fn = nothing, .lcore = -1 });
	if (is("all"))
		return add((struct plx_poller_conf){ .name = "all", .fn = take_all, .lcore = -1 });
	for (uint16_t i = 0; i < plx_env_ports(env) && !(is("first") && i); i++)
		for (uint16_t q = 0; !err && plx_port_rxq(plx_env_port(env, i), q); q++)
			err = add((struct plx_poller_conf){ .name = "take",
			                                    .fn = take_one,
			                                    .arg = plx_port_rxq(plx_env_port(env, i), q),
			                                    .rxq = plx_port_rxq(plx_env_port(env, i), q),
			                                    .lcore = is("hang") ? 0 : -1 });
	if (!err && is("hang"))
		err = add((struct plx_poller_conf){ .name = "hangs", .fn = hangs, .lcore = 1 });
	return err;
}

/* Counters of the ports, a line each, for the test to add up. */
static void tell(void)
{
	static struct plx_xstat x[256];

	for (uint16_t i = 0; i < plx_env_ports(env); i++) {
		int n = plx_port_xstats(plx_env_port(env, i), x, 256);

		for (int k = 0; k < n && k < 256; k++)
			printf("%s %s %llu\n", plx_env_port(env, i)->name, x[k].name, (unsigned long long)x[k].value);
	}
}

static int freeze(pid_t tid, double seconds)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) || ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
	    waitpid(tid, NULL, __WALL) != tid) {
		perror("ptrace");
		return 1;
	}
	printf("frozen\n");
	fflush(stdout);
	sleep_ns((uint64_t)(seconds * 1e9));
	return ptrace(PTRACE_DETACH, tid, NULL, NULL) ? 1 : 0;
}

/* The parent is killed, and a child that it forked lives on. */
static void fork_and_stay(void)
{
	pid_t child = fork();

	if (!child) {
		int err = plx_env_run(env); /* a clear error, no crash */

		fprintf(stderr, "child: plx_env_run returned %d\n", err);
		plx_env_fini(env);
		pause();
		_exit(0);
	}
	fprintf(stderr, "child %d\n", child);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	sigset_t all, old;
	int err;

	if (argc == 4 && !strcmp(argv[1], "freeze"))
		return freeze(atoi(argv[2]), atof(argv[3]));
	if (argc < 2)
		return 2;
	way = argv[1];
	argv[1] = argv[0];
	err = plx_env_init(&env, argc - 1, argv + 1);
	if (err)
		return plx_exit_code(err);
	err = add_pollers();
	if (!err)
		err = plx_env_timer(env, SOON_NS, soon, NULL);
	if (is("fork"))
		fork_and_stay();
	if (is("daemon") && daemon(1, 1))
		return 1;
	sigfillset(&all); /* signals are watch's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (!err && (is("thread") || is("foreign")))
		err = -pthread_create(&thread, NULL, thread_reads, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		err = plx_env_run(env);
	__atomic_store_n(&quit, 1, __ATOMIC_RELAXED);
	if (is("thread") || is("foreign"))
		pthread_join(thread, NULL);
	if (!is("daemon"))
		tell();
	plx_env_fini(env);
	return plx_exit_code(err);
}

/* SPDX-License-Identifier: MIT */
/* cycles.c - opens, runs and closes environments in one process and watches what it holds;
   run by test_cycles.sh on a veth pair. */
#include <pollux/plx.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The allocator's arenas of threads that came and went.  A sanitizer keeps freed memory and a
   history for itself, so there its leak detector alone judges. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_KB = 1 << 20 };
#else
enum { GROWTH_KB = 256 };
#endif

struct held { long fds, threads, rss_kb, huge_kb; };

static long word_of(const char *path, const char *key)
{
	char line[256];
	long v = 0;
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = atol(line + strlen(key));
	if (f)
		fclose(f);
	return v;
}

static struct held holding(void)
{
	/* VmRSS of status may be off by the pages each CPU has counted for itself; smaps counts them all */
	struct held h = { .threads = word_of("/proc/self/status", "Threads:"),
	                  .rss_kb = word_of("/proc/self/smaps_rollup", "Rss:"),
	                  .huge_kb = word_of("/proc/self/status", "HugetlbPages:") };
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		h.fds++;
	if (d)
		closedir(d);
	return h;
}

static int drop_poll(void *arg)
{
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(arg, m, PLX_BURST);
	plx_mbuf_put_bulk(m, n);
	return n;
}

static int stop_now(void *arg)
{
	plx_env_stop(arg, 0);
	return 1;
}

static int cycle(int argc, char **argv)
{
	struct plx_env *env;
	struct plx_rxq *rx;
	int err = plx_env_init(&env, argc, argv);
	if (err)
		return err;
	for (uint16_t p = 0; p < plx_env_ports(env) && !err; p++)
		for (uint16_t q = 0; (rx = plx_port_rxq(plx_env_port(env, p), q)) && !err; q++)
			err = plx_poller_add(env, PLX_POLLER(.fn = drop_poll, .arg = rx, .rxq = rx));
	if (!err)
		err = plx_env_timer(env, 1000000, stop_now, env);
	if (!err)
		err = plx_env_run(env);
	plx_env_fini(env);
	return err;
}

/* cycles N OPTIONS...: the first rounds may fill caches of libraries; after them nothing may grow. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 0, warm = 5;
	struct held first = { 0 }, last;
	argv[1] = argv[0];
	for (int i = 0; i < rounds + warm; i++) {
		int err = cycle(argc - 1, argv + 1);
		if (err) {
			fprintf(stderr, "round %d: %s\n", i, strerror(-err));
			return plx_exit_code(err);
		}
		if (i == warm - 1)
			first = holding();
	}
	last = holding();
	printf("after %d rounds: fds %ld -> %ld, threads %ld -> %ld, rss %ld -> %ld KiB, hugepages %ld -> %ld KiB\n",
	       rounds, first.fds, last.fds, first.threads, last.threads, first.rss_kb, last.rss_kb,
	       first.huge_kb, last.huge_kb);
	return last.fds > first.fds || last.threads > first.threads || last.huge_kb > first.huge_kb ||
	       last.rss_kb > first.rss_kb + GROWTH_KB ? PLX_EXIT_CHECK : 0;
}

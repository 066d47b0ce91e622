/* SPDX-License-Identifier: MIT */
/* env_util.h - what the tests of the environment share: a configuration with ports in
   memory, a log that is kept, and waiting for a condition. */
#ifndef ENV_UTIL_H
#define ENV_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "env.h"
#include "lcore.h"
#include "fd_util.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ull /* in ns */

struct kept_log {
	pthread_mutex_t lock;
	char text[16384];
};

static inline void kept_line(void *arg, enum plx_log_level level, const char *line)
{
	struct kept_log *k = arg;

	pthread_mutex_lock(&k->lock);
	size_t n = strlen(k->text);
	snprintf(k->text + n, sizeof(k->text) - n, "%s: %s\n", plx_log_level_name(level), line);
	pthread_mutex_unlock(&k->lock);
}

static inline bool kept_has(struct kept_log *k, const char *what)
{
	if (!k) /* with sanitizers gcc thinks of it */
		return false;
	pthread_mutex_lock(&k->lock);
	bool has = strstr(k->text, what);
	pthread_mutex_unlock(&k->lock);
	return has;
}

static inline unsigned kept_count(struct kept_log *k, const char *what)
{
	unsigned n = 0;

	pthread_mutex_lock(&k->lock);
	for (const char *s = k->text; (s = strstr(s, what)); s++)
		n++;
	pthread_mutex_unlock(&k->lock);
	return n;
}

/* CPUs of this process, for lcores: two different ones where there are two. */
static inline unsigned nth_cpu(unsigned n)
{
	cpu_set_t set;
	unsigned first = 0, seen = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = CPU_SETSIZE; i-- > 0;)
		if (CPU_ISSET(i, &set))
			first = i;
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set) && seen++ == n)
			return i;
	return first;
}

/* lcores lcores with the ids 0.. and ports of these arguments; no signals, quiet. */
static inline void test_conf(struct plx_env_conf *c, struct kept_log *k, unsigned lcores, ...)
{
	char why[1024];
	va_list ap;

	*k = (struct kept_log){ .lock = PTHREAD_MUTEX_INITIALIZER };
	plx_env_conf_init(c);
	snprintf(c->name, sizeof(c->name), "t%d", getpid());
	c->huge = PLX_NEVER;
	c->no_signals = true;
	c->log = (struct plx_log){ .fn = kept_line, .arg = k };
	c->log_level = PLX_LOG_INFO;
	c->nlcores = (uint16_t)lcores;
	for (unsigned i = 0; i < lcores; i++)
		c->lcores[i] =
			(struct plx_lcore_conf){ .id = (uint16_t)i, .ncpus = 1, .cpus = { (uint16_t)nth_cpu(i) } };
	va_start(ap, lcores);
	for (const char *port; (port = va_arg(ap, const char *));) {
		c->ports[c->nports] = plx_port_conf_default;
		if (plx_port_conf_parse(&c->ports[c->nports++], port, why, sizeof(why)))
			fail_msg("%s", why);
	}
	va_end(ap);
}

static inline struct plx_env *test_open(const struct plx_env_conf *c, struct kept_log *k)
{
	struct plx_env *env;
	int err = plx_env_open(&env, c);

	if (err)
		fail_msg("plx_env_open: %s: %s", strerror(-err), k->text);
	return env;
}

static inline uint64_t now_ns(void)
{
	return plx_sys_now(&plx_sys_linux);
}

/* Waits until cond holds, 30 s at most, for a thread may get little of a busy CPU; looks often at first, then leaves
 * the CPU to others. */
#define wait_for(cond) do { \
	uint64_t begin_ = now_ns(); \
	while (!(cond)) { \
		if (now_ns() > begin_ + 30000000000u) \
			fail_msg("%s:%d: waited in vain for " #cond, __FILE__, __LINE__); \
		if (now_ns() > begin_ + 50000) \
			plx_sys_sleep(&plx_sys_linux, 50000); \
	} \
} while (0)

/* Tasks of this process.  One that was joined stands in /proc for a moment more, so what
   is counted are those that stay: no lcore's. */
static inline unsigned lcore_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	char path[64], name[32];
	unsigned n = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");

		n += f && fgets(name, sizeof(name), f) && strstr(name, "-lc");
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return n;
}

static inline unsigned steady_tasks(void)
{
	wait_for(!lcore_tasks());
	return count_entries("/proc/self/task");
}

/* It waits in epoll for something to do. */
static inline bool lcore_dozes(const struct plx_lcore *l)
{
	return lcore_state(l) == PLX_LCORE_SLEEP && __atomic_load_n(&l->quiet, __ATOMIC_RELAXED);
}

/* plx_env_run in a thread of its own, as a program with other work would. */
struct runner { struct plx_env *env; pthread_t thread; int err; };

static inline void *runner_main(void *arg)
{
	struct runner *r = arg;

	r->err = plx_env_run(r->env);
	return NULL;
}

static inline void runner_start(struct runner *r, struct plx_env *env)
{
	*r = (struct runner){ .env = env };
	assert_int_equal(pthread_create(&r->thread, NULL, runner_main, r), 0);
}

static inline int runner_stop(struct runner *r, int err)
{
	plx_env_stop(r->env, err);
	pthread_join(r->thread, NULL);
	return r->err;
}

#endif

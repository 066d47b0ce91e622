/* SPDX-License-Identifier: MIT */
/* tasks.c - who else runs on a CPU: looks at all tasks twice, half a second apart.  Cold;
   called by pollux live for an lcore whose time is stolen. */
#include "live_tasks.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pollux/plx_text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TASKS_MAX = 4096, TOP = 3 };
#define APART_NS 500000000l

struct task { long tid; uint64_t run_ns, grown; char comm[32]; };

struct scan { int cpu; long lcore; bool again; struct task *task; size_t n; };

static void each(const char *path, void (*fn)(struct scan *s, const char *path, long id), struct scan *s)
{
	DIR *d = opendir(path);

	for (struct dirent *e; d && (e = readdir(d));) {
		char *end;
		long id = strtol(e->d_name, &end, 10);

		if (id > 0 && !*end)
			fn(s, path, id);
	}
	if (d)
		closedir(d);
}

/* Field 39 of stat, the CPU it ran on last; its name stands between the first ( and the last ). */
static bool on_cpu(const char *path, int cpu, char *comm, size_t len)
{
	char at[96], line[1024];
	int on = -1;

	snprintf(at, sizeof(at), "%s/stat", path);
	FILE *f = fopen(at, "r");
	bool got = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	char *open = got ? strchr(line, '(') : NULL, *close = open ? strrchr(line, ')') : NULL, *p = close;

	for (int field = 2; p && field < 39; field++)
		if ((p = strchr(p, ' ')))
			p++;
	if (!p || sscanf(p, "%d", &on) != 1 || on != cpu)
		return false;
	snprintf(comm, len, "%.*s", (int)(close - open - 1), open + 1);
	for (char *c = comm; *c; c++)
		*c = *c < ' ' || *c > '~' ? '?' : *c;
	return true;
}

static uint64_t run_ns(const char *path)
{
	char at[96];
	uint64_t ns = 0;

	snprintf(at, sizeof(at), "%s/schedstat", path);
	FILE *f = fopen(at, "r");

	if (f && fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static void look_task(struct scan *s, const char *path, long tid)
{
	char at[64], comm[32];

	snprintf(at, sizeof(at), "%.40s/%ld", path, tid);
	if (tid == s->lcore || !on_cpu(at, s->cpu, comm, sizeof(comm)))
		return;
	for (size_t i = 0; s->again && i < s->n; i++)
		if (s->task[i].tid == tid) {
			uint64_t ns = run_ns(at);

			s->task[i].grown = ns > s->task[i].run_ns ? ns - s->task[i].run_ns : 0;
			return;
		}
	if (s->n == TASKS_MAX)
		return;
	struct task *t = &s->task[s->n++];

	*t = (struct task){ .tid = tid, .run_ns = run_ns(at) };
	if (s->again) /* it came here, or began, since */
		t->grown = t->run_ns < APART_NS ? t->run_ns : 0;
	memcpy(t->comm, comm, sizeof(t->comm));
}

static void look_process(struct scan *s, const char *path, long pid)
{
	char at[64];

	snprintf(at, sizeof(at), "%.20s/%ld/task", path, pid);
	each(at, look_task, s);
}

static int most(const void *a, const void *b)
{
	uint64_t x = ((const struct task *)a)->grown, y = ((const struct task *)b)->grown;

	return x < y ? 1 : x > y ? -1 : 0;
}

void tasks_on(char *buf, size_t len, int cpu, long lcore_tid)
{
	struct scan s = { .cpu = cpu, .lcore = lcore_tid, .task = calloc(TASKS_MAX, sizeof(*s.task)) };
	struct timespec apart = { 0, APART_NS };

	*buf = 0;
	if (!s.task)
		return;
	each("/proc", look_process, &s);
	while (nanosleep(&apart, &apart) && errno == EINTR)
		;
	s.again = true;
	each("/proc", look_process, &s);
	qsort(s.task, s.n, sizeof(*s.task), most);
	for (size_t i = 0; i < s.n && i < TOP && s.task[i].grown > APART_NS / 100; i++)
		plx_text_add(buf, len, "%s%s (task %ld) %.0f %%", i ? ", " : "", s.task[i].comm, s.task[i].tid,
		             100.0 * (double)s.task[i].grown / APART_NS);
	free(s.task);
}

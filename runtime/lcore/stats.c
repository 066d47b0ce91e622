/* SPDX-License-Identifier: MIT */
/* stats.c - what other threads read of an lcore: its own counters, and what the kernel
   counts of its thread.  Cold; any thread, the lcore is not stopped. */
#include "env.h"
#include "lcore.h"
#include "file.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void plx_lcore_stats(const struct plx_lcore *l, struct plx_lcore_stats *s)
{
	PLX_ASSERT(l && s);
	*s = (struct plx_lcore_stats){
		.state = (enum plx_lcore_state)lcore_state(l),
		.rounds = plx_ctr_read(&l->rounds),
		.busy_cycles = plx_ctr_read(&l->busy_cycles),
		.idle_cycles = plx_ctr_read(&l->idle_cycles),
		.sleeps = plx_ctr_read(&l->sleeps),
		.wakes = plx_ctr_read(&l->wakes),
		.sleep_ns = plx_ctr_read(&l->sleep_ns),
		.beat = plx_ctr_read(&l->rounds),
		.pollers = __atomic_load_n(&l->npollers, __ATOMIC_RELAXED),
		.service = l->conf.service,
		.cpu = l->conf.cpu,
		.tid = __atomic_load_n(&l->tid, __ATOMIC_RELAXED),
	};
}

void plx_poller_stats(const struct plx_poller *p, struct plx_poller_stats *s)
{
	PLX_ASSERT(p && s);
	*s = (struct plx_poller_stats){
		.work_calls = plx_ctr_read(&p->work_calls),
		.empty_calls = plx_ctr_read(&p->empty_calls),
		.errors = plx_ctr_read(&p->errors),
		.work = plx_ctr_read(&p->work),
		.busy_cycles = plx_ctr_read(&p->busy_cycles),
		.idle_cycles = plx_ctr_read(&p->idle_cycles),
	};
	s->calls = s->work_calls + s->empty_calls + s->errors;
}

int plx_lcore_poller(const struct plx_lcore *l, uint16_t i, struct plx_poller_info *info)
{
	PLX_ASSERT(l && info);
	pthread_mutex_t *lock = &l->env->lock;

	*info = (struct plx_poller_info){ .name = "" };
	pthread_mutex_lock(lock);
	const struct plx_poller *p = i < l->npollers ? l->poller[i] : NULL;

	if (p) { /* while it is in the book it is not freed */
		memcpy(info->name, p->name, sizeof(info->name));
		info->service = p->service;
		info->queues = p->nrxq;
		info->period_ns = p->period_ns;
		info->last_err = __atomic_load_n(&p->last_err, __ATOMIC_RELAXED);
		plx_poller_stats(p, &info->stats);
	}
	pthread_mutex_unlock(lock);
	return p ? 0 : -ENOENT;
}

/* The kernel's own sum of a running thread is as old as its last tick; its clock is not.  The
   clock's number is made as pthread_getcpuclockid does, from the tid, since a registered thread's
   pthread_t may have ended: bits 0-1 = 2 scheduler's, bit 2 = of a thread. */
static int read_clock(const struct plx_sys *sys, int tid, uint64_t *cpu_ns)
{
	struct timespec t;

	if (sys->clock_gettime((clockid_t)(~(unsigned)tid << 3 | 6), &t))
		return -errno;
	*cpu_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	return 0;
}

/* One line: time on a CPU, time in a run queue, times it got a CPU. */
static int read_schedstat(const struct plx_sys *sys, int tid, struct plx_lcore_sched *s)
{
	char path[64], buf[96];

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	int n = plx_file_read(sys, path, buf, sizeof(buf));

	if (n < 0)
		return n;
	return sscanf(buf, "%*u %" SCNu64 " %" SCNu64, &s->wait_ns, &s->slices) == 2 ? 0 : -ENODATA;
}

static int read_switches(const struct plx_sys *sys, int tid, struct plx_lcore_sched *s)
{
	char path[64], buf[8192];
	uint64_t *const to[] = { &s->yields, &s->preemptions };
	const char *const key[] = { "\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:" };

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	int n = plx_file_read(sys, path, buf, sizeof(buf));

	if (n < 0)
		return n;
	for (int i = 0; i < 2; i++) {
		const char *at = strstr(buf, key[i]);

		if (!at || sscanf(at + strlen(key[i]), "%" SCNu64, to[i]) != 1)
			return -ENODATA;
	}
	return 0;
}

uint64_t lcore_cpu_ns(const struct plx_lcore *l)
{
	uint64_t ns = 0;

	return read_clock(l->env->sys, __atomic_load_n(&l->tid, __ATOMIC_RELAXED), &ns) ? 0 : ns;
}

bool lcore_ready(const struct plx_lcore *l)
{
	char path[64], buf[8192];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", __atomic_load_n(&l->tid, __ATOMIC_RELAXED));
	return plx_file_read(l->env->sys, path, buf, sizeof(buf)) > 0 && strstr(buf, "\nState:\tR");
}

bool lcore_starves(const struct plx_lcore *l, uint64_t cpu_ns)
{
	return lcore_cpu_ns(l) - cpu_ns < LCORE_FAIR_NS && lcore_ready(l);
}

int plx_lcore_sched(const struct plx_lcore *l, struct plx_lcore_sched *s)
{
	PLX_ASSERT(l && s);
	const struct plx_sys *sys = l->env->sys;

	*s = (struct plx_lcore_sched){ .tid = __atomic_load_n(&l->tid, __ATOMIC_RELAXED) };
	if (!s->tid)
		return -ESRCH;
	int err = read_clock(sys, s->tid, &s->cpu_ns), e = read_schedstat(sys, s->tid, s);

	err = err ? err : e;
	e = read_switches(sys, s->tid, s);
	return err ? err : e;
}

/* SPDX-License-Identifier: MIT */
/* machine.c - the stages of a set-up that are about the machine and not an interface:
   hugepages, memory that may be locked, kernel settings.  Cold; they read and plan. */
#include "journal.h"
#include "file.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define MIB2 (2ull << 20)

/* ---- hugepages ---- */

/* pages_of reads the count of a directory of sysfs; false if there is none. */
static bool pages_of(const struct setup *s, const char *dir, const char *name, long *v)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	*v = 0;
	return !plx_file_number(s->in.sys, path, v);
}

/* A kernel without NUMA, and a pool that is on no node, have the count of the machine. */
static void pages_dir(const struct setup *s, int node, char *dir, size_t len)
{
	long total;

	snprintf(dir, len, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB", node);
	if (node < 0 || !pages_of(s, dir, "nr_hugepages", &total))
		snprintf(dir, len, "/sys/kernel/mm/hugepages/hugepages-2048kB");
}

/* too_few: of what -m asks for one pool, as much as pages can be made for, and less than what is available, as that
   changes from moment to moment. */
static void too_few(struct setup *s, const struct plan_pool *pool, long missing, long avail)
{
	const uint64_t mem = s->in.host->topo.mem_avail, least = pool->held * pool->frame_size;
	const uint64_t beside = plan_beside(s->plan, NULL);
	uint64_t most = (uint64_t)avail * MIB2 + mem - mem / 32;
	char fix[96] = "ask for less with -m, or smaller rings by rxd= and txd=";

	most = most > beside + MIB2 ? most - beside - MIB2 : 0;
	if (s->plan->npools == 1 && s->in.conf->mem && most > least + least / 8)
		snprintf(fix, sizeof(fix), "-m %llu or less", (unsigned long long)(most >> 20));
	setup_cannot(s, SETUP_hugepages, "%ld pages of 2 MiB are missing on %s, more than the %llu MiB available: %s",
	             missing, NODE_TEXT(pool->node, "any node"), (unsigned long long)(mem >> 20), fix);
}

static void want_pages(struct setup *s, const struct plan_pool *pool)
{
	const uint64_t mem = s->in.host->topo.mem_avail;
	long need = (long)((pool->bytes + MIB2 - 1) / MIB2), total, avail, promised = 0;
	char dir[128], object[160], want[24];

	pages_dir(s, pool->node, dir, sizeof(dir));
	if (!pages_of(s, dir, "nr_hugepages", &total) || !pages_of(s, dir, "free_hugepages", &avail)) {
		setup_cannot(s, SETUP_hugepages,
		             "the kernel has no hugepages of 2 MiB (%s is missing): --huge=never does without", dir);
		return;
	}
	/* free pages may be promised to mappings already; by node that is not told */
	if (s->in.host->topo.nnodes == 1)
		pages_of(s, "/sys/kernel/mm/hugepages/hugepages-2048kB", "resv_hugepages", &promised);
	avail = avail > promised ? avail - promised : 0;
	/* the kernel would rather kill programs than keep memory back for them */
	if (avail < need && mem && (uint64_t)(need - avail) * MIB2 > mem) {
		too_few(s, pool, need - avail, avail);
		return;
	}
	snprintf(object, sizeof(object), "%s/nr_hugepages", dir);
	snprintf(want, sizeof(want), "%ld", avail < need ? total + need - avail : total);
	setup_want(s, SETUP_hugepages, &setup_file, object, want, "%ld pages of 2 MiB for %llu MiB of "
	           "frames on %s, %ld free",
	           need, (unsigned long long)(pool->bytes >> 20), NODE_TEXT(pool->node, "any node"), avail);
}

void setup_plan_hugepages(struct setup *s)
{
	if (s->in.conf->huge == PLX_NEVER) {
		setup_skip(s, SETUP_hugepages, "--huge=never");
		return;
	}
	for (unsigned i = 0; i < s->plan->npools; i++) {
		const struct plan_pool *pool = &s->plan->pools[i];

		if (pool->page > MIB2)
			setup_skip(s, SETUP_hugepages, "1 GiB pages are free for the pool of %s",
			           NODE_TEXT(pool->node, "any node"));
		else
			want_pages(s, pool);
	}
}

/* ---- memlock ---- */

static bool may_lock(const struct setup *s)
{
	uint64_t missing;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)s->in.pid);
	return !privileges_read(s->in.sys, path, &missing) && !privileges_lack(missing, CAP_IPC_LOCK);
}

static unsigned long long at_least(const char *limit, unsigned long long need)
{
	unsigned long long v = *limit == 'u' ? ~0ull : strtoull(limit, NULL, 10);

	return v > need ? v : need;
}

static void put_limit(char *buf, size_t len, unsigned long long v)
{
	if (v == ~0ull)
		plx_text_add(buf, len, "unlimited");
	else
		plx_text_add(buf, len, "%llu", v);
}

void setup_plan_memlock(struct setup *s)
{
	char object[64], now[64] = "", want[64] = "", *hard;
	unsigned long long need = 0;

	for (unsigned i = 0; i < s->plan->npools; i++)
		need += (unsigned long long)s->plan->pools[i].frames * s->plan->pools[i].frame_size;
	if (s->in.pid <= 0 || may_lock(s)) {
		setup_skip(s, SETUP_memlock, "CAP_IPC_LOCK is there, which knows no limit");
		return;
	}
	snprintf(object, sizeof(object), "%d %llu memlock", (int)s->in.pid,
	         (unsigned long long)setup_started(s->in.sys, s->in.pid));
	int err = setup_rlimit.get(s, object, now, sizeof(now));

	hard = strchr(now, ':');
	if (err || !hard) {
		setup_cannot(s, SETUP_memlock, "the limit of process %d cannot be read: %s: ulimit -l %llu",
		             (int)s->in.pid, strerror(-err), (need + 1023) >> 10);
		return;
	}
	put_limit(want, sizeof(want), at_least(now, need));
	plx_text_add(want, sizeof(want), ":");
	put_limit(want, sizeof(want), at_least(hard + 1, need));
	setup_want(s, SETUP_memlock, &setup_rlimit, object, want,
	           "%llu KiB of frames are locked by a process without CAP_IPC_LOCK", (need + 1023) >> 10);
}

/* ---- sysctl ---- */

/* least: anything from want on will do. */
static const struct { const char *path, *want; bool least, nodes; const char *why;
} sysctls[] = {
	{ "/proc/sys/net/core/bpf_jit_enable", "1", true, false,
	  "an interpreted XDP program costs several times as much a packet" },
	{ "/proc/sys/kernel/numa_balancing", "0", false, true,
	  "it unmaps pages to see who touches them: lcores fault on their frames" },
	{ "/proc/sys/kernel/timer_migration", "0", false, false,
	  "timers of idle CPUs move to busy ones, and lcores are always busy" },
	{ "/proc/sys/kernel/nmi_watchdog", "0", false, false,
	  "it interrupts every CPU, lcores included, to see whether they hang" },
	{ "/proc/sys/vm/stat_interval", "10", true, false,
	  "each CPU is interrupted that often (s) to sum up its counters" },
	{ "/proc/sys/vm/compaction_proactiveness", "0", false, false,
	  "moving pages ahead of need interrupts all CPUs that may have them mapped" },
};

void setup_plan_sysctl(struct setup *s)
{
	unsigned there = 0;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(sysctls); i++) {
		char now[64], want[64];
		long have;

		if (sysctls[i].nodes && s->in.host->topo.nnodes < 2)
			continue;
		int err = setup_file.get(s, sysctls[i].path, now, sizeof(now));

		if (err == -ENOENT)
			continue; /* this kernel, or network namespace, has none */
		there++;
		have = err ? 0 : strtol(now, NULL, 10);
		snprintf(want, sizeof(want), "%s",
		         sysctls[i].least && !err && have >= atol(sysctls[i].want) ? now : sysctls[i].want);
		setup_want(s, SETUP_sysctl, &setup_file, sysctls[i].path, want, "%s", sysctls[i].why);
	}
	if (!there)
		setup_skip(s, SETUP_sysctl, "this kernel has none of the settings");
}

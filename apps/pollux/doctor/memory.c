/* SPDX-License-Identifier: MIT */
/* memory.c - checks of memory: what the pools of the plan need against what the machine
   has.  Cold, pure. */
#include "doctor.h"

#include <errno.h>
#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define HOST (void)p
#define NODE_PAGES "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages"

typedef unsigned long long ull;

bool asked_refused(const struct doctor *d)
{
	return (d->plan_err == -ENOMEM || d->plan_err == -EINVAL) && (d->conf.mem || d->conf.nnode_mem) &&
	       strstr(d->plan_why, "frames of");
}

/* no_asked: what the memory that is asked for would need is not to be judged by a plan without. */
static bool no_asked(const struct doctor *d, struct result *f)
{
	if (asked_refused(d))
		skip(f, "the memory that is asked for is refused: see pool-memory");
	return asked_refused(d);
}

CHECK(pool_memory)
{
	HOST;
	if (asked_refused(d)) {
		fail(f, "%s", d->plan_why);
		fix_option(f, d, d->conf.nnode_mem ? "node-mem" : "mem", "auto");
	} else if (!no_plan(d, f))
		ok(f, "pools have frames enough for rings and lcores");
}

static ull pages_of(const struct plan_pool *pool) { return (pool->bytes + (2u << 20) - 1) >> 21; }

static void count_pages(const struct doctor *d, int node, ull *have, ull *total)
{
	*have = plan_huge_free(&d->host.topo, (int16_t)node, 1);
	*total = 0;
	for (unsigned i = 0; i < d->host.topo.nnodes; i++)
		if (node < 0 || node == (int)i)
			*total += d->host.topo.huge[i][1].total;
}

CHECK(hugepages)
{
	char path[sizeof(f->found.fix)] = "/proc/sys/vm/nr_hugepages";
	const char *require = strstr(d->plan_why, "--huge=require wants"),
		   *echo = require ? strstr(require, "echo ") : NULL;
	ull have, total, want = 0;

	HOST;
	if (d->plan_err && echo) { /* of the memory that is asked for; the plan below is one without */
		fail(f, "%s", d->plan_why);
		fix(f, "%s", echo);
		return;
	}
	if (no_plan(d, f) || no_asked(d, f))
		return;
	if (d->conf.huge == PLX_NEVER) {
		skip(f, "--huge=never");
		return;
	}
	for (unsigned i = 0; i < d->plan.npools; i++) {
		const struct plan_pool *pool = &d->plan.pools[i];

		want += pages_of(pool);
		if (pool->page != 4096)
			continue;
		want = pages_of(pool);
		count_pages(d, pool->node, &have, &total);
		if (plan_huge_limit(&d->host.topo, 1, want)) {
			(d->conf.huge == PLX_REQUIRE ? fail : warn)(f, "the pool of %s needs %llu pages of 2 MiB, "
			                                            "the cgroup's limit "
			     "leaves %llu", NODE_TEXT(pool->node, "any node"), want, have);
			fix(f, "%s", plan_unlimit(&d->host.topo.huge_limit[1], path, sizeof(path)));
			return;
		}
		(d->conf.huge == PLX_REQUIRE ? fail : warn)(f, "the pool of %s needs %llu pages of 2 MiB, %llu "
		                                            "of %llu are free%s",
		     NODE_TEXT(pool->node, "any node"), want, have, total,
		     d->conf.huge == PLX_REQUIRE ? "" : ": it gets pages of 4 KiB");
		if (pool->node >= 0)
			snprintf(path, sizeof(path), NODE_PAGES, pool->node);
		fix(f, "echo %llu > %s", total + want - have, path);
		return;
	}
	ok(f, "pools need %llu pages of 2 MiB, which are free", want);
}

CHECK(hugepages_node)
{
	HOST;
	if (no_plan(d, f) || no_asked(d, f))
		return;
	if (d->host.topo.nnodes < 2) {
		ok(f, "one node");
		return;
	}
	for (unsigned i = 0; i < d->plan.npools; i++) {
		const struct plan_pool *pool = &d->plan.pools[i];
		ull have, total, all, sum;

		count_pages(d, pool->node, &have, &total);
		count_pages(d, -1, &all, &sum);
		if (pool->node < 0 || have >= pages_of(pool) || all < pages_of(pool) || d->conf.huge == PLX_NEVER)
			continue;
		warn(f, "node %d has %llu free pages of the %llu that its pool needs, other nodes have %llu",
		     pool->node, have, pages_of(pool), all - have);
		fix(f, "echo %llu > " NODE_PAGES, total + pages_of(pool) - have, pool->node);
		return;
	}
	ok(f, "hugepages are on the nodes whose pools need them");
}

CHECK(hugepage_files)
{
	HOST;
	if (!d->facts.huge_files)
		ok(f, "no files hold hugepages that no process uses, as far as is in sight");
	else {
		warn(f,
		     "%u files in %s hold %llu MiB of hugepages, and no process maps them: a program left them behind",
		     d->facts.huge_files, d->facts.huge_mount, (ull)(d->facts.huge_bytes >> 20));
		fix(f, "find %s -xdev -type f -delete", quoted(d->facts.huge_mount));
	}
}

/* Bytes of small pages that a start touches. */
static uint64_t small_pages(const struct doctor *d)
{
	uint64_t sum = 0;

	for (unsigned i = 0; d->planned && i < d->plan.npools; i++)
		sum += d->plan.pools[i].page == 4096 ? d->plan.pools[i].bytes : 0;
	if (d->conf.mem && sum && d->plan_err)
		sum = d->conf.mem; /* the plan is one with memory as rings need it */
	return sum;
}

CHECK(memory)
{
	uint64_t sum = small_pages(d) + plan_beside(&d->plan, NULL);

	HOST;
	if (no_asked(d, f))
		return;
	if (d->plan_err == -ENOMEM && !strncmp(d->plan_why, "memory: ", 8)) {
		fail(f, "%s", d->plan_why);
		if (d->conf.mem || d->conf.nnode_mem)
			fix_option(f, d, d->conf.nnode_mem ? "node-mem" : "mem", "auto");
		else
			fix(f, "# use smaller rings by rxd= and txd=, or fewer queues");
		return;
	}
	if (!d->host.topo.mem_avail)
		skip(f, "/proc/meminfo does not tell what is available");
	else if (sum <= d->host.topo.mem_avail)
		ok(f, "%llu MiB are available, %llu are needed beside hugepages", (ull)(d->host.topo.mem_avail >> 20),
		   (ull)(sum >> 20));
	else {
		fail(f, "%llu MiB are available, %llu are needed beside hugepages", (ull)(d->host.topo.mem_avail >> 20),
		     (ull)(sum >> 20));
		if (d->conf.mem || d->conf.nnode_mem)
			fix_option(f, d, d->conf.nnode_mem ? "node-mem" : "mem", "auto");
		else
			fix(f, "# use smaller rings by rxd= and txd=, or fewer queues");
	}
}

CHECK(memory_limit)
{
	const struct topo_limit *l = &d->host.topo.mem_limit;
	uint64_t sum = small_pages(d) + plan_own(&d->plan);

	HOST;
	if (no_asked(d, f))
		return;
	if (d->plan_err == -ENOMEM && !strncmp(d->plan_why, "memory limit: ", 14)) {
		fail(f, "%s", d->plan_why);
		plan_unlimit(l, f->found.fix, sizeof(f->found.fix));
	} else if (!*l->file)
		ok(f, "no cgroup limits memory, as far as is in sight");
	else if (l->left >= sum)
		ok(f, "the cgroup's limit leaves %llu MiB, %llu are needed beside hugepages", (ull)(l->left >> 20),
		   (ull)(sum >> 20));
	else {
		fail(f, "the cgroup's limit leaves %llu MiB, %llu are needed beside hugepages: a start is refused",
		     (ull)(l->left >> 20), (ull)(sum >> 20));
		plan_unlimit(l, f->found.fix, sizeof(f->found.fix));
	}
}

const struct check memory_checks[] = {
	{ "pool-memory", "memory", "-m or --node-mem suffice for rings and lcores", pool_memory, false },
	{ "hugepages", "memory", "free hugepages for the pools", hugepages, false },
	{ "hugepages-node", "memory", "hugepages on the NIC's node", hugepages_node, false },
	{ "hugepage-files", "memory", "no file of a program that is gone holds hugepages", hugepage_files, false },
	{ "memory", "memory", "memory for what is not in hugepages", memory, false },
	{ "memory-limit", "memory", "no cgroup limits memory below what is needed", memory_limit, false },
	{ NULL, NULL, NULL, NULL, false },
};

/* SPDX-License-Identifier: MIT */
/* topo_limit.c - how much memory and how many hugepages the cgroups of this process leave it, of version
   1 and 2.  Cold; discovery.  Beyond the first the kernel kills, beyond the second a page that was mapped
   is a bus error: both have to be known before. */
#include "file.h"
#include "topo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files of a limit and of what is used of it; what is charged as a reservation is limited apart. */
struct files { const char *controller, *limit[2], *used[2]; };

static const struct files memory[] = {
	{ "memory", { "memory.limit_in_bytes", "memory.max" }, { "memory.usage_in_bytes", "memory.current" } },
};
static const struct files pages_1g[] = {
	{ "hugetlb", { "hugetlb.1GB.limit_in_bytes", "hugetlb.1GB.max" },
	  { "hugetlb.1GB.usage_in_bytes", "hugetlb.1GB.current" } },
	{ "hugetlb", { "hugetlb.1GB.rsvd.limit_in_bytes", "hugetlb.1GB.rsvd.max" },
	  { "hugetlb.1GB.rsvd.usage_in_bytes", "hugetlb.1GB.rsvd.current" } },
};
static const struct files pages_2m[] = {
	{ "hugetlb", { "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max" },
	  { "hugetlb.2MB.usage_in_bytes", "hugetlb.2MB.current" } },
	{ "hugetlb", { "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max" },
	  { "hugetlb.2MB.rsvd.usage_in_bytes", "hugetlb.2MB.rsvd.current" } },
};

struct where { const struct plx_sys *sys; struct topo_cgroup_place at; bool v1; };

static int path_of(char *path, size_t len, const struct where *w, const char *file)
{
	return snprintf(path, len, "%s%s/%s", w->at.mount, w->at.below, file);
}

/* number reads bytes; false if there are none, as in "max". */
static bool number(const struct where *w, const char *file, uint64_t *v)
{
	char path[576], text[64], *end;

	path_of(path, sizeof(path), w, file);
	if (plx_file_read(w->sys, path, text, sizeof(text)) <= 0)
		return false;
	*v = strtoull(text, &end, 10);
	return end != text && *text != '-';
}

/* caches: bytes of files in memory that no one waits for to be written, or nearly. */
static uint64_t caches(const struct where *w)
{
	static const char *const keys[2][2] = { { "\ninactive_file ", "\nactive_file " },
	                                        { "\ntotal_inactive_file ", "\ntotal_active_file " } };
	char path[576], text[8192] = "\n";
	uint64_t sum = 0;

	path_of(path, sizeof(path), w, "memory.stat");
	if (plx_file_read(w->sys, path, text + 1, sizeof(text) - 1) <= 0)
		return 0;
	for (int i = 0; i < 2; i++) {
		const char *key = keys[w->v1][i], *at = strstr(text, key);

		sum += at ? strtoull(at + strlen(key), NULL, 10) : 0;
	}
	return sum;
}

static void tighten(const struct where *w, const struct files *f, struct topo_limit *l)
{
	bool small = !strcmp(f->controller, "memory");
	uint64_t limit, used;

	/* version 1 writes no limit as a huge one */
	if (!number(w, f->limit[!w->v1], &limit) || limit >= 1ull << 60 || !number(w, f->used[!w->v1], &used))
		return;
	uint64_t spare = small ? caches(w) : 0;

	used = used > spare ? used - spare : 0;
	uint64_t left = limit > used ? limit - used : 0;

	if (*l->file && left >= l->left)
		return;
	l->left = left;
	path_of(l->file, sizeof(l->file), w, f->limit[!w->v1]);
}

static void read_limit(const struct plx_sys *sys, const char *cgroup, const char *mountinfo, const struct files *f,
                       size_t n, struct topo_limit *l)
{
	struct where w = { .sys = sys, .v1 = true };
	struct topo_cgroup cg;

	if (!topo_cgroup_find(cgroup, mountinfo, f->controller, true, &cg, &w.at)) {
		w.v1 = false;
		if (!topo_cgroup_find(cgroup, mountinfo, f->controller, false, &cg, &w.at))
			return;
	}
	do {
		for (size_t i = 0; i < n; i++)
			tighten(&w, &f[i], l);
	} while (topo_cgroup_up(&w.at));
}

void topo_limits(const struct plx_sys *sys, struct topo *t, const char *cgroup, const char *mountinfo)
{
	read_limit(sys, cgroup, mountinfo, memory, PLX_ARRAY_SIZE(memory), &t->mem_limit);
	read_limit(sys, cgroup, mountinfo, pages_1g, PLX_ARRAY_SIZE(pages_1g), &t->huge_limit[0]);
	read_limit(sys, cgroup, mountinfo, pages_2m, PLX_ARRAY_SIZE(pages_2m), &t->huge_limit[1]);
}

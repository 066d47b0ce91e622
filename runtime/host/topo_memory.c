/* SPDX-License-Identifier: MIT */
/* topo_memory.c - memory and hugepages of each node, and which sizes of page there are, from
   sysfs.  Cold; discovery. */
#include "file.h"
#include "topo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES "/sys/kernel/mm/hugepages"
#define NODES "/sys/devices/system/node"

static bool count(const struct plx_sys *sys, const char *dir, const struct topo_huge *h, const char *what, uint64_t *v)
{
	char path[160];
	long n;

	snprintf(path, sizeof(path), "%s/hugepages-%llukB/%s_hugepages", dir, (unsigned long long)h->page >> 10, what);
	if (plx_file_number(sys, path, &n) || n < 0)
		return false;
	*v = (uint64_t)n;
	return true;
}

/* The sizes beyond 1 GiB and 2 MiB, as arm64 has them, in the order of the directory. */
static int size(void *arg, const char *name)
{
	struct topo *t = arg;
	unsigned long long kib;

	if (sscanf(name, "hugepages-%llukB", &kib) != 1 || !kib || kib > 1ull << 40)
		return 0;
	for (int i = 0; i < TOPO_PAGE_SIZES; i++) {
		if (t->huge_all[i].page && t->huge_all[i].page != kib << 10)
			continue;
		t->huge_all[i].page = kib << 10;
		return 0;
	}
	return 0;
}

static int larger(const void *a, const void *b)
{
	uint64_t x = ((const struct topo_huge *)a)->page, y = ((const struct topo_huge *)b)->page;

	return (x < y) - (x > y);
}

static void sizes(const struct plx_sys *sys, struct topo *t)
{
	t->huge_all[0].page = 1ull << 30;
	t->huge_all[1].page = 2ull << 20;
	plx_file_dir(sys, PAGES, size, t);
	qsort(t->huge_all + 2, TOPO_PAGE_SIZES - 2, sizeof(t->huge_all[0]), larger);
	for (int i = 0; i < TOPO_PAGE_SIZES; i++) {
		struct topo_huge *h = &t->huge_all[i];

		for (int node = 0; node < PLX_NODES_MAX; node++)
			t->huge[node][i].page = h->page;
		if (!h->page)
			continue;
		count(sys, PAGES, h, "nr", &h->total);
		count(sys, PAGES, h, "free", &h->free);
		count(sys, PAGES, h, "resv", &h->reserved);
		count(sys, PAGES, h, "surplus", &h->surplus);
	}
}

static void pages_of(const struct plx_sys *sys, struct topo *t, unsigned node)
{
	char dir[64];

	snprintf(dir, sizeof(dir), NODES "/node%u/hugepages", node);
	for (int i = 0; i < TOPO_PAGE_SIZES; i++) {
		struct topo_huge *h = &t->huge[node][i];

		if (!h->page)
			continue;
		if (count(sys, dir, h, "nr", &h->total)) {
			count(sys, dir, h, "free", &h->free);
			count(sys, dir, h, "surplus", &h->surplus);
		} else if (t->nnodes == 1) { /* a kernel without nodes */
			*h = t->huge_all[i];
		}
		if (t->nnodes == 1)
			h->reserved = t->huge_all[i].reserved;
	}
}

static uint64_t kib_of(const char *text, const char *what)
{
	const char *s = strstr(text, what);

	return s ? strtoull(s + strlen(what), NULL, 10) << 10 : 0;
}

static void memory_of(const struct plx_sys *sys, struct topo *t, unsigned node)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), NODES "/node%u/meminfo", node);
	if (plx_file_read(sys, path, text, sizeof(text)) <= 0 &&
	    (t->nnodes > 1 || plx_file_read(sys, "/proc/meminfo", text, sizeof(text)) <= 0))
		return;
	t->node[node].mem_total = kib_of(text, "MemTotal:");
	t->node[node].mem_free = kib_of(text, "MemFree:");
}

void topo_memory(const struct plx_sys *sys, struct topo *t)
{
	sizes(sys, t);
	for (unsigned node = 0; node < t->nnodes; node++) {
		if (!t->node[node].present && t->nnodes > 1)
			continue;
		pages_of(sys, t, node);
		memory_of(sys, t, node);
	}
}

/* SPDX-License-Identifier: MIT */
/* fuzz_topo.c - libFuzzer over the texts of the kernel that discovery reads: cgroups and their
   mounts, lists and masks of CPUs.  What is found stands within its place. */
#include "topo.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void cgroup(const char *own, const char *mounts, bool v1)
{
	struct topo_cgroup_place at;
	struct topo_cgroup cg;

	if (!topo_cgroup_find(own, mounts, "cpuset", v1, &cg, &at)) {
		check(!cg.version);
		return;
	}
	check(cg.version == (v1 ? 1 : 2) && memchr(cg.path, 0, sizeof(cg.path)) && strstr(own, cg.path));
	check(memchr(at.mount, 0, sizeof(at.mount)) && *at.mount);
	check(memchr(at.below, 0, sizeof(at.below)) && !strstr(at.below, "/.."));
}

/* The first text ends at the first 0 byte, the second one at the end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 2);
	struct disco_cpus s;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = text[size + 1] = 0;
	const char *second = text + strlen(text) + 1;

	cgroup(text, second, true);
	cgroup(text, second, false);
	topo_boot_list(&s, text, size % (TOPO_CPUS_MAX + 1));
	check(disco_cpus_count(&s) <= TOPO_CPUS_MAX);
	disco_cpus_list(&s, text);
	disco_cpus_mask(&s, text);
	check((disco_cpus_first(&s) < 0) == !disco_cpus_count(&s));
	free(text);
	return 0;
}

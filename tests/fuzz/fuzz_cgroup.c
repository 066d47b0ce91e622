/* SPDX-License-Identifier: MIT */
/* fuzz_cgroup.c - any files as what procfs and sysfs tell of CPUs, cgroups and memory (fake.h): what is found
   stands within its place, lists of CPUs are told and read again as the same.

   What stands before the first file is a list of CPUs. */
#include "conf.h"
#include "fake.h"
#include "plx_text.h"
#include "topo.h"

#include <ctype.h>

enum { CPUS = 16 };

static struct topo topo;

/* ---- lists of CPUs ---- */

static void lists(const char *text)
{
	static char told[TOPO_CPUS_MAX * 5];
	struct cpuset s, again, boot;
	int err = cpuset_parse(&s, text);

	MUST((cpuset_first(&s) < 0) == !cpuset_count(&s));
	if (!err) {
		cpuset_text(&s, told, sizeof(told));
		MUST(!cpuset_parse(&again, told) && cpuset_equal(&s, &again));
		/* the kernel's own lists are lists of its command line too */
		if (text[strspn(text, "0123456789,-")] == 0 && *text && text[strlen(text) - 1] != ',')
			MUST(!topo_boot_list(&boot, text, CPUS) && cpuset_equal(&s, &boot));
	}
	if (!topo_boot_list(&boot, text, CPUS)) {
		cpuset_text(&boot, told, sizeof(told));
		MUST(!topo_boot_list(&again, told, CPUS) && cpuset_equal(&boot, &again));
	}
	if (!cpuset_parse_mask(&s, text)) {
		char hex[TOPO_CPUS_MAX / 4 + TOPO_CPUS_MAX / 32 + 1] = "";

		for (int i = TOPO_CPUS_MAX / 32; i-- > 0;)
			plx_text_add(hex, sizeof(hex), "%08x%s", (unsigned)(s.w[i / 2] >> i % 2 * 32), i ? "," : "");
		MUST(!cpuset_parse_mask(&again, hex) && cpuset_equal(&s, &again));
	}
}

/* ---- cgroups ---- */

static void check_place(const struct topo_cgroup *cg, const struct topo_cgroup_place *at, const char *own, bool v1)
{
	struct topo_cgroup_place up = *at;
	int steps = 0;

	MUST(cg->version == (v1 ? 1 : 2) && memchr(cg->path, 0, sizeof(cg->path)) && strstr(own, cg->path));
	MUST(memchr(at->mount, 0, sizeof(at->mount)) && *at->mount);
	MUST(memchr(at->below, 0, sizeof(at->below)) && !strstr(at->below, "/.."));
	while (topo_cgroup_up(&up))
		MUST(++steps < (int)sizeof(up.below) && strlen(up.below) < strlen(at->below));
	MUST(!*up.below);
}

static void places(void)
{
	static const char *const controllers[] = { "cpuset", "cpu", "memory", "hugetlb" };
	const char *own = fake_file("/proc/self/cgroup", NULL), *mounts = fake_file("/proc/self/mountinfo", NULL);
	struct topo_cgroup_place at;
	struct topo_cgroup cg;

	for (size_t i = 0; own && mounts && i < 2 * PLX_ARRAY_SIZE(controllers); i++) {
		if (topo_cgroup_find(own, mounts, controllers[i / 2], i % 2, &cg, &at))
			check_place(&cg, &at, own, i % 2);
		else
			MUST(!cg.version && !*cg.path);
	}
}

static void check_topo(const struct topo *t)
{
	MUST(t->ncpus <= TOPO_CPUS_MAX && t->nnodes >= 1 && t->nnodes <= PLX_NODES_MAX);
	for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
		MUST(!t->cpu[cpu].online || t->cpu[cpu].present);
		MUST(!t->cpu[cpu].barred || !t->cpu[cpu].allowed);
	}
	for (unsigned cpu = t->ncpus; cpu < TOPO_CPUS_MAX; cpu++)
		MUST(!t->cpu[cpu].present && !t->cpu[cpu].isolated);
	MUST(!t->quota_us || (t->period_us && t->time.version));
	MUST(memchr(t->mem_limit.file, 0, sizeof(t->mem_limit.file)));
	MUST(t->cpuset.version >= 0 && t->cpuset.version <= 2 && t->time.version >= 0 && t->time.version <= 2);
}

/* A machine of sixteen CPUs that may all be used. */
static void machine(struct topo *t)
{
	topo_init(t);
	t->ncpus = CPUS;
	t->nnodes = 2;
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		t->cpu[cpu] = (struct topo_cpu){ .present = true, .online = true, .allowed = true,
		                                 .node = (int16_t)(cpu / 8) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *mark = size ? memmem(data, size, "== ", 3) : NULL;
	size_t n = mark ? (size_t)(mark - (const char *)data) : size;
	char *text = fuzz_string(&(struct fuzz_in){ data, n }, 0);

	if (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = 0;
	lists(text);
	free(text);
	fake_begin();
	fake_files(data + n, size - n);
	places();
	machine(&topo);
	topo_cpus(&fake_sys, &topo);
	topo_boot(&fake_sys, &topo);
	topo_memory(&fake_sys, &topo);
	topo_cgroups(&fake_sys, &topo);
	check_topo(&topo);
	fake_end();
	return 0;
}

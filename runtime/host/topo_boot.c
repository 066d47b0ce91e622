/* SPDX-License-Identifier: MIT */
/* topo_boot.c - which CPUs there are, and which of them the kernel was told to leave alone:
   isolcpus, nohz_full, rcu_nocbs.  Cold; discovery. */
#include "file.h"
#include "topo.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 4096, CMDLINE_MAX = 8192 };

static bool read_list(const struct plx_sys *sys, const char *path, struct cpuset *s)
{
	char text[LIST_MAX];

	/* " (null)" stands where a kernel could and was not told */
	return plx_file_read(sys, path, text, sizeof(text)) > 1 && !cpuset_parse(s, text);
}

void topo_cpus(const struct plx_sys *sys, struct topo *t)
{
	struct cpuset s;

	if (read_list(sys, "/sys/devices/system/cpu/online", &s))
		for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
			t->cpu[cpu].online &= cpuset_has(&s, cpu);
	if (!read_list(sys, "/sys/devices/system/cpu/present", &s) || !t->ncpus)
		return;
	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++) {
		if (!cpuset_has(&s, cpu) || t->cpu[cpu].present)
			continue;
		t->cpu[cpu] = (struct topo_cpu){ .present = true, .node = -1, .package = -1, .core = -1 };
		if (cpu >= t->ncpus)
			t->ncpus = cpu + 1;
	}
}

/* ---- the command line ---- */

/* number reads a CPU of a list: digits, or N for the last one. */
static int number(const char **s, unsigned ncpus, unsigned long *v)
{
	char *end;

	if (**s == 'N') {
		*v = ncpus ? ncpus - 1 : 0;
		++*s;
		return 0;
	}
	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	*v = strtoul(*s, &end, 10);
	*s = end;
	return 0;
}

/* One item: "3", "0-3", or "0-63:2/8", the first two of each eight. */
static int item(struct cpuset *s, const char **at, unsigned ncpus)
{
	unsigned long lo, hi, used = 1, group = 1;

	if (number(at, ncpus, &lo))
		return -EINVAL;
	hi = lo;
	if (**at == '-') {
		++*at;
		if (number(at, ncpus, &hi))
			return -EINVAL;
	}
	if (**at == ':') {
		++*at;
		if (number(at, ncpus, &used) || *(*at)++ != '/' || number(at, ncpus, &group))
			return -EINVAL;
	}
	if (lo > hi || !group || !used || used > group)
		return -EINVAL;
	for (unsigned long cpu = lo; cpu <= hi && cpu < TOPO_CPUS_MAX; cpu++)
		if ((cpu - lo) % group < used)
			cpuset_add(s, (unsigned)cpu);
	return 0;
}

int topo_boot_list(struct cpuset *s, const char *text, unsigned ncpus)
{
	memset(s, 0, sizeof(*s));
	if (!strcmp(text, "all")) {
		for (unsigned cpu = 0; cpu < ncpus; cpu++)
			cpuset_add(s, cpu);
		return 0;
	}
	while (*text) {
		if (item(s, &text, ncpus) || (*text && *text != ','))
			return -EINVAL;
		text += *text == ',';
	}
	return 0;
}

/* rcu_nocbs has no file of its own; of several words the last one counts, and what stands
   behind -- is not the kernel's. */
static void read_nocbs(const struct plx_sys *sys, struct topo *t)
{
	char line[CMDLINE_MAX], *save = NULL;
	struct cpuset s;
	bool found = false;

	if (plx_file_read(sys, "/proc/cmdline", line, sizeof(line)) <= 0)
		return;
	for (char *w = strtok_r(line, " \t\n", &save); w && strcmp(w, "--"); w = strtok_r(NULL, " \t\n", &save))
		if (!strncmp(w, "rcu_nocbs=", 10))
			found = !topo_boot_list(&s, w + 10, t->ncpus);
	for (unsigned cpu = 0; found && cpu < t->ncpus; cpu++)
		t->cpu[cpu].rcu_nocbs |= cpuset_has(&s, cpu);
}

void topo_boot(const struct plx_sys *sys, struct topo *t)
{
	struct cpuset s;

	if (read_list(sys, "/sys/devices/system/cpu/isolated", &s))
		for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
			t->cpu[cpu].isolated = cpuset_has(&s, cpu);
	/* nohz_full moves the callbacks of RCU away too */
	if (read_list(sys, "/sys/devices/system/cpu/nohz_full", &s))
		for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
			t->cpu[cpu].nohz_full = t->cpu[cpu].rcu_nocbs = cpuset_has(&s, cpu);
	read_nocbs(sys, t);
}

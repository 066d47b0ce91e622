/* SPDX-License-Identifier: MIT */
/* topo_self.c - what the calling thread may do, from procfs, which unlike sched_getaffinity()
   and its like can be a file of a test.  Cold; discovery. */
#include "file.h"
#include "xdp.h"
#include "privileges.h"
#include "topo.h"
#include <stdlib.h>
#include <string.h>

static void read_status(const struct plx_sys *sys, struct topo *t)
{
	char text[8192], *s;
	struct cpuset may;

	if (plx_file_read(sys, "/proc/thread-self/status", text, sizeof(text)) <= 0)
		return;
	privileges_parse(text, &t->missing_caps);
	s = strstr(text, "\nCpus_allowed_list:");
	if (!s || cpuset_parse(&may, s + 19 + strspn(s + 19, " \t")))
		return;
	for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
		t->cpu[cpu].allowed &= cpuset_has(&may, cpu);
}

static void read_memlock(const struct plx_sys *sys, struct topo *t)
{
	char text[4096], *s;

	if (plx_file_read(sys, "/proc/thread-self/limits", text, sizeof(text)) <= 0)
		return;
	s = strstr(text, "Max locked memory");
	if (!s)
		return;
	s += strlen("Max locked memory");
	s += strspn(s, " ");
	if (*s >= '0' && *s <= '9')
		t->memlock = strtoull(s, NULL, 10);
}

void topo_self(const struct plx_sys *sys, struct topo *t)
{
	char text[4096], *s;

	read_status(sys, t);
	read_memlock(sys, t);
	if (plx_file_read(sys, "/proc/meminfo", text, sizeof(text)) > 0 && (s = strstr(text, "\nMemAvailable:")))
		t->mem_avail = strtoull(s + 14, NULL, 10) << 10;
	t->no_chains = !plx_xsk_chains(sys);
}

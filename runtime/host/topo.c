/* SPDX-License-Identifier: MIT */
/* topo.c - the machine as the plan sees it: asks each source in turn.  Cold; main thread. */
#include "topo.h"
#include "link_info.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

void topo_init(struct topo *t)
{
	memset(t, 0, sizeof(*t));
	t->nnodes = 1;
	t->memlock = UINT64_MAX;
	for (unsigned i = 0; i < TOPO_CPUS_MAX; i++)
		t->cpu[i].node = -1;
}

int topo_read(const struct plx_sys *sys, struct topo *t)
{
	topo_init(t);
	if (topo_hwloc(t) == -ENOMEM)
		return -ENOMEM;
	topo_cpus(sys, t);
	topo_boot(sys, t);
	topo_memory(sys, t);
	topo_self(sys, t);
	topo_cgroups(sys, t);
	t->nlinks = (unsigned)plx_link_names(sys, t->links, TOPO_LINKS_MAX);
	return 0;
}

char *topo_node_text(char *buf, size_t len, int node, const char *none)
{
	if (node < 0)
		snprintf(buf, len, "%s", none);
	else
		snprintf(buf, len, "node %d", node);
	return buf;
}

char *topo_allowed_list(const struct topo *t, char *buf, size_t len)
{
	struct cpuset s = { { 0 } };

	for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
		if (t->cpu[cpu].allowed && t->cpu[cpu].online)
			cpuset_add(&s, cpu);
	return cpuset_text(&s, buf, len);
}

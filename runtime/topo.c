/* SPDX-License-Identifier: MIT */
/* topo.c - the machine as the plan sees it: hwloc for CPUs and nodes, sysfs for
   hugepages and isolated CPUs, procfs for what this thread may do.  Cold; main thread. */
#include "topo.h"
#include "plx_link.h"
#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* slurp reads a small file as a string; its length, or -errno. */
static int slurp(const struct plx_sys *sys, const char *path, char *buf, size_t len)
{
	size_t n = 0;
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (n < len - 1) {
		ssize_t k = sys->read(fd, buf + n, len - 1 - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	sys->close(fd);
	buf[n] = 0;
	return (int)n;
}

/* cpu_list reads a kernel list such as "0-3,8"; NULL if it cannot. */
static hwloc_bitmap_t cpu_list(const char *s)
{
	hwloc_bitmap_t b = hwloc_bitmap_alloc();
	char line[4096];

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(s, "\n"), s);
	if (b && hwloc_bitmap_list_sscanf(b, line) < 0) {
		hwloc_bitmap_free(b);
		b = NULL;
	}
	return b;
}

/* open_hwloc loads CPUs, cores, packages and nodes, and nothing else but the groups that nodes
   within one package stand on (without them each such node gets all of the package's CPUs): with caches, PCI and
   the rest a load takes several times as long.  The x86 component is left out since it runs
   this thread on every CPU in turn, which waits for whatever polls there already. */
static int open_hwloc(hwloc_topology_t *ht)
{
	if (hwloc_topology_init(ht))
		return -ENOMEM;
	hwloc_topology_set_components(*ht, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	hwloc_topology_set_all_types_filter(*ht, HWLOC_TYPE_FILTER_KEEP_NONE);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	hwloc_topology_set_flags(*ht, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
	                              HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
	                              HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	if (hwloc_topology_load(*ht)) {
		hwloc_topology_destroy(*ht);
		return -EIO;
	}
	return 0;
}

static void read_cpus(struct topo *t, hwloc_topology_t ht)
{
	hwloc_const_cpuset_t allowed = hwloc_topology_get_allowed_cpuset(ht);
	hwloc_obj_t o = NULL;

	while ((o = hwloc_get_next_obj_by_type(ht, HWLOC_OBJ_PU, o))) {
		hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(ht, HWLOC_OBJ_CORE, o);
		hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(ht, HWLOC_OBJ_PACKAGE, o);
		struct topo_cpu *c;

		if (o->os_index >= TOPO_CPUS_MAX)
			continue;
		c = &t->cpu[o->os_index];
		c->online = true;
		c->allowed = hwloc_bitmap_isset(allowed, o->os_index);
		c->core = core ? (int32_t)core->logical_index : (int32_t)o->os_index;
		c->package = package ? (int16_t)package->logical_index : 0;
		if (o->os_index >= t->ncpus)
			t->ncpus = o->os_index + 1;
	}
	while ((o = hwloc_get_next_obj_by_type(ht, HWLOC_OBJ_NUMANODE, o))) {
		unsigned cpu;

		if (o->os_index >= PLX_NODES_MAX)
			continue;
		if (o->os_index >= t->nnodes)
			t->nnodes = o->os_index + 1;
		hwloc_bitmap_foreach_begin(cpu, o->cpuset)
			if (cpu < TOPO_CPUS_MAX)
				t->cpu[cpu].node = (int16_t)o->os_index;
		hwloc_bitmap_foreach_end();
	}
}

static void read_huge(const struct plx_sys *sys, struct topo *t)
{
	static const uint64_t sizes[TOPO_PAGE_SIZES] = { 1ull << 30, 2ull << 20 };
	char path[128], buf[32];

	for (unsigned node = 0; node < t->nnodes; node++) {
		for (int i = 0; i < TOPO_PAGE_SIZES; i++) {
			struct topo_huge *h = &t->huge[node][i];
			unsigned long kib = (unsigned long)(sizes[i] >> 10);

			h->page = sizes[i];
			snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/hugepages/hugepages-%lukB/nr_hugepages",
			         node, kib);
			if (slurp(sys, path, buf, sizeof(buf)) > 0)
				h->total = strtoull(buf, NULL, 10);
			snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/hugepages/hugepages-%lukB/free_hugepages",
			         node, kib);
			if (slurp(sys, path, buf, sizeof(buf)) > 0)
				h->free = strtoull(buf, NULL, 10);
		}
	}
}

static void read_isolated(const struct plx_sys *sys, struct topo *t)
{
	char buf[4096];
	hwloc_bitmap_t b;
	unsigned cpu;

	if (slurp(sys, "/sys/devices/system/cpu/isolated", buf, sizeof(buf)) <= 1 || !(b = cpu_list(buf)))
		return;
	hwloc_bitmap_foreach_begin(cpu, b)
		if (cpu < TOPO_CPUS_MAX)
			t->cpu[cpu].isolated = true;
	hwloc_bitmap_foreach_end();
	hwloc_bitmap_free(b);
}

/* read_status takes affinity and capabilities of the calling thread from procfs, which
   unlike sched_getaffinity() can be a file of a test. */
static void read_status(const struct plx_sys *sys, struct topo *t)
{
	char buf[8192], *s;
	hwloc_bitmap_t b;

	if (slurp(sys, "/proc/thread-self/status", buf, sizeof(buf)) <= 0)
		return;
	s = strstr(buf, "\nCapEff:");
	if (s)
		t->missing_caps = ~strtoull(s + 8, NULL, 16);
	s = strstr(buf, "\nCpus_allowed_list:");
	if (!s || !(b = cpu_list(s + 19 + strspn(s + 19, " \t"))))
		return;
	for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
		t->cpu[cpu].allowed &= hwloc_bitmap_isset(b, cpu) > 0;
	hwloc_bitmap_free(b);
}

static void read_memlock(const struct plx_sys *sys, struct topo *t)
{
	char buf[4096], *s;

	t->memlock = UINT64_MAX;
	if (slurp(sys, "/proc/thread-self/limits", buf, sizeof(buf)) <= 0)
		return;
	s = strstr(buf, "Max locked memory");
	if (!s)
		return;
	s += strlen("Max locked memory");
	s += strspn(s, " ");
	if (*s >= '0' && *s <= '9')
		t->memlock = strtoull(s, NULL, 10);
}

static void read_memory(const struct plx_sys *sys, struct topo *t)
{
	char buf[4096], *s;

	if (slurp(sys, "/proc/meminfo", buf, sizeof(buf)) > 0 && (s = strstr(buf, "\nMemAvailable:")))
		t->mem_avail = strtoull(s + 14, NULL, 10) << 10;
}

int topo_read(const struct plx_sys *sys, struct topo *t)
{
	hwloc_topology_t ht;
	int err;

	memset(t, 0, sizeof(*t));
	t->nnodes = 1;
	for (unsigned i = 0; i < TOPO_CPUS_MAX; i++)
		t->cpu[i].node = -1;
	err = open_hwloc(&ht);
	if (err == -ENOMEM)
		return err;
	if (!err) {
		read_cpus(t, ht);
		hwloc_topology_destroy(ht);
	}
	read_huge(sys, t);
	read_memory(sys, t);
	read_isolated(sys, t);
	read_status(sys, t);
	read_memlock(sys, t);
	t->nlinks = (unsigned)plx_link_names(sys, t->links, TOPO_LINKS_MAX);
	return 0;
}

char *topo_allowed_list(const struct topo *t, char *buf, size_t len)
{
	hwloc_bitmap_t b = hwloc_bitmap_alloc();

	buf[0] = 0;
	for (unsigned cpu = 0; b && cpu < t->ncpus; cpu++)
		if (t->cpu[cpu].allowed && t->cpu[cpu].online)
			hwloc_bitmap_set(b, cpu);
	if (b)
		hwloc_bitmap_list_snprintf(buf, len, b);
	hwloc_bitmap_free(b);
	return buf;
}

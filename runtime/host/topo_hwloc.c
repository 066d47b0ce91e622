/* SPDX-License-Identifier: MIT */
/* topo_hwloc.c - CPUs, cores, packages, nodes, caches and NICs by hwloc: of this machine, or of
   another one by a file.  Cold; discovery. */
#include "topo.h"
#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hwloc_obj_type_t cache_types[] = {
	HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE,
	HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE,
};

/* load takes CPUs, cores, packages and nodes, and nothing else but the groups that nodes
   within one package stand on (without them each such node gets all of the package's CPUs): with caches, PCI and
   the rest a load takes several times as long, which only more is worth.  The x86 component is left out since it runs
   this thread on every CPU in turn, which waits for whatever polls there already. */
static int load(hwloc_topology_t *ht, const char *xml, bool more)
{
	if (hwloc_topology_init(ht))
		return -ENOMEM;
	hwloc_topology_set_components(*ht, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	hwloc_topology_set_all_types_filter(*ht, HWLOC_TYPE_FILTER_KEEP_NONE);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_PACKAGE, HWLOC_TYPE_FILTER_KEEP_ALL);
	hwloc_topology_set_type_filter(*ht, HWLOC_OBJ_GROUP, HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
	for (size_t i = 0; more && i < PLX_ARRAY_SIZE(cache_types); i++)
		hwloc_topology_set_type_filter(*ht, cache_types[i], HWLOC_TYPE_FILTER_KEEP_ALL);
	if (more)
		hwloc_topology_set_io_types_filter(*ht, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	hwloc_topology_set_flags(*ht, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
	                              HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
	                              HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	if ((xml && hwloc_topology_set_xml(*ht, xml)) || hwloc_topology_load(*ht)) {
		hwloc_topology_destroy(*ht);
		return xml ? -EINVAL : -EIO;
	}
	return 0;
}

static void get_cpus(struct topo *t, hwloc_topology_t ht)
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
		c->present = c->online = true;
		c->allowed = hwloc_bitmap_isset(allowed, o->os_index);
		c->core = core ? (int32_t)core->logical_index : (int32_t)o->os_index;
		c->package = package ? (int16_t)package->logical_index : 0;
		if (o->os_index >= t->ncpus)
			t->ncpus = o->os_index + 1;
	}
}

static void get_nodes(struct topo *t, hwloc_topology_t ht)
{
	hwloc_obj_t o = NULL;

	while ((o = hwloc_get_next_obj_by_type(ht, HWLOC_OBJ_NUMANODE, o))) {
		unsigned cpu;

		if (o->os_index >= PLX_NODES_MAX)
			continue;
		if (o->os_index >= t->nnodes)
			t->nnodes = o->os_index + 1;
		t->node[o->os_index].present = true;
		hwloc_bitmap_foreach_begin(cpu, o->cpuset)
			if (cpu < TOPO_CPUS_MAX)
				t->cpu[cpu].node = (int16_t)o->os_index;
		hwloc_bitmap_foreach_end();
	}
}

int topo_hwloc(struct topo *t)
{
	hwloc_topology_t ht;
	int err = load(&ht, NULL, false);

	if (err)
		return err;
	get_cpus(t, ht);
	get_nodes(t, ht);
	hwloc_topology_destroy(ht);
	return 0;
}

/* ---- more ---- */

static void set_of(struct cpuset *s, hwloc_const_bitmap_t b)
{
	unsigned cpu;

	memset(s, 0, sizeof(*s));
	if (!b || hwloc_bitmap_weight(b) < 0) /* none, or endless */
		return;
	hwloc_bitmap_foreach_begin(cpu, b)
		cpuset_add(s, cpu);
	hwloc_bitmap_foreach_end();
}

static void get_cache(struct topo_more *m, hwloc_obj_t o)
{
	struct topo_cache *c = &m->caches[m->ncaches++];

	c->level = (uint8_t)o->attr->cache.depth;
	c->type = o->attr->cache.type == HWLOC_OBJ_CACHE_DATA ? 'd' :
	          o->attr->cache.type == HWLOC_OBJ_CACHE_INSTRUCTION ? 'i' : 'u';
	c->line = o->attr->cache.linesize;
	c->size = o->attr->cache.size;
	set_of(&c->cpus, o->cpuset);
}

static int get_caches(struct topo_more *m, hwloc_topology_t ht)
{
	unsigned n = 0;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(cache_types); i++) {
		int k = hwloc_get_nbobjs_by_type(ht, cache_types[i]);
		n += k > 0 ? (unsigned)k : 0;
	}
	m->caches = calloc(n ? n : 1, sizeof(*m->caches));
	for (size_t i = 0; m->caches && i < PLX_ARRAY_SIZE(cache_types); i++)
		for (hwloc_obj_t o = NULL; (o = hwloc_get_next_obj_by_type(ht, cache_types[i], o)) && m->ncaches < n;)
			get_cache(m, o);
	return m->caches ? 0 : -ENOMEM;
}

/* The one node of a device's surroundings; -1 if there are several. */
static int16_t node_at(hwloc_obj_t o)
{
	int first = o && o->nodeset ? hwloc_bitmap_first(o->nodeset) : -1;

	return first >= 0 && first < PLX_NODES_MAX && hwloc_bitmap_weight(o->nodeset) == 1 ? (int16_t)first : -1;
}

static void get_nic(struct topo_nic *n, hwloc_topology_t ht, hwloc_obj_t o)
{
	hwloc_obj_t pci = hwloc_get_ancestor_obj_by_type(ht, HWLOC_OBJ_PCI_DEVICE, o);
	hwloc_obj_t place = hwloc_get_non_io_ancestor_obj(ht, o);
	const char *mac = hwloc_obj_get_info_by_name(o, "Address");
	uint8_t *b = n->mac;

	snprintf(n->name, sizeof(n->name), "%s", o->name ? o->name : "");
	if (mac && sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", b, b + 1, b + 2, b + 3, b + 4, b + 5) != 6)
		memset(n->mac, 0, sizeof(n->mac));
	if (pci) {
		snprintf(n->bus, sizeof(n->bus), "%04x:%02x:%02x.%x", (unsigned)pci->attr->pcidev.domain,
		         pci->attr->pcidev.bus, pci->attr->pcidev.dev, pci->attr->pcidev.func);
		n->link_gbs = pci->attr->pcidev.linkspeed;
	}
	n->node = node_at(place);
	set_of(&n->near, place ? place->cpuset : NULL);
}

static bool is_nic(hwloc_obj_t o)
{
	return o->attr && o->attr->osdev.type == HWLOC_OBJ_OSDEV_NETWORK;
}

static int get_nics(struct topo_more *m, hwloc_topology_t ht)
{
	unsigned n = 0;

	for (hwloc_obj_t o = NULL; (o = hwloc_get_next_osdev(ht, o));)
		n += is_nic(o);
	m->nics = calloc(n ? n : 1, sizeof(*m->nics));
	for (hwloc_obj_t o = NULL; m->nics && (o = hwloc_get_next_osdev(ht, o));)
		if (is_nic(o) && m->nnics < n)
			get_nic(&m->nics[m->nnics++], ht, o);
	return m->nics ? 0 : -ENOMEM;
}

static void get_names(struct topo_more *m, hwloc_topology_t ht)
{
	hwloc_obj_t root = hwloc_get_root_obj(ht), package = hwloc_get_obj_by_type(ht, HWLOC_OBJ_PACKAGE, 0);
	const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
	const char *host = hwloc_obj_get_info_by_name(root, "HostName");

	model = model ? model : hwloc_obj_get_info_by_name(root, "CPUModel");
	snprintf(m->model, sizeof(m->model), "%s", model ? model : "");
	snprintf(m->host, sizeof(m->host), "%s", host ? host : "");
}

/* A file tells what pages a node had, but not which of them were free. */
static void get_memory(struct topo *t, hwloc_topology_t ht)
{
	hwloc_obj_t o = NULL;

	while ((o = hwloc_get_next_obj_by_type(ht, HWLOC_OBJ_NUMANODE, o))) {
		const struct hwloc_numanode_attr_s *a = &o->attr->numanode;

		if (o->os_index >= PLX_NODES_MAX)
			continue;
		t->node[o->os_index].mem_total = a->local_memory;
		for (unsigned i = 0; i < a->page_types_len; i++)
			for (int k = 0; k < TOPO_PAGE_SIZES; k++) {
				struct topo_huge *h = &t->huge[o->os_index][k];

				if (a->page_types[i].size < 65536 || (h->page && h->page != a->page_types[i].size))
					continue;
				h->page = a->page_types[i].size;
				h->total = h->free = a->page_types[i].count;
				t->huge_all[k].page = h->page;
				t->huge_all[k].total += h->total;
				t->huge_all[k].free += h->total;
				break;
			}
	}
}

int topo_read_more(struct topo *t, struct topo_more *m, const char *xml)
{
	hwloc_topology_t ht;
	int err = load(&ht, xml, true);

	memset(m, 0, sizeof(*m));
	if (err)
		return err;
	if (xml) {
		topo_init(t);
		for (int i = 0; i < PLX_NODES_MAX; i++) {
			t->huge[i][0].page = t->huge_all[0].page = 1ull << 30;
			t->huge[i][1].page = t->huge_all[1].page = 2ull << 20;
		}
		get_cpus(t, ht);
		get_nodes(t, ht);
		get_memory(t, ht);
	}
	get_names(m, ht);
	err = get_caches(m, ht);
	if (!err)
		err = get_nics(m, ht);
	hwloc_topology_destroy(ht);
	return err;
}

void topo_more_free(struct topo_more *m)
{
	free(m->caches);
	free(m->nics);
	memset(m, 0, sizeof(*m));
}

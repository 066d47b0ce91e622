/* SPDX-License-Identifier: MIT */
/* plan_pool.c - how many frames each node needs, in how many pages of which size.  Cold,
   pure; a step of plan_make. */
#include "plan.h"
#include "plx_text.h"
#include <errno.h>
#include <string.h>

#define KIB4 (4ull << 10)
#define MIB2 (2ull << 20)
#define GIB1 (1ull << 30)

enum { FRAMES_MIN = 1024 /* of a pool without ports */ };

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static uint64_t bytes_of(const struct plan_maker *m, const struct plan_pool *pool, uint32_t frames)
{
	struct plx_pool_conf c = { .name = "plan", .frames = frames, .frame_size = pool->frame_size,
	                           .caches = m->p->caches, .node = pool->node };

	return plx_pool_size(&c);
}

/* frames_in: the most frames whose pool fits into bytes. */
static uint32_t frames_in(const struct plan_maker *m, const struct plan_pool *pool, uint64_t bytes)
{
	uint32_t lo = 0, hi = PLX_POOL_FRAMES_MAX;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;
		if (bytes_of(m, pool, mid) <= bytes)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/* unbarred: -1 in place of a node of which this process's cpuset gives no memory. */
static int16_t unbarred(const struct plan_maker *m, int16_t node)
{
	return node >= 0 && node < PLX_NODES_MAX && m->t->node[node].barred ? -1 : node;
}

/* told: the node a port's device is on; -1 = none, as of veth, tap and memory. */
static int16_t told(const struct plan_maker *m, const struct plan_port *port)
{
	if (m->t->nnodes == 1)
		return 0;
	return port->link.node < (int)m->t->nnodes ? unbarred(m, port->link.node) : -1;
}

static uint16_t pool_on(struct plan_maker *m, int16_t node)
{
	struct plan *p = m->p;
	struct plan_pool *pool;

	for (uint16_t i = 0; i < p->npools; i++)
		if (p->pools[i].node == node)
			return i;
	pool = &p->pools[p->npools++];
	pool->node = node;
	pool->frame_size = m->conf->frame_size ? m->conf->frame_size : PLX_FRAME_SIZE;
	/* each lcore, and each thread that may register as one, keeps two magazines and may have one
	   full burst in its hands; threads without a cache share one magazine more */
	pool->held = m->p->caches * (2u * PLX_MAGAZINE + PLX_BURST_MAX) + PLX_MAGAZINE;
	return (uint16_t)(p->npools - 1);
}

/* assign gives each port the pool of its node.  Ports on none join the first pool, since
   frames of one pool cross between ports without a copy; if no port is on any, there is
   one pool, where the first queue is polled. */
static void assign(struct plan_maker *m)
{
	struct plan *p = m->p;

	for (uint16_t i = 0; i < p->nports; i++)
		if (told(m, &p->ports[i]) >= 0)
			p->ports[i].pool = pool_on(m, told(m, &p->ports[i]));
	if (!p->npools)
		pool_on(m, unbarred(m, p->lcores[p->nports ? p->ports[0].rxq_lcore[0] : 0].node));
	for (uint16_t i = 0; i < p->nports; i++) {
		int16_t node = p->ports[i].link.node;

		p->pools[p->ports[i].pool].held += plx_port_frames(&p->ports[i].conf) + plan_txq_frames(p, &p->ports[i]);
		if (unbarred(m, node) != node)
			plan_note(p, "%s is on node %d, of which the cpuset of cgroup %s gives no memory: its frames are elsewhere",
			          p->ports[i].conf.name, node, m->t->cpuset.path);
	}
	if (p->npools > 1)
		plan_note(p, "%u pools, one on each node with ports: packets between nodes are copied", p->npools);
}

static uint64_t held_in_all(const struct plan *p)
{
	uint64_t held = 0;

	for (uint16_t i = 0; i < p->npools; i++)
		held += p->pools[i].held;
	return held;
}

/* given is what -m or --node-mem leave for a pool; 0 = nothing was said. */
static uint64_t given(const struct plan_maker *m, const struct plan_pool *pool)
{
	const struct plx_env_conf *c = m->conf;
	uint64_t held = held_in_all(m->p);

	if (c->nnode_mem) {
		unsigned node = pool->node < 0 ? 0 : (unsigned)pool->node;
		return node < c->nnode_mem ? c->node_mem[node] : 0;
	}
	return c->mem / held * pool->held + c->mem % held * pool->held / held;
}

/* mem_needed: the least -m, shared out as given() does, that serves every pool. */
static uint64_t mem_needed(const struct plan_maker *m)
{
	uint64_t held = held_in_all(m->p), most = 0;

	for (uint16_t i = 0; i < m->p->npools; i++) {
		const struct plan_pool *pool = &m->p->pools[i];
		uint64_t bytes = (bytes_of(m, pool, pool->held) / pool->held + 1) * held;
		most = bytes > most ? bytes : most;
	}
	return round_up(most, 1 << 20);
}

static int too_small(struct plan_maker *m, const struct plan_pool *pool, uint32_t frames)
{
	char mend[128] = "";

	if (!m->conf->nnode_mem)
		plx_text_add(mend, sizeof(mend), "-m %llu or more, or smaller rings by rxd= and txd=",
		             (unsigned long long)(mem_needed(m) >> 20));
	else
		for (int node = 0; node <= (pool->node < 0 ? 0 : pool->node); node++)
			plx_text_add(mend, sizeof(mend), "%s%llu", node ? "," : "--node-mem ", (unsigned long long)
			             (node == pool->node || pool->node < 0 ? round_up(bytes_of(m, pool, pool->held), 1 << 20) :
			              node < m->conf->nnode_mem ? m->conf->node_mem[node] : 0) >> 20);
	return plan_fail(m, -ENOMEM, "memory of node %d: %u frames of %u bytes, but rings and lcores can hold %u: %s",
	                 pool->node, frames, pool->frame_size, pool->held, mend);
}

static int size_pool(struct plan_maker *m, struct plan_pool *pool)
{
	bool said = m->conf->mem || m->conf->nnode_mem;
	uint64_t want = said ? given(m, pool) : 0;

	if (!said) {
		/* an eighth more for what an application keeps, and the last hugepage filled */
		uint64_t frames = (uint64_t)pool->held + pool->held / 8;
		frames = frames < FRAMES_MIN ? FRAMES_MIN : frames > PLX_POOL_FRAMES_MAX ? PLX_POOL_FRAMES_MAX : frames;
		want = round_up(bytes_of(m, pool, (uint32_t)frames), m->conf->huge == PLX_NEVER ? KIB4 : MIB2);
	}
	pool->frames = frames_in(m, pool, want);
	if (pool->frames < pool->held)
		return too_small(m, pool, pool->frames);
	pool->bytes = bytes_of(m, pool, pool->frames);
	return 0;
}

/* pages counts pages on a node, or on all if the pool is on none.  Of the free ones those do not
   count that other mappings reserved: the kernel keeps them back, for the machine as a whole. */
static uint64_t pages(const struct topo *t, int16_t node, int size, bool only_free)
{
	const struct topo_huge *all = &t->huge_all[size];
	uint64_t n = 0, left = all->free > all->reserved ? all->free - all->reserved : 0;

	for (unsigned i = 0; i < t->nnodes; i++)
		if (node < 0 ? !t->node[i].barred : node == (int)i)
			n += only_free ? t->huge[i][size].free : t->huge[i][size].total;
	return only_free && all->reserved && n > left ? left : n;
}

static int choose_page(struct plan_maker *m, struct plan_pool *pool)
{
	const struct topo *t = m->t;
	uint64_t want = round_up(pool->bytes, MIB2) / MIB2, have = pages(t, pool->node, 1, true);
	uint64_t total = pages(t, pool->node, 1, false);
	char path[128];

	pool->page = KIB4;
	if (m->conf->huge == PLX_NEVER) {
		plx_text_add(pool->why, sizeof(pool->why), "--huge=never");
		return 0;
	}
	pool->pages = round_up(pool->bytes, GIB1) / GIB1;
	pool->pages_free = pages(t, pool->node, 0, true);
	if (pool->bytes >= GIB1 && pool->pages_free >= pool->pages) {
		pool->page = GIB1;
		return 0;
	}
	pool->pages = want;
	pool->pages_free = have;
	if (have >= want) {
		pool->page = MIB2;
		return 0;
	}
	path[0] = 0;
	if (pool->node >= 0)
		plx_text_add(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", pool->node);
	else
		plx_text_add(path, sizeof(path), "/proc/sys/vm/nr_hugepages");
	plx_text_add(pool->why, sizeof(pool->why), "%llu of %llu hugepages free: echo %llu > %s",
	             (unsigned long long)have, (unsigned long long)want, (unsigned long long)(total + want - have), path);
	if (m->conf->huge == PLX_REQUIRE)
		return plan_fail(m, -ENOMEM, "memory of node %d: --huge=require wants %llu hugepages of 2 MiB, %llu are free: "
		                 "echo %llu > %s", pool->node, (unsigned long long)want, (unsigned long long)have,
		                 (unsigned long long)(total + want - have), path);
	return 0;
}

/* check_memory: small pages are touched at the start; beyond what there is the kernel would
   rather kill a process than refuse. */
static int check_memory(struct plan_maker *m)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < m->p->npools; i++)
		sum += m->p->pools[i].page == KIB4 ? m->p->pools[i].bytes : 0;
	if (!m->t->mem_avail || sum <= m->t->mem_avail)
		return 0;
	return plan_fail(m, -ENOMEM, "memory: %llu MiB wanted, %llu MiB available: %s", (unsigned long long)(sum >> 20),
	                 (unsigned long long)(m->t->mem_avail >> 20), m->conf->mem || m->conf->nnode_mem ?
	                 "ask for less with -m" : "use smaller rings by rxd= and txd=, or fewer queues");
}

int plan_pools(struct plan_maker *m)
{
	int err = 0;

	assign(m);
	for (uint16_t i = 0; i < m->p->npools && !err; i++) {
		err = size_pool(m, &m->p->pools[i]);
		if (!err)
			err = choose_page(m, &m->p->pools[i]);
	}
	return err ? err : check_memory(m);
}

/* SPDX-License-Identifier: MIT */
/* pools.c - how many frames each node needs, in how many pages of which size.  Cold,
   pure; a step of plan_make. */
#include "plan.h"
#include "plx_text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KIB4 (4ull << 10)
#define MIB2 (2ull << 20)
#define GIB1 (1ull << 30)

#define MIB1 (1ull << 20)

enum { FRAMES_MIN = 1024,    /* of a pool without ports */
       BESIDE = 4 << 20,     /* bytes that a program holds beside pools and queues; 4 MiB were measured */
       LASTING = 32 };       /* one part in so many of the memory available may be gone when it is asked for */

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static uint64_t bytes_of(const struct plan_maker *m, const struct plan_pool *pool, uint64_t frames)
{
	struct plx_pool_conf c = { .name = "plan", .frames = (uint32_t)frames, .frame_size = pool->frame_size,
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

static uint64_t less_than(uint64_t all, uint64_t by)
{
	return all > by ? all - by : 0;
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
	pool->frame_size = p->frame_size;
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

		p->pools[p->ports[i].pool].held += plx_port_frames(&p->ports[i].conf);
		p->pools[p->ports[i].pool].held += plan_txq_frames(p, &p->ports[i]);
		if (unbarred(m, node) != node)
			plan_note(p,
			          "%s is on node %d, of which the cpuset of cgroup %s gives no memory: its frames are "
			          "elsewhere",
			          p->ports[i].conf.name, node, m->t->cpuset.path);
	}
	if (p->npools > 1)
		plan_note(p, "%u pools, one on each node with ports: packets between nodes are copied", p->npools);
}

/* beside: what each port takes, once the frames of its pool are known. */
static void beside(struct plan_maker *m)
{
	for (uint16_t i = 0; i < m->p->nports; i++) {
		struct plan_port *port = &m->p->ports[i];
		struct plx_port_conf c = port->conf;

		if (port->falls)
			snprintf(c.driver, sizeof(c.driver), "packet");
		port->beside = plx_port_beside(&c, port->link.mtu, m->p->pools[port->pool].frames, &port->most);
	}
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

/* as_said writes the option that gives a pool bytes, in the words it was given in: -m for all of them, or
   --node-mem with the other nodes as they are. */
static void as_said(const struct plan_maker *m, const struct plan_pool *pool, uint64_t all, uint64_t bytes, char *buf,
                    size_t len)
{
	buf[0] = 0;
	if (!m->conf->nnode_mem) {
		plx_text_add(buf, len, "-m %llu", (unsigned long long)(all >> 20));
		return;
	}
	for (int node = 0; node < m->conf->nnode_mem || node <= (pool->node < 0 ? 0 : pool->node); node++)
		plx_text_add(buf, len, "%s%llu", node ? "," : "--node-mem ", (unsigned long long)
		             (node == (pool->node < 0 ? 0 : pool->node) ? bytes :
		              node < m->conf->nnode_mem ? m->conf->node_mem[node] : 0) >> 20);
}

static int too_small(struct plan_maker *m, const struct plan_pool *pool, uint32_t frames)
{
	char fix[128];

	as_said(m, pool, mem_needed(m), round_up(bytes_of(m, pool, pool->held), MIB1), fix, sizeof(fix));
	return plan_fail(m, -ENOMEM, "memory of %s: %u frames of %u bytes, but rings and lcores can hold %llu: %s%s",
	                 NODE_TEXT(pool->node, "any node"), frames, pool->frame_size, (unsigned long long)pool->held,
	                 fix, m->conf->nnode_mem ? "" : " or more, or smaller rings by rxd= and txd=");
}

/* lasting: of what the machine has available, what it has a moment later too. */
static uint64_t lasting(uint64_t bytes)
{
	return bytes - bytes / LASTING;
}

/* can_have: of all bytes that are asked for, those that the machine and the cgroup have now, where no hugepages
   serve.  Pools as long as they can be are counted beside them. */
static uint64_t can_have(struct plan_maker *m, uint64_t all)
{
	const struct topo *t = m->t;
	uint64_t left = t->huge_room ? lasting(t->huge_room) : t->mem_avail ? lasting(t->mem_avail) : UINT64_MAX;

	if (m->conf->huge != PLX_NEVER && !t->huge_room &&
	    (plan_huge_free(t, -1, 1) * MIB2 >= all || plan_huge_free(t, -1, 0) * GIB1 >= all))
		return all;
	for (uint16_t i = 0; i < m->p->npools; i++)
		m->p->pools[i].frames = PLX_POOL_FRAMES_MAX;
	beside(m);
	left = less_than(left, plan_beside(m->p, NULL) + MIB2);
	if (!t->huge_room && *t->mem_limit.file && less_than(t->mem_limit.left, plan_own(m->p) + MIB1) < left)
		left = less_than(t->mem_limit.left, plan_own(m->p) + MIB1);
	return left < all && left >= mem_needed(m) ? left : all;
}

/* check_most: more than the most frames hold would be left out in silence. */
static int check_most(struct plan_maker *m, const struct plan_pool *pool, uint64_t want)
{
	uint64_t most = bytes_of(m, pool, PLX_POOL_FRAMES_MAX), held = held_in_all(m->p), all = UINT64_MAX;
	char fix[128], free[96] = "";

	if (want < most + 2ull * pool->frame_size)
		return 0;
	for (uint16_t i = 0; i < m->p->npools; i++) {
		uint64_t share = bytes_of(m, &m->p->pools[i], PLX_POOL_FRAMES_MAX) / m->p->pools[i].held * held;
		all = share < all ? share : all;
	}
	uint64_t now = can_have(m, all);

	if (now < all)
		snprintf(free, sizeof(free), "; beside rings and ledgers the machine has %llu MiB for it now",
		         (unsigned long long)(now >> 20));
	as_said(m, pool, now, most < now ? most : now, fix, sizeof(fix));
	return plan_fail(m, -EINVAL,
	                 "memory of %s: %llu MiB are more than a pool can hold, which is %u frames of %u "
	                 "bytes in %llu MiB%s: %s or less",
	                 NODE_TEXT(pool->node, "any node"), (unsigned long long)(want >> 20), PLX_POOL_FRAMES_MAX,
	                 pool->frame_size, (unsigned long long)(most >> 20), free, fix);
}

static int size_pool(struct plan_maker *m, struct plan_pool *pool)
{
	bool said = m->conf->mem || m->conf->nnode_mem;
	uint64_t want = said ? given(m, pool) : 0;

	if (!said) {
		/* an eighth more for what an application keeps, and the last hugepage filled */
		uint64_t frames = pool->held + pool->held / 8;
		frames = frames < FRAMES_MIN ? FRAMES_MIN : frames > PLX_POOL_FRAMES_MAX ? PLX_POOL_FRAMES_MAX : frames;
		want = round_up(bytes_of(m, pool, frames), m->conf->huge == PLX_NEVER ? KIB4 : MIB2);
	}
	int err = said ? check_most(m, pool, want) : 0;

	if (err)
		return err;
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

bool plan_huge_limit(const struct topo *t, int size, uint64_t want)
{
	const struct topo_limit *l = &t->huge_limit[size];

	return *l->file && l->left / (size ? MIB2 : GIB1) < want;
}

uint64_t plan_huge_free(const struct topo *t, int16_t node, int size)
{
	uint64_t n = pages(t, node, size, true);

	return plan_huge_limit(t, size, n) ? t->huge_limit[size].left / (size ? MIB2 : GIB1) : n;
}

char *plan_unlimit(const struct topo_limit *l, char *buf, size_t len)
{
	char file[2 * sizeof(l->file)];
	size_t n = strlen(l->file);

	plx_text_quote(file, sizeof(file), l->file);
	snprintf(buf, len, "echo %s > %s", n > 4 && !strcmp(l->file + n - 4, ".max") ? "max" : "-1", file);
	return buf;
}

/* lift writes the command that makes want pages of 2 MiB free. */
static void lift(const struct plan_maker *m, const struct plan_pool *pool, uint64_t want, char *buf, size_t len)
{
	uint64_t total = pages(m->t, pool->node, 1, false), have = pages(m->t, pool->node, 1, true);

	buf[0] = 0;
	if (have >= want)
		plan_unlimit(&m->t->huge_limit[1], buf, len);
	else if (pool->node >= 0)
		plx_text_add(buf, len,
		             "echo %llu > /sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
		             (unsigned long long)(total + want - have), pool->node);
	else
		plx_text_add(buf, len, "echo %llu > /proc/sys/vm/nr_hugepages",
		             (unsigned long long)(total + want - have));
}

static int choose_page(struct plan_maker *m, struct plan_pool *pool)
{
	const struct topo *t = m->t;
	uint64_t want = round_up(pool->bytes, MIB2) / MIB2, have = plan_huge_free(t, pool->node, 1);
	const char *free = plan_huge_limit(t, 1, want) ? "left by the cgroup's limit" : "free";
	char fix[1280];

	pool->page = KIB4;
	if (m->conf->huge == PLX_NEVER) {
		plx_text_add(pool->why, sizeof(pool->why), "--huge=never");
		return 0;
	}
	pool->pages = round_up(pool->bytes, GIB1) / GIB1;
	pool->pages_free = plan_huge_free(t, pool->node, 0);
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
	lift(m, pool, want, fix, sizeof(fix));
	plx_text_add(pool->why, sizeof(pool->why), "%llu of %llu hugepages %s: %s", (unsigned long long)have,
	             (unsigned long long)want, free, fix);
	if (m->conf->huge == PLX_REQUIRE)
		return plan_fail(m, -ENOMEM, "memory of %s: --huge=require wants %llu hugepages of 2 MiB, "
		                 "%llu are %s: %s",
		                 NODE_TEXT(pool->node, "any node"), (unsigned long long)want, (unsigned long long)have,
		                 free, fix);
	return 0;
}

uint64_t plan_beside(const struct plan *p, uint64_t *most)
{
	uint64_t sum = BESIDE, max = BESIDE;

	for (uint16_t i = 0; i < p->nports; i++) {
		sum += p->ports[i].beside.rings + p->ports[i].beside.own;
		max += p->ports[i].most.rings + p->ports[i].most.own;
	}
	if (most)
		*most = max;
	return sum;
}

uint64_t plan_own(const struct plan *p)
{
	uint64_t sum = BESIDE;

	for (uint16_t i = 0; i < p->nports; i++)
		sum += p->ports[i].beside.own;
	return sum;
}

/* fits writes what to ask for instead, if pools in pages of 4 KiB may take no more than left bytes; false if none
   would do.  It holds where hugepages serve in part, too: then less is asked for than could be. */
static bool fits(const struct plan_maker *m, uint64_t left, char *buf, size_t len)
{
	const struct plan_pool *most = NULL;

	for (uint16_t i = 0; i < m->p->npools && m->conf->nnode_mem; i++) {
		const struct plan_pool *pool = &m->p->pools[i];

		if (pool->page == KIB4 && (!most || pool->bytes > most->bytes))
			most = pool;
	}
	if (m->conf->nnode_mem && !most)
		return false;
	for (uint16_t i = 0; i < m->p->npools && most; i++)
		if (&m->p->pools[i] != most && m->p->pools[i].page == KIB4)
			left = less_than(left, m->p->pools[i].bytes);
	if (left < (most ? round_up(bytes_of(m, most, most->held), MIB1) : mem_needed(m)))
		return false;
	as_said(m, most, left, left, buf, len);
	return true;
}

/* less: what to ask for less of, in left bytes; a pool cannot make up for rings that take all there is. */
static const char *less(const struct plan_maker *m, uint64_t left, char *buf, size_t len)
{
	if ((m->conf->mem || m->conf->nnode_mem) && fits(m, left, buf, len))
		plx_text_add(buf, len, " or less");
	else
		snprintf(buf, len, "use smaller rings by rxd= and txd=, or fewer queues");
	return buf;
}

/* check_limit: beyond its cgroup's limit the kernel kills a process without a word. */
static int check_limit(struct plan_maker *m, uint64_t sum)
{
	const struct topo_limit *l = &m->t->mem_limit;
	uint64_t own = plan_own(m->p);
	/* what is used changes from moment to moment, so that the last bit is not offered */
	uint64_t most = less_than(l->left, own + MIB1);
	char with[256], fix[1280];

	if (!*l->file || sum + own <= l->left)
		return 0;
	if (!fits(m, most, with, sizeof(with)))
		less(m, 0, with, sizeof(with));
	return plan_fail(m, -ENOMEM,
	                 "memory limit: %llu MiB wanted in pages of 4 KiB and %llu MiB beside, %s leaves %llu "
	                 "MiB: %s, or %s",
	                 (unsigned long long)((sum + MIB1 - 1) >> 20), (unsigned long long)((own + MIB1 - 1) >> 20),
	                 l->file, (unsigned long long)(l->left >> 20), with, plan_unlimit(l, fix, sizeof(fix)));
}

/* can_take: what pools in pages of 4 KiB can have, by the machine and by the cgroup. */
static uint64_t can_take(const struct plan_maker *m, uint64_t need)
{
	const struct topo_limit *l = &m->t->mem_limit;
	uint64_t left = less_than(lasting(m->t->mem_avail), need), own = less_than(l->left, plan_own(m->p) + MIB1);

	return *l->file && own < left ? own : left;
}

/* plan_memory: small pages are touched at the start, ledgers of queues as frames go through them, and rings are the
   kernel's; beyond what there is the kernel would rather kill a process than refuse. */
int plan_memory(struct plan_maker *m)
{
	uint64_t sum = 0, most, need;
	char fix[256];

	beside(m);
	need = plan_beside(m->p, &most);
	for (uint16_t i = 0; i < m->p->npools; i++)
		sum += m->p->pools[i].page == KIB4 ? m->p->pools[i].bytes : 0;
	if (m->t->mem_avail && sum + need > m->t->mem_avail)
		return plan_fail(
			m, -ENOMEM,
			"memory: %llu MiB wanted in pages of 4 KiB and %llu MiB beside, %llu MiB available: %s",
			(unsigned long long)((sum + MIB1 - 1) >> 20), (unsigned long long)((need + MIB1 - 1) >> 20),
			(unsigned long long)(m->t->mem_avail >> 20), less(m, can_take(m, need), fix, sizeof(fix)));
	if (m->t->mem_avail && sum + most > m->t->mem_avail)
		plan_note(m->p, "memory: if driver=auto comes to driver=packet, its rings make it %llu MiB "
		          "in all, %llu are available: use smaller rings by rxd= and txd=, fewer "
		          "queues, or driver=af_xdp",
		          (unsigned long long)((sum + most + MIB1 - 1) >> 20),
		          (unsigned long long)(m->t->mem_avail >> 20));
	return check_limit(m, sum);
}

/* check_node_mem: of what is given to a node where no pool is nothing is taken. */
static int check_node_mem(struct plan_maker *m)
{
	for (unsigned n = 0; n < m->conf->nnode_mem; n++) {
		const unsigned long long mib = m->conf->node_mem[n] >> 20;
		bool taken = !mib;

		for (uint16_t i = 0; i < m->p->npools && !taken; i++)
			taken = m->p->pools[i].node == (int)n || (m->p->pools[i].node < 0 && !n);
		if (!taken && (n >= m->t->nnodes || (n && !m->t->node[n].present)))
			return plan_fail(m, -EINVAL, "--node-mem gives %llu MiB to node %u, which is not "
			                 "there: nodes are counted from 0, and lscpu lists them", mib, n);
		if (!taken)
			plan_note(m->p, "the %llu MiB that --node-mem gives to node %u are not taken: no port's frames "
			          "are there", mib, n);
	}
	return 0;
}

/* check_held: no -m makes up for more than a pool can have. */
static int check_held(struct plan_maker *m)
{
	for (uint16_t i = 0; i < m->p->npools; i++) {
		const struct plan_pool *pool = &m->p->pools[i];

		if (pool->held > PLX_POOL_FRAMES_MAX)
			return plan_fail(m, -EINVAL, "memory of %s: rings and lcores can hold %llu frames, and a "
			                 "pool has %u at most: use smaller rings by rxd= and txd=, or fewer queues",
			                 NODE_TEXT(pool->node, "any node"),
			                 (unsigned long long)pool->held, PLX_POOL_FRAMES_MAX);
	}
	return 0;
}

int plan_pools(struct plan_maker *m)
{
	int err;

	assign(m);
	err = check_held(m);
	err = err ? err : check_node_mem(m);
	for (uint16_t i = 0; i < m->p->npools && !err; i++) {
		err = size_pool(m, &m->p->pools[i]);
		if (!err)
			err = choose_page(m, &m->p->pools[i]);
	}
	return err;
}

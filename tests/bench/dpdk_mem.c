/* SPDX-License-Identifier: MIT */
/* dpdk_mem.c - DPDK's rings and pools under the loops of mem_loops.h; the only file that
   sees DPDK's headers, built with DPDK's own flags. */
#include "mem_loops.h"
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <rte_ring.h>

enum { CACHE = 512 };

void dpdk_loop_thread_up(unsigned i)
{
	(void)i;
	if (rte_thread_register()) /* an lcore id, and with it a mempool cache */
		abort();
}

void dpdk_loop_thread_down(void)
{
	rte_thread_unregister();
}

static inline unsigned sp_enq(void *r, void *const *o, unsigned n)
{
	return rte_ring_sp_enqueue_burst(r, o, n, NULL);
}
static inline unsigned sc_deq(void *r, void **o, unsigned n)
{
	return rte_ring_sc_dequeue_burst(r, o, n, NULL);
}
static inline unsigned mp_enq(void *r, void *const *o, unsigned n)
{
	return rte_ring_mp_enqueue_burst(r, o, n, NULL);
}
static inline unsigned mc_deq(void *r, void **o, unsigned n)
{
	return rte_ring_mc_dequeue_burst(r, o, n, NULL);
}
static inline bool raw_take(void *p, void **o, unsigned n)
{
	return !rte_mempool_get_bulk(p, o, n);
}
static inline void raw_give(void *p, void **o, unsigned n)
{
	rte_mempool_put_bulk(p, o, n);
}
static inline bool mbuf_take(void *p, void **o, unsigned n)
{
	return !rte_pktmbuf_alloc_bulk(p, (struct rte_mbuf **)o, n);
}
static inline void mbuf_give(void *p, void **o, unsigned n)
{
	(void)p;
	rte_pktmbuf_free_bulk((struct rte_mbuf **)o, n);
}

RING_LOOPS(sp, sp_enq, sc_deq, dpdk_loop_thread_up, dpdk_loop_thread_down, rte_pause)
RING_LOOPS(mp, mp_enq, mc_deq, dpdk_loop_thread_up, dpdk_loop_thread_down, rte_pause)
POOL_LOOPS(raw, raw_take, raw_give, sp_enq, sc_deq, dpdk_loop_thread_up, dpdk_loop_thread_down, rte_pause)
POOL_LOOPS(mbuf, mbuf_take, mbuf_give, sp_enq, sc_deq, dpdk_loop_thread_up, dpdk_loop_thread_down, rte_pause)

static int up(void)
{
	char *argv[] = { "bench", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry", "-m", "256",
	                 "--lcores", "0", "--log-level", "*:error", NULL };

	return rte_eal_init(sizeof(argv) / sizeof(argv[0]) - 1, argv) < 0 ? -1 : 0;
}

static void *must(void *p, const char *what)
{
	if (!p) {
		fprintf(stderr, "bench: DPDK's %s: %s\n", what, rte_strerror(rte_errno));
		exit(2);
	}
	return p;
}

static void *ring(unsigned size, bool single)
{
	struct rte_ring *r = loop_mem((size_t)rte_ring_get_memsize(size));

	if (rte_ring_init(r, "bench", size, single ? RING_F_SP_ENQ | RING_F_SC_DEQ : 0))
		must(NULL, "ring");
	return r;
}

/* The objects lie in loop_mem, one behind the other.  DPDK's own allocation without
   hugepages puts one mbuf on each 4 KiB page, so that all headers fall into one cache set. */
static void *pool(unsigned frames, bool packets)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE };
	unsigned elt = packets ? sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE : 2048;
	size_t size = (size_t)(rte_mempool_calc_obj_size(elt, 0, NULL) + 64) * frames;
	void *mem = loop_mem(size);
	int n;
	struct rte_mempool *p = must(rte_mempool_create_empty(packets ? "mbufs" : "raw", frames, elt, CACHE,
	                                                      packets ? sizeof(priv) : 0, SOCKET_ID_ANY,
	                                                      RTE_MEMPOOL_F_NO_IOVA_CONTIG), "mempool");

	rte_mempool_set_ops_byname(p, "ring_mp_mc", NULL); /* the default */
	if (packets)
		rte_pktmbuf_pool_init(p, &priv);
	n = rte_mempool_populate_iova(p, mem, (rte_iova_t)(uintptr_t)mem, size, NULL, NULL);
	if (n != (int)frames) {
		fprintf(stderr, "bench: DPDK's mempool took %d of %u objects: %s\n", n, frames,
		        rte_strerror(n < 0 ? -n : 0));
		exit(2);
	}
	if (packets)
		rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	return p;
}

static const struct dpdk_mem table = {
	up, ring, pool, sp_one, sp_two, mp_one, mp_two,
	raw_one, raw_deep, raw_two, mbuf_one, mbuf_deep, mbuf_two,
};
const struct dpdk_mem *const dpdk_mem = &table;

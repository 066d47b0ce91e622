/* SPDX-License-Identifier: MIT */
/* bench_pool.c - the pool against DPDK's rte_mempool (cache 512, default ring), raw frames and
   packets: a burst out and back, 4096 frames out and back, and from lcore to lcore. */
#include "mem_loops.h"
#include "plx_pool.h"
#include "thread.h"
#include "plx_ring.h"

void plx_loop_thread_up(unsigned i)
{
	plx_self.slot = i + 1;
}

void plx_loop_thread_down(void)
{
	plx_self.slot = 0;
}

static inline bool raw_take(void *p, void **o, unsigned n)
{
	uint16_t k = plx_pool_take(p, (struct plx_mbuf **)o, (uint16_t)n);

	if (k == n)
		return true;
	plx_pool_give(p, (struct plx_mbuf **)o, k);
	return false;
}
static inline void raw_give(void *p, void **o, unsigned n)
{
	plx_pool_give(p, (struct plx_mbuf **)o, (uint16_t)n);
}
static inline bool mbuf_take(void *p, void **o, unsigned n)
{
	uint16_t k = plx_mbuf_get_bulk(p, (struct plx_mbuf **)o, (uint16_t)n);

	if (k == n)
		return true;
	plx_mbuf_put_bulk((struct plx_mbuf **)o, k);
	return false;
}
static inline void mbuf_give(void *p, void **o, unsigned n)
{
	(void)p;
	plx_mbuf_put_bulk((struct plx_mbuf **)o, (uint16_t)n);
}

POOL_LOOPS(raw, raw_take, raw_give, plx_spsc_put_burst, plx_spsc_get_burst, plx_loop_thread_up, plx_loop_thread_down,
           plx_pause)
POOL_LOOPS(mbuf, mbuf_take, mbuf_give, plx_spsc_put_burst, plx_spsc_get_burst, plx_loop_thread_up, plx_loop_thread_down,
           plx_pause)

static struct plx_pool *pool_of(void)
{
	struct plx_pool_conf c = { .name = "bench", .frames = LOOP_FRAMES, .caches = 2, .node = -1 };
	struct plx_pool *p;

	if (plx_pool_init(&p, loop_mem(plx_pool_size(&c)), &c))
		abort();
	return p;
}

struct row {
	const char *what;
	uint64_t (*ours)(void *, uint64_t), (*theirs)(void *, uint64_t);
	struct loop_pool *ours_arg, *theirs_arg;
	uint64_t round_ns;
};

int main(int argc, char **argv)
{
	static const unsigned bursts[] = { 1, 4, 8, 16, 32, 64, 128 };
	static const struct dpdk_mem none;
	const struct dpdk_mem *d;
	struct loop_pool ours = { .held = 4096 }, traw = { .held = 4096 }, tmbuf = { .held = 4096 };
	struct bench b;

	bench_init(&b, argc, argv, "pool", "rte_mempool, rte_pktmbuf");
	d = loop_theirs();
	bench_pin(0);
	ours.pool = pool_of();
	plx_spsc_init((struct plx_spsc **)&ours.ring, loop_mem(plx_spsc_size(LOOP_RING)), LOOP_RING);
	if (d) {
		traw.pool = d->pool(LOOP_FRAMES, false);
		tmbuf.pool = d->pool(LOOP_FRAMES, true);
		traw.ring = tmbuf.ring = d->ring(LOOP_RING, true);
	} else {
		d = &none;
	}
	const struct row rows[] = {
		{ "raw take+give", raw_one, d->raw_one, &ours, &traw, 1000000 },
		{ "mbuf get+put", mbuf_one, d->mbuf_one, &ours, &tmbuf, 1000000 },
		{ "raw, 4096 out and back", raw_deep, d->raw_deep, &ours, &traw, 2000000 },
		{ "mbuf, 4096 out and back", mbuf_deep, d->mbuf_deep, &ours, &tmbuf, 2000000 },
		{ "raw, lcore to lcore over a ring", raw_two, d->raw_two, &ours, &traw, 4000000 },
		{ "mbuf, lcore to lcore over a ring", mbuf_two, d->mbuf_two, &ours, &tmbuf, 4000000 },
	};
	for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++)
		for (unsigned i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
			b.round_ns = r->round_ns;
			ours.burst = traw.burst = tmbuf.burst = bursts[i];
			plx_self.slot = 1;
			bench_pair(&b, r->what, bursts[i], (struct bench_side){ r->ours, r->ours_arg },
			           (struct bench_side){ r->theirs, r->theirs_arg });
		}
	free(((struct plx_pool *)ours.pool)->area);
	free(ours.ring);
	return bench_end(&b);
}

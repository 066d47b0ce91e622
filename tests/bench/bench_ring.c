/* SPDX-License-Identifier: MIT */
/* bench_ring.c - the rings against DPDK's rte_ring, one thread and two, bursts 1 to 128. */
#include "mem_loops.h"
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

RING_LOOPS(spsc, plx_spsc_put_burst, plx_spsc_get_burst, plx_loop_thread_up, plx_loop_thread_down, plx_pause)
RING_LOOPS(mpmc, plx_mpmc_put_burst, plx_mpmc_get_burst, plx_loop_thread_up, plx_loop_thread_down, plx_pause)

int main(int argc, char **argv)
{
	static const unsigned bursts[] = { 1, 4, 8, 16, 32, 64, 128 };
	const struct dpdk_mem *d;
	struct loop_ring ours[2] = { 0 }, theirs[2] = { 0 };
	struct bench b;

	bench_init(&b, argc, argv, "ring", "rte_ring");
	d = loop_theirs();
	bench_pin(0);
	plx_spsc_init((struct plx_spsc **)&ours[0].ring, loop_mem(plx_spsc_size(LOOP_RING)), LOOP_RING);
	plx_mpmc_init((struct plx_mpmc **)&ours[1].ring, loop_mem(plx_mpmc_size(LOOP_RING)), LOOP_RING);
	if (d) {
		theirs[0].ring = d->ring(LOOP_RING, true);
		theirs[1].ring = d->ring(LOOP_RING, false);
	}
	for (unsigned two = 0; two < 2; two++) {
		b.round_ns = two ? 4000000 : 1000000;
		for (unsigned i = 0; i < 2 * sizeof(bursts) / sizeof(*bursts); i++) {
			unsigned n = bursts[i / 2];

			ours[0].burst = ours[1].burst = theirs[0].burst = theirs[1].burst = n;
			if (i % 2)
				bench_pair(&b, two ? "mpmc, two threads" : "mpmc put+get, one thread", n,
				           (struct bench_side){ two ? mpmc_two : mpmc_one, &ours[1] },
				           (struct bench_side){ !d ? NULL : two ? d->mp_two : d->mp_one, &theirs[1] });
			else
				bench_pair(&b, two ? "spsc, two threads" : "spsc put+get, one thread", n,
				           (struct bench_side){ two ? spsc_two : spsc_one, &ours[0] },
				           (struct bench_side){ !d ? NULL : two ? d->sp_two : d->sp_one, &theirs[0] });
		}
	}
	free(ours[0].ring);
	free(ours[1].ring);
	return bench_end(&b);
}

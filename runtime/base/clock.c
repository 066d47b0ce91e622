/* SPDX-License-Identifier: MIT */
/* clock.c - how fast plx_cycles() counts, measured while the rest of the start goes on.
   Cold; main thread. */
#include "clock.h"
#include "plx_env.h"

enum { CLOCK_TRIES = 5 };
#define CLOCK_APART_NS 2000000ull

/* Reads both clocks as one moment: of a few tries the one with the least between its two
   cycle readings, so that being preempted does not count. */
static struct clock now(const struct plx_sys *sys)
{
	struct clock best = { 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CLOCK_TRIES; i++) {
		uint64_t before = plx_cycles(), ns = plx_sys_now(sys), gap = plx_cycles() - before;

		if (gap < least) {
			least = gap;
			best = (struct clock){ before + gap / 2, ns };
		}
	}
	return best;
}

void clock_begin(struct clock *c, const struct plx_sys *sys)
{
	*c = now(sys);
}

uint64_t clock_hz(const struct clock *c, const struct plx_sys *sys)
{
#if defined(__aarch64__)
	uint64_t hz;

	(void)c, (void)sys;
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
#else
	uint64_t past = plx_sys_now(sys) - c->ns;

	if (past < CLOCK_APART_NS)
		plx_sys_sleep(sys, CLOCK_APART_NS - past);
	struct clock end = now(sys);
	double hz = end.ns > c->ns ? (double)(end.cycles - c->cycles) * 1e9 / (double)(end.ns - c->ns) : 0;

	return hz >= 1e6 ? (uint64_t)hz : 1000000000u; /* a simulated clock may stand still */
#endif
}

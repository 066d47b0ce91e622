/* SPDX-License-Identifier: MIT */
/* clock.h - how fast plx_cycles() counts.  Internal to runtime/. */
#ifndef CLOCK_H
#define CLOCK_H

#include "plx_sys.h"

/* One moment by both clocks. */
struct clock { uint64_t cycles, ns; };

/* clock_begin notes the moment; clock_hz, called later, returns cycles in a second.  When
   less than 2 ms lie between, it waits for the rest of them: two readings 2 ms apart that
   are each right within 100 ns make an error of 0.01 %. */
void clock_begin(struct clock *c, const struct plx_sys *sys);
uint64_t clock_hz(const struct clock *c, const struct plx_sys *sys);

#endif

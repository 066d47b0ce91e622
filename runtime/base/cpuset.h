/* SPDX-License-Identifier: MIT */
/* cpuset.h - a set of CPUs and its text; also of what else is numbered from 0.  Pure, any thread.
   Internal to runtime/ and the operator's tool. */
#ifndef CPUSET_H
#define CPUSET_H

#include "plx_defs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUSET_MAX = 1024 }; /* CPU numbers are below */

struct cpuset { uint64_t w[CPUSET_MAX / 64]; };

static inline bool cpuset_has(const struct cpuset *s, unsigned cpu)
{
	return cpu < CPUSET_MAX && (s->w[cpu / 64] >> cpu % 64 & 1);
}

/* A CPU beyond the last is left out. */
static inline void cpuset_add(struct cpuset *s, unsigned cpu)
{
	if (cpu < CPUSET_MAX)
		s->w[cpu / 64] |= 1ull << cpu % 64;
}

/* cpuset_of makes a set of n numbers in any order. */
struct cpuset cpuset_of(const uint16_t *cpus, unsigned n);
unsigned cpuset_count(const struct cpuset *s);
int  cpuset_first(const struct cpuset *s);                          /* the lowest, -1 = none */
void cpuset_and(struct cpuset *s, const struct cpuset *with);       /* leaves what is in both */
void cpuset_without(struct cpuset *s, const struct cpuset *take);   /* leaves what is not in take */
bool cpuset_meets(const struct cpuset *a, const struct cpuset *b);  /* have a CPU in common */
bool cpuset_within(const struct cpuset *s, const struct cpuset *of);
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);

/* cpuset_text writes "0-3,8" into buf, "" of an empty set, cut off at len; cpuset_list_text n numbers of any size in
   the same way and in their order.  buf. */
char *cpuset_text(const struct cpuset *s, char *buf, size_t len);
char *cpuset_list_text(const uint16_t *list, unsigned n, char *buf, size_t len);

/* cpuset_parse reads the kernel's "0-3,8"; cpuset_parse_mask its "00000000,0000010f".  Both end at a newline, and leave
   out CPUs beyond the last.  0, or -EINVAL and s is what was read up to there. */
int  cpuset_parse(struct cpuset *s, const char *text);
int  cpuset_parse_mask(struct cpuset *s, const char *text);

#endif

/* SPDX-License-Identifier: MIT */
/* hugemem.h - segments of memory on one node, in the largest pages that are free.
   Internal to runtime/.  Main thread. */
#ifndef HUGEMEM_H
#define HUGEMEM_H

#include "plx_driver.h"

struct mem_seg {
	void    *addr;
	uint64_t len;        /* rounded up to pages */
	uint64_t page;       /* 1 GiB, 2 MiB or 4 KiB: the rung that held */
	int      node;       /* -1 = not bound */
	char     why[320];   /* how the ladder went */
};

/* mem_seg_alloc: memfd on hugepages (1G if len >= 1G, then 2M, then 4K; PLX_REQUIRE stops
   before 4K, PLX_NEVER begins there), bound to node before first touch, touched, verified,
   kept out of core dumps and children.  0; -ENOMEM with one logged line that names the
   command that fixes it; nothing left behind then. */
int  mem_seg_alloc(struct mem_seg *s, const struct plx_sys *sys, const struct plx_log *log,
                   const char *name, uint64_t len, int node, enum plx_policy huge);
void mem_seg_free(struct mem_seg *s, const struct plx_sys *sys);

#endif

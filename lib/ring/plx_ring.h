/* SPDX-License-Identifier: MIT */
/* plx_ring.h - bounded queues of pointers between lcores.  Two types, so that the
   kind of a ring is read where it is declared:

     plx_spsc   one producer thread, one consumer thread
     plx_mpmc   any number of each

          cons                prod
     ......[A  B  C  D  E]........    slot = index & mask;  0 <= prod - cons <= mask + 1
     [cons,prod) the consumer's, the rest the producer's; indices run free, wrap at 2^32

   Memory is the caller's, aligned to PLX_CACHELINE.  Capacity is a power of two.  A
   burst moves what fits and returns the count; a bulk moves all n or nothing (returns
   n or 0).  Nothing blocks, allocates or fails otherwise. */
#ifndef PLX_RING_H
#define PLX_RING_H

#include "plx_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

struct plx_spsc;
struct plx_mpmc;

/* Bytes of a ring of capacity entries; 0 if capacity is not a power of two in [2, 2^30]. */
PLX_API size_t plx_spsc_size(uint32_t capacity);
PLX_API size_t plx_mpmc_size(uint32_t capacity);
/* 0, or -EINVAL (capacity, alignment).  Init thread. */
PLX_API int plx_spsc_init(struct plx_spsc **r, void *mem, uint32_t capacity);
PLX_API int plx_mpmc_init(struct plx_mpmc **r, void *mem, uint32_t capacity);

#ifdef __cplusplus
}
#endif

#include "plx_ring_inline.h" /* layouts; plx_{spsc,mpmc}_{put,get}_{burst,bulk}, _count, _room; plx_mpmc_puts */
#endif

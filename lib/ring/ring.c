/* SPDX-License-Identifier: MIT */
/* ring.c - size and layout of the rings; cold, init thread.  They run in
   plx_ring_inline.h. */
#include "plx_ring.h"
#include <errno.h>

static_assert(offsetof(struct plx_spsc, cons) - offsetof(struct plx_spsc, prod) == 2 * PLX_CACHELINE &&
              offsetof(struct plx_spsc, slot) - offsetof(struct plx_spsc, cons) == 2 * PLX_CACHELINE,
              "a line between what one side writes and what the other does");
static_assert(offsetof(struct plx_mpmc_side, tail) - offsetof(struct plx_mpmc_side, claim) == 2 * PLX_CACHELINE &&
              sizeof(struct plx_mpmc_side) == 4 * PLX_CACHELINE, "claim and tail stand alone");

static bool valid(uint32_t capacity)
{
	return capacity >= 2 && capacity <= 1u << 30 && !(capacity & (capacity - 1));
}

static size_t fits(uint64_t bytes)
{
	bytes = (bytes + PLX_CACHELINE - 1) & ~(uint64_t)(PLX_CACHELINE - 1);
	return bytes > SIZE_MAX ? 0 : (size_t)bytes;
}

size_t plx_spsc_size(uint32_t capacity)
{
	if (!valid(capacity))
		return 0;
	return fits(sizeof(struct plx_spsc) + (uint64_t)capacity * sizeof(void *));
}

/* Behind the slots stand the notes of the producers, then those of the consumers. */
size_t plx_mpmc_size(uint32_t capacity)
{
	if (!valid(capacity))
		return 0;
	return fits(sizeof(struct plx_mpmc) + (uint64_t)capacity * (sizeof(void *) + 2 * sizeof(uint64_t)));
}

int plx_spsc_init(struct plx_spsc **out, void *mem, uint32_t capacity)
{
	PLX_ASSERT(out);
	struct plx_spsc *r = mem;

	if (!mem || (uintptr_t)mem % PLX_CACHELINE || !plx_spsc_size(capacity))
		return -EINVAL;
	*r = (struct plx_spsc){ .prod_mask = capacity - 1, .cons_mask = capacity - 1 };
	*out = r;
	return 0;
}

int plx_mpmc_init(struct plx_mpmc **out, void *mem, uint32_t capacity)
{
	PLX_ASSERT(out);
	struct plx_mpmc *r = mem;
	uint64_t *note;

	if (!mem || (uintptr_t)mem % PLX_CACHELINE || !plx_mpmc_size(capacity))
		return -EINVAL;
	note = (uint64_t *)(r->slot + capacity);
	*r = (struct plx_mpmc){
		.prod = { .note = note, .mask = capacity - 1 },
		.cons = { .note = note + capacity, .mask = capacity - 1 },
	};
	for (uint64_t i = 0; i < 2 * (uint64_t)capacity; i++)
		note[i] = 0;
	*out = r;
	return 0;
}

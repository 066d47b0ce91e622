/* SPDX-License-Identifier: MIT */
/* plx_defs.h - the few words every Pollux header needs: limits, visibility,
   branch hints, assertions and single-writer counters. */
#ifndef PLX_DEFS_H
#define PLX_DEFS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Structures with options (plx_env_conf, plx_port_conf, plx_poller_conf, plx_pool_conf) begin with their size, as the
   program that fills them knows it; initializers set it, and 0 means that of version 0.1.  Members are only ever
   added at the end, and 0 is their default: so a newer library takes an older program's as they are, and an older
   library refuses (-E2BIG) what a newer program asks for and it does not know.  docs/abi.md tells the rest. */

/* Limits.  Each is checked where a user can reach it. */
enum {
	PLX_BURST      = 32,   /* the usual burst: what applications should ask for */
	PLX_BURST_MAX  = 512,  /* the most frames one burst call moves; larger n is cut to it */
	PLX_CACHELINE  = 64,
	PLX_PORTS_MAX  = 64,   /* ports of one environment */
	PLX_QUEUES_MAX = 256,  /* queues of one port in each direction */
	PLX_LCORES_MAX = 128,  /* lcores of one environment = caches of one pool */
	PLX_NODES_MAX  = 16,   /* NUMA nodes */
	PLX_NAME_MAX   = 64,   /* bytes of a port, pool or poller name, with its NUL */
	PLX_IFNAME_MAX = 128,  /* bytes of an interface's alternative name, with its NUL: the kernel's ALTIFNAMSIZ */
	PLX_RING_MAX   = 65536 /* entries of a descriptor ring; the kernel would take 2^25 */
};

#define PLX_API __attribute__((visibility("default")))
/* For the seldom called rest of an inlined function: a function of its own, so that what is
   always run has the registers to itself. */
#define PLX_COLD static __attribute__((cold, noinline, unused))
#define plx_likely(x)   __builtin_expect(!!(x), 1)
#define plx_unlikely(x) __builtin_expect(!!(x), 0)
/* The structure whose member ptr points to; ptr of another type does not compile. */
#define plx_container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member) + 0 * sizeof((ptr) == &((type *)0)->member)))
#define PLX_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* PLX_ASSERT checks our own mistakes on the control path, always.  PLX_DASSERT
   checks them in the data path, only in a hardened build (-Dhardened=true).
   Neither may depend on a wire byte, the kernel or the operating system. */
PLX_API void plx_assert_failed(const char *expr, const char *file, int line, const char *function)
	__attribute__((noreturn, cold));
#define PLX_ASSERT(e) ((e) ? (void)0 : plx_assert_failed(#e, __FILE__, __LINE__, __func__))
#ifdef PLX_HARDENED
#define PLX_DASSERT(e) PLX_ASSERT(e)
#else
#define PLX_DASSERT(e) ((void)sizeof(e))
#endif

/* A counter has one writer, the owning lcore, and any number of readers.  The
   relaxed accesses compile to plain loads and stores and keep readers defined. */
typedef uint64_t plx_ctr;
static inline void plx_ctr_add(plx_ctr *c, uint64_t n)
{
	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}
static inline uint64_t plx_ctr_read(const plx_ctr *c)
{
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

/* plx_copy_ptrs copies n pointers between arrays that do not overlap: four at a time, the
   last four by a piece that may overlap the one before, so that what is left over takes no
   branch of its own; a burst is too short for a call of memcpy. */
static inline void plx_copy_ptrs(void *to, const void *from, uint32_t n)
{
	const size_t size = sizeof(void *);
	char *t = (char *)to;
	const char *f = (const char *)from;

	if (plx_likely(n >= 4)) {
		char *t_last = t + (n - 4) * size;
		const char *f_last = f + (n - 4) * size;

		for (; t < t_last; t += 4 * size, f += 4 * size)
			__builtin_memcpy(t, f, 4 * size);
		__builtin_memcpy(t_last, f_last, 4 * size);
	} else if (n >= 2) {
		__builtin_memcpy(t, f, 2 * size);
		__builtin_memcpy(t + (n - 2) * size, f + (n - 2) * size, 2 * size);
	} else if (n) {
		__builtin_memcpy(t, f, size);
	}
}

/* plx_pause tells the CPU that this is a spin loop. */
static inline void plx_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* bytes_util.h - bytes of frames for the tests: written as hex, or at random. */
#ifndef BYTES_UTIL_H
#define BYTES_UTIL_H

#include <stdint.h>
#include <stdlib.h>

/* unhex writes what pairs of digits say to out; how many bytes. */
static inline uint32_t unhex(uint8_t *out, const char *hex)
{
	uint32_t n = 0;

	for (; *hex; hex += 2) {
		char two[3] = { hex[0], hex[1], 0 };

		out[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

/* The same numbers in each run. */
static inline uint32_t rnd(void)
{
	static uint64_t s = 88172645463325252ull;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)(s >> 16);
}

#endif

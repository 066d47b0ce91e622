/* SPDX-License-Identifier: MIT */
/* slow_util.h - PLX_SLOW of the environment: times that a test judges are so many times longer, on an emulated machine.
 */
#ifndef SLOW_UTIL_H
#define SLOW_UTIL_H

#include <stdlib.h>

static inline unsigned slow(void)
{
	const char *s = getenv("PLX_SLOW");
	const int n = s ? atoi(s) : 1;

	return n > 1 ? (unsigned)n : 1;
}

#endif

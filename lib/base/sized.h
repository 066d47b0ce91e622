/* SPDX-License-Identifier: MIT */
/* sized.h - option structures that tell their size, so that a program and a library of different age understand
   each other.  Internal; cold.

     program older:  |size .. known to both|                      the rest is 0, which means its default
     program newer:  |size .. known to both|.. unknown ..|        refused unless all of that is 0        */
#ifndef SIZED_H
#define SIZED_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

enum { SIZED_MAX = 1 << 20 }; /* beyond it is no size, but what stood in memory before */

/* sized_take copies the structure at from, whose first member is a size_t with its size as its maker knows it, to
   a whole one of have bytes.  A size of 0 is that of version 0.1, which is have until a member is added.  0;
   -E2BIG: *to has what is known here, but more is asked for; -EINVAL: no size, and *to is all 0. */
static inline int sized_take(void *to, size_t have, const void *from)
{
	size_t n;

	memcpy(&n, from, sizeof(n));
	n = n ? n : have;
	memset(to, 0, have);
	if (n < sizeof(n) || n > SIZED_MAX)
		return -EINVAL;
	memcpy(to, from, n < have ? n : have);
	memcpy(to, &have, sizeof(have));
	for (size_t i = have; i < n; i++)
		if (((const uint8_t *)from)[i])
			return -E2BIG;
	return 0;
}

/* sized_give copies back as much as the structure at to has room for; its size stays. */
static inline void sized_give(void *to, size_t have, const void *from)
{
	size_t n;

	memcpy(&n, to, sizeof(n));
	if (n > sizeof(n))
		memcpy((uint8_t *)to + sizeof(n), (const uint8_t *)from + sizeof(n), (n < have ? n : have) - sizeof(n));
}

/* What to say of an error of sized_take, behind the name of the structure. */
static inline const char *sized_why(int err)
{
	return err == -E2BIG ? "it asks for what this library does not know (E2BIG): the program was built with "
	                       "headers of a newer one, install that" :
	                       "its size is none (EINVAL): begin with its initializer, or with zeros";
}

#endif

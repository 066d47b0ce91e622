/* SPDX-License-Identifier: MIT */
/* fuzz.h - what the fuzz targets share: a property that must hold, an input that is taken apart
   piece by piece, texts of one line.

   A target is LLVMFuzzerTestOneInput in a file fuzz_NAME.c and a row in meson.build.  It touches
   nothing of the machine: what asks the system gets a plx_sys of fake.h. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* MUST ends the run with the condition that does not hold; libFuzzer keeps the input. */
#define MUST(what) ((what) ? (void)0 : fuzz_failed(#what, __FILE__, __LINE__))

static inline __attribute__((noreturn)) void fuzz_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: property does not hold: %s\n", file, line, what);
	abort();
}

/* What is left of an input. */
struct fuzz_in { const uint8_t *p; size_t n; };

static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
	return in->n ? in->n--, *in->p++ : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_in *in)
{
	uint16_t low = fuzz_u8(in);

	return (uint16_t)(low | fuzz_u8(in) << 8);
}

/* fuzz_string: what is left up to the byte end, which is taken, as a string of its own, so that a read
   beyond it is seen. */
static inline char *fuzz_string(struct fuzz_in *in, uint8_t end)
{
	size_t n = 0;

	while (n < in->n && in->p[n] != end && in->p[n])
		n++;
	char *s = malloc(n + 1);

	if (!s)
		abort();
	if (n)
		memcpy(s, in->p, n);
	s[n] = 0;
	n += n < in->n;
	in->p += n;
	in->n -= n;
	return s;
}

/* fuzz_copy: n bytes in memory of exactly their size. */
static inline void *fuzz_copy(const void *p, size_t n)
{
	void *copy = malloc(n + !n);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, p, n);
	return copy;
}

/* fuzz_one_line: text that people read: something, on one line. */
static inline bool fuzz_one_line(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

#endif

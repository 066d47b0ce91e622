/* SPDX-License-Identifier: MIT */
/* cpuset.c - sets of CPUs and their text.  Cold, pure. */
#include "cpuset.h"
#include "plx_text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cpuset cpuset_of(const uint16_t *cpus, unsigned n)
{
	struct cpuset s = { { 0 } };

	for (unsigned i = 0; i < n; i++)
		cpuset_add(&s, cpus[i]);
	return s;
}

unsigned cpuset_count(const struct cpuset *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->w); i++)
		n += (unsigned)__builtin_popcountll(s->w[i]);
	return n;
}

int cpuset_first(const struct cpuset *s)
{
	for (unsigned i = 0; i < PLX_ARRAY_SIZE(s->w); i++)
		if (s->w[i])
			return (int)(i * 64) + __builtin_ctzll(s->w[i]);
	return -1;
}

void cpuset_and(struct cpuset *s, const struct cpuset *with)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->w); i++)
		s->w[i] &= with->w[i];
}

void cpuset_without(struct cpuset *s, const struct cpuset *take)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->w); i++)
		s->w[i] &= ~take->w[i];
}

bool cpuset_meets(const struct cpuset *a, const struct cpuset *b)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(a->w); i++)
		if (a->w[i] & b->w[i])
			return true;
	return false;
}

bool cpuset_within(const struct cpuset *s, const struct cpuset *of)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->w); i++)
		if (s->w[i] & ~of->w[i])
			return false;
	return true;
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* ---- text ---- */

char *cpuset_list_text(const uint16_t *list, unsigned n, char *buf, size_t len)
{
	buf[0] = 0;
	for (unsigned lo = 0, hi; lo < n; lo = hi + 1) {
		hi = lo;
		while (hi + 1 < n && list[hi + 1] == list[hi] + 1)
			hi++;
		plx_text_add(buf, len, hi > lo ? "%s%u-%u" : "%s%u", lo ? "," : "", list[lo], list[hi]);
	}
	return buf;
}

char *cpuset_text(const struct cpuset *s, char *buf, size_t len)
{
	uint16_t list[CPUSET_MAX];
	unsigned n = 0;

	for (unsigned cpu = 0; cpu < CPUSET_MAX; cpu++)
		if (cpuset_has(s, cpu))
			list[n++] = (uint16_t)cpu;
	return cpuset_list_text(list, n, buf, len);
}

/* number reads digits, and no blank or sign, which strtoul takes as well. */
static bool number(const char *text, char **end, unsigned long *v)
{
	*end = (char *)(uintptr_t)text;
	if (*text < '0' || *text > '9')
		return false;
	*v = strtoul(text, end, 10);
	return true;
}

int cpuset_parse(struct cpuset *s, const char *text)
{
	char *end;

	memset(s, 0, sizeof(*s));
	while (*text && *text != '\n') {
		unsigned long lo, hi;

		if (!number(text, &end, &lo))
			return -EINVAL;
		hi = lo;
		if (*end == '-' && !number(end + 1, &end, &hi))
			return -EINVAL;
		if (lo > hi || (*end && *end != ',' && *end != '\n'))
			return -EINVAL;
		for (; lo <= hi && lo < CPUSET_MAX; lo++)
			cpuset_add(s, (unsigned)lo);
		text = *end == ',' ? end + 1 : end;
	}
	return 0;
}

/* Words of 32 bits, highest first: read from the end. */
int cpuset_parse_mask(struct cpuset *s, const char *text)
{
	size_t len = strcspn(text, "\n");
	unsigned bit = 0;

	memset(s, 0, sizeof(*s));
	while (len--) {
		char c = text[len], lower = (char)(c | 0x20);
		unsigned v;

		if (c == ',')
			continue;
		if (c >= '0' && c <= '9')
			v = (unsigned)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = (unsigned)(lower - 'a') + 10;
		else
			return -EINVAL;
		if (bit < CPUSET_MAX)
			s->w[bit / 64] |= (uint64_t)v << bit % 64;
		bit += 4;
	}
	return 0;
}


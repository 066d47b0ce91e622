/* SPDX-License-Identifier: MIT */
/* text.c - reading what people write: numbers with units, near words; cold; called
   by every parser of arguments. */
#include "plx_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit { const char *name; uint64_t factor; };

static int digit(char c, unsigned base)
{
	int d = -1;

	if (c >= '0' && c <= '9')
		d = c - '0';
	else if (c >= 'a' && c <= 'f')
		d = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		d = c - 'A' + 10;
	return d >= 0 && d < (int)base ? d : -1;
}

/* Reads digits at *s and moves *s behind them, also when they are too many (-ERANGE), so
   that the caller still sees garbage behind.  strtoull would take signs, blanks and
   octal, and what it makes of "-1" is the reason for this function. */
static int scan(uint64_t *v, const char **s, unsigned base)
{
	uint64_t n = 0;
	int err = digit(**s, base) < 0 ? -EINVAL : 0;

	for (int d; (d = digit(**s, base)) >= 0; ++*s)
		if (__builtin_mul_overflow(n, (uint64_t)base, &n) || __builtin_add_overflow(n, (uint64_t)d, &n))
			err = -ERANGE;
	*v = n;
	return err;
}

static int within(uint64_t *v, uint64_t n, uint64_t lo, uint64_t hi)
{
	if (n < lo || n > hi)
		return -ERANGE;
	*v = n;
	return 0;
}

/* Factor of the unit that s is, letter case apart; 0 if it is none of them. */
static uint64_t unit_of(const char *s, const struct unit *u)
{
	for (; u->name; u++)
		if (!strcasecmp(s, u->name))
			return u->factor;
	return 0;
}

static int with_unit(uint64_t *v, const char *s, const struct unit *u, uint64_t lo, uint64_t hi)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	uint64_t n, factor;
	int err;

	s += hex ? 2 : 0;
	err = scan(&n, &s, hex ? 16 : 10);
	factor = unit_of(s, u);
	if (err == -EINVAL || !factor)
		return -EINVAL;
	if (err || __builtin_mul_overflow(n, factor, &n))
		return -ERANGE;
	return within(v, n, lo, hi);
}

int plx_text_u64(uint64_t *v, const char *s, uint64_t lo, uint64_t hi)
{
	PLX_ASSERT(v && s);
	static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

	return with_unit(v, s, none, lo, hi);
}

int plx_text_size(uint64_t *v, const char *s, uint64_t lo, uint64_t hi)
{
	PLX_ASSERT(v && s);
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 }, { "K", 1u << 10 }, { "KB", 1u << 10 }, { "M", 1u << 20 }, { "MB", 1u << 20 },
		{ "G", 1u << 30 }, { "GB", 1u << 30 }, { NULL, 0 },
	};

	return with_unit(v, s, units, lo, hi);
}

int plx_text_rate(uint64_t *v, const char *s, uint64_t lo, uint64_t hi)
{
	PLX_ASSERT(v && s);
	static const struct unit units[] = {
		{ "", 1 }, { "pps", 1 }, { "k", 1000 }, { "kpps", 1000 }, { "M", 1000000 }, { "Mpps", 1000000 },
		{ "G", 1000000000 }, { "Gpps", 1000000000 }, { NULL, 0 },
	};

	return with_unit(v, s, units, lo, hi);
}

int plx_text_duration(uint64_t *ns, const char *s, uint64_t lo, uint64_t hi)
{
	PLX_ASSERT(ns && s);
	static const struct unit units[] = {
		{ "", 1000000000 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { NULL, 0 },
	};
	const char *frac = NULL;
	uint64_t n, part = 0, factor;
	int err = scan(&n, &s, 10);

	if (*s == '.') {
		frac = ++s;
		s += strspn(s, "0123456789");
		if (s == frac)
			return -EINVAL;
	}
	factor = unit_of(s, units);
	if (err == -EINVAL || !factor)
		return -EINVAL;
	/* each digit of the fraction is worth a tenth of the one before; what is below 1 ns goes */
	for (uint64_t f = factor / 10; frac && frac < s && f; frac++, f /= 10)
		part += f * (uint64_t)(*frac - '0');
	if (err || __builtin_mul_overflow(n, factor, &n) || __builtin_add_overflow(n, part, &n))
		return -ERANGE;
	return within(ns, n, lo, hi);
}

enum { WORD_MAX = 63 }; /* longer words have no neighbours */

/* Edits (insert, delete, replace, swap of two neighbours) from a to b, letter case apart. */
static size_t edits(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[3][WORD_MAX + 1]; /* two rows back, the row before, this one */
	size_t *back = row[0], *last = row[1], *now = row[2], *t;

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	memcpy(back, last, sizeof(row[0]));
	for (size_t i = 1; i <= na; i++) {
		int ca = tolower((unsigned char)a[i - 1]);

		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			int cb = tolower((unsigned char)b[j - 1]);
			size_t best = last[j - 1] + (ca != cb);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) && back[j - 2] + 1 < best)
				best = back[j - 2] + 1;
			now[j] = best;
		}
		t = back, back = last, last = now, now = t;
	}
	return last[nb];
}

const char *plx_text_near(const char *s, const char *const *list, size_t n)
{
	PLX_ASSERT(s && (list || !n));
	size_t len = strlen(s), best = len / 3 > 2 ? len / 3 : 2;
	const char *near = NULL;

	if (!len || len > WORD_MAX)
		return NULL;
	/* a word more than half of which must change is not near */
	if (best > len / 2)
		best = len / 2;
	for (size_t i = 0; i < n; i++) {
		size_t nw = strlen(list[i]), d;

		if (nw > WORD_MAX || nw > len + best || len > nw + best)
			continue;
		d = edits(s, len, list[i], nw);
		if (d < best || (d == best && !near)) {
			best = d;
			near = list[i];
		}
	}
	return near;
}

void plx_text_add(char *buf, size_t len, const char *fmt, ...)
{
	PLX_ASSERT((buf || !len) && fmt);
	size_t at = len ? strnlen(buf, len) : 0;
	va_list ap;

	if (at >= len)
		return;
	va_start(ap, fmt);
	vsnprintf(buf + at, len - at, fmt, ap);
	va_end(ap);
}

const char *plx_text_quote(char *buf, size_t len, const char *s)
{
	PLX_ASSERT(buf && len && s);
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+,./:=@";

	buf[0] = 0;
	if (*s && !s[strspn(s, safe)]) {
		plx_text_add(buf, len, "%s", s);
		return buf;
	}
	plx_text_add(buf, len, "'");
	for (; *s; s++)
		plx_text_add(buf, len, *s == '\'' ? "'\\''" : "%c", *s);
	plx_text_add(buf, len, "'");
	return buf;
}

unsigned plx_text_utf8(uint32_t *ch, const void *at, size_t n)
{
	PLX_ASSERT(ch && at && n);
	const unsigned char *s = at;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned len = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
	               (s[0] & 0xf8) == 0xf0 ? 4 : 0;

	if (!len || len > n)
		return 0;
	*ch = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*ch = *ch << 6 | (s[i] & 0x3f);
	}
	return *ch < least[len] || *ch > 0x10ffff || (*ch >= 0xd800 && *ch < 0xe000) ? 0 : len;
}

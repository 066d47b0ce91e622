/* SPDX-License-Identifier: MIT */
/* json.c - the writer of JSON; pure but for the stream, which is the caller's alone; cold. */
#include "plx_json.h"
#include "plx_text.h"
#include <errno.h>
#include <string.h>

static_assert(PLX_JSON_DEPTH < 32, "a bit of arrays for each level; level 0 is outside");

/* ---- bytes ---- */

static void bytes(FILE *f, const char *s, size_t n)
{
	fwrite_unlocked(s, 1, n, f);
}

/* Interface names are bytes.  What is not UTF-8 cannot be in JSON, and is escaped as Latin-1. */
static size_t escaped(FILE *f, const char *s, size_t n)
{
	uint32_t ch = 0;
	unsigned len = plx_text_utf8(&ch, s, n);

	ch = len ? ch : (unsigned char)*s;
	if (ch >= 0x10000)
		fprintf(f, "\\u%04x\\u%04x", 0xd800 + ((ch - 0x10000) >> 10), 0xdc00 + ((ch - 0x10000) & 0x3ff));
	else
		fprintf(f, "\\u%04x", ch);
	return len ? len : 1;
}

static bool plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static void string(FILE *f, const char *s)
{
	size_t n = strlen(s), step;

	putc_unlocked('"', f);
	for (; n; s += step, n -= step) {
		for (step = 0; step < n && plain(s[step]);)
			step++;
		if (step) {
			bytes(f, s, step);
		} else if (*s == '"' || *s == '\\') {
			fprintf(f, "\\%c", *s);
			step = 1;
		} else {
			step = escaped(f, s, n);
		}
	}
	putc_unlocked('"', f);
}

static void decimal(FILE *f, bool minus, uint64_t v)
{
	char text[24];
	size_t at = sizeof(text);

	do
		text[--at] = (char)('0' + v % 10);
	while (v /= 10);
	if (minus)
		text[--at] = '-';
	bytes(f, text + at, sizeof(text) - at);
}

/* ---- the order of calls ---- */

static bool in_array(const struct plx_json *j)
{
	return j->arrays >> j->depth & 1;
}

/* member begins one: a comma if it is not the first, and its key. */
static void member(struct plx_json *j, const char *key)
{
	const bool in_object = j->depth && !in_array(j);

	PLX_ASSERT(in_object == (key != NULL));
	PLX_ASSERT(j->depth || !j->filled); /* one value in all */
	if (j->filled)
		putc_unlocked(',', j->f);
	if (key) {
		string(j->f, key);
		putc_unlocked(':', j->f);
	}
	j->filled = true;
}

static void open_level(struct plx_json *j, const char *key, bool array)
{
	member(j, key);
	PLX_ASSERT(j->depth < PLX_JSON_DEPTH);
	j->depth++;
	j->arrays = (j->arrays & ~(1u << j->depth)) | (uint32_t)array << j->depth;
	j->filled = false;
	putc_unlocked(array ? '[' : '{', j->f);
}

static void close_level(struct plx_json *j, bool array)
{
	PLX_ASSERT(j->depth && in_array(j) == array);
	putc_unlocked(array ? ']' : '}', j->f);
	j->depth--;
	j->filled = true;
}

void plx_json_begin(struct plx_json *j, FILE *f)
{
	PLX_ASSERT(j && f);
	*j = (struct plx_json){ .f = f };
}

int plx_json_end(struct plx_json *j)
{
	PLX_ASSERT(j && !j->depth && j->filled);
	putc_unlocked('\n', j->f);
	return ferror_unlocked(j->f) ? -EIO : 0;
}

void plx_json_object(struct plx_json *j, const char *key)
{
	PLX_ASSERT(j);
	open_level(j, key, false);
}

void plx_json_object_end(struct plx_json *j)
{
	PLX_ASSERT(j);
	close_level(j, false);
}

void plx_json_array(struct plx_json *j, const char *key)
{
	PLX_ASSERT(j);
	open_level(j, key, true);
}

void plx_json_array_end(struct plx_json *j)
{
	PLX_ASSERT(j);
	close_level(j, true);
}

/* ---- values ---- */

void plx_json_text(struct plx_json *j, const char *key, const char *s)
{
	PLX_ASSERT(j);
	member(j, key);
	if (s)
		string(j->f, s);
	else
		fputs_unlocked("null", j->f);
}

void plx_json_u64(struct plx_json *j, const char *key, uint64_t v)
{
	PLX_ASSERT(j);
	member(j, key);
	decimal(j->f, false, v);
}

void plx_json_i64(struct plx_json *j, const char *key, int64_t v)
{
	PLX_ASSERT(j);
	member(j, key);
	decimal(j->f, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* Not by %f, which writes the point as the program's locale has it. */
void plx_json_double(struct plx_json *j, const char *key, double v, unsigned digits)
{
	uint64_t one = 1;

	PLX_ASSERT(j && digits <= PLX_JSON_DIGITS);
	for (unsigned i = 0; i < digits; i++)
		one *= 10;
	const double size = (v < 0 ? -v : v) * (double)one;

	member(j, key);
	if (!(size < 1e18)) {
		fputs_unlocked("null", j->f);
		return;
	}
	const uint64_t n = (uint64_t)(size + 0.5);

	decimal(j->f, v < 0 && n, n / one);
	if (digits)
		fprintf(j->f, ".%0*llu", (int)digits, (unsigned long long)(n % one));
}

void plx_json_bool(struct plx_json *j, const char *key, bool v)
{
	PLX_ASSERT(j);
	member(j, key);
	fputs_unlocked(v ? "true" : "false", j->f);
}

void plx_json_null(struct plx_json *j, const char *key)
{
	PLX_ASSERT(j);
	member(j, key);
	fputs_unlocked("null", j->f);
}

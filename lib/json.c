/* SPDX-License-Identifier: MIT */
/* json.c - strings of JSON; pure but for the stream; cold. */
#include "plx_json.h"
#include "plx_text.h"
#include <string.h>

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

void plx_json_text(FILE *f, const char *s)
{
	PLX_ASSERT(f && s);
	size_t n = strlen(s), step;

	fputc('"', f);
	for (; n; s += step, n -= step) {
		unsigned char c = (unsigned char)*s;

		step = 1;
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < ' ' || c > 126)
			step = escaped(f, s, n);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

void plx_json_pair(FILE *f, const char *key, const char *s)
{
	PLX_ASSERT(f && key);
	fprintf(f, ",\"%s\":", key);
	if (s)
		plx_json_text(f, s);
	else
		fprintf(f, "null");
}

/* SPDX-License-Identifier: MIT */
/* bytes.c - what may stand in a configuration file at all: UTF-8, without control
   characters.  Cold, pure; called by yaml.c before the YAML parser, which would tell
   such a thing by a byte's number. */
#include "conf.h"
#include "plx_text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* strange says what is wrong with a character, or NULL.  Line ends that editors do not show
   are refused: lines would be counted otherwise than people do. */
static const char *strange(uint32_t ch)
{
	if (!ch)
		return "a NUL byte: is it a text file?";
	if ((ch < ' ' && ch != '\t' && ch != '\n' && ch != '\r') || (ch >= 127 && ch < 160))
		return "a control character: delete it";
	if (ch == 0x2028 || ch == 0x2029 || ch == 0xfeff || ch == 0xfffe || ch == 0xffff)
		return "a character that does not show: delete it";
	return NULL;
}

int conf_bytes_check(const char *text, size_t len, unsigned *line, unsigned *column, char *why, size_t whylen)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + len;

	for (*line = *column = 1; s < end; ++*column) {
		uint32_t ch = 0;
		unsigned n = plx_text_utf8(&ch, s, (size_t)(end - s));
		const char *bad = n ? strange(ch) : "";

		if (bad) {
			if (n)
				snprintf(why, whylen, "%s", bad);
			else
				snprintf(why, whylen, "byte 0x%02x is not UTF-8: save the file as UTF-8", *s);
			return -EINVAL;
		}
		if (ch == '\n' || (ch == '\r' && (s + 1 == end || s[1] != '\n'))) {
			++*line;
			*column = 0;
		}
		s += n;
	}
	return 0;
}

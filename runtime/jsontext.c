/* SPDX-License-Identifier: MIT */
/* jsontext.c - strings of JSON; pure but for the stream; cold. */
#include "jsontext.h"

/* Bytes that are not UTF-8 cannot be in JSON, so all above 126 is escaped as Latin-1:
   interface names are bytes. */
void json_text(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < ' ' || c > 126)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

void json_pair(FILE *f, const char *key, const char *s)
{
	fprintf(f, ",\"%s\":", key);
	if (s)
		json_text(f, s);
	else
		fprintf(f, "null");
}

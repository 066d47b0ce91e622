/* SPDX-License-Identifier: MIT */
/* membuf.c - a stream into memory.  Cold; any thread. */
#include "membuf.h"
#include <stdlib.h>

FILE *membuf_open(struct membuf *b)
{
	b->text = NULL;
	b->len = 0;
	b->f = open_memstream(&b->text, &b->len);
	return b->f;
}

char *membuf_close(struct membuf *b)
{
	if (!b->f)
		return NULL;
	const int failed = ferror(b->f);

	if (!fclose(b->f) && !failed)
		return b->text;
	free(b->text);
	return NULL;
}

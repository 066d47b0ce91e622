/* SPDX-License-Identifier: MIT */
/* membuf.h - a stream into memory, whose text is whole or is not there.  Internal to runtime/. */
#ifndef MEMBUF_H
#define MEMBUF_H

#include <stdio.h>

struct membuf { FILE *f; char *text; size_t len; };

/* membuf_open: the stream, or NULL for want of memory.  membuf_close, in either case: what was written, malloc'd, or
   NULL if memory was short at any point. */
FILE *membuf_open(struct membuf *b);
char *membuf_close(struct membuf *b);

#endif

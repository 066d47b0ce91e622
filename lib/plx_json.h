/* SPDX-License-Identifier: MIT */
/* plx_json.h - strings for programs that write JSON by hand; the library links no JSON library.
   Any thread that may write to the stream; blocks as the stream does. */
#ifndef PLX_JSON_H
#define PLX_JSON_H

#include "plx_defs.h"
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* plx_json_text writes s as a JSON string, in ASCII.  What is not UTF-8 is taken as Latin-1: names of
   interfaces are bytes. */
PLX_API void plx_json_text(FILE *f, const char *s);
/* plx_json_pair writes a comma, the key, which needs no escape, and s; null for NULL. */
PLX_API void plx_json_pair(FILE *f, const char *key, const char *s);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* jsontext.h - JSON written by hand: the library does not link a JSON library.  Internal to
   runtime/, and built into plx-fwd. */
#ifndef JSONTEXT_H
#define JSONTEXT_H

#include <stdio.h>

/* json_text writes s as a JSON string. */
void json_text(FILE *f, const char *s);
/* json_pair writes a comma, the key and s, null for NULL. */
void json_pair(FILE *f, const char *key, const char *s);

#endif

/* SPDX-License-Identifier: MIT */
/* plx_text.h - reading what people write: numbers with units, words, suggestions.
   Pure functions, for the set() of an option table and the like.  Letter case of a
   unit does not matter; a number that does not parse leaves *v as it was. */
#ifndef PLX_TEXT_H
#define PLX_TEXT_H

#include "plx_defs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* plx_text_u64 reads a whole unsigned decimal or 0x number within [lo, hi].  0;
   -EINVAL: empty, sign, garbage behind it; -ERANGE: outside. */
PLX_API int plx_text_u64(uint64_t *v, const char *s, uint64_t lo, uint64_t hi);
/* plx_text_size: the same with an optional K, M, G (1024) and B behind it: "64K", "1G". */
PLX_API int plx_text_size(uint64_t *v, const char *s, uint64_t lo, uint64_t hi);
/* plx_text_rate: optional k, M, G (1000), then nothing or "pps": "10Mpps", "250k". */
PLX_API int plx_text_rate(uint64_t *v, const char *s, uint64_t lo, uint64_t hi);
/* plx_text_duration: ns of "10" (seconds), "1.5s", "200ms", "20us", "500ns", "5m", "1h". */
PLX_API int plx_text_duration(uint64_t *ns, const char *s, uint64_t lo, uint64_t hi);
/* plx_text_near: the word of list (n words) nearest to s, NULL if none is within two edits
   (or a third of its length), letter case apart; two swapped letters are one edit. */
PLX_API const char *plx_text_near(const char *s, const char *const *list, size_t n);
/* plx_text_add appends to the string in buf[len], cut at its end, always terminated. */
PLX_API void plx_text_add(char *buf, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* plx_text_utf8 reads the character at the beginning of n > 0 bytes: its length, 0 if they begin with none (too
   long, a surrogate, beyond U+10FFFF, cut off). */
PLX_API unsigned plx_text_utf8(uint32_t *ch, const void *s, size_t n);
/* plx_text_quote writes s as one word of a shell, for commands that are told to people; names
   of interfaces may hold a ';', a '$' or a quote.  Four times its length and three bytes
   always do.  buf. */
PLX_API const char *plx_text_quote(char *buf, size_t len, const char *s);
/* PLX_QUOTED is the quoted s, of at most 127 bytes, until the end of the block it stands in. */
#define PLX_QUOTED(s) plx_text_quote((char[PLX_QUOTED_MAX]){ 0 }, PLX_QUOTED_MAX, s)
enum { PLX_QUOTED_MAX = 4 * 127 + 3 };

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* fatal_line.h - the one line that a process prints on standard error before a mistake ends it.
   Everything here is for signal handlers too: no allocation, no lock, no stdio.  Internal; in
   assert.c, used by the runtime for signals. */
#ifndef FATAL_LINE_H
#define FATAL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FATAL_WAIT_MS = 200 /* the longest a standard error that takes nothing is waited for */ };

struct fatal_line { size_t n; char text[512]; }; /* what does not fit is cut off */

/* fatal_begin makes "PROGRAM: fatal: " of l.  False if this thread has printed its line already;
   if another has, it waits so long that the other one can end the process. */
bool fatal_begin(struct fatal_line *l);
void fatal_add(struct fatal_line *l, const char *s);
void fatal_add_number(struct fatal_line *l, uint64_t v, unsigned base); /* base 10, or 16 with 0x */
/* fatal_end adds where the calling thread is, by plx_self.where, and writes the line. */
void fatal_end(struct fatal_line *l);

#endif

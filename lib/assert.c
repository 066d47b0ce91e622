/* SPDX-License-Identifier: MIT */
/* assert.c - the end of a process that found its own mistake. */
#include "plx_defs.h"
#include <stdlib.h>

/* Where the failure was, for a debugger or a core dump; nothing is printed. */
static const char *volatile failed_expr, *volatile failed_file;
static volatile int failed_line;

void plx_assert_failed(const char *expr, const char *file, int line)
{
	failed_expr = expr;
	failed_file = file;
	failed_line = line;
	abort();
}

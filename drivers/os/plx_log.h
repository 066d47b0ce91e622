/* SPDX-License-Identifier: MIT */
/* plx_log.h - one callback for every line Pollux has to say.  The library never
   prints: without a callback it is silent.  A line has no newline; an error line
   says what failed, on which port and queue, the errno, and the command that fixes
   it.  Never called from a burst.

   A port that is opened without an environment calls the function in the thread that has
   something to say.  An environment calls it in a thread of its own, one line at a time, and
   never in one that polls or serves signals.  It may block: lines then wait, those beyond
   64 KiB are dropped, and a line tells how many.  Outside plx_env_run a line has been
   handed over when the call that caused it returns, unless the function has been held up
   for 200 ms.  One that is held up when the environment ends returns later than
   plx_env_fini: what arg points to must outlive it. */
#ifndef PLX_LOG_H
#define PLX_LOG_H

#include "plx_defs.h"
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

enum plx_log_level { PLX_LOG_ERROR = 1, PLX_LOG_WARN, PLX_LOG_NOTICE, PLX_LOG_INFO, PLX_LOG_DEBUG };

struct plx_log {
	void (*fn)(void *arg, enum plx_log_level level, const char *line); /* NULL = silent */
	void *arg;
	enum plx_log_level level; /* lines above it are not made */
};

/* plx_logf formats and hands on one line, cut at 1023 bytes; control characters become '?'.  l may be NULL. */
PLX_API void plx_logf(const struct plx_log *l, enum plx_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "error", "warning", ... */
PLX_API const char *plx_log_level_name(enum plx_log_level level);

#ifdef __cplusplus
}
#endif
#endif

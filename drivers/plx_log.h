/* SPDX-License-Identifier: MIT */
/* plx_log.h - one callback for every line Pollux has to say.  The library never
   prints: without a callback it is silent.  A line has no newline; an error line
   says what failed, on which port and queue, the errno, and the command that mends
   it.  Never called from a burst. */
#ifndef PLX_LOG_H
#define PLX_LOG_H

#include "plx_defs.h"
#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

enum plx_log_level { PLX_LOG_ERROR = 1, PLX_LOG_WARN, PLX_LOG_NOTICE, PLX_LOG_INFO, PLX_LOG_DEBUG };

struct plx_log {
	void (*fn)(void *arg, enum plx_log_level level, const char *line); /* NULL = silent; any thread */
	void *arg;
	enum plx_log_level level; /* lines above it are not made */
};

/* plx_logf formats and hands on one line, cut at 1023 bytes.  l may be NULL. */
PLX_API void plx_logf(const struct plx_log *l, enum plx_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "error", "warning", ... */
PLX_API const char *plx_log_level_name(enum plx_log_level level);

#ifdef __cplusplus
}
#endif
#endif

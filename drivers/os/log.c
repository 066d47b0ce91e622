/* SPDX-License-Identifier: MIT */
/* log.c - one formatted line to one callback; cold; called by drivers/ and runtime/. */
#include "plx_log.h"

#include <errno.h>
#include <stdio.h>

static const char *const level_names[] = {
	[PLX_LOG_ERROR] = "error", [PLX_LOG_WARN] = "warning", [PLX_LOG_NOTICE] = "notice",
	[PLX_LOG_INFO] = "info", [PLX_LOG_DEBUG] = "debug",
};

void plx_logf(const struct plx_log *l, enum plx_log_level level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!l || !l->fn || level > l->level)
		return;
	int saved = errno; /* callers log between a failed call and the use of its errno */
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (char *s = line; *s; s++) /* names and files may have anything in them */
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	l->fn(l->arg, level, line);
	errno = saved;
}

const char *plx_log_level_name(enum plx_log_level level)
{
	return level >= PLX_LOG_ERROR && level <= PLX_LOG_DEBUG ? level_names[level] : "unknown";
}

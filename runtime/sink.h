/* SPDX-License-Identifier: MIT */
/* sink.h - the log sink of programs: lines on standard error.  Internal to runtime/. */
#ifndef SINK_H
#define SINK_H

#include "plx_log.h"
#include "plx_sys.h"

/* A line that is repeated within SINK_REPEAT_NS is counted instead of written; the count
   is told with the next other line, or when that time is over. */
struct sink {
	const struct plx_sys *sys;
	char     name[PLX_NAME_MAX];
	pthread_mutex_t lock;
	char     last[1024];
	uint64_t last_at;
	uint64_t repeats;
};

void sink_init(struct sink *s, const struct plx_sys *sys, const char *name);
void sink_fini(struct sink *s);
/* sink_line is a plx_log.fn; arg is the sink.  Any thread. */
void sink_line(void *arg, enum plx_log_level level, const char *line);

/* write_all writes text to a descriptor, through short writes and EINTR.  0 or -errno. */
int write_all(const struct plx_sys *sys, int fd, const char *text, size_t len);

#endif

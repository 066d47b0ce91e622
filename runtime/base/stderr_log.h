/* SPDX-License-Identifier: MIT */
/* stderr_log.h - the log of an environment: lines for standard error or the application's callback, by
   way of the writer.  Internal to runtime/. */
#ifndef STDERR_LOG_H
#define STDERR_LOG_H

#include "log_writer.h"

/* A line on standard error that is repeated within SINK_REPEAT_NS is counted instead of written;
   the count is told with the next other line, or when that time is over. */
struct sink {
	const struct plx_sys *sys;
	struct plx_log own;      /* the application's callback; fn NULL = standard error */
	struct writer *writer;   /* NULL = there is none: lines are written at once */
	const bool *running;     /* atomic; while it is true nobody waits for his line */
	pid_t    pid;            /* a forked child has no writer */
	char     name[PLX_NAME_MAX];
	pthread_mutex_t lock;
	char     last[1024];
	uint64_t last_at;
	uint64_t repeats;
};

void sink_init(struct sink *s, const struct plx_sys *sys, const char *name, const struct plx_log *own);
/* sink_start makes the writer: 0 or -errno. */
int  sink_start(struct sink *s, const bool *running);
void sink_fini(struct sink *s);
/* sink_line is a plx_log.fn; arg is the sink.  Any thread.  While *running is false it returns
   when the line is written, or as soon as writer_wait gives up. */
void sink_line(void *arg, enum plx_log_level level, const char *line);
/* sink_wait waits for lines and reports, as writer_wait does. */
void sink_wait(struct sink *s);

/* write_all writes text to a descriptor, through short writes and EINTR.  0 or -errno. */
int write_all(const struct plx_sys *sys, int fd, const char *text, size_t len);

#endif

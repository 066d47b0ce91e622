/* SPDX-License-Identifier: MIT */
/* log_writer.h - the thread that writes log lines and reports, so that no other thread waits for a
   terminal, a pipe or the application's log callback.  Internal to runtime/.

     stderr_log.c          --line-->  ring  \
                                        writer thread --> poll, write; or the callback
     plx_env_report  --text-->  ring  /

   To push takes a mutex for the time of a memcpy.  What finds no room is dropped and counted,
   and one line tells how much as soon as there is room again.  The descriptors are inherited
   and shared with other processes, so O_NONBLOCK is never set: the thread writes PIPE_BUF
   bytes at most, and only after poll(2) has said that there is room.  (Where another process
   takes that room first the thread waits in write(2), and both streams with it.) */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include "plx_log.h"
#include "plx_sys.h"

struct writer;

enum writer_stream { WRITER_LOG, WRITER_REPORT, WRITER_STREAMS };

enum {
	WRITER_LINE = 1200,            /* bytes of a formatted line */
	WRITER_LOG_RING = 64 << 10,
	WRITER_REPORT_RING = 256 << 10,
};
#define WRITER_WAIT_NS 200000000ull /* without progress, by those who wait for their line */

struct writer_conf {
	const struct plx_sys *sys;
	const char *name;              /* before each line, and of the thread */
	struct plx_log own;            /* the application's callback; fn NULL = lines go to fd[WRITER_LOG] */
	int fd[WRITER_STREAMS];
};

/* writer_new: 0 or -errno.  The thread blocks all signals but those of its own faults. */
int writer_new(struct writer **out, const struct writer_conf *c);

/* writer_free waits as writer_wait does and ends the thread.  One that is held up in write() or
   in the callback is left behind, and frees its memory when it comes back. */
void writer_free(struct writer *w);

/* writer_log queues a line.  Any thread; never blocks. */
void writer_log(struct writer *w, enum plx_log_level level, const char *line);

/* writer_report queues text, all of it or none: 0, or -ENOBUFS and counted.  Any thread; never
   blocks. */
int writer_report(struct writer *w, const char *text);

/* writer_wait waits until all that is queued has been written or given up, as long as the writer
   has made progress within WRITER_WAIT_NS; so not at all once it is known to be stuck, and
   never in the writer's own thread. */
void writer_wait(struct writer *w, enum writer_stream which);

/* writer_reported waits for the reports until nothing has moved for quiet_ns of this call.  0: all
   there ever were are written; else the -errno of the first write that failed, -ETIMEDOUT, or
   -ENOBUFS: some had found no room. */
int writer_reported(struct writer *w, uint64_t quiet_ns);

/* writer_format makes "NAME: level: line\n", cut to fit; returns its length. */
size_t writer_format(char buf[WRITER_LINE], const char *name, enum plx_log_level level, const char *line);

#endif

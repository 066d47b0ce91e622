/* SPDX-License-Identifier: MIT */
/* sink.c - the log sink of programs: "NAME: level: text" on standard error.  Cold; any
   thread but an lcore's loop. */
#include "sink.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SINK_REPEAT_NS 1000000000ull

int write_all(const struct plx_sys *sys, int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = sys->write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

void sink_init(struct sink *s, const struct plx_sys *sys, const char *name)
{
	*s = (struct sink){ .sys = sys };
	snprintf(s->name, sizeof(s->name), "%s", name);
	pthread_mutex_init(&s->lock, NULL);
}

/* One write for a line, so that lines of several threads and processes do not mix.  A
   closed standard error is no reason to fail. */
static void emit(struct sink *s, const char *level, const char *line)
{
	char buf[1200];
	int n = snprintf(buf, sizeof(buf), "%s: %s: %s\n", s->name, level, line);

	if (n >= (int)sizeof(buf)) {
		n = sizeof(buf) - 1;
		buf[n - 1] = '\n';
	}
	(void)!write_all(s->sys, STDERR_FILENO, buf, (size_t)n);
}

static void tell_repeats(struct sink *s)
{
	char buf[64];

	if (!s->repeats)
		return;
	snprintf(buf, sizeof(buf), "the last line came %llu more times", (unsigned long long)s->repeats);
	emit(s, plx_log_level_name(PLX_LOG_NOTICE), buf);
	s->repeats = 0;
}

void sink_line(void *arg, enum plx_log_level level, const char *line)
{
	struct sink *s = arg;
	uint64_t now = plx_sys_now(s->sys);

	pthread_mutex_lock(&s->lock);
	if (!strncmp(s->last, line, sizeof(s->last) - 1) && now - s->last_at < SINK_REPEAT_NS) {
		s->repeats++;
	} else {
		tell_repeats(s);
		emit(s, plx_log_level_name(level), line);
		snprintf(s->last, sizeof(s->last), "%s", line);
		s->last_at = now;
	}
	pthread_mutex_unlock(&s->lock);
}

void sink_fini(struct sink *s)
{
	tell_repeats(s);
	pthread_mutex_destroy(&s->lock);
}

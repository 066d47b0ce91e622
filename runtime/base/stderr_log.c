/* SPDX-License-Identifier: MIT */
/* stderr_log.c - the log of an environment: holds back repeats and hands lines to the writer.  Cold; any
   thread but an lcore's loop. */
#include "stderr_log.h"
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

void sink_init(struct sink *s, const struct plx_sys *sys, const char *name, const struct plx_log *own)
{
	*s = (struct sink){ .sys = sys, .pid = getpid() };
	if (own)
		s->own = *own;
	snprintf(s->name, sizeof(s->name), "%s", name);
	pthread_mutex_init(&s->lock, NULL);
}

int sink_start(struct sink *s, const bool *running)
{
	const struct writer_conf c = {
		.sys = s->sys, .name = s->name, .own = s->own, .fd = { STDERR_FILENO, STDOUT_FILENO }
	};

	s->running = running;
	return writer_new(&s->writer, &c);
}

/* Without a writer: one write for a line, so that lines of several processes do not mix.  A closed
   standard error is no reason to fail. */
static void say_now(struct sink *s, enum plx_log_level level, const char *line)
{
	char buf[WRITER_LINE];

	if (s->own.fn)
		s->own.fn(s->own.arg, level, line);
	else
		(void)!write_all(s->sys, STDERR_FILENO, buf, writer_format(buf, s->name, level, line));
}

static void emit(struct sink *s, enum plx_log_level level, const char *line)
{
	if (s->writer)
		writer_log(s->writer, level, line);
	else
		say_now(s, level, line);
}

static void tell_repeats(struct sink *s)
{
	char buf[64];

	if (!s->repeats)
		return;
	snprintf(buf, sizeof(buf), "the last line came %llu more time%s", (unsigned long long)s->repeats,
	         s->repeats == 1 ? "" : "s");
	emit(s, PLX_LOG_NOTICE, buf);
	s->repeats = 0;
}

static void without_repeats(struct sink *s, enum plx_log_level level, const char *line)
{
	uint64_t now = plx_sys_now(s->sys);

	pthread_mutex_lock(&s->lock);
	if (!strncmp(s->last, line, sizeof(s->last) - 1) && now - s->last_at < SINK_REPEAT_NS) {
		s->repeats++;
	} else {
		tell_repeats(s);
		emit(s, level, line);
		snprintf(s->last, sizeof(s->last), "%s", line);
		s->last_at = now;
	}
	pthread_mutex_unlock(&s->lock);
}

void sink_line(void *arg, enum plx_log_level level, const char *line)
{
	struct sink *s = arg;

	if (getpid() != s->pid) { /* forked: locks may be held by threads that are not here */
		say_now(s, level, line);
		return;
	}
	if (s->own.fn)
		emit(s, level, line);
	else
		without_repeats(s, level, line);
	if (s->writer && !__atomic_load_n(s->running, __ATOMIC_RELAXED))
		writer_wait(s->writer, WRITER_LOG);
}

void sink_wait(struct sink *s)
{
	for (int i = 0; i < WRITER_STREAMS; i++)
		writer_wait(s->writer, (enum writer_stream)i);
}

void sink_fini(struct sink *s)
{
	tell_repeats(s);
	if (s->writer)
		writer_free(s->writer);
	s->writer = NULL;
	pthread_mutex_destroy(&s->lock);
}

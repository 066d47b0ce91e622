/* SPDX-License-Identifier: MIT */
/* log_writer.c - two rings of bytes and the thread that empties them.  Cold.  One lock guards the
   rings; it is never held across a call that can block. */
#include "quiet_thread.h"
#include "log_writer.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum {
	STARVED = 10,  /* a writer that is not held up but gets no CPU is waited for so much longer */
	RETRY_MS = 10,
};
#define FOREVER_NS 1000000000000000ull

/*       done          out          in
   .......[  in chunk   [  in ring   ).......    bytes since the beginning */
struct stream {
	int      fd;          /* -1 = the application's callback */
	char    *ring;
	size_t   size;
	uint64_t in, out, done;
	bool     held;        /* the thread waits for room, or is in write() or the callback, */
	uint64_t since;       /* since then, ns; any progress begins it anew */
	bool     bad;         /* the latest write failed */
	uint64_t lost;        /* lines or reports dropped and not told of yet */
	uint64_t missed;      /* the same, ever */
	int      err;         /* of the first write that failed */
	/* the thread's alone */
	char     chunk[PIPE_BUF];
	size_t   len, at;
	int own;                   /* the descriptor that was opened for it, -1 = it is the inherited one */
};

struct writer {
	const struct plx_sys *sys;
	struct plx_log own;
	char     name[PLX_NAME_MAX];
	int      wakefd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t  moved; /* progress, or held, or gone */
	bool     woken;        /* wakefd has been written to */
	bool     starved;      /* somebody has waited in vain for the thread to do anything at all */
	bool     stop;         /* the thread shall end when all is written, */
	bool     give_up;      /* or at once */
	bool     gone;         /* it has ended */
	bool     orphan;       /* nobody waits for that: the thread frees everything */
	struct stream s[WRITER_STREAMS];
	char     rings[WRITER_LOG_RING + WRITER_REPORT_RING];
};

static _Thread_local const struct writer *here; /* whose thread this is */

size_t writer_format(char buf[WRITER_LINE], const char *name, enum plx_log_level level, const char *line)
{
	int n = snprintf(buf, WRITER_LINE, "%s: %s: %s\n", name, plx_log_level_name(level), line);

	if (n < WRITER_LINE)
		return n < 0 ? 0 : (size_t)n;
	buf[WRITER_LINE - 2] = '\n';
	return WRITER_LINE - 1;
}

/* ---- rings; under the lock ---- */

static bool put(struct stream *s, const char *data, size_t len)
{
	const size_t at = s->in % s->size, first = len < s->size - at ? len : s->size - at;

	if (s->size - (s->in - s->out) < len)
		return false;
	memcpy(s->ring + at, data, first);
	memcpy(s->ring, data + first, len - first);
	s->in += len;
	return true;
}

/* A line, formatted; for the callback its level, its text and a 0. */
static bool put_line(struct writer *w, enum plx_log_level level, const char *line)
{
	struct stream *s = &w->s[WRITER_LOG];
	char buf[WRITER_LINE];
	size_t n;

	if (s->fd >= 0) {
		n = writer_format(buf, w->name, level, line);
	} else {
		buf[0] = (char)level;
		n = strnlen(line, sizeof(buf) - 2);
		memcpy(buf + 1, line, n);
		n += 1;
		buf[n++] = 0;
	}
	return put(s, buf, n);
}

static void lose(struct stream *s, uint64_t n)
{
	s->lost += n;
	s->missed += n;
}

/* What was lost is told before what comes later.  False: there is no room for that yet. */
static bool tell_lost(struct writer *w, struct stream *s)
{
	char text[128];

	if (!s->lost || s->bad)
		return true;
	snprintf(text, sizeof(text),
	         s == &w->s[WRITER_LOG] ? "%llu lines of the log were lost here: its reader took none" :
	                                  "%llu reports were lost: the reader of standard output took none",
	         (unsigned long long)s->lost);
	if (!put_line(w, PLX_LOG_WARN, text))
		return false;
	s->lost = 0;
	return true;
}

/* take moves whole lines to the chunk; of one that is longer than a chunk, a part.  A callback gets
   one at a time. */
static void take(struct stream *s)
{
	const size_t held = (size_t)(s->in - s->out), n = held < sizeof(s->chunk) ? held : sizeof(s->chunk);
	const size_t at = s->out % s->size, first = n < s->size - at ? n : s->size - at;

	memcpy(s->chunk, s->ring + at, first);
	memcpy(s->chunk + first, s->ring, n - first);
	const char *last = s->fd >= 0 ? memrchr(s->chunk, '\n', n) : memchr(s->chunk, 0, n);

	s->len = last ? (size_t)(last - s->chunk) + 1 : n;
	s->at = 0;
	s->out += s->len;
}

static void wake(struct writer *w, bool asleep)
{
	const uint64_t one = 1;

	if (asleep)
		(void)!w->sys->write(w->wakefd, &one, sizeof(one));
}

void writer_log(struct writer *w, enum plx_log_level level, const char *line)
{
	struct stream *s = &w->s[WRITER_LOG];

	pthread_mutex_lock(&w->lock);
	if (!tell_lost(w, s) || !put_line(w, level, line))
		lose(s, 1);
	bool asleep = !w->woken;

	w->woken = true;
	pthread_mutex_unlock(&w->lock);
	wake(w, asleep);
}

int writer_report(struct writer *w, const char *text)
{
	struct stream *s = &w->s[WRITER_REPORT];
	const size_t len = strlen(text);

	pthread_mutex_lock(&w->lock);
	const bool room = put(s, text, len), asleep = !w->woken;

	if (!room)
		lose(s, 1);
	w->woken = true;
	pthread_mutex_unlock(&w->lock);
	wake(w, asleep);
	return room ? 0 : -ENOBUFS;
}

/* ---- the thread ---- */

/* A failed write takes the rest of the chunk with it; each line of the log in it is lost. */
static void progress(struct writer *w, struct stream *s, size_t n, int err)
{
	pthread_mutex_lock(&w->lock);
	s->bad = err != 0;
	if (err) {
		s->err = s->err ? s->err : err;
		n = s->len - s->at;
		for (size_t i = s->at; i < s->len && s == &w->s[WRITER_LOG]; i++)
			lose(s, s->chunk[i] == '\n');
	}
	s->at += n;
	s->done += n;
	s->held = false;
	tell_lost(w, s);
	pthread_cond_broadcast(&w->moved);
	pthread_mutex_unlock(&w->lock);
}

static bool has_more(const struct writer *w)
{
	bool more = false;

	for (int i = 0; i < WRITER_STREAMS; i++)
		more |= w->s[i].at < w->s[i].len || w->s[i].out != w->s[i].in;
	return more;
}

/* False: the thread shall end.  It writes what there is first, unless nobody takes it. */
static bool prepare(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	const bool stop = w->stop && (w->give_up || !has_more(w));

	w->woken = w->starved = false;
	for (int i = 0; i < WRITER_STREAMS && !stop; i++) {
		struct stream *s = &w->s[i];

		if (s->at == s->len)
			take(s);
		if (s->at < s->len && !s->held) {
			s->held = true;
			s->since = plx_sys_now(w->sys);
			pthread_cond_broadcast(&w->moved);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return !stop;
}

static void write_some(struct writer *w, struct stream *s)
{
	ssize_t n = w->sys->write(s->fd, s->chunk + s->at, s->len - s->at);

	if (n > 0)
		progress(w, s, (size_t)n, 0);
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		progress(w, s, 0, -errno);
	else
		plx_sys_sleep(w->sys, RETRY_MS * 1000000ull); /* a descriptor that others made non-blocking */
}

/* Writes what there is room for; if nothing is to be done, waits. */
static void serve(struct writer *w, int timeout_ms)
{
	struct pollfd p[1 + WRITER_STREAMS] = { { .fd = w->wakefd, .events = POLLIN } };
	struct stream *of[1 + WRITER_STREAMS];
	uint64_t token;
	nfds_t n = 1;

	for (int i = 0; i < WRITER_STREAMS; i++) {
		struct stream *s = &w->s[i];

		if (s->fd < 0 || s->at == s->len)
			continue;
		of[n] = s;
		p[n++] = (struct pollfd){ .fd = s->fd, .events = POLLOUT };
	}
	if (w->sys->poll(p, n, timeout_ms) < 0) {
		plx_sys_sleep(w->sys, RETRY_MS * 1000000ull);
		return;
	}
	if (p[0].revents)
		(void)!w->sys->read(w->wakefd, &token, sizeof(token));
	for (nfds_t i = 1; i < n; i++)
		if (p[i].revents) /* an error too: write() tells which */
			write_some(w, of[i]);
}

/* A descriptor of its own for the same terminal or pipe, which may so be non-blocking: a terminal says
   that there is room when there is any, and who writes a line to it then waits for the rest.  The
   inherited one is shared with other processes.  Files and sockets stay: a file has its offset,
   and neither waits for long. */
static int reopen(const struct plx_sys *sys, int fd)
{
	struct termios terminal;
	struct stat st;
	char path[32];

	if (fd < 0 || sys->fstat(fd, &st) || (!S_ISFIFO(st.st_mode) && sys->ioctl(fd, TCGETS, &terminal)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys->open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
}

static void destroy(struct writer *w)
{
	for (int i = 0; i < WRITER_STREAMS; i++)
		if (w->s[i].own >= 0)
			w->sys->close(w->s[i].own);
	w->sys->close(w->wakefd);
	pthread_cond_destroy(&w->moved);
	pthread_mutex_destroy(&w->lock);
	w->sys->munmap(w, sizeof(*w));
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct stream *log = &w->s[WRITER_LOG];
	char name[16];

	here = w;
	snprintf(name, sizeof(name), "%.11s-log", w->name);
	pthread_setname_np(pthread_self(), name);
	while (prepare(w)) {
		const bool call = log->fd < 0 && log->at < log->len;

		if (call) {
			w->own.fn(w->own.arg, (enum plx_log_level)log->chunk[0], log->chunk + 1);
			progress(w, log, log->len, 0);
		}
		serve(w, call ? 0 : -1);
	}
	pthread_mutex_lock(&w->lock);
	const bool orphan = w->orphan;

	w->gone = true;
	pthread_cond_broadcast(&w->moved);
	pthread_mutex_unlock(&w->lock);
	if (orphan)
		destroy(w);
	return NULL;
}

/* ---- life ---- */

/* Pages of its own, of which most are never touched. */
int writer_new(struct writer **out, const struct writer_conf *c)
{
	static const size_t size[WRITER_STREAMS] = { WRITER_LOG_RING, WRITER_REPORT_RING };
	struct writer *w = c->sys->mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_condattr_t monotonic;

	*out = NULL;
	if (w == MAP_FAILED)
		return -ENOMEM;
	w->sys = c->sys;
	w->own = c->own;
	snprintf(w->name, sizeof(w->name), "%s", c->name);
	for (int i = 0; i < WRITER_STREAMS; i++)
		w->s[i] = (struct stream){ .fd = c->fd[i], .size = size[i], .ring = w->rings + (i ? size[0] : 0) };
	if (c->own.fn)
		w->s[WRITER_LOG].fd = -1;
	for (int i = 0; i < WRITER_STREAMS; i++) {
		w->s[i].own = reopen(c->sys, w->s[i].fd);
		if (w->s[i].own >= 0)
			w->s[i].fd = w->s[i].own;
	}
	w->wakefd = c->sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err = w->wakefd < 0 ? -errno : 0;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->moved, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (!err)
		err = quiet_thread(w->sys, &w->thread, writer_main, w);
	if (err)
		destroy(w);
	else
		*out = w;
	return err;
}

/* Until `at`, or something has moved; false: it is over. */
static bool doze(struct writer *w, uint64_t at)
{
	const struct timespec t = { .tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u) };

	if (plx_sys_now(w->sys) >= at)
		return false;
	pthread_cond_timedwait(&w->moved, &w->lock, &t);
	return true;
}

/* Under the lock, which others get meanwhile.  begin: the wait is no shorter than quiet from there. */
static bool written(struct writer *w, struct stream *s, uint64_t quiet, uint64_t begin)
{
	const uint64_t all = s->in, now = plx_sys_now(w->sys);

	while (s->done < all) {
		/* the thread may be held up by the other stream */
		const struct stream *h = s->held ? s : w->s[0].held ? &w->s[0] : &w->s[1];
		const bool held = h->held;
		const uint64_t at = held ? (h->since > begin ? h->since : begin) + quiet : now + quiet * STARVED;

		if ((!held && w->starved) || !doze(w, at)) {
			w->starved |= !held;
			return false;
		}
	}
	return true;
}

void writer_wait(struct writer *w, enum writer_stream which)
{
	if (here == w)
		return;
	pthread_mutex_lock(&w->lock);
	written(w, &w->s[which], WRITER_WAIT_NS, 0);
	pthread_mutex_unlock(&w->lock);
}

int writer_reported(struct writer *w, uint64_t quiet_ns)
{
	struct stream *s = &w->s[WRITER_REPORT];

	if (quiet_ns > FOREVER_NS)
		quiet_ns = FOREVER_NS;
	pthread_mutex_lock(&w->lock);
	const bool all = here != w && written(w, s, quiet_ns, plx_sys_now(w->sys));
	const int err = s->err ? s->err : !all ? -ETIMEDOUT : s->missed ? -ENOBUFS : 0;

	s->lost = 0; /* told by this */
	pthread_mutex_unlock(&w->lock);
	return err;
}

void writer_free(struct writer *w)
{
	writer_wait(w, WRITER_REPORT);
	pthread_mutex_lock(&w->lock);
	for (int i = 0; i < WRITER_STREAMS; i++)
		tell_lost(w, &w->s[i]);
	pthread_mutex_unlock(&w->lock);
	wake(w, true);
	writer_wait(w, WRITER_LOG);
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	wake(w, true);
	const uint64_t begin = plx_sys_now(w->sys);

	while (!w->gone && doze(w, begin + WRITER_WAIT_NS * STARVED / (w->s[0].held || w->s[1].held ? STARVED : 1)))
		;
	if (!w->gone) {
		const uint64_t again = plx_sys_now(w->sys);

		w->give_up = true;
		wake(w, true);
		while (!w->gone && doze(w, again + WRITER_WAIT_NS))
			;
	}
	const bool gone = w->gone;

	w->orphan = !gone;
	if (!gone)
		pthread_detach(w->thread);
	pthread_mutex_unlock(&w->lock);
	if (gone) {
		pthread_join(w->thread, NULL);
		destroy(w);
	}
}

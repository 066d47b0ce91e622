/* SPDX-License-Identifier: MIT */
/* setup_util.h - what the tests of making and undoing changes share: files below a directory of
   our own, system calls that are counted, end the process or fail, and sessions that set files. */
#ifndef SETUP_UTIL_H
#define SETUP_UTIL_H

#include "root_util.h"
#include "journal.h"

#include <errno.h>

enum { FILES = 4, KILLED = 9 };

static struct plx_sys sys;
static char said[65536];
static long calls, die_at, fail_at; /* of the calls counted; -1 = never */
static int huge_fd, compact_fd;
static long huge_cap;
static uint64_t cookie;

static inline void keep(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg, (void)level;
	plx_text_add(said, sizeof(said), "%s\n", line);
}

static const struct plx_log log_keep = { keep, NULL, PLX_LOG_DEBUG };

/* step counts a call, ends the process there, or fails it. */
static inline bool step(void)
{
	long n = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); /* any thread */

	if (n == die_at)
		_exit(KILLED);
	if (n != fail_at)
		return false;
	errno = EIO;
	return true;
}

static inline int my_open(const char *path, int flags, mode_t mode)
{
	if (step())
		return -1;
	int fd = root_open(path, flags, mode);

	if (flags & O_WRONLY && strstr(path, "nr_hugepages"))
		huge_fd = fd;
	if (flags & O_WRONLY && strstr(path, "compact_memory"))
		compact_fd = fd;
	return fd;
}

/* The kernel gives as many hugepages as it finds; when told to compact it finds two more. */
static inline ssize_t my_write(int fd, const void *buf, size_t n)
{
	char line[32];

	if (step())
		return -1;
	if (fd == compact_fd)
		huge_cap += 2;
	if (fd != huge_fd || atol(buf) <= huge_cap)
		return write(fd, buf, n);
	int k = snprintf(line, sizeof(line), "%ld\n", huge_cap);

	return write(fd, line, (size_t)k) == k ? (ssize_t)n : -1;
}

static inline int my_close(int fd)
{
	if (fd == huge_fd)
		huge_fd = -1;
	if (fd == compact_fd)
		compact_fd = -1;
	return root_close(fd);
}

static inline ssize_t my_read(int fd, void *buf, size_t n) { return step() ? -1 : read(fd, buf, n); }
static inline int my_fsync(int fd)
{
	(void)fd;
	return step() ? -1 : 0;
} /* what a power cut would lose is not the test */
static inline int my_fstat(int fd, struct stat *st) { return step() ? -1 : fstat(fd, st); }

static inline int my_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd, (void)level, (void)name;
	memcpy(val, &cookie, *len);
	return 0;
}

static inline int my_mkdir(const char *path, mode_t mode)
{
	char below[512];

	return step() ? -1 : mkdir(root_path(below, path), mode);
}

static inline int my_unlink(const char *path)
{
	char below[512];

	return step() ? -1 : unlink(root_path(below, path));
}

static inline int my_rename(const char *from, const char *to)
{
	char a[512], b[512];

	return step() ? -1 : rename(root_path(a, from), root_path(b, to));
}

static inline int make(void **state)
{
	root_make(state);
	sys = root_sys;
	sys.open = my_open;
	sys.close = my_close;
	sys.read = my_read;
	sys.write = my_write;
	sys.fsync = my_fsync;
	sys.fstat = my_fstat;
	sys.mkdir = my_mkdir;
	sys.unlink = my_unlink;
	sys.rename = my_rename;
	sys.getsockopt = my_getsockopt;
	said[0] = 0;
	die_at = fail_at = huge_fd = compact_fd = -1;
	huge_cap = 1 << 20;
	cookie = 1;
	put("boot-a\n", "/proc/sys/kernel/random/boot_id");
	put("100 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n", "/proc/self/stat");
	put("100 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n", "/proc/100/stat");
	put("", "/run/x"); /* makes /run */
	return 0;
}

/* ---- values: /proc/v0.. ---- */

static inline void set_value(int i, int v)
{
	char text[32], below[512], path[32];

	snprintf(text, sizeof(text), "%d\n", v);
	snprintf(path, sizeof(path), "/proc/v%d", i);
	unlink(root_path(below, path));
	put(text, "%s", path);
}

static inline int value(const char *path)
{
	char below[512], text[32] = "";
	FILE *f = fopen(root_path(below, path), "r");

	if (!f)
		return -1;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return atoi(text);
}

static inline int value_of(int i)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/v%d", i);
	return value(path);
}

static inline void values(int first)
{
	for (int i = 0; i < FILES; i++)
		set_value(i, first + i);
}

static inline bool values_are(int first)
{
	for (int i = 0; i < FILES; i++)
		if (value_of(i) != first + i)
			return false;
	return true;
}

static inline bool exists(const char *path)
{
	char below[512];

	return !access(root_path(below, path), F_OK);
}

static inline void begin(struct setup *s)
{
	*s = (struct setup){ .in = { .sys = &sys, .log = &log_keep } };
}

static inline void want(struct setup *s, int i, int v)
{
	char path[32], text[32];

	snprintf(path, sizeof(path), "/proc/v%d", i);
	snprintf(text, sizeof(text), "%d", v);
	setup_want(s, i & 1 ? SETUP_sysctl : SETUP_hugepages, &setup_file, path, text, "a test wants it");
}

/* apply_one makes a session that sets file i to v. */
static inline int apply_one(int i, int v, enum setup_hold hold, char session[SETUP_SESSION_MAX])
{
	struct setup s;

	begin(&s);
	want(&s, i, v);
	session[0] = 0;
	int err = setup_apply(&s, hold, "test", session);

	setup_free(&s);
	return err;
}

static inline int undo(const char *session, uint32_t stages)
{
	struct setup_undo u = { .sys = &sys, .log = &log_keep, .session = session, .stages = stages };

	return setup_undo(&u, NULL);
}

#endif

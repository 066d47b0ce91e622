/* SPDX-License-Identifier: MIT */
/* file.c - small files and directories of sysfs and procfs; cold; called by what finds out
   about the machine. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

int plx_file_read(const struct plx_sys *sys, const char *path, char *buf, size_t len)
{
	size_t n = 0;
	int err = 0, fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (n < len - 1) {
		ssize_t k = sys->read(fd, buf + n, len - 1 - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			err = -errno;
		if (k <= 0)
			break;
		n += (size_t)k;
	}
	sys->close(fd);
	buf[n] = 0;
	return err ? err : (int)n;
}

int plx_file_number(const struct plx_sys *sys, const char *path, long *v)
{
	char buf[32], *end;
	int n = plx_file_read(sys, path, buf, sizeof(buf));

	if (n < 0)
		return n;
	long got = strtol(buf, &end, 10);
	if (end == buf)
		return -EINVAL;
	*v = got;
	return 0;
}

enum { LINES_BUF = 65536 }; /* the longest line of /proc/interrupts: 12 bytes a CPU */

/* The whole lines of buf[0,*have), which it moves what is left of to the front. */
static int whole_lines(char *buf, size_t *have, int (*fn)(void *arg, char *line), void *arg)
{
	char *line = buf, *nl;
	int stop = 0;

	for (buf[*have] = 0; !stop && (nl = strchr(line, '\n')); line = nl + 1) {
		*nl = 0;
		stop = fn(arg, line);
	}
	*have -= (size_t)(line - buf);
	memmove(buf, line, *have);
	return stop;
}

int plx_file_lines(const struct plx_sys *sys, const char *path, int (*fn)(void *arg, char *line), void *arg)
{
	char *buf = malloc(LINES_BUF);
	int stop = 0, fd = buf ? sys->open(path, O_RDONLY | O_CLOEXEC, 0) : -1;
	size_t have = 0;

	if (fd < 0)
		stop = buf ? -errno : -ENOMEM;
	while (fd >= 0 && !stop && have < LINES_BUF - 1) {
		ssize_t n = sys->read(fd, buf + have, LINES_BUF - 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			stop = -errno;
		if (n <= 0)
			break;
		have += (size_t)n;
		stop = whole_lines(buf, &have, fn, arg);
	}
	if (fd >= 0)
		sys->close(fd);
	free(buf);
	return stop;
}

/* One buffer of entries; what fn returned last. */
static int entries(const char *buf, ssize_t n, int (*fn)(void *arg, const char *name), void *arg)
{
	int stop = 0;

	for (ssize_t at = 0; at < n && !stop; ) {
		const struct dirent64 *d = (const void *)(buf + at);

		if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
			stop = fn(arg, d->d_name);
		at += d->d_reclen;
	}
	return stop;
}

int plx_file_dir(const struct plx_sys *sys, const char *path, int (*fn)(void *arg, const char *name), void *arg)
{
	alignas(struct dirent64) char buf[8192];
	int stop = 0, fd = sys->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	while (!stop) {
		ssize_t n = sys->getdents64(fd, buf, sizeof(buf));

		if (n < 0)
			stop = -errno;
		if (n <= 0)
			break;
		stop = entries(buf, n, fn, arg);
	}
	sys->close(fd);
	return stop;
}

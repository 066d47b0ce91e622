/* SPDX-License-Identifier: MIT */
/* file.c - small files and directories of sysfs and procfs; cold; called by what finds out
   about the machine. */
#include "plx_file.h"

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

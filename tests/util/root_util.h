/* SPDX-License-Identifier: MIT */
/* root_util.h - a system whose files stand below a directory of its own: sysfs and procfs of
   another machine. */
#ifndef ROOT_UTIL_H
#define ROOT_UTIL_H

#include "plx_sys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static int open_fds;
static struct plx_sys root_sys;

static inline int root_open(const char *path, int flags, mode_t mode)
{
	char below[512];

	snprintf(below, sizeof(below), "%s%s", root, path);
	int fd = open(below, flags, mode);
	open_fds += fd >= 0;
	return fd;
}

static inline int root_close(int fd)
{
	open_fds--;
	return close(fd);
}

static inline int root_socket(int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);
	open_fds += fd >= 0;
	return fd;
}

/* The path below root, with the directories that lead there. */
static inline char *root_path(char below[512], const char *path)
{
	snprintf(below, 512, "%s%s", root, path);
	for (char *s = below + strlen(root) + 1; (s = strchr(s, '/')); s++) {
		*s = 0;
		mkdir(below, 0755);
		*s = '/';
	}
	return below;
}

__attribute__((format(printf, 2, 3))) static inline void put(const char *text, const char *path, ...)
{
	char at[256], below[512];
	va_list ap;

	va_start(ap, path);
	vsnprintf(at, sizeof(at), path, ap);
	va_end(ap);
	FILE *f = fopen(root_path(below, at), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int root_make(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/plx-root-XXXXXX");
	assert_non_null(mkdtemp(root));
	open_fds = 0;
	root_sys = plx_sys_linux;
	root_sys.open = root_open;
	root_sys.close = root_close;
	root_sys.socket = root_socket;
	return 0;
}

static inline int root_remove(void **state)
{
	char cmd[128];

	(void)state;
	assert_int_equal(open_fds, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", root);
	return system(cmd);
}

#endif

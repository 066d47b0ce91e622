/* SPDX-License-Identifier: MIT */
/* fd_util.h - what of this process is open: a test that leaks shows as a number that grew. */
#ifndef FD_UTIL_H
#define FD_UTIL_H

#include <dirent.h>

/* Names in a directory, . and .. too; 0 if it cannot be read. */
static inline unsigned count_entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static inline unsigned count_fds(void)
{
	return count_entries("/proc/self/fd");
}

#endif

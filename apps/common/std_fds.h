/* SPDX-License-Identifier: MIT */
/* std_fds.h - standard descriptors of a program, whoever started it without them; main thread. */
#ifndef STD_FDS_H
#define STD_FDS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A standard descriptor that is closed would be the next one that is opened, a socket, the frames
   or a file, and get what is printed.  In its place comes one that refuses it.  False: it could
   not be had, which prog has told if there is where to, and nothing may be opened. */
static inline bool std_fds_hold(const char *prog)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		int err = errno, got = err == EBADF ? open("/dev/null", fd ? O_RDONLY : O_WRONLY) : -1;

		if (got == fd)
			continue;
		if (err == EBADF && got < 0)
			err = errno;
		dprintf(STDERR_FILENO, "%s: error: standard descriptor %d: %s: start it with %d<>/dev/null, and see "
		        "ls -l /dev/null\n", prog, fd, strerror(err), fd);
		return false;
	}
	return true;
}

#endif

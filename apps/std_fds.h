/* SPDX-License-Identifier: MIT */
/* std_fds.h - standard descriptors of a program, whoever started it without them; main thread. */
#ifndef STD_FDS_H
#define STD_FDS_H

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

/* A standard descriptor that is closed would be the next one that is opened, a socket, the frames
   or a file, and get what is printed.  In its place comes one that refuses it.  False: it could
   not be had, and nothing may be opened. */
static inline bool std_fds_hold(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return false;
	return true;
}

#endif

/* SPDX-License-Identifier: MIT */
/* file.h - small files and directories of sysfs and procfs, through plx_sys, so that a
   test can put another root before each path.  Internal to drivers/ and runtime/.  Main
   thread; may block in the kernel. */
#ifndef FILE_H
#define FILE_H

#include "plx_sys.h"

/* plx_file_read reads a file as a string, cut at len - 1 bytes; its length, or -errno. */
int plx_file_read(const struct plx_sys *sys, const char *path, char *buf, size_t len);

/* plx_file_number reads one decimal number; 0, -EINVAL if there is none, -errno. */
int plx_file_number(const struct plx_sys *sys, const char *path, long *v);

/* plx_file_lines calls fn with each line of a file, without its newline, until fn returns something
   else than 0.  The line is lent and may be changed; it ends at 64 KiB, and so does the reading.
   What fn returned last, or -errno. */
int plx_file_lines(const struct plx_sys *sys, const char *path, int (*fn)(void *arg, char *line), void *arg);

/* plx_file_dir calls fn with each name in a directory, . and .. apart, until fn returns
   something else than 0.  What fn returned last, or -errno. */
int plx_file_dir(const struct plx_sys *sys, const char *path, int (*fn)(void *arg, const char *name), void *arg);

#endif

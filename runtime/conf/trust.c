/* SPDX-License-Identifier: MIT */
/* trust.c - whether root may do what a file says: it and all that leads to it can be changed by root
   alone.  Cold; called by read.c. */
#include "conf.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_LEN = 4096, OVERFLOW_UID = 65534 };

/* In a user namespace all users that are not of it, as root of the host, have one number; root is no more there than
   the user who made it. */
static bool of_the_host(const struct plx_sys *sys, uid_t uid)
{
	unsigned long first, outside, n;
	char map[256];

	if (uid != OVERFLOW_UID || plx_file_read(sys, "/proc/self/uid_map", map, sizeof(map)) <= 0)
		return false;
	return sscanf(map, "%lu %lu %lu", &first, &outside, &n) == 3 && n < UINT32_MAX;
}

/* check_dir looks at one directory, or symbolic link, on the way to name.  0, or -EINVAL and why. */
static int check_dir(const struct plx_sys *sys, const char *path, int flags, const char *name, struct stat *st,
                     char *why, size_t whylen)
{
	int fd = sys->open(path, O_PATH | O_CLOEXEC | flags, 0);
	bool got = fd >= 0 && !sys->fstat(fd, st);

	if (!got)
		snprintf(why, whylen, "%s: cannot look at %s, which leads to it: %s", name, path, strerror(errno));
	if (fd >= 0)
		sys->close(fd);
	if (!got)
		return -EINVAL;
	if (st->st_uid && !of_the_host(sys, st->st_uid))
		snprintf(why, whylen,
		         "%s: uid %u may replace it, for %s is that user's, and root would obey: keep it below a "
		         "directory of root's, as /etc",
		         name, st->st_uid, path);
	else if (!S_ISLNK(st->st_mode) && st->st_mode & 022 && !(st->st_mode & S_ISVTX))
		snprintf(why, whylen,
		         "%s: others may replace it, for they may write %s, and root would obey: chmod go-w %s", name,
		         path, path);
	else
		return 0;
	return -EINVAL;
}

/* What the name itself says: a link on the way may be changed by whoever owns it. */
static int check_words(const struct plx_sys *sys, const char *name, char *why, size_t whylen)
{
	char path[PATH_LEN];
	struct stat st;
	int err = 0;

	for (size_t i = 1; name[i] && !err; i++) {
		if (name[i] != '/' || name[i - 1] == '/')
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)i, name);
		err = check_dir(sys, path, O_NOFOLLOW, name, &st, why, whylen);
	}
	return err;
}

/* Where that leads to, up to the root: a directory is its own parent there. */
static int check_parents(const struct plx_sys *sys, const char *name, char *why, size_t whylen)
{
	const char *slash = strrchr(name, '/');
	char path[PATH_LEN];
	struct stat st = { .st_ino = 0 }, below;
	size_t n;
	int err;

	if (slash)
		snprintf(path, sizeof(path), "%.*s", slash == name ? 1 : (int)(slash - name), name);
	else
		snprintf(path, sizeof(path), ".");
	do {
		below = st;
		err = check_dir(sys, path, O_DIRECTORY, name, &st, why, whylen);
		n = strlen(path);
		if (n + 4 > sizeof(path))
			return -ENAMETOOLONG;
		memcpy(path + n, "/..", 4);
	} while (!err && (st.st_ino != below.st_ino || st.st_dev != below.st_dev));
	return err;
}

int conf_trust(const struct plx_sys *sys, const char *name, const struct stat *st, char *why, size_t whylen)
{
	bool group = st->st_mode & S_IWGRP, other = st->st_mode & S_IWOTH;

	if (sys->geteuid())
		return 0;
	if (st->st_uid && !of_the_host(sys, st->st_uid)) {
		snprintf(why, whylen,
		         "%s: uid %u may write it, for it is that user's, and root would obey: chown root %s", name,
		         st->st_uid, name);
		return -EINVAL;
	}
	if (group || other) {
		snprintf(why, whylen, "%s: %s may write it, and root would obey: chmod %s-w %s", name,
		         group && other ? "its group and everyone" : group ? "its group" : "everyone",
		         group && other ? "go" : group ? "g" : "o", name);
		return -EINVAL;
	}
	if (strlen(name) >= PATH_LEN) {
		snprintf(why, whylen, "-c: a name has at most %d bytes", PATH_LEN - 1);
		return -EINVAL;
	}
	int err = check_words(sys, name, why, whylen);

	return err ? err : check_parents(sys, name, why, whylen);
}

/* SPDX-License-Identifier: MIT */
/* file.c - values of the machine that a set-up changes: the first line of a small file,
   and the limit of a process on locked memory.  Cold; called through the table of kinds. */
#include "journal.h"
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- file ---- */

/* A file system that is not mounted here, as below `ip netns exec`, is not a file that is gone. */
static bool hidden(const struct plx_sys *sys, const char *path)
{
	if (strncmp(path, "/sys/fs/cgroup/", 15))
		return false;
	for (int i = 0; i < 2; i++) {
		int fd = sys->open(i ? "/sys/fs/cgroup/cpuset" : "/sys/fs/cgroup/cgroup.controllers",
		                   O_RDONLY | O_CLOEXEC, 0);

		if (fd >= 0) {
			sys->close(fd);
			return false;
		}
	}
	return true;
}

static int file_get(const struct setup *s, const char *object, char *value, size_t len)
{
	int n = plx_file_read(s->in.sys, object, value, len);

	if (n == -ENOENT && hidden(s->in.sys, object))
		return -ENODEV;
	if (n == -EISDIR || n == -ENOTDIR)
		return -EINVAL;
	if (n < 0)
		return n;
	if ((size_t)n >= len - 1)
		return -E2BIG;
	value[strcspn(value, "\n")] = 0;
	return 0;
}

/* write_value: files of procfs and sysfs take a value by one write, or none of it. */
static int write_value(const struct plx_sys *sys, const char *path, const char *value)
{
	char line[SETUP_VALUE_MAX + 1];
	int n = snprintf(line, sizeof(line), "%s\n", value), err = 0;
	int fd = sys->open(path, O_WRONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	ssize_t k;
	do
		k = sys->write(fd, line, (size_t)n);
	while (k < 0 && errno == EINTR);
	if (k != n)
		err = k < 0 ? -errno : -EIO;
	sys->close(fd);
	return err;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* enough_pages: the kernel gives as many hugepages as it finds room for and reports no error.
   Room is made once. */
static int enough_pages(const struct setup *s, const char *path, const char *value, char *why, size_t len)
{
	long want = strtol(value, NULL, 10), got = want;

	int err = plx_file_number(s->in.sys, path, &got);
	if (err || got >= want)
		return err;
	plx_logf(s->in.log, PLX_LOG_NOTICE, "%s: %ld of %ld pages: memory is compacted once for the rest", path, got,
	         want);
	write_value(s->in.sys, "/proc/sys/vm/compact_memory", "1");
	err = write_value(s->in.sys, path, value);
	if (!err)
		err = plx_file_number(s->in.sys, path, &got);
	if (err || got >= want)
		return err;
	snprintf(why, len,
	         "the kernel gave %ld of %ld pages, memory is full or in pieces: end programs, ask for less with -m, "
	         "or boot with hugepages=%ld",
	         got, want, want);
	return -ENOMEM;
}

static int file_set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	int err = write_value(s->in.sys, object, value);

	if (err == -EROFS)
		snprintf(why, len, "it is mounted read-only, as in a container: set it up from the host");
	else if (err == -EACCES || err == -EPERM)
		snprintf(why, len, "run as root");
	if (!err && ends_with(object, "/nr_hugepages"))
		err = enough_pages(s, object, value, why, len);
	return err;
}

static void file_command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	char quoted[SETUP_VALUE_MAX], path[SETUP_OBJECT_MAX * 4 + 8];

	(void)s;
	plx_text_quote(quoted, sizeof(quoted), value);
	plx_text_quote(path, sizeof(path), object);
	snprintf(buf, len, "echo %s > %s", quoted, path);
}

const struct setup_kind setup_file = {
	.name = "file", .get = file_get, .set = file_set, .command = file_command,
};

/* ---- rlimit ---- */

pid_t setup_self(const struct plx_sys *sys)
{
	char buf[32];

	return plx_file_read(sys, "/proc/self/stat", buf, sizeof(buf)) > 0 ? atoi(buf) : 0;
}

uint64_t setup_started(const struct plx_sys *sys, pid_t pid)
{
	char path[64], buf[1024], *s;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (plx_file_read(sys, path, buf, sizeof(buf)) <= 0 || !(s = strrchr(buf, ')')))
		return 0;
	/* the name may have blanks and brackets; behind it come state and, 20th, the start */
	if (s[1] != ' ' || s[2] == 'Z' || s[2] == 'X')
		return 0;
	s += 2;
	for (int i = 0; i < 19; i++) {
		s = strchr(s, ' ');
		if (!s)
			return 0;
		s++;
	}
	return strtoull(s, NULL, 10);
}

/* process reads "PID STARTTIME memlock"; -ENOENT if that process is no more. */
static int process(const struct plx_sys *sys, const char *object, pid_t *pid)
{
	unsigned long long start;
	char word[16];
	int id;

	if (sscanf(object, "%d %llu %15s", &id, &start, word) != 3 || id <= 0 || strcmp(word, "memlock"))
		return -EINVAL;
	*pid = id;
	return setup_started(sys, *pid) == start ? 0 : -ENOENT;
}

static void put_limit(char *buf, size_t len, rlim_t v)
{
	if (v == RLIM_INFINITY)
		plx_text_add(buf, len, "unlimited");
	else
		plx_text_add(buf, len, "%llu", (unsigned long long)v);
}

static int rlimit_get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct rlimit r;
	pid_t pid;
	int err = process(s->in.sys, object, &pid);

	if (err)
		return err;
	if (s->in.sys->prlimit(pid, RLIMIT_MEMLOCK, NULL, &r))
		return errno == ESRCH ? -ENOENT : -errno;
	value[0] = 0;
	put_limit(value, len, r.rlim_cur);
	plx_text_add(value, len, ":");
	put_limit(value, len, r.rlim_max);
	return 0;
}

static const char *take_limit(const char *s, rlim_t *v)
{
	char *end;

	if (!strncmp(s, "unlimited", 9)) {
		*v = RLIM_INFINITY;
		return s + 9;
	}
	*v = strtoull(s, &end, 10);
	return end == s ? "!" : end;
}

static int rlimit_set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	struct rlimit r;
	pid_t pid;
	int err = process(s->in.sys, object, &pid);
	const char *rest = take_limit(value, &r.rlim_cur);

	if (err)
		return err;
	if (*rest != ':' || *take_limit(rest + 1, &r.rlim_max))
		return -EINVAL;
	if (!s->in.sys->prlimit(pid, RLIMIT_MEMLOCK, &r, NULL))
		return 0;
	if (errno == EPERM)
		snprintf(why, len,
		         "raising a hard limit needs CAP_SYS_RESOURCE: run as root, or LimitMEMLOCK= of the unit");
	return errno == ESRCH ? -ENOENT : -errno;
}

static void rlimit_command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len, "prlimit --pid %d --memlock=%s", atoi(object), value);
}

const struct setup_kind setup_rlimit = {
	.name = "rlimit", .get = rlimit_get, .set = rlimit_set, .command = rlimit_command,
};

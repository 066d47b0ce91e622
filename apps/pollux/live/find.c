/* SPDX-License-Identifier: MIT */
/* find.c - the live views there are, and who answers at one.  Cold; called by cmd.c. */
#include "live_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SPACES_MAX = 256 };

/* ---- which there are ---- */

bool view_may_be(const char *name)
{
	size_t n = 0;

	while (name[n] >= ' ' && name[n] <= '~')
		n++;
	return n && !name[n] && n < LIVE_NAME_MAX;
}

static void add(struct views *o, const char *name, const char *path, pid_t other)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct view *v = &o->view[i];

		if (!strcmp(v->path, path) && (*path || (v->other == other && !strcmp(v->name, name))))
			return;
	}
	if (o->n == o->room) {
		void *more = realloc(o->view, (o->room * 2 + 16) * sizeof(*o->view));

		if (!more)
			return;
		o->view = more;
		o->room = o->room * 2 + 16;
	}
	struct view *v = &o->view[o->n++];

	*v = (struct view){ .other = other };
	snprintf(v->name, sizeof(v->name), "%s", name);
	snprintf(v->path, sizeof(v->path), "%s", path);
}

void views_free(struct views *o)
{
	free(o->view);
	*o = (struct views){ .view = NULL };
}

/* The files of one directory, of programs that ended without removing theirs too. */
static void in_base(struct views *o, const char *base)
{
	char path[LIVE_PATH_MAX], name[LIVE_NAME_MAX];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s" LIVE_DIR, base);
	DIR *d = *base && n < sizeof(path) ? opendir(path) : NULL;

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && live_file_name(name, e->d_name) && view_may_be(name) &&
		    live_file(path, base, name))
			add(o, name, path, 0);
	if (d)
		closedir(d);
}

/* named finds what a socket of a table is called; path gets "" of an abstract one. */
static bool named(const char *s, char name[LIVE_NAME_MAX], char path[LIVE_PATH_MAX])
{
	const char *file = strrchr(s, '/');

	*path = 0;
	if (!strncmp(s, "@" LIVE_PREFIX, sizeof(LIVE_PREFIX))) {
		s += sizeof(LIVE_PREFIX);
		if (!view_may_be(s))
			return false;
		snprintf(name, LIVE_NAME_MAX, "%s", s);
		return true;
	}
	const size_t n = strlen(LIVE_DIR);

	if (*s != '/' || file - s < (ptrdiff_t)n || strncmp(file - n, LIVE_DIR, n) || strlen(s) >= LIVE_PATH_MAX)
		return false;
	snprintf(path, LIVE_PATH_MAX, "%s", s);
	return live_file_name(name, file + 1) && view_may_be(name);
}

/* The views in a table of UNIX sockets, /proc/PID/net/unix:
   Num: RefCount Protocol Flags Type St Inode Path.  0 or -errno. */
static int in_table(const char *table, pid_t other, struct views *files, struct views *abstract)
{
	static const unsigned long listens = 1 << 16; /* __SO_ACCEPTCON of the kernel */
	char line[512], name[LIVE_NAME_MAX], path[LIVE_PATH_MAX];
	unsigned long flags;
	FILE *f = fopen(table, "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		int at = 0;

		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %*s %n", &flags, &at) == 1 && at && flags & listens &&
		    named(line + at, name, path))
			add(*path ? files : abstract, name, path, *path ? 0 : other);
	}
	fclose(f);
	return 0;
}

/* A file can be reached from any network namespace, an abstract name from its own. */
static void in_other_spaces(struct views *files, struct views *abstract)
{
	static ino_t seen[SPACES_MAX];
	size_t n = 0;
	struct stat st;
	DIR *d = opendir("/proc");

	if (!stat("/proc/self/ns/net", &st))
		seen[n++] = st.st_ino;
	for (struct dirent *e; d && n < SPACES_MAX && (e = readdir(d));) {
		char path[300], *end;
		long pid = strtol(e->d_name, &end, 10);
		bool known = pid <= 0 || *end;

		snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
		known = known || stat(path, &st);
		for (size_t i = 0; i < n && !known; i++)
			known = seen[i] == st.st_ino;
		if (known)
			continue;
		seen[n++] = st.st_ino;
		snprintf(path, sizeof(path), "/proc/%ld/net/unix", pid);
		in_table(path, (pid_t)pid, files, abstract);
	}
	if (d)
		closedir(d);
}

int views_find(struct views *o)
{
	struct views abstract = { .view = NULL };
	char base[LIVE_PATH_MAX];

	*o = (struct views){ .view = NULL };
	for (unsigned i = 0; live_base(i, geteuid(), base); i++)
		in_base(o, base);
	int err = in_table("/proc/net/unix", 0, o, &abstract);

	in_other_spaces(o, &abstract);
	for (size_t i = 0; i < abstract.n; i++)
		add(o, abstract.view[i].name, "", abstract.view[i].other);
	views_free(&abstract);
	return err;
}

/* ---- who answers ---- */

int64_t view_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int view_wait(int fd, int64_t end)
{
	int64_t left = end - view_now();
	const struct timeval t = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	if (left <= 0)
		return -EAGAIN;
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) ||
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) ? -errno : 0;
}

static void name_netns(pid_t pid, char buf[64])
{
	struct stat here, there, st;
	char path[300];
	DIR *d = NULL;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	snprintf(buf, 64, "?");
	if (pid <= 0 || stat(path, &there) || stat("/proc/self/ns/net", &here))
		return;
	snprintf(buf, 64, "net:[%lu]", (unsigned long)there.st_ino);
	if (there.st_ino == here.st_ino)
		snprintf(buf, 64, "this");
	else
		d = opendir("/run/netns");
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof(path), "/run/netns/%s", e->d_name);
		if (!stat(path, &st) && st.st_ino == there.st_ino && st.st_dev == there.st_dev &&
		    view_may_be(e->d_name) && strlen(e->d_name) < 64)
			snprintf(buf, 64, "%.63s", e->d_name);
	}
	if (d)
		closedir(d);
}

/* The kernel tells who it was that listened. */
static int look_who(int fd, struct view_who *who)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	const struct passwd *pw = getpwuid(cred.uid);

	*who = (struct view_who){ .pid = cred.pid, .uid = cred.uid, .trusted = !cred.uid || cred.uid == geteuid() };
	if (pw && view_may_be(pw->pw_name))
		snprintf(who->user, sizeof(who->user), "%u (%.24s)", cred.uid, pw->pw_name);
	else
		snprintf(who->user, sizeof(who->user), "%u", cred.uid);
	name_netns(cred.pid, who->netns);
	return 0;
}

int view_connect(const struct view *v, int64_t end, struct view_who *who)
{
	struct sockaddr_un a;
	socklen_t len = *v->path ? live_path(&a, v->path) : live_address(&a, v->name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (end ? 0 : SOCK_NONBLOCK), 0);
	int err = fd < 0 ? -errno : end ? view_wait(fd, end) : 0;

	if (!err && connect(fd, (struct sockaddr *)&a, len))
		err = -errno;
	if (!err && fcntl(fd, F_SETFL, 0)) /* what follows waits, as long as view_wait says */
		err = -errno;
	if (!err)
		err = look_who(fd, who);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

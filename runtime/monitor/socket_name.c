/* SPDX-License-Identifier: MIT */
/* socket_name.c - where the socket of a live view is, for who serves it and who looks for it: a file
   in a directory that nobody else may enter, or an abstract name.  Cold. */
#include "status.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { LOCK_TRIES = 20, LOCK_MS = 5 }; /* who holds it binds a socket, and no more */

/* ---- addresses ---- */

socklen_t live_address(struct sockaddr_un *a, const char *name)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	int n = snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, LIVE_PREFIX "%s", name);

	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}
static_assert(sizeof(LIVE_PREFIX) + LIVE_NAME_MAX <= sizeof(((struct sockaddr_un *)0)->sun_path), "every name fits");

socklen_t live_path(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	return sizeof(*a);
}

const char *live_base(unsigned i, uid_t uid, char buf[LIVE_PATH_MAX])
{
	const char *s = i == 0        ? secure_getenv("RUNTIME_DIRECTORY") :
	                i == 1 && uid ? secure_getenv("XDG_RUNTIME_DIR") :
	                                NULL;

	buf[0] = 0;
	if (i == 1 && !uid)
		snprintf(buf, LIVE_PATH_MAX, "/run");
	else if (i == 2 && uid)
		snprintf(buf, LIVE_PATH_MAX, "/run/user/%u", uid);
	else if (s && *s == '/' && strcspn(s, ":") < LIVE_PATH_MAX)
		snprintf(buf, LIVE_PATH_MAX, "%.*s", (int)strcspn(s, ":"), s); /* systemd lists several */
	return i < LIVE_BASES ? buf : NULL;
}

static bool plain(const char *name, size_t i)
{
	unsigned char c = (unsigned char)name[i];

	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       (c == '.' && i);
}

bool live_file(char path[LIVE_PATH_MAX], const char *base, const char *name)
{
	size_t n = (size_t)snprintf(path, LIVE_PATH_MAX, "%s" LIVE_DIR "/", base);

	for (size_t i = 0; name[i] && n < LIVE_PATH_MAX; i++)
		n += (size_t)snprintf(path + n, LIVE_PATH_MAX - n, plain(name, i) ? "%c" : "%%%02x",
		                      (unsigned char)name[i]);
	return n < LIVE_PATH_MAX;
}

bool live_file_name(char name[LIVE_NAME_MAX], const char *file)
{
	size_t n = 0;

	for (; *file && n < LIVE_NAME_MAX - 1; n++) {
		unsigned c;

		if (*file != '%') {
			name[n] = *file++;
			continue;
		}
		if (strspn(file + 1, "0123456789abcdef") < 2 || sscanf(file + 1, "%2x", &c) != 1)
			return false;
		name[n] = (char)c;
		file += 3;
	}
	name[n] = 0;
	return n && !*file && strlen(name) == n;
}

/* ---- taking one ---- */

static const char *nth(struct live *v, const char *name, unsigned n)
{
	if (n == 1)
		snprintf(v->name, sizeof(v->name), "%.63s", name);
	else
		snprintf(v->name, sizeof(v->name), "%.63s.%u", name, n);
	return v->name;
}

static int take_abstract(struct live *v, const char *name)
{
	struct sockaddr_un a;

	for (unsigned n = 1; n <= LIVE_NAMES; n++) {
		socklen_t len = live_address(&a, nth(v, name, n));

		if (!v->sys->bind(v->fd, (struct sockaddr *)&a, len))
			return v->sys->listen(v->fd, LIVE_CONNS) ? -errno : 0;
		if (errno != EADDRINUSE)
			break;
	}
	return -errno;
}

/* open_dir opens a directory that only we and root can have made what it is; with ours, one that nobody
   else may even look into.  -1 = it is none. */
static int open_dir(const struct plx_sys *sys, const char *path, bool base, bool ours)
{
	int fd = sys->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (base ? 0 : O_NOFOLLOW), 0);
	struct stat st;

	if (fd < 0)
		return -1;
	bool ok = !sys->fstat(fd, &st) && S_ISDIR(st.st_mode) && (st.st_uid == sys->geteuid() || (!ours && !st.st_uid));

	if (ok && !(ours ? st.st_mode & 077 : st.st_mode & 022 && !(st.st_mode & S_ISVTX)))
		return fd;
	sys->close(fd);
	return -1;
}

/* lock_dir makes and opens base's directory of sockets, and locks it: between two programs that begin, what
   one has bound and does not listen to yet would look dead to the other.  -1 = it cannot be used. */
static int lock_dir(const struct plx_sys *sys, const char *base)
{
	char path[LIVE_PATH_MAX];

	for (int part = 0; part < 3; part++) {
		size_t n = (size_t)snprintf(path, sizeof(path), "%s%s", base,
		                            part == 0 ? "" :
		                            part == 1 ? LIVE_TOP :
		                                        LIVE_DIR);

		if (n >= sizeof(path) || (part && sys->mkdir(path, part == 1 ? 0755 : 0700) && errno != EEXIST))
			return -1;
		int fd = open_dir(sys, path, part == 0, part == 2);

		for (int i = 0; fd >= 0 && part == 2 && i < LOCK_TRIES; i++) {
			if (!sys->flock(fd, LOCK_EX | LOCK_NB))
				return fd;
			plx_sys_sleep(sys, LOCK_MS * 1000000ull);
		}
		if (fd < 0)
			return -1;
		sys->close(fd);
	}
	return -1;
}

/* dead: nobody listens to the socket any more. */
static bool dead(const struct plx_sys *sys, const struct sockaddr_un *a, socklen_t len)
{
	int fd = sys->socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is = fd >= 0 && sys->connect(fd, (const struct sockaddr *)a, len) && errno == ECONNREFUSED;

	if (fd >= 0)
		sys->close(fd);
	return is;
}

/* identify notes which file it is, so that only that one is removed. */
static bool identify(const struct plx_sys *sys, const char *path, struct stat *st)
{
	int fd = sys->open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	bool is = fd >= 0 && !sys->fstat(fd, st);

	if (fd >= 0)
		sys->close(fd);
	return is;
}

static int bind_file(struct live *v, const char *base, const char *name)
{
	struct sockaddr_un a;
	struct stat st;

	for (unsigned n = 1; n <= LIVE_NAMES; n++) {
		if (!live_file(v->path, base, nth(v, name, n)))
			return -ENAMETOOLONG;
		socklen_t len = live_path(&a, v->path);

		if (v->sys->bind(v->fd, (struct sockaddr *)&a, len)) {
			if (errno != EADDRINUSE)
				return -errno;
			if (!dead(v->sys, &a, len) || v->sys->unlink(v->path) ||
			    v->sys->bind(v->fd, (struct sockaddr *)&a, len))
				continue;
		}
		if (identify(v->sys, v->path, &st)) {
			v->dev = st.st_dev;
			v->ino = st.st_ino;
		}
		return 0;
	}
	return -EADDRINUSE;
}

int live_take(struct live *v, const char *name)
{
	char base[LIVE_PATH_MAX];

	for (unsigned i = 0; live_base(i, v->sys->geteuid(), base); i++) {
		int lock = *base ? lock_dir(v->sys, base) : -1;

		if (lock < 0)
			continue;
		int err = bind_file(v, base, name);
		bool bound = !err;

		if (bound && v->sys->listen(v->fd, LIVE_CONNS))
			err = -errno;
		v->sys->close(lock);
		if (bound || err == -EADDRINUSE)
			return err;
		v->path[0] = 0;
	}
	v->path[0] = 0;
	return take_abstract(v, name);
}

void live_untake(struct live *v)
{
	struct stat st;

	if (v->path[0] && v->ino && identify(v->sys, v->path, &st) && st.st_dev == v->dev && st.st_ino == v->ino)
		v->sys->unlink(v->path);
	v->path[0] = 0;
	v->ino = 0;
}

/* SPDX-License-Identifier: MIT */
/* fake.c - a machine made of the bytes of an input: fake.h. */
#include "fake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdalign.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { FILES = 256, OPEN = 32, FIRST = 1000 /* descriptor */, FILE_LIMIT = 1 << 20,
       SLEEP = 50 /* times as long as asked: patience ends after few rounds */ };

struct file { char *path, *text; size_t len; };
struct open { bool used, dir, socket, wrote; unsigned file, at; char *path; };

static struct {
	struct file file[FILES];
	unsigned nfiles;
	struct open open[OPEN];
	struct fuzz_in answers;
	bool asked;      /* a question waits for datagrams */
	uint32_t seq;    /* of it */
	uint64_t now;
} fake;

void fake_begin(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.now = 1000000000;
}

static void forget(unsigned i)
{
	for (unsigned k = 0; k < OPEN; k++) {
		struct open *o = &fake.open[k];
		const bool is_file = o->used && !o->dir && !o->socket;

		MUST(!is_file || o->file != i);
		o->file -= is_file && o->file > i;
	}
	free(fake.file[i].path);
	free(fake.file[i].text);
	memmove(&fake.file[i], &fake.file[i + 1], (--fake.nfiles - i) * sizeof(fake.file[0]));
}

void fake_end(void)
{
	for (unsigned i = 0; i < OPEN; i++)
		MUST(!fake.open[i].used);
	while (fake.nfiles)
		forget(fake.nfiles - 1);
}

/* ---- files ---- */

static int find(const char *path)
{
	for (unsigned i = 0; i < fake.nfiles; i++)
		if (!strcmp(fake.file[i].path, path))
			return (int)i;
	return -1;
}

void fake_put(const char *path, const void *text, size_t len)
{
	int i = find(path);

	if (i < 0 && fake.nfiles == FILES)
		return;
	if (i < 0) {
		i = (int)fake.nfiles++;
		fake.file[i] = (struct file){ .path = strdup(path) };
	}
	free(fake.file[i].text);
	fake.file[i].text = malloc(len + 1);
	if (!fake.file[i].text || !fake.file[i].path)
		abort();
	if (len)
		memcpy(fake.file[i].text, text, len);
	fake.file[i].text[len] = 0;
	fake.file[i].len = len;
}

const char *fake_file(const char *path, size_t *len)
{
	int i = find(path);

	if (i >= 0 && len)
		*len = fake.file[i].len;
	return i < 0 ? NULL : fake.file[i].text;
}

/* Where the next line "== " begins; end if there is none. */
static const uint8_t *heading(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));

		if (end - at >= 3 && !memcmp(at, "== ", 3))
			return at;
		at = nl ? nl + 1 : end;
	}
	return end;
}

void fake_files(const uint8_t *text, size_t len)
{
	const uint8_t *end = text + len;

	for (const uint8_t *at = len ? heading(text, end) : end; at < end;) {
		const uint8_t *nl = memchr(at, '\n', (size_t)(end - at)), *body = nl ? nl + 1 : end;
		const uint8_t *next = heading(body, end);
		char path[256];

		snprintf(path, sizeof(path), "%.*s", (int)((nl ? nl : end) - at - 3), (const char *)at + 3);
		fake_put(path, body, (size_t)(next - body));
		at = next;
	}
}

static bool is_dir(const char *path)
{
	size_t n = strlen(path);

	for (unsigned i = 0; i < fake.nfiles; i++)
		if (!strncmp(fake.file[i].path, path, n) && fake.file[i].path[n] == '/')
			return true;
	return false;
}

static int descriptor(struct open o)
{
	for (int i = 0; i < OPEN; i++)
		if (!fake.open[i].used) {
			fake.open[i] = o;
			fake.open[i].used = true;
			return FIRST + i;
		}
	free(o.path);
	return errno = EMFILE, -1;
}

static struct open *of(int fd)
{
	MUST(fd >= FIRST && fd < FIRST + OPEN && fake.open[fd - FIRST].used);
	return &fake.open[fd - FIRST];
}

static int f_open(const char *path, int flags, mode_t mode)
{
	int i = find(path);

	(void)mode;
	if (i < 0 && is_dir(path) && (flags & O_ACCMODE) != O_RDONLY)
		return errno = EISDIR, -1;
	if (i < 0 && is_dir(path))
		return descriptor((struct open){ .dir = true, .path = strdup(path) });
	if (i >= 0 && flags & O_DIRECTORY)
		return errno = ENOTDIR, -1;
	if (i >= 0 && flags & O_EXCL)
		return errno = EEXIST, -1;
	if (i < 0 && flags & O_CREAT) {
		fake_put(path, "", 0);
		i = find(path);
	}
	return i < 0 ? (errno = ENOENT, -1) : descriptor((struct open){ .file = (unsigned)i });
}

static int f_close(int fd)
{
	struct open *o = of(fd);

	free(o->path);
	*o = (struct open){ .used = false };
	return 0;
}

static ssize_t f_read(int fd, void *buf, size_t n)
{
	struct open *o = of(fd);
	const struct file *f = &fake.file[o->file];

	if (o->dir || o->socket)
		return errno = EISDIR, -1;
	if (o->at > f->len)
		return 0;
	n = n < f->len - o->at ? n : f->len - o->at;
	n = n > 4096 ? 4096 : n; /* as procfs: page by page */
	memcpy(buf, f->text + o->at, n);
	o->at += (unsigned)n;
	return (ssize_t)n;
}

static ssize_t f_write(int fd, const void *buf, size_t n)
{
	struct open *o = of(fd);
	struct file *f = &fake.file[o->file];
	size_t have = o->wrote ? f->len : 0;
	char *text = malloc(have + n + 1);

	MUST(!o->dir && !o->socket && have + n < FILE_LIMIT);
	if (!text)
		abort();
	memcpy(text, f->text, have);
	memcpy(text + have, buf, n);
	text[have + n] = 0;
	free(f->text);
	f->text = text;
	f->len = have + n;
	o->wrote = true;
	return (ssize_t)n;
}

/* The names in a directory, each once; at counts those that were told. */
static ssize_t f_getdents64(int fd, void *buf, size_t n)
{
	struct open *o = of(fd);
	size_t at = 0, len;

	if (!o->dir)
		return errno = ENOTDIR, -1;
	for (len = strlen(o->path); o->at < fake.nfiles; o->at++) {
		const char *path = fake.file[o->at].path, *name = path + len + 1;
		bool seen = strncmp(path, o->path, len) || path[len] != '/' || !*name || *name == '/';
		size_t k = seen ? 0 : strcspn(name, "/");

		for (unsigned i = 0; i < o->at && !seen; i++) {
			const char *before = fake.file[i].path;

			seen = !strncmp(before, path, len + 1 + k) && strchr("/", before[len + 1 + k]);
		}
		if (seen || k > 255)
			continue;
		size_t room = (offsetof(struct dirent64, d_name) + k + 8) & ~7ul;

		if (at + room > n)
			break;
		struct dirent64 *d = (void *)((char *)buf + at);

		memset(d, 0, room);
		d->d_ino = 1;
		d->d_reclen = (unsigned short)room;
		memcpy(d->d_name, name, k);
		at += room;
	}
	return (ssize_t)at;
}

static int f_fstat(int fd, struct stat *st)
{
	struct open *o = of(fd);

	memset(st, 0, sizeof(*st));
	st->st_ino = 77;
	st->st_mode = o->dir ? S_IFDIR | 0755 : S_IFREG | 0600;
	st->st_size = o->dir ? 0 : (off_t)fake.file[o->file].len;
	return 0;
}

static int f_unlink(const char *path)
{
	int i = find(path);

	if (i < 0)
		return errno = ENOENT, -1;
	forget((unsigned)i);
	return 0;
}

static int f_rename(const char *from, const char *to)
{
	size_t len;
	const char *text = fake_file(from, &len);

	if (!text)
		return errno = ENOENT, -1;
	fake_put(to, text, len);
	return f_unlink(from);
}

static int f_fsync(int fd) { of(fd); return 0; }
static int f_flock(int fd, int operation) { (void)operation; of(fd); return 0; }
static int f_mkdir(const char *path, mode_t mode) { (void)path, (void)mode; return errno = EEXIST, -1; }
static int f_rmdir(const char *path) { (void)path; return errno = ENOENT, -1; }

/* ---- answers ---- */

void fake_answers(const uint8_t *bytes, size_t len)
{
	fake.answers = (struct fuzz_in){ bytes, len };
}

/* next takes an answer; false if there is none. */
static bool next(struct fuzz_in *in, uint8_t *flags, const uint8_t **p, size_t *n)
{
	if (!in->n)
		return false;
	*flags = fuzz_u8(in);
	*n = fuzz_u16(in);
	*n = *n < in->n ? *n : in->n;
	*p = in->p;
	in->p += *n;
	in->n -= *n;
	return true;
}

/* What a kernel cannot get wrong, so that more of what it can is tried. */
static void put_right(uint8_t flags, uint8_t *buf, size_t n)
{
	uint32_t len = (uint32_t)n;

	if (flags & FAKE_LEN && n >= sizeof(struct nlmsghdr))
		memcpy(buf, &len, sizeof(len));
	for (size_t at = 0; flags & FAKE_SEQ && n - at >= sizeof(struct nlmsghdr); at += NLMSG_ALIGN(len)) {
		memcpy(buf + at + offsetof(struct nlmsghdr, nlmsg_seq), &fake.seq, sizeof(fake.seq));
		memcpy(&len, buf + at, sizeof(len));
		if (len < sizeof(struct nlmsghdr) || len > n - at || NLMSG_ALIGN(len) > n - at)
			break;
	}
}

void fake_each(void (*fn)(void *arg, void *bytes, size_t len), void *arg)
{
	struct fuzz_in in = fake.answers;
	const uint8_t *p;
	uint8_t flags;
	size_t n;

	while (next(&in, &flags, &p, &n)) {
		uint8_t *copy = calloc(1, NLMSG_ALIGN(n) + !n); /* a message ends where the next one would begin */

		if (!copy)
			abort();
		memcpy(copy, p, n);
		put_right(flags, copy, n);
		fn(arg, copy, n);
		free(copy);
	}
}

static int f_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return descriptor((struct open){ .socket = true });
}

static ssize_t f_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct nlmsghdr *h = buf;

	(void)flags, (void)to, (void)len;
	MUST(of(fd)->socket && n >= sizeof(*h) && h->nlmsg_len == n);
	fake.seq = h->nlmsg_seq;
	fake.asked = true;
	return (ssize_t)n;
}

static ssize_t f_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *fromlen)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const uint8_t *p;
	uint8_t how;
	size_t len;

	MUST(of(fd)->socket);
	if (!fake.asked || !next(&fake.answers, &how, &p, &len))
		return errno = EAGAIN, -1;
	fake.asked = !(how & FAKE_LAST);
	if (how & FAKE_ERROR)
		return errno = len && p[0] && p[0] != EINTR ? p[0] : EIO, -1;
	kernel.nl_pid = how & FAKE_STRANGER ? 4711 : 0;
	if (from && *fromlen >= sizeof(kernel))
		memcpy(from, &kernel, sizeof(kernel));
	size_t got = len < n ? len : n;

	if (got)
		memcpy(buf, p, got);
	put_right(how, buf, got);
	return (ssize_t)(flags & MSG_TRUNC ? len : got);
}

static int f_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	(void)fds, (void)n, (void)timeout_ms;
	return 0;
}

static size_t ethtool_size(const void *cmd)
{
	struct ethtool_rxfh r;
	uint32_t id;

	memcpy(&id, cmd, sizeof(id));
	switch (id) {
	case ETHTOOL_GCHANNELS:  return sizeof(struct ethtool_channels);
	case ETHTOOL_GRINGPARAM: return sizeof(struct ethtool_ringparam);
	case ETHTOOL_GDRVINFO:   return sizeof(struct ethtool_drvinfo);
	case ETHTOOL_GPERMADDR:  return sizeof(struct ethtool_perm_addr); /* of no bytes */
	case ETHTOOL_GSET:       return sizeof(struct ethtool_cmd);
	case ETHTOOL_GRSSH:
		memcpy(&r, cmd, sizeof(r));
		return sizeof(r) + r.indir_size * sizeof(uint32_t) + r.key_size;
	default: return sizeof(struct ethtool_value);
	}
}

static int f_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;
	bool ethtool = request == SIOCETHTOOL;
	uint8_t *to = ethtool ? (uint8_t *)ifr->ifr_data : (uint8_t *)arg, how;
	size_t room = ethtool ? ethtool_size(to) - 4 : sizeof(*ifr), len;
	const uint8_t *p;

	MUST(of(fd)->socket);
	if (!next(&fake.answers, &how, &p, &len) || how & FAKE_ERROR)
		return errno = EOPNOTSUPP, -1;
	if (len)
		memcpy(to + (ethtool ? 4 : 0), p, len < room ? len : room);
	return 0;
}

static int f_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)level, (void)name;
	of(fd);
	memset(val, 7, *len);
	return 0;
}

static int f_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	(void)level, (void)name, (void)val, (void)len;
	of(fd);
	return 0;
}

static int f_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)addr, (void)len;
	of(fd);
	return errno = EADDRINUSE, -1;
}

static int f_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)addr, (void)len;
	of(fd);
	return errno = ECONNREFUSED, -1;
}

/* ---- the process ---- */

static uid_t f_geteuid(void) { return 0; }

static int f_prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)
{
	(void)pid, (void)resource, (void)limit, (void)old;
	return errno = ESRCH, -1;
}

static int f_clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	fake.now += 1000;
	*t = (struct timespec){ (time_t)(fake.now / 1000000000), (long)(fake.now % 1000000000) };
	return 0;
}

static int f_nanosleep(const struct timespec *t, struct timespec *rem)
{
	(void)rem;
	fake.now += SLEEP * ((uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec);
	return 0;
}

const struct plx_sys fake_sys = {
	.open = f_open, .close = f_close, .read = f_read, .write = f_write, .getdents64 = f_getdents64,
	.fstat = f_fstat, .unlink = f_unlink, .rename = f_rename, .fsync = f_fsync, .flock = f_flock,
	.mkdir = f_mkdir, .rmdir = f_rmdir,
	.socket = f_socket, .sendto = f_sendto, .recvfrom = f_recvfrom, .poll = f_poll, .ioctl = f_ioctl,
	.getsockopt = f_getsockopt, .setsockopt = f_setsockopt, .bind = f_bind, .connect = f_connect,
	.geteuid = f_geteuid, .prlimit = f_prlimit, .clock_gettime = f_clock_gettime, .nanosleep = f_nanosleep,
};

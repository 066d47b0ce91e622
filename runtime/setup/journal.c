/* SPDX-License-Identifier: MIT */
/* journal.c - the journal of a set-up on the disk: DIR/setup.journal.  Cold; called by
   apply.c and status.c.

   The file is written anew beside itself, fsynced and renamed into place, so that a kill leaves
   either the old one or the new one.  What a disk has lost all the same, a line or its bytes, is told
   and the others stand.  DIR may be anyone's: nothing in it is waited for, or taken for what it is not.

   DIR/setup.lock is held while values are changed: two programs never interleave. */
#include "journal.h"
#include "file.h"
#include "stderr_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOG(j, level, ...) plx_logf((j)->log, PLX_LOG_##level, __VA_ARGS__)
enum { LOCK_WAIT_S = 30, FILE_MAX = 64 << 20 };

/* ---- on the disk ---- */

static const char *fix(int err)
{
	return err == -EACCES || err == -EPERM  ? ": run as root" :
	       err == -ENOENT                   ? ": mkdir -p makes what it stands in" :
	       err == -EROFS                    ? ": pollux setup apply --dir DIR keeps the journal elsewhere" :
	       err == -ENOSPC || err == -EDQUOT ? ": make room there" :
	                                          "";
}

static int fail(const struct setup_journal *j, const char *what, const char *name, int err)
{
	LOG(j, ERROR, "set-up: cannot %s %s%s: %s%s", what, j->dir, name, strerror(-err), fix(err));
	return err;
}

static int no_file(const struct setup_journal *j, const char *name)
{
	LOG(j, ERROR, "set-up: %s%s is no file: rm %s%s, and see who made it: ls -ld %s", j->dir, name, j->dir, name,
	    j->dir);
	return -EINVAL;
}

static int lock(struct setup_journal *j, bool make)
{
	const struct plx_sys *sys = j->sys;
	uint64_t end = plx_sys_now(sys) + LOCK_WAIT_S * 1000000000ull;
	struct stat st;
	char path[300];

	if (make && sys->mkdir(j->dir, 0755) && errno != EEXIST)
		return fail(j, "make", "", -errno);
	snprintf(path, sizeof(path), "%s/setup.lock", j->dir);
	j->lock = sys->open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (j->lock < 0)
		return errno == ENOENT && !make ? -ENOENT : fail(j, "open", "/setup.lock", -errno);
	if (sys->fstat(j->lock, &st))
		return fail(j, "look at", "/setup.lock", -errno);
	if (!S_ISREG(st.st_mode))
		return no_file(j, "/setup.lock");
	while (sys->flock(j->lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(j, "lock", "/setup.lock", -errno);
		if (plx_sys_now(sys) > end) {
			LOG(j, ERROR, "set-up: another one is at work for %d s: fuser %s", LOCK_WAIT_S, path);
			return -ETIMEDOUT; /* -EBUSY would be a device that somebody has */
		}
		plx_sys_sleep(sys, 10000000);
	}
	return 0;
}

/* read_all reads a journal that only its owner and root may have written.  *said: why not was told. */
static int read_all(struct setup_journal *j, int fd, char **text, size_t *len, bool *said)
{
	struct stat st;

	*said = false;
	if (j->sys->fstat(fd, &st))
		return -errno;
	*said = true;
	if (!S_ISREG(st.st_mode))
		return no_file(j, "/setup.journal");
	if ((st.st_uid && st.st_uid != j->sys->geteuid()) || st.st_mode & 022) {
		LOG(j, ERROR,
		    "%s/setup.journal: others may write it, so it is not followed: look at it, then remove it", j->dir);
		return -EPERM;
	}
	*said = false;
	if (st.st_size > FILE_MAX)
		return -EFBIG;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	while (*len < (size_t)st.st_size) {
		ssize_t k = j->sys->read(fd, *text + *len, (size_t)st.st_size - *len);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (!k)
			break;
		*len += (size_t)k;
	}
	return 0;
}

static int load(struct setup_journal *j)
{
	char path[300], *text = NULL;
	size_t len = 0;

	if (plx_file_read(j->sys, "/proc/sys/kernel/random/boot_id", j->boot, sizeof(j->boot)) < 0)
		j->boot[0] = 0;
	j->boot[strcspn(j->boot, "\n")] = 0;
	snprintf(path, sizeof(path), "%s/setup.journal", j->dir);
	int fd = j->sys->open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	bool said;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail(j, "open", "/setup.journal", -errno);
	int err = read_all(j, fd, &text, &len, &said);

	j->sys->close(fd);
	j->raw = err ? NULL : malloc(len + 1); /* parsing takes the text apart */
	if (j->raw)
		memcpy(j->raw, text, j->rawlen = len);
	if (!err)
		err = j->raw ? journal_parse(j, text, len) : -ENOMEM;
	free(text);
	return err && !said ? fail(j, "read", "/setup.journal", err) : err;
}

int journal_open(struct setup_journal *j, const struct plx_sys *sys, const struct plx_log *log, const char *dir,
                 enum journal_how how)
{
	*j = (struct setup_journal){ .sys = sys, .log = log, .lock = -1 };
	if (!dir)
		dir = SETUP_DIR;
	if (*dir != '/' || strlen(dir) >= sizeof(j->dir)) {
		LOG(j, ERROR, "set-up: directory %.200s: begins with '/' and has at most %zu bytes", dir,
		    sizeof(j->dir) - 1);
		return -EINVAL;
	}
	snprintf(j->dir, sizeof(j->dir), "%s", dir);
	int err = how == JOURNAL_LOOK ? 0 : lock(j, how == JOURNAL_MAKE);

	return err == -ENOENT && how == JOURNAL_LOCK ? 0 : err ? err : load(j);
}

void journal_close(struct setup_journal *j)
{
	journal_clear(j);
	free(j->raw);
	j->raw = NULL;
	if (j->lock >= 0)
		j->sys->close(j->lock);
	j->lock = -1;
}

/* ---- writing ---- */

/* sessions without values go */
static void tidy(struct setup_journal *j)
{
	for (unsigned i = 0; i < j->nsessions; ) {
		bool used = false;

		for (unsigned k = 0; k < j->nrecords; k++)
			used |= j->records[k].session == j->sessions[i];
		if (used) {
			i++;
			continue;
		}
		free(j->sessions[i]);
		j->sessions[i] = j->sessions[--j->nsessions];
	}
}

/* The name is on the disk once its directory is. */
static int sync_dir(const struct setup_journal *j)
{
	int fd = j->sys->open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	int err = fd < 0 || j->sys->fsync(fd) ? -errno : 0;

	if (fd >= 0)
		j->sys->close(fd);
	return err;
}

/* put_file writes and fsyncs a new file of the directory in place of what has its name: that may be a pipe, or
   another name of somebody's file. */
static int put_file(const struct setup_journal *j, const char *path, const char *text, size_t len)
{
	if (j->sys->unlink(path) && errno != ENOENT)
		return -errno;
	int fd = j->sys->open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = fd < 0 ? -errno : write_all(j->sys, fd, text, len);

	if (!err && j->sys->fsync(fd))
		err = -errno;
	if (fd >= 0)
		j->sys->close(fd);
	return err;
}

/* keep_damaged: lines that make no sense to us may to people. */
static void keep_damaged(struct setup_journal *j)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/setup.journal.damaged", j->dir);
	int err = put_file(j, path, j->raw, j->rawlen);

	LOG(j, WARN, "set-up: the journal as it was, %u lines damaged and %lu missing, is %s %s: %s", j->damaged,
	    j->missing, err ? "lost, it cannot be written to" : "kept in", path,
	    err ? strerror(-err) : "put back by hand what it tells of");
	j->damaged = 0;
	j->missing = 0;
}

int journal_write(struct setup_journal *j)
{
	char path[300], beside[304], *text;
	size_t len;
	int err;

	PLX_ASSERT(j->lock >= 0);
	tidy(j);
	if (j->damaged || j->missing)
		keep_damaged(j);
	snprintf(path, sizeof(path), "%s/setup.journal", j->dir);
	snprintf(beside, sizeof(beside), "%s.new", path);
	if (!j->nrecords) {
		if (j->sys->unlink(beside) && errno != ENOENT)
			return fail(j, "remove", "/setup.journal.new", -errno);
		if (j->sys->unlink(path) && errno != ENOENT)
			return fail(j, "remove", "/setup.journal", -errno);
		return 0;
	}
	text = journal_text(j, &len);
	if (!text)
		return fail(j, "write", "/setup.journal", -ENOMEM);
	err = put_file(j, beside, text, len);
	free(text);
	if (!err)
		err = j->sys->rename(beside, path) ? -errno : sync_dir(j);
	return err ? fail(j, "write", "/setup.journal", err) : 0;
}

/* ---- whose ---- */

static uint64_t inode(const struct plx_sys *sys, const char *path)
{
	struct stat st;
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);
	uint64_t ino = fd >= 0 && !sys->fstat(fd, &st) ? (uint64_t)st.st_ino : 0;

	if (fd >= 0)
		sys->close(fd);
	return ino;
}

uint64_t journal_pidns(const struct plx_sys *sys)
{
	return inode(sys, "/proc/self/ns/pid");
}

/* The inode is what people see, and used again; the cookie never is. */
void setup_netns_here(const struct plx_sys *sys, struct setup_netns *ns)
{
	int fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(ns->cookie);

	ns->inode = inode(sys, "/proc/thread-self/ns/net");
	if (fd < 0 || sys->getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &ns->cookie, &len))
		ns->cookie = 0;
	if (fd >= 0)
		sys->close(fd);
}

/* A process that counts its pids elsewhere cannot be told from a dead one, and is left in peace. */
bool journal_orphan(const struct plx_sys *sys, const struct setup_session *s)
{
	uint64_t pidns = journal_pidns(sys);

	if (s->hold != SETUP_HOLD_PROCESS || (s->pidns && pidns && s->pidns != pidns))
		return false;
	return setup_started(sys, s->pid) != s->start;
}

/* Some files are of a network namespace too. */
bool journal_of_netns(const struct setup_record *r)
{
	return r->kind && (r->kind->netns || (r->kind == &setup_file && (!strncmp(r->object, "/proc/sys/net/", 14) ||
	                                                                !strncmp(r->object, "/sys/class/net/", 15))));
}

bool journal_here(const struct setup_record *r, const struct setup_netns *here)
{
	const struct setup_netns *ns = &r->session->netns;

	if (!journal_of_netns(r) || !ns->inode || !here->inode)
		return true;
	return ns->cookie && here->cookie ? ns->cookie == here->cookie : ns->inode == here->inode;
}

bool journal_twins(const struct setup_record *a, const struct setup_record *b)
{
	if (strcmp(a->word, b->word) || strcmp(a->object, b->object) ||
	    (*a->device && *b->device && setup_ident_compare(a->device, b->device) == SETUP_IDENT_OTHER))
		return false;
	return !journal_of_netns(a) || journal_here(a, &b->session->netns);
}

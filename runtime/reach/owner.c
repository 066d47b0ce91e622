/* SPDX-License-Identifier: MIT */
/* owner.c - which connections are logins: those that an sshd holds, or a process that led to this
   one.  The environment does not tell under sudo, su or tmux.  Cold; called by reach.c. */
#include "reach.h"
#include "file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ANCESTORS_MAX = 64 };

struct holder {
	const struct plx_sys *sys;
	struct reach_conn *c;
	unsigned n;
	char pid[24];        /* the process that is looked at, as /proc names it */
	long number;
	char comm[REACH_NAME];
};

static int by_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct reach_conn *)a)->inode, y = ((const struct reach_conn *)b)->inode;

	return x < y ? -1 : x > y;
}

static bool is_sshd(const char *comm)
{
	static const char *const names[] = { "sshd", "sshd-session", "sshd-auth", "dropbear" };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(names); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return false;
}

/* O_PATH opens what a link of /proc leads to without doing anything to it, which a socket needs. */
static int look_at_fd(void *arg, const char *name)
{
	struct holder *h = arg;
	struct reach_conn key = { 0 }, *c;
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/fd/%.20s", h->pid, name);
	int fd = h->sys->open(path, O_PATH | O_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	int err = h->sys->fstat(fd, &st);

	h->sys->close(fd);
	if (err || !S_ISSOCK(st.st_mode))
		return 0;
	key.inode = st.st_ino;
	c = bsearch(&key, h->c, h->n, sizeof(*c), by_inode);
	if (!c || c->held)
		return 0;
	c->held = true;
	c->ssh = is_sshd(h->comm);
	c->pid = (int32_t)h->number;
	memcpy(c->of, h->comm, sizeof(c->of));
	return 0;
}

static void look_at_fds(struct holder *h)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/fd", h->pid);
	plx_file_dir(h->sys, path, look_at_fd, h);
}

/* number_of: the number behind a key of /proc/PID/status; 0 = not told. */
static long number_of(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtol(at + strlen(key), NULL, 10) : 0;
}

static void ancestors(struct holder *h)
{
	char path[64], text[2048];

	strcpy(h->pid, "self");
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		snprintf(path, sizeof(path), "/proc/%s/status", h->pid);
		if (plx_file_read(h->sys, path, text, sizeof(text)) <= 0)
			return;
		h->number = number_of(text, "\nPid:");
		if (sscanf(text, "Name: %15[^\n]", h->comm) != 1)
			h->comm[0] = 0;
		look_at_fds(h);
		long parent = number_of(text, "\nPPid:");

		if (parent <= 0)
			return;
		snprintf(h->pid, sizeof(h->pid), "%ld", parent);
	}
}

static int look_at_process(void *arg, const char *name)
{
	struct holder *h = arg;
	char path[64];
	int n;

	h->number = strtol(name, NULL, 10);
	if (h->number <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%.20s/comm", name);
	n = plx_file_read(h->sys, path, h->comm, sizeof(h->comm));
	if (n <= 0)
		return 0;
	h->comm[strcspn(h->comm, "\n")] = 0;
	snprintf(h->pid, sizeof(h->pid), "%s", name);
	if (is_sshd(h->comm))
		look_at_fds(h);
	return 0;
}

void reach_owners(struct reach_conn *c, unsigned n, const struct plx_sys *sys)
{
	struct holder h = { .sys = sys, .c = c, .n = n };

	qsort(c, n, sizeof(*c), by_inode);
	plx_file_dir(sys, "/proc", look_at_process, &h); /* first: an sshd among the ancestors is one too */
	ancestors(&h);
}

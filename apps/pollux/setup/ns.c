/* SPDX-License-Identifier: MIT */
/* ns.c - entering other network namespaces to put values back; cold; called by pollux
   setup restore. */
#include "setup_ns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMESPACES_MAX = 64, CHILD_OK = 0, CHILD_FAIL = 1, CHILD_OTHER = 2 /* the inode is used again */ };

/* find opens the namespace of that inode: dir/NAME, or dir/NAME/ns/net.  -1 = not there. */
static int find_in(const char *dir, const char *below, uint64_t inode)
{
	DIR *d = opendir(dir);
	int fd = -1;

	for (struct dirent *e; d && fd < 0 && (e = readdir(d)); ) {
		char path[512];
		struct stat st;

		if (e->d_name[0] == '.' || (*below && (e->d_name[0] < '0' || e->d_name[0] > '9')))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, below);
		if (!stat(path, &st) && st.st_ino == inode)
			fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (d)
		closedir(d);
	return fd;
}

/* enter: with a sysfs that tells of the namespace, seen by this process only. */
static int enter(int fd)
{
	if (setns(fd, CLONE_NEWNET) || unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_SLAVE | MS_REC, NULL))
		return -errno;
	umount2("/sys", MNT_DETACH);
	return mount("pollux", "/sys", "sysfs", 0, NULL) ? -errno : 0;
}

static int child(const struct setup_undo *u, const struct setup_netns *ns, int fd, int out)
{
	struct setup_netns here = { 0, 0 };
	struct setup_undo in = *u;
	unsigned restored = 0;
	int err = enter(fd);

	if (err) {
		plx_logf(u->log, PLX_LOG_ERROR, "network namespace %llu: cannot enter it: %s%s",
		         (unsigned long long)ns->inode, strerror(-err), err == -EPERM ? ": run as root" : "");
		return CHILD_FAIL;
	}
	setup_netns_here(u->sys, &here);
	if (ns->cookie && here.cookie && ns->cookie != here.cookie)
		return CHILD_OTHER;
	in.only_netns = true;
	err = setup_undo(&in, &restored);
	if (write(out, &restored, sizeof(restored)) != sizeof(restored))
		err = -EIO;
	return err ? CHILD_FAIL : CHILD_OK;
}

/* run does it in a child; its exit code. */
static int run(const struct setup_undo *u, const struct setup_netns *ns, int fd, unsigned *restored)
{
	int p[2], status = 0;
	unsigned n = 0;

	if (pipe2(p, O_CLOEXEC))
		return CHILD_FAIL;
	fflush(NULL);
	pid_t pid = fork();

	if (!pid)
		_exit(child(u, ns, fd, p[1]));
	close(p[1]);
	if (pid > 0 && read(p[0], &n, sizeof(n)) == sizeof(n))
		*restored += n;
	close(p[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAIL;
}

int ns_undo(const struct setup_undo *u, unsigned *restored)
{
	struct setup_netns list[NAMESPACES_MAX];
	int n = setup_elsewhere(u->sys, u->dir, list, NAMESPACES_MAX), err = 0;

	for (int i = 0; i < n; i++) {
		int fd = find_in("/run/netns", "", list[i].inode);

		if (fd < 0)
			fd = find_in("/proc", "/ns/net", list[i].inode);
		int code = fd < 0 ? CHILD_OTHER : run(u, &list[i], fd, restored);

		if (fd >= 0)
			close(fd);
		if (code == CHILD_FAIL)
			err = -EIO;
		if (code != CHILD_OTHER)
			continue;
		struct setup_undo gone = *u;

		gone.gone = list[i].inode;
		gone.only_netns = true;
		setup_undo(&gone, NULL);
	}
	return err;
}

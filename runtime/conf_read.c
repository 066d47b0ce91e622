/* SPDX-License-Identifier: MIT */
/* conf_read.c - reading the configuration's file, the one part of it that asks the system.
   Cold; called by plx_env_init and by programs. */
#include "conf.h"
#include "plx_text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Who may write the file decides what root does: others may not. */
static int may_trust(const struct plx_sys *sys, const char *name, const struct stat *st, char *why, size_t whylen)
{
	bool group = st->st_mode & S_IWGRP, other = st->st_mode & S_IWOTH;

	if (!S_ISREG(st->st_mode) || sys->geteuid() || !(group || other))
		return 0;
	snprintf(why, whylen, "%s: %s may write it, and root would obey: chmod %s-w %s", name,
	         group && other ? "its group and everyone" : group ? "its group" : "everyone",
	         group && other ? "go" : group ? "g" : "o", name);
	return -EINVAL;
}

static int read_all(const struct plx_sys *sys, int fd, const char *name, char *text, size_t *len, char *why, size_t whylen)
{
	for (*len = 0; *len <= PLX_CONF_FILE_MAX;) {
		ssize_t n = sys->read(fd, text + *len, PLX_CONF_FILE_MAX + 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			snprintf(why, whylen, "%s: cannot read it: %s", name, strerror(errno));
			return -EINVAL;
		}
		if (!n)
			return 0;
		*len += (size_t)n;
	}
	snprintf(why, whylen, "%s: longer than %d KiB: is it a configuration?", name, PLX_CONF_FILE_MAX >> 10);
	return -EINVAL;
}

static int read_file(const struct plx_sys *sys, const char *name, char **text, size_t *len, char *why, size_t whylen)
{
	struct stat st;
	int fd = sys->open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	int err = fd < 0 || sys->fstat(fd, &st) ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;

	*text = NULL;
	if (err == -ENOENT)
		snprintf(why, whylen, "-c %s: no such file; pollux config default shows one", name);
	else if (err)
		snprintf(why, whylen, "-c %s: cannot open it: %s: %s", name, strerror(-err),
		         err == -EACCES ? "let this user read it, see ls -l" : "give the name of a YAML file");
	else
		err = may_trust(sys, name, &st, why, whylen);
	if (!err && !(*text = malloc(PLX_CONF_FILE_MAX + 1))) {
		snprintf(why, whylen, "%s: no memory to read it", name);
		err = -ENOMEM;
	}
	if (!err)
		err = read_all(sys, fd, name, *text, len, why, whylen);
	if (fd >= 0)
		sys->close(fd);
	return err && err != -ENOMEM && err != -EACCES ? -EINVAL : err;
}

int plx_env_conf_read(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen)
{
	const char *name = NULL;
	char *text = NULL;
	int err = plx_env_conf_file(&name, in, why, whylen);

	if (!err && name)
		err = read_file(c->sys ? c->sys : &plx_sys_linux, name, &text, &in->len, why, whylen);
	if (!err) {
		in->text = text;
		err = plx_env_conf_merge(c, in, why, whylen);
		in->text = NULL;
	}
	free(text);
	return err;
}

/* SPDX-License-Identifier: MIT */
/* read.c - reading the configuration's file, the one part of it that asks the system.
   Cold; called by plx_env_init and by programs. */
#include "conf.h"
#include "plx_text.h"
#include "stderr_log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(const struct plx_sys *sys, int fd, const char *name, char *text, size_t *len, char *why,
                    size_t whylen)
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

static const char *kind(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

/* open_file opens a file that can be read without waiting and whose words may be followed; a
   descriptor, or -errno.  It is opened once, and what is asked of it is asked of the descriptor: what
   has its name later does not count. */
static int open_file(const struct plx_sys *sys, const char *name, char *why, size_t whylen)
{
	const bool root = !sys->geteuid();
	int fd = sys->open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (root ? O_NOFOLLOW : 0), 0);
	struct stat st;
	int err = fd < 0 || sys->fstat(fd, &st) ? -errno : 0;

	if (err == -ENOENT)
		snprintf(why, whylen, "-c %s: no such file; %s", name, conf_is_mask(name) ?
		         "-c is the configuration, lcores are a list: -l 0-3" : "pollux config default shows one");
	else if (err == -ELOOP && root)
		snprintf(why, whylen,
		         "-c %s: it is a symbolic link, which root does not follow: give the name of the file itself, "
		         "realpath %s",
		         name, name);
	else if (err)
		snprintf(why, whylen, "-c %s: cannot open it: %s: %s", name, strerror(-err),
		         err == -EACCES ? "let this user read it, see ls -l" : "give the name of a YAML file");
	else if (!S_ISREG(st.st_mode)) {
		snprintf(why, whylen, "-c %s: it is %s: give the name of a YAML file", name, kind(st.st_mode));
		err = -EINVAL;
	} else
		err = conf_trust(sys, name, &st, why, whylen);
	if (!err)
		return fd;
	if (fd >= 0)
		sys->close(fd);
	return err == -EACCES ? err : -EINVAL;
}

static int read_file(const struct plx_sys *sys, const char *name, char **text, size_t *len, char *why, size_t whylen)
{
	int fd = open_file(sys, name, why, whylen), err = fd < 0 ? fd : 0;

	*text = NULL;
	if (!err && !(*text = malloc(PLX_CONF_FILE_MAX + 1))) {
		snprintf(why, whylen, "%s: no memory to read it", name);
		err = -ENOMEM;
	}
	if (!err)
		err = read_all(sys, fd, name, *text, len, why, whylen);
	if (fd >= 0)
		sys->close(fd);
	return err;
}

/* Who starts a program that has more rights than he (setuid, capabilities of its file) chooses its
   environment, which is left out then as secure_getenv(3) does. */
static void leave_out_environment(const struct plx_sys *sys, struct plx_conf_in *in)
{
	unsigned n = 0;
	char line[512];

	if (!in->environ || !sys->getauxval(AT_SECURE))
		return;
	for (char *const *e = in->environ; *e; e++)
		n += !strncmp(*e, "POLLUX_", 7);
	in->environ = NULL;
	if (!n)
		return;
	int len = snprintf(line, sizeof(line),
	                   "%.200s: warning: %u POLLUX_ variable%s left out, for the program has more "
	                   "rights than its user: give arguments or -c FILE\n",
	                   in->argc > 0 ? in->argv[0] : "pollux", n, n == 1 ? "" : "s");

	(void)!write_all(sys, STDERR_FILENO, line, (size_t)len);
}

int plx_env_conf_read(struct plx_env_conf *c, struct plx_conf_in *in, char *why, size_t whylen)
{
	PLX_ASSERT(c && in && (why || !whylen));
	const bool whole = !c->size || c->size >= sizeof(*c); /* else it may end before sys */
	const struct plx_sys *sys = whole && c->sys ? c->sys : &plx_sys_linux;
	const char *name = NULL;
	char *text = NULL;

	leave_out_environment(sys, in);
	int err = plx_env_conf_file(&name, in, why, whylen);

	if (!err && name)
		err = read_file(sys, name, &text, &in->len, why, whylen);
	if (!err) {
		in->text = text;
		err = plx_env_conf_merge(c, in, why, whylen);
		in->text = NULL;
	}
	free(text);
	return err;
}

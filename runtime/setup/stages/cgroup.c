/* SPDX-License-Identifier: MIT */
/* cgroup.c - a cpuset of its own for the lcores: the stage, and a cgroup as a value.  Cold;
   called through the tables of stages and kinds.

   version 2   MOUNT           "cpuset on|off"                       may children have a cpuset
               MOUNT/pollux    "cpus 2-3 mems - partition isolated"
   version 1   MOUNT/pollux    "cpus 2-3 mems 0 exclusive 1 balance 0"
   "" is a cgroup that is not there, "-" an empty file. */
#include "dev.h"
#include "file.h"
#include "plx_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_LEN = SETUP_OBJECT_MAX + 64, FILE_LEN = PATH_LEN + 64, TRIES = 50, TRY_NS = 10000000 };

/* ---- files of a cgroup ---- */

static int read_word(const struct plx_sys *sys, const char *dir, const char *file, char *buf, size_t len)
{
	char path[FILE_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int n = plx_file_read(sys, path, buf, len);

	buf[n > 0 ? strcspn(buf, "\n") : 0] = 0;
	return n < 0 ? n : 0;
}

static int write_word(const struct plx_sys *sys, const char *dir, const char *file, const char *word)
{
	char path[FILE_LEN];
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int fd = sys->open(path, O_WRONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (sys->write(fd, word, strlen(word)) != (ssize_t)strlen(word))
		err = -errno;
	sys->close(fd);
	return err;
}

static bool there(const struct plx_sys *sys, const char *dir, const char *file)
{
	char path[FILE_LEN];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);

	if (fd >= 0)
		sys->close(fd);
	return fd >= 0;
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = words; (s = strstr(s, word)); s += n)
		if ((s == words || s[-1] == ' ') && (!s[n] || s[n] == ' '))
			return true;
	return false;
}

static void parent_of(char parent[PATH_LEN], const char *dir)
{
	snprintf(parent, PATH_LEN, "%s", dir);
	char *slash = strrchr(parent, '/');

	if (slash)
		*slash = 0;
}

/* The files of a version, with the word of a value for each. */
struct part { const char *word, *file; };
static const struct part parts_v2[] = { { "cpus", "cpuset.cpus" }, { "mems", "cpuset.mems" },
                                        { "partition", "cpuset.cpus.partition" }, { NULL, NULL } };
static const struct part parts_v1[] = { { "cpus", "cpuset.cpus" }, { "mems", "cpuset.mems" },
                                        { "exclusive", "cpuset.cpu_exclusive" },
                                        { "balance", "cpuset.sched_load_balance" }, { NULL, NULL } };

/* Version 2 has a controllers file everywhere. */
static bool is_v2(const struct plx_sys *sys, const char *dir)
{
	return there(sys, dir, "cgroup.controllers");
}

/* The root of a mount has no partition to set; what may be changed is what it lends. */
static bool is_root(const struct plx_sys *sys, const char *dir)
{
	char parent[PATH_LEN];

	parent_of(parent, dir);
	return is_v2(sys, dir) && !is_v2(sys, parent);
}

/* ---- a cgroup as a value ---- */

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	const struct plx_sys *sys = s->in.sys;
	char parent[PATH_LEN], text[1024];

	parent_of(parent, object);
	value[0] = 0;
	if (!there(sys, object, "cgroup.procs"))
		return there(sys, parent, "cgroup.procs") ? 0 : -ENODEV; /* not mounted here */
	if (is_root(sys, object)) {
		int err = read_word(sys, object, "cgroup.subtree_control", text, sizeof(text));
		snprintf(value, len, "cpuset %s", has_word(text, "cpuset") ? "on" : "off");
		return err;
	}
	for (const struct part *p = is_v2(sys, object) ? parts_v2 : parts_v1; p->word; p++) {
		if (read_word(sys, object, p->file, text, sizeof(text)))
			text[0] = 0;
		plx_text_add(value, len, "%s%s %s", *value ? " " : "", p->word, *text ? text : "-");
	}
	return 0;
}

/* move_out moves all processes to the parent; how many there were, or -errno. */
static int move_out(const struct plx_sys *sys, const char *dir, const char *parent)
{
	char path[FILE_LEN], *list = malloc(65536), *save = NULL;
	int n = 0, err = list ? 0 : -ENOMEM;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	if (!err && (err = plx_file_read(sys, path, list, 65536)) > 0)
		err = 0;
	for (char *pid = err ? NULL : strtok_r(list, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save), n++) {
		int moved = write_word(sys, parent, "cgroup.procs", pid);
		if (moved && moved != -ESRCH)
			err = moved;
	}
	free(list);
	return err ? err : n;
}

/* A process that ends is counted a little longer. */
static int remove_it(const struct plx_sys *sys, const char *dir, char *why, size_t len)
{
	char parent[PATH_LEN];
	int err = 0;

	if (!there(sys, dir, "cgroup.procs"))
		return 0;
	parent_of(parent, dir);
	write_word(sys, dir, "cpuset.cpus.partition", "member"); /* its CPUs go back first, for those that move */
	for (int i = 0; i < TRIES; i++) {
		int n = move_out(sys, dir, parent);

		err = n < 0 ? n : sys->rmdir(dir) ? -errno : 0;
		if (err != -EBUSY)
			break;
		plx_sys_sleep(sys, TRY_NS);
	}
	if (err == -EBUSY)
		snprintf(why, len, "cgroups stand below it: rmdir %s/*", dir);
	else if (err == -EACCES || err == -EPERM)
		snprintf(why, len, "run as root");
	return err;
}

/* The kernel takes a partition's word, and says beside it whether it is one. */
static int valid(const struct plx_sys *sys, const char *dir, char *why, size_t len)
{
	char text[256];

	if (read_word(sys, dir, "cpuset.cpus.partition", text, sizeof(text)) || !strstr(text, "invalid"))
		return 0;
	snprintf(why, len,
	         "the kernel makes no partition of it: %s: name other lcores with -l, or take their CPUs out of "
	         "other cgroups' cpuset.cpus",
	         text);
	return -EINVAL;
}

static int make_it(const struct plx_sys *sys, const char *dir, const char *value, char *why, size_t len)
{
	const char *at = value;
	char word[32], text[1024];
	int used, err = 0;

	if (!there(sys, dir, "cgroup.procs") && sys->mkdir(dir, 0755))
		err = -errno;
	const struct part *parts = is_v2(sys, dir) ? parts_v2 : parts_v1;

	for (; !err && sscanf(at, " %31s %1023s%n", word, text, &used) == 2; at += used)
		for (const struct part *p = parts; p->word && !err; p++)
			if (!strcmp(p->word, word) && strcmp(text, "-") && (err = write_word(sys, dir, p->file, text)))
				snprintf(why, len, "%s/%s does not take %s: %s", dir, p->file, text, strerror(-err));
	if (err && !*why)
		snprintf(why, len,
		         err == -EROFS ? "it is mounted read-only, as in a container: set it up from the host" :
		                         "run as root");
	return err ? err : parts == parts_v2 ? valid(sys, dir, why, len) : 0;
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	int err;

	if (!*value)
		return remove_it(s->in.sys, object, why, len);
	if (!strncmp(value, "cpuset ", 7)) {
		err = write_word(s->in.sys, object, "cgroup.subtree_control",
		                 strcmp(value, "cpuset on") ? "-cpuset" : "+cpuset");
		if (err)
			snprintf(why, len, err == -EBUSY ? "cgroups below use it" : "run as root");
		return err;
	}
	return make_it(s->in.sys, object, value, why, len);
}

static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	const struct part *parts = strstr(value, " partition ") ? parts_v2 : parts_v1;
	char word[32], text[1024], above[PATH_LEN], parent[PATH_LEN * 4], dir[PATH_LEN * 4];
	int used;

	(void)s;
	parent_of(above, object);
	plx_text_quote(parent, sizeof(parent), above);
	plx_text_quote(dir, sizeof(dir), object);
	if (!*value) {
		snprintf(buf, len, "for p in $(cat %s/cgroup.procs); do echo $p > %s/cgroup.procs; done; rmdir %s", dir,
		         parent, dir);
		return;
	}
	if (!strncmp(value, "cpuset ", 7)) {
		snprintf(buf, len, "echo %ccpuset > %s/cgroup.subtree_control", strcmp(value, "cpuset on") ? '-' : '+',
		         dir);
		return;
	}
	snprintf(buf, len, "mkdir -p %s", dir);
	for (; sscanf(value, " %31s %1023s%n", word, text, &used) == 2; value += used)
		for (const struct part *p = parts; p->word; p++)
			if (!strcmp(p->word, word) && strcmp(text, "-"))
				plx_text_add(buf, len, " && echo %s > %s/%s", text, dir, p->file);
}

const struct setup_kind setup_cgroup = { .name = "cgroup", .get = get, .set = set, .command = command };

/* ---- the stage ---- */

/* find_mount: where cgroups have a cpuset, version 1 or 2; false if nowhere that is seen here. */
static bool find_mount(const struct plx_sys *sys, char *dir, size_t len, bool *v2)
{
	char *text = malloc(65536), *save = NULL, at[PATH_LEN], type[32], options[512], words[1024];
	bool found = false;

	if (!text || plx_file_read(sys, "/proc/mounts", text, 65536) <= 0)
		text = (free(text), NULL);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line && !found;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%*s %319s %31s %511s", at, type, options) != 3)
			continue;
		for (char *c = options; *c; c++)
			*c = *c == ',' ? ' ' : *c;
		*v2 = !strcmp(type, "cgroup2");
		if (*v2 ? !read_word(sys, at, "cgroup.controllers", words, sizeof(words)) && has_word(words, "cpuset")
		        : !strcmp(type, "cgroup") && has_word(options, "cpuset"))
			found = snprintf(dir, len, "%s", at) < (int)len && there(sys, at, "cgroup.procs");
	}
	free(text);
	return found;
}

/* Of version 1 no cgroup beside it may have its CPUs, if they are to be its own. */
struct rivals { const struct plx_sys *sys; const char *mount; struct cpuset cpus; bool any; };

static int rival(void *arg, const char *name)
{
	struct rivals *r = arg;
	struct cpuset theirs;
	char dir[PATH_LEN], text[1024];

	snprintf(dir, sizeof(dir), "%.160s/%.120s", r->mount, name);
	if (!strcmp(name, "pollux") || read_word(r->sys, dir, "cpuset.cpus", text, sizeof(text)) ||
	    cpuset_parse(&theirs, text))
		return 0;
	r->any |= cpuset_meets(&theirs, &r->cpus);
	return 0;
}

/* taken: the cgroup is there, with other values, and somebody runs in it. */
static bool taken(const struct setup *s, const char *dir, const char *want)
{
	char value[2048], procs[64];

	return !get(s, dir, value, sizeof(value)) && *value && strcmp(value, want) &&
	       !read_word(s->in.sys, dir, "cgroup.procs", procs, sizeof(procs)) && *procs;
}

static void plan_at(struct setup *s, const char *mount, bool v2, const struct cpuset *cpus)
{
	struct rivals r = { .sys = s->in.sys, .mount = mount, .cpus = *cpus };
	char list[1024], want[2048], dir[SETUP_OBJECT_MAX], mems[256];

	snprintf(dir, sizeof(dir), "%.240s/pollux", mount);
	cpuset_text(cpus, list, sizeof(list));
	if (v2) {
		snprintf(want, sizeof(want), "cpus %s mems - partition isolated", list);
	} else {
		plx_file_dir(s->in.sys, mount, rival, &r);
		read_word(s->in.sys, mount, "cpuset.mems", mems, sizeof(mems));
		snprintf(want, sizeof(want), "cpus %s mems %s exclusive %d balance 0", list, mems, !r.any);
	}
	if (taken(s, dir, want)) {
		setup_cannot(s, SETUP_cpuset,
		             "%s is in use with other CPUs: end what runs in it (cat %s/cgroup.procs), or "
		             "pollux setup restore cpuset",
		             dir, dir);
		return;
	}
	if (v2)
		setup_want(s, SETUP_cpuset, &setup_cgroup, mount, "cpuset on",
		           "cgroups below %s may have CPUs of their own", mount);
	setup_want(s, SETUP_cpuset, &setup_cgroup, dir, want, "%s CPUs %s: start programs by "
	           "sh -c 'echo $$ > %s/cgroup.procs; exec PROGRAM ..'",
	           v2 ? "nothing else is scheduled on" : "no cgroup beside it has", list, dir);
}

void setup_plan_cpuset(struct setup *s)
{
	struct cpuset cpus;
	char mount[SETUP_OBJECT_MAX];
	unsigned left = 0;
	bool v2;

	if (!s->in.by_name) {
		setup_skip(
			s, SETUP_cpuset,
			"left alone unless it is named (pollux setup apply cpuset): a program started outside of the "
			"cpuset cannot use its CPUs");
		return;
	}
	setup_lcore_cpus(s, &cpus);
	if (cpuset_first(&cpus) < 0) {
		setup_skip(s, SETUP_cpuset, "it is not known which CPUs lcores run on");
		return;
	}
	if (s->plan->main_cpu >= 0)
		cpuset_add(&cpus, (unsigned)s->plan->main_cpu);
	for (unsigned c = 0; c < s->in.host->topo.ncpus; c++)
		left += s->in.host->topo.cpu[c].online && !cpuset_has(&cpus, c);
	if (!left)
		setup_cannot(s, SETUP_cpuset, "lcores use every CPU, and the host needs one: name fewer with -l");
	else if (!find_mount(s->in.sys, mount, sizeof(mount), &v2))
		setup_cannot(s, SETUP_cpuset,
		             "no cgroup file system with cpusets is mounted here (ip netns exec hides it): "
		             "mount -t cgroup2 none /sys/fs/cgroup");
	else
		plan_at(s, mount, v2, &cpus);
}

void setup_cpuset_allow(const struct plx_sys *sys, struct topo *t)
{
	char mount[SETUP_OBJECT_MAX], dir[PATH_LEN], list[1024];
	struct cpuset cpus;
	bool v2;

	if (!find_mount(sys, mount, sizeof(mount), &v2))
		return;
	snprintf(dir, sizeof(dir), "%s/pollux", mount);
	if (read_word(sys, dir, "cpuset.cpus", list, sizeof(list)) || cpuset_parse(&cpus, list))
		return;
	for (unsigned c = 0; c < t->ncpus; c++)
		t->cpu[c].allowed |= cpuset_has(&cpus, c);
}

/* SPDX-License-Identifier: MIT */
/* topo_cgroup.c - what the cgroup of this process leaves it: CPUs and nodes by cpuset, and CPU
   time, of version 1, version 2 and both at once.  Cold; discovery.

   /proc/self/cgroup names the cgroup as seen from the root of the hierarchy, or of the cgroup
   namespace; /proc/self/mountinfo names the directory that is mounted, and where.  The part of
   the first below the second is where to look.  A controller that is not switched on there is
   that of a directory further up. */
#include "file.h"
#include "topo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOUNTS_MAX = 1 << 18, CGROUP_MAX = 8192, LIST_MAX = 4096 };

/* ---- where ---- */

static const char *next_line(const char *line)
{
	const char *nl = strchr(line, '\n');

	return nl ? nl + 1 : line + strlen(line);
}

/* word_in: list has the word between commas. */
static bool word_in(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = list, *end = list + len; s + n <= end; s++) {
		if (!strncmp(s, word, n) && (s + n == end || s[n] == ','))
			return true;
		s = memchr(s, ',', (size_t)(end - s));
		if (!s)
			break;
	}
	return false;
}

/* own_path: "4:cpuset,cpu:/a/b", or "0::/a/b" of version 2. */
static bool own_path(const char *text, const char *controller, bool v1, struct topo_cgroup *cg)
{
	for (const char *line = text; *line; line = next_line(line)) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		size_t n = path ? strcspn(path + 1, "\n") : 0;

		if (!path || (v1 ? !word_in(list + 1, (size_t)(path - list - 1), controller)
		                 : strncmp(line, "0::", 3) != 0) || n >= sizeof(cg->path))
			continue;
		memcpy(cg->path, path + 1, n);
		cg->path[n] = 0;
		cg->version = v1 ? 1 : 2;
		return true;
	}
	return false;
}

/* field copies the nth word of a line, blanks written as \040 put back. */
static bool field(const char *line, int nth, char *buf, size_t len)
{
	size_t n = 0;

	while (nth--) {
		line += strcspn(line, " \n");
		if (*line != ' ')
			return false;
		line++;
	}
	for (; *line && *line != ' ' && *line != '\n'; n++) {
		char c = *line++;

		if (c == '\\' && strspn(line, "01234567") >= 3) {
			c = (char)((line[0] - '0') << 6 | (line[1] - '0') << 3 | (line[2] - '0'));
			line += 3;
		}
		if (n == len - 1)
			return false;
		buf[n] = c;
	}
	buf[n] = 0;
	return n > 0;
}

/* below_root: the part of path below the mounted directory; "" if that is not above it, as where
   a cgroup namespace hides how they lie: then the mounted one is all there is to see. */
static const char *below_root(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n && dir[n - 1] == '/')
		n--;
	if (strncmp(path, dir, n) || (path[n] && path[n] != '/') || strstr(path, "/.."))
		return "";
	return strcmp(path + n, "/") ? path + n : "";
}

/* mounted: 31 23 0:28 /dir /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset */
static bool mounted(const char *line, const char *controller, bool v1, const char *path, struct topo_cgroup_place *at)
{
	char dir[256], type[32], options[256];
	const char *dash = strstr(line, " - "), *nl = strchr(line, '\n');

	if (!dash || (nl && dash > nl) || !field(dash, 2, type, sizeof(type)) ||
	    strcmp(type, v1 ? "cgroup" : "cgroup2"))
		return false;
	if (v1 && (!field(dash, 4, options, sizeof(options)) || !word_in(options, strlen(options), controller)))
		return false;
	if (!field(line, 3, dir, sizeof(dir)) || !field(line, 4, at->mount, sizeof(at->mount)))
		return false;
	snprintf(at->below, sizeof(at->below), "%s", below_root(path, dir));
	return true;
}

bool topo_cgroup_find(const char *cgroup, const char *mountinfo, const char *controller, bool v1,
                      struct topo_cgroup *cg, struct topo_cgroup_place *at)
{
	memset(cg, 0, sizeof(*cg));
	memset(at, 0, sizeof(*at));
	if (!own_path(cgroup, controller, v1, cg))
		return false;
	for (const char *line = mountinfo; *line; line = next_line(line))
		if (mounted(line, controller, v1, cg->path, at))
			return true;
	memset(cg, 0, sizeof(*cg));
	return false;
}

/* ---- what ---- */

bool topo_cgroup_up(struct topo_cgroup_place *at)
{
	char *slash = strrchr(at->below, '/');

	if (!*at->below)
		return false;
	*(slash ? slash : at->below) = 0;
	return true;
}

static int read_at(const struct plx_sys *sys, const struct topo_cgroup_place *at, const char *file, char *buf,
                   size_t len)
{
	char path[600];

	snprintf(path, sizeof(path), "%s%s/%s", at->mount, at->below, file);
	return plx_file_read(sys, path, buf, len);
}

/* read_set reads the first of the files that is not empty, here or further up. */
static bool read_set(const struct plx_sys *sys, struct topo_cgroup_place at, const char *file, const char *other,
                     struct cpuset *s)
{
	char text[LIST_MAX];

	do {
		if (read_at(sys, &at, file, text, sizeof(text)) <= 1 &&
		    read_at(sys, &at, other, text, sizeof(text)) <= 1)
			continue;
		if (!cpuset_parse(s, text))
			return cpuset_count(s) > 0;
	} while (topo_cgroup_up(&at));
	return false;
}

/* A set that leaves nothing of what the thread may use was not this process's. */
static void bar(struct topo *t, const struct cpuset *s)
{
	unsigned left = 0;

	for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
		left += t->cpu[cpu].online && t->cpu[cpu].allowed && cpuset_has(s, cpu);
	for (unsigned cpu = 0; cpu < t->ncpus && left; cpu++) {
		t->cpu[cpu].barred = !cpuset_has(s, cpu);
		t->cpu[cpu].allowed &= !t->cpu[cpu].barred;
	}
}

static void cpuset(const struct plx_sys *sys, struct topo *t, const struct topo_cgroup_place *at)
{
	bool v1 = t->cpuset.version == 1;
	struct topo_cgroup_place top = { .below = "" };
	struct cpuset s;

	if (read_set(sys, *at, v1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective", "cpuset.cpus", &s))
		bar(t, &s);
	if (read_set(sys, *at, v1 ? "cpuset.effective_mems" : "cpuset.mems.effective", "cpuset.mems", &s))
		for (unsigned node = 0; node < t->nnodes; node++)
			t->node[node].barred = !cpuset_has(&s, node);
	memcpy(top.mount, at->mount, sizeof(top.mount));
	/* isolated partitions, which isolcpus= knows nothing of */
	if (!v1 && read_set(sys, top, "cpuset.cpus.isolated", "cpuset.cpus.isolated", &s))
		for (unsigned cpu = 0; cpu < t->ncpus; cpu++)
			t->cpu[cpu].isolated |= cpuset_has(&s, cpu);
}

static bool quota_at(const struct plx_sys *sys, const struct topo_cgroup_place *at, bool v1, long long *quota,
                     long long *period)
{
	char text[64], more[64];

	if (!v1)
		return read_at(sys, at, "cpu.max", text, sizeof(text)) > 0 &&
		       sscanf(text, "%lld %lld", quota, period) == 2;
	return read_at(sys, at, "cpu.cfs_quota_us", text, sizeof(text)) > 0 &&
	       read_at(sys, at, "cpu.cfs_period_us", more, sizeof(more)) > 0 &&
	       sscanf(text, "%lld", quota) == 1 && sscanf(more, "%lld", period) == 1;
}

/* The tightest of the limits from here to the top. */
static void quota(const struct plx_sys *sys, struct topo *t, struct topo_cgroup_place at)
{
	do {
		long long q, p;

		if (!quota_at(sys, &at, t->time.version == 1, &q, &p) || q <= 0 || p <= 0)
			continue;
		if (t->quota_us && (double)q / (double)p >= (double)t->quota_us / (double)t->period_us)
			continue;
		t->quota_us = (uint64_t)q;
		t->period_us = (uint64_t)p;
	} while (topo_cgroup_up(&at));
}

void topo_cgroups(const struct plx_sys *sys, struct topo *t)
{
	char own[CGROUP_MAX], *mounts = malloc(MOUNTS_MAX);
	struct topo_cgroup_place at;

	if (!mounts || plx_file_read(sys, "/proc/self/cgroup", own, sizeof(own)) <= 0 ||
	    plx_file_read(sys, "/proc/self/mountinfo", mounts, MOUNTS_MAX) <= 0) {
		free(mounts);
		return;
	}
	if (topo_cgroup_find(own, mounts, "cpuset", true, &t->cpuset, &at) ||
	    topo_cgroup_find(own, mounts, "cpuset", false, &t->cpuset, &at))
		cpuset(sys, t, &at);
	if (topo_cgroup_find(own, mounts, "cpu", true, &t->time, &t->time_at) ||
	    topo_cgroup_find(own, mounts, "cpu", false, &t->time, &t->time_at))
		quota(sys, t, t->time_at);
	topo_limits(sys, t, own, mounts);
	free(mounts);
}

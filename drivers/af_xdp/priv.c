/* SPDX-License-Identifier: MIT */
/* priv.c - which privilege is missing: all of them at once, each with the call that needs
   it; cold, called only after a refusal. */
#include "af_xdp.h"
#include "plx_text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { NET_ADMIN = 12, NET_RAW = 13, IPC_LOCK = 14, SYS_ADMIN = 21, BPF = 39,
       PROGRAM_KIB = 128 }; /* locked for one steering program: whole pages of its maps, which make 92 KiB with 1024
                               queues, and of itself */

/* The text behind `key` in a file of /proc; NULL if it cannot be read. */
static const char *proc_value(const struct plx_sys *sys, const char *path, const char *key, char *buf, size_t len)
{
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);
	size_t at = 0;
	ssize_t n;

	if (fd < 0)
		return NULL;
	while (at < len - 1 && (n = sys->read(fd, buf + at, len - 1 - at)) > 0)
		at += (size_t)n;
	sys->close(fd);
	buf[at] = 0;
	char *p = strstr(buf, key);
	return p ? p + strlen(key) : NULL;
}

static void add(char *buf, size_t len, const char *cap, const char *call)
{
	plx_text_add(buf, len, "%s%s for %s", *buf ? ", " : "missing ", cap, call);
}

#define HAS(c) (have & (UINT64_C(1) << (c)))

static bool capabilities(const struct plx_sys *sys, uint64_t *have)
{
	char text[8192];
	const char *v = proc_value(sys, "/proc/self/status", "CapEff:", text, sizeof(text));

	*have = v ? strtoull(v, NULL, 16) : 0;
	return v != NULL;
}

void ax_priv_missing(const struct plx_sys *sys, const struct plx_pool *pool, char *buf, size_t len)
{
	uint64_t have, need = (uint64_t)pool->frames * pool->frame_size;
	char text[8192];

	*buf = 0;
	if (!capabilities(sys, &have))
		return;
	if (!HAS(NET_RAW))
		add(buf, len, "CAP_NET_RAW", "socket(AF_XDP)");
	if (!HAS(BPF) && !HAS(SYS_ADMIN))
		add(buf, len, "CAP_BPF", "bpf(BPF_MAP_CREATE, BPF_PROG_LOAD)");
	if (!HAS(NET_ADMIN))
		add(buf, len, "CAP_NET_ADMIN", "bpf(BPF_PROG_LOAD, BPF_LINK_CREATE)");
	if (!HAS(IPC_LOCK)) {
		const char *v = proc_value(sys, "/proc/self/limits", "Max locked memory", text, sizeof(text));
		/* "unlimited" reads as 0 */
		uint64_t limit = v ? strtoull(v, NULL, 10) : 0;
		if (limit && limit < need)
			add(buf, len, "CAP_IPC_LOCK (or ulimit -l above the pool)", "setsockopt(XDP_UMEM_REG)");
	}
	if (*buf)
		plx_text_add(buf, len, ": run as root, or give them with setcap or systemd AmbientCapabilities=");
}

/* Since 5.11 the cgroup is charged. */
static bool counts_bpf(const struct plx_sys *sys)
{
	unsigned major, minor;
	char text[128];
	const char *v = proc_value(sys, "/proc/sys/kernel/osrelease", "", text, sizeof(text));

	return !v || sscanf(v, "%u.%u", &major, &minor) != 2 || major < 5 || (major == 5 && minor < 11);
}

/* libbpf lifts the limit by itself, if it may: with CAP_SYS_RESOURCE. */
void ax_priv_memlock(const struct plx_sys *sys, const struct plx_pool *pool, unsigned programs, char *buf, size_t len)
{
	uint64_t have, need = (uint64_t)programs * PROGRAM_KIB;
	struct rlimit r;

	*buf = 0;
	if (capabilities(sys, &have) && !HAS(IPC_LOCK)) /* then frames count as well */
		need += ((uint64_t)pool->frames * pool->frame_size + 1023) >> 10;
	if (sys->prlimit(0, RLIMIT_MEMLOCK, NULL, &r) || r.rlim_cur == RLIM_INFINITY || r.rlim_cur >> 10 >= need ||
	    !counts_bpf(sys))
		return;
	plx_text_add(buf, len, "a kernel before 5.11 counts its maps as locked memory, the limit is %" PRIu64 " KiB, and %"
	             PRIu64 " are needed: raise it with ulimit -l %" PRIu64 " or LimitMEMLOCK=, or grant CAP_SYS_RESOURCE",
	             (uint64_t)r.rlim_cur >> 10, need, need);
}

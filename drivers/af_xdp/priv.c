/* SPDX-License-Identifier: MIT */
/* priv.c - which privilege is missing, for a port with its pool; cold, called only after a refusal. */
#include "af_xdp.h"
#include "file.h"
#include "plx_text.h"
#include "privileges.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>

enum { PROGRAM_KIB = 128 }; /* locked for one steering program: whole pages of its maps, which make 92 KiB with 1024
                               queues, and of itself */

static uint64_t memlock(const struct plx_sys *sys)
{
	struct rlimit r;

	return sys->prlimit(0, RLIMIT_MEMLOCK, NULL, &r) || r.rlim_cur == RLIM_INFINITY ? UINT64_MAX : r.rlim_cur;
}

static uint64_t bytes_of(const struct plx_pool *pool)
{
	return (uint64_t)pool->frames * pool->frame_size;
}

void ax_priv_missing(const struct plx_sys *sys, const struct plx_pool *pool, char *buf, size_t len)
{
	char text[512];
	uint64_t missing;

	*buf = 0;
	if (privileges_read(sys, "/proc/self/status", &missing))
		return;
	privileges_text(missing, memlock(sys), bytes_of(pool), text, sizeof(text));
	if (*text)
		plx_text_add(buf, len, "missing %s", text);
}

/* Since 5.11 the cgroup is charged. */
static bool counts_bpf(const struct plx_sys *sys)
{
	unsigned major, minor;
	char text[128];
	int n = plx_file_read(sys, "/proc/sys/kernel/osrelease", text, sizeof(text));

	return n < 0 || sscanf(text, "%u.%u", &major, &minor) != 2 || major < 5 || (major == 5 && minor < 11);
}

/* libbpf lifts the limit by itself, if it may: with CAP_SYS_RESOURCE. */
void ax_priv_memlock(const struct plx_sys *sys, const struct plx_pool *pool, unsigned programs, char *buf, size_t len)
{
	uint64_t missing, need = (uint64_t)programs * PROGRAM_KIB, limit = memlock(sys);

	*buf = 0;
	if (!privileges_read(sys, "/proc/self/status", &missing) && privileges_lack(missing, CAP_IPC_LOCK))
		need += (bytes_of(pool) + 1023) >> 10; /* then frames count as well */
	if (limit >> 10 >= need || !counts_bpf(sys))
		return;
	plx_text_add(buf, len,
	             "a kernel before 5.11 counts its maps as locked memory, the limit is %" PRIu64 " KiB, and %" PRIu64
	             " are needed: raise it with ulimit -l %" PRIu64 " or LimitMEMLOCK=, or grant CAP_SYS_RESOURCE",
	             limit >> 10, need, need);
}

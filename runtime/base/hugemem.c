/* SPDX-License-Identifier: MIT */
/* hugemem.c - segments of memory by the ladder 1 GiB, 2 MiB, 4 KiB.  Cold; the memory stage
   calls it, and nothing here is used after the start.

   Hugepages come from memfd_create(MFD_HUGETLB): no mount, no file that a crash leaves.
   Each rung is mapped, bound to its node and touched before it counts as held, because a
   hugepage that was reserved from another node's stock fails only at its first touch, by
   SIGBUS; MADV_POPULATE_WRITE and read() into the page return it as an error instead. */
#include "hugemem.h"
#include "plx_text.h"
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif
#define KIB4 (4ull << 10)
#define MIB2 (2ull << 20)
#define GIB1 (1ull << 30)

/* touch makes every page present, or says why not; never by a signal. */
static int touch(const struct plx_sys *sys, uint8_t *addr, uint64_t len, uint64_t page)
{
	int fd, err = 0;

	if (!sys->madvise(addr, len, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* before Linux 5.14: let the kernel write a byte into each page */
	fd = sys->open("/dev/zero", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	for (uint64_t off = 0; off < len && !err; off += page)
		if (sys->read(fd, addr + off, 1) != 1)
			err = -errno;
	sys->close(fd);
	return err;
}

/* bind_node: 0, or -errno if the policy could not be set.  Small pages only prefer the
   node: bound to one that runs out, the kernel would kill the process. */
static int bind_node(const struct plx_sys *sys, void *addr, uint64_t len, int node, uint64_t page)
{
	unsigned long mask = 1ul << node;
	int mode = page == KIB4 ? MPOL_PREFERRED : MPOL_BIND;

	return sys->mbind(addr, len, mode, &mask, sizeof(mask) * 8 + 1, MPOL_MF_STRICT) ? -errno : 0;
}

/* misplaced counts sampled pages that stand on another node; 0 if that cannot be told. */
static unsigned misplaced(const struct plx_sys *sys, uint8_t *addr, uint64_t len, uint64_t page, int node)
{
	void *pages[64];
	int status[64];
	uint64_t all = len / page, n = all < 64 ? all : 64;
	unsigned bad = 0;

	for (uint64_t i = 0; i < n; i++) {
		pages[i] = addr + all * i / n * page;
		status[i] = -1;
	}
	if (sys->move_pages(0, n, pages, NULL, status, 0))
		return 0;
	for (uint64_t i = 0; i < n; i++)
		bad += status[i] >= 0 && status[i] != node;
	return bad;
}

/* map_huge and map_small return the mapping or NULL with errno. */
static void *map_huge(const struct plx_sys *sys, const char *name, uint64_t len, uint64_t page)
{
	unsigned log2 = (unsigned)__builtin_ctzll(page);
	int fd = sys->memfd_create(name, MFD_CLOEXEC | MFD_HUGETLB | log2 << MFD_HUGE_SHIFT);
	void *p = MAP_FAILED;
	int err;

	if (fd < 0)
		return NULL;
	if (!sys->ftruncate(fd, (off_t)len))
		p = sys->mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = errno;
	sys->close(fd);
	errno = err;
	return p == MAP_FAILED ? NULL : p;
}

/* Anonymous rather than memfd: 64 MiB were ready in 19-38 ms with MADV_HUGEPAGE, in 30-48 ms
   without, in 35-44 ms by memfd, where huge pages need a mount option too. */
static void *map_small(const struct plx_sys *sys, uint64_t len)
{
	void *p = sys->mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	sys->madvise(p, len, MADV_HUGEPAGE);
	return p;
}

static const char *page_name(uint64_t page)
{
	return page == GIB1 ? "1 GiB" : page == MIB2 ? "2 MiB" : "4 KiB";
}

/* rung tries one page size.  0, or -errno and nothing mapped. */
static int rung(struct mem_seg *s, const struct plx_sys *sys, const char *name, uint64_t len, int node, uint64_t page)
{
	uint64_t size = (len + page - 1) & ~(page - 1);
	void *p = page == KIB4 ? map_small(sys, size) : map_huge(sys, name, size, page);
	int err = p ? 0 : -errno, bound = -1;

	if (err)
		return err;
	if (node >= 0)
		bound = bind_node(sys, p, size, node, page);
	err = touch(sys, p, size, page);
	if (err) {
		sys->munmap(p, size);
		return err;
	}
	sys->madvise(p, size, MADV_DONTFORK);
	sys->madvise(p, size, MADV_DONTDUMP);
	s->addr = p;
	s->len = size;
	s->page = page;
	s->node = bound ? -1 : node;
	plx_text_add(s->why, sizeof(s->why), "%s pages", page_name(page));
	if (node >= 0 && bound)
		plx_text_add(s->why, sizeof(s->why), ", not bound to node %d (%s)", node, strerror(-bound));
	else if (node >= 0 && misplaced(sys, p, size, page, node))
		plx_text_add(s->why, sizeof(s->why), ", partly on another node than %d", node);
	return 0;
}

/* refusal: a page that the mapping was promised and did not get is a bad address. */
static const char *refusal(int err, uint64_t page)
{
	if (err == -EFAULT && page != KIB4)
		return "none left on the node, or beyond hugetlb.*.max of the cgroup: EFAULT";
	return strerror(-err);
}

/* fix writes the command that gives a node the hugepages for len bytes. */
static void fix(char *buf, size_t size, uint64_t len, int node)
{
	char path[96] = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

	if (node >= 0)
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages",
		         node);
	snprintf(buf, size, "echo $(($(cat %s) + %llu)) > %s", path, (unsigned long long)((len + MIB2 - 1) / MIB2),
	         path);
}

int mem_seg_alloc(struct mem_seg *s, const struct plx_sys *sys, const struct plx_log *log,
                  const char *name, uint64_t len, int node, enum plx_policy huge)
{
	static const uint64_t pages[] = { GIB1, MIB2, KIB4 };
	char line[300];
	int err = -ENOMEM;

	memset(s, 0, sizeof(*s));
	s->node = -1;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(pages); i++) {
		if (pages[i] == GIB1 && len < GIB1)
			continue;
		if (pages[i] == KIB4 ? huge == PLX_REQUIRE : huge == PLX_NEVER)
			continue;
		err = rung(s, sys, name, len, node, pages[i]);
		if (!err && pages[i] == KIB4 && huge != PLX_NEVER) {
			fix(line, sizeof(line), len, node);
			plx_logf(log, PLX_LOG_NOTICE, "memory %s: %s: hugepages by %s", name, s->why, line);
		}
		if (!err)
			return 0;
		plx_text_add(s->why, sizeof(s->why), "%s pages refused (%s), ", page_name(pages[i]),
		             refusal(err, pages[i]));
	}
	fix(line, sizeof(line), len, node);
	plx_logf(log, PLX_LOG_ERROR, "memory %s: no %llu KiB%s (%s): %s%s", name, (unsigned long long)(len >> 10),
	         huge == PLX_REQUIRE ? " of hugepages, with --huge=require" : "",
	         refusal(err, huge == PLX_REQUIRE ? MIB2 : KIB4),
	         huge == PLX_REQUIRE ? "" : "free memory, or ask for less with -m", huge == PLX_REQUIRE ? line : "");
	return -ENOMEM;
}

void mem_seg_free(struct mem_seg *s, const struct plx_sys *sys)
{
	if (s->addr)
		sys->munmap(s->addr, s->len);
	memset(s, 0, sizeof(*s));
	s->node = -1;
}

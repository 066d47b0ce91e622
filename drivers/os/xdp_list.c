/* SPDX-License-Identifier: MIT */
/* xdp_list.c - the programs on an interface's XDP hook, as libxdp tells them, and their bpf_links,
   as the kernel does; cold; plx_sys's way to both. */
#include "xdp.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xdp/libxdp.h>

enum { LOCK_TRIES = 20, LOCK_NS = 5000000 };

/* ---- what libxdp tells ---- */

static struct plx_xdp_called called(const struct xdp_program *p)
{
	struct plx_xdp_called c = { .prio = PLX_XDP_PRIO_NONE };
	const char *name = p ? xdp_program__name(p) : NULL;

	if (!p)
		return c;
	c.id = xdp_program__id(p);
	snprintf(c.name, sizeof(c.name), "%.*s", (int)sizeof(c.name) - 1, name ? name : "");
	memcpy(c.tag, xdp_program__tag(p), sizeof(c.tag));
	return c;
}

/* libxdp calls a dispatcher whose pins it cannot read a single program. */
static void tell(const struct xdp_multiprog *mp, struct plx_xdp_list *l)
{
	static const uint8_t modes[] = { [XDP_MODE_NATIVE] = XDP_ATTACHED_DRV, [XDP_MODE_SKB] = XDP_ATTACHED_SKB,
	                                 [XDP_MODE_HW] = XDP_ATTACHED_HW };
	unsigned mode = xdp_multiprog__attach_mode(mp);

	l->main = called(xdp_multiprog__main_prog(mp));
	l->hw = called(xdp_multiprog__hw_prog(mp));
	l->mode = !l->main.id ? XDP_ATTACHED_HW : mode < PLX_ARRAY_SIZE(modes) ? modes[mode] : 0;
	l->dispatcher = (l->main.id && !xdp_multiprog__is_legacy(mp)) || !strcmp(l->main.name, "xdp_dispatcher");
	for (struct xdp_program *p = NULL; l->ncalled < PLX_XDP_CALLED_MAX && (p = xdp_multiprog__next_prog(p, mp));) {
		l->called[l->ncalled] = called(p);
		l->called[l->ncalled++].prio = (int32_t)xdp_program__run_prio(p);
	}
}

/* libxdp waits for its lock, which is a directory, however long another process holds it. */
static bool lock_is_free(void)
{
	const struct timespec t = { 0, LOCK_NS };
	const char *bpffs = secure_getenv("LIBXDP_BPFFS");
	char dir[512];
	int err = 0;

	snprintf(dir, sizeof(dir), "%s/xdp", bpffs ? bpffs : "/sys/fs/bpf");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return true;
	for (int i = 0; i < LOCK_TRIES && (err = flock(fd, LOCK_SH | LOCK_NB)); i++)
		nanosleep(&t, NULL);
	close(fd);
	return !err;
}

static int ask_libxdp(uint32_t ifindex, struct plx_xdp_list *l)
{
	if (!lock_is_free())
		return -EBUSY;
	errno = 0;
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)ifindex);
	int err = (int)libxdp_get_error(mp);

	if (err || !mp)
		return err ? err : -ENOENT;
	tell(mp, l);
	xdp_multiprog__close(mp);
	return l->main.id || l->hw.id ? 0 : -ENOENT;
}

/* ---- what the kernel tells of links ---- */

/* A program that replaces a function of the dispatcher runs in the place of that function: prog0 comes first. */
static void add_by_link(struct plx_xdp_list *l, const struct bpf_link_info *info)
{
	struct plx_xdp_called *c = &l->called[l->ncalled];
	struct bpf_prog_info prog = { 0 };
	uint32_t len = sizeof(prog);
	int fd = bpf_prog_get_fd_by_id(info->prog_id);

	*c = (struct plx_xdp_called){ .id = info->prog_id, .prio = PLX_XDP_PRIO_NONE };
	l->ncalled++;
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &prog, &len)) {
		snprintf(c->name, sizeof(c->name), "%.*s", (int)sizeof(prog.name), prog.name);
		memcpy(c->tag, prog.tag, sizeof(c->tag));
	}
	close(fd);
}

static void look_at_link(uint32_t ifindex, struct plx_xdp_list *l, uint32_t id, bool pins)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_link_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		len = 0;
	close(fd);
	if (!len)
		return;
	if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == ifindex &&
	    info.prog_id == (l->main.id ? l->main.id : l->hw.id))
		l->link = id;
	else if (info.type == BPF_LINK_TYPE_TRACING && l->dispatcher && !pins && l->ncalled < PLX_XDP_CALLED_MAX &&
	         info.tracing.target_obj_id == l->main.id)
		add_by_link(l, &info);
}

/* A link may be pinned, so that no process holds it; and where no BPF file system is in sight only the links tell what
   a dispatcher calls. */
static void ask_links(uint32_t ifindex, struct plx_xdp_list *l)
{
	const bool pins = l->ncalled;

	for (uint32_t id = 0; !bpf_link_get_next_id(id, &id);)
		look_at_link(ifindex, l, id, pins);
}

/* ---- a thread for it ---- */

struct question { uint32_t ifindex; struct plx_xdp_list *l; int err; };

/* libxdp 1.3.1 forgets a descriptor of the program, by which it would stay in the kernel when its owner takes it off.
   So it gets a table of descriptors that ends with this thread, and nothing of the process's in it. */
static int own_descriptors(void)
{
	const unsigned unshare_too = 2; /* CLOSE_RANGE_UNSHARE, since 5.9 */

	if (!syscall(SYS_close_range, 3u, ~0u, unshare_too))
		return 0;
	return unshare(CLONE_FILES) ? -ENOSYS : 0; /* a sandbox that forbids it says nothing of rights to look */
}

static void *ask(void *arg)
{
	struct question *q = arg;

	q->err = own_descriptors();
	if (q->err)
		return NULL;
	plx_bpf_quiet_begin();
	q->err = ask_libxdp(q->ifindex, q->l);
	if (!q->err)
		ask_links(q->ifindex, q->l);
	plx_bpf_quiet_end();
	syscall(SYS_close_range, 3u, ~0u, 0u); /* whoever waits for this thread does not wait for its table */
	return NULL;
}

int plx_xdp_list_linux(uint32_t ifindex, struct plx_xdp_list *l)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* libxdp keeps what it found in static memory */
	struct question q = { .ifindex = ifindex, .l = l };
	sigset_t all, old;
	pthread_t t;

	memset(l, 0, sizeof(*l));
	sigfillset(&all);
	pthread_mutex_lock(&lock);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* the program's handlers are not for this thread */
	int err = -pthread_create(&t, NULL, ask, &q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!err)
		pthread_join(t, NULL);
	pthread_mutex_unlock(&lock);
	return err ? err : q.err;
}

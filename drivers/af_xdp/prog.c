/* SPDX-License-Identifier: MIT */
/* prog.c - the steering program of an interface: loaded from its skeleton, attached by a
   bpf_link that is not pinned, so that it is gone with the process however that ends.
   All ports of an environment on one interface share it; it is attached while one of
   them is read.  Cold; main thread, or the one that repairs. */
#include "af_xdp.h"
#include "plx_text.h"
#include "xdp.h"
#include "steer.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { QUEUES_MIN = 64, VERIFIER_LOG = 16384, GRACE_NS = 50000000, DYING_NS = 20000000,
       LOAD_FDS = 12 }; /* descriptors that loading takes, at most */

/* One for each interface of this process: the hook of an interface is one thing, whoever
   opens ports on it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ax_prog *progs;

/* The last line the verifier wrote, in place: its summary has no newline behind it. */
static const char *last_line(char *log)
{
	size_t n = strlen(log);
	char *end;

	while (n && log[n - 1] == '\n')
		log[--n] = 0;
	end = strrchr(log, '\n');
	return end && !strncmp(end + 1, "processed ", 10) ? (*end = 0, last_line(log)) : end ? end + 1 : log;
}

static int load_once(struct ax_prog *g, const struct plx_sys *sys, bool frags, char *log)
{
	struct steer_bpf *skel = steer_bpf__open();

	if (!skel)
		return -errno;
	bpf_map__set_max_entries(skel->maps.xsks, g->queues);
	bpf_program__set_flags(skel->progs.steer, frags ? BPF_F_XDP_HAS_FRAGS : 0);
	bpf_program__set_log_buf(skel->progs.steer, log, VERIFIER_LOG);
	int err = sys->bpf_load(skel->skeleton);
	if (err) {
		steer_bpf__destroy(skel);
		return err;
	}
	g->skel = skel;
	g->queue = skel->bss->queue;
	g->frags = frags;
	return 0;
}

/* libbpf tells a map that could not be made for want of a descriptor as a program that is wrong. */
static int real_error(const struct plx_sys *sys, int err)
{
	int fd[LOAD_FDS], n = 0;

	while (n < LOAD_FDS && (fd[n] = sys->eventfd(0, EFD_CLOEXEC)) >= 0)
		n++;
	if (n < LOAD_FDS && (errno == EMFILE || errno == ENFILE))
		err = -errno;
	while (n--)
		sys->close(fd[n]);
	return err;
}

static bool of_ours(int err)
{
	return err == -EPERM || err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/* explain_refused: of rights first, for what they lack hides the rest. */
static void explain_refused(const struct ax_port *p)
{
	const struct plx_sys *sys = p->base.sys;
	unsigned programs = 1;
	char why[512];

	for (const struct ax_prog *g = progs; g; g = g->next)
		programs++;
	ax_priv_missing(sys, p->base.pool, why, sizeof(why));
	if (!*why)
		ax_priv_memlock(sys, p->base.pool, programs, why, sizeof(why));
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program was refused (EPERM): %s", p->base.name,
	         *why ? why :
	                "unprivileged user namespace, lockdown or a security module: load it as root of the first user "
	                "namespace");
}

/* Older kernels do not know frames of several buffers. */
static int load(struct ax_prog *g, struct ax_port *p)
{
	const struct plx_sys *sys = p->base.sys;
	char *log = calloc(1, VERIFIER_LOG);
	int err = log ? -EINVAL : -ENOMEM;

	plx_bpf_quiet_begin();
	for (int frags = 1; log && frags >= 0; frags--) {
		*log = 0;
		err = load_once(g, sys, frags, log);
		err = err ? real_error(sys, err) : 0;
		if (!err || of_ours(err))
			break;
	}
	plx_bpf_quiet_end();
	if (err == -EPERM) {
		explain_refused(p);
	} else if (err == -EMFILE || err == -ENFILE) {
		plx_logf(p->base.log, PLX_LOG_ERROR,
		         "%s: no descriptors for the steering program (%s): raise ulimit -n", p->base.name,
		         strerrorname_np(-err));
	} else if (err) {
		plx_logf(p->base.log, PLX_LOG_ERROR,
		         "%s: the steering program does not load (%s)%s%s: use driver=packet", p->base.name,
		         strerrorname_np(-err), log && *log ? ": " : "", log ? last_line(log) : "");
	}
	free(log);
	return !err || of_ours(err) ? err : -EOPNOTSUPP;
}

/* Somebody has the hook: say who and how to free it. */
static void explain_busy(struct ax_port *p, uint32_t ifindex, int err)
{
	struct plx_xdp_info x;
	char who[PLX_XDP_WHO_MAX], how[PLX_QUOTED_MAX + 256];

	plx_xdp_query(ifindex, &x, p->base.sys);
	plx_xdp_programs(ifindex, &x, p->base.sys);
	plx_xdp_owner(&x, p->base.sys);
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: its XDP hook is held by %s (%s): %s", p->base.name,
	         plx_xdp_who(&x, who, sizeof(who)), strerrorname_np(-err),
	         plx_xdp_free(&x, p->base.name, how, sizeof(how)));
}

/* Whoever has the hook by a link is in no process any more: the kernel takes it down when the last of
   a killed process is gone, which may be a moment from now.  Without a link it stays until somebody takes it off. */
static bool is_dying(const struct ax_prog *g, const struct ax_port *p)
{
	struct plx_xdp_info x;

	if (plx_xdp_query(g->ifindex, &x, p->base.sys))
		return false;
	return !x.id || (plx_xdp_linked(g->ifindex, bpf_program__fd(g->skel->progs.steer)) &&
	                 plx_xdp_owner(&x, p->base.sys) == -ENOENT);
}

static int link_create(struct ax_prog *g, struct ax_port *p)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = g->native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	const struct plx_sys *sys = p->base.sys;
	const uint64_t end = plx_sys_now(sys) + p->base.conf.bind_timeout_ms * UINT64_C(1000000);
	int fd;

	for (;;) {
		fd = sys->bpf_link_create(bpf_program__fd(g->skel->progs.steer), (int)g->ifindex, BPF_XDP, &o);
		if ((fd != -EBUSY && fd != -EEXIST) || !is_dying(g, p) || plx_sys_now(sys) >= end)
			return fd;
		plx_sys_sleep(sys, DYING_NS);
	}
}

static int attach(struct ax_prog *g, struct ax_port *p)
{
	const struct plx_sys *sys = p->base.sys;
	char missing[512];
	int fd = link_create(g, p);

	if (fd >= 0) {
		struct bpf_link_info info;

		g->prog = sys->bpf_link_info(fd, &info) ? 0 : info.prog_id;
		__atomic_store_n(&g->link, fd, __ATOMIC_RELEASE);
		return 0;
	}
	/* EEXIST: a program of the other mode is there */
	if (fd == -EBUSY || fd == -EEXIST) {
		explain_busy(p, g->ifindex, fd);
		return -EBUSY;
	}
	if (fd == -EPERM) {
		ax_priv_missing(sys, p->base.pool, missing, sizeof(missing));
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program may not be attached (EPERM): %s",
		         p->base.name, *missing ? missing : "the interface belongs to another user namespace");
	} else if (!ax_mode_refused(fd)) {
		ax_explain_attach(p, fd);
	}
	return fd; /* what is left is for the ladder */
}

static void detach(struct ax_prog *g, const struct plx_sys *sys)
{
	int fd = __atomic_exchange_n(&g->link, -1, __ATOMIC_ACQ_REL);

	if (fd >= 0)
		sys->close(fd);
}

static uint64_t counted(const struct ax_prog *g, uint32_t queue, unsigned verdict)
{
	return __atomic_load_n(&g->queue[queue].count[verdict], __ATOMIC_RELAXED);
}

/* ---- the table ---- */

static struct ax_prog *find(uint64_t netns, uint32_t ifindex)
{
	struct ax_prog *g = progs;

	while (g && (g->netns != netns || g->ifindex != ifindex))
		g = g->next;
	return g;
}

/* A program that is there already has to suit p. */
static int join(const struct ax_prog *g, const struct ax_port *p, bool native)
{
	const struct plx_port *b = &p->base;
	const uint32_t end = b->conf.queue + p->nsock;

	if (g->owner != b->conf.owner) {
		plx_logf(b->log, PLX_LOG_ERROR,
		         "%s: another environment of this process has it (EBUSY): open both ports in one "
		         "environment, or take another interface",
		         b->name);
		return -EBUSY;
	}
	for (uint32_t q = b->conf.queue; q < end; q++) {
		if (!(g->taken[q / 8] >> q % 8 & 1))
			continue;
		plx_logf(b->log, PLX_LOG_ERROR,
		         "%s: queue %u is open already in another port of this process (EBUSY): use queue= "
		         "and queues= so that ports do not overlap",
		         b->name, q);
		return -EBUSY;
	}
	return g->native == native ? 0 : -EEXIST; /* for the ladder */
}

static struct ax_prog *make(struct ax_port *p, uint64_t netns, uint32_t ifindex, uint32_t queues, bool native, int *err)
{
	struct ax_prog *g = calloc(1, sizeof(*g));

	*err = -ENOMEM;
	if (!g) {
		plx_logf(p->base.log, PLX_LOG_ERROR,
		         "%s: no memory for its steering program (ENOMEM): free some, or raise the "
		         "limit of the cgroup",
		         p->base.name);
		return NULL;
	}
	*g = (struct ax_prog){ .next = progs,
		               .owner = p->base.conf.owner,
		               .netns = netns,
		               .ifindex = ifindex,
		               .link = -1,
		               .native = native,
		               .queues = queues < QUEUES_MIN ? QUEUES_MIN : queues };
	*err = load(g, p);
	if (*err) {
		free(g);
		return NULL;
	}
	progs = g;
	return g;
}

static void mark_bit(uint8_t *map, uint32_t q, bool is)
{
	if (is)
		map[q / 8] |= (uint8_t)(1u << q % 8);
	else
		map[q / 8] &= (uint8_t)~(1u << q % 8);
}

/* A program that other ports kept has counted for whoever had the queues before. */
static void begin_count(const struct ax_prog *g, struct ax_port *p)
{
	for (uint32_t i = 0; i < p->nsock; i++)
		for (unsigned v = 0; v < STEER_VERDICT_N; v++)
			p->before[i][v] = counted(g, p->base.conf.queue + i, v);
}

static void mark(struct ax_prog *g, const struct ax_port *p, bool taken)
{
	const uint32_t first = p->base.conf.queue;

	for (uint32_t i = 0; i < p->nsock; i++) {
		PLX_ASSERT((g->taken[(first + i) / 8] >> (first + i) % 8 & 1) != taken); /* a queue has one port */
		mark_bit(g->taken, first + i, taken);
		mark_bit(g->reads, first + i, taken && ax_reads(p) && i < p->base.nrx);
	}
}

/* ax_prog_reads gives the device queues that ports of g receive on, and how many ports it has: true
   for the first who asks, for one line is enough for all ports of an interface. */
bool ax_prog_reads(struct ax_prog *g, uint8_t reads[STEER_QUEUES / 8], unsigned *users)
{
	pthread_mutex_lock(&lock);
	const bool first = !g->unread_told;

	g->unread_told = true;
	memcpy(reads, g->reads, sizeof(g->reads));
	*users = g->users;
	pthread_mutex_unlock(&lock);
	return first;
}

/* ax_prog_get gives p the program of its interface, native or generic, and loads it if p is
   the first.  0; -EEXIST: another port has it in the other mode, nothing is logged;
   -EBUSY, -EPERM, -ENOMEM, -EMFILE, -EOPNOTSUPP (no kernel or mode will help): logged. */
int ax_prog_get(struct ax_port *p, const struct plx_link_info *li, bool native)
{
	const uint64_t netns = ax_netns(p->base.sys);
	int err = 0;

	PLX_ASSERT(!p->prog);
	if (p->base.conf.queue + p->nsock > STEER_QUEUES) {
		plx_logf(p->base.log, PLX_LOG_ERROR,
		         "%s: queues from %u on are beyond the %u that the steering program knows (EINVAL): "
		         "lower queue= or queues=",
		         p->base.name, STEER_QUEUES, STEER_QUEUES);
		return -EINVAL;
	}
	pthread_mutex_lock(&lock);
	struct ax_prog *g = find(netns, li->ifindex);

	if (g)
		err = join(g, p, native);
	else
		g = make(p, netns, li->ifindex, li->rxqs_max > li->rxqs ? li->rxqs_max : li->rxqs, native, &err);
	if (!err) {
		g->users++;
		mark(g, p, true);
		begin_count(g, p);
		p->prog = g;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

/* ax_prog_put: p has it no more; the last one unloads it. */
void ax_prog_put(struct ax_port *p)
{
	struct ax_prog *g = p->prog, **at = &progs;

	if (!g)
		return;
	ax_prog_steer(p, false);
	pthread_mutex_lock(&lock);
	PLX_ASSERT(g->users && !p->steers);
	p->prog = NULL;
	mark(g, p, false);
	if (!--g->users) {
		while (*at && *at != g)
			at = &(*at)->next;
		PLX_ASSERT(*at);
		*at = g->next;
		steer_bpf__destroy(g->skel);
		free(g);
	}
	pthread_mutex_unlock(&lock);
}

/* ax_prog_steer: p wants the program on the interface, or does not any more.  0, or as
   attach: -EBUSY and -EPERM are logged. */
int ax_prog_steer(struct ax_port *p, bool on)
{
	struct ax_prog *g = p->prog;
	int err = 0;

	if (!g || p->steers == on)
		return 0;
	pthread_mutex_lock(&lock);
	if (on && g->link < 0)
		err = attach(g, p);
	if (!err) {
		p->steers = on;
		g->steering += on ? 1u : -1u;
		PLX_ASSERT(g->steering <= g->users);
		if (!g->steering)
			detach(g, p->base.sys);
	}
	pthread_mutex_unlock(&lock);
	return err;
}

/* ax_prog_leave: the interface is gone, or another namespace's: there it is the host's at once. */
void ax_prog_leave(struct ax_port *p)
{
	if (!p->prog)
		return;
	pthread_mutex_lock(&lock);
	detach(p->prog, p->base.sys);
	pthread_mutex_unlock(&lock);
}

/* In a child of fork: what the parent has must not live on by us.  Nothing is freed, the
   child may have been born in the middle of a change. */
static void let_go(void)
{
	for (struct ax_prog *g = progs; g; g = g->next) {
		const int fds[] = { g->link, bpf_map__fd(g->skel->maps.xsks), bpf_map__fd(g->skel->maps.bss),
		                    bpf_map__fd(g->skel->maps.grace), bpf_map__fd(g->skel->maps.nothing),
		                    bpf_program__fd(g->skel->progs.steer) };

		for (size_t i = 0; i < PLX_ARRAY_SIZE(fds); i++)
			if (fds[i] >= 0)
				close(fds[i]);
	}
	progs = NULL;
}

/* The table must be whole in the child. */
void ax_fork(enum plx_fork at)
{
	if (at == PLX_FORK_BEFORE) {
		pthread_mutex_lock(&lock);
		return;
	}
	if (at == PLX_FORK_CHILD)
		let_go();
	pthread_mutex_unlock(&lock);
}

/* ---- queues ---- */

/* From here on frames of a queue that is read can go to this socket. */
int ax_prog_map(const struct ax_prog *g, const struct plx_sys *sys, uint32_t queue, int fd)
{
	PLX_ASSERT(queue < g->queues);
	return sys->bpf_map_update(bpf_map__fd(g->skel->maps.xsks), &queue, &fd, BPF_ANY);
}

void ax_prog_unmap(const struct ax_prog *g, const struct plx_sys *sys, uint32_t queue)
{
	PLX_ASSERT(queue < g->queues);
	sys->bpf_map_delete(bpf_map__fd(g->skel->maps.xsks), &queue);
}

/* Graces of this process: how many began, and the last of those that are over. */
static uint64_t begun, over;

/* ax_prog_graces: the moment, for ax_prog_grace; what this thread stored before comes before it. */
uint64_t ax_prog_graces(void)
{
	return __atomic_fetch_add(&begun, 0, __ATOMIC_SEQ_CST); /* a write: what begins later follows what we stored */
}

/* ax_prog_grace returns when every frame that was judged by what stood before `since` has arrived where
   it was sent: the kernel waits for its running programs, of all interfaces.  Some 20 ms; none if one that began
   since is over. */
void ax_prog_grace(const struct ax_prog *g, const struct plx_sys *sys, uint64_t since)
{
	const uint32_t zero = 0;
	const int inner = bpf_map__fd(g->skel->maps.nothing);
	uint64_t last = __atomic_load_n(&over, __ATOMIC_ACQUIRE);

	if (last > since)
		return;
	const uint64_t this = __atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);

	if (sys->bpf_map_update(bpf_map__fd(g->skel->maps.grace), &zero, &inner, BPF_ANY))
		plx_sys_sleep(sys, GRACE_NS);
	while (last < this &&
	       !__atomic_compare_exchange_n(&over, &last, this, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* ---- what it counted ---- */

/* How often a verdict was given on the i-th queue of p, since p has it. */
uint64_t ax_prog_counted(const struct ax_port *p, uint32_t i, unsigned verdict)
{
	return p->prog ? counted(p->prog, p->base.conf.queue + i, verdict) - p->before[i][verdict] : 0;
}

/* The same over the queues of p. */
int ax_prog_xstats(const struct ax_port *p, struct plx_xstat *x, int n)
{
#define X(id, why) "steer_" #id,
	static const char *const names[] = { STEER_VERDICTS(X) };
#undef X
	for (uint32_t v = 0; v < STEER_VERDICT_N && (int)v < n; v++) {
		snprintf(x[v].name, sizeof(x[v].name), "%s", names[v]);
		x[v].value = 0;
		for (uint32_t i = 0; i < p->nsock; i++)
			x[v].value += ax_prog_counted(p, i, v);
	}
	return STEER_VERDICT_N;
}

/* Frames that went to the host although the interface's program was there, by queue. */
int ax_prog_passed(const struct ax_prog *g, uint64_t *n, int queues)
{
	const int have = (int)(g->queues < STEER_QUEUES ? g->queues : STEER_QUEUES);

	for (int i = 0; i < have && i < queues; i++) {
		n[i] = 0;
		for (unsigned v = STEER_redirected + 1; v < STEER_VERDICT_N; v++)
			n[i] += counted(g, (uint32_t)i, v);
	}
	return have;
}

/* The kernel clears the interface of a link that somebody detached, or that went away; the program of
   a link may be changed by whoever opens it by its id. */
int ax_prog_attached(const struct ax_prog *g, const struct plx_sys *sys)
{
	struct bpf_link_info info;
	const int fd = __atomic_load_n(&g->link, __ATOMIC_ACQUIRE);
	int err = fd < 0 ? -ENOENT : sys->bpf_link_info(fd, &info);

	return err ? err : info.xdp.ifindex && (!g->prog || info.prog_id == g->prog);
}

/* SPDX-License-Identifier: MIT */
/* prog.c - the steering program: loaded from its skeleton, attached to the interface by a
   bpf_link that is not pinned, so that it is gone with the process however that ends;
   cold; called by af_xdp.c on the main thread, the counters by any. */
#include "af_xdp.h"
#include "plx_text.h"
#include "plx_xdp.h"
#include "steer.h"
#include "steer.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { QUEUES_MIN = 64, VERIFIER_LOG = 16384 };

/* What older kernels do not know, newest first; all but the last row may be refused. */
static const struct { bool frags, coarse; } loads[] = {
	{ true, true }, { false, true }, { false, false },
};

static int no_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level; (void)fmt; (void)ap;
	return 0;
}

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

static int load_once(struct ax_prog *g, const struct plx_sys *sys, bool frags, bool coarse, char *log)
{
	struct steer_bpf *skel = steer_bpf__open();

	if (!skel)
		return -errno;
	bpf_map__set_max_entries(skel->maps.xsks, g->queues);
	bpf_map__set_max_entries(skel->maps.beats, g->queues);
	bpf_map__set_max_entries(skel->maps.passed, g->queues);
	bpf_program__set_flags(skel->progs.steer, frags ? BPF_F_XDP_HAS_FRAGS : 0);
	bpf_program__set_log_buf(skel->progs.steer, log, VERIFIER_LOG);
	skel->rodata->coarse_clock = coarse;
	int err = sys->bpf_load(skel->skeleton);
	if (err) {
		steer_bpf__destroy(skel);
		return err;
	}
	g->skel = skel;
	g->frags = frags;
	return 0;
}

static int load(struct ax_prog *g, struct ax_port *p)
{
	const struct plx_sys *sys = p->base.sys;
	char *log = calloc(1, VERIFIER_LOG), missing[512];
	int err = log ? -EINVAL : -ENOMEM;

	/* libbpf prints unless told not to, and only for the whole process */
	libbpf_print_fn_t print = libbpf_set_print(no_print);
	for (size_t i = 0; log && i < PLX_ARRAY_SIZE(loads); i++) {
		*log = 0;
		err = load_once(g, sys, loads[i].frags, loads[i].coarse, log);
		if (!err || err == -EPERM || err == -ENOMEM || err == -EMFILE || err == -ENFILE)
			break;
	}
	g->cpus = libbpf_num_possible_cpus(); /* here, where it is quiet if /sys does not tell */
	libbpf_set_print(print);
	if (err == -EPERM) {
		ax_priv_missing(sys, p->base.pool, missing, sizeof(missing));
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program was refused (EPERM): %s", p->base.name,
		         *missing ? missing : "unprivileged user namespace, lockdown or a security module: "
		         "load it as root of the first user namespace");
	} else if (err == -EMFILE || err == -ENFILE) {
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: no descriptors for the steering program (%s): raise ulimit -n",
		         p->base.name, strerrorname_np(-err));
	} else if (err) {
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program does not load (%s)%s%s: use driver=packet",
		         p->base.name, strerrorname_np(-err), log && *log ? ": " : "", log ? last_line(log) : "");
	}
	free(log);
	return err;
}

/* Somebody has the hook: say who and how to free it. */
static void explain_busy(struct ax_port *p, uint32_t ifindex, int err)
{
	struct plx_xdp_info x;
	char who[128], how[PLX_QUOTED_MAX + 160];

	plx_xdp_query(ifindex, &x, p->base.sys);
	plx_xdp_owner(&x, p->base.sys);
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: its XDP hook is held by %s (%s): %s", p->base.name,
	         plx_xdp_who(&x, who, sizeof(who)), strerrorname_np(-err),
	         plx_xdp_free(&x, p->base.name, how, sizeof(how)));
}

static int attach(struct ax_prog *g, struct ax_port *p, uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = g->native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	const struct plx_sys *sys = p->base.sys;
	char missing[512];
	int fd = sys->bpf_link_create(bpf_program__fd(g->skel->progs.steer), (int)ifindex, BPF_XDP, &o);

	if (fd >= 0) {
		struct bpf_link_info info;

		g->link = fd;
		g->prog = sys->bpf_link_info(fd, &info) ? 0 : info.prog_id;
		return 0;
	}
	/* EEXIST: a program of the other mode is there */
	if (fd == -EBUSY || fd == -EEXIST) {
		explain_busy(p, ifindex, fd);
		return -EBUSY;
	}
	if (fd == -EPERM) {
		ax_priv_missing(sys, p->base.pool, missing, sizeof(missing));
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program may not be attached (EPERM): %s", p->base.name,
		         *missing ? missing : "the interface belongs to another user namespace");
	} else if (!ax_mode_refused(fd)) {
		ax_explain_attach(p, fd);
	}
	return fd; /* what is left is for the ladder */
}

static size_t page_round(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) & ~(page - 1);
}

/* ax_prog_open loads the program for every queue the interface can have and attaches it.
   0; load_failed, or an error that is not ax_mode_refused: logged; anything else: the
   interface refused this mode, for the caller to say. */
int ax_prog_open(struct ax_prog *g, struct ax_port *p, const struct plx_link_info *li, bool native)
{
	const struct plx_sys *sys = p->base.sys;
	uint32_t most = li->rxqs_max > li->rxqs ? li->rxqs_max : li->rxqs;
	int err;

	memset(g, 0, sizeof(*g));
	g->link = -1;
	g->native = native;
	g->queues = most < QUEUES_MIN ? QUEUES_MIN : most;
	err = load(g, p);
	if (err) {
		g->load_failed = true;
		return err == -EPERM || err == -ENOMEM || err == -EMFILE || err == -ENFILE ? err : -EOPNOTSUPP;
	}
	g->skel->bss->conf.mode = p->base.conf.steer == PLX_STEER_ALL ? STEER_MODE_ALL : STEER_MODE_NONE;
	g->beat_len = page_round(g->queues * sizeof(*g->beat));
	void *at = sys->mmap(NULL, g->beat_len, PROT_READ | PROT_WRITE, MAP_SHARED,
	                     bpf_map__fd(g->skel->maps.beats), 0);
	if (at == MAP_FAILED) {
		err = -errno;
		plx_logf(p->base.log, PLX_LOG_ERROR, "%s: cannot map the heartbeats of the steering program (%s): use "
		         "driver=packet", p->base.name, strerrorname_np(-err));
		ax_prog_close(g, sys);
		return err == -EPERM ? err : -ENOMEM;
	}
	g->beat = at;
	/* without it only a warning is lost, that of frames on a queue without a socket */
	at = sys->mmap(NULL, g->beat_len, PROT_READ, MAP_SHARED, bpf_map__fd(g->skel->maps.passed), 0);
	g->passed = at == MAP_FAILED ? NULL : at;
	err = attach(g, p, li->ifindex);
	if (err)
		ax_prog_close(g, sys);
	return err;
}

void ax_prog_close(struct ax_prog *g, const struct plx_sys *sys)
{
	if (g->link >= 0)
		sys->close(g->link);
	g->link = -1;
	if (g->beat)
		sys->munmap(g->beat, g->beat_len);
	g->beat = NULL;
	if (g->passed)
		sys->munmap((void *)(uintptr_t)g->passed, g->beat_len);
	g->passed = NULL;
	steer_bpf__destroy(g->skel);
	g->skel = NULL;
}

/* From here on the queue's frames are the socket's. */
int ax_prog_claim(struct ax_prog *g, const struct plx_sys *sys, uint32_t queue, int fd)
{
	PLX_ASSERT(queue < g->queues);
	int err = sys->bpf_map_update(bpf_map__fd(g->skel->maps.xsks), &queue, &fd, BPF_ANY);

	if (!err)
		ax_prog_beat(g, queue, plx_sys_now(sys));
	return err;
}

/* And from here on the host's again.  The beat goes first: it cannot fail. */
void ax_prog_unclaim(struct ax_prog *g, const struct plx_sys *sys, uint32_t queue)
{
	ax_prog_beat(g, queue, 0);
	sys->bpf_map_delete(bpf_map__fd(g->skel->maps.xsks), &queue);
}

void ax_prog_beat(struct ax_prog *g, uint32_t queue, uint64_t now)
{
	PLX_ASSERT(queue < g->queues);
	__atomic_store_n(&g->beat[queue], now, __ATOMIC_RELAXED);
}

void ax_prog_stall(struct ax_prog *g, uint64_t stall_ns)
{
	__atomic_store_n(&g->skel->bss->conf.stall_ns, stall_ns, __ATOMIC_RELAXED);
}

/* How often each verdict was given, summed over the CPUs. */
int ax_prog_xstats(const struct ax_prog *g, const struct plx_sys *sys, struct plx_xstat *x, int n)
{
#define X(id, why) "steer_" #id,
	static const char *const names[] = { STEER_VERDICTS(X) };
#undef X
	/* the kernel writes one for each CPU, however many we took there to be */
	uint64_t *each = g->cpus > 0 ? calloc((size_t)g->cpus, sizeof(*each)) : NULL;

	for (uint32_t v = 0; v < STEER_VERDICT_N && (int)v < n; v++) {
		snprintf(x[v].name, sizeof(x[v].name), "%s", names[v]);
		x[v].value = 0;
		if (!each || sys->bpf_map_lookup(bpf_map__fd(g->skel->maps.verdicts), &v, each))
			continue;
		for (int i = 0; i < g->cpus; i++)
			x[v].value += each[i];
	}
	free(each);
	return STEER_VERDICT_N;
}

int ax_prog_passed(const struct ax_prog *g, uint64_t *n, int queues)
{
	const int have = g->passed ? (int)g->queues : 0;

	for (int i = 0; i < have && i < queues; i++)
		n[i] = __atomic_load_n(&g->passed[i], __ATOMIC_RELAXED);
	return have;
}

/* The kernel clears the interface of a link that somebody detached, or that went away; the program of
   a link may be changed by whoever opens it by its id. */
int ax_prog_attached(const struct ax_prog *g, const struct plx_sys *sys)
{
	struct bpf_link_info info;
	int err = sys->bpf_link_info(g->link, &info);

	return err ? err : info.xdp.ifindex && (!g->prog || info.prog_id == g->prog);
}

/* SPDX-License-Identifier: MIT */
/* explain.c - what a refusal of the kernel means and the one line that says so; cold, main
   thread. */
#include "af_xdp.h"
#include "plx_text.h"
#include "xdp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ax_mode_refused: another mode of XDP may succeed after this errno of an attach or a bind.  None
   helps if somebody holds the hook or queue, if a right is missing, if something of ours has run out, or if
   the interface is down or gone. */
bool ax_mode_refused(int err)
{
	static const int other[] = { EBUSY, EPERM, ENOMEM, ENOBUFS, EMFILE, ENFILE, ENODEV, ENXIO, ENETDOWN };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(other); i++)
		if (err == -other[i])
			return false;
	return true;
}

/* What an older kernel, or one built without, answers to what it does not know. */
static bool not_known(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -ENOPROTOOPT || err == -ENOSYS || err == -EAFNOSUPPORT ||
	       err == -EPROTONOSUPPORT;
}

static const char *fix_of(int err)
{
	return err == -EMFILE || err == -ENFILE ? "raise ulimit -n" :
	       err == -ENOMEM || err == -ENOBUFS ? "lower rxd=, txd= or queues=, or the pool (--mem)" :
	       err == -ENODEV || err == -ENXIO || err == -ENETDOWN ? "see ip link" : "see dmesg, or use driver=packet";
}

int ax_explain_attach(const struct ax_port *p, int err)
{
	plx_logf(p->base.log, PLX_LOG_ERROR, "%s: the steering program could not be attached (%s): %s", p->base.name,
	         strerrorname_np(-err), fix_of(err));
	return err;
}

/* The queues of a map as "0-1,3"; how many there are, and the first and the last. */
static uint32_t queues_text(char *buf, size_t len, const uint8_t *map, uint32_t queues, uint32_t *lo, uint32_t *hi)
{
	uint32_t n = 0;

	*buf = 0;
	for (uint32_t q = 0; q < queues; q++) {
		uint32_t to = q;

		if (!(map[q / 8] >> q % 8 & 1))
			continue;
		while (to + 1 < queues && map[(to + 1) / 8] >> (to + 1) % 8 & 1)
			to++;
		plx_text_add(buf, len, to > q ? "%s%u-%u" : "%s%u", n ? "," : "", q, to);
		*lo = n ? *lo : q;
		*hi = to;
		n += to - q + 1;
		q = to;
	}
	return n;
}

/* ax_explain_unread: queues that no port of the process receives on, at the first start of one of them:
   by then all ports of an environment are open. */
void ax_explain_unread(struct ax_port *p)
{
	const struct plx_port *b = &p->base;
	uint32_t queues = b->info.channels_rx, lo = 0, hi = 0, n;
	uint8_t reads[STEER_QUEUES / 8];
	char list[256], fix[PLX_QUOTED_MAX + 128] = "";
	unsigned users;

	if (!p->prog || !ax_reads(p) || !ax_prog_reads(p->prog, reads, &users))
		return;
	queues = queues < STEER_QUEUES ? queues : STEER_QUEUES;
	n = queues_text(list, sizeof(list), reads, queues, &lo, &hi);
	if (n >= queues)
		return;
	if (users == 1)
		plx_text_add(fix, sizeof(fix), "use queues=%u%s", queues, b->conf.queue ? " and no queue=" : "");
	else
		plx_text_add(fix, sizeof(fix), "have a port for each");
	/* veth has no table */
	if (n && n == hi - lo + 1 && strcmp(p->kdriver, "veth"))
		plx_text_add(fix, sizeof(fix), ", or ethtool -X %s start %u equal %u", PLX_QUOTED(b->name), lo, n);
	plx_logf(b->log, PLX_LOG_WARN, "%s: receives on queue%s %s of %u, the others' frames are the host's: %s",
	         b->name, n == 1 ? "" : "s", list, queues, fix);
}

/* ax_explain_mtu: frames beyond one buffer, which the policy forbids (call NULL) or the kernel does
   not know (err of call).  -EINVAL; -EOPNOTSUPP. */
int ax_explain_mtu(const struct ax_port *p, uint32_t mtu, const char *call, int err)
{
	const struct plx_port *b = &p->base;
	const uint32_t room = ax_umem_room(b->pool), frame = b->pool->frame_size;
	char why[128] = "multibuf=never", fix[PLX_QUOTED_MAX + 128] = "use multibuf=prefer", text[96];

	if (call) {
		snprintf(why, sizeof(why), "chains of frames are refused (%s of %s)", strerrorname_np(-err), call);
		snprintf(fix, sizeof(fix), "use driver=packet%s", b->conf.mode != PLX_XDP_AUTO ? " without mode=" : "");
	}
	if (plx_xdp_need(mtu) <= room) { /* multibuf=require */
		plx_logf(b->log, PLX_LOG_ERROR,
		         "%s: multibuf=require: %s (EOPNOTSUPP): %s, or leave it out: MTU %u fits a "
		         "frame",
		         b->name, why, fix, mtu);
		return -EOPNOTSUPP;
	}
	plx_logf(b->log, PLX_LOG_ERROR, "%s: %s, and %s%s: %s", b->name,
	         plx_xdp_mtu_text(mtu, frame, room, text, sizeof(text)), why, call ? "" : " (EINVAL)",
	         plx_xdp_mtu_fix(b->name, mtu, frame, room, fix, sizeof(fix)));
	return call ? -EOPNOTSUPP : -EINVAL;
}

static void explain_busy(const struct ax_port *p, const struct ax_sock *s)
{
	const struct plx_port *b = &p->base;
	struct plx_xsk_holder h;
	int err = plx_xsk_holder(s->ifindex, s->queue, &h, b->sys);
	char who[128] = "another socket", fix[64] = "stop its owner";

	if (!err) {
		snprintf(who, sizeof(who), "a socket of pid %d (%s)", h.pid, h.comm);
		snprintf(fix, sizeof(fix), "kill %d", h.pid);
	} else if (err == -EPROTONOSUPPORT) {
		plx_text_add(who, sizeof(who),
		             ", whose process a kernel without CONFIG_XDP_SOCKETS_DIAG does not tell");
	} else if (err == -ESRCH) {
		plx_text_add(who, sizeof(who), ", of no process in this pid namespace");
	}
	plx_logf(b->log, PLX_LOG_ERROR,
	         "%s: queue %u is held by %s (EBUSY for %u ms): %s, take other queues with queue=, "
	         "or wait longer with bind-timeout=",
	         b->name, s->queue, who, b->conf.bind_timeout_ms, fix);
}

int ax_explain_sock(const struct ax_port *p, const struct ax_sock *s, int err)
{
	const struct plx_port *b = &p->base;
	uint64_t kib = ((uint64_t)b->pool->frames * b->pool->frame_size + 1023) >> 10;
	bool bind = !strcmp(s->step, "bind");
	char missing[512];

	if (err == -EBUSY && bind) {
		explain_busy(p, s);
	} else if (err == -EBUSY) {
		plx_logf(b->log, PLX_LOG_ERROR,
		         "%s: queue %u is open already in this process (EBUSY): use queue= and queues= so "
		         "that ports do not overlap",
		         b->name, s->queue);
	} else if (err == -EPERM) {
		ax_priv_missing(b->sys, b->pool, missing, sizeof(missing));
		plx_logf(b->log, PLX_LOG_ERROR, "%s: queue %u: %s was refused (EPERM): %s", b->name, s->queue, s->step,
		         *missing ? missing : "a security module or seccomp forbids it");
	} else if (err == -ENOBUFS && !strcmp(s->step, "XDP_UMEM_REG")) {
		plx_logf(b->log, PLX_LOG_ERROR,
		         "%s: the pool of %" PRIu64 " KiB is beyond the memlock limit (ENOBUFS of "
		         "XDP_UMEM_REG): raise it with ulimit -l %" PRIu64 " or LimitMEMLOCK=, or grant CAP_IPC_LOCK",
		         b->name, kib, kib);
	} else if (s->kind.sg && bind && not_known(err)) {
		return ax_explain_mtu(p, b->info.mtu, "bind", err);
	} else {
		plx_logf(b->log, PLX_LOG_ERROR, "%s: queue %u: %s failed (%s): %s", b->name, s->queue, s->step,
		         strerrorname_np(-err),
		         not_known(err) ? "use driver=packet if this kernel cannot do it" : fix_of(err));
		return not_known(err) ? -EOPNOTSUPP : err;
	}
	return err;
}

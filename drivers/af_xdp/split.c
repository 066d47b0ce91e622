/* SPDX-License-Identifier: MIT */
/* split.c - a NIC that delivers a frame in pieces, each as a packet: how a burst sees it, called by the queue's
   lcore, no allocation, no log, no system call; and what the port does then, cold, called by who repairs. */
#include "af_xdp.h"
#include "plx_text.h"

#include <string.h>

enum { TWICE_NS = 1000000000, ETH = 14, TAG = 4, TAGS_MAX = 2, IPV6_HEADER = 40 };

static uint32_t be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

/* The IP header of a frame tells of more bytes than there are. */
static bool is_piece(const uint8_t *p, uint32_t len)
{
	uint32_t at = ETH, type;

	if (len < ETH + TAGS_MAX * TAG + IPV6_HEADER)
		return false;
	type = be16(p + 12);
	for (int i = 0; i < TAGS_MAX && (type == 0x8100 || type == 0x88a8); i++, at += TAG)
		type = be16(p + at + 2);
	if (type == 0x0800)
		return p[at] >> 4 == 4 && be16(p + at + 2) > len - at;
	return type == 0x86dd && p[at] >> 4 == 6 && be16(p + at + 4) + IPV6_HEADER > len - at;
}

/* ax_rx_suspect looks at a frame of whole KiB that came by zero-copy: no NIC is known whose unit is not
   a part or a multiple of that. */
void ax_rx_suspect(struct ax_rxq *q, const struct plx_mbuf *m)
{
	if (m->nsegs != 1)
		return;
	__atomic_store_n(&q->base.port->whole, true, __ATOMIC_RELAXED);
	if (!is_piece(m->data, m->len))
		return;
	const uint64_t now = plx_sys_now(q->sock->sys);

	plx_ctr_add(&q->splits, 1);
	if (q->split_at && now - q->split_at < TWICE_NS) {
		__atomic_store_n(&q->base.port->split, true, __ATOMIC_RELAXED);
		__atomic_store_n(&q->base.port->wants_repair, true, __ATOMIC_RELEASE); /* with ax_repair */
	}
	q->split_at = now;
}

/* Others may read it: what is added is there before the byte that ended it is not. */
static void add_why(char *why, size_t len, const char *text)
{
	const size_t at = strlen(why), n = strlen(text);

	if (!at || at + n + 1 > len)
		return;
	memcpy(why + at + 1, text + 1, n);
	__atomic_store_n(&why[at], text[0], __ATOMIC_RELEASE);
}

/* ax_fall_begin: sockets that are opened anew from here on copy. */
void ax_fall_begin(struct ax_port *p)
{
	if (!__atomic_load_n(&p->base.split, __ATOMIC_RELAXED) || !p->kind.zc)
		return;
	__atomic_store_n(&p->kind.zc, false, __ATOMIC_RELAXED);
	p->falling = true;
	for (uint16_t i = 0; i < p->nsock; i++) {
		p->sock[i].why = AX_WHY_FALL;
		p->sock[i].tried_at = 0;
	}
	plx_logf(p->base.log, PLX_LOG_WARN, "%s: its frames come in pieces, each as a packet: the NIC, driver "
	         "%s, does not use all of a frame of %u bytes in zero-copy. From here on each frame is copied; begin "
	         "with mode=native%s", p->base.name, *p->kdriver ? p->kdriver : "unknown", p->base.pool->frame_size,
	         p->base.pool->frame_size < 4096 ? ", or try --frame-size 4096" : "");
}

/* ax_fall_end: the last socket copies. */
void ax_fall_end(struct ax_port *p)
{
	struct plx_port_info *info = &p->base.info;

	for (uint16_t i = 0; i < p->nsock; i++)
		if (p->sock[i].why == AX_WHY_FALL)
			return;
	if (!p->falling)
		return;
	p->falling = false;
	add_why(info->why, sizeof(info->why), "; its frames came in pieces: native copy");
	__atomic_store_n(&info->mode, "native copy", __ATOMIC_RELAXED);
	__atomic_store_n(&info->caps, ax_caps(p), __ATOMIC_RELAXED);
	__atomic_store_n(&info->frames_held, ax_frames_most(p), __ATOMIC_RELAXED);
	plx_ctr_add(&p->base.rungs_down, 1);
	plx_logf(p->base.log, PLX_LOG_NOTICE, "%s: native copy from here on", p->base.name);
}

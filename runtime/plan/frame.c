/* SPDX-License-Identifier: MIT */
/* frame.c - the bytes of a frame: 2048, or 4096 where the MTU does not fit that, or where the NIC counts its
   receive buffers in units that leave too little of 2048 in zero-copy.  Cold, pure; steps of plan_make. */
#include "plan.h"
#include "plx_text.h"
#include "xdp.h"
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

static uint32_t need_of(const struct plan_port *port) { return plx_xdp_need(port->link.mtu); }

static uint32_t zc_room(const struct plan_port *port, uint32_t frame)
{
	return plx_xdp_zc_room(port->link.kdriver, plx_xdp_room(frame));
}

bool plan_may_zc(const struct plx_port_conf *c, const struct plx_link_info *li)
{
	const uint32_t unit = plx_xdp_unit(li->kdriver);

	if (!plx_driver_may_be(c, "af_xdp") || !li->ifindex ||
	    (c->mode != PLX_XDP_AUTO && c->mode != PLX_XDP_ZEROCOPY))
		return false;
	return li->zc == PLX_LINK_ZC_YES || (li->zc == PLX_LINK_ZC_NOT_TOLD && unit != PLX_XDP_NO_ZC);
}

static bool falls_short(const struct plan_port *port, uint32_t frame)
{
	return plan_may_zc(&port->conf, &port->link) &&
	       plx_xdp_falls_short(port->link.kdriver, plx_xdp_room(frame), need_of(port));
}

/* beyond: the port would take chains of frames of 2048, or none of its longest. */
static bool beyond(const struct plan_port *port)
{
	return plan_may_be_xdp(port) && need_of(port) > plx_xdp_room(PLX_FRAME_SIZE);
}

static bool wants_larger(const struct plan_port *port)
{
	return beyond(port) || (falls_short(port, PLX_FRAME_SIZE) && need_of(port) <= zc_room(port, PLX_FRAME_MAX));
}

void plan_frame_size(struct plan_maker *m)
{
	struct plan *p = m->p;

	p->frame_size = m->conf->frame_size ? m->conf->frame_size : PLX_FRAME_SIZE;
	for (uint16_t i = 0; i < p->nports && !m->conf->frame_size; i++)
		if (wants_larger(&p->ports[i])) {
			p->frame_size = PLX_FRAME_MAX;
			p->frame_how = PLAN_FRAME_RAISED;
		}
}

bool plan_frame_lower(struct plan_maker *m)
{
	struct plan *p = m->p;

	for (uint16_t i = 0; i < p->nports; i++)
		if (beyond(&p->ports[i]) && plan_chains_refused(m, &p->ports[i]))
			return false;
	if (p->frame_how != PLAN_FRAME_RAISED)
		return false;
	p->frame_how = PLAN_FRAME_NO_MEMORY;
	p->frame_size = PLX_FRAME_SIZE;
	p->npools = 0;
	memset(p->pools, 0, sizeof(p->pools));
	for (uint16_t i = 0; i < p->nports; i++)
		p->ports[i].falls = false;
	return true;
}

/* chains_of: frames that a packet of the MTU takes. */
static uint32_t chains_of(const struct plan_port *port, uint32_t frame)
{
	return plx_xdp_chain(port->link.mtu, plx_xdp_room(frame));
}

/* What the longest packets of the first such port do to frames whose bytes nobody asked for. */
static void note_frames(struct plan *p)
{
	const struct plan_port *port = NULL;

	for (uint16_t i = 0; i < p->nports && !port; i++)
		port = beyond(&p->ports[i]) && !p->ports[i].falls ? &p->ports[i] : NULL;
	if (port && p->frame_how == PLAN_FRAME_RAISED)
		plan_note(p, "%s: frames of %u bytes, since MTU %u needs %u bytes, of which a frame of %u holds %u",
		          port->conf.name, p->frame_size, port->link.mtu, need_of(port), PLX_FRAME_SIZE,
		          plx_xdp_room(PLX_FRAME_SIZE));
	else if (port && p->frame_how == PLAN_FRAME_NO_MEMORY)
		plan_note(p,
		          "%s: a packet of MTU %u takes %u frames of %u bytes, since memory is too short for frames of "
		          "%u, of which it "
		          "takes %u: give it more",
		          port->conf.name, port->link.mtu, chains_of(port, p->frame_size), p->frame_size, PLX_FRAME_MAX,
		          chains_of(port, PLX_FRAME_MAX));
}

/* What would let such a port have zero-copy. */
static void zc_fix(const struct plan_maker *m, const struct plan_port *port, char *buf, size_t len)
{
	const uint32_t frame = m->p->frame_size;
	const bool open = !m->conf->frame_size && m->p->frame_how != PLAN_FRAME_NO_MEMORY;
	const uint32_t room = zc_room(port, open ? PLX_FRAME_MAX : frame);

	buf[0] = 0;
	if (m->p->frame_how == PLAN_FRAME_NO_MEMORY)
		plx_text_add(buf, len, "more memory");
	else if (frame < PLX_FRAME_MAX && need_of(port) <= zc_room(port, PLX_FRAME_MAX))
		plx_text_add(buf, len, "--frame-size=4096");
	if (plx_xdp_mtu(room))
		plx_text_add(buf, len, "%sip link set %s mtu %u", *buf ? ", or " : "", PLX_QUOTED(port->conf.name),
		             plx_xdp_mtu(room));
}

static int no_zerocopy(struct plan_maker *m, const struct plan_port *port)
{
	char unit[128], fix[PLX_QUOTED_MAX + 96];

	plx_xdp_unit_text(port->link.kdriver, unit, sizeof(unit));
	zc_fix(m, port, fix, sizeof(fix));
	if (port->conf.mode == PLX_XDP_ZEROCOPY)
		return plan_fail(m, -EOPNOTSUPP, "%s: mode=zc: MTU %u needs %u bytes, and a frame of %u holds "
		                 "%u in zero-copy, since %s: use %s%smode=auto", port->conf.name, port->link.mtu,
		                 need_of(port), m->p->frame_size,
		                 zc_room(port, m->p->frame_size), unit, fix, *fix ? ", or " : "");
	plan_note(m->p, "%s: no zero-copy, since %s and MTU %u needs %u bytes, of which a frame of %u "
	          "then holds %u%s%s",
	          port->conf.name, unit, port->link.mtu, need_of(port), m->p->frame_size,
	          zc_room(port, m->p->frame_size), *fix ? "; for zero-copy use " : "", fix);
	return 0;
}

int plan_zerocopy(struct plan_maker *m)
{
	struct plan *p = m->p;
	bool told = false;
	int err = 0;

	note_frames(p);
	for (uint16_t i = 0; i < p->nports && !err; i++) {
		const struct plan_port *port = &p->ports[i];
		char unit[128];

		if (falls_short(port, p->frame_size))
			err = no_zerocopy(m, port);
		else if (p->frame_how == PLAN_FRAME_RAISED && !told && falls_short(port, PLX_FRAME_SIZE)) {
			plx_xdp_unit_text(port->link.kdriver, unit, sizeof(unit));
			plan_note(p, "%s: frames of %u bytes for zero-copy, since %s and MTU %u needs %u bytes, of "
			          "which a frame of %u would hold %u", port->conf.name, p->frame_size, unit,
			          port->link.mtu, need_of(port), PLX_FRAME_SIZE, zc_room(port, PLX_FRAME_SIZE));
			told = true;
		}
	}
	return err;
}

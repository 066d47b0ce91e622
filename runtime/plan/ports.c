/* SPDX-License-Identifier: MIT */
/* ports.c - what is asked of each port against what its interface and this process
   have.  Cold, pure; steps of plan_make. */
#include "plan.h"
#include "plx_text.h"
#include "xdp.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

enum { RING = 2048, RING_LEAST = 512, /* entries of a ring where nothing is said */
       TABLES = 1 << 22 };            /* entries in the kernel, of 136 bytes, see plan_rings */

static bool any_queues(const struct plx_port_conf *c)
{
	const struct plx_driver *d = plx_driver_find(c->driver);

	return d && d->any_queues;
}

static int check_channels(struct plan_maker *m, const struct plan_port *port, char dir)
{
	char why[PORT_FIT_MAX];
	int err = port_fit_queues(&port->conf, &port->link, dir, why, sizeof(why));

	return err ? plan_fail(m, err, "%s: %s", port->conf.name, why) : 0;
}

static int check_interface(struct plan_maker *m, const struct plan_port *port)
{
	const char *list[TOPO_LINKS_MAX];
	char why[PORT_FIT_MAX];

	for (unsigned i = 0; i < m->t->nlinks; i++)
		list[i] = m->t->links[i];
	int err = port_fit_interface(&port->conf, &port->link, list, m->t->nlinks, why, sizeof(why));

	return err ? plan_fail(m, err, "%s: %s", port->conf.name, why) : 0;
}

bool plan_chains_refused(const struct plan_maker *m, const struct plan_port *port)
{
	const struct plx_port_conf *c = &port->conf;

	return c->multibuf == PLX_NEVER || (m->t->no_chains && (*c->driver || c->mode != PLX_XDP_AUTO));
}

/* An MTU beyond the frame takes chains, which the policy or the kernel may not. */
static int check_mtu(struct plan_maker *m, struct plan_port *port)
{
	const struct plx_port_conf *c = &port->conf;
	const uint32_t mtu = port->link.mtu, frame = m->p->frame_size, room = plx_xdp_room(frame);
	const bool never = c->multibuf == PLX_NEVER;
	char text[96], fix[PLX_QUOTED_MAX + 128] = "";

	if (!plx_driver_may_be(c, "af_xdp") || (!never && !m->t->no_chains) || plx_xdp_need(mtu) <= room)
		return 0;
	plx_xdp_mtu_text(mtu, frame, room, text, sizeof(text));
	if (!never && !*c->driver && c->mode == PLX_XDP_AUTO) {
		port->falls = true;
		plan_note(m->p,
		          "%s: driver=packet, since %s, and this kernel refuses chains of frames; for af_xdp use %s",
		          c->name, text, plx_xdp_mtu_fix(c->name, mtu, frame, room, fix, sizeof(fix)));
		return 0;
	}
	if (never)
		plx_text_add(fix, sizeof(fix), "multibuf=prefer");
	else
		plx_text_add(fix, sizeof(fix), "driver=packet%s", c->mode != PLX_XDP_AUTO ? " without mode=" : "");
	plx_xdp_mtu_fix(c->name, mtu, frame, room, fix, sizeof(fix));
	return plan_fail(m, never ? -EMSGSIZE : -EOPNOTSUPP, "%s: %s, and %s: use %s", c->name, text,
	                 never ? "multibuf=never" : "this kernel refuses chains of frames", fix);
}

int plan_mtus(struct plan_maker *m)
{
	int err = 0;

	for (uint16_t i = 0; i < m->p->nports && !err; i++)
		err = m->p->ports[i].link.ifindex ? check_mtu(m, &m->p->ports[i]) : 0;
	return err;
}

static int device_port(struct plan_maker *m, struct plan_port *port)
{
	struct plx_port_conf *c = &port->conf;
	unsigned have;

	if (*port->link.name) /* an alternative name has done its work */
		snprintf(c->name, sizeof(c->name), "%s", port->link.name);
	int err = check_interface(m, port);

	if (err)
		return err;
	if (!c->rxqs && !c->no_rx) {
		have = port_left_queues(c, &port->link, 'r');
		if (have > PLX_QUEUES_MAX)
			plan_note(m->p, "%s has %u receive queues from queue=%u on, of which a port has "
			          "at most %d: what comes by the others is the host's; ethtool -L %s "
			          "lowers their number", c->name, have, c->queue, PLX_QUEUES_MAX, PLX_QUOTED(c->name));
		c->rxqs = (uint16_t)(have > PLX_QUEUES_MAX ? PLX_QUEUES_MAX : have);
	}
	return any_queues(c) ? 0 : check_channels(m, port, 'r');
}

static int check_name(struct plan_maker *m, uint16_t i)
{
	const struct plan_port *port = &m->p->ports[i];

	if (!*port->conf.name)
		return plan_fail(m, -EINVAL, "port %u has no name: --iface NAME", i);
	if (*port->conf.driver && !plx_driver_find(port->conf.driver))
		return plan_fail(m, -EINVAL, "%s: no driver '%s': --help-all lists them", port->conf.name,
		                 port->conf.driver);
	for (uint16_t k = 0; k < i && !plx_driver_on_device(&port->conf);
	     k++) /* of an interface, check_overlap judges */
		if (!strcmp(m->p->ports[k].given, port->given))
			return plan_fail(m, -EINVAL,
			                 "%s: given by --iface twice: give it once, with queues=N for more queues",
			                 port->conf.name);
	return 0;
}

/* Queues of the device that a port takes, from conf.queue on: a socket serves both directions. */
static unsigned queues_of(const struct plx_port_conf *c)
{
	return c->rxqs > c->txqs ? c->rxqs : c->txqs;
}

/* shares: another port stands on the same interface, be it by another name of it. */
static bool shares(const struct plan *p, uint16_t i)
{
	for (uint16_t k = 0; k < p->nports; k++)
		if (k != i && p->ports[i].link.ifindex && p->ports[k].link.ifindex == p->ports[i].link.ifindex)
			return true;
	return false;
}

/* Two ports of one interface, by one name or two. */
static void both(char *buf, size_t len, const struct plan_port *a, const struct plan_port *b)
{
	if (strcmp(a->given, b->given))
		snprintf(buf, len, "%s and %s are one interface", a->given, b->given);
	else
		snprintf(buf, len, "%s: given by --iface twice", a->given);
}

/* check_overlap: two ports on one queue would take it from each other. */
static int check_overlap(struct plan_maker *m, uint16_t i)
{
	const struct plan_port *b = &m->p->ports[i];

	for (uint16_t k = 0; k < i && b->link.ifindex; k++) {
		const struct plan_port *a = &m->p->ports[k];
		unsigned lo = a->conf.queue > b->conf.queue ? a->conf.queue : b->conf.queue;
		char who[2 * PLX_IFNAME_MAX + 32];
		if (a->link.ifindex != b->link.ifindex)
			continue;
		both(who, sizeof(who), a, b);
		if (any_queues(&a->conf) || any_queues(&b->conf))
			return plan_fail(m, -EINVAL,
			                 "%s, and driver=packet gives each port all of its frames: give it once", who);
		if (lo < a->conf.queue + queues_of(&a->conf) && lo < b->conf.queue + queues_of(&b->conf))
			return plan_fail(m, -EINVAL,
			                 "%s, and both want its queue %u: give it once, or part its queues with "
			                 "queue= and queues=",
			                 who, lo);
	}
	return 0;
}

static int check_peer(struct plan_maker *m, const struct plan_port *port)
{
	const char *peer = port->conf.peer;

	for (uint16_t i = 0; i < m->p->nports && *peer; i++)
		if (!strcmp(m->p->ports[i].conf.name, peer) && !strcmp(m->p->ports[i].conf.driver, port->conf.driver))
			return 0;
	return *peer ? plan_fail(m, -EINVAL, "%s: peer=%s is no loop port: add --iface %s,driver=loop", port->conf.name,
	                         peer, PLX_QUOTED(peer)) : 0;
}

int plan_ports(struct plan_maker *m)
{
	struct plan *p = m->p;
	int err = 0;

	for (uint16_t i = 0; i < m->conf->nports && !err; i++) {
		struct plan_port *port = &p->ports[i];

		port->conf = m->conf->ports[i];
		port->conf.id = (uint8_t)i;
		memcpy(port->given, port->conf.name, sizeof(port->given));
		if (!strcmp(port->conf.driver, "auto"))
			port->conf.driver[0] = 0;
		port->conf.rxd = port->conf.rxd ? port->conf.rxd : RING;
		port->conf.txd = port->conf.txd ? port->conf.txd : RING;
		port->link.node = -1;
		p->nports = (uint16_t)(i + 1);
		err = check_name(m, i);
		if (!err && plx_driver_on_device(&port->conf)) {
			port->link = m->host->iface[i].link;
			port->conf.link = &port->link;
			err = device_port(m, port);
		}
		if (!err && !port->conf.rxqs && !port->conf.no_rx)
			port->conf.rxqs = 1;
		if (!err)
			err = check_overlap(m, i);
	}
	plan_frame_size(m);
	for (uint16_t i = 0; i < p->nports && !err; i++)
		err = check_peer(m, &p->ports[i]);
	return err;
}

/* note_few_txqs tells of the first interface whose ports have fewer transmit queues than lcores poll. */
static void note_few_txqs(struct plan *p, unsigned polling)
{
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *port = &p->ports[i];
		unsigned n = port->conf.txqs;

		for (uint16_t k = 0; k < p->nports; k++)
			if (k != i && port->link.ifindex && p->ports[k].link.ifindex == port->link.ifindex)
				n += p->ports[k].conf.txqs;
		if (n >= polling)
			continue;
		plan_note(p,
		          "%s has %u transmit queue%s for %u lcores that poll: the others send through an lcore that "
		          "has one",
		          port->conf.name, n, n == 1 ? "" : "s", polling);
		return;
	}
}

/* plan_txqs: where nothing is said, each lcore that polls gets a transmit queue of its own
   on each port, as far as the device has them. */
int plan_txqs(struct plan_maker *m)
{
	struct plan *p = m->p;
	unsigned polling = 0;
	int err = 0;

	for (uint16_t i = 0; i < p->nports; i++)
		polling += p->ports[i].conf.rxqs;
	if (polling > p->nworkers || !polling) /* who only sends does so from any lcore */
		polling = p->nworkers;
	for (uint16_t i = 0; i < p->nports && !err; i++) {
		struct plan_port *port = &p->ports[i];
		struct plx_port_conf *c = &port->conf;
		bool given = c->txqs, bound = port->link.ifindex && !any_queues(c);
		unsigned want = c->rxqs > polling || (shares(p, i) && c->rxqs) ? c->rxqs : polling;
		unsigned have = port_left_queues(c, &port->link, 't');

		if (!given)
			c->txqs = (uint16_t)(bound && want > have  ? have :
			                     want > PLX_QUEUES_MAX ? PLX_QUEUES_MAX :
			                                             want);
		if (bound)
			err = check_channels(m, port, 't');
		if (!err)
			err = check_overlap(m, i);
		const bool all = bound && !given && !c->queue && c->rxqs >= port->link.rxqs;

		snprintf(port->why, sizeof(port->why), "%s%s", *c->driver ? "" : "driver auto: the best that works",
		         !all ? "" : *c->driver ? "all channels" : ", all channels");
	}
	if (!err)
		note_few_txqs(p, polling);
	return err;
}

/* Entries of all tables that the kernel makes, one for each device queue with an entry for each frame of
   the pool; frames: those that the rings hold. */
static uint64_t tables(const struct plan *p, uint64_t *frames)
{
	uint64_t queues = 0;

	*frames = 0;
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plx_port_conf *c = &p->ports[i].conf;

		*frames += plx_port_frames(c);
		queues += plx_driver_may_be(c, "af_xdp") ? queues_of(c) : 0;
	}
	return *frames * queues;
}

/* plan_rings: rings of which nothing is said are shorter where so many queues are open that the kernel's tables
   would take most of a start and of the memory, which grow with the square of the queues. */
void plan_rings(struct plan_maker *m)
{
	struct plan *p = m->p;
	uint32_t ring = RING;
	uint64_t frames, had;

	for (tables(p, &had); ring > RING_LEAST && tables(p, &frames) > TABLES;) {
		ring /= 2;
		for (uint16_t i = 0; i < p->nports; i++) {
			p->ports[i].conf.rxd = m->conf->ports[i].rxd ? m->conf->ports[i].rxd : ring;
			p->ports[i].conf.txd = m->conf->ports[i].txd ? m->conf->ports[i].txd : ring;
		}
	}
	tables(p, &frames);
	if (frames < had)
		plan_note(p,
		          "rings of %u entries in place of %u, since so many queues would hold %llu frames, and the "
		          "kernel keeps "
		          "a table of all for each: rxd= and txd= say otherwise",
		          ring, RING, (unsigned long long)had);
}

/* ---- rights ---- */

int plan_rights(struct plan_maker *m)
{
	for (uint16_t i = 0; i < m->p->nports; i++) {
		struct plan_port *port = &m->p->ports[i];
		const struct plan_pool *pool = &m->p->pools[port->pool];
		char line[512];

		if (!plx_driver_on_device(&port->conf))
			continue;
		if (!strcmp(port->conf.driver, "packet"))
			privileges_packet_text(m->t->missing_caps, line, sizeof(line));
		else
			privileges_text(m->t->missing_caps, m->t->memlock, (uint64_t)pool->frames * pool->frame_size,
			                line, sizeof(line));
		if (!*line)
			continue;
		if (*port->conf.driver || privileges_lack(m->t->missing_caps, CAP_NET_RAW))
			return plan_fail(m, -EPERM, "%s: missing %s", port->conf.name, line);
		port->falls = true;
		plan_note(m->p, "%s: driver=packet, since af_xdp misses %s", port->conf.name, line);
	}
	return 0;
}

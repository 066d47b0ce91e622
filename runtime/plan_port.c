/* SPDX-License-Identifier: MIT */
/* plan_port.c - what is asked of each port against what its interface and this process
   have.  Cold, pure; steps of plan_make. */
#include "plan.h"
#include "plx_text.h"
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

enum { XDP_ROOM = PLAN_XDP_ROOM,
       RING = 2048, RING_LEAST = 512, /* entries of a ring where nothing is said */
       TABLES = 1 << 22 };            /* entries in the kernel, of 136 bytes, see plan_rings */

static const struct plx_driver *driver_of(const struct plx_port_conf *c)
{
	for (int i = 0; plx_drivers[i]; i++)
		if (!strcmp(plx_drivers[i]->name, c->driver))
			return plx_drivers[i];
	return NULL;
}

static bool is_device(const struct plx_port_conf *c)
{
	const struct plx_driver *d = driver_of(c);

	return !d || d->device;
}

static bool any_queues(const struct plx_port_conf *c)
{
	const struct plx_driver *d = driver_of(c);

	return d && d->any_queues;
}

/* may_be: the port is of this driver, or auto, which tries it. */
static bool may_be(const struct plx_port_conf *c, const char *driver)
{
	return !*c->driver || !strcmp(c->driver, driver);
}

static int no_interface(struct plan_maker *m, const char *name)
{
	const char *list[TOPO_LINKS_MAX], *near, *colon = strchr(name, ':');

	for (unsigned i = 0; i < m->t->nlinks; i++) {
		list[i] = m->t->links[i];
		if (colon && strlen(list[i]) == (size_t)(colon - name) && !memcmp(list[i], name, strlen(list[i])) &&
		    colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])
			return plan_fail(m, -ENODEV, "%s: no such interface (ENODEV); for one queue of it write "
			                 "%s,queue=%s,rxqs=1", name, PLX_QUOTED(list[i]), colon + 1);
	}
	near = plx_text_near(name, list, m->t->nlinks);
	if (near)
		return plan_fail(m, -ENODEV, "%s: no such interface (ENODEV), did you mean --iface %s? ip link lists them",
		                 name, PLX_QUOTED(near));
	return plan_fail(m, -ENODEV, "%s: no such interface (ENODEV): ip link lists them; driver=loop and driver=null "
	                 "need none", name);
}

/* mend_channels says how to get want queues of a device that has fewer. */
static void mend_channels(char *buf, size_t len, const struct plx_port_conf *c, const struct plx_link_info *li,
                          const char *dir, unsigned have, unsigned max, unsigned want)
{
	buf[0] = 0;
	if (c->queue < have)
		plx_text_add(buf, len, "use %s=%u or fewer", *dir == 'r' ? "rxqs" : "txqs", have - c->queue);
	else
		plx_text_add(buf, len, "use queue=%u or lower", have ? have - 1 : 0);
	if (want <= max)
		plx_text_add(buf, len, ", or ethtool -L %s %s %u", PLX_QUOTED(c->name), li->combined ? "combined" : dir, want);
	else if (!*c->driver && !c->queue)
		plx_text_add(buf, len, ", or driver=packet, which needs no channels");
}

static int check_channels(struct plan_maker *m, struct plan_port *port, const char *dir)
{
	const struct plx_port_conf *c = &port->conf;
	const struct plx_link_info *li = &port->link;
	unsigned have = *dir == 'r' ? li->rxqs : li->txqs, max = *dir == 'r' ? li->rxqs_max : li->txqs_max;
	unsigned want = c->queue + (*dir == 'r' ? c->rxqs : c->txqs);
	char mend[PLX_QUOTED_MAX + 96];

	if (want <= have)
		return 0;
	mend_channels(mend, sizeof(mend), c, li, dir, have, max, want);
	return plan_fail(m, -EINVAL, "%s: %s queue %u is asked for, the interface has %u (0-%u): %s", c->name, dir, want - 1,
	                 have, have ? have - 1 : 0, mend);
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
	uint32_t frame = m->p->frame_size;
	uint32_t need = port->link.mtu + PLX_L2_MAX, room = frame - XDP_ROOM;
	const char *more = frame < 4096 && need <= 4096 - XDP_ROOM ? "--frame-size=4096, or " : "";

	if (!may_be(c, "af_xdp") || (c->multibuf != PLX_NEVER && !m->t->no_chains) || need <= room)
		return 0;
	if (c->multibuf == PLX_NEVER)
		return plan_fail(m, -EMSGSIZE, "%s: MTU %u needs %u bytes and a frame of %u holds %u, with multibuf=never: "
		                 "use multibuf=prefer, %sip link set %s mtu %u", c->name, port->link.mtu, need, frame, room,
		                 *more ? more : "or ", PLX_QUOTED(c->name), room - PLX_L2_MAX);
	if (*c->driver || c->mode != PLX_XDP_AUTO)
		return plan_fail(m, -EOPNOTSUPP, "%s: MTU %u needs %u bytes, a frame of %u holds %u, and this kernel refuses "
		                 "chains of frames: use driver=packet%s, %sip link set %s mtu %u", c->name,
		                 port->link.mtu, need, frame,
		                 room, c->mode != PLX_XDP_AUTO ? " without mode=" : "", *more ? more : "or ",
		                 PLX_QUOTED(c->name), room - PLX_L2_MAX);
	port->falls = true;
	plan_note(m->p, "%s: driver=packet, since MTU %u needs %u bytes, a frame of %u holds %u, and this kernel refuses chains "
	          "of frames; for af_xdp use %sip link set %s mtu %u", c->name, port->link.mtu, need, frame, room, more,
	          PLX_QUOTED(c->name), room - PLX_L2_MAX);
	return 0;
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
	unsigned have = port->link.rxqs;

	if (!port->link.ifindex)
		return no_interface(m, c->name);
	if (*port->link.name) /* an alternative name has done its work */
		snprintf(c->name, sizeof(c->name), "%s", port->link.name);
	if (port->link.headless)
		return plan_fail(m, -EOPNOTSUPP, "%s: %s", c->name,
		                 plx_link_headless(port->link.type, (char[PLX_HEADLESS_MAX]){ 0 }, PLX_HEADLESS_MAX));
	if (!port->link.up)
		return plan_fail(m, -ENETDOWN, "%s: the interface is down (ENETDOWN): ip link set %s up", c->name, PLX_QUOTED(c->name));
	if (!c->rxqs && !c->no_rx) {
		have = have > c->queue ? have - c->queue : 1;
		if (have > PLX_QUEUES_MAX)
			plan_note(m->p, "%s has %u receive queues from queue=%u on, of which a port has "
			          "at most %d: what comes by the others is the host's; ethtool -L %s "
			          "lowers their number", c->name, have, c->queue, PLX_QUEUES_MAX, PLX_QUOTED(c->name));
		c->rxqs = (uint16_t)(have > PLX_QUEUES_MAX ? PLX_QUEUES_MAX : have);
	}
	return any_queues(c) ? 0 : check_channels(m, port, "rx");
}

static int check_name(struct plan_maker *m, uint16_t i)
{
	const struct plan_port *port = &m->p->ports[i];

	if (!*port->conf.name)
		return plan_fail(m, -EINVAL, "port %u has no name: --iface NAME", i);
	if (*port->conf.driver && !driver_of(&port->conf))
		return plan_fail(m, -EINVAL, "%s: no driver '%s': --help-all lists them", port->conf.name, port->conf.driver);
	for (uint16_t k = 0; k < i && !is_device(&port->conf); k++) /* of an interface, check_overlap judges */
		if (!strcmp(m->p->ports[k].given, port->given))
			return plan_fail(m, -EINVAL, "%s: given by --iface twice: give it once, with queues=N for more queues",
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
			return plan_fail(m, -EINVAL, "%s, and driver=packet gives each port all of its frames: give it once", who);
		if (lo < a->conf.queue + queues_of(&a->conf) && lo < b->conf.queue + queues_of(&b->conf))
			return plan_fail(m, -EINVAL, "%s, and both want its queue %u: give it once, or part its queues with "
			                 "queue= and queues=", who, lo);
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
		if (!err && is_device(&port->conf)) {
			port->link = m->links[i];
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
		plan_note(p, "%s has %u transmit queue%s for %u lcores that poll: the others send through an lcore that has one",
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
		unsigned have = port->link.txqs > c->queue ? port->link.txqs - c->queue : 1;

		if (!given)
			c->txqs = (uint16_t)(bound && want > have ? have : want > PLX_QUEUES_MAX ? PLX_QUEUES_MAX : want);
		if (bound)
			err = check_channels(m, port, "tx");
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
		queues += is_device(c) && may_be(c, "af_xdp") ? queues_of(c) : 0;
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
		plan_note(p, "rings of %u entries in place of %u, since so many queues would hold %llu frames, and the kernel keeps "
		          "a table of all for each: rxd= and txd= say otherwise", ring, RING, (unsigned long long)had);
}

/* ---- rights ---- */

static const struct { unsigned cap; const char *name, *word, *call; } needs[] = {
	{ CAP_NET_RAW,   "CAP_NET_RAW",   "cap_net_raw",   "socket(AF_XDP)" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "cap_net_admin", "bpf(BPF_LINK_CREATE) of the XDP program" },
	{ CAP_BPF,       "CAP_BPF",       "cap_bpf",       "bpf(BPF_PROG_LOAD)" },
	{ CAP_IPC_LOCK,  "CAP_IPC_LOCK",  "cap_ipc_lock",  "setsockopt(XDP_UMEM_REG)" },
};

static bool has(const struct topo *t, unsigned cap)
{
	return !(t->missing_caps >> cap & 1);
}

/* lacks: need i of an af_xdp port with a pool of bytes of frames. */
static bool lacks(const struct topo *t, size_t i, uint64_t bytes)
{
	if (needs[i].cap == CAP_BPF && has(t, CAP_SYS_ADMIN))
		return false;
	if (needs[i].cap == CAP_IPC_LOCK && t->memlock >= bytes)
		return false;
	return !has(t, needs[i].cap);
}

/* missing writes all that is missing for af_xdp, each with its call, and the mend. */
static void missing(const struct plan_maker *m, uint64_t bytes, char *buf, size_t len)
{
	char caps[128] = "";

	buf[0] = 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(needs); i++) {
		if (!lacks(m->t, i, bytes))
			continue;
		plx_text_add(buf, len, "%s%s for %s", *buf ? ", " : "", needs[i].name, needs[i].call);
		if (needs[i].cap == CAP_IPC_LOCK)
			plx_text_add(buf, len, " (or ulimit -l %llu)", (unsigned long long)((bytes + 1023) >> 10));
		plx_text_add(caps, sizeof(caps), "%s%s", *caps ? "," : "", needs[i].word);
	}
	if (*caps)
		plx_text_add(buf, len, ": run as root, or setcap %s+ep on the program", caps);
}

int plan_rights(struct plan_maker *m)
{
	for (uint16_t i = 0; i < m->p->nports; i++) {
		struct plan_port *port = &m->p->ports[i];
		const struct plan_pool *pool = &m->p->pools[port->pool];
		char line[512];

		if (!is_device(&port->conf))
			continue;
		if (!strcmp(port->conf.driver, "packet")) {
			if (!has(m->t, CAP_NET_RAW))
				return plan_fail(m, -EPERM, "%s: missing CAP_NET_RAW for socket(AF_PACKET): run as root, or "
				                 "setcap cap_net_raw+ep on the program", port->conf.name);
			continue;
		}
		missing(m, (uint64_t)pool->frames * pool->frame_size, line, sizeof(line));
		if (!*line)
			continue;
		if (*port->conf.driver || !has(m->t, CAP_NET_RAW))
			return plan_fail(m, -EPERM, "%s: missing %s", port->conf.name, line);
		port->falls = true;
		plan_note(m->p, "%s: driver=packet, since af_xdp misses %s", port->conf.name, line);
	}
	return 0;
}

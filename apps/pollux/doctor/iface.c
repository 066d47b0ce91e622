/* SPDX-License-Identifier: MIT */
/* iface.c - checks of a port's interface: that it is there and carries frames, its XDP
   hook, its offloads, its MTU, and what else the host needs it for.  Cold, pure. */
#include "doctor.h"

#include <endian.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define L() if (absent(p, f)) return; const struct iface *l = p->l; (void)d

/* NETDEV_XDP_ACT_*, which the build machine's headers may be too old to have. */
enum { NETDEV_XDP_ACT_BASIC = 1, NETDEV_XDP_ACT_XSK_ZEROCOPY = 8 };

static bool absent(const struct patient *p, struct result *f)
{
	if (!p->l)
		skip(f, "no such interface here");
	return !p->l;
}

static bool is(const struct iface *l, const char *kind) { return !strcmp(l->kind, kind); }

/* masters: an interface whose native XDP program runs on its members (is_master of drivers/af_xdp). */
static bool masters(const struct iface *l) { return is(l, "bond") || is(l, "team"); }

/* xdp: the port may be of the driver af_xdp. */
static bool xdp(const struct patient *p, struct result *f)
{
	bool may = plx_driver_may_be(p->conf, "af_xdp");

	if (!may)
		skip(f, "driver=%s", p->conf->driver);
	return may;
}

/* ---- it is there ---- */

CHECK(iface_exists)
{
	char enter[96];

	if (p->l) {
		ok(f, "%s is interface %u%s%s", p->l->name, p->l->ifindex, *p->l->kdriver ? ", driver " : "",
		   p->l->kdriver);
		return;
	}
	if (*p->elsewhere) {
		snprintf(enter, sizeof(enter), "%.*s", (int)strlen(p->elsewhere) - 1, p->elsewhere);
		fail(f, "there is no %s in this network namespace, but there is one where %s leads", p->conf->name,
		     enter);
		snprintf(f->found.fix, sizeof(f->found.fix), "%s", enter);
		again(f->found.fix, sizeof(f->found.fix), d);
	} else if (*p->near) {
		fail(f, "there is no interface %s, but there is %s", p->conf->name, p->near);
		fix_name(f, d, p, p->near);
	} else {
		fail(f, "there is no interface %s", p->conf->name);
		fix(f, "# ip -br link lists the interfaces; driver=loop and driver=null need none");
	}
}

CHECK(iface_name)
{
	L();
	if (!strcmp(l->name, p->conf->name))
		ok(f, "%s is the kernel's name", l->name);
	else if (strpbrk(l->name, "=,"))
		ok(f, "%s is another name of %s, which cannot be given", p->conf->name, l->name);
	else {
		warn(f, "%s is another name of %s: not all of the kernel and its tools know it", p->conf->name,
		     l->name);
		fix_name(f, d, p, l->name);
	}
}

CHECK(iface_sysfs)
{
	L();
	if (p->sysfs)
		ok(f, "/sys tells of %s", l->name);
	else if (*d->facts.netns) {
		warn(f, "/sys is of another network namespace: node and interrupts of %s are not known", l->name);
		snprintf(f->found.fix, sizeof(f->found.fix), "ip netns exec %s", quoted(d->facts.netns));
		again(f->found.fix, sizeof(f->found.fix), d);
	} else {
		warn(f, "/sys is of another network namespace: node and interrupts of %s are not known", l->name);
		fix(f, "mount -t sysfs sysfs /sys");
	}
}

CHECK(iface_header)
{
	L();
	char why[PLX_HEADLESS_MAX];

	if (l->type < 0)
		skip(f, "the kernel does not tell the type of %s", l->name);
	else if (!plx_link_headless((uint16_t)l->type, why, sizeof(why)))
		ok(f, "frames of %s begin with an Ethernet header", l->name);
	else {
		fail(f, "%s: %s", l->name, why);
		fix(f, "# %s", strstr(why, "use "));
	}
}

CHECK(iface_up)
{
	L();
	if (l->flags & IFF_UP)
		ok(f, "%s is up", l->name);
	else {
		fail(f, "%s is down", l->name);
		fix(f, "ip link set dev %s up", quoted(l->name));
	}
}

CHECK(carrier)
{
	L();
	if (!(l->flags & IFF_UP))
		skip(f, "%s is down", l->name);
	else if (l->flags & IFF_RUNNING)
		ok(f, "%s has a carrier", l->name);
	else if (p->peer && !(p->peer->flags & IFF_UP)) {
		warn(f, "%s has no carrier: its other end %s is down", l->name, p->peer->name);
		fix(f, "%sip link set dev %s up", p->at_peer, quoted(p->peer->name));
	} else {
		warn(f, "%s has no carrier", l->name);
		fix(f, "# look at cable, module and the switch's port: ethtool %s", quoted(l->name));
	}
}

CHECK(iface_node)
{
	L();
	if (d->host.topo.nnodes < 2)
		ok(f, "one node");
	else if (l->node >= 0)
		ok(f, "%s is on node %d", l->name, l->node);
	else if (!*l->parent && !*l->bus)
		ok(f, "no device is behind %s", l->name);
	else {
		warn(f, "which node %s (%s) is on is not told: lcores and memory may be on another", l->name,
		     *l->bus ? l->bus : l->parent);
		fix(f, "# name lcores of its node with -l; the firmware's NUMA or SR-IOV settings may make it tell");
	}
}

/* ---- the XDP hook ---- */

CHECK(xdp_native)
{
	L();
	if (!xdp(p, f))
		return;
	if (!l->xdp_told)
		skip(f, "the kernel does not tell the XDP features of %s: a start tries it", l->name);
	else if (l->xdp_features & NETDEV_XDP_ACT_BASIC && !masters(l))
		ok(f, "the driver of %s (%s) runs XDP programs itself", l->name, *l->kdriver ? l->kdriver : "unknown");
	else if (p->conf->mode == PLX_XDP_GENERIC)
		ok(f, "mode=generic is asked for, and serves any interface");
	else if (p->conf->mode == PLX_XDP_NATIVE || p->conf->mode == PLX_XDP_ZEROCOPY) {
		fail(f, "%s has no XDP of its own, and mode=%s asks for it", l->name,
		     p->conf->mode == PLX_XDP_NATIVE ? "native" : "zc");
		if (masters(l) && l->nslaves)
			fix_name(f, d, p, l->slaves[0].name);
		else
			fix_key(f, d, p, "mode", "generic");
	} else if (masters(l)) {
		warn(f, "native XDP of a %s takes its members' frames, so programs run late (generic), on copies",
		     l->kind);
		if (l->nslaves)
			fix_name(f, d, p, l->slaves[0].name);
		else
			fix(f, "# it has no member yet: ip link set dev NIC master %s", quoted(l->name));
	} else {
		warn(f, "%s has no XDP of its own: programs run late (generic), on copies", l->name);
		fix(f, "# a NIC, virtio or veth with native XDP is several times as fast; driver=packet may serve as "
		       "well");
	}
}

CHECK(zero_copy)
{
	L();
	if (!xdp(p, f))
		return;
	bool zc = l->xdp_features & NETDEV_XDP_ACT_XSK_ZEROCOPY;
	const char *lacks = zc && p->no_platform ? ": its device lacks VIRTIO_F_ACCESS_PLATFORM" : "";

	if (!l->xdp_told)
		skip(f, "the kernel does not tell the XDP features of %s: a start tries it", l->name);
	else if (zc && !p->no_platform) /* the flag is the driver's; a device, or a queue, may refuse all the same */
		skip(f, "%s advertises zero-copy; whether its queues take it only the bind of a start tells", l->name);
	else if (p->conf->mode == PLX_XDP_ZEROCOPY) {
		fail(f, "%s does not offer zero-copy, and mode=zc asks for it%s", l->name, lacks);
		fix_key(f, d, p, "mode", "auto");
	} else if (*l->kind || p->conf->mode != PLX_XDP_AUTO)
		ok(f, "%s copies each frame, as it is asked to or has to", l->name);
	else {
		warn(f, "%s, driver %s, does not offer zero-copy%s: each frame is copied", l->name,
		     *l->kdriver ? l->kdriver : "unknown", lacks);
		fix(f, "# %s", *lacks ? "the host of this virtual machine can give it to the device: "
		     "iommu_platform=on of QEMU" :
		     "a newer kernel may have it for this driver, or another NIC");
	}
}

CHECK(xdp_free)
{
	char who[PLX_XDP_WHO_MAX], tag[32], off[PLX_QUOTED_MAX + 64];

	L();
	if (!l->xdp.id) {
		ok(f, "no XDP program is attached to %s", l->name);
		return;
	}
	if (!xdp(p, f))
		return;
	fail(f, "the XDP hook of %s is held by %s%s%s", l->name, plx_xdp_who(&l->xdp, who, sizeof(who)),
	     doctor_xdp_ours(&l->xdp) ? ", which is Pollux at work" : "", doctor_xdp_tag(&l->xdp, tag));
	if (doctor_xdp_ours(&l->xdp))
		fix(f, "kill %d", l->xdp.pid);
	else
		fix(f, "%s", plx_xdp_off(&l->xdp, l->name, off, sizeof(off)));
}

/* A dispatcher that is there is another check's. */
CHECK(xdp_pins)
{
	L();
	if (d->facts.bpffs != 1)
		skip(f, "no BPF file system is in sight");
	else if (!*p->pins)
		ok(f, "libxdp's dispatcher left nothing for %s", l->name);
	else {
		warn(f, "/sys/fs/bpf/xdp/%s is left of a dispatcher that is gone: libxdp may take it for running",
		     p->pins);
		fix(f, "xdp-loader clean %s", quoted(l->name));
	}
}

/* ---- what it stands on, and what the host does with it ---- */

CHECK(master)
{
	L();
	if (!l->master.ifindex)
		ok(f, "%s is no port of a bond or bridge", l->name);
	else if (!reach_takes(p->conf, 0))
		ok(f, "%s is a port of %s, which keeps its frames", l->name,
		   *l->master.name ? l->master.name : "another interface");
	else {
		warn(f, "%s is a port of %s, which no longer gets the frames that we take", l->name,
		     *l->master.name ? l->master.name : "another interface");
		fix(f, "ip link set dev %s nomaster", quoted(l->name));
	}
}

CHECK(stacked)
{
	L();
	bool group = is(l, "bond") || is(l, "team") || is(l, "bridge"),
	     vlan = is(l, "vlan") || is(l, "macvlan") || is(l, "ipvlan");
	const char *lower = group && l->nslaves ? l->slaves[0].name : vlan ? l->lower.name : "";

	if (!group && !vlan)
		ok(f, "%s stands on no other interface", l->name);
	else {
		warn(f, "%s is a %s: programs see what the interface below left, queue by queue of its own", l->name,
		     l->kind);
		if (*lower)
			fix_name(f, d, p, lower);
		else
			fix(f, "# name the interface below it");
	}
}

/* Rights are another check's: a program may be started with others than this one has. */
static bool takes_all(const struct patient *p, struct result *f)
{
	bool takes = reach_takes(p->conf, 0);

	if (!takes)
		ok(f, "the host keeps its packets (%s)",
		   p->conf->steer == PLX_STEER_ALL ? "driver=packet copies them" : "steer=none");
	return takes;
}

/* cut judges what a port would cut off, which a start refuses unless it is forced. */
static void cut(struct result *f, const struct doctor *d, const struct patient *p, const char *what)
{
	(p->conf->force ? warn : fail)(f, "the port takes all packets of its queues and cuts off %s: %s", what,
	                               p->conf->force ? "force=yes wants it so" : "a start is refused");
	if (p->conf->force) /* a key that driver=packet does not have */
		fix_key(f, d, p, "steer", "none");
	else
		fix_key(f, d, p, "driver", "packet");
}

CHECK(children)
{
	L();
	if (!takes_all(p, f))
		return;
	if (*p->reach.above) {
		warn(f, "the port takes all frames of its queues, and what stands on it gets none of them: %s",
		     p->reach.above);
		fix_key(f, d, p, "steer", "none");
	} else if (d->asked.links)
		skip(f, "the kernel does not list its interfaces");
	else
		ok(f, "nothing stands on %s", l->name);
}

CHECK(host_answers)
{
	L();
	if (strcmp(p->conf->driver, "packet") || p->conf->no_rx)
		ok(f, "the host gets no frame that the port takes");
	else if (*p->reach.address) {
		warn(f, "driver=packet leaves the host every frame too, which answers what comes to %s: so both do",
		     p->reach.address);
		fix_key(f, d, p, "driver", "auto");
	} else if (d->asked.addresses)
		skip(f, "the kernel does not tell of its addresses");
	else
		ok(f, "%s has no address at which the host would answer", l->name);
}

CHECK(default_route)
{
	char what[192];

	L();
	if (!takes_all(p, f))
		return;
	if (*reach_route(&p->reach, what, sizeof(what)))
		cut(f, d, p, what);
	else if (d->asked.links || d->asked.routes)
		skip(f, "the kernel does not tell of its routes");
	else
		ok(f, "the host's default route does not lead through %s", l->name);
}

CHECK(ssh_session)
{
	char what[192];

	L();
	if (!takes_all(p, f))
		return;
	if (*reach_login(&p->reach, what, sizeof(what)))
		cut(f, d, p, what);
	else if (d->asked.links || d->asked.addresses || d->asked.connections)
		skip(f, "the kernel does not tell of its TCP connections");
	else
		ok(f, "no ssh session, and no connection of a process that led to this one, comes by %s", l->name);
}

CHECK(promisc)
{
	L();
	if (is(l, "macvlan") || is(l, "macvtap") || is(l, "ipvlan")) {
		warn(f, "%s gets frames to its own address only, promiscuous or not, but for mode "
		     "passthru: a program that forwards for others gets nothing", l->name);
		if (*l->lower.name)
			fix_name(f, d, p, l->lower.name);
		else
			fix(f, "# name the interface below it");
	} else if (is(l, "veth") || is(l, "tun") || is(l, "dummy") || is(l, "netkit") || l->flags & IFF_LOOPBACK)
		ok(f, "%s has no filter of addresses", l->name);
	else if (l->flags & IFF_PROMISC)
		ok(f, "%s takes frames to any address", l->name);
	else {
		warn(f, "%s takes frames to its own address only: a program that forwards for others gets nothing",
		     l->name);
		fix(f, "ip link set dev %s promisc on", quoted(l->name));
	}
}

/* ---- offloads ---- */

/* must_off judges an offload that has to be off. */
static void must_off(const struct iface *l, struct result *f, enum iface_feature feature, const char *cost)
{
	int on = iface_on(l, feature);

	if (on < 0)
		skip(f, "the offloads of %s are not told", l->name);
	else if (!on)
		ok(f, "%s is off", iface_feature_name(feature));
	else {
		warn(f, "%s is on: %s", iface_feature_name(feature), cost);
		if (l->f_can >> feature & 1 || !l->f_can) /* older kernels do not tell what can be switched */
			fix(f, "ethtool -K %s %s off", quoted(l->name), iface_feature_word(feature));
		else
			fix(f, "# this driver does not let it be switched");
	}
}

/* virtio_net turns these off itself when a native program comes, where they can be turned off at all. */
static void must_not_glue(const struct iface *l, const struct patient *p, struct result *f,
                          enum iface_feature feature, const char *cost)
{
	if (!strcmp(l->kdriver, "virtio_net") && p->conf->mode != PLX_XDP_GENERIC && iface_on(l, feature) == 1 &&
	    l->f_can >> feature & 1)
		ok(f, "%s is on until an XDP program comes: virtio_net turns it off then", iface_feature_name(feature));
	else
		must_off(l, f, feature, cost);
}

CHECK(lro)    { L(); must_not_glue(l, p, f, IFACE_F_lro, "drivers refuse XDP, or hand over packets glued together"); }
CHECK(gro_hw) { L(); must_not_glue(l, p, f, IFACE_F_gro_hw, "the NIC glues packets together, drivers refuse XDP"); }

CHECK(rx_vlan)
{
	L();
	if (is(l, "veth"))
		ok(f, "veth strips no tags");
	else
		must_off(l, f, IFACE_F_rx_vlan, "the NIC takes VLAN tags out of frames, and XDP does not see them");
}

CHECK(header_split)
{
	L();
	if (l->hds < 0)
		skip(f, "%s does not tell of header split", l->name);
	else if (!l->hds)
		ok(f, "header split is off");
	else {
		warn(f, "%s puts headers and data into buffers of their own: drivers refuse XDP then", l->name);
		fix(f, "ethtool -G %s tcp-data-split off", quoted(l->name));
	}
}

CHECK(veth_checksum)
{
	L();
	if (!is(l, "veth"))
		ok(f, "%s is no veth", l->name);
	else if (!p->peer)
		skip(f, "the other end of %s is in a network namespace that has no name", l->name);
	else if (iface_on(p->peer, IFACE_F_tx_csum) == 1) {
		warn(f, "the other end %s leaves checksums unfinished: ping works, TCP and UDP of its host do not",
		     p->peer->name);
		fix(f, "%sethtool -K %s tx off", p->at_peer, quoted(p->peer->name));
	} else
		ok(f, "the other end %s finishes its checksums", p->peer->name);
}

CHECK(veth_napi)
{
	L();
	if (!is(l, "veth"))
		ok(f, "%s is no veth", l->name);
	else if (p->conf->mode != PLX_XDP_GENERIC)
		ok(f, "a native XDP program brings NAPI");
	else if (iface_on(l, IFACE_F_gro))
		ok(f, "GRO brings NAPI");
	else {
		warn(f, "veth without NAPI does not tell the receive queue: all frames go to queue 0's socket, or to "
		        "none");
		fix(f, "ethtool -K %s gro on", quoted(l->name));
	}
}

/* ---- MTU ---- */

/* The plan may have chosen it. */
static uint32_t frame_of(const struct doctor *d)
{
	return d->planned ? d->plan.frame_size : d->conf.frame_size ? d->conf.frame_size : PLX_FRAME_SIZE;
}

/* The MTU fits a frame, if perhaps not the part of it that the NIC uses in zero-copy. */
static void room_enough(const struct doctor *d, const struct patient *p, struct result *f)
{
	const uint32_t need = plx_xdp_need(p->l->mtu), frame = frame_of(d), room = plx_xdp_room(frame);
	const char *kdriver = p->plan ? p->plan->link.kdriver : p->l->kdriver;
	const bool zc = p->plan && plan_may_zc(p->conf, &p->plan->link);
	const uint32_t zc_room = zc ? plx_xdp_zc_room(kdriver, room) : room;
	const bool raised = d->planned && d->plan.frame_how == PLAN_FRAME_RAISED;
	const bool larger = frame < PLX_FRAME_MAX && need <= plx_xdp_zc_room(kdriver, plx_xdp_room(PLX_FRAME_MAX));
	char unit[128];

	plx_xdp_unit_text(kdriver, unit, sizeof(unit));
	if (need <= zc_room) {
		/* else it is for zero-copy, or for another interface */
		const bool beyond = need > plx_xdp_room(PLX_FRAME_SIZE);
		const char *why = beyond ? "one of 2048 has room for 1792" : zc ? unit : "another interface needs that";

		ok(f, "MTU %u needs %u bytes, a frame has room for %u%s%s", p->l->mtu, need, zc_room,
		   raised ? ": it has 4096 bytes, since " : "", raised ? why : "");
		return;
	}
	(p->conf->mode == PLX_XDP_ZEROCOPY ? fail : warn)(f, "MTU %u needs %u bytes, and in zero-copy "
	                                                  "a frame of %u has "
	     "room for %u, since %s: %s", p->l->mtu, need, frame, zc_room, unit,
	     p->conf->mode == PLX_XDP_ZEROCOPY ? "mode=zc ends the start" : "each frame is copied instead");
	if (larger)
		fix_option(f, d, "frame-size", "4096");
	else if (plx_xdp_mtu(zc_room))
		fix(f, "ip link set dev %s mtu %u", quoted(p->l->name), plx_xdp_mtu(zc_room));
	else
		fix_key(f, d, p, "mode", "native");
}

CHECK(mtu_room)
{
	L();
	uint32_t frame = frame_of(d), room = plx_xdp_room(frame);
	uint32_t need = plx_xdp_need(l->mtu);
	bool never = p->conf->multibuf == PLX_NEVER;
	bool chains = !never && d->probe.sg != 0 && (d->probe.load_err || !d->probe.frags_err);
	bool packet = !never && !*p->conf->driver && p->conf->mode == PLX_XDP_AUTO; /* the ladder goes on to it */

	if (!xdp(p, f))
		return;
	if (need <= room)
		room_enough(d, p, f);
	else if (chains && need > plx_xdp_room(PLX_FRAME_MAX))
		ok(f, "MTU %u takes chains of up to %u frames", l->mtu, plx_xdp_chain(l->mtu, room));
	else {
		(chains || packet ? warn : fail)(
			f, "MTU %u needs %u bytes and a frame has room for %u: %s", l->mtu, need, room,
			chains ? "such packets take two frames" :
			packet ? "the kernel refuses chains of frames, and driver=packet will serve" :
			never  ? "multibuf=never ends the start" :
				 "the kernel refuses chains, which ends the start");
		const bool no_memory = d->planned && d->plan.frame_how == PLAN_FRAME_NO_MEMORY;

		if (no_memory && (d->conf.mem || d->conf.nnode_mem))
			fix_option(f, d, d->conf.mem ? "mem" : "node-mem", "auto");
		else if (!no_memory && need <= plx_xdp_room(PLX_FRAME_MAX))
			fix_option(f, d, "frame-size", "4096");
		else
			fix(f, "ip link set dev %s mtu %u", quoted(l->name), plx_xdp_mtu(room));
	}
}

CHECK(mtu_chain)
{
	L();
	uint32_t room = plx_xdp_room(frame_of(d));
	uint32_t segs = plx_xdp_chain(l->mtu, room), most = PLX_XDP_COPY_SEGS;

	if (!xdp(p, f))
		return;
	/* where zero-copy takes no chains its bind is refused, and the port copies, unless mode=zc wants it */
	if (l->xdp_features & NETDEV_XDP_ACT_XSK_ZEROCOPY &&
	    l->zc_max_segs > (p->conf->mode == PLX_XDP_ZEROCOPY ? 0 : 1))
		most = (uint32_t)l->zc_max_segs;
	if (segs <= most || segs == 1)
		ok(f, "MTU %u takes %u frame%s, %s takes chains of %u", l->mtu, segs, segs == 1 ? "" : "s", l->name,
		   most);
	else {
		(most == 1 ? fail : warn)(f, "MTU %u takes %u frames and %s takes chains of %u: %s", l->mtu, segs,
		                          l->name, most, most == 1 ? "a start with mode=zc is refused" :
		                          "longer packets are not sent");
		fix(f, "ip link set dev %s mtu %u", quoted(l->name), plx_xdp_mtu(most * room));
	}
}

const struct check iface_checks[] = {
	{ "iface-exists", "interface", "the interface is in this network namespace", iface_exists, true },
	{ "iface-name", "interface", "the interface is named as the kernel names it", iface_name, true },
	{ "iface-sysfs", "interface", "/sys is of the interface's network namespace", iface_sysfs, true },
	{ "iface-header", "interface", "its frames begin with an Ethernet header", iface_header, true },
	{ "iface-up", "interface", "the interface is up", iface_up, true },
	{ "carrier", "interface", "the interface has a carrier", carrier, true },
	{ "iface-node", "interface", "the node of the device is known", iface_node, true },
	{ "xdp-native", "interface", "the driver runs XDP programs itself", xdp_native, true },
	{ "zero-copy", "interface", "the driver offers zero-copy", zero_copy, true },
	{ "xdp-free", "interface", "nobody else's XDP program is attached", xdp_free, true },
	{ "xdp-pins", "interface", "libxdp's dispatcher left nothing behind", xdp_pins, true },
	{ "master", "interface", "the interface is no port of a bond or bridge", master, true },
	{ "stacked", "interface", "the interface is no bond, bridge or VLAN", stacked, true },
	{ "children", "interface", "no interface stands on it", children, true },
	{ "host-answers", "interface", "what comes to the program is not answered by the host too", host_answers,
	  true },
	{ "default-route", "interface", "the host's default route leads elsewhere", default_route, true },
	{ "ssh-session", "interface", "sessions of ssh, and the operator's own, come by other interfaces", ssh_session,
	  true },
	{ "promisc", "interface", "frames to other addresses are not filtered", promisc, true },
	{ "lro", "interface", "the NIC does not glue packets together (LRO)", lro, true },
	{ "gro-hw", "interface", "the NIC does not glue packets together (GRO)", gro_hw, true },
	{ "rx-vlan", "interface", "VLAN tags stay in the frames", rx_vlan, true },
	{ "header-split", "interface", "headers and data stay in one buffer", header_split, true },
	{ "veth-checksum", "interface", "the other end of a veth pair finishes checksums", veth_checksum, true },
	{ "veth-napi", "interface", "veth tells the receive queue of each frame", veth_napi, true },
	{ "mtu-room", "interface", "a frame has room for the MTU", mtu_room, true },
	{ "mtu-chain", "interface", "the interface takes chains as long as the MTU makes them", mtu_chain, true },
	{ NULL, NULL, NULL, NULL, false },
};

/* SPDX-License-Identifier: MIT */
/* test_plan_port.c - what a plan makes of ports: names, channels, MTU, peers and rights; every
   refusal word for word. */
#include "plan_util.h"

#include <linux/capability.h>

static void test_names(void **state)
{
	(void)state;
	machine(1, 2, 1);
	add("nul0,driver=null");
	add("nul0,driver=null");
	refused(-EINVAL, "nul0: given by --iface twice: give it once, with queues=N for more queues");
	conf.nports = 1;
	snprintf(conf.ports[0].driver, 16, "dpdk");
	refused(-EINVAL, "nul0: no driver 'dpdk': --help-all lists them");
	conf.ports[0].name[0] = 0;
	refused(-EINVAL, "port 0 has no name: --iface NAME");
}

/* The kernel keeps a table of the pool's frames for each queue: what it has of them in all is bounded. */
static void test_rings_of_many_ports(void **state)
{
	static const struct { unsigned ports, ring; } rows[] = { { 1, 2048 }, { 26, 2048 }, { 36, 1024 }, { 64, 512 } };
	char name[64];

	(void)state;
	for (size_t r = 0; r < PLX_ARRAY_SIZE(rows); r++) {
		machine(1, 2, 1);
		for (unsigned i = 0; i < rows[r].ports; i++) {
			snprintf(name, sizeof(name), "eth%u", i);
			nic(name, 1, -1);
		}
		made();
		for (unsigned i = 0; i < rows[r].ports; i++) {
			assert_int_equal(plan.ports[i].conf.rxd, rows[r].ring);
			assert_int_equal(plan.ports[i].conf.txd, rows[r].ring);
		}
		assert_int_equal(noted("so many queues"), rows[r].ring < 2048);
	}
	assert_true(noted(
		"rings of 512 entries in place of 2048, since so many queues would hold 393216 frames, and the kernel "
		"keeps a table of all for each: rxd= and txd= say otherwise"));
	/* what was said holds */
	conf.ports[1].rxd = 4096;
	conf.ports[2].txd = 2048;
	made();
	assert_int_equal(plan.ports[1].conf.rxd, 4096);
	assert_int_equal(plan.ports[1].conf.txd, 512);
	assert_int_equal(plan.ports[2].conf.rxd, 512);
	assert_int_equal(plan.ports[2].conf.txd, 2048);
	/* drivers that have no such table */
	for (unsigned i = 0; i < conf.nports; i++)
		snprintf(conf.ports[i].driver, sizeof(conf.ports[i].driver), "packet");
	made();
	assert_int_equal(plan.ports[0].conf.rxd, 2048);
}

static void test_one_interface_twice(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0,queues=2", 4, -1);
	nic("altname,queue=1,queues=2", 4, -1)->ifindex = host.iface[0].link.ifindex;
	refused(-EINVAL,
	        "eth0 and altname are one interface, and both want its queue 1: give it once, or part its queues "
	        "with queue= and queues=");
	conf.ports[1].queue = 2;
	made();
}

/* By the same name too, if the ports have no queue in common. */
static void test_parts_of_an_interface(void **state)
{
	static const char overlap[] =
		"eth0: given by --iface twice, and both want its queue 1: give it once, or part its queues "
		"with queue= and queues=";

	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=2", 4, -1);
	nic("eth0,queue=1,rxqs=2", 4, -1)->ifindex = host.iface[0].link.ifindex;
	refused(-EINVAL, overlap);
	conf.ports[1].queue = 2;
	made();
	/* nobody said how many transmit queues: each port keeps to its own part */
	assert_int_equal(plan.ports[0].conf.txqs, 2);
	assert_int_equal(plan.ports[1].conf.txqs, 2);
	assert_false(noted("lcores that poll")); /* together they have enough */
	/* a socket serves both directions, so a transmit queue is taken as well */
	conf.ports[0].rxqs = conf.ports[1].rxqs = conf.ports[1].queue = 1;
	made();
	conf.ports[0].txqs = 2;
	refused(-EINVAL, overlap);
	conf.ports[0].txqs = 0;
	conf.ports[1].no_rx = true; /* rxqs=0: it only sends */
	conf.ports[1].rxqs = 0;
	conf.ports[1].txqs = 3;
	made();
	assert_int_equal(plan.ports[1].conf.rxqs, 0);
	snprintf(conf.ports[1].driver, 16, "packet");
	refused(-EINVAL,
	        "eth0: given by --iface twice, and driver=packet gives each port all of its frames: give it once");
}

/* No lcore polls, and none is missed for it: any of them may send. */
static void test_only_sends(void **state)
{
	(void)state;
	machine(1, 2, 1);
	nic("eth0,rxqs=0", 2, -1);
	lcores("0-1");
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 0);
	assert_int_equal(plan.ports[0].conf.txqs, 2);
	assert_int_equal(plan.nnotes, 0);
	nic("eth1,rxqs=1", 2, -1);
	made();
	assert_true(noted("no receive queue is left for lcore 1"));
}

/* From the plan on, the interface has the kernel's name. */
static void test_alternative_name(void **state)
{
	static const char given[] = "an-alternative-name-of-more-bytes-than-an-ioctl-takes-and-a-port-has-a-name-of";

	(void)state;
	machine(1, 2, 1);
	strcpy(nic(given, 2, -1)->name, "eth0");
	made();
	assert_string_equal(plan.ports[0].conf.name, "eth0");
	assert_string_equal(plan.ports[0].given, given);
	for (int json = 0; json < 2; json++) {
		char *text = plan_print(&plan, &host.topo, json);

		assert_non_null(strstr(text, json ? "{\"name\":\"eth0\",\"given\":\"an-alternative-name-" :
		                                    "; given as an-alternative-name-"));
		free(text);
	}
	strcpy(nic("eth0", 2, -1)->name, "eth0");
	host.iface[1].link.ifindex = host.iface[0].link.ifindex;
	refused(-EINVAL,
	        "an-alternative-name-of-more-bytes-than-an-ioctl-takes-and-a-port-has-a-name-of and eth0 are one "
	        "interface, and both want its queue 0: give it once, or part its queues with queue= and queues=");
	conf.ports[0].rxqs = conf.ports[1].rxqs = conf.ports[1].queue = 1;
	made();
}

static void test_interface_missing(void **state)
{
	(void)state;
	machine(1, 2, 1);
	add("eth7");
	refused(-ENODEV, "eth7: no such interface (ENODEV): ip link lists them; driver=loop and driver=null need none");
	host.topo.nlinks = 2;
	snprintf(host.topo.links[0], 16, "lo");
	snprintf(host.topo.links[1], 16, "eth1");
	refused(-ENODEV, "eth7: no such interface (ENODEV), did you mean --iface eth1? ip link lists them");
	nic("eth1", 1, -1)->up = false;
	conf.ports[0] = conf.ports[1];
	host.iface[0].link = host.iface[1].link;
	conf.nports = 1;
	refused(-ENETDOWN, "eth1: the interface is down (ENETDOWN): ip link set eth1 up");
}

/* The kernel allows nearly all bytes in a name; what is told is one word of a shell. */
static void test_name_of_a_shell(void **state)
{
	(void)state;
	machine(1, 2, 1);
	add("a;c");
	host.topo.nlinks = 1;
	snprintf(host.topo.links[0], 16, "a;b");
	refused(-ENODEV, "a;c: no such interface (ENODEV), did you mean --iface 'a;b'? ip link lists them");
	machine(1, 2, 1);
	nic("a;b", 1, -1)->up = false;
	refused(-ENETDOWN, "a;b: the interface is down (ENETDOWN): ip link set 'a;b' up");
	host.iface[0].link.up = true;
	conf.ports[0].rxqs = 3;
	refused(-EINVAL,
	        "a;b: rx queue 2 is asked for, the interface has 1 (0-0): use rxqs=1 or fewer, or ethtool -L 'a;b' "
	        "combined 3");
	machine(1, 2, 1);
	nic("$(id)'s,multibuf=never", 1, -1)->mtu = 3000;
	conf.frame_size = 2048;
	refused(-EMSGSIZE, "$(id)'s: MTU 3000 needs 3022 bytes, a frame of 2048 holds 1792, and multibuf=never: use "
	        "multibuf=prefer, --frame-size=4096, or ip link set '$(id)'\\''s' mtu 1770");
	machine(1, 2, 1);
	add("x,driver=loop,peer=y&");
	refused(-EINVAL, "x: peer=y& is no loop port: add --iface 'y&',driver=loop");
}

static void test_channels(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=5", 2, -1);
	refused(-EINVAL,
	        "eth0: rx queue 4 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or ethtool -L eth0 "
	        "combined 5");
	host.iface[0].link.combined = false;
	refused(-EINVAL,
	        "eth0: rx queue 4 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or ethtool -L eth0 "
	        "rx 5");
	conf.ports[0].rxqs = 9;
	refused(-EINVAL,
	        "eth0: rx queue 8 is asked for, the interface has 2 (0-1): use rxqs=2 or fewer, or driver=packet, "
	        "which needs no channels");
	conf.ports[0].rxqs = 1;
	conf.ports[0].queue = 8;
	refused(-EINVAL, "eth0: rx queue 8 is asked for, the interface has 2 (0-1): use queue=1 or lower");
	conf.ports[0].queue = 1;
	conf.ports[0].txqs = 2;
	refused(-EINVAL,
	        "eth0: tx queue 2 is asked for, the interface has 2 (0-1): use txqs=1 or fewer, or ethtool -L eth0 "
	        "tx 3");
	conf.ports[0].txqs = 0;
	made();
	assert_int_equal(plan.ports[0].conf.txqs, 1);
	machine(1, 4, 1);
	nic("eth0,driver=packet,rxqs=16,txqs=9", 2, -1);
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 16);
}

static void test_rest_of_the_channels(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,queue=3", 8, -1);
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 5);
	assert_int_equal(plan.ports[0].conf.txqs, 5);
	machine(1, 4, 1);
	nic("eth0,queue=3", 260, -1); /* more than a port has are not left out in silence */
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, PLX_QUEUES_MAX);
	assert_non_null(strstr(plan.notes[0].evidence, "eth0 has 257 receive queues from queue=3 on, of which a "
	                       "port has at most 256"));
}

/* An lcore gets a transmit queue of its own on every port, as far as there are any. */
static void test_transmit_queues(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=1", 4, -1);
	nic("eth1,rxqs=3", 4, -1);
	add("l,driver=loop");
	made();
	assert_int_equal(plan.nlcores, 4);
	assert_int_equal(plan.ports[0].conf.txqs, 4);
	assert_int_equal(plan.ports[1].conf.txqs, 4);
	assert_int_equal(plan.ports[2].conf.rxqs, 1);
	assert_int_equal(plan.ports[2].conf.txqs, 4);
	assert_int_equal(plan.nnotes, 0);
	host.iface[0].link.txqs = host.iface[0].link.rxqs = 2;
	made();
	assert_int_equal(plan.ports[0].conf.txqs, 2);
	assert_true(noted("eth0 has 2 transmit queues for 4 lcores that poll"));
}

/* Each queue has one owner, first who polls the queue of its number; the others share the owners. */
static void test_owners(void **state)
{
	(void)state;
	machine(1, 4, 1);
	nic("eth0,rxqs=2", 2, -1);
	nic("eth1,rxqs=1", 1, -1);
	add("l,driver=loop,rxqs=1,txqs=6");
	lcores("0-3");
	conf.service[conf.nservice++] = (struct plx_lcore_conf){ .id = 9 };
	made();
	for (uint16_t q = 0; q < 2; q++) {
		const uint16_t l = plan.ports[0].rxq_lcore[q];

		assert_int_equal(plan.ports[0].txq_lcore[q], l);
		assert_int_equal(plan.ports[0].lcore_txq[l], q);
	}
	assert_int_equal(plan.ports[1].txq_lcore[0], plan.ports[1].rxq_lcore[0]);
	for (unsigned i = 0; i < plan.nports; i++) {
		const struct plan_port *port = &plan.ports[i];
		unsigned own = 0, through[2] = { 0 };

		for (uint16_t k = 0; k < plan.nlcores; k++) {
			assert_in_range(port->lcore_txq[k], 0, port->conf.txqs - 1);
			own += port->txq_lcore[port->lcore_txq[k]] == k;
			if (port->txq_lcore[port->lcore_txq[k]] != k)
				through[port->lcore_txq[k] & 1]++;
		}
		assert_int_equal(own, i == 2 ? 5 : port->conf.txqs);
		if (!i)
			assert_true(through[0] && through[1]);
	}
	/* a queue that is one too many has an owner too; a service lcore has one behind all workers */
	assert_int_equal(plan.ports[2].txq_lcore[4], 4);
	assert_true(plan.ports[2].txq_lcore[5] < 4);
	/* and nobody sends through a service lcore */
	conf.ports[2].txqs = 5;
	conf.service[conf.nservice++] = (struct plx_lcore_conf){ .id = 10 };
	made();
	assert_int_equal(plan.ports[2].txq_lcore[4], 4);
	assert_true(plan.ports[2].lcore_txq[5] < 4);
}

static void test_mtu(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0,multibuf=never", 1, -1)->mtu = 1770; /* 1770 + 22 = 2048 - 256 */
	conf.frame_size = 2048;
	made();
	host.iface[0].link.mtu = 1771;
	refused(-EMSGSIZE, "eth0: MTU 1771 needs 1793 bytes, a frame of 2048 holds 1792, and multibuf=never: use "
	        "multibuf=prefer, --frame-size=4096, or ip link set eth0 mtu 1770");
	host.iface[0].link.mtu = 9000;
	refused(-EMSGSIZE, "eth0: MTU 9000 needs 9022 bytes, a frame of 2048 holds 1792, and multibuf=never: use "
	        "multibuf=prefer, or ip link set eth0 mtu 1770");
	conf.frame_size = 0;
	refused(-EMSGSIZE, "eth0: MTU 9000 needs 9022 bytes, a frame of 4096 holds 3840, and multibuf=never: use "
	        "multibuf=prefer, or ip link set eth0 mtu 3818");
	host.iface[0].link.mtu = 3818;
	made();
	host.iface[0].link.mtu = 9000;
	conf.ports[0].multibuf = PLX_PREFER;
	made();
	/* a kernel before 6.6 */
	machine(1, 1, 1);
	host.topo.no_chains = true;
	nic("eth0", 1, -1)->mtu = 1770;
	conf.frame_size = 2048;
	made();
	assert_false(noted("chains"));
	host.iface[0].link.mtu = 1771;
	made();
	assert_true(noted("eth0: driver=packet, since MTU 1771 needs 1793 bytes, a frame of 2048 holds 1792, and "
	                  "this kernel refuses chains of frames; for af_xdp use --frame-size=4096, or ip link "
	                  "set eth0 mtu 1770"));
	host.iface[0].link.mtu = 9000;
	made();
	assert_true(noted("; for af_xdp use ip link set eth0 mtu 1770"));
	conf.ports[0].mode = PLX_XDP_NATIVE;
	refused(-EOPNOTSUPP, "eth0: MTU 9000 needs 9022 bytes, a frame of 2048 holds 1792, and this kernel refuses "
	                     "chains of frames: "
	                     "use driver=packet without mode=, or ip link set eth0 mtu 1770");
	conf.frame_size = 0;
	host.iface[0].link.mtu = 3818;
	made();
	assert_false(noted("driver=packet"));
	machine(1, 1, 1);
	host.topo.no_chains = true;
	nic("eth0,driver=packet", 1, -1)->mtu = 9000;
	made();
	assert_false(noted("chains"));
}

/* An MTU beyond a frame of 2048 takes frames of 4096, unless somebody wants it otherwise. */
static void test_mtu_frame(void **state)
{
	static const struct { const char *port; uint32_t mtu, frame;
	} rows[] = {
		{ "eth0", 1770, 2048 },
		{ "eth0", 1771, 4096 },
		{ "eth0", 9000, 4096 },
		{ "eth0,mode=native", 9000, 4096 },
		{ "eth0,driver=af_xdp", 3000, 4096 },
		{ "eth0,driver=packet", 9000, 2048 },
		{ "eth0,multibuf=never", 3000, 4096 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		machine(1, 1, 1);
		nic(rows[i].port, 1, -1)->mtu = rows[i].mtu;
		made();
		if (plan.frame_size != rows[i].frame || plan.pools[0].frame_size != rows[i].frame)
			fail_msg("%s, MTU %u: %u", rows[i].port, rows[i].mtu, plan.frame_size);
		if (noted("eth0: frames of 4096 bytes, since MTU ") != (rows[i].frame == 4096))
			fail_msg("%s, MTU %u: what the notes say", rows[i].port, rows[i].mtu);
		conf.frame_size = 2048;
		if (strstr(rows[i].port, "never"))
			continue;
		made();
		assert_int_equal(plan.frame_size, 2048);
		assert_false(noted("frames of"));
	}
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	nic("eth1", 1, -1)->mtu = 9000; /* one is enough */
	made();
	assert_true(noted(
		"eth1: frames of 4096 bytes, since MTU 9000 needs 9022 bytes, of which a frame of 2048 holds 1792"));
}

/* Larger frames that nobody asked for end no start, whatever it is that is too short for them. */
static void test_mtu_memory(void **state)
{
	static const char short_of[] =
		"eth0: a packet of MTU 9000 takes 6 frames of 2048 bytes, since memory is too short for frames of "
		"4096, of which it takes 3: give it more";

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1)->mtu = 9000;
	conf.mem = 20 << 20; /* a pool */
	made();
	assert_int_equal(plan.pools[0].frame_size, 2048);
	assert_int_equal(plan.npools, 1);
	assert_true(noted(short_of));
	conf.mem = 0; /* what the machine has */
	conf.huge = PLX_NEVER;
	conf.ports[0].mode = PLX_XDP_NATIVE;
	made();
	assert_int_equal(plan.frame_size, 4096);
	host.topo.mem_avail = plan.pools[0].bytes;
	made();
	assert_int_equal(plan.frame_size, 2048);
	assert_true(noted(short_of));
	assert_false(noted("frames of 4096 bytes, since"));
	host.topo.mem_avail = 0; /* what it may lock */
	host.topo.missing_caps = 1ull << 14; /* CAP_IPC_LOCK */
	host.topo.memlock = plan.pools[0].bytes;
	conf.ports[0].mode = PLX_XDP_AUTO;
	strcpy(conf.ports[0].driver, "af_xdp");
	made();
	assert_int_equal(plan.frame_size, 2048);
	assert_true(noted(short_of));
	/* a kernel without chains: packet takes what does not fit */
	machine(1, 1, 1);
	host.topo.no_chains = true;
	nic("eth0", 1, -1)->mtu = 3000;
	conf.mem = 20 << 20;
	made();
	assert_true(noted("eth0: driver=packet, since MTU 3000 needs 3022 bytes, a frame of 2048 holds 1792"));
	assert_false(noted("give it more"));
	/* chains are no way out: then it is the memory that is told */
	conf.ports[0].multibuf = PLX_NEVER;
	refused(-ENOMEM, "memory of node 0: 5025 frames of 4096 bytes, but rings and lcores can hold 7424: -m 30 or "
	                 "more, or smaller "
	                 "rings by rxd= and txd=");
}

/* ---- the unit in which a NIC counts its buffers ---- */

static struct plx_link_info *driven(const char *text, const char *kdriver, uint32_t mtu)
{
	struct plx_link_info *li = nic(text, 1, -1);

	li->mtu = mtu;
	strcpy(li->kdriver, kdriver);
	return li;
}

static void test_frame_size(void **state)
{
	static const struct { const char *kdriver; uint8_t zc; uint32_t mtu, frame; } rows[] = {
		{ "igb", PLX_LINK_ZC_YES, 1002, 2048 },        /* 1002 + 18 = 1024 */
		{ "igb", PLX_LINK_ZC_YES, 1007, 4096 },
		{ "igb", PLX_LINK_ZC_NOT_TOLD, 1500, 4096 },
		{ "igb", PLX_LINK_ZC_NO, 1500, 2048 },         /* a kernel before 6.14 */
		{ "igb", PLX_LINK_ZC_YES, 3050, 4096 },
		{ "igc", PLX_LINK_ZC_YES, 1500, 4096 },
		{ "ixgbe", PLX_LINK_ZC_YES, 1500, 4096 },
		{ "i40e", PLX_LINK_ZC_YES, 1770, 2048 },
		{ "ice", PLX_LINK_ZC_YES, 1770, 2048 },
		{ "mlx5_core", PLX_LINK_ZC_YES, 1770, 2048 },
		{ "virtio_net", PLX_LINK_ZC_YES, 1770, 2048 },
		{ "veth", PLX_LINK_ZC_NOT_TOLD, 1500, 2048 },
		{ "", PLX_LINK_ZC_NOT_TOLD, 1500, 2048 },
		{ "tsnep", PLX_LINK_ZC_YES, 1500, 4096 },      /* nobody has looked at it */
		{ "tsnep", PLX_LINK_ZC_NOT_TOLD, 60, 4096 },
		{ "tsnep", PLX_LINK_ZC_NO, 1500, 2048 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		machine(1, 1, 1);
		driven("eth0", rows[i].kdriver, rows[i].mtu)->zc = rows[i].zc;
		made();
		if (plan.frame_size != rows[i].frame || plan.pools[0].frame_size != rows[i].frame)
			fail_msg("%s, MTU %u: %u", rows[i].kdriver, rows[i].mtu, plan.frame_size);
		if (noted("eth0: frames of 4096 bytes for zero-copy, since ") != (rows[i].frame == 4096))
			fail_msg("%s, MTU %u: what the notes say", rows[i].kdriver, rows[i].mtu);
		assert_false(noted("no zero-copy"));
	}
	machine(1, 1, 1);
	driven("eth0", "igb", 9000);
	made();
	assert_int_equal(plan.frame_size, 4096);
	assert_true(noted("eth0: no zero-copy, since driver igb counts receive buffers in units of 1024 bytes and MTU "
	                  "9000 needs 9022 bytes, "
	                  "of which a frame of 4096 then holds 3072; for zero-copy use ip link set eth0 mtu 3050"));
	/* who asks for no zero-copy needs none of that */
	machine(1, 1, 1);
	driven("eth0,mode=native", "igb", 1500);
	driven("eth1,driver=packet", "igb", 1500);
	made();
	assert_int_equal(plan.frame_size, 2048);
	driven("eth2", "igb", 1500); /* one is enough, and all pools have frames of one size */
	made();
	assert_int_equal(plan.frame_size, 4096);
	assert_true(noted("eth2: frames of 4096 bytes for zero-copy, since driver igb counts receive buffers in units "
	                  "of 1024 bytes and MTU 1500 needs 1522 bytes, of which a frame of 2048 would hold 1024"));
}

static void test_no_zerocopy(void **state)
{
	(void)state;
	machine(1, 1, 1);
	driven("eth0", "igb", 1500);
	conf.frame_size = 2048; /* somebody wants it so */
	made();
	assert_int_equal(plan.frame_size, 2048);
	assert_true(noted("eth0: no zero-copy, since driver igb counts receive buffers in units of 1024 bytes and "
	                  "MTU 1500 needs 1522 bytes, of which a frame of 2048 then holds 1024; for zero-copy use "
	                  "--frame-size=4096, or ip link set eth0 mtu 1002"));
	conf.ports[0].mode = PLX_XDP_ZEROCOPY;
	refused(-EOPNOTSUPP, "eth0: mode=zc: MTU 1500 needs 1522 bytes, and a frame of 2048 holds 1024 in zero-copy, "
	        "since driver igb counts receive buffers in units of 1024 bytes: use --frame-size=4096, or ip link set "
	        "eth0 mtu 1002, or mode=auto");
	conf.frame_size = 4096;
	made();
	host.iface[0].link.mtu = 3100; /* 3122 fits 3840, and not 3072 */
	refused(-EOPNOTSUPP, "eth0: mode=zc: MTU 3100 needs 3122 bytes, and a frame of 4096 holds 3072 in zero-copy, "
	        "since driver igb counts receive buffers in units of 1024 bytes: use ip link set eth0 mtu "
	        "3050, or mode=auto");
	conf.ports[0].mode = PLX_XDP_AUTO;
	made();
	assert_true(noted("eth0: no zero-copy, since driver igb"));
}

/* Larger frames that nobody asked for end no start. */
static void test_frame_memory(void **state)
{
	(void)state;
	machine(1, 1, 1);
	driven("eth0", "igb", 1500);
	conf.mem = 20 << 20;
	made();
	assert_int_equal(plan.frame_size, 2048);
	assert_int_equal(plan.npools, 1);
	assert_int_equal(plan.pools[0].frame_size, 2048);
	assert_true(noted("eth0: no zero-copy, since driver igb counts receive buffers in units of 1024 bytes and MTU "
	                  "1500 needs 1522 bytes, of which a frame of 2048 then holds 1024; for zero-copy use more "
	                  "memory, or ip link set eth0 mtu 1002"));
	conf.mem = 40 << 20;
	made();
	assert_int_equal(plan.frame_size, 4096);
	conf.mem = 8 << 20;
	refused(-ENOMEM, "memory of node 0: 3940 frames of 2048 bytes, but rings and lcores can hold 7424: -m 16 or "
	        "more, or smaller rings by rxd= and txd=");
}

static void test_peers(void **state)
{
	(void)state;
	machine(1, 1, 1);
	add("a,driver=loop,peer=b");
	refused(-EINVAL, "a: peer=b is no loop port: add --iface b,driver=loop");
	add("b,driver=null");
	refused(-EINVAL, "a: peer=b is no loop port: add --iface b,driver=loop");
	snprintf(conf.ports[1].driver, 16, "loop");
	made();
}

/* ---- rights ---- */

static uint64_t without(uint64_t a, uint64_t b)
{
	return 1ull << a | 1ull << b;
}

static void test_rights(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.missing_caps = ~0ull;
	refused(-EPERM,
	        "eth0: missing CAP_NET_RAW for socket(AF_XDP), CAP_NET_ADMIN for bpf(BPF_LINK_CREATE) of the XDP "
	        "program, CAP_BPF for bpf(BPF_PROG_LOAD), CAP_IPC_LOCK for setsockopt(XDP_UMEM_REG) (or ulimit -l "
	        "17810): run "
	        "as root, or setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep on the program");
	host.topo.memlock = UINT64_MAX;
	host.topo.missing_caps = ~(1ull << CAP_SYS_ADMIN);
	refused(-EPERM,
	        "eth0: missing CAP_NET_RAW for socket(AF_XDP), CAP_NET_ADMIN for bpf(BPF_LINK_CREATE) of the XDP "
	        "program: run as root, or setcap cap_net_raw,cap_net_admin+ep on the program");
	/* the ladder goes on to packet, which needs CAP_NET_RAW only */
	host.topo.missing_caps = without(CAP_BPF, CAP_SYS_ADMIN);
	made();
	assert_string_equal(plan.notes[0].evidence,
	                    "eth0: driver=packet, since af_xdp misses CAP_BPF for bpf(BPF_PROG_LOAD): run as "
	                    "root, or setcap cap_bpf+ep on the program");
	snprintf(conf.ports[0].driver, 16, "af_xdp");
	refused(-EPERM,
	        "eth0: missing CAP_BPF for bpf(BPF_PROG_LOAD): run as root, or setcap cap_bpf+ep on the program");
	snprintf(conf.ports[0].driver, 16, "packet");
	made();
	host.topo.missing_caps = ~0ull;
	refused(-EPERM, "eth0: missing CAP_NET_RAW for socket(AF_PACKET): run as root, or setcap cap_net_raw+ep on the "
	                "program");
	snprintf(conf.ports[0].driver, 16, "loop");
	made(); /* memory drivers need nothing */
	assert_int_equal(plan.nnotes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_rings_of_many_ports),
		cmocka_unit_test(test_one_interface_twice),
		cmocka_unit_test(test_parts_of_an_interface),
		cmocka_unit_test(test_only_sends),
		cmocka_unit_test(test_alternative_name),
		cmocka_unit_test(test_interface_missing),
		cmocka_unit_test(test_name_of_a_shell),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_rest_of_the_channels),
		cmocka_unit_test(test_transmit_queues),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_mtu_frame),
		cmocka_unit_test(test_mtu_memory),
		cmocka_unit_test(test_frame_size),
		cmocka_unit_test(test_no_zerocopy),
		cmocka_unit_test(test_frame_memory),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_rights),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

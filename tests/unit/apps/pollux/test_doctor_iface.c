/* SPDX-License-Identifier: MIT */
/* test_doctor_iface.c - what pollux doctor says of interfaces and their queues, one thing wrong at
   a time. */
#include "doctor_util.h"

#include <linux/if_link.h>

static void test_iface(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	d.port[0].l = NULL;
	bad("iface-exists", CHECK_FAIL, "no interface eth1", NO_COMMAND);
	says("carrier", CHECK_SKIP);
	strcpy(d.port[0].near, "eth11");
	bad("iface-exists", CHECK_FAIL, "there is eth11", "pollux doctor eth11 -l 4-7");
	strcpy(d.port[0].elsewhere, "ip netns exec blue ");
	bad("iface-exists", CHECK_FAIL, "blue", "ip netns exec blue pollux doctor eth1 -l 4-7");
	d.port[0].l = l;
	strcpy(l->name, "a=b");
	says("iface-name", CHECK_OK); /* the only name that can be given */
	strcpy(l->name, "enp1s0");
	bad("iface-name", CHECK_WARN, "another name of enp1s0", "pollux doctor enp1s0 -l 4-7");
	d.port[0].sysfs = false;
	bad("iface-sysfs", CHECK_WARN, "/sys", "mount -t sysfs sysfs /sys");
	strcpy(d.facts.netns, "red");
	bad("iface-sysfs", CHECK_WARN, "/sys", "ip netns exec red pollux doctor eth1 -l 4-7");
	l->flags = IFF_UP;
	bad("carrier", CHECK_WARN, "no carrier", NO_COMMAND);
	bad("promisc", CHECK_WARN, "own address", "ip link set dev enp1s0 promisc on");
	d.port[0].peer = &links[1];
	links[1].flags = 0;
	strcpy(d.port[0].at_peer, "nsenter -t 1 -n ");
	bad("carrier", CHECK_WARN, "eth2 is down", "nsenter -t 1 -n ip link set dev eth2 up");
	l->flags = 0;
	bad("iface-up", CHECK_FAIL, "down", "ip link set dev enp1s0 up");
	says("iface-header", CHECK_OK);
	l->type = ARPHRD_NONE;
	bad("iface-header", CHECK_FAIL, "it has no Ethernet header (type 65534, ARPHRD_NONE)", NO_COMMAND);
	l->type = 4711;
	bad("iface-header", CHECK_FAIL, "(type 4711) (EOPNOTSUPP): use a NIC, a veth or a tap", NO_COMMAND);
	l->type = ARPHRD_LOOPBACK;
	says("iface-header", CHECK_OK);
	l->type = -1;
	says("iface-header", CHECK_SKIP);
	says("carrier", CHECK_SKIP);
	l->node = -1;
	bad("iface-node", CHECK_WARN, "0000:81:00.0", NO_COMMAND);
	/* the kernel allows such names, and the other end's is chosen by others */
	strcpy(l->name, "$(halt)");
	bad("iface-up", CHECK_FAIL, "down", "ip link set dev '$(halt)' up");
	l->flags = IFF_UP;
	strcpy(links[1].name, "a;b'c");
	bad("carrier", CHECK_WARN, "is down", "nsenter -t 1 -n ip link set dev 'a;b'\\''c' up");
}

static void test_xdp(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->xdp_features = 0;
	bad("xdp-native", CHECK_WARN, "generic", NO_COMMAND);
	bad("zero-copy", CHECK_WARN, "driver ice", NO_COMMAND);
	asked("--iface eth1,mode=zc,stall=off -l 4-7");
	bad("xdp-native", CHECK_FAIL, "mode=zc", "pollux doctor --iface eth1,stall=off,mode=generic -l 4-7");
	bad("zero-copy", CHECK_FAIL, "mode=zc", "pollux doctor --iface eth1,stall=off,mode=auto -l 4-7");
	l->xdp = (struct plx_xdp_info){ .id = 9, .name = "theirs", .tag = { 0x0a, 0, 0, 0, 0, 0, 0, 0x12 } };
	l->xdp.mode = XDP_ATTACHED_DRV;
	bad("xdp-free", CHECK_FAIL, "native program 9 \"theirs\"; tag 0a00000000000012",
	    "ip link set dev eth1 xdpdrv off");
	l->xdp.mode = XDP_ATTACHED_SKB;
	bad("xdp-free", CHECK_FAIL, "program 9", "ip link set dev eth1 xdpgeneric off");
	l->xdp.link = 4;
	bad("xdp-free", CHECK_FAIL, "program 9", "bpftool link detach id 4");
	strcpy(l->xdp.name, "steer"); /* ours is never detached, but its program may be ended */
	l->xdp.pid = 812;
	strcpy(l->xdp.comm, "plx-fwd");
	bad("xdp-free", CHECK_FAIL, "pid 812 (plx-fwd), which is Pollux at work", "kill 812");
	l->xdp = (struct plx_xdp_info){ .id = 12, .name = "xdp_dispatcher", .mode = XDP_ATTACHED_DRV,
	                                .dispatcher = true, .ncalled = 2,
	                                .called = { { .id = 13, .name = "xdp_pass", .prio = 10 },
	                                            { .id = 14, .name = "xdp_drop", .prio = 50 } } };
	bad("xdp-free", CHECK_FAIL, "the XDP hook of eth1 is held by libxdp's dispatcher, native program 12 "
	    "\"xdp_dispatcher\", which calls program 13 \"xdp_pass\" (priority 10) and program 14 "
	    "\"xdp_drop\" (priority 50)", "xdp-loader unload eth1 --all");
	l->xdp = (struct plx_xdp_info){ .id = 12, .mode = XDP_ATTACHED_DRV, .refused = true };
	bad("xdp-free", CHECK_FAIL, "CAP_SYS_ADMIN only", "ip link set dev eth1 xdpdrv off");
	l->xdp.id = 0;
	strcpy(d.port[0].pins, "dispatch-7-12");
	bad("xdp-pins", CHECK_WARN, "is left of a dispatcher that is gone", "xdp-loader clean eth1");
	strcpy(l->kdriver, "virtio_net");
	l->xdp_features = 0x3f;
	d.port[0].no_platform = true;
	asked("eth1 -l 4-7");
	bad("zero-copy", CHECK_WARN, "does not offer zero-copy: its device lacks VIRTIO_F_ACCESS_PLATFORM", NO_COMMAND);
	asked("eth1,mode=zc -l 4-7");
	bad("zero-copy", CHECK_FAIL, "asks for it: its device lacks", "pollux doctor eth1,mode=auto -l 4-7");
	asked("eth1,driver=packet -l 4-7");
	says("xdp-native", CHECK_SKIP);
	says("zero-copy", CHECK_SKIP);
}

static void test_uses(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->master = (struct iface_ref){ 12, "bond0" };
	bad("master", CHECK_WARN, "bond0", "ip link set dev eth1 nomaster");
	says("host-answers", CHECK_OK);
	asked("eth1,driver=packet -l 4-7");
	says("master", CHECK_OK);
	says("host-answers", CHECK_OK);
	strcpy(d.port[0].reach.address, "192.0.2.1");
	bad("host-answers", CHECK_WARN, "what comes to 192.0.2.1: so both do", "pollux doctor eth1,driver=auto -l 4-7");
	*d.port[0].reach.address = 0;
	d.asked.addresses = -EPERM;
	says("host-answers", CHECK_SKIP);
	d.asked.addresses = 0;
	asked("eth1 -l 4-7");
	strcpy(d.port[0].reach.above, "bond0 (bond), bond0.7 (vlan)");
	bad("children", CHECK_WARN, "gets none of them: bond0 (bond), bond0.7 (vlan)",
	    "pollux doctor eth1,steer=none -l 4-7");
	asked("eth1,steer=none -l 4-7");
	says("children", CHECK_OK);
	asked("eth1 -l 4-7");
	*d.port[0].reach.above = 0;
	says("children", CHECK_OK);
	d.asked.links = -EPERM;
	says("children", CHECK_SKIP);
	d.asked.links = 0;
	strcpy(l->kind, "bond");
	bad("xdp-native", CHECK_WARN, "native XDP of a bond takes its members' frames", NO_COMMAND);
	l->slaves[l->nslaves++] = (struct iface_ref){ 8, "eth2" };
	bad("stacked", CHECK_WARN, "bond", "pollux doctor eth2 -l 4-7");
	bad("xdp-native", CHECK_WARN, "native XDP of a bond takes its members' frames", "pollux doctor eth2 -l 4-7");
	asked("eth1,mode=native -l 4-7");
	bad("xdp-native", CHECK_FAIL, "mode=native asks for it", "pollux doctor eth2,mode=native -l 4-7");
	asked("eth1,mode=generic -l 4-7");
	says("xdp-native", CHECK_OK);
	asked("eth1 -l 4-7");
	strcpy(l->kind, "macvlan");
	l->lower = (struct iface_ref){ 9, "eth3" };
	bad("promisc", CHECK_WARN, "its own address only, promiscuous or not", "pollux doctor eth3 -l 4-7");
	strcpy(l->kind, "vlan");
	l->lower = (struct iface_ref){ 9, "eth3" };
	bad("stacked", CHECK_WARN, "vlan", "pollux doctor eth3 -l 4-7");
	*l->kind = 0;
	d.asked.routes = d.asked.connections = -EPERM;
	says("default-route", CHECK_SKIP);
	says("ssh-session", CHECK_SKIP);
	d.port[0].reach =
		(struct reach){ .name = "eth1", .route_by = "br0", .login_by = "eth1", .login_far = "192.0.2.7:50022" };
	bad("default-route", CHECK_FAIL, "the default route by br0, which stands on eth1",
	    "pollux doctor eth1,driver=packet -l 4-7");
	bad("ssh-session", CHECK_FAIL, "the ssh session from 192.0.2.7:50022",
	    "pollux doctor eth1,driver=packet -l 4-7");
	asked("eth1,force=yes -l 4-7"); /* a start goes on, and it is still worth a word */
	bad("default-route", CHECK_WARN, "force=yes", "pollux doctor eth1,force=yes,steer=none -l 4-7");
	bad("ssh-session", CHECK_WARN, "force=yes", "pollux doctor eth1,force=yes,steer=none -l 4-7");
	asked("eth1,steer=none -l 4-7");
	says("ssh-session", CHECK_OK);
	says("default-route", CHECK_OK);
}

static void test_offloads(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->f_on = 1u << IFACE_F_lro | 1u << IFACE_F_gro_hw | 1u << IFACE_F_rx_vlan;
	l->f_can &= ~(1u << IFACE_F_gro_hw);
	bad("lro", CHECK_WARN, "rx-lro is on", "ethtool -K eth1 lro off");
	bad("gro-hw", CHECK_WARN, "rx-gro-hw is on", NO_COMMAND);
	bad("rx-vlan", CHECK_WARN, "rx-vlan-hw-parse is on", "ethtool -K eth1 rxvlan off");
	strcpy(l->kdriver, "virtio_net"); /* turns off what can be turned off */
	says("lro", CHECK_OK);
	bad("gro-hw", CHECK_WARN, "rx-gro-hw is on", NO_COMMAND);
	l->f_known = 0;
	says("lro", CHECK_SKIP);
	l->hds = 1;
	bad("header-split", CHECK_WARN, "buffers of their own", "ethtool -G eth1 tcp-data-split off");
	strcpy(l->kind, "veth");
	says("veth-checksum", CHECK_SKIP);
	d.port[0].peer = &links[1];
	links[1].f_on = 1u << IFACE_F_tx_csum;
	strcpy(d.port[0].at_peer, "ip netns exec blue ");
	bad("veth-checksum", CHECK_WARN, "eth2", "ip netns exec blue ethtool -K eth2 tx off");
	asked("eth1,mode=generic -l 4-7");
	l->f_known = 1u << IFACE_F_gro;
	bad("veth-napi", CHECK_WARN, "NAPI", "ethtool -K eth1 gro on");
}

static void test_mtu(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->mtu = 1770; /* 2048 - 256 - 22 */
	says("mtu-room", CHECK_OK);
	l->mtu = 1771;
	bad("mtu-room", CHECK_WARN, "two frames", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	d.probe.sg = 0;
	bad("mtu-room", CHECK_WARN, "driver=packet will serve", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	l->mtu = 3819;
	bad("mtu-room", CHECK_WARN, "driver=packet will serve", "ip link set dev eth1 mtu 1770");
	d.conf.ports[0].mode = PLX_XDP_NATIVE;
	bad("mtu-room", CHECK_FAIL, "the kernel refuses chains, which ends the start", "ip link set dev eth1 mtu 1770");
	d.conf.ports[0].mode = PLX_XDP_AUTO;
	d.probe.sg = 1;
	d.probe.frags_err = -EINVAL;
	says("mtu-room", CHECK_WARN);
	d.probe.load_err = d.probe.frags_err = -EPERM; /* could not be tried: no evidence against chains */
	says("mtu-room", CHECK_OK);
	l->mtu = 8 * 1792 - 22;
	says("mtu-chain", CHECK_OK);
	l->mtu++;
	bad("mtu-chain", CHECK_WARN, "takes 9 frames", "ip link set dev eth1 mtu 14314");
	l->xdp_features = 1; /* no zero-copy: chains as long as the kernel's */
	says("mtu-chain", CHECK_OK);
}

static void test_mtu_plan(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->mtu = 3000;
	strcpy(l->kdriver, "ice");
	plan();
	says("mtu-room", CHECK_OK);
	assert_non_null(
		strstr(said.found.evidence,
	               "MTU 3000 needs 3022 bytes, a frame has room for 3840: it has 4096 bytes, since one of 2048 "
	               "has room for 1792"));
	l->mtu = 9000;
	plan();
	says("mtu-room", CHECK_OK);
	assert_non_null(strstr(said.found.evidence, "chains of up to 3 frames"));
	l->mtu = 3000;
	asked("eth1 -l 4-7 --frame-size 2048");
	bad("mtu-room", CHECK_WARN, "two frames", "pollux doctor eth1 -l 4-7 --frame-size 4096");
	asked("eth1 -l 4-7 -m 64M");
	plan();
	bad("mtu-room", CHECK_WARN, "two frames", "pollux doctor eth1 -l 4-7 --mem auto");
}

static void test_mtu_unit(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->mtu = 1500;
	strcpy(l->kdriver, "igb");
	plan();
	says("mtu-room", CHECK_OK);
	assert_non_null(strstr(said.found.evidence, "MTU 1500 needs 1522 bytes, a frame has room for 3072: it has 4096 "
	                       "bytes, since driver igb counts receive buffers in units of 1024 bytes"));
	asked("eth1 -l 4-7 --frame-size 2048");
	bad("mtu-room", CHECK_WARN, "in zero-copy a frame of 2048 has room for 1024, since driver igb counts receive "
	    "buffers in units of 1024 bytes: each frame is copied instead", "pollux doctor eth1 -l 4-7 "
	    "--frame-size 4096");
	asked("eth1,mode=native -l 4-7 --frame-size 2048");
	says("mtu-room", CHECK_OK);
	asked("eth1 -l 4-7 --frame-size 4096");
	l->mtu = 3051;
	plan();
	bad("mtu-room", CHECK_WARN, "a frame of 4096 has room for 3072", "ip link set dev eth1 mtu 3050");
	l->mtu = 1500;
	strcpy(l->kdriver, "newnic");
	asked("eth1 -l 4-7 --frame-size 2048");
	bad("mtu-room", CHECK_WARN, "the unit of receive buffers of driver newnic is not known",
	    "pollux doctor eth1 -l 4-7 --frame-size 4096");
	l->xdp_features = 1; /* it has no zero-copy */
	plan();
	says("mtu-room", CHECK_OK);
}

/* ---- queues ---- */

static void test_queues(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->txq[3].xsk = 1;
	bad("queue-free", CHECK_FAIL, "queue 3 of eth1 has an AF_XDP socket already, of a process", NO_COMMAND);
	d.port[0].holder = 99;
	strcpy(d.port[0].holder_name, "suricata");
	bad("queue-free", CHECK_FAIL, "pid 99 (suricata)", "kill 99");
	l->txq[3].xsk = -1;
	l->rxq[0].xsk = -1;
	says("queue-free", CHECK_SKIP);
	asked("eth1,rxqs=3 -l 4-6");
	says("queues-unused", CHECK_OK); /* the RSS table decides */
	bad("rss-table", CHECK_WARN, "32 of the 128 entries", "ethtool -X eth1 equal 3 start 0");
	d.port[0].nrules = 3;
	d.port[0].rule[0] = (struct flow_rule){ 4, 2 };
	d.port[0].rule[1] = (struct flow_rule){ 5, UINT32_MAX };
	says("flow-rules", CHECK_OK);
	d.port[0].rule[2] = (struct flow_rule){ 6, 3 };
	bad("flow-rules", CHECK_WARN, "flow rule 6 of eth1 leads to queue 3", "ethtool -N eth1 delete 6");
	l->rss_size = 0;
	bad("queues-unused", CHECK_WARN, "1 of the 4", "ethtool -L eth1 combined 3");
	asked("eth1,queue=1 -l 4-6");
	bad("queues-unused", CHECK_WARN, "1 of the 4", "pollux doctor eth1 -l 4-6");
	asked("eth1 -l 4-7");
	says("queues-asked", CHECK_OK);
	assert_string_equal(said.found.evidence, "eth1 has 4 receive and 4 transmit queues, no number is asked for");
	asked("eth1,rxqs=6 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "rx queue 5", "ethtool -L eth1 combined 6");
	asked("eth1,rxqs=20,rxd=64 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "rx queue 19", "pollux doctor eth1,rxd=64,queues=4 -l 4-7");
	asked("eth1,queue=99 -l 4-7");
	bad("queues-asked", CHECK_FAIL, "queue 99", "pollux doctor eth1 -l 4-7");
	l->rx_ring = 256;
	bad("rings", CHECK_WARN, "256 entries and may have 4096", "ethtool -G eth1 rx 2048");
	l->rx_ring_max = 512;
	bad("rings", CHECK_WARN, "256 entries and may have 512", "ethtool -G eth1 rx 512");
	l->rx_ring_max = 256;
	says("rings", CHECK_OK);
	l->rx_ring = 1024;
	l->rx_ring_max = 8192;
	says("rings", CHECK_OK);
	asked("eth1,rxqs=4,txqs=1 -l 4-7");
	bad("tx-queues", CHECK_WARN, "1 transmit queues for 4", "pollux doctor eth1,rxqs=4 -l 4-7");
}

static void test_two_ports(void **state)
{
	(void)state;
	asked("eth1 eth2 -l 4-7");
	says_of(&d.port[1], "queue-once", CHECK_OK);
	links[1].ifindex = links[0].ifindex;
	says_of(&d.port[1], "queue-once", CHECK_FAIL);
	assert_string_equal(said.found.fix, "pollux doctor eth1 -l 4-7");
	says_of(&d.port[0], "queue-once", CHECK_SKIP); /* not OK of the one and FAIL of the other */
	links[0].nrxqs = links[0].ntxqs = links[1].nrxqs = links[1].ntxqs = 8;
	asked("eth1,rxqs=2,queue=2 --iface=eth2,rxqs=2 -l 4-7"); /* 2-3 and 0-1 of one interface */
	says_of(&d.port[1], "queue-once", CHECK_OK);
	asked("eth1,rxqs=2 --iface=eth2,rxqs=2,queue=2 -l 4-7");
	says_of(&d.port[1], "queue-once", CHECK_OK);
	asked("eth1,rxqs=2,queue=1 --iface=eth2,rxqs=2 -l 4-7");
	says_of(&d.port[1], "queue-once", CHECK_FAIL);
	asked("eth1,rxqs=2 --iface=eth2,rxqs=2,queue=1 -l 4-7");
	says_of(&d.port[1], "queue-once", CHECK_FAIL);
}

/* What is so of an interface is said once, of all its ports together. */
static void test_ports_together(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	links[1] = *l;
	l->rss_size = links[1].rss_size = 0;
	l->nrxqs = l->ntxqs = links[1].nrxqs = links[1].ntxqs = 2;
	asked("eth1,queue=0,queues=1 --iface=eth2,queue=1,queues=1 -l 4-5");
	for (unsigned i = 0; i < 2; i++) {
		const enum status want = i ? CHECK_OK : CHECK_SKIP;

		says_of(&d.port[i], "queues-unused", want);
		says_of(&d.port[i], "tx-queues", want);
		says_of(&d.port[i], "queue-once", CHECK_OK);
	}
	l->nrxqs = links[1].nrxqs = 3;
	says_of(&d.port[0], "queues-unused", CHECK_SKIP);
	says_of(&d.port[1], "queues-unused", CHECK_WARN);
	assert_string_equal(said.found.fix, "ethtool -L eth1 combined 2");
	asked("eth1,queue=0,queues=1 --iface=eth2,queue=2,queues=1 -l 4-5");
	says_of(&d.port[1], "queues-unused", CHECK_WARN);
	assert_string_equal(said.found.fix, "# have a port for each queue of eth1");
	l->rss_size = links[1].rss_size = 128;
	asked("eth1,queue=1,queues=1 --iface=eth2,queue=2,queues=1 -l 4-5");
	says_of(&d.port[0], "rss-table", CHECK_SKIP);
	says_of(&d.port[1], "rss-table", CHECK_WARN);
	assert_string_equal(said.found.fix, "ethtool -X eth1 equal 2 start 1");
}

static void test_virtual(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	strcpy(l->kdriver, "virtio_net");
	bad("virtio-queues", CHECK_WARN, "16 queue pairs, 4 in use", "# give the virtual machine queues=20");
	l->ch_combined_max = 18;
	bad("virtio-queues", CHECK_WARN, "18 queue pairs", "ethtool -L eth1 combined 2");
	l->ch_combined_max = 20;
	says("virtio-queues", CHECK_OK);
	strcpy(l->kind, "veth");
	d.port[0].peer = &links[1];
	links[1].ntxqs = 6;
	links[1].ch_combined = 0;
	strcpy(d.port[0].at_peer, "ip netns exec blue ");
	bad("veth-queues", CHECK_WARN, "sends by 6", "ip netns exec blue ethtool -L eth2 tx 4");
	l->rss_size = l->ch_combined = 0;
	asked("eth1,rxqs=3 -l 4-6");
	d.port[0].peer = &links[1];
	bad("queues-unused", CHECK_WARN, "1 of the 4",
	    "ip netns exec blue ethtool -L eth2 tx 3 && ethtool -L eth1 rx 3");
}

static void test_interrupts(void **state)
{
	struct iface *l = &links[0];

	(void)state;
	l->rxq[2].cpu = 5;
	bad("irq-lcore", CHECK_WARN, "interrupt 42 of queue 2 is on CPU 5", "echo 12 > /proc/irq/42/smp_affinity_list");
	cpuset_add(&d.port[0].irq_fixed, 2);
	bad("irq-movable", CHECK_WARN, "interrupt 42 of queue 2 may not be moved from CPU 5", NO_COMMAND);
	l->rxq[2].cpu = -1; /* not told */
	bad("irq-movable", CHECK_WARN, "interrupt 42 of queue 2 may not be moved: its driver or controller holds it, "
	    "on an unknown CPU", NO_COMMAND);
	assert_null(strstr(said.found.fix, "CPU -1"));
	l->rxq[2].cpu = 5;
	asked("eth1,rxqs=2 -l 4-5"); /* queue 2 is not ours */
	says("irq-lcore", CHECK_OK);
	l->rxq[1].cpu = 4;
	l->node = 0;
	bad("irq-lcore", CHECK_WARN, "queue 1 is on CPU 4", "echo 0 > /proc/irq/41/smp_affinity_list");
	l->node = 1;
	asked("eth1 -l 4-7 --placement same-core");
	says("irq-lcore", CHECK_OK);
	asked("eth1 -l 0-15");
	says("irq-lcore", CHECK_SKIP);
	for (unsigned q = 0; q < 4; q++)
		l->rxq[q].irq = -1;
	says("irq-lcore", CHECK_SKIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_iface),          TEST(test_xdp),     TEST(test_uses),
		TEST(test_offloads),       TEST(test_mtu),     TEST(test_mtu_plan),
		TEST(test_mtu_unit),       TEST(test_queues),  TEST(test_two_ports),
		TEST(test_ports_together), TEST(test_virtual), TEST(test_interrupts),
	};

	program_invocation_name = (char[]){ "pollux" };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

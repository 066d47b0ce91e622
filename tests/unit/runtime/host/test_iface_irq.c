/* SPDX-License-Identifier: MIT */
/* test_iface_irq.c - queue to interrupt to CPU to node: the names drivers give, and other
   machines made of a directory of files. */
#include "root_util.h"

#include "iface.h"
#include <errno.h>

/* ---- names ---- */

static const struct {
	const char *action, *ifname, *bus, *parent;
	bool ours;
	const char *dir;  /* "rx", "tx", "rt" = both, "" = no queue */
	int queue;
} names[] = {
	{ "eth0-TxRx-3", "eth0", "", "", true, "rt", 3 }, /* ixgbe, igb, igc */
	{ "eth0-rx-2", "eth0", "", "", true, "rx", 2 },
	{ "eth0-tx-11", "eth0", "", "", true, "tx", 11 },
	{ "eth0-Tx-Rx-7", "eth0", "", "", true, "rt", 7 }, /* ena */
	{ "eth0-rxtx-1", "eth0", "", "", true, "rt", 1 }, /* vmxnet3 */
	{ "eth0-rxtx5", "eth0", "", "", true, "rt", 5 },
	{ "eth0-Rx0", "eth0", "", "", true, "rx", 0 },
	{ "eth0-fp-4", "eth0", "", "", true, "rt", 4 }, /* bnx2x */
	{ "eth0-9", "eth0", "", "", true, "rt", 9 }, /* sfc */
	{ "eth0-q3", "eth0", "", "", true, "rt", 3 }, /* be2net */
	{ "eth0-q1-tx", "eth0", "", "", true, "tx", 1 }, /* xen-netfront */
	{ "eth0-q1-rx", "eth0", "", "", true, "rx", 1 },
	{ "eth0-xdp-0", "eth0", "", "", true, "", -1 }, /* sfc, of XDP_TX */
	{ "eth0-ntfy-block.3", "eth0", "", "", true, "", -1 }, /* gve: blocks, not queues */
	{ "gve-ntfy-blk3@pci:0000:00:04.0", "eth0", "0000:00:04.0", "", true, "", -1 },
	{ "eth0-notify", "eth0", "", "", true, "", -1 }, /* enic */
	{ "eth0-notify-2", "eth0", "", "", true, "", -1 },
	{ "eth0.6", "eth0", "", "", true, "rt", 6 },
	{ "eth0@6", "eth0", "", "", true, "rt", 6 },
	{ "eth0:rx-1", "eth0", "", "", true, "rx", 1 }, /* stmmac */
	{ "eth0", "eth0", "", "", true, "", -1 }, /* bare */
	{ "eth0-TxRx-300", "eth0", "", "", true, "", -1 }, /* beyond our queues */
	{ "eth0-TxRx-99999999999999999999", "eth0", "", "", true, "", -1 },
	{ "eth0:mbx", "eth0", "", "", true, "", -1 },
	{ "eth0:lsc", "eth0", "", "", true, "", -1 },
	{ "eth0-event-0", "eth0", "", "", true, "", -1 },
	{ "eth01-TxRx-3", "eth0", "", "", false, "rt", 3 }, /* of the device, perhaps: not named */
	{ "veth0-TxRx-3", "eth0", "", "", false, "rt", 3 },
	{ "i40e-ens1f0-TxRx-12", "ens1f0", "", "", true, "rt", 12 },
	{ "i40e-0000:81:00.0:misc", "ens1f0", "0000:81:00.0", "", true, "", -1 },
	{ "i40e-0000:81:00.0:fdir-TxRx-0", "ens1f0", "0000:81:00.0", "", true, "", -1 },
	{ "ice-ens1f0-TxRx-0", "ens1f0", "", "", true, "rt", 0 },
	{ "ice-0000:b1:00.0:misc", "ens1f0", "0000:b1:00.0", "", true, "", -1 },
	{ "iavf-eth1-TxRx-2", "eth1", "", "", true, "rt", 2 },
	{ "bnxt_en_3_eth0", "eth0", "", "", true, "rt", 3 },
	{ "i40e_eth0", "eth0", "", "", true, "", -1 },
	{ "mlx5_comp5@pci:0000:01:00.0", "enp1s0", "0000:01:00.0", "", true, "rt", 5 },
	{ "mlx5_comp5@pci:0000:01:00.1", "enp1s0", "0000:01:00.0", "", false, "rt", 5 },
	{ "mlx5_comp2@enp1s0", "enp1s0", "", "", true, "rt", 2 },
	{ "mlx5_async0@pci:0000:01:00.0", "enp1s0", "0000:01:00.0", "", true, "", -1 },
	{ "mlx5_pages_eq@pci:0000:01:00.0", "enp1s0", "0000:01:00.0", "", true, "", -1 },
	{ "mlx4-3@0000:01:00.0", "enp1s0", "0000:01:00.0", "", true, "", -1 },
	{ "mana_q3@pci:7870:00:00.0", "eth0", "7870:00:00.0", "", true, "rt", 3 },
	{ "mana_hwc@pci:7870:00:00.0", "eth0", "7870:00:00.0", "", true, "", -1 },
	{ "hns3-0000:7d:00.0-TxRx-6", "eth2", "0000:7d:00.0", "", true, "rt", 6 },
	{ "virtio1-input.3", "eth0", "", "virtio1", true, "rx", 3 },
	{ "virtio1-output.0", "eth0", "", "virtio1", true, "tx", 0 },
	{ "virtio1-config", "eth0", "", "virtio1", true, "", -1 },
	{ "virtio1-control", "eth0", "", "virtio1", true, "", -1 },
	{ "virtio11-input.3", "eth0", "", "virtio1", false, "rx", 3 },
	{ "virtio0-req.0", "eth0", "", "virtio1", false, "", -1 },
	{ "nvme0q3", "eth0", "", "", false, "", -1 },
	{ "nvme1q0", "eth0", "", "", false, "", -1 },
	{ "ahci[0000:00:1f.2]", "eth0", "", "", false, "", -1 },
	{ "0000:01:00.0", "eth0", "0000:01:00.0", "", true, "", -1 }, /* numbers of an address */
	{ "", "eth0", "", "", false, "", -1 },
};

static void test_names(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(names); i++) {
		struct iface_action a;

		iface_link_init(l);
		snprintf(l->name, sizeof(l->name), "%s", names[i].ifname);
		snprintf(l->bus, sizeof(l->bus), "%s", names[i].bus);
		snprintf(l->parent, sizeof(l->parent), "%s", names[i].parent);
		iface_irq_name(&a, names[i].action, l);
		const char *dir = a.queue < 0 ? "" : a.rx && a.tx ? "rt" : a.rx ? "rx" : a.tx ? "tx" : "?";
		if (a.ours != names[i].ours || a.queue != names[i].queue || strcmp(dir, names[i].dir))
			fail_msg("'%s' for %s: ours %d, queue %d, %s", names[i].action, names[i].ifname, a.ours,
			         a.queue, dir);
		assert_int_equal(a.bare, !strcmp(names[i].action, names[i].ifname));
	}
	test_free(l);
}

/* ---- machines ---- */

enum names_in { SYSFS, PROCFS, INTERRUPTS }; /* where the names of the interrupts stand */

struct irq { int irq; const char *action, *affinity, *effective; };

struct machine {
	const char *what;
	const char *name, *device;    /* interface; its place below /sys/devices, NULL = no device */
	const char *msi;              /* device that has msi_irqs; NULL = none has */
	const char *bus, *parent, *kind;
	int nic_node;                 /* numa_node of the device with the interrupts */
	int rxqs, txqs;
	enum names_in in;
	const char *online;
	const char *node[4];          /* cpulist of each, NULL = no such node */
	struct irq irqs[12];
	const char *rx, *tx;          /* expected: "irq:cpu:node ..." by queue, - = unknown */
	enum iface_how how;           /* of rx queue 0 */
};

static const struct machine machines[] = {
	{ "virtio on node 1, interrupts one device up, receive and transmit apart",
	  "eth0",
	  "pci0000:80/0000:81:00.0/virtio1",
	  "pci0000:80/0000:81:00.0",
	  "0000:81:00.0",
	  "virtio1",
	  "",
	  1,
	  4,
	  4,
	  SYSFS,
	  "0-3",
	  { "0-1", "2-3" },
	  { { 40, "virtio1-config", "0-3", "0" },
	    { 41, "virtio1-input.0", "0", "0" },
	    { 42, "virtio1-output.0", "0", "0" },
	    { 43, "virtio1-input.1", "1", "1" },
	    { 44, "virtio1-output.1", "1", "1" },
	    { 45, "virtio1-input.2", "2", "2" },
	    { 46, "virtio1-output.2", "2", "2" },
	    { 47, "virtio1-input.3", "3", "3" },
	    { 48, "virtio1-output.3", "3", "3" } },
	  "41:0:0 43:1:0 45:2:1 47:3:1",
	  "42:0:0 44:1:0 46:2:1 48:3:1",
	  IFACE_IRQ_MSI },

	{ "virtio1 and virtio11, no msi_irqs: by the names of /proc/interrupts",
	  "eth0",
	  "pci0000:00/0000:00:03.0/virtio1",
	  NULL,
	  "0000:00:03.0",
	  "virtio1",
	  "",
	  -1,
	  2,
	  2,
	  INTERRUPTS,
	  "0-1",
	  { "0-1" },
	  { { 30, "virtio11-input.0", "0", "0" },
	    { 31, "virtio11-input.1", "0", "0" },
	    { 25, "virtio1-input.0", "0-1", "1" },
	    { 26, "virtio1-output.0", "0-1", "0" },
	    { 27, "virtio1-input.1", "0-1", "0" },
	    { 28, "virtio1-output.1", "0-1", "1" },
	    { 20, "nvme0q0", "0", "0" },
	    { 21, "nvme0q1", "1", "1" } },
	  "25:1:0 27:0:0",
	  "26:0:0 28:1:0",
	  IFACE_IRQ_NAME },

	{ "ixgbe-like, two nodes of four with SMT, NIC on node 0, the third interrupt on the other node",
	  "ens1f0",
	  "pci0000:00/0000:01:00.0",
	  "pci0000:00/0000:01:00.0",
	  "0000:01:00.0",
	  "0000:01:00.0",
	  "",
	  0,
	  4,
	  4,
	  SYSFS,
	  "0-15",
	  { "0-3,8-11", "4-7,12-15" },
	  { { 60, "ens1f0-TxRx-0", "0", "0" },
	    { 61, "ens1f0-TxRx-1", "9", "9" },
	    { 62, "ens1f0-TxRx-2", "12", "12" },
	    { 63, "ens1f0-TxRx-3", "3", "3" },
	    { 64, "ens1f0", "0-15", "5" } },
	  "60:0:0 61:9:0 62:12:1 63:3:0",
	  "60:0:0 61:9:0 62:12:1 63:3:0",
	  IFACE_IRQ_MSI },

	{ "mlx5-like on the last of four nodes, names only as directories of procfs",
	  "enp1s0np0",
	  "pci0000:c0/0000:c1:00.0",
	  "pci0000:c0/0000:c1:00.0",
	  "0000:c1:00.0",
	  "0000:c1:00.0",
	  "",
	  3,
	  3,
	  3,
	  PROCFS,
	  "0-31",
	  { "0-7", "8-15", "16-23", "24-31" },
	  { { 100, "mlx5_async0@pci:0000:c1:00.0", "0-31", "0" },
	    { 101, "mlx5_comp0@pci:0000:c1:00.0", "24", "24" },
	    { 102, "mlx5_comp1@pci:0000:c1:00.0", "25", "25" },
	    { 103, "mlx5_comp2@pci:0000:c1:00.0", "16", "16" } },
	  "101:24:3 102:25:3 103:16:2",
	  "101:24:3 102:25:3 103:16:2",
	  IFACE_IRQ_MSI },

	{ "an mlx5-like subfunction: an auxiliary device below the PCI one, whose interrupts it shares",
	  "enp1s0f0s4",
	  "pci0000:c0/0000:c1:00.0/mlx5_core.sf.4",
	  "pci0000:c0/0000:c1:00.0",
	  "mlx5_core.sf.4",
	  "mlx5_core.sf.4",
	  "",
	  0,
	  1,
	  1,
	  SYSFS,
	  "0-3",
	  { "0-3" },
	  { { 100, "mlx5_async0@pci:0000:c1:00.0", "0-3", "0" }, { 101, "mlx5_comp0@pci:0000:c1:00.0", "2", "2" } },
	  "101:2:0",
	  "101:2:0",
	  IFACE_IRQ_MSI },

	{ "ice-like on node 1: a driver's word before the interface's name",
	  "ens2f1",
	  "pci0000:b0/0000:b1:00.1",
	  "pci0000:b0/0000:b1:00.1",
	  "0000:b1:00.1",
	  "0000:b1:00.1",
	  "",
	  1,
	  2,
	  2,
	  SYSFS,
	  "0-7",
	  { "0-3", "4-7" },
	  { { 200, "ice-0000:b1:00.1:misc", "0-7", "0" },
	    { 201, "ice-ens2f1-TxRx-0", "4", "4" },
	    { 202, "ice-ens2f1-TxRx-1", "5", "5" } },
	  "201:4:1 202:5:1",
	  "201:4:1 202:5:1",
	  IFACE_IRQ_MSI },

	{ "i40e-like: flow director's interrupt has a number too; the second CPU is offline, so the interrupt went "
	  "elsewhere",
	  "enp65s0f0",
	  "pci0000:40/0000:41:00.0",
	  "pci0000:40/0000:41:00.0",
	  "0000:41:00.0",
	  "0000:41:00.0",
	  "",
	  0,
	  2,
	  2,
	  SYSFS,
	  "0,2-3",
	  { "0,2", "3" },
	  { { 80, "i40e-0000:41:00.0:misc", "0-3", "0" },
	    { 81, "i40e-0000:41:00.0:fdir-TxRx-0", "0-3", "0" },
	    { 82, "i40e-enp65s0f0-TxRx-0", "0", "0" },
	    { 83, "i40e-enp65s0f0-TxRx-1", "1", "3" } },
	  "82:0:0 83:3:1",
	  "82:0:0 83:3:1",
	  IFACE_IRQ_MSI },

	{ "igb-like with separate vectors and a bare one; offline CPUs, and no effective affinity told",
	  "eth1",
	  "pci0000:00/0000:00:19.0",
	  "pci0000:00/0000:00:19.0",
	  "0000:00:19.0",
	  "0000:00:19.0",
	  "",
	  1,
	  2,
	  2,
	  SYSFS,
	  "4-7",
	  { "", "4-7" },
	  { { 50, "eth1", "0-7", NULL },
	    { 51, "eth1-rx-0", "0-7", NULL },
	    { 52, "eth1-rx-1", "2,6", NULL },
	    { 53, "eth1-tx-0", "5", NULL },
	    { 54, "eth1-tx-1", "0-1", NULL } },
	  "51:4:1 52:6:1",
	  "53:5:1 54:-1:-1",
	  IFACE_IRQ_MSI },

	{ "one interrupt with the interface's name and nothing else; no NUMA information",
	  "enp2s0",
	  "pci0000:00/0000:02:00.0",
	  "pci0000:00/0000:02:00.0",
	  "0000:02:00.0",
	  "0000:02:00.0",
	  "",
	  -1,
	  1,
	  1,
	  SYSFS,
	  "0-3",
	  { NULL },
	  { { 33, "enp2s0", "0-3", "2" } },
	  "33:2:-1",
	  "33:2:-1",
	  IFACE_IRQ_MSI },

	{ "two ports of one device: the other's interrupts stand in the same msi_irqs",
	  "eth1",
	  "pci0000:00/0000:05:00.0",
	  "pci0000:00/0000:05:00.0",
	  "0000:05:00.0",
	  "0000:05:00.0",
	  "",
	  0,
	  2,
	  2,
	  SYSFS,
	  "0-3",
	  { "0-3" },
	  { { 70, "eth0-TxRx-0", "0", "0" },
	    { 71, "eth0-TxRx-1", "0", "0" },
	    { 72, "eth1-TxRx-0", "1", "1" },
	    { 73, "eth1-TxRx-1", "3", "3" } },
	  "72:1:0 73:3:0",
	  "72:1:0 73:3:0",
	  IFACE_IRQ_MSI },

	{ "more queues than interrupts: two share one action each, the rest stays unknown",
	  "eth0",
	  "pci0000:00/0000:06:00.0",
	  "pci0000:00/0000:06:00.0",
	  "0000:06:00.0",
	  "0000:06:00.0",
	  "",
	  0,
	  3,
	  3,
	  SYSFS,
	  "0-1",
	  { "0-1" },
	  { { 90, "eth0-rx-0,eth0-rx-1", "1", "1" }, { 91, "eth0-tx-0,eth0-tx-1", "0", "0" } },
	  "90:1:0 90:1:0 -",
	  "91:0:0 91:0:0 -",
	  IFACE_IRQ_MSI },

	{ "INTx below a bridge that has interrupts of its own",
	  "eth0",
	  "pci0000:00/0000:00:1c.0/0000:03:00.0",
	  "pci0000:00/0000:00:1c.0",
	  "0000:03:00.0",
	  "0000:03:00.0",
	  "",
	  0,
	  1,
	  1,
	  INTERRUPTS,
	  "0-1",
	  { "0-1" },
	  { { 16, "eth0", "0-1", "1" }, { 24, "PCIe_PME", "0-1", "0" } },
	  "16:1:0",
	  "16:1:0",
	  IFACE_IRQ_NAME },

	{ "affinities that were changed since the last interrupt: what was written counts",
	  "eth0",
	  "pci0000:00/0000:07:00.0",
	  "pci0000:00/0000:07:00.0",
	  "0000:07:00.0",
	  "0000:07:00.0",
	  "",
	  0,
	  3,
	  3,
	  SYSFS,
	  "0-3",
	  { "0-1", "2-3" },
	  { { 80, "eth0-TxRx-0", "1", "3" }, { 81, "eth0-TxRx-1", "2-3", "1" }, { 82, "eth0-TxRx-2", "0-3", "3" } },
	  "80:1:0 81:2:1 82:3:1",
	  "80:1:0 81:2:1 82:3:1",
	  IFACE_IRQ_MSI },

	{ "veth: no device, no interrupt",
	  "veth0",
	  NULL,
	  NULL,
	  "",
	  "",
	  "veth",
	  -1,
	  2,
	  2,
	  SYSFS,
	  "0-3",
	  { "0-3" },
	  { { 0 } },
	  "- -",
	  "- -",
	  IFACE_IRQ_NONE },
	{ "a software device that does not say so",
	  "dum0",
	  NULL,
	  NULL,
	  "",
	  "",
	  "",
	  -1,
	  1,
	  1,
	  SYSFS,
	  "0-3",
	  { "0-3" },
	  { { 0 } },
	  "-",
	  "-",
	  IFACE_IRQ_NONE },
};

static void make_names(const struct machine *m)
{
	char text[2048] = "            CPU0       CPU1\n", below[512];

	for (const struct irq *i = m->irqs; i->irq; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, " %d:   12   0  IR-PCI-MSI %d-edge      %s\n", i->irq, i->irq * 8,
		         i->action);
		if (m->in == SYSFS)
			put(i->action, "/sys/kernel/irq/%d/actions", i->irq);
		if (m->in == PROCFS) {
			char path[128];
			snprintf(path, sizeof(path), "/proc/irq/%d/%s/", i->irq, i->action);
			root_path(below, path);
		}
		put(i->affinity, "/proc/irq/%d/smp_affinity_list", i->irq);
		if (i->effective)
			put(i->effective, "/proc/irq/%d/effective_affinity_list", i->irq);
		put("00000000,00000005\n", "/proc/irq/%d/affinity_hint", i->irq);
		if (m->msi && m->in != INTERRUPTS)
			put("msix\n", "/sys/devices/%s/msi_irqs/%d", m->msi, i->irq);
	}
	if (m->msi && m->in == INTERRUPTS)
		put("msi\n", "/sys/devices/%s/msi_irqs/24", m->msi);
	size_t n = strlen(text);
	snprintf(text + n, sizeof(text) - n, " NMI:   0   0   Non-maskable interrupts\n");
	put(text, "/proc/interrupts");
}

static void make(const struct machine *m)
{
	char below[512], to[256], path[256];

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", m->name);
	put("7\n", "%s", path);
	if (m->device) {
		snprintf(to, sizeof(to), "../../../devices/%s", m->device);
		snprintf(path, sizeof(path), "/sys/class/net/%s/device", m->name);
		assert_int_equal(symlink(to, root_path(below, path)), 0);
		snprintf(path, sizeof(path), "/sys/devices/%s/uevent", m->device);
		put("", "%s", path);
	}
	if (m->device && m->nic_node >= 0) {
		snprintf(to, sizeof(to), "%d\n", m->nic_node);
		put(to, "/sys/devices/%s/numa_node", m->msi ? m->msi : m->device);
	}
	put(m->online, "/sys/devices/system/cpu/online");
	for (int i = 0; i < 4 && m->node[i]; i++)
		put(m->node[i], "/sys/devices/system/node/node%d/cpulist", i);
	make_names(m);
}

static void init(struct iface *l, const struct machine *m)
{
	iface_link_init(l);
	snprintf(l->name, sizeof(l->name), "%s", m->name);
	snprintf(l->bus, sizeof(l->bus), "%s", m->bus);
	snprintf(l->parent, sizeof(l->parent), "%s", m->parent);
	snprintf(l->kind, sizeof(l->kind), "%s", m->kind);
	l->ifindex = 7;
	l->nrxqs = (uint16_t)m->rxqs;
	l->ntxqs = (uint16_t)m->txqs;
}

static void check(const struct machine *m, const char *dir, const struct iface_queue *q, int n, const char *want)
{
	char got[512] = "";

	for (int i = 0; i < n; i++) {
		size_t at = strlen(got);
		if (q[i].irq < 0)
			snprintf(got + at, sizeof(got) - at, "%s-", i ? " " : "");
		else
			snprintf(got + at, sizeof(got) - at, "%s%d:%d:%d", i ? " " : "", q[i].irq, q[i].cpu, q[i].node);
	}
	if (strcmp(got, want))
		fail_msg("%s: %s is %s, not %s", m->what, dir, got, want);
}

static void test_machines(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	for (size_t i = 0; i < PLX_ARRAY_SIZE(machines); i++) {
		const struct machine *m = &machines[i];
		struct plx_link_info li = { .ifindex = 7 };

		root_make(state);
		make(m);
		init(l, m);
		iface_irq(&root_sys, l);
		check(m, "receive", l->rxq, m->rxqs, m->rx);
		check(m, "transmit", l->txq, m->txqs, m->tx);
		if (l->rxq[0].how != m->how)
			fail_msg("%s: known by %s", m->what, iface_how_name(l->rxq[0].how));
		snprintf(li.name, sizeof(li.name), "%s", m->name);
		assert_int_equal(plx_link_node(&root_sys, &li), m->device ? m->nic_node : -1);
		root_remove(state);
	}
	test_free(l);
}

/* What the kernel says itself stands against any name. */
static void test_kernel_first(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	(void)state;
	make(&machines[2]);
	init(l, &machines[2]);
	l->rxq[1] = (struct iface_queue){ .irq = 63, .how = IFACE_IRQ_NAPI, .cpu = -1, .node = -1 };
	iface_irq(&root_sys, l);
	check(&machines[2], "receive", l->rxq, 4, "60:0:0 63:3:0 62:12:1 63:3:0");
	assert_int_equal(l->rxq[1].how, IFACE_IRQ_NAPI);
	assert_int_equal(l->rxq[0].how, IFACE_IRQ_MSI);
	test_free(l);
}

/* Sets of CPUs come along: where the interrupt may go, where it goes, where its driver wants it. */
static void test_sets(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	(void)state;
	make(&machines[1]);
	init(l, &machines[1]);
	iface_irq(&root_sys, l);
	assert_int_equal(cpuset_count(&l->rxq[0].affinity), 2);
	assert_int_equal(cpuset_count(&l->rxq[0].effective), 1);
	assert_true(cpuset_has(&l->rxq[0].effective, 1));
	assert_int_equal(cpuset_count(&l->rxq[0].hint), 2);
	assert_true(cpuset_has(&l->rxq[0].hint, 0) && cpuset_has(&l->rxq[0].hint, 2));
	test_free(l);
}

/* The sysfs of another namespace speaks of another interface of that name. */
static void test_foreign_sysfs(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	(void)state;
	make(&machines[2]);
	init(l, &machines[2]);
	l->ifindex = 8;
	iface_irq(&root_sys, l);
	check(&machines[2], "receive", l->rxq, 4, "60:0:0 61:9:0 62:12:1 63:3:0");
	assert_int_equal(l->rxq[0].how, IFACE_IRQ_NAME);
	test_free(l);
}

/* Nothing can be read at all: all unknown, nothing else. */
static void test_nothing(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));

	(void)state;
	init(l, &machines[2]);
	iface_irq(&root_sys, l);
	check(&machines[2], "receive", l->rxq, 4, "- - - -");
	assert_int_equal(l->rxq[0].how, IFACE_IRQ_UNKNOWN);
	test_free(l);
}

/* Lines longer than any buffer, no newline at the end, an empty file. */
static void test_odd_interrupts(void **state)
{
	struct iface *l = test_malloc(sizeof(*l));
	char *big = test_malloc(200000);

	(void)state;
	init(l, &machines[2]);
	memset(big, '1', 200000);
	memcpy(big, " 5: ", 4);
	big[199999] = 0;
	put(big, "/proc/interrupts");
	iface_irq(&root_sys, l);
	put("", "/proc/interrupts");
	iface_irq(&root_sys, l);
	put("9:", "/proc/interrupts");
	iface_irq(&root_sys, l);
	check(&machines[2], "receive", l->rxq, 4, "- - - -");
	test_free(big);
	test_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_machines),
		cmocka_unit_test_setup_teardown(test_kernel_first, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_sets, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_foreign_sysfs, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_nothing, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_odd_interrupts, root_make, root_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

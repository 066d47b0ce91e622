/* SPDX-License-Identifier: MIT */
/* machines.h - the machines of test_machines.c, and the plan of each. */

#define V2 "/proc/self/mountinfo=30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1 "/proc/self/mountinfo=31 20 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro;" \
	"32 31 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw;" \
	"33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct;" \
	"34 31 0:30 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"

static const struct machine machines[] = {
	{ "two nodes with SMT, ixgbe-like NIC on node 1, its interrupts there too, pages enough",
	  "package:2 [numa] core:4 pu:2(indexes=0,8,1,9,2,10,3,11,4,12,5,13,6,14,7,15)",
	  NODE(0, "0-3,8-11") NODE(1, "4-7,12-15") HUGE(0, 2048, 64, 64) HUGE(1, 2048, 64, 64),
	  { { "ens1f0", "pci0000:80/0000:81:00.0", "pci0000:80/0000:81:00.0", "0000:81:00.0", 1, 2,
	      "60|ens1f0-TxRx-0|4 61|ens1f0-TxRx-1|5 62|ens1f0|0-15" } },
	  "--iface ens1f0",
	  "machine  2 nodes, CPUs 0-15 allowed\n"
	  "lcore    6    CPU 6        node 1   polls ens1f0:0\n"
	  "lcore    7    CPU 7        node 1   polls ens1f0:1\n"
	  "port     0    ens1f0          driver auto    rxqs 2 txqs 2 first 0 rxd 2048 txd 2048 pool 0 node 1 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    ens1f0:0 lcore 6, ens1f0:1 lcore 7\n"
	  "queue    ens1f0:0 interrupt 60 on CPU 4 node 1 (by name in msi_irqs), polled by lcore 6\n"
	  "queue    ens1f0:1 interrupt 61 on CPU 5 node 1 (by name in msi_irqs), polled by lcore 7\n"
	  "pool     0    node 1: 16849 frames of 2048, 14592 of them for rings and lcores; 34.0 MiB in pages of 2 MiB, "
	  "17 of 64 free\n"
	  "memory   38.0 MiB: pools 34.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "four nodes without SMT, mlx5-like NIC on the last, no pages there",
	  "package:4 [numa] core:4 pu:1",
	  NODE(0, "0-3") NODE(1, "4-7") NODE(2, "8-11") NODE(3, "12-15") HUGE(0, 2048, 512, 512) HUGE(3, 2048, 4, 2),
	  { { "enp1s0np0", "pci0000:c0/0000:c1:00.0", "pci0000:c0/0000:c1:00.0", "0000:c1:00.0", 3, 3,
	      "100|mlx5_async0@pci:0000:c1:00.0|0-15 101|mlx5_comp0@pci:0000:c1:00.0|12 "
	      "102|mlx5_comp1@pci:0000:c1:00.0|13 103|mlx5_comp2@pci:0000:c1:00.0|8" } },
	  "--iface enp1s0np0",
	  "machine  4 nodes, CPUs 0-15 allowed\n"
	  "lcore    12   CPU 12       node 3   polls enp1s0np0:2\n"
	  "lcore    14   CPU 14       node 3   polls enp1s0np0:0\n"
	  "lcore    15   CPU 15       node 3   polls enp1s0np0:1\n"
	  "port     0    enp1s0np0       driver auto    rxqs 3 txqs 3 first 0 rxd 2048 txd 2048 pool 0 node 3 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    enp1s0np0:0 lcore 14, enp1s0np0:1 lcore 15, enp1s0np0:2 lcore 12\n"
	  "queue    enp1s0np0:0 interrupt 101 on CPU 12 node 3 (by name in msi_irqs), polled by lcore 14\n"
	  "queue    enp1s0np0:1 interrupt 102 on CPU 13 node 3 (by name in msi_irqs), polled by lcore 15\n"
	  "queue    enp1s0np0:2 interrupt 103 on CPU 8 node 2 (by name in msi_irqs), polled by lcore 12\n"
	  "pool     0    node 3: 24793 frames of 2048, 21760 of them for rings and lcores; 50.0 MiB in pages of 4 "
	  "KiB; 2 of 25 hugepages free: echo 27 > "
	  "/sys/devices/system/node/node3/hugepages/hugepages-2048kB/nr_hugepages\n"
	  "memory   54.0 MiB: pools 50.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "offline CPUs, ice-like NIC: an interrupt went where its CPU was not",
	  "package:1 [numa] core:4 pu:2(indexes=0,4,1,5,2,6,3,7)",
	  NODE(0, "0-3,6") "/sys/devices/system/cpu/online=0-3,6\n/sys/devices/system/cpu/present=0-7\n" HUGE(0, 2048,
	                                                                                                      64, 64),
	  { { "ens2f1", "pci0000:b0/0000:b1:00.1", "pci0000:b0/0000:b1:00.1", "0000:b1:00.1", 0, 4,
	      "200|ice-0000:b1:00.1:misc|0 201|ice-ens2f1-TxRx-0|0 202|ice-ens2f1-TxRx-1|1 203|ice-ens2f1-TxRx-2|2 "
	      "204|ice-ens2f1-TxRx-3|4,6" } },
	  "--iface ens2f1",
	  "machine  1 node, CPUs 0-3,6 allowed\n"
	  "lcore    0    CPU 0        node 0   polls ens2f1:3\n"
	  "lcore    1    CPU 1        node 0   polls ens2f1:1\n"
	  "lcore    2    CPU 2        node 0   polls ens2f1:2\n"
	  "lcore    3    CPU 3        node 0   polls ens2f1:0\n"
	  "port     0    ens2f1          driver auto    rxqs 4 txqs 4 first 0 rxd 2048 txd 2048 pool 0 node 0 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    ens2f1:0 lcore 3, ens2f1:1 lcore 1, ens2f1:2 lcore 2, ens2f1:3 lcore 0\n"
	  "queue    ens2f1:0 interrupt 201 on CPU 0 node 0 (by name in msi_irqs), polled by lcore 3\n"
	  "queue    ens2f1:1 interrupt 202 on CPU 1 node 0 (by name in msi_irqs), polled by lcore 1\n"
	  "queue    ens2f1:2 interrupt 203 on CPU 2 node 0 (by name in msi_irqs), polled by lcore 2\n"
	  "queue    ens2f1:3 interrupt 204 on CPU 6 node 0 (by name in msi_irqs), polled by lcore 0\n"
	  "pool     0    node 0: 32736 frames of 2048, 28928 of them for rings and lcores; 66.0 MiB in pages of 2 MiB, "
	  "33 of 64 free\n"
	  "memory   70.0 MiB: pools 66.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "the same, an lcore on one of them",
	  "package:1 [numa] core:4 pu:2(indexes=0,4,1,5,2,6,3,7)",
	  "/sys/devices/system/cpu/online=0-3,6\n/sys/devices/system/cpu/present=0-7\n",
	  { { 0 } },
	  "-l 1,5 --iface n,driver=null",
	  "lcore 5: CPU 5 is offline: use -l of 0-3,6, or echo 1 > /sys/devices/system/cpu/cpu5/online",
	  -EINVAL },

	{ "an offline CPU that hwloc does not show",
	  "package:1 [numa] core:3 pu:1",
	  "/sys/devices/system/cpu/online=0-2\n/sys/devices/system/cpu/present=0-3\n",
	  { { 0 } },
	  "-l 3 --iface n,driver=null",
	  "lcore 3: CPU 3 is offline: use -l of 0-2, or echo 1 > /sys/devices/system/cpu/cpu3/online",
	  -EINVAL },

	{ "cgroup v2 within another that has the cpuset; half the time of its CPUs; virtio NIC",
	  "package:1 [numa] core:8 pu:1",
	  NODE(0, "0-7") V2
	  "/proc/self/cgroup=0::/kube/pod/app\n"
	  "/sys/fs/cgroup/cpuset.cpus.effective=0-7\n/sys/fs/cgroup/kube/cpuset.cpus.effective=2-5\n"
	  "/sys/fs/cgroup/kube/pod/cpuset.cpus.effective=4-5\n/sys/fs/cgroup/kube/pod/cpu.max=100000 100000\n"
	  "/sys/fs/cgroup/kube/pod/app/cpu.max=max 100000\n/sys/fs/cgroup/kube/cpu.max=400000 100000\n" HUGE(0, 2048,
	                                                                                                     64, 64),
	  { { "eth0", "pci0000:00/0000:00:04.0/virtio1", "pci0000:00/0000:00:04.0", "virtio1", 0, 4,
	      "40|virtio1-config|0-7 41|virtio1-input.0|0 42|virtio1-output.0|0 43|virtio1-input.1|1 "
	      "44|virtio1-output.1|1 "
	      "45|virtio1-input.2|4 46|virtio1-output.2|4 47|virtio1-input.3|3 48|virtio1-output.3|3" } },
	  "--iface eth0",
	  "machine  1 node, CPUs 4-5 allowed\n"
	  "lcore    4    CPU 4        node 0   polls eth0:1,3\n"
	  "lcore    5    CPU 5        node 0   polls eth0:0,2\n"
	  "port     0    eth0            driver auto    rxqs 4 txqs 4 first 0 rxd 2048 txd 2048 pool 0 node 0 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth0:0 lcore 5, eth0:1 lcore 4, eth0:2 lcore 5, eth0:3 lcore 4\n"
	  "queue    eth0:0 interrupt 41 on CPU 0 node 0 (by name in msi_irqs), polled by lcore 5\n"
	  "queue    eth0:1 interrupt 43 on CPU 1 node 0 (by name in msi_irqs), polled by lcore 4\n"
	  "queue    eth0:2 interrupt 45 on CPU 4 node 0 (by name in msi_irqs), polled by lcore 5\n"
	  "queue    eth0:3 interrupt 47 on CPU 3 node 0 (by name in msi_irqs), polled by lcore 4\n"
	  "pool     0    node 0: 30751 frames of 2048, 26880 of them for rings and lcores; 62.0 MiB in pages of 2 MiB, "
	  "31 of 64 free\n"
	  "memory   66.0 MiB: pools 62.0, program 4.0\n"
	  "note     cgroup /kube/pod/app has the time of 1 CPU (cpu.max): 2 busy lcores will stand still for a part "
	  "of each 100 ms: --idle=adaptive, or a cgroup with more\n"
	  "nothing was changed\n",
	  0 },

	{ "the same, an lcore outside",
	  "package:1 [numa] core:8 pu:1",
	  V2 "/proc/self/cgroup=0::/kube/pod/app\n/sys/fs/cgroup/kube/pod/cpuset.cpus.effective=4-5\n",
	  { { 0 } },
	  "-l 0 --iface n,driver=null",
	  "lcore 0: CPU 0 is not in this process's cpuset (4-5 of cgroup /kube/pod/app): use -l 4-5",
	  -EINVAL },

	{ "inside the cpuset, outside the affinity",
	  "package:1 [numa] core:8 pu:1",
	  V2 "/proc/self/cgroup=0::/kube\n/sys/fs/cgroup/kube/cpuset.cpus.effective=4-7\n"
	     "/proc/thread-self/status=Name: x;CapEff: ffffffffffffffff;Cpus_allowed_list: 5,7;\n",
	  { { 0 } },
	  "-l 5-6 --iface n,driver=null",
	  "lcore 6: CPU 6 is not in this process's affinity (5,7): use -l 5,7, or taskset -c 5,7,6 before the program",
	  -EINVAL },

	{ "cgroup v1 beside v2, a container's path below a mount of its own: one CPU, and the tighter of two quotas",
	  "package:2 [numa] core:2 pu:1",
	  "/proc/self/mountinfo=32 31 0:28 /docker/a1 /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw;"
	  "33 31 0:29 /docker/a1 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct;"
	  "34 31 0:30 /docker/a1 /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	  "/proc/self/cgroup=7:cpuset:/docker/a1/in;4:cpu,cpuacct:/docker/a1/in;0::/docker/a1\n"
	  "/sys/fs/cgroup/cpuset/in/cpuset.effective_cpus=3\n/sys/fs/cgroup/cpuset/in/cpuset.effective_mems=0-1\n"
	  "/sys/fs/cgroup/cpuset/cpuset.effective_cpus=0-3\n/sys/fs/cgroup/unified/cpuset.cpus.effective=0\n"
	  "/sys/fs/cgroup/cpu,cpuacct/in/cpu.cfs_quota_us=-1\n/sys/fs/cgroup/cpu,cpuacct/in/cpu.cfs_period_us=100000\n"
	  "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us=25000\n/sys/fs/cgroup/cpu,cpuacct/"
	  "cpu.cfs_period_us=50000\n" NODE(0, "0-1") NODE(1, "2-3") HUGE(1, 2048, 64, 64),
	  { { "eth0", "pci0000:00/0000:00:04.0/virtio1", "pci0000:00/0000:00:04.0", "virtio1", 1, 2,
	      "41|virtio1-input.0|2 42|virtio1-output.0|2 43|virtio1-input.1|3 44|virtio1-output.1|3" } },
	  "--iface eth0",
	  "machine  2 nodes, CPUs 3 allowed\n"
	  "lcore    3    CPU 3        node 1   polls eth0:0-1\n"
	  "port     0    eth0            driver auto    rxqs 2 txqs 2 first 0 rxd 2048 txd 2048 pool 0 node 1 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth0:0 lcore 3, eth0:1 lcore 3\n"
	  "queue    eth0:0 interrupt 41 on CPU 2 node 1 (by name in msi_irqs), polled by lcore 3\n"
	  "queue    eth0:1 interrupt 43 on CPU 3 node 1 (by name in msi_irqs), polled by lcore 3\n"
	  "pool     0    node 1: 15856 frames of 2048, 13568 of them for rings and lcores; 32.0 MiB in pages of 2 MiB, "
	  "16 of 64 free\n"
	  "memory   36.0 MiB: pools 32.0, program 4.0\n"
	  "note     cgroup /docker/a1/in has the time of 0.5 CPUs (cpu.cfs_quota_us): 1 busy lcore will stand still "
	  "for a part of each 50 ms: --idle=adaptive, or a cgroup with more\n"
	  "nothing was changed\n",
	  0 },

	{ "no memory of the NIC's node",
	  "package:2 [numa] core:2 pu:1",
	  V1 "/proc/self/cgroup=7:cpuset:/batch;4:cpu,cpuacct:/;0::/\n/sys/fs/cgroup/cpuset/batch/"
	     "cpuset.effective_cpus=0-3\n"
	     "/sys/fs/cgroup/cpuset/batch/cpuset.effective_mems=0\n" NODE(0, "0-1") NODE(1, "2-3") HUGE(0, 2048, 64, 64)
	             HUGE(1, 2048, 64, 64),
	  { { "enp65s0f0", "pci0000:40/0000:41:00.0", "pci0000:40/0000:41:00.0", "0000:41:00.0", 1, 2,
	      "80|i40e-0000:41:00.0:misc|0 82|i40e-enp65s0f0-TxRx-0|2 83|i40e-enp65s0f0-TxRx-1|3" } },
	  "--iface enp65s0f0",
	  "machine  2 nodes, CPUs 0-3 allowed\n"
	  "lcore    2    CPU 2        node 1   polls enp65s0f0:0\n"
	  "lcore    3    CPU 3        node 1   polls enp65s0f0:1\n"
	  "port     0    enp65s0f0       driver auto    rxqs 2 txqs 2 first 0 rxd 2048 txd 2048 pool 0 node 1 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    enp65s0f0:0 lcore 2, enp65s0f0:1 lcore 3\n"
	  "queue    enp65s0f0:0 interrupt 82 on CPU 2 node 1 (by name in msi_irqs), polled by lcore 2\n"
	  "queue    enp65s0f0:1 interrupt 83 on CPU 3 node 1 (by name in msi_irqs), polled by lcore 3\n"
	  "pool     0    any node: 16849 frames of 2048, 14592 of them for rings and lcores; 34.0 MiB in pages of "
	  "2 MiB, 17 of 64 free\n"
	  "memory   38.0 MiB: pools 34.0, program 4.0\n"
	  "note     enp65s0f0 is on node 1, of which the cpuset of cgroup /batch gives no memory: its frames are "
	  "elsewhere\n"
	  "nothing was changed\n",
	  0 },

	{ "no NUMA information: pages counted for the machine, igb-like NIC on no node",
	  "core:4 pu:1",
	  POOL(-, 2048, nr, 60) POOL(-, 2048, free, 50),
	  { { "eth1", "pci0000:00/0000:00:19.0", "pci0000:00/0000:00:19.0", "0000:00:19.0", -1, 2,
	      "50|eth1|0-3 51|eth1-rx-0|1 52|eth1-rx-1|2 53|eth1-tx-0|1 54|eth1-tx-1|2" } },
	  "--iface eth1",
	  "machine  1 node, CPUs 0-3 allowed\n"
	  "lcore    0    CPU 0        node 0   polls eth1:0\n"
	  "lcore    3    CPU 3        node 0   polls eth1:1\n"
	  "port     0    eth1            driver auto    rxqs 2 txqs 2 first 0 rxd 2048 txd 2048 pool 0 no node MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth1:0 lcore 0, eth1:1 lcore 3\n"
	  "queue    eth1:0 interrupt 51 on CPU 1 (by name in msi_irqs), polled by lcore 0\n"
	  "queue    eth1:1 interrupt 52 on CPU 2 (by name in msi_irqs), polled by lcore 3\n"
	  "pool     0    node 0: 16849 frames of 2048, 14592 of them for rings and lcores; 34.0 MiB in pages of 2 MiB, "
	  "17 of 50 free\n"
	  "memory   38.0 MiB: pools 34.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "pages that are free and promised to others",
	  "package:1 [numa] core:2 pu:1",
	  HUGE(0, 2048, 64, 60) POOL(-, 2048, nr, 64) POOL(-, 2048, free, 60) POOL(-, 2048, resv, 55),
	  { { 0 } },
	  "-l 0 --iface n,driver=null",
	  "machine  1 node, CPUs 0-1 allowed\n"
	  "lcore    0    CPU 0        node 0   polls n:0\n"
	  "port     0    n               driver null    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0\n"
	  "sends    0    n:0 lcore 0\n"
	  "pool     0    node 0: 8905 frames of 2048, 7424 of them for rings and lcores; 18.0 MiB in pages of 4 KiB; "
	  "5 of 9 hugepages free: echo 68 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages\n"
	  "memory   22.0 MiB: pools 18.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "arm64 with pages of 64 KiB, 32 MiB and 512 MiB beside the usual ones, two nodes in one package",
	  "package:1 group:2 [numa] core:2 pu:1",
	  NODE(0, "0-1") NODE(1, "2-3") HUGE(0, 2048, 32, 32) HUGE(0, 32768, 4, 4) HUGE(0, 524288, 1, 1)
	          HUGE(0, 64, 100, 90) POOL(-, 64, nr, 100) POOL(-, 32768, nr, 4) POOL(-, 524288, nr, 1)
	                  POOL(-, 2048, nr, 32) POOL(-, 1048576, nr, 0),
	  { { "eth2", "pci0000:7c/0000:7d:00.0", "pci0000:7c/0000:7d:00.0", "0000:7d:00.0", 0, 1,
	      "30|hns3-0000:7d:00.0-TxRx-0|1" } },
	  "--iface eth2",
	  "machine  2 nodes, CPUs 0-3 allowed\n"
	  "lcore    0    CPU 0        node 0   polls eth2:0\n"
	  "port     0    eth2            driver auto    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0 node 0 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth2:0 lcore 0\n"
	  "queue    eth2:0 interrupt 30 on CPU 1 node 0 (by name in msi_irqs), polled by lcore 0\n"
	  "pool     0    node 0: 8905 frames of 2048, 7424 of them for rings and lcores; 18.0 MiB in pages of 2 MiB, 9 "
	  "of 32 free\n"
	  "memory   22.0 MiB: pools 18.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "isolated CPUs with nohz_full, both threads of two cores; the interrupts elsewhere",
	  "package:1 [numa] core:4 pu:2(indexes=0,4,1,5,2,6,3,7)",
	  NODE(0, "0-7") "/sys/devices/system/cpu/isolated=2-3,6-7\n/sys/devices/system/cpu/nohz_full=2-3,6-7\n"
	                 "/proc/cmdline=quiet isolcpus=2-3,6-7 nohz_full=2-3,6-7\n" HUGE(0, 2048, 64, 64),
	  { { "eth0", "pci0000:00/0000:01:00.0", "pci0000:00/0000:01:00.0", "0000:01:00.0", 0, 2,
	      "70|eth0-TxRx-0|0 71|eth0-TxRx-1|1" } },
	  "--iface eth0",
	  "machine  1 node, CPUs 0-7 allowed\n"
	  "lcore    2    CPU 2        node 0   polls eth0:0\n"
	  "lcore    3    CPU 3        node 0   polls eth0:1\n"
	  "port     0    eth0            driver auto    rxqs 2 txqs 2 first 0 rxd 2048 txd 2048 pool 0 node 0 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth0:0 lcore 2, eth0:1 lcore 3\n"
	  "queue    eth0:0 interrupt 70 on CPU 0 node 0 (by name in msi_irqs), polled by lcore 2\n"
	  "queue    eth0:1 interrupt 71 on CPU 1 node 0 (by name in msi_irqs), polled by lcore 3\n"
	  "pool     0    node 0: 16849 frames of 2048, 14592 of them for rings and lcores; 34.0 MiB in pages of 2 MiB, "
	  "17 of 64 free\n"
	  "memory   38.0 MiB: pools 34.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },

	{ "two NICs on two nodes of a package, an lcore each where it belongs",
	  "package:1 group:2 [numa] core:4 pu:1",
	  NODE(0, "0-3") NODE(1, "4-7") HUGE(0, 2048, 64, 64) HUGE(1, 2048, 64, 64),
	  { { "eth0", "pci0000:00/0000:01:00.0", "pci0000:00/0000:01:00.0", "0000:01:00.0", 0, 1, "70|eth0-TxRx-0|0" },
	    { "eth1", "pci0000:40/0000:41:00.0", "pci0000:40/0000:41:00.0", "0000:41:00.0", 1, 1,
	      "71|eth1-TxRx-0|4" } },
	  "--iface eth0 --iface eth1",
	  "machine  2 nodes, CPUs 0-7 allowed\n"
	  "lcore    1    CPU 1        node 0   polls eth0:0\n"
	  "lcore    5    CPU 5        node 1   polls eth1:0\n"
	  "port     0    eth0            driver auto    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0 node 0 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth0:0 lcore 1 and through it 5\n"
	  "queue    eth0:0 interrupt 70 on CPU 0 node 0 (by name in msi_irqs), polled by lcore 1\n"
	  "port     1    eth1            driver auto    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 1 node 1 MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    1    eth1:0 lcore 5 and through it 1\n"
	  "queue    eth1:0 interrupt 71 on CPU 4 node 1 (by name in msi_irqs), polled by lcore 5\n"
	  "pool     0    node 0: 10891 frames of 2048, 9504 of them for rings and lcores; 22.0 MiB in pages of 2 MiB, "
	  "11 of 64 free\n"
	  "pool     1    node 1: 10891 frames of 2048, 9504 of them for rings and lcores; 22.0 MiB in pages of 2 MiB, "
	  "11 of 64 free\n"
	  "memory   48.0 MiB: pools 44.0, program 4.0\n"
	  "note     eth0 has 1 transmit queue for 2 lcores that poll: the others send through an lcore that has one\n"
	  "note     2 pools, one on each node with ports: packets between nodes are copied\n"
	  "nothing was changed\n",
	  0 },

	{ "one CPU, virtio without interrupts that are told",
	  "pu:1",
	  "",
	  { { "eth0", "pci0000:00/0000:00:03.0/virtio0", "pci0000:00/0000:00:03.0", "virtio0", -1, 1, "" } },
	  "--iface eth0",
	  "machine  1 node, CPUs 0 allowed\n"
	  "lcore    0    CPU 0        node 0   polls eth0:0\n"
	  "port     0    eth0            driver auto    rxqs 1 txqs 1 first 0 rxd 2048 txd 2048 pool 0 no node MTU "
	  "1500 mode auto; driver auto: the best that works, all channels\n"
	  "sends    0    eth0:0 lcore 0\n"
	  "pool     0    node 0: 8905 frames of 2048, 7424 of them for rings and lcores; 18.0 MiB in pages of 4 KiB; "
	  "0 of 9 hugepages free: echo 9 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages\n"
	  "memory   22.0 MiB: pools 18.0, program 4.0\n"
	  "nothing was changed\n",
	  0 },
};

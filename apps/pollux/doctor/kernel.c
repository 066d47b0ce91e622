/* SPDX-License-Identifier: MIT */
/* kernel.c - checks of the kernel: what was tried with it.  Cold, pure. */
#include "doctor.h"

#include <errno.h>
#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define HOST (void)p

CHECK(af_xdp)
{
	int err = d->probe.xsk_err;

	HOST;
	if (!err) {
		ok(f, "socket(AF_XDP) works");
		return;
	}
	(uses_xdp(d) ? fail : warn)(f, "socket(AF_XDP): %s", strerrorname_np(-err));
	if (err == -EPERM || err == -EACCES)
		fix(f, "# see cap-net-raw; if that is OK, a seccomp filter or security module refuses it");
	else
		fix(f, "# this kernel has no AF_XDP (CONFIG_XDP_SOCKETS): use driver=packet, or another kernel");
}

CHECK(bpf_load)
{
	int err = d->probe.load_err;

	HOST;
	if (!err) {
		ok(f, "an XDP program loads");
		return;
	}
	(uses_xdp(d) ? fail : warn)(f, "BPF_PROG_LOAD of an XDP program: %s", strerrorname_np(-err));
	fix(f,
	    err == -EPERM ?
	            "# see cap-bpf, cap-net-admin and userns; if these are OK, lockdown or a security module refuses "
	            "it" :
	            "# this kernel loads no BPF programs (CONFIG_BPF_SYSCALL): use driver=packet, or another kernel");
}

CHECK(bpf_jit)
{
	HOST;
	if (d->probe.jit < 0)
		skip(f, "no program could be loaded");
	else if (d->probe.jit)
		ok(f, "programs are compiled");
	else {
		warn(f, "programs are interpreted: some ten times the time for each packet");
		fix(f, "nsenter -t 1 -n sysctl -w net.core.bpf_jit_enable=1");
	}
}

CHECK(bpf_frags)
{
	HOST;
	if (d->probe.load_err)
		skip(f, "no program could be loaded");
	else if (!d->probe.frags_err)
		ok(f, "programs may take packets of several buffers");
	else {
		warn(f, "BPF_F_XDP_HAS_FRAGS: %s: native XDP refuses an MTU beyond a page",
		     strerrorname_np(-d->probe.frags_err));
		fix(f, "# Linux 5.18 or newer has it");
	}
}

/* known judges a feature that a newer kernel has. */
static void known(struct result *f, int has, const char *yes, const char *no, const char *since)
{
	if (has < 0)
		skip(f, "could not be tried");
	else if (has)
		ok(f, "%s", yes);
	else {
		warn(f, "%s", no);
		fix(f, "# Linux %s or newer has it", since);
	}
}

CHECK(xsk_wakeup)
{
	HOST;
	known(f, d->probe.ring_flags, "rings have flags: a driver that needs no doorbell gets none",
	      "rings have no flags: af_xdp is not usable", "5.4");
	if (!d->probe.ring_flags && uses_xdp(d))
		f->status = CHECK_FAIL;
}

CHECK(xsk_chains)
{
	HOST;
	known(f, d->probe.sg, "sockets take packets of several buffers (XDP_USE_SG)",
	      "sockets take no packets of several buffers (XDP_USE_SG): what is longer than a frame is dropped", "6.6");
}

CHECK(xsk_budget)
{
	HOST;
	known(f, d->probe.budget, "one doorbell may send a whole ring in copy mode (XDP_MAX_TX_SKB_BUDGET)",
	      "one doorbell sends 32 frames in copy mode: a system call for each 32", "6.17");
}

CHECK(tx_metadata)
{
	HOST;
	if (d->probe.tx_meta == 1)
		ok(f, "frames may carry requests to the NIC (XDP_UMEM_TX_METADATA_LEN)");
	else
		skip(f, d->probe.tx_meta ? "could not be tried" :
		                           "not known to this kernel; no driver of ours asks for it");
}

CHECK(netdev_netlink)
{
	HOST;
	if (d->probe.netdev_cmd < 0)
		skip(f, "could not be tried");
	else if (!d->probe.netdev_cmd) {
		warn(f, "no netdev netlink family: XDP features are not told, nor which NAPI serves a queue");
		fix(f, "# Linux 6.3 or newer has it, 6.8 tells of queues");
	} else if (d->probe.netdev_cmd < 11) {
		warn(f, "the netdev netlink family does not tell of queues: their interrupts are known by name only");
		fix(f, "# Linux 6.8 or newer has it");
	} else
		ok(f, "netdev netlink tells of devices, queues and NAPIs (commands up to %d)", d->probe.netdev_cmd);
}

CHECK(napi_set)
{
	HOST;
	known(f, d->probe.netdev_cmd < 0 ? -1 : d->probe.netdev_cmd >= 14,
	      "interrupts can be deferred for each queue (napi-set)",
	      "interrupts can be deferred for whole interfaces only", "6.13");
}

CHECK(ethtool_netlink)
{
	HOST;
	known(f, d->probe.ethtool, "ethtool netlink tells of channels, rings and offloads",
	      "no ethtool netlink: older calls are used, which tell less", "5.6");
}

CHECK(btf)
{
	HOST;
	if (d->probe.btf)
		ok(f, "/sys/kernel/btf/vmlinux is there");
	else {
		warn(f, "no /sys/kernel/btf/vmlinux: Pollux needs none, libxdp's dispatcher and bpftrace do");
		fix(f, "# a kernel with CONFIG_DEBUG_INFO_BTF=y has it");
	}
}

CHECK(bpffs)
{
	HOST;
	if (d->facts.bpffs < 0)
		skip(f, "/proc/self/mountinfo cannot be read");
	else if (d->facts.bpffs)
		ok(f, "a BPF file system is at /sys/fs/bpf");
	else {
		warn(f, "no BPF file system at /sys/fs/bpf: programs that others have pinned cannot be seen, nor the "
		     "priorities of libxdp's (ip netns exec hides it)");
		fix(f, "mount -t bpf bpf /sys/fs/bpf");
	}
}

CHECK(unprivileged_bpf)
{
	HOST;
	if (d->facts.unpriv_bpf < 0)
		skip(f, "kernel.unprivileged_bpf_disabled cannot be read");
	else if (d->facts.unpriv_bpf)
		ok(f, "kernel.unprivileged_bpf_disabled is %ld", d->facts.unpriv_bpf);
	else {
		warn(f, "kernel.unprivileged_bpf_disabled is 0: every user may load programs beside ours");
		fix(f, "sysctl -w kernel.unprivileged_bpf_disabled=2");
	}
}

CHECK(hugetlb)
{
	HOST;
	if (!d->probe.memfd_err)
		ok(f, "memory files may be of 2 MiB pages");
	else {
		warn(f, "memfd_create(MFD_HUGETLB): %s: frames get pages of 4 KiB",
		     strerrorname_np(-d->probe.memfd_err));
		fix(f, "# a kernel with CONFIG_HUGETLBFS=y has it; a seccomp filter may refuse it");
	}
}

const struct check kernel_checks[] = {
	{ "af-xdp", "kernel", "the kernel makes AF_XDP sockets", af_xdp, false },
	{ "bpf-load", "kernel", "an XDP program can be loaded", bpf_load, false },
	{ "bpf-jit", "kernel", "programs are compiled, not interpreted", bpf_jit, false },
	{ "bpf-frags", "kernel", "programs may take packets of several buffers", bpf_frags, false },
	{ "xsk-wakeup", "kernel", "AF_XDP rings say when a doorbell is needed", xsk_wakeup, false },
	{ "xsk-chains", "kernel", "AF_XDP sockets take packets of several buffers", xsk_chains, false },
	{ "xsk-budget", "kernel", "a doorbell in copy mode may send more than 32 frames", xsk_budget, false },
	{ "tx-metadata", "kernel", "AF_XDP frames may carry requests to the NIC", tx_metadata, false },
	{ "netdev-netlink", "kernel", "the kernel tells of XDP features, queues and NAPIs", netdev_netlink, false },
	{ "napi-set", "kernel", "interrupts can be deferred queue by queue", napi_set, false },
	{ "ethtool-netlink", "kernel", "the kernel tells of channels, rings and offloads", ethtool_netlink, false },
	{ "btf", "kernel", "the kernel's types are there for dispatchers and tracers", btf, false },
	{ "bpffs", "kernel", "pinned programs of others can be seen", bpffs, false },
	{ "unprivileged-bpf", "kernel", "not every user may load programs", unprivileged_bpf, false },
	{ "hugetlb", "kernel", "memory of 2 MiB pages can be asked for", hugetlb, false },
	{ NULL, NULL, NULL, NULL, false },
};

/* SPDX-License-Identifier: MIT */
/* host.c - checks of what this process may do, and of the machine.  Cold, pure. */
#include "doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define HOST (void)p

/* ---- rights ---- */

static bool has(const struct doctor *d, unsigned cap) { return !privileges_lack(d->host.topo.missing_caps, cap); }

/* cap judges one capability.  The fix grants all that are needed, as the next would else take
   this one away again. */
static void cap(const struct doctor *d, struct result *f, unsigned n, const char *name, const char *call)
{
	if (!uses_xdp(d) && n != CAP_NET_RAW) {
		skip(f, "no port is of the driver af_xdp");
		return;
	}
	if (has(d, n)) {
		ok(f, "%s is there for %s", name, call);
		return;
	}
	fail(f, "%s is missing, which %s needs", name, call);
	if (!(d->facts.cap_bnd >> n & 1))
		fix(f, "# outside of what this container or service may ever have: docker run --cap-add=%s, or "
		     "CapabilityBoundingSet=%s of systemd", name, name);
	else
		fix(f, "setcap cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep %s # and on the program",
		    quoted(d->facts.exe));
}

CHECK(cap_net_raw)
{
	HOST;
	cap(d, f, CAP_NET_RAW, "CAP_NET_RAW", uses_xdp(d) ? privileges_call(CAP_NET_RAW) : "socket(AF_PACKET)");
}

CHECK(cap_net_admin) { (void)p; cap(d, f, CAP_NET_ADMIN, "CAP_NET_ADMIN", privileges_call(CAP_NET_ADMIN)); }

CHECK(cap_bpf)
{
	HOST;
	if (uses_xdp(d) && has(d, CAP_BPF) && d->host.topo.missing_caps >> CAP_BPF & 1)
		ok(f, "CAP_SYS_ADMIN stands in for CAP_BPF, which %s needs", privileges_call(CAP_BPF));
	else
		cap(d, f, CAP_BPF, "CAP_BPF", privileges_call(CAP_BPF));
}

CHECK(userns)
{
	HOST;
	if (d->facts.init_userns < 0 || !uses_xdp(d))
		skip(f, uses_xdp(d) ? "/proc/self/uid_map cannot be read" : "no port is of the driver af_xdp");
	else if (d->facts.init_userns)
		ok(f, "this is the first user namespace");
	else {
		fail(f, "this is a user namespace of its own, whose capabilities do not reach bpf()");
		fix(f, "# start the program outside of it (docker without userns-remap, podman as root)");
	}
}

/* raise_limit: within the hard limit by the shell, beyond it with CAP_SYS_RESOURCE. */
static void raise_limit(struct result *f, uint64_t want, uint64_t hard, const char *letter, const char *name,
                        unsigned unit)
{
	if (want <= hard)
		fix(f, "ulimit -S -%s %llu", letter, (unsigned long long)((want + unit - 1) / unit));
	else
		fix(f, "prlimit --pid $$ --%s=%llu:%llu", name, (unsigned long long)want, (unsigned long long)want);
}

CHECK(memlock)
{
	uint64_t need = 0;

	HOST;
	for (unsigned i = 0; d->planned && i < d->plan.npools; i++)
		need += (uint64_t)d->plan.pools[i].frames * d->plan.pools[i].frame_size;
	if (!uses_xdp(d))
		skip(f, "no port is of the driver af_xdp");
	else if (has(d, CAP_IPC_LOCK))
		ok(f, "CAP_IPC_LOCK lifts the limit of locked memory");
	else if (!d->planned)
		skip(f, "how much is needed is not known: see plan");
	else if (d->host.topo.memlock >= need)
		ok(f, "%llu KiB may be locked, frames need %llu", (unsigned long long)(d->host.topo.memlock >> 10),
		   (unsigned long long)(need >> 10));
	else {
		fail(f, "%llu KiB may be locked and frames need %llu: setsockopt(XDP_UMEM_REG) says ENOBUFS",
		     (unsigned long long)(d->host.topo.memlock >> 10), (unsigned long long)(need >> 10));
		raise_limit(f, need, d->facts.memlock_hard, "l", "memlock", 1024);
	}
}

CHECK(open_files)
{
	/* a socket for each queue of both directions; per port map, program, link; and what a process has */
	uint64_t need = 64;

	HOST;
	for (unsigned i = 0; d->planned && i < d->plan.nports; i++)
		need += 2u * d->plan.ports[i].conf.rxqs + 2u * d->plan.ports[i].conf.txqs + 8;
	if (!d->facts.nofile)
		skip(f, "/proc/self/limits cannot be read");
	else if (d->facts.nofile >= need)
		ok(f, "%llu files may be open, up to %llu are", (unsigned long long)d->facts.nofile,
		   (unsigned long long)need);
	else {
		fail(f, "%llu files may be open and up to %llu are", (unsigned long long)d->facts.nofile,
		     (unsigned long long)need);
		raise_limit(f, need, d->facts.nofile_hard, "n", "nofile", 1);
	}
}

/* ---- machine ---- */

CHECK(clocksource)
{
	const struct host_facts *h = &d->facts;

	HOST;
	if (!*h->clocksource)
		skip(f, "the clock source cannot be read");
	else if (!strcmp(h->clocksource, "tsc") || !strncmp(h->clocksource, "arch_sys", 8))
		ok(f, "the kernel's clock is %s", h->clocksource);
	else {
		warn(f, "the kernel's clock is %s: reading the time may cost a system call", h->clocksource);
		if (strstr(h->clocksources, "tsc"))
			fix(f, "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource");
		else
			fix(f, "# the kernel holds tsc for unstable here (%s are left): see dmesg", h->clocksources);
	}
}

CHECK(numa_balancing)
{
	HOST;
	if (d->host.topo.nnodes < 2)
		ok(f, "one node: nothing is moved");
	else if (d->facts.numa_balancing < 0)
		skip(f, "kernel.numa_balancing cannot be read");
	else if (!d->facts.numa_balancing)
		ok(f, "kernel.numa_balancing is 0");
	else {
		warn(f, "kernel.numa_balancing is %ld: lcores fault on pages that the kernel would move",
		     d->facts.numa_balancing);
		fix(f, "sysctl -w kernel.numa_balancing=0");
	}
}

CHECK(irqbalance)
{
	HOST;
	if (!d->facts.irqbalance)
		ok(f, "irqbalance does not run");
	else {
		warn(f, "irqbalance runs (pid %d): it moves the queues' interrupts at any time", d->facts.irqbalance);
		fix(f, "kill %d", d->facts.irqbalance);
	}
}

CHECK(tools)
{
	HOST;
	if (!*d->facts.tools)
		ok(f, "ip, ethtool, bpftool and prlimit are there");
	else {
		warn(f, "not on PATH, but fixes need them: %s", d->facts.tools);
		fix(f, "apt-get install -y iproute2 ethtool bpftool util-linux");
	}
}

CHECK(journal)
{
	HOST;
	if (d->facts.orphans < 0)
		skip(f, "the journal of set-ups cannot be read: %s", strerrorname_np(-d->facts.orphans));
	else if (!d->facts.orphans)
		ok(f, "no change of a program that is no more is left on this host");
	else {
		warn(f, "%d programs that are no more changed this host and did not undo it", d->facts.orphans);
		fix(f, "%s setup restore --orphans", quoted(program_invocation_name));
	}
}

const struct check host_checks[] = {
	{ "cap-net-raw", "rights", "CAP_NET_RAW for AF_XDP and packet sockets", cap_net_raw, false },
	{ "cap-net-admin", "rights", "CAP_NET_ADMIN to attach the XDP program", cap_net_admin, false },
	{ "cap-bpf", "rights", "CAP_BPF or CAP_SYS_ADMIN to load the XDP program", cap_bpf, false },
	{ "userns", "rights", "the first user namespace, the only one that may load programs", userns, false },
	{ "memlock", "rights", "CAP_IPC_LOCK, or as much locked memory as frames", memlock, false },
	{ "open-files", "rights", "as many open files as queues need", open_files, false },
	{ "clocksource", "machine", "the time can be read without a system call", clocksource, false },
	{ "numa-balancing", "machine", "the kernel leaves pages where they were put", numa_balancing, false },
	{ "irqbalance", "machine", "nobody moves the queues' interrupts", irqbalance, false },
	{ "tools", "machine", "the commands that fix things are installed", tools, false },
	{ "journal", "machine", "no program left its changes behind", journal, false },
	{ NULL, NULL, NULL, NULL, false },
};

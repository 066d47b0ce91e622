/* SPDX-License-Identifier: MIT */
/* plan.c - checks of lcores: what a start would do, by the plan, against what the machine
   has.  Cold, pure. */
#include "doctor.h"

#include <errno.h>
#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define HOST (void)p
#define PLURAL(n) ((n) == 1 ? "" : "s")

typedef unsigned long long ull;
enum { STEAL_PERCENT = 1, IDLE_US = 50 };

/* CPUs that lcores of the plan are pinned to. */
static struct cpuset lcore_cpus(const struct doctor *d)
{
	struct cpuset s = { { 0 } };

	for (unsigned i = 0; d->planned && i < d->plan.nlcores; i++)
		for (unsigned k = 0; k < d->plan.lcores[i].ncpus; k++)
			cpuset_add(&s, d->plan.lcores[i].cpus[k]);
	return s;
}

static struct cpuset usable_cpus(const struct doctor *d)
{
	struct cpuset s = { { 0 } };

	for (unsigned cpu = 0; cpu < d->host.topo.ncpus; cpu++)
		if (plan_usable(&d->host.topo, cpu))
			cpuset_add(&s, cpu);
	return s;
}

CHECK(plan)
{
	HOST;
	if (!d->plan_err) {
		ok(f, "a start would have %u lcore%s, %u port%s, %u pool%s", d->plan.nlcores, PLURAL(d->plan.nlcores),
		   d->plan.nports, PLURAL(d->plan.nports), d->plan.npools, PLURAL(d->plan.npools));
		return;
	}
	fail(f, "a start would be refused: %s", d->plan_why);
	for (unsigned i = 0; i < d->conf.nservice; i++)
		for (unsigned k = 0; k < d->conf.nlcores; k++)
			if (d->conf.service[i].id == d->conf.lcores[k].id) {
				fix_option(f, d, "service-lcores", "none");
				return;
			}
	if (asked_refused(d))
		fix_option(f, d, d->conf.nnode_mem ? "node-mem" : "mem", "auto");
	else
		fix(f, OTHERS_TELL);
}

/* ---- lcores ---- */

/* given: lcore i of -l, or behind these of -S; NULL = there are no more. */
static const struct plx_lcore_conf *given_lcore(const struct doctor *d, unsigned i)
{
	if (i < d->conf.nlcores)
		return &d->conf.lcores[i];
	i -= d->conf.nlcores;
	return i < d->conf.nservice ? &d->conf.service[i] : NULL;
}

CHECK(lcore_online)
{
	const struct plx_lcore_conf *l;
	char text[256];

	HOST;
	for (unsigned i = 0; (l = given_lcore(d, i)); i++) {
		for (unsigned k = 0; k < l->ncpus && d->host.topo.ncpus; k++) {
			if (d->host.topo.cpu[l->cpus[k]].online)
				continue;
			fail(f, "lcore %u: CPU %u is %s", l->id, l->cpus[k], d->host.topo.cpu[l->cpus[k]].present ?
			     "offline" : "not in this machine");
			if (d->host.topo.cpu[l->cpus[k]].present)
				fix(f, "echo 1 > /sys/devices/system/cpu/cpu%u/online", l->cpus[k]);
			else if (i < d->conf.nlcores)
				fix_option(f, d, "lcores", topo_allowed_list(&d->host.topo, text, sizeof(text)));
			else
				fix(f, "# name CPUs with -S that are there: %s",
				    topo_allowed_list(&d->host.topo, text, sizeof(text)));
			return;
		}
	}
	ok(f, "all CPUs of lcores are online");
}

CHECK(cpuset)
{
	struct cpuset all = usable_cpus(d), missing = { { 0 } };
	const struct plx_lcore_conf *l;
	char want[256], have[256], lack[256];
	bool group = false;

	HOST;
	cpuset_text(&all, have, sizeof(have));
	for (unsigned i = 0; (l = given_lcore(d, i)); i++)
		for (unsigned k = 0; k < l->ncpus; k++) {
			unsigned cpu = l->cpus[k];
			if (cpu >= d->host.topo.ncpus || !d->host.topo.cpu[cpu].online || d->host.topo.cpu[cpu].allowed)
				continue;
			cpuset_add(&missing, cpu);
			cpuset_add(&all, cpu);
			group |= d->host.topo.cpu[cpu].barred;
		}
	if (cpuset_first(&missing) < 0) {
		ok(f, "CPUs of lcores are among those this process may use (%s)", have);
		return;
	}
	cpuset_text(&all, want, sizeof(want));
	fail(f, "CPU %s of -l%s is not among those this process may use (%s), by its %s",
	     cpuset_text(&missing, lack, sizeof(lack)), d->conf.nservice ? " or -S" : "", have,
	     group ? "cgroup's cpuset" : "affinity");
	if (group)
		fix(f, "echo %s > %s", want, quoted(d->facts.cpuset));
	else
		fix(f, "taskset -pc %s $$", want);
}

/* other_lcores: as many CPUs as lcores there are that poll queues, each alone on its CPU, or (cores)
   on its core, and none on a service lcore's; what can stay stays.  false = there are fewer. */
static bool other_lcores(const struct doctor *d, bool cores, struct cpuset *out)
{
	struct cpuset taken = { { 0 } };
	const struct topo *t = &d->host.topo;
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	for (unsigned i = d->plan.nworkers; i < d->plan.nlcores; i++)
		for (unsigned k = 0; k < d->plan.lcores[i].ncpus; k++) {
			unsigned cpu = d->plan.lcores[i].cpus[k];
			cpuset_add(&taken, cores && t->cpu[cpu].core >= 0 ? (unsigned)t->cpu[cpu].core : cpu);
		}
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned cpu = 0; cpu < t->ncpus && n < d->plan.nworkers; cpu++) {
			struct cpuset now = lcore_cpus(d);
			unsigned key = cores && t->cpu[cpu].core >= 0 ? (unsigned)t->cpu[cpu].core : cpu;

			if ((!pass && !cpuset_has(&now, cpu)) || !plan_usable(t, cpu) || cpuset_has(&taken, key))
				continue;
			cpuset_add(&taken, key);
			cpuset_add(out, cpu);
			n++;
		}
	}
	return n == d->plan.nworkers;
}

/* lcores_text writes a list of -l: an lcore on each CPU, by its number, or where a service lcore has
   that, by another. */
static char *lcores_text(const struct doctor *d, const struct cpuset *cpus, char *buf, size_t len)
{
	struct cpuset taken = *cpus, plain = *cpus, own = { { 0 } };
	unsigned id = 0;

	for (unsigned i = 0; i < d->conf.nservice; i++) {
		cpuset_add(&own, d->conf.service[i].id);
		cpuset_add(&taken, d->conf.service[i].id);
	}
	for (size_t i = 0; i < PLX_ARRAY_SIZE(plain.w); i++)
		plain.w[i] &= ~own.w[i];
	cpuset_text(&plain, buf, len);
	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++) {
		if (!cpuset_has(cpus, cpu) || !cpuset_has(&own, cpu))
			continue;
		while (cpuset_has(&taken, id))
			id++;
		cpuset_add(&taken, id);
		plx_text_add(buf, len, "%s%u@%u", *buf ? "," : "", id, cpu);
	}
	return buf;
}

/* sharing finds the first two lcores on one CPU, or (cores) on two threads of one core. */
static bool sharing(const struct doctor *d, bool cores, unsigned *a, unsigned *b)
{
	const struct topo *t = &d->host.topo;

	for (*b = 1; *b < d->plan.nlcores; ++*b)
		for (*a = 0; *a < *b; ++*a) {
			int x = d->plan.lcores[*a].cpu, y = d->plan.lcores[*b].cpu;
			if (x < 0 || y < 0 || d->plan.lcores[*a].ncpus != 1 || d->plan.lcores[*b].ncpus != 1)
				continue;
			if (cores ? x != y && t->cpu[x].core >= 0 && t->cpu[x].core == t->cpu[y].core : x == y)
				return true;
		}
	return false;
}

static void judge_sharing(const struct doctor *d, struct result *f, bool cores)
{
	struct cpuset better;
	char list[256];
	unsigned a, b;

	if (no_plan(d, f))
		return;
	if (!sharing(d, cores, &a, &b)) {
		ok(f, cores ? "no two lcores are on threads of one core" : "no two lcores are on one CPU");
		return;
	}
	if (cores)
		warn(f, "lcores %u and %u are on two threads of one core (CPUs %d and %d): each gets about half of it",
		     d->plan.lcores[a].id, d->plan.lcores[b].id, d->plan.lcores[a].cpu, d->plan.lcores[b].cpu);
	else
		warn(f, "lcores %u and %u are both on CPU %d: one polls while the other waits", d->plan.lcores[a].id,
		     d->plan.lcores[b].id, d->plan.lcores[a].cpu);
	if (a >= d->plan.nworkers) {
		fix(f, "# name a CPU with -S for each service lcore, or fewer of them");
		return;
	}
	other_lcores(d, cores, &better); /* fewer lcores are better than shared ones, too */
	if (cpuset_first(&better) < 0)
		fix_option(f, d, "service-lcores", "none");
	else
		fix_option(f, d, "lcores", lcores_text(d, &better, list, sizeof(list)));
}

CHECK(lcore_shared) { HOST; judge_sharing(d, f, false); }
CHECK(lcore_smt)    { HOST; judge_sharing(d, f, true); }

CHECK(lcore_idle)
{
	struct cpuset used = { { 0 } };
	const struct plan_lcore *idle = NULL;
	char list[256];

	HOST;
	if (no_plan(d, f))
		return;
	for (unsigned i = 0; i < d->plan.nworkers; i++) { /* service lcores poll none */
		const struct plan_lcore *l = &d->plan.lcores[i];
		if (!l->queues && !idle)
			idle = l;
		for (unsigned k = 0; l->queues && k < l->ncpus; k++)
			cpuset_add(&used, l->cpus[k]);
	}
	if (!d->plan.nports)
		skip(f, "there are no ports");
	else if (!idle)
		ok(f, "each lcore has a receive queue");
	else {
		warn(f, "no receive queue is left for lcore %u", idle->id);
		fix_option(f, d, "lcores", lcores_text(d, &used, list, sizeof(list)));
	}
}

CHECK(lcore_node)
{
	struct cpuset near = { { 0 } };
	char list[256];
	unsigned far = 0, n = 0;
	int node = -1;

	HOST;
	if (no_plan(d, f))
		return;
	for (unsigned i = 0; i < d->plan.nports; i++) {
		const struct plan_port *port = &d->plan.ports[i];
		for (unsigned q = 0; q < port->conf.rxqs; q++) {
			int16_t at = d->plan.lcores[port->rxq_lcore[q]].node;
			if (port->link.node < 0 || at < 0 || at == port->link.node)
				continue;
			far++;
			node = node < 0 ? port->link.node : node;
		}
	}
	if (!far) {
		ok(f, d->host.topo.nnodes < 2 ? "one node" :
		                                "queues are polled on their NIC's node, as far as that is told");
		return;
	}
	warn(f, "%u receive queues of node %d are polled on another node: each frame crosses", far, node);
	for (unsigned cpu = 0; cpu < d->host.topo.ncpus && n < d->plan.nworkers; cpu++)
		if (plan_usable(&d->host.topo, cpu) && d->host.topo.cpu[cpu].node == node && ++n)
			cpuset_add(&near, cpu);
	if (n)
		fix_option(f, d, "lcores", lcores_text(d, &near, list, sizeof(list)));
	else
		fix(f, "# this process may use no CPU of node %d: see cpuset", node);
}

CHECK(control_cpu)
{
	struct cpuset used = lcore_cpus(d);

	HOST;
	if (no_plan(d, f))
		return;
	if (d->conf.main_lcore < 0)
		ok(f, "main and watch threads are not pinned");
	else if (d->plan.main_cpu >= 0 && cpuset_has(&used, (unsigned)d->plan.main_cpu)) {
		warn(f, "main and watch threads share CPU %d with an lcore", d->plan.main_cpu);
		fix_option(f, d, "main-lcore", "none");
	} else
		ok(f, "main and watch threads have CPU %d for themselves", d->conf.main_lcore);
}

/* boot judges a set of CPUs that only the kernel's command line makes. */
static void boot(const struct doctor *d, struct result *f, const char *name, const struct cpuset *set,
                 const char *cost)
{
	struct cpuset want = lcore_cpus(d), all = usable_cpus(d);
	char lack[256] = "", list[256];
	struct cpuset missing = want;

	if (no_plan(d, f))
		return;
	if (!given_lcore(d, 0) && !d->conf.nports) {
		skip(f, "no lcores and no ports are named");
		return;
	}
	cpuset_without(&missing, set);
	cpuset_text(&want, list, sizeof(list));
	if (cpuset_first(&missing) < 0)
		ok(f, "%s has the lcores' CPUs (%s)", name, list);
	else if (cpuset_equal(&want, &all))
		skip(f, "lcores have all CPUs, the host has to share them");
	else {
		warn(f, "%s does not have CPU %s: %s", name, cpuset_text(&missing, lack, sizeof(lack)), cost);
		if (cpuset_has(&missing, 0)) /* the one that boots, which the kernel and others count on */
			fix(f, "# CPU 0 is the host's: give lcores others with -l");
		else
			fix(f,
			    "mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX "
			    "isolcpus=%s nohz_full=%s "
			    "rcu_nocbs=%s\"' > /etc/default/grub.d/pollux.cfg && update-grub # then boot anew",
			    list, list, list);
	}
}

CHECK(isolcpus)
{
	struct cpuset set = { { 0 } };

	HOST;
	for (unsigned cpu = 0; cpu < d->host.topo.ncpus; cpu++)
		if (d->host.topo.cpu[cpu].isolated)
			cpuset_add(&set, cpu);
	boot(d, f, "isolcpus", &set, "the scheduler may put other tasks there");
}

CHECK(nohz_full)
{
	struct cpuset set = { { 0 } };

	HOST;
	for (unsigned cpu = 0; cpu < d->host.topo.ncpus; cpu++)
		if (d->host.topo.cpu[cpu].nohz_full)
			cpuset_add(&set, cpu);
	boot(d, f, "nohz_full", &set, "its timer ticks interrupt the lcore");
}

CHECK(rcu_nocbs)
{
	struct cpuset set = { { 0 } };

	HOST;
	for (unsigned cpu = 0; cpu < d->host.topo.ncpus; cpu++)
		if (d->host.topo.cpu[cpu].rcu_nocbs || d->host.topo.cpu[cpu].nohz_full) /* which brings it */
			cpuset_add(&set, cpu);
	boot(d, f, "rcu_nocbs", &set, "the kernel's deferred frees run there");
}

/* first_cpu finds the first lcore CPU of which bad says so; -1. */
static int first_cpu(const struct doctor *d, bool (*bad)(const struct cpu_facts *c))
{
	struct cpuset s = lcore_cpus(d);

	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++)
		if (cpuset_has(&s, cpu) && bad(&d->cpu[cpu]))
			return (int)cpu;
	return -1;
}

static bool no_governor(const struct cpu_facts *c) { return !*c->governor; }
static bool slow_governor(const struct cpu_facts *c) { return *c->governor && strcmp(c->governor, "performance"); }
static bool deep_idle(const struct cpu_facts *c) { return c->idle_us > IDLE_US; }

CHECK(governor)
{
	int cpu = first_cpu(d, slow_governor);

	HOST;
	if (no_plan(d, f))
		return;
	if (cpu >= 0) {
		warn(f, "CPU %d follows the governor %s: its clock changes with the load", cpu, d->cpu[cpu].governor);
		fix(f,
		    "for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do echo performance > $f; done");
	} else if (first_cpu(d, no_governor) >= 0)
		skip(f, "the kernel does not govern the clock of CPUs here");
	else
		ok(f, "the lcores' CPUs follow the governor performance");
}

CHECK(idle_states)
{
	int cpu = first_cpu(d, deep_idle);

	HOST;
	if (no_plan(d, f))
		return;
	if (d->conf.idle == PLX_IDLE_BUSY)
		ok(f, "--idle=busy: lcores never sleep");
	else if (cpu < 0)
		ok(f, "no idle state of the lcores' CPUs takes more than %d us to leave", IDLE_US);
	else {
		warn(f, "--idle=%s and CPU %d has idle state %d, which takes %d us to leave",
		     d->conf.idle == PLX_IDLE_ADAPTIVE ? "adaptive" : "interrupt", cpu, d->cpu[cpu].idle_state,
		     d->cpu[cpu].idle_us);
		fix(f, "for f in /sys/devices/system/cpu/cpu*/cpuidle/state[%d-9]/disable; do echo 1 > $f; done",
		     d->cpu[cpu].idle_state);
	}
}

CHECK(steal)
{
	struct cpuset s = lcore_cpus(d);
	uint64_t stolen = 0, all = 0;

	HOST;
	for (unsigned cpu = 0; cpu < TOPO_CPUS_MAX; cpu++)
		if (cpuset_has(&s, cpu)) {
			stolen += d->cpu[cpu].steal;
			all += d->cpu[cpu].all;
		}
	if (!all)
		skip(f, "/proc/stat does not tell of the lcores' CPUs");
	else if (stolen * 100 < all * STEAL_PERCENT)
		ok(f, "%s%llu of %llu ticks of the lcores' CPUs were taken by a hypervisor", d->facts.hypervisor == 1 ?
		   "a virtual machine; " : "", (ull)stolen, (ull)all);
	else {
		warn(f, "the hypervisor took %llu of %llu ticks of the lcores' CPUs", (ull)stolen, (ull)all);
		fix(f, "# pin the virtual CPUs to real ones of their own, on the host of this machine");
	}
}

CHECK(cpu_quota)
{
	const struct limit *l = &d->facts.quota;
	unsigned n = d->planned ? d->plan.nlcores : d->conf.nlcores;

	HOST;
	if (l->value < 0)
		ok(f, "no cgroup limits the time on CPUs, as far as is in sight");
	else if (l->value >= d->facts.period * n)
		ok(f, "the cgroup's quota of %lld us in %lld us suffices for %u lcores", (long long)l->value,
		   (long long)d->facts.period, n);
	else {
		warn(f,
		     "the cgroup may run %lld us in each %lld us and %u lcores poll all the time: they are stopped for "
		     "the rest",
		     (long long)l->value, (long long)d->facts.period, n);
		fix(f, "echo %s > %s", ends_with(l->file, "cpu.max") ? "max" : "-1", quoted(l->file));
	}
}

const struct check plan_checks[] = {
	{ "plan", "lcores", "a start with these options would not be refused", plan, false },
	{ "lcore-online", "lcores", "the CPUs of lcores are there and online", lcore_online, false },
	{ "cpuset", "lcores", "the cgroup and affinity allow the CPUs of lcores", cpuset, false },
	{ "lcore-shared", "lcores", "each lcore has a CPU for itself", lcore_shared, false },
	{ "lcore-smt", "lcores", "each lcore has a core for itself", lcore_smt, false },
	{ "lcore-idle", "lcores", "each lcore has a receive queue", lcore_idle, false },
	{ "lcore-node", "lcores", "queues are polled on their NIC's node", lcore_node, false },
	{ "control-cpu", "lcores", "main and watch threads are on no lcore's CPU", control_cpu, false },
	{ "isolcpus", "lcores", "the scheduler leaves the lcores' CPUs alone", isolcpus, false },
	{ "nohz-full", "lcores", "no timer ticks on the lcores' CPUs", nohz_full, false },
	{ "rcu-nocbs", "lcores", "no deferred frees on the lcores' CPUs", rcu_nocbs, false },
	{ "governor", "lcores", "the clock of the lcores' CPUs does not change", governor, false },
	{ "idle-states", "lcores", "CPUs of lcores that sleep wake up fast", idle_states, false },
	{ "steal", "lcores", "no hypervisor takes time from lcores", steal, false },
	{ "cpu-quota", "lcores", "no cgroup stops lcores that poll all the time", cpu_quota, false },
	{ NULL, NULL, NULL, NULL, false },
};

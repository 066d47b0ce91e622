/* SPDX-License-Identifier: MIT */
/* facts.c - what the doctor knows of the host, by files; and the plan.  Cold; reads
   only; called by cmd.c. */
#include "doctor.h"
#include "file.h"
#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* text reads a whole file of up to len - 1 bytes; "" if it cannot be read. */
static const char *text(const struct doctor *d, const char *path, char *buf, size_t len)
{
	if (plx_file_read(d->sys, path, buf, len) < 0)
		buf[0] = 0;
	return buf;
}

static void line(const struct doctor *d, const char *path, char *buf, size_t len)
{
	text(d, path, buf, len);
	buf[strcspn(buf, "\n")] = 0;
}

static long number(const struct doctor *d, const char *path)
{
	long v;

	return plx_file_number(d->sys, path, &v) ? -1 : v;
}

/* ---- cgroups ---- */

struct groups { char mounts[256u << 10], own[8192]; };

/* find_group: where a controller's values of this process are; its version, 0 = nowhere in sight. */
static int find_group(const struct groups *g, const char *controller, struct topo_cgroup_place *at)
{
	struct topo_cgroup cg;

	if (topo_cgroup_find(g->own, g->mounts, controller, true, &cg, at))
		return 1;
	return topo_cgroup_find(g->own, g->mounts, controller, false, &cg, at) ? 2 : 0;
}

/* up goes to the parent directory, unless that is above the mount. */
static bool up(struct topo_cgroup_place *at)
{
	char *slash = strrchr(at->below, '/');

	if (slash)
		*slash = 0;
	return slash != NULL;
}

static void read_cpuset(struct doctor *d, const struct groups *g)
{
	struct topo_cgroup_place at;

	if (find_group(g, "cpuset", &at))
		snprintf(d->facts.cpuset, sizeof(d->facts.cpuset), "%s%s/cpuset.cpus", at.mount, at.below);
}

/* The tightest quota from the group to the top. */
static void read_quota(struct doctor *d, const struct groups *g)
{
	struct limit *l = &d->facts.quota;
	struct topo_cgroup_place at;
	char path[600], buf[64];
	int version = find_group(g, "cpu", &at);

	if (!version)
		return;
	do {
		long quota, period = 100000;

		snprintf(path, sizeof(path), "%s%s/%s", at.mount, at.below,
		         version == 2 ? "cpu.max" : "cpu.cfs_quota_us");
		if (!*text(d, path, buf, sizeof(buf)) || sscanf(buf, "%ld %ld", &quota, &period) < 1 || quota <= 0)
			continue; /* "max", -1, or no such file at the top */
		if (version == 1) {
			char other[600];
			snprintf(other, sizeof(other), "%s%s/cpu.cfs_period_us", at.mount, at.below);
			period = number(d, other);
		}
		if (period <= 0 || (l->value >= 0 && quota * d->facts.period >= l->value * period))
			continue;
		l->value = quota;
		d->facts.period = period;
		snprintf(l->file, sizeof(l->file), "%s", path);
	} while (up(&at));
}

/* ---- files that hold hugepages ---- */

struct huge { const char *dir; unsigned files; uint64_t bytes; dev_t dev; };

static int huge_file(void *arg, const char *name)
{
	struct huge *h = arg;
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	if (lstat(path, &st) || !S_ISREG(st.st_mode) || !st.st_blocks)
		return 0;
	h->files++;
	h->bytes += (uint64_t)st.st_blocks * 512;
	h->dev = st.st_dev;
	return 0;
}

/* maps_it: the process maps something of the file system. */
static int maps_it(void *arg, const char *name)
{
	const struct huge *h = arg;
	char path[64], key[32], row[512];
	long pid = strtol(name, NULL, 10);
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
	snprintf(key, sizeof(key), " %02x:%02x ", major(h->dev), minor(h->dev));
	FILE *f = pid > 0 ? fopen(path, "re") : NULL;

	while (f && !found && fgets(row, sizeof(row), f))
		found = strstr(row, key) != NULL;
	if (f)
		fclose(f);
	return found;
}

static void read_huge_files(struct doctor *d, const char *mounts)
{
	for (const char *s = mounts; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		const char *dash = strstr(s, " - ");
		char dir[128];
		struct huge h = { .dir = dir };

		if (!dash || strncmp(dash, " - hugetlbfs ", 13) || sscanf(s, "%*s %*s %*s %*s %127s", dir) != 1 ||
		    strchr(dir, '\\'))
			continue;
		plx_file_dir(d->sys, dir, huge_file, &h);
		if (!h.files || plx_file_dir(d->sys, "/proc", maps_it, &h) > 0)
			continue;
		d->facts.huge_files = h.files;
		d->facts.huge_bytes = h.bytes;
		snprintf(d->facts.huge_mount, sizeof(d->facts.huge_mount), "%s", dir);
	}
}

/* ---- the host ---- */

static void read_limits(struct doctor *d)
{
	static const struct { const char *name; size_t soft, hard; } rows[] = {
		{ "Max locked memory", 0, offsetof(struct host_facts, memlock_hard) },
		{ "Max open files", offsetof(struct host_facts, nofile), offsetof(struct host_facts, nofile_hard) },
	};
	char buf[4096];

	text(d, "/proc/thread-self/limits", buf, sizeof(buf));
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		char *s = strstr(buf, rows[i].name), soft[32], hard[32];
		uint64_t *at = (uint64_t *)(void *)((char *)&d->facts + rows[i].hard);

		*at = UINT64_MAX;
		if (!s || sscanf(s + strlen(rows[i].name), "%31s %31s", soft, hard) != 2)
			continue;
		*at = *hard == 'u' ? UINT64_MAX : strtoull(hard, NULL, 10);
		if (rows[i].soft)
			*(uint64_t *)(void *)((char *)&d->facts + rows[i].soft) =
				*soft == 'u' ? UINT64_MAX : strtoull(soft, NULL, 10);
	}
}

static void read_rights(struct doctor *d)
{
	struct host_facts *h = &d->facts;
	char buf[8192], *s;
	unsigned long in, out, n;

	h->uid = d->sys->geteuid();
	text(d, "/proc/thread-self/status", buf, sizeof(buf));
	s = strstr(buf, "\nCapBnd:");
	h->cap_bnd = s ? strtoull(s + 8, NULL, 16) : UINT64_MAX;
	text(d, "/proc/self/uid_map", buf, sizeof(buf));
	h->init_userns = sscanf(buf, "%lu %lu %lu", &in, &out, &n) == 3 ? !in && !out && n == 4294967295ul : -1;
	ssize_t len = readlink("/proc/self/exe", h->exe, sizeof(h->exe) - 1);
	h->exe[len < 0 ? 0 : len] = 0;
}

static void read_tools(struct doctor *d)
{
	static const char *const tools[] = { "ip", "ethtool", "bpftool", "prlimit" };
	const char *path = getenv("PATH");

	d->facts.tools[0] = 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(tools); i++) {
		bool found = false;
		size_t n;

		for (const char *s = path; s && !found; s = s[n] ? s + n + 1 : NULL) {
			char file[512];
			n = strcspn(s, ":");
			snprintf(file, sizeof(file), "%.*s/%s", (int)n, s, tools[i]);
			found = !access(file, X_OK);
		}
		if (!found)
			plx_text_add(d->facts.tools, sizeof(d->facts.tools), "%s%s",
			             *d->facts.tools ? " " : "", tools[i]);
	}
}

static void read_facts(struct doctor *d)
{
	struct host_facts *h = &d->facts;
	struct groups *g = calloc(1, sizeof(*g));
	char buf[16384];

	read_rights(d);
	read_limits(d);
	h->unpriv_bpf = number(d, "/proc/sys/kernel/unprivileged_bpf_disabled");
	h->numa_balancing = number(d, "/proc/sys/kernel/numa_balancing");
	line(d, "/sys/devices/system/clocksource/clocksource0/current_clocksource", h->clocksource,
	     sizeof(h->clocksource));
	line(d, "/sys/devices/system/clocksource/clocksource0/available_clocksource", h->clocksources,
	     sizeof(h->clocksources));
	h->orphans = setup_orphans(d->sys, NULL);
	h->irqbalance = setup_irqbalance_pid(d->sys);
	h->hypervisor = *text(d, "/proc/cpuinfo", buf, sizeof(buf)) ? strstr(buf, " hypervisor") != NULL : -1;
	read_tools(d);
	h->quota.value = -1;
	if (g && *text(d, "/proc/self/mountinfo", g->mounts, sizeof(g->mounts))) {
		h->bpffs = strstr(g->mounts, " /sys/fs/bpf ") && strstr(strstr(g->mounts, " /sys/fs/bpf "), " - bpf ");
		text(d, "/proc/self/cgroup", g->own, sizeof(g->own));
		read_cpuset(d, g);
		read_quota(d, g);
		read_huge_files(d, g->mounts);
	} else {
		h->bpffs = -1;
	}
	free(g);
}

/* ---- CPUs of the lcores ---- */

static void read_idle(struct doctor *d, unsigned cpu)
{
	struct cpu_facts *c = &d->cpu[cpu];
	char path[128];

	c->idle_us = c->idle_state = -1;
	for (int i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/cpuidle/state%d/latency", cpu, i);
		long us = number(d, path);
		if (us < 0)
			return;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/cpuidle/state%d/disable", cpu, i);
		if (number(d, path) == 1 || us < c->idle_us)
			continue;
		c->idle_us = (int)us;
		c->idle_state = i;
	}
}

/* "cpu0 user nice system idle iowait irq softirq steal ..." in ticks. */
static void read_steal(struct doctor *d, const char *stat, unsigned cpu)
{
	unsigned long long v[8];
	char key[16];
	const char *s;

	snprintf(key, sizeof(key), "\ncpu%u ", cpu);
	s = strstr(stat, key);
	if (!s || sscanf(s + strlen(key), "%llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4],
	                 &v[5], &v[6], &v[7]) != 8)
		return;
	d->cpu[cpu].steal = v[7];
	for (int i = 0; i < 8; i++)
		d->cpu[cpu].all += v[i];
}

/* Of the plan's lcores. */
static void read_cpus(struct doctor *d)
{
	char path[128];
	size_t len = 256u << 10;
	char *stat = malloc(len);

	if (stat)
		text(d, "/proc/stat", stat, len);
	for (unsigned i = 0; d->planned && i < d->plan.nlcores; i++) {
		int cpu = d->plan.lcores[i].cpu;

		if (cpu < 0 || cpu >= TOPO_CPUS_MAX || d->cpu[cpu].all)
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
		line(d, path, d->cpu[cpu].governor, sizeof(d->cpu[cpu].governor));
		read_idle(d, (unsigned)cpu);
		if (stat)
			read_steal(d, stat, (unsigned)cpu);
	}
	free(stat);
}

/* ---- the plan ---- */

struct drawing {
	struct plx_env_conf conf;
	struct host host;
};

/* only_usable keeps those of n lcores whose CPUs may be used; how many. */
static uint16_t only_usable(const struct topo *t, struct plx_lcore_conf *l, unsigned n)
{
	uint16_t kept = 0;

	for (unsigned i = 0; i < n; i++) {
		bool usable = l[i].ncpus > 0;
		for (unsigned k = 0; k < l[i].ncpus; k++)
			usable &= plan_usable(t, l[i].cpus[k]);
		if (usable)
			l[kept++] = l[i];
	}
	return kept;
}

/* What FAILs by a check of its own must not hide the plan from the others: as if it were fixed.
   Ports that are not there are left out. */
static void forgive(struct doctor *d, struct drawing *w)
{
	struct plx_env_conf *c = &w->conf;
	struct host_iface *in = w->host.iface;
	unsigned n = 0;

	for (unsigned i = 0; i < c->nports; i++) {
		bool there = true, twice = false;
		for (unsigned j = 0; j < d->nports; j++)
			there &= d->port[j].conf != &d->conf.ports[i] || d->port[j].l;
		for (unsigned j = 0; j < n; j++)
			twice |= in[i].link.ifindex && in[j].link.ifindex == in[i].link.ifindex;
		if (!there || twice)
			continue;
		c->ports[n] = c->ports[i];
		in[n] = in[i];
		struct plx_link_info *li = &in[n].link;
		unsigned rx = c->ports[n].queue + c->ports[n].rxqs, tx = c->ports[n].queue + c->ports[n].txqs;

		li->up = true;
		li->rxqs = rx > li->rxqs ? (uint16_t)rx : li->rxqs;
		li->txqs = tx > li->txqs ? (uint16_t)tx : li->txqs;
		c->ports[n].multibuf = PLX_PREFER;
		if (c->ports[n].mode == PLX_XDP_ZEROCOPY)
			c->ports[n].mode = PLX_XDP_AUTO;
		n++;
	}
	c->nports = (uint16_t)n;
	c->nlcores = only_usable(&w->host.topo, c->lcores, c->nlcores);
	c->nservice = only_usable(&w->host.topo, c->service, c->nservice);
	c->main_lcore = -1;
	c->huge = c->huge == PLX_REQUIRE ? PLX_PREFER : c->huge;
	c->mem = c->nnode_mem = 0;
	w->host.topo.missing_caps = 0;
	w->host.topo.memlock = UINT64_MAX;
	w->host.topo.mem_avail = 0;
	w->host.topo.mem_limit.file[0] = 0;
}

/* port_plans gives each patient its part of the plan, by name. */
static void port_plans(struct doctor *d)
{
	for (unsigned i = 0; d->planned && i < d->nports; i++)
		for (unsigned k = 0; k < d->plan.nports; k++)
			if (!strcmp(d->plan.ports[k].given, d->port[i].conf->name))
				d->port[i].plan = &d->plan.ports[k];
}

/* refused: a start looks at what it would cut off before it makes a plan. */
static void refused(struct doctor *d)
{
	char text[REACH_TEXT];

	for (unsigned i = 0; i < d->nports; i++) {
		const struct patient *p = &d->port[i];
		int err = reach_takes(p->conf, d->host.topo.missing_caps) ?
		                  reach_judge(p->conf, &p->reach, text, sizeof(text)) :
		                  0;

		if (!err)
			continue;
		d->plan_err = err;
		snprintf(d->plan_why, sizeof(d->plan_why), "%s", text);
		return;
	}
}

static int make_plan(struct doctor *d)
{
	struct drawing *w = malloc(sizeof(*w));
	char why[2048];

	if (!w)
		return -ENOMEM;
	d->plan_err = plan_make(&d->plan, &d->conf, &d->host, d->plan_why, sizeof(d->plan_why));
	d->planned = !d->plan_err;
	if (d->plan_err) {
		w->conf = d->conf;
		w->host = d->host; /* what discovery found is lent */
		forgive(d, w);
		d->planned = !plan_make(&d->plan, &w->conf, &w->host, why, sizeof(why));
		d->plan.conf = &d->conf;
	}
	port_plans(d);
	refused(d);
	free(w);
	return 0;
}

int doctor_read(struct doctor *d)
{
	char why[512];
	int err = host_read(&d->host, d->sys, &d->conf, why, sizeof(why));

	if (err == -ENOMEM)
		return err;
	read_facts(d); /* an interface that the kernel does not tell of is as one that is not there */
	read_probe(d->sys, &d->probe);
	read_ports(d);
	read_nets(d);
	err = make_plan(d);
	if (!err)
		read_cpus(d);
	return err;
}

void doctor_free(struct doctor *d)
{
	for (unsigned i = 0; i < d->nports; i++)
		free(d->port[i].peer);
	host_free(&d->host);
}

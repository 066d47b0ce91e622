/* SPDX-License-Identifier: MIT */
/* iface_irq.c - the interrupt of each queue and the CPU that serves it, from sysfs and procfs.
   Cold; discovery.

   queue -> interrupt:  the kernel's own word (iface_netdev.c), else the names of the interrupts
                        that stand in msi_irqs of the device, else those of /proc/interrupts
   interrupt -> CPU:    /proc/irq/N
   CPU -> node:         /sys/devices/system/node/nodeN/cpulist */
#include "iface.h"
#include "file.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARENTS_MAX = 4 }; /* from a virtio, auxiliary or USB device up to the one with interrupts */

/* How much a name is worth; a better one takes a queue from a worse. */
enum rank { RANK_NONE, RANK_DEVICE, RANK_NAMED, RANK_KERNEL };

struct search {
	const struct plx_sys *sys;
	struct iface *l;
	enum iface_how how;
	bool own;                 /* the interrupts that are looked at are the device's */
	int  irq;                 /* the one looked at */
	int  bare;                /* one that has the interface's name and nothing else */
	bool found;
	uint8_t rx[PLX_QUEUES_MAX], tx[PLX_QUEUES_MAX]; /* enum rank */
};

/* ---- queue to interrupt ---- */

static void put(struct search *s, struct iface_queue *q, uint8_t *has, enum rank rank)
{
	if (rank <= *has)
		return;
	*has = (uint8_t)rank;
	q->irq = s->irq;
	q->how = s->how;
}

static void look(struct search *s, const char *action)
{
	struct iface *l = s->l;
	struct iface_action a;

	iface_irq_name(&a, action, l);
	if (!a.ours && !s->own)
		return;
	enum rank rank = a.ours ? RANK_NAMED : RANK_DEVICE;

	s->found |= a.queue >= 0 || a.bare;
	if (a.bare && s->bare < 0)
		s->bare = s->irq;
	if (a.rx && a.queue >= 0 && a.queue < l->nrxqs)
		put(s, &l->rxq[a.queue], &s->rx[a.queue], rank);
	if (a.tx && a.queue >= 0 && a.queue < l->ntxqs)
		put(s, &l->txq[a.queue], &s->tx[a.queue], rank);
}

static int look_entry(void *arg, const char *name)
{
	look(arg, name);
	return 0;
}

/* The names of an interrupt: from sysfs in one file, or the directories below it in procfs. */
static int look_irq(void *arg, const char *name)
{
	struct search *s = arg;
	char path[64], text[512], *save = NULL;

	s->irq = atoi(name);
	if (s->irq <= 0)
		return 0;
	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/actions", s->irq);
	if (plx_file_read(s->sys, path, text, sizeof(text)) > 0) {
		for (char *w = strtok_r(text, ",\n", &save); w; w = strtok_r(NULL, ",\n", &save))
			look(s, w);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/irq/%d", s->irq);
	plx_file_dir(s->sys, path, look_entry, s);
	return 0;
}

static void by_msi(struct search *s)
{
	char path[128];
	size_t len = (size_t)snprintf(path, sizeof(path), "/sys/class/net/%s/device", s->l->name);

	s->how = IFACE_IRQ_MSI;
	s->own = true;
	for (int up = 0; up < PARENTS_MAX; up++) {
		snprintf(path + len, sizeof(path) - len, "/msi_irqs");
		if (plx_file_dir(s->sys, path, look_irq, s) == 0)
			return;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/..");
	}
}

/* " 24:  0  17  IR-PCI-MSI 524288-edge  eth0-TxRx-0": the counts are passed over. */
static int look_line(void *arg, char *line)
{
	struct search *s = arg;
	char *end, *save = NULL;
	long irq = strtol(line, &end, 10);

	if (end == line || *end != ':' || irq <= 0)
		return 0; /* the heading, or an interrupt of the CPU's own */
	s->irq = (int)irq;
	for (end++; *end == ' ' || isdigit((unsigned char)*end); end++)
		;
	for (char *w = strtok_r(end, " ,\t", &save); w; w = strtok_r(NULL, " ,\t", &save))
		look(s, w);
	return 0;
}

static void by_interrupts(struct search *s)
{
	s->how = IFACE_IRQ_NAME;
	s->own = false;
	plx_file_lines(s->sys, "/proc/interrupts", look_line, s);
}

static bool all_known(const struct iface *l)
{
	for (unsigned i = 0; i < l->nrxqs; i++)
		if (l->rxq[i].irq < 0)
			return false;
	for (unsigned i = 0; i < l->ntxqs; i++)
		if (l->txq[i].irq < 0)
			return false;
	return true;
}

static void find(struct search *s)
{
	struct iface *l = s->l;

	for (unsigned i = 0; i < PLX_QUEUES_MAX; i++) {
		s->rx[i] = l->rxq[i].irq >= 0 ? RANK_KERNEL : RANK_NONE;
		s->tx[i] = l->txq[i].irq >= 0 ? RANK_KERNEL : RANK_NONE;
	}
	if (plx_link_sysfs(s->sys, l->name, l->ifindex))
		by_msi(s);
	if (!s->found)
		by_interrupts(s);
	s->irq = s->bare;
	if (s->bare >= 0 && l->nrxqs)
		put(s, &l->rxq[0], &s->rx[0], RANK_DEVICE);
	if (s->bare >= 0 && l->ntxqs)
		put(s, &l->txq[0], &s->tx[0], RANK_DEVICE);
}

/* A software device has a kind, or no device in sysfs. */
static bool is_virtual(const struct plx_sys *sys, const struct iface *l)
{
	char path[128];

	if (*l->kind)
		return true;
	if (!plx_link_sysfs(sys, l->name, l->ifindex))
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%s/device", l->name);
	int fd = sys->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return true;
	sys->close(fd);
	return false;
}

/* ---- interrupt to CPU to node ---- */

struct machine {
	struct cpuset online;
	struct cpuset node[PLX_NODES_MAX];
};

static void read_machine(const struct plx_sys *sys, struct machine *m)
{
	char path[64], text[4096];

	memset(m, 0, sizeof(*m));
	if (plx_file_read(sys, "/sys/devices/system/cpu/online", text, sizeof(text)) <= 0 ||
	    cpuset_parse(&m->online, text))
		memset(&m->online, 0xff, sizeof(m->online));
	for (unsigned i = 0; i < PLX_NODES_MAX; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", i);
		if (plx_file_read(sys, path, text, sizeof(text)) > 0)
			cpuset_parse(&m->node[i], text);
	}
}

static void read_cpus(const struct plx_sys *sys, int irq, const char *file, struct cpuset *s)
{
	char path[64], text[4096];

	memset(s, 0, sizeof(*s));
	snprintf(path, sizeof(path), "/proc/irq/%d/%s", irq, file);
	if (plx_file_read(sys, path, text, sizeof(text)) <= 0)
		return;
	if (strstr(file, "list") ? cpuset_parse(s, text) : cpuset_parse_mask(s, text))
		memset(s, 0, sizeof(*s));
}

/* A new affinity takes effect with the next interrupt.  Until then the effective one tells where
   the last interrupt went, and the affinity where the next one will go. */
void iface_irq_cpus(const struct plx_sys *sys, int irq, const struct cpuset *online, struct cpuset *effective,
                    struct cpuset *affinity)
{
	read_cpus(sys, irq, "effective_affinity_list", effective);
	read_cpus(sys, irq, "smp_affinity_list", affinity);
	if (online) {
		cpuset_and(effective, online);
		cpuset_and(affinity, online);
	}
	if (cpuset_first(affinity) >= 0 && !cpuset_within(effective, affinity))
		memset(effective, 0, sizeof(*effective));
}

static void place(const struct plx_sys *sys, const struct machine *m, struct iface_queue *q)
{
	iface_irq_cpus(sys, q->irq, &m->online, &q->effective, &q->affinity);
	read_cpus(sys, q->irq, "affinity_hint", &q->hint);
	q->cpu = cpuset_first(&q->effective);
	if (q->cpu < 0)
		q->cpu = cpuset_first(&q->affinity);
	for (int i = 0; q->cpu >= 0 && i < PLX_NODES_MAX; i++)
		if (cpuset_has(&m->node[i], (unsigned)q->cpu))
			q->node = i;
}

static void place_all(const struct plx_sys *sys, struct iface *l)
{
	struct machine m;

	read_machine(sys, &m);
	for (unsigned i = 0; i < l->nrxqs; i++)
		if (l->rxq[i].irq >= 0)
			place(sys, &m, &l->rxq[i]);
	for (unsigned i = 0; i < l->ntxqs; i++) {
		struct iface_queue *q = &l->txq[i];
		const struct iface_queue *r = &l->rxq[i];

		if (i < l->nrxqs && q->irq == r->irq) { /* usually one interrupt serves both */
			q->effective = r->effective;
			q->affinity = r->affinity;
			q->hint = r->hint;
			q->cpu = r->cpu;
			q->node = r->node;
		} else if (q->irq >= 0) {
			place(sys, &m, q);
		}
	}
}

static void no_interrupt(struct iface_queue *q, unsigned n)
{
	for (; n--; q++)
		q->how = q->irq < 0 ? IFACE_IRQ_NONE : q->how;
}

void iface_irq(const struct plx_sys *sys, struct iface *l)
{
	struct search s = { .sys = sys, .l = l, .bare = -1 };

	if (is_virtual(sys, l)) {
		no_interrupt(l->rxq, l->nrxqs);
		no_interrupt(l->txq, l->ntxqs);
		return;
	}
	if (!all_known(l))
		find(&s);
	place_all(sys, l);
}

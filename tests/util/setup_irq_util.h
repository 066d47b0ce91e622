/* SPDX-License-Identifier: MIT */
/* setup_irq_util.h - what the tests of interrupts and cgroups share: the files of a machine that
   is made up, a plan for it, and one NIC.  Two nodes of two cores with two threads each,
     node 0: CPUs 0-1 and 4-5    node 1: CPUs 2-3 and 6-7    siblings n and n + 4 */
#ifndef SETUP_IRQ_UTIL_H
#define SETUP_IRQ_UTIL_H

#include "root_util.h"
#include "dev.h"
#include "journal.h"

#include <errno.h>

static struct setup s;
static struct plx_env_conf conf;
static struct host *host;
static struct topo *topo;                /* the host's */
static struct iface *l;
static char value[SETUP_VALUE_MAX], why[SETUP_WHY_MAX];
static unsigned written;                       /* files that were opened to be written to */

static inline int irq_open(const char *path, int flags, mode_t mode)
{
	bool own = flags & O_WRONLY && !strstr(path, "partition");

	written += (flags & O_WRONLY) != 0;
	return root_open(path, own ? flags | O_TRUNC : flags,
	                 mode); /* a file of the kernel has what was written last */
}

static inline void irq(int number, const char *cpus, const char *action)
{
	put(cpus, "/proc/irq/%d/smp_affinity_list", number);
	put(action, "/sys/kernel/irq/%d/actions", number);
}

/* kept: the kernel keeps it where it is, and the file's mode tells. */
static inline void kept(int number)
{
	char path[64], below[512];

	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", number);
	assert_int_equal(chmod(root_path(below, path), 0444), 0);
}

/* A NIC on node 1 with four queues: interrupts 30-33 receive, 40-43 transmit. */
static inline void make_nic(void)
{
	iface_link_init(l);
	strcpy(l->name, "eth0");
	l->ifindex = 7;
	l->nrxqs = l->ntxqs = 4;
	for (int q = 0; q < 4; q++) {
		l->rxq[q].irq = 30 + q;
		l->txq[q].irq = 40 + q;
		cpuset_add(&l->rxq[q].affinity, (unsigned)q);
		irq(30 + q, "0-7\n", "eth0-rx\n");
		irq(40 + q, "0-7\n", "eth0-tx\n");
	}
}

static inline void make_plan(unsigned rxqs, unsigned nlcores, const int *cpus)
{
	struct plan *p = calloc(1, sizeof(*p));

	s = (struct setup){ .in = { .sys = &root_sys, .conf = &conf, .host = host,
	                            .stages = SETUP_ALL & ~(1u << SETUP_channels) }, .plan = p };
	p->main_cpu = -1;
	p->nports = conf.nports = 1;
	p->ports[0].link.ifindex = 7;
	p->ports[0].link.node = 1;
	strcpy(p->ports[0].conf.name, "eth0");
	p->ports[0].conf.rxqs = p->ports[0].conf.txqs = (uint16_t)rxqs;
	conf.ports[0] = p->ports[0].conf;
	p->nlcores = (uint16_t)nlcores;
	for (unsigned i = 0; i < nlcores; i++)
		p->lcores[i] = (struct plan_lcore){ .id = (uint16_t)i,
			                            .cpu = cpus[i],
			                            .node = topo->cpu[cpus[i]].node,
			                            .ncpus = 1,
			                            .cpus = { (uint16_t)cpus[i] } };
	for (unsigned q = 0; q < rxqs; q++)
		p->ports[0].rxq_lcore[q] = p->ports[0].txq_lcore[q] = (uint16_t)(q % nlcores);
}
#define PLAN(rxqs, ...) make_plan(rxqs, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int), (int[]){ __VA_ARGS__ })

static inline int setup(void **state)
{
	root_make(state);
	root_sys.open = irq_open;
	written = 0;
	host = calloc(1, sizeof(*host));
	topo = &host->topo;
	l = malloc(sizeof(*l));
	host->iface[0].found = l;
	topo->ncpus = 8;
	topo->nnodes = 2;
	for (int c = 0; c < 8; c++)
		topo->cpu[c] = (struct topo_cpu){ .online = true, .allowed = true, .node = c / 2 % 2, .core = c % 4 };
	memset(&conf, 0, sizeof(conf));
	make_nic();
	return 0;
}

static inline int teardown(void **state)
{
	setup_free(&s);
	free(host);
	free(l);
	return root_remove(state);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif

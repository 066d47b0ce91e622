/* SPDX-License-Identifier: MIT */
/* fuzz_irq.c - any files as what procfs and sysfs tell of interrupts (fake.h): each queue has an interrupt by a
   source or none, on CPUs it may be on; and any word as the name of one.

   The first line is "NAME BUS PARENT RXQS TXQS", "-" for what is not told. */
#include "fuzz_nl.h"
#include "link_info.h"

enum { IFINDEX = 5, QUEUES = 8 };

static struct iface link_;

static void head(struct iface *l, struct fuzz_in *in)
{
	char *line = fuzz_string(in, '\n');
	unsigned rx = 1, tx = 1;

	fresh(l);
	l->ifindex = IFINDEX;
	if (sscanf(line, "%15s %31s %31s %u %u", l->name, l->bus, l->parent, &rx, &tx) < 1)
		strcpy(l->name, "eth0");
	if (!strcmp(l->bus, "-"))
		*l->bus = 0;
	if (!strcmp(l->parent, "-"))
		*l->parent = 0;
	l->nrxqs = (uint16_t)(rx % (QUEUES + 1));
	l->ntxqs = (uint16_t)(tx % (QUEUES + 1));
	free(line);
}

static void check_queue(const struct iface_queue *q)
{
	MUST(q->irq >= -1 && q->cpu >= -1 && q->cpu < TOPO_CPUS_MAX && q->node >= -1 && q->node < PLX_NODES_MAX);
	MUST((q->irq > 0) == (q->how == IFACE_IRQ_MSI || q->how == IFACE_IRQ_NAME));
	if (q->irq < 0)
		MUST(q->cpu < 0 && !cpuset_count(&q->effective) && !cpuset_count(&q->affinity));
	if (q->cpu >= 0)
		MUST(cpuset_has(&q->effective, (unsigned)q->cpu) || cpuset_has(&q->affinity, (unsigned)q->cpu));
	if (q->node >= 0)
		MUST(q->cpu >= 0);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(q->affinity.w) && cpuset_count(&q->affinity); i++)
		MUST(!(q->effective.w[i] & ~q->affinity.w[i]));
}

static void check_name(const char *word)
{
	struct iface_action a;

	iface_irq_name(&a, word, &link_);
	MUST(a.queue >= -1 && a.queue < PLX_QUEUES_MAX);
	MUST((a.queue >= 0) == (a.rx || a.tx));
	if (a.bare)
		MUST(a.ours && !strcmp(word, link_.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fake_begin();
	head(&link_, &in);
	fake_files(in.p, in.n);
	iface_irq(&fake_sys, &link_);
	for (unsigned i = 0; i <= QUEUES; i++) {
		if (i >= link_.nrxqs)
			MUST(link_.rxq[i].irq < 0 && link_.rxq[i].cpu < 0);
		if (i >= link_.ntxqs)
			MUST(link_.txq[i].irq < 0 && link_.txq[i].cpu < 0);
		check_queue(&link_.rxq[i]);
		check_queue(&link_.txq[i]);
	}
	char names[4][16];
	int n = plx_link_names(&fake_sys, names, 4); /* of /proc/net/dev */

	MUST(n >= 0 && n <= 4);
	for (int i = 0; i < n; i++)
		ENDS(names[i]);
	while (in.n) {
		char *line = fuzz_string(&in, '\n');

		check_name(line);
		free(line);
	}
	fake_end();
	return 0;
}

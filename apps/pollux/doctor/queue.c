/* SPDX-License-Identifier: MIT */
/* queue.c - checks of a port's queues: whose they are, where packets go, and the
   interrupts that serve them.  Cold, pure. */
#include "doctor.h"

#include <string.h>

#define CHECK(name) static void name(const struct doctor *d, const struct patient *p, struct result *f)
#define L() if (absent(p, f)) return; const struct iface *l = p->l; (void)d

enum { RING_MIN = 1024, RING_GOOD = 2048 };

static bool absent(const struct patient *p, struct result *f)
{
	if (!p->l)
		skip(f, "no such interface here");
	return !p->l;
}

/* bound: the port's queues are the interface's, each with a socket of its own. */
static bool bound(const struct patient *p, struct result *f)
{
	bool packet = !strcmp(p->conf->driver, "packet");

	if (packet)
		skip(f, "driver=packet is bound to no queue");
	return !packet;
}

static unsigned rxqs(const struct patient *p)
{
	return p->plan ? p->plan->conf.rxqs : p->conf->rxqs ? p->conf->rxqs : 1;
}
static unsigned txqs(const struct patient *p)
{
	return p->plan ? p->plan->conf.txqs : p->conf->txqs ? p->conf->txqs : 1;
}
static bool veth(const struct iface *l) { return !strcmp(l->kind, "veth"); }
static bool used(const struct patient *p, unsigned q) { return q >= p->conf->queue && q < p->conf->queue + rxqs(p); }

/* ---- ports of one interface ---- */

static bool beside(const struct patient *p, const struct patient *o)
{
	return o->l && o->l->ifindex == p->l->ifindex && strcmp(o->conf->driver, "packet");
}

/* last: what is so of an interface is said of its last port. */
static bool last(const struct doctor *d, const struct patient *p, struct result *f)
{
	for (const struct patient *o = p + 1; o < d->port + d->nports; o++)
		if (beside(p, o)) {
			skip(f, "%s has another port: see there", p->l->name);
			return false;
		}
	return true;
}

static bool alone(const struct doctor *d, const struct patient *p)
{
	unsigned n = 0;

	for (const struct patient *o = d->port; o < d->port + d->nports; o++)
		n += beside(p, o);
	return n < 2;
}

/* served: queue q of p's interface has a socket that receives, p's or of a port beside it. */
static bool served(const struct doctor *d, const struct patient *p, unsigned q)
{
	bool is = used(p, q);

	for (const struct patient *o = d->port; o < d->port + d->nports; o++)
		is |= beside(p, o) && used(o, q);
	return is;
}

/* served_range: the queues that are served are *n from *lo on; false if others lie between them. */
static bool served_range(const struct doctor *d, const struct patient *p, unsigned *lo, unsigned *n)
{
	unsigned hi = *lo = *n = 0;

	for (unsigned q = 0; q < p->l->nrxqs; q++) {
		if (!served(d, p, q))
			continue;
		*lo = *n ? *lo : q;
		hi = q;
		++*n;
	}
	return *n && *n == hi - *lo + 1;
}

CHECK(queue_free)
{
	unsigned n, q;

	L();
	if (!bound(p, f))
		return;
	n = rxqs(p) > txqs(p) ? rxqs(p) : txqs(p);
	for (q = p->conf->queue; q < p->conf->queue + n && q < PLX_QUEUES_MAX; q++)
		if (l->rxq[q].xsk == 1 || l->txq[q].xsk == 1)
			break;
	if (q < p->conf->queue + n && q < PLX_QUEUES_MAX) {
		fail(f, "queue %u of %s has an AF_XDP socket already%s", q, l->name,
		     p->holder ? "" : ", of a process that is not in sight");
		if (!p->holder) {
			fix(f, "# look for it in other network and pid namespaces: a container's process may hold it");
			return;
		}
		plx_text_add(f->found.evidence, sizeof(f->found.evidence), "; pid %d (%s) has AF_XDP sockets",
		             p->holder, p->holder_name);
		fix(f, "kill %d", p->holder);
	} else if (l->rxq[p->conf->queue < PLX_QUEUES_MAX ? p->conf->queue : 0].xsk < 0)
		skip(f, "this kernel does not tell which queues have AF_XDP sockets");
	else
		ok(f, "no queue of ours has an AF_XDP socket");
}

CHECK(queue_once)
{
	L();
	if (!bound(p, f))
		return;
	for (const struct patient *o = d->port; o < d->port + d->nports; o++) {
		if (o == p || !beside(p, o) || o->conf->queue >= p->conf->queue + rxqs(p) ||
		    p->conf->queue >= o->conf->queue + rxqs(o))
			continue;
		if (o > p) {
			skip(f, "%s has another port that wants its queue %u: see there", l->name,
			     o->conf->queue > p->conf->queue ? o->conf->queue : p->conf->queue);
			return;
		}
		fail(f, "%s and %s are both interface %u and want its queue %u", o->conf->name, p->conf->name,
		     l->ifindex, o->conf->queue > p->conf->queue ? o->conf->queue : p->conf->queue);
		fix_without(f, d, p);
		return;
	}
	ok(f, "no other port has these queues");
}

/* set_channels writes the command for rx and tx queues (0 = as they are). */
static void set_channels(struct result *f, const char *at, const struct iface *l, unsigned rx, unsigned tx)
{
	char text[128] = "";

	if (l->ch_combined > 0) {
		unsigned n = rx > tx ? rx : tx;
		plx_text_add(text, sizeof(text), " combined %u", n);
	} else {
		if (rx)
			plx_text_add(text, sizeof(text), " rx %u", rx);
		if (tx)
			plx_text_add(text, sizeof(text), " tx %u", tx);
	}
	plx_text_add(f->found.fix, sizeof(f->found.fix), "%s%sethtool -L %s%s", *f->found.fix ? " && " : "", at,
	             quoted(l->name), text);
}

static unsigned most(int32_t own, int32_t combined)
{
	return (own > 0 ? (unsigned)own : 0) + (combined > 0 ? (unsigned)combined : 0);
}

CHECK(queues_asked)
{
	struct plx_port_conf c = *p->conf;
	char n[16], why[2][PORT_FIT_MAX];

	L();
	if (!bound(p, f))
		return;
	c.rxqs = c.rxqs ? c.rxqs : 1;
	c.txqs = c.txqs ? c.txqs : 1;
	const struct plx_link_info li = { .rxqs = (uint16_t)l->nrxqs, .txqs = (uint16_t)l->ntxqs };
	const unsigned rx = c.queue + c.rxqs, tx = c.queue + c.txqs;
	const bool few_rx = port_fit_queues(&c, &li, 'r', why[0], sizeof(why[0])) != 0;
	const bool few_tx = port_fit_queues(&c, &li, 't', why[1], sizeof(why[1])) != 0;

	if (!few_rx && !few_tx && !p->conf->queue && !p->conf->rxqs && !p->conf->txqs) {
		ok(f, "%s has %u receive and %u transmit queues, no number is asked for", l->name, l->nrxqs, l->ntxqs);
		return;
	}
	if (!few_rx && !few_tx) {
		ok(f, "%s has %u receive and %u transmit queues, queues up to %u are asked for", l->name, l->nrxqs,
		   l->ntxqs, (rx > tx ? rx : tx) - 1);
		return;
	}
	fail(f, "%s: %.*s", l->name, (int)strcspn(why[!few_rx], ":"), why[!few_rx]);
	if ((!few_rx || rx <= most(l->ch_rx_max, l->ch_combined_max)) &&
	    (!few_tx || tx <= most(l->ch_tx_max, l->ch_combined_max)))
		set_channels(f, "", l, few_rx ? rx : 0, few_tx ? tx : 0);
	else if (p->conf->queue >= (few_rx ? l->nrxqs : l->ntxqs))
		fix_key(f, d, p, "queue", NULL);
	else {
		snprintf(n, sizeof(n), "%u", (l->nrxqs < l->ntxqs ? l->nrxqs : l->ntxqs) - p->conf->queue);
		fix_key(f, d, p, "queues", n);
	}
}

CHECK(queues_unused)
{
	unsigned lo, have, n = 0;

	L();
	if (!bound(p, f) || !last(d, p, f))
		return;
	for (unsigned q = 0; q < l->nrxqs; q++)
		n += !served(d, p, q);
	if (!n) {
		ok(f, "each receive queue of %s has a socket", l->name);
		return;
	}
	if (l->rss_size > 0) {
		ok(f, "the RSS table says which queues get packets: see rss-table");
		return;
	}
	warn(f, "%u of the %u receive queues of %s have no socket: their packets go to the host", n, l->nrxqs, l->name);
	const bool together = served_range(d, p, &lo, &have);

	if (alone(d, p) && p->conf->queue) {
		fix_key(f, d, p, "queue", NULL);
		return;
	}
	if (!together || lo) {
		fix(f, "# have a port for each queue of %s", quoted(l->name));
		return;
	}
	if (veth(l) && p->peer && p->peer->ntxqs > have)
		set_channels(f, p->at_peer, p->peer, 0, have);
	set_channels(f, "", l, have, 0);
}

CHECK(rss_table)
{
	unsigned astray = 0, lo, n;

	L();
	if (!bound(p, f) || !last(d, p, f))
		return;
	if (l->rss_size <= 0) {
		skip(f, "%s has no RSS table", l->name);
		return;
	}
	for (unsigned q = 0; q < l->nrxqs; q++)
		astray += !served(d, p, q) && l->rxq[q].rss > 0 ? (unsigned)l->rxq[q].rss : 0;
	if (!astray)
		ok(f, "all %d entries of the RSS table lead to queues with sockets", l->rss_size);
	else {
		warn(f,
		     "%u of the %d entries of the RSS table lead to queues without a socket: their packets go to the "
		     "host",
		     astray, l->rss_size);
		if (served_range(d, p, &lo, &n))
			fix(f, "ethtool -X %s equal %u start %u", quoted(l->name), n, lo);
		else
			fix(f, "# have a port for each queue of %s", quoted(l->name));
	}
}

CHECK(flow_rules)
{
	L();
	if (!bound(p, f) || !last(d, p, f))
		return;
	for (unsigned i = 0; i < p->nrules; i++) {
		if (p->rule[i].queue == UINT32_MAX || served(d, p, p->rule[i].queue))
			continue;
		warn(f, "flow rule %u of %s leads to queue %u, which has no socket: its packets go to the host",
		     p->rule[i].id, l->name, p->rule[i].queue);
		fix(f, "ethtool -N %s delete %u", quoted(l->name), p->rule[i].id);
		return;
	}
	ok(f, "%u flow rules, none leads to a queue without a socket", p->nrules);
}

CHECK(tx_queues)
{
	unsigned polling = 0, want, have = 0;

	L();
	if (!p->plan) {
		skip(f, "no plan can be made: see plan");
		return;
	}
	if (!bound(p, f) || !last(d, p, f))
		return;
	for (unsigned i = 0; i < d->plan.nlcores; i++)
		polling += d->plan.lcores[i].queues > 0;
	for (const struct patient *o = d->port; o < d->port + d->nports; o++)
		have += beside(p, o) ? txqs(o) : 0;
	want = p->conf->queue + polling;
	if (have >= polling) {
		ok(f, "%u transmit queues for %u lcores that poll", have, polling);
		return;
	}
	warn(f, "%u transmit queues for %u lcores that poll: the others send through an lcore that has one", have,
	     polling);
	if (!alone(d, p))
		fix(f, "# use fewer lcores, or one port of more queues");
	else if (p->conf->txqs)
		fix_key(f, d, p, "txqs", NULL);
	else if (want <= most(l->ch_tx_max, l->ch_combined_max))
		set_channels(f, "", l, 0, want);
	else
		fix(f, "# use fewer lcores, or send by one of them");
}

CHECK(rings)
{
	L();
	if (l->rx_ring <= 0 || l->rx_ring_max <= 0)
		skip(f, "%s does not tell the size of its rings", l->name);
	else if (l->rx_ring >= RING_MIN || l->rx_ring >= l->rx_ring_max)
		ok(f, "the receive ring of %s has %d of at most %d entries", l->name, l->rx_ring, l->rx_ring_max);
	else {
		warn(f, "the receive ring of %s has %d entries and may have %d: a pause of the lcore drops packets",
		     l->name, l->rx_ring, l->rx_ring_max);
		fix(f, "ethtool -G %s rx %d", quoted(l->name), l->rx_ring_max < RING_GOOD ? l->rx_ring_max : RING_GOOD);
	}
}

CHECK(veth_queues)
{
	L();
	if (!veth(l))
		ok(f, "%s is no veth", l->name);
	else if (!p->peer)
		skip(f, "the other end of %s is in a network namespace that has no name", l->name);
	else if (l->nrxqs >= p->peer->ntxqs)
		ok(f, "%s has %u receive queues, its other end %s sends by %u", l->name, l->nrxqs, p->peer->name,
		   p->peer->ntxqs);
	else {
		(p->conf->mode == PLX_XDP_NATIVE ? fail : warn)(
			f,
			"%s has %u receive queues and its other end %s sends by %u: native "
			"XDP is refused",
			l->name, l->nrxqs, p->peer->name, p->peer->ntxqs);
		set_channels(f, p->at_peer, p->peer, 0, l->nrxqs);
	}
}

CHECK(virtio_queues)
{
	unsigned cpus = 0, pairs;

	L();
	if (strcmp(l->kdriver, "virtio_net")) {
		ok(f, "%s is no virtio NIC", l->name);
		return;
	}
	for (unsigned cpu = 0; cpu < d->host.topo.ncpus; cpu++)
		cpus += d->host.topo.cpu[cpu].online;
	pairs = l->ch_combined > 0 ? (unsigned)l->ch_combined : l->nrxqs;
	if (l->ch_combined_max < 0)
		skip(f, "%s does not tell its channels", l->name);
	else if (pairs + cpus <= (unsigned)l->ch_combined_max)
		ok(f, "%s has %d queue pairs: enough for %u in use and one for each of %u CPUs", l->name,
		   l->ch_combined_max, pairs, cpus);
	else {
		warn(f,
		     "%s has %d queue pairs, %u in use, and XDP wants one more for each of %u CPUs: its transmit "
		     "queues are shared "
		     "under a lock",
		     l->name, l->ch_combined_max, pairs, cpus);
		if ((unsigned)l->ch_combined_max > cpus)
			fix(f, "ethtool -L %s combined %u", quoted(l->name), (unsigned)l->ch_combined_max - cpus);
		else
			fix(f, "# give the virtual machine queues=%u", pairs + cpus);
	}
}

/* ---- interrupts ---- */

static bool no_irqs(const struct patient *p, struct result *f)
{
	const struct iface *l = p->l;
	bool any = false;

	for (unsigned q = 0; q < l->nrxqs; q++)
		any |= used(p, q) && l->rxq[q].irq >= 0;
	if (!any && l->nrxqs && l->rxq[0].how == IFACE_IRQ_NONE)
		ok(f, "%s has no interrupts", l->name);
	else if (!any)
		skip(f, "which interrupts serve %s is not known", l->name);
	return !any;
}

/* lcore_on finds the lcore whose only CPU is cpu. */
static const struct plan_lcore *lcore_on(const struct doctor *d, int cpu)
{
	for (unsigned i = 0; d->planned && cpu >= 0 && i < d->plan.nlcores; i++)
		if (d->plan.lcores[i].ncpus == 1 && d->plan.lcores[i].cpu == cpu)
			return &d->plan.lcores[i];
	return NULL;
}

/* other_cpu: where an interrupt would not disturb: no lcore there, on the NIC's node if one is. */
static int other_cpu(const struct doctor *d, const struct iface *l)
{
	const struct topo *t = &d->host.topo;
	int best = -1;

	for (unsigned cpu = 0; cpu < t->ncpus; cpu++) {
		if (!t->cpu[cpu].online || lcore_on(d, (int)cpu))
			continue;
		if (best < 0 || (l->node >= 0 && t->cpu[cpu].node == l->node && t->cpu[best].node != l->node))
			best = (int)cpu;
	}
	return best;
}

CHECK(irq_lcore)
{
	L();
	int to = other_cpu(d, l);

	if (no_irqs(p, f))
		return;
	if (d->conf.placement == PLX_PLACE_SAME) {
		ok(f, "--placement=same-core: lcores are to be where the interrupts are");
		return;
	}
	for (unsigned q = 0; q < l->nrxqs; q++) {
		const struct plan_lcore *c = used(p, q) && l->rxq[q].irq >= 0 ? lcore_on(d, l->rxq[q].cpu) : NULL;

		if (!c)
			continue;
		if (to < 0) {
			skip(f, "lcores have all CPUs: interrupts have to be on one of them");
			return;
		}
		warn(f, "interrupt %d of queue %u is on CPU %d and so is lcore %u: the kernel's work takes its time",
		     l->rxq[q].irq, q, l->rxq[q].cpu, c->id);
		fix(f, "echo %d > /proc/irq/%d/smp_affinity_list", to, l->rxq[q].irq);
		return;
	}
	ok(f, "no interrupt of a used queue is on an lcore's CPU");
}

CHECK(irq_movable)
{
	L();
	if (no_irqs(p, f))
		return;
	for (unsigned q = 0; q < l->nrxqs; q++) {
		const int irq = l->rxq[q].irq, cpu = l->rxq[q].cpu;

		if (!used(p, q) || !cpuset_has(&p->irq_fixed, q))
			continue;
		if (cpu < 0) {
			warn(f, "interrupt %d of queue %u may not be moved: its driver or controller holds it, "
			     "on an unknown CPU", irq, q);
			fix(f, "# look at where it is counted, and choose lcores by that: "
			     "grep '^ *%d:' /proc/interrupts", irq);
			return;
		}
		warn(f, "interrupt %d of queue %u may not be moved from CPU %d: its driver or controller holds it",
		     irq, q, cpu);
		fix(f, "# choose lcores by where interrupts are: --placement=same-core, or -l without CPU %d", cpu);
		return;
	}
	ok(f, "interrupts of used queues may be moved");
}

const struct check queue_checks[] = {
	{ "queue-free", "queues", "no AF_XDP socket of others is on the queues", queue_free, true },
	{ "queue-once", "queues", "no two ports want one queue", queue_once, true },
	{ "queues-asked", "queues", "the interface has the queues that are asked for", queues_asked, true },
	{ "queues-unused", "queues", "no receive queue is without a socket", queues_unused, true },
	{ "rss-table", "queues", "the RSS table leads to queues with sockets only", rss_table, true },
	{ "flow-rules", "queues", "no flow rule of the NIC leads to a queue without a socket", flow_rules, true },
	{ "tx-queues", "queues", "each lcore that polls has a transmit queue", tx_queues, true },
	{ "rings", "queues", "the NIC's receive rings are long enough", rings, true },
	{ "veth-queues", "queues", "veth has receive queues for what its other end sends", veth_queues, true },
	{ "virtio-queues", "queues", "virtio has queues for XDP beside those in use", virtio_queues, true },
	{ "irq-lcore", "queues", "no interrupt of a used queue is on an lcore's CPU", irq_lcore, true },
	{ "irq-movable", "queues", "interrupts of used queues may be moved", irq_movable, true },
	{ NULL, NULL, NULL, NULL, false },
};

/* SPDX-License-Identifier: MIT */
/* dev.c - what the stages and kinds of interfaces share.  Cold; changes nothing. */
#include "dev.h"
#include "plx_text.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- an interface that an object names ---- */

/* take reads "IFINDEX/NAME" or "IFINDEX/NAME/OF". */
static bool take(struct setup_dev *d, const char *object)
{
	char *end;
	unsigned long index = strtoul(object, &end, 10);
	size_t n = *end == '/' ? strcspn(end + 1, "/") : 0;

	if (end == object || !index || index > INT32_MAX || !n || n >= sizeof(d->name))
		return false;
	d->ifindex = (uint32_t)index;
	memcpy(d->name, end + 1, n);
	d->name[n] = 0;
	end += 1 + n;
	snprintf(d->of, sizeof(d->of), "%s", *end ? end + 1 : "");
	return true;
}

int setup_dev_open(struct setup_dev *d, const struct plx_sys *sys, const char *object)
{
	struct ifreq ifr = { 0 };

	*d = (struct setup_dev){ .sys = sys, .fd = -1 };
	if (!take(d, object))
		return -EINVAL;
	d->fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return -errno;
	ifr.ifr_ifindex = (int)d->ifindex;
	if (sys->ioctl(d->fd, SIOCGIFNAME, &ifr)) {
		int err = errno == ENODEV || errno == ENXIO ? -ENOENT : -errno;
		setup_dev_close(d);
		return err;
	}
	memcpy(d->name, ifr.ifr_name, sizeof(d->name) - 1);
	return 0;
}

void setup_dev_close(struct setup_dev *d)
{
	if (d->fd >= 0)
		d->sys->close(d->fd);
	d->fd = -1;
}

int setup_dev_ethtool(const struct setup_dev *d, void *cmd)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, d->name, sizeof(d->name));
	ifr.ifr_data = cmd;
	int n = d->sys->ioctl(d->fd, SIOCETHTOOL, &ifr);
	return n < 0 ? -errno : n;
}

void setup_dev_object(char object[SETUP_OBJECT_MAX], uint32_t ifindex, const char *name, const char *of)
{
	snprintf(object, SETUP_OBJECT_MAX, "%u/%s%s%s", ifindex, name, *of ? "/" : "", of);
}

void setup_dev_name(char name[16], const struct plx_sys *sys, const char *object)
{
	struct setup_dev d;

	if (!setup_dev_open(&d, sys, object))
		setup_dev_close(&d);
	memcpy(name, d.name, sizeof(d.name));
}

/* ---- the ports ---- */

bool setup_dev_binds(const struct plx_port_conf *c)
{
	const struct plx_driver *drv = plx_driver_find(c->driver);

	return plx_driver_on_device(c) && !(drv && drv->any_queues);
}

/* same: port k binds to queues of the interface of port i. */
static bool same(const struct setup *s, unsigned i, unsigned k)
{
	const struct iface *a = s->in.host->iface[i].found, *b = s->in.host->iface[k].found;

	return a && b && a->ifindex == b->ifindex && setup_dev_binds(&s->in.conf->ports[k]);
}

/* first: of the ports that bind to queues of its interface, i is the first. */
static bool first(const struct setup *s, unsigned i)
{
	if (!same(s, i, i))
		return false;
	for (unsigned k = 0; k < i; k++)
		if (same(s, i, k))
			return false;
	return true;
}

void setup_dev_each(struct setup *s, enum setup_stage_id stage, void (*plan_port)(struct setup *s, unsigned i))
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->in.conf->nports; i++) {
		if (!first(s, i))
			continue;
		n++;
		plan_port(s, i);
	}
	if (!n)
		setup_skip(s, stage, "no port binds to queues of an interface");
}

/* polling: lcores that poll, as far as the configuration tells: one for each receive queue, if there are so many. */
static unsigned polling(const struct setup *s)
{
	const struct plx_env_conf *c = s->in.conf;
	unsigned n = 0, cpus = 0;

	for (unsigned i = 0; i < c->nports; i++) {
		const struct plx_port_conf *p = &c->ports[i];
		const struct iface *l = s->in.host->iface[i].found;
		bool all = !p->rxqs && !p->no_rx && l && l->nrxqs > p->queue;

		n += p->rxqs ? p->rxqs : all ? (unsigned)(l->nrxqs - p->queue) : 1u;
	}
	for (unsigned cpu = 0; cpu < s->in.host->topo.ncpus && !c->nlcores; cpu++)
		cpus += plan_usable(&s->in.host->topo, cpu);
	cpus = c->nlcores ? c->nlcores : cpus;
	return cpus && cpus < n ? cpus : n;
}

static unsigned channels_max(int max, int combined_max, int now)
{
	int n = (max > 0 ? max : 0) + (combined_max > 0 ? combined_max : 0);

	return (unsigned)(n > now ? n : now);
}

void setup_dev_conf(const struct setup *s, unsigned i, struct plx_port_conf *c)
{
	const struct iface *l = s->in.host->iface[i].found;
	unsigned rx = 0, tx = 0, tx_max = channels_max(l->ch_tx_max, l->ch_combined_max, l->ntxqs);
	bool all = false;

	*c = s->in.conf->ports[i];
	for (unsigned k = 0; k < s->in.conf->nports; k++) {
		const struct plx_port_conf *p = &s->in.conf->ports[k];
		unsigned n = p->txqs;

		if (!same(s, i, k))
			continue;
		all |= !p->rxqs && !p->no_rx;
		if (p->queue + (unsigned)p->rxqs > rx)
			rx = p->queue + (unsigned)p->rxqs;
		/* a transmit queue for each lcore that polls, if nothing is said and there are so many */
		if (!n) {
			n = polling(s) > p->rxqs ? polling(s) : p->rxqs;
			n = p->queue + n <= tx_max ? n : tx_max > p->queue ? tx_max - p->queue : 0;
		}
		if (p->queue + n > tx)
			tx = p->queue + n;
	}
	c->queue = 0;
	c->rxqs = (uint16_t)(all ? 0 : rx);
	c->txqs = (uint16_t)tx;
}

unsigned setup_dev_used(const struct setup *s, unsigned i, bool used[PLX_QUEUES_MAX])
{
	unsigned end = 0;

	memset(used, 0, PLX_QUEUES_MAX);
	for (unsigned k = 0; s->plan && k < s->plan->nports; k++) {
		const struct plx_port_conf *c = &s->plan->ports[k].conf;

		for (unsigned q = c->queue; same(s, i, k) && q < c->queue + (unsigned)c->rxqs && q < PLX_QUEUES_MAX;
		     q++) {
			used[q] = true;
			end = q + 1 > end ? q + 1 : end;
		}
	}
	return end;
}

bool setup_dev_channels(const struct setup *s, unsigned i, int *rx, int *tx, int *combined)
{
	struct plx_port_conf c;

	if (!(s->in.stages >> SETUP_channels & 1) || !s->in.host->iface[i].found)
		return false;
	setup_dev_conf(s, i, &c);
	return !setup_channels_want(&c, s->in.host->iface[i].found, rx, tx, combined);
}

void setup_lcore_cpus(const struct setup *s, struct cpuset *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	for (unsigned i = 0; s->plan && i < s->plan->nlcores; i++)
		for (unsigned k = 0; k < s->plan->lcores[i].ncpus; k++)
			cpuset_add(cpus, s->plan->lcores[i].cpus[k]);
}

/* SPDX-License-Identifier: MIT */
/* host.c - the one reading of the host: topology, then each port's interface.  Cold; reads only. */
#include "host.h"
#include "plx_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void host_zerocopy(struct plx_link_info *li, const struct iface *l)
{
	enum { NETDEV_XDP_ACT_XSK_ZEROCOPY = 8 }; /* the build machine's headers may be too old to have it */

	li->zc = !l->xdp_told ? PLX_LINK_ZC_NOT_TOLD :
	         l->xdp_features & NETDEV_XDP_ACT_XSK_ZEROCOPY ? PLX_LINK_ZC_YES : PLX_LINK_ZC_NO;
}

static void no_iface(struct host_iface *f)
{
	*f = (struct host_iface){ .link.node = -1 };
}

/* What is gone by the time it is looked at in full was not there. */
static int read_iface(struct host_iface *f, const struct plx_sys *sys, const char *name)
{
	int err = plx_link_query(sys, name, &f->link);

	if (!err && !(f->found = malloc(sizeof(*f->found))))
		err = -ENOMEM;
	if (!err)
		err = iface_read_more(sys, &f->link, f->found);
	if (!err) {
		host_zerocopy(&f->link, f->found);
		return 0;
	}
	free(f->found);
	no_iface(f);
	return err == -ENODEV ? 0 : err;
}

/* twin: what was read already for another port of the same name. */
static const struct host_iface *twin(const struct host *h, const struct plx_env_conf *conf, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (h->iface[k].found && !strcmp(conf->ports[k].name, conf->ports[i].name))
			return &h->iface[k];
	return NULL;
}

int host_read(struct host *h, const struct plx_sys *sys, const struct plx_env_conf *conf, char *why, size_t whylen)
{
	for (unsigned i = 0; i < PLX_PORTS_MAX; i++)
		no_iface(&h->iface[i]);
	int err = topo_read(sys, &h->topo);

	if (err) {
		snprintf(why, whylen, "topology: %s", strerror(-err));
		return err;
	}
	for (unsigned i = 0; i < conf->nports; i++) {
		const char *name = conf->ports[i].name;
		const struct host_iface *same = twin(h, conf, i);
		int e = 0;

		if (!plx_driver_on_device(&conf->ports[i]))
			continue;
		if (same)
			h->iface[i] = *same;
		else
			e = read_iface(&h->iface[i], sys, name);
		if (e && !err)
			snprintf(why, whylen, "%s: cannot ask the kernel about it: %s: see ip link show %s", name,
			         strerror(-e), PLX_QUOTED(name));
		err = err ? err : e;
	}
	return err;
}

void host_free(struct host *h)
{
	for (unsigned i = 0; i < PLX_PORTS_MAX; i++) {
		struct iface *found = h->iface[i].found;

		for (unsigned k = i; found && k < PLX_PORTS_MAX; k++)
			if (h->iface[k].found == found)
				h->iface[k].found = NULL;
		free(found);
	}
}

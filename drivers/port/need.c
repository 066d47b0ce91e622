/* SPDX-License-Identifier: MIT */
/* need.c - what is known of a port before there is one, for plans: its driver, frames of its pool, and memory
   beside it.  Pure. */
#include "drivers.h"
#include <string.h>

const struct plx_driver *plx_driver_find(const char *name)
{
	PLX_ASSERT(name);
	for (int i = 0; plx_drivers[i]; i++)
		if (!strcmp(plx_drivers[i]->name, name))
			return plx_drivers[i];
	return NULL;
}

bool plx_port_undecided(const struct plx_port_conf *c)
{
	return !*c->driver || !strcmp(c->driver, "auto");
}

bool plx_driver_may_be(const struct plx_port_conf *c, const char *name)
{
	PLX_ASSERT(c && name);
	return plx_port_undecided(c) || !strcmp(c->driver, name);
}

bool plx_driver_on_device(const struct plx_port_conf *c)
{
	PLX_ASSERT(c);
	const struct plx_driver *drv = plx_driver_find(c->driver);

	return !drv || drv->device;
}

static uint32_t frames_of(const struct plx_driver *drv, const struct plx_port_conf *c)
{
	uint32_t rxd = c->rxd ? c->rxd : 2048, txd = c->txd ? c->txd : 2048;

	if (drv && drv->frames)
		return drv->frames(c, rxd, txd);
	/* fill and receive ring of each receive queue can be full at once */
	return c->rxqs * rxd * 2 + c->txqs * txd;
}

uint32_t plx_port_frames(const struct plx_port_conf *c)
{
	PLX_ASSERT(c);
	bool chosen = !plx_port_undecided(c);
	uint32_t most = chosen ? frames_of(plx_driver_find(c->driver), c) : 0;

	for (int i = 0; plx_drivers[i] && !chosen; i++) { /* auto: whichever it becomes */
		uint32_t n = plx_drivers[i]->device ? frames_of(plx_drivers[i], c) : 0;

		most = n > most ? n : most;
	}
	return most;
}

struct plx_beside plx_port_beside(const struct plx_port_conf *conf, uint32_t mtu, uint32_t frames,
                                  struct plx_beside *most)
{
	PLX_ASSERT(conf);
	struct plx_port_conf c = *conf;
	bool named = !plx_port_undecided(conf), chosen = named || c.mode != PLX_XDP_AUTO;
	struct plx_beside first = { 0 }, max = { 0 };
	bool any = false;

	c.rxd = c.rxd ? c.rxd : 2048;
	c.txd = c.txd ? c.txd : 2048;
	for (int i = 0; plx_drivers[i]; i++) {
		const struct plx_driver *drv = plx_drivers[i];
		struct plx_beside b = { 0 };

		if (chosen ? strcmp(drv->name, named ? c.driver : "af_xdp") : !drv->device)
			continue;
		if (drv->beside)
			b = drv->beside(&c, mtu, frames);
		first = any ? first : b;
		any = true;
		max.rings = b.rings > max.rings ? b.rings : max.rings;
		max.own = b.own > max.own ? b.own : max.own;
	}
	if (most)
		*most = max;
	return first;
}

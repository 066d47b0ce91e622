/* SPDX-License-Identifier: MIT */
/* fit.c - a port's configuration against its interface.  Cold, pure. */
#include "port_fit.h"

#include <errno.h>
#include <string.h>

/* "eth0:3" once named an address of eth0, and is taken for a queue of it. */
static const char *queue_of(const char *name, const char *const *names, size_t n)
{
	const char *colon = strchr(name, ':');

	for (size_t i = 0; colon && i < n; i++)
		if (strlen(names[i]) == (size_t)(colon - name) && !memcmp(names[i], name, strlen(names[i])) &&
		    colon[1] && !colon[1 + strspn(colon + 1, "0123456789")])
			return names[i];
	return NULL;
}

static int no_interface(const char *name, const char *const *names, size_t n, char *why, size_t len)
{
	const char *of = queue_of(name, names, n), *near = of ? NULL : plx_text_near(name, names, n);

	plx_text_add(why, len, "no such interface (ENODEV)");
	if (of)
		plx_text_add(why, len, "; for one queue of it write %s,queue=%s,rxqs=1", PLX_QUOTED(of),
		             strchr(name, ':') + 1);
	else if (near)
		plx_text_add(why, len, ", did you mean --iface %s? ip link lists them", PLX_QUOTED(near));
	else
		plx_text_add(why, len, ": ip link lists them; driver=loop and driver=null need none");
	return -ENODEV;
}

int port_fit_interface(const struct plx_port_conf *c, const struct plx_link_info *li, const char *const *names,
                       size_t n, char *why, size_t len)
{
	PLX_ASSERT(c && li && why);
	why[0] = 0;
	if (!li->ifindex)
		return no_interface(c->name, names, n, why, len);
	if (li->headless) {
		plx_text_add(why, len, "%s",
		             plx_link_headless(li->type, (char[PLX_HEADLESS_MAX]){ 0 }, PLX_HEADLESS_MAX));
		return -EOPNOTSUPP;
	}
	if (!li->up) {
		plx_text_add(why, len, "the interface is down (ENETDOWN): ip link set %s up", PLX_QUOTED(c->name));
		return -ENETDOWN;
	}
	return 0;
}

int port_fit_queues(const struct plx_port_conf *c, const struct plx_link_info *li, char dir, char *why, size_t len)
{
	PLX_ASSERT(c && li && why && (dir == 'r' || dir == 't'));
	const bool rx = dir == 'r';
	const unsigned have = rx ? li->rxqs : li->txqs, most = rx ? li->rxqs_max : li->txqs_max;
	const unsigned want = c->queue + (rx ? c->rxqs : c->txqs);

	why[0] = 0;
	if (want <= have)
		return 0;
	plx_text_add(why, len, "%s queue %u is asked for, the interface has %u (0-%u): ", rx ? "rx" : "tx", want - 1,
	             have, have ? have - 1 : 0);
	if (c->queue < have)
		plx_text_add(why, len, "use %s=%u or fewer", rx ? "rxqs" : "txqs", have - c->queue);
	else
		plx_text_add(why, len, "use queue=%u or lower", have ? have - 1 : 0);
	if (want <= most)
		plx_text_add(why, len, ", or ethtool -L %s %s %u", PLX_QUOTED(c->name),
		             li->combined ? "combined" :
		             rx           ? "rx" :
		                            "tx",
		             want);
	else if (plx_driver_may_be(c, "packet") && c->mode == PLX_XDP_AUTO && !c->queue)
		plx_text_add(why, len, ", or driver=packet, which needs no channels");
	return -EINVAL;
}

unsigned port_left_queues(const struct plx_port_conf *c, const struct plx_link_info *li, char dir)
{
	const unsigned have = dir == 'r' ? li->rxqs : li->txqs;

	return have > c->queue ? have - c->queue : 1;
}

/* SPDX-License-Identifier: MIT */
/* carrier.c - the link after an attach: some NICs (igb, by way of example) start anew for it, and
   have no carrier for 1 to 3 s; cold, main thread. */
#include "af_xdp.h"
#include "plx_text.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>

enum { STEP_NS = 20000000, LIMIT_MS = 5000 };

static bool ask(const struct plx_port *p, int fd)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, p->name, IFNAMSIZ - 1);
	if (p->sys->ioctl(fd, SIOCGIFFLAGS, &ifr) || !(ifr.ifr_flags & IFF_RUNNING))
		return false;
	ifr.ifr_data = (void *)&link; /* the flag follows a lost carrier up to a second later */
	return p->sys->ioctl(fd, SIOCETHTOOL, &ifr) || link.data;
}

/* ax_carrier: the interface can send and receive. */
bool ax_carrier(const struct plx_port *p)
{
	int fd = p->sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && ask(p, fd);

	if (fd >= 0)
		p->sys->close(fd);
	return up;
}

/* ax_wait_for_carrier waits until the carrier is back, at most LIMIT_MS, and says so if it was
   gone at all. */
void ax_wait_for_carrier(const struct plx_port *p)
{
	int fd = p->sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t begin = plx_sys_now(p->sys), ms = 0;
	bool up = fd < 0 || ask(p, fd), gone = !up; /* without a descriptor the next step tells */

	while (!up && ms < LIMIT_MS) {
		plx_sys_sleep(p->sys, STEP_NS);
		up = ask(p, fd);
		ms = (plx_sys_now(p->sys) - begin) / 1000000;
	}
	if (fd >= 0)
		p->sys->close(fd);
	if (gone && up)
		plx_logf(p->log, PLX_LOG_NOTICE,
		         "%s: the link was down for %" PRIu64 " ms, since the device starts anew when "
		         "XDP is attached",
		         p->name, ms);
	else if (gone)
		plx_logf(p->log, PLX_LOG_WARN,
		         "%s: the link is down since XDP was attached, for %" PRIu64 " ms by now: going "
		         "on without; see ip link show %s",
		         p->name, ms, PLX_QUOTED(p->name));
}

/* SPDX-License-Identifier: MIT */
/* port_fit.h - whether what is asked of a port fits the interface that it is to stand on: the same answer, in the same
   words, for the plan, the opening of a port and the doctor.  Pure.  Internal to drivers/, runtime/ and the tools.

   0, or -errno and why (PORT_FIT_MAX bytes do) has what does not fit and what to do, for a line behind the name. */
#ifndef PORT_FIT_H
#define PORT_FIT_H

#include "plx_driver.h"
#include "link_info.h"
#include "plx_text.h"

enum { PORT_FIT_MAX = 2 * PLX_QUOTED_MAX + 256 };

/* port_fit_interface: li as plx_link_query leaves it, ifindex 0 = there is none; names: the interfaces there are, for a
   suggestion.  -ENODEV; -EOPNOTSUPP: no Ethernet header; -ENETDOWN. */
int port_fit_interface(const struct plx_port_conf *c, const struct plx_link_info *li, const char *const *names,
                       size_t n, char *why, size_t len);
/* port_fit_queues: c->queue and the queues from there on of one direction, 'r' or 't', against the device's channels.
   -EINVAL. */
int port_fit_queues(const struct plx_port_conf *c, const struct plx_link_info *li, char dir, char *why, size_t len);
/* port_left_queues: those that the device has from c->queue on in that direction, of which a port can have at most
   PLX_QUEUES_MAX; at least 1. */
unsigned port_left_queues(const struct plx_port_conf *c, const struct plx_link_info *li, char dir);

#endif

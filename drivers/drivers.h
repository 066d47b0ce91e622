/* SPDX-License-Identifier: MIT */
/* drivers.h - the name of each driver's table: for the driver that defines it and for
   drivers.c that lists it.  Internal to drivers/. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include "plx_driver_impl.h"

extern const struct plx_driver plx_af_xdp_driver;
extern const struct plx_driver plx_packet_driver;
extern const struct plx_driver plx_loop_driver;
extern const struct plx_driver plx_null_driver;

/* The driver of that name; NULL = there is none. */
const struct plx_driver *plx_driver_named(const char *name);

/* The error of a cold call on a port in a child of fork: -ECHILD, logged. */
int plx_port_forked(const struct plx_port *p);

#endif

/* SPDX-License-Identifier: MIT */
/* drivers.h - the name of each driver's table: for the driver that defines it and for
   drivers.c that lists it.  Internal to drivers/. */
#ifndef DRIVERS_H
#define DRIVERS_H

#include "driver_impl.h"

extern const struct plx_driver plx_af_xdp_driver;
extern const struct plx_driver plx_packet_driver;
extern const struct plx_driver plx_loop_driver;
extern const struct plx_driver plx_null_driver;

/* c names no driver: the ladder chooses, unless a mode leaves af_xdp alone. */
bool plx_port_undecided(const struct plx_port_conf *c);

/* The error of a cold call on a port in a child of fork: -ECHILD, logged. */
int plx_port_forked(const struct plx_port *p);

#endif

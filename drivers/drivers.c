/* SPDX-License-Identifier: MIT */
/* drivers.c - the one table of drivers.  The auto ladder of port.c walks the device
   drivers from the top, so the best comes first. */
#include "drivers.h"

const struct plx_driver *const plx_drivers[] = {
	&plx_af_xdp_driver,
	&plx_packet_driver,
	&plx_loop_driver,
	&plx_null_driver,
	NULL
};

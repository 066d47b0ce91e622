/* SPDX-License-Identifier: MIT */
/* plx.h - all of Pollux for an application: #include <pollux/plx.h>.

   What a call can have wrong, in all of these headers:

   - NULL for what must be there is a mistake of the program.  Whoever is called outside of the data
     path checks it, and the process ends there and then, with a line that names the function
     (docs/lcores.md), rather than somewhere else later.
   - A number or name that is not there, a value out of its range: -EINVAL, NULL or what the function says, and
     a line in the log if it has one.
   - Bursts, frames, rings, and bytes of packets: unchecked, but in a build with -DPLX_HARDENED of
     library and program, which ends as above. */
#ifndef PLX_H
#define PLX_H

#include "plx_conf.h"
#include "plx_env.h"
#include "plx_json.h"
#include "plx_lcore.h"
#include "plx_net.h"
#include "plx_ring.h"
#include "plx_text.h"

#endif

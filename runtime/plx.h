/* SPDX-License-Identifier: MIT */
/* plx.h - all of Pollux for an application: #include <pollux/plx.h>. */
#ifndef PLX_H
#define PLX_H

#include "plx_conf.h"
#include "plx_env.h"
#include "plx_lcore.h"
#include "plx_net.h"
#include "plx_ring.h"
#include "plx_text.h"

#endif

/* SPDX-License-Identifier: MIT */
/* env.h - the environment's inside, shared by the stages.  Internal to runtime/. */
#ifndef ENV_H
#define ENV_H

#include "lcore.h"
#include "memory.h"
#include "plan.h"

struct control; /* control.c: signals, netlink events, timers */

struct plx_env {
	struct plx_env_conf conf;
	const struct plx_sys *sys;
	struct plx_log log;
	struct topo   topo;
	struct plan   plan;
	struct mem_seg segs[PLX_NODES_MAX];
	struct plx_pool *pools[PLX_NODES_MAX];
	struct plx_port *ports[PLX_PORTS_MAX];
	uint16_t npools, nports, nlcores;
	struct plx_lcore *lcores;      /* array of nlcores */
	struct control *control;
	uint64_t cycles_hz;
	unsigned stages_up;
};

#endif

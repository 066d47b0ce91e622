/* SPDX-License-Identifier: MIT */
/* dpdk_none.c - in place of dpdk_mem.c where DPDK is not installed. */
#include "mem_loops.h"

const struct dpdk_mem *const dpdk_mem;

/* SPDX-License-Identifier: MIT */
/* lcore.h - a pinned polling thread and its pollers.  Internal to runtime/. */
#ifndef LCORE_H
#define LCORE_H

#include "plx_env.h"

#endif

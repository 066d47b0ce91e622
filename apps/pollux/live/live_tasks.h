/* SPDX-License-Identifier: MIT */
/* live_tasks.h - who else runs on a CPU. */
#ifndef LIVE_TASKS_H
#define LIVE_TASKS_H

#include <stdbool.h>
#include <stddef.h>

/* tasks_on writes the tasks that use most of a CPU, the lcore's own apart: "sh (task 812) 48 %";
   "" if there are none that can be seen.  Takes half a second. */
void tasks_on(char *buf, size_t len, int cpu, long lcore_tid);

#endif

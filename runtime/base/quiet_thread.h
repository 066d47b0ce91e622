/* SPDX-License-Identifier: MIT */
/* quiet_thread.h - how the threads of the environment begin.  Internal to runtime/. */
#ifndef QUIET_THREAD_H
#define QUIET_THREAD_H

#include "plx_sys.h"

/* A thread that takes no signals; 0 or -errno. */
int quiet_thread(const struct plx_sys *sys, pthread_t *thread, void *(*fn)(void *arg), void *arg);

#endif

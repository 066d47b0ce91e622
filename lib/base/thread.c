/* SPDX-License-Identifier: MIT */
/* thread.c - the thread-local state. */
#include "thread.h"

_Thread_local struct plx_thread plx_self __attribute__((tls_model("initial-exec")));

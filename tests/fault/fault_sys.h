/* SPDX-License-Identifier: MIT */
/* fault_sys.h - the operating system with one call that fails: the k-th of one function,
   with one errno.  All else goes to the real one. */
#ifndef FAULT_SYS_H
#define FAULT_SYS_H

#include "plx_sys.h"


enum { FAULT_ERRNOS = 5 };
struct fault_call {
	const char *name;
	int errnos[FAULT_ERRNOS];    /* that it may plausibly give; 0 ends */
};

extern const struct fault_call fault_calls[]; /* ends with name NULL */
extern const struct plx_sys fault_sys;

/* The k-th call (from 0) of fault_calls[fn] fails with err from now on, once; fn -1 = none. */
void fault_arm(int fn, unsigned k, int err);
/* True if it was reached. */
bool fault_hit(void);

#endif

/* SPDX-License-Identifier: MIT */
/* fault_each.h - the loop over all calls that can fail. */
#ifndef FAULT_EACH_H
#define FAULT_EACH_H

#include "fault_sys.h"
#include "fd_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Runs once() with the first, the second and so on call of each function failing with each of its errnos, until
   once() returns false, since that call was not reached, but most times at the most.  No descriptor may be
   left.  How many times in all; nothing is armed any more. */
static inline unsigned fault_each(unsigned most, bool (*once)(const char *what, const char *call, int err))
{
	unsigned fds = count_fds(), n = 0;

	for (int fn = 0; fault_calls[fn].name; fn++)
		for (int e = 0; e < FAULT_ERRNOS && fault_calls[fn].errnos[e]; e++) {
			bool reached = true;
			for (unsigned k = 0; reached && k < most; k++, n++) {
				int err = fault_calls[fn].errnos[e];
				char what[96];

				snprintf(what, sizeof(what), "%s call %u %s", fault_calls[fn].name, k,
				         strerrorname_np(err));
				fault_arm(fn, k, err);
				reached = once(what, fault_calls[fn].name, err);
				fault_arm(-1, 0, 0);
				if (count_fds() != fds)
					fail_msg("%s: %u descriptors, %u before", what, count_fds(), fds);
			}
		}
	return n;
}

#endif

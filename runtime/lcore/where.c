/* SPDX-License-Identifier: MIT */
/* where.c - which lcore and poller a thread is, for the line of a signal that ends the process (fatal.c).  In the
   signal handler: nothing but what is safe there. */
#include "fatal_line.h"
#include "lcore.h"
#include "thread.h"
#include <unistd.h>

void lcore_where(struct fatal_line *f)
{
	const struct plx_lcore *l = plx_self.lcore;
	const struct plx_poller *p = __atomic_load_n(&l->current, __ATOMIC_RELAXED);
	const uint32_t state = lcore_state(l);

	if (state == PLX_LCORE_FOREIGN) {
		fatal_add(f, "thread ");
		fatal_add_number(f, (uint64_t)gettid(), 10);
		fatal_add(f, ", registered as ");
	}
	fatal_add(f, "lcore ");
	fatal_add_number(f, l->conf.id, 10);
	if (__atomic_load_n(&l->call.state, __ATOMIC_RELAXED) == CALL_RUNS) {
		fatal_add(f, ", a launched function");
	} else if (p && state != PLX_LCORE_WAIT && state != PLX_LCORE_FOREIGN) { /* else it may be gone */
		fatal_add(f, ", poller ");
		fatal_add(f, p->name);
	}
}

/* SPDX-License-Identifier: MIT */
/* plx_lcore.h - more of lcores: functions launched on them.  States, halts and pollers are in
   plx_env.h.  int = 0 or -errno. */
#ifndef PLX_LCORE_H
#define PLX_LCORE_H

#include "plx_env.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- all lcores: PLX_LCORE_FOREACH(l, env) { ... } ---- */

#define PLX_LCORE_FOREACH(l, env) \
	for (struct plx_lcore *l = plx_env_lcore((env), 0); l; l = plx_lcore_next(l))
/* plx_lcore_next: the lcore behind l by index, NULL behind the last.  Any thread. */
PLX_API struct plx_lcore *plx_lcore_next(const struct plx_lcore *l);

/* ---- launch ---- */

/* plx_lcore_launch has l call fn(arg) once: between two rounds, or, if it waits, at once; its
   pollers wait meanwhile.  Any thread, before, within and after plx_env_run; from a poller on
   its own lcore too.  -EBUSY: a function is launched already, and nobody has waited for it.
   Bursts, pools and plx_lcore_self work in it as in a poller.  plx_env_run and plx_env_fini end
   only when it has returned (-ETIMEDOUT and a line of the log after 1 s, as for a poller). */
PLX_API int plx_lcore_launch(struct plx_lcore *l, int (*fn)(void *arg), void *arg);

/* plx_lcore_wait waits until it has returned, at most timeout_ns (0 = only looks, UINT64_MAX =
   for ever), puts what it returned into *ret (may be NULL), and l is free for the next one.
   Any thread.  -ETIMEDOUT: it has not yet; -ENOENT: nothing is launched, or another thread was
   told; -EDEADLK: l itself asks. */
PLX_API int plx_lcore_wait(struct plx_lcore *l, int *ret, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif

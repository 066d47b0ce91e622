/* SPDX-License-Identifier: MIT */
/* plx_lcore.h - more of lcores: functions launched on them, a variable for each of them, threads of the
   application that become one, and when what they read may be freed.  States, halts and pollers are in plx_env.h.
   int = 0 or -errno. */
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
   its own lcore too.  -EINVAL: no fn, or l is a registered thread's; -EBUSY: a function is launched already, and nobody
   has waited for it. Bursts, pools and plx_lcore_self work in it as in a poller.  plx_env_run and plx_env_fini end only
   when it has returned (-ETIMEDOUT and a line of the log after 1 s, as for a poller); what is launched behind it while
   they end they do not wait for. */
PLX_API int plx_lcore_launch(struct plx_lcore *l, int (*fn)(void *arg), void *arg);

/* plx_lcore_wait waits until it has returned, at most timeout_ns (0 = only looks, UINT64_MAX =
   for ever), puts what it returned into *ret (may be NULL), and l is free for the next one.
   Any thread.  -ETIMEDOUT: it has not yet; -ENOENT: nothing is launched, or another thread was
   told; -EDEADLK: l itself asks. */
PLX_API int plx_lcore_wait(struct plx_lcore *l, int *ret, uint64_t timeout_ns);

/* ---- threads of the application ---- */

/* plx_lcore_register makes the calling thread an lcore of env without a loop, one of the places
   that --registered-threads keeps (each costs the pools what an lcore costs, 1024 frames).  It gets
   a cache in each pool and its own variables, plx_lcore_self() is *l, and while plx_env_run runs
   it may burst on queues that no poller and no other thread uses.  Its doorbells are rung by
   each transmit burst, as it has no loop that would ring later; what the kernel does not take
   then, its next burst offers again.  Any thread that is not an lcore: -EBUSY on one that is;
   -ENOSPC: all places are taken. */
PLX_API int plx_lcore_register(struct plx_env *env, struct plx_lcore **l);
/* plx_lcore_unregister gives its cached frames back to the pools and the place to others.  By the
   same thread, before it ends and before plx_env_fini, which refuses to end an environment
   with a registered thread and says so.  -ESRCH: it is not registered. */
PLX_API int plx_lcore_unregister(void);

/* ---- grace periods: to free what lcores may still read ---- */

/* What lcores read without a lock is never changed in place: a whole new one is published by one store of a
   pointer, and the old one is freed when no reader can have it any more (read-copy-update):

     struct table *old = __atomic_exchange_n(&table, made, __ATOMIC_ACQ_REL);     the writer, any thread
     if (!plx_env_synchronize(env))
             free(old);                                                           else keep it, and try again

     const struct table *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);           a poller, in each call anew

   Readers are env's lcores, and its registered threads that are online.  A poller may use what it loaded until it
   returns, a launched function until it returns, or until it calls plx_lcore_quiescent.  Nothing is paid
   for it in a round.  An lcore that sleeps or waits reads nothing, and is not woken.

   plx_env_synchronize returns 0 when each reader has been at a point since the call began where it holds
   nothing that it loaded before.  Any thread but a reader of env (-EDEADLK: it would wait for itself); it
   blocks, for microseconds while all is well.  -ETIMEDOUT: one has not been there for 1 s (20 s if its thread hardly
   gets a CPU), and the log names its poller, or the thread: nothing may be freed yet, call again later.
   -ECHILD: in a forked child. */
PLX_API int plx_env_synchronize(struct plx_env *env);

/* A registered thread is no reader at first, and is not waited for.  plx_lcore_online makes it one: from then on
   it calls plx_lcore_quiescent often, wherever it holds nothing, and plx_lcore_offline before it waits for
   anything else.  Unregistering does that too.  By the thread itself; they do not nest.  0, or -ESRCH: it is not
   registered. */
PLX_API int plx_lcore_online(void);
PLX_API int plx_lcore_offline(void);
/* plx_lcore_quiescent: here the caller holds nothing that it loaded before.  A load while nobody synchronizes.
   Registered threads, and lcores in a launched function that takes long; on any other thread it does nothing. */
PLX_API void plx_lcore_quiescent(void);

/* ---- a variable for each lcore ---- */

/* A value of its own for each lcore, and for each place of a registered thread:

     static PLX_LCORE_VAR(struct hits) hits;                 the handle, of one environment
     err = PLX_LCORE_VAR_NEW(env, &hits);                    all values are zero
     plx_ctr_add(&PLX_LCORE_MINE(hits)->n, 1);               on an lcore: its own
     PLX_LCORE_VAR_FOREACH(h, i, env, hits)                  anywhere: struct hits *h of each, i from 0
             sum += plx_ctr_read(&h->n);

   One's own costs the load of the thread's base and an add.  Values of two lcores never share
   a cache line, nor a page: each is first touched, and so placed, by its own lcore; variables of one
   lcore lie side by side.  They live as long as the environment.  What one thread writes and
   another reads has to be atomic, as plx_ctr is.  A registered thread's place keeps its values
   for the next thread that gets it, so sums do not shrink. */
struct plx_lcore_var { size_t off; };
#define PLX_LCORE_VAR(type) union { struct plx_lcore_var var; __typeof__(type) *of; /* only its type is used */ }
#define PLX_LCORE_VAR_NEW(env, v) plx_lcore_var_new((env), &(v)->var, sizeof(*(v)->of), __alignof__(*(v)->of))
#define PLX_LCORE_MINE(v) ((__typeof__((v).of))(void *)(plx_lcore_here + (v).var.off))
#define PLX_LCORE_VAR_AT(env, i, v) ((__typeof__((v).of))plx_lcore_var_at((env), (i), &(v).var))
#define PLX_LCORE_VAR_FOREACH(p, i, env, v) \
	for (unsigned i = 0, once_##i = 1; once_##i; once_##i = 0) \
		for (__typeof__((v).of) p; (p = PLX_LCORE_VAR_AT(env, i, v)); i++)

enum { PLX_LCORE_VARS = 65536 /* bytes of variables that an lcore has room for */ };
extern PLX_API __thread char *plx_lcore_here __attribute__((tls_model("initial-exec"))); /* NULL: no lcore */

/* plx_lcore_var_new makes room in each lcore; size and alignment (a power of two, at most 4096) in
   bytes.  -ENOSPC: PLX_LCORE_VARS are used up; there is no way to give one back.  Any thread. */
PLX_API int plx_lcore_var_new(struct plx_env *env, struct plx_lcore_var *v, size_t size, size_t align);
/* plx_lcore_var_at: the value of the i-th lcore, behind these of registered threads; NULL behind
   the last.  Any thread. */
PLX_API void *plx_lcore_var_at(const struct plx_env *env, unsigned i, const struct plx_lcore_var *v);

#ifdef __cplusplus
}
#endif
#endif

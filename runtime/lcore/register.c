/* SPDX-License-Identifier: MIT */
/* register.c - threads of the application that register as lcores: a place behind the lcores, which
   is a cache in each pool and a set of variables.  Cold; the thread itself.

     BOOT (free) --register--> FOREIGN --unregister--> BOOT     by compare-and-swap */
#include "env.h"
#include "lcore.h"
#include "thread.h"
#include <errno.h>

int plx_lcore_register(struct plx_env *env, struct plx_lcore **out)
{
	PLX_ASSERT(env && out);
	*out = NULL;
	if (plx_self.slot)
		return -EBUSY;
	for (unsigned i = env->plan.nlcores; i < env->plan.caches; i++) {
		struct plx_lcore *l = &env->lcores[i];

		/* what the thread before left in the caches is seen: its unregistering did the same */
		if (!lcore_move(l, PLX_LCORE_BOOT, PLX_LCORE_FOREIGN))
			continue;
		__atomic_store_n(&l->tid, env->sys->gettid(), __ATOMIC_RELAXED);
		plx_self = (struct plx_thread){
			.slot = env->first_slot + l->index + 1, .lcore = l, .where = lcore_where, .at_once = true
		};
		plx_lcore_here = l->vars;
		*out = l;
		return 0;
	}
	unsigned n = env->plan.caches - env->plan.nlcores;

	plx_logf(&env->log, PLX_LOG_ERROR,
	         "no place for another thread as an lcore: use --registered-threads %u or more", n + 1);
	return -ENOSPC;
}

int plx_lcore_unregister(void)
{
	struct plx_lcore *l = plx_self.lcore;

	if (!l || lcore_state(l) != PLX_LCORE_FOREIGN)
		return -ESRCH;
	for (unsigned i = 0; i < l->env->npools; i++)
		plx_pool_flush(l->env->pools[i]);
	PLX_ASSERT(!plx_self.pending);
	l->env->reader_left(l->env);
	lcore_quiet(l, 1);
	plx_self = (struct plx_thread){ 0 };
	plx_lcore_here = NULL;
	__atomic_store_n(&l->tid, 0, __ATOMIC_RELAXED);
	const bool left = lcore_move(l, PLX_LCORE_FOREIGN, PLX_LCORE_BOOT);

	PLX_ASSERT(left);
	return 0;
}

unsigned registered_count(const struct plx_env *env)
{
	unsigned n = 0;

	for (unsigned i = env->plan.nlcores; i < env->plan.caches; i++)
		n += lcore_state(&env->lcores[i]) == PLX_LCORE_FOREIGN;
	return n;
}

bool registered_left(const struct plx_env *env)
{
	for (unsigned i = env->plan.nlcores; i < env->plan.caches; i++) {
		const struct plx_lcore *l = &env->lcores[i];

		if (lcore_state(l) != PLX_LCORE_FOREIGN)
			continue;
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "thread %d is registered as an lcore: call plx_lcore_unregister in it before "
		         "plx_env_fini",
		         __atomic_load_n(&l->tid, __ATOMIC_RELAXED));
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: MIT */
/* main_at.c - notes where main is, for who tells of a main thread that does not come back (stop.c).  Any thread calls;
   what is not main's, within a run, is not noted. */
#include "env.h"

/* Within a run, by its thread: anybody else's calls are nobody's to wait for. */
uint32_t main_enter(struct plx_env *env, uint32_t at)
{
	if (!__atomic_load_n(&env->running, __ATOMIC_ACQUIRE) || /* with run_lcores */
	    !pthread_equal(pthread_self(), env->runner) || __atomic_load_n(&env->at, __ATOMIC_RELAXED) == MAIN_AWAY)
		return MAIN_AWAY;
	return __atomic_exchange_n(&env->at, at, __ATOMIC_RELAXED);
}

void main_leave(struct plx_env *env, uint32_t was)
{
	if (was != MAIN_AWAY)
		__atomic_store_n(&env->at, was, __ATOMIC_RELAXED);
}

uint32_t main_awaits(struct plx_env *env, uint16_t lcore, uint32_t at)
{
	__atomic_store_n(&env->awaits, lcore, __ATOMIC_RELAXED);
	return main_enter(env, at);
}

/* SPDX-License-Identifier: MIT */
/* slots.c - numbers for the threads of an environment that are unique in the process, because a
   pool has a cache for each and may be used by lcores of several environments.  Cold; main thread
   of each environment.

   An environment has the slots first_slot + 1 to first_slot + plan.caches: its lcores, then the places
   of registered threads.  They are one range, so that its own pools need no caches but those. */
#include "env.h"
#include <errno.h>

enum { SLOTS = 32 * PLX_LCORES_MAX };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool taken[SLOTS]; /* under lock */

/* The first of n free ones in a row, the lowest there are; SLOTS = there are none. */
static uint32_t find(uint32_t n)
{
	uint32_t free = 0;

	for (uint32_t i = 0; i < SLOTS; i++) {
		free = taken[i] ? 0 : free + 1;
		if (free >= n)
			return i + 1 - n;
	}
	return SLOTS;
}

static void mark(const struct plx_env *env, bool is)
{
	for (uint32_t i = 0; i < env->plan.caches; i++)
		taken[env->first_slot + i] = is;
}

int slots_up(struct plx_env *env)
{
	if (!env->plan.caches)
		return 0;
	pthread_mutex_lock(&lock);
	env->first_slot = find(env->plan.caches);
	const bool found = env->first_slot < SLOTS;

	if (found)
		mark(env, true);
	pthread_mutex_unlock(&lock);
	if (found)
		return 0;
	plx_logf(&env->log, PLX_LOG_ERROR,
	         "lcores: the environments of this process have %d lcores and registered threads at "
	         "most, and %u more do not fit (ENOSPC); close one, or use fewer with -l and --registered-threads",
	         SLOTS, env->plan.caches);
	return -ENOSPC;
}

/* What its threads left in caches is seen by those that get the slots next: they were joined, or
   unregistered, before. */
void slots_down(struct plx_env *env)
{
	pthread_mutex_lock(&lock);
	mark(env, false);
	pthread_mutex_unlock(&lock);
}

/* SPDX-License-Identifier: MIT */
/* quiet.c - grace periods: when has every reader of what was published let go of what it read before?
   Cold; plx_env_synchronize for any thread but an lcore, the rest the lcore or the registered thread itself.

     writer:  publishes | ++env->grace | asks each that is not quiet ......... waits | frees
     lcore:                    round by the old | sees `asked`: passed = grace | round by the new
     asleep:  quiet = 1 (doze) ........................ quiet = 0 | round by the new

   Nothing is paid for it in a round: `asked` is looked at there anyway.  (A count of rounds, stored with
   release, would not do: a round may begin to read before its own count is seen, so a full
   barrier a round would be needed.)  Of the two sides that do a read-modify-write of `asked`, or of `quiet`, the
   later sees what the other did before: either the reader what was published, or the writer that it is no reader. */
#include "env.h"
#include "lcore.h"
#include "thread.h"
#include <errno.h>
#include <sched.h>

enum { SPINS = 100, YIELDS = 100, NAP_NS = 50000 };

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- readers ---- */

/* acquire: with the writer's increment, so what it published before is read from here on; release: with passed() */
static void pass(struct plx_lcore *l)
{
	__atomic_store_n(&l->passed, __atomic_load_n(&l->env->grace, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

void lcore_pass(struct plx_lcore *l, uint32_t asked)
{
	if (asked & LCORE_ASK_QUIET)
		pass(l);
}

void plx_lcore_quiescent(void)
{
	struct plx_lcore *l = plx_self.lcore;

	if (!l || plx_likely(!(__atomic_load_n(&l->asked, __ATOMIC_RELAXED) & LCORE_ASK_QUIET)))
		return;
	__atomic_fetch_and(&l->asked, ~(uint32_t)LCORE_ASK_QUIET, __ATOMIC_SEQ_CST); /* with ask() */
	pass(l);
}

static struct plx_lcore *registered(void)
{
	struct plx_lcore *l = plx_self.lcore;

	return l && !l->spawned ? l : NULL;
}

int plx_lcore_online(void)
{
	struct plx_lcore *l = registered();

	if (!l)
		return -ESRCH;
	lcore_quiet(l, 0);
	return 0;
}

int plx_lcore_offline(void)
{
	struct plx_lcore *l = registered();

	if (!l)
		return -ESRCH;
	lcore_quiet(l, 1);
	return 0;
}

/* ---- the writer ---- */

static bool passed(struct plx_lcore *l, uint64_t grace)
{
	uint32_t quiet = 1;

	if (__atomic_load_n(&l->passed, __ATOMIC_ACQUIRE) >= grace) /* with pass() */
		return true;
	/* with lcore_quiet */
	return __atomic_compare_exchange_n(&l->quiet, &quiet, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* A registered thread cannot be woken, and need not: one that blocks while it is online is its own mistake. */
static void ask(struct plx_lcore *l)
{
	if (l->spawned)
		lcore_ask(l, LCORE_ASK_QUIET);
	else
		__atomic_fetch_or(&l->asked, LCORE_ASK_QUIET, __ATOMIC_SEQ_CST); /* with plx_lcore_quiescent */
}

static int not_passed(struct plx_lcore *l, double s)
{
	char what[PLX_NAME_MAX + 16];

	if (l->spawned)
		LOG(l->env, ERROR,
		    "plx_env_synchronize: lcore %u: %s has not returned for %.1f s; a poll function must "
		    "not block (ETIMEDOUT)",
		    l->conf.id, lcore_hangs_in(l, what, sizeof(what)), s);
	else
		LOG(l->env, ERROR,
		    "plx_env_synchronize: thread %d is online as a reader and has not called plx_lcore_quiescent "
		    "for %.1f s; a thread that waits calls plx_lcore_offline first (ETIMEDOUT)",
		    __atomic_load_n(&l->tid, __ATOMIC_RELAXED), s);
	return -ETIMEDOUT;
}

/* A round takes microseconds, so it looks again at once, then leaves the CPU to others, then sleeps.  Time is
   judged as for a halt. */
static int await(struct plx_lcore *l, uint64_t grace, uint64_t begin)
{
	const struct plx_sys *sys = l->env->sys;
	uint64_t cpu = 0, past;

	for (unsigned n = 0; !passed(l, grace); n++) {
		if (n < SPINS) {
			plx_pause();
			continue;
		}
		if (n < SPINS + YIELDS) {
			sched_yield();
			continue;
		}
		if (n == SPINS + YIELDS)
			cpu = lcore_cpu_ns(l);
		past = plx_sys_now(sys) - begin;
		if (past >= LCORE_STARVED_MS * 1000000ull ||
		    (past >= LCORE_HALT_MS * 1000000ull && !lcore_starves(l, cpu)))
			return not_passed(l, (double)past / 1e9);
		plx_sys_sleep(sys, NAP_NS);
	}
	return 0;
}

int plx_env_synchronize(struct plx_env *env)
{
	PLX_ASSERT(env);
	struct plx_lcore *self = plx_self.lcore;
	int err = 0;

	if (env_forked(env, "plx_env_synchronize"))
		return -ECHILD;
	if (self && self->env == env && (self->spawned || !__atomic_load_n(&self->quiet, __ATOMIC_RELAXED)))
		return -EDEADLK; /* it would wait for itself */
	/* release: with pass() */
	const uint64_t begin = plx_sys_now(env->sys), grace = __atomic_add_fetch(&env->grace, 1, __ATOMIC_SEQ_CST);
	const uint32_t was = main_enter(env, MAIN_SYNC);

	for (unsigned i = 0; i < env->plan.caches; i++)
		if (!passed(&env->lcores[i], grace))
			ask(&env->lcores[i]);
	for (unsigned i = 0; i < env->plan.caches; i++) {
		if (was != MAIN_AWAY)
			__atomic_store_n(&env->awaits, i, __ATOMIC_RELAXED);
		int e = await(&env->lcores[i], grace, begin);

		err = err ? err : e;
	}
	main_leave(env, was);
	return err;
}

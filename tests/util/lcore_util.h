/* SPDX-License-Identifier: MIT */
/* lcore_util.h - what the tests of lcores share: pollers that count, and how an lcore is. */
#ifndef LCORE_UTIL_H
#define LCORE_UTIL_H

#include "env_util.h"
#include "doorbell.h"

/* A counter poller; each field is written by the lcore and read here. */
struct spin {
	plx_ctr calls;
	int     ret;            /* atomic */
	int     hang;           /* atomic: loop within the poller while it is set */
	int     hangs;          /* atomic: it does */
	plx_ctr slot, self, cpu;
	char    name[16];
};

static inline int spin_poll(void *arg)
{
	struct spin *s = arg;

	if (!plx_ctr_read(&s->calls)) {
		pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
		plx_ctr_add(&s->slot, plx_self.slot);
		plx_ctr_add(&s->self, (uint64_t)(uintptr_t)plx_lcore_self());
		plx_ctr_add(&s->cpu, (uint64_t)sched_getcpu());
	}
	plx_ctr_add(&s->calls, 1);
	while (__atomic_load_n(&s->hang, __ATOMIC_RELAXED)) {
		__atomic_store_n(&s->hangs, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return __atomic_load_n(&s->ret, __ATOMIC_RELAXED);
}

struct echo { struct plx_rxq *rx; plx_ctr got, at, calls; };

static inline int echo_poll(void *arg)
{
	struct echo *e = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(e->rx, m, PLX_BURST);

	plx_ctr_add(&e->calls, 1);
	plx_mbuf_put_bulk(m, n);
	if (n) {
		__atomic_store_n(&e->at, now_ns(), __ATOMIC_RELAXED);
		__atomic_store_n(&e->got, e->got + n, __ATOMIC_RELEASE);
	}
	return n;
}

static inline enum plx_lcore_state state_of(struct plx_env *env)
{
	struct plx_lcore_stats ls;

	plx_lcore_stats(plx_env_lcore(env, 0), &ls);
	return ls.state;
}

static inline uint64_t sleeps(struct plx_env *env)
{
	struct plx_lcore_stats ls;

	plx_lcore_stats(plx_env_lcore(env, 0), &ls);
	return ls.sleeps;
}

#endif

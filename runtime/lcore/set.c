/* SPDX-License-Identifier: MIT */
/* set.c - what an lcore polls: built whole from main's book of pollers, handed over while
   the lcore runs, taken back if it hangs.  Cold; main thread.

     main:   make s -> next = s, ask, wait ............................ book follows, old set freed
     lcore:              round | takes next, rings its doorbells, adopted = s | round by s

   The lcore pays one load a round for it.  When main sees `adopted`, no poller that left will be
   called again, and all that the poller wrote is seen. */
#include "env.h"
#include "lcore.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- the set ---- */

int lcore_add_fd(struct plx_lcore *l, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	/* Two queues may share a descriptor: once is enough. */
	return l->env->sys->epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) && errno != EEXIST ? -errno : 0;
}

/* Puts the descriptor of q into l's epoll set.  A queue without one keeps the lcore awake. */
static void watch_queue(struct plx_lcore *l, struct lcore_set *s, struct plx_rxq *q)
{
	const struct plx_driver *drv = q->port->drv;
	int fd = drv->rx_fd ? drv->rx_fd(q) : -EOPNOTSUPP;
	int err = fd < 0 ? fd : lcore_add_fd(l, fd);

	if (err && !l->sleepless)
		LOG(l->env, INFO, "lcore %u: never sleeps, %s queue %u has no descriptor to wait on (%s)",
		    l->conf.id, q->port->name, q->id, strerror(-err));
	l->sleepless |= err != 0;
	s->can_sleep &= !err;
	if (drv->give_back && q->port->conf.stall_ms != UINT32_MAX) {
		const uint64_t nap = q->port->conf.stall_ms * 1000000ull / LCORE_NAPS;

		s->sleep_ns = nap < s->sleep_ns ? nap : s->sleep_ns;
	}
	PLX_ASSERT(s->nwatch < UINT16_MAX);
	s->watch[s->nwatch++] = (struct lcore_watch){ q, err ? -1 : fd };
}

static void add_poller(struct lcore_set *s, struct plx_poller *p, unsigned *queues)
{
	s->poller[s->npollers++] = p;
	s->opaque |= !p->nrxq && !p->period_ns && !p->own;
	*queues += p->nrxq;
}

int lcore_set_make(struct lcore_set **out, struct plx_lcore *l, struct plx_poller *with,
                   const struct plx_poller *without)
{
	struct lcore_set *s = calloc(1, sizeof(*s) + (l->npollers + 1u) * sizeof(s->poller[0]));
	unsigned queues = 0;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	for (unsigned own = 0; own < 2; own++) {
		for (unsigned i = 0; i < l->npollers; i++)
			if (l->poller[i] != without && l->poller[i]->own == own)
				add_poller(s, l->poller[i], &queues);
		if (with && with->own == own)
			add_poller(s, with, &queues);
	}
	PLX_ASSERT(s->npollers == l->npollers + (with != NULL) - (without != NULL));
	s->can_sleep = l->policy != PLX_IDLE_BUSY;
	s->sleep_ns = UINT64_MAX;
	if (s->can_sleep && queues) {
		s->watch = calloc(queues, sizeof(*s->watch));
		if (!s->watch) {
			free(s);
			return -ENOMEM;
		}
		for (unsigned i = 0; i < s->npollers; i++)
			for (unsigned k = 0; k < s->poller[i]->nrxq; k++)
				watch_queue(l, s, s->poller[i]->rxq[k]);
	}
	*out = s;
	return 0;
}

static bool watches(const struct lcore_set *s, int fd)
{
	for (unsigned i = 0; s && i < s->nwatch; i++)
		if (s->watch[i].fd == fd)
			return true;
	return false;
}

void lcore_set_free(struct plx_lcore *l, struct lcore_set *s, const struct lcore_set *kept)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->nwatch; i++)
		if (s->watch[i].fd >= 0 && !watches(kept, s->watch[i].fd))
			l->env->sys->epoll_ctl(l->epfd, EPOLL_CTL_DEL, s->watch[i].fd, NULL);
	free(s->watch);
	free(s);
}

/* ---- handing over ---- */

static int await_adopted(struct plx_lcore *l, struct lcore_set *s)
{
	struct lcore_set *mine = s;
	char what[PLX_NAME_MAX + 16];

	while (__atomic_load_n(&l->adopted, __ATOMIC_ACQUIRE) != s) {
		if (lcore_await_word(l))
			continue;
		if (__atomic_compare_exchange_n(&l->next, &mine, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			LOG(l->env, ERROR,
			    "lcore %u: %s has not returned for %.1f s, so its pollers stay as they are; a poll "
			    "function must not block",
			    l->conf.id, lcore_hangs_in(l, what, sizeof(what)), lcore_awaited(l));
			return -ETIMEDOUT;
		}
		/* It has taken the set and rings its doorbells, which is bounded. */
		while (__atomic_load_n(&l->adopted, __ATOMIC_ACQUIRE) != s)
			lcores_await_word(l->env, UINT64_MAX);
	}
	return 0;
}

/* Hands s to an lcore that runs; 0 when it polls by it.  -ETIMEDOUT: a poller hangs, and the
   lcore goes on with what it had. */
static int hand(struct plx_lcore *l, struct lcore_set *s)
{
	const uint32_t was = main_awaits(l->env, l->index, MAIN_CHANGE);

	PLX_ASSERT(s != l->adopted && !__atomic_load_n(&l->next, __ATOMIC_RELAXED)); /* one at a time */
	lcore_await_begin(l);
	__atomic_store_n(&l->next, s, __ATOMIC_RELEASE); /* with adopt() */
	lcore_ask(l, LCORE_ASK_SET);
	int err = await_adopted(l, s);

	main_leave(l->env, was);
	return err;
}

/* l runs: it polls one more or one less, or all is as before. */
static int swap_set(struct plx_lcore *l, struct plx_poller *with, const struct plx_poller *without)
{
	struct lcore_set *old = l->adopted, *s; /* main alone made it change */
	int err = lcore_set_make(&s, l, with, without);

	if (!err) {
		err = hand(l, s);
		lcore_set_free(l, err ? s : old, err ? old : s);
	}
	return err;
}

/* ---- the book: others read it under the lock ---- */

static int book_reserve(struct plx_lcore *l)
{
	struct plx_poller **all = calloc(l->npollers + 1u, sizeof(*all)), **old = l->poller;

	if (!all)
		return -ENOMEM;
	if (l->npollers)
		memcpy(all, old, l->npollers * sizeof(*all));
	pthread_mutex_lock(&l->env->lock);
	l->poller = all;
	pthread_mutex_unlock(&l->env->lock);
	free(old);
	return 0;
}

static void book_add(struct plx_lcore *l, struct plx_poller *p)
{
	PLX_ASSERT(!p->lcore && l->npollers < UINT16_MAX);
	pthread_mutex_lock(&l->env->lock);
	l->poller[l->npollers] = p;
	p->lcore = l;
	__atomic_store_n(&l->npollers, l->npollers + 1u, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&l->env->lock);
}

/* It is not named any more either: an lcore that rests holds on to the one that ran last. */
static void book_del(struct plx_lcore *l, struct plx_poller *p)
{
	const struct plx_poller *last = p;
	unsigned i = 0;

	pthread_mutex_lock(&l->env->lock);
	while (i < l->npollers && l->poller[i] != p)
		i++;
	PLX_ASSERT(i < l->npollers && p->lcore == l);
	memmove(&l->poller[i], &l->poller[i + 1], (l->npollers - i - 1u) * sizeof(*l->poller));
	p->lcore = NULL;
	__atomic_store_n(&l->npollers, l->npollers - 1u, __ATOMIC_RELAXED);
	__atomic_compare_exchange_n(&l->current, &last, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&l->env->lock);
}

/* ---- pollers come and go ---- */

static bool runs(const struct plx_lcore *l)
{
	return lcore_state(l) == PLX_LCORE_RUN || lcore_state(l) == PLX_LCORE_SLEEP;
}

static int can_change(const struct plx_lcore *l, const struct plx_poller *p)
{
	const struct plx_env *env = l->env;

	if (lcore_state(l) != PLX_LCORE_HALT && (!env->running || env->live))
		return 0;
	LOG(env, ERROR, "poller %s: lcore %u has been halted and its poller has not returned yet: try again later",
	    p->name, l->conf.id);
	return -EBUSY;
}

/* A poller comes with its next period, wherever it was before. */
static void wind(const struct plx_env *env, struct plx_poller *p)
{
	p->period = cycles_of(env, p->period_ns);
	p->due = plx_cycles() + p->period;
}

int lcore_attach(struct plx_lcore *l, struct plx_poller *p)
{
	int err = can_change(l, p);

	err = err ? err : book_reserve(l);
	if (err)
		return err;
	wind(l->env, p);
	env_txqs_handover(l->env);
	if (runs(l)) {
		err = swap_set(l, p, NULL);
		if (!err)
			book_add(l, p);
		return err;
	}
	book_add(l, p);
	if (l->env->live && !l->held)
		err = lcore_start(l); /* its first one */
	if (err)
		book_del(l, p);
	return err;
}

int lcore_detach(struct plx_lcore *l, struct plx_poller *p)
{
	int err = can_change(l, p);

	if (!err && runs(l))
		err = l->npollers > 1 ? swap_set(l, NULL, p) : lcore_rest_for_good(l);
	if (err)
		return err;
	book_del(l, p);
	env_txqs_handover(l->env);
	return 0;
}

void pollers_free(struct plx_lcore *l)
{
	while (l->npollers)
		poller_free(l->poller[--l->npollers]);
	free(l->poller);
	l->poller = NULL;
}

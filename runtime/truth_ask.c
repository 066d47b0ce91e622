/* SPDX-License-Identifier: MIT */
/* truth_ask.c - what takes the kernel's lock of all interfaces (rtnl): whether a port's program is
   still attached, and opening broken queues anew.  There is one such lock in a machine, and who
   removes a namespace of many interfaces holds it for seconds: time in which watch would read no
   signal.  So a thread of its own, plx-ask, does that, and waits. */
#include "env.h"
#include "truth.h"
#include "plx_xdp.h"
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

void truth_ask_port(struct truth_answer *a, struct plx_port *p)
{
	const int at = p->drv->attached && plx_port_link(p) != PLX_LINK_REMOVED ? p->drv->attached(p) : -1;
	struct plx_xdp_info x;

	*a = (struct truth_answer){ .attached = at < 0 ? -1 : at };
	if (!at && !plx_xdp_query(p->info.ifindex, &x, p->sys) && x.id)
		plx_xdp_who(&x, a->holder, sizeof(a->holder));
}

/* A queue that was opened anew has another socket under its old descriptor, which no epoll knows. */
static void watch_anew(struct plx_env *env, const struct plx_port *p)
{
	pthread_mutex_lock(&env->lock);
	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers; k++) {
			const struct plx_poller *poller = env->lcores[i].poller[k];

			for (unsigned j = 0; j < poller->nrxq; j++)
				if (poller->rxq[j]->port == p && p->drv->rx_fd && env->lcores[i].policy != PLX_IDLE_BUSY)
					lcore_add_fd(&env->lcores[i], p->drv->rx_fd(poller->rxq[j]));
		}
	pthread_mutex_unlock(&env->lock);
}

/* Opens what is broken; -EAGAIN: lcores have to let go of it first, and those asleep do not know. */
static void repair(struct plx_env *env)
{
	for (unsigned i = 0; i < env->nports; i++) {
		struct plx_port *p = env->ports[i];
		int n = __atomic_load_n(&p->wants_repair, __ATOMIC_ACQUIRE) ? plx_port_repair(p) : 0;

		if (n > 0)
			watch_anew(env, p);
		for (unsigned k = 0; k < env->nlcores && n == -EAGAIN; k++)
			plx_lcore_wake(&env->lcores[k]);
	}
}

static void *ask_main(void *arg)
{
	struct truth_ask *a = arg;
	uint64_t token;

	pthread_setname_np(pthread_self(), "plx-ask");
	while (a->env->sys->read(a->fd, &token, sizeof(token)) > 0 || errno == EINTR) {
		/* acquire: the request before it; pairs with truth_ask_take and truth_ask_close */
		if (__atomic_load_n(&a->quit, __ATOMIC_ACQUIRE))
			break;
		repair(a->env);
		if (!__atomic_load_n(&a->asked, __ATOMIC_ACQUIRE))
			continue;
		for (unsigned i = 0; i < a->env->nports; i++)
			truth_ask_port(&a->said[i], a->env->ports[i]);
		__atomic_store_n(&a->asked, false, __ATOMIC_RELEASE); /* the answers before it; with truth_ask_take */
	}
	return NULL;
}

/* Watch: every look, which is soon enough for a repair and costs nothing while none is wanted. */
void truth_ask_repairs(struct truth_ask *a)
{
	for (unsigned i = 0; a->spawned && i < a->env->nports; i++)
		if (__atomic_load_n(&a->env->ports[i]->wants_repair, __ATOMIC_RELAXED)) {
			lcore_poke(a->env->sys, a->fd);
			return;
		}
}

int truth_ask_open(struct truth_ask *a, struct plx_env *env)
{
	bool any = false;
	sigset_t all, old;

	memset(a, 0, sizeof(*a));
	for (unsigned i = 0; i < env->nports; i++) {
		a->told[i].attached = a->said[i].attached = -1;
		any |= env->ports[i]->drv->attached || env->ports[i]->drv->repair;
	}
	if (!any)
		return 0;
	a->env = env;
	a->fd = env->sys->eventfd(0, EFD_CLOEXEC);
	if (a->fd < 0)
		return -errno;
	sigfillset(&all); /* signals are the control thread's, or the application's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = env->sys->thread_create(&a->thread, NULL, ask_main, a);

	pthread_sigmask(SIG_SETMASK, &old, NULL);
	a->spawned = err == 0;
	if (err)
		env->sys->close(a->fd);
	return -err;
}

void truth_ask_take(struct truth_ask *a, struct truth_sample *s)
{
	/* acquire: the answers before it; pairs with ask_main */
	const bool free = a->spawned && !__atomic_load_n(&a->asked, __ATOMIC_ACQUIRE);

	if (free)
		memcpy(a->told, a->said, sizeof(a->told));
	for (unsigned i = 0; a->spawned && i < s->nports; i++) {
		s->port[i].attached = s->port[i].there ? a->told[i].attached : -1;
		memcpy(s->port[i].holder, a->told[i].holder, sizeof(s->port[i].holder));
	}
	if (!free)
		return;
	__atomic_store_n(&a->asked, true, __ATOMIC_RELEASE); /* with ask_main */
	lcore_poke(a->env->sys, a->fd);
}

/* Waits for an answer that is on its way: the ports are closed next, which takes the same lock. */
void truth_ask_close(struct truth_ask *a)
{
	if (!a->spawned)
		return;
	__atomic_store_n(&a->quit, true, __ATOMIC_RELEASE); /* with ask_main */
	lcore_poke(a->env->sys, a->fd);
	pthread_join(a->thread, NULL);
	a->env->sys->close(a->fd);
	memset(a, 0, sizeof(*a));
}

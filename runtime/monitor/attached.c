/* SPDX-License-Identifier: MIT */
/* attached.c - what takes the kernel's lock of all interfaces (rtnl): whether a port's program is
   still attached, what state its link is in, and opening broken queues anew.  There is one such
   lock in a machine, and who removes a namespace of many interfaces holds it for seconds: time in
   which watch would read no signal and judge no lcore.  So a thread of its own, plx-xdpmon, does
   that, and waits. */
#include "env.h"
#include "lcore.h"
#include "linkmon.h"
#include "nl.h"
#include "monitor.h"
#include "xdp.h"
#include "quiet_thread.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/eventfd.h>

enum { PARK_TRIES = 20, PARK_NS = 1000000 };

void monitor_ask_port(struct monitor_answer *a, struct plx_port *p)
{
	const int at = p->drv->attached && plx_port_link(p) != PLX_LINK_REMOVED ? p->drv->attached(p) : -1;
	struct plx_xdp_info x;

	*a = (struct monitor_answer){ .attached = at < 0 ? -1 : at };
	if (!at && !plx_xdp_query(p->info.ifindex, &x, p->sys) && x.id)
		plx_xdp_who(&x, a->holder, sizeof(a->holder));
}

/* ---- queues ---- */

/* A queue that was opened anew has another socket under its old descriptor, which no epoll knows. */
static void watch_anew(struct plx_env *env, const struct plx_port *p)
{
	pthread_mutex_lock(&env->lock);
	for (unsigned i = 0; i < env->nlcores; i++)
		for (unsigned k = 0; k < env->lcores[i].npollers; k++) {
			const struct plx_poller *poller = env->lcores[i].poller[k];

			for (unsigned j = 0; j < poller->nrxq; j++)
				if (poller->rxq[j]->port == p && p->drv->rx_fd &&
				    env->lcores[i].policy != PLX_IDLE_BUSY)
					lcore_add_fd(&env->lcores[i], p->drv->rx_fd(poller->rxq[j]));
		}
	pthread_mutex_unlock(&env->lock);
}

/* Those asleep do not know that they are waited for, or that there is a queue to read. */
static void wake_all(struct plx_env *env)
{
	for (unsigned k = 0; k < env->nlcores; k++)
		plx_lcore_wake(&env->lcores[k]);
}

/* Opens what is broken; -EAGAIN: lcores have to let go of it first, and those asleep do not know.  From
   then on nothing moves there, so they get a moment for it, and not until the next look. */
static void repair(struct plx_env *env)
{
	for (unsigned i = 0; i < env->nports; i++) {
		struct plx_port *p = env->ports[i];
		int n = __atomic_load_n(&p->wants_repair, __ATOMIC_ACQUIRE) ? plx_port_repair(p) : 0;

		for (unsigned tries = 0; n == -EAGAIN && tries < PARK_TRIES; tries++) {
			wake_all(env);
			plx_sys_sleep(env->sys, PARK_NS);
			n = plx_port_repair(p);
		}
		if (n <= 0)
			continue;
		watch_anew(env, p);
		wake_all(env);
	}
}

/* ---- links ---- */

static void link_is(void *arg, const struct linkmon_event *e)
{
	struct monitor_link *l = arg;

	*l = (struct monitor_link){ .err = e->kind == NL_LINK ? 0 : -ENODEV, .up = e->up, .mtu = e->mtu };
}

static void link_answer(void *arg, const struct nlmsghdr *h)
{
	linkmon_parse(h, h->nlmsg_len, link_is, arg);
}

static void ask_link(struct monitor_link *l, struct nl *q, uint32_t ifindex)
{
	struct { struct nlmsghdr h; struct ifinfomsg m; } req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_GETLINK },
		.m = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex },
	};

	*l = (struct monitor_link){ .err = -ENODATA };
	int err = nl_ask(q, &req.h, link_answer, l);

	l->err = err ? err : l->err;
}

static void ask_links(struct monitor_ask *a)
{
	struct nl q;
	int err = nl_open(&q, a->env->sys, NETLINK_ROUTE);

	for (unsigned i = 0; i < a->env->nports; i++) {
		const uint32_t ifindex = a->env->ports[i]->info.ifindex;

		a->link[i] = (struct monitor_link){ .err = err };
		if (!err && ifindex)
			ask_link(&a->link[i], &q, ifindex);
	}
	if (!err)
		nl_close(&q);
}

bool monitor_ask_links(struct monitor_ask *a)
{
	if (!a->spawned)
		return false;
	__atomic_store_n(&a->link_asked, true, __ATOMIC_RELEASE); /* with ask_main */
	lcore_poke(a->env->sys, a->fd);
	return true;
}

bool monitor_ask_told(const struct monitor_ask *a)
{
	/* acquire: the answers before it; pairs with ask_main */
	return !__atomic_load_n(&a->link_asked, __ATOMIC_ACQUIRE);
}

/* ---- the thread ---- */

static void ask_programs(struct monitor_ask *a)
{
	for (unsigned i = 0; i < a->env->nports; i++)
		monitor_ask_port(&a->said[i], a->env->ports[i]);
}

static void *ask_main(void *arg)
{
	struct monitor_ask *a = arg;
	uint64_t token;

	pthread_setname_np(pthread_self(), "plx-xdpmon");
	while (a->env->sys->read(a->fd, &token, sizeof(token)) > 0 || errno == EINTR) {
		/* acquire: the request before it; pairs with monitor_ask_take and monitor_ask_close */
		if (__atomic_load_n(&a->quit, __ATOMIC_ACQUIRE))
			break;
		repair(a->env);
		/* links first: nothing else tells of those whose event was lost */
		if (__atomic_load_n(&a->link_asked, __ATOMIC_ACQUIRE)) {
			ask_links(a);
			__atomic_store_n(&a->link_asked, false, __ATOMIC_RELEASE); /* with monitor_ask_told */
		}
		if (__atomic_load_n(&a->asked, __ATOMIC_ACQUIRE)) {
			ask_programs(a);
			__atomic_store_n(&a->asked, false, __ATOMIC_RELEASE); /* with monitor_ask_take */
		}
	}
	return NULL;
}

/* Watch: every look, which is soon enough for a repair and costs nothing while none is wanted. */
void monitor_ask_repairs(struct monitor_ask *a)
{
	for (unsigned i = 0; a->spawned && i < a->env->nports; i++)
		if (__atomic_load_n(&a->env->ports[i]->wants_repair, __ATOMIC_RELAXED)) {
			lcore_poke(a->env->sys, a->fd);
			return;
		}
}

int monitor_ask_open(struct monitor_ask *a, struct plx_env *env)
{
	bool any = false;

	memset(a, 0, sizeof(*a));
	for (unsigned i = 0; i < env->nports; i++) {
		a->told[i].attached = a->said[i].attached = -1;
		any |= env->ports[i]->drv->attached || env->ports[i]->drv->repair || env->ports[i]->info.ifindex;
	}
	if (!any)
		return 0;
	a->env = env;
	a->fd = env->sys->eventfd(0, EFD_CLOEXEC);
	if (a->fd < 0)
		return -errno;
	int err = quiet_thread(env->sys, &a->thread, ask_main, a);

	a->spawned = !err;
	if (err)
		env->sys->close(a->fd);
	return err;
}

void monitor_ask_take(struct monitor_ask *a, struct monitor_sample *s)
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
void monitor_ask_close(struct monitor_ask *a)
{
	if (!a->spawned)
		return;
	__atomic_store_n(&a->quit, true, __ATOMIC_RELEASE); /* with ask_main */
	lcore_poke(a->env->sys, a->fd);
	pthread_join(a->thread, NULL);
	a->env->sys->close(a->fd);
	memset(a, 0, sizeof(*a));
}

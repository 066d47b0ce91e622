/* SPDX-License-Identifier: MIT */
/* port.c - opening a port by name or by the ladder, and what all drivers' ports have in
   common; cold; called by the main thread, the counters by any. */
#include "drivers.h"
#include "link_info.h"
#include "port_conf.h"
#include "sized.h"
#include "plx_text.h"
#include "doorbell.h"
#include "port_fit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 128 }; /* interfaces looked through for a suggestion */

static void *zalloc(size_t size)
{
	size = (size + PLX_CACHELINE - 1) & ~(size_t)(PLX_CACHELINE - 1);
	void *p = aligned_alloc(PLX_CACHELINE, size);
	return p ? memset(p, 0, size) : NULL;
}

/* ---- all ports of this process: what a child of fork must let go of ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plx_port *ports;

static void tell_drivers(enum plx_fork at)
{
	for (const struct plx_driver *const *d = plx_drivers; *d; d++)
		if ((*d)->fork)
			(*d)->fork(at);
}

static void fork_begins(void)
{
	pthread_mutex_lock(&lock);
	tell_drivers(PLX_FORK_BEFORE);
}

static void fork_ends(void)
{
	tell_drivers(PLX_FORK_AFTER);
	pthread_mutex_unlock(&lock);
}

/* The child has the descriptors of its parent, and would keep programs and queues alive when
   the parent is gone. */
static void forked(void)
{
	for (struct plx_port *p = ports; p; p = p->next) {
		p->started = false;
		p->forked = true;
		if (p->drv->forked)
			p->drv->forked(p);
	}
	tell_drivers(PLX_FORK_CHILD);
	pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
	pthread_atfork(fork_begins, fork_ends, forked);
}

static void list_add(struct plx_port *p)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&lock);
	p->next = ports;
	ports = p;
	pthread_mutex_unlock(&lock);
}

static void list_del(struct plx_port *p)
{
	pthread_mutex_lock(&lock);
	for (struct plx_port **at = &ports; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	pthread_mutex_unlock(&lock);
}

void plx_port_delete(struct plx_port *p)
{
	if (!p)
		return;
	list_del(p);
	for (uint16_t i = 0; p->rxq && i < p->nrx; i++)
		free(p->rxq[i]);
	for (uint16_t i = 0; p->txq && i < p->ntx; i++)
		free(p->txq[i]);
	free(p->rxq);
	free(p->txq);
	free(p);
}

static int make_queues(struct plx_port *p, size_t rxq_size, size_t txq_size)
{
	p->rxq = calloc(p->nrx + 1u, sizeof(*p->rxq)); /* a port may only send */
	p->txq = calloc(p->ntx + 1u, sizeof(*p->txq));
	if (!p->rxq || !p->txq)
		return -ENOMEM;
	for (uint16_t i = 0; i < p->nrx; i++) {
		struct plx_rxq *q = p->rxq[i] = zalloc(rxq_size);
		if (!q)
			return -ENOMEM;
		q->port = p;
		q->pool = p->pool;
		q->id = i;
		q->hwq = (uint16_t)(p->conf.queue + i);
		q->port_id = p->id;
	}
	for (uint16_t i = 0; i < p->ntx; i++) {
		struct plx_txq *q = p->txq[i] = zalloc(txq_size);
		if (!q)
			return -ENOMEM;
		q->port = p;
		q->pool = p->pool;
		q->id = i;
		q->hwq = (uint16_t)(p->conf.queue + i);
	}
	return 0;
}

struct plx_port *plx_port_new(const struct plx_driver *drv, const struct plx_port_conf *c,
                              size_t port_size, size_t rxq_size, size_t txq_size)
{
	PLX_ASSERT(drv && port_size >= sizeof(struct plx_port) && rxq_size >= sizeof(struct plx_rxq) &&
	           txq_size >= sizeof(struct plx_txq));
	struct plx_port *p = zalloc(port_size);

	if (p) {
		p->drv = drv;
		p->sys = c->sys;
		p->log = c->log;
		p->pool = c->pool;
		p->id = c->id;
		p->conf = *c;
		p->conf.link = NULL;
		snprintf(p->name, sizeof(p->name), "%.*s", PLX_NAME_MAX - 1, c->name);
		p->nrx = c->rxqs;
		p->ntx = c->txqs;
		p->info.driver = drv->name;
		p->info.node = -1;
		p->info.rxd = c->rxd;
		p->info.txd = c->txd;
		p->info.frames_held = plx_port_frames(c);
		if (!make_queues(p, rxq_size, txq_size)) {
			list_add(p);
			return p;
		}
		plx_port_delete(p);
	}
	plx_logf(c->log, PLX_LOG_ERROR,
	         "%s: %s: no memory for %u receive and %u transmit queues (ENOMEM): lower queues=", c->name, drv->name,
	         c->rxqs, c->txqs);
	return NULL;
}

/* ---- open ---- */

static bool ring_ok(uint32_t n)
{
	return n >= 64 && n <= PLX_RING_MAX && !(n & (n - 1));
}

/* What a conf made by hand can have wrong; the parser's is right already. */
static int check_conf(struct plx_port_conf *c)
{
	int err = port_conf_known(c);

	if (err) {
		plx_logf(c->log, PLX_LOG_ERROR, "plx_port_conf: %s", sized_why(err));
		return err;
	}
	c->rxd = c->rxd ? c->rxd : 2048;
	c->txd = c->txd ? c->txd : 2048;
	c->bind_timeout_ms = c->bind_timeout_ms ? c->bind_timeout_ms : 2000;
	c->stall_ms = c->stall_ms ? c->stall_ms : 1000;
	c->sys = c->sys ? c->sys : &plx_sys_linux;
	const struct plx_driver *drv = plx_driver_find(c->driver);
	const char *bad = !memchr(c->name, 0, sizeof(c->name)) || !*c->name ?
	                          "a name is missing: set name" :
	                  drv && !drv->device && strlen(c->name) >= PLX_NAME_MAX ?
	                          "a name that is no interface's has at most 63 bytes" :
	                  !c->pool                             ? "it has no frames: set pool" :
	                  !ring_ok(c->rxd) || !ring_ok(c->txd) ? "rxd= and txd= are powers of two in 64..65536" :
	                  c->rxqs > PLX_QUEUES_MAX || c->txqs > PLX_QUEUES_MAX ? "queues= is at most 256" :
	                  c->no_rx && c->rxqs                                  ? "no_rx leaves rxqs at 0" :
	                  c->stall_ms < PLX_STALL_MIN_MS                       ? "stall= is at least 100ms, or off" :
	                                                                         NULL;
	if (!bad)
		return 0;
	plx_logf(c->log, PLX_LOG_ERROR, "%.63s: %s (EINVAL)", c->name, bad);
	return -EINVAL;
}

/* misfit logs why, what port_fit found. */
static int misfit(const struct plx_port_conf *c, int err, const char *why)
{
	if (err)
		plx_logf(c->log, PLX_LOG_ERROR, "%s: %s", c->name, why);
	return err;
}

static int no_device(const struct plx_port_conf *c)
{
	static const struct plx_link_info none = { .ifindex = 0 };
	char names[NAMES_MAX][16], why[PORT_FIT_MAX];
	const char *words[NAMES_MAX];
	int n = plx_link_names(c->sys, names, NAMES_MAX);

	for (int i = 0; i < n; i++)
		words[i] = names[i];
	return misfit(c, port_fit_interface(c, &none, words, (size_t)n, why, sizeof(why)), why);
}

static int ask(const struct plx_port_conf *c, struct plx_link_info *li)
{
	int err = plx_link_query(c->sys, c->name, li);

	if (err == -ENODEV)
		return no_device(c);
	if (err)
		plx_logf(c->log, PLX_LOG_ERROR, "%s: cannot ask the kernel about it: %s: see ip link show %s", c->name,
		         strerrorname_np(-err), PLX_QUOTED(c->name));
	return err;
}

/* Counts that were left open become the device's; counts given are checked against it. */
static int resolve_queues(struct plx_port_conf *c, const struct plx_driver *drv, const struct plx_link_info *li)
{
	unsigned rx = port_left_queues(c, li, 'r'), tx = port_left_queues(c, li, 't');
	char why[PORT_FIT_MAX];

	rx = rx > PLX_QUEUES_MAX ? PLX_QUEUES_MAX : rx;
	tx = tx > PLX_QUEUES_MAX ? PLX_QUEUES_MAX : tx;
	c->rxqs = c->no_rx ? 0 : c->rxqs ? c->rxqs : (uint16_t)rx;
	if (!c->txqs)
		c->txqs = !c->no_rx && (c->rxqs < tx || (drv && drv->any_queues)) ? c->rxqs : (uint16_t)tx;
	if (drv && drv->any_queues)
		return 0;
	int err = port_fit_queues(c, li, 'r', why, sizeof(why));

	return misfit(c, err ? err : port_fit_queues(c, li, 't', why, sizeof(why)), why);
}

static int check_device(struct plx_port_conf *c, const struct plx_driver *drv, const struct plx_link_info *li)
{
	char why[PORT_FIT_MAX];
	int err = misfit(c, port_fit_interface(c, li, NULL, 0, why, sizeof(why)), why);

	if (err)
		return err;
	if (strcmp(li->name, c->name)) {
		plx_logf(c->log, PLX_LOG_NOTICE, "%s: given as %s, another name of it", li->name, c->name);
		snprintf(c->name, sizeof(c->name), "%s", li->name);
	}
	return resolve_queues(c, drv, li);
}

/* While the ladder is walked, a driver's refusal is a step, not yet an error. */
struct capture { const struct plx_log *to; char line[1024]; };

static void capture_line(void *arg, enum plx_log_level level, const char *line)
{
	struct capture *cap = arg;

	if (level == PLX_LOG_ERROR)
		snprintf(cap->line, sizeof(cap->line), "%s", line);
	else
		plx_logf(cap->to, level, "%s", line);
}

/* A lower rung is for what this kernel or device cannot, or this process may not.  It cures no mistake,
   it does not get what somebody else holds, and it hides what has run out. */
static bool goes_on(int err)
{
	return err == -EOPNOTSUPP || err == -EPERM || err == -EACCES;
}

static int open_ladder(struct plx_port **out, const struct plx_port_conf *conf, const struct plx_link_info *li)
{
	struct capture cap = { .to = conf->log };
	struct plx_log log = { capture_line, &cap, conf->log ? conf->log->level : PLX_LOG_ERROR };
	struct plx_port_conf c = *conf;
	char why[256] = "", lines[1024] = "";
	int err = -EOPNOTSUPP;

	c.log = &log;
	for (int i = 0; plx_drivers[i]; i++) {
		const struct plx_driver *drv = plx_drivers[i];
		if (!drv->device)
			continue;
		err = drv->open(out, &c, li);
		if (!err) {
			struct plx_port *p = *out;
			plx_text_add(why, sizeof(why), "%s", p->info.why);
			memcpy(p->info.why, why, sizeof(why));
			p->log = p->conf.log = conf->log;
			return 0;
		}
		plx_text_add(lines, sizeof(lines), "%s%s", *lines ? "; " : "", cap.line);
		if (!goes_on(err))
			break;
		plx_text_add(why, sizeof(why), "%s refused (%s), ", drv->name, strerrorname_np(-err));
		if (plx_drivers[i + 1] && plx_drivers[i + 1]->device)
			plx_logf(conf->log, PLX_LOG_WARN, "%s: trying driver=%s, since %s refused: %s", c.name,
			         plx_drivers[i + 1]->name, drv->name, cap.line);
	}
	plx_logf(conf->log, PLX_LOG_ERROR, "%s", lines);
	return err;
}

/* What plx_driver.h asks of open. */
static void check_made(const struct plx_port *p)
{
	PLX_ASSERT(p && p->nrx <= PLX_QUEUES_MAX && p->ntx && p->ntx <= PLX_QUEUES_MAX && !p->started && p->info.mode);
	for (uint16_t i = 0; i < p->nrx; i++)
		PLX_ASSERT(p->rxq[i]->burst && p->rxq[i]->id == i && p->rxq[i]->pool && !p->rxq[i]->user);
	for (uint16_t i = 0; i < p->ntx; i++)
		PLX_ASSERT(p->txq[i]->burst && p->txq[i]->id == i && p->txq[i]->pool && !p->txq[i]->pending);
}

int plx_port_open(struct plx_port **out, const struct plx_port_conf *conf)
{
	PLX_ASSERT(out && conf);
	return plx_port_open_known(out, conf, NULL);
}

int plx_port_open_known(struct plx_port **out, const struct plx_port_conf *conf, const struct plx_link_info *li)
{
	PLX_ASSERT(out && conf && (!li || li->ifindex));
	struct plx_port_conf c = *conf;
	struct plx_link_info asked;
	bool named = !plx_port_undecided(&c);
	bool aut = !named && c.mode == PLX_XDP_AUTO; /* a mode is af_xdp's: then there is no ladder to walk */
	const struct plx_driver *drv = aut ? NULL : plx_driver_find(named ? c.driver : "af_xdp");

	*out = NULL;
	int err = check_conf(&c);
	if (err)
		return err;
	if (!aut && !drv) {
		plx_logf(c.log, PLX_LOG_ERROR,
		         "%s: no driver \"%.15s\" (EINVAL): use auto, af_xdp, packet, loop or null", c.name, c.driver);
		return -EINVAL;
	}
	if (aut || drv->device) {
		if (!li && (err = ask(&c, &asked)))
			return err;
		li = li ? li : &asked;
		c.link = li;
		err = check_device(&c, drv, li);
		if (err)
			return err;
	}
	c.rxqs = c.no_rx ? 0 : c.rxqs ? c.rxqs : 1;
	c.txqs = c.txqs ? c.txqs : c.rxqs ? c.rxqs : 1;
	err = aut ? open_ladder(out, &c, li) : drv->open(out, &c, li);
	if (err)
		return err;
	const struct plx_port_info *in = &(*out)->info;
	check_made(*out);
	(*out)->link_said = (*out)->link;
	plx_logf(c.log, PLX_LOG_NOTICE, "%s: driver %s, %s, %u receive and %u transmit queues%s%s", c.name, in->driver,
	         in->mode, (*out)->nrx, (*out)->ntx, *in->why ? ": " : "", in->why);
	return 0;
}

void plx_port_handover(struct plx_port *p)
{
	PLX_ASSERT(p);
	for (uint16_t i = 0; i < p->nrx; i++)
		plx_rxq_handover(p->rxq[i]);
	for (uint16_t i = 0; i < p->ntx; i++)
		plx_txq_handover(p->txq[i]);
}

int plx_port_start(struct plx_port *p)
{
	PLX_ASSERT(p);
	if (p->started)
		return 0;
	if (p->forked)
		return plx_port_forked(p);
	plx_port_handover(p);
	int err = p->drv->start(p);

	if (err) {
		p->drv->stop(p);
		return err;
	}
	p->started = true;
	err = p->drv->steer ? p->drv->steer(p, true) : 0;
	if (err)
		plx_port_stop(p);
	return err;
}

int plx_port_forked(const struct plx_port *p)
{
	plx_logf(p->log, PLX_LOG_ERROR,
	         "%s: this process was forked after the port was opened (ECHILD): fork, or call daemon(), "
	         "first and open it then",
	         p->name);
	return -ECHILD;
}

/* Without link events a number that the kernel does not know any more is all that tells. */
static bool is_gone(const struct plx_port *p)
{
	char name[16];
	uint32_t index;

	return p->info.ifindex && !plx_link_named(p->sys, p->info.ifindex, name, p->name, &index) && !*name;
}

int plx_port_repair(struct plx_port *p)
{
	PLX_ASSERT(p);
	if (!p->started)
		return 0;
	if (plx_port_link(p) != PLX_LINK_REMOVED && is_gone(p))
		plx_port_set_link(p, PLX_LINK_REMOVED);
	return p->drv->repair ? p->drv->repair(p) : 0;
}

void plx_port_stop(struct plx_port *p)
{
	PLX_ASSERT(p);
	if (!p->started)
		return;
	p->started = false;
	p->drv->stop(p);
	plx_port_handover(p);
}

void plx_ports_stop(struct plx_port *const *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (p[i]->started && p[i]->drv->part)
			p[i]->drv->part(p[i]);
	while (n)
		plx_port_stop(p[--n]);
}

void plx_port_close(struct plx_port *p)
{
	if (!p || p->forked) /* its memory and descriptors are the parent's */
		return;
	plx_port_stop(p);
	for (uint16_t i = 0; i < p->ntx; i++)
		plx_tx_pending_del(p->txq[i]);
	p->drv->close(p);
}

/* ---- reading ---- */

/* The one behind the last is where loops end; what is beyond is a mistake, and one that is easily missed:
   a poller without a queue is none. */
static void no_queue(const struct plx_port *p, const char *dir, unsigned i, unsigned n)
{
	if (i > n)
		plx_logf(p->log, PLX_LOG_ERROR, "%s: there is no %s queue %u: it has %u, from 0", p->name, dir, i, n);
}

struct plx_rxq *plx_port_rxq(struct plx_port *p, uint16_t i)
{
	PLX_ASSERT(p);
	if (i < p->nrx)
		return p->rxq[i];
	no_queue(p, "receive", i, p->nrx);
	return NULL;
}

struct plx_txq *plx_port_txq(struct plx_port *p, uint16_t i)
{
	PLX_ASSERT(p);
	if (i < p->ntx)
		return p->txq[i];
	no_queue(p, "transmit", i, p->ntx);
	return NULL;
}

const struct plx_port_info *plx_port_info(const struct plx_port *p)
{
	PLX_ASSERT(p);
	return &p->info;
}

enum plx_link plx_port_link(const struct plx_port *p)
{
	PLX_ASSERT(p);
	return (enum plx_link)__atomic_load_n(&p->link, __ATOMIC_RELAXED);
}

void plx_port_set_link(struct plx_port *p, enum plx_link link)
{
	static const char *const words[] = { "down", "up", "removed: close the port" };

	PLX_ASSERT(p && link >= PLX_LINK_DOWN && link <= PLX_LINK_REMOVED);
	if (plx_port_link(p) == PLX_LINK_REMOVED)
		link = PLX_LINK_REMOVED;
	__atomic_store_n(&p->link, (uint32_t)link, __ATOMIC_RELEASE);
	if (link == PLX_LINK_REMOVED)
		__atomic_store_n(&p->wants_repair, true, __ATOMIC_RELEASE);
	if (__atomic_exchange_n(&p->link_said, (uint32_t)link, __ATOMIC_RELAXED) != (uint32_t)link)
		plx_logf(p->log, PLX_LOG_NOTICE, "%s: link %s", p->name, words[link]);
}

/* SPDX-License-Identifier: MIT */
/* frames.c - where frames stay: pools that have none left, and who holds them; transmit queues
   that take none any more; what was offered to a receive queue and is in no counter.  Cold; watch.
   Called by sample.c and judge.c. */
#include "env.h"
#include "monitor.h"
#include "plx_text.h"
#include <string.h>

/* ---- samples ---- */

/* Bursts that stopped short on q for want of a frame. */
static uint64_t starved_bursts(const struct plx_port *p)
{
	uint64_t n = 0;

	for (unsigned q = 0; q < p->ntx; q++)
		n += plx_ctr_read(&p->txq[q]->stats.stop[PLX_STOP_no_mbuf]);
	return n;
}

static void take_pool(struct monitor_pool *o, const struct monitor_sample *s, const struct plx_env *env,
                      const struct plx_pool *p)
{
	*o = (struct monitor_pool){ .frames = p->frames, .free = plx_pool_avail(p) };
	memcpy(o->name, p->name, sizeof(o->name));
	/* then all that is free stands in caches of threads, which the others cannot reach */
	o->dry = !(uint32_t)__atomic_load_n(&p->full, __ATOMIC_RELAXED) &&
	         !__atomic_load_n(&p->nloose, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < s->nports; i++) {
		const struct plx_port *port = env->ports[i];
		const struct monitor_port *t = &s->port[i];

		if (port->pool != p)
			continue;
		if (port->drv->held)
			port->drv->held(port, &o->rx, &o->tx);
		o->starved += starved_bursts(port) + t->waits + t->rx_drop[PLX_RX_DROP_no_mbuf] +
		              t->rx_drop[PLX_RX_DROP_fill_empty] + t->tx_drop[PLX_TX_DROP_no_mbuf];
	}
}

static void take_txqs(struct monitor_port *o, const struct plx_port *p)
{
	o->ntx = p->ntx;
	for (unsigned q = 0; q < p->ntx && q < PLX_QUEUES_MAX; q++) {
		const struct plx_txq *txq = p->txq[q];
		struct monitor_txq *t = &o->txq[q];

		t->pkts = plx_ctr_read(&txq->stats.pkts);
		t->err = __atomic_load_n(&txq->err, __ATOMIC_RELAXED);
		for (int r = 0; r < PLX_STOP_N; r++)
			t->stop[r] = plx_ctr_read(&txq->stats.stop[r]);
	}
}

void monitor_frames_take(struct monitor_sample *s, const struct plx_env *env)
{
	s->npools = env->npools;
	for (unsigned i = 0; i < s->nports; i++) {
		take_txqs(&s->port[i], env->ports[i]);
		s->port[i].repairs = plx_ctr_read(&env->ports[i]->repairs);
		s->port[i].zerocopy = __atomic_load_n(&env->ports[i]->info.caps, __ATOMIC_RELAXED) & PLX_PORT_ZEROCOPY;
		s->port[i].whole = __atomic_exchange_n(&env->ports[i]->whole, false, __ATOMIC_RELAXED);
		s->port[i].split = __atomic_load_n(&env->ports[i]->split, __ATOMIC_RELAXED);
		s->port[i].rungs_down = plx_ctr_read(&env->ports[i]->rungs_down);
	}
	for (unsigned i = 0; i < s->npools; i++)
		take_pool(&s->pool[i], s, env, env->pools[i]);
}

/* ---- pools ---- */

/* A pool whose free frames are all in caches serves those who have them there: it is empty for
   others if one of them missed some. */
static bool empty(const struct monitor_pool *was, const struct monitor_pool *is)
{
	return was->dry && is->dry && (is->free < PLX_BURST || monitor_grown(was->starved, is->starved));
}

static void judge_pool(struct monitor *t, unsigned i, const struct monitor_pool *was, const struct monitor_pool *is)
{
	const uint64_t told = (uint64_t)is->free + is->rx + is->tx, kept = told < is->frames ? is->frames - told : 0;
	const unsigned long long mib = t->plan->pools[i].bytes >> 20;
	struct finding *f;

	if (!empty(was, is))
		return;
	t->empty |= 1u << i;
	if (!(f = monitor_met(t, MONITOR_pool_empty, i, 1, "pool %s", is->name)))
		return;
	finding_evidence(f,
	                 "0 of %u frames can be had: %u are in caches of lcores, %u in receive rings, %u in transmit "
	                 "rings, and %llu with the application",
	                 is->frames, is->free, is->rx, is->tx, (unsigned long long)kept);
	if (kept >= is->frames / 8)
		finding_fix(f,
		            "have it put back what it need not keep (plx_mbuf_put, after a transmit burst for the tail "
		            "that was not taken), or give it more by -m; the plan has %llu MiB",
		            mib);
	else
		finding_fix(f,
		            "give it more by -m, of which the plan has %llu MiB, or use smaller rings by rxd= and txd=",
		            mib);
}

/* ---- transmit queues ---- */

/* Bursts that it took nothing of; a link that is down, or a pool without frames, is told as that. */
static uint64_t refused(const struct monitor_txq *was, const struct monitor_txq *is, int *most)
{
	uint64_t sum = 0, max = 0;

	for (int r = 0; r < PLX_STOP_N; r++) {
		const uint64_t n =
			r == PLX_STOP_link_down || r == PLX_STOP_no_mbuf ? 0 : monitor_grown(was->stop[r], is->stop[r]);

		*most = n > max ? r : *most;
		max = n > max ? n : max;
		sum += n;
	}
	return sum;
}

static void judge_txq(struct monitor *t, unsigned i, unsigned q, const struct monitor_txq *was,
                      const struct monitor_txq *is, uint64_t dt)
{
#define X(id, why) #id,
	static const char *const stops[] = { PLX_STOPS(X) };
#undef X
	const char *name = t->plan->ports[i].conf.name;
	int most = PLX_STOP_error;
	double rate = (double)refused(was, is, &most) * 1e9 / (double)dt;
	struct finding *f;

	if (was->err && is->err && rate < 1) /* an lcore may have given up */
		rate = 1;
	if (is->pkts != was->pkts || !(f = monitor_met(t, MONITOR_tx_stuck, i << 16 | q, rate,
	                                             "%s transmit queue %u", name, q)))
		return;
	finding_evidence(f, "it took no packet, and %.0f bursts a second ended with %s", rate, stops[most]);
	if (is->err)
		finding_evidence(f, "; its doorbell fails: %s (%d)", strerror(-is->err), is->err);
	if (is->err)
		finding_fix(f, "see dmesg and ip -s link show %s; if it does not pass, start the program again",
		            PLX_QUOTED(name));
	else
		finding_fix(f,
		            "see whether the device sends (ip -s link show %s) and its other end receives; let no two "
		            "lcores "
		            "send by one queue",
		            PLX_QUOTED(name));
}

static void judge_repairs(struct monitor *t, unsigned i, uint64_t was, uint64_t is)
{
	const char *name = t->plan->ports[i].conf.name;
	struct finding *f;

	if (!monitor_grown(was, is) || !(f = monitor_met(t, MONITOR_reopened, i, 1, "%s", name)))
		return;
	finding_evidence(f,
	                 "%llu of its queues were opened anew in this look, %llu since the start; what they "
	                 "held counts as tx_drop_closed and rx_drop_closed",
	                 (unsigned long long)(is - was), (unsigned long long)is);
	finding_fix(f, "see the log for the errno, dmesg, and who resets the device: ip monitor link dev %s",
	            PLX_QUOTED(name));
}

/* ---- receive queues ---- */

/* What stands in the ring at this moment is neither received nor lost, so one look tells nothing, and no less
   than a ring. */
static void judge_astray(struct monitor *t, unsigned i, unsigned q, int64_t was, int64_t is, uint32_t ring)
{
	const bool more = was > (int64_t)ring && is > (int64_t)ring, less = was < -(int64_t)ring && is < -(int64_t)ring;
	const char *name = t->plan->ports[i].conf.name;
	struct finding *f;

	if (!(more || less) || !(f = monitor_met(t, MONITOR_unaccounted, i << 16 | q, 1,
	                                       "%s queue %u", name, t->plan->ports[i].conf.queue + q)))
		return;
	if (more)
		finding_evidence(f, "%lld frames were offered to it and are "
		                 "neither received nor in a counter of drops; its ring has room for %u of them",
		                 (long long)is, ring - PLX_BURST_MAX);
	else
		finding_evidence(f, "%lld frames more are received or in counters "
		                 "of drops than were offered to it", -(long long)is);
	finding_fix(f, "look for a rule that sends frames to another queue "
	            "(ethtool -n %s), an MTU beyond a buffer, and another socket on the queue (ss --xdp -e -p)",
	            PLX_QUOTED(name));
}

/* Packets of all ports that share the interface of port i, and whether any may be a piece. */
static uint64_t received(const struct monitor *t, const struct monitor_sample *s, unsigned i, bool *whole)
{
	uint64_t n = 0;

	for (unsigned k = 0; k < s->nports; k++)
		if (t->plan->ports[k].link.ifindex == t->plan->ports[i].link.ifindex) {
			n += s->port[k].pkts;
			*whole |= s->port[k].whole;
		}
	return n;
}

/* Pieces that no IP header gives away are packets more than the NIC received.  A NIC that counts
   none of what goes to sockets, or little, is none that could tell. */
static void judge_count(struct monitor *t, unsigned i, const struct monitor_sample *s)
{
	enum { PIECES_MAX = 16 };
	const struct monitor_port *is = &s->port[i];
	struct monitor_count *c = &t->count[i];
	bool whole = false;
	const uint64_t pkts = received(t, s, i, &whole);

	if (!is->zerocopy || !is->counted_told || is->split || (c->looks && is->counted < c->was_counted)) {
		c->looks = c->over = 0;
		return;
	}
	if (!c->looks) {
		c->counted = is->counted;
		c->pkts = pkts;
	}
	const uint64_t counted = is->counted - c->counted;
	const uint64_t came = c->looks >= MONITOR_LATE ? monitor_grown(c->pkts, c->past[0]) : 0;

	memmove(c->past, c->past + 1, sizeof(c->past) - sizeof(c->past[0]));
	c->past[MONITOR_LATE - 1] = pkts;
	c->looks += c->looks < MONITOR_LATE;
	c->was_counted = is->counted;
	c->over = whole && came > counted && (pkts - c->pkts) / PIECES_MAX <= counted ? c->over + 1 : 0;
	c->split = c->over >= 2;
}

/* It stands as long as the port is open: what the program does is not what was planned. */
static void judge_split(struct monitor *t, unsigned i, const struct monitor_port *is)
{
	const struct plan_port *o = &t->plan->ports[i];
	const uint32_t frame = t->plan->frame_size;
	struct finding *f;

	if (!is->split || !(f = monitor_met(t, MONITOR_split_frames, i, 1, "%s", o->conf.name)))
		return;
	finding_evidence(f, "in zero-copy the NIC, driver %s, does not use all "
	                 "of a frame of %u bytes; %s",
	                 *o->link.kdriver ? o->link.kdriver : "unknown", frame,
	                 is->rungs_down ? "each frame is copied since" : "its queues are being opened anew for copies");
	finding_fix(f, "start with mode=native of --iface %s%s", PLX_QUOTED(o->conf.name),
	            frame < 4096 ? ", or try --frame-size 4096" : "");
}

void monitor_frames_judge(struct monitor *t, const struct monitor_sample *was, const struct monitor_sample *is,
                          uint64_t dt)
{
	t->empty = 0;
	for (unsigned i = 0; i < is->npools && i < was->npools; i++)
		judge_pool(t, i, &was->pool[i], &is->pool[i]);
	for (unsigned i = 0; i < is->nports; i++)
		for (unsigned q = 0; q < is->port[i].nrx && q < PLX_QUEUES_MAX; q++)
			judge_astray(t, i, q, was->port[i].astray[q], is->port[i].astray[q], is->port[i].ring);
	for (unsigned i = 0; i < is->nports; i++) {
		judge_repairs(t, i, was->port[i].repairs, is->port[i].repairs);
		judge_split(t, i, &is->port[i]);
		judge_count(t, i, is);
	}
	for (unsigned i = 0; i < is->nports; i++)
		for (unsigned q = 0; is->port[i].up && was->port[i].up && q < is->port[i].ntx && q < PLX_QUEUES_MAX;
		     q++)
			judge_txq(t, i, q, &was->port[i].txq[q], &is->port[i].txq[q], dt);
}

/* SPDX-License-Identifier: MIT */
/* txq.c - which lcore owns which transmit queue, and who sends through whom where a port has
   fewer of them than lcores.  Cold, pure; a step of plan_make, after the receive queues are placed.

   A queue has one owner, an owner may have several queues and sends by the first it was given. */
#include "plan.h"

static void give(struct plan_port *port, uint16_t q, uint16_t lcore)
{
	port->txq_lcore[q] = lcore;
	if (port->lcore_txq[lcore] == PLAN_NONE)
		port->lcore_txq[lcore] = q;
}

/* own_pairs: who polls a queue of the port sends by that of the same number, so that what is forwarded
   back out of it keeps to a pair of queues. */
static void own_pairs(struct plan_port *port)
{
	for (uint16_t q = 0; q < port->conf.rxqs && q < port->conf.txqs; q++)
		if (port->lcore_txq[port->rxq_lcore[q]] == PLAN_NONE)
			give(port, q, port->rxq_lcore[q]);
}

/* A queue that nobody has, the one of the lcore's own number rather than another; PLAN_NONE. */
static uint16_t free_queue(const struct plan_port *port, uint16_t lcore)
{
	if (lcore < port->conf.txqs && port->txq_lcore[lcore] == PLAN_NONE)
		return lcore;
	for (uint16_t q = 0; q < port->conf.txqs; q++)
		if (port->txq_lcore[q] == PLAN_NONE)
			return q;
	return PLAN_NONE;
}

/* own_more: then those that poll other ports, then workers that poll none, then service lcores. */
static void own_more(const struct plan *p, struct plan_port *port)
{
	for (unsigned turn = 0; turn < 3; turn++)
		for (uint16_t i = 0; i < p->nlcores; i++) {
			const struct plan_lcore *l = &p->lcores[i];
			uint16_t q = port->lcore_txq[i] == PLAN_NONE ? free_queue(port, i) : PLAN_NONE;

			if (q != PLAN_NONE && turn == (l->service ? 2 : l->queues ? 0 : 1))
				give(port, q, i);
		}
}

/* own_rest: a queue more than there are lcores goes to who polls that of its number. */
static void own_rest(const struct plan *p, struct plan_port *port)
{
	for (uint16_t q = 0; q < port->conf.txqs; q++)
		if (port->txq_lcore[q] == PLAN_NONE)
			give(port, q, q < port->conf.rxqs ? port->rxq_lcore[q] : q % p->nworkers);
}

/* through: an lcore without a queue sends by that of a worker which has the fewest to send for, of
   several one on its node. */
static void through(const struct plan *p, struct plan_port *port)
{
	unsigned senders[PLX_QUEUES_MAX] = { 0 };

	for (uint16_t i = 0; i < p->nlcores; i++) {
		unsigned best_cost = UINT32_MAX;
		uint16_t best = 0;

		if (port->lcore_txq[i] != PLAN_NONE)
			continue;
		for (uint16_t q = 0; q < port->conf.txqs; q++) {
			const struct plan_lcore *l = &p->lcores[port->txq_lcore[q]];
			unsigned cost = 2 * senders[q] + (l->node != p->lcores[i].node);

			if (!l->service && cost < best_cost) {
				best = q;
				best_cost = cost;
			}
		}
		port->lcore_txq[i] = best;
		senders[best]++;
	}
}

void plan_owners(struct plan_maker *m)
{
	struct plan *p = m->p;

	for (uint16_t i = 0; i < p->nports; i++) {
		struct plan_port *port = &p->ports[i];

		for (unsigned q = 0; q < PLX_QUEUES_MAX; q++)
			port->txq_lcore[q] = PLAN_NONE;
		for (unsigned k = 0; k < PLX_LCORES_MAX; k++)
			port->lcore_txq[k] = PLAN_NONE;
		own_pairs(port);
		own_more(p, port);
		own_rest(p, port);
		through(p, port);
	}
}

uint32_t plan_txq_ring(const struct plan_port *port)
{
	return port->conf.txd < PLAN_TXQ_RING ? port->conf.txd : PLAN_TXQ_RING;
}

uint32_t plan_txq_frames(const struct plan *p, const struct plan_port *port)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < p->nlcores; i++)
		n += p->lcores[i].queues && port->txq_lcore[port->lcore_txq[i]] != i;
	return n * (plan_txq_ring(port) + PLX_BURST);
}

/* SPDX-License-Identifier: MIT */
/* setup.c - which port sends to which, which transmit queue each lcore uses, and a poller for
   each; cold; called by main. */
#include "fwd.h"

#include <errno.h>
#include <stdlib.h>

#define ERROR(f, ...) plx_logf(plx_env_log((f)->env), PLX_LOG_ERROR, __VA_ARGS__)

enum { FRAME_MAX = 4096 }; /* of a pool, by --frame-size */

static uint16_t out_of(const struct fwd *f, uint16_t in)
{
	uint16_t n = plx_env_ports(f->env), other;

	if (f->conf.mode == FWD_ICMPECHO || f->conf.pairing == FWD_LOOP)
		return in;
	if (f->conf.pairing == FWD_CHAINED)
		return (uint16_t)((in + 1) % n);
	other = in ^ 1;
	return other < n ? other : in;
}

static void *zeroed(uint32_t n, size_t size)
{
	void *p = aligned_alloc(PLX_CACHELINE, n ? n * size : size);

	if (p)
		memset(p, 0, n ? n * size : size);
	return p;
}

/* ---- transmit queues: two lcores never share one ---- */

/* Queue q of the port is free for lcore l, by the paths before number n. */
enum use { FREE, OURS, THEIRS };
static enum use use_of(const struct fwd *f, uint32_t n, const struct plx_txq *q, const struct plx_lcore *l)
{
	for (uint32_t i = 0; i < n; i++)
		if (f->path[i].tx == q)
			return plx_env_rxq_lcore(f->env, f->path[i].rx) == l ? OURS : THEIRS;
	return FREE;
}

static struct plx_txq *pick(const struct fwd *f, uint32_t n, struct plx_port *out, bool share)
{
	const struct plx_rxq *rx = f->path[n].rx;
	const struct plx_lcore *l = plx_env_rxq_lcore(f->env, rx);
	struct plx_txq *same = plx_port_txq(out, rx->id);

	/* best the queue of the same number: on many devices a flow then keeps its queue */
	if (!share && same && use_of(f, n, same, l) != THEIRS)
		return same;
	for (enum use want = share ? OURS : FREE, other = share ? FREE : OURS;; want = other) {
		for (uint16_t q = 0; q < out->ntx; q++)
			if (use_of(f, n, plx_port_txq(out, q), l) == want)
				return plx_port_txq(out, q);
		if (want == other)
			return NULL;
	}
}

/* First one queue for each path; where they do not suffice, one for each lcore. */
static int pick_all(struct fwd *f)
{
	for (int share = 0; share < 2; share++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < f->npaths; i++)
			f->path[i].tx = NULL;
		for (; n < f->npaths; n++) {
			uint16_t in = f->path[n].rx->port->id;

			f->path[n].tx = pick(f, n, plx_env_port(f->env, out_of(f, in)), share);
			if (!f->path[n].tx)
				break;
		}
		if (n == f->npaths)
			return 0;
		if (share) {
			struct plx_port *out = plx_env_port(f->env, out_of(f, f->path[n].rx->port->id));

			ERROR(f, "%s: %u transmit queues are too few for the lcores that send to it, and two must not share one: "
			      "give its --iface more with txqs= (and the device with ethtool -L), or take fewer lcores with -l",
			      out->name, out->ntx);
		}
	}
	return -EINVAL;
}

/* ---- paths, generators, sinks ---- */

static uint32_t count_rxqs(const struct fwd *f)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		n += plx_env_port(f->env, i)->nrx;
	return n;
}

static int add_paths(struct fwd *f)
{
	uint32_t n = count_rxqs(f);
	int err;

	f->path = zeroed(n, sizeof(*f->path));
	if (!f->path)
		return -ENOMEM;
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		for (uint16_t q = 0; q < plx_env_port(f->env, i)->nrx; q++)
			f->path[f->npaths++].rx = plx_port_rxq(plx_env_port(f->env, i), q);
	err = pick_all(f);
	for (uint32_t i = 0; i < n && !err; i++) {
		struct fwd_path *p = &f->path[i];

		p->burst = f->conf.burst;
		p->retry = f->conf.retry;
		memcpy(p->mac.src, plx_port_info(p->tx->port)->mac, 6);
		memcpy(p->mac.dst, (uint8_t[6]){ 2, 0, 0, 0, 0, p->tx->port->id }, 6);
		if (f->conf.has_peer)
			memcpy(p->mac.dst, f->conf.peer_mac, 6);
		err = plx_poller_add(f->env, PLX_POLLER(.name = fwd_mode_name(f->conf.mode), .fn = fwd_mode_poll(f->conf.mode),
		                                        .arg = p, .rxq = p->rx));
	}
	return err;
}

static int add_sinks(struct fwd *f)
{
	uint32_t flows = f->conf.flows * plx_env_ports(f->env);
	int err = f->conf.verify ? verify_init(&f->verify, flows, f->ngens ? f->run : 0) : 0;

	f->sink = zeroed(count_rxqs(f), sizeof(*f->sink));
	if (!f->sink)
		return -ENOMEM;
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		for (uint16_t q = 0; q < plx_env_port(f->env, i)->nrx && !err; q++) {
			struct fwd_sink *s = &f->sink[f->nsinks++];

			*s = (struct fwd_sink){ .rx = plx_port_rxq(plx_env_port(f->env, i), q), .f = f };
			if (f->conf.verify && !(s->verify = calloc(1, sizeof(*s->verify))))
				return -ENOMEM;
			err = plx_poller_add(f->env, PLX_POLLER(.name = "sink", .fn = fwd_sink_poll, .arg = s, .rxq = s->rx));
		}
	return err;
}

/* A generated frame is one segment: it must fit a frame of the pool, and the device. */
static int check_lengths(const struct fwd *f, const struct plx_port *p)
{
	const struct fwd_lengths *l = &f->conf.lengths;
	uint32_t room = p->pool->frame_size - p->pool->data_off, most = plx_port_info(p)->max_len;

	if (most > room || !most)
		most = room;
	for (uint16_t i = 0; i < l->n; i++)
		if (l->of[i] > most) {
			ERROR(f, "%s: --length %u is more than %u, which %s: %s", p->name, l->of[i], most,
			      most == room ? "a frame of the pool has room for" : "the device sends",
			      l->of[i] + p->pool->data_off > FRAME_MAX ? "take shorter ones" :
			      most == room ? "take --frame-size 4096" : "raise its MTU (ip link), or take shorter ones");
			return -EINVAL;
		}
	return 0;
}

static int add_gens(struct fwd *f)
{
	uint16_t ports = plx_env_ports(f->env);
	uint32_t n = 0;
	int err = 0;

	for (uint16_t i = 0; i < ports; i++) {
		uint16_t ntx = plx_env_port(f->env, i)->ntx;

		n += ntx < f->conf.flows ? ntx : f->conf.flows;
		if (check_lengths(f, plx_env_port(f->env, i)))
			return -EINVAL;
	}
	f->gen = zeroed(n, sizeof(*f->gen));
	if (!f->gen)
		return -ENOMEM;
	for (uint16_t i = 0; i < ports; i++) {
		struct plx_port *p = plx_env_port(f->env, i);

		for (uint16_t q = 0; q < p->ntx && q < f->conf.flows && !err; q++)
			err = fwd_gen_init(&f->gen[f->ngens++], f, plx_port_txq(p, q), i);
	}
	for (uint32_t i = 0; i < f->ngens && !err; i++) {
		struct fwd_gen *g = &f->gen[i];
		struct plx_rxq *beside = plx_port_rxq(g->tx->port, g->tx->id % g->tx->port->nrx);

		fwd_gen_pace(g, plx_cycles_hz(f->env));
		if (f->conf.count)
			g->left = f->conf.count / f->ngens + (i < f->conf.count % f->ngens);
		err = plx_poller_add(f->env, &(struct plx_poller_conf){ .name = "generator", .fn = fwd_gen_poll, .arg = g,
			.lcore = plx_lcore_id(plx_env_rxq_lcore(f->env, beside)) });
	}
	return err;
}

int fwd_setup(struct fwd *f)
{
	int err = 0;

	if (!fwd_generates(&f->conf) && !fwd_sinks(&f->conf))
		err = add_paths(f);
	if (!err && fwd_generates(&f->conf))
		err = add_gens(f);
	if (!err && fwd_sinks(&f->conf))
		err = add_sinks(f);
	if (err == -ENOMEM)
		ERROR(f, "out of memory: take fewer --flows");
	return err;
}

void fwd_teardown(struct fwd *f)
{
	for (uint32_t i = 0; i < f->ngens; i++)
		free(f->gen[i].seq);
	for (uint32_t i = 0; i < f->nsinks; i++)
		free(f->sink[i].verify);
	verify_fini(&f->verify);
	free(f->gen);
	free(f->sink);
	free(f->path);
}

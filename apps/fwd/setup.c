/* SPDX-License-Identifier: MIT */
/* setup.c - which port sends to which, and a poller for each queue; cold; called by main. */
#include "fwd.h"

#include <errno.h>
#include <stdlib.h>

#define ERROR(f, ...) plx_logf(plx_env_log((f)->env), PLX_LOG_ERROR, __VA_ARGS__)

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

/* The queue that the lcore of rx sends by; of several the one of the same number, since on many
   devices a flow then keeps its queue. */
static struct plx_txq *txq_for(const struct fwd *f, const struct plx_rxq *rx, struct plx_port *out)
{
	const struct plx_lcore *l = plx_env_rxq_lcore(f->env, rx);
	struct plx_txq *same = plx_port_txq(out, rx->id);

	return same && plx_env_txq_lcore(f->env, same) == l ? same : plx_env_txq(f->env, out, plx_lcore_id(l));
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
	int err = 0;

	f->path = zeroed(n, sizeof(*f->path));
	if (!f->path)
		return -ENOMEM;
	for (uint16_t i = 0; i < plx_env_ports(f->env); i++)
		for (uint16_t q = 0; q < plx_env_port(f->env, i)->nrx; q++)
			f->path[f->npaths++].rx = plx_port_rxq(plx_env_port(f->env, i), q);
	for (uint32_t i = 0; i < n && !err; i++) {
		struct fwd_path *p = &f->path[i];

		p->tx = txq_for(f, p->rx, plx_env_port(f->env, out_of(f, p->rx->port->id)));
		if (!p->tx)
			return -ENOMEM;
		p->burst = f->conf.burst;
		p->retry = f->conf.retry;
		memcpy(p->mac.src, plx_port_info(p->tx->port)->mac, 6);
		memcpy(p->mac.dst, (uint8_t[6]){ 2, 0, 0, 0, 0, p->tx->port->id }, 6);
		if (f->conf.has_peer)
			memcpy(p->mac.dst, f->conf.peer_mac, 6);
		err = plx_poller_add(f->env, PLX_POLLER(.name = fwd_mode_name(f->conf.mode),
		                                        .fn = fwd_mode_poll(f->conf.mode), .arg = p, .rxq = p->rx));
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
			err = plx_poller_add(f->env,
			                     PLX_POLLER(.name = "sink", .fn = fwd_sink_poll, .arg = s, .rxq = s->rx));
		}
	return err;
}

/* A frame longer than one of the pool is made of several; what the device sends is the limit. */
static int check_lengths(const struct fwd *f, const struct plx_port *p)
{
	const struct fwd_lengths *l = &f->conf.lengths;
	const struct plx_port_info *in = plx_port_info(p);

	for (uint16_t i = 0; i < l->n; i++)
		if (in->max_len && l->of[i] > in->max_len) {
			ERROR(f, "%s: --length %u is more than the %u bytes that it sends: %s, or take shorter ones",
			      p->name, l->of[i], in->max_len,
			      in->max_len < in->mtu ? "take --frame-size 4096" : "raise its MTU (ip link)");
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
		fwd_gen_pace(g, plx_cycles_hz(f->env));
		if (f->conf.count)
			g->left = f->conf.count / f->ngens + (i < f->conf.count % f->ngens);
		err = plx_poller_add(
			f->env, &(struct plx_poller_conf){ .name = "generator",
		                                           .fn = fwd_gen_poll,
		                                           .arg = g,
		                                           .lcore = plx_lcore_id(plx_env_txq_lcore(f->env, g->tx)) });
	}
	return err;
}

static void warn_of_deaf_ports(const struct fwd *f)
{
	for (uint16_t i = 0; i < plx_env_ports(f->env) && f->conf.mode != FWD_TXONLY; i++) {
		const struct plx_port *p = plx_env_port(f->env, i);

		if (p->nrx && p->conf.steer == PLX_STEER_NONE)
			plx_logf(plx_env_log(f->env), PLX_LOG_WARN,
			         "%s: steer=none: nothing is received: leave it out, or use "
			         "rxqs=0 for a port that only sends",
			         p->name);
	}
}

int fwd_setup(struct fwd *f)
{
	int err = 0;

	warn_of_deaf_ports(f);
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
		fwd_gen_free(&f->gen[i]);
	for (uint32_t i = 0; i < f->nsinks; i++)
		free(f->sink[i].verify);
	verify_fini(&f->verify);
	free(f->gen);
	free(f->sink);
	free(f->path);
}

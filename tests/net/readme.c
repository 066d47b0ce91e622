#include <pollux/plx.h>
#include <errno.h>
#include <stdio.h>

struct fwd { struct plx_rxq *rx; struct plx_txq *tx; };

static int fwd_poll(void *arg)                  /* runs on the lcore of its queue, for ever */
{
	struct fwd *f = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(f->rx, m, PLX_BURST);
	uint16_t k = plx_tx_burst(f->tx, m, n);
	plx_mbuf_put_bulk(m + k, n - k);        /* what was not taken is still ours */
	return n;                               /* 0 = idle */
}

int main(int argc, char **argv)                 /* ./fwd -l 0-1 --iface eth1 [--iface eth2] */
{
	static struct fwd fwd[PLX_PORTS_MAX * PLX_QUEUES_MAX], *f = fwd; /* one for each receive queue */
	struct plx_env *env;
	int err = plx_env_init(&env, argc, argv);   /* the reason of an error went to standard error */
	if (err)
		return plx_exit_code(err);
	for (uint16_t i = 0; i < plx_env_ports(env) && !err; i++) {
		struct plx_port *in = plx_env_port(env, i), *out = plx_env_port(env, i ^ 1);
		struct plx_rxq *rx;                 /* ports go in pairs; a last one sends to itself */
		for (uint16_t q = 0; (rx = plx_port_rxq(in, q)) && !err; q++, f++) {
			uint16_t lcore = plx_lcore_id(plx_env_rxq_lcore(env, rx)); /* two never send by one queue */
			*f = (struct fwd){ rx, plx_env_txq(env, out ? out : in, lcore) };
			err = f->tx ? plx_poller_add(env, PLX_POLLER(.name = "fwd", .fn = fwd_poll,
			                                             .arg = f, .rxq = rx)) : -ENOMEM;
		}
	}
	if (!err && f == fwd) {
		fprintf(stderr, "fwd: nothing to receive: give a port by --iface NAME, without rxqs=0\n");
		err = -EINVAL;
	}
	if (!err)
		err = plx_env_run(env);             /* until Ctrl-C or a fatal fault */
	plx_env_fini(env);
	return plx_exit_code(err);
}

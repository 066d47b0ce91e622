/* SPDX-License-Identifier: MIT */
/* l2fwd.c - the tutorial: forwards Ethernet frames between pairs of ports.

     plx-l2fwd -l 0-1 --iface eth0 --iface eth1          eth0 <-> eth1, each queue on an lcore
     plx-l2fwd --iface eth0                              one port: everything goes back out of it

   Read it from main() downwards: open an environment, register one poll function for each
   receive queue, run until Ctrl-C, print what the ports counted.  Like DPDK's l2fwd it
   writes the sending port's address as source and 02:00:00:00:00:<port> as destination. */
#include <pollux/plx.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* All that one poller needs.  It is written by the lcore of its queue only, so it needs no
   lock, and it stands on a cache line of its own, so no other lcore slows it down. */
struct path {
	_Alignas(PLX_CACHELINE) struct plx_rxq *rx;
	struct plx_txq *tx;
	struct plx_ethhdr  eth;     /* the addresses to write */
	plx_ctr         dropped; /* one writer, this lcore; main() reads it */
};

/* The poll function.  Its lcore calls it again and again; it must not block. */
static int l2fwd_poll(void *arg)
{
	struct path *p = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n, sent;

	/* Up to PLX_BURST frames that have arrived, without waiting.  They are ours now. */
	n = plx_rx_burst(p->rx, m, PLX_BURST);
	if (n == 0)
		return 0; /* nothing to do: the lcore may sleep, if --idle says so */

	/* A frame may be shorter than an Ethernet header only if its sender forged it. */
	for (uint16_t i = 0; i < n; i++)
		if (m[i]->len >= PLX_ETH_LEN)
			memcpy(m[i]->data, &p->eth, 12);

	/* Offer them all.  What is taken, m[0] to m[sent - 1], belongs to the driver from here on.
	   The rest is still ours: this program drops it, others may try again. */
	sent = plx_tx_burst(p->tx, m, n);
	if (sent < n) {
		plx_mbuf_put_bulk(m + sent, n - sent);
		plx_ctr_add(&p->dropped, n - sent);
	}
	return n; /* work was done: poll again at once */
}

/* Port 0 is paired with 1, 2 with 3, ...; a last one without a partner with itself. */
static uint16_t partner(const struct plx_env *env, uint16_t i)
{
	uint16_t other = i ^ 1;

	return other < plx_env_ports(env) ? other : i;
}

/* One poller for each receive queue of port i; the plan has chosen the lcore of each queue. */
static int add_pollers(struct plx_env *env, uint16_t i, struct path *p)
{
	struct plx_port *in = plx_env_port(env, i), *out = plx_env_port(env, partner(env, i));

	for (uint16_t q = 0; q < in->nrx; q++, p++) {
		int err;

		p->rx = plx_port_rxq(in, q);
		/* the queue by which this lcore sends to that port; two lcores never share one */
		p->tx = plx_env_txq(env, out, plx_lcore_id(plx_env_rxq_lcore(env, p->rx)));
		if (!p->tx)
			return -ENOMEM; /* the log says why */
		memcpy(p->eth.src, plx_port_info(out)->mac, 6);
		memcpy(p->eth.dst, (uint8_t[6]){ 2, 0, 0, 0, 0, out->id }, 6);
		err = plx_poller_add(env, PLX_POLLER(.name = "l2fwd", .fn = l2fwd_poll, .arg = p, .rxq = p->rx));
		if (err)
			return err;
	}
	return 0;
}

/* A report, not printf(): it never waits for whoever reads standard output. */
static void print_stats(struct plx_env *env, const struct plx_port *port, const struct path *p)
{
	struct plx_port_stats s;
	uint64_t dropped = 0;
	char line[512];

	for (uint16_t q = 0; q < port->nrx; q++)
		dropped += plx_ctr_read(&p[q].dropped);
	plx_port_stats(port, &s);
	snprintf(line, sizeof(line), "%s (%s, %s): received %" PRIu64 " packets, %" PRIu64 " bytes; sent %" PRIu64
	         " packets, %" PRIu64 " bytes; not forwarded %" PRIu64 ", lost %" PRIu64 "\n", port->name,
	         plx_port_info(port)->driver, plx_port_info(port)->mode, s.rx.pkts, s.rx.bytes, s.tx.pkts, s.tx.bytes,
	         dropped, plx_rx_drops(&s.rx) + plx_tx_drops(&s.tx));
	plx_env_report(env, line);
}

int main(int argc, char **argv)
{
	struct plx_env *env;
	struct path (*paths)[PLX_QUEUES_MAX]; /* by port and receive queue */
	unsigned queues = 0;
	int err = plx_env_init(&env, argc, argv); /* reads -l, --iface, ...; the reason of an error is told */

	if (err)
		return plx_exit_code(err);
	paths = aligned_alloc(PLX_CACHELINE, sizeof(*paths) * (plx_env_ports(env) + 1u));
	err = paths ? 0 : -ENOMEM;
	if (paths)
		memset(paths, 0, sizeof(*paths) * plx_env_ports(env));
	for (uint16_t i = 0; i < plx_env_ports(env) && !err; i++) {
		err = add_pollers(env, i, paths[i]);
		queues += plx_env_port(env, i)->nrx;
	}
	if (!err && !queues) {
		fprintf(stderr, "plx-l2fwd: nothing to receive: give a port by --iface NAME, without rxqs=0\n");
		err = -EINVAL; /* exit code 2 */
	}
	if (!err)
		err = plx_env_run(env); /* until Ctrl-C or a fault */
	for (uint16_t i = 0; i < plx_env_ports(env) && queues; i++)
		print_stats(env, plx_env_port(env, i), paths[i]);
	if (plx_env_report_flush(env, 1000000000) && !err)
		err = -EIO; /* lost output is an error; a reader that takes nothing for a second is not waited for */
	plx_env_fini(env); /* may be called after any failure; undoes everything */
	free(paths);
	return plx_exit_code(err);
}

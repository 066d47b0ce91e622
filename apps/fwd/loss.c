/* SPDX-License-Identifier: MIT */
/* loss.c - the packets of a run that are lost by counters with a name, and by which most of them; cold; the main
   thread's, once its lcores stand still.

   What stood in receive rings when the ports stopped (rx closed) is no loss of the run: whenever a run ends while
   frames come, some came too late for it.  The same goes for transmit rings (tx closed) of a run that forwards, and
   of one that a signal ended; a generator that ends by itself had its time to send. */
#include "report.h"

#include <inttypes.h>

struct losses {
	struct result *x;
	uint64_t most;
};

static void lose(struct losses *l, const char *port, const char *dir, const char *name, const char *why, uint64_t n)
{
	l->x->told += n;
	if (n <= l->most)
		return;
	l->most = n;
	l->x->most[0] = 0;
	plx_text_add(l->x->most, sizeof(l->x->most), "%" PRIu64 " by %s %s_%s: %s", n, port, dir, name, why);
}

static void port_losses(struct losses *l, const struct fwd *f, const struct plx_port *p)
{
#define X(id, why) #id,
	static const char *const rx[] = { PLX_RX_DROPS(X) }, *const tx[] = { PLX_TX_DROPS(X) };
#undef X
	const bool late = l->x->interrupted || !f->ngens;
	struct plx_port_stats s;

	plx_port_stats(p, &s);
	for (int i = 0; i < PLX_RX_DROP_N; i++)
		if (i != PLX_RX_DROP_closed)
			lose(l, p->name, "rx_drop", rx[i], plx_rx_drop_why((enum plx_rx_drop)i), s.rx.drop[i]);
	for (int i = 0; i < PLX_TX_DROP_N; i++)
		if (i != PLX_TX_DROP_closed || !late)
			lose(l, p->name, "tx_drop", tx[i], plx_tx_drop_why((enum plx_tx_drop)i), s.tx.drop[i]);
	l->x->asked += f->ngens ? s.tx.pkts + plx_tx_drops(&s.tx) :
	               s.rx.pkts + plx_rx_drops(&s.rx) - s.rx.drop[PLX_RX_DROP_closed];
}

uint64_t report_tx_full(const struct fwd *f, const struct plx_port *p)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->npaths; i++)
		n += f->path[i].tx->port == p ? plx_ctr_read(&f->path[i].dropped) : 0;
	return n;
}

void report_losses(const struct fwd *f, struct result *x)
{
	struct losses l = { .x = x };

	for (uint16_t i = 0; i < plx_env_ports(f->env); i++) {
		const struct plx_port *p = plx_env_port(f->env, i);

		port_losses(&l, f, p);
		lose(&l, p->name, "tx", "full", TX_FULL_WHY ": raise --retry or txd=", report_tx_full(f, p));
	}
}

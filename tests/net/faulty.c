/* SPDX-License-Identifier: MIT */
/* faulty.c - a program with a mistake, which the variable FAULT names: keep = it gives no frame back that
   it receives, crash = it uses a pointer that is none, twice = it gives each frame back twice.
   Run by test_faulty.sh. */
#include <pollux/plx.h>
#include <stdlib.h>
#include <string.h>

struct faulty { struct plx_rxq *rx; const char *fault; };

static uint8_t *volatile nowhere = (uint8_t *)0x18;

static int faulty_poll(void *arg)
{
	struct faulty *f = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(f->rx, m, PLX_BURST);

	if (n && !strcmp(f->fault, "crash"))
		*nowhere = m[0]->data[0];
	if (!strcmp(f->fault, "keep"))
		return n;
	plx_mbuf_put_bulk(m, n);
	if (n && !strcmp(f->fault, "twice"))
		plx_mbuf_put(m[0]);
	return n;
}

int main(int argc, char **argv)
{
	struct faulty f = { .fault = getenv("FAULT") ? getenv("FAULT") : "" };
	struct plx_env *env;
	int err = plx_env_init(&env, argc, argv);

	if (err)
		return plx_exit_code(err);
	f.rx = plx_port_rxq(plx_env_port(env, 0), 0);
	err = plx_poller_add(env, PLX_POLLER(.name = "faulty", .fn = faulty_poll, .arg = &f, .rxq = f.rx));
	if (!err)
		err = plx_env_run(env);
	plx_env_fini(env);
	return plx_exit_code(err);
}

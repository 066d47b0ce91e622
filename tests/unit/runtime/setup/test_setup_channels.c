/* SPDX-License-Identifier: MIT */
/* test_setup_channels.c - how many channels an interface should have for what a port asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *what, *driver;
	uint16_t queue, rxqs, txqs;
	int rx, tx, combined, rx_max, tx_max, combined_max; /* of the device */
	int rss, nrxqs, ntxqs;
	int ret, want_rx, want_tx, want_combined;
} channels_case[] = {
	{ "enough",                    "",       0, 2, 2, 0, 0, 4, 0, 0, 8,    128, 4, 4, 1, 0, 0, 4 },
	{ "more receive queues",       "af_xdp", 0, 6, 2, 0, 0, 4, 0, 0, 8,    128, 4, 4, 0, 0, 0, 6 },
	{ "more, from queue 2 on",     "auto",   2, 4, 0, 0, 0, 4, 0, 0, 8,    128, 4, 4, 0, 0, 0, 6 },
	{ "more transmit queues",      "",       0, 1, 7, 0, 0, 4, 0, 0, 8,    128, 4, 4, 0, 0, 0, 7 },
	{ "the most there can be",     "",       0, 8, 8, 0, 0, 4, 0, 0, 8,    128, 4, 4, 0, 0, 0, 8 },
	{ "beyond it",                 "",       0, 9, 1, 0, 0, 4, 0, 0, 8,    128, 4, 4, -ERANGE, 0, 0, 0 },
	{ "beyond it by queue=",       "",       8, 1, 1, 0, 0, 4, 0, 0, 8,    128, 4, 4, -ERANGE, 0, 0, 0 },
	{ "transmit queues beyond it", "",       0, 1, 9, 0, 0, 4, 0, 0, 8,    128, 4, 4, -ERANGE, 0, 0, 0 },
	{ "all there are",             "",       0, 0, 0, 0, 0, 4, 0, 0, 8,    128, 4, 4, 1, 0, 0, 4 },
	{ "fewer, no table: lowered",  "",       0, 2, 2, 0, 0, 4, 0, 0, 8,    0, 4, 4, 0, 0, 0, 2 },
	{ "no table, not so low",      "",       0, 2, 3, 0, 0, 4, 0, 0, 8,    0, 4, 4, 0, 0, 0, 3 },
	{ "no table, all are meant",   "",       0, 0, 0, 0, 0, 4, 0, 0, 8,    0, 4, 4, 1, 0, 0, 4 },
	{ "no table, just right",      "",       0, 4, 4, 0, 0, 4, 0, 0, 8,    0, 4, 4, 1, 0, 0, 4 },
	{ "apart: as it is",           "",       0, 4, 4, 4, 4, 0, 4, 4, 0,    64, 4, 4, 1, 4, 4, 0 },
	{ "apart: receive raised",     "",       0, 3, 1, 2, 2, 0, 4, 4, 0,    64, 2, 2, 0, 3, 2, 0 },
	{ "apart: both raised",        "",       1, 3, 3, 2, 2, 0, 4, 4, 0,    64, 2, 2, 0, 4, 4, 0 },
	{ "apart: transmit as can be", "",       0, 4, 0, 2, 2, 0, 4, 3, 0,    64, 2, 2, 0, 4, 3, 0 },
	{ "apart: receive lowered",    "",       0, 1, 1, 4, 4, 0, 4, 4, 0,    0, 4, 4, 0, 1, 4, 0 },
	{ "apart: beyond it",          "",       0, 5, 1, 4, 4, 0, 4, 4, 0,    0, 4, 4, -ERANGE, 0, 0, 0 },
	{ "some shared, some apart",   "",       0, 6, 4, 2, 0, 4, 2, 0, 8,    64, 6, 4, 1, 2, 0, 4 },
	{ "shared ones are raised",    "",       0, 7, 4, 2, 0, 4, 2, 0, 8,    64, 6, 4, 0, 2, 0, 5 },
	{ "no channels: enough",       "",       0, 4, 4, -1, -1, -1, -1, -1, -1, 0, 4, 4, 1, 0, 0, 0 },
	{ "no channels: too few",      "",       0, 5, 4, -1, -1, -1, -1, -1, -1, 0, 4, 4, -ERANGE, 0, 0, 0 },
	{ "packet needs none",         "packet", 0, 32, 32, 0, 0, 4, 0, 0, 8,  0, 4, 4, 1, 0, 0, 0 },
	{ "memory has none",           "loop",   0, 32, 32, 0, 0, 4, 0, 0, 8,  0, 4, 4, 1, 0, 0, 0 },
};

static void channels_want(void **state)
{
	struct iface *l = malloc(sizeof(*l));

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(channels_case); i++) {
		const typeof(channels_case[0]) *k = &channels_case[i];
		struct plx_port_conf c = { .queue = k->queue, .rxqs = k->rxqs, .txqs = k->txqs };
		int rx = 0, tx = 0, combined = 0;

		snprintf(c.driver, sizeof(c.driver), "%s", k->driver);
		iface_link_init(l);
		l->ch_rx = k->rx, l->ch_tx = k->tx, l->ch_combined = k->combined;
		l->ch_rx_max = k->rx_max, l->ch_tx_max = k->tx_max, l->ch_combined_max = k->combined_max;
		l->rss_size = k->rss;
		l->nrxqs = (uint16_t)k->nrxqs, l->ntxqs = (uint16_t)k->ntxqs;
		int ret = setup_channels_want(&c, l, &rx, &tx, &combined);
		bool fits = ret == k->ret &&
		            (ret < 0 || (rx == k->want_rx && tx == k->want_tx && combined == k->want_combined));
		if (!fits)
			print_error("%s: %d, rx %d tx %d combined %d\n", k->what, ret, rx, tx, combined);
		assert_true(fits);
	}
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(channels_want) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

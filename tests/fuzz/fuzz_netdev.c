/* SPDX-License-Identifier: MIT */
/* fuzz_netdev.c - any bytes as answers of the `netdev` family (fake.h): messages one by one, twice, and of
   another interface; and the conversation of discovery. */
#include "fuzz_nl.h"
#include "netdev_uapi.h"

#include <linux/genetlink.h>

enum { IFINDEX = 5 };

static struct iface link_, again;

static void start(struct iface *l)
{
	fresh(l);
	l->ifindex = IFINDEX;
	l->nrxqs = l->ntxqs = 4;
	for (int32_t i = 0; i < 4; i++)
		l->rxq[i].napi = l->txq[i].napi = 100 + i;
}

static void check(const struct iface *l)
{
	check_link(l);
	for (unsigned i = 0; i < l->nrxqs || i < l->ntxqs; i++) {
		const struct iface_queue *both[2] = { &l->rxq[i], &l->txq[i] };

		for (int k = 0; k < 2; k++) {
			MUST(both[k]->napi >= -1 && both[k]->irq >= -1 && both[k]->xsk >= -1 && both[k]->xsk <= 1);
			MUST((both[k]->how == IFACE_IRQ_NAPI) == (both[k]->irq >= 0));
		}
	}
}

static void one(const struct nlmsghdr *h, struct iface *l)
{
	start(l);
	start(&again);
	bool is = iface_netdev_parse(h, l);

	check(l);
	MUST(iface_netdev_parse(h, &again) == is && !memcmp(l, &again, sizeof(again)));
	if (is)
		return;
	start(&again); /* of another interface: nothing of its queues */
	MUST(!memcmp(l->rxq, again.rxq, sizeof(again.rxq)) && !memcmp(l->txq, again.txq, sizeof(again.txq)));
	MUST(l->nrxqs == again.nrxqs && l->ntxqs == again.ntxqs && !l->xdp_told && !l->xdp_features);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct genl_family netdev = { one, start, iface_netdev, check };

	fake_begin();
	genl_answers(&netdev, &link_, data, size);
	fake_end();
	return 0;
}

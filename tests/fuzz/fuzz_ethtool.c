/* SPDX-License-Identifier: MIT */
/* fuzz_ethtool.c - any bytes as ethtool's answers (fake.h): messages one by one, twice; the conversation of
   discovery; and the ioctls it falls back on. */
#include "fuzz_nl.h"

#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

static struct disco_link link_, again;

static void one(const struct nlmsghdr *h, struct disco_link *l)
{
	fresh(l);
	fresh(&again);
	bool is = disco_ethtool_parse(h, l);

	check_link(l);
	check_rss(l);
	MUST(disco_ethtool_parse(h, &again) == is);
	MUST(!memcmp(l, &again, sizeof(again)));
	if (!is) { /* what is none leaves no trace */
		fresh(&again);
		MUST(!memcmp(l, &again, sizeof(again)));
	}
}

static void datagram(void *arg, void *bytes, size_t len)
{
	(void)arg;
	each_message(bytes, len, one, &link_);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlq q;

	fake_begin();
	fake_answers(data, size);
	fake_each(datagram, NULL);
	fresh(&link_);
	link_.ifindex = 5;
	MUST(!nlq_open(&q, &fake_sys, NETLINK_GENERIC));
	disco_ethtool(&q, &link_);
	nlq_close(&q);
	check_link(&link_);
	check_rss(&link_);
	disco_ioctl(&fake_sys, &link_);
	check_link(&link_);
	check_rss(&link_);
	fake_end();
	return 0;
}

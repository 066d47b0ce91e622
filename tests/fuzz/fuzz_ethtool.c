/* SPDX-License-Identifier: MIT */
/* fuzz_ethtool.c - any bytes as ethtool's answers (fake.h): messages one by one, twice; the conversation of
   discovery; and the ioctls it falls back on. */
#include "fuzz_nl.h"

#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

static struct disco_link link_, again;

static void check(const struct disco_link *l)
{
	check_link(l);
	check_rss(l);
}

static void one(const struct nlmsghdr *h, struct disco_link *l)
{
	fresh(l);
	fresh(&again);
	bool is = disco_ethtool_parse(h, l);

	check(l);
	MUST(disco_ethtool_parse(h, &again) == is);
	MUST(!memcmp(l, &again, sizeof(again)));
	if (!is) { /* what is none leaves no trace */
		fresh(&again);
		MUST(!memcmp(l, &again, sizeof(again)));
	}
}

static void begin(struct disco_link *l)
{
	fresh(l);
	l->ifindex = 5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct genl_family ethtool = { one, begin, disco_ethtool, check };

	fake_begin();
	genl_answers(&ethtool, &link_, data, size);
	disco_ioctl(&fake_sys, &link_);
	check(&link_);
	fake_end();
	return 0;
}

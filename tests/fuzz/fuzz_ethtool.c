/* SPDX-License-Identifier: MIT */
/* fuzz_ethtool.c - any bytes as ethtool's answers (fake.h): messages one by one, twice; the conversation of
   discovery; and the ioctls it falls back on. */
#include "fuzz_nl.h"

#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

static struct iface link_, again;

static void check(const struct iface *l)
{
	check_link(l);
	check_rss(l);
}

static void one(const struct nlmsghdr *h, struct iface *l)
{
	fresh(l);
	fresh(&again);
	bool is = iface_ethtool_parse(h, l);

	check(l);
	MUST(iface_ethtool_parse(h, &again) == is);
	MUST(!memcmp(l, &again, sizeof(again)));
	if (!is) { /* what is none leaves no trace */
		fresh(&again);
		MUST(!memcmp(l, &again, sizeof(again)));
	}
}

static void begin(struct iface *l)
{
	fresh(l);
	l->ifindex = 5;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct genl_family ethtool = { one, begin, iface_ethtool, check };

	fake_begin();
	genl_answers(&ethtool, &link_, data, size);
	iface_ioctl(&fake_sys, &link_);
	check(&link_);
	fake_end();
	return 0;
}

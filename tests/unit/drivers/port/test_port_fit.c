/* SPDX-License-Identifier: MIT */
/* test_port_fit.c - a port's configuration against its interface: what fits, and the words for what does not. */
#include "port_fit.h"

#include <errno.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct plx_port_conf c;
static struct plx_link_info li;
static char why[PORT_FIT_MAX];

static int begin(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	snprintf(c.name, sizeof(c.name), "eth0");
	li = (struct plx_link_info){ .name = "eth0",
		                     .ifindex = 2,
		                     .up = true,
		                     .type = ARPHRD_ETHER,
		                     .rxqs = 4,
		                     .txqs = 2,
		                     .rxqs_max = 8,
		                     .txqs_max = 2 };
	return 0;
}

static void test_interface(void **state)
{
	static const char *const names[] = { "lo", "eth1" };

	(void)state;
	assert_int_equal(port_fit_interface(&c, &li, names, 2, why, sizeof(why)), 0);
	assert_string_equal(why, "");
	li.up = false;
	assert_int_equal(port_fit_interface(&c, &li, names, 2, why, sizeof(why)), -ENETDOWN);
	assert_string_equal(why, "the interface is down (ENETDOWN): ip link set eth0 up");
	li.type = ARPHRD_NONE;
	li.headless = true; /* goes before: to set it up would not help */
	assert_int_equal(port_fit_interface(&c, &li, names, 2, why, sizeof(why)), -EOPNOTSUPP);
	assert_non_null(strstr(why, "no Ethernet header"));
}

static void test_none(void **state)
{
	static const struct { const char *name, *words;
	} rows[] = {
		{ "eth0", "no such interface (ENODEV), did you mean --iface eth1? ip link lists them" },
		{ "nothinglikeit",
		  "no such interface (ENODEV): ip link lists them; driver=loop and driver=null need none" },
		{ "eth1:7", "no such interface (ENODEV); for one queue of it write eth1,queue=7,rxqs=1" },
		{ "a b:0", "no such interface (ENODEV); for one queue of it write 'a b',queue=0,rxqs=1" },
	};
	static const char *const names[] = { "lo", "eth1", "a b" };

	(void)state;
	li.ifindex = 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		snprintf(c.name, sizeof(c.name), "%s", rows[i].name);
		assert_int_equal(port_fit_interface(&c, &li, names, PLX_ARRAY_SIZE(names), why, sizeof(why)), -ENODEV);
		assert_string_equal(why, rows[i].words);
	}
	assert_int_equal(port_fit_interface(&c, &li, NULL, 0, why, sizeof(why)), -ENODEV);
}

static void test_queues(void **state)
{
	static const struct { uint16_t queue, n; char dir; const char *words;
	} rows[] = {
		{ 0, 4, 'r', "" },
		{ 3, 1, 'r', "" },
		{ 0, 2, 't', "" },
		{ 0, 0, 't', "" },
		{ 0, 5, 'r',
		  "rx queue 4 is asked for, the interface has 4 (0-3): use rxqs=4 or fewer, or ethtool -L eth0 rx 5" },
		{ 3, 2, 'r',
		  "rx queue 4 is asked for, the interface has 4 (0-3): use rxqs=1 or fewer, or ethtool -L eth0 rx 5" },
		{ 0, 9, 'r',
		  "rx queue 8 is asked for, the interface has 4 (0-3): use rxqs=4 or fewer, or driver=packet, which "
		  "needs "
		  "no channels" },
		{ 4, 9, 'r', "rx queue 12 is asked for, the interface has 4 (0-3): use queue=3 or lower" },
		{ 0, 3, 't',
		  "tx queue 2 is asked for, the interface has 2 (0-1): use txqs=2 or fewer, or driver=packet, which "
		  "needs "
		  "no channels" },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		c.queue = rows[i].queue;
		*(rows[i].dir == 'r' ? &c.rxqs : &c.txqs) = rows[i].n;
		assert_int_equal(port_fit_queues(&c, &li, rows[i].dir, why, sizeof(why)), *rows[i].words ? -EINVAL : 0);
		assert_string_equal(why, rows[i].words);
	}
	c.queue = 0;
	c.rxqs = 9;
	c.mode = PLX_XDP_NATIVE; /* which packet has not */
	port_fit_queues(&c, &li, 'r', why, sizeof(why));
	assert_null(strstr(why, "packet"));
}

static void test_left(void **state)
{
	(void)state;
	assert_int_equal(port_left_queues(&c, &li, 'r'), 4);
	assert_int_equal(port_left_queues(&c, &li, 't'), 2);
	c.queue = 3;
	assert_int_equal(port_left_queues(&c, &li, 'r'), 1);
	assert_int_equal(port_left_queues(&c, &li, 't'), 1);
	c.queue = 100;
	assert_int_equal(port_left_queues(&c, &li, 'r'), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_interface), TEST(test_none), TEST(test_queues), TEST(test_left) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

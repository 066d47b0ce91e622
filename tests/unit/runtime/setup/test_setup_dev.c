/* SPDX-License-Identifier: MIT */
/* test_setup_dev.c - kinds and stages of interfaces over a NIC that is made up: channels, the
   table of flows, NAPIs by netlink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nic_util.h"
#include "dev.h"

#include <stdlib.h>

static struct plx_sys sys;
static struct setup s;
static struct plx_env_conf conf;
static struct iface *l;
static struct host *host;
static char value[SETUP_VALUE_MAX], why[SETUP_WHY_MAX];

static int setup(void **state)
{
	(void)state;
	memset(&nic, 0, sizeof(nic));
	nic.rx = 4, nic.max = 8, nic.entries = ENTRIES;
	reset();
	sys = plx_sys_linux;
	sys.ioctl = fake_ioctl;
	sys.socket = fake_socket;
	sys.close = fake_close;
	sys.setsockopt = fake_setsockopt;
	sys.sendto = fake_sendto;
	sys.recvfrom = fake_recvfrom;
	sys.open = fake_open;
	l = malloc(sizeof(*l));
	host = calloc(1, sizeof(*host));
	iface_link_init(l);
	strcpy(l->name, "eth0");
	l->ifindex = 7;
	l->ch_rx = l->ch_tx = l->ch_rx_max = l->ch_tx_max = 0;
	l->ch_combined = l->nrxqs = l->ntxqs = 4;
	l->ch_combined_max = 8;
	iface_rss(l, nic.indir, ENTRIES);
	memset(&conf, 0, sizeof(conf));
	conf.nports = 1;
	strcpy(conf.ports[0].name, "eth0");
	host->iface[0].found = host->iface[1].found = l;
	s = (struct setup){ .in = { .sys = &sys, .conf = &conf, .host = host, .stages = SETUP_ALL } };
	s.plan = calloc(1, sizeof(*s.plan));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	setup_free(&s);
	free(l);
	free(host);
	assert_int_equal(nic.open, 0);
	return 0;
}

/* The plan of a start as it would be with these ports. */
static void ports(unsigned n)
{
	conf.nports = (uint16_t)n;
	s.plan->nports = (uint16_t)n;
	for (unsigned i = 0; i < n; i++) {
		s.plan->ports[i].conf = conf.ports[i];
		s.plan->ports[i].link.ifindex = 7;
		s.plan->ports[i].link.node = -1;
	}
}

/* What was found is dropped. */
static void anew(unsigned n)
{
	struct setup_in in = s.in;

	setup_free(&s);
	s.in = in;
	s.plan = calloc(1, sizeof(*s.plan));
	ports(n);
}

static const struct setup_item *item(unsigned i, enum setup_state state)
{
	assert_true(i < s.nitems);
	if (s.items[i].state != state)
		print_error("item %u: state %d, %s\n", i, s.items[i].state, s.items[i].found.evidence);
	assert_int_equal(s.items[i].state, state);
	return &s.items[i];
}

/* ---- the table of flows ---- */

static const char *table(void)
{
	assert_int_equal(setup_rss.get(&s, "7/eth0", value, sizeof(value)), 0);
	return value;
}

static void rss_kind(void **state)
{
	(void)state;
	assert_string_equal(table(), "0 1 2 3 0 1 2 3");
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 0 1 0 1 0 1", why, sizeof(why)), 0);
	assert_int_equal(nic.resets, 0);
	assert_string_equal(table(), "0 1 0 1 0 1 0 1");
	/* the default is asked for as such, so that it follows the channels again */
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 3 0 1 2 3", why, sizeof(why)), 0);
	assert_int_equal(nic.resets, 1);
	assert_int_equal(nic.writes, 1);
	assert_string_equal(table(), "0 1 2 3 0 1 2 3");
	/* a driver with another default gets the table itself */
	nic.strange = true;
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 3 0 1 2 3", why, sizeof(why)), 0);
	assert_string_equal(table(), "0 1 2 3 0 1 2 3");
	assert_int_equal(nic.writes, 2);
}

static void rss_errors(void **state)
{
	(void)state;
	why[0] = 0;
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 4 0 1 2 3", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "ethtool -x eth0"));
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 3", why, sizeof(why)),
	                 -EINVAL); /* a table of another size */
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 0 0", why, sizeof(why)), -EINVAL);
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 x", why, sizeof(why)), -EINVAL);
	assert_int_equal(setup_rss.set(&s, "7/eth0", "", why, sizeof(why)), -EINVAL);
	assert_int_equal(setup_rss.set(&s, "8/eth1", "0 1", why, sizeof(why)), -ENOENT);
	assert_int_equal(setup_rss.get(&s, "eth0", value, sizeof(value)), -EINVAL);
	assert_int_equal(setup_rss.get(&s, "7/eth0", value, 8), -E2BIG);
	nic.err = EPERM;
	assert_int_equal(setup_rss.set(&s, "7/eth0", "1 1 1 1 1 1 1 1", why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "root"));
	nic.entries = 0;
	assert_int_equal(setup_rss.get(&s, "7/eth0", value, sizeof(value)), -EOPNOTSUPP);
}

static const struct { const char *value, *command; } rss_command_case[] = {
	{ "0 1 2 3 0 1 2 3", "ethtool -X eth0 default" },
	{ "0 1 0 1 0 1 0 1", "ethtool -X eth0 equal 2" },
	{ "0 0 0 0 0 0 0 0", "ethtool -X eth0 equal 1" },
	{ "2 3 2 3 2 3 2 3", "ethtool -X eth0 start 2 equal 2" },
	{ "0 0 0 1 1 1 3 3", "ethtool -X eth0 weight 3 3 0 2" },
	{ "3 1 0 1 2 1 0 1", "# ethtool has no words for this table of eth0: pollux setup restore rss puts it back" },
};

static void rss_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rss_command_case); i++) {
		setup_rss.command(&s, "7/eth0", rss_command_case[i].value, value, sizeof(value));
		assert_string_equal(value, rss_command_case[i].command);
	}
	setup_rss.command(&s, "8/gone", "0 1 0 1", value, sizeof(value)); /* its name then */
	assert_string_equal(value, "ethtool -X gone equal 2");
	setup_rss.command(&s, "8/$(gone)", "2 3 2 3", value, sizeof(value)); /* the kernel allows such names */
	assert_string_equal(value, "ethtool -X '$(gone)' start 2 equal 2");
}

static void rss_stage(void **state)
{
	(void)state;
	conf.ports[0].queue = 1;
	conf.ports[0].rxqs = conf.ports[0].txqs = 2;
	ports(1);
	setup_plan_rss(&s);
	const struct setup_item *it = item(0, SETUP_CHANGE);
	assert_string_equal(it->object, "7/eth0");
	assert_string_equal(it->old, "0 1 2 3 0 1 2 3");
	assert_string_equal(it->want, "1 2 1 2 1 2 1 2");
	assert_non_null(strstr(it->found.evidence, "queues 1-2"));
}

/* Two ports part an interface: one table over the queues of both, planned once. */
static void rss_two_ports(void **state)
{
	(void)state;
	conf.ports[0].rxqs = 1;
	conf.ports[1] = conf.ports[0];
	conf.ports[1].queue = 3;
	ports(2);
	setup_plan_rss(&s);
	assert_int_equal(s.nitems, 1);
	assert_string_equal(item(0, SETUP_CHANGE)->want, "0 3 0 3 0 3 0 3");
}

/* A table that somebody weighted and that leads to no other queue stays as it is. */
static void rss_stays(void **state)
{
	static const uint32_t weighted[ENTRIES] = { 0, 0, 0, 0, 0, 0, 1, 1 };

	(void)state;
	memcpy(nic.indir, weighted, sizeof(weighted));
	iface_rss(l, nic.indir, ENTRIES);
	conf.ports[0].rxqs = 2;
	ports(1);
	setup_plan_rss(&s);
	assert_string_equal(item(0, SETUP_OK)->want, "0 0 0 0 0 0 1 1");
	conf.ports[0].rxqs = 3; /* queue 2 would get nothing */
	anew(1);
	setup_plan_rss(&s);
	assert_string_equal(item(0, SETUP_CHANGE)->want, "0 1 2 0 1 2 0 1");
}

/* ---- channels ---- */

static void channels_kind(void **state)
{
	(void)state;
	assert_int_equal(setup_channels.get(&s, "7/eth0", value, sizeof(value)), 0);
	assert_string_equal(value, "rx 0 tx 0 combined 4");
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 2", why, sizeof(why)), 0);
	assert_int_equal(nic.rx, 2);
	setup_channels.command(&s, "7/eth0", "rx 0 tx 0 combined 4", value, sizeof(value));
	assert_string_equal(value, "ethtool -L eth0 combined 4");
	setup_channels.command(&s, "8/gone", "rx 2 tx 1 combined 0", value, sizeof(value));
	assert_string_equal(value, "ethtool -L gone rx 2 tx 1");
	setup_channels.command(&s, "8/a;b", "rx 2 tx 1 combined 0", value, sizeof(value));
	assert_string_equal(value, "ethtool -L 'a;b' rx 2 tx 1");
	setup_feature.command(&s, "8/`it's`/gro", "on", value, sizeof(value));
	assert_string_equal(value, "ethtool -K '`it'\\''s`' gro on");
	nic.err = EBUSY;
	why[0] = 0;
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 4", why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "AF_XDP"));
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 2", why, sizeof(why)),
	                 0); /* is so already */
}

/* A table set by hand does not follow the channels; once it is the default again, it does. */
static void channels_free_the_table(void **state)
{
	(void)state;
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 8", why, sizeof(why)), 0);
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 3 0 1 2 3", why, sizeof(why)), 0);
	assert_int_equal(nic.writes, 1);
	unsigned resets = nic.resets;
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 4", why, sizeof(why)), 0);
	assert_int_equal(nic.resets, resets + 1);
	assert_string_equal(table(), "0 1 2 3 0 1 2 3");
}

static void channels_stage(void **state)
{
	(void)state;
	conf.ports[0].rxqs = 2;
	conf.ports[1] = conf.ports[0];
	conf.ports[1].queue = 4;
	ports(2);
	setup_plan_channels(&s);
	assert_int_equal(s.nitems, 2);
	assert_ptr_equal(item(0, SETUP_GUARD)->kind, &setup_rss); /* the driver makes the table anew */
	assert_string_equal(item(1, SETUP_CHANGE)->want,
	                    "rx 0 tx 0 combined 8"); /* a transmit queue for each of 4 lcores */
	conf.nlcores = 1;
	anew(2);
	setup_plan_channels(&s);
	assert_string_equal(item(1, SETUP_CHANGE)->want, "rx 0 tx 0 combined 6");
	conf.ports[1].queue = 7;
	anew(2);
	setup_plan_channels(&s);
	assert_non_null(strstr(item(0, SETUP_CANNOT)->found.evidence, "can have 8"));
}

static void no_port(void **state)
{
	(void)state;
	strcpy(conf.ports[0].driver, "packet");
	ports(1);
	setup_plan_channels(&s);
	setup_plan_rss(&s);
	setup_plan_offloads(&s);
	s.in.stages = 1u << SETUP_napi, s.in.by_name = true;
	setup_plan_napi(&s);
	for (unsigned i = 0; i < 4; i++)
		item(i, SETUP_SKIP);
	assert_int_equal(s.nitems, 4);
}

/* ---- NAPIs ---- */

static void napi_kind(void **state)
{
	(void)state;
	nic.flush[2] = 7;
	assert_int_equal(setup_napi.get(&s, "7/eth0/2", value, sizeof(value)), 0);
	assert_string_equal(value, "defer-hard-irqs 0 gro-flush-timeout 7 irq-suspend-timeout 0");
	assert_int_equal(setup_napi.set(&s, "7/eth0/2", "defer-hard-irqs 2 gro-flush-timeout 200000", why, sizeof(why)),
	                 0);
	assert_int_equal(nic.defer[2], 2);
	assert_int_equal(nic.flush[2], 200000);
	assert_int_equal(nic.defer[1], 0);
	assert_int_equal(setup_napi.get(&s, "7/eth0/4", value, sizeof(value)), -ENOENT);
	nic.down = true; /* it keeps them */
	assert_int_equal(setup_napi.get(&s, "7/eth0/2", value, sizeof(value)), -ENETDOWN);
	nic.down = false;
	nic.no_napi = true;
	assert_int_equal(setup_napi.get(&s, "7/eth0/2", value, sizeof(value)), -ENOENT);
	nic.no_napi = false;
	nic.no_set = true;
	assert_int_equal(setup_napi.set(&s, "7/eth0/2", "defer-hard-irqs 1", why, sizeof(why)), -EOPNOTSUPP);
	nic.no_set = false;
	nic.err = EPERM;
	assert_int_equal(setup_napi.set(&s, "7/eth0/2", "defer-hard-irqs 1", why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "root"));
	assert_int_equal(setup_napi.set(&s, "7/eth0/2", "what", why, sizeof(why)), -EINVAL);
	setup_napi.command(&s, "7/eth0/device", "defer-hard-irqs 2 gro-flush-timeout 5", value, sizeof(value));
	assert_string_equal(
		value,
		"echo 2 > /sys/class/net/eth0/napi_defer_hard_irqs; echo 5 > /sys/class/net/eth0/gro_flush_timeout");
	setup_napi.command(&s, "8/a&b/device", "defer-hard-irqs 2", value, sizeof(value));
	assert_string_equal(value, "echo 2 > /sys/class/net/'a&b'/napi_defer_hard_irqs");
}

static void napi_stage(void **state)
{
	(void)state;
	for (unsigned q = 0; q < 4; q++) {
		l->rxq[q].napi = q == 1 ? 100 : 100 + (int)q; /* one serves two queues */
		l->rxq[q].defer_hard_irqs = 0;
	}
	conf.ports[0].rxqs = 3;
	ports(1);
	setup_plan_napi(&s);
	assert_non_null(strstr(item(0, SETUP_SKIP)->found.evidence, "unless it is named"));
	s.in.stages = 1u << SETUP_napi, s.in.by_name = true;
	setup_plan_napi(&s);
	assert_int_equal(s.nitems, 3);
	assert_string_equal(item(1, SETUP_CHANGE)->object, "7/eth0/0");
	assert_string_equal(item(2, SETUP_CHANGE)->object, "7/eth0/2");
	s.in.stages |= 1u << SETUP_channels; /* they are made anew first */
	conf.ports[0].rxqs = 5;
	setup_plan_napi(&s);
	item(3, SETUP_SKIP);
}

/* ---- each call fails in turn ---- */

/* A failure is an error or what another way of asking made good, never a leak or half a value. */
static void failures(void **state)
{
	static const struct { const struct setup_kind *k; const char *object, *value; } case_of[] = {
		{ &setup_channels, "7/eth0", "rx 0 tx 0 combined 2" }, { &setup_rss, "7/eth0", "1 1 1 1 2 2 2 2" },
		{ &setup_napi, "7/eth0/1", "defer-hard-irqs 3 gro-flush-timeout 4" },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(case_of); i++) {
		const struct setup_kind *k = case_of[i].k;
		unsigned failed = 0;

		for (unsigned fail = 1; nic.calls >= nic.fail; fail++) {
			int err[2] = { 0 };
			for (int write = 0; write < 2; write++) {
				nic.calls = 0;
				nic.fail = fail;
				err[write] = write ? k->set(&s, case_of[i].object, case_of[i].value, why, sizeof(why))
				                   : k->get(&s, case_of[i].object, value, sizeof(value));
				assert_true(err[write] <= 0);
				assert_int_equal(nic.open, 0);
			}
			failed += err[1] < 0;
			if (!err[1]) {
				nic.fail = 0;
				assert_int_equal(k->get(&s, case_of[i].object, value, sizeof(value)), 0);
				assert_true(k->same ? k->same(value, case_of[i].value) :
				                      !strcmp(value, case_of[i].value));
				nic.fail = fail;
			}
		}
		assert_true(failed >= 3);
		nic.fail = nic.calls = 0;
	}
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rss_kind),       TEST(rss_errors), TEST(rss_command),   TEST(rss_stage),
		TEST(rss_two_ports),  TEST(rss_stays),  TEST(channels_kind), TEST(channels_free_the_table),
		TEST(channels_stage), TEST(no_port),    TEST(napi_kind),     TEST(napi_stage),
		TEST(failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

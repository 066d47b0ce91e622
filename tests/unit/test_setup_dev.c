/* SPDX-License-Identifier: MIT */
/* test_setup_dev.c - kinds and stages of interfaces over a NIC that is made up: channels, the
   table of flows, NAPIs by netlink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "netdev_uapi.h"
#include "nlq.h"
#include "setup_dev.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* ---- a NIC that is made up: 7/eth0 ---- */

enum { ENTRIES = 8 };
static struct {
	uint32_t rx, max, indir[ENTRIES], entries;
	unsigned resets, writes;
	bool strange;  /* its default is not the spread that others have */
	int  err;      /* errno of changes */
	int  open;
	uint32_t defer[4];
	uint64_t flush[4];
	bool down, no_napi, no_set;
} nic;

static void reset(void)
{
	for (uint32_t i = 0; i < ENTRIES; i++)
		nic.indir[i] = nic.strange ? i / 2 % nic.rx : i % nic.rx;
}

static int fake_rxfh(struct ethtool_rxfh *r)
{
	if (r->cmd == ETHTOOL_GRSSH) {
		if (r->indir_size)
			memcpy(r->rss_config, nic.indir, nic.entries * 4);
		r->indir_size = nic.entries;
		r->key_size = 0;
		return 0;
	}
	if (nic.err)
		return errno = nic.err, -1;
	nic.resets += !r->indir_size;
	nic.writes += !!r->indir_size;
	if (!r->indir_size)
		reset();
	else if (r->indir_size != nic.entries)
		return errno = EINVAL, -1;
	for (uint32_t i = 0; i < r->indir_size; i++) {
		if (r->rss_config[i] >= nic.rx)
			return errno = EINVAL, -1;
		nic.indir[i] = r->rss_config[i];
	}
	return 0;
}

static int fake_channels(struct ethtool_channels *c)
{
	bool defaults = true;

	if (c->cmd == ETHTOOL_GCHANNELS) {
		*c = (struct ethtool_channels){ .cmd = c->cmd, .max_combined = nic.max, .combined_count = nic.rx, .other_count = 1 };
		return 0;
	}
	assert_int_equal(c->other_count, 1); /* what is none of ours stays */
	if (nic.err || c->combined_count > nic.max)
		return errno = nic.err ? nic.err : EINVAL, -1;
	for (uint32_t i = 0; i < nic.entries; i++)
		defaults &= nic.indir[i] == i % nic.rx;
	nic.rx = c->combined_count;
	if (defaults && !nic.writes)
		reset();
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *ifr = arg;

	(void)fd;
	if (request == SIOCGIFNAME) {
		if (ifr->ifr_ifindex != 7)
			return errno = ENODEV, -1;
		strcpy(ifr->ifr_name, "eth0");
		return 0;
	}
	assert_string_equal(ifr->ifr_name, "eth0");
	if (request == SIOCGIFFLAGS) {
		ifr->ifr_flags = nic.down ? 0 : IFF_UP;
		return 0;
	}
	assert_int_equal(request, SIOCETHTOOL);
	switch (*(uint32_t *)(void *)ifr->ifr_data) {
	case ETHTOOL_GCHANNELS:
	case ETHTOOL_SCHANNELS: return fake_channels((void *)ifr->ifr_data);
	case ETHTOOL_GRSSH:
	case ETHTOOL_SRSSH:     return fake_rxfh((void *)ifr->ifr_data);
	case ETHTOOL_GRXRINGS:  ((struct ethtool_rxnfc *)(void *)ifr->ifr_data)->data = nic.rx; return 0;
	default:                return errno = EOPNOTSUPP, -1;
	}
}

/* Generic netlink knows the `netdev` family and nothing else. */
static uint8_t reply[1024] __attribute__((aligned(8)));
static size_t reply_len;

static void answer(const struct nlmsghdr *ask, struct nlmsghdr *h, int err)
{
	reply_len = 0;
	if (h && !err) {
		h->nlmsg_type = ask->nlmsg_type == GENL_ID_CTRL ? GENL_ID_CTRL : 30;
		h->nlmsg_seq = ask->nlmsg_seq;
		reply_len = MNL_ALIGN(h->nlmsg_len);
	}
	struct nlmsghdr *end = (void *)(reply + reply_len);

	*end = (struct nlmsghdr){ .nlmsg_len = sizeof(*end) + sizeof(err), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = ask->nlmsg_seq };
	memcpy(end + 1, &err, sizeof(err));
	reply_len += end->nlmsg_len;
}

static int family(const struct nlmsghdr *ask, struct nlmsghdr *h)
{
	const struct nlattr *a;
	const char *name = "";
	struct nlattr *ops, *op;

	mnl_attr_for_each(a, ask, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_NAME)
			name = mnl_attr_get_str(a);
	if (strcmp(name, NETDEV_FAMILY))
		return -ENOENT;
	mnl_attr_put_u16(h, CTRL_ATTR_FAMILY_ID, 30);
	ops = mnl_attr_nest_start(h, CTRL_ATTR_OPS);
	op = mnl_attr_nest_start(h, 1);
	mnl_attr_put_u32(h, CTRL_ATTR_OP_ID, nic.no_set ? ND_CMD_NAPI_GET : ND_CMD_NAPI_SET);
	mnl_attr_nest_end(h, op);
	mnl_attr_nest_end(h, ops);
	return 0;
}

/* NAPI 100 + n serves queue n. */
static int netdev(uint8_t cmd, const struct nlmsghdr *ask, struct nlmsghdr *h)
{
	uint64_t v[8] = { 0 };
	const struct nlattr *a;

	mnl_attr_for_each(a, ask, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(a) < 8)
			v[mnl_attr_get_type(a)] = nlq_uint(a);
	if (cmd == ND_CMD_QUEUE_GET) {
		assert_int_equal(v[ND_QUEUE_IFINDEX], 7);
		if (v[ND_QUEUE_ID] >= nic.rx || nic.down)
			return -ENOENT;
		if (!nic.no_napi)
			mnl_attr_put_u32(h, ND_QUEUE_NAPI_ID, 100 + (uint32_t)v[ND_QUEUE_ID]);
		return 0;
	}
	unsigned n = (unsigned)v[ND_NAPI_ID] - 100;

	assert_true(n < 4);
	if (cmd == ND_CMD_NAPI_GET) {
		mnl_attr_put_u32(h, ND_NAPI_DEFER_HARD_IRQS, nic.defer[n]);
		mnl_attr_put_u32(h, ND_NAPI_GRO_FLUSH_TIMEOUT, (uint32_t)nic.flush[n]);
		mnl_attr_put_u32(h, ND_NAPI_IRQ_SUSPEND_TIMEOUT, 0);
		return 0;
	}
	if (nic.err)
		return -nic.err;
	nic.defer[n] = (uint32_t)v[ND_NAPI_DEFER_HARD_IRQS];
	nic.flush[n] = v[ND_NAPI_GRO_FLUSH_TIMEOUT];
	return 0;
}

static ssize_t fake_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct nlmsghdr *ask = buf;
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(ask);
	struct nlmsghdr *h = nlq_genl(reply, 30, g->cmd, 0);

	(void)fd, (void)flags, (void)to, (void)len;
	answer(ask, h, ask->nlmsg_type == GENL_ID_CTRL ? family(ask, h) : netdev(g->cmd, ask, h));
	return (ssize_t)n;
}

static ssize_t fake_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	(void)fd, (void)flags, (void)from, (void)len;
	assert_true(n >= reply_len);
	memcpy(buf, reply, reply_len);
	return (ssize_t)reply_len;
}

static int fake_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	nic.open++;
	return 9;
}

static int fake_close(int fd)
{
	(void)fd;
	nic.open--;
	return 0;
}

static int fake_setsockopt(int fd, int level, int name, const void *v, socklen_t len)
{
	(void)fd, (void)level, (void)name, (void)v, (void)len;
	return 0;
}

static int fake_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	return errno = ENOENT, -1;
}

static struct plx_sys sys;
static struct setup s;
static struct plx_env_conf conf;
static struct disco_link *l;
static const struct disco_link *links[PLX_PORTS_MAX];
static struct topo *topo;
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
	topo = calloc(1, sizeof(*topo));
	disco_link_init(l);
	strcpy(l->name, "eth0");
	l->ifindex = 7;
	l->ch_rx = l->ch_tx = l->ch_rx_max = l->ch_tx_max = 0;
	l->ch_combined = l->nrxqs = l->ntxqs = 4;
	l->ch_combined_max = 8;
	disco_rss(l, nic.indir, ENTRIES);
	memset(&conf, 0, sizeof(conf));
	conf.nports = 1;
	strcpy(conf.ports[0].name, "eth0");
	links[0] = links[1] = l;
	s = (struct setup){ .in = { .sys = &sys, .conf = &conf, .topo = topo, .links = links, .stages = SETUP_ALL } };
	s.plan = calloc(1, sizeof(*s.plan));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	setup_free(&s);
	free(l);
	free(topo);
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
		print_error("item %u: state %d, %s\n", i, s.items[i].state, s.items[i].why);
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
	assert_int_equal(setup_rss.set(&s, "7/eth0", "0 1 2 3", why, sizeof(why)), -EINVAL); /* a table of another size */
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
	assert_non_null(strstr(it->why, "queues 1-2"));
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
	disco_rss(l, nic.indir, ENTRIES);
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
	nic.err = EBUSY;
	why[0] = 0;
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 4", why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "AF_XDP"));
	assert_int_equal(setup_channels.set(&s, "7/eth0", "rx 0 tx 0 combined 2", why, sizeof(why)), 0); /* is so already */
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
	assert_string_equal(item(1, SETUP_CHANGE)->want, "rx 0 tx 0 combined 8"); /* a transmit queue for each of 4 lcores */
	conf.nlcores = 1;
	anew(2);
	setup_plan_channels(&s);
	assert_string_equal(item(1, SETUP_CHANGE)->want, "rx 0 tx 0 combined 6");
	conf.ports[1].queue = 7;
	anew(2);
	setup_plan_channels(&s);
	assert_non_null(strstr(item(0, SETUP_CANNOT)->why, "can have 8"));
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
	assert_int_equal(setup_napi.set(&s, "7/eth0/2", "defer-hard-irqs 2 gro-flush-timeout 200000", why, sizeof(why)), 0);
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
	assert_string_equal(value, "echo 2 > /sys/class/net/eth0/napi_defer_hard_irqs; echo 5 > /sys/class/net/eth0/gro_flush_timeout");
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
	assert_non_null(strstr(item(0, SETUP_SKIP)->why, "unless it is named"));
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

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rss_kind), TEST(rss_errors), TEST(rss_command), TEST(rss_stage),
		TEST(rss_two_ports), TEST(rss_stays), TEST(channels_kind), TEST(channels_free_the_table), TEST(channels_stage),
		TEST(no_port), TEST(napi_kind), TEST(napi_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

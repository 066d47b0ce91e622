/* SPDX-License-Identifier: MIT */
/* test_linkmon.c - link events from bytes: good, foreign, cut and hostile ones; and the
   kernel's own answer, where a socket may be opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "linkmon.h"
#include "nl.h"
#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen { struct linkmon_event e[64]; int n; };

static void keep(void *arg, const struct linkmon_event *e)
{
	struct seen *s = arg;

	if (s->n < 64)
		s->e[s->n] = *e;
	s->n++;
}

/* One message as the kernel writes it, little endian: header, ifinfomsg, IFLA_IFNAME, IFLA_MTU. */
static const uint8_t new_link[] __attribute__((aligned(4))) = {
	52, 0, 0, 0,  RTM_NEWLINK, 0,  0, 0,  9, 0, 0, 0,  0, 0, 0, 0, /* length, type, flags, seq, pid */
	0, 0, 1, 0,  5, 0, 0, 0,  0x43, 0x10, 1, 0,  0, 0, 0, 0,       /* unspec, ether, index 5, up running */
	9, 0, IFLA_IFNAME, 0,  'v', 'e', 't', 'h',  0, 0, 0, 0,
	8, 0, IFLA_MTU, 0,  0xdc, 0x05, 0, 0,
};

static void test_new_link(void **state)
{
	(void)state;
	struct seen s = { 0 };

	assert_int_equal(linkmon_parse(new_link, sizeof(new_link), keep, &s), 1);
	assert_int_equal(s.e[0].kind, NL_LINK);
	assert_int_equal(s.e[0].ifindex, 5);
	assert_int_equal(s.e[0].mtu, 1500);
	assert_true(s.e[0].up);
}

struct edit { int at; uint8_t value; };

static int edited(const struct edit *e, int n, struct seen *s)
{
	uint8_t b[sizeof(new_link)] __attribute__((aligned(4)));

	memcpy(b, new_link, sizeof(b));
	for (int i = 0; i < n; i++)
		b[e[i].at] = e[i].value;
	*s = (struct seen){ 0 };
	return linkmon_parse(b, sizeof(b), keep, s);
}

static void test_variants(void **state)
{
	(void)state;
	struct seen s;

	assert_int_equal(edited(&(struct edit){ 24, 0x03 }, 1, &s), 1); /* no carrier: IFF_RUNNING is off */
	assert_false(s.e[0].up);
	/* the carrier attribute, here in the MTU's place, is ahead of the flag either way */
	assert_int_equal(edited((struct edit[]){ { 24, 0x03 }, { 44, 5 }, { 46, IFLA_CARRIER }, { 48, 1 } }, 4, &s), 1);
	assert_true(s.e[0].up);
	assert_int_equal(edited((struct edit[]){ { 44, 5 }, { 46, IFLA_CARRIER }, { 48, 0 } }, 3, &s), 1);
	assert_false(s.e[0].up);
	assert_int_equal(edited(&(struct edit){ 24, 0x42 }, 1, &s), 1); /* switched off */
	assert_false(s.e[0].up);
	assert_false(s.e[0].has_mac);
	/* in the name's place */
	assert_int_equal(edited((struct edit[]){ { 32, 10 }, { 34, IFLA_ADDRESS } }, 2, &s), 1);
	assert_true(s.e[0].has_mac);
	assert_memory_equal(s.e[0].mac, "veth\0\0", 6);
	assert_int_equal(edited(&(struct edit){ 34, IFLA_ADDRESS }, 1, &s), 1);
	assert_false(s.e[0].has_mac); /* none of Ethernet's */
	assert_int_equal(edited(&(struct edit){ 4, RTM_DELLINK }, 1, &s), 1);
	assert_int_equal(s.e[0].kind, NL_GONE);
	assert_int_equal(s.e[0].ifindex, 5);
	/* a port that leaves a bridge is no interface that is gone */
	assert_int_equal(edited((struct edit[]){ { 4, RTM_DELLINK }, { 16, AF_BRIDGE } }, 2, &s), 0);
	assert_int_equal(edited(&(struct edit){ 4, RTM_NEWADDR }, 1, &s), 0);
	assert_int_equal(edited(&(struct edit){ 4, NLMSG_DONE }, 1, &s), 0);
	assert_int_equal(edited(&(struct edit){ 4, NLMSG_ERROR }, 1, &s), 0);
}

static void test_malformed(void **state)
{
	(void)state;
	struct seen s;

	for (size_t n = 0; n < sizeof(new_link); n++) /* cut anywhere: no message */
		assert_int_equal(linkmon_parse(new_link, n, keep, &s), 0);
	assert_int_equal(edited(&(struct edit){ 0, 20 }, 1, &s), 0);         /* shorter than ifinfomsg */
	assert_int_equal(edited(&(struct edit){ 0, 3 }, 1, &s), 0);          /* shorter than a header */
	assert_int_equal(edited(&(struct edit){ 20, 0 }, 1, &s), 0);         /* index 0 */
	assert_int_equal(edited(&(struct edit){ 23, 0x80 }, 1, &s), 0);      /* negative index */
	assert_int_equal(edited(&(struct edit){ 44, 200 }, 1, &s), 1);       /* attribute beyond the message */
	assert_int_equal(s.e[0].mtu, 0);
	assert_int_equal(edited(&(struct edit){ 44, 6 }, 1, &s), 1);         /* an MTU of two bytes */
	assert_int_equal(s.e[0].mtu, 0);
	assert_int_equal(edited(&(struct edit){ 32, 0 }, 1, &s), 1);         /* attribute of length 0 */
	assert_int_equal(s.e[0].mtu, 0);
}

static void test_random_bytes(void **state)
{
	(void)state;
	uint8_t b[256] __attribute__((aligned(4)));
	struct seen s;

	srand(1);
	for (int i = 0; i < 100000; i++) {
		size_t n = (size_t)rand() % sizeof(b), k = n < sizeof(new_link) ? n : sizeof(new_link);

		for (size_t j = 0; j < n; j++)
			b[j] = (uint8_t)rand();
		if (i & 1)
			memcpy(b, new_link, k);
		if (i & 1 && n)
			b[(size_t)rand() % n] = (uint8_t)rand();
		s = (struct seen){ 0 };
		int events = linkmon_parse(b, n, keep, &s); /* under a sanitizer: nothing outside is read */

		assert_int_equal(events, s.n);
	}
}

static void from_message(void *arg, const struct nlmsghdr *h)
{
	linkmon_parse(h, h->nlmsg_len, keep, arg);
}

/* The kernel's own messages: its answer to a question about loopback; and no events yet. */
static void test_kernel(void **state)
{
	(void)state;
	const struct plx_sys *sys = &plx_sys_linux;
	struct { struct nlmsghdr h; struct ifinfomsg m; } req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_GETLINK }, .m = { .ifi_index = 1 },
	};
	struct seen s = { 0 };
	struct nl q;
	int fd = linkmon_open(sys);

	assert_true(fd >= 0);
	sys->close(fd);
	assert_int_equal(nl_open(&q, sys, NETLINK_ROUTE), 0);
	assert_int_equal(nl_ask(&q, &req.h, from_message, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.e[0].kind, NL_LINK);
	assert_int_equal(s.e[0].ifindex, 1);
	assert_true(s.e[0].mtu != 0);
	req.m.ifi_index = INT32_MAX;
	assert_int_equal(nl_ask(&q, &req.h, from_message, &s), -ENODEV);
	assert_int_equal(s.n, 1);
	nl_close(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_link),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_iface_fault.c - discovery with each of its system calls failing in turn: what cannot be
   found out stays unknown, and nothing is left open. */
#include "iface.h"
#include "fault_each.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct iface *l;

/* The interface may have gone only if the kernel said so. */
static bool read_once(const char *what, const char *call, int err)
{
	int got = iface_read(&fault_sys, "plxfa", l);

	(void)call;
	if (got && !(got == -ENODEV && err == ENODEV))
		fail_msg("%s: %s", what, strerrorname_np(-got));
	if (!got && (strcmp(l->name, "plxfa") || !l->ifindex || l->mtu != 1500))
		fail_msg("%s: '%s' index %u MTU %u", what, l->name, l->ifindex, l->mtu);
	if (!got && (l->nrxqs < 1 || l->nrxqs > 2))
		fail_msg("%s: %u queues", what, l->nrxqs);
	return fault_hit();
}

static void test_each_call(void **state)
{
	unsigned reads = fault_each(UINT32_MAX, read_once);

	(void)state;
	read_once("no fault", "", 0);
	assert_string_equal(l->kind, "veth");
	print_message("%u reads\n", reads);
	assert_true(reads > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_call) };

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
		return 77;
	}
	if (system("ip link add plxfa numtxqueues 2 numrxqueues 2 type veth peer name plxfb numtxqueues 2 numrxqueues "
	           "2 && "
	           "ip link set plxfa up && ip link set plxfb up"))
		return 1;
	l = malloc(sizeof(*l));
	int failed = l ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	free(l);
	return failed;
}

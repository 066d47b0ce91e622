/* SPDX-License-Identifier: MIT */
/* test_reach_fault.c - the question what of the host's own goes through an interface, with each of its system
   calls failing in turn: what was not found out is told, and nothing is left open. */
#include "fault_each.h"
#include "reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What /proc does not show is nothing that the kernel refused to tell. */
static bool of_files(const char *call)
{
	static const char *const calls[] = { "open", "read", "fstat", "getdents64" };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(calls); i++)
		if (!strcmp(call, calls[i]))
			return true;
	return false;
}

static bool read_once(const char *what, const char *call, int err)
{
	static const char *const names[] = { "plxfa" };
	struct reach_asked asked;
	struct reach r;

	(void)err;
	reach_read(&r, names, 1, &fault_sys, &asked);
	if (strcmp(r.route_by, "plxfa") && !asked.links && !asked.routes)
		fail_msg("%s: the route is missing", what);
	if (strcmp(r.login_by, "plxfa") && !asked.links && !asked.addresses && !asked.connections && !of_files(call))
		fail_msg("%s: the login is missing", what);
	return fault_hit();
}

static void test_each_call(void **state)
{
	unsigned reads = fault_each(60, read_once); /* of processes there may be thousands */

	(void)state;
	read_once("no fault", "", 0);
	print_message("%u reads\n", reads);
	assert_true(reads > 50);
}

/* connected: a connection of this process to itself, by the interface's address; false if there is none. */
static bool connected(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(2222) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "10.77.0.1", &at.sin_addr);
	return s >= 0 && c >= 0 && !bind(s, (struct sockaddr *)&at, sizeof(at)) && !listen(s, 1) &&
	       !connect(c, (struct sockaddr *)&at, sizeof(at)) && accept(s, NULL, NULL) >= 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_call) };

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	unsetenv("SSH_CONNECTION");
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
		return 77;
	}
	if (system("ip link set lo up && ip link add plxfa type veth peer name plxfb && ip link set plxfa up && ip "
	           "link set plxfb up && "
	           "ip addr add 10.77.0.1/24 dev plxfa && ip route add default via 10.77.0.2") ||
	    !connected())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_live_fault.c - the live view with each of its system calls failing in turn: a view that does
   not open leaves nothing, one that is open goes on. */
#include "fault_each.h"
#include "status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static char name[32];

static char *answer(void *arg)
{
	(void)arg;
	return strdup("{}\n");
}

/* One client; true if it was answered. */
static bool asked(struct live *v)
{
	char buf[64];
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = v->path[0] ? live_path(&a, v->path) : live_address(&a, v->name);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(send(fd, "status\n", 7, MSG_NOSIGNAL), 7);
	for (int i = 0; i < 6; i++) {
		live_run(v, 0);
		live_tick(v, 0);
	}
	bool got = recv(fd, buf, sizeof(buf), 0) == 3;
	close(fd);
	return got;
}

static bool life(const char *what, const char *call, int err)
{
	struct live v;
	int got = live_open(&v, &fault_sys, name, answer, NULL);

	(void)call;
	if (got) {
		if (got != -err && !(err == EADDRINUSE && got == -EADDRINUSE))
			fail_msg("%s: %s", what, strerrorname_np(-got));
		assert_int_equal(v.epfd, -1);
		return fault_hit();
	}
	asked(&v);
	const bool reached = fault_hit();

	fault_arm(-1, 0, 0);
	if (!asked(&v)) /* what failed once does not stay */
		fail_msg("%s: not answered afterwards", what);
	live_close(&v);
	return reached;
}

static void test_each_call(void **state)
{
	unsigned lives = fault_each(UINT32_MAX, life);

	(void)state;
	print_message("%u lives\n", lives);
	assert_true(lives > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_call) };
	char dir[] = "/tmp/plx-live-XXXXXX", path[64];

	snprintf(name, sizeof(name), "f%d", getpid());
	if (!mkdtemp(dir))
		return 1;
	setenv("RUNTIME_DIRECTORY", dir, 1);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* what a failing unlink left is no program's */
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	return system(path) || failed;
}

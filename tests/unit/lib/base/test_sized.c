/* SPDX-License-Identifier: MIT */
/* test_sized.c - structures that tell their size, between programs and libraries of every age. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "env_util.h"
#include "sized.h"

struct known { size_t size; uint32_t a, b; uint64_t c; };

static void test_every_size(void **state)
{
	union { struct known k; uint8_t bytes[sizeof(struct known) + 64]; } from;
	struct known to;

	(void)state;
	for (size_t n = 0; n <= sizeof(from); n += n < 16 ? 4 : 8) { /* no program ends within a member */
		memset(&from, 0, sizeof(from));
		from.k = (struct known){ .size = n, .a = 1, .b = 2, .c = 3 };
		memset(&to, 0xaa, sizeof(to));
		int err = sized_take(&to, sizeof(to), &from);

		if (n && n < sizeof(n)) {
			assert_int_equal(err, -EINVAL);
			assert_int_equal(to.a | to.b | to.c, 0);
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(to.size, sizeof(to));
		assert_int_equal(to.a, !n || n >= 12 ? 1 : 0);
		assert_int_equal(to.b, !n || n >= 16 ? 2 : 0);
		assert_int_equal(to.c, !n || n >= 24 ? 3 : 0);
	}
	for (size_t at = sizeof(to); at < sizeof(from); at++) { /* whichever byte it is that is unknown */
		memset(&from, 0, sizeof(from));
		from.k = (struct known){ .size = sizeof(from), .a = 7 };
		from.bytes[at] = 1;
		assert_int_equal(sized_take(&to, sizeof(to), &from), -E2BIG);
		assert_int_equal(to.a, 7);
	}
	from.k.size = SIZE_MAX;
	assert_int_equal(sized_take(&to, sizeof(to), &from), -EINVAL);
	from.k.size = SIZED_MAX + 1;
	assert_int_equal(sized_take(&to, sizeof(to), &from), -EINVAL);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	const struct known from = { .size = sizeof(from), .a = 1, .b = 2, .c = 3 };
	union { struct known k; uint8_t bytes[sizeof(struct known) + 64]; } to;

	(void)state;
	for (size_t n = sizeof(n); n <= sizeof(to); n++) {
		memset(&to, 0xaa, sizeof(to));
		to.k.size = n;
		sized_give(&to, sizeof(from), &from);
		assert_int_equal(to.k.size, n);
		for (size_t i = sizeof(n); i < sizeof(to); i++)
			assert_int_equal(to.bytes[i], i < n && i < sizeof(from) ? ((const uint8_t *)&from)[i] : 0xaa);
	}
}

/* A poller that is made by hand from zeros is one of version 0.1. */
static int idle(void *arg)
{
	(void)arg;
	return 0;
}

static void test_each_structure(void **state)
{
	struct {
		struct plx_poller_conf c;
		uint64_t later;
	} poller = { .c = { .size = sizeof(poller), .fn = idle, .lcore = -1 } };
	struct { struct plx_pool_conf c; uint64_t later; } pool = { .c = { .size = sizeof(pool), .frames = 64 } };
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_env *env, *other;

	(void)state;
	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	assert_int_equal(c.size, sizeof(c));
	assert_int_equal(c.ports[0].size, sizeof(c.ports[0]));
	env = test_open(&c, &k);
	assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .fn = idle }), 0);
	assert_int_equal(plx_poller_add(env, &poller.c), 0);
	poller.later = 1;
	assert_int_equal(plx_poller_add(env, &poller.c), -E2BIG);
	assert_true(
		kept_has(&k, "poller poller: plx_poller_conf: it asks for what this library does not know (E2BIG)"));
	poller.c.size = 3;
	assert_int_equal(plx_poller_add(env, &poller.c), -EINVAL);
	assert_true(kept_has(&k, "plx_poller_conf: its size is none (EINVAL)"));
	assert_true(plx_pool_size(&pool.c) > 0);
	pool.later = 1;
	assert_int_equal(plx_pool_size(&pool.c), 0);
	plx_env_fini(env);
	c.ports[0].reserved[22] = 1;
	assert_int_equal(plx_env_open(&other, &c), -E2BIG);
	assert_true(kept_has(&k, "plx_env_conf: it asks for what this library does not know (E2BIG)"));
	c.ports[0].reserved[22] = 0;
	c.ports[0].size--;
	assert_int_equal(plx_env_open(&other, &c), -EINVAL);
	c.ports[0].size = 0; /* zeroed by hand */
	c.size = 0;
	env = test_open(&c, &k);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_size), cmocka_unit_test(test_no_more_than_there_is_room_for),
		cmocka_unit_test(test_each_structure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

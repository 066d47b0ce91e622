/* SPDX-License-Identifier: MIT */
/* test_xring.c - the four verbs on a ring, with the kernel's side played by the test; every
   run starts just below the wrap of the indices too. */
#include <setjmp.h>
#include <stdarg.h>

#include "xring.h"
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 8 };

static uint32_t ours, theirs, flags;
static uint64_t slot[SIZE];

static struct xring doorbell_at(uint32_t start)
{
	ours = theirs = start;
	flags = 0;
	memset(slot, 0, sizeof(slot));
	return (struct xring){ .ours = &ours, .theirs = &theirs, .flags = &flags, .slots = slot, .mask = SIZE - 1,
	                       .head = start, .peer = start };
}

static const uint32_t starts[] = { 0, 5, UINT32_MAX, UINT32_MAX - 3, UINT32_MAX - SIZE, INT32_MAX };

static void producer_fills_and_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct xring r = doorbell_at(starts[i]);
		assert_int_equal(xring_reserve(&r, 100), SIZE);
		assert_int_equal(xring_reserve(&r, 3), 3);
		xring_submit(&r, 3);
		assert_int_equal(ours, starts[i] + 3);
		assert_int_equal(xring_reserve(&r, 100), SIZE - 3);
		assert_int_equal(xring_unread(&r), 3);
		xring_submit(&r, SIZE - 3);
		assert_int_equal(xring_reserve(&r, 1), 0);
		theirs += 2;
		assert_int_equal(xring_reserve(&r, 1), 1);
		assert_int_equal(xring_reserve(&r, 100), 2);
		assert_int_equal(xring_unread(&r), SIZE - 2);
	}
}

static void consumer_sees_what_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct xring r = doorbell_at(starts[i]);
		assert_int_equal(xring_peek(&r, 4), 0);
		theirs += 5;
		assert_int_equal(xring_peek(&r, 4), 4);
		assert_int_equal(xring_peek(&r, 100), 5);
		xring_release(&r, 4);
		assert_int_equal(ours, starts[i] + 4);
		theirs += SIZE - 1;
		assert_int_equal(xring_peek(&r, 100), SIZE);
		xring_release(&r, SIZE);
		assert_int_equal(xring_peek(&r, 1), 0);
	}
}

/* A kernel that lies about its index gives nothing, and nothing is read or written. */
static void impossible_index(void **state)
{
	(void)state;
	struct xring r = doorbell_at(10);
	theirs = 10 + SIZE + 1;
	assert_int_equal(xring_peek(&r, 100), 0);
	r = doorbell_at(10);
	assert_int_equal(xring_reserve(&r, SIZE), SIZE);
	xring_submit(&r, SIZE);
	theirs = 10 + SIZE + 1; /* consumed what was never produced */
	assert_int_equal(xring_reserve(&r, 4), 0);
}

static void slots_wrap(void **state)
{
	(void)state;
	struct xring r = doorbell_at(UINT32_MAX - 2);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(xring_reserve(&r, 1), 1);
		*xring_addr(&r, r.head) = i;
		xring_submit(&r, 1);
		assert_int_equal(slot[theirs & (SIZE - 1)], i);
		theirs++;
	}
	struct xdp_desc d[4];
	r.slots = d;
	r.mask = 3;
	assert_ptr_equal(xring_desc(&r, UINT32_MAX), &d[3]);
	assert_ptr_equal(xring_desc(&r, 0), &d[0]);
}

static void wakeup_flag(void **state)
{
	(void)state;
	struct xring r = doorbell_at(7);
	assert_false(xring_flagged(&r));
	assert_false(xring_wants_wakeup(&r));
	flags = XDP_RING_NEED_WAKEUP;
	assert_true(xring_flagged(&r));
	assert_true(xring_wants_wakeup(&r));
	assert_int_equal(ours, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(producer_fills_and_waits), cmocka_unit_test(consumer_sees_what_is_there),
		cmocka_unit_test(impossible_index), cmocka_unit_test(slots_wrap), cmocka_unit_test(wakeup_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

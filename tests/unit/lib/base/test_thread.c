/* SPDX-License-Identifier: MIT */
/* test_thread.c - the list of doorbells still to ring. */
#include "mem_test.h"
#include "doorbell.h"

struct fake_txq {
	struct plx_txq q;
	unsigned rings;
	unsigned stays; /* so many rings leave something behind */
};

static uint16_t fake_burst(struct plx_txq *q, struct plx_mbuf **m, uint16_t n)
{
	struct fake_txq *f = plx_container_of(q, struct fake_txq, q);

	assert_null(m);
	assert_int_equal(n, 0);
	assert_false(q->pending);
	assert_null(q->pending_next);
	f->rings++;
	if (f->stays) {
		f->stays--;
		plx_tx_pending_add(q);
	}
	return 0;
}

static void setup(struct fake_txq *f, int n)
{
	for (int i = 0; i < n; i++)
		f[i] = (struct fake_txq){ .q.burst = fake_burst };
	assert_null(plx_self.pending);
}

static void rings_each_once(void **state)
{
	struct fake_txq f[3];

	(void)state;
	setup(f, 3);
	assert_int_equal(plx_tx_pending_ring(), 0);
	for (int i = 0; i < 3; i++) {
		plx_tx_pending_add(&f[i].q);
		plx_tx_pending_add(&f[i].q); /* twice is once */
	}
	assert_int_equal(plx_tx_pending_ring(), 0);
	assert_null(plx_self.pending);
	for (int i = 0; i < 3; i++)
		assert_int_equal(f[i].rings, 1);
	assert_int_equal(plx_tx_pending_ring(), 0);
	assert_int_equal(f[0].rings, 1);
}

static void unfinished_stay(void **state)
{
	struct fake_txq f[3];

	(void)state;
	setup(f, 3);
	f[0].stays = 2;
	f[2].stays = 1;
	for (int i = 0; i < 3; i++)
		plx_tx_pending_add(&f[i].q);
	assert_int_equal(plx_tx_pending_ring(), 2);
	assert_true(f[0].q.pending && !f[1].q.pending && f[2].q.pending);
	assert_int_equal(plx_tx_pending_ring(), 1);
	assert_int_equal(plx_tx_pending_ring(), 0);
	assert_int_equal(f[0].rings, 3);
	assert_int_equal(f[1].rings, 1);
	assert_int_equal(f[2].rings, 2);
}

static void del_anywhere(void **state)
{
	for (int gone = 0; gone < 3; gone++) {
		struct fake_txq f[3];

		(void)state;
		setup(f, 3);
		for (int i = 0; i < 3; i++)
			plx_tx_pending_add(&f[i].q);
		plx_tx_pending_del(&f[gone].q);
		assert_false(f[gone].q.pending);
		plx_tx_pending_del(&f[gone].q); /* not on the list: nothing happens */
		assert_int_equal(plx_tx_pending_ring(), 0);
		for (int i = 0; i < 3; i++)
			assert_int_equal(f[i].rings, i == gone ? 0 : 1);
	}
}

static void *sees_its_own(void *arg)
{
	struct fake_txq *f = arg;

	if (plx_self.slot || plx_self.pending)
		return NULL;
	plx_tx_pending_add(&f->q);
	plx_tx_pending_ring();
	return NULL;
}

static void each_thread_its_list(void **state)
{
	struct fake_txq f[2];

	(void)state;
	setup(f, 2);
	plx_self.slot = 7;
	plx_tx_pending_add(&f[0].q);
	run_threads(1, sees_its_own, &f[1], sizeof(f[1]));
	assert_int_equal(f[0].rings, 0);
	assert_int_equal(f[1].rings, 1);
	assert_int_equal(plx_tx_pending_ring(), 0);
	assert_int_equal(f[0].rings, 1);
	plx_self.slot = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_each_once),
		cmocka_unit_test(unfinished_stay),
		cmocka_unit_test(del_anywhere),
		cmocka_unit_test(each_thread_its_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

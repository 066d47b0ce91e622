/* SPDX-License-Identifier: MIT */
/* test_steer_cost.c - what the steering program costs beyond a bare redirect, while the number it
   looks at moves each millisecond on another CPU.  A gate in plain nanoseconds would judge the
   machine, so both programs run by turns and pairs of neighbours are compared; and the limit is what one locked
   addition costs here, as the program's counter is one, and more than half of that for all else. */
#include "steer_util.h"
#include "bare.skel.h"

#include <pthread.h>

enum { ROUNDS = 15, FRAMES = 500000, SERIES = 5, STALL = 1 << 30 };
static const double LIMIT = 1.6; /* locked additions */

static const uint8_t frame[60] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0, 0, 46 };

struct reader { struct steer_queue *q; int end; };

static void *moves(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&r->end, __ATOMIC_RELAXED)) {
		__atomic_store_n(&r->q->alive, r->q->alive % 1000000 + 1, __ATOMIC_RELAXED);
		sleep_us(1000);
	}
	return NULL;
}

/* CPU time of this thread for a frame, in ns; what others take of the CPU does not count. */
static double cost(int prog)
{
	int64_t t = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	assert_int_equal(run_frames(prog, frame, sizeof(frame), 0, FRAMES), XDP_REDIRECT);
	return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t) / FRAMES;
}

/* CPU time of a locked addition by user space, in ns. */
static double addition(void)
{
	static uint64_t count;
	int64_t t = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	for (int i = 0; i < FRAMES; i++)
		__atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST);
	return (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - t) / FRAMES;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The median of the rounds' differences, in locked additions of the same rounds.  Which program goes first
   changes by turns. */
static double series(int bare, int steer)
{
	double base[ROUNDS], more[ROUNDS], add[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		double first = cost(i % 2 ? steer : bare), second = cost(i % 2 ? bare : steer);
		base[i] = i % 2 ? second : first;
		more[i] = i % 2 ? first - second : second - first;
		add[i] = addition();
	}
	double m = median(more, ROUNDS), a = median(add, ROUNDS);
	print_message("# a bare redirect %.1f ns, the steering program %+.2f ns, a locked addition %.2f ns "
	              "(median of %d pairs of %d frames)\n", median(base, ROUNDS), m, a, ROUNDS, FRAMES);
	return m / a;
}

/* A series that was disturbed is made once more: a program that costs too much never has a quiet one. */
static void steer_costs_little_more_than_a_bare_redirect(void **state)
{
	struct steer_bpf *steer;
	struct bare_bpf *bare = bare_bpf__open_and_load();
	uint32_t key = 0;
	uint64_t frames = 0;
	double more = LIMIT + 1;
	pthread_t t;

	(void)state;
	assert_non_null(bare);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(bare->maps.xsks), &key, &bed_xsk, BPF_ANY), 0);
	assert_int_equal(steer_load(&steer, 64, 0), 0);
	struct reader r = { .q = &steer->bss->queue[0] };
	r.q->stall = STALL;
	r.q->alive = 1;
	assert_int_equal(pthread_create(&t, NULL, moves, &r), 0);
	for (int i = 0; i < SERIES && more > LIMIT; i++, frames += (uint64_t)ROUNDS * FRAMES)
		more = series(bpf_program__fd(bare->progs.bare), bpf_program__fd(steer->progs.steer));
	__atomic_store_n(&r.end, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_int_equal(r.q->count[STEER_redirected], frames);
	steer_bpf__destroy(steer);
	bare_bpf__destroy(bare);
	if (more > LIMIT)
		fail_msg("as much as %.2f locked additions, wanted %.1f at most", more, LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(steer_costs_little_more_than_a_bare_redirect) };
	int missing = bed_make();

	return missing ? missing : cmocka_run_group_tests(tests, NULL, NULL);
}

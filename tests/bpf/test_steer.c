/* SPDX-License-Identifier: MIT */
/* test_steer.c - verdicts of the steering program, run by BPF_PROG_TEST_RUN: a table of frames and
   conditions, the sign of life over time, and exact counters.  A real AF_XDP socket stands in
   the map, in a namespace of its own.  Runs on each kernel that loads the program, see tests/vm. */
#include "steer_util.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum { ENTRIES = 3, STALL = 20 };

/* The program looks at no byte of a frame yet; that it does so for none is what is shown. */
static const struct { const char *name; uint8_t b[96]; uint32_t len;
} frames[] = {
	{ "runt of Ethernet header only", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00 }, 14 },
	{ "short of its IPv4 header", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45 }, 15 },
	{ "ARP", { 255, 255, 255, 255, 255, 255, 7, 8, 9, 10, 11, 12, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 }, 60 },
	{ "VLAN, ARP", { 255, 255, 255, 255, 255, 255, 7, 8, 9, 10, 11, 12, 0x81, 0x00, 0, 5, 0x08, 0x06 }, 64 },
	{ "QinQ, IPv4", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0, 0x45 }, 68 },
	{ "IPv4, UDP", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 }, 60 },
	{ "IPv4, header length 0", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x40, 0, 0, 46 }, 60 },
	{ "IPv4, fragment",
	  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0, 0, 46, 0, 1, 0x20, 9, 64, 17 },
	  60 },
	{ "IPv6, UDP", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64 }, 62 },
	{ "IPv6, extension headers",
	  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 0, 64 },
	  70 },
	{ "802.3 length, LLC", { 1, 128, 194, 0, 0, 0, 7, 8, 9, 10, 11, 12, 0, 38, 0x42, 0x42, 3 }, 60 },
};

static struct steer_bpf *skel;
static struct steer_queue *queue;

static int set_up_with(uint32_t flags)
{
	int err = steer_load(&skel, ENTRIES, flags);

	if (!err)
		queue = skel->bss->queue;
	return err;
}

static int set_up(void **state) { (void)state; return set_up_with(0); }

/* Frames of several buffers came with 5.18. */
static int set_up_frags(void **state)
{
	static int old = 1;

	*state = older_than(5, 18) ? &old : NULL;
	return *state ? 0 : set_up_with(BPF_F_XDP_HAS_FRAGS);
}

static int tear_down(void **state)
{
	(void)state;
	steer_bpf__destroy(skel);
	skel = NULL;
	return 0;
}

static int prog(void) { return bpf_program__fd(skel->progs.steer); }

static const char *verdict_name(int v)
{
#define X(id, why) #id,
	static const char *const names[] = { STEER_VERDICTS(X) "none" };
#undef X
	return names[v];
}

/* One frame; which verdict was counted, and that just one was, for its own queue. */
static enum steer_verdict verdict_of(size_t f, uint32_t q)
{
	struct steer_queue before = queue[q];
	enum steer_verdict got = STEER_VERDICT_N;
	int action = run_frames(prog(), frames[f].b, frames[f].len, q, 1);

	for (uint32_t v = 0; v < STEER_VERDICT_N; v++) {
		if (queue[q].count[v] == before.count[v])
			continue;
		if (got != STEER_VERDICT_N || queue[q].count[v] != before.count[v] + 1)
			return STEER_VERDICT_N;
		got = v;
	}
	return action == (got == STEER_redirected ? XDP_REDIRECT : XDP_PASS) ? got : STEER_VERDICT_N;
}

/* Moves the number of this queue.  One that was given back goes on where it was: a number that the program
   has seen before is no sign of life. */
static void move(uint32_t q)
{
	static uint32_t number;

	queue[q].alive = ++number;
}

/* The program's clock: it notes it when a number is new to it. */
static uint32_t jiffies_now(uint32_t q)
{
	move(q);
	run_frames(prog(), frames[0].b, frames[0].len, q, 1);
	return (uint32_t)queue[q].seen;
}

/* As if the number had last moved `ticks` ago. */
static void age(uint32_t q, uint32_t ticks)
{
	uint32_t now = jiffies_now(q);

	queue[q].seen = (uint64_t)queue[q].alive << 32 | (uint32_t)(now - ticks);
}

/* ---- verdicts ---- */

enum life { NOBODY, MOVED, MOVED_AFTER_LONG, STANDS, STANDS_LONG };
enum { LONG = 1 << 30 }; /* ticks */

static const struct {
	const char *name; bool socket; uint32_t queue; enum life life; uint32_t stall; enum steer_verdict want;
} cases[] = {
	{ "nobody's",                   true,  0, NOBODY,           0,     STEER_passed_stopped },
	{ "nobody's, stall on",         true,  0, NOBODY,           STALL, STEER_passed_stopped },
	{ "moved",                      true,  0, MOVED,            STALL, STEER_redirected },
	{ "moved after long",           true,  0, MOVED_AFTER_LONG, STALL, STEER_redirected },
	{ "stands within the stall",    true,  0, STANDS,           LONG,  STEER_redirected },
	{ "stands longer",              true,  0, STANDS_LONG,      STALL, STEER_passed_stale },
	{ "stands longer, stall off",   true,  0, STANDS_LONG,      0,     STEER_redirected },
	{ "no socket",                  false, 0, MOVED,            STALL, STEER_passed_no_socket },
	{ "no socket, stands longer",   false, 0, STANDS_LONG,      STALL, STEER_passed_stale },
	{ "no socket, nobody's",        false, 0, NOBODY,           STALL, STEER_passed_stopped },
	{ "another queue's socket",     true,  1, MOVED,            STALL, STEER_passed_no_socket },
	{ "beyond the sockets",         true,  ENTRIES, MOVED,      STALL, STEER_passed_no_socket },
	{ "last queue",                 true,  STEER_QUEUES - 1, MOVED, STALL, STEER_passed_no_socket },
	{ "last queue, nobody's",       true,  STEER_QUEUES - 1, NOBODY, STALL, STEER_passed_stopped },
};

static void live(uint32_t q, enum life life, uint32_t stall)
{
	queue[q].stall = stall;
	if (life == NOBODY)
		queue[q].alive = 0;
	else
		age(q, life == STANDS || life == MOVED ? 0 : 2 * stall + 2);
	if (life == MOVED || life == MOVED_AFTER_LONG)
		move(q);
}

static void socket_in_map(bool there)
{
	uint32_t key = 0;
	int map = bpf_map__fd(skel->maps.xsks);

	assert_int_equal(there ? bpf_map_update_elem(map, &key, &bed_xsk, BPF_ANY) : bpf_map_delete_elem(map, &key), 0);
}

static void lacks(const char *what)
{
	print_message("SKIP: %s\n", what);
	skip();
}

static void table(void **state)
{
	if (*state)
		lacks("programs for packets of several buffers came with 5.18");
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		if (cases[c].queue && !other_queues())
			continue;
		for (size_t f = 0; f < sizeof(frames) / sizeof(*frames); f++) {
			if (!cases[c].socket)
				socket_in_map(false);
			live(cases[c].queue, cases[c].life, cases[c].stall);
			enum steer_verdict got = verdict_of(f, cases[c].queue);
			if (got != cases[c].want)
				fail_msg("%s, %s: %s, wanted %s", cases[c].name, frames[f].name, verdict_name(got),
				         verdict_name(cases[c].want));
			if (!cases[c].socket)
				socket_in_map(true);
		}
	}
}

/* Each queue is judged by its own line, and its frames are counted there. */
static void queues_are_apart(void **state)
{
	static const enum steer_verdict want[] = { STEER_redirected, STEER_passed_stale, STEER_passed_stopped };
	static const enum life lives[] = { MOVED, STANDS_LONG, NOBODY };
	struct steer_queue before[STEER_QUEUES];

	(void)state;
	if (!other_queues())
		lacks("BPF_PROG_TEST_RUN takes a queue since 5.15");
	for (uint32_t q = 0; q < 3; q++)
		live(q, lives[q], STALL);
	memcpy(before, queue, sizeof(before));
	for (uint32_t q = 0; q < 3; q++) {
		assert_int_equal(verdict_of(5, q), want[q]);
		before[q].count[want[q]]++;
		before[q].seen = queue[q].seen;
	}
	assert_memory_equal(before, queue, sizeof(before));
}

/* A queue the program has no line for is the host's, and changes nobody's line. */
static void queue_beyond_the_lines(void **state)
{
	static struct steer_queue before[STEER_QUEUES];

	(void)state;
	if (!other_queues())
		lacks("BPF_PROG_TEST_RUN takes a queue since 5.15");
	for (uint32_t q = 0; q < STEER_QUEUES; q++)
		move(q);
	memcpy(before, queue, sizeof(before));
	assert_int_equal(run_frames(prog(), frames[5].b, 60, STEER_QUEUES, 1), XDP_PASS);
	assert_memory_equal(before, queue, sizeof(before));
}

/* ---- the sign of life ---- */

/* The first tick at which a frame passes is the one after `stall`, whatever jiffies are: the last of these
   stalls goes over the wrap of their low half. */
static void stale_after_stall_ticks_exactly(void **state)
{
	static const uint32_t stalls[] = { 1, 2, 3, 12, 250, 0x7fffffff, 0x80000000, 0xfffffff0 };

	(void)state;
	for (size_t i = 0; i < sizeof(stalls) / sizeof(*stalls); i++) {
		queue->stall = stalls[i];
		age(0, stalls[i] + 1);
		assert_int_equal(verdict_of(5, 0), STEER_passed_stale);
		enum steer_verdict got;
		int64_t end = tick_time() + 30000000000;
		uint32_t set;
		do { /* again if a tick came between */
			age(0, stalls[i]);
			set = (uint32_t)queue->seen + stalls[i];
			got = verdict_of(5, 0);
		} while (jiffies_now(0) != set && tick_time() < end);
		assert_int_equal(got, STEER_redirected);
	}
}

/* Whatever number follows, it is another one; the pair that is kept holds all of it. */
static void any_other_number_is_a_move(void **state)
{
	static const uint32_t moves[][2] = {
		{ 1, 2 },       { 2, 1 },          { UINT32_MAX, 1 }, { 1, 0x10001 },
		{ 0x10001, 1 }, { 1, 0x80000001 }, { 0x80000001, 1 },
	};

	(void)state;
	queue->stall = STALL;
	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		uint32_t now = jiffies_now(0);
		queue->alive = moves[i][0];
		queue->seen = (uint64_t)queue->alive << 32 | (uint32_t)(now - STALL - 1);
		assert_int_equal(verdict_of(5, 0), STEER_passed_stale);
		queue->alive = moves[i][1];
		assert_int_equal(verdict_of(5, 0), STEER_redirected);
		assert_int_equal(queue->seen >> 32, moves[i][1]);
	}
}

/* The list of situations, in real time.  Ticks of user space tell when a frame was early enough to be
   the program's for certain, or late enough to be the host's. */
enum { KEEP, MOVE, GIVE_BACK };
static const struct { const char *name; int alive; int percent; enum steer_verdict want; } steps[] = {
	{ "not armed",                                GIVE_BACK, 0,   STEER_passed_stopped },
	{ "armed",                                    MOVE,      0,   STEER_redirected },
	{ "half a stall later",                       KEEP,      50,  STEER_redirected },
	{ "no move for two stalls",                   KEEP,      200, STEER_passed_stale },
	{ "still none",                               KEEP,      0,   STEER_passed_stale },
	{ "moved",                                    MOVE,      0,   STEER_redirected },
	{ "slept for three stalls, its first frame",  MOVE,      300, STEER_redirected },
	{ "a little later",                           KEEP,      40,  STEER_redirected },
	{ "after a stall, it never woke",             KEEP,      150, STEER_passed_stale },
	{ "woke late",                                MOVE,      0,   STEER_redirected },
	{ "given back",                               GIVE_BACK, 0,   STEER_passed_stopped },
	{ "given back long ago",                      KEEP,      200, STEER_passed_stopped },
	{ "armed again",                              MOVE,      0,   STEER_redirected },
};

static void wait_ticks(int64_t n)
{
	int64_t until = tick_time() + n * tick_ns();

	while (tick_time() < until)
		sleep_us(1000);
}

/* NULL, or the step that went wrong.  A machine that takes the time for a step away makes its frame say nothing:
   then the list begins anew. */
static const char *life_once(bool *again)
{
	int64_t first = 0; /* ticks right before the first frame after the last move */

	*again = false;
	queue->stall = STALL;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (steps[i].alive == GIVE_BACK)
			queue->alive = 0;
		else if (steps[i].alive == MOVE)
			move(0);
		if (steps[i].percent)
			wait_ticks((int64_t)STALL * steps[i].percent / 100 + (steps[i].percent >= 100));
		if (steps[i].alive == MOVE)
			first = tick_time();
		enum steer_verdict got = verdict_of(5, 0);
		if (got == steps[i].want)
			continue;
		*again = got == STEER_passed_stale && tick_time() - first >= (STALL - 1) * tick_ns();
		return steps[i].name;
	}
	return NULL;
}

static const char *life(void)
{
	const char *wrong = "no quiet moment";
	bool again = true;

	for (int i = 0; i < 50 && again; i++)
		wrong = life_once(&again);
	return wrong;
}

static void sign_of_life(void **state)
{
	const char *wrong = life();

	(void)state;
	if (wrong)
		fail_msg("%s", wrong);
}

/* One move, then frames without a pause: none passes before `stall` ticks, none is redirected two ticks after
   them (one for the clock that is read before it moves, one for the fraction). */
static void no_frame_is_stale_early_or_late(void **state)
{
	static const uint32_t stalls[] = { 1, 2, 3, 4, 12 };
	int64_t tick = tick_ns();

	(void)state;
	for (size_t i = 0; i < sizeof(stalls) / sizeof(*stalls); i++) {
		int64_t end = clock_ns(CLOCK_MONOTONIC) + 30000000000, from, first, before;
		enum steer_verdict got;
		queue->stall = stalls[i];
		move(0);
		from = tick_time();
		assert_int_equal(verdict_of(5, 0), STEER_redirected);
		first = tick_time();
		do {
			before = tick_time();
			got = verdict_of(5, 0);
			if (got == STEER_redirected && before - first > (stalls[i] + 2) * tick + tick / 2)
				fail_msg("stall %u: redirected after %ld us", stalls[i], (long)(before - first) / 1000);
		} while (got == STEER_redirected && clock_ns(CLOCK_MONOTONIC) < end);
		assert_int_equal(got, STEER_passed_stale);
		if (tick_time() - from < stalls[i] * tick - tick / 2)
			fail_msg("stall %u: stale after %ld us", stalls[i], (long)(tick_time() - from) / 1000);
	}
}

/* In a time namespace of its own, `seconds` away; 77 if there is none to be had. */
static int life_elsewhere(long seconds)
{
	long now = (long)(clock_ns(CLOCK_MONOTONIC) / 1000000000);
	const char *wrong;
	int status, fd;
	pid_t pid;

	if (seconds < -now)
		seconds = 1 - now; /* no clock may begin before zero */
	if (unshare(CLONE_NEWTIME))
		return 77;
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0 || dprintf(fd, "monotonic %ld 0\n", seconds) < 0 || close(fd))
		return 1;
	pid = fork(); /* only children are in it */
	if (!pid) {
		wrong = labs(clock_ns(CLOCK_MONOTONIC) / 1000000000 - now - seconds) > 60 ? "not another clock" :
		                                                                            life();
		if (wrong)
			print_error("%+ld s: %s\n", seconds, wrong);
		_exit(wrong != NULL);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int in_child(int (*fn)(long), long arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn(arg));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void time_namespaces_do_not_matter(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		int code = in_child(life_elsewhere, i ? 1000 : -1000);
		if (code == 77)
			skip();
		assert_int_equal(code, 0);
	}
}

/* ---- counters ---- */

enum { RUNNERS = 2, REPEAT = 20000, ROUNDS = 10 };

static void *runs(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		if (run_frames(prog(), frames[5].b, 60, 0, REPEAT) < 0)
			*(int *)arg = 1;
	return NULL;
}

static void *moves(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_RELAXED)) {
		move(0);
		sleep_us(1000);
	}
	return NULL;
}

/* Generic XDP runs a queue on several CPUs at once, while its reader moves the number. */
static void counters_are_exact_on_two_cpus(void **state)
{
	pthread_t t[RUNNERS], mover;
	int failed[RUNNERS] = { 0 }, end = 0;

	(void)state;
	queue->stall = LONG;
	move(0);
	memset(queue->count, 0, sizeof(queue->count));
	assert_int_equal(pthread_create(&mover, NULL, moves, &end), 0);
	for (int i = 0; i < RUNNERS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, runs, &failed[i]), 0);
	for (int i = 0; i < RUNNERS; i++)
		pthread_join(t[i], NULL);
	__atomic_store_n(&end, 1, __ATOMIC_RELAXED);
	pthread_join(mover, NULL);
	for (int i = 0; i < RUNNERS; i++)
		assert_int_equal(failed[i], 0);
	assert_int_equal(queue->count[STEER_redirected], (uint64_t)RUNNERS * ROUNDS * REPEAT);
	for (int v = STEER_redirected + 1; v < STEER_VERDICT_N; v++)
		assert_int_equal(queue->count[v], 0);
}

/* ---- rights ---- */

/* Without CAP_PERFMON the verifier holds a program to more: no pointer may be seen, no bound forgotten. */
static int loads_with(long capabilities)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };
	struct steer_bpf *own;

	for (int i = 0; i < 2; i++)
		d[i].effective = d[i].permitted = (uint32_t)((uint64_t)capabilities >> 32 * i);
	if (syscall(SYS_capset, &h, d))
		return 2;
	if (!(capabilities >> CAP_BPF & 1))
		libbpf_set_print(NULL); /* that is to fail */
	own = steer_bpf__open();
	return !own || steer_bpf__load(own) ? 1 : 0;
}

static void loads_without_perfmon(void **state)
{
	long admin = 1L << CAP_NET_ADMIN, bpf = 1L << CAP_BPF, raw = 1L << CAP_NET_RAW;

	(void)state;
	assert_int_equal(in_child(loads_with, bpf | admin | raw), 0);
	assert_int_equal(in_child(loads_with, admin | raw), 1); /* the capabilities were given up indeed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table, set_up, tear_down),
		{ "table_with_frames_of_several_buffers", table, set_up_frags, tear_down, NULL },
		cmocka_unit_test_setup_teardown(queues_are_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(queue_beyond_the_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stale_after_stall_ticks_exactly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(any_other_number_is_a_move, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sign_of_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_frame_is_stale_early_or_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(time_namespaces_do_not_matter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(counters_are_exact_on_two_cpus, set_up, tear_down),
		cmocka_unit_test(loads_without_perfmon),
	};
	int missing = bed_make();

	return missing ? missing : cmocka_run_group_tests(tests, NULL, NULL);
}

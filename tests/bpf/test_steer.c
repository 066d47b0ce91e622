/* SPDX-License-Identifier: MIT */
/* test_steer.c - verdicts of the steering program, run by BPF_PROG_TEST_RUN over a table of
   frames and conditions.  A real AF_XDP socket stands in the map, in a namespace of its own. */
#include "steer.h"
#include "steer.skel.h"
#include "af_xdp/uapi.h"

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


/* The program looks at no byte of a frame yet; that it does so for none is what is shown. */
static const struct { const char *name; uint8_t b[96]; uint32_t len; } frames[] = {
	{ "runt of Ethernet header only", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00 }, 14 },
	{ "short of its IPv4 header", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45 }, 15 },
	{ "ARP", { 255, 255, 255, 255, 255, 255, 7, 8, 9, 10, 11, 12, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 }, 60 },
	{ "VLAN, ARP", { 255, 255, 255, 255, 255, 255, 7, 8, 9, 10, 11, 12, 0x81, 0x00, 0, 5, 0x08, 0x06 }, 64 },
	{ "QinQ, IPv4", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0, 0x45 }, 68 },
	{ "IPv4, UDP", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 }, 60 },
	{ "IPv4, header length 0", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x40, 0, 0, 46 }, 60 },
	{ "IPv4, fragment", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45, 0, 0, 46, 0, 1, 0x20, 9, 64, 17 }, 60 },
	{ "IPv6, UDP", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64 }, 62 },
	{ "IPv6, extension headers", { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 16, 0, 64 }, 70 },
	{ "802.3 length, LLC", { 1, 128, 194, 0, 0, 0, 7, 8, 9, 10, 11, 12, 0, 38, 0x42, 0x42, 3 }, 60 },
};

enum { BEAT_NONE, BEAT_NOW, BEAT_OLD, BEAT_AHEAD };

static const struct { const char *name; uint32_t mode, queue; int beat; uint64_t stall_ns; int want; uint32_t why; } cases[] = {
	{ "steer=none",             STEER_MODE_NONE, 0, BEAT_NOW,   0,          XDP_PASS,     STEER_passed_none },
	{ "unknown mode",           77,              0, BEAT_NOW,   0,          XDP_PASS,     STEER_passed_none },
	{ "not started",            STEER_MODE_ALL,  0, BEAT_NONE,  0,          XDP_PASS,     STEER_passed_stopped },
	{ "not started, stall on",  STEER_MODE_ALL,  0, BEAT_NONE,  1000000000, XDP_PASS,     STEER_passed_stopped },
	{ "alive",                  STEER_MODE_ALL,  0, BEAT_NOW,   1000000000, XDP_REDIRECT, STEER_redirected },
	{ "clock ahead of coarse",  STEER_MODE_ALL,  0, BEAT_AHEAD, 1000000000, XDP_REDIRECT, STEER_redirected },
	{ "stalled",                STEER_MODE_ALL,  0, BEAT_OLD,   1000000000, XDP_PASS,     STEER_passed_stale },
	{ "stalled, but off",       STEER_MODE_ALL,  0, BEAT_OLD,   0,          XDP_REDIRECT, STEER_redirected },
	{ "queue without a socket", STEER_MODE_ALL,  1, BEAT_NOW,   0,          XDP_PASS,     STEER_passed_no_socket },
	{ "queue beyond the maps",  STEER_MODE_ALL,  3, BEAT_NOW,   0,          XDP_PASS,     STEER_passed_stopped },
};

static struct steer_bpf *skel;
static uint64_t *beats;
static uint32_t ifindex;
static int xsk;

/* A socket bound to queue 0 of the interface: an XSKMAP takes no other. */
static int bound_socket(void)
{
	struct xdp_umem_reg reg = { .len = 8192, .chunk_size = 2048 };
	struct sockaddr_xdp a = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = ifindex };
	int fd = socket(AF_XDP, SOCK_RAW, 0), n = 64;

	reg.addr = (uintptr_t)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int set_up_with(uint32_t coarse, uint32_t flags)
{
	uint32_t key = 0;

	skel = steer_bpf__open();
	assert_non_null(skel);
	bpf_map__set_max_entries(skel->maps.xsks, 3);
	bpf_map__set_max_entries(skel->maps.beats, 3);
	bpf_program__set_flags(skel->progs.steer, flags);
	skel->rodata->coarse_clock = coarse;
	assert_int_equal(steer_bpf__load(skel), 0);
	beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skel->maps.beats), 0);
	assert_true(beats != MAP_FAILED);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.xsks), &key, &xsk, BPF_ANY), 0);
	return 0;
}

static int set_up(void **state) { (void)state; return set_up_with(1, BPF_F_XDP_HAS_FRAGS); }
static int set_up_old(void **state) { (void)state; return set_up_with(0, 0); }

static int tear_down(void **state)
{
	(void)state;
	munmap(beats, 4096);
	steer_bpf__destroy(skel);
	return 0;
}

static uint64_t counted(uint32_t why)
{
	uint64_t each[1024] = { 0 }, sum = 0;
	int cpus = libbpf_num_possible_cpus();

	assert_in_range(cpus, 1, 1024);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.verdicts), &why, each), 0);
	for (int i = 0; i < cpus; i++)
		sum += each[i];
	return sum;
}

/* What was claimed and passed, by queue. */
static uint64_t passed_of(uint32_t queue)
{
	uint64_t n = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.passed), &queue, &n), 0);
	return n;
}

static uint64_t beat_of(int kind)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	uint64_t now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	return kind == BEAT_NONE ? 0 : kind == BEAT_OLD ? now - 3000000000u : kind == BEAT_AHEAD ? now + 50000000 : now;
}

static int verdict_of(const void *data, uint32_t len, uint32_t queue)
{
	struct xdp_md ctx = { .data_end = len, .ingress_ifindex = ifindex, .rx_queue_index = queue };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = data, .data_size_in = len, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.steer), &o), 0);
	return (int)o.retval;
}

static void table(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		for (size_t f = 0; f < sizeof(frames) / sizeof(*frames); f++) {
			uint64_t before[STEER_VERDICT_N], passed = passed_of(cases[c].queue);
			for (uint32_t v = 0; v < STEER_VERDICT_N; v++)
				before[v] = counted(v);
			skel->bss->conf.mode = cases[c].mode;
			skel->bss->conf.stall_ns = cases[c].stall_ns;
			for (int q = 0; q < 3; q++)
				beats[q] = beat_of(cases[c].beat);
			int got = verdict_of(frames[f].b, frames[f].len, cases[c].queue);
			if (got != cases[c].want)
				print_error("%s: %s\n", cases[c].name, frames[f].name);
			assert_int_equal(got, cases[c].want);
			for (uint32_t v = 0; v < STEER_VERDICT_N; v++)
				assert_int_equal(counted(v) - before[v], v == cases[c].why);
			assert_int_equal(passed_of(cases[c].queue) - passed,
			                 cases[c].want == XDP_PASS && cases[c].why != STEER_passed_none);
		}
	}
}

/* Each queue is looked up by its own number. */
static void queues_are_apart(void **state)
{
	(void)state;
	skel->bss->conf.mode = STEER_MODE_ALL;
	skel->bss->conf.stall_ns = 1000000000;
	beats[0] = beat_of(BEAT_NOW);
	beats[1] = beat_of(BEAT_OLD);
	beats[2] = 0;
	assert_int_equal(verdict_of(frames[5].b, 60, 0), XDP_REDIRECT);
	assert_int_equal(verdict_of(frames[5].b, 60, 1), XDP_PASS);
	assert_int_equal(verdict_of(frames[5].b, 60, 2), XDP_PASS);
	assert_int_equal(counted(STEER_redirected), 1);
	assert_int_equal(counted(STEER_passed_stale), 1);
	assert_int_equal(counted(STEER_passed_stopped), 1);
	assert_int_equal(passed_of(0), 0);
	assert_int_equal(passed_of(1), 1);
	assert_int_equal(passed_of(2), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(queues_are_apart, set_up, tear_down),
		{ "table_without_frags_and_coarse_clock", table, set_up_old, tear_down, NULL },
	};

	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: unshare(CLONE_NEWNET): not permitted\n");
		return 77;
	}
	if (system("PATH=$PATH:/sbin:/usr/sbin; ip link add plxa0 numrxqueues 4 numtxqueues 4 type veth peer name plxb0 "
	           "numrxqueues 4 numtxqueues 4 && ip link set plxa0 up && ip link set plxb0 up")) {
		printf("SKIP: no veth\n");
		return 77;
	}
	ifindex = if_nametoindex("plxa0");
	xsk = bound_socket();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

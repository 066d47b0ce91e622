/* SPDX-License-Identifier: MIT */
/* test_setup_machine.c - the stages of the machine, on machines that are made up: hugepages,
   kernel settings, locked memory; and a plan as it is printed. */
#include "setup_util.h"

#include <sys/resource.h>

static const char nr[] = "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages";

static void node_pages(int node, const char *total, const char *avail)
{
	put(total, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/nr_hugepages", node);
	put(avail, "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB/free_hugepages", node);
}

/* The kernel gives fewer pages than asked for: memory is compacted once, then it is an error
   that leaves what was there. */
static void test_few_pages(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "";

	put("", "/proc/sys/vm/compact_memory");
	for (int cap = 9; cap >= 7; cap--) {
		struct setup s;
		char below[512];

		unlink(root_path(below, nr));
		put("4\n", "%s", nr);
		huge_cap = cap;
		said[0] = 0;
		begin(&s);
		setup_want(&s, SETUP_hugepages, &setup_file, nr, "10", "a test");
		int err = setup_apply(&s, SETUP_HOLD_HOST, "test", session);

		setup_free(&s);
		assert_non_null(strstr(said, "compacted once"));
		assert_int_equal(err, cap < 8 ? -ENOMEM : 0);
		assert_int_equal(value(nr), cap < 8 ? 4 : 10);
		if (err)
			assert_non_null(strstr(said, "gave 9 of 10 pages"));
		assert_int_equal(undo(NULL, SETUP_ALL), 0);
		assert_int_equal(value(nr), 4);
	}
}

static struct plx_env_conf conf;
static struct host host;

static void machine(struct setup *s, unsigned nodes, uint32_t stages)
{
	char why[512] = "";
	struct setup_in in = { .sys = &sys, .log = &log_keep, .conf = &conf, .host = &host, .stages = stages };

	memset(&host, 0, sizeof(host));
	host.topo.nnodes = nodes;
	host.topo.ncpus = 2;
	for (int i = 0; i < TOPO_CPUS_MAX; i++)
		host.topo.cpu[i].node = -1;
	for (int i = 0; i < 2; i++)
		host.topo.cpu[i] =
			(struct topo_cpu){ .online = true, .allowed = true, .node = (int16_t)(nodes - 1), .core = i };
	host.topo.mem_avail = 64ull << 20;
	plx_env_conf_init(&conf);
	conf.mem = 8 << 20;
	if (setup_plan(s, &in, why, sizeof(why)))
		fail_msg("%s", why);
}

static void test_hugepages(void **state)
{
	(void)state;
	struct setup s;

	node_pages(0, "100\n", "100\n");
	node_pages(1, "7\n", "3\n");
	machine(&s, 2, 1u << SETUP_hugepages);
	assert_int_equal(s.nitems, 1);
	assert_int_equal(s.items[0].state, SETUP_CHANGE);
	assert_string_equal(s.items[0].object, nr);
	assert_string_equal(s.items[0].old, "7");
	assert_string_equal(s.items[0].want, "8"); /* 8 MiB want 4 pages, 3 are free */
	char *text = setup_print(&s, false);

	assert_non_null(strstr(text, "\necho 8 > /sys/devices/system/node/node1/"));
	free(text);
	text = plan_print(s.plan, &host.topo, false); /* as it would be, but with no more pages than there would be */
	assert_non_null(strstr(text, "in pages of 2 MiB, 4 of 4 free\n"));
	free(text);
	setup_free(&s);
	node_pages(1, "7\n", "4\n");
	machine(&s, 2, 1u << SETUP_hugepages);
	assert_int_equal(s.items[0].state, SETUP_OK);
	setup_free(&s);
	/* without NUMA the count is the machine's, and pages may be promised */
	put("10\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	put("4\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
	put("2\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages");
	char below[512];

	unlink(root_path(below, "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"));
	machine(&s, 1, 1u << SETUP_hugepages);
	assert_string_equal(s.items[0].object, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	assert_string_equal(s.items[0].want, "12");
	setup_free(&s);
	/* more than there is memory */
	put("0\n", "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
	struct setup_in in = { .sys = &sys, .log = &log_keep, .conf = &conf, .host = &host,
	                       .stages = 1u << SETUP_hugepages };

	conf.mem = 100 << 20;
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_CANNOT);
	/* with a number that does, for more than a pool can hold as well */
	const char *at = strstr(s.items[0].found.evidence, "available: -m ");

	assert_non_null(at);
	conf.mem = strtoull(at + strlen("available: -m "), NULL, 10) << 20;
	assert_in_range(conf.mem, 50 << 20, 63 << 20);
	setup_free(&s);
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_CHANGE);
	setup_free(&s);
	conf.mem = 900ull << 30;
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), -EINVAL);
	at = strstr(below, "for it now: -m ");
	assert_non_null(at);
	conf.mem = strtoull(at + strlen("for it now: -m "), NULL, 10) << 20;
	setup_free(&s);
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_CHANGE);
	setup_free(&s);
	conf.mem = 8 << 20;
	conf.huge = PLX_NEVER;
	assert_int_equal(setup_plan(&s, &in, below, sizeof(below)), 0);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
}

static void test_sysctl(void **state)
{
	(void)state;
	struct setup s;

	machine(&s, 1, 1u << SETUP_sysctl);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
	put("2\n", "/proc/sys/net/core/bpf_jit_enable"); /* more than is wanted will do */
	put("1\n", "/proc/sys/kernel/numa_balancing");
	put("1\n", "/proc/sys/kernel/timer_migration");
	machine(&s, 1, 1u << SETUP_sysctl);
	assert_int_equal(s.nitems, 2);
	assert_int_equal(s.items[0].state, SETUP_OK);
	assert_int_equal(s.items[1].state, SETUP_CHANGE);
	setup_free(&s);
	node_pages(1, "0\n", "0\n");
	machine(&s, 2, 1u << SETUP_sysctl);
	assert_int_equal(s.nitems, 3);
	assert_string_equal(s.items[1].object, "/proc/sys/kernel/numa_balancing");
	setup_free(&s);
}

/* The limit of this very process, which the files say is number PID. */
static void test_memlock(void **state)
{
	(void)state;
	char session[SETUP_SESSION_MAX] = "", stat[128];
	struct rlimit was, low, now;
	struct setup s;
	int me = getpid();

	snprintf(stat, sizeof(stat), "%d (t) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20\n", me);
	put(stat, "/proc/self/stat");
	put(stat, "/proc/%d/stat", me);
	put("Name:\tt\nCapEff:\t0000000000000000\n", "/proc/%d/status", me);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &was), 0);
	low = (struct rlimit){ 65536, was.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	machine(&s, 1, 1u << SETUP_memlock);
	assert_int_equal(s.nitems, 1);
	if (was.rlim_max >= 8 << 20) { /* else only root may */
		assert_int_equal(s.items[0].state, SETUP_CHANGE);
		assert_int_equal(setup_apply(&s, SETUP_HOLD_PROCESS, "test", session), 0);
		getrlimit(RLIMIT_MEMLOCK, &now);
		assert_true(now.rlim_cur > 7 << 20 && now.rlim_max == was.rlim_max);
		assert_int_equal(undo(session, SETUP_ALL), 0);
		getrlimit(RLIMIT_MEMLOCK, &now);
		assert_int_equal(now.rlim_cur, 65536);
		assert_int_equal(now.rlim_max, was.rlim_max);
	}
	setup_free(&s);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &was), 0);
	put("Name:\tt\nCapEff:\t000001ffffffffff\n", "/proc/%d/status", me);
	machine(&s, 1, 1u << SETUP_memlock);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	setup_free(&s);
}

static void test_print(void **state)
{
	(void)state;
	char buf[64];
	struct setup s;

	setup_file.command(NULL, "/sys/class/net/$(x)/y", "1", buf, sizeof(buf));
	assert_string_equal(buf, "echo 1 > '/sys/class/net/$(x)/y'");
	values(10);
	begin(&s);
	want(&s, 0, 20);
	setup_cannot(&s, SETUP_cpuset, "no \"room\"");
	setup_skip(&s, SETUP_irq_affinity, "none");
	char *text = setup_print(&s, false), *json = setup_print(&s, true);

	assert_string_equal(
		text,
		"# hugepages: file /proc/v0 is 10, will be 20: a test wants it\necho 20 > /proc/v0\n"
		"# cpuset: cannot: no \"room\"\n# irq-affinity: skipped: none\n# 1 change, 1 that cannot be made\n");
	assert_non_null(strstr(json, "\"why\":\"no \\\"room\\\"\""));
	assert_non_null(strstr(json, "\"command\":\"echo 20 > /proc/v0\""));
	free(text);
	free(json);
	char session[SETUP_SESSION_MAX] = "";

	assert_int_equal(setup_apply(&s, SETUP_HOLD_HOST, "o\x1b[2J\ny", session), 0);
	setup_free(&s);
	assert_int_equal(setup_status(&sys, &log_keep, NULL, false, &text), 0);
	assert_non_null(strstr(text, "of o?[2J"));
	assert_null(strchr(text, '\x1b'));
	free(text);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, make, root_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_few_pages), T(test_hugepages), T(test_sysctl), T(test_memlock), T(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

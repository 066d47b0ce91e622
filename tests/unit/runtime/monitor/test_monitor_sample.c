/* SPDX-License-Identifier: MIT */
/* test_monitor_sample.c - the reading of samples from files of another machine, and of what the host tells of an
   interface and of the pages of a pool. */
#include "monitor_util.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

static void test_sample(void **state)
{
	struct monitor_sample *s = &t.sample[0];

	(void)state;
	monitor_take(s, &env, 5 * S);
	assert_true(s->at == 5 * S && s->lcore[0].runs && s->lcore[0].sched_told);
	assert_int_equal(s->lcore[0].wait_ns, 456789);
	assert_int_equal(s->lcore[0].preempted, 9);
	assert_true(s->lcore[0].cpus_told);
	assert_int_equal(cpuset_count(&s->lcore[0].cpus), 3);
	assert_true(cpuset_has(&s->lcore[0].cpus, 70));
	assert_true(s->lcore[0].ticks_told && !s->lcore[0].offline);
	assert_int_equal(s->lcore[0].ticks, 360);
	assert_int_equal(s->lcore[0].hardirq, 60);
	assert_int_equal(s->lcore[0].softirq, 70);
	assert_int_equal(s->lcore[0].steal, 80);
	assert_int_equal(s->lcore[0].net_rx, 30);
	assert_int_equal(s->lcore[1].net_rx, 40);
	assert_true(s->lcore[1].offline && !s->lcore[1].ticks_told); /* CPU 3 has no row */
	assert_int_equal(s->nirqs, 2);
	assert_int_equal(s->irq[1].irq, 24);
	assert_int_equal(s->irq[1].n, 4000);
	assert_int_equal(s->irq[1].lcore, 0);
	assert_string_equal(s->irq[1].action, "eth0-TxRx-0");
}

/* An lcore of two CPUs: what one of them does to it cannot be told. */
/* The one lcore there is has no CPU any more; that the file has rows of others tells so. */
static void test_sample_of_one_offline(void **state)
{
	(void)state;
	env.plan.nlcores = env.nlcores = 1;
	env.plan.lcores[0].cpu = 3;
	monitor_take(&t.sample[0], &env, 5 * S);
	assert_true(t.sample[0].lcore[0].offline);
	put("cpu  1 2 3 4 5 6 7 8 9 10\nintr 5 5\n", "/proc/stat"); /* of no CPU: not told */
	monitor_take(&t.sample[0], &env, 5 * S);
	assert_false(t.sample[0].lcore[0].offline);
}

/* A CPU that goes and comes back has its lcore again, and nobody is blamed for where that ran meanwhile. */
static unsigned pins;
static int pin_err;

static int count_pins(pthread_t thread, size_t size, const void *set)
{
	(void)size;
	assert_true(pthread_equal(thread, pthread_self()));
	assert_int_equal(CPU_COUNT((const cpu_set_t *)set), 1);
	assert_true(CPU_ISSET(3, (const cpu_set_t *)set));
	pins++;
	return pin_err;
}

/* Its CPU is there again from the third look on; the thread may run anywhere until the fourth. */
static void go_and_come(unsigned from)
{
	for (unsigned s = 0; s < 5; s++) {
		put(s < 2 ? "cpu 1\ncpu2 10 20 30 40 50 60 70 80 1 1\n" :
		    "cpu 1\ncpu2 10 20 30 40 50 60 70 80 1 1\ncpu3 10 20 30 40 50 60 70 80 1 1\n", "/proc/stat");
		put(s < 3 ? "Name:\tx\nCpus_allowed_list:\t0-2\n" : "Name:\tx\nCpus_allowed_list:\t3\n",
		    "/proc/self/task/78/status");
		monitor_look(&t, &env, (from + s) * S);
		assert_int_equal(pins, s >= 2);
	}
}

static void test_cpu_comes_back(void **state)
{
	(void)state;
	env.log = kept;
	root_sys.thread_setaffinity = count_pins;
	lcores[1].thread = pthread_self();
	put("Name:\tx\nCpus_allowed_list:\t2\n", "/proc/self/task/77/status");
	pins = 0;
	pin_err = 0;
	go_and_come(10);
	assert_true(kept_line_of("lcore 4: CPU 3 is online again, and it runs there", ""));
	assert_true(kept_line_of("lcore 4: offline", "CPU 3 is offline"));
	assert_false(kept_line_of("lcore 4: affinity", ""));
	pins = 0;
	pin_err = EINVAL;
	go_and_come(20);
	assert_true(kept_line_of("CPU 3 is online again, and it cannot be pinned there: Invalid argument",
	                         "taskset -pc 3 78"));
	assert_true(kept_line_of("lcore 4: affinity", ""));
}

static void test_sample_of_several_cpus(void **state)
{
	(void)state;
	env.plan.lcores[0].ncpus = 2;
	monitor_take(&t.sample[0], &env, S);
	assert_false(t.sample[0].lcore[0].ticks_told);
	assert_int_equal(t.sample[0].lcore[0].net_rx, 0);
	assert_int_equal(t.sample[0].nirqs, 0);
}

static void test_sample_without_files(void **state)
{
	(void)state;
	assert_int_equal(root_remove(state), 0);
	monitor_take(&t.sample[0], &env, S);
	for (unsigned i = 0; i < 2; i++) {
		const struct monitor_lcore *l = &t.sample[0].lcore[i];

		assert_false(l->sched_told || l->cpus_told || l->ticks_told || l->offline);
	}
	assert_int_equal(t.sample[0].nirqs, 0);
	assert_int_equal(open_fds, 0);
}

static uint64_t fake_cpu;
static uint64_t fake_step;

static int fake_clock(clockid_t clock, struct timespec *at)
{
	static uint64_t others = 20 * S; /* who hold a CPU: their time is no cost of ours */

	others += S;
	const uint64_t ns = clock == CLOCK_THREAD_CPUTIME_ID ? fake_cpu : others;
	*at = (struct timespec){ (time_t)(ns / S), (long)(ns % S) };
	fake_cpu += clock == CLOCK_THREAD_CPUTIME_ID ? fake_step : 0;
	return 0;
}

/* A look on a machine whose files are long is taken less often. */
static void test_cost_is_bounded(void **state)
{
	(void)state;
	root_sys.clock_gettime = fake_clock;
	fake_step = 0;
	monitor_look(&t, &env, 10 * S);
	assert_int_equal(t.due, 11 * S);
	monitor_look(&t, &env, 10 * S + S / 2); /* not due */
	assert_int_equal(t.samples, 0);
	fake_step = 20000000;
	monitor_look(&t, &env, 11 * S);
	assert_int_equal(t.samples, 1);
	assert_int_equal(t.due, 15 * S);
}

/* ---- what the host tells ---- */

static const char *if_name; /* of interface 7; NULL = there is none */
static int if_index;        /* of the interface named eth0; 0 = there is none */

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct ifreq *r = arg;

	(void)fd;
	errno = ENODEV;
	if (request == SIOCGIFNAME && r->ifr_ifindex == 7 && if_name)
		return snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", if_name) < 0;
	if (request == SIOCGIFINDEX && !strcmp(r->ifr_name, "eth0") && if_index) {
		r->ifr_ifindex = if_index;
		return 0;
	}
	return -1;
}

static char frames[64 << 12];
static int page_err;

/* Every fourth page is on node 1, the eighth is nowhere. */
static long fake_move_pages(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags)
{
	assert_true(!pid && !nodes && !flags);
	for (unsigned long i = 0; i < n; i++) {
		const size_t at = (size_t)((char *)pages[i] - frames) >> 12;

		assert_true(at < 64 && !((uintptr_t)((char *)pages[i] - frames) & 4095));
		status[i] = at == 28 ? -ENOENT : at % 16 == 12;
	}
	return page_err;
}

static int make_host(void **state)
{
	make_files(state);
	root_sys.ioctl = fake_ioctl;
	root_sys.move_pages = fake_move_pages;
	if_name = "eth0";
	if_index = 7;
	page_err = 0;
	env.ports[0] = NULL;
	env.host.topo.nnodes = 2;
	env.npools = 1;
	env.segs[0] = (struct mem_seg){ .addr = frames, .len = sizeof(frames), .page = 4096 };
	env.host.topo.time = (struct topo_cgroup){ .version = 2, .path = "/a/b" };
	env.host.topo.time_at = (struct topo_cgroup_place){ .mount = "/cg", .below = "/a/b" };
	put("7\n", "/sys/class/net/eth0/ifindex");
	put("55\n", "/sys/class/net/eth0/statistics/rx_missed_errors");
	put("44\n", "/sys/class/net/eth0/statistics/rx_fifo_errors");
	put("usage_usec 9\nnr_throttled 4\nthrottled_usec 30\n", "/cg/a/b/cpu.stat");
	put("usage_usec 9\nnr_throttled 4\nthrottled_usec 500\n", "/cg/a/cpu.stat");
	put("usage_usec 9\n", "/cg/cpu.stat");
	put("800000\n", "/sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq");
	put("3200000\n", "/sys/devices/system/cpu/cpu2/cpufreq/cpuinfo_max_freq");
	put("-5\n", "/sys/devices/system/cpu/cpu3/cpufreq/cpuinfo_max_freq");
	put("800000\n", "/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq");
	memset(t.sample[0].port, 0, sizeof(*t.sample[0].port));
	t.sample[0].lcore[0].runs = t.sample[0].lcore[1].runs = true;
	return 0;
}

static void test_host(void **state)
{
	struct monitor_sample *s = &t.sample[0];
	struct monitor_port *o = &s->port[0];

	(void)state;
	monitor_host(s, &env);
	assert_true(s->group_told);
	assert_int_equal(s->throttled, 530000);
	assert_string_equal(s->group, "/cg/a");
	assert_int_equal(s->lcore[0].khz, 800000);
	assert_int_equal(s->lcore[0].khz_max, 3200000);
	assert_true(!s->lcore[1].khz && !s->lcore[1].khz_max);
	assert_string_equal(o->now, "eth0");
	assert_int_equal(o->named, 7);
	assert_int_equal(o->missed_told, 3);
	assert_true(o->missed[0] == 55 && o->missed[1] == 44);
	assert_int_equal(o->pages, 15);
	assert_int_equal(o->far_pages, 3);
	assert_int_equal(o->far_node, 1);
	env.host.topo.time.version = 1;
	put("nr_periods 1\nthrottled_time 77\n", "/cg/cpu.stat");
	monitor_host(s, &env);
	assert_int_equal(s->throttled, 77);
	assert_string_equal(s->group, "/cg");
	if_name = "wan0"; /* its files are by its name */
	if_index = 9;
	put("7\n", "/sys/class/net/wan0/ifindex");
	put("56\n", "/sys/class/net/wan0/statistics/rx_missed_errors");
	monitor_host(s, &env);
	assert_string_equal(o->now, "wan0");
	assert_int_equal(o->named, 9);
	assert_int_equal(o->missed[0], 56);
	assert_int_equal(o->missed_told, 1);
	assert_int_equal(open_fds, 0);
}

static void test_host_tells_nothing(void **state)
{
	struct monitor_sample *s = &t.sample[0];
	struct monitor_port *o = &s->port[0];

	(void)state;
	put("8\n", "/sys/class/net/eth0/ifindex"); /* another network namespace's */
	page_err = -1;
	env.host.topo.time.version = 0;
	s->lcore[0].runs = false;
	monitor_host(s, &env);
	assert_false(s->group_told || s->throttled || *s->group || s->lcore[0].khz_max || o->missed_told || o->pages);
	page_err = 0;
	env.host.topo.nnodes = 1;
	env.host.topo.time.version = 2;
	if_name = NULL;
	if_index = 0;
	for (int i = 0; i < 3; i++)
		put("nonsense", "%s", (const char *[]){ "/cg/cpu.stat", "/cg/a/cpu.stat", "/cg/a/b/cpu.stat" }[i]);
	monitor_host(s, &env);
	assert_false(s->group_told || *o->now || o->named || o->missed_told || o->pages);
	env.host.topo.nnodes = 2;
	env.plan.ports[0].link.node = -1;
	monitor_host(s, &env);
	assert_int_equal(o->pages, 0);
	env.plan.ports[0].link.node = 0;
	env.segs[0].len = 3 << 12; /* fewer pages than are asked for */
	monitor_host(s, &env);
	assert_int_equal(o->pages, 3);
	env.segs[0].page = 0; /* none at all */
	o->pages = 0;
	monitor_host(s, &env);
	assert_int_equal(o->pages, 0);
	assert_int_equal(open_fds, 0);
}

/* Files that no kernel writes. */
static void test_sample_of_garbage(void **state)
{
	static const char *const junk[] = { "", "\n", "CPU0", "CPU0 CPU\n9999999999: 1\n", "cpu\ncpu9999999999999 1\n",
	                                    "cpu2 -1 x\n", "  CPU2\n24:", "24: 1\n",
	                                    "CPU2\n24: 99999999999999999999999 \n" };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(junk); i++) {
		put(junk[i], "/proc/stat");
		put(junk[i], "/proc/softirqs");
		put(junk[i], "/proc/interrupts");
		put(junk[i], "/proc/self/task/77/status");
		put(junk[i], "/proc/self/task/77/schedstat");
		monitor_take(&t.sample[0], &env, S);
		assert_false(t.sample[0].lcore[0].sched_told);
		assert_false(t.sample[0].lcore[0].cpus_told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_sample), F(test_sample_of_one_offline), F(test_cpu_comes_back), F(test_sample_of_several_cpus),
		F(test_sample_without_files), F(test_cost_is_bounded), F(test_sample_of_garbage),
		cmocka_unit_test_setup_teardown(test_host, make_host, remove_files),
		cmocka_unit_test_setup_teardown(test_host_tells_nothing, make_host, remove_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_truth.c - judging made-up samples against a made-up plan: what is found, when it begins,
   how often it is told, when it is over; and the reading of samples from files of another machine. */
#include "root_util.h"

#include "env.h"
#include "plx_thread.h"
#include "truth.h"
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#define S 1000000000ull

static struct plx_env env;
static struct plx_lcore *lcores;
static struct truth t;
static char lines[8192];
static unsigned warnings, notices;
static struct truth_sample was, is;

static void log_line(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	warnings += level == PLX_LOG_WARN;
	notices += level == PLX_LOG_NOTICE;
	size_t n = strlen(lines);
	snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}
static const struct plx_log kept = { log_line, NULL, PLX_LOG_INFO };

/* A plan: eth0 with queues 0-1 of 4 on lcores 3 (CPU 2) and 4 (CPU 3); interrupts 24 on CPU 0, 25 on CPU 3. */
static int make(void **state)
{
	struct plan *p = &env.plan;

	(void)state;
	memset(&env, 0, sizeof(env));
	p->nlcores = 2;
	p->lcores[0] = (struct plan_lcore){ .id = 3, .cpu = 2, .ncpus = 1, .cpus = { 2 } };
	p->lcores[1] = (struct plan_lcore){ .id = 4, .cpu = 3, .ncpus = 1, .cpus = { 3 } };
	p->npools = 1;
	p->pools[0].bytes = 20 << 20;
	p->nports = 1;
	snprintf(p->ports[0].conf.name, sizeof(p->ports[0].conf.name), "eth0");
	p->ports[0].conf.rxqs = 2;
	p->ports[0].txq_lcore[1] = 1;
	p->ports[0].link.ifindex = 7;
	snprintf(p->ports[0].link.name, sizeof(p->ports[0].link.name), "eth0");
	p->ports[0].rxq_irq[0] = (struct plan_irq){ .irq = 24, .cpu = 0, .how = DISCO_IRQ_NAPI };
	p->ports[0].rxq_irq[1] = (struct plan_irq){ .irq = 25, .cpu = 3, .how = DISCO_IRQ_NAPI };
	*lines = 0;
	warnings = notices = 0;
	assert_int_equal(truth_open(&t, p, &kept, 2500000000u), 0);
	was = t.sample[0];
	is = t.sample[1];
	was.at = 100 * S;
	is.at = 101 * S;
	for (int k = 0; k < 2; k++) {
		struct truth_sample *s = k ? &is : &was;

		for (unsigned i = 0; i < 2; i++)
			s->lcore[i] = (struct truth_lcore){ .runs = true, .sched_told = true, .cpus_told = true, .ticks_told = true,
			                                    .ticks = k * 100u, .cpus = { { 4u << i } },
			                                    .idle_cycles = k * 2500000000u };
		s->port[0] = (struct truth_port){ .there = true, .attached = 1, .queues = 4, .nrx = 2, .irq_cpu = { 0, 3 },
		                                   .now = "eth0", .named = 7, .missed_told = 3, .polled_by = { 0, 1, 1 }, .pages = 16 };
		s->port[0].up = true;
		s->port[0].ring = 2048 + PLX_BURST_MAX;
		s->port[0].ntx = 2;
		s->npools = 1;
		s->pool[0] = (struct truth_pool){ .name = "t-0", .frames = 9000, .free = 1000 };
		s->group_told = true;
		snprintf(s->group, sizeof(s->group), "/sys/fs/cgroup/box");
	}
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	truth_close(&t);
	return 0;
}

/* Judges the two samples so many times, each a second later. */
static void judge(unsigned times)
{
	while (times--) {
		truth_judge(&t, &was, &is);
		was.at += S;
		is.at += S;
	}
}

static const struct truth_found *stands(enum truth_fact fact)
{
	for (unsigned i = 0; i < TRUTH_FOUND_MAX; i++)
		if (t.found[i].used && t.found[i].stands && t.found[i].fact == fact)
			return &t.found[i];
	return NULL;
}

/* A line was told that has both. */
static bool kept_line_of(const char *a, const char *b)
{
	char copy[sizeof(lines)], *save = NULL;

	memcpy(copy, lines, sizeof(copy));
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, a) && strstr(l, b))
			return true;
	return false;
}

static unsigned standing(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TRUTH_FOUND_MAX; i++)
		n += t.found[i].used && t.found[i].stands;
	return n;
}

static void test_nothing_wrong(void **state)
{
	(void)state;
	judge(200);
	assert_int_equal(standing(), 0);
	assert_string_equal(lines, "");
	assert_int_equal(t.samples, 200);
	assert_true(t.share[0].idle > 99.9f && t.share[0].busy == 0 && t.share[0].sleep < 0.1f);
}

/* One thing made wrong in the samples, and what has to be found. */
static void wrong_unserved(void) { is.port[0].passed[3] = 9000; }
static void wrong_passed(void)   { is.port[0].passed[1] = 5; }
static void wrong_drops(void)    { is.port[0].rx_drop[PLX_RX_DROP_ring_full] = 77; }
static void wrong_more(void)     { was.port[0].astray[1] = 2561; is.port[0].astray[1] = 9000; }
static void wrong_less(void)     { was.port[0].astray[0] = is.port[0].astray[0] = -2561; }
static void wrong_tx(void)       { is.port[0].tx_drop[PLX_TX_DROP_device] = 78; }
static void wrong_user(void)     { is.port[0].ntx = 2; is.port[0].tx_users[1] = 2000; }
static void wrong_prog(void)     { is.port[0].attached = 0; snprintf(is.port[0].holder, 96, "program 12"); }
static void wrong_waits(void)    { is.lcore[1].wait_ns = 1450000000; }
static void wrong_stolen(void)   { is.lcore[1].wait_ns = 480000000; is.lcore[1].preempted = 212; }
static void wrong_preempt(void)  { is.lcore[1].preempted = 150; }
static void wrong_softirq(void)  { is.lcore[0].softirq = 40; is.lcore[0].net_rx = 5000; }
static void wrong_hardirq(void)  { is.lcore[0].hardirq = 6; }
static void wrong_steal(void)    { is.lcore[0].steal = 7; }
static void wrong_cpus(void)     { is.lcore[0].cpus.w[0] = 0xf; }
static void wrong_offline(void)  { is.lcore[0].offline = true; is.lcore[0].ticks_told = false; is.lcore[0].cpus.w[0] = 0xb; }
static void wrong_moved(void)    { is.port[0].irq_cpu[0] = 1; }
static void wrong_missed(void)   { is.port[0].missed[0] = 31; }
static void wrong_fifo(void)     { is.port[0].missed[0] = 30; is.port[0].missed[1] = 32; is.port[0].missed[2] = 99; }
static void wrong_removed(void)  { is.port[0].there = false; is.port[0].now[0] = 0; is.port[0].named = 0; }
static void wrong_replaced(void) { wrong_removed(); is.port[0].named = 9; }
static void wrong_name(void)     { snprintf(is.port[0].now, 16, "a;b"); is.port[0].named = 0; }
static void wrong_names(void)    { wrong_name(); is.port[0].named = 8; }
static void wrong_lcore(void)    { env.plan.lcores[1].node = 1; }
static void wrong_node(void)     { env.plan.ports[0].link.node = 1; }
static void wrong_memory(void)   { is.port[0].far_pages = 3; is.port[0].far_node = 1; }
static void wrong_quota(void)    { is.throttled = 250000000; }
static void wrong_clock(void)    { is.lcore[1].khz = 1200000; is.lcore[1].khz_max = 2000000; }
static void wrong_pool(void)
{
	was.pool[0] = is.pool[0] = (struct truth_pool){ .name = "t-0", .frames = 9000, .free = 20, .dry = true, .rx = 4000, .tx = 80 };
}
static void wrong_rings(void)
{
	wrong_pool();
	was.pool[0].rx = is.pool[0].rx = 8800;
}
static void wrong_caches(void) /* one lcore has what another lacks */
{
	wrong_pool();
	was.pool[0].free = is.pool[0].free = 512;
	is.pool[0].starved = 1;
}
static void wrong_ring(void)     { is.port[0].txq[1].stop[PLX_STOP_ring_full] = 700; }
static void wrong_doorbell(void)
{
	is.port[0].txq[0].stop[PLX_STOP_error] = 9;
	is.port[0].txq[0].stop[PLX_STOP_ring_full] = 2;
	was.port[0].txq[0].err = is.port[0].txq[0].err = -EINVAL;
}
static void wrong_repairs(void)  { was.port[0].repairs = 2; is.port[0].repairs = 5; }
static void wrong_frames(void)   { is.port[0].split = true; is.port[0].rungs_down = 1; env.plan.frame_size = 2048; }
static void wrong_frames_yet(void) { is.port[0].split = true; env.plan.frame_size = 4096; }
static void wrong_given_up(void) { was.port[0].txq[0].err = is.port[0].txq[0].err = -ENOBUFS; }
static void wrong_irq(void)
{
	is.nirqs = 2;
	is.irq[0] = (struct truth_irq){ .irq = 30, .lcore = 0, .n = 1200, .action = "nvme0q3" };
	is.irq[1] = (struct truth_irq){ .irq = 25, .lcore = 1, .n = 90000, .action = "eth0-TxRx-1" }; /* as planned */
}

static const struct { void (*wrong)(void); enum truth_fact fact; const char *on, *evidence, *mend; } cases[] = {
	{ wrong_unserved, TRUTH_unserved, "eth0 queue 3", "9000 frames a second", "queues=4" },
	{ wrong_passed, TRUTH_passed_by, "eth0 queue 1", "5 frames a second", "stall=" },
	{ wrong_drops, TRUTH_drops, "eth0 rx", "ring_full: 77 frames", "raise rxd=" },
	{ wrong_more, TRUTH_unaccounted, "eth0 queue 1", "9000 frames were offered to it and are neither received nor in "
	  "a counter of drops; its ring has room for 2048", "ethtool -n eth0" },
	{ wrong_less, TRUTH_unaccounted, "eth0 queue 0", "2561 frames more are received or in counters of drops than were offered",
	  "ss --xdp" },
	{ wrong_tx, TRUTH_drops, "eth0 tx", "device: 78 frames", "refused" },
	{ wrong_user, TRUTH_shared_txq, "eth0 transmit queue 1", "changes 2000 times a second; the plan has it for lcore 4",
	  "plx_env_txq" },
	{ wrong_pool, TRUTH_pool_empty, "pool t-0", "0 of 9000 frames can be had: 20 are in caches of lcores, 4000 in receive rings, 80 in "
	  "transmit rings, and 4900 with the application", "have it put back" },
	{ wrong_rings, TRUTH_pool_empty, "pool t-0", "and 100 with the application", "give it more by -m, of which the plan has 20 MiB" },
	{ wrong_caches, TRUTH_pool_empty, "pool t-0", "512 are in caches", "have it put back" },
	{ wrong_repairs, TRUTH_reopened, "eth0", "3 of its queues were opened anew in this look, 5 since the start", "ip monitor link dev eth0" },
	{ wrong_frames, TRUTH_split_frames, "eth0", "does not use all of a frame of 2048 bytes; each frame is copied since",
	  "start with mode=native of --iface eth0, or try --frame-size 4096" },
	{ wrong_frames_yet, TRUTH_split_frames, "eth0", "of a frame of 4096 bytes; its queues are being opened anew for copies",
	  "start with mode=native of --iface eth0" },
	{ wrong_ring, TRUTH_tx_stuck, "eth0 transmit queue 1", "it took no packet, and 700 bursts a second ended with ring_full",
	  "ip -s link show eth0" },
	{ wrong_doorbell, TRUTH_tx_stuck, "eth0 transmit queue 0", "11 bursts a second ended with error; its doorbell fails: "
	  "Invalid argument (-22)", "start the program again" },
	{ wrong_given_up, TRUTH_tx_stuck, "eth0 transmit queue 0", "No buffer space available", "start the program again" },
	{ wrong_missed, TRUTH_missed, "eth0", "31 frames a second (rx_missed_errors)", "ethtool -G eth0" },
	{ wrong_fifo, TRUTH_missed, "eth0", "32 frames a second (rx_fifo_errors)", "ethtool -G eth0" },
	{ wrong_removed, TRUTH_removed, "eth0", "interface 7 was removed", "bring the interface back" },
	{ wrong_replaced, TRUTH_removed, "eth0", "the eth0 that is here now is interface 9", "start the program again" },
	{ wrong_name, TRUTH_renamed, "eth0", "interface 7 was eth0 and is a;b now",
	  "; or ip link set dev 'a;b' name eth0, which kernels before 6.2 refuse while it is up" },
	{ wrong_names, TRUTH_renamed, "eth0", "eth0 is interface 8", "--iface name it 'a;b'" },
	{ wrong_lcore, TRUTH_far_lcore, "eth0", "1 of its 2 receive queues are polled on other nodes: queue 1 by lcore 4 on node 1",
	  "node0/cpulist" },
	{ wrong_node, TRUTH_far_lcore, "eth0", "node 1, and 2 of its 2 receive queues are polled on other nodes: queue 0 by lcore 3 on node 0",
	  "node1/cpulist" },
	{ wrong_memory, TRUTH_far_memory, "eth0", "of 16 pages of its frames 3 are elsewhere, one on node 1", "hugepages of node 0" },
	{ wrong_quota, TRUTH_throttled, "the program", "/sys/fs/cgroup/box were stopped for its CPU quota, for 250 ms", "cpu.max" },
	{ wrong_clock, TRUTH_slow_clock, "lcore 4", "CPU 3 runs at 1200 MHz and can do 2000", "cpu3/cpufreq/scaling_governor" },
	{ wrong_prog, TRUTH_not_attached, "eth0", "in its place is program 12", "bpftool net list dev eth0" },
	{ wrong_stolen, TRUTH_stolen, "lcore 4", "48.0 % of the time", "$1==3" },
	{ wrong_waits, TRUTH_stolen, "lcore 4", "it waited 100.0 % of the time", "$1==3" },
	{ wrong_preempt, TRUTH_preempted, "lcore 4", "150 times a second", "isolate CPU 3" },
	{ wrong_softirq, TRUTH_softirq, "lcore 3", "40.0 % of CPU 2", "rps_cpus" },
	{ wrong_hardirq, TRUTH_hardirq, "lcore 3", "6.0 % of CPU 2", "smp_affinity_list" },
	{ wrong_steal, TRUTH_steal, "lcore 3", "7.0 % of CPU 2", "pin the virtual CPU" },
	{ wrong_cpus, TRUTH_affinity, "lcore 3", "4 CPUs", "taskset" },
	{ wrong_offline, TRUTH_offline, "lcore 3", "CPU 2 is offline", "cpu2/online" },
	{ wrong_moved, TRUTH_irq_moved, "eth0 queue 0", "interrupt 24 went from CPU 0 to CPU 1", "/proc/irq/24/" },
	{ wrong_irq, TRUTH_irq_here, "lcore 3", "interrupt 30 (nvme0q3) comes 1200 times", "/proc/irq/30/" },
};

static void test_each_fact(void **state)
{
	bool facts[TRUTH_N] = { false };

	for (size_t c = 0; c < PLX_ARRAY_SIZE(cases); c++) {
		const bool rate = *truth_limits[cases[c].fact].unit;

		make(state);
		cases[c].wrong();
		judge(1);
		assert_int_equal(standing(), !rate); /* one second of a rate is nothing */
		judge(1);
		if (standing() != 1 || !stands(cases[c].fact))
			fail_msg("%s: %u stand: %s", truth_limits[cases[c].fact].name, standing(), lines);
		const struct truth_found *f = stands(cases[c].fact);
		assert_string_equal(f->on, cases[c].on);
		if (!strstr(f->evidence, cases[c].evidence) || !strstr(f->mend, cases[c].mend))
			fail_msg("%s: %s; %s", f->on, f->evidence, f->mend);
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(lines, f->evidence));
		assert_non_null(strstr(lines, f->mend));
		facts[cases[c].fact] = true;
		unmake(state);
	}
	make(state);
	for (int f = 0; f < TRUTH_N; f++)
		if (!facts[f])
			fail_msg("%s is not tested", truth_limits[f].name);
}

/* What is dropped for want of a frame has one cause, and one fix. */
static void test_drops_of_an_empty_pool(void **state)
{
	(void)state;
	is.port[0].rx_drop[PLX_RX_DROP_fill_empty] = 50;
	judge(2);
	assert_non_null(strstr(stands(TRUTH_drops)->mend, "poll more often"));
	wrong_pool();
	judge(2);
	assert_non_null(stands(TRUTH_pool_empty));
	assert_string_equal(stands(TRUTH_drops)->mend, "the port's pool has no frame: see pool_empty");
	assert_non_null(strstr(stands(TRUTH_drops)->evidence, "fill_empty: 50 frames"));
	is.port[0].rx_drop[PLX_RX_DROP_fill_empty] = 0;
	is.port[0].rx_drop[PLX_RX_DROP_ring_full] = 50; /* not for want of a frame */
	judge(2);
	assert_true(kept_line_of("ring_full: 50 frames", "raise rxd="));
}

/* What a ring holds, one look alone, or one too many and then one too few are no frames that nobody accounts for. */
static void test_rings_hold_frames(void **state)
{
	static const int64_t rows[][2] = { { 2560, 2560 }, { -2560, -2560 }, { 9000, 0 }, { 0, 9000 }, { 9000, -9000 },
	                                   { 2560, 9000 } };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		was.port[0].astray[1] = rows[i][0];
		is.port[0].astray[1] = rows[i][1];
		judge(3);
	}
	assert_int_equal(standing(), 0);
	assert_string_equal(lines, "");
}

/* A pool and queues as they may be without anything wrong. */
static void test_no_pool_is_empty(void **state)
{
	(void)state;
	wrong_pool();
	was.pool[0].dry = false; /* now and then */
	judge(3);
	wrong_caches(); /* all have what they need */
	is.pool[0].starved = 0;
	judge(3);
	wrong_ring();
	is.port[0].txq[1].pkts = 1; /* slow is not stuck */
	judge(3);
	is.port[0].txq[1].pkts = 0;
	is.port[0].up = false;
	judge(3);
	is.port[0].up = true;
	is.port[0].txq[1].stop[PLX_STOP_ring_full] = 0;
	is.port[0].txq[1].stop[PLX_STOP_link_down] = is.port[0].txq[1].stop[PLX_STOP_no_mbuf] = 100;
	judge(3);
	assert_int_equal(standing(), 0);
	assert_string_equal(lines, "");
}

/* The kernel allows such a name, and a mend is pasted. */
static void test_name_of_a_shell(void **state)
{
	static const struct { void (*wrong)(void); enum truth_fact fact; const char *mend; } rows[] = {
		{ wrong_unserved, TRUTH_unserved, "--iface 'a;b'\\''$c',queue=0,queues=4" },
		{ wrong_unserved, TRUTH_unserved, "ethtool -X 'a;b'\\''$c' start 0 equal 2" },
		{ wrong_passed, TRUTH_passed_by, "--iface 'a;b'\\''$c'" },
		{ wrong_prog, TRUTH_not_attached, "net list dev 'a;b'\\''$c')" },
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		make(state);
		snprintf(env.plan.ports[0].conf.name, sizeof(env.plan.ports[0].conf.name), "a;b'$c");
		rows[i].wrong();
		judge(2);
		const struct truth_found *f = stands(rows[i].fact);
		if (!f || !strstr(f->mend, rows[i].mend))
			fail_msg("row %zu: %s", i, f ? f->mend : "not found");
		unmake(state);
	}
	make(state);
}

/* veth has no table of flows: what its other end sends by a queue arrives on the queue of that number. */
/* Two ports share eth0 and its program: each queue is told of once, by the port that has it. */
static void test_ports_of_one_interface(void **state)
{
	struct plan *p = &env.plan;

	(void)state;
	p->nports = was.nports = is.nports = 2;
	p->ports[1] = p->ports[0];
	was.port[1] = is.port[1] = is.port[0];
	was.port[1].first = is.port[1].first = 2;
	was.port[1].nrx = is.port[1].nrx = 1;
	is.port[0].passed[2] = is.port[1].passed[2] = 1000; /* the second's */
	judge(2);
	assert_null(stands(TRUTH_unserved));
	assert_string_equal(stands(TRUTH_passed_by)->on, "eth0 queue 2");
	assert_int_equal(standing(), 1);
	is.port[0].passed[2] = is.port[1].passed[2] = 0;
	is.port[0].passed[3] = is.port[1].passed[3] = 1000; /* nobody's */
	judge(4);
	assert_string_equal(stands(TRUTH_unserved)->on, "eth0 queue 3");
	assert_int_equal(standing(), 1);
}

static void test_unserved_of_veth(void **state)
{
	(void)state;
	snprintf(env.plan.ports[0].link.kdriver, sizeof(env.plan.ports[0].link.kdriver), "veth");
	wrong_unserved();
	judge(2);
	const struct truth_found *f = stands(TRUTH_unserved);

	assert_non_null(f);
	assert_null(strstr(f->mend, "ethtool -X"));
	assert_non_null(strstr(f->mend, "ethtool -L with tx 2"));
}

static void test_told_ever_less_often(void **state)
{
	(void)state;
	wrong_stolen();
	judge(61);
	assert_int_equal(warnings, 1);
	judge(1);
	assert_int_equal(warnings, 2);
	assert_non_null(strstr(lines, "for 60 s now"));
	judge(119);
	assert_int_equal(warnings, 2);
	judge(1);
	assert_int_equal(warnings, 3);
	judge(20000); /* an hour apart at last */
	assert_in_range(warnings, 10, 12);
	is.lcore[1].wait_ns = is.lcore[1].preempted = 0;
	judge(TRUTH_GOOD - 1);
	assert_int_equal(notices, 0);
	judge(1);
	assert_int_equal(notices, 1);
	assert_non_null(strstr(lines, "lcore 4: stolen is over after"));
	assert_int_equal(standing(), 0);
}

/* What comes and goes all the time is told no oftener. */
static void test_flapping(void **state)
{
	(void)state;
	for (int k = 0; k < 12; k++) { /* 60 s */
		wrong_stolen();
		judge(2);
		assert_int_equal(standing(), 1);
		is.lcore[1].wait_ns = 0;
		is.lcore[1].preempted = 0;
		judge(3);
		assert_int_equal(standing(), 0);
	}
	assert_int_equal(warnings, 1);
	assert_int_equal(notices, 1);
}

/* Half the threshold keeps a finding that stands, and begins none. */
static void test_hysteresis(void **state)
{
	(void)state;
	is.lcore[1].wait_ns = 15000000;
	judge(5);
	assert_int_equal(standing(), 0);
	is.lcore[1].wait_ns = 25000000;
	judge(2);
	assert_int_equal(standing(), 1);
	is.lcore[1].wait_ns = 15000000;
	judge(10);
	assert_int_equal(standing(), 1);
	is.lcore[1].wait_ns = 9000000;
	judge(3);
	assert_int_equal(standing(), 0);
}

static void test_what_is_planned_is_no_finding(void **state)
{
	(void)state;
	is.lcore[1].softirq = 60; /* CPU 3 serves interrupt 25, and should */
	is.port[0].attached = -1;
	is.port[0].irq_cpu[1] = -1;
	judge(3);
	assert_int_equal(standing(), 0);
	env.plan.ports[0].rxq_irq[0].how = DISCO_IRQ_NONE; /* veth: whoever sends does the work */
	is.lcore[0].softirq = 60;
	judge(3);
	assert_int_equal(standing(), 0);
	is.lcore[0].runs = false; /* a halted lcore loses nothing */
	is.lcore[0].wait_ns = S;
	is.lcore[0].cpus.w[0] = 0xff;
	judge(3);
	assert_int_equal(standing(), 0);
	assert_true(t.share[0].stolen < 0);
	wrong_removed(); /* what is gone has lost its program, too */
	is.port[0].attached = 0;
	judge(3);
	assert_int_equal(standing(), 1);
	assert_non_null(stands(TRUTH_removed));
}

/* What is not told, or does not matter, beside what was judged above. */
static void test_what_the_host_does_not_tell(void **state)
{
	(void)state;
	is.port[0].now[0] = 0;
	is.port[0].named = 0;
	is.throttled = is.port[0].missed[0] = 9 * S;
	was.group_told = false;
	was.port[0].missed_told = 0;
	env.plan.lcores[0].node = -1;
	is.port[0].polled_by[1] = -1; /* by nobody who named it */
	env.plan.lcores[1].node = 1;
	wrong_clock();
	was.lcore[1].idle_cycles = 1600000000; /* it sleeps for most of the time */
	judge(3);
	assert_int_equal(standing(), 0);
	is.port[0].polled_by[1] = 1;
	env.plan.ports[0].link.node = -1;
	was.group_told = true;
	was.port[0].missed_told = 1;
	is.group_told = false;
	is.port[0].missed_told = 0;
	is.lcore[1].khz = 0; /* not told of one that is awake */
	was.lcore[1].idle_cycles = 0;
	judge(3);
	assert_int_equal(standing(), 0);
	is.lcore[1].khz = 2100000; /* beyond what it says it can do */
	env.plan.ports[0].link.ifindex = 0; /* no interface of the kernel */
	wrong_name();
	wrong_removed();
	judge(3);
	assert_int_equal(standing(), 0);
	is.lcore[1].khz = 1200001;
	judge(3);
	assert_int_equal(standing(), 0);
}

/* Counters that seem to go back, a clock that stands, what is not told: nothing. */
static void test_odd_samples(void **state)
{
	(void)state;
	was.lcore[0].wait_ns = was.lcore[0].preempted = was.lcore[0].busy_cycles = UINT64_MAX;
	was.port[0].passed[3] = 1ull << 63;
	was.lcore[1].ticks = 200;
	judge(3);
	assert_int_equal(standing(), 0);
	is.at = was.at;
	wrong_stolen();
	judge(3);
	is.at = was.at + S;
	is.lcore[1].sched_told = false;
	judge(3);
	was.at = 0;
	is.lcore[1].sched_told = true;
	truth_judge(&t, &was, &is);
	assert_int_equal(standing(), 0);
}

/* Which queues are ours: those from the first on, as many as the port has. */
static void test_whose_queue(void **state)
{
	static const enum truth_fact whose[4] = { TRUTH_unserved, TRUTH_passed_by, TRUTH_passed_by, TRUTH_unserved };

	for (unsigned q = 0; q < 4; q++) {
		make(state);
		is.port[0].first = was.port[0].first = 1;
		is.port[0].passed[q] = 10;
		judge(2);
		assert_int_equal(standing(), 1);
		assert_non_null(stands(whose[q]));
		unmake(state);
	}
	make(state);
}

/* More than can be kept: the rest is not. */
static void test_too_many(void **state)
{
	(void)state;
	is.port[0].queues = was.port[0].queues = PLX_QUEUES_MAX;
	for (unsigned q = 2; q < PLX_QUEUES_MAX; q++)
		is.port[0].passed[q] = 1000;
	judge(3);
	assert_int_equal(standing(), TRUTH_FOUND_MAX);
	assert_int_equal(warnings, TRUTH_FOUND_MAX);
}

/* ---- samples ---- */

/* The clocks of threads that are not there. */
static int any_clock(clockid_t clock, struct timespec *now)
{
	return clock_gettime(clock < 0 ? CLOCK_THREAD_CPUTIME_ID : clock, now);
}

static int make_files(void **state)
{
	root_make(state);
	make(state);
	lcores = aligned_alloc(PLX_CACHELINE, 2 * sizeof(*lcores));
	memset(lcores, 0, 2 * sizeof(*lcores));
	root_sys.clock_gettime = any_clock;
	env.sys = &root_sys;
	env.lcores = lcores;
	env.nlcores = 2;
	for (unsigned i = 0; i < 2; i++) {
		lcores[i].env = &env;
		lcores[i].conf = env.plan.lcores[i];
		lcores[i].state = PLX_LCORE_RUN;
		lcores[i].tid = (int)(77 + i);
		put("123 456789 3\n", "/proc/self/task/%u/schedstat", 77 + i);
		put("Name:\tx\nCpus_allowed_list:\t2-3,70\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t9\n",
		    "/proc/self/task/%u/status", 77 + i);
	}
	put("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu2 10 20 30 40 50 60 70 80 1 1\nintr 5 5\n", "/proc/stat");
	put("                    CPU0       CPU1       CPU2       CPU3\n          HI:          1          2          3          4\n"
	    "      NET_RX:         10         20         30         40\n", "/proc/softirqs");
	put("           CPU0       CPU2\n  8:          1          2   IO-APIC    8-edge      rtc0\n"
	    " 24:          7       4000   PCI-MSI 524288-edge      eth0-TxRx-0\n 30:          1          0   PCI-MSI 1-edge  x\n"
	    "NMI:          3          9   Non-maskable interrupts\nERR:          0\n", "/proc/interrupts");
	return 0;
}

static int remove_files(void **state)
{
	free(lcores);
	unmake(state);
	return root_remove(state);
}

static void test_sample(void **state)
{
	struct truth_sample *s = &t.sample[0];

	(void)state;
	truth_take(s, &env, 5 * S);
	assert_true(s->at == 5 * S && s->lcore[0].runs && s->lcore[0].sched_told);
	assert_int_equal(s->lcore[0].wait_ns, 456789);
	assert_int_equal(s->lcore[0].preempted, 9);
	assert_true(s->lcore[0].cpus_told);
	assert_int_equal(disco_cpus_count(&s->lcore[0].cpus), 3);
	assert_true(disco_cpus_has(&s->lcore[0].cpus, 70));
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
	truth_take(&t.sample[0], &env, 5 * S);
	assert_true(t.sample[0].lcore[0].offline);
	put("cpu  1 2 3 4 5 6 7 8 9 10\nintr 5 5\n", "/proc/stat"); /* of no CPU: not told */
	truth_take(&t.sample[0], &env, 5 * S);
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
		put(s < 3 ? "Name:\tx\nCpus_allowed_list:\t0-2\n" : "Name:\tx\nCpus_allowed_list:\t3\n", "/proc/self/task/78/status");
		truth_look(&t, &env, (from + s) * S);
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
	assert_true(kept_line_of("CPU 3 is online again, and it cannot be pinned there: Invalid argument", "taskset -pc 3 78"));
	assert_true(kept_line_of("lcore 4: affinity", ""));
}

static void test_sample_of_several_cpus(void **state)
{
	(void)state;
	env.plan.lcores[0].ncpus = 2;
	truth_take(&t.sample[0], &env, S);
	assert_false(t.sample[0].lcore[0].ticks_told);
	assert_int_equal(t.sample[0].lcore[0].net_rx, 0);
	assert_int_equal(t.sample[0].nirqs, 0);
}

static void test_sample_without_files(void **state)
{
	(void)state;
	assert_int_equal(root_remove(state), 0);
	truth_take(&t.sample[0], &env, S);
	for (unsigned i = 0; i < 2; i++) {
		const struct truth_lcore *l = &t.sample[0].lcore[i];

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
	truth_look(&t, &env, 10 * S);
	assert_int_equal(t.due, 11 * S);
	truth_look(&t, &env, 10 * S + S / 2); /* not due */
	assert_int_equal(t.samples, 0);
	fake_step = 20000000;
	truth_look(&t, &env, 11 * S);
	assert_int_equal(t.samples, 1);
	assert_int_equal(t.due, 15 * S);
}

/* ---- ports ---- */

static int fake_attached;
static int fake_queues;

static int attached_of(struct plx_port *p)
{
	(void)p;
	return fake_attached;
}

static int passed_of(struct plx_port *p, uint64_t *n, int queues)
{
	(void)p;
	for (int q = 0; q < queues && q < fake_queues; q++)
		n[q] = 100u + (unsigned)q;
	return fake_queues;
}

static void lost_of(struct plx_port *p, uint16_t i, uint64_t *n)
{
	(void)p;
	n[PLX_RX_DROP_ring_full] += i ? 60 : 40;
	n[PLX_RX_DROP_kernel] += i ? 3 : 0;
}

static bool offered_of(struct plx_port *p, uint16_t i, uint64_t *n)
{
	(void)p;
	*n = i ? 169 : 1000;
	return i;
}

static void held_of(const struct plx_port *p, uint32_t *rx, uint32_t *tx)
{
	(void)p;
	*rx += 30;
	*tx += 4;
}

static const struct plx_driver full = { .name = "full", .held = held_of, .attached = attached_of, .passed = passed_of,
                                        .lost = lost_of, .offered = offered_of };
static const struct plx_driver bare = { .name = "bare" };

static int answer_of(struct plx_port *p)
{
	struct truth_answer a;

	truth_ask_port(&a, p);
	return a.attached;
}

static void test_sample_of_ports(void **state)
{
	struct plx_rxq q[2] = { { .hwq = 1 }, { .hwq = 2 } }, *rxq[2] = { &q[0], &q[1] };
	struct plx_txq txq = { .id = 0 }, *txqs[1] = { &txq };
	struct plx_port port = { .drv = &full, .sys = &root_sys, .name = "eth0", .nrx = 2, .rxq = rxq, .ntx = 1, .txq = txqs, .link = PLX_LINK_UP };
	const struct truth_port *o = &t.sample[0].port[0];

	(void)state;
	port.conf.queue = 1;
	port.info.rxd = 256;
	q[1].stats.pkts = 90;
	q[0].stats.drop[PLX_RX_DROP_ring_full] = 5;
	q[1].stats.drop[PLX_RX_DROP_ring_full] = 6;
	env.ports[0] = &port;
	env.nports = 1;
	fake_attached = 1;
	fake_queues = 4;
	put("1\n", "/proc/irq/24/effective_affinity_list");
	put("2-3\n", "/proc/irq/25/effective_affinity_list"); /* the planned CPU is one of them */
	txq.stats.stop[PLX_STOP_ring_full] = 8;
	txq.stats.pkts = 70;
	txq.err = -ENETDOWN;
	truth_take(&t.sample[0], &env, S);
	assert_true(o->up && o->ntx == 1 && o->txq[0].err == -ENETDOWN && o->txq[0].pkts == 70);
	assert_int_equal(o->txq[0].stop[PLX_STOP_ring_full], 8);
	assert_true(o->there && o->attached == -1 && o->first == 1 && o->nrx == 2); /* that is asked elsewhere */
	assert_int_equal(answer_of(&port), 1);
	assert_int_equal(o->queues, 4);
	assert_int_equal(o->passed[3], 103);
	assert_int_equal(o->rx_drop[PLX_RX_DROP_ring_full], 111); /* those that the kernel dropped, too */
	assert_int_equal(o->rx_drop[PLX_RX_DROP_kernel], 3);
	assert_int_equal(o->ring, 256 + PLX_BURST_MAX);
	assert_int_equal(o->astray[0], 0);       /* not told */
	assert_int_equal(o->astray[1], 169 - 90 - 6 - 60 - 3);
	assert_int_equal(o->polled_by[1], -1);
	assert_int_equal(o->irq_cpu[0], 1);
	assert_int_equal(o->irq_cpu[1], 3);
	assert_int_equal(o->irq_cpu[2], -1);
	fake_attached = -EBADF;
	fake_queues = PLX_QUEUES_MAX + 100;
	put("2\n", "/proc/irq/24/smp_affinity_list"); /* moved, and no interrupt has come since */
	put("3\n", "/proc/irq/25/smp_affinity_list");
	truth_take(&t.sample[0], &env, S);
	assert_int_equal(o->irq_cpu[0], 2);
	assert_int_equal(o->irq_cpu[1], 3);
	put("x\n", "/proc/irq/24/effective_affinity_list");
	put("", "/proc/irq/24/smp_affinity_list");
	put("\n", "/proc/irq/25/effective_affinity_list");
	put("", "/proc/irq/25/smp_affinity_list");
	truth_take(&t.sample[0], &env, S);
	assert_int_equal(answer_of(&port), -1);
	assert_int_equal(o->queues, PLX_QUEUES_MAX);
	assert_int_equal(o->irq_cpu[0], -1);
	assert_int_equal(o->irq_cpu[1], -1);
	port.drv = &bare;
	truth_take(&t.sample[0], &env, S);
	assert_int_equal(answer_of(&port), -1);
	assert_int_equal(o->queues, 0);
	port.drv = &full;
	port.link = PLX_LINK_REMOVED; /* nothing is asked of what is gone */
	fake_attached = 0;
	truth_take(&t.sample[0], &env, S);
	assert_true(!o->there && answer_of(&port) == -1);
}

/* A pool with one frame taken and the rest in magazines, and then all of them in one lcore's cache. */
static void test_sample_of_pools(void **state)
{
	struct plx_pool_conf c = { .name = "t-0", .frames = 600, .caches = 1, .node = -1 };
	struct plx_rxq q = { .id = 0 }, *rxq[1] = { &q };
	struct plx_txq txq = { .id = 0 }, *txqs[1] = { &txq };
	struct plx_port port = { .drv = &full, .sys = &root_sys, .name = "eth0", .nrx = 1, .rxq = rxq, .ntx = 1, .txq = txqs };
	const struct truth_pool *o = &t.sample[0].pool[0];
	void *mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) / 4096 * 4096);
	struct plx_mbuf *m[600];

	(void)state;
	assert_int_equal(plx_pool_init(&port.pool, mem, &c), 0);
	env.ports[0] = &port;
	env.nports = env.npools = 1;
	env.pools[0] = port.pool;
	q.stats.pool_waits = 1;
	txq.stats.drop[PLX_TX_DROP_no_mbuf] = 2;
	txq.stats.stop[PLX_STOP_no_mbuf] = 3;
	plx_self.slot = 1;
	assert_int_equal(plx_pool_take(port.pool, m, 1), 1);
	truth_take(&t.sample[0], &env, S);
	assert_true(t.sample[0].npools == 1 && !strcmp(o->name, "t-0") && o->frames == 600 && o->free == 599 && !o->dry);
	assert_true(o->rx == 30 && o->tx == 4 && o->starved == 6);
	assert_int_equal(plx_pool_take(port.pool, m + 1, 599), 599);
	plx_pool_give(port.pool, m, 500);
	truth_take(&t.sample[0], &env, S);
	assert_true(o->free == 500 && o->dry);
	plx_pool_give(port.pool, m + 500, 100);
	plx_self.slot = 0;
	free(mem);
}

/* A driver whose answer the kernel holds back holds nobody but the thread that asked. */
static int held, asks;

static int attached_late(struct plx_port *p)
{
	(void)p;
	__atomic_add_fetch(&asks, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&held, __ATOMIC_RELAXED))
		sched_yield();
	return 1;
}

static void test_answers_held_back(void **state)
{
	static const struct plx_driver late = { .name = "late", .attached = attached_late };
	struct plx_port port = { .drv = &late, .sys = &root_sys, .name = "eth0", .link = PLX_LINK_UP };
	struct truth_sample *s = &t.sample[0];

	(void)state;
	env.sys = port.sys = &plx_sys_linux;
	env.ports[0] = &port;
	env.nports = 1;
	s->nports = 1;
	held = 1;
	asks = 0;
	assert_int_equal(truth_ask_open(&t.ask, &env), 0);
	for (int i = 0; i < 3 || !__atomic_load_n(&asks, __ATOMIC_RELAXED); i++) {
		s->port[0] = (struct truth_port){ .there = true, .attached = 0 };
		truth_ask_take(&t.ask, s);
		assert_int_equal(s->port[0].attached, -1); /* not told */
		sched_yield();
	}
	assert_int_equal(__atomic_load_n(&asks, __ATOMIC_RELAXED), 1); /* one question at a time */
	__atomic_store_n(&held, 0, __ATOMIC_RELAXED);
	while (s->port[0].attached != 1)
		truth_ask_take(&t.ask, s);
	s->port[0].there = false; /* an old answer about what is gone is none */
	truth_ask_take(&t.ask, s);
	assert_int_equal(s->port[0].attached, -1);
	truth_ask_close(&t.ask);
	port.drv = &bare; /* nothing to ask: no thread */
	assert_int_equal(truth_ask_open(&t.ask, &env), 0);
	assert_false(t.ask.spawned);
	truth_ask_close(&t.ask);
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
	env.topo.nnodes = 2;
	env.npools = 1;
	env.segs[0] = (struct mem_seg){ .addr = frames, .len = sizeof(frames), .page = 4096 };
	env.topo.time = (struct topo_cgroup){ .version = 2, .path = "/a/b" };
	env.topo.time_at = (struct topo_cgroup_place){ .mount = "/cg", .below = "/a/b" };
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
	struct truth_sample *s = &t.sample[0];
	struct truth_port *o = &s->port[0];

	(void)state;
	truth_host(s, &env);
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
	env.topo.time.version = 1;
	put("nr_periods 1\nthrottled_time 77\n", "/cg/cpu.stat");
	truth_host(s, &env);
	assert_int_equal(s->throttled, 77);
	assert_string_equal(s->group, "/cg");
	if_name = "wan0"; /* its files are by its name */
	if_index = 9;
	put("7\n", "/sys/class/net/wan0/ifindex");
	put("56\n", "/sys/class/net/wan0/statistics/rx_missed_errors");
	truth_host(s, &env);
	assert_string_equal(o->now, "wan0");
	assert_int_equal(o->named, 9);
	assert_int_equal(o->missed[0], 56);
	assert_int_equal(o->missed_told, 1);
	assert_int_equal(open_fds, 0);
}

static void test_host_tells_nothing(void **state)
{
	struct truth_sample *s = &t.sample[0];
	struct truth_port *o = &s->port[0];

	(void)state;
	put("8\n", "/sys/class/net/eth0/ifindex"); /* another network namespace's */
	page_err = -1;
	env.topo.time.version = 0;
	s->lcore[0].runs = false;
	truth_host(s, &env);
	assert_false(s->group_told || s->throttled || *s->group || s->lcore[0].khz_max || o->missed_told || o->pages);
	page_err = 0;
	env.topo.nnodes = 1;
	env.topo.time.version = 2;
	if_name = NULL;
	if_index = 0;
	for (int i = 0; i < 3; i++)
		put("nonsense", "%s", (const char *[]){ "/cg/cpu.stat", "/cg/a/cpu.stat", "/cg/a/b/cpu.stat" }[i]);
	truth_host(s, &env);
	assert_false(s->group_told || *o->now || o->named || o->missed_told || o->pages);
	env.topo.nnodes = 2;
	env.plan.ports[0].link.node = -1;
	truth_host(s, &env);
	assert_int_equal(o->pages, 0);
	env.plan.ports[0].link.node = 0;
	env.segs[0].len = 3 << 12; /* fewer pages than are asked for */
	truth_host(s, &env);
	assert_int_equal(o->pages, 3);
	env.segs[0].page = 0; /* none at all */
	o->pages = 0;
	truth_host(s, &env);
	assert_int_equal(o->pages, 0);
	assert_int_equal(open_fds, 0);
}

/* Files that no kernel writes. */
static void test_sample_of_garbage(void **state)
{
	static const char *const junk[] = { "", "\n", "CPU0", "CPU0 CPU\n9999999999: 1\n", "cpu\ncpu9999999999999 1\n",
	                                    "cpu2 -1 x\n", "  CPU2\n24:", "24: 1\n", "CPU2\n24: 99999999999999999999999 \n" };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(junk); i++) {
		put(junk[i], "/proc/stat");
		put(junk[i], "/proc/softirqs");
		put(junk[i], "/proc/interrupts");
		put(junk[i], "/proc/self/task/77/status");
		put(junk[i], "/proc/self/task/77/schedstat");
		truth_take(&t.sample[0], &env, S);
		assert_false(t.sample[0].lcore[0].sched_told);
		assert_false(t.sample[0].lcore[0].cpus_told);
	}
}

/* ---- packets that the NIC did not count ---- */

struct counts { uint64_t rate, counted; unsigned late; bool whole, zerocopy; };

/* Looks, of n, until the port is told to leave zero-copy; 0 = it is not. */
static unsigned looks_until_split(const struct counts *c, unsigned n)
{
	memset(t.count, 0, sizeof(t.count));
	for (unsigned k = 1; k <= n; k++) {
		struct truth_port *p = &is.port[0];

		p->zerocopy = c->zerocopy;
		p->counted_told = true;
		p->whole = c->whole;
		p->pkts = k * c->rate;
		p->counted = k > c->late ? (k - c->late) * c->counted : 0;
		judge(1);
		if (t.count[0].split)
			return k;
	}
	return 0;
}

static void test_counts(void **state)
{
	const struct counts two = { .rate = 2000, .counted = 1000, .whole = true, .zerocopy = true };
	struct counts c = two;

	(void)state;
	assert_in_range(looks_until_split(&c, 30), 8, 12);
	c.counted = 1900; /* one in twenty is longer */
	assert_in_range(looks_until_split(&c, 300), 60, 120);
	c.counted = 2000;
	assert_int_equal(looks_until_split(&c, 300), 0);
	c.late = 2; /* the driver asks its NIC only now and then */
	assert_int_equal(looks_until_split(&c, 300), 0);
	c = two;
	c.whole = false; /* what is too much are no pieces */
	assert_int_equal(looks_until_split(&c, 300), 0);
	c = two;
	c.counted = 0; /* a driver that counts only what goes to the host */
	assert_int_equal(looks_until_split(&c, 300), 0);
	c.counted = 100;
	assert_int_equal(looks_until_split(&c, 300), 0);
	c = two;
	c.zerocopy = false;
	assert_int_equal(looks_until_split(&c, 300), 0);
	assert_int_equal(standing(), 0); /* the finding comes with the port's own word */
}

/* A reset of the NIC's counters is no reason. */
static void test_counts_reset(void **state)
{
	(void)state;
	for (unsigned k = 1; k <= 200; k++) {
		struct truth_port *p = &is.port[0];

		p->zerocopy = p->counted_told = p->whole = true;
		p->pkts = k * 1000u;
		p->counted = k % 50 * 1000;
		judge(1);
		assert_false(t.count[0].split);
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
#define F(fn) cmocka_unit_test_setup_teardown(fn, make_files, remove_files)
	const struct CMUnitTest tests[] = {
		T(test_drops_of_an_empty_pool), T(test_no_pool_is_empty), T(test_rings_hold_frames),
		T(test_nothing_wrong), T(test_counts), T(test_counts_reset), cmocka_unit_test_setup_teardown(test_each_fact, NULL, unmake),
		cmocka_unit_test_setup_teardown(test_name_of_a_shell, NULL, unmake), cmocka_unit_test_setup_teardown(test_unserved_of_veth, make, unmake),
		T(test_ports_of_one_interface), T(test_told_ever_less_often),
		T(test_flapping), T(test_hysteresis), T(test_what_is_planned_is_no_finding), T(test_odd_samples), T(test_too_many),
		cmocka_unit_test_setup_teardown(test_whose_queue, NULL, unmake),
		F(test_sample), F(test_sample_of_one_offline), F(test_cpu_comes_back), F(test_sample_of_several_cpus), F(test_sample_without_files), F(test_sample_of_ports), F(test_sample_of_pools), F(test_answers_held_back), F(test_cost_is_bounded),
		F(test_sample_of_garbage), T(test_what_the_host_does_not_tell),
		cmocka_unit_test_setup_teardown(test_host, make_host, remove_files),
		cmocka_unit_test_setup_teardown(test_host_tells_nothing, make_host, remove_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

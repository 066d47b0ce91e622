/* SPDX-License-Identifier: MIT */
/* test_monitor.c - judging made-up samples against a made-up plan: what is found, when it begins,
   how often it is told, when it is over. */
#include "monitor_util.h"

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
static void wrong_offline(void)
{
	is.lcore[0].offline = true;
	is.lcore[0].ticks_told = false;
	is.lcore[0].cpus.w[0] = 0xb;
}
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
	was.pool[0] = is.pool[0] = (struct monitor_pool){ .name = "t-0", .frames = 9000, .free = 20, .dry = true,
	                                                .rx = 4000, .tx = 80 };
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
	is.irq[0] = (struct monitor_irq){ .irq = 30, .lcore = 0, .n = 1200, .action = "nvme0q3" };
	is.irq[1] = (struct monitor_irq){ .irq = 25, .lcore = 1, .n = 90000, .action = "eth0-TxRx-1" }; /* as planned */
}

static const struct { void (*wrong)(void); enum monitor_fact fact; const char *on, *evidence, *fix;
} cases[] = {
	{ wrong_unserved, MONITOR_unserved, "eth0 queue 3", "9000 frames a second", "queues=4" },
	{ wrong_passed, MONITOR_passed_by, "eth0 queue 1", "5 frames a second", "stall=" },
	{ wrong_drops, MONITOR_drops, "eth0 rx", "ring_full: 77 frames", "raise rxd=" },
	{ wrong_more, MONITOR_unaccounted, "eth0 queue 1",
	  "9000 frames were offered to it and are "
	  "neither received nor in a counter of drops; its ring has room for 2048",
	  "ethtool -n eth0" },
	{ wrong_less, MONITOR_unaccounted, "eth0 queue 0",
	  "2561 frames more are received or in counters of drops "
	  "than were offered",
	  "ss --xdp" },
	{ wrong_tx, MONITOR_drops, "eth0 tx", "device: 78 frames", "refused" },
	{ wrong_user, MONITOR_shared_txq, "eth0 transmit queue 1",
	  "changes 2000 times a second; the plan "
	  "has it for lcore 4",
	  "plx_env_txq" },
	{ wrong_pool, MONITOR_pool_empty, "pool t-0",
	  "0 of 9000 frames can be had: 20 are in caches of lcores, 4000 in "
	  "receive rings, 80 in transmit rings, and 4900 with the application",
	  "have it put back" },
	{ wrong_rings, MONITOR_pool_empty, "pool t-0", "and 100 with the application",
	  "give it more by -m, of which "
	  "the plan has 20 MiB" },
	{ wrong_caches, MONITOR_pool_empty, "pool t-0", "512 are in caches", "have it put back" },
	{ wrong_repairs, MONITOR_reopened, "eth0", "3 of its queues were opened anew in this look, 5 since the start",
	  "ip monitor link dev eth0" },
	{ wrong_frames, MONITOR_split_frames, "eth0",
	  "does not use all of a frame of 2048 bytes; each "
	  "frame is copied since",
	  "start with mode=native of --iface eth0, or try --frame-size 4096" },
	{ wrong_frames_yet, MONITOR_split_frames, "eth0",
	  "of a frame of 4096 bytes; its queues are being "
	  "opened anew for copies",
	  "start with mode=native of --iface eth0" },
	{ wrong_ring, MONITOR_tx_stuck, "eth0 transmit queue 1",
	  "it took no packet, and 700 bursts a second "
	  "ended with ring_full",
	  "ip -s link show eth0" },
	{ wrong_doorbell, MONITOR_tx_stuck, "eth0 transmit queue 0",
	  "11 bursts a second ended with error; "
	  "its doorbell fails: Invalid argument (-22)",
	  "start the program again" },
	{ wrong_given_up, MONITOR_tx_stuck, "eth0 transmit queue 0", "No buffer space available",
	  "start the program again" },
	{ wrong_missed, MONITOR_missed, "eth0", "31 frames a second (rx_missed_errors)", "ethtool -G eth0" },
	{ wrong_fifo, MONITOR_missed, "eth0", "32 frames a second (rx_fifo_errors)", "ethtool -G eth0" },
	{ wrong_removed, MONITOR_removed, "eth0", "interface 7 was removed", "bring the interface back" },
	{ wrong_replaced, MONITOR_removed, "eth0", "the eth0 that is here now is interface 9",
	  "start the program again" },
	{ wrong_name, MONITOR_renamed, "eth0", "interface 7 was eth0 and is a;b now",
	  "; or ip link set dev 'a;b' name eth0, which kernels before 6.2 refuse while it is up" },
	{ wrong_names, MONITOR_renamed, "eth0", "eth0 is interface 8", "--iface name it 'a;b'" },
	{ wrong_lcore, MONITOR_far_lcore, "eth0",
	  "1 of its 2 receive queues are polled on other nodes: queue 1 by "
	  "lcore 4 on node 1",
	  "node0/cpulist" },
	{ wrong_node, MONITOR_far_lcore, "eth0",
	  "node 1, and 2 of its 2 receive queues are polled on other nodes: queue "
	  "0 by lcore 3 on node 0",
	  "node1/cpulist" },
	{ wrong_memory, MONITOR_far_memory, "eth0", "of 16 pages of its frames 3 are elsewhere, one on node 1",
	  "hugepages of node 0" },
	{ wrong_quota, MONITOR_throttled, "the program",
	  "/sys/fs/cgroup/box were stopped for its CPU quota, for 250 ms", "cpu.max" },
	{ wrong_clock, MONITOR_slow_clock, "lcore 4", "CPU 3 runs at 1200 MHz and can do 2000",
	  "cpu3/cpufreq/scaling_governor" },
	{ wrong_prog, MONITOR_not_attached, "eth0", "in its place is program 12", "bpftool net list dev eth0" },
	{ wrong_stolen, MONITOR_stolen, "lcore 4", "48.0 % of the time", "$1==3" },
	{ wrong_waits, MONITOR_stolen, "lcore 4", "it waited 100.0 % of the time", "$1==3" },
	{ wrong_preempt, MONITOR_preempted, "lcore 4", "150 times a second", "isolate CPU 3" },
	{ wrong_softirq, MONITOR_softirq, "lcore 3", "40.0 % of CPU 2", "rps_cpus" },
	{ wrong_hardirq, MONITOR_hardirq, "lcore 3", "6.0 % of CPU 2", "smp_affinity_list" },
	{ wrong_steal, MONITOR_steal, "lcore 3", "7.0 % of CPU 2", "pin the virtual CPU" },
	{ wrong_cpus, MONITOR_affinity, "lcore 3", "4 CPUs", "taskset" },
	{ wrong_offline, MONITOR_offline, "lcore 3", "CPU 2 is offline", "cpu2/online" },
	{ wrong_moved, MONITOR_irq_moved, "eth0 queue 0", "interrupt 24 went from CPU 0 to CPU 1", "/proc/irq/24/" },
	{ wrong_irq, MONITOR_irq_here, "lcore 3", "interrupt 30 (nvme0q3) comes 1200 times", "/proc/irq/30/" },
};

static void test_each_fact(void **state)
{
	bool facts[MONITOR_N] = { false };

	for (size_t c = 0; c < PLX_ARRAY_SIZE(cases); c++) {
		const bool rate = *monitor_limits[cases[c].fact].unit;

		make(state);
		cases[c].wrong();
		judge(1);
		assert_int_equal(standing(), !rate); /* one second of a rate is nothing */
		judge(1);
		if (standing() != 1 || !stands(cases[c].fact))
			fail_msg("%s: %u stand: %s", monitor_limits[cases[c].fact].name, standing(), lines);
		const struct monitor_found *f = stands(cases[c].fact);
		assert_string_equal(f->f.object, cases[c].on);
		if (!strstr(f->f.evidence, cases[c].evidence) || !strstr(f->f.fix, cases[c].fix))
			fail_msg("%s: %s; %s", f->f.object, f->f.evidence, f->f.fix);
		assert_int_equal(warnings, 1);
		assert_non_null(strstr(lines, f->f.evidence));
		assert_non_null(strstr(lines, f->f.fix));
		facts[cases[c].fact] = true;
		unmake(state);
	}
	make(state);
	for (int f = 0; f < MONITOR_N; f++)
		if (!facts[f])
			fail_msg("%s is not tested", monitor_limits[f].name);
}

/* What is dropped for want of a frame has one cause, and one fix. */
static void test_drops_of_an_empty_pool(void **state)
{
	(void)state;
	is.port[0].rx_drop[PLX_RX_DROP_fill_empty] = 50;
	judge(2);
	assert_non_null(strstr(stands(MONITOR_drops)->f.fix, "poll more often"));
	wrong_pool();
	judge(2);
	assert_non_null(stands(MONITOR_pool_empty));
	assert_string_equal(stands(MONITOR_drops)->f.fix, "the port's pool has no frame: see pool_empty");
	assert_non_null(strstr(stands(MONITOR_drops)->f.evidence, "fill_empty: 50 frames"));
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

/* The kernel allows such a name, and a fix is pasted. */
static void test_name_of_a_shell(void **state)
{
	static const struct { void (*wrong)(void); enum monitor_fact fact; const char *fix; } rows[] = {
		{ wrong_unserved, MONITOR_unserved, "--iface 'a;b'\\''$c',queue=0,queues=4" },
		{ wrong_unserved, MONITOR_unserved, "ethtool -X 'a;b'\\''$c' start 0 equal 2" },
		{ wrong_passed, MONITOR_passed_by, "--iface 'a;b'\\''$c'" },
		{ wrong_prog, MONITOR_not_attached, "net list dev 'a;b'\\''$c')" },
	};

	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		make(state);
		snprintf(env.plan.ports[0].conf.name, sizeof(env.plan.ports[0].conf.name), "a;b'$c");
		rows[i].wrong();
		judge(2);
		const struct monitor_found *f = stands(rows[i].fact);
		if (!f || !strstr(f->f.fix, rows[i].fix))
			fail_msg("row %zu: %s", i, f ? f->f.fix : "not found");
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
	assert_null(stands(MONITOR_unserved));
	assert_string_equal(stands(MONITOR_passed_by)->f.object, "eth0 queue 2");
	assert_int_equal(standing(), 1);
	is.port[0].passed[2] = is.port[1].passed[2] = 0;
	is.port[0].passed[3] = is.port[1].passed[3] = 1000; /* nobody's */
	judge(4);
	assert_string_equal(stands(MONITOR_unserved)->f.object, "eth0 queue 3");
	assert_int_equal(standing(), 1);
}

static void test_unserved_of_veth(void **state)
{
	(void)state;
	snprintf(env.plan.ports[0].link.kdriver, sizeof(env.plan.ports[0].link.kdriver), "veth");
	wrong_unserved();
	judge(2);
	const struct monitor_found *f = stands(MONITOR_unserved);

	assert_non_null(f);
	assert_null(strstr(f->f.fix, "ethtool -X"));
	assert_non_null(strstr(f->f.fix, "ethtool -L with tx 2"));
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
	judge(MONITOR_GOOD - 1);
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
	env.plan.ports[0].rxq_irq[0].how = IFACE_IRQ_NONE; /* veth: whoever sends does the work */
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
	assert_non_null(stands(MONITOR_removed));
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
	monitor_judge(&t, &was, &is);
	assert_int_equal(standing(), 0);
}

/* Which queues are ours: those from the first on, as many as the port has. */
static void test_whose_queue(void **state)
{
	static const enum monitor_fact whose[4] = { MONITOR_unserved, MONITOR_passed_by, MONITOR_passed_by,
		                                    MONITOR_unserved };

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
	assert_int_equal(standing(), MONITOR_FOUND_MAX);
	assert_int_equal(warnings, MONITOR_FOUND_MAX);
}

/* ---- packets that the NIC did not count ---- */

struct counts { uint64_t rate, counted; unsigned late; bool whole, zerocopy; };

/* Looks, of n, until the port is told to leave zero-copy; 0 = it is not. */
static unsigned looks_until_split(const struct counts *c, unsigned n)
{
	memset(t.count, 0, sizeof(t.count));
	for (unsigned k = 1; k <= n; k++) {
		struct monitor_port *p = &is.port[0];

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
		struct monitor_port *p = &is.port[0];

		p->zerocopy = p->counted_told = p->whole = true;
		p->pkts = k * 1000u;
		p->counted = k % 50 * 1000;
		judge(1);
		assert_false(t.count[0].split);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_drops_of_an_empty_pool), T(test_no_pool_is_empty), T(test_rings_hold_frames),
		T(test_nothing_wrong), T(test_counts), T(test_counts_reset),
		cmocka_unit_test_setup_teardown(test_each_fact, NULL, unmake),
		cmocka_unit_test_setup_teardown(test_name_of_a_shell, NULL, unmake), T(test_unserved_of_veth),
		T(test_ports_of_one_interface), T(test_told_ever_less_often),
		T(test_flapping), T(test_hysteresis), T(test_what_is_planned_is_no_finding), T(test_odd_samples),
		T(test_too_many), cmocka_unit_test_setup_teardown(test_whose_queue, NULL, unmake),
		T(test_what_the_host_does_not_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

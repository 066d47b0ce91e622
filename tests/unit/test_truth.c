/* SPDX-License-Identifier: MIT */
/* test_truth.c - judging made-up samples against a made-up plan: what is found, when it begins,
   how often it is told, when it is over; and the reading of samples from files of another machine. */
#include "root_util.h"

#include "env.h"
#include "truth.h"
#include <errno.h>

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
	p->nports = 1;
	snprintf(p->ports[0].conf.name, sizeof(p->ports[0].conf.name), "eth0");
	p->ports[0].conf.rxqs = 2;
	p->ports[0].link.ifindex = 7;
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
		s->port[0] = (struct truth_port){ .there = true, .attached = 1, .queues = 4, .nrx = 2, .irq_cpu = { 0, 3 } };
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
static void wrong_tx(void)       { is.port[0].tx_drop[PLX_TX_DROP_device] = 78; }
static void wrong_prog(void)     { is.port[0].attached = 0; snprintf(is.port[0].holder, 96, "program 12"); }
static void wrong_stolen(void)   { is.lcore[1].wait_ns = 480000000; is.lcore[1].preempted = 212; }
static void wrong_preempt(void)  { is.lcore[1].preempted = 150; }
static void wrong_softirq(void)  { is.lcore[0].softirq = 40; is.lcore[0].net_rx = 5000; }
static void wrong_hardirq(void)  { is.lcore[0].hardirq = 6; }
static void wrong_steal(void)    { is.lcore[0].steal = 7; }
static void wrong_cpus(void)     { is.lcore[0].cpus.w[0] = 0xf; }
static void wrong_offline(void)  { is.lcore[0].offline = true; is.lcore[0].ticks_told = false; is.lcore[0].cpus.w[0] = 0xb; }
static void wrong_moved(void)    { is.port[0].irq_cpu[0] = 1; }
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
	{ wrong_tx, TRUTH_drops, "eth0 tx", "device: 78 frames", "refused" },
	{ wrong_prog, TRUTH_not_attached, "eth0", "in its place is program 12", "bpftool net list dev eth0" },
	{ wrong_stolen, TRUTH_stolen, "lcore 4", "48.0 % of the time", "$1==3" },
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
	is.port[0].there = false; /* removed: told elsewhere */
	is.port[0].attached = 0;
	judge(3);
	assert_int_equal(standing(), 0);
	assert_true(t.share[0].stolen < 0);
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

static uint64_t fake_now;
static uint64_t fake_step;

static int fake_clock(clockid_t clock, struct timespec *at)
{
	(void)clock;
	*at = (struct timespec){ (time_t)(fake_now / S), (long)(fake_now % S) };
	fake_now += fake_step;
	return 0;
}

/* A look on a machine whose files are long is taken less often. */
static void test_cost_is_bounded(void **state)
{
	(void)state;
	root_sys.clock_gettime = fake_clock;
	fake_step = 0;
	fake_now = 10 * S;
	truth_look(&t, &env, fake_now);
	assert_int_equal(t.due, 11 * S);
	truth_look(&t, &env, fake_now + S / 2); /* not due */
	assert_int_equal(t.samples, 0);
	fake_now = 11 * S + 20000000;
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

static const struct plx_driver full = { .name = "full", .attached = attached_of, .passed = passed_of };
static const struct plx_driver bare = { .name = "bare" };

static void test_sample_of_ports(void **state)
{
	struct plx_rxq q[2] = { { .hwq = 1 }, { .hwq = 2 } }, *rxq[2] = { &q[0], &q[1] };
	struct plx_port port = { .drv = &full, .sys = &root_sys, .name = "eth0", .nrx = 2, .rxq = rxq, .link = PLX_LINK_UP };
	const struct truth_port *o = &t.sample[0].port[0];

	(void)state;
	port.conf.queue = 1;
	q[0].stats.drop[PLX_RX_DROP_ring_full] = 5;
	q[1].stats.drop[PLX_RX_DROP_ring_full] = 6;
	env.ports[0] = &port;
	env.nports = 1;
	fake_attached = 1;
	fake_queues = 4;
	put("1\n", "/proc/irq/24/effective_affinity_list");
	put("2-3\n", "/proc/irq/25/effective_affinity_list"); /* the planned CPU is one of them */
	truth_take(&t.sample[0], &env, S);
	assert_true(o->there && o->attached == 1 && o->first == 1 && o->nrx == 2);
	assert_int_equal(o->queues, 4);
	assert_int_equal(o->passed[3], 103);
	assert_int_equal(o->rx_drop[PLX_RX_DROP_ring_full], 11);
	assert_int_equal(o->irq_cpu[0], 1);
	assert_int_equal(o->irq_cpu[1], 3);
	assert_int_equal(o->irq_cpu[2], -1);
	fake_attached = -EBADF;
	fake_queues = PLX_QUEUES_MAX + 100;
	put("x\n", "/proc/irq/24/effective_affinity_list");
	put("\n", "/proc/irq/25/effective_affinity_list");
	truth_take(&t.sample[0], &env, S);
	assert_int_equal(o->attached, -1);
	assert_int_equal(o->queues, PLX_QUEUES_MAX);
	assert_int_equal(o->irq_cpu[0], -1);
	assert_int_equal(o->irq_cpu[1], -1);
	port.drv = &bare;
	truth_take(&t.sample[0], &env, S);
	assert_int_equal(o->attached, -1);
	assert_int_equal(o->queues, 0);
	port.drv = &full;
	port.link = PLX_LINK_REMOVED; /* nothing is asked of what is gone */
	fake_attached = 0;
	truth_take(&t.sample[0], &env, S);
	assert_true(!o->there && o->attached == -1);
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

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
#define F(fn) cmocka_unit_test_setup_teardown(fn, make_files, remove_files)
	const struct CMUnitTest tests[] = {
		T(test_nothing_wrong), cmocka_unit_test_setup_teardown(test_each_fact, NULL, unmake),
		cmocka_unit_test_setup_teardown(test_name_of_a_shell, NULL, unmake), T(test_told_ever_less_often),
		T(test_flapping), T(test_hysteresis), T(test_what_is_planned_is_no_finding), T(test_odd_samples), T(test_too_many),
		cmocka_unit_test_setup_teardown(test_whose_queue, NULL, unmake),
		F(test_sample), F(test_sample_of_several_cpus), F(test_sample_without_files), F(test_sample_of_ports), F(test_cost_is_bounded),
		F(test_sample_of_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

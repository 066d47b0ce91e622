/* SPDX-License-Identifier: MIT */
/* monitor_util.h - a made-up plan and two samples that agree with it, for tests of what is found; and the files of
   another machine, for tests of what is read. */
#ifndef MONITOR_UTIL_H
#define MONITOR_UTIL_H

#include "root_util.h"

#include "env.h"
#include "lcore.h"
#include "doorbell.h"
#include "monitor.h"
#include <errno.h>

#define S 1000000000ull

static struct plx_env env;
static struct plx_lcore *lcores;
static struct monitor t;
static char lines[8192];
static unsigned warnings, notices;
static struct monitor_sample was, is;

static inline void log_line(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	warnings += level == PLX_LOG_WARN;
	notices += level == PLX_LOG_NOTICE;
	size_t n = strlen(lines);
	snprintf(lines + n, sizeof(lines) - n, "%s\n", line);
}
static const struct plx_log kept = { log_line, NULL, PLX_LOG_INFO };

/* A plan: eth0 with queues 0-1 of 4 on lcores 3 (CPU 2) and 4 (CPU 3); interrupts 24 on CPU 0, 25 on CPU 3. */
static inline int make(void **state)
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
	p->ports[0].rxq_irq[0] = (struct plan_irq){ .irq = 24, .cpu = 0, .how = IFACE_IRQ_NAPI };
	p->ports[0].rxq_irq[1] = (struct plan_irq){ .irq = 25, .cpu = 3, .how = IFACE_IRQ_NAPI };
	*lines = 0;
	warnings = notices = 0;
	assert_int_equal(monitor_open(&t, p, &kept, 2500000000u), 0);
	was = t.sample[0];
	is = t.sample[1];
	was.at = 100 * S;
	is.at = 101 * S;
	for (int k = 0; k < 2; k++) {
		struct monitor_sample *s = k ? &is : &was;

		for (unsigned i = 0; i < 2; i++)
			s->lcore[i] = (struct monitor_lcore){ .runs = true,
				                              .sched_told = true,
				                              .cpus_told = true,
				                              .ticks_told = true,
				                              .ticks = k * 100u,
				                              .cpus = { { 4u << i } },
				                              .idle_cycles = k * 2500000000u };
		s->port[0] = (struct monitor_port){ .there = true, .attached = 1, .queues = 4, .nrx = 2,
		                                  .irq_cpu = { 0, 3 }, .now = "eth0", .named = 7, .missed_told = 3,
		                                  .polled_by = { 0, 1, 1 }, .pages = 16 };
		s->port[0].up = true;
		s->port[0].ring = 2048 + PLX_BURST_MAX;
		s->port[0].ntx = 2;
		s->npools = 1;
		s->pool[0] = (struct monitor_pool){ .name = "t-0", .frames = 9000, .free = 1000 };
		s->group_told = true;
		snprintf(s->group, sizeof(s->group), "/sys/fs/cgroup/box");
	}
	return 0;
}

static inline int unmake(void **state)
{
	(void)state;
	monitor_close(&t);
	return 0;
}

/* Judges the two samples so many times, each a second later. */
static inline void judge(unsigned times)
{
	while (times--) {
		monitor_judge(&t, &was, &is);
		was.at += S;
		is.at += S;
	}
}

static inline const struct monitor_found *stands(enum monitor_fact fact)
{
	for (unsigned i = 0; i < MONITOR_FOUND_MAX; i++)
		if (t.found[i].used && t.found[i].stands && t.found[i].fact == fact)
			return &t.found[i];
	return NULL;
}

/* A line was told that has both. */
static inline bool kept_line_of(const char *a, const char *b)
{
	char copy[sizeof(lines)], *save = NULL;

	memcpy(copy, lines, sizeof(copy));
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, a) && strstr(l, b))
			return true;
	return false;
}

static inline unsigned standing(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MONITOR_FOUND_MAX; i++)
		n += t.found[i].used && t.found[i].stands;
	return n;
}

/* The clocks of threads that are not there. */
static inline int any_clock(clockid_t clock, struct timespec *now)
{
	return clock_gettime(clock < 0 ? CLOCK_THREAD_CPUTIME_ID : clock, now);
}

static inline int make_files(void **state)
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
		put("Name:\tx\nCpus_allowed_list:\t2-3,70\nvoluntary_ctxt_switches:\t5\n"
		    "nonvoluntary_ctxt_switches:\t9\n", "/proc/self/task/%u/status", 77 + i);
	}
	put("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu2 10 20 30 40 50 60 70 80 1 1\nintr 5 5\n",
	    "/proc/stat");
	put("                    CPU0       CPU1       CPU2       CPU3\n          HI:          1          2       "
	    "   3          4\n      NET_RX:         10         20         30         40\n", "/proc/softirqs");
	put("           CPU0       CPU2\n  8:          1          2   IO-APIC    8-edge      rtc0\n"
	    " 24:          7       4000   PCI-MSI 524288-edge      eth0-TxRx-0\n 30:          1          0   "
	    "PCI-MSI 1-edge  x\nNMI:          3          9   Non-maskable interrupts\nERR:          0\n",
	    "/proc/interrupts");
	return 0;
}

static inline int remove_files(void **state)
{
	free(lcores);
	unmake(state);
	return root_remove(state);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, make, unmake)
#define F(fn) cmocka_unit_test_setup_teardown(fn, make_files, remove_files)

#endif

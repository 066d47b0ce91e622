/* SPDX-License-Identifier: MIT */
/* bench.h - a small harness for measurements: ours against theirs in the same process,
   rounds interleaved so that noise of the machine meets both, the lower quartile of each:
   disturbance only ever adds time.

     struct bench b;
     bench_init(&b, argc, argv, "ring");
     bench_pair(&b, "spsc", burst, (struct bench_side){ run_ours, arg }, (struct bench_side){ run_theirs, arg });
     return bench_end(&b);                            table, or --json; 1 if a row missed its mark

   A side's run(arg, ops) does ops operations and returns the nanoseconds they took; with run
   NULL (the other program is not installed) the row shows ours alone and has no mark. */
#ifndef BENCH_H
#define BENCH_H

#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_ROUNDS_MAX = 101, BENCH_ROWS_MAX = 128 };

struct bench_side {
	uint64_t (*run)(void *arg, uint64_t ops);
	void *arg;
};

struct bench_result { double ns, instructions, syscalls; }; /* an operation; < 0 = not known */

struct bench_row {
	char what[48];
	unsigned burst;
	bool pair;
	struct bench_result ours, theirs;
};

struct bench {
	const char *name, *theirs;
	bool json;
	unsigned rounds;
	uint64_t round_ns;         /* how long one round of one side should take */
	int fd_instr, fd_sys;      /* perf counters of this thread and its children, -1 = none */
	unsigned rows;
	struct bench_row row[BENCH_ROWS_MAX];
};

static inline uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* bench_pin ties the calling thread to a CPU; with fewer CPUs than asked, to the last. */
static inline void bench_pin(unsigned cpu)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu < (unsigned long)n ? cpu : (unsigned)n - 1, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static inline int bench_counter_open(uint32_t type, uint64_t config)
{
	struct perf_event_attr a = { .type = type, .size = sizeof(a), .config = config, .inherit = 1, .disabled = 1 };

	a.exclude_kernel = type == PERF_TYPE_HARDWARE;
	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The counter of all system calls; needs tracefs and the right to read it. */
static inline int bench_syscalls_open(void)
{
	static const char *const path[] = {
		"/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
		"/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
	};

	for (unsigned i = 0; i < 2; i++) {
		FILE *f = fopen(path[i], "r");
		unsigned long id;
		int n;

		if (!f)
			continue;
		n = fscanf(f, "%lu", &id);
		fclose(f);
		if (n == 1)
			return bench_counter_open(PERF_TYPE_TRACEPOINT, id);
	}
	return -1;
}

static inline void bench_counter_start(int fd)
{
	if (fd >= 0) {
		ioctl(fd, PERF_EVENT_IOC_RESET, 0);
		ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	}
}

static inline double bench_counter_stop(int fd)
{
	uint64_t v;

	if (fd < 0)
		return -1;
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return read(fd, &v, sizeof(v)) == sizeof(v) ? (double)v : -1;
}

static inline void bench_init(struct bench *b, int argc, char **argv, const char *name, const char *theirs)
{
	*b = (struct bench){ .name = name, .theirs = theirs, .rounds = 21, .round_ns = 4000000 };
	for (int i = 1; i < argc; i++) {
		char *end = NULL;
		unsigned long n = 0;

		if (!strcmp(argv[i], "--json")) {
			b->json = true;
			continue;
		}
		if (!strncmp(argv[i], "--rounds=", 9))
			n = strtoul(argv[i] + 9, &end, 10);
		if (!n || *end || n > BENCH_ROUNDS_MAX) {
			fprintf(stderr, "bench_%s: what is '%s'? usage: bench_%s [--json] [--rounds=1..%d]\n",
			        name, argv[i], name, BENCH_ROUNDS_MAX);
			exit(2);
		}
		b->rounds = (unsigned)n;
	}
	/* the others on the machine shall disturb little; without the right to it, the
	   quartiles have to do */
	(void)!setpriority(PRIO_PROCESS, 0, -20);
	b->fd_instr = bench_counter_open(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS);
	b->fd_sys = bench_syscalls_open();
}

static inline int bench_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_quartile(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), bench_cmp);
	return v[n / 4];
}

/* So many operations take about b->round_ns. */
static inline uint64_t bench_calibrate(const struct bench *b, struct bench_side s)
{
	uint64_t ops = 4096;

	for (;;) {
		uint64_t ns = s.run(s.arg, ops);

		if (ns >= b->round_ns / 2 || ops >= 1ull << 32)
			return ops;
		ops *= 2;
	}
}

static inline void bench_round(const struct bench *b, struct bench_side s, uint64_t ops, struct bench_result *r)
{
	bench_counter_start(b->fd_instr);
	bench_counter_start(b->fd_sys);
	r->ns = (double)s.run(s.arg, ops) / (double)ops;
	r->syscalls = bench_counter_stop(b->fd_sys) / (double)ops;
	r->instructions = bench_counter_stop(b->fd_instr) / (double)ops;
}

static inline struct bench_result bench_of(const struct bench_result *r, unsigned n)
{
	double v[3][BENCH_ROUNDS_MAX];

	for (unsigned i = 0; i < n; i++) {
		v[0][i] = r[i].ns;
		v[1][i] = r[i].instructions;
		v[2][i] = r[i].syscalls;
	}
	return (struct bench_result){ bench_quartile(v[0], n), bench_quartile(v[1], n), bench_quartile(v[2], n) };
}

static inline void bench_pair(struct bench *b, const char *what, unsigned burst,
                              struct bench_side ours, struct bench_side theirs)
{
	static struct bench_result r[2][BENCH_ROUNDS_MAX];
	struct bench_row *row = &b->row[b->rows];
	uint64_t ops = bench_calibrate(b, ours);

	if (b->rows == BENCH_ROWS_MAX)
		return;
	b->rows++;
	if (theirs.run)
		theirs.run(theirs.arg, ops); /* warm, as ours is */
	for (unsigned i = 0; i < b->rounds; i++) {
		bench_round(b, ours, ops, &r[0][i]);
		if (theirs.run)
			bench_round(b, theirs, ops, &r[1][i]);
	}
	snprintf(row->what, sizeof(row->what), "%s", what);
	row->burst = burst;
	row->pair = theirs.run;
	row->ours = bench_of(r[0], b->rounds);
	if (row->pair)
		row->theirs = bench_of(r[1], b->rounds);
	if (!b->json)
		fprintf(stderr, "."); /* sign of life */
}

static inline bool bench_ok(const struct bench_row *r)
{
	return !r->pair || r->ours.ns <= r->theirs.ns;
}

static inline const char *bench_num(char *buf, size_t len, double v, const char *none)
{
	if (v < 0)
		snprintf(buf, len, "%s", none);
	else
		snprintf(buf, len, "%.2f", v);
	return buf;
}

static inline void bench_print_json(const struct bench *b)
{
	char n[6][32];

	printf("{\"bench\":\"%s\",\"theirs\":\"%s\",\"rounds\":%u,\"rows\":[", b->name, b->theirs, b->rounds);
	for (const struct bench_row *r = b->row; r < b->row + b->rows; r++)
		printf("%s\n{\"what\":\"%s\",\"burst\":%u,\"ours_ns\":%s,\"theirs_ns\":%s,\"ratio\":%s,"
		       "\"ours_instructions\":%s,\"theirs_instructions\":%s,\"ours_syscalls\":%s,\"ok\":%s}",
		       r == b->row ? "" : ",", r->what, r->burst, bench_num(n[0], 32, r->ours.ns, "null"),
		       bench_num(n[1], 32, r->pair ? r->theirs.ns : -1, "null"),
		       bench_num(n[2], 32, r->pair ? r->ours.ns / r->theirs.ns : -1, "null"),
		       bench_num(n[3], 32, r->ours.instructions, "null"),
		       bench_num(n[4], 32, r->pair ? r->theirs.instructions : -1, "null"),
		       bench_num(n[5], 32, r->ours.syscalls, "null"), bench_ok(r) ? "true" : "false");
	printf("\n]}\n");
}

static inline void bench_print_table(const struct bench *b)
{
	char n[5][32];

	fprintf(stderr, "\n");
	printf("%-34s %5s | %9s %9s | %6s | %9s %9s |\n", b->name, "burst", "ours ns", "theirs ns", "ratio",
	       "ours ins", "theirs");
	for (const struct bench_row *r = b->row; r < b->row + b->rows; r++)
		printf("%-34s %5u | %9s %9s | %6s | %9s %9s | %s\n", r->what, r->burst,
		       bench_num(n[0], 32, r->ours.ns, "n/a"),
		       bench_num(n[1], 32, r->pair ? r->theirs.ns : -1, "n/a"),
		       bench_num(n[2], 32, r->pair ? r->ours.ns / r->theirs.ns : -1, "n/a"),
		       bench_num(n[3], 32, r->ours.instructions, "n/a"),
		       bench_num(n[4], 32, r->pair ? r->theirs.instructions : -1, "n/a"),
		       !r->pair ? "" : bench_ok(r) ? "OK" : "MISS");
	printf("an operation is one object; lower quartile of %u interleaved rounds; ratio ours/theirs (%s), OK if <= "
	       "1\n",
	       b->rounds, b->theirs);
}

/* Prints what was measured; 1 if a row with a mark missed it. */
static inline int bench_end(const struct bench *b)
{
	bool ok = true;

	for (unsigned i = 0; i < b->rows; i++)
		ok &= bench_ok(&b->row[i]);
	if (b->json)
		bench_print_json(b);
	else
		bench_print_table(b);
	return !ok;
}

#endif

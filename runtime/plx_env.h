/* SPDX-License-Identifier: MIT */
/* plx_env.h - the environment of one process: configuration, topology, memory, ports,
   lcores, pollers, the main and the watch thread.  Several environments share nothing.

   A child of fork cannot use the environment of its parent: plx_env_run fails with -ECHILD and
   plx_env_fini does nothing.  Fork, or call daemon(), before plx_env_init.  The child keeps neither
   programs nor queues alive when its parent ends, unless it was made by clone(2) itself.

   Functions are called by the thread that opened the environment (the main thread)
   unless they say "any thread"; during a run by its main thread, which plx_env_start makes another.
   int = 0 or -errno; the reason went to the log as one line that names the fix.  What is wrong in a call
   otherwise: plx.h. */
#ifndef PLX_ENV_H
#define PLX_ENV_H

#include "plx_driver.h"
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct plx_env;
struct plx_lcore;
struct plx_poller;

/* ---- configuration: a plain struct, made by a pure parser or by hand ---- */

enum plx_idle {
	PLX_IDLE_BUSY,      /* poll for ever; no system call on an empty round */
	PLX_IDLE_ADAPTIVE,  /* spin, then pause, then sleep on the queues' descriptors */
	PLX_IDLE_INTERRUPT, /* sleep as soon as a round is empty */
};

/* Where the lcore of a receive queue polls, seen from the CPU that serves the queue's interrupt. */
enum plx_placement {
	PLX_PLACE_AUTO,  /* beside it where there are CPUs enough, else on it */
	PLX_PLACE_SAME,  /* on it: frames stay in its caches, the kernel's work takes time from the lcore's */
	PLX_PLACE_SPLIT, /* beside it, never on it while it can be helped */
};

/* Changes to the host that a start gains from: hugepages, queues, interrupts, ... */
enum plx_setup {
	PLX_SETUP_NONE,  /* as it is */
	PLX_SETUP_CHECK, /* a start is refused while there is something to change */
	PLX_SETUP_APPLY, /* made before the start, with a journal, and undone at its end */
};

/* One lcore of -l or -S: its id and the CPUs it may run on (usually one). */
struct plx_lcore_conf {
	uint16_t id;
	uint16_t ncpus;
	uint16_t cpus[64];
};

struct plx_env_conf {
	size_t   size;                        /* of the structure, or 0: plx_defs.h */
	char     name[PLX_NAME_MAX];          /* --name; thread names and memory segments carry it */
	struct plx_lcore_conf lcores[PLX_LCORES_MAX];
	uint16_t nlcores; /* 0 = one for each CPU this process may use, up to the queues there are */
	struct plx_lcore_conf service[PLX_LCORES_MAX];
	uint16_t nservice;                    /* -S: lcores of pollers marked .service */
	uint16_t registered;                  /* --registered-threads: threads that may register as lcores */
	int      main_lcore;                  /* --main-lcore: where main and watch threads run; -1 = not pinned */
	struct plx_port_conf ports[PLX_PORTS_MAX];
	uint16_t nports;
	uint64_t mem;                         /* -m: bytes of pool in all; 0 = computed from the rings */
	uint64_t node_mem[PLX_NODES_MAX];     /* --node-mem, bytes */
	uint16_t nnode_mem;
	enum plx_policy huge;                 /* --huge */
	uint32_t frame_size; /* --frame-size 2048|4096; 0 = 2048, or 4096 where MTU or zero-copy need it */
	enum plx_idle idle;                   /* --idle */
	enum plx_placement placement;         /* --placement */
	enum plx_setup setup;                 /* --setup */
	enum plx_log_level log_level;
	bool     dry_run;                     /* print the plan on standard output, change nothing */
	bool     json;                        /* of the plan, with dry_run */
	bool     no_signals;                  /* leave SIGINT, SIGTERM, SIGHUP to the application */
	/* not from arguments */
	const struct plx_sys *sys;            /* NULL = &plx_sys_linux */
	struct plx_log log;                   /* fn NULL = lines on standard error; called as plx_log.h tells */
};

/* An option table row; the environment's own and an application's are read by the same
   parser and shown by the same help. */
struct plx_opt {
	const char *name;     /* long name without dashes */
	char        letter;   /* short name or 0 */
	const char *arg;      /* placeholder of its value, NULL = takes none */
	const char *what;     /* one sentence for help */
	/* set reads arg (never empty; NULL if it takes none) into dst.  0, or -EINVAL with a
	   reason in why[], without the option's name. */
	int (*set)(void *dst, const char *arg, char *why, size_t whylen);
	unsigned flags;
};
enum {
	PLX_OPT_REPEAT = 1, /* may be given again; others are refused the second time */
	PLX_OPT_MORE   = 2, /* shown by --help-all only */
};

/* An application's half of the command line: what stands behind "--", or NULL. */
struct plx_app {
	const char *name;         /* "plx-fwd" */
	const char *what;         /* one sentence */
	const struct plx_opt *opts; /* at most 64, ends with name NULL; may be NULL */
	void *dst;                /* given to set() */
};

/* plx_env_conf_init fills in the defaults, as far as the program's structure goes, and its size. */
PLX_API void plx_env_conf_init_size(struct plx_env_conf *c, size_t size);
static inline void plx_env_conf_init(struct plx_env_conf *c)
{
	plx_env_conf_init_size(c, sizeof(*c));
}

/* plx_env_conf_parse reads arguments over *c: Pollux's, then "--", then the
   application's.  Pure: touches no OS state, never prints, never exits.
   0; PLX_TEXT: help or version was asked for and stands in why[]; -EINVAL: why[] has one line that names the word
   and the fix; -E2BIG: *c has members of a newer library's.  A file (-c) is refused: plx_env_conf_read of
   plx_conf.h reads it, and variables too.  2048 bytes of why suffice for errors, PLX_HELP_MAX
   for help. */
enum { PLX_TEXT = 1, PLX_HELP_MAX = 16384 };
PLX_API int plx_env_conf_parse(struct plx_env_conf *c, int argc, char **argv,
                               const struct plx_app *app, char *why, size_t whylen);

/* ---- life ---- */

/* plx_env_open runs the stages: log, faults, configuration, host, reach, setup, plan, slots, memory,
   ports, lcores, control, clock.  With c->dry_run it prints the plan and returns PLX_TEXT.  On failure what
   came up is taken down, newest first, *out is NULL, and the host is as before. */
PLX_API int plx_env_open(struct plx_env **out, const struct plx_env_conf *c);

/* plx_env_init = plx_env_conf_init + plx_env_conf_read (arguments, POLLUX_* variables and the
   file of -c, see plx_conf.h) + open, with messages on standard error and
   help on standard output: all a small main() needs.  app may be NULL in plx_env_init_app.
   Returns what plx_env_open does; plx_exit_code(PLX_TEXT) is 0. */
PLX_API int plx_env_init(struct plx_env **out, int argc, char **argv);
PLX_API int plx_env_init_app(struct plx_env **out, int argc, char **argv, const struct plx_app *app);

/* plx_env_run starts ports and lcores and is the main thread of the run until plx_env_stop, a
   first SIGINT, SIGTERM or SIGHUP (0; SIGHUP unless it is ignored, as by nohup), or a
   fatal fault (-ENODEV: no port is left).  Beside it a watch thread, which it starts, takes
   signals and looks after lcores.  Pollers and ports are stopped when
   it returns, and it may be called again; but -ETIMEDOUT: a poller has not returned for 1 s
   (20 s if its lcore hardly gets a CPU), the log names it, and ports and memory are left as they are.

   The first signal makes a blocking call of a timer return EINTR (SIGURG, or SIGWINCH if the
   application has use for that one).  Should the timer not return within 1.5 s, or the stop take
   longer than 9.5 s, the log says where the main thread is, the queues are the host's again, the
   set-up is undone and the process ends with PLX_EXIT_HUNG.  A second signal ends it at once with 128 +
   its number.

   Signals are the process's: every thread of the application, whenever it was created, must block
   these three, or the first one may end the process by its default action, without a stop and with
   the set-up left as it is.  Where they cannot, or with several environments, set no_signals and
   call plx_env_stop.  docs/lcores.md tells more. */
PLX_API int plx_env_run(struct plx_env *env);

/* plx_env_start begins a run as plx_env_run does, by a thread of the library's own, which is the main thread of the
   run then: timers and plx_env_call run there, and so pollers come and go.  It returns 0 when ports and lcores run,
   or what plx_env_run would have, and nothing runs.  The caller is free for work of its own, and looks now and then at
   plx_env_running, or waits in plx_env_join.  Until that the three signals of plx_env_run are blocked in it, and in
   threads that it makes meanwhile, and end the run.  -EALREADY: it was started and not joined, or runs.

   plx_env_join waits until the run is over, by plx_env_stop, a signal or a fault, and returns what plx_env_run would
   have.  -ESRCH: nothing was started; -EPERM: another thread started it; -EDEADLK: it is called by a timer.
   plx_env_fini stops and joins what was not joined.  Both: -ECHILD in a forked child.

     err = plx_env_start(env);
     while (!err && plx_env_running(env))
             own_work(env);
     err = err ? err : plx_env_join(env);                    */
PLX_API int plx_env_start(struct plx_env *env);
PLX_API int plx_env_join(struct plx_env *env);
/* plx_env_running: a run has begun and has not returned.  Any thread. */
PLX_API bool plx_env_running(const struct plx_env *env);

/* plx_env_call has the main thread of the run call fn(arg), between two timers, waits for it, and puts what it
   returned into *ret (may be NULL): for all that is the main thread's alone, from other threads.  On the main thread
   it calls fn itself.  0; -EINVAL: no fn; -ESRCH: lcores do not run; -ECANCELED: the run ended first; -EDEADLK: an
   lcore of env calls; -ECHILD.  Any thread but these lcores.  What plx_env_timer says of fn holds here too. */
PLX_API int plx_env_call(struct plx_env *env, int (*fn)(void *arg), void *arg, int *ret);

/* plx_env_stop makes plx_env_run return err.  Any thread, and from pollers. */
PLX_API void plx_env_stop(struct plx_env *env, int err);

/* plx_env_fini stops and closes everything, newest first.  env may be NULL. */
PLX_API void plx_env_fini(struct plx_env *env);

/* Exit codes: 0 ok; 1 runtime; 2 usage or configuration; 3 device or XDP; 4 permission;
   5 memory; 6 a check failed (verify, threshold); 7 the main thread did not come back
   after a signal, and was left (plx_env_run); 77 skipped; 128 + n signal n. */
enum { PLX_EXIT_RUNTIME = 1, PLX_EXIT_USAGE, PLX_EXIT_DEVICE, PLX_EXIT_PERMISSION,
       PLX_EXIT_MEMORY, PLX_EXIT_CHECK, PLX_EXIT_HUNG, PLX_EXIT_SKIP = 77 };
/* plx_exit_code maps 0, PLX_TEXT or -errno to one of them. Pure; any thread. */
PLX_API int plx_exit_code(int err);

/* ---- what it made ---- */

PLX_API uint16_t plx_env_ports(const struct plx_env *env);
PLX_API struct plx_port *plx_env_port(const struct plx_env *env, uint16_t i);      /* by order of --iface */
PLX_API struct plx_port *plx_env_port_by_name(const struct plx_env *env,
                                              const char *name); /* as given, else the kernel's */
PLX_API struct plx_pool *plx_env_pool(const struct plx_env *env, int node);        /* -1 = the first */
PLX_API const struct plx_log *plx_env_log(const struct plx_env *env);

/* ---- lcores ---- */

/*   BOOT --thread--> WAIT --main--> RUN --main--> HALT --thread--> WAIT
                                      |  ^
                               thread v  | fd, wake          BOOT --thread--> FAIL
                                     SLEEP                                    */
enum plx_lcore_state { PLX_LCORE_BOOT, PLX_LCORE_WAIT, PLX_LCORE_RUN, PLX_LCORE_SLEEP,
                       PLX_LCORE_HALT, PLX_LCORE_FAIL,
                       PLX_LCORE_FOREIGN /* a thread of the application's that registered; no loop */ };

PLX_API uint16_t plx_env_lcores(const struct plx_env *env);
PLX_API struct plx_lcore *plx_env_lcore(const struct plx_env *env, uint16_t i);    /* by index 0..n-1 */
PLX_API struct plx_lcore *plx_env_lcore_by_id(const struct plx_env *env, uint16_t id);
PLX_API uint16_t plx_lcore_id(const struct plx_lcore *l);
/* The lcore that the plan gave to q, where a poller of q goes by itself; NULL if q is not env's. */
PLX_API struct plx_lcore *plx_env_rxq_lcore(const struct plx_env *env, const struct plx_rxq *q);
/* plx_env_txq: the queue of port p by which what runs on lcore (an id) sends; the same for all that runs
   there, and each time.  Two lcores never share one: where a port has fewer queues than lcores,
   those without one get a queue in memory, and an lcore that has one sends for them, with the
   others' packets behind its own pollers.  Such a queue takes fewer than it is offered while its ring
   is full; plx_port_stats counts a packet when it has left by the port's queue.  --dry-run shows who sends
   through whom.  A poller that moves takes the queue of its new lcore.  Main thread: before
   plx_env_run, or from a timer.  NULL, and a line in the log, if there is no such lcore or port, or no memory.
   plx_env_txq_lcore: whose queue it is; NULL if q is not env's. */
PLX_API struct plx_txq *plx_env_txq(struct plx_env *env, struct plx_port *p, uint16_t lcore);
PLX_API struct plx_lcore *plx_env_txq_lcore(const struct plx_env *env, const struct plx_txq *q);
PLX_API struct plx_lcore *plx_lcore_self(void);   /* NULL on other threads; any thread */
/* plx_lcore_halt stops one lcore's loop between rounds and waits for it (1 s, or up to 20 s
   while the lcore hardly gets a CPU; then -ETIMEDOUT, a poller hangs); plx_lcore_resume lets it run again.  Main
   thread, while running; from within plx_env_run use a timer.  Frames of its queues are the host's meanwhile. -EDEADLK:
   l itself asks. */
PLX_API int plx_lcore_halt(struct plx_lcore *l);
PLX_API int plx_lcore_resume(struct plx_lcore *l);
PLX_API void plx_lcore_wake(struct plx_lcore *l); /* out of SLEEP; any thread */

/* ---- pollers ---- */

/* A poll function returns the work it did: > 0 counts as busy, 0 as idle, < 0 is an
   error, -errno or any other number, counted and otherwise idle: the log tells the number and
   how many there were, again after 1 s, 2 s, 4 s, ... up to an hour.  It must not block. */
typedef int (*plx_poll_fn)(void *arg);

#define PLX_PERIOD_MAX (UINT64_C(1) << 60) /* ns, 36 years: of pollers and timers */
struct plx_poller_conf {
	size_t   size;            /* of the structure, or 0: plx_defs.h */
	int      lcore;           /* lcore id that fixes it; -1 = the plan's */
	bool     plan;            /* PLX_POLLER's: an .lcore of 0 is the plan's too */
	const char *name;         /* NULL = "poller" */
	plx_poll_fn fn;
	void *arg;
	struct plx_rxq *rxq;      /* what it polls: the plan's lcore for it; NULL if none */
	uint64_t period_ns;       /* 0 = every round; else no oftener than this, PLX_PERIOD_MAX at most */
	bool     service;         /* goes to the service lcores (-S), if there are any */
	struct plx_rxq *const *also; /* further queues it polls, to be slept on; NULL-ended or NULL */
};
/* PLX_POLLER(.name = "fwd", .fn = fwd_poll, .arg = f) is one of these for plx_poller_add: the plan's lcore unless
   .lcore stands there; PLX_POLLER_ON(3, ...) on lcore 3.  In C, and in C++ from C++11 on.  It looks for the text of
   .lcore, since to name a default and then the field once more is what compilers warn of. */
#ifdef __cplusplus
#define PLX_POLLER(...) (&static_cast<const plx_poller_conf &>([&] { plx_poller_conf plx_pc = {}; \
	plx_pc.size = sizeof(plx_pc); plx_pc.lcore = -1; PLX_POLLER_SET(__VA_ARGS__) return plx_pc; }()))
#else
#define PLX_POLLER(...) (&(const struct plx_poller_conf){ .size = sizeof(struct plx_poller_conf), \
	.plan = !strstr(#__VA_ARGS__, ".lcore"), __VA_ARGS__ })
#endif
#define PLX_POLLER_ON(id, ...) PLX_POLLER(.lcore = (id), __VA_ARGS__)
#ifdef __cplusplus /* one assignment for each argument */
#define PLX_POLLER_SET(...) PLX_POLLER_PICK(__VA_ARGS__, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define PLX_POLLER_PICK(a, b, c, d, e, f, g, h, i, n, ...) PLX_POLLER_SET##n
#define PLX_POLLER_SET1(f)      plx_pc f;
#define PLX_POLLER_SET2(f, ...) plx_pc f; PLX_POLLER_SET1(__VA_ARGS__)
#define PLX_POLLER_SET3(f, ...) plx_pc f; PLX_POLLER_SET2(__VA_ARGS__)
#define PLX_POLLER_SET4(f, ...) plx_pc f; PLX_POLLER_SET3(__VA_ARGS__)
#define PLX_POLLER_SET5(f, ...) plx_pc f; PLX_POLLER_SET4(__VA_ARGS__)
#define PLX_POLLER_SET6(f, ...) plx_pc f; PLX_POLLER_SET5(__VA_ARGS__)
#define PLX_POLLER_SET7(f, ...) plx_pc f; PLX_POLLER_SET6(__VA_ARGS__)
#define PLX_POLLER_SET8(f, ...) plx_pc f; PLX_POLLER_SET7(__VA_ARGS__)
#define PLX_POLLER_SET9(f, ...) plx_pc f; PLX_POLLER_SET8(__VA_ARGS__)
#endif

/* Pollers come, go and move before plx_env_run, between two of them, and while it runs: then
   by its thread, from a timer (plx_env_timer); -EBUSY on any other, and while a halted lcore
   has not returned.  An lcore that runs does not stop for it: it adopts its new pollers
   between two rounds.  The call waits for that as plx_lcore_halt does: -ETIMEDOUT, and nothing has
   changed; the log names the poller that hangs.  An lcore without pollers waits, at no
   cost, and begins with its first one.

   plx_poller_add registers a poller.  An .lcore of 0 in a plain initializer is lcore 0.  With neither rxq
   nor lcore it goes to the lcore with the fewest pollers, of these the least busy one.  Service lcores
   have none but service pollers, which go to them whatever they poll; without -S they are as all others,
   but not placed by their queues.  plx_poller_add_get gives the handle too. */
PLX_API int plx_poller_add(struct plx_env *env, const struct plx_poller_conf *c);
PLX_API int plx_poller_add_get(struct plx_poller **out, struct plx_env *env, const struct plx_poller_conf *c);
/* plx_poller_del: when it returns 0, fn is not running and will not be called again, doorbells of
   what it sent have been rung, its queues may be given to another, and p is gone.  Frames of a queue
   that nobody else reads are the host's. */
PLX_API int plx_poller_del(struct plx_poller *p);
/* plx_poller_move: the same for its old lcore; the new one (by id) goes on with what the old one
   left.  Its queues, period and counters go with it, and p stays valid.  A doorbell that
   the kernel has not taken for 1 ms is left to the next burst.  On an error p is where it
   was; if its old lcore does not take it back either the log says so, and it rests until it
   is moved again. */
PLX_API int plx_poller_move(struct plx_poller *p, uint16_t lcore);

/* Snapshots; any thread, no lock.  Cycles are of plx_cycles().  Each cycle that an lcore does not sleep
   is busy or idle: busy are its rounds in which a poller had work, and all doorbells, whenever they ring, so
   busy / (busy + idle) is its load.  A poller's are those of its function alone. */
struct plx_poller_stats { uint64_t calls, work_calls, empty_calls, errors, work, busy_cycles, idle_cycles; };
struct plx_lcore_stats {
	enum plx_lcore_state state;
	uint64_t rounds, busy_cycles, idle_cycles, sleeps, wakes, sleep_ns, beat;
	uint16_t pollers;
	bool     service;  /* of -S */
	int      cpu;
	int      tid;      /* the kernel's number of its thread, as top -H and perf -t have it */
};
PLX_API void plx_poller_stats(const struct plx_poller *p, struct plx_poller_stats *s);
PLX_API void plx_lcore_stats(const struct plx_lcore *l, struct plx_lcore_stats *s);

/* plx_lcore_poller copies what is known of the i-th poller of l; 0, or -ENOENT behind the last.
   Any thread but an lcore, while pollers come and go: it takes a lock that main takes to
   alter the list, and no lcore ever does.  Between two calls the list may have changed, so
   a poller may be missed or met twice. */
struct plx_poller_info {
	char     name[PLX_NAME_MAX];
	bool     service;
	uint16_t queues;      /* receive queues it polls */
	uint64_t period_ns;
	int      last_err;    /* the latest error it returned, 0 = none yet */
	struct plx_poller_stats stats;
};
PLX_API int plx_lcore_poller(const struct plx_lcore *l, uint16_t i, struct plx_poller_info *info);

/* What the kernel counts of the lcore's thread since it began.  wait_ns was stolen by other
   tasks: the thread wanted to run and did not.  What interrupts and softirqs take on its
   CPU is within cpu_ns. */
struct plx_lcore_sched {
	int      tid;
	uint64_t cpu_ns;      /* on a CPU */
	uint64_t wait_ns;     /* ready, but not on a CPU */
	uint64_t slices;      /* times it was given a CPU */
	uint64_t preemptions; /* times it lost the CPU while it wanted to go on */
	uint64_t yields;      /* times it left the CPU itself: to sleep, or to wait for the kernel */
};
/* plx_lcore_sched reads them: three system calls and two files of /proc, some 20 us, so for
   once a second rather than once a round.  Any thread but an lcore.  0, or -errno of the
   first that could not be read (-ENOENT: a kernel without schedstats); its fields are 0,
   the others are right. */
PLX_API int plx_lcore_sched(const struct plx_lcore *l, struct plx_lcore_sched *s);

/* ---- timers ---- */

/* plx_env_timer calls fn(arg) on the main thread every period_ns while plx_env_run runs;
   fn returns 0 to go on, else it is called no more.  It may take its time, lcores go on and are
   looked after; but a stop waits for it, and a signal ends the process if that takes too long.
   -EINVAL: a period of 0 or beyond PLX_PERIOD_MAX, or no fn; -EBUSY: during a run, not by its main thread. */
PLX_API int plx_env_timer(struct plx_env *env, uint64_t period_ns, int (*fn)(void *arg), void *arg);

/* ---- reports ---- */

/* What a program prints while it runs.  A thread of the environment's own writes reports and log
   lines, so a reader that takes none (a full pipe, a terminal stopped by Ctrl-S) holds up
   nobody.  256 KiB of reports wait for theirs.

   plx_env_report queues text for standard output, as it is: 0; -ENOBUFS, dropped and counted; or
   -EMSGSIZE beyond PLX_REPORT_MAX bytes.  Any thread but an lcore; never blocks. */
enum { PLX_REPORT_MAX = 65536 };
PLX_API int plx_env_report(struct plx_env *env, const char *text);
/* plx_env_report_flush waits until all are written, as long as the reader takes something within
   timeout_ns.  0: every byte of every report is written; -ETIMEDOUT; the -errno of the first
   write that failed (-EPIPE: the reader is gone; SIGPIPE is not raised); -ENOBUFS: some were
   dropped.  Any thread but an lcore.  Without it plx_env_fini waits for 200 ms in the same way. */
PLX_API int plx_env_report_flush(struct plx_env *env, uint64_t timeout_ns);

/* ---- clock ---- */
static inline uint64_t plx_cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t v;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}
/* Cycles of plx_cycles() in a second, measured once when an environment opens. */
PLX_API uint64_t plx_cycles_hz(const struct plx_env *env);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/* lcore.c - lcore threads: made, pinned, started, halted, counted.  Cold; main thread,
   except lcore_main (the lcore itself), plx_lcore_wake and _self (any thread).
   The loop is in loop.c, what others read of an lcore in stats.c. */
#include "env.h"
#include "lcore.h"
#include "thread.h"
#include "quiet_thread.h"
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* Writing 1 to an eventfd that is read whenever it is readable cannot fail. */
void lcore_poke(const struct plx_sys *sys, int fd)
{
	const uint64_t one = 1;

	(void)!sys->write(fd, &one, sizeof(one));
}

static int pin(const struct plx_lcore *l, pthread_t thread)
{
	cpu_set_t set;

	if (!l->conf.ncpus)
		return 0;
	CPU_ZERO(&set);
	for (unsigned i = 0; i < l->conf.ncpus; i++)
		if (l->conf.cpus[i] < CPU_SETSIZE)
			CPU_SET(l->conf.cpus[i], &set);
	return -l->env->sys->thread_setaffinity(thread, sizeof(set), &set);
}

static int lcore_pin(struct plx_lcore *l)
{
	char name[16];

	/* 15 bytes are the kernel's limit; the number is what matters, so the name is cut. */
	snprintf(name, sizeof(name), "%.*s-lc%u", l->conf.id > 99 ? 9 : 10, l->env->conf.name, l->conf.id);
	pthread_setname_np(pthread_self(), name);
	return pin(l, pthread_self());
}

/* The kernel lets the thread run anywhere when its last CPU goes offline, and leaves it at that. */
int lcore_pin_again(const struct plx_lcore *l)
{
	int err = pin(l, l->thread);

	if (err)
		LOG(l->env, WARN,
		    "lcore %u: CPU %d is online again, and it cannot be pinned there: %s: taskset -pc %d %d",
		    l->conf.id, l->conf.cpu, strerror(-err), l->conf.cpu, __atomic_load_n(&l->tid, __ATOMIC_RELAXED));
	else
		LOG(l->env, NOTICE, "lcore %u: CPU %d is online again, and it runs there", l->conf.id, l->conf.cpu);
	return err;
}

static void lcore_wait(struct plx_lcore *l)
{
	const struct plx_sys *sys = l->env->sys;
	struct pollfd p = { .fd = l->wakefd, .events = POLLIN };
	uint64_t token;

	lcore_quiet(l, 1);
	int n = sys->poll(&p, 1, -1);
	lcore_quiet(l, 0);
	if (n > 0)
		(void)!sys->read(l->wakefd, &token, sizeof(token));
}

static void *lcore_main(void *arg)
{
	struct plx_lcore *l = arg;
	const struct plx_sys *sys = l->env->sys;
	void *stack = fatal_stack_up(sys);

	plx_self = (struct plx_thread){ .slot = l->env->first_slot + l->index + 1, .lcore = l, .where = lcore_where };
	plx_lcore_here = l->vars;
	__atomic_store_n(&l->tid, sys->gettid(), __ATOMIC_RELAXED);
	l->err = lcore_pin(l);
	const bool booted = lcore_move(l, PLX_LCORE_BOOT, l->err ? PLX_LCORE_FAIL : PLX_LCORE_WAIT);

	PLX_ASSERT(booted);
	lcore_poke(sys, l->env->ackfd);
	while (!l->err) {
		if (lcore_state(l) == PLX_LCORE_RUN)
			lcore_loop(l);
		else if (__atomic_load_n(&l->asked, __ATOMIC_SEQ_CST)) /* with lcore_ask */
			lcore_serve(l);
		else if (lcore_move(l, PLX_LCORE_HALT, PLX_LCORE_WAIT))
			lcore_poke(sys, l->env->ackfd);
		else if (__atomic_load_n(&l->quit, __ATOMIC_ACQUIRE))
			break;
		else
			lcore_wait(l);
	}
	fatal_stack_down(sys, stack);
	return NULL;
}

static void await_word(struct plx_env *env, uint64_t ns)
{
	struct pollfd p = { .fd = env->ackfd, .events = POLLIN };
	const uint64_t ms = ns / 1000000u;
	uint64_t token;

	if (env->sys->poll(&p, 1, ms < LCORE_HALT_MS ? (int)ms + 1 : LCORE_HALT_MS) > 0)
		(void)!env->sys->read(env->ackfd, &token, sizeof(token));
}

bool lcores_await_word(struct plx_env *env, uint64_t deadline)
{
	const uint64_t now = plx_sys_now(env->sys);

	if (now >= deadline)
		return false;
	await_word(env, deadline - now);
	return true;
}

void lcore_await_begin(struct plx_lcore *l)
{
	l->await_at = plx_sys_now(l->env->sys);
	l->await_cpu = lcore_cpu_ns(l);
	l->await_calls = plx_ctr_read(&l->call.returned);
}

double lcore_awaited(const struct plx_lcore *l)
{
	return (double)(plx_sys_now(l->env->sys) - l->await_at) / 1e9;
}

/* A poller that hangs is told by the time that went by.  That says nothing while others have
   the CPU, or all of this process is stopped; so the clock is read once, and judged by that. */
bool lcore_await_word(struct plx_lcore *l)
{
	const uint64_t past = plx_sys_now(l->env->sys) - l->await_at, limit = LCORE_HALT_MS * 1000000ull;

	if (past < limit)
		await_word(l->env, limit - past);
	else if (past < LCORE_STARVED_MS * 1000000ull && lcore_starves(l, l->await_cpu))
		await_word(l->env, LCORE_FAIR_NS);
	else
		return false;
	return true;
}

/* Waits until l's state is another than `not`, until deadline; its state. */
static uint32_t lcore_await(struct plx_lcore *l, uint32_t not, uint64_t deadline)
{
	while (lcore_state(l) == not && lcores_await_word(l->env, deadline))
		;
	return lcore_state(l);
}

static int lcore_open_fds(struct plx_lcore *l)
{
	const struct plx_sys *sys = l->env->sys;

	if ((l->epfd = sys->epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    (l->wakefd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    (l->donefd = sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
	    (l->timerfd = sys->timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0)
		return -errno;
	int err = lcore_add_fd(l, l->wakefd);

	return err ? err : lcore_add_fd(l, l->timerfd);
}

static int lcore_open(struct plx_lcore *l)
{
	int err = lcore_open_fds(l);

	if (err) {
		LOG(l->env, ERROR, "lcore %u: cannot make its descriptors: %s; raise the limit with ulimit -n",
		    l->conf.id, strerror(-err));
		return err;
	}
	err = quiet_thread(l->env->sys, &l->thread, lcore_main, l);
	l->spawned = !err;
	if (err)
		LOG(l->env, ERROR,
		    "lcore %u: cannot start a thread: %s; raise ulimit -u or the pids limit of the cgroup", l->conf.id,
		    strerror(-err));
	return err;
}

static int lcore_await_boot(struct plx_lcore *l, uint64_t deadline)
{
	char cpus[128];

	switch (lcore_await(l, PLX_LCORE_BOOT, deadline)) {
	case PLX_LCORE_WAIT:
		return 0;
	case PLX_LCORE_FAIL:
		LOG(l->env, ERROR,
		    "lcore %u: cannot pin to CPU %d: %s; choose with -l from %s, the CPUs this process may use",
		    l->conf.id, l->conf.cpu, strerror(-l->err),
		    topo_allowed_list(&l->env->host.topo, cpus, sizeof(cpus)));
		return l->err;
	default:
		LOG(l->env, ERROR, "lcore %u: its thread has not run for %d ms; is CPU %d held by a realtime task?",
		    l->conf.id, LCORE_BOOT_MS, l->conf.cpu);
		return -ETIMEDOUT;
	}
}

static void lcore_close(struct plx_lcore *l)
{
	const int fds[] = { l->epfd, l->wakefd, l->timerfd, l->donefd };
	const uint32_t state = lcore_state(l);

	PLX_ASSERT(state == PLX_LCORE_BOOT || state == PLX_LCORE_WAIT || state == PLX_LCORE_FAIL);
	if (l->spawned) {
		__atomic_store_n(&l->quit, true, __ATOMIC_RELEASE);
		lcore_poke(l->env->sys, l->wakefd);
		pthread_join(l->thread, NULL);
	}
	lcore_set_free(l, l->set, NULL);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			l->env->sys->close(fds[i]);
	pollers_free(l);
}

/* The lcores and behind them the places of registered threads, all without a thread yet. */
static int lcores_alloc(struct plx_env *env)
{
	const size_t n = env->plan.caches, bytes = n * sizeof(*env->lcores);

	env->lcores = n ? aligned_alloc(PLX_CACHELINE, bytes) : NULL;
	if (n && !env->lcores) {
		LOG(env, ERROR, "lcores: no memory for %zu lcores", n);
		return -ENOMEM;
	}
	int err = lcore_vars_up(env);

	for (size_t i = 0; i < n && !err; i++) {
		struct plx_lcore *l = &env->lcores[i];

		memset(l, 0, sizeof(*l));
		l->env = env;
		l->index = (uint16_t)i;
		l->policy = env->conf.idle;
		l->quiet = i >= env->plan.nlcores; /* until its thread says that it is online */
		l->vars = env->vars + i * PLX_LCORE_VARS;
		l->epfd = l->wakefd = l->timerfd = l->donefd = -1;
		l->conf = (struct plan_lcore){ .id = (uint16_t)(PLX_LCORES_MAX + i - env->plan.nlcores),
			                       .cpu = -1,
			                       .node = -1 };
		if (i < env->plan.nlcores)
			l->conf = env->plan.lcores[i];
	}
	return err;
}

int lcores_up(struct plx_env *env)
{
	const uint16_t n = env->plan.nlcores;
	int err = 0;

	env->ackfd = env->sys->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (env->ackfd < 0) {
		err = -errno;
		LOG(env, ERROR, "lcores: eventfd: %s; raise the limit with ulimit -n", strerror(-err));
		return err;
	}
	err = lcores_alloc(env);
	while (env->nlcores < n && !err)
		err = lcore_open(&env->lcores[env->nlcores++]);
	uint64_t deadline = plx_sys_now(env->sys) + LCORE_BOOT_MS * 1000000ull;

	for (uint16_t i = 0; i < n && !err; i++) /* all boot at once */
		err = lcore_await_boot(&env->lcores[i], deadline);
	if (err)
		lcores_down(env);
	return err;
}

void lcores_down(struct plx_env *env)
{
	while (env->nlcores)
		lcore_close(&env->lcores[--env->nlcores]);
	lcore_vars_down(env);
	free(env->lcores);
	env->lcores = NULL;
	env->sys->close(env->ackfd);
}

uint64_t cycles_of(const struct plx_env *env, uint64_t ns)
{
	return (uint64_t)((double)ns * (double)env->cycles_hz / 1e9);
}

/* l WAITs.  A set may be left of a halt that came too late to be waited for. */
int lcore_start(struct plx_lcore *l)
{
	const bool adaptive = l->policy == PLX_IDLE_ADAPTIVE;
	struct plx_env *env = l->env;

	PLX_ASSERT(l->spawned && lcore_state(l) == PLX_LCORE_WAIT && !l->next);
	lcore_set_free(l, l->set, NULL);
	l->set = NULL;
	if (!l->npollers)
		return 0;
	int err = lcore_set_make(&l->set, l, NULL, NULL);

	if (err)
		return err;
	l->adopted = l->set;
	l->spin = adaptive ? cycles_of(env, LCORE_SPIN_NS) : 0;
	l->pause = adaptive ? cycles_of(env, LCORE_PAUSE_NS) : 0;
	l->hold_gap = cycles_of(env, LCORE_HOLD_NS);
	l->ring_gap = cycles_of(env, LCORE_DOORBELL_NS);
	pthread_mutex_lock(&env->lock);
	l->beat_at = plx_sys_now(env->sys);
	l->beat_seen = plx_ctr_read(&l->rounds);
	l->silent = l->stalled = l->hangs = false;
	pthread_mutex_unlock(&env->lock);
	const bool runs = lcore_move(l, PLX_LCORE_WAIT, PLX_LCORE_RUN); /* publishes the above */

	PLX_ASSERT(runs);
	lcore_poke(env->sys, l->wakefd);
	return 0;
}

int lcores_start(struct plx_env *env)
{
	int err = 0;

	for (unsigned i = 0; i < env->nlcores && !err; i++) {
		env->lcores[i].held = false;
		err = lcore_start(&env->lcores[i]);
	}
	if (err)
		LOG(env, ERROR, "lcores: cannot start: %s", strerror(-err));
	return err;
}

static void lcore_ask_halt(struct plx_lcore *l)
{
	uint32_t s;

	lcore_await_begin(l);
	while ((s = lcore_state(l)) == PLX_LCORE_RUN || s == PLX_LCORE_SLEEP)
		if (lcore_move(l, s, PLX_LCORE_HALT))
			lcore_poke(l->env->sys, l->wakefd);
}

static int lcore_await_halt(struct plx_lcore *l)
{
	char what[PLX_NAME_MAX + 16];

	while (lcore_state(l) == PLX_LCORE_HALT && lcore_await_word(l))
		;
	if (lcore_state(l) != PLX_LCORE_WAIT) {
		LOG(l->env, ERROR, "lcore %u: %s has not returned for %.1f s; a poll function must not block",
		    l->conf.id, lcore_hangs_in(l, what, sizeof(what)), lcore_awaited(l));
		return -ETIMEDOUT;
	}
	lcore_set_free(l, l->set, NULL);
	l->set = NULL;
	return 0;
}

/* One that another thread launches right behind it is not waited for: there may be no end of them. */
static bool calls(const struct plx_lcore *l)
{
	const uint32_t state = __atomic_load_n(&l->call.state, __ATOMIC_ACQUIRE); /* with call() */

	return state != CALL_FREE && state != CALL_DONE && plx_ctr_read(&l->call.returned) == l->await_calls;
}

/* What was launched is done before ports and memory go. */
static int lcore_await_call(struct plx_lcore *l)
{
	char what[PLX_NAME_MAX + 16];

	while (calls(l) && lcore_await_word(l))
		;
	if (!calls(l))
		return 0;
	LOG(l->env, ERROR, "lcore %u: %s has not returned for %.1f s; what is launched must end before the "
	    "environment", l->conf.id, lcore_hangs_in(l, what, sizeof(what)), lcore_awaited(l));
	return -ETIMEDOUT;
}

int lcores_stop(struct plx_env *env)
{
	int err = 0;

	for (unsigned i = 0; i < env->nlcores; i++)
		lcore_ask_halt(&env->lcores[i]);
	for (unsigned i = 0; i < env->nlcores; i++) {
		__atomic_store_n(&env->awaits, i, __ATOMIC_RELAXED);
		int e = lcore_await_halt(&env->lcores[i]);

		e = e ? e : lcore_await_call(&env->lcores[i]);
		err = err ? err : e;
	}
	return err;
}

/* From a call of the application's, which watch names if it takes long. */
static int halt_one(struct plx_lcore *l, uint32_t at)
{
	const uint32_t was = main_awaits(l->env, l->index, at);

	lcore_ask_halt(l);
	int err = lcore_await_halt(l);

	main_leave(l->env, was);
	return err;
}

int lcore_rest_for_good(struct plx_lcore *l)
{
	int err = halt_one(l, MAIN_CHANGE);

	if (!err || lcore_move(l, PLX_LCORE_HALT, PLX_LCORE_RUN))
		return err;
	return lcore_await_halt(l); /* it has halted just now */
}

const char *lcore_hangs_in(const struct plx_lcore *l, char *buf, size_t len)
{
	const struct plx_poller *p = __atomic_load_n(&l->current, __ATOMIC_RELAXED);

	if (__atomic_load_n(&l->call.state, __ATOMIC_RELAXED) == CALL_RUNS)
		snprintf(buf, len, "a launched function");
	else
		snprintf(buf, len, "poller %s", p ? p->name : "(none)");
	return buf;
}

int no_loop(const struct plx_lcore *l, const char *call)
{
	LOG(l->env, ERROR, "lcore %u: %s: it is a registered thread of the application and has no loop (EINVAL); "
	    "plx_env_lcore and plx_env_lcore_by_id give those that have", l->conf.id, call);
	return -EINVAL;
}

int plx_lcore_halt(struct plx_lcore *l)
{
	PLX_ASSERT(l);
	if (!l->spawned)
		return no_loop(l, "plx_lcore_halt");
	if (plx_lcore_self() == l) /* it would wait for itself */
		return -EDEADLK;
	l->held = true;
	int err = halt_one(l, MAIN_HALT);

	if (!err)
		env_txqs_handover(l->env); /* main may use what l did */
	env_readers_changed(l->env);
	return err;
}

int plx_lcore_resume(struct plx_lcore *l)
{
	PLX_ASSERT(l);
	uint32_t state = lcore_state(l);

	if (!l->spawned)
		return no_loop(l, "plx_lcore_resume");
	if (!l->env->running || state == PLX_LCORE_HALT) {
		LOG(l->env, ERROR, "lcore %u: cannot resume: %s", l->conf.id,
		    state == PLX_LCORE_HALT ? "it has not halted yet" : "plx_env_run does not run");
		return -EBUSY;
	}
	l->held = false;
	env_txqs_handover(l->env);
	int err = state == PLX_LCORE_WAIT ? lcore_start(l) : 0;

	env_readers_changed(l->env);
	return err;
}

void plx_lcore_wake(struct plx_lcore *l)
{
	PLX_ASSERT(l);
	/* Adding nothing is still a read-modify-write: ordered with lcore_sleep's, so either the
	   lcore's last round sees what the caller did, or the caller sees SLEEP. */
	if (__atomic_fetch_add(&l->state, 0, __ATOMIC_SEQ_CST) == PLX_LCORE_SLEEP)
		lcore_poke(l->env->sys, l->wakefd);
}

struct plx_lcore *plx_lcore_self(void)
{
	return plx_self.lcore;
}

uint16_t plx_lcore_id(const struct plx_lcore *l)
{
	PLX_ASSERT(l);
	return l->conf.id;
}

uint16_t plx_env_lcores(const struct plx_env *env)
{
	PLX_ASSERT(env);
	return env->nlcores;
}

struct plx_lcore *plx_env_lcore(const struct plx_env *env, uint16_t i)
{
	PLX_ASSERT(env);
	return i < env->nlcores ? &env->lcores[i] : NULL;
}

struct plx_lcore *plx_lcore_next(const struct plx_lcore *l)
{
	PLX_ASSERT(l);
	return plx_env_lcore(l->env, (uint16_t)(l->index + 1));
}

struct plx_lcore *plx_env_lcore_by_id(const struct plx_env *env, uint16_t id)
{
	PLX_ASSERT(env);
	for (unsigned i = 0; i < env->nlcores; i++)
		if (env->lcores[i].conf.id == id)
			return &env->lcores[i];
	return NULL;
}

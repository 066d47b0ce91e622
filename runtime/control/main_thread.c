/* SPDX-License-Identifier: MIT */
/* main_thread.c - a run whose main thread is one of the library's own, and calls that other threads have main make.
   Cold; plx_env_start and plx_env_join for one thread of the application, the rest any but an lcore. */
#include "control.h"
#include "fatal_line.h"
#include "lcore.h"
#include "quiet_thread.h"
#include "thread.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOG(env, level, ...) plx_logf(&(env)->log, PLX_LOG_##level, __VA_ARGS__)

/* ---- a thread of its own ---- */

static void own_where(struct fatal_line *l)
{
	fatal_add(l, "main thread");
}

/* It takes no signal but those that stop.c may break a call of the application's by. */
static void may_be_broken(void)
{
	struct sigaction sa;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(breakers); i++)
		if (!sigaction(breakers[i], NULL, &sa) && !(sa.sa_flags & SA_SIGINFO) &&
		    (sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN))
			sigaddset(&set, breakers[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *own_main(void *arg)
{
	struct control *c = arg;
	char name[16];

	snprintf(name, sizeof(name), "%.10s-main", c->env->conf.name);
	pthread_setname_np(pthread_self(), name);
	plx_self.where = own_where;
	may_be_broken();
	c->ran = plx_env_run(c->env);
	pthread_mutex_lock(&c->env->lock);
	c->own = OWN_OVER;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->env->lock);
	return NULL;
}

void main_is_up(struct control *c)
{
	pthread_mutex_lock(&c->env->lock);
	c->takes_calls = c->was_up = true;
	if (c->own == OWN_STARTS)
		c->own = OWN_RUNS;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->env->lock);
}

static enum control_own own_of(struct control *c)
{
	pthread_mutex_lock(&c->env->lock);
	const enum control_own own = c->own;

	pthread_mutex_unlock(&c->env->lock);
	return own;
}

static void unblock(struct control *c)
{
	if (c->sigfd >= 0 && pthread_equal(pthread_self(), c->starter))
		pthread_sigmask(SIG_SETMASK, &c->starter_mask, NULL);
}

static int own_end(struct control *c)
{
	pthread_join(c->own_thread, NULL);
	c->own = OWN_NONE;
	unblock(c);
	return c->ran;
}

static int may_start(struct control *c)
{
	const bool started = own_of(c) != OWN_NONE;

	if (env_forked(c->env, "plx_env_start"))
		return -ECHILD;
	if (!started && !__atomic_load_n(&c->env->running, __ATOMIC_ACQUIRE)) /* with run_lcores */
		return 0;
	LOG(c->env, ERROR, "plx_env_start: it %s (EALREADY)", started ? "was started: plx_env_join comes first" :
	    "runs already, or a poller still hangs");
	return -EALREADY;
}

int plx_env_start(struct plx_env *env)
{
	PLX_ASSERT(env);
	struct control *c = env->control;
	int err = may_start(c);
	sigset_t set;

	if (err)
		return err;
	stop_signals(&set);
	c->starter = pthread_self();
	if (c->sigfd >= 0) /* else one would end the process while watch waits for it */
		pthread_sigmask(SIG_BLOCK, &set, &c->starter_mask);
	c->own = OWN_STARTS;
	c->was_up = false;
	err = quiet_thread(env->sys, &c->own_thread, own_main, c);
	if (err) {
		LOG(env, ERROR, "main thread: cannot start: %s; raise ulimit -u or the pids limit of the cgroup",
		    strerror(-err));
		c->own = OWN_NONE;
		unblock(c);
		return err;
	}
	pthread_mutex_lock(&env->lock);
	while (c->own == OWN_STARTS)
		pthread_cond_wait(&c->changed, &env->lock);
	const bool up = c->was_up;

	pthread_mutex_unlock(&env->lock);
	return up ? 0 : own_end(c);
}

int plx_env_join(struct plx_env *env)
{
	PLX_ASSERT(env);
	struct control *c = env->control;

	if (env_forked(env, "plx_env_join"))
		return -ECHILD;
	if (own_of(c) == OWN_NONE) {
		LOG(env, ERROR, "plx_env_join: plx_env_start has not started anything, or it was joined (ESRCH)");
		return -ESRCH;
	}
	if (pthread_equal(pthread_self(), c->own_thread)) /* a timer */
		return -EDEADLK;
	if (!pthread_equal(pthread_self(), c->starter)) {
		LOG(env, ERROR,
		    "plx_env_join: another thread called plx_env_start, and that one joins: its signals are blocked "
		    "until then (EPERM)");
		return -EPERM;
	}
	return own_end(c);
}

void main_join(struct plx_env *env)
{
	struct control *c = env->control;

	if (own_of(c) == OWN_NONE)
		return;
	plx_env_stop(env, 0);
	own_end(c);
}

bool plx_env_running(const struct plx_env *env)
{
	PLX_ASSERT(env);
	return __atomic_load_n(&env->at, __ATOMIC_RELAXED) != MAIN_AWAY;
}

/* ---- calls ---- */

/* On the stack of who waits for it; next, done and ret under env->lock. */
struct main_call {
	struct main_call *next;
	struct ctl_timer what;
	int ret, err;
	bool done;
};

static struct main_call *call_pop(struct control *c)
{
	pthread_mutex_lock(&c->env->lock);
	struct main_call *m = c->calls;

	if (m)
		c->calls = m->next;
	pthread_mutex_unlock(&c->env->lock);
	return m;
}

/* Who waited may return at once, and m be gone. */
static void call_done(struct control *c, struct main_call *m, int err, int ret)
{
	pthread_mutex_lock(&c->env->lock);
	m->err = err;
	m->ret = ret;
	m->done = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->env->lock);
}

void main_calls(struct control *c)
{
	for (struct main_call *m; (m = call_pop(c));)
		call_done(c, m, 0, main_runs(c, m->what));
}

void main_is_down(struct control *c)
{
	pthread_mutex_lock(&c->env->lock);
	c->takes_calls = false;
	pthread_mutex_unlock(&c->env->lock);
	for (struct main_call *m; (m = call_pop(c));)
		call_done(c, m, -ECANCELED, 0);
}

static int call_put(struct control *c, struct main_call *m)
{
	struct main_call **end = &c->calls;

	pthread_mutex_lock(&c->env->lock);
	if (!c->takes_calls) {
		pthread_mutex_unlock(&c->env->lock);
		return -ESRCH;
	}
	while (*end)
		end = &(*end)->next;
	*end = m;
	main_ask_work(c->env);
	while (!m->done)
		pthread_cond_wait(&c->changed, &c->env->lock);
	pthread_mutex_unlock(&c->env->lock);
	return m->err;
}

int plx_env_call(struct plx_env *env, int (*fn)(void *arg), void *arg, int *ret)
{
	PLX_ASSERT(env);
	struct main_call m = { .what = { .fn = fn, .arg = arg } };
	const struct plx_lcore *self = plx_self.lcore;
	int err = 0;

	if (env_forked(env, "plx_env_call"))
		return -ECHILD;
	if (!fn) {
		LOG(env, ERROR, "plx_env_call: no function to call (EINVAL)");
		return -EINVAL;
	}
	if (self && self->spawned && self->env == env) /* main may wait for it */
		return -EDEADLK;
	const uint32_t was = main_enter(env, MAIN_TIMER);

	if (was != MAIN_AWAY) {
		m.ret = fn(arg);
		main_leave(env, was);
	} else {
		main_names(&m.what);
		err = call_put(env->control, &m);
	}
	if (!err && ret)
		*ret = m.ret;
	return err;
}

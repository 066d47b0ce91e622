/* SPDX-License-Identifier: MIT */
/* test_control.c - main and watch during a run: timers, liveness, readers, reports, links. */
#include "control_util.h"
#include "control.h"
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/eventfd.h>

/* ---- timers ---- */

struct tick { struct plx_env *env; int n, last; uint64_t at; struct tick *more; };

static int tick(void *arg)
{
	struct tick *t = arg;

	t->at = now_ns();
	t->n++;
	if (t->more) { /* a timer added from within a timer */
		assert_int_equal(plx_env_timer(t->env, 2 * MS, tick, t->more), 0);
		t->more = NULL;
	}
	if (t->n < t->last)
		return 0;
	if (t->env && t->last > 5)
		plx_env_stop(t->env, 0);
	return 1;
}

static void test_timers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;

	test_conf(&c, &k, 1, NULL);
	c.idle = PLX_IDLE_INTERRUPT;
	struct plx_env *env = open_idle(&c, &k);
	struct tick added = { .last = 3 }, once = { .last = 1 }, often = { .env = env, .last = 20, .more = &added };
	assert_int_equal(plx_env_timer(env, 0, tick, &once), -EINVAL);
	assert_int_equal(plx_env_timer(env, MS, NULL, &once), -EINVAL);
	assert_true(kept_has(&k, "plx_env_timer: a period of 0 ns; it may be 1 or more (EINVAL)"));
	assert_true(kept_has(&k, "plx_env_timer: no function to call (EINVAL)"));
	assert_int_equal(plx_env_timer(env, MS, tick, &once), 0);
	assert_int_equal(plx_env_timer(env, 5 * MS, tick, &often), 0);
	uint64_t begin = now_ns();
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(once.n, 1);
	assert_int_equal(often.n, 20);
	assert_int_equal(added.n, 3);
	assert_true(often.at - begin >= 20 * 5 * MS); /* no ticks in a bunch, however late one was */
	plx_env_fini(env);
}

/* ---- liveness, readers and reports ---- */

static struct plx_driver fake;         /* loop's, with the verbs under test */
static plx_ctr given_back[2], link_calls;
static uint32_t link_mtu, link_mtu_was, is_read[2], steered;

static void fake_give_back(struct plx_port *p, uint16_t rxq, bool rest)
{
	(void)p, (void)rest;
	__atomic_store_n(&is_read[rxq], 0, __ATOMIC_RELAXED);
	plx_ctr_add(&given_back[rxq], 1);
}

static bool fake_is_read(const struct plx_port *p, uint16_t rxq)
{
	(void)p;
	return __atomic_load_n(&is_read[rxq], __ATOMIC_RELAXED);
}

static int fake_steer(struct plx_port *p, bool on)
{
	(void)p;
	__atomic_store_n(&steered, on, __ATOMIC_RELAXED);
	return 0;
}

static void fake_link(struct plx_port *p, enum plx_link link, uint32_t mtu)
{
	assert_int_equal(plx_port_link(p), link);
	__atomic_store_n(&link_mtu_was, p->info.mtu, __ATOMIC_RELAXED); /* a driver compares */
	__atomic_store_n(&link_mtu, mtu, __ATOMIC_RELEASE);             /* with the test that waits for it */
	plx_ctr_add(&link_calls, 1);
}

static void use_fake(struct plx_port *p)
{
	fake = *p->drv;
	fake.give_back = fake_give_back;
	fake.is_read = fake_is_read;
	fake.steer = fake_steer;
	fake.link = fake_link;
	p->drv = &fake;
	memset(given_back, 0, sizeof(given_back));
	is_read[0] = is_read[1] = steered = 0;
	link_calls = 0;
}

/* Watch has looked n times more. */
static void wait_for_looks(struct plx_env *env, unsigned n)
{
	uint64_t was = 0, now = 0;

	for (unsigned seen = 0; seen <= n; seen += now != was, was = now) {
		pthread_mutex_lock(&env->lock);
		now = env->control->looked_at;
		pthread_mutex_unlock(&env->lock);
		plx_sys_sleep(&plx_sys_linux, MS);
	}
}

/* Hangs in the round that an lcore makes when it has declared its sleep already, where it
   has such: a sleep that was declared is no sign of life. */
struct frail { int stuck, asleep, hangs; };

static int may_hang(void *arg)
{
	struct frail *f = arg;
	struct plx_lcore_stats ls;

	plx_lcore_stats(plx_lcore_self(), &ls);
	while (__atomic_load_n(&f->stuck, __ATOMIC_RELAXED) && (ls.state == PLX_LCORE_SLEEP || !f->asleep)) {
		__atomic_store_n(&f->hangs, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return 0;
}

static void test_liveness(void **state)
{
	(void)state;
	const enum plx_idle policies[] = { PLX_IDLE_BUSY, PLX_IDLE_INTERRUPT };

	for (int i = 0; i < 2; i++) {
		struct kept_log k;
		struct plx_env_conf c;
		struct runner r;
		struct frail f = { .asleep = policies[i] != PLX_IDLE_BUSY };

		test_conf(&c, &k, 2, "a,driver=loop,rxqs=2", NULL);
		c.idle = policies[i];
		struct plx_env *env = test_open(&c, &k);
		struct plx_port *p = plx_env_port(env, 0);
		use_fake(p);
		assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .name = "frail", .fn = may_hang, .arg = &f,
		                                .rxq = p->rxq[0], .lcore = 0 }), 0);
		assert_int_equal(plx_poller_add(env, &(struct plx_poller_conf){ .fn = idle, .rxq = p->rxq[1], .lcore = 1 }), 0);
		runner_start(&r, env);
		__atomic_store_n(&f.stuck, 1, __ATOMIC_RELAXED);
		plx_lcore_wake(plx_env_lcore(env, 0));
		wait_for(__atomic_load_n(&f.hangs, __ATOMIC_RELAXED));
		wait_for(kept_has(&k, "lcore 0 stalls: poller frail"));
		wait_for_looks(env, 3);
		assert_int_equal(kept_count(&k, "lcore 0 stalls: poller frail"), 1); /* said once */
		__atomic_store_n(&f.stuck, 0, __ATOMIC_RELAXED);
		wait_for(kept_has(&k, "lcore 0 goes on"));
		assert_int_equal(runner_stop(&r, 0), 0);
		plx_env_fini(env);
	}
}

/* Somebody holds the kernel's lock of all interfaces for long: who asks for it waits, but not the
   thread that looks. */
static int lock_held, lock_waits;

static int attached_after_lock(struct plx_port *p)
{
	(void)p;
	__atomic_store_n(&lock_waits, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock_held, __ATOMIC_RELAXED))
		plx_sys_sleep(&plx_sys_linux, MS);
	return 1;
}

static void test_looks_without_answers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_port *p = plx_env_port(env, 0);
	use_fake(p);
	fake.attached = attached_after_lock;
	lock_held = 1;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .rxq = p->rxq[0])), 0);
	runner_start(&r, env);
	wait_for(__atomic_load_n(&lock_waits, __ATOMIC_RELAXED));
	wait_for_looks(env, 40); /* two seconds: the next sample waits no more than this one */
	__atomic_store_n(&lock_held, 0, __ATOMIC_RELAXED);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* Watch and an lcore stand still for longer than a stall takes, as when the process is stopped: its
   first look thereafter cannot tell who is to blame. */
struct pause { struct frail f; struct plx_env *env; struct kept_log *k; int calls, before, after; };

static bool told_of_stall(struct kept_log *k)
{
	return kept_has(k, "lcore 0 stalls") || kept_has(k, "lcore 0 starves");
}

static int pause_both(void *arg)
{
	struct pause *p = arg;

	switch (p->calls++) {
	case 0:
		__atomic_store_n(&p->f.stuck, 1, __ATOMIC_RELAXED);
		wait_for(__atomic_load_n(&p->f.hangs, __ATOMIC_RELAXED));
		return 0;
	case 1: /* the look before this call has seen its last round */
		pthread_mutex_lock(&p->env->lock);
		p->before = told_of_stall(p->k);
		plx_sys_sleep(&plx_sys_linux, 1300 * MS);
		pthread_mutex_unlock(&p->env->lock);
		return 0;
	default: /* right behind the look that comes late */
		p->after = told_of_stall(p->k);
		__atomic_store_n(&p->f.stuck, 0, __ATOMIC_RELAXED);
		return 1;
	}
}

static void test_time_without_looks(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct pause p = { .k = &k };

	test_conf(&c, &k, 1, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	p.env = env;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "frail", .fn = may_hang, .arg = &p.f)), 0);
	assert_int_equal(plx_env_timer(env, 60 * MS, pause_both, &p), 0);
	runner_start(&r, env);
	wait_for(__atomic_load_n(&p.f.hangs, __ATOMIC_RELAXED) && !__atomic_load_n(&p.f.stuck, __ATOMIC_RELAXED));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_int_equal(p.calls, 3);
	assert_int_equal(p.after, p.before);
	plx_env_fini(env);
}

/* Who reads a queue is known by its pollers, or by the queue; without a reader it is given back. */
static void test_queues_find_readers(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,rxqs=2", NULL);
	struct plx_env *env = test_open(&c, &k);
	struct plx_port *p = plx_env_port(env, 0);
	struct plx_poller *opaque;
	use_fake(p);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .rxq = p->rxq[0])), 0);
	assert_int_equal(plx_poller_add_get(&opaque, env, PLX_POLLER(.fn = idle)), 0);
	runner_start(&r, env);
	wait_for_looks(env, 2);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_false(kept_has(&k, "a queue 1 has no poller")); /* the one that names nothing may poll it */
	plx_poller_del(opaque);
	runner_start(&r, env);
	wait_for(kept_has(&k, "a queue 1 has no poller: its frames pass to the host"));
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_false(kept_has(&k, "a queue 0 has no poller"));
	assert_int_equal(given_back[0], 0);
	plx_env_fini(env);
}

/* A port that nobody reads is not steered, until a burst shows that somebody does. */
static void test_port_is_steered_when_read(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, "a,driver=loop,rxqs=2", NULL);
	struct plx_env *env = open_idle(&c, &k);
	use_fake(plx_env_port(env, 0));
	runner_start(&r, env);
	wait_for(kept_has(&k, "running"));
	wait_for(!__atomic_load_n(&steered, __ATOMIC_RELAXED));
	wait_for_looks(env, 25);
	assert_false(__atomic_load_n(&steered, __ATOMIC_RELAXED));
	__atomic_store_n(&is_read[1], 1, __ATOMIC_RELAXED); /* any thread's burst */
	wait_for(__atomic_load_n(&steered, __ATOMIC_RELAXED));
	__atomic_store_n(&is_read[1], 0, __ATOMIC_RELAXED);
	wait_for(!__atomic_load_n(&steered, __ATOMIC_RELAXED));
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

static int failing(void *arg)
{
	return *(int *)arg;
}

static void test_poller_errors_are_told_seldom(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;

	test_conf(&c, &k, 1, NULL);
	struct plx_env *env = test_open(&c, &k);
	int nospc = -ENOSPC, failed = -1, odd = -4000;
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "bad", .fn = failing, .arg = &nospc)), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "worse", .fn = failing, .arg = &failed)), 0);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.name = "odd", .fn = failing, .arg = &odd)), 0);
	uint64_t begin = now_ns();
	runner_start(&r, env);
	wait_for(kept_count(&k, "poller bad on lcore 0: ") >= 2);
	assert_true(now_ns() - begin >= 900 * MS);
	wait_for(kept_count(&k, "poller bad on lcore 0: ") >= 3); /* ever less often */
	assert_true(now_ns() - begin >= 2900 * MS);
	assert_int_equal(runner_stop(&r, 0), 0);
	assert_true(kept_has(&k, "errors more, the last returned -28 (No space left on device)\n"));
	assert_true(kept_has(&k, "errors more, the last returned -1\n"));
	assert_true(kept_has(&k, "errors more, the last returned -4000\n"));
	plx_env_fini(env);
}

/* ---- links ---- */

static struct {
	uint8_t b[512]; size_t len; int err;  /* the event that comes next */
	int fd;                               /* where events come */
	int asked, held;                      /* questions so far; they wait, for somebody has the lock */
	uint32_t seq; int ifindex;            /* of the question that is open */
	unsigned link[8];                     /* what an interface's flags are, 0 = there is none */
} wire;
static pthread_mutex_t wire_lock = PTHREAD_MUTEX_INITIALIZER;

struct link_msg { struct nlmsghdr h; struct ifinfomsg m; struct nlattr a; uint32_t mtu; };

static struct link_msg link_msg(uint16_t type, int ifindex, unsigned flags, uint32_t mtu)
{
	return (struct link_msg){ .h = { .nlmsg_len = sizeof(struct link_msg), .nlmsg_type = type },
	                          .m = { .ifi_index = ifindex, .ifi_flags = flags },
	                          .a = { .nla_len = 8, .nla_type = IFLA_MTU }, .mtu = mtu };
}

/* What the kernel says to the question that is open: the interface and an acknowledgement, or an error. */
static ssize_t answer_into(void *buf)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; } end = {
		.h = { .nlmsg_len = sizeof(end), .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = wire.seq },
	};
	struct link_msg m = link_msg(RTM_NEWLINK, wire.ifindex, wire.link[wire.ifindex], 1500);
	size_t at = 0;

	m.h.nlmsg_seq = wire.seq;
	if (wire.link[wire.ifindex])
		memcpy(buf, &m, at = sizeof(m));
	else
		end.e.error = -ENODEV;
	memcpy((char *)buf + at, &end, sizeof(end));
	return (ssize_t)(at + sizeof(end));
}

static ssize_t w_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	uint64_t token;
	ssize_t got = -1;

	(void)flags, (void)from, (void)len, (void)n;
	pthread_mutex_lock(&wire_lock);
	errno = wire.err ? wire.err : EAGAIN;
	if (fd != wire.fd) {
		got = answer_into(buf);
	} else if (wire.len) {
		memcpy(buf, wire.b, wire.len);
		got = (ssize_t)wire.len;
	} else {
		int err = errno;
		(void)!plx_sys_linux.read(fd, &token, sizeof(token));
		errno = err;
	}
	if (fd == wire.fd)
		wire.err = 0, wire.len = 0;
	pthread_mutex_unlock(&wire_lock);
	return got;
}

static bool held(void)
{
	pthread_mutex_lock(&wire_lock);
	bool is = wire.held;
	pthread_mutex_unlock(&wire_lock);
	return is;
}

static void hold(bool on)
{
	pthread_mutex_lock(&wire_lock);
	wire.held = on;
	pthread_mutex_unlock(&wire_lock);
}

static void link_of(int ifindex, unsigned flags)
{
	pthread_mutex_lock(&wire_lock);
	wire.link[ifindex] = flags;
	pthread_mutex_unlock(&wire_lock);
}

static ssize_t w_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct link_msg *q = buf;

	(void)fd, (void)flags, (void)to, (void)len;
	pthread_mutex_lock(&wire_lock);
	wire.asked++;
	wire.seq = q->h.nlmsg_seq;
	wire.ifindex = q->m.ifi_index;
	pthread_mutex_unlock(&wire_lock);
	while (held())
		plx_sys_sleep(&plx_sys_linux, MS);
	return (ssize_t)n;
}

static int asked(void)
{
	pthread_mutex_lock(&wire_lock);
	int n = wire.asked;
	pthread_mutex_unlock(&wire_lock);
	return n;
}

static bool wire_taken(void)
{
	pthread_mutex_lock(&wire_lock);
	bool taken = !wire.len && !wire.err;
	pthread_mutex_unlock(&wire_lock);
	return taken;
}

/* Says one event more, once the one before it was taken. */
static void wire_say(uint16_t type, int ifindex, unsigned flags, uint32_t mtu, int err)
{
	struct link_msg msg = link_msg(type, ifindex, flags, mtu);
	const uint64_t one = 1;

	wait_for(wire_taken());
	pthread_mutex_lock(&wire_lock);
	wire.err = err;
	wire.len = err ? 0 : sizeof(msg);
	memcpy(wire.b, &msg, sizeof(msg));
	pthread_mutex_unlock(&wire_lock);
	(void)!write(wire.fd, &one, sizeof(one));
}

/* Two loop ports that pass for interfaces 5 and 6, and a socket that says what we say. */
static struct plx_env *open_links(struct plx_env_conf *c, struct kept_log *k, struct plx_sys *sys)
{
	test_conf(c, k, 1, "a,driver=loop", "b,driver=loop", NULL);
	*sys = plx_sys_linux;
	sys->recvfrom = w_recvfrom;
	sys->sendto = w_sendto;
	c->sys = sys;
	memset(&wire, 0, sizeof(wire));
	struct plx_env *env = open_idle(c, k);
	use_fake(plx_env_port(env, 0));
	plx_env_port(env, 0)->info.ifindex = 5;
	plx_env_port(env, 1)->info.ifindex = 6;
	env->control->nlfd = wire.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(wire.fd >= 0);
	wire.link[5] = wire.link[6] = IFF_UP | IFF_RUNNING;
	return env;
}

static void test_link_events(void **state)
{
	(void)state;
	struct plx_sys sys;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct plx_env *env = open_links(&c, &k, &sys);
	struct plx_port *a = plx_env_port(env, 0), *b = plx_env_port(env, 1);

	runner_start(&r, env);
	wait_for(plx_ctr_read(&link_calls) == 1); /* what was asked at the start */
	assert_int_equal(asked(), 2);
	wire_say(RTM_NEWLINK, 5, IFF_UP, 9000, 0);
	wait_for(plx_port_link(a) == PLX_LINK_DOWN);
	wait_for(plx_ctr_read(&link_calls) == 2);
	wait_for(__atomic_load_n(&link_mtu, __ATOMIC_ACQUIRE) == 9000);
	assert_int_not_equal(__atomic_load_n(&link_mtu_was, __ATOMIC_RELAXED), 9000);
	wire_say(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING, 1500, 0);
	wait_for(plx_port_link(a) == PLX_LINK_UP);
	wire_say(RTM_DELLINK, 7, 0, 0, 0); /* someone else's */
	wire_say(RTM_DELLINK, 5, 0, 0, 0);
	wait_for(plx_port_link(a) == PLX_LINK_REMOVED);
	wire_say(RTM_NEWLINK, 5, IFF_UP | IFF_RUNNING, 1500, 0); /* for good */
	wait_for(kept_has(&k, "a: link removed"));
	assert_int_equal(plx_port_link(b), PLX_LINK_UP);
	wait_for_looks(env, 3); /* the other port keeps it running */
	assert_false(kept_has(&k, "no port is left"));
	wire_say(RTM_DELLINK, 6, 0, 0, 0);
	pthread_join(r.thread, NULL); /* the last port is gone: nothing is left to do */
	assert_int_equal(r.err, -ENODEV);
	assert_int_equal(plx_port_link(a), PLX_LINK_REMOVED);
	assert_int_equal(link_mtu, 1500);
	assert_int_equal(plx_port_info(a)->mtu, 1500);
	assert_int_equal(kept_count(&k, "a: link removed"), 1);
	assert_true(kept_has(&k, "no port is left"));
	plx_env_fini(env);
}

static void test_lost_link_events(void **state)
{
	(void)state;
	struct plx_sys sys;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct plx_env *env = open_links(&c, &k, &sys);

	runner_start(&r, env);
	wait_for(plx_ctr_read(&link_calls) == 1);
	link_of(5, 0);
	link_of(6, IFF_UP);
	wire_say(0, 0, 0, 0, ENOBUFS);
	wait_for(plx_port_link(plx_env_port(env, 1)) == PLX_LINK_DOWN);
	wait_for(plx_port_link(plx_env_port(env, 0)) == PLX_LINK_REMOVED);
	assert_int_equal(asked(), 4);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* The kernel lets the question wait.  Watch does not: it hears of events, which are newer than the
   answer, and goes on looking. */
static void test_link_answer_comes_late(void **state)
{
	(void)state;
	struct plx_sys sys;
	struct kept_log k;
	struct plx_env_conf c;
	struct runner r;
	struct plx_env *env = open_links(&c, &k, &sys);

	hold(true);
	runner_start(&r, env);
	wait_for(asked() == 1);
	wire_say(RTM_NEWLINK, 5, IFF_UP, 1500, 0);
	wait_for(plx_port_link(plx_env_port(env, 0)) == PLX_LINK_DOWN);
	wait_for_looks(env, 3);
	link_of(6, IFF_UP);
	hold(false);
	wait_for(plx_port_link(plx_env_port(env, 1)) == PLX_LINK_DOWN);
	wait_for_looks(env, 2);
	assert_int_equal(plx_port_link(plx_env_port(env, 0)), PLX_LINK_DOWN);
	assert_int_equal(runner_stop(&r, 0), 0);
	plx_env_fini(env);
}

/* ---- where it runs ---- */

/* The thread of that name of this process; 0 = there is none. */
static pid_t task_named(const char *want)
{
	DIR *d = opendir("/proc/self/task");
	pid_t found = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		char path[64], name[32] = "";

		snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");

		if (f && fgets(name, sizeof(name), f) && !strncmp(name, want, strlen(want)) && name[strlen(want)] == '\n')
			found = (pid_t)atoi(e->d_name);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

static cpu_set_t watch_cpus;

static int on_cpu(void *arg)
{
	struct tick *t = arg;
	char name[32];

	t->n = sched_getcpu();
	snprintf(name, sizeof(name), "%.9s-watch", t->env->conf.name);
	sched_getaffinity(task_named(name), sizeof(watch_cpus), &watch_cpus);
	plx_env_stop(t->env, 0);
	return 1;
}

/* Main and watch on the CPU of a busy lcore still get their turns, and main gets its own
   CPUs back. */
static void test_main_lcore(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	cpu_set_t before, after;

	test_conf(&c, &k, 1, NULL);
	c.main_lcore = 0;
	struct plx_env *env = open_idle(&c, &k);
	struct tick t = { .env = env, .n = -1 };
	sched_getaffinity(0, sizeof(before), &before);
	assert_int_equal(plx_env_timer(env, 100 * MS, on_cpu, &t), 0);
	assert_int_equal(plx_env_run(env), 0);
	assert_int_equal(t.n, nth_cpu(0));
	assert_int_equal(CPU_COUNT(&watch_cpus), 1);
	assert_true(CPU_ISSET(nth_cpu(0), &watch_cpus));
	sched_getaffinity(0, sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers), cmocka_unit_test(test_liveness), cmocka_unit_test(test_looks_without_answers),
		cmocka_unit_test(test_time_without_looks), cmocka_unit_test(test_port_is_steered_when_read),
		cmocka_unit_test(test_queues_find_readers), cmocka_unit_test(test_poller_errors_are_told_seldom),
		cmocka_unit_test(test_link_events), cmocka_unit_test(test_lost_link_events),
		cmocka_unit_test(test_link_answer_comes_late),
		cmocka_unit_test(test_main_lcore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

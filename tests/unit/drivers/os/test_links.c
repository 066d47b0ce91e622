/* SPDX-License-Identifier: MIT */
/* test_links.c - link events, and asking for links when events were lost, as watch does it. */
#include "control_util.h"
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/eventfd.h>

static struct plx_driver fake;         /* loop's, with the verbs under test */
static plx_ctr link_calls;
static uint32_t link_mtu, link_mtu_was;

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
	fake.link = fake_link;
	p->drv = &fake;
	link_calls = 0;
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_events), cmocka_unit_test(test_lost_link_events),
		cmocka_unit_test(test_link_answer_comes_late),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

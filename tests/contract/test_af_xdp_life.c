/* SPDX-License-Identifier: MIT */
/* test_af_xdp_life.c - whose frames are whose, on the real program and sockets: a queue is the
   port's from its first burst on, and the host's before the start, while nobody reads, once it is
   given back, and after the stop.  Every frame is the port's, the host's or in a counter. */
#include "ax_util.h"
#include <signal.h>
#include <sys/wait.h>

enum { BURST = 20, STALL_MS = 100 };

static struct plx_pool *pool;
static struct plx_port_conf conf;
static int in, host; /* raw sockets: the far end, and the host's view of the port's interface */
static uint32_t sent, ours, theirs;

static int set_up(enum plx_xdp_mode mode)
{
	sent = ours = theirs = 0;
	plx_self.now = 0;
	pool = make_pool(8192, 2048);
	veth("plxa0", "plxb0", 2);
	conf = conf_of(pool, "plxa0", mode);
	conf.stall_ms = STALL_MS;
	in = raw("plxb0");
	host = raw("plxa0");
	return 0;
}

static int set_up_native(void **state) { (void)state; return set_up(PLX_XDP_NATIVE); }
static int set_up_generic(void **state) { (void)state; return set_up(PLX_XDP_GENERIC); }

static int tear_down(void **state)
{
	(void)state;
	plx_self.now = 0;
	close(in);
	close(host);
	run("ip link del plxa0");
	end_pool(pool);
	return 0;
}

static void send_some(void)
{
	uint8_t buf[64];

	fill_frame(buf, 1, sizeof(buf));
	for (int i = 0; i < BURST; i++)
		assert_int_equal(send(in, buf, sizeof(buf), 0), sizeof(buf));
	sent += BURST;
}

static uint32_t host_takes(void)
{
	uint8_t buf[64];
	uint32_t n = 0;

	while (recv(host, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static uint32_t port_takes(struct plx_port *p)
{
	struct plx_mbuf *m[PLX_BURST];
	uint32_t n = 0;

	for (uint16_t q = 0; q < p->nrx; q++) {
		uint16_t k = plx_rx_burst(p->rxq[q], m, PLX_BURST);

		plx_mbuf_put_bulk(m, k);
		n += k;
	}
	return n;
}

/* Nobody reads: all go to the host. */
static void host_gets(void)
{
	uint64_t end = now_ms() + WAIT_MS;

	send_some();
	while (theirs < sent - ours && now_ms() < end)
		theirs += host_takes();
	assert_int_equal(theirs + ours, sent);
}

/* It is read while they come: none goes to the host. */
static void port_gets(struct plx_port *p)
{
	uint64_t end = now_ms() + WAIT_MS;

	send_some();
	while (ours < sent - theirs && now_ms() < end)
		ours += port_takes(p);
	assert_int_equal(host_takes(), 0);
	assert_int_equal(theirs + ours, sent);
}

static void wait_ms(unsigned ms)
{
	for (uint64_t end = now_ms() + ms; now_ms() < end;)
		usleep(1000);
}

static void whose(void **state)
{
	struct plx_port *p;

	(void)state;
	assert_int_equal(plx_port_open(&p, &conf), 0);
	host_gets();
	assert_int_equal(plx_port_start(p), 0);
	host_gets();                       /* started, but nobody reads */
	ours += port_takes(p);
	port_gets(p);
	wait_ms(STALL_MS * 2);             /* the reader stands still: from its last number on a stall is its own */
	send_some();
	ours += port_takes(p);
	theirs += host_takes();
	assert_int_equal(theirs + ours, sent);
	port_gets(p);
	for (uint16_t q = 0; q < 2; q++)
		p->drv->give_back(p, q, true); /* at once */
	host_gets();
	ours += port_takes(p);             /* and read again */
	port_gets(p);
	uint64_t redirected = xstat_of(p, "steer_redirected");
	assert_int_equal(redirected, ours);
	send_some();                       /* left in the rings by a stop: counted */
	plx_port_stop(p);
	struct plx_port_stats s;
	plx_port_stats(p, &s);
	theirs += host_takes();
	assert_int_equal(s.rx.pkts, ours);
	assert_int_equal(xstat_of(p, "steer_redirected"), ours + s.rx.drop[PLX_RX_DROP_closed]);
	ours += (uint32_t)s.rx.drop[PLX_RX_DROP_closed];
	assert_int_equal(theirs + ours, sent);
	host_gets();
	assert_string_equal(program_of("plxa0"), "");
	ours += port_takes(p);             /* a burst after the stop takes nothing */
	host_gets();
	assert_int_equal(plx_port_start(p), 0);
	ours += port_takes(p);
	port_gets(p);
	plx_port_close(p);
	host_gets();
}

/* The reader stands still for good: after one stall of frames the host has them. */
static void stands_still(void **state)
{
	(void)state;
	struct plx_port *p = open_port(&conf);

	port_gets(p);
	wait_ms(STALL_MS);
	uint64_t begin = now_ms();
	uint32_t before = theirs;
	while (theirs == before && now_ms() - begin < WAIT_MS) { /* how soon is for the tests of the program to judge */
		send_some();
		wait_ms(5);
		theirs += host_takes();
	}
	assert_true(theirs > before);
	ours += port_takes(p);
	port_gets(p);
	assert_true(xstat_of(p, "steer_passed_stale") > 0);
	assert_int_equal(xstat_of(p, "steer_passed_stale"), theirs);
	plx_port_close(p);
}

/* stall=off: nothing but giving back opens it to the host. */
static void without_stall(void **state)
{
	(void)state;
	conf.stall_ms = UINT32_MAX;
	struct plx_port *p = open_port(&conf);

	port_gets(p);
	wait_ms(1500);
	port_gets(p);
	for (uint16_t q = 0; q < 2; q++)
		p->drv->give_back(p, q, false);
	host_gets();
	plx_port_close(p);
}

/* An lcore's loop has read the clock: a burst shows life by it, and no oftener than need be. */
static void by_the_loops_clock(void **state)
{
	(void)state;
	struct plx_port *p;

	assert_int_equal(plx_port_open(&p, &conf), 0);
	p->cycles_hz = 1000000000;
	plx_self.now = 1000000000;
	assert_int_equal(plx_port_start(p), 0);
	ours += port_takes(p);
	port_gets(p);
	wait_ms(STALL_MS * 2);
	plx_self.now += 1000000;           /* 1 ms of its time: no move yet */
	ours += port_takes(p);
	host_gets();
	plx_self.now += STALL_MS * UINT64_C(1000000) / 8;
	ours += port_takes(p);
	port_gets(p);
	plx_port_close(p);
}

/* The machine has just booted. */
static int young_clock(clockid_t clock, struct timespec *t)
{
	int err = plx_sys_linux.clock_gettime(clock, t);

	if (clock == CLOCK_MONOTONIC_COARSE)
		*t = (struct timespec){ .tv_nsec = 1000000 };
	return err;
}

static void after_boot(void **state)
{
	struct plx_sys sys = plx_sys_linux;

	(void)state;
	sys.clock_gettime = young_clock;
	conf.sys = &sys;
	conf.stall_ms = 60000;
	struct plx_port *p = open_port(&conf);

	port_gets(p);
	plx_port_close(p);
}

/* A queue is opened again on a program that another port kept: it has seen a number of the port before, long ago.
   The clock stands, so that both ports move theirs once. */
static void opened_again(void **state)
{
	enum { LONGER_MS = 400 };
	struct plx_port_conf other = conf;

	(void)state;
	run("ethtool -L plxb0 tx 1"); /* all arrive on queue 0 */
	conf.stall_ms = other.stall_ms = LONGER_MS;
	conf.rxqs = conf.txqs = other.rxqs = other.txqs = 1;
	other.queue = 1;
	plx_self.now = 1000000000;
	struct plx_port *keeps = open_port(&other), *p = open_port(&conf);

	port_gets(p);
	plx_port_close(p);
	assert_string_not_equal(program_of("plxa0"), "");
	host_gets();
	wait_ms(LONGER_MS * 2);
	assert_int_equal(plx_port_open(&p, &conf), 0);
	assert_int_equal(xstat_of(p, "rx_offered"), 0); /* what it had before was another port's */
	assert_int_equal(xstat_of(p, "steer_passed_stopped"), 0);
	assert_int_equal(plx_port_start(p), 0);
	host_gets();
	const uint32_t others = ours;
	ours += port_takes(p);
	port_gets(p);
	assert_int_equal(xstat_of(p, "rx_offered"), ours - others);
	assert_int_equal(xstat_of(p, "rx_packets"), ours - others);
	assert_int_equal(xstat_of(keeps, "rx_offered"), 0); /* nor of the other's queue */
	plx_port_close(p);
	plx_port_close(keeps);
	host_gets();
}

/* Ports that take nothing carry no program. */
static void takes_nothing(void **state)
{
	struct plx_mbuf *m;
	uint8_t buf[64];

	(void)state;
	for (int none = 0; none < 2; none++) {
		struct plx_port_conf c = conf;

		c.mode = PLX_XDP_AUTO;
		if (none) {
			c.steer = PLX_STEER_NONE;
		} else {
			c.rxqs = 0;
			c.no_rx = true;
		}
		struct plx_port *p = open_port(&c);

		assert_int_equal(p->nrx, none ? 2 : 0);
		assert_string_equal(p->info.mode, "copy");
		assert_null(strstr(log_text, "receives on queue")); /* it does not */
		assert_string_equal(program_of("plxa0"), "");
		ours += port_takes(p);
		host_gets();
		m = plx_mbuf_get(pool);
		fill_frame(plx_mbuf_append(m, 60), 3, 60);
		assert_int_equal(plx_tx_burst(plx_port_txq(p, 1), &m, 1), 1);
		uint64_t end = now_ms() + WAIT_MS;
		while (recv(in, buf, sizeof(buf), MSG_DONTWAIT) != 60 && now_ms() < end)
			plx_tx_burst(plx_port_txq(p, 1), NULL, 0);
		assert_int_equal(check_frame(buf, 60), 3);
		plx_port_close(p);
	}
}

/* Its interface is gone from here: in the other namespace it is the host's at once. */
static void moved_away(void **state)
{
	(void)state;
	struct plx_port *p = open_port(&conf);

	port_gets(p);
	run("ip netns add plx%dm && ip link set plxa0 netns plx%dm", getpid(), getpid());
	assert_int_equal(plx_port_repair(p), 0);
	assert_int_equal(plx_port_link(p), PLX_LINK_REMOVED);
	run("ip netns exec plx%dm sh -c 'ip link set plxa0 up; ! ip link show plxa0 | grep -q xdp'", getpid());
	plx_port_close(p);
	run("ip netns exec plx%dm ip link set plxa0 netns %d && ip netns del plx%dm", getpid(), getpid(), getpid());
	run("ip link set plxa0 up");
}

/* A child that was forked and lives on keeps nothing of a parent that is killed. */
static void forked_child(void **state)
{
	int said[2], stay[2];
	char c;

	(void)state;
	assert_int_equal(pipe(said) | pipe(stay), 0);
	conf.stall_ms = UINT32_MAX;
	pid_t parent = fork();
	if (!parent) {
		struct plx_port *p = open_port(&conf);

		if (!fork()) { /* the child that lives on: a burst and a close in it do no harm */
			struct plx_mbuf *m;

			c = plx_rx_burst(p->rxq[0], &m, 1) || plx_tx_burst(p->txq[0], NULL, 0) ||
			    plx_port_start(p) != -ECHILD;
			plx_port_close(p);
			close(stay[1]);
			c = (char)(c || write(said[1], &c, 1) != 1);
			(void)!read(stay[0], &c, 1);
			_exit(0);
		}
		close(stay[1]);
		pause();
	}
	close(stay[0]);
	assert_int_equal(read(said[0], &c, 1), 1);
	assert_int_equal(c, 0);
	assert_string_not_equal(program_of("plxa0"), "");
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	uint64_t begin = now_ms();
	while (*program_of("plxa0") && now_ms() - begin < WAIT_MS)
		usleep(1000);
	assert_string_equal(program_of("plxa0"), "");
	host_gets();
	struct plx_port *p = open_port(&conf); /* no queue is held */
	port_gets(p);
	plx_port_close(p);
	close(stay[1]);
	close(said[0]);
	close(said[1]);
}

#define CASES(f) cmocka_unit_test_setup_teardown(f, set_up_native, tear_down), \
	cmocka_unit_test_setup_teardown(f, set_up_generic, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASES(whose),        CASES(stands_still), CASES(without_stall), CASES(by_the_loops_clock),
		CASES(after_boot),   CASES(opened_again), CASES(takes_nothing), CASES(moved_away),
		CASES(forked_child),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

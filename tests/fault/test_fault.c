/* SPDX-License-Identifier: MIT */
/* test_fault.c - each call into the operating system that a driver makes in its life fails in
   turn, with each errno it may give.  Whatever fails: no crash, nothing leaked, and a
   refusal is told in one line that names the port. */
#include "fault_sys.h"
#include "fd_util.h"
#include "plx_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { FRAMES = 1024 };

static struct plx_pool *pool;
static char errors[4096];
static unsigned nerrors;

static void log_line(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	if (level != PLX_LOG_ERROR)
		return;
	nerrors++;
	snprintf(errors, sizeof(errors), "%s", line);
}

/* A refusal has one line: whose, which errno, and behind a colon what to do. */
static void check_line(const char *what, const char *name, int err)
{
	const char *e = strerrorname_np(-err);

	if (nerrors != 1 || !strstr(errors, name) || !e || !strchr(errors, ':'))
		fail_msg("%s: %d (%s) with %u lines, the last: %s", what, err, e ? e : "no errno", nerrors, errors);
}

static void traffic(struct plx_port *p)
{
	struct plx_mbuf *m[PLX_BURST];

	for (int round = 0; round < 3; round++)
		for (uint16_t q = 0; q < p->nrx; q++) {
			uint16_t n = 0;
			while (n < 8 && (m[n] = plx_mbuf_get(pool)))
				memset(plx_mbuf_append(m[n++], 64), 0xff, 64);
			uint16_t k = plx_tx_burst(plx_port_txq(p, q), m, n);
			plx_mbuf_put_bulk(m + k, (uint16_t)(n - k));
			plx_tx_burst(plx_port_txq(p, q), NULL, 0);
			n = plx_rx_burst(plx_port_rxq(p, q), m, PLX_BURST);
			plx_mbuf_put_bulk(m, n);
			if (p->drv->rx_arm)
				p->drv->rx_arm(plx_port_rxq(p, q));
			if (p->drv->rx_disarm)
				p->drv->rx_disarm(plx_port_rxq(p, q));
		}
}

/* One life of a port. */
static void life(const char *what, const struct plx_port_conf *c)
{
	struct plx_xstat x[64];
	uint64_t passed[PLX_QUEUES_MAX];
	struct plx_port *p;

	nerrors = 0;
	int err = plx_port_open(&p, c);
	if (err) {
		assert_true(err < 0);
		assert_null(p);
		check_line(what, c->name, err);
		return;
	}
	nerrors = 0;
	err = plx_port_start(p);
	if (err) {
		check_line(what, c->name, err);
	} else {
		traffic(p);
		plx_port_xstats(p, x, 64);
		if (p->drv->attached)
			p->drv->attached(p);
		if (p->drv->passed)
			p->drv->passed(p, passed, PLX_QUEUES_MAX);
		plx_port_stop(p);
	}
	plx_port_close(p);
}


/* At most errnos of each call are tried. */
static void fail_each(const char *name, const char *driver, enum plx_xdp_mode mode, int errnos)
{
	struct plx_log log = { log_line, NULL, PLX_LOG_DEBUG };
	struct plx_port_conf c = plx_port_conf_default;
	unsigned fds = count_fds(), runs = 0;

	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.driver, sizeof(c.driver), "%s", driver);
	c.mode = mode;
	c.rxd = c.txd = 64;
	c.rxqs = c.txqs = 2;
	c.bind_timeout_ms = 5000;
	c.pool = pool;
	c.sys = &fault_sys;
	c.log = &log;
	for (int fn = 0; fault_calls[fn].name; fn++) {
		bool reached = true;
		for (unsigned k = 0; reached; k++)
			for (int e = 0; e < errnos && fault_calls[fn].errnos[e]; e++) {
				char what[128];
				snprintf(what, sizeof(what), "%s: %s call %u %s", *driver ? driver : "auto",
				         fault_calls[fn].name, k, strerrorname_np(fault_calls[fn].errnos[e]));
				fault_arm(fn, k, fault_calls[fn].errnos[e]);
				life(what, &c);
				reached = fault_hit();
				if (count_fds() != fds)
					fail_msg("%s: %u descriptors, %u before", what, count_fds(), fds);
				if (plx_pool_avail(pool) != FRAMES)
					fail_msg("%s: %u of %u frames came home", what, plx_pool_avail(pool), FRAMES);
				assert_int_equal(plx_pool_audit(pool), 0);
				runs++;
				if (!reached)
					break;
			}
	}
	fault_arm(-1, 0, 0);
	life("no fault", &c);
	assert_int_equal(nerrors, 0);
	print_message("%s: %u lives\n", *driver ? driver : "auto", runs);
}

static void test_null(void **state)   { (void)state; fail_each("source", "null", PLX_XDP_AUTO, FAULT_ERRNOS); }
static void test_loop(void **state)   { (void)state; fail_each("self", "loop", PLX_XDP_AUTO, FAULT_ERRNOS); }
static void test_packet(void **state) { (void)state; fail_each("plxfa", "packet", PLX_XDP_AUTO, FAULT_ERRNOS); }
static void test_native(void **state) { (void)state; fail_each("plxfa", "af_xdp", PLX_XDP_NATIVE, FAULT_ERRNOS); }
static void test_auto(void **state)   { (void)state; fail_each("plxfa", "", PLX_XDP_AUTO, 1); }

int main(void)
{
	struct plx_pool_conf pc = { .name = "fault", .frames = FRAMES, .node = -1 };
	void *mem = aligned_alloc(4096, (plx_pool_size(&pc) + 4095) & ~(size_t)4095);
	const struct CMUnitTest memory[] = { cmocka_unit_test(test_null), cmocka_unit_test(test_loop) };
	const struct CMUnitTest device[] = {
		cmocka_unit_test(test_packet), cmocka_unit_test(test_native), cmocka_unit_test(test_auto),
	};

	if (!mem || plx_pool_init(&pool, mem, &pc))
		return 1;
	int failed = cmocka_run_group_tests_name("memory", memory, NULL, NULL);
	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
		return failed ? failed : 77;
	}
	if (system("ip link add plxfa numtxqueues 2 numrxqueues 2 type veth peer name plxfb numtxqueues 2 numrxqueues "
	           "2 && "
	           "ip link set plxfa up && ip link set plxfb up"))
		return 1;
	failed += cmocka_run_group_tests_name("device", device, NULL, NULL);
	free(plx_pool_fini(pool));
	return failed;
}

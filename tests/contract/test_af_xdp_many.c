/* SPDX-License-Identifier: MIT */
/* test_af_xdp_many.c - what many af_xdp ports of one process cost the kernel: what one has learned or done
   the others need not. */
#include "ax_util.h"
#include "driver_impl.h"
#include "link_info.h"
#include <bpf/bpf.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>

static struct plx_pool *pool;
static struct plx_sys sys;
static struct plx_port_conf conf;
static unsigned fds;

static int set_up(void **state)
{
	(void)state;
	pool = make_pool(8192, 2048);
	veth("plxa0", "plxb0", 1);
	sys = plx_sys_linux;
	conf = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	conf.sys = &sys;
	log_text[0] = 0;
	fds = count_fds();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(count_fds(), fds);
	run("ip link del plxa0");
	end_pool(pool);
	return 0;
}

static unsigned regs, zc_binds, indexes;

static int count_setsockopt(int fd, int level, int name, const void *v, socklen_t len)
{
	regs += level == SOL_XDP && name == XDP_UMEM_REG;
	return plx_sys_linux.setsockopt(fd, level, name, v, len);
}

static int count_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	zc_binds += a->sa_family == AF_XDP && ((const struct sockaddr_xdp *)(const void *)a)->sxdp_flags & XDP_ZEROCOPY;
	return plx_sys_linux.bind(fd, a, len);
}

static int count_ioctl(int fd, unsigned long request, void *arg)
{
	indexes += request == SIOCGIFHWADDR; /* once in each plx_link_query */
	return plx_sys_linux.ioctl(fd, request, arg);
}

/* What one port has learned the others of its pool need not: a pool is registered once for a kind, a driver is asked
   for zero-copy once, and the kernel for what an interface is once after the attach, beside once before it. */
static void many_ports(void **state)
{
	enum { PORTS = 4 };
	struct plx_port *p[PORTS];
	static const char *const peers[PORTS] = { "plxb0", "plxb1", "plxb2", "plxb3" };
	struct plx_link_info li;

	(void)state;
	sys.setsockopt = count_setsockopt;
	sys.bind = count_bind;
	sys.ioctl = count_ioctl;
	regs = zc_binds = indexes = 0;
	conf.rxqs = conf.txqs = 1;
	for (int i = 0; i < PORTS; i++) {
		snprintf(conf.name, sizeof(conf.name), "plxa%d", i);
		if (i)
			veth(conf.name, peers[i], 1);
		p[i] = open_port(&conf);
		assert_string_equal(p[i]->info.why, "zero-copy refused (EOPNOTSUPP of bind), native copy");
		assert_int_equal(p[i]->info.caps & ~(uint32_t)PLX_PORT_SKB_BUDGET, 0);
	}
	assert_int_equal(zc_binds, 1);
	assert_int_equal(regs, 2); /* by the one that was refused, and for native copy */
	assert_int_equal(indexes, 2 * PORTS);
	/* who knows hands it over; and what the kernel has told of zero-copy is not tried */
	plx_port_close(p[0]);
	assert_int_equal(plx_link_query(&plx_sys_linux, "plxa0", &li), 0);
	li.zc = PLX_LINK_ZC_NO;
	snprintf(conf.name, sizeof(conf.name), "plxa0");
	regs = zc_binds = indexes = 0;
	assert_int_equal(plx_port_open_known(&p[0], &conf, &li), 0);
	assert_string_equal(p[0]->info.why, "zero-copy refused (EOPNOTSUPP of bind), native copy");
	assert_null(p[0]->conf.link);
	assert_int_equal(zc_binds + regs, 0);
	assert_int_equal(indexes, 1);
	conf.mode = PLX_XDP_ZEROCOPY; /* who insists is refused by the kernel itself */
	plx_port_close(p[0]);
	assert_int_equal(plx_port_open(&p[0], &conf), -EOPNOTSUPP);
	assert_true(zc_binds >= 1); /* the kernel may be about to let go of the queue */
	for (int i = 1; i < PORTS; i++) {
		plx_port_close(p[i]);
		run("ip link del plxa%d", i);
	}
}

static unsigned graces;

static int count_update(int map, const void *key, const void *value, uint64_t flags)
{
	uint32_t type_and_more[32] = { 0 }, len = sizeof(type_and_more);

	/* the map of maps has the map that is put into it as its value: nothing else in it is a map */
	graces += !bpf_obj_get_info_by_fd(*(const int *)value, type_and_more, &len);
	return plx_sys_linux.bpf_map_update(map, key, value, flags);
}

/* Ports that are stopped together wait once for frames that are on their way. */
static void stopped_together(void **state)
{
	struct plx_mbuf *m[8];
	struct plx_port *p[2];

	(void)state;
	veth("plxa1", "plxb1", 1);
	sys.bpf_map_update = count_update;
	conf.rxqs = conf.txqs = 1;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2; i++) {
			snprintf(conf.name, sizeof(conf.name), "plxa%d", i);
			p[i] = open_port(&conf);
			assert_int_equal(plx_port_start(p[i]), 0);
			assert_int_equal(plx_rx_burst(p[i]->rxq[0], m, 8), 0); /* it is read from now on */
		}
		graces = 0;
		if (round)
			plx_ports_stop(p, 2);
		for (int i = 0; i < 2; i++) {
			plx_port_stop(p[i]);
			plx_port_close(p[i]);
		}
		assert_int_equal(graces, round ? 1 : 2);
	}
	run("ip link del plxa1");
}

/* A device without zero-copy, as the kernel says, needs no frames for it. */
static void frames(void **state)
{
	struct plx_link_info li = { .zc = PLX_LINK_ZC_NOT_TOLD };

	(void)state;
	conf.link = &li;
	conf.rxqs = conf.txqs = 1;
	assert_int_equal(plx_port_frames(&conf), 3 * 512);
	li.zc = PLX_LINK_ZC_NO;
	assert_int_equal(plx_port_frames(&conf), 2 * 512);
	conf.mode = PLX_XDP_ZEROCOPY;
	assert_int_equal(plx_port_frames(&conf), 3 * 512);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(many_ports), CASE(stopped_together), CASE(frames) };

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

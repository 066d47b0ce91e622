/* SPDX-License-Identifier: MIT */
/* test_af_xdp_fault.c - every call into the operating system that opening, starting and
   closing an af_xdp port makes, failing in turn: an error comes back or the port works
   without, and nothing is left: no descriptor, no mapping, no frame, no program. */
#include "ax_util.h"

static struct { int at, n; bool hit; const char *what; } f;

/* True when it is this call's turn to fail. */
static bool fails(const char *what, int err)
{
	if (++f.n != f.at)
		return false;
	f.hit = true;
	f.what = what;
	errno = err;
	return true;
}

static int f_open(const char *p, int flags, mode_t m)
{
	return fails("open", EMFILE) ? -1 : plx_sys_linux.open(p, flags, m);
}
static ssize_t f_read(int fd, void *b, size_t n) { return fails("read", EIO) ? -1 : plx_sys_linux.read(fd, b, n); }
static int f_ioctl(int fd, unsigned long r, void *a)
{
	return fails("ioctl", EIO) ? -1 : plx_sys_linux.ioctl(fd, r, a);
}
static int f_socket(int d, int t, int p) { return fails("socket", EMFILE) ? -1 : plx_sys_linux.socket(d, t, p); }
static int f_madvise(void *a, size_t n, int v)
{
	return fails("madvise", EAGAIN) ? -1 : plx_sys_linux.madvise(a, n, v);
}
static int f_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	return fails("bind", EINVAL) ? -1 : plx_sys_linux.bind(fd, a, n);
}
static int f_setsockopt(int fd, int l, int o, const void *v, socklen_t n)
{
	return fails("setsockopt", ENOMEM) ? -1 : plx_sys_linux.setsockopt(fd, l, o, v, n);
}
static int f_getsockopt(int fd, int l, int o, void *v, socklen_t *n)
{
	return fails("getsockopt", EINVAL) ? -1 : plx_sys_linux.getsockopt(fd, l, o, v, n);
}
static ssize_t f_sendto(int fd, const void *b, size_t n, int fl, const struct sockaddr *a, socklen_t l)
{
	return fails("sendto", ENOBUFS) ? -1 : plx_sys_linux.sendto(fd, b, n, fl, a, l);
}
static void *f_mmap(void *a, size_t n, int p, int fl, int fd, off_t o)
{
	return fails("mmap", ENOMEM) ? MAP_FAILED : plx_sys_linux.mmap(a, n, p, fl, fd, o);
}
static int f_load(struct bpf_object_skeleton *s)
{
	return fails("bpf_load", EINVAL) ? -EINVAL : plx_sys_linux.bpf_load(s);
}
static int f_link(int p, int i, int t, const struct bpf_link_create_opts *o)
{
	return fails("bpf_link_create", EINVAL) ? -EINVAL : plx_sys_linux.bpf_link_create(p, i, t, o);
}
static int f_update(int fd, const void *k, const void *v, uint64_t fl)
{
	return fails("bpf_map_update", ENOENT) ? -ENOENT : plx_sys_linux.bpf_map_update(fd, k, v, fl);
}

static void once(struct plx_pool *pool, const struct plx_sys *sys, int at)
{
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	struct plx_xstat x[256];
	struct plx_port *p;
	unsigned fds = count_fds();

	c.sys = sys;
	c.rxd = c.txd = 64;
	log_text[0] = 0;
	f.at = at;
	f.n = 0;
	f.hit = false;
	int err = plx_port_open(&p, &c);
	if (err)
		assert_true(f.hit && strstr(log_text, "1 ") && !p);
	if (!err) {
		plx_port_xstats(p, x, 256);
		err = plx_port_start(p);
		if (err)
			assert_true(f.hit);
		else
			plx_tx_burst(plx_port_txq(p, 0), NULL, 0);
		plx_port_close(p);
	}
	if (count_fds() != fds || plx_pool_avail(pool) != pool->frames || pool->reg || *program_of("plxa0"))
		fprintf(stderr, "call %d, %s: descriptors %u of %u, frames %u of %u, %s\n%s", at, f.what, count_fds(),
		        fds, plx_pool_avail(pool), pool->frames, program_of("plxa0"), log_text);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(plx_pool_avail(pool), pool->frames);
	assert_null(pool->reg);
	assert_string_equal(program_of("plxa0"), "");
}

static void each_call_in_turn(void **state)
{
	struct plx_pool *pool = make_pool(1024, 2048);
	struct plx_sys sys = plx_sys_linux;
	int at = 1;

	(void)state;
	sys.open = f_open; sys.read = f_read; sys.ioctl = f_ioctl; sys.socket = f_socket; sys.madvise = f_madvise;
	sys.bind = f_bind; sys.setsockopt = f_setsockopt; sys.getsockopt = f_getsockopt; sys.sendto = f_sendto;
	sys.mmap = f_mmap; sys.bpf_load = f_load; sys.bpf_link_create = f_link; sys.bpf_map_update = f_update;
	veth("plxa0", "plxb0", 2);
	do {
		once(pool, &sys, at++);
	} while (f.hit && at < 400);
	assert_in_range(at, 40, 399);
	run("ip link del plxa0");
	end_pool(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_call_in_turn) };

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_af_xdp_rungs.c - which refusals lead down the ladder of drivers and modes and which
   end the start: a kernel that cannot, a device that is held, a resource that has run out;
   bonds; the carrier that an attach takes away. */
#include "ax_util.h"
#include "xdp.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

static struct plx_pool *pool, *large;
static struct plx_sys sys;
static struct plx_port_conf conf;
static unsigned fds;

static void forget_link(void);

static int set_up(void **state)
{
	(void)state;
	pool = make_pool(4096, 2048);
	large = make_pool(2048, 4096);
	veth("plxa0", "plxb0", 2);
	sys = plx_sys_linux;
	conf = conf_of(pool, "plxa0", PLX_XDP_AUTO);
	conf.sys = &sys;
	conf.driver[0] = 0;
	log_text[0] = 0;
	forget_link();
	fds = count_fds();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(count_fds(), fds);
	run("ip link del plxa0");
	end_pool(pool);
	end_pool(large);
	return 0;
}

static void has(const char *words)
{
	if (!strstr(log_text, words))
		fail_msg("\"%s\" not in:\n%s", words, log_text);
}

/* Ends with one line of error, whatever the driver. */
static void ends(int want, const char *words)
{
	struct plx_port *p;

	log_text[0] = 0;
	int err = plx_port_open(&p, &conf);
	if (err != want)
		fail_msg("%d, want %d:\n%s", err, want, log_text);
	assert_null(p);
	has(words);
	assert_null(strstr(log_text, "driver=packet, since"));
	char *first = strstr(log_text, "1 plxa0");
	assert_non_null(first);
	assert_null(strstr(first + 1, "\n1 "));
}

static void falls(const char *words)
{
	struct plx_port *p = open_port(&conf);

	assert_string_equal(p->info.driver, "packet");
	has("2 plxa0: trying driver=packet, since af_xdp refused: plxa0: ");
	has(words);
	assert_null(strstr(log_text, "\n1 "));
	plx_port_close(p);
}

/* ---- held by somebody ---- */

static int refuse_link(int prog, int ifindex, int type, const struct bpf_link_create_opts *o)
{
	(void)prog; (void)ifindex; (void)type; (void)o;
	return -EBUSY;
}

static int busy_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	if (a->sa_family != AF_XDP)
		return plx_sys_linux.bind(fd, a, len);
	errno = EBUSY;
	return -1;
}

static void busy_ends(void **state)
{
	(void)state;
	conf.bind_timeout_ms = 20;
	sys.bind = busy_bind;
	ends(-EBUSY, "plxa0: queue 0 is held by another socket");
	sys.bind = plx_sys_linux.bind;
	sys.bpf_link_create = refuse_link;
	ends(-EBUSY, "plxa0: its XDP hook is held by another program (EBUSY): it is gone by now, start again");
}

static const struct bpf_insn pass[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS }, { .code = BPF_JMP | BPF_EXIT },
};

/* ip link cannot take a link off, and what is told instead can. */
static void linked(void **state)
{
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, PLX_ARRAY_SIZE(pass), NULL);
	int link = bpf_link_create(fd, (int)if_nametoindex("plxa0"), BPF_XDP, NULL);
	char words[128], *cmd;

	(void)state;
	assert_true(fd >= 0 && link >= 0);
	close(fd);
	snprintf(words, sizeof(words), "(EBUSY): end its owner with kill %d, or bpftool link detach id ", getpid());
	ends(-EBUSY, words);
	cmd = strstr(log_text, "bpftool link");
	assert_non_null(cmd);
	cmd[strcspn(cmd, "\n")] = 0;
	run("%s", cmd);
	plx_port_close(open_port(&conf));
	close(link);
}

/* A program that was left behind, and the command that is told does take it off. */
static void left_over(void **state)
{
	static const struct { const char *off; uint32_t flags; } rows[] = {
		{ "xdpdrv off", XDP_FLAGS_DRV_MODE }, { "xdpgeneric off", XDP_FLAGS_SKB_MODE },
	};
	char cmd[128];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, PLX_ARRAY_SIZE(pass), NULL);
		assert_true(fd >= 0);
		assert_int_equal(bpf_xdp_attach((int)if_nametoindex("plxa0"), fd, rows[i].flags, NULL), 0);
		close(fd);
		snprintf(cmd, sizeof(cmd), "ip link set dev plxa0 %s", rows[i].off);
		ends(-EBUSY, cmd);
		run("%s", cmd);
		struct plx_port *p = open_port(&conf);
		assert_string_equal(p->info.mode, "native copy");
		plx_port_close(p);
	}
}

/* ---- run out ---- */

static int err_of_link, err_of_load, err_of_socket;

static int bad_link(int prog, int ifindex, int type, const struct bpf_link_create_opts *o)
{
	(void)prog; (void)ifindex; (void)type; (void)o;
	return -err_of_link;
}

static int bad_load(struct bpf_object_skeleton *s)
{
	(void)s;
	return -err_of_load;
}

static int bad_socket(int domain, int type, int protocol)
{
	if (domain != AF_XDP)
		return plx_sys_linux.socket(domain, type, protocol);
	errno = err_of_socket;
	return -1;
}

static int no_memlock(int fd, int level, int name, const void *val, socklen_t len)
{
	if (level != SOL_XDP || name != XDP_UMEM_REG)
		return plx_sys_linux.setsockopt(fd, level, name, val, len);
	errno = ENOBUFS;
	return -1;
}

static void run_out_ends(void **state)
{
	static const int errs[] = { ENOMEM, EMFILE, ENFILE };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(errs); i++) {
		char name[32];

		snprintf(name, sizeof(name), "(%s)", strerrorname_np(errs[i]));
		err_of_link = err_of_load = err_of_socket = errs[i];
		sys.bpf_link_create = bad_link;
		ends(-errs[i], name);
		has("plxa0: the steering program could not be attached (");
		sys.bpf_link_create = plx_sys_linux.bpf_link_create;
		sys.bpf_load = bad_load;
		ends(-errs[i], name);
		sys.bpf_load = plx_sys_linux.bpf_load;
		sys.socket = bad_socket;
		if (errs[i] == ENOMEM) /* of zero-copy it may be the device's own, so native copy is tried as well */
			has("(ENOMEM)");
		ends(-errs[i], name);
		sys.socket = plx_sys_linux.socket;
	}
	sys.setsockopt = no_memlock;
	ends(-ENOBUFS, "is beyond the memlock limit");
}

/* ---- cannot ---- */

static void cannot_falls(void **state)
{
	static const int errs[] = { EAFNOSUPPORT, EPROTONOSUPPORT, EINVAL, EPERM };

	(void)state;
	sys.socket = bad_socket;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(errs); i++) {
		err_of_socket = errs[i];
		falls(strerrorname_np(errs[i]));
	}
	sys.socket = plx_sys_linux.socket;
	sys.bpf_load = bad_load;
	err_of_load = EINVAL;
	falls("plxa0: the steering program does not load (EINVAL)");
	sys.bpf_load = plx_sys_linux.bpf_load;
	sys.bpf_link_create = bad_link;
	for (size_t i = 0; i < 3; i++) {
		err_of_link = (int []){ EINVAL, EOPNOTSUPP, ENOSPC }[i];
		falls("zero-copy refused");
	}
}

/* ---- frames beyond one buffer ---- */

static int no_sg(int fd, const struct sockaddr *a, socklen_t len)
{
	if (a->sa_family == AF_XDP && ((const struct sockaddr_xdp *)(const void *)a)->sxdp_flags & 16) {
		errno = EINVAL;
		return -1;
	}
	return plx_sys_linux.bind(fd, a, len);
}

static void mtu(unsigned n)
{
	run("ip link set plxa0 mtu %u; ip link set plxb0 mtu %u", n, n);
}

/* Kernels before 6.6 answer EINVAL to XDP_USE_SG: that is no mistake of the user's. */
static void kernel_without_sg(void **state)
{
	(void)state;
	sys.bind = no_sg;
	mtu(9000);
	falls("plxa0: MTU 9000 needs 9022 bytes, a frame of 2048 holds 1792, and chains of frames are refused "
	      "(EINVAL of bind): use driver=packet, or ip link set plxa0 mtu 1770\n");
	strcpy(conf.driver, "af_xdp");
	/* not --frame-size=4096, which 9022 do not fit */
	ends(-EOPNOTSUPP, "use driver=packet, or ip link set plxa0 mtu 1770\n");
	mtu(3000);
	ends(-EOPNOTSUPP, "use driver=packet, --frame-size=4096, or ip link set plxa0 mtu 1770\n");
	conf.pool = large;
	plx_port_close(open_port(&conf));
	mtu(9000);
	ends(-EOPNOTSUPP, "use driver=packet, or ip link set plxa0 mtu 3818\n"); /* it has 4096 already */
	mtu(1500);
	conf.multibuf = PLX_REQUIRE;
	ends(-EOPNOTSUPP, "plxa0: multibuf=require: chains of frames are refused (EINVAL of bind) (EOPNOTSUPP): use "
	                  "driver=packet, or "
	                  "leave it out: MTU 1500 fits a frame");
	conf.driver[0] = 0;
	falls("multibuf=require");
}

static bool attached;
static int flags_asked, gone_for;
static const char *other_driver;

static void kernel_without_frags(void **state)
{
	(void)state;
	sys.bpf_load = no_frags;
	mtu(9000);
	falls("chains of frames are refused (EINVAL of BPF_F_XDP_HAS_FRAGS)");
}

/* ---- a link that goes away for a while, and a master of others ---- */

static void forget_link(void)
{
	attached = false;
	other_driver = NULL;
	flags_asked = gone_for = 0;
}

static int link_ioctl(int fd, unsigned long request, void *arg)
{
	int err = plx_sys_linux.ioctl(fd, request, arg);
	struct ifreq *ifr = arg;

	if (request == SIOCGIFFLAGS && attached && flags_asked++ < gone_for)
		ifr->ifr_flags &= (short)~IFF_RUNNING;
	if (!err && request == SIOCETHTOOL && other_driver && *(uint32_t *)(void *)ifr->ifr_data == ETHTOOL_GDRVINFO)
		strcpy(((struct ethtool_drvinfo *)(void *)ifr->ifr_data)->driver, other_driver);
	if (request == SIOCETHTOOL && attached && flags_asked < gone_for * 2 &&
	    *(uint32_t *)(void *)ifr->ifr_data == ETHTOOL_GLINK)
		((struct ethtool_value *)(void *)ifr->ifr_data)->data = 0;
	return err;
}

static int note_attached(int prog, int ifindex, int type, const struct bpf_link_create_opts *o)
{
	attached = true;
	return plx_sys_linux.bpf_link_create(prog, ifindex, type, o);
}

static uint64_t now_ns;

static int fake_clock(clockid_t clock, struct timespec *t)
{
	(void)clock;
	*t = (struct timespec){ .tv_sec = (time_t)(now_ns / 1000000000), .tv_nsec = (long)(now_ns % 1000000000) };
	return 0;
}

/* A little of it is slept, for the kernel to let go of the queues of the port before. */
static int fake_sleep(const struct timespec *t, struct timespec *left)
{
	now_ns += (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
	return nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, left);
}

static void carrier(void **state)
{
	(void)state;
	sys.ioctl = link_ioctl;
	sys.bpf_link_create = note_attached;
	sys.clock_gettime = fake_clock;
	sys.nanosleep = fake_sleep;
	conf.bind_timeout_ms = 60000;
	now_ns = 1000000000;
	plx_port_close(open_port(&conf)); /* never away: no word */
	assert_null(strstr(log_text, "link"));
	forget_link();
	gone_for = 50; /* as the flag tells, and the device for 50 more */
	plx_port_close(open_port(&conf));
	has("3 plxa0: the link was down for 1980 ms, since the device starts anew when XDP is attached\n");
	forget_link();
	gone_for = 1000;
	plx_port_close(open_port(&conf));
	has("2 plxa0: the link is down since XDP was attached, for 5000 ms by now: going on without; see ip link show "
	    "plxa0\n");
	/* had none before: nothing to wait for */
	forget_link();
	attached = true;
	gone_for = 1000;
	plx_port_close(open_port(&conf));
	assert_null(strstr(log_text, "the link"));
}

static void bond(void **state)
{
	(void)state;
	sys.ioctl = link_ioctl;
	other_driver = "bonding";
	struct plx_port *p = open_port(&conf);
	assert_string_equal(p->info.mode, "generic copy");
	assert_string_equal(p->info.why,
	                    "zero-copy refused (EOPNOTSUPP of native XDP on a bond or team), native copy refused "
	                    "(EOPNOTSUPP of native XDP on a bond or team), generic copy");
	has("4 plxa0: native copy refused (EOPNOTSUPP of native XDP on a bond or team), trying generic copy\n");
	plx_port_close(p);
	conf.mode = PLX_XDP_NATIVE;
	ends(-EOPNOTSUPP, "plxa0: native copy refused (EOPNOTSUPP of native XDP on a bond or team), no other mode to "
	                  "try: use mode=auto");
}

/* A NIC that counts its buffers in units of 1 KiB has zero-copy with frames of 4096 bytes. */
static void unit_of_buffers(void **state)
{
	static const char short_of[] = "MTU 1500 in frames of 2048, since driver igb counts receive buffers in "
	                               "units of 1024 bytes";
	const char *refusal = plx_xsk_chains(&plx_sys_linux) ? "EOPNOTSUPP" : "EINVAL"; /* of XDP_USE_SG, before 6.6 */
	char want[512];

	(void)state;
	sys.ioctl = link_ioctl;
	other_driver = "igb";
	struct plx_port *p = open_port(&conf);
	assert_string_equal(p->info.mode, "native copy");
	assert_false(p->info.caps & PLX_PORT_MULTIBUF);
	snprintf(want, sizeof(want), "zero-copy refused (%s of bind with chains, for %s), native copy", refusal,
	         short_of);
	assert_string_equal(p->info.why, want);
	has(want);
	plx_port_close(p);
	conf.multibuf = PLX_NEVER; /* which is no reason to end: copies need none */
	p = open_port(&conf);
	snprintf(want, sizeof(want), "zero-copy refused (EOPNOTSUPP of %s), native copy", short_of);
	assert_string_equal(p->info.why, want);
	plx_port_close(p);
	conf.mode = PLX_XDP_ZEROCOPY;
	ends(-EOPNOTSUPP, "no other mode to try: use --frame-size 4096, or mode=auto");
	has(short_of);
	conf.pool = large; /* what is left is that a veth has no zero-copy */
	ends(-EOPNOTSUPP, "plxa0: zero-copy refused (EOPNOTSUPP of bind), no other mode to try: use mode=auto");
	other_driver = "newnic";
	conf.pool = pool;
	ends(-EOPNOTSUPP, "since the unit of receive buffers of driver newnic is not known");
	mtu(2000);
	conf.pool = large;
	ends(-EOPNOTSUPP, "(EOPNOTSUPP of bind)");
	mtu(1500);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(busy_ends), CASE(left_over), CASE(linked), CASE(run_out_ends), CASE(cannot_falls),
		CASE(kernel_without_sg), CASE(kernel_without_frags), CASE(carrier), CASE(bond), CASE(unit_of_buffers),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_af_xdp_errors.c - what the af_xdp driver says when it cannot, how it climbs down,
   and that nothing is left of an attempt; chains; an empty pool; the stalled lcore. */
#include "ax_util.h"
#include "xdp.h"
#include <linux/ethtool.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct plx_pool *pool;
static struct plx_sys sys;
static struct plx_port_conf conf;
static unsigned fds;

static int set_up(void **state)
{
	(void)state;
	pool = make_pool(4096, 2048);
	veth("plxa0", "plxb0", 2);
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

static void refused(int want, const char *words)
{
	struct plx_port *p;

	log_text[0] = 0;
	int err = plx_port_open(&p, &conf);
	if (err != want || !strstr(log_text, words))
		fprintf(stderr, "%d, want %d; \"%s\" not in:\n%s", err, want, words, log_text);
	assert_int_equal(err, want);
	assert_null(p);
	assert_non_null(strstr(log_text, words));
	/* one line of error, no more */
	char *first = strstr(log_text, "1 ");
	assert_non_null(first);
	assert_null(strstr(first + 1, "\n1 "));
}

/* Holds a queue as any other program would. */
static int hold_queue(uint32_t queue)
{
	struct xdp_umem_reg reg = { .len = 8192, .chunk_size = 2048 };
	struct sockaddr_xdp a = { .sxdp_family = 44, .sxdp_flags = XDP_COPY, .sxdp_queue_id = queue,
	                          .sxdp_ifindex = if_nametoindex("plxa0") };
	int fd = socket(44, SOCK_RAW, 0), n = 64;

	reg.addr = (uintptr_t)pool->area;
	assert_int_equal(setsockopt(fd, 283, XDP_UMEM_REG, &reg, sizeof(reg)), 0);
	assert_int_equal(setsockopt(fd, 283, XDP_UMEM_FILL_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, 283, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)), 0);
	assert_int_equal(setsockopt(fd, 283, XDP_TX_RING, &n, sizeof(n)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void queue_busy(void **state)
{
	(void)state;
	int fd = hold_queue(1);
	conf.bind_timeout_ms = 100;
	uint64_t t = now_ms();
	refused(-EBUSY, "plxa0: queue 1 is held by ");
	assert_non_null(strstr(log_text, " (EBUSY for 100 ms): "));
	assert_non_null(strstr(log_text, ", take other queues with queue=, or wait longer with bind-timeout="));
	char who[64]; /* where the kernel tells */
	snprintf(who, sizeof(who), "held by a socket of pid %d (test_af_xdp_err) (", getpid());
	assert_true(strstr(log_text, who) ||
	            strstr(log_text, "another socket, whose process a kernel without CONFIG_XDP_SOCKETS_DIAG "
	                             "does not tell ("));
	assert_true(now_ms() - t >= 50);
	close(fd);
}

/* Somebody else's program, from another process. */
static void hook_busy(void **state)
{
	int go[2], up[2];
	char c;

	(void)state;
	assert_int_equal(pipe(go) | pipe(up), 0);
	pid_t child = fork();
	if (!child) {
		struct plx_port *p = open_port(&conf);

		(void)!write(up[1], "", 1);
		(void)!read(go[0], &c, 1);
		plx_port_close(p);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	conf.rxqs = 1;
	refused(-EBUSY, "plxa0: its XDP hook is held by native program ");
	char want[128];
	snprintf(want, sizeof(want), "\"steer\" of pid %d (test_af_xdp_err) (EBUSY): end its owner with kill "
	         "%d, or bpftool link detach id ", child, child);
	assert_non_null(strstr(log_text, want));
	conf.mode = PLX_XDP_GENERIC;
	refused(-EBUSY, "plxa0: its XDP hook is held by native program ");
	(void)!write(go[1], "", 1);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(up[i]);
	}
}

/* Ports on one interface share its program, each with queues of its own. */
static void ports_share(void **state)
{
	struct plx_port_conf c = conf, other = conf;
	struct plx_port *a, *b, *x;

	(void)state;
	c.rxqs = c.txqs = other.rxqs = other.txqs = 1;
	other.queue = 1;
	a = open_port(&c);
	conf = c;
	refused(-EBUSY, "plxa0: queue 0 is open already in another port of this process (EBUSY)");
	b = open_port(&other);
	assert_int_equal(b->info.native, a->info.native);
	conf = other;
	conf.owner = &conf;
	refused(-EBUSY, "plxa0: another environment of this process has it (EBUSY)");
	plx_port_close(a);
	assert_int_equal(b->drv->attached(b), 1); /* it stays for the other */
	other.mode = b->info.native ? PLX_XDP_GENERIC : PLX_XDP_NATIVE;
	other.queue = 0;
	log_text[0] = 0;
	assert_int_equal(plx_port_open(&x, &other), -EOPNOTSUPP);
	assert_non_null(strstr(log_text, "another port of it has the other mode"));
	other.mode = PLX_XDP_AUTO; /* follows the one that is there */
	x = open_port(&other);
	assert_int_equal(b->info.native, x->info.native);
	plx_port_close(b);
	plx_port_close(x);
}

static void mtu_beyond_frame(void **state)
{
	(void)state;
	run("ip link set plxa0 mtu 3000; ip link set plxb0 mtu 3000");
	conf.multibuf = PLX_NEVER;
	refused(-EINVAL, "plxa0: MTU 3000 needs 3022 bytes, a frame of 2048 holds 1792, and "
	        "multibuf=never (EINVAL): use multibuf=prefer, --frame-size=4096, or ip link set plxa0 mtu 1770");
}

static int no_umem(int fd, int level, int name, const void *val, socklen_t len)
{
	if (level == 283 && name == XDP_UMEM_REG) {
		errno = ENOBUFS;
		return -1;
	}
	return plx_sys_linux.setsockopt(fd, level, name, val, len);
}

static void memlock(void **state)
{
	(void)state;
	sys.setsockopt = no_umem;
	refused(-ENOBUFS,
	        "plxa0: the pool of 8192 KiB is beyond the memlock limit (ENOBUFS of XDP_UMEM_REG): raise it with "
	        "ulimit -l 8192 or LimitMEMLOCK=, or grant CAP_IPC_LOCK");
}

/* All that is missing, at once. */
static void no_privilege(void **state)
{
	static const char *const words[] = {
		"missing CAP_NET_RAW for socket(AF_XDP)",
		"CAP_BPF for bpf(BPF_PROG_LOAD)",
		"CAP_NET_ADMIN for bpf(BPF_LINK_CREATE) of the XDP program",
		"CAP_IPC_LOCK for setsockopt(XDP_UMEM_REG) (or ulimit -l 8192)",
	};
	int status;

	(void)state;
	pid_t pid = fork();
	if (!pid) {
		struct plx_port *p;
		run("prlimit --pid %d --memlock=65536:65536", getpid());
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(90);
		if (plx_port_open(&p, &conf) != -EPERM)
			_exit(91);
		for (size_t i = 0; i < PLX_ARRAY_SIZE(words); i++)
			if (!strstr(log_text, words[i]))
				_exit(92 + (int)i);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- a kernel that counts BPF as locked memory ---- */

static const char *release, *capabilities;
static rlim_t locked_kib;

static int older_open(const char *path, int flags, mode_t mode)
{
	const char *text = !strcmp(path, "/proc/sys/kernel/osrelease") ? release :
	                   !strcmp(path, "/proc/self/status") ? capabilities : NULL;

	if (!text)
		return plx_sys_linux.open(path, flags, mode);
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
	return fd;
}

static int older_prlimit(pid_t pid, int resource, const struct rlimit *new_limit, struct rlimit *old)
{
	if (resource != RLIMIT_MEMLOCK || new_limit)
		return plx_sys_linux.prlimit(pid, resource, new_limit, old);
	old->rlim_cur = old->rlim_max = locked_kib == RLIM_INFINITY ? RLIM_INFINITY : locked_kib << 10;
	return 0;
}

static int refuse_load(struct bpf_object_skeleton *s)
{
	(void)s;
	return -EPERM;
}

/* Rights are there, and the limit is too low.  RLIMIT_MEMLOCK is named there, and nowhere else. */
static void memlock_of_maps(void **state)
{
	static const char other[] = "refused (EPERM): unprivileged user namespace, lockdown or a security module";
	static const struct { const char *release, *capabilities; rlim_t kib; const char *words;
	} rows[] = {
		{ "5.10.0-30-amd64\n", "CapEff:\t000001ffffffffff\n", 64,
		  "refused (EPERM): a kernel before 5.11 counts its maps as locked memory, the limit is 64 KiB, and "
		  "128 are needed: "
		  "raise it with ulimit -l 128 or LimitMEMLOCK=, or grant CAP_SYS_RESOURCE" },
		{ "4.18.0\n", "CapEff:\t000001ffffffffff\n", 127, "ulimit -l 128 or" },
		{ "5.10.0\n", "CapEff:\t000001ffffffffff\n", 128, other },
		{ "5.10.0\n", "CapEff:\t000001ffffffffff\n", RLIM_INFINITY, other },
		{ "5.10.0\n", "CapEff:\t000001ffffffbfff\n", 8192,
		  "the limit is 8192 KiB, and 8320 are needed" }, /* and the pool */
		{ "5.11.0\n", "CapEff:\t000001ffffffffff\n", 64, other },
		{ "6.1.0\n", "CapEff:\t000001ffffffffff\n", 64, other },
		{ "5.10.0\n", "CapEff:\t000001ffffffefff\n", 64, "missing CAP_NET_ADMIN for" },
	};

	(void)state;
	sys.open = older_open;
	sys.prlimit = older_prlimit;
	sys.bpf_load = refuse_load;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		release = rows[i].release;
		capabilities = rows[i].capabilities;
		locked_kib = rows[i].kib;
		refused(-EPERM, rows[i].words);
	}
}

static int fail_map(int fd, const void *key, const void *value, uint64_t flags)
{
	(void)fd; (void)key; (void)value; (void)flags;
	return -ENOENT;
}

static void start_fails(void **state)
{
	struct plx_port *p;

	(void)state;
	sys.bpf_map_update = fail_map;
	assert_int_equal(plx_port_open(&p, &conf), 0);
	assert_int_equal(plx_port_start(p), -ENOENT);
	plx_port_close(p);
}

/* ---- the ladder ---- */

static int no_native(int prog, int ifindex, int type, const struct bpf_link_create_opts *o)
{
	/* struct bpf_link_create_opts: size_t sz, then the flags */
	uint32_t flags = *(const uint32_t *)(const void *)((const char *)o + sizeof(size_t));

	return flags & 4 ? -EOPNOTSUPP : plx_sys_linux.bpf_link_create(prog, ifindex, type, o);
}

static void ladder(void **state)
{
	(void)state;
	struct plx_port *p = open_port(&conf);
	assert_string_equal(p->info.mode, "native copy");
	assert_string_equal(p->info.why, "zero-copy refused (EOPNOTSUPP of bind), native copy");
	assert_false(p->info.caps & PLX_PORT_ZEROCOPY);
	plx_port_close(p);
	sys.bpf_link_create = no_native;
	p = open_port(&conf);
	assert_string_equal(p->info.mode, "generic copy");
	assert_string_equal(p->info.why,
	                    "zero-copy refused (EOPNOTSUPP of attach), native copy refused (EOPNOTSUPP of attach), "
	                    "generic copy");
	plx_port_close(p);
	conf.mode = PLX_XDP_NATIVE;
	refused(-EOPNOTSUPP, "plxa0: native copy refused (EOPNOTSUPP of attach), no other mode to try: use mode=auto");
	conf.mode = PLX_XDP_ZEROCOPY;
	sys.bpf_link_create = plx_sys_linux.bpf_link_create;
	refused(-EOPNOTSUPP, "plxa0: zero-copy refused (EOPNOTSUPP of bind), no other mode to try: use mode=auto");
}

static void older_kernel_loads_on(void **state)
{
	(void)state;
	sys.bpf_load = no_frags;
	plx_port_close(open_port(&conf));
}

/* A device that has one queue till a program is attached, and two then. */
static bool attached;

static int one_queue_less(int fd, unsigned long request, void *arg)
{
	int err = plx_sys_linux.ioctl(fd, request, arg);
	struct ethtool_channels *ch = request == SIOCETHTOOL ? (void *)((struct ifreq *)arg)->ifr_data : NULL;

	if (!err && ch && ch->cmd == ETHTOOL_GCHANNELS && !attached)
		ch->rx_count = ch->tx_count = 1;
	return err;
}

static int note_attached(int prog, int ifindex, int type, const struct bpf_link_create_opts *o)
{
	attached = true;
	return plx_sys_linux.bpf_link_create(prog, ifindex, type, o);
}

static void queues_grow(void **state)
{
	(void)state;
	sys.ioctl = one_queue_less;
	sys.bpf_link_create = note_attached;
	attached = false;
	conf.rxd = conf.txd = 512;
	struct plx_port *p = open_port(&conf);
	assert_non_null(strstr(log_text, "attaching XDP raised its receive queues from 1 to 2"));
	assert_int_equal(p->nrx, 2);
	assert_int_equal(p->ntx, 1);
	assert_int_equal(p->info.channels_rx, 2);
	assert_int_equal(p->info.rxd, 256); /* the frames planned for one */
	plx_port_close(p);
}

/* ---- packets of several buffers ---- */

static void jumbo(void **state)
{
	struct plx_mbuf *m[4];
	static uint8_t buf[16384];
	uint32_t got = 0, n = 0;

	(void)state;
	if (!plx_xsk_chains(&plx_sys_linux)) {
		print_message("SKIP: this kernel's sockets take no packets of several buffers (XDP_USE_SG)\n");
		skip();
	}
	run("ip link set plxa0 mtu 9000; ip link set plxb0 mtu 9000");
	int fd = raw("plxb0");
	struct plx_port *p = open_port(&conf);
	assert_true(p->info.caps & PLX_PORT_MULTIBUF);
	uint64_t end = now_ms() + WAIT_MS;
	for (; got < 300 && now_ms() < end;) {
		if (n < 300) {
			fill_frame(buf, n, 60 + n * 29);
			assert_int_equal(send(fd, buf, 60 + n * 29, 0), 60 + n * 29);
			n++;
		}
		for (uint16_t q = 0; q < 2; q++) {
			uint16_t k = plx_rx_burst(plx_port_rxq(p, q), m, 1 + (n & 3));
			for (uint16_t i = 0; i < k; i++, got++) {
				assert_non_null(plx_mbuf_read(m[i], 0, m[i]->pkt_len, buf));
				const uint8_t *b = plx_mbuf_read(m[i], 0, m[i]->pkt_len, buf);
				int64_t id = check_frame(b, m[i]->pkt_len);
				assert_in_range(id, 0, 299);
				assert_int_equal(m[i]->pkt_len, 60 + id * 29);
				assert_int_equal(m[i]->nsegs, (m[i]->pkt_len + 1791) / 1792);
				/* and back as it came */
				assert_int_equal(plx_tx_burst(plx_port_txq(p, q), &m[i], 1), 1);
			}
		}
	}
	assert_int_equal(got, 300);
	for (got = 0; got < 300 && now_ms() < end;) {
		ssize_t len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0)
			continue;
		int64_t id = check_frame(buf, (uint32_t)len);
		assert_in_range(id, 0, 299);
		assert_int_equal(len, 60 + id * 29);
		got++;
	}
	assert_int_equal(got, 300);
	assert_int_equal(xstat_of(p, "tx_copied"), 0);
	plx_port_close(p);
	close(fd);
}

/* ---- pool, host ---- */

static void empty_pool(void **state)
{
	struct plx_mbuf *m[PLX_BURST], *all[4096];
	uint8_t buf[64];
	uint32_t got = 0;

	(void)state;
	conf.rxqs = conf.txqs = 1;
	run("ethtool -L plxa0 rx 1 tx 1 >/dev/null 2>&1 || true");
	int fd = raw("plxb0");
	struct plx_port *p = open_port(&conf);
	struct plx_rxq *q = plx_port_rxq(p, 0);
	uint32_t n = 0;
	for (uint16_t k; (k = plx_mbuf_get_bulk(pool, all + n, 256)); n += k)
		;
	assert_int_equal(n, 4096 - conf.rxd);
	fill_frame(buf, 1, sizeof(buf));
	for (int i = 0; i < 700; i++)
		assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
	/* the application keeps what it gets: the kernel runs out, and says so once a frame */
	for (int i = 0; i < 1000 && got < 512; i++) {
		uint16_t k = plx_rx_burst(q, all + n, PLX_BURST);
		n += k;
		got += k;
	}
	assert_int_equal(got, 512);
	assert_int_equal(plx_ctr_read(&q->stats.pool_waits), 512);
	for (int i = 0; i < 100; i++)
		assert_int_equal(plx_rx_burst(q, m, PLX_BURST), 0);
	assert_int_equal(plx_ctr_read(&q->stats.pool_waits), 512);
	struct plx_port_stats s;

	plx_port_stats(p, &s); /* each that was lost is in one counter, and a frame that is missing is none */
	assert_true(s.offered_told && s.offered == 700 && s.rx.pkts == 512);
	assert_int_equal(s.rx.drop[PLX_RX_DROP_fill_empty], 188);
	assert_int_equal(plx_rx_drops(&s.rx), 188);
	assert_true(p->drv->rx_arm(q) > 0);
	assert_int_equal(xstat_of(p, "xsk_rx_fill_empty"), 188);
	/* and goes on when there are frames again */
	plx_mbuf_put_bulk(all, (uint16_t)n);
	assert_int_equal(plx_rx_burst(q, m, PLX_BURST), 0);
	send(fd, buf, sizeof(buf), 0);
	uint64_t end = now_ms() + WAIT_MS;
	for (got = 0; !got && now_ms() < end;)
		got = plx_rx_burst(q, m, PLX_BURST);
	assert_int_equal(got, 1);
	plx_mbuf_put_bulk(m, 1);
	assert_int_equal(p->drv->rx_arm(q), 0);
	plx_port_close(p);
	close(fd);
}

static struct {
	struct plx_port *port;
	bool     fails;        /* wake-ups, so that the queue is opened anew */
	int      err;          /* of the next dup3, 0 = none */
	unsigned calls;
	uint64_t least;        /* drops told while the old socket goes */
} anew;

static ssize_t failing_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	if (!anew.fails)
		return plx_sys_linux.sendto(fd, buf, n, flags, to, len);
	errno = EINVAL;
	return -1;
}

static uint64_t kernel_drops(const struct plx_port *p)
{
	struct plx_port_stats s;

	plx_port_stats(p, &s);
	return s.rx.drop[PLX_RX_DROP_fill_empty] + s.rx.drop[PLX_RX_DROP_ring_full] + s.rx.drop[PLX_RX_DROP_kernel];
}

static int looked_at_dup3(int fd, int to, int flags)
{
	int err = anew.err, got = err ? -1 : plx_sys_linux.dup3(fd, to, flags);
	const uint64_t told = kernel_drops(anew.port);

	anew.calls++;
	anew.least = told < anew.least ? told : anew.least;
	anew.err = 0;
	errno = err;
	return got;
}

/* Whoever reads counters while a queue is opened anew sees none go back, also when that fails at first. */
static void counters_stay(void **state)
{
	struct plx_mbuf *m;
	uint8_t buf[60];
	int n, fd = raw("plxb0");

	(void)state;
	conf.rxqs = conf.txqs = 1;
	conf.mode = PLX_XDP_NATIVE;
	sys.sendto = failing_sendto;
	sys.dup3 = looked_at_dup3;
	anew.port = open_port(&conf);
	anew.err = EMFILE;
	anew.least = UINT64_MAX;
	fill_frame(buf, 1, sizeof(buf));
	for (int i = 0; i < 700; i++)
		assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
	uint64_t before, end = now_ms() + WAIT_MS;

	while ((before = kernel_drops(anew.port)) < 700 - 512 && now_ms() < end)
		; /* another CPU may take them */
	assert_int_equal(before, 700 - 512);
	end = now_ms() + WAIT_MS;
	anew.fails = true;
	m = plx_mbuf_get(pool);
	fill_frame(plx_mbuf_append(m, 60), 1, 60);
	assert_int_equal(plx_tx_burst(plx_port_txq(anew.port, 0), &m, 1), 1);
	while ((n = plx_port_repair(anew.port)) <= 0 && now_ms() < end) {
		assert_int_equal(kernel_drops(anew.port), before);
		plx_rx_burst(plx_port_rxq(anew.port, 0), &m, 0);
		plx_tx_burst(plx_port_txq(anew.port, 0), NULL, 0);
	}
	assert_int_equal(n, 1);
	assert_int_equal(anew.calls, 2);
	assert_int_equal(anew.least, before);
	assert_int_equal(kernel_drops(anew.port), before);
	anew.fails = false;
	plx_port_close(anew.port);
	close(fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(queue_busy),   CASE(hook_busy),
		CASE(ports_share),  CASE(mtu_beyond_frame),
		CASE(memlock),      CASE(memlock_of_maps),
		CASE(no_privilege), CASE(start_fails),
		CASE(ladder),       CASE(older_kernel_loads_on),
		CASE(queues_grow),  CASE(jumbo),
		CASE(empty_pool),   CASE(counters_stay),
	};

	own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

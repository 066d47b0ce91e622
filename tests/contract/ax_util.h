/* SPDX-License-Identifier: MIT */
/* ax_util.h - what the tests of the af_xdp driver share: a network namespace of this
   process's own with veth pairs in it, a pool, raw sockets, the log.  The namespace ends
   with the process, and all that is in it. */
#ifndef AX_UTIL_H
#define AX_UTIL_H

#include "fd_util.h"
#include "plx_driver.h"
#include "plx_pool.h"
#include "doorbell.h"

#include <setjmp.h>
#include <stdarg.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	TYPE = 0x88b5,  /* local experimental EtherType: nobody else sends it */
	WAIT_MS = 30000 /* for what must come: a thread may get little of a busy CPU */
};

static char log_text[8192];

static inline void log_line(void *arg, enum plx_log_level level, const char *line)
{
	size_t n = strlen(log_text);

	(void)arg;
	snprintf(log_text + n, sizeof(log_text) - n, "%d %s\n", level, line);
	if (getenv("PLX_TEST_LOG"))
		fprintf(stderr, "# %d %s\n", level, line);
}

static const struct plx_log test_log = { log_line, NULL, PLX_LOG_DEBUG };

__attribute__((format(printf, 1, 2))) static inline void run(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd)) {
		fprintf(stderr, "failed: %s\n", cmd);
		fail();
	}
}

/* Writes a setting of the kernel; without the file (no IPv6, say) there is nothing to set. */
static inline void set_proc(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");

	if (f) {
		fputs(value, f);
		assert_int_equal(fclose(f), 0);
	}
}

/* A namespace with nothing in it, and no IPv6 that would send frames of its own.  Not root or no namespaces: the whole
 * test is skipped. */
static inline void own_namespace(void)
{
	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: unshare(CLONE_NEWNET): %s\n", strerror(errno));
		exit(77);
	}
	setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin", 1);
	set_proc("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	set_proc("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
}

static inline void veth(const char *a, const char *b, int queues)
{
	run("ip link add %s numrxqueues %d numtxqueues %d type veth peer name %s numrxqueues %d numtxqueues %d", a,
	    queues, queues, b, queues, queues);
	run("ip link set %s up; ip link set %s up", a, b);
}

static inline struct plx_pool *make_pool(uint32_t frames, uint32_t frame_size)
{
	struct plx_pool_conf c = {
		.name = "test", .frames = frames, .frame_size = frame_size, .caches = 1, .node = -1
	};
	struct plx_pool *p;
	void *mem = mmap(NULL, plx_pool_size(&c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(mem != MAP_FAILED);
	assert_int_equal(plx_pool_init(&p, mem, &c), 0);
	return p;
}

/* Every frame is back, once. */
static inline void end_pool(struct plx_pool *p)
{
	struct plx_pool_conf c = { .frames = p->frames, .frame_size = p->frame_size, .caches = 1, .node = -1 };

	assert_int_equal(plx_pool_avail(p), p->frames);
	assert_int_equal(plx_pool_audit(p), 0);
	assert_null(p->reg);
	void *mem = plx_pool_fini(p);
	assert_non_null(mem);
	munmap(mem, plx_pool_size(&c));
}

static inline struct plx_port_conf conf_of(struct plx_pool *pool, const char *name, enum plx_xdp_mode mode)
{
	struct plx_port_conf c = plx_port_conf_default;

	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.driver, sizeof(c.driver), "af_xdp");
	c.mode = mode;
	c.pool = pool;
	c.log = &test_log;
	c.rxd = c.txd = 512;
	return c;
}

/* From its first burst on a queue's frames are the port's. */
static inline void read_all(struct plx_port *p)
{
	struct plx_mbuf *m;

	for (uint16_t i = 0; i < p->nrx; i++)
		assert_int_equal(plx_rx_burst(p->rxq[i], &m, 0), 0);
}

static inline struct plx_port *open_port(struct plx_port_conf *c)
{
	struct plx_port *p;

	log_text[0] = 0;
	int err = plx_port_open(&p, c);
	if (err)
		fprintf(stderr, "%s%s\n", log_text, strerror(-err));
	assert_int_equal(err, 0);
	assert_int_equal(plx_port_start(p), 0);
	read_all(p);
	return p;
}

/* A raw socket on an interface: the host's side. */
static inline int raw(const char *name)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE),
	                         .sll_ifindex = (int)if_nametoindex(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(TYPE));
	int size = 8 << 20;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline uint64_t now_ms(void)
{
	return plx_sys_now(&plx_sys_linux) / 1000000;
}

/* Frame number n of len bytes: every byte follows from n and its place. */
static inline void fill_frame(uint8_t *p, uint32_t n, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(n * 31 + i * 7 + (n >> 8));
	memset(p, 0xff, 6);
	memset(p + 6, 2, 6);
	p[12] = TYPE >> 8;
	p[13] = TYPE & 255;
	memcpy(p + 14, &n, 4);
}

/* The number of a frame whose every byte is right; -1 if one is wrong. */
static inline int64_t check_frame(const uint8_t *p, uint32_t len)
{
	static uint8_t want[16384];
	uint32_t n;

	if (len < 18 || len > sizeof(want))
		return -1;
	memcpy(&n, p + 14, 4);
	fill_frame(want, n, len);
	return memcmp(want, p, len) ? -1 : (int64_t)n;
}

static inline uint32_t frame_len(uint32_t n)
{
	return 60 + (n * 37) % (1514 - 60 + 1);
}

static inline uint64_t xstat_of(struct plx_port *p, const char *name)
{
	struct plx_xstat x[256];
	int n = plx_port_xstats(p, x, 256);

	assert_in_range(n, 1, 256);
	for (int i = 0; i < n; i++)
		if (!strcmp(x[i].name, name))
			return x[i].value;
	fprintf(stderr, "no xstat %s\n", name);
	fail();
	return 0;
}

/* The XDP program on an interface, as ip tells of it; "" = none. */
static inline const char *program_of(const char *name)
{
	static char line[256];
	char cmd[128];

	line[0] = 0;
	snprintf(cmd, sizeof(cmd), "ip -o link show %s | grep -o 'prog/xdp id [0-9]*'", name);
	FILE *f = popen(cmd, "r");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = 0;
	pclose(f);
	return line;
}

/* A bpf_load that takes a program, but not one of frames of several buffers: every second call works. */
static inline int no_frags(struct bpf_object_skeleton *s)
{
	static int calls;

	return calls++ & 1 ? plx_sys_linux.bpf_load(s) : -EINVAL;
}

#endif

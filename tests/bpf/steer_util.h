/* SPDX-License-Identifier: MIT */
/* steer_util.h - the bed of the steering program's tests: a namespace of its own with a veth that has
   more queues than the program knows, a real AF_XDP socket on its queue 0, and one run of a program
   over one frame.  The program's clock is read from the program, ticks of user space from the coarse
   clock, which moves with them. */
#ifndef STEER_UTIL_H
#define STEER_UTIL_H

#include "steer.h"
#include "steer.skel.h"
#include "uapi.h"

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BED_QUEUES = STEER_QUEUES + 1 };

static uint32_t bed_ifindex;
static int bed_xsk;

/* A kernel older than this may lack what the test needs. */
static inline int older_than(int major, int minor)
{
	struct utsname u;
	int a = 0, b = 0;

	uname(&u);
	sscanf(u.release, "%d.%d", &a, &b);
	return a < major || (a == major && b < minor);
}

/* Before 5.15 a test run takes no context: each frame is one of queue 0. */
static inline int other_queues(void) { return !older_than(5, 15); }

/* A socket bound to queue 0 of the interface: an XSKMAP takes no other. */
static inline int bound_socket(void)
{
	struct xdp_umem_reg reg = { .len = 8192, .chunk_size = 2048 };
	struct sockaddr_xdp a = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = bed_ifindex };
	int fd = socket(AF_XDP, SOCK_RAW, 0), n = 64;

	reg.addr = (uintptr_t)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) ||
	    setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -1;
	return fd;
}

/* By no shell: a guest's may take an ip of its own for it.  0 if it succeeds. */
static inline int run_ip(const char *words)
{
	char copy[256], *argv[32] = { "ip" }, *at = copy;
	int status, n = 1;
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((argv[n] = strsep(&at, " ")))
		n++;
	return posix_spawnp(&pid, *argv, NULL, NULL, argv, environ) || waitpid(pid, &status, 0) != pid || status;
}

static inline int add_veth(void)
{
	char path[4096], words[256];

	snprintf(path, sizeof(path), "%s:/sbin:/usr/sbin", getenv("PATH"));
	setenv("PATH", path, 1);
	snprintf(words, sizeof(words), "link add plxa0 numrxqueues %d type veth peer name plxb0 numtxqueues %d",
	         BED_QUEUES, BED_QUEUES);
	return run_ip(words) || run_ip("link set plxa0 up") || run_ip("link set plxb0 up");
}

/* 0, or 77 after saying what is missing. */
static inline int bed_make(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (unshare(CLONE_NEWNET)) {
		printf("SKIP: unshare(CLONE_NEWNET): not permitted\n");
		return 77;
	}
	setrlimit(RLIMIT_MEMLOCK, &all); /* before 5.11 maps count as locked memory */
	if (add_veth()) {
		printf("SKIP: no veth\n");
		return 77;
	}
	bed_ifindex = if_nametoindex("plxa0");
	bed_xsk = bound_socket();
	if (bed_xsk >= 0)
		return 0;
	printf("SKIP: no AF_XDP socket on plxa0: %s\n", strerrorname_np(errno));
	return 77;
}

/* The program with `entries` in its socket map, the socket in slot 0; 0 or a negative errno. */
static inline int steer_load(struct steer_bpf **skel, uint32_t entries, uint32_t flags)
{
	uint32_t key = 0;
	int err;

	*skel = steer_bpf__open();
	if (!*skel)
		return -errno;
	bpf_map__set_max_entries((*skel)->maps.xsks, entries);
	bpf_program__set_flags((*skel)->progs.steer, flags);
	err = steer_bpf__load(*skel);
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd((*skel)->maps.xsks), &key, &bed_xsk, BPF_ANY);
	if (err) {
		steer_bpf__destroy(*skel);
		*skel = NULL;
	}
	return err;
}

/* Runs the program over `repeat` frames of this queue; the last verdict, or a negative errno. */
static inline int run_frames(int prog, const void *data, uint32_t len, uint32_t queue, int repeat)
{
	struct xdp_md ctx = { .data_end = len, .ingress_ifindex = bed_ifindex, .rx_queue_index = queue };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = data, .data_size_in = len, .repeat = repeat);
	int err;

	if (other_queues()) {
		o.ctx_in = &ctx;
		o.ctx_size_in = sizeof(ctx);
	} else if (queue) {
		return -ENOTSUP;
	}
	err = bpf_prog_test_run_opts(prog, &o);
	return err ? err : (int)o.retval;
}

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* What the kernel's last tick was at; it follows jiffies within a tick. */
static inline int64_t tick_time(void) { return clock_ns(CLOCK_MONOTONIC_COARSE); }

static inline int64_t tick_ns(void)
{
	struct timespec t;

	clock_getres(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_nsec;
}

static inline void sleep_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

#endif

/* SPDX-License-Identifier: MIT */
/* fault_sys.c - one wrapper for each entry of struct plx_sys, made by one table. */
#include "fault_sys.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct { int fn; unsigned left; int err; bool hit; } fault = { .fn = -1 };

void fault_arm(int fn, unsigned k, int err)
{
	fault.fn = fn;
	fault.left = k;
	fault.err = err;
	fault.hit = false;
}

bool fault_hit(void)
{
	return fault.hit;
}

static bool fails(int fn)
{
	if (fn != fault.fn || fault.hit || fault.left--)
		return false;
	fault.hit = true;
	errno = fault.err;
	return true;
}

/* result type, name, parameters, arguments, value on failure, errnos */
#define CALLS(X) \
	X(int, open, (const char *a, int b, mode_t c), (a, b, c), -1, EMFILE, ENOENT, EACCES) \
	X(int, fstat, (int a, struct stat *b), (a, b), -1, EIO) \
	X(ssize_t, read, (int a, void *b, size_t c), (a, b, c), -1, EIO, EAGAIN) \
	X(ssize_t, write, (int a, const void *b, size_t c), (a, b, c), -1, EAGAIN) \
	X(ssize_t, getdents64, (int a, void *b, size_t c), (a, b, c), -1, EIO, ENOENT) \
	X(int, fsync, (int a), (a), -1, EIO, ENOSPC) \
	X(int, flock, (int a, int b), (a, b), -1, EINTR, ENOLCK) \
	X(int, rename, (const char *a, const char *b), (a, b), -1, EACCES, ENOSPC) \
	X(int, unlink, (const char *a), (a), -1, EACCES, ENOENT) \
	X(int, mkdir, (const char *a, mode_t b), (a, b), -1, EACCES, ENOSPC) \
	X(int, rmdir, (const char *a), (a), -1, EBUSY) \
	X(int, ioctl, (int a, unsigned long b, void *c), (a, b, c), -1, ENODEV, EOPNOTSUPP, EPERM) \
	X(int, poll, (struct pollfd * a, nfds_t b, int c), (a, b, c), -1, EINTR, ENOMEM) \
	X(int, epoll_create1, (int a), (a), -1, EMFILE) \
	X(int, epoll_ctl, (int a, int b, int c, struct epoll_event *d), (a, b, c, d), -1, ENOMEM) \
	X(int, epoll_wait, (int a, struct epoll_event *b, int c, int d), (a, b, c, d), -1, EINTR) \
	X(int, eventfd, (unsigned a, int b), (a, b), -1, EMFILE, ENOMEM) \
	X(int, signalfd, (int a, const sigset_t *b, int c), (a, b, c), -1, EMFILE) \
	X(int, timerfd_create, (int a, int b), (a, b), -1, EMFILE) \
	X(int, timerfd_settime, (int a, int b, const struct itimerspec *c, struct itimerspec *d), (a, b, c, d), -1, \
	  EINVAL) \
	X(int, socket, (int a, int b, int c), (a, b, c), -1, EPERM, EMFILE, EAFNOSUPPORT, ENOBUFS) \
	X(int, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c), -1, EBUSY, ENODEV, EOPNOTSUPP, \
	  ENETDOWN) \
	X(int, connect, (int a, const struct sockaddr *b, socklen_t c), (a, b, c), -1, ECONNREFUSED, ENOENT) \
	X(int, listen, (int a, int b), (a, b), -1, EADDRINUSE) \
	X(int, accept4, (int a, struct sockaddr *b, socklen_t *c, int d), (a, b, c, d), -1, EMFILE, ECONNABORTED) \
	X(int, prlimit, (pid_t a, int b, const struct rlimit *c, struct rlimit *d), (a, b, c, d), -1, EPERM) \
	X(int, setsockopt, (int a, int b, int c, const void *d, socklen_t e), (a, b, c, d, e), -1, ENOMEM, ENOBUFS, \
	  ENOPROTOOPT, EPERM) \
	X(int, getsockopt, (int a, int b, int c, void *d, socklen_t *e), (a, b, c, d, e), -1, EINVAL, ENOPROTOOPT) \
	X(int, getsockname, (int a, struct sockaddr *b, socklen_t *c), (a, b, c), -1, ENOBUFS) \
	X(ssize_t, sendto, (int a, const void *b, size_t c, int d, const struct sockaddr *e, socklen_t f), \
	  (a, b, c, d, e, f), -1, ENOBUFS, EAGAIN, ENETDOWN, ENXIO) \
	X(ssize_t, recvfrom, (int a, void *b, size_t c, int d, struct sockaddr *e, socklen_t *f), (a, b, c, d, e, f), \
	  -1, EAGAIN, ENETDOWN, ENXIO) \
	X(int, memfd_create, (const char *a, unsigned b), (a, b), -1, EMFILE, ENOMEM) \
	X(int, ftruncate, (int a, off_t b), (a, b), -1, EINVAL) \
	X(void *, mmap, (void *a, size_t b, int c, int d, int e, off_t f), (a, b, c, d, e, f), MAP_FAILED, ENOMEM, \
	  EAGAIN) \
	X(int, madvise, (void *a, size_t b, int c), (a, b, c), -1, EINVAL) \
	X(long, mbind, (void *a, unsigned long b, int c, const unsigned long *d, unsigned long e, unsigned f), \
	  (a, b, c, d, e, f), -1, EPERM) \
	X(long, move_pages, (int a, unsigned long b, void **c, const int *d, int *e, int f), (a, b, c, d, e, f), -1, \
	  ENOSYS) \
	X(int, thread_create, (pthread_t * a, const pthread_attr_t *b, void *(*c)(void *), void *d), (a, b, c, d), \
	  fault.err, EAGAIN) \
	X(int, thread_setaffinity, (pthread_t a, size_t b, const void *c), (a, b, c), fault.err, EINVAL) \
	X(int, dup3, (int a, int b, int c), (a, b, c), -1, EBUSY) \
	X(int, clock_getres, (clockid_t a, struct timespec * b), (a, b), -1, EINVAL) \
	X(int, clock_gettime, (clockid_t a, struct timespec * b), (a, b), -1, EINVAL) \
	X(int, nanosleep, (const struct timespec *a, struct timespec *b), (a, b), -1, EINTR) \
	X(int, membarrier, (int a, unsigned b, int c), (a, b, c), -1, EINVAL, ENOSYS) \
	X(int, bpf_load, (struct bpf_object_skeleton * a), (a), -fault.err, EPERM, ENOMEM, EINVAL) \
	X(int, bpf_link_create, (int a, int b, int c, const struct bpf_link_create_opts *d), (a, b, c, d), -fault.err, \
	  EBUSY, EOPNOTSUPP, EPERM) \
	X(int, bpf_link_info, (int a, struct bpf_link_info *b), (a, b), -fault.err, EBADF) \
	X(int, bpf_map_update, (int a, const void *b, const void *c, uint64_t d), (a, b, c, d), -fault.err, ENOMEM, \
	  EOPNOTSUPP) \
	X(int, bpf_map_delete, (int a, const void *b), (a, b), -fault.err, ENOENT) \
	X(int, bpf_prog_info, (uint32_t a, struct bpf_prog_info * b), (a, b), -fault.err, ENOENT, EPERM) \
	X(int, xdp_list, (uint32_t a, struct plx_xdp_list * b), (a, b), -fault.err, ENOENT, EPERM, EBUSY)

enum {
#define X(type, name, params, args, value, ...) FN_##name,
	CALLS(X)
#undef X
	FN_N
};
static_assert(sizeof(struct plx_sys) == (FN_N + 5) * sizeof(void (*)(void)),
              "every entry but close, munmap, geteuid, getauxval and gettid");

#define X(type, name, params, args, value, ...) \
static type fault_##name params \
{ \
	return fails(FN_##name) ? value : plx_sys_linux.name args; \
}
CALLS(X)
#undef X

const struct fault_call fault_calls[] = {
#define X(type, name, params, args, value, ...) { #name, { __VA_ARGS__ } },
	CALLS(X)
#undef X
	{ NULL, { 0 } }
};

/* What gives back cannot fail in a way that anyone could fix. */
static int pass_close(int fd)
{
	return plx_sys_linux.close(fd);
}

static int pass_munmap(void *addr, size_t len)
{
	return plx_sys_linux.munmap(addr, len);
}

static unsigned long pass_getauxval(unsigned long type)
{
	return plx_sys_linux.getauxval(type);
}

static uid_t pass_geteuid(void)
{
	return plx_sys_linux.geteuid();
}

static pid_t pass_gettid(void)
{
	return plx_sys_linux.gettid();
}

const struct plx_sys fault_sys = {
#define X(type, name, params, args, value, ...) .name = fault_##name,
	CALLS(X)
#undef X
	.close = pass_close, .munmap = pass_munmap, .geteuid = pass_geteuid, .getauxval = pass_getauxval,
	.gettid = pass_gettid,
};

/* SPDX-License-Identifier: MIT */
/* sys.c - the real operating system behind struct plx_sys; called by all of drivers/
   and runtime/.  Wrappers stand only where a prototype differs from the table's. */
#include "plx_sys.h"
#include "xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <numaif.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int sys_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

static int sys_eventfd(unsigned initval, int flags)
{
	return eventfd(initval, flags);
}

static int sys_timerfd_create(int clock, int flags)
{
	return timerfd_create((clockid_t)clock, flags);
}

/* glibc declares socket addresses as transparent unions; the table has plain pointers. */
static int sys_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bind(fd, addr, len);
}

static int sys_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return connect(fd, addr, len);
}

static int sys_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return accept4(fd, addr, len, flags);
}

static int sys_prlimit(pid_t pid, int resource, const struct rlimit *new_limit, struct rlimit *old)
{
	return prlimit(pid, (__rlimit_resource_t)resource, new_limit, old);
}

static int sys_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return getsockname(fd, addr, len);
}

static ssize_t sys_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	return sendto(fd, buf, n, flags, to, len);
}

static ssize_t sys_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	return recvfrom(fd, buf, n, flags, from, len);
}

static int sys_thread_setaffinity(pthread_t t, size_t size, const void *cpuset)
{
	return pthread_setaffinity_np(t, size, cpuset);
}

static int sys_bpf_load(struct bpf_object_skeleton *s)
{
	return bpf_object__load_skeleton(s);
}

static int sys_membarrier(int cmd, unsigned flags, int cpu)
{
	return (int)syscall(SYS_membarrier, cmd, flags, cpu);
}

static int sys_bpf_link_create(int prog_fd, int ifindex, int attach_type, const struct bpf_link_create_opts *o)
{
	return bpf_link_create(prog_fd, ifindex, (enum bpf_attach_type)attach_type, o);
}

static int sys_bpf_link_info(int fd, struct bpf_link_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

static int sys_bpf_map_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return bpf_map_update_elem(fd, key, value, flags);
}

static int sys_bpf_prog_info(uint32_t id, struct bpf_prog_info *info)
{
	uint32_t len = sizeof(*info);
	int fd = bpf_prog_get_fd_by_id(id), err;

	if (fd < 0)
		return fd;
	memset(info, 0, sizeof(*info));
	err = bpf_obj_get_info_by_fd(fd, info, &len);
	close(fd);
	return err;
}

const struct plx_sys plx_sys_linux = {
	.open = sys_open,
	.close = close,
	.dup3 = dup3,
	.fstat = fstat,
	.geteuid = geteuid,
	.getauxval = getauxval,
	.gettid = gettid,
	.read = read,
	.write = write,
	.getdents64 = getdents64,
	.fsync = fsync,
	.flock = flock,
	.rename = rename,
	.unlink = unlink,
	.mkdir = mkdir,
	.rmdir = rmdir,
	.ioctl = sys_ioctl,
	.poll = poll,
	.epoll_create1 = epoll_create1,
	.epoll_ctl = epoll_ctl,
	.epoll_wait = epoll_wait,
	.eventfd = sys_eventfd,
	.signalfd = signalfd,
	.timerfd_create = sys_timerfd_create,
	.timerfd_settime = timerfd_settime,
	.socket = socket,
	.bind = sys_bind,
	.connect = sys_connect,
	.listen = listen,
	.accept4 = sys_accept4,
	.prlimit = sys_prlimit,
	.setsockopt = setsockopt,
	.getsockopt = getsockopt,
	.getsockname = sys_getsockname,
	.sendto = sys_sendto,
	.recvfrom = sys_recvfrom,
	.memfd_create = memfd_create,
	.ftruncate = ftruncate,
	.mmap = mmap,
	.munmap = munmap,
	.madvise = madvise,
	.mbind = mbind,
	.move_pages = move_pages,
	.thread_create = pthread_create,
	.thread_setaffinity = sys_thread_setaffinity,
	.clock_gettime = clock_gettime,
	.clock_getres = clock_getres,
	.nanosleep = nanosleep,
	.membarrier = sys_membarrier,
	.bpf_load = sys_bpf_load,
	.bpf_link_create = sys_bpf_link_create,
	.bpf_link_info = sys_bpf_link_info,
	.bpf_map_update = sys_bpf_map_update,
	.bpf_map_delete = bpf_map_delete_elem,
	.bpf_prog_info = sys_bpf_prog_info,
	.xdp_list = plx_xdp_list_linux,
};

uint64_t plx_sys_now(const struct plx_sys *sys)
{
	PLX_ASSERT(sys);
	struct timespec t = { 0, 0 };

	sys->clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void plx_sys_sleep(const struct plx_sys *sys, uint64_t ns)
{
	PLX_ASSERT(sys);
	struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (sys->nanosleep(&t, &t) && errno == EINTR)
		;
}

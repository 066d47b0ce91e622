/* SPDX-License-Identifier: MIT */
/* plx_sys.h - every call into the operating system that drivers/ and runtime/ make,
   as one table.  Tests fail each entry in turn; a simulator can stand in for the
   kernel.  Each entry has the meaning, result and errno of the function of its name.

   A port, a segment of memory and an environment are opened with a table and keep
   the pointer; plx_sys_linux is the real one and the default. */
#ifndef PLX_SYS_H
#define PLX_SYS_H

#include "plx_defs.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bpf_object_skeleton;
struct bpf_link_create_opts;
struct bpf_link_info;
struct bpf_prog_info;
struct plx_xdp_list;
struct itimerspec;
struct rlimit;
struct signalfd_siginfo;
struct stat;

struct plx_sys {
	/* files and descriptors */
	int     (*open)(const char *path, int flags, mode_t mode);
	int     (*close)(int fd);
	int     (*dup3)(int fd, int to, int flags);
	int     (*fstat)(int fd, struct stat *st);
	ssize_t (*read)(int fd, void *buf, size_t n);
	ssize_t (*write)(int fd, const void *buf, size_t n);
	ssize_t (*getdents64)(int fd, void *buf, size_t n);
	int     (*fsync)(int fd);
	int     (*flock)(int fd, int operation);
	int     (*rename)(const char *from, const char *to);
	int     (*unlink)(const char *path);
	int     (*mkdir)(const char *path, mode_t mode);
	int     (*rmdir)(const char *path);
	int     (*ioctl)(int fd, unsigned long request, void *arg);
	int     (*poll)(struct pollfd *fds, nfds_t n, int timeout_ms);
	int     (*epoll_create1)(int flags);
	int     (*epoll_ctl)(int epfd, int op, int fd, struct epoll_event *ev);
	int     (*epoll_wait)(int epfd, struct epoll_event *ev, int n, int timeout_ms);
	int     (*eventfd)(unsigned initval, int flags);
	int     (*signalfd)(int fd, const sigset_t *mask, int flags);
	int     (*timerfd_create)(int clock, int flags);
	int     (*timerfd_settime)(int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old);
	/* sockets */
	int     (*socket)(int domain, int type, int protocol);
	int     (*bind)(int fd, const struct sockaddr *addr, socklen_t len);
	int     (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
	int     (*listen)(int fd, int backlog);
	int     (*accept4)(int fd, struct sockaddr *addr, socklen_t *len, int flags);
	int     (*setsockopt)(int fd, int level, int name, const void *val, socklen_t len);
	int     (*getsockopt)(int fd, int level, int name, void *val, socklen_t *len);
	int     (*getsockname)(int fd, struct sockaddr *addr, socklen_t *len);
	ssize_t (*sendto)(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len);
	ssize_t (*recvfrom)(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len);
	/* memory */
	int     (*memfd_create)(const char *name, unsigned flags);
	int     (*ftruncate)(int fd, off_t len);
	void   *(*mmap)(void *addr, size_t len, int prot, int flags, int fd, off_t off);
	int     (*munmap)(void *addr, size_t len);
	int     (*madvise)(void *addr, size_t len, int advice);
	long (*mbind)(void *addr, unsigned long len, int mode, const unsigned long *nodes, unsigned long maxnode,
	              unsigned flags);
	long    (*move_pages)(int pid, unsigned long n, void **pages, const int *nodes, int *status, int flags);
	/* the process, threads and time */
	uid_t   (*geteuid)(void);
	unsigned long (*getauxval)(unsigned long type);
	pid_t   (*gettid)(void);
	int     (*prlimit)(pid_t pid, int resource, const struct rlimit *new_limit, struct rlimit *old);
	int     (*thread_create)(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
	int     (*thread_setaffinity)(pthread_t t, size_t size, const void *cpuset);
	int     (*clock_gettime)(clockid_t clock, struct timespec *t);
	int     (*clock_getres)(clockid_t clock, struct timespec *t);
	int     (*nanosleep)(const struct timespec *t, struct timespec *rem);
	int     (*membarrier)(int cmd, unsigned flags, int cpu);
	/* BPF, by libbpf: 0 or fd, else -errno */
	int     (*bpf_load)(struct bpf_object_skeleton *s);                   /* bpf_object__load_skeleton */
	int     (*bpf_link_create)(int prog_fd, int ifindex, int attach_type, const struct bpf_link_create_opts *o);
	int     (*bpf_link_info)(int fd, struct bpf_link_info *info);         /* bpf_obj_get_info_by_fd */
	int     (*bpf_map_update)(int fd, const void *key, const void *value, uint64_t flags);
	int     (*bpf_map_delete)(int fd, const void *key);
	int (*bpf_prog_info)(uint32_t id,
	                     struct bpf_prog_info *info); /* bpf_prog_get_fd_by_id, bpf_obj_get_info_by_fd, close */
	int     (*xdp_list)(uint32_t ifindex, struct plx_xdp_list *l);        /* by libxdp: plx_xdp_list_linux */
};

PLX_API extern const struct plx_sys plx_sys_linux;

/* plx_sys_now: CLOCK_MONOTONIC in ns. */
PLX_API uint64_t plx_sys_now(const struct plx_sys *sys);
/* plx_sys_sleep sleeps ns, through EINTR.  Never on an lcore. */
PLX_API void plx_sys_sleep(const struct plx_sys *sys, uint64_t ns);

#ifdef __cplusplus
}
#endif
#endif

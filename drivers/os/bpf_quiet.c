/* SPDX-License-Identifier: MIT */
/* bpf_quiet.c - keeps libbpf and libxdp from printing what this library does, and nothing else;
   cold; any thread. */
#include "xdp.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <xdp/libxdp.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static libbpf_print_fn_t bpf_before; /* the program's, which go on printing for its own threads */
static libxdp_print_fn_t xdp_before;
static __thread unsigned quiet;

static int bpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	libbpf_print_fn_t fn = __atomic_load_n(&bpf_before, __ATOMIC_RELAXED);

	return quiet || !fn ? 0 : fn(level, fmt, ap);
}

static int xdp_print(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	libxdp_print_fn_t fn = __atomic_load_n(&xdp_before, __ATOMIC_RELAXED);

	return quiet || !fn ? 0 : fn(level, fmt, ap);
}

/* What stands there may be ours already: a program that reads the callback while it is set may put it
   back later, and calling ourselves would never end. */
void plx_bpf_quiet_begin(void)
{
	pthread_mutex_lock(&lock);
	quiet++;
	if (!users++) {
		libbpf_print_fn_t bpf = libbpf_set_print(bpf_print);
		libxdp_print_fn_t xdp = libxdp_set_print(xdp_print);

		if (bpf != bpf_print)
			__atomic_store_n(&bpf_before, bpf, __ATOMIC_RELAXED);
		if (xdp != xdp_print)
			__atomic_store_n(&xdp_before, xdp, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&lock);
}

void plx_bpf_quiet_end(void)
{
	pthread_mutex_lock(&lock);
	if (!--users) {
		libbpf_print_fn_t bpf = libbpf_set_print(bpf_before);
		libxdp_print_fn_t xdp = libxdp_set_print(xdp_before);

		if (bpf != bpf_print) /* the program set another meanwhile */
			libbpf_set_print(bpf);
		if (xdp != xdp_print)
			libxdp_set_print(xdp);
	}
	quiet--;
	pthread_mutex_unlock(&lock);
}

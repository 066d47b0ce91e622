// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
/* steer.bpf.c - the verdict on each received frame: to the socket of its queue or to the
   host.  Hot; run by the kernel.  No CO-RE, no kernel type but struct xdp_md, no helper
   younger than bpf_jiffies64 (5.6): one program for every kernel that has unpinned XDP links. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "steer.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

/* Its size is set at load: the most queues the device can have. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

/* Never looked at here.  Storing into an array of maps makes the kernel wait until every
   program that runs has ended: how user space knows that a change of `queue` is obeyed. */
struct no_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} nothing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct no_map);
} grace SEC(".maps") = { .values = { &nothing } };

/* In .bss: user space maps it, and the program reaches it without a lookup. */
struct steer_queue queue[STEER_QUEUES];

/* The asm keeps each call apart from the others.  Merged, they would add to an address chosen by a
   branch, which the verifier refuses to a loader without CAP_PERFMON. */
#define verdict(q, why, action) ({ \
	__sync_fetch_and_add(&(q)->count[why], 1); \
	asm volatile("" : : "i"(why)); \
	action; \
})

/* alive != 0.  One store of both halves: a queue may run on two CPUs, and half of an old pair
   would make the reader look dead. */
static __always_inline int stands_still(struct steer_queue *q, __u32 alive)
{
	__u64 seen = *(volatile __u64 *)&q->seen;
	__u32 now = (__u32)bpf_jiffies64(), stall;

	if (unlikely((__u32)(seen >> 32) != alive)) {
		*(volatile __u64 *)&q->seen = (__u64)alive << 32 | now;
		return 0;
	}
	stall = *(volatile __u32 *)&q->stall;
	return unlikely(stall && now - (__u32)seen > stall);
}

SEC("xdp")
int steer(struct xdp_md *ctx)
{
	__u32 index = ctx->rx_queue_index, alive;
	struct steer_queue *q;
	int action;

	if (index >= STEER_QUEUES)
		return XDP_PASS;
	/* masked although it is checked: the verifiers of 5.10 and 6.1 forget the bound over a
	   spill; behind the barrier, or clang drops the mask as needless */
	__u32 slot = index;
	asm volatile("" : "+r"(slot));
	q = &queue[slot & (STEER_QUEUES - 1)];
	asm volatile("" : "+r"(q)); /* computed once, or each use would compute it again */
	alive = *(volatile __u32 *)&q->alive;
	if (unlikely(!alive))
		return verdict(q, STEER_passed_stopped, XDP_PASS);
	if (stands_still(q, alive))
		return verdict(q, STEER_passed_stale, XDP_PASS);
	action = bpf_redirect_map(&xsks, index, XDP_PASS);
	if (unlikely(action != XDP_REDIRECT))
		return verdict(q, STEER_passed_no_socket, action);
	return verdict(q, STEER_redirected, action);
}

char _license[] SEC("license") = "Dual MIT/GPL";

// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
/* steer.bpf.c - the verdict on each received frame: to the socket of its queue or to the
   host.  Hot; run by the kernel.  No CO-RE, no kernel type but struct xdp_md: it loads
   on any kernel with XSKMAP and mmapable arrays (5.5), or is told what to do without. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "steer.h"

/* Sizes of xsks, beats and passed are set at load: the most queues the device can have. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} beats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_VERDICT_N);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

/* Claimed frames that passed to the host after all, by queue. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} passed SEC(".maps");

volatile struct steer_conf conf;

/* bpf_ktime_get_coarse_ns came with 5.11 and costs a third of bpf_ktime_get_ns.  Constant
   before load, so that the verifier of an older kernel never sees the call. */
const volatile __u32 coarse_clock = 1;

static __always_inline int verdict(__u32 why, int action)
{
	__u64 *n = bpf_map_lookup_elem(&verdicts, &why);

	if (n)
		(*n)++;
	return action;
}

/* Claimed, but there is nobody to hand it to. */
static __always_inline int pass(__u32 why, __u32 queue)
{
	__u64 *n = bpf_map_lookup_elem(&passed, &queue);

	if (n)
		__sync_fetch_and_add(n, 1);
	return verdict(why, XDP_PASS);
}

/* Signed: the writer's clock is finer than the coarse one, so a beat may be ahead. */
static __always_inline int stale(__u64 beat, __u64 stall_ns)
{
	__u64 now = coarse_clock ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();

	return (__s64)(now - beat) > (__s64)stall_ns;
}

/* Is this frame ours?  Rules are looked up here, from ctx->data. */
static __always_inline int claimed(void)
{
	return conf.mode == STEER_MODE_ALL;
}

SEC("xdp")
int steer(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *slot, beat, stall_ns;
	int action;

	if (!claimed())
		return verdict(STEER_passed_none, XDP_PASS);
	slot = bpf_map_lookup_elem(&beats, &queue);
	beat = slot ? *(volatile __u64 *)slot : 0;
	if (!beat)
		return pass(STEER_passed_stopped, queue);
	stall_ns = conf.stall_ns;
	if (stall_ns && stale(beat, stall_ns))
		return pass(STEER_passed_stale, queue);
	action = bpf_redirect_map(&xsks, queue, XDP_PASS);
	return action == XDP_REDIRECT ? verdict(STEER_redirected, action) : pass(STEER_passed_no_socket, queue);
}

char _license[] SEC("license") = "Dual MIT/GPL";

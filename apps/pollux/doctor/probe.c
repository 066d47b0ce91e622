/* SPDX-License-Identifier: MIT */
/* probe.c - what the kernel can do, tried: sockets, programs and files that are made
   and let go at once.  Cold; called by doctor_read(). */
#include "doctor.h"
#include "netdev_uapi.h"
#include "nl.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Constants newer than the build machine's headers may be. */
enum { XSK_TX_SKB_BUDGET = 9, XSK_UMEM_TX_META_LEN = 1 << 2, XDP_FRAGS = 1 << 5,
       HUGE_2M = MFD_HUGETLB | 21 << 26 };

/* A UMEM of one page, as kernels from 6.8 on take it. */
struct umem_reg { uint64_t addr, len; uint32_t chunk_size, headroom, flags, tx_metadata_len; };

/* Without a transmit ring it is refused by another word than an option that is not known. */
static int try_budget(const struct plx_sys *sys, int fd)
{
	uint32_t n = 64;

	if (!sys->setsockopt(fd, SOL_XDP, XSK_TX_SKB_BUDGET, &n, sizeof(n)) || errno == EACCES)
		return 1;
	return errno == ENOPROTOOPT ? 0 : -1;
}

static int try_tx_meta(const struct plx_sys *sys, int fd)
{
	void *page = sys->mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct umem_reg r = { .addr = (uintptr_t)page, .len = 4096, .chunk_size = 2048,
	                      .flags = XSK_UMEM_TX_META_LEN, .tx_metadata_len = 16 };
	int known = -1;

	if (page == MAP_FAILED)
		return -1;
	if (!sys->setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &r, sizeof(r)))
		known = 1;
	else if (errno == EINVAL)
		known = 0;
	sys->munmap(page, 4096);
	return known;
}

int try_queue(const struct plx_sys *sys, uint32_t ifindex, uint32_t queue)
{
	void *page = sys->mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct sockaddr_xdp at = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY, .sxdp_ifindex = ifindex,
	                                 .sxdp_queue_id = queue };
	const struct xdp_umem_reg r = { .addr = (uintptr_t)page, .len = 4096, .chunk_size = 2048 };
	const uint32_t entries = 2;
	int fd = sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), taken = -1;

	if (fd >= 0 && page != MAP_FAILED && !sys->setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &r, sizeof(r)) &&
	    !sys->setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof(entries)) &&
	    !sys->setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries)) &&
	    !sys->setsockopt(fd, SOL_XDP, XDP_RX_RING, &entries, sizeof(entries)))
		taken = !sys->bind(fd, (const struct sockaddr *)&at, sizeof(at)) ? 0 : errno == EBUSY ? 1 : -1;
	if (fd >= 0)
		sys->close(fd);
	if (page != MAP_FAILED)
		sys->munmap(page, 4096);
	return taken;
}

static void probe_socket(const struct plx_sys *sys, struct probe *p)
{
	struct xdp_mmap_offsets o;
	socklen_t len = sizeof(o);
	int fd = sys->socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	p->ring_flags = p->sg = p->budget = p->tx_meta = -1;
	p->xsk_err = fd < 0 ? -errno : 0;
	if (fd < 0)
		return;
	if (!sys->getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &o, &len))
		p->ring_flags = len == sizeof(o);
	p->budget = try_budget(sys, fd);
	p->sg = plx_xsk_chains(sys);
	p->tx_meta = try_tx_meta(sys, fd);
	sys->close(fd);
}

/* "return XDP_PASS;", never attached to anything. */
static int load(uint32_t flags)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .prog_flags = flags);

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "doctor", "GPL", insns, PLX_ARRAY_SIZE(insns), &o);
}

static void probe_bpf(const struct plx_sys *sys, struct probe *p)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = load(0);

	p->jit = -1;
	p->load_err = fd < 0 ? fd : 0;
	p->frags_err = p->load_err;
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		p->jit = info.jited_prog_len > 0;
	sys->close(fd);
	fd = load(XDP_FRAGS);
	p->frags_err = fd < 0 ? fd : 0;
	if (fd >= 0)
		sys->close(fd);
}

static void probe_netlink(const struct plx_sys *sys, struct probe *p)
{
	struct nl q;
	uint32_t max = 0;

	p->netdev_cmd = p->ethtool = -1;
	if (nl_open(&q, sys, NETLINK_GENERIC))
		return;
	p->netdev_cmd = nl_family(&q, NETDEV_FAMILY, &max) > 0 ? (int)max : 0;
	p->ethtool = nl_family(&q, ETHTOOL_GENL_NAME, NULL) > 0;
	nl_close(&q);
}

void read_probe(const struct plx_sys *sys, struct probe *p)
{
	memset(p, 0, sizeof(*p));
	probe_socket(sys, p);
	probe_bpf(sys, p);
	probe_netlink(sys, p);
	p->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	int fd = sys->memfd_create("pollux-doctor", HUGE_2M | MFD_CLOEXEC);

	p->memfd_err = fd < 0 ? -errno : 0;
	if (fd >= 0)
		sys->close(fd);
}

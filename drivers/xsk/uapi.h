/* SPDX-License-Identifier: MIT */
/* uapi.h - constants of the kernel's AF_XDP interface that the build machine's headers
   may be too old to have.  Whether the running kernel knows them is asked at run time. */
#ifndef UAPI_H
#define UAPI_H

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stdint.h>
#include <sys/socket.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)            /* bind: packets of several buffers; 6.6 */
#endif
#ifndef XDP_PKT_CONTD
#define XDP_PKT_CONTD (1 << 0)         /* descriptor: the packet goes on in the next one */
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9        /* option: frames of one doorbell in copy mode; 6.17 */
#endif
#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5)  /* program: packets of several buffers; 5.18 */
#endif

/* struct xdp_umem_reg as of 6.8; older kernels read its beginning. */
struct ax_umem_reg {
	uint64_t addr, len;
	uint32_t chunk_size, headroom, flags;
	uint32_t tx_metadata_len;
};

enum {
	AX_COPY_BUDGET   = 32,  /* TX_BATCH_SIZE: frames of one doorbell without the option */
	AX_ZC_SEGS_MAX   = 8,   /* least xdp_zc_max_segs of the drivers that take chains */
};

#endif

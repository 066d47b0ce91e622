/* SPDX-License-Identifier: MIT */
/* xdp_unit.c - in which units a NIC counts the bytes of a receive buffer: what is beyond a whole number of them is
   not used in zero-copy, and a longer frame comes in pieces, each a packet, or not at all; and the words for an MTU
   beyond a frame; cold, pure; called by the ladder of modes, the plan and the doctor. */
#include "xdp.h"
#include "plx_pool.h"
#include "plx_text.h"

#include <linux/bpf.h>
#include <string.h>

static_assert(PLX_XDP_HEADROOM == XDP_PACKET_HEADROOM, "the room is the kernel's");
static_assert(PLX_XDP_HEADROOM == PLX_POOL_L2_ROOM + PLX_POOL_USER_ROOM,
              "a pool's data stand where the kernel puts them");

/* By the kernel's driver, as ethtool -i tells it.  Paths are below drivers/net of Linux 6.18. */
static const struct { const char *driver; uint32_t unit; } units[] = {
	/* ethernet/intel/igb/igb_main.c, igb_setup_srrctl: frame size >> E1000_SRRCTL_BSIZEPKT_SHIFT, 10;
	   igb_clean_rx_irq_zc makes a packet of each buffer */
	{ "igb", 1024 },
	/* ethernet/intel/igc/igc_base.h, IGC_SRRCTL_BSIZEPKT(x): x / 1024 */
	{ "igc", 1024 },
	/* ethernet/intel/ixgbe/ixgbe_main.c, ixgbe_configure_srrctl: frame size >> IXGBE_SRRCTL_BSIZEPKT_SHIFT, 10, of
	   an 82599, which drops what is longer; later ones count bytes, and are not to be told from it by name */
	{ "ixgbe", 1024 },
	/* ethernet/intel/i40e/i40e_main.c, i40e_configure_rx_ring: I40E_RXQ_CTX_DBUFF_SHIFT, 7 */
	{ "i40e", 128 },
	/* ethernet/intel/ice/ice_base.c, ice_setup_rx_ctx: ICE_RLAN_CTX_DBUF_S, 7 */
	{ "ice", 128 },
	/* ethernet/mellanox/mlx5/core/en/xsk: a buffer is an entry of a work queue, with its length in bytes */
	{ "mlx5_core", 1 },
	/* virtio_net.c, virtnet_add_recvbuf_xsk: a scatter list of bytes */
	{ "virtio_net", 1 },
	/* none of these has zero-copy: no ndo_xsk_wakeup */
	{ "bonding", PLX_XDP_NO_ZC }, { "bridge", PLX_XDP_NO_ZC }, { "dummy", PLX_XDP_NO_ZC },
	{ "e1000", PLX_XDP_NO_ZC }, { "e1000e", PLX_XDP_NO_ZC }, { "ena", PLX_XDP_NO_ZC },
	{ "hv_netvsc", PLX_XDP_NO_ZC }, { "r8169", PLX_XDP_NO_ZC },
	{ "team", PLX_XDP_NO_ZC }, { "tg3", PLX_XDP_NO_ZC }, { "tun", PLX_XDP_NO_ZC }, { "veth", PLX_XDP_NO_ZC },
};

uint32_t plx_xdp_unit(const char *kdriver)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].driver, kdriver))
			return units[i].unit;
	return *kdriver ? PLX_XDP_UNKNOWN : PLX_XDP_NO_ZC;
}

/* What a driver nobody has looked at may count in: the largest unit that a frame of 4096 holds. */
enum { UNIT_GUESSED = 2048 };

uint32_t plx_xdp_zc_room(const char *kdriver, uint32_t room)
{
	const uint32_t unit = plx_xdp_unit(kdriver);
	const uint32_t by = unit == PLX_XDP_UNKNOWN || unit == PLX_XDP_NO_ZC ? UNIT_GUESSED : unit;

	return room / by * by;
}

bool plx_xdp_falls_short(const char *kdriver, uint32_t room, uint32_t need)
{
	const uint32_t unit = plx_xdp_unit(kdriver);
	const bool chains = unit < 1024 || unit == PLX_XDP_NO_ZC; /* of a driver that is not known the kernel tells */

	return need > plx_xdp_zc_room(kdriver, room) && (need <= room || !chains);
}

char *plx_xdp_unit_text(const char *kdriver, char *buf, size_t len)
{
	const uint32_t unit = plx_xdp_unit(kdriver);

	buf[0] = 0;
	if (unit == PLX_XDP_UNKNOWN || unit == PLX_XDP_NO_ZC)
		plx_text_add(buf, len, "the unit of receive buffers of driver %s is not known",
		             *kdriver ? kdriver : "(none)");
	else
		plx_text_add(buf, len, "driver %s counts receive buffers in units of %u bytes", kdriver, unit);
	return buf;
}

/* ---- an MTU beyond the frame ---- */

char *plx_xdp_mtu_text(uint32_t mtu, uint32_t frame, uint32_t room, char *buf, size_t len)
{
	buf[0] = 0;
	plx_text_add(buf, len, "MTU %u needs %u bytes, a frame of %u holds %u", mtu, plx_xdp_need(mtu), frame, room);
	return buf;
}

char *plx_xdp_mtu_fix(const char *name, uint32_t mtu, uint32_t frame, uint32_t room, char *buf, size_t len)
{
	if (frame < PLX_FRAME_MAX && plx_xdp_need(mtu) <= room + PLX_FRAME_MAX - frame)
		plx_text_add(buf, len, "%s--frame-size=%d", *buf ? ", " : "", PLX_FRAME_MAX);
	plx_text_add(buf, len, "%sip link set %s mtu %u", *buf ? ", or " : "", PLX_QUOTED(name), plx_xdp_mtu(room));
	return buf;
}

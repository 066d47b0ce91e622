/* SPDX-License-Identifier: MIT */
/* fuzz_headers.c - any bytes as a frame: what is found lies within it, a chain cut anywhere tells the
   same as the flat frame, and so does the frame with more bytes behind the packet.

   Two bytes say where the chain is cut; the rest is the frame. */
#include "fuzz.h"
#include "plx_net.h"

enum { FRAME_MAX = 9216, CUTS = 2 };

/* What stands in one header must not reach into the next. */
static void within(const struct plx_pkt *k, uint32_t l2, uint32_t len)
{
	MUST(k->l3 <= PLX_L3_ARP && k->l4 <= PLX_L4_OTHER && k->vlans <= 2);
	if (k->vlans || k->l3)
		MUST(len >= l2 + k->vlans * (uint32_t)PLX_VLAN_LEN);
	if (k->l3) {
		MUST(k->l3_off == l2 + k->vlans * PLX_VLAN_LEN);
		MUST(k->l3_off + k->l3_len <= len);
	} else {
		MUST(!k->l4 && !k->l3_len && !k->fragment && !k->options);
	}
	MUST(k->route_off < len || !k->route_off);
	if (k->l4) {
		MUST(k->l3 == PLX_L3_IP4 || k->l3 == PLX_L3_IP6);
		MUST(k->l4_off >= k->l3_off + (k->l3 == PLX_L3_IP4 ? PLX_IP4_LEN : PLX_IP6_LEN));
		MUST(k->payload_off >= k->l4_off && k->payload_off + k->payload_len <= k->l3_off + k->l3_len);
	} else {
		MUST(!k->l4_off && !k->payload_off && !k->payload_len);
	}
}

static bool same(const struct plx_pkt *a, const struct plx_pkt *b)
{
	return a->l3 == b->l3 && a->l4 == b->l4 && a->vlans == b->vlans && a->proto == b->proto &&
	       a->fragment == b->fragment && a->options == b->options && a->vlan[0] == b->vlan[0] &&
	       a->vlan[1] == b->vlan[1] && a->type == b->type && a->l3_off == b->l3_off && a->l4_off == b->l4_off &&
	       a->payload_off == b->payload_off && a->route_off == b->route_off && a->payload_len == b->payload_len &&
	       a->l3_len == b->l3_len;
}

/* A chain of up to three segments, each in memory of its own. */
static void chained(const uint8_t *frame, uint16_t len, const uint16_t cut[CUTS], const struct plx_pkt *flat, int err)
{
	uint16_t at[CUTS + 2] = { 0, cut[0] < cut[1] ? cut[0] : cut[1], cut[0] < cut[1] ? cut[1] : cut[0], len };
	struct plx_mbuf m[CUTS + 1];
	struct plx_pkt k;

	for (int i = 0; i <= CUTS; i++) {
		uint16_t n = (uint16_t)(at[i + 1] - at[i]);

		m[i] = (struct plx_mbuf){ .data = fuzz_copy(frame + at[i], n), .len = n, .pkt_len = i ? 0 : len,
		                          .nsegs = (uint8_t)(i ? 1 : CUTS + 1), .ref = 1,
		                          .next = i < CUTS ? &m[i + 1] : NULL };
	}
	MUST(plx_parse_mbuf(&k, m) == err);
	MUST(same(&k, flat));
	for (int i = 0; i <= CUTS; i++)
		free(m[i].data);
}

/* Padding behind the packet changes nothing; a packet cut short is refused or has less. */
static void padded(const uint8_t *frame, uint16_t len, const struct plx_pkt *flat)
{
	uint8_t *more = malloc(len + 16u);
	struct plx_pkt k;

	if (!more)
		abort();
	memcpy(more, frame, len);
	memset(more + len, 0xa5, 16);
	MUST(plx_parse(&k, more, len + 16u) == PLX_PARSE_OK);
	MUST(same(&k, flat));
	free(more);
}

/* The same bytes without an Ethernet header, flat and cut, and the packet of a frame without its own. */
static void without_l2(const uint8_t *frame, uint16_t len, uint16_t cut, const struct plx_pkt *whole, int err)
{
	struct plx_pkt k, two;
	struct plx_mbuf m[2] = {
		{ .data = fuzz_copy(frame, cut), .len = cut, .pkt_len = len, .nsegs = 2, .next = &m[1],
		  .flags = PLX_MBUF_L3 },
		{ .data = fuzz_copy(frame + cut, (size_t)len - cut), .len = (uint16_t)(len - cut), .nsegs = 1 },
	};
	int is = plx_parse_ip(&k, frame, len);

	within(&k, 0, len);
	MUST(!k.vlans && k.l3 != PLX_L3_ARP);
	MUST(plx_parse_mbuf(&two, m) == is && same(&k, &two));
	free(m[0].data);
	free(m[1].data);
	if (whole->l3 != PLX_L3_IP4 && whole->l3 != PLX_L3_IP6)
		return;
	two = *whole;
	two.vlans = 0;
	two.vlan[0] = two.vlan[1] = two.l3_off = 0;
	two.l4_off = whole->l4_off ? (uint16_t)(whole->l4_off - whole->l3_off) : 0;
	two.payload_off = whole->payload_off ? (uint16_t)(whole->payload_off - whole->l3_off) : 0;
	two.route_off = whole->route_off ? (uint16_t)(whole->route_off - whole->l3_off) : 0;
	MUST(plx_parse_ip(&k, frame + whole->l3_off, (uint32_t)len - whole->l3_off) == err && same(&k, &two));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint16_t cut[CUTS] = { fuzz_u8(&in), fuzz_u8(&in) };
	struct plx_pkt k;

	if (in.n > FRAME_MAX)
		return 0;
	uint16_t len = (uint16_t)in.n;
	uint8_t *frame = fuzz_copy(in.p, len);
	int err = plx_parse(&k, frame, len);

	MUST(err >= PLX_PARSE_OK && err <= PLX_PARSE_TOO_DEEP);
	within(&k, PLX_ETH_LEN, len);
	for (int i = 0; i < CUTS; i++)
		cut[i] = (uint16_t)(cut[i] % (len + 1u));
	chained(frame, len, cut, &k, err);
	without_l2(frame, len, cut[0], &k, err);
	if (err == PLX_PARSE_OK)
		padded(frame, len, &k);
	free(frame);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* fuzz_parse.c - libFuzzer over the packet parser and the checksums that follow it; the
   chain split at the first byte's place must agree with the flat frame. */
#include "plx_net.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t cut, len;
	struct plx_pkt k, c;
	struct plx_mbuf m[2];
	int err;

	if (size < 1 || size > 9000)
		return 0;
	len = (uint16_t)(size - 1);
	cut = data[0] % (len + 1u);
	data++;
	err = plx_parse(&k, data, len);
	if (k.l3)
		check(k.l3_off + k.l3_len <= len);
	if (k.l4)
		check(k.payload_off + k.payload_len <= k.l3_off + k.l3_len);
	if (!err) {
		plx_l4_csum(data, &k);
		plx_csum_ok(data, &k);
	}
	m[0] = (struct plx_mbuf){ .data = (uint8_t *)data, .len = cut, .pkt_len = len, .nsegs = 2, .next = &m[1], .ref = 1 };
	m[1] = (struct plx_mbuf){ .data = (uint8_t *)data + cut, .len = (uint16_t)(len - cut), .nsegs = 1, .ref = 1 };
	check(plx_parse_mbuf(&c, m) == err);
	check(c.l3 == k.l3 && c.l4 == k.l4 && c.payload_off == k.payload_off && c.payload_len == k.payload_len);
	check(c.route_off == k.route_off && (!k.route_off || k.route_off < len));
	if (!err) {
		check(plx_l4_csum_mbuf(m, &c) == plx_l4_csum(data, &k));
		check(plx_csum_ok_mbuf(m, &c) == plx_csum_ok(data, &k));
	}
	return 0;
}

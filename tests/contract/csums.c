/* SPDX-License-Identifier: MIT */
/* csums.c - cases of the suite about checksums that the sender leaves to the driver, and about packets without an
   Ethernet header: on a wire the one is finished and the other refused, in memory both stay what they are. */
#include "contract.h"
#include "plx_net.h"

#include <stdlib.h>
#include <string.h>

enum { DPORT = 4321, PAYLOAD = 301, UDP_AT = PLX_ETH_LEN + PLX_IP4_LEN, UDP_CSUM = UDP_AT + 6,
       TOTAL = UDP_AT + PLX_UDP_LEN + PAYLOAD };

/* A datagram whose first byte is id; its checksum is of the pseudo-header alone, and the state as the row has it. */
static struct plx_mbuf *datagram(struct plx_pool *pool, uint8_t id, bool cut, uint32_t flags)
{
	static const uint8_t dst[6] = { 2, 0, 0, 0, 0, 2 }, src[6] = { 2, 0, 0, 0, 0, 1 };
	struct plx_mbuf *m = plx_mbuf_get(pool), *tail;
	uint8_t *p = plx_mbuf_append(m, TOTAL);
	struct plx_ip4hdr *ip = (struct plx_ip4hdr *)(p + PLX_ETH_LEN);

	plx_build_eth(p, dst, src, PLX_ETH_IP4);
	plx_build_ip4(ip, plx_be32(0xc6120001), plx_be32(0xc6120002), PLX_IP_UDP, PLX_UDP_LEN + PAYLOAD);
	plx_build_udp(ip + 1, 1234, DPORT, PAYLOAD);
	for (int i = 0; i < PAYLOAD; i++)
		p[TOTAL - PAYLOAD + i] = (uint8_t)(id + i);
	const uint16_t sum = (uint16_t)~plx_csum_fold(plx_ip4_pseudo(ip, PLX_IP_UDP, PLX_UDP_LEN + PAYLOAD));

	memcpy(p + UDP_CSUM, &sum, 2);
	m->flags = flags;
	if (!cut)
		return m;
	tail = plx_mbuf_get(pool); /* within the field */
	memcpy(plx_mbuf_append(tail, TOTAL - UDP_CSUM - 1), p + UDP_CSUM + 1, TOTAL - UDP_CSUM - 1);
	assert_int_equal(plx_mbuf_trim(m, TOTAL - UDP_CSUM - 1), 0);
	assert_int_equal(plx_mbuf_chain(m, tail), 0);
	return m;
}

#define SAID(is) (PLX_CSUM_##is << PLX_MBUF_TX_CSUM)
#define CAME(is) (PLX_CSUM_##is << PLX_MBUF_RX_CSUM)

static const struct row {
	bool cut, shared, foreign, finished;
	uint32_t flags;
	enum plx_csum carried; /* by loop */
} rows[] = {
	{ .flags = SAID(PARTIAL), .finished = true, .carried = PLX_CSUM_PARTIAL },
	{ .flags = CAME(PARTIAL), .finished = true, .carried = PLX_CSUM_PARTIAL },
	{ .flags = CAME(PARTIAL), .finished = true, .carried = PLX_CSUM_PARTIAL, .cut = true },
	{ .flags = SAID(PARTIAL), .finished = true, .carried = PLX_CSUM_PARTIAL, .shared = true },
	{ .flags = SAID(PARTIAL), .finished = true, .carried = PLX_CSUM_PARTIAL, .foreign = true },
	{ .flags = CAME(PARTIAL) | SAID(GOOD), .carried = PLX_CSUM_GOOD },
	{ .flags = CAME(GOOD), .carried = PLX_CSUM_UNKNOWN }, { .flags = CAME(BAD), .carried = PLX_CSUM_UNKNOWN },
	{ .flags = SAID(BAD), .carried = PLX_CSUM_BAD },
};

/* The next of our datagrams that b receives; the kernel's own packets are passed over. */
static struct plx_mbuf *next_of(struct plx_port *b, uint8_t *flat)
{
	uint64_t end = now_ms() + WAIT_MS;

	while (now_ms() < end)
		for (uint16_t q = 0; q < QUEUES; q++) {
			struct plx_mbuf *m;
			struct plx_pkt k;

			plx_tx_burst(plx_port_txq(bed.a, 0), NULL, 0);
			if (!plx_rx_burst(plx_port_rxq(b, q), &m, 1))
				continue;
			memcpy(flat, plx_mbuf_read(m, 0, m->pkt_len, flat), m->pkt_len < TOTAL ? m->pkt_len : TOTAL);
			if (!plx_parse_mbuf(&k, m) && k.l4 == PLX_L4_UDP && k.payload_len == PAYLOAD)
				return m;
			plx_mbuf_put(m);
		}
	fail_msg("it did not arrive");
	return NULL;
}

void test_csums(void **state)
{
	const struct plx_txq_stats *s = &plx_port_txq(bed.a, 0)->stats;
	uint8_t *flat = malloc(1 << 16), half[2];
	uint64_t finished = 0;

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct plx_mbuf *m = datagram(r->foreign ? bed.other : bed.pool, (uint8_t)i, r->cut, r->flags), *got;
		struct plx_pkt k;

		memcpy(half, plx_mbuf_read(m, UDP_CSUM, 2, half), 2);
		if (r->shared)
			plx_mbuf_ref(m, 1);
		send_all(bed.a, 0, &m, 1);
		got = next_of(bed.b, flat);
		assert_int_equal(flat[TOTAL - PAYLOAD], i);
		assert_int_equal(plx_parse(&k, flat, TOTAL), 0);
		if (r->finished && bed.device)
			assert_true(plx_csum_ok(flat, &k));
		else
			assert_memory_equal(flat + UDP_CSUM, half, 2);
		if (!bed.device)
			assert_int_equal(plx_mbuf_rx_csum(got), r->carried);
		assert_int_equal(got->flags & ~(PLX_MBUF_TIMESTAMP | 3u << PLX_MBUF_RX_CSUM), 0);
		if (r->shared) { /* read-only for the driver */
			if (bed.device)
				assert_memory_equal(m->data + UDP_CSUM, half, 2);
			plx_mbuf_put(m);
		}
		plx_mbuf_put(got);
		finished += r->finished && bed.device;
		assert_int_equal(plx_ctr_read(&s->csums), finished);
	}
	free(flat);
}

/* What no wire can take is dropped by a reason that says so; loop hands it over as it is. */
void test_not_on_a_wire(void **state)
{
	const struct plx_txq_stats *s = &plx_port_txq(bed.a, 0)->stats;
	struct plx_mbuf *m[3], *got;
	uint8_t *flat = malloc(1 << 16);
	const bool wire = bed.device;

	(void)state;
	m[0] = datagram(bed.pool, 0, false, SAID(PARTIAL));
	m[0]->data[PLX_ETH_LEN + 6] |= 0x20; /* more fragments */
	m[1] = datagram(bed.pool, 1, false, 0);
	plx_mbuf_adj(m[1], PLX_ETH_LEN);
	m[1]->flags |= PLX_MBUF_L3;
	m[2] = datagram(bed.pool, 2, false, 0);
	send_all(bed.a, 0, m, 3);
	if (!wire) {
		got = next_of(bed.b, flat);
		assert_int_equal(plx_mbuf_rx_csum(got), PLX_CSUM_PARTIAL);
		plx_mbuf_put(got);
		got = next_of(bed.b, flat);
		assert_int_equal(got->flags, PLX_MBUF_L3);
		assert_int_equal(got->pkt_len, TOTAL - PLX_ETH_LEN);
		plx_mbuf_put(got);
	}
	got = next_of(bed.b, flat);
	assert_int_equal(flat[TOTAL - PAYLOAD], 2);
	plx_mbuf_put(got);
	assert_int_equal(plx_ctr_read(&s->drop[PLX_TX_DROP_csum]), wire);
	assert_int_equal(plx_ctr_read(&s->drop[PLX_TX_DROP_no_l2]), wire);
	assert_int_equal(plx_tx_drops(s), 2 * wire);
	free(flat);
}

/* SPDX-License-Identifier: MIT */
/* bed.c - the test bed of the contract suite: pools, ports, packets; cold. */
#include "contract.h"
#include "driver_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct bed bed;

uint64_t now_ms(void)
{
	return plx_sys_now(&plx_sys_linux) / 1000000;
}

int run_cmd(const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

struct plx_pool *make_pool(void **mem, const char *name, uint32_t frames)
{
	struct plx_pool_conf c = { .name = name, .frames = frames, .node = -1 };
	struct plx_pool *p = NULL;

	*mem = aligned_alloc(4096, (plx_pool_size(&c) + 4095) & ~(size_t)4095);
	assert_non_null(*mem);
	assert_int_equal(plx_pool_init(&p, *mem, &c), 0);
	return p;
}

static void log_line(void *arg, enum plx_log_level level, const char *line)
{
	(void)arg;
	if (level == PLX_LOG_ERROR) {
		snprintf(bed.last_error, sizeof(bed.last_error), "%s", line);
		if (!bed.expect_errors)
			print_message("error: %s\n", line);
	}
}

struct plx_port *open_one(const char *name, const char *peer, uint32_t rxd, uint32_t txd, int *err)
{
	struct plx_port_conf c = plx_port_conf_default;
	struct plx_port *p;

	bed.log = (struct plx_log){ log_line, NULL, PLX_LOG_DEBUG };
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.driver, sizeof(c.driver), "%s", bed.driver);
	if (!strcmp(bed.driver, "loop"))
		snprintf(c.peer, sizeof(c.peer), "%s", peer);
	if (!strcmp(bed.driver, "packet"))
		strcpy(c.fanout, "lb"); /* both queues, whatever the flow */
	c.rxqs = c.txqs = QUEUES;
	c.rxd = rxd;
	c.txd = txd;
	c.mode = bed.mode;
	c.pool = bed.pool;
	c.log = &bed.log;
	c.ports = bed.ports;
	c.id = *name == 'a' ? 1 : 2;
	int e = plx_port_open(&p, &c);
	if (err)
		*err = e;
	else
		assert_int_equal(e, 0);
	return p;
}

void forget(void)
{
	memset(bed.seen, 0, sizeof(bed.seen));
	memset(bed.queue_n, 0, sizeof(bed.queue_n));
	bed.seen_n = bed.strange = 0;
}

void open_pair(uint32_t rxd, uint32_t txd)
{
	forget();
	bed.pool = make_pool(&bed.mem, "main", FRAMES);
	bed.other = make_pool(&bed.mem_other, "other", 512);
	bed.ports[0] = bed.a = open_one("plxca", "plxcb", rxd, txd, NULL);
	bed.ports[1] = bed.b = open_one("plxcb", "plxca", rxd, txd, NULL);
}

void start_pair(void)
{
	assert_int_equal(plx_port_start(bed.a), 0);
	assert_int_equal(plx_port_start(bed.b), 0);
	for (uint16_t i = 0; i < QUEUES; i++) { /* from its first burst on a queue's frames are the port's */
		struct plx_mbuf *m;

		plx_rx_burst(plx_port_rxq(bed.a, i), &m, 0);
		plx_rx_burst(plx_port_rxq(bed.b, i), &m, 0);
	}
	if (bed.device) {
		wait_running("plxca", true);
		wait_running("plxcb", true);
		tell_link(bed.a);
		tell_link(bed.b);
	}
}

static void close_one(struct plx_port **p)
{
	for (int i = 0; i < 2; i++)
		if (*p == bed.ports[i]) {
			plx_port_close(*p);
			bed.ports[i] = NULL;
		}
	*p = NULL;
}

void close_pair(void)
{
	close_one(&bed.a);
	close_one(&bed.b);
	assert_int_equal(plx_pool_avail(bed.pool), FRAMES);
	assert_int_equal(plx_pool_audit(bed.pool), 0);
	assert_int_equal(plx_pool_avail(bed.other), 512);
	assert_int_equal(plx_pool_audit(bed.other), 0);
	assert_ptr_equal(plx_pool_fini(bed.pool), bed.mem);
	assert_ptr_equal(plx_pool_fini(bed.other), bed.mem_other);
	free(bed.mem);
	free(bed.mem_other);
}

/* ---- packets ---- */

static uint8_t pattern(uint32_t seq, uint32_t at)
{
	return (uint8_t)(seq * 31 + at * 7 + (at >> 8));
}

/* What a frame's last user may have left in it: whoever receives in it next shall not see that. */
static void poison(struct plx_mbuf *m)
{
	for (; m; m = m->next) {
		m->user = 0xdeadbeefdeadbeef;
		m->timestamp = 0xbadbadbadbad;
		m->flags = PLX_MBUF_RX; /* what the sender says of the packet would hold */
		m->hash = 0xbadbad;
		m->queue = 0xba;
		m->seg_size = 0;
		m->vlan = 0xbad;
		m->l2_len = 14;
		m->l3_len = 20;
		m->port = 0xba;
	}
}

static void write_head(uint8_t *h, uint32_t seq, uint32_t len)
{
	static const uint8_t macs[14] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	uint32_t s = htonl(seq);
	uint16_t l = htons((uint16_t)len);

	memcpy(h, macs, sizeof(macs));
	memcpy(h + 14, &s, 4);
	memcpy(h + 18, &l, 2);
}

struct plx_mbuf *make_packet(struct plx_pool *pool, uint32_t seq, uint32_t len, unsigned segs)
{
	struct plx_mbuf *head = NULL;
	uint32_t at = 0;

	for (unsigned s = 0; s < segs; s++) {
		struct plx_mbuf *m = plx_mbuf_get(pool);
		uint32_t part = s + 1 < segs ? len / segs : len - at;
		if (!m) {
			plx_mbuf_put(head);
			return NULL;
		}
		uint8_t *d = plx_mbuf_append(m, (uint16_t)part);
		assert_non_null(d);
		for (uint32_t i = 0; i < part; i++)
			d[i] = pattern(seq, at + i);
		if (!s && part >= HEAD)
			write_head(d, seq, len);
		at += part;
		if (head)
			assert_int_equal(plx_mbuf_chain(head, m), 0);
		else
			head = m;
	}
	poison(head);
	return head;
}

/* Every field that a driver writes, as plx_mbuf.h has it. */
void check_metadata(const struct plx_mbuf *m, const struct plx_rxq *q)
{
	/* the packet driver alone is told anything by the kernel */
	const uint32_t may = strcmp(bed.driver, "packet") ? 0 :
	                     PLX_MBUF_TIMESTAMP | 3 << PLX_MBUF_RX_CSUM;

	for (const struct plx_mbuf *s = m; s; s = s->next) {
		const uint8_t *frame = plx_mbuf_frame(s);

		assert_true(s->data >= frame && s->data + s->len <= frame + s->pool->frame_size && s->len);
		assert_int_equal(s->flags & ~(s == m ? may : 0), 0);
		assert_int_equal(s->timestamp != 0, (s->flags & PLX_MBUF_TIMESTAMP) != 0);
		assert_int_equal(s->user | s->hash | s->vlan | s->seg_size | s->l2_len | s->l3_len, 0);
		assert_int_equal(s->queue, q->id);
		assert_int_equal(s->port, q->port_id);
		assert_int_equal(s->ref, 1);
		assert_ptr_equal(s->pool, q->pool);
		if (s != m) {
			assert_int_equal(s->nsegs, 1);
			assert_int_equal(s->pkt_len, s->len);
		}
	}
}

static void check_packet(const struct plx_mbuf *m, const struct plx_rxq *q)
{
	uint8_t buf[16384];
	uint32_t seq, sum = 0;
	uint16_t len;
	unsigned segs = 0;

	for (const struct plx_mbuf *s = m; s; s = s->next, segs++)
		sum += s->len;
	assert_int_equal(sum, m->pkt_len);
	assert_int_equal(segs, m->nsegs);
	check_metadata(m, q);
	assert_true(m->pkt_len <= sizeof(buf));
	const uint8_t *d = plx_mbuf_read(m, 0, m->pkt_len, buf);
	if (m->pkt_len < HEAD || d[12] != 0x88 || d[13] != 0xb5) {
		bed.strange++; /* the kernel's own: neighbour discovery and the like */
		return;
	}
	memcpy(&seq, d + 14, 4);
	memcpy(&len, d + 18, 2);
	seq = ntohl(seq);
	assert_int_equal(ntohs(len), m->pkt_len);
	for (uint32_t i = HEAD; i < m->pkt_len; i++)
		if (d[i] != pattern(seq, i))
			fail_msg("packet %u of %u bytes: byte %u is %02x, not %02x", seq, m->pkt_len, i, d[i],
			         pattern(seq, i));
	assert_true(seq < SEQ_MAX);
	assert_int_equal(bed.seen[seq]++, 0); /* never twice */
	bed.seen_n++;
	bed.queue_n[q->id]++;
}

bool receive(struct plx_port *p, uint32_t want, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	do {
		for (uint16_t i = 0; i < QUEUES; i++) {
			struct plx_mbuf *m[PLX_BURST];
			struct plx_rxq *q = plx_port_rxq(p, i);
			uint16_t n = plx_rx_burst(q, m, PLX_BURST);
			for (uint16_t k = 0; k < n; k++) {
				check_packet(m[k], q);
				poison(m[k]);
				m[k]->pkt_len = 0xbadbad;
			}
			plx_mbuf_put_bulk(m, n);
		}
	} while (bed.seen_n < want && now_ms() < end);
	return bed.seen_n >= want;
}

void send_all(struct plx_port *p, uint16_t q, struct plx_mbuf **m, uint16_t n)
{
	uint64_t end = now_ms() + WAIT_MS;
	uint16_t k = 0;

	while (k < n && now_ms() < end)
		k = (uint16_t)(k + plx_tx_burst(plx_port_txq(p, q), m + k, (uint16_t)(n - k)));
	assert_int_equal(k, n);
}

void exchange(struct plx_port *from, struct plx_port *to, uint16_t q, uint32_t seq, uint32_t len)
{
	struct plx_mbuf *m = make_packet(bed.pool, seq, len, 1);
	uint32_t before = bed.seen_n;

	assert_non_null(m);
	send_all(from, q, &m, 1);
	uint64_t end = now_ms() + WAIT_MS;
	while (!receive(to, before + 1, 20) && now_ms() < end)
		plx_tx_burst(plx_port_txq(from, q), NULL, 0); /* rings again for what the kernel left */
	assert_int_equal(bed.seen[seq], 1);
	assert_int_equal(bed.seen_n, before + 1);
}

void all_told(uint32_t ours)
{
	const struct plx_port *ports[] = { bed.a, bed.b };
	uint32_t rx = 0, tx = 0;

	for (int i = 0; i < 2; i++)
		if (ports[i]->drv->held)
			ports[i]->drv->held(ports[i], &rx, &tx);
	assert_int_equal(plx_pool_avail(bed.pool) + rx + tx + ours, FRAMES);
}

/* ---- link ---- */

void tell_link(struct plx_port *p)
{
	struct plx_link_info li;
	int err = plx_link_query(&plx_sys_linux, p->name, &li);
	enum plx_link link = err == -ENODEV ? PLX_LINK_REMOVED : li.up && li.running ? PLX_LINK_UP : PLX_LINK_DOWN;

	if (p->drv->link)
		p->drv->link(p, link, li.mtu);
	else
		plx_port_set_link(p, link);
}

void wait_running(const char *name, bool running)
{
	struct plx_link_info li;
	uint64_t end = now_ms() + WAIT_MS;

	do {
		assert_int_equal(plx_link_query(&plx_sys_linux, name, &li), 0);
	} while ((li.up && li.running) != running && now_ms() < end);
	assert_int_equal(li.up && li.running, running);
}

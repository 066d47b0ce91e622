/* SPDX-License-Identifier: MIT */
/* test_mbuf.c - packets: room, chains, copies, references and their way back. */
#include "mem_test.h"
#include "thread.h"
#include <errno.h>

static struct plx_pool *pool_of(uint32_t frames)
{
	struct plx_pool_conf c = { .frames = frames, .caches = 2 };
	struct plx_pool *p;

	assert_int_equal(plx_pool_init(&p, mem_of(plx_pool_size(&c), 4096), &c), 0);
	plx_self.slot = 1;
	return p;
}

static struct plx_mbuf *get(struct plx_pool *p)
{
	struct plx_mbuf *m = plx_mbuf_get(p);

	assert_non_null(m);
	return m;
}

/* A packet of segs segments, len bytes each, counting up from first. */
static struct plx_mbuf *packet(struct plx_pool *p, unsigned segs, uint16_t len, uint8_t first)
{
	struct plx_mbuf *head = NULL;

	for (unsigned i = 0; i < segs; i++) {
		struct plx_mbuf *m = get(p);
		uint8_t *b = plx_mbuf_append(m, len);

		assert_non_null(b);
		for (uint16_t k = 0; k < len; k++)
			b[k] = first++;
		if (!head)
			head = m;
		else
			assert_int_equal(plx_mbuf_chain(head, m), 0);
	}
	return head;
}

static void assert_fresh(const struct plx_pool *p, const struct plx_mbuf *m)
{
	assert_ptr_equal(m->data, p->area + plx_pool_frame_off(p, m) + p->data_off);
	assert_ptr_equal(m->pool, p);
	assert_null(m->next);
	assert_true(!m->flags && !m->seg_size && !m->pkt_len && !m->len && !m->vlan && !m->l2_len && !m->l3_len);
	assert_int_equal(m->ref, 1);
	assert_int_equal(m->nsegs, 1);
}

/* Whatever its last owner wrote, a packet comes out of the pool new. */
static void get_is_fresh(void **state)
{
	struct plx_pool *p = pool_of(8);
	struct plx_mbuf *m[9];

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(plx_mbuf_get_bulk(p, m, 9), 8);
		assert_null(plx_mbuf_get(p));
		for (int i = 0; i < 8; i++) {
			assert_fresh(p, m[i]);
			m[i]->data += 3;
			m[i]->flags = m[i]->pkt_len = m[i]->hash = UINT32_MAX;
			m[i]->len = m[i]->seg_size = m[i]->vlan = UINT16_MAX;
			m[i]->queue = UINT8_MAX;
			m[i]->l2_len = 14;
			m[i]->l3_len = 20;
			m[i]->user = m[i]->timestamp = UINT64_MAX;
			m[i]->port = UINT8_MAX;
		}
		plx_mbuf_put_bulk(m, 8);
		m[0] = get(p);
		assert_fresh(p, m[0]);
		plx_mbuf_put(m[0]);
	}
	plx_mbuf_put(NULL);
	pool_end(p);
}

/* What a prepared packet needs is new, and what it does not is left as it was. */
static void get_at_is_prepared(void **state)
{
	static const uint16_t at[] = { PLX_POOL_L2_ROOM, PLX_POOL_L2_ROOM + 70, 2048 };
	struct plx_pool *p = pool_of(8);
	struct plx_mbuf *m[9];

	(void)state;
	for (size_t a = 0; a < PLX_ARRAY_SIZE(at); a++) {
		assert_int_equal(plx_mbuf_get_bulk(p, m, 8), 8);
		for (int i = 0; i < 8; i++) {
			m[i]->flags = m[i]->hash = UINT32_MAX;
			m[i]->seg_size = UINT16_MAX;
			m[i]->l2_len = 14;
			m[i]->l3_len = 20;
			m[i]->user = UINT64_MAX;
		}
		plx_mbuf_put_bulk(m, 8);
		assert_int_equal(plx_mbuf_get_bulk_at(p, m, 9, at[a]), 8);
		assert_int_equal(plx_mbuf_get_bulk_at(p, m + 8, 1, at[a]), 0);
		for (int i = 0; i < 8; i++) {
			assert_ptr_equal(m[i]->data, plx_mbuf_frame(m[i]) + at[a]);
			assert_true(!m[i]->flags && !m[i]->seg_size && !m[i]->l2_len && !m[i]->l3_len);
			assert_true(!m[i]->next && m[i]->nsegs == 1 && m[i]->ref == 1 && m[i]->pool == p);
			assert_true(m[i]->hash == UINT32_MAX && m[i]->user == UINT64_MAX);
		}
		plx_mbuf_put_bulk(m, 8);
	}
	pool_end(p);
}

/* What the application says holds for sending, what a driver found out does not, but that something is to be done. */
static void checksum_states(void **state)
{
	static const enum plx_csum sent_as[4] = { [PLX_CSUM_PARTIAL] = PLX_CSUM_PARTIAL };
	struct plx_pool *p = pool_of(4);
	struct plx_mbuf *m = get(p);

	(void)state;
	for (uint32_t rx = 0; rx < 4; rx++)
		for (uint32_t tx = 0; tx < 4; tx++) {
			m->flags = PLX_MBUF_HASH | PLX_MBUF_L3 | rx << PLX_MBUF_RX_CSUM;
			plx_mbuf_say_csum(m, PLX_CSUM_BAD);
			plx_mbuf_say_csum(m, (enum plx_csum)tx);
			assert_int_equal(plx_mbuf_rx_csum(m), rx);
			assert_int_equal(plx_mbuf_tx_csum(m), tx ? (enum plx_csum)tx : sent_as[rx]);
			assert_true(m->flags & PLX_MBUF_HASH && m->flags & PLX_MBUF_L3 && !(m->flags & PLX_MBUF_VLAN));
		}
	assert_int_equal((PLX_MBUF_HASH | PLX_MBUF_TIMESTAMP | PLX_MBUF_VLAN | 3 << PLX_MBUF_RX_CSUM) >> 16, 0);
	assert_int_equal((PLX_MBUF_L3 | 3u << PLX_MBUF_TX_CSUM) & PLX_MBUF_RX, 0);
	plx_mbuf_put(m);
	pool_end(p);
}

/* The L2 room is in every pool, whatever headroom it was made with, and prepend does not reach it. */
static void l2_room(void **state)
{
	static const uint16_t headroom[] = { 0, 1, 32, 448 };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(headroom); i++) {
		struct plx_pool_conf c = { .frames = 4, .headroom = headroom[i] };
		uint16_t head = headroom[i] ? headroom[i] : PLX_POOL_USER_ROOM;
		struct plx_pool *p;
		struct plx_mbuf *m;

		assert_int_equal(plx_pool_init(&p, mem_of(plx_pool_size(&c), 4096), &c), 0);
		m = get(p);
		assert_int_equal(plx_mbuf_headroom(m), head);
		assert_null(plx_mbuf_prepend(m, (uint16_t)(head + 1)));
		assert_non_null(plx_mbuf_prepend(m, head));
		assert_null(plx_mbuf_prepend(m, 1));
		assert_int_equal(plx_mbuf_headroom(m), 0);
		assert_null(plx_mbuf_prepend_l2(m, PLX_POOL_L2_ROOM + 1));
		assert_int_equal(m->len, head);
		assert_ptr_equal(plx_mbuf_prepend_l2(m, 22), plx_mbuf_frame(m) + PLX_POOL_L2_ROOM - 22);
		assert_int_equal(plx_mbuf_headroom(m), 0); /* and not a wrapped number */
		assert_null(plx_mbuf_prepend(m, 1));
		assert_int_equal(m->pkt_len, head + 22);
		assert_ptr_equal(plx_mbuf_prepend_l2(m, PLX_POOL_L2_ROOM - 22), plx_mbuf_frame(m));
		assert_null(plx_mbuf_prepend_l2(m, 1));
		assert_int_equal(plx_mbuf_tailroom(m), p->frame_size - m->len);
		plx_mbuf_put(m);
		pool_end(p);
	}
}

static void rooms(void **state)
{
	struct plx_pool *p = pool_of(4);
	struct plx_mbuf *m = get(p);
	uint16_t head = p->data_off, tail = (uint16_t)(p->frame_size - head);
	uint8_t *data = m->data;

	(void)state;
	assert_ptr_equal(plx_mbuf_frame(m), p->area + plx_pool_frame_off(p, m));
	assert_int_equal(plx_mbuf_headroom(m), head - PLX_POOL_L2_ROOM);
	assert_int_equal(plx_mbuf_tailroom(m), tail);
	assert_null(plx_mbuf_append(m, tail + 1));
	assert_int_equal(m->len, 0);
	assert_ptr_equal(plx_mbuf_append(m, tail - 1), data);
	assert_ptr_equal(plx_mbuf_append(m, 1), data + tail - 1);
	assert_null(plx_mbuf_append(m, 1));
	assert_ptr_equal(plx_mbuf_append(m, 0), data + tail);
	assert_int_equal(plx_mbuf_tailroom(m), 0);
	assert_null(plx_mbuf_prepend_l2(m, head + 1));
	assert_ptr_equal(plx_mbuf_prepend_l2(m, head), plx_mbuf_frame(m));
	assert_null(plx_mbuf_prepend_l2(m, 1));
	assert_int_equal(m->len, p->frame_size);
	assert_int_equal(m->pkt_len, p->frame_size);
	assert_null(plx_mbuf_adj(m, (uint16_t)(p->frame_size + 1)));
	assert_ptr_equal(plx_mbuf_adj(m, head), data);
	assert_int_equal(plx_mbuf_trim(m, tail + 1), -EINVAL);
	assert_int_equal(plx_mbuf_trim(m, tail), 0);
	assert_int_equal(m->len, 0);
	assert_int_equal(m->pkt_len, 0);
	assert_ptr_equal(plx_mbuf_adj(m, 0), data);
	assert_null(plx_mbuf_adj(m, 1));
	plx_mbuf_put(m);
	pool_end(p);
}

static void chains(void **state)
{
	struct plx_pool *p = pool_of(300);
	struct plx_mbuf *m = packet(p, 3, 100, 0), *more, *last = m->next->next;

	(void)state;
	assert_int_equal(m->nsegs, 3);
	assert_int_equal(m->pkt_len, 300);
	assert_int_equal(m->len, 100);
	assert_ptr_equal(plx_mbuf_append(m, 10), last->data + 100);
	assert_int_equal(m->pkt_len, 310);
	assert_int_equal(last->len, 110);
	assert_int_equal(plx_mbuf_trim(m, 111), -EINVAL);
	assert_int_equal(plx_mbuf_trim(m, 110), 0);
	assert_null(plx_mbuf_adj(m, 101));
	assert_non_null(plx_mbuf_adj(m, 100));
	assert_int_equal(m->pkt_len, 100);
	assert_non_null(plx_mbuf_prepend(m, 50));
	assert_int_equal(m->pkt_len, 150);
	more = packet(p, 252, 1, 0);
	assert_int_equal(plx_mbuf_chain(m, more), 0);
	assert_int_equal(m->nsegs, 255);
	more = get(p);
	assert_int_equal(plx_mbuf_chain(m, more), -EOVERFLOW);
	assert_fresh(p, more);
	assert_int_equal(m->nsegs, 255);
	assert_int_equal(m->pkt_len, 150 + 252);
	assert_int_equal(plx_pool_avail(p), 300 - 256);
	plx_mbuf_put(more);
	plx_mbuf_put(m);
	pool_end(p);
}

static void reads(void **state)
{
	struct plx_pool *p = pool_of(8);
	struct plx_mbuf *m = packet(p, 3, 50, 0);
	uint8_t buf[151];
	const uint8_t *at;

	(void)state;
	assert_ptr_equal(plx_mbuf_read(m, 0, 50, buf), m->data);
	assert_ptr_equal(plx_mbuf_read(m, 50, 50, buf), m->next->data);
	assert_ptr_equal(plx_mbuf_read(m, 149, 1, buf), m->next->next->data + 49);
	for (uint32_t off = 0; off <= 152; off++)
		for (uint32_t n = 0; n <= 152; n++) {
			at = plx_mbuf_read(m, off, n, buf);
			if (off + n > 150) {
				assert_null(at);
				continue;
			}
			assert_non_null(at);
			for (uint32_t i = 0; i < n; i++)
				assert_int_equal(at[i], off + i);
		}
	assert_null(plx_mbuf_read(m, UINT32_MAX, 2, buf));
	assert_null(plx_mbuf_read(m, 2, UINT32_MAX, buf));
	plx_mbuf_put(m);
	pool_end(p);
}

static void copies(void **state)
{
	struct plx_pool *p = pool_of(16), *q = pool_of(4);
	struct plx_mbuf *m = packet(p, 5, 1000, 7), *c, *hold[4];
	uint8_t *buf = malloc(5000), *buf2 = malloc(5000);

	(void)state;
	m->user = 1;
	m->timestamp = 2;
	m->flags = PLX_MBUF_HASH | PLX_MBUF_VLAN;
	m->hash = 3;
	m->queue = 4;
	m->vlan = 5;
	m->l2_len = 14;
	m->l3_len = 20;
	m->port = 6;
	c = plx_mbuf_copy(m, q);
	assert_non_null(c);
	assert_int_equal(c->pkt_len, 5000);
	assert_int_equal(c->nsegs, 3); /* 1792 bytes a frame */
	assert_ptr_equal(c->pool, q);
	assert_true(c->user == 1 && c->timestamp == 2 && c->flags == (PLX_MBUF_HASH | PLX_MBUF_VLAN));
	assert_true(c->hash == 3 && c->queue == 4 && c->vlan == 5 && c->port == 6);
	assert_true(c->l2_len == 14 && c->l3_len == 20);
	assert_memory_equal(plx_mbuf_read(m, 0, 5000, buf), plx_mbuf_read(c, 0, 5000, buf2), 5000);
	assert_null(plx_mbuf_copy(m, q)); /* one frame left, and it stays there */
	assert_int_equal(plx_pool_avail(q), 1);
	plx_mbuf_put(c);
	assert_int_equal(plx_mbuf_get_bulk(q, hold, 4), 4);
	assert_null(plx_mbuf_copy(m, q));
	plx_mbuf_put_bulk(hold, 4);
	c = get(q); /* an empty packet has an empty copy */
	assert_non_null(hold[0] = plx_mbuf_copy(c, p));
	assert_int_equal(hold[0]->pkt_len, 0);
	plx_mbuf_put(hold[0]);
	plx_mbuf_put(c);
	plx_mbuf_put(m);
	pool_end(q);
	pool_end(p);
	free(buf);
	free(buf2);
}

static void linearize(void **state)
{
	struct plx_pool *p = pool_of(6);
	struct plx_mbuf *m = packet(p, 4, 448, 0), *was = m, *hold[2];

	(void)state;
	assert_int_equal(m->pkt_len, 2048 - 256);
	m->user = 77;
	assert_int_equal(plx_mbuf_get_bulk(p, hold, 2), 2);
	assert_int_equal(plx_mbuf_linearize(&m), -ENOBUFS);
	assert_ptr_equal(m, was);
	assert_int_equal(m->nsegs, 4);
	plx_mbuf_put_bulk(hold, 2);
	assert_non_null(plx_mbuf_append(m, 1));
	assert_int_equal(plx_mbuf_linearize(&m), -EMSGSIZE);
	assert_ptr_equal(m, was);
	assert_int_equal(plx_mbuf_trim(m, 1), 0);
	assert_int_equal(plx_mbuf_linearize(&m), 0);
	assert_true(!m->next && m->nsegs == 1 && m->len == 1792 && m->pkt_len == 1792 && m->user == 77);
	for (int i = 0; i < 1792; i++)
		assert_int_equal(m->data[i], (uint8_t)i);
	assert_int_equal(plx_pool_avail(p), 5);
	was = m;
	assert_int_equal(plx_mbuf_linearize(&m), 0); /* already is */
	assert_ptr_equal(m, was);
	plx_mbuf_put(m);
	pool_end(p);
}

static void references(void **state)
{
	struct plx_pool *p = pool_of(8);
	struct plx_mbuf *m = packet(p, 3, 10, 0), *bulk[3];

	(void)state;
	plx_mbuf_ref(m, 2);
	assert_int_equal(m->next->next->ref, 3);
	plx_mbuf_put(m);
	plx_mbuf_put(m);
	assert_int_equal(plx_pool_avail(p), 5);
	assert_int_equal(m->pkt_len, 30);
	assert_int_equal(m->nsegs, 3);
	assert_non_null(m->next);
	plx_mbuf_put(m);
	assert_int_equal(plx_pool_avail(p), 8);
	m = get(p);
	plx_mbuf_ref(m, 2);
	bulk[0] = bulk[1] = bulk[2] = m; /* three owners' references in one call */
	plx_mbuf_put_bulk(bulk, 3);
	m = get(p); /* as many owners as there may be */
	plx_mbuf_ref(m, 200);
	plx_mbuf_ref(m, 54);
	assert_int_equal(m->ref, 255);
	for (int i = 0; i < 254; i++)
		plx_mbuf_put(m);
	assert_int_equal(m->ref, 1);
	plx_mbuf_put(m);
	pool_end(p);
}

/* One bulk of all there is: plain, chained, shared, NULL, of two pools. */
static void mixed_bulk(void **state)
{
	struct rng r = rng_of(1);
	struct plx_pool *p[2] = { pool_of(400), pool_of(300) };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct plx_mbuf *m[64], *shared[64];
		uint16_t n = (uint16_t)rng_below(&r, 65), nshared = 0;

		for (uint16_t i = 0; i < n; i++)
			switch (rng_below(&r, 8)) {
			case 0:
				m[i] = NULL;
				break;
			case 1:
				m[i] = packet(p[rng_below(&r, 2)], 1 + rng_below(&r, 4), 8, 0);
				break;
			case 2:
				m[i] = shared[nshared++] = packet(p[rng_below(&r, 2)], 1 + rng_below(&r, 3), 8, 0);
				plx_mbuf_ref(m[i], 1);
				break;
			case 3: /* a chain across pools */
				m[i] = packet(p[0], 1, 8, 0);
				assert_int_equal(plx_mbuf_chain(m[i], packet(p[1], 2, 8, 0)), 0);
				break;
			default:
				m[i] = get(p[rng_below(&r, 8) == 0]);
			}
		plx_mbuf_put_bulk(m, n);
		plx_mbuf_put_bulk(shared, nshared);
		assert_int_equal(plx_pool_avail(p[0]), 400);
		assert_int_equal(plx_pool_avail(p[1]), 300);
	}
	pool_end(p[0]);
	pool_end(p[1]);
}

/* Random edits of a chain against a plain array of bytes. */
static void model(void **state)
{
	struct rng r = rng_of(2);
	struct plx_pool *p = pool_of(256);
	static uint8_t want[1 << 20];

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct plx_mbuf *m = get(p), *last;
		uint32_t lo = sizeof(want) / 2, hi = lo;
		static uint8_t buf[1 << 19];

		for (int op = 0; op < 60; op++) {
			uint16_t n = (uint16_t)rng_below(&r, rng_below(&r, 2) ? 30 : 600);
			uint8_t *at = NULL;

			for (last = m; last->next; last = last->next)
				;
			switch (rng_below(&r, 6)) {
			case 0:
				at = plx_mbuf_prepend(m, n);
				if (at)
					lo -= n;
				for (uint16_t i = 0; at && i < n; i++)
					at[i] = want[lo + i] = (uint8_t)rng_below(&r, 256);
				break;
			case 1:
			case 2:
				at = plx_mbuf_append(m, n);
				for (uint16_t i = 0; at && i < n; i++)
					at[i] = want[hi++] = (uint8_t)rng_below(&r, 256);
				break;
			case 3:
				if (plx_mbuf_adj(m, n))
					lo += n;
				break;
			case 4:
				if (!plx_mbuf_trim(m, n))
					hi -= n;
				break;
			case 5:
				if (m->nsegs < 40 && hi - lo < 20000) {
					struct plx_mbuf *c = plx_mbuf_copy(m, p);

					assert_non_null(c);
					memcpy(want + hi, want + lo, hi - lo);
					hi += hi - lo;
					assert_int_equal(plx_mbuf_chain(m, c), 0);
				}
			}
			assert_int_equal(m->pkt_len, hi - lo);
		}
		assert_memory_equal(plx_mbuf_read(m, 0, hi - lo, buf), want + lo, hi - lo);
		if (!plx_mbuf_linearize(&m))
			assert_memory_equal(m->data, want + lo, hi - lo);
		plx_mbuf_put(m);
		assert_int_equal(plx_pool_avail(p), 256);
	}
	pool_end(p);
}

/* ---- threads: packets with several owners, each of which puts its reference ---- */

enum { SHARERS = 2, PACKETS = 20000 };

/* One packet at a time: the last to arrive makes it, then all put it at once. */
struct meeting { struct plx_pool *p; struct plx_mbuf *m; uint32_t arrived, open; };
struct sharer { struct meeting *t; uint32_t slot, sum; };

static void meet(struct meeting *t, uint32_t round)
{
	if (__atomic_add_fetch(&t->arrived, 1, __ATOMIC_ACQ_REL) == SHARERS * (round + 1)) {
		t->m = packet(t->p, 2, 1, 1);
		plx_mbuf_ref(t->m, SHARERS - 1);
		__atomic_store_n(&t->open, round + 1, __ATOMIC_RELEASE);
	}
	for (unsigned spins = 0; __atomic_load_n(&t->open, __ATOMIC_ACQUIRE) != round + 1;)
		if (++spins % 1024 == 0)
			sched_yield();
}

static void *put_shared(void *arg)
{
	struct sharer *s = arg;

	plx_self.slot = s->slot;
	for (uint32_t round = 0; round < PACKETS; round++) {
		struct plx_mbuf *m;

		meet(s->t, round);
		m = s->t->m;
		s->sum += m->data[0] + m->next->data[0];
		plx_mbuf_put(m);
	}
	return NULL;
}

static void shared_by_threads(void **state)
{
	struct meeting t = { .p = pool_of(1024) };
	struct sharer s[SHARERS];

	(void)state;
	for (uint32_t i = 0; i < SHARERS; i++)
		s[i] = (struct sharer){ .t = &t, .slot = i };
	run_threads(SHARERS, put_shared, s, sizeof(s[0]));
	for (int i = 0; i < SHARERS; i++)
		assert_int_equal(s[i].sum, PACKETS * 3);
	pool_end(t.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_is_fresh),
		cmocka_unit_test(get_at_is_prepared),
		cmocka_unit_test(checksum_states),
		cmocka_unit_test(l2_room),
		cmocka_unit_test(rooms),
		cmocka_unit_test(chains),
		cmocka_unit_test(reads),
		cmocka_unit_test(copies),
		cmocka_unit_test(linearize),
		cmocka_unit_test(references),
		cmocka_unit_test(mixed_bulk),
		cmocka_unit_test(model),
		cmocka_unit_test(shared_by_threads),
	};

	seed_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* verify.c - payload patterns and the account of each flow; hot; called by the generator
   and by the sinks. */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>

enum { MAGIC_PATTERN = 0x506b, MAGIC_ZERO = 0x507a };

struct head { uint16_t magic; uint32_t run, flow; uint64_t seq; } __attribute__((packed));
static_assert(sizeof(struct head) == VERIFY_HEAD, "the head fills the payload of a 60-byte frame");

int verify_init(struct verify *v, uint32_t flows, uint32_t run)
{
	uintptr_t at;

	/* calloc, not aligned_alloc: a flow that is never seen shall cost no page */
	*v = (struct verify){ .flows = flows, .run = run };
	v->mem = calloc(flows + 1ul, sizeof(*v->flow));
	if (!v->mem)
		return -ENOMEM;
	at = ((uintptr_t)v->mem + PLX_CACHELINE - 1) & ~(uintptr_t)(PLX_CACHELINE - 1);
	v->flow = (struct verify_flow *)at;
	return 0;
}

void verify_fini(struct verify *v)
{
	free(v->mem);
	v->mem = NULL;
}

/* The pattern is a row of 64-bit words, first + i * step; a packet that is shifted, cut,
   repeated or mixed with another one does not match. */
static const uint64_t step = 0x9e3779b97f4a7c15u;

static uint64_t first_word(uint32_t run, uint32_t flow, uint64_t seq)
{
	uint64_t x = seq * 0xbf58476d1ce4e5b9u + ((uint64_t)run << 32 | flow);

	x ^= x >> 29;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 32;
}

/* Words stand on the wire with the lowest byte first, on any machine. */
static inline uint64_t le64(uint64_t w) { return plx_be64(__builtin_bswap64(w)); }

void verify_write(uint8_t *p, uint32_t len, uint32_t run, uint32_t flow, uint64_t seq, bool pattern)
{
	struct head h = { plx_be16(pattern ? MAGIC_PATTERN : MAGIC_ZERO), plx_be32(run), plx_be32(flow),
		          plx_be64(seq) };
	uint64_t w = first_word(run, flow, seq), le;

	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	len -= sizeof(h);
	if (!pattern) {
		memset(p, 0, len);
		return;
	}
	for (; len >= 8; len -= 8, p += 8, w += step) {
		le = le64(w);
		memcpy(p, &le, 8);
	}
	le = le64(w);
	memcpy(p, &le, len);
}

static bool rest_matches(const uint8_t *p, uint32_t len, uint64_t w, uint64_t inc)
{
	uint64_t diff = 0, v;

	for (; len >= 8; len -= 8, p += 8, w += inc) {
		memcpy(&v, p, 8);
		diff |= v ^ le64(w);
	}
	v = le64(w);
	memcpy(&v, p, len);
	return !(diff | (v ^ le64(w)));
}

enum verdict { FOREIGN, CORRUPT, GOOD };

static bool head_of_run(struct head *h, const uint8_t *p, uint32_t len, uint32_t at, uint32_t run)
{
	if (at + VERIFY_HEAD > len)
		return false;
	memcpy(h, p + at, sizeof(*h));
	return !run || h->run == plx_be32(run);
}

/* A packet is ours when it bears our run where a payload begins, though nothing else of it be right: what
   others send may be as unsound as they like.  Until the run is known a packet must be faultless to tell it. */
static enum verdict judge(struct verify *v, const uint8_t *p, uint32_t len, uint32_t *flow, uint64_t *seq,
                          uint32_t *bytes)
{
	uint32_t run = __atomic_load_n(&v->run, __ATOMIC_RELAXED);
	struct plx_pkt k;
	struct head h;
	int err = plx_parse(&k, p, len);
	const uint32_t at = PLX_ETH_LEN + k.vlans * PLX_VLAN_LEN + PLX_IP4_LEN + PLX_UDP_LEN;
	const struct plx_udphdr *udp;
	bool pattern, sound;
	uint64_t w;

	if (err || k.l4 != PLX_L4_UDP || k.payload_len < VERIFY_HEAD || !head_of_run(&h, p, len, k.payload_off, run))
		/* its headers may be what is damaged: they have no options */
		return run && head_of_run(&h, p, len, at, run) ? CORRUPT : FOREIGN;
	udp = (const struct plx_udphdr *)(p + k.l4_off);
	pattern = h.magic == plx_be16(MAGIC_PATTERN);
	if (!pattern && h.magic != plx_be16(MAGIC_ZERO))
		return run ? CORRUPT : FOREIGN;
	*flow = plx_be32(h.flow);
	*seq = plx_be64(h.seq);
	*bytes = k.payload_len;
	w = pattern ? first_word(plx_be32(h.run), *flow, *seq) : 0;
	/* the generator never leaves the checksum out: 0 means that someone on the way did */
	sound = udp->csum && k.l3_len == (uint32_t)(k.payload_off - k.l3_off) + k.payload_len && plx_csum_ok(p, &k) &&
	        rest_matches(p + k.payload_off + VERIFY_HEAD, k.payload_len - VERIFY_HEAD, w, pattern ? step : 0);
	if (!sound)
		return run ? CORRUPT : FOREIGN;
	if (!run &&
	    __atomic_compare_exchange_n(&v->run, &run, plx_be32(h.run), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		run = plx_be32(h.run);
	return plx_be32(h.run) != run ? FOREIGN : *flow < v->flows ? GOOD : CORRUPT;
}

static bool bit_get(const struct verify_flow *f, uint64_t seq)
{
	return f->bits[seq % VERIFY_WINDOW / 64] >> seq % 64 & 1;
}

static void bit_set(struct verify_flow *f, uint64_t seq, bool on)
{
	uint64_t *w = &f->bits[seq % VERIFY_WINDOW / 64], b = 1ull << seq % 64;

	*w = on ? *w | b : *w & ~b;
}

static void enter(struct verify_flow *f, uint64_t seq, uint32_t len)
{
	if (!f->seen) {
		f->seen = true;
		f->base = f->next = seq;
	}
	if (plx_likely(seq >= f->next)) {
		uint64_t gap = seq - f->next;

		if (plx_unlikely(gap >= VERIFY_WINDOW))
			memset(f->bits, 0, sizeof(f->bits));
		else
			for (uint64_t s = f->next; s < seq; s++)
				bit_set(f, s, false);
		f->next = seq + 1;
	} else if (f->next - seq > VERIFY_WINDOW) {
		f->stale++;
		return;
	} else if (seq >= f->base && bit_get(f, seq)) {
		f->duplicates++;
		return;
	} else {
		f->reordered++;
		for (; f->base > seq; f->base--) /* what lies between was not seen either */
			bit_set(f, f->base - 1, false);
	}
	bit_set(f, seq, true);
	f->received++;
	f->bytes += len;
}

bool verify_count(struct verify *v, uint32_t flow, uint64_t seq, uint32_t len)
{
	struct verify_flow *f = &v->flow[flow];

	/* acquire: pairs with the release below on the lcore that had the flow before */
	if (__atomic_exchange_n(&f->busy, 1, __ATOMIC_ACQUIRE))
		return false;
	enter(f, seq, len);
	__atomic_store_n(&f->busy, 0, __ATOMIC_RELEASE);
	return true;
}

bool verify_settle(struct verify *v, struct verify_sink *s)
{
	uint16_t left = 0;

	for (uint16_t i = 0; i < s->nwait; i++)
		if (!verify_count(v, s->wait[i].flow, s->wait[i].seq, s->wait[i].len))
			s->wait[left++] = s->wait[i];
	s->nwait = left;
	return left == 0;
}

/* A flow that waits must go on waiting for its later packets too, or they would overtake. */
static bool waits(const struct verify_sink *s, uint32_t flow)
{
	for (uint16_t i = 0; i < s->nwait; i++)
		if (s->wait[i].flow == flow)
			return true;
	return false;
}

void verify_frames(struct verify *v, struct verify_sink *s, struct plx_mbuf **m, uint16_t n)
{
	uint64_t good = 0, bytes = 0, corrupt = 0, foreign = 0;

	for (uint16_t i = 0; i < n; i++) {
		const uint8_t *p = m[i]->data;
		uint32_t len = m[i]->len, flow = 0, payload = 0;
		uint64_t seq = 0;
		enum verdict is;

		if (plx_unlikely(m[i]->nsegs > 1)) {
			len = m[i]->pkt_len;
			p = len <= sizeof(s->packet) ? plx_mbuf_read(m[i], 0, len, s->packet) : NULL;
		}
		is = p ? judge(v, p, len, &flow, &seq, &payload) : FOREIGN;
		good += is == GOOD;
		bytes += is == GOOD ? payload : 0;
		corrupt += is == CORRUPT;
		foreign += is == FOREIGN;
		if (is == GOOD && ((s->nwait && waits(s, flow)) || !verify_count(v, flow, seq, len))) {
			PLX_ASSERT(s->nwait < VERIFY_WAIT);
			s->wait[s->nwait].flow = flow;
			s->wait[s->nwait].len = len;
			s->wait[s->nwait++].seq = seq;
		}
	}
	plx_ctr_add(&s->good, good);
	plx_ctr_add(&s->bytes, bytes);
	if (plx_unlikely(corrupt))
		plx_ctr_add(&s->corrupt, corrupt);
	if (plx_unlikely(foreign))
		plx_ctr_add(&s->foreign, foreign);
}

void verify_sum(struct verify *v, uint32_t flow, uint64_t sent, struct verify_sums *t)
{
	const struct verify_flow *f = &v->flow[flow];
	uint64_t expected = sent != UINT64_MAX ? sent : f->next - f->base;

	t->expected += expected;
	t->received += f->received;
	t->bytes += f->bytes;
	t->lost += expected > f->received ? expected - f->received : 0;
	t->duplicates += f->duplicates;
	t->reordered += f->reordered;
	t->stale += f->stale;
}

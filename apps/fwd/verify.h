/* SPDX-License-Identifier: MIT */
/* verify.h - what plx-fwd's generators put into a payload, and the account of what comes
   back.

     UDP payload:  magic 2 | run 4 | flow 4 | sequence 8 | pattern of (run, flow, sequence)

   big-endian, 18 bytes and then every byte to the end.  Each flow counts its packets from
   0.  A flow is normally seen by one lcore; if it moves to another queue, the two lcores
   take its state in turns by its `busy` word, and what a lcore finds taken waits in its
   own list, so no lcore ever spins. */
#ifndef VERIFY_H
#define VERIFY_H

#include <pollux/plx.h>

enum {
	VERIFY_HEAD   = 18,
	VERIFY_WINDOW = 2048, /* sequence numbers behind the highest seen that a late packet may have */
	VERIFY_WAIT   = 1024, /* packets of one sink that wait for a flow's state */
	VERIFY_PACKET = 65536 /* longest chained packet that is checked */
};

struct verify_flow {
	_Alignas(PLX_CACHELINE) uint32_t busy; /* atomic; 1 = a lcore works on it */
	bool     seen;
	uint64_t base, next;     /* [base, next) were to come up to now */
	uint64_t received, bytes; /* of them, once each; bytes: of their frames */
	uint64_t duplicates, reordered, stale; /* stale: older than the window, late or duplicate */
	uint64_t bits[VERIFY_WINDOW / 64];     /* sequence s was seen: bit s % VERIFY_WINDOW */
};

struct verify {
	struct verify_flow *flow;
	void    *mem;
	uint32_t flows;
	uint32_t run;            /* atomic; 0 = not known yet, the first good packet tells */
};

/* What one receive queue found; one writer, its lcore. */
struct verify_sink {
	plx_ctr  good, bytes;    /* packets without a fault, and payload bytes checked in them */
	plx_ctr  corrupt;        /* ours, but a byte, length or checksum is wrong */
	plx_ctr  foreign;        /* not ours, sound or not */
	uint16_t nwait;
	struct { uint32_t flow, len; uint64_t seq; } wait[VERIFY_WAIT];
	uint8_t  packet[VERIFY_PACKET];
};

struct verify_sums { uint64_t expected, received, bytes, lost, duplicates, reordered, stale; };

/* verify_init: 0 or -ENOMEM.  run 0 = learn it from what arrives. */
int  verify_init(struct verify *v, uint32_t flows, uint32_t run);
void verify_fini(struct verify *v);

/* verify_write fills the payload [p, p + len), len >= VERIFY_HEAD; without pattern the rest
   is zero, and is checked to be. */
void verify_write(uint8_t *p, uint32_t len, uint32_t run, uint32_t flow, uint64_t seq, bool pattern);

/* verify_frames checks n received packets and accounts for them; they stay the caller's. */
void verify_frames(struct verify *v, struct verify_sink *s, struct plx_mbuf **m, uint16_t n);
/* verify_settle accounts for packets that waited; true if none waits any more.  The sink's
   lcore, before each burst; a burst is only taken while the list has room for it. */
bool verify_settle(struct verify *v, struct verify_sink *s);

/* verify_count enters one packet, of a frame of len bytes; false if another lcore has the flow just now. */
bool verify_count(struct verify *v, uint32_t flow, uint64_t seq, uint32_t len);

/* verify_sum adds the account of one flow to *t.  sent: how many were sent, UINT64_MAX = not
   known, then it ends at the highest seen and begins at the lowest.  Quiescent. */
void verify_sum(struct verify *v, uint32_t flow, uint64_t sent, struct verify_sums *t);

#endif

/* SPDX-License-Identifier: MIT */
/* fwd.h - plx-fwd's inside: options, what polls, and who writes what.

     generator (one a transmit queue)  --tx-->  peer  --rx-->  sink (one a receive queue)
     path (one a receive queue)        rx --> edit --> tx

   An lcore writes only its own paths, generators and sinks; the main thread reads their
   counters and writes fwd.stop. */
#ifndef FWD_H
#define FWD_H

#include "verify.h"

enum fwd_mode { FWD_IO, FWD_MAC, FWD_MACSWAP, FWD_5TSWAP, FWD_RXONLY, FWD_TXONLY, FWD_FLOWGEN, FWD_ICMPECHO, FWD_CSUM,
                FWD_MODES };
enum fwd_pairing { FWD_PAIRED, FWD_CHAINED, FWD_LOOP };

enum { FWD_LENGTHS = 32, FWD_FLOWS_MAX = 1 << 20,
       FWD_LOSS_ALL = 100000000 }; /* 100% of --max-loss, which has 6 decimals */

/* Options that not every mode has a use of. */
enum fwd_given { FWD_PAIRING, FWD_RETRY, FWD_LENGTH, FWD_FLOWS, FWD_RATE, FWD_WINDOW, FWD_PEER_MAC, FWD_SRC_MAC,
                 FWD_SRC_IP, FWD_DST_IP, FWD_SPORT, FWD_DPORT, FWD_DRAIN, FWD_SEED, FWD_VERIFY, FWD_GIVEN };

/* The lengths of generated frames: a list taken in turn, or any within [lo, hi]. */
struct fwd_lengths { uint16_t n, of[FWD_LENGTHS]; bool range; };

struct fwd_conf {
	enum fwd_mode mode;
	enum fwd_pairing pairing;
	uint16_t burst;
	uint16_t retry;           /* tries to send an unsent tail again before it is dropped */
	uint64_t stats_period;    /* ns; 0 = none */
	bool     json, verify;
	uint64_t duration;        /* ns; 0 = until a signal */
	uint64_t count;           /* packets; 0 = no end */
	struct fwd_lengths lengths;
	uint32_t flows;           /* of each port */
	uint64_t rate;            /* packets per second of all generators; 0 = unlimited */
	uint64_t window;          /* generated packets that may be on the way; 0 = any number */
	bool     has_peer, has_src;
	uint8_t  peer_mac[6], src_mac[6];
	uint32_t src_ip, dst_ip;  /* big-endian */
	uint16_t sport, dport;
	bool     has_min_pps;
	uint64_t min_pps;
	uint64_t max_loss;        /* packets, or parts of FWD_LOSS_ALL of what was sent */
	bool     max_loss_ratio;
	uint64_t drain;           /* ns to wait for what is still on the way at the end */
	uint64_t seed;
	uint32_t given;           /* bits of enum fwd_given */
};

/* options.c: the table of the parser; dst is a struct fwd_conf */
extern const struct plx_opt fwd_opts[];
void fwd_conf_init(struct fwd_conf *c);
/* fwd_conf_check: 0, or -EINVAL and one line in why[] about options that do not go together. */
int  fwd_conf_check(const struct fwd_conf *c, char *why, size_t whylen);
/* fwd_conf_ports: the same of a mode that receives, on ports of which none does. */
int  fwd_conf_ports(const struct fwd_conf *c, const struct plx_env_conf *env, char *why, size_t whylen);
/* fwd_loss_allowed: how many of that many packets may be lost. */
uint64_t fwd_loss_allowed(const struct fwd_conf *c, uint64_t of);
const char *fwd_mode_name(enum fwd_mode m);
static inline bool fwd_generates(const struct fwd_conf *c) { return c->mode == FWD_TXONLY || c->mode == FWD_FLOWGEN; }
static inline bool fwd_sinks(const struct fwd_conf *c) { return c->mode == FWD_RXONLY || c->mode == FWD_FLOWGEN; }

/* What forwards from one receive queue. */
struct fwd_path {
	_Alignas(PLX_CACHELINE) struct plx_rxq *rx;
	struct plx_txq *tx;
	uint16_t burst, retry;
	struct plx_ethhdr mac;       /* what mode mac writes */
	plx_ctr  dropped;         /* not taken by tx, after all retries */
	plx_ctr  ignored;         /* received, but nothing for this mode: icmpecho */
};

/* What generates for one transmit queue: flows first, first + step, ... */
struct fwd_gen {
	_Alignas(PLX_CACHELINE) struct plx_txq *tx;
	struct fwd *f;
	uint32_t first, step, n;  /* flows: number of the first, distance, how many */
	uint32_t at;              /* index of the next */
	uint64_t *seq;            /* next sequence number of each */
	uint64_t left;            /* packets still to be made */
	uint64_t cost, limit, credit, last; /* token bucket, cycles << 8: of a packet, full, now; cycles at last */
	uint64_t rng;
	uint16_t turn;            /* of the list of lengths */
	uint16_t due;             /* length of the next packet if it was drawn already, 0 = it was not */
	uint16_t room;            /* bytes of one segment */
	uint8_t *flat;            /* a packet of several is made here first */
	uint16_t nheld, sent_to;  /* held[sent_to, nheld) were made and are still to be sent */
	bool     ready;           /* every queue that packets may come back to is read */
	bool     done;            /* atomic: nothing more will come */
	uint64_t ready_at, done_at; /* cycles, with done */
	plx_ctr  sent, bytes, held_back; /* held_back: bursts of which a tail was not taken */
	uint8_t  head[PLX_ETH_LEN + PLX_IP4_LEN + PLX_UDP_LEN];
	uint64_t ip_sum, l4_sum;  /* of what is the same in all packets */
	struct plx_mbuf *held[PLX_BURST_MAX];
	uint16_t len[PLX_BURST_MAX];
	uint32_t flow[PLX_BURST_MAX]; /* index into seq */
};

struct fwd_sink {
	_Alignas(PLX_CACHELINE) struct plx_rxq *rx;
	struct fwd *f;
	struct verify_sink *verify; /* NULL if nothing is verified */
	plx_ctr  received;        /* packets, whether ours or not */
	bool     reads;           /* atomic: it has read its queue */
};

struct fwd {
	struct fwd_conf conf;
	struct plx_env *env;
	uint32_t run;             /* of this run's packets */
	bool     stop;            /* atomic: generators make no more */
	uint64_t written_off;     /* atomic: packets that --window awaits no longer */
	struct fwd_path *path;
	struct fwd_gen  *gen;
	struct fwd_sink *sink;
	uint32_t npaths, ngens, nsinks;
	struct verify verify;
};

/* setup.c: 0 or -errno, which went to the log */
int  fwd_setup(struct fwd *f);
void fwd_teardown(struct fwd *f);

/* modes.c, icmpecho.c */
plx_poll_fn fwd_mode_poll(enum fwd_mode m);
int fwd_icmpecho_poll(void *arg);
void fwd_send(struct fwd_path *p, struct plx_mbuf **m, uint16_t n);

/* flowgen.c */
int  fwd_gen_init(struct fwd_gen *g, struct fwd *f, struct plx_txq *tx, uint32_t port);
void fwd_gen_pace(struct fwd_gen *g, uint64_t hz);
void fwd_gen_fini(struct fwd_gen *g); /* puts what is held; quiescent */
void fwd_gen_free(struct fwd_gen *g); /* its memory; after fini and fwd_sum */
int  fwd_gen_poll(void *arg);
int  fwd_sink_poll(void *arg);
uint64_t fwd_gens_sent(const struct fwd *f);
uint64_t fwd_sinks_received(const struct fwd *f); /* ours, if verified */
uint64_t fwd_sinks_taken(const struct fwd *f);    /* all, whosever they are */
/* fwd_gens_done: all; cycles of the first begin, the last end */
bool fwd_gens_done(const struct fwd *f, uint64_t *from, uint64_t *to);
void fwd_sum(struct fwd *f, struct verify_sums *t); /* over all flows; quiescent */

#endif

/* SPDX-License-Identifier: MIT */
/* report.h - live statistics, the end of a run and its account; the main thread's. */
#ifndef REPORT_H
#define REPORT_H

#include "fwd.h"

#include <stdio.h>

struct port_counts {
	uint64_t rx_offered, rx_packets, rx_bytes, rx_drops, tx_packets, tx_bytes, tx_drops;
	bool     offered_told;
};

struct report {
	struct fwd *f;
	bool     tty;
	bool     begun, finished; /* lcores ran; the run ended by itself, not by a signal */
	uint64_t start, end;      /* ns; end: generators done, or the end of the run */
	uint64_t back_since;      /* ns since when all is back, 0 = not yet */
	uint64_t last, last_received; /* --window: time of the last progress */
	uint64_t last_line;       /* ns of the last statistics */
	unsigned lines;
	struct port_counts prev[PLX_PORTS_MAX];
};

/* The account of a run; numbers nobody knows are not shown. */
struct result {
	uint64_t ns, sent, sent_bytes, received, received_bytes, dropped, ignored, held_back, pps;
	uint64_t empty_polls, copied;
	bool     verified;
	bool     echoes;          /* lost: of what was sent, what is not back; else as told */
	uint64_t lost, duplicates, reordered, stale, corrupt, foreign, verified_bytes;
	uint64_t told;            /* lost by a counter that has a name */
	uint64_t asked;           /* packets that were to be sent, or to be received and sent */
	bool     interrupted;
	char     most[256];       /* the counter that has most of told, and its fix */
	char     failed[512];     /* "" or what was not as asked for */
};

/* A time that is shorter than this tells no rate: it may be a few steps of a clock. */
enum { RATE_MIN_NS = 1000000 };
static inline bool rate_known(uint64_t ns)
{
	return ns >= RATE_MIN_NS;
}

/* run.c: runs until it is over; 0 or -errno of plx_env_run */
int  report_run(struct report *r, struct fwd *f);
void report_count(const struct fwd *f, uint16_t port, struct port_counts *c);
void report_result(struct report *r, struct result *x, int err); /* err: of report_run */

/* loss.c: fills in told, asked and most */
void report_losses(const struct fwd *f, struct result *x);
/* report_tx_full: packets that the transmit queues of p did not take, after all retries. */
uint64_t report_tx_full(const struct fwd *f, const struct plx_port *p);
#define TX_FULL_WHY "the transmit queue took no more, or its link was down"

/* out.c: all that goes to standard output while there is an environment */
void report_interval(struct report *r, const struct port_counts *now, uint64_t dt);
/* report_summary: 0, or the errno of plx_env_report_flush if not all of the run's output was written. */
int  report_summary(struct report *r, const struct result *x);

/* text.c and json.c: one line of statistics over dt ns for all ports, and the end */
void text_interval(FILE *out, struct report *r, const struct port_counts *now, uint64_t dt);
void text_summary(FILE *out, struct report *r, const struct result *x);
void json_interval(FILE *out, struct report *r, const struct port_counts *now, uint64_t dt);
void json_summary(FILE *out, struct report *r, const struct result *x);

#endif

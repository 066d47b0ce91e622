/* SPDX-License-Identifier: MIT */
/* contract.h - two ports of one driver that face each other, and packets that prove
   themselves: every byte follows from a sequence number. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "plx_driver.h"
#include "link_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka needs the four above before it */
#include <cmocka.h>

enum { QUEUES = 2, RING = 256, FRAMES = 8192, MIN_LEN = 60, MAX_LEN = 1514, JUMBO_LEN = 9014, HEAD = 20,
       SEQ_MAX = 65536, WAIT_MS = 30000 }; /* for what must come: a thread may get little of a busy CPU */

struct bed {
	const char *name;            /* row of the table in test_contract.c */
	const char *driver;
	enum plx_xdp_mode mode;
	bool device;                 /* over a veth pair */
	struct plx_pool *pool, *other; /* of both ports; of neither */
	void *mem, *mem_other;
	struct plx_port *ports[PLX_PORTS_MAX];
	struct plx_port *a, *b;
	struct plx_log log;
	char last_error[1024];
	bool expect_errors;
	uint8_t seen[SEQ_MAX];       /* times each sequence number arrived */
	uint32_t seen_n, strange;    /* arrivals in all; frames that were not ours */
	uint32_t queue_n[QUEUES];
};

extern struct bed bed;

int  run_cmd(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct plx_pool *make_pool(void **mem, const char *name, uint32_t frames);
void open_pair(uint32_t rxd, uint32_t txd);
void start_pair(void);
/* Closes both ports and proves that every frame came home. */
void close_pair(void);
struct plx_port *open_one(const char *name, const char *peer, uint32_t rxd, uint32_t txd, int *err);

/* A packet of len bytes with this sequence number, spread over segs segments; the metadata that no
   sender need set is poison. */
struct plx_mbuf *make_packet(struct plx_pool *pool, uint32_t seq, uint32_t len, unsigned segs);
/* Polls b until the given number of packets is seen or ms are over; each is checked to
   the byte and to the last field of metadata, poisoned and put. */
bool receive(struct plx_port *p, uint32_t want, unsigned ms);
void check_metadata(const struct plx_mbuf *m, const struct plx_rxq *q);
/* Sends one packet and sees it arrive. */
void exchange(struct plx_port *from, struct plx_port *to, uint16_t q, uint32_t seq, uint32_t len);
void send_all(struct plx_port *p, uint16_t q, struct plx_mbuf **m, uint16_t n);
void forget(void);
/* Every frame is in the pool, in a ring, or with us. */
void all_told(uint32_t ours);
/* What the watch thread would do on a link event. */
void tell_link(struct plx_port *p);
void wait_running(const char *name, bool running);
uint64_t now_ms(void);

/* chains.c: cases of the suite about packets of several segments */
int  jumbo_up(void **state);
int  jumbo_down(void **state);
void test_chain_bursts(void **state);
void test_chain_rings(void **state);
void test_chain_stop(void **state);
void test_null(void **state);

/* csums.c: checksums left to the driver, and packets that no wire takes */
void test_csums(void **state);
void test_not_on_a_wire(void **state);

#endif

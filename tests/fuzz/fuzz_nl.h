/* SPDX-License-Identifier: MIT */
/* fuzz_nl.h - what the targets of netlink answers share. */
#ifndef FUZZ_NL_H
#define FUZZ_NL_H

#include "iface.h"
#include "fake.h"
#include "nl.h"

#include <linux/if_link.h>

/* each_message calls fn with each whole message of a datagram, in memory of its own size. */
static inline void each_message(void *bytes, size_t len, void (*fn)(const struct nlmsghdr *h, struct iface *l),
                                struct iface *l)
{
	uint8_t *at = bytes;
	uint32_t n;

	for (; len >= sizeof(struct nlmsghdr); at += MNL_ALIGN(n), len -= MNL_ALIGN(n)) {
		memcpy(&n, at, sizeof(n));
		if (n < sizeof(struct nlmsghdr) || n > len)
			return;
		void *copy = calloc(1, MNL_ALIGN(n));

		if (!copy)
			abort();
		memcpy(copy, at, n);
		fn(copy, l);
		free(copy);
		if (MNL_ALIGN(n) > len)
			return;
	}
}

/* fresh: iface_link_init, sooner: the tables of queues are large. */
static inline void fresh(struct iface *l)
{
	static struct iface clean;

	if (clean.node != -1)
		iface_link_init(&clean);
	memcpy(l, &clean, sizeof(*l));
}

#define ENDS(text) MUST(memchr((text), 0, sizeof(text)))

/* What discovery found, whoever told it, is within the limits of its struct. */
static inline void check_link(const struct iface *l)
{
	ENDS(l->name);
	ENDS(l->kind);
	ENDS(l->kdriver);
	ENDS(l->bus);
	ENDS(l->parent);
	ENDS(l->master.name);
	ENDS(l->lower.name);
	MUST(l->nalts <= IFACE_ALTS_MAX && l->nslaves <= IFACE_SLAVES_MAX);
	for (unsigned i = 0; i < l->nalts; i++)
		ENDS(l->alt[i]);
	for (unsigned i = 0; i < l->nslaves; i++) {
		ENDS(l->slaves[i].name);
		for (unsigned k = 0; k < i; k++)
			MUST(l->slaves[k].ifindex != l->slaves[i].ifindex);
	}
	MUST(l->nrxqs <= PLX_QUEUES_MAX && l->ntxqs <= PLX_QUEUES_MAX);
	MUST(l->rss_size >= 0 && l->rss_key_len >= -1 && l->rss_key_len <= IFACE_KEY_MAX);
	MUST(!(l->f_on & ~l->f_known) && !(l->f_known >> IFACE_F_N) && !(l->f_can >> IFACE_F_N));
	MUST(l->vlan >= -1 && l->rxqs_alloc >= -1 && l->txqs_alloc >= -1 && l->bond_mode >= -1 && l->operstate >= -1);
	MUST(l->ch_rx >= -1 && l->ch_tx >= -1 && l->ch_combined >= -1 && l->rx_ring >= -1 && l->tx_ring >= -1);
	MUST(l->xdp.mode <= XDP_ATTACHED_MULTI && l->xdp.ncalled <= PLX_XDP_CALLED_MAX && l->hds >= -1 && l->hds <= 1);
}

/* The entries of the RSS table that lead to a queue are counted there: in all no more than there are. */
static inline void check_rss(const struct iface *l)
{
	int64_t sum = 0, seen = 0;

	for (unsigned i = 0; i < PLX_QUEUES_MAX; i++)
		sum += l->rxq[i].rss > 0 ? l->rxq[i].rss : 0;
	for (int32_t i = 0; i < l->rss_size && i < IFACE_RSS_MAX; i++)
		seen += l->rss[i] < PLX_QUEUES_MAX;
	MUST(sum <= l->rss_size && (l->rss_size > IFACE_RSS_MAX || sum <= seen));
}

/* A family of generic netlink: what is done with a message, how a link begins, what discovery asks, and what holds. */
struct genl_family {
	void (*one)(const struct nlmsghdr *h, struct iface *l);
	void (*begin)(struct iface *l);
	void (*ask)(struct nl *q, struct iface *l);
	void (*check)(const struct iface *l);
};
struct genl_run { const struct genl_family *f; struct iface *l; };

static inline void genl_datagram(void *arg, void *bytes, size_t len)
{
	struct genl_run *r = arg;

	each_message(bytes, len, r->f->one, r->l);
}

/* genl_answers: data are the kernel's answers: each message by itself, then the conversation; l is what that found. */
static inline void genl_answers(const struct genl_family *f, struct iface *l, const uint8_t *data, size_t size)
{
	struct genl_run r = { f, l };
	struct nl q;

	fake_answers(data, size);
	fake_each(genl_datagram, &r);
	f->begin(l);
	MUST(!nl_open(&q, &fake_sys, NETLINK_GENERIC));
	f->ask(&q, l);
	nl_close(&q);
	f->check(l);
}

#endif

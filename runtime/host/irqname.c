/* SPDX-License-Identifier: MIT */
/* irqname.c - which queue an interrupt serves, by the name its driver gave it.  Cold,
   pure; discovery.

   There is no rule, but habits: INTERFACE-TxRx-3, INTERFACE-rx-3, INTERFACE-3, INTERFACE-fp-3,
   INTERFACE-q3-rx, DRIVER-INTERFACE-TxRx-3, DRIVER_3_INTERFACE, virtio1-input.3,
   mlx5_comp3@pci:0000:01:00.0.
   So: the interface's name and what stands before it go, or else the driver's word; of the
   rest, words tell the direction and the last number by itself, or right behind such a word,
   the queue. */
#include "iface.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Words of interrupts that serve no queue, or none by this number: mlx4 numbers event queues, which
   ports share, gve its blocks, transmit queues first, and sfc queues for XDP_TX by themselves. */
static const char *const others[] = {
	"async", "misc", "ctrl", "control", "config", "mgmt", "mgmnt", "admin", "adminq", "aq", "asq", "fdir",
	"mbx", "mailbox", "lsc", "link", "err", "error", "ptp", "event", "evt", "cmd", "cmdq", "hwc", "slow", "fw",
	"health", "wol", "safety", "sp", "pages", "rdma", "roce", "nvme", "mlx",
	"notify", "ntfy", "xdp",
};
/* And of those that do; some tell no direction, and leave it to another word. */
static const struct { const char *word; bool rx, tx; } words[] = {
	{ "txrx", true, true }, { "rxtx", true, true }, { "rx", true, false }, { "tx", false, true },
	{ "input", true, false }, { "output", false, true }, { "comp", false, false }, { "fp", false, false },
	{ "queue", false, false }, { "q", false, false },
};

static bool same(const char *s, size_t n, const char *word)
{
	return strlen(word) == n && !strncasecmp(s, word, n);
}

/* The place of the interface's name in an action, between other than letters and digits. */
static const char *find_name(const char *action, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = action; len && (s = strstr(s, name)); s++)
		if ((s == action || !isalnum((unsigned char)s[-1])) && !isalnum((unsigned char)s[len]))
			return s;
	return NULL;
}

struct scan {
	bool rx, tx, other, word;
	bool after;   /* the word just read tells a direction */
	int  number;  /* -1 = none */
};

static void scan_word(struct scan *k, const char *s, size_t n)
{
	k->after = false;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(others); i++)
		/* mlx5_comp3 is a queue, mlx4-3 is not */
		k->other |= same(s, n, others[i]) && !(same(s, n, "mlx") && s[n] == '5');
	for (size_t i = 0; i < PLX_ARRAY_SIZE(words); i++) {
		if (!same(s, n, words[i].word))
			continue;
		k->rx |= words[i].rx;
		k->tx |= words[i].tx;
		k->word = k->after = true;
		return;
	}
}

static void scan(struct scan *k, const char *s)
{
	bool alone = true; /* what stands before is neither letter nor digit */

	*k = (struct scan){ .number = -1 };
	while (*s) {
		size_t n = 0;

		if (isalpha((unsigned char)*s)) {
			while (isalpha((unsigned char)s[n]))
				n++;
			scan_word(k, s, n);
			alone = false;
		} else if (isdigit((unsigned char)*s)) {
			unsigned v = 0;
			for (; isdigit((unsigned char)s[n]); n++)
				v = v < 100000 ? v * 10 + (unsigned)(s[n] - '0') : v;
			if ((alone || k->after) && !isalpha((unsigned char)s[n]))
				k->number = (int)v;
			alone = k->after = false;
		} else {
			n = 1;
			alone = true;
			k->after = false;
		}
		s += n;
	}
}

void iface_irq_name(struct iface_action *a, const char *action, const struct iface *l)
{
	const char *at = find_name(action, l->name), *rest = at ? at + strlen(l->name) : NULL;
	size_t parent = strlen(l->parent);
	char buf[96];
	struct scan k;

	*a = (struct iface_action){ .queue = -1, .ours = at };
	if (!at) {
		a->ours = (*l->bus && strchr(l->bus, ':') && strstr(action, l->bus)) ||
		          (parent && !strncmp(action, l->parent, parent) && action[parent] == '-');
		snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(action, "@"), action);
	} else if (*rest) {
		snprintf(buf, sizeof(buf), "%.*s", rest[0] == '@' ? 95 : 1 + (int)strcspn(rest + 1, "@"), rest);
	} else {
		snprintf(buf, sizeof(buf), "%.*s", (int)(at - action), action);
		a->bare = at == action;
	}
	scan(&k, buf);
	/* without the interface's name a number alone may be anything: a part of an address */
	if (k.other || k.number < 0 || k.number >= PLX_QUEUES_MAX || (!at && !k.word))
		return;
	a->queue = k.number;
	a->rx = k.rx || !k.tx;
	a->tx = k.tx || !k.rx;
}

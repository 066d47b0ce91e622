/* SPDX-License-Identifier: MIT */
/* offloads.c - offloads that hide from XDP what was on the wire: the stage, and a feature as
   a value.  Cold; called through the tables of stages and kinds.

   What matters (docs/setup.md tells more): lro and rx-gro-hw merge frames before XDP sees them,
   rxvlan takes their tag away, and the other end of a veth pair leaves checksums and tags to a
   NIC that never comes.  GRO of the kernel works behind XDP and is left alone. */
#include "dev.h"
#include "plx_text.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a feature as a value ---- */

enum { BLOCKS_MAX = 4, NAMES_MAX = BLOCKS_MAX * 32 };

struct feature { unsigned blocks, block; uint32_t bit; bool can, asked, on; };

/* A word of ethtool -K, or the kernel's own name. */
static const char *kernel_name(const char *word)
{
	for (unsigned f = 0; f < IFACE_F_N; f++)
		if (!strcmp(word, iface_feature_word(f)))
			return iface_feature_name(f);
	return word;
}

/* The number of a feature among the kernel's names; -ENOENT, -errno. */
static int number_of(const struct setup_dev *d, const char *word)
{
	struct ethtool_gstrings *g = calloc(1, sizeof(*g) + (size_t)NAMES_MAX * ETH_GSTRING_LEN);
	const char *name = kernel_name(word);
	int number = -ENOENT;
	union { struct ethtool_sset_info i; uint32_t room[8]; } set = { .i = { .cmd = ETHTOOL_GSSET_INFO } };

	if (!g)
		return -ENOMEM;
	set.i.sset_mask = 1ull << ETH_SS_FEATURES;
	int err = setup_dev_ethtool(d, &set);

	if (err >= 0 && set.i.sset_mask && set.i.data[0] <= NAMES_MAX) {
		g->cmd = ETHTOOL_GSTRINGS;
		g->string_set = ETH_SS_FEATURES;
		g->len = set.i.data[0];
		err = setup_dev_ethtool(d, g);
		for (unsigned i = 0; err >= 0 && i < g->len && i < NAMES_MAX && number < 0; i++)
			if (!strncmp((const char *)g->data + (size_t)i * ETH_GSTRING_LEN, name, ETH_GSTRING_LEN))
				number = (int)i;
	}
	free(g);
	return err < 0 ? err : number;
}

static int read_feature(const struct setup_dev *d, struct feature *f)
{
	union {
		struct ethtool_gfeatures g;
		uint32_t room[2 + 4 * BLOCKS_MAX];
	} all = { .g = { .cmd = ETHTOOL_GFEATURES } };
	int number = number_of(d, d->of);

	if (number < 0)
		return number == -ENOENT ? -EOPNOTSUPP : number;
	f->block = (unsigned)number / 32;
	f->bit = 1u << number % 32;
	all.g.size = BLOCKS_MAX;
	int err = setup_dev_ethtool(d, &all);

	if (err < 0)
		return err;
	f->blocks = all.g.size; /* as many as the kernel has; it takes no other number back */
	if (f->block >= f->blocks || f->blocks > BLOCKS_MAX)
		return -EOPNOTSUPP;
	const struct ethtool_get_features_block *b = &all.g.features[f->block];

	f->can = b->available & ~b->never_changed & f->bit;
	f->asked = b->requested & f->bit;
	f->on = b->active & f->bit;
	return 0;
}

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct feature f;
	struct setup_dev d;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = read_feature(&d, &f);
	setup_dev_close(&d);
	if (!err)
		snprintf(value, len, "%s", f.on ? "on" : "off");
	return err;
}

/* The kernel records what is asked for, and may not grant it while something else forbids it: an
   XDP program, another feature that is off. */
static int write_feature(const struct setup_dev *d, const struct feature *f, bool on, char *why, size_t len)
{
	union {
		struct ethtool_sfeatures s;
		uint32_t room[2 + 2 * BLOCKS_MAX];
	} all = { .s = { .cmd = ETHTOOL_SFEATURES } };

	all.s.size = f->blocks;
	all.s.features[f->block].valid = f->bit;
	all.s.features[f->block].requested = on ? f->bit : 0;
	int err = setup_dev_ethtool(d, &all);

	if (err < 0) {
		if (err == -EPERM)
			snprintf(why, len, "it needs CAP_NET_ADMIN: run as root");
		return err;
	}
	if (err & ETHTOOL_F_UNSUPPORTED) {
		snprintf(why, len, "%s cannot change it", d->name);
		return -EOPNOTSUPP;
	}
	if (err & ETHTOOL_F_WISH)
		snprintf(why, len,
		         "the kernel keeps it %s: an XDP program or another feature is in the way: ethtool -k %s",
		         on ? "off" : "on", PLX_QUOTED(d->name));
	return 0;
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	bool on = !strcmp(value, "on");
	struct feature f;
	struct setup_dev d;

	if (!on && strcmp(value, "off"))
		return -EINVAL;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = read_feature(&d, &f);
	if (!err && (f.on != on || f.asked != on))
		err = write_feature(&d, &f, on, why, len);
	setup_dev_close(&d);
	return err;
}

static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	const char *of = strchr(object, '/');
	char name[16], quoted[80];

	of = of ? strchr(of + 1, '/') : NULL;
	setup_dev_name(name, s->in.sys, object);
	plx_text_quote(quoted, sizeof(quoted), name);
	snprintf(buf, len, "ethtool -K %s %s %s", quoted, of ? of + 1 : "", value);
}

const struct setup_kind setup_feature = {
	.name = "feature", .netns = true, .get = get, .set = set, .command = command
};

/* ---- the stage ---- */

/* off wants a feature to be off that is on; false if it is off or there is none. */
static bool off(struct setup *s, uint32_t ifindex, const char *name, const char *word, const char *why)
{
	char object[SETUP_OBJECT_MAX];
	struct feature f;
	struct setup_dev d;

	setup_dev_object(object, ifindex, name, word);
	if (setup_dev_open(&d, s->in.sys, object))
		return false;
	int err = read_feature(&d, &f);

	setup_dev_close(&d);
	if (err || !f.on)
		return false;
	if (f.can)
		setup_want(s, SETUP_offloads, &setup_feature, object, "off", "%s: %s", name, why);
	else if (!strcmp(word, "rxvlan")) /* frames without a tag do not care */
		setup_skip(s, SETUP_offloads, "%s: %s is on and fixed: %s", name, word, why);
	else
		setup_cannot(s, SETUP_offloads,
		             "%s: %s is on and fixed, its driver does not let it be changed: %s: use driver=packet, "
		             "or name the other stages",
		             name, word, why);
	return true;
}

static bool is_on(const struct setup *s, uint32_t ifindex, const char *name, const char *word)
{
	char object[SETUP_OBJECT_MAX], value[8] = "";

	setup_dev_object(object, ifindex, name, word);
	return !get(s, object, value, sizeof(value)) && !strcmp(value, "on");
}

/* Features that go with the checksums, and come back with them. */
static void guards(struct setup *s, uint32_t ifindex, const char *name)
{
	static const char *const with[] = { "sg",
		                            "gso",
		                            "tso",
		                            "tx-tcp-ecn-segmentation",
		                            "tx-tcp6-segmentation",
		                            "tx-tcp-mangleid-segmentation",
		                            "tx-udp-segmentation",
		                            "tx-scatter-gather-fraglist" };
	char object[SETUP_OBJECT_MAX];

	for (size_t i = 0; i < PLX_ARRAY_SIZE(with); i++) {
		setup_dev_object(object, ifindex, name, with[i]);
		setup_guard(s, SETUP_offloads, &setup_feature, object);
	}
}

#define PARTIAL "its host stack leaves checksums to a NIC, and a veth pair has none: frames come with half a checksum"
#define NO_TAG "its host stack hands over VLAN tags beside the frame, where XDP does not see them"

/* The end of a pair that sends to the port. */
static void plan_peer(struct setup *s, const struct iface *l)
{
	if (strcmp(l->kind, "veth") || !l->lower.ifindex)
		return;
	if (l->lower_netns >= 0) {
		setup_skip(s, SETUP_offloads,
		           "%s: the other end, interface %u of another network namespace (id %d), cannot be seen from "
		           "here: there, ethtool -K PEER tx off txvlan off, else packets of its host come without "
		           "checksum",
		           l->name, l->lower.ifindex, l->lower_netns);
		return;
	}
	if (is_on(s, l->lower.ifindex, l->lower.name, "tx-checksum-ip-generic"))
		guards(s, l->lower.ifindex, l->lower.name);
	off(s, l->lower.ifindex, l->lower.name, "tx-checksum-ip-generic", PARTIAL);
	off(s, l->lower.ifindex, l->lower.name, "tx-checksum-sctp", PARTIAL);
	off(s, l->lower.ifindex, l->lower.name, "txvlan", NO_TAG);
}

/* Both ends of a pair may be ports: the other one's packets come from us, and are whole. */
static bool peer_is_port(const struct setup *s, unsigned i)
{
	const struct iface *l = s->in.host->iface[i].found;

	for (unsigned k = 0; k < s->in.conf->nports; k++)
		if (s->in.host->iface[k].found && l->lower_netns < 0 &&
		    s->in.host->iface[k].found->ifindex == l->lower.ifindex)
			return true;
	return false;
}

static void plan_port(struct setup *s, unsigned i)
{
	const struct iface *l = s->in.host->iface[i].found;

	off(s, l->ifindex, l->name, "lro", "frames merged by the NIC fit no buffer of ours");
	off(s, l->ifindex, l->name, "rx-gro-hw", "frames merged by the NIC fit no buffer of ours");
	if (strcmp(l->kind, "veth"))
		off(s, l->ifindex, l->name, "rxvlan", "the NIC would take the VLAN tag away before XDP sees it");
	if (!peer_is_port(s, i))
		plan_peer(s, l);
}

void setup_plan_offloads(struct setup *s)
{
	unsigned before = s->nitems;

	setup_dev_each(s, SETUP_offloads, plan_port);
	if (s->nitems == before)
		setup_skip(s, SETUP_offloads, "nothing hides from XDP what was on the wire");
}

/* SPDX-License-Identifier: MIT */
/* napi.c - how long a NAPI keeps its interrupt off: the stage, and the three values as one.
   Cold; called through the tables of stages and kinds.

   "7/eth0/3" is the NAPI of receive queue 3, set by the `netdev` family where the kernel has
   that; "7/eth0/device" are the values of the whole device in sysfs, which the kernel writes
   over those of each NAPI. */
#include "dev.h"
#include "netdev_uapi.h"
#include "nl.h"
#include "file.h"
#include "link_info.h"
#include "plx_text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <linux/sockios.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFER, FLUSH, SUSPEND, VALUES };
static const char *const words[VALUES] = { "defer-hard-irqs", "gro-flush-timeout", "irq-suspend-timeout" };
static const char *const files[VALUES] = { "napi_defer_hard_irqs", "gro_flush_timeout", NULL };

struct values { long long v[VALUES]; }; /* -1 = not told */

/* ---- as text ---- */

static void put(char *buf, size_t len, const struct values *v)
{
	buf[0] = 0;
	for (int i = 0; i < VALUES; i++)
		if (v->v[i] >= 0)
			plx_text_add(buf, len, "%s%s %lld", *buf ? " " : "", words[i], v->v[i]);
}

static bool take(struct values *v, const char *text)
{
	char word[32];
	long long n;
	int used;

	for (int i = 0; i < VALUES; i++)
		v->v[i] = -1;
	for (; sscanf(text, " %31s %lld%n", word, &n, &used) == 2; text += used)
		for (int i = 0; i < VALUES; i++)
			if (!strcmp(word, words[i]))
				v->v[i] = n;
	return v->v[DEFER] >= 0 || v->v[FLUSH] >= 0;
}

/* What one side does not speak of is the same. */
static bool same(const char *a, const char *b)
{
	struct values x, y;

	if (!take(&x, a) || !take(&y, b))
		return false;
	for (int i = 0; i < VALUES; i++)
		if (x.v[i] >= 0 && y.v[i] >= 0 && x.v[i] != y.v[i])
			return false;
	return true;
}

/* ---- of a queue ---- */

struct napi { long long id; struct values v; };

static void got(void *arg, const struct nlmsghdr *h)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(h);
	const struct nlattr *a;
	struct napi *n = arg;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*g))
		return;
	mnl_attr_for_each(a, h, sizeof(*g)) {
		unsigned type = mnl_attr_get_type(a);

		if (g->cmd == ND_CMD_QUEUE_GET && type == ND_QUEUE_NAPI_ID)
			n->id = nl_int(a);
		else if (g->cmd == ND_CMD_NAPI_GET && type >= ND_NAPI_DEFER_HARD_IRQS &&
		         type <= ND_NAPI_IRQ_SUSPEND_TIMEOUT)
			n->v.v[type - ND_NAPI_DEFER_HARD_IRQS] = (long long)nl_uint(a);
	}
}

/* A device that is down has no NAPI, but keeps their values. */
static bool is_down(const struct setup_dev *d)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, d->name, sizeof(d->name));
	return !d->sys->ioctl(d->fd, SIOCGIFFLAGS, &ifr) && !(ifr.ifr_flags & IFF_UP);
}

/* find asks for the NAPI of a queue and its values.  0; -ENOENT: it has none; -ENETDOWN;
   -EOPNOTSUPP: this kernel does not tell. */
static int find(struct nl *q, int family, const struct setup_dev *d, struct napi *n)
{
	alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *h = nl_genl(buf, family, ND_CMD_QUEUE_GET, 0);

	*n = (struct napi){ .id = -1, .v = { { -1, -1, -1 } } };
	mnl_attr_put_u32(h, ND_QUEUE_IFINDEX, d->ifindex);
	mnl_attr_put_u32(h, ND_QUEUE_TYPE, ND_QUEUE_RX);
	mnl_attr_put_u32(h, ND_QUEUE_ID, (uint32_t)strtoul(d->of, NULL, 10));
	int err = nl_ask(q, h, got, n);

	if (!err && n->id >= 0) {
		h = nl_genl(buf, family, ND_CMD_NAPI_GET, 0);
		mnl_attr_put_u32(h, ND_NAPI_ID, (uint32_t)n->id);
		err = nl_ask(q, h, got, n);
	}
	if (is_down(d))
		return -ENETDOWN;
	if (err || n->id < 0)
		return err && err != -EINVAL && err != -ENOENT ? err : -ENOENT;
	return n->v.v[DEFER] < 0 ? -EOPNOTSUPP : 0;
}

static int write_napi(struct nl *q, int family, const struct napi *n, const struct values *v)
{
	alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *h = nl_genl(buf, family, ND_CMD_NAPI_SET, 0);

	mnl_attr_put_u32(h, ND_NAPI_ID, (uint32_t)n->id);
	if (v->v[DEFER] >= 0)
		mnl_attr_put_u32(h, ND_NAPI_DEFER_HARD_IRQS, (uint32_t)v->v[DEFER]);
	if (v->v[FLUSH] >= 0)
		mnl_attr_put_u64(h, ND_NAPI_GRO_FLUSH_TIMEOUT, (uint64_t)v->v[FLUSH]);
	if (v->v[SUSPEND] >= 0 && n->v.v[SUSPEND] >= 0)
		mnl_attr_put_u64(h, ND_NAPI_IRQ_SUSPEND_TIMEOUT, (uint64_t)v->v[SUSPEND]);
	return nl_ask(q, h, NULL, NULL);
}

/* queue reads the values of a queue, or writes them. */
static int queue(const struct setup_dev *d, struct values *read, const struct values *write, char *why, size_t len)
{
	struct napi n;
	struct nl q;
	uint32_t max_cmd = 0;
	int err = nl_open(&q, d->sys, NETLINK_GENERIC);

	if (err)
		return err;
	int family = nl_family(&q, NETDEV_FAMILY, &max_cmd);

	err = family < 0 || (write && max_cmd < ND_CMD_NAPI_SET) ? -EOPNOTSUPP : find(&q, family, d, &n);
	if (!err && write) {
		err = write_napi(&q, family, &n, write);
		if (err)
			snprintf(why, len, "%s%s", err == -EPERM ? "it needs CAP_NET_ADMIN: run as root" : "", q.said);
	}
	if (!err && read)
		*read = n.v;
	nl_close(&q);
	return err;
}

/* ---- of the device ---- */

static int device(const struct setup_dev *d, struct values *read, const struct values *write)
{
	char path[96], text[32];
	int err = 0;

	if (!plx_link_sysfs(d->sys, d->name, d->ifindex))
		return -ENODEV; /* the sysfs that is mounted is another network namespace's */
	for (int i = 0; i <= FLUSH && !err; i++) {
		long n = -1;

		snprintf(path, sizeof(path), "/sys/class/net/%s/%s", d->name, files[i]);
		if (read) {
			err = plx_file_number(d->sys, path, &n);
			read->v[i] = n;
		} else if (write->v[i] >= 0) {
			int fd = d->sys->open(path, O_WRONLY | O_CLOEXEC, 0),
			    k = snprintf(text, sizeof(text), "%lld\n", write->v[i]);

			err = fd < 0 || d->sys->write(fd, text, (size_t)k) != k ? -errno : 0;
			if (fd >= 0)
				d->sys->close(fd);
		}
	}
	if (read)
		read->v[SUSPEND] = -1;
	return err;
}

/* ---- the value ---- */

static bool is_device(const struct setup_dev *d)
{
	return !strcmp(d->of, "device");
}

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct values v;
	struct setup_dev d;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = is_device(&d) ? device(&d, &v, NULL) : queue(&d, &v, NULL, NULL, 0);
	setup_dev_close(&d);
	if (!err)
		put(value, len, &v);
	return err;
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	struct values v;
	struct setup_dev d;

	if (!take(&v, value))
		return -EINVAL;
	int err = setup_dev_open(&d, s->in.sys, object);

	if (err)
		return err;
	err = is_device(&d) ? device(&d, NULL, &v) : queue(&d, NULL, &v, why, len);
	setup_dev_close(&d);
	if ((err == -EACCES || err == -EPERM) && !*why)
		snprintf(why, len, "run as root");
	return err;
}

/* Of a queue there is no command on users' machines but this one. */
static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	const char *of = strrchr(object, '/');
	struct values v;
	char bare[16], name[80];

	setup_dev_name(bare, s->in.sys, object);
	plx_text_quote(name, sizeof(name), bare);
	buf[0] = 0;
	if (strcmp(of ? of + 1 : "", "device") || !take(&v, value)) {
		snprintf(buf, len, "pollux setup apply napi --iface %s # queue %s: %s", name, of ? of + 1 : "?", value);
		return;
	}
	for (int i = 0; i <= FLUSH; i++)
		if (v.v[i] >= 0)
			plx_text_add(buf, len, "%secho %lld > /sys/class/net/%s/%s", *buf ? "; " : "", v.v[i], name,
			             files[i]);
}

const struct setup_kind setup_napi = {
	.name = "napi", .netns = true, .get = get, .set = set, .command = command, .same = same,
};

/* ---- the stage ---- */

/* What the kernel's AF_XDP documentation takes for busy polling. */
#define WANT "defer-hard-irqs 2 gro-flush-timeout 200000"

/* may_set: this kernel sets the values of single NAPIs. */
static bool may_set(const struct plx_sys *sys)
{
	struct nl q;
	uint32_t max_cmd = 0;

	if (nl_open(&q, sys, NETLINK_GENERIC))
		return false;
	int family = nl_family(&q, NETDEV_FAMILY, &max_cmd);

	nl_close(&q);
	return family > 0 && max_cmd >= ND_CMD_NAPI_SET;
}

static void object_of(char object[SETUP_OBJECT_MAX], const struct iface *l, unsigned q)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", q);
	setup_dev_object(object, l->ifindex, l->name, number);
}

/* A NAPI may serve several queues; it is wanted by the first. */
static bool first_of_napi(const struct iface *l, const bool *used, unsigned q)
{
	for (unsigned k = 0; k < q; k++)
		if (used[k] && l->rxq[k].napi == l->rxq[q].napi)
			return false;
	return true;
}

static void plan_port(struct setup *s, unsigned i)
{
	const struct iface *l = s->in.host->iface[i].found;
	char object[SETUP_OBJECT_MAX];
	bool used[PLX_QUEUES_MAX], single = may_set(s->in.sys);
	unsigned end = setup_dev_used(s, i, used);
	int rx, tx, combined;

	if (setup_dev_channels(s, i, &rx, &tx, &combined)) {
		setup_skip(s, SETUP_napi, "%s: its queues are made anew with the channels: set once those are",
		           l->name);
		return;
	}
	end = end < l->nrxqs ? end : l->nrxqs;
	for (unsigned q = 0; q < end; q++)
		single &= !used[q] || (l->rxq[q].napi >= 0 && l->rxq[q].defer_hard_irqs >= 0);
	for (unsigned q = 0; q < end && single; q++) {
		object_of(object, l, q);
		if (used[q] && first_of_napi(l, used, q))
			setup_want(s, SETUP_napi, &setup_napi, object, WANT,
			           "%s queue %u: fewer interrupts, at up to 200 us more "
			           "for a frame that comes alone",
			           l->name, q);
	}
	if (single)
		return;
	if (!plx_link_sysfs(s->in.sys, l->name, l->ifindex)) {
		setup_cannot(s, SETUP_napi,
		             "%s: this kernel does not set single NAPIs, and the sysfs that is mounted is not of this "
		             "network namespace: mount -t sysfs sysfs /sys in a mount namespace of its own",
		             l->name);
		return;
	}
	for (unsigned q = 0; q < l->nrxqs;
	     q++) { /* the device's go over those of all its NAPIs, and are restored before them */
		object_of(object, l, q);
		if (l->rxq[q].defer_hard_irqs >= 0)
			setup_guard(s, SETUP_napi, &setup_napi, object);
	}
	setup_dev_object(object, l->ifindex, l->name, "device");
	setup_want(s, SETUP_napi, &setup_napi, object, WANT,
	           "%s, all queues: fewer interrupts, at up to 200 us more for a "
	           "frame that comes alone",
	           l->name);
}

void setup_plan_napi(struct setup *s)
{
	if (s->in.by_name)
		setup_dev_each(s, SETUP_napi, plan_port);
	else
		setup_skip(s, SETUP_napi,
		           "left alone unless it is named (pollux setup apply napi): nothing here polls through the "
		           "socket, and without that a deferred interrupt holds a frame for up to the flush timeout");
}

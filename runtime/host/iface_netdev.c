/* SPDX-License-Identifier: MIT */
/* iface_netdev.c - what the kernel's `netdev` family tells of an interface: XDP features,
   which NAPI serves a queue, which interrupt serves a NAPI.  Cold; discovery. */
#include "iface.h"
#include "netdev_uapi.h"
#include "nl.h"

#include <linux/genetlink.h>
#include <stdalign.h>

static bool parse_dev(const struct nlmsghdr *h, struct iface *l)
{
	const struct nlattr *a, *features = NULL;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case ND_DEV_IFINDEX:
			if (nl_uint(a) != l->ifindex)
				return false;
			break;
		case ND_DEV_XDP_FEATURES:    features = a; break;
		case ND_DEV_XDP_ZC_MAX_SEGS: l->zc_max_segs = nl_int(a); break;
		case ND_DEV_XDP_RX_METADATA: l->xdp_rx_meta = nl_uint(a); break;
		case ND_DEV_XSK_FEATURES:    l->xsk_features = nl_uint(a); break;
		}
	}
	if (!features)
		return false;
	l->xdp_told = true;
	l->xdp_features = nl_uint(features);
	return true;
}

static bool parse_queue(const struct nlmsghdr *h, struct iface *l)
{
	const struct nlattr *a;
	uint64_t id = UINT64_MAX, type = UINT64_MAX, ifindex = 0;
	int32_t napi = -1;
	int8_t xsk = -1;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case ND_QUEUE_ID:      id = nl_uint(a); break;
		case ND_QUEUE_IFINDEX: ifindex = nl_uint(a); break;
		case ND_QUEUE_TYPE:    type = nl_uint(a); break;
		case ND_QUEUE_NAPI_ID: napi = nl_int(a); break;
		case ND_QUEUE_XSK:     xsk = 1; break;
		}
	}
	if (ifindex != l->ifindex || type > ND_QUEUE_TX || id >= PLX_QUEUES_MAX)
		return false;
	struct iface_queue *q = type == ND_QUEUE_RX ? &l->rxq[id] : &l->txq[id];
	uint16_t *n = type == ND_QUEUE_RX ? &l->nrxqs : &l->ntxqs;

	q->napi = napi;
	if (xsk > 0)
		q->xsk = xsk;
	if (id >= *n)
		*n = (uint16_t)(id + 1);
	return true;
}

static void put_napi(struct iface_queue *q, uint16_t n, const struct iface_queue *napi)
{
	for (; n--; q++) {
		if (q->napi != napi->napi)
			continue;
		q->napi_pid = napi->napi_pid;
		q->irq = napi->irq;
		q->how = napi->how;
		q->defer_hard_irqs = napi->defer_hard_irqs;
		q->gro_flush_ns = napi->gro_flush_ns;
		q->irq_suspend_ns = napi->irq_suspend_ns;
	}
}

static bool parse_napi(const struct nlmsghdr *h, struct iface *l)
{
	struct iface_queue q = { .napi = -1, .napi_pid = -1, .irq = -1, .defer_hard_irqs = -1, .gro_flush_ns = -1,
	                         .irq_suspend_ns = -1 };
	const struct nlattr *a;
	uint64_t ifindex = 0;

	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case ND_NAPI_IFINDEX:             ifindex = nl_uint(a); break;
		case ND_NAPI_ID:                  q.napi = nl_int(a); break;
		case ND_NAPI_IRQ:                 q.irq = nl_int(a); q.how = IFACE_IRQ_NAPI; break;
		case ND_NAPI_PID:                 q.napi_pid = nl_int(a); break;
		case ND_NAPI_DEFER_HARD_IRQS:     q.defer_hard_irqs = (int64_t)nl_uint(a); break;
		case ND_NAPI_GRO_FLUSH_TIMEOUT:   q.gro_flush_ns = (int64_t)nl_uint(a); break;
		case ND_NAPI_IRQ_SUSPEND_TIMEOUT: q.irq_suspend_ns = (int64_t)nl_uint(a); break;
		}
	}
	if (ifindex != l->ifindex || q.napi < 0)
		return false;
	put_napi(l->rxq, l->nrxqs, &q);
	put_napi(l->txq, l->ntxqs, &q);
	return true;
}

bool iface_netdev_parse(const struct nlmsghdr *h, struct iface *l)
{
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(h);

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*g))
		return false;
	switch (g->cmd) {
	case ND_CMD_DEV_GET:   return parse_dev(h, l);
	case ND_CMD_QUEUE_GET: return parse_queue(h, l);
	case ND_CMD_NAPI_GET:  return parse_napi(h, l);
	default:               return false;
	}
}

static void got(void *arg, const struct nlmsghdr *h)
{
	iface_netdev_parse(h, arg);
}

/* ask: a command whose filter is the interface's index, as attribute `attr`. */
static void ask(struct nl *q, int family, uint8_t cmd, uint16_t flags, uint16_t attr, struct iface *l)
{
	alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *h = nl_genl(buf, family, cmd, flags);

	mnl_attr_put_u32(h, attr, l->ifindex);
	nl_ask(q, h, got, l); /* an older kernel refuses: then it stays unknown */
}

void iface_netdev(struct nl *q, struct iface *l)
{
	uint32_t max_cmd = 0;
	int family = nl_family(q, NETDEV_FAMILY, &max_cmd);

	if (family < 0)
		return;
	ask(q, family, ND_CMD_DEV_GET, 0, ND_DEV_IFINDEX, l);
	ask(q, family, ND_CMD_QUEUE_GET, NLM_F_DUMP, ND_QUEUE_IFINDEX, l);
	ask(q, family, ND_CMD_NAPI_GET, NLM_F_DUMP, ND_NAPI_IFINDEX, l);
	/* an AF_XDP socket is told of by an attribute that is there or not */
	for (uint16_t i = 0; max_cmd >= ND_CMD_BIND_TX && i < PLX_QUEUES_MAX; i++) {
		if (i < l->nrxqs && l->rxq[i].xsk < 0)
			l->rxq[i].xsk = 0;
		if (i < l->ntxqs && l->txq[i].xsk < 0)
			l->txq[i].xsk = 0;
	}
}

/* SPDX-License-Identifier: MIT */
/* nl.c - questions to the kernel by netlink, and their answers.  Cold; discovery.  libmnl
   takes messages apart; the socket goes through plx_sys. */
#include "nl.h"
#include "nl_recv.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdalign.h>
#include <string.h>

enum { NL_BUF = 32768, /* the kernel's largest part of a dump */
       NL_TRIES = 4, NL_WAIT_MS = 1000 };

int nl_open(struct nl *q, const struct plx_sys *sys, int protocol)
{
	int on = 1;

	*q = (struct nl){ .sys = sys, .seq = 1 };
	q->fd = sys->socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (q->fd < 0)
		return -errno;
	sys->setsockopt(q->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)); /* else it refuses without a word */
	return 0;
}

void nl_close(struct nl *q)
{
	if (q->fd >= 0)
		q->sys->close(q->fd);
	q->fd = -1;
}

/* The kernel has answered before a question's sendto returns, so nearly always there is no
   wait. */
static ssize_t receive(struct nl *q, void *buf, size_t len)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };

	for (int waits = 0;;) {
		ssize_t n = nl_recv(q->sys, q->fd, buf, len);

		if (n > (ssize_t)len)
			return -EMSGSIZE;
		if (n > 0 || (n < 0 && n != -EINTR && n != -EAGAIN))
			return n;
		if (n == -EAGAIN && (waits++ || q->sys->poll(&p, 1, NL_WAIT_MS) == 0))
			return -ETIMEDOUT;
	}
}

enum { MORE = 1, AGAIN = 2 };

/* An error code at the begin of a message, -EBADMSG if it is not one. */
static int error_of(const struct nlmsghdr *h)
{
	int err = 0;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(err))
		return h->nlmsg_type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&err, mnl_nlmsg_get_payload(h), sizeof(err));
	return err > 0 ? -EBADMSG : err;
}

/* What the kernel says of a refusal stands behind the question, which it sends back. */
static void reason(struct nl *q, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	size_t len = mnl_nlmsg_get_payload_len(h), at = sizeof(*e);
	const struct nlattr *attr;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || len < at)
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		at += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	if (at >= len)
		return;
	mnl_attr_for_each_payload((const void *)((const char *)e + at), len - at)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			nl_str(attr, q->said, sizeof(q->said));
}

/* One datagram of the answer: MORE is to come, AGAIN, or the end as 0 or -errno. */
static int answer(struct nl *q, const void *buf, ssize_t n, bool *changed, nl_fn fn, void *arg)
{
	const struct nlmsghdr *h = buf;
	int left = (int)n;

	for (; nl_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != q->seq)
			continue;
		*changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE && *changed)
			return AGAIN;
		if (h->nlmsg_type == NLMSG_ERROR)
			reason(q, h);
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return error_of(h);
		if (h->nlmsg_type >= NLMSG_MIN_TYPE && fn)
			fn(arg, h);
	}
	return MORE;
}

int nl_ask(struct nl *q, struct nlmsghdr *h, nl_fn fn, void *arg)
{
	alignas(struct nlmsghdr) char buf[NL_BUF];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int err = AGAIN;

	q->said[0] = 0;
	h->nlmsg_flags |= NLM_F_REQUEST | (h->nlmsg_flags & NLM_F_DUMP ? 0 : NLM_F_ACK);
	for (int i = 0; i < NL_TRIES && err == AGAIN; i++) {
		bool changed = false;

		h->nlmsg_seq = ++q->seq;
		if (q->sys->sendto(q->fd, h, h->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
			return -errno;
		do {
			ssize_t n = receive(q, buf, sizeof(buf));
			err = n < 0 ? (int)n : answer(q, buf, n, &changed, fn, arg);
		} while (err == MORE);
	}
	return err == AGAIN ? 0 : err; /* it changes all the time: what was read is as good as any */
}

/* ---- generic netlink ---- */

struct nlmsghdr *nl_genl(void *buf, int family, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	h->nlmsg_type = (uint16_t)family;
	h->nlmsg_flags = flags;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = cmd;
	g->version = 1;
	return h;
}

void nl_str(const struct nlattr *a, char *buf, size_t len)
{
	size_t n = mnl_attr_get_payload_len(a);

	n = n < len - 1 ? n : len - 1;
	memcpy(buf, mnl_attr_get_payload(a), n);
	buf[n] = 0;
}

struct family { int id; uint32_t max_cmd; };

static void family_ops(const struct nlattr *ops, struct family *f)
{
	const struct nlattr *op, *a;

	mnl_attr_for_each_nested(op, ops)
		mnl_attr_for_each_nested(a, op)
			if (mnl_attr_get_type(a) == CTRL_ATTR_OP_ID && nl_uint(a) > f->max_cmd)
				f->max_cmd = (uint32_t)nl_uint(a);
}

static void family_answer(void *arg, const struct nlmsghdr *h)
{
	struct family *f = arg;
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(a, h, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
			f->id = nl_int(a);
		else if (mnl_attr_get_type(a) == CTRL_ATTR_OPS)
			family_ops(a, f);
	}
}

int nl_family(struct nl *q, const char *name, uint32_t *max_cmd)
{
	alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = nl_genl(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	struct family f = { .id = -ENOENT };

	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, name);
	int err = nl_ask(q, h, family_answer, &f);

	if (max_cmd)
		*max_cmd = f.max_cmd;
	return err ? err : f.id;
}

/* SPDX-License-Identifier: MIT */
/* test_nl.c - questions to the kernel by netlink, against a kernel that answers as it is told
   to: in parts, with errors, late, not at all, or in another's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nl.h"
#include "link_info.h"
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE = 40 };

/* A datagram to be received: messages of a type, each with one int. */
struct part {
	int err;               /* errno instead of a datagram */
	uint32_t pid;          /* who sends it */
	struct {
		uint16_t type, flags;
		int32_t value, seq;
	} m[3]; /* type 0 = none; seq is relative to the question's */
	ssize_t len;           /* instead of its own */
	const char *said;      /* a refusal (-EINVAL) with the kernel's words behind the question */
	uint32_t orig;         /* bytes of the question that stand there, by its own word; 0 = as many as there are */
	bool capped;           /* only its head */
};

static const struct part *parts;
static uint32_t asked, sent_flags;
static unsigned asks, polls;
static int poll_answer, send_err;

static ssize_t fake_send(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct nlmsghdr *h = buf;

	(void)fd, (void)flags, (void)to, (void)len;
	assert_int_equal(h->nlmsg_len, n);
	asked = h->nlmsg_seq;
	sent_flags = h->nlmsg_flags;
	asks++;
	if (send_err) {
		errno = send_err;
		return -1;
	}
	return (ssize_t)n;
}

/* A refusal: the error, the question, the words. */
static ssize_t refusal(void *buf, const struct part *p)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(h, sizeof(*e) + (p->capped ? 0 : 8));

	h->nlmsg_type = NLMSG_ERROR;
	h->nlmsg_flags = NLM_F_ACK_TLVS | (p->capped ? NLM_F_CAPPED : 0);
	h->nlmsg_seq = asked;
	e->error = -EINVAL;
	e->msg.nlmsg_len = p->orig ? p->orig : sizeof(e->msg) + 8;
	mnl_attr_put_u32(h, NLMSGERR_ATTR_OFFS, 16);
	mnl_attr_put_strz(h, NLMSGERR_ATTR_MSG, p->said);
	return h->nlmsg_len;
}

static ssize_t fake_recv(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	const struct part *p = parts++;
	size_t at = 0;

	(void)fd, (void)n, (void)flags, (void)len;
	((struct sockaddr_nl *)(void *)from)->nl_pid = p->pid;
	if (p->err) {
		errno = p->err;
		return -1;
	}
	if (p->said)
		return refusal(buf, p);
	for (int i = 0; i < 3 && p->m[i].type; i++, at += 20) {
		struct nlmsghdr *h = (void *)((char *)buf + at);

		*h = (struct nlmsghdr){ .nlmsg_len = 20, .nlmsg_type = p->m[i].type, .nlmsg_flags = p->m[i].flags,
		                        .nlmsg_seq = asked + (uint32_t)p->m[i].seq };
		memcpy(h + 1, &p->m[i].value, 4);
	}
	return p->len ? p->len : (ssize_t)at;
}

static int fake_poll(struct pollfd *p, nfds_t n, int timeout)
{
	(void)p, (void)n;
	assert_true(timeout > 0);
	polls++;
	return poll_answer;
}

static struct plx_sys sys;
static int got[32], ngot;

static void keep(void *arg, const struct nlmsghdr *h)
{
	(void)arg;
	if (ngot < 32)
		memcpy(&got[ngot++], h + 1, 4);
}

static int ask(const struct part *p, uint16_t flags)
{
	struct nl q = { .sys = &sys, .fd = 3, .seq = UINT32_MAX - 1 };
	struct nlmsghdr h = { .nlmsg_len = sizeof(h), .nlmsg_type = TYPE, .nlmsg_flags = flags };

	parts = p;
	ngot = 0;
	asks = polls = 0;
	return nl_ask(&q, &h, keep, NULL);
}

static int setup(void **state)
{
	(void)state;
	sys = plx_sys_linux;
	sys.sendto = fake_send;
	sys.recvfrom = fake_recv;
	sys.poll = fake_poll;
	poll_answer = 1;
	send_err = 0;
	return 0;
}

static void test_one(void **state)
{
	(void)state;
	assert_int_equal(ask((struct part[]){ { .m = { { TYPE, 0, 7, 0 }, { NLMSG_ERROR, 0, 0, 0 } } } }, 0), 0);
	assert_int_equal(ngot, 1);
	assert_int_equal(got[0], 7);
	assert_int_equal(sent_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(polls, 0);
}

static void test_dump(void **state)
{
	(void)state;
	assert_int_equal(ask((struct part[]){ { .m = { { TYPE, 2, 1, 0 }, { TYPE, 2, 2, 0 } } },
	                                      { .m = { { TYPE, 2, 3, 0 } } },
	                                      { .m = { { NLMSG_DONE, 2, 0, 0 } } } },
	                     NLM_F_DUMP),
	                 0);
	assert_int_equal(ngot, 3);
	assert_int_equal(got[2], 3);
	assert_int_equal(sent_flags, NLM_F_REQUEST | NLM_F_DUMP);
}

/* The kernel's refusals come back as they are, in either form. */
static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(ask((struct part[]){ { .m = { { NLMSG_ERROR, 0, -EOPNOTSUPP, 0 } } } }, 0), -EOPNOTSUPP);
	assert_int_equal(ask((struct part[]){ { .m = { { NLMSG_DONE, 2, -EPERM, 0 } } } }, NLM_F_DUMP), -EPERM);
	assert_int_equal(ask((struct part[]){ { .m = { { NLMSG_ERROR, 0, 5, 0 } } } }, 0), -EBADMSG);
	assert_int_equal(ask((struct part[]){ { .err = ENOBUFS } }, 0), -ENOBUFS);
	assert_int_equal(ask((struct part[]){ { .len = 100000 } }, 0), -EMSGSIZE);
	send_err = ENOTCONN;
	assert_int_equal(ask((struct part[]){ { 0 } }, 0), -ENOTCONN);
}

/* What the kernel says beside a refusal is kept, for this question alone. */
static void test_said(void **state)
{
	struct nl q = { .sys = &sys, .fd = 3 };
	struct nlmsghdr h = { .nlmsg_len = sizeof(h), .nlmsg_type = TYPE };

	(void)state;
	for (int i = 0; i < 5; i++) {
		static const uint32_t lie[] = { 0, 0, 1u << 30, UINT32_MAX,
			                        40 }; /* lengths of the question that lead out, or into the words */
		parts = (struct part[]){
			{ .said = "requested channel count exceeds maximum", .capped = i == 1, .orig = lie[i] }
		};
		assert_int_equal(nl_ask(&q, &h, keep, NULL), -EINVAL);
		if (i < 2)
			assert_string_equal(q.said, "requested channel count exceeds maximum");
	}
	parts = (struct part[]){ { .m = { { NLMSG_ERROR, 0, -EPERM, 0 } } } };
	assert_int_equal(nl_ask(&q, &h, keep, NULL), -EPERM);
	assert_string_equal(q.said, "");
}

static void test_waits(void **state)
{
	(void)state;
	assert_int_equal(
		ask((struct part[]){ { .err = EINTR }, { .err = EAGAIN }, { .m = { { NLMSG_ERROR, 0, 0, 0 } } } }, 0),
		0);
	assert_int_equal(polls, 1);
	poll_answer = 0;
	assert_int_equal(ask((struct part[]){ { .err = EAGAIN } }, 0), -ETIMEDOUT);
}

/* Answers to an older question, and messages of other processes, are none of ours. */
static void test_foreign(void **state)
{
	(void)state;
	assert_int_equal(ask((struct part[]){ { .m = { { TYPE, 0, 1, -1 }, { NLMSG_ERROR, 0, -EIO, -1 } } },
	                                      { .pid = 77, .m = { { TYPE, 0, 2, 0 } } },
	                                      { .m = { { NLMSG_NOOP, 0, 3, 0 },
	                                               { TYPE, 0, 4, 0 },
	                                               { NLMSG_ERROR, 0, 0, 0 } } } },
	                     0),
	                 0);
	assert_int_equal(ngot, 1);
	assert_int_equal(got[0], 4);
}

/* Objects came or went during a dump: it is asked anew, but not for ever. */
static void test_interrupted(void **state)
{
	static const struct part bad = { .m = { { TYPE, 2 | NLM_F_DUMP_INTR, 1, 0 }, { NLMSG_DONE, 2, 0, 0 } } };
	static const struct part good = { .m = { { TYPE, 2, 2, 0 }, { NLMSG_DONE, 2, 0, 0 } } };

	(void)state;
	assert_int_equal(ask((struct part[]){ bad, good }, NLM_F_DUMP), 0);
	assert_int_equal(asks, 2);
	assert_int_equal(got[ngot - 1], 2);
	assert_int_equal(ask((struct part[]){ bad, bad, bad, bad, bad, bad }, NLM_F_DUMP), 0);
	assert_int_equal(asks, 4);
}

/* The flag may stand in a datagram before the one that ends the dump. */
static void test_interrupted_early(void **state)
{
	static const struct part first = { .m = { { TYPE, 2 | NLM_F_DUMP_INTR, 1, 0 } } };
	static const struct part last = { .m = { { NLMSG_DONE, 2, 0, 0 } } };

	(void)state;
	assert_int_equal(ask((struct part[]){ first, last, last }, NLM_F_DUMP), 0);
	assert_int_equal(asks, 2);
}

static void test_real(void **state)
{
	struct nl q;
	uint32_t max = 0;

	(void)state;
	assert_int_equal(nl_open(&q, &plx_sys_linux, NETLINK_GENERIC), 0);
	assert_int_equal(nl_family(&q, "nlctrl", &max), GENL_ID_CTRL);
	assert_true(max >= CTRL_CMD_GETFAMILY);
	assert_int_equal(nl_family(&q, "plx-no-such", NULL), -ENOENT);
	nl_close(&q);
	nl_close(&q);
}

/* ---- an interface by its alternative name, which drivers/ asks for by itself ---- */

static int altname_error;
static uint32_t altname_pid;

static ssize_t altname_recv(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; } is = { .h = { .nlmsg_type = NLMSG_ERROR },
	                                                        .e = { .error = altname_error } };

	(void)fd, (void)flags, (void)len;
	if (altname_pid)
		((struct sockaddr_nl *)(void *)from)->nl_pid = altname_pid;
	n = n < sizeof(is) ? n : sizeof(is);
	memcpy(buf, &is, n);
	return (ssize_t)n;
}

/* What the kernel never answers is no success. */
static void test_altname(void **state)
{
	static const struct { int said; uint32_t pid; int is; } rows[] = {
		{ -ENODEV, 0, -ENODEV }, { 0, 0, -EBADMSG }, { 7, 0, -EBADMSG }, { INT32_MAX, 0, -EBADMSG },
		{ -ENODEV, 7, -EBADMSG },
	};
	struct plx_sys told = plx_sys_linux;
	struct plx_link_info li;

	(void)state;
	told.sendto = fake_send;
	told.recvfrom = altname_recv;
	send_err = 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		altname_error = rows[i].said;
		altname_pid = rows[i].pid;
		assert_int_equal(plx_link_query(&told, "a-name-beyond-fifteen", &li), rows[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one, setup),
		cmocka_unit_test_setup(test_dump, setup),
		cmocka_unit_test_setup(test_errors, setup),
		cmocka_unit_test_setup(test_said, setup),
		cmocka_unit_test_setup(test_waits, setup),
		cmocka_unit_test_setup(test_foreign, setup),
		cmocka_unit_test_setup(test_interrupted, setup),
		cmocka_unit_test_setup(test_interrupted_early, setup),
		cmocka_unit_test(test_real), cmocka_unit_test(test_altname),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

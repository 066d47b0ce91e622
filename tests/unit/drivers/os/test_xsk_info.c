/* SPDX-License-Identifier: MIT */
/* test_xsk_info.c - whose socket is on a queue, and whether sockets take chains: the kernel's
   answers and the procfs are made up. */
#include "root_util.h"

#include "xdp.h"
#include <errno.h>
#include <linux/if_xdp.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/xdp_diag.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- the kernel's answer ---- */

static char answer[4][512];
static size_t answer_len[4];
static uint32_t answer_of[4]; /* the process that sent it; 0 = the kernel */
static int parts, at;
static struct xdp_diag_req asked;

static ssize_t fake_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	const struct nlmsghdr *h = buf;

	(void)fd; (void)flags; (void)to; (void)len;
	assert_int_equal(h->nlmsg_len, n);
	assert_int_equal(h->nlmsg_type, SOCK_DIAG_BY_FAMILY);
	assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	memcpy(&asked, NLMSG_DATA(h), sizeof(asked));
	return (ssize_t)n;
}

static ssize_t fake_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	(void)fd; (void)len;
	assert_true(flags & MSG_DONTWAIT);
	if (at >= parts) {
		errno = EAGAIN;
		return -1;
	}
	assert_true(answer_len[at] <= n);
	memcpy(buf, answer[at],
	       sizeof(answer[at]) < n ? sizeof(answer[at]) : n); /* what is behind the end is no part of it */
	if (from)
		((struct sockaddr_nl *)from)->nl_pid = answer_of[at];
	return (ssize_t)answer_len[at++];
}

static int up(void **state)
{
	root_make(state);
	root_sys.sendto = fake_sendto;
	root_sys.recvfrom = fake_recvfrom;
	memset(answer_len, 0, sizeof(answer_len));
	memset(answer_of, 0, sizeof(answer_of));
	parts = at = 0;
	return 0;
}

static struct nlmsghdr *message(int part, uint16_t type, size_t payload)
{
	struct nlmsghdr *h = (void *)(answer[part] + answer_len[part]);

	*h = (struct nlmsghdr){ .nlmsg_len = (uint32_t)NLMSG_LENGTH(payload), .nlmsg_type = type };
	answer_len[part] += NLMSG_SPACE(payload);
	assert_true(answer_len[part] <= sizeof(answer[0]));
	parts = part + 1;
	return h;
}

static void told(int part, uint32_t inode, uint32_t ifindex, uint32_t queue)
{
	struct {
		struct xdp_diag_msg m;
		struct rtattr a;
		uint32_t uid;
		struct rtattr b;
		struct xdp_diag_info i;
	} body = {
		.m = { .xdiag_family = AF_XDP, .xdiag_ino = inode },
		.a = { .rta_len = RTA_LENGTH(4), .rta_type = XDP_DIAG_UID },
		.b = { .rta_len = RTA_LENGTH(sizeof(body.i)), .rta_type = XDP_DIAG_INFO },
		.i = { .ifindex = ifindex, .queue_id = queue },
	};

	memcpy(NLMSG_DATA(message(part, SOCK_DIAG_BY_FAMILY, sizeof(body))), &body, sizeof(body));
}

static void ends(int part, uint16_t type, int err)
{
	memcpy(NLMSG_DATA(message(part, type, sizeof(err))), &err, sizeof(err));
}

/* A socket with a name stands in procfs for one without; its inode. */
static uint32_t socket_file(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char below[512];
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(root_path(below, path)) < sizeof(a.sun_path));
	strcpy(a.sun_path, below);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
	assert_int_equal(stat(below, &st), 0);
	return (uint32_t)st.st_ino;
}

/* ---- cases ---- */

static void test_found(void **state)
{
	struct plx_xsk_holder h;

	(void)state;
	put("x", "/proc/version");
	put("other\n", "/proc/700/comm");
	put("x", "/proc/700/fd/0");
	uint32_t other = socket_file("/proc/700/fd/3");
	put("xdpsock\n", "/proc/812/comm");
	uint32_t its = socket_file("/proc/812/fd/5");
	told(0, other, 4, 0);
	told(0, other, 5, 1);
	told(1, its, 4, 1);
	ends(2, NLMSG_DONE, 0);
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), 0);
	assert_int_equal(h.pid, 812);
	assert_string_equal(h.comm, "xdpsock");
	assert_int_equal(asked.sdiag_family, AF_XDP);
	assert_int_equal(asked.xdiag_show, XDP_SHOW_INFO);
}

/* Any process may send to a netlink socket, and a message may end without its padding. */
static void test_what_is_no_answer(void **state)
{
	struct plx_xsk_holder h;

	(void)state;
	put("xdpsock\n", "/proc/812/comm");
	uint32_t its = socket_file("/proc/812/fd/5");
	told(0, its, 4, 1);
	answer_of[0] = 4711;
	ends(1, NLMSG_DONE, 0);
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ENOENT);
	at = 0;
	answer_of[0] = 0;
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), 0);
	at = 0;
	answer_len[0] = 0;
	message(0, NLMSG_NOOP, 1);
	told(0, its, 4, 1);
	answer_len[0] = NLMSG_LENGTH(1); /* three bytes short of the next one */
	parts = 2;
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ENOENT);
}

static void test_not_found(void **state)
{
	struct plx_xsk_holder h;

	(void)state;
	uint32_t ino = socket_file("/proc/700/fd/3");
	told(0, ino, 4, 0);
	ends(0, NLMSG_DONE, 0);
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ENOENT);
	at = 0;
	told(0, ino + 1, 4, 1); /* behind the end: not read */
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ENOENT);
	at = 0;
	answer_len[0] = 0;
	told(0, ino + 1, 4, 1);
	ends(0, NLMSG_DONE, 0);
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ESRCH);
	assert_int_equal(h.pid, 0);
}

static int no_diag(int domain, int type, int protocol)
{
	(void)domain; (void)type; (void)protocol;
	errno = EPROTONOSUPPORT;
	return -1;
}

static void test_not_told(void **state)
{
	struct plx_xsk_holder h;

	(void)state;
	ends(0, NLMSG_ERROR, -ENOENT); /* no handler of the family */
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EPROTONOSUPPORT);
	at = 0;
	answer_len[0] = 0;
	ends(0, NLMSG_ERROR, -EPERM);
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EPERM);
	at = 0;
	answer_len[0] = 0;
	told(0, 7, 4, 1); /* and no end */
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EAGAIN);
	root_sys.socket = no_diag;
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EPROTONOSUPPORT);
}

static void test_cut_short(void **state)
{
	struct plx_xsk_holder h;

	(void)state;
	told(0, 7, 4, 1);
	for (size_t len = 0; len < answer_len[0]; len++) {
		at = 0;
		size_t whole = answer_len[0];
		answer_len[0] = len;
		assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EAGAIN);
		answer_len[0] = whole;
	}
	struct rtattr *a = (void *)(answer[0] + NLMSG_LENGTH(sizeof(struct xdp_diag_msg)));
	a->rta_len = 1; /* shorter than itself */
	at = 0;
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -EAGAIN);
}

static unsigned opens;
static int count_open(const char *path, int flags, mode_t mode)
{
	opens++;
	return root_open(path, flags, mode);
}

static void test_bound(void **state)
{
	struct plx_xsk_holder h;
	char below[512], from[64];

	(void)state;
	for (int fd = 1; fd < 300; fd++)
		put("x", "/proc/1/fd/%d", fd);
	for (int pid = 2; pid < 120; pid++) {
		snprintf(from, sizeof(from), "/proc/%d/fd", pid);
		assert_int_equal(symlink("../1/fd", root_path(below, from)), 0);
	}
	told(0, 7, 4, 1);
	ends(0, NLMSG_DONE, 0);
	opens = 0;
	root_sys.open = count_open;
	assert_int_equal(plx_xsk_holder(4, 1, &h, &root_sys), -ESRCH);
	assert_in_range(opens, PLX_XDP_FILES_MAX, PLX_XDP_FILES_MAX + 200);
}

static int bind_err;
static int fake_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	const struct sockaddr_xdp *x = (const void *)a;

	(void)fd;
	assert_int_equal(len, sizeof(*x));
	assert_true(x->sxdp_flags & 1 << 4);
	errno = bind_err;
	return -1;
}

static int plain_socket(int domain, int type, int protocol)
{
	(void)domain; (void)type; (void)protocol;
	return root_socket(AF_UNIX, SOCK_DGRAM, 0); /* needs no rights */
}

static void test_chains(void **state)
{
	static const struct { int err, want; } rows[] = { { ENODEV, 1 }, { EINVAL, 0 }, { EPERM, -1 }, { ENXIO, -1 } };

	(void)state;
	root_sys.socket = plain_socket;
	root_sys.bind = fake_bind;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		bind_err = rows[i].err;
		assert_int_equal(plx_xsk_chains(&root_sys), rows[i].want);
	}
	root_sys.socket = no_diag;
	assert_int_equal(plx_xsk_chains(&root_sys), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found, up, root_remove),
		cmocka_unit_test_setup_teardown(test_what_is_no_answer, up, root_remove),
		cmocka_unit_test_setup_teardown(test_not_found, up, root_remove),
		cmocka_unit_test_setup_teardown(test_not_told, up, root_remove),
		cmocka_unit_test_setup_teardown(test_cut_short, up, root_remove),
		cmocka_unit_test_setup_teardown(test_bound, up, root_remove),
		cmocka_unit_test_setup_teardown(test_chains, up, root_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

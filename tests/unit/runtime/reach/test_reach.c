/* SPDX-License-Identifier: MIT */
/* test_reach.c - what of the host's own goes through an interface: what stands on what, by a table; routes,
   addresses and connections, by a network namespace of its own; owners, by a procfs that is made up. */
#include "reach.h"
#include "root_util.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sched.h>
#include <sys/socket.h>

static bool netns;

/* ---- pure ---- */

/* eth1 is a port of bond0, which has a VLAN and is a port of br0; of veth pairs the lower is the other end. */
static void test_spread(void **state)
{
	struct reach_link l[] = {
		{ .ifindex = 2, .master = 3, .name = "eth1", .on = 1 },
		{ .ifindex = 3, .master = 9, .name = "bond0", .kind = "bond" },
		{ .ifindex = 4, .lower = 3, .name = "bond0.7", .kind = "vlan" },
		{ .ifindex = 5, .lower = 4, .name = "mv0", .kind = "macvlan" },
		{ .ifindex = 6, .master = 9, .lower = 7, .name = "v0", .kind = "veth", .on = 2 },
		{ .ifindex = 7, .lower = 6, .name = "v1", .kind = "veth" },
		{ .ifindex = 8, .name = "eth2", .on = 4 },
		{ .ifindex = 9, .name = "br0", .kind = "bridge" },
		{ .ifindex = 10, .master = 99, .lower = 98, .name = "odd" },
	};
	static const uint64_t want[] = { 1, 1, 1, 1, 2, 0, 4, 3, 0 };

	(void)state;
	reach_spread(l, PLX_ARRAY_SIZE(l));
	for (size_t i = 0; i < PLX_ARRAY_SIZE(l); i++)
		if (l[i].on != want[i])
			fail_msg("%s: %llx, not %llx", l[i].name, (unsigned long long)l[i].on,
			         (unsigned long long)want[i]);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(l); i++)
		assert_ptr_equal(reach_find(l, PLX_ARRAY_SIZE(l), l[i].ifindex), &l[i]);
	assert_null(reach_find(l, PLX_ARRAY_SIZE(l), 1));
	assert_null(reach_find(l, PLX_ARRAY_SIZE(l), 11));
	assert_null(reach_find(l, 0, 2));
	struct reach_link ring[] = { { .ifindex = 1, .master = 2, .on = 1 },
		                     { .ifindex = 2, .lower = 1, .master = 1 } };

	reach_spread(ring, 2); /* nonsense ends, too */
	assert_int_equal(ring[1].on, 1);
}

static void test_takes(void **state)
{
	static const struct { const char *port; uint64_t missing; bool takes;
	} rows[] = {
		{ "e", 0, true },
		{ "e,driver=auto", 0, true },
		{ "e,driver=af_xdp", 0, true },
		{ "e,driver=packet", 0, false },
		{ "e,driver=null", 0, false },
		{ "e,driver=loop", 0, false },
		{ "e,steer=none", 0, false },
		{ "e,force=yes", 0, true },
		{ "e", 1ull << CAP_NET_ADMIN, false },
		{ "e", 1ull << CAP_NET_RAW, false },
		{ "e", 1ull << CAP_SYS_ADMIN, true },
		{ "e", 1ull << CAP_BPF, true },
		{ "e", 1ull << CAP_BPF | 1ull << CAP_SYS_ADMIN, false },
		{ "e,driver=af_xdp", UINT64_MAX, true }, /* what lacks rights ends with an error of its own */
	};
	struct plx_port_conf c;
	char why[256];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		c = plx_port_conf_default;
		assert_int_equal(plx_port_conf_parse(&c, rows[i].port, why, sizeof(why)), 0);
		if (reach_takes(&c, rows[i].missing) != rows[i].takes)
			fail_msg("%s, missing %llx", rows[i].port, (unsigned long long)rows[i].missing);
	}
}

static void test_words(void **state)
{
	struct reach r = { .name = "eth0" };
	char buf[192];

	(void)state;
	assert_string_equal(reach_route(&r, buf, sizeof(buf)), "");
	assert_string_equal(reach_login(&r, buf, sizeof(buf)), "");
	strcpy(r.route_by, "eth0");
	assert_string_equal(reach_route(&r, buf, sizeof(buf)), "the default route");
	strcpy(r.route_via, "192.0.2.1");
	strcpy(r.route_by, "br0");
	assert_string_equal(reach_route(&r, buf, sizeof(buf)),
	                    "the default route via 192.0.2.1 by br0, which stands on eth0");
	strcpy(r.login_by, "eth0");
	strcpy(r.login_far, "[2001:db8::7]:50022");
	assert_string_equal(reach_login(&r, buf, sizeof(buf)), "the ssh session from [2001:db8::7]:50022");
	strcpy(r.login_of, "agent");
	r.login_pid = 7;
	assert_string_equal(reach_login(&r, buf, sizeof(buf)),
	                    "the connection of agent (process 7) with [2001:db8::7]:50022");
}

static void test_judge(void **state)
{
	struct plx_port_conf c = plx_port_conf_default;
	struct reach r = { .name = "eth0", .route_by = "eth0", .route_via = "192.0.2.1" };
	char text[REACH_TEXT];

	(void)state;
	strcpy(c.name, "eth0");
	assert_int_equal(reach_judge(&c, &r, text, sizeof(text)), -EINVAL);
	assert_string_equal(
		text,
		"eth0: steer=all would cut off the default route via 192.0.2.1: use another interface, steer=none, "
		"or driver=packet, which copies; or take it all the same with --iface eth0,force=yes; see pollux "
		"doctor eth0");
	strcpy(r.login_by, "eth0");
	strcpy(r.login_far, "192.0.2.7:50022");
	c.force = true;
	assert_int_equal(reach_judge(&c, &r, text, sizeof(text)), 0);
	assert_string_equal(
		text, "eth0: takes all frames of its queues, the default route via 192.0.2.1 and the ssh session from "
		      "192.0.2.7:50022 too (force=yes)");
	c.force = false;
	assert_string_equal(reach_above(&c, &r, text, sizeof(text)), "");
	strcpy(r.above, "mv0 (macvlan)");
	assert_string_equal(reach_above(&c, &r, text, sizeof(text)), "eth0: takes all frames of its queues, and what "
	                    "stands on it gets none of them: mv0 (macvlan): steer=none or driver=packet leave them");
	memset(&r, 0, sizeof(r));
	assert_int_equal(reach_judge(&c, &r, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* ---- owners ---- */

/* fd makes a descriptor of a process that is a socket, and returns its inode. */
static uint64_t fd(const char *pid, int number, bool socket)
{
	char path[128], below[512];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, number);
	root_path(below, path);
	assert_int_equal(mknod(below, (socket ? S_IFSOCK : S_IFREG) | 0600, 0), 0);
	assert_int_equal(stat(below, &st), 0);
	return st.st_ino;
}

static void process(const char *pid, int number, const char *name, int parent)
{
	char text[128];

	snprintf(text, sizeof(text), "Name:\t%s\nUmask:\t0022\nPid:\t%d\nPPid:\t%d\n", name, number, parent);
	put(text, "/proc/%s/status", pid);
	snprintf(text, sizeof(text), "%s\n", name);
	put(text, "/proc/%s/comm", pid);
}

/* sudo, su and tmux: the session's sshd is no ancestor, or the environment is not told of it. */
static void test_owners(void **state)
{
	struct reach_conn c[8] = { 0 };

	(void)state;
	process("self", 50, "plx-fwd", 40);
	process("40", 40, "bash", 30);
	process("30", 30, "agent of (many)", 1);
	process("1", 1, "init", 0);
	process("60", 60, "sshd-session", 1);
	process("70", 70, "nginx", 1);
	const uint64_t agent = fd("30", 4, true), ssh = fd("60", 3, true), nginx = fd("70", 5, true),
		       file = fd("40", 6, false);
	const uint64_t own = fd("self", 3, true);
	const uint64_t inode[] = { ssh, nginx, agent, file, own, 1 };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(inode); i++)
		c[i].inode = inode[i];
	reach_owners(c, PLX_ARRAY_SIZE(inode), &root_sys);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(inode); i++) {
		assert_true(i == 0 || c[i - 1].inode <= c[i].inode);
		assert_int_equal(c[i].held, c[i].inode == ssh || c[i].inode == agent || c[i].inode == own);
		assert_int_equal(c[i].ssh, c[i].inode == ssh);
		if (c[i].inode == agent) {
			assert_string_equal(c[i].of, "agent of (many)");
			assert_int_equal(c[i].pid, 30);
		}
	}
	put("Name:\tx\nPid:\t40\nPPid:\t40\n", "/proc/40/status"); /* nonsense ends, too */
	reach_owners(c, PLX_ARRAY_SIZE(inode), &root_sys);
}

static void test_owners_out_of_sight(void **state)
{
	struct reach_conn c = { .inode = 1 };

	(void)state;
	reach_owners(&c, 1, &root_sys); /* no procfs at all */
	assert_false(c.held);
}

/* ---- the kernel's word ---- */

static struct reach r[3];
static struct reach_asked asked;

static void read_all(const struct plx_sys *sys)
{
	static const char *const names[] = { "plxe0", "plxe1", "plx-another-name-of-plxe2" };

	reach_read(r, names, 3, sys, &asked);
}

static void all_asked(void)
{
	if (asked.links || asked.routes || asked.addresses || asked.connections)
		fail_msg("%d %d %d %d", asked.links, asked.routes, asked.addresses, asked.connections);
}

static void run(const char *cmd)
{
	if (system(cmd))
		fail_msg("%s", cmd);
}

/* connection: both of its ends are on address, one of them on port; mapped: that one alone, by a socket of IPv6. */
static void connection(int pair[2], int family, const char *address, uint16_t port, bool mapped)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr *to = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int s = socket(mapped ? AF_INET6 : family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	assert_int_equal(inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr),
	                 1);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(mapped ? bind(s, (struct sockaddr *)&any, sizeof(any)) : bind(s, to, len), 0);
	assert_int_equal(listen(s, 1), 0);
	pair[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (mapped) {
		struct sockaddr_in lo = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };

		assert_int_equal(bind(pair[0], (struct sockaddr *)&lo, sizeof(lo)), 0);
	}
	assert_int_equal(connect(pair[0], to, len), 0);
	pair[1] = accept(s, NULL, NULL);
	assert_true(pair[1] >= 0);
	close(s);
}

static void drop(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void test_routes(void **state)
{
	(void)state;
	if (!netns)
		skip();
	read_all(&plx_sys_linux);
	all_asked();
	for (int i = 0; i < 3; i++)
		assert_true(r[i].ifindex && !*r[i].route_by && !*r[i].login_by);
	assert_string_equal(r[2].name, "plxe2");
	assert_string_equal(r[0].above, "");
	assert_string_equal(r[2].above, "plxb2 (bridge)");
	assert_string_equal(r[0].address, "10.77.0.1");
	assert_string_equal(r[1].address, ""); /* the bridge has one, and it none */
	run("for i in $(seq 20); do ip link add plxmacvlan$i link plxe0 type macvlan || exit 1; done");
	read_all(&plx_sys_linux);
	assert_memory_equal(r[0].above, "plxmacvlan1 (macvlan), plxmacvlan2 (macvlan), ", 46);
	assert_non_null(strstr(r[0].above, "plxmacvlan5 (macvlan) and 15 more"));
	run("for i in $(seq 20); do ip link del plxmacvlan$i || exit 1; done");
	run("ip route add default via 10.77.0.9 dev plxe0 metric 5; ip route add unreachable default metric 9; "
	    "ip -6 route add default dev plxb1; ip route add default dev plxe2 table 77");
	read_all(&plx_sys_linux);
	all_asked();
	assert_string_equal(r[0].route_by, "plxe0");
	assert_string_equal(r[0].route_via, "10.77.0.9");
	assert_string_equal(r[1].route_by, "plxb1"); /* whose port it is */
	assert_string_equal(r[1].route_via, "");
	assert_string_equal(r[2].route_by, "");
	run("ip route del default via 10.77.0.9; ip -6 route del default dev plxb1; "
	    "ip route add default nexthop via 10.77.0.9 dev plxe0 nexthop via 10.78.0.9 dev plxb2");
	read_all(&plx_sys_linux);
	assert_string_equal(r[0].route_via, "10.77.0.9");
	assert_string_equal(r[1].route_by, "");
	assert_string_equal(r[2].route_by, "plxb2");
	assert_string_equal(r[2].route_via, "10.78.0.9");
	run("ip route del default");
}

/* What cannot be asked is told apart from what is not so. */
static int refused_protocol;

static int refusing_socket(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == refused_protocol) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return root_socket(domain, type, protocol);
}

/* A kernel without tcp_diag takes the socket, and refuses the question. */
static ssize_t no_tcp_diag(int s, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	int protocol = 0;
	socklen_t size = sizeof(protocol);

	assert_int_equal(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &protocol, &size), 0);
	if (protocol == NETLINK_SOCK_DIAG) {
		errno = ENOENT;
		return -1;
	}
	return sendto(s, buf, n, flags, to, len);
}

static void connections(const struct plx_sys *sys)
{
	int v4[2], v6[2], mapped[2];

	connection(v4, AF_INET, "10.77.0.1", 2222, false);
	connection(v6, AF_INET6, "fd77::1", 2222, false);
	connection(mapped, AF_INET, "10.78.0.1", 2222, true);
	read_all(sys);
	all_asked();
	assert_string_equal(r[0].login_by, "plxe0");
	assert_string_equal(r[0].login_of, "test_reach");
	assert_int_equal(r[0].login_pid, getpid());
	assert_memory_equal(r[0].login_far, "10.77.0.1:", 10);
	assert_string_equal(r[1].login_by, "plxb1");
	assert_memory_equal(r[1].login_far, "[fd77::1]:", 10);
	assert_string_equal(r[2].login_by, "plxb2");
	assert_memory_equal(r[2].login_far, "127.0.0.2:", 10);
	drop(v4);
	drop(v6);
	drop(mapped);
	connection(v4, AF_INET, "127.0.0.1", 2222, false);
	read_all(sys);
	for (int i = 0; i < 3; i++)
		assert_string_equal(r[i].login_by, "");
	drop(v4);
}

static void test_connections(void **state)
{
	(void)state;
	if (!netns)
		skip();
	connections(&plx_sys_linux);
}

static void test_connections_listed(void **state)
{
	struct plx_sys sys = plx_sys_linux;

	(void)state;
	if (!netns)
		skip();
	sys.sendto = no_tcp_diag;
	connections(&sys);
}

/* row adds a line to a table of connections; the ports are 2222 and 50000. */
static void row(char *text, size_t len, int family, const char *near, const char *far, const char *state,
                uint64_t inode)
{
	uint32_t ip[2][4] = { 0 };
	char hex[2][40];

	assert_int_equal(inet_pton(family, near, ip[0]), 1);
	assert_int_equal(inet_pton(family, far, ip[1]), 1);
	for (int i = 0; i < 2; i++)
		for (int w = 0; w < (family == AF_INET ? 1 : 4); w++)
			snprintf(hex[i] + w * 8, sizeof(hex[i]) - (size_t)w * 8, "%08X", ip[i][w]);
	size_t n = strlen(text);

	snprintf(text + n, len - n,
	         "   7: %s:08AE %s:C350 %s 00000000:00000000 02:000A7D5C 00000000     0        0 %llu 2 "
	         "0000000000000000 20 4 30 10 -1\n",
	         hex[0], hex[1], state, (unsigned long long)inode);
}

static const char heading[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

static void test_listed(void **state)
{
	char text[2048];

	(void)state;
	if (!netns)
		skip();
	process("60", 60, "sshd-session", 1);
	uint64_t v4 = fd("60", 3, true), v6 = fd("60", 4, true), mapped = fd("60", 5, true);

	root_sys.sendto = no_tcp_diag;
	read_all(&root_sys);
	assert_int_equal(asked.connections, -ENOENT); /* no table either */
	strcpy(text, heading);
	row(text, sizeof(text), AF_INET, "10.78.0.1", "192.0.2.7", "0A", v4); /* it listens */
	strcat(text, "   8: 0100:0016 0100:C350 01 00000000:00000000\n   9: nonsense\n\n");
	row(text, sizeof(text), AF_INET, "10.77.0.1", "192.0.2.7", "01", v4);
	put(text, "/proc/thread-self/net/tcp");
	read_all(&root_sys);
	all_asked(); /* without IPv6 */
	assert_string_equal(r[0].login_by, "plxe0");
	assert_string_equal(r[0].login_far, "192.0.2.7:50000");
	assert_string_equal(r[1].login_by, "");
	assert_string_equal(r[2].login_by, "");
	strcpy(text, heading);
	row(text, sizeof(text), AF_INET6, "fd77::1", "2001:db8::7", "01", v6);
	row(text, sizeof(text), AF_INET6, "::ffff:10.78.0.1", "::ffff:192.0.2.8", "01", mapped);
	put(text, "/proc/thread-self/net/tcp6");
	read_all(&root_sys);
	all_asked();
	assert_string_equal(r[0].login_far, "192.0.2.7:50000");
	assert_string_equal(r[1].login_by, "plxb1");
	assert_string_equal(r[1].login_far, "[2001:db8::7]:50000");
	assert_string_equal(r[2].login_by, "plxb2");
	assert_string_equal(r[2].login_far, "192.0.2.8:50000");
	assert_string_equal(r[2].login_of, "");
}

/* A procfs that shows nobody: port 22, and what the environment says as far as the kernel knows it, are left. */
static void test_owner_not_told(void **state)
{
	struct sockaddr_in at = { 0 };
	socklen_t len = sizeof(at);
	int pair[2];
	char ssh[128];

	(void)state;
	if (!netns)
		skip();
	connection(pair, AF_INET, "10.77.0.1", 2222, false);
	read_all(&root_sys);
	assert_string_equal(r[0].login_by, "");
	setenv("SSH_CONNECTION", "10.77.0.2 50000 10.77.0.1 22", 1);
	read_all(&root_sys);
	assert_string_equal(r[0].login_by, ""); /* left over from a session that is gone */
	assert_int_equal(getsockname(pair[0], (struct sockaddr *)&at, &len), 0);
	snprintf(ssh, sizeof(ssh), "10.77.0.1 %u 10.77.0.1 2222", ntohs(at.sin_port));
	setenv("SSH_CONNECTION", ssh, 1);
	read_all(&root_sys);
	assert_string_equal(r[0].login_by, "plxe0");
	assert_string_equal(r[0].login_of, "");
	unsetenv("SSH_CONNECTION");
	drop(pair);
	connection(pair, AF_INET, "10.77.0.1", 22, false);
	read_all(&root_sys);
	assert_string_equal(r[0].login_by, "plxe0");
	assert_string_equal(r[0].login_of, "");
	drop(pair);
}

static void test_refused(void **state)
{
	(void)state;
	if (!netns)
		skip();
	root_sys.socket = refusing_socket;
	refused_protocol = NETLINK_SOCK_DIAG;
	setenv("SSH_CONNECTION", "10.77.0.2 50000 10.77.0.1 22", 1); /* its word has to do */
	read_all(&root_sys);
	assert_int_equal(asked.connections, -EPROTONOSUPPORT);
	assert_true(!asked.links && !asked.routes && !asked.addresses);
	assert_string_equal(r[0].login_far, "10.77.0.2:50000");
	assert_string_equal(r[1].login_by, "");
	unsetenv("SSH_CONNECTION");
	refused_protocol = NETLINK_ROUTE;
	read_all(&root_sys);
	assert_true(asked.links && asked.routes && asked.addresses);
	for (int i = 0; i < 3; i++)
		assert_true(!*r[i].route_by && !*r[i].login_by);
}

static const char bed[] =
	"for i in 0 1 2; do ip link add plxe$i type veth peer name plxp$i && ip link set plxe$i up && ip link set "
	"plxp$i up && "
	"{ [ $i = 0 ] || { ip link add plxb$i type bridge && ip link set plxb$i up && ip link set plxe$i master "
	"plxb$i; }; } || exit 1; "
	"done; ip link property add dev plxe2 altname plx-another-name-of-plxe2 && ip link set lo up && "
	"ip addr add 10.77.0.1/24 dev plxe0 && ip addr add 10.78.0.1/24 dev plxb2 && ip -6 addr add fd77::1/64 dev "
	"plxb1 nodad";

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_judge),
		cmocka_unit_test_setup_teardown(test_owners, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_owners_out_of_sight, root_make, root_remove),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_connections_listed),
		cmocka_unit_test_setup_teardown(test_listed, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_owner_not_told, root_make, root_remove),
		cmocka_unit_test_setup_teardown(test_refused, root_make, root_remove),
	};

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	unsetenv("SSH_CONNECTION");
	netns = !unshare(CLONE_NEWNET);
	if (!netns)
		printf("SKIP: a network namespace of its own (unshare: %s)\n", strerror(errno));
	else if (system(bed))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_iface_live.c - discovery against this kernel, in a network namespace of its own: what was
   made there is what is found. */
#include "ax_util.h"
#include "host.h"

#include <linux/if_link.h>
#include <linux/ethtool.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <sys/wait.h>

static struct iface *l;

static int setup(void **state)
{
	(void)state;
	veth("plxa0", "plxb0", 2);
	l = malloc(sizeof(*l));
	return l ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(l);
	run("ip link del plxa0");
	return 0;
}

/* The pair ends with the namespace its other end is in. */
static int teardown_gone(void **state)
{
	(void)state;
	free(l);
	run("ip link del plxa0 2>/dev/null || true");
	return 0;
}

static void found(const char *name)
{
	assert_int_equal(iface_read(&plx_sys_linux, name, l), 0);
}

static void identity(void **state)
{
	char mac[18];

	(void)state;
	run("ip link set plxa0 address 02:11:22:33:44:55 mtu 2500; ip link property add dev plxa0 altname "
	    "plx-a-very-long-name");
	found("plxa0");
	assert_string_equal(l->name, "plxa0");
	assert_string_equal(l->kind, "veth");
	assert_string_equal(l->kdriver, "veth");
	assert_int_equal(l->ifindex, if_nametoindex("plxa0"));
	assert_string_equal(l->lower.name, "plxb0");
	assert_int_equal(l->lower.ifindex, if_nametoindex("plxb0"));
	assert_int_equal(l->mtu, 2500);
	assert_int_equal(l->mtu_min, 68);
	assert_true(l->flags & IFF_UP);
	assert_int_equal(l->operstate, 6);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", l->mac[0], l->mac[1], l->mac[2], l->mac[3],
	         l->mac[4], l->mac[5]);
	assert_string_equal(mac, "02:11:22:33:44:55");
	assert_int_equal(l->node, -1);
	assert_true(l->netns > 0);
	assert_int_equal(l->nalts, 1);
	found("plx-a-very-long-name");
	assert_string_equal(l->name, "plxa0");
	run("ip link set plxa0 down");
	found("plxa0");
	assert_false(l->flags & IFF_UP);
}

static void no_such(void **state)
{
	unsigned fds = count_fds();

	(void)state;
	assert_int_equal(iface_read(&plx_sys_linux, "plxnot", l), -ENODEV);
	assert_int_equal(iface_read(&plx_sys_linux, "", l), -ENODEV);
	assert_int_equal(iface_read(&plx_sys_linux, "a-name-of-more-than-sixteen-bytes", l), -ENODEV);
	found("plxa0");
	assert_int_equal(count_fds(), fds);
}

static void channels_and_offloads(void **state)
{
	(void)state;
	run("ethtool -K plxa0 gro on tx off >/dev/null");
	found("plxa0");
	assert_int_equal(l->ch_rx, 2);
	assert_int_equal(l->ch_tx, 2);
	assert_int_equal(l->rxqs_alloc, 2);
	assert_int_equal(l->nrxqs, 2);
	assert_int_equal(iface_on(l, IFACE_F_gro), 1);
	assert_int_equal(iface_on(l, IFACE_F_tx_csum), 0);
	assert_true(l->f_can >> IFACE_F_gro & 1);
	assert_false(l->f_can >> IFACE_F_lro & 1);
	assert_int_equal(l->rxq[1].how, IFACE_IRQ_NONE);
	run("ethtool -K plxa0 gro off >/dev/null; ethtool -L plxa0 rx 1");
	found("plxa0");
	assert_int_equal(iface_on(l, IFACE_F_gro), 0);
	assert_int_equal(l->ch_rx, 1);
	assert_int_equal(l->nrxqs, 1);
	assert_int_equal(l->ntxqs, 2);
}

static int no_netlink(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK && protocol == 16 /* NETLINK_GENERIC */) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	return plx_sys_linux.socket(domain, type, protocol);
}

static int no_sockets(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return plx_sys_linux.socket(domain, type, protocol);
}

/* Without generic netlink the ioctls say the same; without any, they still do. */
static void fallbacks(void **state)
{
	struct iface *by_ioctl = malloc(sizeof(*by_ioctl));
	struct plx_sys sys = plx_sys_linux;
	uint32_t same = 1u << IFACE_F_gro | 1u << IFACE_F_gso | 1u << IFACE_F_tso | 1u << IFACE_F_sg |
	                1u << IFACE_F_rx_vlan | 1u << IFACE_F_tx_vlan | 1u << IFACE_F_lro | 1u << IFACE_F_ntuple |
	                1u << IFACE_F_tx_csum;

	(void)state;
	run("ethtool -K plxa0 gro on rxvlan off >/dev/null");
	found("plxa0");
	sys.socket = no_netlink;
	assert_int_equal(iface_read(&sys, "plxa0", by_ioctl), 0);
	assert_int_equal(by_ioctl->f_known & same, same);
	assert_int_equal(by_ioctl->f_on & same, l->f_on & same);
	assert_int_equal(by_ioctl->ch_rx, 2);
	assert_int_equal(by_ioctl->nrxqs, 2);
	assert_string_equal(by_ioctl->kind, "veth");
	assert_false(by_ioctl->xdp_told);
	assert_int_equal(by_ioctl->rxq[0].xsk, -1);
	sys.socket = no_sockets;
	assert_int_equal(iface_read(&sys, "plxa0", by_ioctl), 0);
	assert_int_equal(by_ioctl->ifindex, l->ifindex);
	assert_int_equal(by_ioctl->mtu, 1500);
	assert_string_equal(by_ioctl->kdriver, "veth");
	assert_string_equal(by_ioctl->kind, "");
	assert_int_equal(iface_read(&sys, "plxnot", by_ioctl), -ENODEV);
	free(by_ioctl);
}

/* A port of ours holds one of two queues: the program, its owner, the socket are seen. */
static void xdp(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);

	(void)state;
	c.rxqs = c.txqs = 1;
	c.queue = 1;
	found("plxa0");
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_NONE);
	assert_int_equal(l->xdp.id, 0);
	assert_int_equal(plx_xdp_owner(&l->xdp, &plx_sys_linux), -ENOENT);
	struct plx_port *p = open_port(&c);
	found("plxa0");
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_DRV);
	assert_true(l->xdp.id > 0);
	assert_string_equal(l->xdp.name, "steer");
	assert_true(l->xdp.tag[0] | l->xdp.tag[1] | l->xdp.tag[2] | l->xdp.tag[3]);
	assert_int_equal(plx_xdp_owner(&l->xdp, &plx_sys_linux), 0);
	assert_int_equal(l->xdp.pid, getpid());
	assert_string_equal(l->xdp.comm, "test_iface_live");
	assert_true(l->xdp.link > 0);
	if (l->xdp_told)
		assert_int_equal(l->xdp_features & 3, 3); /* basic, redirect: veth has them while the peer is of use */
	else
		print_message("SKIP: no netdev family: XDP features and sockets of queues are not told\n");
	if (l->rxq[1].xsk >= 0) {
		assert_int_equal(l->rxq[1].xsk, 1);
		assert_int_equal(l->rxq[0].xsk, 0);
		assert_int_equal(l->txq[1].xsk, 1);
	}
	plx_port_close(p);
	end_pool(pool);
	found("plxa0");
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_NONE);
}

static void generic(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_GENERIC);

	(void)state;
	c.rxqs = c.txqs = 1;
	struct plx_port *p = open_port(&c);
	found("plxa0");
	assert_int_equal(l->xdp.mode, XDP_ATTACHED_SKB);
	plx_port_close(p);
	end_pool(pool);
}

/* The other end of the pair is in another namespace: the interface here that has its index is
   another one. */
static void peer_away(void **state)
{
	unsigned index = if_nametoindex("plxb0");
	int ready[2], end[2];
	char c;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(end), 0);
	pid_t pid = fork();
	if (!pid) {
		close(end[1]);
		if (unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit((int)read(end[0], &c, 1)); /* until the test has ended, however that is */
	}
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	run("ip link set plxb0 netns %d && ip link add plxc0 index %u type bridge", pid, index);
	found("plxa0");
	assert_true(l->lower_netns >= 0);
	assert_int_equal(l->lower.ifindex, index);
	assert_string_equal(l->lower.name, "");
	run("ip link del plxc0");
	close(end[1]);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* More queues than there is room for are cut, not written behind the tables. */
static int many_queues(int fd, unsigned long request, void *arg)
{
	struct ethtool_channels *ch = (void *)((struct ifreq *)arg)->ifr_data;

	if (request == SIOCETHTOOL && ch->cmd == ETHTOOL_GCHANNELS) {
		ch->rx_count = ch->tx_count = 0;
		ch->combined_count = 4096;
		return 0;
	}
	return plx_sys_linux.ioctl(fd, request, arg);
}

static void queues_beyond(void **state)
{
	struct plx_sys sys = plx_sys_linux;

	(void)state;
	sys.ioctl = many_queues;
	assert_int_equal(iface_read(&sys, "plxa0", l), 0);
	assert_int_equal(l->nrxqs, PLX_QUEUES_MAX);
	assert_int_equal(l->ntxqs, PLX_QUEUES_MAX);
	assert_int_equal(l->txq[PLX_QUEUES_MAX - 1].how, IFACE_IRQ_NONE);
}

static void bridge(void **state)
{
	(void)state;
	run("ip link add plxbr type bridge && ip link set plxb0 master plxbr");
	found("plxb0");
	assert_string_equal(l->master.name, "plxbr");
	found("plxbr");
	assert_string_equal(l->kind, "bridge");
	assert_int_equal(l->nslaves, 1);
	assert_string_equal(l->slaves[0].name, "plxb0");
	run("ip link del plxbr");
}

struct seen { unsigned n; bool lo, a, b; uint64_t netns; };

static void see(void *arg, const struct iface *k)
{
	struct seen *s = arg;

	s->n++;
	s->lo |= !strcmp(k->name, "lo");
	s->a |= !strcmp(k->name, "plxa0") && !strcmp(k->kind, "veth") && k->lower.ifindex == if_nametoindex("plxb0");
	s->b |= !strcmp(k->name, "plxb0");
	s->netns = k->netns;
}

static void each(void **state)
{
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(iface_link_each(&plx_sys_linux, see, &s), 0);
	assert_true(s.lo && s.a && s.b);
	found("lo");
	assert_int_equal(l->netns, s.netns);
	assert_int_equal(l->rxq[0].how, IFACE_IRQ_NONE);
}

/* ---- the host as a whole ---- */

static unsigned queries; /* of an interface: each asks for its address, once */
static int refusal;      /* errno of each but the first */

static int count_queries(int fd, unsigned long request, void *arg)
{
	queries += request == SIOCGIFHWADDR;
	if (request == SIOCGIFHWADDR && refusal && queries > 1)
		return errno = refusal, -1;
	return plx_sys_linux.ioctl(fd, request, arg);
}

static struct host *host;
static char why[512];

static int read_host(const char *const *ports)
{
	static struct plx_env_conf conf;
	struct plx_sys sys = plx_sys_linux;

	sys.ioctl = count_queries;
	plx_env_conf_init(&conf);
	for (conf.nports = 0; ports[conf.nports]; conf.nports++) {
		conf.ports[conf.nports] = plx_port_conf_default;
		assert_int_equal(plx_port_conf_parse(&conf.ports[conf.nports], ports[conf.nports], why, sizeof(why)),
		                 0);
	}
	queries = 0;
	why[0] = 0;
	return host_read(host, &sys, &conf, why, sizeof(why));
}

/* Once for each name, and what is not there is not there. */
static void host_once(void **state)
{
	static const char *const ports[] = {
		"plxa0,queue=1,queues=1", "plxnot", "plxa0,driver=null", "plxb0", "plxa0,queues=1",
		"plx-a-very-long-name",   NULL
	};

	(void)state;
	unsigned fds = count_fds();

	host = calloc(1, sizeof(*host));
	run("ip link property add dev plxa0 altname plx-a-very-long-name");
	assert_int_equal(read_host(ports), 0);
	assert_int_equal(queries, 3);
	assert_true(host->topo.ncpus > 0);
	for (unsigned i = 0; i < 6; i++) {
		const struct host_iface *f = &host->iface[i];
		const bool there = i != 1 && i != 2;

		assert_int_equal(f->link.ifindex, !there ? 0 : if_nametoindex(i == 3 ? "plxb0" : "plxa0"));
		assert_int_equal(f->found != NULL, there);
		assert_int_equal(f->link.node, -1);
		if (!there)
			continue;
		assert_string_equal(f->found->name, f->link.name);
		assert_string_equal(f->found->kind, "veth");
		assert_int_equal(f->found->ifindex, f->link.ifindex);
		assert_int_equal(f->found->nrxqs, 2);
		assert_int_equal(f->link.zc, f->found->xdp_told ? PLX_LINK_ZC_NO : PLX_LINK_ZC_NOT_TOLD);
	}
	assert_ptr_equal(host->iface[4].found, host->iface[0].found);
	assert_int_equal(count_fds(), fds);
	host_free(host);
	assert_null(host->iface[0].found);
	assert_null(host->iface[4].found);
	assert_int_equal(host->iface[0].link.rxqs, 2);
	host_free(host);
	free(host);
}

/* What cannot be asked about is told once, and does not hide the others. */
static void host_refused(void **state)
{
	static const char *const ports[] = { "plxa0", "plxb0", "lo", "plxa0", NULL };

	(void)state;
	host = calloc(1, sizeof(*host));
	refusal = EPERM;
	assert_int_equal(read_host(ports), -EPERM);
	refusal = 0;
	assert_string_equal(why,
	                    "plxb0: cannot ask the kernel about it: Operation not permitted: see ip link show plxb0");
	assert_non_null(host->iface[0].found);
	assert_null(host->iface[1].found);
	assert_int_equal(host->iface[1].link.ifindex, 0);
	assert_ptr_equal(host->iface[3].found, host->iface[0].found);
	host_free(host);
	free(host);
}

int main(void)
{
	own_namespace();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(identity, setup, teardown),
		cmocka_unit_test_setup_teardown(no_such, setup, teardown),
		cmocka_unit_test_setup_teardown(channels_and_offloads, setup, teardown),
		cmocka_unit_test_setup_teardown(fallbacks, setup, teardown),
		cmocka_unit_test_setup_teardown(xdp, setup, teardown),
		cmocka_unit_test_setup_teardown(generic, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_away, setup, teardown_gone),
		cmocka_unit_test_setup_teardown(queues_beyond, setup, teardown),
		cmocka_unit_test_setup_teardown(bridge, setup, teardown),
		cmocka_unit_test_setup_teardown(each, setup, teardown),
		cmocka_unit_test_setup_teardown(host_once, setup, teardown),
		cmocka_unit_test_setup_teardown(host_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* net.c - what the doctor knows of interfaces: discovery, other network namespaces,
   routes, ssh sessions, and whose the queues are.  Cold; reads only; called by doctor_read(). */
#include "doctor.h"
#include "nl.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- interfaces of this namespace ---- */

/* An interrupt that may not be moved has no file to write its CPUs to. */
static void read_fixed(struct doctor *d, struct patient *p)
{
	for (unsigned q = 0; q < p->l->nrxqs; q++) {
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", p->l->rxq[q].irq);
		int fd = p->l->rxq[q].irq < 0 ? -1 : d->sys->open(path, O_RDONLY | O_CLOEXEC, 0);

		if (fd < 0)
			continue;
		if (!d->sys->fstat(fd, &st) && !(st.st_mode & S_IWUSR))
			cpuset_add(&p->irq_fixed, q);
		d->sys->close(fd);
	}
}

static bool ask(struct doctor *d, int fd, const char *name, void *cmd)
{
	struct ifreq ifr = { .ifr_data = cmd };

	memcpy(ifr.ifr_name, name, sizeof(ifr.ifr_name));
	return !d->sys->ioctl(fd, SIOCETHTOOL, &ifr);
}

/* The NIC's own rules, which win over its RSS table. */
static void read_rules(struct doctor *d, struct patient *p)
{
	struct {
		struct ethtool_rxnfc head;
		uint32_t id[PLX_ARRAY_SIZE(p->rule)];
	} all = { .head.cmd = ETHTOOL_GRXCLSRLALL };
	int fd = d->sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	all.head.rule_cnt = PLX_ARRAY_SIZE(p->rule);
	if (fd >= 0 && ask(d, fd, p->l->name, &all))
		for (unsigned i = 0; i < all.head.rule_cnt && i < PLX_ARRAY_SIZE(p->rule); i++) {
			struct ethtool_rxnfc one = { .cmd = ETHTOOL_GRXCLSRULE, .fs.location = all.id[i] };

			if (ask(d, fd, p->l->name, &one) && !(one.flow_type & FLOW_RSS))
				p->rule[p->nrules++] =
					(struct flow_rule){ all.id[i], one.fs.ring_cookie > UINT32_MAX ?
					                                       UINT32_MAX :
					                                       (uint32_t)one.fs.ring_cookie };
		}
	if (fd >= 0)
		d->sys->close(fd);
}

/* The device's features are a row of 0 and 1. */
static void read_virtio(struct doctor *d, struct patient *p)
{
	enum { ACCESS_PLATFORM = 33 };
	char path[64], bits[80] = "";

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/features", p->l->name);
	if (p->sysfs && !strcmp(p->l->kdriver, "virtio_net") &&
	    plx_file_read(d->sys, path, bits, sizeof(bits)) > ACCESS_PLATFORM)
		p->no_platform = bits[ACCESS_PLATFORM] == '0';
}

static void read_port(struct doctor *d, struct patient *p)
{
	const char *list[TOPO_LINKS_MAX], *near;

	if (p->l) {
		p->sysfs = plx_link_sysfs(d->sys, p->l->name, p->l->ifindex);
		read_virtio(d, p);
		read_fixed(d, p);
		read_rules(d, p);
		return;
	}
	for (unsigned i = 0; i < d->host.topo.nlinks; i++)
		list[i] = d->host.topo.links[i];
	near = plx_text_near(p->conf->name, list, d->host.topo.nlinks);
	if (near)
		snprintf(p->near, sizeof(p->near), "%s", near);
}

void read_ports(struct doctor *d)
{
	for (unsigned i = 0; i < d->conf.nports; i++) {
		struct patient *p = &d->port[d->nports];

		if (!plx_driver_on_device(&d->conf.ports[i]))
			continue;
		p->conf = &d->conf.ports[i];
		p->l = d->host.iface[i].found;
		read_port(d, p);
		d->nports++;
	}
}

/* ---- other namespaces: those of ip netns, and the first process's ---- */

enum { NETS_MAX = 128 };
struct net { char enter[96]; int fd, nsid; };
struct nets { struct doctor *d; struct net net[NETS_MAX]; unsigned n; struct stat own; };

static void got_nsid(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *a;

	if (h->nlmsg_type == RTM_NEWNSID)
		mnl_attr_for_each(a, h, sizeof(struct rtgenmsg))
			if (mnl_attr_get_type(a) == NETNSA_NSID)
				*(int *)arg = (int)nl_uint(a);
}

/* nsid is the number by which this namespace calls another. */
static int nsid(struct nl *q, int fd)
{
	alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	int id = -1;

	h->nlmsg_type = RTM_GETNSID;
	*(struct rtgenmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct rtgenmsg)) = (struct rtgenmsg){ AF_UNSPEC };
	mnl_attr_put_u32(h, NETNSA_FD, (uint32_t)fd);
	nl_ask(q, h, got_nsid, &id);
	return id;
}

static void add_net(struct nets *s, const char *path, const char *enter)
{
	struct stat st;
	int fd = s->n < NETS_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (fstat(fd, &st) || (st.st_ino == s->own.st_ino && st.st_dev == s->own.st_dev)) {
		close(fd);
		return;
	}
	s->net[s->n].fd = fd;
	s->net[s->n].nsid = -1;
	snprintf(s->net[s->n++].enter, sizeof(s->net[0].enter), "%s", enter);
}

static int named_net(void *arg, const char *name)
{
	struct nets *s = arg;
	char path[300], enter[96];
	struct stat st;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	if (!stat(path, &st) && st.st_ino == s->own.st_ino && st.st_dev == s->own.st_dev)
		snprintf(s->d->facts.netns, sizeof(s->d->facts.netns), "%.63s", name);
	if ((size_t)snprintf(enter, sizeof(enter), "ip netns exec %s ", quoted(name)) < sizeof(enter))
		add_net(s, path, enter);
	return 0;
}

static bool is_peer(const struct patient *p, const struct net *n)
{
	return p->l && !p->peer && !strcmp(p->l->kind, "veth") && p->l->lower_netns >= 0 &&
	       n->nsid == p->l->lower_netns;
}

static void look(struct doctor *d, struct patient *p, const struct net *n)
{
	struct plx_link_info li;
	char name[IF_NAMESIZE];

	if (!p->l && !*p->elsewhere && !plx_link_query(d->sys, p->conf->name, &li))
		snprintf(p->elsewhere, sizeof(p->elsewhere), "%s", n->enter);
	if (!is_peer(p, n) || !if_indextoname(p->l->lower.ifindex, name))
		return;
	p->peer = malloc(sizeof(*p->peer));
	if (p->peer && iface_read(d->sys, name, p->peer)) {
		free(p->peer);
		p->peer = NULL;
	}
	snprintf(p->at_peer, sizeof(p->at_peer), "%s", n->enter);
}

/* worth: some port may be there, or its other end is. */
static bool worth(const struct doctor *d, const struct net *n)
{
	for (unsigned k = 0; k < d->nports; k++)
		if (!d->port[k].l || is_peer(&d->port[k], n))
			return true;
	return false;
}

/* A thread of its own, since a thread that has left its namespace is of no more use. */
static void *visit(void *arg)
{
	struct nets *s = arg;

	for (unsigned i = 0; i < s->n; i++) {
		if (!worth(s->d, &s->net[i]) || setns(s->net[i].fd, CLONE_NEWNET))
			continue;
		for (unsigned k = 0; k < s->d->nports; k++)
			look(s->d, &s->d->port[k], &s->net[i]);
	}
	return NULL;
}

static void read_other(struct doctor *d)
{
	struct nets *s = calloc(1, sizeof(*s));
	struct nl q;
	pthread_t t;

	if (!s || stat("/proc/thread-self/ns/net", &s->own)) {
		free(s);
		return;
	}
	s->d = d;
	plx_file_dir(d->sys, "/run/netns", named_net, s);
	add_net(s, "/proc/1/ns/net", "nsenter -t 1 -n ");
	if (!nl_open(&q, d->sys, NETLINK_ROUTE)) {
		for (unsigned i = 0; i < s->n; i++)
			s->net[i].nsid = nsid(&q, s->net[i].fd);
		nl_close(&q);
	}
	if (!pthread_create(&t, NULL, visit, s))
		pthread_join(t, NULL);
	for (unsigned i = 0; i < s->n; i++)
		close(s->net[i].fd);
	free(s);
}

static void read_peer(struct doctor *d, struct patient *p)
{
	if (!p->l || p->peer || strcmp(p->l->kind, "veth") || p->l->lower_netns >= 0 || !*p->l->lower.name)
		return;
	p->peer = malloc(sizeof(*p->peer));
	if (p->peer && iface_read(d->sys, p->l->lower.name, p->peer)) {
		free(p->peer);
		p->peer = NULL;
	}
}

/* ---- what the host needs the interface for ---- */

/* Asked for all ports at once, by the question that a start asks. */
static void read_uses(struct doctor *d)
{
	const char *names[PLX_PORTS_MAX] = { NULL };
	struct reach r[PLX_PORTS_MAX];
	struct patient *of[PLX_PORTS_MAX] = { NULL };
	unsigned n = 0;

	for (unsigned i = 0; i < d->nports; i++)
		if (d->port[i].l) {
			of[n] = &d->port[i];
			names[n++] = d->port[i].l->name;
		}
	reach_read(r, names, n, d->sys, &d->asked);
	for (unsigned i = 0; i < n; i++)
		of[i]->reach = r[i];
}

/* ---- whose the queues are ---- */

/* AF_XDP sockets and those of AF_PACKET are the ones that are mapped; the latter are listed. */
static bool maps_xsk(long pid, const char *packets)
{
	char path[64], row[512], inode[32];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(row, sizeof(row), f)) {
		const char *s = strstr(row, " socket:[");

		if (!s)
			continue;
		snprintf(inode, sizeof(inode), " %.*s", (int)strcspn(s + 9, "]"), s + 9);
		const char *at = strstr(packets, inode);
		found = !at || (at[strlen(inode)] != '\n' && at[strlen(inode)] != ' ');
	}
	if (f)
		fclose(f);
	return found;
}

struct hunt { struct doctor *d; struct patient *p; char *packets; struct stat own; };

static int hunt_process(void *arg, const char *name)
{
	struct hunt *h = arg;
	char path[64];
	struct stat st;
	long pid = strtol(name, NULL, 10);

	snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
	if (pid <= 0 || pid == getpid() || stat(path, &st) || st.st_ino != h->own.st_ino || !maps_xsk(pid, h->packets))
		return 0;
	h->p->holder = (int32_t)pid;
	return pid == h->p->l->xdp.pid; /* the program's owner is the best guess */
}

static bool any_xsk(const struct iface *l)
{
	for (unsigned q = 0; q < l->nrxqs || q < l->ntxqs; q++)
		if (l->rxq[q].xsk == 1 || l->txq[q].xsk == 1)
			return true;
	return false;
}

static void read_holder(struct doctor *d, struct patient *p)
{
	size_t len = 64u << 10;
	struct hunt h = { d, p, malloc(len), { 0 } };
	char path[64];

	if (h.packets && !stat("/proc/thread-self/ns/net", &h.own)) {
		if (plx_file_read(d->sys, "/proc/net/packet", h.packets, len) < 0)
			*h.packets = 0;
		plx_file_dir(d->sys, "/proc", hunt_process, &h);
	}
	free(h.packets);
	snprintf(path, sizeof(path), "/proc/%d/comm", p->holder);
	if (p->holder && plx_file_read(d->sys, path, p->holder_name, sizeof(p->holder_name)) > 0)
		p->holder_name[strcspn(p->holder_name, "\n")] = 0;
}

static int find_pins(void *arg, const char *name)
{
	struct patient *p = arg;
	unsigned ifindex, prog;

	if (sscanf(name, "dispatch-%u-%u", &ifindex, &prog) != 2 || ifindex != p->l->ifindex || prog == p->l->xdp.id)
		return 0;
	snprintf(p->pins, sizeof(p->pins), "%.63s", name);
	return 1;
}

/* Kernels before 6.8 do not tell which queues have sockets: those that the port wants are tried. */
static void try_queues(struct doctor *d, struct patient *p)
{
	const unsigned n = p->conf->rxqs > p->conf->txqs ? p->conf->rxqs : p->conf->txqs;

	if (!strcmp(p->conf->driver, "packet"))
		return;
	for (unsigned q = p->conf->queue; q < PLX_QUEUES_MAX && q < p->l->nrxqs && (!n || q < p->conf->queue + n); q++)
		if (p->l->rxq[q].xsk < 0)
			p->l->rxq[q].xsk = (int8_t)try_queue(d->sys, p->l->ifindex, q);
}

void read_nets(struct doctor *d)
{
	read_other(d);
	read_uses(d);
	for (unsigned i = 0; i < d->nports; i++) {
		struct patient *p = &d->port[i];

		read_peer(d, p);
		if (!p->l)
			continue;
		if (p->l->xdp.id) {
			plx_xdp_programs(p->l->ifindex, &p->l->xdp, d->sys);
			plx_xdp_owner(&p->l->xdp, d->sys);
		}
		try_queues(d, p);
		if (any_xsk(p->l))
			read_holder(d, p);
		plx_file_dir(d->sys, "/sys/fs/bpf/xdp", find_pins, p);
	}
}

/* SPDX-License-Identifier: MIT */
/* reach.c - what of the host's own goes through the interfaces of ports.  Cold; called before a start
   changes anything, and by pollux doctor. */
#include "reach.h"
#include "iface.h"
#include "nl.h"
#include "link_info.h"
#include "plx_text.h"
#include "privileges.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { SSH_PORT = 22 };

struct address { uint32_t ifindex; uint8_t family, ip[16]; };
struct end { uint8_t family, ip[16]; uint16_t port; };

/* A table that grows; failed: memory ran out, and what came after is missing. */
struct table { void *rows; unsigned n, room; bool failed; };

struct asker {
	const struct plx_sys *sys;
	struct reach *out;
	const char *const *names;
	unsigned n;
	struct table links;      /* struct reach_link, by ifindex once all are there */
	struct table addresses;  /* struct address, of the interfaces that matter */
	struct table conns;      /* struct reach_conn, the same */
	struct end far, near;    /* of SSH_CONNECTION; family 0 = there is none */
};

static void *add(struct table *t, size_t size)
{
	if (t->n == t->room) {
		void *rows = realloc(t->rows, (t->room * 2 + 64) * size);

		t->failed |= !rows;
		if (!rows)
			return NULL;
		t->rows = rows;
		t->room = t->room * 2 + 64;
	}
	return memset((char *)t->rows + t->n++ * size, 0, size);
}

/* ---- what stands on what ---- */

struct reach_link *reach_find(struct reach_link *l, unsigned n, uint32_t ifindex)
{
	while (n) { /* the row of ifindex, if there is one, is within l[0,n) */
		struct reach_link *mid = l + n / 2;

		if (mid->ifindex == ifindex)
			return mid;
		if (mid->ifindex < ifindex) {
			n -= n / 2 + 1;
			l = mid + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}

/* Of these the kernel tells the other end where others have what they stand on. */
static bool is_pair(const struct reach_link *l)
{
	return !strcmp(l->kind, "veth") || !strcmp(l->kind, "netkit") || !strcmp(l->kind, "vxcan");
}

static bool spread_once(struct reach_link *l, unsigned n)
{
	bool more = false;

	for (unsigned i = 0; i < n; i++) {
		struct reach_link *up = l[i].master ? reach_find(l, n, l[i].master) : NULL;
		struct reach_link *below = l[i].lower && !is_pair(&l[i]) ? reach_find(l, n, l[i].lower) : NULL;
		uint64_t here = l[i].on | (below ? below->on : 0);

		more |= here != l[i].on || (up && here & ~up->on);
		l[i].on = here;
		if (up)
			up->on |= here;
	}
	return more;
}

void reach_spread(struct reach_link *l, unsigned n)
{
	while (spread_once(l, n)) /* bits are only added, so it ends */
		;
}

static void got_link(void *arg, const struct iface *l)
{
	struct asker *a = arg;
	struct reach_link *to = add(&a->links, sizeof(*to));

	if (!to)
		return;
	*to = (struct reach_link){ .ifindex = l->ifindex, .master = l->master.ifindex,
	                           .lower = l->lower_netns < 0 ? l->lower.ifindex : 0 };
	memcpy(to->name, l->name, sizeof(to->name));
	memcpy(to->kind, l->kind, sizeof(to->kind));
	for (unsigned i = 0; i < a->n; i++) {
		bool named = !strcmp(a->names[i], l->name);

		for (unsigned k = 0; k < l->nalts; k++)
			named |= !strcmp(a->names[i], l->alt[k]);
		if (!named)
			continue;
		to->on |= 1ull << i;
		a->out[i].ifindex = l->ifindex;
		memcpy(a->out[i].name, l->name, sizeof(a->out[i].name));
	}
}

static int by_ifindex(const void *a, const void *b)
{
	uint32_t x = ((const struct reach_link *)a)->ifindex, y = ((const struct reach_link *)b)->ifindex;

	return x < y ? -1 : x > y;
}

/* A name that is none of the few alternative ones that discovery keeps. */
static void other_name(struct asker *a, unsigned i)
{
	struct plx_link_info li;
	struct reach_link *l = plx_link_query(a->sys, a->names[i], &li) ? NULL :
	                       reach_find(a->links.rows, a->links.n, li.ifindex);

	if (!l)
		return;
	l->on |= 1ull << i;
	a->out[i].ifindex = l->ifindex;
	memcpy(a->out[i].name, l->name, sizeof(a->out[i].name));
}

/* What stands on the interface of port i, in the order of their numbers; the last words of a long list are left out. */
static void list_above(struct reach *r, unsigned i, const struct reach_link *l, unsigned n)
{
	unsigned more = 0;

	for (; n--; l++) {
		if (!(l->on >> i & 1) || l->ifindex == r->ifindex)
			continue;
		if (strlen(r->above) > sizeof(r->above) - 64) /* a name, a kind and the words for the others */
			more++;
		else
			plx_text_add(r->above, sizeof(r->above), "%s%s%s%s%s", *r->above ? ", " : "", l->name,
			             *l->kind ? " (" : "", l->kind, *l->kind ? ")" : "");
	}
	if (more)
		plx_text_add(r->above, sizeof(r->above), " and %u more", more);
}

static int ask_links(struct asker *a)
{
	int err = iface_link_each(a->sys, got_link, a);
	struct reach_link *l = a->links.rows;
	unsigned n = 0;

	if (a->links.n)
		qsort(l, a->links.n, sizeof(*l), by_ifindex);
	for (unsigned i = 0; i < a->links.n; i++) /* a dump that was begun anew tells of some twice */
		if (!n || l[n - 1].ifindex != l[i].ifindex)
			l[n++] = l[i];
	a->links.n = n;
	for (unsigned i = 0; n && i < a->n; i++)
		if (!a->out[i].ifindex)
			other_name(a, i);
	reach_spread(l, n);
	for (unsigned i = 0; i < a->n; i++)
		list_above(&a->out[i], i, l, n);
	return err ? err : a->links.failed ? -ENOMEM : 0;
}

/* on: the row of an interface that matters to a port, else NULL. */
static const struct reach_link *on(const struct asker *a, uint32_t ifindex)
{
	const struct reach_link *l = reach_find(a->links.rows, a->links.n, ifindex);

	return l && l->on ? l : NULL;
}

/* ---- default routes ---- */

static void ip_text(char *buf, size_t len, int family, const void *ip)
{
	if (!inet_ntop(family, ip, buf, (socklen_t)len))
		buf[0] = 0;
}

static void leads(struct asker *a, uint32_t ifindex, const char *via)
{
	const struct reach_link *l = on(a, ifindex);

	for (unsigned i = 0; l && i < a->n; i++) {
		if (!(l->on >> i & 1) || *a->out[i].route_by)
			continue;
		memcpy(a->out[i].route_by, l->name, sizeof(l->name));
		snprintf(a->out[i].route_via, sizeof(a->out[i].route_via), "%s", via);
	}
}

/* gateway reads RTA_GATEWAY, or RTA_VIA of an IPv4 route by way of IPv6. */
static void gateway(const struct nlattr *at, uint8_t family, char *via, size_t len)
{
	const uint8_t *ip = mnl_attr_get_payload(at);
	size_t n = mnl_attr_get_payload_len(at);

	if (mnl_attr_get_type(at) == RTA_GATEWAY && n == (family == AF_INET ? 4 : 16))
		ip_text(via, len, family, ip);
	else if (mnl_attr_get_type(at) == RTA_VIA && n == 2 + 16)
		ip_text(via, len, AF_INET6, ip + 2);
}

static void each_hop(struct asker *a, const struct nlattr *hops, uint8_t family)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	int left = mnl_attr_get_payload_len(hops);

	for (; left >= (int)sizeof(*hop) && RTNH_OK(hop, left);
	     left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		char via[REACH_FAR] = "";
		const struct nlattr *attr;

		mnl_attr_for_each_payload((const void *)RTNH_DATA(hop), hop->rtnh_len - sizeof(*hop))
			gateway(attr, family, via, sizeof(via));
		leads(a, (uint32_t)hop->rtnh_ifindex, via);
	}
}

static void got_route(void *arg, const struct nlmsghdr *h)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *at, *hops = NULL;
	uint32_t table, oif = 0;
	char via[REACH_FAR] = "";

	if (h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*m) || m->rtm_dst_len ||
	    m->rtm_type != RTN_UNICAST || m->rtm_flags & RTM_F_CLONED)
		return;
	table = m->rtm_table;
	mnl_attr_for_each(at, h, sizeof(*m)) {
		switch (mnl_attr_get_type(at)) {
		case RTA_TABLE:     table = (uint32_t)nl_uint(at); break;
		case RTA_OIF:       oif = (uint32_t)nl_uint(at); break;
		case RTA_MULTIPATH: hops = at; break;
		default:            gateway(at, m->rtm_family, via, sizeof(via));
		}
	}
	if (table != RT_TABLE_MAIN)
		return;
	if (oif)
		leads(arg, oif, via);
	if (hops)
		each_hop(arg, hops, m->rtm_family);
}

static int dump(struct nl *q, uint16_t type, const void *m, size_t len, nl_fn fn, void *arg)
{
	alignas(struct nlmsghdr) char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_DUMP;
	memcpy(mnl_nlmsg_put_extra_header(h, len), m, len);
	return nl_ask(q, h, fn, arg);
}

/* of_family: a kernel without a family has nothing to tell of it. */
static int of_family(int err)
{
	return err == -ENOENT || err == -EAFNOSUPPORT ? 0 : err;
}

static int ask_routes(struct asker *a, struct nl *q)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int first = 0;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(families); i++) {
		struct rtmsg m = { .rtm_family = families[i], .rtm_table = RT_TABLE_MAIN };
		int err = of_family(dump(q, RTM_GETROUTE, &m, sizeof(m), got_route, a));

		first = first ? first : err;
	}
	return first;
}

/* ---- addresses ---- */

static void got_address(void *arg, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	const struct nlattr *at, *ip = NULL;
	struct asker *a = arg;

	if (h->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(h) < sizeof(*m) || !on(a, m->ifa_index))
		return;
	size_t len = m->ifa_family == AF_INET ? 4 : 16;

	mnl_attr_for_each(at, h, sizeof(*m)) /* IFA_ADDRESS is the other end's where there is IFA_LOCAL */
		if (mnl_attr_get_payload_len(at) == len &&
		    (mnl_attr_get_type(at) == IFA_LOCAL || (mnl_attr_get_type(at) == IFA_ADDRESS && !ip)))
			ip = at;
	struct address *to = ip ? add(&a->addresses, sizeof(*to)) : NULL;

	if (!to)
		return;
	to->ifindex = m->ifa_index;
	to->family = m->ifa_family;
	memcpy(to->ip, mnl_attr_get_payload(ip), len);
	for (unsigned i = 0; i < a->n && m->ifa_scope < RT_SCOPE_LINK; i++)
		if (a->out[i].ifindex == m->ifa_index && !*a->out[i].address)
			ip_text(a->out[i].address, sizeof(a->out[i].address), m->ifa_family, to->ip);
}

static int ask_addresses(struct asker *a, struct nl *q)
{
	struct ifaddrmsg m = { .ifa_family = AF_UNSPEC };
	int err = of_family(dump(q, RTM_GETADDR, &m, sizeof(m), got_address, a));

	return err ? err : a->addresses.failed ? -ENOMEM : 0;
}

/* address_of: the interface that has it, 0 = none that matters.  scope: the one it is bound to, which
   tells between link-local ones. */
static uint32_t address_of(const struct asker *a, const struct end *e, uint32_t scope)
{
	const struct address *at = a->addresses.rows;
	bool local = e->family == AF_INET6 && e->ip[0] == 0xfe && (e->ip[1] & 0xc0) == 0x80;

	for (unsigned i = 0; i < a->addresses.n; i++)
		if (at[i].family == e->family && !memcmp(at[i].ip, e->ip, sizeof(e->ip)) &&
		    (!local || !scope || at[i].ifindex == scope))
			return at[i].ifindex;
	return 0;
}

/* ---- connections ---- */

/* end_of: one end of a connection; an IPv4 one of an IPv6 socket is IPv4. */
static struct end end_of(uint8_t family, const void *ip, uint16_t port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct end e = { .family = family, .port = ntohs(port) };

	if (family == AF_INET6 && !memcmp(ip, mapped, sizeof(mapped))) {
		e.family = AF_INET;
		memcpy(e.ip, (const uint8_t *)ip + sizeof(mapped), 4);
	} else {
		memcpy(e.ip, ip, family == AF_INET ? 4 : 16);
	}
	return e;
}

static bool same(const struct end *a, const struct end *b)
{
	return a->family == b->family && a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static void end_text(char *buf, size_t len, const struct end *e)
{
	char ip[INET6_ADDRSTRLEN];

	ip_text(ip, sizeof(ip), e->family, e->ip);
	snprintf(buf, len, e->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, e->port);
}

static void got_connection(void *arg, const struct inet_diag_msg *m)
{
	struct asker *a = arg;
	struct end near = end_of(m->idiag_family, m->id.idiag_src, m->id.idiag_sport);
	struct end far = end_of(m->idiag_family, m->id.idiag_dst, m->id.idiag_dport);
	uint32_t ifindex = address_of(a, &near, m->id.idiag_if);
	struct reach_conn *c = ifindex ? add(&a->conns, sizeof(*c)) : NULL;

	if (!c)
		return;
	const struct reach_link *l = on(a, ifindex);

	c->inode = m->idiag_inode;
	c->on = l->on;
	memcpy(c->by, l->name, sizeof(c->by));
	end_text(c->far, sizeof(c->far), &far);
	/* told apart without a look at its owner, who may be out of sight */
	c->ssh = c->held = near.port == SSH_PORT || (same(&near, &a->near) && same(&far, &a->far));
}

static void got_diag(void *arg, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(h);

	if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && mnl_nlmsg_get_payload_len(h) >= sizeof(*m) &&
	    (m->idiag_family == AF_INET || m->idiag_family == AF_INET6) && m->idiag_state == TCP_ESTABLISHED)
		got_connection(arg, m);
}

static void comes_by(struct asker *a, const struct reach_conn *c)
{
	for (unsigned i = 0; i < a->n; i++) {
		struct reach *r = &a->out[i];

		if (!(c->on >> i & 1) || *r->login_by)
			continue;
		memcpy(r->login_by, c->by, sizeof(r->login_by));
		memcpy(r->login_far, c->far, sizeof(r->login_far));
		if (!c->ssh)
			memcpy(r->login_of, c->of, sizeof(r->login_of));
		r->login_pid = c->pid;
	}
}

/* Where connections cannot be asked for, the environment's word has to do. */
static void by_environment(struct asker *a)
{
	const struct reach_link *l = on(a, a->near.family ? address_of(a, &a->near, 0) : 0);
	struct reach_conn c = { .ssh = true };

	if (!l)
		return;
	c.on = l->on;
	memcpy(c.by, l->name, sizeof(c.by));
	end_text(c.far, sizeof(c.far), &a->far);
	comes_by(a, &c);
}

static int ask_diag(struct asker *a)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct nl q;
	int first = nl_open(&q, a->sys, NETLINK_SOCK_DIAG);

	for (size_t i = 0; i < PLX_ARRAY_SIZE(families) && q.fd >= 0; i++) {
		struct inet_diag_req_v2 m = { .sdiag_family = families[i], .sdiag_protocol = IPPROTO_TCP,
		                              .idiag_states = 1u << TCP_ESTABLISHED };
		int err = dump(&q, SOCK_DIAG_BY_FAMILY, &m, sizeof(m), got_diag, a);

		first = first ? first : err;
	}
	nl_close(&q);
	return first;
}

static int ask_connections(struct asker *a)
{
	int first = ask_diag(a);

	if (first && !reach_tcp_list(a->sys, got_connection, a)) /* what both tell does no harm */
		first = 0;
	struct reach_conn *c = a->conns.rows;

	if (a->conns.n)
		reach_owners(c, a->conns.n, a->sys);
	for (unsigned other = 0; other < 2; other++) /* an ssh session says more than another connection */
		for (unsigned i = 0; i < a->conns.n; i++)
			if (c[i].held && c[i].ssh == !other)
				comes_by(a, &c[i]);
	if (first)
		by_environment(a);
	return first ? first : a->conns.failed ? -ENOMEM : 0;
}

/* SSH_CONNECTION: far address, far port, near address, near port. */
static bool read_end(struct end *e, char *ip, unsigned port)
{
	uint8_t raw[16];

	ip[strcspn(ip, "%")] = 0; /* fe80::1%eth0 */
	uint8_t family = strchr(ip, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, ip, raw) != 1)
		return false;
	*e = end_of(family, raw, htons((uint16_t)port));
	return true;
}

static void read_environment(struct asker *a)
{
	const char *s = getenv("SSH_CONNECTION");
	unsigned port[2];
	char ip[2][64];

	if (!s || sscanf(s, "%63s %u %63s %u", ip[0], &port[0], ip[1], &port[1]) != 4)
		return;
	if (!read_end(&a->far, ip[0], port[0]) || !read_end(&a->near, ip[1], port[1]))
		a->far.family = a->near.family = 0;
}

void reach_read(struct reach *out, const char *const *names, unsigned n, const struct plx_sys *sys,
                struct reach_asked *asked)
{
	struct asker a = { .sys = sys, .out = out, .names = names, .n = n };
	struct nl q;

	memset(out, 0, n * sizeof(*out));
	memset(asked, 0, sizeof(*asked));
	read_environment(&a);
	asked->links = ask_links(&a);
	int on_strict = 1, err = nl_open(&q, sys, NETLINK_ROUTE);

	if (!err) /* of the routes one table; older kernels send all, and got_route chooses */
		sys->setsockopt(q.fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on_strict, sizeof(on_strict));
	asked->routes = err ? err : ask_routes(&a, &q);
	asked->addresses = err ? err : ask_addresses(&a, &q);
	nl_close(&q);
	if (a.addresses.n) /* without there is no connection by them */
		asked->connections = ask_connections(&a);
	free(a.links.rows);
	free(a.addresses.rows);
	free(a.conns.rows);
}

/* ---- judging ---- */

bool reach_takes(const struct plx_port_conf *c, uint64_t missing_caps)
{
	bool named = !strcmp(c->driver, "af_xdp");

	return c->steer == PLX_STEER_ALL && !c->no_rx && plx_driver_may_be(c, "af_xdp") &&
	       (named || privileges_xdp(missing_caps));
}

/* stands tells by which interface, if it is not the port's own. */
static void stands(char *buf, size_t len, const char *by, const char *port)
{
	if (strcmp(by, port))
		plx_text_add(buf, len, " by %s, which stands on %s", by, port);
}

char *reach_route(const struct reach *r, char *buf, size_t len)
{
	buf[0] = 0;
	if (!*r->route_by)
		return buf;
	plx_text_add(buf, len, "the default route");
	if (*r->route_via)
		plx_text_add(buf, len, " via %s", r->route_via);
	stands(buf, len, r->route_by, r->name);
	return buf;
}

char *reach_login(const struct reach *r, char *buf, size_t len)
{
	buf[0] = 0;
	if (!*r->login_by)
		return buf;
	if (*r->login_of)
		plx_text_add(buf, len, "the connection of %s (process %d) with %s", r->login_of, r->login_pid,
		             r->login_far);
	else
		plx_text_add(buf, len, "the ssh session from %s", r->login_far);
	stands(buf, len, r->login_by, r->name);
	return buf;
}

int reach_judge(const struct plx_port_conf *c, const struct reach *r, char *text, size_t len)
{
	char route[192], login[192], what[400] = "";

	text[0] = 0;
	plx_text_add(what, sizeof(what), "%s", reach_route(r, route, sizeof(route)));
	plx_text_add(what, sizeof(what), "%s%s", *what && *r->login_by ? " and " : "",
	             reach_login(r, login, sizeof(login)));
	if (!*what)
		return 0;
	if (c->force) {
		plx_text_add(text, len, "%s: takes all frames of its queues, %s too (force=yes)", c->name, what);
		return 0;
	}
	plx_text_add(text, len,
	             "%s: steer=all would cut off %s: use another interface, steer=none, or driver=packet, which "
	             "copies; or take it all the same with --iface %s,force=yes; see pollux doctor %s",
	             c->name, what, PLX_QUOTED(c->name), PLX_QUOTED(c->name));
	return -EINVAL;
}

char *reach_above(const struct plx_port_conf *c, const struct reach *r, char *text, size_t len)
{
	text[0] = 0;
	if (*r->above)
		plx_text_add(text, len, "%s: takes all frames of its queues, and what stands on it gets "
		             "none of them: %s: steer=none or driver=packet leave them", c->name, r->above);
	return text;
}

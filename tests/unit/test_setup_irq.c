/* SPDX-License-Identifier: MIT */
/* test_setup_irq.c - where interrupts go, what irqbalance is told, and cgroups, over the files of
   a machine that is made up: two nodes of two cores with two threads each,
     node 0: CPUs 0-1 and 4-5    node 1: CPUs 2-3 and 6-7    siblings n and n + 4 */
#include "root_util.h"
#include "setup_dev.h"
#include "setup_in.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/un.h>

static struct setup s;
static struct plx_env_conf conf;
static struct topo *topo;
static struct disco_link *l;
static const struct disco_link *links[PLX_PORTS_MAX];
static int keep_irq, keep_err;                 /* the kernel refuses to move this one */
static char value[SETUP_VALUE_MAX], why[SETUP_WHY_MAX];
static char opened[512];                       /* path of what was opened last to be written to */

static int irq_open(const char *path, int flags, mode_t mode)
{
	bool own = flags & O_WRONLY && !strstr(path, "partition");

	if (flags & O_WRONLY) {
		opened[0] = 0;
		strncat(opened, path, sizeof(opened) - 1);
	}
	if (keep_irq && strstr(path, "smp_affinity_list") && atoi(path + strlen("/proc/irq/")) == keep_irq)
		own = false;
	return root_open(path, own ? flags | O_TRUNC : flags, mode); /* a file of the kernel has what was written last */
}

static ssize_t irq_write(int fd, const void *buf, size_t n)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", keep_irq);
	if (keep_irq && !strcmp(opened, path))
		return errno = keep_err, -1;
	return write(fd, buf, n);
}

static void irq(int number, const char *cpus, const char *action)
{
	put(cpus, "/proc/irq/%d/smp_affinity_list", number);
	put(action, "/sys/kernel/irq/%d/actions", number);
}

/* A NIC on node 1 with four queues: interrupts 30-33 receive, 40-43 transmit. */
static void make_nic(void)
{
	disco_link_init(l);
	strcpy(l->name, "eth0");
	l->ifindex = 7;
	l->nrxqs = l->ntxqs = 4;
	for (int q = 0; q < 4; q++) {
		l->rxq[q].irq = 30 + q;
		l->txq[q].irq = 40 + q;
		setup_cpus_add(&l->rxq[q].affinity, (unsigned)q);
		irq(30 + q, "0-7\n", "eth0-rx\n");
		irq(40 + q, "0-7\n", "eth0-tx\n");
	}
}

static void make_plan(unsigned rxqs, unsigned nlcores, const int *cpus)
{
	struct plan *p = calloc(1, sizeof(*p));

	s = (struct setup){ .in = { .sys = &root_sys, .conf = &conf, .topo = topo, .links = links,
	                            .stages = SETUP_ALL & ~(1u << SETUP_channels) }, .plan = p };
	p->main_cpu = -1;
	p->nports = conf.nports = 1;
	p->ports[0].link.ifindex = 7;
	p->ports[0].link.node = 1;
	strcpy(p->ports[0].conf.name, "eth0");
	p->ports[0].conf.rxqs = p->ports[0].conf.txqs = (uint16_t)rxqs;
	conf.ports[0] = p->ports[0].conf;
	p->nlcores = (uint16_t)nlcores;
	for (unsigned i = 0; i < nlcores; i++)
		p->lcores[i] = (struct plan_lcore){ .id = (uint16_t)i, .cpu = cpus[i], .node = topo->cpu[cpus[i]].node, .ncpus = 1,
		                                    .cpus = { (uint16_t)cpus[i] } };
	for (unsigned q = 0; q < rxqs; q++)
		p->ports[0].rxq_lcore[q] = (uint16_t)(q % nlcores);
}
#define PLAN(rxqs, ...) make_plan(rxqs, sizeof((int[]){ __VA_ARGS__ }) / sizeof(int), (int[]){ __VA_ARGS__ })

static int setup(void **state)
{
	root_make(state);
	root_sys.open = irq_open;
	root_sys.write = irq_write;
	keep_irq = 0;
	keep_err = EIO;
	topo = calloc(1, sizeof(*topo));
	l = malloc(sizeof(*l));
	links[0] = l;
	topo->ncpus = 8;
	topo->nnodes = 2;
	for (int c = 0; c < 8; c++)
		topo->cpu[c] = (struct topo_cpu){ .online = true, .allowed = true, .node = c / 2 % 2, .core = c % 4 };
	memset(&conf, 0, sizeof(conf));
	make_nic();
	return 0;
}

static int teardown(void **state)
{
	setup_free(&s);
	free(topo);
	free(l);
	return root_remove(state);
}

/* wanted: the CPUs that an interrupt is to have, "" = it is not spoken of. */
static const char *wanted(int number)
{
	static char want[SETUP_OBJECT_MAX];
	struct setup_irqs w;

	want[0] = 0;
	assert_true(setup_irqs_want(&s, &w));
	for (unsigned i = 0; i < w.n; i++)
		if (w.irq[i].irq == number)
			snprintf(want, sizeof(want), "%s", w.irq[i].want);
	free(w.irq);
	return want;
}

/* ---- where interrupts go ---- */

static void beside_on_the_node(void **state)
{
	(void)state;
	PLAN(1, 3);
	assert_string_equal(wanted(30), "2"); /* the node's other core; 7 is the lcore's sibling, 6 as good as 2 */
	assert_string_equal(wanted(40), "6"); /* and gets the next one */
	assert_string_equal(wanted(31), "0-2,4-7"); /* no used queue's: anywhere but on the lcore */
}

/* Between CPUs that are as good it stays where it is, so that a second look changes nothing. */
static void stays_where_it_is(void **state)
{
	(void)state;
	memset(&l->rxq[0].affinity, 0, sizeof(l->rxq[0].affinity));
	setup_cpus_add(&l->rxq[0].affinity, 6);
	PLAN(1, 3);
	assert_string_equal(wanted(30), "6");
}

static void sibling_before_another_node(void **state)
{
	(void)state;
	PLAN(2, 2, 3); /* both cores of the node */
	assert_string_equal(wanted(30), "6");
	assert_string_equal(wanted(31), "7");
}

static void no_cpu_left_on_the_node(void **state)
{
	(void)state;
	PLAN(4, 2, 3, 6, 7);
	assert_string_equal(wanted(30), "2"); /* auto: on its lcore */
	assert_string_equal(wanted(33), "7");
	setup_free(&s);
	conf.placement = PLX_PLACE_SPLIT;
	PLAN(4, 2, 3, 6, 7);
	assert_string_equal(wanted(30), "0"); /* split: beside, though far */
	assert_string_equal(wanted(31), "1");
}

static void every_cpu_is_an_lcores(void **state)
{
	(void)state;
	conf.placement = PLX_PLACE_SPLIT;
	PLAN(4, 0, 1, 2, 3, 4, 5, 6, 7);
	assert_string_equal(wanted(32), "2");
	irq(50, "0-7\n", "nvme\n");
	assert_string_equal(wanted(50), ""); /* there is nowhere to go */
}

static void same_core(void **state)
{
	(void)state;
	conf.placement = PLX_PLACE_SAME;
	PLAN(2, 3, 6);
	assert_string_equal(wanted(30), "3");
	assert_string_equal(wanted(31), "6");
	assert_string_equal(wanted(40), "3");
	assert_string_equal(wanted(32), "0-2,4-5,7");
}

/* Lcores that run anywhere are beside nothing. */
static void not_pinned(void **state)
{
	struct setup_irqs w;

	(void)state;
	PLAN(2, 3);
	s.plan->lcores[0].cpu = -1;
	s.plan->lcores[0].ncpus = 0;
	assert_true(setup_irqs_want(&s, &w));
	assert_int_equal(w.n, 0);
	free(w.irq);
}

static void isolated_and_main(void **state)
{
	(void)state;
	PLAN(1, 3);
	topo->cpu[2].isolated = true;
	s.plan->main_cpu = 6;
	assert_string_equal(wanted(30), "6"); /* the control thread's before an isolated one */
	topo->cpu[6].online = false;
	assert_string_equal(wanted(30), "2");
}

static void others(void **state)
{
	(void)state;
	irq(50, "3\n", "nvme0q4\n");
	irq(51, "0-2\n", "ahci\n");
	irq(52, "3\n", "\n");      /* nobody's */
	irq(53, "0-63\n", "usb\n"); /* CPUs that are not there do not count */
	put("2-3\n", "/proc/irq/54/smp_affinity_list"); /* an older kernel: the action is a directory */
	put("", "/proc/irq/54/ehci/x");
	put("2-3\n", "/proc/irq/55/smp_affinity_list");
	PLAN(1, 3);
	assert_string_equal(wanted(50), "0-2,4-7");
	assert_string_equal(wanted(51), "");
	assert_string_equal(wanted(52), "");
	assert_string_equal(wanted(53), "0-2,4-7");
	assert_string_equal(wanted(54), "2");
	assert_string_equal(wanted(55), "");
}

static void one_interrupt_for_both(void **state)
{
	(void)state;
	for (int q = 0; q < 4; q++)
		l->txq[q].irq = l->rxq[q].irq;
	PLAN(2, 3, 2);
	struct setup_irqs w;
	assert_true(setup_irqs_want(&s, &w));
	unsigned used = 0;
	for (unsigned i = 0; i < w.n; i++)
		used += w.irq[i].used;
	assert_int_equal(used, 2);
	free(w.irq);
}

static const struct setup_item *find(const char *object)
{
	for (unsigned i = 0; i < s.nitems; i++)
		if (!strcmp(s.items[i].object, object))
			return &s.items[i];
	return NULL;
}

static void stage(void **state)
{
	(void)state;
	irq(30, "2\n", "eth0-rx\n");
	irq(50, "3\n", "nvme0q4\n");
	keep_irq = 50;
	PLAN(1, 3);
	setup_plan_irq_affinity(&s);
	assert_int_equal(find("/proc/irq/30/smp_affinity_list")->state, SETUP_OK);
	assert_int_equal(find("/proc/irq/40/smp_affinity_list")->state, SETUP_CHANGE);
	assert_string_equal(find("/proc/irq/40/smp_affinity_list")->want, "6");
	assert_null(find("/proc/irq/50/smp_affinity_list")); /* cannot be moved: told, not tried */
	const struct setup_item *last = &s.items[s.nitems - 1];
	assert_int_equal(last->state, SETUP_SKIP);
	assert_non_null(strstr(last->why, "interrupts 50 stay"));
	assert_non_null(strstr(last->why, "Input/output error"));
}

/* An interrupt of a queue that stays where it is: told, and with split-core it is a failure. */
static void stage_kept(void **state)
{
	(void)state;
	irq(30, "3\n", "eth0-rx\n");
	keep_irq = 30;
	keep_err = EPERM;
	PLAN(1, 3);
	setup_plan_irq_affinity(&s);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	assert_non_null(strstr(s.items[0].why, "stays on CPU 3"));
	setup_free(&s);
	conf.placement = PLX_PLACE_SPLIT;
	PLAN(1, 3);
	setup_plan_irq_affinity(&s);
	assert_int_equal(s.items[0].state, SETUP_CANNOT);
}

/* With the channels its interrupts are made anew. */
static void stage_after_channels(void **state)
{
	(void)state;
	PLAN(1, 3);
	s.in.stages = SETUP_ALL;
	conf.ports[0].rxqs = 6;
	l->ch_combined = 4;
	l->ch_combined_max = 8;
	setup_plan_irq_affinity(&s);
	assert_int_equal(s.nitems, 1);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	assert_non_null(strstr(s.items[0].why, "once those are set"));
}

/* ---- irqbalance ---- */

static int listener = -1;
static char banned[512];

/* serve answers n requests as irqbalance does, on a thread. */
static void *serve(void *arg)
{
	for (intptr_t n = (intptr_t)arg; n--;) {
		char buf[500] = "", answer[4096] = "SLEEP 10 ", *save = NULL, copy[512];
		int fd = accept(listener, NULL, NULL);

		if (recv(fd, buf, sizeof(buf) - 1, 0) < 0)
			buf[0] = 0;
		if (!strncmp(buf, "settings ban irqs ", 18))
			snprintf(banned, sizeof(banned), "%s", strcmp(buf + 18, "NONE") ? buf + 18 : "");
		snprintf(copy, sizeof(copy), "%s", banned);
		for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
			plx_text_add(answer, sizeof(answer), "IRQ %s LOAD 77 DIFF 1 CLASS 4 ", w);
		plx_text_add(answer, sizeof(answer), "BANNED 00000000,00000008");
		if (!strcmp(buf, "setup") && send(fd, answer, strlen(answer), 0) < 0)
			abort();
		close(fd);
	}
	return NULL;
}

static int root_connect(int fd, const struct sockaddr *a, socklen_t len)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = ((const struct sockaddr_un *)(const void *)a)->sun_path;

	(void)len;
	if (!*path)
		return errno = ECONNREFUSED, -1;
	snprintf(at.sun_path, sizeof(at.sun_path), "%.40s%.60s", root, path);
	return connect(fd, (struct sockaddr *)&at, sizeof(at));
}

static char daemon_object[64];

static void make_irqbalance(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char below[512], path[64];

	for (int i = 1; i < 9; i++) { /* some that have ended */
		put("irqbalance\n", "/proc/%d/comm", i);
		put("1 (irqbalance) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 17 0\n", "/proc/%d/stat", i);
	}
	put("irqbalance\n", "/proc/%d/comm", getpid());
	put("1 (irqbalance) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0\n", "/proc/%d/stat", getpid());
	snprintf(daemon_object, sizeof(daemon_object), "%d 4242", getpid());
	snprintf(path, sizeof(path), "/run/irqbalance/irqbalance%d.sock", getpid());
	root_path(below, path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", below);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 4), 0);
	root_sys.connect = root_connect;
	banned[0] = 0;
}

#define SERVED(n, ...) do { \
	pthread_t t; \
	assert_int_equal(pthread_create(&t, NULL, serve, (void *)(intptr_t)(n)), 0); \
	__VA_ARGS__; \
	pthread_join(t, NULL); \
} while (0)

static void irqbalance_kind(void **state)
{
	(void)state;
	PLAN(1, 3);
	make_irqbalance();
	SERVED(1, assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), 0));
	assert_string_equal(value, "none");
	SERVED(1, assert_int_equal(setup_irqbalance.set(&s, daemon_object, "30 31", why, sizeof(why)), 0));
	assert_string_equal(banned, "30 31");
	strcpy(banned, "31 30 7 31");
	SERVED(1, assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), 0));
	assert_string_equal(value, "7 30 31");
	SERVED(1, assert_int_equal(setup_irqbalance.set(&s, daemon_object, "none", why, sizeof(why)), 0));
	assert_string_equal(banned, "");
	setup_irqbalance.command(&s, "812 4242", "none", value, sizeof(value));
	assert_string_equal(value, "printf 'settings ban irqs NONE' | socat - UNIX-CONNECT:/run/irqbalance/irqbalance812.sock");
	/* another process by now, or none that listens */
	snprintf(daemon_object, sizeof(daemon_object), "%d 4243", getpid());
	assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), -ENOENT);
	snprintf(daemon_object, sizeof(daemon_object), "%d 4242", getpid());
	close(listener);
	assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), -ECONNREFUSED);
	assert_int_equal(setup_irqbalance.get(&s, "x", value, sizeof(value)), -EINVAL);
}

static void irqbalance_stage(void **state)
{
	(void)state;
	PLAN(1, 3);
	setup_plan_irqbalance(&s);
	assert_string_equal(s.items[0].why, "no irqbalance is running");
	make_irqbalance();
	if (!geteuid()) { /* any user's process may have that name */
		char path[64], below[512];

		snprintf(path, sizeof(path), "/proc/%d/comm", getpid());
		assert_int_equal(chown(root_path(below, path), 65534, 65534), 0);
		assert_int_equal(setup_irqbalance_pid(&root_sys), 0);
		assert_int_equal(chown(below, 0, 0), 0);
	}
	assert_int_equal(setup_irqbalance_pid(&root_sys), getpid());
	strcpy(banned, "7");
	SERVED(2, setup_plan_irqbalance(&s));
	assert_int_equal(s.items[1].state, SETUP_CHANGE);
	assert_string_equal(s.items[1].object, daemon_object);
	assert_string_equal(s.items[1].old, "7");
	assert_string_equal(s.items[1].want, "7 30 31 32 33 40 41 42 43"); /* its own stay; ours, and those moved away */
	s.in.stages = 1u << SETUP_irqbalance;
	setup_free(&s);
	PLAN(1, 3);
	s.in.stages = 1u << SETUP_irqbalance;
	SERVED(2, setup_plan_irqbalance(&s));
	assert_string_equal(s.items[0].want, "7 30 40"); /* of used queues alone */
	close(listener);
}

/* ---- cgroups: what the kernel would do is done by hand ---- */

static bool partition_refused;

static int root_mkdir(const char *path, mode_t mode)
{
	static const char *const v2[] = { "cgroup.procs", "cgroup.controllers", "cpuset.cpus", "cpuset.mems" };
	char below[512];

	(void)mode;
	snprintf(below, sizeof(below), "%.100s%.200s", root, path);
	if (mkdir(below, 0755))
		return -1;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(v2); i++)
		put("\n", "%s/%s", path, v2[i]);
	put(partition_refused ? "________ invalid (Cpu list in cpuset.cpus not exclusive)\n" : "", "%s/cpuset.cpus.partition", path);
	return 0;
}

static unsigned busy;

static int root_rmdir(const char *path)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "rm -rf %s%s", root, path);
	return busy && busy-- ? errno = EBUSY, -1 : system(cmd) ? -1 : 0;
}

static int no_sleep(const struct timespec *t, struct timespec *rem)
{
	return (void)t, (void)rem, 0;
}

static void make_cgroup2(void)
{
	put("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n", "/proc/mounts");
	put("", "/sys/fs/cgroup/cgroup.procs");
	put("cpuset cpu io\n", "/sys/fs/cgroup/cgroup.controllers");
	put("cpu\n", "/sys/fs/cgroup/cgroup.subtree_control");
	root_sys.mkdir = root_mkdir;
	root_sys.rmdir = root_rmdir;
	root_sys.nanosleep = no_sleep;
	partition_refused = false;
	busy = 0;
}

static void cgroup_stage(void **state)
{
	(void)state;
	make_cgroup2();
	PLAN(1, 3);
	s.in.stages = SETUP_ALL;
	setup_plan_cpuset(&s);
	assert_non_null(strstr(s.items[0].why, "unless it is named"));
	s.in.stages = 1u << SETUP_cpuset, s.in.by_name = true;
	s.plan->main_cpu = 2;
	setup_plan_cpuset(&s);
	assert_int_equal(s.nitems, 3);
	assert_string_equal(s.items[1].object, "/sys/fs/cgroup");
	assert_string_equal(s.items[1].old, "cpuset off");
	assert_string_equal(s.items[1].want, "cpuset on");
	assert_string_equal(s.items[2].object, "/sys/fs/cgroup/pollux");
	assert_string_equal(s.items[2].old, "");
	assert_string_equal(s.items[2].want, "cpus 2-3 mems - partition isolated");
}

static void cgroup_stage_v1(void **state)
{
	(void)state;
	put("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
	    "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n", "/proc/mounts");
	put("memory\n", "/sys/fs/cgroup/unified/cgroup.controllers");
	put("", "/sys/fs/cgroup/cpuset/cgroup.procs");
	put("0-1\n", "/sys/fs/cgroup/cpuset/cpuset.mems");
	put("0-1\n", "/sys/fs/cgroup/cpuset/docker/cpuset.cpus");
	PLAN(1, 3);
	s.in.stages = 1u << SETUP_cpuset, s.in.by_name = true;
	setup_plan_cpuset(&s);
	assert_string_equal(s.items[0].object, "/sys/fs/cgroup/cpuset/pollux");
	assert_string_equal(s.items[0].want, "cpus 3 mems 0-1 exclusive 1 balance 0");
	put("0-3\n", "/sys/fs/cgroup/cpuset/docker/cpuset.cpus"); /* another one has them too */
	setup_free(&s);
	PLAN(1, 3);
	s.in.stages = 1u << SETUP_cpuset, s.in.by_name = true;
	setup_plan_cpuset(&s);
	assert_string_equal(s.items[0].want, "cpus 3 mems 0-1 exclusive 0 balance 0");
}

static void cgroup_cannot(void **state)
{
	(void)state;
	PLAN(1, 0, 1, 2, 3, 4, 5, 6, 7);
	s.in.stages = 1u << SETUP_cpuset, s.in.by_name = true;
	setup_plan_cpuset(&s);
	assert_non_null(strstr(s.items[0].why, "the host needs one"));
	setup_free(&s);
	PLAN(1, 3);
	s.in.stages = 1u << SETUP_cpuset, s.in.by_name = true;
	setup_plan_cpuset(&s);
	assert_int_equal(s.items[0].state, SETUP_CANNOT); /* nothing is mounted */
	make_cgroup2();
	put("4711\n", "/sys/fs/cgroup/pollux/cgroup.procs");
	put("0\n", "/sys/fs/cgroup/pollux/cpuset.cpus");
	put("", "/sys/fs/cgroup/pollux/cgroup.controllers");
	setup_plan_cpuset(&s);
	assert_int_equal(s.items[1].state, SETUP_CANNOT);
	assert_non_null(strstr(s.items[1].why, "in use"));
}

static void cgroup_kind(void **state)
{
	const char *at = "/sys/fs/cgroup/pollux";

	(void)state;
	make_cgroup2();
	PLAN(1, 3);
	assert_int_equal(setup_cgroup.set(&s, at, "cpus 3 mems - partition isolated", why, sizeof(why)), 0);
	assert_int_equal(setup_cgroup.get(&s, at, value, sizeof(value)), 0);
	assert_string_equal(value, "cpus 3 mems - partition isolated");
	topo->cpu[3].allowed = false; /* a program outside of it */
	setup_cpuset_allow(&root_sys, topo);
	assert_true(topo->cpu[3].allowed);
	busy = 3;
	assert_int_equal(setup_cgroup.set(&s, at, "", why, sizeof(why)), 0);
	assert_int_equal(busy, 0);
	assert_int_equal(setup_cgroup.get(&s, at, value, sizeof(value)), 0);
	assert_string_equal(value, "");
	busy = 1000;
	assert_int_equal(setup_cgroup.set(&s, at, "cpus 3", why, sizeof(why)), 0);
	assert_int_equal(setup_cgroup.set(&s, at, "", why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "below it"));
}

/* The kernel takes the word and says beside it that it is none. */
static void cgroup_invalid(void **state)
{
	(void)state;
	PLAN(1, 3);
	make_cgroup2();
	partition_refused = true;
	assert_int_equal(setup_cgroup.set(&s, "/sys/fs/cgroup/pollux", "cpus 3 mems - partition isolated", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "isolated invalid (Cpu list"));
}

static void cgroup_command(void **state)
{
	(void)state;
	PLAN(1, 3);
	setup_cgroup.command(&s, "/sys/fs/cgroup", "cpuset on", value, sizeof(value));
	assert_string_equal(value, "echo +cpuset > /sys/fs/cgroup/cgroup.subtree_control");
	setup_cgroup.command(&s, "/cg/pollux", "cpus 2-3 mems - partition isolated", value, sizeof(value));
	assert_string_equal(value, "mkdir -p /cg/pollux && echo 2-3 > /cg/pollux/cpuset.cpus && echo isolated > /cg/pollux/cpuset.cpus.partition");
	setup_cgroup.command(&s, "/cg/pollux", "cpus 2 mems 0 exclusive 1 balance 0", value, sizeof(value));
	assert_non_null(strstr(value, " && echo 0 > /cg/pollux/cpuset.mems && echo 1 > /cg/pollux/cpuset.cpu_exclusive"));
	setup_cgroup.command(&s, "/cg/pollux", "", value, sizeof(value));
	assert_string_equal(value, "for p in $(cat /cg/pollux/cgroup.procs); do echo $p > /cg/cgroup.procs; done; rmdir /cg/pollux");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(beside_on_the_node), TEST(stays_where_it_is), TEST(sibling_before_another_node), TEST(no_cpu_left_on_the_node),
		TEST(every_cpu_is_an_lcores), TEST(same_core), TEST(not_pinned), TEST(isolated_and_main), TEST(others), TEST(one_interrupt_for_both),
		TEST(stage), TEST(stage_kept), TEST(stage_after_channels), TEST(irqbalance_kind), TEST(irqbalance_stage),
		TEST(cgroup_stage), TEST(cgroup_stage_v1), TEST(cgroup_cannot), TEST(cgroup_kind), TEST(cgroup_invalid),
		TEST(cgroup_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

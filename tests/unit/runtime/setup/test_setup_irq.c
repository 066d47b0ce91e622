/* SPDX-License-Identifier: MIT */
/* test_setup_irq.c - where interrupts go, and what irqbalance is told. */
#include "setup_irq_util.h"

#include <pthread.h>
#include <sys/un.h>

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
	cpuset_add(&l->rxq[0].affinity, 6);
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
	assert_string_equal(wanted(30), "6"); /* the main thread's before an isolated one */
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
	kept(50);
	PLAN(1, 3);
	setup_plan_irq_affinity(&s);
	assert_int_equal(find("/proc/irq/30/smp_affinity_list")->state, SETUP_OK);
	assert_int_equal(find("/proc/irq/40/smp_affinity_list")->state, SETUP_CHANGE);
	assert_string_equal(find("/proc/irq/40/smp_affinity_list")->want, "6");
	assert_null(find("/proc/irq/50/smp_affinity_list")); /* cannot be moved: told, not tried */
	const struct setup_item *last = &s.items[s.nitems - 1];
	assert_int_equal(last->state, SETUP_SKIP);
	assert_non_null(strstr(last->found.evidence, "interrupts 50 stay"));
	assert_int_equal(written, 0); /* a plan writes nothing */
}

/* What an older kernel refuses only when it is asked to: the next plan knows. */
static void stage_refused(void **state)
{
	static struct setup_refused known;

	(void)state;
	irq(30, "3\n", "eth0-rx\n");
	PLAN(1, 3);
	s.in.refused = &known;
	setup_plan_irq_affinity(&s);
	assert_int_equal(find("/proc/irq/30/smp_affinity_list")->state, SETUP_CHANGE);
	setup_free(&s);
	known.w[0] = 1ull << 30;
	PLAN(1, 3);
	s.in.refused = &known;
	setup_plan_irq_affinity(&s);
	assert_null(find("/proc/irq/30/smp_affinity_list"));
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	assert_non_null(strstr(s.items[0].found.evidence, "interrupt 30 cannot be moved: it stays on CPU 3"));
	assert_int_equal(written, 0);
}

/* An interrupt of a queue that stays where it is: told, and with split-core it is a failure. */
static void stage_kept(void **state)
{
	(void)state;
	irq(30, "3\n", "eth0-rx\n");
	kept(30);
	PLAN(1, 3);
	setup_plan_irq_affinity(&s);
	assert_int_equal(s.items[0].state, SETUP_SKIP);
	assert_non_null(strstr(s.items[0].found.evidence, "stays on CPU 3"));
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
	assert_non_null(strstr(s.items[0].found.evidence, "once those are set"));
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

static const char *socket_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/run/irqbalance/irqbalance%d.sock", getpid());
	return path;
}

static void make_irqbalance(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char below[512];

	for (int i = 1; i < 9; i++) { /* some that have ended */
		put("irqbalance\n", "/proc/%d/comm", i);
		put("1 (irqbalance) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 17 0\n", "/proc/%d/stat", i);
	}
	put("irqbalance\n", "/proc/%d/comm", getpid());
	put("1 (irqbalance) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0\n", "/proc/%d/stat", getpid());
	snprintf(daemon_object, sizeof(daemon_object), "%d 4242", getpid());
	root_path(below, socket_path());
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

static struct ucred peer;
static int peer_is(int fd, int level, int name, void *val, socklen_t *len)
{
	(void)fd, (void)level, (void)name;
	memcpy(val, &peer, *len);
	return 0;
}

/* Who has taken its name is not asked: not by another user, not by another process. */
static void irqbalance_squatted(void **state)
{
	(void)state;
	char below[512];
	static const struct {
		uid_t uid;
		pid_t off;
		bool asked;
	} rows[] = { { 65534, 0, false }, { 0, 1, false }, { 0, 0, true } };

	PLAN(1, 3);
	make_irqbalance();
	root_sys.getsockopt = peer_is;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		peer = (struct ucred){ .uid = rows[i].uid, .pid = getpid() + rows[i].off };
		if (rows[i].asked) {
			close(listener); /* with those who hung up on it */
			unlink(root_path(below, socket_path()));
			make_irqbalance();
			SERVED(1, assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), 0));
		} else
			assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), -ECONNREFUSED);
	}
	peer = (struct ucred){ .uid = 65534 }; /* of another pid namespace */
	assert_int_equal(setup_irqbalance.get(&s, daemon_object, value, sizeof(value)), -ECONNREFUSED);
	close(listener);
}

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
	assert_string_equal(
		value, "printf 'settings ban irqs NONE' | socat - UNIX-CONNECT:/run/irqbalance/irqbalance812.sock");
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
	assert_string_equal(s.items[0].found.evidence, "no irqbalance is running");
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
	assert_string_equal(s.items[1].want,
	                    "7 30 31 32 33 40 41 42 43"); /* its own stay; ours, and those moved away */
	s.in.stages = 1u << SETUP_irqbalance;
	setup_free(&s);
	PLAN(1, 3);
	s.in.stages = 1u << SETUP_irqbalance;
	SERVED(2, setup_plan_irqbalance(&s));
	assert_string_equal(s.items[0].want, "7 30 40"); /* of used queues alone */
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(beside_on_the_node),
		TEST(stays_where_it_is),
		TEST(sibling_before_another_node),
		TEST(no_cpu_left_on_the_node),
		TEST(every_cpu_is_an_lcores),
		TEST(same_core),
		TEST(not_pinned),
		TEST(isolated_and_main),
		TEST(others),
		TEST(one_interrupt_for_both),
		TEST(stage),
		TEST(stage_refused),
		TEST(stage_kept),
		TEST(stage_after_channels),
		TEST(irqbalance_kind),
		TEST(irqbalance_squatted),
		TEST(irqbalance_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

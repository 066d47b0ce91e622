/* SPDX-License-Identifier: MIT */
/* test_setup_live.c - the kinds of interfaces against this kernel, in a network namespace of its
   own over a veth pair: what is set is read back, by ethtool too, and what was before comes back. */
#include "ax_util.h"
#include "dev.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct setup s = { .in = { .sys = &plx_sys_linux, .log = &test_log } };
static char object[SETUP_OBJECT_MAX], value[SETUP_VALUE_MAX], why[SETUP_WHY_MAX];

static int setup(void **state)
{
	(void)state;
	veth("plxa0", "plxb0", 4);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	run("ip link del plxa0");
	return 0;
}

static void of(const char *name, const char *what)
{
	setup_dev_object(object, if_nametoindex(name), name, what);
}

static const char *read_it(const struct setup_kind *k)
{
	assert_int_equal(k->get(&s, object, value, sizeof(value)), 0);
	return value;
}

static int write_it(const struct setup_kind *k, const char *to)
{
	why[0] = 0;
	return k->set(&s, object, to, why, sizeof(why));
}

/* The shell command does what set does. */
static void run_command(const struct setup_kind *k, const char *to)
{
	char command[SETUP_VALUE_MAX];

	k->command(&s, object, to, command, sizeof(command));
	run("{ %s; } >/dev/null", command);
	assert_string_equal(read_it(k), to);
}

static void channels(void **state)
{
	unsigned fds = count_fds();

	(void)state;
	of("plxa0", "");
	assert_string_equal(read_it(&setup_channels), "rx 4 tx 4 combined 0");
	assert_int_equal(write_it(&setup_channels, "rx 1 tx 2 combined 0"), 0);
	assert_string_equal(read_it(&setup_channels), "rx 1 tx 2 combined 0");
	run("ethtool -l plxa0 | tail -4 | tr -s '[:space:]' ' ' | grep -q 'RX: 1 TX: 2 '");
	assert_int_equal(write_it(&setup_channels, "rx 4 tx 4 combined 0"), 0);
	assert_string_equal(read_it(&setup_channels), "rx 4 tx 4 combined 0");
	run_command(&setup_channels, "rx 2 tx 3 combined 0");
	assert_int_equal(write_it(&setup_channels, "rx 5 tx 4 combined 0"), -EINVAL);
	assert_non_null(strstr(why, "maximum")); /* the kernel's own words */
	assert_int_equal(write_it(&setup_channels, "rx 4"), -EINVAL);
	assert_string_equal(read_it(&setup_channels), "rx 2 tx 3 combined 0");
	run("ip link set plxa0 down; ip link set plxa0 name plxz0; ip link set plxz0 up");
	assert_int_equal(write_it(&setup_channels, "rx 4 tx 4 combined 0"), 0); /* the index is the identity */
	run("ethtool -l plxz0 | tail -4 | tr -s '[:space:]' ' ' | grep -q 'RX: 4 TX: 4 '");
	run("ip link set plxz0 down; ip link set plxz0 name plxa0");
	assert_int_equal(count_fds(), fds);
}

/* A queue with a socket of ours is not taken away; the reason comes along. */
static void channels_held(void **state)
{
	struct plx_pool *pool = make_pool(4096, 2048);
	struct plx_port_conf c = conf_of(pool, "plxa0", PLX_XDP_NATIVE);

	(void)state;
	c.rxqs = c.txqs = 1;
	c.queue = 3;
	struct plx_port *p = open_port(&c);
	of("plxa0", "");
	assert_true(write_it(&setup_channels, "rx 2 tx 2 combined 0") < 0);
	assert_non_null(strstr(why, "AF_XDP"));
	assert_string_equal(read_it(&setup_channels), "rx 4 tx 4 combined 0");
	plx_port_close(p);
	end_pool(pool);
}

static void rss(void **state)
{
	(void)state;
	of("plxa0", ""); /* veth has no table */
	assert_int_equal(setup_rss.get(&s, object, value, sizeof(value)), -EOPNOTSUPP);
	assert_int_equal(write_it(&setup_rss, "0 1 2 3"), -EOPNOTSUPP);
}

static void features(void **state)
{
	static const char *const words[] = { "gro", "txvlan", "tx-checksum-ip-generic", "tso" };
	char command[128];

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(words); i++) {
		char before[8];

		of("plxa0", words[i]);
		snprintf(before, sizeof(before), "%.3s", read_it(&setup_feature));
		const char *to = strcmp(before, "on") ? "on" : "off";
		assert_int_equal(write_it(&setup_feature, to), 0);
		assert_string_equal(read_it(&setup_feature), to);
		assert_int_equal(write_it(&setup_feature, before), 0);
		assert_string_equal(read_it(&setup_feature), before);
		run_command(&setup_feature, to);
		run_command(&setup_feature, before);
	}
	of("plxa0", "gro");
	setup_feature.command(&s, object, "off", command, sizeof(command));
	assert_string_equal(command, "ethtool -K plxa0 gro off");
	of("plxa0", "no-such");
	assert_int_equal(setup_feature.get(&s, object, value, sizeof(value)), -EOPNOTSUPP);
	of("plxa0", "lro"); /* fixed */
	assert_string_equal(read_it(&setup_feature), "off");
	assert_int_equal(write_it(&setup_feature, "on"), -EOPNOTSUPP);
}

/* What goes with the checksums comes back with them. */
static void dependent(void **state)
{
	(void)state;
	of("plxa0", "tso");
	assert_string_equal(read_it(&setup_feature), "on");
	of("plxa0", "tx-checksum-ip-generic");
	assert_int_equal(write_it(&setup_feature, "off"), 0);
	of("plxa0", "tso");
	assert_string_equal(read_it(&setup_feature), "off");
	assert_int_equal(write_it(&setup_feature, "on"), 0);
	assert_non_null(strstr(why, "in the way"));
	of("plxa0", "tx-checksum-ip-generic");
	assert_int_equal(write_it(&setup_feature, "on"), 0);
	of("plxa0", "tso");
	assert_string_equal(read_it(&setup_feature), "on");
}

static void napi(void **state)
{
	(void)state;
	of("plxa0", "device");
	assert_string_equal(read_it(&setup_napi), "defer-hard-irqs 0 gro-flush-timeout 0");
	assert_int_equal(write_it(&setup_napi, "defer-hard-irqs 2 gro-flush-timeout 200000"), 0);
	run("test $(cat /sys/class/net/plxa0/napi_defer_hard_irqs) = 2 -a $(cat "
	    "/sys/class/net/plxa0/gro_flush_timeout) = 200000");
	assert_string_equal(read_it(&setup_napi), "defer-hard-irqs 2 gro-flush-timeout 200000");
	run_command(&setup_napi, "defer-hard-irqs 0 gro-flush-timeout 0");
	of("plxa0", "0"); /* veth does not tell the NAPI of a queue */
	int err = setup_napi.get(&s, object, value, sizeof(value));
	assert_true(err == -ENOENT || err == -EOPNOTSUPP);
	assert_true(setup_napi.same("defer-hard-irqs 2 gro-flush-timeout 5",
	                            "defer-hard-irqs 2 gro-flush-timeout 5 irq-suspend-timeout 7"));
	assert_false(setup_napi.same("defer-hard-irqs 2 gro-flush-timeout 5", "defer-hard-irqs 1 gro-flush-timeout 5"));
}

/* Another namespace's sysfs is not read in place of ours. */
static void napi_foreign(void **state)
{
	(void)state;
	if (umount2("/sys", MNT_DETACH))
		skip();
	of("plxa0", "device");
	assert_int_equal(setup_napi.get(&s, object, value, sizeof(value)), -ENODEV);
	run("mount -t sysfs sysfs /sys");
	read_it(&setup_napi);
}

static void gone(void **state)
{
	static const struct setup_kind *const kinds[] = { &setup_channels, &setup_rss, &setup_feature, &setup_napi };

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(kinds); i++) {
		assert_int_equal(kinds[i]->get(&s, "4711/plxa0/gro", value, sizeof(value)), -ENOENT);
		assert_int_equal(kinds[i]->get(&s, "plxa0", value, sizeof(value)), -EINVAL);
		assert_true(kinds[i]->netns);
	}
}

/* ---- a cgroup, of the version that this machine has ---- */

static char cgroups[64];
static pid_t inside;

/* However the test ends. */
static int cgroup_end(void **state)
{
	(void)state;
	if (inside > 0 && !kill(inside, SIGKILL))
		waitpid(inside, NULL, 0);
	snprintf(object, sizeof(object), "%s/plx-test-%d", cgroups, getpid());
	return setup_cgroup.set(&s, object, "", why, sizeof(why)) && !access(object, F_OK);
}

static bool find_cgroups(void)
{
	snprintf(cgroups, sizeof(cgroups), "/sys/fs/cgroup/cpuset");
	if (access("/sys/fs/cgroup/cpuset/cgroup.procs", W_OK) &&
	    !system("grep -qw cpuset /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null"))
		snprintf(cgroups, sizeof(cgroups), "/sys/fs/cgroup");
	return !access(strcmp(cgroups, "/sys/fs/cgroup") ? "/sys/fs/cgroup/cpuset/cgroup.procs" :
	                                                   "/sys/fs/cgroup/cgroup.procs",
	               W_OK);
}

/* Before the mount namespace hides them. */
static void cgroup(void **state)
{
	char own[128], line[SETUP_OBJECT_MAX + 16];
	struct stat st;

	(void)state;
	if (!find_cgroups()) {
		print_message("SKIP: no cpuset hierarchy to write to\n");
		skip();
	}
	bool v1 = strcmp(cgroups, "/sys/fs/cgroup");
	const char *want = v1 ? "cpus 0 mems 0 exclusive 0 balance 0" : "cpus 0 mems - partition member";
	snprintf(object, sizeof(object), "%s/plx-test-%d", cgroups, getpid());
	assert_string_equal(read_it(&setup_cgroup), "");
	assert_int_equal(write_it(&setup_cgroup, want), 0);
	assert_string_equal(read_it(&setup_cgroup), want);
	/* somebody runs in it: the processes go to the parent, then it goes */
	inside = fork();
	if (!inside) {
		pause();
		_exit(0);
	}
	run("echo %d > %s/cgroup.procs", inside, object);
	snprintf(own, sizeof(own), "grep -q %s /proc/%d/cgroup", strrchr(object, '/') + 1, inside);
	assert_int_equal(system(own), 0);
	assert_int_equal(write_it(&setup_cgroup, ""), 0);
	assert_int_equal(stat(object, &st), -1);
	assert_int_not_equal(system(own), 0);
	assert_string_equal(read_it(&setup_cgroup), "");
	assert_int_equal(write_it(&setup_cgroup, ""), 0);
	/* a value that the kernel does not take names the file */
	assert_true(write_it(&setup_cgroup, v1 ? "cpus 999 mems 0" : "cpus 0-x mems -") < 0);
	snprintf(line, sizeof(line), "%s/cpuset.cpus", object);
	assert_non_null(strstr(why, line));
	assert_int_equal(write_it(&setup_cgroup, ""), 0);
	assert_int_equal(setup_cgroup.get(&s, "/plx/no/such", value, sizeof(value)), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest early[] = { cmocka_unit_test_teardown(cgroup, cgroup_end) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(channels, setup, teardown),
		cmocka_unit_test_setup_teardown(channels_held, setup, teardown),
		cmocka_unit_test_setup_teardown(rss, setup, teardown),
		cmocka_unit_test_setup_teardown(features, setup, teardown),
		cmocka_unit_test_setup_teardown(dependent, setup, teardown),
		cmocka_unit_test_setup_teardown(napi, setup, teardown),
		cmocka_unit_test_setup_teardown(napi_foreign, setup, teardown),
		cmocka_unit_test(gone),
	};
	int failed = 0;

	if (!geteuid())
		failed = cmocka_run_group_tests_name("setup_live_cgroup", early, NULL, NULL);
	own_namespace();
	/* sysfs tells of the namespace it was mounted in */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL)) {
		printf("SKIP: a mount namespace: %s\n", strerror(errno));
		return 77;
	}
	return failed + cmocka_run_group_tests_name("setup_live", tests, NULL, NULL);
}

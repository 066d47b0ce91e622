/* SPDX-License-Identifier: MIT */
/* test_misuse.c - what plx.h promises of wrong arguments, for each function that the public headers
   export: NULL ends the process with a line that names the function, what is out of range is an error.
   The argument is the folder of the headers: one that nobody has thought of here fails. */
#include "lcore_util.h"
#include "plx.h"
#include <ctype.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct plx_env *env;
static struct plx_port *port;
static struct plx_lcore *lcore;
static struct plx_poller *poller;
static struct kept_log kept;

static int idle(void *arg)
{
	(void)arg;
	return 0;
}

/* ---- NULL ---- */

static struct plx_env *no_env;
static struct plx_port *no_port;
static struct plx_lcore *no_lcore;
static struct plx_poller *no_poller;
static const char *no_text;

static struct {
	struct plx_env *env;
	struct plx_env_conf conf;
	struct plx_port *port;
	struct plx_port_conf port_conf;
	struct plx_port_stats port_stats;
	struct plx_pool *pool;
	struct plx_pool_conf pool_conf;
	struct plx_poller *poller;
	struct plx_poller_stats poller_stats;
	struct plx_lcore *lcore;
	struct plx_lcore_stats lcore_stats;
	struct plx_lcore_sched sched;
	struct plx_lcore_var var;
	struct plx_conf_in in;
	struct plx_value value;
	struct plx_spsc *spsc;
	struct plx_mpmc *mpmc;
	struct plx_json json;
	uint64_t n;
	uint32_t ch;
	uint8_t mac[6];
	const char *name;
	char why[64];
} at;
#define WHY at.why, sizeof(at.why)

#define CALLS(X) \
	X(plx_env_conf_init_size(NULL, sizeof(at.conf))) \
	X(plx_env_conf_init_size(&at.conf, 0)) \
	X(plx_env_conf_parse(NULL, 0, NULL, NULL, WHY)) \
	X(plx_env_conf_parse(&at.conf, 1, NULL, NULL, WHY)) \
	X(plx_env_conf_parse(&at.conf, 0, NULL, NULL, NULL, 64)) \
	X(plx_env_conf_merge(NULL, &at.in, WHY)) \
	X(plx_env_conf_merge(&at.conf, NULL, WHY)) \
	X(plx_env_conf_merge(&at.conf, &at.in, NULL, 64)) \
	X(plx_env_conf_file(NULL, &at.in, WHY)) \
	X(plx_env_conf_file(&at.name, NULL, WHY)) \
	X(plx_env_conf_read(NULL, &at.in, WHY)) \
	X(plx_env_conf_read(&at.conf, NULL, WHY)) \
	X(plx_value_next(NULL, &at.value)) \
	X(plx_value_next("a|b", NULL)) \
	X(plx_env_open(NULL, &at.conf)) \
	X(plx_env_open(&at.env, NULL)) \
	X(plx_env_init(NULL, 0, NULL)) \
	X(plx_env_init(&at.env, 1, NULL)) \
	X(plx_env_init_app(NULL, 0, NULL, NULL)) \
	X(plx_env_init_app(&at.env, 1, NULL, NULL)) \
	X(plx_env_start(no_env)) \
	X(plx_env_join(no_env)) \
	X(plx_env_running(no_env)) \
	X(plx_env_call(no_env, idle, NULL, NULL)) \
	X(plx_env_run(no_env)) \
	X(plx_env_stop(no_env, 0)) \
	X(plx_env_ports(no_env)) \
	X(plx_env_port(no_env, 0)) \
	X(plx_env_port_by_name(no_env, "a")) \
	X(plx_env_port_by_name(env, no_text)) \
	X(plx_env_pool(no_env, 0)) \
	X(plx_env_log(no_env)) \
	X(plx_env_lcores(no_env)) \
	X(plx_env_lcore(no_env, 0)) \
	X(plx_env_lcore_by_id(no_env, 0)) \
	X(plx_lcore_id(no_lcore)) \
	X(plx_env_rxq_lcore(no_env, port->rxq[0])) \
	X(plx_env_rxq_lcore(env, NULL)) \
	X(plx_env_txq(no_env, port, 0)) \
	X(plx_env_txq_lcore(no_env, port->txq[0])) \
	X(plx_env_txq_lcore(env, NULL)) \
	X(plx_lcore_halt(no_lcore)) \
	X(plx_lcore_resume(no_lcore)) \
	X(plx_lcore_wake(no_lcore)) \
	X(plx_lcore_next(no_lcore)) \
	X(plx_lcore_launch(no_lcore, idle, NULL)) \
	X(plx_lcore_wait(no_lcore, NULL, 0)) \
	X(plx_env_synchronize(no_env)) \
	X(plx_lcore_register(no_env, &at.lcore)) \
	X(plx_lcore_register(env, NULL)) \
	X(plx_lcore_var_new(no_env, &at.var, 8, 8)) \
	X(plx_lcore_var_new(env, NULL, 8, 8)) \
	X(plx_lcore_var_at(no_env, 0, &at.var)) \
	X(plx_lcore_var_at(env, 0, NULL)) \
	X(plx_lcore_stats(no_lcore, &at.lcore_stats)) \
	X(plx_lcore_stats(lcore, NULL)) \
	X(plx_lcore_poller(no_lcore, 0, NULL)) \
	X(plx_lcore_poller(lcore, 0, NULL)) \
	X(plx_lcore_sched(no_lcore, &at.sched)) \
	X(plx_lcore_sched(lcore, NULL)) \
	X(plx_poller_add(no_env, PLX_POLLER(.fn = idle))) \
	X(plx_poller_add(env, NULL)) \
	X(plx_poller_add_get(NULL, env, PLX_POLLER(.fn = idle))) \
	X(plx_poller_add_get(&at.poller, no_env, PLX_POLLER(.fn = idle))) \
	X(plx_poller_add_get(&at.poller, env, NULL)) \
	X(plx_poller_del(no_poller)) \
	X(plx_poller_move(no_poller, 0)) \
	X(plx_poller_stats(no_poller, &at.poller_stats)) \
	X(plx_poller_stats(poller, NULL)) \
	X(plx_env_timer(no_env, 1, idle, NULL)) \
	X(plx_env_report(no_env, "")) \
	X(plx_env_report(env, no_text)) \
	X(plx_env_report_flush(no_env, 0)) \
	X(plx_cycles_hz(no_env)) \
	X(plx_driver_find(NULL)) \
	X(plx_driver_may_be(NULL, "a")) \
	X(plx_driver_may_be(&at.port_conf, NULL)) \
	X(plx_driver_on_device(NULL)) \
	X(plx_port_conf_parse(NULL, "a", WHY)) \
	X(plx_port_conf_parse(&at.port_conf, no_text, WHY)) \
	X(plx_port_conf_parse(&at.port_conf, "a", NULL, 64)) \
	X(plx_port_open(NULL, &at.port_conf)) \
	X(plx_port_open(&at.port, NULL)) \
	X(plx_port_start(no_port)) \
	X(plx_port_stop(no_port)) \
	X(plx_port_repair(no_port)) \
	X(plx_port_rxq(no_port, 0)) \
	X(plx_port_txq(no_port, 0)) \
	X(plx_port_info(no_port)) \
	X(plx_port_link(no_port)) \
	X(plx_port_stats(no_port, &at.port_stats)) \
	X(plx_port_stats(port, NULL)) \
	X(plx_port_xstats(no_port, NULL, 0)) \
	X(plx_port_xstats(port, NULL, 1)) \
	X(plx_port_frames(NULL)) \
	X(plx_port_rxq_stats(no_port, 0, &at.port_stats.rx, &at.n)) \
	X(plx_port_rxq_stats(port, 0, NULL, &at.n)) \
	X(plx_port_rxq_stats(port, 0, &at.port_stats.rx, NULL)) \
	X(plx_port_txq_stats(no_port, 0, &at.port_stats.tx)) \
	X(plx_port_txq_stats(port, 0, NULL)) \
	X(plx_rx_drops(NULL)) \
	X(plx_tx_drops(NULL)) \
	X(plx_port_beside(NULL, 1500, 0, NULL)) \
	X(plx_sys_now(NULL)) \
	X(plx_sys_sleep(NULL, 1)) \
	X(plx_pool_size(NULL)) \
	X(plx_pool_init(NULL, NULL, &at.pool_conf)) \
	X(plx_pool_init(&at.pool, NULL, NULL)) \
	X(plx_pool_fini(NULL)) \
	X(plx_pool_avail(NULL)) X(plx_pool_audit(NULL)) X(plx_pool_twice(NULL)) X(plx_pool_flush(NULL)) X( \
		plx_spsc_init(NULL, NULL, 64)) X(plx_mpmc_init(NULL, NULL, 64)) X(plx_rxq_check_user(NULL)) \
		X(plx_text_u64(NULL, "1", 0, 1)) X(plx_text_u64(&at.n, no_text, 0, 1)) X(plx_text_size( \
			NULL, "1", 0, 1)) X(plx_text_size(&at.n, no_text, 0, 1)) X(plx_text_rate(NULL, "1", 0, 1)) \
			X(plx_text_rate(&at.n, no_text, 0, 1)) X(plx_text_duration(NULL, "1", 0, 1)) X( \
				plx_text_duration(&at.n, no_text, 0, 1)) X(plx_text_utf8(NULL, "a", 1)) \
				X(plx_text_utf8(&at.ch, no_text, 1)) X(plx_text_near(no_text, NULL, 0)) X( \
					plx_text_near("a", NULL, 1)) X(plx_text_add(NULL, 64, "a")) \
					X(plx_text_quote(NULL, 64, "a")) X(plx_text_quote(WHY, no_text)) X( \
						plx_json_begin(NULL, stderr)) X(plx_json_begin(&at.json, NULL)) \
						X(plx_json_end(NULL)) X(plx_json_object(NULL, "a")) X( \
							plx_json_object_end(NULL)) X(plx_json_array(NULL, "a")) \
							X(plx_json_array_end(NULL)) X(plx_json_text( \
								NULL, "a", "b")) X(plx_json_u64(NULL, "a", 1)) \
								X(plx_json_i64(NULL, "a", 1)) X(plx_json_double( \
									NULL, "a", 1, 1)) X(plx_json_bool(NULL, "a", \
	                                                                                                  true)) \
									X(plx_json_null(NULL, "a")) X( \
										plx_mac_parse(NULL, "a")) \
										X(plx_mac_parse(at.mac, no_text)) X( \
											plx_mac_fmt(NULL, at.mac)) \
											X(plx_mac_fmt(at.why, NULL))

static const char *const calls[] = {
#define X(...) #__VA_ARGS__,
	CALLS(X)
#undef X
};

static void make_call(unsigned n)
{
	unsigned i = 0;

#define X(...) if (i++ == n) (void)(__VA_ARGS__);
	CALLS(X)
#undef X
}

/* Those that take NULL, or no pointer. */
static const char *const harmless[] = {
	"plx_env_fini", "plx_port_close", "plx_logf", "plx_log_level_name", "plx_exit_code", "plx_lcore_self",
	"plx_lcore_unregister", "plx_lcore_online", "plx_lcore_offline", "plx_lcore_quiescent",
	"plx_rx_drop_why", "plx_tx_drop_why", "plx_spsc_size", "plx_mpmc_size", "plx_assert_failed",
};

static bool of_the_data_path(const char *name)
{
	static const char *const heads[] = { "plx_mbuf_", "plx_pool_take", "plx_pool_give", "plx_frame_move",
	                                     "plx_parse", "plx_csum",
	                                     "plx_ip4_", "plx_ip6_", "plx_l4_csum", "plx_build_" };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(heads); i++)
		if (!strncmp(name, heads[i], strlen(heads[i])))
			return true;
	return false;
}

/* cmocka has handlers of its own, and the sanitizers have. */
static void in_child(unsigned n, int fd)
{
	static const int fatals[] = { SIGSEGV, SIGBUS, SIGABRT };
	const struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++)
		signal(fatals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	alarm(60);
	dup2(fd, STDERR_FILENO);
	make_call(n);
	_exit(0);
}

static void test_null_ends_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PLX_ARRAY_SIZE(calls); i++) {
		char said[1024], want[80];
		int fds[2], status;
		size_t n = strcspn(calls[i], "(");
		ssize_t got;

		assert_int_equal(pipe(fds), 0);
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (!pid)
			in_child(i, fds[1]);
		close(fds[1]);
		for (got = 0; got < (ssize_t)sizeof(said) - 1;) {
			ssize_t k = read(fds[0], said + got, sizeof(said) - 1 - (size_t)got);

			if (k <= 0)
				break;
			got += k;
		}
		said[got] = 0;
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		snprintf(want, sizeof(want), ": %.*s: assertion failed: ", (int)n, calls[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(said, want))
			fail_msg("%s: status %#x: %s", calls[i], (unsigned)status, said);
	}
}

/* ---- nobody is forgotten ---- */

static bool known(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < PLX_ARRAY_SIZE(calls); i++)
		if (!strncmp(calls[i], name, n) && calls[i][n] == '(')
			return true;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(harmless); i++)
		if (!strcmp(harmless[i], name))
			return true;
	return of_the_data_path(name);
}

/* The word before the first '(' behind each PLX_API, if no ';' comes before it. */
static unsigned check_header(const char *text)
{
	unsigned seen = 0;

	for (const char *s = text; (s = strstr(s, "PLX_API")); s++) {
		const char *end = s + strcspn(s, "(;"), *begin = end;
		char name[64];

		while (begin > s && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
			begin--;
		snprintf(name, sizeof(name), "%.*s", (int)(end - begin), begin);
		if (*end != '(' || strncmp(name, "plx_", 4))
			continue;
		seen++;
		if (!known(name))
			fail_msg("%s is in no list of tests/unit/runtime/start/test_misuse.c: what does it do with "
			         "NULL?",
			         name);
	}
	return seen;
}

static const char *folder;

static void test_every_function_is_there(void **state)
{
	static char text[256 << 10];
	DIR *d = opendir(folder);
	unsigned seen = 0;

	(void)state;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char path[4096];

		if (!strstr(e->d_name, ".h"))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.200s", folder, e->d_name);
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = 0;
		fclose(f);
		seen += check_header(text);
	}
	closedir(d);
	assert_true(seen > 100);
}

/* ---- out of range ---- */

static void test_out_of_range(void **state)
{
	struct plx_poller_info info;

	(void)state;
	assert_null(plx_env_port(env, 1));
	assert_null(plx_env_port(env, UINT16_MAX));
	assert_null(plx_env_port_by_name(env, "b"));
	assert_null(plx_env_pool(env, 99));
	assert_null(plx_env_lcore(env, 9));
	assert_null(plx_env_lcore_by_id(env, 9));
	assert_null(plx_lcore_next(lcore));
	assert_null(plx_lcore_var_at(env, 99, &at.var));
	assert_int_equal(plx_lcore_poller(lcore, 99, &info), -ENOENT);
	assert_string_equal(plx_rx_drop_why((enum plx_rx_drop)99), "");
	assert_string_equal(plx_tx_drop_why((enum plx_tx_drop)99), "");
	assert_string_equal(plx_log_level_name((enum plx_log_level)99), "unknown");
	assert_int_equal(plx_poller_move(poller, 9), -EINVAL);
	assert_true(kept_has(&kept, "poller p: there is no lcore 9"));
	assert_null(plx_env_txq(env, port, 9));
	assert_true(kept_has(&kept, "there is no lcore 9: take one of -l or -S"));
	assert_null(plx_env_txq(env, plx_env_port(env, 1), 0));
	assert_true(kept_has(&kept, "the port is none of this environment"));
	assert_int_equal(plx_env_timer(env, 0, idle, NULL), -EINVAL);
	assert_true(kept_has(&kept, "plx_env_timer: a period of 0 ns"));
	assert_int_equal(plx_env_timer(env, 1, NULL, NULL), -EINVAL);
	/* no overflow that makes it due at once */
	assert_int_equal(plx_env_timer(env, UINT64_MAX, idle, NULL), -EINVAL);
	assert_int_equal(plx_poller_add(env, PLX_POLLER(.fn = idle, .period_ns = UINT64_MAX)), -EINVAL);
	assert_true(kept_has(&kept, "poller poller: a period beyond 36 years"));
	assert_int_equal(plx_lcore_launch(lcore, NULL, NULL), -EINVAL);
}

/* Who wants no reason gives no room for one. */
static void test_no_room_for_a_reason(void **state)
{
	char *argv[] = { (char *)"x", (char *)"--nothing", NULL };
	struct plx_conf_in in = { .argc = 2, .argv = argv };
	struct plx_env_conf c = at.conf;
	struct plx_port_conf p = plx_port_conf_default;

	(void)state;
	assert_int_equal(plx_env_conf_parse(&c, 2, argv, NULL, NULL, 0), -EINVAL);
	assert_int_equal(plx_env_conf_merge(&c, &in, NULL, 0), -EINVAL);
	assert_int_equal(plx_env_conf_file(&at.name, &in, NULL, 0), -EINVAL);
	assert_int_equal(plx_env_conf_read(&c, &in, NULL, 0), -EINVAL);
	assert_int_equal(plx_port_conf_parse(&p, "a,b=c", NULL, 0), -EINVAL);
	argv[1] = (char *)"--help";
	assert_int_equal(plx_env_conf_parse(&c, 2, argv, NULL, NULL, 0), PLX_TEXT);
}

/* A loop ends with the one behind the last; what is beyond it is no loop's. */
static void test_queues_out_of_range(void **state)
{
	(void)state;
	assert_non_null(plx_port_rxq(port, 1));
	assert_null(plx_port_rxq(port, 2));
	assert_null(plx_port_txq(port, 2));
	assert_false(kept_has(&kept, "there is no receive queue"));
	assert_null(plx_port_rxq(port, 7));
	assert_true(kept_has(&kept, "error: a: there is no receive queue 7: it has 2, from 0"));
	assert_null(plx_port_txq(port, UINT16_MAX));
	assert_true(kept_has(&kept, "error: a: there is no transmit queue 65535: it has 2, from 0"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_ends_at_once), cmocka_unit_test(test_every_function_is_there),
		cmocka_unit_test(test_out_of_range), cmocka_unit_test(test_no_room_for_a_reason),
		cmocka_unit_test(test_queues_out_of_range),
	};
	struct plx_env_conf c;

	folder = argc > 1 ? argv[1] : "";
	test_conf(&c, &kept, 1, "a,driver=loop,queues=2", NULL);
	at.conf = c;
	env = test_open(&c, &kept);
	port = plx_env_port(env, 0);
	lcore = plx_env_lcore(env, 0);
	if (plx_poller_add_get(&poller, env, PLX_POLLER(.name = "p", .fn = idle)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	plx_env_fini(env);
	return failed;
}

/* SPDX-License-Identifier: MIT */
/* test_service.c - service lcores: what the plan makes of -S, and which poller goes where. */
#include "env_util.h"

/* ---- the plan, of machines that are made up ---- */

static struct plx_env_conf conf;
static struct host host;
static struct plan plan;

static int make_plan(unsigned cpus, char *why, size_t len, const char *args)
{
	char text[256], *argv[32] = { text };
	int argc = 0;

	memset(&host.topo, 0, sizeof(host.topo));
	host.topo.nnodes = 1;
	host.topo.ncpus = cpus;
	for (unsigned i = 0; i < cpus; i++)
		host.topo.cpu[i] = (struct topo_cpu){ .online = true, .allowed = true, .core = (int32_t)i };
	plx_env_conf_init(&conf);
	snprintf(text, sizeof(text), "t %s", args);
	for (char *at = text, *word; (word = strsep(&at, " ")) && argc < 31;)
		argv[argc++] = word;
	int err = plx_env_conf_parse(&conf, argc, argv, NULL, why, len);
	return err ? err : plan_make(&plan, &conf, &host, why, len);
}

/* The plan as "id@cpu:queues", workers first, "|" before the service lcores. */
static const struct row { const char *what; unsigned cpus; const char *args, *want, *note;
} rows[] = {
	{ "auto leaves the service lcore's CPU alone", 4, "-S 0 --iface a,driver=loop,rxqs=4",
	  "1@1:2 2@2:1 3@3:1|0@0:0", NULL },
	{ "and the main thread's", 4, "-S 0 --main-lcore 1 --iface a,driver=loop,rxqs=4", "2@2:2 3@3:2|0@0:0", NULL },
	{ "an id that a service lcore has is not given again", 4, "-S 2@0 --iface a,driver=loop,rxqs=3",
	  "1@1:1 3@2:1 4@3:1|2@0:0", NULL },
	{ "no CPU is left: one is shared, and said so", 2, "-S 0-1 --iface a,driver=loop,rxqs=2", "2@0:2|0@0:0 1@1:0",
	  "share CPU 0" },
	{ "no queue goes to a service lcore", 4, "-l 0 -S 1-3 --iface a,driver=loop,rxqs=4", "0@0:4|1@1:0 2@2:0 3@3:0",
	  NULL },
	{ "the main thread may be there", 4, "-l 0 -S 9@3 --main-lcore 9", "0@0:0|9@3:0", NULL },
};

static void test_plans(void **state)
{
	(void)state;
	for (const struct row *r = rows; r < rows + PLX_ARRAY_SIZE(rows); r++) {
		char why[1024] = "", got[256] = "";
		bool noted = !r->note;

		if (make_plan(r->cpus, why, sizeof(why), r->args))
			fail_msg("%s: %s", r->what, why);
		for (unsigned i = 0; i < plan.nlcores; i++) {
			const struct plan_lcore *l = &plan.lcores[i];

			assert_int_equal(l->service, i >= plan.nworkers);
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%u@%d:%u",
			         i == plan.nworkers ? "|" : i ? " " : "", l->id, l->cpu, l->queues);
		}
		for (unsigned i = 0; i < plan.nnotes; i++)
			noted |= r->note && strstr(plan.notes[i].evidence, r->note);
		if (strcmp(got, r->want) || !noted)
			fail_msg("%s: %s, wanted %s", r->what, got, r->want);
		if (conf.main_lcore == 9)
			assert_int_equal(plan.main_cpu, 3);
		for (uint16_t q = 0; plan.nports && q < plan.ports[0].conf.rxqs; q++)
			assert_true(plan.ports[0].rxq_lcore[q] < plan.nworkers);
		assert_true(!plan.nports || plan.ports[0].conf.txqs <= 4);
	}
}

static void test_refused_plans(void **state)
{
	(void)state;
	char why[1024];

	assert_int_equal(make_plan(4, why, sizeof(why), "-l 0-1 -S 1-2"), -EINVAL);
	assert_string_equal(
		why,
		"lcore 1 is in -l and in -S: take it out of one of them; two lcores on one CPU are written as 1@1");
	assert_int_equal(make_plan(4, why, sizeof(why), "-l 0 -S 4"), -EINVAL);
	assert_string_equal(why, "service lcore 4: CPU 4 is not there or offline: use -S of 0-3");
	assert_int_equal(make_plan(128, why, sizeof(why), "-l 0-99 -S 100-119 --registered-threads 9"), -EINVAL);
	assert_string_equal(why, "120 lcores and 9 threads that may register as one are more than 128: use "
	                         "--registered-threads 8 or fewer lcores");
	assert_int_equal(make_plan(128, why, sizeof(why), "-l 0-99 -S 100-119 --registered-threads 8"), 0);
	assert_int_equal(plan.caches, 128);
}

/* Places for threads cost what lcores cost; without them nothing. */
static void test_frames(void **state)
{
	(void)state;
	char why[1024];

	assert_int_equal(make_plan(4, why, sizeof(why), "-l 0 --iface a,driver=loop"), 0);
	uint32_t held = plan.pools[0].held;
	assert_int_equal(make_plan(4, why, sizeof(why), "-l 0 --iface a,driver=loop --registered-threads 3"), 0);
	assert_int_equal(plan.pools[0].held, held + 3 * (2 * PLX_MAGAZINE + PLX_BURST_MAX));
	char *text = plan_print(&plan, &host.topo, false), *json = plan_print(&plan, &host.topo, true);
	assert_non_null(strstr(text, "threads  3 of the program may register as lcores\n"));
	assert_non_null(strstr(json, "\"registered_threads\":3,"));
	free(text);
	free(json);
	assert_int_equal(make_plan(4, why, sizeof(why), "-l 0 -S 1 --iface a,driver=loop"), 0);
	assert_int_equal(plan.pools[0].held, held + 2 * PLX_MAGAZINE + PLX_BURST_MAX);
	text = plan_print(&plan, &host.topo, false), json = plan_print(&plan, &host.topo, true);
	assert_non_null(strstr(text, "lcore    1    CPU 1        node 0   serves pollers marked service\n"));
	assert_non_null(strstr(json, "{\"id\":1,\"node\":0,\"queues\":0,\"service\":true,\"cpus\":[1]}"));
	free(text);
	free(json);
}

/* ---- pollers ---- */

static int idle(void *arg)
{
	(void)arg;
	return 0;
}

static int add(struct plx_env *env, const struct plx_poller_conf *c, struct plx_poller **p)
{
	int err = plx_poller_add_get(p, env, c);

	return err ? err : plx_lcore_id((*p)->lcore);
}

static void serve_on(struct plx_env_conf *c, uint16_t id)
{
	c->service[c->nservice++] = (struct plx_lcore_conf){ .id = id, .ncpus = 1, .cpus = { (uint16_t)nth_cpu(0) } };
}

static void test_placement(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_poller *p, *w;
	struct plx_lcore_stats s;
	struct plx_poller_info info;

	test_conf(&c, &k, 2, "a,driver=loop,rxqs=2", NULL);
	serve_on(&c, 5);
	serve_on(&c, 6);
	struct plx_env *env = test_open(&c, &k);
	struct plx_rxq *q = plx_port_rxq(plx_env_port(env, 0), 1);

	assert_int_equal(plx_env_lcores(env), 4);
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true), &p), 5); /* spread */
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true, .rxq = q), &p), 6);
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true), &p), 5);
	for (int i = 0; i < 6; i++) /* workers, however many they have */
		assert_int_equal(add(env, PLX_POLLER(.fn = idle), &w), i % 2);
	assert_int_equal(add(env, &(struct plx_poller_conf){ .name = "w", .fn = idle, .lcore = 5 }, &w), -EINVAL);
	assert_true(kept_has(&k, "poller w: lcore 5 is for service pollers, set .service: it may be one of 0,1"));
	assert_int_equal(
		add(env, &(struct plx_poller_conf){ .name = "s", .fn = idle, .lcore = 1, .service = true }, &w),
		-EINVAL);
	assert_true(kept_has(
		&k, "poller s: lcore 1 is for other pollers, this one is marked service: it may be one of 5,6"));
	assert_int_equal(plx_poller_move(p, 1), -EINVAL);
	assert_int_equal(plx_poller_move(p, 6), 0);
	plx_lcore_stats(plx_env_lcore_by_id(env, 6), &s);
	assert_true(s.service && s.pollers == 2);
	assert_int_equal(plx_lcore_poller(plx_env_lcore_by_id(env, 6), 0, &info), 0);
	assert_true(info.service && info.queues == 1);
	plx_lcore_stats(plx_env_lcore_by_id(env, 0), &s);
	assert_false(s.service);
	plx_env_fini(env);
}

/* Of lcores with as many pollers the less busy one. */
static void test_spread_by_load(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_poller *p;

	test_conf(&c, &k, 1, NULL);
	serve_on(&c, 5);
	serve_on(&c, 6);
	struct plx_env *env = test_open(&c, &k);
	plx_env_lcore_by_id(env, 5)->busy_cycles = 900;
	plx_env_lcore_by_id(env, 5)->idle_cycles = 100;
	plx_env_lcore_by_id(env, 6)->busy_cycles = 9000;
	plx_env_lcore_by_id(env, 6)->idle_cycles = 91000;
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true), &p), 6);
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true), &p), 5);
	plx_env_fini(env);
}

static void test_without_service_lcores(void **state)
{
	(void)state;
	struct kept_log k;
	struct plx_env_conf c;
	struct plx_poller *p;

	test_conf(&c, &k, 2, "a,driver=loop", NULL);
	struct plx_env *env = test_open(&c, &k);
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .rxq = plx_port_rxq(plx_env_port(env, 0), 0)), &p), 0);
	assert_int_equal(add(env, PLX_POLLER(.fn = idle, .service = true), &p), 1); /* the fewest */
	assert_int_equal(plx_poller_move(p, 0), 0);
	assert_int_equal(add(env, &(struct plx_poller_conf){ .fn = idle, .service = true, .lcore = 0 }, &p), 0);
	plx_env_fini(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_refused_plans),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_spread_by_load),
		cmocka_unit_test(test_without_service_lcores),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

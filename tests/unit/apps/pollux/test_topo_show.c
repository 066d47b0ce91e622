/* SPDX-License-Identifier: MIT */
/* test_topo_show.c - the picture of pollux topo of machines that are made up, from one CPU to 256 on
   four nodes: text within 100 columns, JSON, and SVG that is well-formed and whose parts
   stand within it, all of them.

     test_topo_show [DIRECTORY]   also writes the pictures there */
#include "root_util.h"

#include "topo_view.h"
#include <net/if.h>

static struct host host;
static struct view view;
static struct plx_env_conf conf;
static struct plan plan;
static const char *keep; /* directory of pictures */

struct scene {
	const char *name, *synthetic;
	const char *online, *present, *isolated, *allowed; /* NULL = nothing told */
	unsigned nics, queues;    /* NICs spread over the nodes, those beyond on none */
	const char *lcores;       /* of -l; NULL = no plan */
	const char *text[6];      /* what the text has to say */
};

static const struct scene scenes[] = {
	{ "one",
	  "pu:1",
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  0,
	  0,
	  NULL,
	  { "machine  1 node, 1 package, 1 core, 1 CPU\n", "    [0]\n" } },
	{ "two",
	  "package:1 [numa] l3:1(size=33554432) l2:2(size=1048576) core:1 l1d:1(size=32768) pu:1",
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  1,
	  2,
	  "0-1",
	  { "  package 0, L3 32 MiB, each core L2 1 MiB, L1d 32 KiB\n    [0!L0] [1!L1]\n",
	    "    queue 1  interrupt 41 on CPU 1 -> lcore 1 on CPU 1, the same\n",
	    "lcore 0  CPU 0, node 0, polls eth0:0\n" } },
	{ "marks",
	  "package:2 [numa] core:4 pu:2(indexes=0,8,1,9,2,10,3,11,4,12,5,13,6,14,7,15)",
	  "0-6,8-15",
	  "0-17",
	  "2-3",
	  "0-7",
	  1,
	  4,
	  "2,3",
	  { "allowed  CPUs 0-6\n", "kernel   isolated 2-3; offline 7,16-17\n",
	    "    [0! 8-] [1! 9-] [2i!L2 10-] [3i!L3 11-]\n", "[7x 15-]", "  offline\n    [16x] [17x]\n",
	    "- not for this process; i isolated; x offline\n" } },
	{ "big",
	  "package:4 [numa] l3:2(size=33554432) core:16 l1d:1(size=49152) pu:2",
	  NULL,
	  NULL,
	  "8-15",
	  NULL,
	  4,
	  24,
	  "auto",
	  { "machine  4 nodes, 4 packages, 128 cores, 256 CPUs\n", "lcore 95" } },
	{ "far",
	  "package:4 [numa] l3:2(size=33554432) core:16 l1d:1(size=49152) pu:2",
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  6,
	  24,
	  "1-120",
	  { "node not told\n", "another node (", "lcore 118 CPU 118, node 1, polls eth2:22\n" } },
	{ "many",
	  "package:8 [numa] core:64 pu:2",
	  NULL,
	  NULL,
	  NULL,
	  NULL,
	  16,
	  64,
	  NULL,
	  { "machine  8 nodes, 8 packages, 512 cores, 1024 CPUs\n" } },
};

static void make_link(struct iface *l, const struct scene *s, unsigned i)
{
	struct host_iface *f = &host.iface[i];
	unsigned cpus = host.topo.ncpus / host.topo.nnodes;

	iface_link_init(l);
	snprintf(l->name, sizeof(l->name), "eth%u", i);
	snprintf(l->kdriver, sizeof(l->kdriver), "%s", i % 2 ? "<&\"'>" : "a_driver_with_a_name_of_31_byte");
	snprintf(l->bus, sizeof(l->bus), "0000:%02x:00.0", i);
	l->ifindex = i + 2;
	l->flags = IFF_UP | IFF_RUNNING;
	l->mtu = 9000;
	l->node = i < host.topo.nnodes ? (int16_t)i : -1;
	l->nrxqs = l->ntxqs = (uint16_t)s->queues;
	for (unsigned q = 0; q < s->queues; q++) {
		unsigned cpu = ((i < host.topo.nnodes ? i : 0) * cpus + q) % host.topo.ncpus;

		l->rxq[q].irq = l->txq[q].irq = (int32_t)(40 + q);
		l->rxq[q].cpu = l->txq[q].cpu = (int32_t)cpu;
		cpuset_add(&l->rxq[q].effective, cpu);
	}
	f->found = l;
	f->link = (struct plx_link_info){ .ifindex = l->ifindex,
		                          .mtu = 1500,
		                          .up = true,
		                          .running = true,
		                          .node = l->node,
		                          .rxqs = l->nrxqs,
		                          .txqs = l->ntxqs,
		                          .rxqs_max = l->nrxqs,
		                          .txqs_max = l->ntxqs };
	conf.ports[i] = plx_port_conf_default;
	snprintf(conf.ports[i].name, sizeof(conf.ports[i].name), "eth%u", i);
	conf.nports = (uint16_t)(i + 1);
}

static void put_file(const char *path, const char *text)
{
	if (text)
		put(text, "%s", path);
}

static void make(const struct scene *s)
{
	char arg[64], why[1024], status[256], *argv[] = { "t", arg };

	setenv("HWLOC_SYNTHETIC", s->synthetic, 1);
	put_file("/sys/devices/system/cpu/online", s->online);
	put_file("/sys/devices/system/cpu/present", s->present);
	put_file("/sys/devices/system/cpu/isolated", s->isolated);
	snprintf(status, sizeof(status), "Name: t\nCpus_allowed_list:\t%s\n", s->allowed);
	put_file("/proc/thread-self/status", s->allowed ? status : NULL);
	put("7\n", "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	memset(&view, 0, sizeof(view));
	view.t = &host.topo;
	assert_int_equal(topo_read(&root_sys, &host.topo), 0);
	assert_int_equal(topo_read_more(&host.topo, &view.more, NULL), 0);
	assert_int_equal(view_cores(&view), 0);
	plx_env_conf_init(&conf);
	for (unsigned i = 0; i < s->nics; i++) {
		struct iface *l = malloc(sizeof(*l));

		make_link(l, s, i);
		assert_int_equal(view_link(&view, l, 25000), 0);
	}
	if (!s->lcores)
		return;
	snprintf(arg, sizeof(arg), "-l%s", s->lcores);
	assert_int_equal(plx_env_conf_parse(&conf, 2, argv, NULL, why, sizeof(why)), 0);
	if (plan_make(&plan, &conf, &host, why, sizeof(why)))
		fail_msg("%s: %s", s->name, why);
	view_plan(&view, &plan);
}

static char *shown(const struct scene *s, const char *ending, void (*show)(FILE *f, const struct view *v))
{
	char *buf = NULL, path[512];
	size_t len;
	FILE *f = open_memstream(&buf, &len);

	show(f, &view);
	fclose(f);
	assert_int_equal(strlen(buf), len);
	if (keep) {
		snprintf(path, sizeof(path), "%s/%s.%s", keep, s->name, ending);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(buf, f);
		fclose(f);
	}
	return buf;
}

static void check_text(const struct scene *s)
{
	char *text = shown(s, "txt", topo_text);

	for (const char *l = text; l && *l; l += strcspn(l, "\n") + 1)
		if (strcspn(l, "\n") > 100)
			fail_msg("%s: %zu columns: %.*s", s->name, strcspn(l, "\n"), (int)strcspn(l, "\n"), l);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(s->text) && s->text[i]; i++)
		if (!strstr(text, s->text[i]))
			fail_msg("%s: '%s' is not in\n%s", s->name, s->text[i], text);
	free(text);
	/* what others wrote may not move the terminal's cursor */
	strcpy(view.more.model, "m\x1b[2J\x7f\xc3\xa9");
	text = shown(s, "txt", topo_text);
	assert_non_null(strstr(text, "m?[2J?\xc3\xa9"));
	assert_null(strchr(text, '\x1b'));
	free(text);
}

static void check_json(const struct scene *s)
{
	json_t *o = topo_json(&view);

	assert_non_null(o);
	unsigned there = 0;

	for (unsigned i = 0; i < host.topo.ncpus; i++)
		there += host.topo.cpu[i].present;
	assert_int_equal(json_array_size(json_object_get(o, "cpus")), there);
	assert_int_equal(json_array_size(json_object_get(o, "nics")), s->nics);
	assert_int_equal(json_is_object(json_object_get(o, "plan")), s->lcores != NULL);
	char *text = json_dumps(o, 0);
	assert_non_null(text);
	free(text);
	json_decref(o);
}

/* ---- SVG ---- */

/* number reads an attribute of an element. */
static int number(const char *tag, const char *name)
{
	char what[32];
	const char *end = strchr(tag, '>');

	snprintf(what, sizeof(what), " %s=\"", name);
	const char *at = strstr(tag, what);
	return at && at < end ? atoi(at + strlen(what)) : -1;
}

/* within: a rectangle stands in the picture. */
static void within(const struct scene *s, const char *tag, int width, int height)
{
	int x = number(tag, "x"), y = number(tag, "y"), w = number(tag, "width"), h = number(tag, "height");

	if (x < 0 || y < 0 || x + w > width || y + h > height)
		fail_msg("%s: %d+%d %d+%d is outside of %d x %d: %.100s", s->name, x, w, y, h, width, height, tag);
}

/* A small reader of XML: elements nest, attributes are quoted, & begins a reference. */
static void check_svg(const struct scene *s)
{
	static const char head[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" ";
	char *svg = shown(s, "svg", topo_svg), open[16][16];
	int depth = 0, width = 0, height = 0;
	unsigned cpus = 0, queues = 0;

	assert_memory_equal(svg, head, sizeof(head) - 1);
	for (const char *c = strchr(svg, '\n') + 1; *c; c++) {
		if (*c == '&' && strncmp(c, "&#", 2))
			fail_msg("%s: a bare &: %.40s", s->name, c);
		assert_true(*c == '\n' || (*c >= ' ' && *c <= 126));
		if (*c != '<')
			continue;
		size_t n = strcspn(c + 1, " />\n");
		const char *end = strchr(c, '>');

		assert_non_null(end);
		if (c[1] == '/') {
			n = strcspn(c + 2, ">");
			if (!depth || strlen(open[depth - 1]) != n || strncmp(open[depth - 1], c + 2, n))
				fail_msg("%s: closes another element: %.40s", s->name, c);
			depth--;
			continue;
		}
		assert_true(n > 0 && n < sizeof(open[0]) && depth < 16);
		if (!strncmp(c, "<svg ", 5)) {
			width = number(c, "width");
			height = number(c, "height");
		} else if (!strncmp(c, "<rect x", 7)) {
			within(s, c, width, height);
			cpus += number(c, "width") == 34;
			queues += number(c, "width") == 18;
		}
		if (end[-1] != '/')
			snprintf(open[depth++], sizeof(open[0]), "%.*s", (int)n, c + 1);
		c = end;
	}
	assert_int_equal(depth, 0);
	unsigned there = 0;

	for (unsigned i = 0; i < host.topo.ncpus; i++)
		there += host.topo.cpu[i].present;
	assert_int_equal(cpus, there);
	assert_int_equal(queues, s->nics * s->queues);
	free(svg);
}

static void test_scenes(void **state)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(scenes); i++) {
		root_make(state);
		make(&scenes[i]);
		check_text(&scenes[i]);
		check_json(&scenes[i]);
		check_svg(&scenes[i]);
		view_free(&view);
		host_free(&host);
		assert_int_equal(root_remove(state), 0);
	}
	unsetenv("HWLOC_SYNTHETIC");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scenes) };

	keep = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

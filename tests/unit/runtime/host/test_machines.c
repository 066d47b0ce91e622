/* SPDX-License-Identifier: MIT */
/* test_machines.c - other machines from their files to the plan that is printed: cores and nodes
   by hwloc's synthetic topologies, sysfs, procfs and cgroups by a directory of files, all of it
   made up; then topo_read, the interrupts of a NIC, plan_make and plan_print. */
#include "root_util.h"

#include "iface.h"
#include "plan.h"
#include <errno.h>

/* A table of drivers and a pool of our own, so that frame counts here do not follow theirs. */
static const struct plx_driver d_af_xdp = { .name = "af_xdp", .device = true }, d_null = { .name = "null" };
const struct plx_driver *const plx_drivers[] = { &d_af_xdp, &d_null, NULL };

size_t plx_pool_size(const struct plx_pool_conf *c)
{
	return c->frames ? (size_t)c->frames * (c->frame_size + PLX_CACHELINE) + 65536 : 0;
}

struct nic {
	const char *name, *device;    /* interface; its place below /sys/devices */
	const char *pci;              /* device with node and interrupts */
	const char *parent;           /* as rtnetlink calls its device */
	int node;                     /* numa_node, -1 = no file */
	unsigned queues;
	const char *irqs;             /* "irq|action|cpus ..." */
};

struct machine {
	const char *what;
	const char *synthetic;        /* hwloc's words */
	const char *files;            /* lines of path=text */
	struct nic nics[2];
	const char *args;             /* of a program, blanks between */
	const char *want;             /* the printed plan, or (err) why there is none */
	int err;
};

#define HUGE(node, kib, n, f) \
	"/sys/devices/system/node/node" #node "/hugepages/hugepages-" #kib "kB/nr_hugepages=" #n "\n" \
	"/sys/devices/system/node/node" #node "/hugepages/hugepages-" #kib "kB/free_hugepages=" #f "\n"
#define POOL(node, kib, what, n) "/sys/kernel/mm/hugepages/hugepages-" #kib "kB/" #what "_hugepages=" #n "\n"
#define NODE(node, cpus) "/sys/devices/system/node/node" #node "/cpulist=" cpus "\n"

#include "machines.h"

static struct host host;
static struct plx_env_conf conf;
static struct plan plan;

/* Lines of path=text; text may have a line end of its own as ';'. */
static void put_files(const char *files)
{
	char line[4096];

	for (; *files; files += strcspn(files, "\n"), files += *files == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(files, "\n"), files);
		char *text = strchr(line, '=');

		assert_non_null(text);
		*text++ = 0;
		for (char *s = text; (s = strchr(s, ';'));)
			*s = '\n';
		size_t n = strlen(text);
		snprintf(text + n, sizeof(line) - (size_t)(text - line) - n, "\n");
		put(text, "%s", line);
	}
}

static void put_nic(const struct nic *n, unsigned ifindex)
{
	char below[512], path[256], to[256], text[32], list[1024], *save = NULL;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device", n->name);
	snprintf(to, sizeof(to), "../../../devices/%s", n->device);
	snprintf(text, sizeof(text), "%u\n", ifindex);
	put(text, "/sys/class/net/%s/ifindex", n->name);
	assert_int_equal(symlink(to, root_path(below, path)), 0);
	put("", "/sys/devices/%s/uevent", n->device);
	snprintf(text, sizeof(text), "%d\n", n->node);
	if (n->node >= 0)
		put(text, "/sys/devices/%s/numa_node", n->pci);
	snprintf(list, sizeof(list), "%s", n->irqs);
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *action = strchr(w, '|'), *cpus = strchr(action + 1, '|');

		*action++ = *cpus++ = 0;
		put("msix\n", "/sys/devices/%s/msi_irqs/%s", n->pci, w);
		put(action, "/sys/kernel/irq/%s/actions", w);
		put(cpus, "/proc/irq/%s/effective_affinity_list", w);
		put(cpus, "/proc/irq/%s/smp_affinity_list", w);
	}
}

/* ask does what host_read does for a port, the kernel's answers apart. */
static void ask(const struct nic *n, unsigned ifindex, struct host_iface *to)
{
	struct iface *l = to->found = malloc(sizeof(*l));
	struct plx_link_info *li = &to->link;

	iface_link_init(l);
	snprintf(l->name, sizeof(l->name), "%s", n->name);
	snprintf(l->parent, sizeof(l->parent), "%s", n->parent);
	snprintf(l->bus, sizeof(l->bus), "%.31s", strrchr(n->pci, '/') + 1);
	l->ifindex = ifindex;
	l->nrxqs = l->ntxqs = (uint16_t)n->queues;
	*li = (struct plx_link_info){ .ifindex = ifindex, .mtu = 1500, .up = true, .running = true, .combined = true,
	                              .rxqs = l->nrxqs, .txqs = l->nrxqs, .rxqs_max = l->nrxqs, .txqs_max = l->nrxqs };
	snprintf(li->name, sizeof(li->name), "%s", n->name);
	li->node = plx_link_node(&root_sys, li);
	assert_int_equal(li->node, n->node);
	iface_irq(&root_sys, l);
}

static void read_args(const struct machine *m)
{
	char words[512], why[1024], *argv[32] = { "t" }, *save = NULL;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", m->args);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	plx_env_conf_init(&conf);
	if (plx_env_conf_parse(&conf, argc, argv, NULL, why, sizeof(why)))
		fail_msg("%s: %s", m->what, why);
}

static void check(const struct machine *m)
{
	char why[2048] = "", *got = NULL;
	int err = plan_make(&plan, &conf, &host, why, sizeof(why));

	got = err ? strdup(why) : plan_print(&plan, &host.topo, false);
	if (err != m->err || strcmp(got, m->want)) {
		fprintf(stderr, "%s: %d, got:\n%s\n", m->what, err, got);
		fail_msg("%s: another plan", m->what);
	}
	free(got);
}

static void test_machines(void **state)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(machines); i++) {
		const struct machine *m = &machines[i];

		root_make(state);
		setenv("HWLOC_SYNTHETIC", m->synthetic, 1);
		put_files(m->files);
		for (unsigned n = 0; n < 2 && m->nics[n].name; n++)
			put_nic(&m->nics[n], n + 2);
		assert_int_equal(topo_read(&root_sys, &host.topo), 0);
		read_args(m);
		memset(host.iface, 0, sizeof(host.iface));
		for (unsigned p = 0; p < conf.nports; p++)
			for (unsigned n = 0; n < 2 && m->nics[n].name; n++)
				if (!strcmp(m->nics[n].name, conf.ports[p].name))
					ask(&m->nics[n], n + 2, &host.iface[p]);
		check(m);
		host_free(&host);
		assert_int_equal(root_remove(state), 0);
	}
	unsetenv("HWLOC_SYNTHETIC");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_machines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

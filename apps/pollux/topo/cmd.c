/* SPDX-License-Identifier: MIT */
/* cmd.c - pollux topo: the machine in one picture, and where a program's lcores would be in it.
   Cold; reads and changes nothing; called by main(). */
#include "cmd.h"
#include "topo_view.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pollux/plx.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char title[] = "pollux topo";
static const char help[] =
	"usage: pollux topo [--json] [-o svg|text|json|FILE] [--xml FILE] [options of a program]\n"
	"Shows the machine: nodes, packages, cores, CPUs, caches, hugepages, and on which node\n"
	"each NIC is, its queues, and the CPU that serves the interrupt of each.\n"
	"  --json      print a JSON object: -o json\n"
	"  -o WHAT     svg, text or json on standard output, or a FILE that ends in .svg, .txt or\n"
	"              .json\n"
	"  --xml FILE  of another machine, as hwloc describes it (lstopo FILE.xml there)\n"
	"With options of a program (-l, --iface, -c FILE ...) it shows its lcores and the queues\n"
	"they poll; with --iface those NICs alone.  Exit code 1 if it could not start so.\n";

enum format { TEXT, JSON, SVG };

/* Everything that one run holds: too much for the stack. */
struct job {
	const struct plx_sys *sys;
	struct plx_env_conf conf;
	struct host host;
	struct plan plan;
	struct iface link;      /* one that no port is of */
	struct view view;
	char   devices[VIEW_NICS_MAX][16];
	unsigned ndevices;
	enum format format;
	const char *file;            /* NULL = standard output */
};

/* ---- words of its own ---- */

/* take_value takes "word VALUE" or "word=VALUE" out of argv.  0; -1 if it has no value, or is
   there twice. */
static int take_value(int *argc, char **argv, const char *word, const char **value)
{
	size_t len = strlen(word);
	int n = 0, err = 0, dashes = 0;

	*value = NULL;
	for (int i = 0; i < *argc; i++) {
		const char *got = NULL;

		dashes |= !strcmp(argv[i], "--");
		if (!dashes && !strcmp(argv[i], word))
			got = i + 1 < *argc && strcmp(argv[i + 1], "--") ? argv[++i] : "";
		else if (!dashes && !strncmp(argv[i], word, len) && argv[i][len] == '=')
			got = argv[i] + len + 1;
		if (!got) {
			argv[n++] = argv[i];
			continue;
		}
		if (!*got || *value) {
			cmd_error(title, *got ? "%s: given twice" : "%s: its value is missing; see pollux topo --help",
			          word);
			err = -1;
		}
		*value = got;
	}
	*argc = n;
	argv[n] = NULL;
	return err;
}

static int read_format(struct job *j, const char *out, bool json)
{
	static const struct { const char *word, *end; enum format format; } formats[] = {
		{ "svg", ".svg", SVG }, { "text", ".txt", TEXT }, { "json", ".json", JSON },
	};
	size_t len = out ? strlen(out) : 0;

	j->format = json ? JSON : TEXT;
	if (!out)
		return 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(formats); i++) {
		size_t n = strlen(formats[i].end);
		bool word = !strcmp(out, formats[i].word);

		if (!word && (len <= n || strcmp(out + len - n, formats[i].end)))
			continue;
		if (json && formats[i].format != JSON) {
			cmd_error(title, "-o %s and --json: give one of them", out);
			return -1;
		}
		j->format = formats[i].format;
		j->file = word ? NULL : out;
		return 0;
	}
	cmd_error(title, "-o '%s': takes svg, text, json, or a file that ends in .svg, .txt or .json", out);
	return -1;
}

/* ---- facts ---- */

/* speed_of asks ethtool; -1 if no link tells. */
static int32_t speed_of(const struct plx_sys *sys, const char *name)
{
	struct ethtool_cmd cmd = { .cmd = ETHTOOL_GSET };
	struct ifreq ifr = { 0 };
	int fd = sys->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = (void *)&cmd;
	err = sys->ioctl(fd, SIOCETHTOOL, &ifr);
	sys->close(fd);
	uint32_t speed = (uint32_t)cmd.speed_hi << 16 | cmd.speed; /* ethtool_cmd_speed shifts into the sign */

	return err || speed == (uint32_t)SPEED_UNKNOWN || speed == UINT16_MAX || speed > INT32_MAX ? -1 :
	                                                                                             (int32_t)speed;
}

static void note_link(void *arg, const struct iface *l)
{
	struct job *j = arg;
	struct view *v = &j->view;

	if (l->flags & IFF_LOOPBACK)
		return;
	if (!*l->kind && j->ndevices < VIEW_NICS_MAX) {
		memcpy(j->devices[j->ndevices++], l->name, sizeof(l->name));
	} else if (*l->kind && v->nothers < VIEW_OTHERS_MAX) {
		view_clean(v->others[v->nothers].name, sizeof(v->others[0].name), l->name);
		view_clean(v->others[v->nothers++].kind, sizeof(v->others[0].kind), l->kind);
	}
}

/* see draws one interface, once. */
static int see(struct job *j, const struct iface *l)
{
	if (j->view.nnics == VIEW_NICS_MAX)
		return 0;
	for (unsigned i = 0; i < j->view.nnics; i++)
		if (j->view.nics[i].ifindex == l->ifindex)
			return 0; /* by another name */
	return view_link(&j->view, l, speed_of(j->sys, l->name));
}

static int links(struct job *j)
{
	int err = 0;

	if (!j->conf.nports) {
		err = iface_link_each(j->sys, note_link, j);
		if (err)
			cmd_error(title, "cannot ask the kernel for interfaces: %s: see ip link", strerror(-err));
	}
	for (unsigned i = 0; i < j->ndevices && !err; i++) {
		err = iface_read(j->sys, j->devices[i], &j->link);
		err = err == -ENODEV ? 0 : err ? err : see(j, &j->link); /* gone meanwhile */
	}
	for (unsigned i = 0; i < j->conf.nports && !err; i++) /* what is not there the plan explains */
		err = j->host.iface[i].found ? see(j, j->host.iface[i].found) : 0;
	return err;
}

/* facts fills the view but for the plan. */
static int facts(struct job *j)
{
	struct view *v = &j->view;
	char why[512];
	int err = v->xml ? 0 : host_read(&j->host, j->sys, &j->conf, why, sizeof(why));

	v->t = &j->host.topo;
	if (err) {
		cmd_error(title, "%s", why);
		return err;
	}
	err = topo_read_more(&j->host.topo, &v->more, v->xml);
	if (err == -EINVAL && v->xml) {
		cmd_error(title, "%s: cannot be read as hwloc's XML: lstopo FILE.xml writes it", v->xml);
		return err;
	}
	if (err == -EIO) /* nothing is known of the CPUs */
		err = 0;
	if (!err)
		err = view_cores(v);
	if (err) {
		cmd_error(title, "%s", strerror(-err));
		return err;
	}
	if (!v->xml)
		return links(j);
	for (unsigned i = 0; i < v->more.nnics && !err; i++)
		err = view_bus(v, &v->more.nics[i]) == -ENOMEM ? -ENOMEM : 0;
	return err;
}

/* other_machine refuses interfaces of this machine in the picture of another. */
static int other_machine(const struct job *j)
{
	for (unsigned i = 0; j->view.xml && i < j->conf.nports; i++)
		if (plx_driver_on_device(&j->conf.ports[i])) {
			cmd_error(title,
			          "--iface %s: an interface of this machine has no place in another one's picture: "
			          "leave out "
			          "--iface or --xml",
			          PLX_QUOTED(j->conf.ports[i].name));
			return -1;
		}
	return 0;
}

static int plan(struct job *j)
{
	struct view *v = &j->view;

	if (!j->conf.nports && !j->conf.nlcores && !j->conf.nservice)
		return CMD_OK;
	if (!plan_make(&j->plan, &j->conf, &j->host, v->why, sizeof(v->why))) {
		v->why[0] = 0;
		view_plan(v, &j->plan);
		return CMD_OK;
	}
	cmd_error(title, "%s", v->why);
	return CMD_FAIL;
}

/* ---- output ---- */

static int write_json(FILE *f, const struct view *v)
{
	json_t *o = topo_json(v);
	int err = o ? json_dumpf(o, f, JSON_INDENT(2)) : -1;

	json_decref(o);
	return err || fputc('\n', f) == EOF;
}

static int show(const struct job *j)
{
	FILE *f = j->file ? fopen(j->file, "we") : stdout;
	int err = 0;

	if (!f) {
		cmd_error(title, "%s: cannot be written: %s", j->file, strerror(errno));
		return CMD_FAIL;
	}
	switch (j->format) {
	case TEXT: topo_text(f, &j->view); break;
	case JSON: err = write_json(f, &j->view); break;
	case SVG:  topo_svg(f, &j->view); break;
	}
	errno = 0;
	err |= fflush(f) | ferror(f);
	if (j->file)
		err |= fclose(f);
	if (err)
		cmd_error(title, "%s: cannot be written: %s", j->file ? j->file : "standard output",
		          errno ? strerror(errno) : "no memory, or no room");
	return err ? CMD_FAIL : CMD_OK;
}

static int run(struct job *j, int argc, char **argv)
{
	static char why[PLX_HELP_MAX];
	struct plx_conf_in in = { .argc = argc, .argv = argv, .environ = environ, .any_app = true };
	int err, code;

	plx_env_conf_init(&j->conf);
	err = plx_env_conf_read(&j->conf, &in, why, sizeof(why));
	if (err)
		return cmd_conf(title, err, why);
	if (other_machine(j))
		return CMD_USAGE;
	if (facts(j))
		return CMD_FAIL;
	code = plan(j);
	return show(j) ? CMD_FAIL : code;
}

int cmd_topo(int argc, char **argv)
{
	const char *out;
	struct job *j;
	int code = CMD_USAGE;

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return CMD_OK;
		}
	j = calloc(1, sizeof(*j));
	if (!j) {
		cmd_error(title, "no memory");
		return CMD_FAIL;
	}
	j->sys = &plx_sys_linux;
	bool json = cmd_flag(&argc, argv, "--json");

	if (!take_value(&argc, argv, "--xml", &j->view.xml) && !take_value(&argc, argv, "-o", &out) &&
	    !read_format(j, out, json))
		code = run(j, argc, argv);
	view_free(&j->view);
	host_free(&j->host);
	free(j);
	return code;
}

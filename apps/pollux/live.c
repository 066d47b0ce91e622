/* SPDX-License-Identifier: MIT */
/* live.c - pollux live and pollux doctor --live: what a running program does, asked of itself
   by its live view.  Cold. */
#include "cmd.h"
#include "live.h"
#include "live_tasks.h"
#include "setup.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pollux/plx_text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_MS = 3000, SPACES_MAX = 256, SHOWN_MAX = 20 };

static const char title[] = "pollux live";

/* ---- which programs there are ---- */

struct names { char (*name)[LIVE_NAME_MAX]; size_t n, room; };

/* may_be: a name that fits, of letters that a terminal shows.  Anyone may bind a socket of any
   other, which would do as it likes with the terminal. */
static bool may_be(const char *name)
{
	size_t n = 0;

	while (name[n] >= ' ' && name[n] <= '~')
		n++;
	return n && !name[n] && n < LIVE_NAME_MAX;
}

static void add_name(struct names *o, const char *name)
{
	if (o->n == o->room) {
		void *more = realloc(o->name, (o->room * 2 + 16) * sizeof(*o->name));

		if (!more)
			return;
		o->name = more;
		o->room = o->room * 2 + 16;
	}
	snprintf(o->name[o->n++], LIVE_NAME_MAX, "%s", name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The live views in a table of UNIX sockets, /proc/PID/net/unix:
   Num: RefCount Protocol Flags Type St Inode Path.  0 or -errno; names_free in either case. */
static int views_in(const char *path, struct names *o)
{
	static const unsigned long listens = 1 << 16; /* __SO_ACCEPTCON of the kernel */
	char line[512];
	unsigned long flags;
	FILE *f = fopen(path, "re");

	*o = (struct names){ .name = NULL };
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		int at = 0;

		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%*s %*s %*s %lx %*s %*s %*s %n", &flags, &at) == 1 && at && flags & listens &&
		    !strncmp(line + at, "@" LIVE_PREFIX, sizeof(LIVE_PREFIX)) && may_be(line + at + sizeof(LIVE_PREFIX)))
			add_name(o, line + at + sizeof(LIVE_PREFIX));
	}
	fclose(f);
	if (o->n)
		qsort(o->name, o->n, sizeof(*o->name), by_name);
	return 0;
}

static void names_free(struct names *o)
{
	free(o->name);
}

static bool has(const struct names *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (!strcmp(o->name[i], name))
			return true;
	return false;
}

/* A process in another network namespace that has a view of this name, 0 = none. */
static long elsewhere(const char *name)
{
	static ino_t seen[SPACES_MAX];
	struct names o;
	size_t n = 0;
	long found = 0;
	struct stat st;
	DIR *d = opendir("/proc");

	if (!stat("/proc/self/ns/net", &st))
		seen[n++] = st.st_ino;
	for (struct dirent *e; d && !found && (e = readdir(d));) {
		char path[300], *end;
		long pid = strtol(e->d_name, &end, 10);
		bool known = pid <= 0 || *end;

		snprintf(path, sizeof(path), "/proc/%ld/ns/net", pid);
		known = known || stat(path, &st);
		for (size_t i = 0; i < n && !known; i++)
			known = seen[i] == st.st_ino;
		if (known || n == SPACES_MAX)
			continue;
		seen[n++] = st.st_ino;
		snprintf(path, sizeof(path), "/proc/%ld/net/unix", pid);
		views_in(path, &o);
		found = has(&o, name) ? pid : 0;
		names_free(&o);
	}
	if (d)
		closedir(d);
	return found;
}

static int absent(const char *name)
{
	struct names o;
	const char **list, *near = NULL;
	char all[2048] = "", quoted[512];
	long pid = may_be(name) ? elsewhere(name) : 0;

	plx_text_quote(quoted, sizeof(quoted), name);
	views_in("/proc/net/unix", &o);
	list = calloc(o.n + 1, sizeof(*list));
	for (size_t i = 0; list && i < o.n; i++) {
		list[i] = o.name[i];
		if (i < SHOWN_MAX)
			plx_text_add(all, sizeof(all), "%s%s", i ? ", " : "", o.name[i]);
	}
	if (o.n > SHOWN_MAX)
		plx_text_add(all, sizeof(all), " and %zu more, pollux live lists them", o.n - SHOWN_MAX);
	near = list ? plx_text_near(name, list, o.n) : NULL;
	if (pid)
		cmd_error(title, "'%s' runs in another network namespace: nsenter -t %ld -n pollux doctor --live %s", name, pid, quoted);
	else if (near)
		cmd_error(title, "'%s' does not run; did you mean %s?", name, near);
	else if (o.n)
		cmd_error(title, "'%s' does not run; in this network namespace there are: %s", name, all);
	else
		cmd_error(title, "'%s' does not run, and no other Pollux program does in this network namespace", name);
	free(list);
	names_free(&o);
	return CMD_ABSENT;
}

static int list_names(void)
{
	struct names o;
	int err = views_in("/proc/net/unix", &o);

	if (err)
		cmd_error(title, "/proc/net/unix: %s: is /proc mounted? mount -t proc proc /proc", strerror(-err));
	for (size_t i = 0; i < o.n; i++)
		puts(o.name[i]);
	names_free(&o);
	return err ? CMD_FAIL : CMD_OK;
}

/* ---- asking ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* patience lets the next call on fd take what is left until end; -EAGAIN = nothing is. */
static int patience(int fd, int64_t end)
{
	int64_t left = end - now_ms();
	const struct timeval t = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	if (left <= 0)
		return -EAGAIN;
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) ?
	       -errno : 0;
}

/* receive reads until the end of the answer, all of it within the time there is. */
static int receive(int fd, char **out, size_t *len, int64_t end)
{
	size_t room = 0;

	for (;;) {
		if (*len + 4096 > room) {
			char *more = *len > LIVE_OUT_MAX ? NULL : realloc(*out, room = room * 2 + 65536);

			if (!more)
				return -EFBIG;
			*out = more;
		}
		int err = patience(fd, end);
		ssize_t n = err ? 0 : recv(fd, *out + *len, room - *len - 1, 0);

		if (!err && n < 0 && errno == EINTR)
			continue;
		if (!err && n < 0 && !(*len && errno == ECONNRESET))
			err = -errno;
		if (err || n <= 0)
			return err;
		*len += (size_t)n;
	}
}

/* ask reads the answer of a program into *out, malloc'd; 0 or -errno. */
static int ask(const char *name, char **out)
{
	static const char request[] = LIVE_REQUEST "\n";
	const int64_t end = now_ms() + ANSWER_MS;
	struct sockaddr_un a;
	size_t len = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*out = NULL;
	if (fd < 0)
		return -errno;
	int err = patience(fd, end);

	if (!err && connect(fd, (struct sockaddr *)&a, live_address(&a, name)))
		err = -errno;
	/* who may not look has been told so, and hung up on, by now */
	if (!err && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		err = -errno;
	if (!err)
		err = receive(fd, out, &len, end);
	close(fd);
	if (*out)
		(*out)[len] = 0;
	return !err && !len ? -ENODATA : err;
}

/* ---- telling ---- */

/* Whoever has the name of a program may say anything: nothing of it may move a terminal's cursor. */
static void clean(json_t *o)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_string(o)) {
		char *s = strdup(json_string_value(o));

		for (char *c = s; c && *c; c++)
			*c = *c < ' ' || *c > '~' ? '?' : *c;
		json_string_set(o, s ? s : "");
		free(s);
	}
	json_array_foreach(o, i, v)
		clean(v);
	json_object_foreach(o, key, v)
		clean(v);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void percent(const json_t *o, const char *key, const char *word)
{
	const json_t *v = json_object_get(o, key);

	if (json_is_number(v))
		printf("  %s %.1f %%", word, json_number_value(v));
}

/* Counters that are not 0, as "key n".  Keys are words of ours, or they are not shown. */
static void counters(const json_t *o)
{
	const char *key;
	const json_t *v;

	json_object_foreach((json_t *)(uintptr_t)o, key, v)
		if (json_integer_value(v) && !key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_")])
			printf("  %s %lld", key, json_integer_value(v));
}

static void say_lcore(const json_t *l)
{
	const json_t *cpus = json_object_get(l, "cpus"), *p;
	size_t i;

	printf("lcore    %-4lld %sCPU ", number_of(l, "id"), json_is_true(json_object_get(l, "service")) ? "service, " : "");
	for (i = 0; i < json_array_size(cpus); i++)
		printf("%s%lld", i ? "," : "", json_integer_value(json_array_get(cpus, i)));
	printf("%s thread %lld  %s", json_array_size(cpus) ? "" : "?", number_of(l, "tid"), text_of(l, "state"));
	percent(l, "busy_percent", "busy");
	percent(l, "idle_percent", "idle");
	percent(l, "sleep_percent", "sleep");
	percent(l, "stolen_percent", "stolen");
	percent(l, "softirq_percent", "softirq");
	percent(l, "hardirq_percent", "hardirq");
	percent(l, "steal_percent", "steal");
	puts("");
	json_array_foreach(json_object_get(l, "pollers"), i, p)
		printf("  poller %-15s calls %lld  with work %lld  work %lld  errors %lld\n", text_of(p, "name"),
		       number_of(p, "calls"), number_of(p, "work_calls"), number_of(p, "work"), number_of(p, "errors"));
}

static void say_port(const json_t *p)
{
	const json_t *q;
	size_t i;

	printf("port     %-15s %s, %s, link %s, MTU %lld\n", text_of(p, "name"), text_of(p, "driver"), text_of(p, "mode"),
	       text_of(p, "link"), number_of(p, "mtu"));
	json_array_foreach(json_object_get(p, "rxqs"), i, q) {
		printf("  rx queue %-3lld lcore %lld  packets %lld  bytes %lld", number_of(q, "queue"), number_of(q, "lcore"),
		       number_of(q, "packets"), number_of(q, "bytes"));
		if (number_of(q, "irq") >= 0)
			printf("  interrupt %lld on CPU %lld", number_of(q, "irq"), number_of(q, "irq_cpu"));
		counters(json_object_get(q, "drops"));
		puts("");
	}
	json_array_foreach(json_object_get(p, "txqs"), i, q) {
		printf("  tx queue %-3lld packets %lld  bytes %lld", number_of(q, "queue"), number_of(q, "packets"),
		       number_of(q, "bytes"));
		counters(json_object_get(q, "drops"));
		puts("");
	}
}

/* Who took the CPU of the lcore that a finding is about. */
static void say_thief(const json_t *o, const json_t *finding)
{
	const json_t *l;
	char who[256];
	size_t i;

	if (strcmp(text_of(finding, "name"), "stolen") && strcmp(text_of(finding, "name"), "preempted"))
		return;
	json_array_foreach(json_object_get(o, "lcores"), i, l) {
		char on[32];

		snprintf(on, sizeof(on), "lcore %lld", number_of(l, "id"));
		if (strcmp(on, text_of(finding, "on")))
			continue;
		tasks_on(who, sizeof(who), (int)json_integer_value(json_array_get(json_object_get(l, "cpus"), 0)),
		         (long)number_of(l, "tid"));
		if (*who)
			printf("         there: %s\n", who);
	}
}

static void say(const json_t *o)
{
	const json_t *e, *found = json_object_get(o, "findings");
	size_t i;

	printf("%s (pid %lld, Pollux %s) runs for %.1f s, idle=%s\n", text_of(o, "live_name"), number_of(o, "pid"),
	       text_of(o, "version"), json_number_value(json_object_get(o, "uptime_seconds")), text_of(o, "idle"));
	json_array_foreach(json_object_get(o, "lcores"), i, e)
		say_lcore(e);
	json_array_foreach(json_object_get(o, "ports"), i, e)
		say_port(e);
	json_array_foreach(json_object_get(o, "pools"), i, e)
		printf("pool     %-15s node %lld: %lld of %lld frames free\n", text_of(e, "name"), number_of(e, "node"),
		       number_of(e, "free"), number_of(e, "frames"));
	json_array_foreach(found, i, e) {
		printf("FOUND    %s: %s, for %.0f s: %s\n         mend: %s\n", text_of(e, "on"), text_of(e, "name"),
		       json_number_value(json_object_get(e, "seconds")), text_of(e, "evidence"), text_of(e, "mend"));
		say_thief(o, e);
	}
	if (!json_array_size(found))
		puts(number_of(o, "samples") ? "all is as planned" : "nothing was compared with the plan yet: it has just started");
}

int doctor_live(const char *name, bool json)
{
	char *answer = NULL;
	json_error_t bad;
	/* a longer one would not fit into an address */
	int err = may_be(name) ? ask(name, &answer) : -ENOENT, code = CMD_FAIL;

	if (err == -ECONNREFUSED || err == -ENOENT) {
		free(answer);
		return absent(name);
	}
	json_t *o = err ? NULL : json_loads(answer, 0, &bad);

	if (err)
		cmd_error(title, "%s does not answer: %s: is its watch thread stuck, or the process stopped?", name,
		          err == -EAGAIN ? "no whole answer within 3 s" : strerror(-err));
	else if (!json_is_object(o))
		cmd_error(title, "%s answers what is no JSON object: %s", name, o ? "another value" : bad.text);
	else if (json_object_get(o, "error")) {
		clean(o);
		cmd_error(title, "%s: %s", name, text_of(o, "error"));
	} else {
		code = json_array_size(json_object_get(o, "findings")) ? CMD_FAIL : CMD_OK;
		if (!json) {
			clean(o);
			say(o);
		} else if (json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII) || putchar('\n') == EOF)
			code = CMD_FAIL;
	}
	json_decref(o);
	free(answer);
	return code;
}

int cmd_live(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			puts("usage: pollux live [--json] [NAME]\n"
			     "Asks a running program what it does, and whether that is what was planned; without\n"
			     "a NAME it lists the programs that run in this network namespace.  Exit code 0: all\n"
			     "is as planned; 1: something was found; 3: no such program runs.\n"
			     "  --json     print the program's own answer, docs/live.md");
			return CMD_OK;
		}
	bool json = cmd_flag(&argc, argv, "--json");

	if (argc > 1 && argv[1][0] == '-') {
		cmd_error(title, "'%s': unknown option; pollux live --help tells what there is", argv[1]);
		return CMD_USAGE;
	}
	if (argc > 2) {
		cmd_error(title, "'%s': one name is enough", argv[2]);
		return CMD_USAGE;
	}
	return argc == 2 ? doctor_live(argv[1], json) : list_names();
}

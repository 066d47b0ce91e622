/* SPDX-License-Identifier: MIT */
/* cmd.c - pollux live and pollux doctor --live: what a running program does, asked of itself
   by its live view.  Cold. */
#include "cmd.h"
#include "live_find.h"
#include "live_tasks.h"
#include "setup.h"

#include <errno.h>
#include <jansson.h>
#include <pollux/plx_text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 3000, SHOWN_MAX = 20 };

static const char title[] = "pollux live";

/* Whose answer is looked at; by default root's and our own. */
struct allow { bool any, given; uid_t uid; };

static bool allowed(const struct allow *a, const struct view_who *who)
{
	return a->any || (a->given ? who->uid == a->uid : who->trusted);
}

/* ---- which programs there are ---- */

static void tell_elsewhere(const struct views *o, const char *name)
{
	char quoted[512];

	plx_text_quote(quoted, sizeof(quoted), name);
	for (size_t i = 0; i < o->n; i++)
		if (o->view[i].other && !strcmp(o->view[i].name, name)) {
			cmd_error(title,
			          "'%s' runs in another network namespace: nsenter -t %d -n pollux doctor --live %s",
			          name, (int)o->view[i].other, quoted);
			return;
		}
}

static bool elsewhere(const struct views *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->view[i].other && !strcmp(o->view[i].name, name))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct view *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->path, y->path);
}

/* absent tells of a name that nobody answers to, by the names there are. */
static int absent(struct views *o, const char *name)
{
	const char **list = calloc(o->n + 1, sizeof(*list)), *near;
	char all[2048] = "";
	size_t n = 0;

	if (o->n)
		qsort(o->view, o->n, sizeof(*o->view), by_name);
	for (size_t i = 0; list && i < o->n; i++) {
		const struct view *v = &o->view[i];
		struct view_who who;
		/* a file whose program was killed is no program */
		int fd = v->other ? -EHOSTUNREACH : *v->path ? view_connect(v, 0, &who) : -EAGAIN;

		if (fd >= 0)
			close(fd);
		if (v->other || fd == -ECONNREFUSED || fd == -ENOENT)
			continue;
		list[n++] = v->name;
		if (n <= SHOWN_MAX)
			plx_text_add(all, sizeof(all), "%s%s", n > 1 ? ", " : "", v->name);
	}
	if (n > SHOWN_MAX)
		plx_text_add(all, sizeof(all), " and %zu more, pollux live lists them", n - SHOWN_MAX);
	near = list ? plx_text_near(name, list, n) : NULL;
	if (elsewhere(o, name))
		tell_elsewhere(o, name);
	else if (near)
		cmd_error(title, "'%s' does not run; did you mean %s?", name, near);
	else if (n)
		cmd_error(title, "'%s' does not run; there are: %s", name, all);
	else
		cmd_error(title, "'%s' does not run, and no other Pollux program that can be seen from here does",
		          name);
	free(list);
	return CMD_ABSENT;
}

/* list_one: true if v is a program, and told of. */
static bool list_one(const struct view *v)
{
	struct view_who who;
	int fd = v->other ? -EHOSTUNREACH : view_connect(v, 0, &who);

	if (fd >= 0) {
		printf("%-20s pid %-7d user %-14s netns %s%s\n", v->name, (int)who.pid, who.user, who.netns,
		       who.trusted ? "" : "  (neither root nor this user)");
		close(fd);
	} else if (fd == -EACCES)
		printf("%-20s another user's: run as root\n", v->name);
	else if (fd == -EAGAIN)
		printf("%-20s lets nobody in\n", v->name);
	else if (fd == -EHOSTUNREACH)
		printf("%-20s in another network namespace: nsenter -t %d -n pollux live\n", v->name, (int)v->other);
	else
		return false;
	return true;
}

/* name_one adds what is known of a program: who it is, or why that cannot be told. */
static void name_one(json_t *all, const struct view *v)
{
	struct view_who who;
	int fd = v->other ? -EHOSTUNREACH : view_connect(v, 0, &who);

	if (fd >= 0) {
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:s, s:b}", "name", v->name, "pid", (int)who.pid,
		                                     "uid", (int)who.uid, "netns", who.netns, "trusted", who.trusted));
		close(fd);
	} else if (fd == -EHOSTUNREACH)
		json_array_append_new(all, json_pack("{s:s, s:i, s:s}", "name", v->name, "netns_of", (int)v->other,
		                                     "error", strerror(EHOSTUNREACH)));
	else if (fd == -EACCES || fd == -EAGAIN)
		json_array_append_new(all, json_pack("{s:s, s:s}", "name", v->name, "error", strerror(-fd)));
}

static int list_names(bool json)
{
	json_t *all = json ? json_array() : NULL;
	struct views o;
	int err = views_find(&o);
	size_t n = 0;

	if (err)
		cmd_error(title, "/proc/net/unix: %s: is /proc mounted? mount -t proc proc /proc", strerror(-err));
	if (o.n)
		qsort(o.view, o.n, sizeof(*o.view), by_name);
	for (size_t i = 0; i < o.n; i++) {
		if (json)
			name_one(all, &o.view[i]);
		else
			n += list_one(&o.view[i]);
	}
	views_free(&o);
	if (!json && !n && !err)
		puts("no program runs here");
	if (json && (!all || json_dumpf(all, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) || putchar('\n') == EOF))
		err = -ENOMEM;
	json_decref(all);
	return err ? CMD_FAIL : CMD_OK;
}

/* ---- asking ---- */

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
		int err = view_wait(fd, end);
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

/* ask reads the answer of fd into *out, malloc'd, of *len bytes, and closes it; 0 or -errno. */
static int ask(int fd, char **out, size_t *len, int64_t end)
{
	static const char request[] = LIVE_REQUEST "\n";
	int err = view_wait(fd, end);

	*out = NULL;
	*len = 0;
	/* who may not look has been told so, and hung up on, by now */
	if (!err && send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		err = -errno;
	if (!err)
		err = receive(fd, out, len, end);
	close(fd);
	return !err && !*len ? -ENODATA : err;
}

/* What became of those that have the name. */
struct tried { struct view_who other; unsigned refused, busy; bool shut; };

/* try_all connects to the first of name whose answer is looked at, with busy to those alone that let nobody
   in at once, which share the time: one that never will must not take all of it. */
static int try_all(const struct views *o, const char *name, const struct allow *a, int64_t end, struct view_who *who,
                   struct tried *t, bool busy)
{
	unsigned left = t->busy;

	for (size_t i = 0; i < o->n; i++) {
		const struct view *v = &o->view[i];
		int fd = strcmp(v->name, name) || v->other ? -ENOENT : view_connect(v, 0, who);

		if (busy && fd == -EAGAIN && left)
			fd = view_connect(v, view_now() + (end - view_now()) / left--, who);
		if (fd >= 0 && allowed(a, who))
			return fd;
		if (fd >= 0) {
			close(fd);
			t->other = *who;
			t->refused++;
		}
		t->busy += !busy && fd == -EAGAIN;
		t->shut |= fd == -EACCES;
	}
	return -ENOENT;
}

/* reach connects to the program of that name; a descriptor, or an exit code, negative, after saying why. */
static int reach(const char *name, const struct allow *a, int64_t end, struct view_who *who)
{
	struct tried t = { .refused = 0 };
	struct views o;
	int code = CMD_FAIL;

	views_find(&o);
	int fd = view_may_be(name) ? try_all(&o, name, a, end, who, &t, false) : -ENOENT;

	if (fd < 0 && t.busy)
		fd = try_all(&o, name, a, end, who, &t, true);
	if (fd >= 0)
		code = fd;
	else if (t.shut) {
		cmd_error(title, "%s: another user's program: run as root", name);
		code = CMD_RIGHTS;
	} else if (t.refused)
		cmd_error(title,
		          "%s: refused: answered by pid %d, uid %s, which is not %s; anyone can take a free name: if "
		          "that is "
		          "the program's user, pollux live --uid %u %s",
		          name, (int)t.other.pid, t.other.user,
		          a->given  ? "the one given" :
		          geteuid() ? "root or you" :
		                      "root",
		          t.other.uid, PLX_QUOTED(name));
	else if (t.busy)
		cmd_error(title,
		          "%s does not answer: nobody was let in within 3 s: is its watch thread stuck, or the process "
		          "stopped?",
		          name);
	else
		code = absent(&o, name);
	views_free(&o);
	return fd >= 0 ? code : -code;
}

/* ---- telling ---- */

/* Whoever has the name of a program may say anything: nothing of it may move a terminal's cursor. */
static void clean_text(char *s)
{
	for (; s && *s; s++)
		*s = *s < ' ' || *s > '~' ? '?' : *s;
}

static void clean(json_t *o)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_string(o)) {
		char *s = strdup(json_string_value(o));

		clean_text(s);
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

/* numbered: "lcore 3", or none instead of a number below 0 */
static const char *numbered(char buf[32], const char *what, long long n, const char *none)
{
	if (n < 0)
		return none;
	snprintf(buf, 32, "%s %lld", what, n);
	return buf;
}

static void say_lcore(const json_t *l)
{
	const json_t *cpus = json_object_get(l, "cpus"), *p;
	size_t i;

	printf("lcore    %-4lld %sCPU ", number_of(l, "id"),
	       json_is_true(json_object_get(l, "service")) ? "service, " : "");
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
	json_array_foreach(json_object_get(l, "pollers"), i, p) {
		printf("  poller %-15s calls %lld  with work %lld  work %lld  errors %lld", text_of(p, "name"),
		       number_of(p, "calls"), number_of(p, "work_calls"), number_of(p, "work"), number_of(p, "errors"));
		if (json_is_integer(json_object_get(p, "last_error")))
			printf(" (the last returned %lld)", number_of(p, "last_error"));
		puts("");
	}
}

static void say_port(const json_t *p)
{
	const json_t *q;
	size_t i;

	printf("port     %-15s %s, %s, link %s, MTU %lld\n", text_of(p, "name"), text_of(p, "driver"),
	       text_of(p, "mode"), text_of(p, "link"), number_of(p, "mtu"));
	json_array_foreach(json_object_get(p, "rxqs"), i, q) {
		printf("  rx queue %-3lld %s", number_of(q, "queue"),
		       numbered((char[32]){ 0 }, "lcore", number_of(q, "lcore"), "no lcore"));
		if (json_is_integer(json_object_get(q, "offered")))
			printf("  offered %lld", number_of(q, "offered"));
		printf("  packets %lld  bytes %lld", number_of(q, "packets"), number_of(q, "bytes"));
		if (number_of(q, "irq") >= 0)
			printf("  interrupt %lld on %s", number_of(q, "irq"),
			       numbered((char[32]){ 0 }, "CPU", number_of(q, "irq_cpu"), "an unknown CPU"));
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

/* What another user's program says is shown, but not as a command to run. */
static void say_finding(const json_t *o, const json_t *e, const struct view_who *who)
{
	printf("FOUND    %s: %s, for %.0f s: %s\n", text_of(e, "on"), text_of(e, "name"),
	       json_number_value(json_object_get(e, "seconds")), text_of(e, "evidence"));
	if (who->trusted)
		printf("         fix: %s\n", text_of(e, "fix"));
	else
		printf("         fix: not shown, it is uid %u's\n", who->uid);
	say_thief(o, e);
}

static void say(const json_t *o, const struct view_who *who)
{
	const json_t *e, *found = json_object_get(o, "findings");
	size_t i;

	printf("%s (pid %lld, Pollux %s) runs for %.1f s, idle=%s\n", text_of(o, "live_name"), number_of(o, "pid"),
	       text_of(o, "version"), json_number_value(json_object_get(o, "uptime_seconds")), text_of(o, "idle"));
	printf("answered by pid %d, uid %s, network namespace: %s\n", (int)who->pid, who->user, who->netns);
	if (!who->trusted)
		puts("WARNING  that is neither root nor you: what it says may be false");
	json_array_foreach(json_object_get(o, "lcores"), i, e)
		say_lcore(e);
	json_array_foreach(json_object_get(o, "ports"), i, e)
		say_port(e);
	json_array_foreach(json_object_get(o, "pools"), i, e)
		printf("pool     %-15s %s: %lld of %lld frames free\n", text_of(e, "name"),
		       numbered((char[32]){ 0 }, "node", number_of(e, "node"), "any node"),
		       number_of(e, "free"), number_of(e, "frames"));
	json_array_foreach(found, i, e)
		say_finding(o, e, who);
	if (!json_array_size(found))
		puts(number_of(o, "samples") ? "all is as planned" :
		                               "nothing was compared with the plan yet: it has just started");
}

/* The answer as it came, and who gave it. */
static int print_json(json_t *o, const struct view_who *who)
{
	json_t *e;
	size_t i;

	json_object_set_new(o, "answered_by",
	                    json_pack("{s:i, s:i, s:s, s:b}", "pid", (int)who->pid, "uid", (int)who->uid, "netns",
	                              who->netns, "trusted", who->trusted));
	json_array_foreach(json_object_get(o, "findings"), i, e)
		if (!who->trusted)
			json_object_del(e, "fix");
	return json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6) | JSON_ENSURE_ASCII) ||
	       putchar('\n') == EOF;
}

static int show(const char *name, bool json, const struct allow *a)
{
	const int64_t end = view_now() + ANSWER_MS;
	struct view_who who;
	char *answer = NULL;
	json_error_t bad;
	int fd = reach(name, a, end, &who), code = CMD_FAIL;

	if (fd < 0)
		return -fd;
	size_t len;
	int err = ask(fd, &answer, &len, end);
	json_t *o = err ? NULL : json_loadb(answer, len, 0, &bad);

	if (err)
		cmd_error(title, "%s does not answer: %s: is its watch thread stuck, or the process stopped?", name,
		          err == -EAGAIN ? "no whole answer within 3 s" : strerror(-err));
	else if (!json_is_object(o)) {
		clean_text(bad.text); /* it quotes the answer */
		cmd_error(title, "%s answers what is no JSON object: %s", name, o ? "another value" : bad.text);
	} else if (json_object_get(o, "error")) {
		clean(o);
		cmd_error(title, "%s: %s", name, text_of(o, "error"));
	} else {
		code = json_array_size(json_object_get(o, "findings")) ? CMD_FAIL : CMD_OK;
		if (!json) {
			clean(o);
			say(o, &who);
		} else if (print_json(o, &who))
			code = CMD_FAIL;
	}
	json_decref(o);
	free(answer);
	return code;
}

int doctor_live(const char *name, bool json)
{
	const struct allow usual = { .any = false };

	return show(name, json, &usual);
}

static const char usage[] =
	"usage: pollux live [--json] [--uid N | --any-user] [NAME]\n"
	"Asks a running program what it does, and whether that is what was planned; without\n"
	"a NAME it lists the programs that run, with pid, user and network namespace.  Only\n"
	"root and you are believed: another user's answer is refused.  Exit code 0: all is as\n"
	"planned; 1: something was found, or it was refused; 3: no such program runs.\n"
	"  --json     print the program's own answer, or the list, docs/live.md\n"
	"  --uid N    believe that the program is user N's\n"
	"  --any-user look at the answer whoever gives it\n";

/* take_uid takes "--uid N" or "--uid=N" out of argv; false if N is no number. */
static bool take_uid(int *argc, char **argv, struct allow *a)
{
	for (int i = 1; i < *argc; i++) {
		int n = !strcmp(argv[i], "--uid") ? 2 : !strncmp(argv[i], "--uid=", 6) ? 1 : 0;
		const char *value = n == 1 ? argv[i] + 6 : n ? argv[i + 1] : NULL;
		char *end = NULL;

		if (!n)
			continue;
		unsigned long uid = value && *value >= '0' && *value <= '9' ? strtoul(value, &end, 10) : UINT32_MAX;

		if (uid >= UINT32_MAX || *end)
			return false;
		a->given = true;
		a->uid = (uid_t)uid;
		memmove(argv + i, argv + i + n, (size_t)(*argc - i - n + 1) * sizeof(*argv));
		*argc -= n;
		i--;
	}
	return true;
}

int cmd_live(int argc, char **argv)
{
	struct allow a = { .any = false };

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(usage, stdout);
			return CMD_OK;
		}
	bool json = cmd_flag(&argc, argv, "--json");

	a.any = cmd_flag(&argc, argv, "--any-user");
	if (!take_uid(&argc, argv, &a)) {
		cmd_error(title, "--uid: a user's number is missing, as in --uid 1000; id -u NAME tells it");
		return CMD_USAGE;
	}
	if (argc > 1 && argv[1][0] == '-') {
		cmd_error(title, "'%s': unknown option; pollux live --help tells what there is", argv[1]);
		return CMD_USAGE;
	}
	if (argc > 2) {
		cmd_error(title, "'%s': one name is enough", argv[2]);
		return CMD_USAGE;
	}
	return argc == 2 ? show(argv[1], json, &a) : list_names(json);
}

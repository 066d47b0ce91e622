/* SPDX-License-Identifier: MIT */
/* fuzz_live.c - the live view from both sides.

     s OPS     clients of any sort at a program's socket: who may look gets the whole answer to a whole request,
               nobody else gets it, and no descriptor is left
     c HOW ANSWER   pollux live, asked by HOW (enum how), of a program that answers anything: what it prints is text
               of a terminal or JSON, and all is well only if the answer says so
     n NAME    names and files of sockets */
#include "cmd.h"
#include "fuzz.h"
#include "status.h"
#include "live_find.h"
#include "live_tasks.h"

#include <errno.h>
#include <jansson.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the program's side ---- */

enum { EPFD = 2, LISTENER = 3, FIRST = 4, CLIENTS = 24, BYTES = 96, OWN_UID = 1000 };
static const char answer_text[] = "{\"live_name\":\"fwd\",\"findings\":[]}\n";

struct client {
	bool     here, accepted, open; /* it exists; let in; its descriptor is open */
	uint32_t uid, events;
	char     sent[BYTES], got[512];
	size_t   nsent, taken, ngot, room;
	bool     hung_up;
};

static struct {
	struct client client[CLIENTS];
	uint32_t listener;      /* events that are waited for */
	unsigned arrived, open; /* of client; descriptors */
	int      accept_error;
} net;

static struct client *of(int fd)
{
	MUST(fd >= FIRST && fd < FIRST + CLIENTS && net.client[fd - FIRST].open);
	return &net.client[fd - FIRST];
}

static int n_epoll_create1(int flags) { (void)flags; net.open++; return EPFD; }

static int n_socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	net.open++;
	return LISTENER;
}

static int n_open(const char *path, int flags, mode_t mode)
{
	(void)path, (void)flags, (void)mode;
	return errno = ENOENT, -1;
}

static int n_bind(int fd, const struct sockaddr *a, socklen_t len) { (void)fd, (void)a, (void)len; return 0; }
static int n_listen(int fd, int n) { (void)fd, (void)n; return 0; }
static uid_t n_geteuid(void) { return OWN_UID; }

static int n_close(int fd)
{
	MUST(net.open--);
	if (fd >= FIRST)
		of(fd)->open = false;
	return 0;
}

static int n_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	MUST(epfd == EPFD && (op == EPOLL_CTL_ADD || op == EPOLL_CTL_MOD));
	if (fd == LISTENER)
		net.listener = ev->events;
	else
		of(fd)->events = ev->events | (uint32_t)ev->data.u32 << 16;
	return 0;
}

static bool waits(void)
{
	for (unsigned i = 0; i < net.arrived; i++)
		if (!net.client[i].accepted)
			return true;
	return false;
}

static int n_epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout)
{
	int n = 0;

	MUST(epfd == EPFD && !timeout);
	for (unsigned i = 0; i < CLIENTS && n < max; i++) {
		const struct client *c = &net.client[i];
		bool readable = c->nsent > c->taken || c->hung_up, writable = c->room || c->hung_up;

		if (c->open && c->events && ((c->events & EPOLLIN && readable) || (c->events & EPOLLOUT && writable)))
			ev[n++] = (struct epoll_event){ .events = c->events & 0xffff, .data.u32 = c->events >> 16 };
	}
	if (n < max && net.listener & EPOLLIN && waits())
		ev[n++] = (struct epoll_event){ .events = EPOLLIN, .data.u32 = LIVE_CONNS };
	return n;
}

static int n_accept4(int fd, struct sockaddr *a, socklen_t *len, int flags)
{
	(void)a, (void)len, (void)flags;
	MUST(fd == LISTENER);
	if (net.accept_error) {
		errno = net.accept_error;
		net.accept_error = 0;
		return -1;
	}
	for (unsigned i = 0; i < net.arrived; i++) {
		if (net.client[i].accepted)
			continue;
		net.client[i].accepted = net.client[i].open = true;
		net.open++;
		return FIRST + (int)i;
	}
	return errno = EAGAIN, -1;
}

static int n_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct ucred who = { .pid = 1, .uid = of(fd)->uid };

	(void)level, (void)name;
	MUST(*len == sizeof(who));
	memcpy(val, &who, sizeof(who));
	return 0;
}

static ssize_t n_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	struct client *c = of(fd);
	size_t k = c->nsent - c->taken;

	(void)flags, (void)from, (void)len;
	if (!k && n)
		return c->hung_up ? 0 : (errno = EAGAIN, -1);
	k = k < n ? k : n;
	memcpy(buf, c->sent + c->taken, k);
	c->taken += k;
	return (ssize_t)k;
}

static ssize_t n_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	struct client *c = of(fd);
	bool refused = c->uid && c->uid != OWN_UID;
	size_t k = n < c->room || refused ? n : c->room;

	(void)flags, (void)to, (void)len;
	if (c->hung_up)
		return errno = EPIPE, -1;
	if (!k)
		return errno = EAGAIN, -1;
	MUST(c->ngot + k <= sizeof(c->got));
	memcpy(c->got + c->ngot, buf, k);
	c->ngot += k;
	c->room -= refused ? 0 : k;
	return (ssize_t)k;
}

static const struct plx_sys net_sys = {
	.open = n_open, .close = n_close, .socket = n_socket, .bind = n_bind, .listen = n_listen, .accept4 = n_accept4,
	.epoll_create1 = n_epoll_create1, .epoll_ctl = n_epoll_ctl, .epoll_wait = n_epoll_wait,
	.getsockopt = n_getsockopt, .recvfrom = n_recvfrom, .sendto = n_sendto, .geteuid = n_geteuid,
};

static char *answer(void *arg)
{
	(void)arg;
	return strdup(answer_text);
}

/* What a client has got is the begin of the one answer that it may have. */
static void check_client(const struct client *c)
{
	static const char unknown[] = "{\"error\":\"unknown request; there is: status\"}\n";
	bool refused = c->uid && c->uid != OWN_UID, asked = !strncmp(c->sent, "status\n", 7) && c->nsent >= 7;
	const char *want = asked ? answer_text : unknown;

	if (!c->ngot)
		return;
	if (refused) {
		MUST(!strncmp(c->got, "{\"error\":\"only root", 19));
		return;
	}
	MUST(memchr(c->sent, '\n', c->nsent) && c->ngot <= strlen(want) && !memcmp(c->got, want, c->ngot));
}

static void step(struct live *v, struct fuzz_in *in, uint64_t *now)
{
	static const uint32_t uids[] = { 0, OWN_UID, OWN_UID, 5 };
	uint8_t op = fuzz_u8(in), who = fuzz_u8(in);
	struct client *c = &net.client[who % CLIENTS];

	switch (op % 8) {
	case 0:
		if (net.arrived < CLIENTS)
			net.client[net.arrived++] = (struct client){ .here = true, .uid = uids[who % 4] };
		break;
	case 1: /* it sends the next bytes */
		for (uint8_t n = fuzz_u8(in) % 80; n-- && in->n && c->nsent < BYTES && c->here && !c->hung_up;)
			c->sent[c->nsent++] = (char)fuzz_u8(in);
		break;
	case 2: /* it asks as it should */
		for (const char *s = "status\n"; *s && c->nsent < BYTES && c->here && !c->hung_up;)
			c->sent[c->nsent++] = *s++;
		break;
	case 3: c->room += who; break;
	case 4: c->hung_up = c->here; break;
	case 5:
		*now += who * 20000000ull;
		live_tick(v, *now);
		for (unsigned i = 0; i < LIVE_CONNS; i++)
			MUST(v->conn[i].fd < 0 || *now - v->conn[i].since <= LIVE_MS * 1000000ull);
		break;
	case 6: net.accept_error = who % 2 ? EMFILE : ECONNABORTED; break;
	default: live_run(v, *now); break;
	}
	MUST(net.open <= 2 + LIVE_CONNS);
}

static void serve(struct fuzz_in *in)
{
	uint64_t now = 1;
	struct live v;

	memset(&net, 0, sizeof(net));
	MUST(!live_open(&v, &net_sys, "fwd", answer, NULL) && !*v.path && !strcmp(v.name, "fwd"));
	while (in->n)
		step(&v, in, &now);
	live_run(&v, now);
	live_close(&v);
	MUST(!net.open);
	for (unsigned i = 0; i < CLIENTS; i++)
		check_client(&net.client[i]);
}

/* ---- pollux live ---- */

enum how { HOW_JSON = 1, HOW_STRANGER = 2, HOW_RESET = 4, HOW_ANY_USER = 8 };
static struct { uint8_t how; const uint8_t *p; size_t n; } said;

int views_find(struct views *o)
{
	*o = (struct views){ .view = calloc(1, sizeof(*o->view)), .n = 1, .room = 1 };
	if (!o->view)
		abort();
	strcpy(o->view->name, "fwd");
	return 0;
}

void views_free(struct views *o) { free(o->view); }
bool view_may_be(const char *name) { return *name; }
int64_t view_now(void) { return 1; }
int view_wait(int fd, int64_t end) { (void)fd, (void)end; return 0; }

void tasks_on(char *buf, size_t len, int cpu, long lcore_tid)
{
	(void)cpu, (void)lcore_tid;
	snprintf(buf, len, "sh (task 1) 48 %%");
}

int view_connect(const struct view *v, int64_t end, struct view_who *who)
{
	int fd[2];

	(void)v, (void)end;
	*who = (struct view_who){ .pid = 1, .uid = 5, .user = "5", .netns = "this",
	                          .trusted = !(said.how & HOW_STRANGER) };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		abort();
	if (said.n && send(fd[1], said.p, said.n, MSG_DONTWAIT) != (ssize_t)said.n)
		abort();
	close(fd[1]);
	return fd[0];
}

/* live runs pollux live with what it prints in *out and *err. */
static int live(char **out, char **err)
{
	char *argv[5] = { (char[]){ "live" } };
	FILE *real[2] = { stdout, stderr };
	size_t len[2];
	int argc = 1;

	if (said.how & HOW_JSON)
		argv[argc++] = (char[]){ "--json" };
	if (said.how & HOW_ANY_USER)
		argv[argc++] = (char[]){ "--any-user" };
	argv[argc++] = (char[]){ "fwd" };
	stdout = open_memstream(out, &len[0]);
	stderr = open_memstream(err, &len[1]);
	int code = cmd_live(argc, argv);

	fclose(stdout);
	fclose(stderr);
	stdout = real[0];
	stderr = real[1];
	return code;
}

/* DEL is no control character to JSON. */
static bool for_terminal(const char *s, bool json)
{
	for (; *s; s++)
		if ((*s < ' ' && *s != '\n') || *s > '~' + json)
			return false;
	return true;
}

static void ask(struct fuzz_in *in)
{
	char *out = NULL, *err = NULL;

	said.how = fuzz_u8(in);
	said.p = in->p;
	said.n = in->n < 32768 ? in->n : 32768;
	bool refused = said.how & HOW_STRANGER && !(said.how & HOW_ANY_USER);
	int code = live(&out, &err);
	char *text = fuzz_copy(said.p, said.n);
	json_t *o = said.n ? json_loadb(text, said.n, 0, NULL) : NULL, *shown;
	bool well = json_is_object(o) && !json_object_get(o, "error") &&
	            !json_array_size(json_object_get(o, "findings"));

	MUST(code == CMD_OK || code == CMD_FAIL);
	MUST(code != CMD_OK || (well && !refused));
	MUST(*out || (*err && err[strlen(err) - 1] == '\n' && strchr(err, '\n') == err + strlen(err) - 1));
	if (said.how & HOW_JSON && *out) {
		MUST((shown = json_loads(out, 0, NULL)) && json_object_get(shown, "answered_by"));
		json_decref(shown);
	}
	if (!for_terminal(out, said.how & HOW_JSON) || !for_terminal(err, false))
		fprintf(stderr, "it printed:\n%s%s", out, err);
	MUST(for_terminal(out, said.how & HOW_JSON) && for_terminal(err, false));
	json_decref(o);
	free(text);
	free(out);
	free(err);
}

/* ---- names ---- */

static void names(struct fuzz_in *in)
{
	char *s = fuzz_string(in, '\n'), name[LIVE_NAME_MAX], path[LIVE_PATH_MAX];
	struct sockaddr_un a;

	if (live_file_name(name, s)) { /* a file's name is some program's */
		MUST(*name && strlen(name) < LIVE_NAME_MAX);
		MUST(live_address(&a, name) <= sizeof(a));
	}
	if (strlen(s) && strlen(s) < LIVE_NAME_MAX && live_file(path, "/run", s)) { /* and a program's a file's */
		const char *slash = strrchr(path, '/');

		MUST(strlen(path) < LIVE_PATH_MAX && !strncmp(path, "/run" LIVE_DIR "/", strlen("/run" LIVE_DIR "/")));
		MUST(slash == path + strlen("/run" LIVE_DIR) && slash[1] != '.');
		MUST(live_file_name(name, slash + 1) && !strcmp(name, s));
	}
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	switch (fuzz_u8(&in)) {
	case 's': serve(&in); break;
	case 'c': ask(&in); break;
	default: names(&in);
	}
	return 0;
}

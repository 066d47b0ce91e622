/* SPDX-License-Identifier: MIT */
/* socket.c - the socket of the live view: served by the watch thread, which never waits for a
   client.  Cold.  What is answered is made in status_json.c. */
#include "status.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENER = LIVE_CONNS, EVENTS = LIVE_CONNS + 1 };

static int watch(struct live *v, int op, int fd, uint32_t events, uint32_t slot)
{
	struct epoll_event ev = { .events = events, .data.u32 = slot };

	return v->sys->epoll_ctl(v->epfd, op, fd, &ev) ? -errno : 0;
}

static int open_fds(struct live *v, const char *name)
{
	if ((v->epfd = v->sys->epoll_create1(EPOLL_CLOEXEC)) < 0 ||
	    (v->fd = v->sys->socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	int err = live_take(v, name);

	return err ? err : watch(v, EPOLL_CTL_ADD, v->fd, EPOLLIN, LISTENER);
}

int live_open(struct live *v, const struct plx_sys *sys, const char *name, char *(*answer)(void *arg), void *arg)
{
	*v = (struct live){ .sys = sys, .epfd = -1, .fd = -1, .answer = answer, .arg = arg };
	for (unsigned i = 0; i < LIVE_CONNS; i++)
		v->conn[i].fd = -1;
	int err = open_fds(v, name);

	if (err)
		live_close(v);
	return err;
}

static void drop(struct live *v, struct live_conn *c)
{
	if (c->fd >= 0)
		v->sys->close(c->fd);
	free(c->out);
	*c = (struct live_conn){ .fd = -1 };
}

void live_close(struct live *v)
{
	if (v->epfd < 0)
		return;
	for (unsigned i = 0; i < LIVE_CONNS; i++)
		drop(v, &v->conn[i]);
	if (v->fd >= 0)
		v->sys->close(v->fd);
	live_untake(v);
	v->sys->close(v->epfd);
	v->fd = v->epfd = -1;
}

/* ---- clients ---- */

static bool may_look(const struct live *v, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !v->sys->getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (!who.uid || who.uid == v->sys->geteuid());
}

/* A slot: a free one, else that of the client that is here longest. */
static unsigned slot_of(struct live *v)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < LIVE_CONNS; i++) {
		if (v->conn[i].fd < 0)
			return i;
		if (v->conn[i].since < v->conn[oldest].since)
			oldest = i;
	}
	drop(v, &v->conn[oldest]);
	return oldest;
}

/* pause_listener leaves what is in the queue of the socket there until the next tick.  The queue fills, and the
   kernel refuses the rest. */
static void pause_listener(struct live *v)
{
	v->paused = !watch(v, EPOLL_CTL_MOD, v->fd, 0, LISTENER);
}

static void refuse(struct live *v, int fd)
{
	static const char no[] = "{\"error\":\"only root and the user of the program may look\"}\n";

	v->sys->sendto(fd, no, sizeof(no) - 1, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
	v->sys->close(fd);
	if (++v->refused >= LIVE_REFUSED)
		pause_listener(v);
}

/* One for each event: what waits still makes another.  When there are no descriptors left the
   client stays in the queue of the socket, which would wake us for ever. */
static void let_in(struct live *v, uint64_t now)
{
	int fd = v->sys->accept4(v->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_listener(v);
		return;
	}
	if (!may_look(v, fd)) {
		refuse(v, fd);
		return;
	}
	unsigned i = slot_of(v);

	v->conn[i] = (struct live_conn){ .fd = fd, .since = now };
	if (watch(v, EPOLL_CTL_ADD, fd, EPOLLIN, i))
		drop(v, &v->conn[i]);
}

/* The answer to a whole request line. */
static void make_answer(struct live *v, struct live_conn *c)
{
	static const char unknown[] = "{\"error\":\"unknown request; there is: " LIVE_REQUEST "\"}\n";

	c->out = strcmp(c->line, LIVE_REQUEST) ? strdup(unknown) : v->answer(v->arg);
	c->len = c->out ? strlen(c->out) : 0;
	if (c->len > LIVE_OUT_MAX)
		c->len = 0;
}

static void take(struct live *v, unsigned i)
{
	struct live_conn *c = &v->conn[i];
	ssize_t n = v->sys->recvfrom(c->fd, c->line + c->got, sizeof(c->line) - 1 - c->got, MSG_DONTWAIT, NULL, NULL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(v, c); /* gone, or no room is left for a line without an end */
		return;
	}
	c->got += (size_t)n;
	char *nl = memchr(c->line, '\n', c->got);

	if (!nl)
		return;
	*nl = 0;
	make_answer(v, c);
	if (!c->len || watch(v, EPOLL_CTL_MOD, c->fd, EPOLLOUT, i))
		drop(v, c);
}

static void give(struct live *v, unsigned i)
{
	struct live_conn *c = &v->conn[i];
	ssize_t n = v->sys->sendto(c->fd, c->out + c->sent, c->len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n <= 0 || c->sent == c->len)
		drop(v, c);
}

void live_run(struct live *v, uint64_t now)
{
	struct epoll_event ev[EVENTS];
	int n = v->epfd < 0 ? 0 : v->sys->epoll_wait(v->epfd, ev, EVENTS, 0);

	for (int k = 0; k < n; k++) {
		unsigned i = ev[k].data.u32;

		if (i == LISTENER)
			let_in(v, now);
		else if (v->conn[i].fd >= 0 && v->conn[i].out)
			give(v, i);
		else if (v->conn[i].fd >= 0)
			take(v, i);
	}
}

void live_tick(struct live *v, uint64_t now)
{
	if (v->epfd < 0)
		return;
	for (unsigned i = 0; i < LIVE_CONNS; i++)
		if (v->conn[i].fd >= 0 && now - v->conn[i].since > LIVE_MS * 1000000ull)
			drop(v, &v->conn[i]);
	v->refused = 0;
	if (v->paused)
		v->paused = watch(v, EPOLL_CTL_MOD, v->fd, EPOLLIN, LISTENER) != 0;
}

/* SPDX-License-Identifier: MIT */
/* irqbalance.c - irqbalance keeps its hands off the interrupts that we place: the stage, and
   its list of banned interrupts as a value.  Cold; called through the tables of stages and kinds.

   irqbalance listens on a socket named by its pid, in /run/irqbalance or, where it could not make
   that, an abstract one.  It answers "setup" with "SLEEP n IRQ n LOAD n DIFF n CLASS n .. BANNED
   mask", where the interrupts are the banned ones, and takes "settings ban irqs n n .." or
   ".. NONE" in place of what it had.  It reads 500 bytes at most and wants the sender's
   credentials. */
#include "dev.h"
#include "journal.h"
#include "file.h"
#include "plx_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

enum { REQUEST_MAX = 500, ANSWER_MAX = 65536, ANSWER_MS = 3000, IRQS_MAX = 1024 };
#define BAN "settings ban irqs "

/* ---- its socket ---- */

/* its: it is irqbalance that listens, and not who has taken its abstract name. */
static bool its(const struct plx_sys *sys, int fd, pid_t pid)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	return !sys->getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) && (!who.uid || who.uid == sys->geteuid()) &&
	       (!who.pid || who.pid == pid); /* 0 = of another pid namespace */
}

static int try_connect(const struct plx_sys *sys, const struct sockaddr_un *a, size_t len, pid_t pid)
{
	const struct timeval patience = { .tv_sec = ANSWER_MS / 1000 };
	int on = 1, fd = sys->socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	sys->setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)); /* the kernel adds ours to what we send */
	/* nor waits for one that lets nobody in */
	sys->setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	int err = sys->connect(fd, (const struct sockaddr *)a, (socklen_t)len) ? -errno : 0;

	if (!err && !its(sys, fd, pid))
		err = -ENOENT;
	if (!err)
		return fd;
	sys->close(fd);
	return err;
}

static int open_socket(const struct plx_sys *sys, pid_t pid)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/run/irqbalance/irqbalance%d.sock", (int)pid);
	int fd = try_connect(sys, &a, sizeof(a), pid);

	if (fd >= 0 || fd == -EACCES || fd == -EPERM)
		return fd;
	/* its abstract names: its own, or nothing but zeros */
	memset(a.sun_path, 0, sizeof(a.sun_path));
	snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "irqbalance%d.sock", (int)pid);
	fd = try_connect(sys, &a, sizeof(a), pid);
	if (fd >= 0)
		return fd;
	memset(a.sun_path, 0, sizeof(a.sun_path));
	return try_connect(sys, &a, sizeof(a), pid);
}

/* ask sends a request and reads until it hangs up, which it does when it is done. */
static int ask(const struct plx_sys *sys, pid_t pid, const char *request, char *answer, size_t len)
{
	int fd = open_socket(sys, pid), err = 0;
	size_t n = 0;

	if (fd < 0)
		return fd;
	if (sys->sendto(fd, request, strlen(request), MSG_NOSIGNAL, NULL, 0) != (ssize_t)strlen(request))
		err = errno ? -errno : -EIO;
	while (!err && n < len - 1) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready = sys->poll(&p, 1, ANSWER_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			err = ready ? -errno : -ETIMEDOUT;
			break;
		}
		ssize_t k = sys->recvfrom(fd, answer + n, len - 1 - n, 0, NULL, NULL);

		if (k < 0 && errno != EINTR)
			err = -errno;
		if (k == 0)
			break;
		n += k > 0 ? (size_t)k : 0;
	}
	sys->close(fd);
	answer[n] = 0;
	return err;
}

/* ---- its list ---- */

struct list { int irq[IRQS_MAX]; unsigned n; };

static void insert(struct list *l, int irq)
{
	unsigned i = 0;

	while (i < l->n && l->irq[i] < irq)
		i++;
	if (l->n == IRQS_MAX || (i < l->n && l->irq[i] == irq) || irq <= 0)
		return;
	memmove(&l->irq[i + 1], &l->irq[i], (l->n - i) * sizeof(l->irq[0]));
	l->irq[i] = irq;
	l->n++;
}

static void put(char *buf, size_t len, const struct list *l)
{
	buf[0] = 0;
	for (unsigned i = 0; i < l->n; i++)
		plx_text_add(buf, len, "%s%d", i ? " " : "", l->irq[i]);
	if (!l->n)
		snprintf(buf, len, "none");
}

static void take(struct list *l, const char *value)
{
	char *end;

	l->n = 0;
	for (;; value = end) {
		long irq = strtol(value, &end, 10);
		if (end == value)
			return;
		insert(l, (int)irq);
	}
}

/* who reads "PID STARTTIME"; -ENOENT if that process is no more. */
static int who(const struct plx_sys *sys, const char *object, pid_t *pid)
{
	unsigned long long start;
	int id;

	if (sscanf(object, "%d %llu", &id, &start) != 2 || id <= 0)
		return -EINVAL;
	*pid = id;
	return setup_started(sys, id) == start ? 0 : -ENOENT;
}

static int read_list(const struct plx_sys *sys, pid_t pid, struct list *l)
{
	char *answer = malloc(ANSWER_MAX), *save = NULL;
	int err = answer ? ask(sys, pid, "setup", answer, ANSWER_MAX) : -ENOMEM;

	l->n = 0;
	if (!err && strncmp(answer, "SLEEP ", 6))
		err = *answer ? -EPROTO : -EACCES; /* it hangs up on whom it does not trust */
	for (char *w = err ? NULL : strtok_r(answer, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *number = !strcmp(w, "IRQ") ? strtok_r(NULL, " ", &save) : NULL;
		if (number)
			insert(l, atoi(number));
	}
	free(answer);
	return err;
}

static int get(const struct setup *s, const char *object, char *value, size_t len)
{
	struct list l;
	pid_t pid;
	int err = who(s->in.sys, object, &pid);

	if (!err)
		err = read_list(s->in.sys, pid, &l);
	if (!err)
		put(value, len, &l);
	return err;
}

static bool request(char buf[REQUEST_MAX], const struct list *l)
{
	char irqs[SETUP_VALUE_MAX];

	put(irqs, sizeof(irqs), l);
	return snprintf(buf, REQUEST_MAX, BAN "%s", l->n ? irqs : "NONE") < REQUEST_MAX;
}

static int set(const struct setup *s, const char *object, const char *value, char *why, size_t len)
{
	char text[REQUEST_MAX], answer[64];
	struct list l;
	pid_t pid;
	int err = who(s->in.sys, object, &pid);

	take(&l, value);
	if (!err && !request(text, &l))
		err = -E2BIG;
	if (!err)
		err = ask(s->in.sys, pid, text, answer, sizeof(answer));
	if (err == -EACCES || err == -EPERM)
		snprintf(why, len, "it listens to root only");
	else if (err == -E2BIG)
		snprintf(why, len, "it takes no list of %u interrupts: systemctl stop irqbalance", l.n);
	else if (err && err != -ENOENT)
		snprintf(why, len, "it does not answer on its socket: systemctl restart irqbalance");
	return err;
}

static void command(const struct setup *s, const char *object, const char *value, char *buf, size_t len)
{
	(void)s;
	snprintf(buf, len, "printf '" BAN "%s' | socat - UNIX-CONNECT:/run/irqbalance/irqbalance%d.sock",
	         strcmp(value, "none") ? value : "NONE", atoi(object));
}

const struct setup_kind setup_irqbalance = { .name = "irqbalance", .get = get, .set = set, .command = command };

/* ---- the stage ---- */

/* trusted: of root, or our own.  Anyone may take that name, and not answer. */
static bool trusted(const struct plx_sys *sys, const char *path)
{
	struct stat st;
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC, 0);
	bool is = fd >= 0 && !sys->fstat(fd, &st) && (!st.st_uid || st.st_uid == sys->geteuid());

	if (fd >= 0)
		sys->close(fd);
	return is;
}

static int is_it(void *arg, const char *name)
{
	const struct plx_sys *sys = *(const struct plx_sys **)arg;
	char path[300], comm[32];

	if (*name < '1' || *name > '9')
		return 0;
	snprintf(path, sizeof(path), "/proc/%s/comm", name);
	if (plx_file_read(sys, path, comm, sizeof(comm)) <= 0 || strcmp(comm, "irqbalance\n") || !trusted(sys, path))
		return 0;
	return setup_started(sys, atoi(name)) ? atoi(name) : 0; /* one that has ended keeps its name for a while */
}

pid_t setup_irqbalance_pid(const struct plx_sys *sys)
{
	int pid = plx_file_dir(sys, "/proc", is_it, &sys);

	return pid > 0 ? pid : 0;
}

/* Those of used queues first; the others as far as a request has room. */
static bool add_ours(const struct setup *s, struct list *l)
{
	bool all = s->in.stages >> SETUP_irq_affinity & 1;
	char text[REQUEST_MAX];
	struct setup_irqs w;
	bool ok = setup_irqs_want(s, &w);

	for (unsigned i = 0; i < w.n; i++)
		if (w.irq[i].used)
			insert(l, w.irq[i].irq);
	for (unsigned i = 0; i < w.n && all && l->n; i++) {
		struct list more = *l;
		insert(&more, w.irq[i].irq);
		if (!request(text, &more))
			break;
		*l = more;
	}
	free(w.irq);
	return ok;
}

void setup_plan_irqbalance(struct setup *s)
{
	const struct plx_sys *sys = s->in.sys;
	pid_t pid = setup_irqbalance_pid(sys);
	uint64_t start = pid > 0 ? setup_started(sys, pid) : 0;
	char object[SETUP_OBJECT_MAX], want[SETUP_VALUE_MAX], text[REQUEST_MAX];
	struct list l;

	if (!start || !s->plan) {
		setup_skip(s, SETUP_irqbalance, "no irqbalance is running");
		return;
	}
	int err = read_list(sys, pid, &l);
	unsigned had = l.n;

	if (err) {
		setup_cannot(s, SETUP_irqbalance, "irqbalance (pid %d) does not tell its settings: %s: run as root, or "
		             "systemctl stop irqbalance", pid, strerror(-err));
		return;
	}
	if (!add_ours(s, &l))
		s->failed = true;
	if (!request(text, &l)) {
		setup_cannot(s, SETUP_irqbalance,
		             "irqbalance (pid %d) takes no list of %u interrupts: systemctl stop irqbalance", pid, l.n);
		return;
	}
	if (l.n == had && !had) {
		setup_skip(s, SETUP_irqbalance, "no interrupt of a used queue is known");
		return;
	}
	snprintf(object, sizeof(object), "%d %llu", pid, (unsigned long long)start);
	put(want, sizeof(want), &l);
	setup_want(s, SETUP_irqbalance, &setup_irqbalance, object, want,
	           "irqbalance (pid %d) would move what is placed, within "
	           "ten seconds",
	           pid);
}

/* SPDX-License-Identifier: MIT */
/* live.h - the live view: a running program answers, on a socket of its network namespace,
   with one JSON object that tells what it does (docs/live.md).  Internal to runtime/ and the
   operator's tool.

   The socket is an abstract UNIX one, "pollux/NAME": no file, so a killed program leaves nothing.
   Of several programs of one name the second is NAME.2, and so on.  Only root and the
   program's own user get an answer. */
#ifndef LIVE_H
#define LIVE_H

#include "plx_sys.h"

#define LIVE_PREFIX  "pollux/"
#define LIVE_REQUEST "status"
enum {
	LIVE_NAME_MAX = PLX_NAME_MAX + 4, /* with its number and NUL */
	LIVE_NAMES    = 16,          /* programs of one name that have a view */
	LIVE_CONNS    = 8,           /* at once; beyond, the oldest goes */
	LIVE_LINE     = 64,          /* longest request */
	LIVE_MS       = 2000,        /* how long a client may take for all */
	LIVE_OUT_MAX  = 8 << 20,     /* longest answer */
};

struct live_conn {
	int      fd;                 /* -1 = free */
	uint64_t since;
	char     line[LIVE_LINE];
	size_t   got;
	char    *out;                /* answer; NULL = still reading the request */
	size_t   len, sent;
};

struct live {
	const struct plx_sys *sys;
	bool     paused;             /* no descriptors left: the next tick lets in again */
	int      epfd, fd;           /* epfd polls readable when there is something to do; -1 = not open */
	char     name[LIVE_NAME_MAX];
	char    *(*answer)(void *arg); /* one JSON object and a newline, malloc'd; NULL = no memory */
	void    *arg;
	struct live_conn conn[LIVE_CONNS];
};

/* live_address writes the socket's address; its length. */
struct sockaddr_un;
socklen_t live_address(struct sockaddr_un *a, const char *name);

/* live_open takes a name; 0, -EADDRINUSE: LIVE_NAMES programs have it, or -errno.  live_close
   gives all back, also of a struct whose epfd is -1. */
int  live_open(struct live *v, const struct plx_sys *sys, const char *name, char *(*answer)(void *arg), void *arg);
void live_close(struct live *v);
/* live_run does what can be done without waiting; live_tick drops who took too long. */
void live_run(struct live *v, uint64_t now);
void live_tick(struct live *v, uint64_t now);

struct plx_env;
struct truth;
/* live_json tells of a running environment; live_name is the view's.  malloc'd; NULL = no memory. */
char *live_json(const struct plx_env *env, const struct truth *t, const char *live_name, uint64_t uptime_ns);

#endif

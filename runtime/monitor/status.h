/* SPDX-License-Identifier: MIT */
/* status.h - the live view: a running program answers, on a UNIX socket, with one JSON object
   that tells what it does (docs/live.md).  Internal to runtime/ and the operator's tool.

   The socket is the file BASE/pollux/live/NAME, in a directory that nobody else may enter: no one
   else can take a name, and no one else can connect.  BASE is the first of these that can be used:
   $RUNTIME_DIRECTORY; /run, as root; $XDG_RUNTIME_DIR; /run/user/UID.  Where none can, it is the abstract
   name "pollux/NAME" of the network namespace, which is free to everyone.  Of several programs of one name the
   second is NAME.2, and so on.  Only root and the program's own user get an answer. */
#ifndef STATUS_H
#define STATUS_H

#include "plx_sys.h"

#define LIVE_PREFIX  "pollux/"
#define LIVE_TOP     "/pollux"
#define LIVE_DIR     LIVE_TOP "/live"
#define LIVE_REQUEST "status"
enum {
	LIVE_NAME_MAX = PLX_NAME_MAX + 4, /* with its number and NUL */
	LIVE_NAMES    = 99,          /* programs of one name that have a view */
	LIVE_PATH_MAX = 108,         /* of a socket's file, as sun_path */
	LIVE_BASES    = 3,
	LIVE_REFUSED  = 8,           /* clients refused between two ticks; then nobody is let in until the next */
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
	bool     paused;             /* no descriptors left, or LIVE_REFUSED: the next tick lets in again */
	unsigned refused;            /* since the last tick */
	int      epfd, fd;           /* epfd polls readable when there is something to do; -1 = not open */
	char     name[LIVE_NAME_MAX];
	char     path[LIVE_PATH_MAX]; /* "" = the name is an abstract one */
	uint64_t dev, ino;           /* of the file; ino 0 = not known */
	char    *(*answer)(void *arg); /* one JSON object and a newline, malloc'd; NULL = no memory */
	void    *arg;
	struct live_conn conn[LIVE_CONNS];
};

/* live_address writes the address of an abstract name, live_path that of a file; its length. */
struct sockaddr_un;
socklen_t live_address(struct sockaddr_un *a, const char *name);
socklen_t live_path(struct sockaddr_un *a, const char *path);
/* live_base tells the i-th BASE of a user, "" = not set; NULL behind the last. */
const char *live_base(unsigned i, uid_t uid, char buf[LIVE_PATH_MAX]);
/* live_file writes the path of a name's file; false = too long.  live_file_name makes the name from the last
   part of such a path; false = it is none.  What is not plain is %XX. */
bool live_file(char path[LIVE_PATH_MAX], const char *base, const char *name);
bool live_file_name(char name[LIVE_NAME_MAX], const char *file);

/* live_take gives v->fd a name and lets it listen; live_untake removes its file.  0 or -errno. */
int  live_take(struct live *v, const char *name);
void live_untake(struct live *v);

/* live_open takes a name; 0, -EADDRINUSE: LIVE_NAMES programs have it, or -errno.  live_close
   gives all back, also of a struct whose epfd is -1. */
int  live_open(struct live *v, const struct plx_sys *sys, const char *name, char *(*answer)(void *arg), void *arg);
void live_close(struct live *v);
/* live_run does what can be done without waiting; live_tick drops who took too long. */
void live_run(struct live *v, uint64_t now);
void live_tick(struct live *v, uint64_t now);

struct plx_env;
struct monitor;
/* live_json tells of a running environment; live_name is the view's.  malloc'd; NULL = no memory. */
char *live_json(const struct plx_env *env, const struct monitor *t, const char *live_name, uint64_t uptime_ns);

#endif

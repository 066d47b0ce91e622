/* SPDX-License-Identifier: MIT */
/* live_find.h - the live views there are, and who answers at one.  Anyone may bind a socket of any name:
   the kernel tells whose it is, before a word is read. */
#ifndef LIVE_FIND_H
#define LIVE_FIND_H

#include "status.h"

#include <sys/types.h>

struct view {
	char  name[LIVE_NAME_MAX];
	char  path[LIVE_PATH_MAX]; /* of its file; "" = an abstract name of this network namespace */
	pid_t other;               /* abstract, in another network namespace: a process there; 0 = can be asked */
};
struct views { struct view *view; size_t n, room; };

/* views_find lists all that can be seen: those in the directories of this user first, then other files, then
   abstract names.  0, or -errno: /proc tells nothing.  views_free in either case. */
int  views_find(struct views *o);
void views_free(struct views *o);
/* view_may_be: a name that fits, of letters that a terminal shows. */
bool view_may_be(const char *name);

/* Who answers. */
struct view_who {
	pid_t pid;                 /* 0 = of a pid namespace that cannot be seen from here */
	uid_t uid;
	char  user[40];            /* the uid, and its name if it has one: "0 (root)" */
	char  netns[64];           /* "this", a name of ip netns, "net:[INODE]", or "?" */
	bool  trusted;             /* root's, or our own */
};
/* view_connect: a descriptor, or -errno; -EAGAIN: nobody let us in until end (by view_now), 0 = at once. */
int     view_connect(const struct view *v, int64_t end, struct view_who *who);
int64_t view_now(void);
/* view_wait lets the next call on fd take what is left until end; -EAGAIN = nothing is. */
int     view_wait(int fd, int64_t end);

#endif

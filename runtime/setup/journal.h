/* SPDX-License-Identifier: MIT */
/* journal.h - what the files of the set-up share among themselves: the journal in memory,
   processes by their start, quoting.  Internal to runtime/setup*.c and their tests. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "plx_text.h"
#include "setup.h"
#include <stdio.h>

/* setup_command tells a change as one shell command; malloc'd. */
char *setup_command(const struct setup *s, const struct setup_item *it);

/* setup_self: our process, as the procfs that is mounted counts it; 0 = not told. */
pid_t setup_self(const struct plx_sys *sys);
/* setup_started: when a process began, in ticks since boot; 0 = it is no more. */
uint64_t setup_started(const struct plx_sys *sys, pid_t pid);

/* ---- devices ---- */

enum { SETUP_IDENT_MAX = 512 };
enum setup_ident_is { SETUP_IDENT_SAME, SETUP_IDENT_OTHER, SETUP_IDENT_UNKNOWN };
/* setup_ident writes what device an object is of, "" if that is none that comes and goes.  0; -ENOENT: there is no
   such object any more; -errno. */
int setup_ident(const struct plx_sys *sys, const struct setup_kind *k, const char *object, char ident[SETUP_IDENT_MAX]);
/* setup_ident_compare: what is there now is the device that was, another, or it cannot be told. */
enum setup_ident_is setup_ident_compare(const char *was, const char *now);

/* ---- the journal: a file of lines, read whole and written anew whole ---- */

struct setup_session {
	char     id[SETUP_SESSION_MAX];
	char     owner[64];              /* what it is for people */
	enum setup_hold hold;
	pid_t    pid;
	uint64_t start;                  /* of pid, by setup_started */
	uint64_t pidns;                  /* inode of the namespace that pid counts in */
	struct setup_netns netns;
};

struct setup_record {
	struct setup_session *session;
	unsigned stage;                  /* SETUP_STAGES_N = of another version */
	const struct setup_kind *kind;   /* NULL = of another version */
	char *word, *stage_word;         /* its name and the stage's, as the journal has them */
	char *object, *old, *set;        /* set NULL: a guard */
	char *device;                    /* that the object was of, by setup_ident; "" = none, or not known */
	bool  chosen;                    /* to be undone */
};

struct setup_journal {
	const struct plx_sys *sys;
	const struct plx_log *log;
	char dir[256];
	int  lock;                       /* descriptor of the lock file, -1 = not locked */
	struct setup_session **sessions;
	unsigned nsessions;
	struct setup_record *records;    /* oldest first */
	unsigned nrecords;
	unsigned damaged;                /* lines in the middle that make no sense, each logged */
	unsigned long missing;           /* lines that were written and are not there, told as one */
	unsigned long lines;             /* that the first one tells of; 0 = it does not */
	char *raw; /* the file as it was read, of rawlen bytes, kept if a line is damaged or missing */
	size_t rawlen;
	bool ours;                       /* being undone by who has just made it: no one else was at it */
	bool torn;                       /* the last line is cut */
	char boot[40];                   /* of this boot */
};

/* journal_open reads, of old or new bytes but never of both, and unless it only looks holds the
   lock; where there is no directory it is made or the journal is empty.  0, or -errno and a
   logged line.  journal_close in either case. */
enum journal_how { JOURNAL_LOOK, JOURNAL_LOCK, JOURNAL_MAKE };
int  journal_open(struct setup_journal *j, const struct plx_sys *sys, const struct plx_log *log, const char *dir,
                  enum journal_how how);
void journal_close(struct setup_journal *j);
/* journal_parse takes the bytes of a journal.  -ENOMEM, or 0. */
int  journal_parse(struct setup_journal *j, char *text, size_t len);
/* journal_text makes them, malloc'd. */
char *journal_text(const struct setup_journal *j, size_t *len);
/* journal_write puts what there is into the file's place, on the disk when it returns; nothing
   at all removes the file. */
int  journal_write(struct setup_journal *j);
/* journal_session finds or, with make, adds a session; NULL = there is none, or no memory. */
struct setup_session *journal_session(struct setup_journal *j, const char *id, bool make);
/* journal_add adds a record to s; set may be NULL.  -ENOMEM. */
int  journal_add(struct setup_journal *j, struct setup_session *s, enum setup_stage_id stage,
                 const struct setup_kind *k, const char *object, const char *device, const char *old, const char *set);
/* journal_drop removes record i; journal_clear all of them, and the sessions. */
void journal_drop(struct setup_journal *j, unsigned i);
void journal_clear(struct setup_journal *j);
/* The owner of s is no more. */
bool journal_orphan(const struct plx_sys *sys, const struct setup_session *s);
/* a and b are of the same object, of the same device. */
bool journal_twins(const struct setup_record *a, const struct setup_record *b);
/* journal_undo puts back what is chosen and writes the journal that remains.  0, or -errno and
   a line for each value that could not be put back; *restored counts on, may be NULL. */
int  journal_undo(struct setup_journal *j, unsigned *restored);
/* r is of a network namespace. */
bool journal_of_netns(const struct setup_record *r);
/* r can be read and written from the network namespace here. */
bool journal_here(const struct setup_record *r, const struct setup_netns *here);
uint64_t journal_pidns(const struct plx_sys *sys);

#endif

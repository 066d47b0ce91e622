/* SPDX-License-Identifier: MIT */
/* cmd.h - what the sub-commands of pollux share.  A command is a row of the table in main.c
   and a file of its own; one that has parts keeps a table of the same kind (config/cmd.c). */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>

/* What every command ends with: done; it found what it looked for wrong, or failed; its
   words, or a configuration file, make no sense; the program it asks for does not run; it may not. */
enum { CMD_OK, CMD_FAIL, CMD_USAGE, CMD_ABSENT, CMD_RIGHTS /* 4, as PLX_EXIT_PERMISSION */ };

struct cmd {
	const char *name, *what;             /* what: one line of help, at most 60 characters */
	int (*fn)(int argc, char **argv);    /* argv[0] is the name; answers --help by itself */
};

/* cmd_run does what argv[1] asks for, which is a name of cmds, its beginning if only one has
   it, "help [NAME]" or --help.  cmds ends with name NULL; title is "pollux" or
   "pollux config".  The exit code. */
int cmd_run(const char *title, const char *what, const struct cmd *cmds, int argc, char **argv);

/* cmd_error prints "title: text" as one line on standard error. */
void cmd_error(const char *title, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* cmd_conf prints what plx_env_conf_read, which ended with err, says in why: a text that was asked
   for, or an error.  The exit code: of words and files that make no sense CMD_USAGE, of a file
   that may not be read CMD_RIGHTS, as of a program. */
int cmd_conf(const char *title, int err, const char *why);
/* cmd_conf_code is that code alone. */
int cmd_conf_code(int err);

/* cmd_flag takes the word (as "--json") out of argv; whether it was there.  Words behind "--"
   are not looked at. */
int cmd_flag(int *argc, char **argv, const char *word);

/* One row of main.c each. */
int cmd_config(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_setup(int argc, char **argv);
int cmd_topo(int argc, char **argv);
int cmd_live(int argc, char **argv);

/* doctor_live tells of the running program of that name and what is wrong with it; exit code. */
int doctor_live(const char *name, bool json);

#endif

/* SPDX-License-Identifier: MIT */
/* main.c - pollux, the operator's tool: a table of commands, each in a file of its own.
   Exit codes are those of cmd.h: 0 done, 1 failed or found wrong, 2 usage or
   configuration, 3 no such program runs, 4 rights. */
#include "cmd.h"
#include "std_fds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cmd cmds[] = {
	{ "config", "show, check and describe the configuration", cmd_config },
	{ "doctor", "what is wrong with this machine, and what fixes it", cmd_doctor },
	{ "live", "what a running program does, and what is wrong with it", cmd_live },
	{ "setup", "changes to the host: plan, apply, status, restore", cmd_setup },
	{ "topo", "the machine in one picture: nodes, CPUs, NICs, lcores", cmd_topo },
	{ NULL, NULL, NULL },
};

/* A command that did all but be read has failed; those that told so themselves end with it. */
static int written(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (code == CMD_OK)
		cmd_error("pollux", "standard output: cannot be written: %s", errno ? strerror(errno) : "no room");
	return code == CMD_OK ? CMD_FAIL : code;
}

int main(int argc, char **argv)
{
	if (!std_fds_hold("pollux"))
		_exit(CMD_FAIL);
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("pollux " PLX_VERSION);
		return written(CMD_OK);
	}
	return written(cmd_run("pollux", "Looks into the machine and the configuration of Pollux programs.", cmds, argc,
	                       argv));
}

/* SPDX-License-Identifier: MIT */
/* config.c - pollux config: what a program would be started with.  Cold, pure but for its
   output; called by main(). */
#include "cmd.h"

#include <pollux/plx.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check(int argc, char **argv)
{
	struct plx_env_conf *c = calloc(1, sizeof(*c));
	char *why = calloc(1, PLX_HELP_MAX);
	int err = -1;

	if (c && why) {
		plx_env_conf_init(c);
		err = plx_env_conf_parse(c, argc, argv, NULL, why, PLX_HELP_MAX);
		if (err < 0)
			cmd_error("pollux config check", "%s", why);
		else
			fputs(why, stdout);
	}
	free(why);
	free(c);
	return err < 0 ? CMD_FAIL : CMD_OK;
}

static const struct cmd parts[] = {
	{ "check", "read a configuration and say what is wrong", check },
	{ NULL, NULL, NULL },
};

int cmd_config(int argc, char **argv)
{
	return cmd_run("pollux config", "The configuration of a Pollux program.", parts, argc, argv);
}

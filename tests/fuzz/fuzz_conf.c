/* SPDX-License-Identifier: MIT */
/* fuzz_conf.c - any bytes as a configuration file: taken, or refused by one line that names a
   place within the file; what is taken is within the limits. */
#include "conf.h"
#include "plx_text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plx_env_conf c;
	struct plx_conf_in in = { .file = "f", .text = (const char *)data, .len = size, .any_app = true };
	char why[2048], place[64];
	size_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r';
	plx_env_conf_init(&c);
	int err = plx_env_conf_merge(&c, &in, why, sizeof(why));

	if (err) {
		must(err == -EINVAL && in.line >= 1 && in.line <= lines + 1 && in.column >= 1 && in.column <= size + 2);
		snprintf(place, sizeof(place), "f:%u:%u: ", in.line, in.column);
		must(!strncmp(why, place, strlen(place)) && !strchr(why, '\n') && strlen(why) > strlen(place));
		return 0;
	}
	must(c.nports <= PLX_PORTS_MAX && c.nlcores <= PLX_LCORES_MAX && c.nservice <= PLX_LCORES_MAX &&
	     c.foreign < PLX_LCORES_MAX && c.nnode_mem <= PLX_NODES_MAX);
	must(!c.frame_size || c.frame_size == 2048 || c.frame_size == 4096);
	return 0;
}

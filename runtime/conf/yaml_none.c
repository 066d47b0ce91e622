/* SPDX-License-Identifier: MIT */
/* yaml_none.c - stands for yaml.c in a build without libyaml. */
#include "conf.h"
#include <errno.h>
#include <stdio.h>

int conf_file_parse(struct plx_env_conf *c, struct plx_conf_in *in, uint64_t app_given, struct conf_seen *seen,
                    char *why, size_t whylen)
{
	(void)c, (void)app_given, (void)seen;
	snprintf(why, whylen, "-c %s: this build reads no YAML (feature yaml): install libyaml and build with "
	         "-Dyaml=enabled, or give the settings as arguments", in->file);
	return -EINVAL;
}

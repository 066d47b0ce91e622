/* SPDX-License-Identifier: MIT */
/* conf.h - the halves of the configuration parser that are tested apart.
   Internal to runtime/.  Pure functions. */
#ifndef CONF_H
#define CONF_H

#include "plx_env.h"

enum { CONF_CPU_MAX = 1024 /* CPU numbers of -l are below; TOPO_CPUS_MAX is the same */ };

/* lcore_list_parse reads -l in DPDK's grammar into l[PLX_LCORES_MAX], ordered as written.
   0, or -EINVAL and a reason with the mend in why[]; *n is 0 then. */
int lcore_list_parse(struct plx_lcore_conf *l, uint16_t *n, const char *text, char *why, size_t whylen);

/* lcore_list_fmt appends a set of CPUs to buf as "0-3,8". */
void lcore_list_fmt(char *buf, size_t len, const uint16_t *cpus, uint16_t n);

/* The environment's options, ending with name NULL; dst of set is struct plx_env_conf. */
extern const struct plx_opt conf_opts[];

/* conf_help writes the text of --help (at most 24 lines) or --help-all. */
void conf_help(char *buf, size_t len, const char *prog, const struct plx_app *app, bool all);

#endif

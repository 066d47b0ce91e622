/* SPDX-License-Identifier: MIT */
/* conf.h - the parts of the configuration parser that are tested apart.
   Internal to runtime/.  Pure functions. */
#ifndef CONF_H
#define CONF_H

#include "plx_conf.h"

/* lcore_list_parse reads -l in DPDK's grammar into l[PLX_LCORES_MAX], ordered as written; CPUs are below CPUSET_MAX.
   0, or -EINVAL and a reason with the fix in why[]; *n is 0 then. */
int lcore_list_parse(struct plx_lcore_conf *l, uint16_t *n, const char *text, char *why, size_t whylen);

/* The environment's options, row by row those of plx_settings, ending with name NULL; dst of
   set is struct plx_env_conf.  Rows without set ask for text. */
extern const struct plx_opt conf_opts[];

/* Options that exclude each other, or (needs) the first of which wants the second; ends with
   a NULL. */
struct conf_rule { const char *a, *b; bool needs; const char *fix; };
extern const struct conf_rule conf_rules[];

/* conf_row finds a setting by n bytes of its name: its row, or -1. */
int conf_row(const char *name, size_t n);
/* conf_excluded: the rule that row breaks beside the rows whose bits are in seen, or NULL. */
const struct conf_rule *conf_excluded(uint64_t seen, int row);

/* conf_hint: what to write for an option of DPDK's, NULL if word is none that is known.  conf_is_mask: value,
   no file's name, may be the mask of lcores that DPDK's -c takes. */
const char *conf_hint(const char *word);
bool conf_is_mask(const char *value);

/* conf_help writes the text of --help (at most 24 lines) or --help-all. */
void conf_help(char *buf, size_t len, const char *prog, const struct plx_app *app, bool all);

/* yaml.c, or yaml_none.c in a build without libyaml: reads in->text over *c, sets the
   bits of the rows that it had, and of the application's.  app_given has the bits of those
   repeatable options of the application that the command line gives: they are left out. */
struct conf_seen { uint64_t env, app; };
int conf_file_parse(struct plx_env_conf *c, struct plx_conf_in *in, uint64_t app_given, struct conf_seen *seen,
                    char *why, size_t whylen);

/* conf_bytes_check: 0, or -EINVAL, a reason, and where (from 1) something stands that has no
   place in a text file. */
int conf_bytes_check(const char *text, size_t len, unsigned *line, unsigned *column, char *why, size_t whylen);

/* conf_trust: root may do what the file says that was opened by name and has st; nothing if we are not root.
   0, or -EINVAL and a reason with the command that fixes it. */
struct stat;
int conf_trust(const struct plx_sys *sys, const char *name, const struct stat *st, char *why, size_t whylen);

#endif

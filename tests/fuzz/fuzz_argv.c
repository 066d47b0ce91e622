/* SPDX-License-Identifier: MIT */
/* fuzz_argv.c - any words as the command line of plx-fwd: taken, answered by a text, or refused by one line; what is
   taken is within the limits, the same each time, and the same as the file that pollux config show makes of it.

   A word a line.  Those that begin with POLLUX_ are the environment's; what stands behind an empty line is the text
   of the file that -c names. */
#include "cmd.h"
#include "fuzz_conf.h"
#include "fwd.h"

#include <errno.h>

enum { WORDS = 64 };

struct words { char *argv[WORDS + 2], *env[WORDS + 1], *file; int argc, nenv; };

static void take(struct words *w, struct fuzz_in *in)
{
	static char prog[] = "/usr/bin/plx-fwd";

	*w = (struct words){ .argv = { prog }, .argc = 1 };
	while (in->n && w->argc <= WORDS && w->nenv < WORDS) {
		char *s = fuzz_string(in, '\n');

		if (!*s) {
			free(s);
			w->file = fuzz_string(in, 0);
			return;
		}
		if (!strncmp(s, "POLLUX_", 7))
			w->env[w->nenv++] = s;
		else
			w->argv[w->argc++] = s;
	}
}

static void give(struct words *w)
{
	for (int i = 1; i < w->argc; i++)
		free(w->argv[i]);
	for (int i = 0; i < w->nenv; i++)
		free(w->env[i]);
	free(w->file);
}

static void check_fwd(const struct fwd_conf *c)
{
	const struct fwd_lengths *l = &c->lengths;

	MUST((unsigned)c->mode < FWD_MODES && c->burst >= 1 && c->burst <= PLX_BURST_MAX);
	MUST(c->flows >= 1 && c->flows <= FWD_FLOWS_MAX && c->rate <= 1000000000);
	MUST(l->n >= 1 && l->n <= FWD_LENGTHS && (!l->range || l->of[0] <= l->of[1]));
	for (unsigned i = 0; i < l->n; i++)
		MUST(l->of[i] >= PLX_ETH_MIN);
	MUST(c->sport && c->dport);
	MUST(!c->max_loss_ratio || c->max_loss <= FWD_LOSS_ALL);
}

static int parse(struct plx_env_conf *c, struct fwd_conf *f, struct config_view *v, const struct words *w, char *why,
                 size_t len)
{
	struct plx_app app = { .name = "plx-fwd", .what = "forwards", .opts = fwd_opts, .dst = f };
	struct plx_conf_in in = { .argc = w->argc, .argv = (char **)w->argv, .app = &app, .environ = w->env,
	                          .text = w->file, .len = w->file ? strlen(w->file) : 0, .note = config_note,
	                          .arg = v };

	plx_env_conf_init(c);
	fwd_conf_init(f);
	return plx_env_conf_merge(c, &in, why, len);
}

/* The file is named before anything is read. */
static void names_file(const struct words *w, struct fwd_conf *f, int err)
{
	static char why[PLX_HELP_MAX];
	struct plx_app app = { .name = "plx-fwd", .what = "forwards", .opts = fwd_opts, .dst = f };
	struct plx_conf_in in = { .argc = w->argc, .argv = (char **)w->argv, .app = &app, .environ = w->env };
	const char *name = NULL;
	int found = plx_env_conf_file(&name, &in, why, sizeof(why));

	MUST(err || !found);
	if (!found && name && !w->file)
		MUST(err == -EINVAL); /* nobody has read it */
}

/* cmd_flag takes each of a word before "--", and no other. */
static void flags(const struct words *w)
{
	char *copy[WORDS + 2];
	int argc = w->argc, kept = 0;
	bool before = true, had = false;

	memcpy(copy, w->argv, sizeof(copy));
	bool got = cmd_flag(&argc, copy, "--json");

	for (int i = 0; i < w->argc; i++) {
		before &= !i || strcmp(w->argv[i], "--");
		if (i && before && !strcmp(w->argv[i], "--json")) {
			had = true;
			continue;
		}
		MUST(kept < argc && copy[kept] == w->argv[i]);
		kept++;
	}
	MUST(got == had && kept == argc && !copy[argc]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plx_env_conf c, again;
	static char why[PLX_HELP_MAX], why2[PLX_HELP_MAX];
	struct config_view v = { NULL, 0, 0, false }, v2 = { NULL, 0, 0, false };
	struct fuzz_in in = { data, size };
	struct fwd_conf f, f2;
	struct words w;

	take(&w, &in);
	flags(&w);
	int err = parse(&c, &f, &v, &w, why, sizeof(why));

	MUST(!err || err == -EINVAL || err == PLX_TEXT);
	MUST(parse(&again, &f2, &v2, &w, why2, sizeof(why2)) == err && (!err || !strcmp(why, why2)));
	names_file(&w, &f2, err);
	if (err == -EINVAL)
		MUST(fuzz_one_line(why));
	else if (err == PLX_TEXT)
		MUST(strlen(why) > 1 && why[strlen(why) - 1] == '\n');
	if (!err) {
		check_conf(&c);
		check_fwd(&f);
		told_again(&c, &v);
		MUST(same_conf(&c, &again) && !memcmp(&f.lengths, &f2.lengths, sizeof(f.lengths)) && f.seed == f2.seed);
		MUST(!fwd_conf_check(&f, why, sizeof(why)) || fuzz_one_line(why));
		MUST(!fwd_conf_ports(&f, &c, why, sizeof(why)) || fuzz_one_line(why));
	}
	config_view_free(&v2);
	config_view_free(&v);
	give(&w);
	return 0;
}

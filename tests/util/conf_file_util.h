/* SPDX-License-Identifier: MIT */
/* conf_file_util.h - reading sources of a configuration in the tests: a text as the file,
   arguments and an environment, with the notes that were made; and a file by its name. */
#ifndef CONF_FILE_UTIL_H
#define CONF_FILE_UTIL_H

#include "conf_util.h"

#include <sys/stat.h>
#include <unistd.h>

/* what the notes said, one a line: "key=value from" */
static char notes[8192];

static inline void on_note(void *arg, const struct plx_conf_note *n)
{
	static const char *const from[] = { "default", "file", "environment", "argument" };

	(void)arg;
	if (n->from == PLX_FROM_DEFAULT && !*notes)
		return; /* those before any source */
	plx_text_add(notes, sizeof(notes), "%s%s%s=%s %s", n->app ? "app." : "", n->key, n->more ? "+" : "",
	             n->value ? n->value : "", from[n->from]);
	if (n->line)
		plx_text_add(notes, sizeof(notes), " %s:%u:%u", n->source, n->line, n->column);
	else if (n->source)
		plx_text_add(notes, sizeof(notes), " %s", n->source);
	plx_text_add(notes, sizeof(notes), "\n");
}

struct given { const char *text; size_t len; const char *words; const char *const *environ; bool any_app; };

/* merge reads one set of sources; words are arguments, split at '|'. */
static inline int merge(struct plx_env_conf *c, struct app *a, const struct given *g, struct plx_conf_in *in, char *why,
                        size_t whylen)
{
	static struct plx_app app = { .name = "app", .what = "Does things.", .opts = app_opts };
	static char buf[2048], *argv[64] = { "/usr/bin/app" };
	int argc = words_of(argv, buf, g->words ? g->words : "");

	app.dst = a;
	*in = (struct plx_conf_in){ .argc = argc, .argv = argv, .app = &app, .environ = (char *const *)g->environ,
	                            .text = g->text, .len = g->len, .any_app = g->any_app, .note = on_note };
	if (g->text)
		in->file = "f";
	notes[0] = 0;
	memset(a, 0, sizeof(*a));
	plx_env_conf_init(c);
	return plx_env_conf_merge(c, in, why, whylen);
}

static inline void ok(struct plx_env_conf *c, struct app *a, const struct given *g)
{
	struct plx_conf_in in;
	char why[2048];
	struct given h = *g;

	h.len = h.text && !h.len ? strlen(h.text) : h.len;
	if (merge(c, a, &h, &in, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(in.line, 0);
}
#define OK(c, a, ...) ok(c, a, &(struct given){ __VA_ARGS__ })

/* Whose files are, whoever runs the test: root's, but for one inode. */
static ino_t others_ino;

static inline int roots_fstat(int fd, struct stat *st)
{
	int err = plx_sys_linux.fstat(fd, st);

	st->st_uid = st->st_ino == others_ino ? 1000 : 0;
	return err;
}

static inline unsigned long no_auxval(unsigned long type) { (void)type; return 0; }

/* A system that has files and nothing else: what calls another entry dies. */
static inline const struct plx_sys *files_only(uid_t (*uid)(void))
{
	static struct plx_sys sys;

	sys = (struct plx_sys){ .open = plx_sys_linux.open, .read = plx_sys_linux.read, .close = plx_sys_linux.close,
	                        .fstat = roots_fstat, .geteuid = uid, .getauxval = no_auxval };
	return &sys;
}

static inline uid_t as_root(void) { return 0; }
static inline uid_t as_user(void) { return 1000; }

static inline void put(const char *name, const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(name, mode), 0);
}

/* read_conf reads name as plx_env_init would; nothing is opened but files. */
static inline int read_conf(const char *name, uid_t (*uid)(void), struct plx_env_conf *c, char *why, size_t whylen)
{
	char *argv[] = { "app", "-c", (char *)name, NULL };
	struct plx_conf_in in = { .argc = 3, .argv = argv };

	plx_env_conf_init(c);
	c->sys = files_only(uid);
	return plx_env_conf_read(c, &in, why, whylen);
}

#endif

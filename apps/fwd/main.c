/* SPDX-License-Identifier: MIT */
/* main.c - plx-fwd: testpmd's forwarding modes, a generator and a verifier on any port.

     options.c   its half of the command line        run.c         the main thread's part
     setup.c     ports, queues and lcores            text.c json.c out.c  what is shown
     modes.c icmpecho.c flowgen.c verify.c           what the lcores do

   docs/plx-fwd.md is its manual. */
#include "report.h"
#include "std_fds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Help and the plan. */
static int written(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	fprintf(stderr, "plx-fwd: error: standard output: cannot be written: %s\n",
	        errno ? strerror(errno) : "no room");
	return code ? code : PLX_EXIT_RUNTIME;
}

/* A run of which the account was lost has failed. */
static int accounted(struct report *r, const struct result *x, int code)
{
	int err = report_summary(r, x);

	if (!err)
		return code;
	plx_logf(plx_env_log(r->f->env), PLX_LOG_ERROR, "standard output: cannot be written: %s",
	         err == -ETIMEDOUT ? "its reader takes nothing" :
	         err == -ENOBUFS ? "its reader took too little, and lines were dropped" : strerror(-err));
	return code ? code : PLX_EXIT_RUNTIME;
}

static int open_env(struct fwd *f, int argc, char **argv)
{
	const struct plx_app app = { .name = "plx-fwd", .what = "Forwards, generates or checks packets on its ports.",
	                             .opts = fwd_opts, .dst = &f->conf };
	struct plx_conf_in in = { .argc = argc, .argv = argv, .app = &app, .environ = environ };
	struct plx_env_conf *c = malloc(sizeof(*c));
	char *why = malloc(PLX_HELP_MAX);
	int err = -ENOMEM;

	if (c && why) {
		plx_env_conf_init(c);
		err = plx_env_conf_read(c, &in, why, PLX_HELP_MAX);
		if (!err)
			err = fwd_conf_check(&f->conf, why, PLX_HELP_MAX);
		if (!err)
			err = fwd_conf_ports(&f->conf, c, why, PLX_HELP_MAX);
		if (!err && !c->nports) {
			snprintf(why, PLX_HELP_MAX,
			         "no port: name an interface, as in --iface eth1 (ip link lists them)");
			err = -EINVAL;
		}
		if (err)
			fprintf(err == PLX_TEXT ? stdout : stderr, err == PLX_TEXT ? "%s" : "plx-fwd: %s\n", why);
		else
			err = plx_env_open(&f->env, c);
	}
	free(why);
	free(c);
	return err;
}

/* Runs of one machine at one time must not take each other's packets for their own. */
static uint32_t run_id(void)
{
	uint64_t x = plx_sys_now(&plx_sys_linux) * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() << 32;

	return (uint32_t)(x >> 32) | 1;
}

int main(int argc, char **argv)
{
	struct fwd f = { 0 };
	struct report r;
	struct result x;
	int err, code;

	if (!std_fds_hold("plx-fwd"))
		_exit(PLX_EXIT_RUNTIME);
	fwd_conf_init(&f.conf);
	f.run = run_id();
	err = open_env(&f, argc, argv);
	if (err)
		return written(plx_exit_code(err));
	err = fwd_setup(&f);
	code = plx_exit_code(err);
	if (!err) {
		err = report_run(&r, &f);
		report_result(&r, &x, err);
		code = !err && *x.failed ? PLX_EXIT_CHECK : plx_exit_code(err);
		code = accounted(&r, &x, code);
	}
	if (code == PLX_EXIT_CHECK && f.conf.json)
		plx_logf(plx_env_log(f.env), PLX_LOG_ERROR, "failed: %s", x.failed);
	fwd_teardown(&f);
	plx_env_fini(f.env);
	return code;
}

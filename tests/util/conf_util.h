/* SPDX-License-Identifier: MIT */
/* conf_util.h - what the tests of configurations share: an application with options, and
   arguments. */
#ifndef CONF_UTIL_H
#define CONF_UTIL_H

#include "conf.h"
#include "plx_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* an application with four options */
struct app { char mode[16], lengths[64]; unsigned burst, bursts; bool json; };

static inline int set_mode(void *dst, const char *arg, char *why, size_t whylen)
{
	if (strcmp(arg, "io") && strcmp(arg, "mac")) {
		snprintf(why, whylen, "unknown mode (io, mac)");
		return -EINVAL;
	}
	snprintf(((struct app *)dst)->mode, 16, "%s", arg);
	return 0;
}

static inline int set_burst(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	((struct app *)dst)->burst += (unsigned)atoi(arg);
	((struct app *)dst)->bursts++;
	return 0;
}

static inline int set_lengths(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	snprintf(((struct app *)dst)->lengths, 64, "%s", arg);
	return 0;
}

static inline int set_json(void *dst, const char *arg, char *why, size_t whylen)
{
	(void)why, (void)whylen;
	assert_null(arg);
	((struct app *)dst)->json = true;
	return 0;
}

static const struct plx_opt app_opts[] = {
	{ "mode", 'M', "WORD", "what to do", set_mode, 0 },
	{ "burst", 0, "N", "frames of a burst", set_burst, PLX_OPT_REPEAT },
	{ "length", 0, "A,B..", "of frames", set_lengths, PLX_OPT_MORE },
	{ "json", 0, NULL, "statistics as JSON", set_json, PLX_OPT_MORE },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};

/* words_of splits words at '|' into the arguments behind argv[0]; how many there are then. */
static inline int words_of(char *argv[64], char buf[2048], const char *words)
{
	char *rest = buf;
	int argc = 1;

	snprintf(buf, 2048, "%s", words);
	while (*buf && rest && argc < 63)
		argv[argc++] = strsep(&rest, "|");
	return argc;
}

#endif

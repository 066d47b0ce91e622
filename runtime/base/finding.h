/* SPDX-License-Identifier: MIT */
/* finding.h - what was found: about which object, what was read or tried, and what to do about it.  One shape for the
   checks of pollux doctor, what the watch thread finds, the items of a set-up and the notes of a plan.  Internal to
   runtime/ and the operator's tool. */
#ifndef FINDING_H
#define FINDING_H

#include "plx_json.h"
#include "plx_log.h"
#include <stdarg.h>

struct finding {
	const char *name;        /* a word for programs, static: of the check, the fact, the stage; NULL = none */
	const char *unit;        /* of value, static: "%", "/s", "" = it is so or it is not; NULL = there is no value */
	double value;
	char object[160];        /* "lcore 1", "eth0 queue 3"; "" = none */
	char evidence[1280];     /* one sentence */
	char fix[1024];          /* one line, a command where one can; "" = nothing is to do */
};

/* finding_make begins one: without value, evidence and fix.  finding_evidence and finding_fix append to what is there,
   cut at its end. */
void finding_make(struct finding *f, const char *name, const char *object, ...) __attribute__((format(printf, 3, 4)));
void finding_evidence(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_fix(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_vmake(struct finding *f, const char *name, const char *object, va_list ap);
void finding_vevidence(struct finding *f, const char *fmt, va_list ap);
/* finding_clean: what does not show as ASCII becomes '?': names are other people's, and nothing of them may move the
   cursor of a terminal. */
void finding_clean(struct finding *f);

/* finding_log tells it in a line, "object: name: evidence; fix", of what it has; more goes behind the evidence.
   finding_json writes it as members of the object that is open; object: the key of what it is about. */
void finding_log(const struct plx_log *log, enum plx_log_level level, const struct finding *f, const char *more);
void finding_json(struct plx_json *j, const struct finding *f, const char *object);

#endif

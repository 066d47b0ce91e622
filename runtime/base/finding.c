/* SPDX-License-Identifier: MIT */
/* finding.c - making a finding, and telling it.  Cold; any thread. */
#include "finding.h"
#include <stdio.h>
#include <string.h>

static void add(char *buf, size_t len, const char *fmt, va_list ap)
{
	const size_t n = strlen(buf);

	PLX_ASSERT(n < len);
	vsnprintf(buf + n, len - n, fmt, ap);
}

void finding_vmake(struct finding *f, const char *name, const char *object, va_list ap)
{
	f->name = name;
	f->unit = NULL;
	f->value = 0;
	f->object[0] = f->evidence[0] = f->fix[0] = 0;
	add(f->object, sizeof(f->object), object, ap);
}

void finding_vevidence(struct finding *f, const char *fmt, va_list ap)
{
	add(f->evidence, sizeof(f->evidence), fmt, ap);
}

void finding_make(struct finding *f, const char *name, const char *object, ...)
{
	va_list ap;

	va_start(ap, object);
	finding_vmake(f, name, object, ap);
	va_end(ap);
}

void finding_evidence(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding_vevidence(f, fmt, ap);
	va_end(ap);
}

void finding_fix(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(f->fix, sizeof(f->fix), fmt, ap);
	va_end(ap);
}

static void clean(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

void finding_clean(struct finding *f)
{
	clean(f->object);
	clean(f->evidence);
	clean(f->fix);
}

void finding_log(const struct plx_log *log, enum plx_log_level level, const struct finding *f, const char *more)
{
	plx_logf(log, level, "%s%s%s%s%s%s%s%s", f->object, *f->object ? ": " : "", f->name ? f->name : "",
	         f->name ? ": " : "", f->evidence, more, *f->fix ? "; " : "", f->fix);
}

void finding_json(struct plx_json *j, const struct finding *f, const char *object)
{
	plx_json_text(j, "name", f->name);
	plx_json_text(j, object, f->object);
	if (f->unit) {
		plx_json_double(j, "value", f->value, 1);
		plx_json_text(j, "unit", f->unit);
	}
	plx_json_text(j, "evidence", f->evidence);
	plx_json_text(j, "fix", f->fix);
}

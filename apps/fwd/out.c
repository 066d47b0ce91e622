/* SPDX-License-Identifier: MIT */
/* out.c - statistics on their way to standard output, by the environment's reports: whoever reads
   them, or does not, holds up nothing.  Cold; the main thread's. */
#include "report.h"

#include <errno.h>
#include <stdlib.h>

#define GIVE_UP_NS 1000000000u /* a reader that takes nothing for so long gets no more */

void report_interval(struct report *r, const struct port_counts *now, uint64_t dt)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	if (r->f->conf.json)
		json_interval(out, r, now, dt);
	else
		text_interval(out, r, now, dt);
	if (!fclose(out))
		plx_env_report(r->f->env, text); /* counts what it drops */
	free(text);
}

/* In pieces, for a summary of many ports may be longer than all that can be queued. */
static int send_all(struct plx_env *env, const char *text, size_t len)
{
	int err = plx_env_report_flush(env, GIVE_UP_NS);

	while (len && err != -ETIMEDOUT) {
		const size_t n = len < PLX_REPORT_MAX ? len : PLX_REPORT_MAX;
		char *piece = strndup(text, n);

		if (!piece)
			return -ENOMEM;
		plx_env_report(env, piece);
		free(piece);
		text += n;
		len -= n;
		err = plx_env_report_flush(env, GIVE_UP_NS);
	}
	return err;
}

int report_summary(struct report *r, const struct result *x)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err = -ENOMEM;

	if (!out)
		return err;
	if (r->f->conf.json)
		json_summary(out, r, x);
	else
		text_summary(out, r, x);
	if (!fclose(out))
		err = send_all(r->f->env, text, len);
	free(text);
	return err;
}

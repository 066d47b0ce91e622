/* SPDX-License-Identifier: MIT */
/* fuzz_yaml.c - any bytes as a configuration file: taken, or refused by one line that names a place within the
   file; what is taken is within the limits, and pollux config show tells it so that it is read as the same. */
#include "fuzz_conf.h"

#include <errno.h>

static void refused(const struct plx_conf_in *in, const char *why)
{
	size_t lines = 1;
	char place[64];

	for (size_t i = 0; i < in->len; i++)
		lines += in->text[i] == '\n' || in->text[i] == '\r';
	MUST(in->line >= 1 && in->line <= lines + 1 && in->column >= 1 && in->column <= in->len + 2);
	snprintf(place, sizeof(place), "f:%u:%u: ", in->line, in->column);
	MUST(!strncmp(why, place, strlen(place)) && strlen(why) > strlen(place) && fuzz_one_line(why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plx_env_conf c;
	struct config_view v = { NULL, 0, 0, false };
	char *text = fuzz_copy(data, size), why[FUZZ_WHY];
	struct plx_conf_in in = { .file = "f", .text = text, .len = size, .any_app = true, .note = config_note,
	                          .arg = &v };

	plx_env_conf_init(&c);
	int err = plx_env_conf_merge(&c, &in, why, sizeof(why));

	MUST(!err || err == -EINVAL);
	if (err) {
		refused(&in, why);
	} else {
		check_conf(&c);
		told_again(&c, &v);
	}
	config_view_free(&v);
	free(text);
	return 0;
}

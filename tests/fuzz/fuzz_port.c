/* SPDX-License-Identifier: MIT */
/* fuzz_port.c - any text as an --iface: taken or refused by one line, and then nothing is changed; what is taken
   is within the limits, and read as the same when it is told again. */
#include "fuzz_conf.h"

#include <errno.h>

static void tell(char *buf, size_t len, const struct plx_port_conf *c)
{
	static const char *const modes[] = { "auto", "zc", "native", "generic" };
	static const char *const policies[] = { "prefer", "require", "never" };

	buf[0] = 0;
	plx_text_add(buf, len, "%s", c->name);
	if (*c->driver)
		plx_text_add(buf, len, ",driver=%s", c->driver);
	if (c->rxqs || c->no_rx)
		plx_text_add(buf, len, ",rxqs=%u", c->rxqs);
	if (c->txqs)
		plx_text_add(buf, len, ",txqs=%u", c->txqs);
	if (c->queue)
		plx_text_add(buf, len, ",queue=%u", c->queue);
	if (c->rxd)
		plx_text_add(buf, len, ",rxd=%u", c->rxd);
	if (c->txd)
		plx_text_add(buf, len, ",txd=%u", c->txd);
	if (c->mode)
		plx_text_add(buf, len, ",mode=%s", modes[c->mode]);
	if (c->multibuf != PLX_PREFER)
		plx_text_add(buf, len, ",multibuf=%s", policies[c->multibuf]);
	if (c->steer)
		plx_text_add(buf, len, ",steer=none");
	if (c->force)
		plx_text_add(buf, len, ",force=yes");
	if (c->bind_timeout_ms)
		plx_text_add(buf, len, ",bind-timeout=%ums", c->bind_timeout_ms);
	if (c->stall_ms == UINT32_MAX)
		plx_text_add(buf, len, ",stall=off");
	else if (c->stall_ms)
		plx_text_add(buf, len, ",stall=%ums", c->stall_ms);
	if (*c->peer)
		plx_text_add(buf, len, ",peer=%s", c->peer);
	if (c->frame_len)
		plx_text_add(buf, len, ",size=%u", c->frame_len);
	if (*c->fanout)
		plx_text_add(buf, len, ",fanout=%s", c->fanout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct plx_port_conf c = plx_port_conf_default, again = plx_port_conf_default;
	char *text = fuzz_string(&in, 0), why[FUZZ_WHY], told[1024];
	int err = plx_port_conf_parse(&c, text, why, sizeof(why));

	if (err) {
		MUST(err == -EINVAL && fuzz_one_line(why) && same_port(&c, &again));
	} else {
		check_port(&c);
		tell(told, sizeof(told), &c);
		MUST(!plx_port_conf_parse(&again, told, why, sizeof(why)) && same_port(&c, &again));
	}
	char less[8]; /* a caller with little room gets the beginning */
	struct plx_port_conf other = plx_port_conf_default;

	MUST(plx_port_conf_parse(&other, text, less, sizeof(less)) == err && memchr(less, 0, sizeof(less)));
	free(text);
	return 0;
}

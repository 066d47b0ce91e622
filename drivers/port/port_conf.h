/* SPDX-License-Identifier: MIT */
/* port_conf.h - the keys of a port one by one, for a parser that knows where each stands.
   Internal to drivers/ and runtime/.  Pure functions; reasons are appended to why[]. */
#ifndef PORT_CONF_H
#define PORT_CONF_H

#include "plx_driver.h"

/* port_conf_name sets the name.  0 or -EINVAL. */
int port_conf_name(struct plx_port_conf *c, const char *text, char *why, size_t len);

/* port_conf_key sets one key and its bit in *seen, where it may not be yet.  Its row in
   plx_port_keys, or -EINVAL. */
int port_conf_key(struct plx_port_conf *c, const char *key, const char *value, uint64_t *seen, char *why, size_t len);

/* port_conf_check: what one key alone cannot tell.  0, or -EINVAL and the row of the key that
   is wrong, -1 if it is the name. */
int port_conf_check(const struct plx_port_conf *c, uint64_t seen, int *key, char *why, size_t len);

/* port_conf_known: 0; -EINVAL: size is none; -E2BIG: it has members of a newer library's. */
int port_conf_known(const struct plx_port_conf *c);

#endif

/* SPDX-License-Identifier: MIT */
/* privileges.h - which privileges drivers need and this process lacks: all of them at once, each with the call that
   needs it; the same for the plan, the drivers and the doctor.  Pure but for privileges_read.  Internal to drivers/,
   runtime/ and the operator's tool.

   missing: bit n = capability n is not effective.  memlock: RLIMIT_MEMLOCK in bytes, UINT64_MAX = unlimited. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "plx_sys.h"

/* privileges_read finds the capabilities that are missing in a status file below /proc.  0; -EBADMSG: it tells none,
   and *missing stays; -errno.  privileges_parse reads its text, false = it tells none. */
int  privileges_read(const struct plx_sys *sys, const char *path, uint64_t *missing);
bool privileges_parse(const char *status, uint64_t *missing);

/* privileges_lack: the call that needs this capability is refused; CAP_SYS_ADMIN stands in for CAP_BPF. */
bool privileges_lack(uint64_t missing, unsigned cap);
/* privileges_call: what a port of driver af_xdp needs this capability for, "" = for nothing. */
const char *privileges_call(unsigned cap);
/* privileges_xdp: a port of driver af_xdp may be opened, as far as capabilities tell. */
bool privileges_xdp(uint64_t missing);

/* privileges_text writes all that an af_xdp port lacks with so many bytes of frames, each with its call, and what to
   do: "CAP_BPF for bpf(BPF_PROG_LOAD): run as root, or ...", "" = it lacks nothing; privileges_packet_text the same for
   driver packet.  buf. */
char *privileges_text(uint64_t missing, uint64_t memlock, uint64_t bytes, char *buf, size_t len);
char *privileges_packet_text(uint64_t missing, char *buf, size_t len);

#endif

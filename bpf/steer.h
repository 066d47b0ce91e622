/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* steer.h - what the steering program and drivers/af_xdp share: names of its maps'
   contents.  Fixed-width kernel types, so that both sides see the same layout.

   One program stands on one interface.  For each frame it decides by, in this order:

     mode     steer_conf.mode: none = everything is the host's, all = claimed
     (rules)  the point where a frame's headers are looked at before it is claimed: see
              claimed() in steer.bpf.c.  Rule maps come there; modes are numbered so that
              "by rule" can follow them.  Every map below stays as it is.
     beat     beats[queue]: when its lcore last said that it is alive; 0 = not started
     socket   xsks[queue]: no socket there = the host's

   Whatever is not redirected goes to the host (XDP_PASS), and is counted by its reason; what
   was claimed, also by its queue: passed[queue]. */
#ifndef STEER_H
#define STEER_H

#include <linux/types.h>

enum steer_mode { STEER_MODE_NONE, STEER_MODE_ALL };

/* Reasons, the index of the map `verdicts`.  X(id, sentence) */
#define STEER_VERDICTS(X) \
	X(redirected,       "handed to the socket of its queue") \
	X(passed_none,      "to the host: steer=none") \
	X(passed_stopped,   "to the host: no started port has this queue") \
	X(passed_stale,     "to the host: the lcore of this queue stalled") \
	X(passed_no_socket, "to the host: no socket in the map")
#define X(id, why) STEER_##id,
enum steer_verdict { STEER_VERDICTS(X) STEER_VERDICT_N };
#undef X

/* Written by the driver at any time, read by the program for each frame. */
struct steer_conf {
	__u64 stall_ns;  /* a beat older than this is a stalled lcore; 0 = never */
	__u32 mode;      /* enum steer_mode */
	__u32 pad;
};

#endif

/* SPDX-License-Identifier: MIT */
/* plx_port_conf.h - what is asked of a port: one plain struct, the text of --iface and its keys.  Pure; any thread. */
#ifndef PLX_PORT_CONF_H
#define PLX_PORT_CONF_H

#include "plx_log.h"
#include "plx_queue.h"
#include "plx_sys.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How hard to insist on something the system may not have. */
enum plx_policy { PLX_PREFER, PLX_REQUIRE, PLX_NEVER };

/* XDP mode of an af_xdp port, best first.  AUTO walks down and says so. */
enum plx_xdp_mode { PLX_XDP_AUTO, PLX_XDP_ZEROCOPY, PLX_XDP_NATIVE, PLX_XDP_GENERIC };

/* What the steering program hands to the sockets of the port. */
enum plx_steer { PLX_STEER_ALL, PLX_STEER_NONE };

/* The least stall=.  An lcore that is healthy can lose its CPU for some tens of ms, and the kernel
   counts in ticks of up to 10 ms: below this, frames of such an lcore would pass to the host. */
enum { PLX_STALL_MIN_MS = 100 };

struct plx_link_info;

/* All of a port's configuration: one plain struct, made by plx_port_conf_parse or by
   hand from plx_port_conf_default, read-only afterwards.  0 means "choose". */
struct plx_port_conf {
	size_t   size;                 /* of the structure, or 0: plx_defs.h */
	char name[PLX_IFNAME_MAX]; /* interface, also by an alternative name, or any name below PLX_NAME_MAX for loop
	                              and null */
	char     driver[16];           /* "" = auto */
	uint16_t rxqs, txqs;           /* 0 = as many as the interface has / as rxqs */
	bool     no_rx;                /* rxqs=0: it only sends, and takes nothing from the host */
	uint16_t queue;                /* first device queue */
	uint32_t rxd, txd;             /* ring entries, powers of two 64..PLX_RING_MAX; 0 = 2048 */
	enum plx_xdp_mode mode;
	enum plx_policy   multibuf;    /* chains for frames beyond one buffer */
	enum plx_steer    steer;
	bool     force;                /* take frames although the host's default route or a login comes by them */
	uint32_t bind_timeout_ms;      /* how long a busy queue is waited for; 0 = 2000 */
	uint32_t stall_ms;             /* fail open when an lcore stalls so long, PLX_STALL_MIN_MS or more;
	                                  0 = 1000, UINT32_MAX = never */
	char     peer[PLX_NAME_MAX];   /* loop: the port that receives what this one sends; "" = itself */
	uint16_t frame_len;            /* null: bytes of each frame; 0 = 64 */
	char fanout[12]; /* packet: hash, lb, cpu, rnd, qm; "" = qm if rxqs equal the device's, else hash */
	/* not from text */
	struct plx_pool       *pool;   /* frames; must outlive the port */
	const struct plx_sys  *sys;    /* NULL = &plx_sys_linux */
	const struct plx_log  *log;    /* NULL = silent */
	uint8_t  id;                   /* plx_mbuf.port of what it receives */
	const void *owner;             /* environment it is of; only ports of one owner share an interface */
	struct plx_port *const *ports; /* loop: where a peer is looked up when either starts:
	                                  PLX_PORTS_MAX entries, NULL before open and after close;
	                                  it must outlive the port.  NULL = itself only */
	const struct plx_link_info *link; /* the library's own, NULL: what it knows of the interface */
	uint64_t reserved[23];         /* all 0: members to come take from it, for plx_env_conf has an array of these */
};

extern PLX_API const struct plx_port_conf plx_port_conf_default;

/* plx_port_conf_parse reads "NAME[,key=value...]" over *c.  Pure.  0, or -EINVAL and a
   one-line reason with a suggestion in why[]. */
PLX_API int plx_port_conf_parse(struct plx_port_conf *c, const char *text, char *why, size_t whylen);

/* One key of an --iface argument; the table makes the parser, its errors and the help. */
struct plx_port_key {
	const char *name, *values; /* "rxd", "64..65536": the notation of plx_conf.h */
	const char *def;           /* "2048"; NULL = chosen, what says how */
	const char *what;          /* "receive ring entries" */
};
extern PLX_API const struct plx_port_key plx_port_keys[]; /* ends with name NULL */

#ifdef __cplusplus
}
#endif
#endif

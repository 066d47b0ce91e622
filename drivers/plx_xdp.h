/* SPDX-License-Identifier: MIT */
/* plx_xdp.h - the XDP program that somebody attached to an interface, the socket that
   somebody has on a queue of it, and who that is.
   Internal to drivers/ and runtime/.  Main thread; may block in the kernel. */
#ifndef PLX_XDP_H
#define PLX_XDP_H

#include "plx_sys.h"

struct plx_xdp_info {
	uint32_t id;             /* of the program, 0 = none is attached */
	char     name[16];       /* "" = not told */
	uint8_t  tag[8];         /* hash of its instructions; zeros = not told */
	int32_t  pid;            /* of a process that holds it, 0 = none was found */
	char     comm[16];       /* its name */
	uint32_t link;           /* id of the bpf_link that attaches it, 0 = attached without one, or not told */
	uint8_t  mode;           /* XDP_ATTACHED_DRV, _SKB, _HW, _MULTI; 0 = not told */
};

/* plx_xdp_query fills x for the program on an interface's hook, of whatever mode.  0, also if
   there is none; -errno. */
int plx_xdp_query(uint32_t ifindex, struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_prog fills name and tag of program x->id, as far as told. */
void plx_xdp_prog(struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_owner looks through the open files of all processes for the link that attaches
   program x->id, else for the program itself, and fills pid, comm and link.  It reads at most
   PLX_XDP_FILES_MAX files.  0, or -ENOENT: no process was found: the program is pinned, was
   attached by a command that has ended, or belongs to another pid namespace. */
enum { PLX_XDP_FILES_MAX = 20000 };
int plx_xdp_owner(struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_who writes 'program 12 "steer" of pid 812 (suricata)', as far as known. */
char *plx_xdp_who(const struct plx_xdp_info *x, char *buf, size_t len);

/* plx_xdp_free writes what frees the hook of this interface of x, as words that follow a colon. */
char *plx_xdp_free(const struct plx_xdp_info *x, const char *name, char *buf, size_t len);

struct plx_xsk_holder {
	int32_t  pid;
	char     comm[16];
};

/* plx_xsk_holder finds the process that has an AF_XDP socket on a queue: the kernel tells the
   socket (sock_diag), the open files of all processes whose it is; PLX_XDP_FILES_MAX of them are
   looked at.  0; -EPROTONOSUPPORT: this kernel does not tell its sockets; -ENOENT: it tells of none on
   that queue, in this network namespace; -ESRCH: of one, and no process in sight has it; -errno. */
int plx_xsk_holder(uint32_t ifindex, uint32_t queue, struct plx_xsk_holder *h, const struct plx_sys *sys);

/* In which units of bytes the NIC of a kernel driver counts a receive buffer in zero-copy (af_xdp/unit.c has
   the table).  plx_xdp_unit: the unit, or one of these.  plx_xdp_zc_room: the longest frame that comes whole, of room
   bytes in a frame; of a driver that nobody has looked at by the worst that it may count in.
   plx_xdp_falls_short: a frame of need bytes has no zero-copy for want of room, neither whole nor as a chain, which
   NICs of large units do not have.  plx_xdp_unit_text: the same as words for a line.  Pure; kdriver "" = none is told. */
#define PLX_XDP_UNKNOWN 0u          /* it has no row in the table */
#define PLX_XDP_NO_ZC   UINT32_MAX  /* it has no zero-copy */
uint32_t plx_xdp_unit(const char *kdriver);
uint32_t plx_xdp_zc_room(const char *kdriver, uint32_t room);
bool plx_xdp_falls_short(const char *kdriver, uint32_t room, uint32_t need);
char *plx_xdp_unit_text(const char *kdriver, char *buf, size_t len);

/* plx_xsk_chains: the kernel's AF_XDP sockets take packets of several buffers.  1, 0; -1 = not told. */
int plx_xsk_chains(const struct plx_sys *sys);

#endif

/* SPDX-License-Identifier: MIT */
/* xdp.h - the XDP programs that somebody attached to an interface, the socket that
   somebody has on a queue of it, and who that is.
   Internal to drivers/, runtime/ and the tools.  Main thread; may block in the kernel. */
#ifndef XDP_H
#define XDP_H

#include "link_info.h"
#include "plx_sys.h"

/* A program that runs beside the one that is attached: one that libxdp's dispatcher calls, or the NIC's own. */
enum { PLX_XDP_CALLED_MAX = 10, PLX_XDP_PRIO_NONE = -1 };
struct plx_xdp_called {
	uint32_t id;             /* 0 = there is none */
	int32_t  prio;           /* run priority, the lowest runs first; PLX_XDP_PRIO_NONE = not told */
	char     name[32];       /* "" = not told */
	uint8_t  tag[8];
};

/* What is said of an interface's hook beyond what netlink says. */
struct plx_xdp_list {
	struct plx_xdp_called main; /* native or generic: a single program, or libxdp's dispatcher */
	struct plx_xdp_called hw;   /* in the NIC */
	struct plx_xdp_called called[PLX_XDP_CALLED_MAX]; /* by the dispatcher, in the order they run */
	uint32_t ncalled;
	uint32_t link;           /* id of the bpf_link that attaches main, 0 = none, or not told */
	uint8_t  mode;           /* of main: XDP_ATTACHED_DRV, _SKB; _HW = there is only hw */
	bool     dispatcher;     /* main is libxdp's; ncalled may be 0: what it calls is not told */
};

struct plx_xdp_info {
	uint32_t id;             /* of the program, 0 = none is attached */
	char     name[16];       /* "" = not told */
	uint8_t  tag[8];         /* hash of its instructions; zeros = not told */
	int32_t  pid;            /* of a process that holds it, 0 = none was found */
	char     comm[16];       /* its name */
	uint32_t link;           /* id of the bpf_link that attaches it, 0 = attached without one, or not told */
	uint8_t  mode;           /* XDP_ATTACHED_DRV, _SKB, _HW, _MULTI; 0 = not told */
	/* by plx_xdp_programs */
	bool     dispatcher;     /* it is libxdp's, which calls called[] */
	bool     refused;        /* names and links are told to others only: CAP_SYS_ADMIN is missing */
	uint8_t  ncalled;
	struct plx_xdp_called called[PLX_XDP_CALLED_MAX], hw;
};

/* plx_xdp_query fills x for the program on an interface's hook, of whatever mode.  0, also if
   there is none; -errno. */
int plx_xdp_query(uint32_t ifindex, struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_prog fills name and tag of program x->id, as far as told. */
void plx_xdp_prog(struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_programs asks libxdp for all programs on the hook of x: its dispatcher's, with their run
   priorities, and the NIC's own; and the kernel for the bpf_link.  x comes from plx_xdp_query or discovery; what
   cannot be told stays as it was.  x->id becomes 0 if the program has gone meanwhile.  0, also without a program;
   -EPERM: x->refused; -errno.  Changes nothing; some ms. */
int plx_xdp_programs(uint32_t ifindex, struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_list_linux is plx_sys's way to libxdp.  0; -ENOENT: there is no program, or it went; -EPERM;
   -EBUSY: another user of libxdp holds its lock; -errno.  Any thread. */
int plx_xdp_list_linux(uint32_t ifindex, struct plx_xdp_list *l);

/* Between these two libbpf and libxdp print nothing of what the calling thread does.  Both print on standard error
   unless told not to, and only for the whole process: what other threads print goes where it went, and a
   callback that the program sets meanwhile stays.  May nest; any thread. */
void plx_bpf_quiet_begin(void);
void plx_bpf_quiet_end(void);

/* plx_xdp_owner looks through the open files of all processes for the link that attaches
   program x->id, else for the program itself or one that its dispatcher calls, and fills pid, comm and link.  It reads
   at most PLX_XDP_FILES_MAX files.  0, or -ENOENT: no process was found: the program is pinned, was
   attached by a command that has ended, or belongs to another pid namespace. */
enum { PLX_XDP_FILES_MAX = 20000 };
int plx_xdp_owner(struct plx_xdp_info *x, const struct plx_sys *sys);

/* plx_xdp_linked: is the hook held by a bpf_link, also by one that dies and that no list tells any more?  Asked by
   replacing program prog_fd, which must not be attached, so that nothing changes: a link refuses whatever is asked,
   what ip link attached that it is another one.  True if it cannot be told. */
bool plx_xdp_linked(uint32_t ifindex, int prog_fd);

/* plx_xdp_who writes 'native program 12 "steer" of pid 812 (suricata)', as far as known; of a dispatcher
   also what it calls. */
enum { PLX_XDP_WHO_MAX = 720 }; /* bytes that hold it, and leave a log line room for what to do */
char *plx_xdp_who(const struct plx_xdp_info *x, char *buf, size_t len);

/* plx_xdp_off writes the command that takes x off this interface; plx_xdp_free what frees its hook, as words that
   follow a colon. */
char *plx_xdp_off(const struct plx_xdp_info *x, const char *name, char *buf, size_t len);
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

/* Frames of a pool as AF_XDP uses them. */
enum {
	PLX_XDP_HEADROOM  = 256, /* first in each frame, the kernel's: XDP_PACKET_HEADROOM */
	PLX_XDP_COPY_SEGS = 18,  /* of a packet at most in copy mode: MAX_SKB_FRAGS + 1 at its default */
};
/* plx_xdp_room: bytes that a frame of this size has for a packet.  plx_xdp_need: bytes of the longest packet of an MTU,
   of which it counts a part.  plx_xdp_mtu: the largest MTU whose packets this room holds.  plx_xdp_chain: frames with
   this room that a packet of the MTU takes. */
static inline uint32_t plx_xdp_room(uint32_t frame) { return frame - PLX_XDP_HEADROOM; }
static inline uint32_t plx_xdp_need(uint32_t mtu) { return mtu + PLX_L2_MAX; }
static inline uint32_t plx_xdp_mtu(uint32_t room) { return room > PLX_L2_MAX ? room - PLX_L2_MAX : 0; }
static inline uint32_t plx_xdp_chain(uint32_t mtu, uint32_t room) { return (plx_xdp_need(mtu) + room - 1) / room; }

/* plx_xdp_mtu_text: an MTU that room, of frames of this size, does not hold: "MTU 3000 needs 3022 bytes, a frame of
   2048 holds 1792".  plx_xdp_mtu_fix adds to buf what makes it fit: "--frame-size=4096, or ip link set eth0 mtu 1770".
 */
char *plx_xdp_mtu_text(uint32_t mtu, uint32_t frame, uint32_t room, char *buf, size_t len);
char *plx_xdp_mtu_fix(const char *name, uint32_t mtu, uint32_t frame, uint32_t room, char *buf, size_t len);

/* In which units of bytes the NIC of a kernel driver counts a receive buffer in zero-copy (os/xdp_unit.c has
   the table).  plx_xdp_unit: the unit, or one of these.  plx_xdp_zc_room: the longest frame that comes whole, of room
   bytes in a frame; of a driver that nobody has looked at by the worst that it may count in.
   plx_xdp_falls_short: a frame of need bytes has no zero-copy for want of room, neither whole nor as a chain, which
   NICs of large units do not have.  plx_xdp_unit_text: the same as words for a line.  Pure; kdriver "" = none is
   told. */
#define PLX_XDP_UNKNOWN 0u          /* it has no row in the table */
#define PLX_XDP_NO_ZC   UINT32_MAX  /* it has no zero-copy */
uint32_t plx_xdp_unit(const char *kdriver);
uint32_t plx_xdp_zc_room(const char *kdriver, uint32_t room);
bool plx_xdp_falls_short(const char *kdriver, uint32_t room, uint32_t need);
char *plx_xdp_unit_text(const char *kdriver, char *buf, size_t len);

/* plx_xsk_chains: the kernel's AF_XDP sockets take packets of several buffers.  1, 0; -1 = not told. */
int plx_xsk_chains(const struct plx_sys *sys);

#endif

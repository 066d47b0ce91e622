/* SPDX-License-Identifier: MIT */
/* xdp.c - the XDP programs that somebody attached to an interface, and who that is; cold;
   called where a hook is busy and by what finds out about the machine. */
#include "xdp.h"
#include "file.h"
#include "plx_text.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plx_xdp_prog(struct plx_xdp_info *x, const struct plx_sys *sys)
{
	struct bpf_prog_info info = { 0 };

	if (!x->id || sys->bpf_prog_info(x->id, &info))
		return;
	snprintf(x->name, sizeof(x->name), "%.*s", (int)sizeof(x->name) - 1, info.name);
	memcpy(x->tag, info.tag, sizeof(x->tag));
}

int plx_xdp_query(uint32_t ifindex, struct plx_xdp_info *x, const struct plx_sys *sys)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, o);

	memset(x, 0, sizeof(*x));
	plx_bpf_quiet_begin();
	int err = bpf_xdp_query((int)ifindex, 0, &o);
	plx_bpf_quiet_end();

	x->mode = o.attach_mode;
	x->id = o.prog_id ? o.prog_id : o.drv_prog_id ? o.drv_prog_id : o.skb_prog_id; /* of several none is the one */
	plx_xdp_prog(x, sys);
	return err;
}

int plx_xdp_programs(uint32_t ifindex, struct plx_xdp_info *x, const struct plx_sys *sys)
{
	struct plx_xdp_list l = { 0 };
	int err = x->id ? sys->xdp_list(ifindex, &l) : 0;

	if (err == -ENOENT && x->id)
		return plx_xdp_query(ifindex, x, sys); /* it went; another may have come */
	x->refused = err == -EPERM;
	if (err || !x->id)
		return err;
	const struct plx_xdp_called *m = l.main.id ? &l.main : &l.hw;

	if (m->id != x->id)
		x->link = 0;
	x->id = m->id;
	x->mode = l.mode;
	snprintf(x->name, sizeof(x->name), "%.*s", (int)sizeof(x->name) - 1, m->name);
	memcpy(x->tag, m->tag, sizeof(x->tag));
	if (l.link)
		x->link = l.link;
	x->hw = l.main.id ? l.hw : (struct plx_xdp_called){ 0 };
	x->dispatcher = l.dispatcher;
	x->ncalled = (uint8_t)l.ncalled;
	memcpy(x->called, l.called, sizeof(x->called));
	return 0;
}

/* ---- whose it is ---- */

struct search {
	const struct plx_sys *sys;
	struct plx_xdp_info *x;
	char     path[64];      /* of the directory that is read */
	uint32_t left;          /* files that may still be read */
	int32_t  pid;
};

/* "key:\tvalue" at the begin of a line of an fdinfo file; 0 if it is not there. */
static uint32_t field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *s = text; (s = strstr(s, key)); s += len)
		if ((s == text || s[-1] == '\n') && s[len] == ':')
			return (uint32_t)strtoul(s + len + 1, NULL, 10);
	return 0;
}

static bool is_called(const struct plx_xdp_info *x, uint32_t id)
{
	for (unsigned i = 0; i < x->ncalled; i++)
		if (x->called[i].id == id)
			return true;
	return false;
}

/* The link's holder is the owner; of holders of the program alone the first counts, which may
   also be a tool that looks at it. */
static int search_file(void *arg, const char *name)
{
	struct search *s = arg;
	char path[96], text[1024];

	if (!s->left)
		return -ENOENT;
	s->left--;
	snprintf(path, sizeof(path), "%s/%.20s", s->path, name);
	if (plx_file_read(s->sys, path, text, sizeof(text)) <= 0)
		return 0;
	uint32_t id = field(text, "prog_id"), link = id == s->x->id ? field(text, "link_id") : 0;
	if (id != s->x->id && !is_called(s->x, id))
		return 0;
	if (link || !s->x->pid)
		s->x->pid = s->pid;
	if (link)
		s->x->link = link;
	return link ? 1 : 0;
}

static int search_process(void *arg, const char *name)
{
	struct search *s = arg;
	char *end;
	long pid = strtol(name, &end, 10);

	if (end == name || *end || pid <= 0)
		return 0;
	s->pid = (int32_t)pid;
	snprintf(s->path, sizeof(s->path), "/proc/%ld/fdinfo", pid);
	int stop = plx_file_dir(s->sys, s->path, search_file, s);

	return stop > 0 || !s->left ? 1 : 0; /* a process may end, or be another user's */
}

int plx_xdp_owner(struct plx_xdp_info *x, const struct plx_sys *sys)
{
	struct search s = { .sys = sys, .x = x, .left = PLX_XDP_FILES_MAX };
	char path[64];

	x->pid = 0;
	x->comm[0] = 0;
	if (x->id)
		plx_file_dir(sys, "/proc", search_process, &s);
	if (!x->pid)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/comm", x->pid);
	if (plx_file_read(sys, path, x->comm, sizeof(x->comm)) > 0)
		x->comm[strcspn(x->comm, "\n")] = 0;
	return 0;
}

bool plx_xdp_linked(uint32_t ifindex, int prog_fd)
{
	static const uint32_t modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
	LIBBPF_OPTS(bpf_xdp_attach_opts, o, .old_prog_fd = prog_fd);
	bool linked = false;

	plx_bpf_quiet_begin();
	for (unsigned i = 0; i < PLX_ARRAY_SIZE(modes); i++)
		linked |= bpf_xdp_detach((int)ifindex, modes[i], &o) != -EEXIST;
	plx_bpf_quiet_end();
	return linked;
}

static void add_called(const struct plx_xdp_called *c, char *buf, size_t len)
{
	plx_text_add(buf, len, "program %u", c->id);
	if (*c->name)
		plx_text_add(buf, len, " \"%s\"", c->name);
	if (c->prio != PLX_XDP_PRIO_NONE)
		plx_text_add(buf, len, " (priority %d)", c->prio);
}

static const char *mode_word(uint8_t mode)
{
	return mode == XDP_ATTACHED_DRV ? "native " : mode == XDP_ATTACHED_SKB ? "generic " : mode == XDP_ATTACHED_HW ?
	       "offloaded " : "";
}

char *plx_xdp_who(const struct plx_xdp_info *x, char *buf, size_t len)
{
	buf[0] = 0;
	if (!x->id)
		plx_text_add(buf, len, "another program");
	else
		plx_text_add(buf, len, "%s%sprogram %u", x->dispatcher ? "libxdp's dispatcher, " : "",
		             mode_word(x->mode), x->id);
	if (*x->name)
		plx_text_add(buf, len, " \"%s\"", x->name);
	else if (x->refused)
		plx_text_add(buf, len, " (its name is told to CAP_SYS_ADMIN only)");
	for (unsigned i = 0; i < x->ncalled; i++) {
		plx_text_add(buf, len, !i ? ", which calls " : i + 1u < x->ncalled ? ", " : " and ");
		add_called(&x->called[i], buf, len);
	}
	if (x->dispatcher && !x->ncalled)
		plx_text_add(buf, len, ", which does not tell what it calls");
	if (x->pid)
		plx_text_add(buf, len, "%s of pid %d", x->ncalled ? "," : "", x->pid);
	if (x->pid && *x->comm)
		plx_text_add(buf, len, " (%s)", x->comm);
	if (x->hw.id) {
		plx_text_add(buf, len, ", and in the NIC ");
		add_called(&x->hw, buf, len);
	}
	return buf;
}

char *plx_xdp_off(const struct plx_xdp_info *x, const char *name, char *buf, size_t len)
{
	/* plain "xdp off" leaves a generic program where the driver has native XDP */
	const char *off = x->mode == XDP_ATTACHED_SKB ? "xdpgeneric" : x->mode == XDP_ATTACHED_HW ? "xdpoffload" :
	                  x->mode == XDP_ATTACHED_DRV ? "xdpdrv" : "xdp";

	buf[0] = 0;
	if (x->dispatcher)
		plx_text_add(buf, len, "xdp-loader unload %s --all", PLX_QUOTED(name));
	else if (x->link) /* ip link cannot take a bpf_link off */
		plx_text_add(buf, len, "bpftool link detach id %u", x->link);
	else
		plx_text_add(buf, len, "ip link set dev %s %s off", PLX_QUOTED(name), off);
	return buf;
}

char *plx_xdp_free(const struct plx_xdp_info *x, const char *name, char *buf, size_t len)
{
	char off[PLX_QUOTED_MAX + 64];

	buf[0] = 0;
	plx_xdp_off(x, name, off, sizeof(off));
	if (!x->id)
		plx_text_add(buf, len, "it is gone by now, start again; or an interface above %s has it (ip -d link)",
		             PLX_QUOTED(name));
	else if (x->link && x->pid && !x->dispatcher)
		plx_text_add(buf, len, "end its owner with kill %d, or %s", x->pid, off);
	else if (x->pid)
		plx_text_add(buf, len, "%s, once its owner has ended", off);
	else
		plx_text_add(buf, len, "%s%s", off, !x->refused || x->link ? "" : ", or, if that is EBUSY, end "
		             "the owner of its bpf_link, which bpftool link tells root");
	return buf;
}

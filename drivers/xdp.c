/* SPDX-License-Identifier: MIT */
/* xdp.c - the XDP program that somebody attached to an interface, and who that is; cold;
   called where a hook is busy and by what finds out about the machine. */
#include "plx_xdp.h"
#include "plx_file.h"
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
	int err = bpf_xdp_query((int)ifindex, 0, &o);

	x->mode = o.attach_mode;
	x->id = o.prog_id ? o.prog_id : o.drv_prog_id ? o.drv_prog_id : o.skb_prog_id; /* of several none is the one */
	plx_xdp_prog(x, sys);
	return err;
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
	if (plx_file_read(s->sys, path, text, sizeof(text)) <= 0 || field(text, "prog_id") != s->x->id)
		return 0;
	uint32_t link = field(text, "link_id");
	if (link || !s->x->pid)
		s->x->pid = s->pid;
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
	x->link = 0;
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

char *plx_xdp_who(const struct plx_xdp_info *x, char *buf, size_t len)
{
	buf[0] = 0;
	if (!x->id)
		plx_text_add(buf, len, "another program");
	else
		plx_text_add(buf, len, "program %u", x->id);
	if (*x->name)
		plx_text_add(buf, len, " \"%s\"", x->name);
	if (x->pid)
		plx_text_add(buf, len, " of pid %d", x->pid);
	if (x->pid && *x->comm)
		plx_text_add(buf, len, " (%s)", x->comm);
	return buf;
}

char *plx_xdp_free(const struct plx_xdp_info *x, const char *name, char *buf, size_t len)
{
	/* plain "xdp off" leaves a generic program where the driver has native XDP */
	const char *off = x->mode == XDP_ATTACHED_SKB ? "xdpgeneric" : x->mode == XDP_ATTACHED_HW ? "xdpoffload" :
	                  x->mode == XDP_ATTACHED_DRV ? "xdpdrv" : "xdp";

	buf[0] = 0;
	if (x->link && x->pid)
		plx_text_add(buf, len, "end its owner with kill %d", x->pid); /* ip link cannot take a bpf_link off */
	else
		plx_text_add(buf, len, "%s ip link set dev %s %s off, or, if that is EBUSY, remove the pin of its bpf_link "
		             "(bpftool -f link)", x->pid ? "end its owner, or" : "a left-over one goes with", PLX_QUOTED(name), off);
	return buf;
}

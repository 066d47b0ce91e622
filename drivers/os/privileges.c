/* SPDX-License-Identifier: MIT */
/* privileges.c - what ports need of capabilities and of locked memory, against what the process has.  Cold. */
#include "privileges.h"
#include "file.h"
#include "plx_text.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

/* Of driver af_xdp. */
static const struct need { unsigned cap; const char *name, *word, *call; } needs[] = {
	{ CAP_NET_RAW,   "CAP_NET_RAW",   "cap_net_raw",   "socket(AF_XDP)" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "cap_net_admin", "bpf(BPF_LINK_CREATE) of the XDP program" },
	{ CAP_BPF,       "CAP_BPF",       "cap_bpf",       "bpf(BPF_PROG_LOAD)" },
	{ CAP_IPC_LOCK,  "CAP_IPC_LOCK",  "cap_ipc_lock",  "setsockopt(XDP_UMEM_REG)" },
};

bool privileges_parse(const char *status, uint64_t *missing)
{
	static const char key[] = "CapEff:";
	const char *at = strstr(status, key);

	while (at && at != status && at[-1] != '\n')
		at = strstr(at + 1, key);
	if (!at)
		return false;
	at += sizeof(key) - 1;
	at += strspn(at, " \t");
	if (!isxdigit((unsigned char)*at))
		return false;
	*missing = ~strtoull(at, NULL, 16);
	return true;
}

int privileges_read(const struct plx_sys *sys, const char *path, uint64_t *missing)
{
	char text[8192];
	int n = plx_file_read(sys, path, text, sizeof(text));

	return n < 0 ? n : privileges_parse(text, missing) ? 0 : -EBADMSG;
}

static bool lacks(uint64_t missing, unsigned cap)
{
	return missing >> cap & 1;
}

bool privileges_lack(uint64_t missing, unsigned cap)
{
	return lacks(missing, cap) && (cap != CAP_BPF || lacks(missing, CAP_SYS_ADMIN));
}

const char *privileges_call(unsigned cap)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(needs); i++)
		if (needs[i].cap == cap)
			return needs[i].call;
	return "";
}

bool privileges_xdp(uint64_t missing)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(needs); i++)
		if (needs[i].cap != CAP_IPC_LOCK && privileges_lack(missing, needs[i].cap)) /* the limit may do */
			return false;
	return true;
}

static void add_fix(char *buf, size_t len, const char *words)
{
	plx_text_add(buf, len, ": run as root, or setcap %s+ep on the program", words);
}

char *privileges_text(uint64_t missing, uint64_t memlock, uint64_t bytes, char *buf, size_t len)
{
	char words[128] = "";

	buf[0] = 0;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(needs); i++) {
		const struct need *n = &needs[i];

		if (!privileges_lack(missing, n->cap) || (n->cap == CAP_IPC_LOCK && memlock >= bytes))
			continue;
		plx_text_add(buf, len, "%s%s for %s", *buf ? ", " : "", n->name, n->call);
		if (n->cap == CAP_IPC_LOCK)
			plx_text_add(buf, len, " (or ulimit -l %llu)", (unsigned long long)((bytes + 1023) >> 10));
		plx_text_add(words, sizeof(words), "%s%s", *words ? "," : "", n->word);
	}
	if (*words)
		add_fix(buf, len, words);
	return buf;
}

char *privileges_packet_text(uint64_t missing, char *buf, size_t len)
{
	buf[0] = 0;
	if (privileges_lack(missing, CAP_NET_RAW)) {
		plx_text_add(buf, len, "CAP_NET_RAW for socket(AF_PACKET)");
		add_fix(buf, len, "cap_net_raw");
	}
	return buf;
}

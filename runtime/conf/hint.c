/* SPDX-License-Identifier: MIT */
/* hint.c - what to write for options of DPDK's environment, which hands know by heart.
   Cold, pure; called by the parser and by who reads the file. */
#include "conf.h"
#include <string.h>

static const struct { const char *theirs, *ours; } hints[] = {
	{ "-n", "memory channels are the kernel's: leave it out" },
	{ "-r", "memory ranks are the kernel's: leave it out" },
	{ "-a", "a device is an interface here: --iface NAME" },
	{ "-w", "a device is an interface here: --iface NAME" },
	{ "-b", "only what --iface names is used: leave it out" },
	{ "--allow", "a device is an interface here: --iface NAME" },
	{ "--block", "only what --iface names is used: leave it out" },
	{ "--vdev", "a port of any kind is --iface NAME,driver=WORD" },
	{ "--coremask", "lcores are a list: -l 0-3" },
	{ "--socket-mem", "memory is -m SIZE in all, or --node-mem A,B node by node" },
	{ "--numa-mem", "memory is -m SIZE in all, or --node-mem A,B node by node" },
	{ "--no-huge", "write --huge never" },
	{ "--file-prefix", "write --name NAME" },
	{ "--no-pci", "only what --iface names is used: leave it out" },
};

const char *conf_hint(const char *word)
{
	/* a letter may have its value behind it */
	size_t n = word[0] == '-' && word[1] != '-' ? 2 : strcspn(word, "=");

	for (size_t i = 0; i < PLX_ARRAY_SIZE(hints); i++)
		if (strlen(hints[i].theirs) == n && !strncmp(hints[i].theirs, word, n))
			return hints[i].ours;
	return NULL;
}

/* conf_is_mask: 0x3, 3 or f0 in place of a file. */
bool conf_is_mask(const char *value)
{
	const char *s = value + (strncmp(value, "0x", 2) ? 0 : 2);

	return *s && !s[strspn(s, "0123456789abcdefABCDEF")];
}

/* SPDX-License-Identifier: MIT */
/* topo.h - the machine: CPUs, nodes and hugepages.  Internal to runtime/. */
#ifndef TOPO_H
#define TOPO_H

#include "plx_sys.h"

enum { TOPO_CPUS_MAX = 1024, TOPO_PAGE_SIZES = 2, TOPO_LINKS_MAX = 128 };

struct topo_cpu {
	bool     online;
	bool     allowed;    /* by this process's cpuset and affinity */
	bool     isolated;   /* isolcpus= */
	int16_t  node;       /* -1 = not told */
	int16_t  package;
	int32_t  core;       /* machine-wide number of the core; SMT siblings share it */
};

struct topo_huge { uint64_t page; uint64_t total, free; }; /* bytes of a page; pages of it */

struct topo {
	unsigned ncpus;      /* highest CPU number + 1 */
	struct topo_cpu cpu[TOPO_CPUS_MAX];
	unsigned nnodes;     /* at least 1 */
	struct topo_huge huge[PLX_NODES_MAX][TOPO_PAGE_SIZES]; /* 1 GiB, 2 MiB */
	uint64_t mem_avail;      /* bytes of small pages to be had without swapping, 0 = not told */
	uint64_t missing_caps;   /* bit n: capability n is not effective */
	uint64_t memlock;        /* RLIMIT_MEMLOCK in bytes, UINT64_MAX = unlimited */
	char     links[TOPO_LINKS_MAX][16]; /* interface names, for suggestions */
	unsigned nlinks;
};

/* topo_read fills t by hwloc, sysfs and procfs.  What cannot be read stays unknown
   (node -1, one node, 0 pages); only -ENOMEM fails. */
int topo_read(const struct plx_sys *sys, struct topo *t);

/* topo_allowed_list writes the allowed CPUs as "0-3,8". */
char *topo_allowed_list(const struct topo *t, char *buf, size_t len);

#endif

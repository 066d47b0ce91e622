/* SPDX-License-Identifier: MIT */
/* topo.h - the machine: CPUs, caches, nodes, hugepages, and what of it this process may use.
   Internal to runtime/ and the operator's tool.  Main thread. */
#ifndef TOPO_H
#define TOPO_H

#include "cpuset.h"
#include "plx_sys.h"

enum { TOPO_CPUS_MAX = CPUSET_MAX, TOPO_PAGE_SIZES = 6, TOPO_LINKS_MAX = 128 };

struct topo_cpu {
	bool     present;    /* there, perhaps offline */
	bool     online;
	bool     allowed;    /* by this process's cpuset and affinity */
	bool     barred;     /* by the cpuset of its cgroup: no affinity can bring it back */
	bool     isolated;   /* isolcpus=, or an isolated cpuset partition */
	bool     nohz_full;
	bool     rcu_nocbs;
	int16_t  node;       /* -1 = not told */
	int16_t  package;
	int32_t  core;       /* machine-wide number of the core; SMT siblings share it */
};

/* Hugepages of one size.  A reserved page is free still and promised to somebody's mapping;
   the kernel counts these for the machine and not by node. */
struct topo_huge { uint64_t page; uint64_t total, free, reserved, surplus; }; /* bytes of a page; pages of it */

struct topo_node {
	bool     present;
	bool     barred;     /* by the cpuset of this process's cgroup */
	uint64_t mem_total, mem_free; /* bytes, 0 = not told */
};

/* Where a cgroup is: the mount point of its hierarchy, and the rest of its directory's path. */
struct topo_cgroup_place { char mount[256], below[256]; };
/* What limits this process: the cgroup of the cpuset and that of the CPU time, which cgroup v1
   keeps apart. */
struct topo_cgroup {
	int      version;    /* 1 or 2; 0 = none was found */
	char     path[256];  /* as /proc/self/cgroup tells it */
};

/* What the tightest limit from this process's cgroup to the top leaves it. */
struct topo_limit {
	char     file[576];  /* that says so; "" = there is no limit, as far as is in sight */
	uint64_t left;       /* bytes; caches of files, which the kernel drops first, count as left */
};

struct topo {
	unsigned ncpus;      /* highest CPU number + 1 */
	struct topo_cpu cpu[TOPO_CPUS_MAX];
	unsigned nnodes;     /* highest node number + 1, at least 1 */
	struct topo_node node[PLX_NODES_MAX];
	struct topo_huge huge[PLX_NODES_MAX]
			     [TOPO_PAGE_SIZES]; /* 1 GiB, 2 MiB, then others that exist; page 0 = no more */
	struct topo_huge huge_all[TOPO_PAGE_SIZES]; /* of the machine, the same sizes */
	struct topo_cgroup cpuset, time;
	struct topo_cgroup_place time_at;
	uint64_t quota_us, period_us; /* CPU time of the cgroup in each period; quota 0 = not limited */
	struct topo_limit mem_limit;     /* of small pages */
	struct topo_limit huge_limit[2]; /* of hugepages, as huge_all */
	uint64_t mem_avail;      /* bytes of small pages to be had without swapping, 0 = not told */
	uint64_t huge_room;      /* where hugepages are as many as a set-up would make: the bytes there are to make them
	                            of; 0 = they are those there are, or not told */
	uint64_t missing_caps;   /* bit n: capability n is not effective */
	uint64_t memlock;        /* RLIMIT_MEMLOCK in bytes, UINT64_MAX = unlimited */
	bool     no_chains;      /* AF_XDP of this kernel takes no packets of several buffers */
	char     links[TOPO_LINKS_MAX][16]; /* interface names, for suggestions */
	unsigned nlinks;
};

/* topo_read fills t by hwloc, sysfs and procfs.  What cannot be read stays unknown
   (node -1, one node, 0 pages); only -ENOMEM fails. */
int topo_read(const struct plx_sys *sys, struct topo *t);

/* topo_allowed_list writes the allowed CPUs as "0-3,8". */
char *topo_allowed_list(const struct topo *t, char *buf, size_t len);

/* ---- more than a plan needs ---- */

struct topo_cache {
	uint8_t  level;
	char     type;           /* 'd'ata, 'i'nstructions, 'u'nified */
	uint32_t line;           /* bytes, 0 = not told */
	uint64_t size;           /* bytes */
	struct cpuset cpus;  /* that share it */
};

/* A NIC as the buses show it, which of another machine is all that is known. */
struct topo_nic {
	char     name[16];
	char     bus[32];        /* "0000:81:00.0" */
	uint8_t  mac[6];
	int16_t  node;           /* -1 = not told */
	float    link_gbs;       /* GB/s of its PCI link, 0 = not told */
	struct cpuset near;  /* CPUs at its bus */
};

struct topo_more {
	char     model[96];      /* of the CPUs */
	char     host[64];
	struct topo_cache *caches;
	unsigned ncaches;
	struct topo_nic *nics;
	unsigned nnics;
};

/* topo_read_more finds caches and NICs, of this machine, or (xml not NULL) of the machine that
   an hwloc XML file describes; then *t is read from there too, and what a file cannot tell,
   as rights and this process's limits, is as if there were none.  -EINVAL: xml cannot be read
   or is none.  It takes several times as long as topo_read.  topo_more_free in either case. */
int topo_read_more(struct topo *t, struct topo_more *more, const char *xml);
void topo_more_free(struct topo_more *more);

/* ---- the sources, each alone; what they cannot find they leave ---- */

void topo_init(struct topo *t);
/* hwloc: CPUs, cores, packages, nodes.  0, -ENOMEM, or -EIO and nothing is known. */
int  topo_hwloc(struct topo *t);
/* sysfs: CPUs that are there and online, and the nodes of those that hwloc leaves out. */
void topo_cpus(const struct plx_sys *sys, struct topo *t);
/* The kernel's command line as it took effect: isolcpus, nohz_full, rcu_nocbs. */
void topo_boot(const struct plx_sys *sys, struct topo *t);
/* topo_boot_list reads a list of the command line: "0-3,8", "1-N", "all", "0-63:2/8"; ncpus is
   for the last two.  0 or -EINVAL. */
int  topo_boot_list(struct cpuset *s, const char *text, unsigned ncpus);
/* sysfs: hugepages and memory by node. */
void topo_memory(const struct plx_sys *sys, struct topo *t);
/* procfs: affinity, capabilities, limits, memory; a trial: chains of AF_XDP. */
void topo_self(const struct plx_sys *sys, struct topo *t);
/* cgroup v1 and v2: cpuset, CPU quota, and limits of memory. */
void topo_cgroups(const struct plx_sys *sys, struct topo *t);
/* topo_limits reads the limits, where the texts of /proc/self/cgroup and mountinfo lead. */
void topo_limits(const struct plx_sys *sys, struct topo *t, const char *cgroup, const char *mountinfo);

/* topo_cgroup_find tells from the texts of /proc/self/cgroup and /proc/self/mountinfo where the
   cgroup of a controller ("cpuset", "cpu") is: cg, the mount point and the directory of this
   process below it ("" = the mount point itself).  v1 goes first, since a controller that
   stands there is not in v2.  Pure; false = nowhere. */
bool topo_cgroup_find(const char *cgroup, const char *mountinfo, const char *controller, bool v1,
                      struct topo_cgroup *cg, struct topo_cgroup_place *at);
/* topo_cgroup_up leads one directory up; false at the mount point. */
bool topo_cgroup_up(struct topo_cgroup_place *at);

/* NODE_TEXT is "node 1", until the end of the block it stands in, or none for -1: "no node" of a device. */
char *topo_node_text(char *buf, size_t len, int node, const char *none);
#define NODE_TEXT(node, none) topo_node_text((char[24]){ 0 }, 24, node, none)

#endif

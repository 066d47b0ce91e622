/* SPDX-License-Identifier: MIT */
/* doctor_util.h - a machine that is made up, on which all is well, and what a check says of it. */
#ifndef DOCTOR_UTIL_H
#define DOCTOR_UTIL_H

#include "doctor.h"

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NO_COMMAND "# "  /* expected: no command can fix it, and the fix says so */

static struct doctor d;
static struct iface links[4];
static char *words[16];

/* plan draws d's plan from its facts, as doctor_read does. */
static inline void plan(void)
{
	for (unsigned i = 0; i < d.nports; i++) {
		struct iface *l = d.host.iface[i].found = d.port[i].l;
		struct plx_link_info *li = &d.host.iface[i].link;

		*li = (struct plx_link_info){ .ifindex = l->ifindex,
			                      .mtu = l->mtu,
			                      .up = true,
			                      .rxqs = l->nrxqs,
			                      .txqs = l->ntxqs,
			                      .rxqs_max = 16,
			                      .txqs_max = 16,
			                      .combined = true,
			                      .node = l->node };
		memcpy(li->kdriver, l->kdriver, sizeof(li->kdriver));
		host_zerocopy(li, l);
	}
	d.plan_err = plan_make(&d.plan, &d.conf, &d.host, d.plan_why, sizeof(d.plan_why));
	d.planned = !d.plan_err;
	for (unsigned i = 0; i < d.nports; i++)
		d.port[i].plan = d.planned ? &d.plan.ports[i] : NULL;
}

static inline void set_words(const char *line)
{
	static char text[512];
	char *rest = text;
	unsigned n = 0;

	snprintf(text, sizeof(text), "doctor %s", line);
	while (rest && n < PLX_ARRAY_SIZE(words) - 1)
		words[n++] = strsep(&rest, " ");
	words[n] = NULL;
	d.words = words;
}

/* asked reads the command line and plans anew. */
static inline void asked(const char *line)
{
	char *argv[PLX_ARRAY_SIZE(words) * 2], why[2048];
	static char option[] = "--iface";
	int argc = 0;

	set_words(line);
	plx_env_conf_init(&d.conf);
	argv[argc++] = words[0];
	for (char **w = words + 1; *w; w++) {
		if ((*w)[0] != '-' && (w == words + 1 || argv[argc - 2] == option))
			argv[argc++] = option;
		argv[argc++] = *w;
	}
	argv[argc] = NULL;
	if (plx_env_conf_parse(&d.conf, argc, argv, NULL, why, sizeof(why)))
		fail_msg("%s", why);
	d.nports = d.conf.nports;
	for (unsigned i = 0; i < d.nports; i++) {
		d.port[i].conf = &d.conf.ports[i];
		d.port[i].l = &links[i];
		d.port[i].sysfs = true;
	}
	plan();
}

/* nic: a good one on node 1, four queues whose interrupts are on CPUs 12-15. */
static inline void nic(struct iface *l, const char *name, unsigned ifindex)
{
	iface_link_init(l);
	snprintf(l->name, sizeof(l->name), "%s", name);
	strcpy(l->kdriver, "ice");
	strcpy(l->bus, "0000:81:00.0");
	l->ifindex = ifindex;
	l->node = 1;
	l->type = ARPHRD_ETHER;
	l->mtu = 1500;
	l->flags = IFF_UP | IFF_RUNNING | IFF_PROMISC;
	l->nrxqs = l->ntxqs = 4;
	l->ch_combined = 4;
	l->ch_combined_max = 16;
	l->ch_rx = l->ch_tx = l->ch_rx_max = l->ch_tx_max = 0;
	l->rx_ring = l->rx_ring_max = 4096;
	l->hds = 0;
	l->xdp_told = true;
	l->xdp_features = 0x3f;
	l->zc_max_segs = 8;
	l->f_known = l->f_can = (1u << IFACE_F_N) - 1;
	l->rss_size = 128;
	for (unsigned q = 0; q < 4; q++) {
		l->rxq[q].rss = 32;
		l->rxq[q].irq = 40 + (int)q;
		l->rxq[q].how = IFACE_IRQ_NAPI;
		l->rxq[q].cpu = 12 + (int)q;
		l->rxq[q].node = 1;
		l->rxq[q].xsk = l->txq[q].xsk = 0;
	}
}

/* Two nodes of four cores of two threads; CPUs 4-7 and 12-15 are node 1; lcores on 4-7. */
static inline int healthy(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	d.sys = &plx_sys_linux;
	d.host.topo.nnodes = 2;
	d.host.topo.ncpus = 16;
	d.host.topo.memlock = 8 << 20;
	d.host.topo.mem_avail = 8ull << 30;
	for (unsigned i = 0; i < 16; i++)
		d.host.topo.cpu[i] = (struct topo_cpu){ .present = true,
			                                .online = true,
			                                .allowed = true,
			                                .node = (int16_t)(i / 4 % 2),
			                                .package = (int16_t)(i / 4 % 2),
			                                .core = (int32_t)(i % 8),
			                                .isolated = i / 4 == 1,
			                                .nohz_full = i / 4 == 1,
			                                .rcu_nocbs = i / 4 == 1 };
	for (unsigned n = 0; n < 2; n++)
		d.host.topo.huge[n][1] = (struct topo_huge){ .page = 2ull << 20, .total = 256, .free = 256 };
	d.host.topo.huge[0][0].page = d.host.topo.huge[1][0].page = 1ull << 30;
	d.host.topo.huge_all[1] = (struct topo_huge){ .page = 2ull << 20, .total = 512, .free = 512 };
	d.probe = (struct probe){
		.ring_flags = 1, .sg = 1, .budget = 1, .tx_meta = 1, .jit = 1, .btf = 1, .netdev_cmd = 15, .ethtool = 1
	};
	d.facts = (struct host_facts){ .cap_bnd = UINT64_MAX,
		                       .init_userns = 1,
		                       .memlock_hard = 16 << 20,
		                       .nofile = 1024,
		                       .nofile_hard = 4096,
		                       .exe = "/usr/bin/pollux",
		                       .bpffs = 1,
		                       .unpriv_bpf = 2,
		                       .clocksource = "tsc",
		                       .quota.value = -1 };
	for (unsigned i = 0; i < 16; i++)
		d.cpu[i] = (struct cpu_facts){ .governor = "performance", .idle_us = 2, .all = 100000 };
	nic(&links[0], "eth1", 7);
	nic(&links[1], "eth2", 8);
	asked("eth1 -l 4-7");
	if (d.plan_err)
		fail_msg("%s", d.plan_why);
	return 0;
}

static struct result said;

/* says_of runs one check, on a port if it is one of ports. */
static inline void says_of(const struct patient *p, const char *name, enum status status)
{
	const struct check *c = check_find(name, strlen(name));

	memset(&said, 0, sizeof(said));
	if (!c)
		fail_msg("no check %s", name);
	c->fn(&d, c->port ? p : NULL, &said);
	if (said.status != status)
		fail_msg("%s: status %d, wanted %d: %s", name, said.status, status, said.found.evidence);
	assert_true(*said.found.evidence);
	/* what is wrong has a fix, what is not has none */
	assert_int_equal(*said.found.fix != 0, status == CHECK_WARN || status == CHECK_FAIL);
}

static inline void says(const char *name, enum status status)
{
	says_of(&d.port[0], name, status);
}

static inline void bad(const char *name, enum status status, const char *evidence, const char *fix)
{
	says(name, status);
	if (!strstr(said.found.evidence, evidence))
		fail_msg("%s: '%s' lacks '%s'", name, said.found.evidence, evidence);
	if (!strcmp(fix, NO_COMMAND) ? strncmp(said.found.fix, "# ", 2) : strcmp(fix, said.found.fix))
		fail_msg("%s: fix is '%s', wanted '%s'", name, said.found.fix, fix);
}

#define TEST(fn) cmocka_unit_test_setup(fn, healthy)

#endif

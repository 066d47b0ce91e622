/* SPDX-License-Identifier: MIT */
/* plan_print.c - the plan for people and as JSON, for --dry-run.  Cold, pure but for the
   memory of its text. */
#include "plan.h"
#include "conf.h"
#include "plx_json.h"
#include "plx_text.h"
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *page_name(uint64_t page)
{
	return page >= 1ull << 30 ? "1 GiB" : page >= 2ull << 20 ? "2 MiB" : "4 KiB";
}

/* queues_of writes the interface's queues of port that lcore k polls, as "eth0:0-1,3". */
static void queues_of(FILE *f, const struct plan_port *port, uint16_t k)
{
	uint16_t mine[PLX_QUEUES_MAX], n = 0;
	char list[512];

	for (uint16_t q = 0; q < port->conf.rxqs; q++)
		if (port->rxq_lcore[q] == k)
			mine[n++] = (uint16_t)(port->conf.queue + q);
	if (!n)
		return;
	fprintf(f, " %s:%s", port->conf.name, cpuset_list_text(mine, n, list, sizeof(list)));
}

/* interrupts: a line for each receive queue whose interrupt is known. */
static void interrupts(FILE *f, const struct plan *p, const struct plan_port *o)
{
	for (uint16_t q = 0; q < o->conf.rxqs; q++) {
		const struct plan_irq *irq = &o->rxq_irq[q];
		const struct plan_lcore *l = &p->lcores[o->rxq_lcore[q]];

		if (irq->irq < 0)
			continue;
		fprintf(f, "queue    %s:%u interrupt %d on ", o->conf.name, o->conf.queue + q, irq->irq);
		if (irq->cpu >= 0)
			fprintf(f, "CPU %d%s%s", irq->cpu, irq->node < 0 ? "" : " ", NODE_TEXT(irq->node, ""));
		else
			fprintf(f, "an unknown CPU");
		fprintf(f, " (by %s), polled by lcore %u\n", disco_how_name(irq->how), l->id);
	}
}

/* hook: who has the XDP hook, which a start would be refused for. */
static void hook(FILE *f, const struct plan_port *o)
{
	char who[PLX_XDP_WHO_MAX], how[PLX_QUOTED_MAX + 256];

	if (o->xdp.id)
		fprintf(f, "hook     %s: held by %s: %s\n", o->conf.name, plx_xdp_who(&o->xdp, who, sizeof(who)),
		        plx_xdp_free(&o->xdp, o->conf.name, how, sizeof(how)));
}

/* senders: who sends by which transmit queue, a line for each port. */
static void senders(FILE *f, const struct plan *p, const struct plan_port *o)
{
	fprintf(f, "sends    %-4u ", o->conf.id);
	for (uint16_t q = 0; q < o->conf.txqs; q++) {
		uint16_t others[PLX_LCORES_MAX], n = 0;
		char list[512];

		for (uint16_t i = 0; i < p->nlcores; i++)
			if (o->lcore_txq[i] == q && o->txq_lcore[q] != i)
				others[n++] = p->lcores[i].id;
		fprintf(f, "%s%s:%u lcore %u%s%s", q ? ", " : "", o->conf.name, o->conf.queue + q,
		        p->lcores[o->txq_lcore[q]].id, n ? " and through it " : "",
		        cpuset_list_text(others, n, list, sizeof(list)));
	}
	fprintf(f, "\n");
}

bool plan_may_be_xdp(const struct plan_port *o)
{
	return o->link.ifindex && plx_driver_may_be(&o->conf, "af_xdp");
}

/* mode_name: as mode= takes it. */
static const char *mode_name(const struct plan_port *o)
{
	static const char *const words[] = { "auto", "zc", "native", "generic" }; /* order of plx_xdp_mode */

	return words[o->conf.mode];
}

/* Numbers of nodes may have gaps. */
static unsigned count_nodes(const struct topo *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->nnodes; i++)
		n += t->node[i].present;
	return n ? n : t->nnodes;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static uint64_t sum(const struct plx_beside *b)
{
	return b->rings + b->own;
}

static uint64_t bytes_of_pools(const struct plan *p)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < p->npools; i++)
		n += p->pools[i].bytes;
	return n;
}

/* memory: of the pools, of the program, and what each port takes beside its pool. */
static void memory(FILE *f, const struct plan *p)
{
	uint64_t pools = bytes_of_pools(p), ports = 0;

	for (uint16_t i = 0; i < p->nports; i++)
		ports += sum(&p->ports[i].beside);
	fprintf(f, "memory   %.1f MiB: pools %.1f, program %.1f", mib(pools + plan_beside(p, NULL)), mib(pools),
	        mib(plan_beside(p, NULL) - ports));
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *o = &p->ports[i];

		if (!sum(&o->most))
			continue;
		fprintf(f, ", rings of %s %.1f", o->conf.name, mib(sum(&o->beside)));
		if (sum(&o->most) > sum(&o->beside))
			fprintf(f, " (%.1f if driver=auto comes to driver=packet)", mib(sum(&o->most)));
	}
	fprintf(f, "\n");
}

static void text(FILE *f, const struct plan *p, const struct topo *t)
{
	char list[256];

	fprintf(f, "machine  %u node%s, CPUs %s allowed\n", count_nodes(t), count_nodes(t) == 1 ? "" : "s",
	        topo_allowed_list(t, list, sizeof(list)));
	if (p->main_cpu >= 0)
		fprintf(f, "control  CPU %d\n", p->main_cpu);
	for (uint16_t i = 0; i < p->nlcores; i++) {
		const struct plan_lcore *l = &p->lcores[i];
		cpuset_list_text(l->cpus, l->ncpus, list, sizeof(list));
		fprintf(f, "lcore    %-4u CPU %-8s %-8s %s", l->id, *list ? list : "any", NODE_TEXT(l->node, "no node"),
		        l->service ? "serves" : "polls");
		for (uint16_t k = 0; k < p->nports; k++)
			queues_of(f, &p->ports[k], i);
		fprintf(f, "%s\n", l->service ? " pollers marked service" : l->queues ? "" : " nothing");
	}
	if (p->caches > p->nlcores)
		fprintf(f, "threads  %u of the program may register as lcores\n", p->caches - p->nlcores);
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *o = &p->ports[i];
		fprintf(f, "port     %-4u %-15s driver %-7s rxqs %u txqs %u first %u rxd %u txd %u pool %u", i, o->conf.name,
		        *o->conf.driver ? o->conf.driver : "auto", o->conf.rxqs, o->conf.txqs, o->conf.queue, o->conf.rxd,
		        o->conf.txd, o->pool);
		if (o->link.ifindex)
			fprintf(f, " %s MTU %u%s%s%s", NODE_TEXT(o->link.node, "no node"), o->link.mtu,
			        *o->link.kdriver ? " (" : "", o->link.kdriver, *o->link.kdriver ? ")" : "");
		if (plan_may_be_xdp(o))
			fprintf(f, " mode %s", mode_name(o));
		if (strcmp(o->given, o->conf.name))
			fprintf(f, "; given as %s, another name of it", o->given);
		fprintf(f, "%s%s\n", *o->why ? "; " : "", o->why);
		hook(f, o);
		senders(f, p, o);
		interrupts(f, p, o);
	}
	for (uint16_t i = 0; i < p->npools; i++) {
		const struct plan_pool *o = &p->pools[i];
		fprintf(f, "pool     %-4u %s: %u frames of %u, %llu of them for rings and lcores; "
		        "%.1f MiB in pages of %s",
		        i, NODE_TEXT(o->node, "any node"), o->frames, o->frame_size, (unsigned long long)o->held,
		        (double)o->bytes / (1 << 20), page_name(o->page));
		if (o->page >= 2u << 20)
			fprintf(f, ", %llu of %llu free", (unsigned long long)o->pages, (unsigned long long)o->pages_free);
		fprintf(f, "%s%s\n", *o->why ? "; " : "", o->why);
	}
	memory(f, p);
	for (uint16_t i = 0; i < p->nnotes; i++)
		fprintf(f, "note     %s\n", p->notes[i]);
	fprintf(f, "nothing was changed\n");
}

static void json_lcores(FILE *f, const struct plan *p)
{
	fprintf(f, "\"lcores\":[");
	for (uint16_t i = 0; i < p->nlcores; i++) {
		const struct plan_lcore *l = &p->lcores[i];
		fprintf(f, "%s{\"id\":%u,\"node\":%d,\"queues\":%u,\"service\":%s,\"cpus\":[", i ? "," : "", l->id,
		        l->node, l->queues, l->service ? "true" : "false");
		for (uint16_t k = 0; k < l->ncpus; k++)
			fprintf(f, "%s%u", k ? "," : "", l->cpus[k]);
		fprintf(f, "]}");
	}
	fprintf(f, "]");
}

/* json_senders goes on behind the list of rxq_lcores, and leaves its own open. */
static void json_senders(FILE *f, const struct plan *p, const struct plan_port *o)
{
	bool any = false;

	fprintf(f, "],\"txq_lcores\":[");
	for (uint16_t q = 0; q < o->conf.txqs; q++)
		fprintf(f, "%s%u", q ? "," : "", p->lcores[o->txq_lcore[q]].id);
	fprintf(f, "],\"sends_through\":[");
	for (uint16_t i = 0; i < p->nlcores; i++) {
		const uint16_t q = o->lcore_txq[i];

		if (o->txq_lcore[q] == i)
			continue;
		fprintf(f, "%s{\"lcore\":%u,\"txq\":%u,\"owner\":%u}", any ? "," : "", p->lcores[i].id, q,
		        p->lcores[o->txq_lcore[q]].id);
		any = true;
	}
}

static void json_program(FILE *f, uint32_t id, const char *name, const uint8_t *tag, int32_t prio)
{
	fprintf(f, "{\"id\":%u,\"name\":", id);
	plx_json_text(f, name);
	fprintf(f, ",\"tag\":\"");
	for (size_t i = 0; i < 8; i++)
		fprintf(f, "%02x", tag[i]);
	fprintf(f, "\",\"priority\":");
	fprintf(f, prio == PLX_XDP_PRIO_NONE ? "null}" : "%d}", prio);
}

static void json_hook(FILE *f, const struct plx_xdp_info *x)
{
	static const char *const modes[] = { [XDP_ATTACHED_DRV] = "native", [XDP_ATTACHED_SKB] = "generic",
	                                     [XDP_ATTACHED_HW] = "offloaded" };
	const char *mode = x->mode < PLX_ARRAY_SIZE(modes) ? modes[x->mode] : NULL;

	fprintf(f, ",\"hook\":");
	if (!x->id) {
		fprintf(f, "null");
		return;
	}
	fprintf(f, "{\"mode\":%s%s%s,\"dispatcher\":%s,\"pid\":%d,\"link\":%u,\"program\":", mode ? "\"" : "",
	        mode ? mode : "null", mode ? "\"" : "", x->dispatcher ? "true" : "false", x->pid, x->link);
	json_program(f, x->id, x->name, x->tag, PLX_XDP_PRIO_NONE);
	fprintf(f, ",\"calls\":[");
	for (unsigned i = 0; i < x->ncalled; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_program(f, x->called[i].id, x->called[i].name, x->called[i].tag, x->called[i].prio);
	}
	fprintf(f, "]}");
}

static void json_ports(FILE *f, const struct plan *p)
{
	fprintf(f, "\"ports\":[");
	for (uint16_t i = 0; i < p->nports; i++) {
		const struct plan_port *o = &p->ports[i];
		fprintf(f, "%s{\"name\":", i ? "," : "");
		plx_json_text(f, o->conf.name);
		fprintf(f, ",\"given\":");
		plx_json_text(f, o->given);
		fprintf(f, ",\"driver\":");
		plx_json_text(f, *o->conf.driver ? o->conf.driver : "auto");
		fprintf(f, ",\"mode\":%s%s%s", plan_may_be_xdp(o) ? "\"" : "",
		        plan_may_be_xdp(o) ? mode_name(o) : "null", plan_may_be_xdp(o) ? "\"" : "");
		fprintf(f, ",\"queue\":%u,\"rxqs\":%u,\"txqs\":%u,\"rxd\":%u,\"txd\":%u,\"pool\":%u,\"ifindex\":%u,\"mtu\":%u,"
		        "\"node\":%d,\"beside_bytes\":%llu,\"beside_bytes_most\":%llu,\"rxq_lcores\":[", o->conf.queue,
		        o->conf.rxqs, o->conf.txqs, o->conf.rxd, o->conf.txd,
		        o->pool, o->link.ifindex, o->link.mtu, o->link.node, (unsigned long long)sum(&o->beside),
		        (unsigned long long)sum(&o->most));
		for (uint16_t q = 0; q < o->conf.rxqs; q++)
			fprintf(f, "%s%u", q ? "," : "", p->lcores[o->rxq_lcore[q]].id);
		json_senders(f, p, o);
		fprintf(f, "],\"rxq_irqs\":[");
		for (uint16_t q = 0; o->link.ifindex && q < o->conf.rxqs; q++) {
			const struct plan_irq *irq = &o->rxq_irq[q];
			fprintf(f, "%s{\"irq\":%d,\"cpu\":%d,\"node\":%d,\"known_by\":", q ? "," : "", irq->irq, irq->cpu, irq->node);
			plx_json_text(f, disco_how_name(irq->how));
			fprintf(f, "}");
		}
		fprintf(f, "]");
		json_hook(f, &o->xdp);
		fprintf(f, ",\"why\":");
		plx_json_text(f, o->why);
		fprintf(f, "}");
	}
	fprintf(f, "]");
}

static void json(FILE *f, const struct plan *p, const struct topo *t)
{
	uint64_t most, pools = bytes_of_pools(p), beside = plan_beside(p, &most);

	fprintf(f, "{\"nodes\":%u,\"main_cpu\":%d,\"foreign_threads\":%u,\"memory_bytes\":%llu,\"memory_bytes_most\":%llu,",
	        count_nodes(t), p->main_cpu, p->caches - p->nlcores, (unsigned long long)(pools + beside),
	        (unsigned long long)(pools + most));
	json_lcores(f, p);
	fprintf(f, ",");
	json_ports(f, p);
	fprintf(f, ",\"pools\":[");
	for (uint16_t i = 0; i < p->npools; i++) {
		const struct plan_pool *o = &p->pools[i];
		fprintf(f, "%s{\"node\":%d,\"frames\":%u,\"frame_size\":%u,\"held\":%llu,\"bytes\":%llu,\"page_bytes\":%llu,"
		        "\"hugepages\":%llu,\"hugepages_free\":%llu,\"why\":",
		        i ? "," : "", o->node, o->frames, o->frame_size, (unsigned long long)o->held,
		        (unsigned long long)o->bytes, (unsigned long long)o->page, (unsigned long long)o->pages,
		        (unsigned long long)o->pages_free);
		plx_json_text(f, o->why);
		fprintf(f, "}");
	}
	fprintf(f, "],\"notes\":[");
	for (uint16_t i = 0; i < p->nnotes; i++) {
		fprintf(f, "%s", i ? "," : "");
		plx_json_text(f, p->notes[i]);
	}
	fprintf(f, "]}\n");
}

char *plan_print(const struct plan *p, const struct topo *t, bool as_json)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	if (!f)
		return NULL;
	if (as_json)
		json(f, p, t);
	else
		text(f, p, t);
	if (fclose(f)) {
		free(buf);
		return NULL;
	}
	return buf;
}

/* SPDX-License-Identifier: MIT */
/* print.c - the plan for people and as JSON, for --dry-run.  Cold, pure but for the
   memory of its text. */
#include "plan.h"
#include "conf.h"
#include "membuf.h"
#include "plx_json.h"
#include "plx_text.h"
#include <linux/if_link.h>
#include <stdio.h>
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
		fprintf(f, " (by %s), polled by lcore %u\n", iface_how_name(irq->how), l->id);
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

void plan_text(FILE *f, const struct plan *p, const struct topo *t)
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
		fprintf(f, "port     %-4u %-15s driver %-7s rxqs %u txqs %u first %u rxd %u txd %u pool %u", i,
		        o->conf.name, *o->conf.driver ? o->conf.driver : "auto", o->conf.rxqs, o->conf.txqs,
		        o->conf.queue, o->conf.rxd, o->conf.txd, o->pool);
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
			fprintf(f, ", %llu of %llu free", (unsigned long long)o->pages,
			        (unsigned long long)o->pages_free);
		fprintf(f, "%s%s\n", *o->why ? "; " : "", o->why);
	}
	memory(f, p);
	for (uint16_t i = 0; i < p->nnotes; i++)
		fprintf(f, "note     %s\n", p->notes[i].evidence);
	fprintf(f, "nothing was changed\n");
}

static void json_lcores(struct plx_json *j, const struct plan *p)
{
	plx_json_array(j, "lcores");
	for (uint16_t i = 0; i < p->nlcores; i++) {
		const struct plan_lcore *l = &p->lcores[i];

		plx_json_object(j, NULL);
		plx_json_u64(j, "id", l->id);
		plx_json_i64(j, "node", l->node);
		plx_json_u64(j, "queues", l->queues);
		plx_json_bool(j, "service", l->service);
		plx_json_array(j, "cpus");
		for (uint16_t k = 0; k < l->ncpus; k++)
			plx_json_u64(j, NULL, l->cpus[k]);
		plx_json_array_end(j);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

/* json_queues: the lcores of the port's queues, and who sends through whom. */
static void json_queues(struct plx_json *j, const struct plan *p, const struct plan_port *o)
{
	plx_json_array(j, "rxq_lcores");
	for (uint16_t q = 0; q < o->conf.rxqs; q++)
		plx_json_u64(j, NULL, p->lcores[o->rxq_lcore[q]].id);
	plx_json_array_end(j);
	plx_json_array(j, "txq_lcores");
	for (uint16_t q = 0; q < o->conf.txqs; q++)
		plx_json_u64(j, NULL, p->lcores[o->txq_lcore[q]].id);
	plx_json_array_end(j);
	plx_json_array(j, "sends_through");
	for (uint16_t i = 0; i < p->nlcores; i++) {
		const uint16_t q = o->lcore_txq[i];

		if (o->txq_lcore[q] == i)
			continue;
		plx_json_object(j, NULL);
		plx_json_u64(j, "lcore", p->lcores[i].id);
		plx_json_u64(j, "txq", q);
		plx_json_u64(j, "owner", p->lcores[o->txq_lcore[q]].id);
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

static void json_irqs(struct plx_json *j, const struct plan_port *o)
{
	plx_json_array(j, "rxq_irqs");
	for (uint16_t q = 0; o->link.ifindex && q < o->conf.rxqs; q++) {
		const struct plan_irq *irq = &o->rxq_irq[q];

		plx_json_object(j, NULL);
		plx_json_i64(j, "irq", irq->irq);
		plx_json_i64(j, "cpu", irq->cpu);
		plx_json_i64(j, "node", irq->node);
		plx_json_text(j, "known_by", iface_how_name(irq->how));
		plx_json_object_end(j);
	}
	plx_json_array_end(j);
}

static void json_program(struct plx_json *j, const char *key, uint32_t id, const char *name, const uint8_t tag[8],
                         int32_t prio)
{
	char hex[17];

	for (size_t i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", tag[i]);
	plx_json_object(j, key);
	plx_json_u64(j, "id", id);
	plx_json_text(j, "name", name);
	plx_json_text(j, "tag", hex);
	if (prio == PLX_XDP_PRIO_NONE)
		plx_json_null(j, "priority");
	else
		plx_json_i64(j, "priority", prio);
	plx_json_object_end(j);
}

static void json_hook(struct plx_json *j, const struct plx_xdp_info *x)
{
	static const char *const modes[] = { [XDP_ATTACHED_DRV] = "native", [XDP_ATTACHED_SKB] = "generic",
	                                     [XDP_ATTACHED_HW] = "offloaded" };

	if (!x->id) {
		plx_json_null(j, "hook");
		return;
	}
	plx_json_object(j, "hook");
	plx_json_text(j, "mode", x->mode < PLX_ARRAY_SIZE(modes) ? modes[x->mode] : NULL);
	plx_json_bool(j, "dispatcher", x->dispatcher);
	plx_json_i64(j, "pid", x->pid);
	plx_json_u64(j, "link", x->link);
	json_program(j, "program", x->id, x->name, x->tag, PLX_XDP_PRIO_NONE);
	plx_json_array(j, "calls");
	for (unsigned i = 0; i < x->ncalled; i++)
		json_program(j, NULL, x->called[i].id, x->called[i].name, x->called[i].tag, x->called[i].prio);
	plx_json_array_end(j);
	plx_json_object_end(j);
}

static void json_port(struct plx_json *j, const struct plan *p, const struct plan_port *o)
{
	plx_json_object(j, NULL);
	plx_json_text(j, "name", o->conf.name);
	plx_json_text(j, "given", o->given);
	plx_json_text(j, "driver", *o->conf.driver ? o->conf.driver : "auto");
	plx_json_text(j, "mode", plan_may_be_xdp(o) ? mode_name(o) : NULL);
	plx_json_u64(j, "queue", o->conf.queue);
	plx_json_u64(j, "rxqs", o->conf.rxqs);
	plx_json_u64(j, "txqs", o->conf.txqs);
	plx_json_u64(j, "rxd", o->conf.rxd);
	plx_json_u64(j, "txd", o->conf.txd);
	plx_json_u64(j, "pool", o->pool);
	plx_json_u64(j, "ifindex", o->link.ifindex);
	plx_json_u64(j, "mtu", o->link.mtu);
	plx_json_i64(j, "node", o->link.node);
	plx_json_u64(j, "beside_bytes", sum(&o->beside));
	plx_json_u64(j, "beside_bytes_most", sum(&o->most));
	json_queues(j, p, o);
	json_irqs(j, o);
	json_hook(j, &o->xdp);
	plx_json_text(j, "why", o->why);
	plx_json_object_end(j);
}

static void json_pool(struct plx_json *j, const struct plan_pool *o)
{
	plx_json_object(j, NULL);
	plx_json_i64(j, "node", o->node);
	plx_json_u64(j, "frames", o->frames);
	plx_json_u64(j, "frame_size", o->frame_size);
	plx_json_u64(j, "held", o->held);
	plx_json_u64(j, "bytes", o->bytes);
	plx_json_u64(j, "page_bytes", o->page);
	plx_json_u64(j, "hugepages", o->pages);
	plx_json_u64(j, "hugepages_free", o->pages_free);
	plx_json_text(j, "why", o->why);
	plx_json_object_end(j);
}

void plan_json(struct plx_json *j, const struct plan *p, const struct topo *t)
{
	uint64_t most, pools = bytes_of_pools(p), beside = plan_beside(p, &most);

	plx_json_u64(j, "nodes", count_nodes(t));
	plx_json_i64(j, "main_cpu", p->main_cpu);
	plx_json_u64(j, "registered_threads", (uint64_t)p->caches - p->nlcores);
	plx_json_u64(j, "memory_bytes", pools + beside);
	plx_json_u64(j, "memory_bytes_most", pools + most);
	json_lcores(j, p);
	plx_json_array(j, "ports");
	for (uint16_t i = 0; i < p->nports; i++)
		json_port(j, p, &p->ports[i]);
	plx_json_array_end(j);
	plx_json_array(j, "pools");
	for (uint16_t i = 0; i < p->npools; i++)
		json_pool(j, &p->pools[i]);
	plx_json_array_end(j);
	plx_json_array(j, "notes");
	for (uint16_t i = 0; i < p->nnotes; i++)
		plx_json_text(j, NULL, p->notes[i].evidence);
	plx_json_array_end(j);
}

static void json(FILE *f, const struct plan *p, const struct topo *t)
{
	struct plx_json j;

	plx_json_begin(&j, f);
	plx_json_object(&j, NULL);
	plan_json(&j, p, t);
	plx_json_object_end(&j);
	plx_json_end(&j);
}

char *plan_print(const struct plan *p, const struct topo *t, bool as_json)
{
	struct membuf b;
	FILE *f = membuf_open(&b);

	if (f && as_json)
		json(f, p, t);
	else if (f)
		plan_text(f, p, t);
	return membuf_close(&b);
}

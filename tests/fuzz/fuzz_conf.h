/* SPDX-License-Identifier: MIT */
/* fuzz_conf.h - what the targets of the configuration share: the limits of what is accepted, and that it is told
   and read again as the same. */
#ifndef FUZZ_CONF_H
#define FUZZ_CONF_H

#include "config.h"
#include "fuzz.h"
#include "plx_conf.h"
#include "plx_text.h"

enum { FUZZ_WHY = 2048 };

static inline bool fuzz_word_of(const char *s, const char *list)
{
	const char *at = *s ? strstr(list, s) : list;

	return at && (!*s || ((at == list || at[-1] == ' ') && strchr(" ", at[strlen(s)])));
}

static inline bool fuzz_name(const char *s, size_t room)
{
	if (!memchr(s, 0, room) || !*s)
		return false;
	for (unsigned n; *s; s += n) {
		uint32_t ch;

		n = plx_text_utf8(&ch, s, strlen(s));
		if (!n || ch <= ' ' || ch == 0x7f || ch == '/')
			return false;
	}
	return true;
}

static inline void check_port(const struct plx_port_conf *c)
{
	MUST(fuzz_name(c->name, sizeof(c->name)) && !strpbrk(c->name, "=,"));
	MUST(fuzz_word_of(c->driver, "af_xdp packet loop null"));
	MUST(c->rxqs <= PLX_QUEUES_MAX && c->txqs <= PLX_QUEUES_MAX && (!c->no_rx || !c->rxqs));
	MUST(c->queue <= UINT16_MAX - PLX_QUEUES_MAX);
	MUST(!c->rxd || (c->rxd >= 64 && c->rxd <= PLX_RING_MAX && !(c->rxd & (c->rxd - 1))));
	MUST(!c->txd || (c->txd >= 64 && c->txd <= PLX_RING_MAX && !(c->txd & (c->txd - 1))));
	MUST((unsigned)c->mode <= PLX_XDP_GENERIC && (unsigned)c->multibuf <= PLX_NEVER);
	MUST((unsigned)c->steer <= PLX_STEER_NONE);
	MUST(c->bind_timeout_ms <= 60000);
	MUST(!c->stall_ms || c->stall_ms == UINT32_MAX || (c->stall_ms >= PLX_STALL_MIN_MS && c->stall_ms <= 3600000));
	MUST(!*c->peer || fuzz_name(c->peer, sizeof(c->peer)));
	MUST(!c->frame_len || (c->frame_len >= 60 && c->frame_len <= 3840));
	MUST(fuzz_word_of(c->fanout, "hash lb cpu rnd qm"));
}

static inline bool same_port(const struct plx_port_conf *a, const struct plx_port_conf *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->driver, b->driver) && a->rxqs == b->rxqs && a->txqs == b->txqs &&
	       a->no_rx == b->no_rx && a->queue == b->queue && a->rxd == b->rxd && a->txd == b->txd &&
	       a->mode == b->mode && a->multibuf == b->multibuf && a->steer == b->steer && a->force == b->force &&
	       a->bind_timeout_ms == b->bind_timeout_ms && a->stall_ms == b->stall_ms && !strcmp(a->peer, b->peer) &&
	       a->frame_len == b->frame_len && !strcmp(a->fanout, b->fanout);
}

static inline void check_lcores(const struct plx_lcore_conf *l, uint16_t n)
{
	MUST(n <= PLX_LCORES_MAX);
	for (uint16_t i = 0; i < n; i++) {
		MUST(l[i].ncpus && l[i].ncpus <= PLX_ARRAY_SIZE(l[i].cpus));
		for (uint16_t k = 0; k < l[i].ncpus; k++)
			MUST(l[i].cpus[k] < 1024);
		for (uint16_t k = 0; k < i; k++)
			MUST(l[k].id != l[i].id);
	}
}

static inline void check_conf(const struct plx_env_conf *c)
{
	MUST(*c->name && memchr(c->name, 0, sizeof(c->name)));
	MUST(c->nports <= PLX_PORTS_MAX && c->registered < PLX_LCORES_MAX && c->nnode_mem <= PLX_NODES_MAX);
	check_lcores(c->lcores, c->nlcores);
	check_lcores(c->service, c->nservice);
	for (uint16_t i = 0; i < c->nports; i++)
		check_port(&c->ports[i]);
	MUST(c->main_lcore >= -1 && c->main_lcore < 1024);
	MUST(c->mem <= 1ull << 40);
	for (uint16_t i = 0; i < c->nnode_mem; i++)
		MUST(c->node_mem[i] <= 1ull << 40);
	MUST(!c->mem || !c->nnode_mem);
	MUST(!c->frame_size || c->frame_size == 2048 || c->frame_size == 4096);
	MUST((unsigned)c->huge <= PLX_NEVER && (unsigned)c->idle <= PLX_IDLE_INTERRUPT);
	MUST((unsigned)c->placement <= PLX_PLACE_SPLIT && (unsigned)c->setup <= PLX_SETUP_APPLY);
	MUST(c->log_level >= PLX_LOG_ERROR && c->log_level <= PLX_LOG_DEBUG);
	MUST(!c->json || c->dry_run);
}

static inline bool same_lcores(const struct plx_lcore_conf *a, const struct plx_lcore_conf *b, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		if (a[i].id != b[i].id || a[i].ncpus != b[i].ncpus ||
		    memcmp(a[i].cpus, b[i].cpus, a[i].ncpus * sizeof(a[i].cpus[0])))
			return false;
	return true;
}

/* Of what a file can tell. */
static inline bool same_conf(const struct plx_env_conf *a, const struct plx_env_conf *b)
{
	for (uint16_t i = 0; i < a->nports && a->nports == b->nports; i++)
		if (!same_port(&a->ports[i], &b->ports[i]))
			return false;
	return a->nports == b->nports && !strcmp(a->name, b->name) &&
	       a->nlcores == b->nlcores && same_lcores(a->lcores, b->lcores, a->nlcores) &&
	       a->nservice == b->nservice && same_lcores(a->service, b->service, a->nservice) &&
	       a->registered == b->registered && a->main_lcore == b->main_lcore && a->mem == b->mem &&
	       a->nnode_mem == b->nnode_mem &&
	       !memcmp(a->node_mem, b->node_mem, a->nnode_mem * sizeof(a->node_mem[0])) &&
	       a->huge == b->huge && a->frame_size == b->frame_size && a->idle == b->idle &&
	       a->placement == b->placement && a->setup == b->setup && a->log_level == b->log_level;
}

/* Entry i is shown as a setting; another of the same option of an application is a comment. */
static inline bool is_shown(const struct config_view *v, size_t i)
{
	return !v->e[i].app || !i || !v->e[i - 1].app || strcmp(v->e[i - 1].key, v->e[i].key);
}

static inline void same_app(const struct config_view *a, const struct config_view *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->e[i].app && is_shown(a, i);
	for (size_t i = 0; i < b->n; i++) {
		if (!b->e[i].app)
			continue;
		bool found = false;

		for (size_t k = 0; k < a->n && !found; k++)
			found = a->e[k].app && is_shown(a, k) && !strcmp(a->e[k].key, b->e[i].key) &&
			        !strcmp(a->e[k].value ? a->e[k].value : "true", b->e[i].value ? b->e[i].value : "true");
		MUST(found);
		n--;
	}
	MUST(!n);
}

/* told_again: what pollux config show tells of c, which v has, is read by -c as the same, and its JSON is
   whole. */
static inline void told_again(const struct plx_env_conf *c, const struct config_view *v)
{
	static struct plx_env_conf again;
	struct config_view seen = { NULL, 0, 0, false };
	char *text = NULL, why[FUZZ_WHY];
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	config_show_text(f, v, true);
	fclose(f);
	struct plx_conf_in in = { .file = "again", .text = text, .len = len, .any_app = true, .note = config_note,
	                          .arg = &seen };

	plx_env_conf_init(&again);
	if (plx_env_conf_merge(&again, &in, why, sizeof(why))) {
		fprintf(stderr, "%s\nof:\n%s", why, text);
		MUST(!"what is shown can be read");
	}
	for (size_t i = 0; i < v->n; i++) /* a program's own name is no setting */
		if (!v->e[i].app && !strcmp(v->e[i].key, "name") && v->e[i].from == PLX_FROM_DEFAULT)
			memcpy(again.name, c->name, sizeof(again.name));
	if (!same_conf(c, &again))
		fprintf(stderr, "read again:\n%s", text);
	MUST(same_conf(c, &again));
	same_app(v, &seen);
	json_t *o = config_show_json(v, true), *back;
	size_t settings = 1; /* the ports */

	for (size_t i = 0; i < v->n; i++)
		settings += !v->e[i].app && strcmp(v->e[i].key, "iface");
	char *json = o ? json_dumps(o, 0) : NULL;

	MUST(json && (back = json_loads(json, 0, NULL)));
	MUST(json_equal(o, back) && json_array_size(json_object_get(o, PLX_CONF_PORTS)) == c->nports);
	MUST(json_object_size(o) == settings + !!json_object_get(o, "app"));
	json_decref(o);
	json_decref(back);
	free(json);
	free(text);
	config_view_free(&seen);
}

#endif

/* SPDX-License-Identifier: MIT */
/* wakeups.c - a program that sends at a fixed rate while its wake-ups fail now and then, with every errno
   there is; run by test_wakeups.sh, which judges what it tells: a line "name value" each.
   wakeups ERRORS ERRORS-A-SECOND CALM-SECONDS SPELLS PACKETS-A-SECOND SEED [ARGUMENTS OF POLLUX]:
   undisturbed for CALM-SECONDS, then until ERRORS calls have failed, then undisturbed again, and last as many
   times as SPELLS says all calls fail with EINVAL until the queues are opened anew. */
#include <pollux/plx.h>
#include <pollux/plx_conf.h>
#include <pollux/plx_lcore.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	ERRNOS = 133,
	LEAST_CALLS = 8,
	ROW = 4,          /* calls in a row that may fail */
	LENGTH = 64,
	BEHIND = 16384,   /* packets a sender may be late with before it gives them up */
	LOOK_NS = 10000000,
	SETTLE_NS = 400000000,
	SPELL_S = 10      /* until a queue that is not opened anew counts as stuck */
};

enum phase { START, CALM, STORM, AFTER, CALM_AGAIN, SPELL, DRAIN, PHASES };

struct sender {
	struct plx_rxq *rx;
	struct plx_txq *tx;
	uint64_t due;   /* ns at which the next packet is */
	plx_ctr taken, late;
};

static struct plx_env *env;
static struct plx_sys sys;
static struct sender sender[PLX_QUEUES_MAX];
static unsigned nsenders;
static uint64_t wanted, gap_ns, calm_ns, packet_ns;
/* atomic: any lcore's */
static uint64_t seed, injected, calls, next_call, call_gap, row, of[ERRNOS + 1];
static uint32_t phase;
static bool spell;
/* main's */
static uint64_t calls_before, spells, spell_at, spell_repairs, stuck;
static uint64_t phase_at, phase_taken, spent_ns[PHASES], taken_in[PHASES];
static bool removed;
/* the log's */
static uint64_t reopened_at[PLX_QUEUES_MAX], reopens, least_gap_ns = UINT64_MAX;
/* the pool, from when the run is over until its memory goes */
static struct plx_pool *pool;
static long avail = -1, audit = -1;
static uint32_t frames;

static uint64_t now_ns(void)
{
	return plx_sys_now(&plx_sys_linux);
}

static uint64_t any(void)
{
	uint64_t x = __atomic_add_fetch(&seed, 0x9e3779b97f4a7c15u, __ATOMIC_RELAXED);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* ---- calls that fail ---- */

/* The errno that this wake-up shall fail with, 0 = none.  They come in turn, so that each is met; one in
   eight is followed by another in the next call.  It is calls that are counted: by time, a call that waits
   after others failed would find the next failure due, and hardly any would be well again. */
static int failure(void)
{
	if (__atomic_load_n(&spell, __ATOMIC_RELAXED))
		return EINVAL;
	const uint64_t call = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED), r = any();
	uint64_t at = __atomic_load_n(&next_call, __ATOMIC_RELAXED);

	if (__atomic_load_n(&phase, __ATOMIC_RELAXED) != STORM || call < at)
		return 0;
	const bool again = !(r >> 61) && __atomic_load_n(&row, __ATOMIC_RELAXED) < ROW;

	if (!__atomic_compare_exchange_n(&next_call, &at, call + 1 + (again ? 0 : r % (2 * call_gap)), false,
	                                 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return 0;
	__atomic_store_n(&row, again ? row + 1 : 0, __ATOMIC_RELAXED);
	const uint64_t k = __atomic_fetch_add(&injected, 1, __ATOMIC_RELAXED);
	const int err = (int)(k % ERRNOS) + 1;

	if (k >= wanted)
		return 0;
	__atomic_fetch_add(&of[err], 1, __ATOMIC_RELAXED);
	return err;
}

static ssize_t failing_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
	int err = buf ? 0 : failure();

	if (!err)
		return plx_sys_linux.sendto(fd, buf, n, flags, to, len);
	errno = err;
	return -1;
}

static ssize_t failing_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
	int err = buf ? 0 : failure();

	if (!err)
		return plx_sys_linux.recvfrom(fd, buf, n, flags, from, len);
	errno = err;
	return -1;
}

/* All ports are closed when the pool's memory goes: now every frame has to be in it. */
static int watched_munmap(void *addr, size_t len)
{
	if (pool && (uint8_t *)addr <= pool->area && pool->area < (uint8_t *)addr + len) {
		avail = (long)plx_pool_avail(pool);
		audit = plx_pool_audit(pool);
		pool = NULL;
	}
	return plx_sys_linux.munmap(addr, len);
}

static void on_line(void *arg, enum plx_log_level level, const char *line)
{
	const char *q = strstr(line, ": queue ");
	const uint64_t now = now_ns();

	(void)arg;
	fprintf(stderr, "%s: %s\n", plx_log_level_name(level), line);
	if (!q || !strstr(line, "was opened anew"))
		return;
	unsigned long i = strtoul(q + 8, NULL, 10);

	reopens++;
	if (i >= PLX_QUEUES_MAX)
		return;
	if (reopened_at[i] && now - reopened_at[i] < least_gap_ns)
		least_gap_ns = now - reopened_at[i];
	reopened_at[i] = now;
}

/* ---- sending ---- */

static uint16_t make(struct plx_pool *p, struct plx_mbuf **m, uint16_t n)
{
	static const uint8_t head[14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	n = plx_mbuf_get_bulk(p, m, n);
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *d = plx_mbuf_append(m[i], LENGTH);
		memset(d, 0, LENGTH);
		memcpy(d, head, sizeof(head));
	}
	return n;
}

/* Sends what is due by now. */
static uint16_t send_due(struct sender *s, uint64_t now)
{
	struct plx_mbuf *m[PLX_BURST];
	uint64_t n = s->due <= now ? (now - s->due) / packet_ns + 1 : 0;

	if (n > BEHIND) {
		plx_ctr_add(&s->late, n - BEHIND);
		s->due += (n - BEHIND) * packet_ns;
	}
	n = n < PLX_BURST ? n : PLX_BURST;
	if (!n)
		return 0;
	uint16_t got = make(s->tx->pool, m, (uint16_t)n), k = plx_tx_burst(s->tx, m, got);

	plx_mbuf_put_bulk(m + k, got - k);
	plx_ctr_add(&s->taken, k);
	s->due += k * packet_ns;
	return k;
}

static int sends(void *arg)
{
	struct sender *s = arg;
	struct plx_mbuf *m[PLX_BURST];
	uint16_t n = plx_rx_burst(s->rx, m, PLX_BURST);

	plx_mbuf_put_bulk(m, n);
	if (__atomic_load_n(&phase, __ATOMIC_RELAXED) == DRAIN)
		return n;
	const uint64_t now = now_ns();

	s->due = s->due ? s->due : now;
	return n + send_due(s, now);
}

/* ---- phases ---- */

static uint64_t taken(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < nsenders; i++)
		n += plx_ctr_read(&sender[i].taken);
	return n;
}

static void set_spell(bool on, uint64_t now)
{
	spell_at = now;
	spell_repairs = plx_ctr_read(&plx_env_port(env, 0)->repairs);
	__atomic_store_n(&spell, on, __ATOMIC_RELAXED);
}

/* True: they are over. */
static bool spelled(uint64_t now)
{
	const uint64_t for_ns = now - spell_at;

	if (spell) {
		const bool late = for_ns > SPELL_S * UINT64_C(1000000000);

		if (!late && plx_ctr_read(&plx_env_port(env, 0)->repairs) < spell_repairs + nsenders)
			return false;
		stuck += late;
		spells--;
		set_spell(false, now);
	} else if (for_ns >= SETTLE_NS) {
		if (!spells)
			return true;
		set_spell(true, now);
	}
	return false;
}

static bool over(uint64_t for_ns, uint64_t now)
{
	switch (phase) {
	case SPELL:
		return spelled(now);
	case CALM:
	case CALM_AGAIN:
		return for_ns >= calm_ns;
	case STORM: /* a queue that is stuck must not make it endless */
		return __atomic_load_n(&injected, __ATOMIC_RELAXED) >= wanted ||
		       for_ns > 5 * wanted * gap_ns + SETTLE_NS;
	default:
		return for_ns >= SETTLE_NS;
	}
}

/* Of how many calls one fails, on average: as many as there are in the time between two failures. */
static void set_call_gap(void)
{
	const uint64_t n = __atomic_load_n(&calls, __ATOMIC_RELAXED);

	call_gap = (n - calls_before) * gap_ns / calm_ns;
	call_gap = call_gap > LEAST_CALLS ? call_gap : LEAST_CALLS;
	__atomic_store_n(&next_call, n, __ATOMIC_RELAXED);
}

static int look(void *arg)
{
	const uint64_t now = now_ns();

	(void)arg;
	removed |= plx_port_link(plx_env_port(env, 0)) == PLX_LINK_REMOVED;
	phase_at = phase_at ? phase_at : now;
	if (!over(now - phase_at, now))
		return 0;
	const uint64_t n = taken();

	if (phase == CALM)
		set_call_gap();
	spent_ns[phase] = now - phase_at;
	taken_in[phase] = n - phase_taken;
	phase_at = now;
	phase_taken = n;
	calls_before = __atomic_load_n(&calls, __ATOMIC_RELAXED);
	if (phase == DRAIN) {
		plx_env_stop(env, 0);
		return 1;
	}
	__atomic_store_n(&phase, phase + 1, __ATOMIC_RELAXED);
	return 0;
}

/* ---- the whole ---- */

static uint64_t rate(uint64_t n, uint64_t ns)
{
	return ns ? (uint64_t)((double)n * 1e9 / (double)ns) : 0;
}

static void number(const char *name, uint64_t n)
{
	printf("%s %llu\n", name, (unsigned long long)n);
}

static void tell(const struct plx_port_stats *s, uint64_t repairs)
{
	uint64_t late = 0, errnos = 0;

	for (unsigned i = 0; i < nsenders; i++)
		late += plx_ctr_read(&sender[i].late);
	for (int i = 1; i <= ERRNOS; i++)
		errnos += of[i] > 0;
	number("injected", injected < wanted ? injected : wanted);
	number("errnos", errnos);
	number("busy", of[EBUSY]);
	number("storm_ms", spent_ns[STORM] / 1000000);
	number("calm_pps", rate(taken_in[CALM] + taken_in[CALM_AGAIN], spent_ns[CALM] + spent_ns[CALM_AGAIN]));
	number("storm_pps", rate(taken_in[STORM], spent_ns[STORM]));
	number("late", late);
	number("taken", taken());
	number("received", plx_ctr_read(&s->rx.pkts));
	for (int i = 0; i < PLX_TX_DROP_N; i++)
		printf("drop_%d %llu %s\n", i, (unsigned long long)plx_ctr_read(&s->tx.drop[i]),
		       plx_tx_drop_why((enum plx_tx_drop)i));
	number("stuck", stuck);
	number("repairs", repairs);
	number("reopens", reopens);
	number("least_gap_ms", least_gap_ns == UINT64_MAX ? 0 : least_gap_ns / 1000000);
	number("removed", removed);
	number("frames", frames);
	printf("avail %ld\naudit %ld\n", avail, audit);
}

static int add_senders(uint64_t pps)
{
	struct plx_port *p = plx_env_port(env, 0);
	struct plx_rxq *rx;
	int err = 0;

	if (!p)
		return -EINVAL;
	for (uint16_t q = 0; !err && (rx = plx_port_rxq(p, q)); q++) {
		struct sender *s = &sender[nsenders++];

		*s = (struct sender){ .rx = rx, .tx = plx_env_txq(env, p, plx_lcore_id(plx_env_rxq_lcore(env, rx))) };
		err = s->tx ? plx_poller_add(env, PLX_POLLER(.name = "sends", .fn = sends, .arg = s, .rxq = rx)) :
		              -ENOMEM;
	}
	packet_ns = nsenders * UINT64_C(1000000000) / pps;
	return err ? err : plx_env_timer(env, LOOK_NS, look, NULL);
}

static int begin(int argc, char **argv)
{
	static char why[PLX_HELP_MAX];
	struct plx_env_conf c;
	struct plx_conf_in in = { .argc = argc, .argv = argv };

	sys = plx_sys_linux;
	sys.sendto = failing_sendto;
	sys.recvfrom = failing_recvfrom;
	sys.munmap = watched_munmap;
	plx_env_conf_init(&c);
	c.sys = &sys;
	int err = plx_env_conf_read(&c, &in, why, sizeof(why));

	if (err) {
		fprintf(stderr, "%s\n", why);
		return err;
	}
	c.log.fn = on_line;
	return plx_env_open(&env, &c);
}

int main(int argc, char **argv)
{
	struct plx_port_stats stats;

	if (argc < 7)
		return PLX_EXIT_USAGE;
	wanted = strtoull(argv[1], NULL, 10);
	gap_ns = UINT64_C(1000000000) / strtoull(argv[2], NULL, 10);
	calm_ns = strtoull(argv[3], NULL, 10) * UINT64_C(1000000000);
	spells = strtoull(argv[4], NULL, 10);
	seed = strtoull(argv[6], NULL, 10);
	const uint64_t pps = strtoull(argv[5], NULL, 10);

	argv[6] = argv[0];
	int err = begin(argc - 6, argv + 6);

	if (err)
		return plx_exit_code(err);
	err = add_senders(pps);
	if (!err)
		err = plx_env_run(env);
	struct plx_port *p = plx_env_port(env, 0);
	const uint64_t repairs = plx_ctr_read(&p->repairs);

	plx_port_stats(p, &stats);
	pool = p->pool;
	frames = pool->frames;
	plx_env_fini(env);
	tell(&stats, repairs);
	return plx_exit_code(err);
}

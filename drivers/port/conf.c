/* SPDX-License-Identifier: MIT */
/* conf.c - reading NAME[,key=value...], or key by key, into struct plx_port_conf; pure
   and cold; called by the environment's parsers of arguments and of the file. */
#include "port_conf.h"
#include "plx_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct plx_port_conf plx_port_conf_default = { .size = sizeof(struct plx_port_conf), .multibuf = PLX_PREFER };

static_assert(sizeof(struct plx_port_conf) == 512, "plx_env_conf has an array of it: a new member takes from reserved");

int port_conf_known(const struct plx_port_conf *c)
{
	if (c->size && c->size != sizeof(*c))
		return -EINVAL;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(c->reserved); i++)
		if (c->reserved[i])
			return -E2BIG;
	return 0;
}

/* Which drivers a key means something to.  An undecided (auto) port may become either of
   the device drivers, so it takes the keys of both. */
enum { D_XDP = 1, D_PACKET = 2, D_LOOP = 4, D_NULL = 8, D_ANY = 15 };

static const struct { const char *name; unsigned bit; } driver_bits[] = {
	{ "", D_XDP | D_PACKET }, { "af_xdp", D_XDP }, { "packet", D_PACKET }, { "loop", D_LOOP }, { "null", D_NULL },
};

typedef int key_set(struct plx_port_conf *c, const char *v, char *why, size_t len);

static int one_of(int *at, const char *v, const char *const *words, int n, char *why, size_t len)
{
	for (*at = 0; *at < n; ++*at)
		if (!strcmp(v, words[*at]))
			return 0;
	const char *near = plx_text_near(v, words, (size_t)n);
	plx_text_add(why, len, "\"%s\" is none of ", v);
	for (int i = 0; i < n; i++)
		plx_text_add(why, len, "%s%s", i ? ", " : "", words[i]);
	if (near)
		plx_text_add(why, len, " (did you mean \"%s\"?)", near);
	return -EINVAL;
}

static int number(uint64_t *n, const char *v, uint64_t lo, uint64_t hi, char *why, size_t len)
{
	if (!plx_text_u64(n, v, lo, hi))
		return 0;
	plx_text_add(why, len, "\"%s\" is not a number from %llu to %llu", v,
	             (unsigned long long)lo, (unsigned long long)hi);
	return -EINVAL;
}

static int number16(uint16_t *to, const char *v, uint64_t lo, uint64_t hi, char *why, size_t len)
{
	uint64_t n;
	int err = number(&n, v, lo, hi, why, len);

	if (!err)
		*to = (uint16_t)n;
	return err;
}

static int time_ms(uint32_t *ms, const char *v, uint64_t lo_ms, uint64_t hi_ms, char *why, size_t len)
{
	uint64_t ns;

	if (plx_text_duration(&ns, v, lo_ms * 1000000, hi_ms * 1000000)) {
		plx_text_add(why, len, "\"%s\" is not a time from %llums to %llus, such as 500ms or 2s", v,
		             (unsigned long long)lo_ms, (unsigned long long)hi_ms / 1000);
		return -EINVAL;
	}
	if (ns % 1000000) {
		plx_text_add(why, len, "\"%s\" is no whole number of milliseconds: take %llums", v,
		             (unsigned long long)ns / 1000000);
		return -EINVAL;
	}
	*ms = (uint32_t)(ns / 1000000);
	return 0;
}

static int ring(uint32_t *to, const char *v, char *why, size_t len)
{
	uint64_t n, low = 64;
	int err = number(&n, v, 64, PLX_RING_MAX, why, len);

	if (err)
		return err;
	while (low * 2 <= n)
		low *= 2;
	if (low != n) {
		plx_text_add(why, len, "%s is not a power of two: take %llu or %llu", v,
		             (unsigned long long)low, (unsigned long long)low * 2);
		return -EINVAL;
	}
	*to = (uint32_t)n;
	return 0;
}

/* What cannot be within a name: the kernel refuses blanks and slashes, terminals and JSON the others.  Its length;
   0 and the reason. */
static size_t name_char(const char *s, char *why, size_t len)
{
	uint32_t ch = 0;
	unsigned n = plx_text_utf8(&ch, s, strlen(s));

	if (!n)
		plx_text_add(why, len, "byte 0x%02x of the name is not UTF-8: ip link property add dev NAME "
		             "altname OTHER gives it another", (unsigned char)*s);
	else if (ch <= ' ' || ch == '/' || (ch >= 0x7f && ch < 0xa0))
		plx_text_add(why, len, "a name has no spaces, slashes or control characters");
	else
		return n;
	return 0;
}

static int name_ok(char *to, size_t max, const char *v, char *why, size_t len)
{
	size_t n = strlen(v), step;

	for (const char *s = v; *s; s += step) {
		step = name_char(s, why, len);
		if (!step)
			return -EINVAL;
	}
	if (!n || n >= max) {
		plx_text_add(why, len, n ? "a name has at most %zu bytes" : "a name is missing", max - 1);
		return -EINVAL;
	}
	memcpy(to, v, n + 1);
	return 0;
}

static int set_driver(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	const char *words[16] = { "auto" };
	int at, n = 1;

	while (plx_drivers[n - 1] && n < (int)PLX_ARRAY_SIZE(words)) {
		words[n] = plx_drivers[n - 1]->name;
		n++;
	}
	int err = one_of(&at, v, words, n, why, len);
	if (!err)
		snprintf(c->driver, sizeof(c->driver), "%s", at ? words[at] : "");
	return err;
}

static int set_mode(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	static const char *const words[] = { "auto", "zc", "native", "generic" }; /* order of plx_xdp_mode */
	int at, err = one_of(&at, v, words, PLX_ARRAY_SIZE(words), why, len);

	if (!err)
		c->mode = (enum plx_xdp_mode)at;
	return err;
}

static int set_multibuf(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	static const char *const words[] = { "prefer", "require", "never" }; /* order of plx_policy */
	int at, err = one_of(&at, v, words, PLX_ARRAY_SIZE(words), why, len);

	if (!err)
		c->multibuf = (enum plx_policy)at;
	return err;
}

static int set_steer(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	static const char *const words[] = { "all", "none" }; /* order of plx_steer */
	int at, err = one_of(&at, v, words, PLX_ARRAY_SIZE(words), why, len);

	if (!err)
		c->steer = (enum plx_steer)at;
	return err;
}

static int set_force(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	static const char *const words[] = { "no", "yes" };
	int at, err = one_of(&at, v, words, PLX_ARRAY_SIZE(words), why, len);

	if (!err)
		c->force = at;
	return err;
}

static int set_fanout(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	static const char *const words[] = { "hash", "lb", "cpu", "rnd", "qm" };
	int at, err = one_of(&at, v, words, PLX_ARRAY_SIZE(words), why, len);

	if (!err)
		snprintf(c->fanout, sizeof(c->fanout), "%s", words[at]);
	return err;
}

static int set_queues(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	int err = number16(&c->rxqs, v, 1, PLX_QUEUES_MAX, why, len);

	c->txqs = c->rxqs;
	return err;
}

static int set_rxqs(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	int err = number16(&c->rxqs, v, 0, PLX_QUEUES_MAX, why, len);

	c->no_rx = !err && !c->rxqs;
	return err;
}

static int set_txqs(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return number16(&c->txqs, v, 1, PLX_QUEUES_MAX, why, len);
}

static int set_queue(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return number16(&c->queue, v, 0, UINT16_MAX - PLX_QUEUES_MAX, why, len);
}

static int set_rxd(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return ring(&c->rxd, v, why, len);
}

static int set_txd(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return ring(&c->txd, v, why, len);
}

static int set_bind_timeout(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return time_ms(&c->bind_timeout_ms, v, 1, 60000, why, len);
}

static int set_stall(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	if (!strcmp(v, "off")) {
		c->stall_ms = UINT32_MAX;
		return 0;
	}
	return time_ms(&c->stall_ms, v, PLX_STALL_MIN_MS, 3600000, why, len);
}

static int set_peer(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return name_ok(c->peer, sizeof(c->peer), v, why, len);
}

static int set_size(struct plx_port_conf *c, const char *v, char *why, size_t len)
{
	return number16(&c->frame_len, v, 60, 3840, why, len);
}

/* The table of keys: identifier, key, drivers, values, default, meaning. */
#define KEYS(X) \
	X(driver, "driver", D_ANY, "auto|af_xdp|packet|loop|null", "auto", \
	  "what moves its frames; auto = the best " \
	  "that works; packet leaves the host all of them too") \
	X(queues, "queues", D_ANY, "1..256", NULL, "receive and transmit queues, if not what the interface has") \
	X(rxqs, "rxqs", D_ANY, "0..256", NULL, "receive queues; 0 = it only sends, and takes nothing from the host") \
	X(txqs, "txqs", D_ANY, "1..256", NULL, "transmit queues, if not as many as lcores poll") \
	X(queue, "queue", D_XDP, "0..65279", "0", "first queue of the interface") \
	X(rxd, "rxd", D_XDP | D_PACKET | D_LOOP, "64..65536", "2048", "receive ring entries, a power of two") \
	X(txd, "txd", D_XDP | D_PACKET, "64..65536", "2048", "transmit ring entries, a power of two") \
	X(mode, "mode", D_XDP, "auto|zc|native|generic", "auto", "XDP mode; auto = the best that works") \
	X(multibuf, "multibuf", D_XDP, "prefer|require|never", "prefer", "chains for frames beyond one buffer") \
	X(steer, "steer", D_XDP, "all|none", "all", "what is taken from the host") \
	X(force, "force", D_XDP, "no|yes", "no", \
	  "take the interface of the default route or of an ssh session all the same") \
	X(bind_timeout, "bind-timeout", D_XDP, "1ms..60s", "2s", "how long a busy queue is waited for") \
	X(stall, "stall", D_XDP, "100ms..3600s|off", "1s", "leave frames to the host when an lcore stalls so long") \
	X(fanout, "fanout", D_PACKET, "hash|lb|cpu|rnd|qm", NULL, \
	  "how the kernel spreads frames over the receive queues") \
	X(peer, "peer", D_LOOP, "NAME", NULL, "loop port that receives what this one sends, if not itself") \
	X(size, "size", D_NULL, "60..3840", "64", "bytes of each frame")

const struct plx_port_key plx_port_keys[] = {
#define X(id, name, drivers, values, def, what) { name, values, def, what },
	KEYS(X)
#undef X
	{ NULL, NULL, NULL, NULL }
};

static const struct { unsigned drivers; key_set *set; } key_impl[] = {
#define X(id, name, drivers, values, def, what) { drivers, set_##id },
	KEYS(X)
#undef X
};

enum {
#define X(id, name, drivers, values, def, what) KEY_##id,
	KEYS(X)
#undef X
	KEY_N
};

static int find_key(const char *key, char *why, size_t len)
{
	const char *words[KEY_N];

	for (int i = 0; i < KEY_N; i++) {
		if (!strcmp(key, plx_port_keys[i].name))
			return i;
		words[i] = plx_port_keys[i].name;
	}
	const char *near = plx_text_near(key, words, KEY_N);
	plx_text_add(why, len, "unknown key \"%s\"", key);
	if (near) {
		plx_text_add(why, len, " (did you mean \"%s\"?)", near);
		return -EINVAL;
	}
	for (int i = 0; i < KEY_N; i++)
		plx_text_add(why, len, "%s%s", i ? ", " : "; the keys are ", words[i]);
	return -EINVAL;
}

/* belongs says which drivers key k is of, when c has another. */
static void belongs(const struct plx_port_conf *c, int k, char *why, size_t len)
{
	const char *sep = "";

	plx_text_add(why, len, "key \"%s\" belongs to driver=", plx_port_keys[k].name);
	for (size_t d = 1; d < PLX_ARRAY_SIZE(driver_bits); d++)
		if (key_impl[k].drivers & driver_bits[d].bit) {
			plx_text_add(why, len, "%s%s", sep, driver_bits[d].name);
			sep = "|";
		}
	plx_text_add(why, len, ", not to %s%s", *c->driver ? "driver=" : "an interface of the kernel", c->driver);
}

int port_conf_check(const struct plx_port_conf *c, uint64_t seen, int *key, char *why, size_t len)
{
	unsigned have = D_ANY;

	for (size_t d = 0; d < PLX_ARRAY_SIZE(driver_bits); d++)
		if (!strcmp(c->driver, driver_bits[d].name))
			have = driver_bits[d].bit;
	for (*key = 0; *key < KEY_N; ++*key) {
		if (!(seen >> *key & 1) || key_impl[*key].drivers & have)
			continue;
		belongs(c, *key, why, len);
		return -EINVAL;
	}
	if (seen >> KEY_queues & 1 && seen & (1ull << KEY_rxqs | 1ull << KEY_txqs)) {
		*key = KEY_queues;
		plx_text_add(why, len, "\"queues\" sets both \"rxqs\" and \"txqs\": give one or the others");
		return -EINVAL;
	}
	*key = -1;
	if (!(have & (D_XDP | D_PACKET)) && strlen(c->name) >= PLX_NAME_MAX) {
		plx_text_add(why, len, "a name that is no interface's has at most %d bytes", PLX_NAME_MAX - 1);
		return -EINVAL;
	}
	return 0;
}

/* other_name: how a name that holds what divides keys is given all the same. */
static void other_name(const char *name, char *why, size_t len)
{
	size_t n = strcspn(name, "=,");

	for (int i = 0; i < KEY_N; i++)
		if (strlen(plx_port_keys[i].name) == n && !memcmp(plx_port_keys[i].name, name, n))
			return; /* a key, and the name was forgotten */
	plx_text_add(why, len, "; if it is a name, give it one more without '=' and ',': ip link property "
	             "add dev %s altname OTHER", PLX_QUOTED(name));
}

int port_conf_name(struct plx_port_conf *c, const char *text, char *why, size_t len)
{
	int err = name_ok(c->name, sizeof(c->name), text, why, len);

	if (!err && strpbrk(c->name, "=,")) {
		plx_text_add(why, len, "\"%s\" stands where the interface name belongs: NAME[,key=value...]", c->name);
		other_name(c->name, why, len);
		err = -EINVAL;
	}
	return err;
}

int port_conf_key(struct plx_port_conf *c, const char *key, const char *value, uint64_t *seen, char *why, size_t len)
{
	char reason[512] = "";
	int k = find_key(key, why, len);

	if (k < 0)
		return k;
	if (!value || !*value) {
		plx_text_add(why, len, "key \"%s\" has no value: %s=%s", key, key, plx_port_keys[k].values);
		return -EINVAL;
	}
	if (*seen >> k & 1) {
		plx_text_add(why, len, "key \"%s\" is given twice", key);
		return -EINVAL;
	}
	*seen |= 1ull << k;
	if (key_impl[k].set(c, value, reason, sizeof(reason))) {
		plx_text_add(why, len, "%s: %s", key, reason);
		return -EINVAL;
	}
	return k;
}

/* One key=value; word is cut at its '='. */
static int set_word(struct plx_port_conf *c, char *word, uint64_t *seen, char *why, size_t len)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	int k = port_conf_key(c, word, value, seen, why, len);

	if (k < 0 && !value && find_key(word, (char[512]){ 0 }, 512) < 0)
		plx_text_add(why, len, "; if the name holds the ',', give it one more without: ip link "
		             "property add dev NAME altname OTHER");
	return k < 0 ? k : 0;
}

/* refuse: whatever the text had in it, a reason is one line. */
static int refuse(int err, char *why, size_t len)
{
	for (char *s = why; len && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
	return err;
}

int plx_port_conf_parse(struct plx_port_conf *c, const char *text, char *why, size_t whylen)
{
	PLX_ASSERT(c && text && (why || !whylen));
	struct plx_port_conf n = *c;
	char buf[1024], reason[1024] = "", *rest = buf;
	uint64_t seen = 0;
	int key;

	if (whylen)
		*why = 0;
	if (strlen(text) >= sizeof(buf)) {
		plx_text_add(why, whylen, "longer than %zu bytes", sizeof(buf) - 1);
		return -EINVAL;
	}
	strcpy(buf, text);
	int err = port_conf_name(&n, strsep(&rest, ","), why, whylen);

	if (err)
		return refuse(err, why, whylen);
	while (!err && rest)
		err = set_word(&n, strsep(&rest, ","), &seen, reason, sizeof(reason));
	if (!err)
		err = port_conf_check(&n, seen, &key, reason, sizeof(reason));
	if (!err) {
		*c = n;
		return 0;
	}
	plx_text_add(why, whylen, "%s: %s", n.name, reason);
	return refuse(err, why, whylen);
}

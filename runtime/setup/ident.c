/* SPDX-License-Identifier: MIT */
/* ident.c - what device an object of a set-up is of: numbers of interrupts and interfaces are
   given anew when a device goes and another comes.  Cold; called by apply.c and undo.c.

     irq pci=0000:00:03.0 chip=PCI-MSIX-0000:00:03.0 hwirq=1 actions=eth0-TxRx-0
     if mac=52:54:00:12:34:56 perm=52:54:00:12:34:56 name=eth0

   "-" = not told. */
#include "dev.h"
#include "journal.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <linux/sockios.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* ---- interrupts ---- */

struct seek { const struct plx_sys *sys; int irq; char *pci; size_t len; };

static int has_irq(void *arg, const char *name)
{
	const struct seek *k = arg;
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.64s/msi_irqs/%d", name, k->irq);
	int fd = k->sys->open(path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	k->sys->close(fd);
	snprintf(k->pci, k->len, "%s", name);
	return 1;
}

/* An older kernel shows actions as directories alone. */
static int action_dir(void *arg, const char *name)
{
	char *actions = arg;

	if (!strstr(name, "affinity") && strcmp(name, "node") && strcmp(name, "spurious"))
		plx_text_add(actions, SETUP_IDENT_MAX / 2, "%s%s", *actions ? "," : "", name);
	return 0;
}

/* word makes one word of what a file says: "-" if it is not there, "none" if it is empty. */
static void word(const struct plx_sys *sys, int irq, const char *file, char *buf, size_t len)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/%s", irq, file);
	if (plx_file_read(sys, path, buf, len) < 0) {
		snprintf(buf, len, "-");
		return;
	}
	buf[strcspn(buf, "\n")] = 0;
	if (!*buf)
		snprintf(buf, len, "none");
}

static void put_irq(const struct plx_sys *sys, int irq, char ident[SETUP_IDENT_MAX])
{
	char pci[65] = "-", chip[80], hwirq[24], actions[SETUP_IDENT_MAX / 2], path[40];
	struct seek k = { sys, irq, pci, sizeof(pci) };

	plx_file_dir(sys, "/sys/bus/pci/devices", has_irq, &k);
	word(sys, irq, "chip_name", chip, sizeof(chip));
	word(sys, irq, "hwirq", hwirq, sizeof(hwirq));
	word(sys, irq, "actions", actions, sizeof(actions));
	if (!strcmp(actions, "-")) {
		*actions = 0;
		snprintf(path, sizeof(path), "/proc/irq/%d", irq);
		plx_file_dir(sys, path, action_dir, actions);
		if (!*actions)
			snprintf(actions, sizeof(actions), "none");
	}
	for (char *s = chip; *s; s++)
		*s = *s == ' ' ? '_' : *s;
	for (char *s = actions; *s; s++)
		*s = *s == ' ' ? '_' : *s;
	snprintf(ident, SETUP_IDENT_MAX, "irq pci=%s chip=%s hwirq=%s actions=%s", pci, chip, hwirq, actions);
}

/* ---- interfaces ---- */

static void put_mac(char buf[20], const unsigned char *mac, unsigned n)
{
	static const unsigned char none[6];

	snprintf(buf, 20, "-");
	if (n == 6 && memcmp(mac, none, 6))
		snprintf(buf, 20, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static int put_interface(const struct plx_sys *sys, const char *object, char ident[SETUP_IDENT_MAX])
{
	alignas(struct ethtool_perm_addr) unsigned char buf[sizeof(struct ethtool_perm_addr) + 32] = { 0 };
	struct ethtool_perm_addr *perm = (void *)buf;
	struct ifreq ifr = { 0 };
	char now[20] = "-", made[20] = "-";
	struct setup_dev d;
	int err = setup_dev_open(&d, sys, object);

	if (err)
		return err;
	memcpy(ifr.ifr_name, d.name, sizeof(d.name));
	if (!sys->ioctl(d.fd, SIOCGIFHWADDR, &ifr))
		put_mac(now, (const unsigned char *)ifr.ifr_hwaddr.sa_data, 6);
	perm->cmd = ETHTOOL_GPERMADDR;
	perm->size = 32;
	if (setup_dev_ethtool(&d, perm) >= 0)
		put_mac(made, perm->data, perm->size);
	setup_dev_close(&d);
	snprintf(ident, SETUP_IDENT_MAX, "if mac=%s perm=%s name=%s", now, made, d.name);
	return 0;
}

/* ---- both ---- */

int setup_ident(const struct plx_sys *sys, const struct setup_kind *k, const char *object, char ident[SETUP_IDENT_MAX])
{
	int irq;

	ident[0] = 0;
	if (k->netns)
		return put_interface(sys, object, ident);
	if (k == &setup_file && sscanf(object, "/proc/irq/%d/", &irq) == 1)
		put_irq(sys, irq, ident);
	return 0;
}

/* field copies the word behind key; "-" if there is none. */
static void field(const char *ident, const char *key, char *buf, size_t len)
{
	const char *s = strstr(ident, key);

	snprintf(buf, len, "-");
	if (s)
		snprintf(buf, len, "%.*s", (int)strcspn(s + strlen(key), " "), s + strlen(key));
}

/* told: what was known is the same (1), another (0), or not known any more (-1). */
static int told(const char *was, const char *now, const char *key)
{
	char a[SETUP_IDENT_MAX], b[SETUP_IDENT_MAX];

	field(was, key, a, sizeof(a));
	field(now, key, b, sizeof(b));
	return !strcmp(a, b) ? 1 : !strcmp(b, "-") ? -1 : !strcmp(a, "-");
}

/* An interrupt that nobody handles for now (an interface that is down) is known by where it is alone. */
static enum setup_ident_is compare_irq(const char *was, const char *now)
{
	static const char *const keys[] = { " pci=", " chip=", " hwirq=" };
	bool lost = false;

	for (size_t i = 0; i < PLX_ARRAY_SIZE(keys); i++) {
		int same = told(was, now, keys[i]);

		if (!same)
			return SETUP_IDENT_OTHER;
		lost |= same < 0;
	}
	if (told(was, now, " actions=") > 0)
		return lost ? SETUP_IDENT_UNKNOWN : SETUP_IDENT_SAME;
	if (!strstr(was, " actions=none") && !strstr(now, " actions=none"))
		return SETUP_IDENT_OTHER;
	return lost || strstr(now, " hwirq=-") ? SETUP_IDENT_UNKNOWN : SETUP_IDENT_SAME;
}

/* An address may be changed, and so may a name: one that was built in stays. */
static enum setup_ident_is compare_interface(const char *was, const char *now)
{
	char mac[20], perm[20];

	field(was, " mac=", mac, sizeof(mac));
	field(was, " perm=", perm, sizeof(perm));
	if (strcmp(mac, "-") && told(was, now, " mac=") > 0)
		return SETUP_IDENT_SAME;
	const bool name = told(was, now, " name=") > 0;

	if (name && strcmp(perm, "-") && told(was, now, " perm=") > 0)
		return SETUP_IDENT_SAME;
	return name && !strcmp(mac, "-") && strstr(now, " mac=-") ? SETUP_IDENT_SAME : SETUP_IDENT_OTHER;
}

enum setup_ident_is setup_ident_compare(const char *was, const char *now)
{
	if (!*was || !strcmp(was, now))
		return SETUP_IDENT_SAME; /* a journal of an older version tells none */
	if (!strncmp(was, "irq ", 4) && !strncmp(now, "irq ", 4))
		return compare_irq(was, now);
	if (!strncmp(was, "if ", 3) && !strncmp(now, "if ", 3))
		return compare_interface(was, now);
	return SETUP_IDENT_UNKNOWN;
}

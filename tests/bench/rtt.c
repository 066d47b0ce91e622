/* SPDX-License-Identifier: MIT */
/* rtt.c - one frame at a time to a peer that sends it back, and how long each takes; the
   measuring end of tests/bench/latency.  An AF_PACKET socket that spins, so that the
   figures are the peer's and the kernel's, not this end's sleep. */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TYPE = 0x88b5 /* IEEE 802 local experimental */, ROUNDS_MAX = 1000000, WAIT_NS = 200000000 };

struct frame {
	struct ether_header eth;
	uint32_t seq;
	uint8_t  pad[46];
} __attribute__((packed));

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int open_socket(const char *ifname, uint8_t mac[6])
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(TYPE) };
	struct ifreq ifr = { 0 };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW, htons(TYPE));

	if (fd < 0)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	to.sll_ifindex = (int)if_nametoindex(ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) || bind(fd, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one))) {
		close(fd);
		return -1;
	}
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	return fd;
}

/* Nanoseconds until the frame came back, -1 if it did not, -2 if it could not be sent. */
static int64_t ping(int fd, struct frame *f, uint32_t seq)
{
	struct frame back;

	f->seq = seq;
	int64_t start = now(), t;
	if (send(fd, f, sizeof(*f), 0) != (ssize_t)sizeof(*f))
		return -2;
	do {
		ssize_t n = recv(fd, &back, sizeof(back), MSG_DONTWAIT);
		t = now();
		if (n == (ssize_t)sizeof(back) && back.seq == seq)
			return t - start;
	} while (t - start < WAIT_NS);
	return -1;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void pause_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	if (us)
		nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	struct frame f = { .eth.ether_type = htons(TYPE) };
	int64_t *ns;
	unsigned mac[6];
	long rounds = argc == 5 ? strtol(argv[3], NULL, 10) : 0, gap = argc == 5 ? strtol(argv[4], NULL, 10) : 0;
	long n = 0, lost = 0;

	if (rounds < 1 || rounds > ROUNDS_MAX ||
	    sscanf(argv[2], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) != 6) {
		fprintf(stderr, "usage: rtt INTERFACE PEER-MAC ROUNDS GAP-US\nprints: rounds lost min p50 p99 p99.9 "
		                "max, in us\n");
		return 2;
	}
	for (int i = 0; i < 6; i++)
		f.eth.ether_dhost[i] = (uint8_t)mac[i];
	int fd = open_socket(argv[1], f.eth.ether_shost);
	ns = calloc((size_t)rounds, sizeof(*ns));
	if (fd < 0 || !ns) {
		fprintf(stderr, "rtt: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	for (long i = 0; i < rounds; i++) {
		int64_t t = ping(fd, &f, (uint32_t)i);
		if (t < 0)
			lost++;
		else
			ns[n++] = t;
		pause_us(gap);
	}
	close(fd);
	qsort(ns, (size_t)n, sizeof(*ns), compare);
	if (n)
		printf("%ld %ld %.1f %.1f %.1f %.1f %.1f\n", rounds, lost, (double)ns[0] / 1e3, (double)ns[n / 2] / 1e3,
		       (double)ns[n * 99 / 100] / 1e3, (double)ns[n * 999 / 1000] / 1e3, (double)ns[n - 1] / 1e3);
	else
		printf("%ld %ld - - - - -\n", rounds, lost);
	free(ns);
	return n ? 0 : 1;
}

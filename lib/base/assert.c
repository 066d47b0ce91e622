/* SPDX-License-Identifier: MIT */
/* assert.c - the end of a process that found its own mistake: a line that says what and where, and
   abort().  The one place of lib/ with system calls, for there is nobody left to leave them to. */
#include "fatal_line.h"
#include "thread.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int sayer; /* the thread that says why, the first; atomic */

bool fatal_begin(struct fatal_line *l)
{
	const int self = gettid();
	int first = 0;

	l->n = 0;
	if (!__atomic_compare_exchange_n(&sayer, &first, self, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		if (first != self)
			(void)!poll(NULL, 0, 2 * FATAL_WAIT_MS);
		return false;
	}
	fatal_add(l, program_invocation_short_name);
	fatal_add(l, ": fatal: ");
	return true;
}

void fatal_add(struct fatal_line *l, const char *s)
{
	while (*s && l->n < sizeof(l->text) - 1)
		l->text[l->n++] = *s++;
}

void fatal_add_number(struct fatal_line *l, uint64_t v, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = "0123456789abcdef"[v % base];
	while (v /= base);
	if (base == 16)
		fatal_add(l, "0x");
	fatal_add(l, digits + at);
}

/* A pipe that nobody reads may neither hold the process nor end it by another signal. */
void fatal_end(struct fatal_line *l)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	sigset_t pipe;

	fatal_add(l, ", ");
	if (plx_self.where) {
		plx_self.where(l);
	} else if (gettid() == getpid()) {
		fatal_add(l, "main thread");
	} else {
		fatal_add(l, "thread ");
		fatal_add_number(l, (uint64_t)gettid(), 10);
	}
	l->text[l->n++] = '\n'; /* fatal_add has left a byte for it */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	if (poll(&p, 1, FATAL_WAIT_MS) > 0 && p.revents & POLLOUT)
		(void)!write(STDERR_FILENO, l->text, l->n);
}

void plx_assert_failed(const char *expr, const char *file, int line, const char *function)
{
	struct fatal_line l;

	while (!strncmp(file, "../", 3)) /* of the build's directory */
		file += 3;
	if (fatal_begin(&l)) {
		fatal_add(&l, file);
		fatal_add(&l, ":");
		fatal_add_number(&l, (uint64_t)line, 10);
		fatal_add(&l, ": ");
		fatal_add(&l, function);
		fatal_add(&l, ": assertion failed: ");
		fatal_add(&l, expr);
		fatal_end(&l);
	}
	abort();
}

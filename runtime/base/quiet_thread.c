/* SPDX-License-Identifier: MIT */
/* quiet_thread.c - a thread that leaves signals to others; cold. */
#include "quiet_thread.h"
#include <signal.h>

/* Signals are watch's, or the application's: no thread of ours takes any but those that its own
   faults raise. */
int quiet_thread(const struct plx_sys *sys, pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };
	sigset_t all, old;

	sigfillset(&all);
	for (size_t i = 0; i < PLX_ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = sys->thread_create(thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

/* SPDX-License-Identifier: MIT */
/* fatal.c - signals that end a process for a mistake: before they do, one line names the signal, the
   address, the lcore and its poller.  Then the default action takes its course, so exit status and
   core dump are what they would be.

   The handlers are the process's, not an environment's: the first to open installs them, the last to
   close takes them off, and a signal for which the application, or a sanitizer, has a handler is left alone. */
#include "env.h"
#include "fatal_line.h"
#include "thread.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 64 << 10 };

static const struct { int number; const char *name; bool address; } fatals[] = {
	{ SIGSEGV, "SIGSEGV", true }, { SIGBUS, "SIGBUS", true }, { SIGFPE, "SIGFPE", true },
	{ SIGILL, "SIGILL", true }, { SIGABRT, "SIGABRT", false },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;                        /* under lock: environments that are open */
static bool ours[PLX_ARRAY_SIZE(fatals)];     /* under lock */

/* ---- signal handler: nothing but what is safe there ---- */

static void add_signal(struct fatal_line *l, int sig, const siginfo_t *si)
{
	for (size_t i = 0; i < PLX_ARRAY_SIZE(fatals); i++) {
		if (fatals[i].number != sig)
			continue;
		fatal_add(l, fatals[i].name);
		if (si->si_code > 0 && si->si_code != SI_KERNEL && fatals[i].address) { /* x86 tells some as 0 */
			fatal_add(l, " at address ");
			fatal_add_number(l, (uintptr_t)si->si_addr, 16);
		} else if (si->si_code <= 0 && si->si_pid != getpid()) {
			fatal_add(l, " sent by process ");
			fatal_add_number(l, (uint64_t)si->si_pid, 10);
		}
	}
}

/* The same signal again, with all that the kernel said of it, for the core dump: it comes when this
   handler returns, and finds the registers as they were. */
static void on_fatal(int sig, siginfo_t *si, void *context)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct fatal_line l;

	(void)context;
	if (fatal_begin(&l)) {
		add_signal(&l, sig, si);
		fatal_end(&l);
	}
	sigaction(sig, &dfl, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), sig, si))
		raise(sig);
}

/* ---- cold ---- */

int fatal_up(struct plx_env *env)
{
	struct sigaction sa = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK }, old;

	(void)env;
	sigfillset(&sa.sa_mask);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; !users && i < PLX_ARRAY_SIZE(fatals); i++)
		ours[i] = !sigaction(fatals[i].number, NULL, &old) && !(old.sa_flags & SA_SIGINFO) &&
		          old.sa_handler == SIG_DFL && !sigaction(fatals[i].number, &sa, NULL);
	users++;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* A handler that the application has installed since stays. */
void fatal_down(struct plx_env *env)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, now;

	(void)env;
	pthread_mutex_lock(&lock);
	users--;
	for (size_t i = 0; !users && i < PLX_ARRAY_SIZE(fatals); i++)
		if (ours[i] && !sigaction(fatals[i].number, NULL, &now) && now.sa_flags & SA_SIGINFO &&
		    now.sa_sigaction == on_fatal)
			sigaction(fatals[i].number, &dfl, NULL);
	pthread_mutex_unlock(&lock);
}

void *fatal_stack_up(const struct plx_sys *sys)
{
	stack_t st = { .ss_size = STACK_BYTES }, old;

	if (sigaltstack(NULL, &old) || !(old.ss_flags & SS_DISABLE))
		return NULL;
	st.ss_sp = sys->mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (st.ss_sp == MAP_FAILED)
		return NULL;
	if (!sigaltstack(&st, NULL))
		return st.ss_sp;
	sys->munmap(st.ss_sp, STACK_BYTES);
	return NULL;
}

void fatal_stack_down(const struct plx_sys *sys, void *stack)
{
	const stack_t none = { .ss_flags = SS_DISABLE };

	if (!stack)
		return;
	sigaltstack(&none, NULL);
	sys->munmap(stack, STACK_BYTES);
}

/* SPDX-License-Identifier: MIT */
/* var.c - a variable for each lcore: one offset into as many areas as there are lcores.  Cold;
   an lcore reaches its own by the header's macro alone.

     env->vars  [ lcore 0: A B .. ][ lcore 1: A B .. ] .. [ registered thread 0: A B .. ] ..
                  64 KiB, pages that nobody has touched yet                              */
#include "env.h"
#include "lcore.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

__thread char *plx_lcore_here __attribute__((tls_model("initial-exec")));

static_assert(PLX_LCORE_VARS % 4096 == 0, "two lcores share no page");

int lcore_vars_up(struct plx_env *env)
{
	const size_t bytes = (size_t)env->plan.caches * PLX_LCORE_VARS;
	void *p =
		bytes ? env->sys->mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : NULL;

	if (p == MAP_FAILED) {
		int err = -errno;

		plx_logf(&env->log, PLX_LOG_ERROR, "lcore variables: cannot map %zu KiB: %s; see ulimit -v",
		         bytes >> 10, strerror(-err));
		return err;
	}
	/* A hugepage would be on the node of whoever comes first; without the advice it only may. */
	if (p)
		env->sys->madvise(p, bytes, MADV_NOHUGEPAGE);
	env->vars = p;
	env->vars_used = 0;
	return 0;
}

void lcore_vars_down(struct plx_env *env)
{
	if (env->vars)
		env->sys->munmap(env->vars, (size_t)env->plan.caches * PLX_LCORE_VARS);
	env->vars = NULL;
}

int plx_lcore_var_new(struct plx_env *env, struct plx_lcore_var *v, size_t size, size_t align)
{
	PLX_ASSERT(env && v);
	if (!size || !align || align & (align - 1) || align > 4096) {
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "lcore variables: %zu bytes aligned to %zu (EINVAL): a size above 0 and a power of two "
		         "up to 4096 are possible",
		         size, align);
		return -EINVAL;
	}
	pthread_mutex_lock(&env->lock);
	size_t off = (env->vars_used + align - 1) & ~(align - 1);
	bool fits = off <= PLX_LCORE_VARS && size <= PLX_LCORE_VARS - off;

	if (fits) {
		v->off = off;
		env->vars_used = off + size;
	}
	pthread_mutex_unlock(&env->lock);
	if (!fits)
		plx_logf(&env->log, PLX_LOG_ERROR,
		         "lcore variables: %zu bytes more than the %d there are for each lcore: "
		         "keep a pointer in the variable instead",
		         off + size - PLX_LCORE_VARS, PLX_LCORE_VARS);
	return fits ? 0 : -ENOSPC;
}

void *plx_lcore_var_at(const struct plx_env *env, unsigned i, const struct plx_lcore_var *v)
{
	PLX_ASSERT(env && v);
	return i < env->plan.caches ? env->lcores[i].vars + v->off : NULL;
}

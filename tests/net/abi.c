/* SPDX-License-Identifier: MIT */
/* abi.c - a program with headers of another age than the library's: test_abi.sh builds it with shorter and with longer
   structures.  Each lies at the end of a page behind which nothing may be touched.

   abi LCORES [env|port|poller|pool]: runs a poller on a port in memory, and makes a pool; or asks for what the library
   does not know in that structure, and is refused.  Without -DLATER there is no such thing. */
#include <pollux/plx.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef LATER
#define ASK(what, c, member) do { if (!strcmp(asked, what)) (c)->member = 1; } while (0)
#else
#define ASK(what, c, member) (void)(c)
#endif

static const char *asked = "";

static void *guarded(size_t n)
{
	const size_t page = 4096, room = (n + page - 1) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + room, page, PROT_NONE))
		exit(9);
	return p + room - n;
}

static int count(void *arg)
{
	plx_ctr_add(arg, 1);
	return 0;
}

static int run(struct plx_env *env)
{
	struct plx_poller_conf *c = guarded(sizeof(*c));
	plx_ctr calls = 0;

	*c = *PLX_POLLER(.name = "count", .fn = count, .arg = &calls);
	ASK("poller", c, later);
	int err = plx_poller_add(env, c);

	err = err ? err : plx_env_start(env);
	if (err)
		return err;
	while (plx_ctr_read(&calls) < 1000)
		plx_sys_sleep(&plx_sys_linux, 1000000);
	plx_env_stop(env, 0);
	return plx_env_join(env);
}

static int make_env(const char *lcores)
{
	struct plx_env_conf *c = guarded(sizeof(*c));
	char *argv[] = { "abi", "-l", (char *)lcores, "-m", "8M", "--huge=never", "--iface", "a,driver=loop", NULL };
	char why[2048] = "";
	struct plx_env *env;

	plx_env_conf_init(c);
	snprintf(c->name, sizeof(c->name), "abi");
	if (c->size != sizeof(*c) || c->nports || c->main_lcore != -1)
		return -EBADMSG;
	int err = plx_env_conf_parse(c, 8, argv, NULL, why, sizeof(why));

	if (err) {
		fprintf(stderr, "abi: %s\n", why);
		return err;
	}
	if (c->size != sizeof(*c) || c->nports != 1 || c->mem != 8 << 20)
		return -EBADMSG;
	ASK("env", c, later);
	ASK("port", &c->ports[0], reserved[0]);
	err = plx_env_open(&env, c);
	if (!err) {
		err = run(env);
		plx_env_fini(env);
	}
	return err;
}

static int make_pool(void)
{
	struct plx_pool_conf *c = guarded(sizeof(*c));
	struct plx_pool *pool;
	const uint32_t frames = 512;
	int err;

	*c = (struct plx_pool_conf){ .size = sizeof(*c), .name = "pool", .frames = frames };
	size_t size = plx_pool_size(c);

	ASK("pool", c, later);
	void *mem = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (!size || !mem)
		return -EBADMSG;
	err = plx_pool_init(&pool, mem, c);
	if (!err && (plx_pool_avail(pool) != frames || plx_pool_fini(pool) != mem))
		err = -EBADMSG;
	if (err && plx_pool_size(c)) /* both refuse it */
		err = -EBADMSG;
	free(mem);
	return err;
}

int main(int argc, char **argv)
{
	asked = argc > 2 ? argv[2] : "";
	int err = make_env(argc > 1 ? argv[1] : "0");

	err = err ? err : make_pool();
	printf("%s\n", err ? strerrorname_np(-err) : "ok");
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* test_xdp_list.c - what libxdp and the kernel tell of a hook, on hooks that this kernel may not be able to
   have: libxdp, and libbpf's calls for links, are this file's. */
#include "fd_util.h"
#include "plx_sys.h"
#include "xdp.h"

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xdp/libxdp.h>

/* ---- libxdp ---- */

struct xdp_program { uint32_t id; const char *name; unsigned prio; struct xdp_program *next; };
struct xdp_multiprog { struct xdp_program *main, *hw, *first; bool legacy; enum xdp_attach_mode mode; };

static struct xdp_program pass = { 13, "xdp_pass", 50, NULL },
                          filter = { 14, "a_filter_with_a_long_name_of_its_btf", 10, &pass },
                          dispatcher = { 12, "xdp_dispatcher", 50, NULL }, single = { 9, "theirs", 50, NULL },
                          nic = { 30, "in_the_nic", 50, NULL };
static struct xdp_multiprog hook;
static int get_err, opened, printed;
static pthread_t asker;
static libxdp_print_fn_t xdp_fn;
static libbpf_print_fn_t bpf_fn;

static void say(enum libxdp_print_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (xdp_fn)
		xdp_fn(level, fmt, ap);
	if (bpf_fn)
		bpf_fn((enum libbpf_print_level)level, fmt, ap);
	va_end(ap);
}

libxdp_print_fn_t libxdp_set_print(libxdp_print_fn_t fn)
{
	libxdp_print_fn_t old = xdp_fn;

	xdp_fn = fn;
	return old;
}

libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
	libbpf_print_fn_t old = bpf_fn;

	bpf_fn = fn;
	return old;
}

struct xdp_multiprog *xdp_multiprog__get_from_ifindex(int ifindex)
{
	assert_int_equal(ifindex, 7);
	asker = pthread_self();
	say(LIBXDP_WARN, "this must not be seen\n");
	if (get_err) {
		errno = get_err;
		/* newer ones, and 1.3.1 */
		return get_err == EACCES ? NULL : (struct xdp_multiprog *)(intptr_t)-get_err;
	}
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) /* forgotten, as 1.3.1 does */
		return NULL;
	opened++;
	return &hook;
}

long libxdp_get_error(const void *p)                  { return p == &hook ? 0 : -errno; }
void xdp_multiprog__close(struct xdp_multiprog *mp)   { opened -= mp == &hook; }
bool xdp_multiprog__is_legacy(const struct xdp_multiprog *mp) { return mp->legacy; }
enum xdp_attach_mode xdp_multiprog__attach_mode(const struct xdp_multiprog *mp) { return mp->mode; }
struct xdp_program *xdp_multiprog__main_prog(const struct xdp_multiprog *mp) { return mp->main; }
struct xdp_program *xdp_multiprog__hw_prog(const struct xdp_multiprog *mp)   { return mp->hw; }
const char *xdp_program__name(const struct xdp_program *p)      { return p->name; }
uint32_t xdp_program__id(const struct xdp_program *p)           { return p->id; }
unsigned int xdp_program__run_prio(const struct xdp_program *p) { return p->prio; }
const unsigned char *xdp_program__tag(const struct xdp_program *p) { return p ? (const void *)"12345678" : NULL; }
struct xdp_program *xdp_multiprog__next_prog(const struct xdp_program *p, const struct xdp_multiprog *mp)
{
	return mp->legacy ? NULL : p ? p->next : mp->first;
}

/* ---- the kernel's links, and the programs of those ---- */

static struct bpf_link_info links[8];
static unsigned nlinks;
enum { LINK_FD = 1000000, PROG_FD = 2000000 };

int bpf_link_get_next_id(uint32_t id, uint32_t *next)
{
	if (id >= nlinks)
		return -ENOENT;
	*next = id + 1;
	return 0;
}

int bpf_link_get_fd_by_id(uint32_t id)
{
	return links[id - 1].id ? LINK_FD + (int)id : -ENOENT; /* gone between */
}

int bpf_prog_get_fd_by_id(uint32_t id)
{
	return PROG_FD + (int)id;
}

int bpf_obj_get_info_by_fd(int fd, void *info, uint32_t *len)
{
	if (fd < PROG_FD) {
		memcpy(info, &links[fd - LINK_FD - 1], *len);
		return 0;
	}
	snprintf(((struct bpf_prog_info *)info)->name, BPF_OBJ_NAME_LEN, "by_link_%u", (unsigned)(fd - PROG_FD) % 100);
	return 0;
}

static int count_bpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return ++printed;
}

static int count_xdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return ++printed;
}

static int set_up(void **state)
{
	(void)state;
	hook = (struct xdp_multiprog){ .main = &single, .legacy = true, .mode = XDP_MODE_NATIVE };
	get_err = opened = printed = 0;
	nlinks = 0;
	xdp_fn = count_xdp;
	bpf_fn = count_bpf;
	setenv("LIBXDP_BPFFS", "/none", 1);
	return 0;
}

/* What stays behind of each question: nothing. */
static int ask(struct plx_xdp_list *l)
{
	const unsigned fds = count_fds();
	int err = plx_xdp_list_linux(7, l);

	assert_int_equal(opened, 0);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(printed, 0);
	assert_ptr_equal(xdp_fn, count_xdp);
	assert_ptr_equal(bpf_fn, count_bpf);
	return err;
}

static const char *who(struct plx_xdp_list *l)
{
	static char buf[PLX_XDP_WHO_MAX];
	static struct plx_sys sys;
	struct plx_xdp_info x = { .id = 12 };

	sys = plx_sys_linux;
	assert_int_equal(ask(l), 0);
	assert_int_equal(plx_xdp_programs(7, &x, &sys), 0);
	return plx_xdp_who(&x, buf, sizeof(buf));
}

static void test_single(void **state)
{
	struct plx_xdp_list l;

	(void)state;
	assert_string_equal(who(&l), "native program 9 \"theirs\"");
	assert_false(l.dispatcher);
	assert_memory_equal(l.main.tag, "12345678", 8);
	hook.mode = XDP_MODE_SKB;
	assert_string_equal(who(&l), "generic program 9 \"theirs\"");
	hook.hw = &nic;
	assert_string_equal(who(&l), "generic program 9 \"theirs\", and in the NIC program 30 \"in_the_nic\"");
	hook.main = NULL;
	assert_string_equal(who(&l), "offloaded program 30 \"in_the_nic\"");
	assert_int_equal(l.mode, XDP_ATTACHED_HW);
	assert_false(pthread_equal(asker, pthread_self()));
}

static void test_dispatcher(void **state)
{
	struct plx_xdp_list l;

	(void)state;
	hook = (struct xdp_multiprog){ .main = &dispatcher, .first = &filter, .mode = XDP_MODE_NATIVE };
	assert_string_equal(who(&l), "libxdp's dispatcher, native program 12 \"xdp_dispatcher\", which calls "
	                    "program 14 \"a_filter_with_a_long_name_of_it\" (priority 10) and program 13 "
	                    "\"xdp_pass\" (priority 50)");
	assert_int_equal(l.ncalled, 2);
	assert_int_equal(l.called[0].prio, 10);
	pass.next = &filter; /* more than there can be */
	assert_int_equal(ask(&l), 0);
	assert_int_equal(l.ncalled, PLX_XDP_CALLED_MAX);
	assert_true(strlen(who(&l)) < PLX_XDP_WHO_MAX - 1);
	pass.next = NULL;
}

static void replaces(uint32_t prog, uint32_t of)
{
	links[nlinks] = (struct bpf_link_info){ .id = nlinks + 1, .type = BPF_LINK_TYPE_TRACING, .prog_id = prog };
	links[nlinks++].tracing.target_obj_id = of;
}

/* Without a BPF file system libxdp sees one program; what it calls the links tell, but no priorities. */
static void test_no_pins(void **state)
{
	struct plx_xdp_list l;

	(void)state;
	hook = (struct xdp_multiprog){ .main = &dispatcher, .legacy = true, .mode = XDP_MODE_NATIVE };
	assert_string_equal(who(&l), "libxdp's dispatcher, native program 12 \"xdp_dispatcher\", which does not tell "
	                    "what it calls");
	replaces(20, 11);
	replaces(21, 12);
	links[nlinks++] = (struct bpf_link_info){ .id = 0 };
	replaces(22, 12);
	assert_string_equal(who(&l), "libxdp's dispatcher, native program 12 \"xdp_dispatcher\", which calls program "
	                    "21 \"by_link_21\" and program 22 \"by_link_22\"");
	hook.legacy = false; /* the pins are seen: each once */
	hook.first = &filter;
	assert_int_equal(ask(&l), 0);
	assert_int_equal(l.ncalled, 2);
	hook = (struct xdp_multiprog){ .main = &single, .legacy = true };
	assert_int_equal(ask(&l), 0);
	assert_int_equal(l.ncalled, 0);
}

static void test_link(void **state)
{
	struct plx_xdp_list l;

	(void)state;
	links[nlinks++] = (struct bpf_link_info){ .id = 1, .type = BPF_LINK_TYPE_XDP, .prog_id = 9, .xdp.ifindex = 8 };
	links[nlinks++] = (struct bpf_link_info){ .id = 2, .type = BPF_LINK_TYPE_XDP, .prog_id = 10, .xdp.ifindex = 7 };
	assert_int_equal(ask(&l), 0);
	assert_int_equal(l.link, 0);
	links[nlinks++] = (struct bpf_link_info){ .id = 3, .type = BPF_LINK_TYPE_XDP, .prog_id = 9, .xdp.ifindex = 7 };
	assert_int_equal(ask(&l), 0);
	assert_int_equal(l.link, 3);
}

static void test_errors(void **state)
{
	struct plx_xdp_list l;
	char dir[] = "/tmp/plx_xdp_XXXXXX", xdp[64];

	(void)state;
	get_err = ENOENT;
	assert_int_equal(ask(&l), -ENOENT);
	get_err = EPERM;
	assert_int_equal(ask(&l), -EPERM);
	get_err = EACCES;
	assert_int_equal(ask(&l), -EACCES);
	get_err = 0;
	hook.main = NULL; /* neither of them */
	assert_int_equal(ask(&l), -ENOENT);
	assert_non_null(mkdtemp(dir));
	snprintf(xdp, sizeof(xdp), "%s/xdp", dir);
	assert_int_equal(mkdir(xdp, 0700), 0);
	setenv("LIBXDP_BPFFS", dir, 1);
	hook.main = &single;
	int fd = open(xdp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0); /* another user of libxdp, that hangs */
	assert_int_equal(ask(&l), -EBUSY);
	close(fd);
	assert_int_equal(ask(&l), 0);
	rmdir(xdp);
	rmdir(dir);
}

static int other_xdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

static void *others(void *arg)
{
	(void)arg;
	say(LIBXDP_WARN, "of the program\n");
	return NULL;
}

static void other_thread(void)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, others, NULL), 0);
	pthread_join(t, NULL);
}

/* The callbacks are the whole process's: a program's own stay its own. */
static void test_quiet(void **state)
{
	(void)state;
	plx_bpf_quiet_begin();
	plx_bpf_quiet_begin();
	say(LIBXDP_WARN, "ours\n");
	assert_int_equal(printed, 0);
	other_thread();
	assert_int_equal(printed, 2); /* by both */
	plx_bpf_quiet_end();
	say(LIBXDP_WARN, "ours\n");
	assert_int_equal(printed, 2);
	libxdp_print_fn_t seen = xdp_fn;
	libxdp_set_print(other_xdp); /* meanwhile, by the program */
	plx_bpf_quiet_end();
	assert_ptr_equal(xdp_fn, other_xdp);
	assert_ptr_equal(bpf_fn, count_bpf);
	libxdp_set_print(seen); /* which puts back what it had seen */
	plx_bpf_quiet_begin();
	say(LIBXDP_WARN, "ours\n");
	other_thread();
	assert_int_equal(printed, 4);
	plx_bpf_quiet_end();
	say(LIBXDP_WARN, "of the program\n");
	assert_int_equal(printed, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_single, set_up), cmocka_unit_test_setup(test_dispatcher, set_up),
		cmocka_unit_test_setup(test_no_pins, set_up), cmocka_unit_test_setup(test_link, set_up),
		cmocka_unit_test_setup(test_errors, set_up), cmocka_unit_test_setup(test_quiet, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_privileges.c - which privilege is missing, from the text of /proc to the words of a line. */
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define BIT(n) (1ull << (n))

static void test_parse(void **state)
{
	static const struct { const char *status; bool told; uint64_t missing; } rows[] = {
		{ "Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t01\n", true, UINT64_MAX },
		{ "CapEff:\tffffffffffffffff\n", true, 0 }, { "CapEff: 2000", true, ~0x2000ull },
		{ "Name:\tCapEff: 0\nCapEff:\t000000000000000f\n", true, ~0xfull }, /* a name that somebody chose */
		{ "Name:\tx\n", false, 7 }, { "CapEff:\n", false, 7 }, { "CapEff:\nCpus_allowed_list:\t0\n", false, 7 },
		{ "", false, 7 },
		{ "Name:\tCapEff: 0\n", false, 7 },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		uint64_t missing = 7;

		assert_int_equal(privileges_parse(rows[i].status, &missing), rows[i].told);
		assert_true(missing == rows[i].missing);
	}
}

static void test_read(void **state)
{
	uint64_t missing = 7;

	(void)state;
	assert_int_equal(privileges_read(&plx_sys_linux, "/proc/self/no-such-file", &missing), -ENOENT);
	assert_int_equal(privileges_read(&plx_sys_linux, "/proc/self/limits", &missing), -EBADMSG);
	assert_true(missing == 7);
	assert_int_equal(privileges_read(&plx_sys_linux, "/proc/self/status", &missing), 0);
}

static void test_lack(void **state)
{
	static const struct { uint64_t missing; bool bpf, xdp; } rows[] = {
		{ 0, false, true }, { BIT(CAP_BPF), false, true }, { BIT(CAP_SYS_ADMIN), false, true },
		{ BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN), true, false }, { BIT(CAP_NET_RAW), false, false },
		{ BIT(CAP_NET_ADMIN), false, false }, { BIT(CAP_IPC_LOCK), false, true }, { UINT64_MAX, true, false },
	};

	(void)state;
	for (size_t i = 0; i < PLX_ARRAY_SIZE(rows); i++) {
		assert_int_equal(privileges_lack(rows[i].missing, CAP_BPF), rows[i].bpf);
		assert_int_equal(privileges_xdp(rows[i].missing), rows[i].xdp);
	}
	assert_string_equal(privileges_call(CAP_NET_RAW), "socket(AF_XDP)");
	assert_string_equal(privileges_call(CAP_CHOWN), "");
}

static void test_text(void **state)
{
	char buf[512];

	(void)state;
	assert_string_equal(privileges_text(0, 0, 1 << 20, buf, sizeof(buf)), "");
	assert_string_equal(privileges_text(BIT(CAP_IPC_LOCK), 1 << 20, 1 << 20, buf, sizeof(buf)), "");
	assert_string_equal(
		privileges_text(BIT(CAP_IPC_LOCK), (1 << 20) - 1, 1 << 20, buf, sizeof(buf)),
		"CAP_IPC_LOCK for setsockopt(XDP_UMEM_REG) (or ulimit -l 1024): run as root, or setcap cap_ipc_lock+ep "
		"on the program");
	assert_string_equal(
		privileges_text(BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN) | BIT(CAP_NET_RAW), 0, 0, buf, sizeof(buf)),
		"CAP_NET_RAW for socket(AF_XDP), CAP_BPF for bpf(BPF_PROG_LOAD): run as root, or setcap "
		"cap_net_raw,cap_bpf+ep on the program");
	assert_string_equal(privileges_packet_text(~BIT(CAP_NET_RAW), buf, sizeof(buf)), "");
	assert_string_equal(privileges_packet_text(BIT(CAP_NET_RAW), buf, sizeof(buf)),
	                    "CAP_NET_RAW for socket(AF_PACKET): run as root, or setcap cap_net_raw+ep on the program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_read), cmocka_unit_test(test_lack),
		cmocka_unit_test(test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

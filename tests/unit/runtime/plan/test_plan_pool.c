/* SPDX-License-Identifier: MIT */
/* test_plan_pool.c - the memory of a plan: frames, pages and nodes of its pools. */
#include "plan_util.h"

static void test_frames(void **state)
{
	struct plx_pool_conf c = { .name = "p", .frame_size = 2048, .caches = 2, .node = 0 };

	(void)state;
	machine(1, 2, 1);
	nic("eth0", 2, -1);
	made();
	/* 2 x 2 x 2048 receiving, 2 x 2048 sending, 2 lcores x (2 magazines + a burst), 1 magazine */
	assert_int_equal(plan.pools[0].held, 12288 + 2 * (512 + 512) + 256);
	assert_true(plan.pools[0].frames >= plan.pools[0].held * 9 / 8);
	c.frames = plan.pools[0].frames;
	assert_int_equal(plan.pools[0].bytes, plx_pool_size(&c));
	assert_int_equal(plan.pools[0].page, 2 << 20);
	c.frames++; /* the last hugepage is full */
	assert_true(plx_pool_size(&c) > (plan.pools[0].bytes + (2 << 20) - 1) / (2 << 20) * (2 << 20));
}

static void test_mem(void **state)
{
	(void)state;
	machine(2, 2, 1);
	nic("eth0,queues=1", 1, 0);
	nic("eth1,queues=1", 1, 1);
	conf.mem = 256 << 20;
	made();
	assert_int_equal(plan.npools, 2);
	assert_true(plan.pools[0].bytes + plan.pools[1].bytes <= conf.mem);
	assert_true(plan.pools[0].bytes + plan.pools[1].bytes > conf.mem - 16384);
	conf.mem = 8 << 20;
	refused(-ENOMEM,
	        "memory of node 0: 1954 frames of 2048 bytes, but rings and lcores can hold 9504: -m 39 or more, or "
	        "smaller rings by rxd= and txd=");
	conf.mem = 39 << 20;
	made();
	conf.mem = 0;
	conf.nnode_mem = 1;
	conf.node_mem[0] = 64 << 20;
	refused(-ENOMEM,
	        "memory of node 1: 0 frames of 2048 bytes, but rings and lcores can hold 9504: --node-mem 64,20");
	conf.nnode_mem = 2;
	conf.node_mem[1] = 20 << 20;
	made();
	assert_true(plan.pools[0].bytes > 63 << 20);
	assert_true(plan.pools[1].bytes <= 20 << 20);
}

/* What is given to a node where no pool is. */
static void test_node_mem_of_nobody(void **state)
{
	(void)state;
	machine(2, 2, 1);
	host.topo.node[0].present = host.topo.node[1].present = true;
	nic("eth0,queues=1", 1, 0);
	conf.nnode_mem = 2;
	conf.node_mem[0] = conf.node_mem[1] = 64 << 20;
	made();
	assert_int_equal(plan.nnotes, 1);
	assert_string_equal(plan.notes[0].evidence, "the 64 MiB that --node-mem gives to node 1 are not taken: no "
	                    "port's frames are there");
	conf.nnode_mem = 3;
	conf.node_mem[2] = 1 << 20;
	refused(-EINVAL, "--node-mem gives 1 MiB to node 2, which is not there: nodes are counted from 0, "
	        "and lscpu lists them");
	host.topo.node[1].present = false;
	refused(-EINVAL, "--node-mem gives 64 MiB to node 1, which is not there: nodes are counted from 0, "
	        "and lscpu lists them");
}

/* To the byte: one less than rings and lcores can hold is refused. */
static void test_mem_edge(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.mem = (6144 + 1024 + 256) * 2112ull + 65536;
	made();
	assert_int_equal(plan.pools[0].frames, plan.pools[0].held);
	conf.mem--;
	refused(-ENOMEM,
	        "memory of node 0: 7423 frames of 2048 bytes, but rings and lcores can hold 7424: -m 16 or more, or "
	        "smaller rings by rxd= and txd=");
}

static void test_pages(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.huge[0][1] = (struct topo_huge){ .page = 2 << 20, .total = 10, .free = 3 };
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	assert_string_equal(plan.pools[0].why, "3 of 9 hugepages free: echo 16 > "
	                    "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	conf.huge = PLX_REQUIRE;
	refused(-ENOMEM, "memory of node 0: --huge=require wants 9 hugepages of 2 MiB, 3 are free: echo 16 > "
	        "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	host.topo.huge[0][1].free = 9;
	made();
	conf.huge = PLX_NEVER;
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	conf.huge = PLX_PREFER;
	conf.mem = 1500u << 20;
	host.topo.huge[0][0].free = 1;
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	host.topo.huge[0][0].free = 2;
	made();
	assert_int_equal(plan.pools[0].page, 1 << 30);
}

static void test_too_little_memory(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.huge = PLX_NEVER;
	host.topo.mem_avail = 10 << 20;
	refused(-ENOMEM,
	        "memory: 17 MiB wanted in pages of 4 KiB and 5 MiB beside, 10 MiB available: use smaller rings by rxd= "
	        "and txd=, or fewer queues");
	conf.mem = 64 << 20;
	refused(-ENOMEM,
	        "memory: 64 MiB wanted in pages of 4 KiB and 5 MiB beside, 10 MiB available: use smaller rings by rxd= "
	        "and txd=, or fewer queues");
	conf.mem = 0;
	conf.huge = PLX_PREFER; /* from hugepages */
	made();
	host.topo.mem_avail = plan_beside(&plan, NULL);
	made();
	host.topo.mem_avail--;
	refused(-ENOMEM,
	        "memory: 0 MiB wanted in pages of 4 KiB and 5 MiB beside, 4 MiB available: use smaller rings by rxd= "
	        "and txd=, or fewer queues");
}

/* A ledger of a byte a frame for each queue. */
static void test_ledgers(void **state)
{
	uint64_t frames, few;

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 4, -1);
	conf.huge = PLX_NEVER;
	conf.mem = 256 << 20;
	made();
	assert_int_equal(plan.ports[0].conf.rxqs, 4);
	frames = plan.pools[0].frames;
	few = plan_beside(&plan, NULL);
	conf.mem = 512 << 20;
	made();
	assert_int_equal(plan_beside(&plan, NULL) - few,
	                 (plan.pools[0].frames - frames) * (4 + plan.ports[0].conf.txqs));
}

/* The rings of driver=packet are the kernel's: the machine's memory holds them, the cgroup's limit does not count
   them. */
static void test_rings(void **state)
{
	uint64_t most;

	(void)state;
	machine(1, 4, 1);
	nic("eth0,driver=packet,queues=8", 1, -1)->mtu = 9000;
	conf.huge = PLX_NEVER;
	made();
	assert_int_equal(plan.ports[0].beside.rings, 512 << 20);
	assert_int_equal(plan_beside(&plan, &most), 516 << 20);
	assert_int_equal(most, 516 << 20);
	host.topo.mem_limit =
		(struct topo_limit){ "/sys/fs/cgroup/box/memory.max", plan.pools[0].bytes + plan_own(&plan) };
	assert_int_equal(plan_own(&plan), 4 << 20);
	host.topo.mem_avail = plan.pools[0].bytes + (516 << 20);
	made();
	host.topo.mem_avail--;
	refused(-ENOMEM, "memory: 122 MiB wanted in pages of 4 KiB and 516 MiB beside, 637 MiB available: use "
	        "smaller rings by rxd= and txd=, or fewer queues");
	conf.mem = 128 << 20; /* less of it would not do */
	host.topo.mem_avail = 100 << 20;
	refused(-ENOMEM, "memory: 128 MiB wanted in pages of 4 KiB and 516 MiB beside, 100 MiB available: use "
	        "smaller rings by rxd= and txd=, or fewer queues");
}

/* Nobody knows what driver=auto comes to, but for what af_xdp cannot: a note, and no refusal. */
static void test_rings_of_auto(void **state)
{
	uint64_t beside, most;

	(void)state;
	machine(1, 4, 1);
	nic("eth0", 4, -1)->mtu = 9000;
	conf.frame_size = 2048;
	made();
	beside = plan_beside(&plan, &most);
	assert_true(beside < 6 << 20);
	assert_true(most >= 260 << 20);
	host.topo.mem_avail = most - 1;
	made();
	assert_true(noted("memory: if driver=auto comes to driver=packet, its rings make it 261 MiB in all, 260 "
	                  "are available: use smaller rings by rxd= and txd=, fewer queues, or driver=af_xdp"));
	host.topo.mem_avail = beside - 1;
	refused(-ENOMEM, "memory: 0 MiB wanted in pages of 4 KiB and 5 MiB beside, 4 MiB available: use smaller "
	        "rings by rxd= and txd=, or fewer queues");
	host.topo.mem_avail = most;
	made();
	assert_int_equal(plan.nnotes, 0);
	host.topo.no_chains = true; /* driver=packet for sure */
	made();
	assert_true(plan.ports[0].falls);
	assert_int_equal(plan_beside(&plan, &most), 260 << 20);
	host.topo.no_chains = false;
	host.topo.missing_caps = 1ull << 12; /* CAP_NET_ADMIN */
	made();
	assert_int_equal(plan_beside(&plan, &most), 260 << 20);
	host.topo.mem_avail = 100 << 20;
	refused(-ENOMEM, "memory: 0 MiB wanted in pages of 4 KiB and 260 MiB beside, 100 MiB available: use smaller "
	        "rings by rxd= and txd=, or fewer queues");
}

/* What the cgroup leaves is less than the machine has: told before the kernel kills. */
static void test_memory_limit(void **state)
{
	uint64_t beside, sum;

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	conf.huge = PLX_NEVER;
	host.topo.mem_avail = 1ull << 40;
	made();
	beside = plan_own(&plan);
	assert_true(beside >= 4 << 20 && beside < 5 << 20);
	sum = plan.pools[0].bytes + beside;
	host.topo.mem_limit = (struct topo_limit){ "/sys/fs/cgroup/box/memory.max", sum };
	made();
	host.topo.mem_limit.left--;
	refused(-ENOMEM,
	        "memory limit: 17 MiB wanted in pages of 4 KiB and 5 MiB beside, /sys/fs/cgroup/box/memory.max leaves "
	        "20 MiB: use smaller rings by rxd= and txd=, or fewer queues, or echo max > "
	        "/sys/fs/cgroup/box/memory.max");
	conf.mem = 16 << 20;
	made();
	conf.mem = 64 << 20;
	refused(-ENOMEM,
	        "memory limit: 64 MiB wanted in pages of 4 KiB and 5 MiB beside, /sys/fs/cgroup/box/memory.max leaves "
	        "20 MiB: use smaller rings by rxd= and txd=, or fewer queues, or echo max > "
	        "/sys/fs/cgroup/box/memory.max");
	host.topo.mem_limit.left = 64 << 20;
	refused(-ENOMEM,
	        "memory limit: 64 MiB wanted in pages of 4 KiB and 5 MiB beside, /sys/fs/cgroup/box/memory.max leaves "
	        "64 MiB: -m 58, or echo max > /sys/fs/cgroup/box/memory.max");
	conf.mem = 58 << 20;
	made();
	conf.mem = 64 << 20;
	host.topo.mem_limit = (struct topo_limit){ "/sys/fs/cgroup/memory/my box/memory.limit_in_bytes", 1 << 20 };
	refused(-ENOMEM, "memory limit: 64 MiB wanted in pages of 4 KiB and 5 MiB beside, /sys/fs/cgroup/memory/my "
	                 "box/memory.limit_in_bytes leaves 1 MiB: use smaller rings by rxd= and txd=, or fewer queues, "
	                 "or echo -1 > "
	                 "'/sys/fs/cgroup/memory/my box/memory.limit_in_bytes'");
	host.topo.mem_limit.left = 6 << 20;
	conf.huge = PLX_PREFER; /* hugepages are not counted there */
	made();
}

static void test_hugepage_limit(void **state)
{
	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.huge_limit[1] = (struct topo_limit){ "/sys/fs/cgroup/box/hugetlb.2MB.max", (9 << 21) - 1 };
	made();
	assert_int_equal(plan.pools[0].page, 4096);
	assert_int_equal(plan.pools[0].pages_free, 8);
	assert_string_equal(
		plan.pools[0].why,
		"8 of 9 hugepages left by the cgroup's limit: echo max > /sys/fs/cgroup/box/hugetlb.2MB.max");
	conf.huge = PLX_REQUIRE;
	refused(-ENOMEM,
	        "memory of node 0: --huge=require wants 9 hugepages of 2 MiB, 8 are left by the cgroup's limit: "
	        "echo max > /sys/fs/cgroup/box/hugetlb.2MB.max");
	host.topo.huge_limit[1].left++;
	made();
	assert_int_equal(plan.pools[0].page, 2 << 20);
	conf.mem = (1ull << 30) + (1 << 20);
	host.topo.huge[0][0].total = host.topo.huge[0][0].free = 2;
	host.topo.huge[0][1].free = 1 << 20;
	host.topo.huge_limit[0] = (struct topo_limit){ "/sys/fs/cgroup/box/hugetlb.1GB.max", (2ull << 30) - 1 };
	host.topo.huge_limit[1].file[0] = 0;
	made();
	assert_int_equal(plan.pools[0].page, 2 << 20);
	host.topo.huge_limit[0].left++;
	made();
	assert_int_equal(plan.pools[0].page, 1 << 30);
}

/* More than the most frames hold is no memory that could be had. */
static void test_too_much(void **state)
{
	const uint64_t most = PLX_POOL_FRAMES_MAX * 2112ull + 65536;
	char want[300];

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.huge[0][1] = (struct topo_huge){ .page = 2 << 20, .total = 1 << 20, .free = 1 << 20 };
	conf.mem = most;
	made();
	assert_int_equal(plan.pools[0].frames, PLX_POOL_FRAMES_MAX);
	conf.mem = 64ull << 30;
	snprintf(want, sizeof(want),
	         "memory of node 0: 65536 MiB are more than a pool can hold, which is %u frames of 2048 bytes "
	         "in %llu MiB: -m %llu or less",
	         PLX_POOL_FRAMES_MAX, (unsigned long long)(most >> 20), (unsigned long long)(most >> 20));
	refused(-EINVAL, want);
	conf.mem = most >> 20 << 20;
	made();
	conf.mem = 0;
	conf.nnode_mem = 1;
	conf.node_mem[0] = 64ull << 30;
	snprintf(want, sizeof(want),
	         "memory of node 0: 65536 MiB are more than a pool can hold, which is %u frames of 2048 bytes "
	         "in %llu MiB: --node-mem %llu or less",
	         PLX_POOL_FRAMES_MAX, (unsigned long long)(most >> 20), (unsigned long long)(most >> 20));
	refused(-EINVAL, want);
}

/* The number that is offered is one that passes. */
static void test_too_much_for_the_machine(void **state)
{
	static const char before[] = "MiB for it now: -m ";

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.huge[0][1].total = host.topo.huge[0][1].free = 0;
	host.topo.mem_avail = 8ull << 30;
	for (int limited = 0; limited < 2; limited++) {
		if (limited)
			host.topo.mem_limit =
				(struct topo_limit){ .left = 4ull << 30, .file = "/sys/fs/cgroup/memory.max" };
		conf.mem = 900ull << 30;
		assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), -EINVAL);
		const char *at = strstr(why, before);

		assert_non_null(at);
		conf.mem = strtoull(at + strlen(before), NULL, 10) << 20;
		assert_in_range(conf.mem, limited ? 3ull << 30 : 7ull << 30, limited ? 4ull << 30 : 8ull << 30);
		/* and a moment later, when less is available */
		host.topo.mem_avail -= 128 << 20;
		made();
		host.topo.mem_avail += 128 << 20;
	}
}

/* What a pool could hold and the machine has not is told with a number, too, in either option. */
static void test_less_than_asked(void **state)
{
	static const char before[] = "available: -m ", by_node[] = "available: --node-mem ";
	const char *at;

	(void)state;
	machine(1, 1, 1);
	nic("eth0", 1, -1);
	host.topo.huge[0][1].total = host.topo.huge[0][1].free = 0;
	host.topo.mem_avail = 8ull << 30;
	conf.mem = 25ull << 30;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), -ENOMEM);
	at = strstr(why, before);
	assert_non_null(at);
	conf.mem = strtoull(at + strlen(before), NULL, 10) << 20;
	assert_in_range(conf.mem, 7ull << 30, 8ull << 30);
	made();
	conf.mem = 0;
	conf.nnode_mem = 2;
	conf.node_mem[0] = 25ull << 30;
	conf.node_mem[1] = 0;
	assert_int_equal(plan_make(&plan, &conf, &host, why, sizeof(why)), -ENOMEM);
	at = strstr(why, by_node);
	assert_non_null(at);
	assert_non_null(strstr(at, ",0 or less"));
	conf.node_mem[0] = strtoull(at + strlen(by_node), NULL, 10) << 20;
	assert_in_range(conf.node_mem[0], 7ull << 30, 8ull << 30);
	made();
}

/* What no pool can have, no -m makes good; the sum is that of the most that can be asked for. */
static void test_too_many_frames(void **state)
{
	const uint64_t rings = PLX_PORTS_MAX * (256ull * 65536 * 2 + 256 * 64);
	char name[64], want[300];

	(void)state;
	machine(1, 1, 1);
	for (unsigned i = 0; i < PLX_PORTS_MAX; i++) {
		snprintf(name, sizeof(name), "l%u,driver=loop,rxqs=256,txqs=256,rxd=65536", i);
		add(name)->txd = 64;
	}
	snprintf(want, sizeof(want), "memory of node 0: rings and lcores can hold %llu frames, and a pool has %u at "
	         "most: use smaller rings by rxd= and txd=, or fewer queues",
	         (unsigned long long)rings + 3 * PLX_MAGAZINE + PLX_BURST_MAX, PLX_POOL_FRAMES_MAX);
	refused(-EINVAL, want);
	conf.mem = 1ull << 40;
	refused(-EINVAL, want);
	for (unsigned i = 0; i < PLX_PORTS_MAX; i++)
		conf.ports[i].rxd = 256;
	conf.mem = 0;
	host.topo.huge[0][1].total = host.topo.huge[0][1].free = 1 << 20;
	made();
}

static void test_port_without_node(void **state)
{
	(void)state;
	machine(2, 2, 1);
	nic("eth0", 1, -1);
	nic("eth1", 1, 1);
	lcores("3");
	made();
	assert_int_equal(plan.npools, 1); /* both where lcore 3 is: no copy between them */
	assert_int_equal(plan.pools[0].node, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),          cmocka_unit_test(test_mem),
		cmocka_unit_test(test_mem_edge),        cmocka_unit_test(test_node_mem_of_nobody),
		cmocka_unit_test(test_pages),           cmocka_unit_test(test_too_little_memory),
		cmocka_unit_test(test_ledgers),         cmocka_unit_test(test_port_without_node),
		cmocka_unit_test(test_rings),           cmocka_unit_test(test_rings_of_auto),
		cmocka_unit_test(test_memory_limit),    cmocka_unit_test(test_hugepage_limit),
		cmocka_unit_test(test_too_much),        cmocka_unit_test(test_too_much_for_the_machine),
		cmocka_unit_test(test_too_many_frames), cmocka_unit_test(test_less_than_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

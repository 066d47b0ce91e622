# SPDX-License-Identifier: MIT
# setup.sh - bed "setup": pollux setup changes what it says it does and puts all of it back, byte for
# byte, also after kill -9 at any point; the plan of a start agrees with the kernel's files then.
. ./lib.sh

# One lcore on the node of the NIC leaves the node's other CPU for interrupts
lcore=3 beside=2
set -- --iface "$nic1,rxqs=2,txqs=2" -l $lcore -m 256M

# state: every value that a set-up may touch
state() {
	for f in /proc/irq/*/smp_affinity_list /sys/devices/system/node/node*/hugepages/*/nr_hugepages \
		/proc/sys/kernel/timer_migration /proc/sys/kernel/numa_balancing /proc/sys/kernel/nmi_watchdog \
		/proc/sys/vm/stat_interval /proc/sys/vm/compaction_proactiveness /proc/sys/net/core/bpf_jit_enable \
		/sys/class/net/*/napi_defer_hard_irqs /sys/class/net/*/gro_flush_timeout \
		/sys/fs/cgroup/cgroup.subtree_control; do
		[ ! -e "$f" ] || echo "$f: $(cat "$f")"
	done
	ls -d /sys/fs/cgroup/*/ 2> /dev/null
	for n in "$nic0" "$nic1"; do
		for q in l x k; do ethtool -$q "$n" 2>&1; done
	done
	pollux setup plan napi "$@" | sed '/^#.*, will be/!d;s/, will be.*//' # values of single NAPIs
}
as_before() {
	state "$@" > /tmp/after
	cmp -s /tmp/before /tmp/after && [ ! -e /run/pollux/setup.journal ] || { diff /tmp/before /tmp/after; return 1; }
}
# irq NIC DIRECTION QUEUE
irq() {
	v=$(basename "$(readlink -f "/sys/class/net/$1/device")")
	sed -n "s/^ *\([0-9]*\):.* $v-$2\.$3\$/\1/p" /proc/interrupts
}
cpus_of() { cat "/proc/irq/$1/smp_affinity_list"; }
apply() { pollux setup apply "$@" > /tmp/apply 2>&1 || { cat /tmp/apply; return 1; }; }
restore() { pollux setup restore > /tmp/restore 2>&1 || { cat /tmp/restore; return 1; }; }
pages() { cat "/sys/devices/system/node/node$1/hugepages/hugepages-2048kB/nr_hugepages"; }

state "$@" > /tmp/before
for q in 0 1; do
	for d in input output; do
		echo "0-3" > "/proc/irq/$(irq "$nic1" $d $q)/smp_affinity_list"
	done
done
state "$@" > /tmp/before
p0=$(pages 0) p1=$(pages 1)

# ---- what is set is what is said ----
used_beside() {
	for q in 0 1; do
		for d in input output; do
			[ "$(cpus_of "$(irq "$nic1" $d $q)")" = $beside ] || { echo "$d $q: $(cpus_of "$(irq "$nic1" $d $q)")"; return 1; }
		done
	done
}
others_away() {
	for q in 2 3; do
		case $(cpus_of "$(irq "$nic1" input $q)") in *3*) return 1 ;; esac
	done
	case $(cpus_of "$(irq "$nic0" input 0)") in *3*) return 1 ;; esac
}
table_of_two() { ethtool -x "$nic1" | sed -n 's/^ *[0-9]*:  *//p' | tr ' ' '\n' | grep . | sort -u | tr '\n' ' ' | grep -qx '0 1 '; }

plan_only() { pollux setup plan "$@" > /tmp/plan 2>&1 && as_before "$@" || { cat /tmp/plan; return 1; }; }
again() { apply "$@" && ! grep 'will be' /tmp/apply; }
check "plan changes nothing" plan_only "$@"
check "apply" apply "$@"
sed 's/^/apply: /' /tmp/apply
check "interrupts of the used queues are beside the lcore, on its node" used_beside
check "other interrupts are away from the lcore" others_away
check "the table leads to the used queues alone" table_of_two || ethtool -x "$nic1"
check "hugepages of node 1 are raised, of node 0 not" [ "$(pages 1)" -ge 128 ] && [ "$(pages 1)" -gt "$p1" ] && [ "$(pages 0)" = "$p0" ]
check "a second apply finds all as wanted" again "$@"

# ---- a start agrees ----
plan_agrees() {
	plx-fwd --dry-run --json "$@" > /tmp/plan.json 2>&1
	sed 's/.*"rxq_irqs":\[\([^]]*\)\].*/\1/' /tmp/plan.json | tr '{' '\n' | grep '"irq"' > /tmp/plan.irqs
	for q in 0 1; do
		i=$(irq "$nic1" input $q)
		sed -n "$((q + 1))p" /tmp/plan.irqs | grep -q "\"irq\":$i,\"cpu\":$beside,\"node\":1" || { cat /tmp/plan.json; return 1; }
		[ "$(cat "/proc/irq/$i/effective_affinity_list")" = $beside ] || return 1
	done
	grep -q "\"node\":1,\"queues\":2,\"service\":false,\"cpus\":\[$lcore\]" /tmp/plan.json && grep -q '"pools":\[{"node":1,' /tmp/plan.json &&
		grep -q '"page_bytes":2097152' /tmp/plan.json
}
frames_on_node_1() { # PID
	grep -q " huge .*N1=" "/proc/$1/numa_maps" && ! grep " huge " "/proc/$1/numa_maps" | grep -q "N0="
}
lcore_there() { # PID: a thread of it may run on the lcore's CPU alone
	grep -l "^Cpus_allowed_list:[[:space:]]*$lcore\$" /proc/"$1"/task/*/status > /dev/null
}
start bounce "$@" -- --mode macswap
bounce=$pid
check "a start with the same options" wait_for 30 running bounce || show bounce
check "its frames are on node 1" frames_on_node_1 "$bounce" || grep huge "/proc/$bounce/numa_maps"
check "its lcore is on CPU $lcore" lcore_there "$bounce"
# interrupts move with the next one: packets for both queues
start gen -l 0 --iface "$nic0,stall=off" -- --mode flowgen --flows 64 --count 4000 --rate 4k --drain 5s --peer-mac "$(mac_of "$nic1")"
finish gen "$pid" 60 > /dev/null
end "$bounce" > /dev/null
check "--dry-run --json says what the files say" plan_agrees "$@"
check "restore" restore
check "every value is as before" as_before "$@"

# ---- what is to be named ----
napis_set() { pollux setup plan napi "$@" | grep -q 'ok, napi .* is defer-hard-irqs 2 gro-flush-timeout 200000'; }
in_partition() { # plx-fwd started in the cpuset has its lcore there
	sh -c 'echo $$ > /sys/fs/cgroup/pollux/cgroup.procs; exec plx-fwd --dry-run "$@"' sh "$@" > /tmp/inside 2>&1 &&
		grep -q "^lcore .* CPU $lcore " /tmp/inside || { cat /tmp/inside; return 1; }
}
check "apply napi and cpuset by name" apply napi cpuset "$@"
sed 's/^/apply: /' /tmp/apply
check "the partition is isolated" grep -qx isolated /sys/fs/cgroup/pollux/cpuset.cpus.partition
check "its CPU is the lcore's" grep -qx $lcore /sys/fs/cgroup/pollux/cpuset.cpus
check "a start within it" in_partition "$@"
check "the values of the NAPIs are set" napis_set "$@"
check "restore of both" restore
check "every value is as before them" as_before "$@"

# ---- kill -9 ----
# what is named and what is not, in turns; the journal is there before the first change
journal=/run/pollux/setup.journal
begun() { [ -e $journal ] || gone "$pid"; }
killed=0 good=0
for i in 0 1 2 3 4 5 6 7 8 9; do
	[ $((i % 2)) = 1 ] && stages="rss napi irq-affinity cpuset" || stages=
	# shellcheck disable=SC2086 # words, or none
	pollux setup apply $stages "$@" > /dev/null 2>&1 &
	pid=$!
	until begun; do :; done
	[ $i = 0 ] || sleep 0.0$i
	kill -9 $pid 2> /dev/null
	wait $pid 2> /dev/null
	[ $? != 137 ] || [ ! -e $journal ] || killed=$((killed + 1))
	restore && as_before "$@" && good=$((good + 1))
done
echo "kill -9 at 10 points: $killed in the middle, all back after $good"
check "after kill -9 at ten points restore puts back every value" [ $good = 10 ]
check "some of them were in the middle" [ $killed -ge 3 ]

#!/bin/bash
# SPDX-License-Identifier: MIT
# test_doctor.sh - pollux doctor and what it is for: a table of things that are wrong, each made in namespaces of
# its own; doctor has to name it, and the command that it prints, run as it is printed, has to fix it.
# ROWS=PATTERN runs those rows of the table only.
# shellcheck source=tests/net/lib.sh disable=SC2034,SC2016,SC2154
. "$(dirname "$0")/lib.sh"
mkdir "$TMP/bin" && ln -s "$BUILD/apps/pollux" "$TMP/bin/pollux" # its path stands in fixes: a tree may have any name
export POLLUX=$TMP/bin/pollux FWD NS TMP
HUGE=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
HUGE_HAD='' MADE_RUN=''

# ---- things to be wrong ----

# child CONTROLLER: a cgroup of version 1 of our own; its path in $G.  false = the host has none
child() {
	G=/sys/fs/cgroup/$1/$NS
	[ -d "/sys/fs/cgroup/$1" ] && mkdir -p "$G" && [ -e "$G/tasks" ] || return 1
	[ "$1" != cpuset ] || echo 0 >"$G/cpuset.mems" || return 1
	export G
}
tidy() {
	local c p
	for c in cpuset cpu memory; do
		p=/sys/fs/cgroup/$c/$NS
		[ ! -d "$p" ] || within 5 rmdir "$p" 2>/dev/null
	done
	[ ! -s "$TMP/run/setup.journal" ] || at a "$BUILD/apps/pollux" setup restore --all --dir "$TMP/run"
	[ -z "$HUGE_HAD" ] || echo "$HUGE_HAD" >"$HUGE"
	[ -z "$MADE_RUN" ] || rmdir /run/pollux 2>/dev/null
	HUGE_HAD='' MADE_RUN=''
}
trap 'tidy; cleanup' EXIT
no_pages() { [ -w "$HUGE" ] && HUGE_HAD=$(cat "$HUGE") && echo 0 >"$HUGE" && [ "$(cat "${HUGE%nr_*}free_hugepages")" -lt 17 ]; }
free_pages() { cat "${HUGE%nr_*}free_hugepages"; }
two_pages() { [ "$(free_pages)" -ge 2 ] || { HUGE_HAD=$(cat "$HUGE") && echo $((HUGE_HAD + 2)) >"$HUGE" &&
	[ "$(free_pages)" -ge 2 ]; }; }
program() { # an XDP program of somebody else's
	[ -e "$TMP/xdp.o" ] || echo '__attribute__((section("xdp"), used)) int theirs(void *c) { return 2; }' |
		clang -O2 -target bpf -c -xc - -o "$TMP/xdp.o" && at a ip link set dev va "$1" obj "$TMP/xdp.o" sec xdp
}
dispatcher() { echo "/usr/lib/$(cc -print-multiarch)/bpf/xdp-dispatcher.o"; } # libxdp's, that calls nothing
bridge() { at a ip link add br0 type bridge && at a ip link set br0 up && at a ip link set va master br0; }
run_dir() { [ -d /run/pollux ] || { mkdir /run/pollux && MADE_RUN=1; }; }
altname() { at a ip link property add dev va altname lan0; }
# A user without rights, and a copy of the program that the fix may give some.
nobody() {
	chmod 711 "$TMP"
	rm -f "$TMP/pollux" && cp "$BUILD/apps/pollux" "$TMP/pollux" && chmod 755 "$TMP/pollux" || return 1
	AS="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=+all"
	COPY=$TMP/pollux
}

# ---- one of them ----

# The shell in which an operator would paste: makes the rest of it wrong (INNER), asks, pastes, asks again.
cat >"$TMP/case.sh" <<-'SH'
	said() { # said FILE: status of the check; its fix goes to $TMP/fix
		python3 - "$1" "$CHECK" "$TMP/fix" <<-'PY'
		import json, sys
		f = [r for r in json.load(open(sys.argv[1])) if r["name"] == sys.argv[2]]
		bad = [r for r in f if r["status"] in ("WARN", "FAIL")] or f
		open(sys.argv[3], "w").write(bad[0]["fix"])
		print(bad[0]["status"])
		PY
	}
	doctor() { eval "$AS $POLLUX doctor $ARGS --json --only $CHECK" >"$TMP/said"; }
	orphan() { # a program that set up the host and was killed; the journal is one of our own
		mkdir "$TMP/run" && mount --bind "$TMP/run" /run/pollux || return 1
		mount -t tmpfs none /proc/irq || return 1 # the interrupts of the host are none of this test's
		"$FWD" -l 0 -m 16M --idle adaptive --setup=apply --iface va,rxqs=1,txqs=1 -- --mode io >"$TMP/fwd" 2>&1 </dev/null &
		end=$((SECONDS + 20))
		until grep -q ' running: ' "$TMP/fwd" || [ $SECONDS -ge $end ]; do sleep 0.02; done
		kill -KILL $! && wait $! 2>/dev/null
		[ -s "$TMP/run/setup.journal" ] || { cat "$TMP/fwd"; return 1; }
	}
	fixed() { doctor && [ "$(said "$TMP/said")" = OK ]; }
	eval "$INNER" || { echo "cannot make it wrong: $INNER"; exit 1; }
	doctor
	code=$? status=$(said "$TMP/said")
	cat "$TMP/said"
	[ "$status" = "$STATUS" ] || { echo "said $status, wanted $STATUS"; exit 1; }
	[ $code = "$([ "$status" = FAIL ] && echo 1 || echo 0)" ] || { echo "exit code $code"; exit 1; }
	fix=$(cat "$TMP/fix")
	[ -n "$fix" ] || { echo "no fix"; exit 1; }
	eval "$fix" >"$TMP/fixed" 2>&1
	case $fix in
	*"$POLLUX doctor"*) # better options: they are tried by the command itself
		cat "$TMP/fixed"
		grep -q "^OK *$CHECK " "$TMP/fixed" && ! grep -qE "^(WARN|FAIL) *$CHECK " "$TMP/fixed"
		exit ;;
	esac
	end=$((SECONDS + 20))
	until fixed; do
		[ $SECONDS -lt $end ] || { cat "$TMP/fixed" "$TMP/said"; exit 1; }
		sleep 0.05 # a process that was ended lets go a little later
	done
SH

wrong() { # wrong SEED STATUS CHECK CONTEXT INNER ARGS
	local ok=0
	AS='' COPY=$POLLUX
	pair 2
	if eval "$1"; then
		AS=$AS POLLUX=$COPY STATUS=$2 CHECK=$3 INNER=$5 ARGS=$6 eval "$4 bash $TMP/case.sh" || ok=1
	else
		echo "cannot make it wrong: $1"
		ok=1
	fi
	tidy
	for p in ${PIDS[@]+"${PIDS[@]}"}; do kill -KILL "$p" 2>/dev/null; wait "$p" 2>/dev/null; done
	PIDS=()
	unpair
	return $ok
}

A="ip netns exec ${NS}a" B="ip netns exec ${NS}b"
# name | what is done from outside | status | check | where the shell is | what is done in the shell | arguments
table() {
	cat <<'ROWS'
interface down|at a ip link set va down|FAIL|iface-up|$A|true|va
no carrier|at b ip link set vb down; within $PATIENCE not_running va|WARN|carrier|$A|true|va
wrong network namespace|true|FAIL|iface-exists|$B|true|va
misspelt name|true|FAIL|iface-exists|$A|true|vaa,rxqs=1
alternative name|altname|WARN|iface-name|$A|true|lan0,rxqs=1
/sys of another namespace|true|WARN|iface-sysfs|nsenter --net=/run/netns/${NS}a|true|va
native XDP on lo|true|FAIL|xdp-native|$A|true|lo,mode=native
zero-copy on veth|true|FAIL|zero-copy|$A|true|--iface va,mode=zc
program of others, native|program xdpdrv|FAIL|xdp-free|$A|true|va
program of others, generic|program xdpgeneric|FAIL|xdp-free|$A|true|va
libxdp's dispatcher|at a ip link set dev va xdpdrv obj $(dispatcher) sec xdp|FAIL|xdp-free|$A|true|va
program of a Pollux program|forward fwd a io va|FAIL|xdp-free|$A|true|va
queue bound by another process|forward fwd a io va|FAIL|queue-free|$A|true|va
left-over of libxdp|true|WARN|xdp-pins|$A|mount -t bpf bpf /sys/fs/bpf && mkdir -p /sys/fs/bpf/xdp/dispatch-$(cat /sys/class/net/va/ifindex)-99|va
no BPF file system|true|WARN|bpffs|$A|true|
port of a bridge|bridge|WARN|master|$A|true|va
a macvlan on it|at a ip link add mv0 link va type macvlan && at a ip link set mv0 up|WARN|children|$A|true|va
the macvlan itself|at a ip link add mv0 link va type macvlan && at a ip link set mv0 up|WARN|promisc|$A|true|mv0,rxqs=1
an address beside driver=packet|true|WARN|host-answers|$A|true|va,driver=packet
the bridge itself|bridge|WARN|stacked|$A|true|br0,rxqs=1
default route|at a ip route add default via 10.9.0.2|FAIL|default-route|$A|true|va
default route, IPv6|at a sh -c 'echo 0 >/proc/sys/net/ipv6/conf/va/disable_ipv6' && at a ip -6 route add default dev va|FAIL|default-route|$A|true|va
default route by a bridge|bridge && at a ip addr add 10.8.0.1/24 dev br0 && at a ip route add default via 10.8.0.2|FAIL|default-route|$A|true|va
the shell's own connection|listener b 10.9.0.2 2222|FAIL|ssh-session|$A|exec 9<>/dev/tcp/10.9.0.2/2222|va
unfinished checksums|true|WARN|veth-checksum|$A|true|va
generic XDP without NAPI|at a ethtool -K va gro off|WARN|veth-napi|$A|true|va,mode=generic
MTU beyond a frame, no chains|at a ip link set va mtu 3000|FAIL|mtu-room|$A|true|va,multibuf=never --frame-size 2048
MTU beyond every frame, no chains|at a ip link set va mtu 9000|FAIL|mtu-room|$A|true|va,multibuf=never
MTU beyond a frame|at a ip link set va mtu 3000|WARN|mtu-room|$A|true|va --frame-size 2048
MTU beyond what memory there is for|at a ip link set va mtu 3000|WARN|mtu-room|$A|true|va -l 0 -m 32M
more channels than queues used|true|WARN|queues-unused|$A|true|va,rxqs=1
first queue left out|true|WARN|queues-unused|$A|true|va,queue=1
more queues asked for than there are|at a ethtool -L va rx 1|FAIL|queues-asked|$A|true|va,rxqs=2
more queues asked for than there can be|true|FAIL|queues-asked|$A|true|--iface=va,queues=8
one queue for two ports|altname|FAIL|queue-once|$A|true|va lan0
fewer receive queues than the other end sends by|at a ethtool -L va rx 1|WARN|veth-queues|$A|true|va
fewer transmit queues than lcores|at a ethtool -L va tx 1|WARN|tx-queues|$A|true|va -l 0-1
two lcores on one CPU|true|WARN|lcore-shared|$A|true|va -l '0@0,1@0'
lcore without a queue|true|WARN|lcore-idle|$A|true|va,rxqs=1 -l 0,1
main thread on an lcore|true|WARN|control-cpu|$A|true|va -l 0-1 --main-lcore 0
CPU that is not there|true|FAIL|lcore-online|$A|true|va --lcores 0@1000
CPU outside of the affinity|true|FAIL|cpuset|$A|taskset -pc 0 $$|va -l 0-1
CPU outside of the cpuset|child cpuset && echo 0 >$G/cpuset.cpus|FAIL|cpuset||echo $$ >$G/tasks|-l 0-1
quota of CPU time|child cpu && echo 50000 >$G/cpu.cfs_quota_us|WARN|cpu-quota||echo $$ >$G/tasks|-l 0
limit of memory|child memory && echo 64M >$G/memory.limit_in_bytes|FAIL|memory-limit||echo $$ >$G/tasks|-l 0 -m 256M --huge=never
no hugepages|no_pages|WARN|hugepages|$A|true|va
no hugepages, but required|no_pages|FAIL|hugepages|$A|true|va --huge require
hugepages that a program left in files|two_pages|WARN|hugepage-files|$A|mkdir $TMP/huge && mount -t hugetlbfs none $TMP/huge && fallocate -l 4M $TMP/huge/rtemap_0|va
pool smaller than the rings|true|FAIL|pool-memory|$A|true|va -m 1M
locked memory|true|FAIL|memlock|$A setpriv --bounding-set -ipc_lock|ulimit -S -l 64|va,queues=1,rxd=64,txd=64 -l 0 -m 4M
open files|true|FAIL|open-files|$A|ulimit -S -n 48|va
no CAP_NET_RAW|nobody|FAIL|cap-net-raw|$A|true|va
no CAP_NET_ADMIN|nobody|FAIL|cap-net-admin|$A|true|va
no CAP_BPF|nobody|FAIL|cap-bpf|$A|true|va
set-up of a program that was killed|run_dir|WARN|journal|$A unshare -m|orphan|
irqbalance|cp "$(command -v sleep)" "$TMP/irqbalance"|WARN|irqbalance|$A unshare --pid --fork --mount-proc|$TMP/irqbalance 1000 & until grep -qx irqbalance /proc/$!/comm; do sleep 0.01; done|va
ROWS
}
not_running() { ! at a ip link show "$1" | grep -q 'LOWER_UP\| state UP '; } # not_running IFACE: the kernel may tell it late
while IFS='|' read -r name seed status check where inner args; do
	what="$name: $check says $status, and its fix fixes" group=${seed#child } group=${group%% *}
	if [[ $check == xdp-native || $check == zero-copy ]] && older_than 6.3; then
		skip "$what" "this kernel does not tell the XDP features of an interface"
		continue
	fi
	if [[ $args == *0-1* || $args == *0,1* ]] && [ "$(nproc)" -lt 2 ]; then
		skip "$what" "one CPU"
		continue
	elif [[ $seed == child* ]] && ! [ -d "/sys/fs/cgroup/$group" ]; then
		skip "$what" "no cgroup of version 1 with $group"
		continue
	fi
	check "$what" wrong "$seed" "$status" "$check" "$where" "$inner" "$args"
done < <(table | grep -E "${ROWS:-.}")

# ---- the command itself ----

tool() { says "$1" "$2" "$POLLUX" "${@:3}"; } # tool CODE PATTERN ARGUMENTS...
check "help"                                     tool 0 '^usage: pollux doctor' doctor --help
check "--list has a line for each check"         tool 0 '^memlock +rights' doctor --list
check "a summary ends the text"                  tool 0 '^[0-9]+ ok, [0-9]+ warn, 0 fail, [0-9]+ skip$' doctor
check "an unknown check, with the one meant"     tool 2 "'memlok': no such check, did you mean memlock" doctor --only memlok
check "--only without a name"                    tool 2 'a name is missing' doctor --only
check "a bad option is a usage error"            tool 2 'did you mean --iface' doctor --ifac x
list_json() { "$POLLUX" doctor --list --json | python3 -c 'import json, sys; assert "memlock" in [c["name"] for c in json.load(sys.stdin)]'; }
check "--list --json is JSON"                   list_json
check "a bad lcore list is a usage error"        tool 2 'a number is missing' doctor -l x
check "a check of interfaces without one"        tool 0 '^SKIP +carrier' doctor --only carrier
in_docs() { # the page and --list have the same checks, groups and sentences, in the same order
	"$POLLUX" doctor --list | sed -E 's/^([^ ]+) +([^ ]+) +(.*)$/| `\1` | \2 | \3 |/' >"$TMP/list"
	sed -nE '/^\| `/s/^(\| `[^|]*\|[^|]*\|[^|]*\|).*/\1/p' "$TOP/docs/doctor.md" | diff "$TMP/list" -
}
check "docs/doctor.md has what --list has"       in_docs
once_quick() {
	t=$(now_ms)
	at a "$POLLUX" doctor va -l "$LC" >/dev/null
	t=$(($(now_ms) - t))
	[ "$t" -lt $((1000 * SLOW)) ]
}
quick() { # all checks of an interface in well under a second
	local t
	pair 2
	within 60 once_quick # a quiet moment counts
	unpair
	note "all checks of one interface took $t ms"
	[ "$t" -lt $((1000 * SLOW)) ]
}
check "takes less than a second"                 quick
done_testing

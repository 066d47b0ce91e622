# SPDX-License-Identifier: MIT
# lib.sh - what the network tests share: two namespaces with a two-queue veth pair between them,
# programs that end with the test, conditions with a deadline, TAP output.  Sourced, not run.
#
#   namespace ${NS}a            namespace ${NS}b
#   [ va 10.9.0.1 ] ------------ [ vb 10.9.0.2 ]
#
# Everything made carries the prefix plx<pid>; `cleanup` removes it by that name on every way out.
# shellcheck shell=bash disable=SC2034
set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
BUILD=${PLX_BUILD:-$TOP/build}
FWD=$BUILD/apps/plx-fwd
FAST=${PLX_FAST:-}
SLOW=${PLX_SLOW:-1} # times that are judged, by this much longer: of an emulated machine
PATIENCE=$((20 * SLOW)) # seconds for what must come: a machine may be busy with other things
NS=plx$$
TMP=$(mktemp -d "/tmp/$NS.XXXXXX")
export RUNTIME_DIRECTORY=$TMP/rt # live views of programs of this test, apart from those of the host
mkdir "$RUNTIME_DIRECTORY"
PIDS=()
CASES=0 FAILED=0

# ---- ways out ----

# cleanup ends what was started and removes what was made; it may run twice, or half-way through set-up.
cleanup() {
	trap '' INT TERM HUP
	local p ns
	for p in ${PIDS[@]+"${PIDS[@]}"}; do kill -CONT "$p" 2>/dev/null; kill -KILL "$p" 2>/dev/null; done
	for p in ${PIDS[@]+"${PIDS[@]}"}; do wait "$p" 2>/dev/null; done
	for ns in /run/netns/"$NS"*; do
		[ -e "$ns" ] || continue
		for p in $(ip netns pids "${ns##*/}" 2>/dev/null); do kill -KILL "$p" 2>/dev/null; done
		ip netns del "${ns##*/}"
	done
	rm -rf "$TMP" "/run/dpdk/$NS"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM HUP

# ---- TAP ----

# check NAME COMMAND...: one case; it passes if the command does, else its words and output are shown.
check() {
	local name=$1; shift
	CASES=$((CASES + 1))
	if "$@" >"$TMP/check.out" 2>&1; then
		echo "ok $CASES - $name"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $CASES - $name"
		echo "#   failed: $*"
		head -n 40 "$TMP/check.out" | sed "s/^/#   /"
	fi
}
skip() {
	CASES=$((CASES + 1))
	echo "ok $CASES - $1 # SKIP $2"
}
exec 3>&1
note() { echo "# $*" >&3; } # also from within a check
# show FILE...: the end of what a program said, as diagnostics
show() {
	local f
	for f; do [ -s "$f" ] && tail -n 25 "$f" | sed "s|^|${f##*/}: |"; done
	return 0
}
# says CODE PATTERN COMMAND...: it ends with this exit code, and the pattern is in what it wrote, $TMP/out
says() {
	local want=$1 pattern=$2 rc; shift 2
	"$@" >"$TMP/out" 2>&1 </dev/null
	rc=$?
	[ $rc = "$want" ] && grep -qE -- "$pattern" "$TMP/out" && return
	echo "exit code $rc, wanted $want and '$pattern'"; show "$TMP/out"
	return 1
}
done_testing() {
	echo "1..$CASES"
	[ "$FAILED" = 0 ]
	exit
}
older_than() { [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" != "$1" ]; } # older_than KERNEL
need() { # need COMMAND: 77 if it is not installed
	command -v "$1" >/dev/null && return
	echo "SKIP: $1 is not installed"
	exit 77
}

# ---- the two ends ----

# pair [QUEUES [FAR-QUEUES]]: makes both namespaces and the veth pair between them, up, with quiet interfaces.
pair() {
	local q=${1:-2} far=${2:-${1:-2}} e
	[ "$(id -u)" = 0 ] || { echo "Bail out! namespaces need root"; exit 1; }
	ip netns add "${NS}a" && ip netns add "${NS}b" || exit 1
	ip link add va numtxqueues "$q" numrxqueues "$q" netns "${NS}a" type veth \
		peer name vb numtxqueues "$far" numrxqueues "$far" netns "${NS}b" || exit 1
	for e in a b; do
		# No IPv6 chatter: every frame on the wire is a test's own.
		at $e sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null
		# veth tells the receive queue only with NAPI on, which GRO or native XDP switches.
		at $e ethtool -K v$e gro on >/dev/null 2>&1
		at $e ip link set lo up
		at $e ip link set v$e up || exit 1
	done
	at a ip addr add 10.9.0.1/24 dev va
	at b ip addr add 10.9.0.2/24 dev vb
	within $PATIENCE carrier va || { echo "Bail out! no carrier"; exit 1; }
}
# unpair: removes them again, for a test that needs a fresh pair
unpair() { ip netns del "${NS}a"; ip netns del "${NS}b"; }
# at a|b COMMAND...: runs it at one end
at() { local e=$1; shift; ip netns exec "$NS$e" "$@"; }
carrier() { [ "$(at "${1#v}" cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }
mac() { at "${1#v}" cat "/sys/class/net/$1/address"; }
xdp_id() { at "${1#v}" ip -d link show "$1" | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'; }
no_xdp() { [ -z "$(xdp_id "$1")" ]; }
has_xdp() { [ -n "$(xdp_id "$1")" ]; }
pings() { at "$1" ping -n -q -c 1 -W "${3:-1}" "$2" >/dev/null 2>&1; } # pings END ADDRESS [SECONDS]

# ---- programs ----

# start OUT END COMMAND...: runs it at an end in the background, output to $TMP/OUT and OUT.err; pid in $PID.
# (bash makes background programs ignore SIGINT; a user's terminal does not.)
start() {
	local out=$TMP/$1 end=$2; shift 2
	: >"$out" >"$out.err" # now, not when the background gets to it: conditions look into them
	env --default-signal=INT,QUIT ip netns exec "$NS$end" "$@" >"$out" 2>"$out.err" </dev/null &
	PID=$!
	PIDS+=("$PID")
}
alive() { kill -0 "$1" 2>/dev/null && [ "$(sed 's/.*) //;s/ .*//' "/proc/$1/stat" 2>/dev/null)" != Z ]; }
gone() { ! alive "$1"; }
# finish PID SECONDS: waits for it to end by itself; its exit code, 124 after the deadline
finish() {
	within "$2" gone "$1" || return 124
	wait "$1"
}
# end PID [SIGNAL]: asks it to end and returns its exit code, 124 if it does not
end() {
	kill -"${2:-INT}" "$1" 2>/dev/null
	finish "$1" $PATIENCE
}
# within SECONDS COMMAND...: true as soon as the command is, false when the time is over
within() {
	local deadline=$(( $(now_ms) + $1 * 1000 )); shift
	until "$@"; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}
now_ms() { local t=${EPOCHREALTIME/./}; echo "${t%???}"; }
# listener END ADDRESS PORT: a TCP socket that takes connections and keeps them; pid in $PID
listener() {
	start listener "$1" python3 -c 'import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listens", flush=True)
kept = []
while True: kept.append(s.accept())' "$2" "$3"
	within $PATIENCE grep -q listens "$TMP/listener"
}
# field FILE PATH: one value out of the last JSON line of a file, "total.lost" or "ports.0.rx_pkts"
field() {
	python3 - "$1" "$2" <<-'PY'
	import json, sys
	lines = [l for l in open(sys.argv[1]) if l.lstrip().startswith("{")]
	v = json.loads(lines[-1]) if lines else {}
	for k in sys.argv[2].split("."):
	    v = v[int(k)] if isinstance(v, list) else v.get(k, {})
	print(v if v != {} else "absent")
	PY
}
is() { # is FILE PATH OPERATOR VALUE, by test(1)
	local v; v=$(field "$1" "$2")
	[ "$v" "$3" "$4" ] && return
	echo "$2 is $v, wanted $3 $4"
	return 1
}
# lcores N: "-l" argument for up to N lcores of the CPUs there are
lcores() {
	local n; n=$(nproc)
	[ "$n" -ge "$1" ] && n=$1
	python3 - "$n" <<-'PY'
	import os, sys
	print(",".join(map(str, sorted(os.sched_getaffinity(0))[:int(sys.argv[1])])))
	PY
}

# ---- plx-fwd at either end ----

LC=$(lcores 2)
COUNT=1000000; [ -z "$FAST" ] || COUNT=50000
FLOW_KEYS="lost duplicates reordered corrupt"

# forward OUT END MODE IFACE... [-- OPTION...]: starts plx-fwd and waits until it forwards; pid in $PID
forward() {
	local out=$1 end=$2 mode=$3 ifaces=() i; shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do ifaces+=(--iface "$1"); shift; done
	[ $# = 0 ] || shift
	start "$out" "$end" "$FWD" -l "$LC" -m 64M --idle adaptive "${ifaces[@]}" -- --mode "$mode" --json "$@"
	within $PATIENCE running "$out" || { show "$TMP/$out.err"; return 1; }
}
running() { grep -q ' running: ' "$TMP/$1.err"; } # ports and lcores were started
# generate OUT END IFACE COUNT RATE [OPTION...]: sends and checks what comes back; plx-fwd's exit code.
# The window keeps what is on the way below every ring and backlog (what is away for a second is written off, so it
# leaves room for the seconds that an emulated CPU stands still), and no frame goes to the host when the
# machine lets an lcore wait for a second, and the last echoes may take their time: a loss is a fault, not a busy
# machine.
generate() {
	local out=$1 end=$2 iface=$3 count=$4 rate=$5; shift 5
	start "$out" "$end" "$FWD" -l "$LC" -m 64M --idle adaptive --iface "$iface,stall=off" -- --mode flowgen --verify \
		--flows 64 --length "${LENGTH:-60-1514}" --count "$count" --rate "$rate" \
		--window "${WINDOW:-$((SLOW == 1 ? 512 : 64))}" --drain ${PATIENCE}s --json "$@"
	finish "$PID" $((count / 5000 + 2 * PATIENCE)) || { echo "exit code $?"; show "$TMP/$out" "$TMP/$out.err"; return 1; }
}
# intact OUT COUNT: the generator got every packet back, once, in order, with every byte right
intact() {
	local k
	is "$TMP/$1" total.sent -eq "$2" && is "$TMP/$1" total.received -eq "$2" || return 1
	for k in $FLOW_KEYS; do is "$TMP/$1" "total.$k" -eq 0 || return 1; done
}

#!/bin/bash
# SPDX-License-Identifier: MIT
# test_host.sh - the host comes first: whose frames they are with programs that read their ports in
# each way there is, or do not; with lcores that stand still; and with a parent that is killed.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

READING=$BUILD/tests/net/reading

# A second pair, for programs with two ports.
second_pair() {
	ip link add vc numtxqueues 2 numrxqueues 2 netns "${NS}a" type veth peer name vd numtxqueues 2 numrxqueues 2 netns "${NS}b" &&
		at a ip addr add 10.9.1.1/24 dev vc && at b ip addr add 10.9.1.2/24 dev vd &&
		at a ip link set vc up && at b ip link set vd up && at a ethtool -K vc gro on >/dev/null 2>&1 &&
		at b ethtool -K vd gro on >/dev/null 2>&1 &&
		at b ip neigh replace 10.9.1.1 lladdr "$(at a cat /sys/class/net/vc/address)" dev vd nud permanent &&
		at a ip neigh replace 10.9.1.2 lladdr "$(at b cat /sys/class/net/vd/address)" dev vc nud permanent
}
neighbours() {
	at a ip neigh replace 10.9.0.2 lladdr "$(mac vb)" dev va nud permanent &&
		at b ip neigh replace 10.9.0.1 lladdr "$(mac va)" dev vb nud permanent
}
# reads OUT WAY OPTION...: starts the program and waits until it runs
reads() {
	local out=$1 way=$2; shift 2
	start "$out" a "$READING" "$way" -l "$LC" -m 64M "$@"
	within $PATIENCE running "$out" || { show "$TMP/$out.err"; return 1; }
}
now_it_did() { within $PATIENCE grep -q '^now' "$TMP/$1.err"; }
answers() { local i; for i in 1 2 3 4 5 6 7 8; do pings b "$1" 5 || return 1; done; }
silent() { ! pings b "$1" 0.2; }
stays_silent() { local i; for i in 1 2 3 4 5; do silent "$1" || return 1; done; }
no_xdp_of() { ! at a ip link show "$1" | grep -q xdp; }
counter() { sed -n "s/^$2 $3 //p" "$TMP/$1"; } # counter OUT PORT NAME

# alone COMMAND...: when it fails, its program ends all the same, so that the next has the interface
alone() {
	"$@" && return
	kill -KILL "$PID" 2>/dev/null; within $PATIENCE gone "$PID"
	return 1
}

# one WAY WHOSE KEYS [OPTION...]: a program with one port; WHOSE: host or port
one() {
	local way=$1 whose=$2 keys=$3; shift 3
	reads one "$way" --iface "va,$keys" "$@" || return 1
	case $way in halt|leave) now_it_did one || return 1 ;; esac
	if [ "$whose" = host ]; then
		answers 10.9.0.1 || { echo "the host does not answer"; show "$TMP/one.err"; return 1; }
		within $PATIENCE no_xdp va || { echo "a program is attached"; return 1; }
	else
		within $PATIENCE silent 10.9.0.1 && stays_silent 10.9.0.1 || { echo "the host answers"; show "$TMP/one.err"; return 1; }
		has_xdp va || { echo "no program is attached"; return 1; }
	fi
	end "$PID" || return 1
	no_xdp va && answers 10.9.0.1
}

# one_way OPTION...: frames of the first port are the program's, those of the second the host's
one_way() {
	reads two first --iface "va,$*" --iface "vc,$*" || return 1
	within $PATIENCE silent 10.9.0.1 || { echo "the first port is not read"; return 1; }
	answers 10.9.1.1 || { echo "the second port's host does not answer"; show "$TMP/two.err"; return 1; }
	no_xdp_of vc || { echo "a program is attached to the second"; return 1; }
	end "$PID"
}

sends_only() {
	start send a "$FWD" -l "$LC" -m 64M --iface "va,$1" -- --mode txonly --rate 100 --duration 60
	within $PATIENCE running send && within $PATIENCE pings b 10.9.0.1 0.3 && answers 10.9.0.1 && within $PATIENCE no_xdp va && end "$PID"
}

pair 2
check "a second pair" second_pair
check "known neighbours" neighbours
# (longer than other programs may keep an lcore from its CPU, and than `answers` waits)
for stall in stall=20s stall=off; do
	for mode in native generic; do
		o="mode=$mode,$stall"
		check "no poller: the host's ($o)" alone one none host "$o"
		check "a poller that polls nothing: the host's ($o)" alone one opaque host "$o"
		check "a poller that names no queue and polls all: the program's ($o)" alone one all port "$o"
		check "a poller of each queue: the program's ($o)" alone one each port "$o"
		check "a registered thread reads: the program's ($o)" alone one foreign port "$o" --registered-threads 1
		check "any thread reads: the program's ($o)" alone one thread port "$o"
		check "the last poller leaves: the host's at once ($o)" alone one leave host "$o"
		check "its lcore halts: the host's at once ($o)" alone one halt host "$o"
		check "the second of two ports is only sent to: the host's ($o)" alone one_way "$o"
		check "plx-fwd that only sends: the host's ($o)" alone sends_only "$o"
	done
done
check "rxqs=0: sends only, and takes nothing" sends_only "rxqs=0"

# ---- main and lcores that stand still ----

# keeps WAY SECONDS: what main or another lcore does costs the healthy lcore of the port nothing
keeps() {
	local i
	reads keep "$1" --iface va,stall=1s || return 1
	within $PATIENCE silent 10.9.0.1 && now_it_did keep || return 1
	[ "$1" != hang ] || within $PATIENCE grep -q hangs "$TMP/keep.err" || return 1
	for i in $(seq "$2"); do silent 10.9.0.1 || { echo "the host answered"; return 1; }; done
	local t0; t0=$(now_ms)
	kill -TERM "$PID"
	within $((10 * SLOW)) gone "$PID" || { echo "it does not end"; return 1; }
	note "$1: ended after $(( $(now_ms) - t0 )) ms"
	[ $(( $(now_ms) - t0 )) -le "$3" ] || { echo "it ended after $(( $(now_ms) - t0 )) ms"; return 1; }
	within $SLOW no_xdp va && within $SLOW pings b 10.9.0.1 0.2
}
check "a timer that sleeps: no frame goes to the host, SIGTERM ends it within 2 s" alone keeps timer 10 $((2000 * SLOW))
check "another lcore hangs: no frame goes to the host, SIGTERM ends it within 10 s" alone keeps hang 10 $((10000 * SLOW))

# The lcore thread that reads queue 0, where one flow arrives.
lcore_tid() { local t; for t in /proc/"$1"/task/*; do grep -q -- "-lc$2\$" "$t/comm" && echo "${t##*/}"; done; }
frozen() { # frozen IDLE TIMES
	local i t0 ms pids
	reads ice each --iface va,stall=200ms --idle "$1" || return 1
	within $PATIENCE silent 10.9.0.1 || return 1
	for i in $(seq "$2"); do
		pids=()
		for t in /proc/"$PID"/task/*; do
			case $(cat "$t/comm") in *-lc*) "$READING" freeze "${t##*/}" 3 >"$TMP/freeze.${t##*/}" & pids+=($!) ;; esac
		done
		within 5 sh -c "[ \$(cat $TMP/freeze.* | grep -c frozen) = ${#pids[@]} ]" || { echo "not frozen"; return 1; }
		t0=$(now_ms)
		within 3 pings b 10.9.0.1 0.1 || { echo "round $i: the host did not answer"; return 1; }
		ms=$(( $(now_ms) - t0 ))
		[ $ms -le $((200 + 500 * SLOW)) ] || { echo "round $i: the host answered after $ms ms"; return 1; }
		wait "${pids[@]}"
		rm -f "$TMP"/freeze.*
		within $PATIENCE silent 10.9.0.1 || { echo "round $i: it does not take its frames again"; return 1; }
	done
	end "$PID"
}
N=3; [ -z "$FAST" ] || N=2; [ -z "${PLX_LONG:-}" ] || N=10
for idle in busy adaptive interrupt; do
	check "lcores frozen 3 s, $idle: the host answers within stall= and 0.5 s, $N times" alone frozen $idle $N
done

# The smallest stall=, a lively and then a silent wire: no frame of a healthy lcore passes.
healthy() {
	local s=$1 i stale
	reads fit each --iface va,stall=$((100 * SLOW))ms --idle adaptive || return 1
	within $PATIENCE silent 10.9.0.1 || return 1
	for i in $(seq "$s"); do
		at b "$FWD" -l "$LC" -m 64M --iface vb,rxqs=0 -- --mode txonly --rate 100k --duration 0.7 \
			--max-loss 100% >"$TMP/load" 2>&1 || { show "$TMP/load"; return 1; }
	done
	end "$PID" || return 1
	stale=$(counter fit va steer_passed_stale)
	note "$(counter fit va steer_redirected) frames to the program, $stale passed as its lcore stood still"
	[ "$(counter fit va steer_redirected)" -gt 10000 ] && [ "$stale" = 0 ]
}
N=10; [ -z "$FAST" ] || N=3
check "stall=100ms: no frame of a healthy lcore passes, under load and after silence" alone healthy $N

# A program in a time namespace of another time.
in_another_time() {
	: >"$TMP/time" >"$TMP/time.err"
	unshare -T --monotonic "$1" ip netns exec "${NS}a" "$READING" each -l "$LC" -m 64M --iface va,stall=200ms >"$TMP/time" 2>"$TMP/time.err" &
	PID=$!; PIDS+=("$PID")
	within $PATIENCE running time && within $PATIENCE silent 10.9.0.1 && stays_silent 10.9.0.1 || { show "$TMP/time.err"; return 1; }
	kill -STOP "$PID"
	within $((3 * SLOW)) pings b 10.9.0.1 0.2 || { echo "it never fails open"; return 1; }
	kill -CONT "$PID"
	end "$PID"
}
# time_case NAME SECONDS: where a program can be in such a namespace and have threads
time_case() {
	if unshare -T --monotonic "$2" python3 -c 'import threading; threading.Thread(target=int).start()' 2>/dev/null; then
		check "$1" alone in_another_time "$2"
	else
		skip "$1" "no time namespace that a program enters and has threads in"
	fi
}
up=$(cut -d. -f1 /proc/uptime) # no clock goes below 0
time_case "a clock behind does not matter" -$((up < 2000 ? up / 2 : 1000))
time_case "a clock 1000 s ahead does not matter" 1000

# ---- forked children ----

fork_stays() {
	reads family fork --iface va,stall=off || return 1
	local child; child=$(sed -n 's/^child \([0-9]*\)$/\1/p' "$TMP/family.err")
	within $PATIENCE grep -q 'child: plx_env_run returned -' "$TMP/family.err" || { show "$TMP/family.err"; return 1; }
	within $PATIENCE silent 10.9.0.1 || return 1
	PIDS+=("$child")
	kill -KILL "$PID"
	within $SLOW no_xdp va || { echo "the program is still attached"; return 1; }
	pings b 10.9.0.1 || { echo "the host does not answer"; return 1; }
	alive "$child" || { echo "the child ended"; show "$TMP/family.err"; return 1; }
	reads again each --iface va && end "$PID" && kill -KILL "$child"
}
check "a child that lives on keeps nothing of its killed parent" fork_stays
daemonizes() {
	start demon a "$READING" daemon -l "$LC" -m 64M --iface va
	within $PATIENCE grep -q 'forked' "$TMP/demon.err" || { show "$TMP/demon.err"; return 1; }
	! grep -qi 'fatal\|SIGSEGV' "$TMP/demon.err" && within $PATIENCE no_xdp va && pings b 10.9.0.1
}
check "daemon() after the environment is made: an error that says so, no crash" daemonizes
done_testing

#!/bin/bash
# SPDX-License-Identifier: MIT
# test_cycles.sh - starting and stopping over and over leaves nothing behind, at whatever moment it ends.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

ROUNDS=100; [ -z "$FAST" ] || ROUNDS=20
# ownerless: hugepages in use that no living process has mapped; those of other programs come and go
ownerless() {
	cat /proc/meminfo /proc/[0-9]*/status 2>/dev/null | awk '/^HugePages_Total/ { n += $2 } /^HugePages_Free/ { n -= $2 }
		/^Hugepagesize/ { kb = $2 } /^HugetlbPages/ { theirs += $2 } END { printf "%d\n", n - theirs / kb }'
}
none_left() { [ "$(ownerless)" -le "$before" ]; }

in_one_process() {
	at a "$BUILD/tests/net/cycles" $ROUNDS -l "$LC" -m 32M --log-level error --iface "va,$1" >"$TMP/cycles" 2>&1
	local rc=$?
	note "$(tail -n 1 "$TMP/cycles")"
	cat "$TMP/cycles"
	return $rc
}
processes() {
	local i rc
	for i in $(seq $((ROUNDS / 4))); do
		forward fwd a rxonly "va,$1" || return 1
		end "$PID"; rc=$?
		[ $rc = 0 ] || { echo "round $i: exit code $rc"; show "$TMP/fwd.err"; return 1; }
		no_xdp va || { echo "round $i: the XDP program is still there"; return 1; }
	done
}
# Ctrl-C at many moments of the start, evenly over its first 320 ms; the late ones meet it running
at_any_moment() {
	local i rc up=0
	for i in $(seq 0 $((ROUNDS / 2))); do
		start fwd a "$FWD" -l "$LC" -m 64M --iface va -- --mode rxonly
		sleep "$(awk "BEGIN { print $i * 0.64 / $ROUNDS }")"
		[ "$i" -lt $((ROUNDS / 2)) ] || within $PATIENCE running fwd # that long may be no start on a busy machine
		end "$PID" INT; rc=$?
		case $rc in 0 | 130) ;; *) echo "moment $i: exit code $rc"; show "$TMP/fwd.err"; return 1 ;; esac
		within $PATIENCE no_xdp va || { echo "moment $i: the XDP program is still there"; return 1; }
		running fwd && up=$((up + 1))
	done
	note "$up of $((ROUNDS / 2 + 1)) were running"
	[ $up -gt 0 ]
}
twice() { # a second Ctrl-C ends it at once
	forward fwd a rxonly va || return 1
	kill -STOP "$PID"; kill -INT "$PID"; kill -TERM "$PID"; kill -CONT "$PID"
	finish "$PID" $PATIENCE
	local rc=$?
	case $rc in 0 | 130 | 143) return 0 ;; *) echo "exit code $rc"; return 1 ;; esac
}
usable() { # the interface is as before: its queues can be bound, the host answers
	forward fwd a rxonly va && end "$PID" && pings b 10.9.0.1
}
pair 2
before=$(ownerless)
for driver in driver=af_xdp,mode=native driver=packet; do
	check "$ROUNDS environments one after the other in one process hold no more, $driver" in_one_process $driver
done
check "$((ROUNDS / 4)) starts and stops, af_xdp" processes driver=af_xdp
check "$((ROUNDS / 4)) starts and stops, packet" processes driver=packet
check "Ctrl-C at $((ROUNDS / 2)) moments of a start" at_any_moment
check "two signals at once" twice
check "the interface is usable afterwards" usable
check "no process is left in the namespace" test -z "$(ip netns pids "${NS}a")"
check "no hugepage is left behind" within $PATIENCE none_left
done_testing

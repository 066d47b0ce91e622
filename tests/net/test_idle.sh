#!/bin/bash
# SPDX-License-Identifier: MIT
# test_idle.sh - what doing nothing costs: adaptive sleeps and wakes at once, busy makes no system call.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

SECONDS_IDLE=10; [ -z "$FAST" ] || SECONDS_IDLE=4
LEAST=$((2 * SLOW)) # percent of a core, and ms
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

idle_share() { # idle_share POLICY DRIVER: CPU over some idle seconds below $LEAST % of one core
	start fwd a "$FWD" -l "$LC" -m 64M --idle "$1" --iface "va,$2" -- --mode icmpecho --json
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
	sleep 0.5 # past the start's own work
	local before after percent
	before=$(ticks "$PID"); sleep $SECONDS_IDLE; after=$(ticks "$PID")
	percent=$(awk "BEGIN { printf \"%.2f\", ($after - $before) * 100 / $(getconf CLK_TCK) / $SECONDS_IDLE }")
	note "$1, $2: $percent % of a core"
	awk "BEGIN { exit !($percent < $LEAST) }" || { echo "$percent % of a core"; return 1; }
}
# After that silence: time of the first answer in ms.  The machine is shared, so the best of 5, or of 20, counts;
# a program that wakes by a timer instead of the frame misses each time.
first_answer() {
	local i ms best=999
	at b ip neigh replace 10.9.0.77 lladdr "$(mac va)" dev vb
	for i in $(seq 20); do
		[ "$i" = 1 ] || sleep 1
		ms=$(at b ping -n -c 1 -W 1 10.9.0.77 | sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p')
		note "first answer after silence: ${ms:-none} ms"
		best=$(awk "BEGIN { print (${ms:-999} < $best) ? ${ms:-999} : $best }")
		[ "$i" -lt 5 ] || awk "BEGIN { exit !($best > $LEAST) }" || break
	done
	awk "BEGIN { exit !($best <= $LEAST) }" || { echo "best of $i: $best ms"; return 1; }
}
pair 2
at a ip addr flush dev va
for policy in adaptive interrupt; do
	for driver in driver=af_xdp,mode=native driver=packet; do
		check "$policy: below $LEAST % of a core when idle, $driver" idle_share $policy $driver
		check "$policy: the first packet after silence is answered within $LEAST ms, $driver" first_answer
		check "$policy: ends" end "$PID"
	done
done

# strace counts the calls of the lcore threads alone, while they poll in vain.
no_calls() {
	start fwd a "$FWD" -l "$LC" -m 64M --idle busy --iface "va,$1" -- --mode icmpecho --json
	local fwd=$PID tids="" t calls
	within $PATIENCE running fwd || { show "$TMP/fwd.err"; return 1; }
	for t in /proc/"$fwd"/task/*; do
		case $(cat "$t/comm") in *-lc[0-9]*) tids="$tids -p ${t##*/}" ;; esac
	done
	[ -n "$tids" ] || { echo "no lcore threads"; return 1; }
	# shellcheck disable=SC2086 # a list of words
	timeout -s INT 2 strace -qq -c -U calls,name $tids -o "$TMP/calls"
	calls=$(awk '$2 == "total" { print $1 }' "$TMP/calls")
	cat "$TMP/calls"
	end "$fwd" || return 1
	local empty; empty=$(field "$TMP/fwd" total.empty_polls)
	note "busy, $1: ${calls:-0} system calls in 2 s, $empty empty polls in all"
	[ "${calls:-0}" -le 4 ] || return 1
}
if command -v strace >/dev/null; then
	check "busy: no system call per empty poll, af_xdp" no_calls driver=af_xdp,mode=native
	check "busy: no system call per empty poll, packet" no_calls driver=packet
else
	skip "busy: no system call per empty poll" "strace is not installed"
fi
done_testing

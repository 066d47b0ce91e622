#!/bin/bash
# SPDX-License-Identifier: MIT
# test_kill.sh - the host comes first: after kill -9 under load, while the program hangs, with steer=none.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The load keeps its own end's reception for the host, so that b can ping all the while.
load() {
	start load b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,steer=none -- \
		--mode txonly --flows 64 --length 60 --rate 50k --duration 120 --max-loss 100%
	LOAD=$PID
	within $PATIENCE counts va rx_packets 1000
}
counts() { [ "$(at "${1#v}" cat "/sys/class/net/$1/statistics/$2")" -gt "$3" ]; }
packets() { at "${1#v}" cat "/sys/class/net/$1/statistics/$2"; }
silent() { ! pings b 10.9.0.1 0.2; }

# Known neighbours: an ARP request that was lost meanwhile is repeated only once a second.
neighbours() {
	at a ip neigh replace 10.9.0.2 lladdr "$(mac vb)" dev va nud permanent &&
		at b ip neigh replace 10.9.0.1 lladdr "$(mac va)" dev vb nud permanent
}

pair 2
check "both ends know each other's address" neighbours
check "a load of 50000 packets/s" load
check "ping reaches the host while only others send" pings b 10.9.0.1
check "plx-fwd takes the interface" forward fwd a rxonly va
check "now ping does not reach the host" within $PATIENCE silent
kill -KILL "$PID"; t0=$(now_ms)
check "kill -9: the host answers ping within 1 s, or 3 on a busy machine" within $((3 * SLOW)) pings b 10.9.0.1 0.2
note "first answer after $(( $(now_ms) - t0 )) ms"
check "kill -9: the XDP program is gone" within $PATIENCE no_xdp va
# The dead program's queues are released behind its back: each start meets them still held.  The
# fastest of three, or of nine, counts; the rest is other programs' time on a machine that is shared.
restarts() {
	local i t0 ms best=99999 limit=$((2000 * SLOW))
	for i in 1 2 3 4 5 6 7 8 9; do
		[ $i -le 3 ] || [ $best -gt $limit ] || break
		[ $i = 1 ] || kill -KILL "$PID"
		t0=$(now_ms)
		forward fwd a rxonly va -- --max-loss 100% || return 1
		ms=$(( $(now_ms) - t0 ))
		note "forwarding again after $ms ms"
		[ $ms -ge $best ] || best=$ms
	done
	[ $best -le $limit ]
}
check "restarts at once after kill -9 succeed within 2 s" restarts

# the program fails open after a second without a sign of life; the rest is for a busy machine
kill -STOP "$PID"; t0=$(now_ms)
check "a hung program: the host answers ping within 3 s" within $((3 * SLOW)) pings b 10.9.0.1 0.2
note "first answer after $(( $(now_ms) - t0 )) ms"
kill -CONT "$PID"
check "when it goes on, it has the interface again" within $PATIENCE silent
check "orderly end after that" end "$PID"
check "the host answers ping after an orderly end" within $PATIENCE pings b 10.9.0.1 0.2

# elsewhere SECONDS: in a time namespace so far away the same holds; no clock of a program's counts
elsewhere() {
	local uptime away=$1 fwd ok=1
	uptime=$(cut -d. -f1 /proc/uptime)
	[ "$away" -ge -$((uptime - 1)) ] || away=-$((uptime - 1)) # no clock may begin before zero
	start away a unshare --time --monotonic "$away" --fork --kill-child "$FWD" -l "$LC" -m 64M --idle adaptive --iface va \
		-- --mode rxonly --max-loss 100% --json
	within $PATIENCE running away || { show "$TMP/away.err"; return 1; }
	fwd=$(pgrep -P "$PID")
	within $PATIENCE silent || { echo "the program has not got the interface"; ok=0; }
	kill -STOP "$fwd"
	within $((3 * SLOW)) pings b 10.9.0.1 0.2 || { echo "the host does not answer while it hangs"; ok=0; }
	kill -CONT "$fwd"
	kill -INT "$fwd"
	finish "$PID" $PATIENCE && [ $ok = 1 ]
}
if unshare --time --fork true 2>/dev/null; then
	check "a hung program in a time namespace 1000 s behind: the host answers" elsewhere -1000
	check "a hung program in a time namespace 1000 s ahead: the host answers" elsewhere 1000
else
	skip "a hung program in another time namespace" "unshare --time: not permitted"
fi

check "steer=none starts" forward fwd a rxonly va,steer=none
check "steer=none leaves the host its traffic" pings b 10.9.0.1
check "steer=none ends" end "$PID"
check "the load ends" end "$LOAD"
check "nothing is attached afterwards" no_xdp va
done_testing

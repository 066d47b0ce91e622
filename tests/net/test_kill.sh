#!/bin/bash
# SPDX-License-Identifier: MIT
# test_kill.sh - the host comes first: after kill -9 under load, while the program hangs, with steer=none.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# The load keeps its own end's reception for the host, so that b can ping all the while.
load() {
	start load b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,steer=none -- \
		--mode txonly --flows 64 --length 60 --rate 50k --duration 120
	LOAD=$PID
	within 5 counts va rx_packets 1000
}
counts() { [ "$(at "${1#v}" cat "/sys/class/net/$1/statistics/$2")" -gt "$3" ]; }
packets() { at "${1#v}" cat "/sys/class/net/$1/statistics/$2"; }
silent() { ! pings b 10.9.0.1 0.2; }

pair 2
check "a load of 50000 packets/s" load
check "ping reaches the host while only others send" pings b 10.9.0.1
check "plx-fwd takes the interface" forward fwd a rxonly va
check "now ping does not reach the host" within 2 silent
kill -KILL "$PID"; t0=$(now_ms)
check "kill -9: the host answers ping within 1 s" within 1 pings b 10.9.0.1 0.2
note "first answer after $(( $(now_ms) - t0 )) ms"
check "kill -9: the XDP program is gone" within 1 no_xdp va
t0=$(now_ms)
check "an immediate restart" forward fwd a rxonly va
t1=$(( $(now_ms) - t0 ))
note "forwarding again after $t1 ms"
check "the restart took at most 2 s" test "$t1" -le 2000
kill -KILL "$PID"
t0=$(now_ms)
check "kill -9 and restart at once, queue still held by the dead" forward fwd a rxonly va
check "that restart took at most 2 s" test $(( $(now_ms) - t0 )) -le 2000

kill -STOP "$PID"; t0=$(now_ms)
check "a hung program: the host answers ping within 2 s" within 2 pings b 10.9.0.1 0.2
note "first answer after $(( $(now_ms) - t0 )) ms"
kill -CONT "$PID"
check "when it goes on, it has the interface again within 2 s" within 2 silent
check "orderly end after that" end "$PID"
check "the host answers ping after an orderly end" within 1 pings b 10.9.0.1 0.2

check "steer=none starts" forward fwd a rxonly va,steer=none
check "steer=none leaves the host its traffic" pings b 10.9.0.1
check "steer=none ends" end "$PID"
check "the load ends" end "$LOAD"
check "nothing is attached afterwards" no_xdp va
done_testing

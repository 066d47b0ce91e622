#!/bin/bash
# SPDX-License-Identifier: MIT
# test_link.sh - the interface goes down and up, and away, while packets move.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

packets() { at "${1#v}" cat "/sys/class/net/$1/statistics/$2"; }
more() { [ "$(packets "$1" "$2")" -gt "$3" ]; }
# moving: frames of the load come back from the forwarder
moving() { local n; n=$(packets vb rx_packets); within $PATIENCE more vb rx_packets $((n + 500)); }

flap_case() {
	forward fwd a macswap "va,$1" -- --max-loss 100% || return 1
	local fwd=$PID i
	start load b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,steer=none -- \
		--mode txonly --flows 64 --length 60-1514 --rate 20k --duration 300
	local load=$PID
	moving || { echo "nothing moves at first"; show "$TMP/fwd.err" "$TMP/load.err"; return 1; }
	for i in va vb; do
		at "${i#v}" ip link set $i down
		within $PATIENCE grep -q 'link.*down' "$TMP/fwd.err" || { echo "no word about $i down"; show "$TMP/fwd.err"; return 1; }
		at "${i#v}" ip link set $i up
		moving || { echo "nothing moves after $i was down and up"; show "$TMP/fwd.err" "$TMP/load.err"; return 1; }
		alive "$fwd" && alive "$load" || { echo "a program ended"; show "$TMP/fwd.err" "$TMP/load.err"; return 1; }
	done
	end "$load"; end "$fwd"
}
delete_case() {
	forward fwd a macswap "va,$1" || return 1
	local fwd=$PID rc
	start load b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,steer=none -- \
		--mode txonly --flows 64 --length 60-1514 --rate 20k --duration 300
	local load=$PID
	moving || { echo "nothing moves at first"; return 1; }
	at a ip link del va
	finish "$fwd" $PATIENCE; rc=$?
	[ $rc = 3 ] || { echo "plx-fwd: exit code $rc, wanted 3"; show "$TMP/fwd.err"; return 1; }
	grep -q 'va' "$TMP/fwd.err" || { echo "the error does not name va"; return 1; }
	[ "$(field "$TMP/fwd" result)" = failed ] || { echo "the summary says ok"; show "$TMP/fwd"; return 1; }
	finish "$load" $PATIENCE; rc=$?
	[ $rc = 3 ] || { echo "the load: exit code $rc, wanted 3"; show "$TMP/load.err"; return 1; }
}
mtu_case() {
	forward fwd a macswap "va,$1" || return 1
	local fwd=$PID rc
	at a ip link set va mtu 1700; at b ip link set vb mtu 1700
	start gen b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,stall=off -- \
		--mode flowgen --verify --length 1500-1700 --count 2000 --rate 20k --window 256 --json
	finish "$PID" $PATIENCE; rc=$?
	[ $rc = 0 ] || { echo "exit code $rc"; show "$TMP/gen" "$TMP/gen.err" "$TMP/fwd.err"; end "$fwd"; return 1; }
	intact gen 2000 || return 1
	at a ip link set va mtu 1900
	if [ "$1" != driver=packet ]; then
		within $PATIENCE grep -q 'va: its MTU is 1900 now.*ip link set va mtu 1770' "$TMP/fwd.err" ||
			{ echo "no word about an MTU beyond the frame"; show "$TMP/fwd.err"; return 1; }
	fi
	at a ip link set va address 02:00:00:00:77:01
	within $PATIENCE grep -q 'va: its address is 02:00:00:00:77:01 now, and was ' "$TMP/fwd.err" ||
		{ echo "no word about another address"; show "$TMP/fwd.err"; return 1; }
	end "$fwd"
}
for driver in driver=af_xdp,mode=native driver=af_xdp,mode=generic driver=packet; do
	pair 2
	check "link down and up under traffic, $driver" flap_case $driver
	check "an MTU raised while it runs, $driver" mtu_case $driver
	unpair
	pair 2
	check "interface deleted under traffic: device error, exit code 3, $driver" delete_case $driver
	unpair
done
done_testing

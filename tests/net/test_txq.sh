#!/bin/bash
# SPDX-License-Identifier: MIT
# test_txq.sh - two lcores and one transmit queue: an lcore without one sends through the other, and nothing is
# lost, doubled or put out of order within a flow; README's program and plx-l2fwd between ports of
# different queue counts, and without a port.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"
COUNT=200000; [ -z "$FAST" ] || COUNT=50000
L2FWD=$BUILD/apps/plx-l2fwd

# Two queues receive, on an lcore each where there are two CPUs; all goes back by one.
one_txq() { # one_txq KEYS
	forward fwd a macswap "va,$1,txqs=1" || return 1
	local fwd=$PID
	generate gen b vb "$COUNT" 100k || return 1
	intact gen "$COUNT" || return 1
	end "$fwd" || { echo "plx-fwd ended with $?"; show "$TMP/fwd.err"; return 1; }
	is "$TMP/fwd" ports.0.rxq.0.packets -gt 0 && is "$TMP/fwd" ports.0.rxq.1.packets -gt 0 || return 1
	is "$TMP/fwd" ports.0.txq.0.packets -eq "$COUNT" # each counted once
}
pair 2
check "macswap, af_xdp native, one transmit queue: $COUNT packets intact" one_txq driver=af_xdp,mode=native,stall=off
check "macswap, packet, one transmit queue: $COUNT packets intact" one_txq driver=packet
plan() { says 0 'sends    0    va:0 lcore [0-9]+ and through it [0-9]+' at a "$FWD" -l "$LC" --dry-run --iface va,txqs=1; }
[ "$LC" = "${LC#*,}" ] || check "--dry-run shows who sends through whom" plan
unpair

# vb -- va [program] vc -- vd, where va has two queues and vc one
wire() {
	ip netns add "${NS}c" || return 1
	ip link add vc numtxqueues 1 numrxqueues 1 netns "${NS}a" type veth \
		peer name vd numtxqueues 1 numrxqueues 1 netns "${NS}c" || return 1
	at a ip link set vc up; at c ip link set vd up; at c ip addr add 10.9.0.3/24 dev vd
	within $PATIENCE far_carrier
}
far_carrier() { [ "$(at c cat /sys/class/net/vd/carrier)" = 1 ]; }
carries() { # carries PROGRAM
	start prog a "$1" -l "$LC" -m 64M --idle adaptive --iface va,stall=off --iface vc,stall=off
	local prog=$PID
	within $PATIENCE running prog || { show "$TMP/prog.err"; return 1; }
	within $PATIENCE pings b 10.9.0.3 || { echo "no ping"; show "$TMP/prog.err"; return 1; }
	end "$prog"
}
# README's program as it is built in the tree
readme() {
	# shellcheck disable=SC2046 # a list of words
	cc -std=c11 -I"$BUILD/include" -o "$TMP/readme" "$HERE/readme.c" -L"$BUILD" -Wl,-rpath,"$BUILD" -lpollux
}
pair 2
check "a second port, of one queue" wire
check "README's program compiles" readme
check "README's program between two queues and one" carries "$TMP/readme"
check "README's program without a port says so" says 2 'nothing to receive: give a port by --iface NAME' timeout $PATIENCE "$TMP/readme"
# plx-l2fwd writes 02:00:00:00:00:<port> as destination: the far ends go by these
addresses() { at b ip link set vb address 02:00:00:00:00:00 && at c ip link set vd address 02:00:00:00:00:01; }
check "the far ends have the addresses that plx-l2fwd writes" addresses
check "plx-l2fwd between two queues and one" carries "$L2FWD"
check "plx-l2fwd without a port says so" says 2 'nothing to receive: give a port by --iface NAME' timeout $PATIENCE "$L2FWD"
done_testing

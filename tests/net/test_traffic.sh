#!/bin/bash
# SPDX-License-Identifier: MIT
# test_traffic.sh - a packet crosses: macswap over a two-queue veth in every copy mode, byte-exact, in
# order within each flow, without loss; io between two ports; modes and queues as asked for.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

# echo_case DRIVER-KEYS WANTED-MODE: what the generator sends comes back intact, by both queues
echo_case() {
	forward fwd a macswap "va,$1" || return 1
	local fwd=$PID
	generate gen b vb "$COUNT" 100k || return 1
	intact gen "$COUNT" || return 1
	end "$fwd" || { echo "plx-fwd ended with $?"; show "$TMP/fwd.err"; return 1; }
	is "$TMP/fwd" ports.0.mode = "$2" || return 1
	is "$TMP/fwd" ports.0.rxq.0.packets -gt 0 && is "$TMP/fwd" ports.0.rxq.1.packets -gt 0
}
pair 2
check "macswap, af_xdp native: $COUNT packets intact over two queues" \
	echo_case driver=af_xdp,mode=native,stall=off "native copy"
check "macswap, packet: $COUNT packets intact over two queues" echo_case driver=packet mmap
check "nothing is attached afterwards" no_xdp va
unpair

# Generic XDP takes the receive queue from the sender's transmit queue less one: with two of them a veth
# uses receive queue 0 alone, so the sender has three here.
pair 2 3
check "macswap, af_xdp generic: $COUNT packets intact over two queues" \
	echo_case driver=af_xdp,mode=generic,stall=off "generic copy"
unpair

# A second pair makes plx-fwd the wire between namespaces b and c:  vb -- va [io] vc -- vd
wire() {
	ip netns add "${NS}c" || return 1
	ip link add vc numtxqueues 2 numrxqueues 2 netns "${NS}a" type veth \
		peer name vd numtxqueues 2 numrxqueues 2 netns "${NS}c" || return 1
	at a ip link set vc up; at c ip link set vd up; at c ip addr add 10.9.0.3/24 dev vd
	within $PATIENCE running_link vd
}
running_link() { [ "$(at c cat "/sys/class/net/$1/carrier")" = 1 ]; }
ping_through() { # ping checks each payload byte itself
	local size
	for size in 0 18 777 1472; do
		at b ping -n -q -i 0.002 -c 200 -W 2 -s $size 10.9.0.3 >"$TMP/ping" || { cat "$TMP/ping"; return 1; }
		grep -q ' 200 received' "$TMP/ping" || { cat "$TMP/ping"; return 1; }
		! grep -i 'wrong data' "$TMP/ping" || return 1
	done
}
io_case() {
	forward wire a io "va,$1" "vc,$1" || return 1
	local wire=$PID
	within $PATIENCE pings b 10.9.0.3 # neighbours first: few packets may wait for them
	ping_through || return 1
	end "$wire" && is "$TMP/wire" total.copied -eq 0
}
pair 2
check "a second pair for io" wire
for driver in driver=af_xdp,mode=native,stall=off driver=af_xdp,mode=generic,stall=off driver=packet; do
	check "io between two ports of one pool carries ping, $driver" io_case $driver
done
done_testing

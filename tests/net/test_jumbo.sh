#!/bin/bash
# SPDX-License-Identifier: MIT
# test_jumbo.sh - frames of up to 9014 bytes, chains of three segments, or of six, one by one and in bursts of 8 and 32: made
# and checked by flowgen, forwarded by io and plx-l2fwd in every copy mode with the default rings, pool and frames, without
# a drop, and never is a ring said to be full.  A ring holds 512 of the longest while nobody reads it.
# shellcheck source=tests/net/lib.sh disable=SC2034
. "$(dirname "$0")/lib.sh"

MTU=9000 MOST=9014
WINDOW=128 # on the way: what half a ring of descriptors holds, of frames of 2048
HELD=512   # what one of frames of 4096 does
COUNT=10000; [ -z "$FAST" ] || COUNT=1000
L2FWD=$BUILD/apps/plx-l2fwd
NATIVE=va,mode=native GENERIC=va,mode=generic SENDS=9018
! older_than 6.6 || NATIVE=va GENERIC=va SENDS=9014 # which falls to the packet driver

jumbo() { # jumbo [QUEUES FAR-QUEUES]
	pair "$@"
	at a ip link set va mtu $MTU && at b ip link set vb mtu $MTU
}
# burst N LENGTHS: the generator's bursts of so many come back intact
burst() { LENGTH=$2 generate gen b vb $COUNT 20k --burst "$1" && intact gen $COUNT && dropped_none gen; }
dropped_none() { # dropped_none OUT: of the counters that say where a packet went
	python3 - "$TMP/$1" <<-'PY'
	import json, sys
	last = [json.loads(l) for l in open(sys.argv[1]) if l.startswith("{")][-1]
	bad = {k: v for p in last["ports"] for k, v in p["xstats"].items()
	       if v and ("_drop_" in k or k == "tx_stop_ring_full")}
	if last["total"]["tx_dropped"]:
	    bad["tx_dropped"] = last["total"]["tx_dropped"]
	if bad:
	    sys.exit("counted: %s" % bad)
	PY
}
# io KEYS [OPTION...]: starts plx-fwd with the pool, the rings and the frames that it takes by itself; pid in $PID
io() {
	local keys=$1; shift
	start io a "$FWD" -l "$LC" --idle adaptive "$@" --iface "va$keys" -- --mode io --json
	within $PATIENCE running io || { show "$TMP/io.err"; return 1; }
}
end_io() { # end_io PACKETS
	end "$IO" || { echo "plx-fwd ended with $?"; show "$TMP/io.err"; return 1; }
	dropped_none io && is "$TMP/io" ports.0.rx_packets -eq "$1"
}
io_case() {
	io "$@" || return 1
	IO=$PID
	burst 1 60-$MOST && burst 8 $MOST && burst 32 $MOST && end_io $((COUNT * 3))
}
# held_case KEYS: what comes while the program stands still waits in its ring
held_case() {
	local gen had
	io "$1" || return 1
	IO=$PID
	kill -STOP "$IO"
	had=$(arrived)
	start gen b "$FWD" -l "$LC" -m 64M --idle adaptive --iface vb,stall=off -- --mode flowgen --verify --flows 64 --length $MOST \
		--count $HELD --rate 20k --window $HELD --drain ${PATIENCE}s --json
	gen=$PID
	within $PATIENCE all_arrived $((had + HELD)) || echo "$(($(arrived) - had)) arrived"
	kill -CONT "$IO"
	finish "$gen" $((2 * PATIENCE)) || { show "$TMP/gen" "$TMP/gen.err"; return 1; }
	intact gen $HELD && dropped_none gen && end_io $HELD
}
arrived() { at a cat /sys/class/net/va/statistics/rx_packets; }
all_arrived() { [ "$(arrived)" -ge "$1" ]; }
l2fwd_case() {
	start l2fwd a "$L2FWD" -l "$LC" --idle adaptive --iface "va$1"
	local l2fwd=$PID
	within $PATIENCE running l2fwd && burst 32 60-$MOST || { show "$TMP/l2fwd.err"; return 1; }
	end "$l2fwd" || return 1
	grep -q "received $COUNT packets, .*; not forwarded 0, lost 0\$" "$TMP/l2fwd" || { show "$TMP/l2fwd"; return 1; }
}
# no_chains KEYS: where sockets take no packets of several buffers, a start says so, and what does instead
no_chains() {
	says 3 'va: MTU 9000 .*this kernel refuses chains of frames: use driver=packet without mode=, or ip link set va mtu 1770' \
		at a timeout $PATIENCE "$FWD" -l "$LC" -m 64M --log-level error --iface "va$1" -- --mode io
}
cases() { # cases NAME KEYS
	if [[ $2 == *mode=* ]] && older_than 6.6; then
		check "io, $1: this kernel has no chains of frames, and a start says so" no_chains "$2"
		skip "$1: jumbo frames" "XDP_USE_SG came with Linux 6.6"
		return
	fi
	check "io, $1: jumbo frames one by one and in bursts of 8 and 32" io_case "$2"
	check "plx-l2fwd, $1: in bursts of 32" l2fwd_case "$2"
}

jumbo
cases "what a port becomes by itself" ,stall=off
check "the same, frames of 2048 bytes" io_case ,stall=off --frame-size 2048
cases packet ,driver=packet
# few_buffers: ten of the longest packets fill a ring of 64 buffers, and what finds no room is told as that
few_buffers() {
	forward few a rxonly va,driver=af_xdp,mode=native,stall=off,rxd=64 || return 1
	local few=$PID
	start flood b "$FWD" -l "$LC" -m 64M --iface vb,stall=off -- --mode txonly --length $MOST --count 3000 --burst 32
	finish "$PID" $PATIENCE || { show "$TMP/flood.err"; return 1; }
	end "$few"
	is "$TMP/few" ports.0.xstats.rx_drop_kernel -eq 0 && is "$TMP/few" ports.0.xstats.rx_drop_fill_empty -gt 0
}
if older_than 6.6; then
	skip "a small ring: jumbo frames" "XDP_USE_SG came with Linux 6.6"
else
	check "long packets that find a small ring full are told by what they lacked" few_buffers
fi
check "a length beyond the MTU is refused" says 2 \
	"va: --length 9100 is more than the $SENDS bytes that it sends: raise its MTU" \
	at a "$FWD" -l "$LC" -m 64M --iface $NATIVE -- --mode txonly --length 9100
unpair
jumbo 1
check "$HELD wait for a program that stands still" held_case ,stall=off
check "the same, packet" held_case ,driver=packet
unpair
jumbo 2 3 # see test_traffic.sh
cases generic ,mode=generic,stall=off
check "icmpecho answers a ping of 8972 bytes" eval '
	forward echo a icmpecho $GENERIC && echo=$PID &&
	at b ip neigh replace 10.9.0.7 lladdr "$(mac va)" dev vb &&
	at b ping -n -q -c 50 -i 0.01 -W 2 -s 8972 10.9.0.7 | tee "$TMP/ping" && grep -q " 50 received" "$TMP/ping" &&
	! grep -i "wrong data" "$TMP/ping" && end $echo'
done_testing

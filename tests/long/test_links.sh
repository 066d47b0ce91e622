#!/bin/bash
# SPDX-License-Identifier: MIT
# test_links.sh - the interface of a running program goes down and up, changes its MTU, goes to another namespace and
# comes back, or is deleted and made anew, at random under load, in each mode, with one port or two: the program goes on
# while a port is left, and else ends in order; what is not the program's is the host's.  SEED=N repeats a run.
# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/../net/lib.sh"

LIVES=4 END_MS=0; [ -z "${PLX_LONG:-}" ] || { LIVES=100000; END_MS=$(($(now_ms) + PLX_LONG * 1000)); }
SEED=${SEED:-$((EPOCHSECONDS % 32768))}
RANDOM=$SEED
MODES=(driver=af_xdp,mode=native driver=af_xdp,mode=generic driver=packet)
READING=$BUILD/tests/net/reading

# wire NEAR FAR NUMBER: a veth pair between the namespaces, up, with known neighbours
wire() {
	ip link add "$1" numtxqueues 2 numrxqueues 2 netns "${NS}a" type veth \
		peer name "$2" numtxqueues 2 numrxqueues 2 netns "${NS}b" || return 1
	at a ethtool -K "$1" gro on >/dev/null 2>&1; at b ethtool -K "$2" gro on >/dev/null 2>&1
	addressed b "$2" "10.9.$3.2" && addressed a "$1" "10.9.$3.1" && known "$@"
}
addressed() { at "$1" ip addr replace "$3/24" dev "$2" && at "$1" ip link set "$2" up; }
known() { # known NEAR FAR NUMBER
	at a ip neigh replace "10.9.$3.2" lladdr "$(at b cat "/sys/class/net/$2/address")" dev "$1" nud permanent &&
		at b ip neigh replace "10.9.$3.1" lladdr "$(at a cat "/sys/class/net/$1/address")" dev "$2" nud permanent
}
load() { # load FAR
	start "load-$1" b "$FWD" -l "$LC" -m 32M --name "load-$1" --idle adaptive --iface "$1,rxqs=0" -- \
		--mode txonly --rate 20k --max-loss 100%
	within $PATIENCE running "load-$1" || { show "$TMP/load-$1.err"; return 1; }
}
attached() { at a ip link show "$1" 2>/dev/null | grep -q xdp; }
unattached() { ! attached "$1"; }
silent() { ! pings b "$1" 0.2; }
# taken ADDRESS: the frames there are the program's; the packet driver leaves the host its own
taken() { [ "$mode" = driver=packet ] || within $PATIENCE silent "$1"; }

flap() { # flap END INTERFACE
	at "$1" ip link set "$2" down
	sleep "0.$((RANDOM % 3))"
	at "$1" ip link set "$2" up
	known va vb 0 # an interface that goes down forgets them
}
resize() { at a ip link set va mtu $((1000 + RANDOM % 700)); }
abroad() { # to another namespace, where it is the host's at once, and back
	at a ip link set va netns "${NS}c" || return 1
	c ip addr add 10.9.0.1/24 dev va && c ip link set va up || return 1
	c ip neigh replace 10.9.0.2 lladdr "$(at b cat /sys/class/net/vb/address)" dev va nud permanent
	within $PATIENCE pings b 10.9.0.1 0.2 || { echo "the host of the other namespace does not answer"; return 1; }
	c ip link show va | grep -q xdp && { echo "the program is still on it there"; return 1; }
	c ip link set va netns "${NS}a" && addressed a va 10.9.0.1 && known va vb 0
}
c() { ip netns exec "${NS}c" "$@"; }
replaced() { # its far end, and the load there, go with it
	local rc
	at a ip link del va || return 1
	finish "$LOAD" $PATIENCE; rc=$?
	[ $rc = 3 ] || { echo "the load ended with exit code $rc"; show "$TMP/load-vb.err"; return 1; }
	wire va vb 0 && load vb && LOAD=$PID
}

life() { # life LAST PORTS
	local last=$1 ports=$2 ifaces=(--iface "va,$mode") prog i rc
	[ "$ports" = 1 ] || ifaces+=(--iface "vc,$mode")
	start prog a "$READING" each -l "$LC" -m 64M "${ifaces[@]}"
	prog=$PID
	within $PATIENCE running prog || { echo "it does not start"; return 1; }
	taken 10.9.0.1 || { echo "it does not receive"; return 1; }
	for i in $(seq $((1 + RANDOM % 4))); do
		case $((RANDOM % 3)) in
		0) did+=" down"; flap a va ;;
		1) did+=" far-down"; flap b vb ;;
		2) did+=" mtu"; resize ;;
		esac
		alive "$prog" || { echo "it ended"; return 1; }
	done
	taken 10.9.0.1 || { echo "it does not receive after$did"; return 1; }
	did+=" $last"
	$last || return 1
	if [ "$ports" = 1 ]; then
		finish "$prog" $PATIENCE; rc=$?
		[ $rc = 3 ] || { echo "without a port it ended with exit code $rc, wanted 3"; return 1; }
	else
		taken 10.9.1.1 || { echo "it does not receive by the other port"; return 1; }
		[ "$mode" = driver=packet ] || attached vc || { echo "the other port has no program"; return 1; }
		within $PATIENCE pings b 10.9.0.1 0.2 || { echo "the host does not answer by the new interface"; return 1; }
		end "$prog" TERM || { echo "it ended with exit code $?"; return 1; }
	fi
	unattached va && unattached vc || { echo "a program is attached"; return 1; }
	within $PATIENCE pings b 10.9.0.1 0.2 && within $PATIENCE pings b 10.9.1.1 0.2 ||
		{ echo "the host does not answer"; return 1; }
	! grep -i 'fatal\|assert\|Sanitizer' "$TMP/prog.err"
}
lives() {
	local i mode did last ports
	for i in $(seq "$LIVES"); do
		[ "$END_MS" = 0 ] || [ "$(now_ms)" -lt "$END_MS" ] || break
		# each end comes with one port and with two, and within twelve lives in each mode
		mode=${MODES[i % 3]} did='' ports=$((1 + i % 2)) last=abroad
		[ $((i % 4)) -lt 2 ] || last=replaced
		count=$i
		life $last $ports && continue
		echo "life $i, $mode, $ports ports, the interface:$did; again by SEED=$SEED"
		show "$TMP/prog.err"
		at a ip link show
		return 1
	done
}

note "SEED=$SEED"
pair 2
check "a namespace to go to" ip netns add "${NS}c"
check "the first pair" known va vb 0
check "a second pair" wire vc vd 1
check "a load on the second" load vd
check "a load on the first" load vb
LOAD=$PID count=0
check "links that come, go and change under load" lives
note "$count lives"
done_testing
